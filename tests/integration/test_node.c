/* A node: one small service on both stores behind a real broker. The service and its client share one thread and one loop. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/id.h"
#include "yc/node.h"
#include "yc/text.h"
#include "yct.h"

#define CHECK CU_ASSERT_FATAL

/* --- the service --------------------------------------------------------------------------------------------------------------- */

enum { Q_ADD, Q_GET, Q_CHILD, Q_COUNT };
static const char *const queries[Q_COUNT] = {
	[Q_ADD] = "INSERT INTO item (id, n) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = item.n + excluded.n RETURNING n",
	[Q_GET] = "SELECT n FROM item WHERE id = $1",
	[Q_CHILD] = "INSERT INTO child (id, item) VALUES ($1, $2)",
};
static const struct yc_migration schema[] = {
	{ 1, "001_init", "CREATE TABLE item (id TEXT PRIMARY KEY, n BIGINT NOT NULL);\n"
			 "CREATE TABLE child (id TEXT PRIMARY KEY, item TEXT NOT NULL REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED);\n" },
	{ 0 },
};

/* EventsReq and EventsReply serve as (id, number) -> (number): a descriptor by hand spares a proto file for the tests. */
#define M(n) { n, &pb__events_req__descriptor, &pb__events_reply__descriptor }
static const ProtobufCMethodDescriptor methods[] = { M("Add"), M("Bad"), M("Fail"), M("Get"), M("Hold"), M("HoldAdd"), M("Secret"), M("Unheld") };
static const unsigned by_name[] = { 0, 1, 2, 3, 4, 5, 6, 7 };
static const ProtobufCServiceDescriptor api = {
	PROTOBUF_C__SERVICE_DESCRIPTOR_MAGIC, "yc.test.Tst", "Tst", "Tst", "yc.test", 8, methods, by_name,
};

static struct { int adds, lost; uint64_t held; char who[64]; uint32_t roles; } self;

static enum yc_code add(struct yc_node *n, const char *id, int64_t by, int64_t *sum, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, Q_ADD), e, "ti", id, by);
	int rc = st ? yc_db_step(st, e) : -1;

	if (rc > 0)
		*sum = yc_col_int(st, 0);
	yc_db_reset(st);
	return rc > 0 ? YC_OK : e->code;
}

static enum yc_code on_add(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__EventsReq *in = vin;
	Pb__EventsReply *out = vout;
	enum yc_code code = add(yc_req_node(rq), in->incarnation, in->after, &out->head, e);

	self.adds++;
	yc_copy(self.who, sizeof self.who, yc_req_who(rq)->person_id);
	self.roles = yc_req_who(rq)->roles;
	return code ? code : yc_emit(yc_req_node(rq), "item.added", "", in->incarnation, in, e);
}

/* Its statement is good, its transaction is not: the missing parent shows at the commit. */
static enum yc_code on_bad(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__EventsReq *in = vin;
	struct yc_node *n = yc_req_node(rq);

	return yc_db_run(yc_node_db(n), yc_node_q(n, Q_CHILD), NULL, e, "tt", in->incarnation, "no such item");
}

static enum yc_code on_fail(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	enum yc_code code = on_add(rq, vin, vout, e);

	return code ? code : yc_fail(e, YC_CONFLICT, "incarnation", "not today");
}

static enum yc_code on_get(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__EventsReq *in = vin;
	Pb__EventsReply *out = vout;
	struct yc_node *n = yc_req_node(rq);
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, Q_GET), e, "t", in->incarnation);
	int rc = st ? yc_db_step(st, e) : -1;

	if (rc > 0)
		out->head = yc_col_int(st, 0);
	yc_db_reset(st);
	return rc > 0 ? YC_OK : rc ? e->code : yc_fail(e, YC_NOT_FOUND, "incarnation", "no such item");
}

static enum yc_code on_hold(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	yc_req_hold(rq);
	self.held = yc_req_ref(rq);
	return YC_PENDING;
}

