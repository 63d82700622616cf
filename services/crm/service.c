/* Crm: tables. */
#include "crm.h"

#define STAFF (YC_ROLE(AGENT) | YC_ROLE(LEADER) | YC_ROLE(HANDLER) | YC_ROLE(DISPATCHER) | YC_ROLE(SUPERVISOR) | YC_ROLE(ADMIN) | \
	       YC_ROLE(INTEGRATOR) | YC_SERVICES)

static const struct yc_rpc rpcs[] = {
	{ "Resolve",      crm_on_resolve,  STAFF, YC_RPC_DO,    1000 },     /* finds the same customer again, so no reply need be kept */
	{ "Get",          crm_on_get,      STAFF, YC_RPC_READ,  1000 },
	{ "List",         crm_on_list,     STAFF, YC_RPC_READ,  2000 },
	{ "Put",          crm_on_put,      STAFF, YC_RPC_WRITE, 2000 },
	{ "TimelineList", crm_on_timeline, STAFF, YC_RPC_READ,  1000 },
	{ 0 },
};

static const struct yc_sub subs[] = {
	{ "gateway", "call.started",      &pb__call_started__descriptor,  crm_on_call_started },
	{ "gateway", "call.ended",        &pb__call_ended__descriptor,    crm_on_call_ended },
	{ "ticket",  "order.created",     &pb__order_changed__descriptor, crm_on_order },
	{ "ticket",  "order.step",        &pb__order_changed__descriptor, crm_on_order },
	{ "ticket",  "order.answered",    &pb__order_changed__descriptor, crm_on_order },
	{ "ticket",  "order.closed",      &pb__order_changed__descriptor, crm_on_order },
	{ "ticket",  "order.handed_over", &pb__order_changed__descriptor, crm_on_order },
	{ 0 },
};

static enum yc_code start(struct yc_node *n, void *self, struct yc_err *e)
{
	struct crm *c = self;

	c->node = n;
	return YC_OK;
}

extern const struct yc_migration yc_schema_crm[];
const struct yc_service crm_service = {
	.name = "crm", .api = &pb__crm__descriptor, .rpcs = rpcs, .subs = subs, .schema = yc_schema_crm,
	.queries = crm_sql, .n_queries = CRM_Q_COUNT, .effects_ms = 200, .start = start,
};
