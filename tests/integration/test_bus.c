/* The bus as its clients see it, through a real broker in a process of its own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <zmq.h>

#include "yc/arena.h"
#include "yc/bus.h"
#include "yc/clock.h"
#include "yc/text.h"
#include "yc/wire.h"
#include "yct.h"
#include "yct_bus.h"

#define CHECK CU_ASSERT_FATAL

static struct yc_loop *loop;

static void setup(void)
{
	loop = yc_loop_new();
	(void)yct_bus();
}

static void teardown(void)
{
	yc_loop_free(&loop);
}

/* --- a service that says what it was asked ------------------------------------------------------------------------------------ */

struct echo {
	struct yc_bus *bus;
	int seen, hold;                          /* hold: keep the requests instead of answering */
	uint64_t held[16];
	char request_id[64];
	Pb__Principal *who;
};

static void answer(struct echo *s, uint64_t call)
{
	Pb__HealthReply out = PB__HEALTH_REPLY__INIT;
	uint8_t raw[512];

	out.instance = (char *)yc_bus_instance(s->bus);
	out.ready = 1;
	yc_bus_reply(s->bus, call, YC_OK, NULL, raw, pb__health_reply__pack(&out, raw));
}

static void on_request(void *arg, const Pb__Header *h, const uint8_t *payload, size_t n)
{
	struct echo *s = arg;
	uint8_t raw[2048];
	size_t len = h->principal && pb__principal__get_packed_size(h->principal) < sizeof raw ? pb__principal__pack(h->principal, raw) : 0;

	s->seen++;
	yc_copy(s->request_id, sizeof s->request_id, h->request_id);
	if (s->who)
		pb__principal__free_unpacked(s->who, NULL);
	s->who = pb__principal__unpack(NULL, len, raw);
	if (s->hold)
		s->held[(s->seen - 1) % 16] = h->call;
	else
		answer(s, h->call);
}

static struct yc_bus *open_at(const char *endpoint, const char *service, const char *instance, yc_bus_request_fn *fn, void *arg)
{
	struct yc_bus *b = NULL;

	YCT_OK(yc_bus_open(&b, loop, &(struct yc_bus_conf){ .endpoint = endpoint, .service = service, .instance = instance }, fn, NULL, arg, yct_err()));
	return b;
}

static void run_until(int (*cond)(void *), void *arg, int64_t ms)
{
	int64_t until = yc_mono() + ms;

	while (!cond(arg) && yc_mono() < until)
		yc_loop_once(loop, 10);
}

static int is_up(void *bus)
{
	return yc_bus_is_up(bus);
}

static void up(struct yc_bus *b)
{
	run_until(is_up, b, 5000);
	CHECK(yc_bus_is_up(b));
}

static void echo_open(struct echo *s, const char *instance)
{
	s->bus = open_at(yct_bus(), "echo", instance, on_request, s);
	up(s->bus);
}

static void echo_close(struct echo *s)
{
	yc_bus_close(&s->bus);
	if (s->who)
		pb__principal__free_unpacked(s->who, NULL);
	s->who = NULL;
}

/* --- asking ------------------------------------------------------------------------------------------------------------------- */

struct asked { enum yc_code code; char instance[64], field[64]; int done; int64_t at; };

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;
	const Pb__HealthReply *r = msg;

	a->code = code;
	a->done++;
	a->at = yc_mono();
	yc_copy(a->instance, sizeof a->instance, r ? r->instance : "");
	yc_copy(a->field, sizeof a->field, e ? e->field : "");
}

static int is_done(void *arg)
{
	return ((struct asked *)arg)->done;
}

static int is_held(void *arg)
{
	return ((struct echo *)arg)->seen > 0;
}

static uint64_t ask(struct yc_bus *b, const char *to, const char *shard, int64_t timeout_ms, int retries, struct asked *a)
{
	Pb__Empty in = PB__EMPTY__INIT;

	*a = (struct asked){ 0 };
	return yc_bus_call(b, &(struct yc_call){ .service = to, .api = &pb__node__descriptor, .method = "Health", .in = &in, .shard_key = shard,
			.timeout_ms = timeout_ms, .retries = retries, .fn = on_reply, .arg = a });
}

