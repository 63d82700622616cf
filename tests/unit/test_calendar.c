#include "yct.h"

#include <stdlib.h>
#include <string.h>

#include "yc/calendar.h"
#include "yc/clock.h"
#include "yc/crypto.h"

enum { MIN = 60000, HOUR = 60 * MIN, DAY = 24 * HOUR };

/* 2026 in China: National Day 1 to 7 October; Saturday the 10th is worked instead; a short Friday. Mornings and afternoons. */
static const struct yc_cal_hours office = { 2, { { 9 * 60, 12 * 60 }, { 13 * 60, 17 * 60 } } };
static struct yc_cal_day days[] = {
	{ 20261001, { 0 }, "国庆节" }, { 20261002, { 0 }, "国庆节" }, { 20261003, { 0 }, "国庆节" }, { 20261004, { 0 }, "国庆节" },
	{ 20261005, { 0 }, "国庆节" }, { 20261006, { 0 }, "国庆节" }, { 20261007, { 0 }, "国庆节" },
	{ 20261010, { 2, { { 9 * 60, 12 * 60 }, { 13 * 60, 17 * 60 } } }, "国庆节调休" },
	{ 20261023, { 1, { { 9 * 60, 12 * 60 } } }, "半天" },
};
static struct yc_calendar cal = {
	.code = "yn", .utc_offset_min = 480, .days = days, .n_days = sizeof(days) / sizeof(days[0]), .first_year = 2026, .last_year = 2027,
};
static struct yc_err e;

static void begin(void)
{
	memset(&e, 0, sizeof(e));
	for (int i = 0; i < 7; i++)
		cal.week[i] = i < 5 ? office : (struct yc_cal_hours){ 0 };
}

/* "2026-10-08 09:30" in China. */
static int64_t at(const char *s)
{
	char full[40];
	int64_t ms = -1;

	snprintf(full, sizeof(full), "%s:00+08:00", s);
	CU_ASSERT_EQUAL_FATAL(yc_rfc3339_parse(full, &ms), 0);
	return ms;
}

static int64_t between(const char *from, const char *to)
{
	int64_t ms = -1;

	YCT_OK(yc_cal_between(&cal, at(from), at(to), &ms, yct_err()));
	return ms / MIN;
}

static int64_t add(const char *from, int64_t minutes)
{
	int64_t t = -1;

	YCT_OK(yc_cal_add(&cal, at(from), minutes * MIN, &t, yct_err()));
	return t;
}

static void only_opening_hours_count(void)
{
	CU_ASSERT_EQUAL(between("2026-09-28 09:00", "2026-09-28 17:00"), 7 * 60);
	CU_ASSERT_EQUAL(between("2026-09-28 00:00", "2026-09-29 00:00"), 7 * 60);
	CU_ASSERT_EQUAL(between("2026-09-28 11:59", "2026-09-28 13:01"), 2);
	CU_ASSERT_EQUAL(between("2026-09-28 12:00", "2026-09-28 13:00"), 0);
	CU_ASSERT_EQUAL(between("2026-09-28 16:00", "2026-09-29 10:00"), 120);
	CU_ASSERT_EQUAL(between("2026-09-26 00:00", "2026-09-28 00:00"), 0);      /* a weekend */
	CU_ASSERT_EQUAL(between("2026-09-28 17:00", "2026-09-28 09:00"), 0);
}

static void holidays_rest_and_make_up_days_work(void)
{
	CU_ASSERT_EQUAL(between("2026-10-01 00:00", "2026-10-08 00:00"), 0);
	CU_ASSERT_EQUAL(between("2026-09-30 16:00", "2026-10-08 10:00"), 120);
	CU_ASSERT_EQUAL(between("2026-10-10 00:00", "2026-10-11 00:00"), 7 * 60);    /* a Saturday */
	CU_ASSERT_EQUAL(between("2026-10-17 00:00", "2026-10-18 00:00"), 0);         /* the next one */
	CU_ASSERT_EQUAL(between("2026-10-23 00:00", "2026-10-24 00:00"), 3 * 60);
	CU_ASSERT_EQUAL(yc_cal_is_open(&cal, at("2026-10-01 10:00")), 0);
	CU_ASSERT_EQUAL(yc_cal_is_open(&cal, at("2026-10-10 10:00")), 1);
}

