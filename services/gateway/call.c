/* A caller's call: admission, the state machine's effects, what SIP and media tell about it. Signalling thread. */
#include "sig.h"

#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "rule_uri.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/phone.h"
#include "yc/text.h"

#define CLOSE_MS 3000            /* how long the media engine may take to let go */

static void call_free(struct call *c)
{
	struct sig *s = c->s;

	sig_timer_stop(s, &c->timer);
	ivr_end(&c->run);
	HASH_DEL(s->by_id, c);
	HASH_DELETE(hh_conv, s->by_conv, c);
	s->n_calls--;
	yc_xfree(c);
}

void calls_free(struct sig *s)
{
	struct call *c, *next;

	HASH_ITER(hh, s->by_id, c, next) {
		if (c->offer)
			offer_event(c->offer, OFFER_EV_CALLER_GONE, "shutdown");
		call_free(c);
	}
}

struct call *call_find(struct sig *s, const char *id)
{
	struct call *c = NULL;

	HASH_FIND_STR(s->by_id, id, c);
	return c;
}

static struct negotiated wires(struct call *c)
{
	return (struct negotiated){ c->s, c->media, &c->local, &c->choice };
}

/* --- what the caller's dialog tells --- */

static void on_offered(void *owner, const char *sdp, size_t n)
{
	struct call *c = owner;
	struct negotiated g = wires(c);
	char text[SDP_OUT_MAX];
	struct yc_err e = { 0 };

	if (!sdp)
		negotiate_reoffer(&g, text);
	else if (negotiate_offer(&g, sdp, n, text, &e)) {
		sip_leg_refuse_offer(c->leg, 488, "Not Acceptable Here");
		return;
	}
	sip_leg_accept_offer(c->leg, text);
}

static void on_answer(void *owner, const char *sdp, size_t n)
{
	struct call *c = owner;
	struct negotiated g = wires(c);
	struct yc_err e = { 0 };

	if (sdp && !negotiate_answer(&g, sdp, n, &e))
		return;
	if (!sdp && c->choice.port)
		return; /* an answer to a re-INVITE without SDP changes nothing */
	yc_warn("call %s: no use can be made of the caller's SDP: %s", c->id, e.msg);
	call_hangup(c, "gateway", "no_codec");
}

static void on_digit(void *owner, char digit)
{
	struct call *c = owner;

	c->via = -1;
	if (c->state == CALL_IVR)
		call_ivr_feed(c, IVR_EV_DIGIT, digit);
}

static void on_ended(void *owner, int status, const char *reason)
{
	struct call *c = owner;

	c->leg = NULL;
	c->by = "caller";
	c->reason = status == 200 ? "bye" : status == 487 ? "cancel" : "failed";
	c->sip_status = status;
	call_event(c, CALL_EV_CALLER_GONE);
}

static void on_progress(void *owner, int status) { }
static void on_talked(void *owner, uint64_t ref, int status) { }
const struct sip_leg_ops call_leg_ops = {
	.progress = on_progress, .answered = on_answer, .offered = on_offered, .answer_to_late = on_answer, .digit = on_digit, .talked = on_talked,
	.ended = on_ended,
};

static int waits(int state)
{
	return state == CALL_QUEUED || state == CALL_OFFERED;
}

/* --- effects --- */

static void ask_caller(void *arg);
static void fx_note_queued(struct call *c)
{
	struct gw_msg *m = gw_msg_new(GW_UP_QUEUED, c->id, 160);

	yc_id_new("wki", c->item_id);
	m->at = yc_now();
	m->u.queued.item_id = gw_text(m, c->item_id);
	m->u.queued.queue = gw_text(m, c->queue);
	m->u.queued.priority = c->priority;
	sig_up(c->s, &m);
	if (c->silent)
		sig_timer_set(c->s, &c->timer, c->s->conf.media.rtp_timeout_ms, ask_caller, c);
}

static void fx_bridge(struct call *c)
{
	c->agent_media = c->offer->media;
	media_bridge(c->s->media, c->media, c->agent_media);
}

static void fx_record(struct call *c)
{
	if (c->record)
		recording_start(c, c->media, c->agent_media, c->offer->agent_id);
}

static void fx_note_bridged(struct call *c)
{
	struct gw_msg *m = gw_msg_new(GW_UP_BRIDGED, c->id, 192);

	m->at = yc_now();
	m->u.bridged.reservation = gw_text(m, c->offer->reservation);
	m->u.bridged.agent_id = gw_text(m, c->offer->agent_id);
	m->u.bridged.extension = gw_text(m, c->offer->extension);
	m->u.bridged.version = c->offer->version;
	sig_up(c->s, &m);
}

static void fx_drop_agent(struct call *c)
{
	if (c->offer)
		offer_event(c->offer, OFFER_EV_CALLER_GONE, c->reason);
}

static void fx_bye_caller(struct call *c)
{
	sip_leg_end(&c->leg, c->reason);
}

static void fx_note_ended(struct call *c)
{
	struct gw_msg *m = gw_msg_new(GW_UP_ENDED, c->id, 96);

	m->at = yc_now();
	m->u.ended.by = gw_text(m, c->by);
	m->u.ended.reason = gw_text(m, c->reason);
	m->u.ended.sip_status = c->sip_status;
	sig_up(c->s, &m);
	yc_metric_add(&gw_metrics[GWM_ENDED], 1);
}

static void on_close_timeout(void *arg)
{
	call_event(arg, CALL_EV_MEDIA_GONE);
}

