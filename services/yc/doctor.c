/* yc doctor: what would keep the centre from running, and the cure, in both languages. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "yc/text.h"
#include "yc.h"

#define DISK_BAD_MB 100
#define DISK_WARN_MB 1000
#define FILES_MIN 4096

static int problems;

static void good(const char *fmt, ...) YC_PRINTF(1, 2);
static void bad(const char *zh, const char *en, const char *fmt, ...) YC_PRINTF(3, 4);

static void good(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("  ✓ ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
}

/* What is wrong, then what to do, Chinese first. */
static void bad(const char *zh, const char *en, const char *fmt, ...)
{
	va_list ap;

	problems++;
	va_start(ap, fmt);
	printf("  ✗ ");
	vprintf(fmt, ap);
	printf("\n      处理：%s\n      cure: %s\n", zh, en);
	va_end(ap);
}

/* --- programs and libraries ---------------------------------------------------------------------------------------------------------------- */

static const struct { const char *lib, *package; } libs[] = {
	{ "libzmq", "libzmq5" }, { "libprotobuf-c", "libprotobuf-c1" }, { "libsqlite3", "libsqlite3-0" }, { "libpq", "libpq5" },
	{ "libhiredis", "libhiredis0.14" }, { "libjansson", "libjansson4" }, { "libsodium", "libsodium23" }, { "libcrypto", "libssl3" },
	{ "libsofia-sip-ua", "libsofia-sip-ua0" }, { "libspandsp", "libspandsp2" }, { "libtiff", "libtiff6" }, { "libmicrohttpd", "libmicrohttpd12" },
	{ "libyaml", "libyaml-0-2" },
};

/* "…: error while loading shared libraries: libfoo.so.1: cannot open …" -> the package. */
static const char *package_of(const char *text)
{
	for (size_t i = 0; i < sizeof(libs) / sizeof(libs[0]); i++)
		if (strstr(text, libs[i].lib))
			return libs[i].package;
	return NULL;
}

static void check_program(const struct home *h, const struct part *p)
{
	char path[YC_PATH], cmd[YC_PATH + 32], line[512] = "", cure[128];
	const char *package;
	FILE *f;
	int rc;

	if (!part_program(h, p, path)) {
		if (p == &parts[PART_REDIS])
			bad("sudo apt-get install redis-server", "sudo apt-get install redis-server", "redis-server 未安装 / is not installed");
		else
			bad("在源码目录运行 make", "run make in the source tree", "%s/%s 不存在 / is missing", h->bin, p->program);
		return;
	}
	snprintf(cmd, sizeof(cmd), "'%s' --version 2>&1", path);
	f = popen(cmd, "re");
	if (!f)
		return;
	if (!fgets(line, sizeof(line), f))
		*line = 0;
	rc = pclose(f);
	line[strcspn(line, "\n")] = 0;
	if (rc == 0) {
		good("%s", line);
		return;
	}
	package = package_of(line);
	snprintf(cure, sizeof(cure), "sudo apt-get install %s", package ? package : "(deploy/packages.txt)");
	bad(cure, cure, "%s: %s", p->program, line);
}

/* --- home ------------------------------------------------------------------------------------------------------------------------------------ */

static void check_home(const struct home *h)
{
	struct yc_err e = { 0 };
	char cure[YC_PATH + 64];
	struct stat st;

	if (home_check_sockets(h, &e) != YC_OK) {
		bad("用 --home 或 YC_HOME 指定较短的路径", "choose a shorter path with --home or YC_HOME", "%s", e.msg);
		return;
	}
	if (stat(h->dir, &st)) {
		if (errno == ENOENT) {
			good("%s 将在首次启动时创建 / will be made at the first start", h->dir);
			return;
		}
		bad("检查上级目录的权限", "look at the folders above it", "%s: %s", h->dir, strerror(errno));
		return;
	}
	if (st.st_uid != geteuid()) {
		snprintf(cure, sizeof(cure), "sudo chown -R %d '%s'", (int)geteuid(), h->dir);
		bad(cure, cure, "%s 属于其他用户 / belongs to uid %d", h->dir, (int)st.st_uid);
	} else if (access(h->dir, R_OK | W_OK | X_OK) || (st.st_mode & 0700) != 0700) {
		snprintf(cure, sizeof(cure), "chmod 700 '%s'", h->dir);
		bad(cure, cure, "%s 不可写 / cannot be written (mode %03o)", h->dir, (unsigned)st.st_mode & 0777);
	} else if (st.st_mode & 077) {
		snprintf(cure, sizeof(cure), "chmod 700 '%s'", h->dir);
		bad(cure, cure, "%s 其他用户可读（含录音与口令摘要）/ others can read it, recordings and password hashes included (mode %03o)", h->dir,
		    (unsigned)st.st_mode & 0777);
	} else {
		good("%s", h->dir);
	}
}

