/* Outbox: events are rows of the store, written in the unit that has the effect, numbered without gaps per source and incarnation, published
 * after the commit. When no more has come for 100 ms the number of the last one is published, and again every second, so that a lost last
 * event is noticed. docs/internals/outbox.md */
#include <stdio.h>
#include <string.h>

#include "node_impl.h"
#include "yc/clock.h"
#include "yc/id.h"
#include "yc/log.h"
#include "yc/text.h"

enum { HEAD_MS = 100, HEAD_AGAIN = 10, PRUNE_MS = 10000, PRUNE_ROWS = 5000 };
static const int64_t KEEP_EVENTS_MS = 14 * 86400000LL, KEEP_DONE_MS = 86400000LL;

static struct yc_metric m_emitted = { .kind = YC_COUNTER, .name = "yc_outbox_events_total", .help = "Events committed to the outbox" };

enum yc_code outbox_open(struct outbox *o, struct yc_db *db, const char *source, struct yc_err *e)
{
	int64_t oldest, head;
	enum yc_code code;

	yc_copy(o->source, sizeof o->source, source);
	snprintf(o->topic, sizeof o->topic, "%s|", source);
	code = node_store_open(&o->store, db, e);
	if (!code)
		code = node_store_incarnation(&o->store, o->incarnation, e);
	if (!code)
		code = node_store_outbox_range(&o->store, o->source, o->incarnation, &oldest, &head, e);
	if (code)
		return code;
	o->head = head;
	o->committed = head;
	return YC_OK;
}

enum yc_code outbox_put(struct outbox *o, Pb__Event *ev, struct yc_buf *buf, struct yc_err *e)
{
	char id[YC_ID_LEN];
	size_t was = buf->n;
	enum yc_code code;
	uint32_t len;
	char *p;

	ev->source = o->source;
	ev->incarnation = o->incarnation;
	ev->seq = o->head + 1;
	ev->id = yc_id_new("evt", id);
	len = (uint32_t)pb__event__get_packed_size(ev);
	yc_buf_add(buf, &len, sizeof len);
	p = yc_buf_room(buf, len);
	pb__event__pack(ev, (uint8_t *)p);
	code = node_store_outbox_put(&o->store, o->source, o->incarnation, ev->seq, ev->at, p, len, e);
	if (code) {
		buf->n = was;
		return code;
	}
	o->head++;
	return YC_OK;
}

void outbox_publish(struct yc_node *n, const char *p, size_t len)
{
	uint32_t one;
	int64_t count = 0;

	for (const char *end = p + len; p < end; p += one, count++) {
		memcpy(&one, p, sizeof one);
		p += sizeof one;
		yc_bus_publish(n->bus, n->out.topic, (const uint8_t *)p, one);
	}
	yc_metric_add(&m_emitted, count);
	n->quiet_ticks = count ? 0 : n->quiet_ticks;
}

static struct outbox *box(struct yc_node *n)
{
	return n->async ? outbox_async_box(n->async) : &n->out;
}

void node_publish_head(void *arg)
{
	struct yc_node *n = arg;
	Pb__EventHead head = PB__EVENT_HEAD__INIT;
	uint8_t raw[256];

	head.source = n->out.source;
	head.incarnation = n->out.incarnation;
	head.seq = box(n)->committed;
	if (pb__event_head__get_packed_size(&head) <= sizeof raw)
		yc_bus_publish(n->bus, n->out.topic, raw, pb__event_head__pack(&head, raw));
}

/* While events flow, the next one shows that one was lost; every head wakes every subscriber. */
static void on_head(void *arg)
{
	struct yc_node *n = arg;

	if (n->quiet_ticks++ % HEAD_AGAIN == 1)
		node_publish_head(n);
}

enum yc_code yc_emit(struct yc_node *n, const char *type, const char *matter_id, const char *key, const void *msg, struct yc_err *e)
{
	return yc_emit_at(n, 0, type, matter_id, key, msg, e);
}

