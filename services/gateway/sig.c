/* The signalling thread's frame: start and stop, messages, timers, tables. */
#include "sig.h"

#include <string.h>

#include "gateway.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#define EXPIRY_MS 1000
#define FLUSH_MS 1              /* and the loop rounds up: about 20 */
#define STOP_MS 3000             /* how long goodbyes may take at the end */
#define RESERVE_PIECE (120 << 10)
#define RESERVE_PIECES 160       /* together 19 MB of addresses, half a megabyte of memory */
#define DRAIN_MAX 256            /* messages per turn, so that SIP is not starved */

/* What only becomes an event may wait a moment for company; what the ACD waits for may not. */
static int may_wait(enum gw_kind kind)
{
	return kind == GW_UP_STARTED || kind == GW_UP_MENU || kind == GW_UP_RINGING || kind == GW_UP_CLOSED || kind == GW_UP_GAP || kind == GW_UP_RECORDING;
}

static void on_flush(void *arg)
{
	struct sig *s = arg;

	if (gw_queue_depth(s->up))
		gw_queue_wake(s->up);
}

void sig_up(struct sig *s, struct gw_msg **m)
{
	if (may_wait((*m)->kind) && s->sip) {
		if (!s->flush.pos)
			sig_timer_set(s, &s->flush, FLUSH_MS, on_flush, s);
		if (gw_queue_put(s->up, m))
			return;
	} else if (gw_queue_push(s->up, m)) {
		return;
	}
	yc_metric_add(&gw_metrics[GWM_MSG_DROPPED], 1);
	gw_msg_free(m);
}

/* --- timers --- */

static void rearm(struct sig *s, int64_t now)
{
	int64_t at = s->timers.n ? s->timers.v[0].key : 0;

	if (!at || (s->alarm_at && s->alarm_at <= at))
		return;
	s->alarm_at = at;
	sip_alarm(s->sip, at - now);
}

void sig_timer_set(struct sig *s, struct sig_timer *t, int64_t delay_ms, void (*fn)(void *arg), void *arg)
{
	int64_t now = yc_mono();

	yc_heap_remove(&s->timers, &t->pos);
	t->fn = fn;
	t->arg = arg;
	yc_heap_push(&s->timers, now + delay_ms, ++s->sequence, t, &t->pos);
	rearm(s, now);
}

void sig_timer_stop(struct sig *s, struct sig_timer *t)
{
	yc_heap_remove(&s->timers, &t->pos);
}

static void on_alarm(void *arg)
{
	struct sig *s = arg;
	int64_t now = yc_mono();

	s->alarm_at = 0;
	while (s->timers.n && s->timers.v[0].key <= now) {
		struct sig_timer *t = yc_heap_pop(&s->timers);
		t->fn(t->arg);
	}
	rearm(s, now);
}

/* --- phones and trunks tell --- */

static void on_phone(void *arg, const struct phone_change *c)
{
	struct sig *s = arg;
	const struct phone *p = c->p;
	struct gw_msg *m = gw_msg_new(GW_UP_PHONE, "", 768);

	m->at = yc_now();
	m->u.phone.extension = gw_text(m, p->extension);
	m->u.phone.contact = gw_text(m, p->contact);
	m->u.phone.path = gw_text(m, p->path);
	m->u.phone.received = gw_text(m, p->received);
	m->u.phone.user_agent = gw_text(m, p->user_agent);
	m->u.phone.reason = gw_text(m, c->reason);
	m->u.phone.expires_at = p->expires_at;
	m->u.phone.since_at = p->since_at;
	m->u.phone.registered = c->registered;
	sig_up(s, &m);
	if (!c->registered)
		offers_phone_gone(s, p->extension);
}

static void on_trunk(void *arg, const struct trunk_state *st)
{
	struct gw_msg *m = gw_msg_new(GW_UP_TRUNK, "", 256);

	m->u.trunk.name = gw_text(m, st->name);
	m->u.trunk.text = gw_text(m, st->text);
	m->u.trunk.ok = st->ok;
	m->u.trunk.status = st->status;
	sig_up(arg, &m);
}