static void due_times_skip_what_is_closed(void)
{
	CU_ASSERT_EQUAL(add("2026-09-28 09:00", 60), at("2026-09-28 10:00"));
	CU_ASSERT_EQUAL(add("2026-09-28 11:30", 60), at("2026-09-28 13:30"));
	CU_ASSERT_EQUAL(add("2026-09-30 16:30", 60), at("2026-10-08 09:30"));
	CU_ASSERT_EQUAL(add("2026-10-09 16:30", 60), at("2026-10-10 09:30"));
	CU_ASSERT_EQUAL(add("2026-09-28 20:00", 30), at("2026-09-29 09:30"));
	CU_ASSERT_EQUAL(add("2026-09-28 09:00", 7 * 60), at("2026-09-28 17:00"));    /* the earliest such instant: the close, not the next open */
	CU_ASSERT_EQUAL(add("2026-09-28 09:00", 3 * 60), at("2026-09-28 12:00"));
	CU_ASSERT_EQUAL(add("2026-09-26 03:00", 0), at("2026-09-26 03:00"));
}

static void doors_open_at_the_first_and_shut_at_the_last_minute(void)
{
	CU_ASSERT_EQUAL(yc_cal_is_open(&cal, at("2026-09-28 09:00") - 1), 0);
	CU_ASSERT_EQUAL(yc_cal_is_open(&cal, at("2026-09-28 09:00")), 1);
	CU_ASSERT_EQUAL(yc_cal_is_open(&cal, at("2026-09-28 12:00") - 1), 1);
	CU_ASSERT_EQUAL(yc_cal_is_open(&cal, at("2026-09-28 12:00")), 0);
}

static void a_span_to_midnight_joins_the_next_day(void)
{
	for (int i = 0; i < 7; i++)
		cal.week[i] = (struct yc_cal_hours){ 1, { { 0, 1440 } } };
	CU_ASSERT_EQUAL(between("2026-09-28 23:59", "2026-09-29 00:01"), 2);
	CU_ASSERT_EQUAL(add("2026-09-28 23:59", 2), at("2026-09-29 00:01"));
	CU_ASSERT_EQUAL(add("2026-09-30 23:59", 2), at("2026-10-08 00:01"));         /* the holidays stay closed */
}

