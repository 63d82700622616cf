/* The trace of a matter: from its events to steps with waiting and working time. Pure. */
#ifndef REPORT_RULE_TRACE_H
#define REPORT_RULE_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "yc/arena.h"
#include "yc/v1/report.pb-c.h"
#include "yc/v1/ticket.pb-c.h"

/* Numbers are stored: never reuse one. */
enum report_type {
	REPORT_CALL_STARTED = 1,  /* object: call, detail: called number, extra: caller */
	REPORT_MENU,              /* object: call, detail: "key label", extra: node's kind */
	REPORT_QUEUED,            /* object: item, detail: queue */
	REPORT_OFFERED,           /* object: item, actor: agent */
	REPORT_OFFER_ENDED,       /* object: item, actor: agent, detail: why */
	REPORT_ACCEPTED,          /* object: item, actor: agent */
	REPORT_ITEM_ENDED,        /* object: item, n: enum ItemState, detail: reason */
	REPORT_CALL_ENDED,        /* object: call, detail: reason, extra: by whom, n: talk_ms */
	REPORT_RECORDING,         /* object: blob, actor: agent, n: duration_ms */
	REPORT_WRAP_BEGIN,        /* object: item, actor: agent */
	REPORT_WRAP_END,          /* object: item, actor: agent, detail: disposition */
	REPORT_ORDER,             /* object: order, extra: event type, doc: OrderChanged */
	REPORT_SAID,              /* object: item, actor: agent, detail: his disposition and note, during the talk or after it */
};

struct report_ev {
	enum report_type type;
	int64_t at, n;
	const char *id, *source, *contact, *object, *actor, *actor_name, *detail, *extra;
	const Pb__OrderChanged *order;
};

/* Name of something, borrowed, or NULL when unknown. kind: person, org, queue; step has the id "process/version/code". */
typedef const char *report_name_fn(void *arg, const char *kind, const char *id, int english);
/* Service level of a queue in ms, 0 when unknown. */
typedef int64_t report_threshold_fn(void *arg, const char *queue);
struct report_known { report_name_fn *name; report_threshold_fn *threshold; void *arg; };

/* Fills steps, contacts, calls, orders, order_numbers, recordings, customer, the sums and opened_at of out. Events in order of time; what is
 * still going on counts up to now. Waiting and working are unions of time, so together they never exceed the elapsed time, and a moment in
 * which somebody works is no waiting. -1 when the arena's limit is reached. */
int report_trace(struct yc_arena *a, const struct report_ev *v, size_t n, int64_t now, const struct report_known *known, Pb__Matter *out);

#endif
