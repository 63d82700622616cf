/* The core of acd with a held clock: offers, refusals, time-outs, presence, recovery. */
#include <string.h>

#include "acd_fake.h"
#include "yc/clock.h"
#include "yct.h"

#define OUT(x) PB__OFFER_OUTCOME__OFFER_OUTCOME_##x
#define IS(x) PB__ITEM_STATE__ITEM_STATE_##x
#define WANT(x) PB__PRESENCE__PRESENCE_##x

static struct fake f;

/* Two agents for one queue with 5 s of wrap-up; a was ready first. */
static void two_agents(void)
{
	fake_start(&f);
	fake_queue(&f, "post", "post", 1, 5000);
	fake_queue(&f, "quick", "post", 1, 0);
	fake_person(&f, "a", "post", 3);
	fake_person(&f, "b", "post", 3);
	fake_ready(&f, "a");
	fake_pass(&f, 1000);
	fake_ready(&f, "b");
	fake_pass(&f, 1000);
}

static void want(const char *id, Pb__Presence w, const char *reason)
{
	YCT_OK(acd_agent_want(&f.x, fake_agent(&f, id), w, reason, "self", yct_err()));
}

/* --- offers ---------------------------------------------------------------------------------------------------------------------- */
static void an_arriving_item_is_offered_at_once_to_the_longest_idle_agent(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	YCT_STR(fake_offered_item(&f, "a"), "i1");
	YCT_STR(fake_status(&f, "a"), "OFFERED");
	CU_ASSERT_EQUAL(acd_item_find(&f.x, "i1")->state, IS(OFFERED));
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 1);
	fake_enqueue(&f, "i2", "post", 0);
	YCT_STR(fake_offered_item(&f, "b"), "i2");
	fake_stop(&f);
}

static void a_freed_agent_gets_the_most_urgent_waiting_item_at_once(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "quick", 0);
	fake_enqueue(&f, "i2", "quick", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	YCT_OK(fake_outcome(&f, "b", OUT(ACCEPTED), ""));
	fake_enqueue(&f, "old", "quick", 0);
	fake_pass(&f, 50000);
	fake_enqueue(&f, "vip", "quick", 1);
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 2);
	fake_end(&f, "i2");
	YCT_STR(fake_offered_item(&f, "b"), "vip");
	fake_end(&f, "i1");
	YCT_STR(fake_offered_item(&f, "a"), "old");
	fake_stop(&f);
}

static void events_of_one_call_are_few_and_in_order(void)
{
	int first;

	two_agents();
	first = f.n_log;
	fake_enqueue(&f, "i1", "quick", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	fake_end(&f, "i1");
	CU_ASSERT_EQUAL_FATAL(f.n_log - first, 8);
	YCT_STR(f.log[first].what, "item.queued");
	YCT_STR(f.log[first + 1].what, "item.offered");
	YCT_STR(f.log[first + 2].detail, "OFFERED/");
	YCT_STR(f.log[first + 3].what, "offer");
	YCT_STR(f.log[first + 4].what, "item.accepted");
	YCT_STR(f.log[first + 5].detail, "BUSY/");
	YCT_STR(f.log[first + 6].what, "item.ended");
	YCT_STR(f.log[first + 7].detail, "READY/");
	YCT_STR(f.log[first + 7].agent, "BUSY");
	fake_stop(&f);
}

static void a_rejected_item_goes_to_the_next_agent_and_the_first_to_a_break(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(REJECTED), "486"));
	YCT_STR(fake_status(&f, "a"), "BREAK");
	YCT_STR(fake_agent(&f, "a")->reason, "rejected");
	YCT_STR(fake_agent(&f, "a")->cause, "system");
	YCT_STR(fake_offered_item(&f, "b"), "i1");
	YCT_STR(fake_last(&f, "item.offer_ended", "i1")->detail, "486");
	YCT_STR(fake_last(&f, "item.offer_ended", "i1")->agent, "a");
	CU_ASSERT_EQUAL(acd_item_find(&f.x, "i1")->offers, 2);
	fake_stop(&f);
}

static void outcomes_give_their_reasons(void)
{
	static const struct { Pb__OfferOutcome o; const char *reason; } t[] = {
		{ OUT(REJECTED), "rejected" }, { OUT(TIMED_OUT), "no_answer" }, { OUT(FAILED), "phone_unreachable" },
	};

	for (size_t k = 0; k < sizeof(t) / sizeof(t[0]); k++) {
		two_agents();
		fake_enqueue(&f, "i1", "post", 0);
		YCT_OK(fake_outcome(&f, "a", t[k].o, ""));
		YCT_STR(fake_agent(&f, "a")->reason, t[k].reason);
		fake_stop(&f);
	}
}

static void a_rejected_item_stands_in_front_of_those_who_came_later(void)
{
	two_agents();
	want("b", WANT(BREAK), "lunch");
	fake_enqueue(&f, "first", "post", 0);
	fake_pass(&f, 1000);
	fake_enqueue(&f, "second", "post", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(REJECTED), ""));
	want("b", WANT(READY), "");
	YCT_STR(fake_offered_item(&f, "b"), "first");
	fake_stop(&f);
}

static void an_item_comes_back_to_a_tried_agent_only_when_nobody_else_is_left(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(TIMED_OUT), ""));
	YCT_OK(fake_outcome(&f, "b", OUT(ACCEPTED), ""));
	fake_enqueue(&f, "i2", "post", 0);
	want("a", WANT(READY), "");
	YCT_STR(fake_offered_item(&f, "a"), "i2");
	YCT_OK(fake_outcome(&f, "a", OUT(TIMED_OUT), ""));
	want("a", WANT(READY), "");
	YCT_STR(fake_offered_item(&f, "a"), "");               /* b talks, but will be free again */
	want("b", WANT(BREAK), "lunch");                       /* after this talk: nobody else is left */
	YCT_STR(fake_offered_item(&f, "a"), "i2");
	fake_stop(&f);
}

