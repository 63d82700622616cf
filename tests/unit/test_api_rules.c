#include "yct.h"

#include <string.h>

#include "api/rule_feed.h"
#include "api/rule_http.h"
#include "api/rule_limit.h"
#include "api/rule_route.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/ticket.pb-c.h"

#define R(r) (1u << PB__ROLE__ROLE_##r)

/* --- routes ---------------------------------------------------------------------------------------------------------------------- */

static const struct api_route table[] = {
	{ .method = "GET", .path = "/v1/orders" },
	{ .method = "POST", .path = "/v1/orders" },
	{ .method = "GET", .path = "/v1/orders/{id}" },
	{ .method = "GET", .path = "/v1/queues/live" },
	{ .method = "PUT", .path = "/v1/people/{person_id}/skills/{skill}" },
	{ 0 }
};

static const struct api_route *match(const char *method, const char *path, struct api_param *p, int *n)
{
	char allow[96];

	return api_route_match(table, method, path, p, n, allow, sizeof(allow));
}

static void a_route_is_found_by_method_and_path(void)
{
	struct api_param p[API_MAX_PARAMS];
	int n;

	CU_ASSERT_PTR_EQUAL(match("GET", "/v1/orders", p, &n), &table[0]);
	CU_ASSERT_PTR_EQUAL(match("POST", "/v1/orders", p, &n), &table[1]);
	CU_ASSERT_PTR_EQUAL(match("GET", "/v1/orders/ord_1", p, &n), &table[2]);
	CU_ASSERT_EQUAL_FATAL(n, 1);
	YCT_STR(p[0].name, "id");
	YCT_STR(p[0].value, "ord_1");
	CU_ASSERT_PTR_EQUAL(match("PUT", "/v1/people/prs_1/skills/post", p, &n), &table[4]);
	CU_ASSERT_EQUAL_FATAL(n, 2);
	YCT_STR(p[1].name, "skill");
	YCT_STR(p[1].value, "post");
}

static void a_path_that_is_too_short_too_long_or_empty_in_a_part_is_unknown(void)
{
	struct api_param p[API_MAX_PARAMS];
	char allow[96];
	int n;

	CU_ASSERT_PTR_NULL(match("GET", "/v1/orders/", p, &n));
	CU_ASSERT_PTR_NULL(match("GET", "/v1/orders/1/2", p, &n));
	CU_ASSERT_PTR_NULL(match("GET", "/v1", p, &n));
	CU_ASSERT_PTR_NULL(match("GET", "/v1/ordersx", p, &n));
	CU_ASSERT_PTR_NULL(match("GET", "", p, &n));
	CU_ASSERT_PTR_NULL(api_route_match(table, "GET", "/v1/order", p, &n, allow, sizeof(allow)));
	YCT_STR(allow, "");
}

static void a_known_path_names_its_methods_for_the_wrong_one(void)
{
	struct api_param p[API_MAX_PARAMS];
	char allow[96];
	int n;

	CU_ASSERT_PTR_NULL(api_route_match(table, "DELETE", "/v1/orders", p, &n, allow, sizeof(allow)));
	YCT_STR(allow, "GET, HEAD, POST");
}

static void a_parameter_of_any_length_is_safe(void)
{
	struct api_param p[API_MAX_PARAMS];
	char path[2000] = "/v1/orders/";
	int n;

	memset(path + 11, 'x', 1500);
	CU_ASSERT_PTR_NULL(match("GET", path, p, &n));
}

/* --- headers --------------------------------------------------------------------------------------------------------------------- */

static void if_match_takes_our_tags_and_the_star_only(void)
{
	CU_ASSERT_EQUAL(api_if_match("\"12\""), 12);
	CU_ASSERT_EQUAL(api_if_match("*"), 0);
	CU_ASSERT_EQUAL(api_if_match("12"), -1);
	CU_ASSERT_EQUAL(api_if_match("W/\"12\""), -1);
	CU_ASSERT_EQUAL(api_if_match("\"12"), -1);
	CU_ASSERT_EQUAL(api_if_match("\"0\""), -1);
	CU_ASSERT_EQUAL(api_if_match("\"-3\""), -1);
	CU_ASSERT_EQUAL(api_if_match("\"99999999999999999999999\""), -1);
	CU_ASSERT_EQUAL(api_if_match(""), -1);
	CU_ASSERT_EQUAL(api_if_match("\"1\", \"2\""), -1);
}

