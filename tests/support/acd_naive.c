#include "acd_naive.h"

int naive_fits(const struct route_agent *a, const struct naive_need *need)
{
	for (int k = 0; k < need->n; k++) {
		int ok = 0;

		for (int32_t j = 0; j < a->n_has; j++)
			ok |= a->has[j].skill == need->s[k].skill && a->has[j].level >= need->s[k].level;
		if (!ok)
			return 0;
	}
	return 1;
}

static int tried(const struct route_item *i, const struct route_agent *a)
{
	for (int32_t k = 0; k < i->n_tried; k++)
		if (i->tried[k] == a)
			return 1;
	return 0;
}

/* He left it unanswered, and somebody else in service could take it. */
int naive_excluded(struct route_agent *const *agents, size_t n_agents, const struct naive_need *need, const struct route_item *i,
		   const struct route_agent *a)
{
	if (!tried(i, a))
		return 0;
	for (size_t k = 0; k < n_agents; k++)
		if (agents[k]->service && !tried(i, agents[k]) && naive_fits(agents[k], need))
			return 1;
	return 0;
}

struct route_agent *naive_arrive(struct route_agent *const *agents, size_t n_agents, const struct naive_need *needs, const struct route_item *i)
{
	struct route_agent *best = NULL;

	for (size_t k = 0; k < n_agents; k++) {
		struct route_agent *a = agents[k];

		if (!a->idle || !naive_fits(a, &needs[i->req]))
			continue;
		if (best && (a->idle_since != best->idle_since ? a->idle_since > best->idle_since : a->idle_tie > best->idle_tie))
			continue;
		if (i->n_tried && naive_excluded(agents, n_agents, &needs[i->req], i, a))
			continue;
		best = a;
	}
	return best;
}

struct route_item *naive_freed(struct route_agent *const *agents, size_t n_agents, const struct naive_need *needs,
			       struct route_item *const *items, size_t n_items, const struct route_agent *a)
{
	struct route_item *best = NULL;

	for (size_t k = 0; k < n_items; k++) {
		struct route_item *i = items[k];

		if (!i->pos)
			continue;
		if (best && (i->key != best->key ? i->key > best->key : i->tie > best->tie))
			continue;
		if (!naive_fits(a, &needs[i->req]))
			continue;
		if (i->n_tried && naive_excluded(agents, n_agents, &needs[i->req], i, a))
			continue;
		best = i;
	}
	return best;
}
