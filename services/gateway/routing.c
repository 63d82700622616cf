/* What the gateway owes the ACD, and what it asks of the CRM. Each contact has a list of operations that leave in order, one at a time, and
 * stay until the ACD has taken or refused them: a dead ACD loses nothing but time. When another ACD process answers (its boot differs), it is
 * told the whole truth once: who waits, who rings, who talks. */
#include <string.h>

#include <utlist.h>

#include "gateway.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#define OP_TRIES 3600            /* of a goodbye: one hour */
#define ENQUEUE_REFUSALS 60      /* a queue that refuses for a minute will not have it: the caller is not left in music for ever */
#define OWED_MAX 20000           /* calls that are over but whose goodbye the ACD has not taken; beyond, it is dropped */
#define CALL_MS 3000

enum op_kind { OP_ENQUEUE, OP_OFFER_END, OP_LEAVE, OP_END };
struct gw_op {
	struct gw_op *prev, *next;
	struct routing *r;
	struct gw_call *c;               /* NULL: forgotten while on its way */
	enum op_kind kind;
	int tries;
	char reservation[YC_ID_LEN], agent[YC_ID_LEN], reason[32];
	int64_t version;
	int outcome;
};

struct routing {
	struct gw_self *g;
	char boot[64];                   /* of the ACD that has our contacts */
	int told;                        /* it knows the truth */
	int telling;                     /* a Resync is on its way */
	int probing;                     /* so is the question which ACD it is */
	int owed;                        /* closed calls with operations left, as of this second */
	struct asked { struct asked *prev, *next; struct routing *r; char call_id[YC_ID_LEN]; } *asked;  /* CRM questions */
	struct gw_op *flying;            /* forgotten operations still on their way */
};

enum yc_code gw_routing_open(struct routing **out, struct gw_self *g, struct yc_err *e)
{
	*out = yc_xcalloc(1, sizeof(**out));
	(*out)->g = g;
	return YC_OK;
}

void gw_routing_close(struct routing **r)
{
	struct asked *a, *next;
	struct gw_op *o, *o2;

	if (!*r)
		return;
	DL_FOREACH_SAFE((*r)->asked, a, next)
		yc_xfree(a);
	DL_FOREACH_SAFE((*r)->flying, o, o2)
		yc_xfree(o);
	yc_xfree(*r);
	*r = NULL;
}

static void to_acd(struct routing *r, const char *method, const void *in, yc_reply_fn *fn, void *arg)
{
	struct yc_call call = { .service = "acd", .api = &pb__acd__descriptor, .method = method, .in = in, .timeout_ms = CALL_MS, .fn = fn, .arg = arg };

	if (r->g->stopping)
		call.fn = NULL; /* nobody will be there for the answer */
	yc_node_call(r->g->node, &call);
}

static void item_of(struct gw_self *g, const struct gw_call *c, Pb__WorkItem *out)
{
	pb__work_item__init(out);
	out->id = (char *)c->item_id;
	out->contact_id = (char *)c->contact_id;
	out->matter_id = (char *)c->matter_id;
	out->call_id = (char *)c->id;
	out->channel = "voice";
	out->queue = (char *)c->queue;
	out->priority = c->priority;
	out->arrived_at = c->queued_at;
	out->gateway = (char *)yc_node_instance(g->node);
	out->caller = (char *)c->from;
	out->customer_id = (char *)c->customer_id;
}

/* --- the CRM: who calls. Never waited for. --- */

static void on_resolved(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;
	const Pb__Customer *who = msg;
	struct gw_call *c = gw_book_find(a->r->g, a->call_id);

	if (code == YC_OK && c)
		yc_copy(c->customer_id, sizeof(c->customer_id), who->id);
	DL_DELETE(a->r->asked, a);
	yc_xfree(a);
}

void gw_routing_resolve(struct routing *r, struct gw_call *c)
{
	Pb__ResolveReq in = PB__RESOLVE_REQ__INIT;
	struct yc_call call = { .service = "crm", .api = &pb__crm__descriptor, .method = "Resolve", .in = &in, .timeout_ms = 2000, .fn = on_resolved };
	struct asked *a;

	if (!c->from[0] || r->g->stopping)
		return;
	a = yc_xcalloc(1, sizeof(*a));
	a->r = r;
	yc_copy(a->call_id, sizeof(a->call_id), c->id);
	DL_APPEND(r->asked, a);
	in.phone = c->from;
	call.arg = a;
	call.shard_key = c->from;
	yc_node_call(r->g->node, &call);
}

/* --- operations --- */

static void send_first(struct routing *r, struct gw_call *c);

static void op_done(struct routing *r, struct gw_call *c)
{
	struct gw_op *op = c->ops;

	DL_DELETE(c->ops, op);
	yc_xfree(op);
	if (c->ops) {
		send_first(r, c);
		return;
	}
	gw_book_release(r->g, c);
}

static int is_final(enum yc_code code)
{
	return !yc_code_is_retryable(code) && code != YC_INTERNAL;
}

