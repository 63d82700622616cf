#include "yct.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/redis.h"

static struct yc_loop *loop;
static struct yc_redis *r;
static int is_up, ups, downs;

/* What one or many callbacks said. */
struct said { int calls, ok, unavailable, deadline, invalid; int64_t sum; char text[64]; };

static void on_up(void *arg, int up)
{
	is_up = up;
	ups += up;
	downs += !up;
}

static void on_reply(void *arg, enum yc_code code, const struct yc_rreply *v)
{
	struct said *s = arg;

	s->calls++;
	s->ok += code == YC_OK;
	s->unavailable += code == YC_UNAVAILABLE;
	s->deadline += code == YC_DEADLINE;
	s->invalid += code == YC_INVALID;
	CU_ASSERT((v != NULL) == (code == YC_OK || code == YC_INVALID));
	if (v && v->type == YC_R_INT)
		s->sum += v->i;
	if (v && v->s)
		snprintf(s->text, sizeof(s->text), "%s", v->s);
}

static int wait_for(int *what, int want, int64_t ms)
{
	int64_t end = yc_mono() + ms;

	while (*what < want && yc_mono() < end)
		yc_loop_once(loop, 20);
	return *what >= want;
}

static void setup(void)
{
	loop = yc_loop_new();
	is_up = ups = downs = 0;
	r = NULL;
}

static void teardown(void)
{
	yc_redis_close(&r);
	yc_loop_free(&loop);
}

static void open_and_wait(void)
{
	YCT_OK(yc_redis_open(&r, loop, yct_redis(), on_up, NULL, yct_err()));
	CU_ASSERT_FATAL(wait_for(&is_up, 1, 5000));
	CU_ASSERT(yc_redis_is_up(r));
}

static void commands_are_answered_with_every_type_of_reply(void)
{
	struct said s = { 0 }, list = { 0 }, bad = { 0 };

	open_and_wait();
	yc_redis_cmd(r, on_reply, &s, "FLUSHALL", NULL);
	yc_redis_cmd(r, on_reply, &s, "SET", "k", "值", NULL);
	yc_redis_cmd(r, on_reply, &s, "INCRBY", "n", "41", NULL);
	yc_redis_cmd(r, NULL, NULL, "INCR", "n", NULL);
	yc_redis_cmd(r, on_reply, &s, "GET", "nothing", NULL);
	yc_redis_cmd(r, on_reply, &s, "GET", "k", NULL);
	yc_redis_cmd(r, on_reply, &list, "MGET", "k", "n", "x", NULL);
	yc_redis_cmd(r, on_reply, &bad, "INCR", "k", NULL);
	CU_ASSERT_EQUAL(s.calls, 0);             /* never from inside the call */
	CU_ASSERT(wait_for(&bad.calls, 1, 5000));
	CU_ASSERT_EQUAL(s.ok, 5);
	CU_ASSERT_EQUAL(s.sum, 41);
	YCT_STR(s.text, "值");
	CU_ASSERT_EQUAL(list.ok, 1);
	CU_ASSERT_EQUAL(bad.invalid, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(bad.text, "not an integer"));
}

static int array_seen;
static void on_array(void *arg, enum yc_code code, const struct yc_rreply *v)
{
	CU_ASSERT_EQUAL_FATAL(v->type, YC_R_ARRAY);
	CU_ASSERT_EQUAL_FATAL(v->n, 3);
	CU_ASSERT_EQUAL(v->v[0].i, 7);
	CU_ASSERT_EQUAL(v->v[1].type, YC_R_NIL);
	CU_ASSERT_EQUAL(v->v[2].type, YC_R_ARRAY);
	YCT_STR(v->v[2].v[0].s, "inner");
	array_seen = 1;
}

static void lists_within_lists_keep_their_shape(void)
{
	open_and_wait();
	yc_redis_cmd(r, on_array, NULL, "EVAL", "return {7, false, {'inner'}}", "0", NULL);
	CU_ASSERT(wait_for(&array_seen, 1, 5000));
}

static void binary_values_pass_unchanged(void)
{
	const char *argv[] = { "SET", "bin", "a\0b" };
	const size_t len[] = { 3, 3, 3 };
	struct said s = { 0 };

	open_and_wait();
	yc_redis_argv(r, NULL, NULL, 3, argv, len);
	yc_redis_cmd(r, on_reply, &s, "STRLEN", "bin", NULL);
	CU_ASSERT(wait_for(&s.calls, 1, 5000));
	CU_ASSERT_EQUAL(s.sum, 3);
}

static void before_the_first_connection_commands_are_refused_from_the_loop(void)
{
	struct said s = { 0 };
	struct yc_err e;

	CU_ASSERT_EQUAL(yc_redis_open(&r, loop, "http://x", NULL, NULL, &e), YC_INVALID);
	YCT_STR(e.field, "redis");
	YCT_OK(yc_redis_open(&r, loop, "unix:/nowhere/redis.sock", on_up, NULL, yct_err()));
	yc_redis_cmd(r, on_reply, &s, "PING", NULL);
	CU_ASSERT_EQUAL(s.calls, 0);
	CU_ASSERT(wait_for(&s.calls, 1, 1000));
	CU_ASSERT_EQUAL(s.unavailable, 1);
	CU_ASSERT(!is_up);
}