static void an_unknown_year_is_an_error_and_never_weekdays(void)
{
	int64_t v;

	CU_ASSERT_EQUAL(yc_cal_between(&cal, at("2025-12-31 23:59"), at("2026-01-02 00:00"), &v, &e), YC_INVALID);
	YCT_STR(e.field, "calendar");
	YCT_STR(e.msg, "calendar yn knows the holidays of 2026 to 2027, not of 2025");
	YCT_OK(yc_cal_between(&cal, at("2026-01-01 00:00"), at("2028-01-01 00:00"), &v, yct_err()));
	CU_ASSERT_EQUAL(yc_cal_between(&cal, at("2026-01-01 00:00"), at("2028-01-01 00:00") + 1, &v, &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_cal_add(&cal, at("2027-12-31 16:00"), 2 * HOUR, &v, &e), YC_INVALID);
	YCT_OK(yc_cal_add(&cal, at("2027-12-31 16:00"), HOUR, &v, yct_err()));
	CU_ASSERT_EQUAL(v, at("2027-12-31 17:00"));
	CU_ASSERT_EQUAL(yc_cal_add(&cal, at("2028-01-01 00:00"), 0, &v, &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_cal_is_open(&cal, at("2028-01-03 10:00")), -1);
	CU_ASSERT_EQUAL(yc_cal_is_open(&cal, at("2027-12-31 10:00")), 1);
}

static void senseless_times_are_refused(void)
{
	int64_t v;

	CU_ASSERT_EQUAL(yc_cal_add(&cal, at("2026-09-28 09:00"), -1, &v, &e), YC_INVALID);
	YCT_STR(e.field, "work_ms");
	CU_ASSERT_EQUAL(yc_cal_add(&cal, INT64_MAX, 1, &v, &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_cal_between(&cal, INT64_MIN, 1, &v, &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_cal_add(&cal, at("2026-09-28 09:00"), INT64_MAX, &v, &e), YC_INVALID);
	YCT_STR(e.field, "calendar");
}

static void dates_are_local(void)
{
	CU_ASSERT_EQUAL(yc_cal_date(&cal, at("2026-10-01 00:00")), 20261001);
	CU_ASSERT_EQUAL(yc_cal_date(&cal, at("2026-10-01 00:00") - 1), 20260930);
	CU_ASSERT_EQUAL(yc_cal_midnight(&cal, 20261001), at("2026-10-01 00:00"));
	CU_ASSERT_EQUAL(yc_cal_midnight(&cal, 20240229), at("2024-02-29 00:00"));
	CU_ASSERT_EQUAL(yc_cal_date(&cal, 0), 19700101);
}

static void ill_formed_calendars_are_named(void)
{
	struct yc_cal_day d[2];
	struct yc_calendar c = cal;

	YCT_OK(yc_cal_check(&cal, yct_err()));
	c.week[2] = (struct yc_cal_hours){ 2, { { 540, 720 }, { 700, 800 } } };
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	YCT_STR(e.field, "week.2");
	c = cal;
	c.week[6] = (struct yc_cal_hours){ 1, { { 600, 600 } } };
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	YCT_STR(e.field, "week.6");
	c = cal;
	c.week[0] = (struct yc_cal_hours){ 1, { { 600, 1441 } } };
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	c.week[0] = (struct yc_cal_hours){ .n = 5 };
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	c.week[0] = (struct yc_cal_hours){ 1, { { -1, 60 } } };
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	c = cal;
	memcpy(d, days, sizeof(d));
	c.days = d;
	c.n_days = 2;
	d[1].date = d[0].date;
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	YCT_STR(e.field, "days.1");
	d[1].date = 20260931;
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	d[1] = (struct yc_cal_day){ .date = 20261002, .hours = { 1, { { 600, 500 } } } };
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	YCT_STR(e.field, "days.1");
	c = cal;
	c.last_year = 2025;
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	YCT_STR(e.field, "last_year");
	c = cal;
	c.utc_offset_min = 5000;
	CU_ASSERT_EQUAL(yc_cal_check(&c, &e), YC_INVALID);
	YCT_STR(e.field, "utc_offset_min");
}

/* --- due dates */

static struct yc_due_line lines[16];
static int n_lines;

static int64_t due(const struct yc_clock_event *ev, int n, int64_t target_min)
{
	int64_t t = -1;

	YCT_OK(yc_due(&cal, ev, n, target_min * MIN, &t, lines, 16, &n_lines, yct_err()));
	return t;
}

static int64_t counted(void)
{
	int64_t sum = 0;

	for (int i = 0; i < n_lines; i++)
		sum += lines[i].counted_ms;
	return sum / MIN;
}

static void a_running_clock_is_due_after_its_target(void)
{
	struct yc_clock_event ev[] = { { at("2026-09-30 16:00"), 1 } };

	CU_ASSERT_EQUAL(due(ev, 1, 120), at("2026-10-08 10:00"));
	CU_ASSERT_EQUAL(n_lines, 1);
	CU_ASSERT_EQUAL(lines[0].from, ev[0].at);
	CU_ASSERT_EQUAL(lines[0].to, at("2026-10-08 10:00"));
	CU_ASSERT_EQUAL(lines[0].run, 1);
	CU_ASSERT_EQUAL(counted(), 120);
}

static void a_paused_clock_has_no_due_date(void)
{
	struct yc_clock_event ev[] = { { at("2026-09-28 09:00"), 1 }, { at("2026-09-28 10:00"), 0 }, { at("2026-09-28 15:00"), 1 } };

	CU_ASSERT_EQUAL(due(ev, 2, 120), 0);
	CU_ASSERT_EQUAL(n_lines, 2);
	CU_ASSERT_EQUAL(counted(), 60);
	CU_ASSERT_EQUAL(lines[1].run, 0);
	CU_ASSERT_EQUAL(lines[1].to, 0);
	CU_ASSERT_EQUAL(due(ev, 3, 120), at("2026-09-28 16:00"));
	CU_ASSERT_EQUAL(n_lines, 3);
	CU_ASSERT_EQUAL(lines[1].to, ev[2].at);
	CU_ASSERT_EQUAL(lines[1].counted_ms, 0);
	CU_ASSERT_EQUAL(counted(), 120);
	CU_ASSERT_EQUAL(due(ev, 0, 120), 0);
	CU_ASSERT_EQUAL(n_lines, 0);
}

static void a_target_reached_before_a_pause_stays_due_then(void)
{
	struct yc_clock_event ev[] = { { at("2026-09-28 09:00"), 1 }, { at("2026-09-28 12:00"), 0 }, { at("2026-09-28 15:00"), 1 } };

	CU_ASSERT_EQUAL(due(ev, 3, 120), at("2026-09-28 11:00"));
	CU_ASSERT_EQUAL(n_lines, 1);
	CU_ASSERT_EQUAL(counted(), 120);
	CU_ASSERT_EQUAL(due(ev, 3, 180), at("2026-09-28 12:00"));      /* exactly at the pause */
	CU_ASSERT_EQUAL(due(ev, 3, 0), at("2026-09-28 09:00"));
}

static void repeated_and_simultaneous_events_count_once(void)
{
	struct yc_clock_event ev[] = { { at("2026-09-28 08:00"), 0 }, { at("2026-09-28 09:00"), 0 }, { at("2026-09-28 09:00"), 1 },
		{ at("2026-09-28 09:30"), 1 }, { at("2026-09-28 10:00"), 0 }, { at("2026-09-28 10:00"), 1 }, { at("2026-09-28 10:30"), 1 } };

	CU_ASSERT_EQUAL(due(ev, 7, 120), at("2026-09-28 11:00"));
	CU_ASSERT_EQUAL(n_lines, 2);
	CU_ASSERT_EQUAL(lines[0].run, 0);
	CU_ASSERT_EQUAL(lines[1].from, at("2026-09-28 09:00"));
	CU_ASSERT_EQUAL(counted(), 120);
	CU_ASSERT_EQUAL(due(ev + 1, 6, 120), at("2026-09-28 11:00"));         /* the very first two at one instant: no empty line */
	CU_ASSERT_EQUAL(n_lines, 1);
	CU_ASSERT_EQUAL(due(ev, 3, 120), at("2026-09-28 11:00"));
	CU_ASSERT_EQUAL(due(ev, 2, 120), 0);
	CU_ASSERT_EQUAL(n_lines, 1);
}

static void disordered_events_and_unknown_years_are_refused(void)
{
	struct yc_clock_event ev[] = { { at("2026-09-28 09:00"), 1 }, { at("2026-09-28 08:00"), 0 } };
	struct yc_clock_event late[] = { { at("2027-12-31 16:00"), 1 } };
	int64_t t;

	CU_ASSERT_EQUAL(yc_due(&cal, ev, 2, 1, &t, NULL, 0, NULL, &e), YC_INVALID);
	YCT_STR(e.field, "events");
	CU_ASSERT_EQUAL(yc_due(&cal, ev, 1, -1, &t, NULL, 0, NULL, &e), YC_INVALID);
	YCT_STR(e.field, "target_ms");
	CU_ASSERT_EQUAL(yc_due(&cal, late, 1, 5 * HOUR, &t, NULL, 0, NULL, &e), YC_INVALID);
	YCT_STR(e.field, "calendar");
	CU_ASSERT_EQUAL(yc_due(&cal, late, 1, HOUR, &t, lines, 0, &n_lines, &e), YC_OK);
	CU_ASSERT_EQUAL(n_lines, 0);
}

/* --- against a clock that looks at every minute */

static uint32_t pick(uint32_t n)
{
	uint32_t r;

	yc_random(&r, sizeof(r));
	return r % n;
}

static struct yc_cal_hours random_hours(void)
{
	struct yc_cal_hours h = { .n = (int)pick(YC_CAL_SPANS + 1) };
	int cut[2 * YC_CAL_SPANS], n = 0;

	if (pick(8) == 0)
		return (struct yc_cal_hours){ 1, { { 0, 1440 } } };
	while (n < 2 * h.n) {           /* distinct cuts in order */
		int x = (int)pick(1441), i = n;

		for (int k = 0; k < n; k++)
			if (cut[k] == x)
				x = -1;
		if (x < 0)
			continue;
		for (; i > 0 && cut[i - 1] > x; i--)
			cut[i] = cut[i - 1];
		cut[i] = x;
		n++;
	}
	for (int i = 0; i < h.n; i++)
		h.span[i] = (struct yc_cal_span){ (int16_t)cut[2 * i], (int16_t)cut[2 * i + 1] };
	if (h.n >= 2 && pick(4) == 0)
		h.span[1].open_min = h.span[0].close_min;       /* spans may touch */
	return h;
}

static void random_calendar(struct yc_calendar *c, struct yc_cal_day *d, int *n)
{
	static const int offsets[] = { 480, 0, -330, 345, 840 };
	int64_t day = yc_days_of(2026, 1, 1);

	*c = (struct yc_calendar){ .code = "r", .utc_offset_min = offsets[pick(5)], .first_year = 2026, .last_year = 2026 };
	for (int i = 0; i < 7; i++)
		c->week[i] = pick(5) ? random_hours() : (struct yc_cal_hours){ 0 };
	for (*n = 0; *n < 60 && (day += 1 + (int64_t)pick(12)) < yc_days_of(2027, 1, 1); (*n)++)
		d[*n] = (struct yc_cal_day){ .date = yc_date_of_days(day), .hours = pick(2) ? random_hours() : (struct yc_cal_hours){ 0 } };
	c->days = d;
	c->n_days = *n;
}

/* Is this minute open? By linear search, weekday by counting. */
static int naive_open(const struct yc_calendar *c, int64_t t)
{
	int64_t shifted = t + (int64_t)c->utc_offset_min * MIN, day = shifted / DAY;
	int minute = (int)(shifted % DAY / MIN), date = yc_date_of_days(day);
	const struct yc_cal_hours *h = &c->week[(day + 3) % 7];

	for (int i = 0; i < c->n_days; i++)
		if (c->days[i].date == date)
			h = &c->days[i].hours;
	for (int i = 0; i < h->n; i++)
		if (minute >= h->span[i].open_min && minute < h->span[i].close_min)
			return 1;
	return 0;
}

static void random_calendars_agree_with_a_minute_by_minute_count(void)
{
	static struct yc_cal_day d[60];
	struct yc_calendar c;
	int n;

	for (int round = 0; round < 400; round++) {
		int64_t from, to, got, back, want = 0;

		random_calendar(&c, d, &n);
		YCT_OK(yc_cal_check(&c, yct_err()));
		from = yc_cal_midnight(&c, 20260101) + (int64_t)pick(340 * 1440) * MIN;
		to = from + (int64_t)pick(20 * 1440) * MIN;
		for (int64_t t = from; t < to; t += MIN)
			want += naive_open(&c, t) * (int64_t)MIN;
		YCT_OK(yc_cal_between(&c, from, to, &got, yct_err()));
		CU_ASSERT_EQUAL_FATAL(got, want);
		CU_ASSERT_EQUAL_FATAL(yc_cal_is_open(&c, from + (int64_t)pick(MIN)), naive_open(&c, from));
		/* add() is the inverse: as much work lies before its answer, and none of it in the last ms before would do. */
		YCT_OK(yc_cal_add(&c, from, want, &back, yct_err()));
		CU_ASSERT_FATAL(back <= to);
		YCT_OK(yc_cal_between(&c, from, back, &got, yct_err()));
		CU_ASSERT_EQUAL_FATAL(got, want);
		if (want) {
			YCT_OK(yc_cal_between(&c, from, back - 1, &got, yct_err()));
			CU_ASSERT_EQUAL_FATAL(got, want - 1);
		}
	}
}

static void working_time_adds_up_at_any_cut(void)
{
	static struct yc_cal_day d[60];
	struct yc_calendar c;
	int n;

	for (int round = 0; round < 2000; round++) {
		int64_t a, b, x, whole, first, second;

		random_calendar(&c, d, &n);
		a = yc_cal_midnight(&c, 20260101) + (int64_t)pick(200) * DAY + (int64_t)pick(DAY);
		x = a + (int64_t)pick(30) * DAY + (int64_t)pick(DAY);
		b = x + (int64_t)pick(60) * DAY + (int64_t)pick(DAY);
		YCT_OK(yc_cal_between(&c, a, b, &whole, yct_err()));
		YCT_OK(yc_cal_between(&c, a, x, &first, yct_err()));
		YCT_OK(yc_cal_between(&c, x, b, &second, yct_err()));
		CU_ASSERT_EQUAL_FATAL(whole, first + second);
	}
}

/* Walks minute by minute with the clock's events; the minute in which the target is used up ends at the due date. */
static int64_t naive_due(const struct yc_calendar *c, const struct yc_clock_event *ev, int n, int64_t target_min, int64_t end)
{
	int run = 0, k = 0;

	for (int64_t t = ev[0].at; t < end; t += MIN) {
		while (k < n && ev[k].at <= t)
			run = ev[k++].run;
		if (run && naive_open(c, t) && --target_min == 0)
			return t + MIN;
	}
	return 0;
}

static void random_due_dates_agree_and_their_lines_sum_to_the_target(void)
{
	static struct yc_cal_day d[60];
	struct yc_clock_event ev[8];
	struct yc_calendar c;
	int n, dated = 0, paused = 0;

	for (int round = 0; round < 600; round++) {
		int64_t target = 1 + (int64_t)pick(3000), got, want, end, sum = 0;
		int n_ev = 1 + (int)pick(8);

		random_calendar(&c, d, &n);
		ev[0] = (struct yc_clock_event){ yc_cal_midnight(&c, 20260101) + (int64_t)pick(100 * 1440) * MIN, 1 };
		for (int i = 1; i < n_ev; i++)
			ev[i] = (struct yc_clock_event){ ev[i - 1].at + (int64_t)pick(2000) * MIN, (int)pick(2) };
		end = yc_cal_midnight(&c, 20261231);
		want = naive_due(&c, ev, n_ev, target, end);
		if (!want && ev[n_ev - 1].run)
			continue;       /* nearly always closed: beyond the year */
		YCT_OK(yc_due(&c, ev, n_ev, target * MIN, &got, lines, 16, &n_lines, yct_err()));
		CU_ASSERT_EQUAL_FATAL(got, want);
		for (int i = 0; i < n_lines; i++) {
			sum += lines[i].counted_ms;
			CU_ASSERT_FATAL(lines[i].run || !lines[i].counted_ms);
			CU_ASSERT_FATAL(!i || lines[i].from == lines[i - 1].to);
		}
		if (got) {
			dated++;
			CU_ASSERT_EQUAL_FATAL(sum, target * MIN);
			CU_ASSERT_EQUAL_FATAL(lines[n_lines - 1].to, got);
		} else {
			paused++;
			CU_ASSERT_FATAL(sum < target * MIN);
			CU_ASSERT_FATAL(lines[n_lines - 1].to == 0 && !lines[n_lines - 1].run);
		}
	}
	CU_ASSERT(dated > 200 && paused > 50);
}

YCT_MAIN_WITH("calendar", begin, NULL,
	 T(only_opening_hours_count),
	 T(holidays_rest_and_make_up_days_work),
	 T(due_times_skip_what_is_closed),
	 T(doors_open_at_the_first_and_shut_at_the_last_minute),
	 T(a_span_to_midnight_joins_the_next_day),
	 T(an_unknown_year_is_an_error_and_never_weekdays),
	 T(senseless_times_are_refused),
	 T(dates_are_local),
	 T(ill_formed_calendars_are_named),
	 T(a_running_clock_is_due_after_its_target),
	 T(a_paused_clock_has_no_due_date),
	 T(a_target_reached_before_a_pause_stays_due_then),
	 T(repeated_and_simultaneous_events_count_once),
	 T(disordered_events_and_unknown_years_are_refused),
	 T(random_calendars_agree_with_a_minute_by_minute_count),
	 T(working_time_adds_up_at_any_cut),
	 T(random_due_dates_agree_and_their_lines_sum_to_the_target))
