/* What is outstanding: per instance (to tell the callers when it dies) and per caller (to forget when that dies). Each ends once: by the reply, the
 * deadline, or a death. */
#include <utlist.h>

#include "broker.h"
#include "yc/clock.h"

enum { NO_DEADLINE_MS = 60000 };

static void on_due(void *arg);

static void arm(struct broker *b)
{
	int64_t now;

	if (!b->due.n || (b->due_timer && b->due_armed <= b->due.v[0].key))
		return;
	now = yc_mono();
	yc_timer_stop(&b->due_timer);
	b->due_armed = b->due.v[0].key;
	b->due_timer = yc_timer_start(b->loop, b->due_armed > now ? b->due_armed - now : 0, 0, on_due, b);
}

struct pending *pending_new(struct broker *b, struct peer *caller, struct peer *instance, const struct yc_wire *w)
{
	struct pending *p = yc_slot_get(&b->pending);
	int64_t left = w->deadline_at ? w->deadline_at - yc_now() : NO_DEADLINE_MS;

	if (!p)
		return NULL;
	p->caller = caller;
	p->instance = instance;
	p->call = w->call;
	DL_APPEND2(instance->work, p, work_prev, work_next);
	DL_APPEND2(caller->asked, p, asked_prev, asked_next);
	instance->n_work++;
	caller->n_asked++;
	yc_heap_push(&b->due, yc_mono() + left, p->slot.nr, p, &p->due);
	arm(b);
	return p;
}

void pending_free(struct broker *b, struct pending *p)
{
	yc_heap_remove(&b->due, &p->due);
	DL_DELETE2(p->instance->work, p, work_prev, work_next);
	p->instance->n_work--;
	if (p->caller) {
		DL_DELETE2(p->caller->asked, p, asked_prev, asked_next);
		p->caller->n_asked--;
	}
	yc_slot_put(&b->pending, p);
}

static void end(struct broker *b, struct pending *p, enum yc_code code, const char *why)
{
	if (p->caller)
		port_answer(b, &p->caller->conn, p->call, code, NULL, why);
	pending_free(b, p);
}

static void on_due(void *arg)
{
	struct broker *b = arg;
	int64_t now = yc_mono();

	b->due_timer = NULL;
	while (b->due.n && b->due.v[0].key <= now) {
		count(M_DEADLINE);
		end(b, b->due.v[0].item, YC_DEADLINE, "no answer in time");
	}
	arm(b);
}

void pending_lose_work(struct broker *b, struct peer *instance)
{
	while (instance->work) {
		count(M_LOST);
		end(b, instance->work, YC_INSTANCE_LOST, "the instance died with the request in hand; the outcome is unknown");
	}
}

void pending_forget_caller(struct broker *b, struct peer *caller)
{
	struct pending *p, *next;

	DL_FOREACH_SAFE2(caller->asked, p, next, asked_next)
		p->caller = NULL;
	caller->asked = NULL;
	caller->n_asked = 0;
}

void pending_close(struct broker *b)
{
	yc_timer_stop(&b->due_timer);
	yc_heap_fini(&b->due);
	yc_slots_fini(&b->pending);
}
