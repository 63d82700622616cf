/* CPU of the media engine per 100 bridged G.711 calls (20 ms packets both ways), beside the barest relay that can be written with one socket
 * per leg. Server and talkers are separate processes; only the server's CPU counts. Prints one JSON line per figure.
 * Usage: bench_media [calls [seconds [rounds]]] */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/media/media.h"
#include "yct.h"

enum { CALLS_MAX = 1000, SLOTS = 20, PACKET = 172 };   /* slots of 1 ms: packets are spread over the 20 ms */
enum mode { BARE, RELAY, RECORD, MUSIC, MODES };
static const char *const names[MODES] = { "bare", "call.media.engine", "call.media.engine_recorded", "call.media.engine_music" };

struct server { pid_t pid; int to, from; };      /* pipes */
struct report { double cpu_s; int64_t in, out, max_rss_kib; };

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double cpu_s(int64_t *rss)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	*rss = r.ru_maxrss;
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static int udp(int *port, int rcvbuf)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		exit(3);
	getsockname(fd, (struct sockaddr *)&a, &n);
	*port = ntohs(a.sin_port);
	return fd;
}

static struct sockaddr_in loop_addr(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port) };

	return a;
}

static void read_all(int fd, void *p, size_t n)
{
	for (size_t at = 0; at < n; ) {
		ssize_t r = read(fd, (char *)p + at, n - at);

		if (r <= 0) {
			fprintf(stderr, "bench_media: the server has died\n");
			exit(4);
		}
		at += (size_t)r;
	}
}

static void write_all(int fd, const void *p, size_t n)
{
	if (write(fd, p, n) != (ssize_t)n)
		exit(4);
}

/* The server's life: ports of the talkers in, own ports out, then a window per byte: 's' starts it, 'e' ends it and is answered. */
static void window(int in, int out, int64_t *packets_in, int64_t *packets_out, void (*turn)(void *), void *arg)
{
	struct report r = { 0 };
	double start = 0;
	char c;

	for (;;) {
		struct pollfd p = { .fd = in, .events = POLLIN };
		int64_t rss;

		if (poll(&p, 1, turn ? 0 : 100) <= 0) {
			if (turn)
				turn(arg);
			continue;
		}
		if (read(in, &c, 1) != 1 || c == 'q')
			return;
		if (c == 's') {
			start = cpu_s(&rss);
			r.in = *packets_in;
			r.out = *packets_out;
		} else {
			r.cpu_s = cpu_s(&r.max_rss_kib) - start;
			r.in = *packets_in - r.in;
			r.out = *packets_out - r.out;
			write_all(out, &r, sizeof(r));
		}
	}
}

/* --- the bare relay --- */
struct bare { int ep; struct bare_leg { int fd; struct bare_leg *peer; struct sockaddr_in to; } leg[CALLS_MAX * 2]; int64_t in, out; };

static void bare_turn(void *arg)
{
	struct bare *b = arg;
	struct epoll_event ev[128];
	int n = epoll_wait(b->ep, ev, 128, 10);

	for (int i = 0; i < n; i++) {
		struct bare_leg *l = ev[i].data.ptr;
		char buf[2048];
		struct sockaddr_in from;
		socklen_t len = sizeof(from);
		ssize_t k;

		while ((k = recvfrom(l->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len)) >= 0) {
			b->in++;
			b->out += sendto(l->peer->fd, buf, (size_t)k, 0, (struct sockaddr *)&l->peer->to, sizeof(l->peer->to)) == k;
		}
	}
}

static void bare_server(int calls, const int *peer_port, int in, int out)
{
	struct bare *b = calloc(1, sizeof(*b));
	int ports[CALLS_MAX * 2];

	b->ep = epoll_create1(0);
	for (int i = 0; i < calls * 2; i++) {
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = &b->leg[i] };

		b->leg[i].fd = udp(&ports[i], 32768);
		b->leg[i].peer = &b->leg[i ^ 1];
		b->leg[i].to = loop_addr(peer_port[i]);
		epoll_ctl(b->ep, EPOLL_CTL_ADD, b->leg[i].fd, &ev);
	}
	write_all(out, ports, sizeof(int) * (size_t)calls * 2);
	/* poll() on the pipe per turn would burden the bare loop: it looks only every 50 ms */
	for (;;) {
		int64_t until = now_us() + 50000;
		struct pollfd p = { .fd = in, .events = POLLIN };

		while (now_us() < until)
			bare_turn(b);
		if (poll(&p, 1, 0) > 0)
			break;
	}
	window(in, out, &b->in, &b->out, bare_turn, b);
}

