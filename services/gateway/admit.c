/* Admission of an INVITE: who may call, which number, is there room, is there a codec. What is admitted becomes a call. Signalling thread. */
#include "sig.h"

#include <string.h>

#include "gateway.h"
#include "rule_uri.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/phone.h"
#include "yc/text.h"

#define RETRY_AFTER_S 2

/* What admission knows of an INVITE; gone when it is decided. */
struct call_arrival {
	const struct sip_invite *in;
	const struct trunk *t;
	const struct number *n;
	const struct flow *f;
	char answer[SDP_OUT_MAX], asserted[YC_PHONE_LEN], diverted[YC_PHONE_LEN];
};

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
	sip_leg_bind(leg, &call_leg_ops, c);
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

/* --- the call's first effects: while its arrival is known --- */

void admit_answer(struct call *c)
{
	sip_leg_answer(c->leg, c->arrival->answer);
}

void admit_note_started(struct call *c)
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

void admit_run_flow(struct call *c)
{
	call_ivr_begin(c, c->arrival->f->f);
}
