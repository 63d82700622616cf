#include "rule_limit.h"

#include "yc/arena.h"
#include "yc/text.h"

#include <uthash.h>

#define KEY_LEN 72

struct bucket {
	char key[KEY_LEN];
	int64_t milli;                           /* thousandths of a token */
	int64_t at, moved;
	UT_hash_handle hh;
};

/* uthash keeps insertion order; moving a bucket to the end costs more than the request is worth, so it is done once a second at most. */
struct api_limit { struct bucket *buckets; int64_t rate, burst; size_t max_keys; };

struct api_limit *api_limit_new(int64_t rate, int64_t burst, size_t max_keys)
{
	struct api_limit *l = yc_xcalloc(1, sizeof(*l));

	l->rate = rate;
	l->burst = burst > 0 ? burst : 1;
	l->max_keys = max_keys;
	return l;
}

void api_limit_free(struct api_limit **l)
{
	struct bucket *b, *tmp;

	if (!*l)
		return;
	HASH_ITER(hh, (*l)->buckets, b, tmp) {
		HASH_DEL((*l)->buckets, b);
		yc_xfree(b);
	}
	yc_xfree(*l);
	*l = NULL;
}

static struct bucket *bucket_of(struct api_limit *l, const char *key, int64_t now)
{
	char k[KEY_LEN];
	struct bucket *b = NULL;

	yc_copy(k, sizeof(k), key);
	HASH_FIND_STR(l->buckets, k, b);
	if (b && now - b->moved < 1000)
		return b;
	if (b) {
		HASH_DEL(l->buckets, b);
	} else {
		if (HASH_COUNT(l->buckets) >= l->max_keys) {
			struct bucket *old = l->buckets;

			HASH_DEL(l->buckets, old);
			yc_xfree(old);
		}
		b = yc_xcalloc(1, sizeof(*b));
		yc_copy(b->key, sizeof(b->key), k);
		b->milli = l->burst * 1000;
		b->at = now;
	}
	b->moved = now;
	HASH_ADD_STR(l->buckets, key, b);
	return b;
}

int64_t api_limit_take(struct api_limit *l, const char *key, int64_t now_ms, int64_t *left)
{
	struct bucket *b;

	if (left)
		*left = l->burst;
	if (!l->rate)
		return 0;
	b = bucket_of(l, key, now_ms);
	b->milli += (now_ms - b->at) * l->rate;
	b->at = now_ms;
	if (b->milli > l->burst * 1000)
		b->milli = l->burst * 1000;
	if (b->milli < 1000) {
		if (left)
			*left = 0;
		return (1000 - b->milli + l->rate - 1) / l->rate;
	}
	b->milli -= 1000;
	if (left)
		*left = b->milli / 1000;
	return 0;
}

size_t api_limit_count(const struct api_limit *l)
{
	return HASH_COUNT(l->buckets);
}