/* --- the engine --- */
struct counters_of { struct media *m; int64_t in, out; };

static void look(void *arg)
{
	struct counters_of *c = arg;
	struct media_counters n;
	struct media_event ev;
	struct pollfd p = { .fd = media_fd(c->m), .events = POLLIN };

	poll(&p, 1, 20);
	while (media_next(c->m, &ev))
		;
	media_counters(c->m, &n);
	c->in = n.rtp_in;
	c->out = n.rtp_out;
}

static void engine_call(struct media *m, enum mode mode, int i, const int *peer_port, int *ports, media_conv *out)
{
	media_conv conv = *out = media_conv_new(m);
	media_leg leg[2] = { 0 };
	struct yc_err e;
	char path[128];

	for (int k = 0; k < 2; k++) {
		struct media_leg_conf lc = { .rtp_timeout_ms = -1, .remote = { .ip = "127.0.0.1", .port = peer_port[k], .codec = MEDIA_PCMA,
			.pt = 8, .event_pt = 101, .send = 1, .receive = 1 } };

		if (media_leg_add(m, conv, &lc, &leg[k], &ports[k], &e) != YC_OK)
			exit(5);
		if (mode == MUSIC)
			media_music(m, leg[k], "");
	}
	if (mode == RECORD) {
		snprintf(path, sizeof(path), "%s/rec-%d-%d.wav", yct_dir(), (int)getpid(), i);
		if (media_record_start(m, conv, path, leg[0], leg[1], i, &e) != YC_OK)
			exit(5);
	}
	if (mode != MUSIC)
		media_bridge(m, leg[0], leg[1]);
}

/* A recording that was not made costs nothing: each must end whole, and no shorter than what was measured. */
static void check_recordings(struct media *m, const media_conv *conv, int calls, int64_t least_ms)
{
	struct pollfd p = { .fd = media_fd(m), .events = POLLIN };
	struct media_event ev;
	int done = 0;

	for (int i = 0; i < calls; i++)
		media_record_stop(m, conv[i]);
	while (done < calls && poll(&p, 1, 20000) > 0) {
		while (media_next(m, &ev)) {
			done += ev.type == MEDIA_RECORD_DONE && ev.duration_ms >= least_ms;
			if (ev.type == MEDIA_RECORD_DONE || ev.type == MEDIA_RECORD_FAILED)
				unlink(ev.path);
		}
	}
	if (done < calls) {
		fprintf(stderr, "bench_media: only %d of %d recordings are whole\n", done, calls);
		exit(6);
	}
}

static void engine_server(enum mode mode, int calls, const int *peer_port, int in, int out)
{
	struct media_conf c;
	struct counters_of k = { 0 };
	struct yc_err e;
	int ports[CALLS_MAX * 2];
	media_conv conv[CALLS_MAX];
	int64_t start = now_us();

	media_conf_default(&c);
	c.port_min = 20000;                      /* below the ephemeral ports that the talkers have */
	c.port_max = 32000;
	if (media_open(&k.m, &c, &e) != YC_OK)
		exit(5);
	for (int i = 0; i < calls; i++)
		engine_call(k.m, mode, i, peer_port + 2 * i, ports + 2 * i, &conv[i]);
	write_all(out, ports, sizeof(int) * (size_t)calls * 2);
	window(in, out, &k.in, &k.out, look, &k);
	if (mode == RECORD)
		check_recordings(k.m, conv, calls, (now_us() - start) / 1000 - 500);
	media_close(&k.m);
}

static struct server start(enum mode mode, int calls, const int *peer_port, const int *peer_fd, int *server_port)
{
	struct server s;
	int to[2], from[2];

