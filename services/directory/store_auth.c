#include "store.h"

#include "rule_audit.h"
#include "rule_check.h"

#include "yc/text.h"

#include <stdlib.h>
#include <string.h>

enum yc_code dir_session_add(struct dir *d, const struct dir_session *s, struct yc_err *e)
{
	return yc_db_run(dir_db(d), dir_q(d, Q_SESSION_ADD), NULL, e, "tttttiii", s->id, s->token_sha256, s->person_id, s->csrf, s->client,
			 s->created_at, s->seen_at, s->expires_at);
}

static enum yc_code session_one(struct yc_stmt *st, struct dir_session *s, int *found, struct yc_err *e)
{
	int r = st ? yc_db_step(st, e) : -1;

	*found = r == 1;
	if (r == 1) {
		yc_copy(s->id, sizeof(s->id), yc_col_text(st, 0));
		yc_copy(s->token_sha256, sizeof(s->token_sha256), yc_col_text(st, 1));
		yc_copy(s->person_id, sizeof(s->person_id), yc_col_text(st, 2));
		yc_copy(s->csrf, sizeof(s->csrf), yc_col_text(st, 3));
		yc_copy(s->client, sizeof(s->client), yc_col_text(st, 4));
		s->created_at = yc_col_int(st, 5);
		s->seen_at = yc_col_int(st, 6);
		s->expires_at = yc_col_int(st, 7);
		yc_db_reset(st);
	}
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_session_find(struct dir *d, const char *token_sha256, struct dir_session *out, int *found, struct yc_err *e)
{
	return session_one(yc_db_query(dir_db(d), dir_q(d, Q_SESSION_FIND), e, "t", token_sha256), out, found, e);
}

enum yc_code dir_session_next_of(struct dir *d, const char *person_id, struct dir_session *out, int *found, struct yc_err *e)
{
	return session_one(yc_db_query(dir_db(d), dir_q(d, Q_SESSION_NEXT_OF), e, "t", person_id), out, found, e);
}

enum yc_code dir_session_touch(struct dir *d, const char *id, int64_t now, struct yc_err *e)
{
	return yc_db_run(dir_db(d), dir_q(d, Q_SESSION_TOUCH), NULL, e, "ti", id, now);
}

enum yc_code dir_session_delete(struct dir *d, const char *id, struct yc_err *e)
{
	return yc_db_run(dir_db(d), dir_q(d, Q_SESSION_DELETE), NULL, e, "t", id);
}

enum yc_code dir_session_sweep(struct dir *d, int64_t now, int64_t idle_before, struct yc_err *e)
{
	return yc_db_run(dir_db(d), dir_q(d, Q_SESSION_SWEEP), NULL, e, "ii", now, idle_before);
}

static void key_of(struct yc_arena *a, struct yc_stmt *st, struct dir_key *x, Pb__ApiKey *k)
{
	const char *s;
	char *scopes;

	x->k = k;
	if (!k)
		return;
	k->id = yc_strdup(a, yc_col_text(st, 0));
	k->name = yc_strdup(a, yc_col_text(st, 1));
	k->prefix = yc_strdup(a, yc_col_text(st, 2));
	scopes = yc_strdup(a, yc_col_text(st, 3));
	k->scopes = yc_alloc(a, (strlen(scopes) / 2 + 1) * sizeof(char *));
	for (s = scopes; *s; s += strcspn(s, " "), s += *s == ' ')
		k->scopes[k->n_scopes++] = yc_strndup(a, s, strcspn(s, " "));
	x->roles = (uint32_t)yc_col_int(st, 4);
	k->n_roles = dir_roles_names(a, x->roles, &k->roles);
	k->org = yc_strdup(a, yc_col_text(st, 5));
	k->expires_at = yc_col_int(st, 6);
	k->created_at = yc_col_int(st, 7);
	k->created_by = yc_strdup(a, yc_col_text(st, 8));
	k->revoked = yc_col_int(st, 9) != 0;
	x->key_sha256 = yc_strdup(a, yc_col_text(st, 10));
}

enum yc_code dir_key_add(struct dir *d, const Pb__ApiKey *k, uint32_t roles, const char *scopes, const char *sha, const char *rid, struct yc_err *e)
{
	return yc_db_run(dir_db(d), dir_q(d, Q_KEY_ADD), NULL, e, "tttttitiitt", k->id, sha, k->prefix, k->name, scopes, (int64_t)roles, k->org,
			 k->expires_at, k->created_at, k->created_by, rid);
}

enum yc_code dir_key_get(struct dir *d, struct yc_arena *a, enum dir_key_by by, const char *v, struct dir_key *out, struct yc_err *e)
{
	static const int q[] = { Q_KEY_BY_ID, Q_KEY_BY_SHA, Q_KEY_BY_REQUEST };
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, q[by]), e, "t", v);
	int r = st ? yc_db_step(st, e) : -1;

	*out = (struct dir_key){ 0 };
	if (r == 1) {
		key_of(a, st, out, yc_pb_new(a, &pb__api_key__descriptor));
		yc_db_reset(st);
	}
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_key_revoke(struct dir *d, const char *id, struct yc_err *e)
{
	return yc_db_run(dir_db(d), dir_q(d, Q_KEY_REVOKE), NULL, e, "t", id);
}

