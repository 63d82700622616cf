/* The REST interface from outside: every class of error, sessions, keys, idempotency, versions, lists, files. */
#include "yct.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_world.h"
#include "yc/text.h"

#define ORDER "{\"customer_phone\":\"13888881234\",\"service\":\"trace\",\"subject\":\"邮件三天未投递\",\"body\":\"催投\"}"

/* --- addresses and bodies -------------------------------------------------------------------------------------------------------- */

static void an_unknown_address_is_404_and_a_wrong_method_405_with_allow(void)
{
	struct resp r = http("GET", "/v1/nothing", w.admin, NULL);

	is_problem(&r, 404, "not_found", "");
	r = http("GET", "/v1/orders/x/y/z", w.admin, NULL);
	is_problem(&r, 404, "not_found", "");
	r = http("DELETE", "/v1/orders", w.admin, NULL);
	YCT_STR(resp_header(&r, "Allow"), "POST, GET, HEAD");
	is_problem(&r, 405, "method_not_allowed", "");
	r = http("OPTIONS", "/v1/orders", w.admin, NULL);
	CU_ASSERT_EQUAL(r.status, 204);
	resp_free(&r);
}

static void a_target_with_bad_escapes_or_bad_utf8_is_400(void)
{
	struct resp r = http("GET", "/v1/orders/%zz", w.admin, NULL);

	is_problem(&r, 400, "malformed", "");
	r = http("GET", "/v1/orders/%ff%fe", w.admin, NULL);
	is_problem(&r, 400, "malformed", "");
	r = http("GET", "/v1/orders/a%00b", w.admin, NULL);
	is_problem(&r, 400, "malformed", "");
	r = http("GET", "/v1/people?q=%c3%28", w.admin, NULL);
	is_problem(&r, 400, "malformed", "");
}

static void an_unknown_or_doubled_query_parameter_is_400_and_named(void)
{
	struct resp r = http("GET", "/v1/orders?colour=red", w.admin, NULL);

	is_problem(&r, 400, "malformed", "#/query/colour");
	r = http("GET", "/v1/orders?limit=5&limit=6", w.admin, NULL);
	is_problem(&r, 400, "malformed", "#/query/limit");
	r = http("GET", "/v1/orders?limit=0", w.admin, NULL);
	is_problem(&r, 422, "invalid", "#/query/limit");
	r = http("GET", "/v1/orders?limit=101", w.admin, NULL);
	is_problem(&r, 422, "invalid", "#/query/limit");
	r = http("GET", "/v1/orders?limit=many", w.admin, NULL);
	is_problem(&r, 422, "invalid", "#/query/limit");
}

static void a_body_that_is_no_json_is_400(void)
{
	static const char *const bad[] = { "{", "[]", "{\"subject\":}", "{\"subject\":\"a\",\"subject\":\"b\"}", "{\"subject\":\"\xff\xfe\"}", "null" };
	struct resp r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = http("POST", "/v1/orders", w.agent, bad[i]);
		if (r.status != 400)
			printf("  %s -> %ld %s\n", bad[i], r.status, r.body);
		CU_ASSERT_EQUAL(r.status, 400);
		resp_free(&r);
	}
}

static void an_unknown_field_or_a_wrong_type_is_422_and_named(void)
{
	struct resp r = http("POST", "/v1/orders", w.agent, "{\"subjekt\":\"x\"}");

	is_problem(&r, 422, "invalid", "#/subjekt");
	r = http("POST", "/v1/orders", w.agent, "{\"subject\":5}");
	is_problem(&r, 422, "invalid", "#/subject");
	r = http("POST", "/v1/people", w.admin, "{\"staff_no\":\"5001\",\"name\":\"x\",\"org\":\"centre\",\"skills\":[{\"skill\":\"a\",\"level\":\"high\"}]}");
	is_problem(&r, 422, "invalid", "#/skills/0/level");
	r = http("POST", "/v1/orders", w.agent, "{\"customer_phone\":\"13888881234\",\"service\":\"trace\"}");
	is_problem(&r, 422, "invalid", "#/subject");
}

