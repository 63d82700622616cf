/* The directory through the bus: real broker, both stores. */
#include "yct.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/calendar.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/db.h"
#include "yc/json.h"
#include "yc/text.h"
#include "yc/v1/directory.pb-c.h"
#include "yct_ask.h"
#include "yct_bus.h"

#define SITE "yd"

static struct yct_client c;
static int pid;
static char store[512];
static Pb__Principal admin, km, agent, auditor;

/* --- the world ----------------------------------------------------------------------------------------------------------------- */

static void principal(Pb__Principal *p, const char *id, uint32_t role, const char *path)
{
	pb__principal__init(p);
	p->person_id = (char *)id;
	p->name = "测试";
	p->roles = 1u << role;
	p->org_path = (char *)path;
}

static void start(void)
{
	char db[600], bus[300], home[300];

	snprintf(db, sizeof(db), "YC_DB=%s", store);
	snprintf(bus, sizeof(bus), "YC_BUS=%s", yct_bus());
	snprintf(home, sizeof(home), "YC_HOME=%s/home", yct_dir());
	pid = yct_spawn("yc-directory", (const char *[]){ "--session-idle-ms", "60s", NULL },
			(const char *[]){ db, bus, home, "YC_SITE=" SITE, "YC_LEVEL=warn", NULL });
	CU_ASSERT_FATAL(yct_bus_answers(yct_bus(), "directory", 15000));
}

static Pb__ImportChange *import(const char *kind, const char *json)
{
	return yct_import(&c, "directory", kind, json, 0);
}

static void load(const char *kind, const char *json)
{
	Pb__ImportChange *x = import(kind, json);

	if (x->action == PB__IMPORT_ACTION__IMPORT_ACTION_ERROR)
		printf("  %s: %s: %s\n", json, x->field, x->message);
	CU_ASSERT_NOT_EQUAL_FATAL(x->action, PB__IMPORT_ACTION__IMPORT_ACTION_ERROR);
}

#define LI "{\"staff_no\":\"1001\",\"login\":\"liming\",\"name\":\"李明\",\"org\":\"team1\",\"roles\":[\"agent\"],\"skills\":[{\"skill\":\"post\",\"level\":3}]," \
	"\"password\":\"yichuang-1001\"}"

static void world(void)
{
	principal(&admin, "prs_admin", PB__ROLE__ROLE_ADMIN, "/");
	principal(&km, "prs_km", PB__ROLE__ROLE_BRANCH_ADMIN, "/yn/km");
	principal(&agent, "prs_a", PB__ROLE__ROLE_AGENT, "/yn/km/team1");
	principal(&auditor, "prs_au", PB__ROLE__ROLE_AUDITOR, "/yn");
	load("org", "{\"code\":\"yn\",\"name\":\"云南省\",\"name_en\":\"Yunnan\",\"type\":\"province\"}");
	load("org", "{\"code\":\"km\",\"parent\":\"yn\",\"name\":\"昆明\",\"type\":\"branch\"}");
	load("org", "{\"code\":\"qj\",\"parent\":\"yn\",\"name\":\"曲靖\",\"type\":\"branch\"}");
	load("org", "{\"code\":\"team1\",\"parent\":\"km\",\"name\":\"一班\",\"type\":\"team\"}");
	load("skill", "{\"code\":\"post\",\"name\":\"邮政业务\",\"name_en\":\"Post\"}");
	load("skill", "{\"code\":\"english\",\"name\":\"英语\"}");
	load("person", LI);
	load("person", "{\"staff_no\":\"2001\",\"name\":\"王芳\",\"org\":\"qj\",\"roles\":[\"handler\"]}");
}

static void fresh(const char *url)
{
	yct_kill(pid, SIGKILL);                  /* of a story that failed */
	snprintf(store, sizeof(store), "%s", url);
	start();
	yct_client_open(&c, yct_bus());
	world();
}

