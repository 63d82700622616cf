/* The routing core: who serves whom. Pure: no clock, no I/O; every number comes in as an argument.
 *
 * Idle agents stand in one heap per (skill, level), keyed by the time they became idle. Waiting items stand in one heap per distinct
 * requirement, keyed by the constant `arrival - priority * boost`, so priority ages without re-sorting. Each agent keeps the list of the
 * requirements he can serve, so a freed agent looks at the tops of those only.
 *
 * Both decisions are total orders (key, then tie), so the naive scan in tests/support gives identical answers. */
#ifndef ACD_RULE_ROUTE_H
#define ACD_RULE_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#define ROUTE_LEVELS 5          /* levels 1..5; a requirement's level is the least that will do */
#define ROUTE_NEEDS 8           /* skills one requirement may ask for */
#define ROUTE_SKILLS 64         /* skills one agent may have */
#define ROUTE_TRIED 16          /* agents an item remembers as tried; the oldest is forgotten beyond */

struct route;

struct route_skill { int32_t skill, level; };              /* skill: number from route_skill() */
struct route_slot { int32_t skill, level; size_t pos; };   /* pos: place in the heap of (skill, level) */

struct route_agent {            /* embedded in its owner; zero it before the first use */
	struct route_slot *has;                            /* sorted by skill; has[0] is the pseudo skill everybody has */
	int32_t n_has;
	int32_t *reqs;                                     /* requirements this agent can serve, ascending */
	int32_t n_reqs, cap_reqs;
	uint64_t mask;                                     /* a bit per skill modulo 64: cheap "cannot have it" */
	int64_t idle_since;
	uint64_t idle_tie;                                 /* who became idle first within one millisecond */
	size_t place;                                      /* index + 1 in the table of all agents */
	unsigned online : 1, service : 1, idle : 1;
};

struct route_item {             /* embedded in its owner; zero it before the first use */
	int32_t req;
	int32_t n_tried;
	int64_t key;                                       /* route_key(); constant for the item's life */
	uint64_t tie;                                      /* order of first arrival */
	size_t pos;                                        /* place in its requirement's heap; 0: not waiting */
	const struct route_agent *tried[ROUTE_TRIED];      /* these did not answer: last in line for this item */
};

struct route *route_new(void);
void route_free(struct route **r);                         /* agents must have been removed */

/* Number of a skill or requirement, made when it is new. The same set in another order is the same requirement (levels of a repeated
 * skill: the highest counts). n 0: anybody will do. -1: too many needs or a level outside 1..5. */
int32_t route_skill(struct route *r, const char *code);
int32_t route_req(struct route *r, const struct route_skill *need, int n);

/* Takes the agent in, or changes what he can do (also while idle). Skills with a level outside 1..5 are left out. */
void route_agent_set(struct route *r, struct route_agent *a, const struct route_skill *has, int n);
void route_agent_remove(struct route *r, struct route_agent *a);
/* online: signed in. service: works or is ready to (not on a break): counts as "another one who is left". */
void route_agent_on(struct route *r, struct route_agent *a, int online, int service);
void route_idle(struct route *r, struct route_agent *a, int64_t since);   /* may be given work from now on */
void route_busy(struct route *r, struct route_agent *a);                  /* no longer; no-op when he is not idle */

int64_t route_key(int64_t arrived_at, int32_t priority, int32_t boost_s);
void route_wait(struct route *r, struct route_item *i);    /* joins its heap: with a constant key a returning item is in front again */
void route_unwait(struct route *r, struct route_item *i);  /* no-op when it is not waiting */
void route_tried(struct route_item *i, const struct route_agent *a);

/* The two decisions; they change nothing. NULL: nobody, nothing.
 * An agent whom the item has tried is passed over as long as another agent who fits is in service. */
struct route_agent *route_arrive(const struct route *r, const struct route_item *i);   /* longest idle agent who fits */
struct route_item *route_freed(const struct route *r, const struct route_agent *a);    /* most urgent item he can serve */

int route_excluded(const struct route *r, const struct route_agent *a, const struct route_item *i);
/* How many items of its requirement stand before this one; looks at no more than `most` of them. */
int route_ahead(const struct route *r, const struct route_item *i, int most);

struct route_count { int32_t waiting, idle, service, online; };
struct route_count route_count(const struct route *r, int32_t req);
size_t route_agents(const struct route *r, struct route_agent *const **out);           /* all of them, borrowed */

#endif