static void refuse_caller(struct routing *r, struct gw_call *c, const struct yc_err *e)
{
	struct gw_msg *m = gw_msg_new(GW_DOWN_HANGUP, c->id, 32);

	yc_error("call %s: queue %s refuses it (%s): hanging up", c->id, c->queue, e ? e->msg : "");
	m->u.hangup.reason = gw_text(m, "queue_refused");
	gw_down(r->g, &m);
}

/* The queue said no. The caller hears music meanwhile, and it may be a matter of moments (full, or being configured). */
static void on_refused(struct routing *r, struct gw_call *c, const struct yc_err *e)
{
	struct gw_op *op = c->ops;

	if (op->tries == 1)
		yc_warn("queue %s does not take call %s: %s", c->queue, c->id, e ? e->msg : "");
	if (op->tries < ENQUEUE_REFUSALS && !c->ended)
		return;
	if (!c->ended)
		refuse_caller(r, c, e);
	op_done(r, c);
}

static void learn_boot(struct routing *r, const char *boot)
{
	if (yc_is_empty(boot) || !strcmp(r->boot, boot))
		return;
	yc_copy(r->boot, sizeof(r->boot), boot);
	r->told = 0;
}

static void tell_truth(struct routing *r);

static void on_answer(struct gw_op *op, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct routing *r = op->r;
	struct gw_call *c = op->c;

	c->op_out = 0;
	if (op->kind == OP_ENQUEUE && code == YC_OK)
		learn_boot(r, ((const Pb__EnqueueReply *)msg)->boot);
	if (code == YC_OK) {
		op_done(r, c);
	} else if (op->kind == OP_ENQUEUE && (is_final(code) || code == YC_EXHAUSTED)) {
		on_refused(r, c, e);
	} else if (is_final(code)) {
		/* an acceptance that the ACD does not know of: the talk is real, so the ACD must hear how things stand */
		if (op->kind == OP_OFFER_END && op->outcome == PB__OFFER_OUTCOME__OFFER_OUTCOME_ACCEPTED)
			r->told = 0;
		op_done(r, c);
	} else if (op->tries >= OP_TRIES) {
		yc_error("call %s: the ACD was not reached in %d tries", c->id, op->tries);
		op_done(r, c);
	}
	/* else: again in the next second */
	if (!r->told)
		tell_truth(r);
}

static void on_op_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct gw_op *op = arg;

	if (op->c) {
		on_answer(op, code, msg, e);
		return;
	}
	DL_DELETE(op->r->flying, op);
	yc_xfree(op);
}

static void send_offer_end(struct routing *r, struct gw_call *c, struct gw_op *op)
{
	Pb__OfferResult in = PB__OFFER_RESULT__INIT;

	in.reservation_id = op->reservation;
	in.item_id = c->item_id;
	in.agent_id = op->agent;
	in.version = op->version;
	in.outcome = op->outcome;
	in.reason = op->reason;
	to_acd(r, "OfferEnd", &in, on_op_reply, op);
}

static void send_end(struct routing *r, struct gw_call *c, struct gw_op *op)
{
	Pb__ContactEnded in = PB__CONTACT_ENDED__INIT;

	in.item_id = c->item_id;
	in.reservation_id = c->reservation_id;
	in.agent_id = c->agent_id;
	in.reason = c->reason;
	in.talk_ms = c->talk_ms;
	in.by = c->by;
	in.at = c->ended_at;
	to_acd(r, "End", &in, on_op_reply, op);
}

static void send_first(struct routing *r, struct gw_call *c)
{
	struct gw_op *op = c->ops;
	Pb__WorkItem item;
	Pb__ItemReq leave = PB__ITEM_REQ__INIT;

	if (!op || c->op_out)
		return;
	c->op_out = !r->g->stopping;
	if (op->tries++)
		yc_metric_add(&gw_metrics[GWM_ACD_RETRIES], 1);
	switch (op->kind) {
	case OP_ENQUEUE:
		item_of(r->g, c, &item);
		to_acd(r, "Enqueue", &item, on_op_reply, op);
		break;
	case OP_OFFER_END:
		send_offer_end(r, c, op);
		break;
	case OP_LEAVE:
		leave.id = c->item_id;
		leave.reason = c->reason;
		to_acd(r, "Leave", &leave, on_op_reply, op);
		break;
	case OP_END:
		send_end(r, c, op);
		break;
	}
}

static struct gw_op *op_add(struct routing *r, struct gw_call *c, enum op_kind kind)
{
	struct gw_op *op = yc_xcalloc(1, sizeof(*op));

	op->r = r;
	op->c = c;
	op->kind = kind;
	DL_APPEND(c->ops, op);
	return op;
}

void gw_routing_enqueue(struct routing *r, struct gw_call *c)
{
	op_add(r, c, OP_ENQUEUE);
	send_first(r, c);
}

void gw_routing_offer_end(struct routing *r, struct gw_call *c, const char *reservation, int64_t version, const char *agent, int outcome,
			  const char *reason)
{
	struct gw_op *op = op_add(r, c, OP_OFFER_END);

	yc_copy(op->reservation, sizeof(op->reservation), reservation);
	yc_copy(op->agent, sizeof(op->agent), agent);
	yc_copy(op->reason, sizeof(op->reason), reason);
	op->version = version;
	op->outcome = outcome;
	send_first(r, c);
}