static void the_lease_ends_what_nobody_ended(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	fake_pass(&f, 22999);
	YCT_STR(fake_offered_item(&f, "a"), "i1");
	fake_pass(&f, 1);
	YCT_STR(fake_status(&f, "a"), "BREAK");
	YCT_STR(fake_agent(&f, "a")->reason, "no_answer");
	YCT_STR(fake_offered_item(&f, "b"), "i1");
	CU_ASSERT_EQUAL(fake_count(&f, "stop", NULL), 1);
	fake_stop(&f);
}

static void a_customer_who_leaves_frees_the_agent_without_blame(void)
{
	int64_t idle;

	two_agents();
	idle = fake_agent(&f, "a")->idle_since;
	fake_enqueue(&f, "i1", "post", 0);
	fake_pass(&f, 3000);
	acd_leave(&f.x, "i1", "hangup");
	YCT_STR(fake_status(&f, "a"), "READY");
	CU_ASSERT_EQUAL(fake_agent(&f, "a")->idle_since, idle);
	CU_ASSERT_PTR_NULL(acd_item_find(&f.x, "i1"));
	CU_ASSERT_EQUAL(fake_count(&f, "stop", NULL), 1);
	CU_ASSERT_EQUAL(fake_count(&f, "item.ended", "i1"), 1);
	fake_enqueue(&f, "i2", "post", 0);
	YCT_STR(fake_offered_item(&f, "a"), "i2");             /* he is still the one who has been idle longest */
	acd_leave(&f.x, "i1", "hangup");
	CU_ASSERT_EQUAL(fake_count(&f, "item.ended", "i1"), 1);
	fake_stop(&f);
}

static void a_cancelled_offer_ends_the_item_too(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(CANCELLED), "hangup"));
	CU_ASSERT_PTR_NULL(acd_item_find(&f.x, "i1"));
	CU_ASSERT_EQUAL(acd_item_was(&f.x, "i1"), IS(ABANDONED));
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_stop(&f);
}

static void an_agent_declines_at_the_console(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	CU_ASSERT_EQUAL(acd_rsv_step(&f.x, fake_agent(&f, "a")->rsv, RV_DECLINE, ""), YC_OK);
	YCT_STR(fake_agent(&f, "a")->reason, "rejected");
	YCT_STR(fake_agent(&f, "a")->cause, "self");
	CU_ASSERT_EQUAL(fake_count(&f, "stop", NULL), 1);
	YCT_STR(fake_offered_item(&f, "b"), "i1");
	fake_stop(&f);
}

static void an_outcome_with_an_old_version_is_refused(void)
{
	Pb__OfferResult r = PB__OFFER_RESULT__INIT;
	struct yc_err e = { 0 };

	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	r.reservation_id = fake_agent(&f, "a")->rsv->id;
	r.item_id = (char *)"i1";
	r.agent_id = (char *)"a";
	r.version = fake_agent(&f, "a")->rsv->ver - 1;
	r.outcome = OUT(REJECTED);
	CU_ASSERT_EQUAL(acd_offer_end(&f.x, &r, &e), YC_STALE);
	YCT_STR(e.field, "version");
	r.outcome = 77;
	CU_ASSERT_EQUAL(acd_offer_end(&f.x, &r, &e), YC_INVALID);
	YCT_STR(fake_offered_item(&f, "a"), "i1");
	fake_stop(&f);
}

static void repeated_words_change_nothing(void)
{
	Pb__OfferResult r = PB__OFFER_RESULT__INIT;
	char rsv[YC_ID_LEN];
	struct yc_err e = { 0 };
	int n;

	two_agents();
	fake_enqueue(&f, "i1", "quick", 0);
	snprintf(rsv, sizeof(rsv), "%s", fake_agent(&f, "a")->rsv->id);
	r.reservation_id = rsv;
	r.item_id = (char *)"i1";
	r.agent_id = (char *)"a";
	r.outcome = OUT(ACCEPTED);
	YCT_OK(acd_offer_end(&f.x, &r, &e));
	n = f.n_log;
	YCT_OK(acd_offer_end(&f.x, &r, &e));
	fake_enqueue(&f, "i1", "quick", 0);
	CU_ASSERT_EQUAL(f.n_log, n);
	fake_end(&f, "i1");
	n = f.n_log;
	fake_end(&f, "i1");
	fake_enqueue(&f, "i1", "quick", 0);
	CU_ASSERT_EQUAL(acd_offer_end(&f.x, &r, &e), YC_CONFLICT);     /* an answer after the end brings nothing to life */
	CU_ASSERT_EQUAL(f.n_log, n);
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_stop(&f);
}

/* --- the commit ------------------------------------------------------------------------------------------------------------------ */
static void a_lost_compare_and_set_goes_to_the_next_candidate(void)
{
	two_agents();
	f.refuse_once = 1;
	fake_enqueue(&f, "i1", "post", 0);
	YCT_STR(fake_offered_item(&f, "b"), "i1");
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_enqueue(&f, "i2", "post", 0);
	YCT_STR(fake_offered_item(&f, "a"), "");
	fake_pass(&f, 60);                                     /* after a moment he is a candidate again */
	YCT_STR(fake_offered_item(&f, "a"), "i2");
	CU_ASSERT_EQUAL(fake_count(&f, "item.offer_ended", NULL), 0);
	fake_stop(&f);
}

static void nothing_rings_before_the_commit(void)
{
	two_agents();
	f.commit = COMMIT_LATER;
	fake_enqueue(&f, "i1", "post", 0);
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 0);
	CU_ASSERT_EQUAL(acd_item_find(&f.x, "i1")->state, IS(WAITING));
	fake_commit_all(&f, 1);
	YCT_STR(fake_offered_item(&f, "a"), "i1");
	fake_stop(&f);
}