static void a_body_that_is_too_large_is_413_and_one_that_is_no_json_type_415(void)
{
	size_t n = (1 << 20) + 100;
	char *big = malloc(n);
	struct resp r;

	memset(big, ' ', n);
	r = http_full(w.port, "POST", "/v1/orders", w.agent, (const char *[]){ "Content-Type: application/json", "Idempotency-Key: big", NULL }, big, n);
	is_problem(&r, 413, "too_large", "");
	free(big);
	r = http_full(w.port, "POST", "/v1/orders", w.agent, (const char *[]){ "Content-Type: text/plain", "Idempotency-Key: t", NULL }, ORDER, strlen(ORDER));
	is_problem(&r, 415, "unsupported_media_type", "");
}

/* --- who asks ---------------------------------------------------------------------------------------------------------------------- */

static void without_a_valid_token_it_is_401(void)
{
	struct resp r = http("GET", "/v1/me", NULL, NULL);

	CU_ASSERT_PTR_NOT_NULL(resp_header(&r, "WWW-Authenticate"));
	is_problem(&r, 401, "unauthenticated", "");
	r = http("GET", "/v1/me", "ycs_0123456789012345678901234567890123456789012", NULL);
	is_problem(&r, 401, "unauthenticated", "");
	r = http("GET", "/v1/me", "yck_x", NULL);
	is_problem(&r, 401, "unauthenticated", "");
	r = http_h("GET", "/v1/me", NULL, NULL, (const char *[]){ "Authorization: Basic YTpi", NULL });
	is_problem(&r, 401, "unauthenticated", "");
}

static void a_wrong_role_is_403(void)
{
	struct resp r = http("GET", "/v1/audit", w.agent, NULL);

	is_problem(&r, 403, "forbidden", "");
	r = http("POST", "/v1/people", w.agent, "{}");
	is_problem(&r, 403, "forbidden", "");
	r = http("GET", "/v1/audit", w.auditor, NULL);
	CU_ASSERT_EQUAL(r.status, 200);
	resp_free(&r);
}

static void a_key_does_what_its_scopes_say_and_no_more(void)
{
	char *key = world_key("[\"orders:read\"]", "integrator");
	struct resp r = http("GET", "/v1/orders", key, NULL);

	CU_ASSERT_EQUAL(r.status, 200);
	resp_free(&r);
	r = http("POST", "/v1/orders", key, ORDER);
	CU_ASSERT_PTR_NOT_NULL(strstr(resp_str(&r, "detail"), "orders:write"));
	is_problem(&r, 403, "forbidden", "");
	r = http_h("GET", "/v1/orders", key, NULL, (const char *[]){ "On-Behalf-Of: prs_01ARZ3NDEKTSV4RRFFQ69G5FAV", NULL });
	is_problem(&r, 403, "forbidden", "#/On-Behalf-Of");
	r = http("GET", "/v1/me", key, NULL);
	YCT_STR(resp_str(&r, "kind"), "key");
	resp_free(&r);
	free(key);
}

static void a_revoked_key_stops_at_once(void)
{
	char *key = world_key("[\"*\"]", "integrator"), path[200];
	struct resp r = http("GET", "/v1/me", key, NULL);

	CU_ASSERT_EQUAL_FATAL(r.status, 200);
	snprintf(path, sizeof(path), "/v1/api-keys/%s", json_string_value(json_object_get(json_object_get(r.json, "principal"), "session_id")));
	resp_free(&r);
	r = http("DELETE", path, w.admin, NULL);
	CU_ASSERT_EQUAL(r.status, 200);
	resp_free(&r);
	for (int i = 0; i < 200; i++) {          /* the cache hears of it by event: soon, and long before its 30 s */
		r = http("GET", "/v1/me", key, NULL);
		if (r.status == 401)
			break;
		resp_free(&r);
	}
	is_problem(&r, 401, "unauthenticated", "");
	free(key);
}

