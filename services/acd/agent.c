/* An agent: presence with reason, cause and age, plus one slot. Every change of status goes through acd_agent_step, that is, the table. */
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#include "acd.h"

#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x
#define WANT(x) PB__PRESENCE__PRESENCE_##x
#define HOLD_MS 50

struct acd_agent *acd_agent_find(struct acd *x, const char *id)
{
	struct acd_agent *a;

	HASH_FIND_STR(x->agents, id, a);
	return a;
}

int acd_slot_free(const struct acd_agent *a)
{
	return a->status == ST(OFFLINE) || a->status == ST(READY) || a->status == ST(BREAK);
}

/* --- what the routing core knows ---------------------------------------------------------------------------------------------- */
static void set_in(struct acd *x, struct acd_agent *a)
{
	if (a->held || a->r.idle)
		return;
	route_idle(x->route, &a->r, a->idle_since);
	acd_todo_agent(x, a);
}

/* In service: works, or is ready to. */
static void set_service(struct acd *x, struct acd_agent *a)
{
	int was = a->r.service;

	route_agent_on(x->route, &a->r, a->status != ST(OFFLINE), a->status != ST(OFFLINE) && a->want == WANT(READY));
	if (was && !a->r.service)
		acd_recheck_picky(x);
}

void acd_agent_place(struct acd *x, struct acd_agent *a)
{
	if (a->status == ST(READY))
		set_in(x, a);
	else
		route_busy(x->route, &a->r);
	set_service(x, a);
}

static void end_hold(struct acd *x, void *owner)
{
	struct acd_agent *a = owner;

	a->held = 0;
	if (a->status == ST(READY))
		set_in(x, a);
}

void acd_agent_hold(struct acd *x, struct acd_agent *a)
{
	a->held = 1;
	acd_timer_set(x, &a->hold, HOLD_MS, end_hold, a);
}

/* --- what the world is told --------------------------------------------------------------------------------------------------- */
void acd_agent_tell(struct acd *x, struct acd_agent *a, const char *disposition, const char *note)
{
	struct acd_told t = { .agent = a, .was = a->told, .was_reason = a->told_reason, .disposition = disposition, .note = note };
	int same = a->told_once && a->told == a->status && !strcmp(a->told_reason, a->reason);

	if (same && a->told_want == a->want && !*disposition && !*note)
		return;
	t.was_ms = a->told_once && !same ? yc_now() - a->told_at : 0;  /* an end of something, or no time: so sums are right */
	x->port.tell_agent(x->port.arg, &t);
	if (!same)
		a->told_at = yc_now();
	a->told = a->status;
	a->told_want = a->want;
	a->told_once = 1;
	yc_copy(a->told_reason, sizeof(a->told_reason), a->reason);
}

/* --- the step ----------------------------------------------------------------------------------------------------------------- */
static void count_contact(struct acd *x, struct acd_agent *a)
{
	int64_t day = (yc_now() + x->lim.utc_offset_ms) / 86400000;

	if (day != a->handled_day)
		a->handled = 0;
	a->handled_day = day;
	a->handled++;
}

static void sign_out(struct acd_agent *a)
{
	if (a->phone && a->phone->agent == a)
		a->phone->agent = NULL;
	a->phone = NULL;
	a->is_seat = a->resume = 0;
}

static void enter(struct acd *x, struct acd_agent *a, Pb__AgentStatus to, enum agent_event ev)
{
	int resting = to == ST(BREAK) || to == ST(OFFLINE);

	if (to == ST(READY) && ev != AG_FREED)
		a->idle_since = yc_now();
	if (to == ST(BUSY))
		count_contact(x, a);
	if (a->status == ST(WRAP_UP))
		acd_timer_off(x, &a->wrap);
	a->wrap_at = 0;
	a->status = to;
	a->since_at = yc_now();
	a->restored = 0;
	yc_copy(a->reason, sizeof(a->reason), resting ? a->want_reason : "");
	yc_copy(a->cause, sizeof(a->cause), resting || to == ST(READY) ? a->want_cause : "system");
	if (to == ST(OFFLINE)) {
		acd_timer_off(x, &a->console);
		sign_out(a);
	}
}

static void end_wrap(struct acd *x, void *owner)
{
	acd_agent_step(x, owner, AG_WRAPPED);
}

void acd_agent_wrap_timer(struct acd *x, struct acd_agent *a, int64_t ms)
{
	a->wrap_at = yc_now() + ms;
	acd_timer_set(x, &a->wrap, ms, end_wrap, a);
}

