#include "yct.h"

#include <string.h>

#include "yc/crypto.h"
#include "yc/phone.h"
#include "yc/text.h"

struct row { const char *in; enum yc_phone_kind kind; const char *out; };

/* Each row with the site in Kunming (area 871). */
static void check(const struct row *r, size_t n)
{
	char out[YC_PHONE_LEN];

	for (size_t i = 0; i < n; i++) {
		enum yc_phone_kind kind = yc_phone_normalize(r[i].in, "871", out);

		if (kind != r[i].kind || strcmp(out, r[i].out))
			printf("  \"%s\": kind %d, \"%s\"; wanted %d, \"%s\"\n", r[i].in, kind, out, r[i].kind, r[i].out);
		CU_ASSERT_EQUAL(kind, r[i].kind);
		YCT_STR(out, r[i].out);
	}
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void mobiles_become_e164_however_they_are_written(void)
{
	static const struct row rows[] = {
		{ "13888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "138 8888 1234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "138-8888-1234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "013888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "8613888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "+8613888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "+86 138 8888 1234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "008613888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "0086-138-8888-1234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "086 13888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "+86013888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "(+86)13888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "＋８６１３８８８８８１２３４", YC_PHONE_MOBILE, "+8613888881234" },
		{ "１３８８８８８１２３４", YC_PHONE_MOBILE, "+8613888881234" },
		{ "138　8888　1234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "\xe2\x80\xad+86 138 8888 1234\xe2\x80\xac", YC_PHONE_MOBILE, "+8613888881234" },
		{ "\xef\xbb\xbf""138–8888–1234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "19912345678", YC_PHONE_MOBILE, "+8619912345678" },
		{ "17951 13888881234", YC_PHONE_MOBILE, "+8613888881234" },
		{ "12593013888881234", YC_PHONE_MOBILE, "+8613888881234" },
	};
	CHECK(rows);
}

static void fixed_lines_get_country_and_area(void)
{
	static const struct row rows[] = {
		{ "0871-63181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "(0871)63181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "（0871）6318 1234", YC_PHONE_FIXED, "+8687163181234" },
		{ "０８７１－６３１８１２３４", YC_PHONE_FIXED, "+8687163181234" },
		{ "0086-871 6318 1234", YC_PHONE_FIXED, "+8687163181234" },
		{ "+86 (0)871 63181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "+86（0）871 63181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "0086 (0)871 63181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "+86 0871 63181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "86-871-63181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "86087163181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "87163181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "63181234", YC_PHONE_FIXED, "+8687163181234" },
		{ "6318-1234", YC_PHONE_FIXED, "+8687163181234" },
		{ "86131234", YC_PHONE_FIXED, "+8687186131234" },       /* a local number that begins like a country code */
		{ "010-63181234", YC_PHONE_FIXED, "+861063181234" },
		{ "01063181234", YC_PHONE_FIXED, "+861063181234" },
		{ "+861063181234", YC_PHONE_FIXED, "+861063181234" },
		{ "021 6318 1234", YC_PHONE_FIXED, "+862163181234" },
		{ "0691-2123456", YC_PHONE_FIXED, "+866912123456" },    /* Xishuangbanna has seven digits */
		{ "0871-63181234-801", YC_PHONE_FIXED, "+8687163181234" },
		{ "0871-63181234转801", YC_PHONE_FIXED, "+8687163181234" },
		{ "0871-63181234 ext. 801", YC_PHONE_FIXED, "+8687163181234" },
		{ "+86-871-63181234-8012", YC_PHONE_FIXED, "+8687163181234" },
		{ "17909087163181234", YC_PHONE_FIXED, "+8687163181234" },
	};
	CHECK(rows);
}

static void service_numbers_stay_as_they_are(void)
{
	static const struct row rows[] = {
		{ "11185", YC_PHONE_SERVICE, "11185" }, { "95198", YC_PHONE_SERVICE, "95198" }, { "12315", YC_PHONE_SERVICE, "12315" },
		{ "110", YC_PHONE_SERVICE, "110" }, { "119", YC_PHONE_SERVICE, "119" }, { "122", YC_PHONE_SERVICE, "122" },
		{ "10086", YC_PHONE_SERVICE, "10086" }, { "1008611", YC_PHONE_SERVICE, "1008611" }, { "116114", YC_PHONE_SERVICE, "116114" },
		{ "12345", YC_PHONE_SERVICE, "12345" }, { "10105757", YC_PHONE_SERVICE, "10105757" },
		{ "95105105", YC_PHONE_SERVICE, "95105105" }, { "96128", YC_PHONE_SERVICE, "96128" },
		{ "400-820-8820", YC_PHONE_SERVICE, "4008208820" }, { "8008208820", YC_PHONE_SERVICE, "8008208820" },
		{ "+864008208820", YC_PHONE_SERVICE, "4008208820" }, { "+8695588", YC_PHONE_SERVICE, "95588" },
		{ "+8611185", YC_PHONE_SERVICE, "11185" }, { "１１１８５", YC_PHONE_SERVICE, "11185" },
		{ "0871-12315", YC_PHONE_SERVICE, "087112315" }, { "+8687112315", YC_PHONE_SERVICE, "087112315" },
		{ "106912345678", YC_PHONE_SERVICE, "106912345678" }, { "10690123456789012345", YC_PHONE_SERVICE, "10690123456789012345" },
	};
	CHECK(rows);
}

static void short_numbers_are_extensions(void)
{
	static const struct row rows[] = {
		{ "1001", YC_PHONE_EXTENSION, "1001" }, { "80", YC_PHONE_EXTENSION, "80" }, { "8012", YC_PHONE_EXTENSION, "8012" },
		{ "600001", YC_PHONE_EXTENSION, "600001" }, { "20110", YC_PHONE_EXTENSION, "20110" }, { "0871", YC_PHONE_EXTENSION, "0871" },
		{ "sip:1001@10.0.0.1", YC_PHONE_EXTENSION, "1001" },
	};
	CHECK(rows);
}

static void uris_are_unwrapped(void)
{
	static const struct row rows[] = {
		{ "sip:013888881234@10.0.0.1:5060;user=phone", YC_PHONE_MOBILE, "+8613888881234" },
		{ "SIP:+8613888881234@ims.mnc000.mcc460.3gppnetwork.org", YC_PHONE_MOBILE, "+8613888881234" },
		{ "sips:%2B8613888881234@host", YC_PHONE_MOBILE, "+8613888881234" },
		{ "\"张三 2\" <sip:13888881234@1.2.3.4>;tag=9911", YC_PHONE_MOBILE, "+8613888881234" },
		{ "<tel:+86-871-6318-1234>", YC_PHONE_FIXED, "+8687163181234" },
		{ "tel:63181234;phone-context=+86871", YC_PHONE_FIXED, "+8687163181234" },
		{ "tel:63181234;phone-context=+8610", YC_PHONE_FIXED, "+861063181234" },
		{ "tel:+85223456789;phone-context=+86", YC_PHONE_FOREIGN, "+85223456789" },
		{ "tel:13888881234;ext=5", YC_PHONE_MOBILE, "+8613888881234" },
		{ "sip:087163181234;cpc=ordinary@host", YC_PHONE_FIXED, "+8687163181234" },
		{ "sip:1001:secret@host", YC_PHONE_EXTENSION, "1001" },
		{ "13888881234@host", YC_PHONE_MOBILE, "+8613888881234" },
		{ "sip:11185@10.1.1.1?Subject=1", YC_PHONE_SERVICE, "11185" },
		{ "sip:10.0.0.1:5060", YC_PHONE_NONE, "" },             /* a host is no number */
		{ "sip:anonymous@anonymous.invalid", YC_PHONE_NONE, "" },
		{ "\"Anonymous\" <sip:anonymous@10.0.0.1>", YC_PHONE_NONE, "" },
		{ "sip:alice@10.0.0.1", YC_PHONE_NONE, "" }, { "sip:room12@host", YC_PHONE_NONE, "" }, { "sip:12x-ray@host", YC_PHONE_NONE, "" },
	};
	CHECK(rows);
}

static void foreign_numbers_keep_their_country(void)
{
	static const struct row rows[] = {
		{ "+14155550123", YC_PHONE_FOREIGN, "+14155550123" }, { "0014155550123", YC_PHONE_FOREIGN, "+14155550123" },
		{ "+852 2345 6789", YC_PHONE_FOREIGN, "+85223456789" }, { "00886-2-23456789", YC_PHONE_FOREIGN, "+886223456789" },
		{ "+44 (0)20 7946 0123", YC_PHONE_FOREIGN, "+442079460123" }, { "+95 1 234567", YC_PHONE_FOREIGN, "+951234567" },
		{ "0044 (0) 20 7946 0123", YC_PHONE_FOREIGN, "+442079460123" },
		{ "+7 495 123-45-67", YC_PHONE_FOREIGN, "+74951234567" }, { "００８５２２３４５６７８９", YC_PHONE_FOREIGN, "+85223456789" },
	};
	CHECK(rows);
}

static void what_is_no_number_is_none(void)
{
	static const struct row rows[] = {
		{ "", YC_PHONE_NONE, "" }, { " ", YC_PHONE_NONE, "" }, { "anonymous", YC_PHONE_NONE, "" }, { "未知", YC_PHONE_NONE, "" },
		{ "+", YC_PHONE_NONE, "" }, { "-", YC_PHONE_NONE, "" }, { "5", YC_PHONE_NONE, "" }, { "*72", YC_PHONE_NONE, "" },
		{ "12#34", YC_PHONE_NONE, "" }, { "+0123456789", YC_PHONE_NONE, "" }, { "00", YC_PHONE_NONE, "" },
		{ "+8612000000000", YC_PHONE_NONE, "" }, { "+86", YC_PHONE_NONE, "" }, { "+123", YC_PHONE_NONE, "" },
		{ "1234567890123456789012345678901234567890", YC_PHONE_NONE, "" }, { "00000000000", YC_PHONE_NONE, "" },
		{ "+1234567890123456", YC_PHONE_NONE, "" }, { "1388888123a", YC_PHONE_NONE, "" }, { "138+88881234", YC_PHONE_NONE, "" },
		{ "sip:", YC_PHONE_NONE, "" }, { "<>", YC_PHONE_NONE, "" }, { "\xff\xfe", YC_PHONE_NONE, "" },
	};
	char out[YC_PHONE_LEN] = "x";

	CHECK(rows);
	CU_ASSERT_EQUAL(yc_phone_normalize(NULL, NULL, out), YC_PHONE_NONE);
	YCT_STR(out, "");
}

static void a_local_number_without_a_site_stays_local(void)
{
	char out[YC_PHONE_LEN];

	CU_ASSERT_EQUAL(yc_phone_normalize("63181234", NULL, out), YC_PHONE_FIXED);
	YCT_STR(out, "63181234");
	CU_ASSERT_EQUAL(yc_phone_normalize("63181234", "", out), YC_PHONE_FIXED);
	YCT_STR(out, "63181234");
	CU_ASSERT_EQUAL(yc_phone_normalize("63181234", "010", out), YC_PHONE_FIXED);
	YCT_STR(out, "+861063181234");
}

static void normalizing_twice_changes_nothing(void)
{
	static const char alphabet[] = "0123456789+-() 08613";
	char in[32], one[YC_PHONE_LEN], two[YC_PHONE_LEN];
	int numbers = 0;

	for (int i = 0; i < 200000; i++) {
		unsigned char r[20];
		enum yc_phone_kind kind;
		size_t n;

		yc_random(r, sizeof(r));
		n = r[19] % 18;
		for (size_t k = 0; k < n; k++)
			in[k] = alphabet[r[k] % (sizeof(alphabet) - 1)];
		in[n] = '\0';
		kind = yc_phone_normalize(in, "871", one);
		numbers += kind != YC_PHONE_NONE;
		CU_ASSERT_EQUAL_FATAL(kind == YC_PHONE_NONE, *one == '\0');
		if (kind == YC_PHONE_NONE)
			continue;
		CU_ASSERT_EQUAL_FATAL(yc_phone_normalize(one, "871", two), kind);
		CU_ASSERT_STRING_EQUAL_FATAL(one, two);
	}
	CU_ASSERT(numbers > 5000);
}

static void masks_hide_the_middle_of_private_numbers_only(void)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "+8613888881234", "138****1234" }, { "+8687163181234", "0871****1234" }, { "+861063181234", "010****1234" },
		{ "+14155550123", "+141****0123" }, { "63181234", "****34" }, { "11185", "11185" }, { "4008208820", "4008208820" },
		{ "1001", "1001" }, { "", "" },
	};
	char out[YC_PHONE_LEN];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		YCT_STR(yc_phone_mask(rows[i].in, out), rows[i].out);
	YCT_STR(yc_phone_mask(NULL, out), "");
}

YCT_MAIN("phone",
	 T(mobiles_become_e164_however_they_are_written),
	 T(fixed_lines_get_country_and_area),
	 T(service_numbers_stay_as_they_are),
	 T(short_numbers_are_extensions),
	 T(uris_are_unwrapped),
	 T(foreign_numbers_keep_their_country),
	 T(what_is_no_number_is_none),
	 T(a_local_number_without_a_site_stays_local),
	 T(normalizing_twice_changes_nothing),
	 T(masks_hide_the_middle_of_private_numbers_only))
