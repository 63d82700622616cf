/* Random agents, requirements and items for the routing core: the same world for the property tests and the bench. */
#ifndef ACD_WORLD_H
#define ACD_WORLD_H

#include "acd_naive.h"

struct world_conf { int agents, skills, reqs, items, two_percent;   /* two_percent: of the items */ uint64_t seed; };
struct world {
	struct world_conf c;
	struct route *r;
	struct route_agent *agents, **agent_list;
	struct route_item *items, **item_list;
	struct naive_need *needs;
	uint64_t rng, tie;
	int64_t clock_ms;
	int single;                                        /* requirements below this number ask for one skill, the others for two */
};
uint64_t world_rand(struct world *w);                      /* xorshift: the same numbers everywhere */
int world_below(struct world *w, int n);
void world_new(struct world *w, const struct world_conf *c);   /* all agents online, in service, busy; no item waits */
void world_free(struct world *w);
void world_item(struct world *w, struct route_item *i);    /* make it a new item with a random requirement and priority */
struct route_agent *world_naive_arrive(struct world *w, const struct route_item *i);
struct route_item *world_naive_freed(struct world *w, const struct route_agent *a);

#endif
