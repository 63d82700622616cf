#include "yct.h"

#include <stdlib.h>
#include <string.h>

#include "yc/crypto.h"

static void digests_match_published_vectors(void)
{
	char hex[65];
	uint8_t mac[32];

	yc_sha256_hex("abc", 3, hex);           /* FIPS 180-2, appendix B.1 */
	YCT_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	yc_sha256_hex("", 0, hex);
	YCT_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	yc_sha256_hex(NULL, 0, hex);
	YCT_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	yc_md5_hex("message digest", 14, hex);  /* RFC 1321, A.5 */
	YCT_STR(hex, "f96b697d7cb7938d525a2f31aaf161d0");
	yc_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);     /* RFC 4231, case 2 */
	yc_hex(mac, 32, hex);
	YCT_STR(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void a_long_hmac_key_is_hashed_first(void)
{
	uint8_t key[131], mac[32];
	char hex[65];

	memset(key, 0xaa, sizeof(key));         /* RFC 4231, case 6 */
	yc_hmac_sha256(key, sizeof(key), "Test Using Larger Than Block-Size Key - Hash Key First", 54, mac);
	yc_hex(mac, 32, hex);
	YCT_STR(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void a_stream_gives_the_digest_of_the_whole(void)
{
	uint8_t data[10000], a[32], b[32];
	struct yc_sha256 *s = yc_sha256_new();

	yc_random(data, sizeof(data));
	for (size_t i = 0, n; i < sizeof(data); i += n) {
		n = 1 + data[i];
		if (i + n > sizeof(data))
			n = sizeof(data) - i;
		yc_sha256_add(s, data + i, n);
	}
	yc_sha256_end(&s, a);
	CU_ASSERT_PTR_NULL(s);
	yc_sha256_end(&s, b);
	yc_sha256(data, sizeof(data), b);
	CU_ASSERT(yc_equal_ct(a, b, 32));
	b[31] ^= 1;
	CU_ASSERT(!yc_equal_ct(a, b, 32));
}

static void tokens_are_url_safe_and_never_repeat(void)
{
	static char t[1000][44];

	for (int i = 0; i < 1000; i++) {
		yc_token(32, t[i]);
		CU_ASSERT_EQUAL_FATAL(strlen(t[i]), 43);
		CU_ASSERT_EQUAL_FATAL(strspn(t[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
	}
	qsort(t, 1000, sizeof(t[0]), (int (*)(const void *, const void *))strcmp);
	for (int i = 1; i < 1000; i++)
		CU_ASSERT_STRING_NOT_EQUAL_FATAL(t[i - 1], t[i]);
}

static void a_token_fits_the_room_the_contract_names(void)
{
	char *out;

	for (size_t n = 1; n <= 100; n++) {
		out = malloc(4 * (n + 2) / 3 + 1);
		yc_token(n, out);
		CU_ASSERT_EQUAL(strlen(out), (4 * n + 2) / 3);
		free(out);
	}
}

static void a_password_matches_its_hash_only(void)
{
	char a[YC_PWHASH_LEN], b[YC_PWHASH_LEN];

	YCT_OK(yc_pw_hash("滇池-2026", a, yct_err()));
	YCT_OK(yc_pw_hash("滇池-2026", b, yct_err()));
	CU_ASSERT(!strncmp(a, "$argon2id$", 10));
	CU_ASSERT_STRING_NOT_EQUAL(a, b);       /* salted */
	CU_ASSERT(yc_pw_verify("滇池-2026", a) && yc_pw_verify("滇池-2026", b));
	CU_ASSERT(!yc_pw_verify("滇池-2027", a) && !yc_pw_verify("", a));
	CU_ASSERT(!yc_pw_verify("x", "") && !yc_pw_verify("x", "plain") && !yc_pw_verify("x", NULL));
}

static void a_password_longer_than_a_kilobyte_is_refused(void)
{
	char out[YC_PWHASH_LEN], big[1100];
	struct yc_err e = { 0 };

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	CU_ASSERT_EQUAL(yc_pw_hash(big, out, &e), YC_INVALID);
	YCT_STR(e.field, "password");
	CU_ASSERT(!yc_pw_verify(big, "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"));
}

YCT_MAIN("crypto",
	 T(digests_match_published_vectors),
	 T(a_long_hmac_key_is_hashed_first),
	 T(a_stream_gives_the_digest_of_the_whole),
	 T(tokens_are_url_safe_and_never_repeat),
	 T(a_token_fits_the_room_the_contract_names),
	 T(a_password_matches_its_hash_only),
	 T(a_password_longer_than_a_kilobyte_is_refused))
