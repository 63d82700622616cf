/* Due dates: computed from entries, calendar and target; recomputed when a calendar changes; unfolded line by line on request. */
#include <string.h>
#include <uthash.h>

#include "ticket.h"
#include "ticket_calendar.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#define RECALC_BATCH 100
#define RECALC_EVERY_MS 20
#define LINES_MAX 2000
#define CLOCK_MAX 256

struct ticket_cal {
	char code[TICKET_CODE_LEN];
	int64_t version;
	struct yc_calendar c;
	struct yc_cal_day *days;
	UT_hash_handle hh;
};

static struct ticket_cal *cal_at(struct ticket *t, const char *code)
{
	struct ticket_cal *c;

	HASH_FIND_STR(t->cals, code, c);
	if (c)
		return c;
	c = yc_xcalloc(1, sizeof(*c));
	yc_copy(c->code, sizeof(c->code), code);
	c->version = -1;
	HASH_ADD_STR(t->cals, code, c);
	return c;
}

void ticket_calendars_free(struct ticket *t)
{
	struct ticket_cal *c, *tmp;

	HASH_ITER(hh, t->cals, c, tmp) {
		HASH_DEL(t->cals, c);
		yc_xfree(c->days);
		yc_xfree(c);
	}
}

enum yc_code ticket_calendar(struct ticket *t, struct yc_arena *a, const char *code, const struct yc_calendar **out, struct yc_err *e)
{
	static struct yc_calendar always;
	struct ticket_cal *c;
	struct yc_calendar parsed;
	struct yc_cal_day *days;
	Pb__Calendar *m;
	int64_t version;

	ticket_calendar_always(&always);
	*out = &always;
	if (!*code)
		return YC_OK;
	if (strlen(code) >= TICKET_CODE_LEN)
		return yc_fail(e, YC_INVALID, "calendar", "the code is too long");
	c = cal_at(t, code);
	if (ticket_store_calendar(t, a, code, c->version, &version, &m, e) != YC_OK)
		return e->code;
	if (m) {
		if (ticket_calendar_read(m, &parsed, &days, e) != YC_OK)
			return yc_err_in(e, "calendar");
		yc_xfree(c->days);
		c->c = parsed;
		c->days = days;
		c->version = version;
	}
	*out = &c->c;
	return YC_OK;
}

enum yc_code ticket_due_set(struct ticket *t, struct yc_arena *a, Pb__Order *o, const Pb__Service *s, const Pb__ProcessStep *step,
			    Pb__Entry *const *entries, size_t n, struct yc_err *e)
{
	struct yc_clock_event ev[CLOCK_MAX] = { { .at = o->created_at, .run = 1 } };
	const struct yc_calendar *c;
	int64_t due = 0;
	int n_ev = entries ? ticket_clock(entries, n, ev, CLOCK_MAX) : 1;

	if (ticket_calendar(t, a, o->calendar, &c, e) != YC_OK)
		return e->code;
	if (yc_due(c, ev, n_ev, s->target_ms, &due, NULL, 0, NULL, e) != YC_OK)
		return e->code;
	if (due)                /* paused: the promise stays as it was when the customer was answered */
		o->due_at = due;
	return yc_cal_add(c, o->step_since_at, step->target_ms, &o->step_due_at, e);
}

/* Catalogue entries the due dates of an order hang on. A service that is gone keeps the dates as they are (NULL). */
static enum yc_code basis(struct ticket *t, struct yc_arena *a, const Pb__Order *o, Pb__Service **s, const Pb__ProcessStep **step, struct yc_err *e)
{
	Pb__Process *p;
	int used;

	*step = NULL;
	if (ticket_store_service(t, a, o->service, s, e) != YC_OK || ticket_store_process(t, a, o->process, o->process_version, &p, &used, e) != YC_OK)
		return e->code;
	if (p)
		*step = ticket_step(p, o->step_no);
	return YC_OK;
}

static enum yc_code recalc_one(struct ticket *t, struct yc_arena *a, Pb__Order *o, struct yc_err *e)
{
	int64_t due = o->due_at, step_due = o->step_due_at;
	Pb__Entry en = PB__ENTRY__INIT;
	const Pb__ProcessStep *step;
	Pb__Entry **entries;
	Pb__Service *s;
	size_t n;

