#include "api.h"

#include "yc/text.h"

enum { Q_FEED_ADD, Q_FEED_RANGE, Q_FEED_READ, Q_FEED_NTH, Q_FEED_CUT, Q_REC_PUT, Q_REC_GET, Q_COUNT };
_Static_assert((int)Q_COUNT == (int)API_N_SQL, "api.h says how many statements there are");

const char *const api_sql[Q_COUNT] = {
	[Q_FEED_ADD] = "INSERT INTO feed (seq, at, type, source, matter_id, key, payload) VALUES ($1, $2, $3, $4, $5, $6, $7)",
	[Q_FEED_RANGE] = "SELECT COALESCE(MIN(seq), 0), COALESCE(MAX(seq), 0) FROM feed",
	[Q_FEED_READ] = "SELECT seq, at, type, source, matter_id, key, payload FROM feed WHERE seq > $1 ORDER BY seq LIMIT $2",
	[Q_FEED_NTH] = "SELECT seq, at FROM feed WHERE seq >= $1 ORDER BY seq LIMIT 1",
	[Q_FEED_CUT] = "DELETE FROM feed WHERE seq <= $1",
	[Q_REC_PUT] = "INSERT INTO recording (blob_id, gateway, matter_id, agent_id, call_id) VALUES ($1, $2, $3, $4, $5) "
		"ON CONFLICT (blob_id) DO UPDATE SET gateway = excluded.gateway, matter_id = excluded.matter_id, agent_id = excluded.agent_id, "
		"call_id = excluded.call_id",
	[Q_REC_GET] = "SELECT gateway, matter_id, agent_id, call_id FROM recording WHERE blob_id = $1",
};

#define PRUNE_STEP 2000

enum yc_code api_store_feed_add(struct yc_node *n, const struct api_event *ev, struct yc_err *e)
{
	return yc_db_run(yc_node_db(n), yc_node_q(n, Q_FEED_ADD), NULL, e, "iittttb", ev->seq, ev->at, ev->type, ev->source, ev->matter_id, ev->key,
			 ev->payload, ev->n_payload);
}

enum yc_code api_store_feed_range(struct yc_node *n, int64_t *oldest, int64_t *head, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, Q_FEED_RANGE), e, "");
	int r = st ? yc_db_step(st, e) : -1;

	if (r != 1)
		return r < 0 ? e->code : yc_fail(e, YC_INTERNAL, NULL, "the feed has no range");
	*oldest = yc_col_int(st, 0);
	*head = yc_col_int(st, 1);
	yc_db_reset(st);
	return YC_OK;
}

enum yc_code api_store_feed_read(struct yc_node *n, int64_t after, int limit, int (*fn)(void *arg, struct api_event *ev), void *arg, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, Q_FEED_READ), e, "ii", after, (int64_t)limit);
	int r = -1;

	while (st && (r = yc_db_step(st, e)) == 1) {
		struct api_event ev = { .seq = yc_col_int(st, 0), .at = yc_col_int(st, 1), .type = yc_col_text(st, 2), .source = yc_col_text(st, 3),
					.matter_id = yc_col_text(st, 4), .key = yc_col_text(st, 5) };
		int more;

		ev.payload = yc_col_blob(st, 6, &ev.n_payload);
		more = fn(arg, &ev);
		api_event_fini(&ev);
		if (!more) {
			yc_db_reset(st);
			return YC_OK;
		}
	}
	return r < 0 ? e->code : YC_OK;
}

/* Rows have no gaps to speak of, and their times rise: the row PRUNE_STEP further on tells whether that many can go. */
enum yc_code api_store_feed_prune(struct yc_node *n, int64_t before, int64_t max_rows, int *more, struct yc_err *e)
{
	struct yc_stmt *st;
	int64_t oldest, head, seq, at;
	int r;
	enum yc_code c = api_store_feed_range(n, &oldest, &head, e);

	*more = 0;
	if (c || !head || head - oldest < PRUNE_STEP)
		return c;
	st = yc_db_query(yc_node_db(n), yc_node_q(n, Q_FEED_NTH), e, "i", oldest + PRUNE_STEP);
	r = st ? yc_db_step(st, e) : -1;
	if (r != 1)
		return r < 0 ? e->code : YC_OK;
	seq = yc_col_int(st, 0);
	at = yc_col_int(st, 1);
	yc_db_reset(st);
	if (at >= before && head - oldest < max_rows)
		return YC_OK;
	*more = 1;
	return yc_db_run(yc_node_db(n), yc_node_q(n, Q_FEED_CUT), NULL, e, "i", seq - 1);
}

enum yc_code api_store_recording_put(struct yc_node *n, const struct api_recording *r, struct yc_err *e)
{
	return yc_db_run(yc_node_db(n), yc_node_q(n, Q_REC_PUT), NULL, e, "ttttt", r->blob_id, r->gateway, r->matter_id, r->agent_id, r->call_id);
}

enum yc_code api_store_recording_get(struct yc_node *n, const char *blob_id, struct api_recording *r, int *found, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, Q_REC_GET), e, "t", blob_id);
	int k = st ? yc_db_step(st, e) : -1;

	*found = k == 1;
	if (k == 1) {
		yc_copy(r->blob_id, sizeof(r->blob_id), blob_id);
		yc_copy(r->gateway, sizeof(r->gateway), yc_col_text(st, 0));
		yc_copy(r->matter_id, sizeof(r->matter_id), yc_col_text(st, 1));
		yc_copy(r->agent_id, sizeof(r->agent_id), yc_col_text(st, 2));
		yc_copy(r->call_id, sizeof(r->call_id), yc_col_text(st, 3));
		yc_db_reset(st);
	}
	return k < 0 ? e->code : YC_OK;
}
