#include "yct.h"

#include <pthread.h>
#include <stdatomic.h>

#include "yc/clock.h"
#include "yc/worker.h"

static struct yc_loop *l;
static pthread_t main_thread;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static atomic_int n_worked, n_running, most_running;
static int n_done, wanted;

static void open_all(void)
{
	l = yc_loop_new();
	main_thread = pthread_self();
	n_worked = n_running = most_running = 0;
	n_done = 0;
}

static void close_all(void)
{
	yc_loop_free(&l);
}

static void work(void *arg)
{
	int now = atomic_fetch_add(&n_running, 1) + 1, most = most_running;

	while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
		;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	if (!pthread_equal(pthread_self(), main_thread))
		atomic_fetch_add(&n_worked, 1);
	atomic_fetch_sub(&n_running, 1);
}

static void done(void *arg)
{
	if (pthread_equal(pthread_self(), main_thread))
		n_done++;
	if (n_done == wanted)
		yc_loop_stop(l);
}

static void jobs_work_elsewhere_and_are_done_in_the_loop(void)
{
	struct yc_workers *w = yc_workers_new(l, 3, 1000);

	wanted = 500;
	for (int i = 0; i < wanted; i++)
		CU_ASSERT_EQUAL_FATAL(yc_workers_submit(w, work, done, NULL), YC_OK);
	yc_loop_run(l);
	CU_ASSERT_EQUAL(n_worked, 500);
	CU_ASSERT_EQUAL(n_done, 500);
	CU_ASSERT(most_running <= 3);
	yc_workers_free(&w);
	CU_ASSERT_PTR_NULL(w);
	yc_workers_free(&w);
}

static int two_run(void *arg)
{
	return n_running == 2;
}

static void no_more_jobs_wait_than_the_bound(void)
{
	struct yc_workers *w = yc_workers_new(l, 2, 5);

	pthread_mutex_lock(&gate);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(yc_workers_submit(w, work, done, NULL), YC_OK);
	CU_ASSERT(yct_until(5000, two_run, NULL));
	for (int i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(yc_workers_submit(w, work, done, NULL), YC_OK);
	CU_ASSERT_EQUAL(yc_workers_submit(w, work, done, NULL), YC_EXHAUSTED);
	pthread_mutex_unlock(&gate);
	wanted = 7;
	yc_loop_run(l);
	CU_ASSERT_EQUAL(yc_workers_submit(w, work, done, NULL), YC_OK);
	wanted = 8;
	yc_loop_run(l);
	CU_ASSERT_EQUAL(n_done, 8);
	yc_workers_free(&w);
}

static void closing_finishes_every_accepted_job(void)
{
	struct yc_workers *w = yc_workers_new(l, 2, 100);

	wanted = -1;
	for (int i = 0; i < 50; i++)
		CU_ASSERT_EQUAL(yc_workers_submit(w, work, done, NULL), YC_OK);
	yc_workers_free(&w);
	CU_ASSERT_EQUAL(n_worked, 50);
	CU_ASSERT_EQUAL(n_done, 50);
	yc_loop_once(l, 0);
	CU_ASSERT_EQUAL(n_done, 50);
}

YCT_MAIN_WITH("worker", open_all, close_all,
	 T(jobs_work_elsewhere_and_are_done_in_the_loop),
	 T(no_more_jobs_wait_than_the_bound),
	 T(closing_finishes_every_accepted_job))
