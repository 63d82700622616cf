#include "yct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/json.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/common.pb-c.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/report.pb-c.h"
#include "yc/v1/ticket.pb-c.h"

static struct yc_arena *a;

static void setup(void) { a = yc_arena_new(1 << 20); }
static void teardown(void) { yc_arena_free(&a); }

static enum yc_code read_as(const ProtobufCMessageDescriptor *d, const char *text, void **out, struct yc_err *e)
{
	return yc_json_read(a, d, text, strlen(text), out, e);
}

/* text must be refused with this code, the field named, and the message not empty. */
static void refused(const ProtobufCMessageDescriptor *d, const char *text, enum yc_code code, const char *field)
{
	struct yc_err e = { 0 };
	void *m = &e;

	CU_ASSERT_EQUAL(read_as(d, text, &m, &e), code);
	YCT_STR(e.field, field);
	CU_ASSERT(e.msg[0]);
	CU_ASSERT_PTR_NULL(m);
	if (e.code != code || strcmp(e.field, field))
		printf("  for %.100s: %s, field %s, %s\n", text, yc_code_name(e.code), e.field, e.msg);
}

static void a_message_survives_the_way_to_json_and_back(void)
{
	static const char text[] =
		"{\"code\":\"post\",\"name\":\"邮政 \\\"一号\\\"\\n\",\"name_en\":\"\",\"skills\":[{\"skill\":\"mail\",\"level\":3},{\"skill\":\"en\",\"level\":1}],"
		"\"offer_timeout_ms\":20000,\"wrapup_ms\":0,\"service_level_ms\":15000,\"priority_boost_s\":-60,\"max_waiting\":0,\"music\":\"\",\"version\":9007199254740991}";
	struct yc_buf b = { 0 };
	Pb__Queue *q;

	YCT_OK(read_as(&pb__queue__descriptor, text, (void **)&q, yct_err()));
	YCT_STR(q->name, "邮政 \"一号\"\n");
	CU_ASSERT_EQUAL(q->n_skills, 2);
	CU_ASSERT_EQUAL(q->skills[0]->level, 3);
	CU_ASSERT_EQUAL(q->version, 9007199254740991);
	yc_json_write(&b, &q->base);
	YCT_STR(b.p, text);
	yc_buf_free(&b);
}

static void what_is_missing_has_its_default_and_defaults_are_written(void)
{
	struct yc_buf b = { 0 };
	Pb__OfferResult *m;

	YCT_OK(read_as(&pb__offer_result__descriptor, "{}", (void **)&m, yct_err()));
	yc_json_write(&b, &m->base);
	YCT_STR(b.p, "{\"reservation_id\":\"\",\"item_id\":\"\",\"agent_id\":\"\",\"version\":0,\"outcome\":\"none\",\"reason\":\"\"}");
	yc_buf_free(&b);
}

static void times_are_rfc_3339_and_zero_is_null(void)
{
	struct yc_buf b = { 0 };
	Pb__DueLine *m;

	YCT_OK(read_as(&pb__due_line__descriptor, "{\"from_at\":\"2026-11-22T12:31:00.5+08:00\",\"to_at\":null,\"running\":true}", (void **)&m, yct_err()));
	CU_ASSERT_EQUAL(m->from_at, 1795321860500);
	CU_ASSERT_EQUAL(m->to_at, 0);
	yc_json_write(&b, &m->base);
	YCT_STR(b.p, "{\"from_at\":\"2026-11-22T04:31:00.500Z\",\"to_at\":null,\"counted_ms\":0,\"running\":true}");
	yc_buf_free(&b);
	refused(&pb__due_line__descriptor, "{\"from_at\":1795321860500}", YC_INVALID, "from_at");
	refused(&pb__due_line__descriptor, "{\"from_at\":\"gestern\"}", YC_INVALID, "from_at");
}

