#include "yc/err.h"

#include <stdio.h>
#include <string.h>

#include "yc/text.h"

static const struct code_row { const char *name, *slug; int http, retry; } rows[YC_CODE_COUNT] = {
#define X(name, nr, http, slug, retry) [YC_##name] = { #name, slug, http, retry },
	YC_CODES(X)
#undef X
};

static const struct code_row *row(enum yc_code code)
{
	unsigned i = (unsigned)code;

	return i < YC_CODE_COUNT ? &rows[i] : NULL;
}

/* A message may quote what a peer sent: keep it one line of valid UTF-8, because it ends in protobuf strings, JSON and logs. */
static void clean(char *s)
{
	size_t n = strlen(s), at;
	int ok;

	for (size_t from = 0; from < n; from += at + 1) {
		at = yc_utf8_check(s + from, n - from, &ok);
		if (ok)
			break;
		s[from + at] = '?';
	}
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

enum yc_code yc_fail(struct yc_err *e, enum yc_code code, const char *field, const char *fmt, ...)
{
	char msg[sizeof(e->msg) * 2];
	char at[sizeof(e->field)];
	va_list ap;

	if (!e)
		return code;
	/* Both go through buffers of our own: the arguments may point into e ("...: %s", e->msg). */
	va_start(ap, fmt);
	if (vsnprintf(msg, sizeof(msg), fmt, ap) < 0)
		yc_copy(msg, sizeof(msg), "(a message could not be formatted)");
	va_end(ap);
	clean(msg);
	yc_copy(at, sizeof(at), field ? field : "");
	clean(at);
	e->code = code;
	yc_copy(e->msg, sizeof(e->msg), msg);
	yc_copy(e->field, sizeof(e->field), at);
	return code;
}

enum yc_code yc_err_in(struct yc_err *e, const char *prefix)
{
	char whole[2 * sizeof(e->field)];

	if (!e)
		return YC_INTERNAL;
	if (yc_is_empty(prefix))
		return e->code;
	snprintf(whole, sizeof(whole), "%.63s%s%.63s", prefix, *e->field ? "." : "", e->field);
	clean(whole);
	yc_copy(e->field, sizeof(e->field), whole);
	return e->code;
}

const char *yc_code_name(enum yc_code code)
{
	return row(code) ? row(code)->name : "?";
}

const char *yc_code_slug(enum yc_code code)
{
	return row(code) ? row(code)->slug : "?";
}

int yc_code_http(enum yc_code code)
{
	return row(code) ? row(code)->http : 500;
}

int yc_code_is_retryable(enum yc_code code)
{
	return row(code) ? row(code)->retry : 0;
}
