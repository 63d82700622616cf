/* Consumer: events of other services, each source in order and once. seq <= last: seen; last + 1: apply; beyond: ask the producer for what is
 * missing, one request at a time. Effects and cursors stand in the same transaction. docs/internals/outbox.md */
#include <stdio.h>
#include <string.h>

#include "node_impl.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

enum { ASK_AGAIN_MS = 500, ASK_TIMEOUT_MS = 2000, SKIPS_MS = 1000, BACKOFF_MS = 200, BACKOFF_MAX_MS = 10000, SOURCES_MAX = 10000, EFFECTS_MS = 50 };

struct cursor { char inc[40]; int64_t seq; };
struct source {
	char name[YC_WIRE_NAME_MAX], service[YC_WIRE_NAME_MAX];
	struct yc_node *node;
	struct cursor now, stored;               /* in memory; in the store (inc "": no row yet) */
	int64_t target;                          /* the producer has at least this one */
	char next_inc[40];                       /* the producer has gone on in another incarnation */
	uint64_t call;                           /* gap request in hand */
	int64_t ask_at;                          /* mono ms: not before */
	int backoff_ms;                          /* a handler said "again later" */
	UT_hash_handle hh;
};

struct consumer {
	struct source *sources;
	struct yc_arena *arena, *msgs;           /* of the envelope and of the payload in hand */
	int64_t effects_since, skips_since;      /* mono ms, 0: none wait */
	struct yc_timer *timer;
	int64_t batch_ms;
	int is_written;                          /* the cursors stand in the transaction */
};

enum { M_APPLIED, M_SKIPPED, M_SEEN, M_AHEAD, M_GAPS, M_POISON, M_PRUNED, M_COUNT };
static struct yc_metric metrics[M_COUNT] = {
	[M_APPLIED] = { .kind = YC_COUNTER, .name = "yc_events_applied_total", .help = "Events whose effect was stored" },
	[M_SKIPPED] = { .kind = YC_COUNTER, .name = "yc_events_skipped_total", .help = "Events of types nobody here handles" },
	[M_SEEN] = { .kind = YC_COUNTER, .name = "yc_events_repeated_total", .help = "Events that had been applied before" },
	[M_AHEAD] = { .kind = YC_COUNTER, .name = "yc_events_ahead_total", .help = "Events that came before their predecessor" },
	[M_GAPS] = { .kind = YC_COUNTER, .name = "yc_events_gap_requests_total", .help = "Requests for missing events" },
	[M_POISON] = { .kind = YC_COUNTER, .name = "yc_events_poison_total", .help = "Events skipped because their handler failed" },
	[M_PRUNED] = { .kind = YC_COUNTER, .name = "yc_events_pruned_total", .help = "Events the producer had already removed" },
};

static void ask(struct source *s);

static int is_same(const struct cursor *a, const struct cursor *b)
{
	return a->seq == b->seq && strcmp(a->inc, b->inc) == 0;
}

/* --- sources ------------------------------------------------------------------------------------------------------------------ */

/* "yn.crm.1" of site "yn" -> "crm"; -1 when it is none of ours or nobody here subscribes to that service. */
static int service_of(const struct yc_node *n, const char *source, char *out, size_t size)
{
	size_t site = strlen(n->conf.site), len;
	const char *p = source + site + 1;

	if (strncmp(source, n->conf.site, site) != 0 || source[site] != '.' || !strchr(p, '.') || !yc_wire_is_name(source))
		return -1;
	len = (size_t)(strchr(p, '.') - p);
	if (len == 0 || len >= size)
		return -1;
	memcpy(out, p, len);
	out[len] = 0;
	for (const struct yc_sub *sub = n->svc->subs; sub->service; sub++)
		if (strcmp(sub->service, out) == 0)
			return 0;
	return -1;
}

static struct source *source_get(struct yc_node *n, const char *name)
{
	char service[YC_WIRE_NAME_MAX];
	struct source *s;

	HASH_FIND_STR(n->consumer->sources, name, s);
	if (s || HASH_COUNT(n->consumer->sources) >= SOURCES_MAX || service_of(n, name, service, sizeof service))
		return s;
	s = yc_xcalloc(1, sizeof *s);
	s->node = n;
	yc_copy(s->name, sizeof s->name, name);
	yc_copy(s->service, sizeof s->service, service);
	HASH_ADD_STR(n->consumer->sources, name, s);
	return s;
}

/* --- effects ------------------------------------------------------------------------------------------------------------------ */

static void on_timer(void *arg)
{
	struct yc_node *n = arg;

	n->consumer->timer = NULL;               /* the end of this turn commits, and with it everything that waits */
}

