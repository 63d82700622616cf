/* Arena: memory of one request or one tick; freed at once. Bounded, so "request too large" is one check. */
#ifndef YC_ARENA_H
#define YC_ARENA_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "yc/err.h"

struct yc_arena;

/* limit: bytes it may hand out before allocation fails (NULL). */
struct yc_arena *yc_arena_new(size_t limit);
void yc_arena_free(struct yc_arena **a);
void yc_arena_reset(struct yc_arena *a);         /* forget everything, keep the first block */

void *yc_alloc(struct yc_arena *a, size_t n);    /* zeroed, aligned 16; NULL when the limit is reached */
char *yc_strdup(struct yc_arena *a, const char *s);             /* NULL stays NULL */
char *yc_strndup(struct yc_arena *a, const char *s, size_t n);
char *yc_sprintf(struct yc_arena *a, const char *fmt, ...) YC_PRINTF(2, 3);
void *yc_memdup(struct yc_arena *a, const void *p, size_t n);

/* For protobuf_c_message_unpack: unpacked messages live in the arena and are never freed one by one. */
ProtobufCAllocator *yc_arena_pb(struct yc_arena *a);
/* A zeroed, initialised message of this type. */
void *yc_pb_new(struct yc_arena *a, const ProtobufCMessageDescriptor *d);
/* Append a new message to a repeated field: *items (array of pointers) and *n. Returns it, or NULL at the limit. */
void *yc_pb_add(struct yc_arena *a, const ProtobufCMessageDescriptor *d, void *items, size_t *n);

/* The process-wide allocation functions for what outlives a request: abort with a log line when memory is out. */
void *yc_xcalloc(size_t n, size_t size);
void *yc_xrealloc(void *p, size_t size);
char *yc_xstrdup(const char *s);
void yc_xfree(void *p);

#endif
