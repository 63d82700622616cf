/* Calls of the bus client: the table of what is outstanding, deadlines, further tries. One heap holds what happens next to each call. */
#include <string.h>

#include "bus_impl.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/id.h"
#include "yc/log.h"
#include "yc/text.h"

/* Number on the wire: the slot's number and the try, so that a late answer to an earlier try is not taken for this one's. */
enum { TRY_BITS = 4, TRIES_MAX = 15, BACKOFF_MS = 100, BACKOFF_MAX_MS = 2000, TIMEOUT_MS = 5000 };

static void on_due(void *arg);
static void attempt(struct yc_bus *b, struct bus_call *k);

static uint64_t wire_call(const struct bus_call *k)
{
	return k->slot.nr << TRY_BITS | (uint64_t)k->tries;
}

static void arm(struct yc_bus *b)
{
	int64_t now;

	if (b->due.n == 0 || (b->due_timer && b->due_armed <= b->due.v[0].key))
		return;
	now = yc_mono();
	yc_timer_stop(&b->due_timer);
	b->due_armed = b->due.v[0].key;
	b->due_timer = yc_timer_start(b->loop, b->due_armed > now ? b->due_armed - now : 0, 0, on_due, b);
}

static void set_due(struct yc_bus *b, struct bus_call *k, enum bus_call_state state, int64_t at)
{
	yc_heap_remove(&b->due, &k->due);
	k->state = state;
	yc_heap_push(&b->due, at, k->slot.nr, k, &k->due);
	arm(b);
}

static void release(struct yc_bus *b, struct bus_call *k)
{
	yc_heap_remove(&b->due, &k->due);
	if (k->is_kept) {
		zmq_msg_close(&k->head);
		zmq_msg_close(&k->body);
	}
	yc_slot_put(&b->calls, k);
}

/* The entry is given back first: fn may call again. */
static void tell(struct yc_bus *b, struct bus_call *k, enum yc_code code, const void *msg, const struct yc_err *e)
{
	yc_reply_fn *fn = k->fn;
	void *arg = k->arg;

	release(b, k);
	if (!fn)
		return;
	if (b->before)
		b->before(b->around_arg);
	fn(arg, code, msg, e);
	if (b->after)
		b->after(b->around_arg);
}

/* This try failed: another one, or the end. */
static void failed(struct yc_bus *b, struct bus_call *k, enum yc_code code, const struct yc_err *e)
{
	int again = code == YC_UNAVAILABLE || code == YC_INSTANCE_LOST || code == YC_DEADLINE;
	int64_t wait = k->tries < 5 ? BACKOFF_MS << k->tries : BACKOFF_MAX_MS;

	if (!again || k->tries >= k->retries) {
		tell(b, k, code, NULL, e);
		return;
	}
	k->tries++;
	set_due(b, k, CALL_BACKOFF, yc_mono() + wait);
}

static void failed_with(struct yc_bus *b, struct bus_call *k, enum yc_code code, const char *field, const char *why)
{
	struct yc_err e = { 0 };

	(void)yc_fail(&e, code, field, "%s", why);
	failed(b, k, code, &e);
}

static void end_later(struct yc_bus *b, struct bus_call *k, enum yc_code code, const char *field, const char *why)
{
	k->code = code;
	k->field = field;
	k->why = why;
	set_due(b, k, CALL_DONE, yc_mono());
}

static void due(struct yc_bus *b, struct bus_call *k)
{
	switch (k->state) {
	case CALL_SENT: failed_with(b, k, YC_DEADLINE, NULL, "no answer in time"); break;
	case CALL_QUEUED: failed_with(b, k, YC_UNAVAILABLE, "bus", "the bus does not answer"); break;
	case CALL_DONE: failed_with(b, k, k->code, k->field, k->why); break;
	case CALL_BACKOFF: attempt(b, k); break;
	}
}

static void on_due(void *arg)
{
	struct yc_bus *b = arg;
	int64_t now = yc_mono();
	size_t most = b->due.n;                  /* calls made by the callbacks below wait for the next turn */

	b->due_timer = NULL;
	while (most-- && b->due.n && b->due.v[0].key <= now)
		due(b, b->due.v[0].item);
	arm(b);
}

static void build_body(zmq_msg_t *m, const ProtobufCMessage *in, size_t n)
{
	zmq_msg_init_size(m, n);
	if (n)
		protobuf_c_message_pack(in, zmq_msg_data(m));
}