static void leave(void)
{
	yct_client_close(&c);
	yct_kill(pid, SIGTERM);
	pid = 0;
}

/* Each story on each store. */
#define STORY(name) \
	static void name##_on(const char *url); \
	static void name(void) { yct_on_both_stores(name##_on); } \
	static void name##_on(const char *url)

static void *ask(const char *method, const void *in, const Pb__Principal *as)
{
	return yct_ask(&c, "directory", &pb__directory__descriptor, method, in, as, NULL);
}

static Pb__Person *person(const char *key, const Pb__Principal *as)
{
	Pb__KeyReq in = PB__KEY_REQ__INIT;

	in.id = (char *)key;
	return ask("PersonGet", &in, as);
}

static Pb__Session *login(const char *name, const char *password)
{
	Pb__LoginReq in = PB__LOGIN_REQ__INIT;

	in.login = (char *)name;
	in.password = (char *)password;
	in.client = "192.0.2.7";
	return ask("Login", &in, NULL);
}

static Pb__Session *enters(const char *name, const char *password)
{
	Pb__Session *s = login(name, password);

	if (!s)
		yct_explain("login", c.code, &c.e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	return s;
}

static Pb__TokenReply *check(const char *token)
{
	Pb__TokenReq in = PB__TOKEN_REQ__INIT;

	in.token = (char *)token;
	return ask("CheckToken", &in, NULL);
}

static void failed(enum yc_code code, const char *field)
{
	if (c.code != code || !yc_streq(c.e.field, field))
		printf("  got %s %s: %s\n", yc_code_name(c.code), c.e.field, c.e.msg);
	CU_ASSERT_EQUAL(c.code, code);
	YCT_STR(c.e.field, field);
}

/* --- organisation ---------------------------------------------------------------------------------------------------------------- */

STORY(moving_a_branch_moves_the_paths_of_all_below_it)
{
	fresh(url);
	YCT_STR(person("1001", &admin)->org_path, "/yn/km/team1");
	load("org", "{\"code\":\"km\",\"parent\":\"qj\",\"name\":\"昆明\",\"type\":\"branch\"}");
	YCT_STR(person("1001", &admin)->org_path, "/yn/qj/km/team1");
	leave();
}

STORY(a_cycle_a_second_root_and_an_unknown_parent_are_refused)
{
	Pb__ImportChange *x;

	fresh(url);
	x = import("org", "{\"code\":\"yn\",\"parent\":\"team1\",\"name\":\"省\",\"type\":\"province\"}");
	YCT_STR(x->field, "parent");
	CU_ASSERT_PTR_NOT_NULL(strstr(x->message, "below itself"));
	x = import("org", "{\"code\":\"gz\",\"name\":\"贵州\",\"type\":\"province\"}");
	YCT_STR(x->field, "parent");
	x = import("org", "{\"code\":\"x\",\"parent\":\"nowhere\",\"name\":\"x\",\"type\":\"team\"}");
	YCT_STR(x->field, "parent");
	leave();
}

/* --- import ---------------------------------------------------------------------------------------------------------------------- */

STORY(the_same_file_twice_changes_nothing_even_with_a_password)
{
	fresh(url);
	enters("liming", "yichuang-1001");  /* waits until the password is hashed */
	CU_ASSERT_EQUAL(import("person", LI)->action, PB__IMPORT_ACTION__IMPORT_ACTION_SAME);
	CU_ASSERT_EQUAL(import("skill", "{\"code\":\"english\",\"name\":\"英语\"}")->action, PB__IMPORT_ACTION__IMPORT_ACTION_SAME);
	yct_kill(pid, SIGKILL);
	start();
	CU_ASSERT_EQUAL(import("person", LI)->action, PB__IMPORT_ACTION__IMPORT_ACTION_SAME);
	leave();
}

STORY(a_changed_password_in_a_file_ends_the_old_one_and_its_sessions)
{
	Pb__ImportChange *x;
	Pb__Session *s;

	fresh(url);
	s = enters("liming", "yichuang-1001");
	x = import("person", "{\"staff_no\":\"1001\",\"password\":\"new-password-1\"}");
	CU_ASSERT_EQUAL(x->action, PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE);
	YCT_STR(x->message, "password: changed\n");
	CU_ASSERT_PTR_NULL(check(s->token));
	CU_ASSERT_PTR_NULL(login("liming", "yichuang-1001"));
	enters("liming", "new-password-1");
	leave();
}

STORY(a_dry_run_tells_the_difference_and_changes_nothing)
{
	Pb__ImportChange *x;

	fresh(url);
	x = yct_import(&c, "directory", "person", "{\"staff_no\":\"1001\",\"name\":\"李明明\"}", 1);
	CU_ASSERT_EQUAL(x->action, PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE);
	CU_ASSERT_PTR_NOT_NULL(strstr(x->message, "name:"));
	YCT_STR(person("1001", &admin)->name, "李明");
	CU_ASSERT_EQUAL(yct_import(&c, "directory", "org", "{\"code\":\"dl\",\"parent\":\"yn\",\"name\":\"大理\",\"type\":\"branch\"}", 1)->action,
			PB__IMPORT_ACTION__IMPORT_ACTION_CREATE);
	CU_ASSERT_EQUAL(import("org", "{\"code\":\"dl\",\"parent\":\"yn\",\"name\":\"大理\",\"type\":\"branch\"}")->action, PB__IMPORT_ACTION__IMPORT_ACTION_CREATE);
	leave();
}

STORY(a_dry_run_of_a_whole_tree_may_refer_to_its_own_parts)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem a = PB__IMPORT_ITEM__INIT, b = PB__IMPORT_ITEM__INIT, p = PB__IMPORT_ITEM__INIT, *items[] = { &a, &b, &p };
	Pb__ImportReply *r;

	fresh(url);
	a.kind = b.kind = "org";
	p.kind = "person";
	a.json = "{\"code\":\"bs\",\"parent\":\"yn\",\"name\":\"保山\",\"type\":\"branch\"}";
	b.json = "{\"code\":\"bs-td\",\"parent\":\"bs\",\"name\":\"投递部\",\"type\":\"department\"}";
	p.json = "{\"staff_no\":\"3001\",\"name\":\"张\",\"org\":\"bs-td\",\"roles\":[\"handler\"]}";
	in.items = items;
	in.n_items = 3;
	in.dry_run = 1;
	r = yct_ask(&c, "directory", &pb__node__descriptor, "Import", &in, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->errors, 0);
	in.dry_run = 0;
	r = yct_ask(&c, "directory", &pb__node__descriptor, "Import", &in, NULL, NULL);
	CU_ASSERT_EQUAL(r->errors, 0);
	YCT_STR(person("3001", &admin)->org_path, "/yn/bs/bs-td");
	leave();
}

STORY(an_import_with_one_error_changes_no_password_either)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem a = PB__IMPORT_ITEM__INIT, b = PB__IMPORT_ITEM__INIT, *items[] = { &a, &b };
	Pb__ImportReply *r;

	fresh(url);
	enters("liming", "yichuang-1001");
	a.kind = b.kind = "person";
	a.json = "{\"staff_no\":\"1001\",\"password\":\"another-one-1\"}";
	b.json = "{\"staff_no\":\"1002\",\"name\":\"无处\",\"org\":\"nowhere\"}";
	in.items = items;
	in.n_items = 2;
	r = yct_ask(&c, "directory", &pb__node__descriptor, "Import", &in, NULL, NULL);
	CU_ASSERT_EQUAL_FATAL(r->errors, 1);
	YCT_STR(r->changes[1]->field, "org");
	enters("liming", "yichuang-1001");
	CU_ASSERT_PTR_NULL(login("liming", "another-one-1"));
	leave();
}

/* --- people ---------------------------------------------------------------------------------------------------------------------- */

STORY(people_are_found_by_chinese_name_and_paged_by_cursor)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	Pb__People *r;
	char json[200];

	fresh(url);
	for (int i = 0; i < 30; i++) {
		snprintf(json, sizeof(json), "{\"staff_no\":\"5%03d\",\"name\":\"赵%d\",\"org\":\"team1\",\"roles\":[\"agent\"]}", i, i);
		load("person", json);
	}
	in.q = "李";
	r = ask("PersonList", &in, &admin);
	CU_ASSERT_EQUAL_FATAL(r->n_data, 1);
	YCT_STR(r->data[0]->name, "李明");
	YCT_STR(r->data[0]->password, "");
	in.q = "赵";
	r = ask("PersonList", &in, &admin);
	CU_ASSERT_EQUAL(r->n_data, 25);
	CU_ASSERT(r->has_more);
	in.starting_after = r->next_cursor;
	r = ask("PersonList", &in, &admin);
	CU_ASSERT_EQUAL(r->n_data, 5);
	CU_ASSERT(!r->has_more);
	in.starting_after = "";
	in.q = "%";                              /* no wildcard of the caller's */
	CU_ASSERT_EQUAL(((Pb__People *)ask("PersonList", &in, &admin))->n_data, 0);
	in.limit = 101;
	ask("PersonList", &in, &admin);
	failed(YC_INVALID, "limit");
	leave();
}

