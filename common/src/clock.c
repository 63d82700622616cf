#include "yc/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static atomic_int is_fake;
static _Atomic int64_t fake_ms;

static int64_t real_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int held(void)
{
	return atomic_load_explicit(&is_fake, memory_order_relaxed);
}

int64_t yc_now(void)
{
	return held() ? atomic_load(&fake_ms) : real_us(CLOCK_REALTIME) / 1000;
}

int64_t yc_mono(void)
{
	return held() ? atomic_load(&fake_ms) : real_us(CLOCK_MONOTONIC) / 1000;
}

int64_t yc_mono_us(void)
{
	return held() ? atomic_load(&fake_ms) * 1000 : real_us(CLOCK_MONOTONIC);
}

void yc_clock_fake(int64_t now_ms)
{
	atomic_store(&fake_ms, now_ms);
	atomic_store(&is_fake, 1);
}

void yc_clock_advance(int64_t ms)
{
	atomic_fetch_add(&fake_ms, ms);
}

void yc_clock_real(void)
{
	atomic_store(&is_fake, 0);
}

/* Counting years from March puts the leap day last; 400 years have 146 097 days; five months from March have 153. */
int64_t yc_days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2), era, yoe, doy;

	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void date_of(int64_t days, int64_t *y, int *m, int *d)
{
	int64_t era, doe, yoe, doy, mp;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	doe = days - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	*d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*y = yoe + era * 400 + (*m <= 2);
}

int32_t yc_date_of_days(int64_t days)
{
	int64_t y;
	int m, d;

	date_of(days, &y, &m, &d);
	return (int32_t)(y * 10000 + m * 100 + d);
}

char *yc_rfc3339(int64_t ms, char *buf)
{
	int64_t days = ms / 86400000, in_day = ms % 86400000, y;
	int m, d, t;

	if (in_day < 0) {
		in_day += 86400000;
		days--;
	}
	date_of(days, &y, &m, &d);
	t = (int)(in_day / 1000);
	if (y < 0 || y > 9999)
		snprintf(buf, YC_RFC3339_LEN, "%s", y < 0 ? "0000-01-01T00:00:00.000Z" : "9999-12-31T23:59:59.999Z");
	else
		snprintf(buf, YC_RFC3339_LEN, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)y, m, d,
			 t / 3600, t / 60 % 60, t % 60, (int)(in_day % 1000));
	return buf;
}

/* n digits at *s, advancing; -1 when there are not n. */
static int digits(const char **s, int n)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		v = v * 10 + (**s - '0');
	}
	return v;
}

static int month_days(int y, int m)
{
	static const int len[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return len[m - 1] + (m == 2 && (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0)));
}

static int expect(const char **s, char c)
{
	if (**s != c)
		return -1;
	(*s)++;
	return 0;
}

static int parse_date(const char **s, int64_t *days)
{
	int y, m, d;

	if ((y = digits(s, 4)) < 0 || expect(s, '-') || (m = digits(s, 2)) < 1 || m > 12 || expect(s, '-') ||
	    (d = digits(s, 2)) < 1 || d > month_days(y, m))
		return -1;
	*days = yc_days_of(y, m, d);
	return 0;
}

/* hh:mm:ss with any number of fraction digits, of which three count. A leap second (60) is the second after it. */
static int parse_time(const char **s, int64_t *ms)
{
	int h, m, sec, scale = 100;

	if ((h = digits(s, 2)) < 0 || h > 23 || expect(s, ':') || (m = digits(s, 2)) < 0 || m > 59 || expect(s, ':') ||
	    (sec = digits(s, 2)) < 0 || sec > 60)
		return -1;
	*ms = (h * 3600 + m * 60 + sec) * 1000ll;
	if (**s != '.')
		return 0;
	(*s)++;
	if (**s < '0' || **s > '9')
		return -1;
	for (; **s >= '0' && **s <= '9'; (*s)++, scale /= 10)
		*ms += (**s - '0') * scale;
	return 0;
}

static int parse_zone(const char **s, int64_t *ms)
{
	int sign, h, m;

	*ms = 0;
	if (**s == 'Z' || **s == 'z') {
		(*s)++;
		return 0;
	}
	if (**s != '+' && **s != '-')
		return -1;
	sign = **s == '+' ? 1 : -1;
	(*s)++;
	if ((h = digits(s, 2)) < 0 || h > 23 || expect(s, ':') || (m = digits(s, 2)) < 0 || m > 59)
		return -1;
	*ms = sign * (h * 60 + m) * 60000ll;
	return 0;
}

int yc_rfc3339_parse(const char *s, int64_t *ms)
{
	int64_t days, in_day, zone;

	if (!s || parse_date(&s, &days))
		return -1;
	if (*s != 'T' && *s != 't' && *s != ' ')
		return -1;
	s++;
	if (parse_time(&s, &in_day) || parse_zone(&s, &zone) || *s)
		return -1;
	*ms = days * 86400000 + in_day - zone;
	return 0;
}