static void bytes_are_base_64(void)
{
	static const char *const good[] = { "", "AA==", "AP8=", "AP8B", "/+8AAQ==" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct yc_buf b = { 0 };
		Pb__BlobReadReply *m;
		char text[80], member[64];

		snprintf(member, sizeof(member), "\"data\":\"%s\"", good[i]);
		snprintf(text, sizeof(text), "{%s}", member);
		YCT_OK(read_as(&pb__blob_read_reply__descriptor, text, (void **)&m, yct_err()));
		yc_json_write(&b, &m->base);
		CU_ASSERT_PTR_NOT_NULL(strstr(b.p, member));
		yc_buf_free(&b);
	}
	refused(&pb__blob_read_reply__descriptor, "{\"data\":\"AAA\"}", YC_INVALID, "data");
	refused(&pb__blob_read_reply__descriptor, "{\"data\":\"A===\"}", YC_INVALID, "data");
	refused(&pb__blob_read_reply__descriptor, "{\"data\":\"AA=A\"}", YC_INVALID, "data");
	refused(&pb__blob_read_reply__descriptor, "{\"data\":\"AA A\"}", YC_INVALID, "data");
	refused(&pb__blob_read_reply__descriptor, "{\"data\":12}", YC_INVALID, "data");
}

static void enums_are_lower_case_names_without_their_types_prefix(void)
{
	char buf[32];
	unsigned i;

	YCT_STR(yc_enum_name(&pb__agent_status__descriptor, PB__AGENT_STATUS__AGENT_STATUS_WRAP_UP, buf, sizeof(buf)), "wrap_up");
	YCT_STR(yc_enum_name(&pb__header__kind__descriptor, PB__HEADER__KIND__KIND_REQUEST, buf, sizeof(buf)), "request");
	YCT_STR(yc_enum_name(&pb__role__descriptor, 99, buf, sizeof(buf)), "");
	for (i = 0; i < pb__role__descriptor.n_values; i++) {
		int v = pb__role__descriptor.values[i].value;

		CU_ASSERT_EQUAL(yc_enum_value(&pb__role__descriptor, yc_enum_name(&pb__role__descriptor, v, buf, sizeof(buf))), v);
	}
	CU_ASSERT_EQUAL(yc_enum_value(&pb__role__descriptor, "Agent"), -1);
	CU_ASSERT_EQUAL(yc_enum_value(&pb__role__descriptor, "role_agent"), -1);
	CU_ASSERT_EQUAL(yc_enum_value(&pb__role__descriptor, ""), -1);
	refused(&pb__offer_result__descriptor, "{\"outcome\":\"perhaps\"}", YC_INVALID, "outcome");
	refused(&pb__offer_result__descriptor, "{\"outcome\":1}", YC_INVALID, "outcome");
}

static void every_error_names_its_field_by_path(void)
{
	refused(&pb__process__descriptor, "{\"nmae\":\"x\"}", YC_INVALID, "nmae");
	refused(&pb__process__descriptor, "{\"name\":7}", YC_INVALID, "name");
	refused(&pb__process__descriptor, "{\"name\":null}", YC_INVALID, "name");
	refused(&pb__process__descriptor, "{\"steps\":{}}", YC_INVALID, "steps");
	refused(&pb__process__descriptor, "{\"steps\":[{},{},{\"name\":false}]}", YC_INVALID, "steps.2.name");
	refused(&pb__process__descriptor, "{\"steps\":[{},null]}", YC_INVALID, "steps.1");
	refused(&pb__process__descriptor, "{\"steps\":[{},[]]}", YC_INVALID, "steps.1");
	refused(&pb__live_contact__descriptor, "{\"item\":{\"tried\":[\"a\",1]}}", YC_INVALID, "item.tried.1");
	refused(&pb__live_contact__descriptor, "{\"item\":[]}", YC_INVALID, "item");
	refused(&pb__live_contact__descriptor, "{\"bridged\":1}", YC_INVALID, "bridged");
	refused(&pb__interval_row__descriptor, "{\"answer_rate\":\"0.5\"}", YC_INVALID, "answer_rate");
}

