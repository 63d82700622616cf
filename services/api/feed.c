/* Events of all services in one order of our own: stored with the cursor of their source, shown when the store has them for sure. */
#include "api.h"

#include "rule_feed.h"

#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#include <inttypes.h>
#include <string.h>

#include <utlist.h>

#define RECENT_MAX 2048
#define PRUNE_MS 5000

struct api_feed {
	int64_t head;                            /* last number given away */
	int64_t shown;                           /* last one that is surely stored */
	int64_t oldest;
	struct api_event *pending, *recent;      /* pending: waits for the commit; recent: the last ones shown, oldest first */
	int n_recent;
	struct yc_timer *prune;
};

int64_t api_feed_head(const struct api *a)
{
	return a->feed->shown;
}

int64_t api_feed_oldest(struct api *a)
{
	return a->feed->oldest;
}

/* --- one event -------------------------------------------------------------------------------------------------------------------------- */

/* One block: the struct, its strings, its payload. */
static struct api_event *event_new(const Pb__Event *ev, int64_t seq)
{
	const char *text[] = { ev->type, ev->source, ev->matter_id, ev->key };
	size_t n = sizeof(struct api_event) + ev->payload.len, len[4];
	struct api_event *x;
	char *p;

	for (int i = 0; i < 4; i++)
		n += len[i] = strlen(text[i]) + 1;
	x = yc_xcalloc(1, n);
	p = (char *)(x + 1);
	for (int i = 0; i < 4; i++) {
		const char **slot[] = { &x->type, &x->source, &x->matter_id, &x->key };

		memcpy(p, text[i], len[i]);
		*slot[i] = p;
		p += len[i];
	}
	if (ev->payload.len)
		memcpy(p, ev->payload.data, ev->payload.len);
	x->payload = (const uint8_t *)p;
	x->n_payload = ev->payload.len;
	x->seq = seq;
	x->at = ev->at;
	return x;
}

void api_event_fini(struct api_event *ev)
{
	if (ev->msg)
		protobuf_c_message_free_unpacked(ev->msg, NULL);
	ev->msg = NULL;
	yc_buf_free(&ev->text[0]);
	yc_buf_free(&ev->text[1]);
}

static void event_free(struct api_event *ev)
{
	api_event_fini(ev);
	yc_xfree(ev);
}

static void render(struct api_event *ev, int masked)
{
	struct yc_buf *b = &ev->text[masked];
	struct yc_arena *a = NULL;
	ProtobufCMessage *msg = ev->msg;
	char at[YC_RFC3339_LEN];

	if (masked) {
		a = yc_arena_new(4u << 20);
		msg = protobuf_c_message_unpack(ev->t->d, yc_arena_pb(a), ev->n_payload, ev->payload);
		if (msg)
			api_event_mask(a, msg);
	}
	yc_buf_printf(b, "{\"id\":\"%" PRId64 "\",\"type\":", ev->seq);
	yc_buf_json_str(b, ev->type);
	yc_buf_printf(b, ",\"at\":\"%s\",\"matter_id\":", yc_rfc3339(ev->at, at));
	yc_buf_json_str(b, ev->matter_id);
	yc_buf_str(b, ",\"key\":");
	yc_buf_json_str(b, ev->key);
	yc_buf_str(b, ",\"source\":");
	yc_buf_json_str(b, ev->source);
	yc_buf_str(b, ",\"data\":");
	if (msg)
		yc_json_write(b, msg);
	else
		yc_buf_str(b, "null");
	yc_buf_str(b, "}");
	yc_arena_free(&a);
}

static int inside(const char *path, const char *base)
{
	size_t n = strlen(base);

	if (n && base[n - 1] == '/')
		n--;
	return !strncmp(path, base, n) && (!path[n] || path[n] == '/');
}

const struct yc_buf *api_event_text(struct api_event *ev, const struct api_token *t)
{
	const Pb__Principal *p = t->t->principal;
	const char *org;
	int own, masked;

	if (!ev->t)
		ev->t = api_event_type(ev->type);
	if (!ev->t || !(p->roles & ev->t->roles))
		return NULL;
	if (!ev->msg)
		ev->msg = protobuf_c_message_unpack(ev->t->d, NULL, ev->n_payload, ev->payload);
	if (!ev->msg)
		return NULL;
	own = api_event_is_own(ev->msg, p->person_id);
	org = api_event_org(ev->msg);
	if (!own && *org && (yc_is_empty(p->org_path) || !inside(org, p->org_path)))
		return NULL;
	masked = api_event_needs_mask(p->roles, own);
	if (!ev->text[masked].n)
		render(ev, masked);
	return &ev->text[masked];
}

