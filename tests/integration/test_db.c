#include "yct.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/db.h"

enum { Q_PUT, Q_GET, Q_ALL, Q_UPSERT, Q_BLOB, Q_SUM, Q_SWAP, Q_BAD_READ, Q_CHILD, Q_BY, Q_COUNT };
static const char *const sql[Q_COUNT] = {
	[Q_PUT] = "INSERT INTO thing (id, n, note, data) VALUES ($1, $2, $3, $4)",
	[Q_GET] = "SELECT id, n, note, data FROM thing WHERE id = $1",
	[Q_ALL] = "SELECT id, n FROM thing ORDER BY id LIMIT $1",
	[Q_UPSERT] = "INSERT INTO thing (id, n, note) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET n = thing.n + excluded.n RETURNING n, note",
	[Q_BLOB] = "UPDATE thing SET data = $2 WHERE id = $1",
	[Q_SUM] = "SELECT COUNT(*), COALESCE(SUM(n), 0), MAX(id) FROM thing",
	[Q_SWAP] = "SELECT $2, $1 FROM thing WHERE n > $3 OR $3 = 0",
	[Q_BAD_READ] = "SELECT n / $1 FROM thing",
	[Q_CHILD] = "INSERT INTO part (thing) VALUES ($1)",
	[Q_BY] = "SELECT id FROM thing WHERE note LIKE $1 ORDER BY id",
};
static const struct yc_migration one[] = {
	{ 1, "001_thing", "CREATE TABLE thing (id TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL CHECK (n < 1000000), note TEXT NOT NULL DEFAULT '',\n"
			  " data BLOB) /*sqlite WITHOUT ROWID*/;\n CREATE TABLE part (thing TEXT NOT NULL REFERENCES thing (id)); -- BLOBS stay" },
	{ 0 } };

static struct yc_db *open_store(const char *url)
{
	struct yc_db *db = NULL;
	int base;

	YCT_OK(yc_db_open(&db, url, "test", yct_err()));
	YCT_OK(yc_db_migrate(db, "test", one, yct_err()));
	YCT_OK(yc_db_prepare(db, sql, Q_COUNT, &base, yct_err()));
	CU_ASSERT_EQUAL_FATAL(base, 3);          /* the migrations' own statements come first */
	return db;
}

/* base is 3 everywhere, see open_store */
#define Q(q) (3 + (q))

static enum yc_code put(struct yc_db *db, const char *id, int64_t n, struct yc_err *e)
{
	return yc_db_run(db, Q(Q_PUT), NULL, e, "titn", id, n, "记录");
}

static int64_t total(struct yc_db *db, int64_t *count)
{
	struct yc_err e = { 0 };
	struct yc_stmt *st = yc_db_query(db, Q(Q_SUM), &e, "");
	int64_t sum;

	CU_ASSERT_PTR_NOT_NULL_FATAL(st);
	CU_ASSERT_EQUAL_FATAL(yc_db_step(st, &e), 1);
	if (count)
		*count = yc_col_int(st, 0);
	sum = yc_col_int(st, 1);
	CU_ASSERT_EQUAL(yc_db_step(st, &e), 0);
	return sum;
}

static void round_trip(const char *url)
{
	static const unsigned char bytes[] = { 0, 255, 1, 0, '\'', '\\' };
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };
	struct yc_stmt *st;
	int64_t changed = 0;
	const void *p;
	size_t n;

	YCT_OK(yc_db_run(db, Q(Q_PUT), &changed, yct_err(), "titb", "a", (int64_t)-5000000000, "它说：'你好'", bytes, sizeof(bytes)));
	CU_ASSERT_EQUAL(changed, 1);
	YCT_OK(yc_db_run(db, Q(Q_PUT), NULL, yct_err(), "titn", "b", (int64_t)7, NULL));
	YCT_OK(yc_db_commit(db, yct_err()));
	st = yc_db_query(db, Q(Q_GET), &e, "t", "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(st);
	CU_ASSERT_EQUAL_FATAL(yc_db_step(st, &e), 1);
	YCT_STR(yc_col_text(st, 0), "a");
	CU_ASSERT_EQUAL(yc_col_int(st, 1), -5000000000);
	YCT_STR(yc_col_text(st, 1), "-5000000000");
	YCT_STR(yc_col_text(st, 2), "它说：'你好'");
	p = yc_col_blob(st, 3, &n);
	CU_ASSERT_EQUAL_FATAL(n, sizeof(bytes));
	CU_ASSERT(!memcmp(p, bytes, n));
	CU_ASSERT_EQUAL(yc_db_step(st, &e), 0);
	st = yc_db_query(db, Q(Q_GET), &e, "t", "b");
	CU_ASSERT_EQUAL_FATAL(yc_db_step(st, &e), 1);
	YCT_STR(yc_col_text(st, 2), "");
	CU_ASSERT(yc_col_is_null(st, 3));
	CU_ASSERT(!yc_col_is_null(st, 2));
	yc_db_reset(st);
	CU_ASSERT_EQUAL(total(db, NULL), -4999999993);
	yc_db_close(&db);
	CU_ASSERT_PTR_NULL(db);
}

