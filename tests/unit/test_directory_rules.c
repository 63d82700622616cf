#include "yct.h"

#include <string.h>

#include "yc/json.h"

#include "directory/rule_audit.h"
#include "directory/rule_calendar.h"
#include "directory/rule_check.h"
#include "directory/rule_throttle.h"

#define BIT(r) (1u << PB__ROLE__ROLE_##r)

static struct yc_err e;

static void five_failures_are_free_and_the_sixth_try_waits(void)
{
	struct dir_throttle *t = dir_throttle_new(5, 900000, 900000, 100);

	for (int i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(dir_throttle_wait(t, "li", 1000), 0);
		dir_throttle_failed(t, "li", 1000);
	}
	CU_ASSERT_EQUAL(dir_throttle_wait(t, "li", 1000), 1000);
	CU_ASSERT_EQUAL(dir_throttle_wait(t, "zhang", 1000), 0);
	CU_ASSERT_EQUAL(dir_throttle_wait(t, "li", 2000), 0);
	dir_throttle_free(&t);
}

static void each_further_failure_doubles_the_pause_up_to_its_maximum(void)
{
	struct dir_throttle *t = dir_throttle_new(2, 900000, 6000, 100);
	static const int64_t want[] = { 0, 1000, 2000, 4000, 6000, 6000 };

	for (int i = 0; i < 6; i++) {
		dir_throttle_failed(t, "li", 0);
		CU_ASSERT_EQUAL(dir_throttle_wait(t, "li", 0), want[i]);
	}
	dir_throttle_free(&t);
}

static void a_success_or_a_quiet_window_clears_the_count(void)
{
	struct dir_throttle *t = dir_throttle_new(1, 10000, 900000, 100);

	dir_throttle_failed(t, "li", 0);
	CU_ASSERT(dir_throttle_wait(t, "li", 0) > 0);
	dir_throttle_passed(t, "li");
	CU_ASSERT_EQUAL(dir_throttle_wait(t, "li", 0), 0);
	for (int i = 0; i < 8; i++)
		dir_throttle_failed(t, "li", 0);
	CU_ASSERT(dir_throttle_wait(t, "li", 9999) > 0);
	CU_ASSERT_EQUAL(dir_throttle_wait(t, "li", 10000), 0);
	dir_throttle_free(&t);
}

static void the_throttle_remembers_a_bounded_number_and_forgets_the_oldest(void)
{
	struct dir_throttle *t = dir_throttle_new(1, 900000, 900000, 10);
	char key[32];

	dir_throttle_failed(t, "first", 0);
	for (int i = 0; i < 9; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		dir_throttle_failed(t, key, 0);
	}
	dir_throttle_failed(t, "first", 0);      /* touched: k0 is now the oldest */
	for (int i = 9; i < 12; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		dir_throttle_failed(t, key, 0);
	}
	CU_ASSERT_EQUAL(dir_throttle_count(t), 10);
	CU_ASSERT(dir_throttle_wait(t, "first", 0) > 0);
	CU_ASSERT_EQUAL(dir_throttle_wait(t, "k0", 0), 0);
	dir_throttle_free(&t);
}

static void times_and_dates_are_read_strictly(void)
{
	CU_ASSERT_EQUAL(dir_minutes("08:30"), 510);
	CU_ASSERT_EQUAL(dir_minutes("24:00"), 1440);
	CU_ASSERT_EQUAL(dir_minutes("24:01"), -1);
	CU_ASSERT_EQUAL(dir_minutes("8:30"), -1);
	CU_ASSERT_EQUAL(dir_minutes("08:60"), -1);
	CU_ASSERT_EQUAL(dir_date("2026-10-01"), 20261001);
	CU_ASSERT_EQUAL(dir_date("2024-02-29"), 20240229);
	CU_ASSERT_EQUAL(dir_date("2026-02-29"), 0);
	CU_ASSERT_EQUAL(dir_date("2026-13-01"), 0);
	CU_ASSERT_EQUAL(dir_date("2026/10/01"), 0);
}

/* A message in the arena, from JSON as files give it. */
static void *from(struct yc_arena *a, const ProtobufCMessageDescriptor *d, const char *json)
{
	void *m = NULL;

	YCT_OK(yc_json_read(a, d, json, strlen(json), &m, yct_err()));
	return m;
}

static Pb__Calendar *calendar(struct yc_arena *a, const char *json)
{
	return from(a, &pb__calendar__descriptor, json);
}

#define CAL(week, days) "{\"code\":\"cn\",\"utc_offset\":\"+08:00\",\"first_year\":2026,\"last_year\":2026,\"week\":[" week "],\"days\":[" days "]}"
#define MON "{\"day\":\"mon\",\"spans\":[{\"open\":\"08:30\",\"close\":\"12:00\"},{\"open\":\"13:30\",\"close\":\"18:00\"}]}"

