/* Errors: one enum for bus, REST and code, one table for everything that depends on it. */
#ifndef YC_ERR_H
#define YC_ERR_H

#include <stdarg.h>

#define YC_MUST __attribute__((warn_unused_result))
#define YC_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* name, number (equals yc.v1.Code), HTTP status, problem slug, may the same request be sent again unchanged? */
#define YC_CODES(X) \
	X(OK,               0, 200, "ok",                0) \
	X(MALFORMED,        1, 400, "malformed",         0) /* cannot be read at all */ \
	X(UNAUTHENTICATED,  2, 401, "unauthenticated",   0) \
	X(FORBIDDEN,        3, 403, "forbidden",         0) \
	X(NOT_FOUND,        4, 404, "not-found",         0) \
	X(CONFLICT,         5, 409, "conflict",          0) /* duplicate, or wrong state */ \
	X(STALE,            6, 412, "stale",             0) /* somebody changed it since it was read */ \
	X(TOO_LARGE,        7, 413, "too-large",         0) \
	X(INVALID,          8, 422, "invalid",           0) /* readable, but a field is wrong */ \
	X(PRECONDITION,     9, 428, "precondition",      0) /* If-Match or Idempotency-Key is missing */ \
	X(EXHAUSTED,       10, 429, "exhausted",         1) /* a bound was reached; try later */ \
	X(INTERNAL,        11, 500, "internal",          0) \
	X(UNIMPLEMENTED,   12, 501, "unimplemented",     0) \
	X(UNAVAILABLE,     13, 503, "unavailable",       1) /* no instance serves this now */ \
	X(INSTANCE_LOST,   14, 503, "instance-lost",     1) /* it died with the request in hand: outcome unknown */ \
	X(DEADLINE,        15, 504, "deadline",          1) /* no answer in time: outcome unknown */ \
	X(PENDING,         16, 500, "pending",           0) /* a handler's word to the dispatcher; never on the wire */

enum yc_code {
#define X(name, nr, http, slug, retry) YC_##name = nr,
	YC_CODES(X)
#undef X
	YC_CODE_COUNT
};

/* Lives on the stack: nothing to free. */
struct yc_err {
	enum yc_code code;
	char field[64];  /* which input was wrong ("person.phone"), or "" */
	char msg[256];   /* one sentence for a person; no secrets, no SQL */
};

/* Fills e (NULL is allowed) and returns code, so that a failure is one `return yc_fail(...)`. field may be NULL. */
enum yc_code yc_fail(struct yc_err *e, enum yc_code code, const char *field, const char *fmt, ...) YC_PRINTF(4, 5);

/* Prefix e->field with "prefix." (or set it), for errors that come up from a nested input. Returns e->code. */
enum yc_code yc_err_in(struct yc_err *e, const char *prefix);

const char *yc_code_name(enum yc_code code);     /* "NOT_FOUND"; "?" when unknown */
const char *yc_code_slug(enum yc_code code);     /* "not-found" */
int yc_code_http(enum yc_code code);             /* 404 */
int yc_code_is_retryable(enum yc_code code);

#endif