/* --- taking ----------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code note_recording(struct yc_node *n, const Pb__Event *ev, struct yc_err *e)
{
	Pb__RecordingReady *m = pb__recording_ready__unpack(NULL, ev->payload.len, ev->payload.data);
	struct api_recording r = { 0 };
	enum yc_code c;

	if (!m)
		return yc_fail(e, YC_MALFORMED, "payload", "event %s is no recording", ev->id);
	yc_copy(r.blob_id, sizeof(r.blob_id), m->blob_id);
	yc_copy(r.gateway, sizeof(r.gateway), yc_is_empty(m->gateway) ? ev->source : m->gateway);
	yc_copy(r.matter_id, sizeof(r.matter_id), ev->matter_id);
	yc_copy(r.agent_id, sizeof(r.agent_id), m->agent_id);
	yc_copy(r.call_id, sizeof(r.call_id), m->call_id);
	c = api_store_recording_put(n, &r, e);
	pb__recording_ready__free_unpacked(m, NULL);
	return c;
}

static void note_revoked(struct api *a, const Pb__Event *ev)
{
	Pb__SessionRevoked *m = pb__session_revoked__unpack(NULL, ev->payload.len, ev->payload.data);

	if (!m)
		return;
	api_token_revoked(a, m->token_sha256);
	api_streams_revoked(a, m->token_sha256);
	pb__session_revoked__free_unpacked(m, NULL);
}

enum yc_code api_feed_take(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	struct api *a = yc_node_self(n);
	struct api_event *x;
	enum yc_code c;

	if (yc_streq(ev->type, "session.revoked"))
		note_revoked(a, ev);
	if (api_event_is_confidential(ev->type))
		return YC_OK;
	if (yc_streq(ev->type, "recording.ready") && (c = note_recording(n, ev, e)))
		return c;
	x = event_new(ev, a->feed->head + 1);
	if ((c = api_store_feed_add(n, x, e))) {
		event_free(x);
		return c;
	}
	a->feed->head++;
	if (!a->feed->oldest)
		a->feed->oldest = x->seq;
	DL_APPEND(a->feed->pending, x);
	api_count(API_M_FEED_ROWS, 1);
	return YC_OK;
}

static void show(struct api *a, struct api_event *ev)
{
	struct api_feed *f = a->feed;

	DL_DELETE(f->pending, ev);
	f->shown = ev->seq;
	DL_APPEND(f->recent, ev);
	if (++f->n_recent > RECENT_MAX) {
		struct api_event *old = f->recent;

		DL_DELETE(f->recent, old);
		event_free(old);
		f->n_recent--;
	}
	api_streams_event(a, ev);
}

/* End of a turn, after the node's commit. */
static void on_turn_end(void *arg)
{
	struct api *a = arg;

	if (!a->feed || !a->feed->pending || yc_db_is_dirty(yc_node_db(a->n)))
		return;
	while (a->feed->pending)
		show(a, a->feed->pending);
}

static void hook(void *arg)
{
	struct api *a = arg;

	yc_loop_at_end(yc_node_loop(a->n), on_turn_end, a);
}

/* The commit failed: what waits for it never was. The sources are asked again. */
void api_feed_lost(struct yc_node *n, void *self)
{
	struct api *a = self;

	while (a->feed->pending) {
		struct api_event *ev = a->feed->pending;

		DL_DELETE(a->feed->pending, ev);
		event_free(ev);
	}
	a->feed->head = a->feed->shown;
}

/* --- reading ---------------------------------------------------------------------------------------------------------------------------- */

enum yc_code api_feed_read(struct api *a, int64_t after, int n, int (*fn)(void *arg, struct api_event *ev), void *arg, struct yc_err *e)
{
	struct api_event *ev;

	if (after >= a->feed->shown)
		return YC_OK;
	if (!a->feed->recent || after < a->feed->recent->seq - 1) {
		int64_t sure = a->feed->shown - after;   /* rows of this turn may stand in the store and yet be undone */

		return api_store_feed_read(a->n, after, sure < n ? (int)sure : n, fn, arg, e);
	}
	DL_FOREACH(a->feed->recent, ev) {
		if (ev->seq <= after)
			continue;
		if (n-- <= 0 || !fn(arg, ev))
			break;
	}
	return YC_OK;
}

/* --- life ------------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code prune(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct api *a = arg;
	int more, steps = 0;
	int64_t head;
	enum yc_code c;

	do
		c = api_store_feed_prune(n, yc_now() - a->conf.feed_keep_ms, a->conf.feed_max_rows, &more, e);
	while (c == YC_OK && more && ++steps < 20);
	return c ? c : api_store_feed_range(n, &a->feed->oldest, &head, e);
}

static void on_prune(void *arg)
{
	struct api *a = arg;
	struct yc_err e = { 0 };

	if (yc_node_do(a->n, prune, a, &e))
		yc_warn("old events were not removed: %s", e.msg);
}

enum yc_code api_feed_open(struct api *a, struct yc_err *e)
{
	struct api_feed *f = yc_xcalloc(1, sizeof(*f));

	a->feed = f;
	if (api_store_feed_range(a->n, &f->oldest, &f->head, e))
		return e->code;
	f->shown = f->head;
	f->prune = yc_timer_start(yc_node_loop(a->n), PRUNE_MS, PRUNE_MS, on_prune, a);
	return yc_loop_post(yc_node_loop(a->n), hook, a);        /* behind the node's own: what it committed is what we show */
}

void api_feed_close(struct api *a)
{
	struct api_event *ev, *tmp;

	if (!a->feed)
		return;
	yc_timer_stop(&a->feed->prune);
	DL_FOREACH_SAFE(a->feed->pending, ev, tmp)
		event_free(ev);
	DL_FOREACH_SAFE(a->feed->recent, ev, tmp)
		event_free(ev);
	yc_xfree(a->feed);
	a->feed = NULL;
}
