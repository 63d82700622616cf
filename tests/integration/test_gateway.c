/* yc-gateway with real SIP peers (sipp), a real broker and a real Redis. */
#include "yct.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gw_world.h"
#include "yc/clock.h"
#include "yc/node.h"
#include "yc/text.h"

#define OUTCOME(x) PB__OFFER_OUTCOME__OFFER_OUTCOME_##x

static int has_items(void *arg) { return world.n_items >= *(int *)arg; }
static int has_results(void *arg) { return world.n_results >= *(int *)arg; }
static int has_ends(void *arg) { return world.n_ends >= *(int *)arg; }
static int has_left(void *arg) { return world.n_left >= *(int *)arg; }
static int has_event(void *arg) { return world_saw(arg) > 0; }
static int offer_answered(void *arg) { return world.offer_code >= 0; }
#define UNTIL(ms, cond, n) CU_ASSERT_FATAL(world_until(ms, cond, &(int){ n }))
#define SEES(type) CU_ASSERT_FATAL(world_until(8000, has_event, (void *)(type)))

static int phone(const char *scenario, const char *password)
{
	const char *args[] = { "-m", "1", "-au", "1001", "-ap", password, "-key", "phone_port", "5070", NULL };

	return world_sipp_ends(world_sipp(scenario, world.agent, 5071, args), 10000);
}

static int agent(const char *scenario, int talk_ms)
{
	char d[16];
	const char *args[] = { "-m", "1", "-d", d, NULL };

	snprintf(d, sizeof d, "%d", talk_ms);
	return world_sipp(scenario, world.agent, 5070, args);
}

struct call_copy { char state[16], agent[40], customer[40], from[32]; int n; };
static void copy_calls(void *arg, const void *msg)
{
	const Pb__Calls *in = msg;
	struct call_copy *c = arg;

	c->n = (int)in->n_data;
	if (!c->n)
		return;
	yc_copy(c->state, sizeof c->state, in->data[0]->state);
	yc_copy(c->agent, sizeof c->agent, in->data[0]->agent_id);
	yc_copy(c->customer, sizeof c->customer, in->data[0]->customer_id);
	yc_copy(c->from, sizeof c->from, in->data[0]->from);
}

static int ask_calls(struct call_copy *c)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;

	memset(c, 0, sizeof *c);
	return world_ask("CallList", &in, 0, NULL, copy_calls, c, NULL);
}

static struct call_copy calls(void)
{
	struct call_copy c;

	CU_ASSERT_EQUAL(ask_calls(&c), YC_OK);
	return c;
}

/* nothing of the test before is still on its way */
static int no_calls(void *arg)
{
	struct call_copy c;

	return world_saw("call.ended") >= world_saw("call.started") && ask_calls(&c) == YC_OK && c.n == 0;
}

static void fresh(void)
{
	CU_ASSERT(world_until(8000, no_calls, NULL));
	world_forget();
}

static void a_caller_is_greeted_queued_and_bridged_and_the_agent_hangs_up(void)
{
	int phone_pid, caller;
	const struct world_event *ended;

	fresh();
	phone_pid = agent("agent_hangs_up", 600);
	world.offer_to = "2001";
	caller = world_dial("caller_waits_for_bye", "11185", 5090, 0);
	UNTIL(5000, has_results, 1);
	YCT_STR(world.items[0].queue, "express");
	YCT_STR(world.items[0].caller, "+8613888881234");
	YCT_STR(world.items[0].customer_id, "cus_1");
	CU_ASSERT_EQUAL(world.items[0].priority, 2);
	CU_ASSERT_EQUAL(world.offer_code, YC_OK);
	CU_ASSERT_EQUAL(world.results[0].outcome, OUTCOME(ACCEPTED));
	CU_ASSERT_EQUAL(world.results[0].version, 7);
	YCT_STR(calls().state, "talking");
	YCT_STR(calls().agent, "prs_1");
	UNTIL(5000, has_ends, 1);
	YCT_STR(world.ends[0].by, "agent");
	CU_ASSERT(world.ends[0].talk_ms >= 500 && world.ends[0].talk_ms < 3000);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	SEES("call.ended");
	ended = world_event("call.ended", 0);
	YCT_STR(ended->detail, "agent/bye");
	CU_ASSERT(ended->talk_ms >= 500);
	CU_ASSERT_EQUAL(world_saw("call.started"), 1);
	CU_ASSERT_EQUAL(world_saw("call.answered"), 1);
	CU_ASSERT_EQUAL(world_saw("call.queued"), 1);
	CU_ASSERT_EQUAL(world_saw("call.ringing"), 1);
	CU_ASSERT_EQUAL(world_saw("call.bridged"), 1);
	YCT_STR(ended->matter_id, world.items[0].matter_id);
}

