/* Ids, ports and commands: every call of media.h that acts on a conversation or a leg. */
#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "media/engine.h"
#include "yc/arena.h"

enum { LATE_MAX = 8192 };

/* --- slots and ids --- */
void md_slots_init(struct md_slots *s, unsigned n)
{
	s->v = yc_xcalloc(n, sizeof(*s->v));
	for (unsigned i = 0; i < n; i++)
		s->v[i].next_free = i + 1 < n ? (int)i + 1 : -1;
}

static struct md_slot_state *slot_take(struct md_slots *s, uint64_t *id)
{
	struct md_slot_state *x;
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

void md_slot_give(struct md_slots *s, struct md_slot_state *x)
{
	x->used = 0;
	s->used--;
	x->next_free = s->first_free;
	s->first_free = (int)(x - s->v);
}

struct md_slot_state *md_slot_of(const struct media *m, const struct md_slots *s, uint64_t id)
{
	struct md_slot_state *x = id && md_slot(id) < m->sh.slots ? &s->v[md_slot(id)] : NULL;

	return x && x->used && x->generation == id >> 32 ? x : NULL;
}

/* For commands: one that is being removed is as good as gone. */
static struct md_slot_state *live(const struct media *m, const struct md_slots *s, uint64_t id)
{
	struct md_slot_state *x = md_slot_of(m, s, id);

	return x && !x->gone ? x : NULL;
}

/* --- commands --- */

/* What a full ring does not take waits here, in order. media_leg_add() refuses when LATE_MAX wait, so that only commands for existing legs can
 * add to them. */
static void put(struct media *m, int worker, const struct md_cmd *c)
{
	struct md_engine_worker *w = &m->workers[worker];
	struct md_late_cmd *late;

	if (!w->late && md_ring_put(w->w.ring, c) == 0)
		return;
	late = yc_xcalloc(1, sizeof(*late));
	late->c = *c;
	DL_APPEND(w->late, late);
	w->n_late++;
	m->delayed++;
}

void md_put_late(struct md_engine_worker *w)
{
	while (w->late && md_ring_put(w->w.ring, &w->late->c) == 0) {
		struct md_late_cmd *l = w->late;

		DL_DELETE(w->late, l);
		w->n_late--;
		yc_xfree(l);
	}
}

static void to_leg(struct media *m, media_leg leg, struct md_cmd *c)
{
	struct md_slot_state *x = live(m, &m->legs, leg);

	c->leg = leg;
	if (x)
		put(m, x->worker, c);
	else
		md_cmd_drop(c);
}

static void to_conv(struct media *m, media_conv conv, struct md_cmd *c)
{
	struct md_slot_state *x = live(m, &m->convs, conv);

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
	struct md_slot_state *x = slot_take(&m->convs, &id);

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
	struct md_slot_state *x = live(m, &m->convs, conv);

	to_conv(m, conv, &c);
	if (x)
		x->gone = 1;
}

/* --- legs --- */
int md_to_addr(struct md_addr *a, const char *ip, int port)
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
	(void)md_to_addr(&out->addr, r->ip, r->port);   /* unknown stays unknown */
	out->codec = r->codec == MEDIA_PCMU ? MEDIA_PCMU : MEDIA_PCMA;
	out->pt = (uint8_t)(r->pt & 0x7f);
	out->event_pt = r->event_pt > 0 && r->event_pt < 128 ? r->event_pt : 0;
	out->send = r->send;
	out->receive = r->receive;
}

enum yc_code media_leg_add(struct media *m, media_conv conv, const struct media_leg_conf *lc, media_leg *leg, int *port, struct yc_err *e)
{
	struct md_slot_state *cv = live(m, &m->convs, conv), *x;
	struct md_cmd c = { .op = MD_LEG_ADD };
	int fd;

	if (!cv)
		return yc_fail(e, YC_NOT_FOUND, "conv", "no such conversation");
	if (m->workers[cv->worker].n_late >= LATE_MAX)
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
	struct md_slot_state *x = live(m, &m->legs, leg);

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
	struct md_slot_state *x = live(m, &m->convs, conv);

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
	struct md_slot_state *x = live(m, &m->convs, conv);

	to_conv(m, conv, &c);
	if (x)
		x->recording = 0;                /* the next may start: its file is another */
}
