/* Agents in Redis: memory of the active process is the truth of its pool, Redis is what the next one starts from. A reservation is committed
 * there before it is offered; every other change is written through. While Redis is away memory decides alone, and on its return
 * everybody is written again. */
#include <string.h>

#include <utlist.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#include "service.h"

#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x
#define FLUSH_AT_ONCE 500
#define LATE_MS 50               /* writes that nobody waits for leave together: fewer wake-ups here and in Redis */

static void rec_of(struct presence_rec *r, const struct acd_agent *a)
{
	const struct acd_work *w = &a->work;

	*r = (struct presence_rec){
		.id = a->id, .ext = a->phone ? a->phone->ext : "", .queue = w->queue, .work = w->item, .res = w->rsv,
		.st = a->status, .want = a->want, .ver = a->ver, .since_at = a->since_at, .idle_since = a->idle_since,
		.handled = a->handled, .handled_day = a->handled_day, .is_seat = a->is_seat, .resume = a->resume, .wrap_at = a->wrap_at,
		.reason = a->reason, .cause = a->cause, .want_reason = a->want_reason, .want_cause = a->want_cause,
		.contact = w->contact, .matter = w->matter, .call = w->call, .customer = w->customer, .caller = w->caller, .gateway = w->gateway,
	};
}

static int can_write(const struct acd_service *s)
{
	return s->presence && presence_is_up(s->presence) && s->pool >= POOL_RECOVERING;
}

/* --- writing ------------------------------------------------------------------------------------------------------------------ */
struct write { struct acd_service *s; struct acd_agent *a; char rsv[YC_ID_LEN]; int is_flush; };

static void on_written(void *arg, enum presence_code c, int64_t ver);

static void not_late(struct acd_service *s, struct acd_agent *a)
{
	if (a->is_late)
		DL_DELETE2(s->late, a, lprev, lnext);
	a->is_late = 0;
}

/* is_flush: whatever stands there, and counted by the write-back. */
static void put(struct acd_service *s, struct acd_agent *a, struct acd_rsv *v, int is_flush)
{
	int64_t expect = is_flush ? -1 : a->redis_ver, ttl = v ? v->timeout_ms + s->conf.grace_ms : 0;
	struct write *w = yc_xcalloc(1, sizeof(*w));
	struct presence_rec r;
	const char *drop = *a->saved_rsv && (!v || strcmp(a->saved_rsv, v->id)) && a->status != ST(OFFERED) ? a->saved_rsv : "";

	w->s = s;
	w->a = a;
	w->is_flush = is_flush;
	s->flush_out += is_flush;
	yc_copy(w->rsv, sizeof(w->rsv), v ? v->id : "");
	not_late(s, a);
	a->redis_ver = a->ver;
	a->writes++;
	a->dirty = 0;
	rec_of(&r, a);
	presence_put(s->presence, &r, expect, ttl, drop, on_written, w);
	if (v)
		yc_copy(a->saved_rsv, sizeof(a->saved_rsv), v->id);
	else if (*drop)
		*a->saved_rsv = '\0';
}

static void flush_more(struct acd_service *s);

/* A version that is not ours under a lease that is: Redis has lost its last second, or somebody has written by hand. Ours stands. */
static void on_refused(struct acd_agent *a, int64_t ver)
{
	yc_warn("agent %s: Redis has version %lld, expected %lld", a->staff_no, (long long)ver, (long long)a->ver);
	if (ver >= a->ver)
		a->ver = ver + 1;
	a->dirty = 1;
}

static void on_written(void *arg, enum presence_code c, int64_t ver)
{
	struct write w = *(struct write *)arg;
	struct acd_service *s = w.s;
	struct acd_agent *a = w.a;

	yc_xfree(arg);
	a->writes--;
	s->flush_out -= w.is_flush;
	if (c == PRESENCE_FENCED) {
		pool_stand_down(s, "another process has written the pool");
		return;
	}
	if (c == PRESENCE_REFUSED)
		on_refused(a, ver);
	if (c == PRESENCE_AWAY && s->pool >= POOL_RECOVERING)
		a->dirty = s->degraded = 1;                /* written back when the lease is confirmed */
	if (c == PRESENCE_REFUSED && !a->writes && can_write(s))
		put(s, a, NULL, 1);
	if (*w.rsv)
		acd_rsv_committed(&s->x, w.rsv, c != PRESENCE_REFUSED);
	if (s->flushing)
		flush_more(s);
}

void keep_reserve(void *arg, struct acd_rsv *v)
{
	struct acd_service *s = arg;
	struct acd_agent *a = v->agent;

	v->ver = ++a->ver;
	if (can_write(s)) {
		put(s, a, v, 0);
		return;
	}
	a->dirty = 1;
	acd_rsv_committed(&s->x, v->id, 1);
}

