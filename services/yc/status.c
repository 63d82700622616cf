/* yc status, down, health, logs. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "yc/clock.h"
#include "yc/text.h"
#include "yc.h"

#define DOWN_MS 15000

static void pause_ms(int64_t ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_pids(const json_t *status)
{
	const json_t *p;
	size_t i;

	printf("%lld", (long long)number(status, "pid"));
	json_array_foreach(json_object_get(status, "processes"), i, p)
		if (number(p, "pid"))
			printf(",%lld", (long long)number(p, "pid"));
	printf("\n");
}

static void uptime(json_int_t ms, char out[32])
{
	long s = (long)(ms / 1000);

	if (s >= 86400)
		snprintf(out, 32, "%ldd%02ldh", s / 86400, s % 86400 / 3600);
	else if (s >= 3600)
		snprintf(out, 32, "%ldh%02ldm", s / 3600, s % 3600 / 60);
	else
		snprintf(out, 32, "%ldm%02lds", s / 60, s % 60);
}

static int print_table(const json_t *status)
{
	const json_t *p;
	char up[32];
	size_t i;
	int bad = 0;

	uptime(number(status, "uptime_ms"), up);
	printf("%s  profile %s  site %s  http %s  sip %s  %s\n", text(status, "home"), text(status, "profile"), text(status, "site"),
	       text(status, "http"), text(status, "sip"), up);
	printf("%-10s %8s  %-9s %8s %9s  %-12s %s\n", "name", "pid", "state", "uptime", "restarts", "version", "health");
	json_array_foreach(json_object_get(status, "processes"), i, p) {
		uptime(number(p, "uptime_ms"), up);
		printf("%-10s %8lld  %-9s %8s %9lld  %-12s %s\n", text(p, "name"), (long long)number(p, "pid"), text(p, "state"), up,
		       (long long)number(p, "restarts"), text(p, "version"), text(p, "health"));
		bad |= !yc_streq(text(p, "health"), "ready");
	}
	return bad;
}

int cmd_status(struct home *h, int argc, char **argv)
{
	int json = take_flag(&argc, argv, "--json"), pids = take_flag(&argc, argv, "--pids"), rc = 0;
	struct yc_buf out = { 0 };
	struct yc_err e = { 0 };
	json_t *status;

	if (argc > 1)
		return usage("status [--json|--pids]");
	if (ctl_ask(h, "status", &out, &e) != YC_OK) {
		if (json)
			printf("{\"running\":false,\"processes\":[]}\n");
		else
			fail(&e);
		yc_buf_free(&out);
		return 3;
	}
	status = json_loadb(out.p ? out.p : "", out.n, 0, NULL);
	if (json)
		fwrite(out.p, 1, out.n, stdout);
	else if (pids)
		print_pids(status);
	else
		rc = print_table(status);
	json_decref(status);
	yc_buf_free(&out);
	return rc;
}

int cmd_down(struct home *h, int argc, char **argv)
{
	struct yc_buf out = { 0 };
	struct yc_err e = { 0 };
	int64_t end = yc_mono() + DOWN_MS;
	pid_t pid = home_running(h);

	if (argc > 1)
		return usage("down");
	if (!pid) {
		printf("没有运行 / not running: %s\n", h->dir);
		return 0;
	}
	if (ctl_ask(h, "down", &out, &e) != YC_OK)
		kill(pid, SIGTERM);
	yc_buf_free(&out);
	while (home_running(h) == pid && yc_mono() < end)
		pause_ms(20);
	if (home_running(h) != pid) {
		printf("已停止 / stopped\n");
		return 0;
	}
	fprintf(stderr, "yc: 进程 %d 未能停止 / pid %d does not stop (yc logs, then kill %d)\n", (int)pid, (int)pid, (int)pid);
	return 1;
}

/* For containers, where no supervisor runs: asks the service over the bus. */
int cmd_health(struct home *h, int argc, char **argv)
{
	Pb__Empty in = PB__EMPTY__INIT;
	struct yc_err e = { 0 };
	struct client c;
	void *out = NULL;
	int rc = 0;

	if (argc > 2)
		return usage("health [SERVICE]");
	if (client_open(&c, h, &e) != YC_OK)
		return fail(&e);
	if (argc < 2 || yc_streq(argv[1], "bus")) {
		if (client_call(&c, "bus", &pb__bus__descriptor, "Instances", &in, 2000, &out, &e) != YC_OK)
			rc = fail(&e);
	} else if (client_call(&c, argv[1], &pb__node__descriptor, "Health", &in, 2000, &out, &e) != YC_OK) {
		rc = fail(&e);
	} else if (!((Pb__HealthReply *)out)->ready) {
		fprintf(stderr, "yc: %s: %s\n", argv[1], ((Pb__HealthReply *)out)->detail);
		rc = 1;
	}
	client_close(&c);
	return rc;
}

