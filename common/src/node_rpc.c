/* Dispatcher: what every request goes through before and after its handler. */
#include <stdio.h>
#include <string.h>

#include "node_impl.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

/* --- methods ----------------------------------------------------------------------------------------------------------------- */

struct metric_set { char *key; struct yc_metric m[MM_COUNT]; UT_hash_handle hh; };
static struct metric_set *metric_sets;           /* registered for the life of the process, whatever nodes come and go */

static struct yc_metric *metrics_of(const char *service, const char *method)
{
	static const struct { enum yc_metric_kind kind; const char *name, *help; } kinds[MM_COUNT] = {
		[MM_REQUESTS] = { YC_COUNTER, "yc_rpc_requests_total", "Requests answered" },
		[MM_ERRORS] = { YC_COUNTER, "yc_rpc_errors_total", "Requests answered with an error" },
		[MM_SECONDS] = { YC_HISTOGRAM, "yc_rpc_seconds", "Time from request to answer" },
	};
	struct metric_set *s;
	char key[256];

	snprintf(key, sizeof key, "service=\"%s\",method=\"%s\"", service, method);
	HASH_FIND_STR(metric_sets, key, s);
	if (s)
		return s->m;
	s = yc_xcalloc(1, sizeof *s);
	s->key = yc_xstrdup(key);
	for (int i = 0; i < MM_COUNT; i++) {
		s->m[i].kind = kinds[i].kind;
		s->m[i].name = kinds[i].name;
		s->m[i].help = kinds[i].help;
		s->m[i].labels = s->key;
	}
	yc_metrics_register(s->m, MM_COUNT);
	HASH_ADD_KEYPTR(hh, metric_sets, s->key, strlen(s->key), s);
	return s->m;
}

static enum yc_code method_add(struct yc_node *n, const ProtobufCServiceDescriptor *api, const struct yc_rpc *rpc, const char *prefix, struct yc_err *e)
{
	const ProtobufCMethodDescriptor *d = protobuf_c_service_descriptor_get_method_by_name(api, rpc->method);
	struct node_method *m, *twin;
	char name[128];

	if (!d)
		return yc_fail(e, YC_INTERNAL, "rpcs", "%s.%s stands in no descriptor", n->svc->name, rpc->method);
	if (rpc->kind == YC_RPC_WRITE && !n->db)
		return yc_fail(e, YC_INTERNAL, "rpcs", "%s.%s writes, but the service has no store", n->svc->name, rpc->method);
	snprintf(name, sizeof name, "%s%s", prefix, rpc->method);
	HASH_FIND_STR(n->methods, name, twin);
	if (twin)
		return yc_fail(e, YC_INTERNAL, "rpcs", "%s.%s stands twice in the table", n->svc->name, name);
	m = yc_xcalloc(1, sizeof *m);
	m->name = yc_xstrdup(name);
	m->rpc = rpc;
	m->input = d->input;
	m->output = d->output;
	m->metric = metrics_of(n->svc->name, name);
	HASH_ADD_KEYPTR(hh, n->methods, m->name, strlen(m->name), m);
	return YC_OK;
}

/* A method that is declared but has no handler stops the process at its start, not a request at night. */
static enum yc_code check_complete(struct yc_node *n, struct yc_err *e)
{
	const ProtobufCServiceDescriptor *api = n->svc->api;
	struct node_method *m;

	for (unsigned i = 0; api && i < api->n_methods; i++) {
		HASH_FIND_STR(n->methods, api->methods[i].name, m);
		if (!m)
			return yc_fail(e, YC_INTERNAL, "rpcs", "%s.%s is declared but has no handler", n->svc->name, api->methods[i].name);
	}
	return YC_OK;
}

enum yc_code node_methods_open(struct yc_node *n, struct yc_err *e)
{
	const struct yc_rpc *r;
	enum yc_code code;

	if (n->svc->rpcs && !n->svc->api)
		return yc_fail(e, YC_INTERNAL, "rpcs", "%s has handlers but no descriptor", n->svc->name);
	for (r = n->svc->rpcs; r && r->method; r++)
		if ((code = method_add(n, n->svc->api, r, "", e)))
			return code;
	for (r = node_builtin_rpcs; r->method; r++)
		if ((code = method_add(n, &pb__node__descriptor, r, "Node.", e)))
			return code;
	return check_complete(n, e);
}

