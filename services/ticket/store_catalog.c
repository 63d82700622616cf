/* Processes, services, and the copies of directory's calendars, organisations and people. */
#include "store.h"

#include <string.h>

#include "yc/text.h"

enum yc_code ticket_store_process(struct ticket *t, struct yc_arena *a, const char *code, int32_t version_no, Pb__Process **out, int *used, struct yc_err *e)
{
	struct yc_stmt *st = version_no ? yc_db_query(ticket_db(t), ticket_q(t, Q_PROCESS), e, "ti", code, (int64_t)version_no)
					: yc_db_query(ticket_db(t), ticket_q(t, Q_PROCESS_LATEST), e, "t", code);
	int rc = st ? yc_db_step(st, e) : -1;

	*out = NULL;
	*used = 0;
	if (rc <= 0)
		return rc < 0 ? e->code : YC_OK;
	*out = ticket_unpack(a, &pb__process__descriptor, st, 0, e);
	*used = (int)yc_col_int(st, 1);
	yc_db_reset(st);
	return *out ? YC_OK : e->code;
}

enum yc_code ticket_store_process_put(struct ticket *t, struct yc_arena *a, const Pb__Process *p, struct yc_err *e)
{
	size_t n;
	void *doc = ticket_pack(a, p, &n, e);

	if (!doc)
		return e->code;
	return yc_db_run(ticket_db(t), ticket_q(t, Q_PROCESS_PUT), NULL, e, "tiib", p->code, (int64_t)p->version_no, p->version, doc, n);
}

enum yc_code ticket_store_process_used(struct ticket *t, const char *code, int32_t version_no, struct yc_err *e)
{
	return yc_db_run(ticket_db(t), ticket_q(t, Q_PROCESS_USED), NULL, e, "ti", code, (int64_t)version_no);
}

enum yc_code ticket_store_service(struct ticket *t, struct yc_arena *a, const char *code, Pb__Service **out, struct yc_err *e)
{
	void *m = NULL;
	enum yc_code rc = ticket_one(t, a, &pb__service__descriptor, yc_db_query(ticket_db(t), ticket_q(t, Q_SERVICE), e, "t", code), &m, e);

	*out = m;
	return rc;
}

enum yc_code ticket_store_service_put(struct ticket *t, struct yc_arena *a, const Pb__Service *s, struct yc_err *e)
{
	size_t n;
	void *doc = ticket_pack(a, s, &n, e);

	if (!doc)
		return e->code;
	return yc_db_run(ticket_db(t), ticket_q(t, Q_SERVICE_PUT), NULL, e, "tib", s->code, s->version, doc, n);
}

enum yc_code ticket_store_processes(struct ticket *t, struct yc_arena *a, Pb__Process ***out, size_t *n, struct yc_err *e)
{
	return ticket_all(a, &pb__process__descriptor, yc_db_query(ticket_db(t), ticket_q(t, Q_PROCESSES), e, ""), 0, 10000, (void ***)out, n, e);
}

enum yc_code ticket_store_services(struct ticket *t, struct yc_arena *a, Pb__Service ***out, size_t *n, struct yc_err *e)
{
	return ticket_all(a, &pb__service__descriptor, yc_db_query(ticket_db(t), ticket_q(t, Q_SERVICES), e, ""), 0, 10000, (void ***)out, n, e);
}

enum yc_code ticket_store_calendar_put(struct ticket *t, struct yc_arena *a, const Pb__Calendar *c, int *changed, struct yc_err *e)
{
	size_t n;
	int64_t rows = 0;
	void *doc = ticket_pack(a, c, &n, e);

	if (!doc)
		return e->code;
	if (yc_db_run(ticket_db(t), ticket_q(t, Q_CALENDAR_PUT), &rows, e, "tib", c->code, c->version, doc, n) != YC_OK)
		return e->code;
	*changed = rows > 0;
	return YC_OK;
}