static void a_customer_may_leave_during_the_commit(void)
{
	two_agents();
	f.commit = COMMIT_LATER;
	fake_enqueue(&f, "i1", "post", 0);
	acd_leave(&f.x, "i1", "hangup");
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_commit_all(&f, 1);
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 0);
	CU_ASSERT_EQUAL(fake_count(&f, "stop", NULL), 0);
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.rsvs), 0);
	fake_stop(&f);
}

static void a_commit_that_is_never_answered_ends_by_its_lease(void)
{
	two_agents();
	f.commit = COMMIT_LATER;
	fake_enqueue(&f, "i1", "post", 0);
	f.n_pending = 0;
	f.commit = COMMIT_AT_ONCE;
	fake_pass(&f, 23000);
	YCT_STR(fake_offered_item(&f, "b"), "");
	YCT_STR(fake_offered_item(&f, "a"), "i1");             /* not his fault: still the longest idle */
	fake_stop(&f);
}

/* --- gateways that fail ------------------------------------------------------------------------------------------------------------ */
static void an_offer_that_cannot_be_made_parks_the_item_and_blames_nobody(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	acd_offer_failed(&f.x, fake_agent(&f, "a")->rsv->id, YC_UNAVAILABLE, "");
	YCT_STR(fake_status(&f, "a"), "READY");
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 1);
	fake_pass(&f, 250);
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 2);
	acd_offer_failed(&f.x, fake_agent(&f, "a")->rsv->id, YC_INSTANCE_LOST, "");
	fake_pass(&f, 499);
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 2);
	fake_pass(&f, 1);
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 3);     /* no tight loop: the pause doubles */
	fake_stop(&f);
}

static void a_call_unknown_to_its_gateway_is_over(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	acd_offer_failed(&f.x, fake_agent(&f, "a")->rsv->id, YC_NOT_FOUND, "call_id");
	CU_ASSERT_PTR_NULL(acd_item_find(&f.x, "i1"));
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_enqueue(&f, "i2", "post", 0);
	acd_offer_failed(&f.x, fake_agent(&f, "a")->rsv->id, YC_NOT_FOUND, "extension");
	YCT_STR(fake_agent(&f, "a")->reason, "phone_unreachable");
	YCT_STR(fake_offered_item(&f, "b"), "i2");
	acd_offer_failed(&f.x, fake_agent(&f, "b")->rsv->id, YC_DEADLINE, "");
	YCT_STR(fake_offered_item(&f, "b"), "i2");             /* it may ring: the lease will tell */
	fake_stop(&f);
}

static void a_lost_gateways_contacts_end_after_the_lease(void)
{
	two_agents();
	acd_gateway_seen(&f.x, "yn.gateway.1", "g1");
	fake_enqueue(&f, "i1", "quick", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	fake_enqueue(&f, "i2", "quick", 0);
	fake_enqueue(&f, "i3", "quick", 0);
	acd_gateway_lost(&f.x, acd_gateway_get(&f.x, "yn.gateway.1"));
	fake_pass(&f, 5000);
	acd_gateway_lost(&f.x, acd_gateway_get(&f.x, "yn.gateway.1"));
	fake_pass(&f, 4999);
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.items), 3);
	fake_pass(&f, 1);
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.items), 0);
	YCT_STR(fake_status(&f, "a"), "READY");
	YCT_STR(fake_status(&f, "b"), "READY");
	YCT_STR(fake_last(&f, "item.ended", "i1")->detail, "gateway_lost");
	fake_stop(&f);
}

static void a_gateway_that_returns_in_time_loses_nothing_and_a_restarted_one_is_asked(void)
{
	two_agents();
	acd_gateway_seen(&f.x, "yn.gateway.1", "g1");
	fake_enqueue(&f, "i1", "quick", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	acd_gateway_lost(&f.x, acd_gateway_get(&f.x, "yn.gateway.1"));
	fake_pass(&f, 9000);
	acd_gateway_seen(&f.x, "yn.gateway.1", "g1");
	fake_pass(&f, 60000);
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.items), 1);
	CU_ASSERT_EQUAL(f.checks, 0);
	acd_gateway_seen(&f.x, "yn.gateway.1", "g2");
	CU_ASSERT_EQUAL(f.checks, 1);
	acd_item_gone(&f.x, "i1");
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_stop(&f);
}

static void a_long_talk_is_checked_with_its_gateway(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "quick", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	fake_pass(&f, 299999);
	CU_ASSERT_EQUAL(f.checks, 0);
	fake_pass(&f, 300001);
	CU_ASSERT_EQUAL(f.checks, 2);
	fake_stop(&f);
}

