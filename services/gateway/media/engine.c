/* The engine as the signalling thread sees it: ids, ports, commands out, events in. */
#include "media/media.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "media/ports.h"
#include "media/worker.h"
#include "yc/arena.h"
#include "yc/log.h"

enum { EVENTS = 8192, LEGS_MAX = 16384, WORKERS_MAX = 64 };

/* A slot is free, in use, or (gone = 1) waits for the worker's word that it is done with it. */
struct slot {
	uint32_t generation;
	int used, gone, worker;
	unsigned conv;                           /* of a leg: its conversation's slot */
	int port, recording;
	int next_free;
};
struct slots { struct slot *v; int first_free; int64_t used; };
struct late_cmd { struct md_cmd c; struct late_cmd *prev, *next; };
struct md_engine_worker { struct md_worker w; struct late_cmd *late; int legs; };

struct media {
	struct md_shared sh;
	struct md_engine_worker *workers;
	int n_workers, n_started;
	struct slots convs, legs;
	struct md_ports *ports;
	struct md_prompts *prompts;
	struct md_prompt *music;
	int64_t delayed;
};

/* --- slots and ids --- */
static void slots_init(struct slots *s, unsigned n)
{
	s->v = yc_xcalloc(n, sizeof(*s->v));
	for (unsigned i = 0; i < n; i++)
		s->v[i].next_free = i + 1 < n ? (int)i + 1 : -1;
}

static struct slot *slot_take(struct slots *s, uint64_t *id)
{
	struct slot *x;
	int i = s->first_free;

	if (i < 0)
		return NULL;
	x = &s->v[i];
	s->first_free = x->next_free;
	s->used++;
	x->used = 1;
	x->gone = x->recording = 0;
	x->generation++;
	*id = (uint64_t)x->generation << 32 | (unsigned)(i + 1);
	return x;
}

static void slot_give(struct slots *s, struct slot *x)
{
	x->used = 0;
	s->used--;
	x->next_free = s->first_free;
	s->first_free = (int)(x - s->v);
}

static struct slot *slot_of(const struct media *m, const struct slots *s, uint64_t id)
{
	struct slot *x = id && md_slot(id) < m->sh.slots ? &s->v[md_slot(id)] : NULL;

	return x && x->used && x->generation == id >> 32 ? x : NULL;
}

/* For commands: one that is being removed is as good as gone. */
static struct slot *live(const struct media *m, const struct slots *s, uint64_t id)
{
	struct slot *x = slot_of(m, s, id);

	return x && !x->gone ? x : NULL;
}

/* --- commands --- */

/* What a full ring does not take waits here, in order. Bounded by the legs that exist: each needs only so many commands at a time, and
 * media_leg_add() refuses while the worker is behind. */
static void put(struct media *m, int worker, const struct md_cmd *c)
{
	struct md_engine_worker *w = &m->workers[worker];
	struct late_cmd *late;

	if (!w->late && md_ring_put(w->w.ring, c) == 0)
		return;
	late = yc_xcalloc(1, sizeof(*late));
	late->c = *c;
	DL_APPEND(w->late, late);
	m->delayed++;
}

static void put_late(struct md_engine_worker *w)
{
	while (w->late && md_ring_put(w->w.ring, &w->late->c) == 0) {
		struct late_cmd *l = w->late;

		DL_DELETE(w->late, l);
		yc_xfree(l);
	}
}

static void to_leg(struct media *m, media_leg leg, struct md_cmd *c)
{
	struct slot *x = live(m, &m->legs, leg);

	c->leg = leg;
	if (x)
		put(m, x->worker, c);
	else
		md_cmd_drop(c);
}

static void to_conv(struct media *m, media_conv conv, struct md_cmd *c)
{
	struct slot *x = live(m, &m->convs, conv);

	c->conv = conv;
	if (x)
		put(m, x->worker, c);
	else
		md_cmd_drop(c);
}

