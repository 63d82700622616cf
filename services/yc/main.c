/* yc: the one command for people. */
#include <stdlib.h>
#include <string.h>

#include "yc/log.h"
#include "yc/text.h"
#include "yc.h"

static const struct { const char *name; command_fn *fn; const char *help; } commands[] = {
	{ "up",      cmd_up,      "up [--profile demo|bench|prod] [--agents N] [--detach]   启动整个中心 / start the centre" },
	{ "down",    cmd_down,    "down                                 停止 / stop it" },
	{ "status",  cmd_status,  "status [--json|--pids]               各进程状态 / what runs" },
	{ "health",  cmd_health,  "health [SERVICE]                     是否就绪 / exit 0 when ready" },
	{ "logs",    cmd_logs,    "logs [SERVICE] [-f] [-n LINES]       日志 / logs" },
	{ "doctor",  cmd_doctor,  "doctor [--quiet]                     检查并给出处理办法 / find what is wrong and say the cure" },
	{ "import",  cmd_import,  "import PATH [--dry-run]              导入业务数据 / load business data (YAML)" },
	{ "admin",   cmd_admin,   "admin create LOGIN [--name NAME] [--staff-no NO] [--password PASSWORD]   首个管理员 / first administrator" },
	{ "backup",  cmd_backup,  "backup FILE                          备份 / everything into one file" },
	{ "restore", cmd_restore, "restore FILE                         恢复 / from a backup, while stopped" },
	{ "demo",    cmd_demo,    "demo matter                          演示一件事 / carry one matter through the running centre" },
};

static int help(FILE *f)
{
	fprintf(f, "yc %s  一窗：一件事从这个窗口进来，在这个窗口办结 / Yichuang: one window\n\n", YC_VERSION);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(f, "  yc %s\n", commands[i].help);
	fprintf(f, "\n--home DIR (YC_HOME, %s) · YC_HTTP (127.0.0.1:8080) · YC_SIP (127.0.0.1:5060) · YC_SITE (yn) · YC_DB_URL (PostgreSQL)\n", DEFAULT_HOME);
	return f == stdout ? 0 : 2;
}

int usage(const char *text)
{
	fprintf(stderr, "用法 / usage: yc %s\n", text);
	return 2;
}

int fail(const struct yc_err *e)
{
	fprintf(stderr, "yc: %s%s%s\n", e->field, *e->field ? ": " : "", e->msg);
	return 1;
}

static void drop(int *argc, char **argv, int at, int n)
{
	memmove(argv + at, argv + at + n, (size_t)(*argc - at - n + 1) * sizeof(*argv));
	*argc -= n;
}

const char *take_option(int *argc, char **argv, const char *name)
{
	size_t n = strlen(name);
	const char *v = NULL;

	for (int i = 1; i < *argc; i++) {
		if (strncmp(argv[i], name, n) != 0)
			continue;
		if (argv[i][n] == '=') {
			v = argv[i] + n + 1;
			drop(argc, argv, i--, 1);
		} else if (!argv[i][n] && i + 1 < *argc) {
			v = argv[i + 1];
			drop(argc, argv, i--, 2);
		}
	}
	return v;
}

int take_flag(int *argc, char **argv, const char *name)
{
	for (int i = 1; i < *argc; i++)
		if (yc_streq(argv[i], name)) {
			drop(argc, argv, i, 1);
			return 1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	const char *dir = take_option(&argc, argv, "--home");
	const char *profile = take_option(&argc, argv, "--profile");
	struct yc_err e = { 0 };
	static struct home h;

	yc_log_init("yc", 0, YC_WARN);
	if (argc < 2 || yc_streq(argv[1], "--help") || yc_streq(argv[1], "help") || yc_streq(argv[1], "-h"))
		return help(argc < 2 ? stderr : stdout);
	if (yc_streq(argv[1], "--version"))
		return printf("yc %s\n", YC_VERSION) < 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (yc_streq(commands[i].name, argv[1])) {
			if (home_find(&h, dir, profile, &e) != YC_OK)
				return fail(&e);
			return commands[i].fn(&h, argc - 1, argv + 1);
		}
	fprintf(stderr, "yc: 没有这个命令 / no such command: %s\n\n", argv[1]);
	return help(stderr);
}
