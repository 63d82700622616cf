/* Metrics in the Prometheus text format: https://prometheus.io/docs/instrumenting/exposition_formats/ */
#ifndef YC_METRIC_H
#define YC_METRIC_H

#include <stdint.h>
#include <stdio.h>

enum yc_metric_kind { YC_COUNTER, YC_GAUGE, YC_HISTOGRAM };

/* One static table per module; register it once at start. Updates are atomic (relaxed), so any thread may count. */
struct yc_metric {
	enum yc_metric_kind kind;
	const char *name;       /* "yc_bus_requests_total" */
	const char *help;
	const char *labels;     /* constant labels, "queue=\"post\"", or NULL */
	_Atomic int64_t value;  /* counter or gauge; histogram: sum in us */
	_Atomic int64_t buckets[12];  /* histogram: <= 100us 250us 500us 1ms 2.5ms 5ms 10ms 25ms 50ms 100ms 1s +Inf, not cumulative here */
	struct yc_metric *next; /* private */
};

void yc_metrics_register(struct yc_metric *m, int n);
void yc_metric_add(struct yc_metric *m, int64_t n);
void yc_metric_set(struct yc_metric *m, int64_t v);
void yc_metric_observe_us(struct yc_metric *m, int64_t us);
/* Print all registered metrics, with process_* (cpu, rss, fds, start time). labels: added to each line (instance="..."), or NULL. */
void yc_metrics_print(FILE *f, const char *labels);

#endif