media_conv media_conv_new(struct media *m)
{
	struct md_cmd c = { .op = MD_CONV_NEW };
	media_conv id = 0;
	struct slot *x = slot_take(&m->convs, &id);

	if (!x)
		return 0;
	x->worker = 0;
	for (int i = 1; i < m->n_workers; i++)
		if (m->workers[i].legs < m->workers[x->worker].legs)
			x->worker = i;
	to_conv(m, id, &c);
	return id;
}

void media_conv_free(struct media *m, media_conv conv)
{
	struct md_cmd c = { .op = MD_CONV_FREE };
	struct slot *x = live(m, &m->convs, conv);

	to_conv(m, conv, &c);
	if (x)
		x->gone = 1;
}

/* --- legs --- */
static int to_addr(struct md_addr *a, const char *ip, int port)
{
	struct sockaddr_in *v4 = (void *)&a->sa;
	struct sockaddr_in6 *v6 = (void *)&a->sa;

	memset(a, 0, sizeof(*a));
	if (!*ip || port <= 0 || port > 65535)
		return -1;
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		a->len = sizeof(*v4);
	} else if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		a->len = sizeof(*v6);
	}
	return a->len ? 0 : -1;
}

static void to_remote(struct md_remote *out, const struct media_remote *r)
{
	(void)to_addr(&out->addr, r->ip, r->port);   /* unknown stays unknown */
	out->codec = r->codec == MEDIA_PCMU ? MEDIA_PCMU : MEDIA_PCMA;
	out->pt = (uint8_t)(r->pt & 0x7f);
	out->event_pt = r->event_pt > 0 && r->event_pt < 128 ? r->event_pt : 0;
	out->send = r->send;
	out->receive = r->receive;
}

enum yc_code media_leg_add(struct media *m, media_conv conv, const struct media_leg_conf *lc, media_leg *leg, int *port, struct yc_err *e)
{
	struct slot *cv = live(m, &m->convs, conv), *x;
	struct md_cmd c = { .op = MD_LEG_ADD };
	int fd;

	if (!cv)
		return yc_fail(e, YC_NOT_FOUND, "conv", "no such conversation");
	if (m->workers[cv->worker].late)
		return yc_fail(e, YC_EXHAUSTED, "worker", "the media worker is behind with its work");
	fd = md_port_open(m->ports, *lc->bind_ip ? lc->bind_ip : m->sh.conf.bind_ip, port, e);
	if (fd < 0)
		return e ? e->code : YC_EXHAUSTED;
	x = slot_take(&m->legs, leg);
	if (!x) {
		close(fd);
		md_port_give(m->ports, *port);
		return yc_fail(e, YC_EXHAUSTED, "legs", "all %u legs are in use", m->sh.slots);
	}
	x->worker = cv->worker;
	x->conv = md_slot(conv);
	x->port = *port;
	m->workers[x->worker].legs++;
	c.leg = *leg;
	c.u.add.fd = fd;
	c.u.add.strict = lc->strict;
	c.u.add.timeout_ms = lc->rtp_timeout_ms < 0 ? m->sh.conf.rtp_timeout_ms : lc->rtp_timeout_ms;
	to_remote(&c.u.add.remote, &lc->remote);
	to_conv(m, conv, &c);
	return YC_OK;
}

void media_leg_remote(struct media *m, media_leg leg, const struct media_remote *r)
{
	struct md_cmd c = { .op = MD_LEG_REMOTE };

	to_remote(&c.u.remote, r);
	to_leg(m, leg, &c);
}

void media_leg_remove(struct media *m, media_leg leg)
{
	struct md_cmd c = { .op = MD_LEG_REMOVE };
	struct slot *x = live(m, &m->legs, leg);

	to_leg(m, leg, &c);
	if (x)
		x->gone = 1;
}

/* --- what it hears --- */
enum yc_code media_play(struct media *m, media_leg leg, const struct media_play *p, struct yc_err *e)
{
	struct md_cmd c = { .op = MD_PLAY };

