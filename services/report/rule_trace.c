/* Steps of contacts: ring, flow, queue, offers, talk, wrap-up, recording. */
#include "rule_trace_impl.h"

#include <stdio.h>
#include <string.h>

#include "yc/text.h"
#include "yc/v1/acd.pb-c.h"

#define SAID "已接听 / answered"

const char *trace_name(struct trace *t, const char *kind, const char *id, int english)
{
	const char *s = yc_is_empty(id) ? "" : t->known->name(t->known->arg, kind, id, english);

	return s ? s : "";
}

void trace_note(struct trace *t, char ***list, size_t *n, const char *text)
{
	char **more;

	if (yc_is_empty(text))
		return;
	for (size_t i = 0; i < *n; i++)
		if (!strcmp((*list)[i], text))
			return;
	more = yc_alloc(t->a, (*n + 1) * sizeof(char *));
	if (!more) {
		t->is_full = 1;
		return;
	}
	if (*n)
		memcpy(more, *list, *n * sizeof(char *));
	more[(*n)++] = (char *)text;
	*list = more;
}

Pb__MatterStep *trace_step(struct trace *t, const struct report_ev *ev, const char *kind, const char *title, const char *title_en)
{
	Pb__MatterStep *s = yc_pb_add(t->a, &pb__matter_step__descriptor, &t->out->steps, &t->out->n_steps);

	if (!s) {
		t->is_full = 1;
		return NULL;
	}
	s->at = ev->at;
	s->kind = (char *)kind;
	s->title = (char *)title;
	s->title_en = (char *)title_en;
	s->actor = (char *)ev->actor;
	s->actor_name = (char *)(*ev->actor_name ? ev->actor_name : trace_name(t, "person", ev->actor, 0));
	s->detail = (char *)"";
	s->object_id = (char *)ev->object;
	s->source = (char *)ev->source;
	s->event_id = (char *)ev->id;
	s->contact_id = (char *)ev->contact;
	return s;
}

Pb__MatterStep *trace_point(struct trace *t, const struct report_ev *ev, const char *kind, const char *title, const char *title_en)
{
	Pb__MatterStep *s = trace_step(t, ev, kind, title, title_en);

	if (s)
		s->until_at = s->at;
	return s;
}

void trace_spend(struct trace *t, Pb__MatterStep *s, int64_t from, int64_t to, int is_work)
{
	if (!s || to <= from)
		return;
	if (t->n_spans == t->cap_spans) {
		size_t cap = t->cap_spans ? t->cap_spans * 2 : 64;
		struct span *more = yc_alloc(t->a, cap * sizeof(*more));

		if (!more) {
			t->is_full = 1;
			return;
		}
		if (t->n_spans)
			memcpy(more, t->spans, t->n_spans * sizeof(*more));
		t->spans = more;
		t->cap_spans = cap;
	}
	t->spans[t->n_spans++] = (struct span){ from, to, is_work };
	if (is_work)
		s->working_ms += to - from;
	else
		s->waiting_ms += to - from;
}

void trace_close(struct trace *t, Pb__MatterStep **ps, int64_t at, int is_work)
{
	Pb__MatterStep *s = *ps;

	*ps = NULL;
	if (!s)
		return;
	s->until_at = at > s->at ? at : s->at;
	trace_spend(t, s, s->at, s->until_at, is_work);
}

/* --- calls ------------------------------------------------------------------------------------------------------------------------- */

static struct trace_call *call_of(struct trace *t, const char *id, const char *contact)
{
	struct trace_call *c;

	for (c = t->calls; c; c = c->next)
		if (!strcmp(c->id, id))
			return c;
	c = yc_alloc(t->a, sizeof(*c));
	if (!c) {
		t->is_full = 1;
		return NULL;
	}
	c->id = id;
	c->contact = contact;
	c->next = t->calls;
	t->calls = c;
	return c;
}

static void on_started(struct trace *t, const struct report_ev *ev)
{
	struct trace_call *c = call_of(t, ev->object, ev->contact);
	Pb__MatterStep *s = trace_point(t, ev, "ring", yc_sprintf(t->a, "来电 %s", ev->detail), yc_sprintf(t->a, "Call to %s", ev->detail));

	if (c)
		c->mark = ev->at;
	if (s)
		s->detail = (char *)ev->extra;
	if (!*t->out->customer_phone)
		t->out->customer_phone = (char *)ev->extra;
	trace_note(t, &t->out->calls, &t->out->n_calls, ev->object);
}

