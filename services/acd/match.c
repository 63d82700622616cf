/* Life of the core: start and end, time, and handing out. Event-driven: an arriving item and a freed agent are looked at at once. */
#include <string.h>

#include <utlist.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"

#include "acd.h"

void acd_init(struct acd *x, const struct acd_limits *lim, const struct acd_ports *port)
{
	memset(x, 0, sizeof(*x));
	x->lim = *lim;
	x->port = *port;
	x->route = route_new();
	x->boot = "";
}

/* Ended without a word: nobody is told, because whoever takes over knows better. */
static void drop_items(struct acd *x)
{
	struct acd_item *i, *ti;
	struct acd_rsv *v, *tv;
	struct acd_gone *g, *tg;

	HASH_ITER(hh, x->rsvs, v, tv) {
		acd_timer_off(x, &v->timer);
		HASH_DEL(x->rsvs, v);
		yc_xfree(v);
	}
	HASH_ITER(hh, x->items, i, ti) {
		acd_timer_off(x, &i->timer);
		acd_item_unwait(x, i);
		acd_item_set_state(i, PB__ITEM_STATE__ITEM_STATE_NONE);
		acd_gateway_del(x, i);
		HASH_DEL(x->items, i);
		yc_xfree(i);
	}
	HASH_ITER(hh, x->gone, g, tg) {
		HASH_DEL(x->gone, g);
		yc_xfree(g);
	}
	x->gone_list = NULL;
	x->n_gone = 0;
	x->todo_items = NULL;
}

void acd_forget(struct acd *x)
{
	struct acd_agent *a, *ta;
	struct acd_phone *p, *tp;
	struct acd_gateway *g, *tg;

	x->open = 0;
	drop_items(x);
	HASH_ITER(hh, x->gateways, g, tg) {
		acd_timer_off(x, &g->timer);
		HASH_DEL(x->gateways, g);
		yc_xfree(g);
	}
	HASH_ITER(hh, x->phones, p, tp) {
		acd_timer_off(x, &p->timer);
		p->agent = NULL;
	}
	HASH_ITER(hh, x->agents, a, ta) {
		acd_timer_off(x, &a->console);
		acd_timer_off(x, &a->wrap);
		acd_timer_off(x, &a->hold);
		a->status = PB__AGENT_STATUS__AGENT_STATUS_OFFLINE;
		a->want = PB__PRESENCE__PRESENCE_OFFLINE;
		a->phone = NULL;
		a->item = NULL;
		a->rsv = NULL;
		a->is_seat = a->resume = a->restored = a->held = a->told_once = a->dirty = 0;
		a->in_todo = 0;
		a->ver = a->redis_ver = a->since_at = a->idle_since = 0;
		memset(&a->work, 0, sizeof(a->work));
		acd_agent_place(x, a);
	}
	x->todo_agents = NULL;
}

void acd_fini(struct acd *x)
{
	struct acd_agent *a, *ta;
	struct acd_phone *p, *tp;
	struct acd_queue *q, *tq;
	struct acd_seat *s, *ts;

	acd_forget(x);
	HASH_ITER(hh, x->agents, a, ta) {
		HASH_DEL(x->agents, a);
		route_agent_remove(x->route, &a->r);
		yc_xfree(a->skills);
		yc_xfree(a);
	}
	HASH_ITER(hh, x->phones, p, tp) {
		HASH_DEL(x->phones, p);
		yc_xfree(p);
	}
	HASH_ITER(hh, x->queues, q, tq) {
		HASH_DEL(x->queues, q);
		yc_heap_fini(&q->oldest);
		yc_xfree(q);
	}
	HASH_ITER(hh, x->seats, s, ts) {
		HASH_DEL(x->seats, s);
		yc_xfree(s);
	}
	yc_xfree(x->by_staff);
	yc_heap_fini(&x->timers);
	route_free(&x->route);
}

/* --- time --------------------------------------------------------------------------------------------------------------------- */
void acd_timer_set(struct acd *x, struct acd_timer *t, int64_t delay_ms, void (*fn)(struct acd *, void *), void *owner)
{
	yc_heap_remove(&x->timers, &t->pos);
	t->fn = fn;
	t->owner = owner;
	yc_heap_push(&x->timers, yc_mono() + delay_ms, ++x->timer_tie, t, &t->pos);
}

