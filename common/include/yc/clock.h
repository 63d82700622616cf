/* Time. Everything asks here, so that tests can hold the clock. Epoch milliseconds, UTC. */
#ifndef YC_CLOCK_H
#define YC_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t yc_now(void);                   /* wall clock, epoch ms */
int64_t yc_mono(void);                  /* monotonic ms, for time-outs */
int64_t yc_mono_us(void);               /* monotonic us, for measurements */
void yc_clock_fake(int64_t now_ms);     /* from now on both clocks stand here (tests only); mono = the same value */
void yc_clock_advance(int64_t ms);      /* move a fake clock */
void yc_clock_real(void);

#define YC_RFC3339_LEN 32
/* 2026-11-22T04:31:00.123Z into buf (>= YC_RFC3339_LEN); returns buf. */
char *yc_rfc3339(int64_t ms, char *buf);
/* Accepts Z or an offset, with or without fraction. 0 on success, -1 otherwise. */
int yc_rfc3339_parse(const char *s, int64_t *ms);

/* Days since 1970-01-01 of a Gregorian date, and the date (yyyymmdd, years 1..9999) of such a day. Pure. */
int64_t yc_days_of(int64_t year, int month, int day);
int32_t yc_date_of_days(int64_t days);

#endif
