/* Real engines for tests: Redis and PostgreSQL on unix sockets in the test's folder. They die with the test, however it ends. */
#include "yct.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "yc/arena.h"
#include "yc/db.h"

#define PG_BIN "/usr/lib/postgresql/15/bin"

static void die(const char *why)
{
	fprintf(stderr, "test engines: %s\n", why);
	abort();
}

/* In the child: be nobody of importance (uid 0: stay), die with the test, and become the program. */
static void become(uid_t uid, gid_t gid, int death, const char *log, char *const argv[])
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

	if (uid && (setgroups(0, NULL) || setgid(gid) || setuid(uid)))
		_exit(126);
	/* After setuid, which forgets it. */
	if (prctl(PR_SET_PDEATHSIG, death) || getppid() == 1)
		_exit(126);
	if (fd >= 0) {
		dup2(fd, 1);
		dup2(fd, 2);
	}
	execvp(argv[0], argv);
	_exit(127);
}

static pid_t start(uid_t uid, gid_t gid, int death, const char *log, char *const argv[])
{
	pid_t pid = fork();

	if (pid < 0)
		die("cannot fork");
	if (!pid)
		become(uid, gid, death, log, argv);
	return pid;
}

static int run(uid_t uid, gid_t gid, const char *log, char *const argv[])
{
	int status = -1;
	pid_t pid = start(uid, gid, SIGKILL, log, argv);

	return waitpid(pid, &status, 0) == pid ? status : -1;
}

static int answers(void *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ok;

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", (const char *)path);
	ok = fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
	return ok;
}

/* --- Redis ---------------------------------------------------------------------------------------------------------------------- */

static struct { pid_t pid, owner; char sock[96], url[104]; } redis;

static void redis_at_exit(void)
{
	if (redis.owner == getpid())
		yct_redis_kill();
}

void yct_redis_start(void)
{
	char log[96];
	char *argv[] = { "redis-server", "--port", "0", "--unixsocket", redis.sock, "--dir", (char *)yct_dir(), "--save", "",
			 "--appendonly", "yes", "--appendfsync", "everysec", NULL };

	if (redis.pid)
		return;
	snprintf(log, sizeof(log), "%s/redis.log", yct_dir());
	unlink(redis.sock);
	redis.pid = start(0, 0, SIGKILL, log, argv);
	if (!yct_until(10000, answers, redis.sock))
		die("redis-server does not start");
}

const char *yct_redis(void)
{
	if (!redis.owner) {
		snprintf(redis.sock, sizeof(redis.sock), "%s/redis.sock", yct_dir());
		snprintf(redis.url, sizeof(redis.url), "unix:%s", redis.sock);
		redis.owner = getpid();
		atexit(redis_at_exit);
	}
	yct_redis_start();
	return redis.url;
}

void yct_redis_kill(void)
{
	if (redis.pid) {
		kill(redis.pid, SIGKILL);
		waitpid(redis.pid, NULL, 0);
	}
	redis.pid = 0;
}

int yct_redis_pid(void)
{
	return redis.pid;
}

/* --- PostgreSQL -------------------------------------------------------------------------------------------------------------------- */

static struct { pid_t pid, owner; uid_t uid; gid_t gid; char dir[80], sock[96], log[96]; int n; } pg;

/* PostgreSQL refuses root. */
static void pick_user(void)
{
	const char *names[] = { "postgres", "nobody" };
	size_t i;

	if (geteuid())
		return;
	for (i = 0; i < 2; i++) {
		struct passwd *p = getpwnam(names[i]);

		if (p && p->pw_uid) {
			pg.uid = p->pw_uid;
			pg.gid = p->pw_gid;
			return;
		}
	}
	die("there is no user postgres or nobody");
}

static void pg_init(void)
{
	char *initdb[] = { PG_BIN "/initdb", "-D", pg.dir, "-U", "yc", "-E", "UTF8", "--no-locale", "--no-sync", "--auth=trust",
			   "--wal-segsize=1", "--no-instructions", NULL };

	if (mkdir(pg.dir, 0700) || (pg.uid && chown(pg.dir, pg.uid, pg.gid)))
		die("cannot make the folder for PostgreSQL");
	if (chmod(yct_dir(), 0755))
		die("cannot open the test's folder to PostgreSQL");
	if (run(pg.uid, pg.gid, pg.log, initdb))
		die("initdb failed, see the log in the test's folder");
}

static int pg_answers(void *unused)
{
	char url[160];

	snprintf(url, sizeof(url), "postgresql:///postgres?host=%s&user=yc", pg.dir);
	return answers(pg.sock) && PQping(url) == PQPING_OK;
}

void yct_pg_kill(void)
{
	if (pg.pid) {
		kill(pg.pid, SIGQUIT);           /* at once, but with the children */
		waitpid(pg.pid, NULL, 0);
	}
	pg.pid = 0;
}

void yct_pg_start(void)
{
	char *argv[] = { PG_BIN "/postgres", "-D", pg.dir, "-k", pg.dir, "-c", "listen_addresses=", "-c", "shared_buffers=16MB",
			 "-c", "max_connections=40", "-c", "max_wal_size=64MB", "-c", "min_wal_size=2MB", NULL };

	if (pg.pid)
		return;
	pg.pid = start(pg.uid, pg.gid, SIGQUIT, pg.log, argv);
	if (!yct_until(30000, pg_answers, NULL))
		die("postgres does not start, see the log in the test's folder");
}

static void pg_at_exit(void)
{
	if (pg.owner == getpid())
		yct_pg_kill();
}

static void pg_exec(const char *database, const char *sql)
{
	char url[160];
	struct yc_err e;
	struct yc_db *db;

	snprintf(url, sizeof(url), "postgresql:///%s?host=%s&user=yc", database, pg.dir);
	if (yc_db_open(&db, url, "probe", &e) || yc_db_exec(db, sql, &e))
		die(e.msg);
	yc_db_close(&db);
}

static void pg_up(void)
{
	if (!pg.owner) {
		snprintf(pg.dir, sizeof(pg.dir), "%s/pg", yct_dir());
		snprintf(pg.sock, sizeof(pg.sock), "%s/.s.PGSQL.5432", pg.dir);
		snprintf(pg.log, sizeof(pg.log), "%s/pg.log", yct_dir());
		pick_user();
		pg_init();
		pg.owner = getpid();
		atexit(pg_at_exit);
	}
	yct_pg_start();
}

const char *yct_pg(void)
{
	static char url[160];

	pg_up();
	if (!url[0]) {
		pg_exec("postgres", "CREATE DATABASE yc");
		snprintf(url, sizeof(url), "postgresql:///yc?host=%s&user=yc", pg.dir);
	}
	return url;
}

/* --- a store for each test -------------------------------------------------------------------------------------------------------- */

char *yct_fresh_db(const char *engine)
{
	static int n;
	char url[192], sql[64];

	if (!strcmp(engine, "sqlite")) {
		snprintf(url, sizeof(url), "sqlite:%s/db%d", yct_dir(), n++);
		return strdup(url);
	}
	pg_up();
	snprintf(sql, sizeof(sql), "CREATE DATABASE t%d", ++pg.n);
	pg_exec("postgres", sql);
	snprintf(url, sizeof(url), "postgresql:///t%d?host=%s&user=yc", pg.n, pg.dir);
	return strdup(url);
}

void yct_on_both_stores(void (*fn)(const char *url))
{
	static const char *const engines[] = { "sqlite", "pg" };
	int i;

	for (i = 0; i < 2; i++) {
		char *url = yct_fresh_db(engines[i]);

		fn(url);
		free(url);
	}
}
