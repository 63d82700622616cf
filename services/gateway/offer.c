/* An offer: one agent's phone rings for one waiting caller. Signalling thread. */
#include "sig.h"

#include <stdio.h>
#include <string.h>

#include "gateway.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

struct offer *offer_find(struct sig *s, const char *reservation)
{
	struct offer *o = NULL;

	HASH_FIND_STR(s->offers, reservation, o);
	return o;
}

static struct negotiated wires(struct offer *o)
{
	return (struct negotiated){ o->s, o->media, &o->local, &o->choice };
}

static void talk_reply(struct sig *s, uint64_t ref, enum yc_code code, const char *text)
{
	struct gw_msg *m = gw_msg_new(GW_UP_TALK, "", 200);

	m->u.talk.ref = ref;
	m->u.talk.code = code;
	m->u.talk.text = gw_text(m, text);
	sig_up(s, &m);
}

/* --- what the agent's phone tells --- */

static void on_progress(void *owner, int status)
{
	offer_event(owner, OFFER_EV_RINGING, NULL);
}

static void on_answered(void *owner, const char *sdp, size_t n)
{
	struct offer *o = owner;
	struct negotiated g = wires(o);
	struct yc_err e = { 0 };

	if (negotiate_answer(&g, sdp, n, &e)) {
		if (o->state != OFFER_TALKING)
			offer_event(o, OFFER_EV_NO_CODEC, "488");
		return;
	}
	if (o->state != OFFER_TALKING)
		offer_event(o, OFFER_EV_ANSWER, NULL);
}

static void on_offered(void *owner, const char *sdp, size_t n)
{
	struct offer *o = owner;
	struct negotiated g = wires(o);
	char text[SDP_OUT_MAX];
	struct yc_err e = { 0 };

	if (!sdp)
		negotiate_reoffer(&g, text);
	else if (negotiate_offer(&g, sdp, n, text, &e)) {
		sip_leg_refuse_offer(o->leg, 488, "Not Acceptable Here");
		return;
	}
	sip_leg_accept_offer(o->leg, text);
}

static void on_late(void *owner, const char *sdp, size_t n)
{
	struct offer *o = owner;
	struct negotiated g = wires(o);
	struct yc_err e = { 0 };

	if (sdp && negotiate_answer(&g, sdp, n, &e))
		yc_warn("offer %s: the phone's SDP is of no use: %s", o->reservation, e.msg);
}

static void on_talked(void *owner, uint64_t ref, int status)
{
	struct offer *o = owner;

	o->talk_ref = 0;
	if (status < 300)
		talk_reply(o->s, ref, YC_OK, "");
	else
		talk_reply(o->s, ref, YC_CONFLICT, "the phone refused to be told to answer");
}

static void on_digit(void *owner, char digit) { }

/* busy and declined are the agent's word; the rest is the phone's */
static int outcome_of(const struct offer *o, int status)
{
	switch (status) {
	case 480: case 486: case 600: case 603:
		return PB__OFFER_OUTCOME__OFFER_OUTCOME_REJECTED;
	case 408: case 487:
		return o->state == OFFER_RINGING ? PB__OFFER_OUTCOME__OFFER_OUTCOME_TIMED_OUT : PB__OFFER_OUTCOME__OFFER_OUTCOME_FAILED;
	default:
		return PB__OFFER_OUTCOME__OFFER_OUTCOME_FAILED;
	}
}

static void on_ended(void *owner, int status, const char *reason)
{
	struct offer *o = owner;
	struct phone *ph = phones_find(o->s->phones, o->extension);

	o->leg = NULL;
	o->sip_status = status;
	if (o->state == OFFER_TALKING) {
		if (ph)
			ph->bye_at_us = o->s->n_queued ? yc_mono_us() : 0;
		offer_event(o, OFFER_EV_BYE, status == 200 ? "bye" : "failed");
		return;
	}
	o->outcome = outcome_of(o, status);
	snprintf(o->reason_text, sizeof(o->reason_text), "%d", status);
	offer_event(o, OFFER_EV_REFUSED, o->reason_text);
}

static const struct sip_leg_ops agent_ops = {
	.progress = on_progress, .answered = on_answered, .offered = on_offered, .answer_to_late = on_late, .digit = on_digit, .talked = on_talked,
	.ended = on_ended,
};

/* --- effects --- */

static void fx_note_ringing(struct offer *o)
{
	struct gw_msg *m = gw_msg_new(GW_UP_RINGING, o->c->id, 64);

	m->at = yc_now();
	m->u.ringing.reservation = gw_text(m, o->reservation);
	sig_up(o->s, &m);
}

