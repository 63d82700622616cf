/* Order of the steps and the three numbers of a matter: waiting, working, touches. */
#include "rule_trace_impl.h"

#include <stdlib.h>
#include <string.h>

/* Of steps that begin together: the call's way first, then the order in which they were told. */
struct placed { Pb__MatterStep *s; size_t nr; };

/* Two services may tell of the same millisecond, in no order: then a call goes its usual way. */
static int way(const char *kind)
{
	static const char *const kinds[] = { "ring", "greeting", "menu", "queue", "offer", "talk" };
	int i, n = sizeof(kinds) / sizeof(kinds[0]);

	for (i = 0; i < n && strcmp(kinds[i], kind); i++)
		;
	return i;
}

static int by_begin(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;
	int d = way(x->s->kind) - way(y->s->kind);

	if (x->s->at != y->s->at)
		return x->s->at < y->s->at ? -1 : 1;
	if (d)
		return d;
	return (x->nr > y->nr) - (x->nr < y->nr);
}

static void sort_steps(struct trace *t)
{
	size_t n = t->out->n_steps;
	struct placed *p = yc_alloc(t->a, (n + 1) * sizeof(*p));

	if (!p) {
		t->is_full = 1;
		return;
	}
	for (size_t i = 0; i < n; i++)
		p[i] = (struct placed){ t->out->steps[i], i };
	qsort(p, n, sizeof(*p), by_begin);
	for (size_t i = 0; i < n; i++)
		t->out->steps[i] = p[i].s;
}

static int by_from(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

/* Length of the union of all spans, or of those of work. Sorted by from. */
static int64_t covered(const struct span *v, size_t n, int only_work)
{
	int64_t sum = 0, end = INT64_MIN;

	for (size_t i = 0; i < n; i++) {
		if ((only_work && !v[i].is_work) || v[i].to <= end)
			continue;
		sum += v[i].to - (v[i].from > end ? v[i].from : end);
		end = v[i].to;
	}
	return sum;
}

static int is_touch(const Pb__MatterStep *s)
{
	static const char *const kinds[] = { "talk", "order", "step", "answer", "close" };

	for (size_t i = 0; *s->actor && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(s->kind, kinds[i]))
			return 1;
	return 0;
}

/* How often the matter came into other hands. */
static int32_t touches(const Pb__Matter *m)
{
	const char *last = "";
	int32_t n = 0;

	for (size_t i = 0; i < m->n_steps; i++) {
		if (!is_touch(m->steps[i]) || !strcmp(m->steps[i]->actor, last))
			continue;
		last = m->steps[i]->actor;
		n++;
	}
	return n;
}

void trace_sum(struct trace *t)
{
	sort_steps(t);
	if (t->n_spans)
		qsort(t->spans, t->n_spans, sizeof(*t->spans), by_from);
	t->out->working_ms = covered(t->spans, t->n_spans, 1);
	t->out->waiting_ms = covered(t->spans, t->n_spans, 0) - t->out->working_ms;
	t->out->touches = touches(t->out);
	if (t->out->n_steps && !t->out->opened_at)
		t->out->opened_at = t->out->steps[0]->at;
}