enum yc_code dir_key_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__ApiKeys *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_KEY_PAGE), e, "tti", pg->after, pg->q, (int64_t)pg->limit + 1);
	struct dir_key x;
	int r = -1;

	while (st && (r = dir_step(st, pg, out->n_data, &out->has_more, e)) == 1)
		key_of(a, st, &x, yc_pb_add(a, &pb__api_key__descriptor, &out->data, &out->n_data));
	if (out->has_more)
		out->next_cursor = out->data[out->n_data - 1]->id;
	return r < 0 ? e->code : YC_OK;
}

static void audit_of(struct yc_arena *a, struct yc_stmt *st, Pb__AuditRow *r)
{
	if (!r)
		return;
	r->seq = yc_col_int(st, 0);
	r->at = yc_col_int(st, 1);
	r->actor = yc_strdup(a, yc_col_text(st, 2));
	r->actor_name = yc_strdup(a, yc_col_text(st, 3));
	r->action = yc_strdup(a, yc_col_text(st, 4));
	r->object = yc_strdup(a, yc_col_text(st, 5));
	r->detail = yc_strdup(a, yc_col_text(st, 6));
	r->source = yc_strdup(a, yc_col_text(st, 7));
	r->hash = yc_strdup(a, yc_col_text(st, 8));
}

enum yc_code dir_audit_head(struct dir *d, int64_t *seq, char hash[65], struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_AUDIT_HEAD), e, "");

	if (!st || yc_db_step(st, e) != 1)
		return yc_fail(e, YC_INTERNAL, NULL, "the audit log has no head");
	*seq = yc_col_int(st, 0);
	yc_copy(hash, 65, yc_col_text(st, 1));
	yc_db_reset(st);
	return YC_OK;
}

enum yc_code dir_audit_append(struct dir *d, Pb__AuditRow *r, struct yc_err *e)
{
	char prev[65], hash[65];
	int64_t n = 0;
	enum yc_code c = dir_audit_head(d, &r->seq, prev, e);

	if (c)
		return c;
	r->seq++;
	dir_audit_hash(prev, r, hash);
	c = yc_db_run(dir_db(d), dir_q(d, Q_AUDIT_ADD), NULL, e, "iittttttt", r->seq, r->at, r->actor, r->actor_name, r->action, r->object,
		      r->detail, r->source, hash);
	if (c == YC_OK)
		c = yc_db_run(dir_db(d), dir_q(d, Q_AUDIT_HEAD_SET), &n, e, "it", r->seq, hash);
	if (c == YC_OK && n != 1)
		return yc_fail(e, YC_CONFLICT, NULL, "the audit log grew elsewhere at the same moment");
	return c;
}

enum yc_code dir_audit_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__AuditRows *out, struct yc_err *e)
{
	int64_t before = yc_is_empty(pg->after) ? INT64_MAX : strtoll(pg->after, NULL, 10);
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_AUDIT_PAGE), e, "iti", before, pg->q, (int64_t)pg->limit + 1);
	int r = -1;

	while (st && (r = dir_step(st, pg, out->n_data, &out->has_more, e)) == 1)
		audit_of(a, st, yc_pb_add(a, &pb__audit_row__descriptor, &out->data, &out->n_data));
	if (out->has_more)
		out->next_cursor = yc_sprintf(a, "%lld", (long long)out->data[out->n_data - 1]->seq);
	return r < 0 ? e->code : YC_OK;
}

enum yc_code dir_audit_after(struct dir *d, struct yc_arena *a, int64_t seq, int limit, Pb__AuditRows *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(dir_db(d), dir_q(d, Q_AUDIT_AFTER), e, "ii", seq, (int64_t)limit);
	int r = -1;

	while (st && (r = yc_db_step(st, e)) == 1)
		audit_of(a, st, yc_pb_add(a, &pb__audit_row__descriptor, &out->data, &out->n_data));
	return r < 0 ? e->code : YC_OK;
}
