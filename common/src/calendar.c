#include "yc/calendar.h"

#include <stdlib.h>

#include "yc/clock.h"

enum { DAY_MIN = 1440 };
static const int64_t MIN_MS = 60000, DAY_MS = 86400000, AT_MAX = 253402300800000;        /* year 10000 */

/* Local days since 1970-01-01. */
static int64_t day_of(const struct yc_calendar *c, int64_t at)
{
	int64_t t = at + c->utc_offset_min * MIN_MS;

	return t >= 0 ? t / DAY_MS : -((-t + DAY_MS - 1) / DAY_MS);
}

static int64_t start_of(const struct yc_calendar *c, int64_t day)
{
	return day * DAY_MS - c->utc_offset_min * MIN_MS;
}

static int by_date(const void *key, const void *elem)
{
	int32_t a = *(const int32_t *)key, b = ((const struct yc_cal_day *)elem)->date;

	return a < b ? -1 : a > b;
}

/* Hours of a local day, or NULL when its year's holidays are not known. */
static const struct yc_cal_hours *hours_of(const struct yc_calendar *c, int64_t day)
{
	int32_t date = yc_date_of_days(day), year = date / 10000;
	const struct yc_cal_day *x;
	int weekday = (int)((day % 7 + 7 + 3) % 7);             /* day 0 was a Thursday */

	if (year < c->first_year || year > c->last_year)
		return NULL;
	x = c->n_days ? bsearch(&date, c->days, (size_t)c->n_days, sizeof(*c->days), by_date) : NULL;
	return x ? &x->hours : &c->week[weekday];
}

static enum yc_code unknown_year(const struct yc_calendar *c, int64_t day, struct yc_err *e)
{
	return yc_fail(e, YC_INVALID, "calendar", "calendar %.31s knows the holidays of %d to %d, not of %d", c->code, c->first_year,
		       c->last_year, yc_date_of_days(day) / 10000);
}

static enum yc_code check_at(int64_t at, struct yc_err *e)
{
	if (at < 0 || at > AT_MAX)
		return yc_fail(e, YC_INVALID, "calendar", "an instant lies outside 1970 to 9999");
	return YC_OK;
}

/* --- is the table well formed? --------------------------------------------------------------------------------------------------------- */

static enum yc_code check_hours(const struct yc_cal_hours *h, const char *field, int i, struct yc_err *e)
{
	char at[64];
	int last = -1;

	snprintf(at, sizeof(at), "%s.%d", field, i);
	if (h->n < 0 || h->n > YC_CAL_SPANS)
		return yc_fail(e, YC_INVALID, at, "a day has at most %d spans", YC_CAL_SPANS);
	for (int k = 0; k < h->n; k++) {
		const struct yc_cal_span *s = &h->span[k];

		if (s->open_min < 0 || s->close_min > DAY_MIN || s->close_min <= s->open_min)
			return yc_fail(e, YC_INVALID, at, "a span opens before it closes, within the day");
		if (s->open_min < last)
			return yc_fail(e, YC_INVALID, at, "spans of a day follow each other and do not overlap");
		last = s->close_min;
	}
	return YC_OK;
}

enum yc_code yc_cal_check(const struct yc_calendar *c, struct yc_err *e)
{
	if (c->first_year < 1970 || c->last_year < c->first_year || c->last_year > 9998)
		return yc_fail(e, YC_INVALID, "last_year", "the known years run from first_year to last_year, within 1970 to 9998");
	if (abs(c->utc_offset_min) > 14 * 60)
		return yc_fail(e, YC_INVALID, "utc_offset_min", "an offset is at most 14 hours");
	for (int i = 0; i < 7; i++)
		if (check_hours(&c->week[i], "week", i, e))
			return YC_INVALID;
	for (int i = 0; i < c->n_days; i++) {
		int32_t date = c->days[i].date;
		char at[32];

		snprintf(at, sizeof(at), "days.%d", i);
		if (date < 19700101 || date > 99991231 || yc_date_of_days(yc_days_of(date / 10000, date / 100 % 100, date % 100)) != date)
			return yc_fail(e, YC_INVALID, at, "%d is no date", date);
		if (i && date <= c->days[i - 1].date)
			return yc_fail(e, YC_INVALID, at, "%d stands twice or out of order", date);
		if (check_hours(&c->days[i].hours, "days", i, e))
			return YC_INVALID;
	}
	return YC_OK;
}

/* --- working time ----------------------------------------------------------------------------------------------------------------------- */

/* The part of span s of a day that lies within [from, to), in ms. */
static int64_t overlap(int64_t midnight, const struct yc_cal_span *s, int64_t from, int64_t to)
{
	int64_t open = midnight + s->open_min * MIN_MS, close = midnight + s->close_min * MIN_MS;

	if (open < from)
		open = from;
	if (close > to)
		close = to;
	return close > open ? close - open : 0;
}

enum yc_code yc_cal_between(const struct yc_calendar *c, int64_t from, int64_t to, int64_t *ms, struct yc_err *e)
{
	int64_t day, end, sum = 0;

