/* Events from one store into another: nothing lost, nothing twice, in order, whoever is killed. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/node.h"
#include "yc/text.h"
#include "yct.h"

#define CHECK CU_ASSERT_FATAL

/* An empty SQLite store; the string is freed by the next one, or at the end. */
static char *store;

static void free_store(void)
{
	free(store);
}

static char *empty_store(void)
{
	if (!store)
		atexit(free_store);
	free(store);
	return store = yct_fresh_db("sqlite");
}

static const char *store_url;

/* --- the producer: a counter, and an event for each step of it ------------------------------------------------------------------ */

enum { P_STEP, P_COUNT };
static const char *const p_sql[P_COUNT] = {
	[P_STEP] = "INSERT INTO counter (id, n) VALUES ('c', 1) ON CONFLICT (id) DO UPDATE SET n = counter.n + 1 RETURNING n",
};
static const struct yc_migration p_schema[] = { { 1, "001_init", "CREATE TABLE counter (id TEXT PRIMARY KEY, n BIGINT NOT NULL);\n" }, { 0 } };
static const struct yc_service producer = { .name = "prod", .schema = p_schema, .queries = p_sql, .n_queries = P_COUNT };
static const struct yc_service async_producer = { .name = "prod", .schema = p_schema, .queries = p_sql, .n_queries = P_COUNT, .async_events = 1 };

struct steps { int n; const char *type; };

static enum yc_code step(struct yc_node *n, const char *type, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, P_STEP), e, "");
	Pb__EventsReq payload = PB__EVENTS_REQ__INIT;
	int rc = st ? yc_db_step(st, e) : -1;

	if (rc > 0)
		payload.after = yc_col_int(st, 0);
	yc_db_reset(st);
	return rc > 0 ? yc_emit(n, type, "mat_x", "c", &payload, e) : e->code;
}

static enum yc_code steps(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct steps *s = arg;
	enum yc_code code = YC_OK;

	for (int i = 0; i < s->n && !code; i++)
		code = step(n, s->type, e);
	return code;
}

static void emit(struct yc_node *n, const char *type, int count)
{
	struct steps s = { count, type };

	YCT_OK(yc_node_do(n, steps, &s, yct_err()));
}

/* --- the consumer: writes down each number and how often it came ------------------------------------------------------------------ */

enum { C_GOT, C_COUNT };
static const char *const c_sql[C_COUNT] = {
	[C_GOT] = "INSERT INTO got (n, times, seq, inc) VALUES ($1, 1, $2, $3) ON CONFLICT (n) DO UPDATE SET times = got.times + 1",
};
static const struct yc_migration c_schema[] = {
	{ 1, "001_init", "CREATE TABLE got (n BIGINT PRIMARY KEY, times BIGINT NOT NULL, seq BIGINT NOT NULL, inc TEXT NOT NULL);\n" }, { 0 },
};
static struct { int refuse_unavailable, refuse_invalid, handled; int64_t last; } self;

static enum yc_code on_tick(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	const Pb__EventsReq *in = msg;

	if (self.refuse_unavailable) {
		self.refuse_unavailable--;
		return yc_fail(e, YC_UNAVAILABLE, NULL, "not now");
	}
	if (self.refuse_invalid && in->after == self.refuse_invalid)
		return yc_fail(e, YC_INVALID, "after", "cannot be understood");
	CU_ASSERT(in->after > self.last);
	self.last = in->after;
	self.handled++;
	return yc_db_run(yc_node_db(n), yc_node_q(n, C_GOT), NULL, e, "iit", in->after, ev->seq, ev->incarnation);
}

static const struct yc_sub c_subs[] = { { "prod", "tick", &pb__events_req__descriptor, on_tick }, { 0 } };
static const struct yc_service consumer = { .name = "cons", .schema = c_schema, .queries = c_sql, .n_queries = C_COUNT, .subs = c_subs };

/* --- nodes and what stands in their stores ---------------------------------------------------------------------------------------- */

