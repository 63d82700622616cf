/* Tables of the service, options, start and end. */
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/v1/gateway.pb-c.h"

#include "service.h"

extern const struct yc_migration yc_schema_acd[];

#define LEADERS (YC_ROLE(LEADER) | YC_ROLE(SUPERVISOR) | YC_ROLE(DISPATCHER) | YC_ROLE(ADMIN))
#define SELF (YC_ROLE(AGENT) | LEADERS | YC_SERVICES)
#define VIEW (SELF | YC_ROLE(BRANCH_ADMIN) | YC_ROLE(AUDITOR) | YC_ROLE(INTEGRATOR) | YC_ROLE(HANDLER))

const struct yc_rpc acd_rpcs[] = {
	/* method        handler           who          kind         deadline ms */
	{ "Enqueue",      on_enqueue,       YC_SERVICES, YC_RPC_DO,   2000 },
	{ "Leave",        on_leave,         YC_SERVICES, YC_RPC_DO,   2000 },
	{ "OfferEnd",     on_offer_end,     YC_SERVICES, YC_RPC_DO,   2000 },
	{ "End",          on_end,           YC_SERVICES, YC_RPC_DO,   2000 },
	{ "Resync",       on_resync,        YC_SERVICES, YC_RPC_DO,   5000 },
	{ "Position",     on_position,      YC_SERVICES, YC_RPC_READ, 1000 },
	{ "SessionPut",   on_session_put,   SELF,        YC_RPC_DO,   2000 },
	{ "SessionRenew", on_session_renew, SELF,        YC_RPC_DO,   1000 },
	{ "StatePut",     on_state_put,     SELF,        YC_RPC_DO,   1000 },
	{ "AgentGet",     on_agent_get,     VIEW,        YC_RPC_READ, 1000 },
	{ "AgentList",    on_agent_list,    VIEW,        YC_RPC_READ, 1000 },
	{ "Accept",       on_accept,        SELF,        YC_RPC_DO,   3000 },
	{ "Reject",       on_reject,        SELF,        YC_RPC_DO,   1000 },
	{ "WrapUp",       on_wrap_up,       SELF,        YC_RPC_DO,   1000 },
	{ "QueueList",    on_queue_list,    VIEW,        YC_RPC_READ, 1000 },
	{ "Live",         on_live,          VIEW,        YC_RPC_READ, 1000 },
	{ 0 }
};

const struct yc_sub acd_subs[] = {
	{ "directory", "person.changed", &pb__person__descriptor, people_on_person },
	{ "directory", "extension.changed", &pb__extension__descriptor, people_on_extension },
	{ "gateway", "phone.changed", &pb__phone_changed__descriptor, people_on_phone },
	{ 0 }
};

#define OPT_MS(f, dflt, help, min, max) { #f, YC_OPT_MS, offsetof(struct acd_opts, f), dflt, help, min, max, NULL }
const struct yc_opt acd_opts[] = {
	{ "pool", YC_OPT_STR, offsetof(struct acd_opts, pool), "main", "which pool of agents and queues this process serves", 0, 0, NULL },
	OPT_MS(grace_ms, "3s", "lease of a reservation beyond the ringing time", 100, 60000),
	OPT_MS(console_ms, "30s", "how long a console may be silent before its agent is signed out", 500, 3600000),
	OPT_MS(gateway_ms, "10s", "how long a gateway may be away before its contacts are ended", 500, 600000),
	OPT_MS(recover_ms, "2s", "how long a start waits for the gateways' contacts", 0, 60000),
	OPT_MS(audit_ms, "5m", "a talk this long is checked with its gateway, and again each time", 1000, 86400000),
	OPT_MS(seat_return_ms, "10s", "a seat without a console returns from a missed offer after this; 0: never", 0, 86400000),
	OPT_MS(lease_ms, "3s", "lease of the pool: how soon another instance takes over", 300, 60000),
	OPT_MS(utc_offset_ms, "8h", "where a day begins, for contacts handled today", -50400000, 50400000),
	{ "max_items", YC_OPT_INT, offsetof(struct acd_opts, max_items), "200000", "contacts in memory at most; beyond it Enqueue answers EXHAUSTED", 1, 10000000, NULL },
	{ 0 }
};

