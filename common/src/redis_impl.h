/* Inside the Redis client: redis.c (commands, scripts) and redis_conn.c (connection). Private to common/src. */
#ifndef YC_REDIS_IMPL_H
#define YC_REDIS_IMPL_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "yc/redis.h"

#define REDIS_MAX_OUTSTANDING 10000
#define REDIS_MAX_ARGS 64

struct redis_cmd {
	struct redis_cmd *prev, *next;           /* in the order of sending, so the head times out first */
	struct yc_redis *r;                      /* NULL: closed, the answer interests nobody */
	yc_redis_fn *fn;
	void *arg;
	int64_t deadline_ms;                     /* monotonic */
	enum yc_code if_lost;
	struct yc_script *script;                /* an EVALSHA that may come back as NOSCRIPT: the arguments are kept behind this struct */
	int n_keys, argc;
};

struct yc_redis {
	struct yc_loop *loop;
	char *path, *host, *password;            /* path: unix socket; else host and port */
	int port;
	void (*up)(void *arg, int is_up);
	void *up_arg;

	redisAsyncContext *ac;                   /* NULL: not even connecting */
	int fd, mask;                            /* what the loop watches for us */
	int is_up;                               /* the hand-shake went well */
	int is_dying;                            /* hiredis is handing out NULL replies */
	struct redis_cmd *cmds;                  /* sent and not answered */
	int n_cmds;
	struct redis_cmd *refused;               /* to be told so from the loop */
	int64_t timeout_ms, backoff_ms;
	struct yc_timer *t_timeout, *t_retry, *t_refused;
};

void redis_connect(void *r);
void redis_drop(struct yc_redis *r);             /* the connection is of no use any more: try again later */
void redis_unhook(redisAsyncContext *ac);
/* Send past the check whether the client is up: hand-shake and retries. */
void redis_send(struct yc_redis *r, struct redis_cmd *c, int argc, const char **argv, const size_t *len);
void redis_internal(struct yc_redis *r, yc_redis_fn *fn, void *arg, int argc, const char **argv);

#endif
