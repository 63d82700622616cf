/* Thousands of random events against the core; after each one the promises are checked on the whole state:
 * nobody has two items or two reservations, every reservation has an item and an agent that know each other, counters are right, a ready
 * agent and an item he may have never wait for each other, and everything ends. */
#include <stdlib.h>
#include <string.h>

#include "acd_fake.h"
#include "acd_naive.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yct.h"

#define OUT(x) PB__OFFER_OUTCOME__OFFER_OUTCOME_##x
#define IS(x) PB__ITEM_STATE__ITEM_STATE_##x
#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x
#define WANT(x) PB__PRESENCE__PRESENCE_##x
enum { AGENTS = 12, QUEUES = 6, SKILLS = 3 };

static struct fake f;
static uint64_t rng;
static int n_items, bad;
static const char *const skills[SKILLS] = { "post", "tax", "power" };
static struct naive_need needs[64];

static int below(int n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (int)(rng % (uint64_t)n);
}

static char *name(char kind, int k)
{
	static char buf[8][32];
	static int next;
	char *b = buf[next++ % 8];

	snprintf(b, 32, "%c%d", kind, k);
	return b;
}

static void broken(const char *what, const char *who, int step)
{
	if (bad++ < 5)
		printf("  step %d: %s (%s)\n", step, what, who);
}

/* --- the promises ----------------------------------------------------------------------------------------------------------------- */
static void check_agent(struct acd_agent *a, int step)
{
	int ready = a->status == ST(READY), holds = a->status == ST(OFFERED) || a->status == ST(BUSY);

	if (a->rsv && a->item)
		broken("an agent with a reservation and a talk", a->id, step);
	if ((a->rsv != NULL) != (a->status == ST(OFFERED)))
		broken("offered and reserved differ", a->id, step);
	if ((a->item != NULL) != (a->status == ST(BUSY)))
		broken("busy and talking differ", a->id, step);
	if (a->rsv && (a->rsv->agent != a || acd_rsv_find(&f.x, a->rsv->id) != a->rsv))
		broken("a reservation that is not his", a->id, step);
	if (a->item && (a->item->agent != a || a->item->state != IS(ACCEPTED)))
		broken("a talk that is not his", a->id, step);
	if (a->r.idle != (ready && !a->held))
		broken("idle in the heaps, but not ready", a->id, step);
	if (holds && !*a->work.item)
		broken("a full slot without work", a->id, step);
	if (!holds && a->status != ST(WRAP_UP) && *a->work.item)
		broken("an empty slot with work", a->id, step);
	if (a->r.service != (a->status != ST(OFFLINE) && a->want == WANT(READY)) || a->r.online != (a->status != ST(OFFLINE)))
		broken("counted wrongly", a->id, step);
	if (a->phone && (a->status == ST(OFFLINE) || a->phone->agent != a))
		broken("a seat that is not his", a->id, step);
	if (!a->phone && a->want != WANT(OFFLINE))
		broken("wants to work without a seat", a->id, step);
	if (a->status == ST(READY) && !acd_phone_ok(a->phone))
		broken("ready without a phone", a->id, step);
	if ((a->status == ST(WRAP_UP)) != (a->wrap.pos != 0))
		broken("wrap-up without an end", a->id, step);
}

static void check_item(struct acd_item *i, int step)
{
	struct acd_agent *a, *tmp;
	int talks = 0;

	HASH_ITER(hh, f.x.agents, a, tmp)
		talks += a->item == i;
	if (talks != (i->state == IS(ACCEPTED)))
		broken("talks with more or fewer than one", i->id, step);
	if (i->rsv && (i->rsv->item != i || i->r.pos))
		broken("reserved and waiting", i->id, step);
	if ((i->state == IS(OFFERED)) != (i->rsv && i->rsv->state == RS_OFFERED))
		broken("offered without exactly one reservation", i->id, step);
	if (i->state == IS(WAITING) && !i->rsv && !i->r.pos && !i->timer.pos)
		broken("waits nowhere", i->id, step);
	if (i->state != IS(WAITING) && i->state != IS(OFFERED) && i->state != IS(ACCEPTED))
		broken("ended but still here", i->id, step);
}

static void check_pairs(int step)
{
	struct route_agent *const *all;
	size_t n = route_agents(f.x.route, &all);
	struct acd_item *i, *tmp;

	HASH_ITER(hh, f.x.items, i, tmp)
		if (i->r.pos && naive_arrive((struct route_agent **)all, n, needs, &i->r))
			broken("waits while a ready agent may have it", i->id, step);
}