void node_methods_close(struct yc_node *n)
{
	struct node_method *m, *next;

	HASH_ITER(hh, n->methods, m, next) {
		HASH_DEL(n->methods, m);
		yc_xfree(m->name);
		yc_xfree(m);
	}
}

/* --- decoding ---------------------------------------------------------------------------------------------------------------- */

struct watched { ProtobufCAllocator pb; ProtobufCAllocator *inner; int is_full; };

static void *watched_alloc(void *data, size_t n)
{
	struct watched *w = data;
	void *p = w->inner->alloc(w->inner->allocator_data, n);

	w->is_full |= p == NULL;
	return p;
}

static void watched_free(void *data, void *p)
{
}

enum yc_code node_decode(struct yc_arena *a, const ProtobufCMessageDescriptor *d, const uint8_t *payload, size_t len, void **out, struct yc_err *e)
{
	struct watched w = { .inner = yc_arena_pb(a) };

	w.pb = (ProtobufCAllocator){ watched_alloc, watched_free, &w };
	if (len > YC_WIRE_PAYLOAD_MAX)
		return yc_fail(e, YC_TOO_LARGE, "payload", "a request may have %u bytes", YC_WIRE_PAYLOAD_MAX);
	*out = protobuf_c_message_unpack(d, &w.pb, len, payload);
	if (!*out && w.is_full)
		return yc_fail(e, YC_TOO_LARGE, "payload", "the request has too many parts");
	if (!*out)
		return yc_fail(e, YC_MALFORMED, "payload", "this is no %s", d->short_name);
	return yc_pb_check_utf8(*out, e);
}

/* --- one request ------------------------------------------------------------------------------------------------------------- */

static int64_t fingerprint(const struct yc_req *rq, const uint8_t *payload, size_t len)
{
	uint64_t h = yc_hash64(payload, len);

	h = h * 0x9e3779b97f4a7c15u ^ yc_hash64(rq->method->name, strlen(rq->method->name));
	h = h * 0x9e3779b97f4a7c15u ^ yc_hash64(rq->who->person_id, strlen(rq->who->person_id));
	return (int64_t)h;
}

static enum yc_code check(struct yc_req *rq, const uint8_t *payload, size_t len, struct yc_err *e)
{
	const struct yc_rpc *rpc = rq->method->rpc;

	if (yc_now() > rq->deadline_at)
		return yc_fail(e, YC_DEADLINE, NULL, "the request came too late");
	if (rpc->roles != YC_ANYBODY && !rq->who->roles)
		return yc_fail(e, YC_UNAUTHENTICATED, NULL, "this needs somebody to ask");
	if (rpc->roles != YC_ANYBODY && !yc_req_may(rq, rpc->roles))
		return yc_fail(e, YC_FORBIDDEN, NULL, "this is not for these roles");
	if (rpc->kind == YC_RPC_WRITE && !*rq->id)
		return yc_fail(e, YC_PRECONDITION, "request_id", "a write needs a request id");
	if (rq->node->n_held >= NODE_HELD_MAX)
		return yc_fail(e, YC_EXHAUSTED, NULL, "too many requests are waiting");
	return node_decode(rq->arena, rq->method->input, payload, len, &rq->in, e);
}

static enum yc_code other_request(struct yc_err *e)
{
	return yc_fail(e, YC_CONFLICT, "request_id", "another request had this id");
}

/* A retry of a write that is still held: both get its answer. 1: it joined and is gone. */
static int joins(struct yc_req *rq, enum yc_code *code, struct yc_err *e)
{
	struct yc_req *first;

	HASH_FIND_STR(rq->node->held_by_id, rq->id, first);
	if (!first)
		return 0;
	if (first->fingerprint != rq->fingerprint) {
		*code = other_request(e);
	} else if (first->n_also == NODE_ALSO_MAX) {
		*code = yc_fail(e, YC_EXHAUSTED, "request_id", "this request is being worked on");
	} else {
		first->also[first->n_also++] = rq->call;
		node_req_free(rq);
		return 1;
	}
	return 0;
}

/* OK with *again: it was answered before, and the reply is that answer. */
static enum yc_code seen_before(struct yc_req *rq, int *again, struct yc_err *e)
{
	int64_t print;
	enum yc_code code;

