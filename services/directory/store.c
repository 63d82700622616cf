#include "store.h"

#include "yc/text.h"

int dir_step(struct yc_stmt *st, const struct dir_page *pg, size_t have, protobuf_c_boolean *more, struct yc_err *e)
{
	int r = yc_db_step(st, e);

	if (r == 1 && have >= (size_t)pg->limit) {
		*more = 1;
		yc_db_reset(st);
		return 0;
	}
	return r;
}

enum yc_code dir_changed_one(enum yc_code c, int64_t changed, struct yc_err *e)
{
	if (c == YC_OK && changed == 0)
		return yc_fail(e, YC_STALE, "version", "somebody changed it since it was read");
	return c;
}

static void org_of(struct yc_arena *a, struct yc_stmt *st, Pb__Org *o)
{
	if (!o)
		return;
	o->code = yc_strdup(a, yc_col_text(st, 0));
	o->id = yc_strdup(a, yc_col_text(st, 1));
	o->parent = yc_strdup(a, yc_col_text(st, 2));
	o->name = yc_strdup(a, yc_col_text(st, 3));
	o->name_en = yc_strdup(a, yc_col_text(st, 4));
	o->type = yc_strdup(a, yc_col_text(st, 5));
	o->path = yc_strdup(a, yc_col_text(st, 6));
	o->version = yc_col_int(st, 7);
}

enum yc_code dir_org_get(struct dir *d, struct yc_arena *a, const char *code, Pb__Org **out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_ORG_GET), e, "t", code);
	int r = st ? yc_db_step(st, e) : -1;

	*out = NULL;
	if (r == 1) {
		*out = yc_pb_new(a, &pb__org__descriptor);
		org_of(a, st, *out);
		yc_db_reset(st);
	}
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_org_put(struct dir *d, const Pb__Org *o, int is_new, struct yc_err *e)
{
	int64_t n = 0;
	enum yc_code c;

	if (is_new)
		return yc_db_run(dir_db(d), dir_q(d, Q_ORG_NEW), NULL, e, "ttttttti", o->code, o->id, o->parent, o->name, o->name_en,
				 o->type, o->path, o->version);
	c = yc_db_run(dir_db(d), dir_q(d, Q_ORG_SET), &n, e, "tttttti", o->code, o->parent, o->name, o->name_en, o->type, o->path, o->version);
	return dir_changed_one(c, n, e);
}

enum yc_code dir_org_children(struct dir *d, struct yc_arena *a, const char *code, Pb__Org ***v, size_t *n, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_ORG_CHILDREN), e, "t", code);
	int r = -1;

	while (st && (r = yc_db_step(st, e)) == 1)
		org_of(a, st, yc_pb_add(a, &pb__org__descriptor, v, n));
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_org_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__Orgs *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_ORG_PAGE), e, "ttti", pg->after, pg->base, pg->q, (int64_t)pg->limit + 1);
	int r = -1;

	while (st && (r = dir_step(st, pg, out->n_data, &out->has_more, e)) == 1)
		org_of(a, st, yc_pb_add(a, &pb__org__descriptor, &out->data, &out->n_data));
	if (out->has_more)
		out->next_cursor = out->data[out->n_data - 1]->code;
	return r < 0 ? e->code : YC_OK;
}

static void skill_of(struct yc_arena *a, struct yc_stmt *st, Pb__Skill *s)
{
	if (!s)
		return;
	s->code = yc_strdup(a, yc_col_text(st, 0));
	s->name = yc_strdup(a, yc_col_text(st, 1));
	s->name_en = yc_strdup(a, yc_col_text(st, 2));
	s->version = yc_col_int(st, 3);
}

enum yc_code dir_skill_get(struct dir *d, struct yc_arena *a, const char *code, Pb__Skill **out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_SKILL_GET), e, "t", code);
	int r = st ? yc_db_step(st, e) : -1;

	*out = NULL;
	if (r == 1) {
		*out = yc_pb_new(a, &pb__skill__descriptor);
		skill_of(a, st, *out);
		yc_db_reset(st);
	}
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_skill_put(struct dir *d, const Pb__Skill *s, int is_new, struct yc_err *e)
{
	int64_t n = 0;
	enum yc_code c = yc_db_run(dir_db(d), dir_q(d, is_new ? Q_SKILL_NEW : Q_SKILL_SET), &n, e, "ttti", s->code, s->name, s->name_en, s->version);

	return is_new ? c : dir_changed_one(c, n, e);
}

