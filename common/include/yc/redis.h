/* Redis: hiredis' asynchronous client in our loop, with own time-outs, reconnection, and scripts by SHA (NOSCRIPT handled). */
#ifndef YC_REDIS_H
#define YC_REDIS_H

#include <stddef.h>
#include <stdint.h>

#include "yc/err.h"
#include "yc/loop.h"

struct yc_redis;

enum yc_rtype { YC_R_NIL, YC_R_INT, YC_R_STR, YC_R_ARRAY, YC_R_ERROR };
struct yc_rreply {                               /* borrowed during the callback */
	enum yc_rtype type;
	int64_t i;
	const char *s; size_t len;
	const struct yc_rreply *v; size_t n;     /* array */
};
/* code: OK, UNAVAILABLE (no connection: nothing was sent, or outcome unknown), DEADLINE, INVALID (an error reply; r->s has it).
 * r is NULL unless OK or INVALID. Always called exactly once, from the loop. */
typedef void yc_redis_fn(void *arg, enum yc_code code, const struct yc_rreply *r);

/* url: "unix:/path/redis.sock" or "redis://host:port". up(arg, 1) after each (re)connection, up(arg, 0) on loss. Returns at once. */
enum yc_code yc_redis_open(struct yc_redis **out, struct yc_loop *l, const char *url,
			   void (*up)(void *arg, int is_up), void *arg, struct yc_err *e) YC_MUST;
void yc_redis_close(struct yc_redis **r);        /* pending callbacks get UNAVAILABLE */
int yc_redis_is_up(const struct yc_redis *r);
void yc_redis_timeout(struct yc_redis *r, int64_t ms);         /* per command, default 500 ms; then the connection is dropped */

/* Send a command; argv/len as in redisAsyncCommandArgv (len NULL: C strings). Bounded: 10 000 outstanding, then UNAVAILABLE at once. fn may be NULL. */
void yc_redis_argv(struct yc_redis *r, yc_redis_fn *fn, void *arg, int argc, const char **argv, const size_t *len);
/* The same with up to 16 C strings, ended by NULL. */
void yc_redis_cmd(struct yc_redis *r, yc_redis_fn *fn, void *arg, ...) __attribute__((sentinel));
/* EVALSHA; loads the script on NOSCRIPT and tries again. */
struct yc_script { const char *text; char sha[41]; };
void yc_redis_script(struct yc_redis *r, struct yc_script *s, yc_redis_fn *fn, void *arg, int n_keys, int argc, const char **argv);

#endif
