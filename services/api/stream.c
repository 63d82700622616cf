/* /v1/stream: events pushed as they happen, resumed by Last-Event-ID; /v1/events: the same by cursor. Rights are looked at for each event. */
#include "api.h"

#include "rule_feed.h"

#include "yc/clock.h"
#include "yc/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define TICK_MS 500
#define RECHECK_MS 30000
#define MAX_WAITING 256                          /* pieces that lie ready for a client; more stay in the feed until it has read these */
#define REPLAY_WAITING 64
#define REPLAY_ROWS 200

struct stream {
	uint64_t nr;
	struct api *a;
	struct http_stream *s;
	struct api_token *who;
	char *types, *matter_id;
	int64_t at;                              /* last number looked at */
	int is_replaying;                        /* reads from the feed, not from the event in hand */
	int64_t said_at, checked_at, read_at;    /* mono; read_at: the client was last seen to take something */
	int waiting;                             /* pieces at the last look */
	UT_hash_handle hh;
};

static struct {                                  /* one api a process */
	struct stream *all;
	uint64_t last_nr;
	struct yc_timer *tick;
} streams;

static struct stream *find(uint64_t nr)
{
	struct stream *st = NULL;

	HASH_FIND(hh, streams.all, &nr, sizeof(nr), st);
	return st;
}

static void say(struct stream *st, const struct yc_buf *b)
{
	http_stream_add(st->s, b->p, b->n);
	st->said_at = yc_mono();
}

static void end(struct stream *st)
{
	HASH_DEL(streams.all, st);
	api_gauge(API_M_STREAMS, HASH_COUNT(streams.all));
	http_stream_end(&st->s, 0);
	api_token_unref(&st->who);
	yc_xfree(st->types);
	yc_xfree(st->matter_id);
	yc_xfree(st);
}

static void offer(struct stream *st, struct api_event *ev)
{
	const struct yc_buf *text;
	struct yc_buf b = { 0 };

	if (http_stream_waiting(st->s) >= MAX_WAITING) {
		st->is_replaying = 1;            /* this event, too, comes from the feed */
		return;
	}
	st->at = ev->seq;
	if (!api_types_have(st->types, ev->type) || (!yc_is_empty(st->matter_id) && !yc_streq(st->matter_id, ev->matter_id)))
		return;
	text = api_event_text(ev, st->who);
	if (!text)
		return;
	yc_buf_printf(&b, "id: %" PRId64 "\ndata: ", ev->seq);
	yc_buf_add(&b, text->p, text->n);
	yc_buf_add(&b, "\n\n", 2);
	say(st, &b);
	yc_buf_free(&b);
	api_count(API_M_STREAM_EVENTS, 1);
}

/* --- catching up ------------------------------------------------------------------------------------------------------------------------- */

struct replay { struct stream *st; int n; };

static int on_row(void *arg, struct api_event *ev)
{
	struct replay *r = arg;

	r->n++;
	offer(r->st, ev);                        /* far below MAX_WAITING: it is taken */
	return http_stream_waiting(r->st->s) < REPLAY_WAITING;
}

static void pump(struct stream *st)
{
	struct replay r = { .st = st };
	struct yc_err e = { 0 };

	while (st->is_replaying && http_stream_waiting(st->s) < REPLAY_WAITING) {
		r.n = 0;
		if (api_feed_read(st->a, st->at, REPLAY_ROWS, on_row, &r, &e)) {
			end(st);                 /* the client comes again */
			return;
		}
		if (!r.n && st->at >= api_feed_head(st->a))
			st->is_replaying = 0;
		else if (!r.n)
			st->at = api_feed_head(st->a);   /* numbers that were given away and never stored */
	}
}

static void on_empty(void *arg)
{
	struct stream *st = find((uint64_t)(uintptr_t)arg);

	if (st)
		pump(st);
}

void api_streams_event(struct api *a, struct api_event *ev)
{
	struct stream *st, *tmp;

	HASH_ITER(hh, streams.all, st, tmp)
		if (!st->is_replaying && st->at < ev->seq)
			offer(st, ev);
}

