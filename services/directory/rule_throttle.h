/* Failed log-ins, counted per login and per client, bounded. The caller gives the time. */
#ifndef DIR_RULE_THROTTLE_H
#define DIR_RULE_THROTTLE_H

#include <stddef.h>
#include <stdint.h>

struct dir_throttle;

/* free_tries failures cost nothing; each further one doubles the pause, from 1 s to max_pause_ms. A key that stayed quiet for window_ms is
 * forgotten. At most max_keys are remembered: the one untouched for longest makes room. */
struct dir_throttle *dir_throttle_new(int free_tries, int64_t window_ms, int64_t max_pause_ms, size_t max_keys);
void dir_throttle_free(struct dir_throttle **t);
/* Milliseconds until this key may try again; 0: now. */
int64_t dir_throttle_wait(struct dir_throttle *t, const char *key, int64_t now);
void dir_throttle_failed(struct dir_throttle *t, const char *key, int64_t now);
void dir_throttle_passed(struct dir_throttle *t, const char *key);
size_t dir_throttle_count(const struct dir_throttle *t);

#endif
