/* Logging in and out, and whose token this is. */
#include "directory.h"

#include "password.h"
#include "rule_check.h"
#include "rule_throttle.h"

#include "yc/clock.h"
#include "yc/id.h"
#include "yc/log.h"
#include "yc/text.h"

#include <stdio.h>
#include <string.h>

#define TOUCH_MS 60000                           /* how exactly the last use is remembered */
#define HASHING_RETRY_MS 100

static void token_sha256(const char *token, char out[65])
{
	yc_sha256_hex(token, strlen(token), out);
}

static enum yc_code revoked(struct dir *d, const char *id, const char *sha, struct yc_err *e)
{
	Pb__SessionRevoked ev = PB__SESSION_REVOKED__INIT;

	ev.session_id = (char *)id;
	ev.token_sha256 = (char *)sha;
	return yc_emit(d->n, "session.revoked", "", id, &ev, e);
}

enum yc_code dir_revoke_all(struct dir *d, const char *person_id, struct yc_err *e)
{
	struct dir_session s;
	int found = 1;
	enum yc_code c = YC_OK;

	while (c == YC_OK && found) {
		if ((c = dir_session_next_of(d, person_id, &s, &found, e)) || !found)
			break;
		if ((c = dir_session_delete(d, s.id, e)) == YC_OK)
			c = revoked(d, s.id, s.token_sha256, e);
	}
	return c;
}

/* --- login ------------------------------------------------------------------------------------------------------------------- */

static void principal_of_person(struct yc_arena *a, const Pb__Person *p, uint32_t roles, const char *session_id, Pb__Principal *who)
{
	who->person_id = p->id;
	who->name = p->name;
	who->roles = roles;
	who->org_path = roles & YC_ROLE(ADMIN) ? "/" : p->org_path;      /* an administrator's office does not bound what he administers */
	who->session_id = yc_strdup(a, session_id);
}

static enum yc_code open_session(struct dir *d, struct yc_arena *a, const Pb__LoginReq *in, Pb__Person *p, Pb__Session *out, struct yc_err *e)
{
	struct dir_session s = { 0 };
	char id[YC_ID_LEN], token[64];
	int64_t now = yc_now();
	enum yc_code c;

	yc_copy(token, sizeof(token), "ycs_");
	yc_token(32, token + 4);
	yc_token(16, s.csrf);
	yc_copy(s.id, sizeof(s.id), yc_id_new("ses", id));
	token_sha256(token, s.token_sha256);
	yc_copy(s.person_id, sizeof(s.person_id), p->id);
	yc_copy(s.client, sizeof(s.client), in->client);
	s.created_at = s.seen_at = now;
	s.expires_at = now + d->conf.session_max_ms;
	if ((c = dir_session_add(d, &s, e)))
		return c;
	out->id = yc_strdup(a, s.id);
	out->token = yc_strdup(a, token);
	out->csrf = yc_strdup(a, s.csrf);
	out->expires_at = s.expires_at;
	out->person = p;
	explicit_bzero(token, sizeof(token));
	return YC_OK;
}

static enum yc_code failed(struct dir *d, const Pb__LoginReq *in, struct yc_err *e)
{
	Pb__Principal nobody = PB__PRINCIPAL__INIT;
	int64_t now = yc_mono();
	enum yc_code c = dir_audit(d, &nobody, "session.refused", in->login, in->client, e);

	dir_count(DIR_M_LOGIN_BAD);
	dir_throttle_failed(d->by_login, in->login, now);
	if (!yc_is_empty(in->client))
		dir_throttle_failed(d->by_client, in->client, now);
	return c ? c : yc_fail(e, YC_UNAUTHENTICATED, NULL, "unknown login or wrong password");
}

static enum yc_code checked(struct yc_req *rq, void *ctx, const char *hash, int ok, struct yc_err *e)
{
	const Pb__LoginReq *in = ctx;
	struct dir *d = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	Pb__Principal who = PB__PRINCIPAL__INIT;
	struct dir_person x;
	Pb__Session *out = yc_req_out(rq);
	enum yc_code c = dir_person_get(d, a, DIR_BY_LOGIN, in->login, &x, e);

