/* A request's way: ids, limits, route, token, rights; then the RPC or a special handler; then the answer with its headers. */
#include "api.h"

#include "rule_http.h"
#include "rule_limit.h"

#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/id.h"
#include "yc/log.h"
#include "yc/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <utlist.h>

struct yc_arena *api_arena(struct api_ctx *x)
{
	return x->r->a;
}

const char *api_query(struct api_ctx *x, const char *name)
{
	for (int i = 0; i < x->r->n_query; i++)
		if (yc_streq(x->r->query[i].name, name))
			return x->r->query[i].value;
	return NULL;
}

const char *api_path_param(struct api_ctx *x, const char *name)
{
	for (int i = 0; i < x->n_params; i++)
		if (yc_streq(x->params[i].name, name))
			return x->params[i].value;
	return "";
}

/* --- answering ----------------------------------------------------------------------------------------------------------------------- */

static void free_ctx(struct api_ctx *x)
{
	DL_DELETE(x->api->ctxs, x);
	api_token_unref(&x->who);
	yc_xfree(x->more);
	yc_xfree(x);
}

void api_drop_all(struct api *a)
{
	struct api_ctx *x;

	while ((x = a->ctxs))
		free_ctx(x);
}

void api_send(struct api_ctx *x, int status)
{
	struct http_req *r = x->r;

	if (r) {
		r->status = status;
		http_out(r, "X-Request-Id", yc_strdup(r->a, x->request_id));
		http_out(r, "traceparent", yc_strdup(r->a, x->trace));
		api_secure_headers(r, 0);
		api_count(status < 300 ? API_M_2XX : status < 400 ? API_M_3XX : status < 500 ? API_M_4XX : API_M_5XX, 1);
		api_observe_us(yc_mono_us() - x->began_us);
		if (yc_log_on(YC_DEBUG))
			yc_log_at(YC_DEBUG, x->trace, "%s %s %d %" PRId64 " us", r->method, r->path ? r->path : "?", status, yc_mono_us() - x->began_us);
		http_reply(r);
	}
	free_ctx(x);
}

static const char *etag(struct api_ctx *x, int64_t version)
{
	return yc_sprintf(api_arena(x), "\"%" PRId64 "\"", version);
}

void api_send_json(struct api_ctx *x, int status, const ProtobufCMessage *msg)
{
	struct http_req *r = x->r;
	int64_t version;

	if (!r) {
		free_ctx(x);
		return;
	}
	version = api_version_of(msg);
	if (version > 0)
		http_out(r, "ETag", etag(x, version));
	if (version > 0 && yc_streq(r->method, "GET") && r->h[H_IF_NONE_MATCH] && api_none_match(r->h[H_IF_NONE_MATCH], version)) {
		api_send(x, 304);
		return;
	}
	http_out(r, "Content-Type", "application/json");
	yc_json_write(&r->reply, msg);
	api_send(x, status);
}

/* The words of the bus in the words of HTTP. */
void api_fail(struct api_ctx *x, enum yc_code code, const struct yc_err *e)
{
	const char *field = e->field;
	struct yc_err other;

	if (!x->r) {
		free_ctx(x);
		return;
	}
	if (yc_streq(field, "request_id")) {     /* F-05: another payload under a used key is 422, the first still running is 409 */
		code = code == YC_CONFLICT ? YC_INVALID : code == YC_EXHAUSTED ? YC_CONFLICT : code;
		field = "Idempotency-Key";
	}
	if (code == YC_STALE || (code == YC_PRECONDITION && yc_is_empty(field)))
		field = "If-Match";
	if (code == YC_INTERNAL || code >= YC_PENDING) {
		yc_error("%s %s: %s %s", x->r->method, x->r->path, e->field, e->msg);
		other = (struct yc_err){ 0 };
		code = yc_fail(&other, YC_INTERNAL, NULL, "something went wrong here; the trace id finds it in the log");
		e = &other;
		field = "";
	}
	if (code == YC_EXHAUSTED)
		api_count(API_M_LIMITED, 1);
	if (code >= YC_UNAVAILABLE)              /* no field of the caller's is to blame */
		field = "";
	api_fail_http(x, yc_code_http(code), yc_code_slug(code), field, e->msg);
}

/* --- ids ------------------------------------------------------------------------------------------------------------------------------ */

/* xorshift128+: trace ids must differ, they need not be secret. */
static uint64_t next_random(struct api *a)
{
	uint64_t s1 = a->trace_seed[0], s0 = a->trace_seed[1];

	a->trace_seed[0] = s0;
	s1 ^= s1 << 23;
	a->trace_seed[1] = s1 ^ s0 ^ (s1 >> 18) ^ (s0 >> 5);
	return a->trace_seed[1] + s0;
}

