#include "yct.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yc/arena.h"
#include "yc/v1/common.pb-c.h"

static struct yc_arena *a;

static void open_arena(void)
{
	a = yc_arena_new(1 << 20);
}

static void close_arena(void)
{
	yc_arena_free(&a);
	CU_ASSERT_PTR_NULL(a);
	yc_arena_free(&a);
}

static void memory_is_zeroed_aligned_and_apart(void)
{
	unsigned char *p[500];

	for (int i = 0; i < 500; i++) {
		p[i] = yc_alloc(a, (size_t)i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(p[i]);
		CU_ASSERT_EQUAL((uintptr_t)p[i] % 16, 0);
		for (int k = 0; k < i; k++)
			CU_ASSERT_EQUAL_FATAL(p[i][k], 0);
		memset(p[i], i & 0xff, (size_t)i);
	}
	for (int i = 0; i < 500; i++)
		for (int k = 0; k < i; k++)
			CU_ASSERT_EQUAL_FATAL(p[i][k], i & 0xff);
}

static void used_memory_is_zeroed_again_after_a_reset(void)
{
	unsigned char *p = yc_alloc(a, 1000);

	memset(p, 0xee, 1000);
	yc_alloc(a, 100000);
	yc_arena_reset(a);
	CU_ASSERT_PTR_EQUAL(yc_alloc(a, 1000), p);      /* the first block is kept */
	for (int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL_FATAL(p[i], 0);
}

static void beyond_its_limit_it_gives_nothing(void)
{
	struct yc_arena *small = yc_arena_new(1000);
	size_t got = 0;

	CU_ASSERT_PTR_NULL(yc_alloc(small, 1001));
	CU_ASSERT_PTR_NULL(yc_alloc(small, SIZE_MAX));
	CU_ASSERT_PTR_NULL(yc_alloc(small, SIZE_MAX - 8));
	while (yc_alloc(small, 16))
		got += 16;
	CU_ASSERT_EQUAL(got, 992);
	CU_ASSERT_PTR_NULL(yc_strdup(small, "0123456789"));
	CU_ASSERT_PTR_NULL(yc_sprintf(small, "%s", "0123456789"));
	CU_ASSERT_PTR_NULL(yc_pb_new(small, &pb__event__descriptor));
	yc_arena_reset(small);
	CU_ASSERT_PTR_NOT_NULL(yc_alloc(small, 992));
	yc_arena_free(&small);
}

static void empty_allocations_do_not_last_for_ever(void)
{
	struct yc_arena *small = yc_arena_new(160);
	int n = 0;

	while (n < 1000 && yc_alloc(small, 0))
		n++;
	CU_ASSERT_EQUAL(n, 10);
	yc_arena_free(&small);
}

static void strings_are_copied(void)
{
	char big[5000];

	YCT_STR(yc_strdup(a, "一窗"), "一窗");
	CU_ASSERT_PTR_NULL(yc_strdup(a, NULL));
	CU_ASSERT_PTR_NULL(yc_strndup(a, NULL, 3));
	YCT_STR(yc_strndup(a, "abcdef", 3), "abc");
	YCT_STR(yc_strndup(a, "ab", 300), "ab");
	YCT_STR(yc_sprintf(a, "%d-%s", 7, "x"), "7-x");
	memset(big, 'y', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	YCT_STR(yc_sprintf(a, "%s", big), big);
	CU_ASSERT_EQUAL(memcmp(yc_memdup(a, "a\0b", 3), "a\0b", 3), 0);
	CU_ASSERT_PTR_NOT_NULL(yc_memdup(a, NULL, 0));
}

static void messages_are_unpacked_into_it(void)
{
	Pb__Event ev = PB__EVENT__INIT, *out;
	uint8_t wire[256];
	size_t n;

	ev.source = "yn.x.1";
	ev.seq = 7;
	ev.payload = (ProtobufCBinaryData){ .len = 3, .data = (uint8_t *)"abc" };
	n = pb__event__pack(&ev, wire);
	out = pb__event__unpack(yc_arena_pb(a), n, wire);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	YCT_STR(out->source, "yn.x.1");
	CU_ASSERT_EQUAL(out->seq, 7);
	pb__event__free_unpacked(out, yc_arena_pb(a));  /* allowed, and without effect */
}

static void a_message_too_large_for_it_is_refused(void)
{
	struct yc_arena *small = yc_arena_new(200);
	Pb__Event ev = PB__EVENT__INIT;
	uint8_t wire[2048], body[1024] = { 0 };
	size_t n;

	ev.payload = (ProtobufCBinaryData){ .len = sizeof(body), .data = body };
	n = pb__event__pack(&ev, wire);
	CU_ASSERT_PTR_NULL(pb__event__unpack(yc_arena_pb(small), n, wire));
	yc_arena_free(&small);
}

static void repeated_fields_grow_and_stay_packable(void)
{
	Pb__EventsReply *r = yc_pb_new(a, &pb__events_reply__descriptor), *back;
	Pb__BusInstances *other = yc_pb_new(a, &pb__bus_instances__descriptor);
	uint8_t wire[65536];
	size_t n;

	for (int i = 0; i < 1000; i++) {
		Pb__Event *ev = yc_pb_add(a, &pb__event__descriptor, &r->events, &r->n_events);

		CU_ASSERT_PTR_NOT_NULL_FATAL(ev);
		ev->seq = i;
		((Pb__BusInstance *)yc_pb_add(a, &pb__bus_instance__descriptor, &other->instances, &other->n_instances))->outstanding = -i;
	}
	CU_ASSERT_EQUAL_FATAL(r->n_events, 1000);
	for (int i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL_FATAL(r->events[i]->seq, i);
		CU_ASSERT_EQUAL_FATAL(other->instances[i]->outstanding, -i);
	}
	n = pb__events_reply__pack(r, wire);
	back = pb__events_reply__unpack(NULL, n, wire);
	CU_ASSERT_EQUAL(back->n_events, 1000);
	pb__events_reply__free_unpacked(back, NULL);
}

static void a_received_list_can_be_appended_to(void)
{
	Pb__EventsReply in = PB__EVENTS_REPLY__INIT, *r;
	Pb__Event e1 = PB__EVENT__INIT, e2 = PB__EVENT__INIT, *list[] = { &e1, &e2, &e1, &e2 };
	uint8_t wire[256];

	e1.seq = 1;
	e2.seq = 2;
	in.n_events = 4;        /* a full array of the size at which ours would have room or grow */
	in.events = list;
	r = pb__events_reply__unpack(yc_arena_pb(a), pb__events_reply__pack(&in, wire), wire);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	for (int64_t i = 3; i < 20; i++)
		((Pb__Event *)yc_pb_add(a, &pb__event__descriptor, &r->events, &r->n_events))->seq = i;
	CU_ASSERT_EQUAL(r->n_events, 21);
	CU_ASSERT_EQUAL(r->events[3]->seq, 2);
	CU_ASSERT_EQUAL(r->events[20]->seq, 19);
}

static void more_lists_than_it_remembers_are_still_right(void)
{
	enum { LISTS = 20, ITEMS = 50 };
	Pb__EventsReply r[LISTS];

	for (int k = 0; k < LISTS; k++)
		pb__events_reply__init(&r[k]);
	for (int i = 0; i < ITEMS; i++)
		for (int k = 0; k < LISTS; k++)
			((Pb__Event *)yc_pb_add(a, &pb__event__descriptor, &r[k].events, &r[k].n_events))->seq = i * 100 + k;
	for (int i = 0; i < ITEMS; i++)
		for (int k = 0; k < LISTS; k++)
			CU_ASSERT_EQUAL_FATAL(r[k].events[i]->seq, i * 100 + k);
}

static void a_process_without_memory_says_so_and_aborts(void)
{
	char said[512] = "";
	int fd[2], status = 0;
	ssize_t n;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], STDERR_FILENO);
		yc_xcalloc((size_t)1 << 60, 1 << 10);
		_exit(0);
	}
	close(fd[1]);
	n = read(fd[0], said, sizeof(said) - 1);
	CU_ASSERT(n > 0);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	close(fd[0]);
#ifndef __SANITIZE_ADDRESS__            /* which ends the process in its own words */
	CU_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "out of memory"));
#else
	CU_ASSERT(!WIFEXITED(status) || WEXITSTATUS(status) != 0);
#endif
}

YCT_MAIN_WITH("arena", open_arena, close_arena,
	 T(memory_is_zeroed_aligned_and_apart),
	 T(used_memory_is_zeroed_again_after_a_reset),
	 T(beyond_its_limit_it_gives_nothing),
	 T(empty_allocations_do_not_last_for_ever),
	 T(strings_are_copied),
	 T(messages_are_unpacked_into_it),
	 T(a_message_too_large_for_it_is_refused),
	 T(repeated_fields_grow_and_stay_packable),
	 T(a_received_list_can_be_appended_to),
	 T(more_lists_than_it_remembers_are_still_right),
	 T(a_process_without_memory_says_so_and_aborts))
