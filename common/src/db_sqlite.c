/* SQLite behind db.c: WAL, synchronous=FULL, one connection per handle. The only file that says sqlite3_ together with its tests. */
#include "db_impl.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/log.h"

struct lite {
	sqlite3 *h;
	sqlite3_stmt *ctl[6][DB_MAX_DEPTH + 1];  /* by enum db_ctl and depth, prepared at first use */
};

struct lite_stmt {
	sqlite3_stmt *h;
	int n_params;
	int index[DB_MAX_PARAMS];                /* SQLite numbers "$1" by first appearance: index[n] is the place of "$n+1", 0: absent */
	int has_row;                             /* a write with RETURNING: its first step was done by start */
	int is_done;
};

static enum yc_code translate(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_FULL: case SQLITE_IOERR: case SQLITE_CANTOPEN: case SQLITE_READONLY:
		return YC_UNAVAILABLE;
	case SQLITE_CONSTRAINT:
		return rc == SQLITE_CONSTRAINT_CHECK || rc == SQLITE_CONSTRAINT_NOTNULL ? YC_INVALID : YC_CONFLICT;
	case SQLITE_TOOBIG:
		return YC_TOO_LARGE;
	default:
		return YC_INTERNAL;
	}
}

static enum yc_code fail(struct yc_db *db, const char *sql, struct yc_err *e)
{
	struct lite *l = db->impl;
	int rc = sqlite3_extended_errcode(l->h);
	enum yc_code code = translate(rc);

	if (code == YC_INTERNAL || code == YC_UNAVAILABLE)
		yc_error("sqlite: %s (%d) in: %s", sqlite3_errmsg(l->h), rc, sql);
	switch (code) {
	case YC_CONFLICT: return yc_fail(e, code, NULL, "the store already has this, or it refers to what the store does not have");
	case YC_INVALID: return yc_fail(e, code, NULL, "the store's rules refuse a value");
	case YC_UNAVAILABLE: return yc_fail(e, code, NULL, "the store cannot be written or read now");
	default: return yc_fail(e, code, NULL, "the store failed");
	}
}

static enum yc_code lite_exec(struct yc_db *db, const char *sql, struct yc_err *e)
{
	struct lite *l = db->impl;

	return sqlite3_exec(l->h, sql, NULL, NULL, NULL) == SQLITE_OK ? YC_OK : fail(db, sql, e);
}

static void lite_close(struct yc_db *db)
{
	struct lite *l = db->impl;
	int i, d;

	if (!l)
		return;
	for (i = 0; i < 6; i++)
		for (d = 0; d <= DB_MAX_DEPTH; d++)
			sqlite3_finalize(l->ctl[i][d]);
	if (sqlite3_close(l->h) != SQLITE_OK)
		yc_error("sqlite: closed with statements open");
	yc_xfree(l);
	db->impl = NULL;
}

static enum yc_code lite_open(struct yc_db *db, const char *url, const char *schema, struct yc_err *e)
{
	const char *path = url + strlen("sqlite:");
	struct lite *l = yc_xcalloc(1, sizeof(*l));
	enum yc_code rc;

	db->impl = l;
	if (!strncmp(path, "//", 2))
		path += 2;
	if (sqlite3_open_v2(path, &l->h, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		rc = yc_fail(e, YC_UNAVAILABLE, "db", "cannot open %s: %s", path, l->h ? sqlite3_errmsg(l->h) : "no memory");
		lite_close(db);
		return rc;
	}
	sqlite3_busy_timeout(l->h, 5000);
	rc = lite_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
		       "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-16384; PRAGMA case_sensitive_like=ON", e);
	if (rc)
		lite_close(db);
	return rc;
}

static enum yc_code lite_prepare(struct yc_stmt *st, struct yc_err *e)
{
	struct lite *l = st->db->impl;
	struct lite_stmt *s = st->h = yc_xcalloc(1, sizeof(*s));
	int i;

	if (sqlite3_prepare_v3(l->h, st->sql, -1, SQLITE_PREPARE_PERSISTENT, &s->h, NULL) != SQLITE_OK || !s->h)
		return fail(st->db, st->sql, e);
	for (i = 0; i < DB_MAX_PARAMS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "$%d", i + 1);
		s->index[i] = sqlite3_bind_parameter_index(s->h, name);
		if (s->index[i])
			s->n_params = i + 1;
	}
	if (!st->is_write && !sqlite3_stmt_readonly(s->h))
		return yc_fail(e, YC_INTERNAL, NULL, "a statement that writes looks like a query: %.120s", st->sql);
	return YC_OK;
}

static void lite_finalize(struct yc_stmt *st)
{
	struct lite_stmt *s = st->h;

	if (s)
		sqlite3_finalize(s->h);
	yc_xfree(s);
}

/* A statement that is run to its end at once may borrow the caller's values; a cursor needs copies. */
static enum yc_code bind(struct yc_stmt *st, const struct db_param *p, int n, int borrow, struct yc_err *e)
{
	sqlite3_destructor_type life = borrow ? SQLITE_STATIC : SQLITE_TRANSIENT;
	struct lite_stmt *s = st->h;
	int i, rc = SQLITE_OK;

