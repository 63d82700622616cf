/* The real yc-acd with real Redis and broker: offers, answers, lost things, recovery. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acd_peers.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/text.h"
#include "yc/v1/gateway.pb-c.h"
#include "yct.h"

#define OUT(x) PB__OFFER_OUTCOME__OFFER_OUTCOME_##x
#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x
static int acd, acd2;

/* --- waiting ---------------------------------------------------------------------------------------------------------------------- */
struct at { int agent, call; const char *status; };

static int rings(void *arg)
{
	const struct at *x = arg;

	return x->agent ? peers_ringing(x->agent) == x->call : peers.calls[x->call].state == CALL_RINGS;
}

static int call_rings_at(int call, int agent)
{
	return peers_until(5000, rings, &(struct at){ agent, call, NULL });
}

static int is_status(void *arg)
{
	const struct at *x = arg;

	return !strcmp(peers_status(x->agent), x->status);
}

static int agent_becomes(int agent, const char *status)
{
	return peers_until(8000, is_status, &(struct at){ agent, 0, status });
}

static int nothing_owed(void *arg)
{
	for (int k = 0; k < peers.n_calls; k++)
		if (peers.calls[k].owes)
			return 0;
	return 1;
}

/* The ACD has taken everything, and whoever comes next comes later. */
static int settle(void)
{
	int64_t now = yc_now();

	while (yc_now() == now)
		peers_turn(1);
	return peers_until(10000, nothing_owed, NULL);
}

static int all_over(void *arg)
{
	for (int k = 0; k < peers.n_calls; k++)
		if (peers.calls[k].state != CALL_OVER)
			return 0;
	return nothing_owed(NULL);
}

static int people_known(void *arg)
{
	static const Pb__ListReq in = PB__LIST_REQ__INIT;
	const Pb__Agents *a = peers_ask("acd", "AgentList", &in, NULL);

	return a && (int)a->n_data == peers.n_agents;
}

static const char *const fast[] = { "--grace-ms", "300ms", "--recover-ms", "1500ms", "--gateway-ms", "1s", "--console-ms", "60s", "--lease-ms", "900ms",
				    "--seat-return-ms", "0", NULL };

static void begin(int agents)
{
	peers_start(agents);
	acd = peers_acd(1, NULL, fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_FATAL(peers_until(10000, people_known, NULL));
	peers_queue("post", 700, 0);
	peers_queue("slow", 20000, 0);
	peers_queue("wrap", 5000, 400);
}

static void end(void)
{
	CU_ASSERT_EQUAL(peers.doubled, 0);
	yct_kill(acd, SIGTERM);
	yct_kill(acd2, SIGTERM);
	acd = acd2 = 0;
	peers_stop();
}

static void ready(int agent)
{
	char ext[16];

	snprintf(ext, sizeof(ext), "%d", 8000 + agent);
	CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(agent, ext));
	YCT_STR(peers_status(agent), "READY");
}

static void restart_acd(void)
{
	yct_kill(acd, SIGKILL);
	acd = peers_acd(1, NULL, fast);
}

/* --- one offer after the other ------------------------------------------------------------------------------------------------------ */
static void a_call_is_offered_answered_and_ended(void)
{
	int c;

	begin(3);
	ready(2);
	ready(1);
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(c, 2));                  /* ready before agent 1 */
	YCT_STR(peers.calls[c].ext, "8002");
	CU_ASSERT(peers.calls[c].ver > 0);
	YCT_STR(peers_status(2), "OFFERED");
	peers_answer(c);
	CU_ASSERT(agent_becomes(2, "BUSY"));
	YCT_STR(peers_agent(2)->item_id, peers.calls[c].id);
	YCT_STR(peers_agent(2)->queue, "slow");
	peers_hangup(c);
	CU_ASSERT(agent_becomes(2, "READY"));
	CU_ASSERT_EQUAL(peers_agent(2)->handled, 1);
	CU_ASSERT_EQUAL(peers_seen("item.queued", peers.calls[c].id), 1);
	CU_ASSERT_EQUAL(peers_seen("item.offered", peers.calls[c].id), 1);
	CU_ASSERT_EQUAL(peers_seen("item.accepted", peers.calls[c].id), 1);
	end();
}

