/* Test helpers: names as sentences, fixtures with real engines, waiting for events with a deadline. */
#ifndef YCT_H
#define YCT_H

#include <CUnit/CUnit.h>
#include <stdint.h>

#include "yc/err.h"

struct yct_test { const char *name; void (*fn)(void); };
#define T(fn) { #fn, fn }
/* Runs each test (after setup, before teardown; both may be NULL), prints "ok suite: sentence" or "not ok ...". Returns the exit status.
 * A first argument on the command line runs only the tests whose name contains it. */
int yct_main(int argc, char **argv, const char *suite, const struct yct_test *tests, int n, void (*setup)(void), void (*teardown)(void));
#define YCT_MAIN_WITH(suite, setup, teardown, ...) \
	int main(int argc, char **argv) { static const struct yct_test t_[] = { __VA_ARGS__ }; \
	return yct_main(argc, argv, suite, t_, (int)(sizeof(t_) / sizeof(t_[0])), setup, teardown); }
#define YCT_MAIN(suite, ...) YCT_MAIN_WITH(suite, NULL, NULL, __VA_ARGS__)

#define YCT_OK(expr) do { struct yc_err *e_ = yct_err(); enum yc_code c_ = (expr); \
	if (c_ != YC_OK) { yct_explain(#expr, c_, e_); } CU_ASSERT_EQUAL_FATAL(c_, YC_OK); } while (0)
#define YCT_STR(a, b) CU_ASSERT_STRING_EQUAL(a, b)
struct yc_err *yct_err(void);                    /* a scratch error: YCT_OK(f(x, yct_err())) */
void yct_explain(const char *expr, enum yc_code code, const struct yc_err *e);

/* Poll cond(arg) every 5 ms until true (returns 1) or timeout (0). For what gives no event. */
int yct_until(int64_t timeout_ms, int (*cond)(void *arg), void *arg);
/* A fresh folder under /tmp, removed at exit. Borrowed string. */
const char *yct_dir(void);

/* Real engines, started once per process on unix sockets in yct_dir(), killed with the test. */
const char *yct_redis(void);                     /* "unix:/tmp/.../redis.sock" */
void yct_redis_kill(void);                       /* kill -9; the next yct_redis_start restarts on the same data */
void yct_redis_start(void);
int yct_redis_pid(void);                         /* to stop and continue it; 0 when it was killed */
const char *yct_pg(void);                        /* "postgresql:///yc?host=/tmp/..." */
void yct_pg_kill(void);                          /* at once, as by a crash; yct_pg_start restarts on the same data */
void yct_pg_start(void);
/* Store tests run on both engines: calls fn("sqlite:...") and fn("postgresql:..."), each on an empty store. */
void yct_on_both_stores(void (*fn)(const char *url));
char *yct_fresh_db(const char *engine);          /* "sqlite" or "pg": url of an empty store; free with free() */
/* A broker in a child process, ipc; returns the endpoint for YC_BUS. Killed with the test. */
const char *yct_bus(void);
void yct_bus_kill(void);
void yct_bus_start(void);
/* Starts $YC_BIN/NAME with these arguments and environment ("K=V"), NULL-ended lists; returns the pid; dies with the test. */
int yct_spawn(const char *name, const char *const *args, const char *const *env);
void yct_kill(int pid, int sig);                 /* and wait */

#endif
