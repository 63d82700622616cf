/* A site with a real broker, one real service under test, and fake producers whose events the test makes up. Each run has a site name and
 * stores of its own, so no events of an earlier run are found. */
#ifndef FAKE_SITE_H
#define FAKE_SITE_H

#include "yc/node.h"
#include "yct_ask.h"

struct fake_site {
	char name[16];                           /* the site's */
	char service[32];                        /* under test */
	char url[512];                           /* its store */
	int pid;
	struct yc_node *nodes[4];                /* producers */
	int n_nodes;
	struct yct_client c;
};

void fake_site_open(struct fake_site *s, const char *service, const char *url);
void fake_site_close(struct fake_site *s);       /* the service must end by itself with status 0 */
void fake_site_kill(struct fake_site *s);        /* kill -9 */
void fake_site_start(struct fake_site *s);       /* waits until it is ready */
/* The producer of this service name (made at first use). */
struct yc_node *fake_producer(struct fake_site *s, const char *service);
void fake_emit(struct fake_site *s, const char *service, const char *type, const char *matter, const char *key, const void *msg);
/* Lets the producers work (publish, answer gaps) until cond(arg) or the time is over; returns what cond said. */
int fake_until(struct fake_site *s, int64_t ms, int (*cond)(void *arg), void *arg);
/* Ask the service under test; fails the test unless the answer is OK. */
void *fake_ask(struct fake_site *s, const ProtobufCServiceDescriptor *api, const char *method, const void *in, const Pb__Principal *as);
/* ... or unless it is this refusal with this field. */
void fake_refused(struct fake_site *s, const ProtobufCServiceDescriptor *api, const char *method, const void *in, const Pb__Principal *as,
		  enum yc_code code, const char *field);

#endif