enum yc_code ticket_store_calendar(struct ticket *t, struct yc_arena *a, const char *code, int64_t have_version, int64_t *version, Pb__Calendar **out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, Q_CALENDAR_VERSION), e, "t", code);
	int rc = st ? yc_db_step(st, e) : -1;
	void *m = NULL;

	*out = NULL;
	if (rc < 0)
		return e->code;
	if (rc == 0)
		return yc_fail(e, YC_UNAVAILABLE, "calendar", "the calendar \"%s\" is not known here (yet)", code);
	*version = yc_col_int(st, 0);
	yc_db_reset(st);
	if (*version == have_version)
		return YC_OK;
	if (ticket_one(t, a, &pb__calendar__descriptor, yc_db_query(ticket_db(t), ticket_q(t, Q_CALENDAR), e, "t", code), &m, e) != YC_OK)
		return e->code;
	*out = m;
	return YC_OK;
}

enum yc_code ticket_store_recalc_next(struct ticket *t, char code[TICKET_CODE_LEN], char after[64], struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, Q_RECALC_NEXT), e, "");
	int rc = st ? yc_db_step(st, e) : -1;

	*code = 0;
	if (rc <= 0)
		return rc < 0 ? e->code : YC_OK;
	yc_copy(code, TICKET_CODE_LEN, yc_col_text(st, 0));
	yc_copy(after, 64, yc_col_text(st, 1));
	yc_db_reset(st);
	return YC_OK;
}

enum yc_code ticket_store_recalc_set(struct ticket *t, const char *code, int on, const char *after, struct yc_err *e)
{
	return yc_db_run(ticket_db(t), ticket_q(t, Q_RECALC_SET), NULL, e, "itt", (int64_t)on, after, code);
}

enum yc_code ticket_store_org_put(struct ticket *t, const Pb__Org *o, struct yc_err *e)
{
	return yc_db_run(ticket_db(t), ticket_q(t, Q_ORG_PUT), NULL, e, "tttti", o->code, o->path, o->name, o->type, o->version);
}

enum yc_code ticket_store_org(struct ticket *t, const char *key, struct ticket_org *out, int *found, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, *key == '/' ? Q_ORG_PATH : Q_ORG), e, "t", key);
	int rc = st ? yc_db_step(st, e) : -1;

	memset(out, 0, sizeof(*out));
	*found = rc > 0;
	if (rc <= 0)
		return rc < 0 ? e->code : YC_OK;
	yc_copy(out->code, sizeof(out->code), yc_col_text(st, 0));
	yc_copy(out->path, sizeof(out->path), yc_col_text(st, 1));
	yc_copy(out->name, sizeof(out->name), yc_col_text(st, 2));
	yc_copy(out->kind, sizeof(out->kind), yc_col_text(st, 3));
	yc_db_reset(st);
	return YC_OK;
}

enum yc_code ticket_store_has_copy(struct ticket *t, int *has, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, Q_ORG_ANY), e, "");
	int rc = st ? yc_db_step(st, e) : -1;

	if (rc < 0)
		return e->code;
	*has = rc;
	if (rc)
		yc_db_reset(st);
	return YC_OK;
}

enum yc_code ticket_store_person_put(struct ticket *t, const Pb__Person *p, struct yc_err *e)
{
	return yc_db_run(ticket_db(t), ticket_q(t, Q_PERSON_PUT), NULL, e, "ttttii", p->id, p->staff_no, p->name, p->org_path,
			 (int64_t)(p->active != 0), p->version);
}

enum yc_code ticket_store_person(struct ticket *t, const char *key, struct ticket_person *out, int *found, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, Q_PERSON), e, "t", key);
	int rc = st ? yc_db_step(st, e) : -1;

	memset(out, 0, sizeof(*out));
	*found = rc > 0;
	if (rc <= 0)
		return rc < 0 ? e->code : YC_OK;
	yc_copy(out->id, sizeof(out->id), yc_col_text(st, 0));
	yc_copy(out->staff_no, sizeof(out->staff_no), yc_col_text(st, 1));
	yc_copy(out->name, sizeof(out->name), yc_col_text(st, 2));
	yc_copy(out->path, sizeof(out->path), yc_col_text(st, 3));
	out->active = (int)yc_col_int(st, 4);
	yc_db_reset(st);
	return YC_OK;
}