	if (pipe(to) < 0 || pipe(from) < 0 || (s.pid = fork()) < 0)
		exit(3);
	if (s.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		close(from[0]);
		for (int i = 0; i < calls * 2; i++)
			close(peer_fd[i]);
		if (mode == BARE)
			bare_server(calls, peer_port, to[0], from[1]);
		else
			engine_server(mode, calls, peer_port, to[0], from[1]);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	s.to = to[1];
	s.from = from[0];
	read_all(s.from, server_port, sizeof(int) * (size_t)calls * 2);
	return s;
}

/* --- the talkers --- */
struct talkers { int n, fd[CALLS_MAX * 2], port[CALLS_MAX * 2]; uint16_t seq; uint32_t ts; int64_t got; };

static void say(struct talkers *t, int i)
{
	uint8_t b[PACKET] = { 0x80, 8 };

	b[2] = (uint8_t)(t->seq >> 8);
	b[3] = (uint8_t)t->seq;
	for (int k = 0; k < 4; k++)
		b[4 + k] = (uint8_t)(t->ts >> (24 - 8 * k));
	b[8] = (uint8_t)i;
	b[9] = (uint8_t)(i >> 8);
	memset(b + 12, 0x55 + i % 64, PACKET - 12);
	(void)!send(t->fd[i], b, sizeof(b), 0);
	while (recv(t->fd[i], b, sizeof(b), 0) > 0)
		t->got++;
}

static void talk(struct talkers *t, double seconds)
{
	int64_t next = now_us(), end = next + (int64_t)(seconds * 1e6);

	for (int slot = 0; next < end; slot = (slot + 1) % SLOTS) {
		struct timespec until;

		if (slot == 0) {
			t->seq++;
			t->ts += 160;
		}
		for (int i = slot; i < t->n; i += SLOTS)
			say(t, i);
		next += 1000;
		until = (struct timespec){ .tv_sec = next / 1000000, .tv_nsec = next % 1000000 * 1000 };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
}

static struct report run(enum mode mode, int calls, double seconds)
{
	static struct talkers t;
	int server_port[CALLS_MAX * 2];
	struct report r;
	struct server s;
	int status = 0;

	memset(&t, 0, sizeof(t));
	t.n = calls * 2;
	for (int i = 0; i < t.n; i++)
		t.fd[i] = udp(&t.port[i], 32768);
	s = start(mode, calls, t.port, t.fd, server_port);
	for (int i = 0; i < t.n; i++) {
		struct sockaddr_in a = loop_addr(server_port[i]);

		if (connect(t.fd[i], (struct sockaddr *)&a, sizeof(a)) < 0)
			exit(3);
	}
	talk(&t, 1.0);
	write_all(s.to, "s", 1);
	talk(&t, seconds);
	write_all(s.to, "e", 1);
	read_all(s.from, &r, sizeof(r));
	write_all(s.to, "q", 1);
	if (waitpid(s.pid, &status, 0) < 0 || status != 0)
		exit(6);
	for (int i = 0; i < t.n; i++)
		close(t.fd[i]);
	close(s.to);
	close(s.from);
	return r;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int calls = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 100, rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 3;
	double seconds = argc > 2 ? strtod(argv[2], NULL) : 5, v[MODES][16], median[MODES];
	struct report r;
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	(void)yct_dir();                         /* made here, so that it goes with this process */
	if (calls < 1 || calls > CALLS_MAX || rounds < 1 || rounds > 16)
		return 2;
	for (int k = 0; k < rounds; k++) {
		for (enum mode m = BARE; m < MODES; m++) {
			double expected = calls * 100 * seconds;

			r = run(m, calls, seconds);
			v[m][k] = r.cpu_s / seconds * 100 * 100 / calls;
			fprintf(stderr, "%-28s %6.2f %%  %5.2f us per packet out, in %.1f %%, out %.1f %% of the expected, max RSS %lld KiB\n", names[m],
				v[m][k], r.cpu_s * 1e6 / (double)(r.out ? r.out : 1), (double)r.in / expected * 100, (double)r.out / expected * 100,
				(long long)r.max_rss_kib);
			if ((double)r.out < expected * 0.98)
				fprintf(stderr, "  this run lost packets and says nothing\n");
		}
	}
	for (enum mode m = BARE; m < MODES; m++) {
		qsort(v[m], (size_t)rounds, sizeof(double), by_value);
		median[m] = v[m][rounds / 2];
	}
	for (enum mode m = RELAY; m < MODES; m++)
		printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"%% of a core per 100 calls\",\"peer\":\"bare recvfrom/sendto relay\",\"peer_value\":%.2f,"
			"\"ratio\":%.3f,\"n\":%d,\"commit\":\"%s\"}\n", names[m], median[m], median[BARE], median[m] / median[BARE], calls * rounds, YC_VERSION);
	return 0;
}
