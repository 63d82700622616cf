/* Token buckets per principal and per address, bounded. The caller gives the time. */
#ifndef API_RULE_LIMIT_H
#define API_RULE_LIMIT_H

#include <stddef.h>
#include <stdint.h>

struct api_limit;

/* rate: tokens a second; 0: no limit. max_keys: the bucket untouched for longest makes room. */
struct api_limit *api_limit_new(int64_t rate, int64_t burst, size_t max_keys);
void api_limit_free(struct api_limit **l);
/* Takes one token: returns 0, or the ms until there is one again. *left (may be NULL): what remains. */
int64_t api_limit_take(struct api_limit *l, const char *key, int64_t now_ms, int64_t *left);
size_t api_limit_count(const struct api_limit *l);

#endif
