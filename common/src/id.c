#include "yc/id.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/text.h"

enum { ULID_LEN = 26, PREFIX_MAX = 8, POOL = 512 };

static const char base32[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";        /* Crockford's: no I, L, O, U */

/* The last ULID given out: time, and 80 random bits as 16 + 64. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t last_ms;
static uint16_t last_hi;
static uint64_t last_lo;

/* After fork the child must not continue with its parent's numbers. */
static atomic_uint generation = 1;
static unsigned last_generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void in_child(void)
{
	atomic_fetch_add(&generation, 1);
	pthread_mutex_init(&lock, NULL);
}

static void watch_forks(void)
{
	pthread_atfork(NULL, NULL, in_child);
}

/* 10 random bytes from a buffer of this thread, so that the system is asked once per 51 new milliseconds. */
static void random10(unsigned char out[10])
{
	static __thread unsigned char pool[POOL];
	static __thread size_t left;
	static __thread unsigned mine;

	if (left < 10 || mine != atomic_load(&generation)) {
		yc_random(pool, sizeof(pool));
		left = sizeof(pool);
		mine = atomic_load(&generation);
	}
	left -= 10;
	memcpy(out, pool + left, 10);
	memset(pool + left, 0, 10);
}

/* Next (ms, hi, lo): fresh random bits in a new millisecond; otherwise, or when the clock went back, the last number plus one. */
static void next(int64_t now, int64_t *ms, uint16_t *hi, uint64_t *lo)
{
	unsigned char r[10];

	pthread_mutex_lock(&lock);
	if (now > last_ms || last_generation != atomic_load(&generation)) {
		random10(r);
		last_generation = atomic_load(&generation);
		if (now > last_ms)
			last_ms = now;
		/* The top bit stays clear: room for 2^79 increments within the millisecond. */
		last_hi = (uint16_t)((r[0] & 0x7f) << 8 | r[1]);
		memcpy(&last_lo, r + 2, 8);
	} else if (++last_lo == 0) {
		last_hi++;
	}
	*ms = last_ms;
	*hi = last_hi;
	*lo = last_lo;
	pthread_mutex_unlock(&lock);
}

static void encode(int64_t ms, uint16_t hi, uint64_t lo, char *out)
{
	for (int i = 0; i < 10; i++)
		out[i] = base32[ms >> (45 - 5 * i) & 31];
	/* 80 bits from the right: 64 of lo give twelve digits and four bits over. */
	for (int i = 25; i > 13; i--, lo >>= 5)
		out[i] = base32[lo & 31];
	lo |= (uint64_t)hi << 4;
	for (int i = 13; i > 9; i--, lo >>= 5)
		out[i] = base32[lo & 31];
	out[ULID_LEN] = '\0';
}

char *yc_id_new(const char *prefix, char out[YC_ID_LEN])
{
	uint64_t lo;
	uint16_t hi;
	int64_t ms;
	size_t n;

	pthread_once(&once, watch_forks);
	next(yc_now(), &ms, &hi, &lo);
	yc_copy(out, PREFIX_MAX + 1, prefix);
	n = strlen(out);
	out[n] = '_';
	encode(ms, hi, lo, out + n + 1);
	return out;
}

static int digit(char c)
{
	const char *p = c ? strchr(base32, c) : NULL;

	return p ? (int)(p - base32) : -1;
}

/* The ULID part of a well-formed id, or NULL. */
static const char *ulid_of(const char *s)
{
	const char *sep = s ? strchr(s, '_') : NULL;

	if (!sep || sep == s || sep - s > PREFIX_MAX)
		return NULL;
	for (const char *p = s; p < sep; p++)
		if (*p < 'a' || *p > 'z')
			return NULL;
	for (int i = 1; i <= ULID_LEN; i++)
		if (digit(sep[i]) < 0)
			return NULL;
	/* 26 digits hold 130 bits: the first may not exceed 7. */
	return sep[ULID_LEN + 1] == '\0' && digit(sep[1]) <= 7 ? sep + 1 : NULL;
}

int yc_id_is(const char *s, const char *prefix)
{
	const char *ulid = ulid_of(s);
	size_t n = prefix ? strlen(prefix) : 0;

	if (!ulid)
		return 0;
	return !prefix || ((size_t)(ulid - s) == n + 1 && memcmp(s, prefix, n) == 0);
}

int64_t yc_id_ms(const char *s)
{
	const char *ulid = ulid_of(s);
	int64_t ms = 0;

	if (!ulid)
		return -1;
	for (int i = 0; i < 10; i++)
		ms = ms << 5 | digit(ulid[i]);
	return ms;
}