static void integers_out_of_range_are_refused(void)
{
	Pb__Queue *q;

	refused(&pb__queue__descriptor, "{\"version\":9007199254740992}", YC_INVALID, "version");
	refused(&pb__queue__descriptor, "{\"version\":-9007199254740992}", YC_INVALID, "version");
	refused(&pb__queue__descriptor, "{\"max_waiting\":2147483648}", YC_INVALID, "max_waiting");
	refused(&pb__queue__descriptor, "{\"max_waiting\":-2147483649}", YC_INVALID, "max_waiting");
	refused(&pb__queue__descriptor, "{\"max_waiting\":1.5}", YC_INVALID, "max_waiting");
	refused(&pb__queue__descriptor, "{\"max_waiting\":1e3}", YC_INVALID, "max_waiting");
	refused(&pb__queue__descriptor, "{\"version\":18446744073709551616}", YC_MALFORMED, "");
	refused(&pb__principal__descriptor, "{\"roles\":-1}", YC_INVALID, "roles");
	refused(&pb__principal__descriptor, "{\"roles\":4294967296}", YC_INVALID, "roles");
	YCT_OK(read_as(&pb__queue__descriptor, "{\"max_waiting\":-2147483648}", (void **)&q, yct_err()));
	CU_ASSERT_EQUAL(q->max_waiting, INT32_MIN);
}

static void what_is_no_json_is_malformed(void)
{
	struct yc_err e = { 0 };
	char deep[4001];
	void *m;

	refused(&pb__queue__descriptor, "", YC_MALFORMED, "");
	refused(&pb__queue__descriptor, "[]", YC_MALFORMED, "");
	refused(&pb__queue__descriptor, "{\"name\":\"x\"", YC_MALFORMED, "");
	refused(&pb__queue__descriptor, "{\"name\":\"x\"} x", YC_MALFORMED, "");
	refused(&pb__queue__descriptor, "{\"name\":\"x\",\"name\":\"y\"}", YC_MALFORMED, "");
	refused(&pb__queue__descriptor, "{\"name\":\"\xc3\x28\"}", YC_MALFORMED, "");
	refused(&pb__queue__descriptor, "{\"name\":\"\\ud800\"}", YC_MALFORMED, "");
	refused(&pb__queue__descriptor, "{\"name\":\"a\\u0000b\"}", YC_MALFORMED, "");
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = 0;
	refused(&pb__queue__descriptor, deep, YC_MALFORMED, "");
	CU_ASSERT_EQUAL(read_as(&pb__queue__descriptor, "{\n \"name\": nothing}", &m, &e), YC_MALFORMED);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "line 2"));
}

static void a_request_larger_than_its_arena_is_too_large(void)
{
	struct yc_arena *small = yc_arena_new(4096);
	char text[9000];
	struct yc_err e = { 0 };
	void *m;

	snprintf(text, sizeof(text), "{\"name\":\"%08000d\"}", 1);
	CU_ASSERT_EQUAL(yc_json_read(small, &pb__queue__descriptor, text, strlen(text), &m, &e), YC_TOO_LARGE);
	YCT_STR(e.field, "name");
	yc_arena_free(&small);
}

static void the_keys_that_are_present_fill_the_fields_of_a_patch(void)
{
	Pb__CustomerPut *m;

	YCT_OK(read_as(&pb__customer_put__descriptor, "{\"note\":\"\",\"phones\":[]}", (void **)&m, yct_err()));
	CU_ASSERT_EQUAL_FATAL(m->n_fields, 2);
	CU_ASSERT((!strcmp(m->fields[0], "note") && !strcmp(m->fields[1], "phones")) || (!strcmp(m->fields[1], "note") && !strcmp(m->fields[0], "phones")));
	refused(&pb__customer_put__descriptor, "{\"fields\":[\"note\"]}", YC_INVALID, "fields");
	YCT_OK(read_as(&pb__customer_put__descriptor, "{}", (void **)&m, yct_err()));
	CU_ASSERT_EQUAL(m->n_fields, 0);
}

