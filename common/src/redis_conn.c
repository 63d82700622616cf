/* The connection of the Redis client. hiredis' context frees itself on errors, has no timer and hands NULL to what was pending:
 * after any loss our pointer goes first, and a new attempt comes from a timer. */
#include "redis_impl.h"

#include <string.h>

#include "yc/arena.h"
#include "yc/log.h"

#define BACKOFF_FIRST_MS 20
#define BACKOFF_MAX_MS 1000

/* --- hiredis <-> loop -------------------------------------------------------------------------------------------------------- */

static void on_fd(void *arg, int fd, int events)
{
	struct yc_redis *r = arg;
	redisAsyncContext *ac = r->ac;

	if (ac && (events & YC_READ))
		redisAsyncHandleRead(ac);
	/* Reading may have lost the connection, or a callback closed the client: then the loop watches no longer and r may be gone. */
	if (ac && (events & YC_WRITE) && !(events & YC_READ))
		redisAsyncHandleWrite(ac);
}

static void watch(struct yc_redis *r, int mask)
{
	if (mask == r->mask)
		return;
	r->mask = mask;
	yc_loop_fd(r->loop, r->fd, mask, on_fd, r);
}

static void add_read(void *arg) { struct yc_redis *r = arg; watch(r, r->mask | YC_READ); }
static void del_read(void *arg) { struct yc_redis *r = arg; watch(r, r->mask & ~YC_READ); }
static void add_write(void *arg) { struct yc_redis *r = arg; watch(r, r->mask | YC_WRITE); }
static void del_write(void *arg) { struct yc_redis *r = arg; watch(r, r->mask & ~YC_WRITE); }
static void clean_up(void *arg) { struct yc_redis *r = arg; watch(r, 0); }

/* From here on this context cannot reach us. Its freeing may come later, when we are inside one of its callbacks. */
void redis_unhook(redisAsyncContext *ac)
{
	if (ac->ev.data)
		clean_up(ac->ev.data);
	memset(&ac->ev, 0, sizeof(ac->ev));
	ac->data = NULL;
}

/* --- life ----------------------------------------------------------------------------------------------------------------------- */

static void on_retry(void *arg)
{
	struct yc_redis *r = arg;

	r->t_retry = NULL;
	redis_connect(r);
}

static void went_down(struct yc_redis *r)
{
	int was_up = r->is_up;

	r->ac = NULL;
	r->is_up = r->is_dying = 0;
	if (!r->t_retry)
		r->t_retry = yc_timer_start(r->loop, r->backoff_ms, 0, on_retry, r);
	r->backoff_ms = r->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : r->backoff_ms * 2;
	if (was_up) {
		yc_warn("redis: connection lost");
		if (r->up)
			r->up(r->up_arg, 0);     /* may close r */
	}
}

/* Everything of ours is in order before hiredis hands NULL to what is pending, because a callback may close the client. */
void redis_drop(struct yc_redis *r)
{
	redisAsyncContext *ac = r->ac;

	if (!ac)
		return;
	redis_unhook(ac);
	went_down(r);
	redisAsyncFree(ac);
}

static void on_disconnect(const redisAsyncContext *ac, int status)
{
	struct yc_redis *r = ac->data;

	if (r && r->ac == ac)
		went_down(r);
}

/* On failure hiredis frees the context after this callback (and hands NULL to what was queued). */
static void on_connect(const redisAsyncContext *ac, int status)
{
	struct yc_redis *r = ac->data;

	if (!r || status == REDIS_OK)
		return;
	yc_debug("redis: cannot connect: %s", ac->errstr ? ac->errstr : "?");
	redis_unhook((redisAsyncContext *)ac);
	went_down(r);
}

static int is_error(const struct yc_rreply *v, const char *how)
{
	return v && v->type == YC_R_ERROR && !strncmp(v->s, how, strlen(how));
}

static void on_auth(void *arg, enum yc_code code, const struct yc_rreply *v)
{
	struct yc_redis *r = arg;

	if (code == YC_INVALID) {
		yc_error("redis: refuses our password");
		redis_drop(r);
	}
}

static void on_ping(void *arg, enum yc_code code, const struct yc_rreply *v)
{
	struct yc_redis *r = arg;

	if (code != YC_INVALID)
		return;
	if (!is_error(v, "LOADING"))
		yc_warn("redis: %.80s", v->s);
	redis_drop(r);
}

/* A replica would refuse writes, or worse, lose them: only a master will do. */
static void on_role(void *arg, enum yc_code code, const struct yc_rreply *v)
{
	struct yc_redis *r = arg;

	if (!r->ac || r->is_dying || (code && code != YC_INVALID))
		return;
	if (code || v->type != YC_R_ARRAY || !v->n || v->v[0].type != YC_R_STR || strcmp(v->v[0].s, "master")) {
		yc_warn("redis: this one is no master");
		redis_drop(r);
		return;
	}
	r->is_up = 1;
	r->backoff_ms = BACKOFF_FIRST_MS;
	if (r->up)
		r->up(r->up_arg, 1);
}

void redis_connect(void *arg)
{
	static const char *ping[] = { "PING" }, *role[] = { "ROLE" };
	struct yc_redis *r = arg;
	const char *auth[] = { "AUTH", r->password };
	redisAsyncContext *ac;

	if (!r->backoff_ms)
		r->backoff_ms = BACKOFF_FIRST_MS;
	ac = r->path ? redisAsyncConnectUnix(r->path) : redisAsyncConnect(r->host, r->port);
	if (!ac || ac->err) {
		yc_debug("redis: cannot connect: %s", ac ? ac->errstr : "no memory");
		if (ac)
			redisAsyncFree(ac);
		went_down(r);
		return;
	}
	r->ac = ac;
	r->fd = ac->c.fd;
	r->mask = 0;
	ac->data = ac->ev.data = r;
	ac->ev.addRead = add_read;
	ac->ev.delRead = del_read;
	ac->ev.addWrite = add_write;
	ac->ev.delWrite = del_write;
	ac->ev.cleanup = clean_up;
	redisAsyncSetConnectCallback(ac, on_connect);
	redisAsyncSetDisconnectCallback(ac, on_disconnect);
	/* Queued until the connection stands; their time-out covers the connecting too. */
	if (r->password)
		redis_internal(r, on_auth, r, 2, auth);
	redis_internal(r, on_ping, r, 1, ping);
	redis_internal(r, on_role, r, 1, role);
}