static struct asked ask_now(struct yc_bus *b, const char *to, const char *shard)
{
	struct asked a;

	ask(b, to, shard, 3000, 0, &a);
	run_until(is_done, &a, 5000);
	CHECK(a.done == 1);
	return a;
}

/* --- naming and choosing ------------------------------------------------------------------------------------------------------- */

static void a_request_finds_the_service_and_the_very_instance(void)
{
	struct echo one = { 0 }, two = { 0 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);

	echo_open(&one, "t.echo.1");
	echo_open(&two, "t.echo.2");
	for (int i = 0; i < 5; i++) {
		struct asked a = ask_now(c, "echo@t.echo.2", NULL);

		CHECK(a.code == YC_OK);
		YCT_STR(a.instance, "t.echo.2");
	}
	CU_ASSERT_EQUAL(one.seen, 0);
	CU_ASSERT_EQUAL(ask_now(c, "echo@t.echo.3", NULL).code, YC_UNAVAILABLE);
	CU_ASSERT_EQUAL(ask_now(c, "other@t.echo.2", NULL).code, YC_UNAVAILABLE);
	CU_ASSERT_EQUAL(ask_now(c, "echo", NULL).code, YC_OK);
	yc_bus_close(&c);
	echo_close(&one);
	echo_close(&two);
}

static void a_service_nobody_serves_is_unavailable_at_once(void)
{
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	int64_t t0;
	struct asked a;

	up(c);
	t0 = yc_mono();
	a = ask_now(c, "nobody", NULL);
	CU_ASSERT_EQUAL(a.code, YC_UNAVAILABLE);
	YCT_STR(a.field, "service");
	CU_ASSERT(yc_mono() - t0 < 500);
	yc_bus_close(&c);
}

static void a_key_stays_with_its_instance_and_only_the_keys_of_a_lost_one_move(void)
{
	struct echo s[3] = { 0 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	char home[60][64], name[32], key[16];
	int moved = 0, wrong = 0, of[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "t.echo.%d", i + 1);
		echo_open(&s[i], name);
	}
	for (int i = 0; i < 60; i++) {
		snprintf(key, sizeof key, "key-%d", i);
		yc_copy(home[i], 64, ask_now(c, "echo", key).instance);
		of[home[i][7] - '1']++;
	}
	CU_ASSERT(of[0] > 5 && of[1] > 5 && of[2] > 5);
	echo_close(&s[1]);
	for (int i = 0; i < 60; i++) {
		struct asked a;

		snprintf(key, sizeof key, "key-%d", i);
		a = ask_now(c, "echo", key);
		if (strcmp(home[i], "t.echo.2") == 0)
			moved += a.code == YC_OK && strcmp(a.instance, "t.echo.2") != 0;
		else
			wrong += strcmp(a.instance, home[i]) != 0;
	}
	CU_ASSERT_EQUAL(moved, of[1]);
	CU_ASSERT_EQUAL(wrong, 0);
	yc_bus_close(&c);
	echo_close(&s[0]);
	echo_close(&s[2]);
}