static void fx_join(struct offer *o)
{
	sig_timer_stop(o->s, &o->timer);
	call_event(o->c, CALL_EV_ANSWERED);
}

static void fx_drop(struct offer *o)
{
	sip_leg_end(&o->leg, o->reason);
}

static void note_end(struct sig *s, const char *call_id, const char *reservation, const char *agent, int64_t version, int outcome,
		     const char *reason, int status)
{
	struct gw_msg *m = gw_msg_new(GW_UP_OFFER_END, call_id, 192);

	m->at = yc_now();
	m->u.offer_end.reservation = gw_text(m, reservation);
	m->u.offer_end.agent_id = gw_text(m, agent);
	m->u.offer_end.reason = gw_text(m, reason);
	m->u.offer_end.version = version;
	m->u.offer_end.outcome = outcome;
	m->u.offer_end.sip_status = status;
	sig_up(s, &m);
	yc_metric_add(&gw_metrics[GWM_OFFERS_FAILED], 1);
}

static void fx_note_end(struct offer *o)
{
	note_end(o->s, o->c->id, o->reservation, o->agent_id, o->version, o->outcome, o->reason, o->sip_status);
}

static void fx_requeue(struct offer *o)
{
	call_offer_failed(o->c);
}

static void fx_tell_gone(struct offer *o)
{
	call_agent_gone(o->c, o->reason);
}

static void fx_free(struct offer *o)
{
	struct sig *s = o->s;

	sig_timer_stop(s, &o->timer);
	if (o->talk_ref)
		talk_reply(s, o->talk_ref, YC_CONFLICT, "the offer has ended");
	if (o->media)
		media_leg_remove(s->media, o->media);
	if (o->c->offer == o)
		o->c->offer = NULL;
	HASH_DEL(s->offers, o);
	yc_xfree(o);
}

static void (*const effects[OFFER_EFFECTS])(struct offer *o) = {
	[OFFER_FX_NOTE_RINGING] = fx_note_ringing, [OFFER_FX_JOIN] = fx_join, [OFFER_FX_DROP] = fx_drop, [OFFER_FX_NOTE_END] = fx_note_end,
	[OFFER_FX_REQUEUE] = fx_requeue, [OFFER_FX_TELL_GONE] = fx_tell_gone, [OFFER_FX_FREE] = fx_free,
};

/* Outcomes that do not come from the phone's answer. */
static void judge(struct offer *o, int event)
{
	switch (event) {
	case OFFER_EV_TIMEOUT:
		o->outcome = PB__OFFER_OUTCOME__OFFER_OUTCOME_TIMED_OUT;
		break;
	case OFFER_EV_NO_CODEC: case OFFER_EV_UNREGISTERED:
		o->outcome = PB__OFFER_OUTCOME__OFFER_OUTCOME_FAILED;
		break;
	case OFFER_EV_STOP: case OFFER_EV_CALLER_GONE:
		o->outcome = PB__OFFER_OUTCOME__OFFER_OUTCOME_CANCELLED;
		break;
	default:
		break;
	}
}

void offer_event(struct offer *o, int event, const char *reason)
{
	const struct yc_fsm_row *row = yc_fsm_next(&gateway_offer_fsm, o->state, event, o);

	if (!row)
		return;
	if (reason)
		o->reason = reason;
	judge(o, event);
	if (row->to >= 0)
		o->state = row->to;
	for (int i = 0; i < YC_FSM_MAX_FX && row->effects[i]; i++)      /* the last one may free o */
		effects[row->effects[i]](o);
}

static void on_timeout(void *arg)
{
	offer_event(arg, OFFER_EV_TIMEOUT, "timeout");
}

/* --- the beginning --- */

static enum yc_code open_media(struct offer *o, char *sdp, struct yc_err *e)
{
	struct media_leg_conf mc = { .rtp_timeout_ms = -1 };
	struct call *c = o->c;
	int first = c->choice.codec == SDP_PCMA ? SDP_PCMA : SDP_PCMU, port;
	struct sdp_prefs prefs = { .codecs = { first, first == SDP_PCMA ? SDP_PCMU : SDP_PCMA }, .n = 2 };

	if (media_leg_add(o->s->media, c->conv, &mc, &o->media, &port, e))
		return e->code;
	c->legs_open++;
	sdp_local_init(&o->local, o->s->conf.media_ip, port, (uint64_t)yc_now());
	/* the caller's codec first: then nothing has to be converted */
	if (!sdp_write_offer(&o->local, &prefs, sdp, SDP_OUT_MAX))
		return yc_fail(e, YC_INTERNAL, "sdp", "the offer does not fit");
	return YC_OK;
}