static void who_asks_and_the_trace_arrive_behind_the_bus(void)
{
	static const char trace[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
	char *key = world_key("[\"calls:read\",\"behalf:act\"]", "integrator");
	struct resp r = http_h("GET", "/v1/calls/cal_9", key, NULL,
			       (const char *[]){ "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "X-Request-Id: my-7",
						 "On-Behalf-Of: prs_01ARZ3NDEKTSV4RRFFQ69G5FAV", NULL });

	CU_ASSERT_EQUAL_FATAL(r.status, 200);
	YCT_STR(resp_str(&r, "id"), "cal_9");
	CU_ASSERT(!strncmp(resp_str(&r, "agent_id"), "key:", 4));
	YCT_STR(resp_str(&r, "state"), "prs_01ARZ3NDEKTSV4RRFFQ69G5FAV");
	YCT_STR(resp_str(&r, "gateway"), trace);
	YCT_STR(resp_str(&r, "queue"), "/yn");
	YCT_STR(resp_header(&r, "traceparent"), trace);
	YCT_STR(resp_header(&r, "X-Request-Id"), "my-7");
	resp_free(&r);
	free(key);
}

static int behalf_is_audited(void *arg)
{
	struct resp r = http("GET", "/v1/audit?q=behalf.act", w.auditor, NULL);
	int ok = r.body && strstr(r.body, "DELETE /v1/calls/end-behalf") && strstr(r.body, "prs_01ARZ3NDEKTSV4RRFFQ69G5FAV");

	resp_free(&r);
	return ok;
}

static void acting_in_anothers_name_is_audited(void)
{
	char *key = world_key("[\"calls:control\",\"behalf:act\"]", "integrator");
	struct resp r = http_h("DELETE", "/v1/calls/end-behalf", key, NULL, (const char *[]){ "On-Behalf-Of: prs_01ARZ3NDEKTSV4RRFFQ69G5FAV", NULL });

	CU_ASSERT_EQUAL(r.status, 204);
	resp_free(&r);
	CU_ASSERT(yct_until(10000, behalf_is_audited, NULL));
	free(key);
}

/* --- sessions ---------------------------------------------------------------------------------------------------------------------- */

static void a_browser_gets_a_cookie_and_needs_the_csrf_token_to_write(void)
{
	char cookie[300], csrf[100];
	struct resp r = http_h("POST", "/v1/sessions", NULL, "{\"login\":\"zhangwei\",\"password\":\"password-1001\",\"client\":\"console\"}",
			       (const char *[]){ "Sec-Fetch-Mode: cors", NULL });
	const char *set;

	CU_ASSERT_EQUAL_FATAL(r.status, 201);
	YCT_STR(resp_str(&r, "token"), "");
	set = resp_header(&r, "Set-Cookie");
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT(strstr(set, "HttpOnly") && strstr(set, "SameSite=Strict") && strstr(set, "Path=/"));
	snprintf(cookie, sizeof(cookie), "Cookie: %.*s", (int)strcspn(set, ";"), set);
	snprintf(csrf, sizeof(csrf), "X-CSRF-Token: %s", resp_str(&r, "csrf"));
	resp_free(&r);
	r = http_h("GET", "/v1/me", NULL, NULL, (const char *[]){ cookie, NULL });
	CU_ASSERT_EQUAL(r.status, 200);
	YCT_STR(json_string_value(json_object_get(json_object_get(r.json, "person"), "name")), "张伟");
	CU_ASSERT_PTR_NULL(json_object_get(json_object_get(r.json, "person"), "password"));
	resp_free(&r);
	r = http_h("POST", "/v1/orders", NULL, ORDER, (const char *[]){ cookie, "Idempotency-Key: b1", NULL });
	is_problem(&r, 403, "forbidden", "#/X-CSRF-Token");
	r = http_h("POST", "/v1/orders", NULL, ORDER, (const char *[]){ cookie, csrf, "Idempotency-Key: b1", NULL });
	CU_ASSERT_EQUAL(r.status, 201);
	resp_free(&r);
	r = http_h("DELETE", "/v1/sessions/current", NULL, NULL, (const char *[]){ cookie, csrf, NULL });
	CU_ASSERT_EQUAL(r.status, 204);
	CU_ASSERT_PTR_NOT_NULL(strstr(resp_header(&r, "Set-Cookie"), "Max-Age=0"));
	resp_free(&r);
	r = http_h("GET", "/v1/me", NULL, NULL, (const char *[]){ cookie, NULL });
	is_problem(&r, 401, "unauthenticated", "");
}

static void a_wrong_password_is_401_and_says_no_more(void)
{
	struct resp r = http("POST", "/v1/sessions", NULL, "{\"login\":\"zhangwei\",\"password\":\"wrong\"}"), q;

	q = http("POST", "/v1/sessions", NULL, "{\"login\":\"nobody\",\"password\":\"wrong\"}");
	YCT_STR(resp_str(&r, "detail"), resp_str(&q, "detail"));
	is_problem(&r, 401, "unauthenticated", "");
	is_problem(&q, 401, "unauthenticated", "");
}

/* --- writing ----------------------------------------------------------------------------------------------------------------------- */

static void a_repeated_idempotency_key_gives_the_first_answer(void)
{
	static const char *const key[] = { "Idempotency-Key: order-1", NULL };
	struct resp r = http_h("POST", "/v1/orders", w.agent, ORDER, key), q;
	char location[200];

	if (r.status != 201)
		printf("  %ld %s\n", r.status, r.body);
	CU_ASSERT_EQUAL_FATAL(r.status, 201);
	snprintf(location, sizeof(location), "/v1/orders/%s", resp_str(&r, "id"));
	YCT_STR(resp_header(&r, "Location"), location);
	q = http_h("POST", "/v1/orders", w.agent, ORDER, key);
	CU_ASSERT_EQUAL(q.status, 201);
	YCT_STR(q.body, r.body);
	resp_free(&q);
	q = http_h("POST", "/v1/orders", w.agent, "{\"customer_phone\":\"13888881234\",\"service\":\"trace\",\"subject\":\"另一件\"}", key);
	is_problem(&q, 422, "invalid", "#/Idempotency-Key");
	q = http_h("POST", "/v1/orders", w.leader, ORDER, key);         /* another person's key is another key */
	CU_ASSERT_EQUAL(q.status, 201);
	CU_ASSERT_STRING_NOT_EQUAL(resp_str(&q, "id"), resp_str(&r, "id"));
	resp_free(&q);
	resp_free(&r);
	q = http_h("POST", "/v1/orders", w.agent, ORDER, NULL);
	is_problem(&q, 400, "malformed", "#/Idempotency-Key");
	q = http_h("POST", "/v1/orders", w.agent, ORDER, (const char *[]){ "Idempotency-Key: a b", NULL });
	is_problem(&q, 400, "malformed", "#/Idempotency-Key");
}

static void a_change_needs_the_version_that_was_read(void)
{
	struct resp r = http("GET", "/v1/people/1001", w.admin, NULL);
	char match[80], path[120];

	CU_ASSERT_EQUAL_FATAL(r.status, 200);
	snprintf(match, sizeof(match), "If-Match: %s", resp_header(&r, "ETag"));
	snprintf(path, sizeof(path), "/v1/people/%s", resp_str(&r, "id"));
	resp_free(&r);
	r = http_h("PATCH", path, w.admin, "{\"name_en\":\"Zhang Wei\"}", NULL);
	is_problem(&r, 428, "precondition", "#/If-Match");
	r = http_h("PATCH", path, w.admin, "{\"name_en\":\"Zhang Wei\"}", (const char *[]){ "If-Match: nonsense", NULL });
	is_problem(&r, 400, "malformed", "#/If-Match");
	r = http_h("PATCH", path, w.admin, "{\"name_en\":\"Zhang Wei\"}", (const char *[]){ match, NULL });
	CU_ASSERT_EQUAL(r.status, 200);
	YCT_STR(resp_str(&r, "name_en"), "Zhang Wei");
	YCT_STR(resp_str(&r, "name"), "张伟");
	resp_free(&r);
	r = http_h("PATCH", path, w.admin, "{\"name_en\":\"Z\"}", (const char *[]){ match, NULL });
	is_problem(&r, 412, "stale", "#/If-Match");
	r = http_h("PATCH", "/v1/people/nobody", w.admin, "{\"name_en\":\"Z\"}", (const char *[]){ "If-Match: *", NULL });
	is_problem(&r, 404, "not_found", "#/id");
}

static void the_address_and_the_body_must_not_disagree(void)
{
	struct resp r = http_h("PATCH", "/v1/people/1001", w.admin, "{\"id\":\"2001\"}", (const char *[]){ "If-Match: *", NULL });

	is_problem(&r, 422, "invalid", "#/id");
	r = http_h("PUT", "/v1/agent/state", w.agent, "{\"person_id\":\"prs_x\",\"state\":\"ready\"}", NULL);
	is_problem(&r, 422, "invalid", "#/person_id");
	r = http_h("PUT", "/v1/agent/state", w.agent, "{\"state\":\"ready\",\"if_version\":3}", NULL);
	is_problem(&r, 422, "invalid", "#/if_version");
}

/* --- reading ----------------------------------------------------------------------------------------------------------------------- */

static void what_has_not_changed_is_304(void)
{
	struct resp r = http("GET", "/v1/people/3001", w.admin, NULL);
	char none[80];

	snprintf(none, sizeof(none), "If-None-Match: %s", resp_header(&r, "ETag"));
	resp_free(&r);
	r = http_h("GET", "/v1/people/3001", w.admin, NULL, (const char *[]){ none, NULL });
	CU_ASSERT_EQUAL(r.status, 304);
	CU_ASSERT_EQUAL(r.n_body, 0);
	resp_free(&r);
}

static void head_is_get_without_a_body(void)
{
	struct resp r = http("HEAD", "/v1/people/3001", w.admin, NULL);

	CU_ASSERT_EQUAL(r.status, 200);
	CU_ASSERT_EQUAL(r.n_body, 0);
	CU_ASSERT_PTR_NOT_NULL(resp_header(&r, "ETag"));
	resp_free(&r);
}

static void a_list_goes_by_cursor_and_link(void)
{
	struct resp r = http("GET", "/v1/calls?limit=25&q=a%20b", w.leader, NULL);

	CU_ASSERT_EQUAL_FATAL(r.status, 200);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(r.json, "data")), 25);
	CU_ASSERT(json_is_true(json_object_get(r.json, "has_more")));
	YCT_STR(resp_str(&r, "next_cursor"), "25");
	YCT_STR(resp_header(&r, "Link"), "</v1/calls?limit=25&q=a%20b&starting_after=25>; rel=\"next\"");
	resp_free(&r);
	r = http("GET", "/v1/calls?starting_after=50", w.leader, NULL);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(r.json, "data")), 10);
	CU_ASSERT_PTR_NULL(resp_header(&r, "Link"));
	resp_free(&r);
}

