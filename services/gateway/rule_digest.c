/* Digest rules. */
#include "rule_digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "yc/crypto.h"

#define STAMP_LEN 20             /* 12 hex digits of ms, 8 of salt */

static void nonce_mac(char out[33], const char *stamp, const uint8_t key[32], const char *source)
{
	char text[STAMP_LEN + 64];
	uint8_t mac[32];
	int n = snprintf(text, sizeof(text), "%.*s%s", STAMP_LEN, stamp, source);

	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	yc_hmac_sha256(key, 32, text, (size_t)n, mac);
	yc_hex(mac, 16, out);
}

void digest_nonce(char out[DIGEST_NONCE], const uint8_t key[32], int64_t now_ms, uint32_t salt, const char *source)
{
	char stamp[STAMP_LEN + 1], mac[33];

	snprintf(stamp, sizeof(stamp), "%012" PRIx64 "%08" PRIx32, (uint64_t)now_ms & UINT64_C(0xffffffffffff), salt);
	nonce_mac(mac, stamp, key, source);
	snprintf(out, DIGEST_NONCE, "%s%s", stamp, mac);
}

enum digest_nonce_state digest_nonce_check(const char *nonce, const uint8_t key[32], int64_t now_ms, int64_t max_age_ms, const char *source)
{
	char mac[33], stamp[13];
	int64_t at;

	if (!nonce || strlen(nonce) != STAMP_LEN + 32)
		return DIGEST_NONCE_FOREIGN;
	nonce_mac(mac, nonce, key, source);
	if (!yc_equal_ct(mac, nonce + STAMP_LEN, 32))
		return DIGEST_NONCE_FOREIGN;
	memcpy(stamp, nonce, 12);
	stamp[12] = 0;
	at = (int64_t)strtoull(stamp, NULL, 16);
	return at > now_ms + 1000 || now_ms - at > max_age_ms ? DIGEST_NONCE_OLD : DIGEST_NONCE_GOOD;
}

enum digest_algorithm digest_algorithm(const char *name)
{
	if (!name || !strcasecmp(name, "MD5"))
		return DIGEST_MD5;
	return strcasecmp(name, "SHA-256") ? DIGEST_UNKNOWN : DIGEST_SHA256;
}

static void hash(enum digest_algorithm alg, const char *text, int n, char out[65])
{
	if (alg == DIGEST_SHA256)
		yc_sha256_hex(text, (size_t)n, out);
	else
		yc_md5_hex(text, (size_t)n, out);
}

int digest_ok(const struct digest *d, const char *method, const char *ha1, enum digest_algorithm alg)
{
	char text[1024], ha2[65], want[65];
	size_t len = alg == DIGEST_SHA256 ? 64 : 32;
	int n;

	if (alg == DIGEST_UNKNOWN || !d->uri || !d->nonce || !d->response || strlen(ha1) != len || strlen(d->response) != len)
		return 0;
	n = snprintf(text, sizeof(text), "%s:%s", method, d->uri);
	if (n >= (int)sizeof(text))
		return 0;
	hash(alg, text, n, ha2);
	if (d->qop) {
		if (strcasecmp(d->qop, "auth") || !d->nc || !d->cnonce)
			return 0;
		n = snprintf(text, sizeof(text), "%s:%s:%s:%s:%s:%s", ha1, d->nonce, d->nc, d->cnonce, d->qop, ha2);
	} else {
		n = snprintf(text, sizeof(text), "%s:%s:%s", ha1, d->nonce, ha2);
	}
	if (n >= (int)sizeof(text))
		return 0;
	hash(alg, text, n, want);
	return yc_equal_ct(want, d->response, len);
}

uint32_t digest_nc(const char *nc)
{
	char *end;
	unsigned long v;

	if (!nc || strlen(nc) > 8 || !*nc)
		return 0;
	v = strtoul(nc, &end, 16);
	return *end ? 0 : (uint32_t)v;
}