/* --- wrap-up ----------------------------------------------------------------------------------------------------------------------- */
static void wrap_up_belongs_to_the_agent_and_ends_by_itself(void)
{
	two_agents();
	want("b", WANT(BREAK), "lunch");
	fake_enqueue(&f, "i1", "post", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	fake_end(&f, "i1");
	YCT_STR(fake_status(&f, "a"), "WRAP_UP");
	YCT_STR(fake_agent(&f, "a")->work.item, "i1");
	fake_enqueue(&f, "i2", "post", 0);
	fake_pass(&f, 4999);
	YCT_STR(fake_offered_item(&f, "a"), "");
	fake_pass(&f, 1);
	YCT_STR(fake_offered_item(&f, "a"), "i2");
	fake_stop(&f);
}

static void wrap_up_ends_early_with_a_disposition(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	CU_ASSERT_EQUAL(acd_agent_wrapped(&f.x, fake_agent(&f, "b"), "done", "", "", "self", yct_err()), YC_CONFLICT);
	fake_end(&f, "i1");
	fake_pass(&f, 1500);
	YCT_OK(acd_agent_wrapped(&f.x, fake_agent(&f, "a"), "delivered", "said thanks", "", "self", yct_err()));
	CU_ASSERT_EQUAL(f.wrapped_ms, 1500);                   /* two events, told once */
	YCT_STR(fake_status(&f, "a"), "READY");
	YCT_STR(f.disposition, "delivered");
	YCT_STR(fake_agent(&f, "a")->work.item, "");
	fake_pass(&f, 10000);
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_enqueue(&f, "i2", "post", 0);
	YCT_OK(fake_outcome(&f, "b", OUT(ACCEPTED), ""));
	YCT_OK(acd_agent_wrapped(&f.x, fake_agent(&f, "b"), "early", "", "break", "self", yct_err()));  /* while he still talks */
	YCT_STR(fake_status(&f, "b"), "BUSY");
	fake_end(&f, "i2");
	YCT_STR(fake_status(&f, "b"), "WRAP_UP");
	fake_pass(&f, 5000);
	YCT_STR(fake_status(&f, "b"), "BREAK");
	fake_stop(&f);
}

/* --- presence ---------------------------------------------------------------------------------------------------------------------- */
static void a_break_waits_for_the_end_of_the_talk(void)
{
	struct acd_agent_msg m;

	two_agents();
	fake_enqueue(&f, "i1", "quick", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	want("a", WANT(BREAK), "lunch");
	acd_msg_agent(&f.x, &m, fake_agent(&f, "a"));
	CU_ASSERT_TRUE(m.m.break_pending);
	CU_ASSERT_EQUAL(m.m.status, PB__AGENT_STATUS__AGENT_STATUS_BUSY);
	fake_end(&f, "i1");
	YCT_STR(fake_status(&f, "a"), "BREAK");
	YCT_STR(fake_agent(&f, "a")->reason, "lunch");
	YCT_STR(fake_agent(&f, "a")->cause, "self");
	fake_stop(&f);
}

static void signing_out_while_it_rings_gives_the_item_to_the_next(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "post", 0);
	want("a", WANT(OFFLINE), "signed_out");
	YCT_STR(fake_status(&f, "a"), "OFFLINE");
	YCT_STR(fake_offered_item(&f, "b"), "i1");
	CU_ASSERT_EQUAL(fake_count(&f, "stop", NULL), 1);
	CU_ASSERT_EQUAL(acd_agent_want(&f.x, fake_agent(&f, "a"), WANT(READY), "", "self", yct_err()), YC_CONFLICT);
	fake_stop(&f);
}

static void a_silent_console_signs_its_agent_out(void)
{
	two_agents();
	f.silent = 1;
	fake_pass(&f, 20000);
	YCT_OK(acd_agent_renew(&f.x, fake_agent(&f, "b"), yct_err()));
	fake_pass(&f, 15000);
	YCT_STR(fake_status(&f, "a"), "OFFLINE");
	YCT_STR(fake_agent(&f, "a")->reason, "console_lost");
	YCT_STR(fake_agent(&f, "a")->cause, "system");
	YCT_STR(fake_status(&f, "b"), "READY");
	CU_ASSERT_EQUAL(acd_agent_renew(&f.x, fake_agent(&f, "a"), yct_err()), YC_CONFLICT);
	fake_stop(&f);
}

static void a_console_that_was_only_late_keeps_its_talking_agent(void)
{
	two_agents();
	f.silent = 1;
	fake_enqueue(&f, "i1", "quick", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	fake_pass(&f, 40000);
	YCT_STR(fake_status(&f, "a"), "BUSY");
	YCT_OK(acd_agent_renew(&f.x, fake_agent(&f, "a"), yct_err()));
	fake_end(&f, "i1");
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_stop(&f);
}

static void a_lost_phone_makes_a_break_and_its_return_ends_it(void)
{
	struct acd_phone *p;

	two_agents();
	fake_person(&f, "c", "post", 3);
	f.phone_answer = 1;
	YCT_OK(acd_agent_sign_in(&f.x, fake_agent(&f, "c"), "8003", 1, 0, "self", yct_err()));
	YCT_STR(fake_status(&f, "c"), "READY");
	p = acd_phone_get(&f.x, "8003");
	acd_phone_seen(&f.x, p, 0, 0);
	YCT_STR(fake_status(&f, "c"), "BREAK");
	YCT_STR(fake_agent(&f, "c")->reason, "phone_lost");
	YCT_STR(fake_agent(&f, "c")->cause, "system");
	acd_phone_seen(&f.x, p, 1, 60000);
	YCT_STR(fake_status(&f, "c"), "READY");
	YCT_OK(acd_agent_want(&f.x, fake_agent(&f, "c"), WANT(BREAK), "lunch", "self", yct_err()));
	acd_phone_seen(&f.x, p, 0, 0);
	acd_phone_seen(&f.x, p, 1, 0);
	YCT_STR(fake_agent(&f, "c")->reason, "lunch");         /* his own break is his */
	fake_stop(&f);
}

static void a_phone_lost_while_it_rings_gives_the_item_to_the_next(void)
{
	two_agents();
	fake_person(&f, "c", "post", 3);
	f.phone_answer = 1;
	want("a", WANT(BREAK), "lunch");
	YCT_OK(acd_agent_sign_in(&f.x, fake_agent(&f, "c"), "8003", 1, 0, "self", yct_err()));
	fake_agent(&f, "c");
	want("b", WANT(BREAK), "lunch");
	fake_enqueue(&f, "i1", "post", 0);
	YCT_STR(fake_offered_item(&f, "c"), "i1");
	want("b", WANT(READY), "");
	acd_phone_seen(&f.x, acd_phone_get(&f.x, "8003"), 0, 0);
	YCT_STR(fake_offered_item(&f, "b"), "i1");
	YCT_STR(fake_agent(&f, "c")->reason, "phone_lost");
	CU_ASSERT_EQUAL(fake_count(&f, "stop", NULL), 1);
	acd_phone_seen(&f.x, acd_phone_get(&f.x, "8003"), 1, 0);
	YCT_STR(fake_status(&f, "c"), "READY");
	fake_stop(&f);
}

static void a_registration_is_looked_at_again_when_it_should_have_ended(void)
{
	two_agents();
	fake_person(&f, "c", "post", 3);
	f.phone_answer = 1;
	YCT_OK(acd_agent_sign_in(&f.x, fake_agent(&f, "c"), "8003", 1, 0, "self", yct_err()));
	acd_phone_seen(&f.x, acd_phone_get(&f.x, "8003"), 1, 5000);
	f.phones_asked = 0;
	f.phone_answer = 0;                                    /* the gateway died and nobody said a word */
	fake_pass(&f, 5999);
	CU_ASSERT_EQUAL(f.phones_asked, 0);
	fake_pass(&f, 1);
	CU_ASSERT_EQUAL(f.phones_asked, 1);
	YCT_STR(fake_agent(&f, "c")->reason, "phone_lost");
	fake_stop(&f);
}

static void two_people_cannot_sit_at_one_phone(void)
{
	struct yc_err e = { 0 };

	two_agents();
	fake_person(&f, "c", "post", 3);
	CU_ASSERT_EQUAL(acd_agent_sign_in(&f.x, fake_agent(&f, "c"), "xa", 1, 0, "self", &e), YC_CONFLICT);
	YCT_STR(e.field, "extension");
	want("a", WANT(OFFLINE), "signed_out");
	YCT_OK(acd_agent_sign_in(&f.x, fake_agent(&f, "c"), "xa", 1, 0, "self", &e));
	YCT_STR(fake_status(&f, "c"), "READY");
	fake_enqueue(&f, "i1", "post", 0);
	fake_enqueue(&f, "i2", "post", 0);
	CU_ASSERT_EQUAL(acd_agent_sign_in(&f.x, fake_agent(&f, "c"), "xz", 1, 0, "self", &e), YC_CONFLICT);   /* not while it rings */
	fake_stop(&f);
}

static void a_seat_is_ready_without_a_console_and_returns_from_a_missed_offer(void)
{
	Pb__Seat s = PB__SEAT__INIT;

	fake_start(&f);
	fake_queue(&f, "post", "post", 1, 0);
	fake_person(&f, "a", "post", 3);
	fake_phone(&f, "x1", 1);
	s.extension = (char *)"x1";
	s.staff_no = (char *)"a";
	s.auto_ready = 1;
	acd_seat_put(&f.x, &s);
	acd_seats_apply(&f.x);
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_pass(&f, 3600000);
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_enqueue(&f, "i1", "post", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(TIMED_OUT), ""));
	YCT_STR(fake_status(&f, "a"), "BREAK");
	fake_pass(&f, 10000);
	YCT_STR(fake_offered_item(&f, "a"), "i1");
	YCT_OK(acd_agent_want(&f.x, fake_agent(&f, "a"), WANT(OFFLINE), "closed", "leader", yct_err()));
	acd_seats_apply(&f.x);
	YCT_STR(fake_status(&f, "a"), "OFFLINE");              /* sent away on purpose */
	fake_stop(&f);
}

static void skills_learned_and_lost_take_effect_at_once(void)
{
	two_agents();
	fake_queue(&f, "tax", "tax", 2, 0);
	fake_enqueue(&f, "i1", "tax", 0);
	YCT_STR(fake_offered_item(&f, "b"), "");
	fake_person(&f, "b", "tax", 1);
	YCT_STR(fake_offered_item(&f, "b"), "");
	fake_person(&f, "b", "tax", 2);
	YCT_STR(fake_offered_item(&f, "b"), "i1");
	fake_enqueue(&f, "i2", "post", 0);
	YCT_STR(fake_offered_item(&f, "a"), "i2");
	fake_queue(&f, "new", "post", 5, 0);
	fake_enqueue(&f, "i3", "new", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	fake_end(&f, "i2");
	fake_pass(&f, 5000);
	YCT_STR(fake_offered_item(&f, "a"), "");
	fake_queue(&f, "new", "post", 3, 0);                   /* the queue now asks for less */
	YCT_STR(fake_offered_item(&f, "a"), "i3");
	fake_stop(&f);
}

static void somebody_who_no_longer_works_here_is_signed_out(void)
{
	Pb__Person p = PB__PERSON__INIT;

	two_agents();
	p.id = p.staff_no = (char *)"a";
	acd_person_put(&f.x, &p);
	YCT_STR(fake_status(&f, "a"), "OFFLINE");
	YCT_STR(fake_agent(&f, "a")->reason, "deactivated");
	fake_stop(&f);
}

static void contacts_are_counted_by_the_day(void)
{
	struct acd_agent_msg m;

	two_agents();
	for (int k = 0; k < 3; k++) {
		fake_enqueue(&f, k == 0 ? "i1" : k == 1 ? "i2" : "i3", "quick", 0);
		YCT_OK(fake_outcome(&f, k % 2 ? "b" : "a", OUT(ACCEPTED), ""));
		fake_end(&f, k == 0 ? "i1" : k == 1 ? "i2" : "i3");
		fake_pass(&f, 1000);
	}
	acd_msg_agent(&f.x, &m, fake_agent(&f, "a"));
	CU_ASSERT_EQUAL(m.m.handled, 2);
	yc_clock_advance(86400000);
	acd_msg_agent(&f.x, &m, fake_agent(&f, "a"));
	CU_ASSERT_EQUAL(m.m.handled, 0);
	fake_stop(&f);
}

/* --- arrival ----------------------------------------------------------------------------------------------------------------------- */
static enum yc_code enqueue(Pb__WorkItem *i, struct yc_err *e)
{
	memset(e, 0, sizeof(*e));
	return acd_enqueue(&f.x, i, e);
}

static void bad_items_are_refused_by_field(void)
{
	Pb__WorkItem i = PB__WORK_ITEM__INIT;
	struct yc_err e;

	two_agents();
	CU_ASSERT_EQUAL(enqueue(&i, &e), YC_INVALID);
	YCT_STR(e.field, "id");
	i.id = (char *)"i1";
	CU_ASSERT_EQUAL(enqueue(&i, &e), YC_INVALID);
	YCT_STR(e.field, "gateway");
	i.gateway = (char *)"g";
	i.queue = (char *)"nothing";
	CU_ASSERT_EQUAL(enqueue(&i, &e), YC_INVALID);
	YCT_STR(e.field, "queue");
	i.queue = (char *)"post";
	i.priority = 2000;
	CU_ASSERT_EQUAL(enqueue(&i, &e), YC_INVALID);
	YCT_STR(e.field, "priority");
	i.priority = 0;
	i.caller = (char *)"0123456789012345678901234567890123456789012345678901234567890123456789";
	CU_ASSERT_EQUAL(enqueue(&i, &e), YC_INVALID);
	YCT_STR(e.field, "caller");
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.items), 0);
	fake_stop(&f);
}

