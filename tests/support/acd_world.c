#include "acd_world.h"

#include <stdio.h>
#include <string.h>

#include "yc/arena.h"

uint64_t world_rand(struct world *w)
{
	w->rng ^= w->rng << 13;
	w->rng ^= w->rng >> 7;
	w->rng ^= w->rng << 17;
	return w->rng;
}

int world_below(struct world *w, int n)
{
	return (int)(world_rand(w) % (uint64_t)n);
}

static int32_t skill_nr(struct world *w, int k)
{
	char code[16];

	snprintf(code, sizeof(code), "s%d", k);
	return route_skill(w->r, code);
}

/* Two skills that at least one agent has: a queue for which nobody works is not configured. */
static void real_pair(struct world *w, struct naive_need *n)
{
	const struct route_agent *a = &w->agents[world_below(w, w->c.agents)];
	int x = 1 + world_below(w, a->n_has - 1), y = 1 + world_below(w, a->n_has - 1);

	n->n = 2;
	n->s[0] = (struct route_skill){ a->has[x].skill, 1 + world_below(w, a->has[x].level) };
	n->s[1] = (struct route_skill){ a->has[y].skill, 1 + world_below(w, a->has[y].level) };
}

/* Requirements that are all different, as configured queues are: first those of one skill, then those of two. There are only so many of one. */
static void make_reqs(struct world *w)
{
	int single = w->c.reqs * (100 - w->c.two_percent) / 100, have = 0;

	if (single > w->c.skills * ROUTE_LEVELS / 2)
		single = w->c.skills * ROUTE_LEVELS / 2;
	for (int tries = 0; have < w->c.reqs && tries < 50 * w->c.reqs; tries++) {
		struct naive_need n = { .n = 1 };
		int32_t nr;

		n.s[0] = (struct route_skill){ skill_nr(w, world_below(w, w->c.skills)), 1 + world_below(w, ROUTE_LEVELS) };
		if (have >= single)
			real_pair(w, &n);
		if (n.n == 2 && n.s[0].skill == n.s[1].skill)
			continue;
		nr = route_req(w->r, n.s, n.n);
		if (nr == have)
			w->needs[have++] = n;
	}
	w->single = single < have ? single : have;
	w->c.reqs = have;
}

static void make_agent(struct world *w, struct route_agent *a)
{
	struct route_skill s[8];
	int n = 3 + world_below(w, 6);                     /* of which a repeated one counts once */

	for (int k = 0; k < n; k++)
		s[k] = (struct route_skill){ skill_nr(w, world_below(w, w->c.skills)), 1 + world_below(w, 5) };
	route_agent_set(w->r, a, s, n);
	route_agent_on(w->r, a, 1, 1);
}

void world_new(struct world *w, const struct world_conf *c)
{
	memset(w, 0, sizeof(*w));
	w->c = *c;
	w->rng = c->seed ? c->seed : 88172645463325252ull;
	w->clock_ms = 1700000000000;
	w->r = route_new();
	w->needs = yc_xcalloc((size_t)c->reqs, sizeof(*w->needs));
	w->agents = yc_xcalloc((size_t)c->agents, sizeof(*w->agents));
	w->agent_list = yc_xcalloc((size_t)c->agents, sizeof(*w->agent_list));
	w->items = yc_xcalloc((size_t)c->items, sizeof(*w->items));
	w->item_list = yc_xcalloc((size_t)c->items, sizeof(*w->item_list));
	for (int i = 0; i < c->skills; i++)
		skill_nr(w, i);
	for (int i = 0; i < c->agents; i++)
		make_agent(w, w->agent_list[i] = &w->agents[i]);
	make_reqs(w);
	for (int i = 0; i < c->items; i++)
		w->item_list[i] = &w->items[i];
}

void world_free(struct world *w)
{
	for (int i = 0; i < w->c.items; i++)
		route_unwait(w->r, &w->items[i]);
	for (int i = 0; i < w->c.agents; i++)
		route_agent_remove(w->r, &w->agents[i]);
	route_free(&w->r);
	yc_xfree(w->needs);
	yc_xfree(w->agents);
	yc_xfree(w->agent_list);
	yc_xfree(w->items);
	yc_xfree(w->item_list);
}

void world_item(struct world *w, struct route_item *i)
{
	memset(i, 0, sizeof(*i));
	if (w->single == w->c.reqs || world_below(w, 100) >= w->c.two_percent)
		i->req = world_below(w, w->single);
	else
		i->req = w->single + world_below(w, w->c.reqs - w->single);
	i->key = route_key(w->clock_ms - world_below(w, 600000), world_below(w, 5), 60);
	i->tie = ++w->tie;
}

struct route_agent *world_naive_arrive(struct world *w, const struct route_item *i)
{
	return naive_arrive(w->agent_list, (size_t)w->c.agents, w->needs, i);
}

struct route_item *world_naive_freed(struct world *w, const struct route_agent *a)
{
	return naive_freed(w->agent_list, (size_t)w->c.agents, w->needs, w->item_list, (size_t)w->c.items, a);
}