/* --- time: one timer, set to the core's next ------------------------------------------------------------------------------------ */
static void on_tick(void *arg)
{
	struct acd_service *s = arg;

	s->tick = NULL;
	s->tick_at = 0;
	acd_tick(&s->x);
}

static void set_tick(void *arg)
{
	struct acd_service *s = arg;
	int64_t due = acd_due(&s->x), now;

	if (due < 0 || (s->tick && s->tick_at <= due))
		return;
	now = yc_mono();
	yc_timer_stop(&s->tick);
	s->tick = yc_timer_start(yc_node_loop(s->node), due > now ? due - now : 0, 0, on_tick, s);
	s->tick_at = due;
}

/* --- start ---------------------------------------------------------------------------------------------------------------------- */
static void load_queue(struct acd_service *s, const void *msg)
{
	acd_queue_put(&s->x, msg);
}

static void load_seat(struct acd_service *s, const void *msg)
{
	acd_seat_put(&s->x, msg);
}

static void load_person(struct acd_service *s, const void *msg)
{
	acd_person_put(&s->x, msg);
}

static void load_extension(struct acd_service *s, const void *msg)
{
	acd_extension_put(&s->x, msg);
}

enum yc_code acd_load(struct acd_service *s, struct yc_err *e)
{
	enum yc_code c;

	if ((c = store_all(s, STORE_QUEUE, load_queue, e)) != YC_OK || (c = store_all(s, STORE_PERSON, load_person, e)) != YC_OK ||
	    (c = store_all(s, STORE_EXTENSION, load_extension, e)) != YC_OK || (c = store_all(s, STORE_SEAT, load_seat, e)) != YC_OK)
		return c;
	yc_info("%u queues, %u agents, %u extensions, %u seats from the store", HASH_COUNT(s->x.queues), HASH_COUNT(s->x.agents),
		HASH_COUNT(s->x.phones), HASH_COUNT(s->x.seats));
	return YC_OK;
}

static enum yc_code start(struct yc_node *n, void *self, struct yc_err *e)
{
	struct acd_service *s = self;
	struct acd_limits lim = {
		.grace_ms = s->conf.grace_ms, .console_ms = s->conf.console_ms, .gateway_ms = s->conf.gateway_ms, .audit_ms = s->conf.audit_ms,
		.park_ms = 250, .seat_return_ms = s->conf.seat_return_ms, .utc_offset_ms = s->conf.utc_offset_ms, .max_items = s->conf.max_items,
	};
	struct acd_ports port;
	enum yc_code c;

	s->node = n;
	out_ports(s, &port);
	acd_init(&s->x, &lim, &port);
	s->x.boot = yc_node_boot(n);
	out_metrics(s);
	if ((c = acd_load(s, e)) != YC_OK)
		return c;
	yc_loop_at_end(yc_node_loop(n), set_tick, s);
	people_fetch(s);
	return pool_open(s, e);
}

static void stop(struct yc_node *n, void *self)
{
	struct acd_service *s = self;

	pool_close(s);
	people_close(s);
	yc_timer_stop(&s->tick);
	acd_fini(&s->x);
}

static const char *health(struct yc_node *n, void *self)
{
	return pool_health(self);
}

/* What memory mirrors of the store is read again; versions make it harmless for what was kept. */
static void lost(struct yc_node *n, void *self)
{
	struct yc_err e = { 0 };

	if (acd_load(self, &e) != YC_OK)
		yc_error("store: %s", e.msg);
}

const struct yc_service acd_service = {
	.name = "acd",
	.api = &pb__acd__descriptor,
	.rpcs = acd_rpcs,
	.subs = acd_subs,
	.imports = acd_imports,
	.schema = yc_schema_acd,
	.queries = acd_sql, .n_queries = 12,
	.async_events = 1,
	.start = start,
	.stop = stop,
	.health = health,
	.lost = lost,
};