static void a_full_queue_says_so(void)
{
	Pb__Queue q = PB__QUEUE__INIT;
	Pb__WorkItem i = PB__WORK_ITEM__INIT;
	struct yc_err e;

	fake_start(&f);
	q.code = (char *)"small";
	q.max_waiting = 2;
	YCT_OK(acd_queue_check(&q, &e));
	acd_queue_put(&f.x, &q);
	fake_enqueue(&f, "i1", "small", 0);
	fake_enqueue(&f, "i2", "small", 0);
	i.id = (char *)"i3";
	i.queue = (char *)"small";
	i.gateway = (char *)"g";
	CU_ASSERT_EQUAL(enqueue(&i, &e), YC_EXHAUSTED);
	YCT_STR(e.field, "queue");
	acd_leave(&f.x, "i1", "");
	YCT_OK(enqueue(&i, &e));
	fake_stop(&f);
}

static void positions_and_estimates_are_honest(void)
{
	int64_t ms;

	two_agents();
	for (int k = 0; k < 2; k++) {
		fake_enqueue(&f, k ? "t2" : "t1", "quick", 0);
		YCT_OK(fake_outcome(&f, k ? "b" : "a", OUT(ACCEPTED), ""));
	}
	fake_enqueue(&f, "w1", "quick", 0);
	CU_ASSERT_EQUAL(acd_queue_position(&f.x, acd_item_find(&f.x, "w1"), &ms), 1);
	CU_ASSERT_EQUAL(ms, 0);                                /* nobody has been served yet: not known */
	fake_pass(&f, 100000);
	fake_end(&f, "t1");
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	fake_enqueue(&f, "w2", "quick", 0);
	fake_enqueue(&f, "w3", "quick", 0);
	CU_ASSERT_EQUAL(acd_queue_position(&f.x, acd_item_find(&f.x, "w3"), &ms), 2);
	CU_ASSERT_EQUAL(ms, 100000);                           /* two contacts of 100 s before him or his own, two agents */
	fake_stop(&f);
}