/* --- logs ------------------------------------------------------------------------------------------------------------------------------ */

struct tail { char name[32]; FILE *f; int dirty; };

/* Go to where the last n lines begin. */
static void seek_lines(FILE *f, int n)
{
	long pos;
	int c;

	fseek(f, 0, SEEK_END);
	for (pos = ftell(f) - 2; pos >= 0; pos--) {
		fseek(f, pos, SEEK_SET);
		c = fgetc(f);
		if (c == '\n' && --n == 0)
			return;
	}
	fseek(f, 0, SEEK_SET);
}

static void drain(struct tail *t, int with_name)
{
	char line[8192];

	clearerr(t->f);
	while (fgets(line, sizeof(line), t->f)) {
		if (with_name && !t->dirty)
			printf("%-9s ", t->name);
		t->dirty = line[strlen(line) - 1] != '\n';
		fputs(line, stdout);
	}
	fflush(stdout);
}

static int open_logs(const struct home *h, const char *only, struct tail *t, int max, int lines)
{
	char path[YC_PATH];
	int n = 0;

	for (int i = -1; i < n_parts && n < max; i++) {
		const char *name = i < 0 ? "yc" : parts[i].name;

		if (only && !yc_streq(only, name))
			continue;
		t[n] = (struct tail){ .f = fopen(home_path(h, path, "log/%s.log", name), "re") };
		if (!t[n].f)
			continue;
		yc_copy(t[n].name, sizeof(t[n].name), name);
		seek_lines(t[n].f, lines);
		n++;
	}
	return n;
}

/* After a rotation the name leads to another file. */
static void follow_rename(const struct home *h, struct tail *t)
{
	char path[YC_PATH];
	FILE *f = fopen(home_path(h, path, "log/%s.log", t->name), "re");
	off_t size;

	if (!f)
		return;
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	if (size >= ftell(t->f)) {
		fclose(f);
		return;
	}
	fclose(t->f);
	rewind(f);
	t->f = f;
}

int cmd_logs(struct home *h, int argc, char **argv)
{
	int follow = take_flag(&argc, argv, "-f"), n;
	const char *lines = take_option(&argc, argv, "-n");
	struct tail t[16];

	if (argc > 2)
		return usage("logs [SERVICE] [-f] [-n LINES]");
	n = open_logs(h, argc > 1 ? argv[1] : NULL, t, 16, lines ? (int)strtol(lines, NULL, 10) : argc > 1 ? 200 : 20);
	if (n == 0) {
		fprintf(stderr, "yc: 没有日志 / no log of %s in %s/log\n", argc > 1 ? argv[1] : "anything", h->dir);
		return 1;
	}
	do {
		for (int i = 0; i < n; i++) {
			drain(&t[i], n > 1);
			if (follow)
				follow_rename(h, &t[i]);
		}
		if (follow)
			pause_ms(200);
	} while (follow && !ferror(stdout));
	for (int i = 0; i < n; i++)
		fclose(t[i].f);
	return 0;
}