static void a_rejected_call_rings_at_the_next_agent(void)
{
	int c;

	begin(2);
	ready(1);
	ready(2);
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(c, 1));
	peers_outcome(c, OUT(REJECTED), "486");
	CU_ASSERT_FATAL(call_rings_at(c, 2));
	YCT_STR(peers_status(1), "BREAK");
	YCT_STR(peers_agent(1)->reason, "rejected");
	peers_answer(c);
	CU_ASSERT(agent_becomes(2, "BUSY"));
	end();
}

static void the_lease_ends_an_offer_that_the_gateway_forgets(void)
{
	int c;

	begin(2);
	ready(1);
	ready(2);
	c = peers_dial("post", 0);
	CU_ASSERT_FATAL(call_rings_at(c, 1));
	CU_ASSERT_FATAL(call_rings_at(c, 2));                  /* nobody says a word: 700 ms of ringing and 300 of grace */
	CU_ASSERT_EQUAL(peers.n_stops, 1);
	YCT_STR(peers_agent(1)->reason, "no_answer");
	end();
}

static void two_callers_share_one_agent_one_after_the_other(void)
{
	int a, b;

	begin(1);
	ready(1);
	a = peers_dial("slow", 0);
	b = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(a, 1));
	CU_ASSERT(settle());
	CU_ASSERT_EQUAL(peers.calls[b].state, CALL_WAITS);
	peers_answer(a);
	CU_ASSERT(agent_becomes(1, "BUSY"));
	CU_ASSERT_EQUAL(peers.calls[b].state, CALL_WAITS);
	peers_hangup(a);
	CU_ASSERT(call_rings_at(b, 1));
	peers_hangup(b);
	CU_ASSERT(agent_becomes(1, "READY"));
	CU_ASSERT(peers.n_stops <= 1);
	end();
}

static void priority_goes_first_and_arrival_within_it(void)
{
	int first, second, vip;

	begin(1);
	first = peers_dial("slow", 0);
	CU_ASSERT(settle());
	second = peers_dial("slow", 0);
	CU_ASSERT(settle());
	vip = peers_dial("slow", 1);
	CU_ASSERT(settle());
	CU_ASSERT_PTR_NOT_NULL(peers_sign_in(1, "8001"));
	CU_ASSERT_FATAL(call_rings_at(vip, 1));
	peers_hangup(vip);
	CU_ASSERT_FATAL(call_rings_at(first, 1));
	peers_hangup(first);
	CU_ASSERT(call_rings_at(second, 1));
	end();
}

static void wrap_up_holds_the_next_call_back(void)
{
	Pb__WrapUpReq w = PB__WRAP_UP_REQ__INIT;
	Pb__Principal p;
	int a, b;

	begin(1);
	ready(1);
	a = peers_dial("wrap", 0);
	CU_ASSERT_FATAL(call_rings_at(a, 1));
	peers_answer(a);
	CU_ASSERT(agent_becomes(1, "BUSY"));
	b = peers_dial("wrap", 0);
	peers_hangup(a);
	CU_ASSERT(agent_becomes(1, "WRAP_UP"));
	CU_ASSERT_FATAL(call_rings_at(b, 1));                  /* after 400 ms, by itself */
	peers_answer(b);
	CU_ASSERT(agent_becomes(1, "BUSY"));
	peers_hangup(b);
	CU_ASSERT(agent_becomes(1, "WRAP_UP"));
	peers_principal(&p, 1, YC_ROLE(AGENT), "/yn/km");
	w.disposition = (char *)"delivered";
	w.next_state = (char *)"break";
	CU_ASSERT_PTR_NOT_NULL(peers_ask("acd", "WrapUp", &w, &p));
	YCT_STR(peers_status(1), "BREAK");
	end();
}