static void on_expiry(void *arg)
{
	struct sig *s = arg;
	struct media_counters c;

	yc_metric_set(&gw_metrics[GWM_REGISTERED], phones_expire(s->phones, yc_now()));
	yc_metric_set(&gw_metrics[GWM_ACTIVE], s->n_calls);
	yc_metric_set(&gw_metrics[GWM_QUEUED], s->n_queued);
	media_counters(s->media, &c);
	yc_metric_set(&gw_metrics[GWM_LEGS], c.legs);
	yc_metric_set(&gw_metrics[GWM_RTP_IN], c.rtp_in);
	yc_metric_set(&gw_metrics[GWM_RTP_OUT], c.rtp_out);
	yc_metric_set(&gw_metrics[GWM_TICKS_LATE], c.ticks_late);
	sig_timer_set(s, &s->expiry, EXPIRY_MS, on_expiry, s);
}

/* --- tables from the node thread --- */

static void take_number(struct sig *s, const struct gw_msg *m)
{
	struct number *n = NULL;

	HASH_FIND_STR(s->numbers, m->u.number.number, n);
	if (!n) {
		n = yc_xcalloc(1, sizeof(*n));
		yc_copy(n->number, sizeof(n->number), m->u.number.number);
		HASH_ADD_STR(s->numbers, number, n);
	}
	yc_copy(n->flow, sizeof(n->flow), m->u.number.flow);
	yc_copy(n->number_class, sizeof(n->number_class), m->u.number.number_class);
	n->record = m->u.number.record;
}

static void take_flow(struct sig *s, struct gw_msg *m)
{
	struct flow *f = NULL;
	const char *prompt;

	HASH_FIND_STR(s->flows, ivr_flow_name(m->u.flow.flow), f);
	if (!f) {
		f = yc_xcalloc(1, sizeof(*f));
		yc_copy(f->name, sizeof(f->name), ivr_flow_name(m->u.flow.flow));
		HASH_ADD_STR(s->flows, name, f);
	}
	ivr_flow_unref(&f->f);
	f->f = m->u.flow.flow;          /* the message's reference becomes ours */
	m->u.flow.flow = NULL;
	for (int i = 0; (prompt = ivr_flow_prompt(f->f, i)); i++)
		if (*prompt && !media_has_prompt(s->media, prompt))
			yc_warn("flow %s: prompt %s is not in the prompts folder", f->name, prompt);
}

static void take_trunk(struct sig *s, const struct gw_msg *m)
{
	struct trunk_conf c = { m->u.trunk_conf.name, m->u.trunk_conf.addresses, m->u.trunk_conf.proxy, m->u.trunk_conf.register_uri,
				m->u.trunk_conf.user, m->u.trunk_conf.password, m->u.trunk_conf.expires_s };

	sip_trunk_apply(s->sip, trunks_put(&s->trunks, &c));
}

static void end_all(struct sig *s);
static void take(struct sig *s, struct gw_msg *m)
{
	struct offer *o;
	struct call *c;

	switch (m->kind) {
	case GW_DOWN_NUMBER:
		take_number(s, m);
		break;
	case GW_DOWN_FLOW:
		take_flow(s, m);
		break;
	case GW_DOWN_TRUNK:
		take_trunk(s, m);
		break;
	case GW_DOWN_EXTENSION:
		phones_put(s->phones, m->u.extension.number, m->u.extension.ha1_md5, m->u.extension.ha1_sha256, m->u.extension.static_contact,
			   m->u.extension.deleted);
		break;
	case GW_DOWN_LOCATION:
		phones_restore(s->phones, m->u.location.extension, m->u.location.contact, m->u.location.path, m->u.location.received,
			       m->u.location.expires_at, yc_now());
		break;
	case GW_DOWN_OFFER:
		offer_begin(s, m);
		break;
	case GW_DOWN_OFFER_STOP:
		if ((o = offer_find(s, m->u.stop.reservation)))
			offer_event(o, OFFER_EV_STOP, "stopped");
		break;
	case GW_DOWN_ANSWER:
		offer_talk(s, m);
		break;
	case GW_DOWN_HANGUP:
		if ((c = call_find(s, m->id)))
			call_hangup(c, "operator", "hangup");
		break;
	case GW_DOWN_STOP:
		end_all(s);
		break;
	default:
		break;
	}
}

static void on_down(void *arg)
{
	struct sig *s = arg;
	struct gw_msg *m;

	for (int i = 0; i < DRAIN_MAX && (m = gw_queue_pop(s->down)); i++) {
		take(s, m);
		gw_msg_free(&m);
	}
	if (gw_queue_depth(s->down))
		gw_queue_wake(s->down);
}

