/* A reservation binds one item to one agent from the commit in Redis to its end. The table in fsm.c says what ends it and what follows;
 * a lease makes sure that every one ends. */
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#include "acd.h"

#define DEFAULT_OFFER_MS 20000

struct acd_rsv *acd_rsv_find(struct acd *x, const char *id)
{
	struct acd_rsv *v;

	HASH_FIND_STR(x->rsvs, id, v);
	return v;
}

static void lease_over(struct acd *x, void *owner)
{
	struct acd_rsv *v = owner;

	yc_warn("reservation %s of agent %s: nobody ended it within %lld ms", v->id, v->agent->staff_no, (long long)(v->timeout_ms + x->lim.grace_ms));
	acd_rsv_step(x, v, RV_LEASE, "lease");
}

static void start_lease(struct acd *x, struct acd_rsv *v)
{
	v->expires_at = yc_now() + v->timeout_ms + x->lim.grace_ms;
	acd_timer_set(x, &v->timer, v->timeout_ms + x->lim.grace_ms, lease_over, v);
}

static struct acd_rsv *make(struct acd *x, struct acd_item *i, struct acd_agent *a, const char *id)
{
	struct acd_rsv *v = yc_xcalloc(1, sizeof(*v));

	yc_copy(v->id, sizeof(v->id), id);
	v->agent = a;
	v->item = i;
	v->began_us = yc_mono_us();
	v->timeout_ms = i->queue ? i->queue->offer_timeout_ms : DEFAULT_OFFER_MS;
	HASH_ADD_STR(x->rsvs, id, v);
	a->rsv = v;
	i->rsv = v;
	start_lease(x, v);
	return v;
}

void acd_reserve(struct acd *x, struct acd_item *i, struct acd_agent *a)
{
	char id[YC_ID_LEN];
	struct acd_rsv *v;

	if (a->rsv || a->item || i->rsv || acd_agent_step(x, a, AG_OFFER) != YC_OK) {
		yc_error("agent %s and item %s were matched, but one is taken", a->staff_no, i->id);
		route_busy(x->route, &a->r);
		return;
	}
	acd_item_unwait(x, i);
	v = make(x, i, a, yc_id_new("rsv", id));
	v->state = RS_RESERVING;
	acd_agent_set_work(a, i, v->id);
	x->port.reserve(x->port.arg, v);
}

static void offered(struct acd *x, struct acd_rsv *v)
{
	struct acd_item *i = v->item;

	acd_item_set_state(i, PB__ITEM_STATE__ITEM_STATE_OFFERED);
	i->offers++;
	i->offered_at = yc_now();
	yc_copy(i->rsv_id, sizeof(i->rsv_id), v->id);
	yc_copy(i->agent_id, sizeof(i->agent_id), v->agent->id);
	yc_copy(i->reason, sizeof(i->reason), "");
	start_lease(x, v);
	x->port.tell_item(x->port.arg, "item.offered", i);
	acd_agent_tell(x, v->agent, "", "");
}

/* Telephony says that this phone rings for this item; no commit, no offer. */
void acd_rsv_adopt(struct acd *x, struct acd_item *i, struct acd_agent *a, const char *id)
{
	struct acd_rsv *v;

	acd_item_unwait(x, i);
	if (acd_agent_step(x, a, AG_OFFER) != YC_OK && a->status != PB__AGENT_STATUS__AGENT_STATUS_OFFERED)
		return;
	a->restored = 0;
	v = make(x, i, a, id);
	v->state = RS_OFFERED;
	v->ver = a->ver;
	acd_agent_set_work(a, i, v->id);
	x->port.save(x->port.arg, a, 0);
	offered(x, v);
}

/* --- the step ----------------------------------------------------------------------------------------------------------------- */
struct ending { struct acd_rsv *v; struct acd_agent *a; struct acd_item *i; enum rsv_event ev; };

static const char *miss_reason(enum rsv_event ev, const char *detail)
{
	switch (ev) {
	case RV_REJECT:
	case RV_DECLINE:
		return "rejected";
	case RV_FAIL:
		return "phone_unreachable";
	case RV_WITHDRAW:
		return detail;
	default:
		return "no_answer";
	}
}

static void tell_ended(struct acd *x, const struct ending *n)
{
	struct acd_item *i = n->i;

	yc_copy(i->reason, sizeof(i->reason), *n->v->reason ? n->v->reason : miss_reason(n->ev, ""));
	x->port.tell_item(x->port.arg, "item.offer_ended", i);
	*i->rsv_id = *i->agent_id = '\0';
}

static void effect(struct acd *x, const struct ending *n, int fx)
{
	switch (fx) {
	case RX_OFFER:
		offered(x, n->v);
		x->port.offer(x->port.arg, n->v);
		break;
	case RX_STOP:
		x->port.stop(x->port.arg, n->v);
		break;
	case RX_CONNECT:
		acd_item_talks(x, n->i, n->a, n->v->id, yc_now());
		break;
	case RX_AGENT_FREED:
		acd_agent_step(x, n->a, AG_FREED);
		break;
	case RX_AGENT_MISSED:
		acd_agent_missed(x, n->a, miss_reason(n->ev, n->v->reason), n->ev == RV_DECLINE ? "self" : "system");
		break;
	case RX_AGENT_HOLD:
		acd_agent_hold(x, n->a);
		break;
	case RX_ITEM_BACK:
		acd_item_wait(x, n->i);
		break;
	case RX_ITEM_TRIED:
		route_tried(&n->i->r, &n->a->r);
		acd_item_wait(x, n->i);
		break;
	case RX_ITEM_PARK:
		acd_item_park(x, n->i);
		break;
	case RX_TELL:
		tell_ended(x, n);
		break;
	}
}

