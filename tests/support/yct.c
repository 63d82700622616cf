#include "yct.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>

#include "yc/log.h"
#include "yc/text.h"

enum { NAME_MAX_ = 200 };

static char dir[64];
static pid_t dir_owner;

/* "a_freed_agent_gets_it" -> "a freed agent gets it": the report is read by people. */
static const char *sentence(const char *name, char out[NAME_MAX_])
{
	yc_copy(out, NAME_MAX_, name);
	for (char *p = out; *p; p++)
		if (*p == '_')
			*p = ' ';
	return out;
}

static void print_failures(void)
{
	for (CU_pFailureRecord r = CU_get_failure_list(); r; r = r->pNext)
		printf("  %s:%u: %s\n", r->strFileName ? r->strFileName : "?", r->uiLineNumber, r->strCondition ? r->strCondition : "?");
}

/* CUnit collects the failures of a run; each test is a run of its own, so its failures stand below its line. */
static int run_one(CU_pSuite s, CU_pTest t, const char *suite, const char *name)
{
	char said[NAME_MAX_];
	int bad = CU_run_test(s, t) != CUE_SUCCESS || CU_get_number_of_failure_records() > 0;

	printf("%s %s: %s\n", bad ? "not ok" : "ok", suite, sentence(name, said));
	if (bad)
		print_failures();
	fflush(stdout);
	return bad;
}

int yct_main(int argc, char **argv, const char *suite, const struct yct_test *tests, int n, void (*setup)(void), void (*teardown)(void))
{
	const char *only = argc > 1 ? argv[1] : "";
	int bad = 0, ran = 0;
	CU_pSuite s;
	CU_pTest t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	yc_log_init(suite, 0, getenv("YCT_DEBUG") ? YC_DEBUG : YC_INFO);
	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	s = CU_add_suite_with_setup_and_teardown(suite, NULL, NULL, setup, teardown);
	for (int i = 0; s && i < n; i++) {
		char said[NAME_MAX_];

		if (!strstr(tests[i].name, only) && !strstr(sentence(tests[i].name, said), only))
			continue;
		t = CU_add_test(s, tests[i].name, tests[i].fn);
		bad += t ? run_one(s, t, suite, tests[i].name) : 1;
		ran++;
	}
	CU_cleanup_registry();
	if (!s || !ran)
		fprintf(stderr, "%s: no test's name contains \"%s\"\n", suite, only);
	return !s || !ran ? 2 : bad ? 1 : 0;
}

struct yc_err *yct_err(void)
{
	static __thread struct yc_err e;

	memset(&e, 0, sizeof(e));
	return &e;
}

void yct_explain(const char *expr, enum yc_code code, const struct yc_err *e)
{
	printf("  %s: %s", expr, yc_code_name(code));
	if (e && *e->field)
		printf(" (%s)", e->field);
	printf("%s%s\n", e && *e->msg ? ": " : "", e ? e->msg : "");
}

/* The clock of the product may be held still by the test; waiting uses the machine's. */
static int64_t real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int yct_until(int64_t timeout_ms, int (*cond)(void *arg), void *arg)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	int64_t end = real_ms() + timeout_ms;

	for (;;) {
		if (cond(arg))
			return 1;
		if (real_ms() >= end)
			return 0;
		nanosleep(&pause, NULL);
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path) != 0 && type != FTW_DP;
}

static void remove_dir(void)
{
	if (*dir && dir_owner == getpid() && !getenv("YCT_KEEP"))
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *yct_dir(void)
{
	if (*dir)
		return dir;
	yc_copy(dir, sizeof(dir), "/tmp/yct.XXXXXX");
	if (!mkdtemp(dir)) {
		perror("yct_dir: mkdtemp");
		exit(2);
	}
	dir_owner = getpid();
	atexit(remove_dir);
	return dir;
}
