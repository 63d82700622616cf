/* After a crash: calls whose start is in our outbox and whose end is not are closed. A mark, moved once a minute, keeps that reading short:
 * it is the outbox's head of a moment before the oldest open call began. */
#include <string.h>

#include "gateway.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#define CHECKPOINT_MS 60000
#define HEADS 64                 /* minutes remembered; a longer call only holds the mark back */

struct opened { char id[YC_ID_LEN]; char matter[YC_ID_LEN]; uint8_t *payload; size_t len; int bridged; UT_hash_handle hh; };

static void read_event(void *arg, const void *event, size_t len)
{
	struct opened **open = arg, *o = NULL;
	Pb__Event *ev = pb__event__unpack(NULL, len, event);

	if (!ev)
		return;
	HASH_FIND_STR(*open, ev->key, o);
	if (!o && !strcmp(ev->type, "call.started") && strlen(ev->key) < YC_ID_LEN) {
		o = yc_xcalloc(1, sizeof(*o));
		yc_copy(o->id, sizeof(o->id), ev->key);
		yc_copy(o->matter, sizeof(o->matter), ev->matter_id);
		o->payload = yc_xcalloc(1, ev->payload.len + 1);
		memcpy(o->payload, ev->payload.data, ev->payload.len);
		o->len = ev->payload.len;
		HASH_ADD_STR(*open, id, o);
	} else if (o && !strcmp(ev->type, "call.ended")) {
		HASH_DEL(*open, o);
		yc_xfree(o->payload);
		yc_xfree(o);
	}
	pb__event__free_unpacked(ev, NULL);
}

static enum yc_code close_one(struct yc_node *n, const struct opened *o, struct yc_err *e)
{
	Pb__CallStarted *st = pb__call_started__unpack(NULL, o->len, o->payload);
	Pb__CallEnded out = PB__CALL_ENDED__INIT;
	char *was, state[] = "ended";
	enum yc_code code;

	if (!st || !st->call) {
		if (st)
			pb__call_started__free_unpacked(st, NULL);
		return YC_OK;
	}
	out.call = st->call;
	was = st->call->state;
	st->call->state = state;
	out.by = "gateway";
	out.reason = "gateway_lost";
	code = yc_emit(n, "call.ended", o->matter, o->id, &out, e);
	st->call->state = was;
	pb__call_started__free_unpacked(st, NULL);
	return code;
}

enum yc_code gw_journal_recover(struct gw_self *g, struct yc_err *e)
{
	struct yc_node *n = g->node;
	struct opened *open = NULL, *o, *next;
	enum yc_code code = gw_store_events(n, read_event, &open, e);
	unsigned count = HASH_COUNT(open);

	HASH_ITER(hh, open, o, next) {
		if (!code)
			code = close_one(n, o, e);
		HASH_DEL(open, o);
		yc_xfree(o->payload);
		yc_xfree(o);
	}
	if (!code && count)
		yc_warn("%u calls were open when this gateway died: closed as gateway_lost", count);
	return code;
}

static int64_t oldest_start(struct gw_self *g)
{
	struct gw_call *c, *next;
	int64_t oldest = INT64_MAX;

	HASH_ITER(hh, g->calls, c, next)
		if (!c->closed && c->started_at < oldest)
			oldest = c->started_at;
	return oldest;
}

static enum yc_code checkpoint(struct yc_node *n, void *arg, struct yc_err *e)
{
	static struct { int64_t at, seq; } heads[HEADS];
	static int n_heads;
	struct gw_self *g = arg;
	int64_t oldest = oldest_start(g), head = 0, mark = -1;

	for (int i = 0; i < n_heads; i++)
		if (heads[i].at < oldest)
			mark = heads[i].seq;
	if (gw_store_head(n, &head, e))
		return e->code;
	if (n_heads == HEADS) {
		memmove(heads, heads + 1, sizeof(heads) - sizeof(heads[0]));
		n_heads--;
	}
	heads[n_heads].at = yc_now();
	heads[n_heads++].seq = head;
	return mark < 0 ? YC_OK : gw_store_checkpoint(n, mark, e);
}

void gw_journal_second(struct gw_self *g)
{
	struct yc_err e = { 0 };

	if (yc_mono() < g->checkpoint_at)
		return;
	g->checkpoint_at = yc_mono() + CHECKPOINT_MS;
	if (yc_node_do(g->node, checkpoint, g, &e))
		yc_warn("journal mark: %s", e.msg);
}