static void the_console_accepts_and_declines(void)
{
	Pb__ReservationReq r = PB__RESERVATION_REQ__INIT;
	Pb__Principal one, two;
	int c;

	begin(2);
	peers_principal(&one, 1, YC_ROLE(AGENT), "/yn/km");
	peers_principal(&two, 2, YC_ROLE(AGENT), "/yn/km");
	ready(1);
	ready(2);
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(c, 1));
	r.id = (char *)"rsv_of_somebody_else";
	CU_ASSERT_PTR_NULL(peers_ask("acd", "Reject", &r, &one));
	CU_ASSERT_EQUAL(peers.code, YC_CONFLICT);
	r.id = peers.calls[c].rsv;
	CU_ASSERT_PTR_NULL(peers_ask("acd", "Reject", &r, &two));
	CU_ASSERT_PTR_NOT_NULL(peers_ask("acd", "Reject", &r, &one));
	CU_ASSERT_FATAL(call_rings_at(c, 2));
	CU_ASSERT_EQUAL(peers.n_stops, 1);
	r.id = (char *)"";
	CU_ASSERT_PTR_NOT_NULL(peers_ask("acd", "Accept", &r, &two));
	CU_ASSERT_EQUAL(peers.n_answers, 1);
	CU_ASSERT(agent_becomes(2, "BUSY"));
	end();
}

/* --- who may ------------------------------------------------------------------------------------------------------------------------- */
static enum yc_code state_code(int whom, const Pb__Principal *p, const char *state, int64_t version)
{
	Pb__AgentStatePut in = PB__AGENT_STATE_PUT__INIT;
	char id[16];

	snprintf(id, sizeof(id), "prs_%d", whom);
	in.person_id = id;
	in.state = (char *)state;
	in.if_version = version;
	(void)peers_ask("acd", "StatePut", &in, p);
	return peers.code;
}

static void agents_act_for_themselves_and_leaders_for_their_own(void)
{
	Pb__Principal agent, leader, foreign, nobody;

	begin(2);
	ready(1);
	peers_principal(&agent, 2, YC_ROLE(AGENT), "/yn/km");
	peers_principal(&leader, 7, YC_ROLE(LEADER), "/yn/km");
	peers_principal(&foreign, 8, YC_ROLE(LEADER), "/yn/qj");
	peers_principal(&nobody, 9, YC_ROLE(CUSTOMER), "/yn");
	CU_ASSERT_EQUAL(state_code(1, &agent, "break", 0), YC_FORBIDDEN);
	CU_ASSERT_EQUAL(state_code(1, &foreign, "break", 0), YC_NOT_FOUND);
	CU_ASSERT_EQUAL(state_code(1, &nobody, "break", 0), YC_FORBIDDEN);
	CU_ASSERT_EQUAL(state_code(1, &leader, "asleep", 0), YC_INVALID);
	YCT_STR(peers.e.field, "state");
	CU_ASSERT_EQUAL(state_code(1, &leader, "break", 9999), YC_STALE);
	CU_ASSERT_EQUAL(state_code(1, &leader, "break", peers_agent(1)->version), YC_OK);
	YCT_STR(peers_agent(1)->cause, "leader");
	CU_ASSERT_EQUAL(state_code(2, &agent, "ready", 0), YC_CONFLICT);
	CU_ASSERT_PTR_NULL(peers_sign_in(2, "8001"));
	CU_ASSERT_EQUAL(peers.code, YC_CONFLICT);
	CU_ASSERT_PTR_NULL(peers_sign_in(2, "9999"));
	CU_ASSERT_EQUAL(peers.code, YC_NOT_FOUND);
	CU_ASSERT_PTR_NULL(peers_sign_in(77, "8003"));
	CU_ASSERT_EQUAL(peers.code, YC_NOT_FOUND);
	end();
}

