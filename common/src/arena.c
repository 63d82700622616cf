#include "yc/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/log.h"

/* Under AddressSanitizer what was not handed out is poisoned: a pointer kept over yc_arena_reset is found. */
#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16, FIRST = 4096 - 64, BLOCK_MAX = 64 * 1024, LISTS = 8 };

struct block { struct block *next; size_t size, used; _Alignas(ALIGN) char data[]; };

/* Capacity of an array that yc_pb_add grew. Arrays that came off the wire are exactly full, and are copied on the first append. */
struct list { void *items; size_t cap; };

struct yc_arena {
	ProtobufCAllocator pb;
	struct block *head;                     /* the block in use; the first one is the last of the chain */
	size_t limit, handed;
	struct list lists[LISTS];
	unsigned next_list;
};

static void *pb_alloc(void *data, size_t n);

static void pb_free(void *data, void *p)
{
}

static struct block *block_new(struct block *next, size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = next;
	b->size = size;
	b->used = 0;
	POISON(b->data, size);
	return b;
}

static void block_free(struct block *b)
{
	UNPOISON(b->data, b->size);
	free(b);
}

struct yc_arena *yc_arena_new(size_t limit)
{
	struct yc_arena *a = yc_xcalloc(1, sizeof(*a));

	a->limit = limit;
	a->pb = (ProtobufCAllocator){ .alloc = pb_alloc, .free = pb_free, .allocator_data = a };
	return a;
}

void yc_arena_free(struct yc_arena **a)
{
	if (!*a)
		return;
	for (struct block *b = (*a)->head, *next; b; b = next) {
		next = b->next;
		block_free(b);
	}
	yc_xfree(*a);
	*a = NULL;
}

void yc_arena_reset(struct yc_arena *a)
{
	while (a->head && a->head->next) {
		struct block *b = a->head;

		a->head = b->next;
		block_free(b);
	}
	if (a->head) {
		a->head->used = 0;
		POISON(a->head->data, a->head->size);
	}
	a->handed = 0;
	memset(a->lists, 0, sizeof(a->lists));
}

static int grow(struct yc_arena *a, size_t n)
{
	size_t size = FIRST;
	struct block *b;

	if (a->head)
		size = a->head->size < BLOCK_MAX / 2 ? a->head->size * 2 : BLOCK_MAX;
	if (size < n)
		size = n;
	b = block_new(a->head, size);
	if (!b)
		return -1;
	a->head = b;
	return 0;
}

static void *get(struct yc_arena *a, size_t n)
{
	size_t whole = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	void *p;

	if (n == 0)
		whole = ALIGN;          /* distinct, and counted: empty things must not be free of charge */
	if (whole < n || whole > a->limit - a->handed)
		return NULL;
	if ((!a->head || whole > a->head->size - a->head->used) && grow(a, whole))
		return NULL;
	p = a->head->data + a->head->used;
	a->head->used += whole;
	a->handed += whole;
	UNPOISON(p, n);
	return p;
}

static void *pb_alloc(void *data, size_t n)
{
	return get(data, n);
}

void *yc_alloc(struct yc_arena *a, size_t n)
{
	void *p = get(a, n);

	if (p)
		memset(p, 0, n);
	return p;
}

void *yc_memdup(struct yc_arena *a, const void *p, size_t n)
{
	void *copy = get(a, n);

	if (copy && n)
		memcpy(copy, p, n);
	return copy;
}

char *yc_strndup(struct yc_arena *a, const char *s, size_t n)
{
	size_t len = s ? strnlen(s, n) : 0;
	char *copy = s ? get(a, len + 1) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, s, len);
	copy[len] = '\0';
	return copy;
}

char *yc_strdup(struct yc_arena *a, const char *s)
{
	return s ? yc_memdup(a, s, strlen(s) + 1) : NULL;
}

char *yc_sprintf(struct yc_arena *a, const char *fmt, ...)
{
	char small[256], *s;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0)
		return NULL;
	if ((size_t)n < sizeof(small))
		return yc_memdup(a, small, (size_t)n + 1);
	s = get(a, (size_t)n + 1);
	if (!s)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(s, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return s;
}

ProtobufCAllocator *yc_arena_pb(struct yc_arena *a)
{
	return &a->pb;
}

void *yc_pb_new(struct yc_arena *a, const ProtobufCMessageDescriptor *d)
{
	void *m = get(a, d->sizeof_message);

	if (m)
		protobuf_c_message_init(d, m);
	return m;
}

/* The array with room for one more, known to be ours, or NULL. */
static void **with_room(struct yc_arena *a, void **items, size_t n)
{
	struct list *l = NULL;
	void **bigger;
	size_t cap = n < 4 ? 4 : n * 2;

	for (int i = 0; i < LISTS && items; i++)
		if (a->lists[i].items == items)
			l = &a->lists[i];
	if (l && n < l->cap)
		return items;
	bigger = get(a, cap * sizeof(void *));
	if (!bigger)
		return NULL;
	if (n)
		memcpy(bigger, items, n * sizeof(void *));
	if (!l)
		l = &a->lists[a->next_list++ % LISTS];
	*l = (struct list){ .items = bigger, .cap = cap };
	return bigger;
}

void *yc_pb_add(struct yc_arena *a, const ProtobufCMessageDescriptor *d, void *items, size_t *n)
{
	void **v, *m;

	memcpy(&v, items, sizeof(v));
	v = with_room(a, v, *n);
	m = v ? yc_pb_new(a, d) : NULL;
	if (!m)
		return NULL;
	memcpy(items, &v, sizeof(v));
	v[(*n)++] = m;
	return m;
}

static void *sure(void *p, size_t n)
{
	if (!p) {
		yc_error("out of memory: %zu bytes", n);
		abort();
	}
	return p;
}

void *yc_xcalloc(size_t n, size_t size)
{
	return sure(calloc(n ? n : 1, size ? size : 1), size);
}

void *yc_xrealloc(void *p, size_t size)
{
	return sure(realloc(p, size ? size : 1), size);
}

char *yc_xstrdup(const char *s)
{
	return s ? sure(strdup(s), strlen(s)) : NULL;
}

void yc_xfree(void *p)
{
	free(p);
}
