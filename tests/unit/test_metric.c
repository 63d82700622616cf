#include "yct.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "yc/metric.h"

static struct yc_metric m[] = {
	{ .kind = YC_COUNTER, .name = "yct_seen_total", .help = "Things seen.", .labels = "kind=\"a\"" },
	{ .kind = YC_GAUGE, .name = "yct_waiting", .help = "Now waiting,\nback\\slash." },
	{ .kind = YC_HISTOGRAM, .name = "yct_took_seconds", .help = "How long it took." },
	{ .kind = YC_COUNTER, .name = "yct_seen_total", .help = "Things seen.", .labels = "kind=\"b\"" },
};

static char *print(const char *labels)
{
	static char *out;       /* static: gcc 12 takes a local for dangling */
	size_t n;
	FILE *f = open_memstream(&out, &n);

	yc_metrics_print(f, labels);
	fclose(f);
	return out;
}

static void reset(void)
{
	yc_metrics_register(m, 4);
	for (int i = 0; i < 4; i++) {
		yc_metric_set(&m[i], 0);
		memset((void *)m[i].buckets, 0, sizeof(m[i].buckets));
	}
}

static void lines_of_one_name_stand_together_under_one_help(void)
{
	char *s;

	yc_metric_add(&m[0], 3);
	yc_metric_add(&m[3], 1);
	yc_metric_add(&m[3], 4);
	s = print(NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "# HELP yct_seen_total Things seen.\n# TYPE yct_seen_total counter\n"
					 "yct_seen_total{kind=\"a\"} 3\nyct_seen_total{kind=\"b\"} 5\n"));
	CU_ASSERT_PTR_NULL(strstr(strstr(s, "# HELP yct_seen_total") + 1, "# HELP yct_seen_total"));
	free(s);
}

static void gauges_go_up_and_down_and_help_is_escaped(void)
{
	char *s;

	yc_metric_set(&m[1], 10);
	yc_metric_add(&m[1], -12);
	s = print("instance=\"yn.x.1\"");
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "# HELP yct_waiting Now waiting,\\nback\\\\slash.\n# TYPE yct_waiting gauge\n"
					 "yct_waiting{instance=\"yn.x.1\"} -2\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "yct_seen_total{instance=\"yn.x.1\",kind=\"a\"} 0\n"));
	free(s);
}

static void histograms_are_cumulative_and_in_seconds(void)
{
	static const int64_t us[] = { 0, 100, 101, 2500, 99999, 1000000, 1000001 };
	char *s;

	for (size_t i = 0; i < sizeof(us) / sizeof(us[0]); i++)
		yc_metric_observe_us(&m[2], us[i]);
	s = print("i=\"1\"");
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "# TYPE yct_took_seconds histogram\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.0001\"} 2\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.00025\"} 3\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.0005\"} 3\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.001\"} 3\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.0025\"} 4\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.005\"} 4\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.01\"} 4\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.025\"} 4\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.05\"} 4\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"0.1\"} 5\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"1\"} 6\n"
		"yct_took_seconds_bucket{i=\"1\",le=\"+Inf\"} 7\n"
		"yct_took_seconds_sum{i=\"1\"} 2.102701\n"
		"yct_took_seconds_count{i=\"1\"} 7\n"));
	free(s);
}

static void registering_twice_prints_once(void)
{
	char *s, *first;

	yc_metrics_register(&m[1], 1);
	yc_metrics_register(m, 4);
	yc_metrics_register(&m[0], 1);
	s = print(NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "\nyct_took_seconds_count 0\n"));
	first = strstr(s, "\nyct_waiting ");
	CU_ASSERT_PTR_NOT_NULL_FATAL(first);
	CU_ASSERT_PTR_NULL(strstr(first + 1, "\nyct_waiting "));
	free(s);
}

static double value(const char *text, const char *name)
{
	char line[80];
	const char *p;

	snprintf(line, sizeof(line), "\n%s ", name);
	p = strstr(text, line);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return strtod(p + strlen(line), NULL);
}

static void the_process_tells_of_itself(void)
{
	char *a = print(NULL), *b;
	int fd[2];

	CU_ASSERT(value(a, "process_cpu_seconds_total") >= 0);
	CU_ASSERT(value(a, "process_resident_memory_bytes") > 100000);
	CU_ASSERT(value(a, "process_start_time_seconds") > (double)time(NULL) - 3600);
	CU_ASSERT(value(a, "process_start_time_seconds") <= (double)time(NULL) + 2);
	CU_ASSERT(value(a, "process_max_fds") >= 64);
	CU_ASSERT_PTR_NULL(memchr(strstr(a, "\nprocess_resident_memory_bytes "), '.', 45));         /* whole numbers have no fraction */
	CU_ASSERT_EQUAL_FATAL(pipe(fd), 0);
	b = print(NULL);
	CU_ASSERT_EQUAL(value(b, "process_open_fds"), value(a, "process_open_fds") + 2);
	close(fd[0]);
	close(fd[1]);
	free(a);
	free(b);
}

static void *count(void *arg)
{
	for (int i = 0; i < 100000; i++) {
		yc_metric_add(&m[0], 1);
		yc_metric_observe_us(&m[2], i % 200);
	}
	return NULL;
}

static void threads_lose_no_count(void)
{
	pthread_t t[4];
	char *s;

	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, count, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	s = print(NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "\nyct_seen_total{kind=\"a\"} 400000\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "\nyct_took_seconds_count 400000\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "le=\"0.0001\"} 202000\n"));
	free(s);
}

YCT_MAIN_WITH("metric", reset, NULL,
	 T(lines_of_one_name_stand_together_under_one_help),
	 T(gauges_go_up_and_down_and_help_is_escaped),
	 T(histograms_are_cumulative_and_in_seconds),
	 T(registering_twice_prints_once),
	 T(the_process_tells_of_itself),
	 T(threads_lose_no_count))
