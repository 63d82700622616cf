/* The bus against those who mean no good or know no better: keys, users, names, bounds, garbage. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
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

/* --- a service and a question ---------------------------------------------------------------------------------------------------- */

struct served { struct yc_bus *bus; int seen; uint32_t roles; char who[64]; int hold; };

static void on_request(void *arg, const Pb__Header *h, const uint8_t *payload, size_t n)
{
	struct served *s = arg;

	s->seen++;
	s->roles = h->principal ? h->principal->roles : 0;
	yc_copy(s->who, sizeof s->who, h->principal ? h->principal->person_id : "");
	if (!s->hold)
		yc_bus_reply(s->bus, h->call, YC_OK, NULL, NULL, 0);
}

static struct yc_bus *open_with(const struct yc_bus_conf *c, struct served *s)
{
	struct yc_bus *b = NULL;

	YCT_OK(yc_bus_open(&b, loop, c, s ? on_request : NULL, NULL, s, yct_err()));
	return b;
}

static int is_up_within(struct yc_bus *b, int64_t ms)
{
	for (int64_t until = yc_mono() + ms; !yc_bus_is_up(b) && yc_mono() < until;)
		yc_loop_once(loop, 10);
	return yc_bus_is_up(b);
}

struct asked { enum yc_code code; char field[64]; int done; };

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;

	a->done++;
	a->code = code;
	yc_copy(a->field, sizeof a->field, e ? e->field : "");
}

static void ask(struct asked *a, struct yc_bus *b, const char *to, const Pb__Principal *as, int64_t timeout_ms)
{
	Pb__Empty in = PB__EMPTY__INIT;

	*a = (struct asked){ 0 };
	yc_bus_call(b, &(struct yc_call){ .service = to, .api = &pb__node__descriptor, .method = "Health", .in = &in, .as = as, .timeout_ms = timeout_ms,
			.fn = on_reply, .arg = a });
}

static struct asked ask_now(struct yc_bus *b, const char *to, const Pb__Principal *as)
{
	struct asked a;

	ask(&a, b, to, as, 3000);
	for (int64_t until = yc_mono() + 5000; !a.done && yc_mono() < until;)
		yc_loop_once(loop, 10);
	CHECK(a.done == 1);
	return a;
}

/* --- who speaks for whom ---------------------------------------------------------------------------------------------------------- */

static void said_by(const char *service, const char *instance, struct served *s, const Pb__Principal *as)
{
	struct yc_bus *b = open_with(&(struct yc_bus_conf){ .endpoint = yct_bus(), .service = service, .instance = instance }, NULL);

	CHECK(is_up_within(b, 5000));
	CU_ASSERT_EQUAL(ask_now(b, "edge", as).code, YC_OK);
	yc_bus_close(&b);
}

static void only_the_edges_may_speak_for_a_person(void)
{
	struct served s = { 0 };
	Pb__Principal admin = PB__PRINCIPAL__INIT;

	admin.person_id = "prs_boss";
	admin.roles = 1u << PB__ROLE__ROLE_ADMIN;
	s.bus = open_with(&(struct yc_bus_conf){ .endpoint = yct_bus(), .service = "edge", .instance = "t.edge.1" }, &s);
	CHECK(is_up_within(s.bus, 5000));
	said_by("report", "t.report.1", &s, &admin);
	YCT_STR(s.who, "t.report.1");
	CU_ASSERT_EQUAL(s.roles, 1u << PB__ROLE__ROLE_SERVICE);
	said_by("report", "t.report.1", &s, NULL);
	YCT_STR(s.who, "t.report.1");
	said_by("api", "t.api.1", &s, &admin);
	YCT_STR(s.who, "prs_boss");
	CU_ASSERT_EQUAL(s.roles, 1u << PB__ROLE__ROLE_ADMIN);
	said_by("api", "t.api.1", &s, NULL);
	YCT_STR(s.who, "t.api.1");
	said_by(NULL, NULL, &s, &admin);
	YCT_STR(s.who, "prs_boss");
	yc_bus_close(&s.bus);
}

