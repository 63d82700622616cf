/* Directory's calendar message -> the clock library's calendar. Pure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ticket.h"
#include "ticket_calendar.h"
#include "yc/text.h"

static int two(const char *s)
{
	return s[0] >= '0' && s[0] <= '9' && s[1] >= '0' && s[1] <= '9' ? (s[0] - '0') * 10 + s[1] - '0' : -1;
}

/* "08:30" -> 510; -1 when malformed. */
static int minutes(const char *s)
{
	int h, m;

	if (strlen(s) != 5 || s[2] != ':')
		return -1;
	h = two(s);
	m = two(s + 3);
	return h < 0 || m < 0 || m > 59 || h > 24 || h * 60 + m > 1440 ? -1 : h * 60 + m;
}

static enum yc_code hours(struct yc_cal_hours *h, Pb__CalendarSpan *const *spans, size_t n, struct yc_err *e)
{
	h->n = 0;
	if (n > YC_CAL_SPANS)
		return yc_fail(e, YC_INVALID, "spans", "at most %d opening spans a day", YC_CAL_SPANS);
	for (size_t i = 0; i < n; i++) {
		int from = minutes(spans[i]->open), to = minutes(spans[i]->close);

		if (from < 0 || to <= from)
			return yc_fail(e, YC_INVALID, "spans", "\"%s\" to \"%s\" is no opening span", spans[i]->open, spans[i]->close);
		h->span[h->n++] = (struct yc_cal_span){ (int16_t)from, (int16_t)to };
	}
	return YC_OK;
}

static int weekday(const char *name)
{
	static const char *const names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

	for (int i = 0; i < 7; i++)
		if (yc_streq(names[i], name))
			return i;
	return -1;
}

static int by_date(const void *a, const void *b)
{
	const struct yc_cal_day *x = a, *y = b;

	return (x->date > y->date) - (x->date < y->date);
}

/* A make-up working day without hours of its own has Monday's. */
static enum yc_code one_day(struct yc_cal_day *out, const Pb__CalendarDay *d, const struct yc_cal_hours *monday, struct yc_err *e)
{
	const char *s = d->date;

	memset(out, 0, sizeof(*out));
	if (strlen(s) != 10 || s[4] != '-' || s[7] != '-' || two(s) < 0 || two(s + 2) < 0 || two(s + 5) < 1 || two(s + 8) < 1)
		return yc_fail(e, YC_INVALID, "days", "\"%s\" is no date", s);
	out->date = ((two(s) * 100 + two(s + 2)) * 100 + two(s + 5)) * 100 + two(s + 8);
	yc_copy(out->name, sizeof(out->name), d->name);
	if (d->closed)
		return YC_OK;
	if (d->n_spans == 0) {
		out->hours = *monday;
		return YC_OK;
	}
	return hours(&out->hours, d->spans, d->n_spans, e);
}

static enum yc_code offset(const char *s, int32_t *min, struct yc_err *e)
{
	*min = TICKET_ZONE_MIN;
	if (!*s)
		return YC_OK;
	if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || minutes(s + 1) < 0)
		return yc_fail(e, YC_INVALID, "utc_offset", "\"%s\" is no offset such as +08:00", s);
	*min = (s[0] == '-' ? -1 : 1) * minutes(s + 1);
	return YC_OK;
}

enum yc_code ticket_calendar_read(const Pb__Calendar *c, struct yc_calendar *out, struct yc_cal_day **days, struct yc_err *e)
{
	memset(out, 0, sizeof(*out));
	*days = NULL;
	yc_copy(out->code, sizeof(out->code), c->code);
	out->first_year = c->first_year;
	out->last_year = c->last_year;
	if (offset(c->utc_offset, &out->utc_offset_min, e) != YC_OK)
		return e->code;
	for (size_t i = 0; i < c->n_week; i++) {
		int d = weekday(c->week[i]->day);

		if (d < 0)
			return yc_fail(e, YC_INVALID, "week", "\"%s\" is no day", c->week[i]->day);
		if (hours(&out->week[d], c->week[i]->spans, c->week[i]->n_spans, e) != YC_OK)
			return e->code;
	}
	*days = yc_xcalloc(c->n_days + 1, sizeof(**days));
	for (size_t i = 0; i < c->n_days; i++)
		if (one_day(&(*days)[i], c->days[i], &out->week[0], e) != YC_OK) {
			yc_xfree(*days);
			*days = NULL;
			return e->code;
		}
	qsort(*days, c->n_days, sizeof(**days), by_date);
	out->days = *days;
	out->n_days = (int)c->n_days;
	return YC_OK;
}

void ticket_calendar_always(struct yc_calendar *out)
{
	memset(out, 0, sizeof(*out));
	out->utc_offset_min = TICKET_ZONE_MIN;
	out->first_year = 1970;
	out->last_year = 9999;
	for (int i = 0; i < 7; i++)
		out->week[i] = (struct yc_cal_hours){ .n = 1, .span = { { 0, 1440 } } };
}
