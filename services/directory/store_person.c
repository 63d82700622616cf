#include "store.h"

#include "rule_check.h"

#include "yc/text.h"

#include <stdio.h>

static void person_of(struct yc_arena *a, struct yc_stmt *st, struct dir_person *x, Pb__Person *p)
{
	x->p = p;
	if (!p)
		return;
	p->id = yc_strdup(a, yc_col_text(st, 0));
	p->staff_no = yc_strdup(a, yc_col_text(st, 1));
	p->login = yc_strdup(a, yc_col_text(st, 2));
	p->name = yc_strdup(a, yc_col_text(st, 3));
	p->name_en = yc_strdup(a, yc_col_text(st, 4));
	p->org = yc_strdup(a, yc_col_text(st, 5));
	x->roles = (uint32_t)yc_col_int(st, 6);
	p->n_roles = dir_roles_names(a, x->roles, &p->roles);
	p->n_skills = dir_skills_unpack(a, yc_col_text(st, 7), &p->skills);
	p->active = yc_col_int(st, 8) != 0;
	p->version = yc_col_int(st, 9);
	p->org_path = yc_strdup(a, yc_col_text(st, 10));
	if (!*p->org_path)
		p->org_path = yc_strdup(a, "/");         /* an administrator of no organisation */
	x->pw_hash = yc_strdup(a, yc_col_text(st, 11));
	x->pw_mark = yc_strdup(a, yc_col_text(st, 12));
}

enum yc_code dir_person_get(struct dir *d, struct yc_arena *a, enum dir_person_by by, const char *key, struct dir_person *out, struct yc_err *e)
{
	static const int q[] = { Q_PERSON_BY_ID, Q_PERSON_BY_STAFF, Q_PERSON_BY_LOGIN };
	struct yc_stmt *st;
	int r;

	*out = (struct dir_person){ 0 };
	if (yc_is_empty(key))
		return YC_OK;                            /* nobody; '' is also what people without a login have */
	st = yc_db_query(dir_db(d), dir_q(d, q[by]), e, "t", key);
	r = st ? yc_db_step(st, e) : -1;
	if (r == 1) {
		person_of(a, st, out, yc_pb_new(a, &pb__person__descriptor));
		yc_db_reset(st);
	}
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_person_save(struct dir *d, struct yc_arena *a, Pb__Person *p, int is_new, struct yc_err *e)
{
	const char *skills = dir_skills_pack(a, p->skills, p->n_skills);
	uint32_t roles;
	int64_t n = 0;
	enum yc_code c = dir_roles_mask(p->roles, p->n_roles, &roles, e);

	if (c)
		return c;
	if (is_new)
		p->version = 1;
	c = yc_db_run(dir_db(d), dir_q(d, is_new ? Q_PERSON_NEW : Q_PERSON_SET), &n, e, "ttttttitii", p->id, p->staff_no, p->login, p->name,
		      p->name_en, p->org, (int64_t)roles, skills, (int64_t)p->active, p->version);
	if (c == YC_CONFLICT)
		return yc_fail(e, YC_CONFLICT, "login", "the staff number or the login is taken");
	if (c == YC_OK && !is_new && (c = dir_changed_one(c, n, e)) == YC_OK)
		p->version++;
	return c;
}

enum yc_code dir_person_password(struct dir *d, const char *id, const char *pw_hash, const char *pw_mark, struct yc_err *e)
{
	return yc_db_run(dir_db(d), dir_q(d, Q_PERSON_PASSWORD), NULL, e, "ttt", id, pw_hash, pw_mark);
}

/* "?" + mark: waits for its hash. */
enum yc_code dir_person_await(struct dir *d, const char *id, const char *mark, struct yc_err *e)
{
	char waiting[80];

	snprintf(waiting, sizeof(waiting), "?%s", mark);
	return dir_person_password(d, id, "", waiting, e);
}

enum yc_code dir_person_hashed(struct dir *d, const char *id, const char *pw_hash, const char *mark, struct yc_err *e)
{
	char waiting[80];

	snprintf(waiting, sizeof(waiting), "?%s", mark);
	return yc_db_run(dir_db(d), dir_q(d, Q_PERSON_HASHED), NULL, e, "tttt", id, pw_hash, mark, waiting);
}

enum yc_code dir_person_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__People *out, struct yc_err *e)
{
	Pb__Org *org = NULL;
	struct dir_person x;
	struct yc_stmt *st;
	enum yc_code c;
	int r = -1;
	int64_t lo = yc_streq(pg->status, "active"), hi = !yc_streq(pg->status, "inactive");

	if (!yc_is_empty(pg->org) && (c = dir_org_get(d, a, pg->org, &org, e)))
		return c;
	if (!yc_is_empty(pg->org) && !org)
		return yc_fail(e, YC_INVALID, "org", "no such organisation");
	st = yc_db_query(dir_db(d), dir_q(d, Q_PERSON_PAGE), e, "ttttiii", pg->after, pg->base, org ? yc_sprintf(a, "%s/", org->path) : "/", pg->q,
			 lo, hi, (int64_t)pg->limit + 1);
	while (st && (r = dir_step(st, pg, out->n_data, &out->has_more, e)) == 1)
		person_of(a, st, &x, yc_pb_add(a, &pb__person__descriptor, &out->data, &out->n_data));
	if (out->has_more)
		out->next_cursor = out->data[out->n_data - 1]->staff_no;
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_person_in_org(struct dir *d, struct yc_arena *a, const char *org, Pb__Person ***v, size_t *n, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_PERSON_IN_ORG), e, "t", org);
	struct dir_person x;
	int r = -1;

	while (st && (r = yc_db_step(st, e)) == 1)
		person_of(a, st, &x, yc_pb_add(a, &pb__person__descriptor, v, n));
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_admins_but(struct dir *d, const char *id, int64_t *n, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_ADMINS_BUT), e, "t", id);
	int r = -1;

	*n = 0;
	while (st && (r = yc_db_step(st, e)) == 1)
		*n += (yc_col_int(st, 0) & YC_ROLE(ADMIN)) != 0;
	return r < 0 ? e->code : YC_OK;
}
