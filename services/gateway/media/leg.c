/* A leg: its socket, whom it believes, what it receives. */
#include "media/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/crypto.h"

enum { CANDIDATE_PACKETS = 3, STARVED_US = 500000 };

static int same_addr(const struct md_addr *a, const struct md_addr *b)
{
	const struct sockaddr_in *a4 = (const void *)&a->sa, *b4 = (const void *)&b->sa;
	const struct sockaddr_in6 *a6 = (const void *)&a->sa, *b6 = (const void *)&b->sa;

	if (!a->len || a->len != b->len || a->sa.ss_family != b->sa.ss_family)
		return 0;
	if (a->sa.ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port && !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}

/* --- whom it believes --- */

/* A connected socket takes packets of this source only, and sending needs no look-up per packet. */
static void latch(struct md_leg *l, const struct md_addr *from)
{
	l->dest = *from;
	l->candidate_n = 0;
	l->latched = connect(l->fd, (const struct sockaddr *)&from->sa, from->len) == 0;
}

static void unlatch(struct md_leg *l)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (l->latched)
		(void)connect(l->fd, &none, sizeof(none));
	l->latched = 0;
	l->candidate_n = 0;
}

/* The SDP's own address is believed at once; another one (the peer is behind NAT) after three packets in a row. */
static int believes(struct md_leg *l, const struct md_addr *from)
{
	if (l->latched)
		return 1;
	if (!l->remote.addr.len)
		return 0;
	if (!same_addr(from, &l->remote.addr)) {
		if (l->strict)
			return 0;
		if (!same_addr(from, &l->candidate)) {
			l->candidate = *from;
			l->candidate_n = 0;
		}
		if (++l->candidate_n < CANDIDATE_PACKETS)
			return 0;
	}
	latch(l, from);
	return 1;
}

void md_leg_set_remote(struct md_leg *l, const struct md_remote *r)
{
	int moved = r->addr.len && !same_addr(&r->addr, &l->remote.addr);

	if (!l->remote.receive && r->receive)    /* un-held: time starts anew */
		l->last_rx_us = l->w->now_us;
	l->remote = *r;
	if (moved) {
		unlatch(l);
		l->dest = r->addr;
		l->last_rx_us = l->w->now_us;
	}
	md_leg_retick(l);
}

/* --- life --- */
struct md_leg *md_leg_new(struct md_worker *w, struct md_conv *conv, const struct md_cmd *c)
{
	struct md_leg *l = yc_xcalloc(1, sizeof(*l));
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = l };
	struct { uint32_t ssrc, ts; uint16_t seq; } r;

	yc_random(&r, sizeof(r));
	md_rtp_out_init(&l->out, r.ssrc, r.seq & 0x7fff, r.ts);
	l->id = c->leg;
	l->conv = conv;
	l->w = w;
	l->fd = c->u.add.fd;
	l->strict = c->u.add.strict;
	l->timeout_us = (int64_t)c->u.add.timeout_ms * 1000;
	l->last_rx_us = w->now_us;
	w->leg_by_slot[md_slot(l->id)] = l;
	w->n_legs++;
	DL_APPEND(w->legs, l);
	DL_APPEND2(conv->legs, l, conv_prev, conv_next);
	if (epoll_ctl(w->ep, EPOLL_CTL_ADD, l->fd, &ev) < 0)
		md_bump(&w->count.send_failed, 1);   /* out of kernel memory: the leg stays deaf and times out */
	md_leg_set_remote(l, &c->u.add.remote);
	return l;
}

static struct media_stats *stats_of(const struct md_leg *l)
{
	struct media_stats *s = yc_xcalloc(1, sizeof(*s));

	s->rtp_in = l->packets_in;
	s->rtp_out = l->packets_out;
	s->lost = md_rtp_lost(&l->in);
	s->late = l->in.late;
	s->dup = l->in.dup;
	s->jitter_us = md_rtp_jitter_us(&l->in);
	s->refused = l->refused;
	s->event_packets = l->event_packets;
	s->codec = l->remote.codec;
	return s;
}

void md_leg_end(struct md_leg *l)
{
	struct md_worker *w = l->w;
	struct md_event ev = { .type = MEDIA_LEG_GONE, .conv = l->conv->id, .leg = l->id, .stats = stats_of(l) };

	md_leg_unbridge(l);
	memset(&l->remote, 0, sizeof(l->remote));
	md_leg_stop_play(l);                     /* and out of the tick, now that no remote is known */
	md_prompt_unref(&l->music);
	md_inband_free(&l->inband);
	close(l->fd);                            /* also leaves the epoll set */
	w->leg_by_slot[md_slot(l->id)] = NULL;
	w->n_legs--;
	DL_DELETE(w->legs, l);
	DL_DELETE2(l->conv->legs, l, conv_prev, conv_next);
	yc_xfree(l);
	md_emit(w, &ev);
}

void md_leg_listen(struct md_leg *l, int on, int inband)
{
	l->listen = on;
	md_inband_free(&l->inband);
	if (on && inband && !l->has_4733)
		l->inband = md_inband_new();
}