void gw_routing_leave(struct routing *r, struct gw_call *c)
{
	struct gw_op *op = c->ops;

	/* he is no longer to be announced; but an earlier try may have got through, so his leaving is */
	if (op && op->kind == OP_ENQUEUE && !c->op_out) {
		DL_DELETE(c->ops, op);
		yc_xfree(op);
	}
	op_add(r, c, OP_LEAVE);
	send_first(r, c);
}

void gw_routing_end(struct routing *r, struct gw_call *c)
{
	op_add(r, c, OP_END);
	send_first(r, c);
}

void gw_routing_drop(struct routing *r, struct gw_call *c)
{
	struct gw_op *op, *next;

	DL_FOREACH_SAFE(c->ops, op, next) {
		DL_DELETE(c->ops, op);
		if (c->op_out) {         /* only the first is on its way */
			c->op_out = 0;
			op->c = NULL;
			DL_APPEND(r->flying, op);
			continue;
		}
		yc_xfree(op);
	}
}

/* --- the whole truth --- */

static int is_live(const struct gw_call *c)
{
	return !c->ended && c->item_id[0];
}

static void contact_of(struct routing *r, const struct gw_call *c, Pb__LiveContact *out, Pb__WorkItem *item)
{
	item_of(r->g, c, item);
	pb__live_contact__init(out);
	out->item = item;
	out->reservation_id = (char *)c->reservation_id;
	out->agent_id = (char *)c->agent_id;
	out->bridged = c->bridged_at != 0;
	out->since_at = c->bridged_at ? c->bridged_at : c->queued_at;
}

static void on_told(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct routing *r = arg;
	const Pb__ResyncReply *reply = msg;
	struct gw_call *c, *next;

	r->telling = 0;
	if (code) {
		if (is_final(code))
			yc_error("the ACD does not take our resync: %s", e ? e->msg : "");
		r->told = 0;    /* again in the next second */
		return;
	}
	if (!yc_is_empty(reply->boot) && strcmp(reply->boot, r->boot)) {
		learn_boot(r, reply->boot);
		r->told = 1;    /* this very ACD has just been told */
	}
	for (size_t i = 0; i < reply->n_unknown_agents; i++)
		yc_warn("the ACD does not know agent %s, who talks here", reply->unknown_agents[i]);
	/* who waits was in the list: announcing him once more would be idle */
	HASH_ITER(hh, r->g->calls, c, next)
		if (c->ops && c->ops->kind == OP_ENQUEUE && !c->op_out && c->ops->tries && !c->ended)
			op_done(r, c);
}

static void tell_truth(struct routing *r)
{
	Pb__ResyncReq in = PB__RESYNC_REQ__INIT;
	unsigned n = HASH_COUNT(r->g->calls);
	Pb__LiveContact *contacts, **list;
	Pb__WorkItem *items;
	struct gw_call *c, *next;

	if (r->telling)
		return;
	contacts = yc_xcalloc(n + 1, sizeof(*contacts));
	list = yc_xcalloc(n + 1, sizeof(*list));
	items = yc_xcalloc(n + 1, sizeof(*items));
	in.contacts = list;
	HASH_ITER(hh, r->g->calls, c, next)
		if (is_live(c)) {
			contact_of(r, c, &contacts[in.n_contacts], &items[in.n_contacts]);
			list[in.n_contacts] = &contacts[in.n_contacts];
			in.n_contacts++;
		}
	in.gateway = (char *)yc_node_instance(r->g->node);
	r->telling = 1;
	r->told = 1;    /* unless somebody learns of yet another ACD before the answer */
	yc_metric_add(&gw_metrics[GWM_RESYNCS], 1);
	to_acd(r, "Resync", &in, on_told, r);
	yc_xfree(contacts);
	yc_xfree(list);
	yc_xfree(items);
}

/* Which ACD is it now? Asked once a second: cheaper than following all its events for the one that says it has started, and a starting
 * ACD waits two seconds for its gateways. */
static void on_live(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct routing *r = arg;

	r->probing = 0;
	if (code)
		return;
	learn_boot(r, ((const Pb__QueuesLive *)msg)->boot);
	if (!r->told)
		tell_truth(r);
}

static void probe(struct routing *r)
{
	Pb__Empty in = PB__EMPTY__INIT;
	if (r->probing || r->g->stopping)
		return;
	r->probing = 1;
	to_acd(r, "Live", &in, on_live, r);
}

/* --- once a second --- */

static void drop_overdue(struct routing *r, struct gw_call *c)
{
	if (!c->closed || ++r->owed <= OWED_MAX || c->op_out)
		return;
	yc_error("call %s: too many goodbyes wait for the ACD, this one is dropped", c->id);
	gw_routing_drop(r, c);
	gw_book_release(r->g, c);
}

void gw_routing_second(struct routing *r)
{
	struct gw_call *c, *next;

	r->owed = 0;
	HASH_ITER(hh, r->g->calls, c, next) {
		if (!c->ops)
			continue;
		send_first(r, c);
		drop_overdue(r, c);
	}
	probe(r);
}
