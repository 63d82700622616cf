/* Units of work and group commit. Handlers, event effects and callbacks are units of one transaction; it is committed at the end of the loop's
 * turn, then replies leave and events are published. When the commit fails, each request is run again in a transaction of its own. */
#include <stdlib.h>

#include "node_impl.h"
#include "yc/log.h"

static void list_add(struct req_list *l, struct yc_req *rq)
{
	rq->next = NULL;
	if (l->tail)
		l->tail->next = rq;
	else
		l->head = rq;
	l->tail = rq;
}

static struct yc_req *list_take(struct req_list *l)
{
	struct yc_req *head = l->head;

	*l = (struct req_list){ 0 };
	return head;
}

void node_unit_begin(struct yc_node *n, enum unit_kind kind)
{
	n->in_unit = n->has_unit = 1;
	n->unit_kind = kind;
	n->unit_undo = 0;
	if (!n->db)
		return;
	n->unit_head = n->out.head;
	n->unit_bytes = n->to_publish.n;
	n->unit_wrote = yc_db_kept(n->db);
	yc_db_unit_begin(n->db);
}

static void forget_emitted(struct yc_node *n)
{
	n->n_to_publish -= (int)(n->out.head - n->unit_head);
	n->out.head = n->unit_head;
	n->to_publish.n = n->unit_bytes;
}

static enum yc_code end_in_store(struct yc_node *n, int keep, struct yc_err *e)
{
	enum yc_code code;

	if (!n->db)
		return YC_OK;
	code = yc_db_unit_end(n->db, keep, e);
	if (!keep || code)
		forget_emitted(n);
	else if (yc_db_kept(n->db) > n->unit_wrote && n->unit_kind != UNIT_EVENT) {
		n->turn_writes++;
		n->turn_lost += n->unit_kind != UNIT_REQUEST;
	}
	return code;
}

enum yc_code node_unit_end(struct yc_node *n, int keep, struct yc_err *e)
{
	enum yc_code code = end_in_store(n, keep && !n->unit_undo, e);
	struct yc_req *rq = list_take(&n->ended_in_unit), *next;

	n->in_unit = 0;
	if (code && n->unit_kind == UNIT_REPLY)
		yc_error("node: what a reply led to could not be stored: %s", e->msg);
	if (!code && n->unit_undo && rq)
		(void)yc_fail(e, YC_UNAVAILABLE, NULL, "undone together with another request");
	for (; rq; rq = next) {
		next = rq->next;
		if (rq->code == YC_OK && (code || (n->unit_undo && rq->method->rpc->kind == YC_RPC_WRITE))) {
			rq->code = e->code;
			rq->err = *e;
		}
		node_settle(n, rq);
	}
	return code;
}

void node_before_callback(void *arg)
{
	node_unit_begin(arg, UNIT_REPLY);
}

void node_after_callback(void *arg)
{
	struct yc_err e = { 0 };

	(void)node_unit_end(arg, 1, &e);
}

void node_settle(struct yc_node *n, struct yc_req *rq)
{
	if (n->in_unit)
		list_add(&n->ended_in_unit, rq);
	else if (n->turn_writes)
		list_add(&n->turn, rq);
	else
		node_req_answer(rq);
}

enum yc_code yc_node_do(struct yc_node *n, enum yc_code (*fn)(struct yc_node *n, void *arg, struct yc_err *e), void *arg, struct yc_err *e)
{
	struct yc_err mine = { 0 }, *err = e ? e : &mine;
	enum yc_code code, kept;

	if (n->in_unit)                          /* part of the unit in hand */
		return fn(n, arg, err);
	node_unit_begin(n, UNIT_DO);
	code = fn(n, arg, err);
	kept = node_unit_end(n, code == YC_OK, code ? &mine : err);
	return code ? code : kept;
}

/* --- the end of a turn ------------------------------------------------------------------------------------------------------- */

static enum yc_code commit(struct yc_node *n, struct yc_err *e)
{
	enum yc_code code = consumer_before_commit(n, e);

	if (!code)
		code = yc_db_commit(n->db, e);
	if (code) {
		yc_db_rollback(n->db);
		node_outbox_rolled_back(n);
		consumer_rolled_back(n);
		return code;
	}
	node_outbox_committed(n);
	consumer_committed(n);
	return YC_OK;
}

static void fail_req(struct yc_req *rq, enum yc_code code, const struct yc_err *e)
{
	rq->code = code == YC_STALE ? YC_UNAVAILABLE : code;
	rq->err = *e;
	node_req_answer(rq);
}

/* In a transaction of its own, so that one bad request does not fail its neighbours. */
static void replay(struct yc_node *n, struct yc_req *rq)
{
	struct yc_err e = { 0 };
	enum yc_code code;

	node_run(rq);
	code = commit(n, &e);
	n->turn_writes = n->turn_lost = 0;
	rq = list_take(&n->turn);
	if (!rq)
		return;                          /* answered, or held */
	if (code)
		fail_req(rq, code, &e);
	else
		node_req_answer(rq);
}


static void commit_failed(struct yc_node *n, enum yc_code code, const struct yc_err *why)
{
	struct yc_req *rq = list_take(&n->turn), *next;
	int lost = n->turn_lost;

	yc_warn("node: commit failed (%s), running the requests of this turn one by one", why->msg);
	n->turn_writes = n->turn_lost = 0;
	if (n->svc->lost)
		n->svc->lost(n, n->self);
	for (; rq; rq = next) {
		next = rq->next;
		if (rq->is_replayable)
			replay(n, rq);
		else
			fail_req(rq, YC_UNAVAILABLE, why);
	}
	if (lost && !n->svc->lost) {
		yc_error("node: the store failed and undid work that cannot be run again: starting anew");
		_Exit(70);
	}
}

static int must_commit(const struct yc_node *n)
{
	return n->turn.head || n->turn_writes || consumer_wants_commit(n) || (n->has_unit && !consumer_has_effects(n));
}

void node_turn_end(void *arg)
{
	struct yc_node *n = arg;
	struct yc_err e = { 0 };
	struct yc_req *rq, *next;
	enum yc_code code;

	if (!n->db || !must_commit(n))
		return;
	n->has_unit = 0;
	code = commit(n, &e);
	if (code) {
		commit_failed(n, code, &e);
		return;
	}
	n->turn_writes = n->turn_lost = 0;
	rq = list_take(&n->turn);
	for (; rq; rq = next) {
		next = rq->next;
		node_req_answer(rq);
	}
}
