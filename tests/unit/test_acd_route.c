/* The routing core against the naive scan, and what it promises by itself. */
#include <string.h>

#include "acd_world.h"
#include "yc/arena.h"
#include "yct.h"

/* One random event; every decision on the way is asked twice. Returns how many were compared. */
static int random_event(struct world *w, int *wrong)
{
	struct route_agent *a = &w->agents[world_below(w, w->c.agents)];
	struct route_item *i = &w->items[world_below(w, w->c.items)];
	int compared = 0;

	w->clock_ms += world_below(w, 3);                  /* many things happen within one millisecond */
	switch (world_below(w, 8)) {
	case 0: case 1: case 2:
		route_unwait(w->r, i);
		world_item(w, i);
		*wrong += route_arrive(w->r, i) != world_naive_arrive(w, i);
		compared++;
		route_wait(w->r, i);
		break;
	case 3: case 4:
		*wrong += route_freed(w->r, a) != world_naive_freed(w, a);
		compared++;
		route_idle(w->r, a, w->clock_ms - world_below(w, 50));
		break;
	case 5:
		route_busy(w->r, a);
		break;
	case 6:
		route_unwait(w->r, i);
		route_tried(i, a);
		if (i->tie)
			route_wait(w->r, i);
		break;
	case 7:
		route_agent_on(w->r, a, world_below(w, 4) > 0, world_below(w, 3) > 0);
		break;
	}
	return compared;
}

static void compare(const struct world_conf *c, int events)
{
	struct world w;
	int wrong = 0, compared = 0;

	world_new(&w, c);
	for (int i = 0; i < events; i++)
		compared += random_event(&w, &wrong);
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT(compared > events / 3);
	world_free(&w);
}

static void both_decisions_equal_the_naive_scan_in_small_crowded_worlds(void)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		compare(&(struct world_conf){ .agents = 12, .skills = 5, .reqs = 14, .items = 20, .two_percent = 40, .seed = seed * 7919 }, 1500);
}

static void both_decisions_equal_the_naive_scan_in_large_worlds(void)
{
	compare(&(struct world_conf){ .agents = 2000, .skills = 100, .reqs = 600, .items = 5000, .two_percent = 30, .seed = 99 }, 6000);
}