static void chinese_goes_in_and_out_of_the_query(void)
{
	struct resp r = http("GET", "/v1/people?q=%E5%BC%A0%E4%BC%9F", w.admin, NULL);
	json_t *data = json_object_get(r.json, "data");

	CU_ASSERT_EQUAL_FATAL(json_array_size(data), 1);
	YCT_STR(json_string_value(json_object_get(json_array_get(data, 0), "name")), "张伟");
	resp_free(&r);
}

/* --- what goes wrong behind ---------------------------------------------------------------------------------------------------------- */

static void errors_behind_the_bus_keep_their_meaning(void)
{
	struct resp r = http("DELETE", "/v1/calls/gone", w.leader, NULL);

	is_problem(&r, 404, "not_found", "#/id");
	r = http("DELETE", "/v1/calls/full", w.leader, NULL);
	CU_ASSERT_PTR_NOT_NULL(resp_header(&r, "Retry-After"));
	is_problem(&r, 429, "exhausted", "");
	r = http("DELETE", "/v1/calls/boom", w.leader, NULL);
	CU_ASSERT_PTR_NULL(strstr(r.body, "private"));
	CU_ASSERT_PTR_NULL(strstr(r.body, "secret_column"));
	is_problem(&r, 500, "internal", "");
	r = http("DELETE", "/v1/calls/slow", w.leader, NULL);
	is_problem(&r, 504, "deadline", "");
	r = http("GET", "/v1/customers", w.leader, NULL);        /* nobody serves crm here */
	CU_ASSERT_PTR_NOT_NULL(resp_header(&r, "Retry-After"));
	is_problem(&r, 503, "unavailable", "");
}

