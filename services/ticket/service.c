/* Ticket: tables. */
#include <stddef.h>

#include "store.h"
#include "yc/log.h"

const struct yc_opt ticket_opts[] = {
	{ "centre", YC_OPT_STR, offsetof(struct ticket_conf, centre), "", "organisation that holds the centre's steps (default: the first-asked owner's)", 0, 0, NULL },
	{ 0 },
};

#define STAFF (YC_ROLE(AGENT) | YC_ROLE(LEADER) | YC_ROLE(SUPERVISOR) | YC_ROLE(DISPATCHER) | YC_ROLE(ADMIN))
#define ACTS (STAFF | YC_ROLE(HANDLER) | YC_ROLE(BRANCH_ADMIN) | YC_ROLE(INTEGRATOR) | YC_SERVICES)
#define READS (ACTS | YC_ROLE(AUDITOR))
/* Business is accepted only at the centre or a service point, so departments raise no orders. */
#define ACCEPTS (STAFF | YC_ROLE(BRANCH_ADMIN) | YC_ROLE(INTEGRATOR) | YC_SERVICES)

static const struct yc_rpc rpcs[] = {
	{ "Create",      ticket_on_create,    ACCEPTS, YC_RPC_WRITE, 2000 },
	{ "Get",         ticket_on_get,       READS,   YC_RPC_READ,  1000 },
	{ "List",        ticket_on_list,      READS,   YC_RPC_READ,  2000 },
	{ "EntryList",   ticket_on_entries,   READS,   YC_RPC_READ,  1000 },
	{ "Note",        ticket_on_note,      ACTS,    YC_RPC_WRITE, 2000 },
	{ "Take",        ticket_on_take,      ACTS,    YC_RPC_WRITE, 2000 },
	{ "Step",        ticket_on_step,      ACTS,    YC_RPC_WRITE, 2000 },
	{ "Answer",      ticket_on_answer,    ACTS,    YC_RPC_WRITE, 2000 },
	{ "Close",       ticket_on_close,     ACTS,    YC_RPC_WRITE, 2000 },
	{ "HandOver",    ticket_on_hand_over, ACTS,    YC_RPC_WRITE, 2000 },
	{ "Due",         ticket_on_due,       READS,   YC_RPC_READ,  1000 },
	{ "ServiceList", ticket_on_services,  READS,   YC_RPC_READ,  1000 },
	{ "ProcessList", ticket_on_processes, READS,   YC_RPC_READ,  1000 },
	{ 0 },
};

static const struct yc_sub subs[] = {
	{ "directory", "calendar.changed", &pb__calendar__descriptor, ticket_on_calendar },
	{ "directory", "org.changed",      &pb__org__descriptor,      ticket_on_org },
	{ "directory", "person.changed",   &pb__person__descriptor,   ticket_on_person },
	{ 0 },
};

static enum yc_code start(struct yc_node *n, void *self, struct yc_err *e)
{
	struct ticket *t = self;

	t->node = n;
	if (ticket_site_code(yc_node_conf(n)->site, t->site, e) != YC_OK)
		return e->code;
	if (ticket_copy_start(t, e) != YC_OK)
		return e->code;
	ticket_recalc_start(t);         /* goes on where a restart interrupted it */
	return YC_OK;
}

static void stop(struct yc_node *n, void *self)
{
	struct ticket *t = self;

	yc_timer_stop(&t->recalc);
	yc_timer_stop(&t->copy);
	ticket_calendars_free(t);
}

static const char *health(struct yc_node *n, void *self)
{
	return ticket_copy_missing(self);
}

extern const struct yc_migration yc_schema_ticket[];
const struct yc_service ticket_service = {
	.name = "ticket", .api = &pb__ticket__descriptor, .rpcs = rpcs, .subs = subs, .imports = ticket_imports,
	.schema = yc_schema_ticket, .queries = ticket_sql, .n_queries = Q_COUNT,
	.start = start, .stop = stop, .health = health,
};