static void lists_are_paged_and_the_wall_counts(void)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	Pb__Empty none = PB__EMPTY__INIT;
	const Pb__Agents *a;
	const Pb__Queues *q;
	const Pb__QueuesLive *l;

	begin(7);
	ready(3);
	ready(5);
	CU_ASSERT(peers_dial("slow", 0) >= 0 && settle());
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
	end();
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

	begin(2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(1, "8009"));
	YCT_STR(peers_agent(1)->reason, "phone_lost");         /* never registered */
	registrar_says(1);
	CU_ASSERT(agent_becomes(1, "READY"));
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(c, 1));
	ready(2);
	registrar_says(0);
	CU_ASSERT_FATAL(call_rings_at(c, 2));
	CU_ASSERT_EQUAL(peers.n_stops, 1);
	YCT_STR(peers_status(1), "BREAK");
	YCT_STR(peers_agent(1)->reason, "phone_lost");
	YCT_STR(peers_agent(1)->cause, "system");
	registrar_says(1);
	CU_ASSERT(agent_becomes(1, "READY"));
	end();
}

static void a_seat_is_ready_from_the_start(void)
{
	begin(2);
	peers_import("seat", "{\"extension\":\"8002\",\"staff_no\":\"1002\",\"auto_ready\":true}");
	CU_ASSERT(agent_becomes(2, "READY"));
	YCT_STR(peers_agent(2)->extension, "8002");
	CU_ASSERT(call_rings_at(peers_dial("slow", 0), 2));
	end();
}

/* --- what dies and returns --------------------------------------------------------------------------------------------------------------- */
static void a_killed_acd_returns_with_the_same_order_and_the_same_people(void)
{
	int talk, ring, w[4];

	begin(3);
	ready(1);
	ready(2);
	ready(3);
	CU_ASSERT_PTR_NOT_NULL(peers_state(3, "break", "lunch"));
	talk = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(talk, 1));
	peers_answer(talk);
	CU_ASSERT(agent_becomes(1, "BUSY"));
	ring = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(ring, 2));
	for (int k = 0; k < 4; k++) {
		w[k] = peers_dial("slow", 0);
		CU_ASSERT(settle());
	}
	yct_kill(acd, SIGKILL);
	peers_hangup(w[1]);                                    /* said to nobody, repeated until somebody listens */
	acd = peers_acd(1, NULL, fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_EQUAL(peers.n_resyncs, 2);
	YCT_STR(peers_status(1), "BUSY");
	YCT_STR(peers_status(2), "OFFERED");
	YCT_STR(peers_agent(3)->reason, "lunch");
	CU_ASSERT_EQUAL(peers.calls[ring].state, CALL_RINGS);
	peers_answer(ring);
	CU_ASSERT(agent_becomes(2, "BUSY"));
	CU_ASSERT(settle());
	peers_hangup(talk);
	CU_ASSERT(call_rings_at(w[0], 1));
	peers_hangup(ring);
	CU_ASSERT(call_rings_at(w[2], 2));
	CU_ASSERT_PTR_NOT_NULL(peers_state(3, "ready", ""));
	CU_ASSERT(call_rings_at(w[3], 3));
	end();
}

static void what_ended_while_the_acd_was_dead_is_over_when_it_returns(void)
{
	int talk;

	begin(1);
	ready(1);
	talk = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(talk, 1));
	peers_answer(talk);
	CU_ASSERT(agent_becomes(1, "BUSY"));
	yct_kill(acd, SIGKILL);
	peers.calls[talk].state = CALL_OVER;                   /* and even its end is forgotten by the gateway */
	acd = peers_acd(1, NULL, fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	YCT_STR(peers_status(1), "READY");
	end();
}

static void an_acd_starts_without_directory(void)
{
	begin(2);
	ready(1);
	peers_directory(0);
	restart_acd();
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	YCT_STR(peers_status(1), "READY");
	YCT_STR(peers_agent(2)->name, "话务员2");
	CU_ASSERT(call_rings_at(peers_dial("slow", 0), 1));
	end();
}

/* Agents who answer at once and talk for a moment; callers all the time. */
static void load_until(int64_t ms, int *dialled, int per_turn)
{
	int64_t until = yc_mono() + ms, next = 0;

	while (yc_mono() < until) {
		if (yc_mono() >= next && peers.n_calls < PEERS_CALLS - 4) {
			for (int k = 0; k < per_turn; k++, ++*dialled)
				peers_dial("slow", *dialled % 3);
			next = yc_mono() + 10;
		}
		peers_turn(2);
	}
}