/* Files of ours that we could not open tomorrow: made by root, or by another user, in between. */
static void check_owner(const struct home *h, const char *folder)
{
	char dir[YC_PATH], path[YC_PATH * 2], cure[YC_PATH + 64];
	struct dirent *d;
	struct stat st;
	DIR *f = opendir(home_path(h, dir, "%s", folder));

	while (f && (d = readdir(f))) {
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		if (*d->d_name != '.' && stat(path, &st) == 0 && st.st_uid != geteuid()) {
			snprintf(cure, sizeof(cure), "sudo chown -R %d '%s'", (int)geteuid(), h->dir);
			bad(cure, cure, "%s 属于其他用户 / belongs to uid %d", path, (int)st.st_uid);
			break;
		}
	}
	if (f)
		closedir(f);
}

static void check_disk(const struct home *h)
{
	char dir[YC_PATH];
	struct statvfs v;
	unsigned long long mb;
	char *slash;

	yc_copy(dir, sizeof(dir), h->dir);
	while (statvfs(dir, &v) && (slash = strrchr(dir, '/')) && slash != dir)
		*slash = 0;
	if (statvfs(dir, &v))
		return;
	mb = (unsigned long long)v.f_bavail * v.f_frsize >> 20;
	if (mb < DISK_BAD_MB || (v.f_files && v.f_favail < 1000))
		bad("清理磁盘，或用 --home 换到有空间的分区", "free some space, or move the home with --home",
		    "磁盘已满 / disk full: %llu MB, %llu inodes free at %s", mb, (unsigned long long)v.f_favail, dir);
	else
		good("磁盘 / disk: %llu MB 可用 / free%s", mb, mb < DISK_WARN_MB ? "（偏少 / not much）" : "");
}