static void a_calendar_with_holidays_and_make_up_days_is_accepted(void)
{
	struct yc_arena *a = yc_arena_new(1 << 20);

	YCT_OK(dir_calendar_check(calendar(a, CAL(MON, "{\"date\":\"2026-01-04\",\"name\":\"元旦调休\",\"spans\":[{\"open\":\"08:30\",\"close\":\"12:00\"}]},"
		"{\"date\":\"2026-10-01\",\"name\":\"国庆节\",\"closed\":true}")), yct_err()));
	yc_arena_free(&a);
}

static void a_wrong_calendar_is_refused_by_field_name(void)
{
	static const struct { const char *json, *field; } bad[] = {
		{ CAL(MON, "{\"date\":\"2026-10-02\",\"closed\":true},{\"date\":\"2026-10-01\",\"closed\":true}"), "days.1.date" },
		{ CAL(MON, "{\"date\":\"2027-10-01\",\"closed\":true}"), "days.0.date" },
		{ CAL(MON, "{\"date\":\"2026-10-01\"}"), "days.0.spans" },
		{ CAL(MON, "{\"date\":\"2026-10-01\",\"closed\":true,\"spans\":[{\"open\":\"08:00\",\"close\":\"09:00\"}]}"), "days.0.spans" },
		{ CAL("{\"day\":\"mon\",\"spans\":[{\"open\":\"12:00\",\"close\":\"08:00\"}]}", ""), "week.0.spans.0.close" },
		{ CAL("{\"day\":\"mon\",\"spans\":[{\"open\":\"08:00\",\"close\":\"12:00\"},{\"open\":\"11:00\",\"close\":\"13:00\"}]}", ""), "week.0.spans.1.open" },
		{ CAL(MON "," MON, ""), "week.1.day" },
		{ CAL("{\"day\":\"monday\",\"spans\":[]}", ""), "week.0.day" },
		{ "{\"code\":\"cn\",\"utc_offset\":\"8\",\"first_year\":2026,\"last_year\":2026}", "utc_offset" },
		{ "{\"code\":\"cn\",\"utc_offset\":\"+08:00\",\"first_year\":2026,\"last_year\":2025}", "last_year" },
	};
	struct yc_arena *a = yc_arena_new(1 << 20);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(dir_calendar_check(calendar(a, bad[i].json), &e), YC_INVALID);
		YCT_STR(e.field, bad[i].field);
	}
	yc_arena_free(&a);
}

static void codes_logins_and_scopes_have_a_closed_alphabet(void)
{
	CU_ASSERT(dir_is_code("km-delivery") && dir_is_code("11185") && !dir_is_code("") && !dir_is_code("-a") && !dir_is_code("A") && !dir_is_code("a/b"));
	CU_ASSERT(dir_is_login("Li.Ming@km") && !dir_is_login("李") && !dir_is_login("a b"));
	CU_ASSERT(dir_is_scope("orders:read") && dir_is_scope("*") && dir_is_scope("calls:*") && !dir_is_scope("orders") && !dir_is_scope(":read") &&
		  !dir_is_scope("orders:") && !dir_is_scope("a:b:c"));
}

static void roles_go_both_ways_and_unknown_ones_are_named(void)
{
	struct yc_arena *a = yc_arena_new(1 << 20);
	char *in[] = { "agent", "branch_admin" }, *bad[] = { "agent", "king" }, *service[] = { "service" }, **out;
	uint32_t mask;

	YCT_OK(dir_roles_mask(in, 2, &mask, yct_err()));
	CU_ASSERT_EQUAL(mask, BIT(AGENT) | BIT(BRANCH_ADMIN));
	CU_ASSERT_EQUAL_FATAL(dir_roles_names(a, mask, &out), 2);
	YCT_STR(out[0], "agent");
	YCT_STR(out[1], "branch_admin");
	CU_ASSERT_EQUAL(dir_roles_mask(bad, 2, &mask, &e), YC_INVALID);
	YCT_STR(e.field, "roles.1");
	CU_ASSERT_EQUAL(dir_roles_mask(service, 1, &mask, &e), YC_INVALID);      /* nobody is given our own processes' role */
	yc_arena_free(&a);
}

static void a_branch_administrator_cannot_make_administrators(void)
{
	CU_ASSERT_EQUAL(dir_roles_beyond(BIT(ADMIN)), 0);
	CU_ASSERT(dir_roles_beyond(BIT(BRANCH_ADMIN)) & BIT(ADMIN));
	CU_ASSERT(dir_roles_beyond(BIT(BRANCH_ADMIN)) & BIT(AUDITOR));
	CU_ASSERT(!(dir_roles_beyond(BIT(BRANCH_ADMIN)) & BIT(AGENT)));
}

