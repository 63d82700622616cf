/* Workers: a bounded pool of threads for what blocks (password hashing, file rendering). They share nothing with the loop but jobs. */
#ifndef YC_WORKER_H
#define YC_WORKER_H

#include "yc/err.h"
#include "yc/loop.h"

struct yc_workers;

struct yc_workers *yc_workers_new(struct yc_loop *l, int threads, int max_waiting);
void yc_workers_free(struct yc_workers **w);     /* waits for running jobs; done() is still called for them */
/* work(arg) runs on a worker, then done(arg) in the loop's thread. EXHAUSTED when max_waiting jobs wait. */
enum yc_code yc_workers_submit(struct yc_workers *w, void (*work)(void *), void (*done)(void *), void *arg) YC_MUST;

#endif