	*again = 0;
	if (rq->method->rpc->kind != YC_RPC_WRITE)
		return YC_OK;
	code = node_store_done_get(&rq->node->store, rq->id, rq->arena, &print, &rq->reply, &rq->n_reply, e);
	if (code == YC_NOT_FOUND)
		return YC_OK;
	if (code)
		return code;
	if (print != rq->fingerprint)
		return other_request(e);
	*again = 1;
	return YC_OK;
}

static enum yc_code handle(struct yc_req *rq, struct yc_err *e)
{
	enum yc_code code;
	int again;

	code = seen_before(rq, &again, e);
	if (code || again)
		return code;
	rq->out = yc_pb_new(rq->arena, rq->method->output);
	if (!rq->out)
		return yc_fail(e, YC_TOO_LARGE, NULL, "no room for the answer");
	code = rq->method->rpc->handler(rq, rq->in, rq->out, e);
	if (code == YC_PENDING)
		return code;
	return code ? code : node_req_record(rq, e);
}

static void end(struct yc_req *rq, enum yc_code code, const struct yc_err *e)
{
	rq->state = REQ_ENDED;
	rq->is_replayable = 1;
	rq->code = code;
	rq->err = code ? *e : (struct yc_err){ 0 };
	node_settle(rq->node, rq);
}

/* A handler said PENDING. Its request may have ended since (it was finished inside), so it is looked up by number. */
static void end_pending(struct yc_node *n, uint64_t ref)
{
	struct yc_err e = { 0 };
	enum yc_code code = node_unit_end(n, 1, &e);
	struct yc_req *rq = yc_slot_find(&n->reqs, ref);

	if (!rq || rq->state == REQ_ENDED)
		return;
	if (rq->state == REQ_HELD && code) {
		yc_req_finish(rq, code, &e);
	} else if (rq->state == REQ_RUNNING) {
		code = yc_fail(&e, YC_INTERNAL, NULL, "%s is pending but was not held", rq->method->name);
		end(rq, code, &e);
	}
}

void node_run(struct yc_req *rq)
{
	struct yc_node *n = rq->node;
	struct yc_err e = { 0 }, not_kept = { 0 };
	uint64_t ref = rq->slot.nr;
	enum yc_code code, kept;

	rq->state = REQ_RUNNING;
	node_unit_begin(n, UNIT_REQUEST);
	code = handle(rq, &e);
	if (code == YC_PENDING) {
		end_pending(n, ref);
		return;
	}
	node_req_unhold(rq);
	kept = node_unit_end(n, code == YC_OK && rq->method->rpc->kind != YC_RPC_READ, &not_kept);
	if (code == YC_OK && kept) {
		code = kept;
		e = not_kept;
	}
	if (rq->is_undone && n->svc->lost)
		n->svc->lost(n, n->self);
	end(rq, code, &e);
}

static void answer_unrun(struct yc_req *rq, enum yc_code code, const struct yc_err *e)
{
	rq->code = code;
	rq->err = *e;
	node_req_answer(rq);
}

static void refuse(struct yc_node *n, const Pb__Header *h, enum yc_code code, const struct yc_err *e)
{
	yc_bus_reply(n->bus, h->call, code, e, NULL, 0);
}

void node_on_request(void *arg, const Pb__Header *h, const uint8_t *payload, size_t len)
{
	struct yc_node *n = arg;
	struct node_method *m;
	struct yc_req *rq;
	struct yc_err e = { 0 };
	enum yc_code code;

	(void)node_unit_end(n, 1, &e);           /* the callback's own unit: nothing was done in it */
	HASH_FIND_STR(n->methods, h->method, m);
	rq = m ? node_req_new(n, m, h) : NULL;
	if (!m) {
		code = yc_fail(&e, YC_UNIMPLEMENTED, "method", "%s has no method \"%.60s\"", n->svc->name, h->method);
		refuse(n, h, code, &e);
	} else if (!rq || !rq->who || !rq->id || !rq->trace) {
		code = yc_fail(&e, YC_EXHAUSTED, NULL, "no room for another request");
		refuse(n, h, code, &e);
		if (rq)
			node_req_free(rq);
	} else {
		rq->fingerprint = fingerprint(rq, payload, len);
		code = check(rq, payload, len, &e);
		if (!code && m->rpc->kind == YC_RPC_WRITE && joins(rq, &code, &e))
			rq = NULL;
		if (rq && code)
			answer_unrun(rq, code, &e);
		else if (rq)
			node_run(rq);
	}
	node_unit_begin(n, UNIT_REPLY);
}
