#include "rule_calendar.h"

#include "yc/calendar.h"
#include "yc/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int digits(const char *s, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		v = v * 10 + (s[i] - '0');
	}
	return v;
}

int dir_minutes(const char *text)
{
	int h, m;

	if (!text || strlen(text) != 5 || text[2] != ':')
		return -1;
	h = digits(text, 2);
	m = digits(text + 3, 2);
	if (h < 0 || m < 0 || m > 59 || h > 24 || (h == 24 && m))
		return -1;
	return h * 60 + m;
}

int dir_date(const char *text)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y, m, d, max;

	if (!text || strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return 0;
	y = digits(text, 4);
	m = digits(text + 5, 2);
	d = digits(text + 8, 2);
	if (y < 1 || m < 1 || m > 12 || d < 1)
		return 0;
	max = days[m - 1] + (m == 2 && ((y % 4 == 0 && y % 100 != 0) || y % 400 == 0));
	return d > max ? 0 : y * 10000 + m * 100 + d;
}

static enum yc_code check_spans(Pb__CalendarSpan **v, size_t n, const char *where, struct yc_err *e)
{
	int last = 0;
	char f[64];

	if (n > YC_CAL_SPANS) {
		snprintf(f, sizeof(f), "%s.spans", where);
		return yc_fail(e, YC_INVALID, f, "at most %d opening spans a day", YC_CAL_SPANS);
	}
	for (size_t i = 0; i < n; i++) {
		int o = dir_minutes(v[i]->open), c = dir_minutes(v[i]->close);

		snprintf(f, sizeof(f), "%s.spans.%zu.%s", where, i, o < 0 ? "open" : "close");
		if (o < 0 || c < 0)
			return yc_fail(e, YC_INVALID, f, "must be a time of day as HH:MM");
		if (c <= o)
			return yc_fail(e, YC_INVALID, f, "must be later than the opening time");
		if (o < last) {
			snprintf(f, sizeof(f), "%s.spans.%zu.open", where, i);
			return yc_fail(e, YC_INVALID, f, "overlaps the span before it");
		}
		last = c;
	}
	return YC_OK;
}

static enum yc_code check_week(const Pb__Calendar *c, struct yc_err *e)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	unsigned seen = 0;
	char f[32];

	for (size_t i = 0; i < c->n_week; i++) {
		int d = 0;

		while (d < 7 && !yc_streq(names[d], c->week[i]->day))
			d++;
		snprintf(f, sizeof(f), "week.%zu.day", i);
		if (d == 7)
			return yc_fail(e, YC_INVALID, f, "must be one of mon tue wed thu fri sat sun");
		if (seen & (1u << d))
			return yc_fail(e, YC_INVALID, f, "this weekday stands here twice");
		seen |= 1u << d;
		snprintf(f, sizeof(f), "week.%zu", i);
		if (check_spans(c->week[i]->spans, c->week[i]->n_spans, f, e))
			return e->code;
	}
	return YC_OK;
}

static enum yc_code check_days(const Pb__Calendar *c, struct yc_err *e)
{
	int last = 0;
	char f[48];

	for (size_t i = 0; i < c->n_days; i++) {
		const Pb__CalendarDay *day = c->days[i];
		int d = dir_date(day->date);

		snprintf(f, sizeof(f), "days.%zu.date", i);
		if (!d)
			return yc_fail(e, YC_INVALID, f, "must be a date as YYYY-MM-DD");
		if (d <= last)
			return yc_fail(e, YC_INVALID, f, "days must be sorted, each date once");
		last = d;
		if (d / 10000 < c->first_year || d / 10000 > c->last_year)
			return yc_fail(e, YC_INVALID, f, "lies outside first_year..last_year");
		snprintf(f, sizeof(f), "days.%zu.spans", i);
		if (day->closed && day->n_spans)
			return yc_fail(e, YC_INVALID, f, "a closed day has no opening spans");
		if (!day->closed && !day->n_spans)
			return yc_fail(e, YC_INVALID, f, "a day that is not closed needs opening spans");
		snprintf(f, sizeof(f), "days.%zu", i);
		if (check_spans(day->spans, day->n_spans, f, e))
			return e->code;
	}
	return YC_OK;
}

enum yc_code dir_calendar_check(const Pb__Calendar *c, struct yc_err *e)
{
	struct yc_err scratch;

	e = e ? e : &scratch;
	if (yc_is_empty(c->code))
		return yc_fail(e, YC_INVALID, "code", "a calendar needs a code");
	if (strlen(c->utc_offset) != 6 || !strchr("+-", c->utc_offset[0]) || dir_minutes(c->utc_offset + 1) < 0 ||
	    dir_minutes(c->utc_offset + 1) > 14 * 60)
		return yc_fail(e, YC_INVALID, "utc_offset", "must look like +08:00");
	if (c->first_year < 1970 || c->first_year > 9999)
		return yc_fail(e, YC_INVALID, "first_year", "must be a year from 1970");
	if (c->last_year < c->first_year || c->last_year > 9999)
		return yc_fail(e, YC_INVALID, "last_year", "must not be before first_year");
	if (check_week(c, e))
		return e->code;
	return check_days(c, e);
}
