/* Bus client: link to the broker, announcing, and what comes in. Wire: docs/internals/bus.md. */
#include "yc/bus.h"

#include <stdio.h>
#include <string.h>

#include "bus_impl.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/json.h"
#include "yc/log.h"
#include "yc/metric.h"
#include "yc/text.h"

enum { RECONNECT_MS = 5000 };

enum { M_MALFORMED, M_LINKS_LOST, M_COUNT };
static struct yc_metric metrics[M_COUNT] = {
	[M_MALFORMED] = { .kind = YC_COUNTER, .name = "yc_bus_malformed_total", .help = "Messages from the bus that could not be read" },
	[M_LINKS_LOST] = { .kind = YC_COUNTER, .name = "yc_bus_links_lost_total", .help = "Times the broker went silent or was restarted" },
};

static void send_header(struct yc_bus *b, const Pb__Header *h)
{
	zmq_msg_t head, body;

	zmq_msg_init_size(&head, pb__header__get_packed_size(h));
	pb__header__pack(h, zmq_msg_data(&head));
	zmq_msg_init(&body);
	if (bus_send(b, &head, &body))
		bus_unlink(b);
}

/* The heartbeat. While draining it says BYE: alive, but no new requests. */
void bus_announce(struct yc_bus *b)
{
	Pb__Header h = PB__HEADER__INIT;

	if (b->is_displaced)
		return;
	b->beat_at = yc_mono();
	h.kind = b->said_bye ? PB__HEADER__KIND__KIND_BYE : PB__HEADER__KIND__KIND_READY;
	h.service = b->service;
	h.instance = b->instance;
	h.boot = b->boot;
	send_header(b, &h);
}

/* The connection is gone, or the broker behind it: what was sent has an unknown outcome. */
void bus_unlink(struct yc_bus *b)
{
	if (!b->is_linked)
		return;
	b->is_linked = 0;
	yc_metric_add(&metrics[M_LINKS_LOST], 1);
	bus_calls_unlinked(b);
}

static void on_beat(void *arg)
{
	struct yc_bus *b = arg;

	int64_t now = yc_mono();

	if (now - b->ping_at > YC_WIRE_DEAD_MS)
		bus_unlink(b);
	if (!b->is_linked && now - b->ping_at > RECONNECT_MS && now - b->connect_at > RECONNECT_MS) {
		b->connect_at = now;
		bus_sockets_reconnect(b);
	}
	bus_announce(b);
}

static void on_displaced(struct yc_bus *b)
{
	if (!b->is_displaced)
		yc_error("bus: another process announced itself as %s; this one gets no more requests", b->instance);
	b->is_displaced = 1;
	bus_unlink(b);
}

/* PING answers READY (instance = ours), asks who we are (no instance), or says that our name was taken (a status). */
static void on_ping(struct yc_bus *b, const struct yc_wire *w)
{
	char boot[YC_WIRE_NAME_MAX];

	if (w->status.n) {
		on_displaced(b);
		return;
	}
	if (yc_span_copy(w->boot, boot, sizeof boot))
		boot[0] = 0;
	if (strcmp(boot, b->broker_boot) != 0) {
		if (b->broker_boot[0])
			bus_unlink(b);
		yc_copy(b->broker_boot, sizeof b->broker_boot, boot);
	}
	if (w->instance.n == 0) {
		bus_announce(b);
		return;
	}
	b->ping_at = yc_mono();
	if (!b->is_linked) {
		b->is_linked = 1;
		bus_calls_linked(b);
	}
}

static void refuse(struct yc_bus *b, uint64_t call, enum yc_code code, const char *field, const char *why)
{
	struct yc_err e = { 0 };

	(void)yc_fail(&e, code, field, "%s", why);
	yc_bus_reply(b, call, code, &e, NULL, 0);
}

static void on_request(struct yc_bus *b, const struct yc_wire *w, const uint8_t *head, size_t hn, const uint8_t *body, size_t n)
{
	Pb__Header *h = pb__header__unpack(yc_arena_pb(b->arena), hn, head);
	struct yc_err e = { 0 };

	if (!h || yc_pb_check_utf8(&h->base, &e)) {
		yc_metric_add(&metrics[M_MALFORMED], 1);
		refuse(b, w->call, YC_MALFORMED, "header", "the envelope cannot be read");
	} else if (!b->on_request) {
		refuse(b, w->call, YC_UNIMPLEMENTED, "service", "this client serves nothing");
	} else {
		if (b->before)
			b->before(b->around_arg);
		b->on_request(b->arg, h, body, n);
		if (b->after)
			b->after(b->around_arg);
	}
	yc_arena_reset(b->arena);
}

