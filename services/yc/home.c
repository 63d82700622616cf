/* Where a centre keeps what it has, and where its programs and shared data are. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "yc/text.h"
#include "yc.h"

static const char *env_or(const char *name, const char *dflt)
{
	const char *v = getenv(name);

	return v && *v ? v : dflt;
}

char *home_path(const struct home *h, char out[YC_PATH], const char *fmt, ...)
{
	int n = snprintf(out, YC_PATH, "%s/", h->dir);
	va_list ap;

	va_start(ap, fmt);
	if (n > 0 && n < YC_PATH)
		vsnprintf(out + n, (size_t)(YC_PATH - n), fmt, ap);
	va_end(ap);
	return out;
}

/* An absolute path without asking that it exists. */
static enum yc_code absolute(const char *path, char out[YC_PATH], struct yc_err *e)
{
	char cwd[YC_PATH] = "";
	size_t n;

	if (*path != '/' && !getcwd(cwd, sizeof(cwd)))
		return yc_fail(e, YC_INVALID, "home", "the current folder cannot be named: %s", strerror(errno));
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	if ((size_t)snprintf(out, YC_PATH, "%s%s%s", cwd, *cwd ? "/" : "", path) >= YC_PATH - 64)
		return yc_fail(e, YC_INVALID, "home", "the path is too long: %.200s", path);
	for (n = strlen(out); n > 1 && out[n - 1] == '/'; n--)
		out[n - 1] = 0;
	return YC_OK;
}

static int is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* PREFIX/bin/yc has its data in PREFIX/share/yichuang; a build tree in out/VARIANT/share. */
static enum yc_code programs(struct home *h, struct yc_err *e)
{
	ssize_t n = readlink("/proc/self/exe", h->bin, sizeof(h->bin) - 1);
	const char *share = getenv("YC_SHARE");
	char *slash;

	if (n <= 0)
		return yc_fail(e, YC_INTERNAL, NULL, "/proc/self/exe cannot be read: %s", strerror(errno));
	h->bin[n] = 0;
	if ((slash = strrchr(h->bin, '/')))
		*slash = 0;
	if (share && *share) {
		yc_copy(h->share, sizeof(h->share), share);
		return YC_OK;
	}
	if ((size_t)snprintf(h->share, sizeof(h->share), "%s/../share/yichuang", h->bin) >= sizeof(h->share))
		return yc_fail(e, YC_INVALID, NULL, "the path of the programs is too long");
	if (!is_dir(h->share))
		h->share[strlen(h->share) - strlen("/yichuang")] = 0;
	return YC_OK;
}

enum yc_code home_find(struct home *h, const char *dir, const char *profile, struct yc_err *e)
{
	memset(h, 0, sizeof(*h));
	if (programs(h, e) != YC_OK || absolute(dir && *dir ? dir : env_or("YC_HOME", DEFAULT_HOME), h->dir, e) != YC_OK)
		return e->code;
	yc_copy(h->profile, sizeof(h->profile), profile ? profile : env_or("YC_PROFILE", "demo"));
	if (!yc_streq(h->profile, "demo") && !yc_streq(h->profile, "bench") && !yc_streq(h->profile, "prod"))
		return yc_fail(e, YC_INVALID, "profile", "\"%s\" is none of demo, bench, prod", h->profile);
	if (profile)
		home_profile_env(h);
	yc_copy(h->site, sizeof(h->site), env_or("YC_SITE", "yn"));
	yc_copy(h->http, sizeof(h->http), env_or("YC_HTTP", "127.0.0.1:8080"));
	yc_copy(h->sip, sizeof(h->sip), env_or("YC_SIP", "127.0.0.1:5060"));
	yc_copy(h->only, sizeof(h->only), env_or("YC_SERVICES", ""));
	snprintf(h->bus, sizeof(h->bus), "ipc://%s/run/bus", h->dir);
	snprintf(h->redis, sizeof(h->redis), "unix:%s/run/redis.sock", h->dir);
	return YC_OK;
}

void home_profile_env(struct home *h)
{
	char path[YC_PATH + 64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/profile.env", h->share, h->profile);
	if (!(f = fopen(path, "re")))
		return;
	while (fgets(line, sizeof(line), f)) {
		char *eq = strchr(line, '=');

		line[strcspn(line, "\r\n")] = 0;
		if (*line == '#' || !eq)
			continue;
		*eq = 0;
		setenv(line, eq + 1, 0);
	}
	fclose(f);
}

static const char *const sockets[] = { "run/bus.rpc", "run/bus.pub", "run/bus.sub", "run/redis.sock", "run/yc.sock" };

enum yc_code home_check_sockets(const struct home *h, struct yc_err *e)
{
	char path[YC_PATH];

	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
		if (strlen(home_path(h, path, "%s", sockets[i])) > SUN_PATH_MAX)
			return yc_fail(e, YC_INVALID, "home", "数据目录路径太长，请用 --home 指定较短的目录 / %s/run/redis.sock would have %zu bytes, "
				       "a unix socket's path at most %d: use a shorter --home", h->dir, strlen(h->dir) + strlen("/run/redis.sock"), SUN_PATH_MAX);
	return YC_OK;
}

static enum yc_code make_dir(const char *path, struct yc_err *e)
{
	struct stat st;

	if (mkdir(path, 0700) && errno != EEXIST)
		return yc_fail(e, YC_FORBIDDEN, "home", "%s cannot be created: %s", path, strerror(errno));
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return yc_fail(e, YC_FORBIDDEN, "home", "%s is no folder", path);
	if (access(path, R_OK | W_OK | X_OK))
		return yc_fail(e, YC_FORBIDDEN, "home", "%s: %s (chown it to this user, or use another --home)", path, strerror(errno));
	return YC_OK;
}

/* Folders above the home are made with the usual mode, the home and what is in it for this user only. */
enum yc_code home_make(const struct home *h, struct yc_err *e)
{
	static const char *const dirs[] = { "run", "log", "data", "redis" };
	char path[YC_PATH], *p;

	if (home_check_sockets(h, e) != YC_OK)
		return e->code;
	yc_copy(path, sizeof(path), h->dir);
	for (p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return yc_fail(e, YC_FORBIDDEN, "home", "%s cannot be created: %s", path, strerror(errno));
		*p = '/';
	}
	if (make_dir(h->dir, e) != YC_OK)
		return e->code;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (make_dir(home_path(h, path, "%s", dirs[i]), e) != YC_OK)
			return e->code;
	if (chmod(h->dir, 0700))
		return yc_fail(e, YC_FORBIDDEN, "home", "%s belongs to somebody else: %s", h->dir, strerror(errno));
	return YC_OK;
}

int home_lock(const struct home *h, pid_t *pid)
{
	char path[YC_PATH], text[32] = "";
	int fd = open(home_path(h, path, "run/yc.pid"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	*pid = 0;
	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		if (read(fd, text, sizeof(text) - 1) > 0)
			*pid = (pid_t)strtol(text, NULL, 10);
		close(fd);
		return -1;
	}
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) || write(fd, text, strlen(text)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

pid_t home_running(const struct home *h)
{
	char path[YC_PATH], text[32] = "";
	int fd = open(home_path(h, path, "run/yc.pid"), O_RDWR | O_CLOEXEC);
	pid_t pid = 0;

	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_EX | LOCK_NB) && read(fd, text, sizeof(text) - 1) > 0)
		pid = (pid_t)strtol(text, NULL, 10);
	close(fd);
	return pid;
}
