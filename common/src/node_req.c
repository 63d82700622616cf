/* Requests: their life from the envelope to the answer, holding, and what handlers may ask. */
#include <string.h>

#include "node_impl.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

static struct yc_arena *arena_get(struct yc_node *n)
{
	return n->n_free_arenas ? n->free_arenas[--n->n_free_arenas] : yc_arena_new(NODE_ARENA_MAX);
}

static void arena_put(struct yc_node *n, struct yc_arena **a)
{
	if (n->n_free_arenas == NODE_FREE_REQS) {
		yc_arena_free(a);
		return;
	}
	yc_arena_reset(*a);
	n->free_arenas[n->n_free_arenas++] = *a;
	*a = NULL;
}

/* The header dies with the callback, so the principal is copied the way all messages are: packed and unpacked. */
static Pb__Principal *principal_copy(struct yc_arena *a, const Pb__Principal *p)
{
	size_t n = p ? pb__principal__get_packed_size(p) : 0;
	uint8_t *raw = yc_alloc(a, n + 1);

	if (!p || !raw)
		return yc_pb_new(a, &pb__principal__descriptor);
	pb__principal__pack(p, raw);
	return pb__principal__unpack(yc_arena_pb(a), n, raw);
}

struct yc_req *node_req_new(struct yc_node *n, struct node_method *m, const Pb__Header *h)
{
	struct yc_req *rq = yc_slot_get(&n->reqs);
	int64_t now = yc_now();

	if (!rq)
		return NULL;
	rq->node = n;
	rq->method = m;
	rq->arena = arena_get(n);
	rq->call = h->call;
	rq->who = principal_copy(rq->arena, h->principal);
	rq->id = yc_strdup(rq->arena, h->request_id);
	rq->trace = yc_strdup(rq->arena, h->traceparent);
	rq->deadline_at = h->deadline_at ? h->deadline_at : now + (m->rpc->deadline_ms > 0 ? m->rpc->deadline_ms : 5000);
	rq->began_us = yc_mono_us();
	return rq;
}

void node_req_free(struct yc_req *rq)
{
	struct yc_node *n = rq->node;

	arena_put(n, &rq->arena);
	yc_slot_put(&n->reqs, rq);
}

enum yc_code node_req_record(struct yc_req *rq, struct yc_err *e)
{
	size_t n = protobuf_c_message_get_packed_size(rq->out);
	enum yc_code code;

	if (n > YC_WIRE_PAYLOAD_MAX)
		return yc_fail(e, YC_TOO_LARGE, NULL, "the answer is too large for the bus");
	rq->reply = yc_alloc(rq->arena, n + 1);
	if (!rq->reply)
		return yc_fail(e, YC_TOO_LARGE, NULL, "the answer is too large");
	rq->n_reply = protobuf_c_message_pack(rq->out, rq->reply);
	if (rq->method->rpc->kind != YC_RPC_WRITE)
		return YC_OK;
	code = node_store_done_put(&rq->node->store, rq->id, rq->fingerprint, rq->reply, rq->n_reply, yc_now(), e);
	if (code == YC_CONFLICT)                 /* another instance on this store has just answered the same request */
		return yc_fail(e, YC_UNAVAILABLE, "request_id", "this request is being worked on; try again with the same id");
	return code;
}

void node_req_answer(struct yc_req *rq)
{
	struct yc_node *n = rq->node;
	size_t len = rq->code == YC_OK ? rq->n_reply : 0;

	yc_metric_add(&rq->method->metric[MM_REQUESTS], 1);
	yc_metric_observe_us(&rq->method->metric[MM_SECONDS], yc_mono_us() - rq->began_us);
	if (rq->code != YC_OK) {
		yc_metric_add(&rq->method->metric[MM_ERRORS], 1);
		if (yc_log_on(YC_DEBUG))
			yc_log_at(YC_DEBUG, rq->trace, "%s.%s: %s %s %s", n->svc->name, rq->method->name, yc_code_name(rq->code), rq->err.field, rq->err.msg);
	}
	yc_bus_reply(n->bus, rq->call, rq->code, &rq->err, rq->reply, len);
	for (int i = 0; i < rq->n_also; i++)
		yc_bus_reply(n->bus, rq->also[i], rq->code, &rq->err, rq->reply, len);
	node_req_free(rq);
}

/* --- holding ----------------------------------------------------------------------------------------------------------------- */

static void on_held_due(void *arg);

static void arm_held(struct yc_node *n)
{
	int64_t now = yc_mono();

	if (!n->held_due.n || (n->held_timer && n->held_armed <= n->held_due.v[0].key))
		return;
	yc_timer_stop(&n->held_timer);
	n->held_armed = n->held_due.v[0].key;
	n->held_timer = yc_timer_start(n->loop, n->held_armed > now ? n->held_armed - now : 0, 0, on_held_due, n);
}

