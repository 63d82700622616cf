/* Which sources are trusted: addresses and networks of trunks. Pure. */
#ifndef GW_RULE_TRUNK_H
#define GW_RULE_TRUNK_H

#include <stdint.h>

#include "yc/err.h"

struct trunk_net { uint8_t addr[16]; int bits; };        /* IPv4 as ::ffff:a.b.c.d, bits + 96 */

/* "10.0.0.0/24", "127.0.0.4", "2001:db8::/32". INVALID names what is wrong. */
enum yc_code trunk_net_parse(struct trunk_net *out, const char *text, struct yc_err *e) YC_MUST;
int trunk_net_has(const struct trunk_net *n, const char *ip);

/* Token bucket for arriving calls: capacity of one second's worth. */
struct trunk_bucket { int64_t rate, tokens_milli, at; };
/* Takes one token if there is one. rate 0: no bound. */
int trunk_bucket_take(struct trunk_bucket *b, int64_t now_ms);
/* Counts failures of one source within a window: how many are left in it. */
struct trunk_strikes { int64_t since; int n; };
int trunk_strikes_add(struct trunk_strikes *s, int64_t now_ms, int64_t window_ms);
int trunk_strikes_blocked(const struct trunk_strikes *s, int64_t now_ms, int64_t window_ms, int bound);

#endif