	*ms = 0;
	if (check_at(from, e) || check_at(to, e))
		return YC_INVALID;
	if (to < from)
		to = from;
	day = day_of(c, from);
	end = to > from ? day_of(c, to - 1) : day;
	for (; day <= end; day++) {
		const struct yc_cal_hours *h = hours_of(c, day);

		if (!h)
			return unknown_year(c, day, e);
		for (int i = 0; i < h->n; i++)
			sum += overlap(start_of(c, day), &h->span[i], from, to);
	}
	*ms = sum;
	return YC_OK;
}

enum yc_code yc_cal_add(const struct yc_calendar *c, int64_t from, int64_t work_ms, int64_t *at, struct yc_err *e)
{
	int64_t left = work_ms;

	*at = 0;
	if (check_at(from, e))
		return YC_INVALID;
	if (work_ms < 0)
		return yc_fail(e, YC_INVALID, "work_ms", "working time is not negative");
	for (int64_t day = day_of(c, from);; day++) {
		const struct yc_cal_hours *h = hours_of(c, day);
		int64_t midnight = start_of(c, day);

		if (!h)
			return unknown_year(c, day, e);
		if (left == 0) {
			*at = from;
			return YC_OK;
		}
		for (int i = 0; i < h->n; i++) {
			int64_t n = overlap(midnight, &h->span[i], from, midnight + DAY_MS);

			if (n < left) {
				left -= n;
				continue;
			}
			/* The last of the time ends as much before the close as this span has left over. */
			*at = midnight + h->span[i].close_min * MIN_MS - (n - left);
			return YC_OK;
		}
	}
}

int yc_cal_is_open(const struct yc_calendar *c, int64_t at)
{
	int64_t day = day_of(c, at), in_day = at - start_of(c, day);
	const struct yc_cal_hours *h = hours_of(c, day);

	if (!h)
		return -1;
	for (int i = 0; i < h->n; i++)
		if (in_day >= h->span[i].open_min * MIN_MS && in_day < h->span[i].close_min * MIN_MS)
			return 1;
	return 0;
}

int32_t yc_cal_date(const struct yc_calendar *c, int64_t at)
{
	return yc_date_of_days(day_of(c, at));
}

int64_t yc_cal_midnight(const struct yc_calendar *c, int32_t date)
{
	return start_of(c, yc_days_of(date / 10000, date / 100 % 100, date % 100));
}

/* --- due dates ------------------------------------------------------------------------------------------------------------------------- */

struct unfolding { struct yc_due_line *v; int max, n; };

static void add_line(struct unfolding *u, int64_t from, int64_t to, int64_t counted, int run)
{
	if (u->v && u->n < u->max)
		u->v[u->n++] = (struct yc_due_line){ .from = from, .to = to, .counted_ms = counted, .run = run };
}

/* One stretch in which the clock ran, until `to` (0: still running). *left: what the target still lacks. *due is set when it is used up. */
static enum yc_code stretch(const struct yc_calendar *c, int64_t from, int64_t to, int64_t *left, int64_t *due, struct unfolding *u,
			    struct yc_err *e)
{
	int64_t counted = *left;

	if (to && yc_cal_between(c, from, to, &counted, e))
		return YC_INVALID;
	if (counted < *left) {
		add_line(u, from, to, counted, 1);
		*left -= counted;
		return YC_OK;
	}
	if (yc_cal_add(c, from, *left, due, e))
		return YC_INVALID;
	add_line(u, from, *due, *left, 1);
	*left = 0;
	return YC_OK;
}

/* Index of the next event that changes the state, or n_ev. Of several at one instant the last counts. */
static int next_change(const struct yc_clock_event *ev, int n_ev, int i)
{
	int run = ev[i].run != 0;

	for (i++; i < n_ev; i++) {
		if (i + 1 < n_ev && ev[i + 1].at == ev[i].at)
			continue;
		if ((ev[i].run != 0) != run)
			break;
	}
	return i;
}

enum yc_code yc_due(const struct yc_calendar *c, const struct yc_clock_event *ev, int n_ev, int64_t target_ms,
		    int64_t *due, struct yc_due_line *lines, int max, int *n, struct yc_err *e)
{
	struct unfolding u = { lines, max, 0 };
	int64_t left = target_ms;
	int i = 0, next;

	*due = 0;
	if (n)
		*n = 0;
	if (target_ms < 0)
		return yc_fail(e, YC_INVALID, "target_ms", "a target is not negative");
	for (int k = 1; k < n_ev; k++)
		if (ev[k].at < ev[k - 1].at)
			return yc_fail(e, YC_INVALID, "events", "starts and stops must be in order of time");
	while (i + 1 < n_ev && ev[i + 1].at == ev[i].at)
		i++;
	for (; i < n_ev && !*due; i = next) {
		next = next_change(ev, n_ev, i);
		if (!ev[i].run)
			add_line(&u, ev[i].at, next < n_ev ? ev[next].at : 0, 0, 0);
		else if (stretch(c, ev[i].at, next < n_ev ? ev[next].at : 0, &left, due, &u, e))
			return YC_INVALID;
	}
	if (n)
		*n = u.n;
	return YC_OK;
}
