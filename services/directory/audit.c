/* The audit log: rows of our own and of other services' audit.* events, each hash covering the row before it. */
#include "directory.h"

#include "rule_audit.h"

#include "yc/clock.h"
#include "yc/text.h"

#include <stdio.h>
#include <string.h>

#define VERIFY_CHUNK 1000
#define DETAIL_MAX 2000

static enum yc_code append(struct dir *d, Pb__AuditRow *r, struct yc_err *e)
{
	char detail[DETAIL_MAX + 1];

	if (strlen(r->detail) > DETAIL_MAX)
		r->detail = yc_copy(detail, sizeof(detail), r->detail);
	dir_count(DIR_M_AUDIT);
	return dir_audit_append(d, r, e);
}

enum yc_code dir_audit(struct dir *d, const Pb__Principal *who, const char *action, const char *object, const char *detail, struct yc_err *e)
{
	Pb__AuditRow r = PB__AUDIT_ROW__INIT;

	r.at = yc_now();
	r.actor = who->person_id;
	r.actor_name = who->name;
	r.action = (char *)action;
	r.object = (char *)object;
	r.detail = (char *)detail;
	r.source = (char *)yc_node_instance(d->n);
	return append(d, &r, e);
}

enum yc_code dir_on_audit_event(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__Audited *a = msg;
	Pb__AuditRow r = PB__AUDIT_ROW__INIT;

	r.at = ev->at;
	r.actor = a->actor;
	r.actor_name = a->actor_name;
	r.action = yc_is_empty(a->action) ? ev->type + 6 : a->action;    /* behind "audit." */
	r.object = a->object;
	r.detail = a->detail;
	r.source = ev->source;
	return append(yc_node_self(n), &r, e);
}

enum yc_code dir_on_audit_list(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	struct dir_page pg;
	enum yc_code c = dir_page_of(rq, in, &pg, e);

	return c ? c : dir_audit_page(yc_req_self(rq), yc_req_arena(rq), &pg, out, e);
}

/* --- walking the chain: some rows a turn, so that nobody waits for it ------------------------------------------------------------ */

struct walk { struct dir *d; uint64_t ref; int64_t seq; char hash[65]; };

static enum yc_code verdict(struct walk *w, struct yc_req *rq, struct yc_err *e)
{
	Pb__Status *out = yc_req_out(rq);
	int64_t seq;
	char hash[65];
	enum yc_code c = dir_audit_head(w->d, &seq, hash, e);

	if (c)
		return c;
	if (seq != w->seq || !yc_streq(hash, w->hash)) {
		out->code = PB__CODE__CODE_CONFLICT;
		out->field = yc_sprintf(yc_req_arena(rq), "%lld", (long long)w->seq + 1);
		out->message = yc_strdup(yc_req_arena(rq), "rows are missing at the end");
		return YC_OK;
	}
	out->message = yc_sprintf(yc_req_arena(rq), "%lld rows, head %s", (long long)w->seq, *w->hash ? w->hash : "-");
	return YC_OK;
}

/* One chunk. *done: the walk ended, with a verdict in the reply. */
static enum yc_code walk_some(struct walk *w, struct yc_req *rq, int *done, struct yc_err *e)
{
	Pb__AuditRows rows = PB__AUDIT_ROWS__INIT;
	Pb__Status *out = yc_req_out(rq);
	struct yc_arena *a = yc_arena_new(64u << 20);
	enum yc_code c = dir_audit_after(w->d, a, w->seq, VERIFY_CHUNK, &rows, e);
	char hash[65];

	for (size_t i = 0; c == YC_OK && !*done && i < rows.n_data; i++) {
		const Pb__AuditRow *r = rows.data[i];

		dir_audit_hash(w->hash, r, hash);
		if (r->seq != w->seq + 1 || !yc_streq(hash, r->hash)) {
			out->code = PB__CODE__CODE_CONFLICT;
			out->field = yc_sprintf(yc_req_arena(rq), "%lld", (long long)w->seq + 1);
			out->message = yc_strdup(yc_req_arena(rq), "this row was changed, or rows before it are missing");
			*done = 1;
		}
		w->seq = r->seq;
		yc_copy(w->hash, sizeof(w->hash), hash);
	}
	if (c == YC_OK && !*done && rows.n_data < VERIFY_CHUNK) {
		*done = 1;
		c = verdict(w, rq, e);
	}
	yc_arena_free(&a);
	return c;
}

static void walk_on(void *arg)
{
	struct walk *w = arg;
	struct yc_req *rq = yc_req_find(w->d->n, w->ref);
	struct yc_err e = { 0 };
	enum yc_code c = YC_OK;
	int done = 0;

	if (rq)
		c = walk_some(w, rq, &done, &e);
	if (rq && !done && c == YC_OK) {
		yc_timer_start(yc_node_loop(w->d->n), 0, 0, walk_on, w);
		return;
	}
	if (rq)
		yc_req_finish(rq, c, &e);
	yc_xfree(w);
}

enum yc_code dir_on_audit_verify(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	struct walk *w = yc_xcalloc(1, sizeof(*w));

	w->d = yc_req_self(rq);
	w->ref = yc_req_ref(rq);
	yc_req_hold(rq);
	yc_timer_start(yc_node_loop(w->d->n), 0, 0, walk_on, w);
	return YC_PENDING;
}
