/* Signing in and out, and who I am. */
#include "api.h"

#include "yc/clock.h"
#include "yc/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void set_cookie(struct api_ctx *x, const char *token, int64_t max_age_s)
{
	http_out(x->r, "Set-Cookie", yc_sprintf(api_arena(x), "yc_session=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%" PRId64 "%s", token, max_age_s,
						x->api->conf.cookie_secure ? "; Secure" : ""));
}

static void on_session(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct api_ctx *x = arg;
	Pb__Session s;

	if (code || !x->r) {
		api_fail(x, code, e);
		return;
	}
	s = *(const Pb__Session *)msg;
	set_cookie(x, s.token, (s.expires_at - yc_now()) / 1000);
	if (x->r->h[H_SEC_FETCH_MODE])           /* a browser: scripts have no business with the token */
		s.token = (char *)protobuf_c_empty_string;
	http_out(x->r, "Location", "/v1/sessions/current");
	api_send_json(x, 201, &s.base);
}

void api_on_login(struct api_ctx *x)
{
	Pb__LoginReq *in;
	void *p;
	struct yc_call call = { .service = "directory", .api = &pb__directory__descriptor, .method = "Login", .timeout_ms = 12000, .traceparent = x->trace,
				.fn = on_session, .arg = x };
	struct yc_err e = { 0 };
	enum yc_code c = api_read_input(x, &pb__login_req__descriptor, &p, &e);

	if (c) {
		api_fail(x, c, &e);
		return;
	}
	in = p;
	in->client = x->client;
	call.in = in;
	yc_node_call(x->api->n, &call);
}

static void on_out(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct api_ctx *x = arg;

	if (code || !x->r) {
		api_fail(x, code, e);
		return;
	}
	api_token_revoked(x->api, x->who->sha);
	set_cookie(x, "", 0);
	api_send(x, 204);
}

void api_on_logout(struct api_ctx *x)
{
	Pb__TokenReq in = PB__TOKEN_REQ__INIT;
	struct yc_call call = { .service = "directory", .api = &pb__directory__descriptor, .method = "Logout", .in = &in, .timeout_ms = 3000,
				.traceparent = x->trace, .fn = on_out, .arg = x };

	if (x->who->is_key) {
		api_fail_http(x, 403, "forbidden", NULL, "a key does not sign out: revoke it");
		return;
	}
	in.token = (char *)x->token;
	yc_node_call(x->api->n, &call);
}

void api_on_me(struct api_ctx *x)
{
	api_send_json(x, 200, &x->who->t->base);
}