static void skills_survive_their_column(void)
{
	struct yc_arena *a = yc_arena_new(1 << 20);
	Pb__SkillLevel **v;
	size_t n = dir_skills_unpack(a, "billing:3 english:5", &v);

	CU_ASSERT_EQUAL_FATAL(n, 2);
	YCT_STR(v[1]->skill, "english");
	CU_ASSERT_EQUAL(v[1]->level, 5);
	YCT_STR(dir_skills_pack(a, v, n), "billing:3 english:5");
	CU_ASSERT_EQUAL(dir_skills_unpack(a, "", &v), 0);
	yc_arena_free(&a);
}

static void a_path_is_inside_by_whole_names_only(void)
{
	CU_ASSERT(dir_path_inside("/yn/km", "/yn") && dir_path_inside("/yn", "/yn") && dir_path_inside("/yn", "/"));
	CU_ASSERT(!dir_path_inside("/yn2", "/yn") && !dir_path_inside("/yn", "/yn/km"));
}

static void a_person_is_checked_field_by_field(void)
{
	static const struct { const char *json, *field; } bad[] = {
		{ "{\"staff_no\":\"\",\"name\":\"李\",\"org\":\"km\"}", "staff_no" },
		{ "{\"staff_no\":\"1\",\"name\":\"\",\"org\":\"km\"}", "name" },
		{ "{\"staff_no\":\"1\",\"name\":\"李\",\"roles\":[\"agent\"]}", "org" },
		{ "{\"staff_no\":\"1\",\"name\":\"李\",\"org\":\"km\",\"login\":\"李\"}", "login" },
		{ "{\"staff_no\":\"1\",\"name\":\"李\",\"org\":\"km\",\"skills\":[{\"skill\":\"a\",\"level\":6}]}", "skills.0.level" },
		{ "{\"staff_no\":\"1\",\"name\":\"李\",\"org\":\"km\",\"skills\":[{\"skill\":\"a\",\"level\":1},{\"skill\":\"a\",\"level\":2}]}", "skills.1.skill" },
	};
	struct yc_arena *a = yc_arena_new(1 << 20);
	void *p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = from(a, &pb__person__descriptor, bad[i].json);
		CU_ASSERT_EQUAL(dir_person_check(p, &e), YC_INVALID);
		YCT_STR(e.field, bad[i].field);
	}
	yc_arena_free(&a);
}

static void a_patch_keeps_what_it_does_not_name(void)
{
	struct yc_arena *a = yc_arena_new(1 << 20);
	void *was, *p;

	was = from(a, &pb__person__descriptor, "{\"staff_no\":\"1\",\"name\":\"李\",\"org\":\"km\",\"active\":true,\"roles\":[\"agent\"]}");
	p = from(a, &pb__person__descriptor, "{\"name\":\"李明\"}");
	dir_person_merge(p, was);
	YCT_STR(((Pb__Person *)p)->name, "李明");
	YCT_STR(((Pb__Person *)p)->org, "km");
	CU_ASSERT_EQUAL(((Pb__Person *)p)->n_roles, 1);
	CU_ASSERT(((Pb__Person *)p)->active);
	yc_arena_free(&a);
}

static void the_audit_digest_depends_on_every_column_and_on_the_row_before(void)
{
	Pb__AuditRow r = PB__AUDIT_ROW__INIT;
	char first[65], other[65];

	r.seq = 7;
	r.actor = "prs_1";
	r.action = "person.update";
	dir_audit_hash("", &r, first);
	r.actor = "prs_";
	r.actor_name = "1";
	dir_audit_hash("", &r, other);
	CU_ASSERT_STRING_NOT_EQUAL(first, other);
	r.actor = "prs_1";
	r.actor_name = "";
	dir_audit_hash("x", &r, other);
	CU_ASSERT_STRING_NOT_EQUAL(first, other);
	dir_audit_hash("", &r, other);
	YCT_STR(first, other);
}

YCT_MAIN("directory_rules", T(five_failures_are_free_and_the_sixth_try_waits), T(each_further_failure_doubles_the_pause_up_to_its_maximum),
	 T(a_success_or_a_quiet_window_clears_the_count), T(the_throttle_remembers_a_bounded_number_and_forgets_the_oldest),
	 T(times_and_dates_are_read_strictly), T(a_calendar_with_holidays_and_make_up_days_is_accepted), T(a_wrong_calendar_is_refused_by_field_name),
	 T(codes_logins_and_scopes_have_a_closed_alphabet), T(roles_go_both_ways_and_unknown_ones_are_named),
	 T(a_branch_administrator_cannot_make_administrators), T(skills_survive_their_column), T(a_path_is_inside_by_whole_names_only),
	 T(a_person_is_checked_field_by_field), T(a_patch_keeps_what_it_does_not_name),
	 T(the_audit_digest_depends_on_every_column_and_on_the_row_before))