void md_leg_bridge(struct md_leg *a, struct md_leg *b)
{
	struct md_leg *both[2] = { a, b };

	md_leg_unbridge(a);
	md_leg_unbridge(b);
	a->peer = b;
	b->peer = a;
	for (int i = 0; i < 2; i++) {
		struct md_prompt *none = NULL;

		md_leg_music(both[i], &none);
		md_leg_stop_play(both[i]);       /* leaves the tick: the partner's packets come from now on */
		both[i]->last_tx_us = a->w->now_us;
	}
}

void md_leg_unbridge(struct md_leg *a)
{
	struct md_leg *both[2] = { a, a->peer };

	if (!a->peer)
		return;
	for (int i = 0; i < 2; i++) {
		both[i]->peer = NULL;
		both[i]->filler = 0;
		md_leg_retick(both[i]);
	}
}

/* --- receiving --- */
static void digit(struct md_leg *l, char d, int via)
{
	struct md_event ev = { .type = MEDIA_DTMF, .conv = l->conv->id, .leg = l->id, .digit = d, .via = via };

	if (!l->listen || !md_dtmf_accept(&l->dtmf, d, via, l->w->now_us / 1000))
		return;
	if (l->play.active && l->play.barge)
		md_leg_stop_play(l);
	md_emit(l->w, &ev);
}

static void on_event_packet(struct md_leg *l, const struct md_rtp *h)
{
	char d = md_dtmf_rfc4733(&l->dtmf, h->ssrc, h->ts, h->marker, l->w->buf + h->at, h->len);

	l->event_packets++;
	l->has_4733 = 1;
	if (d)
		digit(l, d, MEDIA_VIA_RFC4733);
	md_inband_free(&l->inband);
	if (l->peer)
		md_leg_relay(l->peer, l->w->buf, h, MEDIA_PCMA, 1);
}

static void on_audio(struct md_leg *l, const struct md_rtp *h, enum media_codec codec)
{
	const uint8_t *sound = l->w->buf + h->at;

	if (l->rec)
		md_rec_put(l->rec, l->rec_side, h, sound, h->len, codec, l->w->now_us);
	if (l->inband) {
		char d = md_inband_feed(l->inband, codec, sound, h->len);

		if (d)
			digit(l, d, MEDIA_VIA_INBAND);
	}
	if (l->peer)
		md_leg_relay(l->peer, l->w->buf, h, codec, 0);
}

static void seen(struct md_leg *l)
{
	l->last_rx_us = l->w->now_us;
	if (!l->first_seen) {
		l->first_seen = 1;
		md_emit_leg(l, MEDIA_FIRST_RTP);
	}
	if (l->timed_out) {
		l->timed_out = 0;
		md_emit_leg(l, MEDIA_RTP_BACK);
	}
}

static void refuse(struct md_leg *l)
{
	l->refused++;
	md_bump(&l->w->count.refused, 1);
}

static void take(struct md_leg *l, size_t n, const struct md_addr *from)
{
	struct md_worker *w = l->w;
	struct md_rtp h;
	int is_event, is_static;

	if (md_rtp_read(&h, w->buf, n) < 0) {
		refuse(l);
		return;
	}
	is_event = h.pt == l->remote.event_pt && l->remote.event_pt > 0;
	is_static = h.pt == MEDIA_PCMU || h.pt == MEDIA_PCMA;   /* either law may come, whichever the answer had put first */
	if (!(h.pt == l->remote.pt || is_event || is_static || h.pt == 13) || !believes(l, from)) {
		refuse(l);
		return;
	}
	l->packets_in++;
	md_bump(&w->count.rtp_in, 1);
	seen(l);
	if (!md_rtp_count(&l->in, &h, w->now_us, !is_event) || !l->remote.receive)
		return;
	if (is_event)
		on_event_packet(l, &h);
	else if (h.pt == l->remote.pt)
		on_audio(l, &h, l->remote.codec);
	else if (is_static)
		on_audio(l, &h, (enum media_codec)h.pt);
}

/* One packet per call: epoll is level-triggered and a leg has one packet per 20 ms, so asking again would be a wasted system call. */
void md_leg_readable(struct md_leg *l)
{
	struct md_addr from = { .len = sizeof(from.sa) };
	ssize_t n;

	if (l->latched)
		n = recv(l->fd, l->w->buf, sizeof(l->w->buf), 0);
	else
		n = recvfrom(l->fd, l->w->buf, sizeof(l->w->buf), 0, (struct sockaddr *)&from.sa, &from.len);
	if (n >= 0)                              /* an error is an ICMP answer to what we sent: reading it has cleared it */
		take(l, (size_t)n, &from);
}

/* --- a few times per second --- */
void md_leg_house(struct md_leg *l)
{
	int64_t now = l->w->now_us, silent = now - l->last_rx_us;

	if (!l->remote.addr.len)
		return;
	if (l->latched && silent > (int64_t)l->w->sh->conf.relatch_ms * 1000)
		unlatch(l);
	if (l->timeout_us && l->remote.receive && !l->timed_out && silent > l->timeout_us) {
		l->timed_out = 1;
		md_emit_leg(l, MEDIA_RTP_TIMEOUT);
	}
	if (l->peer && !l->filler && l->remote.send && now - l->last_tx_us > STARVED_US) {
		l->filler = 1;
		md_leg_retick(l);
	}
}
