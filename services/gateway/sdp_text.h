/* A piece of text of bounded size. */
#ifndef GATEWAY_SDP_TEXT_H
#define GATEWAY_SDP_TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "yc/err.h"

struct sdp_text { char *p; size_t cap, n; int over; };   /* over: something did not fit, the text is useless */

static inline void YC_PRINTF(2, 3) sdp_add(struct sdp_text *t, const char *fmt, ...)
{
	va_list ap;
	int k;

	if (t->over)
		return;
	va_start(ap, fmt);
	k = vsnprintf(t->p + t->n, t->cap - t->n, fmt, ap);
	va_end(ap);
	if (k < 0 || (size_t)k >= t->cap - t->n)
		t->over = 1;
	else
		t->n += (size_t)k;
}

#endif