static void a_recorded_talk_becomes_a_blob_that_can_be_read(void)
{
	Pb__BlobReadReq in = PB__BLOB_READ_REQ__INIT;
	int phone_pid, caller;

	fresh();
	phone_pid = agent("agent_waits_for_bye", 0);
	world.offer_to = "2001";
	caller = world_dial("caller_hangs_up", "11189", 5090, 900);
	UNTIL(5000, has_ends, 1);
	YCT_STR(world.ends[0].by, "caller");
	SEES("recording.ready");
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	CU_ASSERT(world_event("recording.ready", 0)->talk_ms >= 300);
	in.id = (char *)world_event("recording.ready", 0)->blob;
	in.limit = 1000;
	CU_ASSERT_EQUAL(world_ask("Node.BlobRead", &in, 0, NULL, NULL, NULL, NULL), YC_OK);
}

static void a_busy_agent_leaves_the_caller_in_the_queue(void)
{
	int phone_pid, caller;

	fresh();
	phone_pid = agent("agent_busy", 0);
	world.offer_to = "2001";
	caller = world_dial("caller_hangs_up", "11189", 5090, 1200);
	UNTIL(5000, has_results, 1);
	CU_ASSERT_EQUAL(world.results[0].outcome, OUTCOME(REJECTED));
	YCT_STR(world.results[0].reason, "486");
	YCT_STR(calls().state, "queued");
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	UNTIL(5000, has_left, 1);
	YCT_STR(world.left[0], world.items[0].id);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	SEES("call.ended");
	CU_ASSERT_EQUAL(world_saw("call.offer_ended"), 1);
}

static void an_offer_nobody_answers_times_out_and_is_cancelled(void)
{
	int phone_pid, caller;

	fresh();
	phone_pid = agent("agent_rings", 0);
	world.offer_to = "2001";
	world.offer_ms = 500;
	caller = world_dial("caller_hangs_up", "11189", 5090, 1500);
	UNTIL(5000, has_results, 1);
	CU_ASSERT_EQUAL(world.results[0].outcome, OUTCOME(TIMED_OUT));
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
}

static void a_200_that_crosses_the_cancel_is_acknowledged_and_ended(void)
{
	int phone_pid, caller;

	fresh();
	phone_pid = agent("agent_answers_late", 0);
	world.offer_to = "2001";
	world.offer_ms = 400;
	caller = world_dial("caller_hangs_up", "11189", 5090, 2000);
	UNTIL(5000, has_results, 1);
	CU_ASSERT_EQUAL(world.results[0].outcome, OUTCOME(TIMED_OUT));
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 8000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	CU_ASSERT_EQUAL(world_saw("call.bridged"), 0);
}

static void an_agent_whose_codec_nobody_offered_is_hung_up_on_and_the_caller_waits_on(void)
{
	int phone_pid, caller;

	fresh();
	phone_pid = agent("agent_g729", 0);
	world.offer_to = "2001";
	caller = world_dial("caller_hangs_up", "11189", 5090, 1500);
	UNTIL(5000, has_results, 1);
	CU_ASSERT_EQUAL(world.results[0].outcome, OUTCOME(FAILED));
	YCT_STR(world.results[0].reason, "488");
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 8000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
}

