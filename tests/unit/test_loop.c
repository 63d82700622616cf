#include "yct.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <zmq.h>

#include "yc/clock.h"
#include "yc/loop.h"

static struct yc_loop *l;
static char trail[64];

static void open_loop(void)
{
	l = yc_loop_new();
	trail[0] = '\0';
}

static void close_loop(void)
{
	yc_loop_free(&l);
	CU_ASSERT_PTR_NULL(l);
	yc_clock_real();
}

static void leave(const char *s)
{
	size_t n = strlen(trail);

	snprintf(trail + n, sizeof(trail) - n, "%s", s);
}

static void mark(void *arg)
{
	leave(arg);
}

static void stop(void *arg)
{
	yc_loop_stop(l);
}

/* --- timers */

static void timers_fire_in_order_of_their_time(void)
{
	yc_clock_fake(1000000);
	yc_timer_start(l, 20, 0, mark, "c");
	yc_timer_start(l, 10, 0, mark, "a");
	yc_timer_start(l, 10, 0, mark, "b");
	yc_timer_start(l, 30, 0, mark, "d");
	yc_clock_advance(9);
	yc_loop_once(l, 0);
	YCT_STR(trail, "");
	yc_clock_advance(1);
	yc_loop_once(l, 0);
	YCT_STR(trail, "ab");
	yc_clock_advance(100);
	yc_loop_once(l, 0);
	YCT_STR(trail, "abcd");
}

static void a_periodic_timer_keeps_its_phase_and_makes_nothing_up(void)
{
	struct yc_timer *t;

	yc_clock_fake(1000003);
	t = yc_timer_start(l, 10, 10, mark, "x");
	for (int i = 0; i < 3; i++) {
		yc_clock_advance(10);
		yc_loop_once(l, 0);
	}
	YCT_STR(trail, "xxx");
	yc_clock_advance(47);           /* four periods and a bit: once */
	yc_loop_once(l, 0);
	yc_loop_once(l, 0);
	YCT_STR(trail, "xxxx");
	yc_clock_advance(3);            /* the phase is still that of the start */
	yc_loop_once(l, 0);
	YCT_STR(trail, "xxxxx");
	yc_timer_stop(&t);
	CU_ASSERT_PTR_NULL(t);
	yc_timer_stop(&t);
	yc_clock_advance(1000);
	yc_loop_once(l, 0);
	YCT_STR(trail, "xxxxx");
}

static struct yc_timer *self, *victim;
static int rounds;

static void stop_self(void *arg)
{
	leave("s");
	if (++rounds == 2)
		yc_timer_stop(&self);
}

static void stop_victim(void *arg)
{
	leave("k");
	yc_timer_stop(&victim);
}

static void a_timer_may_stop_itself_and_others_of_its_turn(void)
{
	rounds = 0;
	yc_clock_fake(1000000);
	self = yc_timer_start(l, 1, 1, stop_self, NULL);
	yc_timer_start(l, 2, 0, stop_victim, NULL);
	victim = yc_timer_start(l, 3, 0, mark, "never");
	yc_clock_advance(5);
	yc_loop_once(l, 0);
	YCT_STR(trail, "sk");
	yc_clock_advance(5);
	yc_loop_once(l, 0);
	yc_clock_advance(5);
	yc_loop_once(l, 0);
	YCT_STR(trail, "sks");
	self = yc_timer_start(l, 0, 0, stop_self, NULL);        /* a one-shot that stops itself */
	rounds = 1;
	yc_loop_once(l, 0);
	YCT_STR(trail, "skss");
}

static void again(void *arg)
{
	leave("z");
	yc_timer_start(l, 0, 0, again, NULL);
}

static void a_chain_of_zero_delays_does_not_hold_the_turn(void)
{
	yc_timer_start(l, 0, 0, again, NULL);
	yc_loop_once(l, 0);
	YCT_STR(trail, "z");
	yc_loop_once(l, 1000);
	YCT_STR(trail, "zz");
}

static void a_timer_is_never_early(void)
{
	for (int i = 0; i < 20; i++) {
		int64_t start = yc_mono_us();

		yc_timer_start(l, 3, 0, stop, NULL);
		yc_loop_run(l);
		CU_ASSERT(yc_mono_us() - start >= 3000);
	}
}

