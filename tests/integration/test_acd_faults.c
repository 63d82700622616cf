/* The real yc-acd with real Redis, broker and directory: what dies and returns, standing by, stores. */
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

/* --- what dies and returns --------------------------------------------------------------------------------------------------------------- */
static void a_killed_acd_returns_with_the_same_order_and_the_same_people(void)
{
	int talk, ring, w[4];

	story_begin(3);
	story_ready(1);
	story_ready(2);
	story_ready(3);
	CU_ASSERT_PTR_NOT_NULL(peers_state(3, "break", "lunch"));
	talk = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(talk, 1));
	peers_answer(talk);
	CU_ASSERT(story_becomes(1, "BUSY"));
	ring = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(ring, 2));
	for (int k = 0; k < 4; k++) {
		w[k] = peers_dial("slow", 0);
		CU_ASSERT(story_settle());
	}
	yct_kill(story_acd, SIGKILL);
	peers_hangup(w[1]);                                    /* said to nobody, repeated until somebody listens */
	story_acd = peers_acd(1, NULL, story_fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_EQUAL(peers.n_resyncs, 2);
	YCT_STR(peers_status(1), "BUSY");
	YCT_STR(peers_status(2), "OFFERED");
	YCT_STR(peers_agent(3)->reason, "lunch");
	CU_ASSERT_EQUAL(peers.calls[ring].state, CALL_RINGS);
	peers_answer(ring);
	CU_ASSERT(story_becomes(2, "BUSY"));
	CU_ASSERT(story_settle());
	peers_hangup(talk);
	CU_ASSERT(story_rings_at(w[0], 1));
	peers_hangup(ring);
	CU_ASSERT(story_rings_at(w[2], 2));
	CU_ASSERT_PTR_NOT_NULL(peers_state(3, "ready", ""));
	CU_ASSERT(story_rings_at(w[3], 3));
	story_end();
}

static void what_ended_while_the_acd_was_dead_is_over_when_it_returns(void)
{
	int talk;

	story_begin(1);
	story_ready(1);
	talk = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(talk, 1));
	peers_answer(talk);
	CU_ASSERT(story_becomes(1, "BUSY"));
	yct_kill(story_acd, SIGKILL);
	peers.calls[talk].state = CALL_OVER;                   /* and even its end is forgotten by the gateway */
	story_acd = peers_acd(1, NULL, story_fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	YCT_STR(peers_status(1), "READY");
	story_end();
}

static void an_acd_starts_without_directory(void)
{
	story_begin(2);
	story_ready(1);
	peers_directory(0);
	story_restart();
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	YCT_STR(peers_status(1), "READY");
	YCT_STR(peers_agent(2)->name, "话务员2");
	CU_ASSERT(story_rings_at(peers_dial("slow", 0), 1));
	story_end();
}

/* Agents who answer at once and talk for a moment; callers all the time, until so many more have been offered. */
static void load(int offers, int *dialled, int per_turn)
{
	int64_t until = yc_mono() + 20000, next = 0;
	int target = peers.n_offers + offers;

	while (peers.n_offers < target && yc_mono() < until) {
		if (yc_mono() >= next && peers.n_calls < PEERS_CALLS - 4) {
			for (int k = 0; k < per_turn; k++, ++*dialled)
				peers_dial("slow", *dialled % 3);
			next = yc_mono() + 10;
		}
		peers_turn(2);
	}
	CU_ASSERT(peers.n_offers >= target);
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
	int dialled = 0, yes = 1, no = 0;

	story_begin(8);
	for (int k = 1; k <= 8; k++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(k, (char[]){ '8', '0', k < 8 ? '0' : '1', k < 8 ? (char)('0' + k) : '0', 0 }));
	peers.answer_after_ms = 0;
	peers.talk_ms = 15;
	load(50, &dialled, 2);
	for (int round = 0; round < 3; round++) {
		yct_redis_kill();
		load(50, &dialled, 2);                         /* it goes on from memory */
		CU_ASSERT(peers_until(5000, is_degraded, &yes));
		yct_redis_start();
		load(50, &dialled, 2);
		CU_ASSERT(peers_until(5000, is_degraded, &no));
	}
	CU_ASSERT(peers_until(20000, story_all_over, NULL));
	CU_ASSERT(peers_until(5000, written_back, NULL));
	CU_ASSERT_EQUAL(peers.n_offers, dialled);              /* each call once, to somebody who was free */
	story_end();
}