static void parameters_are_bound_by_name_not_by_place(const char *url)
{
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };
	struct yc_stmt *st;

	YCT_OK(put(db, "a", 1, yct_err()));
	st = yc_db_query(db, Q(Q_SWAP), &e, "tti", "first", "second", (int64_t)0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(st);
	CU_ASSERT_EQUAL_FATAL(yc_db_step(st, &e), 1);
	YCT_STR(yc_col_text(st, 0), "second");
	YCT_STR(yc_col_text(st, 1), "first");
	yc_db_reset(st);
	CU_ASSERT_PTR_NULL(yc_db_query(db, Q(Q_SWAP), &e, "tt", "one", "too few"));
	CU_ASSERT_EQUAL(e.code, YC_INTERNAL);
	yc_db_close(&db);
}

static void refusals(const char *url)
{
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };

	YCT_OK(put(db, "a", 1, yct_err()));
	CU_ASSERT_EQUAL(put(db, "a", 2, &e), YC_CONFLICT);
	CU_ASSERT_PTR_NULL(strstr(e.msg, "INSERT"));
	CU_ASSERT_EQUAL(put(db, "b", 1000000, &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_db_run(db, Q(Q_CHILD), NULL, &e, "t", "nobody"), YC_CONFLICT);
	/* A failed statement outside of a unit takes nothing else with it. */
	YCT_OK(put(db, "c", 3, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT_EQUAL(total(db, NULL), 4);
	yc_db_close(&db);
}

static void returning(const char *url)
{
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };
	struct yc_stmt *st;

	YCT_OK(put(db, "a", 1, yct_err()));
	yc_db_unit_begin(db);
	st = yc_db_query(db, Q(Q_UPSERT), &e, "tit", "a", (int64_t)10, "neu");
	CU_ASSERT_PTR_NOT_NULL_FATAL(st);
	CU_ASSERT_EQUAL_FATAL(yc_db_step(st, &e), 1);
	CU_ASSERT_EQUAL(yc_col_int(st, 0), 11);
	YCT_STR(yc_col_text(st, 1), "记录");
	yc_db_reset(st);                         /* leaving early must not undo it */
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT_EQUAL(total(db, NULL), 11);
	CU_ASSERT_PTR_NULL(yc_db_query(db, Q(Q_UPSERT), &e, "tit", "z", (int64_t)1000001, ""));
	CU_ASSERT_EQUAL(e.code, YC_INVALID);     /* the error shows before the first step */
	yc_db_close(&db);
}

static void units(const char *url)
{
	struct yc_db *db = open_store(url), *other;
	struct yc_err e = { 0 };
	int64_t count;

	other = open_store(url);
	CU_ASSERT(!yc_db_is_dirty(db));
	yc_db_unit_begin(db);
	YCT_OK(put(db, "kept", 1, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	CU_ASSERT(yc_db_is_dirty(db));
	yc_db_unit_begin(db);
	YCT_OK(put(db, "undone", 2, yct_err()));
	YCT_OK(yc_db_unit_end(db, 0, yct_err()));
	yc_db_unit_begin(db);                    /* a unit that only reads */
	CU_ASSERT_EQUAL(total(db, NULL), 1);
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	yc_db_unit_begin(db);
	CU_ASSERT_EQUAL(put(db, "kept", 9, &e), YC_CONFLICT);
	CU_ASSERT_EQUAL(put(db, "late", 9, &e), YC_INTERNAL);    /* nothing more in a failed unit */
	CU_ASSERT_EQUAL(yc_db_unit_end(db, 1, &e), YC_INTERNAL); /* and it cannot be kept */
	yc_db_unit_begin(db);
	YCT_OK(put(db, "kept too", 4, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	CU_ASSERT_EQUAL(total(other, &count), 0);
	CU_ASSERT_EQUAL(count, 0);
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT(!yc_db_is_dirty(db));
	CU_ASSERT_EQUAL(total(other, &count), 5);
	CU_ASSERT_EQUAL(count, 2);
	yc_db_close(&other);
	yc_db_close(&db);
}

static void nested(const char *url)
{
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };

	yc_db_unit_begin(db);
	yc_db_unit_begin(db);
	YCT_OK(put(db, "inner", 1, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	yc_db_unit_begin(db);
	CU_ASSERT_EQUAL(put(db, "inner", 2, &e), YC_CONFLICT);
	YCT_OK(yc_db_unit_end(db, 0, yct_err()));
	YCT_OK(put(db, "outer", 4, yct_err()));
	yc_db_unit_begin(db);
	YCT_OK(put(db, "inner 2", 8, yct_err()));
	YCT_OK(yc_db_unit_end(db, 0, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	CU_ASSERT_EQUAL(total(db, NULL), 5);
	yc_db_unit_begin(db);
	yc_db_unit_begin(db);
	YCT_OK(put(db, "gone", 16, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	YCT_OK(yc_db_unit_end(db, 0, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT_EQUAL(total(db, NULL), 5);
	yc_db_close(&db);
}

static void rolled_back(const char *url)
{
	struct yc_db *db = open_store(url);

	yc_db_unit_begin(db);
	YCT_OK(put(db, "a", 1, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	yc_db_rollback(db);
	CU_ASSERT(!yc_db_is_dirty(db));
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT_EQUAL(total(db, NULL), 0);
	yc_db_unit_begin(db);
	YCT_OK(put(db, "b", 2, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT_EQUAL(total(db, NULL), 2);
	yc_db_close(&db);
}

static void cursor_inside_writes(const char *url)
{
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };
	struct yc_stmt *st;
	char id[16];
	int i, n = 0;

	yc_db_unit_begin(db);
	for (i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "id%03d", i);
		YCT_OK(put(db, id, i, yct_err()));
	}
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	yc_db_unit_begin(db);
	st = yc_db_query(db, Q(Q_ALL), &e, "i", (int64_t)1000);
	CU_ASSERT_PTR_NOT_NULL_FATAL(st);
	while (yc_db_step(st, &e) > 0) {
		snprintf(id, sizeof(id), "id%03d", n++);
		YCT_STR(yc_col_text(st, 0), id);
		YCT_OK(yc_db_run(db, Q(Q_BLOB), NULL, yct_err(), "tb", id, id, strlen(id)));
	}
	CU_ASSERT_EQUAL(n, 100);
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	yc_db_close(&db);
}

static void search(const char *url)
{
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };
	struct yc_stmt *st;

	YCT_OK(yc_db_run(db, Q(Q_PUT), NULL, yct_err(), "titn", "a", (int64_t)1, "Zhang 张伟"));
	YCT_OK(yc_db_run(db, Q(Q_PUT), NULL, yct_err(), "titn", "B", (int64_t)1, "zhang 张三"));
	st = yc_db_query(db, Q(Q_BY), &e, "t", "%张%");
	CU_ASSERT_EQUAL_FATAL(yc_db_step(st, &e), 1);
	YCT_STR(yc_col_text(st, 0), "B");        /* lists are in byte order */
	yc_db_reset(st);
	st = yc_db_query(db, Q(Q_BY), &e, "t", "zhang%");
	CU_ASSERT_EQUAL_FATAL(yc_db_step(st, &e), 1);
	YCT_STR(yc_col_text(st, 0), "B");        /* LIKE minds the case */
	CU_ASSERT_EQUAL(yc_db_step(st, &e), 0);
	yc_db_close(&db);
}

static void migrations(const char *url)
{
	static const struct yc_migration two[] = { one[0], { 2, "002_more", "ALTER TABLE thing ADD COLUMN more TEXT NOT NULL DEFAULT 'x'" }, { 0 } };
	static const struct yc_migration broken[] = { one[0], two[1], { 3, "003_bad", "CREATE TABLE half (id TEXT); CREATE GARBAGE" }, { 0 } };
	struct yc_migration changed[] = { one[0], { 0 } };
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };

	YCT_OK(yc_db_migrate(db, "test", one, yct_err()));
	YCT_OK(yc_db_migrate(db, "test", two, yct_err()));
	YCT_OK(yc_db_exec(db, "SELECT more FROM thing", yct_err()));
	CU_ASSERT_EQUAL(yc_db_migrate(db, "test", broken, &e), YC_INTERNAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "003_bad"));
	CU_ASSERT_NOT_EQUAL(yc_db_exec(db, "SELECT id FROM half", &e), YC_OK);     /* a file is applied whole or not at all */
	CU_ASSERT_EQUAL(yc_db_migrate(db, "test", one, &e), YC_CONFLICT);          /* the store is newer than the program */
	YCT_STR(e.field, "schema");
	changed[0].sql = "CREATE TABLE thing (id TEXT)";
	CU_ASSERT_EQUAL(yc_db_migrate(db, "test", changed, &e), YC_CONFLICT);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "changed"));
	YCT_OK(yc_db_migrate(db, "other", NULL, yct_err()));
	yc_db_close(&db);
}

static void typos(const char *url)
{
	static const char *const bad[] = { "SELECT nothing FROM nowhere" };
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };
	int base;

	CU_ASSERT_EQUAL(yc_db_prepare(db, bad, 1, &base, &e), YC_INTERNAL);
	CU_ASSERT_EQUAL(yc_db_exec(db, "garbage", &e), YC_INTERNAL);
	YCT_OK(put(db, "a", 1, yct_err()));      /* and the handle still works */
	YCT_OK(yc_db_commit(db, yct_err()));
	yc_db_close(&db);
}

static void reopened(const char *url)
{
	struct yc_db *db = open_store(url);

	YCT_OK(put(db, "a", 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	YCT_OK(put(db, "b", 2, yct_err()));      /* never committed */
	yc_db_close(&db);
	db = open_store(url);
	CU_ASSERT_EQUAL(total(db, NULL), 1);
	yc_db_close(&db);
}

static void relaxed(const char *url)
{
	struct yc_db *db = open_store(url);

	YCT_OK(yc_db_relax(db, yct_err()));
	YCT_OK(put(db, "a", 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	yc_db_close(&db);
	db = open_store(url);
	CU_ASSERT_EQUAL(total(db, NULL), 1);     /* not durable against a power cut, but against our end */
	yc_db_close(&db);
}

#define BOTH(name, fn) static void name(void) { yct_on_both_stores(fn); }
BOTH(values_of_every_type_come_back_as_they_went_in, round_trip)
BOTH(parameters_go_by_their_number_whatever_the_order_in_the_text, parameters_are_bound_by_name_not_by_place)
BOTH(duplicates_and_broken_rules_are_told_apart_and_hurt_nothing_else, refusals)
BOTH(returning_survives_an_early_reset, returning)
BOTH(a_unit_is_kept_or_undone_alone, units)
BOTH(nested_units_go_with_their_outer_one, nested)
BOTH(a_rollback_forgets_everything_since_the_commit, rolled_back)
BOTH(rows_can_be_written_while_a_cursor_is_open, cursor_inside_writes)
BOTH(search_minds_case_and_lists_are_in_byte_order, search)
BOTH(migrations_apply_once_and_refuse_changed_or_newer_ones, migrations)
BOTH(a_typo_in_a_statement_stops_preparing, typos)
BOTH(only_what_was_committed_survives_closing, reopened)
BOTH(a_relaxed_store_keeps_its_commits_over_a_restart, relaxed)

static void a_store_url_of_an_unknown_kind_is_refused(void)
{
	struct yc_err e = { 0 };
	struct yc_db *db;

	CU_ASSERT_EQUAL(yc_db_open(&db, "mysql://x", "test", &e), YC_INVALID);
	YCT_STR(e.field, "db");
	CU_ASSERT_EQUAL(yc_db_open(&db, "sqlite:/tmp/x", "Bad Name", &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_db_open(&db, "sqlite:/no/such/folder/x", "test", &e), YC_UNAVAILABLE);
	CU_ASSERT_EQUAL(yc_db_open(&db, "postgresql:///x?host=/nowhere", "test", &e), YC_UNAVAILABLE);
	CU_ASSERT_PTR_NULL(db);
}

/* The one thing that must never happen: earlier units of a batch are lost and a later commit reports success. */
static void a_lost_connection_fails_the_whole_batch_and_is_opened_again(void)
{
	char *url = yct_fresh_db("pg");
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };

	yc_db_unit_begin(db);
	YCT_OK(put(db, "a", 1, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	yct_pg_kill();
	yct_pg_start();
	yc_db_unit_begin(db);
	CU_ASSERT_EQUAL(put(db, "b", 2, &e), YC_UNAVAILABLE);
	YCT_OK(yc_db_unit_end(db, 0, yct_err()));
	yc_db_unit_begin(db);
	CU_ASSERT_EQUAL(put(db, "c", 4, &e), YC_UNAVAILABLE);
	YCT_OK(yc_db_unit_end(db, 0, yct_err()));
	CU_ASSERT_EQUAL(yc_db_commit(db, &e), YC_UNAVAILABLE);
	yc_db_unit_begin(db);                    /* replayed: on a new connection, with statements prepared again */
	YCT_OK(put(db, "a", 1, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT_EQUAL(total(db, NULL), 1);
	/* A connection that died while idle is not even noticed. */
	yct_pg_kill();
	yct_pg_start();
	YCT_OK(put(db, "d", 8, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT_EQUAL(total(db, NULL), 9);
	yct_pg_kill();
	CU_ASSERT_EQUAL(put(db, "e", 16, &e), YC_UNAVAILABLE);
	CU_ASSERT_PTR_NULL(yc_db_query(db, Q(Q_SUM), &e, ""));
	CU_ASSERT_EQUAL(e.code, YC_UNAVAILABLE);
	yct_pg_start();
	yc_db_close(&db);
	free(url);
}

static void on_postgresql_a_value_of_the_wrong_type_is_refused_before_it_is_sent(void)
{
	char *url = yct_fresh_db("pg");
	struct yc_db *db = open_store(url);
	struct yc_err e = { 0 };

	CU_ASSERT_EQUAL(yc_db_run(db, Q(Q_PUT), NULL, &e, "tttn", "a", "no number", "x"), YC_INTERNAL);
	YCT_OK(put(db, "a", 1, yct_err()));
	yc_db_close(&db);
	free(url);
}

static void a_second_writer_waits_and_then_sees_the_first_ones_rows(void)
{
	char *url = yct_fresh_db("sqlite");
	struct yc_db *a = open_store(url), *b = open_store(url);

	YCT_OK(put(a, "a", 1, yct_err()));
	YCT_OK(yc_db_commit(a, yct_err()));
	YCT_OK(put(b, "b", 2, yct_err()));
	YCT_OK(yc_db_commit(b, yct_err()));
	CU_ASSERT_EQUAL(total(a, NULL), 3);
	yc_db_close(&a);
	yc_db_close(&b);
	free(url);
}

YCT_MAIN("db", T(values_of_every_type_come_back_as_they_went_in), T(parameters_go_by_their_number_whatever_the_order_in_the_text),
	 T(duplicates_and_broken_rules_are_told_apart_and_hurt_nothing_else), T(returning_survives_an_early_reset), T(a_unit_is_kept_or_undone_alone),
	 T(nested_units_go_with_their_outer_one), T(a_rollback_forgets_everything_since_the_commit), T(rows_can_be_written_while_a_cursor_is_open),
	 T(search_minds_case_and_lists_are_in_byte_order), T(migrations_apply_once_and_refuse_changed_or_newer_ones), T(a_typo_in_a_statement_stops_preparing),
	 T(only_what_was_committed_survives_closing), T(a_relaxed_store_keeps_its_commits_over_a_restart), T(a_store_url_of_an_unknown_kind_is_refused),
	 T(a_lost_connection_fails_the_whole_batch_and_is_opened_again), T(on_postgresql_a_value_of_the_wrong_type_is_refused_before_it_is_sent),
	 T(a_second_writer_waits_and_then_sees_the_first_ones_rows))