static void note(struct yc_node *n, int64_t *since, int64_t within_ms)
{
	struct consumer *c = n->consumer;

	if (*since)
		return;
	*since = yc_mono();
	if (since == &c->effects_since)
		yc_timer_stop(&c->timer);
	if (!c->timer)
		c->timer = yc_timer_start(n->loop, within_ms, 0, on_timer, n);
}

static enum yc_code run_handler(struct yc_node *n, const struct yc_sub *sub, const Pb__Event *ev, struct yc_err *e)
{
	void *msg = NULL;

	if (sub->d) {
		msg = protobuf_c_message_unpack(sub->d, yc_arena_pb(n->consumer->msgs), ev->payload.len, ev->payload.data);
		if (!msg)
			return yc_fail(e, YC_MALFORMED, "payload", "this is no %s", sub->d->short_name);
		if (yc_pb_check_utf8(msg, e))
			return e->code;
	}
	return sub->handler(n, ev, msg, e);
}

/* "call.ended" by name, "audit.*" and "*" by what stands before the star. */
static int is_wanted(const char *pattern, const char *type)
{
	size_t n = strlen(pattern);

	return n && pattern[n - 1] == '*' ? strncmp(pattern, type, n - 1) == 0 : strcmp(pattern, type) == 0;
}

/* All handlers of one event in one unit: they are kept together or not at all. */
static enum yc_code run_handlers(struct source *s, const Pb__Event *ev, int *handled, struct yc_err *e)
{
	struct yc_node *n = s->node;
	struct yc_err not_kept = { 0 };
	enum yc_code code = YC_OK;

	*handled = 0;
	node_unit_begin(n, UNIT_EVENT);
	for (const struct yc_sub *sub = n->svc->subs; sub->service && !code; sub++) {
		if (strcmp(sub->service, s->service) != 0 || !is_wanted(sub->type, ev->type))
			continue;
		*handled = 1;
		code = run_handler(n, sub, ev, e);
	}
	yc_arena_reset(n->consumer->msgs);
	if (node_unit_end(n, code == YC_OK, &not_kept) && !code) {
		*e = not_kept;
		code = YC_UNAVAILABLE;           /* the store, not the event */
	}
	return code;
}

/* The event follows last. 0, or -1 when its handler said "again later". */
static int apply(struct source *s, const Pb__Event *ev)
{
	struct consumer *c = s->node->consumer;
	struct yc_err e = { 0 };
	int handled;
	enum yc_code code = run_handlers(s, ev, &handled, &e);

	if (code == YC_UNAVAILABLE) {
		s->backoff_ms = s->backoff_ms ? s->backoff_ms * 2 : BACKOFF_MS;
		s->backoff_ms = s->backoff_ms > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : s->backoff_ms;
		s->ask_at = yc_mono() + s->backoff_ms;
		yc_warn("events: %s %lld (%s) must wait %d ms: %s", s->name, (long long)ev->seq, ev->type, s->backoff_ms, e.msg);
		return -1;
	}
	if (code) {
		yc_error("events: %s %lld (%s) is skipped: %s %s %s", s->name, (long long)ev->seq, ev->type, yc_code_name(code), e.field, e.msg);
		yc_metric_add(&metrics[M_POISON], 1);
	}
	s->backoff_ms = 0;
	s->now.seq = ev->seq;
	yc_metric_add(&metrics[handled ? M_APPLIED : M_SKIPPED], 1);
	if (handled)
		note(s->node, &c->effects_since, c->batch_ms);
	else
		note(s->node, &c->skips_since, SKIPS_MS);
	return 0;
}

/* --- taking ------------------------------------------------------------------------------------------------------------------- */

static void go_to(struct source *s, const char *inc)
{
	yc_copy(s->now.inc, sizeof s->now.inc, inc);
	s->now.seq = 0;
	s->target = 0;
	s->next_inc[0] = 0;
}

/* Is this message of the incarnation we are reading? A new one is entered when the old one has been read to its end. */
static int is_current(struct source *s, const char *inc)
{
	if (strcmp(s->now.inc, inc) == 0)
		return 1;
	if (!s->now.inc[0]) {
		go_to(s, inc);
		return 1;
	}
	if (strcmp(s->next_inc, inc) != 0)
		yc_info("events: %s goes on in incarnation %s", s->name, inc);
	yc_copy(s->next_inc, sizeof s->next_inc, inc);
	ask(s);
	return 0;
}

