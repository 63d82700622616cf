/* What connects the core to the world: node, Redis, store. One pool of agents is served by the process that holds its lease. */
#ifndef ACD_SERVICE_H
#define ACD_SERVICE_H

#include "yc/node.h"
#include "yc/opt.h"

#include "acd.h"
#include "presence.h"

enum pool_state {
	POOL_STANDBY,            /* somebody else has the lease, or nobody can say */
	POOL_LOADING,            /* ours; reading agents from Redis */
	POOL_RECOVERING,         /* waiting for the gateways' truth; items are taken in, nothing is handed out */
	POOL_ACTIVE,
};

struct acd_opts {
	char *pool;
	int64_t grace_ms, console_ms, gateway_ms, recover_ms, audit_ms, seat_return_ms, lease_ms, max_items, utc_offset_ms;
};

enum list_kind { LIST_PEOPLE, LIST_EXTENSIONS };

struct acd_service {
	struct acd x;
	struct acd_opts conf;
	struct yc_node *node;
	struct presence *presence;
	struct yc_timer *tick, *recover, *poll, *list_retry;
	int64_t tick_at;                         /* what the tick timer is set to; 0: not set */
	enum pool_state pool;
	char holder[ACD_CODE];                   /* instance that has the pool */
	int64_t epoch;
	char boot[ACD_CODE + 16]; int announced; /* what gateways know us by */
	int degraded;                            /* Redis is away or behind: memory decides */
	int asked_bus;                           /* the list of gateways has been seen since recovery began */
	struct acd_agent *flush;                 /* write-back has come this far; NULL: not running */
	int flushing, flush_out;
	struct acd_agent *late;                  /* changes that are written together in a moment */
	struct yc_timer *late_timer;
	struct { enum list_kind kind; char after[ACD_CODE]; int64_t backoff_ms; int running; } list;
};

extern const struct yc_service acd_service;
extern const struct yc_opt acd_opts[];
extern const struct yc_rpc acd_rpcs[];
extern const struct yc_import_kind acd_imports[];
enum yc_code acd_load(struct acd_service *s, struct yc_err *e) YC_MUST;   /* configuration and people from the store */
extern const struct yc_sub acd_subs[];

/* --- pool.c: lease, recovery, standing by */
enum yc_code pool_open(struct acd_service *s, struct yc_err *e) YC_MUST;
void pool_close(struct acd_service *s);
void pool_stand_down(struct acd_service *s, const char *why);
void pool_resynced(struct acd_service *s);       /* a gateway has told its truth */
const char *pool_health(const struct acd_service *s);

/* --- keep.c: agents in Redis */
void keep_reserve(void *arg, struct acd_rsv *v);
void keep_save(void *arg, struct acd_agent *a, int soon);
void keep_late(struct acd_service *s);                     /* what was to be written in a moment, now */
void keep_restore(struct acd_service *s, const struct presence_rec *r);
void keep_write_back(struct acd_service *s, int all);      /* what Redis has missed; all: everybody, because it may have lost what it had */

/* --- out.c: the core's other wishes: offers, events, questions */
void out_ports(struct acd_service *s, struct acd_ports *p);
void out_metrics(struct acd_service *s);

/* --- people.c: directory's people and extensions */
void people_fetch(struct acd_service *s);
void people_close(struct acd_service *s);
enum yc_code people_on_person(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e);
enum yc_code people_on_extension(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e);
enum yc_code people_on_phone(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e);

/* --- rpc.c, rpc_agent.c, rpc_queue.c: handlers */
yc_handler on_enqueue, on_leave, on_offer_end, on_end, on_resync, on_position;
yc_handler on_session_put, on_session_renew, on_state_put, on_agent_get, on_agent_list, on_accept, on_reject, on_wrap_up;
yc_handler on_queue_list, on_live;
#define SERVED(rq, method, in) do { if (((struct acd_service *)yc_req_self(rq))->pool < POOL_RECOVERING) \
	return rpc_forward(rq, method, in, e); } while (0)
/* Not ours: the holder answers. */
enum yc_code rpc_forward(struct yc_req *rq, const char *method, const void *in, struct yc_err *e);
enum yc_code rpc_agent_out(struct yc_req *rq, const struct acd_agent *a, Pb__Agent *out, struct yc_err *e) YC_MUST;

/* --- store.c */
enum store_kind { STORE_QUEUE, STORE_SEAT, STORE_PERSON, STORE_EXTENSION };
extern const char *const acd_sql[];
extern const int acd_sql_n;
enum yc_code store_put(struct acd_service *s, enum store_kind k, const char *key, int64_t version, const void *msg, int64_t *changed, struct yc_err *e) YC_MUST;
/* *out NULL: no such row. In the arena. */
enum yc_code store_get(struct acd_service *s, enum store_kind k, const char *key, struct yc_arena *a, void **out, struct yc_err *e) YC_MUST;
/* each() is called for every row. */
enum yc_code store_all(struct acd_service *s, enum store_kind k, void (*each)(struct acd_service *s, const void *msg), struct yc_err *e) YC_MUST;

#endif
