/* Digests, random bytes, encodings and password hashes, by libsodium and libcrypto. */
#ifndef YC_CRYPTO_H
#define YC_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

#include "yc/err.h"

void yc_random(void *p, size_t n);
void yc_sha256(const void *p, size_t n, uint8_t out[32]);
void yc_sha256_hex(const void *p, size_t n, char out[65]);
void yc_md5_hex(const void *p, size_t n, char out[33]);        /* only for SIP digest (RFC 3261) */
void yc_hmac_sha256(const void *key, size_t kn, const void *p, size_t n, uint8_t out[32]);
void yc_hex(const void *p, size_t n, char *out);               /* out: 2n+1 */
/* Random token, URL-safe base 64 without padding, of n random bytes; out: 4*(n+2)/3+1. */
void yc_token(size_t n, char *out);
int yc_equal_ct(const void *a, const void *b, size_t n);       /* constant time; 1 when equal */

#define YC_PWHASH_LEN 128
/* argon2id (RFC 9106), interactive limits. Blocking, tens of ms: call on a worker. */
enum yc_code yc_pw_hash(const char *password, char out[YC_PWHASH_LEN], struct yc_err *e) YC_MUST;
int yc_pw_verify(const char *password, const char *hash);      /* 1 when it matches */

/* Streaming SHA-256 for files. */
struct yc_sha256;
struct yc_sha256 *yc_sha256_new(void);
void yc_sha256_add(struct yc_sha256 *s, const void *p, size_t n);
void yc_sha256_end(struct yc_sha256 **s, uint8_t out[32]);     /* frees */

#endif