static void added_later(void *arg, enum yc_code code, const void *msg, const struct yc_err *why)
{
	uint64_t ref = (uint64_t)(uintptr_t)arg;
	struct yc_node *n = self.held ? (struct yc_node *)self.held : NULL;
	struct yc_req *rq = n ? yc_req_find(n, ref) : NULL;
	Pb__EventsReply *out = rq ? yc_req_out(rq) : NULL;
	struct yc_err e = { 0 };

	if (rq)
		yc_req_finish(rq, add(n, "later", 1, &out->head, &e), &e);
}

/* Asks itself something first and writes when the answer has come. */
static enum yc_code on_hold_add(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct yc_node *n = yc_req_node(rq);
	Pb__Empty in = PB__EMPTY__INIT;

	self.adds++;
	self.held = (uint64_t)(uintptr_t)n;
	yc_req_hold(rq);
	yc_node_call(n, &(struct yc_call){ .service = "bus", .api = &pb__node__descriptor, .method = "Health", .in = &in, .fn = added_later,
			.arg = (void *)(uintptr_t)yc_req_ref(rq) });
	return YC_PENDING;
}

static enum yc_code on_unheld(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	return YC_PENDING;
}

static const struct yc_rpc rpcs[] = {
	{ "Add", on_add, YC_ROLE(AGENT), YC_RPC_WRITE, 1000 },
	{ "Bad", on_bad, YC_ROLE(AGENT), YC_RPC_WRITE, 1000 },
	{ "Fail", on_fail, YC_ROLE(AGENT), YC_RPC_WRITE, 1000 },
	{ "Get", on_get, YC_ANYBODY, YC_RPC_READ, 1000 },
	{ "Hold", on_hold, YC_ROLE(AGENT), YC_RPC_DO, 1000 },
	{ "HoldAdd", on_hold_add, YC_ROLE(AGENT), YC_RPC_WRITE, 1000 },
	{ "Secret", on_get, YC_ROLE(ADMIN), YC_RPC_READ, 1000 },
	{ "Unheld", on_unheld, YC_ROLE(AGENT), YC_RPC_DO, 1000 },
	{ 0 },
};

static void on_lost(struct yc_node *n, void *arg)
{
	self.lost++;
}

/* Business data for the import: BlobReadReply as (id, size). */
static enum yc_code apply(struct yc_req *rq, void *msg, int dry_run, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	const Pb__BlobReadReply *in = msg;
	int64_t sum;

	yc_copy(key, 128, in->id);
	if (in->size <= 0)
		return yc_fail(e, YC_INVALID, "size", "a size is positive");
	*action = PB__IMPORT_ACTION__IMPORT_ACTION_CREATE;
	return dry_run ? YC_OK : add(yc_req_node(rq), in->id, in->size, &sum, e);
}
static const struct yc_import_kind imports[] = { { "thing", &pb__blob_read_reply__descriptor, apply }, { 0 } };

static const struct yc_service tst = {
	.name = "tst", .api = &api, .rpcs = rpcs, .imports = imports, .schema = schema, .queries = queries, .n_queries = Q_COUNT, .lost = on_lost,
};

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

/* --- a node and a client --------------------------------------------------------------------------------------------------------- */

static struct yc_node *node;
static struct yc_bus *client;

static void open_node(const char *url)
{
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .db = (char *)url, .site = "t", .home = (char *)yct_dir() };

	YCT_OK(yc_node_open(&node, &c, &tst, NULL, yct_err()));
	/* A mere client on ipc may name a principal. */
	YCT_OK(yc_bus_open(&client, yc_node_loop(node), &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, NULL, NULL, yct_err()));
	for (int i = 0; i < 500 && !(yc_bus_is_up(client) && yc_bus_is_up(yc_node_bus(node))); i++)
		yc_loop_once(yc_node_loop(node), 10);
	memset(&self, 0, sizeof self);
}

