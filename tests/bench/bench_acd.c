/* Routing decisions with 10 000 agents, 200 skills, 50 000 waiting items, 2 000 distinct requirements, 30 % of two skills: our heaps beside the
 * naive scan, in the same run, on the same states, answers compared. A decision is counted with its consequence (who is taken leaves all
 * heaps, who finds nothing joins them). CPU time of this thread, in blocks. Prints one JSON line per figure; fails when an answer differs. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "acd_world.h"

enum { BLOCK = 64, BLOCKS = 800, NAIVE_EVERY = 8 };
struct figure { double us; double naive_us; int64_t n, naive_n, wrong, nobody; };

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void print(const char *name, const struct figure *f)
{
	double mine = f->us / (double)f->n, naive = f->naive_us / (double)f->naive_n;

	printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"us CPU per decision\",\"peer\":\"naive scan\",\"peer_value\":%.1f,\"ratio\":%.4f,\"n\":%lld,"
	       "\"compared\":%lld,\"different\":%lld,\"nobody_percent\":%.1f}\n", name, mine, naive, mine / naive, (long long)f->n, (long long)f->naive_n,
	       (long long)f->wrong, 100.0 * (double)f->nobody / (double)f->n);
}

/* Give back what a block took, so that each block begins alike: the taken are busy, others become idle. */
static void refill_idle(struct world *w, int want)
{
	int idle = 0;

	for (int k = 0; k < w->c.agents; k++)
		idle += w->agents[k].idle;
	while (idle < want) {
		struct route_agent *a = &w->agents[world_below(w, w->c.agents)];

		if (a->idle)
			continue;
		route_idle(w->r, a, w->clock_ms - world_below(w, 100000));
		idle++;
	}
}

/* Calls arrive while half of the agents are idle. */
static void arrive(struct world *w, struct figure *f)
{
	struct route_item v[BLOCK];
	struct route_agent *got[BLOCK];

	for (int b = 0; b < BLOCKS; b++) {
		double t;

		refill_idle(w, w->c.agents / 2);
		for (int k = 0; k < BLOCK; k++)
			world_item(w, &v[k]);
		if (b % NAIVE_EVERY == 0) {                    /* the scan, on the state before each decision */
			struct route_agent *naive[BLOCK];

			t = cpu_us();
			for (int k = 0; k < BLOCK; k++)
				naive[k] = world_naive_arrive(w, &v[k]);
			f->naive_us += cpu_us() - t;
			for (int k = 0; k < BLOCK; k++)
				f->wrong += naive[k] != route_arrive(w->r, &v[k]);
			f->naive_n += BLOCK;
		}
		t = cpu_us();
		for (int k = 0; k < BLOCK; k++) {
			got[k] = route_arrive(w->r, &v[k]);
			if (got[k])
				route_busy(w->r, got[k]);
		}
		f->us += cpu_us() - t;
		f->n += BLOCK;
		for (int k = 0; k < BLOCK; k++)
			f->nobody += !got[k];
	}
}

/* Agents become free while 50 000 wait. */
static void freed(struct world *w, struct figure *f)
{
	struct route_item *got[BLOCK];
	struct route_agent *a[BLOCK];

	for (int k = 0; k < w->c.agents; k++)
		route_busy(w->r, &w->agents[k]);
	for (int k = 0; k < w->c.items; k++) {
		world_item(w, &w->items[k]);
		route_wait(w->r, &w->items[k]);
	}
	for (int b = 0; b < BLOCKS; b++) {
		double t;

		for (int k = 0; k < BLOCK; k++)
			do
				a[k] = &w->agents[world_below(w, w->c.agents)];
			while (a[k]->idle);
		if (b % NAIVE_EVERY == 0) {
			struct route_item *naive[BLOCK];

			t = cpu_us();
			for (int k = 0; k < BLOCK; k++)
				naive[k] = world_naive_freed(w, a[k]);
			f->naive_us += cpu_us() - t;
			for (int k = 0; k < BLOCK; k++)
				f->wrong += naive[k] != route_freed(w->r, a[k]);
			f->naive_n += BLOCK;
		}
		t = cpu_us();
		for (int k = 0; k < BLOCK; k++) {
			got[k] = route_freed(w->r, a[k]);
			if (got[k])
				route_unwait(w->r, got[k]);
			else
				route_idle(w->r, a[k], w->clock_ms);
		}
		f->us += cpu_us() - t;
		f->n += BLOCK;
		for (int k = 0; k < BLOCK; k++) {
			f->nobody += !got[k];
			route_busy(w->r, a[k]);
			if (got[k]) {
				world_item(w, got[k]);
				route_wait(w->r, got[k]);
			}
		}
	}
}

int main(void)
{
	struct world_conf c = { .agents = 10000, .skills = 200, .reqs = 2000, .items = 50000, .two_percent = 30, .seed = 20261122 };
	struct figure in = { 0 }, out = { 0 };
	struct world w;

	world_new(&w, &c);
	arrive(&w, &in);
	freed(&w, &out);
	print("acd.arrive", &in);
	print("acd.free", &out);
	world_free(&w);
	return in.wrong || out.wrong;
}
