/* Today's table, and the totals. */
#include "report.h"

#include <stdio.h>
#include <string.h>

#include "yc/clock.h"
#include "yc/text.h"

/* A table may be as old as so many times what it cost to make it: many walls asking at once cost at most a few per cent. */
#define CACHE_TIMES 25

struct report_cached {
	char queue[64];
	int64_t day, interval_ms, made_us, fresh_us, to;
	struct report_metric rows[REPORT_ROWS_MAX], total;
	int n;
};

int64_t report_day_start(const char *date, int64_t now)
{
	int y, m, d, used = 0;
	int64_t days;

	if (yc_is_empty(date))
		return (now + REPORT_ZONE_MS) / REPORT_DAY_MS * REPORT_DAY_MS - REPORT_ZONE_MS;
	if (strlen(date) != 10 || sscanf(date, "%4d-%2d-%2d%n", &y, &m, &d, &used) != 3 || used != 10 || y < 1970 || m < 1 || m > 12 || d < 1 || d > 31)
		return -1;
	days = yc_days_of(y, m, d);
	if (yc_date_of_days(days) != y * 10000 + m * 100 + d)
		return -1;
	return days * REPORT_DAY_MS - REPORT_ZONE_MS;
}

char *report_day_text(int64_t at, char out[16])
{
	int32_t date = yc_date_of_days((at + REPORT_ZONE_MS) / REPORT_DAY_MS);

	snprintf(out, 16, "%04d-%02d-%02d", date / 10000 % 10000, date / 100 % 100, date % 100);
	return out;
}

static void fill(Pb__IntervalRow *out, const struct report_metric *m, int64_t from, int64_t to)
{
	out->from_at = from;
	out->to_at = to;
	out->offered = m->offered;
	out->answered = m->answered;
	out->abandoned = m->abandoned;
	out->waiting = m->waiting;
	out->answer_rate = m->answer_rate;
	out->wait_mean_ms = m->wait_mean_ms;
	out->wait_p90_ms = m->wait_p90_ms;
	out->service_level = m->service_level;
	out->talk_mean_ms = m->talk_mean_ms;
}

/* Whole intervals up to now; a past day has all of them. */
static int rows_until(int64_t day, int64_t interval_ms, int64_t now)
{
	int64_t end = now < day + REPORT_DAY_MS ? now : day + REPORT_DAY_MS - 1;

	return end < day ? 0 : (int)((end - day) / interval_ms) + 1;
}

static enum yc_code compute(struct report *r, struct report_cached *c, struct yc_err *e)
{
	int64_t began = yc_mono_us();
	struct report_sample *v;
	size_t n;
	enum yc_code rc;

	c->n = rows_until(c->day, c->interval_ms, yc_now());
	c->to = c->day + c->n * c->interval_ms;
	if (c->to > c->day + REPORT_DAY_MS)
		c->to = c->day + REPORT_DAY_MS;
	rc = report_store_items(r, c->day, c->to, c->queue, &v, &n, e);
	if (rc)
		return rc;
	report_metrics(v, n, c->day, c->interval_ms, c->n, c->rows, &c->total);
	yc_xfree(v);
	c->made_us = yc_mono_us();
	c->fresh_us = (c->made_us - began) * CACHE_TIMES;
	return YC_OK;
}

static enum yc_code table(struct report *r, const Pb__TodayReq *in, int64_t day, int64_t interval_ms, struct yc_err *e)
{
	struct report_cached *c = r->today;
	enum yc_code rc;

	if (c && yc_streq(c->queue, in->queue) && c->day == day && c->interval_ms == interval_ms && yc_mono_us() - c->made_us < c->fresh_us)
		return YC_OK;
	if (!c)
		c = r->today = yc_xcalloc(1, sizeof(*c));
	yc_copy(c->queue, sizeof(c->queue), in->queue);
	c->day = day;
	c->interval_ms = interval_ms;
	rc = compute(r, c, e);
	if (rc)
		report_today_free(r);
	return rc;
}

void report_today_free(struct report *r)
{
	yc_xfree(r->today);
	r->today = NULL;
}

static enum yc_code check(const Pb__TodayReq *in, int64_t *day, int64_t *interval_ms, struct yc_err *e)
{
	*day = report_day_start(in->date, yc_now());
	if (*day < 0)
		return yc_fail(e, YC_INVALID, "date", "a date as in 2026-11-22 is expected");
	*interval_ms = in->interval_ms ? in->interval_ms : REPORT_INTERVAL_MS;
	if (*interval_ms < REPORT_DAY_MS / REPORT_ROWS_MAX || *interval_ms > REPORT_DAY_MS)
		return yc_fail(e, YC_INVALID, "interval_ms", "an interval has between one minute and one day");
	if (strlen(in->queue) >= sizeof(((struct report_cached *)NULL)->queue))
		return yc_fail(e, YC_INVALID, "queue", "the code is too long");
	return YC_OK;
}

enum yc_code report_on_today(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__TodayReq *in = vin;
	struct report *r = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	Pb__TodayReply *out = vout;
	int64_t day = 0, interval_ms = 0;
	enum yc_code rc = check(in, &day, &interval_ms, e);
	char text[16];

	if (rc || (rc = table(r, in, day, interval_ms, e)))
		return rc;
	out->date = yc_strdup(a, report_day_text(day, text));
	out->zone = (char *)REPORT_ZONE;
	out->queue = in->queue;
	out->formula = (char *)REPORT_SL_TEXT;
	out->threshold_ms = report_threshold(r, in->queue);
	for (int i = 0; i < r->today->n; i++) {
		Pb__IntervalRow *row = yc_pb_add(a, &pb__interval_row__descriptor, &out->rows, &out->n_rows);
		int64_t from = day + i * interval_ms;

		if (!row)
			return yc_fail(e, YC_TOO_LARGE, "interval_ms", "too many intervals for one reply");
		fill(row, &r->today->rows[i], from, from + interval_ms < day + REPORT_DAY_MS ? from + interval_ms : day + REPORT_DAY_MS);
	}
	out->total = yc_pb_new(a, &pb__interval_row__descriptor);
	if (!out->total || !out->date)
		return yc_fail(e, YC_TOO_LARGE, "interval_ms", "too many intervals for one reply");
	fill(out->total, &r->today->total, day, r->today->to);
	return YC_OK;
}

enum yc_code report_on_count(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	return report_store_totals(yc_req_self(rq), out, e);
}