STORY(a_branch_sees_and_changes_only_its_own_people)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	Pb__Person p = PB__PERSON__INIT;

	fresh(url);
	CU_ASSERT_EQUAL(((Pb__People *)ask("PersonList", &in, &km))->n_data, 1);
	CU_ASSERT_EQUAL(((Pb__Orgs *)ask("OrgList", &in, &km))->n_data, 2);
	CU_ASSERT_PTR_NULL(person("2001", &km));
	failed(YC_NOT_FOUND, "id");
	p.staff_no = "1002";
	p.name = "新人";
	p.org = "qj";
	ask("PersonPut", &p, &km);
	failed(YC_FORBIDDEN, "org");
	p.org = "team1";
	p.roles = (char *[]){ "admin" };
	p.n_roles = 1;
	ask("PersonPut", &p, &km);
	failed(YC_FORBIDDEN, "roles");
	p.roles = (char *[]){ "agent" };
	CU_ASSERT_PTR_NOT_NULL(ask("PersonPut", &p, &km));
	ask("PersonPut", &p, &agent);
	failed(YC_FORBIDDEN, "");
	leave();
}

STORY(a_stale_version_is_refused_and_a_patch_keeps_the_rest)
{
	Pb__Person p = PB__PERSON__INIT, *r;

	fresh(url);
	r = person("1001", &admin);
	p.id = r->id;
	p.version = r->version;
	p.name = "李小明";
	p.fields = (char *[]){ "name" };
	p.n_fields = 1;
	r = ask("PersonPut", &p, &admin);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	YCT_STR(r->name, "李小明");
	YCT_STR(r->org, "team1");
	CU_ASSERT_EQUAL(r->n_skills, 1);
	ask("PersonPut", &p, &admin);
	failed(YC_STALE, "version");
	leave();
}

