/* /v1/recordings/{id}: sound from the gateway that holds it, in pieces, by ranges. Every reading leaves an audit row. */
#include "api.h"

#include "rule_http.h"

#include "yc/id.h"
#include "yc/log.h"
#include "yc/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

#define PIECE (256 << 10)
#define READ_MS 5000
#define TICK_MS 5000

/* A recording on its way out. Found by number, because the client may leave while a piece is being fetched. */
struct play {
	uint64_t nr;
	struct api *a;
	struct api_ctx *x;                       /* until the headers are sent */
	struct http_stream *s;
	char id[64], to_service[96];
	int64_t next, last;                      /* offsets: next to fetch, last wanted */
	int is_fetching;
	UT_hash_handle hh;
};

static struct { struct play *all; uint64_t last_nr; struct yc_timer *tick; } plays;

static struct play *find(uint64_t nr)
{
	struct play *p = NULL;

	HASH_FIND(hh, plays.all, &nr, sizeof(nr), p);
	return p;
}

static void end(struct play *p, int broken)
{
	HASH_DEL(plays.all, p);
	http_stream_end(&p->s, broken);
	yc_xfree(p);
}

static void on_tick(void *arg)
{
	struct play *p, *tmp;

	HASH_ITER(hh, plays.all, p, tmp)
		if (p->s && http_stream_is_gone(p->s))
			end(p, 1);
	if (!plays.all)
		yc_timer_stop(&plays.tick);
}

void api_recordings_close(struct api *a)
{
	struct play *p, *tmp;

	yc_timer_stop(&plays.tick);
	HASH_ITER(hh, plays.all, p, tmp)
		end(p, 1);
}

static void on_read(void *arg, enum yc_code code, const void *msg, const struct yc_err *e);

static void fetch(struct play *p, int64_t offset)
{
	Pb__BlobReadReq in = PB__BLOB_READ_REQ__INIT;
	struct yc_call call = { .service = p->to_service, .api = &pb__node__descriptor, .method = "BlobRead", .in = &in, .timeout_ms = READ_MS,
				.retries = 1, .fn = on_read, .arg = (void *)(uintptr_t)p->nr };

	in.id = p->id;
	in.offset = p->next = offset;
	in.limit = PIECE;
	p->is_fetching = 1;
	yc_node_call(p->a->n, &call);
}

static void on_empty(void *arg)
{
	struct play *p = find((uint64_t)(uintptr_t)arg);

	if (p && !p->is_fetching)
		fetch(p, p->next);
}

/* A piece beyond the first. */
static void go_on(struct play *p, const Pb__BlobReadReply *m)
{
	int64_t n = (int64_t)m->data.len, left = p->last - p->next + 1;

	if (n > left)
		n = left;
	if (n <= 0) {
		end(p, 1);                       /* the file is shorter than it said */
		return;
	}
	p->next += n;
	http_stream_add(p->s, m->data.data, (size_t)n);
	if (p->next > p->last)
		end(p, 0);
}

static void audit(struct api_ctx *x, const Pb__BlobReadReply *m)
{
	Pb__Audited ev = PB__AUDITED__INIT;
	const Pb__Principal *who = x->who->t->principal;
	struct yc_err e = { 0 };

	if (x->r->is_head)
		return;
	ev.actor = who->person_id;
	ev.actor_name = who->name;
	ev.action = "recording.read";
	ev.object = m->id;
	ev.detail = x->r->h[H_RANGE] ? (char *)x->r->h[H_RANGE] : "";
	if (yc_emit(x->api->n, "audit.recording_read", m->matter_id, m->id, &ev, &e))
		yc_error("a reading of a recording could not be written down: %s", e.msg);
}

