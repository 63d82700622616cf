/* A table of numbered things: a 64-bit number finds its entry in one step and goes stale when the entry is given back, so that late answers
 * find nothing. Entries never move; memory is kept for reuse. Number = generation << 20 | index; generation starts at random. */
#ifndef YC_SLOTS_H
#define YC_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "yc/arena.h"

#define YC_SLOT_BITS 20
#define YC_SLOT_MASK ((1u << YC_SLOT_BITS) - 1)

struct yc_slot { uint64_t nr; int in_use; struct yc_slot *free_next; };   /* first member of every entry */
struct yc_slots { struct yc_slot **v; size_t n, cap, used, entry_size; uint64_t seed; struct yc_slot *free; };

static inline void yc_slots_init(struct yc_slots *s, size_t entry_size, uint64_t seed)
{
	*s = (struct yc_slots){ .entry_size = entry_size, .seed = seed & 0xffffffffu };
}

/* A zeroed entry with a fresh number, or NULL when a million are in use. */
static inline void *yc_slot_get(struct yc_slots *s)
{
	struct yc_slot *e = s->free;
	uint64_t nr;

	if (e) {
		s->free = e->free_next;
		nr = e->nr + (1u << YC_SLOT_BITS);
	} else {
		if (s->n > YC_SLOT_MASK)
			return NULL;
		if (s->n == s->cap) {
			s->cap = s->cap ? s->cap * 2 : 64;
			s->v = yc_xrealloc(s->v, s->cap * sizeof *s->v);
		}
		e = s->v[s->n] = yc_xcalloc(1, s->entry_size);
		nr = (s->seed + 1) << YC_SLOT_BITS | s->n++;
	}
	__builtin_memset(e, 0, s->entry_size);
	e->nr = nr;
	e->in_use = 1;
	s->used++;
	return e;
}

static inline void *yc_slot_find(const struct yc_slots *s, uint64_t nr)
{
	uint64_t i = nr & YC_SLOT_MASK;

	return i < s->n && s->v[i]->in_use && s->v[i]->nr == nr ? s->v[i] : NULL;
}

static inline void yc_slot_put(struct yc_slots *s, void *entry)
{
	struct yc_slot *e = entry;

	e->in_use = 0;
	e->free_next = s->free;
	s->free = e;
	s->used--;
}

static inline void yc_slots_fini(struct yc_slots *s)
{
	for (size_t i = 0; i < s->n; i++)
		yc_xfree(s->v[i]);
	yc_xfree(s->v);
	*s = (struct yc_slots){ 0 };
}

#endif
