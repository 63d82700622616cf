/* The pool: only the process with the lease acts. Standing by -> loading agents from Redis -> recovering (the gateways tell their truth)
 * -> active. Losing the lease to somebody else leads back to standing by; losing Redis does not. */
#include <stdio.h>
#include <string.h>

#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#include "service.h"

#define POLL_MS 2000

/* --- recovery ----------------------------------------------------------------------------------------------------------------- */
static void activate(struct acd_service *s, const char *why)
{
	yc_timer_stop(&s->recover);
	if (s->pool != POOL_RECOVERING)
		return;
	s->pool = POOL_ACTIVE;
	acd_reconcile(&s->x);
	yc_info("pool %s: active with epoch %lld (%s), %u items", s->conf.pool, (long long)s->epoch, why, HASH_COUNT(s->x.items));
	acd_open(&s->x);
}

static void recover_over(void *arg)
{
	struct acd_service *s = arg;

	s->recover = NULL;
	activate(s, "not every gateway has answered");
}

void pool_resynced(struct acd_service *s)
{
	struct acd_gateway *g, *tmp;

	if (s->pool != POOL_RECOVERING || !s->asked_bus)
		return;
	HASH_ITER(hh, s->x.gateways, g, tmp)
		if (g->up && !g->resynced)
			return;
	activate(s, "all gateways have answered");
}

/* Gateways resync when they hear of a boot they do not know; each announcement has one. */
static void announce(struct acd_service *s)
{
	Pb__AcdStarted m = PB__ACD_STARTED__INIT;
	struct yc_err e = { 0 };

	snprintf(s->boot, sizeof(s->boot), "%s.%d", yc_node_boot(s->node), ++s->announced);
	s->x.boot = s->boot;
	m.boot = s->boot;
	m.pool = s->conf.pool;
	m.epoch = s->epoch;
	if (yc_emit(s->node, "acd.started", "", s->conf.pool, &m, &e) != YC_OK)
		yc_error("acd.started: %s", e.msg);
}

static void recover(struct acd_service *s)
{
	s->pool = POOL_RECOVERING;
	s->asked_bus = 0;
	announce(s);
	s->recover = yc_timer_start(yc_node_loop(s->node), s->conf.recover_ms, 0, recover_over, s);
	keep_write_back(s, 0);                             /* what changed while loading: a phone that is gone */
	acd_seats_apply(&s->x);
}

static void on_agent(void *arg, const struct presence_rec *r)
{
	keep_restore(arg, r);
}

static void poll_bus(void *arg);

static void on_loaded(void *arg, int ok)
{
	struct acd_service *s = arg;

	if (s->pool != POOL_LOADING)
		return;
	if (!ok) {
		acd_forget(&s->x);
		s->pool = POOL_STANDBY;                    /* begins anew with the next word about the lease */
		return;
	}
	recover(s);
	poll_bus(s);
}

void pool_stand_down(struct acd_service *s, const char *why)
{
	if (s->pool == POOL_STANDBY)
		return;
	yc_warn("pool %s: standing down: %s", s->conf.pool, why);
	s->pool = POOL_STANDBY;
	s->degraded = s->flushing = 0;
	keep_late(s);                                      /* cannot be written any more */
	yc_timer_stop(&s->recover);
	acd_forget(&s->x);
}

/* --- the lease ---------------------------------------------------------------------------------------------------------------- */
/* Configuration may have come in through another instance meanwhile. */
static void begin_loading(struct acd_service *s)
{
	struct yc_err e = { 0 };

	if (acd_load(s, &e) != YC_OK)
		yc_error("store: %s", e.msg);
	s->pool = POOL_LOADING;
	presence_load(s->presence, on_agent, on_loaded, s);
}

static void on_lease(void *arg, int is_ours, int64_t epoch, const char *instance)
{
	struct acd_service *s = arg;

	yc_copy(s->holder, sizeof(s->holder), instance);
	if (!is_ours) {
		pool_stand_down(s, instance);
		return;
	}
	s->epoch = epoch;
	if (s->pool == POOL_STANDBY)
		begin_loading(s);
	else if (s->pool >= POOL_RECOVERING && s->degraded && !s->flushing)
		keep_write_back(s, 1);
}

static void on_away(void *arg)
{
	struct acd_service *s = arg;

	if (s->pool < POOL_RECOVERING)
		return;
	if (!s->degraded)
		yc_warn("pool %s: Redis is away: going on from memory", s->conf.pool);
	s->degraded = 1;
}

