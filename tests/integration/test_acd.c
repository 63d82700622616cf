/* The real yc-acd with real Redis and broker: offers, answers, who may, phones. What dies and returns: test_acd_faults.c. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acd_story.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/text.h"
#include "yc/v1/gateway.pb-c.h"
#include "yct.h"
#include "yct_bus.h"

#define OUT(x) PB__OFFER_OUTCOME__OFFER_OUTCOME_##x
#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x

/* --- one offer after the other ------------------------------------------------------------------------------------------------------ */
static int end_is_told(void *call)
{
	return peers_seen("item.ended", call) > 0;
}

static void a_call_is_offered_answered_and_ended(void)
{
	int c;

	story_begin(3);
	story_ready(2);
	story_ready(1);
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(c, 2));                  /* ready before agent 1 */
	YCT_STR(peers.calls[c].ext, "8002");
	CU_ASSERT(peers.calls[c].ver > 0);
	YCT_STR(peers_status(2), "OFFERED");
	peers_answer(c);
	CU_ASSERT(story_becomes(2, "BUSY"));
	YCT_STR(peers_agent(2)->item_id, peers.calls[c].id);
	YCT_STR(peers_agent(2)->queue, "slow");
	peers_hangup(c);
	CU_ASSERT(story_becomes(2, "READY"));
	CU_ASSERT_EQUAL(peers_agent(2)->handled, 1);
	CU_ASSERT(peers_until(5000, end_is_told, peers.calls[c].id));   /* events are committed apart, and a moment later */
	CU_ASSERT_EQUAL(peers_seen("item.queued", peers.calls[c].id), 1);
	CU_ASSERT_EQUAL(peers_seen("item.offered", peers.calls[c].id), 1);
	CU_ASSERT_EQUAL(peers_seen("item.accepted", peers.calls[c].id), 1);
	story_end();
}

static void a_rejected_call_rings_at_the_next_agent(void)
{
	int c;

	story_begin(2);
	story_ready(1);
	story_ready(2);
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(c, 1));
	peers_outcome(c, OUT(REJECTED), "486");
	CU_ASSERT_FATAL(story_rings_at(c, 2));
	YCT_STR(peers_status(1), "BREAK");
	YCT_STR(peers_agent(1)->reason, "rejected");
	peers_answer(c);
	CU_ASSERT(story_becomes(2, "BUSY"));
	story_end();
}

static void the_lease_ends_an_offer_that_the_gateway_forgets(void)
{
	int c;

	story_begin(2);
	story_ready(1);
	story_ready(2);
	c = peers_dial("post", 0);
	CU_ASSERT_FATAL(story_rings_at(c, 1));
	CU_ASSERT_FATAL(story_rings_at(c, 2));                  /* nobody says a word: 700 ms of ringing and 300 of grace */
	CU_ASSERT_EQUAL(peers.n_stops, 1);
	YCT_STR(peers_agent(1)->reason, "no_answer");
	story_end();
}

static void two_callers_share_one_agent_one_after_the_other(void)
{
	int a, b;

	story_begin(1);
	story_ready(1);
	a = peers_dial("slow", 0);
	b = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(a, 1));
	CU_ASSERT(story_settle());
	CU_ASSERT_EQUAL(peers.calls[b].state, CALL_WAITS);
	peers_answer(a);
	CU_ASSERT(story_becomes(1, "BUSY"));
	CU_ASSERT_EQUAL(peers.calls[b].state, CALL_WAITS);
	peers_hangup(a);
	CU_ASSERT(story_rings_at(b, 1));
	peers_hangup(b);
	CU_ASSERT(story_becomes(1, "READY"));
	CU_ASSERT(peers.n_stops <= 1);
	story_end();
}

static void priority_goes_first_and_arrival_within_it(void)
{
	int first, second, vip;

	story_begin(1);
	first = peers_dial("slow", 0);
	CU_ASSERT(story_settle());
	second = peers_dial("slow", 0);
	CU_ASSERT(story_settle());
	vip = peers_dial("slow", 1);
	CU_ASSERT(story_settle());
	CU_ASSERT_PTR_NOT_NULL(peers_sign_in(1, "8001"));
	CU_ASSERT_FATAL(story_rings_at(vip, 1));
	peers_hangup(vip);
	CU_ASSERT_FATAL(story_rings_at(first, 1));
	peers_hangup(first);
	CU_ASSERT(story_rings_at(second, 1));
	story_end();
}