static void close_node(void)
{
	yc_bus_close(&client);
	yc_node_close(&node);
}

static void busy(int64_t ms)
{
	for (int64_t until = yc_mono() + ms; yc_mono() < until;)
		;
}

struct asked { enum yc_code code; struct yc_err err; int64_t head; int done, errors; char text[512]; };

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;

	a->done++;
	a->code = code;
	a->err = e ? *e : (struct yc_err){ 0 };
	a->head = msg ? ((const Pb__EventsReply *)msg)->head : 0;
}

struct how { uint32_t roles; const char *request_id; int64_t timeout_ms; const char *person; };

static void ask_as(struct asked *a, const char *method, const char *id, int64_t by, struct how how)
{
	Pb__EventsReq in = PB__EVENTS_REQ__INIT;
	Pb__Principal who = PB__PRINCIPAL__INIT;

	who.person_id = (char *)(how.person ? how.person : "prs_1");
	who.roles = how.roles;
	in.incarnation = (char *)id;
	in.after = by;
	*a = (struct asked){ 0 };
	yc_bus_call(client, &(struct yc_call){ .service = "tst", .api = &api, .method = method, .in = &in, .request_id = how.request_id, .as = &who,
			.timeout_ms = how.timeout_ms ? how.timeout_ms : 3000, .fn = on_reply, .arg = a });
}

static void wait_for(struct asked *a)
{
	for (int64_t until = yc_mono() + 5000; !a->done && yc_mono() < until;)
		yc_loop_once(yc_node_loop(node), 10);
	CHECK(a->done == 1);
}

static struct asked ask(const char *method, const char *id, int64_t by, struct how how)
{
	struct asked a;

	ask_as(&a, method, id, by, how);
	wait_for(&a);
	return a;
}

#define AGENT (struct how){ .roles = YC_ROLE(AGENT) }

/* --- checks before the handler --------------------------------------------------------------------------------------------------- */

static void who_may_not_is_told_so(void)
{
	struct asked a;

	open_node(empty_store());
	a = ask("Add", "a", 1, (struct how){ .roles = YC_ROLE(CUSTOMER) });
	CU_ASSERT_EQUAL(a.code, YC_FORBIDDEN);
	a = ask("Add", "a", 1, (struct how){ 0 });
	CU_ASSERT_EQUAL(a.code, YC_UNAUTHENTICATED);
	a = ask("Get", "a", 0, (struct how){ 0 });
	CU_ASSERT_EQUAL(a.code, YC_NOT_FOUND);
	a = ask("Secret", "a", 0, AGENT);
	CU_ASSERT_EQUAL(a.code, YC_FORBIDDEN);
	a = ask("Secret", "a", 0, (struct how){ .roles = YC_ROLE(SERVICE) });
	CU_ASSERT_EQUAL(a.code, YC_NOT_FOUND);
	CU_ASSERT_EQUAL(self.adds, 0);
	close_node();
}

static void a_request_past_its_deadline_is_not_run(void)
{
	struct asked a;

	open_node(empty_store());
	ask_as(&a, "Add", "a", 1, (struct how){ .roles = YC_ROLE(AGENT), .timeout_ms = 150 });
	for (int64_t until = yc_mono() + 5000; !a.done && yc_mono() < until;) {
		busy(200);                       /* the service has something else to do until it is too late */
		yc_loop_once(yc_node_loop(node), 10);
	}
	CU_ASSERT_EQUAL(a.code, YC_DEADLINE);
	for (int i = 0; i < 20; i++)
		yc_loop_once(yc_node_loop(node), 5);
	CU_ASSERT_EQUAL(self.adds, 0);
	close_node();
}