enum yc_code dir_skill_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__Skills *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_SKILL_PAGE), e, "tti", pg->after, pg->q, (int64_t)pg->limit + 1);
	int r = -1;

	while (st && (r = dir_step(st, pg, out->n_data, &out->has_more, e)) == 1)
		skill_of(a, st, yc_pb_add(a, &pb__skill__descriptor, &out->data, &out->n_data));
	if (out->has_more)
		out->next_cursor = out->data[out->n_data - 1]->code;
	return r < 0 ? e->code : YC_OK;
}

static void extension_of(struct yc_arena *a, struct yc_stmt *st, Pb__Extension *x)
{
	if (!x)
		return;
	x->number = yc_strdup(a, yc_col_text(st, 0));
	x->ha1_md5 = yc_strdup(a, yc_col_text(st, 1));
	x->ha1_sha256 = yc_strdup(a, yc_col_text(st, 2));
	x->static_contact = yc_strdup(a, yc_col_text(st, 3));
	x->realm = yc_strdup(a, yc_col_text(st, 4));
	x->deleted = yc_col_int(st, 5) != 0;
	x->version = yc_col_int(st, 6);
}

enum yc_code dir_extension_get(struct dir *d, struct yc_arena *a, const char *number, Pb__Extension **out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_EXT_GET), e, "t", number);
	int r = st ? yc_db_step(st, e) : -1;

	*out = NULL;
	if (r == 1) {
		*out = yc_pb_new(a, &pb__extension__descriptor);
		extension_of(a, st, *out);
		yc_db_reset(st);
	}
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_extension_put(struct dir *d, const Pb__Extension *x, int is_new, struct yc_err *e)
{
	int64_t n = 0;
	enum yc_code c = yc_db_run(dir_db(d), dir_q(d, is_new ? Q_EXT_NEW : Q_EXT_SET), &n, e, "tttttii", x->number, x->ha1_md5, x->ha1_sha256,
				   x->static_contact, x->realm, (int64_t)x->deleted, x->version);

	return is_new ? c : dir_changed_one(c, n, e);
}

enum yc_code dir_extension_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__Extensions *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_EXT_PAGE), e, "tti", pg->after, pg->q, (int64_t)pg->limit + 1);
	int r = -1;

	while (st && (r = dir_step(st, pg, out->n_data, &out->has_more, e)) == 1)
		extension_of(a, st, yc_pb_add(a, &pb__extension__descriptor, &out->data, &out->n_data));
	if (out->has_more)
		out->next_cursor = out->data[out->n_data - 1]->number;
	return r < 0 ? e->code : YC_OK;
}

static Pb__Calendar *calendar_of(struct yc_arena *a, struct yc_stmt *st)
{
	size_t n;
	const void *doc = yc_col_blob(st, 0, &n);
	Pb__Calendar *c = pb__calendar__unpack(yc_arena_pb(a), n, doc);

	if (c)
		c->version = yc_col_int(st, 1);
	return c;
}

enum yc_code dir_calendar_get(struct dir *d, struct yc_arena *a, const char *code, Pb__Calendar **out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_CAL_GET), e, "t", code);
	int r = st ? yc_db_step(st, e) : -1;

	*out = NULL;
	if (r == 1) {
		*out = calendar_of(a, st);
		yc_db_reset(st);
		if (!*out)
			return yc_fail(e, YC_INTERNAL, NULL, "the stored calendar %s cannot be read", code);
	}
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_calendar_put(struct dir *d, struct yc_arena *a, const Pb__Calendar *c, int is_new, struct yc_err *e)
{
	size_t n = pb__calendar__get_packed_size(c);
	uint8_t *doc = yc_alloc(a, n + 1);
	int64_t changed = 0;
	enum yc_code code;

	if (!doc)
		return yc_fail(e, YC_TOO_LARGE, NULL, "the calendar is too large");
	pb__calendar__pack(c, doc);
	code = yc_db_run(dir_db(d), dir_q(d, is_new ? Q_CAL_NEW : Q_CAL_SET), &changed, e, "tbi", c->code, doc, n, c->version);
	return is_new ? code : dir_changed_one(code, changed, e);
}

enum yc_code dir_calendar_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__Calendars *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_CAL_PAGE), e, "ti", pg->after, (int64_t)pg->limit + 1);
	Pb__Calendar **v = yc_alloc(a, ((size_t)pg->limit + 1) * sizeof(*v));
	int r = -1;

	out->data = v;
	while (st && v && (r = dir_step(st, pg, out->n_data, &out->has_more, e)) == 1)
		if ((v[out->n_data] = calendar_of(a, st)))
			out->n_data++;
	if (out->has_more)
		out->next_cursor = v[out->n_data - 1]->code;
	return r < 0 ? e->code : YC_OK;
}