static char *agent_in_redis(int agent, const char *field)
{
	char key[64];
	char *v;

	snprintf(key, sizeof(key), "yc:{yn.main}:agent:prs_%d", agent);
	v = peers_redis((const char *[]){ "HGET", key, field, NULL });
	v[strcspn(v, "\n")] = '\0';
	return v;
}

static int written_back(void *arg)
{
	int same = 1;

	for (int k = 1; k <= peers.n_agents; k++) {
		char *st = agent_in_redis(k, "st"), *ver = agent_in_redis(k, "ver");
		const Pb__Agent *a = peers_agent(k);

		same &= a && strtol(st, NULL, 10) == (long)a->status && strtoll(ver, NULL, 10) == a->version;
		free(st);
		free(ver);
	}
	return same;
}

static int is_degraded(void *arg)
{
	Pb__Empty none = PB__EMPTY__INIT;
	const Pb__QueuesLive *l = peers_ask("acd", "Live", &none, NULL);

	return l && l->degraded == *(int *)arg;
}

static void killing_redis_under_load_doubles_nothing_and_is_made_good(void)
{
	int dialled = 0, before, yes = 1, no = 0;

	begin(8);
	for (int k = 1; k <= 8; k++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(k, (char[]){ '8', '0', k < 8 ? '0' : '1', k < 8 ? (char)('0' + k) : '0', 0 }));
	peers.answer_after_ms = 0;
	peers.talk_ms = 15;
	load_until(300, &dialled, 2);
	for (int round = 0; round < 3; round++) {
		yct_redis_kill();
		before = peers.n_offers;
		load_until(300, &dialled, 2);
		CU_ASSERT(peers.n_offers > before + 20);       /* it goes on from memory */
		CU_ASSERT(peers_until(5000, is_degraded, &yes));
		yct_redis_start();
		load_until(300, &dialled, 2);
		CU_ASSERT(peers_until(5000, is_degraded, &no));
	}
	CU_ASSERT(peers_until(20000, all_over, NULL));
	CU_ASSERT(peers_until(5000, written_back, NULL));
	CU_ASSERT_EQUAL(peers.n_offers, dialled);              /* each call once, to somebody who was free */
	end();
}

static void killing_the_acd_under_load_loses_and_doubles_nothing(void)
{
	int dialled = 0;

	begin(8);
	for (int k = 1; k <= 8; k++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(k, (char[]){ '8', '0', k < 8 ? '0' : '1', k < 8 ? (char)('0' + k) : '0', 0 }));
	peers.answer_after_ms = 5;
	peers.talk_ms = 20;
	for (int round = 0; round < 4; round++) {
		load_until(250, &dialled, 1);
		restart_acd();
	}
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT(peers_until(30000, all_over, NULL));
	for (int k = 1; k <= 8; k++)
		CU_ASSERT(agent_becomes(k, "READY"));
	end();
}

static int second_is_up(void *arg)
{
	Pb__Empty none = PB__EMPTY__INIT;

	return peers_ask("acd@yn.acd.2", "Live", &none, NULL) != NULL;
}

static void a_standby_forwards_and_takes_over(void)
{
	Pb__Principal agent, leader;
	char db[300];
	int c;

	peers_start(2);
	snprintf(db, sizeof(db), "sqlite:%s/shared.db", yct_dir());
	acd = peers_acd(1, db, fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_FATAL(peers_until(10000, people_known, NULL));
	peers_queue("slow", 20000, 0);
	ready(1);
	acd2 = peers_acd(2, db, fast);
	CU_ASSERT_FATAL(peers_until(10000, second_is_up, NULL));
	peers_principal(&agent, 2, YC_ROLE(AGENT), "/yn/km");
	peers_principal(&leader, 7, YC_ROLE(LEADER), "/yn/qj");
	for (int k = 0; k < 10; k++) {                         /* whichever of the two is asked, and by whom */
		YCT_STR(peers_status(1), "READY");
		CU_ASSERT_EQUAL(state_code(1, &agent, "break", 0), YC_FORBIDDEN);
		CU_ASSERT_EQUAL(state_code(1, &leader, "break", 0), YC_NOT_FOUND);
		peers_queue("slow", 20000, k);
	}
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(c, 1));
	yct_kill(acd, SIGKILL);
	acd = 0;
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	peers_answer(c);
	CU_ASSERT(agent_becomes(1, "BUSY"));
	CU_ASSERT_EQUAL(peers.n_offers, 1);
	peers_hangup(c);
	CU_ASSERT(agent_becomes(1, "READY"));
	end();
}

