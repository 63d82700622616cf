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
#define RETRY_AFTER_S 2

/* What admission knows of an INVITE; gone when it is decided. */
struct call_arrival {
	const struct sip_invite *in;
	const struct trunk *t;
	const struct number *n;
	const struct flow *f;
	char answer[SDP_OUT_MAX], asserted[YC_PHONE_LEN], diverted[YC_PHONE_LEN];
};

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
static const struct sip_leg_ops caller_ops = {
	.progress = on_progress, .answered = on_answer, .offered = on_offered, .answer_to_late = on_answer, .digit = on_digit, .talked = on_talked,
	.ended = on_ended,
};

/* --- admission --- */

static int over_capacity(struct sig *s)
{
	return s->stopping || s->n_calls >= s->conf.max_calls || atomic_load(&s->behind) > s->conf.max_behind ||
	       gw_queue_depth(s->up) > GW_QUEUE / 2 || !trunk_bucket_take(&s->bucket, yc_mono());
}

static void refuse(struct sip_leg *leg, int status, const char *phrase, enum gw_metric m)
{
	yc_metric_add(&gw_metrics[m], 1);
	sip_leg_refuse(&leg, status, phrase, status == 503 ? RETRY_AFTER_S : 0);
}

static const struct number *number_of(struct sig *s, const char *to)
{
	struct number *n = NULL;
	char plain[YC_PHONE_LEN];

	HASH_FIND_STR(s->numbers, to, n);
	if (!n && yc_phone_normalize(to, s->conf.area, plain) != YC_PHONE_NONE)
		HASH_FIND_STR(s->numbers, plain, n);
	return n;
}

static const struct flow *flow_of(struct sig *s, const struct number *n)
{
	struct flow *f = NULL;

	HASH_FIND_STR(s->flows, n->flow, f);
	if (!f)
		yc_error("number %s: flow %s does not exist", n->number, n->flow);
	return f;
}

/* Who calls: what the network asserts comes before what the phone claims. */
static void read_caller(struct call *c, struct call_arrival *a)
{
	const struct sip_invite *in = a->in;
	const char *area = c->s->conf.area;
	char uri[160];

	if (*in->asserted)
		yc_phone_normalize(uri_in(in->asserted, uri, sizeof(uri)), area, a->asserted);
	if (*in->diverted)
		yc_phone_normalize(uri_in(in->diverted, uri, sizeof(uri)), area, a->diverted);
	if (a->asserted[0])
		yc_copy(c->from, sizeof(c->from), a->asserted);
	else
		yc_phone_normalize(in->from, area, c->from);
	yc_copy(c->display, sizeof(c->display), in->display);
}

/* The caller's media leg and the SDP for our 200. */
static enum yc_code open_media(struct call *c, const struct sip_invite *in, char *answer, struct yc_err *e)
{
	struct media_leg_conf mc = { .rtp_timeout_ms = -1 };
	struct sdp sdp;
	int port;

	if (in->sdp) {
		if (sdp_parse(&sdp, in->sdp, in->sdp_len, e) || sdp_choose(&c->choice, &sdp, &SDP_PREFS_DEFAULT, e))
			return e->code;
		negotiate_remote(&mc.remote, &c->choice);
	}
	c->conv = media_conv_new(c->s->media);
	if (!c->conv)
		return yc_fail(e, YC_EXHAUSTED, "media", "no room for another conversation");
	if (media_leg_add(c->s->media, c->conv, &mc, &c->media, &port, e))
		return e->code;
	c->legs_open = 1;
	sdp_local_init(&c->local, c->s->conf.media_ip, port, (uint64_t)yc_now());
	if (!(in->sdp ? sdp_write_answer(&c->local, &sdp, &c->choice, answer, SDP_OUT_MAX) :
			sdp_write_offer(&c->local, &SDP_PREFS_DEFAULT, answer, SDP_OUT_MAX)))
		return yc_fail(e, YC_INVALID, "sdp", "the answer does not fit");
	yc_copy(c->codec, sizeof(c->codec), !in->sdp ? "" : c->choice.codec == SDP_PCMA ? "PCMA" : "PCMU");
	return YC_OK;
}

static struct call *call_new(struct sig *s, struct sip_leg *leg, const struct number *n)
{
	struct call *c = yc_xcalloc(1, sizeof(*c));

	c->s = s;
	c->leg = leg;
	c->record = n->record;
	c->started_at = yc_now();
	yc_copy(c->to, sizeof(c->to), n->number);
	yc_id_new("cal", c->id);
	yc_id_new("ctc", c->contact_id);
	yc_id_new("mat", c->matter_id);
	return c;
}

