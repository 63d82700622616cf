/* The connection behind db_pg.c: opening, losing and reopening it, and one round trip in pipeline mode. */
#include "db_pg.h"

#include <stdio.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"

#define PG_RETRY_MS 500                          /* after a failed attempt to connect, fail at once for this long */

static void quiet(void *arg, const PGresult *r)
{
	yc_debug("postgresql: %s", PQresultErrorMessage(r));
}

void pg_drop(struct yc_db *db)
{
	struct pg *p = db->impl;

	if (p->c)
		PQfinish(p->c);
	p->c = NULL;
	p->tx_gone = db->in_tx;
}

static enum yc_code translate(const char *state)
{
	if (!strcmp(state, "23505") || !strcmp(state, "23503"))
		return YC_CONFLICT;
	if (!strncmp(state, "23", 2) || !strncmp(state, "22", 2))
		return YC_INVALID;
	if (!strncmp(state, "08", 2) || !strncmp(state, "40", 2) || !strncmp(state, "53", 2) || !strncmp(state, "57", 2))
		return YC_UNAVAILABLE;
	return YC_INTERNAL;
}

enum yc_code pg_fail(struct yc_db *db, const PGresult *r, const char *sql, struct yc_err *e)
{
	struct pg *p = db->impl;
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	enum yc_code code = state ? translate(state) : YC_UNAVAILABLE;

	if (code == YC_INTERNAL || code == YC_UNAVAILABLE)
		yc_error("postgresql: %s (%s) in: %s", r ? PQresultErrorMessage(r) : PQerrorMessage(p->c), state ? state : "-", sql);
	switch (code) {
	case YC_CONFLICT: return yc_fail(e, code, NULL, "the store already has this, or it refers to what the store does not have");
	case YC_INVALID: return yc_fail(e, code, NULL, "the store's rules refuse a value");
	case YC_UNAVAILABLE: return yc_fail(e, code, NULL, "the store cannot be reached now");
	default: return yc_fail(e, code, NULL, "the store failed");
	}
}

/* Simple protocol, several statements allowed; outside of any round trip. */
enum yc_code pg_text(struct yc_db *db, const char *sql, struct yc_err *e)
{
	struct pg *p = db->impl;
	enum yc_code rc = YC_OK;
	PGresult *r;

	if (PQpipelineStatus(p->c) != PQ_PIPELINE_OFF && !PQexitPipelineMode(p->c))
		return yc_fail(e, YC_INTERNAL, NULL, "the store is in the middle of something");
	r = PQexec(p->c, sql);
	if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
		rc = pg_fail(db, r, sql, e);
	PQclear(r);
	if (PQstatus(p->c) != CONNECTION_OK)
		pg_drop(db);
	else if (!PQenterPipelineMode(p->c))
		rc = rc ? rc : yc_fail(e, YC_INTERNAL, NULL, "the store refuses pipelining");
	return rc;
}

/* The schema may need to be made (not when an administrator made it and we have no right to). */
static enum yc_code enter_schema(struct yc_db *db, struct yc_err *e)
{
	struct pg *p = db->impl;
	const char *name = p->schema;
	PGresult *r = PQexecParams(p->c, "SELECT 1 FROM pg_namespace WHERE nspname = $1", 1, NULL, &name, NULL, NULL, 0);
	int exists = PQntuples(r) == 1;
	char sql[160];

	PQclear(r);
	if (db->is_relaxed)
		PQclear(PQexec(p->c, DB_RELAX_PG));
	if (!exists) {
		snprintf(sql, sizeof(sql), "CREATE SCHEMA IF NOT EXISTS \"%s\"", p->schema);
		/* Two instances may try at once: the loser's error shows itself in SET, if it matters. */
		PQclear(PQexec(p->c, sql));
	}
	r = PQexec(p->c, "SELECT datcollate FROM pg_database WHERE datname = current_database()");
	if (!p->warned && PQntuples(r) == 1 && PQgetvalue(r, 0, 0)[0] != 'C' && strcmp(PQgetvalue(r, 0, 0), "POSIX"))
		yc_warn("the database sorts by %s; create it with LC_COLLATE 'C', as lists are in byte order", PQgetvalue(r, 0, 0));
	p->warned = 1;
	PQclear(r);
	snprintf(sql, sizeof(sql), "SET search_path TO \"%s\"", p->schema);
	return pg_text(db, sql, e);
}