static void the_wall_sees_queues_as_they_are(void)
{
	Pb__QueueLive l = PB__QUEUE_LIVE__INIT;

	two_agents();
	fake_enqueue(&f, "i1", "quick", 0);
	fake_enqueue(&f, "i2", "quick", 0);
	fake_enqueue(&f, "i3", "quick", 0);
	fake_pass(&f, 10);
	fake_enqueue(&f, "i4", "quick", 5);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	acd_queue_live(&f.x, acd_queue_find(&f.x, "quick"), &l);
	CU_ASSERT_EQUAL(l.waiting, 2);
	CU_ASSERT_EQUAL(l.offered, 1);
	CU_ASSERT_EQUAL(l.talking, 1);
	CU_ASSERT_EQUAL(l.agents, 2);
	CU_ASSERT_EQUAL(l.ready, 0);
	CU_ASSERT_EQUAL(l.oldest_at, acd_item_find(&f.x, "i3")->arrived_at);
	fake_stop(&f);
}

static void bad_queues_are_refused_by_field(void)
{
	Pb__SkillLevel s = PB__SKILL_LEVEL__INIT, *sp = &s;
	Pb__Queue q = PB__QUEUE__INIT;
	struct yc_err e = { 0 };

	CU_ASSERT_EQUAL(acd_queue_check(&q, &e), YC_INVALID);
	YCT_STR(e.field, "code");
	q.code = (char *)"q";
	q.offer_timeout_ms = 5;
	CU_ASSERT_EQUAL(acd_queue_check(&q, &e), YC_INVALID);
	YCT_STR(e.field, "offer_timeout_ms");
	q.offer_timeout_ms = 0;
	q.skills = &sp;
	q.n_skills = 1;
	s.level = 9;
	s.skill = (char *)"post";
	CU_ASSERT_EQUAL(acd_queue_check(&q, &e), YC_INVALID);
	YCT_STR(e.field, "skills.0.level");
	s.level = 0;
	YCT_OK(acd_queue_check(&q, &e));
	CU_ASSERT_EQUAL(q.offer_timeout_ms, 20000);
	CU_ASSERT_EQUAL(q.service_level_ms, 15000);
	CU_ASSERT_EQUAL(q.priority_boost_s, 60);
	CU_ASSERT_EQUAL(s.level, 1);
}

/* --- resync ------------------------------------------------------------------------------------------------------------------------ */
struct live { Pb__LiveContact c[8]; Pb__LiveContact *cp[8]; Pb__WorkItem i[8]; Pb__ResyncReq r; };

static void live_init(struct live *l)
{
	memset(l, 0, sizeof(*l));
	pb__resync_req__init(&l->r);
	l->r.gateway = (char *)"yn.gateway.1";
	l->r.contacts = l->cp;
}