void yc_req_hold(struct yc_req *rq)
{
	struct yc_node *n = rq->node;

	if (rq->state != REQ_RUNNING)
		return;
	rq->state = REQ_HELD;
	n->n_held++;
	yc_heap_push(&n->held_due, yc_mono() + rq->deadline_at - yc_now(), rq->slot.nr, rq, &rq->due);
	if (rq->method->rpc->kind == YC_RPC_WRITE)
		HASH_ADD_KEYPTR(hh, n->held_by_id, rq->id, strlen(rq->id), rq);
	arm_held(n);
}

static void unhold(struct yc_req *rq)
{
	struct yc_node *n = rq->node;

	if (rq->state != REQ_HELD)
		return;
	n->n_held--;
	yc_heap_remove(&n->held_due, &rq->due);
	if (rq->method->rpc->kind == YC_RPC_WRITE)
		HASH_DEL(n->held_by_id, rq);
	rq->state = REQ_RUNNING;
}

void node_req_unhold(struct yc_req *rq)
{
	unhold(rq);
}

void yc_req_finish(struct yc_req *rq, enum yc_code code, const struct yc_err *why)
{
	struct yc_node *n = rq->node;
	struct yc_err e = { 0 };
	int own = !n->in_unit;

	if (rq->state != REQ_HELD) {
		yc_error("node: %s was finished without being held", rq->method->name);
		return;
	}
	unhold(rq);
	rq->state = REQ_ENDED;
	if (own)
		node_unit_begin(n, UNIT_REQUEST);
	if (code == YC_OK)
		code = node_req_record(rq, &e);
	else if (!own && n->unit_kind == UNIT_REPLY)
		n->unit_undo = 1;
	rq->code = code == YC_PENDING ? YC_INTERNAL : code;
	if (code)
		rq->err = e.code ? e : why ? *why : (struct yc_err){ .code = code };
	node_settle(n, rq);
	if (own)
		(void)node_unit_end(n, 1, &e);
}

static void on_held_due(void *arg)
{
	struct yc_node *n = arg;
	struct yc_err e = { 0 };
	int64_t now = yc_mono();

	n->held_timer = NULL;
	(void)yc_fail(&e, YC_DEADLINE, NULL, "no answer in time");
	while (n->held_due.n && n->held_due.v[0].key <= now)
		yc_req_finish(n->held_due.v[0].item, YC_DEADLINE, &e);
	arm_held(n);
}

void node_held_close(struct yc_node *n)
{
	struct yc_err e = { 0 };

	(void)yc_fail(&e, YC_UNAVAILABLE, NULL, "the service is going down");
	while (n->held_due.n)
		yc_req_finish(n->held_due.v[0].item, YC_UNAVAILABLE, &e);
	yc_timer_stop(&n->held_timer);
	yc_heap_fini(&n->held_due);
}

uint64_t yc_req_ref(struct yc_req *rq)
{
	return rq->slot.nr;
}

struct yc_req *yc_req_find(struct yc_node *n, uint64_t ref)
{
	struct yc_req *rq = ref ? yc_slot_find(&n->reqs, ref) : NULL;

	return rq && rq->state == REQ_HELD ? rq : NULL;
}

/* --- what handlers may ask ---------------------------------------------------------------------------------------------------- */

struct yc_node *yc_req_node(struct yc_req *rq)
{
	return rq->node;
}

void *yc_req_self(struct yc_req *rq)
{
	return rq->node->self;
}

struct yc_arena *yc_req_arena(struct yc_req *rq)
{
	return rq->arena;
}

const Pb__Principal *yc_req_who(struct yc_req *rq)
{
	return rq->who;
}

const char *yc_req_id(struct yc_req *rq)
{
	return rq->id;
}

const char *yc_req_trace(struct yc_req *rq)
{
	return rq->trace;
}

void *yc_req_out(struct yc_req *rq)
{
	return rq->out;
}

int yc_req_may(struct yc_req *rq, uint32_t roles)
{
	return (rq->who->roles & (roles | YC_SERVICES)) != 0;
}

/* "/yn/km" holds "/yn/km" and "/yn/km/post", not "/yn/kmx". A principal without an organisation sees none. */
int yc_req_sees(struct yc_req *rq, const char *org_path)
{
	const char *mine = rq->who->org_path;
	size_t n = strlen(mine);

	if (rq->who->roles & YC_SERVICES)
		return 1;
	if (!n || !org_path)
		return 0;
	if (mine[n - 1] == '/')
		n--;
	return strncmp(mine, org_path, n) == 0 && (org_path[n] == '/' || org_path[n] == 0);
}
