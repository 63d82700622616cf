/* SIP digest access (RFC 7616, RFC 8760): nonces that carry their own time and proof, and the check of a response. Pure. */
#ifndef GW_RULE_DIGEST_H
#define GW_RULE_DIGEST_H

#include <stdint.h>

#define DIGEST_NONCE 80

struct digest {                  /* as presented; NULL when absent; values without quotes */
	const char *username, *realm, *nonce, *uri, *response, *algorithm, *qop, *nc, *cnonce;
};
enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_UNKNOWN };

/* Nonce = time and salt in hex, then a keyed hash over them and the source address: no table of nonces is needed. */
void digest_nonce(char out[DIGEST_NONCE], const uint8_t key[32], int64_t now_ms, uint32_t salt, const char *source);
enum digest_nonce_state { DIGEST_NONCE_GOOD, DIGEST_NONCE_OLD, DIGEST_NONCE_FOREIGN };
enum digest_nonce_state digest_nonce_check(const char *nonce, const uint8_t key[32], int64_t now_ms, int64_t max_age_ms, const char *source);

enum digest_algorithm digest_algorithm(const char *name);        /* NULL is MD5 */
/* Does the response prove knowledge of ha1 (lower-case hex of the given algorithm)? Without qop (RFC 2069) or with qop=auth. */
int digest_ok(const struct digest *d, const char *method, const char *ha1, enum digest_algorithm alg);
/* nc=0000000f -> 15; 0 when absent or malformed. */
uint32_t digest_nc(const char *nc);

#endif
