/* Trunks: sources that are trusted to call in, and carriers we register at. Tables in the memory of the signalling thread. */
#ifndef GW_TRUNKS_H
#define GW_TRUNKS_H

#include <uthash.h>

#include "rule_trunk.h"

#define TRUNK_NETS 32

struct trunk {
	char name[64];
	struct trunk_net nets[TRUNK_NETS]; int n_nets;
	char proxy[128], register_uri[128], user[64], password[128];
	int expires_s;
	void *registration;      /* sip/trunk.c's */
	UT_hash_handle hh;
};
struct trunk_state { const char *name; int ok, status; const char *text; };
struct trunks {
	struct trunk *all;
	void (*told)(void *arg, const struct trunk_state *st);   /* registration state changed */
	void *arg;
};

struct trunk_conf { const char *name, *addresses, *proxy, *register_uri, *user, *password; int expires_s; };   /* addresses: blank-separated */
/* Makes or changes it; addresses were checked at import, wrong ones are skipped. */
struct trunk *trunks_put(struct trunks *t, const struct trunk_conf *c);
/* The trunk this source belongs to, or NULL. */
const struct trunk *trunks_of(const struct trunks *t, const char *ip);
void trunks_fini(struct trunks *t);

#endif
