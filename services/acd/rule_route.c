#include "rule_route.h"

#include <string.h>

#include <uthash.h>

#include "yc/arena.h"
#include "yc/heap.h"

#define STACK 144                /* a depth-first walk of a binary heap holds at most one node per level, and there are no 2^144 agents */

struct skill_name { char *code; int32_t nr; UT_hash_handle hh; };
struct top { int64_t key; uint64_t tie; };
struct req {
	struct route_skill need[ROUTE_NEEDS];
	int32_t n;
	int32_t service, online;
	int32_t picky;                   /* waiting items that remember somebody as tried: their heap's top is not the last word */
	struct yc_heap waiting;
};

struct route {
	struct skill_name *skills;
	int32_t n_skills;
	struct yc_heap *idle;            /* [skill * ROUTE_LEVELS + level - 1] */
	struct req *reqs;
	struct top *tops;                /* of each requirement's heap; dense, because a freed agent reads a couple of dozen of them */
	int32_t *n_idle;                 /* idle agents who fit; dense for the same reason */
	int32_t n_reqs, cap_reqs;
	struct route_agent **agents;
	size_t n_agents, cap_agents;
	uint64_t idle_seq;
};

static const struct top no_top = { INT64_MAX, UINT64_MAX };

struct route *route_new(void)
{
	struct route *r = yc_xcalloc(1, sizeof(*r));

	route_skill(r, "");
	return r;
}

void route_free(struct route **rp)
{
	struct route *r = *rp;
	struct skill_name *s, *tmp;

	if (!r)
		return;
	for (int32_t i = 0; i < r->n_skills * ROUTE_LEVELS; i++)
		yc_heap_fini(&r->idle[i]);
	for (int32_t i = 0; i < r->n_reqs; i++)
		yc_heap_fini(&r->reqs[i].waiting);
	HASH_ITER(hh, r->skills, s, tmp) {
		HASH_DEL(r->skills, s);
		yc_xfree(s->code);
		yc_xfree(s);
	}
	yc_xfree(r->idle);
	yc_xfree(r->reqs);
	yc_xfree(r->tops);
	yc_xfree(r->n_idle);
	yc_xfree(r->agents);
	yc_xfree(r);
	*rp = NULL;
}

/* A heap's elements point back into their agents only, never into the array of heaps, so the array may move. */
int32_t route_skill(struct route *r, const char *code)
{
	struct skill_name *s;

	HASH_FIND_STR(r->skills, code, s);
	if (s)
		return s->nr;
	s = yc_xcalloc(1, sizeof(*s));
	s->code = yc_xstrdup(code);
	s->nr = r->n_skills++;
	HASH_ADD_KEYPTR(hh, r->skills, s->code, strlen(s->code), s);
	r->idle = yc_xrealloc(r->idle, (size_t)r->n_skills * ROUTE_LEVELS * sizeof(*r->idle));
	memset(r->idle + (size_t)s->nr * ROUTE_LEVELS, 0, ROUTE_LEVELS * sizeof(*r->idle));
	return s->nr;
}

static struct yc_heap *heap_of(const struct route *r, int32_t skill, int32_t level)
{
	return &r->idle[skill * ROUTE_LEVELS + level - 1];
}

/* --- who fits ----------------------------------------------------------------------------------------------------------------- */
static int32_t level_of(const struct route_agent *a, int32_t skill)
{
	for (int32_t i = 0; i < a->n_has && a->has[i].skill <= skill; i++)
		if (a->has[i].skill == skill)
			return a->has[i].level;
	return 0;
}

/* but: a need that is known to be met, or -1 */
static int fits_but(const struct req *q, const struct route_agent *a, int32_t but)
{
	for (int32_t i = 0; i < q->n; i++)
		if (i != but && (!(a->mask >> (q->need[i].skill & 63) & 1) || level_of(a, q->need[i].skill) < q->need[i].level))
			return 0;
	return 1;
}

static int fits(const struct req *q, const struct route_agent *a)
{
	return fits_but(q, a, -1);
}

static int has_tried(const struct route_item *i, const struct route_agent *a)
{
	for (int32_t k = 0; k < i->n_tried; k++)
		if (i->tried[k] == a)
			return 1;
	return 0;
}