/* Node's methods are told from the service's own by their prefix. */
static char *wire_method(const struct yc_call *c, char *buf, size_t size)
{
	if (c->api != &pb__node__descriptor)
		return (char *)c->method;
	yc_copy(buf, size, "Node.");
	yc_copy(buf + 5, size - 5, c->method);
	return buf;
}

static void build_head(zmq_msg_t *m, const struct bus_call *k, const struct yc_call *c)
{
	Pb__Header h = PB__HEADER__INIT;
	char id[YC_ID_LEN], method[YC_WIRE_NAME_MAX];

	h.kind = PB__HEADER__KIND__KIND_REQUEST;
	h.service = (char *)c->service;
	h.method = wire_method(c, method, sizeof method);
	h.shard_key = c->shard_key ? (char *)c->shard_key : "";
	h.request_id = c->request_id ? (char *)c->request_id : yc_id_new("req", id);
	h.call = wire_call(k);
	h.deadline_at = yc_now() + k->timeout_ms;
	h.principal = (Pb__Principal *)c->as;
	h.traceparent = c->traceparent ? (char *)c->traceparent : "";
	zmq_msg_init_size(m, pb__header__get_packed_size(&h));
	pb__header__pack(&h, zmq_msg_data(m));
}

static void send_frames(struct yc_bus *b, struct bus_call *k, zmq_msg_t *head, zmq_msg_t *body)
{
	/* Before sending: if the link is found dead, this call shall be among those that are told so. */
	set_due(b, k, CALL_SENT, yc_mono() + k->timeout_ms);
	if (bus_send(b, head, body)) {
		bus_unlink(b);
		if (k->state == CALL_SENT)
			end_later(b, k, YC_UNAVAILABLE, "bus", "the bus is away");
	}
}

/* Send a kept call, or let it wait for the link: a broker that restarts is back within the grace. */
static void attempt(struct yc_bus *b, struct bus_call *k)
{
	struct yc_wire w;
	zmq_msg_t head, body;
	int64_t now = yc_mono(), grace = b->ping_at + YC_WIRE_DEAD_MS;

	if (!b->is_linked) {
		if (now >= grace || b->is_displaced)
			end_later(b, k, YC_UNAVAILABLE, "bus", "the bus does not answer");
		else
			set_due(b, k, CALL_QUEUED, now + k->timeout_ms < grace ? now + k->timeout_ms : grace);
		return;
	}
	zmq_msg_init_size(&head, zmq_msg_size(&k->head));
	memcpy(zmq_msg_data(&head), zmq_msg_data(&k->head), zmq_msg_size(&k->head));
	if (!yc_wire_scan(zmq_msg_data(&head), zmq_msg_size(&head), &w)) {
		yc_wire_set_call(&w, wire_call(k));
		(void)yc_wire_set_deadline(&w, yc_now() + k->timeout_ms);
	}
	zmq_msg_init(&body);
	zmq_msg_copy(&body, &k->body);
	send_frames(b, k, &head, &body);
}

static void start(struct yc_bus *b, struct bus_call *k, const struct yc_call *c, size_t n)
{
	zmq_msg_t head, body;

	if (b->is_linked && k->retries == 0) {
		build_head(&head, k, c);
		build_body(&body, c->in, n);
		send_frames(b, k, &head, &body);
		return;
	}
	build_head(&k->head, k, c);
	build_body(&k->body, c->in, n);
	k->is_kept = 1;
	attempt(b, k);
}

uint64_t yc_bus_call(struct yc_bus *b, const struct yc_call *c)
{
	struct bus_call *k = yc_slot_get(&b->calls);
	const ProtobufCMethodDescriptor *m;
	uint64_t nr;
	size_t n;

	if (!k) {
		yc_error("bus: a million calls outstanding; %s.%s is dropped", c->service, c->method);
		return 0;
	}
	/* This process was stopped or busy for so long that the broker has forgotten it: say who we are before asking. */
	if (b->is_linked && yc_mono() - b->beat_at > YC_WIRE_DEAD_MS) {
		b->is_linked = 0;
		b->ping_at = yc_mono();
		bus_announce(b);
	}
	nr = k->slot.nr;
	k->fn = c->fn;
	k->arg = c->arg;
	k->timeout_ms = c->timeout_ms > 0 ? c->timeout_ms : TIMEOUT_MS;
	k->retries = c->retries < TRIES_MAX ? c->retries : TRIES_MAX;
	m = protobuf_c_service_descriptor_get_method_by_name(c->api, c->method);
	n = m ? protobuf_c_message_get_packed_size(c->in) : 0;
	if (b->no_calls) {
		end_later(b, k, YC_UNAVAILABLE, "bus", "this process is going down");
	} else if (!m) {
		end_later(b, k, YC_UNIMPLEMENTED, "method", "no such method");
	} else if (n > YC_WIRE_PAYLOAD_MAX) {
		end_later(b, k, YC_TOO_LARGE, "payload", "the request is too large for the bus");
	} else if (b->calls.used > BUS_CALLS_MAX) {
		end_later(b, k, YC_EXHAUSTED, "bus", "too many calls are outstanding");
	} else {
		k->output = m->output;
		start(b, k, c, n);
	}
	return nr;
}