static int64_t wrapup_ms(struct acd *x, const struct acd_agent *a)
{
	const struct acd_queue *q = acd_queue_find(x, a->work.queue);

	return q ? q->wrapup_ms : 0;
}

static void effect(struct acd *x, struct acd_agent *a, int fx, enum agent_event ev)
{
	switch (fx) {
	case AX_SET_OUT:
		route_busy(x->route, &a->r);
		break;
	case AX_SET_IN:
		set_in(x, a);
		break;
	case AX_WRAP_TIMER:
		acd_agent_wrap_timer(x, a, wrapup_ms(x, a));
		break;
	case AX_CLEAR_WORK:
		memset(&a->work, 0, sizeof(a->work));
		break;
	case AX_SAVE:
		x->port.save(x->port.arg, a, ev == AG_READY || ev == AG_BREAK || ev == AG_OFFLINE || ev == AG_MISSED);
		break;
	case AX_TELL:
		acd_agent_tell(x, a, "", "");
		break;
	}
}

enum yc_code acd_agent_step(struct acd *x, struct acd_agent *a, enum agent_event ev)
{
	struct agent_facts f = { a->want, ev == AG_END && wrapup_ms(x, a) > 0 };
	const struct yc_fsm_row *row = yc_fsm_next(&acd_agent_fsm, (int)a->status, ev, &f);

	if (!row)
		return YC_CONFLICT;
	if (row->to >= 0)
		enter(x, a, (Pb__AgentStatus)row->to, ev);
	set_service(x, a);
	for (int i = 0; i < YC_FSM_MAX_FX && row->effects[i]; i++)
		effect(x, a, row->effects[i], ev);
	return YC_OK;
}

/* --- wishes ------------------------------------------------------------------------------------------------------------------- */
static void set_want(struct acd_agent *a, Pb__Presence want, const char *reason, const char *cause)
{
	a->want = want;
	yc_copy(a->want_reason, sizeof(a->want_reason), reason);
	yc_copy(a->want_cause, sizeof(a->want_cause), cause);
}

static enum agent_event event_of(Pb__Presence want)
{
	return want == WANT(READY) ? AG_READY : want == WANT(BREAK) ? AG_BREAK : AG_OFFLINE;
}

static void seat_returns(struct acd *x, void *owner)
{
	struct acd_agent *a = owner;

	a->held = 0;
	if (a->is_seat && a->status == ST(BREAK) && !strcmp(a->want_cause, "system"))
		acd_agent_wish(x, a, WANT(READY), "", "system");
}

void acd_agent_missed(struct acd *x, struct acd_agent *a, const char *reason, const char *cause)
{
	if (a->want != WANT(OFFLINE)) {
		a->resume = a->want == WANT(READY) && !strcmp(reason, "phone_lost");
		set_want(a, WANT(BREAK), reason, cause);
	}
	acd_agent_step(x, a, AG_MISSED);
	if (a->is_seat && x->lim.seat_return_ms > 0)
		acd_timer_set(x, &a->hold, x->lim.seat_return_ms, seat_returns, a);
}

void acd_agent_wish(struct acd *x, struct acd_agent *a, Pb__Presence want, const char *reason, const char *cause)
{
	ACD_ENTER(x);
	int lacks_phone = want == WANT(READY) && !acd_phone_ok(a->phone);

	if (a->status == ST(OFFERED) && want == WANT(OFFLINE) && a->rsv) {
		set_want(a, want, reason, cause);
		acd_rsv_step(x, a->rsv, RV_WITHDRAW, "signed_out");
		return;
	}
	set_want(a, lacks_phone ? WANT(BREAK) : want, lacks_phone ? "phone_lost" : reason, lacks_phone ? "system" : cause);
	a->resume = lacks_phone;
	acd_agent_step(x, a, event_of(a->want));
}

enum yc_code acd_agent_want(struct acd *x, struct acd_agent *a, Pb__Presence want, const char *reason, const char *cause, struct yc_err *e)
{
	if (want != WANT(OFFLINE) && !a->phone)
		return yc_fail(e, YC_CONFLICT, "state", "signed out: take a seat first");
	acd_agent_wish(x, a, want, reason, cause);
	return YC_OK;
}

/* --- sessions ----------------------------------------------------------------------------------------------------------------- */
static void console_lost(struct acd *x, void *owner)
{
	struct acd_agent *a = owner;

	yc_warn("agent %s: console not heard of for %lld ms: signed out", a->staff_no, (long long)x->lim.console_ms);
	set_want(a, WANT(OFFLINE), "console_lost", "system");
	acd_agent_step(x, a, AG_OFFLINE);
}

