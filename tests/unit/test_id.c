#include "yct.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yc/clock.h"
#include "yc/id.h"

static void an_id_is_its_prefix_and_a_ulid_of_now(void)
{
	char id[YC_ID_LEN];

	yc_clock_fake(yc_now() + 1000);
	CU_ASSERT_PTR_EQUAL(yc_id_new("ord", id), id);
	CU_ASSERT_EQUAL(strlen(id), 4 + 26);
	CU_ASSERT(!strncmp(id, "ord_0", 5));
	CU_ASSERT_EQUAL(yc_id_ms(id), yc_now());
	CU_ASSERT(yc_id_is(id, "ord") && yc_id_is(id, NULL));
	CU_ASSERT(!yc_id_is(id, "or") && !yc_id_is(id, "orde") && !yc_id_is(id, "cal"));
	yc_clock_real();
	YCT_STR((yc_id_new("azazazaz", id), id[8] = '\0', id), "azazazaz");
	id[8] = '_';
	CU_ASSERT(yc_id_is(id, "azazazaz"));
	yc_id_new("ninechars", id);             /* cut to eight: never beyond the room */
	CU_ASSERT(yc_id_is(id, "ninechar"));
}

static void ids_of_one_millisecond_keep_their_order(void)
{
	char a[YC_ID_LEN], b[YC_ID_LEN];

	yc_clock_fake(yc_now() + 2000);
	yc_id_new("evt", a);
	for (int i = 0; i < 100000; i++) {
		yc_id_new("evt", b);
		CU_ASSERT_FATAL(strcmp(a, b) < 0);
		memcpy(a, b, sizeof(a));
	}
	CU_ASSERT_EQUAL(yc_id_ms(b), yc_now());
	yc_clock_real();
}

static void a_clock_that_goes_back_does_not_disturb_the_order(void)
{
	char a[YC_ID_LEN], b[YC_ID_LEN];

	yc_clock_fake(yc_now() + 3000);
	yc_id_new("evt", a);
	yc_clock_advance(-60000);
	yc_id_new("evt", b);
	CU_ASSERT(strcmp(a, b) < 0);
	yc_clock_real();
}

static int by_text(const void *a, const void *b);

static void each_new_millisecond_draws_new_random_bits(void)
{
	enum { N = 300 };
	static char bits[N][17];
	char id[YC_ID_LEN];

	yc_clock_fake(yc_now() + 200000);
	for (int i = 0; i < N; i++) {
		yc_clock_advance(1);
		yc_id_new("evt", id);
		memcpy(bits[i], id + 4 + 10, 17);
	}
	yc_clock_real();
	qsort(bits, N, sizeof(bits[0]), by_text);
	for (int i = 1; i < N; i++)             /* neighbours that share 39 bits: once in 12 million runs */
		CU_ASSERT_FATAL(strncmp(bits[i - 1], bits[i], 8) != 0);
}

enum { THREADS = 4, EACH = 20000 };
static char (*drawn)[YC_ID_LEN];

static void *draw(void *arg)
{
	char (*mine)[YC_ID_LEN] = drawn + (size_t)(intptr_t)arg * EACH;

	for (int i = 0; i < EACH; i++)
		yc_id_new("msg", mine[i]);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void threads_never_draw_the_same_id(void)
{
	pthread_t t[THREADS];

	drawn = calloc(THREADS * EACH, YC_ID_LEN);
	for (intptr_t i = 0; i < THREADS; i++)
		CU_ASSERT_EQUAL_FATAL(pthread_create(&t[i], NULL, draw, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	qsort(drawn, THREADS * EACH, YC_ID_LEN, by_text);
	for (int i = 1; i < THREADS * EACH; i++)
		CU_ASSERT_FATAL(strcmp(drawn[i - 1], drawn[i]) != 0);
	free(drawn);
}

static void a_forked_child_draws_other_ids_than_its_parent(void)
{
	char mine[YC_ID_LEN], other[YC_ID_LEN] = "";
	int fd[2];

	yc_clock_fake(yc_now() + 100000);
	yc_id_new("leg", mine);
	CU_ASSERT_EQUAL_FATAL(pipe(fd), 0);
	pid_t pid = fork();
	yc_clock_advance(1);            /* a new millisecond on both sides: only the random bits can differ */
	if (pid == 0) {
		yc_id_new("leg", other);
		_exit(write(fd[1], other, YC_ID_LEN) == YC_ID_LEN ? 0 : 1);
	}
	yc_id_new("leg", mine);
	CU_ASSERT_EQUAL(read(fd[0], other, YC_ID_LEN), YC_ID_LEN);
	waitpid(pid, NULL, 0);
	close(fd[0]);
	close(fd[1]);
	CU_ASSERT_EQUAL(yc_id_ms(mine), yc_id_ms(other));
	CU_ASSERT_STRING_NOT_EQUAL(mine, other);
	yc_clock_real();
}

static void what_is_no_id_is_refused(void)
{
	static const char *const bad[] = { "", "ord", "ord_", "_01ARZ3NDEKTSV4RRFFQ69G5FAV", "ord-01ARZ3NDEKTSV4RRFFQ69G5FAV",
		"ord_01ARZ3NDEKTSV4RRFFQ69G5FA", "ord_01ARZ3NDEKTSV4RRFFQ69G5FAVX", "ord_01arz3ndektsv4rrffq69g5fav",
		"ord_01ARZ3NDEKTSV4RRFFQ69G5FAU", "ord_81ARZ3NDEKTSV4RRFFQ69G5FAV", "ORD_01ARZ3NDEKTSV4RRFFQ69G5FAV", "o{d_01ARZ3NDEKTSV4RRFFQ69G5FAV",
		"o d_01ARZ3NDEKTSV4RRFFQ69G5FAV", "abcdefghi_01ARZ3NDEKTSV4RRFFQ69G5FAV" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT(!yc_id_is(bad[i], NULL));
		CU_ASSERT_EQUAL(yc_id_ms(bad[i]), -1);
	}
	CU_ASSERT(!yc_id_is(NULL, NULL));
	CU_ASSERT(yc_id_is("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV", "ord"));
	CU_ASSERT_EQUAL(yc_id_ms("ord_01ARZ3NDEKTSV4RRFFQ69G5FAV"), 1469922850259);     /* the example of the ULID specification */
	CU_ASSERT_EQUAL(yc_id_ms("ord_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"), 281474976710655);
}

YCT_MAIN("id",
	 T(an_id_is_its_prefix_and_a_ulid_of_now),
	 T(ids_of_one_millisecond_keep_their_order),
	 T(a_clock_that_goes_back_does_not_disturb_the_order),
	 T(each_new_millisecond_draws_new_random_bits),
	 T(threads_never_draw_the_same_id),
	 T(a_forked_child_draws_other_ids_than_its_parent),
	 T(what_is_no_id_is_refused))