	if (p->n < 1 || p->n > MEDIA_PLAY_MAX)
		return yc_fail(e, YC_INVALID, "n", "%d prompts; 1 to %d are possible", p->n, MEDIA_PLAY_MAX);
	c.u.play.tag = p->tag;
	c.u.play.n = p->n;
	c.u.play.loop = p->loop;
	c.u.play.barge = p->barge;
	c.u.play.gap = (p->gap_ms < 0 ? 0 : p->gap_ms > 60000 ? 60000 : p->gap_ms) * 8;
	for (int i = 0; i < p->n; i++) {
		struct md_prompt *found = md_prompts_find(m->prompts, p->names[i]);

		if (!found) {
			md_cmd_drop(&c);
			return yc_fail(e, YC_NOT_FOUND, "prompt", "no prompt named \"%s\"", p->names[i]);
		}
		c.u.play.list[i] = md_prompt_ref(found);
	}
	to_leg(m, leg, &c);
	return YC_OK;
}

void media_stop_play(struct media *m, media_leg leg)
{
	struct md_cmd c = { .op = MD_STOP_PLAY };

	to_leg(m, leg, &c);
}

void media_music(struct media *m, media_leg leg, const char *name)
{
	struct md_cmd c = { .op = MD_MUSIC };
	struct md_prompt *p = name && *name ? md_prompts_find(m->prompts, name) : NULL;

	if (name && !p)
		p = md_prompts_find(m->prompts, "music");
	if (name)
		c.u.music = md_prompt_ref(p ? p : m->music);
	to_leg(m, leg, &c);
}

int media_has_prompt(const struct media *m, const char *name)
{
	return md_prompts_find(m->prompts, name) != NULL;
}

int64_t media_prompt_ms(const struct media *m, const char *name)
{
	struct md_prompt *p = md_prompts_find(m->prompts, name);

	return p ? (int64_t)p->n * 1000 / MD_RATE : -1;
}

void media_prompts_reload(struct media *m)
{
	md_writer_load_prompts(m->sh.writer, m->sh.conf.prompts);
}

void media_dtmf_listen(struct media *m, media_leg leg, int on, int inband)
{
	struct md_cmd c = { .op = MD_LISTEN, .u.listen = { .on = on, .inband = inband } };

	to_leg(m, leg, &c);
}

void media_bridge(struct media *m, media_leg a, media_leg b)
{
	struct md_cmd c = { .op = MD_BRIDGE, .other = b };

	to_leg(m, a, &c);
}

void media_unbridge(struct media *m, media_leg a)
{
	struct md_cmd c = { .op = MD_UNBRIDGE };

	to_leg(m, a, &c);
}

/* --- recording --- */
enum yc_code media_record_start(struct media *m, media_conv conv, const char *path, media_leg left, media_leg right, int64_t tag, struct yc_err *e)
{
	struct md_cmd c = { .op = MD_RECORD, .leg = left, .other = right };
	struct slot *x = live(m, &m->convs, conv);

	if (!x)
		return yc_fail(e, YC_NOT_FOUND, "conv", "no such conversation");
	if (x->recording)
		return yc_fail(e, YC_CONFLICT, "conv", "this conversation is being recorded already");
	if (!*path || strlen(path) >= MEDIA_PATH)
		return yc_fail(e, YC_INVALID, "path", "a path of 1 to %d bytes is needed", MEDIA_PATH - 1);
	x->recording = 1;
	c.u.record = md_record_new(path, conv, tag);
	to_conv(m, conv, &c);
	return YC_OK;
}

void media_record_legs(struct media *m, media_conv conv, media_leg left, media_leg right)
{
	struct md_cmd c = { .op = MD_RECORD_LEGS, .leg = left, .other = right };

	to_conv(m, conv, &c);
}

void media_record_pause(struct media *m, media_conv conv, int on)
{
	struct md_cmd c = { .op = MD_RECORD_PAUSE, .u.on = on };

	to_conv(m, conv, &c);
}

void media_record_stop(struct media *m, media_conv conv)
{
	struct md_cmd c = { .op = MD_RECORD_STOP };
	struct slot *x = live(m, &m->convs, conv);

	to_conv(m, conv, &c);
	if (x)
		x->recording = 0;                /* the next may start: its file is another */
}

