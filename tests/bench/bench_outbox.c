/* outbox.events: durable events per second, 100 per commit: state and event in one transaction (synchronous=FULL), published after the commit,
 * with broker. Beside it the bare engine: the same two rows per event, 100 per commit, with nothing around. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

#include "yc/clock.h"
#include "yc/node.h"
#include "yct.h"

enum { PER_COMMIT = 100, SIZE = 200 };

enum { Q_STATE, Q_COUNT };
static const char *const queries[Q_COUNT] = {
	[Q_STATE] = "INSERT INTO state (id, ver, at) VALUES ($1, 1, $2) ON CONFLICT (id) DO UPDATE SET ver = state.ver + 1, at = excluded.at",
};
static const struct yc_migration schema[] = {
	{ 1, "001_init", "CREATE TABLE state (id BIGINT PRIMARY KEY, ver BIGINT NOT NULL, at BIGINT NOT NULL);\n" }, { 0 },
};
static const struct yc_service service = { .name = "bench", .schema = schema, .queries = queries, .n_queries = Q_COUNT };

static enum yc_code one(struct yc_node *n, void *arg, struct yc_err *e)
{
	Pb__EventsReq payload = PB__EVENTS_REQ__INIT;
	int64_t nr = *(int64_t *)arg;
	char text[SIZE];
	enum yc_code code;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	payload.incarnation = text;
	payload.after = nr;
	code = yc_db_run(yc_node_db(n), yc_node_q(n, Q_STATE), NULL, e, "ii", nr % 1000, nr);
	return code ? code : yc_emit(n, "bench.tick", "mat_01J0000000000000000000000", "key", &payload, e);
}

static double ours(long total, double *cpu_us)
{
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .site = "b", .home = (char *)yct_dir() };
	struct yc_node *n = NULL;
	int64_t t0;
	clock_t c0;

	if (yc_node_open(&n, &c, &service, NULL, yct_err()))
		exit(1);
	for (int i = 0; i < 300 && !yc_bus_is_up(yc_node_bus(n)); i++)
		yc_loop_once(yc_node_loop(n), 10);
	t0 = yc_mono_us();
	c0 = clock();
	for (int64_t i = 0; i < total;) {
		for (int k = 0; k < PER_COMMIT; k++, i++)
			if (yc_node_do(n, one, &i, yct_err()))
				exit(1);
		yc_loop_once(yc_node_loop(n), 0);        /* its end commits and publishes */
	}
	*cpu_us = (double)(clock() - c0) * 1e6 / CLOCKS_PER_SEC / (double)total;
	t0 = yc_mono_us() - t0;
	yc_node_close(&n);
	return (double)total * 1e6 / (double)t0;
}

static void must(int rc, sqlite3 *db)
{
	if (rc != SQLITE_OK && rc != SQLITE_DONE) {
		fprintf(stderr, "sqlite: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
}

static double bare(long total)
{
	char path[200], event[SIZE + 120];
	sqlite3_stmt *state, *out;
	sqlite3 *db;
	int64_t t0;

	memset(event, 'x', sizeof event);
	snprintf(path, sizeof path, "%s/bare.db", yct_dir());
	must(sqlite3_open(path, &db), db);
	must(sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE state (id BIGINT PRIMARY KEY, ver BIGINT, at BIGINT);"
			  "CREATE TABLE outbox (source TEXT, inc TEXT, seq BIGINT, at BIGINT, event BLOB, PRIMARY KEY (source, inc, seq)) WITHOUT ROWID",
			  NULL, NULL, NULL), db);
	must(sqlite3_prepare_v2(db, "INSERT INTO state VALUES (?, 1, ?) ON CONFLICT (id) DO UPDATE SET ver = ver + 1, at = excluded.at", -1, &state, NULL), db);
	must(sqlite3_prepare_v2(db, "INSERT INTO outbox VALUES ('b.bench.1', 'inc_01J00000000000000000000000', ?, ?, ?)", -1, &out, NULL), db);
	t0 = yc_mono_us();
	for (int64_t i = 0; i < total;) {
		must(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), db);
		for (int k = 0; k < PER_COMMIT; k++, i++) {
			sqlite3_bind_int64(state, 1, i % 1000);
			sqlite3_bind_int64(state, 2, i);
			must(sqlite3_step(state), db);
			sqlite3_reset(state);
			sqlite3_bind_int64(out, 1, i);
			sqlite3_bind_int64(out, 2, i);
			sqlite3_bind_blob(out, 3, event, sizeof event, SQLITE_STATIC);
			must(sqlite3_step(out), db);
			sqlite3_reset(out);
		}
		must(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), db);
	}
	t0 = yc_mono_us() - t0;
	sqlite3_finalize(state);
	sqlite3_finalize(out);
	sqlite3_close(db);
	return (double)total * 1e6 / (double)t0;
}

int main(int argc, char **argv)
{
	long total = argc > 1 ? atol(argv[1]) : 50000;
	double cpu, value = ours(total, &cpu), peer = bare(total);

	printf("{\"name\":\"outbox.events\",\"value\":%.0f,\"unit\":\"events/s\",\"peer\":\"bare SQLite FULL, 100 per commit\",\"peer_value\":%.0f,"
	       "\"ratio\":%.2f,\"n\":%ld,\"cpu_us\":%.1f}\n", value, peer, value / peer, total, cpu);
	yct_bus_kill();
	return 0;
}