static void send_headers(struct play *p, const Pb__BlobReadReply *m, int is_part, int64_t from, int64_t to)
{
	struct api_ctx *x = p->x;
	struct http_req *r = x->r;

	http_out(r, "Content-Type", yc_is_empty(m->media_type) ? "application/octet-stream" : yc_strdup(r->a, m->media_type));
	http_out(r, "Accept-Ranges", "bytes");
	http_out(r, "ETag", yc_sprintf(r->a, "\"%.32s\"", m->sha256));
	if (is_part)
		http_out(r, "Content-Range", yc_sprintf(r->a, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, from, to, m->size));
	audit(x, m);
	p->next = from;
	p->last = to;
	p->s = http_stream_new(yc_node_loop(p->a->n), on_empty, (void *)(uintptr_t)p->nr);
	r->stream = p->s;
	r->stream_len = to - from + 1;
	p->x = NULL;
	api_send(x, is_part ? 206 : 200);
}

/* The first piece tells the size, and with it what the range means. */
static void begin(struct play *p, const Pb__BlobReadReply *m)
{
	struct api_ctx *x = p->x;
	const char *range = x->r->h[H_RANGE], *if_range = x->r->h[H_IF_RANGE];
	int64_t from = 0, to = m->size - 1, asked = p->next;
	int is_part = 0;

	if (range && (!if_range || (strlen(if_range) > 2 && !strncmp(if_range + 1, m->sha256, 32))))
		is_part = api_range(range, m->size, &from, &to);
	if (is_part < 0 || m->size == 0) {
		http_out(x->r, "Content-Range", yc_sprintf(api_arena(x), "bytes */%" PRId64, m->size));
		end(p, 1);
		api_fail_http(x, 416, "range-not-satisfiable", "Range", "the recording is not that long");
		return;
	}
	send_headers(p, m, is_part, from, to);
	if (from == asked)
		go_on(p, m);                     /* else the empty stream asks for what is wanted */
}

static void on_read(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct play *p = find((uint64_t)(uintptr_t)arg);
	struct api_ctx *x = p ? p->x : NULL;

	if (!p)
		return;
	p->is_fetching = 0;
	if (x && code == YC_INVALID && p->next > 0) {
		fetch(p, 0);                     /* the range begins beyond the end: the size is still to be learned */
		return;
	}
	if (x && (code || !x->r)) {
		end(p, 1);
		api_fail(x, code, e);
		return;
	}
	if (code || !msg)
		end(p, 1);                       /* in the middle: the client sees a cut connection and may ask for the rest */
	else if (x)
		begin(p, msg);
	else
		go_on(p, msg);
}

void api_on_recording(struct api_ctx *x)
{
	const char *id = api_path_param(x, "id");
	const Pb__Principal *who = x->who->t->principal;
	uint32_t others = YC_ROLE(ADMIN) | YC_ROLE(SUPERVISOR) | YC_ROLE(LEADER) | YC_ROLE(AUDITOR) | YC_ROLE(DISPATCHER);
	struct api_recording rec = { 0 };
	struct yc_err e = { 0 };
	struct play *p;
	int found = 0;
	enum yc_code c = api_store_recording_get(x->api->n, id, &rec, &found, &e);

	if (c) {
		api_fail(x, c, &e);
		return;
	}
	if (!yc_id_is(id, "blb") || (!(who->roles & others) && (!found || !yc_streq(rec.agent_id, who->person_id)))) {
		api_fail_http(x, 404, "not-found", NULL, "no such recording, or not one of yours");
		return;
	}
	p = yc_xcalloc(1, sizeof(*p));
	p->nr = ++plays.last_nr;
	p->a = x->api;
	p->x = x;
	yc_copy(p->id, sizeof(p->id), id);
	snprintf(p->to_service, sizeof(p->to_service), found ? "gateway@%s" : "gateway", rec.gateway);
	HASH_ADD(hh, plays.all, nr, sizeof(p->nr), p);
	if (!plays.tick)
		plays.tick = yc_timer_start(yc_node_loop(x->api->n), TICK_MS, TICK_MS, on_tick, NULL);
	fetch(p, api_range_start(x->r->h[H_RANGE]));
}