static void a_caller_who_leaves_while_it_rings_ends_the_ringing(void)
{
	int phone_pid, caller;

	fresh();
	phone_pid = agent("agent_rings", 0);
	world.offer_to = "2001";
	caller = world_dial("caller_hangs_up", "11189", 5090, 600);
	UNTIL(5000, has_left, 1);
	UNTIL(5000, has_results, 1);
	CU_ASSERT_EQUAL(world.results[0].outcome, OUTCOME(CANCELLED));
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
}

static void an_extension_without_a_phone_fails_at_once(void)
{
	int caller;

	fresh();
	world.offer_to = "1001";
	caller = world_dial("caller_hangs_up", "11189", 5090, 800);
	UNTIL(5000, has_results, 1);
	CU_ASSERT_EQUAL(world.results[0].outcome, OUTCOME(FAILED));
	YCT_STR(world.results[0].reason, "unregistered");
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
}

static void unknown_numbers_wrong_codecs_and_strangers_are_refused_by_the_right_code(void)
{
	const char *args[] = { "-s", "11185", "-m", "1", NULL };

	fresh();
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_gets_404", "99999", 5090, 0), 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_gets_488", "11185", 5090, 0), 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_short_timer", "11185", 5090, 0), 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(world_sipp("caller_gets_403", world.agent, 5091, args), 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(world_sipp("options", world.agent, 5092, args), 5000), 0);
	CU_ASSERT_EQUAL(calls().n, 0);
}

static void a_flow_that_hangs_up_ends_the_call_from_our_side(void)
{
	fresh();
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_waits_for_bye", "11180", 5090, 0), 8000), 0);
	SEES("call.ended");
	YCT_STR(world_event("call.ended", 0)->detail, "flow/closed");
}

static void hold_resume_update_and_a_digit_by_info_are_answered(void)
{
	fresh();
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_holds", "11186", 5090, 0), 8000), 0);
	SEES("call.menu");
	YCT_STR(world_event("call.menu", 0)->detail, "m:5>q/info");
	UNTIL(5000, has_left, 1);
}

static void a_late_offer_is_answered_in_the_ack(void)
{
	fresh();
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_offers_late", "11189", 5090, 300), 8000), 0);
	UNTIL(5000, has_left, 1);
	SEES("call.ended");
	YCT_STR(world_event("call.ended", 0)->detail, "caller/bye");
}

static void the_asserted_number_counts_and_session_timers_are_agreed(void)
{
	fresh();
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_asserted", "11189", 5090, 300), 8000), 0);
	UNTIL(5000, has_items, 1);
	YCT_STR(world.items[0].caller, "+8613999990000");
}

static void a_phone_registers_with_the_right_password_only(void)
{
	fresh();
	CU_ASSERT_EQUAL(phone("phone_is_refused", "wrong"), 0);
	CU_ASSERT_EQUAL(phone("phone_too_brief", "secret-1001"), 0);
	CU_ASSERT_EQUAL(phone("phone_registers", "secret-1001"), 0);
	SEES("phone.changed");
	CU_ASSERT_EQUAL(world_event("phone.changed", 0)->registered, 1);
	CU_ASSERT_EQUAL(phone("phone_unregisters", "secret-1001"), 0);
	CU_ASSERT_EQUAL(world_saw("phone.changed") >= 1, 1);
}

static int gone(void *arg)
{
	const struct world_event *e = world_event("phone.changed", world_saw("phone.changed") - 1);

	return e && !e->registered;
}

static void a_phone_that_unregisters_while_it_rings_ends_the_offer(void)
{
	int phone_pid, caller;

	fresh();
	CU_ASSERT_EQUAL_FATAL(phone("phone_registers", "secret-1001"), 0);
	phone_pid = agent("agent_rings", 0);
	world.offer_to = "1001";
	caller = world_dial("caller_hangs_up", "11189", 5090, 3000);
	SEES("call.ringing");
	CU_ASSERT_EQUAL(phone("phone_unregisters", "secret-1001"), 0);
	UNTIL(5000, has_results, 1);
	CU_ASSERT_EQUAL(world.results[0].outcome, OUTCOME(FAILED));
	YCT_STR(world.results[0].reason, "unregistered");
	CU_ASSERT(world_until(5000, gone, NULL));
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 8000), 0);
}