static void without_a_key_the_one_with_least_in_hand_is_asked(void)
{
	struct echo slow = { .hold = 1 }, quick = { 0 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	struct asked stuck[2], a;

	echo_open(&slow, "t.echo.1");
	echo_open(&quick, "t.echo.2");
	for (int i = 0; i < 2; i++)
		ask(c, "echo@t.echo.1", NULL, 3000, 0, &stuck[i]);
	run_until(is_held, &slow, 2000);
	for (int i = 0; i < 10; i++) {
		a = ask_now(c, "echo", NULL);
		YCT_STR(a.instance, "t.echo.2");
	}
	yc_bus_close(&c);
	echo_close(&slow);
	echo_close(&quick);
}

/* --- dying --------------------------------------------------------------------------------------------------------------------- */

static void die_with(int parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

/* A service in a child: it takes requests and never answers. */
static int hoarder(const char *instance)
{
	int parent = getpid(), pid = fork();
	struct echo s = { .hold = 1 };

	if (pid)
		return pid;
	die_with(parent);
	loop = yc_loop_new();
	s.bus = open_at(yct_bus(), "hoard", instance, on_request, &s);
	yc_loop_run(loop);
	_exit(0);
}

static void wait_for(struct yc_bus *c, const char *instance)
{
	char to[100];
	struct asked a;

	/* It never answers, so it is there as soon as the broker does not say UNAVAILABLE. */
	snprintf(to, sizeof to, "hoard@%s", instance);
	for (int i = 0; i < 200; i++) {
		ask(c, to, NULL, 100, 0, &a);
		run_until(is_done, &a, 1000);
		if (a.code == YC_DEADLINE)
			return;
	}
	CU_FAIL_FATAL("the child did not come");
}

static void a_killed_instance_is_told_to_its_callers_within_a_second(void)
{
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	int pid = hoarder("t.hoard.1");
	struct asked a;
	int64_t t0;

	wait_for(c, "t.hoard.1");
	ask(c, "hoard", NULL, 20000, 0, &a);
	for (int i = 0; i < 10; i++)
		yc_loop_once(loop, 10);
	t0 = yc_mono();
	yct_kill(pid, SIGKILL);
	run_until(is_done, &a, 5000);
	CU_ASSERT_EQUAL(a.code, YC_INSTANCE_LOST);
	CU_ASSERT(yc_mono() - t0 < 1000);
	CU_ASSERT_EQUAL(ask_now(c, "hoard", NULL).code, YC_UNAVAILABLE);
	yc_bus_close(&c);
}

static void a_stopped_instance_is_lost_after_two_seconds(void)
{
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	int pid = hoarder("t.hoard.2");
	struct asked a;
	int64_t t0;

	wait_for(c, "t.hoard.2");
	kill(pid, SIGSTOP);
	t0 = yc_mono();
	ask(c, "hoard", NULL, 20000, 0, &a);
	run_until(is_done, &a, 8000);
	CU_ASSERT_EQUAL(a.code, YC_INSTANCE_LOST);
	CU_ASSERT(yc_mono() - t0 < 4000);
	yct_kill(pid, SIGKILL);
	yc_bus_close(&c);
}

static int is_displaced(void *bus)
{
	return yc_bus_is_displaced(bus);
}

static void a_new_process_takes_the_name_and_the_old_ones_callers_are_told(void)
{
	struct echo old = { .hold = 1 }, new = { 0 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	struct asked a;

	echo_open(&old, "t.echo.1");
	ask(c, "echo", NULL, 20000, 0, &a);
	run_until(is_held, &old, 2000);
	CHECK(old.seen == 1);
	echo_open(&new, "t.echo.1");
	run_until(is_done, &a, 2000);
	CU_ASSERT_EQUAL(a.code, YC_INSTANCE_LOST);
	run_until(is_displaced, old.bus, 2000);
	CU_ASSERT(yc_bus_is_displaced(old.bus));
	CU_ASSERT_EQUAL(ask_now(c, "echo", NULL).code, YC_OK);
	CU_ASSERT_EQUAL(new.seen, 1);
	yc_bus_close(&c);
	echo_close(&old);
	echo_close(&new);
}

static void who_says_bye_gets_no_new_requests_but_may_answer_the_old_ones(void)
{
	struct echo s = { .hold = 1 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	struct asked a;

	echo_open(&s, "t.echo.1");
	ask(c, "echo", NULL, 5000, 0, &a);
	run_until(is_held, &s, 2000);
	yc_bus_bye(s.bus);
	for (int i = 0; i < 300; i++)            /* longer than the silence that means death */
		yc_loop_once(loop, 10);
	CU_ASSERT_EQUAL(ask_now(c, "echo", NULL).code, YC_UNAVAILABLE);
	CU_ASSERT_EQUAL(a.done, 0);
	answer(&s, s.held[0]);
	run_until(is_done, &a, 2000);
	CU_ASSERT_EQUAL(a.code, YC_OK);
	yc_bus_close(&c);
	echo_close(&s);
}

static int is_down(void *bus)
{
	return !yc_bus_is_up(bus);
}

static void a_broker_that_dies_fails_its_calls_and_one_that_returns_heals_the_bus(void)
{
	struct echo s = { .hold = 1 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	struct asked a;
	int64_t t0;

	echo_open(&s, "t.echo.1");
	up(c);
	ask(c, "echo", NULL, 20000, 0, &a);
	run_until(is_held, &s, 2000);
	yct_bus_kill();
	t0 = yc_mono();
	run_until(is_done, &a, 8000);
	CU_ASSERT_EQUAL(a.code, YC_INSTANCE_LOST);
	CU_ASSERT(yc_mono() - t0 < 2600);
	run_until(is_down, c, 5000);
	CU_ASSERT(!yc_bus_is_up(c));
	while (yc_mono() - t0 < 2100)
		yc_loop_once(loop, 10);
	t0 = yc_mono();
	CU_ASSERT_EQUAL(ask_now(c, "echo", NULL).code, YC_UNAVAILABLE);
	CU_ASSERT(yc_mono() - t0 < 200);
	s.hold = 0;
	yct_bus_start();
	t0 = yc_mono();
	do
		a = ask_now(c, "echo", NULL);
	while (a.code && yc_mono() - t0 < 5000);
	CU_ASSERT_EQUAL(a.code, YC_OK);
	CU_ASSERT(yc_mono() - t0 < 1000);
	yc_bus_close(&c);
	echo_close(&s);
}

static void a_call_made_while_the_broker_restarts_waits_for_it(void)
{
	struct echo s = { 0 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	struct asked a;

	echo_open(&s, "t.echo.1");
	up(c);
	yct_bus_kill();
	ask(c, "echo", NULL, 4000, 6, &a);
	for (int i = 0; i < 20; i++)
		yc_loop_once(loop, 10);
	yct_bus_start();
	run_until(is_done, &a, 8000);
	CU_ASSERT_EQUAL(a.code, YC_OK);
	yc_bus_close(&c);
	echo_close(&s);
}

/* --- tries and deadlines ------------------------------------------------------------------------------------------------------- */

static int is_tried_twice(void *arg)
{
	return ((struct echo *)arg)->seen >= 2;
}

static void a_further_try_carries_the_same_request_id(void)
{
	struct echo s = { .hold = 1 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	char first[64];
	struct asked a;

	echo_open(&s, "t.echo.1");
	ask(c, "echo", NULL, 300, 3, &a);
	run_until(is_held, &s, 2000);
	yc_copy(first, sizeof first, s.request_id);
	run_until(is_tried_twice, &s, 3000);
	CU_ASSERT(s.seen >= 2 && *first);
	YCT_STR(s.request_id, first);
	answer(&s, s.held[0]);                   /* late, to the first try: nobody takes it */
	answer(&s, s.held[1]);
	run_until(is_done, &a, 3000);
	CU_ASSERT_EQUAL(a.code, YC_OK);
	CU_ASSERT_EQUAL(a.done, 1);
	yc_bus_close(&c);
	echo_close(&s);
}

static void a_call_without_answer_ends_at_its_deadline_once(void)
{
	struct echo s = { .hold = 1 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	struct asked a;
	int64_t t0 = yc_mono();

	echo_open(&s, "t.echo.1");
	ask(c, "echo", NULL, 200, 0, &a);
	run_until(is_done, &a, 3000);
	CU_ASSERT_EQUAL(a.code, YC_DEADLINE);
	CU_ASSERT(yc_mono() - t0 < 2000);
	answer(&s, s.held[0]);
	for (int i = 0; i < 20; i++)
		yc_loop_once(loop, 5);
	CU_ASSERT_EQUAL(a.done, 1);
	yc_bus_close(&c);
	echo_close(&s);
}

static void a_cancelled_call_is_never_answered(void)
{
	struct echo s = { .hold = 1 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	struct asked a;
	uint64_t nr;

	echo_open(&s, "t.echo.1");
	nr = ask(c, "echo", NULL, 2000, 0, &a);
	run_until(is_held, &s, 2000);
	yc_bus_cancel(c, nr);
	answer(&s, s.held[0]);
	for (int i = 0; i < 20; i++)
		yc_loop_once(loop, 5);
	CU_ASSERT_EQUAL(a.done, 0);
	yc_bus_cancel(c, nr);
	yc_bus_close(&c);
	echo_close(&s);
}

static void closing_ends_what_is_pending(void)
{
	struct echo s = { .hold = 1 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	struct asked a;

	echo_open(&s, "t.echo.1");
	ask(c, "echo", NULL, 2000, 5, &a);
	run_until(is_held, &s, 2000);
	yc_bus_close(&c);
	CU_ASSERT_EQUAL(a.done, 1);
	CU_ASSERT_EQUAL(a.code, YC_UNAVAILABLE);
	echo_close(&s);
}

/* --- events -------------------------------------------------------------------------------------------------------------------- */

struct heard { int n; char topic[64], text[64]; };

static void on_event(void *arg, const char *topic, const uint8_t *payload, size_t n)
{
	struct heard *h = arg;

	h->n++;
	yc_copy(h->topic, sizeof h->topic, topic);
	snprintf(h->text, sizeof h->text, "%.*s", (int)n, (const char *)payload);
}

static void events_reach_who_subscribed_to_the_source(void)
{
	struct echo s = { 0 };
	struct yc_bus *sub = NULL;
	struct heard h = { 0 };
	int64_t until = yc_mono() + 5000;

	YCT_OK(yc_bus_open(&sub, loop, &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, on_event, &h, yct_err()));
	yc_bus_subscribe(sub, "t.echo.");
	echo_open(&s, "t.echo.1");
	while (!h.n && yc_mono() < until) {
		yc_bus_publish(s.bus, "t.other.1|", (const uint8_t *)"not for us", 10);
		yc_bus_publish(s.bus, "t.echo.1|", (const uint8_t *)"hello", 5);
		yc_loop_once(loop, 20);
	}
	CU_ASSERT(h.n > 0);
	YCT_STR(h.topic, "t.echo.1|");
	YCT_STR(h.text, "hello");
	yc_bus_close(&sub);
	echo_close(&s);
}

/* --- what the broker says itself ------------------------------------------------------------------------------------------------ */

struct listed { int done; enum yc_code code; char text[1024]; };

static void on_list(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct listed *l = arg;
	const Pb__BusInstances *r = msg;

	l->done = 1;
	l->code = code;
	for (size_t i = 0; r && i < r->n_instances; i++)
		snprintf(l->text + strlen(l->text), sizeof l->text - strlen(l->text), "%s=%s ", r->instances[i]->service, r->instances[i]->instance);
}

static int is_listed(void *arg)
{
	return ((struct listed *)arg)->done;
}

static void the_broker_lists_who_is_there_and_is_healthy(void)
{
	struct echo s = { 0 };
	struct yc_bus *c = open_at(yct_bus(), NULL, NULL, NULL, NULL);
	Pb__Empty in = PB__EMPTY__INIT;
	struct listed l = { 0 };

	echo_open(&s, "t.echo.7");
	yc_bus_call(c, &(struct yc_call){ .service = "bus", .api = &pb__bus__descriptor, .method = "Instances", .in = &in, .fn = on_list, .arg = &l });
	run_until(is_listed, &l, 5000);
	CU_ASSERT_EQUAL(l.code, YC_OK);
	CU_ASSERT_PTR_NOT_NULL(strstr(l.text, "echo=t.echo.7 "));
	CU_ASSERT_EQUAL(ask_now(c, "bus", NULL).code, YC_OK);
	yc_bus_close(&c);
	echo_close(&s);
}

YCT_MAIN_WITH("bus", setup, teardown,
	T(a_request_finds_the_service_and_the_very_instance),
	T(a_service_nobody_serves_is_unavailable_at_once),
	T(a_key_stays_with_its_instance_and_only_the_keys_of_a_lost_one_move),
	T(without_a_key_the_one_with_least_in_hand_is_asked),
	T(a_killed_instance_is_told_to_its_callers_within_a_second),
	T(a_stopped_instance_is_lost_after_two_seconds),
	T(a_new_process_takes_the_name_and_the_old_ones_callers_are_told),
	T(who_says_bye_gets_no_new_requests_but_may_answer_the_old_ones),
	T(a_broker_that_dies_fails_its_calls_and_one_that_returns_heals_the_bus),
	T(a_call_made_while_the_broker_restarts_waits_for_it),
	T(a_further_try_carries_the_same_request_id),
	T(a_call_without_answer_ends_at_its_deadline_once),
	T(a_cancelled_call_is_never_answered),
	T(closing_ends_what_is_pending),
	T(events_reach_who_subscribed_to_the_source),
	T(the_broker_lists_who_is_there_and_is_healthy))
