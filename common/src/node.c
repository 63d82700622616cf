/* Node: opening, running and closing what every service is made of. */
#include "yc/node.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "node_impl.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/id.h"
#include "yc/log.h"
#include "yc/text.h"

extern const struct yc_migration yc_schema_common[];

enum { DRAIN_MS = 5000, DRAIN_STEP_MS = 20, WATCH_MS = 500 };

/* --- opening ----------------------------------------------------------------------------------------------------------------- */

static int needs_store(const struct yc_service *s)
{
	int needs = s->schema || s->n_queries || s->async_events;

	for (const struct yc_rpc *r = s->rpcs; r && r->method; r++)
		needs |= r->kind == YC_RPC_WRITE;
	return needs;
}

static enum yc_code store_open(struct yc_node *n, struct yc_err *e)
{
	const struct yc_service *s = n->svc;
	char url[1024];
	enum yc_code code;

	if (!needs_store(s))
		return YC_OK;
	code = node_conf_db(&n->conf, s->name, url, sizeof url, e);
	if (code)
		return code;
	yc_xfree(n->conf.db);
	n->conf.db = yc_xstrdup(url);
	code = yc_db_open(&n->db, url, s->name, e);
	if (!code)
		code = yc_db_migrate(n->db, "common", yc_schema_common, e);
	if (!code && s->schema)
		code = yc_db_migrate(n->db, s->name, s->schema, e);
	if (!code && s->n_queries)
		code = yc_db_prepare(n->db, s->queries, s->n_queries, &n->q_base, e);
	return code;
}

static enum yc_code bus_open(struct yc_node *n, struct yc_err *e)
{
	struct yc_bus_conf c = { .endpoint = n->conf.bus, .service = n->svc->name, .instance = n->instance, .boot = n->boot,
				 .curve_server_key = n->conf.curve_server_key, .curve_secret_key = n->conf.curve_secret_key };
	enum yc_code code;

	if (yc_is_empty(c.curve_server_key))
		c.curve_server_key = c.curve_secret_key = NULL;
	code = yc_bus_open(&n->bus, n->loop, &c, node_on_request, n->svc->subs ? consumer_on_event : NULL, n, e);
	if (!code)
		yc_bus_around(n->bus, node_before_callback, node_after_callback, n);
	return code;
}

static enum yc_code start(struct yc_node *n, void *arg, struct yc_err *e)
{
	return n->svc->start ? n->svc->start(n, n->self, e) : YC_OK;
}

/* The store comes first and the bus late: no request is taken before start() is through. */
static enum yc_code open_parts(struct yc_node *n, struct yc_err *e)
{
	enum yc_code code = store_open(n, e);

	if (!code)
		code = node_methods_open(n, e);
	if (!code)
		code = bus_open(n, e);
	if (!code)
		code = node_outbox_start(n, e);
	if (!code)
		code = consumer_open(n, e);
	if (!code)
		code = yc_node_do(n, start, NULL, e);
	if (!code && n->db)
		code = yc_db_commit(n->db, e);
	if (code)
		return code;
	if (n->db)
		node_outbox_committed(n);
	n->turn_writes = n->turn_lost = 0;
	yc_loop_at_end(n->loop, node_turn_end, n);
	return YC_OK;
}

static enum yc_code set_names(struct yc_node *n, struct yc_err *e)
{
	uint64_t seed;

	if (!yc_wire_is_name(n->conf.site) || strchr(n->conf.site, '.'))
		return yc_fail(e, YC_INVALID, "site", "letters, digits, '-' and '_' only: \"%.60s\"", n->conf.site);
	if ((size_t)snprintf(n->instance, sizeof n->instance, "%s.%s.%d", n->conf.site, n->svc->name, (int)n->conf.instance) >= sizeof n->instance)
		return yc_fail(e, YC_INVALID, "site", "too long");
	yc_id_new("boot", n->boot);
	n->started_at = yc_now();
	yc_random(&seed, sizeof seed);
	yc_slots_init(&n->reqs, sizeof(struct yc_req), seed);
	return YC_OK;
}

/* Before any thread exists, so that all inherit it: the signals come through the loop. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

enum yc_code yc_node_open(struct yc_node **out, const struct yc_node_conf *c, const struct yc_service *s, void *self, struct yc_err *e)
{
	struct yc_node *n = yc_xcalloc(1, sizeof *n);
	enum yc_code code;
	sigset_t set;

	*out = NULL;
	n->svc = s;
	n->self = self;
	n->signal_fd = -1;
	node_conf_copy(&n->conf, c);
	block_signals(&set);
	n->loop = yc_loop_new();
	code = set_names(n, e);
	if (!code)
		code = open_parts(n, e);
	if (code) {
		yc_node_close(&n);
		return code;
	}
	*out = n;
	yc_info("%s is up (%s)", n->instance, n->boot);
	return YC_OK;
}

/* --- running ----------------------------------------------------------------------------------------------------------------- */

