#include "store_node.h"

#include "yc/id.h"
#include "yc/text.h"

enum { Q_META_GET, Q_META_PUT, Q_OUT_PUT, Q_OUT_RANGE, Q_OUT_READ, Q_OUT_NTH, Q_OUT_PRUNE, Q_CUR_ALL, Q_CUR_NEW, Q_CUR_MOVE,
       Q_DONE_GET, Q_DONE_PUT, Q_DONE_PRUNE, Q_COUNT };

static const char *const sql[Q_COUNT] = {
	[Q_META_GET] = "SELECT v FROM yc_meta WHERE k = $1",
	[Q_META_PUT] = "INSERT INTO yc_meta (k, v) VALUES ($1, $2) ON CONFLICT (k) DO NOTHING",
	[Q_OUT_PUT] = "INSERT INTO yc_outbox (source, incarnation, seq, at, event) VALUES ($1, $2, $3, $4, $5)",
	[Q_OUT_RANGE] = "SELECT COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM yc_outbox WHERE source = $1 AND incarnation = $2",
	[Q_OUT_READ] = "SELECT event FROM yc_outbox WHERE source = $1 AND incarnation = $2 AND seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5",
	[Q_OUT_NTH] = "SELECT seq FROM yc_outbox WHERE source = $1 AND incarnation = $2 ORDER BY seq LIMIT 1 OFFSET $3",
	[Q_OUT_PRUNE] = "DELETE FROM yc_outbox WHERE source = $1 AND incarnation = $2 AND seq < $3 AND at < $4",
	[Q_CUR_ALL] = "SELECT source, incarnation, seq FROM yc_cursor",
	[Q_CUR_NEW] = "INSERT INTO yc_cursor (source, incarnation, seq) VALUES ($1, $2, $3) ON CONFLICT (source) DO NOTHING",
	[Q_CUR_MOVE] = "UPDATE yc_cursor SET incarnation = $1, seq = $2 WHERE source = $3 AND incarnation = $4 AND seq = $5",
	[Q_DONE_GET] = "SELECT fingerprint, reply FROM yc_done WHERE request_id = $1",
	[Q_DONE_PUT] = "INSERT INTO yc_done (request_id, fingerprint, reply, at) VALUES ($1, $2, $3, $4)",
	[Q_DONE_PRUNE] = "DELETE FROM yc_done WHERE at < $1",
};

enum yc_code node_store_open(struct node_store *s, struct yc_db *db, struct yc_err *e)
{
	s->db = db;
	return yc_db_prepare(db, sql, Q_COUNT, &s->base, e);
}

/* One row; the statement stays open on it. 1: a row, 0: none, -1: error. */
static int one_row(struct yc_stmt *st, struct yc_err *e)
{
	return st ? yc_db_step(st, e) : -1;
}

static enum yc_code incarnation_get(struct node_store *s, char *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(s->db, s->base + Q_META_GET, e, "t", "incarnation");
	int rc = one_row(st, e);

	if (rc > 0)
		yc_copy(out, YC_ID_LEN, yc_col_text(st, 0));
	yc_db_reset(st);
	return rc < 0 ? e->code : rc ? YC_OK : YC_NOT_FOUND;
}

enum yc_code node_store_incarnation(struct node_store *s, char *out, struct yc_err *e)
{
	enum yc_code code = incarnation_get(s, out, e);
	char id[YC_ID_LEN];

	if (code != YC_NOT_FOUND)
		return code;
	code = yc_db_run(s->db, s->base + Q_META_PUT, NULL, e, "tt", "incarnation", yc_id_new("inc", id));
	if (!code)
		code = yc_db_commit(s->db, e);
	/* Another instance on the same store may have been first. */
	return code ? code : incarnation_get(s, out, e);
}

enum yc_code node_store_outbox_put(struct node_store *s, const char *source, const char *inc, int64_t seq, int64_t at,
				   const void *event, size_t n, struct yc_err *e)
{
	return yc_db_run(s->db, s->base + Q_OUT_PUT, NULL, e, "ttiib", source, inc, seq, at, event, n);
}