	if (basis(t, a, o, &s, &step, e) != YC_OK || ticket_store_entries(t, a, o->id, &entries, &n, e) != YC_OK)
		return e->code;
	if (!s || !step)
		return YC_OK;
	if (ticket_due_set(t, a, o, s, step, entries, n, e) != YC_OK) {
		yc_warn("order %s: due dates stay as they are: %s", o->number, e->msg);
		return YC_OK;
	}
	if (o->due_at == due && o->step_due_at == step_due)
		return YC_OK;
	en.kind = (char *)"due";
	en.actor_id = (char *)yc_node_instance(t->node);
	en.outcome = o->calendar;
	return ticket_save(t, a, o, o->version, &en, "order.due", e);
}

/* One batch of one calendar: a unit of work; where it stands is in the store, so that a crash loses nothing. */
static enum yc_code recalc_batch(struct yc_node *node, void *arg, struct yc_err *e)
{
	struct ticket *t = yc_node_self(node);
	struct yc_arena *a = yc_arena_new(32 << 20);
	char code[TICKET_CODE_LEN], after[64];
	Pb__Order **o;
	size_t n = 0;

	if (ticket_store_recalc_next(t, code, after, e) != YC_OK || !*code)
		goto out;
	*(int *)arg = 1;
	if (ticket_store_open_after(t, a, code, after, RECALC_BATCH, &o, &n, e) != YC_OK)
		goto out;
	for (size_t i = 0; i < n; i++)
		if (recalc_one(t, a, o[i], e) != YC_OK)
			goto out;
	e->code = ticket_store_recalc_set(t, code, n == RECALC_BATCH, n ? o[n - 1]->id : "", e);
out:
	yc_arena_free(&a);
	return e->code;
}

static void recalc_turn(void *arg)
{
	struct ticket *t = arg;
	struct yc_err e = { 0 };
	int more = 0;

	t->recalc = NULL;
	if (yc_node_do(t->node, recalc_batch, &more, &e) != YC_OK) {
		yc_warn("due dates: %s", e.msg);
		t->recalc = yc_timer_start(yc_node_loop(t->node), 1000, 0, recalc_turn, t);
	} else if (more) {
		t->recalc = yc_timer_start(yc_node_loop(t->node), RECALC_EVERY_MS, 0, recalc_turn, t);
	}
}

void ticket_recalc_start(struct ticket *t)
{
	if (!t->recalc)
		t->recalc = yc_timer_start(yc_node_loop(t->node), RECALC_EVERY_MS, 0, recalc_turn, t);
}

static enum yc_code put_lines(struct yc_req *rq, Pb__DueReply *out, const struct yc_due_line *l, int n, struct yc_err *e)
{
	for (int i = 0; i < n; i++) {
		Pb__DueLine *d = yc_pb_add(yc_req_arena(rq), &pb__due_line__descriptor, &out->lines, &out->n_lines);

		if (!d)
			return yc_fail(e, YC_TOO_LARGE, NULL, "too many lines");
		d->from_at = l[i].from;
		d->to_at = l[i].to;
		d->counted_ms = l[i].counted_ms;
		d->running = l[i].run;
	}
	return YC_OK;
}

enum yc_code ticket_on_due(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__OrderReq *in = vin;
	Pb__DueReply *out = vout;
	struct ticket *t = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	struct yc_due_line *lines = yc_alloc(a, LINES_MAX * sizeof(*lines));
	struct yc_clock_event ev[CLOCK_MAX];
	const struct yc_calendar *c;
	Pb__Entry **entries;
	Pb__Service *s;
	Pb__Order *o;
	size_t n;
	int n_ev, n_lines = 0;

	if (!lines)
		return yc_fail(e, YC_TOO_LARGE, NULL, "no room for the lines");
	if (ticket_load(rq, in->id, &o, e) != YC_OK || ticket_store_entries(t, a, o->id, &entries, &n, e) != YC_OK)
		return e->code;
	if (ticket_store_service(t, a, o->service, &s, e) != YC_OK || ticket_calendar(t, a, o->calendar, &c, e) != YC_OK)
		return e->code;
	if (!s)
		return yc_fail(e, YC_NOT_FOUND, "service", "the service \"%s\" is not known any more", o->service);
	n_ev = ticket_clock(entries, n, ev, CLOCK_MAX);
	if (yc_due(c, ev, n_ev, s->target_ms, &out->due_at, lines, LINES_MAX, &n_lines, e) != YC_OK)
		return e->code;
	if (!out->due_at)
		out->due_at = o->due_at;        /* paused: what was promised */
	out->calendar = o->calendar;
	out->target_ms = s->target_ms;
	return put_lines(rq, out, lines, n_lines, e);
}