static void query_parameters_are_set_by_name(void)
{
	struct yc_err e = { 0 };
	Pb__ListReq *m = yc_pb_new(a, &pb__list_req__descriptor);
	Pb__Person *p = yc_pb_new(a, &pb__person__descriptor);
	Pb__LiveContact *l = yc_pb_new(a, &pb__live_contact__descriptor);
	Pb__OfferResult *o = yc_pb_new(a, &pb__offer_result__descriptor);

	YCT_OK(yc_json_set(a, &m->base, "limit", "50", yct_err()));
	YCT_OK(yc_json_set(a, &m->base, "q", "张", yct_err()));
	CU_ASSERT_EQUAL(m->limit, 50);
	YCT_STR(m->q, "张");
	YCT_OK(yc_json_set(a, &p->base, "active", "true", yct_err()));
	YCT_OK(yc_json_set(a, &p->base, "roles", "agent", yct_err()));
	YCT_OK(yc_json_set(a, &p->base, "roles", "leader", yct_err()));
	CU_ASSERT(p->active);
	CU_ASSERT_EQUAL_FATAL(p->n_roles, 2);
	YCT_STR(p->roles[0], "agent");
	YCT_STR(p->roles[1], "leader");
	YCT_OK(yc_json_set(a, &l->base, "since_at", "2026-11-22T04:31:00Z", yct_err()));
	CU_ASSERT_EQUAL(l->since_at, 1795321860000);
	YCT_OK(yc_json_set(a, &o->base, "outcome", "timed_out", yct_err()));
	CU_ASSERT_EQUAL(o->outcome, PB__OFFER_OUTCOME__OFFER_OUTCOME_TIMED_OUT);
	CU_ASSERT_EQUAL(yc_json_set(a, &m->base, "limit", "5x", &e), YC_INVALID);
	YCT_STR(e.field, "limit");
	CU_ASSERT_EQUAL(yc_json_set(a, &m->base, "limit", "", &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_json_set(a, &m->base, "limit", "99999999999", &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_json_set(a, &m->base, "limt", "5", &e), YC_INVALID);
	YCT_STR(e.field, "limt");
	CU_ASSERT_EQUAL(yc_json_set(a, &m->base, "q", "\xff", &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_json_set(a, &l->base, "item", "x", &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_json_set(a, &p->base, "active", "maybe", &e), YC_INVALID);
}

static void text_that_is_not_utf_8_is_found_wherever_it_stands(void)
{
	struct yc_err e = { 0 };
	Pb__Process *p = yc_pb_new(a, &pb__process__descriptor);
	Pb__ResyncReq *r = yc_pb_new(a, &pb__resync_req__descriptor);
	Pb__LiveContact *l = yc_pb_add(a, &pb__live_contact__descriptor, &r->contacts, &r->n_contacts);
	static char *tried[] = { "ok", "\xed\xa0\x80" };

	p->name = "好";
	YCT_OK(yc_pb_check_utf8(&p->base, yct_err()));
	p->name_en = "\xc0\xaf";
	CU_ASSERT_EQUAL(yc_pb_check_utf8(&p->base, &e), YC_INVALID);
	YCT_STR(e.field, "name_en");
	l->item = yc_pb_new(a, &pb__work_item__descriptor);
	YCT_OK(yc_pb_check_utf8(&r->base, yct_err()));
	l->item->tried = tried;
	l->item->n_tried = 2;
	CU_ASSERT_EQUAL(yc_pb_check_utf8(&r->base, &e), YC_INVALID);
	YCT_STR(e.field, "contacts.0.item.tried.1");
}

static void differences_are_told_line_by_line(void)
{
	static const char *const ignore[] = { "version", NULL };
	Pb__Queue *x, *y;
	struct yc_buf b = { 0 };

	YCT_OK(read_as(&pb__queue__descriptor, "{\"code\":\"a\",\"name\":\"旧\",\"version\":1,\"skills\":[]}", (void **)&x, yct_err()));
	YCT_OK(read_as(&pb__queue__descriptor, "{\"code\":\"a\",\"name\":\"新\",\"version\":2,\"skills\":[{\"skill\":\"s\",\"level\":2}]}", (void **)&y, yct_err()));
	CU_ASSERT_EQUAL(yc_json_diff(&b, &x->base, &y->base, ignore), 2);
	YCT_STR(b.p, "name: \"旧\" -> \"新\"\nskills: [] -> [{\"skill\":\"s\",\"level\":2}]\n");
	yc_buf_free(&b);
	CU_ASSERT_EQUAL(yc_json_diff(&b, &x->base, &x->base, NULL), 0);
	CU_ASSERT_PTR_NULL(b.p);
}

static void numbers_with_a_fraction_come_back_exactly(void)
{
	static const double v[] = { 0, 0.1, 1.0 / 3, 0.9523809523809523, -2.5e-9, 1e300 };
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(*v); i++) {
		Pb__IntervalRow *m = yc_pb_new(a, &pb__interval_row__descriptor), *back;
		struct yc_buf b = { 0 };

		m->answer_rate = v[i];
		yc_json_write(&b, &m->base);
		YCT_OK(read_as(&pb__interval_row__descriptor, b.p, (void **)&back, yct_err()));
		CU_ASSERT_EQUAL(back->answer_rate, v[i]);
		yc_buf_free(&b);
	}
}

static void the_schema_of_a_message_is_itself_json(void)
{
	struct yc_buf b = { 0 };

	yc_json_schema(&b, &pb__live_contact__descriptor);
	YCT_STR(b.p, "{\"type\":\"object\",\"properties\":{\"item\":{\"anyOf\":[{\"$ref\":\"#/components/schemas/WorkItem\"},{\"type\":\"null\"}]},"
		"\"reservation_id\":{\"type\":\"string\"},\"agent_id\":{\"type\":\"string\"},\"bridged\":{\"type\":\"boolean\"},"
		"\"since_at\":{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}}}");
	yc_buf_free(&b);
	yc_json_schema(&b, &pb__offer_result__descriptor);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.p, "\"enum\":[\"none\",\"accepted\""));
	yc_buf_free(&b);
	yc_json_schema(&b, &pb__queue__descriptor);
	CU_ASSERT_PTR_NOT_NULL(strstr(b.p, "\"skills\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/SkillLevel\"}}"));
	yc_buf_free(&b);
}

static void control_characters_are_escaped(void)
{
	struct yc_buf b = { 0 };

	yc_buf_json_str(&b, "a\x01\t\x1f\x7f\\\"\r");
	YCT_STR(b.p, "\"a\\u0001\\t\\u001f\\u007f\\\\\\\"\\r\"");
	yc_buf_free(&b);
}

YCT_MAIN_WITH("json", setup, teardown, T(a_message_survives_the_way_to_json_and_back), T(what_is_missing_has_its_default_and_defaults_are_written),
	      T(times_are_rfc_3339_and_zero_is_null), T(bytes_are_base_64), T(enums_are_lower_case_names_without_their_types_prefix),
	      T(every_error_names_its_field_by_path), T(integers_out_of_range_are_refused), T(what_is_no_json_is_malformed),
	      T(a_request_larger_than_its_arena_is_too_large), T(the_keys_that_are_present_fill_the_fields_of_a_patch), T(query_parameters_are_set_by_name),
	      T(text_that_is_not_utf_8_is_found_wherever_it_stands), T(differences_are_told_line_by_line), T(numbers_with_a_fraction_come_back_exactly),
	      T(the_schema_of_a_message_is_itself_json), T(control_characters_are_escaped))