STORY(a_retry_of_a_write_gets_the_first_answer)
{
	Pb__Person p = PB__PERSON__INIT, *one, *two;

	fresh(url);
	p.staff_no = "7001";
	p.name = "赵";
	p.org = "km";
	p.password = "a-password-7001";
	one = yct_ask(&c, "directory", &pb__directory__descriptor, "PersonPut", &p, &admin, "idem-1");
	two = yct_ask(&c, "directory", &pb__directory__descriptor, "PersonPut", &p, &admin, "idem-1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(one);
	CU_ASSERT_PTR_NOT_NULL_FATAL(two);
	YCT_STR(one->id, two->id);
	YCT_STR(two->password, "");
	p.name = "钱";
	yct_ask(&c, "directory", &pb__directory__descriptor, "PersonPut", &p, &admin, "idem-1");
	failed(YC_CONFLICT, "request_id");
	leave();
}

STORY(a_skill_is_granted_and_taken_away)
{
	Pb__GrantSkillReq in = PB__GRANT_SKILL_REQ__INIT;
	Pb__Person *r;

	fresh(url);
	in.person_id = person("1001", &admin)->id;
	in.skill = "english";
	in.level = 2;
	r = ask("GrantSkill", &in, &km);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->n_skills, 2);
	in.skill = "post";
	in.level = 0;
	r = ask("GrantSkill", &in, &km);
	CU_ASSERT_EQUAL_FATAL(r->n_skills, 1);
	YCT_STR(r->skills[0]->skill, "english");
	in.skill = "juggling";
	in.level = 1;
	ask("GrantSkill", &in, &km);
	failed(YC_INVALID, "skills.1.skill");
	leave();
}