static void problems_are_told_in_the_language_asked_for(void)
{
	struct resp r = http_h("GET", "/v1/nothing", NULL, NULL, (const char *[]){ "Accept-Language: en", NULL });

	YCT_STR(resp_str(&r, "title"), "Not found");
	resp_free(&r);
	r = http("GET", "/v1/nothing", NULL, NULL);
	YCT_STR(resp_str(&r, "title"), "没有找到");
	resp_free(&r);
	r = http("GET", "/problems/not-found", NULL, NULL);
	CU_ASSERT_EQUAL(r.status, 200);
	resp_free(&r);
	r = http("GET", "/problems/nonsense", NULL, NULL);
	is_problem(&r, 404, "not_found", "");
}

static void a_rate_beyond_the_limit_is_429_with_retry_after(void)
{
	int port, pid = world_api((const char *[]){ "--rate", "1", "--burst", "3", "--address-rate", "1", "--address-burst", "12", NULL }, 7, &port);
	struct resp r = { 0 };
	int i;

	for (i = 0; i < 10; i++) {
		resp_free(&r);
		r = http_full(port, "GET", "/v1/me", w.agent, NULL, NULL, 0);
		if (r.status == 429)
			break;
	}
	CU_ASSERT_EQUAL(i, 3);
	CU_ASSERT_PTR_NOT_NULL(resp_header(&r, "Retry-After"));
	YCT_STR(resp_header(&r, "RateLimit-Policy"), "\"default\";q=3;w=3");
	is_problem(&r, 429, "exhausted", "");
	r = http_full(port, "GET", "/v1/me", w.leader, NULL, NULL, 0);  /* a neighbour is not hindered */
	CU_ASSERT_EQUAL(r.status, 200);
	for (i = 0; i < 30 && r.status != 429; i++) {
		resp_free(&r);
		r = http_full(port, "GET", "/v1/nothing", NULL, NULL, NULL, 0);
	}
	is_problem(&r, 429, "exhausted", "");
	yct_kill(pid, SIGTERM);
}