static void while_the_acd_is_away_callers_wait_and_are_announced_on_its_return_as_arrived_then(void)
{
	int caller;
	int64_t before;

	fresh();
	world_acd(0);
	before = yc_now();
	caller = world_dial("caller_hangs_up", "11189", 5090, 3300);      /* less than the RTP time-out: sipp is silent */
	/* the call is there, queued, though nobody takes it */
	for (int64_t until = yc_mono() + 5000; yc_mono() < until && strcmp(calls().state, "queued");)
		world_turn(2);
	YCT_STR(calls().state, "queued");
	for (int64_t until = yc_mono() + 1200; yc_mono() < until;)
		world_turn(2);
	CU_ASSERT_EQUAL(world.n_items, 0);
	world_acd(1);
	UNTIL(5000, has_items, 1);
	CU_ASSERT(world.items[0].arrived_at >= before && world.items[0].arrived_at < before + 1200);
	UNTIL(8000, has_left, 1);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 8000), 0);
}

static int resynced(void *arg) { return world.n_resyncs > 0 && world.n_resync_contacts == *(int *)arg; }

static void a_new_acd_is_told_who_waits_and_who_talks(void)
{
	int phone_pid, talker, waiter;

	fresh();
	phone_pid = agent("agent_waits_for_bye", 0);
	world.offer_to = "2001";
	talker = world_dial("caller_hangs_up", "11189", 5090, 4000);
	UNTIL(5000, has_results, 1);
	world.offer_to = NULL;
	waiter = world_dial("caller_hangs_up", "11189", 5093, 4000);
	UNTIL(5000, has_items, 2);
	world_acd(0);
	world.n_resyncs = 0;
	world_acd(1);
	CU_ASSERT_FATAL(world_until(5000, resynced, &(int){ 2 }));
	CU_ASSERT_EQUAL(world.resync_bridged, 1);
	/* once is enough */
	for (int64_t until = yc_mono() + 1500; yc_mono() < until;)
		world_turn(2);
	CU_ASSERT_EQUAL(world.n_resyncs, 1);
	CU_ASSERT_EQUAL(world_sipp_ends(talker, 8000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(waiter, 8000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 8000), 0);
	UNTIL(5000, has_ends, 1);
}

static void goodbyes_are_kept_until_the_acd_is_back(void)
{
	int phone_pid, caller;

	fresh();
	phone_pid = agent("agent_hangs_up", 800);
	world.offer_to = "2001";
	caller = world_dial("caller_waits_for_bye", "11189", 5090, 0);
	UNTIL(5000, has_results, 1);
	world_acd(0);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 8000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 8000), 0);
	world_acd(1);
	UNTIL(5000, has_ends, 1);
	CU_ASSERT(world.ends[0].talk_ms >= 700);
	YCT_STR(world.ends[0].item_id, world.items[0].id);
}

static void hanging_up_by_rpc_ends_both_sides(void)
{
	Pb__CallReq in = PB__CALL_REQ__INIT;
	int phone_pid, caller;
	char why[256];

	fresh();
	phone_pid = agent("agent_waits_for_bye", 0);
	world.offer_to = "2001";
	caller = world_dial("caller_waits_for_bye", "11189", 5090, 0);
	UNTIL(5000, has_results, 1);
	in.id = world.items[0].call_id;
	CU_ASSERT_EQUAL(world_ask("Hangup", &in, 0, NULL, NULL, NULL, why), YC_OK);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	SEES("call.ended");
	YCT_STR(world_event("call.ended", 0)->detail, "operator/hangup");
	CU_ASSERT_EQUAL(world_ask("Hangup", &in, 0, NULL, NULL, NULL, why), YC_NOT_FOUND);
}