static void killing_the_acd_under_load_loses_and_doubles_nothing(void)
{
	int dialled = 0;

	story_begin(8);
	for (int k = 1; k <= 8; k++)
		CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(k, (char[]){ '8', '0', k < 8 ? '0' : '1', k < 8 ? (char)('0' + k) : '0', 0 }));
	peers.answer_after_ms = 5;
	peers.talk_ms = 20;
	for (int round = 0; round < 4; round++) {
		load(25, &dialled, 1);
		story_restart();
	}
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT(peers_until(30000, story_all_over, NULL));
	for (int k = 1; k <= 8; k++)
		CU_ASSERT(story_becomes(k, "READY"));
	story_end();
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
	story_acd = peers_acd(1, db, story_fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_FATAL(peers_until(10000, story_people_known, NULL));
	peers_queue("slow", 20000, 0);
	story_ready(1);
	story_acd2 = peers_acd(2, db, story_fast);
	CU_ASSERT_FATAL(peers_until(10000, second_is_up, NULL));
	peers_principal(&agent, 2, YC_ROLE(AGENT), "/yn/km");
	peers_principal(&leader, 7, YC_ROLE(LEADER), "/yn/qj");
	for (int k = 0; k < 10; k++) {                         /* whichever of the two is asked, and by whom */
		YCT_STR(peers_status(1), "READY");
		CU_ASSERT_EQUAL(peers_state_code(1, &agent, "break", 0), YC_FORBIDDEN);
		CU_ASSERT_EQUAL(peers_state_code(1, &leader, "break", 0), YC_NOT_FOUND);
		peers_queue("slow", 20000, k);
	}
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(c, 1));
	yct_kill(story_acd, SIGKILL);
	story_acd = 0;
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	peers_answer(c);
	CU_ASSERT(story_becomes(1, "BUSY"));
	CU_ASSERT_EQUAL(peers.n_offers, 1);
	peers_hangup(c);
	CU_ASSERT(story_becomes(1, "READY"));
	story_end();
}

/* --- the real directory ------------------------------------------------------------------------------------------------------------------- */
#define PERSON(no, level) "{\"staff_no\":\"" no "\",\"name\":\"张敏\",\"org\":\"team1\",\"roles\":[\"agent\"],\"active\":true," \
	"\"skills\":[{\"skill\":\"post\",\"level\":" level "}]}"

static const Pb__Agent *by_staff(const char *staff_no)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	const Pb__Agents *a;

	in.q = (char *)staff_no;
	a = peers_ask("acd", "AgentList", &in, NULL);
	return a && a->n_data == 1 ? a->data[0] : NULL;
}

struct skilled { const char *staff_no; int level; };

static int is_skilled(void *arg)
{
	const struct skilled *x = arg;
	const Pb__Agent *a = by_staff(x->staff_no);

	return a && a->n_skills == 1 && a->skills[0]->level == x->level;
}