static void take_ids(struct api_ctx *x)
{
	const char *t = x->r->h[H_TRACEPARENT], *id = x->r->h[H_REQUEST_ID];
	char fresh[YC_ID_LEN];

	if (api_traceparent_ok(t))
		yc_copy(x->trace, sizeof(x->trace), t);
	else
		snprintf(x->trace, sizeof(x->trace), "00-%016" PRIx64 "%016" PRIx64 "-%016" PRIx64 "-01", next_random(x->api), next_random(x->api) | 1,
			 next_random(x->api) | 1);
	yc_copy(x->request_id, sizeof(x->request_id), api_token_ok(id, 64) ? id : yc_id_new("req", fresh));
}

/* Behind a proxy that we trust, the caller is the last address it added. */
static void take_client(struct api_ctx *x)
{
	const char *fwd = x->r->h[H_FORWARDED_FOR], *last;

	yc_copy(x->client, sizeof(x->client), x->r->client);
	if (!fwd || !api_list_has(x->api->conf.trust_proxy, x->r->client))
		return;
	last = strrchr(fwd, ',');
	last = last ? last + 1 : fwd;
	last += strspn(last, " ");
	if (api_token_ok(last, sizeof(x->client) - 1))
		yc_copy(x->client, sizeof(x->client), last);
}

/* --- checks ---------------------------------------------------------------------------------------------------------------------------- */

/* Takes one from the bucket; 1: empty, and the request is answered. */
static int over_limit(struct api_ctx *x, struct api_limit *l, const char *key, int64_t rate, int64_t burst)
{
	int64_t left, wait = api_limit_take(l, key, yc_mono(), &left);

	if (!rate || (!wait && l == x->api->by_address))
		return 0;
	http_out(x->r, "RateLimit-Policy", yc_sprintf(api_arena(x), "\"default\";q=%" PRId64 ";w=%" PRId64, burst, (burst + rate - 1) / rate));
	http_out(x->r, "RateLimit", yc_sprintf(api_arena(x), "\"default\";r=%" PRId64 ";t=%" PRId64, left, (wait + 999) / 1000));
	if (!wait)
		return 0;
	api_count(API_M_LIMITED, 1);
	http_out(x->r, "Retry-After", yc_sprintf(api_arena(x), "%" PRId64, (wait + 999) / 1000));
	api_problem(&x->r->reply, x, 429, "exhausted", NULL, "too many requests; Retry-After says when to go on");
	http_out(x->r, "Content-Type", "application/problem+json");
	api_send(x, 429);
	return 1;
}

/* Every query parameter must be one that the route knows, once. */
static int bad_query(struct api_ctx *x)
{
	for (int i = 0; i < x->r->n_query; i++) {
		const char *name = x->r->query[i].name;

		if (!api_list_has(x->route->query, name)) {
			api_fail_http(x, 400, "malformed", yc_sprintf(api_arena(x), "query.%s", name), "unknown query parameter");
			return 1;
		}
		for (int k = 0; k < i; k++)
			if (yc_streq(x->r->query[k].name, name)) {
				api_fail_http(x, 400, "malformed", yc_sprintf(api_arena(x), "query.%s", name), "this parameter stands here twice");
				return 1;
			}
	}
	return 0;
}

static int is_json(const char *type)
{
	return type && (!strncmp(type, "application/json", 16) || (!strncmp(type, "application/", 12) && strstr(type, "+json")));
}

static int bad_body(struct api_ctx *x)
{
	struct http_req *r = x->r;

	if (r->too_large) {
		api_fail_http(x, 413, "too-large", NULL, yc_sprintf(api_arena(x), "a body may have %" PRId64 " bytes", x->api->conf.max_body));
		return 1;
	}
	if (r->n_body && !is_json(r->h[H_CONTENT_TYPE])) {
		api_fail_http(x, 415, "unsupported-media-type", NULL, "send Content-Type: application/json");
		return 1;
	}
	return 0;
}

