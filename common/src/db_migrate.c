/* Migrations: numbered files, each in a transaction, remembered with the digest of their text. */
#include "db_impl.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/crypto.h"
#include "yc/json.h"
#include "yc/log.h"

static int is_word(int c)
{
	return isalnum(c) || c == '_';
}

char *db_dialect(const char *sql, int is_pg)
{
	struct yc_buf out = { 0 };
	const char *mine = is_pg ? "/*pg " : "/*sqlite ";
	const char *p;

	yc_buf_add(&out, "", 0);
	for (p = sql; *p;) {
		if (!strncmp(p, mine, strlen(mine))) {
			const char *end = strstr(p, "*/");

			p += strlen(mine);
			if (end)
				yc_buf_add(&out, p, (size_t)(end - p));
			p = end ? end + 2 : p;
		} else if (is_pg && !strncmp(p, "BLOB", 4) && !is_word(p[4]) && (p == sql || !is_word(p[-1]))) {
			yc_buf_str(&out, "BYTEA");
			p += 4;
		} else {
			yc_buf_add(&out, p++, 1);
		}
	}
	return out.p ? out.p : yc_xstrdup("");
}

enum { M_GET, M_MAX, M_PUT };
static const char *const migrate_sql[] = {
	[M_GET] = "SELECT sha256 FROM yc_migration WHERE set_name = $1 AND nr = $2",
	[M_MAX] = "SELECT COALESCE(MAX(nr), 0) FROM yc_migration WHERE set_name = $1",
	[M_PUT] = "INSERT INTO yc_migration (set_name, nr, name, sha256) VALUES ($1, $2, $3, $4)",
};

static enum yc_code sum_of(struct yc_db *db, int q, const char *set, int nr, char sum[65], struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db, q, e, "ti", set, (int64_t)nr);
	int rc;

	sum[0] = 0;
	if (!st)
		return e->code;
	rc = yc_db_step(st, e);
	if (rc > 0)
		snprintf(sum, 65, "%s", yc_col_text(st, 0));
	yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}

/* Text and bookkeeping row in one transaction of the engine, past the units of db.c. Two instances that start at once: the second one's
 * row is refused, its text undone, and it sees the first one's on the next look. */
static enum yc_code apply(struct yc_db *db, const char *set, const struct yc_migration *m, const char *sum, struct yc_err *e)
{
	char *text = db_dialect(m->sql, yc_db_is_pg(db));
	struct yc_buf all = { 0 };
	struct yc_err ignored;
	enum yc_code rc;

	yc_buf_printf(&all, "%s;\nINSERT INTO yc_migration (set_name, nr, name, sha256) VALUES ('%s', %d, '%s', '%s');\n",
		      yc_db_is_pg(db) ? "BEGIN; LOCK TABLE yc_migration" : "BEGIN IMMEDIATE", set, m->nr, m->name, sum);
	yc_buf_str(&all, text);
	yc_buf_str(&all, "\n;COMMIT");
	rc = yc_db_exec(db, all.p, e);
	if (rc && yc_db_exec(db, "ROLLBACK", &ignored))
		yc_debug("rollback of a migration: %s", ignored.msg);
	if (!rc)
		yc_info("store: applied %s %s", set, m->name);
	yc_buf_free(&all);
	yc_xfree(text);
	return rc;
}

static enum yc_code one(struct yc_db *db, int base, const char *set, const struct yc_migration *m, struct yc_err *e)
{
	char sum[65], have[65];
	enum yc_code rc;
	int tries;

	yc_sha256_hex(m->sql, strlen(m->sql), sum);
	for (tries = 0; ; tries++) {
		rc = sum_of(db, base + M_GET, set, m->nr, have, e);
		if (rc)
			return rc;
		if (have[0])
			break;
		rc = apply(db, set, m, sum, e);
		if (!rc)
			return YC_OK;
		if (rc != YC_CONFLICT || tries > 0) {
			struct yc_err why = *e;

			return yc_fail(e, rc, "schema", "%s %s cannot be applied: %.120s", set, m->name, why.msg);
		}
	}
	if (strcmp(have, sum))
		return yc_fail(e, YC_CONFLICT, "schema", "%s %s was changed after it had been applied", set, m->name);
	return YC_OK;
}

static enum yc_code newest(struct yc_db *db, int base, const char *set, int64_t *nr, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db, base + M_MAX, e, "t", set);
	int rc = st ? yc_db_step(st, e) : -1;

	*nr = rc > 0 ? yc_col_int(st, 0) : 0;
	yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}

enum yc_code yc_db_migrate(struct yc_db *db, const char *set, const struct yc_migration *m, struct yc_err *e)
{
	struct yc_err first;
	enum yc_code rc;
	int64_t max;
	int base, last = 0;

	rc = yc_db_exec(db, "CREATE TABLE IF NOT EXISTS yc_migration (set_name TEXT NOT NULL, nr BIGINT NOT NULL, name TEXT NOT NULL, "
			"sha256 TEXT NOT NULL, PRIMARY KEY (set_name, nr))", &first);
	/* Two instances creating it at once: one may be told of a duplicate. It exists either way, or preparing fails below. */
	if (rc && rc != YC_CONFLICT) {
		*e = first;
		return rc;
	}
	rc = yc_db_prepare(db, migrate_sql, 3, &base, e);
	for (; !rc && m && m->sql; m++) {
		if (m->nr <= last)
			return yc_fail(e, YC_INTERNAL, "schema", "%s: the files are not in the order of their numbers at %s", set, m->name);
		last = m->nr;
		rc = one(db, base, set, m, e);
	}
	if (!rc)
		rc = newest(db, base, set, &max, e);
	if (!rc && max > last)
		rc = yc_fail(e, YC_CONFLICT, "schema", "the store has %s %lld, this program knows only up to %d", set, (long long)max, last);
	return rc;
}
