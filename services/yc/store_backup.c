/* Copies of the stores of a single box. Every service writes on while we copy: each copy is taken inside a read transaction, and all of these
 * are opened before the first page is copied. Two stores fit when no consumer's cursor is beyond its producer's last event. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "yc/arena.h"
#include "yc/text.h"
#include "yc.h"

#define STORES_MAX 32
#define TRIES 100
#define PAGES 1000

struct store { char name[64]; sqlite3 *db; };
struct stores { struct store v[STORES_MAX]; int n; };

static enum yc_code sql_fail(sqlite3 *db, const char *name, struct yc_err *e)
{
	return yc_fail(e, YC_INTERNAL, name, "%s", db ? sqlite3_errmsg(db) : "no memory");
}

static void close_all(struct stores *s)
{
	for (int i = 0; i < s->n; i++)
		sqlite3_close(s->v[i].db);
	s->n = 0;
}

static enum yc_code open_all(const struct home *h, struct stores *s, struct yc_err *e)
{
	char dir[YC_PATH], path[YC_PATH * 2];
	struct dirent *d;
	DIR *folder = opendir(home_path(h, dir, "data"));

	if (!folder)
		return yc_fail(e, YC_NOT_FOUND, "home", "%s: nothing to back up", dir);
	e->code = YC_OK;
	while ((d = readdir(folder)) && e->code == YC_OK) {
		size_t n = strlen(d->d_name);
		struct store *st = &s->v[s->n];

		if (n < 4 || n >= sizeof(st->name) || !yc_streq(d->d_name + n - 3, ".db") || s->n == STORES_MAX)
			continue;
		yc_copy(st->name, sizeof(st->name), d->d_name);
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		s->n++;
		if (sqlite3_open_v2(path, &st->db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
			sql_fail(st->db, st->name, e);
		else
			sqlite3_busy_timeout(st->db, 5000);
	}
	closedir(folder);
	return e->code;
}

static enum yc_code run(sqlite3 *db, const char *name, const char *sql, struct yc_err *e)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? YC_OK : sql_fail(db, name, e);
}

/* The first read is what fixes the snapshot. */
static enum yc_code snapshot(struct stores *s, struct yc_err *e)
{
	for (int i = 0; i < s->n; i++)
		if (run(s->v[i].db, s->v[i].name, "BEGIN; SELECT k FROM yc_meta LIMIT 1", e) != YC_OK)
			return e->code;
	return YC_OK;
}

static void release(struct stores *s)
{
	for (int i = 0; i < s->n; i++)
		sqlite3_exec(s->v[i].db, "ROLLBACK", NULL, NULL, NULL);
}

/* The producer's last event in its snapshot; -1 when no store here has this source. */
static int64_t head_of(struct stores *s, const char *source, const char *incarnation)
{
	sqlite3_stmt *st;
	int64_t head = -1;

	for (int i = 0; i < s->n && head < 0; i++) {
		if (sqlite3_prepare_v2(s->v[i].db, "SELECT MAX(seq) FROM yc_outbox WHERE source = ? AND incarnation = ?", -1, &st, NULL) != SQLITE_OK)
			continue;
		sqlite3_bind_text(st, 1, source, -1, SQLITE_STATIC);
		sqlite3_bind_text(st, 2, incarnation, -1, SQLITE_STATIC);
		if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
			head = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
	}
	return head;
}

/* Do all cursors stay within the copies? e names the first that does not. */
static int fits(struct stores *s, struct yc_err *e)
{
	sqlite3_stmt *st;
	int ok = 1;

	for (int i = 0; i < s->n && ok; i++) {
		if (sqlite3_prepare_v2(s->v[i].db, "SELECT source, incarnation, seq FROM yc_cursor", -1, &st, NULL) != SQLITE_OK)
			continue;
		while (ok && sqlite3_step(st) == SQLITE_ROW) {
			const char *source = (const char *)sqlite3_column_text(st, 0), *inc = (const char *)sqlite3_column_text(st, 1);
			int64_t head = head_of(s, source, inc), seq = sqlite3_column_int64(st, 2);

			ok = head < 0 || seq <= head;
			if (!ok)
				yc_fail(e, YC_PRECONDITION, s->v[i].name, "it has read %s to %lld, whose copy ends at %lld: the centre is too busy, try again",
					source, (long long)seq, (long long)head);
		}
		sqlite3_finalize(st);
	}
	return ok;
}

static enum yc_code copy_one(struct store *from, const char *to_dir, struct yc_err *e)
{
	char path[YC_PATH * 2];
	sqlite3_backup *b;
	sqlite3 *to = NULL;
	int rc;

	snprintf(path, sizeof(path), "%s/%s", to_dir, from->name);
	if (sqlite3_open(path, &to) != SQLITE_OK || !(b = sqlite3_backup_init(to, "main", from->db, "main"))) {
		sql_fail(to, from->name, e);
		sqlite3_close(to);
		return e->code;
	}
	do
		rc = sqlite3_backup_step(b, PAGES);
	while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
	sqlite3_backup_finish(b);
	e->code = YC_OK;
	if (rc != SQLITE_DONE || sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
		sql_fail(to, from->name, e);
	sqlite3_close(to);
	return e->code;
}

static enum yc_code copy_all(struct stores *s, const char *to_dir, struct yc_err *e)
{
	for (int i = 0; i < s->n; i++)
		if (copy_one(&s->v[i], to_dir, e) != YC_OK)
			return e->code;
	return YC_OK;
}

enum yc_code store_backup(const struct home *h, const char *to_dir, struct yc_err *e)
{
	struct stores s = { .n = 0 };
	int tries = 0;

	if (open_all(h, &s, e) != YC_OK)
		goto out;
	for (;;) {
		if (snapshot(&s, e) != YC_OK)
			goto out;
		if (fits(&s, e))
			break;
		release(&s);
		if (++tries == TRIES)
			goto out;
		sqlite3_sleep(20);
	}
	e->code = YC_OK;
	if (copy_all(&s, to_dir, e) == YC_OK && s.n == 0)
		yc_fail(e, YC_NOT_FOUND, "home", "no store in %s/data", h->dir);
	release(&s);
out:
	close_all(&s);
	return e->code;
}

enum yc_code store_restored(const char *path, struct yc_err *e)
{
	sqlite3 *db = NULL;

	e->code = YC_OK;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		sql_fail(db, path, e);
	else
		e->code = run(db, path, "DELETE FROM yc_meta WHERE k = 'incarnation'", e);
	sqlite3_close(db);
	return e->code;
}

enum yc_code store_check(const char *path, struct yc_err *e)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;

	e->code = YC_OK;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &st, NULL) != SQLITE_OK || sqlite3_step(st) != SQLITE_ROW)
		sql_fail(db, path, e);
	else if (!yc_streq((const char *)sqlite3_column_text(st, 0), "ok"))
		yc_fail(e, YC_INTERNAL, path, "%s", (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_close(db);
	return e->code;
}