static int first_stood_down(void *arg)
{
	Pb__AgentReq in = PB__AGENT_REQ__INIT;
	const Pb__Agent *a;

	in.person_id = (char *)"prs_1";
	a = peers_ask("acd@yn.acd.1", "AgentGet", &in, NULL);
	return a && a->status == ST(BUSY) && !strcmp(a->call_id, peers.calls[*(int *)arg].id);
}

/* It slept past its lease; when it wakes it still believes that it serves, with agents as they were. */
static void an_acd_that_slept_past_its_lease_is_fenced_off(void)
{
	char db[300];
	int c;

	peers_start(2);
	snprintf(db, sizeof(db), "sqlite:%s/fence.db", yct_dir());
	acd = peers_acd(1, db, fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_FATAL(peers_until(10000, people_known, NULL));
	peers_queue("slow", 20000, 0);
	ready(1);
	acd2 = peers_acd(2, db, fast);
	CU_ASSERT_FATAL(peers_until(10000, second_is_up, NULL));
	kill(acd, SIGSTOP);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(c, 1));
	peers_answer(c);
	CU_ASSERT(agent_becomes(1, "BUSY"));
	kill(acd, SIGCONT);
	CU_ASSERT(peers_until(10000, first_stood_down, &c));       /* it forwards, so it knows that it does not serve */
	CU_ASSERT_EQUAL(peers.n_offers, 1);
	YCT_STR(peers_status(1), "BUSY");
	end();
}

static void a_lost_gateways_talks_end_after_the_lease_and_return_with_it(void)
{
	int c;

	begin(1);
	ready(1);
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(call_rings_at(c, 1));
	peers_answer(c);
	CU_ASSERT(agent_becomes(1, "BUSY"));
	peers_gateway(0);
	CU_ASSERT(agent_becomes(1, "READY"));
	peers_gateway(1);                                      /* it was only cut off, and they still talk: telephony is right */
	CU_ASSERT(agent_becomes(1, "BUSY"));
	peers_hangup(c);
	CU_ASSERT(agent_becomes(1, "READY"));
	end();
}

static void on_store(const char *url)
{
	peers_start(2);
	acd = peers_acd(1, url, fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_FATAL(peers_until(10000, people_known, NULL));
	peers_queue("slow", 20000, 0);
	peers_queue("slow", 9000, 0);
	peers_directory(0);
	yct_kill(acd, SIGKILL);
	acd = peers_acd(1, url, fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	ready(2);
	CU_ASSERT(call_rings_at(peers_dial("slow", 0), 2));
	end();
}

static void configuration_and_people_are_kept_in_both_stores(void)
{
	yct_on_both_stores(on_store);
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
	 T(a_seat_is_ready_from_the_start),
	 T(a_killed_acd_returns_with_the_same_order_and_the_same_people),
	 T(what_ended_while_the_acd_was_dead_is_over_when_it_returns),
	 T(an_acd_starts_without_directory),
	 T(killing_redis_under_load_doubles_nothing_and_is_made_good),
	 T(killing_the_acd_under_load_loses_and_doubles_nothing),
	 T(a_standby_forwards_and_takes_over),
	 T(an_acd_that_slept_past_its_lease_is_fenced_off),
	 T(a_lost_gateways_talks_end_after_the_lease_and_return_with_it),
	 T(configuration_and_people_are_kept_in_both_stores))
