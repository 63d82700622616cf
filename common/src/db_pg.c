/* PostgreSQL behind db.c: prepared statements, binary values, one round trip per statement (BEGIN and SAVEPOINT travel with it). */
#include "db_pg.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/log.h"

static enum yc_code pg_open(struct yc_db *db, const char *url, const char *schema, struct yc_err *e)
{
	struct pg *p = yc_xcalloc(1, sizeof(*p));
	enum yc_code rc;

	p->url = yc_xstrdup(url);
	p->schema = yc_xstrdup(schema);
	db->impl = p;
	rc = pg_connect(db, e);
	if (rc)
		db->eng->close(db);
	return rc;
}

static void pg_close(struct yc_db *db)
{
	struct pg *p = db->impl;

	if (p->c)
		PQfinish(p->c);
	yc_xfree(p->url);
	yc_xfree(p->schema);
	yc_xfree(p);
	db->impl = NULL;
}

static enum yc_code pg_exec(struct yc_db *db, const char *sql, struct yc_err *e)
{
	enum yc_code rc = pg_connect(db, e);

	return rc ? rc : pg_text(db, sql, e);
}

/* Prepare on the present connection. Whole numbers are int8 and untyped parameters text, whatever the server would guess. */
static enum yc_code parse(struct yc_stmt *st, struct yc_err *e)
{
	struct pg *p = st->db->impl;
	struct pg_stmt *s = st->h;
	char name[32];
	PGresult *r;
	enum yc_code rc;
	int i, again = 0;

	snprintf(name, sizeof(name), "s%d", st->nr);
	rc = pg_collect(st->db, PQsendPrepare(p->c, name, st->sql, 0, NULL) && PQsendDescribePrepared(p->c, name) ? 2 : -1, &r, st->sql, e);
	if (rc)
		return rc;
	s->n_params = PQnparams(r);
	for (i = 0; i < s->n_params && i < DB_MAX_PARAMS; i++) {
		s->type[i] = PQparamtype(r, i);
		if (s->type[i] != PG_INT8 && s->type[i] != PG_TEXT && s->type[i] != PG_BYTEA) {
			s->type[i] = s->type[i] == PG_INT4 || s->type[i] == PG_INT2 || s->type[i] == PG_NUMERIC || s->type[i] == PG_FLOAT8
				? PG_INT8 : PG_TEXT;
			again = 1;
		}
	}
	PQclear(r);
	if (i < s->n_params)
		return yc_fail(e, YC_INTERNAL, NULL, "a statement with more than %d parameters", DB_MAX_PARAMS);
	if (again) {
		char sql[48];

		snprintf(sql, sizeof(sql), "DEALLOCATE %s", name);
		rc = pg_collect(st->db, PQsendQueryParams(p->c, sql, 0, NULL, NULL, NULL, NULL, 0) &&
				PQsendPrepare(p->c, name, st->sql, s->n_params, s->type) ? 2 : -1, NULL, st->sql, e);
	}
	if (!rc)
		s->gen = p->gen;
	return rc;
}

static enum yc_code pg_prepare(struct yc_stmt *st, struct yc_err *e)
{
	enum yc_code rc = pg_connect(st->db, e);

	st->h = yc_xcalloc(1, sizeof(struct pg_stmt));
	return rc ? rc : parse(st, e);
}

static void clear(struct pg_stmt *s)
{
	PQclear(s->res);
	s->res = NULL;
	yc_xfree(s->num);
	s->num = NULL;
}

static void pg_finalize(struct yc_stmt *st)
{
	if (st->h)
		clear(st->h);
	yc_xfree(st->h);
}

struct bound { const char *v[DB_MAX_PARAMS]; int len[DB_MAX_PARAMS], format[DB_MAX_PARAMS]; uint64_t num[DB_MAX_PARAMS]; };

static uint64_t to_net(int64_t v)
{
	return (uint64_t)htonl((uint32_t)((uint64_t)v >> 32)) | (uint64_t)htonl((uint32_t)v) << 32;
}

static enum yc_code bind_all(struct yc_stmt *st, const struct db_param *q, int n, struct bound *b, struct yc_err *e)
{
	static const char letters[] = "tib";
	static const Oid wants[] = { PG_TEXT, PG_INT8, PG_BYTEA };
	struct pg_stmt *s = st->h;
	int i;

