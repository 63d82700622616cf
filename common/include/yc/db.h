/* Store: one SQL text over SQLite (default) and PostgreSQL. `$n` parameters; TEXT, BIGINT and BLOB only; times are epoch ms.
 * A handle belongs to one thread. Calls are synchronous. */
#ifndef YC_DB_H
#define YC_DB_H

#include <stddef.h>
#include <stdint.h>

#include "yc/err.h"

struct yc_db;
struct yc_stmt;

struct yc_migration { int nr; const char *name; const char *sql; };   /* end a table with {0} */

/* url: "sqlite:/path/x.db" or "postgresql://...". schema: the service's name; on PostgreSQL all tables live in a schema of this name
 * (created when missing). SQLite: WAL, synchronous=FULL, foreign_keys, busy_timeout. */
enum yc_code yc_db_open(struct yc_db **out, const char *url, const char *schema, struct yc_err *e) YC_MUST;
void yc_db_close(struct yc_db **db);
int yc_db_is_pg(const struct yc_db *db);

/* Apply what is missing of a set ("common", "acd"); each file in a transaction. BLOB becomes BYTEA on PostgreSQL.
 * A changed text of an applied file, or a store newer than the program, is an error. A C comment that begins with
 * the word sqlite or pg is opened on that engine (WITHOUT ROWID, for instance, stands in such comments). */
enum yc_code yc_db_migrate(struct yc_db *db, const char *set, const struct yc_migration *m, struct yc_err *e) YC_MUST;

/* Prepare n statements; *base is added to the caller's enum (0 for the first set). A typo stops start-up. */
enum yc_code yc_db_prepare(struct yc_db *db, const char *const *sql, int n, int *base, struct yc_err *e) YC_MUST;

/* Bind by fmt and execute a statement that returns no rows (or whose rows are not wanted). fmt: one letter per parameter:
 * t text (const char *; NULL binds ""), i int64_t, b blob (const void *, size_t), n NULL (takes no argument). *changed (may be NULL): rows.
 * UNIQUE violation: CONFLICT. */
enum yc_code yc_db_run(struct yc_db *db, int q, int64_t *changed, struct yc_err *e, const char *fmt, ...) YC_MUST;
/* The same for statements with rows: then yc_db_step until it returns 0. At most one open cursor per statement. */
struct yc_stmt *yc_db_query(struct yc_db *db, int q, struct yc_err *e, const char *fmt, ...);   /* NULL on error */
int yc_db_step(struct yc_stmt *st, struct yc_err *e);          /* 1: a row, 0: done (statement is reset), -1: error */
void yc_db_reset(struct yc_stmt *st);                          /* leave before the end */
int64_t yc_col_int(struct yc_stmt *st, int col);               /* col from 0 */
const char *yc_col_text(struct yc_stmt *st, int col);          /* never NULL; borrowed until the next step */
const void *yc_col_blob(struct yc_stmt *st, int col, size_t *n);
int yc_col_is_null(struct yc_stmt *st, int col);

/* Units of work inside one transaction (group commit): yc_db_unit_begin marks; the first write opens the transaction and a savepoint;
 * yc_db_unit_end(keep) releases it or undoes just this unit. yc_db_commit makes everything since the last commit durable.
 * A statement that failed leaves its unit only to be undone, on both engines (so prefer ON CONFLICT DO NOTHING and look at *changed).
 * A write outside of any unit is a unit of its own. When the engine lost the transaction, everything fails with UNAVAILABLE until the
 * commit (which fails too) or the rollback. Units nest up to 4 deep. */
void yc_db_unit_begin(struct yc_db *db);
enum yc_code yc_db_unit_end(struct yc_db *db, int keep, struct yc_err *e) YC_MUST;
int yc_db_is_dirty(const struct yc_db *db);                    /* would a commit write anything? */
int yc_db_kept(const struct yc_db *db);                        /* writes of ended units that the next commit makes durable */
enum yc_code yc_db_commit(struct yc_db *db, struct yc_err *e) YC_MUST;
void yc_db_rollback(struct yc_db *db);
/* This store holds nothing but what can be read again (facts from events, with their cursors in the same transaction): a commit need not
 * reach the disk before it is reported. A power cut may undo the last commits, never half of one. */
enum yc_code yc_db_relax(struct yc_db *db, struct yc_err *e) YC_MUST;
/* Text that is not in the prepared set (migrations, tests, VACUUM INTO). */
enum yc_code yc_db_exec(struct yc_db *db, const char *sql, struct yc_err *e) YC_MUST;

#endif