/* --- events --- */
int media_fd(const struct media *m)
{
	return md_events_fd(m->sh.events);
}

static void leg_gone(struct media *m, media_leg id)
{
	struct slot *x = slot_of(m, &m->legs, id);

	if (!x)
		return;
	md_port_give(m->ports, x->port);
	m->workers[x->worker].legs--;
	slot_give(&m->legs, x);
}

static void new_prompts(struct media *m, struct md_event *ev, struct media_event *out)
{
	md_prompts_free(&m->prompts);
	m->prompts = ev->prompts;
	ev->prompts = NULL;
	snprintf(out->detail, sizeof(out->detail), "%d prompts", md_prompts_count(m->prompts));
}

static void fill(struct media_event *out, const struct md_event *ev)
{
	memset(out, 0, sizeof(*out));
	out->type = (enum media_event_type)ev->type;
	out->conv = ev->conv;
	out->leg = ev->leg;
	out->tag = ev->tag;
	out->digit = ev->digit;
	out->via = (enum media_via)ev->via;
	if (ev->stats)
		out->stats = *ev->stats;
	if (ev->record) {
		snprintf(out->path, sizeof(out->path), "%s", ev->record->path);
		snprintf(out->sha256, sizeof(out->sha256), "%s", ev->record->sha256);
		snprintf(out->detail, sizeof(out->detail), "%s", ev->record->detail);
		out->bytes = ev->record->bytes;
		out->duration_ms = ev->record->duration_ms;
	}
}

/* Returns 1 when the event is for the caller. */
static int digest(struct media *m, struct md_event *ev, struct media_event *out)
{
	struct slot *conv = ev->conv ? slot_of(m, &m->convs, ev->conv) : NULL, *leg = ev->leg ? slot_of(m, &m->legs, ev->leg) : NULL;

	fill(out, ev);
	switch (ev->type) {
	case MD_EV_CONV_GONE:
		if (conv)
			slot_give(&m->convs, conv);
		return 0;
	case MD_EV_ROOM:
		return 0;
	case MEDIA_LEG_GONE:
		leg_gone(m, ev->leg);
		return 1;
	case MEDIA_PROMPTS_LOADED:
		new_prompts(m, ev, out);
		return 1;
	case MEDIA_RECORD_DONE:
	case MEDIA_RECORD_FAILED:
		return 1;
	default:
		return conv && !conv->gone && leg && !leg->gone;
	}
}

int media_next(struct media *m, struct media_event *out)
{
	struct md_event ev;

	for (int i = 0; i < m->n_workers; i++)
		put_late(&m->workers[i]);
	while (md_events_get(m->sh.events, &ev)) {
		int give = digest(m, &ev, out);

		md_event_drop(&ev);
		if (give)
			return 1;
	}
	return 0;
}

/* --- life --- */
void media_conf_default(struct media_conf *c)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->bind_ip, sizeof(c->bind_ip), "127.0.0.1");
	c->port_min = 20000;
	c->port_max = 29999;
	c->rtp_timeout_ms = 30000;
	c->relatch_ms = 2000;
	c->coalesce_us = -1;
	c->record_max_ms = 4 * 3600 * 1000;
}

static void complete(struct media_conf *c, int ports)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (c->workers <= 0)
		c->workers = cores > 2 ? (int)cores - 1 : 1;
	if (c->workers > WORKERS_MAX)
		c->workers = WORKERS_MAX;
	if (c->max_legs <= 0 || c->max_legs > ports)
		c->max_legs = ports;
	if (c->max_legs > LEGS_MAX)
		c->max_legs = LEGS_MAX;
	if (c->coalesce_us < 0)
		c->coalesce_us = 1000;
	if (c->relatch_ms <= 0)
		c->relatch_ms = 2000;
	if (c->record_max_ms <= 0 || c->record_max_ms > 24 * 3600 * 1000)
		c->record_max_ms = 4 * 3600 * 1000;
}

