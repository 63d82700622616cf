#include "rule_metric.h"

#include <stdlib.h>
#include <string.h>

static int by_wait(const void *a, const void *b)
{
	const struct report_sample *x = a, *y = b;

	return (x->wait_ms > y->wait_ms) - (x->wait_ms < y->wait_ms);
}

/* v is sorted by wait, so the answered ones come by ascending wait. */
static int64_t p90(const struct report_sample *v, size_t n, int64_t answered)
{
	int64_t rank = (answered * 9 + 9) / 10, seen = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].end == REPORT_ANSWERED && ++seen == rank)
			return v[i].wait_ms;
	return 0;
}

static void measure(const struct report_sample *v, size_t n, struct report_metric *m)
{
	int64_t within = 0, late = 0, wait = 0, talk = 0, talks = 0;

	memset(m, 0, sizeof(*m));
	m->offered = (int64_t)n;
	for (size_t i = 0; i < n; i++) {
		switch (v[i].end) {
		case REPORT_WAITING:
			m->waiting++;
			break;
		case REPORT_ANSWERED:
			m->answered++;
			wait += v[i].wait_ms;
			talk += v[i].talk_ms;
			talks += v[i].talk_ms > 0;
			within += v[i].wait_ms <= v[i].threshold_ms;
			break;
		case REPORT_ABANDONED:
			m->abandoned++;
			late += v[i].wait_ms > v[i].threshold_ms;
			break;
		case REPORT_LEFT:
			break;
		}
	}
	if (m->answered + m->abandoned)
		m->answer_rate = (double)m->answered / (double)(m->answered + m->abandoned);
	if (m->answered + late)
		m->service_level = (double)within / (double)(m->answered + late);
	if (m->answered)
		m->wait_mean_ms = wait / m->answered;
	if (talks)
		m->talk_mean_ms = talk / talks;
	m->wait_p90_ms = p90(v, n, m->answered);
}

static int by_arrival(const void *a, const void *b)
{
	const struct report_sample *x = a, *y = b;

	return (x->arrived_at > y->arrived_at) - (x->arrived_at < y->arrived_at);
}

void report_metrics(struct report_sample *v, size_t n, int64_t from_at, int64_t interval_ms, int rows, struct report_metric *out,
		    struct report_metric *total)
{
	struct report_sample none;
	size_t first, i = 0;

	v = v ? v : &none;
	if (n)
		qsort(v, n, sizeof(*v), by_arrival);
	while (i < n && v[i].arrived_at < from_at)
		i++;
	first = i;
	for (int r = 0; r < rows; r++) {
		int64_t end = from_at + (r + 1) * interval_ms;
		size_t begin = i;

		while (i < n && v[i].arrived_at < end)
			i++;
		if (i > begin)
			qsort(v + begin, i - begin, sizeof(*v), by_wait);
		measure(v + begin, i - begin, &out[r]);
	}
	if (total) {
		if (i > first)
			qsort(v + first, i - first, sizeof(*v), by_wait);
		measure(v + first, i - first, total);
	}
}
