#include "media/recorder.h"

#include <string.h>

#include "media/g711.h"
#include "yc/arena.h"

enum {
	CHUNK_FRAMES = MD_CHUNK / 2,
	ALL_FRAMES = (MD_CHUNK + MD_CHUNK_MARGIN) / 2,
	LATE_FRAMES = (ALL_FRAMES - CHUNK_FRAMES) / 2,   /* a chunk is closed half a second behind its end, so that late packets find it */
	EARLY = 320, LATE = 480, FAR = 8000,     /* samples: 40 ms, 60 ms, 1 s */
	WINDOW = 64,                             /* packets over which lateness is watched */
};

struct side {
	int synced;
	uint32_t ssrc, ts;                       /* this timestamp ... */
	int64_t pos;                             /* ... is at this position */
	int64_t least_late;
	int seen;
};
struct md_rec {
	struct md_writer *writer;
	struct md_record *record;
	enum media_codec codec;
	struct md_chunk *chunk;
	int64_t at;                              /* position of the chunk's first frame */
	size_t filled;                           /* bytes of the chunk that hold silence or sound: it is touched only as time goes on */
	int64_t end;                             /* behind the last frame that holds sound */
	int64_t start_us, paused_us;             /* paused_us: since when, 0 = running */
	int64_t max_frames;
	int failed, over;
	struct side sides[2];
};

/* Where now is, in frames since the start. */
static int64_t clock_pos(const struct md_rec *r, int64_t now_us)
{
	int64_t t = (r->paused_us ? r->paused_us : now_us) - r->start_us;

	return t > 0 ? t * 8 / 1000 : 0;
}

static int fresh_chunk(struct md_rec *r)
{
	r->chunk = md_chunk_get(r->writer);
	if (!r->chunk) {
		r->failed = 1;
		return -1;
	}
	r->filled = 0;
	return 0;
}

struct md_rec *md_rec_start(struct md_writer *w, struct md_record **record, enum media_codec codec, int64_t max_ms, int64_t now_us)
{
	struct md_rec *r = yc_xcalloc(1, sizeof(*r));

	r->writer = w;
	r->record = *record;
	*record = NULL;
	r->codec = codec;
	r->start_us = now_us;
	r->max_frames = max_ms * 8;
	md_record_open(w, r->record, codec);
	fresh_chunk(r);
	return r;
}

static void fill_to(struct md_rec *r, size_t bytes)
{
	if (bytes <= r->filled)
		return;
	memset(r->chunk->data + r->filled, md_silence(r->codec), bytes - r->filled);
	r->filled = bytes;
}

/* Hands over the first 64 KiB and goes on with what stood behind them. */
static int next_chunk(struct md_rec *r)
{
	struct md_chunk *full = r->chunk;
	size_t filled;

	fill_to(r, MD_CHUNK);
	filled = r->filled;
	full->bytes = MD_CHUNK;
	if (fresh_chunk(r) < 0) {
		(void)md_record_write(r->writer, r->record, &full);
		return -1;
	}
	memcpy(r->chunk->data, full->data + MD_CHUNK, filled - MD_CHUNK);
	r->filled = filled - MD_CHUNK;
	r->at += CHUNK_FRAMES;
	if (md_record_write(r->writer, r->record, &full) < 0)
		r->failed = 1;
	return r->failed ? -1 : 0;
}

static int room_for(struct md_rec *r, int64_t pos)
{
	while (!r->failed && pos > r->at + CHUNK_FRAMES + LATE_FRAMES)
		next_chunk(r);
	return r->failed ? -1 : 0;
}

/* Position of a packet: by its timestamp, held to the clock. A sender whose clock drifts, who leaps or who restarts is laid anew. */
static int64_t place(struct md_rec *r, struct side *s, const struct md_rtp *h, size_t n, int64_t now_us)
{
	int64_t by_clock = clock_pos(r, now_us) - (int64_t)n, pos = s->pos + (int32_t)(h->ts - s->ts), late = by_clock - pos;

	if (by_clock < 0)
		by_clock = 0;
	if (!s->synced || h->ssrc != s->ssrc || late > FAR || late < -FAR) {
		s->synced = 1;
		s->ssrc = h->ssrc;
		pos = by_clock;
		late = 0;
		s->seen = 0;
	} else if (late < -EARLY) {              /* the first packet had been late, or the sender is too fast */
		pos = by_clock;
		late = 0;
	}
	if (s->seen == 0 || late < s->least_late)
		s->least_late = late;
	if (++s->seen >= WINDOW) {
		if (s->least_late > LATE)        /* the sender is too slow: insert silence */
			pos += s->least_late;
		s->seen = 0;
	}
	s->ts = h->ts;
	s->pos = pos;
	return pos;
}

void md_rec_put(struct md_rec *r, int side, const struct md_rtp *h, const uint8_t *p, size_t n, enum media_codec codec, int64_t now_us)
{
	const uint8_t *table = md_transcode_table(codec, r->codec);
	int64_t pos;
	uint8_t *out;

	if (r->failed || r->over || r->paused_us || n > 4000)
		return;
	pos = place(r, &r->sides[side], h, n, now_us);
	if (room_for(r, pos + (int64_t)n) < 0)
		return;
	if (pos < r->at) {                       /* its chunk is closed */
		if (pos + (int64_t)n <= r->at)
			return;
		p += r->at - pos;
		n -= (size_t)(r->at - pos);
		pos = r->at;
	}
	out = r->chunk->data + 2 * (pos - r->at) + side;
	fill_to(r, 2 * (size_t)(pos + (int64_t)n - r->at));
	if (table)
		for (size_t i = 0; i < n; i++)
			out[2 * i] = table[p[i]];
	else
		for (size_t i = 0; i < n; i++)
			out[2 * i] = p[i];
	if (pos + (int64_t)n > r->end)
		r->end = pos + (int64_t)n;
}

void md_rec_pause(struct md_rec *r, int on, int64_t now_us)
{
	if (on && !r->paused_us) {
		r->paused_us = now_us;
	} else if (!on && r->paused_us) {
		r->start_us += now_us - r->paused_us;
		r->paused_us = 0;
		r->sides[MD_LEFT].synced = r->sides[MD_RIGHT].synced = 0;
	}
}

int md_rec_clock(struct md_rec *r, int64_t now_us)
{
	int64_t pos = clock_pos(r, now_us);

	if (pos >= r->max_frames)
		r->over = 1;
	else
		(void)room_for(r, pos);
	return r->failed || r->over;
}

void md_rec_stop(struct md_rec **rec, int64_t now_us)
{
	struct md_rec *r = *rec;
	int64_t end = clock_pos(r, now_us);

	*rec = NULL;
	if (end < r->end)
		end = r->end;
	if (end > r->max_frames)
		end = r->max_frames;
	if (room_for(r, end) == 0 && r->chunk) {
		r->chunk->bytes = end > r->at ? (size_t)(end - r->at) * 2 : 0;
		fill_to(r, r->chunk->bytes);
		(void)md_record_write(r->writer, r->record, &r->chunk);
	} else if (r->chunk) {                   /* failed: the writer drops it */
		r->chunk->bytes = 0;
		(void)md_record_write(r->writer, r->record, &r->chunk);
	}
	md_record_close(r->writer, &r->record, r->failed ? "no room for more sound" : NULL);
	yc_xfree(r);
}