/* Is somebody left in service who fits and has not been tried? */
static int others_left(const struct req *q, const struct route_item *i)
{
	int32_t left = q->service;

	for (int32_t k = 0; k < i->n_tried; k++)
		if (i->tried[k]->service && fits(q, i->tried[k]))
			left--;
	return left > 0;
}

int route_excluded(const struct route *r, const struct route_agent *a, const struct route_item *i)
{
	return i->n_tried && has_tried(i, a) && others_left(&r->reqs[i->req], i);
}

/* --- requirements ------------------------------------------------------------------------------------------------------------- */
static int norm(struct route_skill *out, const struct route_skill *need, int n)
{
	int m = 0;

	for (int i = 0; i < n; i++) {
		int k = 0;

		if (need[i].level < 1 || need[i].level > ROUTE_LEVELS)
			return -1;
		while (k < m && out[k].skill < need[i].skill)
			k++;
		if (k < m && out[k].skill == need[i].skill) {
			out[k].level = need[i].level > out[k].level ? need[i].level : out[k].level;
			continue;
		}
		memmove(&out[k + 1], &out[k], (size_t)(m - k) * sizeof(*out));
		out[k] = need[i];
		m++;
	}
	return m;
}

static void agent_can(struct route *r, struct route_agent *a, int32_t req)
{
	struct req *q = &r->reqs[req];

	if (a->n_reqs == a->cap_reqs) {
		a->cap_reqs = a->cap_reqs ? a->cap_reqs * 2 : 8;
		a->reqs = yc_xrealloc(a->reqs, (size_t)a->cap_reqs * sizeof(*a->reqs));
	}
	a->reqs[a->n_reqs++] = req;
	q->online += a->online;
	q->service += a->service;
	r->n_idle[req] += a->idle;
}

static void grow_reqs(struct route *r)
{
	r->cap_reqs = r->cap_reqs ? r->cap_reqs * 2 : 16;
	r->reqs = yc_xrealloc(r->reqs, (size_t)r->cap_reqs * sizeof(*r->reqs));
	r->tops = yc_xrealloc(r->tops, (size_t)r->cap_reqs * sizeof(*r->tops));
	r->n_idle = yc_xrealloc(r->n_idle, (size_t)r->cap_reqs * sizeof(*r->n_idle));
}

int32_t route_req(struct route *r, const struct route_skill *need, int n)
{
	struct route_skill s[ROUTE_NEEDS + 1] = { { 0, 1 } };
	struct req *q;
	int m;

	if (n < 0 || n > ROUTE_NEEDS)
		return -1;
	m = n ? norm(s, need, n) : 1;
	if (m < 1)
		return -1;
	for (int32_t i = 0; i < r->n_reqs; i++)
		if (r->reqs[i].n == m && !memcmp(r->reqs[i].need, s, (size_t)m * sizeof(*s)))
			return i;
	if (r->n_reqs == r->cap_reqs)
		grow_reqs(r);
	q = &r->reqs[r->n_reqs];
	memset(q, 0, sizeof(*q));
	memcpy(q->need, s, (size_t)m * sizeof(*s));
	q->n = m;
	r->tops[r->n_reqs] = no_top;
	r->n_idle[r->n_reqs] = 0;
	for (size_t i = 0; i < r->n_agents; i++)
		if (fits(q, r->agents[i]))
			agent_can(r, r->agents[i], r->n_reqs);
	return r->n_reqs++;
}

/* --- agents ------------------------------------------------------------------------------------------------------------------- */
static void join(struct route *r, struct route_agent *a)
{
	for (int32_t i = 0; i < a->n_has; i++)
		yc_heap_push(heap_of(r, a->has[i].skill, a->has[i].level), a->idle_since, a->idle_tie, a, &a->has[i].pos);
	for (int32_t i = 0; i < a->n_reqs; i++)
		r->n_idle[a->reqs[i]]++;
	a->idle = 1;
}

void route_idle(struct route *r, struct route_agent *a, int64_t since)
{
	if (a->idle)
		return;
	a->idle_since = since;
	a->idle_tie = ++r->idle_seq;
	join(r, a);
}

void route_busy(struct route *r, struct route_agent *a)
{
	if (!a->idle)
		return;
	for (int32_t i = 0; i < a->n_has; i++)
		yc_heap_remove(heap_of(r, a->has[i].skill, a->has[i].level), &a->has[i].pos);
	for (int32_t i = 0; i < a->n_reqs; i++)
		r->n_idle[a->reqs[i]]--;
	a->idle = 0;
}

