/* The engine's life and its events, as the signalling thread sees them. */
#include "media/engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utlist.h>

#include "yc/arena.h"
#include "yc/log.h"

enum { EVENTS = 8192, LEGS_MAX = 16384, WORKERS_MAX = 64 };

/* --- events --- */
int media_fd(const struct media *m)
{
	return md_events_fd(m->sh.events);
}

static void leg_gone(struct media *m, media_leg id)
{
	struct md_slot_state *x = md_slot_of(m, &m->legs, id);

	if (!x)
		return;
	md_port_give(m->ports, x->port);
	m->workers[x->worker].legs--;
	md_slot_give(&m->legs, x);
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
	struct md_slot_state *conv = ev->conv ? md_slot_of(m, &m->convs, ev->conv) : NULL, *leg = ev->leg ? md_slot_of(m, &m->legs, ev->leg) : NULL;

	fill(out, ev);
	switch (ev->type) {
	case MD_EV_CONV_GONE:
		if (conv)
			md_slot_give(&m->convs, conv);
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
		md_put_late(&m->workers[i]);
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
	if (c->relatch_ms <= 0)
		c->relatch_ms = 2000;
	if (c->record_max_ms <= 0 || c->record_max_ms > 24 * 3600 * 1000)
		c->record_max_ms = 4 * 3600 * 1000;
}

/* A leg is a descriptor: take what the system grants, say when that is too little. */
static void raise_files(int legs)
{
	struct rlimit r;
	rlim_t want = (rlim_t)legs + 1024;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= want)
		return;
	r.rlim_cur = r.rlim_max == RLIM_INFINITY || r.rlim_max > want ? want : r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	if (r.rlim_cur < want)
		yc_warn("media: %llu open files are too few for %d legs", (unsigned long long)r.rlim_cur, legs);
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
	if (md_to_addr(&a, conf->bind_ip, 1) < 0) {
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
	raise_files(m->sh.conf.max_legs);
	md_slots_init(&m->convs, m->sh.slots);
	md_slots_init(&m->legs, m->sh.slots);
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
		struct md_late_cmd *l = w->late;

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
