/* bus.rpc.1, bus.rpc.32: CPU of all processes per round trip through the broker, beside a raw libzmq DEALER-ROUTER pair without a broker.
 * bus.events: CPU per event from PUB through the broker to one SUB, beside a raw PUB-SUB pair. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "yc/arena.h"
#include "yc/bus.h"
#include "yc/clock.h"
#include "yc/text.h"
#include "yct.h"
#include "yct_bus.h"

enum { SIZE = 200 };

static struct yc_loop *loop;

/* CPU time of a process in us. Linux counts it in clock ticks in stat, but schedstat's first figure is in ns. */
static int64_t cpu_of(int pid)
{
	char path[64], line[256];
	long long sum = 0, ns;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	snprintf(line, sizeof line, "cat %s/*/schedstat 2>/dev/null", path);
	f = popen(line, "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "%lld", &ns) == 1)
			sum += ns;
	if (f)
		pclose(f);
	return sum / 1000;
}

static void child_of(int parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

static void line(const char *name, double value, const char *unit, const char *peer, double peer_value, long n)
{
	printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"%s\",\"peer\":\"%s\",\"peer_value\":%.2f,\"ratio\":%.2f,\"n\":%ld}\n", name, value, unit, peer,
	       peer_value, peer_value > 0 ? value / peer_value : 0, n);
	fflush(stdout);
}

/* --- ours --------------------------------------------------------------------------------------------------------------------- */

static struct yc_bus *server_bus;

static void on_request(void *arg, const Pb__Header *h, const uint8_t *payload, size_t n)
{
	Pb__EventsReq *in = pb__events_req__unpack(NULL, n, payload);
	Pb__MetricsReply out = PB__METRICS_REPLY__INIT;
	uint8_t raw[2 * SIZE];
	char text[SIZE];

	if (!in)
		exit(1);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	out.text = text;
	yc_bus_reply(server_bus, h->call, YC_OK, NULL, raw, pb__metrics_reply__pack(&out, raw));
	pb__events_req__free_unpacked(in, NULL);
}

static int server(void)
{
	int parent = getpid(), pid = fork();

	if (pid)
		return pid;
	child_of(parent);
	loop = yc_loop_new();
	if (yc_bus_open(&server_bus, loop, &(struct yc_bus_conf){ .endpoint = yct_bus(), .service = "bench", .instance = "b.bench.1" }, on_request, NULL, NULL,
			yct_err()))
		exit(1);
	yc_loop_run(loop);
	_exit(0);
}

struct run { struct yc_bus *bus; long left, in_flight; int failed; char inc[SIZE]; };

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e);

static void issue(struct run *r)
{
	Pb__EventsReq in = PB__EVENTS_REQ__INIT;

	in.incarnation = r->inc;
	r->left--;
	r->in_flight++;
	yc_bus_call(r->bus, &(struct yc_call){ .service = "bench", .api = &pb__node__descriptor, .method = "Metrics", .in = &in, .fn = on_reply, .arg = r });
}

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct run *r = arg;

	r->in_flight--;
	r->failed += code != YC_OK;
	if (r->left > 0)
		issue(r);
}

static double ours(int depth, long n)
{
	struct run r = { .left = depth };
	int pid = server();
	int64_t before, after;

	memset(r.inc, 'x', sizeof r.inc - 1);
	if (yc_bus_open(&r.bus, loop, &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, NULL, NULL, yct_err()))
		exit(1);
	for (int ok = 0; !ok; ok = !r.failed) {  /* until the server is there */
		r.failed = 0;
		r.left = 1;
		issue(&r);
		while (r.in_flight)
			yc_loop_once(loop, 100);
	}
	r.left = n;
	before = cpu_of(getpid()) + cpu_of(pid) + cpu_of(yct_bus_pid());
	for (int i = 0; i < depth; i++)
		issue(&r);
	while (r.in_flight)
		yc_loop_once(loop, 100);
	after = cpu_of(getpid()) + cpu_of(pid) + cpu_of(yct_bus_pid());
	if (r.failed)
		fprintf(stderr, "%d calls failed\n", r.failed);
	yc_bus_close(&r.bus);
	yct_kill(pid, SIGKILL);
	return (double)(after - before) / (double)n;
}

/* --- the raw pair ------------------------------------------------------------------------------------------------------------- */

static int raw_server(const char *at)
{
	int parent = getpid(), pid = fork();
	char id[64], b[SIZE];
	void *s;

	if (pid)
		return pid;
	child_of(parent);
	s = zmq_socket(zmq_ctx_new(), ZMQ_ROUTER);
	if (zmq_bind(s, at))
		exit(1);
	for (;;) {
		int n = zmq_recv(s, id, sizeof id, 0), m = zmq_recv(s, b, sizeof b, 0);

		zmq_send(s, id, (size_t)n, ZMQ_SNDMORE);
		zmq_send(s, b, (size_t)m, 0);
	}
}

