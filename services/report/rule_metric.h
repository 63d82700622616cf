/* Metric definitions: what offered, answered, wait and service level mean. Pure. */
#ifndef REPORT_RULE_METRIC_H
#define REPORT_RULE_METRIC_H

#include <stddef.h>
#include <stdint.h>

#define REPORT_SL_NAME "SL-1 v1"
#define REPORT_SL_TEXT "SL-1 v1: 时限内接听 ÷（接听 + 超时限放弃） / answered within t ÷ (answered + abandoned after t)"
#define REPORT_THRESHOLD_MS 15000               /* GB/T 33358: 15 s */

enum report_end { REPORT_WAITING, REPORT_ANSWERED, REPORT_ABANDONED, REPORT_LEFT };    /* LEFT: by a rule (overflow): neither */

/* One item. It counts in the interval in which it arrived, whenever it ended, so that the parts of a row belong together. */
struct report_sample { int64_t arrived_at; enum report_end end; int64_t wait_ms, talk_ms, threshold_ms; };

struct report_metric {
	int64_t offered, answered, abandoned, waiting;
	double answer_rate;                      /* answered / (answered + abandoned); 0 when there is neither */
	int64_t wait_mean_ms, wait_p90_ms;       /* of the answered; p90 by nearest rank */
	double service_level;                    /* SL-1; 0 when its denominator is 0 */
	int64_t talk_mean_ms;                    /* of the answered whose talk is over */
};

/* rows intervals of interval_ms from from_at on. Samples outside are ignored. v is sorted in place. total may be NULL. */
void report_metrics(struct report_sample *v, size_t n, int64_t from_at, int64_t interval_ms, int rows, struct report_metric *out,
		    struct report_metric *total);

#endif