enum yc_code acd_agent_renew(struct acd *x, struct acd_agent *a, struct yc_err *e)
{
	ACD_ENTER(x);

	if (a->status == ST(OFFLINE))
		return yc_fail(e, YC_CONFLICT, "person_id", "signed out (%s): take a seat again", *a->reason ? a->reason : "no session");
	if (a->want == WANT(OFFLINE) && !strcmp(a->want_reason, "console_lost"))
		acd_agent_wish(x, a, WANT(READY), "", "self");     /* it was only late, and he is still talking */
	if (!a->is_seat)
		acd_timer_set(x, &a->console, x->lim.console_ms, console_lost, a);
	return YC_OK;
}

/* Returns whether he was ready at the phone he leaves: then he stays so at the other one. */
static int take_seat(struct acd *x, struct acd_agent *a, struct acd_phone *p)
{
	int was_ready = a->status == ST(READY) && a->phone != p;

	if (a->phone != p) {
		sign_out(a);
		route_busy(x->route, &a->r);
		if (was_ready)
			a->status = ST(BREAK);
	}
	a->phone = p;
	p->agent = a;
	return was_ready;
}

enum yc_code acd_agent_sign_in(struct acd *x, struct acd_agent *a, const char *ext, int ready, int is_seat, const char *cause, struct yc_err *e)
{
	ACD_ENTER(x);
	struct acd_phone *p = acd_phone_get(x, ext);
	int was_out = a->want == WANT(OFFLINE);

	if (p->agent && p->agent != a)
		return yc_fail(e, YC_CONFLICT, "extension", "somebody else (%s) sits at %s", p->agent->staff_no, ext);
	if (a->phone != p && !acd_slot_free(a))
		return yc_fail(e, YC_CONFLICT, "extension", "busy at extension %s: the seat cannot be changed now", a->phone ? a->phone->ext : "");
	ready |= take_seat(x, a, p);
	a->is_seat = is_seat;
	acd_timer_off(x, &a->console);
	if (!is_seat)
		acd_timer_set(x, &a->console, x->lim.console_ms, console_lost, a);
	acd_phone_asks(x, a);
	/* Taking the seat he has changes nothing but the lease, unless he wants to be ready now. */
	if (ready && (a->want != WANT(READY) || acd_slot_free(a)))
		acd_agent_wish(x, a, WANT(READY), "", cause);
	else if (!ready && was_out)
		acd_agent_wish(x, a, WANT(BREAK), "signed_in", cause);
	return YC_OK;
}

enum yc_code acd_agent_wrapped(struct acd *x, struct acd_agent *a, const char *disposition, const char *note, const char *next, const char *cause,
			       struct yc_err *e)
{
	ACD_ENTER(x);

	if (a->status != ST(WRAP_UP) && a->status != ST(BUSY))
		return yc_fail(e, YC_CONFLICT, "person_id", "neither talking nor in wrap-up");
	acd_agent_tell(x, a, disposition, note);           /* with the contact it is about, which the next step forgets */
	if (a->status == ST(BUSY) && yc_is_empty(next))
		return YC_OK;
	if (!a->phone)
		next = "offline";                          /* he talks without a seat: only telephony knows him here */
	if (!strcmp(next, "break"))
		set_want(a, WANT(BREAK), "after_wrap_up", cause);
	else if (!strcmp(next, "offline"))
		set_want(a, WANT(OFFLINE), "signed_out", cause);
	else if (!strcmp(next, "ready"))
		acd_agent_wish(x, a, WANT(READY), "", cause);
	if (a->status == ST(WRAP_UP))
		acd_agent_step(x, a, AG_WRAPPED);
	else if (a->status == ST(BUSY))
		acd_agent_step(x, a, event_of(a->want));
	return YC_OK;
}

void acd_agent_set_work(struct acd_agent *a, const struct acd_item *i, const char *rsv)
{
	struct acd_work *w = &a->work;

	yc_copy(w->item, sizeof(w->item), i->id);
	yc_copy(w->rsv, sizeof(w->rsv), rsv);
	yc_copy(w->contact, sizeof(w->contact), i->contact);
	yc_copy(w->matter, sizeof(w->matter), i->matter);
	yc_copy(w->call, sizeof(w->call), i->call);
	yc_copy(w->customer, sizeof(w->customer), i->customer);
	yc_copy(w->queue, sizeof(w->queue), i->queue ? i->queue->code : "");
	yc_copy(w->caller, sizeof(w->caller), i->caller);
	yc_copy(w->gateway, sizeof(w->gateway), i->gateway);
}