/* systemd's readiness protocol, if there is somebody to tell: one datagram, https://www.freedesktop.org/software/systemd/man/sd_notify.html */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (yc_is_empty(path) || strlen(path) >= sizeof to.sun_path)
		return;
	yc_copy(to.sun_path, sizeof to.sun_path, path);
	if (to.sun_path[0] == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&to, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0)
		yc_debug("nobody listens at NOTIFY_SOCKET");
	close(fd);
}

static void on_drain(void *arg)
{
	struct yc_node *n = arg;

	if (n->n_held && yc_mono() < n->drain_until)
		return;
	yc_timer_stop(&n->drain_timer);
	yc_loop_stop(n->loop);
}

static void on_signal(void *arg, int fd, int events)
{
	struct yc_node *n = arg;
	struct signalfd_siginfo si;

	if (read(fd, &si, sizeof si) != sizeof si)
		return;
	if (n->is_draining) {                    /* asked twice: at once */
		yc_loop_stop(n->loop);
		return;
	}
	yc_info("%s is going down", n->instance);
	notify("STOPPING=1");
	n->is_draining = 1;
	n->drain_until = yc_mono() + DRAIN_MS;
	yc_bus_bye(n->bus);
	n->drain_timer = yc_timer_start(n->loop, DRAIN_STEP_MS, DRAIN_STEP_MS, on_drain, n);
}

/* Somebody else goes by our name now. Two of them on one store must not be. */
static void on_watch(void *arg)
{
	struct yc_node *n = arg;

	if (!yc_bus_is_displaced(n->bus))
		return;
	yc_error("%s ends: another process has taken its name", n->instance);
	yc_loop_stop(n->loop);
}

void yc_node_run(struct yc_node *n)
{
	sigset_t set;

	block_signals(&set);
	n->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	yc_loop_fd(n->loop, n->signal_fd, YC_READ, on_signal, n);
	n->watch_timer = yc_timer_start(n->loop, WATCH_MS, WATCH_MS, on_watch, n);
	notify("READY=1");
	yc_loop_run(n->loop);
	yc_loop_fd(n->loop, n->signal_fd, 0, NULL, NULL);
	close(n->signal_fd);
	n->signal_fd = -1;
}

/* --- closing ----------------------------------------------------------------------------------------------------------------- */

/* Calls end first (their callbacks find everything alive), then the service, then what it stood on. */
static void close_service(struct yc_node *n)
{
	if (!n->bus)
		return;
	yc_bus_end_calls(n->bus);
	node_held_close(n);
	if (n->svc->stop)
		n->svc->stop(n, n->self);
	n->is_closing = 1;                       /* effects of events do not wait for company any more */
	n->has_unit = 1;
	node_turn_end(n);
}

void yc_node_close(struct yc_node **np)
{
	struct yc_node *n = *np;

	if (!n)
		return;
	close_service(n);
	node_outbox_stop(n);
	yc_bus_close(&n->bus);
	consumer_close(n);
	yc_db_close(&n->db);
	node_methods_close(n);
	while (n->n_free_arenas)
		yc_arena_free(&n->free_arenas[--n->n_free_arenas]);
	yc_slots_fini(&n->reqs);
	yc_timer_stop(&n->drain_timer);
	yc_timer_stop(&n->watch_timer);
	yc_loop_free(&n->loop);
	node_conf_free(&n->conf);
	yc_xfree(n);
	*np = NULL;
}

/* --- asking ------------------------------------------------------------------------------------------------------------------ */

struct yc_loop *yc_node_loop(struct yc_node *n)
{
	return n->loop;
}

struct yc_bus *yc_node_bus(struct yc_node *n)
{
	return n->bus;
}

struct yc_db *yc_node_db(struct yc_node *n)
{
	return n->db;
}

int yc_node_q(const struct yc_node *n, int q)
{
	return n->q_base + q;
}

void *yc_node_self(struct yc_node *n)
{
	return n->self;
}

const struct yc_node_conf *yc_node_conf(const struct yc_node *n)
{
	return &n->conf;
}

const char *yc_node_instance(const struct yc_node *n)
{
	return n->instance;
}

const char *yc_node_boot(const struct yc_node *n)
{
	return n->boot;
}

void yc_node_blobs(struct yc_node *n, struct yc_blobs *b)
{
	n->blobs = b;
}

uint64_t yc_node_call(struct yc_node *n, const struct yc_call *c)
{
	return yc_bus_call(n->bus, c);
}