static void check_counters(int step)
{
	struct acd_queue *q, *tq;
	struct acd_item *i, *ti;
	struct acd_rsv *v, *tv;

	HASH_ITER(hh, f.x.queues, q, tq) {
		int waiting = 0, offered = 0, talking = 0;

		HASH_ITER(hh, f.x.items, i, ti)
			if (i->queue == q) {
				waiting += i->state == IS(WAITING);
				offered += i->state == IS(OFFERED);
				talking += i->state == IS(ACCEPTED);
			}
		if (q->waiting != waiting || q->offered != offered || q->talking != talking)
			broken("the wall counts wrongly", q->code, step);
	}
	HASH_ITER(hh, f.x.rsvs, v, tv)
		if (!v->timer.pos || v->agent->rsv != v || v->item->rsv != v)
			broken("a reservation without lease or sides", v->id, step);
	if (f.x.depth || f.x.todo_agents || f.x.todo_items || f.x.rematch)
		broken("work left undone", "", step);
}

static void check_all(int step)
{
	struct acd_agent *a, *ta;
	struct acd_item *i, *ti;

	HASH_ITER(hh, f.x.agents, a, ta)
		check_agent(a, step);
	HASH_ITER(hh, f.x.items, i, ti)
		check_item(i, step);
	check_pairs(step);
	check_counters(step);
}

/* --- events ----------------------------------------------------------------------------------------------------------------------- */
static struct acd_item *some_item(void)
{
	struct acd_item *i = f.x.items;

	for (int k = i ? below((int)HASH_COUNT(f.x.items)) : 0; k; k--)
		i = i->hh.next;
	return i;
}

static void end_some(void)
{
	Pb__ContactEnded m = PB__CONTACT_ENDED__INIT;
	struct acd_item *i = some_item();
	char id[YC_ID_LEN];

	if (!i)
		return;
	snprintf(id, sizeof(id), "%s", i->id);
	m.item_id = id;
	if (below(2))
		acd_end(&f.x, &m);
	else
		acd_leave(&f.x, id, below(2) ? "hangup" : "overflow");
}

static void someone_wants(struct acd_agent *a)
{
	static const Pb__Presence wants[] = { WANT(READY), WANT(READY), WANT(READY), WANT(BREAK), WANT(OFFLINE) };
	struct yc_err e;
	char *ext = name('x', below(AGENTS));

	if (a->status == ST(OFFLINE) || below(10) == 0)
		(void)!acd_agent_sign_in(&f.x, a, ext, below(3) > 0, below(5) == 0, "self", &e);
	else if (below(8) == 0)
		(void)!acd_agent_wrapped(&f.x, a, "done", "", below(2) ? "" : "break", "self", &e);
	else
		(void)!acd_agent_want(&f.x, a, wants[below(5)], "reason", "self", &e);
}

static void learn(struct acd_agent *a)
{
	fake_person(&f, a->id, skills[below(SKILLS)], 1 + below(5));
}

static void resync_now(void)
{
	static Pb__LiveContact c[64], *cp[64];
	static Pb__WorkItem w[64];
	static char agents[64][ACD_CODE], rsvs[64][YC_ID_LEN], ids[64][YC_ID_LEN], queues[64][ACD_CODE];
	Pb__ResyncReq r = PB__RESYNC_REQ__INIT;
	struct acd_item *i, *tmp;

	r.gateway = (char *)"yn.gateway.1";
	r.contacts = cp;
	HASH_ITER(hh, f.x.items, i, tmp) {
		size_t k = r.n_contacts;

		if (k == 64 || below(8) == 0)
			continue;                                  /* the gateway has lost some */
		pb__live_contact__init(&c[k]);
		pb__work_item__init(&w[k]);
		cp[k] = &c[k];
		c[k].item = &w[k];
		snprintf(ids[k], YC_ID_LEN, "%s", i->id);
		snprintf(queues[k], ACD_CODE, "%s", i->queue->code);
		w[k].id = ids[k];
		w[k].queue = queues[k];
		w[k].gateway = r.gateway;
		w[k].arrived_at = i->arrived_at;
		snprintf(agents[k], ACD_CODE, "%s", i->state == IS(WAITING) || below(6) == 0 ? "" : i->agent_id);
		snprintf(rsvs[k], YC_ID_LEN, "%s", *agents[k] ? i->rsv_id : "");
		c[k].agent_id = agents[k];
		c[k].reservation_id = rsvs[k];
		c[k].bridged = *agents[k] && (i->state == IS(ACCEPTED) || below(4) == 0);
		if (c[k].bridged && below(6) == 0)                 /* and somebody has been moved to another agent */
			snprintf(agents[k], ACD_CODE, "%s", name('a', below(AGENTS)));
		r.n_contacts++;
	}
	acd_resync(&f.x, &r, NULL, 0);
}