static void if_none_match_compares_weakly_over_a_list(void)
{
	CU_ASSERT(api_none_match("\"1\", W/\"12\"", 12));
	CU_ASSERT(api_none_match("*", 5));
	CU_ASSERT(!api_none_match("\"1\"", 12));
	CU_ASSERT(!api_none_match("\"123\"", 12));
	CU_ASSERT(!api_none_match("", 12));
}

static int range(const char *h, int64_t size, int64_t *a, int64_t *b)
{
	*a = *b = -9;
	return api_range(h, size, a, b);
}

static void ranges_are_read_as_rfc_9110_says(void)
{
	int64_t a, b;

	CU_ASSERT(range("bytes=0-99", 1000, &a, &b) == 1 && a == 0 && b == 99);
	CU_ASSERT(range("bytes=900-", 1000, &a, &b) == 1 && a == 900 && b == 999);
	CU_ASSERT(range("bytes=-100", 1000, &a, &b) == 1 && a == 900 && b == 999);
	CU_ASSERT(range("bytes=-5000", 1000, &a, &b) == 1 && a == 0 && b == 999);
	CU_ASSERT(range("bytes=500-5000", 1000, &a, &b) == 1 && a == 500 && b == 999);
	CU_ASSERT(range("bytes=999-999", 1000, &a, &b) == 1 && a == 999 && b == 999);
	CU_ASSERT_EQUAL(range("bytes=1000-", 1000, &a, &b), -1);
	CU_ASSERT_EQUAL(range("bytes=-0", 1000, &a, &b), -1);
	CU_ASSERT_EQUAL(range("bytes=0-", 0, &a, &b), -1);
	CU_ASSERT_EQUAL(range("bytes=5-1", 1000, &a, &b), 0);
	CU_ASSERT_EQUAL(range("bytes=0-1,5-6", 1000, &a, &b), 0);
	CU_ASSERT_EQUAL(range("bytes=a-b", 1000, &a, &b), 0);
	CU_ASSERT_EQUAL(range("items=0-1", 1000, &a, &b), 0);
	CU_ASSERT_EQUAL(range("bytes=99999999999999999999-", 1000, &a, &b), 0);
	CU_ASSERT_EQUAL(range(NULL, 1000, &a, &b), 0);
	CU_ASSERT_EQUAL(api_range_start("bytes=900-"), 900);
	CU_ASSERT_EQUAL(api_range_start("bytes=-100"), 0);
	CU_ASSERT_EQUAL(api_range_start(NULL), 0);
}

