#include "yct.h"

#include <string.h>

#include "yc/err.h"
#include "yc/text.h"
#include "yc/v1/common.pb-c.h"

static void every_code_equals_the_code_of_the_proto(void)
{
	char name[64];

	CU_ASSERT_EQUAL_FATAL(pb__code__descriptor.n_values, YC_PENDING);       /* all but PENDING travel */
	for (int i = 0; i < YC_PENDING; i++) {
		const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&pb__code__descriptor, i);

		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		snprintf(name, sizeof(name), "CODE_%s", yc_code_name((enum yc_code)i));
		YCT_STR(v->name, name);
	}
}

static void codes_that_http_knows_have_its_status(void)
{
	CU_ASSERT_EQUAL(yc_code_http(YC_OK), 200);
	CU_ASSERT_EQUAL(yc_code_http(YC_NOT_FOUND), 404);
	CU_ASSERT_EQUAL(yc_code_http(YC_STALE), 412);
	CU_ASSERT_EQUAL(yc_code_http(YC_DEADLINE), 504);
	YCT_STR(yc_code_slug(YC_NOT_FOUND), "not-found");
	YCT_STR(yc_code_slug(YC_INSTANCE_LOST), "instance-lost");
}

static void only_errors_of_the_moment_may_be_sent_again(void)
{
	for (int i = 0; i < YC_CODE_COUNT; i++) {
		int passing = i == YC_EXHAUSTED || i == YC_UNAVAILABLE || i == YC_INSTANCE_LOST || i == YC_DEADLINE;

		CU_ASSERT_EQUAL(yc_code_is_retryable((enum yc_code)i), passing);
	}
}

static void an_unknown_code_is_an_internal_error_with_a_question_mark(void)
{
	YCT_STR(yc_code_name((enum yc_code)99), "?");
	YCT_STR(yc_code_name((enum yc_code)-1), "?");
	CU_ASSERT_EQUAL(yc_code_http((enum yc_code)99), 500);
	CU_ASSERT_EQUAL(yc_code_is_retryable((enum yc_code)99), 0);
}

static void a_failure_carries_code_field_and_sentence(void)
{
	struct yc_err e = { 0 };

	CU_ASSERT_EQUAL(yc_fail(&e, YC_INVALID, "age", "%d is too young", 3), YC_INVALID);
	CU_ASSERT_EQUAL(e.code, YC_INVALID);
	YCT_STR(e.field, "age");
	YCT_STR(e.msg, "3 is too young");
	yc_fail(&e, YC_INTERNAL, NULL, "x");
	YCT_STR(e.field, "");
	CU_ASSERT_EQUAL(yc_fail(NULL, YC_CONFLICT, "a", "b"), YC_CONFLICT);
}

static void a_long_sentence_is_cut_between_characters(void)
{
	struct yc_err e = { 0 };
	char text[1200] = "";

	for (int i = 0; i < 380; i++)
		memcpy(text + 3 * i, "窗", 4);
	yc_fail(&e, YC_INVALID, text, "a%s", text);
	CU_ASSERT(yc_utf8_ok(e.msg));
	CU_ASSERT(yc_utf8_ok(e.field));
	CU_ASSERT_EQUAL(strlen(e.msg), 1 + 84 * 3);
	CU_ASSERT_EQUAL(strlen(e.field), 63);
}

static void what_a_peer_sent_stays_one_line_of_utf8(void)
{
	struct yc_err e = { 0 };

	yc_fail(&e, YC_INVALID, "a\nb", "bad '%s'", "x\xff\xfe\r\ny\x01窗\xe7");
	YCT_STR(e.msg, "bad 'x??  y 窗?'");
	YCT_STR(e.field, "a b");
}

static void an_error_may_be_rewritten_in_its_own_words(void)
{
	struct yc_err e = { 0 };

	yc_fail(&e, YC_INVALID, "name", "is empty");
	yc_fail(&e, e.code, e.field, "row 3: %s", e.msg);
	YCT_STR(e.msg, "row 3: is empty");
	YCT_STR(e.field, "name");
}

static void a_nested_error_gets_the_path_of_its_field(void)
{
	struct yc_err e = { 0 };

	yc_fail(&e, YC_INVALID, "phone", "is empty");
	CU_ASSERT_EQUAL(yc_err_in(&e, "person"), YC_INVALID);
	YCT_STR(e.field, "person.phone");
	yc_err_in(&e, "order");
	YCT_STR(e.field, "order.person.phone");
	yc_err_in(&e, "");
	YCT_STR(e.field, "order.person.phone");
	yc_fail(&e, YC_INVALID, NULL, "is empty");
	yc_err_in(&e, "items");
	YCT_STR(e.field, "items");
	for (int i = 0; i < 30; i++)
		yc_err_in(&e, "窗口窗口");
	CU_ASSERT(yc_utf8_ok(e.field) && strlen(e.field) < sizeof(e.field));
	CU_ASSERT_EQUAL(yc_err_in(NULL, "x"), YC_INTERNAL);
}

YCT_MAIN("err",
	 T(every_code_equals_the_code_of_the_proto),
	 T(codes_that_http_knows_have_its_status),
	 T(only_errors_of_the_moment_may_be_sent_again),
	 T(an_unknown_code_is_an_internal_error_with_a_question_mark),
	 T(a_failure_carries_code_field_and_sentence),
	 T(a_long_sentence_is_cut_between_characters),
	 T(what_a_peer_sent_stays_one_line_of_utf8),
	 T(an_error_may_be_rewritten_in_its_own_words),
	 T(a_nested_error_gets_the_path_of_its_field))