static void fx_close_media(struct call *c)
{
	ivr_end(&c->run);
	sig_timer_set(c->s, &c->timer, CLOSE_MS, on_close_timeout, c);
	media_conv_free(c->s->media, c->conv);
}

static void fx_note_closed(struct call *c)
{
	struct gw_msg *m = gw_msg_new(GW_UP_CLOSED, c->id, 0);

	m->at = yc_now();
	m->u.closed.caller = c->caller_stats;
	m->u.closed.agent = c->agent_stats;
	sig_up(c->s, &m);
}

static void (*const effects[CALL_EFFECTS])(struct call *c) = {
	[CALL_FX_ANSWER] = admit_answer, [CALL_FX_NOTE_STARTED] = admit_note_started,
	[CALL_FX_RUN_FLOW] = admit_run_flow, [CALL_FX_MUSIC] = call_ivr_music, [CALL_FX_NOTE_QUEUED] = fx_note_queued, [CALL_FX_RING_AGENT] = offer_ring,
	[CALL_FX_BRIDGE] = fx_bridge, [CALL_FX_RECORD] = fx_record, [CALL_FX_NOTE_BRIDGED] = fx_note_bridged, [CALL_FX_DROP_AGENT] = fx_drop_agent,
	[CALL_FX_BYE_CALLER] = fx_bye_caller, [CALL_FX_NOTE_ENDED] = fx_note_ended, [CALL_FX_CLOSE_MEDIA] = fx_close_media,
	[CALL_FX_NOTE_CLOSED] = fx_note_closed, [CALL_FX_FREE] = call_free,
};

void call_event(struct call *c, int event)
{
	const struct yc_fsm_row *row = yc_fsm_next(&gateway_call_fsm, c->state, event, c);

	if (!row) {
		yc_debug("call %s: event %d has come too late in state %d", c->id, event, c->state);
		return;
	}
	if (row->to >= 0) {
		c->s->n_queued += waits(row->to) - waits(c->state);
		c->state = row->to;
	}
	for (int i = 0; i < YC_FSM_MAX_FX && row->effects[i]; i++)      /* the last one may free c */
		effects[row->effects[i]](c);
}

void call_hangup(struct call *c, const char *by, const char *reason)
{
	c->by = by;
	c->reason = reason;
	call_event(c, CALL_EV_HANGUP);
}

void call_agent_gone(struct call *c, const char *reason)
{
	c->offer = NULL;
	c->by = "agent";
	c->reason = reason;
	c->sip_status = 200;
	call_event(c, CALL_EV_AGENT_GONE);
}

void call_offer_failed(struct call *c)
{
	c->offer = NULL;
	call_event(c, CALL_EV_OFFER_FAILED);
}

/* --- what the media engine tells --- */

static void stats_of(struct gw_stats *out, const struct media_stats *st)
{
	out->rtp_in = st->rtp_in;
	out->rtp_out = st->rtp_out;
	out->lost = st->lost;
	out->late = st->late;
	out->jitter_us = st->jitter_us;
	yc_copy(out->codec, sizeof(out->codec), st->codec == MEDIA_PCMA ? "PCMA" : "PCMU");
}

static void leg_gone(struct call *c, const struct media_event *ev)
{
	c->legs_open--;
	if (ev->leg == c->media)
		stats_of(&c->caller_stats, &ev->stats);
	else if (ev->leg == c->agent_media)
		stats_of(&c->agent_stats, &ev->stats);
	if (c->legs_open == 0 && c->state == CALL_CLOSING)
		call_event(c, CALL_EV_MEDIA_GONE);
}

/* A waiting caller is never given up for being quiet (muted, silence suppressed): his end of the dialog is asked, again and again while the
 * silence lasts, and only if it is dead he is gone. */
static void ask_caller(void *arg)
{
	struct call *c = arg;
	struct negotiated g = wires(c);
	char sdp[SDP_OUT_MAX];

	if (!waits(c->state) || !c->silent || !c->leg)
		return;
	negotiate_reoffer(&g, sdp);
	sip_leg_reoffer(c->leg, sdp);
	sig_timer_set(c->s, &c->timer, c->s->conf.media.rtp_timeout_ms, ask_caller, c);
}

/* In a talk silence of one side ends it. */
static void gone_silent(struct call *c, media_leg leg)
{
	if (leg == c->media)
		c->silent = 1;
	if (c->state == CALL_TALKING) {
		c->by = leg == c->media ? "caller" : "agent";
		c->reason = "rtp_timeout";
		call_event(c, CALL_EV_SILENT);
	} else if (leg == c->media) {
		ask_caller(c);
	}
}

void call_media(struct sig *s, const struct media_event *ev)
{
	struct call *c = NULL;

	HASH_FIND(hh_conv, s->by_conv, &ev->conv, sizeof(ev->conv), c);
	if (!c)
		return;
	switch (ev->type) {
	case MEDIA_FIRST_RTP:
	case MEDIA_RTP_BACK:
		if (ev->leg == c->media)
			c->silent = 0;
		break;
	case MEDIA_PLAY_DONE:
		if (c->state == CALL_IVR && ev->leg == c->media)
			call_ivr_feed(c, IVR_EV_PLAY_DONE, 0);
		break;
	case MEDIA_DTMF:
		c->via = ev->via;
		if (c->state == CALL_IVR && ev->leg == c->media)
			call_ivr_feed(c, IVR_EV_DIGIT, ev->digit);
		break;
	case MEDIA_RTP_TIMEOUT:
		gone_silent(c, ev->leg);
		break;
	case MEDIA_LEG_GONE:
		leg_gone(c, ev);
		break;
	default:
		break;
	}
}
