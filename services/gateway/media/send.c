/* What a leg is sent: prompts, music, comfort noise by the tick; the partner's packets as they come. */
#include "media/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

static int can_send(const struct md_leg *l)
{
	return l->remote.addr.len && l->remote.send;
}

static void send_packet(struct md_leg *l, const uint8_t *p, size_t n)
{
	struct md_worker *w = l->w;
	ssize_t r;

	for (int tries = 0; tries < 2; tries++) {
		if (l->latched)
			r = send(l->fd, p, n, MSG_NOSIGNAL);
		else
			r = sendto(l->fd, p, n, MSG_NOSIGNAL, (struct sockaddr *)&l->dest.sa, l->dest.len);
		if (r >= 0 || errno != ECONNREFUSED)   /* an old ICMP error is reported instead of sending: once more */
			break;
	}
	if (r < 0) {
		md_bump(&w->count.send_failed, 1);
		return;
	}
	l->packets_out++;
	l->last_tx_us = w->now_us;
	md_bump(&w->count.rtp_out, 1);
}

/* --- the tick --- */
static void loop_fill(const struct md_prompt *p, size_t *at, enum media_codec c, uint8_t *out, size_t n)
{
	const uint8_t *bytes = md_prompt_bytes(p, c);

	while (n) {
		size_t k = p->n - *at;

		if (k > n)
			k = n;
		memcpy(out, bytes + *at, k);
		*at = *at + k == p->n ? 0 : *at + k;
		out += k;
		n -= k;
	}
}

/* Returns 1 when the list has come to its end within this frame. */
static int play_fill(struct md_playing *p, enum media_codec c, uint8_t *out, size_t n)
{
	memset(out, md_silence(c), n);
	while (n) {
		const struct md_prompt *now = p->list[p->i];
		size_t k = p->gap_left ? p->gap_left : now->n - p->at;

		if (k > n)
			k = n;
		if (p->gap_left) {
			p->gap_left -= k;
		} else {
			memcpy(out, md_prompt_bytes(now, c) + p->at, k);
			p->at += k;
			if (p->at == now->n) {
				p->at = 0;
				p->gap_left = p->gap;
				if (++p->i == p->n && !p->loop)
					return 1;
				p->i %= p->n;
			}
		}
		out += k;
		n -= k;
	}
	return 0;
}

static void play_clear(struct md_playing *p)
{
	for (int i = 0; i < p->n; i++)
		md_prompt_unref(&p->list[i]);
	memset(p, 0, sizeof(*p));
}

void md_leg_tick(struct md_leg *l)
{
	uint8_t packet[MD_RTP_HEADER + MD_FRAME], *sound = packet + MD_RTP_HEADER;
	enum media_codec c = l->remote.codec;
	int done = 0;

	if (l->filler || !(l->play.active || l->music))
		loop_fill(l->w->sh->comfort, &l->comfort_at, c, sound, MD_FRAME);
	else if (l->play.active)
		done = play_fill(&l->play, c, sound, MD_FRAME);
	else
		loop_fill(l->music, &l->music_at, c, sound, MD_FRAME);
	if (can_send(l)) {
		md_rtp_out_own(&l->out, packet, l->remote.pt, MD_FRAME, l->w->now_us);
		send_packet(l, packet, sizeof(packet));
	}
	if (done) {
		struct md_event ev = { .type = MEDIA_PLAY_DONE, .conv = l->conv->id, .leg = l->id, .tag = l->play.tag };

		play_clear(&l->play);
		md_leg_retick(l);
		md_emit(l->w, &ev);
	}
}

/* A leg ticks when it is its own source, also while it is on hold with a prompt running (the prompt goes on unheard). */
void md_leg_retick(struct md_leg *l)
{
	struct md_worker *w = l->w;
	int want = l->remote.addr.len && (l->peer ? l->filler && l->remote.send : l->remote.send || l->play.active);

	if (want == l->ticking)
		return;
	l->ticking = want;
	if (want) {
		DL_APPEND2(w->ticking, l, tick_prev, tick_next);
	} else {
		if (w->tick_cursor == l)         /* the tick is just walking the list */
			w->tick_cursor = l->tick_next;
		DL_DELETE2(w->ticking, l, tick_prev, tick_next);
	}
	md_timer_arm(w, w->ticking != NULL);
}

void md_leg_play(struct md_leg *l, struct md_cmd *c)
{
	struct md_event done = { .type = MEDIA_PLAY_DONE, .conv = l->conv->id, .leg = l->id, .tag = c->u.play.tag };

	play_clear(&l->play);
	if (l->peer) {                           /* the partner comes first: the prompt counts as played */
		md_emit(l->w, &done);
		return;
	}
	l->play.active = 1;
	l->play.n = c->u.play.n;
	l->play.loop = c->u.play.loop;
	l->play.barge = c->u.play.barge;
	l->play.tag = c->u.play.tag;
	l->play.gap = (size_t)c->u.play.gap;
	for (int i = 0; i < c->u.play.n; i++) {
		l->play.list[i] = c->u.play.list[i];
		c->u.play.list[i] = NULL;
	}
	md_leg_retick(l);
}

void md_leg_stop_play(struct md_leg *l)
{
	play_clear(&l->play);
	md_leg_retick(l);
}

void md_leg_music(struct md_leg *l, struct md_prompt **music)
{
	if (*music != l->music)
		l->music_at = 0;
	md_prompt_unref(&l->music);
	l->music = *music;
	*music = NULL;
}

/* --- relaying --- */
static unsigned event_samples(const uint8_t *payload, size_t n)
{
	return n >= 4 ? (unsigned)(payload[2] << 8 | payload[3]) : 0;
}

/* packet: the datagram as it came; it is rewritten in place. The new header stands right before the payload, so that CSRCs and extensions of
 * the source fall away. */
void md_leg_relay(struct md_leg *to, uint8_t *packet, const struct md_rtp *h, enum media_codec codec, int is_event)
{
	uint8_t *payload = packet + h->at, *header = payload - MD_RTP_HEADER;
	int pt = is_event ? to->remote.event_pt : to->remote.pt;
	unsigned samples = is_event ? event_samples(payload, h->len) : (unsigned)h->len;

	if (!can_send(to) || pt <= 0 + (is_event ? 0 : -1) || !h->len)
		return;
	if (to->filler) {
		to->filler = 0;
		md_leg_retick(to);
	}
	if (!is_event)
		md_transcode(codec, to->remote.codec, payload, h->len);
	if (md_rtp_out_relay(&to->out, header, (uint8_t)pt, h, samples, to->w->now_us) == 0)
		send_packet(to, header, MD_RTP_HEADER + h->len);
}
