#include "media/queue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "yc/arena.h"

struct md_ring {
	unsigned mask;
	int fd;
	_Alignas(64) atomic_uint head;           /* next to write; the producer's */
	_Alignas(64) atomic_uint tail;           /* next to read; the consumer's */
	_Alignas(64) atomic_int wanted;
	atomic_int polled;                       /* the consumer looks by itself every few ms: no need to wake it */
	struct md_cmd *slots;
};

static void wake(int fd)
{
	uint64_t one = 1;
	ssize_t r = write(fd, &one, sizeof(one));   /* fails only when the counter is huge: then it is readable anyway */

	(void)r;
}

static void unwake(int fd)
{
	uint64_t n;
	ssize_t r = read(fd, &n, sizeof(n));

	(void)r;
}

struct md_ring *md_ring_new(unsigned cap)
{
	struct md_ring *r = yc_xcalloc(1, sizeof(*r));

	r->mask = cap - 1;
	r->slots = yc_xcalloc(cap, sizeof(*r->slots));
	r->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return r;
}

void md_ring_free(struct md_ring **r)
{
	if (!*r)
		return;
	close((*r)->fd);
	yc_xfree((*r)->slots);
	yc_xfree(*r);
	*r = NULL;
}

static int is_full(struct md_ring *r, unsigned head)
{
	return head - atomic_load(&r->tail) > r->mask;
}

int md_ring_put(struct md_ring *r, const struct md_cmd *c)
{
	unsigned head = atomic_load_explicit(&r->head, memory_order_relaxed), tail;

	if (is_full(r, head)) {
		atomic_store(&r->wanted, 1);
		if (is_full(r, head))            /* again: the consumer may have emptied it before it could see the wish */
			return -1;
	}
	r->slots[head & r->mask] = *c;
	/* Sequentially consistent, like the consumer's emptiness check after it cleared the eventfd: one of the two must see the other. */
	atomic_store(&r->head, head + 1);
	tail = atomic_load(&r->tail);
	if ((tail == head && !atomic_load(&r->polled)) || head - tail == r->mask / 2)
		wake(r->fd);
	return 0;
}

int md_ring_get(struct md_ring *r, struct md_cmd *c)
{
	unsigned tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (atomic_load(&r->head) == tail)
		return 0;
	*c = r->slots[tail & r->mask];
	atomic_store(&r->tail, tail + 1);
	return 1;
}

int md_ring_wanted(struct md_ring *r)
{
	return atomic_load(&r->wanted) && atomic_exchange(&r->wanted, 0);
}

void md_ring_polled(struct md_ring *r, int on)
{
	atomic_store(&r->polled, on);
}

int md_ring_fd(const struct md_ring *r)
{
	return r->fd;
}

void md_ring_drain_fd(struct md_ring *r)
{
	unwake(r->fd);
}

struct md_events {
	pthread_mutex_t lock;
	unsigned cap, head, n;
	int fd;
	struct md_event *slots;
};

struct md_events *md_events_new(unsigned cap)
{
	struct md_events *q = yc_xcalloc(1, sizeof(*q));

	q->cap = cap;
	q->slots = yc_xcalloc(cap, sizeof(*q->slots));
	q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&q->lock, NULL);
	return q;
}

void md_event_drop(struct md_event *ev)
{
	yc_xfree(ev->stats);
	yc_xfree(ev->record);
	if (ev->prompts)
		md_prompts_free(&ev->prompts);
}

void md_events_free(struct md_events **q)
{
	struct md_event ev;

	if (!*q)
		return;
	while (md_events_get(*q, &ev))
		md_event_drop(&ev);
	close((*q)->fd);
	pthread_mutex_destroy(&(*q)->lock);
	yc_xfree((*q)->slots);
	yc_xfree(*q);
	*q = NULL;
}

int md_events_put(struct md_events *q, const struct md_event *ev)
{
	int full, first;

	pthread_mutex_lock(&q->lock);
	full = q->n == q->cap;
	first = q->n == 0;
	if (!full)
		q->slots[(q->head + q->n++) % q->cap] = *ev;
	if (first)
		wake(q->fd);                     /* under the lock: later, the consumer might have emptied the queue already */
	pthread_mutex_unlock(&q->lock);
	return full ? -1 : 0;
}

int md_events_get(struct md_events *q, struct md_event *ev)
{
	int got = 0, last = 0;

	pthread_mutex_lock(&q->lock);
	if (q->n) {
		*ev = q->slots[q->head];
		q->head = (q->head + 1) % q->cap;
		last = --q->n == 0;
		got = 1;
		if (last)
			unwake(q->fd);           /* under the lock: a producer that comes now wakes it again */
	}
	pthread_mutex_unlock(&q->lock);
	return got;
}

int md_events_fd(const struct md_events *q)
{
	return q->fd;
}