static void changing_skills_and_new_requirements_keep_the_answers_equal(void)
{
	struct world_conf c = { .agents = 60, .skills = 8, .reqs = 40, .items = 80, .two_percent = 40, .seed = 4242 };
	struct world w;
	int wrong = 0;

	world_new(&w, &c);
	for (int round = 0; round < 300; round++) {
		struct route_agent *a = &w.agents[world_below(&w, c.agents)];
		struct route_skill s[3];

		for (int k = 0; k < 3; k++)
			s[k] = (struct route_skill){ 1 + world_below(&w, c.skills), 1 + world_below(&w, 5) };
		route_agent_set(w.r, a, s, world_below(&w, 4));
		for (int k = 0; k < 20; k++)
			random_event(&w, &wrong);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	for (int32_t q = 0; q < w.c.reqs; q++) {
		struct route_count n = route_count(w.r, q);
		int idle = 0, service = 0, online = 0;

		for (int i = 0; i < c.agents; i++) {
			int fits = naive_fits(&w.agents[i], &w.needs[q]);

			idle += fits && w.agents[i].idle;
			service += fits && w.agents[i].service;
			online += fits && w.agents[i].online;
		}
		CU_ASSERT_EQUAL(n.idle, idle);
		CU_ASSERT_EQUAL(n.service, service);
		CU_ASSERT_EQUAL(n.online, online);
	}
	world_free(&w);
}

/* --- one queue, a few agents ---------------------------------------------------------------------------------------------------- */
static struct route *r;
static struct route_agent ag[4];
static int32_t post, billing, q_post, q_both, q_any;

static void setup(void)
{
	struct route_skill both[2];

	r = route_new();
	memset(ag, 0, sizeof(ag));
	post = route_skill(r, "post");
	billing = route_skill(r, "billing");
	both[0] = (struct route_skill){ billing, 2 };
	both[1] = (struct route_skill){ post, 3 };
	q_post = route_req(r, &both[1], 1);
	q_both = route_req(r, both, 2);
	q_any = route_req(r, NULL, 0);
	for (int i = 0; i < 4; i++) {
		struct route_skill s[2] = { { post, 2 + i % 3 }, { billing, i + 1 } };   /* post: 2 3 4 2; billing: 1 2 3 4 */

		route_agent_set(r, &ag[i], s, 2);
		route_agent_on(r, &ag[i], 1, 1);
	}
}

static void teardown(void)
{
	for (int i = 0; i < 4; i++)
		route_agent_remove(r, &ag[i]);
	route_free(&r);
}

static struct route_item item(int32_t req, int64_t arrived_at, int priority)
{
	static uint64_t tie;

	return (struct route_item){ .req = req, .key = route_key(arrived_at, priority, 60), .tie = ++tie };
}

static void the_agent_who_has_been_idle_longest_gets_the_call(void)
{
	struct route_item i = item(q_post, 1000, 0);

	setup();
	route_idle(r, &ag[1], 500);
	route_idle(r, &ag[2], 400);
	route_idle(r, &ag[0], 100);                        /* idle longest, but level 2 is not enough */
	CU_ASSERT_PTR_EQUAL(route_arrive(r, &i), &ag[2]);
	route_busy(r, &ag[2]);
	CU_ASSERT_PTR_EQUAL(route_arrive(r, &i), &ag[1]);
	route_busy(r, &ag[1]);
	CU_ASSERT_PTR_NULL(route_arrive(r, &i));
	teardown();
}

static void within_one_millisecond_the_first_to_become_idle_is_first(void)
{
	struct route_item i = item(q_any, 1000, 0);

	setup();
	route_idle(r, &ag[3], 500);
	route_idle(r, &ag[1], 500);
	CU_ASSERT_PTR_EQUAL(route_arrive(r, &i), &ag[3]);
	teardown();
}

static void both_skills_at_their_levels_are_required(void)
{
	struct route_item i = item(q_both, 1000, 0);

	setup();
	route_idle(r, &ag[0], 100);                        /* billing 1, post 2 */
	route_idle(r, &ag[3], 200);                        /* billing 4, post 2 */
	CU_ASSERT_PTR_NULL(route_arrive(r, &i));
	route_idle(r, &ag[1], 900);
	CU_ASSERT_PTR_EQUAL(route_arrive(r, &i), &ag[1]);
	teardown();
}

static void the_order_of_skills_makes_no_other_requirement(void)
{
	struct route_skill s[3];

	setup();
	s[0] = (struct route_skill){ post, 3 };
	s[1] = (struct route_skill){ billing, 1 };
	s[2] = (struct route_skill){ billing, 2 };
	CU_ASSERT_EQUAL(route_req(r, s, 3), q_both);
	CU_ASSERT_EQUAL(route_req(r, s, 1), q_post);
	s[0].level = 6;
	CU_ASSERT_EQUAL(route_req(r, s, 1), -1);
	CU_ASSERT_EQUAL(route_req(r, s, ROUTE_NEEDS + 1), -1);
	teardown();
}

static void priority_is_worth_its_boost_and_no_more(void)
{
	struct route_item old, vip, newer;

	setup();
	old = item(q_post, 0, 0);
	vip = item(q_post, 59999, 1);
	newer = item(q_any, 60001, 1);
	route_wait(r, &newer);
	route_wait(r, &old);
	route_wait(r, &vip);
	CU_ASSERT_PTR_EQUAL(route_freed(r, &ag[1]), &vip);     /* one step of priority is 60 s of waiting */
	route_unwait(r, &vip);
	CU_ASSERT_PTR_EQUAL(route_freed(r, &ag[1]), &old);     /* 60 001 - 60 000 is later than 0 */
	CU_ASSERT_PTR_EQUAL(route_freed(r, &ag[0]), &newer);   /* the only one he can serve */
	route_unwait(r, &old);
	route_unwait(r, &newer);
	teardown();
}

static void an_item_that_comes_back_stands_in_front_again(void)
{
	struct route_item a, b;

	setup();
	a = item(q_post, 100, 0);
	b = item(q_post, 200, 0);
	route_wait(r, &a);
	route_wait(r, &b);
	CU_ASSERT_EQUAL(route_ahead(r, &b, 100), 1);
	route_unwait(r, &a);
	CU_ASSERT_EQUAL(route_ahead(r, &b, 100), 0);
	route_wait(r, &a);
	CU_ASSERT_PTR_EQUAL(route_freed(r, &ag[1]), &a);
	CU_ASSERT_EQUAL(route_ahead(r, &b, 100), 1);
	route_unwait(r, &a);
	route_unwait(r, &b);
	teardown();
}

static void a_tried_agent_is_passed_over_until_nobody_else_is_in_service(void)
{
	struct route_item i;

	setup();
	i = item(q_post, 100, 0);
	route_tried(&i, &ag[1]);
	route_wait(r, &i);
	route_idle(r, &ag[1], 10);
	CU_ASSERT_PTR_NULL(route_arrive(r, &i));               /* agent 2 is busy, but in service */
	CU_ASSERT_PTR_NULL(route_freed(r, &ag[1]));
	route_agent_on(r, &ag[2], 1, 0);                       /* now he is on a break */
	CU_ASSERT_PTR_EQUAL(route_arrive(r, &i), &ag[1]);
	CU_ASSERT_PTR_EQUAL(route_freed(r, &ag[1]), &i);
	route_unwait(r, &i);
	teardown();
}

static void behind_a_tried_item_the_next_one_is_found(void)
{
	struct route_item v[4];

	setup();
	for (int k = 0; k < 4; k++) {
		v[k] = item(q_post, 100 + k, 0);
		if (k < 3)
			route_tried(&v[k], &ag[1]);
		route_wait(r, &v[k]);
	}
	CU_ASSERT_PTR_EQUAL(route_freed(r, &ag[1]), &v[3]);
	CU_ASSERT_PTR_EQUAL(route_freed(r, &ag[2]), &v[0]);
	for (int k = 0; k < 4; k++)
		route_unwait(r, &v[k]);
	teardown();
}

static void an_item_forgets_the_oldest_of_too_many_tried(void)
{
	struct route_agent many[ROUTE_TRIED + 1] = { 0 };
	struct route_item i = { 0 };

	for (int k = 0; k <= ROUTE_TRIED; k++)
		route_tried(&i, &many[k]);
	route_tried(&i, &many[ROUTE_TRIED]);
	CU_ASSERT_EQUAL(i.n_tried, ROUTE_TRIED);
	CU_ASSERT_PTR_EQUAL(i.tried[0], &many[1]);
	CU_ASSERT_PTR_EQUAL(i.tried[ROUTE_TRIED - 1], &many[ROUTE_TRIED]);
}

/* AC-06 and AC-08: ten thousand calls, equally skilled agents: nobody gets more than his turn. */
static void ten_thousand_calls_are_shared_equally(void)
{
	enum { AGENTS = 50, CALLS = 10000 };
	static struct route_agent a[AGENTS];
	static int64_t free_at[AGENTS], worked[AGENTS];
	int64_t now = 0, least = INT64_MAX, most = 0;
	uint64_t rng = 12345;
	struct route *one = route_new();
	int32_t skill = route_skill(one, "post"), q = route_req(one, &(struct route_skill){ skill, 1 }, 1);

	for (int k = 0; k < AGENTS; k++) {
		route_agent_set(one, &a[k], &(struct route_skill){ skill, 1 + k % 5 }, 1);
		route_agent_on(one, &a[k], 1, 1);
		route_idle(one, &a[k], 0);
	}
	for (int c = 0; c < CALLS; c++) {
		struct route_item i = { .req = q, .key = now, .tie = (uint64_t)c + 1 };
		struct route_agent *got;
		int64_t talk;

		rng = rng * 6364136223846793005ull + 1442695040888963407ull;
		now += 4000 + (int64_t)(rng >> 33) % 2000;         /* about 80 % occupancy with talks of 150 to 250 s */
		for (int k = 0; k < AGENTS; k++)
			if (!a[k].idle && free_at[k] <= now)
				route_idle(one, &a[k], free_at[k]);
		got = route_arrive(one, &i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(got);
		for (int k = 0; k < AGENTS; k++)
			CU_ASSERT_FALSE(a[k].idle && a[k].idle_since < got->idle_since);
		talk = 150000 + (int64_t)(rng >> 17) % 100000;
		worked[got - a] += talk;
		free_at[got - a] = now + talk;
		route_busy(one, got);
	}
	for (int k = 0; k < AGENTS; k++) {
		least = worked[k] < least ? worked[k] : least;
		most = worked[k] > most ? worked[k] : most;
		route_agent_remove(one, &a[k]);
	}
	CU_ASSERT((double)(most - least) / (double)now < 0.02);    /* occupancy differs by at most 2 points */
	route_free(&one);
}

YCT_MAIN("acd_route",
	 T(both_decisions_equal_the_naive_scan_in_small_crowded_worlds),
	 T(both_decisions_equal_the_naive_scan_in_large_worlds),
	 T(changing_skills_and_new_requirements_keep_the_answers_equal),
	 T(the_agent_who_has_been_idle_longest_gets_the_call),
	 T(within_one_millisecond_the_first_to_become_idle_is_first),
	 T(both_skills_at_their_levels_are_required),
	 T(the_order_of_skills_makes_no_other_requirement),
	 T(priority_is_worth_its_boost_and_no_more),
	 T(an_item_that_comes_back_stands_in_front_again),
	 T(a_tried_agent_is_passed_over_until_nobody_else_is_in_service),
	 T(behind_a_tried_item_the_next_one_is_found),
	 T(an_item_forgets_the_oldest_of_too_many_tried),
	 T(ten_thousand_calls_are_shared_equally))
