/* Writing facts and reading them back. */
#include "report.h"

#include <string.h>

#include "yc/text.h"

#define AFTER_ALL "~"

static struct yc_db *db(struct report *r)
{
	return yc_node_db(r->node);
}

static int q(struct report *r, int nr)
{
	return yc_node_q(r->node, nr);
}

static enum yc_code too_large(struct yc_err *e)
{
	return yc_fail(e, YC_TOO_LARGE, NULL, "too much for one reply");
}

/* --- events of a matter ------------------------------------------------------------------------------------------------------------- */

enum yc_code report_store_event(struct report *r, const struct report_row *row, struct yc_err *e)
{
	const struct report_ev *v = &row->ev;

	return yc_db_run(db(r), q(r, REPORT_Q_EVENT), NULL, e, "ttiitttttttib", row->matter, v->id, v->at, (int64_t)v->type, v->source, v->contact,
			 v->object, v->actor, v->actor_name, v->detail, v->extra, v->n, row->doc, row->n_doc);
}

static enum yc_code event_row(struct yc_arena *a, struct yc_stmt *st, struct report_ev *v, struct yc_err *e)
{
	struct { int col; const char **to; } text[] = {
		{ 0, &v->id }, { 3, &v->source }, { 4, &v->contact }, { 5, &v->object }, { 6, &v->actor }, { 7, &v->actor_name }, { 8, &v->detail }, { 9, &v->extra },
	};
	const void *doc;
	size_t n;

	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
		*text[i].to = yc_strdup(a, yc_col_text(st, text[i].col));
		if (!*text[i].to)
			return too_large(e);
	}
	v->at = yc_col_int(st, 1);
	v->type = (enum report_type)yc_col_int(st, 2);
	v->n = yc_col_int(st, 10);
	doc = yc_col_blob(st, 11, &n);
	v->order = n ? pb__order_changed__unpack(yc_arena_pb(a), n, doc) : NULL;
	return YC_OK;
}

enum yc_code report_store_events(struct report *r, struct yc_arena *a, const char *matter, struct report_ev **out, size_t *n, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db(r), q(r, REPORT_Q_EVENTS), e, "ti", matter, (int64_t)REPORT_EVENTS_MAX);
	enum yc_code code = YC_OK;
	size_t cap = 64;
	int rc = 0;

	*n = 0;
	*out = st ? yc_alloc(a, cap * sizeof(**out)) : NULL;
	if (!st)
		return e->code;
	while (*out && !code && (rc = yc_db_step(st, e)) > 0) {
		if (*n == cap) {
			struct report_ev *more = yc_alloc(a, 2 * cap * sizeof(*more));

			if (more)
				memcpy(more, *out, cap * sizeof(*more));
			cap *= 2;
			*out = more;
		}
		if (*out)
			code = event_row(a, st, &(*out)[(*n)++], e);
	}
	yc_db_reset(st);
	if (!*out)
		return too_large(e);
	return rc < 0 ? e->code : code;
}

/* --- matters ------------------------------------------------------------------------------------------------------------------------ */

enum yc_code report_store_matter_call(struct report *r, const char *matter, int64_t at, const char *phone, const char *title, struct yc_err *e)
{
	return yc_db_run(db(r), q(r, REPORT_Q_MATTER_CALL), NULL, e, "titt", matter, at, phone, title);
}

enum yc_code report_store_matter_ended(struct report *r, const char *matter, int64_t at, const char *customer, struct yc_err *e)
{
	return yc_db_run(db(r), q(r, REPORT_Q_MATTER_ENDED), NULL, e, "tti", matter, customer, at);
}

enum yc_code report_store_matter_order(struct report *r, const Pb__Order *o, const char *matter, int64_t at, struct yc_err *e)
{
	return yc_db_run(db(r), q(r, REPORT_Q_MATTER_ORDER), NULL, e, "tittttt", matter, at, o->customer_phone, o->customer_id, o->subject, o->number, o->org_path);
}

enum yc_code report_store_matter_held(struct report *r, const Pb__Order *o, const char *matter, struct yc_err *e)
{
	return yc_db_run(db(r), q(r, REPORT_Q_MATTER_HELD), NULL, e, "tt", matter, o->org_path);
}

enum yc_code report_store_matter_closed(struct report *r, const char *matter, int64_t at, struct yc_err *e)
{
	return yc_db_run(db(r), q(r, REPORT_Q_MATTER_CLOSED), NULL, e, "ti", matter, at);
}

