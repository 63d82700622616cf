/* The gateway's own tables. */
#include <string.h>

#include "gateway.h"
#include "yc/text.h"

#define DOCS(T, t) \
	[Q_##T##_GET] = "SELECT doc, version FROM " t " WHERE name = $1", \
	[Q_##T##_PUT] = "INSERT INTO " t " (name, doc, version) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET doc = $2, version = $3", \
	[Q_##T##_ALL] = "SELECT doc FROM " t " ORDER BY name"
const char *const gw_store_queries[Q_COUNT] = {
	DOCS(NUMBER, "number"),
	DOCS(FLOW, "flow"),
	DOCS(TRUNK, "trunk"),
	/* source and incarnation are the key's first parts: without both, these would read the whole outbox */
	[Q_EVENTS] = "SELECT event FROM yc_outbox WHERE source = $1 AND incarnation = (SELECT v FROM yc_meta WHERE k = 'incarnation') "
		     "AND seq > $2 ORDER BY seq",
	[Q_HEAD] = "SELECT COALESCE(MAX(seq), 0) FROM yc_outbox WHERE source = $1 AND incarnation = (SELECT v FROM yc_meta WHERE k = 'incarnation')",
	[Q_MARK_GET] = "SELECT seq FROM journal_mark WHERE source = $1",
	[Q_MARK_PUT] = "INSERT INTO journal_mark (source, seq) VALUES ($1, $2) ON CONFLICT (source) DO UPDATE SET seq = $2",
};

static int doc_query(int kind, int what)
{
	static const int first[] = { [STORE_NUMBER] = Q_NUMBER_GET, [STORE_FLOW] = Q_FLOW_GET, [STORE_TRUNK] = Q_TRUNK_GET };

	return first[kind] + what;
}

enum yc_code gw_store_doc(struct yc_node *n, int kind, const char *key, struct yc_arena *a, char **json, int64_t *version, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, doc_query(kind, 0)), e, "t", key);
	int rc = st ? yc_db_step(st, e) : -1;

	*json = NULL;
	*version = 0;
	if (rc > 0) {
		*json = yc_strdup(a, yc_col_text(st, 0));
		*version = yc_col_int(st, 1);
	}
	if (st)
		yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}

enum yc_code gw_store_doc_put(struct yc_node *n, int kind, const char *key, const char *json, int64_t version, struct yc_err *e)
{
	return yc_db_run(yc_node_db(n), yc_node_q(n, doc_query(kind, 1)), NULL, e, "tti", key, json, version);
}

enum yc_code gw_store_each(struct yc_node *n, int kind, enum yc_code (*fn)(void *arg, const char *json, struct yc_err *e), void *arg, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, doc_query(kind, 2)), e, "");
	enum yc_code code = YC_OK;
	int rc = -1;

	if (!st)
		return e->code;
	while (!code && (rc = yc_db_step(st, e)) > 0)
		code = fn(arg, yc_col_text(st, 0), e);
	yc_db_reset(st);
	return code ? code : rc < 0 ? e->code : YC_OK;
}

static enum yc_code one_int(struct yc_node *n, int q, int64_t *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(n), yc_node_q(n, q), e, "t", yc_node_instance(n));
	int rc = st ? yc_db_step(st, e) : -1;

	*out = rc > 0 ? yc_col_int(st, 0) : 0;
	if (st)
		yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}

enum yc_code gw_store_head(struct yc_node *n, int64_t *seq, struct yc_err *e)
{
	return one_int(n, Q_HEAD, seq, e);
}

enum yc_code gw_store_checkpoint(struct yc_node *n, int64_t seq, struct yc_err *e)
{
	return yc_db_run(yc_node_db(n), yc_node_q(n, Q_MARK_PUT), NULL, e, "ti", yc_node_instance(n), seq);
}

enum yc_code gw_store_events(struct yc_node *n, void (*fn)(void *arg, const void *event, size_t len), void *arg, struct yc_err *e)
{
	struct yc_stmt *st;
	const void *event;
	int64_t mark;
	size_t len;
	int rc;

	if (one_int(n, Q_MARK_GET, &mark, e))
		return e->code;
	st = yc_db_query(yc_node_db(n), yc_node_q(n, Q_EVENTS), e, "ti", yc_node_instance(n), mark);
	if (!st)
		return e->code;
	while ((rc = yc_db_step(st, e)) > 0) {
		event = yc_col_blob(st, 0, &len);
		fn(arg, event, len);
	}
	yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}
