#include "yct.h"

#include <stdlib.h>

#include "yc/crypto.h"
#include "yc/heap.h"

struct thing { int64_t key; uint64_t tie; size_t pos; };

static void things_come_out_by_key_then_by_tie(void)
{
	struct thing t[] = { { 5, 1, 0 }, { 3, 2, 0 }, { 5, 0, 0 }, { -7, 9, 0 }, { 3, 1, 0 } };
	static const int order[] = { 3, 4, 1, 2, 0 };
	struct yc_heap h = { 0 };

	CU_ASSERT_PTR_NULL(yc_heap_top(&h));
	CU_ASSERT_PTR_NULL(yc_heap_pop(&h));
	for (int i = 0; i < 5; i++)
		yc_heap_push(&h, t[i].key, t[i].tie, &t[i], &t[i].pos);
	for (int i = 0; i < 5; i++) {
		CU_ASSERT_PTR_EQUAL(yc_heap_top(&h), &t[order[i]]);
		CU_ASSERT_PTR_EQUAL(yc_heap_pop(&h), &t[order[i]]);
		CU_ASSERT_EQUAL(t[order[i]].pos, 0);
	}
	yc_heap_fini(&h);
}

static int by_key(const void *a, const void *b)
{
	const struct thing *x = *(struct thing *const *)a, *y = *(struct thing *const *)b;

	return x->key != y->key ? (x->key < y->key ? -1 : 1) : x->tie < y->tie ? -1 : x->tie > y->tie;
}

static void check_places(const struct yc_heap *h)
{
	for (size_t i = 0; i < h->n; i++) {
		CU_ASSERT_EQUAL_FATAL(*h->v[i].pos, i + 1);
		if (i)
			CU_ASSERT_FATAL(h->v[(i - 1) / 2].key <= h->v[i].key);
	}
}

static void random_pushes_and_removals_leave_what_sorting_would_give(void)
{
	enum { N = 2000 };
	static struct thing t[N];
	static struct thing *left[N];
	struct yc_heap h = { 0 };
	int n = 0;

	for (int i = 0; i < N; i++) {
		uint32_t r[2];

		yc_random(r, sizeof(r));
		t[i] = (struct thing){ .key = r[0] % 300, .tie = (uint64_t)i };
		yc_heap_push(&h, t[i].key, t[i].tie, &t[i], &t[i].pos);
		if (r[1] % 3 == 0)
			yc_heap_remove(&h, &t[r[1] % (uint32_t)(i + 1)].pos);
		if (i % 64 == 0)
			check_places(&h);
	}
	for (int i = 0; i < N; i++)
		if (t[i].pos)
			left[n++] = &t[i];
	CU_ASSERT_EQUAL_FATAL((size_t)n, h.n);
	CU_ASSERT(n > 500 && n < N);
	qsort(left, (size_t)n, sizeof(left[0]), by_key);
	for (int i = 0; i < n; i++)
		CU_ASSERT_PTR_EQUAL_FATAL(yc_heap_pop(&h), left[i]);
	yc_heap_fini(&h);
}

static void removing_what_is_not_inside_does_nothing(void)
{
	struct thing a = { 1, 0, 0 }, b = { 2, 0, 0 };
	struct yc_heap h = { 0 };

	yc_heap_push(&h, a.key, a.tie, &a, &a.pos);
	yc_heap_remove(&h, &b.pos);
	yc_heap_remove(&h, NULL);
	CU_ASSERT_EQUAL(h.n, 1);
	yc_heap_remove(&h, &a.pos);
	yc_heap_remove(&h, &a.pos);
	CU_ASSERT_EQUAL(h.n, 0);
	yc_heap_push(&h, a.key, a.tie, &a, &a.pos);
	yc_heap_push(&h, b.key, b.tie, &b, NULL);
	yc_heap_fini(&h);
	CU_ASSERT_EQUAL(a.pos, 0);
}

YCT_MAIN("heap",
	 T(things_come_out_by_key_then_by_tie),
	 T(random_pushes_and_removals_leave_what_sorting_would_give),
	 T(removing_what_is_not_inside_does_nothing))
