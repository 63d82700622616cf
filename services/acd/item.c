/* A work item: a contact that wants a person. Waits in a queue, is offered, talks, ends. */
#include <string.h>

#include <utlist.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#include "acd.h"

#define IS(x) PB__ITEM_STATE__ITEM_STATE_##x
#define GONE_MAX 20000
#define PRIORITY_MAX 1000
#define PARK_DOUBLINGS 4

struct acd_item *acd_item_find(struct acd *x, const char *id)
{
	struct acd_item *i;

	HASH_FIND_STR(x->items, id, i);
	return i;
}

/* --- what ended lately: a late repeat must not bring it to life again ----------------------------------------------------------- */
int acd_item_was(struct acd *x, const char *id)
{
	struct acd_gone *g;

	HASH_FIND_STR(x->gone, id, g);
	return g ? (int)g->state : (int)IS(NONE);
}

static void remember(struct acd *x, const char *id, Pb__ItemState st)
{
	struct acd_gone *g;

	HASH_FIND_STR(x->gone, id, g);
	if (g || yc_is_empty(id) || strlen(id) >= YC_ID_LEN)
		return;
	if (x->n_gone >= GONE_MAX) {
		g = x->gone_list;
		DL_DELETE(x->gone_list, g);
		HASH_DEL(x->gone, g);
		x->n_gone--;
	} else {
		g = yc_xcalloc(1, sizeof(*g));
	}
	yc_copy(g->id, sizeof(g->id), id);
	g->state = st;
	HASH_ADD_STR(x->gone, id, g);
	DL_APPEND(x->gone_list, g);
	x->n_gone++;
}

/* --- state and place ---------------------------------------------------------------------------------------------------------- */
static void count(struct acd_item *i, int d)
{
	struct acd_queue *q = i->queue;

	if (!q)
		return;
	q->waiting += i->state == IS(WAITING) ? d : 0;
	q->offered += i->state == IS(OFFERED) ? d : 0;
	q->talking += i->state == IS(ACCEPTED) ? d : 0;
}

void acd_item_set_state(struct acd_item *i, Pb__ItemState st)
{
	count(i, -1);
	i->state = st;
	count(i, 1);
}

void acd_item_wait(struct acd *x, struct acd_item *i)
{
	acd_timer_off(x, &i->timer);
	acd_item_set_state(i, IS(WAITING));
	if (!i->queue || i->r.pos)
		return;
	route_wait(x->route, &i->r);
	yc_heap_push(&i->queue->oldest, i->arrived_at, i->r.tie, i, &i->oldest_pos);
	if (i->r.n_tried && !i->in_picky) {
		i->in_picky = 1;
		DL_APPEND2(x->picky, i, pprev, pnext);
	}
	acd_todo_item(x, i);
}

void acd_item_unwait(struct acd *x, struct acd_item *i)
{
	route_unwait(x->route, &i->r);
	if (i->queue)
		yc_heap_remove(&i->queue->oldest, &i->oldest_pos);
	if (i->in_picky) {
		i->in_picky = 0;
		DL_DELETE2(x->picky, i, pprev, pnext);
	}
	if (i->in_todo) {
		i->in_todo = 0;
		DL_DELETE(x->todo_items, i);
	}
}

static void unpark(struct acd *x, void *owner)
{
	acd_item_wait(x, owner);
}

void acd_item_park(struct acd *x, struct acd_item *i)
{
	int64_t ms = x->lim.park_ms << (i->parks < PARK_DOUBLINGS ? i->parks : PARK_DOUBLINGS);

	i->parks++;
	acd_item_set_state(i, IS(WAITING));
	acd_timer_set(x, &i->timer, ms, unpark, i);
}

/* --- arrival ------------------------------------------------------------------------------------------------------------------ */
static enum yc_code check_len(const char *s, size_t size, const char *field, struct yc_err *e)
{
	return strlen(s) < size ? YC_OK : yc_fail(e, YC_INVALID, field, "at most %zu bytes", size - 1);
}