	if (n != s->n_params)
		return yc_fail(e, YC_INTERNAL, NULL, "statement %d takes %d parameters, not %d", st->nr, s->n_params, n);
	for (i = 0; i < n; i++) {
		const char *at = strchr(letters, q[i].kind);

		b->format[i] = 1;
		b->v[i] = NULL;
		b->len[i] = 0;
		if (q[i].kind == 'n')
			continue;
		if (!at || wants[at - letters] != s->type[i])
			return yc_fail(e, YC_INTERNAL, NULL, "parameter %d of statement %d is not '%c'", i + 1, st->nr, q[i].kind);
		if (q[i].kind == 'i') {
			b->num[i] = to_net(q[i].i);
			b->v[i] = (const char *)&b->num[i];
			b->len[i] = 8;
		} else {
			b->v[i] = q[i].p;
			b->len[i] = (int)q[i].n;
		}
	}
	return YC_OK;
}

static enum yc_code round_trip(struct yc_stmt *st, const struct db_param *q, int n, struct yc_err *e)
{
	struct pg *p = st->db->impl;
	struct pg_stmt *s = st->h;
	struct bound b;
	char name[32];
	enum yc_code rc;
	int sent;

	rc = pg_connect(st->db, e);
	if (!rc && s->gen != p->gen)
		rc = parse(st, e);
	if (!rc)
		rc = bind_all(st, q, n, &b, e);
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "s%d", st->nr);
	sent = pg_send_queue(p);
	if (sent >= 0)
		sent = PQsendQueryPrepared(p->c, name, n, b.v, b.len, b.format, 1) ? sent + 1 : -1;
	return pg_collect(st->db, sent, &s->res, st->sql, e);
}

static enum yc_code pg_start(struct yc_stmt *st, const struct db_param *q, int n, int no_rows, int64_t *changed, struct yc_err *e)
{
	struct pg *p = st->db->impl;
	struct pg_stmt *s = st->h;
	struct pg was = *p;
	int fresh = !p->c || PQtransactionStatus(p->c) == PQTRANS_IDLE;
	enum yc_code rc;

	clear(s);
	if (p->tx_gone && st->db->in_tx)
		return yc_fail(e, YC_UNAVAILABLE, NULL, "the store lost its transaction");
	rc = round_trip(st, q, n, e);
	if (rc == YC_UNAVAILABLE && fresh && !p->c && yc_code_is_retryable(rc) && p->gen == was.gen) {
		/* The connection had died while idle: nothing of a transaction was on it, so once more on a new one. */
		memcpy(p->queue, was.queue, sizeof(p->queue));
		p->n_queue = was.n_queue;
		p->tx_gone = 0;
		rc = round_trip(st, q, n, e);
	}
	s->row = -1;
	if (!rc && no_rows) {
		const char *t = PQcmdTuples(s->res);

		*changed = *t ? strtoll(t, NULL, 10) : 0;
		clear(s);
	}
	return rc;
}

static int pg_step(struct yc_stmt *st, struct yc_err *e)
{
	struct pg_stmt *s = st->h;

	return s->res && ++s->row < PQntuples(s->res);
}

static void pg_reset(struct yc_stmt *st)
{
	clear(st->h);
}

static enum yc_code now(struct yc_db *db, enum db_ctl what, int depth, struct yc_err *e)
{
	struct pg *p = db->impl;
	PGresult *r = NULL;
	enum yc_code rc;

	if (!p->c)
		return yc_fail(e, YC_UNAVAILABLE, NULL, "the store cannot be reached now");
	p->queue[p->n_queue].what = what;
	p->queue[p->n_queue++].depth = depth;
	rc = pg_collect(db, pg_send_queue(p), &r, "(transaction)", e);
	p->n_queue = 0;
	if (!rc && what == DB_COMMIT && strcmp(PQcmdStatus(r), "COMMIT"))
		rc = yc_fail(e, YC_UNAVAILABLE, NULL, "the store undid the transaction");
	PQclear(r);
	return rc;
}

static enum yc_code pg_ctl(struct yc_db *db, enum db_ctl what, int depth, struct yc_err *e)
{
	struct pg *p = db->impl;
	enum yc_code rc;

