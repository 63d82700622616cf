#include "yc/metric.h"

#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { BUCKETS = 12 };

static const int64_t bound_us[BUCKETS - 1] = { 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 1000000 };
static const char *const bound_name[BUCKETS] = { "0.0001", "0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.025", "0.05",
						 "0.1", "1", "+Inf" };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct yc_metric *all, **tail = &all;    /* in order of registration */

static int is_registered(const struct yc_metric *m)
{
	for (const struct yc_metric *x = all; x; x = x->next)
		if (x == m)
			return 1;
	return 0;
}

void yc_metrics_register(struct yc_metric *m, int n)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < n; i++) {
		if (is_registered(&m[i]))
			continue;
		m[i].next = NULL;
		*tail = &m[i];
		tail = &m[i].next;
	}
	pthread_mutex_unlock(&lock);
}

void yc_metric_add(struct yc_metric *m, int64_t n)
{
	atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

void yc_metric_set(struct yc_metric *m, int64_t v)
{
	atomic_store_explicit(&m->value, v, memory_order_relaxed);
}

void yc_metric_observe_us(struct yc_metric *m, int64_t us)
{
	int i = 0;

	while (i < BUCKETS - 1 && us > bound_us[i])
		i++;
	atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&m->value, us, memory_order_relaxed);
}

static int64_t get(const _Atomic int64_t *v)
{
	return atomic_load_explicit((_Atomic int64_t *)v, memory_order_relaxed);
}

/* name{a,b,c} with those of a, b, c that are there. */
static void print_name(FILE *f, const char *name, const char *suffix, const char *a, const char *b, const char *le)
{
	const char *sep = "";

	fprintf(f, "%s%s", name, suffix);
	if (!(a && *a) && !(b && *b) && !le) {
		fputc(' ', f);
		return;
	}
	fputc('{', f);
	if (a && *a) {
		fputs(a, f);
		sep = ",";
	}
	if (b && *b) {
		fprintf(f, "%s%s", sep, b);
		sep = ",";
	}
	if (le)
		fprintf(f, "%sle=\"%s\"", sep, le);
	fputs("} ", f);
}

static void print_seconds(FILE *f, int64_t us)
{
	fprintf(f, "%s%lld.%06lld\n", us < 0 ? "-" : "", (long long)llabs(us / 1000000), (long long)llabs(us % 1000000));
}

static void print_one(FILE *f, const struct yc_metric *m, const char *labels)
{
	int64_t total = 0;

	if (m->kind != YC_HISTOGRAM) {
		print_name(f, m->name, "", labels, m->labels, NULL);
		fprintf(f, "%lld\n", (long long)get(&m->value));
		return;
	}
	for (int i = 0; i < BUCKETS; i++) {
		total += get(&m->buckets[i]);
		print_name(f, m->name, "_bucket", labels, m->labels, bound_name[i]);
		fprintf(f, "%lld\n", (long long)total);
	}
	print_name(f, m->name, "_sum", labels, m->labels, NULL);
	print_seconds(f, get(&m->value));
	print_name(f, m->name, "_count", labels, m->labels, NULL);
	fprintf(f, "%lld\n", (long long)total);
}

static void print_help(FILE *f, const char *name, const char *help, const char *type)
{
	fprintf(f, "# HELP %s ", name);
	for (const char *p = help ? help : ""; *p; p++)
		if (*p == '\\' || *p == '\n')
			fputs(*p == '\n' ? "\\n" : "\\\\", f);
		else
			fputc(*p, f);
	fprintf(f, "\n# TYPE %s %s\n", name, type);
}

static int is_first_of_name(const struct yc_metric *m)
{
	const struct yc_metric *x = all;

	while (x != m && strcmp(x->name, m->name))
		x = x->next;
	return x == m;
}

/* --- the process ------------------------------------------------------------------------------------------------------------------ */

static void process_line(FILE *f, const char *labels, const char *name, const char *help, const char *type, double v)
{
	print_help(f, name, help, type);
	print_name(f, name, "", labels, NULL, NULL);
	fprintf(f, "%.*f\n", v == (double)(int64_t)v ? 0 : 3, v);
}

static double cpu_seconds(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double rss_bytes(void)
{
	long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
		resident = 0;
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = -3;                     /* "." and ".." and the directory itself */

	if (!d)
		return 0;
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Boot time (btime of /proc/stat) + start in ticks since boot (field 22 of /proc/self/stat; the name before it may hold blanks). */
static double start_seconds(void)
{
	char buf[1024] = "", *p;
	unsigned long long ticks = 0, btime = 0;
	FILE *f = fopen("/proc/self/stat", "re");

	if (f) {
		buf[fread(buf, 1, sizeof(buf) - 1, f)] = '\0';
		fclose(f);
	}
	p = strrchr(buf, ')');
	if (!p || sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1)
		return 0;
	f = fopen("/proc/stat", "re");
	while (f && fgets(buf, sizeof(buf), f))
		if (sscanf(buf, "btime %llu", &btime) == 1)
			break;
	if (f)
		fclose(f);
	return (double)btime + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void print_process(FILE *f, const char *labels)
{
	static double started;          /* under the lock */
	struct rlimit rl = { 0 };

	if (started == 0)
		started = start_seconds();
	process_line(f, labels, "process_cpu_seconds_total", "User and system CPU time spent.", "counter", cpu_seconds());
	process_line(f, labels, "process_resident_memory_bytes", "Resident memory.", "gauge", rss_bytes());
	process_line(f, labels, "process_open_fds", "Open file descriptors.", "gauge", open_fds());
	getrlimit(RLIMIT_NOFILE, &rl);
	process_line(f, labels, "process_max_fds", "Limit of open file descriptors.", "gauge", (double)rl.rlim_cur);
	process_line(f, labels, "process_start_time_seconds", "Start of the process since the epoch.", "gauge", started);
}

void yc_metrics_print(FILE *f, const char *labels)
{
	static const char *const types[] = { [YC_COUNTER] = "counter", [YC_GAUGE] = "gauge", [YC_HISTOGRAM] = "histogram" };

	pthread_mutex_lock(&lock);
	/* All lines of one name must stand together, also when two modules registered it. */
	for (const struct yc_metric *m = all; m; m = m->next) {
		if (!is_first_of_name(m))
			continue;
		print_help(f, m->name, m->help, types[m->kind]);
		for (const struct yc_metric *x = m; x; x = x->next)
			if (!strcmp(x->name, m->name))
				print_one(f, x, labels);
	}
	print_process(f, labels);
	pthread_mutex_unlock(&lock);
}
