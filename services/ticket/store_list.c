/* Pages of orders: the narrowest index first, the rest of the filter in C, a bound on what is looked at. */
#include "store.h"

#include <string.h>

#include "yc/text.h"

#define CHUNK 500
#define NEWEST "ordz"           /* after every id, in C and in any locale's order */

struct scan { int q; const char *key; int64_t number_key; };

/* A path of one component is the whole site: no filter. */
static int narrows(const char *path)
{
	return path && *path && strchr(path + 1, '/') != NULL;
}

static struct scan choose(const struct ticket_filter *f, const char *within)
{
	if (f->number)
		return (struct scan){ Q_LIST_NUMBER, f->number, 0 };
	if (f->phone)
		return (struct scan){ Q_LIST_PHONE, f->phone, 0 };
	if (f->matter_id)
		return (struct scan){ Q_LIST_MATTER, f->matter_id, 0 };
	if (f->customer_id)
		return (struct scan){ Q_LIST_CUSTOMER, f->customer_id, 0 };
	if (f->owner_id)
		return (struct scan){ Q_LIST_OWNER, f->owner_id, 0 };
	if (narrows(f->handler_path))
		return (struct scan){ Q_LIST_HOLDS, f->handler_path, 0 };
	if (narrows(within))
		return (struct scan){ Q_LIST_HELD, within, 0 };
	if (f->state)
		return (struct scan){ Q_LIST_STATE, NULL, f->state };
	return (struct scan){ Q_LIST_ALL, "", 0 };
}

static struct yc_stmt *run(struct ticket *t, const struct scan *s, const char *before, size_t n, struct yc_err *e)
{
	int q = ticket_q(t, s->q);

	if (!s->key)
		return yc_db_query(ticket_db(t), q, e, "iti", s->number_key, before, (int64_t)n);
	return yc_db_query(ticket_db(t), q, e, "tti", s->key, before, (int64_t)n);
}

static enum yc_code may_show(struct ticket *t, const Pb__Order *o, const struct scan *s, const char *within, int *yes, struct yc_err *e)
{
	*yes = 1;
	if (!narrows(within) || s->q == Q_LIST_HELD)
		return YC_OK;
	return ticket_store_held(t, o->id, within, yes, e);
}

/* One chunk of at most want rows into scratch; *n how many there were. */
static enum yc_code chunk(struct ticket *t, struct yc_arena *scratch, const struct scan *s, const char *before, size_t want, Pb__Order ***rows, size_t *n,
			  struct yc_err *e)
{
	return ticket_all(scratch, &pb__order__descriptor, run(t, s, before, want, e), 1, want, (void ***)rows, n, e);
}

static enum yc_code take(struct yc_arena *a, const Pb__Order *o, Pb__Order ***out, size_t *n, struct yc_err *e)
{
	size_t len;
	void *p = ticket_pack(a, o, &len, e);
	Pb__Order *copy = p ? pb__order__unpack(yc_arena_pb(a), len, p) : NULL;

	if (!copy)
		return yc_fail(e, YC_TOO_LARGE, "limit", "the page is too large");
	(*out)[(*n)++] = copy;
	return YC_OK;
}

enum yc_code ticket_store_list(struct ticket *t, struct yc_arena *a, const struct ticket_filter *f, const char *within, const char *before,
			       size_t limit, Pb__Order ***out, size_t *n, int *more, char cursor[64], struct yc_err *e)
{
	struct scan s = choose(f, within);
	struct yc_arena *scratch = yc_arena_new(64 << 20);
	size_t want = limit + 1, rows = want, seen = 0;        /* mostly the first rows are the page */
	Pb__Order **row;
	int yes;

	*n = 0;
	*more = 0;
	*out = yc_alloc(a, (limit + 1) * sizeof(**out));
	yc_copy(cursor, 64, yc_is_empty(before) ? NEWEST : before);
	while (*out && rows == want && seen < TICKET_SCAN_MAX && !*more) {
		if (seen)
			want = CHUNK;
		if (chunk(t, scratch, &s, cursor, want, &row, &rows, e) != YC_OK)
			goto out;
		for (size_t i = 0; i < rows && !*more; i++, seen++) {
			if (ticket_filter_match(f, row[i])) {
				if (may_show(t, row[i], &s, within, &yes, e) != YC_OK)
					goto out;
				if (yes && *n == limit) {
					*more = 1;
					break;
				}
				if (yes && take(a, row[i], out, n, e) != YC_OK)
					goto out;
			}
			yc_copy(cursor, 64, row[i]->id);
		}
		yc_arena_reset(scratch);
	}
	if (!*more && rows == want)
		*more = 1;      /* the bound was reached: older ones are looked at by the next page */
	yc_arena_free(&scratch);
	return *out ? YC_OK : yc_fail(e, YC_TOO_LARGE, "limit", "the page is too large");
out:
	yc_arena_free(&scratch);
	return e->code;
}
