/* Text: UTF-8 checks and small string helpers. */
#ifndef YC_TEXT_H
#define YC_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Valid UTF-8 (no overlong forms, surrogates, or > U+10FFFF)? Returns the length if valid, else the offset of the first bad byte
 * with *ok = 0. RFC 3629. */
size_t yc_utf8_check(const char *s, size_t n, int *ok);
int yc_utf8_ok(const char *s);                   /* NUL-terminated */
size_t yc_utf8_len(const char *s);               /* code points */
/* Cut s in place so that at most max code points remain. */
void yc_utf8_cut(char *s, size_t max);

/* Copy with truncation at a character boundary; always terminates; returns dst. */
char *yc_copy(char *dst, size_t size, const char *src);
int yc_streq(const char *a, const char *b);      /* NULL equals "" */
#define yc_is_empty(s) (!(s) || !*(s))
uint64_t yc_hash64(const void *p, size_t n);     /* FNV-1a with a final mix: for sharding and fingerprints, not for secrets */

#endif