static void people_of_the_real_directory_become_agents_and_follow_its_changes(void)
{
	char home[300];
	const char *args[] = { "--bus", yct_bus(), "--site", "yn", "--home", home, "--level", "error", NULL };
	int pid;

	peers_start(0);
	peers_directory(0);
	snprintf(home, sizeof(home), "%s/realdir", yct_dir());
	story_acd = peers_acd(1, NULL, story_fast);                        /* before directory: it asks again */
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	pid = yct_spawn("yc-directory", args, NULL);
	CU_ASSERT_FATAL(yct_bus_answers(yct_bus(), "directory", 15000));
	peers_import_to("directory", "org", "{\"code\":\"yn\",\"parent\":\"\",\"name\":\"省\",\"type\":\"province\"}");
	peers_import_to("directory", "org", "{\"code\":\"team1\",\"parent\":\"yn\",\"name\":\"一组\",\"type\":\"team\"}");
	peers_import_to("directory", "skill", "{\"code\":\"post\",\"name\":\"普邮\"}");
	peers_import_to("directory", "person", PERSON("1001", "2"));
	peers_import_to("directory", "person", PERSON("1002", "3"));
	peers_import_to("directory", "extension", "{\"number\":\"8001\",\"static_contact\":\"sip:8001@127.0.0.1:5070\"}");
	CU_ASSERT(peers_until(15000, is_skilled, &(struct skilled){ "1001", 2 }));
	CU_ASSERT(peers_until(15000, is_skilled, &(struct skilled){ "1002", 3 }));
	YCT_STR(by_staff("1001")->org_path, "/yn/team1");
	peers_import_to("directory", "person", PERSON("1001", "5"));
	CU_ASSERT(peers_until(15000, is_skilled, &(struct skilled){ "1001", 5 }));
	yct_kill(story_acd, SIGKILL);                                /* and once more from its own copy and by pages */
	story_acd = peers_acd(1, NULL, story_fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT(is_skilled(&(struct skilled){ "1001", 5 }));
	peers_import("seat", "{\"extension\":\"8001\",\"staff_no\":\"1001\",\"auto_ready\":true}");
	YCT_STR(by_staff("1001")->extension, "8001");
	CU_ASSERT_EQUAL(by_staff("1001")->status, ST(READY));
	yct_kill(pid, SIGTERM);
	story_end();
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
	story_acd = peers_acd(1, db, story_fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_FATAL(peers_until(10000, story_people_known, NULL));
	peers_queue("slow", 20000, 0);
	story_ready(1);
	story_acd2 = peers_acd(2, db, story_fast);
	CU_ASSERT_FATAL(peers_until(10000, second_is_up, NULL));
	kill(story_acd, SIGSTOP);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(c, 1));
	peers_answer(c);
	CU_ASSERT(story_becomes(1, "BUSY"));
	kill(story_acd, SIGCONT);
	CU_ASSERT(peers_until(10000, first_stood_down, &c));       /* it forwards, so it knows that it does not serve */
	CU_ASSERT_EQUAL(peers.n_offers, 1);
	YCT_STR(peers_status(1), "BUSY");
	story_end();
}

static void a_lost_gateways_talks_end_after_the_lease_and_return_with_it(void)
{
	int c;

	story_begin(1);
	story_ready(1);
	c = peers_dial("slow", 0);
	CU_ASSERT_FATAL(story_rings_at(c, 1));
	peers_answer(c);
	CU_ASSERT(story_becomes(1, "BUSY"));
	peers_gateway(0);
	CU_ASSERT(story_becomes(1, "READY"));
	peers_gateway(1);                                      /* it was only cut off, and they still talk: telephony is right */
	CU_ASSERT(story_becomes(1, "BUSY"));
	peers_hangup(c);
	CU_ASSERT(story_becomes(1, "READY"));
	story_end();
}

static void on_store(const char *url)
{
	peers_start(2);
	story_acd = peers_acd(1, url, story_fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_FATAL(peers_until(10000, story_people_known, NULL));
	peers_queue("slow", 20000, 0);
	peers_queue("slow", 9000, 0);
	peers_directory(0);
	yct_kill(story_acd, SIGKILL);
	story_acd = peers_acd(1, url, story_fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	story_ready(2);
	CU_ASSERT(story_rings_at(peers_dial("slow", 0), 2));
	story_end();
}

static void configuration_and_people_are_kept_in_both_stores(void)
{
	yct_on_both_stores(on_store);
}

YCT_MAIN("acd_faults",
	 T(a_killed_acd_returns_with_the_same_order_and_the_same_people),
	 T(what_ended_while_the_acd_was_dead_is_over_when_it_returns),
	 T(an_acd_starts_without_directory),
	 T(killing_redis_under_load_doubles_nothing_and_is_made_good),
	 T(killing_the_acd_under_load_loses_and_doubles_nothing),
	 T(a_standby_forwards_and_takes_over),
	 T(an_acd_that_slept_past_its_lease_is_fenced_off),
	 T(a_lost_gateways_talks_end_after_the_lease_and_return_with_it),
	 T(people_of_the_real_directory_become_agents_and_follow_its_changes),
	 T(configuration_and_people_are_kept_in_both_stores))