void route_agent_on(struct route *r, struct route_agent *a, int online, int service)
{
	int d_on = !!online - a->online, d_svc = !!service - a->service;

	for (int32_t i = 0; (d_on || d_svc) && i < a->n_reqs; i++) {
		r->reqs[a->reqs[i]].online += d_on;
		r->reqs[a->reqs[i]].service += d_svc;
	}
	a->online = !!online;
	a->service = !!service;
}

static void skills_in(struct route_agent *a, const struct route_skill *has, int n)
{
	struct route_skill s[ROUTE_SKILLS + 2] = { { 0, 1 } }, sorted[ROUTE_SKILLS + 2];
	int m = 1;

	for (int i = 0; i < n && m <= ROUTE_SKILLS; i++)
		if (has[i].level >= 1 && has[i].level <= ROUTE_LEVELS && has[i].skill > 0)
			s[m++] = has[i];
	m = norm(sorted, s, m);
	a->has = yc_xrealloc(a->has, (size_t)m * sizeof(*a->has));
	a->n_has = m;
	a->mask = 0;
	for (int i = 0; i < m; i++) {
		a->has[i] = (struct route_slot){ sorted[i].skill, sorted[i].level, 0 };
		a->mask |= 1ull << (sorted[i].skill & 63);
	}
}

void route_agent_set(struct route *r, struct route_agent *a, const struct route_skill *has, int n)
{
	int online = a->online, service = a->service, idle = a->idle;

	if (!a->place) {
		if (r->n_agents == r->cap_agents) {
			r->cap_agents = r->cap_agents ? r->cap_agents * 2 : 64;
			r->agents = yc_xrealloc(r->agents, r->cap_agents * sizeof(*r->agents));
		}
		r->agents[r->n_agents] = a;
		a->place = ++r->n_agents;
	}
	route_busy(r, a);
	route_agent_on(r, a, 0, 0);
	skills_in(a, has, n);
	a->n_reqs = 0;
	for (int32_t i = 0; i < r->n_reqs; i++)
		if (fits(&r->reqs[i], a))
			agent_can(r, a, i);
	route_agent_on(r, a, online, service);
	if (idle)
		join(r, a);
}

void route_agent_remove(struct route *r, struct route_agent *a)
{
	if (!a->place)
		return;
	route_busy(r, a);
	route_agent_on(r, a, 0, 0);
	r->agents[a->place - 1] = r->agents[--r->n_agents];
	r->agents[a->place - 1]->place = a->place;
	yc_xfree(a->has);
	yc_xfree(a->reqs);
	memset(a, 0, sizeof(*a));
}

size_t route_agents(const struct route *r, struct route_agent *const **out)
{
	*out = r->agents;
	return r->n_agents;
}

/* --- waiting items ------------------------------------------------------------------------------------------------------------ */
int64_t route_key(int64_t arrived_at, int32_t priority, int32_t boost_s)
{
	return arrived_at - (int64_t)priority * boost_s * 1000;
}

static void set_top(struct route *r, int32_t req)
{
	const struct yc_heap *h = &r->reqs[req].waiting;

	r->tops[req] = h->n ? (struct top){ h->v[0].key, h->v[0].tie } : no_top;
}

void route_wait(struct route *r, struct route_item *i)
{
	struct req *q = &r->reqs[i->req];

	if (i->pos)
		return;
	yc_heap_push(&q->waiting, i->key, i->tie, i, &i->pos);
	q->picky += i->n_tried > 0;
	set_top(r, i->req);
}

void route_unwait(struct route *r, struct route_item *i)
{
	struct req *q = &r->reqs[i->req];

	if (!i->pos)
		return;
	yc_heap_remove(&q->waiting, &i->pos);
	q->picky -= i->n_tried > 0;
	set_top(r, i->req);
}

void route_tried(struct route_item *i, const struct route_agent *a)
{
	if (has_tried(i, a))
		return;
	if (i->n_tried == ROUTE_TRIED)
		memmove(&i->tried[0], &i->tried[1], --i->n_tried * sizeof(i->tried[0]));
	i->tried[i->n_tried++] = a;
}