enum yc_code node_store_outbox_range(struct node_store *s, const char *source, const char *inc, int64_t *oldest, int64_t *head, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(s->db, s->base + Q_OUT_RANGE, e, "tt", source, inc);
	int rc = one_row(st, e);

	*oldest = rc > 0 ? yc_col_int(st, 0) : 0;
	*head = rc > 0 ? yc_col_int(st, 1) : 0;
	yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}

enum yc_code node_store_outbox_read(struct node_store *s, const char *source, const char *inc, int64_t after, int64_t upto, int64_t limit,
				    int (*fn)(void *arg, const void *event, size_t n), void *arg, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(s->db, s->base + Q_OUT_READ, e, "ttiii", source, inc, after, upto, limit);
	const void *event;
	size_t n;
	int rc;

	while ((rc = one_row(st, e)) > 0) {
		event = yc_col_blob(st, 0, &n);
		if (fn(arg, event, n))
			break;
	}
	yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}

enum yc_code node_store_outbox_prune(struct node_store *s, const char *source, const char *inc, int64_t seq, int64_t before_at, int64_t n_max,
				     int64_t *gone, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(s->db, s->base + Q_OUT_NTH, e, "tti", source, inc, n_max);
	int rc = one_row(st, e);

	if (rc > 0 && yc_col_int(st, 0) < seq)
		seq = yc_col_int(st, 0);
	yc_db_reset(st);
	if (rc < 0)
		return e->code;
	return yc_db_run(s->db, s->base + Q_OUT_PRUNE, gone, e, "ttii", source, inc, seq, before_at);
}

enum yc_code node_store_cursors(struct node_store *s, void (*fn)(void *arg, const char *source, const char *inc, int64_t seq), void *arg,
				struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(s->db, s->base + Q_CUR_ALL, e, "");
	int rc;

	while ((rc = one_row(st, e)) > 0)
		fn(arg, yc_col_text(st, 0), yc_col_text(st, 1), yc_col_int(st, 2));
	return rc < 0 ? e->code : YC_OK;
}

enum yc_code node_store_cursor_move(struct node_store *s, const char *source, const char *old_inc, int64_t old_seq, const char *inc, int64_t seq,
				    struct yc_err *e)
{
	int64_t changed = 0;
	enum yc_code code;

	if (*old_inc)
		code = yc_db_run(s->db, s->base + Q_CUR_MOVE, &changed, e, "titti", inc, seq, source, old_inc, old_seq);
	else
		code = yc_db_run(s->db, s->base + Q_CUR_NEW, &changed, e, "tti", source, inc, seq);
	if (!code && changed != 1)
		return yc_fail(e, YC_STALE, "cursor", "the cursor of %.100s was moved by another instance", source);
	return code;
}

enum yc_code node_store_done_get(struct node_store *s, const char *request_id, struct yc_arena *a, int64_t *fingerprint, uint8_t **reply, size_t *n,
				 struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(s->db, s->base + Q_DONE_GET, e, "t", request_id);
	int rc = one_row(st, e);

	if (rc > 0) {
		const void *p = yc_col_blob(st, 1, n);

		*fingerprint = yc_col_int(st, 0);
		*reply = yc_memdup(a, p, *n);
	}
	yc_db_reset(st);
	return rc < 0 ? e->code : rc ? YC_OK : YC_NOT_FOUND;
}

enum yc_code node_store_done_put(struct node_store *s, const char *request_id, int64_t fingerprint, const void *reply, size_t n, int64_t at,
				 struct yc_err *e)
{
	return yc_db_run(s->db, s->base + Q_DONE_PUT, NULL, e, "tibi", request_id, fingerprint, reply, n, at);
}

enum yc_code node_store_done_prune(struct node_store *s, int64_t before_at, struct yc_err *e)
{
	return yc_db_run(s->db, s->base + Q_DONE_PRUNE, NULL, e, "i", before_at);
}