/* --- administrators ---------------------------------------------------------------------------------------------------------------- */

STORY(the_command_line_makes_the_first_administrator_only)
{
	Pb__AdminCreateReq in = PB__ADMIN_CREATE_REQ__INIT;
	Pb__Person *r, p = PB__PERSON__INIT;

	fresh(url);
	in.login = "root";
	in.password = "short";
	ask("AdminCreate", &in, NULL);
	failed(YC_INVALID, "password");
	in.password = "long enough 1";
	r = ask("AdminCreate", &in, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	YCT_STR(r->org_path, "/");
	enters("root", "long enough 1");
	in.login = "root2";
	ask("AdminCreate", &in, NULL);
	CU_ASSERT_EQUAL(c.code, YC_CONFLICT);
	p.id = r->id;
	p.fields = (char *[]){ "active" };
	p.n_fields = 1;
	ask("PersonPut", &p, &admin);
	failed(YC_CONFLICT, "roles");            /* the last one stays */
	CU_ASSERT_PTR_NOT_NULL(ask("AdminCreate", &in, &admin));
	load("person", "{\"staff_no\":\"9100\",\"login\":\"jiaosu\",\"name\":\"管理员\",\"org\":\"team1\",\"roles\":[\"admin\"],\"password\":\"password-9100\"}");
	YCT_STR(check(enters("jiaosu", "password-9100")->token)->principal->org_path, "/");
	leave();
}

/* --- signing in -------------------------------------------------------------------------------------------------------------------- */

STORY(a_session_opens_checks_and_closes)
{
	Pb__TokenReq in = PB__TOKEN_REQ__INIT;
	Pb__Session *s;
	Pb__TokenReply *t;

	fresh(url);
	s = enters("liming", "yichuang-1001");
	t = check(s->token);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	YCT_STR(t->kind, "session");
	YCT_STR(t->principal->org_path, "/yn/km/team1");
	CU_ASSERT_EQUAL(t->principal->roles, 1u << PB__ROLE__ROLE_AGENT);
	YCT_STR(t->csrf, s->csrf);
	CU_ASSERT(t->expires_at > yc_now());
	in.token = s->token;
	CU_ASSERT_PTR_NOT_NULL(ask("Logout", &in, NULL));
	CU_ASSERT_PTR_NULL(check(s->token));
	failed(YC_UNAUTHENTICATED, "");
	CU_ASSERT_PTR_NOT_NULL(ask("Logout", &in, NULL));
	leave();
}

static int64_t time_of_login(const char *name, const char *password)
{
	int64_t t = yc_mono_us();

	login(name, password);
	return yc_mono_us() - t;
}

STORY(an_unknown_login_gets_the_answer_and_the_time_of_a_wrong_password)
{
	char msg[256];
	int64_t known = INT64_MAX, unknown = INT64_MAX, t;

	fresh(url);
	login("liming", "yichuang-1001");
	login("liming", "wrong password");
	failed(YC_UNAUTHENTICATED, "");
	yc_copy(msg, sizeof(msg), c.e.msg);
	login("nobody", "wrong password");
	failed(YC_UNAUTHENTICATED, "");
	YCT_STR(c.e.msg, msg);
	for (int i = 0; i < 3; i++) {            /* the quickest of three: less of the machine's noise */
		t = time_of_login("liming", "wrong password");
		known = t < known ? t : known;
		t = time_of_login("nobody", "wrong password");
		unknown = t < unknown ? t : unknown;
	}
	CU_ASSERT(unknown * 5 > known && known * 5 > unknown);   /* without the hash it would be a hundred times quicker */
	leave();
}

STORY(too_many_wrong_passwords_have_to_wait_known_or_not)
{
	fresh(url);
	for (int i = 0; i < 5; i++) {
		login("liming", "wrong password");
		CU_ASSERT_EQUAL(c.code, YC_UNAUTHENTICATED);
		login("ghost", "wrong password");
	}
	login("liming", "yichuang-1001");
	CU_ASSERT_EQUAL(c.code, YC_EXHAUSTED);
	login("ghost", "wrong password");
	CU_ASSERT_EQUAL(c.code, YC_EXHAUSTED);
	leave();
}

STORY(a_person_made_inactive_is_out_at_once)
{
	Pb__Session *s;
	Pb__Person p = PB__PERSON__INIT;

	fresh(url);
	s = enters("liming", "yichuang-1001");
	p.id = s->person->id;
	p.fields = (char *[]){ "active" };
	p.n_fields = 1;
	CU_ASSERT_PTR_NOT_NULL(ask("PersonPut", &p, &admin));
	CU_ASSERT_PTR_NULL(check(s->token));
	CU_ASSERT_PTR_NULL(login("liming", "yichuang-1001"));
	CU_ASSERT_EQUAL(c.code, YC_UNAUTHENTICATED);
	leave();
}

/* --- keys -------------------------------------------------------------------------------------------------------------------------- */

STORY(an_api_key_is_shown_once_checked_and_revoked)
{
	Pb__ApiKey in = PB__API_KEY__INIT, *k, *again;
	Pb__KeyReq rq = PB__KEY_REQ__INIT;
	Pb__ListReq list = PB__LIST_REQ__INIT;
	Pb__ApiKeys *all;
	Pb__TokenReply *t;

	fresh(url);
	in.name = "邮政总局接口";
	in.scopes = (char *[]){ "orders:read", "orders:write" };
	in.n_scopes = 2;
	in.roles = (char *[]){ "integrator" };
	in.n_roles = 1;
	in.org = "km";
	in.expires_at = yc_now() + 86400000;
	k = yct_ask(&c, "directory", &pb__directory__descriptor, "ApiKeyCreate", &in, &admin, "key-1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(k);
	CU_ASSERT(!strncmp(k->secret, "yck_", 4) && strlen(k->secret) == 47);
	again = yct_ask(&c, "directory", &pb__directory__descriptor, "ApiKeyCreate", &in, &admin, "key-1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(again);
	YCT_STR(again->id, k->id);
	YCT_STR(again->secret, "");
	t = check(k->secret);
	CU_ASSERT_PTR_NOT_NULL_FATAL(t);
	YCT_STR(t->kind, "key");
	YCT_STR(t->principal->org_path, "/yn/km");
	CU_ASSERT_EQUAL(t->principal->n_scopes, 2);
	all = ask("ApiKeyList", &list, &auditor);
	CU_ASSERT_EQUAL_FATAL(all->n_data, 1);
	YCT_STR(all->data[0]->secret, "");
	rq.id = k->id;
	ask("ApiKeyRevoke", &rq, &km);
	CU_ASSERT_EQUAL(c.code, YC_FORBIDDEN);
	CU_ASSERT(((Pb__ApiKey *)ask("ApiKeyRevoke", &rq, &admin))->revoked);
	CU_ASSERT_PTR_NULL(check(k->secret));
	leave();
}

STORY(a_key_without_end_scope_or_role_is_refused_by_field)
{
	Pb__ApiKey in = PB__API_KEY__INIT;

	fresh(url);
	in.name = "k";
	ask("ApiKeyCreate", &in, &admin);
	failed(YC_INVALID, "scopes");
	in.scopes = (char *[]){ "orders:read", "everything" };
	in.n_scopes = 2;
	ask("ApiKeyCreate", &in, &admin);
	failed(YC_INVALID, "scopes.1");
	in.n_scopes = 1;
	ask("ApiKeyCreate", &in, &admin);
	failed(YC_INVALID, "expires_at");
	in.expires_at = yc_now() + 1000000;
	ask("ApiKeyCreate", &in, &admin);
	failed(YC_INVALID, "roles");
	leave();
}

/* --- extensions and calendars --------------------------------------------------------------------------------------------------------- */

STORY(an_extension_keeps_digests_only_and_shows_them_to_services_only)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	Pb__Extensions *x;
	char md5[33], sha[65];
	const char *ha1 = "8001:yichuang:phone-8001";

	fresh(url);
	load("extension", "{\"number\":\"8001\",\"password\":\"phone-8001\"}");
	yc_md5_hex(ha1, strlen(ha1), md5);
	yc_sha256_hex(ha1, strlen(ha1), sha);
	x = ask("ExtensionList", &in, NULL);
	CU_ASSERT_EQUAL_FATAL(x->n_data, 1);
	YCT_STR(x->data[0]->ha1_md5, md5);
	YCT_STR(x->data[0]->ha1_sha256, sha);
	YCT_STR(x->data[0]->password, "");
	x = ask("ExtensionList", &in, &admin);
	YCT_STR(x->data[0]->ha1_md5, "");
	CU_ASSERT_EQUAL(import("extension", "{\"number\":\"8001\",\"password\":\"phone-8001\"}")->action, PB__IMPORT_ACTION__IMPORT_ACTION_SAME);
	CU_ASSERT_EQUAL(import("extension", "{\"number\":\"8001\",\"password\":\"other\"}")->action, PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE);
	YCT_STR(import("extension", "{\"number\":\"8002\"}")->field, "password");
	YCT_STR(import("extension", "{\"number\":\"80a\",\"password\":\"x\"}")->field, "number");
	load("extension", "{\"number\":\"8003\",\"static_contact\":\"sip:agent1@127.0.0.3:5070\"}");
	leave();
}

STORY(a_calendar_comes_back_as_it_went_in)
{
	static const char json[] = "{\"code\":\"cn-office\",\"name\":\"机关工作日\",\"utc_offset\":\"+08:00\",\"first_year\":2026,\"last_year\":2026,"
		"\"week\":[{\"day\":\"mon\",\"spans\":[{\"open\":\"08:30\",\"close\":\"12:00\"}]}],"
		"\"days\":[{\"date\":\"2026-02-14\",\"name\":\"春节调休\",\"spans\":[{\"open\":\"08:30\",\"close\":\"12:00\"}]},"
		"{\"date\":\"2026-10-01\",\"name\":\"国庆节\",\"closed\":true}]}";
	Pb__KeyReq in = PB__KEY_REQ__INIT;
	Pb__Calendar *cal;

	fresh(url);
	load("calendar", json);
	CU_ASSERT_EQUAL(import("calendar", json)->action, PB__IMPORT_ACTION__IMPORT_ACTION_SAME);
	in.id = "cn-office";
	cal = ask("CalendarGet", &in, &agent);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cal);
	CU_ASSERT_EQUAL_FATAL(cal->n_days, 2);
	YCT_STR(cal->days[0]->name, "春节调休");
	YCT_STR(cal->days[0]->spans[0]->open, "08:30");
	CU_ASSERT(cal->days[1]->closed);
	YCT_STR(import("calendar", "{\"code\":\"x\",\"utc_offset\":\"+08:00\",\"first_year\":2026,\"last_year\":2026,\"days\":[{\"date\":\"2027-01-01\",\"closed\":true}]}")->field,
		"days.0.date");
	leave();
}

/* --- audit ----------------------------------------------------------------------------------------------------------------------------- */

STORY(the_audit_log_is_a_chain_that_shows_tampering)
{
	Pb__Empty none = PB__EMPTY__INIT;
	Pb__ListReq in = PB__LIST_REQ__INIT;
	Pb__AuditRows *rows;
	Pb__Status *v;
	struct yc_db *db;

	fresh(url);
	login("liming", "wrong password");
	in.q = "session.refused";
	rows = ask("AuditList", &in, &auditor);
	CU_ASSERT_EQUAL_FATAL(rows->n_data, 1);
	YCT_STR(rows->data[0]->object, "liming");
	v = ask("AuditVerify", &none, &auditor);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_EQUAL(v->code, PB__CODE__CODE_OK);
	ask("AuditList", &in, &agent);
	CU_ASSERT_EQUAL(c.code, YC_FORBIDDEN);
	yct_kill(pid, SIGTERM);
	YCT_OK(yc_db_open(&db, store, "directory", yct_err()));
	YCT_OK(yc_db_exec(db, "UPDATE audit SET actor = 'someone else' WHERE seq = 3", yct_err()));
	yc_db_close(&db);
	start();
	v = ask("AuditVerify", &none, &auditor);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_EQUAL(v->code, PB__CODE__CODE_CONFLICT);
	YCT_STR(v->field, "3");
	leave();
}

STORY(an_audit_log_cut_off_at_its_end_is_noticed)
{
	Pb__Empty none = PB__EMPTY__INIT;
	Pb__Status *v;
	struct yc_db *db;

	fresh(url);
	yct_kill(pid, SIGTERM);
	YCT_OK(yc_db_open(&db, store, "directory", yct_err()));
	YCT_OK(yc_db_exec(db, "DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)", yct_err()));
	yc_db_close(&db);
	start();
	v = ask("AuditVerify", &none, &auditor);
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	CU_ASSERT_EQUAL(v->code, PB__CODE__CODE_CONFLICT);
	leave();
}

YCT_MAIN("directory", T(moving_a_branch_moves_the_paths_of_all_below_it), T(a_cycle_a_second_root_and_an_unknown_parent_are_refused),
	 T(the_same_file_twice_changes_nothing_even_with_a_password), T(a_changed_password_in_a_file_ends_the_old_one_and_its_sessions),
	 T(a_dry_run_tells_the_difference_and_changes_nothing), T(a_dry_run_of_a_whole_tree_may_refer_to_its_own_parts),
	 T(an_import_with_one_error_changes_no_password_either), T(people_are_found_by_chinese_name_and_paged_by_cursor),
	 T(a_branch_sees_and_changes_only_its_own_people), T(a_stale_version_is_refused_and_a_patch_keeps_the_rest),
	 T(a_retry_of_a_write_gets_the_first_answer), T(a_skill_is_granted_and_taken_away), T(the_command_line_makes_the_first_administrator_only),
	 T(a_session_opens_checks_and_closes), T(an_unknown_login_gets_the_answer_and_the_time_of_a_wrong_password),
	 T(too_many_wrong_passwords_have_to_wait_known_or_not), T(a_person_made_inactive_is_out_at_once),
	 T(an_api_key_is_shown_once_checked_and_revoked), T(a_key_without_end_scope_or_role_is_refused_by_field),
	 T(an_extension_keeps_digests_only_and_shows_them_to_services_only), T(a_calendar_comes_back_as_it_went_in),
	 T(the_audit_log_is_a_chain_that_shows_tampering), T(an_audit_log_cut_off_at_its_end_is_noticed))
