/* The REST interface with real broker, directory and ticket behind it, and a gateway of the test's own. */
#ifndef API_WORLD_H
#define API_WORLD_H

#include <jansson.h>

#include "yct_ask.h"

#define REC_SIZE 600000                          /* bytes of the gateway's recording; byte i is REC_BYTE(i) */
#define REC_BYTE(i) ((char)((i) * 7 % 251))

/* What the gateway of the test does when it is asked to hang up a call of this name. */
/*   end-X     call.ended of X by nobody; from +8613888881234          bulk-N    N events call.menu
 *   mine-P    call.ended with agent P                                 record-P  recording.ready, heard: agent P
 *   slow      no answer          gone   NOT_FOUND          boom   INTERNAL with details          full   EXHAUSTED */

struct api_world {
	struct yct_client c;
	int directory, ticket, gateway, api, port;
	char home[300];
	char *admin, *leader, *agent, *handler, *auditor;        /* bearer tokens of sessions */
	char agent_id[64], leader_id[64];
};
extern struct api_world w;
int world_gateway(const char *bus, const char *home, const char *site);  /* pid; api_gateway.c */

void world_open(void);                           /* once a process; everything dies with it */
int world_api(const char *const *args, int instance, int *port);        /* another api process */
char *world_login(const char *login);
char *world_key(const char *scopes_json, const char *role);      /* a fresh API key */

struct resp { long status; char *head, *body; size_t n_body; json_t *json; };
/* headers: lines "Name: value", NULL-ended; token NULL: none. body NULL: none. Freed with resp_free. */
struct resp http_full(int port, const char *method, const char *path, const char *token, const char *const *headers, const void *body, size_t n);
struct resp http(const char *method, const char *path, const char *token, const char *body);             /* with a fresh Idempotency-Key */
struct resp http_h(const char *method, const char *path, const char *token, const char *body, const char *const *headers);
void resp_free(struct resp *r);
const char *resp_header(const struct resp *r, const char *name);         /* value, or NULL; borrowed till the next call */
const char *resp_str(const struct resp *r, const char *key);             /* string member of the JSON body, or "" */
/* status, code and the first pointer ("" none) of a problem, all at once; explains when they differ. Frees r. */
void is_problem(struct resp *r, long status, const char *code, const char *pointer);

/* An event stream as a growing text. */
struct sse { int fd; char *text; size_t n; int is_closed; };
struct sse sse_open(const char *token, const char *query, const char *last_id);
int sse_has(struct sse *s, const char *text, int64_t within_ms);         /* waits for it */
int sse_ends(struct sse *s, int64_t within_ms);
void sse_close(struct sse *s);

#endif