/* --- the service itself -------------------------------------------------------------------------------------------------------------- */

static void files_of_the_console_are_served_and_nothing_else(void)
{
	static const char *const bad[] = { "/../directory.db", "/assets/../../home/x", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/assets/", "/.secret",
					   "//etc/passwd", "/assets/none.js" };
	struct resp r = http("GET", "/", NULL, NULL);

	CU_ASSERT_EQUAL_FATAL(r.status, 200);
	YCT_STR(resp_header(&r, "Content-Type"), "text/html; charset=utf-8");
	CU_ASSERT_PTR_NOT_NULL(strstr(resp_header(&r, "Content-Security-Policy"), "default-src 'self'"));
	CU_ASSERT_PTR_NULL(strstr(resp_header(&r, "Content-Security-Policy"), "unsafe"));
	YCT_STR(resp_header(&r, "X-Content-Type-Options"), "nosniff");
	resp_free(&r);
	r = http("GET", "/assets/app-1.js", NULL, NULL);
	YCT_STR(resp_header(&r, "Content-Type"), "text/javascript; charset=utf-8");
	CU_ASSERT_PTR_NOT_NULL(strstr(resp_header(&r, "Cache-Control"), "immutable"));
	resp_free(&r);
	r = http("GET", "/matters/mat_1", NULL, NULL);          /* an address of the console's own */
	CU_ASSERT_EQUAL(r.status, 200);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.body, "<title>"));
	resp_free(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r = http("GET", bad[i], NULL, NULL);
		CU_ASSERT_PTR_NULL(r.body ? strstr(r.body, "root:") : NULL);
		if (r.status != 404 && !(r.status == 200 && i == 4))
			printf("  %s -> %ld\n", bad[i], r.status);
		CU_ASSERT(r.status == 404 || (r.status == 200 && i == 4));      /* "/assets/" has no dot: the console's page */
		resp_free(&r);
	}
}

