/* API keys: 32 random bytes, shown once, kept as SHA-256. */
#include "directory.h"

#include "rule_check.h"

#include "yc/clock.h"
#include "yc/id.h"
#include "yc/text.h"

#include <stdio.h>
#include <string.h>

#define MAX_LIFE_MS (2 * 366 * 86400000LL)

static enum yc_code check(struct dir *d, struct yc_arena *a, const Pb__ApiKey *in, uint32_t *roles, struct yc_err *e)
{
	Pb__Org *o = NULL;
	char f[32];
	int64_t now = yc_now();
	enum yc_code c;

	if (yc_is_empty(in->name) || yc_utf8_len(in->name) > DIR_NAME_LEN)
		return yc_fail(e, YC_INVALID, "name", "must be 1 to %d characters", DIR_NAME_LEN);
	if (!in->n_scopes || in->n_scopes > 50)
		return yc_fail(e, YC_INVALID, "scopes", "must be 1 to 50 scopes");
	for (size_t i = 0; i < in->n_scopes; i++) {
		snprintf(f, sizeof(f), "scopes.%zu", i);
		if (!dir_is_scope(in->scopes[i]))
			return yc_fail(e, YC_INVALID, f, "must look like orders:read");
	}
	if (in->expires_at <= now || in->expires_at > now + MAX_LIFE_MS)
		return yc_fail(e, YC_INVALID, "expires_at", "must lie in the future and within two years");
	if ((c = dir_roles_mask(in->roles, in->n_roles, roles, e)))
		return c;
	if (!*roles)
		return yc_fail(e, YC_INVALID, "roles", "must name at least one role");
	if (!yc_is_empty(in->org) && (c = dir_org_get(d, a, in->org, &o, e)))
		return c;
	return yc_is_empty(in->org) || o ? YC_OK : yc_fail(e, YC_INVALID, "org", "no such organisation: %s", in->org);
}

static char *joined(struct yc_arena *a, char **v, size_t n)
{
	char *s = yc_strdup(a, "");

	for (size_t i = 0; s && i < n; i++)
		s = yc_sprintf(a, "%s%s%s", s, i ? " " : "", v[i]);
	return s;
}

/* Not a YC_RPC_WRITE: that would keep the reply, and the secret in it, for a day. A retry with the same request id finds its key, without
 * the secret; whoever lost the first answer revokes the key and makes another. */
enum yc_code dir_on_key_create(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ApiKey *in = vin;
	Pb__ApiKey *out = vout;
	struct dir *d = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	struct dir_key was;
	char id[YC_ID_LEN], secret[64], sha[65];
	uint32_t roles;
	enum yc_code c = dir_key_get(d, a, DIR_KEY_REQUEST, yc_req_id(rq), &was, e);

	if (c || (!was.k && (c = check(d, a, in, &roles, e))))
		return c;
	if (was.k) {
		*out = *was.k;
		return yc_streq(in->name, was.k->name) && in->expires_at == was.k->expires_at ? YC_OK :
			yc_fail(e, YC_INVALID, "Idempotency-Key", "was used for another request");
	}
	yc_copy(secret, sizeof(secret), "yck_");
	yc_token(32, secret + 4);
	yc_sha256_hex(secret, strlen(secret), sha);
	*out = *in;
	out->id = yc_strdup(a, yc_id_new("key", id));
	out->prefix = yc_strndup(a, secret, 10);
	out->created_at = yc_now();
	out->created_by = yc_req_who(rq)->person_id;
	out->revoked = 0;
	out->secret = yc_strdup(a, secret);
	explicit_bzero(secret, sizeof(secret));
	if ((c = dir_key_add(d, out, roles, joined(a, in->scopes, in->n_scopes), sha, yc_req_id(rq), e)))
		return c;
	return dir_audit(d, yc_req_who(rq), "key.create", out->id, out->name, e);
}

enum yc_code dir_on_key_list(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	struct dir_page pg;
	enum yc_code c = dir_page_of(rq, in, &pg, e);

	return c ? c : dir_key_page(yc_req_self(rq), yc_req_arena(rq), &pg, out, e);
}

enum yc_code dir_on_key_revoke(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__KeyReq *in = vin;
	Pb__SessionRevoked ev = PB__SESSION_REVOKED__INIT;
	struct dir *d = yc_req_self(rq);
	struct dir_key k;
	enum yc_code c = dir_key_get(d, yc_req_arena(rq), DIR_KEY_ID, in->id, &k, e);

	if (c)
		return c;
	if (!k.k)
		return yc_fail(e, YC_NOT_FOUND, "id", "no such key");
	*(Pb__ApiKey *)out = *k.k;
	((Pb__ApiKey *)out)->revoked = 1;
	if (k.k->revoked)
		return YC_OK;
	ev.session_id = k.k->id;
	ev.token_sha256 = (char *)k.key_sha256;
	if ((c = dir_key_revoke(d, in->id, e)) || (c = yc_emit(d->n, "session.revoked", "", k.k->id, &ev, e)))
		return c;
	return dir_audit(d, yc_req_who(rq), "key.revoke", k.k->id, k.k->name, e);
}
