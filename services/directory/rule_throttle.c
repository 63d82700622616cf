#include "rule_throttle.h"

#include "yc/arena.h"
#include "yc/text.h"

#include <uthash.h>

#define KEY_LEN 96

struct slot {
	char key[KEY_LEN];
	int fails;
	int64_t last;
	UT_hash_handle hh;
};

/* uthash keeps insertion order; a touched slot moves to the end, so the first one is the one untouched for longest. */
struct dir_throttle {
	struct slot *slots;
	int free_tries;
	int64_t window, max_pause;
	size_t max_keys;
};

struct dir_throttle *dir_throttle_new(int free_tries, int64_t window_ms, int64_t max_pause_ms, size_t max_keys)
{
	struct dir_throttle *t = yc_xcalloc(1, sizeof(*t));

	t->free_tries = free_tries;
	t->window = window_ms;
	t->max_pause = max_pause_ms;
	t->max_keys = max_keys;
	return t;
}

static void drop(struct dir_throttle *t, struct slot *s)
{
	HASH_DEL(t->slots, s);
	yc_xfree(s);
}

void dir_throttle_free(struct dir_throttle **t)
{
	struct slot *s, *tmp;

	if (!*t)
		return;
	HASH_ITER(hh, (*t)->slots, s, tmp)
		drop(*t, s);
	yc_xfree(*t);
	*t = NULL;
}

static struct slot *find(struct dir_throttle *t, const char *key, int64_t now)
{
	char k[KEY_LEN];
	struct slot *s = NULL;

	yc_copy(k, sizeof(k), key);
	HASH_FIND_STR(t->slots, k, s);
	if (s && now - s->last >= t->window) {
		drop(t, s);
		return NULL;
	}
	return s;
}

int64_t dir_throttle_wait(struct dir_throttle *t, const char *key, int64_t now)
{
	struct slot *s = find(t, key, now);
	int64_t pause = 1000, end;
	int over;

	if (!s || s->fails < t->free_tries)
		return 0;
	for (over = s->fails - t->free_tries; over > 0 && pause < t->max_pause; over--)
		pause *= 2;
	end = s->last + (pause < t->max_pause ? pause : t->max_pause);
	return end > now ? end - now : 0;
}

void dir_throttle_failed(struct dir_throttle *t, const char *key, int64_t now)
{
	struct slot *s = find(t, key, now);

	if (s) {
		HASH_DEL(t->slots, s);
	} else {
		if (HASH_COUNT(t->slots) >= t->max_keys)
			drop(t, t->slots);
		s = yc_xcalloc(1, sizeof(*s));
		yc_copy(s->key, sizeof(s->key), key);
	}
	s->fails++;
	s->last = now;
	HASH_ADD_STR(t->slots, key, s);
}

void dir_throttle_passed(struct dir_throttle *t, const char *key)
{
	char k[KEY_LEN];
	struct slot *s = NULL;

	yc_copy(k, sizeof(k), key);
	HASH_FIND_STR(t->slots, k, s);
	if (s)
		drop(t, s);
}

size_t dir_throttle_count(const struct dir_throttle *t)
{
	return HASH_COUNT(t->slots);
}