static void random_event(void)
{
	static const Pb__OfferOutcome outs[] = { OUT(ACCEPTED), OUT(ACCEPTED), OUT(ACCEPTED), OUT(REJECTED), OUT(TIMED_OUT), OUT(FAILED), OUT(CANCELLED) };
	struct acd_agent *a = fake_agent(&f, name('a', below(AGENTS)));

	switch (below(16)) {
	case 0: case 1: case 2:
		if (HASH_COUNT(f.x.items) < 40)
			fake_enqueue(&f, name('i', ++n_items), name('q', below(QUEUES)), below(3));
		break;
	case 3: case 4: case 5: case 6:
		(void)!fake_outcome(&f, a->id, outs[below(7)], "");
		break;
	case 7: case 8:
		end_some();
		break;
	case 9: case 10:
		someone_wants(a);
		break;
	case 11:
		fake_pass(&f, below(10) ? below(3000) : below(60000));
		break;
	case 12:
		if (a->rsv)
			acd_offer_failed(&f.x, a->rsv->id, below(3) ? YC_UNAVAILABLE : YC_NOT_FOUND, below(2) ? "extension" : "call_id");
		break;
	case 13:
		acd_phone_seen(&f.x, acd_phone_get(&f.x, name('x', below(AGENTS))), below(3) > 0, below(2) ? below(20000) : 0);
		break;
	case 14:
		f.commit = below(2) ? COMMIT_AT_ONCE : COMMIT_LATER;
		fake_commit_all(&f, below(4) > 0);
		f.silent = below(8) == 0;
		break;
	case 15:
		if (below(4) == 0)
			resync_now();
		else if (below(3) == 0)
			learn(a);
		else if (a->rsv)
			acd_rsv_step(&f.x, a->rsv, below(2) ? RV_DECLINE : RV_WITHDRAW, "test");
		break;
	}
}

static void start(uint64_t seed)
{
	rng = seed * 0x9e3779b97f4a7c15ull | 1;
	fake_start(&f);
	f.phone_answer = 1;
	yc_log_init("acd_model", 0, YC_ERROR);
	for (int k = 0; k < AGENTS; k++) {
		fake_person(&f, name('a', k), skills[k % SKILLS], 1 + k % 5);
		fake_phone(&f, name('x', k), k % 3 == 0);
	}
	for (int k = 0; k < QUEUES; k++) {
		const struct acd_queue *q;

		fake_queue(&f, name('q', k), skills[k % SKILLS], 1 + k / SKILLS * 2, k % 2 ? 4000 : 0);
		q = acd_queue_find(&f.x, name('q', k));
		needs[q->req].n = 1;
		needs[q->req].s[0] = (struct route_skill){ route_skill(f.x.route, skills[k % SKILLS]), 1 + k / SKILLS * 2 };
	}
}

/* The gateways fall silent and everybody goes home: nothing may stay. */
static void wind_down(void)
{
	f.commit = COMMIT_AT_ONCE;
	fake_commit_all(&f, 1);
	acd_gateway_lost(&f.x, acd_gateway_get(&f.x, "yn.gateway.1"));
	f.silent = 1;
	fake_pass(&f, 3600000);
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.rsvs), 0);
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.items), 0);
}

static void the_promises_hold_over_random_events(void)
{
	int offers = 0, accepted = 0, ended = 0, steps = getenv("YC_MODEL_STEPS") ? (int)strtol(getenv("YC_MODEL_STEPS"), NULL, 10) : 2500;

	bad = 0;
	for (uint64_t seed = 1; seed <= 24 && !bad; seed++) {
		start(seed);
		for (int step = 0; step < steps && !bad; step++) {
			random_event();
			check_all(step);
		}
		if (bad)
			printf("  seed %d\n", (int)seed);
		offers += fake_count(&f, "offer", NULL);
		accepted += fake_count(&f, "item.accepted", NULL);
		ended += fake_count(&f, "item.ended", NULL);
		wind_down();
		fake_stop(&f);
	}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT(offers > 1000 && accepted > 500 && ended > 1000);    /* the events were not idle */
}

static void every_item_that_was_queued_ends_exactly_once(void)
{
	enum { MANY = 400 };

	start(77);
	n_items = 0;
	for (int step = 0; n_items < MANY; step++)
		random_event();
	wind_down();
	for (int k = 1; k <= MANY && f.n_log < FAKE_LOG; k++) {
		CU_ASSERT_EQUAL(fake_count(&f, "item.queued", name('i', k)), 1);
		CU_ASSERT_EQUAL(fake_count(&f, "item.ended", name('i', k)), 1);
	}
	CU_ASSERT(f.n_log < FAKE_LOG);
	fake_stop(&f);
}

YCT_MAIN("acd_model", T(the_promises_hold_over_random_events), T(every_item_that_was_queued_ends_exactly_once))
