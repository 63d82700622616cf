#include "yc/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "yc/arena.h"
#include "yc/log.h"

struct job { struct job *next; void (*work)(void *); void (*done)(void *); void *arg; };
struct queue { struct job *head, **tail; };

struct yc_workers {
	struct yc_loop *loop;
	pthread_t *threads;
	int n_threads, max_waiting, n_waiting, ending;
	int fd;                         /* eventfd: finished jobs wait for the loop */
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue waiting, finished;
};

static void push(struct queue *q, struct job *j)
{
	j->next = NULL;
	*q->tail = j;
	q->tail = &j->next;
}

static struct job *pop(struct queue *q)
{
	struct job *j = q->head;

	if (j && !(q->head = j->next))
		q->tail = &q->head;
	return j;
}

static void *worker(void *arg)
{
	struct yc_workers *w = arg;
	uint64_t one = 1;
	struct job *j;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->waiting.head && !w->ending)
			pthread_cond_wait(&w->more, &w->lock);
		j = pop(&w->waiting);
		if (!j)
			break;          /* ending, and everything accepted was done */
		w->n_waiting--;
		pthread_mutex_unlock(&w->lock);
		j->work(j->arg);
		pthread_mutex_lock(&w->lock);
		push(&w->finished, j);
		if (write(w->fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
			yc_error("workers: eventfd: %s", strerror(errno));
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void run_finished(struct yc_workers *w)
{
	struct job *j;

	for (;;) {
		pthread_mutex_lock(&w->lock);
		j = pop(&w->finished);
		pthread_mutex_unlock(&w->lock);
		if (!j)
			return;
		j->done(j->arg);
		yc_xfree(j);
	}
}

static void on_finished(void *arg, int fd, int events)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		yc_warn("workers: eventfd: %s", strerror(errno));
	run_finished(arg);
}

/* Signals belong to the loop's thread. */
static void start_threads(struct yc_workers *w, int threads)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (int i = 0; i < threads; i++) {
		int rc = pthread_create(&w->threads[i], NULL, worker, w);

		if (rc) {
			yc_error("workers: no thread: %s", strerror(rc));
			break;
		}
		w->n_threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!w->n_threads)
		abort();
}

struct yc_workers *yc_workers_new(struct yc_loop *l, int threads, int max_waiting)
{
	struct yc_workers *w = yc_xcalloc(1, sizeof(*w));

	if (threads < 1)
		threads = 1;
	w->loop = l;
	w->max_waiting = max_waiting;
	w->waiting.tail = &w->waiting.head;
	w->finished.tail = &w->finished.head;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd < 0) {
		yc_error("workers: eventfd: %s", strerror(errno));
		abort();
	}
	w->threads = yc_xcalloc((size_t)threads, sizeof(*w->threads));
	start_threads(w, threads);
	yc_loop_fd(l, w->fd, YC_READ, on_finished, w);
	return w;
}

void yc_workers_free(struct yc_workers **wp)
{
	struct yc_workers *w = *wp;

	if (!w)
		return;
	*wp = NULL;
	pthread_mutex_lock(&w->lock);
	w->ending = 1;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i < w->n_threads; i++)
		pthread_join(w->threads[i], NULL);
	yc_loop_fd(w->loop, w->fd, 0, NULL, NULL);
	run_finished(w);
	close(w->fd);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	yc_xfree(w->threads);
	yc_xfree(w);
}

enum yc_code yc_workers_submit(struct yc_workers *w, void (*work)(void *), void (*done)(void *), void *arg)
{
	struct job *j;

	pthread_mutex_lock(&w->lock);
	if (w->ending || w->n_waiting >= w->max_waiting) {
		pthread_mutex_unlock(&w->lock);
		return YC_EXHAUSTED;
	}
	j = yc_xcalloc(1, sizeof(*j));
	*j = (struct job){ .work = work, .done = done, .arg = arg };
	push(&w->waiting, j);
	w->n_waiting++;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	return YC_OK;
}