static void a_service_cannot_call_itself_bus_or_have_an_odd_name(void)
{
	struct yc_bus *b = open_with(&(struct yc_bus_conf){ .endpoint = yct_bus(), .service = "bus", .instance = "t.bus.1" }, NULL), *odd = NULL;
	struct yc_err e = { 0 };

	CU_ASSERT(!is_up_within(b, 1200));
	yc_bus_close(&b);
	CU_ASSERT_EQUAL(yc_bus_open(&odd, loop, &(struct yc_bus_conf){ .endpoint = yct_bus(), .service = "a@b" }, NULL, NULL, NULL, &e), YC_INVALID);
	CU_ASSERT_PTR_NULL(odd);
}

static void another_user_of_the_machine_is_not_let_in(void)
{
	int status = 0, pid;

	if (getuid() != 0)
		return;                          /* only root can become somebody else */
	pid = fork();
	if (pid == 0) {
		struct yc_bus *b = NULL;

		loop = yc_loop_new();
		if (setgid(65534) || setuid(65534) || chdir("/"))
			_exit(9);
		if (yc_bus_open(&b, loop, &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, NULL, NULL, yct_err()))
			_exit(8);
		_exit(is_up_within(b, 1500) ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 0);
}

static void a_second_broker_at_the_same_place_does_not_start(void)
{
	const char *args[] = { "--bus", yct_bus(), "--level", "error", NULL };
	int status = 0, pid = yct_spawn("yc-bus", args, NULL);
	struct yc_bus *b;

	waitpid(pid, &status, 0);
	CU_ASSERT_NOT_EQUAL(status, 0);
	b = open_with(&(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL);
	CU_ASSERT(is_up_within(b, 5000));
	yc_bus_close(&b);
}

/* --- bounds ----------------------------------------------------------------------------------------------------------------------- */

static void more_than_an_instance_may_hold_is_exhausted_at_once(void)
{
	char at[160];
	const char *args[] = { "--bus", at, "--max-outstanding", "3", "--level", "error", NULL };
	struct served s = { .hold = 1 };
	struct asked a[4];
	struct yc_bus *c;
	int pid;

	snprintf(at, sizeof at, "ipc://%s/small", yct_dir());
	pid = yct_spawn("yc-bus", args, NULL);
	CHECK(yct_bus_answers(at, "bus", 10000));
	s.bus = open_with(&(struct yc_bus_conf){ .endpoint = at, .service = "edge", .instance = "t.edge.1" }, &s);
	c = open_with(&(struct yc_bus_conf){ .endpoint = at }, NULL);
	CHECK(is_up_within(s.bus, 5000) && is_up_within(c, 5000));
	for (int i = 0; i < 4; i++)
		ask(&a[i], c, "edge", NULL, 10000);
	for (int64_t until = yc_mono() + 3000; !a[3].done && yc_mono() < until;)
		yc_loop_once(loop, 10);
	CU_ASSERT_EQUAL(a[3].code, YC_EXHAUSTED);
	CU_ASSERT_EQUAL(a[0].done, 0);
	yc_bus_close(&c);
	yc_bus_close(&s.bus);
	yct_kill(pid, SIGKILL);
}

static void a_request_too_large_for_the_bus_is_refused_by_the_client(void)
{
	struct yc_bus *c = open_with(&(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL);
	Pb__MetricsReply in = PB__METRICS_REPLY__INIT;
	static const ProtobufCMethodDescriptor m[] = { { "Health", &pb__metrics_reply__descriptor, &pb__health_reply__descriptor } };
	static const unsigned idx[] = { 0 };
	static const ProtobufCServiceDescriptor api = { PROTOBUF_C__SERVICE_DESCRIPTOR_MAGIC, "x.X", "X", "X", "x", 1, m, idx };
	struct asked a = { 0 };

	in.text = yc_xcalloc(1, YC_WIRE_PAYLOAD_MAX + 10);
	memset(in.text, 'x', YC_WIRE_PAYLOAD_MAX + 1);
	yc_bus_call(c, &(struct yc_call){ .service = "edge", .api = &api, .method = "Health", .in = &in, .fn = on_reply, .arg = &a });
	CU_ASSERT_EQUAL(a.done, 0);              /* never from inside the call */
	for (int i = 0; i < 100 && !a.done; i++)
		yc_loop_once(loop, 10);
	CU_ASSERT_EQUAL(a.code, YC_TOO_LARGE);
	yc_xfree(in.text);
	yc_bus_close(&c);
}

/* --- raw messages ------------------------------------------------------------------------------------------------------------------ */

struct raw { void *ctx, *s; };

static void raw_open(struct raw *r)
{
	char at[200];
	int zero = 0, wait = 3000;

	r->ctx = zmq_ctx_new();
	r->s = zmq_socket(r->ctx, ZMQ_DEALER);
	zmq_setsockopt(r->s, ZMQ_LINGER, &zero, sizeof zero);
	zmq_setsockopt(r->s, ZMQ_RCVTIMEO, &wait, sizeof wait);
	YCT_OK(yc_wire_endpoint(yct_bus(), YC_WIRE_RPC, at, sizeof at, yct_err()));
	CHECK(zmq_connect(r->s, at) == 0);
}

static void raw_close(struct raw *r)
{
	zmq_close(r->s);
	zmq_ctx_term(r->ctx);
}

/* The next message that is no PING; NULL when none comes. */
static Pb__Header *raw_answer(struct raw *r)
{
	for (;;) {
		uint8_t b[4096];
		int n = zmq_recv(r->s, b, sizeof b, 0), more = 1;
		size_t size = sizeof more;
		Pb__Header *h = n >= 0 && n <= (int)sizeof b ? pb__header__unpack(NULL, (size_t)n, b) : NULL;

		if (n < 0)
			return NULL;
		while (!zmq_getsockopt(r->s, ZMQ_RCVMORE, &more, &size) && more) {
			uint8_t rest[4096];

			if (zmq_recv(r->s, rest, sizeof rest, 0) < 0)
				break;
		}
		if (h && h->kind != PB__HEADER__KIND__KIND_PING)
			return h;
		if (h)
			pb__header__free_unpacked(h, NULL);
	}
}

static void raw_expect(struct raw *r, enum yc_code code, uint64_t call)
{
	Pb__Header *h = raw_answer(r);

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	CU_ASSERT_PTR_NOT_NULL_FATAL(h->status);
	CU_ASSERT_EQUAL((int)h->status->code, (int)code);
	CU_ASSERT_EQUAL(h->call, call);
	pb__header__free_unpacked(h, NULL);
}

static void raw_send(struct raw *r, const void *head, size_t hn, size_t body)
{
	void *b = yc_xcalloc(1, body + 1);

	zmq_send(r->s, head, hn, ZMQ_SNDMORE);
	zmq_send(r->s, b, body, 0);
	yc_xfree(b);
}

static size_t pack(uint8_t *raw, Pb__Header__Kind kind, const char *service, const char *instance, uint64_t call)
{
	Pb__Header h = PB__HEADER__INIT;

	h.kind = kind;
	h.service = (char *)service;
	h.instance = (char *)instance;
	h.boot = kind == PB__HEADER__KIND__KIND_READY ? "b1" : "";
	h.method = kind == PB__HEADER__KIND__KIND_REQUEST ? "Node.Health" : "";
	h.call = call;
	return pb__header__pack(&h, raw);
}

static void garbage_is_answered_as_malformed(void)
{
	struct raw r;
	uint8_t h[512];
	size_t n;

	raw_open(&r);
	raw_send(&r, "\xff\xff\xff garbage", 11, 10);
	raw_expect(&r, YC_MALFORMED, 0);
	zmq_send(r.s, "one frame", 9, 0);
	raw_expect(&r, YC_MALFORMED, 0);
	n = pack(h, PB__HEADER__KIND__KIND_REQUEST, "bus", "", 7);
	raw_send(&r, h, n, 0);
	raw_expect(&r, YC_UNAVAILABLE, 7);       /* it has not said who it is */
	raw_send(&r, h, pack(h, PB__HEADER__KIND__KIND_READY, "", "client.raw", 0), 0);
	raw_send(&r, h, pack(h, PB__HEADER__KIND__KIND_REQUEST, "bus", "", 0), 0);
	raw_expect(&r, YC_MALFORMED, 0);         /* no call number */
	raw_send(&r, h, pack(h, (Pb__Header__Kind)77, "bus", "", 8), 0);
	raw_expect(&r, YC_MALFORMED, 8);
	raw_send(&r, h, pack(h, PB__HEADER__KIND__KIND_REQUEST, "edge", "", 9), YC_WIRE_PAYLOAD_MAX + 1);
	raw_expect(&r, YC_TOO_LARGE, 9);
	raw_send(&r, h, pack(h, PB__HEADER__KIND__KIND_READY, "", "with blank", 0), 0);
	raw_expect(&r, YC_FORBIDDEN, 0);         /* a connection keeps its name */
	raw_close(&r);
}

static void a_monster_message_only_hurts_its_sender(void)
{
	struct yc_bus *c = open_with(&(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL);
	uint8_t h[512];
	struct raw r;

	CHECK(is_up_within(c, 5000));
	raw_open(&r);
	raw_send(&r, h, pack(h, PB__HEADER__KIND__KIND_REQUEST, "bus", "", 1), YC_WIRE_FRAME_MAX + 1);
	CU_ASSERT_PTR_NULL(raw_answer(&r));
	CU_ASSERT_EQUAL(ask_now(c, "bus", NULL).code, YC_OK);
	raw_close(&r);
	yc_bus_close(&c);
}

/* --- TCP and keys ------------------------------------------------------------------------------------------------------------------ */

static struct { int pid; char tcp[64], server[200], allow[200], gateway[200], stranger[200]; } wan;

static int is_free(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), ok = bind(fd, (struct sockaddr *)&a, sizeof a) == 0;

	close(fd);
	return ok;
}

static void allow(const char *key_file, const char *name)
{
	char pub[41];
	FILE *f = fopen(wan.allow, "a");

	YCT_OK(yc_wire_key_read(key_file, pub, NULL, yct_err()));
	fprintf(f, "%s %s\n", pub, name);
	fclose(f);
}

static const char *key(char *out, const char *name)
{
	snprintf(out, 200, "%s/%s.key", yct_dir(), name);
	YCT_OK(yc_wire_keygen(out, yct_err()));
	return out;
}

static void wan_open(void)
{
	const char *args[] = { "--bus", wan.tcp, "--curve-secret-key", wan.server, "--curve-allow", wan.allow, "--level", "error", NULL };
	int port = 21000 + getpid() % 20000;

	if (wan.pid)
		return;
	while (!is_free(port) || !is_free(port + 1) || !is_free(port + 2))
		port += 3;
	snprintf(wan.tcp, sizeof wan.tcp, "tcp://127.0.0.1:%d", port);
	snprintf(wan.allow, sizeof wan.allow, "%s/allow", yct_dir());
	key(wan.server, "server");
	key(wan.gateway, "gateway");
	key(wan.stranger, "stranger");
	allow(wan.gateway, "gateway");
	wan.pid = yct_spawn("yc-bus", args, NULL);
}

static struct yc_bus *wan_client(const char *service, const char *key_file, struct served *s)
{
	char server_pub[220];

	snprintf(server_pub, sizeof server_pub, "%s.pub", wan.server);
	return open_with(&(struct yc_bus_conf){ .endpoint = wan.tcp, .service = service, .instance = service ? "t.x.1" : NULL,
			 .curve_server_key = key_file ? server_pub : NULL, .curve_secret_key = key_file }, s);
}

static void a_key_on_the_list_gets_in_as_its_own_service_only(void)
{
	struct yc_bus *b;

	wan_open();
	b = wan_client("gateway", wan.gateway, NULL);
	CU_ASSERT(is_up_within(b, 10000));
	CU_ASSERT_EQUAL(ask_now(b, "bus", NULL).code, YC_OK);
	yc_bus_close(&b);
	b = wan_client("ticket", wan.gateway, NULL);
	CU_ASSERT(!is_up_within(b, 1500));
	yc_bus_close(&b);
}

static void a_key_that_is_not_on_the_list_is_refused_until_it_is(void)
{
	struct yc_bus *b;

	wan_open();
	b = wan_client("crm", wan.stranger, NULL);
	CU_ASSERT(!is_up_within(b, 2500));
	CU_ASSERT_EQUAL(ask_now(b, "bus", NULL).code, YC_UNAVAILABLE);
	allow(wan.stranger, "crm");              /* the list is read for each handshake */
	CU_ASSERT(is_up_within(b, 10000));
	yc_bus_close(&b);
}

static void a_client_without_encryption_is_refused(void)
{
	struct yc_bus *b;

	wan_open();
	b = wan_client("gateway", NULL, NULL);
	CU_ASSERT(!is_up_within(b, 2500));
	yc_bus_close(&b);
}

static void a_tcp_endpoint_without_keys_does_not_start(void)
{
	const char *args[] = { "--bus", "tcp://127.0.0.1:20990", "--level", "error", NULL };
	int status = 0, pid = yct_spawn("yc-bus", args, NULL);

	waitpid(pid, &status, 0);
	CU_ASSERT_NOT_EQUAL(status, 0);
}

struct heard { int right, wrong; };

static void on_event(void *arg, const char *topic, const uint8_t *payload, size_t n)
{
	struct heard *h = arg;

	if (strcmp(topic, "t.gateway.1|") == 0)
		h->right++;
	else
		h->wrong++;
}

static void by_tcp_a_service_publishes_as_itself_only(void)
{
	char server_pub[220];
	struct yc_bus *pub, *sub = NULL;
	struct heard h = { 0 };

	wan_open();
	snprintf(server_pub, sizeof server_pub, "%s.pub", wan.server);
	YCT_OK(yc_bus_open(&sub, loop, &(struct yc_bus_conf){ .endpoint = wan.tcp, .service = "gateway", .instance = "t.gateway.2",
			   .curve_server_key = server_pub, .curve_secret_key = wan.gateway }, NULL, on_event, &h, yct_err()));
	yc_bus_subscribe(sub, "t.");
	pub = wan_client("gateway", wan.gateway, NULL);
	for (int64_t until = yc_mono() + 10000; h.right < 20 && yc_mono() < until;) {
		yc_bus_publish(pub, "t.ticket.1|", (const uint8_t *)"x", 1);
		yc_bus_publish(pub, "t.gateway.1|", (const uint8_t *)"x", 1);
		yc_loop_once(loop, 20);
	}
	CU_ASSERT(h.right >= 20);
	CU_ASSERT_EQUAL(h.wrong, 0);
	yc_bus_close(&pub);
	yc_bus_close(&sub);
	yct_kill(wan.pid, SIGKILL);
	wan.pid = 0;
}

YCT_MAIN_WITH("bus edge", setup, teardown,
	T(only_the_edges_may_speak_for_a_person),
	T(a_service_cannot_call_itself_bus_or_have_an_odd_name),
	T(another_user_of_the_machine_is_not_let_in),
	T(a_second_broker_at_the_same_place_does_not_start),
	T(more_than_an_instance_may_hold_is_exhausted_at_once),
	T(a_request_too_large_for_the_bus_is_refused_by_the_client),
	T(garbage_is_answered_as_malformed),
	T(a_monster_message_only_hurts_its_sender),
	T(a_key_on_the_list_gets_in_as_its_own_service_only),
	T(a_key_that_is_not_on_the_list_is_refused_until_it_is),
	T(a_client_without_encryption_is_refused),
	T(a_tcp_endpoint_without_keys_does_not_start),
	T(by_tcp_a_service_publishes_as_itself_only))
