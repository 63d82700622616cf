/* yc-bus: options, signals, run. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker.h"
#include "yc/log.h"
#include "yc/opt.h"
#include "yc/text.h"

#define OPT(field, kind, dflt, help, env) { #field, kind, offsetof(struct broker_conf, field), dflt, help, 0, 0, env }
#define NUM(field, dflt, help) { #field, YC_OPT_INT, offsetof(struct broker_conf, field), dflt, help, 1, 1000000, NULL }

static const struct yc_opt opts[] = {
	OPT(bus, YC_OPT_STR, "", "endpoints, by comma: ipc:///path (files .rpc .pub .sub), tcp://host:port (port, +1, +2); default: ipc in home", "YC_BUS"),
	OPT(home, YC_OPT_STR, "./var", "folder for data", "YC_HOME"),
	OPT(log, YC_OPT_STR, "text", "log lines as text or json", "YC_LOG"),
	OPT(level, YC_OPT_STR, "info", "log from this level on: debug, info, warn, error", "YC_LEVEL"),
	OPT(curve_secret_key, YC_OPT_STR, "", "file with the broker's key pair, for tcp", "YC_CURVE_SECRET_KEY"),
	OPT(curve_allow, YC_OPT_STR, "", "file with the keys that may connect by tcp: lines \"PUBLIC-KEY SERVICE\"", NULL),
	NUM(max_outstanding, "10000", "requests one instance may have in hand; more are EXHAUSTED"),
	NUM(max_total, "100000", "requests outstanding altogether"),
	OPT(keygen, YC_OPT_STR, "", "make a key pair in this file (and the public key in FILE.pub), and end", NULL),
	{ 0 },
};

static void on_signal(void *arg, int fd, int events)
{
	yc_loop_stop(arg);
}

static int signals(struct yc_loop *l)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	yc_loop_fd(l, fd, YC_READ, on_signal, l);
	return fd;
}

static enum yc_code log_open(const struct broker_conf *c, struct yc_err *e)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };

	for (int i = 0; i < 4; i++)
		if (strcmp(c->level, levels[i]) == 0) {
			yc_log_init("yc-bus", strcmp(c->log, "json") == 0, (enum yc_level)i);
			return YC_OK;
		}
	return yc_fail(e, YC_INVALID, "level", "debug, info, warn or error, not \"%.40s\"", c->level);
}

static enum yc_code serve(struct broker_conf *c, struct yc_err *e)
{
	struct yc_loop *l = yc_loop_new();
	struct broker *b = NULL;
	char in_home[512];
	int fd = signals(l);
	enum yc_code code = log_open(c, e);

	snprintf(in_home, sizeof in_home, "ipc://%s/bus", c->home);
	if (yc_is_empty(c->bus)) {
		if (mkdir(c->home, 0750) && errno != EEXIST)
			code = yc_fail(e, YC_UNAVAILABLE, "home", "%s: %s", c->home, strerror(errno));
		c->bus = in_home;
	}
	yc_metrics_register(broker_metrics, M_COUNT);
	if (!code)
		code = broker_open(&b, l, c, e);
	if (!code)
		yc_loop_run(l);
	broker_close(&b);
	yc_loop_free(&l);
	close(fd);
	return code;
}

static int has_flag(int argc, char **argv, const char *flag)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], flag) == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	struct broker_conf parsed = { 0 }, c;
	const struct yc_opt_set set = { opts, &parsed };
	struct yc_err e = { 0 };
	enum yc_code code = YC_OK;
	int rest = argc;

	if (has_flag(argc, argv, "--help"))
		yc_opt_help(stdout, "yc-bus", "YC_BUS", &set, 1);
	else if (has_flag(argc, argv, "--man"))
		yc_opt_man(stdout, "yc-bus", "YC_BUS", &set, 1);
	else if (has_flag(argc, argv, "--version"))
		printf("yc-bus %s\n", YC_VERSION);
	else if (!(code = yc_opt_parse(&set, 1, "YC_BUS", argc, argv, &rest, &e))) {
		c = parsed;
		if (rest < argc)
			code = yc_fail(&e, YC_INVALID, NULL, "\"%.60s\" is not understood; --help lists what is", argv[rest]);
		else if (!yc_is_empty(c.keygen))
			code = yc_wire_keygen(c.keygen, &e);
		else if (!has_flag(argc, argv, "--check"))
			code = serve(&c, &e);
	}
	if (code)
		fprintf(stderr, "yc-bus: %s%s%s\n", e.field, *e.field ? ": " : "", e.msg);
	yc_opt_free(&set, 1);
	return code ? 1 : 0;
}
