/* Organisation tree and skills, and the reading side of extensions and calendars. */
#include "directory.h"

#include "rule_check.h"

#include "yc/text.h"

#include <string.h>

#define MAX_DEPTH 16

static char *pattern(struct yc_arena *a, const char *q)
{
	char *p = yc_alloc(a, strlen(q) * 2 + 3), *w = p;

	if (!p)
		return NULL;
	*w++ = '%';
	for (; *q; q++) {
		if (strchr("%_\\", *q))
			*w++ = '\\';
		*w++ = *q >= 'A' && *q <= 'Z' ? *q + 32 : *q;
	}
	if (w > p + 1)
		*w++ = '%';
	return p;
}

enum yc_code dir_page_of(struct yc_req *rq, const Pb__ListReq *in, struct dir_page *out, struct yc_err *e)
{
	const Pb__Principal *who = yc_req_who(rq);
	int max = yc_req_may(rq, YC_SERVICES) ? 1000 : 100;

	if (in->limit < 0 || in->limit > max)
		return yc_fail(e, YC_INVALID, "limit", "must be 1 to %d", max);
	if (strlen(in->q) > 200)
		return yc_fail(e, YC_INVALID, "q", "at most 200 bytes");
	if (!yc_is_empty(in->status) && !yc_streq(in->status, "active") && !yc_streq(in->status, "inactive"))
		return yc_fail(e, YC_INVALID, "status", "must be active or inactive");
	*out = (struct dir_page){ .limit = in->limit ? in->limit : 25, .after = in->starting_after, .org = in->org, .status = in->status };
	out->q = pattern(yc_req_arena(rq), in->q);
	out->base = "/";
	if (!yc_req_may(rq, YC_SERVICES) && !yc_streq(who->org_path, "/"))
		out->base = yc_sprintf(yc_req_arena(rq), "%s/", yc_is_empty(who->org_path) ? "/" : who->org_path);   /* "//": nothing */
	if (!out->q || !out->base)
		return yc_fail(e, YC_TOO_LARGE, NULL, "the request is too large");
	return YC_OK;
}

/* --- paths ------------------------------------------------------------------------------------------------------------------- */

static enum yc_code no_other_root(struct dir *d, struct yc_arena *a, const Pb__Org *o, struct yc_err *e)
{
	Pb__Org **roots = NULL;
	size_t n = 0;
	enum yc_code c = dir_org_children(d, a, "", &roots, &n, e);

	if (c == YC_OK && n && !yc_streq(roots[0]->code, o->code))
		return yc_fail(e, YC_INVALID, "parent", "the tree has a root already: %s", roots[0]->code);
	return c;
}

enum yc_code dir_org_place(struct dir *d, struct yc_arena *a, Pb__Org *o, struct yc_err *e)
{
	Pb__Org *up = NULL;
	const char *next = o->parent, *above = NULL;
	int depth = 0;
	enum yc_code c;

	if (yc_is_empty(o->parent)) {
		o->path = yc_sprintf(a, "/%s", o->code);
		return no_other_root(d, a, o, e);
	}
	for (; *next; next = up->parent) {
		if (yc_streq(next, o->code))
			return yc_fail(e, YC_INVALID, "parent", "%s would stand below itself", o->code);
		if (++depth > MAX_DEPTH)
			return yc_fail(e, YC_INVALID, "parent", "deeper than %d levels", MAX_DEPTH);
		if ((c = dir_org_get(d, a, next, &up, e)))
			return c;
		if (!up)
			return yc_fail(e, YC_INVALID, "parent", "no such organisation: %s", next);
		if (!above)
			above = up->path;
	}
	o->path = yc_sprintf(a, "%s/%s", above, o->code);
	return o->path ? YC_OK : yc_fail(e, YC_TOO_LARGE, NULL, "the request is too large");
}

/* People carry their organisation's path: those who keep a copy must hear of it. */
static enum yc_code tell_people(struct dir *d, struct yc_arena *a, const char *org, struct yc_err *e)
{
	Pb__Person **v = NULL;
	size_t n = 0;
	enum yc_code c = dir_person_in_org(d, a, org, &v, &n, e);

	for (size_t i = 0; c == YC_OK && i < n; i++)
		c = yc_emit(d->n, "person.changed", "", v[i]->id, v[i], e);
	return c;
}

static enum yc_code move_below(struct dir *d, struct yc_arena *a, const Pb__Org *top, struct yc_err *e)
{
	Pb__Org **v = NULL;
	size_t n = 0;
	enum yc_code c = tell_people(d, a, top->code, e);

	if (c == YC_OK)
		c = dir_org_children(d, a, top->code, &v, &n, e);
	for (size_t i = 0; c == YC_OK && i < n; i++) {
		v[i]->path = yc_sprintf(a, "%s/%s", top->path, v[i]->code);
		if ((c = dir_org_put(d, v[i], 0, e)))
			break;
		v[i]->version++;
		if ((c = yc_emit(d->n, "org.changed", "", v[i]->code, v[i], e)) == YC_OK)
			c = move_below(d, a, v[i], e);
	}
	return c;
}

enum yc_code dir_org_store(struct dir *d, struct yc_arena *a, Pb__Org *o, const Pb__Org *was, struct yc_err *e)
{
	enum yc_code c;

	o->version = was ? was->version : 1;
	if ((c = dir_org_put(d, o, !was, e)))
		return c;
	o->version += was != NULL;
	if ((c = yc_emit(d->n, "org.changed", "", o->code, o, e)))
		return c;
	return was && !yc_streq(was->path, o->path) ? move_below(d, a, o, e) : YC_OK;
}

/* --- lists ------------------------------------------------------------------------------------------------------------------- */

enum yc_code dir_on_org_list(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	struct dir_page pg;
	enum yc_code c = dir_page_of(rq, in, &pg, e);

	return c ? c : dir_org_page(yc_req_self(rq), yc_req_arena(rq), &pg, out, e);
}

enum yc_code dir_on_skill_list(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	struct dir_page pg;
	enum yc_code c = dir_page_of(rq, in, &pg, e);

	return c ? c : dir_skill_page(yc_req_self(rq), yc_req_arena(rq), &pg, out, e);
}

enum yc_code dir_on_extension_list(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	Pb__Extensions *x = out;
	struct dir_page pg;
	enum yc_code c = dir_page_of(rq, in, &pg, e);

	if (c || (c = dir_extension_page(yc_req_self(rq), yc_req_arena(rq), &pg, x, e)))
		return c;
	for (size_t i = 0; !yc_req_may(rq, YC_SERVICES) && i < x->n_data; i++)
		x->data[i]->ha1_md5 = x->data[i]->ha1_sha256 = (char *)protobuf_c_empty_string;
	return YC_OK;
}

enum yc_code dir_on_calendar_list(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	struct dir_page pg;
	enum yc_code c = dir_page_of(rq, in, &pg, e);

	return c ? c : dir_calendar_page(yc_req_self(rq), yc_req_arena(rq), &pg, out, e);
}

enum yc_code dir_on_calendar_get(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	const Pb__KeyReq *k = in;
	Pb__Calendar *cal;
	enum yc_code c = dir_calendar_get(yc_req_self(rq), yc_req_arena(rq), k->id, &cal, e);

	if (c)
		return c;
	if (!cal)
		return yc_fail(e, YC_NOT_FOUND, "id", "no such calendar");
	*(Pb__Calendar *)out = *cal;
	return YC_OK;
}