/* A queue name may be any text; a header must stay one line. */
static void headers_of(const struct call *c, char *out, size_t n)
{
	snprintf(out, n, "X-Yc-Matter: %s\r\nX-Yc-Contact: %s\r\nX-Yc-Queue: %.*s\r\n", c->matter_id, c->contact_id, (int)strcspn(c->queue, "\r\n"),
		 c->queue);
}

static void measure_gap(struct offer *o, struct phone *ph)
{
	struct gw_msg *m;

	if (!ph || !ph->bye_at_us)
		return;
	m = gw_msg_new(GW_UP_GAP, o->c->id, 40);
	m->u.gap.us = yc_mono_us() - ph->bye_at_us;
	m->u.gap.extension = gw_text(m, ph->extension);
	ph->bye_at_us = 0;
	yc_metric_observe_us(&gw_metrics[GWM_IDLE_GAP], m->u.gap.us);
	sig_up(o->s, &m);
}

void offer_ring(struct call *c)
{
	struct offer *o = c->offer;
	struct phone *ph = phones_find(o->s->phones, o->extension);
	const char *target = ph ? phone_target(ph, yc_now()) : NULL;
	char sdp[SDP_OUT_MAX], headers[320];
	struct yc_err e = { 0 };
	struct sip_call sc = { .to = target ? target : o->contact, .from_user = c->from, .from_display = c->display[0] ? c->display : c->from,
		.sdp = sdp, .headers = headers, .path = target ? ph->path : o->path };

	if (yc_is_empty(sc.to)) {
		offer_event(o, OFFER_EV_UNREGISTERED, "unregistered");
		return;
	}
	if (open_media(o, sdp, &e)) {
		yc_warn("offer %s: %s", o->reservation, e.msg);
		offer_event(o, OFFER_EV_UNREGISTERED, "no_media");
		return;
	}
	headers_of(c, headers, sizeof(headers));
	o->leg = sip_leg_call(o->s->sip, &sc, &agent_ops, o);
	if (!o->leg) {
		offer_event(o, OFFER_EV_UNREGISTERED, "bad_contact");
		return;
	}
	measure_gap(o, ph);
	sig_timer_set(o->s, &o->timer, o->timeout_ms, on_timeout, o);
}

void offer_begin(struct sig *s, const struct gw_msg *m)
{
	struct call *c = call_find(s, m->id);
	struct offer *o;

	if (offer_find(s, m->u.offer.reservation))
		return; /* sent twice */
	if (!c || c->state != CALL_QUEUED) {
		note_end(s, m->id, m->u.offer.reservation, m->u.offer.agent_id, m->u.offer.version,
			 PB__OFFER_OUTCOME__OFFER_OUTCOME_CANCELLED, c ? "not_waiting" : "gone", 0);
		return;
	}
	o = yc_xcalloc(1, sizeof(*o));
	o->s = s;
	o->c = c;
	o->version = m->u.offer.version;
	o->timeout_ms = m->u.offer.timeout_ms > 0 ? m->u.offer.timeout_ms : 20000;
	yc_copy(o->reservation, sizeof(o->reservation), m->u.offer.reservation);
	yc_copy(o->agent_id, sizeof(o->agent_id), m->u.offer.agent_id);
	yc_copy(o->extension, sizeof(o->extension), m->u.offer.extension);
	yc_copy(o->contact, sizeof(o->contact), m->u.offer.contact);
	yc_copy(o->path, sizeof(o->path), m->u.offer.path);
	HASH_ADD_STR(s->offers, reservation, o);
	c->offer = o;
	yc_metric_add(&gw_metrics[GWM_OFFERS], 1);
	call_event(c, CALL_EV_OFFER);
}

void offers_phone_gone(struct sig *s, const char *extension)
{
	struct offer *o, *next;

	HASH_ITER(hh, s->offers, o, next)
		if (!strcmp(o->extension, extension))
			offer_event(o, OFFER_EV_UNREGISTERED, "unregistered");  /* in a talk this is no event: the phone may only have restarted */
}

void offer_talk(struct sig *s, const struct gw_msg *m)
{
	struct offer *o = offer_find(s, m->u.stop.reservation);
	struct yc_err e = { 0 };

	if (!o || !o->leg) {
		talk_reply(s, m->u.stop.ref, YC_NOT_FOUND, "no phone rings for this reservation");
	} else if (sip_leg_talk(o->leg, m->u.stop.ref, &e)) {
		talk_reply(s, m->u.stop.ref, e.code, e.msg);
	} else {
		o->talk_ref = m->u.stop.ref;
	}
}
