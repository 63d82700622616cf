/* Between rule_trace.c (contacts), rule_trace_order.c (orders) and rule_trace_sum.c (sums). */
#ifndef REPORT_RULE_TRACE_IMPL_H
#define REPORT_RULE_TRACE_IMPL_H

#include "rule_trace.h"

struct span { int64_t from, to; int is_work; };

struct trace_call { struct trace_call *next; const char *id, *contact; int64_t mark; int is_queued, is_ended; };
struct trace_item {
	struct trace_item *next;
	const char *id, *contact, *queue;
	const char *said;                        /* disposition, until a wrap-up shows it */
	Pb__MatterStep *wait, *offer, *talk, *wrap;      /* open ones */
	int64_t again_at;                        /* back in the queue since; the step appears when time passes */
	int is_over;
};
struct trace_order { struct trace_order *next; const char *id; Pb__MatterStep *open; int64_t taken_at; int is_held; const char *last_actor; };

struct trace {
	struct yc_arena *a;
	Pb__Matter *out;
	const struct report_known *known;
	int64_t now;
	struct span *spans; size_t n_spans, cap_spans;
	struct trace_call *calls;
	struct trace_item *items;
	struct trace_order *orders;
	int is_full;                             /* the arena's limit was reached: give up */
};

/* A new step that begins with this event. NULL at the limit. */
Pb__MatterStep *trace_step(struct trace *t, const struct report_ev *ev, const char *kind, const char *title, const char *title_en);
/* The same for what takes no time. */
Pb__MatterStep *trace_point(struct trace *t, const struct report_ev *ev, const char *kind, const char *title, const char *title_en);
/* This part of a step passed in waiting or working. */
void trace_spend(struct trace *t, Pb__MatterStep *s, int64_t from, int64_t to, int is_work);
/* The step ends here; all of it was waiting or working. */
void trace_close(struct trace *t, Pb__MatterStep **s, int64_t at, int is_work);
void trace_note(struct trace *t, char ***list, size_t *n, const char *text);    /* once each */
const char *trace_name(struct trace *t, const char *kind, const char *id, int english);

void trace_order(struct trace *t, const struct report_ev *ev);
void trace_orders_open(struct trace *t);         /* what is still in somebody's hands */
void trace_sum(struct trace *t);                 /* order of steps, sums, touches */

#endif