static void wrap_up_holds_the_next_call_back(void)
{
	Pb__WrapUpReq w = PB__WRAP_UP_REQ__INIT;
	Pb__Principal p;
	int a, b;

	story_begin(1);
	story_ready(1);
	a = peers_dial("wrap", 0);
	CU_ASSERT_FATAL(story_rings_at(a, 1));
	peers_answer(a);
	CU_ASSERT(story_becomes(1, "BUSY"));
	b = peers_dial("wrap", 0);
	peers_hangup(a);
	CU_ASSERT(story_becomes(1, "WRAP_UP"));
	CU_ASSERT_FATAL(story_rings_at(b, 1));                  /* after 400 ms, by itself */
	peers_answer(b);
	CU_ASSERT(story_becomes(1, "BUSY"));
	peers_hangup(b);
	CU_ASSERT(story_becomes(1, "WRAP_UP"));
	peers_principal(&p, 1, YC_ROLE(AGENT), "/yn/km");
	w.disposition = (char *)"delivered";
	w.next_state = (char *)"break";
	CU_ASSERT_PTR_NOT_NULL(peers_ask("acd", "WrapUp", &w, &p));
	YCT_STR(peers_status(1), "BREAK");
	story_end();
}

static void the_console_accepts_and_declines(void)
{
	Pb__ReservationReq r = PB__RESERVATION_REQ__INIT;
	Pb__Principal one, two;
	int c;

	story_begin(2);
	peers_principal(&one, 1, YC_ROLE(AGENT), "/yn/km");
	peers_principal(&two, 2, YC_ROLE(AGENT), "/yn/km");
	story_ready(1);
	story_ready(2);
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(c, 1));
	r.id = (char *)"rsv_of_somebody_else";
	CU_ASSERT_PTR_NULL(peers_ask("acd", "Reject", &r, &one));
	CU_ASSERT_EQUAL(peers.code, YC_CONFLICT);
	r.id = peers.calls[c].rsv;
	CU_ASSERT_PTR_NULL(peers_ask("acd", "Reject", &r, &two));
	CU_ASSERT_PTR_NOT_NULL(peers_ask("acd", "Reject", &r, &one));
	CU_ASSERT_FATAL(story_rings_at(c, 2));
	CU_ASSERT_EQUAL(peers.n_stops, 1);
	r.id = (char *)"";
	CU_ASSERT_PTR_NOT_NULL(peers_ask("acd", "Accept", &r, &two));
	CU_ASSERT_EQUAL(peers.n_answers, 1);
	CU_ASSERT(story_becomes(2, "BUSY"));
	story_end();
}

/* --- who may ------------------------------------------------------------------------------------------------------------------------- */
static void agents_act_for_themselves_and_leaders_for_their_own(void)
{
	Pb__Principal agent, leader, foreign, nobody;

	story_begin(2);
	story_ready(1);
	peers_principal(&agent, 2, YC_ROLE(AGENT), "/yn/km");
	peers_principal(&leader, 7, YC_ROLE(LEADER), "/yn/km");
	peers_principal(&foreign, 8, YC_ROLE(LEADER), "/yn/qj");
	peers_principal(&nobody, 9, YC_ROLE(CUSTOMER), "/yn");
	CU_ASSERT_EQUAL(peers_state_code(1, &agent, "break", 0), YC_FORBIDDEN);
	CU_ASSERT_EQUAL(peers_state_code(1, &foreign, "break", 0), YC_NOT_FOUND);
	CU_ASSERT_EQUAL(peers_state_code(1, &nobody, "break", 0), YC_FORBIDDEN);
	CU_ASSERT_EQUAL(peers_state_code(1, &leader, "asleep", 0), YC_INVALID);
	YCT_STR(peers.e.field, "state");
	CU_ASSERT_EQUAL(peers_state_code(1, &leader, "break", 9999), YC_STALE);
	CU_ASSERT_EQUAL(peers_state_code(1, &leader, "break", peers_agent(1)->version), YC_OK);
	YCT_STR(peers_agent(1)->cause, "leader");
	CU_ASSERT_EQUAL(peers_state_code(2, &agent, "ready", 0), YC_CONFLICT);
	CU_ASSERT_PTR_NULL(peers_sign_in(2, "8001"));
	CU_ASSERT_EQUAL(peers.code, YC_CONFLICT);
	CU_ASSERT_PTR_NULL(peers_sign_in(2, "9999"));
	CU_ASSERT_EQUAL(peers.code, YC_NOT_FOUND);
	CU_ASSERT_PTR_NULL(peers_sign_in(77, "8003"));
	CU_ASSERT_EQUAL(peers.code, YC_NOT_FOUND);
	story_end();
}