static void thousands_of_timers_can_be_stopped_in_any_order(void)
{
	static struct yc_timer *t[5000];

	yc_clock_fake(1000000);
	for (int i = 0; i < 5000; i++)
		t[i] = yc_timer_start(l, (i * 7919) % 5000, 0, mark, i % 1000 ? "" : "m");
	for (int i = 0; i < 5000; i++)
		if (i % 1000)
			yc_timer_stop(&t[i * 3 % 5000]);        /* 3 i is a multiple of 1000 only when i is */
	yc_clock_advance(6000);
	yc_loop_once(l, 0);
	YCT_STR(trail, "mmmmm");
}

/* --- descriptors */

static int pair[2], other[2];

static void read_one(void *arg, int fd, int events)
{
	char c;

	CU_ASSERT_EQUAL(events, YC_READ);
	CU_ASSERT_EQUAL(read(fd, &c, 1), 1);
	leave(arg);
}

static void open_pairs(void)
{
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
}

static void close_pairs(void)
{
	close(pair[0]);
	close(pair[1]);
	close(other[0]);
	close(other[1]);
}

static void poke(int fd)
{
	CU_ASSERT_EQUAL(write(fd, "x", 1), 1);
}

static void a_descriptor_is_served_while_input_waits(void)
{
	open_pairs();
	yc_loop_fd(l, pair[0], YC_READ, read_one, "r");
	yc_loop_once(l, 0);
	YCT_STR(trail, "");
	poke(pair[1]);
	poke(pair[1]);
	yc_loop_once(l, 1000);
	yc_loop_once(l, 1000);
	YCT_STR(trail, "rr");
	yc_loop_fd(l, pair[0], 0, NULL, NULL);
	poke(pair[1]);
	yc_loop_once(l, 0);
	YCT_STR(trail, "rr");
	yc_loop_fd(l, 9999, 0, NULL, NULL);     /* removing what is not there, and what cannot be */
	yc_loop_fd(l, -1, YC_READ, read_one, NULL);
	close_pairs();
}

static void hundreds_of_descriptors_are_told_apart(void)
{
	enum { N = 200 };
	static int fd[N][2];

	for (int i = 0; i < N; i++) {
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fd[i]), 0);
		yc_loop_fd(l, fd[i][0], YC_READ, read_one, i == 7 ? "a" : i == 150 ? "b" : "?");
	}
	poke(fd[7][1]);
	poke(fd[150][1]);
	yc_loop_once(l, 1000);
	YCT_STR(trail, "ab");
	for (int i = 0; i < N; i++) {
		if (i != 150)
			yc_loop_fd(l, fd[i][0], 0, NULL, NULL);
		poke(fd[i][1]);
	}
	yc_loop_once(l, 1000);
	YCT_STR(trail, "abb");
	yc_loop_fd(l, fd[150][0], 0, NULL, NULL);
	for (int i = 0; i < N; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
}

static void a_descriptor_closed_while_watched_is_dropped(void)
{
	int turns = 0;
	int64_t end;

	open_pairs();
	yc_loop_fd(l, pair[0], YC_READ, read_one, "never");
	yc_loop_once(l, 0);
	close(pair[0]);
	end = yc_mono() + 60;
	while (yc_mono() < end) {
		yc_loop_once(l, 20);
		turns++;
	}
	CU_ASSERT(turns < 20);
	YCT_STR(trail, "");
	close_pairs();
	open_pairs();                   /* the same number again */
	yc_loop_fd(l, pair[0], YC_READ, read_one, "r");
	poke(pair[1]);
	yc_loop_once(l, 1000);
	YCT_STR(trail, "r");
	yc_loop_fd(l, pair[0], 0, NULL, NULL);
	close_pairs();
}

static int seen_events;

static void note_events(void *arg, int fd, int events)
{
	seen_events = events;
}

static void events_can_be_changed_and_hang_up_is_told(void)
{
	open_pairs();
	yc_loop_fd(l, pair[0], YC_WRITE, note_events, NULL);
	yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(seen_events, YC_WRITE);
	poke(pair[1]);
	yc_loop_fd(l, pair[0], YC_READ | YC_WRITE, note_events, NULL);
	yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(seen_events, YC_READ | YC_WRITE);
	yc_loop_fd(l, pair[0], YC_READ, note_events, NULL);
	yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(seen_events, YC_READ);
	yc_loop_fd(l, other[0], YC_READ, note_events, NULL);
	yc_loop_fd(l, pair[0], 0, NULL, NULL);
	close(other[1]);
	other[1] = -1;
	seen_events = 0;
	yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(seen_events, YC_READ);
	yc_loop_fd(l, other[0], 0, NULL, NULL);
	close_pairs();
}

