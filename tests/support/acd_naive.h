/* The oracle of the routing core: the same two decisions by looking at everybody. Obviously right, and slow. */
#ifndef ACD_NAIVE_H
#define ACD_NAIVE_H

#include "acd/rule_route.h"

struct naive_need { struct route_skill s[ROUTE_NEEDS]; int n; };       /* what requirement number i asks for */

/* items: all that exist; those with pos == 0 do not wait. needs: by requirement number. */
struct route_agent *naive_arrive(struct route_agent *const *agents, size_t n_agents, const struct naive_need *needs, const struct route_item *i);
struct route_item *naive_freed(struct route_agent *const *agents, size_t n_agents, const struct naive_need *needs,
			       struct route_item *const *items, size_t n_items, const struct route_agent *a);
int naive_fits(const struct route_agent *a, const struct naive_need *need);
int naive_excluded(struct route_agent *const *agents, size_t n_agents, const struct naive_need *need, const struct route_item *i,
		   const struct route_agent *a);

#endif