static enum yc_code start_workers(struct media *m, struct yc_err *e)
{
	m->n_workers = m->sh.conf.workers;
	m->workers = yc_xcalloc((size_t)m->n_workers, sizeof(*m->workers));
	for (int i = 0; i < m->n_workers; i++) {
		m->workers[i].w.sh = &m->sh;
		if (md_worker_start(&m->workers[i].w) < 0)
			return yc_fail(e, YC_UNAVAILABLE, "workers", "a media worker cannot start: %s", strerror(errno));
		m->n_started++;
	}
	return YC_OK;
}

enum yc_code media_open(struct media **out, const struct media_conf *conf, struct yc_err *e)
{
	struct media *m = yc_xcalloc(1, sizeof(*m));
	struct md_addr a;
	enum yc_code c;

	*out = NULL;
	m->sh.conf = *conf;
	md_g711_init();
	if (to_addr(&a, conf->bind_ip, 1) < 0) {
		yc_xfree(m);
		return yc_fail(e, YC_INVALID, "bind_ip", "\"%s\" is no IP address", conf->bind_ip);
	}
	c = md_ports_new(&m->ports, conf->port_min, conf->port_max, e);
	if (c != YC_OK) {
		yc_xfree(m);
		return c;
	}
	complete(&m->sh.conf, md_ports_free_count(m->ports));
	m->sh.slots = (unsigned)m->sh.conf.max_legs;
	slots_init(&m->convs, m->sh.slots);
	slots_init(&m->legs, m->sh.slots);
	m->prompts = md_prompts_load(m->sh.conf.prompts);
	m->music = md_music_make();
	m->sh.comfort = md_comfort_make();
	m->sh.events = md_events_new(EVENTS);
	m->sh.writer = md_writer_new(m->sh.events);
	c = start_workers(m, e);
	if (c != YC_OK)
		media_close(&m);
	*out = m;
	return c;
}

static void stop_worker(struct md_engine_worker *w)
{
	struct md_cmd stop = { .op = MD_STOP };

	while (md_ring_put(w->w.ring, &stop) < 0)
		;                                /* a full ring empties in microseconds */
	md_worker_join(&w->w);
	while (w->late) {
		struct late_cmd *l = w->late;

		md_cmd_drop(&l->c);
		DL_DELETE(w->late, l);
		yc_xfree(l);
	}
}

void media_close(struct media **pm)
{
	struct media *m = *pm;

	if (!m)
		return;
	*pm = NULL;
	for (int i = 0; i < m->n_started; i++)
		stop_worker(&m->workers[i]);
	md_writer_free(&m->sh.writer);
	md_events_free(&m->sh.events);
	md_prompts_free(&m->prompts);
	md_prompt_unref(&m->music);
	md_prompt_unref(&m->sh.comfort);
	md_ports_free(&m->ports);
	yc_xfree(m->workers);
	yc_xfree(m->convs.v);
	yc_xfree(m->legs.v);
	yc_xfree(m);
}

static int64_t get(const atomic_llong *c)
{
	return atomic_load_explicit((atomic_llong *)(uintptr_t)c, memory_order_relaxed);
}

void media_counters(const struct media *m, struct media_counters *out)
{
	struct md_writer_counters w;

	memset(out, 0, sizeof(*out));
	md_writer_counters(m->sh.writer, &w);
	out->convs = m->convs.used;
	out->legs = m->legs.used;
	out->ports_free = md_ports_free_count(m->ports);
	out->record_bytes = w.bytes;
	out->record_failed = w.failed;
	out->chunks_in_use = w.chunks;
	out->commands_delayed = m->delayed;
	for (int i = 0; i < m->n_workers; i++) {
		const struct md_counters *c = &m->workers[i].w.count;
		int64_t max = get(&c->tick_late_max_us);

		out->rtp_in += get(&c->rtp_in);
		out->rtp_out += get(&c->rtp_out);
		out->refused += get(&c->refused);
		out->send_failed += get(&c->send_failed);
		out->ticks_late += get(&c->ticks_late);
		out->events_dropped += get(&c->events_dropped);
		out->recordings += get(&c->recordings);
		if (max > out->tick_late_max_us)
			out->tick_late_max_us = max;
	}
}
