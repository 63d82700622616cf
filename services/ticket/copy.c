/* Copies of what directory owns (calendars, organisations, people): the lists once at every start, then events. Both carry versions, so
 * their order does not matter. While directory is away, orders go on with what is here. */
#include <string.h>

#include "ticket.h"
#include "yc/log.h"
#include "yc/text.h"

#define PAGE 500
#define AGAIN_MS 1000

enum { LIST_CALENDARS, LIST_ORGS, LIST_PEOPLE, LIST_COUNT };

static enum yc_code put_calendar(struct ticket *t, const Pb__Calendar *c, struct yc_err *e)
{
	struct yc_arena *a = yc_arena_new(4 << 20);
	int changed = 0;
	enum yc_code rc = ticket_store_calendar_put(t, a, c, &changed, e);

	yc_arena_free(&a);
	if (rc == YC_OK && changed)
		ticket_recalc_start(t);
	return rc;
}

enum yc_code ticket_on_calendar(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	return put_calendar(yc_node_self(n), msg, e);
}

enum yc_code ticket_on_org(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	return ticket_store_org_put(yc_node_self(n), msg, e);
}

enum yc_code ticket_on_person(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	return ticket_store_person_put(yc_node_self(n), msg, e);
}

static void ask(struct ticket *t);

static void again(void *arg)
{
	ask(arg);
}

static void next_list(struct ticket *t)
{
	t->copied |= 1 << t->copying.list;
	t->copying.after[0] = 0;
	t->copying.wait_ms = AGAIN_MS / 8;
	if (++t->copying.list < LIST_COUNT)
		ask(t);
	else
		yc_info("copied calendars, organisations and people from directory");
}

/* Put one page; *last is where the next begins, or NULL after the last page. */
static enum yc_code put_page(struct ticket *t, int list, const void *msg, const char **next, struct yc_err *e)
{
	const Pb__Calendars *c = msg;
	const Pb__Orgs *o = msg;
	const Pb__People *p = msg;

	e->code = YC_OK;
	switch (list) {
	case LIST_CALENDARS:
		for (size_t i = 0; i < c->n_data && e->code == YC_OK; i++)
			e->code = put_calendar(t, c->data[i], e);
		*next = c->has_more ? c->next_cursor : NULL;
		break;
	case LIST_ORGS:
		for (size_t i = 0; i < o->n_data && e->code == YC_OK; i++)
			e->code = ticket_store_org_put(t, o->data[i], e);
		*next = o->has_more ? o->next_cursor : NULL;
		break;
	default:
		for (size_t i = 0; i < p->n_data && e->code == YC_OK; i++)
			e->code = ticket_store_person_put(t, p->data[i], e);
		*next = p->has_more ? p->next_cursor : NULL;
	}
	return e->code;
}

static void on_page(void *arg, enum yc_code code, const void *msg, const struct yc_err *why)
{
	struct ticket *t = arg;
	struct yc_err e = { 0 };
	const char *next = NULL;

	if (code == YC_OK && put_page(t, t->copying.list, msg, &next, &e) == YC_OK) {
		if (!yc_is_empty(next)) {
			yc_copy(t->copying.after, sizeof(t->copying.after), next);
			ask(t);
		} else {
			next_list(t);
		}
		return;
	}
	yc_info("directory's lists are not copied yet: %s", code == YC_OK ? e.msg : why->msg);
	t->copying.wait_ms = t->copying.wait_ms * 2 > 5 * AGAIN_MS ? 5 * AGAIN_MS : t->copying.wait_ms * 2;
	t->copy = yc_timer_start(yc_node_loop(t->node), t->copying.wait_ms, 0, again, t);
}

static void ask(struct ticket *t)
{
	static const char *const methods[LIST_COUNT] = { "CalendarList", "OrgList", "PersonList" };
	Pb__ListReq in = PB__LIST_REQ__INIT;
	struct yc_call call = { .service = "directory", .api = &pb__directory__descriptor, .method = methods[t->copying.list], .in = &in,
				.timeout_ms = 5000, .fn = on_page, .arg = t };

	t->copy = NULL;
	in.limit = PAGE;
	in.starting_after = t->copying.after;
	yc_node_call(t->node, &call);
}

enum yc_code ticket_copy_start(struct ticket *t, struct yc_err *e)
{
	int has = 0;

	if (ticket_store_has_copy(t, &has, e) != YC_OK)
		return e->code;
	if (has)                /* from an earlier run: good enough to work with at once */
		t->copied = (1 << LIST_COUNT) - 1;
	memset(&t->copying, 0, sizeof(t->copying));
	t->copying.wait_ms = AGAIN_MS / 8;
	ask(t);
	return YC_OK;
}

const char *ticket_copy_missing(const struct ticket *t)
{
	if (!(t->copied & 1 << LIST_CALENDARS))
		return "calendars are not copied from directory yet";
	if (!(t->copied & 1 << LIST_ORGS))
		return "organisations are not copied from directory yet";
	return t->copied & 1 << LIST_PEOPLE ? NULL : "people are not copied from directory yet";
}

enum yc_code ticket_lift(struct ticket *t, const char *path, char out[TICKET_PATH_LEN], struct yc_err *e)
{
	struct ticket_org org;
	char *slash;
	int found;

	yc_copy(out, TICKET_PATH_LEN, path);
	for (;;) {
		if (ticket_store_org(t, out, &org, &found, e) != YC_OK)
			return e->code;
		slash = strrchr(out, '/');
		if (!found || !yc_streq(org.kind, "team") || !slash || slash == out)
			return YC_OK;
		*slash = 0;
	}
}
