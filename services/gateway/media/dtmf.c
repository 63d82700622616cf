#include "media/dtmf.h"

enum { BOTH_WAYS_MS = 500, SLACK = 160 };        /* slack: one packet of 20 ms in timestamp units */

static const char digits[] = "0123456789*#ABCD";

/* The same press under another timestamp? RFC 4733 2.5.1.3 restarts the timestamp of a press longer than 8 s where the last part ended, and
 * some senders wrongly advance it in every packet. Both go on where the last packet ended, without marker and without an end before. */
static int continues(const struct md_dtmf *d, uint8_t code, uint32_t ts, int marker)
{
	uint32_t step = ts - d->ts;

	return !marker && !d->ended && code == d->code && step <= (uint32_t)d->duration + SLACK;
}

char md_dtmf_rfc4733(struct md_dtmf *d, uint32_t ssrc, uint32_t ts, int marker, const uint8_t *p, size_t n)
{
	int end, fresh;
	uint16_t duration;

	if (n < 4 || p[0] > 15)                  /* events above 15 (flash, tones) are not digits */
		return 0;
	end = p[1] >> 7;
	duration = (uint16_t)(p[2] << 8 | p[3]);
	fresh = !d->started || ssrc != d->ssrc;
	if (!fresh && ts != d->ts) {
		if ((int32_t)(ts - d->ts) < 0)
			return 0;                /* a packet of an earlier press, overtaken */
		fresh = !continues(d, p[0], ts, marker);
	} else if (!fresh) {
		d->ended |= end;                 /* retransmission or progress */
		if (duration > d->duration)
			d->duration = duration;
		return 0;
	}
	d->started = 1;
	d->ssrc = ssrc;
	d->ts = ts;
	d->code = p[0];
	d->duration = duration;
	d->ended = end;
	return fresh ? digits[p[0]] : 0;
}

int md_dtmf_accept(struct md_dtmf *d, char digit, int via, int64_t now_ms)
{
	if (d->last == digit && d->last_via != via && now_ms - d->last_ms < BOTH_WAYS_MS)
		return 0;
	d->last = digit;
	d->last_via = via;
	d->last_ms = now_ms;
	return 1;
}
