/* yc up: the whole centre under one supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yc/arena.h"
#include "yc/text.h"
#include "yc.h"

#define SETTLE_MS 300000

static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	fflush(stdout);
}

/* --- the profile's data ------------------------------------------------------------------------------------------------------------- */

static int stamp_is(const struct home *h, const char *hex)
{
	char path[YC_PATH], have[80] = "";
	FILE *f = fopen(home_path(h, path, "data/profile.imported"), "re");

	if (!f)
		return 0;
	if (!fgets(have, sizeof(have), f))
		*have = 0;
	fclose(f);
	return strncmp(have, hex, 64) == 0;
}

static void stamp(const struct home *h, const char *hex)
{
	char path[YC_PATH];
	FILE *f = fopen(home_path(h, path, "data/profile.imported"), "we");

	if (f) {
		fprintf(f, "%s %s\n", hex, h->profile);
		fclose(f);
	}
}

static int runs_here(const struct doc *d, void *arg)
{
	const struct super *s = arg;

	for (int i = 0; i < s->n; i++)
		if (yc_streq(s->p[i].part->name, import_owner(d->kind)))
			return 1;
	return 0;
}

struct data { struct docs d; char hex[65]; int fresh; };

/* First start, or the files changed since: load them through the same import that people use. */
static enum yc_code load_profile(struct super *s, struct data *x, struct yc_err *e)
{
	struct client c = { .l = s->l, .b = s->bus, .a = yc_arena_new(64 << 20) };
	struct import_result r = { 0 };

	e->code = YC_OK;
	x->d.out = stdout;
	profile_digest(s->h, x->hex);
	if (stamp_is(s->h, x->hex))
		goto out;
	profile_docs(s->h, &x->d);
	docs_keep(&x->d, runs_here, s);
	if (x->d.errors || import_docs(&c, &x->d, 0, 0, &r, e) != YC_OK || r.errors) {
		if (!e->code)
			yc_fail(e, YC_INVALID, s->h->profile, "数据有 %d 处错误 / %d errors in the profile's data", x->d.errors + r.errors, x->d.errors + r.errors);
		goto out;
	}
	if (x->d.n)
		say("数据 / data of %s: %d 新增 created, %d 更新 updated, %d 未变 unchanged\n", s->h->profile, r.created, r.updated, r.same);
	x->fresh = 1;
out:
	yc_arena_free(&c.a);
	return e->code;
}

static int not_stopping(void *arg)
{
	return !((struct super *)arg)->stopping;
}

/* Only what directory has made durable counts as imported; else the next start imports again. */
static void settle(struct super *s, struct data *x)
{
	struct client c = { .l = s->l, .b = s->bus, .a = yc_arena_new(64 << 20) };

	if (x->fresh && import_settle(&c, &x->d, SETTLE_MS, not_stopping, s))
		stamp(s->h, x->hex);
	yc_arena_free(&c.a);
}

/* --- detaching ----------------------------------------------------------------------------------------------------------------------- */

/* The parent prints what the child says until it is ready or has failed. */
static int watch(int fd, pid_t child)
{
	char buf[4096];
	ssize_t n;
	int status = 0, ready = 0;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (buf[n - 1] == 0) {          /* the child's word for "ready" */
			ready = 1;
			n--;
		}
		if (n > 0 && fwrite(buf, 1, (size_t)n, stdout) == 0)
			break;
		fflush(stdout);
		if (ready)
			return 0;
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1;
}

/* Returns -1 in the child that goes on, else the exit status of the parent. */
static int detach(void)
{
	int fds[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pid_t pid;

	if (null < 0 || pipe(fds) || (pid = fork()) < 0) {
		perror("yc: detach");
		return 1;
	}
	if (pid > 0) {
		close(fds[1]);
		return watch(fds[0], pid);
	}
	close(fds[0]);
	setsid();
	dup2(null, 0);
	dup2(fds[1], 1);
	dup2(fds[1], 2);
	close(fds[1]);
	return -1;
}

static void detached_ready(const struct home *h)
{
	int64_t size;
	int fd = log_open(h, "yc", &size);

	fflush(stdout);
	if (write(1, "", 1) != 1)
		perror("yc: ready");
	if (fd >= 0) {
		dup2(fd, 1);
		dup2(fd, 2);
		close(fd);
	}
}

/* ------------------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code run(struct super *s, struct home *h, int is_detached, struct yc_err *e)
{
	struct data x = { .fresh = 0 };

	if (super_open(s, h, e) != YC_OK)
		return e->code;
	say("启动 / starting: %s (profile %s, site %s)\n", h->dir, h->profile, h->site);
	if (super_start(s, e) != YC_OK || load_profile(s, &x, e) != YC_OK) {
		docs_free(&x.d);
		super_stop(s);
		super_run(s);
		return e->code;
	}
	say("就绪 / ready: http://%s  sip:%s  pid %d\n", h->http, h->sip, (int)getpid());
	if (is_detached)
		detached_ready(h);
	settle(s, &x);
	docs_free(&x.d);
	super_run(s);
	return YC_OK;
}

static int start(struct home *h, int is_detached)
{
	struct yc_err e = { 0 };
	struct super s = { .say = say };
	pid_t other;
	int lock, rc;

	if (home_make(h, &e) != YC_OK)
		return fail(&e);
	lock = home_lock(h, &other);
	if (lock < 0) {
		if (other)
			fprintf(stderr, "yc: 已在运行 / already running: pid %d in %s\n", (int)other, h->dir);
		else
			fprintf(stderr, "yc: %s/run/yc.pid: %s\n", h->dir, strerror(errno));
		return 1;
	}
	rc = run(&s, h, is_detached, &e) == YC_OK ? 0 : fail(&e);
	super_close(&s);
	return rc;              /* the lock goes with the process: who waits for it may start the next one */
}

int cmd_up(struct home *h, int argc, char **argv)
{
	int want_detach = take_flag(&argc, argv, "--detach");
	const char *agents = take_option(&argc, argv, "--agents");
	char *end = NULL;
	int rc;

	home_profile_env(h);
	h->agents = agents ? (int)strtol(agents, &end, 10) : 0;
	if (argc > 1 || (end && (*end || h->agents < 1 || h->agents > 5000)))
		return usage("up [--profile demo|bench|prod] [--agents 1..5000] [--home DIR] [--detach]");
	umask(077);
	if (want_detach && (rc = detach()) >= 0)
		return rc;
	return start(h, want_detach);
}
