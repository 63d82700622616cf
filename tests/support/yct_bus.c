/* A broker in a child process, and processes in general. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yct.h"
#include "yct_bus.h"
#include "yc/bus.h"
#include "yc/clock.h"
#include "yc/text.h"

static struct { int pid, owner; char endpoint[160]; } bus;

/* $YC_BIN, or beside this program: out/V/tests/integration/test_x -> out/V/bin. */
static const char *bin_folder(void)
{
	static char path[512];
	const char *env = getenv("YC_BIN");
	ssize_t n;
	char *p;

	if (!yc_is_empty(env))
		return env;
	n = readlink("/proc/self/exe", path, sizeof path - 8);
	path[n > 0 ? n : 0] = 0;
	p = strstr(path, "/tests/");
	if (p)
		yc_copy(p, 8, "/bin");
	return path;
}

static int count(const char *const *list)
{
	int n = 0;

	while (list && list[n])
		n++;
	return n;
}

static void child(const char *path, const char *const *args, const char *const *env, int parent)
{
	char *argv[64] = { (char *)path };
	int n = count(args);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);                      /* the test died in between */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < n && i < 62; i++)
		argv[i + 1] = (char *)args[i];
	for (int i = 0; i < count(env); i++)
		putenv((char *)env[i]);
	execv(path, argv);
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	_exit(127);
}

int yct_spawn(const char *name, const char *const *args, const char *const *env)
{
	char path[600];
	int parent = getpid(), pid;

	snprintf(path, sizeof path, "%s/%s", bin_folder(), name);
	pid = fork();
	if (pid == 0)
		child(path, args, env, parent);
	return pid;
}

void yct_kill(int pid, int sig)
{
	if (pid <= 0)
		return;
	kill(pid, sig);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* --- asking ------------------------------------------------------------------------------------------------------------------ */

struct asked { enum yc_code code; int is_done; };

static void on_answer(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;

	a->code = code;
	a->is_done = 1;
}

static enum yc_code health_once(struct yc_bus *b, struct yc_loop *l, const char *service)
{
	Pb__Empty in = PB__EMPTY__INIT;
	struct asked a = { 0 };

	yc_bus_call(b, &(struct yc_call){ .service = service, .api = &pb__node__descriptor, .method = "Health", .in = &in, .timeout_ms = 500,
			.fn = on_answer, .arg = &a });
	while (!a.is_done)
		yc_loop_once(l, 100);
	return a.code;
}

int yct_bus_answers(const char *endpoint, const char *service, int64_t within_ms)
{
	struct yc_loop *l = yc_loop_new();
	struct yc_bus *b = NULL;
	struct yc_err e = { 0 };
	int64_t until = yc_mono() + within_ms;
	enum yc_code code = yc_bus_open(&b, l, &(struct yc_bus_conf){ .endpoint = endpoint }, NULL, NULL, NULL, &e);

	while (b && (code = health_once(b, l, service)) && yc_mono() < until)
		yc_loop_once(l, 10);
	yc_bus_close(&b);
	yc_loop_free(&l);
	return code == YC_OK;
}

/* --- the broker -------------------------------------------------------------------------------------------------------------- */

static void kill_at_exit(void)
{
	if (bus.pid > 0 && bus.owner == getpid())
		kill(bus.pid, SIGKILL);
}

void yct_bus_start(void)
{
	const char *args[] = { "--bus", bus.endpoint, "--level", getenv("YCT_DEBUG") ? "debug" : "error", NULL };

	if (bus.pid > 0)
		return;
	bus.pid = yct_spawn("yc-bus", args, NULL);
	if (!yct_bus_answers(bus.endpoint, "bus", 20000)) {
		fprintf(stderr, "the broker did not come up\n");
		exit(2);
	}
}

const char *yct_bus(void)
{
	if (!bus.endpoint[0]) {
		snprintf(bus.endpoint, sizeof bus.endpoint, "ipc://%s/bus", yct_dir());
		bus.owner = getpid();
		atexit(kill_at_exit);
	}
	yct_bus_start();
	return bus.endpoint;
}

void yct_bus_kill(void)
{
	yct_kill(bus.pid, SIGKILL);
	bus.pid = 0;
}

int yct_bus_pid(void)
{
	return bus.pid;
}