/* The event tells the end of a node; it began where the one before ended. */
static void on_menu(struct trace *t, const struct report_ev *ev)
{
	struct trace_call *c = call_of(t, ev->object, ev->contact);
	int is_menu = !strcmp(ev->extra, "menu");
	Pb__MatterStep *s;

	if (!c)
		return;
	s = trace_step(t, ev, is_menu ? "menu" : "greeting", is_menu ? "语音菜单" : "语音问候", is_menu ? "Menu" : "Greeting");
	if (s) {
		s->at = c->mark ? c->mark : ev->at;
		s->detail = (char *)(*ev->detail || !is_menu ? ev->detail : "未按键 / no key");
		trace_close(t, &s, ev->at, 1);
	}
	c->mark = ev->at;
}

static void on_recording(struct trace *t, const struct report_ev *ev)
{
	Pb__MatterStep *s = trace_point(t, ev, "recording", "录音", "Recording");

	if (s)
		s->detail = yc_sprintf(t->a, "%.1f s", (double)ev->n / 1000);
	trace_note(t, &t->out->recordings, &t->out->n_recordings, ev->object);
}

/* --- items ------------------------------------------------------------------------------------------------------------------------- */

static struct trace_item *item_of(struct trace *t, const struct report_ev *ev)
{
	struct trace_item *i;

	for (i = t->items; i; i = i->next)
		if (!strcmp(i->id, ev->object))
			return i;
	i = yc_alloc(t->a, sizeof(*i));
	if (!i) {
		t->is_full = 1;
		return NULL;
	}
	i->id = ev->object;
	i->contact = ev->contact;
	i->queue = i->said = "";
	i->next = t->items;
	t->items = i;
	return i;
}

static void queue_step(struct trace *t, const struct report_ev *ev, struct trace_item *i, const char *how, const char *how_en, int64_t at)
{
	const char *name = trace_name(t, "queue", i->queue, 0), *en = trace_name(t, "queue", i->queue, 1);

	i->wait = trace_step(t, ev, "queue", yc_sprintf(t->a, "%s：%s", how, *name ? name : i->queue),
			     yc_sprintf(t->a, "%s: %s", how_en, *en ? en : i->queue));
	if (!i->wait)
		return;
	i->wait->at = at;
	i->wait->actor = i->wait->actor_name = (char *)"";
	i->wait->allowed_ms = t->known->threshold(t->known->arg, i->queue);
}

/* An item that is queued again after an ACD's restart is the same wait. */
static void on_queued(struct trace *t, const struct report_ev *ev)
{
	struct trace_item *i = item_of(t, ev);
	struct trace_call *c;

	if (!i || *i->queue)
		return;
	i->queue = ev->detail;
	queue_step(t, ev, i, "排队", "In queue", ev->at);
	for (c = t->calls; c; c = c->next)
		if (!strcmp(c->contact, ev->contact))
			c->is_queued = 1;
}

/* The wait that a failed offer sent him back to, if it lasted at all. */
static void end_wait(struct trace *t, const struct report_ev *ev, struct trace_item *i)
{
	if (i->again_at && ev->at > i->again_at)
		queue_step(t, ev, i, "重新排队", "Back in the queue", i->again_at);
	i->again_at = 0;
	trace_close(t, &i->wait, ev->at, 0);
}

static void on_offered(struct trace *t, const struct report_ev *ev)
{
	struct trace_item *i = item_of(t, ev);

	if (!i || i->is_over)
		return;
	end_wait(t, ev, i);
	trace_close(t, &i->offer, ev->at, 0);
	i->offer = trace_step(t, ev, "offer", "座席振铃", "Agent's phone rings");
}

static void on_offer_ended(struct trace *t, const struct report_ev *ev)
{
	struct trace_item *i = item_of(t, ev);

	if (!i || !i->offer)
		return;
	i->offer->detail = yc_sprintf(t->a, "未接听 / not answered%s%s", *ev->detail ? ": " : "", ev->detail);
	trace_close(t, &i->offer, ev->at, 0);
	if (!i->is_over)
		i->again_at = ev->at;
}

static void on_accepted(struct trace *t, const struct report_ev *ev)
{
	struct trace_item *i = item_of(t, ev);

	if (!i || i->talk)
		return;
	end_wait(t, ev, i);
	if (i->offer)
		i->offer->detail = (char *)SAID;
	trace_close(t, &i->offer, ev->at, 0);
	i->talk = trace_step(t, ev, "talk", "通话", "Talk");
}

static void end_item(struct trace *t, const struct report_ev *ev, struct trace_item *i)
{
	end_wait(t, ev, i);
	trace_close(t, &i->offer, ev->at, 0);
	trace_close(t, &i->talk, ev->at, 1);
}