static void admit(struct sig *s, struct sip_leg *leg, struct call_arrival *a)
{
	struct call *c = call_new(s, leg, a->n);
	struct yc_err e = { 0 };

	read_caller(c, a);
	if (open_media(c, a->in, a->answer, &e)) {
		if (c->conv)
			media_conv_free(s->media, c->conv);
		yc_debug("call from %s refused: %s %s", a->in->source, e.field, e.msg);
		if (e.code == YC_EXHAUSTED)
			refuse(leg, 503, "Service Unavailable", GWM_BUSY_503);
		else
			refuse(leg, 488, "Not Acceptable Here", GWM_CODEC_488);
		yc_xfree(c);
		return;
	}
	HASH_ADD_STR(s->by_id, id, c);
	HASH_ADD(hh_conv, s->by_conv, conv, sizeof(c->conv), c);
	s->n_calls++;
	yc_metric_add(&gw_metrics[GWM_CALLS], 1);
	sip_leg_bind(leg, &caller_ops, c);
	c->arrival = a;
	call_event(c, CALL_EV_ADMIT);
	c->arrival = NULL;
}

void call_arrives(void *arg, struct sip_leg *leg, const struct sip_invite *in)
{
	struct sig *s = arg;
	struct call_arrival a = { .in = in, .t = trunks_of(&s->trunks, in->source) };

	if (!a.t) {
		refuse(leg, 403, "Forbidden", GWM_FORBIDDEN_403);
		return;
	}
	a.n = number_of(s, in->to);
	if (!a.n) {
		refuse(leg, 404, "Not Found", GWM_UNKNOWN_404);
		return;
	}
	a.f = flow_of(s, a.n);
	if (!a.f || over_capacity(s)) {
		refuse(leg, 503, "Service Unavailable", GWM_BUSY_503);
		return;
	}
	admit(s, leg, &a);
}

/* --- effects --- */

static void fx_answer(struct call *c)
{
	sip_leg_answer(c->leg, c->arrival->answer);
}

static void fx_note_started(struct call *c)
{
	const struct call_arrival *a = c->arrival;
	struct gw_msg *m = gw_msg_new(GW_UP_STARTED, c->id, 768);

	m->at = c->started_at;
	m->u.started.contact_id = gw_text(m, c->contact_id);
	m->u.started.matter_id = gw_text(m, c->matter_id);
	m->u.started.from = gw_text(m, c->from);
	m->u.started.display = gw_text(m, c->display);
	m->u.started.to = gw_text(m, c->to);
	m->u.started.trunk = gw_text(m, a->t->name);
	m->u.started.flow = gw_text(m, a->n->flow);
	m->u.started.number_class = gw_text(m, a->n->number_class);
	m->u.started.diverted = gw_text(m, a->diverted);
	m->u.started.asserted = gw_text(m, a->asserted);
	m->u.started.codec = gw_text(m, c->codec);
	m->u.started.sip_call_id = gw_text(m, yc_utf8_ok(a->in->call_id) ? a->in->call_id : "");
	sig_up(c->s, &m);
}

static void fx_run_flow(struct call *c)
{
	call_ivr_begin(c, c->arrival->f->f);
}

static void fx_note_queued(struct call *c)
{
	struct gw_msg *m = gw_msg_new(GW_UP_QUEUED, c->id, 160);

	yc_id_new("wki", c->item_id);
	m->at = yc_now();
	m->u.queued.item_id = gw_text(m, c->item_id);
	m->u.queued.queue = gw_text(m, c->queue);
	m->u.queued.priority = c->priority;
	sig_up(c->s, &m);
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
	[CALL_FX_ANSWER] = fx_answer, [CALL_FX_NOTE_STARTED] = fx_note_started,
	[CALL_FX_RUN_FLOW] = fx_run_flow, [CALL_FX_MUSIC] = call_ivr_music, [CALL_FX_NOTE_QUEUED] = fx_note_queued, [CALL_FX_RING_AGENT] = offer_ring,
	[CALL_FX_BRIDGE] = fx_bridge, [CALL_FX_RECORD] = fx_record, [CALL_FX_NOTE_BRIDGED] = fx_note_bridged, [CALL_FX_DROP_AGENT] = fx_drop_agent,
	[CALL_FX_BYE_CALLER] = fx_bye_caller, [CALL_FX_NOTE_ENDED] = fx_note_ended, [CALL_FX_CLOSE_MEDIA] = fx_close_media,
	[CALL_FX_NOTE_CLOSED] = fx_note_closed, [CALL_FX_FREE] = call_free,
};

static int waits(int state)
{
	return state == CALL_QUEUED || state == CALL_OFFERED;
}

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

/* A caller who never sent RTP may be a quiet network: the dialog itself is asked before he is given up. In a talk silence ends it. */
static void gone_silent(struct call *c, media_leg leg)
{
	struct negotiated g = wires(c);
	char sdp[SDP_OUT_MAX];

	if (c->state == CALL_CLOSING)
		return;
	if (c->state != CALL_TALKING && leg == c->media && !c->had_rtp && c->leg) {
		negotiate_reoffer(&g, sdp);
		sip_leg_reoffer(c->leg, sdp);
		return;
	}
	c->by = leg == c->media ? "caller" : "agent";
	c->reason = "rtp_timeout";
	call_event(c, CALL_EV_SILENT);
}

void call_media(struct sig *s, const struct media_event *ev)
{
	struct call *c = NULL;

	HASH_FIND(hh_conv, s->by_conv, &ev->conv, sizeof(ev->conv), c);
	if (!c)
		return;
	switch (ev->type) {
	case MEDIA_FIRST_RTP:
		c->had_rtp |= ev->leg == c->media;
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