static int64_t instance = 1;

static struct yc_node *open_as(const struct yc_service *s)
{
	char db[300];
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .db = db, .site = "t", .home = (char *)yct_dir(), .instance = instance };
	struct yc_node *n = NULL;

	/* On SQLite each service has its own file. */
	snprintf(db, sizeof db, "%s%s%s", store_url, strncmp(store_url, "sqlite", 6) ? "" : ".", strncmp(store_url, "sqlite", 6) ? "" : s->name);
	YCT_OK(yc_node_open(&n, &c, s, NULL, yct_err()));
	return n;
}

static int64_t number(const char *schema, const char *sql)
{
	char url[300];
	struct yc_db *db = NULL;
	struct yc_stmt *st;
	int64_t v = -1;
	int q;

	snprintf(url, sizeof url, "%s%s%s", store_url, strncmp(store_url, "sqlite", 6) ? "" : ".", strncmp(store_url, "sqlite", 6) ? "" : schema);
	if (!yc_db_open(&db, url, schema, yct_err()) && !yc_db_prepare(db, &sql, 1, &q, yct_err())) {
		st = yc_db_query(db, q, yct_err(), "");
		if (st && yc_db_step(st, yct_err()) > 0)
			v = yc_col_int(st, 0);
		yc_db_reset(st);
	}
	yc_db_close(&db);
	return v;
}

static void change(const char *schema, const char *sql)
{
	char url[300];
	struct yc_db *db = NULL;

	snprintf(url, sizeof url, "%s%s%s", store_url, strncmp(store_url, "sqlite", 6) ? "" : ".", strncmp(store_url, "sqlite", 6) ? "" : schema);
	YCT_OK(yc_db_open(&db, url, schema, yct_err()));
	YCT_OK(yc_db_exec(db, sql, yct_err()));
	yc_db_close(&db);
}

static void turn(struct yc_node *a, struct yc_node *b)
{
	if (a)
		yc_loop_once(yc_node_loop(a), b ? 3 : 10);
	if (b)
		yc_loop_once(yc_node_loop(b), a ? 3 : 10);
}

static void until_handled(struct yc_node *p, struct yc_node *c, int n)
{
	for (int64_t until = yc_mono() + 10000; self.handled < n && yc_mono() < until;)
		turn(p, c);
	CU_ASSERT_EQUAL(self.handled, n);
	for (int64_t until = yc_mono() + 120; yc_mono() < until;)       /* their common commit */
		turn(p, c);
}

static void fresh(const char *url)
{
	memset(&self, 0, sizeof self);
	store_url = url;
}

/* --- in one process --------------------------------------------------------------------------------------------------------------- */

static void late_subscriber_of(const char *url)
{
	struct yc_node *p, *c;

	fresh(url);
	p = open_as(&producer);
	emit(p, "tick", 700);                    /* more than one gap request brings */
	turn(p, NULL);
	c = open_as(&consumer);
	until_handled(p, c, 700);
	emit(p, "tick", 5);
	until_handled(p, c, 705);
	yc_node_close(&c);
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got"), 705);
	CU_ASSERT_EQUAL(number("cons", "SELECT MAX(times) FROM got"), 1);
	CU_ASSERT_EQUAL(number("cons", "SELECT seq FROM yc_cursor"), 705);
}

static void a_late_subscriber_gets_everything_from_the_first_event(void)
{
	yct_on_both_stores(late_subscriber_of);
}

static void closing_of(const char *url)
{
	struct yc_node *p, *c;

	fresh(url);
	p = open_as(&producer);
	for (int round = 1; round <= 3; round++) {
		c = open_as(&consumer);
		emit(p, "tick", 5);
		for (int64_t until = yc_mono() + 10000; self.handled < 5 * round && yc_mono() < until;)
			turn(p, c);
		CU_ASSERT_EQUAL(self.handled, 5 * round);
		yc_node_close(&c);               /* at once: their commit is still to come */
	}
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got"), 15);
	CU_ASSERT_EQUAL(number("cons", "SELECT MAX(times) FROM got"), 1);
	CU_ASSERT_EQUAL(number("cons", "SELECT seq FROM yc_cursor"), 15);
}

