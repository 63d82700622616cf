#include "yct.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

enum { SAID_MAX = 4 << 20 };
static char *said;

/* What fn writes to stderr, in `said`. */
static const char *hear(void (*fn)(void))
{
	char path[] = "/tmp/yct-log.XXXXXX";
	int fd = mkstemp(path), old = dup(STDERR_FILENO);
	ssize_t n;

	CU_ASSERT_FATAL(fd >= 0 && old >= 0);
	unlink(path);
	dup2(fd, STDERR_FILENO);
	fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
	fn();
	dup2(old, STDERR_FILENO);
	close(old);
	if (!said)
		said = malloc(SAID_MAX);
	n = pread(fd, said, SAID_MAX - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(fd);
	return said;
}

static void say_three(void)
{
	yc_debug("quiet %d", 1);
	yc_info("order %s opened", "7");
	yc_log_at(YC_WARN, "mat_1", "slow");
}

static void people_read_time_level_service_and_sentence(void)
{
	yc_log_init("yc-test", 0, YC_INFO);
	yc_clock_fake(0);
	YCT_STR(hear(say_three), "1970-01-01T00:00:00.000Z info  yc-test: order 7 opened\n"
				 "1970-01-01T00:00:00.000Z warn  yc-test: slow [mat_1]\n");
	yc_clock_real();
}

static void levels_below_the_least_are_dropped(void)
{
	yc_log_init("yc-test", 0, YC_ERROR);
	CU_ASSERT(!yc_log_on(YC_WARN) && yc_log_on(YC_ERROR));
	YCT_STR(hear(say_three), "");
	yc_log_init("yc-test", 0, YC_DEBUG);
	CU_ASSERT_PTR_NOT_NULL(strstr(hear(say_three), "quiet 1"));
}

static void machines_read_one_object_a_line(void)
{
	json_t *j;

	yc_log_init("yc-test", 1, YC_INFO);
	yc_clock_fake(0);
	hear(say_three);
	yc_clock_real();
	j = json_loads(strchr(said, '\n') + 1, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	YCT_STR(json_string_value(json_object_get(j, "at")), "1970-01-01T00:00:00.000Z");
	YCT_STR(json_string_value(json_object_get(j, "level")), "warn");
	YCT_STR(json_string_value(json_object_get(j, "service")), "yc-test");
	YCT_STR(json_string_value(json_object_get(j, "trace")), "mat_1");
	YCT_STR(json_string_value(json_object_get(j, "msg")), "slow");
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(j, "pid")), getpid());
	json_decref(j);
}

static const char nasty[] = "quote \" back \\ line \n tab \t bell \x07 窗 \xf0\x9f\x93\xae bad \xff\xe7\xaa end\xe7";

static void say_nasty(void)
{
	yc_log_at(YC_INFO, "tr\"ace\n", "%s", nasty);
}

static void hostile_text_stays_one_valid_line(void)
{
	json_t *j;

	yc_log_init("yc \"test\"", 1, YC_INFO);
	hear(say_nasty);
	CU_ASSERT_PTR_EQUAL(strchr(said, '\n'), said + strlen(said) - 1);
	j = json_loads(said, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	YCT_STR(json_string_value(json_object_get(j, "msg")),
		"quote \" back \\ line \n tab \t bell \x07 窗 \xf0\x9f\x93\xae bad \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd end\xef\xbf\xbd");
	YCT_STR(json_string_value(json_object_get(j, "trace")), "tr\"ace\n");
	YCT_STR(json_string_value(json_object_get(j, "service")), "yc \"test\"");
	json_decref(j);
	yc_log_init("yc-test", 0, YC_INFO);
	hear(say_nasty);
	CU_ASSERT_PTR_EQUAL(strchr(said, '\n'), said + strlen(said) - 1);
	CU_ASSERT(yc_utf8_ok(said));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, "line \\n tab \\u0009 bell \\u0007"));
}

static void say_chinese(void)
{
	yc_info("云南邮政一窗");
}

static void chinese_stays_chinese(void)
{
	yc_log_init("yc-test", 0, YC_INFO);
	yc_clock_fake(0);
	YCT_STR(hear(say_chinese), "1970-01-01T00:00:00.000Z info  yc-test: 云南邮政一窗\n");
	yc_clock_real();
}

static void a_full_pipe_loses_lines_and_holds_nobody_up(void)
{
	int fd[2], old = dup(STDERR_FILENO), n = 0;
	char buf[4096];
	ssize_t got;

	CU_ASSERT_EQUAL_FATAL(pipe2(fd, O_NONBLOCK), 0);
	dup2(fd[1], STDERR_FILENO);
	for (int i = 0; i < 5000; i++)
		yc_info("line %d", i);
	dup2(old, STDERR_FILENO);
	close(old);
	close(fd[1]);
	while ((got = read(fd[0], buf, sizeof(buf))) > 0)
		for (ssize_t i = 0; i < got; i++)
			n += buf[i] == '\n';
	close(fd[0]);
	CU_ASSERT(n > 100 && n < 5000);
}

static void say_long(void)
{
	char big[6000];

	for (size_t i = 0; i + 3 < sizeof(big); i += 3)
		memcpy(big + i, "窗", 4);
	yc_info("%s", big);
	memset(big, '\x01', sizeof(big) - 1);   /* grows sixfold when escaped */
	big[sizeof(big) - 1] = '\0';
	yc_info("%s", big);
}

static void long_lines_are_cut_and_stay_valid(void)
{
	char *second;

	yc_log_init("yc-test", 1, YC_INFO);
	hear(say_long);
	second = strchr(said, '\n');
	CU_ASSERT_PTR_NOT_NULL_FATAL(second);
	*second++ = '\0';
	CU_ASSERT(strlen(said) < 4096 && strlen(second) <= 4096);
	for (int i = 0; i < 2; i++) {
		json_error_t err;
		json_t *j = json_loads(i ? second : said, 0, &err);

		if (!j)
			printf("  %s\n", err.text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(j);
		CU_ASSERT(strlen(json_string_value(json_object_get(j, "msg"))) > 600);
		json_decref(j);
	}
}

static void *chatter(void *arg)
{
	for (int i = 0; i < 2000; i++)
		yc_info("thread %s line %d of two thousand", (const char *)arg, i);
	return NULL;
}

static void say_from_threads(void)
{
	static char names[4][2] = { "a", "b", "c", "d" };
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, chatter, names[i]);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
}

static void lines_of_threads_do_not_mix(void)
{
	int n = 0;

	yc_log_init("yc-test", 1, YC_INFO);
	hear(say_from_threads);
	for (char *p = said, *end; (end = strchr(p, '\n')) != NULL; p = end + 1, n++) {
		json_t *j;

		*end = '\0';
		j = json_loads(p, 0, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(j);
		json_decref(j);
	}
	CU_ASSERT_EQUAL(n, 8000);
	free(said);
	said = NULL;
}

YCT_MAIN("log",
	 T(people_read_time_level_service_and_sentence),
	 T(levels_below_the_least_are_dropped),
	 T(machines_read_one_object_a_line),
	 T(hostile_text_stays_one_valid_line),
	 T(chinese_stays_chinese),
	 T(a_full_pipe_loses_lines_and_holds_nobody_up),
	 T(long_lines_are_cut_and_stay_valid),
	 T(lines_of_threads_do_not_mix))