	if (c)
		return c;
	if (!ok || !x.p || !x.p->active || !yc_streq(x.pw_hash, hash))
		return failed(d, in, e);
	dir_throttle_passed(d->by_login, in->login);
	if ((c = open_session(d, a, in, x.p, out, e)))
		return c;
	dir_count(DIR_M_LOGIN_OK);
	principal_of_person(a, x.p, x.roles, out->id, &who);
	return dir_audit(d, &who, "session.login", out->id, in->client, e);
}

static enum yc_code start_check(struct yc_req *rq, const Pb__LoginReq *in, struct yc_err *e)
{
	struct dir *d = yc_req_self(rq);
	struct dir_person x;
	const char *hash = d->dummy_hash;
	enum yc_code c = dir_person_get(d, yc_req_arena(rq), DIR_BY_LOGIN, in->login, &x, e);

	if (c)
		return c;
	if (x.p && x.p->active && !yc_is_empty(x.pw_hash))
		hash = x.pw_hash;
	return dir_pw_hold(rq, in->password, hash, checked, (void *)in, e);
}

struct later { struct dir *d; uint64_t ref; const Pb__LoginReq *in; };

/* Passwords of an import in progress are not stored yet: this one is not judged before its turn has come. */
static int is_being_hashed(struct dir *d, struct yc_arena *a, const char *name, struct yc_err *e)
{
	struct dir_person x;

	return d->hashing && dir_person_get(d, a, DIR_BY_LOGIN, name, &x, e) == YC_OK && x.p && yc_is_empty(x.pw_hash);
}

static void wait_for_import(struct dir *d, uint64_t ref, const Pb__LoginReq *in);

static enum yc_code try_again(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct later *l = arg;
	struct yc_req *rq = yc_req_find(n, l->ref);
	enum yc_code c;

	if (!rq)
		return YC_OK;                    /* its deadline was earlier */
	if (is_being_hashed(l->d, yc_req_arena(rq), l->in->login, e)) {
		wait_for_import(l->d, l->ref, l->in);
		return YC_OK;
	}
	c = start_check(rq, l->in, e);
	if (c != YC_PENDING)
		yc_req_finish(rq, c, e);
	return c == YC_PENDING ? YC_OK : c;
}

static void on_later(void *arg)
{
	struct later *l = arg;
	struct yc_err e = { 0 };

	if (yc_node_do(l->d->n, try_again, l, &e))
		yc_debug("login ended with %s", e.msg);
	yc_xfree(l);
}

static void wait_for_import(struct dir *d, uint64_t ref, const Pb__LoginReq *in)
{
	struct later *l = yc_xcalloc(1, sizeof(*l));

	l->d = d;
	l->ref = ref;
	l->in = in;
	yc_timer_start(yc_node_loop(d->n), HASHING_RETRY_MS, 0, on_later, l);
}

enum yc_code dir_on_login(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__LoginReq *in = vin;
	struct dir *d = yc_req_self(rq);
	int64_t now = yc_mono(), wait = dir_throttle_wait(d->by_login, in->login, now);

	if (strlen(in->login) >= DIR_CODE_LEN || yc_is_empty(in->login))
		return yc_fail(e, YC_INVALID, "login", "must be 1 to %d characters", DIR_CODE_LEN - 1);
	if (strlen(in->password) > DIR_PASSWORD_MAX || yc_is_empty(in->password))
		return yc_fail(e, YC_INVALID, "password", "must be 1 to %d bytes", DIR_PASSWORD_MAX);
	if (!wait && !yc_is_empty(in->client))
		wait = dir_throttle_wait(d->by_client, in->client, now);
	if (wait) {
		dir_count(DIR_M_LOGIN_THROTTLED);
		return yc_fail(e, YC_EXHAUSTED, NULL, "too many failed log-ins; try again in %lld s", (long long)(wait + 999) / 1000);
	}
	if (is_being_hashed(d, yc_req_arena(rq), in->login, e)) {
		yc_req_hold(rq);
		wait_for_import(d, yc_req_ref(rq), in);
		return YC_PENDING;
	}
	return start_check(rq, in, e);
}

/* --- tokens ------------------------------------------------------------------------------------------------------------------ */

