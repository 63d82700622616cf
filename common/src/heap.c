#include "yc/heap.h"

#include <string.h>

#include "yc/arena.h"

static int before(const struct yc_heap_node *a, const struct yc_heap_node *b)
{
	return a->key != b->key ? a->key < b->key : a->tie < b->tie;
}

static void put(struct yc_heap *h, size_t i, const struct yc_heap_node *x)
{
	h->v[i] = *x;
	if (x->pos)
		*x->pos = i + 1;
}

/* Both move a hole from i to where x belongs, so each level costs one copy. */
static void sift_up(struct yc_heap *h, size_t i, struct yc_heap_node x)
{
	while (i > 0) {
		size_t up = (i - 1) / 2;

		if (!before(&x, &h->v[up]))
			break;
		put(h, i, &h->v[up]);
		i = up;
	}
	put(h, i, &x);
}

static void sift_down(struct yc_heap *h, size_t i, struct yc_heap_node x)
{
	for (;;) {
		size_t kid = 2 * i + 1;

		if (kid >= h->n)
			break;
		if (kid + 1 < h->n && before(&h->v[kid + 1], &h->v[kid]))
			kid++;
		if (!before(&h->v[kid], &x))
			break;
		put(h, i, &h->v[kid]);
		i = kid;
	}
	put(h, i, &x);
}

void yc_heap_push(struct yc_heap *h, int64_t key, uint64_t tie, void *item, size_t *pos)
{
	struct yc_heap_node x = { .key = key, .tie = tie, .item = item, .pos = pos };

	if (h->n == h->cap) {
		h->cap = h->cap ? h->cap * 2 : 16;
		h->v = yc_xrealloc(h->v, h->cap * sizeof(*h->v));
	}
	sift_up(h, h->n++, x);
}

void *yc_heap_top(const struct yc_heap *h)
{
	return h->n ? h->v[0].item : NULL;
}

static void *take(struct yc_heap *h, size_t i)
{
	struct yc_heap_node gone = h->v[i], last = h->v[--h->n];

	if (gone.pos)
		*gone.pos = 0;
	if (i == h->n)
		return gone.item;
	if (i > 0 && before(&last, &h->v[(i - 1) / 2]))
		sift_up(h, i, last);
	else
		sift_down(h, i, last);
	return gone.item;
}

void *yc_heap_pop(struct yc_heap *h)
{
	return h->n ? take(h, 0) : NULL;
}

void yc_heap_remove(struct yc_heap *h, size_t *pos)
{
	if (pos && *pos)
		take(h, *pos - 1);
}

void yc_heap_fini(struct yc_heap *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->v[i].pos)
			*h->v[i].pos = 0;
	yc_xfree(h->v);
	memset(h, 0, sizeof(*h));
}
