/* CPU of yc-acd and Redis for a whole call (queued, offered, accepted, ended), at a steady rate, with commits in Redis and durable events.
 * Gateway and directory are small nodes in this process; broker and they are not counted. Usage: bench_acd_call [calls per second [seconds]] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "acd_peers.h"
#include "yc/clock.h"
#include "yct.h"

int yct_redis_pid(void);

static double cpu_ms(int pid)
{
	char path[64], text[1024];
	unsigned long user = 0, sys = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	if (sscanf(strrchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) != 2)
		return 0;
	return (double)(user + sys) * 1000 / (double)sysconf(_SC_CLK_TCK);
}

static int nothing_left(void *arg)
{
	for (int k = 0; k < peers.n_calls; k++)
		if (peers.calls[k].state != CALL_OVER || peers.calls[k].owes)
			return 0;
	return 1;
}

static int known(void *arg)
{
	return !strcmp(peers_status(1), "OFFLINE");
}

static int rate = 60, seconds = 10, made;

/* Dials at the rate; returns when every call is over and nothing is owed. */
static int run(void)
{
	int64_t begin = yc_mono();

	while (yc_mono() - begin < seconds * 1000 && made < PEERS_CALLS - 1) {
		if ((yc_mono() - begin) * rate / 1000 > made) {
			peers_dial("post", 0);
			made++;
		}
		peers_turn(2);
	}
	return peers_until(20000, nothing_left, NULL);
}

static void calls_at_a_steady_rate(void)
{
	static const char *const more[] = { "--console-ms", "600s", NULL };
	double acd_ms, redis_ms;
	int acd;

	peers_start(100);
	acd = peers_acd(1, NULL, more);
	CU_ASSERT_FATAL(peers_acd_serves(15000) && peers_until(10000, known, NULL));
	peers_queue("post", 20000, 0);
	for (int k = 1; k <= 100; k++) {
		char ext[16];

		snprintf(ext, sizeof(ext), "%d", 8000 + k + (k == 9) * 100);   /* 8009 is no static phone */
		CU_ASSERT_PTR_NOT_NULL_FATAL(peers_sign_in(k, ext));
	}
	peers.answer_after_ms = 20;
	peers.talk_ms = 500;
	acd_ms = cpu_ms(acd);
	redis_ms = cpu_ms(yct_redis_pid());
	CU_ASSERT_FATAL(run());
	CU_ASSERT_EQUAL(peers.doubled, 0);
	CU_ASSERT_EQUAL(peers.n_offers, made);
	acd_ms = cpu_ms(acd) - acd_ms;
	redis_ms = cpu_ms(yct_redis_pid()) - redis_ms;
	printf("{\"name\":\"acd.call\",\"value\":%.3f,\"unit\":\"CPU-ms per call\",\"peer\":\"of it Redis\",\"peer_value\":%.3f,\"ratio\":%.3f,\"n\":%d}\n",
	       (acd_ms + redis_ms) / made, redis_ms / made, redis_ms / (acd_ms + redis_ms), made);
	peers_stop();
	yct_kill(acd, SIGTERM);
}

int main(int argc, char **argv)
{
	static const struct yct_test tests[] = { T(calls_at_a_steady_rate) };

	rate = argc > 1 ? (int)strtol(argv[1], NULL, 10) : rate;
	seconds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : seconds;
	return yct_main(1, argv, "bench_acd_call", tests, 1, NULL, NULL);
}