static void a_method_nobody_knows_is_unimplemented(void)
{
	static const ProtobufCMethodDescriptor m[] = { M("Nonsense") };
	static const unsigned idx[] = { 0 };
	static const ProtobufCServiceDescriptor other = { PROTOBUF_C__SERVICE_DESCRIPTOR_MAGIC, "yc.test.O", "O", "O", "yc.test", 1, m, idx };
	Pb__EventsReq in = PB__EVENTS_REQ__INIT;
	struct asked a = { 0 };

	open_node(empty_store());
	yc_bus_call(client, &(struct yc_call){ .service = "tst", .api = &other, .method = "Nonsense", .in = &in, .fn = on_reply, .arg = &a });
	wait_for(&a);
	CU_ASSERT_EQUAL(a.code, YC_UNIMPLEMENTED);
	YCT_STR(a.err.field, "method");
	close_node();
}

static void text_that_is_not_utf8_is_refused_by_its_field(void)
{
	struct asked a;

	open_node(empty_store());
	a = ask("Add", "\xff\xfe", 1, AGENT);
	CU_ASSERT_EQUAL(a.code, YC_INVALID);
	YCT_STR(a.err.field, "incarnation");
	CU_ASSERT_EQUAL(self.adds, 0);
	close_node();
}

static void bytes_that_are_no_message_are_malformed(void)
{
	/* The same method name with another request type: field 2 comes as bytes where a number belongs. */
	static const ProtobufCMethodDescriptor m[] = { { "Get", &pb__blob_read_reply__descriptor, &pb__events_reply__descriptor } };
	static const unsigned idx[] = { 0 };
	static const ProtobufCServiceDescriptor other = { PROTOBUF_C__SERVICE_DESCRIPTOR_MAGIC, "yc.test.O", "O", "O", "yc.test", 1, m, idx };
	Pb__BlobReadReply in = PB__BLOB_READ_REPLY__INIT;
	struct asked a = { 0 };

	open_node(empty_store());
	in.media_type = "text";
	in.id = "x";
	yc_bus_call(client, &(struct yc_call){ .service = "tst", .api = &other, .method = "Get", .in = &in, .fn = on_reply, .arg = &a });
	wait_for(&a);
	CU_ASSERT_EQUAL(a.code, YC_MALFORMED);
	YCT_STR(a.err.field, "payload");
	close_node();
}

static void pending_without_holding_is_an_error_not_a_leak(void)
{
	open_node(empty_store());
	CU_ASSERT_EQUAL(ask("Unheld", "", 0, AGENT).code, YC_INTERNAL);
	close_node();
}

static void a_table_that_misses_a_method_does_not_start(void)
{
	static const struct yc_rpc short_table[] = { { "Get", on_get, YC_ANYBODY, YC_RPC_READ, 1000 }, { 0 } };
	struct yc_service s = tst;
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .db = empty_store(), .site = "t", .home = (char *)yct_dir() };
	struct yc_node *n = NULL;
	struct yc_err e = { 0 };

	s.rpcs = short_table;
	CU_ASSERT_EQUAL(yc_node_open(&n, &c, &s, NULL, &e), YC_INTERNAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "Add"));
	CU_ASSERT_PTR_NULL(n);
}

static enum yc_code take(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	return YC_OK;
}

static void who_has_no_store_cannot_subscribe(void)
{
	static const struct yc_sub subs[] = { { "other", "*", NULL, take }, { 0 } };
	struct yc_service s = { .name = "tst", .subs = subs };
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .site = "t", .home = (char *)yct_dir() };
	struct yc_node *n = NULL;
	struct yc_err e = { 0 };

	CU_ASSERT_EQUAL(yc_node_open(&n, &c, &s, NULL, &e), YC_INTERNAL);
	YCT_STR(e.field, "subs");
}

/* --- writes, on both stores ------------------------------------------------------------------------------------------------------ */