/* --- who else lives ------------------------------------------------------------------------------------------------------------ */
/* Another process may have taken the pool while we could not ask Redis. Who serves it says that he is ready. */
static void on_peer(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct acd_service *s = arg;
	const Pb__HealthReply *h = msg;

	if (code != YC_OK || !h->ready || !s->degraded)
		return;
	yc_copy(s->holder, sizeof(s->holder), h->instance);
	pool_stand_down(s, h->instance);
}

static void ask_peer(struct acd_service *s, const char *instance)
{
	static const Pb__Empty empty = PB__EMPTY__INIT;
	char service[ACD_CODE + 8];
	struct yc_call c = { .service = service, .api = &pb__node__descriptor, .method = "Health", .in = &empty, .timeout_ms = 1000,
			     .fn = on_peer, .arg = s };

	snprintf(service, sizeof(service), "acd@%.*s", ACD_CODE - 1, instance);
	yc_node_call(s->node, &c);
}

static int listed(const Pb__BusInstances *m, const char *name)
{
	for (size_t i = 0; i < m->n_instances; i++)
		if (!strcmp(m->instances[i]->instance, name))
			return 1;
	return 0;
}

static void on_instances(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct acd_service *s = arg;
	const Pb__BusInstances *m = msg;
	struct acd_gateway *g, *tmp;
	int returned = 0;

	if (code != YC_OK || s->pool < POOL_RECOVERING)
		return;
	for (size_t i = 0; i < m->n_instances; i++)
		if (!strcmp(m->instances[i]->service, "gateway"))
			returned |= acd_gateway_seen(&s->x, m->instances[i]->instance, m->instances[i]->boot);
		else if (s->degraded && !strcmp(m->instances[i]->service, "acd") && strcmp(m->instances[i]->instance, yc_node_instance(s->node)))
			ask_peer(s, m->instances[i]->instance);
	HASH_ITER(hh, s->x.gateways, g, tmp)
		if (!listed(m, g->name))
			acd_gateway_lost(&s->x, g);
	s->asked_bus = 1;
	if (returned)
		announce(s);                               /* with contacts we have given up, perhaps */
	pool_resynced(s);
}

static void poll_bus(void *arg)
{
	struct acd_service *s = arg;
	static const Pb__Empty empty = PB__EMPTY__INIT;
	struct yc_call c = { .service = "bus", .api = &pb__bus__descriptor, .method = "Instances", .in = &empty, .timeout_ms = 1000,
			     .fn = on_instances, .arg = s };

	if (s->pool >= POOL_RECOVERING)
		yc_node_call(s->node, &c);
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */
enum yc_code pool_open(struct acd_service *s, struct yc_err *e)
{
	const struct yc_node_conf *nc = yc_node_conf(s->node);
	struct yc_loop *l = yc_node_loop(s->node);
	struct presence_conf c = {
		.url = nc->redis, .site = nc->site, .pool = s->conf.pool, .instance = yc_node_instance(s->node), .boot = yc_node_boot(s->node),
		.lease_ms = s->conf.lease_ms, .arg = s, .lease = on_lease, .away = on_away,
	};

	s->poll = yc_timer_start(l, POLL_MS, POLL_MS, poll_bus, s);
	return presence_open(&s->presence, l, &c, e);
}

void pool_close(struct acd_service *s)
{
	yc_timer_stop(&s->poll);
	yc_timer_stop(&s->recover);
	keep_late(s);
	if (s->presence) {
		presence_release(s->presence);
		yc_loop_once(yc_node_loop(s->node), 20);   /* lets it leave */
	}
	s->pool = POOL_STANDBY;
	acd_forget(&s->x);                                 /* no answer that comes now may lead to an offer */
	presence_close(&s->presence);
}

const char *pool_health(const struct acd_service *s)
{
	static const char *const why[] = {
		[POOL_STANDBY] = "standing by: another instance serves the pool, or Redis cannot be asked",
		[POOL_LOADING] = "reading agents from Redis",
		[POOL_RECOVERING] = "waiting for the gateways' contacts",
	};

	if (s->pool != POOL_ACTIVE)
		return why[s->pool];
	return s->degraded ? "degraded: Redis is away, going on from memory" : NULL;
}
