/* rest.rpc: CPU of api, broker and service for one REST call that makes one RPC, 32 in flight, beside a bare libmicrohttpd hello server
 * under the same load. rest.order: the same for a call that reads an order from a store. rest.feed: what api spends on an event that nobody
 * listens to (taken, stored, shown to no stream), beside the producer's own cost of it. */
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api_world.h"
#include "yc/clock.h"
#include "yct.h"
#include "yct_bus.h"

enum { ROUNDS = 3, SECONDS = 3, IN_FLIGHT = 32 };

static const char hello[] = "{\"id\":\"cal_1\",\"contact_id\":\"\",\"matter_id\":\"\",\"from\":\"\",\"to\":\"\",\"state\":\"talking\",\"queue\":\"post\"}";

static enum MHD_Result on_hello(void *arg, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data,
				size_t *n, void **cookie)
{
	struct MHD_Response *m;
	enum MHD_Result ok;

	if (!*cookie) {
		*cookie = arg;
		return MHD_YES;
	}
	m = MHD_create_response_from_buffer(sizeof(hello) - 1, (void *)(uintptr_t)hello, MHD_RESPMEM_PERSISTENT);
	MHD_add_response_header(m, "Content-Type", "application/json");
	ok = MHD_queue_response(c, 200, m);
	MHD_destroy_response(m);
	return ok;
}

/* The peer: one thread with epoll, as ours. */
static int hello_server(int *port)
{
	int fd[2], parent = getpid(), pid;

	if (pipe(fd))
		exit(1);
	pid = fork();
	if (pid == 0) {
		static int self;
		struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, on_hello, &self, MHD_OPTION_END);
		const union MHD_DaemonInfo *di = d ? MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT) : NULL;
		int p = di ? di->port : 0;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || write(fd[1], &p, sizeof(p)) != sizeof(p))
			_exit(1);
		for (;;)
			pause();
	}
	if (read(fd[0], port, sizeof(*port)) != sizeof(*port) || !*port)
		exit(1);
	close(fd[0]);
	close(fd[1]);
	return pid;
}

/* CPU time of all threads of a process in ns, from the scheduler's own count. */
static int64_t cpu_ns(int pid)
{
	char cmd[96], line[128];
	long long sum = 0, ns;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "cat /proc/%d/task/*/schedstat", pid);
	f = popen(cmd, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lld", &ns) == 1)
			sum += ns;
	if (f)
		pclose(f);
	return sum;
}

struct load { long n, bad; double rate; };

static struct load load(int port, const char *path, const char *token)
{
	struct load l = { 0 };
	char cmd[600], line[300];
	FILE *f;

	snprintf(cmd, sizeof(cmd), "wrk -c%d -t1 -d%ds -H 'Authorization: Bearer %s' http://127.0.0.1:%d%s 2>&1", IN_FLIGHT, SECONDS, token, port, path);
	f = popen(cmd, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %ld requests in", &l.n) == 1)
			continue;
		if (sscanf(line, "Requests/sec: %lf", &l.rate) == 1)
			continue;
		if (sscanf(line, " Non-2xx or 3xx responses: %ld", &l.bad) == 1)
			continue;
	}
	if (f)
		pclose(f);
	return l;
}

static double us_each(int port, const char *path, const char *token, const int *pids, int n_pids, long *n, double *rate)
{
	int64_t cpu = 0;
	struct load l;

	for (int i = 0; i < n_pids; i++)
		cpu -= cpu_ns(pids[i]);
	l = load(port, path, token);
	for (int i = 0; i < n_pids; i++)
		cpu += cpu_ns(pids[i]);
	if (l.bad || !l.n) {
		fprintf(stderr, "bench_rest: %s: %ld requests, %ld refused\n", path, l.n, l.bad);
		exit(1);
	}
	*n += l.n;
	*rate += l.rate / ROUNDS;
	return (double)cpu / 1000 / (double)l.n;
}

