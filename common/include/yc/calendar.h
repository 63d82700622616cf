/* Working time: due dates as a pure function of events, calendar and target. Knows holidays and make-up working days (调休). */
#ifndef YC_CALENDAR_H
#define YC_CALENDAR_H

#include <stdint.h>
#include <stdio.h>

#include "yc/err.h"

#define YC_CAL_SPANS 4                           /* opening spans of one day */

struct yc_cal_span { int16_t open_min, close_min; };     /* minutes since local midnight; close > open; 1440 = midnight */
struct yc_cal_hours { int n; struct yc_cal_span span[YC_CAL_SPANS]; };   /* n = 0: closed */
struct yc_cal_day {                              /* an exception, one date */
	int32_t date;                            /* 20261001, local */
	struct yc_cal_hours hours;               /* closed for a holiday, normal hours for a make-up working day */
	char name[48];                           /* "国庆节" */
};

struct yc_calendar {
	char code[32];
	int32_t utc_offset_min;                  /* China: 480; no daylight saving here */
	struct yc_cal_hours week[7];             /* [0] = Monday */
	const struct yc_cal_day *days;           /* sorted by date */
	int n_days;
	int32_t first_year, last_year;           /* years whose holidays are known; outside is an error, never silently weekdays */
};

/* Start or stop of a clock. Lists are sorted by at. */
struct yc_clock_event { int64_t at; int run; };  /* run = 1: the clock runs from here, 0: it is paused */
/* One line of a due date's unfolding: between from and to this much working time was counted. */
struct yc_due_line { int64_t from, to, counted_ms; int run; };

/* Is the table well formed: spans ordered and apart, dates ordered, years and offset sane? INVALID names the field ("days.3.hours"). The
 * functions below rely on it. */
enum yc_code yc_cal_check(const struct yc_calendar *c, struct yc_err *e) YC_MUST;

/* Working ms between two instants (0 when to <= from). INVALID ("calendar") when a year is unknown. */
enum yc_code yc_cal_between(const struct yc_calendar *c, int64_t from, int64_t to, int64_t *ms, struct yc_err *e) YC_MUST;
/* The earliest instant at which work_ms (>= 0) of working time have passed since from. */
enum yc_code yc_cal_add(const struct yc_calendar *c, int64_t from, int64_t work_ms, int64_t *at, struct yc_err *e) YC_MUST;
int yc_cal_is_open(const struct yc_calendar *c, int64_t at);   /* 1, 0, or -1 when the year is unknown */
/* Due date of a clock with these starts and stops: *due = 0 while it is paused. lines (may be NULL) receives at most max lines, *n set
 * (may be NULL without lines). With a due date the lines sum to the target, and the last ends there: what happened later does not count.
 * While paused, the last line has run = 0 and to = 0. */
enum yc_code yc_due(const struct yc_calendar *c, const struct yc_clock_event *ev, int n_ev, int64_t target_ms,
		    int64_t *due, struct yc_due_line *lines, int max, int *n, struct yc_err *e) YC_MUST;
/* Local date yyyymmdd of an instant, and the start of a local date. */
int32_t yc_cal_date(const struct yc_calendar *c, int64_t at);
int64_t yc_cal_midnight(const struct yc_calendar *c, int32_t date);

#endif