static void replay_of(const char *url)
{
	struct how how = { .roles = YC_ROLE(AGENT), .request_id = "req-1" };
	struct asked a;

	open_node(url);
	CU_ASSERT_EQUAL(ask("Add", "a", 5, how).head, 5);
	a = ask("Add", "a", 5, how);
	CU_ASSERT_EQUAL(a.code, YC_OK);
	CU_ASSERT_EQUAL(a.head, 5);
	CU_ASSERT_EQUAL(self.adds, 1);
	close_node();
	open_node(url);                          /* it is remembered over a restart */
	CU_ASSERT_EQUAL(ask("Add", "a", 5, how).head, 5);
	CU_ASSERT_EQUAL(self.adds, 0);
	a = ask("Add", "a", 6, how);
	CU_ASSERT_EQUAL(a.code, YC_CONFLICT);
	YCT_STR(a.err.field, "request_id");
	how.person = "prs_2";
	CU_ASSERT_EQUAL(ask("Add", "a", 5, how).code, YC_CONFLICT);
	CU_ASSERT_EQUAL(ask("Get", "a", 0, AGENT).head, 5);
	close_node();
}

static void the_same_request_id_has_its_effect_once(void)
{
	yct_on_both_stores(replay_of);
}

static void failing_of(const char *url)
{
	struct asked a;

	open_node(url);
	a = ask("Fail", "f", 1, AGENT);
	CU_ASSERT_EQUAL(a.code, YC_CONFLICT);
	YCT_STR(a.err.field, "incarnation");
	CU_ASSERT_EQUAL(ask("Get", "f", 0, AGENT).code, YC_NOT_FOUND);
	CU_ASSERT_EQUAL(yc_node_events_behind(node), 0);
	close_node();
}

static void a_handler_that_fails_leaves_nothing_behind(void)
{
	yct_on_both_stores(failing_of);
}

/* All of them reach the node in one turn: it does not look before they are there. */
static void in_one_turn(struct asked *a, int n)
{
	busy(100);
	for (int i = 0; i < n; i++)
		wait_for(&a[i]);
}

static struct asked events_after(int64_t after);

static void commit_fails_of(const char *url)
{
	struct asked a[4];

	open_node(url);
	ask_as(&a[0], "Add", "one", 1, AGENT);
	ask_as(&a[1], "Bad", "bad", 1, AGENT);
	ask_as(&a[2], "Add", "two", 1, AGENT);
	ask_as(&a[3], "Get", "two", 0, AGENT);
	in_one_turn(a, 4);
	CU_ASSERT_EQUAL(a[0].code, YC_OK);
	CU_ASSERT_NOT_EQUAL(a[1].code, YC_OK);
	CU_ASSERT_EQUAL(a[2].code, YC_OK);
	CU_ASSERT_EQUAL(a[3].code, YC_OK);
	CU_ASSERT_EQUAL(self.adds, 4);           /* both were run twice ... */
	CU_ASSERT_EQUAL(self.lost, 1);
	CU_ASSERT_EQUAL(ask("Get", "one", 0, AGENT).head, 1);   /* ... and count once */
	CU_ASSERT_EQUAL(ask("Get", "two", 0, AGENT).head, 1);
	CU_ASSERT_EQUAL(ask("Get", "bad", 0, AGENT).code, YC_NOT_FOUND);
	CU_ASSERT_EQUAL(events_after(0).head, 2);
	CU_ASSERT_EQUAL(events_after(0).errors, 2);
	close_node();
}

static void when_the_commit_fails_each_request_is_run_by_itself(void)
{
	yct_on_both_stores(commit_fails_of);
}

static void held_write_of(const char *url)
{
	struct how how = { .roles = YC_ROLE(AGENT), .request_id = "req-h" };
	struct asked a[2];

	open_node(url);
	ask_as(&a[0], "HoldAdd", "x", 0, how);
	ask_as(&a[1], "HoldAdd", "x", 0, how);   /* a retry joins the one in hand */
	in_one_turn(a, 2);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(a[i].code, YC_OK);
		CU_ASSERT_EQUAL(a[i].head, 1);
	}
	CU_ASSERT_EQUAL(self.adds, 1);
	CU_ASSERT_EQUAL(ask("HoldAdd", "x", 0, how).head, 1);
	CU_ASSERT_EQUAL(self.adds, 1);
	CU_ASSERT_EQUAL(ask("Get", "later", 0, AGENT).head, 1);
	close_node();
}

