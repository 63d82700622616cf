/* Names of people, organisations, queues and process steps: learned from events, and from their owners' lists at start (events of long ago
 * are no longer told). While an owner is away, codes stand where names would. */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include <uthash.h>

#include "yc/arena.h"
#include "yc/log.h"
#include "yc/text.h"

#define PAGE 500
#define AGAIN_MS 250
#define AGAIN_MAX_MS 2000
#define KEY_LEN 192

struct report_name { char key[KEY_LEN], name[128], name_en[128], path[256]; int64_t n; UT_hash_handle hh; };

static char *key_of(const char *kind, const char *id, char key[KEY_LEN])
{
	snprintf(key, KEY_LEN, "%s/%s", kind, id);
	return key;
}

static struct report_name *find(struct report *r, const char *kind, const char *id)
{
	struct report_name *x = NULL;
	char key[KEY_LEN];

	key_of(kind, id, key);
	HASH_FIND_STR(r->names, key, x);
	return x;
}

static void remember(struct report *r, const struct report_label *l)
{
	struct report_name *x = find(r, l->kind, l->id);

	if (!x) {
		x = yc_xcalloc(1, sizeof(*x));
		key_of(l->kind, l->id, x->key);
		HASH_ADD_STR(r->names, key, x);
	}
	yc_copy(x->name, sizeof(x->name), l->name);
	yc_copy(x->name_en, sizeof(x->name_en), l->name_en);
	yc_copy(x->path, sizeof(x->path), l->path);
	x->n = l->n;
}

static int is_known(struct report *r, const struct report_label *l)
{
	struct report_name *x = find(r, l->kind, l->id);

	return x && yc_streq(x->name, l->name) && yc_streq(x->name_en, l->name_en) && yc_streq(x->path, l->path) && x->n == l->n;
}

enum yc_code report_learn(struct report *r, const struct report_label *l, struct yc_err *e)
{
	enum yc_code rc;

	if (!*l->id || is_known(r, l))
		return YC_OK;
	rc = report_store_name_put(r, l, e);
	if (!rc)
		remember(r, l);
	return rc;
}

const char *report_name(void *arg, const char *kind, const char *id, int english)
{
	struct report_name *x = find(arg, kind, id);

	return !x ? NULL : english && *x->name_en ? x->name_en : x->name;
}

int64_t report_threshold(void *arg, const char *queue)
{
	struct report_name *x = find(arg, "queue", queue);

	return x && x->n > 0 ? x->n : REPORT_THRESHOLD_MS;
}

const char *report_org_path(struct report *r, const char *code)
{
	struct report_name *x = find(r, "org", code);

	return x ? x->path : "";
}

const struct report_known *report_known(struct report *r, struct report_known *out)
{
	*out = (struct report_known){ report_name, report_threshold, r };
	return out;
}

/* --- what each owner tells ------------------------------------------------------------------------------------------------------------ */

static enum yc_code learn_person(struct report *r, const Pb__Person *p, struct yc_err *e)
{
	return report_learn(r, &(struct report_label){ "person", p->id, p->name, p->name_en, p->org_path, 0 }, e);
}

static enum yc_code learn_org(struct report *r, const Pb__Org *o, struct yc_err *e)
{
	return report_learn(r, &(struct report_label){ "org", o->code, o->name, o->name_en, o->path, 0 }, e);
}

static enum yc_code learn_queue(struct report *r, const Pb__Queue *q, struct yc_err *e)
{
	return report_learn(r, &(struct report_label){ "queue", q->code, q->name, q->name_en, "", q->service_level_ms }, e);
}

static enum yc_code learn_process(struct report *r, const Pb__Process *p, struct yc_err *e)
{
	enum yc_code rc = YC_OK;

	for (size_t i = 0; i < p->n_steps && !rc; i++) {
		char id[160];

		snprintf(id, sizeof(id), "%s/%d/%s", p->code, p->version_no, p->steps[i]->code);
		rc = report_learn(r, &(struct report_label){ "step", id, p->steps[i]->name, p->steps[i]->name_en, "", 0 }, e);
	}
	return rc;
}

enum yc_code report_on_person(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	return learn_person(yc_node_self(n), msg, e);
}

enum yc_code report_on_org(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	return learn_org(yc_node_self(n), msg, e);
}