static void a_file_that_has_not_changed_is_304(void)
{
	struct resp r = http("GET", "/favicon.svg", NULL, NULL);
	char none[80];

	YCT_STR(resp_header(&r, "Content-Type"), "image/svg+xml");
	snprintf(none, sizeof(none), "If-None-Match: %s", resp_header(&r, "ETag"));
	resp_free(&r);
	r = http_h("GET", "/favicon.svg", NULL, NULL, (const char *[]){ none, NULL });
	CU_ASSERT_EQUAL(r.status, 304);
	resp_free(&r);
}

static void health_and_metrics_tell_of_all_services(void)
{
	struct resp r = http("GET", "/healthz", NULL, NULL);

	YCT_STR(resp_str(&r, "status"), "ok");
	resp_free(&r);
	r = http("GET", "/healthz?all=1", NULL, NULL);
	CU_ASSERT(json_array_size(json_object_get(r.json, "services")) >= 4);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.body, "\"service\":\"ticket\""));
	resp_free(&r);
	r = http("GET", "/metrics", NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.body, "yc_http_responses_total"));
	CU_ASSERT_PTR_NULL(strstr(r.body, "yw.ticket.1"));
	resp_free(&r);
	r = http("GET", "/metrics?all=1", NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.body, "yw.ticket.1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.body, "yw.directory.1"));
	resp_free(&r);
}

static void the_description_is_served_as_it_stands_in_docs(void)
{
	struct resp r = http("GET", "/v1/openapi.json", NULL, NULL);
	FILE *f = fopen("docs/openapi.json", "rb");
	char *text = calloc(1, r.n_body + 2);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r.json);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fread(text, 1, r.n_body + 1, f), r.n_body);
	CU_ASSERT(!memcmp(text, r.body, r.n_body));
	fclose(f);
	free(text);
	resp_free(&r);
}

YCT_MAIN_WITH("api", world_open, NULL, T(an_unknown_address_is_404_and_a_wrong_method_405_with_allow),
	      T(a_target_with_bad_escapes_or_bad_utf8_is_400), T(an_unknown_or_doubled_query_parameter_is_400_and_named), T(a_body_that_is_no_json_is_400),
	      T(an_unknown_field_or_a_wrong_type_is_422_and_named), T(a_body_that_is_too_large_is_413_and_one_that_is_no_json_type_415),
	      T(without_a_valid_token_it_is_401), T(a_wrong_role_is_403), T(a_key_does_what_its_scopes_say_and_no_more), T(a_revoked_key_stops_at_once),
	      T(who_asks_and_the_trace_arrive_behind_the_bus), T(acting_in_anothers_name_is_audited), T(a_browser_gets_a_cookie_and_needs_the_csrf_token_to_write),
	      T(a_wrong_password_is_401_and_says_no_more), T(a_repeated_idempotency_key_gives_the_first_answer),
	      T(a_change_needs_the_version_that_was_read), T(the_address_and_the_body_must_not_disagree), T(what_has_not_changed_is_304),
	      T(head_is_get_without_a_body), T(a_list_goes_by_cursor_and_link), T(chinese_goes_in_and_out_of_the_query),
	      T(errors_behind_the_bus_keep_their_meaning), T(problems_are_told_in_the_language_asked_for),
	      T(a_rate_beyond_the_limit_is_429_with_retry_after), T(files_of_the_console_are_served_and_nothing_else),
	      T(a_file_that_has_not_changed_is_304), T(health_and_metrics_tell_of_all_services), T(the_description_is_served_as_it_stands_in_docs))
