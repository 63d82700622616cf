#include "acd_story.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "yc/clock.h"
#include "yct.h"

int story_acd, story_acd2;

struct at { int agent, call; const char *status; };

static int rings(void *arg)
{
	const struct at *x = arg;

	return x->agent ? peers_ringing(x->agent) == x->call : peers.calls[x->call].state == CALL_RINGS;
}

int story_rings_at(int call, int agent)
{
	return peers_until(5000, rings, &(struct at){ agent, call, NULL });
}

static int is_status(void *arg)
{
	const struct at *x = arg;

	return !strcmp(peers_status(x->agent), x->status);
}

int story_becomes(int agent, const char *status)
{
	return peers_until(8000, is_status, &(struct at){ agent, 0, status });
}

int story_nothing_owed(void *arg)
{
	for (int k = 0; k < peers.n_calls; k++)
		if (peers.calls[k].owes)
			return 0;
	return 1;
}

/* The ACD has taken everything, and whoever comes next comes later. */
int story_settle(void)
{
	int64_t now = yc_now();

	while (yc_now() == now)
		peers_turn(1);
	return peers_until(10000, story_nothing_owed, NULL);
}

int story_all_over(void *arg)
{
	for (int k = 0; k < peers.n_calls; k++)
		if (peers.calls[k].state != CALL_OVER)
			return 0;
	return story_nothing_owed(NULL);
}

int story_people_known(void *arg)
{
	static const Pb__ListReq in = PB__LIST_REQ__INIT;
	const Pb__Agents *a = peers_ask("acd", "AgentList", &in, NULL);

	return a && (int)a->n_data == peers.n_agents;
}

const char *const story_fast[] = { "--grace-ms", "300ms", "--recover-ms", "1500ms", "--gateway-ms", "1s", "--console-ms", "60s", "--lease-ms", "900ms",
				    "--seat-return-ms", "0", NULL };

void story_begin(int agents)
{
	peers_start(agents);
	story_acd = peers_acd(1, NULL, story_fast);
	CU_ASSERT_FATAL(peers_acd_serves(15000));
	CU_ASSERT_FATAL(peers_until(10000, story_people_known, NULL));
	peers_queue("post", 700, 0);
	peers_queue("slow", 20000, 0);
	peers_queue("wrap", 5000, 400);
}

void story_end(void)
{
	CU_ASSERT_EQUAL(peers.doubled, 0);
	yct_kill(story_acd, SIGTERM);
	yct_kill(story_acd2, SIGTERM);
	story_acd = story_acd2 = 0;
	peers_stop();
}

void story_ready(int agent)
{
	char ext[16];

	snprintf(ext, sizeof(ext), "%d", 8000 + agent);
	CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(agent, ext));
	YCT_STR(peers_status(agent), "READY");
}

void story_restart(void)
{
	yct_kill(story_acd, SIGKILL);
	story_acd = peers_acd(1, NULL, story_fast);
}

