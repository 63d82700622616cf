/* Events become facts: one short row for the trace, and a row or a counter where a figure needs it. */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "yc/phone.h"
#include "yc/text.h"

static struct report_row row_of(const Pb__Event *ev, enum report_type type)
{
	return (struct report_row){ .matter = ev->matter_id, .doc = "", .ev = { .type = type, .at = ev->at, .id = ev->id, .source = ev->source,
		.contact = "", .object = ev->key, .actor = "", .actor_name = "", .detail = "", .extra = "" } };
}

/* Only what belongs to a matter has a trace. */
static enum yc_code keep(struct report *r, const struct report_row *row, struct yc_err *e)
{
	return *row->matter ? report_store_event(r, row, e) : YC_OK;
}

static enum yc_code incomplete(struct yc_err *e, const char *what)
{
	return yc_fail(e, YC_INVALID, what, "an event without its %s", what);
}

/* --- calls ---------------------------------------------------------------------------------------------------------------------------- */

enum yc_code report_on_call_started(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__CallStarted *in = msg;
	struct report_row row = row_of(ev, REPORT_CALL_STARTED);
	struct report *r = yc_node_self(n);
	char title[96], to[64], phone[YC_PHONE_LEN];
	enum yc_code rc;

	if (!in->call)
		return incomplete(e, "call");
	row.ev.at = in->call->started_at ? in->call->started_at : ev->at;
	row.ev.contact = in->call->contact_id;
	row.ev.detail = in->call->to;
	row.ev.extra = in->call->from;
	snprintf(title, sizeof(title), "来电 %s", yc_copy(to, sizeof(to), in->call->to));
	if (yc_phone_normalize(in->call->from, yc_node_conf(n)->area, phone) == YC_PHONE_NONE)
		phone[0] = 0;
	rc = keep(r, &row, e);
	if (!rc && *ev->matter_id)
		rc = report_store_matter_call(r, ev->matter_id, row.ev.at, phone, title, e);
	return rc ? rc : report_store_total(r, "calls", e);
}

enum yc_code report_on_call_menu(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__CallMenu *in = msg;
	struct report_row row = row_of(ev, REPORT_MENU);
	char input[40], label[200], detail[256];

	if (strcmp(in->kind, "menu") && strcmp(in->kind, "play"))
		return YC_OK;
	snprintf(detail, sizeof(detail), "%s%s%s", yc_copy(input, sizeof(input), in->input), *in->input && *in->label ? " " : "",
		 yc_copy(label, sizeof(label), in->label));
	row.ev.detail = detail;
	row.ev.extra = in->kind;
	return keep(yc_node_self(n), &row, e);
}

enum yc_code report_on_call_ended(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__CallEnded *in = msg;
	struct report_row row = row_of(ev, REPORT_CALL_ENDED);
	struct report *r = yc_node_self(n);
	enum yc_code rc;

	if (!in->call)
		return incomplete(e, "call");
	row.ev.contact = in->call->contact_id;
	row.ev.detail = in->reason;
	row.ev.extra = in->by;
	row.ev.n = in->talk_ms;
	rc = keep(r, &row, e);
	if (!rc && *ev->matter_id)
		rc = report_store_matter_ended(r, ev->matter_id, ev->at, in->call->customer_id, e);
	return rc ? rc : report_store_call(r, in, ev->matter_id, ev->at, e);
}

enum yc_code report_on_recording(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__RecordingReady *in = msg;
	struct report_row row = row_of(ev, REPORT_RECORDING);
	enum yc_code rc;

	row.ev.contact = in->contact_id;
	row.ev.object = in->blob_id;
	row.ev.actor = in->agent_id;
	row.ev.n = in->duration_ms;
	rc = keep(yc_node_self(n), &row, e);
	return rc ? rc : report_store_total(yc_node_self(n), "recordings", e);
}

