/* Messages between the two threads: one allocation each, strings inside; a ring with an eventfd that rings only a sleeping consumer. */
#include "msg.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rule_ivr.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/text.h"

struct gw_queue {
	uint32_t mask;
	int fd;
	_Atomic uint32_t head;   /* written by the consumer */
	_Atomic uint32_t tail;   /* written by the producer */
	_Atomic int asleep;      /* the consumer found nothing and relies on fd */
	struct gw_msg *ring[];
};

struct gw_msg *gw_msg_new(enum gw_kind kind, const char *id, size_t room)
{
	struct gw_msg *m = yc_xcalloc(1, sizeof(*m) + room + 1);

	m->kind = kind;
	m->at = yc_now();
	m->cap = room;
	yc_copy(m->id, sizeof(m->id), id ? id : "");
	return m;
}

const char *gw_text(struct gw_msg *m, const char *s)
{
	char *p = m->tail + m->used;

	if (yc_is_empty(s) || m->used >= m->cap)
		return "";
	yc_copy(p, m->cap - m->used, s);
	m->used += strlen(p) + 1;
	return p;
}

void gw_msg_free(struct gw_msg **m)
{
	if (*m && (*m)->kind == GW_DOWN_FLOW)
		ivr_flow_unref(&(*m)->u.flow.flow);
	yc_xfree(*m);
	*m = NULL;
}

struct gw_queue *gw_queue_new(uint32_t capacity)
{
	struct gw_queue *q = yc_xcalloc(1, sizeof(*q) + capacity * sizeof(q->ring[0]));

	q->mask = capacity - 1;
	q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	atomic_store(&q->asleep, 1);
	return q;
}

void gw_queue_free(struct gw_queue **q)
{
	struct gw_msg *m;

	if (!*q)
		return;
	while ((m = gw_queue_pop(*q)))
		gw_msg_free(&m);
	close((*q)->fd);
	yc_xfree(*q);
	*q = NULL;
}

int gw_queue_fd(const struct gw_queue *q)
{
	return q->fd;
}

uint32_t gw_queue_depth(const struct gw_queue *q)
{
	return atomic_load_explicit(&q->tail, memory_order_relaxed) - atomic_load_explicit(&q->head, memory_order_relaxed);
}

int gw_queue_put(struct gw_queue *q, struct gw_msg **m)
{
	uint32_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);

	if (tail - atomic_load_explicit(&q->head, memory_order_acquire) > q->mask)
		return 0;
	q->ring[tail & q->mask] = *m;
	*m = NULL;
	atomic_store(&q->tail, tail + 1);       /* seq_cst: ordered before the look at asleep */
	return 1;
}

int gw_queue_push(struct gw_queue *q, struct gw_msg **m)
{
	if (!gw_queue_put(q, m))
		return 0;
	if (atomic_exchange(&q->asleep, 0))
		gw_queue_wake(q);
	return 1;
}

struct gw_msg *gw_queue_pop(struct gw_queue *q)
{
	uint32_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
	struct gw_msg *m;
	uint64_t n;

	if (head == atomic_load_explicit(&q->tail, memory_order_acquire)) {
		if (read(q->fd, &n, sizeof(n)) < 0)
			n = 0;
		atomic_store(&q->asleep, 1);
		if (head == atomic_load(&q->tail))
			return NULL;
		atomic_store(&q->asleep, 0);    /* something came between the two looks */
	}
	m = q->ring[head & q->mask];
	atomic_store_explicit(&q->head, head + 1, memory_order_release);
	return m;
}

void gw_queue_wake(struct gw_queue *q)
{
	uint64_t one = 1;

	if (write(q->fd, &one, sizeof(one)) < 0)
		return;         /* the counter is full: readable anyway */
}
