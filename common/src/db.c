/* Store front: parameters, units of work, prepared sets. The engines know nothing of units; this file knows nothing of engines. */
#include "db_impl.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "yc/arena.h"
#include "yc/log.h"

enum yc_code yc_db_open(struct yc_db **out, const char *url, const char *schema, struct yc_err *e)
{
	struct yc_db *db;
	enum yc_code rc;

	*out = NULL;
	if (!url || !schema || !*schema || strspn(schema, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(schema))
		return yc_fail(e, YC_INVALID, "db", "a store needs a URL and a schema of lower case letters");
	db = yc_xcalloc(1, sizeof(*db));
	if (!strncmp(url, "sqlite:", 7))
		db->eng = &db_sqlite;
	else if (!strncmp(url, "postgresql:", 11) || !strncmp(url, "postgres:", 9))
		db->eng = &db_pg;
	else {
		yc_xfree(db);
		return yc_fail(e, YC_INVALID, "db", "a store's URL begins with sqlite: or postgresql:");
	}
	rc = db->eng->open(db, url, schema, e);
	if (rc) {
		yc_xfree(db);
		return rc;
	}
	*out = db;
	return YC_OK;
}

void yc_db_close(struct yc_db **pdb)
{
	struct yc_db *db = *pdb;
	int i;

	if (!db)
		return;
	yc_db_rollback(db);
	for (i = 0; i < db->n_stmts; i++) {
		db->eng->finalize(db->stmts[i]);
		yc_xfree(db->stmts[i]->sql);
		yc_xfree(db->stmts[i]);
	}
	yc_xfree(db->stmts);
	db->eng->close(db);
	yc_xfree(db);
	*pdb = NULL;
}

int yc_db_is_pg(const struct yc_db *db)
{
	return db->eng == &db_pg;
}

static int has_word(const char *s, const char *word)
{
	size_t n = strlen(word);
	const char *p;

	for (p = s; *p; p++)
		if (!strncasecmp(p, word, n) && (p == s || !isalnum((unsigned char)p[-1])) && !isalnum((unsigned char)p[n]))
			return 1;
	return 0;
}

int db_is_write(const char *sql)
{
	sql += strspn(sql, " \t\r\n(");
	if (!strncasecmp(sql, "select", 6))
		return 0;
	if (!strncasecmp(sql, "with", 4))
		return has_word(sql, "insert") || has_word(sql, "update") || has_word(sql, "delete");
	return 1;
}

enum yc_code yc_db_prepare(struct yc_db *db, const char *const *sql, int n, int *base, struct yc_err *e)
{
	int i;

	*base = db->n_stmts;
	db->stmts = yc_xrealloc(db->stmts, (size_t)(db->n_stmts + n + 1) * sizeof(*db->stmts));
	for (i = 0; i < n; i++) {
		struct yc_stmt *st = yc_xcalloc(1, sizeof(*st));
		enum yc_code rc;

		st->db = db;
		st->sql = yc_xstrdup(sql[i] ? sql[i] : "");
		st->nr = db->n_stmts;
		st->is_write = db_is_write(st->sql);
		db->stmts[db->n_stmts++] = st;
		rc = db->eng->prepare(st, e);
		if (rc) {
			yc_error("statement %d does not prepare: %s", i, st->sql);
			return rc;
		}
	}
	return YC_OK;
}

/* --- units ------------------------------------------------------------------------------------------------------------ */

static enum yc_code broken(struct yc_err *e)
{
	return yc_fail(e, YC_UNAVAILABLE, NULL, "the store lost its transaction");
}

/* A statement failed: what is left of unit and transaction? The unit can only be undone now; PostgreSQL demands it, so SQLite does too. */
static void after_failure(struct yc_db *db)
{
	int d = db->depth;
	enum db_tx tx = db->in_tx ? db->eng->tx_state(db) : DB_TX_FINE;

	if (tx == DB_TX_LOST || (tx == DB_TX_POISONED && db->unit[d].sp != DB_SP_OPEN))
		db->is_broken = 1;
	else if (d || db->unit[d].sp == DB_SP_OPEN)
		db->unit[d].failed = 1;
}

/* The transaction and the savepoints of all open units exist before the first write. */
static enum yc_code before_write(struct yc_db *db, struct yc_err *e)
{
	enum yc_code rc;
	int d;