static void on_message(struct yc_bus *b, uint8_t *head, size_t hn, const uint8_t *body, size_t n)
{
	struct yc_wire w;

	if (yc_wire_scan(head, hn, &w)) {
		yc_metric_add(&metrics[M_MALFORMED], 1);
		return;
	}
	switch (w.kind) {
	case PB__HEADER__KIND__KIND_PING: on_ping(b, &w); break;
	case PB__HEADER__KIND__KIND_REPLY: bus_calls_on_reply(b, &w, body, n); break;
	case PB__HEADER__KIND__KIND_REQUEST: on_request(b, &w, head, hn, body, n); break;
	default: yc_metric_add(&metrics[M_MALFORMED], 1);
	}
}

/* Reads one message of two frames; more or fewer are dropped and counted. 0 when none waits. */
static int receive(void *s, zmq_msg_t *a, zmq_msg_t *b, int *n_frames)
{
	zmq_msg_t rest;
	int more;

	zmq_msg_init(a);
	zmq_msg_init(b);
	if (zmq_msg_recv(a, s, ZMQ_DONTWAIT) < 0)
		return 0;
	*n_frames = 1;
	more = zmq_msg_more(a);
	if (more && zmq_msg_recv(b, s, ZMQ_DONTWAIT) >= 0) {
		*n_frames = 2;
		more = zmq_msg_more(b);
	}
	while (more) {
		zmq_msg_init(&rest);
		more = zmq_msg_recv(&rest, s, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&rest);
		zmq_msg_close(&rest);
		++*n_frames;
	}
	return 1;
}

static void on_rpc(void *arg, void *socket)
{
	struct yc_bus *b = arg;
	zmq_msg_t head, body;
	int frames;

	for (int i = 0; i < BUS_DRAIN && receive(socket, &head, &body, &frames); i++) {
		if (frames == 2)
			on_message(b, zmq_msg_data(&head), zmq_msg_size(&head), zmq_msg_data(&body), zmq_msg_size(&body));
		else
			yc_metric_add(&metrics[M_MALFORMED], 1);
		zmq_msg_close(&head);
		zmq_msg_close(&body);
	}
}

static void on_sub(void *arg, void *socket)
{
	struct yc_bus *b = arg;
	zmq_msg_t topic, body;
	char name[2 * YC_WIRE_NAME_MAX];
	int frames;

	for (int i = 0; i < BUS_DRAIN && receive(socket, &topic, &body, &frames); i++) {
		struct yc_span t = { zmq_msg_data(&topic), zmq_msg_size(&topic) };

		if (frames == 2 && !yc_span_copy(t, name, sizeof name)) {
			if (b->before)
				b->before(b->around_arg);
			b->on_event(b->arg, name, zmq_msg_data(&body), zmq_msg_size(&body));
			if (b->after)
				b->after(b->around_arg);
		} else {
			yc_metric_add(&metrics[M_MALFORMED], 1);
		}
		zmq_msg_close(&topic);
		zmq_msg_close(&body);
	}
}

static char *made_up(const char *prefix)
{
	uint8_t raw[8];
	char hex[17], name[64];

	yc_random(raw, sizeof raw);
	yc_hex(raw, sizeof raw, hex);
	snprintf(name, sizeof name, "%s%s", prefix, hex);
	return yc_xstrdup(name);
}

static enum yc_code check_names(const struct yc_bus *b, struct yc_err *e)
{
	if (*b->service && !yc_wire_is_name(b->service))
		return yc_fail(e, YC_INVALID, "service", "not a service name: \"%.60s\"", b->service);
	if (!yc_wire_is_name(b->instance))
		return yc_fail(e, YC_INVALID, "instance", "not an instance name: \"%.60s\"", b->instance);
	if (!yc_wire_is_name(b->boot))
		return yc_fail(e, YC_INVALID, "boot", "not a boot name: \"%.60s\"", b->boot);
	return YC_OK;
}

