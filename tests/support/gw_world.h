/* A gateway among real peers: broker, Redis and yc-gateway are processes, callers and phones are sipp; ACD, CRM and directory are small
 * nodes inside the test that remember what they were asked. */
#ifndef GW_WORLD_H
#define GW_WORLD_H

#include <stdint.h>

#include "yc/id.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/gateway.pb-c.h"

#define WORLD_MAX 256

struct world_item { char id[YC_ID_LEN], call_id[YC_ID_LEN], queue[64], caller[32], customer_id[YC_ID_LEN], matter_id[YC_ID_LEN]; int64_t arrived_at; int priority; };
struct world_result { char reservation[YC_ID_LEN], reason[32]; int outcome; int64_t version; };
struct world_end { char item_id[YC_ID_LEN], by[32], reason[32]; int64_t talk_ms; };
struct world_event { char type[32], key[YC_ID_LEN], matter_id[YC_ID_LEN], detail[64], blob[YC_ID_LEN]; int registered; int64_t talk_ms, wait_ms, rtp_in; };

struct world {
	char gateway[32], caller[32], agent[32];         /* addresses of this run on the loopback net */
	char gateway_port[8];
	const char *offer_to;                            /* each item that arrives is offered to this extension; NULL: nobody */
	int64_t offer_ms;                                /* how long it may ring */
	int refuse_offers;                               /* only the first item is offered when 1 */
	struct world_item items[WORLD_MAX]; int n_items;
	struct world_result results[WORLD_MAX]; int n_results;
	struct world_end ends[WORLD_MAX]; int n_ends;
	char left[WORLD_MAX][YC_ID_LEN]; int n_left;
	struct world_event events[WORLD_MAX * 8]; int n_events;
	int n_resyncs, n_resync_contacts, resync_bridged;
	int n_resolved;
	char last_reservation[YC_ID_LEN];
	int offer_code;                                  /* of the last Gateway.Offer: -1 = not answered yet */
	int gateway_pid;
};
extern struct world world;

/* Everything up: numbers 11185 (prompt, then queue), 11189 (queue at once, recorded), 11186 (menu), 11180 (hangs up); trunk = caller's address;
 * extensions 1001 (password "secret-1001") and 2001 (static, at agent's address port 5070). more: extra arguments of yc-gateway, NULL-ended. */
void world_start(const char *const *more);
void world_stop(void);
void world_import_all(void);                     /* what world_start imports */
int world_import(const char *kind, const char *json);     /* the code */
const char *world_health(void);                  /* "" = ready, else why not */
void world_forget(void);                         /* what was remembered, not what runs */
void world_acd(int up);                          /* the ACD goes away or (another process, empty) comes back */
void world_gateway_kill(void);                   /* kill -9 */
int world_gateway_stop(void);                    /* SIGTERM; its exit status */
void world_gateway_start(const char *const *more);
/* Turn all loops until cond(arg) or the deadline; 1 when it came true. */
int world_until(int64_t ms, int (*cond)(void *arg), void *arg);
void world_turn(int64_t ms);                     /* at least one turn of everything, for at most so long */

/* sipp with tests/e2e/sipp/NAME.xml, from ip:port, args NULL-ended. Returns its pid. */
int world_sipp(const char *name, const char *ip, int port, const char *const *args);
/* Its exit status (0 = every call as scripted), -1 when it had to be killed at the deadline. */
int world_sipp_ends(int pid, int64_t ms);
/* A caller who dials number with this scenario, m calls, talk_ms for its pause. */
int world_dial(const char *scenario, const char *number, int port, int talk_ms);

/* One RPC to the gateway as a service or with these roles; the code, and the reply copied by fn if given. */
int world_ask(const char *method, const void *in, uint32_t roles, const char *person, void (*fn)(void *arg, const void *msg), void *arg, char *why);
int world_saw(const char *type);                 /* number of such events */
const struct world_event *world_event(const char *type, int nth);

#endif