void yc_bus_cancel(struct yc_bus *b, uint64_t call)
{
	struct bus_call *k = call ? yc_slot_find(&b->calls, call) : NULL;

	if (k)
		release(b, k);
}

static void on_status(struct yc_bus *b, struct bus_call *k, const struct yc_wire *w)
{
	Pb__Status *st = pb__status__unpack(yc_arena_pb(b->arena), w->status.n, w->status.p);
	struct yc_err e = { 0 };

	if (!st || st->code <= 0 || st->code >= (Pb__Code)YC_PENDING)
		(void)yc_fail(&e, YC_MALFORMED, "status", "the answer cannot be read");
	else
		(void)yc_fail(&e, (enum yc_code)st->code, st->field, "%s", st->message);
	failed(b, k, e.code, &e);
}

void bus_calls_on_reply(struct yc_bus *b, const struct yc_wire *w, const uint8_t *body, size_t n)
{
	struct bus_call *k = yc_slot_find(&b->calls, w->call >> TRY_BITS);
	void *msg;

	if (!k || k->state != CALL_SENT || (w->call & TRIES_MAX) != (uint64_t)k->tries)
		return;                          /* too late: deadline, cancelled, or an earlier try */
	if (w->status.n) {
		on_status(b, k, w);
	} else {
		msg = protobuf_c_message_unpack(k->output, yc_arena_pb(b->arena), n, body);
		if (msg)
			tell(b, k, YC_OK, msg, NULL);
		else
			failed_with(b, k, YC_MALFORMED, "payload", "the answer cannot be read");
	}
	yc_arena_reset(b->arena);
}

/* Collect first: the callbacks may start, end and cancel others. */
static void each_in_state(struct yc_bus *b, enum bus_call_state state, void (*fn)(struct yc_bus *, struct bus_call *))
{
	size_t n = 0, max = b->calls.n;
	uint64_t *nr = yc_xcalloc(max + 1, sizeof *nr);

	for (size_t i = 0; i < max; i++) {
		struct bus_call *k = (struct bus_call *)b->calls.v[i];

		if (k->slot.in_use && k->state == state)
			nr[n++] = k->slot.nr;
	}
	for (size_t i = 0; i < n; i++) {
		struct bus_call *k = yc_slot_find(&b->calls, nr[i]);

		if (k && k->state == state)
			fn(b, k);
	}
	yc_xfree(nr);
}

/* Not told here: this may run inside yc_bus_call. */
static void lose(struct yc_bus *b, struct bus_call *k)
{
	end_later(b, k, YC_INSTANCE_LOST, "bus", "the connection to the bus was lost; the outcome is unknown");
}

void bus_calls_linked(struct yc_bus *b)
{
	each_in_state(b, CALL_QUEUED, attempt);
}

void bus_calls_unlinked(struct yc_bus *b)
{
	each_in_state(b, CALL_SENT, lose);
}

void bus_calls_open(struct yc_bus *b)
{
	uint64_t seed;

	yc_random(&seed, sizeof seed);
	yc_slots_init(&b->calls, sizeof(struct bus_call), seed);
}

static void abandon(struct yc_bus *b, struct bus_call *k)
{
	struct yc_err e = { 0 };

	(void)yc_fail(&e, YC_UNAVAILABLE, "bus", "this process is going down");
	tell(b, k, YC_UNAVAILABLE, NULL, &e);
}

void yc_bus_end_calls(struct yc_bus *b)
{
	b->no_calls = 1;
	/* Callbacks may call again: that many and no more. */
	for (size_t n = b->due.n; n && b->due.n; n--)
		abandon(b, b->due.v[0].item);
}

void bus_calls_close(struct yc_bus *b)
{
	yc_bus_end_calls(b);
	while (b->due.n)
		release(b, b->due.v[0].item);
	yc_timer_stop(&b->due_timer);
	yc_heap_fini(&b->due);
	yc_slots_fini(&b->calls);
}