static double raw(int depth, long n)
{
	void *ctx = zmq_ctx_new(), *s = zmq_socket(ctx, ZMQ_DEALER);
	char at[200], b[SIZE] = { 0 };
	int64_t before, after;
	int pid, zero = 0;

	snprintf(at, sizeof at, "ipc://%s/raw", yct_dir());
	pid = raw_server(at);
	zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
	zmq_connect(s, at);
	zmq_send(s, b, sizeof b, 0);
	zmq_recv(s, b, sizeof b, 0);
	before = cpu_of(getpid()) + cpu_of(pid);
	for (int i = 0; i < depth; i++)
		zmq_send(s, b, sizeof b, 0);
	for (long i = 0; i < n; i++) {
		zmq_recv(s, b, sizeof b, 0);
		if (i + depth < n)
			zmq_send(s, b, sizeof b, 0);
	}
	after = cpu_of(getpid()) + cpu_of(pid);
	yct_kill(pid, SIGKILL);
	zmq_close(s);
	zmq_ctx_term(ctx);
	return (double)(after - before) / (double)n;
}

/* --- events ------------------------------------------------------------------------------------------------------------------- */

static int publisher(long n)
{
	int parent = getpid(), pid = fork();
	uint8_t payload[SIZE] = { 0 };
	struct yc_bus *b = NULL;

	if (pid)
		return pid;
	child_of(parent);
	loop = yc_loop_new();
	if (yc_bus_open(&b, loop, &(struct yc_bus_conf){ .endpoint = yct_bus(), .service = "pub", .instance = "b.pub.1" }, NULL, NULL, NULL, yct_err()))
		exit(1);
	for (int i = 0; i < 50; i++)             /* the subscription must have come through */
		yc_loop_once(loop, 10);
	for (long i = 0; i < n; i++) {
		yc_bus_publish(b, "b.pub.1|", payload, sizeof payload);
		if (i % 200 == 199)
			yc_loop_once(loop, 1);
	}
	for (;;)
		yc_loop_once(loop, 1000);
}

static void on_event(void *arg, const char *topic, const uint8_t *payload, size_t n)
{
	++*(long *)arg;
}

static double events(long n, long *got)
{
	struct yc_bus *b = NULL;
	int64_t before, after, last = yc_mono();
	long had = 0;
	int pid;

	*got = 0;
	if (yc_bus_open(&b, loop, &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, on_event, got, yct_err()))
		exit(1);
	yc_bus_subscribe(b, "b.pub.");
	while (!yc_bus_is_up(b))
		yc_loop_once(loop, 10);
	before = cpu_of(getpid()) + cpu_of(yct_bus_pid());
	pid = publisher(n);
	while (*got < n && yc_mono() - last < 5000) {
		yc_loop_once(loop, 100);
		if (*got != had)
			last = yc_mono();
		had = *got;
	}
	after = cpu_of(getpid()) + cpu_of(yct_bus_pid()) + cpu_of(pid);
	yct_kill(pid, SIGKILL);
	yc_bus_close(&b);
	return (double)(after - before) / (double)(*got ? *got : 1);
}

static int raw_publisher(const char *at, long n)
{
	int parent = getpid(), pid = fork(), zero = 0;
	char b[SIZE] = { 0 };
	void *s;

	if (pid)
		return pid;
	child_of(parent);
	s = zmq_socket(zmq_ctx_new(), ZMQ_PUB);
	zmq_setsockopt(s, ZMQ_SNDHWM, &zero, sizeof zero);
	if (zmq_bind(s, at))
		exit(1);
	poll(NULL, 0, 500);
	for (long i = 0; i < n; i++) {
		zmq_send(s, "b.pub.1|", 8, ZMQ_SNDMORE);
		zmq_send(s, b, sizeof b, 0);
		if (i % 200 == 199)
			poll(NULL, 0, 1);
	}
	for (;;)
		pause();
}

static double raw_events(long n)
{
	void *ctx = zmq_ctx_new(), *s = zmq_socket(ctx, ZMQ_SUB);
	char at[200], b[SIZE];
	int64_t before, after;
	int pid, zero = 0, wait = 5000;
	long got = 0;

	snprintf(at, sizeof at, "ipc://%s/rawpub", yct_dir());
	zmq_setsockopt(s, ZMQ_RCVHWM, &zero, sizeof zero);
	zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero);
	zmq_setsockopt(s, ZMQ_RCVTIMEO, &wait, sizeof wait);
	zmq_setsockopt(s, ZMQ_SUBSCRIBE, "b.pub.", 6);
	before = cpu_of(getpid());
	pid = raw_publisher(at, n);
	zmq_connect(s, at);
	while (got < n && zmq_recv(s, b, sizeof b, 0) >= 0 && zmq_recv(s, b, sizeof b, 0) >= 0)
		got++;
	after = cpu_of(getpid()) + cpu_of(pid);
	yct_kill(pid, SIGKILL);
	zmq_close(s);
	zmq_ctx_term(ctx);
	return (double)(after - before) / (double)(got ? got : 1);
}

int main(int argc, char **argv)
{
	long n1 = argc > 1 ? atol(argv[1]) : 20000, n32 = 5 * n1, ne = 10 * n1, got;
	double value, peer;

	(void)yct_bus();
	loop = yc_loop_new();
	value = ours(1, n1);
	line("bus.rpc.1", value, "us CPU/rt", "raw libzmq pair", peer = raw(1, n1), n1);
	value = ours(32, n32);
	line("bus.rpc.32", value, "us CPU/rt", "raw libzmq pair", peer = raw(32, n32), n32);
	value = events(ne, &got);
	line("bus.events", value, "us CPU/event", "raw libzmq PUB-SUB", peer = raw_events(ne), got);
	yc_loop_free(&loop);
	yct_bus_kill();
	return 0;
}