enum yc_code acd_rsv_step(struct acd *x, struct acd_rsv *v, enum rsv_event ev, const char *reason)
{
	ACD_ENTER(x);
	const struct yc_fsm_row *row = yc_fsm_next(&acd_rsv_fsm, (int)v->state, ev, NULL);
	struct ending n = { v, v->agent, v->item, ev };
	int over;

	if (!row)
		return YC_CONFLICT;
	yc_copy(v->reason, sizeof(v->reason), reason);
	v->state = (enum rsv_state)row->to;
	over = (acd_rsv_fsm.terminal & YC_S(row->to)) != 0;
	if (over) {
		acd_timer_off(x, &v->timer);
		HASH_DEL(x->rsvs, v);
		n.a->rsv = NULL;
		n.i->rsv = NULL;
	}
	for (int k = 0; k < YC_FSM_MAX_FX && row->effects[k]; k++)
		effect(x, &n, row->effects[k]);
	if (over)
		yc_xfree(v);
	return YC_OK;
}

/* --- answers from outside ----------------------------------------------------------------------------------------------------- */
void acd_rsv_committed(struct acd *x, const char *id, int ok)
{
	struct acd_rsv *v = acd_rsv_find(x, id);

	if (v)
		acd_rsv_step(x, v, ok ? RV_COMMITTED : RV_REFUSED, "");
}

/* NOT_FOUND of the call: it is gone. Of the phone, or another refusal: he cannot be reached. No instance: not his fault.
 * DEADLINE: it may ring; the gateway's word or the lease will tell. */
void acd_offer_failed(struct acd *x, const char *id, enum yc_code code, const char *field)
{
	ACD_ENTER(x);
	struct acd_rsv *v = acd_rsv_find(x, id);
	char item[YC_ID_LEN];

	if (!v || code == YC_DEADLINE)
		return;
	yc_copy(item, sizeof(item), v->item->id);
	if (code == YC_NOT_FOUND && strcmp(field, "extension"))
		acd_item_gone(x, item);
	else if (code == YC_UNAVAILABLE || code == YC_INSTANCE_LOST || code == YC_EXHAUSTED || code == YC_CONFLICT || code == YC_INTERNAL)
		acd_rsv_step(x, v, RV_NO_GATEWAY, yc_code_slug(code));
	else
		acd_rsv_step(x, v, RV_FAIL, yc_code_slug(code));
}

static enum yc_code late_accept(struct acd *x, const Pb__OfferResult *in, struct yc_err *e)
{
	struct acd_item *i = acd_item_find(x, in->item_id);
	struct acd_agent *a = acd_agent_find(x, in->agent_id);
	Pb__WorkItem bare = PB__WORK_ITEM__INIT;

	if (!a)
		return yc_fail(e, YC_NOT_FOUND, "agent_id", "no such agent");
	if (!i && acd_item_was(x, in->item_id) != PB__ITEM_STATE__ITEM_STATE_NONE)
		return yc_fail(e, YC_CONFLICT, "item_id", "this item has ended");
	if (!i) {                                          /* telephony is right: they talk, whatever we know */
		bare.id = in->item_id;
		i = acd_item_make(x, &bare);
	}
	acd_adopt_talk(x, i, a, in->reservation_id, yc_now());
	return YC_OK;
}

enum yc_code acd_offer_end(struct acd *x, const Pb__OfferResult *in, struct yc_err *e)
{
	static const enum rsv_event ev[] = { RV_EVENTS, RV_ACCEPT, RV_REJECT, RV_TIMEOUT, RV_FAIL, RV_CANCEL };
	ACD_ENTER(x);
	struct acd_rsv *v = acd_rsv_find(x, in->reservation_id);
	char item[YC_ID_LEN];

	if (in->outcome < PB__OFFER_OUTCOME__OFFER_OUTCOME_ACCEPTED || in->outcome > PB__OFFER_OUTCOME__OFFER_OUTCOME_CANCELLED)
		return yc_fail(e, YC_INVALID, "outcome", "accepted, rejected, timed_out, failed or cancelled");
	if (yc_is_empty(in->reservation_id) || strlen(in->item_id) >= YC_ID_LEN)
		return yc_fail(e, YC_INVALID, "reservation_id", "a reservation and an item are needed");
	if (!v)
		return in->outcome == PB__OFFER_OUTCOME__OFFER_OUTCOME_ACCEPTED ? late_accept(x, in, e) : YC_OK;
	if (in->version && v->ver && in->version != v->ver)
		return yc_fail(e, YC_STALE, "version", "the reservation has version %lld", (long long)v->ver);
	yc_copy(item, sizeof(item), v->item->id);
	if (acd_rsv_step(x, v, ev[in->outcome], in->reason) != YC_OK)
		return yc_fail(e, YC_CONFLICT, "reservation_id", "not offered yet");
	if (in->outcome == PB__OFFER_OUTCOME__OFFER_OUTCOME_CANCELLED)
		acd_leave(x, item, in->reason);
	return YC_OK;
}