enum yc_code report_store_matter(struct report *r, struct yc_arena *a, const char *id, Pb__Matter *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db(r), q(r, REPORT_Q_MATTER), e, "t", id);
	int rc = st ? yc_db_step(st, e) : -1;

	if (rc < 0)
		return e->code;
	if (!rc)
		return yc_fail(e, YC_NOT_FOUND, "id", "there is no matter %.40s", id);
	out->id = yc_strdup(a, yc_col_text(st, 0));
	out->opened_at = yc_col_int(st, 1);
	out->closed_at = yc_col_int(st, 2);
	out->customer_phone = yc_strdup(a, yc_col_text(st, 3));
	out->customer_id = yc_strdup(a, yc_col_text(st, 4));
	out->state = yc_strdup(a, yc_col_text(st, 5));
	yc_db_reset(st);
	return out->id && out->customer_phone && out->customer_id && out->state ? YC_OK : too_large(e);
}

static enum yc_code matter_row(struct yc_arena *a, struct yc_stmt *st, Pb__MatterRow *m, struct yc_err *e)
{
	struct { int col; char **to; } text[] = { { 0, &m->id }, { 3, &m->customer_phone }, { 4, &m->title }, { 5, &m->state }, { 6, &m->order_number } };

	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
		*text[i].to = yc_strdup(a, yc_col_text(st, text[i].col));
		if (!*text[i].to)
			return too_large(e);
	}
	m->opened_at = yc_col_int(st, 1);
	m->closed_at = yc_col_int(st, 2);
	return YC_OK;
}

enum yc_code report_store_matters(struct report *r, struct yc_arena *a, const struct report_find *f, Pb__Matters *out, struct yc_err *e)
{
	int nr = *f->number ? REPORT_Q_LIST_NUMBER : *f->phone ? REPORT_Q_LIST_PHONE : *f->holder ? REPORT_Q_LIST_HELD : REPORT_Q_LIST;
	const char *key = *f->number ? f->number : *f->phone ? f->phone : f->holder;
	struct yc_stmt *st = yc_db_query(db(r), q(r, nr), e, "ttti", key, f->state, *f->after ? f->after : AFTER_ALL, f->limit + 1);
	enum yc_code code = YC_OK;
	int rc = 0;

	if (!st)
		return e->code;
	while (!code && (rc = yc_db_step(st, e)) > 0 && (int64_t)out->n_data < f->limit) {
		Pb__MatterRow *m = yc_pb_add(a, &pb__matter_row__descriptor, &out->data, &out->n_data);

		code = m ? matter_row(a, st, m, e) : too_large(e);
	}
	out->has_more = rc > 0;
	yc_db_reset(st);
	if (code || rc < 0)
		return e->code;
	if (out->has_more)
		out->next_cursor = out->data[out->n_data - 1]->id;
	return YC_OK;
}

/* --- items and calls ---------------------------------------------------------------------------------------------------------------- */

enum yc_code report_store_item_new(struct report *r, const Pb__WorkItem *i, const char *matter, int *is_new, struct yc_err *e)
{
	int64_t changed = 0;
	enum yc_code rc = yc_db_run(db(r), q(r, REPORT_Q_ITEM_NEW), &changed, e, "tittitt", i->id, i->arrived_at, i->queue, i->channel, (int64_t)i->state,
				    i->contact_id, matter);

	*is_new = changed > 0;
	return rc;
}

enum yc_code report_store_item_accepted(struct report *r, const Pb__WorkItem *i, int *is_new, struct yc_err *e)
{
	int64_t changed = 0;
	enum yc_code rc = yc_db_run(db(r), q(r, REPORT_Q_ITEM_ACCEPTED), &changed, e, "tiiiti", i->id, (int64_t)i->state, i->accepted_at, i->wait_ms, i->agent_id,
				    (int64_t)i->offers);

	*is_new = changed > 0;
	return rc;
}

enum yc_code report_store_item_ended(struct report *r, const Pb__WorkItem *i, int *is_new, struct yc_err *e)
{
	int64_t changed = 0;
	enum yc_code rc = yc_db_run(db(r), q(r, REPORT_Q_ITEM_ENDED), &changed, e, "tiiitii", i->id, (int64_t)i->state, i->ended_at, i->talk_ms, i->reason,
				    (int64_t)i->offers, i->wait_ms);

	*is_new = changed > 0;
	return rc;
}

static enum report_end end_of(int64_t state, int64_t accepted_at)
{
	if (accepted_at)
		return REPORT_ANSWERED;
	if (state == PB__ITEM_STATE__ITEM_STATE_ABANDONED)
		return REPORT_ABANDONED;
	return state == PB__ITEM_STATE__ITEM_STATE_OVERFLOWED || state == PB__ITEM_STATE__ITEM_STATE_SERVED ? REPORT_LEFT : REPORT_WAITING;
}