static void take_live(struct source *s, const Pb__Event *ev)
{
	if (!is_current(s, ev->incarnation))
		return;
	if (ev->seq > s->target)
		s->target = ev->seq;
	if (!*ev->type) {                        /* a head: only its number counts */
		ask(s);
	} else if (ev->seq <= s->now.seq) {
		yc_metric_add(&metrics[M_SEEN], 1);
	} else if (ev->seq > s->now.seq + 1 || s->backoff_ms) {
		yc_metric_add(&metrics[M_AHEAD], 1);
		ask(s);
	} else {
		(void)apply(s, ev);
	}
}

void consumer_on_event(void *arg, const char *topic, const uint8_t *payload, size_t len)
{
	struct yc_node *n = arg;
	struct yc_err e = { 0 };
	Pb__Event *ev;
	struct source *s;

	(void)node_unit_end(n, 1, &e);           /* the callback's own unit: each event gets its own */
	ev = pb__event__unpack(yc_arena_pb(n->consumer->arena), len, payload);
	if (ev && !yc_pb_check_utf8(&ev->base, &e) && strncmp(topic, ev->source, strlen(ev->source)) == 0 && *ev->incarnation) {
		s = source_get(n, ev->source);
		if (s)
			take_live(s, ev);
	}
	yc_arena_reset(n->consumer->arena);
	node_unit_begin(n, UNIT_REPLY);
}

/* --- gaps --------------------------------------------------------------------------------------------------------------------- */

/* The producer has removed what comes next: nothing brings it back, so go on with what there is, loudly. */
static void skip_pruned(struct source *s, const Pb__EventsReply *r)
{
	if (r->oldest <= s->now.seq + 1)
		return;
	yc_error("events: %lld events of %s are gone (oldest kept: %lld)", (long long)(r->oldest - s->now.seq - 1), s->name, (long long)r->oldest);
	yc_metric_add(&metrics[M_PRUNED], r->oldest - s->now.seq - 1);
	s->now.seq = r->oldest - 1;
	note(s->node, &s->node->consumer->skips_since, SKIPS_MS);
}

static void take_reply(struct source *s, const Pb__EventsReply *r)
{
	if (strcmp(r->incarnation, s->now.inc) != 0)
		return;
	skip_pruned(s, r);
	for (size_t i = 0; i < r->n_events; i++) {
		const Pb__Event *ev = r->events[i];

		if (ev->seq <= s->now.seq || strcmp(ev->incarnation, s->now.inc) != 0)
			continue;
		if (ev->seq != s->now.seq + 1 || apply(s, ev))
			return;
	}
	if (r->head > s->target)
		s->target = r->head;
	if (s->next_inc[0] && s->now.seq >= r->head) {
		go_to(s, s->next_inc);           /* the next head says how far it is */
		note(s->node, &s->node->consumer->skips_since, SKIPS_MS);
	}
}

static void on_gap_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *why)
{
	struct source *s = arg;
	struct yc_node *n = s->node;
	struct cursor was = s->now;
	struct yc_err e = { 0 };

	s->call = 0;
	if (code) {
		yc_debug("events: %s does not give events after %lld: %s", s->name, (long long)s->now.seq, why->msg);
		s->ask_at = yc_mono() + ASK_AGAIN_MS;
		return;
	}
	(void)node_unit_end(n, 1, &e);
	take_reply(s, msg);
	if (is_same(&was, &s->now) && !s->backoff_ms)
		s->ask_at = yc_mono() + ASK_AGAIN_MS;    /* an answer that does not help must not be asked for without end */
	ask(s);
	node_unit_begin(n, UNIT_REPLY);
}

/* Only one request is outstanding per source, so that a consumer far behind does not ask once per live event. Heads come every second and
 * ask again where it is needed. */
static void ask(struct source *s)
{
	Pb__EventsReq in = PB__EVENTS_REQ__INIT;
	char to[2 * YC_WIRE_NAME_MAX];
	struct yc_call c = { .service = to, .api = &pb__node__descriptor, .method = "Events", .in = &in, .timeout_ms = ASK_TIMEOUT_MS,
			     .fn = on_gap_reply, .arg = s };

	if (s->call || yc_mono() < s->ask_at || (s->now.seq >= s->target && !s->next_inc[0]))
		return;
	snprintf(to, sizeof to, "%s@%s", s->service, s->name);
	in.incarnation = s->now.inc;
	in.after = s->now.seq;
	in.limit = NODE_GAP_ROWS;
	yc_metric_add(&metrics[M_GAPS], 1);
	s->call = yc_node_call(s->node, &c);
}

/* --- commit ------------------------------------------------------------------------------------------------------------------- */

int consumer_has_effects(const struct yc_node *n)
{
	return n->consumer && n->consumer->effects_since;
}

