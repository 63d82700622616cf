/* Extensions' credentials and the phones registered to them: tables in the memory of the signalling thread. */
#ifndef GW_PHONES_H
#define GW_PHONES_H

#include <stdint.h>

#include <uthash.h>

struct phone {
	char extension[32];
	char ha1_md5[33], ha1_sha256[65];
	char static_contact[160];        /* "" = it registers */
	char contact[256];               /* what an INVITE goes to; "" = not registered */
	char received[64];               /* "ip:port" the REGISTER came from */
	char user_agent[64];
	char path[160];                  /* Path of the registration (RFC 3327): the route of an INVITE; "" = none */
	char nonce[80]; uint32_t nc;     /* the last nonce count seen, against replays */
	int64_t expires_at, since_at;
	int64_t bye_at_us;               /* the agent hung up then (monotonic), 0 = gap already measured or nobody waited */
	int known;                       /* the directory has it */
	UT_hash_handle hh;
};

struct phone_change { const struct phone *p; const char *reason; int registered; };
struct phones;

/* told: registration came, moved or went (not: was refreshed unchanged). refreshed: only its expiry moved. */
struct phones *phones_new(void (*told)(void *arg, const struct phone_change *c), void *arg);
void phones_free(struct phones **p);
struct phone *phones_find(struct phones *p, const char *extension);
/* Credentials from the directory. A deleted extension loses its registration. */
void phones_put(struct phones *p, const char *extension, const char *ha1_md5, const char *ha1_sha256, const char *static_contact, int deleted);
/* Known from elsewhere (Redis after a restart). Never replaces a newer registration. */
void phones_restore(struct phones *p, const char *extension, const char *contact, const char *path, const char *received,
		    int64_t expires_at, int64_t now);
struct phone_binding { const char *contact, *path, *received, *user_agent; int64_t expires_at; };
void phones_registered(struct phones *p, struct phone *ph, const struct phone_binding *b, int64_t now);
void phones_gone(struct phones *p, struct phone *ph, const char *reason);
/* Expire what is due; returns the number of registrations left. */
int phones_expire(struct phones *p, int64_t now);
/* Where to send an INVITE, or NULL. */
const char *phone_target(const struct phone *ph, int64_t now);

#endif
