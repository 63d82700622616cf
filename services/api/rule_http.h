/* Headers, read by the letter. Pure. */
#ifndef API_RULE_HTTP_H
#define API_RULE_HTTP_H

#include "yc/json.h"

#include <stddef.h>
#include <stdint.h>

/* If-Match: `"12"` -> 12, `*` -> 0 (any). -1: not an entity tag of ours. RFC 9110 13.1.1. */
int64_t api_if_match(const char *header);
/* Is version among the tags of If-None-Match (weak comparison), or is it `*`? */
int api_none_match(const char *header, int64_t version);

/* Range of a representation of size bytes (RFC 9110 14): 1 and *from..*to inclusive; 0: no range, not bytes, or several ranges (the whole is
 * sent); -1: cannot be satisfied (416). */
int api_range(const char *header, int64_t size, int64_t *from, int64_t *to);
/* First offset that a range names without knowing the size, or 0. */
int64_t api_range_start(const char *header);

/* W3C traceparent: version 00, hex, not all zero. */
int api_traceparent_ok(const char *s);
/* Printable ASCII without spaces, quotes and control characters, 1..max bytes? Request ids and idempotency keys. */
int api_token_ok(const char *s, size_t max);

/* Value of a cookie into out ("" when absent). */
void api_cookie(const char *header, const char *name, char *out, size_t n);
/* Token of "Bearer xxx", or NULL. */
const char *api_bearer(const char *authorization);
/* Does a comma separated list hold this word? "a,b" has "b". */
int api_list_has(const char *list, const char *word);
/* Is one of the scopes good for need ("orders:read")? "*" and "orders:*" cover it. */
int api_scope_ok(char *const *scopes, size_t n, const char *need);
/* Answers in English rather than Chinese? By the first language named in Accept-Language. */
int api_wants_english(const char *accept_language);
const char *api_mime(const char *path);          /* by extension; application/octet-stream when unknown */
void api_escape(struct yc_buf *out, const char *s);       /* percent-encoding of a query value */
/* "steps.2.name" -> "#/steps/2/name" into out. */
void api_pointer(const char *field, char *out, size_t n);

#endif