	if (!db->in_tx) {
		rc = db->eng->ctl(db, DB_BEGIN, 0, e);
		if (rc)
			return rc;
		db->in_tx = 1;
	}
	for (d = db->depth ? 1 : 0; d <= db->depth; d++) {
		if (db->unit[d].sp == DB_SP_OPEN)
			continue;
		if (db->unit[d].sp == DB_SP_KEPT) {
			int inner;

			rc = db->eng->ctl(db, DB_RELEASE, d, e);
			if (rc)
				return rc;
			for (inner = d; inner <= DB_MAX_DEPTH; inner++)
				db->unit[inner].sp = DB_SP_NONE;
		}
		rc = db->eng->ctl(db, DB_SAVEPOINT, d, e);
		if (rc)
			return rc;
		db->unit[d].sp = DB_SP_OPEN;
	}
	return YC_OK;
}

static enum yc_code allow(struct yc_stmt *st, struct yc_err *e)
{
	struct yc_db *db = st->db;

	if (db->is_broken)
		return broken(e);
	if (db->unit[db->depth].failed)
		return yc_fail(e, YC_INTERNAL, NULL, "a statement after a failed one in the same unit of work");
	if (st->is_open) {
		yc_warn("statement %d is started again while its cursor is open", st->nr);
		yc_db_reset(st);
	}
	return st->is_write ? before_write(db, e) : YC_OK;
}

/* Savepoint of a single write outside of any unit: done with at once. */
static enum yc_code settle_single(struct yc_db *db, enum yc_code rc)
{
	if (db->depth || db->unit[0].sp != DB_SP_OPEN)
		return rc;
	if (db->unit[0].failed) {
		struct yc_err ignored;

		if (db->eng->ctl(db, DB_UNDO, 0, &ignored))
			db->is_broken = 1;
		db->unit[0].failed = 0;
	} else {
		db->n_kept += rc == YC_OK;
	}
	db->unit[0].sp = DB_SP_KEPT;
	return rc;
}

static enum yc_code start(struct yc_stmt *st, const struct db_param *p, int n, int no_rows, int64_t *changed, struct yc_err *e)
{
	struct yc_db *db = st->db;
	enum yc_code rc = allow(st, e);

	if (!rc)
		rc = db->eng->start(st, p, n, no_rows, changed, e);
	if (rc)
		after_failure(db);
	else if (st->is_write)
		db->unit[db->depth].wrote++;
	if (!rc && !no_rows)
		st->is_open = 1;
	if (st->is_write)
		rc = settle_single(db, rc);
	return rc;
}

void yc_db_unit_begin(struct yc_db *db)
{
	if (db->depth >= DB_MAX_DEPTH) {
		yc_error("units of work are nested deeper than %d", DB_MAX_DEPTH);
		return;
	}
	db->depth++;
	db->unit[db->depth].wrote = db->unit[db->depth].failed = 0;
}

/* Undo a unit: back to its savepoint, which stays for the next unit. */
static enum yc_code undo(struct yc_db *db, int d, struct yc_err *e)
{
	enum yc_code rc;
	int inner;

	if (db->unit[d].sp != DB_SP_OPEN)
		return YC_OK;
	rc = db->eng->ctl(db, DB_UNDO, d, e);
	if (rc) {
		db->is_broken = 1;
		return rc;
	}
	for (inner = d + 1; inner <= DB_MAX_DEPTH; inner++)
		db->unit[inner].sp = DB_SP_NONE;
	db->unit[d].sp = DB_SP_KEPT;
	return YC_OK;
}

enum yc_code yc_db_unit_end(struct yc_db *db, int keep, struct yc_err *e)
{
	int d = db->depth, failed;
	enum yc_code rc = YC_OK;

	if (!d)
		return yc_fail(e, YC_INTERNAL, NULL, "the end of a unit of work that was not begun");
	failed = db->unit[d].failed;
	db->depth--;
	db->unit[d].failed = 0;
	if (db->is_broken)
		return keep ? broken(e) : YC_OK;
	if (!keep || failed) {
		rc = undo(db, d, e);
		if (!rc && keep)
			rc = yc_fail(e, YC_INTERNAL, NULL, "a unit of work in which a statement failed cannot be kept");
		return rc;
	}
	if (db->unit[d].sp == DB_SP_OPEN)
		db->unit[d].sp = DB_SP_KEPT;
	if (d > 1)
		db->unit[d - 1].wrote += db->unit[d].wrote;
	else
		db->n_kept += db->unit[d].wrote;
	return YC_OK;
}

int yc_db_is_dirty(const struct yc_db *db)
{
	return db->in_tx && db->n_kept > 0;
}

int yc_db_kept(const struct yc_db *db)
{
	return db->in_tx ? db->n_kept : 0;
}

static void tx_over(struct yc_db *db)
{
	int d;

	db->in_tx = db->is_broken = db->n_kept = 0;
	for (d = 0; d <= DB_MAX_DEPTH; d++)
		db->unit[d].sp = DB_SP_NONE;
}

enum yc_code yc_db_commit(struct yc_db *db, struct yc_err *e)
{
	enum yc_code rc;