static void a_held_write_is_done_once_and_its_retries_get_its_answer(void)
{
	yct_on_both_stores(held_write_of);
}

static void a_held_request_ends_at_its_deadline(void)
{
	struct asked a;

	open_node(empty_store());
	ask_as(&a, "Hold", "", 0, (struct how){ .roles = YC_ROLE(AGENT), .timeout_ms = 300 });
	for (int i = 0; i < 100 && !self.held; i++)
		yc_loop_once(yc_node_loop(node), 10);
	CU_ASSERT_PTR_NOT_NULL(yc_req_find(node, self.held));
	wait_for(&a);
	CU_ASSERT_EQUAL(a.code, YC_DEADLINE);
	for (int i = 0; i < 50 && yc_req_find(node, self.held); i++)
		yc_loop_once(yc_node_loop(node), 10);
	CU_ASSERT_PTR_NULL(yc_req_find(node, self.held));
	close_node();
}

static void a_node_that_closes_answers_what_it_holds(void)
{
	struct yc_bus *outside = NULL;
	struct yc_loop *l = yc_loop_new();
	Pb__EventsReq in = PB__EVENTS_REQ__INIT;
	struct asked a = { 0 };

	open_node(empty_store());
	YCT_OK(yc_bus_open(&outside, l, &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, NULL, NULL, yct_err()));
	yc_bus_call(outside, &(struct yc_call){ .service = "tst", .api = &api, .method = "Hold", .in = &in, .timeout_ms = 20000, .fn = on_reply, .arg = &a });
	for (int i = 0; i < 500 && !self.held; i++) {
		yc_loop_once(yc_node_loop(node), 5);
		yc_loop_once(l, 5);
	}
	close_node();
	for (int i = 0; i < 500 && !a.done; i++)
		yc_loop_once(l, 10);
	CU_ASSERT_EQUAL(a.code, YC_UNAVAILABLE);
	yc_bus_close(&outside);
	yc_loop_free(&l);
}

/* --- what every service answers -------------------------------------------------------------------------------------------------- */

static void on_events(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;
	const Pb__EventsReply *r = msg;

	a->done++;
	a->code = code;
	a->head = r ? r->head : 0;
	a->errors = r ? (int)r->n_events : 0;    /* how many came */
	for (size_t i = 0; r && i < r->n_events; i++)
		CU_ASSERT_EQUAL(r->events[i]->seq, r->events[0]->seq + (int64_t)i);
}

static struct asked events_after(int64_t after)
{
	Pb__EventsReq in = PB__EVENTS_REQ__INIT;
	struct asked a = { 0 };

	in.after = after;
	yc_bus_call(client, &(struct yc_call){ .service = "tst@t.tst.1", .api = &pb__node__descriptor, .method = "Events", .in = &in, .fn = on_events, .arg = &a });
	wait_for(&a);
	return a;
}

static void on_health(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;
	const Pb__HealthReply *r = msg;

	a->done++;
	a->code = code;
	if (r)
		snprintf(a->text, sizeof a->text, "%s %s %d", r->instance, r->service, r->ready);
}

static void on_metrics(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;
	const Pb__MetricsReply *r = msg;
	const char *at = r ? strstr(r->text, "method=\"Add\"") : NULL;

	a->done++;
	a->code = code;
	yc_copy(a->text, sizeof a->text, at ? at : "");
}

static struct asked builtin(const char *method, const void *in, yc_reply_fn *fn, uint32_t roles)
{
	Pb__Principal who = PB__PRINCIPAL__INIT;
	struct asked a = { 0 };

	who.roles = roles;
	yc_bus_call(client, &(struct yc_call){ .service = "tst", .api = &pb__node__descriptor, .method = method, .in = in, .as = &who, .fn = fn, .arg = &a });
	wait_for(&a);
	return a;
}

