/* Whose request this is: bearer tokens, API keys, the browser's cookie. Directory is asked once per token and cache time. */
#include "api.h"

#include "rule_http.h"

#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/text.h"

#include <string.h>

#define MAX_TOKENS 20000
#define CHECK_MS 3000

void api_token_ref(struct api_token *t)
{
	t->refs++;
}

void api_token_unref(struct api_token **tp)
{
	struct api_token *t = *tp;

	*tp = NULL;
	if (!t || --t->refs)
		return;
	pb__token_reply__free_unpacked(t->t, NULL);
	explicit_bzero(t->secret, strlen(t->secret));
	yc_xfree(t->secret);
	yc_xfree(t);
}

static void forget(struct api *a, struct api_token *t)
{
	HASH_DEL(a->tokens, t);
	api_token_unref(&t);
}

void api_token_revoked(struct api *a, const char *sha)
{
	struct api_token *t = NULL;

	HASH_FIND_STR(a->tokens, sha, t);
	if (t)
		forget(a, t);
}

void api_tokens_free(struct api *a)
{
	struct api_token *t, *tmp;

	HASH_ITER(hh, a->tokens, t, tmp)
		forget(a, t);
}

int api_may(const struct api_token *t, uint32_t roles, const char *scope)
{
	const Pb__Principal *p = t->t->principal;

	if (roles && !(p->roles & roles))
		return 0;
	return !t->is_key || !scope || api_scope_ok(p->scopes, p->n_scopes, scope);
}

static struct api_token *cached(struct api *a, const char *sha)
{
	struct api_token *t = NULL;

	HASH_FIND_STR(a->tokens, sha, t);
	if (t && (yc_mono() - t->checked_at >= a->conf.token_cache_ms || t->t->expires_at <= yc_now())) {
		forget(a, t);
		t = NULL;
	}
	return t;
}

static struct api_token *remember(struct api *a, const char *secret, const Pb__TokenReply *reply)
{
	struct api_token *t = yc_xcalloc(1, sizeof(*t)), *was = NULL;
	size_t n = pb__token_reply__get_packed_size(reply);
	uint8_t *raw = yc_xcalloc(1, n + 1);

	pb__token_reply__pack(reply, raw);
	t->t = pb__token_reply__unpack(NULL, n, raw);
	yc_xfree(raw);
	yc_sha256_hex(secret, strlen(secret), t->sha);
	t->secret = yc_xstrdup(secret);
	t->checked_at = yc_mono();
	t->is_key = !yc_streq(reply->kind, "session");
	t->refs = 1;                             /* the cache's own */
	HASH_FIND_STR(a->tokens, t->sha, was);
	if (was)
		forget(a, was);
	if (HASH_COUNT(a->tokens) >= MAX_TOKENS)
		forget(a, a->tokens);            /* uthash keeps order: the one asked for longest ago */
	HASH_ADD_STR(a->tokens, sha, t);
	return t;
}

/* --- asking directory -------------------------------------------------------------------------------------------------------------- */

struct check { struct api *a; void (*fn)(void *arg, enum yc_code code, struct api_token *t); void *arg; char secret[136]; };

static void on_checked(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct check *c = arg;
	const Pb__TokenReply *reply = msg;
	struct api_token *t = NULL;

	if (code == YC_OK && reply->principal)
		t = remember(c->a, c->secret, reply);
	c->fn(c->arg, code == YC_OK && !t ? YC_INTERNAL : code, t);
	explicit_bzero(c, sizeof(*c));
	yc_xfree(c);
}

void api_token_recheck(struct api *a, const char *secret, void (*fn)(void *arg, enum yc_code code, struct api_token *t), void *arg)
{
	Pb__TokenReq in = PB__TOKEN_REQ__INIT;
	struct check *c = yc_xcalloc(1, sizeof(*c));
	struct yc_call call = {
		.service = "directory", .api = &pb__directory__descriptor, .method = "CheckToken", .in = &in, .timeout_ms = CHECK_MS,
		.retries = 1, .fn = on_checked, .arg = c,
	};

	c->a = a;
	c->fn = fn;
	c->arg = arg;
	yc_copy(c->secret, sizeof(c->secret), secret);
	in.token = c->secret;
	yc_node_call(a->n, &call);
}

static void on_request_checked(void *arg, enum yc_code code, struct api_token *t)
{
	struct api_ctx *x = arg;
	struct yc_err e = { 0 };

	if (code) {
		(void)yc_fail(&e, code, NULL, "%s", code == YC_UNAUTHENTICATED ? "the token is unknown or has expired" : "the token cannot be checked now");
	} else {
		x->who = t;
		api_token_ref(t);
	}
	api_authorized(x, code, &e);
}

/* --- a request's token --------------------------------------------------------------------------------------------------------------- */

static const char *token_of(struct api_ctx *x)
{
	const char *t = api_bearer(x->r->h[H_AUTHORIZATION]);
	char cookie[136];

	if (t || x->r->h[H_AUTHORIZATION])
		return t;
	api_cookie(x->r->h[H_COOKIE], "yc_session", cookie, sizeof(cookie));
	x->by_cookie = *cookie != '\0';
	return *cookie ? yc_strdup(api_arena(x), cookie) : NULL;
}

void api_authenticate(struct api_ctx *x)
{
	struct yc_err e = { 0 };
	char sha[65];

	x->token = token_of(x);
	if (!x->token || strlen(x->token) > 128) {
		enum yc_code c = yc_fail(&e, YC_UNAUTHENTICATED, NULL, "send a bearer token, or sign in");

		api_authorized(x, c, &e);
		return;
	}
	yc_sha256_hex(x->token, strlen(x->token), sha);
	x->who = cached(x->api, sha);
	api_count(x->who ? API_M_TOKEN_HIT : API_M_TOKEN_MISS, 1);
	if (x->who) {
		api_token_ref(x->who);
		api_authorized(x, YC_OK, &e);
		return;
	}
	if (!api_over_address_limit(x))          /* guessing tokens is paced */
		api_token_recheck(x->api, x->token, on_request_checked, x);
}
