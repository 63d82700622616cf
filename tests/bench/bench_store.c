/* store.order: one unit of work = an order's upsert and its event, 50 units per commit, through yc/db.h and beside the bare engine with the
 * same statements and the same batch. Rounds alternate, medians are printed, one JSON line per figure. */
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "yct.h"

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/db.h"

enum { BATCH = 50, ROUNDS = 5, EVENT_BYTES = 200 };

static const char ddl[] = "CREATE TABLE orders (id TEXT NOT NULL PRIMARY KEY, state BIGINT NOT NULL, subject TEXT NOT NULL, due_at BIGINT NOT NULL, ver BIGINT NOT NULL);"
	"CREATE TABLE event (seq BIGINT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, type TEXT NOT NULL, payload BLOB NOT NULL)";
enum { Q_ORDER, Q_EVENT, Q_COUNT };
static const char *const sql[Q_COUNT] = {
	[Q_ORDER] = "INSERT INTO orders (id, state, subject, due_at, ver) VALUES ($1, $2, $3, $4, 1) ON CONFLICT (id) DO UPDATE "
		    "SET state = excluded.state, due_at = excluded.due_at, ver = orders.ver + 1 RETURNING ver",
	[Q_EVENT] = "INSERT INTO event (seq, at, type, payload) VALUES ($1, $2, $3, $4)",
};
static const struct yc_migration schema[] = { { 1, "001", ddl }, { 0 } };
static const char subject[] = "收件人要求改地址 / change of address";
static unsigned char payload[EVENT_BYTES];

struct run { int64_t n, seq; };                 /* orders of one round, events so far */
struct figure { double rate, cpu_us; };

static void must(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "bench_store: %s\n", what);
		exit(1);
	}
}

static void order_id(int64_t i, char id[32])
{
	snprintf(id, 32, "ord_%026lld", (long long)(i % 3000));
}

/* --- through the store layer ------------------------------------------------------------------------------------------------------- */

static struct yc_db *db;
static int base;

static void open_ours(const char *url)
{
	struct yc_err e;

	must(!yc_db_open(&db, url, "ours", &e) && !yc_db_migrate(db, "bench", schema, &e) && !yc_db_prepare(db, sql, Q_COUNT, &base, &e), "open");
}

static void one_order(struct run *r)
{
	struct yc_err e;
	struct yc_stmt *st;
	char id[32];

	order_id(r->seq, id);
	yc_db_unit_begin(db);
	st = yc_db_query(db, base + Q_ORDER, &e, "titi", id, r->seq % 4, subject, r->seq);
	must(st && yc_db_step(st, &e) == 1 && yc_col_int(st, 0) > 0, "upsert");
	yc_db_reset(st);
	must(!yc_db_run(db, base + Q_EVENT, NULL, &e, "iitb", r->seq, r->seq, "order.changed", payload, sizeof(payload)), "event");
	must(!yc_db_unit_end(db, 1, &e), "unit");
	r->seq++;
}

static void ours(struct run *r)
{
	struct yc_err e;
	int64_t i;

	for (i = 1; i <= r->n; i++) {
		one_order(r);
		if (i % BATCH == 0)
			must(!yc_db_commit(db, &e), "commit");
	}
	must(!yc_db_commit(db, &e), "commit");
}

/* --- bare SQLite ---------------------------------------------------------------------------------------------------------------------- */

static sqlite3 *lite;
static sqlite3_stmt *lite_st[Q_COUNT], *lite_begin, *lite_commit;

