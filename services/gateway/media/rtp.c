#include "media/rtp.h"

#include <string.h>

enum {
	MAX_MISORDER = 100, MAX_DROPOUT = 3000,  /* RFC 3550 A.1 */
	TS_SLACK = 2 * 8000,                     /* a source whose clock leaps by more is taken as a new stream */
	LATE_US = 100000,                        /* our own stream is that late: its timestamp skips ahead */
	OLD = 1000,                              /* packets; how far back the start of a relayed stream is remembered */
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

int md_rtp_read(struct md_rtp *h, const uint8_t *p, size_t n)
{
	size_t at;

	if (n < MD_RTP_HEADER || p[0] >> 6 != 2)
		return -1;
	if (p[1] >= 192 && p[1] <= 223)          /* RTCP packet types (RFC 5761) */
		return -1;
	at = MD_RTP_HEADER + 4u * (p[0] & 15);
	if (p[0] & 0x10) {                       /* extension: length in words stands in its second half-word */
		if (at + 4 > n)
			return -1;
		at += 4 + 4u * (unsigned)(p[at + 2] << 8 | p[at + 3]);
	}
	if (p[0] & 0x20) {                       /* padding: its length is the last byte */
		if (!p[n - 1] || p[n - 1] > n)
			return -1;
		n -= p[n - 1];
	}
	if (at > n)
		return -1;
	h->pt = p[1] & 0x7f;
	h->marker = p[1] >> 7;
	h->seq = (uint16_t)(p[2] << 8 | p[3]);
	h->ts = be32(p + 4);
	h->ssrc = be32(p + 8);
	h->at = at;
	h->len = n - at;
	return 0;
}

void md_rtp_write(uint8_t *p, uint8_t pt, int marker, uint16_t seq, uint32_t ts, uint32_t ssrc)
{
	p[0] = 0x80;
	p[1] = (uint8_t)(pt | (marker ? 0x80 : 0));
	p[2] = (uint8_t)(seq >> 8);
	p[3] = (uint8_t)seq;
	put32(p + 4, ts);
	put32(p + 8, ssrc);
}

static void restart(struct md_rtp_stat *s, const struct md_rtp *h, int64_t now_us)
{
	if (s->started)
		s->lost_before = md_rtp_lost(s);
	s->started = 1;
	s->ssrc = h->ssrc;
	s->max_seq = h->seq;
	s->cycles = 0;
	s->base = h->seq;
	s->seen = 1;
	s->received = 1;
	s->ts = h->ts;
	s->arrival_us = now_us;
}

static void count_jitter(struct md_rtp_stat *s, const struct md_rtp *h, int64_t now_us)
{
	double d = (double)(now_us - s->arrival_us) * 0.008 - (double)(int32_t)(h->ts - s->ts);

	if (d < 0)
		d = -d;
	if (d < TS_SLACK)                        /* a leap is not jitter */
		s->jitter += (d - s->jitter) / 16;
	s->ts = h->ts;
	s->arrival_us = now_us;
}

int md_rtp_count(struct md_rtp_stat *s, const struct md_rtp *h, int64_t now_us, int with_jitter)
{
	uint16_t ahead = (uint16_t)(h->seq - s->max_seq), behind = (uint16_t)(s->max_seq - h->seq);

	if (!s->started || h->ssrc != s->ssrc || (ahead >= MAX_DROPOUT && behind > MAX_MISORDER)) {
		restart(s, h, now_us);
		return 1;
	}
	if (ahead && ahead < MAX_DROPOUT) {
		s->seen = ahead < 64 ? s->seen << ahead | 1 : 1;
		if (h->seq < s->max_seq)
			s->cycles += 0x10000;
		s->max_seq = h->seq;
	} else {
		if (behind < 64 && s->seen >> behind & 1) {
			s->dup++;
			return 0;
		}
		if (behind < 64)
			s->seen |= 1ull << behind;
		s->late++;
	}
	s->received++;
	if (with_jitter)
		count_jitter(s, h, now_us);
	return 1;
}

int64_t md_rtp_lost(const struct md_rtp_stat *s)
{
	int64_t expected = s->started ? (int64_t)s->cycles + s->max_seq - s->base + 1 : 0;
	int64_t lost = expected - s->received;

	return s->lost_before + (lost > 0 ? lost : 0);
}

int64_t md_rtp_jitter_us(const struct md_rtp_stat *s)
{
	return (int64_t)(s->jitter * 125);
}

void md_rtp_out_init(struct md_rtp_out *o, uint32_t ssrc, uint16_t seq, uint32_t ts)
{
	memset(o, 0, sizeof(*o));
	o->ssrc = ssrc;
	o->seq = seq;
	o->ts = ts;
}

/* Time passed with nothing sent: the receiver's clock went on, so ours must. Returns 1 when the stream starts again (marker). */
static int catch_up(struct md_rtp_out *o, int64_t now_us)
{
	int64_t late = now_us - o->due_us;

	if (!o->due_us) {
		o->due_us = now_us;
		return 1;
	}
	if (late < LATE_US)
		return 0;
	o->ts += (uint32_t)(late / 20000 * 160);
	o->due_us += late / 20000 * 20000;
	return 1;
}

void md_rtp_out_own(struct md_rtp_out *o, uint8_t *p, uint8_t pt, unsigned samples, int64_t now_us)
{
	int marker = catch_up(o, now_us);

	o->mapped = 0;
	md_rtp_write(p, pt, marker, o->seq++, o->ts, o->ssrc);
	o->ts += samples;
	o->due_us += samples * 125;
}

static int leapt(const struct md_rtp_out *o, const struct md_rtp *in, int64_t now_us)
{
	int64_t by_clock = (now_us - o->in_us) / 125, by_ts = (int32_t)(in->ts - o->in_ts);
	int16_t by_seq = (int16_t)(in->seq - o->in_seq);

	return by_ts - by_clock > TS_SLACK || by_clock - by_ts > TS_SLACK || by_seq > MAX_DROPOUT || by_seq < -MAX_MISORDER;
}

int md_rtp_out_relay(struct md_rtp_out *o, uint8_t *p, uint8_t pt, const struct md_rtp *in, unsigned samples, int64_t now_us)
{
	int marker = in->marker;
	uint16_t seq;
	uint32_t ts;

	if (!o->mapped || in->ssrc != o->in_ssrc || leapt(o, in, now_us)) {
		catch_up(o, now_us);
		o->mapped = 1;
		o->in_ssrc = in->ssrc;
		o->seq_off = (uint16_t)(o->seq - in->seq);
		o->ts_off = o->ts - in->ts;
		o->first_seq = o->seq;
		marker = 1;
	}
	o->in_seq = in->seq;
	o->in_ts = in->ts;
	o->in_us = now_us;
	seq = (uint16_t)(in->seq + o->seq_off);
	ts = in->ts + o->ts_off;
	if ((int16_t)(seq - o->first_seq) < 0)
		return -1;
	md_rtp_write(p, pt, marker, seq, ts, o->ssrc);
	if ((int16_t)(seq - o->seq) >= 0) {
		o->seq = (uint16_t)(seq + 1);
		if ((uint16_t)(seq - o->first_seq) > OLD)
			o->first_seq = (uint16_t)(seq - OLD);
		if ((int32_t)(ts + samples - o->ts) > 0)
			o->ts = ts + samples;
		o->due_us = now_us + samples * 125;
	}
	return 0;
}