	if (db->depth)
		return yc_fail(e, YC_INTERNAL, NULL, "a commit inside a unit of work");
	if (db->is_broken) {
		yc_db_rollback(db);
		return broken(e);
	}
	if (!db->in_tx)
		return YC_OK;
	if (!db->n_kept) {
		yc_db_rollback(db);
		return YC_OK;
	}
	rc = db->eng->ctl(db, DB_COMMIT, 0, e);
	if (rc) {
		yc_db_rollback(db);
		return rc;
	}
	tx_over(db);
	return YC_OK;
}

void yc_db_rollback(struct yc_db *db)
{
	struct yc_err ignored;
	int i;

	for (i = 0; i < db->n_stmts; i++)
		if (db->stmts[i]->is_open && db->stmts[i]->is_write)
			yc_db_reset(db->stmts[i]);
	if (db->in_tx && db->eng->ctl(db, DB_ROLLBACK, 0, &ignored))
		yc_warn("rollback: %s", ignored.msg);
	tx_over(db);
}

/* --- statements --------------------------------------------------------------------------------------------------------- */

static enum yc_code collect(struct db_param *p, int *n, const char *fmt, va_list ap, struct yc_err *e)
{
	for (*n = 0; *fmt; fmt++, (*n)++) {
		struct db_param *q = &p[*n];

		if (*n == DB_MAX_PARAMS)
			return yc_fail(e, YC_INTERNAL, NULL, "a statement with more than %d parameters", DB_MAX_PARAMS);
		memset(q, 0, sizeof(*q));
		q->kind = *fmt;
		switch (*fmt) {
		case 't':
			q->p = va_arg(ap, const char *);
			q->p = q->p ? q->p : "";
			q->n = strlen(q->p);
			break;
		case 'i': q->i = va_arg(ap, int64_t); break;
		case 'b':
			q->p = va_arg(ap, const void *);
			q->n = va_arg(ap, size_t);
			q->p = q->p ? q->p : "";
			break;
		case 'n': break;
		default: return yc_fail(e, YC_INTERNAL, NULL, "unknown letter '%c' in the format of a statement", *fmt);
		}
	}
	return YC_OK;
}

enum yc_code yc_db_run(struct yc_db *db, int q, int64_t *changed, struct yc_err *e, const char *fmt, ...)
{
	struct db_param p[DB_MAX_PARAMS];
	enum yc_code rc;
	int64_t ignored;
	va_list ap;
	int n;

	va_start(ap, fmt);
	rc = collect(p, &n, fmt, ap, e);
	va_end(ap);
	return rc ? rc : start(db->stmts[q], p, n, 1, changed ? changed : &ignored, e);
}

struct yc_stmt *yc_db_query(struct yc_db *db, int q, struct yc_err *e, const char *fmt, ...)
{
	struct db_param p[DB_MAX_PARAMS];
	enum yc_code rc;
	va_list ap;
	int n;

	va_start(ap, fmt);
	rc = collect(p, &n, fmt, ap, e);
	va_end(ap);
	if (rc || start(db->stmts[q], p, n, 0, NULL, e))
		return NULL;
	return db->stmts[q];
}

int yc_db_step(struct yc_stmt *st, struct yc_err *e)
{
	int rc;

	if (!st->is_open)
		return 0;
	rc = st->db->eng->step(st, e);
	if (rc < 0)
		after_failure(st->db);
	if (rc <= 0)
		yc_db_reset(st);
	return rc;
}

void yc_db_reset(struct yc_stmt *st)
{
	if (st && st->is_open) {
		st->db->eng->reset(st);
		st->is_open = 0;
	}
}

int64_t yc_col_int(struct yc_stmt *st, int col)
{
	return st->db->eng->col_int(st, col);
}

const char *yc_col_text(struct yc_stmt *st, int col)
{
	return st->db->eng->col_text(st, col);
}

const void *yc_col_blob(struct yc_stmt *st, int col, size_t *n)
{
	return st->db->eng->col_blob(st, col, n);
}

int yc_col_is_null(struct yc_stmt *st, int col)
{
	return st->db->eng->col_is_null(st, col);
}

enum yc_code yc_db_exec(struct yc_db *db, const char *sql, struct yc_err *e)
{
	if (db->in_tx)
		return yc_fail(e, YC_INTERNAL, NULL, "free text inside a transaction");
	return db->eng->exec(db, sql, e);
}

enum yc_code yc_db_relax(struct yc_db *db, struct yc_err *e)
{
	db->is_relaxed = 1;
	return yc_db_exec(db, yc_db_is_pg(db) ? DB_RELAX_PG : "PRAGMA synchronous=NORMAL", e);
}