enum yc_code yc_bus_open(struct yc_bus **out, struct yc_loop *l, const struct yc_bus_conf *c,
			 yc_bus_request_fn *on_req, yc_bus_event_fn *on_event, void *arg, struct yc_err *e)
{
	struct yc_bus *b = yc_xcalloc(1, sizeof *b);
	static int registered;
	enum yc_code code;

	if (!__atomic_test_and_set(&registered, __ATOMIC_RELAXED))
		yc_metrics_register(metrics, M_COUNT);
	b->loop = l;
	b->endpoint = yc_xstrdup(c->endpoint ? c->endpoint : "");
	b->service = yc_xstrdup(c->service ? c->service : "");
	b->instance = yc_is_empty(c->instance) ? made_up("client.") : yc_xstrdup(c->instance);
	b->boot = yc_is_empty(c->boot) ? made_up("") : yc_xstrdup(c->boot);
	b->on_request = on_req;
	b->on_event = on_event;
	b->arg = arg;
	b->arena = yc_arena_new(4 * YC_WIRE_PAYLOAD_MAX);
	b->ping_at = b->beat_at = b->connect_at = yc_mono();
	bus_calls_open(b);
	code = check_names(b, e);
	if (!code)
		code = bus_sockets_open(b, c, e);
	if (code) {
		yc_bus_close(&b);
		return code;
	}
	yc_loop_zmq(l, b->rpc, on_rpc, b);
	if (on_event)
		yc_loop_zmq(l, b->sub, on_sub, b);
	b->beat = yc_timer_start(l, YC_WIRE_READY_MS, YC_WIRE_READY_MS, on_beat, b);
	*out = b;
	return YC_OK;
}

void yc_bus_bye(struct yc_bus *b)
{
	if (b->said_bye)
		return;
	b->said_bye = 1;
	if (b->is_linked)
		bus_announce(b);
}

void yc_bus_close(struct yc_bus **bp)
{
	struct yc_bus *b = *bp;

	if (!b)
		return;
	if (b->rpc)
		yc_bus_bye(b);
	yc_timer_stop(&b->beat);
	bus_calls_close(b);
	bus_sockets_close(b);
	yc_arena_free(&b->arena);
	yc_xfree(b->endpoint);
	yc_xfree(b->service);
	yc_xfree(b->instance);
	yc_xfree(b->boot);
	yc_xfree(b);
	*bp = NULL;
}

const char *yc_bus_instance(const struct yc_bus *b)
{
	return b->instance;
}

int yc_bus_is_up(const struct yc_bus *b)
{
	return b->is_linked && yc_mono() - b->ping_at <= YC_WIRE_DEAD_MS;
}

int yc_bus_is_displaced(const struct yc_bus *b)
{
	return b->is_displaced;
}

void yc_bus_around(struct yc_bus *b, void (*before)(void *), void (*after)(void *), void *arg)
{
	b->before = before;
	b->after = after;
	b->around_arg = arg;
}

void yc_bus_reply(struct yc_bus *b, uint64_t call, enum yc_code code, const struct yc_err *e, const uint8_t *payload, size_t n)
{
	Pb__Header h = PB__HEADER__INIT;
	Pb__Status st = PB__STATUS__INIT;
	zmq_msg_t head, body;

	h.kind = PB__HEADER__KIND__KIND_REPLY;
	h.call = call;
	h.instance = b->instance;
	if (code != YC_OK) {
		st.code = (Pb__Code)code;
		st.message = e ? (char *)e->msg : "";
		st.field = e ? (char *)e->field : "";
		h.status = &st;
	}
	zmq_msg_init_size(&head, pb__header__get_packed_size(&h));
	pb__header__pack(&h, zmq_msg_data(&head));
	zmq_msg_init_size(&body, n);
	if (n)
		memcpy(zmq_msg_data(&body), payload, n);
	/* Without a connection the broker has said INSTANCE_LOST to whom it concerns, or is gone itself. */
	if (bus_send(b, &head, &body))
		bus_unlink(b);
}

void yc_bus_publish(struct yc_bus *b, const char *topic, const uint8_t *payload, size_t n)
{
	/* PUB never blocks: what a full queue drops, the consumer asks for again (docs/internals/outbox.md). */
	if (zmq_send(b->pub, topic, strlen(topic), ZMQ_DONTWAIT | ZMQ_SNDMORE) >= 0)
		(void)zmq_send(b->pub, payload, n, ZMQ_DONTWAIT);
}

void yc_bus_subscribe(struct yc_bus *b, const char *prefix)
{
	(void)zmq_setsockopt(b->sub, ZMQ_SUBSCRIBE, prefix, strlen(prefix));
}