static void check_stores(const struct home *h)
{
	char dir[YC_PATH], path[YC_PATH * 2];
	struct yc_err e = { 0 };
	struct dirent *d;
	DIR *f = opendir(home_path(h, dir, "data"));
	int n = 0;

	while (f && (d = readdir(f))) {
		size_t len = strlen(d->d_name);

		if (len < 4 || !yc_streq(d->d_name + len - 3, ".db"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		n++;
		if (store_check(path, &e) != YC_OK)
			bad("yc down，然后从备份恢复：yc restore FILE", "yc down, then yc restore FILE", "%s: %s", path, e.msg);
	}
	if (f)
		closedir(f);
	if (n)
		good("%d 个数据库已检查 / stores checked", n);
}

/* --- ports ------------------------------------------------------------------------------------------------------------------------------------- */

static unsigned long inode_of(const char *table, unsigned port)
{
	char line[512];
	unsigned long inode = 0, at;
	unsigned local;
	FILE *f = fopen(table, "re");

	while (f && !inode && fgets(line, sizeof(line), f))
		if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*s %*s %*s %*s %*s %*s %*s %lu", &local, &at) == 2 && local == port)
			inode = at;
	if (f)
		fclose(f);
	return inode;
}

static int has_socket(const char *pid, unsigned long inode)
{
	char dir[300], path[600], link[64], want[64];
	struct dirent *d;
	int found = 0;
	ssize_t n;
	DIR *f;

	snprintf(dir, sizeof(dir), "/proc/%s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	if (!(f = opendir(dir)))
		return 0;
	while (!found && (d = readdir(f))) {
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		link[n > 0 ? n : 0] = 0;
		found = yc_streq(link, want);
	}
	closedir(f);
	return found;
}

/* "nginx (pid 812)", or "" when the kernel does not tell us. */
static void who_has(const char *table, unsigned port, char out[128])
{
	unsigned long inode = inode_of(table, port);
	char path[300], name[64];
	struct dirent *d;
	DIR *f = inode ? opendir("/proc") : NULL;

	*out = 0;
	while (f && !*out && (d = readdir(f))) {
		FILE *comm;

		if (strspn(d->d_name, "0123456789") != strlen(d->d_name) || !has_socket(d->d_name, inode))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", d->d_name);
		comm = fopen(path, "re");
		if (!comm || !fgets(name, sizeof(name), comm))
			yc_copy(name, sizeof(name), "?");
		name[strcspn(name, "\n")] = 0;
		if (comm)
			fclose(comm);
		snprintf(out, 128, "%s (pid %.16s)", name, d->d_name);
	}
	if (f)
		closedir(f);
}

static int split(const char *addr, char host[64], char port[16])
{
	const char *colon = strrchr(addr, ':');

	if (!colon || (size_t)(colon - addr) >= 64)
		return -1;
	memcpy(host, addr, (size_t)(colon - addr));
	host[colon - addr] = 0;
	yc_copy(port, 16, colon + 1);
	return 0;
}

static void check_port(const char *env, const char *addr, int type)
{
	const char *table = type == SOCK_DGRAM ? "/proc/net/udp" : "/proc/net/tcp", *proto = type == SOCK_DGRAM ? "udp" : "tcp";
	struct addrinfo hint = { .ai_socktype = type, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE }, *a = NULL;
	char host[64], port[16], who[128], zh[256], en[256];
	int fd = -1, one = 1, rc = -1;

	if (split(addr, host, port) || getaddrinfo(host, port, &hint, &a)) {
		bad("写成 地址:端口，例如 127.0.0.1:8080", "write it as address:port, for example 127.0.0.1:8080", "%s=%s 无法理解 / is no address", env, addr);
		return;
	}
	fd = socket(a->ai_family, type, 0);
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));    /* as the services do: TIME_WAIT is no obstacle */
	rc = bind(fd, a->ai_addr, a->ai_addrlen);
	if (rc == 0 && type == SOCK_STREAM)
		rc = listen(fd, 1);
	if (rc == 0) {
		good("%s %s/%s 可用 / free", env, addr, proto);
	} else if (errno == EADDRINUSE) {
		who_has(table, (unsigned)strtoul(port, NULL, 10), who);
		snprintf(zh, sizeof(zh), "停掉%s%s，或换一个端口：%s=%s:PORT", *who ? "占用它的 " : "占用它的进程", who, env, host);
		snprintf(en, sizeof(en), "stop %s, or take another port: %s=%s:PORT", *who ? who : "the process that has it", env, host);
		bad(zh, en, "%s %s/%s 已被占用 / is taken%s%s", env, addr, proto, *who ? ": " : "", who);
	} else if (errno == EACCES) {
		bad("换 1024 以上的端口，或 sudo setcap cap_net_bind_service=+ep", "take a port above 1024, or sudo setcap cap_net_bind_service=+ep on the service",
		    "%s %s/%s 没有权限 / is not permitted", env, addr, proto);
	} else {
		bad("检查地址是否属于本机：ip addr", "is the address one of this machine? ip addr", "%s %s/%s: %s", env, addr, proto, strerror(errno));
	}
	close(fd);
	freeaddrinfo(a);
}

/* --- the rest ------------------------------------------------------------------------------------------------------------------------------------ */

static void check_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_max < FILES_MIN)
		bad("ulimit -n 65536（/etc/security/limits.conf）", "ulimit -n 65536 (/etc/security/limits.conf)",
		    "可打开文件数太少 / too few open files: %llu", (unsigned long long)r.rlim_max);
	else
		good("可打开文件数 / open files: %llu", (unsigned long long)r.rlim_max);
}

static void check_share(const struct home *h)
{
	static const char *const need[] = { "prompts/welcome.wav", "console/index.html" };
	char path[YC_PATH * 2];

	for (size_t i = 0; i < sizeof(need) / sizeof(need[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", h->share, need[i]);
		if (access(path, R_OK))
			bad("在源码目录运行 make share", "run make share in the source tree", "%s 不存在 / is missing", path);
		else
			good("%s", path);
	}
}

int cmd_doctor(struct home *h, int argc, char **argv)
{
	pid_t running = home_running(h);
	int quiet = take_flag(&argc, argv, "--quiet");

	if (argc > 1)
		return usage("doctor [--quiet]");
	if (quiet && !freopen("/dev/null", "we", stdout))       /* only the exit status */
		return 1;
	home_profile_env(h);
	printf("一窗自检 / Yichuang doctor: %s\n", h->dir);
	check_home(h);
	check_owner(h, "data");
	check_owner(h, "run");
	check_disk(h);
	check_limits();
	for (int i = 0; i < n_parts; i++)
		if (part_wanted(h, &parts[i]))
			check_program(h, &parts[i]);
	check_share(h);
	if (running) {
		good("中心正在运行，端口由它占用 / the centre runs (pid %d) and has its ports", (int)running);
	} else {
		check_port("YC_HTTP", h->http, SOCK_STREAM);
		check_port("YC_SIP", h->sip, SOCK_DGRAM);
		check_stores(h);
	}
	if (problems)
		printf("%d 个问题 / %d problem%s\n", problems, problems, problems == 1 ? "" : "s");
	else
		printf("一切正常 / all is well\n");
	return problems != 0;
}