enum yc_code yc_emit_at(struct yc_node *n, int64_t at, const char *type, const char *matter_id, const char *key, const void *msg, struct yc_err *e)
{
	Pb__Event ev = PB__EVENT__INIT;
	size_t len = msg ? protobuf_c_message_get_packed_size(msg) : 0;
	enum yc_code code;

	if (!n->db)
		return yc_fail(e, YC_INTERNAL, "event", "%s has no store for its events", n->svc->name);
	if (!n->async && !n->in_unit)
		return yc_fail(e, YC_INTERNAL, "event", "%.60s was emitted outside of a unit of work", type);
	if (len > NODE_EVENT_MAX)
		return yc_fail(e, YC_TOO_LARGE, "event", "%.60s is too large for an event", type);
	if (n->n_to_publish >= NODE_EMIT_MAX)
		return yc_fail(e, YC_EXHAUSTED, "event", "too many events wait for their commit");
	ev.type = (char *)type;
	ev.at = at ? at : yc_now();
	ev.matter_id = matter_id ? (char *)matter_id : "";
	ev.key = key ? (char *)key : "";
	ev.payload.len = len;
	ev.payload.data = yc_xcalloc(1, len + 1);
	if (len)
		protobuf_c_message_pack(msg, ev.payload.data);
	if (n->async) {
		code = outbox_async_emit(n->async, &ev, e);
	} else {
		code = outbox_put(&n->out, &ev, &n->to_publish, e);
		n->n_to_publish += code == YC_OK;
	}
	yc_xfree(ev.payload.data);
	return code;
}

int yc_node_events_behind(const struct yc_node *n)
{
	return n->async ? outbox_async_waiting(n->async) : n->n_to_publish;
}

void node_outbox_committed(struct yc_node *n)
{
	if (n->async)
		return;
	n->out.committed = n->out.head;
	outbox_publish(n, n->to_publish.p, n->to_publish.n);
	n->to_publish.n = 0;
	n->n_to_publish = 0;
}

void node_outbox_rolled_back(struct yc_node *n)
{
	n->out.head = n->out.committed;
	n->to_publish.n = 0;
	n->n_to_publish = 0;
}

/* A bounded piece each time: a long backlog must not hold the loop. */
static enum yc_code prune(struct yc_node *n, void *arg, struct yc_err *e)
{
	int64_t now = yc_now(), gone = 0;
	enum yc_code code;

	code = node_store_outbox_prune(&n->store, n->out.source, n->out.incarnation, box(n)->committed, now - KEEP_EVENTS_MS, PRUNE_ROWS, &gone, e);
	if (!code)
		code = node_store_done_prune(&n->store, now - KEEP_DONE_MS, e);
	if (gone)
		yc_debug("outbox: %lld old events removed", (long long)gone);
	return code;
}

static void on_prune(void *arg)
{
	struct yc_err e = { 0 };

	if (yc_node_do(arg, prune, NULL, &e))
		yc_warn("outbox: old rows were not removed: %s", e.msg);
}

enum yc_code node_outbox_start(struct yc_node *n, struct yc_err *e)
{
	static int registered;
	enum yc_code code;

	if (!n->db)
		return YC_OK;
	if (!__atomic_test_and_set(&registered, __ATOMIC_RELAXED))
		yc_metrics_register(&m_emitted, 1);
	code = outbox_open(&n->out, n->db, n->instance, e);
	n->store = n->out.store;
	if (!code && n->svc->async_events)
		code = outbox_async_start(n, e);
	if (code)
		return code;
	n->head_timer = yc_timer_start(n->loop, HEAD_MS, HEAD_MS, on_head, n);
	n->prune_timer = yc_timer_start(n->loop, PRUNE_MS / 10, PRUNE_MS, on_prune, n);
	return YC_OK;
}

void node_outbox_stop(struct yc_node *n)
{
	outbox_async_stop(n);
	yc_timer_stop(&n->head_timer);
	yc_timer_stop(&n->prune_timer);
	yc_buf_free(&n->to_publish);
}