/* Removes its neighbour, closes it, and watches a new descriptor that gets the same number: the old input must not reach the new one. */
static void replace_other(void *arg, int fd, int events)
{
	char c;
	int fresh[2];

	CU_ASSERT_EQUAL(read(fd, &c, 1), 1);
	leave("p");
	yc_loop_fd(l, other[0], 0, NULL, NULL);
	close(other[0]);
	close(other[1]);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, fresh), 0);
	other[0] = fresh[0];
	other[1] = fresh[1];
	yc_loop_fd(l, other[0], YC_READ, read_one, "new");
}

static void a_watcher_removed_in_the_same_turn_is_not_called(void)
{
	int was;

	open_pairs();
	was = other[0];
	yc_loop_fd(l, pair[0], YC_READ, replace_other, NULL);
	yc_loop_fd(l, other[0], YC_READ, read_one, "old");
	poke(pair[1]);
	poke(other[1]);
	yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(other[0], was);         /* the number was indeed used again */
	YCT_STR(trail, "p");
	poke(other[1]);
	yc_loop_once(l, 1000);
	YCT_STR(trail, "pnew");
	yc_loop_fd(l, pair[0], 0, NULL, NULL);
	yc_loop_fd(l, other[0], 0, NULL, NULL);
	close_pairs();
}

static void nested(void *arg, int fd, int events)
{
	char c;

	CU_ASSERT_EQUAL(read(fd, &c, 1), 1);
	leave("(");
	yc_loop_once(l, 0);
	leave(")");
}

static void a_turn_within_a_turn_serves_the_others(void)
{
	open_pairs();
	yc_loop_fd(l, pair[0], YC_READ, nested, NULL);
	yc_loop_fd(l, other[0], YC_READ, read_one, "o");
	poke(pair[1]);
	poke(other[1]);
	yc_loop_once(l, 1000);
	YCT_STR(trail, "(o)");          /* and what the inner turn served, the outer does not serve again */
	yc_loop_once(l, 0);
	YCT_STR(trail, "(o)");
	yc_loop_fd(l, pair[0], 0, NULL, NULL);
	yc_loop_fd(l, other[0], 0, NULL, NULL);
	close_pairs();
}

/* --- ZeroMQ */

static void *ctx, *push, *pull;
static int n_got;

static void open_sockets(const char *where)
{
	int none = 0;

	ctx = zmq_ctx_new();
	push = zmq_socket(ctx, ZMQ_PUSH);
	pull = zmq_socket(ctx, ZMQ_PULL);
	zmq_setsockopt(push, ZMQ_LINGER, &none, sizeof(none));
	CU_ASSERT_EQUAL_FATAL(zmq_bind(pull, where), 0);
	CU_ASSERT_EQUAL_FATAL(zmq_connect(push, where), 0);
	n_got = 0;
}

static void close_sockets(void)
{
	zmq_close(push);
	zmq_close(pull);
	zmq_ctx_term(ctx);
}

static void take_three(void *arg, void *socket)
{
	char buf[16];

	for (int i = 0; i < 3 && zmq_recv(socket, buf, sizeof(buf), ZMQ_DONTWAIT) >= 0; i++)
		n_got++;
}