static void on_item_ended(struct trace *t, const struct report_ev *ev)
{
	struct trace_item *i = item_of(t, ev);
	Pb__MatterStep *s = NULL;

	if (!i || i->is_over)
		return;
	end_item(t, ev, i);
	i->is_over = 1;
	if (ev->n == PB__ITEM_STATE__ITEM_STATE_ABANDONED)
		s = trace_point(t, ev, "abandon", "客户放弃等待", "The customer gave up waiting");
	else if (ev->n == PB__ITEM_STATE__ITEM_STATE_OVERFLOWED)
		s = trace_point(t, ev, "overflow", "按规则转出", "Left the queue by a rule");
	if (s)
		s->detail = (char *)ev->detail;
}

static void on_wrap(struct trace *t, const struct report_ev *ev)
{
	struct trace_item *i = item_of(t, ev);

	if (!i)
		return;
	if (ev->type == REPORT_WRAP_BEGIN) {
		trace_close(t, &i->wrap, ev->at, 1);
		i->wrap = trace_step(t, ev, "wrap_up", "话后整理", "Wrap-up");
		if (i->wrap)
			i->wrap->detail = (char *)i->said;
		return;
	}
	if (i->wrap && *ev->detail)
		i->wrap->detail = (char *)ev->detail;
	trace_close(t, &i->wrap, ev->at, 1);
}

/* What the agent says the contact was about belongs to his wrap-up; without one, to the talk. */
static void on_said(struct trace *t, const struct report_ev *ev)
{
	struct trace_item *i = item_of(t, ev);
	Pb__MatterStep *s = !i ? NULL : i->wrap ? i->wrap : i->talk;

	if (i)
		i->said = ev->detail;
	if (s)
		s->detail = (char *)ev->detail;
}

/* The gateway's word is the last on everything of this contact. */
static void on_call_ended(struct trace *t, const struct report_ev *ev)
{
	struct trace_call *c = call_of(t, ev->object, ev->contact);
	struct trace_item *i;
	Pb__MatterStep *s;

	if (!c || c->is_ended)
		return;
	c->is_ended = 1;
	for (i = t->items; i; i = i->next)
		if (!strcmp(i->contact, ev->contact)) {
			end_item(t, ev, i);
			c->is_queued = 1;
		}
	if (c->is_queued)
		return;
	s = trace_point(t, ev, "hangup", "在语音流程中结束", "Ended in the voice flow");
	if (s)
		s->detail = yc_sprintf(t->a, "%s%s%s", ev->extra, *ev->extra && *ev->detail ? ": " : "", ev->detail);
}

/* --- all --------------------------------------------------------------------------------------------------------------------------- */

static void take(struct trace *t, const struct report_ev *ev)
{
	switch (ev->type) {
	case REPORT_CALL_STARTED: on_started(t, ev); break;
	case REPORT_MENU: on_menu(t, ev); break;
	case REPORT_QUEUED: on_queued(t, ev); break;
	case REPORT_OFFERED: on_offered(t, ev); break;
	case REPORT_OFFER_ENDED: on_offer_ended(t, ev); break;
	case REPORT_ACCEPTED: on_accepted(t, ev); break;
	case REPORT_ITEM_ENDED: on_item_ended(t, ev); break;
	case REPORT_CALL_ENDED: on_call_ended(t, ev); break;
	case REPORT_RECORDING: on_recording(t, ev); break;
	case REPORT_WRAP_BEGIN: case REPORT_WRAP_END: on_wrap(t, ev); break;
	case REPORT_SAID: on_said(t, ev); break;
	case REPORT_ORDER: trace_order(t, ev); break;
	}
	trace_note(t, &t->out->contacts, &t->out->n_contacts, ev->contact);
}

/* What is going on counts up to now, and stays open. */
static void open_items(struct trace *t)
{
	const struct report_ev nothing = { .at = t->now, .id = "", .source = "", .contact = "", .object = "", .actor = "", .actor_name = "" };
	struct trace_item *i;

	for (i = t->items; i; i = i->next) {
		if (i->again_at && t->now > i->again_at)
			queue_step(t, &nothing, i, "重新排队", "Back in the queue", i->again_at);
		trace_spend(t, i->wait, i->wait ? i->wait->at : 0, t->now, 0);
		trace_spend(t, i->offer, i->offer ? i->offer->at : 0, t->now, 0);
		trace_spend(t, i->talk, i->talk ? i->talk->at : 0, t->now, 1);
		trace_spend(t, i->wrap, i->wrap ? i->wrap->at : 0, t->now, 1);
	}
}

int report_trace(struct yc_arena *a, const struct report_ev *v, size_t n, int64_t now, const struct report_known *known, Pb__Matter *out)
{
	struct trace t = { .a = a, .out = out, .known = known, .now = now };

	for (size_t i = 0; i < n && !t.is_full; i++)
		take(&t, &v[i]);
	open_items(&t);
	trace_orders_open(&t);
	trace_sum(&t);
	return t.is_full ? -1 : 0;
}