static void a_traceparent_is_taken_only_when_it_is_one(void)
{
	CU_ASSERT(api_traceparent_ok("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
	CU_ASSERT(!api_traceparent_ok("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
	CU_ASSERT(!api_traceparent_ok("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
	CU_ASSERT(!api_traceparent_ok("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
	CU_ASSERT(!api_traceparent_ok("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"));
	CU_ASSERT(!api_traceparent_ok(NULL));
}

static void keys_and_ids_are_short_and_printable(void)
{
	CU_ASSERT(api_token_ok("8e03978e-40d5", 64));
	CU_ASSERT(!api_token_ok("", 64));
	CU_ASSERT(!api_token_ok("a b", 64));
	CU_ASSERT(!api_token_ok("a\"b", 64));
	CU_ASSERT(!api_token_ok("号", 64));
	CU_ASSERT(!api_token_ok("abcdef", 5));
}

static void the_token_comes_from_bearer_or_from_the_cookie(void)
{
	char out[32];

	YCT_STR(api_bearer("Bearer  abc"), "abc");
	YCT_STR(api_bearer("bearer abc"), "abc");
	CU_ASSERT_PTR_NULL(api_bearer("Basic abc"));
	CU_ASSERT_PTR_NULL(api_bearer("Bearer "));
	CU_ASSERT_PTR_NULL(api_bearer(NULL));
	api_cookie("a=1; yc_session=tok; b=2", "yc_session", out, sizeof(out));
	YCT_STR(out, "tok");
	api_cookie("xyc_session=no", "yc_session", out, sizeof(out));
	YCT_STR(out, "");
	api_cookie("yc_session=0123456789012345678901234567890123456789", "yc_session", out, sizeof(out));
	CU_ASSERT_EQUAL(strlen(out), sizeof(out) - 1);
	api_cookie(NULL, "yc_session", out, sizeof(out));
	YCT_STR(out, "");
}

static void a_scope_covers_itself_and_its_area_by_star(void)
{
	char *some[] = { "orders:read", "calls:*" }, *all[] = { "*" };

	CU_ASSERT(api_scope_ok(some, 2, "orders:read"));
	CU_ASSERT(api_scope_ok(some, 2, "calls:control"));
	CU_ASSERT(!api_scope_ok(some, 2, "orders:write"));
	CU_ASSERT(!api_scope_ok(some, 2, "call:read"));
	CU_ASSERT(!api_scope_ok(some, 0, "orders:read"));
	CU_ASSERT(api_scope_ok(all, 1, "orders:write"));
}

static void fields_become_pointers_and_paths_types(void)
{
	char out[64];

	api_pointer("steps.2.name", out, sizeof(out));
	YCT_STR(out, "#/steps/2/name");
	YCT_STR(api_mime("/assets/x.js"), "text/javascript; charset=utf-8");
	YCT_STR(api_mime("/a.b/x"), "application/octet-stream");
	CU_ASSERT(api_wants_english("en-GB,en;q=0.9") && !api_wants_english("zh-CN,en;q=0.5") && !api_wants_english(NULL));
}

/* --- limits ---------------------------------------------------------------------------------------------------------------------- */

static void a_bucket_gives_its_burst_and_then_its_rate(void)
{
	struct api_limit *l = api_limit_new(10, 3, 100);
	int64_t left;

	CU_ASSERT_EQUAL(api_limit_take(l, "li", 0, &left), 0);
	CU_ASSERT_EQUAL(left, 2);
	CU_ASSERT_EQUAL(api_limit_take(l, "li", 0, NULL), 0);
	CU_ASSERT_EQUAL(api_limit_take(l, "li", 0, NULL), 0);
	CU_ASSERT_EQUAL(api_limit_take(l, "li", 0, &left), 100);
	CU_ASSERT_EQUAL(left, 0);
	CU_ASSERT_EQUAL(api_limit_take(l, "zhang", 0, NULL), 0);
	CU_ASSERT_EQUAL(api_limit_take(l, "li", 100, NULL), 0);
	CU_ASSERT_EQUAL(api_limit_take(l, "li", 150, NULL), 50);
	CU_ASSERT_EQUAL(api_limit_take(l, "li", 60000, &left), 0);
	CU_ASSERT_EQUAL(left, 2);
	api_limit_free(&l);
}

static void buckets_are_bounded_and_none_is_no_limit(void)
{
	struct api_limit *l = api_limit_new(10, 1, 5), *none = api_limit_new(0, 1, 5);
	char key[16];

	for (int i = 0; i < 50; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		CU_ASSERT_EQUAL(api_limit_take(l, key, 0, NULL), 0);
		CU_ASSERT_EQUAL(api_limit_take(none, "x", 0, NULL), 0);
	}
	CU_ASSERT_EQUAL(api_limit_count(l), 5);
	api_limit_free(&l);
	api_limit_free(&none);
}

/* --- events ---------------------------------------------------------------------------------------------------------------------- */

static void event_types_are_chosen_by_name_or_first_part(void)
{
	CU_ASSERT(api_types_have("", "call.ended"));
	CU_ASSERT(api_types_have("call,agent.state", "call.ended"));
	CU_ASSERT(api_types_have("call,agent.state", "agent.state"));
	CU_ASSERT(!api_types_have("call,agent.state", "agent.other"));
	CU_ASSERT(!api_types_have("cal", "call.ended"));
}

static void credentials_and_audit_never_leave(void)
{
	CU_ASSERT(api_event_is_confidential("audit.recording_read"));
	CU_ASSERT(api_event_is_confidential("session.revoked"));
	CU_ASSERT(api_event_is_confidential("extension.changed"));
	CU_ASSERT(!api_event_is_confidential("call.ended"));
	CU_ASSERT_PTR_NULL(api_event_type("extension.changed"));
}

/* Every type that a .proto announces ("// Events: call.started {CallStarted}; ...") is known here, or confidential. */
static int unknown_types(const char *path)
{
	char line[400], type[64];
	int on = 0, unknown = 0, n;
	FILE *f = fopen(path, "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	while (fgets(line, sizeof(line), f)) {
		on = strncmp(line, "//", 2) ? 0 : on || !strncmp(line, "// Events:", 10);
		for (const char *p = line; on && *p; p += n ? n : 1) {
			n = (int)strspn(p, "abcdefghijklmnopqrstuvwxyz_.");
			snprintf(type, sizeof(type), "%.*s", n, p);
			if (n && strchr(type, '.') && strchr(type, '.')[1] && !api_event_type(type) && !api_event_is_confidential(type) && ++unknown)
				printf("  %s: %s\n", path, type);
		}
	}
	fclose(f);
	return unknown;
}

static void every_announced_event_is_known_or_confidential(void)
{
	static const char *const files[] = { "acd", "crm", "directory", "gateway", "report", "ticket" };
	char path[80];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "proto/yc/v1/%s.proto", files[i]);
		CU_ASSERT_EQUAL(unknown_types(path), 0);
	}
}

static void numbers_are_masked_unless_the_event_is_ones_own(void)
{
	struct yc_arena *a = yc_arena_new(1 << 20);
	Pb__Call call = PB__CALL__INIT;
	Pb__CallEnded ev = PB__CALL_ENDED__INIT;

	call.from = "+8613888881234";
	call.to = "11185";
	call.agent_id = "prs_1";
	ev.call = &call;
	CU_ASSERT(api_event_is_own(&ev.base, "prs_1"));
	CU_ASSERT(!api_event_is_own(&ev.base, "prs_2"));
	CU_ASSERT(!api_event_is_own(&ev.base, ""));
	CU_ASSERT(api_event_needs_mask(R(AGENT), 0) && !api_event_needs_mask(R(AGENT), 1) && !api_event_needs_mask(R(LEADER), 0));
	api_event_mask(a, &ev.base);
	YCT_STR(call.from, "138****1234");
	YCT_STR(call.to, "11185");
	yc_arena_free(&a);
}

static void the_organisation_of_an_event_is_found_inside_it(void)
{
	Pb__Agent agent = PB__AGENT__INIT;
	Pb__AgentChanged ev = PB__AGENT_CHANGED__INIT;
	Pb__CallMenu none = PB__CALL_MENU__INIT;

	agent.org_path = "/yn/km";
	ev.agent = &agent;
	YCT_STR(api_event_org(&ev.base), "/yn/km");
	YCT_STR(api_event_org(&none.base), "");
}

YCT_MAIN("api_rules", T(a_route_is_found_by_method_and_path), T(a_path_that_is_too_short_too_long_or_empty_in_a_part_is_unknown),
	 T(a_known_path_names_its_methods_for_the_wrong_one), T(a_parameter_of_any_length_is_safe), T(if_match_takes_our_tags_and_the_star_only),
	 T(if_none_match_compares_weakly_over_a_list), T(ranges_are_read_as_rfc_9110_says), T(a_traceparent_is_taken_only_when_it_is_one),
	 T(keys_and_ids_are_short_and_printable), T(the_token_comes_from_bearer_or_from_the_cookie), T(a_scope_covers_itself_and_its_area_by_star),
	 T(fields_become_pointers_and_paths_types), T(a_bucket_gives_its_burst_and_then_its_rate), T(buckets_are_bounded_and_none_is_no_limit),
	 T(event_types_are_chosen_by_name_or_first_part), T(credentials_and_audit_never_leave),
	 T(every_announced_event_is_known_or_confidential), T(numbers_are_masked_unless_the_event_is_ones_own), T(the_organisation_of_an_event_is_found_inside_it))
