/* Loop: one thread, one poll over ZeroMQ sockets and file descriptors, timers (us precision, never early), and messages from other threads. */
#ifndef YC_LOOP_H
#define YC_LOOP_H

#include <stdint.h>

#include "yc/err.h"

struct yc_loop;
struct yc_timer;

struct yc_loop *yc_loop_new(void);
void yc_loop_free(struct yc_loop **l);

enum { YC_READ = 1, YC_WRITE = 2 };
typedef void yc_fd_fn(void *arg, int fd, int events);
typedef void yc_zmq_fn(void *arg, void *socket);
typedef void yc_timer_fn(void *arg);

/* Watch a descriptor; calling again with the same fd changes events; 0 events removes it. */
void yc_loop_fd(struct yc_loop *l, int fd, int events, yc_fd_fn *fn, void *arg);
/* Watch a ZeroMQ socket for input. fn must drain what it can (bounded; it is called again while more waits). fn NULL removes it. */
void yc_loop_zmq(struct yc_loop *l, void *socket, yc_zmq_fn *fn, void *arg);

/* One-shot after delay_ms (>= 0), or then every period_ms when period_ms > 0 (missed periods are not made up for).
 * The loop owns the timer until it fired or was stopped. */
struct yc_timer *yc_timer_start(struct yc_loop *l, int64_t delay_ms, int64_t period_ms, yc_timer_fn *fn, void *arg);
void yc_timer_stop(struct yc_timer **t);         /* NULL-safe; sets NULL. A one-shot's pointer must not be used after it fired. */

/* From any thread: run fn(arg) in the loop's thread. Bounded (65 536 waiting); EXHAUSTED at the bound. */
enum yc_code yc_loop_post(struct yc_loop *l, yc_timer_fn *fn, void *arg) YC_MUST;

/* Called at the end of each turn (after all input of the turn, before sleeping): group commit lives here. Any number, in order. */
void yc_loop_at_end(struct yc_loop *l, yc_timer_fn *fn, void *arg);

void yc_loop_run(struct yc_loop *l);             /* until yc_loop_stop */
void yc_loop_once(struct yc_loop *l, int64_t max_ms);   /* one turn, waiting at most max_ms (< 0: until something happens) */
void yc_loop_stop(struct yc_loop *l);            /* from any thread or signal handler */

#endif