static void closing_keeps_effects_and_cursor_together(void)
{
	yct_on_both_stores(closing_of);
}

static void again_later_of(const char *url)
{
	struct yc_node *p, *c;

	fresh(url);
	p = open_as(&producer);
	c = open_as(&consumer);
	self.refuse_unavailable = 2;
	emit(p, "tick", 10);
	until_handled(p, c, 10);                 /* on_tick checks the order */
	CU_ASSERT_EQUAL(self.refuse_unavailable, 0);
	yc_node_close(&c);
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got"), 10);
}

static void a_handler_that_says_again_later_stops_the_stream_and_loses_nothing(void)
{
	yct_on_both_stores(again_later_of);
}

static void poison_of(const char *url)
{
	struct yc_node *p, *c;

	fresh(url);
	p = open_as(&producer);
	c = open_as(&consumer);
	self.refuse_invalid = 4;
	emit(p, "tick", 10);
	until_handled(p, c, 9);
	yc_node_close(&c);
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got WHERE n = 4"), 0);
	CU_ASSERT_EQUAL(number("cons", "SELECT seq FROM yc_cursor"), 10);
}

static void an_event_nobody_can_handle_is_skipped(void)
{
	yct_on_both_stores(poison_of);
}

static int cursor_is_5(void *arg)
{
	return number("cons", "SELECT COALESCE(MAX(seq), 0) FROM yc_cursor") == 5;
}

static void types_nobody_handles_only_move_the_cursor(void)
{
	struct yc_node *p, *c;
	int64_t until = yc_mono() + 8000;

	fresh(empty_store());
	p = open_as(&producer);
	c = open_as(&consumer);
	emit(p, "other", 5);
	while (!cursor_is_5(NULL) && yc_mono() < until)
		turn(p, c);
	CU_ASSERT(cursor_is_5(NULL));
	CU_ASSERT_EQUAL(self.handled, 0);
	yc_node_close(&c);
	yc_node_close(&p);
}

static enum yc_code emit_and_fail(struct yc_node *n, void *arg, struct yc_err *e)
{
	enum yc_code code = step(n, "tick", e);

	return code ? code : yc_fail(e, YC_CONFLICT, NULL, "changed my mind");
}

static void undone_of(const char *url)
{
	struct yc_node *p, *c;

	fresh(url);
	p = open_as(&producer);
	c = open_as(&consumer);
	emit(p, "tick", 1);
	CU_ASSERT_EQUAL(yc_node_do(p, emit_and_fail, NULL, yct_err()), YC_CONFLICT);
	emit(p, "tick", 1);
	until_handled(p, c, 2);
	yc_node_close(&c);
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("prod", "SELECT MAX(seq) FROM yc_outbox"), 2);
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got"), 2);
}

static void an_undone_unit_emits_nothing_and_leaves_no_gap(void)
{
	yct_on_both_stores(undone_of);
}

/* A restored store: what was emitted after the backup is gone, and the numbers would be used again. */
static void restore_of(const char *url)
{
	struct yc_node *p, *c;

	fresh(url);
	p = open_as(&producer);
	c = open_as(&consumer);
	emit(p, "tick", 3);
	until_handled(p, c, 3);
	yc_node_close(&c);
	emit(p, "tick", 2);                      /* the consumer is behind by these two */
	turn(p, NULL);
	yc_node_close(&p);
	change("prod", "DELETE FROM yc_meta WHERE k = 'incarnation'");
	p = open_as(&producer);
	emit(p, "tick", 4);
	turn(p, NULL);
	c = open_as(&consumer);
	until_handled(p, c, 9);
	emit(p, "tick", 1);
	until_handled(p, c, 10);
	yc_node_close(&c);
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got"), 10);
	CU_ASSERT_EQUAL(number("cons", "SELECT MAX(times) FROM got"), 1);
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(DISTINCT inc) FROM got"), 2);
	CU_ASSERT_EQUAL(number("cons", "SELECT seq FROM yc_cursor"), 5);
}