enum yc_code report_store_items(struct report *r, int64_t from, int64_t to, const char *queue, struct report_sample **out, size_t *n, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db(r), q(r, REPORT_Q_ITEMS), e, "iit", from, to, queue);
	size_t cap = 0;
	int rc = 0;

	*out = NULL;
	*n = 0;
	if (!st)
		return e->code;
	while ((rc = yc_db_step(st, e)) > 0) {
		if (*n == cap) {
			cap = cap ? cap * 2 : 1024;
			*out = yc_xrealloc(*out, cap * sizeof(**out));
		}
		(*out)[(*n)++] = (struct report_sample){ .arrived_at = yc_col_int(st, 0), .end = end_of(yc_col_int(st, 2), yc_col_int(st, 3)),
			.wait_ms = yc_col_int(st, 4), .talk_ms = yc_col_int(st, 5), .threshold_ms = report_threshold(r, yc_col_text(st, 1)) };
	}
	if (rc < 0) {
		yc_xfree(*out);
		*out = NULL;
		return e->code;
	}
	return YC_OK;
}

enum yc_code report_store_call(struct report *r, const Pb__CallEnded *c, const char *matter, int64_t at, struct yc_err *e)
{
	const Pb__Call *x = c->call;
	int64_t lost = (c->caller ? c->caller->lost : 0) + (c->agent ? c->agent->lost : 0);

	return yc_db_run(db(r), q(r, REPORT_Q_CALL), NULL, e, "tiitttttttiiiii", x->id, x->started_at, at, x->to, x->from, x->queue, x->agent_id, matter, c->by,
			 c->reason, (int64_t)c->sip_status, c->ivr_ms, c->wait_ms, c->talk_ms, lost);
}

/* --- totals ------------------------------------------------------------------------------------------------------------------------- */

enum yc_code report_store_total(struct report *r, const char *name, struct yc_err *e)
{
	return yc_db_run(db(r), q(r, REPORT_Q_TOTAL), NULL, e, "t", name);
}

enum yc_code report_store_totals(struct report *r, Pb__CountReply *out, struct yc_err *e)
{
	const struct { const char *name; int64_t *to; } all[] = {
		{ "calls", &out->calls }, { "items", &out->items }, { "answered", &out->answered }, { "abandoned", &out->abandoned },
		{ "orders", &out->orders }, { "recordings", &out->recordings },
	};
	struct yc_stmt *st = yc_db_query(db(r), q(r, REPORT_Q_TOTALS), e, "");
	int rc;

	if (!st)
		return e->code;
	while ((rc = yc_db_step(st, e)) > 0)
		for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
			if (!strcmp(yc_col_text(st, 0), all[i].name))
				*all[i].to = yc_col_int(st, 1);
	if (rc < 0 || !(st = yc_db_query(db(r), q(r, REPORT_Q_READ), e, "")) || (rc = yc_db_step(st, e)) < 0)
		return e->code;
	out->events = rc ? yc_col_int(st, 0) : 0;
	yc_db_reset(st);
	return YC_OK;
}

/* --- wrap-ups and names ------------------------------------------------------------------------------------------------------------- */

enum yc_code report_store_wrap_put(struct report *r, const char *agent, const struct report_wrap *w, struct yc_err *e)
{
	return yc_db_run(db(r), q(r, REPORT_Q_WRAP_PUT), NULL, e, "tttt", agent, w->matter, w->contact, w->item);
}

enum yc_code report_store_wrap_get(struct report *r, const char *agent, struct report_wrap *w, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db(r), q(r, REPORT_Q_WRAP_GET), e, "t", agent);
	int rc = st ? yc_db_step(st, e) : -1;

	memset(w, 0, sizeof(*w));
	if (rc < 0)
		return e->code;
	if (rc) {
		yc_copy(w->matter, sizeof(w->matter), yc_col_text(st, 0));
		yc_copy(w->contact, sizeof(w->contact), yc_col_text(st, 1));
		yc_copy(w->item, sizeof(w->item), yc_col_text(st, 2));
	}
	yc_db_reset(st);
	return YC_OK;
}

enum yc_code report_store_name_put(struct report *r, const struct report_label *l, struct yc_err *e)
{
	return yc_db_run(db(r), q(r, REPORT_Q_NAME_PUT), NULL, e, "ttttti", l->kind, l->id, l->name, l->name_en, l->path, l->n);
}

enum yc_code report_store_names(struct report *r, void (*fn)(struct report *r, const struct report_label *l), struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db(r), q(r, REPORT_Q_NAMES), e, "");
	int rc;

	if (!st)
		return e->code;
	while ((rc = yc_db_step(st, e)) > 0) {
		struct report_label l = { yc_col_text(st, 0), yc_col_text(st, 1), yc_col_text(st, 2), yc_col_text(st, 3), yc_col_text(st, 4), yc_col_int(st, 5) };

		fn(r, &l);
	}
	return rc < 0 ? e->code : YC_OK;
}