/* --- staying honest ------------------------------------------------------------------------------------------------------------------------ */

void api_streams_revoked(struct api *a, const char *sha)
{
	struct stream *st, *tmp;

	HASH_ITER(hh, streams.all, st, tmp)
		if (yc_streq(st->who->sha, sha))
			end(st);
}

/* Roles and organisation may have changed, or the session may have ended. A directory that does not answer changes nothing. */
static void on_rechecked(void *arg, enum yc_code code, struct api_token *t)
{
	struct stream *st = find((uint64_t)(uintptr_t)arg);

	if (!st)
		return;
	if (t) {
		api_token_ref(t);
		api_token_unref(&st->who);
		st->who = t;
	} else if (code == YC_UNAUTHENTICATED) {
		end(st);
	}
}

/* Who leaves a full queue lying is dropped; he comes again with the last id he saw. */
static int is_stalled(struct stream *st, int64_t now)
{
	int waiting = http_stream_waiting(st->s);

	if (waiting < REPLAY_WAITING || waiting < st->waiting)
		st->read_at = now;
	st->waiting = waiting;
	return now - st->read_at >= st->a->conf.stream_stall_ms;
}

static void look_after(struct stream *st, int64_t now)
{
	if (http_stream_is_gone(st->s)) {
		end(st);
	} else if (is_stalled(st, now)) {
		api_count(API_M_STREAM_DROPPED, 1);
		end(st);
	} else if (st->is_replaying) {
		pump(st);
	}
}

static void on_tick(void *arg)
{
	struct stream *st, *tmp;
	int64_t now = yc_mono();

	HASH_ITER(hh, streams.all, st, tmp)
		look_after(st, now);
	HASH_ITER(hh, streams.all, st, tmp) {
		if (now - st->said_at >= st->a->conf.stream_comment_ms && http_stream_waiting(st->s) < MAX_WAITING)
			say(st, &(struct yc_buf){ .p = ": .\n\n", .n = 5 });
		if (now - st->checked_at >= RECHECK_MS) {
			st->checked_at = now;
			api_token_recheck(st->a, st->who->secret, on_rechecked, (void *)(uintptr_t)st->nr);
		}
	}
}

void api_streams_open(struct api *a)
{
	streams.tick = yc_timer_start(yc_node_loop(a->n), TICK_MS, TICK_MS, on_tick, a);
}

void api_streams_close(struct api *a)
{
	struct stream *st, *tmp;

	yc_timer_stop(&streams.tick);
	HASH_ITER(hh, streams.all, st, tmp)
		end(st);
}

/* --- the routes ---------------------------------------------------------------------------------------------------------------------------- */

static int64_t cursor_of(const char *s)
{
	char *rest;
	long long v = yc_is_empty(s) ? -1 : strtoll(s, &rest, 10);

	return v >= 0 && !*rest && s[0] >= '0' && s[0] <= '9' ? v : -1;
}

/* First words of a stream: where it stands, so that even a client that saw no event can resume; or that its place is gone. */
static void greet(struct stream *st, int64_t last)
{
	int64_t head = api_feed_head(st->a), oldest = api_feed_oldest(st->a);
	int lost = last >= 0 && (last > head || last < oldest - 1);
	char at[YC_RFC3339_LEN];
	struct yc_buf b = { 0 };

	st->is_replaying = last >= 0 && !lost;
	st->at = st->is_replaying ? last : head;
	yc_buf_str(&b, "retry: 2000\n");
	if (!st->is_replaying)
		yc_buf_printf(&b, "id: %" PRId64 "\ndata: {\"id\":\"%" PRId64 "\",\"type\":\"feed.%s\",\"at\":\"%s\",\"matter_id\":\"\",\"key\":\"\","
			      "\"source\":\"\",\"data\":null}\n", head, head, lost ? "reset" : "hello", yc_rfc3339(yc_now(), at));
	yc_buf_str(&b, "\n");
	say(st, &b);
	yc_buf_free(&b);
}