static int bad_headers(struct api_ctx *x)
{
	const char *key = x->r->h[H_IDEMPOTENCY_KEY], *match = x->r->h[H_IF_MATCH];

	if ((x->route->flags & F_IDEM) && !key) {
		api_fail_http(x, 400, "malformed", "Idempotency-Key", "this request needs an Idempotency-Key");
		return 1;
	}
	if (key && !api_token_ok(key, 255)) {
		api_fail_http(x, 400, "malformed", "Idempotency-Key", "must be 1 to 255 printable characters without spaces and quotes");
		return 1;
	}
	if ((x->route->flags & F_MATCH) && !match) {
		api_fail_http(x, 428, "precondition", "If-Match", "this request needs If-Match with the ETag of what was read");
		return 1;
	}
	if (match && api_if_match(match) < 0) {
		api_fail_http(x, 400, "malformed", "If-Match", "must be an ETag as this service gave it, or *");
		return 1;
	}
	return 0;
}

static int bad_rights(struct api_ctx *x)
{
	const Pb__Principal *p = x->who->t->principal;

	if (x->by_cookie && !yc_streq(x->r->method, "GET") &&
	    (!x->r->h[H_CSRF] || strlen(x->r->h[H_CSRF]) != strlen(x->who->t->csrf) ||
	     !yc_equal_ct(x->r->h[H_CSRF], x->who->t->csrf, strlen(x->who->t->csrf)))) {
		api_fail_http(x, 403, "forbidden", "X-CSRF-Token", "a browser's change needs the X-CSRF-Token of its session");
		return 1;
	}
	if (!api_may(x->who, 0, x->route->scope)) {
		api_fail_http(x, 403, "forbidden", NULL, yc_sprintf(api_arena(x), "this key lacks the scope %s", x->route->scope));
		return 1;
	}
	if (!api_may(x->who, x->route->roles, NULL)) {
		api_fail_http(x, 403, "forbidden", NULL, "this is not for your role");
		return 1;
	}
	if (x->r->h[H_ON_BEHALF_OF] && (!x->who->is_key || !api_scope_ok(p->scopes, p->n_scopes, "behalf:act") || !yc_id_is(x->r->h[H_ON_BEHALF_OF], "prs"))) {
		api_fail_http(x, 403, "forbidden", "On-Behalf-Of", "needs a key with the scope behalf:act, and the id of a person");
		return 1;
	}
	return 0;
}

/* --- the way ---------------------------------------------------------------------------------------------------------------------------- */

static void go_on(struct api_ctx *x)
{
	if (bad_query(x) || bad_body(x) || bad_headers(x))
		return;
	if (x->route->special)
		x->route->special(x);
	else
		api_call(x);
}

void api_authorized(struct api_ctx *x, enum yc_code code, const struct yc_err *e)
{
	struct api_conf *c = &x->api->conf;

	if (!x->r) {
		free_ctx(x);
		return;
	}
	if (code) {
		if (x->route->flags & F_OPEN)    /* a stale cookie does not keep anybody from signing in */
			go_on(x);
		else
			api_fail(x, code, e);
		return;
	}
	if (over_limit(x, x->api->by_principal, x->who->t->principal->person_id, c->rate, c->burst) || bad_rights(x))
		return;
	go_on(x);
}

int api_over_address_limit(struct api_ctx *x)
{
	return over_limit(x, x->api->by_address, x->client, x->api->conf.address_rate, x->api->conf.address_burst);
}

static void no_route(struct api_ctx *x, const char *allow)
{
	if (!*allow) {
		api_fail_http(x, 404, "not-found", NULL, "there is nothing at this address");
		return;
	}
	http_out(x->r, "Allow", yc_strdup(api_arena(x), allow));
	if (yc_streq(x->r->method, "OPTIONS"))
		api_send(x, 204);
	else
		api_fail_http(x, 405, "method-not-allowed", NULL, yc_sprintf(api_arena(x), "this address knows %s", allow));
}

void api_on_http(void *arg, struct http_req *r)
{
	struct api *a = arg;
	struct api_ctx *x = yc_xcalloc(1, sizeof(*x));
	char allow[96];

	x->api = a;
	x->r = r;
	x->began_us = yc_mono_us();
	x->english = api_wants_english(r->h[H_ACCEPT_LANGUAGE]);
	DL_APPEND(a->ctxs, x);
	take_ids(x);
	take_client(x);
	if (r->uri_error) {
		api_fail_http(x, 400, "malformed", NULL, r->uri_error);
		return;
	}
	x->route = api_route_match(api_routes, r->method, r->path, x->params, &x->n_params, allow, sizeof(allow));
	if ((!x->route || (x->route->flags & F_OPEN)) && api_over_address_limit(x))
		return;
	if (!x->route)
		no_route(x, allow);
	else if ((x->route->flags & F_OPEN) && !r->h[H_AUTHORIZATION])
		go_on(x);
	else
		api_authenticate(x);
}
