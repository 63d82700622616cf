/* Is a calendar sane? Pure. */
#ifndef DIR_RULE_CALENDAR_H
#define DIR_RULE_CALENDAR_H

#include "yc/err.h"
#include "yc/v1/directory.pb-c.h"

/* INVALID with the field ("days.3.spans.0.close"): offset and times readable, spans in order without overlap (at most 4 a day), weekdays not
 * twice, days sorted and inside first_year..last_year, a closed day has no spans and an open one has some. */
enum yc_code dir_calendar_check(const Pb__Calendar *c, struct yc_err *e) YC_MUST;
/* "08:30" -> 510; "24:00" -> 1440; -1 when it is no time of day. */
int dir_minutes(const char *text);
/* "2026-10-01" -> 20261001; 0 when it is no date of the Gregorian calendar. */
int dir_date(const char *text);

#endif