static Pb__LiveContact *live_add(struct live *l, const char *id, int64_t arrived_at)
{
	size_t k = l->r.n_contacts++;

	pb__live_contact__init(&l->c[k]);
	pb__work_item__init(&l->i[k]);
	l->cp[k] = &l->c[k];
	l->c[k].item = &l->i[k];
	l->i[k].id = (char *)id;
	l->i[k].queue = (char *)"quick";
	l->i[k].gateway = (char *)"yn.gateway.1";
	l->i[k].arrived_at = arrived_at;
	return &l->c[k];
}

static void resync_keeps_the_order_of_arrival(void)
{
	struct live l;

	two_agents();
	f.x.open = 0;                                          /* just started, nothing known */
	live_init(&l);
	live_add(&l, "late", FAKE_T0 - 1000);
	live_add(&l, "early", FAKE_T0 - 9000);
	live_add(&l, "middle", FAKE_T0 - 5000);
	CU_ASSERT_EQUAL(acd_resync(&f.x, &l.r, NULL, 0), 0);
	CU_ASSERT_EQUAL(fake_count(&f, "item.queued", NULL), 0);       /* they were told before */
	acd_open(&f.x);
	YCT_STR(fake_offered_item(&f, "a"), "early");
	YCT_STR(fake_offered_item(&f, "b"), "middle");
	fake_stop(&f);
}

static void resync_adopts_who_talks_and_who_rings(void)
{
	struct live l;
	Pb__LiveContact *c;
	char *unknown[8];

	two_agents();
	f.x.open = 0;
	live_init(&l);
	c = live_add(&l, "talk", FAKE_T0 - 60000);
	c->bridged = 1;
	c->agent_id = (char *)"a";
	c->reservation_id = (char *)"rsv_1";
	c = live_add(&l, "ring", FAKE_T0 - 3000);
	c->agent_id = (char *)"b";
	c->reservation_id = (char *)"rsv_2";
	c = live_add(&l, "strange", FAKE_T0 - 3000);
	c->bridged = 1;
	c->agent_id = (char *)"nobody";
	CU_ASSERT_EQUAL_FATAL(acd_resync(&f.x, &l.r, unknown, 8), 1);
	YCT_STR(unknown[0], "nobody");
	YCT_STR(fake_status(&f, "a"), "BUSY");
	YCT_STR(fake_offered_item(&f, "b"), "ring");
	acd_open(&f.x);
	CU_ASSERT_EQUAL(fake_count(&f, "offer", NULL), 0);
	YCT_OK(fake_outcome(&f, "b", OUT(ACCEPTED), ""));
	YCT_STR(fake_status(&f, "b"), "BUSY");
	fake_end(&f, "talk");
	fake_end(&f, "strange");
	YCT_STR(fake_status(&f, "a"), "READY");
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.items), 1);
	fake_stop(&f);
}

static void what_a_gateway_no_longer_has_is_ended_but_not_what_came_just_now(void)
{
	struct live l;

	two_agents();
	fake_enqueue(&f, "i1", "quick", 0);
	YCT_OK(fake_outcome(&f, "a", OUT(ACCEPTED), ""));
	fake_enqueue(&f, "i2", "quick", 0);
	fake_enqueue(&f, "i3", "quick", 0);
	fake_pass(&f, 3000);
	fake_enqueue(&f, "new", "quick", 0);
	live_init(&l);
	live_add(&l, "i3", FAKE_T0);
	acd_resync(&f.x, &l.r, NULL, 0);
	CU_ASSERT_PTR_NULL(acd_item_find(&f.x, "i1"));
	CU_ASSERT_PTR_NULL(acd_item_find(&f.x, "i2"));
	CU_ASSERT_PTR_NOT_NULL(acd_item_find(&f.x, "i3"));
	CU_ASSERT_PTR_NOT_NULL(acd_item_find(&f.x, "new"));
	YCT_STR(fake_offered_item(&f, "a"), "i3");
	YCT_STR(fake_offered_item(&f, "b"), "new");
	fake_stop(&f);
}

static void telephony_is_right_about_who_talks_to_whom(void)
{
	struct live l;
	Pb__LiveContact *c;

	two_agents();
	fake_enqueue(&f, "i1", "quick", 0);                    /* rings at a */
	fake_enqueue(&f, "i2", "quick", 0);                    /* rings at b */
	live_init(&l);
	c = live_add(&l, "i1", FAKE_T0);
	c->bridged = 1;
	c->agent_id = (char *)"b";
	live_add(&l, "i2", FAKE_T0);
	acd_resync(&f.x, &l.r, NULL, 0);
	YCT_STR(fake_status(&f, "b"), "BUSY");
	YCT_STR(fake_agent(&f, "b")->work.item, "i1");
	YCT_STR(fake_offered_item(&f, "a"), "i2");
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.rsvs), 1);
	fake_stop(&f);
}

static void a_late_answer_is_believed_when_the_customer_still_waits(void)
{
	Pb__OfferResult r = PB__OFFER_RESULT__INIT;
	struct yc_err e = { 0 };
	char rsv[YC_ID_LEN];

	two_agents();
	want("b", WANT(BREAK), "lunch");
	fake_enqueue(&f, "i1", "quick", 0);
	snprintf(rsv, sizeof(rsv), "%s", fake_agent(&f, "a")->rsv->id);
	fake_pass(&f, 23000);                                  /* the lease is over, a is on a break */
	want("b", WANT(READY), "");
	YCT_STR(fake_offered_item(&f, "b"), "i1");
	r.reservation_id = rsv;
	r.item_id = (char *)"i1";
	r.agent_id = (char *)"a";
	r.outcome = OUT(ACCEPTED);
	YCT_OK(acd_offer_end(&f.x, &r, &e));
	YCT_STR(fake_status(&f, "a"), "BUSY");
	YCT_STR(fake_status(&f, "b"), "READY");
	CU_ASSERT_EQUAL(fake_count(&f, "stop", NULL), 2);      /* b's phone must not ring on */
	fake_stop(&f);
}

