/* Report: tables. */
#include "report.h"

#include "yc/log.h"

#define CHIEFS (YC_ROLE(ADMIN) | YC_ROLE(SUPERVISOR) | YC_ROLE(LEADER) | YC_ROLE(AUDITOR) | YC_SERVICES)
#define DESK (CHIEFS | YC_ROLE(AGENT) | YC_ROLE(DISPATCHER) | YC_ROLE(BRANCH_ADMIN) | YC_ROLE(INTEGRATOR))
#define READS (DESK | YC_ROLE(HANDLER))

static const struct yc_rpc rpcs[] = {
	{ "Today",      report_on_today,   DESK,   YC_RPC_READ, 5000 },
	{ "MatterGet",  report_on_matter,  READS,  YC_RPC_READ, 5000 },
	{ "MatterList", report_on_matters, READS,  YC_RPC_READ, 5000 },
	{ "Count",      report_on_count,   CHIEFS, YC_RPC_READ, 5000 },
	{ 0 },
};

static const struct yc_sub subs[] = {
	{ "gateway",   "call.started",      &pb__call_started__descriptor,    report_on_call_started },
	{ "gateway",   "call.menu",         &pb__call_menu__descriptor,       report_on_call_menu },
	{ "gateway",   "call.ended",        &pb__call_ended__descriptor,      report_on_call_ended },
	{ "gateway",   "recording.ready",   &pb__recording_ready__descriptor, report_on_recording },
	{ "acd",       "item.queued",       &pb__work_item__descriptor,       report_on_item },
	{ "acd",       "item.offered",      &pb__work_item__descriptor,       report_on_item },
	{ "acd",       "item.offer_ended",  &pb__work_item__descriptor,       report_on_item },
	{ "acd",       "item.accepted",     &pb__work_item__descriptor,       report_on_item },
	{ "acd",       "item.ended",        &pb__work_item__descriptor,       report_on_item },
	{ "acd",       "agent.state",       &pb__agent_changed__descriptor,   report_on_agent },
	{ "acd",       "queue.changed",     &pb__queue__descriptor,           report_on_queue },
	{ "ticket",    "order.created",     &pb__order_changed__descriptor,   report_on_order },
	{ "ticket",    "order.note",        &pb__order_changed__descriptor,   report_on_order },
	{ "ticket",    "order.taken",       &pb__order_changed__descriptor,   report_on_order },
	{ "ticket",    "order.step",        &pb__order_changed__descriptor,   report_on_order },
	{ "ticket",    "order.answered",    &pb__order_changed__descriptor,   report_on_order },
	{ "ticket",    "order.closed",      &pb__order_changed__descriptor,   report_on_order },
	{ "ticket",    "order.handed_over", &pb__order_changed__descriptor,   report_on_order },
	{ "ticket",    "order.due",         &pb__order_changed__descriptor,   report_on_order },
	{ "directory", "person.changed",    &pb__person__descriptor,          report_on_person },
	{ "directory", "org.changed",       &pb__org__descriptor,             report_on_org },
	{ 0 },
};

static enum yc_code start(struct yc_node *n, void *self, struct yc_err *e)
{
	struct report *r = self;

	r->node = n;
	if (yc_db_relax(yc_node_db(n), e) != YC_OK)     /* all of it comes from events, and is asked for again after a power cut */
		return e->code;
	if (report_names_open(r, e) != YC_OK)
		return e->code;
	report_copy(r, REPORT_COPY_ALL);
	return YC_OK;
}

static void stop(struct yc_node *n, void *self)
{
	report_names_close(self);
	report_today_free(self);
}

/* Names that were learned in a transaction that was lost are told again; those in memory are no worse for it. */
static void lost(struct yc_node *n, void *self)
{
	struct yc_err e = { 0 };

	report_names_close(self);
	if (report_names_open(self, &e) != YC_OK)
		yc_error("names: %s", e.msg);
	report_copy(self, REPORT_COPY_ALL);
}

extern const struct yc_migration yc_schema_report[];
const struct yc_service report_service = {
	.name = "report", .api = &pb__report__descriptor, .rpcs = rpcs, .subs = subs, .schema = yc_schema_report,
	.effects_ms = 200, .queries = report_sql, .n_queries = REPORT_Q_COUNT, .start = start, .stop = stop, .lost = lost,
};
