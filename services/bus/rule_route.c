/* Which instance? Pure. */
#include "broker.h"
#include "yc/text.h"

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdu;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

int rule_route_sharded(const struct candidate *c, int n, const void *key, size_t key_len)
{
	uint64_t h = yc_hash64(key, key_len), best = 0, score;
	int found = -1;

	for (int i = 0; i < n; i++) {
		score = mix(h ^ c[i].name_hash);
		if (found < 0 || score > best || (score == best && c[i].name_hash > c[found].name_hash)) {
			found = i;
			best = score;
		}
	}
	return found;
}

int rule_route_least(const struct candidate *c, int n, unsigned start)
{
	int found = -1;

	for (int k = 0; k < n; k++) {
		int i = (int)((start + (unsigned)k) % (unsigned)n);

		if (found < 0 || c[i].n_work < c[found].n_work)
			found = i;
	}
	return found;
}
