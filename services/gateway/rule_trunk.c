/* Trusted sources, arrival rate, strikes. */
#include "rule_trunk.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "yc/text.h"

static int parse_ip(uint8_t out[16], const char *ip, int *v4)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	*v4 = inet_pton(AF_INET, ip, out + 12) == 1;
	if (*v4) {
		memcpy(out, mapped, sizeof(mapped));
		return 1;
	}
	return inet_pton(AF_INET6, ip, out) == 1;
}

enum yc_code trunk_net_parse(struct trunk_net *out, const char *text, struct yc_err *e)
{
	char ip[64], *slash, *end = NULL;
	int v4;
	long bits;

	yc_copy(ip, sizeof(ip), text);
	slash = strchr(ip, '/');
	if (slash)
		*slash++ = 0;
	if (!parse_ip(out->addr, ip, &v4))
		return yc_fail(e, YC_INVALID, "addresses", "%s is no IP address", text);
	bits = slash ? strtol(slash, &end, 10) : v4 ? 32 : 128;
	if ((slash && (end == slash || *end)) || bits < 0 || bits > (v4 ? 32 : 128))
		return yc_fail(e, YC_INVALID, "addresses", "%s has a wrong prefix length", text);
	out->bits = (int)bits + (v4 ? 96 : 0);
	return YC_OK;
}

int trunk_net_has(const struct trunk_net *n, const char *ip)
{
	uint8_t a[16];
	int v4, whole = n->bits / 8, rest = n->bits % 8;

	if (!parse_ip(a, ip, &v4) || memcmp(a, n->addr, (size_t)whole))
		return 0;
	return !rest || !((a[whole] ^ n->addr[whole]) & (0xff << (8 - rest) & 0xff));
}

int trunk_bucket_take(struct trunk_bucket *b, int64_t now_ms)
{
	if (b->rate <= 0)
		return 1;
	if (!b->at || now_ms - b->at >= 1000)
		b->tokens_milli = b->rate * 1000;
	else if (now_ms > b->at)
		b->tokens_milli += (now_ms - b->at) * b->rate;
	if (b->tokens_milli > b->rate * 1000)
		b->tokens_milli = b->rate * 1000;
	b->at = now_ms;
	if (b->tokens_milli < 1000)
		return 0;
	b->tokens_milli -= 1000;
	return 1;
}

int trunk_strikes_add(struct trunk_strikes *s, int64_t now_ms, int64_t window_ms)
{
	if (now_ms - s->since >= window_ms) {
		s->since = now_ms;
		s->n = 0;
	}
	return ++s->n;
}

int trunk_strikes_blocked(const struct trunk_strikes *s, int64_t now_ms, int64_t window_ms, int bound)
{
	return bound > 0 && s->n >= bound && now_ms - s->since < window_ms;
}