static void a_tcp_port_nobody_listens_on_is_tried_again_and_again(void)
{
	struct said s = { 0 };
	int64_t end;

	YCT_OK(yc_redis_open(&r, loop, "redis://127.0.0.1:1", on_up, NULL, yct_err()));
	end = yc_mono() + 300;
	while (yc_mono() < end)
		yc_loop_once(loop, 20);
	yc_redis_cmd(r, on_reply, &s, "PING", NULL);
	CU_ASSERT(wait_for(&s.calls, 1, 1000));
	CU_ASSERT_EQUAL(s.unavailable, 1);
	CU_ASSERT_EQUAL(ups, 0);
}

static void after_a_kill_pending_commands_end_and_the_connection_comes_back(void)
{
	struct said s = { 0 }, after = { 0 };
	int i;

	open_and_wait();
	kill(yct_redis_pid(), SIGSTOP);
	for (i = 0; i < 100; i++)
		yc_redis_cmd(r, on_reply, &s, "INCR", "pending", NULL);
	yc_loop_once(loop, 0);
	yct_redis_kill();
	CU_ASSERT(wait_for(&s.calls, 100, 5000));
	CU_ASSERT_EQUAL(s.calls, 100);
	CU_ASSERT_EQUAL(s.unavailable, 100);
	CU_ASSERT(wait_for(&downs, 1, 5000));
	CU_ASSERT(!yc_redis_is_up(r));
	yct_redis_start();
	CU_ASSERT(wait_for(&ups, 2, 5000));
	yc_redis_cmd(r, on_reply, &after, "SET", "back", "1", NULL);
	CU_ASSERT(wait_for(&after.calls, 1, 5000));
	CU_ASSERT_EQUAL(after.ok, 1);
	CU_ASSERT_EQUAL(s.calls, 100);           /* exactly once each */
}

static void what_was_written_before_a_kill_is_there_after_the_restart(void)
{
	struct said s = { 0 }, after = { 0 };

	open_and_wait();
	yc_redis_cmd(r, on_reply, &s, "SET", "kept", "77", NULL);
	CU_ASSERT(wait_for(&s.calls, 1, 5000));
	yct_redis_kill();
	CU_ASSERT(wait_for(&downs, 1, 5000));
	yct_redis_start();
	CU_ASSERT(wait_for(&ups, 2, 5000));
	yc_redis_cmd(r, on_reply, &after, "GET", "kept", NULL);
	CU_ASSERT(wait_for(&after.calls, 1, 5000));
	YCT_STR(after.text, "77");
}

static void a_stopped_server_is_given_up_after_the_time_out(void)
{
	struct said s = { 0 }, after = { 0 };
	int64_t t;

	open_and_wait();
	yc_redis_timeout(r, 200);
	kill(yct_redis_pid(), SIGSTOP);
	t = yc_mono();
	yc_redis_cmd(r, on_reply, &s, "PING", NULL);
	CU_ASSERT(wait_for(&s.calls, 1, 5000));
	t = yc_mono() - t;
	CU_ASSERT(t >= 190 && t < 2000);
	CU_ASSERT_EQUAL(s.deadline, 1);
	CU_ASSERT(wait_for(&downs, 1, 1000));
	yc_redis_cmd(r, on_reply, &s, "PING", NULL);
	CU_ASSERT(wait_for(&s.calls, 2, 1000));
	CU_ASSERT_EQUAL(s.unavailable, 1);
	kill(yct_redis_pid(), SIGCONT);
	yc_redis_timeout(r, 500);
	CU_ASSERT(wait_for(&ups, 2, 5000));
	yc_redis_cmd(r, on_reply, &after, "PING", NULL);
	CU_ASSERT(wait_for(&after.calls, 1, 1000));
	YCT_STR(after.text, "PONG");
}

static void past_the_bound_commands_are_refused_and_the_rest_still_answered(void)
{
	struct said s = { 0 };
	int i;

	open_and_wait();
	yc_redis_timeout(r, 10000);
	for (i = 0; i < 10100; i++)
		yc_redis_cmd(r, on_reply, &s, "PING", NULL);
	CU_ASSERT(wait_for(&s.calls, 10100, 10000));
	CU_ASSERT_EQUAL(s.ok, 10000);
	CU_ASSERT_EQUAL(s.unavailable, 100);
}

static struct yc_script script = { "redis.call('INCRBY', KEYS[1], ARGV[1]) return tonumber(redis.call('GET', KEYS[1])) + 0", "" };