void keep_late(struct acd_service *s)
{
	yc_timer_stop(&s->late_timer);
	while (s->late) {
		struct acd_agent *a = s->late;

		not_late(s, a);
		if (can_write(s))
			put(s, a, NULL, 0);
		else
			a->dirty = 1;
	}
}

static void on_late(void *arg)
{
	struct acd_service *s = arg;

	s->late_timer = NULL;
	keep_late(s);
}

void keep_save(void *arg, struct acd_agent *a, int soon)
{
	struct acd_service *s = arg;

	a->ver++;
	if (!can_write(s)) {
		a->dirty = 1;
	} else if (soon) {
		put(s, a, NULL, 0);
	} else if (!a->is_late) {
		a->is_late = 1;
		DL_APPEND2(s->late, a, lprev, lnext);
		if (!s->late_timer)
			s->late_timer = yc_timer_start(yc_node_loop(s->node), LATE_MS, 0, on_late, s);
	}
}

/* --- writing back ------------------------------------------------------------------------------------------------------------- */
static void flush_done(struct acd_service *s)
{
	s->flushing = 0;
	if (s->degraded)
		yc_info("Redis has everything again");
	s->degraded = 0;
}

static void flush_more(struct acd_service *s)
{
	if (!can_write(s)) {
		s->flushing = 0;                           /* begins anew when Redis returns */
		return;
	}
	for (; s->flush && s->flush_out < FLUSH_AT_ONCE; s->flush = s->flush->hh.next)
		if (s->flush->dirty)
			put(s, s->flush, NULL, 1);
	if (!s->flush && !s->flush_out)
		flush_done(s);
}

void keep_write_back(struct acd_service *s, int all)
{
	struct acd_agent *a, *tmp;

	if (all)
		HASH_ITER(hh, s->x.agents, a, tmp)
			a->dirty = a->ver > 0;
	s->flush = s->x.agents;
	s->flushing = 1;
	flush_more(s);
}

/* --- reading ------------------------------------------------------------------------------------------------------------------ */
static void restore_texts(struct acd_agent *a, const struct presence_rec *r)
{
	struct acd_work *w = &a->work;

	yc_copy(a->reason, sizeof(a->reason), r->reason);
	yc_copy(a->cause, sizeof(a->cause), r->cause);
	yc_copy(a->want_reason, sizeof(a->want_reason), r->want_reason);
	yc_copy(a->want_cause, sizeof(a->want_cause), r->want_cause);
	yc_copy(w->item, sizeof(w->item), r->work);
	yc_copy(w->rsv, sizeof(w->rsv), r->res);
	yc_copy(w->queue, sizeof(w->queue), r->queue);
	yc_copy(w->contact, sizeof(w->contact), r->contact);
	yc_copy(w->matter, sizeof(w->matter), r->matter);
	yc_copy(w->call, sizeof(w->call), r->call);
	yc_copy(w->customer, sizeof(w->customer), r->customer);
	yc_copy(w->caller, sizeof(w->caller), r->caller);
	yc_copy(w->gateway, sizeof(w->gateway), r->gateway);
	yc_copy(a->saved_rsv, sizeof(a->saved_rsv), r->res);
	yc_copy(a->told_reason, sizeof(a->told_reason), r->reason);
}

void keep_restore(struct acd_service *s, const struct presence_rec *r)
{
	struct acd *x = &s->x;
	struct acd_agent *a = acd_agent_make(x, r->id);
	struct acd_phone *p = *r->ext ? acd_phone_get(x, r->ext) : NULL;
	struct yc_err e;

	if (r->st < ST(OFFLINE) || r->st > ST(WRAP_UP) || r->want < 0 || r->want > PB__PRESENCE__PRESENCE_BREAK || a->status != ST(OFFLINE))
		return;
	restore_texts(a, r);
	a->ver = a->redis_ver = r->ver;
	a->want = (Pb__Presence)r->want;
	a->since_at = a->told_at = r->since_at;
	a->idle_since = r->idle_since;
	a->handled = r->handled;
	a->handled_day = r->handled_day;
	a->is_seat = r->is_seat != 0;
	a->resume = r->resume != 0;
	a->status = a->told = p && !p->agent ? (Pb__AgentStatus)r->st : ST(OFFLINE);
	a->told_want = a->want;
	a->told_once = 1;
	if (a->status != ST(OFFLINE)) {
		a->phone = p;
		p->agent = a;
		p->registered = 1;                         /* until the registrar says otherwise */
		a->restored = a->status == ST(OFFERED) || a->status == ST(BUSY);
		(void)!acd_agent_renew(x, a, &e);
	}
	if (a->status == ST(WRAP_UP))
		acd_agent_wrap_timer(x, a, r->wrap_at > yc_now() ? r->wrap_at - yc_now() : 0);
	acd_agent_place(x, a);
	acd_phone_asks(x, a);
}