static void on_media(void *arg)
{
	struct sig *s = arg;
	struct media_event ev;

	for (int i = 0; i < DRAIN_MAX && media_next(s->media, &ev); i++)
		if (!recording_event(s, &ev))
			call_media(s, &ev);
}

/* --- the end --- */

static void on_stop_check(void *arg)
{
	struct sig *s = arg;

	if ((s->n_calls || s->recordings) && yc_mono() < s->stop_by)
		sig_timer_set(s, &s->expiry, 20, on_stop_check, s);
	else
		sip_stop(s->sip);
}

static void end_all(struct sig *s)
{
	struct call *c, *next;

	s->stopping = 1;
	HASH_ITER(hh, s->by_id, c, next)
		call_hangup(c, "gateway", "shutdown");
	s->stop_by = yc_mono() + STOP_MS;
	sig_timer_set(s, &s->expiry, 0, on_stop_check, s);
}

static void tables_free(struct sig *s)
{
	struct number *n, *n2;
	struct flow *f, *f2;

	HASH_ITER(hh, s->numbers, n, n2) {
		HASH_DEL(s->numbers, n);
		yc_xfree(n);
	}
	HASH_ITER(hh, s->flows, f, f2) {
		HASH_DEL(s->flows, f);
		ivr_flow_unref(&f->f);
		yc_xfree(f);
	}
}

static enum yc_code open_all(struct sig *s, struct yc_err *e)
{
	static const struct sip_handlers handlers = { .invite = call_arrives, .alarm = on_alarm };

	s->phones = phones_new(on_phone, s);
	s->trunks.told = on_trunk;
	s->trunks.arg = s;
	s->bucket.rate = s->conf.max_rate;
	if (sip_open(&s->sip, &s->conf.sip, s->phones, &s->trunks, &handlers, s, e))
		return e->code;
	if (!s->conf.media_ip[0])
		yc_copy(s->conf.media_ip, sizeof(s->conf.media_ip), sip_host(s->sip));
	if (media_open(&s->media, &s->conf.media, e))
		return e->code;
	if (sip_watch(s->sip, gw_queue_fd(s->down), on_down, s, e))
		return e->code;
	return sip_watch(s->sip, media_fd(s->media), on_media, s, e);
}

static void say_ready(struct sig *s, int ok, const char *why)
{
	struct gw_msg *m = gw_msg_new(GW_UP_READY, "", 512);

	m->u.ready.ok = ok;
	m->u.ready.text = gw_text(m, why);
	sig_up(s, &m);
}

/* A thread's heap grows a page at a time, by a system call each: ten per call were counted. So it is grown once, beforehand; the pages
 * themselves are not touched until they are needed. */
static void reserve_heap(void)
{
	void *v[RESERVE_PIECES];

	for (int i = 0; i < RESERVE_PIECES; i++)
		v[i] = yc_xrealloc(NULL, RESERVE_PIECE);
	for (int i = 0; i < RESERVE_PIECES; i++)
		yc_xfree(v[i]);
}

static void *sig_main(void *arg)
{
	struct sig *s = arg;
	struct yc_err e = { 0 };
	struct gw_msg *m;

	reserve_heap();
	if (open_all(s, &e)) {
		say_ready(s, 0, e.msg);
	} else {
		say_ready(s, 1, "");
		on_expiry(s);
		sip_run(s->sip);
	}
	calls_free(s);
	sip_close(&s->sip);
	media_close(&s->media);
	recordings_free(s);
	phones_free(&s->phones);
	trunks_fini(&s->trunks);
	tables_free(s);
	yc_heap_fini(&s->timers);
	m = gw_msg_new(GW_UP_STOPPED, "", 0);
	sig_up(s, &m);
	return NULL;
}

struct sig *sig_start(const struct sig_conf *c, struct gw_queue *up, struct gw_queue *down)
{
	struct sig *s = yc_xcalloc(1, sizeof(*s));

	s->conf = *c;
	s->up = up;
	s->down = down;
	s->started = pthread_create(&s->thread, NULL, sig_main, s) == 0;
	if (!s->started)
		say_ready(s, 0, "no thread for SIP");
	return s;
}

void sig_behind(struct sig *s, int events)
{
	atomic_store_explicit(&s->behind, events, memory_order_relaxed);
}

void sig_join(struct sig **s)
{
	if (!*s)
		return;
	if ((*s)->started)
		pthread_join((*s)->thread, NULL);
	yc_xfree(*s);
	*s = NULL;
}