static void a_socket_with_input_left_is_served_again(void)
{
	open_sockets("inproc://again");
	yc_loop_zmq(l, pull, take_three, NULL);
	for (int i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(zmq_send(push, "m", 1, 0), 1);
	for (int i = 0; i < 4; i++)
		yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(n_got, 10);
	yc_loop_zmq(l, pull, NULL, NULL);
	CU_ASSERT_EQUAL(zmq_send(push, "m", 1, 0), 1);
	yc_loop_once(l, 0);
	CU_ASSERT_EQUAL(n_got, 10);
	close_sockets();
}

static void sockets_are_watched_apart(void)
{
	void *more;
	int other_got;

	open_sockets("inproc://first");
	more = zmq_socket(ctx, ZMQ_PULL);
	CU_ASSERT_EQUAL_FATAL(zmq_bind(more, "inproc://second"), 0);
	CU_ASSERT_EQUAL_FATAL(zmq_connect(push, "inproc://second"), 0);
	yc_loop_zmq(l, pull, take_three, NULL);
	yc_loop_zmq(l, more, take_three, NULL);
	for (int i = 0; i < 4; i++)             /* goes to both in turn */
		CU_ASSERT_EQUAL(zmq_send(push, "m", 1, 0), 1);
	yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(n_got, 4);
	yc_loop_zmq(l, pull, NULL, NULL);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(zmq_send(push, "m", 1, 0), 1);
	yc_loop_once(l, 1000);
	other_got = n_got;
	yc_loop_once(l, 0);
	CU_ASSERT_EQUAL(other_got, 6);
	CU_ASSERT_EQUAL(n_got, 6);
	yc_loop_zmq(l, more, NULL, NULL);
	zmq_close(more);
	close_sockets();
}

static void a_busy_socket_does_not_starve_the_others(void)
{
	open_pairs();
	open_sockets("inproc://busy");
	yc_loop_zmq(l, pull, take_three, NULL);
	yc_loop_fd(l, pair[0], YC_READ, read_one, "r");
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(zmq_send(push, "m", 1, 0), 1);
	poke(pair[1]);
	yc_loop_once(l, 1000);
	YCT_STR(trail, "r");
	CU_ASSERT(n_got > 0 && n_got < 100);
	yc_loop_zmq(l, pull, NULL, NULL);
	yc_loop_fd(l, pair[0], 0, NULL, NULL);
	close_sockets();
	close_pairs();
}

/* Sending on a socket takes in what its edge-triggered descriptor announced; the loop must see that input before it sleeps. */
static void *pairing;

static void send_back(void *arg)
{
	zmq_send(pairing, "p", 1, ZMQ_DONTWAIT);
}

static void take_pair(void *arg, void *socket)
{
	char buf[16];

	while (zmq_recv(socket, buf, sizeof(buf), ZMQ_DONTWAIT) >= 0)
		n_got++;
	yc_loop_stop(l);
}

static void input_that_a_send_took_in_is_not_forgotten(void)
{
	void *peer;
	int none = 0;

	ctx = zmq_ctx_new();
	pairing = zmq_socket(ctx, ZMQ_PAIR);
	peer = zmq_socket(ctx, ZMQ_PAIR);
	zmq_setsockopt(pairing, ZMQ_LINGER, &none, sizeof(none));
	zmq_bind(pairing, "inproc://pair");
	zmq_connect(peer, "inproc://pair");
	n_got = 0;
	yc_loop_zmq(l, pairing, take_pair, NULL);
	yc_loop_at_end(l, send_back, NULL);
	for (int i = 1; i <= 200; i++) {
		struct yc_timer *guard = yc_timer_start(l, 5000, 0, stop, NULL);

		zmq_send(peer, "m", 1, 0);
		send_back(NULL);
		yc_loop_run(l);
		CU_ASSERT_EQUAL_FATAL(n_got, i);
		yc_timer_stop(&guard);
	}
	yc_loop_zmq(l, pairing, NULL, NULL);
	zmq_close(peer);
	zmq_close(pairing);
	zmq_ctx_term(ctx);
}

static void a_socket_closed_while_watched_does_not_spin_the_loop(void)
{
	int turns = 0;
	int64_t end;

	open_pairs();
	open_sockets("inproc://closed");
	yc_loop_zmq(l, pull, take_three, NULL);
	yc_loop_once(l, 0);
	close_sockets();
	end = yc_mono() + 60;
	while (yc_mono() < end) {
		yc_loop_once(l, 20);
		turns++;
	}
	CU_ASSERT(turns < 20);
	yc_loop_fd(l, pair[0], YC_READ, read_one, "r");
	poke(pair[1]);
	yc_loop_once(l, 1000);
	YCT_STR(trail, "r");
	yc_loop_fd(l, pair[0], 0, NULL, NULL);
	close_pairs();
}

/* --- posts, end of turn, stop */

static int n_posted;

static void count_post(void *arg)
{
	if (++n_posted == 40000)
		yc_loop_stop(l);
}

static void *poster(void *arg)
{
	for (int i = 0; i < 10000; i++)
		while (yc_loop_post(l, count_post, NULL) != YC_OK)
			sched_yield();
	return NULL;
}

static void posts_of_all_threads_arrive_once(void)
{
	pthread_t t[4];

	n_posted = 0;
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&t[i], NULL, poster, NULL), 0);
	yc_loop_run(l);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	yc_loop_once(l, 0);
	CU_ASSERT_EQUAL(n_posted, 40000);
}