static void a_phone_is_told_to_answer_only_when_it_allows_that(void)
{
	Pb__ReservationReq in = PB__RESERVATION_REQ__INIT;
	int phone_pid, caller;
	char why[256] = "";

	fresh();
	phone_pid = agent("agent_rings", 0);
	world.offer_to = "2001";
	caller = world_dial("caller_hangs_up", "11189", 5090, 1500);
	SEES("call.ringing");
	in.id = world.last_reservation;
	CU_ASSERT_EQUAL(world_ask("Answer", &in, 0, NULL, NULL, NULL, why), YC_CONFLICT);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "Allow-Events"));
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	fresh();
	phone_pid = agent("agent_is_told", 300);
	world.offer_to = "2001";
	caller = world_dial("caller_waits_for_bye", "11189", 5090, 0);
	SEES("call.ringing");
	in.id = world.last_reservation;
	CU_ASSERT_EQUAL(world_ask("Answer", &in, 0, NULL, NULL, NULL, why), YC_OK);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	CU_ASSERT_EQUAL(world_saw("call.bridged"), 1);
}

static void silence_in_a_talk_ends_it_on_both_sides(void)
{
	int phone_pid, caller;

	fresh();
	phone_pid = agent("agent_waits_for_bye", 0);
	world.offer_to = "2001";
	caller = world_dial("caller_waits_for_bye", "11189", 5090, 0);
	UNTIL(5000, has_results, 1);
	UNTIL(12000, has_ends, 1);      /* the gateway runs with 4 s */
	YCT_STR(world.ends[0].reason, "rtp_timeout");
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
}

static void a_waiting_caller_who_is_silent_is_asked_and_only_a_dead_one_is_given_up(void)
{
	int quiet, dead;

	fresh();
	quiet = world_dial("caller_is_asked", "11189", 5090, 300);      /* answers the question with 200 and hangs up later by himself */
	CU_ASSERT_EQUAL(world_sipp_ends(quiet, 12000), 0);
	UNTIL(5000, has_left, 1);
	SEES("call.ended");
	YCT_STR(world_event("call.ended", 0)->detail, "caller/bye");
	fresh();
	dead = world_dial("caller_hangs_up", "11189", 5090, 60000);
	SEES("call.queued");
	kill(dead, SIGKILL);
	world_sipp_ends(dead, 2000);
	CU_ASSERT_FATAL(world_until(12000, has_event, "call.ended"));
	YCT_STR(world_event("call.ended", 0)->detail, "caller/failed");
	UNTIL(5000, has_left, 1);
}

static void garbage_is_counted_and_harms_nobody(void)
{
	static const char *const bad[] = {
		"INVITE", "\x00\x01\x02\xff", "INVITE sip:11185@x SIP/2.0\r\n\r\n", "INVITE sip:11185@x SIP/3.0\r\nVia: x\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP nowhere\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"INVITE sip:11185@h SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: q\r\n"
		"CSeq: banana INVITE\r\nContent-Length: -5\r\n\r\n",
	};
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5060) }, from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	unsigned seed = 7;
	char noise[600];

	fresh();
	inet_pton(AF_INET, world.gateway, &to.sin_addr);
	inet_pton(AF_INET, world.caller, &from.sin_addr);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		sendto(fd, bad[i], strlen(bad[i]) + (i == 1 ? 4 : 0), 0, (struct sockaddr *)&to, sizeof to);
	for (int i = 0; i < 500; i++) {
		int n = snprintf(noise, sizeof noise, "INVITE sip:11185@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s:9;branch=z9hG4bK%d\r\nFrom: <sip:a@b>;tag=%d\r\n"
				 "To: <sip:11185@x>\r\nCall-ID: n%d\r\nCSeq: 1 INVITE\r\nContact: <sip:a@%s:9>\r\nContent-Type: application/sdp\r\n"
				 "Content-Length: 60\r\n\r\nv=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nm=audio 9 RTP/AVP 18\r\n", world.gateway, world.caller,
				 i, i, i, world.caller);
		for (int k = 0; k < 4; k++) {
			seed = seed * 1103515245 + 12345;
			noise[(seed >> 8) % (unsigned)n] = (char)(seed >> 20);
		}
		sendto(fd, noise, (size_t)n, 0, (struct sockaddr *)&to, sizeof to);
		if (i % 20 == 0)
			world_turn(2);
	}
	close(fd);
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_waits_for_bye", "11180", 5090, 0), 8000), 0);
}