static enum yc_code unknown_token(struct yc_err *e)
{
	dir_count(DIR_M_TOKEN_BAD);
	return yc_fail(e, YC_UNAUTHENTICATED, NULL, "the token is unknown or has expired");
}

enum yc_code dir_on_logout(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__TokenReq *in = vin;
	struct dir *d = yc_req_self(rq);
	Pb__Principal who = PB__PRINCIPAL__INIT;
	struct dir_session s;
	struct dir_person x;
	char sha[65];
	int found;
	enum yc_code c;

	token_sha256(in->token, sha);
	if ((c = dir_session_find(d, sha, &s, &found, e)))
		return c;
	if (!found)
		return YC_OK;                            /* signed out already: that is what was asked for */
	if ((c = dir_person_get(d, yc_req_arena(rq), DIR_BY_ID, s.person_id, &x, e)) || (c = dir_session_delete(d, s.id, e)) ||
	    (c = revoked(d, s.id, sha, e)))
		return c;
	if (!x.p)
		return YC_OK;
	principal_of_person(yc_req_arena(rq), x.p, x.roles, s.id, &who);
	return dir_audit(d, &who, "session.logout", s.id, s.client, e);
}

static enum yc_code check_session(struct dir *d, struct yc_arena *a, const char *sha, Pb__TokenReply *out, struct yc_err *e)
{
	struct dir_session s;
	struct dir_person x;
	int64_t now = yc_now();
	int found;
	enum yc_code c = dir_session_find(d, sha, &s, &found, e);

	if (c)
		return c;
	if (!found || now >= s.expires_at || now - s.seen_at >= d->conf.session_idle_ms)
		return unknown_token(e);
	if ((c = dir_person_get(d, a, DIR_BY_ID, s.person_id, &x, e)))
		return c;
	if (!x.p || !x.p->active)
		return unknown_token(e);
	if (now - s.seen_at >= TOUCH_MS && (c = dir_session_touch(d, s.id, now, e)))
		return c;
	out->principal = yc_pb_new(a, &pb__principal__descriptor);
	principal_of_person(a, x.p, x.roles, s.id, out->principal);
	out->expires_at = s.expires_at;
	out->csrf = yc_strdup(a, s.csrf);
	out->kind = yc_strdup(a, "session");
	out->person = x.p;
	return YC_OK;
}

static enum yc_code check_key(struct dir *d, struct yc_arena *a, const char *sha, Pb__TokenReply *out, struct yc_err *e)
{
	struct dir_key k;
	Pb__Org *o = NULL;
	Pb__Principal *who;
	enum yc_code c = dir_key_get(d, a, DIR_KEY_SHA256, sha, &k, e);

	if (c)
		return c;
	if (!k.k || k.k->revoked || yc_now() >= k.k->expires_at)
		return unknown_token(e);
	if (!yc_is_empty(k.k->org) && (c = dir_org_get(d, a, k.k->org, &o, e)))
		return c;
	who = out->principal = yc_pb_new(a, &pb__principal__descriptor);
	who->person_id = yc_sprintf(a, "key:%s", k.k->id);
	who->name = k.k->name;
	who->roles = k.roles;
	who->scopes = k.k->scopes;
	who->n_scopes = k.k->n_scopes;
	who->org_path = yc_strdup(a, o ? o->path : yc_is_empty(k.k->org) ? "/" : "");
	who->session_id = k.k->id;
	out->expires_at = k.k->expires_at;
	out->kind = yc_strdup(a, "key");
	return YC_OK;
}

enum yc_code dir_on_check_token(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__TokenReq *in = vin;
	struct dir *d = yc_req_self(rq);
	char sha[65];
	enum yc_code c;

	if (strlen(in->token) > 128)
		return unknown_token(e);
	token_sha256(in->token, sha);
	if (!strncmp(in->token, "ycs_", 4))
		c = check_session(d, yc_req_arena(rq), sha, out, e);
	else if (!strncmp(in->token, "yck_", 4))
		c = check_key(d, yc_req_arena(rq), sha, out, e);
	else
		c = unknown_token(e);
	if (c == YC_OK)
		dir_count(DIR_M_TOKEN_OK);
	return c;
}