enum yc_code pg_connect(struct yc_db *db, struct yc_err *e)
{
	struct pg *p = db->impl;
	const char *const key[] = { "connect_timeout", "tcp_user_timeout", "application_name", "client_encoding", "dbname", NULL };
	const char *const val[] = { "3", "10000", p->schema, "UTF8", p->url, NULL };
	enum yc_code rc;

	if (p->c)
		return YC_OK;
	if (yc_mono() < p->retry_at)
		return yc_fail(e, YC_UNAVAILABLE, NULL, "the store cannot be reached now");
	p->c = PQconnectdbParams(key, val, 1);
	if (PQstatus(p->c) != CONNECTION_OK) {
		yc_warn("postgresql: %s", PQerrorMessage(p->c));
		rc = yc_fail(e, YC_UNAVAILABLE, "db", "cannot connect to the store");
		PQfinish(p->c);
		p->c = NULL;
		p->retry_at = yc_mono() + PG_RETRY_MS;
		return rc;
	}
	PQsetNoticeReceiver(p->c, quiet, NULL);
	p->gen++;
	rc = enter_schema(db, e);
	if (rc && p->c)
		pg_drop(db);
	return rc;
}

static int send_ctl(struct pg *p, int i)
{
	static const char *const text[] = {
		[DB_BEGIN] = "BEGIN", [DB_COMMIT] = "COMMIT", [DB_ROLLBACK] = "ROLLBACK",
		[DB_SAVEPOINT] = "SAVEPOINT u%d", [DB_RELEASE] = "RELEASE u%d", [DB_UNDO] = "ROLLBACK TO u%d",
	};
	char sql[32];

	snprintf(sql, sizeof(sql), text[p->queue[i].what], p->queue[i].depth);
	return PQsendQueryParams(p->c, sql, 0, NULL, NULL, NULL, NULL, 0);
}

int pg_send_queue(struct pg *p)
{
	int i, n = p->n_queue;

	for (i = 0; i < n; i++)
		if (!send_ctl(p, i))
			return -1;
	p->n_queue = 0;
	return n;
}

/* Sends the sync and takes n results; the last one goes to *out (may be NULL). The first error decides. */
enum yc_code pg_collect(struct yc_db *db, int n, PGresult **out, const char *sql, struct yc_err *e)
{
	struct pg *p = db->impl;
	enum yc_code rc = YC_OK;
	int got = 0, nulls = 0, synced = 0;

	if (out)
		*out = NULL;
	if (n < 0 || !PQpipelineSync(p->c))
		rc = pg_fail(db, NULL, sql, e);
	while (!rc || PQstatus(p->c) == CONNECTION_OK) {
		PGresult *r = PQgetResult(p->c);
		ExecStatusType s = PQresultStatus(r);

		if (!r) {
			if (PQstatus(p->c) != CONNECTION_OK || nulls++ > n + 1)
				break;
			continue;
		}
		nulls = 0;
		if (s == PGRES_PIPELINE_SYNC) {
			synced = 1;
			PQclear(r);
			break;
		}
		if (s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK) {
			if (++got == n && out) {
				*out = r;
				continue;
			}
		} else if (s != PGRES_PIPELINE_ABORTED && !rc) {
			rc = pg_fail(db, r, sql, e);
		}
		PQclear(r);
	}
	if (!rc && (!synced || got != n))
		rc = yc_fail(e, YC_UNAVAILABLE, NULL, "the store went away");
	if (!synced || PQstatus(p->c) != CONNECTION_OK)
		pg_drop(db);
	if (rc && out) {
		PQclear(*out);
		*out = NULL;
	}
	return rc;
}