static void a_restored_producer_counts_anew_and_the_old_events_come_first(void)
{
	yct_on_both_stores(restore_of);
}

static void pruned_of(const char *url)
{
	struct yc_node *p, *c;

	fresh(url);
	p = open_as(&producer);
	emit(p, "tick", 6);
	turn(p, NULL);
	yc_node_close(&p);
	change("prod", "DELETE FROM yc_outbox WHERE seq < 4");
	p = open_as(&producer);
	c = open_as(&consumer);
	until_handled(p, c, 3);
	yc_node_close(&c);
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("cons", "SELECT MIN(n) FROM got"), 4);
}

static void who_comes_after_the_retention_goes_on_with_what_is_kept(void)
{
	yct_on_both_stores(pruned_of);
}

static int is_empty_but_head(void *arg)
{
	return number("prod", "SELECT COUNT(*) FROM yc_outbox") == 1;
}

static void old_events_are_removed_but_the_number_goes_on(void)
{
	struct yc_node *p;
	int64_t until = yc_mono() + 20000;

	fresh(empty_store());
	p = open_as(&producer);
	emit(p, "tick", 6);
	turn(p, NULL);
	change("prod", "UPDATE yc_outbox SET at = 1");
	while (!is_empty_but_head(NULL) && yc_mono() < until)
		turn(p, NULL);
	CU_ASSERT(is_empty_but_head(NULL));
	yc_node_close(&p);
	p = open_as(&producer);
	emit(p, "tick", 1);
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("prod", "SELECT MAX(seq) FROM yc_outbox"), 7);
}

/* --- asynchronous events ------------------------------------------------------------------------------------------------------------ */

static void async_of(const char *url)
{
	struct yc_node *p, *c;

	fresh(url);
	p = open_as(&async_producer);
	c = open_as(&consumer);
	emit(p, "tick", 3000);
	CU_ASSERT(yc_node_events_behind(p) > 0);
	until_handled(p, c, 3000);
	CU_ASSERT_EQUAL(yc_node_events_behind(p), 0);
	emit(p, "tick", 50);                     /* closing commits what waits */
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("prod", "SELECT COUNT(*) FROM yc_outbox"), 3050);
	p = open_as(&async_producer);
	until_handled(p, c, 3050);
	yc_node_close(&c);
	yc_node_close(&p);
	CU_ASSERT_EQUAL(number("cons", "SELECT MAX(times) FROM got"), 1);
}

static void asynchronous_events_arrive_all_and_in_order(void)
{
	yct_on_both_stores(async_of);
}

/* --- kill -9 ------------------------------------------------------------------------------------------------------------------------ */

enum { PER_TICK = 10, KILLS = 8, PER_KILL = 750 };     /* YCT_KILLS asks for more */
static int stop_at;                              /* the producer emits up to this number */

static void on_timer(void *arg)
{
	struct yc_node *n = arg;
	struct steps s = { PER_TICK, "tick" };
	static int64_t done = -1;

	if (done < 0)
		done = number("prod", "SELECT COALESCE(MAX(n), 0) FROM counter");
	if (done >= stop_at)
		return;
	if (yc_node_do(n, steps, &s, yct_err()) == YC_OK)
		done += PER_TICK;
}

static int child(const struct yc_service *s)
{
	int parent = getpid(), pid = fork();
	struct yc_node *n;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	self.last = -1;
	n = open_as(s);
	if (s != &consumer)
		yc_timer_start(yc_node_loop(n), 5, 5, on_timer, n);
	yc_node_run(n);
	_exit(0);
}

static int has_all(void *arg)
{
	int64_t made = number("prod", "SELECT COUNT(*) FROM yc_outbox");

	return made >= stop_at && number("cons", "SELECT COUNT(*) FROM got") == made;
}

