/* Between the store's front (db.c) and its two engines (db_sqlite.c, db_pg.c). Private to common/src. */
#ifndef YC_DB_IMPL_H
#define YC_DB_IMPL_H

#include "yc/db.h"

#define DB_MAX_PARAMS 48
#define DB_RELAX_PG "SET synchronous_commit TO off"
#define DB_MAX_DEPTH 4                           /* nested units */

struct db_param { char kind; int64_t i; const void *p; size_t n; };   /* kind: t i b n */

struct yc_stmt {
	struct yc_db *db;
	char *sql;
	int nr;                                  /* place in db->stmts */
	int is_write;
	int is_open;                             /* a cursor stands on it */
	void *h;                                 /* the engine's */
};

/* What the front asks for around statements. The engine may delay SAVEPOINT, RELEASE and BEGIN until the next statement. */
enum db_ctl { DB_BEGIN, DB_COMMIT, DB_ROLLBACK, DB_SAVEPOINT, DB_RELEASE, DB_UNDO };

/* LOST: the engine ended the transaction itself. POISONED: only going back to a savepoint helps. */
enum db_tx { DB_TX_FINE, DB_TX_POISONED, DB_TX_LOST };

struct db_engine {
	const char *name;
	enum yc_code (*open)(struct yc_db *db, const char *url, const char *schema, struct yc_err *e);
	void (*close)(struct yc_db *db);
	enum yc_code (*exec)(struct yc_db *db, const char *sql, struct yc_err *e);
	enum yc_code (*prepare)(struct yc_stmt *st, struct yc_err *e);
	void (*finalize)(struct yc_stmt *st);
	/* Bind and begin; with no_rows run to the end at once and set *changed. A write shows its errors here, not in step. */
	enum yc_code (*start)(struct yc_stmt *st, const struct db_param *p, int n, int no_rows, int64_t *changed, struct yc_err *e);
	int (*step)(struct yc_stmt *st, struct yc_err *e);
	void (*reset)(struct yc_stmt *st);
	enum yc_code (*ctl)(struct yc_db *db, enum db_ctl what, int depth, struct yc_err *e);
	enum db_tx (*tx_state)(struct yc_db *db);
	int64_t (*col_int)(struct yc_stmt *st, int col);
	const char *(*col_text)(struct yc_stmt *st, int col);
	const void *(*col_blob)(struct yc_stmt *st, int col, size_t *n);
	int (*col_is_null)(struct yc_stmt *st, int col);
};

/* State of one unit's savepoint. KEPT: its unit is over and good, its RELEASE is saved up for the next one's SAVEPOINT. */
enum db_sp { DB_SP_NONE, DB_SP_OPEN, DB_SP_KEPT };

struct yc_db {
	const struct db_engine *eng;
	void *impl;
	struct yc_stmt **stmts;
	int n_stmts;
	int depth;                               /* units open now */
	int in_tx;
	int is_broken;                           /* the transaction is lost: everything fails until commit or rollback */
	int is_relaxed;
	int n_kept;                              /* writes that will be committed */
	struct { enum db_sp sp; int wrote, failed; } unit[DB_MAX_DEPTH + 1];   /* [0]: writes outside of any unit */
};

extern const struct db_engine db_sqlite, db_pg;

/* Is this text a write as far as transactions are concerned? */
int db_is_write(const char *sql);
/* Engine's dialect of a schema file: BLOB -> BYTEA on PostgreSQL, the bracketed parts for one engine only are opened. Free with yc_xfree. */
char *db_dialect(const char *sql, int is_pg);

#endif
