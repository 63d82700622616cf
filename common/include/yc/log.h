/* Log: one line per event on stderr, JSON lines or for people. Never phone numbers or message bodies above DEBUG. */
#ifndef YC_LOG_H
#define YC_LOG_H

#include "yc/err.h"

enum yc_level { YC_DEBUG, YC_INFO, YC_WARN, YC_ERROR };

/* name: the program ("yc-bus"); json: JSON lines instead of text; min: lines below are dropped. Thread-safe afterwards. */
void yc_log_init(const char *name, int json, enum yc_level min);
int yc_log_on(enum yc_level level);              /* would a line of this level be written? */

/* trace: W3C trace id or matter id the line belongs to, or NULL. */
void yc_log_at(enum yc_level level, const char *trace, const char *fmt, ...) YC_PRINTF(3, 4);

#define yc_debug(...) do { if (yc_log_on(YC_DEBUG)) yc_log_at(YC_DEBUG, NULL, __VA_ARGS__); } while (0)
#define yc_info(...)  yc_log_at(YC_INFO, NULL, __VA_ARGS__)
#define yc_warn(...)  yc_log_at(YC_WARN, NULL, __VA_ARGS__)
#define yc_error(...) yc_log_at(YC_ERROR, NULL, __VA_ARGS__)

#endif