static enum yc_code check(const Pb__WorkItem *in, struct yc_err *e)
{
	enum yc_code c;

	if (yc_is_empty(in->id))
		return yc_fail(e, YC_INVALID, "id", "an item needs an id");
	if (yc_is_empty(in->gateway))
		return yc_fail(e, YC_INVALID, "gateway", "who holds the contact?");
	if ((c = check_len(in->id, YC_ID_LEN, "id", e)) != YC_OK ||
	    (c = check_len(in->contact_id, YC_ID_LEN, "contact_id", e)) != YC_OK ||
	    (c = check_len(in->matter_id, YC_ID_LEN, "matter_id", e)) != YC_OK ||
	    (c = check_len(in->call_id, YC_ID_LEN, "call_id", e)) != YC_OK ||
	    (c = check_len(in->customer_id, YC_ID_LEN, "customer_id", e)) != YC_OK ||
	    (c = check_len(in->gateway, ACD_CODE, "gateway", e)) != YC_OK ||
	    (c = check_len(in->channel, 16, "channel", e)) != YC_OK ||
	    (c = check_len(in->caller, ACD_CODE, "caller", e)) != YC_OK)
		return c;
	if (in->priority < -PRIORITY_MAX || in->priority > PRIORITY_MAX)
		return yc_fail(e, YC_INVALID, "priority", "between -%d and %d", PRIORITY_MAX, PRIORITY_MAX);
	return YC_OK;
}

/* Only the id is required here; whoever comes from outside has been checked. */
struct acd_item *acd_item_make(struct acd *x, const Pb__WorkItem *in)
{
	struct acd_item *i = yc_xcalloc(1, sizeof(*i));

	yc_copy(i->id, sizeof(i->id), in->id);
	yc_copy(i->contact, sizeof(i->contact), in->contact_id);
	yc_copy(i->matter, sizeof(i->matter), in->matter_id);
	yc_copy(i->call, sizeof(i->call), in->call_id);
	yc_copy(i->customer, sizeof(i->customer), in->customer_id);
	yc_copy(i->channel, sizeof(i->channel), yc_is_empty(in->channel) ? "voice" : in->channel);
	yc_copy(i->caller, sizeof(i->caller), in->caller);
	yc_copy(i->gateway, sizeof(i->gateway), in->gateway);
	i->queue = acd_queue_find(x, in->queue);
	i->priority = in->priority;
	i->arrived_at = in->arrived_at > 0 && in->arrived_at <= yc_now() ? in->arrived_at : yc_now();
	i->seen_ms = yc_mono();
	i->r.tie = ++x->tie;
	if (i->queue) {
		i->r.req = i->queue->req;
		i->r.key = route_key(i->arrived_at, i->priority, i->queue->boost_s);
	}
	HASH_ADD_STR(x->items, id, i);
	acd_gateway_add(x, i);
	return i;
}

enum yc_code acd_enqueue(struct acd *x, const Pb__WorkItem *in, struct yc_err *e)
{
	ACD_ENTER(x);
	struct acd_queue *q = acd_queue_find(x, in->queue);
	struct acd_item *i;
	enum yc_code c = check(in, e);

	if (c != YC_OK)
		return c;
	if (acd_item_find(x, in->id) || acd_item_was(x, in->id) != IS(NONE))
		return YC_OK;
	if (!q)
		return yc_fail(e, YC_INVALID, "queue", "there is no queue \"%s\"", in->queue);
	if ((q->max_waiting && q->waiting >= q->max_waiting) || HASH_COUNT(x->items) >= (unsigned)x->lim.max_items)
		return yc_fail(e, YC_EXHAUSTED, "queue", "%d are waiting in \"%s\": full", q->waiting, q->code);
	i = acd_item_make(x, in);
	acd_item_wait(x, i);
	x->port.tell_item(x->port.arg, "item.queued", i);
	return YC_OK;
}

