#include "yct.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "yc/clock.h"
#include "yc/crypto.h"

static void the_clock_is_the_machines_until_a_test_holds_it(void)
{
	int64_t s = (int64_t)time(NULL), a = yc_mono_us();

	CU_ASSERT(llabs(yc_now() / 1000 - s) <= 1);
	CU_ASSERT(yc_mono_us() >= a);
	CU_ASSERT(llabs(yc_mono() - yc_mono_us() / 1000) <= 5);
	yc_clock_fake(1000);
	CU_ASSERT_EQUAL(yc_now(), 1000);
	CU_ASSERT_EQUAL(yc_mono(), 1000);
	CU_ASSERT_EQUAL(yc_mono_us(), 1000000);
	yc_clock_advance(234);
	CU_ASSERT_EQUAL(yc_now(), 1234);
	CU_ASSERT_EQUAL(yc_mono_us(), 1234000);
	yc_clock_real();
	CU_ASSERT(llabs(yc_now() / 1000 - s) <= 1);
}

static void instants_are_written_in_utc_with_milliseconds(void)
{
	char b[YC_RFC3339_LEN];

	YCT_STR(yc_rfc3339(0, b), "1970-01-01T00:00:00.000Z");
	YCT_STR(yc_rfc3339(1795321860123, b), "2026-11-22T04:31:00.123Z");
	YCT_STR(yc_rfc3339(951782400000, b), "2000-02-29T00:00:00.000Z");
	YCT_STR(yc_rfc3339(-1, b), "1969-12-31T23:59:59.999Z");
	YCT_STR(yc_rfc3339(INT64_MAX, b), "9999-12-31T23:59:59.999Z");
	YCT_STR(yc_rfc3339(INT64_MIN, b), "0000-01-01T00:00:00.000Z");
}

static void instants_are_read_with_any_offset_and_fraction(void)
{
	static const struct { const char *s; int64_t ms; } good[] = {
		{ "1970-01-01T00:00:00Z", 0 }, { "2026-11-22T04:31:00.123Z", 1795321860123 }, { "2026-11-22T12:31:00.123+08:00", 1795321860123 },
		{ "2026-11-21t23:31:00.123456789-05:00", 1795321860123 }, { "2026-11-22 04:31:00.1z", 1795321860100 },
		{ "2024-02-29T00:00:00Z", 1709164800000 }, { "2016-12-31T23:59:60Z", 1483228800000 }, { "2026-11-22T10:16:00.12+05:45", 1795321860120 },
	};
	int64_t ms;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ms = -77;
		CU_ASSERT_EQUAL(yc_rfc3339_parse(good[i].s, &ms), 0);
		CU_ASSERT_EQUAL(ms, good[i].ms);
	}
}

static void what_is_no_instant_is_refused(void)
{
	static const char *const bad[] = { "", "2026", "2026-11-22", "2026-11-22T04:31Z", "2026-11-22T04:31:00", "2026-13-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-00-10T00:00:00Z", "2026-11-00T00:00:00Z",
		"2026-11-22T24:00:00Z", "2026-11-22T04:60:00Z", "2026-11-22T04:31:61Z", "2026-11-22T04:31:00.Z", "2026-11-22T04:31:00.+08:00", "2026-11-22T04:31:00+0800",
		"2026-11-22T04:31:00+24:00", "2026-11-22T04:31:00Zx", "2026-11-22T04:31:00 08:00", "-026-11-22T04:31:00Z", "2026-1-22T04:31:00Z" };
	int64_t ms;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(yc_rfc3339_parse(bad[i], &ms), -1);
	CU_ASSERT_EQUAL(yc_rfc3339_parse(NULL, &ms), -1);
}

static void writing_and_reading_agree_with_libc_over_ten_thousand_instants(void)
{
	char b[YC_RFC3339_LEN], want[96];

	for (int i = 0; i < 10000; i++) {
		uint64_t r;
		int64_t ms, back;
		time_t t;
		struct tm tm;

		yc_random(&r, sizeof(r));
		ms = (int64_t)(r % 300000000000000ull) - 50000000000000;        /* years 385 to 9892 */
		t = (time_t)(ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000));
		gmtime_r(&t, &tm);
		snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday,
			 tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(ms - (int64_t)t * 1000));
		CU_ASSERT_STRING_EQUAL_FATAL(yc_rfc3339(ms, b), want);
		CU_ASSERT_EQUAL_FATAL(yc_rfc3339_parse(b, &back), 0);
		CU_ASSERT_EQUAL_FATAL(back, ms);
	}
}

static void days_and_dates_are_inverse(void)
{
	CU_ASSERT_EQUAL(yc_days_of(1970, 1, 1), 0);
	CU_ASSERT_EQUAL(yc_days_of(2026, 10, 1), 20727);
	for (int64_t d = -100000; d < 1000000; d += 17) {
		int32_t date = yc_date_of_days(d);

		CU_ASSERT_EQUAL_FATAL(yc_days_of(date / 10000, date / 100 % 100, date % 100), d);
	}
}

YCT_MAIN("clock",
	 T(the_clock_is_the_machines_until_a_test_holds_it),
	 T(instants_are_written_in_utc_with_milliseconds),
	 T(instants_are_read_with_any_offset_and_fraction),
	 T(what_is_no_instant_is_refused),
	 T(writing_and_reading_agree_with_libc_over_ten_thousand_instants),
	 T(days_and_dates_are_inverse))
