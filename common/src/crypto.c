#include "yc/crypto.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "yc/arena.h"
#include "yc/log.h"

enum { PASSWORD_MAX = 1024 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256, *md5;

/* Digests are fetched once: looking them up by name costs more than hashing a short text. */
static void start(void)
{
	if (sodium_init() < 0) {
		yc_error("libsodium does not start");
		abort();
	}
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (!sha256) {
		yc_error("libcrypto has no SHA-256");
		abort();
	}
}

static void ready(void)
{
	pthread_once(&once, start);
}

static void digest(const EVP_MD *md, const void *p, size_t n, uint8_t *out)
{
	if (!md || EVP_Digest(p ? p : "", n, out, NULL, md, NULL) != 1) {
		yc_error("libcrypto cannot compute a digest");  /* out of memory, or a FIPS build without MD5 */
		abort();
	}
}

void yc_random(void *p, size_t n)
{
	ready();
	randombytes_buf(p, n);
}

void yc_sha256(const void *p, size_t n, uint8_t out[32])
{
	ready();
	digest(sha256, p, n, out);
}

void yc_sha256_hex(const void *p, size_t n, char out[65])
{
	uint8_t d[32];

	yc_sha256(p, n, d);
	yc_hex(d, sizeof(d), out);
}

void yc_md5_hex(const void *p, size_t n, char out[33])
{
	uint8_t d[16];

	ready();
	digest(md5, p, n, d);
	yc_hex(d, sizeof(d), out);
}

void yc_hmac_sha256(const void *key, size_t kn, const void *p, size_t n, uint8_t out[32])
{
	crypto_auth_hmacsha256_state st;

	ready();
	crypto_auth_hmacsha256_init(&st, key ? key : (const void *)"", kn);
	crypto_auth_hmacsha256_update(&st, p ? p : (const void *)"", n);
	crypto_auth_hmacsha256_final(&st, out);
}

void yc_hex(const void *p, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[b[i] >> 4];
		out[2 * i + 1] = digits[b[i] & 15];
	}
	out[2 * n] = '\0';
}

void yc_token(size_t n, char *out)
{
	uint8_t small[64], *b = n > sizeof(small) ? yc_xcalloc(1, n) : small;

	yc_random(b, n);
	sodium_bin2base64(out, sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING), b, n,
			  sodium_base64_VARIANT_URLSAFE_NO_PADDING);
	sodium_memzero(b, n);
	if (b != small)
		yc_xfree(b);
}

int yc_equal_ct(const void *a, const void *b, size_t n)
{
	ready();
	return sodium_memcmp(a, b, n) == 0;
}

enum yc_code yc_pw_hash(const char *password, char out[YC_PWHASH_LEN], struct yc_err *e)
{
	size_t n = strlen(password);

	_Static_assert(YC_PWHASH_LEN >= crypto_pwhash_STRBYTES, "a hash of libsodium fits");
	ready();
	if (n > PASSWORD_MAX)
		return yc_fail(e, YC_INVALID, "password", "a password has at most %d bytes", PASSWORD_MAX);
	if (crypto_pwhash_str(out, password, n, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE))
		return yc_fail(e, YC_EXHAUSTED, "password", "no memory to hash a password now");
	return YC_OK;
}

int yc_pw_verify(const char *password, const char *hash)
{
	size_t n = strlen(password);

	ready();
	return n <= PASSWORD_MAX && hash && crypto_pwhash_str_verify(hash, password, n) == 0;
}

struct yc_sha256 { EVP_MD_CTX *ctx; };

struct yc_sha256 *yc_sha256_new(void)
{
	struct yc_sha256 *s = yc_xcalloc(1, sizeof(*s));

	ready();
	s->ctx = EVP_MD_CTX_new();
	if (!s->ctx || EVP_DigestInit_ex(s->ctx, sha256, NULL) != 1) {
		yc_error("libcrypto cannot start a digest");
		abort();
	}
	return s;
}

void yc_sha256_add(struct yc_sha256 *s, const void *p, size_t n)
{
	EVP_DigestUpdate(s->ctx, p, n);
}

void yc_sha256_end(struct yc_sha256 **s, uint8_t out[32])
{
	if (!*s)
		return;
	EVP_DigestFinal_ex((*s)->ctx, out, NULL);
	EVP_MD_CTX_free((*s)->ctx);
	yc_xfree(*s);
	*s = NULL;
}