/* Kills come by progress, not by time: after some more events have arrived. */
static int64_t next_kill;

static int has_come_on(void *arg)
{
	return number("cons", "SELECT COUNT(*) FROM got") >= next_kill;
}

static void killing_of(const char *url)
{
	const struct yc_service *who[2] = { &producer, &consumer };
	int pid[2], kills = getenv("YCT_KILLS") ? (int)strtol(getenv("YCT_KILLS"), NULL, 10) : KILLS;
	unsigned seed = (unsigned)getpid();

	fresh(url);
	stop_at = kills * PER_KILL;
	yc_node_close(&(struct yc_node *){ open_as(&producer) });       /* the stores exist before anybody looks into them */
	yc_node_close(&(struct yc_node *){ open_as(&consumer) });
	for (int i = 0; i < 2; i++)
		pid[i] = child(who[i]);
	for (int k = 0; k < kills; k++) {
		int i = (int)((unsigned)k % 2);

		next_kill = number("cons", "SELECT COUNT(*) FROM got") + 50 + rand_r(&seed) % 500;
		(void)yct_until(3000, has_come_on, NULL);
		yct_kill(pid[i], SIGKILL);
		if (k % 8 == 3)
			yct_bus_kill();
		if (k % 8 == 3)
			yct_bus_start();
		pid[i] = child(who[i]);
	}
	CU_ASSERT(yct_until(60000, has_all, NULL));
	for (int i = 0; i < 2; i++)
		yct_kill(pid[i], SIGKILL);
	CU_ASSERT_EQUAL(number("prod", "SELECT n FROM counter"), number("prod", "SELECT COUNT(*) FROM yc_outbox"));
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got"), number("prod", "SELECT COUNT(*) FROM yc_outbox"));
	CU_ASSERT_EQUAL(number("cons", "SELECT MAX(n) FROM got"), number("prod", "SELECT n FROM counter"));
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got WHERE n <> seq"), 0);
	CU_ASSERT_EQUAL(number("cons", "SELECT MAX(times) FROM got"), 1);
}

static void killing_producer_consumer_and_broker_loses_and_doubles_nothing(void)
{
	yct_on_both_stores(killing_of);
}

/* Two instances of a consumer on one store: the cursor's guard lets one of them count. */
static void two_consumers_on_one_store_apply_each_event_once(void)
{
	char *url = yct_fresh_db("pg");
	int pid[3];

	fresh(url);
	stop_at = 1000;
	yc_node_close(&(struct yc_node *){ open_as(&producer) });
	yc_node_close(&(struct yc_node *){ open_as(&consumer) });
	pid[0] = child(&producer);
	pid[1] = child(&consumer);
	instance = 2;
	pid[2] = child(&consumer);
	instance = 1;
	CU_ASSERT(yct_until(60000, has_all, NULL));
	for (int i = 0; i < 3; i++)
		yct_kill(pid[i], SIGKILL);
	CU_ASSERT_EQUAL(number("cons", "SELECT COUNT(*) FROM got"), 1000);
	CU_ASSERT_EQUAL(number("cons", "SELECT MAX(times) FROM got"), 1);
	free(url);
}

YCT_MAIN("outbox",
	T(a_late_subscriber_gets_everything_from_the_first_event),
	T(closing_keeps_effects_and_cursor_together),
	T(a_handler_that_says_again_later_stops_the_stream_and_loses_nothing),
	T(an_event_nobody_can_handle_is_skipped),
	T(types_nobody_handles_only_move_the_cursor),
	T(an_undone_unit_emits_nothing_and_leaves_no_gap),
	T(a_restored_producer_counts_anew_and_the_old_events_come_first),
	T(who_comes_after_the_retention_goes_on_with_what_is_kept),
	T(old_events_are_removed_but_the_number_goes_on),
	T(asynchronous_events_arrive_all_and_in_order),
	T(killing_producer_consumer_and_broker_loses_and_doubles_nothing),
	T(two_consumers_on_one_store_apply_each_event_once))
