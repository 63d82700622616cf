#include "yct.h"

#include <math.h>
#include <stdlib.h>

#include "report/rule_metric.h"

#define MIN 60000LL
static struct report_metric rows[96], total;

static int near(double a, double b) { return fabs(a - b) < 1e-9; }

static struct report_sample answered(int64_t at, int64_t wait_ms, int64_t talk_ms)
{
	return (struct report_sample){ at, REPORT_ANSWERED, wait_ms, talk_ms, 15000 };
}

static struct report_sample abandoned(int64_t at, int64_t wait_ms)
{
	return (struct report_sample){ at, REPORT_ABANDONED, wait_ms, 0, 15000 };
}

static void an_empty_interval_has_zeroes_and_divides_by_nothing(void)
{
	report_metrics(NULL, 0, 0, 15 * MIN, 2, rows, &total);
	CU_ASSERT_EQUAL(rows[1].offered, 0);
	CU_ASSERT(near(rows[0].answer_rate, 0) && near(rows[0].service_level, 0));
	CU_ASSERT_EQUAL(total.wait_p90_ms, 0);
}

static void an_item_counts_where_it_arrived(void)
{
	struct report_sample v[] = { answered(15 * MIN, 1, 1), answered(15 * MIN - 1, 1, 1), answered(-1, 1, 1), answered(30 * MIN, 1, 1), answered(0, 1, 1) };

	report_metrics(v, 5, 0, 15 * MIN, 2, rows, &total);
	CU_ASSERT_EQUAL(rows[0].offered, 2);
	CU_ASSERT_EQUAL(rows[1].offered, 1);
	CU_ASSERT_EQUAL(total.offered, 3);
}

static void the_answer_rate_leaves_out_who_still_waits_or_left_by_a_rule(void)
{
	struct report_sample v[] = { answered(1, 1000, 1), answered(1, 1000, 1), answered(1, 1000, 1), abandoned(1, 60000),
		{ 1, REPORT_WAITING, 0, 0, 15000 }, { 1, REPORT_LEFT, 0, 0, 15000 } };

	report_metrics(v, 6, 0, 15 * MIN, 1, rows, NULL);
	CU_ASSERT_EQUAL(rows[0].offered, 6);
	CU_ASSERT_EQUAL(rows[0].waiting, 1);
	CU_ASSERT_EQUAL(rows[0].answered, 3);
	CU_ASSERT_EQUAL(rows[0].abandoned, 1);
	CU_ASSERT(near(rows[0].answer_rate, 0.75));
}

static void sl_1_forgives_early_abandons_and_counts_late_answers_against_us(void)
{
	struct report_sample v[] = { answered(1, 15000, 1), answered(1, 15001, 1), answered(1, 3000, 1), abandoned(1, 15000), abandoned(1, 15001) };

	report_metrics(v, 5, 0, 15 * MIN, 1, rows, NULL);
	CU_ASSERT(near(rows[0].service_level, 2.0 / 4));    /* two within; two late answers count as one, one abandon after 15 s */
}

static void each_item_is_judged_by_its_own_queues_threshold(void)
{
	struct report_sample v[] = { answered(1, 20000, 1), answered(1, 20000, 1) };

	v[1].threshold_ms = 30000;
	report_metrics(v, 2, 0, 15 * MIN, 1, rows, NULL);
	CU_ASSERT(near(rows[0].service_level, 0.5));
}

static void mean_and_p90_are_of_the_answered_by_nearest_rank(void)
{
	struct report_sample v[21];

	for (int i = 0; i < 20; i++)
		v[i] = answered(i, (20 - i) * 1000, i % 2 ? 60000 : 0);
	v[20] = abandoned(5, 999000);
	report_metrics(v, 21, 0, 15 * MIN, 1, rows, &total);
	CU_ASSERT_EQUAL(rows[0].wait_mean_ms, 10500);
	CU_ASSERT_EQUAL(rows[0].wait_p90_ms, 18000);        /* the 18th of 20 */
	CU_ASSERT_EQUAL(total.wait_p90_ms, 18000);
	CU_ASSERT_EQUAL(rows[0].talk_mean_ms, 60000);       /* of talks that are over */
	v[0] = answered(1, 7000, 0);
	report_metrics(v, 1, 0, 15 * MIN, 1, rows, NULL);
	CU_ASSERT_EQUAL(rows[0].wait_p90_ms, 7000);
}

static void the_total_is_counted_anew_not_averaged_from_rows(void)
{
	struct report_sample v[] = { answered(1, 0, 1), answered(2, 0, 1), answered(3, 0, 1), abandoned(20 * MIN, 20000) };

	report_metrics(v, 4, 0, 15 * MIN, 2, rows, &total);
	CU_ASSERT(near(rows[0].answer_rate, 1));
	CU_ASSERT(near(rows[1].answer_rate, 0));
	CU_ASSERT(near(total.answer_rate, 0.75));
}

/* The oracle: every definition written out by itself, over random days. */
static void ten_thousand_random_items_agree_with_a_naive_count(void)
{
	enum { N = 10000, ROWS = 96 };
	static struct report_sample v[N], copy[N];
	static struct report_metric all[ROWS];

	srandom(7);
	for (int i = 0; i < N; i++) {
		v[i] = (struct report_sample){ random() % (ROWS * 15 * MIN), (enum report_end)(random() % 4), random() % 40000, random() % 200000, 15000 };
		copy[i] = v[i];
	}
	report_metrics(v, N, 0, 15 * MIN, ROWS, all, &total);
	CU_ASSERT_EQUAL(total.offered, N);
	for (int r = 0; r < ROWS; r++) {
		int64_t n[4] = { 0 }, within = 0, late = 0, below = 0;

		for (int i = 0; i < N; i++) {
			if (copy[i].arrived_at / (15 * MIN) != r)
				continue;
			n[copy[i].end]++;
			within += copy[i].end == REPORT_ANSWERED && copy[i].wait_ms <= 15000;
			late += copy[i].end == REPORT_ABANDONED && copy[i].wait_ms > 15000;
			below += copy[i].end == REPORT_ANSWERED && copy[i].wait_ms <= all[r].wait_p90_ms;
		}
		CU_ASSERT_EQUAL(all[r].answered, n[REPORT_ANSWERED]);
		CU_ASSERT_EQUAL(all[r].abandoned, n[REPORT_ABANDONED]);
		CU_ASSERT(near(all[r].service_level, (double)within / (double)(n[REPORT_ANSWERED] + late)));
		CU_ASSERT(below * 10 >= n[REPORT_ANSWERED] * 9 && (below - 1) * 10 < n[REPORT_ANSWERED] * 9 + 10);
	}
}

YCT_MAIN("report_metric", T(an_empty_interval_has_zeroes_and_divides_by_nothing), T(an_item_counts_where_it_arrived),
	 T(the_answer_rate_leaves_out_who_still_waits_or_left_by_a_rule), T(sl_1_forgives_early_abandons_and_counts_late_answers_against_us),
	 T(each_item_is_judged_by_its_own_queues_threshold), T(mean_and_p90_are_of_the_answered_by_nearest_rank),
	 T(the_total_is_counted_anew_not_averaged_from_rows), T(ten_thousand_random_items_agree_with_a_naive_count))