void acd_timer_off(struct acd *x, struct acd_timer *t)
{
	yc_heap_remove(&x->timers, &t->pos);
}

int64_t acd_due(const struct acd *x)
{
	return x->timers.n ? x->timers.v[0].key : -1;
}

void acd_tick(struct acd *x)
{
	ACD_ENTER(x);
	int64_t now = yc_mono();

	while (x->timers.n && x->timers.v[0].key <= now) {
		struct acd_timer *t = yc_heap_pop(&x->timers);

		t->fn(x, t->owner);
	}
}

/* --- handing out -------------------------------------------------------------------------------------------------------------- */
void acd_todo_agent(struct acd *x, struct acd_agent *a)
{
	if (a->in_todo)
		return;
	a->in_todo = 1;
	DL_APPEND(x->todo_agents, a);
}

void acd_todo_item(struct acd *x, struct acd_item *i)
{
	if (i->in_todo)
		return;
	i->in_todo = 1;
	DL_APPEND(x->todo_items, i);
}

void acd_recheck_picky(struct acd *x)
{
	struct acd_item *i;

	DL_FOREACH2(x->picky, i, pnext)
		acd_todo_item(x, i);
}

static struct acd_agent *agent_of(struct route_agent *r)
{
	return r ? (struct acd_agent *)((char *)r - offsetof(struct acd_agent, r)) : NULL;
}

static struct acd_item *item_of(struct route_item *r)
{
	return r ? (struct acd_item *)((char *)r - offsetof(struct acd_item, r)) : NULL;
}

static void give(struct acd *x, struct acd_agent *a)
{
	struct acd_item *i = a->r.idle ? item_of(route_freed(x->route, &a->r)) : NULL;

	if (i)
		acd_reserve(x, i, a);
}

static void place(struct acd *x, struct acd_item *i)
{
	struct acd_agent *a = i->r.pos ? agent_of(route_arrive(x->route, &i->r)) : NULL;

	if (a)
		acd_reserve(x, i, a);
}

static int by_idle(const void *va, const void *vb)
{
	const struct acd_agent *a = *(struct acd_agent *const *)va, *b = *(struct acd_agent *const *)vb;

	if (a->r.idle_since != b->r.idle_since)
		return a->r.idle_since < b->r.idle_since ? -1 : 1;
	return a->r.idle_tie < b->r.idle_tie ? -1 : 1;
}

/* Shift start, recovery, new rules: each idle agent, longest idle first, gets the most urgent item he can serve. */
static void rematch(struct acd *x)
{
	struct route_agent *const *all;
	size_t n = route_agents(x->route, &all), m = 0;
	struct acd_agent **idle = yc_xcalloc(n + 1, sizeof(*idle));

	for (size_t k = 0; k < n; k++)
		if (all[k]->idle)
			idle[m++] = agent_of(all[k]);
	qsort(idle, m, sizeof(*idle), by_idle);
	for (size_t k = 0; k < m; k++)
		give(x, idle[k]);
	yc_xfree(idle);
}

static int hand_out_one(struct acd *x)
{
	if (x->rematch) {
		x->rematch = 0;
		rematch(x);
	} else if (x->todo_agents) {
		struct acd_agent *a = x->todo_agents;

		DL_DELETE(x->todo_agents, a);
		a->in_todo = 0;
		give(x, a);
	} else if (x->todo_items) {
		struct acd_item *i = x->todo_items;

		DL_DELETE(x->todo_items, i);
		i->in_todo = 0;
		place(x, i);
	} else {
		return 0;
	}
	return 1;
}

struct acd *acd_enter(struct acd *x)
{
	x->depth++;
	return x;
}

void acd_exit(struct acd **xp)
{
	struct acd *x = *xp;

	if (x->depth == 1 && x->open)
		while (hand_out_one(x))
			;
	x->depth--;
}

void acd_open(struct acd *x)
{
	ACD_ENTER(x);

	x->open = 1;
	x->rematch = 1;
}
