/* Steps of orders: raised, held by one department after the other (waiting until somebody takes it, working from then on), answered, closed. */
#include "rule_trace_impl.h"

#include <stdio.h>
#include <string.h>

#include "yc/text.h"

static struct trace_order *order_of(struct trace *t, const char *id)
{
	struct trace_order *o;

	for (o = t->orders; o; o = o->next)
		if (!strcmp(o->id, id))
			return o;
	o = yc_alloc(t->a, sizeof(*o));
	if (!o) {
		t->is_full = 1;
		return NULL;
	}
	o->id = id;
	o->last_actor = "";
	o->next = t->orders;
	t->orders = o;
	return o;
}

static const char *step_name(struct trace *t, const Pb__Order *o, const char *step, int english)
{
	const char *key = yc_sprintf(t->a, "%s/%d/%s", o->process, o->process_version, step);
	const char *name = key ? trace_name(t, "step", key, english) : "";

	return *name ? name : step;
}

static const char *org_name(struct trace *t, const char *code)
{
	const char *name = trace_name(t, "org", code, 0);

	return *name ? name : code;
}

/* From here on the order is in the hands that it names. */
static void begin(struct trace *t, const struct report_ev *ev, struct trace_order *r)
{
	const Pb__Order *o = ev->order->order;

	r->taken_at = 0;
	r->is_held = !yc_is_empty(o->handler_id);
	r->open = trace_step(t, ev, "step", step_name(t, o, o->step, 0), step_name(t, o, o->step, 1));
	if (!r->open)
		return;
	r->open->actor = o->handler_id;
	r->open->actor_name = *o->handler_name ? o->handler_name : (char *)org_name(t, o->handler_org);
	r->open->allowed_ms = o->step_due_at > ev->at ? o->step_due_at - ev->at : 0;
	r->open->detail = (char *)org_name(t, o->handler_org);
}

/* Waiting until it was taken, working since. Nobody took it: working all the time if it was a person's from the start, or if the one who did
 * it is the one who had it in hand just before; else it waited all the time. */
static void spend(struct trace *t, struct trace_order *r, int64_t until, const char *who)
{
	Pb__MatterStep *s = r->open;

	if (r->taken_at) {
		trace_spend(t, s, s->at, r->taken_at, 0);
		trace_spend(t, s, r->taken_at, until, 1);
	} else {
		trace_spend(t, s, s->at, until, r->is_held || (*who && !strcmp(who, r->last_actor)));
	}
}

/* "昆明投递部：邮件已妥投" */
static const char *told(struct trace *t, const char *org, const char *text)
{
	return yc_sprintf(t->a, "%s%s%s", org, *org && *text ? "：" : "", text);
}

static void finish(struct trace *t, const struct report_ev *ev, struct trace_order *r, const char *kind, const char *title, const char *title_en)
{
	const Pb__Entry *en = ev->order->entry;
	Pb__MatterStep *s = r->open;

	if (!s)
		return;
	s->kind = (char *)kind;
	s->title = (char *)(title ? title : s->title);
	s->title_en = (char *)(title_en ? title_en : s->title_en);
	s->until_at = ev->at > s->at ? ev->at : s->at;
	spend(t, r, s->until_at, en->actor_id);
	if (*en->actor_id) {
		s->actor = en->actor_id;
		s->actor_name = *en->actor_name ? en->actor_name : (char *)trace_name(t, "person", en->actor_id, 0);
	}
	s->detail = (char *)told(t, s->detail, en->text);
	r->last_actor = en->actor_id;
	r->open = NULL;
}

static void created(struct trace *t, const struct report_ev *ev, struct trace_order *r)
{
	const Pb__Order *o = ev->order->order;
	Pb__MatterStep *s = trace_point(t, ev, "order", "建立工单", "Work order raised");

	if (s)
		s->detail = yc_sprintf(t->a, "%s %s", o->number, o->subject);
	r->last_actor = ev->actor;
	begin(t, ev, r);
}

static void moved(struct trace *t, const struct report_ev *ev, struct trace_order *r)
{
	Pb__MatterStep *s = r->open;

	if (s && !strcmp(ev->order->entry->outcome, "return"))
		finish(t, ev, r, "step", yc_sprintf(t->a, "%s（退回）", s->title), yc_sprintf(t->a, "%s (returned)", s->title_en));
	else
		finish(t, ev, r, "step", NULL, NULL);
	begin(t, ev, r);
}

static void answered(struct trace *t, const struct report_ev *ev, struct trace_order *r)
{
	if (!r->open)
		begin(t, ev, r);
	finish(t, ev, r, "answer", "答复客户", "Answer to the customer");
	if (ev->order->order->state == PB__ORDER_STATE__ORDER_STATE_OPEN)
		begin(t, ev, r);                 /* he was not satisfied: it goes on */
}

static void closed(struct trace *t, const struct report_ev *ev, struct trace_order *r)
{
	Pb__MatterStep *s;

	if (r->open)
		finish(t, ev, r, "step", NULL, NULL);
	s = trace_point(t, ev, "close", "办结", "Closed");
	if (s)
		s->detail = ev->order->entry->text;
}

static void remark(struct trace *t, const struct report_ev *ev, const char *kind, const char *title, const char *title_en)
{
	Pb__MatterStep *s = trace_point(t, ev, kind, title, title_en);

	if (s)
		s->detail = ev->order->entry->text;
}

void trace_order(struct trace *t, const struct report_ev *ev)
{
	const char *type = ev->extra;
	struct trace_order *r;

	if (!ev->order || !ev->order->order || !ev->order->entry || !(r = order_of(t, ev->object)))
		return;
	trace_note(t, &t->out->orders, &t->out->n_orders, ev->object);
	trace_note(t, &t->out->order_numbers, &t->out->n_order_numbers, ev->order->order->number);
	if (!*t->out->customer_phone)
		t->out->customer_phone = ev->order->order->customer_phone;
	if (!strcmp(type, "order.created")) {
		created(t, ev, r);
	} else if (!strcmp(type, "order.taken")) {
		r->taken_at = ev->at;
		if (r->open) {
			r->open->actor = (char *)ev->actor;
			r->open->actor_name = ev->order->entry->actor_name;
		}
	} else if (!strcmp(type, "order.step")) {
		moved(t, ev, r);
	} else if (!strcmp(type, "order.answered")) {
		answered(t, ev, r);
	} else if (!strcmp(type, "order.closed")) {
		closed(t, ev, r);
	} else if (!strcmp(type, "order.handed_over")) {
		remark(t, ev, "hand_over", "移交首问责任", "First-asked duty handed over");
	} else if (!strcmp(type, "order.due")) {
		remark(t, ev, "due", "时限调整", "Due date moved");
	} else {
		remark(t, ev, "note", "记录", "Note");
	}
}

void trace_orders_open(struct trace *t)
{
	struct trace_order *r;

	for (r = t->orders; r; r = r->next)
		if (r->open)
			spend(t, r, t->now, "");
}