/* --- the two decisions -------------------------------------------------------------------------------------------------------- */
static int later(const struct yc_heap_node *x, const struct yc_heap_node *best)
{
	return best && (x->key != best->key ? x->key > best->key : x->tie >= best->tie);
}

static inline int push_kids(const struct yc_heap *h, size_t *stack, int n, size_t i)
{
	if (2 * i + 2 < h->n)
		stack[n++] = 2 * i + 2;
	if (2 * i + 1 < h->n)
		stack[n++] = 2 * i + 1;
	return n;
}

/* Depth-first from the top; below a node everything is later, so one that will do ends its branch, and so does one later than the best found. */
static inline __attribute__((always_inline)) const struct yc_heap_node *walk(const struct yc_heap *h, const struct yc_heap_node *best,
									      int (*will_do)(const void *ctx, const void *item), const void *ctx)
{
	size_t stack[STACK];
	int n = 0;

	if (h->n)
		stack[n++] = 0;
	while (n) {
		size_t i = stack[--n];

		if (later(&h->v[i], best))
			continue;
		if (will_do(ctx, h->v[i].item))
			best = &h->v[i];
		else
			n = push_kids(h, stack, n, i);
	}
	return best;
}

struct search {
	const struct req *q;
	int32_t primary;                 /* index in q->need whose heaps are walked: true for all in them */
	const struct route_item *item;   /* whose tried agents to pass over, or NULL */
};

static int serves(const void *ctx, const void *agent)
{
	const struct search *s = ctx;

	return fits_but(s->q, agent, s->primary) && !(s->item && has_tried(s->item, agent));
}

/* The need with the fewest idle agents: the shortest walk. */
static int32_t rarest(const struct route *r, const struct req *q)
{
	size_t least = SIZE_MAX;
	int32_t at = 0;

	for (int32_t i = 0; q->n > 1 && i < q->n; i++) {
		size_t n = 0;

		for (int32_t l = q->need[i].level; l <= ROUTE_LEVELS; l++)
			n += heap_of(r, q->need[i].skill, l)->n;
		if (n < least) {
			least = n;
			at = i;
		}
	}
	return at;
}

struct route_agent *route_arrive(const struct route *r, const struct route_item *i)
{
	const struct req *q = &r->reqs[i->req];
	struct search s = { .q = q };
	const struct yc_heap_node *best = NULL;

	if (!r->n_idle[i->req])
		return NULL;
	s.primary = rarest(r, q);
	s.item = i->n_tried && others_left(q, i) ? i : NULL;
	for (int32_t l = q->need[s.primary].level; l <= ROUTE_LEVELS; l++)
		best = walk(heap_of(r, q->need[s.primary].skill, l), best, serves, &s);
	return best ? best->item : NULL;
}

struct by { const struct route *r; const struct route_agent *a; };

static int may_have(const void *ctx, const void *item)
{
	const struct by *b = ctx;

	return !route_excluded(b->r, b->a, item);
}

struct route_item *route_freed(const struct route *r, const struct route_agent *a)
{
	const struct yc_heap_node *best = NULL;
	struct by by = { r, a };
	struct top t = no_top;

	for (int32_t k = 0; k < a->n_reqs; k++) {
		int32_t q = a->reqs[k];

		if (r->tops[q].key > t.key || (r->tops[q].key == t.key && r->tops[q].tie >= t.tie))
			continue;
		if (r->reqs[q].picky)
			best = walk(&r->reqs[q].waiting, best, may_have, &by);
		else
			best = &r->reqs[q].waiting.v[0];
		if (best)
			t = (struct top){ best->key, best->tie };
	}
	return best ? best->item : NULL;
}

int route_ahead(const struct route *r, const struct route_item *i, int most)
{
	const struct yc_heap *h = &r->reqs[i->req].waiting;
	const struct yc_heap_node me = { .key = i->key, .tie = i->tie };
	size_t stack[STACK];
	int n = 0, ahead = 0;

	if (h->n)
		stack[n++] = 0;
	while (n && ahead < most) {
		size_t k = stack[--n];

		if (later(&h->v[k], &me))
			continue;
		ahead++;
		n = push_kids(h, stack, n, k);
	}
	return ahead;
}

struct route_count route_count(const struct route *r, int32_t req)
{
	return (struct route_count){ (int32_t)r->reqs[req].waiting.n, r->n_idle[req], r->reqs[req].service, r->reqs[req].online };
}
