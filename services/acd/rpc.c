/* RPCs of the gateways: items arrive, leave, are answered, end. And what every handler needs. */
#include <string.h>

#include "yc/arena.h"
#include "yc/log.h"
#include "yc/text.h"

#include "service.h"

/* --- not ours: the holder answers ---------------------------------------------------------------------------------------------- */
struct forward { struct yc_node *node; uint64_t ref; };

static void on_forwarded(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct forward f = *(struct forward *)arg;
	struct yc_req *rq = yc_req_find(f.node, f.ref);
	struct yc_err mine = { 0 };
	const ProtobufCMessage *m = msg;
	ProtobufCMessage *copy = NULL, *out;
	uint8_t *raw;
	size_t n;

	yc_xfree(arg);
	if (!rq)
		return;
	if (code != YC_OK) {
		yc_req_finish(rq, code, e);
		return;
	}
	out = yc_req_out(rq);
	n = protobuf_c_message_get_packed_size(m);
	raw = yc_alloc(yc_req_arena(rq), n + 1);
	if (raw) {
		protobuf_c_message_pack(m, raw);
		copy = protobuf_c_message_unpack(m->descriptor, yc_arena_pb(yc_req_arena(rq)), n, raw);
	}
	if (!copy) {
		yc_req_finish(rq, yc_fail(&mine, YC_TOO_LARGE, NULL, "the answer is too large"), &mine);
		return;
	}
	memcpy(out, copy, m->descriptor->sizeof_message);
	yc_req_finish(rq, YC_OK, NULL);
}

enum yc_code rpc_forward(struct yc_req *rq, const char *method, const void *in, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	char service[ACD_CODE + 8];
	struct forward *f;
	struct yc_call c = { .service = service, .api = &pb__acd__descriptor, .method = method, .in = in, .timeout_ms = 2000,
			     .request_id = yc_req_id(rq), .as = yc_req_who(rq), .traceparent = yc_req_trace(rq), .fn = on_forwarded };

	if (!*s->holder || !strcmp(s->holder, yc_node_instance(s->node)))
		return yc_fail(e, YC_UNAVAILABLE, NULL, "%s", pool_health(s));
	snprintf(service, sizeof(service), "acd@%s", s->holder);
	f = yc_xcalloc(1, sizeof(*f));
	*f = (struct forward){ s->node, yc_req_ref(rq) };
	c.arg = f;
	yc_req_hold(rq);
	yc_node_call(s->node, &c);
	return YC_PENDING;
}

/* --- items --------------------------------------------------------------------------------------------------------------------- */
static enum yc_code place_of(struct acd_service *s, struct yc_req *rq, const char *id, Pb__EnqueueReply *out, struct yc_err *e)
{
	struct acd_item *i = acd_item_find(&s->x, id);

	out->boot = yc_strdup(yc_req_arena(rq), s->x.boot);
	if (!out->boot)
		return yc_fail(e, YC_TOO_LARGE, NULL, "no room for the answer");
	if (!i) {
		out->state = (Pb__ItemState)acd_item_was(&s->x, id);
		return out->state != PB__ITEM_STATE__ITEM_STATE_NONE ? YC_OK : yc_fail(e, YC_NOT_FOUND, "id", "no such item");
	}
	out->state = i->state;
	out->position = acd_queue_position(&s->x, i, &out->estimate_ms);
	return YC_OK;
}

enum yc_code on_enqueue(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	const Pb__WorkItem *in = vin;
	enum yc_code c;

	SERVED(rq, "Enqueue", vin);
	c = acd_enqueue(&s->x, in, e);
	return c == YC_OK ? place_of(s, rq, in->id, vout, e) : c;
}

enum yc_code on_position(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ItemReq *in = vin;

	SERVED(rq, "Position", vin);
	return place_of(yc_req_self(rq), rq, in->id, vout, e);
}

enum yc_code on_leave(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	const Pb__ItemReq *in = vin;

	SERVED(rq, "Leave", vin);
	acd_leave(&s->x, in->id, in->reason);
	return YC_OK;
}

enum yc_code on_offer_end(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);

	SERVED(rq, "OfferEnd", vin);
	return acd_offer_end(&s->x, vin, e);
}

enum yc_code on_end(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);

	SERVED(rq, "End", vin);
	acd_end(&s->x, vin);
	return YC_OK;
}

enum yc_code on_resync(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	const Pb__ResyncReq *in = vin;
	Pb__ResyncReply *out = vout;

	SERVED(rq, "Resync", vin);
	if (yc_is_empty(in->gateway) || strlen(in->gateway) >= ACD_CODE)
		return yc_fail(e, YC_INVALID, "gateway", "which instance speaks?");
	out->boot = yc_strdup(a, s->x.boot);
	out->unknown_agents = yc_alloc(a, (in->n_contacts + 1) * sizeof(char *));
	if (!out->boot || !out->unknown_agents)
		return yc_fail(e, YC_TOO_LARGE, NULL, "no room for the answer");
	out->n_unknown_agents = acd_resync(&s->x, in, out->unknown_agents, in->n_contacts);
	yc_info("gateway %s told of %zu contacts", in->gateway, in->n_contacts);
	pool_resynced(s);
	return YC_OK;
}
