/* Processes and services: what orders run on. Imported, versioned, listed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ticket.h"
#include "yc/json.h"
#include "yc/text.h"

static enum yc_code keep_process(struct ticket *t, struct yc_arena *a, Pb__Process *p, const Pb__Process *was, int dry_run, int *action,
				 struct yc_buf *diff, struct yc_err *e)
{
	static const char *const ignore[] = { "version", "target_ms", NULL };

	p->version = was ? was->version : 0;
	*action = PB__IMPORT_ACTION__IMPORT_ACTION_CREATE;
	if (was) {
		*action = PB__IMPORT_ACTION__IMPORT_ACTION_SAME;
		if (yc_json_diff(diff, &was->base, &p->base, ignore) == 0)
			return YC_OK;
		*action = PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE;
	}
	p->version++;
	return dry_run ? YC_OK : ticket_store_process_put(t, a, p, e);
}

/* An order stays on the version it began with, so a version that carries orders cannot change any more. */
static enum yc_code import_process(struct yc_req *rq, void *msg, int dry_run, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	struct ticket *t = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	Pb__Process *p = msg, *was, *latest;
	int used, ignored;

	if (ticket_process_check(p, e) != YC_OK)
		return e->code;
	snprintf(key, 128, "%s v%d", p->code, p->version_no);
	if (ticket_store_process(t, a, p->code, p->version_no, &was, &used, e) != YC_OK ||
	    ticket_store_process(t, a, p->code, 0, &latest, &ignored, e) != YC_OK)
		return e->code;
	if (!was && latest && latest->version_no > p->version_no)
		return yc_fail(e, YC_INVALID, "version_no", "version %d exists already, so a new one has a higher number", latest->version_no);
	if (keep_process(t, a, p, was, dry_run || used, action, diff, e) != YC_OK)
		return e->code;
	if (used && *action == PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE)
		return yc_fail(e, YC_CONFLICT, "version_no", "orders run on version %d: give the changed process version_no %d",
			       p->version_no, latest->version_no + 1);
	return YC_OK;
}

static enum yc_code import_service(struct yc_req *rq, void *msg, int dry_run, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	static const char *const ignore[] = { "version", "target_ms", NULL };
	struct ticket *t = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	Pb__Service *s = msg, *was;

	if (ticket_service_check(s, e) != YC_OK || ticket_store_service(t, a, s->code, &was, e) != YC_OK)
		return e->code;
	yc_copy(key, 128, s->code);
	*action = PB__IMPORT_ACTION__IMPORT_ACTION_CREATE;
	if (was) {
		*action = PB__IMPORT_ACTION__IMPORT_ACTION_SAME;
		s->version = was->version;
		if (yc_json_diff(diff, &was->base, &s->base, ignore) == 0)
			return YC_OK;
		*action = PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE;
	}
	s->version = was ? was->version + 1 : 1;
	return dry_run ? YC_OK : ticket_store_service_put(t, a, s, e);
}

const struct yc_import_kind ticket_imports[] = {
	{ "process", &pb__process__descriptor, import_process },
	{ "service", &pb__service__descriptor, import_service },
	{ 0 },
};

/* Both lists are short (a centre's catalogue), so a page is cut out of all. Returns where it begins. */
static size_t page(size_t n, int32_t limit, size_t from, size_t *end)
{
	size_t max = limit > 0 && limit <= 1000 ? (size_t)limit : 1000;

	*end = from + max < n ? from + max : n;
	return from;
}

static int wanted(const char *q, const char *code, const char *name)
{
	return !*q || strstr(code, q) || strstr(name, q);
}

enum yc_code ticket_on_services(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ListReq *in = vin;
	Pb__Services *out = vout;
	struct yc_arena *a = yc_req_arena(rq);
	size_t n, kept = 0, from = 0, end;
	Pb__Service **all;

	if (ticket_store_services(yc_req_self(rq), a, &all, &n, e) != YC_OK)
		return e->code;
	for (size_t i = 0; i < n; i++)
		if (wanted(in->q, all[i]->code, all[i]->name) && strcmp(all[i]->code, in->starting_after) > 0)
			all[kept++] = all[i];
	from = page(kept, in->limit, 0, &end);
	out->data = all;
	out->n_data = end - from;
	out->has_more = end < kept;
	if (out->has_more)
		out->next_cursor = all[end - 1]->code;
	return YC_OK;
}

/* The cursor is "code version_no". */
static int after(const Pb__Process *p, const char *cursor)
{
	size_t n = strcspn(cursor, " ");
	int c = strncmp(p->code, cursor, n);

	if (!*cursor || c > 0 || (c == 0 && p->code[n]))
		return 1;
	return c == 0 && p->version_no > (cursor[n] ? (int)strtol(cursor + n, NULL, 10) : 0);
}

enum yc_code ticket_on_processes(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ListReq *in = vin;
	Pb__Processes *out = vout;
	struct yc_arena *a = yc_req_arena(rq);
	size_t n, kept = 0, end;
	Pb__Process **all;

	if (ticket_store_processes(yc_req_self(rq), a, &all, &n, e) != YC_OK)
		return e->code;
	for (size_t i = 0; i < n; i++)
		if (wanted(in->q, all[i]->code, all[i]->name) && after(all[i], in->starting_after))
			all[kept++] = all[i];
	page(kept, in->limit, 0, &end);
	out->data = all;
	out->n_data = end;
	out->has_more = end < kept;
	if (out->has_more)
		out->next_cursor = yc_sprintf(a, "%s %d", all[end - 1]->code, all[end - 1]->version_no);
	return YC_OK;
}
