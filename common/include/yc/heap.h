/* Indexed binary heap of pointers: the element stores its place, so removal is O(log n). Smallest key first; ties by tie. */
#ifndef YC_HEAP_H
#define YC_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct yc_heap_node { int64_t key; uint64_t tie; void *item; size_t *pos; };   /* *pos is kept = index + 1; 0 = not in the heap */
struct yc_heap { struct yc_heap_node *v; size_t n, cap; };

void yc_heap_push(struct yc_heap *h, int64_t key, uint64_t tie, void *item, size_t *pos);
void *yc_heap_top(const struct yc_heap *h);      /* NULL when empty */
void *yc_heap_pop(struct yc_heap *h);
void yc_heap_remove(struct yc_heap *h, size_t *pos);   /* no-op when *pos is 0 */
void yc_heap_fini(struct yc_heap *h);

#endif