int consumer_wants_commit(const struct yc_node *n)
{
	const struct consumer *c = n->consumer;
	int64_t now = c && (c->effects_since || c->skips_since) ? yc_mono() : 0;

	if (n->is_closing && now)
		return 1;
	return now && ((c->effects_since && now - c->effects_since >= c->batch_ms) || (c->skips_since && now - c->skips_since >= SKIPS_MS));
}

static enum yc_code store_cursors(struct yc_node *n, struct yc_err *e)
{
	struct source *s, *next;
	enum yc_code code = YC_OK;

	HASH_ITER(hh, n->consumer->sources, s, next) {
		if (code || is_same(&s->now, &s->stored))
			continue;
		code = node_store_cursor_move(&n->store, s->name, s->stored.inc, s->stored.seq, s->now.inc, s->now.seq, e);
	}
	return code;
}

enum yc_code consumer_before_commit(struct yc_node *n, struct yc_err *e)
{
	struct consumer *c = n->consumer;
	struct yc_err ignored = { 0 };
	enum yc_code code, kept;

	if (!c || (!consumer_wants_commit(n) && !yc_db_kept(n->db)))
		return YC_OK;
	yc_db_unit_begin(n->db);
	code = store_cursors(n, e);
	kept = yc_db_unit_end(n->db, code == YC_OK, code ? &ignored : e);
	c->is_written = !code && !kept;
	return code ? code : kept;
}

static void nothing_waits(struct consumer *c)
{
	c->effects_since = c->skips_since = 0;
	c->is_written = 0;
	yc_timer_stop(&c->timer);
}

void consumer_committed(struct yc_node *n)
{
	struct source *s, *next;

	if (!n->consumer || !n->consumer->is_written)
		return;
	HASH_ITER(hh, n->consumer->sources, s, next)
		s->stored = s->now;
	nothing_waits(n->consumer);
}

static void load(void *arg, const char *name, const char *inc, int64_t seq)
{
	struct source *s = source_get(arg, name);

	if (!s)
		return;
	yc_copy(s->now.inc, sizeof s->now.inc, inc);
	s->now.seq = seq;
	s->stored = s->now;
}

/* Effects are undone: the cursors of the store say where to go on. */
void consumer_rolled_back(struct yc_node *n)
{
	struct yc_err e = { 0 };
	struct source *s, *next;

	if (!n->consumer)
		return;
	HASH_ITER(hh, n->consumer->sources, s, next)
		s->now = s->stored;
	nothing_waits(n->consumer);
	if (node_store_cursors(&n->store, load, n, &e))
		yc_warn("events: the cursors cannot be read again: %s", e.msg);
}

/* --- life --------------------------------------------------------------------------------------------------------------------- */

static void subscribe(struct yc_node *n)
{
	char prefix[2 * YC_WIRE_NAME_MAX];

	for (const struct yc_sub *sub = n->svc->subs; sub->service; sub++) {
		int is_first = 1;

		for (const struct yc_sub *was = n->svc->subs; was < sub; was++)
			is_first &= strcmp(was->service, sub->service) != 0;
		snprintf(prefix, sizeof prefix, "%s.%s.", n->conf.site, sub->service);
		if (is_first)
			yc_bus_subscribe(n->bus, prefix);
	}
}

enum yc_code consumer_open(struct yc_node *n, struct yc_err *e)
{
	static int registered;

	if (!n->svc->subs || !n->svc->subs->service)
		return YC_OK;
	if (!n->db)
		return yc_fail(e, YC_INTERNAL, "subs", "%s has no store, so it cannot remember which events it has had", n->svc->name);
	if (!__atomic_test_and_set(&registered, __ATOMIC_RELAXED))
		yc_metrics_register(metrics, M_COUNT);
	n->consumer = yc_xcalloc(1, sizeof *n->consumer);
	n->consumer->arena = yc_arena_new(NODE_ARENA_MAX);
	n->consumer->msgs = yc_arena_new(NODE_ARENA_MAX);
	n->consumer->batch_ms = n->conf.batch_ms ? n->conf.batch_ms : n->svc->effects_ms ? n->svc->effects_ms : EFFECTS_MS;
	if (node_store_cursors(&n->store, load, n, e))
		return e->code;
	subscribe(n);
	return YC_OK;
}

void consumer_close(struct yc_node *n)
{
	struct source *s, *next;

	if (!n->consumer)
		return;
	HASH_ITER(hh, n->consumer->sources, s, next) {
		HASH_DEL(n->consumer->sources, s);
		yc_xfree(s);
	}
	yc_timer_stop(&n->consumer->timer);
	yc_arena_free(&n->consumer->arena);
	yc_arena_free(&n->consumer->msgs);
	yc_xfree(n->consumer);
	n->consumer = NULL;
}
