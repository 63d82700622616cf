/* Ids: "prefix_" + ULID (26 characters of Crockford base 32: 48 bits of ms, 80 random bits). Sort by time; monotonic in one process.
 * https://github.com/ulid/spec */
#ifndef YC_ID_H
#define YC_ID_H

#include <stdint.h>

#define YC_ID_LEN 40                    /* room for prefix (<= 8), '_', 26 characters, NUL */

/* Writes prefix + "_" + ULID of yc_now() into out (YC_ID_LEN). Thread-safe. Returns out. prefix e.g. "ord". */
char *yc_id_new(const char *prefix, char out[YC_ID_LEN]);
/* Is s a well-formed id with this prefix (NULL: any)? */
int yc_id_is(const char *s, const char *prefix);
int64_t yc_id_ms(const char *s);        /* the time inside, or -1 */

#endif
