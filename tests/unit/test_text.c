#include "yct.h"

#include <string.h>

#include "yc/crypto.h"
#include "yc/text.h"

static void well_formed_utf8_is_accepted_whole(void)
{
	static const char *const good[] = { "", "plain ASCII, more than eight bytes of it", "云南邮政", "é", "\xf0\x9f\x93\xae", "a窗b𠮷c",
					    "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf", "\xee\x80\x80" };
	int ok;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CU_ASSERT_EQUAL(yc_utf8_check(good[i], strlen(good[i]), &ok), strlen(good[i]));
		CU_ASSERT_EQUAL(ok, 1);
		CU_ASSERT(yc_utf8_ok(good[i]));
	}
	CU_ASSERT(yc_utf8_ok(NULL));
}

static void ill_formed_utf8_is_refused_at_its_first_bad_byte(void)
{
	static const struct { const char *s; size_t at; } bad[] = {
		{ "\x80", 0 }, { "ab\xff", 2 }, { "\xc0\xaf", 0 }, { "\xc1\xbf", 0 }, { "\xe0\x9f\xbf", 0 }, { "\xf0\x8f\xbf\xbf", 0 },
		{ "窗\xed\xa0\x80", 3 }, { "\xf4\x90\x80\x80", 0 }, { "\xf5\x80\x80\x80", 0 }, { "窗\xe7\xaa", 3 }, { "\xe7", 0 },
		{ "12345678901234567\xc3(", 17 }, { "\xf0\x9f\x93(", 0 },
	};
	int ok;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(yc_utf8_check(bad[i].s, strlen(bad[i].s), &ok), bad[i].at);
		CU_ASSERT_EQUAL(ok, 0);
		CU_ASSERT(!yc_utf8_ok(bad[i].s));
	}
}

/* The decoder as RFC 3629 says it, without tables or shortcuts. */
static int naive_ok(const unsigned char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		int len = s[i] < 0x80 ? 1 : (s[i] & 0xe0) == 0xc0 ? 2 : (s[i] & 0xf0) == 0xe0 ? 3 : (s[i] & 0xf8) == 0xf0 ? 4 : 0;
		uint32_t cp = len == 1 ? s[i] : s[i] & (0x7f >> len);
		static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

		if (!len || i + (size_t)len > n)
			return 0;
		for (int k = 1; k < len; k++) {
			if ((s[i + (size_t)k] & 0xc0) != 0x80)
				return 0;
			cp = cp << 6 | (s[i + (size_t)k] & 0x3f);
		}
		if (cp < least[len] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
			return 0;
		i += (size_t)len;
	}
	return 1;
}

static void random_bytes_are_judged_as_the_rfc_says(void)
{
	static const unsigned char likely[] = { 'a', 0x80, 0xbf, 0xc2, 0xe0, 0xa0, 0x9f, 0xed, 0xf0, 0x90, 0x8f, 0xf4, 0xe7, 0xaa, 0x97, 0xff };
	unsigned char b[24];
	int ok, good = 0;

	for (int i = 0; i < 200000; i++) {
		size_t n;

		yc_random(b, sizeof(b));
		n = b[0] % 12;
		for (size_t k = 0; k < sizeof(b); k++)
			b[k] = i % 4 ? likely[b[k] & 15] : b[k];
		yc_utf8_check((char *)b, n, &ok);
		CU_ASSERT_EQUAL_FATAL(ok, naive_ok(b, n));
		good += ok;
	}
	CU_ASSERT(good > 1000 && good < 199000);
}

static void length_and_cut_count_characters(void)
{
	char s[32] = "a窗口𠮷b";

	CU_ASSERT_EQUAL(yc_utf8_len(s), 5);
	CU_ASSERT_EQUAL(yc_utf8_len(NULL), 0);
	yc_utf8_cut(s, 9);
	YCT_STR(s, "a窗口𠮷b");
	yc_utf8_cut(s, 5);
	YCT_STR(s, "a窗口𠮷b");
	yc_utf8_cut(s, 3);
	YCT_STR(s, "a窗口");
	yc_utf8_cut(s, 0);
	YCT_STR(s, "");
	yc_utf8_cut(NULL, 3);
}

static void a_copy_never_ends_within_a_character(void)
{
	static const char *const want[] = { NULL, "", "a", "a", "a", "a窗", "a窗", "a窗", "a窗", "a窗𠮷", "a窗𠮷" };
	char s[16];

	for (size_t size = 1; size <= 10; size++) {
		memset(s, 'x', sizeof(s));
		CU_ASSERT_PTR_EQUAL(yc_copy(s, size, "a窗𠮷"), s);
		YCT_STR(s, want[size]);
		CU_ASSERT_EQUAL(s[size], 'x');
	}
	YCT_STR(yc_copy(s, sizeof(s), NULL), "");
	yc_copy(s, 0, "abc");
	YCT_STR(s, "");
}

static void null_equals_the_empty_string(void)
{
	const char *none = NULL, *empty = "";

	CU_ASSERT(yc_streq(none, empty) && yc_streq(none, none) && yc_streq("a", "a"));
	CU_ASSERT(!yc_streq("a", none) && !yc_streq("a", "b"));
	CU_ASSERT(yc_is_empty(none) && yc_is_empty(empty));
}

static void hashes_spread_over_few_shards(void)
{
	int seen[8] = { 0 };
	char key[16];

	for (int i = 0; i < 8000; i++) {
		int n = snprintf(key, sizeof(key), "key-%d", i);

		seen[yc_hash64(key, (size_t)n) & 7]++;
	}
	for (int i = 0; i < 8; i++)
		CU_ASSERT(seen[i] > 850 && seen[i] < 1150);
	/* Fixed for good: shards of stored things depend on it. */
	CU_ASSERT_EQUAL(yc_hash64("", 0), 0xefd01f60ba992926ull);
}

YCT_MAIN("text",
	 T(well_formed_utf8_is_accepted_whole),
	 T(ill_formed_utf8_is_refused_at_its_first_bad_byte),
	 T(random_bytes_are_judged_as_the_rfc_says),
	 T(length_and_cut_count_characters),
	 T(a_copy_never_ends_within_a_character),
	 T(null_equals_the_empty_string),
	 T(hashes_spread_over_few_shards))