/* --- talking ------------------------------------------------------------------------------------------------------------------ */
static void audit(struct acd *x, void *owner)
{
	struct acd_item *i = owner;

	acd_timer_set(x, &i->timer, x->lim.audit_ms, audit, i);
	x->port.check(x->port.arg, i);
}

void acd_item_talks(struct acd *x, struct acd_item *i, struct acd_agent *a, const char *rsv, int64_t since_at)
{
	acd_item_unwait(x, i);
	acd_item_set_state(i, IS(ACCEPTED));
	i->accepted_at = since_at;
	i->agent = a;
	a->item = i;
	yc_copy(i->rsv_id, sizeof(i->rsv_id), rsv);
	yc_copy(i->agent_id, sizeof(i->agent_id), a->id);
	*i->reason = '\0';
	acd_agent_set_work(a, i, rsv);
	acd_timer_set(x, &i->timer, x->lim.audit_ms, audit, i);
	x->port.tell_item(x->port.arg, "item.accepted", i);
	if (acd_agent_step(x, a, AG_ACCEPT) != YC_OK)
		acd_agent_step(x, a, AG_TALKING);
	a->restored = 0;
}

/* --- the end ------------------------------------------------------------------------------------------------------------------ */
static Pb__ItemState last_state(const struct acd_item *i, const char *reason)
{
	if (i->state == IS(ACCEPTED))
		return IS(SERVED);
	return !strncmp(reason, "overflow", 8) || !strncmp(reason, "rule", 4) ? IS(OVERFLOWED) : IS(ABANDONED);
}

void acd_item_end(struct acd *x, struct acd_item *i, const char *reason, int64_t talk_ms, int keep)
{
	struct acd_agent *a = i->agent;

	if (i->rsv)
		acd_rsv_step(x, i->rsv, RV_CANCEL, reason);
	acd_item_unwait(x, i);
	acd_timer_off(x, &i->timer);
	acd_item_set_state(i, last_state(i, reason));
	i->ended_at = yc_now();
	if (i->state == IS(SERVED)) {
		i->talk_ms = talk_ms > 0 ? talk_ms : i->ended_at - i->accepted_at;
		if (i->queue)
			acd_queue_handled(i->queue, i->talk_ms + i->queue->wrapup_ms);
	}
	yc_copy(i->reason, sizeof(i->reason), reason);
	x->port.tell_item(x->port.arg, "item.ended", i);
	if (keep)
		remember(x, i->id, i->state);
	if (a) {
		a->item = NULL;
		acd_agent_step(x, a, AG_END);
	}
	acd_gateway_del(x, i);
	HASH_DEL(x->items, i);
	yc_xfree(i);
}

void acd_leave(struct acd *x, const char *id, const char *reason)
{
	ACD_ENTER(x);
	struct acd_item *i = acd_item_find(x, id);

	if (i)
		acd_item_end(x, i, yc_is_empty(reason) ? "left" : reason, 0, 1);
	else
		remember(x, id, IS(ABANDONED));            /* the arrival may still be on its way */
}

void acd_end(struct acd *x, const Pb__ContactEnded *in)
{
	ACD_ENTER(x);
	struct acd_item *i = acd_item_find(x, in->item_id);
	struct acd_agent *a = acd_agent_find(x, in->agent_id);

	if (i) {
		acd_item_end(x, i, yc_is_empty(in->reason) ? "ended" : in->reason, in->talk_ms, 1);
		return;
	}
	remember(x, in->item_id, IS(SERVED));
	if (a && !a->item && a->status == PB__AGENT_STATUS__AGENT_STATUS_BUSY && !strcmp(a->work.item, in->item_id))
		acd_agent_step(x, a, AG_END);
}

void acd_item_gone(struct acd *x, const char *id)
{
	ACD_ENTER(x);
	struct acd_item *i = acd_item_find(x, id);

	if (!i)
		return;
	yc_info("item %s: gateway %s does not know its call any more", i->id, i->gateway);
	acd_item_end(x, i, "call_gone", 0, 1);
}
