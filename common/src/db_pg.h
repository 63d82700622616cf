/* Inside the PostgreSQL engine. */
#ifndef YC_DB_PG_H
#define YC_DB_PG_H

#include <libpq-fe.h>

#include "db_impl.h"

struct pg {
	PGconn *c;                               /* NULL: lost, opened again at next use; always in pipeline mode */
	char *url, *schema;
	unsigned gen;                            /* of the connection: statements of an older one are prepared again */
	int64_t retry_at;
	int tx_gone;                             /* the open transaction died with its connection */
	int warned;
	/* Control statements that travel in front of the next real one, in one round trip. */
	struct { enum db_ctl what; int depth; } queue[2 * DB_MAX_DEPTH + 4];
	int n_queue;
};

struct pg_stmt {
	unsigned gen;
	int n_params;
	Oid type[DB_MAX_PARAMS];
	PGresult *res;
	int row;                                 /* the current one, -1 before the first */
	char (*num)[24];                         /* numbers asked for as text */
};

enum { PG_BOOL = 16, PG_BYTEA = 17, PG_INT8 = 20, PG_INT2 = 21, PG_INT4 = 23, PG_TEXT = 25, PG_FLOAT8 = 701, PG_NUMERIC = 1700 };

enum yc_code pg_connect(struct yc_db *db, struct yc_err *e);
void pg_drop(struct yc_db *db);
enum yc_code pg_text(struct yc_db *db, const char *sql, struct yc_err *e);
enum yc_code pg_fail(struct yc_db *db, const PGresult *r, const char *sql, struct yc_err *e);
int pg_send_queue(struct pg *p);                 /* how many were sent, -1 on failure */
enum yc_code pg_collect(struct yc_db *db, int n, PGresult **out, const char *sql, struct yc_err *e);
int64_t pg_int(const char *v, int len, Oid type);

#endif