static void health_and_metrics_are_answered_by_every_service(void)
{
	Pb__Empty in = PB__EMPTY__INIT;
	struct asked a;

	open_node(empty_store());
	YCT_STR(builtin("Health", &in, on_health, 0).text, "t.tst.1 tst 1");
	CU_ASSERT_EQUAL(ask("Add", "m", 1, AGENT).code, YC_OK);
	a = builtin("Metrics", &in, on_metrics, YC_ROLE(ADMIN));
	CU_ASSERT_EQUAL(a.code, YC_OK);
	CU_ASSERT_NOT_EQUAL(a.text[0], 0);
	CU_ASSERT_EQUAL(builtin("Metrics", &in, on_metrics, YC_ROLE(AGENT)).code, YC_FORBIDDEN);
	close_node();
}

static void on_imported(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;
	const Pb__ImportReply *r = msg;

	a->done++;
	a->code = code;
	a->errors = r ? r->errors : -1;
	for (size_t i = 0; r && i < r->n_changes; i++)
		snprintf(a->text + strlen(a->text), sizeof a->text - strlen(a->text), "%d:%s:%d:%s ", r->changes[i]->item, r->changes[i]->key,
			 r->changes[i]->action, r->changes[i]->field);
}

static struct asked import(const char *const *json, int n, int dry_run)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem item[4], *items[4];

	for (int i = 0; i < n; i++) {
		pb__import_item__init(&item[i]);
		item[i].kind = "thing";
		item[i].json = (char *)json[i];
		items[i] = &item[i];
	}
	in.items = items;
	in.n_items = (size_t)n;
	in.dry_run = dry_run;
	return builtin("Import", &in, on_imported, YC_ROLE(ADMIN));
}

static void import_of(const char *url)
{
	static const char *const good[] = { "{\"id\":\"i1\",\"size\":3}", "{\"id\":\"i2\",\"size\":4}" };
	static const char *const mixed[] = { "{\"id\":\"i3\",\"size\":3}", "{\"id\":\"i4\",\"size\":-4}", "{\"id\":\"i5\",\"sise\":1}" };
	struct asked a;

	open_node(url);
	a = import(good, 2, 1);
	CU_ASSERT_EQUAL(a.errors, 0);
	CU_ASSERT_EQUAL(ask("Get", "i1", 0, AGENT).code, YC_NOT_FOUND);
	a = import(good, 2, 0);
	YCT_STR(a.text, "0:i1:1: 1:i2:1: ");
	CU_ASSERT_EQUAL(ask("Get", "i2", 0, AGENT).head, 4);
	a = import(mixed, 3, 0);
	CU_ASSERT_EQUAL(a.code, YC_OK);
	CU_ASSERT_EQUAL(a.errors, 2);
	YCT_STR(a.text, "0:i3:1: 1:i4:3:size 2::3:sise ");
	CU_ASSERT_EQUAL(ask("Get", "i3", 0, AGENT).code, YC_NOT_FOUND);
	close_node();
}

static void an_import_with_one_error_changes_nothing_and_tells_all_errors(void)
{
	yct_on_both_stores(import_of);
}

/* --- blobs, life ------------------------------------------------------------------------------------------------------------------ */

static struct yc_blobs *blobs;
static char blob_id[40];

static enum yc_code start_with_blob(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct yc_blob_meta meta = { .media_type = "text/plain", .matter_id = "mat_1" };
	char folder[200], path[512];
	enum yc_code code;
	FILE *f;

	yc_id_new("blb", meta.id);
	snprintf(folder, sizeof folder, "%s/blobs", yct_dir());
	code = yc_blobs_open(&blobs, yc_node_db(n), folder, e);
	if (code)
		return code;
	yc_blob_path_new(folder, meta.id, path);
	f = fopen(path, "w");
	fputs("hello blob", f);
	fclose(f);
	yc_node_blobs(n, blobs);
	code = yc_blob_add(blobs, path, &meta, e);
	yc_copy(blob_id, sizeof blob_id, meta.id);
	return code;
}