/* --- items ---------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code count_item(struct report *r, const Pb__WorkItem *i, const char *matter, enum report_type type, struct yc_err *e)
{
	int is_new = 0;
	enum yc_code rc = YC_OK;

	switch (type) {
	case REPORT_QUEUED:
		rc = report_store_item_new(r, i, matter, &is_new, e);
		return rc || !is_new ? rc : report_store_total(r, "items", e);
	case REPORT_ACCEPTED:
		rc = report_store_item_accepted(r, i, &is_new, e);
		return rc || !is_new ? rc : report_store_total(r, "answered", e);
	case REPORT_ITEM_ENDED:
		rc = report_store_item_ended(r, i, &is_new, e);
		if (!rc && is_new && i->state == PB__ITEM_STATE__ITEM_STATE_ABANDONED)
			rc = report_store_total(r, "abandoned", e);
		return rc;
	default:
		return rc;
	}
}

static int64_t time_of(const Pb__WorkItem *i, enum report_type type, int64_t told_at)
{
	int64_t at = type == REPORT_QUEUED ? i->arrived_at : type == REPORT_ACCEPTED ? i->accepted_at : type == REPORT_ITEM_ENDED ? i->ended_at : 0;

	return at ? at : told_at;
}

enum yc_code report_on_item(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	static const struct { const char *type; enum report_type as; } types[] = {
		{ "item.queued", REPORT_QUEUED }, { "item.offered", REPORT_OFFERED }, { "item.offer_ended", REPORT_OFFER_ENDED },
		{ "item.accepted", REPORT_ACCEPTED }, { "item.ended", REPORT_ITEM_ENDED },
	};
	const Pb__WorkItem *i = msg;
	enum report_type type = REPORT_QUEUED;
	struct report_row row;
	enum yc_code rc;

	for (size_t k = 0; k < sizeof(types) / sizeof(*types); k++)
		if (!strcmp(ev->type, types[k].type))
			type = types[k].as;
	row = row_of(ev, type);
	row.ev.at = time_of(i, type, ev->at);
	row.ev.contact = i->contact_id;
	row.ev.object = i->id;
	row.ev.actor = type == REPORT_QUEUED ? "" : i->agent_id;
	row.ev.detail = type == REPORT_QUEUED ? i->queue : i->reason;
	row.ev.n = (int64_t)i->state;
	rc = keep(yc_node_self(n), &row, e);
	return rc ? rc : count_item(yc_node_self(n), i, ev->matter_id, type, e);
}

/* --- agents --------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code wrap_begin(struct report *r, const Pb__Event *ev, const Pb__Agent *a, struct yc_err *e)
{
	struct report_row row = row_of(ev, REPORT_WRAP_BEGIN);
	struct report_wrap w;
	enum yc_code rc;

	yc_copy(w.matter, sizeof(w.matter), ev->matter_id);
	yc_copy(w.contact, sizeof(w.contact), a->contact_id);
	yc_copy(w.item, sizeof(w.item), a->item_id);
	row.ev.contact = a->contact_id;
	row.ev.object = a->item_id;
	row.ev.actor = a->person_id;
	row.ev.actor_name = a->name;
	rc = keep(r, &row, e);
	return rc ? rc : report_store_wrap_put(r, a->person_id, &w, e);
}

/* The agent is free of it, so the event no longer says of what. */
static enum yc_code wrap_end(struct report *r, const Pb__Event *ev, const Pb__AgentChanged *in, struct yc_err *e)
{
	struct report_row row = row_of(ev, REPORT_WRAP_END);
	struct report_wrap w;
	enum yc_code rc = report_store_wrap_get(r, in->agent->person_id, &w, e);

	if (rc)
		return rc;
	row.matter = w.matter;
	row.ev.contact = w.contact;
	row.ev.object = w.item;
	row.ev.actor = in->agent->person_id;
	row.ev.actor_name = in->agent->name;
	row.ev.detail = in->disposition;
	return keep(r, &row, e);
}

/* Disposition and note come while the agent is still with it, in an event that changes nothing else. */
static enum yc_code said(struct report *r, const Pb__Event *ev, const Pb__AgentChanged *in, struct yc_err *e)
{
	struct report_row row = row_of(ev, REPORT_SAID);
	char what[64], note[400], text[512];