static void lists_are_paged_and_the_wall_counts(void)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	Pb__Empty none = PB__EMPTY__INIT;
	const Pb__Agents *a;
	const Pb__Queues *q;
	const Pb__QueuesLive *l;

	story_begin(7);
	story_ready(3);
	story_ready(5);
	CU_ASSERT(peers_dial("slow", 0) >= 0 && story_settle());
	in.limit = 3;
	a = peers_ask("acd", "AgentList", &in, NULL);
	CU_ASSERT_FATAL(a && a->n_data == 3 && a->has_more);
	YCT_STR(a->data[0]->staff_no, "1001");
	YCT_STR(a->data[0]->name, "话务员1");
	in.starting_after = a->next_cursor;
	in.limit = 10;
	a = peers_ask("acd", "AgentList", &in, NULL);
	CU_ASSERT_FATAL(a && a->n_data == 4 && !a->has_more);
	in.starting_after = (char *)"";
	in.status = (char *)"offered";
	a = peers_ask("acd", "AgentList", &in, NULL);
	CU_ASSERT_FATAL(a && a->n_data == 1);
	YCT_STR(a->data[0]->staff_no, "1003");
	in.status = (char *)"";
	in.limit = 2;
	q = peers_ask("acd", "QueueList", &in, NULL);
	CU_ASSERT_FATAL(q && q->n_data == 2 && q->has_more);
	YCT_STR(q->data[0]->code, "post");
	CU_ASSERT_EQUAL(q->data[0]->offer_timeout_ms, 700);
	l = peers_ask("acd", "Live", &none, NULL);
	CU_ASSERT_FATAL(l && l->n_data == 3 && !l->degraded && *l->boot);
	YCT_STR(l->data[1]->code, "slow");
	CU_ASSERT_EQUAL(l->data[1]->offered, 1);
	CU_ASSERT_EQUAL(l->data[1]->agents, 2);
	CU_ASSERT_EQUAL(l->data[1]->ready, 1);
	story_end();
}

/* --- phones and consoles --------------------------------------------------------------------------------------------------------------- */
static int emit_phone(int registered)
{
	Pb__PhoneChanged m = PB__PHONE_CHANGED__INIT;
	struct yc_err e;

	m.extension = (char *)"8009";
	m.registered = registered;
	return yc_emit(peers.gateway, "phone.changed", "", "8009", &m, &e) == YC_OK;
}

static enum yc_code emit_phone_unit(struct yc_node *n, void *arg, struct yc_err *e)
{
	return emit_phone(*(int *)arg) ? YC_OK : YC_INTERNAL;
}

static void registrar_says(int registered)
{
	struct yc_err e;

	if (registered)
		free(peers_redis((const char *[]){ "HSET", "yc:{yn}:loc:8009", "contact", "sip:8009@127.0.0.1", NULL }));
	else
		free(peers_redis((const char *[]){ "DEL", "yc:{yn}:loc:8009", NULL }));
	CU_ASSERT_EQUAL(yc_node_do(peers.gateway, emit_phone_unit, &registered, &e), YC_OK);
}

static void a_lost_phone_takes_its_agent_out_and_its_return_brings_him_back(void)
{
	int c;

	story_begin(2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(1, "8009"));
	YCT_STR(peers_agent(1)->reason, "phone_lost");         /* never registered */
	registrar_says(1);
	CU_ASSERT(story_becomes(1, "READY"));
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(c, 1));
	story_ready(2);
	registrar_says(0);
	CU_ASSERT_FATAL(story_rings_at(c, 2));
	CU_ASSERT_EQUAL(peers.n_stops, 1);
	YCT_STR(peers_status(1), "BREAK");
	YCT_STR(peers_agent(1)->reason, "phone_lost");
	YCT_STR(peers_agent(1)->cause, "system");
	registrar_says(1);
	CU_ASSERT(story_becomes(1, "READY"));
	story_end();
}

static void a_seat_is_ready_from_the_start(void)
{
	story_begin(2);
	peers_import("seat", "{\"extension\":\"8002\",\"staff_no\":\"1002\",\"auto_ready\":true}");
	CU_ASSERT(story_becomes(2, "READY"));
	YCT_STR(peers_agent(2)->extension, "8002");
	CU_ASSERT(story_rings_at(peers_dial("slow", 0), 2));
	story_end();
}

YCT_MAIN("acd",
	 T(a_call_is_offered_answered_and_ended),
	 T(a_rejected_call_rings_at_the_next_agent),
	 T(the_lease_ends_an_offer_that_the_gateway_forgets),
	 T(two_callers_share_one_agent_one_after_the_other),
	 T(priority_goes_first_and_arrival_within_it),
	 T(wrap_up_holds_the_next_call_back),
	 T(the_console_accepts_and_declines),
	 T(agents_act_for_themselves_and_leaders_for_their_own),
	 T(lists_are_paged_and_the_wall_counts),
	 T(a_lost_phone_takes_its_agent_out_and_its_return_brings_him_back),
	 T(a_seat_is_ready_from_the_start))