static int queued_twice(void *arg) { return world_saw("call.queued") == 2; }
static int ended_twice(void *arg) { return world_saw("call.ended") == 2; }
static int healthy(void *arg) { return !*world_health(); }
static int ailing(void *arg) { return strstr(world_health(), arg) != NULL; }

static void a_carrier_is_registered_at_with_digest_and_health_says_when_not(void)
{
	const char *args[] = { "-m", "1", NULL };
	char json[400];
	int carrier;

	fresh();
	carrier = world_sipp("carrier_refuses", world.agent, 5080, args);
	snprintf(json, sizeof json, "{\"name\":\"big\",\"addresses\":[\"%s\"],\"register_uri\":\"sip:%s:5080\",\"user\":\"yichuang\",\"password\":\"trunk-pw\"}",
		 world.agent, world.agent);
	CU_ASSERT_EQUAL(world_import("trunk", json), YC_OK);
	CU_ASSERT_EQUAL(world_sipp_ends(carrier, 8000), 0);
	CU_ASSERT(world_until(5000, ailing, "trunk big is not registered: 403"));
	carrier = world_sipp("carrier_accepts", world.agent, 5080, args);       /* tried again after two seconds */
	CU_ASSERT_EQUAL(world_sipp_ends(carrier, 12000), 0);
	CU_ASSERT(world_until(5000, healthy, NULL));
	/* no longer a carrier to register at: nothing is left that could ail */
	snprintf(json, sizeof json, "{\"name\":\"big\",\"addresses\":[]}");
	CU_ASSERT_EQUAL(world_import("trunk", json), YC_OK);
}

static void guessing_passwords_is_stopped(void)
{
	const char *args[] = { "-m", "1", "-key", "phone_port", "5070", NULL };

	fresh();
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(phone("phone_is_refused", "wrong"), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(world_sipp("phone_is_blocked", world.agent, 5071, args), 8000), 0);
	/* who guesses is shut out, nobody else */
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_waits_for_bye", "11180", 5090, 0), 8000), 0);
	CU_ASSERT_EQUAL(world_gateway_stop(), 0);
	world_gateway_start(NULL);
}

static void calls_past_capacity_get_503_and_the_others_go_on(void)
{
	static const char *const few[] = { "--max-calls", "2", "--auth-failures", "3", NULL };
	int a, b;

	fresh();
	CU_ASSERT_EQUAL(world_gateway_stop(), 0);
	world_gateway_start(few);
	a = world_dial("caller_hangs_up", "11189", 5090, 2500);
	b = world_dial("caller_hangs_up", "11189", 5093, 2500);
	UNTIL(5000, has_items, 2);
	CU_ASSERT_EQUAL(world_sipp_ends(world_dial("caller_gets_503", "11189", 5095, 0), 3000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(a, 8000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(b, 8000), 0);
	UNTIL(5000, has_left, 2);
}

static void a_killed_gateway_closes_its_calls_when_it_is_back_and_still_knows_its_phones(void)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	int caller;

	fresh();
	CU_ASSERT_EQUAL_FATAL(phone("phone_registers", "secret-1001"), 0);
	caller = world_dial("caller_hangs_up", "11189", 5090, 60000);
	SEES("call.queued");
	world_gateway_kill();
	world_gateway_start(NULL);
	SEES("call.ended");
	YCT_STR(world_event("call.ended", 0)->detail, "gateway/gateway_lost");
	CU_ASSERT_EQUAL(world_ask("RegistrationList", &in, 0, NULL, NULL, NULL, NULL), YC_OK);
	kill(caller, SIGKILL);
	world_sipp_ends(caller, 2000);
	world.offer_to = "1001";
	caller = world_dial("caller_hangs_up", "11189", 5097, 1500);
	UNTIL(5000, has_items, 1);
	CU_ASSERT(world_until(5000, offer_answered, NULL));
	SEES("call.offer_ended");
	/* nobody listens at the phone's port, but it was rung: the failure is the phone's, not "unregistered" */
	CU_ASSERT_STRING_NOT_EQUAL(world_event("call.offer_ended", 0)->detail, "unregistered");
	world_sipp_ends(caller, 8000);
}

static void it_does_the_same_on_postgresql(void)
{
	const char *args[] = { "--db", yct_pg(), NULL };
	int phone_pid, caller;

	fresh();
	CU_ASSERT_EQUAL(world_gateway_stop(), 0);
	world_gateway_start(args);
	CU_ASSERT(world_until(5000, healthy, NULL));
	world_import_all();
	phone_pid = agent("agent_waits_for_bye", 0);
	world.offer_to = "2001";
	caller = world_dial("caller_hangs_up", "11189", 5090, 900);
	UNTIL(8000, has_ends, 1);
	SEES("recording.ready");
	SEES("call.ended");
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 5000), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(phone_pid, 5000), 0);
	caller = world_dial("caller_hangs_up", "11189", 5093, 60000);
	UNTIL(5000, has_items, 2);
	CU_ASSERT(world_until(5000, queued_twice, NULL));
	world_gateway_kill();
	world_gateway_start(args);
	CU_ASSERT(world_until(8000, ended_twice, NULL));
	YCT_STR(world_event("call.ended", 1)->detail, "gateway/gateway_lost");
	kill(caller, SIGKILL);
	world_sipp_ends(caller, 2000);
}

