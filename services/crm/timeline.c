/* The timeline: what happened with a customer, projected from the events of those who know. */
#include "crm.h"

#include <stdio.h>
#include <string.h>

#include "yc/text.h"

/* A call is one line: begun by call.started, completed by call.ended (or made by it, when the beginning is not known). */
static enum yc_code put_call(struct crm *c, const char *customer_id, const Pb__Call *call, int64_t at, const char *matter, int64_t talk_ms,
			     const char *outcome, struct yc_err *e)
{
	Pb__TimelineItem it = PB__TIMELINE_ITEM__INIT;
	char id[YC_ID_LEN], to[64], title[96];

	snprintf(title, sizeof(title), "来电 %s", yc_copy(to, sizeof(to), call->to));
	it.id = crm_item_id(call->id, id);
	it.at = call->started_at ? call->started_at : at;
	it.kind = "call";
	it.channel = "voice";
	it.contact_id = call->contact_id;
	it.matter_id = (char *)matter;
	it.title = title;
	it.object_id = call->id;
	it.agent_id = call->agent_id;
	it.duration_ms = talk_ms;
	it.outcome = (char *)outcome;
	return crm_store_item_put(c, customer_id, &it, e);
}

enum yc_code crm_on_call_started(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__CallStarted *in = msg;
	struct crm *c = yc_node_self(n);
	char id[YC_ID_LEN];
	enum yc_code rc;
	int made;

	if (!in->call)
		return yc_fail(e, YC_INVALID, "call", "an event without its call");
	rc = crm_find_or_make(c, in->call->from, "", "", id, &made, e);
	if (rc || !*id)
		return rc;
	rc = put_call(c, id, in->call, ev->at, ev->matter_id, 0, "", e);
	return rc ? rc : crm_store_contact(c, id, ev->at, e);
}

enum yc_code crm_on_call_ended(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__CallEnded *in = msg;
	struct crm *c = yc_node_self(n);
	char id[YC_ID_LEN];
	enum yc_code rc;
	int made;

	if (!in->call)
		return yc_fail(e, YC_INVALID, "call", "an event without its call");
	rc = crm_find_or_make(c, in->call->from, "", "", id, &made, e);
	if (rc || !*id)
		return rc;
	return put_call(c, id, in->call, ev->at, ev->matter_id, in->talk_ms, crm_outcome(in), e);
}

/* The order's customer, else whoever has its number. */
static enum yc_code customer_of(struct crm *c, const Pb__Order *o, char id[YC_ID_LEN], struct yc_err *e)
{
	int made;

	if (!*o->customer_id)
		return crm_find_or_make(c, o->customer_phone, o->customer_name, "", id, &made, e);
	yc_copy(id, YC_ID_LEN, o->customer_id);
	return YC_OK;
}

enum yc_code crm_on_order(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__OrderChanged *in = msg;
	struct crm *c = yc_node_self(n);
	Pb__TimelineItem it = PB__TIMELINE_ITEM__INIT;
	char customer[YC_ID_LEN], id[YC_ID_LEN], title[400];
	enum yc_code rc;

	if (!in->order)
		return yc_fail(e, YC_INVALID, "order", "an event without its order");
	rc = customer_of(c, in->order, customer, e);
	if (rc || !*customer)
		return rc;
	snprintf(title, sizeof(title), "%s %s", in->order->number, in->order->subject);
	yc_utf8_cut(title, 80);
	it.id = crm_item_id(ev->id, id);
	it.at = ev->at;
	it.kind = ev->type;
	it.channel = in->entry ? in->entry->channel : "";
	it.contact_id = in->order->contact_id;
	it.matter_id = in->order->matter_id;
	it.title = title;
	it.object_id = in->order->id;
	it.agent_id = in->entry ? in->entry->actor_id : "";
	it.outcome = in->entry ? in->entry->outcome : "";
	return crm_store_item_put(c, customer, &it, e);
}

enum yc_code crm_on_timeline(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__TimelineReq *in = vin;
	Pb__Customer *cu = yc_pb_new(yc_req_arena(rq), &pb__customer__descriptor);
	enum yc_code rc;

	if (!cu)
		return yc_fail(e, YC_TOO_LARGE, NULL, "too much for one reply");
	rc = crm_store_get(yc_req_self(rq), yc_req_arena(rq), in->id, cu, e);
	return rc ? rc : crm_store_items(yc_req_self(rq), yc_req_arena(rq), in, out, e);
}