static int cmp(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), cmp);
	return v[ROUNDS / 2];
}

static void line(const char *name, double value, double peer, long n, double rate)
{
	printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"us CPU\",\"peer\":\"bare libmicrohttpd\",\"peer_value\":%.2f,\"ratio\":%.2f,\"n\":%ld,"
	       "\"per_second\":%.0f}\n", name, value, peer, value / peer, n, rate);
	fflush(stdout);
}

static void cost_of_a_rest_call(void)
{
	double ours[ROUNDS], orders[ROUNDS], bare[ROUNDS], rate = 0, order_rate = 0, bare_rate = 0, p;
	int port, peer = hello_server(&port);
	int call[] = { w.api, yct_bus_pid(), w.gateway }, order[] = { w.api, yct_bus_pid(), w.ticket };
	long n = 0, n_orders = 0, n_bare = 0;
	char path[120];
	struct resp r = http("POST", "/v1/orders", w.agent, "{\"customer_phone\":\"13888881234\",\"service\":\"trace\",\"subject\":\"查询\"}");

	CU_ASSERT_EQUAL_FATAL(r.status, 201);
	snprintf(path, sizeof(path), "/v1/orders/%s", resp_str(&r, "id"));
	resp_free(&r);
	for (int i = 0; i < ROUNDS; i++) {
		bare[i] = us_each(port, "/", "x", &peer, 1, &n_bare, &bare_rate);
		ours[i] = us_each(w.port, "/v1/calls/cal_1", w.leader, call, 3, &n, &rate);
		orders[i] = us_each(w.port, path, w.leader, order, 3, &n_orders, &order_rate);
	}
	p = median(bare);
	line("rest.rpc", median(ours), p, n, rate);
	line("rest.order", median(orders), p, n_orders, order_rate);
	yct_kill(peer, SIGKILL);
}

static int has_seen_last(void *arg)
{
	struct resp r = http("GET", arg, w.leader, NULL);
	int ok = r.body && strstr(r.body, "\"key\":\"end-feed\"");

	resp_free(&r);
	return ok != 0;
}

static void cost_of_an_event_in_the_feed(void)
{
	enum { TIMES = 30, EACH = 2000 };
	char path[120];
	struct resp r = http("GET", "/v1/events?limit=1", w.leader, NULL);
	int64_t api, gateway;
	struct sse s = sse_open(w.leader, "?types=feed", NULL);
	const char *head;

	resp_free(&r);
	CU_ASSERT_FATAL(sse_has(&s, "\"type\":\"feed.hello\"", 5000));
	head = strstr(s.text, "id: ") + 4;
	snprintf(path, sizeof(path), "/v1/events?types=call.ended&limit=100&after=%ld", strtol(head, NULL, 10) + TIMES * EACH);
	sse_close(&s);
	api = -cpu_ns(w.api);
	gateway = -cpu_ns(w.gateway);
	for (int i = 0; i < TIMES; i++) {
		r = http("DELETE", "/v1/calls/bulk-2000", w.leader, NULL);
		CU_ASSERT_EQUAL_FATAL(r.status, 204);
		resp_free(&r);
	}
	r = http("DELETE", "/v1/calls/end-feed", w.leader, NULL);
	resp_free(&r);
	CU_ASSERT_FATAL(yct_until(60000, has_seen_last, path));
	api += cpu_ns(w.api);
	gateway += cpu_ns(w.gateway);
	printf("{\"name\":\"rest.feed\",\"value\":%.2f,\"unit\":\"us CPU\",\"peer\":\"the producer\",\"peer_value\":%.2f,\"ratio\":%.2f,\"n\":%d}\n",
	       (double)api / 1000 / (TIMES * EACH), (double)gateway / 1000 / (TIMES * EACH), (double)api / (double)gateway, TIMES * EACH);
}

YCT_MAIN_WITH("bench_rest", world_open, NULL, T(cost_of_a_rest_call), T(cost_of_an_event_in_the_feed))