static void a_gateway_that_is_stopped_says_goodbye_to_its_callers(void)
{
	int caller;

	fresh();
	caller = world_dial("caller_waits_for_bye", "11189", 5090, 0);
	SEES("call.queued");
	CU_ASSERT_EQUAL(world_gateway_stop(), 0);
	CU_ASSERT_EQUAL(world_sipp_ends(caller, 8000), 0);
	world_stop();
}

/* once for all tests: starting everything anew takes longer than any of them */
static void up(void)
{
	static int done;

	if (!done++)
		world_start(NULL);
}

YCT_MAIN_WITH("gateway", up, NULL,
	T(a_caller_is_greeted_queued_and_bridged_and_the_agent_hangs_up),
	T(a_recorded_talk_becomes_a_blob_that_can_be_read),
	T(a_busy_agent_leaves_the_caller_in_the_queue),
	T(an_offer_nobody_answers_times_out_and_is_cancelled),
	T(a_200_that_crosses_the_cancel_is_acknowledged_and_ended),
	T(an_agent_whose_codec_nobody_offered_is_hung_up_on_and_the_caller_waits_on),
	T(a_caller_who_leaves_while_it_rings_ends_the_ringing),
	T(an_extension_without_a_phone_fails_at_once),
	T(unknown_numbers_wrong_codecs_and_strangers_are_refused_by_the_right_code),
	T(a_flow_that_hangs_up_ends_the_call_from_our_side),
	T(hold_resume_update_and_a_digit_by_info_are_answered),
	T(a_late_offer_is_answered_in_the_ack),
	T(the_asserted_number_counts_and_session_timers_are_agreed),
	T(a_phone_registers_with_the_right_password_only),
	T(a_phone_that_unregisters_while_it_rings_ends_the_offer),
	T(while_the_acd_is_away_callers_wait_and_are_announced_on_its_return_as_arrived_then),
	T(a_new_acd_is_told_who_waits_and_who_talks),
	T(goodbyes_are_kept_until_the_acd_is_back),
	T(hanging_up_by_rpc_ends_both_sides),
	T(a_phone_is_told_to_answer_only_when_it_allows_that),
	T(silence_in_a_talk_ends_it_on_both_sides),
	T(a_waiting_caller_who_is_silent_is_asked_and_only_a_dead_one_is_given_up),
	T(garbage_is_counted_and_harms_nobody),
	T(a_carrier_is_registered_at_with_digest_and_health_says_when_not),
	T(calls_past_capacity_get_503_and_the_others_go_on),
	T(guessing_passwords_is_stopped),
	T(a_killed_gateway_closes_its_calls_when_it_is_back_and_still_knows_its_phones),
	T(it_does_the_same_on_postgresql),
	T(a_gateway_that_is_stopped_says_goodbye_to_its_callers))