static void who_is_marked_busy_without_a_contact_is_freed_by_rule(void)
{
	two_agents();
	fake_agent(&f, "a")->status = PB__AGENT_STATUS__AGENT_STATUS_BUSY;     /* as restored from Redis */
	fake_agent(&f, "a")->restored = 1;
	acd_agent_place(&f.x, fake_agent(&f, "a"));
	fake_agent(&f, "b")->status = PB__AGENT_STATUS__AGENT_STATUS_OFFERED;
	fake_agent(&f, "b")->restored = 1;
	fake_agent(&f, "b")->want = WANT(BREAK);
	acd_agent_place(&f.x, fake_agent(&f, "b"));
	acd_reconcile(&f.x);
	YCT_STR(fake_status(&f, "a"), "READY");
	YCT_STR(fake_status(&f, "b"), "BREAK");
	fake_stop(&f);
}

static void the_end_of_a_talk_from_before_the_restart_frees_its_agent(void)
{
	Pb__ContactEnded m = PB__CONTACT_ENDED__INIT;
	struct acd_agent *a;

	two_agents();
	a = fake_agent(&f, "a");
	a->status = PB__AGENT_STATUS__AGENT_STATUS_BUSY;
	a->restored = 1;
	snprintf(a->work.item, sizeof(a->work.item), "old");
	acd_agent_place(&f.x, a);
	m.item_id = (char *)"old";
	m.agent_id = (char *)"a";
	acd_end(&f.x, &m);
	YCT_STR(fake_status(&f, "a"), "READY");
	fake_stop(&f);
}

static void standing_down_forgets_contacts_and_keeps_configuration(void)
{
	two_agents();
	fake_enqueue(&f, "i1", "quick", 0);
	fake_enqueue(&f, "i2", "quick", 0);
	fake_enqueue(&f, "i3", "quick", 0);
	acd_forget(&f.x);
	CU_ASSERT_EQUAL(HASH_COUNT(f.x.items) + HASH_COUNT(f.x.rsvs), 0);
	CU_ASSERT_EQUAL(acd_queue_find(&f.x, "quick")->waiting, 0);
	CU_ASSERT_EQUAL(acd_due(&f.x), -1);
	acd_open(&f.x);
	fake_ready(&f, "a");
	fake_enqueue(&f, "i1", "quick", 0);
	YCT_STR(fake_offered_item(&f, "a"), "i1");
	fake_stop(&f);
}

YCT_MAIN("acd_core",
	 T(an_arriving_item_is_offered_at_once_to_the_longest_idle_agent),
	 T(a_freed_agent_gets_the_most_urgent_waiting_item_at_once),
	 T(events_of_one_call_are_few_and_in_order),
	 T(a_rejected_item_goes_to_the_next_agent_and_the_first_to_a_break),
	 T(outcomes_give_their_reasons),
	 T(a_rejected_item_stands_in_front_of_those_who_came_later),
	 T(an_item_comes_back_to_a_tried_agent_only_when_nobody_else_is_left),
	 T(the_lease_ends_what_nobody_ended),
	 T(a_customer_who_leaves_frees_the_agent_without_blame),
	 T(a_cancelled_offer_ends_the_item_too),
	 T(an_agent_declines_at_the_console),
	 T(an_outcome_with_an_old_version_is_refused),
	 T(repeated_words_change_nothing),
	 T(a_lost_compare_and_set_goes_to_the_next_candidate),
	 T(nothing_rings_before_the_commit),
	 T(a_customer_may_leave_during_the_commit),
	 T(a_commit_that_is_never_answered_ends_by_its_lease),
	 T(an_offer_that_cannot_be_made_parks_the_item_and_blames_nobody),
	 T(a_call_unknown_to_its_gateway_is_over),
	 T(a_lost_gateways_contacts_end_after_the_lease),
	 T(a_gateway_that_returns_in_time_loses_nothing_and_a_restarted_one_is_asked),
	 T(a_long_talk_is_checked_with_its_gateway),
	 T(wrap_up_belongs_to_the_agent_and_ends_by_itself),
	 T(wrap_up_ends_early_with_a_disposition),
	 T(a_break_waits_for_the_end_of_the_talk),
	 T(signing_out_while_it_rings_gives_the_item_to_the_next),
	 T(a_silent_console_signs_its_agent_out),
	 T(a_console_that_was_only_late_keeps_its_talking_agent),
	 T(a_lost_phone_makes_a_break_and_its_return_ends_it),
	 T(a_phone_lost_while_it_rings_gives_the_item_to_the_next),
	 T(a_registration_is_looked_at_again_when_it_should_have_ended),
	 T(two_people_cannot_sit_at_one_phone),
	 T(a_seat_is_ready_without_a_console_and_returns_from_a_missed_offer),
	 T(skills_learned_and_lost_take_effect_at_once),
	 T(somebody_who_no_longer_works_here_is_signed_out),
	 T(contacts_are_counted_by_the_day),
	 T(bad_items_are_refused_by_field),
	 T(a_full_queue_says_so),
	 T(positions_and_estimates_are_honest),
	 T(the_wall_sees_queues_as_they_are),
	 T(bad_queues_are_refused_by_field),
	 T(resync_keeps_the_order_of_arrival),
	 T(resync_adopts_who_talks_and_who_rings),
	 T(what_a_gateway_no_longer_has_is_ended_but_not_what_came_just_now),
	 T(telephony_is_right_about_who_talks_to_whom),
	 T(a_late_answer_is_believed_when_the_customer_still_waits),
	 T(who_is_marked_busy_without_a_contact_is_freed_by_rule),
	 T(the_end_of_a_talk_from_before_the_restart_frees_its_agent),
	 T(standing_down_forgets_contacts_and_keeps_configuration))