void api_on_stream(struct api_ctx *x)
{
	struct api *a = x->api;
	const char *last = x->r->h[H_LAST_EVENT_ID];
	struct stream *st;

	if (last && cursor_of(last) < 0) {
		api_fail_http(x, 400, "malformed", "Last-Event-ID", "must be the id of an event of this stream");
		return;
	}
	if (HASH_COUNT(streams.all) >= (unsigned)a->conf.max_streams) {
		api_fail_http(x, 503, "exhausted", NULL, "too many streams are open");
		return;
	}
	st = yc_xcalloc(1, sizeof(*st));
	st->nr = ++streams.last_nr;
	st->a = a;
	st->who = x->who;
	api_token_ref(st->who);
	st->types = yc_xstrdup(api_query(x, "types") ? api_query(x, "types") : "");
	st->matter_id = yc_xstrdup(api_query(x, "matter_id") ? api_query(x, "matter_id") : "");
	st->checked_at = st->read_at = yc_mono();
	st->s = http_stream_new(yc_node_loop(a->n), on_empty, (void *)(uintptr_t)st->nr);
	HASH_ADD(hh, streams.all, nr, sizeof(st->nr), st);
	api_gauge(API_M_STREAMS, HASH_COUNT(streams.all));
	greet(st, last ? cursor_of(last) : -1);
	http_out(x->r, "Content-Type", "text/event-stream");
	http_out(x->r, "X-Accel-Buffering", "no");
	x->r->stream = st->s;
	api_send(x, 200);
	pump(st);
}

struct pull { struct api_ctx *x; int n, max, more; int64_t at; };

static int on_pulled(void *arg, struct api_event *ev)
{
	struct pull *p = arg;
	const char *types = api_query(p->x, "types"), *matter = api_query(p->x, "matter_id");
	const struct yc_buf *text;

	if (p->n == p->max) {
		p->more = 1;
		return 0;
	}
	p->at = ev->seq;
	if (!api_types_have(types, ev->type) || (!yc_is_empty(matter) && !yc_streq(matter, ev->matter_id)))
		return 1;
	text = api_event_text(ev, p->x->who);
	if (!text)
		return 1;
	yc_buf_str(&p->x->r->reply, p->n++ ? "," : "");
	yc_buf_add(&p->x->r->reply, text->p, text->n);
	return 1;
}

/* Looks at a bounded number of rows: a page may be short, even empty, and yet say that there is more. */
void api_on_events(struct api_ctx *x)
{
	const char *after = api_query(x, "after"), *limit = api_query(x, "limit");
	struct pull p = { .x = x, .max = limit ? (int)cursor_of(limit) : 25 };
	struct yc_err e = { 0 };
	enum yc_code c;

	if (p.max < 1 || p.max > 100) {
		api_fail_http(x, 422, "invalid", "query.limit", "must be 1 to 100");
		return;
	}
	p.at = yc_is_empty(after) ? 0 : cursor_of(after);
	if (p.at < 0) {
		api_fail_http(x, 422, "invalid", "query.after", "must be a cursor of this list");
		return;
	}
	yc_buf_str(&x->r->reply, "{\"data\":[");
	c = api_feed_read(x->api, p.at, 1000, on_pulled, &p, &e);
	if (c) {
		yc_buf_free(&x->r->reply);
		api_fail(x, c, &e);
		return;
	}
	p.more |= p.at < api_feed_head(x->api);
	yc_buf_printf(&x->r->reply, "],\"has_more\":%s,\"next_cursor\":\"%" PRId64 "\"}", p.more ? "true" : "false", p.at);
	http_out(x->r, "Content-Type", "application/json");
	if (p.more)
		http_out(x->r, "Link", yc_sprintf(api_arena(x), "</v1/events?after=%" PRId64 "&limit=%d>; rel=\"next\"", p.at, p.max));
	api_send(x, 200);
}
