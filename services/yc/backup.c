/* yc backup and restore of a single box: stores at one cut, Redis, and the services' files, in one compressed archive with a manifest. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/text.h"
#include "yc.h"

#define FORMAT 1

/* Run a program of the base system; 0 when it ended well. */
static int run(char *const argv[])
{
	int status = 0;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void remove_tree(const char *path)
{
	char *argv[] = { (char *)"rm", (char *)"-rf", (char *)"--", (char *)path, NULL };

	run(argv);
}

static enum yc_code make_stage(const struct home *h, const char *what, char stage[YC_PATH], struct yc_err *e)
{
	home_path(h, stage, "%s.%d", what, (int)getpid());
	if (mkdir(stage, 0700))
		return yc_fail(e, YC_FORBIDDEN, "home", "%s: %s", stage, strerror(errno));
	return YC_OK;
}

/* --- manifest ---------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code digest(const char *path, char hex[65], struct yc_err *e)
{
	struct yc_sha256 *s = yc_sha256_new();
	FILE *f = fopen(path, "re");
	char buf[65536];
	uint8_t raw[32];
	size_t n;

	while (f && (n = fread(buf, 1, sizeof(buf), f)) > 0)
		yc_sha256_add(s, buf, n);
	yc_sha256_end(&s, raw);
	yc_hex(raw, sizeof(raw), hex);
	if (!f || ferror(f))
		yc_fail(e, YC_INTERNAL, path, "cannot be read");
	if (f)
		fclose(f);
	return e->code;
}

/* fn for each *.db below stage/data. */
static enum yc_code each_store(const char *stage, enum yc_code (*fn)(const char *name, const char *path, void *arg, struct yc_err *e), void *arg, struct yc_err *e)
{
	char dir[YC_PATH + 16], path[YC_PATH * 2];
	struct dirent **names;
	int n;

	snprintf(dir, sizeof(dir), "%s/data", stage);
	n = scandir(dir, &names, NULL, alphasort);
	if (n < 0)
		return yc_fail(e, YC_NOT_FOUND, "data", "%s: %s", dir, strerror(errno));
	e->code = YC_OK;
	for (int i = 0; i < n; i++) {
		size_t len = strlen(names[i]->d_name);

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (e->code == YC_OK && len > 3 && yc_streq(names[i]->d_name + len - 3, ".db"))
			e->code = fn(names[i]->d_name, path, arg, e);
		free(names[i]);
	}
	free(names);
	return e->code;
}

static enum yc_code list_store(const char *name, const char *path, void *arg, struct yc_err *e)
{
	struct stat st;
	char hex[65];

	if (stat(path, &st))
		return yc_fail(e, YC_INTERNAL, path, "%s", strerror(errno));
	if (digest(path, hex, e) != YC_OK)
		return e->code;
	json_array_append_new(arg, json_pack("{s:s, s:I, s:s}", "name", name, "bytes", (json_int_t)st.st_size, "sha256", hex));
	return YC_OK;
}

static enum yc_code write_manifest(const struct home *h, const char *stage, struct yc_err *e)
{
	json_t *stores = json_array(), *m;
	char path[YC_PATH + 32], at[YC_RFC3339_LEN];

	if (each_store(stage, list_store, stores, e) == YC_OK) {
		m = json_pack("{s:i, s:s, s:s, s:s, s:O}", "format", FORMAT, "version", YC_VERSION, "site", h->site, "created_at", yc_rfc3339(yc_now(), at),
			      "stores", stores);
		snprintf(path, sizeof(path), "%s/manifest.json", stage);
		if (json_dump_file(m, path, JSON_INDENT(2)))
			yc_fail(e, YC_INTERNAL, path, "%s", strerror(errno));
		json_decref(m);
	}
	json_decref(stores);
	return e->code;
}

static const json_t *listed(const json_t *m, const char *name)
{
	const json_t *s;
	size_t i;

	json_array_foreach(json_object_get(m, "stores"), i, s)
		if (yc_streq(json_string_value(json_object_get(s, "name")), name))
			return s;
	return NULL;
}

static enum yc_code check_store(const char *name, const char *path, void *arg, struct yc_err *e)
{
	const json_t *s = listed(arg, name);
	char hex[65];

	if (!s)
		return yc_fail(e, YC_INVALID, name, "the manifest does not list it");
	if (digest(path, hex, e) != YC_OK)
		return e->code;
	if (!yc_streq(hex, json_string_value(json_object_get(s, "sha256"))))
		return yc_fail(e, YC_INVALID, name, "备份已损坏 / the backup is damaged: its checksum differs");
	return store_check(path, e);
}

static enum yc_code count_store(const char *name, const char *path, void *arg, struct yc_err *e)
{
	++*(size_t *)arg;
	return YC_OK;
}

static enum yc_code check_manifest(const struct home *h, const char *stage, char at[64], struct yc_err *e)
{
	char path[YC_PATH + 32];
	size_t n = 0;
	json_t *m;
	const char *site;

	snprintf(path, sizeof(path), "%s/manifest.json", stage);
	m = json_load_file(path, 0, NULL);
	if (!m || json_integer_value(json_object_get(m, "format")) != FORMAT) {
		json_decref(m);
		return yc_fail(e, YC_INVALID, "file", "不是一窗的备份文件 / this is no backup of Yichuang");
	}
	site = json_string_value(json_object_get(m, "site"));
	yc_copy(at, 64, json_string_value(json_object_get(m, "created_at")));
	if (!yc_streq(site, h->site))
		yc_fail(e, YC_INVALID, "site", "the backup is of site \"%s\", this is \"%s\": set YC_SITE=%s", site, h->site, site);
	else if (each_store(stage, check_store, m, e) == YC_OK && each_store(stage, count_store, &n, e) == YC_OK &&
		 n != json_array_size(json_object_get(m, "stores")))
		yc_fail(e, YC_INVALID, "file", "备份不完整 / the backup is incomplete: %zu of %zu stores", n, json_array_size(json_object_get(m, "stores")));
	json_decref(m);
	return e->code;
}

/* --- backup ------------------------------------------------------------------------------------------------------------------------------ */

/* Redis' append-only files are a consistent copy at any moment but during their rewriting, which we hold off. */
static enum yc_code copy_redis(const struct home *h, const char *stage, struct yc_err *e)
{
	char reply[4096], from[YC_PATH], to[YC_PATH + 16];
	char *argv[] = { (char *)"cp", (char *)"-a", (char *)"--", from, to, NULL };
	int64_t end = yc_mono() + 30000;
	int up = redis_say(h, "CONFIG SET auto-aof-rewrite-percentage 0", reply, sizeof(reply)) == 0;

	while (up && redis_say(h, "INFO persistence", reply, sizeof(reply)) == 0 && strstr(reply, "aof_rewrite_in_progress:1") && yc_mono() < end)
		usleep(20000);
	home_path(h, from, "redis");
	snprintf(to, sizeof(to), "%s/redis", stage);
	if (access(from, F_OK) == 0 && run(argv))
		yc_fail(e, YC_INTERNAL, "redis", "its files cannot be copied");
	if (up)
		redis_say(h, "CONFIG SET auto-aof-rewrite-percentage 100", reply, sizeof(reply));
	return e->code;
}

/* Files of the services (recordings and the like) never change once they stand in their folder, and every row the copied stores have about
 * them was written after the file. */
static int is_service_folder(const struct home *h, const char *name)
{
	static const char *const not[] = { "run", "log", "data", "redis" };
	char path[YC_PATH];
	struct stat st;

	for (size_t i = 0; i < sizeof(not) / sizeof(not[0]); i++)
		if (yc_streq(name, not[i]))
			return 0;
	return *name != '.' && !strchr(name, '.') && strncmp(name, "before-restore-", 15) != 0 && stat(home_path(h, path, "%s", name), &st) == 0 &&
	       S_ISDIR(st.st_mode);
}

static enum yc_code archive(const struct home *h, const char *stage, const char *file, struct yc_err *e)
{
	char *argv[80] = { (char *)"tar", (char *)"-czf", NULL, (char *)"--exclude=*/tmp", (char *)"-C", (char *)stage, (char *)"." , (char *)"-C", (char *)h->dir };
	char part[YC_PATH * 2];
	struct dirent **names;
	int n = scandir(h->dir, &names, NULL, alphasort), a = 9, fd;

	snprintf(part, sizeof(part), "%s.part", file);
	argv[2] = part;
	for (int i = 0; i < n; i++)
		if (is_service_folder(h, names[i]->d_name) && a < 78)
			argv[a++] = names[i]->d_name;
	if (a == 9)
		argv[7] = NULL;
	if (run(argv))
		yc_fail(e, YC_INTERNAL, "file", "tar could not write %s", part);
	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
	fd = open(part, O_RDONLY | O_CLOEXEC);
	if (e->code == YC_OK && (fd < 0 || fsync(fd) || rename(part, file)))
		yc_fail(e, YC_INTERNAL, "file", "%s: %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (e->code != YC_OK)
		unlink(part);
	return e->code;
}

static enum yc_code backup(const struct home *h, const char *stage, const char *file, struct yc_err *e)
{
	char data[YC_PATH + 16];

	snprintf(data, sizeof(data), "%s/data", stage);
	if (mkdir(data, 0700))
		return yc_fail(e, YC_INTERNAL, data, "%s", strerror(errno));
	if (store_backup(h, data, e) != YC_OK || copy_redis(h, stage, e) != YC_OK || write_manifest(h, stage, e) != YC_OK)
		return e->code;
	return archive(h, stage, file, e);
}

int cmd_backup(struct home *h, int argc, char **argv)
{
	char stage[YC_PATH];
	struct yc_err e = { 0 };
	struct stat st;

	if (argc != 2)
		return usage("backup FILE");
	umask(077);
	if (getenv("YC_DB_URL") && *getenv("YC_DB_URL")) {
		yc_fail(&e, YC_UNIMPLEMENTED, "YC_DB_URL", "数据在 PostgreSQL 中，请用 pg_dump / the stores are in PostgreSQL: use pg_dump");
		return fail(&e);
	}
	if (make_stage(h, "backup", stage, &e) != YC_OK)
		return fail(&e);
	e.code = backup(h, stage, argv[1], &e);
	remove_tree(stage);
	if (e.code != YC_OK)
		return fail(&e);
	printf("已备份 / backed up: %s (%lld bytes)\n", argv[1], stat(argv[1], &st) ? 0LL : (long long)st.st_size);
	return 0;
}

/* --- restore ----------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code new_incarnation(const char *name, const char *path, void *arg, struct yc_err *e)
{
	return store_restored(path, e);
}

static enum yc_code unpack(const char *file, const char *stage, struct yc_err *e)
{
	char *argv[] = { (char *)"tar", (char *)"-xzf", (char *)file, (char *)"-C", (char *)stage, (char *)"--no-same-owner", NULL };

	if (access(file, R_OK))
		return yc_fail(e, YC_NOT_FOUND, "file", "%s: %s", file, strerror(errno));
	if (run(argv))
		return yc_fail(e, YC_INVALID, "file", "备份文件无法解开 / %s cannot be unpacked", file);
	return YC_OK;
}

/* Everything but run and log goes from one folder to the other. */
static enum yc_code move_all(const char *from, const char *to, const char *but, struct yc_err *e)
{
	char a[YC_PATH * 2], b[YC_PATH * 2];
	struct dirent **names;
	int n = scandir(from, &names, NULL, alphasort), moved = 0;

	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		snprintf(a, sizeof(a), "%s/%s", from, name);
		snprintf(b, sizeof(b), "%s/%s", to, name);
		if (*name != '.' && !yc_streq(name, "run") && !yc_streq(name, "log") && !yc_streq(name, "manifest.json") && !yc_streq(name, but) &&
		    strncmp(name, "before-restore-", 15) != 0 && ++moved && rename(a, b))
			yc_fail(e, YC_INTERNAL, name, "%s -> %s: %s", a, b, strerror(errno));
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return e->code;
}

static enum yc_code restore(const struct home *h, const char *file, const char *stage, char at[64], char old[YC_PATH], struct yc_err *e)
{
	const char *stage_name = strrchr(stage, '/') + 1;

	if (unpack(file, stage, e) != YC_OK || check_manifest(h, stage, at, e) != YC_OK || each_store(stage, new_incarnation, NULL, e) != YC_OK)
		return e->code;
	home_path(h, old, "before-restore-%lld", (long long)(yc_now() / 1000));
	if (mkdir(old, 0700))
		return yc_fail(e, YC_INTERNAL, "home", "%s: %s", old, strerror(errno));
	if (move_all(h->dir, old, stage_name, e) != YC_OK)
		return e->code;
	rmdir(old);                     /* only when nothing was there */
	return move_all(stage, h->dir, "", e);
}

int cmd_restore(struct home *h, int argc, char **argv)
{
	char stage[YC_PATH], old[YC_PATH] = "", at[64] = "";
	struct yc_err e = { 0 };
	pid_t other;
	int lock;

	if (argc != 2)
		return usage("restore FILE");
	umask(077);
	if (home_make(h, &e) != YC_OK)
		return fail(&e);
	if ((lock = home_lock(h, &other)) < 0) {
		yc_fail(&e, YC_CONFLICT, NULL, "中心正在运行，请先 yc down / the centre runs (pid %d): yc down first", (int)other);
		return fail(&e);
	}
	if (make_stage(h, "restore", stage, &e) == YC_OK) {
		e.code = restore(h, argv[1], stage, at, old, &e);
		remove_tree(stage);
	}
	close(lock);
	if (e.code != YC_OK)
		return fail(&e);
	printf("已恢复到 / restored as of %s", at);
	if (access(old, F_OK) == 0)
		printf("；原数据在 / what was here before: %s", old);
	printf("\n");
	return 0;
}