	if (n != s->n_params)
		return yc_fail(e, YC_INTERNAL, NULL, "statement %d takes %d parameters, not %d", st->nr, s->n_params, n);
	for (i = 0; i < n && rc == SQLITE_OK; i++) {
		int at = s->index[i];

		if (!at)
			continue;
		switch (p[i].kind) {
		case 't': rc = sqlite3_bind_text(s->h, at, p[i].p, (int)p[i].n, life); break;
		case 'i': rc = sqlite3_bind_int64(s->h, at, p[i].i); break;
		case 'b': rc = sqlite3_bind_blob64(s->h, at, p[i].p, p[i].n, life); break;
		default: rc = sqlite3_bind_null(s->h, at); break;
		}
	}
	return rc == SQLITE_OK ? YC_OK : fail(st->db, st->sql, e);
}

static void lite_reset(struct yc_stmt *st)
{
	struct lite_stmt *s = st->h;

	/* A statement with RETURNING must be stepped to its end, or its effect may be undone. */
	if (st->is_write && !s->is_done)
		while (sqlite3_step(s->h) == SQLITE_ROW)
			;
	sqlite3_reset(s->h);
	s->has_row = s->is_done = 0;
}

static enum yc_code lite_start(struct yc_stmt *st, const struct db_param *p, int n, int no_rows, int64_t *changed, struct yc_err *e)
{
	struct lite *l = st->db->impl;
	struct lite_stmt *s = st->h;
	enum yc_code rc = bind(st, p, n, no_rows, e);
	int step;

	if (rc || (!no_rows && !st->is_write))
		return rc;
	step = sqlite3_step(s->h);
	s->has_row = step == SQLITE_ROW;
	s->is_done = step == SQLITE_DONE;
	if (step != SQLITE_ROW && step != SQLITE_DONE) {
		rc = fail(st->db, st->sql, e);
		sqlite3_reset(s->h);
		s->is_done = 0;
		return rc;
	}
	if (no_rows) {
		lite_reset(st);
		*changed = sqlite3_changes64(l->h);
	}
	return YC_OK;
}

static int lite_step(struct yc_stmt *st, struct yc_err *e)
{
	struct lite_stmt *s = st->h;
	int rc;

	if (s->has_row) {
		s->has_row = 0;
		return 1;
	}
	if (s->is_done)
		return 0;
	rc = sqlite3_step(s->h);
	if (rc == SQLITE_ROW)
		return 1;
	s->is_done = rc == SQLITE_DONE;
	if (rc == SQLITE_DONE)
		return 0;
	fail(st->db, st->sql, e);
	s->is_done = 1;                          /* nothing to step any more */
	return -1;
}

static enum yc_code lite_ctl(struct yc_db *db, enum db_ctl what, int depth, struct yc_err *e)
{
	static const char *const text[] = {
		[DB_BEGIN] = "BEGIN IMMEDIATE", [DB_COMMIT] = "COMMIT", [DB_ROLLBACK] = "ROLLBACK",
		[DB_SAVEPOINT] = "SAVEPOINT u%d", [DB_RELEASE] = "RELEASE u%d", [DB_UNDO] = "ROLLBACK TO u%d",
	};
	struct lite *l = db->impl;
	sqlite3_stmt **s = &l->ctl[what][depth];
	char sql[32];
	int rc;

	snprintf(sql, sizeof(sql), text[what], depth);
	if (what == DB_ROLLBACK && sqlite3_get_autocommit(l->h))
		return YC_OK;
	if (!*s && sqlite3_prepare_v3(l->h, sql, -1, SQLITE_PREPARE_PERSISTENT, s, NULL) != SQLITE_OK)
		return fail(db, sql, e);
	rc = sqlite3_step(*s);
	if (rc != SQLITE_DONE) {
		enum yc_code code = fail(db, sql, e);

		sqlite3_reset(*s);
		return code;
	}
	sqlite3_reset(*s);
	return YC_OK;
}

static enum db_tx lite_tx_state(struct yc_db *db)
{
	struct lite *l = db->impl;

	return sqlite3_get_autocommit(l->h) ? DB_TX_LOST : DB_TX_FINE;
}

static int64_t lite_col_int(struct yc_stmt *st, int col)
{
	return sqlite3_column_int64(((struct lite_stmt *)st->h)->h, col);
}

static const char *lite_col_text(struct yc_stmt *st, int col)
{
	const unsigned char *s = sqlite3_column_text(((struct lite_stmt *)st->h)->h, col);

	return s ? (const char *)s : "";
}

static const void *lite_col_blob(struct yc_stmt *st, int col, size_t *n)
{
	sqlite3_stmt *h = ((struct lite_stmt *)st->h)->h;
	const void *p = sqlite3_column_blob(h, col);

	*n = (size_t)sqlite3_column_bytes(h, col);
	return p ? p : "";
}

static int lite_col_is_null(struct yc_stmt *st, int col)
{
	return sqlite3_column_type(((struct lite_stmt *)st->h)->h, col) == SQLITE_NULL;
}

const struct db_engine db_sqlite = {
	.name = "sqlite", .open = lite_open, .close = lite_close, .exec = lite_exec, .prepare = lite_prepare, .finalize = lite_finalize,
	.start = lite_start, .step = lite_step, .reset = lite_reset, .ctl = lite_ctl, .tx_state = lite_tx_state,
	.col_int = lite_col_int, .col_text = lite_col_text, .col_blob = lite_col_blob, .col_is_null = lite_col_is_null,
};