static void run_script(struct said *s, const char *by)
{
	const char *argv[] = { "scripted", by };

	yc_redis_script(r, &script, on_reply, s, 1, 2, argv);
}

static void a_script_is_sent_by_its_digest_and_again_as_text_when_the_server_forgot_it(void)
{
	struct said s = { 0 }, other = { 0 };

	open_and_wait();
	yc_redis_cmd(r, on_reply, &other, "DEL", "scripted", NULL);
	run_script(&s, "5");
	CU_ASSERT(wait_for(&s.calls, 1, 5000));
	CU_ASSERT_EQUAL(s.sum, 5);
	CU_ASSERT_EQUAL(strlen(script.sha), 40);
	run_script(&s, "1");
	CU_ASSERT(wait_for(&s.calls, 2, 5000));
	CU_ASSERT_EQUAL(s.sum, 5 + 6);
	yc_redis_cmd(r, on_reply, &other, "SCRIPT", "FLUSH", NULL);
	run_script(&s, "10");                    /* NOSCRIPT, then EVAL */
	CU_ASSERT(wait_for(&s.calls, 3, 5000));
	CU_ASSERT_EQUAL(s.ok, 3);
	CU_ASSERT_EQUAL(s.sum, 5 + 6 + 16);
	run_script(&s, "1");                     /* which made it known again */
	CU_ASSERT(wait_for(&s.calls, 4, 5000));
	CU_ASSERT_EQUAL(s.sum, 5 + 6 + 16 + 17);
	yct_redis_kill();
	CU_ASSERT(wait_for(&downs, 1, 5000));
	yct_redis_start();
	CU_ASSERT(wait_for(&ups, 2, 5000));
	run_script(&s, "0");                     /* a restarted server knows no scripts */
	CU_ASSERT(wait_for(&s.calls, 5, 5000));
	CU_ASSERT_EQUAL(s.ok, 5);
}

static void an_error_inside_a_script_is_an_invalid_with_its_text(void)
{
	static struct yc_script broken = { "return redis.call('INCR', KEYS[1], 'too', 'many')", "" };
	const char *argv[] = { "k" };
	struct said s = { 0 };

	open_and_wait();
	yc_redis_script(r, &broken, on_reply, &s, 1, 1, argv);
	CU_ASSERT(wait_for(&s.calls, 1, 5000));
	CU_ASSERT_EQUAL(s.invalid, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.text, "Wrong number of args"));
}

static void closing_ends_what_is_pending(void)
{
	struct said s = { 0 };
	int i;

	open_and_wait();
	for (i = 0; i < 50; i++)
		yc_redis_cmd(r, on_reply, &s, "PING", NULL);
	yc_redis_close(&r);
	CU_ASSERT_PTR_NULL(r);
	CU_ASSERT_EQUAL(s.calls, 50);
	CU_ASSERT_EQUAL(s.unavailable, 50);
	yc_loop_once(loop, 0);
	CU_ASSERT_EQUAL(s.calls, 50);
}

static int closed;
static void close_it(void *arg, enum yc_code code, const struct yc_rreply *v)
{
	closed++;
	yc_redis_close(&r);
}

static void a_callback_may_close_the_client(void)
{
	struct said s = { 0 };

	open_and_wait();
	yc_redis_cmd(r, close_it, NULL, "PING", NULL);
	yc_redis_cmd(r, on_reply, &s, "PING", NULL);
	CU_ASSERT(wait_for(&closed, 1, 5000));
	CU_ASSERT_EQUAL(s.unavailable, 1);
	yc_loop_once(loop, 0);
	is_up = 0;
	/* also when it is the loss of the connection that calls back */
	open_and_wait();
	kill(yct_redis_pid(), SIGSTOP);
	yc_redis_cmd(r, close_it, NULL, "PING", NULL);
	yc_redis_cmd(r, on_reply, &s, "PING", NULL);
	yc_loop_once(loop, 0);
	yct_redis_kill();
	CU_ASSERT(wait_for(&closed, 2, 5000));
	CU_ASSERT_EQUAL(s.unavailable, 2);
	yct_redis_start();
}

YCT_MAIN_WITH("redis", setup, teardown, T(commands_are_answered_with_every_type_of_reply), T(lists_within_lists_keep_their_shape),
	      T(binary_values_pass_unchanged), T(before_the_first_connection_commands_are_refused_from_the_loop),
	      T(a_tcp_port_nobody_listens_on_is_tried_again_and_again), T(after_a_kill_pending_commands_end_and_the_connection_comes_back),
	      T(what_was_written_before_a_kill_is_there_after_the_restart), T(a_stopped_server_is_given_up_after_the_time_out),
	      T(past_the_bound_commands_are_refused_and_the_rest_still_answered), T(a_script_is_sent_by_its_digest_and_again_as_text_when_the_server_forgot_it),
	      T(an_error_inside_a_script_is_an_invalid_with_its_text), T(closing_ends_what_is_pending), T(a_callback_may_close_the_client))