static void stop_with_blob(struct yc_node *n, void *arg)
{
	yc_blobs_close(&blobs);
}

static void on_blob(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;
	const Pb__BlobReadReply *r = msg;

	a->done++;
	a->code = code;
	if (r)
		snprintf(a->text, sizeof a->text, "%s %d %.*s", r->media_type, (int)r->size, (int)r->data.len, (const char *)r->data.data);
}

static void blobs_are_read_in_pieces_at_their_owner(void)
{
	struct yc_service s = tst;
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .db = empty_store(), .site = "t", .home = (char *)yct_dir() };
	Pb__BlobReadReq in = PB__BLOB_READ_REQ__INIT;

	s.start = start_with_blob;
	s.stop = stop_with_blob;
	YCT_OK(yc_node_open(&node, &c, &s, NULL, yct_err()));
	YCT_OK(yc_bus_open(&client, yc_node_loop(node), &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, NULL, NULL, yct_err()));
	for (int i = 0; i < 500 && !(yc_bus_is_up(client) && yc_bus_is_up(yc_node_bus(node))); i++)
		yc_loop_once(yc_node_loop(node), 10);
	in.id = blob_id;
	in.offset = 6;
	in.limit = 3;
	YCT_STR(builtin("BlobRead", &in, on_blob, YC_SERVICES).text, "text/plain 10 blo");
	CU_ASSERT_EQUAL(builtin("BlobRead", &in, on_blob, YC_ROLE(AGENT)).code, YC_FORBIDDEN);
	in.id = yc_id_new("blb", blob_id);
	CU_ASSERT_EQUAL(builtin("BlobRead", &in, on_blob, YC_SERVICES).code, YC_NOT_FOUND);
	close_node();
}

static int run_main(const char *last)
{
	char *argv[] = { "yc-tst", "--bus", (char *)yct_bus(), "--db", store, "--site", "t", "--home", (char *)yct_dir(), (char *)last, NULL };

	return yc_main(last ? 10 : 9, argv, &tst, NULL, NULL, NULL);
}

static int is_healthy(void *arg)
{
	return run_main("health") == 0;
}

static void a_service_answers_its_health_command_until_it_is_terminated(void)
{
	int parent = getpid(), pid, status = -1;

	(void)empty_store();
	CU_ASSERT_EQUAL(run_main("--check"), 0);
	CU_ASSERT_EQUAL(run_main("--nonsense"), 2);
	CU_ASSERT_EQUAL(run_main("health"), 1);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(9);
		_exit(run_main(NULL));
	}
	CU_ASSERT(yct_until(20000, is_healthy, NULL));
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	CU_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

YCT_MAIN("node",
	T(who_may_not_is_told_so),
	T(a_request_past_its_deadline_is_not_run),
	T(a_method_nobody_knows_is_unimplemented),
	T(text_that_is_not_utf8_is_refused_by_its_field),
	T(bytes_that_are_no_message_are_malformed),
	T(pending_without_holding_is_an_error_not_a_leak),
	T(a_table_that_misses_a_method_does_not_start),
	T(who_has_no_store_cannot_subscribe),
	T(the_same_request_id_has_its_effect_once),
	T(a_handler_that_fails_leaves_nothing_behind),
	T(when_the_commit_fails_each_request_is_run_by_itself),
	T(a_held_write_is_done_once_and_its_retries_get_its_answer),
	T(a_held_request_ends_at_its_deadline),
	T(a_node_that_closes_answers_what_it_holds),
	T(health_and_metrics_are_answered_by_every_service),
	T(an_import_with_one_error_changes_nothing_and_tells_all_errors),
	T(blobs_are_read_in_pieces_at_their_owner),
	T(a_service_answers_its_health_command_until_it_is_terminated))