static void open_lite(const char *url)
{
	char path[200];
	int i;

	snprintf(path, sizeof(path), "%s", strchr(url, ':') + 1);
	must(sqlite3_open_v2(path, &lite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK, "sqlite");
	must(sqlite3_exec(lite, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
			  "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384", NULL, NULL, NULL) == SQLITE_OK, "pragma");
	must(sqlite3_exec(lite, ddl, NULL, NULL, NULL) == SQLITE_OK, "ddl");
	for (i = 0; i < Q_COUNT; i++)
		must(sqlite3_prepare_v2(lite, sql[i], -1, &lite_st[i], NULL) == SQLITE_OK, "prepare");
	sqlite3_prepare_v2(lite, "BEGIN IMMEDIATE", -1, &lite_begin, NULL);
	sqlite3_prepare_v2(lite, "COMMIT", -1, &lite_commit, NULL);
}

static void lite_step(sqlite3_stmt *s, int want)
{
	must(sqlite3_step(s) == want, sqlite3_errmsg(lite));
	if (want == SQLITE_ROW)
		must(sqlite3_column_int64(s, 0) > 0 && sqlite3_step(s) == SQLITE_DONE, "row");
	sqlite3_reset(s);
}

static void bare_lite(struct run *r)
{
	sqlite3_stmt *o = lite_st[Q_ORDER], *v = lite_st[Q_EVENT];
	int64_t i;

	for (i = 0; i < r->n; i++, r->seq++) {
		char id[32];

		if (i % BATCH == 0)
			lite_step(lite_begin, SQLITE_DONE);
		order_id(r->seq, id);
		sqlite3_bind_text(o, 1, id, -1, SQLITE_STATIC);
		sqlite3_bind_int64(o, 2, r->seq % 4);
		sqlite3_bind_text(o, 3, subject, -1, SQLITE_STATIC);
		sqlite3_bind_int64(o, 4, r->seq);
		lite_step(o, SQLITE_ROW);
		sqlite3_bind_int64(v, 1, r->seq);
		sqlite3_bind_int64(v, 2, r->seq);
		sqlite3_bind_text(v, 3, "order.changed", -1, SQLITE_STATIC);
		sqlite3_bind_blob(v, 4, payload, sizeof(payload), SQLITE_STATIC);
		lite_step(v, SQLITE_DONE);
		if (i % BATCH == BATCH - 1)
			lite_step(lite_commit, SQLITE_DONE);
	}
}

/* --- bare PostgreSQL -------------------------------------------------------------------------------------------------------------------- */

static PGconn *pg;

static void pg_ok(PGresult *r)
{
	must(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK, PQresultErrorMessage(r));
	PQclear(r);
}

static void open_pg(const char *url)
{
	char text[sizeof(ddl) + 8];
	char *blob;

	pg = PQconnectdb(url);
	must(PQstatus(pg) == CONNECTION_OK, "postgresql");
	pg_ok(PQexec(pg, "CREATE SCHEMA bare; SET search_path TO bare"));
	blob = strstr(ddl, "BLOB");
	snprintf(text, sizeof(text), "%.*sBYTEA%s", (int)(blob - ddl), ddl, blob + 4);
	pg_ok(PQexec(pg, text));
	pg_ok(PQprepare(pg, "o", sql[Q_ORDER], 0, NULL));
	pg_ok(PQprepare(pg, "e", sql[Q_EVENT], 0, NULL));
}

static void bare_pg(struct run *r)
{
	static const int binary_last[] = { 0, 0, 0, 1 };
	int64_t i;

	for (i = 0; i < r->n; i++, r->seq++) {
		char id[32], n[24], state[24];
		const char *o[] = { id, state, subject, n }, *v[] = { n, n, "order.changed", (char *)payload };
		const int len[] = { 0, 0, 0, sizeof(payload) };

		order_id(r->seq, id);
		snprintf(n, sizeof(n), "%lld", (long long)r->seq);
		snprintf(state, sizeof(state), "%d", (int)(r->seq % 4));
		if (i % BATCH == 0)
			pg_ok(PQexec(pg, "BEGIN"));
		pg_ok(PQexecPrepared(pg, "o", 4, o, NULL, NULL, 1));
		pg_ok(PQexecPrepared(pg, "e", 4, v, len, binary_last, 1));
		if (i % BATCH == BATCH - 1)
			pg_ok(PQexec(pg, "COMMIT"));
	}
}

/* --- measuring ---------------------------------------------------------------------------------------------------------------------------- */

static double self_cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* CPU of the server process that serves us, in ticks of the scheduler's own clock (ns). */
static double backend_cpu_us(int pid)
{
	char path[64];
	unsigned long long ns = 0;
	FILE *f;

	if (!pid)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return (double)ns / 1000;
}

static struct figure measure(void (*fn)(struct run *), struct run *r, int backend)
{
	double cpu = self_cpu_us() + backend_cpu_us(backend);
	int64_t t = yc_mono_us();

	fn(r);
	t = yc_mono_us() - t;
	cpu = self_cpu_us() + backend_cpu_us(backend) - cpu;
	return (struct figure){ (double)r->n * 1e6 / (double)t, cpu / (double)r->n };
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const struct figure *f, int want_rate)
{
	double v[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		v[i] = want_rate ? f[i].rate : f[i].cpu_us;
	qsort(v, ROUNDS, sizeof(*v), by_value);
	return v[ROUNDS / 2];
}

static void print(const char *engine, const char *suffix, const char *unit, const char *peer, double value, double peer_value, int64_t n)
{
	printf("{\"name\":\"store.order.%s%s\",\"value\":%.1f,\"unit\":\"%s\",\"peer\":\"%s\",\"peer_value\":%.1f,\"ratio\":%.3f,\"n\":%lld,\"batch\":%d}\n",
	       engine, suffix, value, unit, peer, peer_value, value / peer_value, (long long)n, BATCH);
}

static void compare(const char *engine, const char *peer, void (*bare)(struct run *), int64_t n, int our_backend, int bare_backend)
{
	struct figure a[ROUNDS], b[ROUNDS];
	struct run mine = { n, 0 }, its = { n, 0 };
	int i;

	ours(&mine);                             /* warm */
	bare(&its);
	for (i = 0; i < ROUNDS; i++) {
		a[i] = measure(ours, &mine, our_backend);
		b[i] = measure(bare, &its, bare_backend);
	}
	print(engine, "", "orders/s", peer, median(a, 1), median(b, 1), n * ROUNDS);
	print(engine, ".cpu", "us", peer, median(a, 0), median(b, 0), n * ROUNDS);
}

static int our_backend(void)
{
	static const char *const q[] = { "SELECT pg_backend_pid()" };
	struct yc_err e;
	struct yc_stmt *st;
	int at, pid;

	must(!yc_db_prepare(db, q, 1, &at, &e), "pid");
	st = yc_db_query(db, at, &e, "");
	must(st && yc_db_step(st, &e) == 1, "pid");
	pid = (int)yc_col_int(st, 0);
	yc_db_reset(st);
	return pid;
}

static void both(const char *url, const char *bare_url)
{
	int64_t n = getenv("BENCH_N") ? strtoll(getenv("BENCH_N"), NULL, 10) : 0;

	open_ours(url);
	if (!yc_db_is_pg(db)) {
		open_lite(bare_url);
		compare("sqlite", "bare sqlite3, same statements and batch", bare_lite, n ? n : 20000, 0, 0);
	} else {
		open_pg(url);
		compare("pg", "bare libpq, same statements and batch", bare_pg, n ? n : 5000, our_backend(), PQbackendPID(pg));
		PQfinish(pg);
	}
	yc_db_close(&db);
}

int main(void)
{
	char *url = yct_fresh_db("sqlite"), *bare = yct_fresh_db("sqlite");

	both(url, bare);
	free(url);
	free(bare);
	url = yct_fresh_db("pg");
	both(url, url);
	free(url);
	return 0;
}