enum yc_code report_on_queue(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	return learn_queue(yc_node_self(n), msg, e);
}

/* --- lists ---------------------------------------------------------------------------------------------------------------------------- */

static const struct {
	int bit;
	const char *service, *method;
	const ProtobufCServiceDescriptor *api;
} lists[] = {
	{ REPORT_COPY_PEOPLE, "directory", "PersonList", &pb__directory__descriptor },
	{ REPORT_COPY_ORGS, "directory", "OrgList", &pb__directory__descriptor },
	{ REPORT_COPY_QUEUES, "acd", "QueueList", &pb__acd__descriptor },
	{ REPORT_COPY_STEPS, "ticket", "ProcessList", &pb__ticket__descriptor },
};

#define PUT_ALL(type, learn) do { \
	const type *m = msg; \
	for (size_t i = 0; i < m->n_data && !rc; i++) \
		rc = learn(r, m->data[i], e); \
	*next = m->has_more ? m->next_cursor : ""; \
} while (0)

static enum yc_code put_page(struct report *r, int bit, const void *msg, const char **next, struct yc_err *e)
{
	enum yc_code rc = YC_OK;

	switch (bit) {
	case REPORT_COPY_PEOPLE: PUT_ALL(Pb__People, learn_person); break;
	case REPORT_COPY_ORGS: PUT_ALL(Pb__Orgs, learn_org); break;
	case REPORT_COPY_QUEUES: PUT_ALL(Pb__Queues, learn_queue); break;
	default: PUT_ALL(Pb__Processes, learn_process); break;
	}
	return rc;
}

static void ask(struct report *r);

static void on_again(void *arg)
{
	struct report *r = arg;

	r->copy = NULL;
	ask(r);
}

/* One that does not answer shall not keep the others waiting: the pause comes after all have been asked. */
static void later(struct report *r)
{
	r->copying.list = (r->copying.list + 1) % 4;
	r->copying.after[0] = 0;
	if (++r->copying.failed < 4) {
		ask(r);
		return;
	}
	r->copying.failed = 0;
	r->copying.wait_ms = r->copying.wait_ms * 2 > AGAIN_MAX_MS ? AGAIN_MAX_MS : r->copying.wait_ms * 2;
	if (!r->copy)
		r->copy = yc_timer_start(yc_node_loop(r->node), r->copying.wait_ms, 0, on_again, r);
}

static void on_page(void *arg, enum yc_code code, const void *msg, const struct yc_err *why)
{
	struct report *r = arg;
	int bit = lists[r->copying.list].bit;
	struct yc_err e = { 0 };
	const char *next = "";

	if (code || put_page(r, bit, msg, &next, &e)) {
		yc_debug("%s of %s: %s", lists[r->copying.list].method, lists[r->copying.list].service, code ? why->msg : e.msg);
		later(r);
		return;
	}
	yc_copy(r->copying.after, sizeof(r->copying.after), next);
	if (!*next) {
		r->copying.todo &= ~bit;
		r->copying.wait_ms = AGAIN_MS;
		r->copying.failed = 0;
	}
	ask(r);
}

static void ask(struct report *r)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	struct yc_call call = { .in = &in, .timeout_ms = 5000, .fn = on_page, .arg = r };
	int k;

	for (k = 0; k < 4 && !(r->copying.todo & lists[r->copying.list].bit); k++) {
		r->copying.list = (r->copying.list + 1) % 4;
		r->copying.after[0] = 0;
	}
	if (k == 4)
		return;
	in.limit = PAGE;
	in.starting_after = r->copying.after;
	call.service = lists[r->copying.list].service;
	call.api = lists[r->copying.list].api;
	call.method = lists[r->copying.list].method;
	yc_node_call(r->node, &call);
}

void report_copy(struct report *r, int which)
{
	int idle = !r->copying.todo;

	r->copying.todo |= which;
	if (!idle)
		return;
	r->copying.wait_ms = AGAIN_MS;
	ask(r);
}

enum yc_code report_names_open(struct report *r, struct yc_err *e)
{
	return report_store_names(r, remember, e);
}

void report_names_close(struct report *r)
{
	struct report_name *x, *next;

	yc_timer_stop(&r->copy);
	HASH_ITER(hh, r->names, x, next) {
		HASH_DEL(r->names, x);
		yc_xfree(x);
	}
}
