/* Peers of a real yc-acd: broker and Redis are processes, gateway and directory are nodes inside the test. The gateway holds calls that wait,
 * ring and talk, repeats what the ACD has not taken, resyncs when an ACD starts, and watches the one promise that matters: no agent is ever
 * offered two calls. */
#ifndef ACD_PEERS_H
#define ACD_PEERS_H

#include "yc/id.h"
#include "yc/node.h"
#include "yc/v1/acd.pb-c.h"

enum { PEERS_CALLS = 1024, PEERS_EVENTS = 8192, PEERS_OFFERS = 4096 };
enum peers_state { CALL_NONE, CALL_WAITS, CALL_RINGS, CALL_TALKS, CALL_OVER };
struct peers_call {
	char id[YC_ID_LEN], queue[32], rsv[YC_ID_LEN], agent[64], ext[32];
	enum peers_state state;
	int priority, taken;                     /* taken: the ACD has answered Enqueue */
	int64_t arrived_at, ver, since_ms, talk_ms;
	int owes;                                /* operations the ACD has not taken */
};
struct peers_event { char type[24], key[64], detail[64], agent[64]; int status, was; };

struct peers {
	struct yc_node *gateway, *directory;
	struct yc_loop *l;                       /* of the client below */
	struct yc_bus *b;
	struct yc_arena *a;
	struct peers_call calls[PEERS_CALLS]; int n_calls;
	struct peers_event events[PEERS_EVENTS]; int n_events;
	char offers[PEERS_OFFERS][YC_ID_LEN]; int n_offers;    /* item ids in the order they were offered */
	int n_agents;                            /* directory's people: prs_1 ... staff 1001 ..., skill "post" 3, extension 8001 ...; 8009 is no static phone */
	int answer_after_ms;                     /* phones answer by themselves after this; -1: never */
	int talk_ms;                             /* and hang up after this; -1: never */
	int refuse_code;                         /* Gateway.Offer answers this */
	int doubled;                             /* an agent was offered a call while another one rang or talked at him */
	int n_stops, n_resyncs, n_answers;
	enum yc_code code; struct yc_err e;      /* of the last question */
};
extern struct peers peers;

void peers_start(int agents);
void peers_stop(void);
void peers_directory(int up);
void peers_gateway(int up);                      /* with its calls: it is only not on the bus */
/* A yc-acd as instance n with this store (NULL: SQLite in its folder of this start); more: further arguments, NULL-ended. Its pid. */
int peers_acd(int n, const char *db, const char *const *more);
int peers_acd_serves(int64_t ms);                /* until Node.Health says ready */
void peers_turn(int64_t ms);                     /* one turn of everything */
int peers_until(int64_t ms, int (*cond)(void *arg), void *arg);
/* One question; as NULL: a service. NULL unless the code is OK. */
void *peers_ask(const char *service, const char *method, const void *in, const Pb__Principal *as);
void peers_import(const char *kind, const char *json);
void peers_import_to(const char *service, const char *kind, const char *json);
void peers_queue(const char *code, int offer_ms, int wrapup_ms);         /* needs "post" 1 */

int peers_dial(const char *queue, int priority);                         /* a caller waits; index of the call */
void peers_hangup(int call);
void peers_answer(int call);                                             /* the phone that rings for it is picked up */
void peers_outcome(int call, Pb__OfferOutcome o, const char *reason);
int peers_ringing(int agent);                                            /* index of the call that rings at prs_N, or -1 */
const char *peers_status(int agent);                                     /* "READY", as the ACD tells */
Pb__Agent *peers_agent(int agent);
Pb__Agent *peers_sign_in(int agent, const char *ext);                    /* at ext, ready; NULL: peers.code says why */
Pb__Agent *peers_state(int agent, const char *state, const char *reason);
enum yc_code peers_state_code(int whom, const Pb__Principal *as, const char *state, int64_t if_version);
void peers_principal(Pb__Principal *p, int agent, uint32_t roles, const char *org);
int peers_seen(const char *type, const char *key);                       /* number of such events */
char *peers_redis(const char *const *args);                              /* redis-cli's answer; free() */

#endif
