/* Calendars of the ticket service; see due.c. */
#ifndef TICKET_CALENDAR_H
#define TICKET_CALENDAR_H

#include "yc/calendar.h"
#include "yc/v1/directory.pb-c.h"

/* *days is the caller's (yc_xfree) and must live as long as out. INVALID names what cannot be read. */
enum yc_code ticket_calendar_read(const Pb__Calendar *c, struct yc_calendar *out, struct yc_cal_day **days, struct yc_err *e) YC_MUST;
void ticket_calendar_always(struct yc_calendar *out);          /* round the clock, every year */

#endif