	snprintf(text, sizeof(text), "%s%s%s", yc_copy(what, sizeof(what), in->disposition), *in->disposition && *in->note ? "：" : "",
		 yc_copy(note, sizeof(note), in->note));
	row.ev.contact = in->agent->contact_id;
	row.ev.object = in->agent->item_id;
	row.ev.actor = in->agent->person_id;
	row.ev.actor_name = in->agent->name;
	row.ev.detail = text;
	return keep(r, &row, e);
}

enum yc_code report_on_agent(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__AgentChanged *in = msg;
	Pb__AgentStatus wrap = PB__AGENT_STATUS__AGENT_STATUS_WRAP_UP;

	if (!in->agent)
		return incomplete(e, "agent");
	if (in->agent->status == wrap && in->was != wrap)
		return wrap_begin(yc_node_self(n), ev, in->agent, e);
	if (in->was == wrap && in->agent->status != wrap)
		return wrap_end(yc_node_self(n), ev, in, e);
	if (*in->agent->item_id && (*in->disposition || *in->note))
		return said(yc_node_self(n), ev, in, e);
	return YC_OK;
}

/* --- orders --------------------------------------------------------------------------------------------------------------------------- */

/* What the trace needs of an order, without its long texts. */
static enum yc_code keep_order(struct report *r, const struct report_row *row, const Pb__OrderChanged *in, struct yc_err *e)
{
	Pb__OrderChanged m = PB__ORDER_CHANGED__INIT;
	Pb__Order o = *in->order;
	Pb__Entry en = *in->entry;
	struct report_row with = *row;
	char text[4 * REPORT_TEXT_MAX + 1];
	enum yc_code rc;
	uint8_t *doc;

	yc_copy(text, sizeof(text), en.text);
	yc_utf8_cut(text, REPORT_TEXT_MAX);
	o.body = (char *)"";
	en.text = text;
	m.order = &o;
	m.entry = &en;
	doc = yc_xcalloc(1, pb__order_changed__get_packed_size(&m) + 1);
	with.n_doc = pb__order_changed__pack(&m, doc);
	with.doc = doc;
	rc = keep(r, &with, e);
	yc_xfree(doc);
	return rc;
}

static enum yc_code count_order(struct report *r, const Pb__Event *ev, const Pb__Order *o, int64_t at, struct yc_err *e)
{
	char step[160];
	enum yc_code rc;

	if (!strcmp(ev->type, "order.closed"))
		return *ev->matter_id ? report_store_matter_closed(r, ev->matter_id, at, e) : YC_OK;
	if (strcmp(ev->type, "order.created"))
		return *ev->matter_id ? report_store_matter_held(r, o, ev->matter_id, e) : YC_OK;
	snprintf(step, sizeof(step), "%s/%d/%s", o->process, o->process_version, o->step);
	if (!report_name(r, "step", step, 0))
		report_copy(r, REPORT_COPY_STEPS);
	rc = *ev->matter_id ? report_store_matter_order(r, o, ev->matter_id, o->created_at ? o->created_at : at, e) : YC_OK;
	return rc ? rc : report_store_total(r, "orders", e);
}

enum yc_code report_on_order(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__OrderChanged *in = msg;
	struct report_row row = row_of(ev, REPORT_ORDER);
	enum yc_code rc;

	if (!in->order || !in->entry)
		return incomplete(e, "order");
	row.ev.at = in->entry->at ? in->entry->at : ev->at;
	row.ev.contact = in->order->contact_id;
	row.ev.object = in->order->id;
	row.ev.actor = in->entry->actor_id;
	row.ev.actor_name = in->entry->actor_name;
	row.ev.extra = ev->type;
	rc = keep_order(yc_node_self(n), &row, in, e);
	return rc ? rc : count_order(yc_node_self(n), ev, in->order, row.ev.at, e);
}