	switch (what) {
	case DB_BEGIN:
		p->n_queue = 0;
		p->tx_gone = 0;
		rc = pg_connect(db, e);
		if (rc)
			return rc;
		/* fall through */
	case DB_SAVEPOINT: case DB_RELEASE:
		p->queue[p->n_queue].what = what;
		p->queue[p->n_queue++].depth = depth;
		return YC_OK;
	case DB_COMMIT:
		p->n_queue = 0;                  /* savepoints without a statement behind them */
		return p->tx_gone ? yc_fail(e, YC_UNAVAILABLE, NULL, "the store lost its transaction") : now(db, what, 0, e);
	case DB_ROLLBACK:
		p->n_queue = 0;
		if (!p->c || p->tx_gone || PQtransactionStatus(p->c) == PQTRANS_IDLE)
			return YC_OK;
		return now(db, what, 0, e);
	case DB_UNDO:
		return now(db, what, depth, e);
	}
	return YC_OK;
}

static enum db_tx pg_tx_state(struct yc_db *db)
{
	struct pg *p = db->impl;

	if (!p->c || p->tx_gone)
		return DB_TX_LOST;
	if (PQtransactionStatus(p->c) == PQTRANS_INERROR)
		return DB_TX_POISONED;
	if (PQtransactionStatus(p->c) == PQTRANS_INTRANS || (p->n_queue && p->queue[0].what == DB_BEGIN))
		return DB_TX_FINE;
	return DB_TX_LOST;
}

/* --- values -------------------------------------------------------------------------------------------------------------- */

static int64_t big(const char *v, int n)
{
	int64_t r = (signed char)v[0];
	int i;

	for (i = 1; i < n; i++)
		r = (int64_t)((uint64_t)r << 8 | (unsigned char)v[i]);
	return r;
}

/* NUMERIC on the wire (sums of BIGINT are one): digits in base 10 000. The fraction is dropped. */
static int64_t numeric(const char *v, int len)
{
	int64_t n_digits = big(v, 2), weight = big(v + 2, 2), r = 0;
	int i;

	for (i = 0; i <= weight && i < 5; i++)
		r = r * 10000 + (i < n_digits && 10 + 2 * i <= len ? big(v + 8 + 2 * i, 2) : 0);
	return big(v + 4, 2) == 0x4000 ? -r : r;
}

int64_t pg_int(const char *v, int len, Oid type)
{
	double d;
	uint64_t bits;

	switch (type) {
	case PG_BOOL: return v[0] != 0;
	case PG_INT2: case PG_INT4: case PG_INT8: return big(v, len);
	case PG_NUMERIC: return numeric(v, len);
	case PG_FLOAT8:
		bits = (uint64_t)big(v, 8);
		memcpy(&d, &bits, 8);
		return (int64_t)d;
	default: return strtoll(v, NULL, 10);
	}
}

static int64_t pg_col_int(struct yc_stmt *st, int col)
{
	struct pg_stmt *s = st->h;

	if (PQgetisnull(s->res, s->row, col))
		return 0;
	return pg_int(PQgetvalue(s->res, s->row, col), PQgetlength(s->res, s->row, col), PQftype(s->res, col));
}

static const char *pg_col_text(struct yc_stmt *st, int col)
{
	struct pg_stmt *s = st->h;
	Oid type = PQftype(s->res, col);

	if (PQgetisnull(s->res, s->row, col))
		return "";
	if (type != PG_BOOL && type != PG_INT2 && type != PG_INT4 && type != PG_INT8 && type != PG_NUMERIC && type != PG_FLOAT8)
		return PQgetvalue(s->res, s->row, col);
	if (!s->num)
		s->num = yc_xcalloc((size_t)PQnfields(s->res), sizeof(*s->num));
	snprintf(s->num[col], sizeof(*s->num), "%" PRId64, pg_col_int(st, col));
	return s->num[col];
}

static const void *pg_col_blob(struct yc_stmt *st, int col, size_t *n)
{
	struct pg_stmt *s = st->h;

	*n = (size_t)PQgetlength(s->res, s->row, col);
	return PQgetvalue(s->res, s->row, col);
}

static int pg_col_is_null(struct yc_stmt *st, int col)
{
	struct pg_stmt *s = st->h;

	return PQgetisnull(s->res, s->row, col);
}

const struct db_engine db_pg = {
	.name = "postgresql", .open = pg_open, .close = pg_close, .exec = pg_exec, .prepare = pg_prepare, .finalize = pg_finalize,
	.start = pg_start, .step = pg_step, .reset = pg_reset, .ctl = pg_ctl, .tx_state = pg_tx_state,
	.col_int = pg_col_int, .col_text = pg_col_text, .col_blob = pg_col_blob, .col_is_null = pg_col_is_null,
};