static void posts_beyond_the_bound_are_refused(void)
{
	n_posted = 0;
	for (int i = 0; i < 65536; i++)
		CU_ASSERT_EQUAL_FATAL(yc_loop_post(l, count_post, NULL), YC_OK);
	CU_ASSERT_EQUAL(yc_loop_post(l, count_post, NULL), YC_EXHAUSTED);
	yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(n_posted, 65536);
	CU_ASSERT_EQUAL(yc_loop_post(l, count_post, NULL), YC_OK);
	yc_loop_once(l, 1000);
	CU_ASSERT_EQUAL(n_posted, 65537);
}

static void post_again(void *arg)
{
	leave("q");
	CU_ASSERT_EQUAL(yc_loop_post(l, post_again, NULL), YC_OK);
}

static void what_a_post_posts_waits_for_the_next_turn(void)
{
	CU_ASSERT_EQUAL(yc_loop_post(l, post_again, NULL), YC_OK);
	yc_loop_once(l, 1000);
	YCT_STR(trail, "q");
	yc_loop_once(l, 1000);
	YCT_STR(trail, "qq");
}

static void the_end_of_a_turn_comes_after_all_its_input(void)
{
	open_pairs();
	yc_loop_at_end(l, mark, "1");
	yc_loop_at_end(l, mark, "2");
	yc_loop_fd(l, pair[0], YC_READ, read_one, "a");
	yc_loop_fd(l, other[0], YC_READ, read_one, "b");
	poke(pair[1]);
	poke(other[1]);
	yc_timer_start(l, 0, 0, mark, "t");
	yc_loop_once(l, 1000);
	YCT_STR(trail, "tab12");
	yc_loop_fd(l, pair[0], 0, NULL, NULL);
	yc_loop_fd(l, other[0], 0, NULL, NULL);
	close_pairs();
}

static void on_alarm(int sig)
{
	yc_loop_stop(l);
}

static void a_signal_handler_can_stop_it(void)
{
	struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	int64_t start = yc_mono();

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &soon, NULL);
	yc_loop_run(l);
	CU_ASSERT(yc_mono() - start < 5000);
	signal(SIGALRM, SIG_DFL);
}

static void a_stop_before_the_run_is_not_lost_and_counts_once(void)
{
	yc_loop_stop(l);
	yc_loop_run(l);
	yc_timer_start(l, 1, 0, mark, "t");
	yc_timer_start(l, 5, 0, stop, NULL);
	yc_loop_run(l);
	YCT_STR(trail, "t");
}

YCT_MAIN_WITH("loop", open_loop, close_loop,
	 T(timers_fire_in_order_of_their_time),
	 T(a_periodic_timer_keeps_its_phase_and_makes_nothing_up),
	 T(a_timer_may_stop_itself_and_others_of_its_turn),
	 T(a_chain_of_zero_delays_does_not_hold_the_turn),
	 T(a_timer_is_never_early),
	 T(thousands_of_timers_can_be_stopped_in_any_order),
	 T(a_descriptor_is_served_while_input_waits),
	 T(hundreds_of_descriptors_are_told_apart),
	 T(a_descriptor_closed_while_watched_is_dropped),
	 T(events_can_be_changed_and_hang_up_is_told),
	 T(a_watcher_removed_in_the_same_turn_is_not_called),
	 T(a_turn_within_a_turn_serves_the_others),
	 T(a_socket_with_input_left_is_served_again),
	 T(sockets_are_watched_apart),
	 T(a_busy_socket_does_not_starve_the_others),
	 T(input_that_a_send_took_in_is_not_forgotten),
	 T(a_socket_closed_while_watched_does_not_spin_the_loop),
	 T(posts_of_all_threads_arrive_once),
	 T(posts_beyond_the_bound_are_refused),
	 T(what_a_post_posts_waits_for_the_next_turn),
	 T(the_end_of_a_turn_comes_after_all_its_input),
	 T(a_signal_handler_can_stop_it),
	 T(a_stop_before_the_run_is_not_lost_and_counts_once))
