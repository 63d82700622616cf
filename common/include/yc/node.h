/* Node: what every service is made of. Loop, store with group commit, bus, dispatcher (authorisation, deadline, decoding, idempotency,
 * metrics, tracing, error reply: once, here), outbox and cursors with gap-fill, health and metrics. A service is tables and handlers. */
#ifndef YC_NODE_H
#define YC_NODE_H

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "yc/arena.h"
#include "yc/blob.h"
#include "yc/bus.h"
#include "yc/db.h"
#include "yc/err.h"
#include "yc/json.h"
#include "yc/loop.h"
#include "yc/opt.h"
#include "yc/v1/common.pb-c.h"

struct yc_node;
struct yc_req;

#define YC_ROLE(r) (1u << PB__ROLE__ROLE_##r)    /* YC_ROLE(AGENT) */
#define YC_ANYBODY 0xffffffffu                   /* even without a principal */
#define YC_SERVICES YC_ROLE(SERVICE)

enum yc_rpc_kind {
	YC_RPC_READ,             /* no effect */
	YC_RPC_WRITE,            /* effect in the store; request id, fingerprint and reply are kept 24 h in the same transaction; the reply
				    leaves after the commit */
	YC_RPC_DO,               /* effect in memory or outside; the handler is idempotent by its own ids */
};

/* Fill out (already initialised, lives in the request's arena) and return YC_OK; or fail; or return YC_PENDING after yc_req_hold and call
 * yc_req_finish later (from a reply callback, timer or post). */
typedef enum yc_code yc_handler(struct yc_req *rq, const void *in, void *out, struct yc_err *e);

struct yc_rpc { const char *method; yc_handler *handler; uint32_t roles; enum yc_rpc_kind kind; int64_t deadline_ms; };

/* Effect of one event; runs in a unit of the store's transaction together with the cursor. Idempotent by construction: it is called
 * exactly once per event as far as the store goes. An error other than UNAVAILABLE is logged, counted, and the event is skipped (poison);
 * UNAVAILABLE means "again later": the source's stream stops here and is retried. */
typedef enum yc_code yc_event_handler(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e);
struct yc_sub {
	const char *service;                     /* producer: "gateway"; all its instances of this site */
	const char *type;                        /* "call.ended"; "audit.*" for all that begin so; "*" for every type */
	const ProtobufCMessageDescriptor *d;     /* payload type; NULL with "*": msg is NULL then */
	yc_event_handler *handler;
};

/* Business configuration this service takes (Node.Import). apply: validate and upsert msg; key = natural key for the report; *action is set;
 * diff receives "field: old -> new" lines on update. With dry_run it must change nothing. */
struct yc_import_kind {
	const char *kind;                        /* "queue" */
	const ProtobufCMessageDescriptor *d;
	enum yc_code (*apply)(struct yc_req *rq, void *msg, int dry_run, char key[128], int *action, struct yc_buf *diff, struct yc_err *e);
};

struct yc_service {
	const char *name;                        /* "ticket" */
	const ProtobufCServiceDescriptor *api;   /* NULL: no RPC of its own */
	const struct yc_rpc *rpcs;               /* ends with {0}; compared with api at start-up: a forgotten handler stops the process */
	const struct yc_sub *subs;               /* ends with {0}; NULL: none */
	const struct yc_import_kind *imports;    /* ends with {0}; NULL: none */
	const struct yc_migration *schema;       /* yc_schema_<name>, generated from services/<name>/schema */
	const char *const *queries; int n_queries;
	int async_events;                        /* 1: emitted events are committed by a thread of their own within 50 ms (gateway, acd), and nothing
						    waits for them; 0: in the same transaction as the handler's effect */
	int effects_ms;                          /* how long effects of events may wait for a common commit, 0: 50. What nobody waits for may take longer */
	/* After store, bus and loop exist; before requests are served. self is the service's own state. */
	enum yc_code (*start)(struct yc_node *n, void *self, struct yc_err *e);
	void (*stop)(struct yc_node *n, void *self);
	/* Health: return NULL when ready, else why not (borrowed). May be NULL. */
	const char *(*health)(struct yc_node *n, void *self);
	/* A turn's commit failed. Make what memory mirrors equal to the store again; then the turn's requests are run again, one by one, and events
	 * are asked for again. What yc_node_do and reply callbacks wrote is gone. NULL: memory mirrors nothing; when such work was lost, the process
	 * ends and is started anew. */
	void (*lost)(struct yc_node *n, void *self);
};

/* The whole main() of a service: options (the node's and opts), --help --version --check --man, open, run until SIGTERM, close.
 * Returns the exit status. conf is filled from opts. */
int yc_main(int argc, char **argv, const struct yc_service *s, void *self, const struct yc_opt *opts, void *conf);

/* For tests and special programs: the same in pieces. */
struct yc_node_conf {
	char *bus, *db, *site, *redis, *home, *config, *log, *level, *curve_server_key, *curve_secret_key, *area;
	int64_t instance;                        /* n of site.service.n */
	int64_t batch_ms;                        /* how long effects of events may wait for a common commit (0: the service's effects_ms, else 50) */
};
extern const struct yc_opt yc_node_opts[];
enum yc_code yc_node_open(struct yc_node **out, const struct yc_node_conf *c, const struct yc_service *s, void *self, struct yc_err *e) YC_MUST;
void yc_node_run(struct yc_node *n);             /* until SIGTERM or SIGINT; drains requests in flight (bounded: 5 s) */
void yc_node_close(struct yc_node **n);

struct yc_loop *yc_node_loop(struct yc_node *n);
struct yc_bus *yc_node_bus(struct yc_node *n);
struct yc_db *yc_node_db(struct yc_node *n);     /* NULL when the service has no store */
int yc_node_q(const struct yc_node *n, int q);   /* number of the service's q-th query for yc_db_* (base added) */
void *yc_node_self(struct yc_node *n);
const struct yc_node_conf *yc_node_conf(const struct yc_node *n);
const char *yc_node_instance(const struct yc_node *n);         /* "yn.ticket.1" */
const char *yc_node_boot(const struct yc_node *n);
void yc_node_blobs(struct yc_node *n, struct yc_blobs *b);     /* in start(): Node.BlobRead answers from these */

/* Emit an event (inside a handler, event handler, reply callback, or yc_node_do). msg: the payload message. With sync events it becomes
 * part of the unit. EXHAUSTED: the bound (100 000 uncommitted) was reached. */
enum yc_code yc_emit(struct yc_node *n, const char *type, const char *matter_id, const char *key, const void *msg, struct yc_err *e) YC_MUST;
/* The same for what happened at another instant than now (epoch ms; 0: now): seen by another thread, or found in a journal. */
enum yc_code yc_emit_at(struct yc_node *n, int64_t at, const char *type, const char *matter_id, const char *key, const void *msg, struct yc_err *e) YC_MUST;
int yc_node_events_behind(const struct yc_node *n);            /* uncommitted async events: overload signal for admission control */
/* Run fn(arg) as a unit of work from a timer or post: its writes are kept when it returns YC_OK and committed at the end of the turn. */
enum yc_code yc_node_do(struct yc_node *n, enum yc_code (*fn)(struct yc_node *n, void *arg, struct yc_err *e), void *arg, struct yc_err *e) YC_MUST;
/* RPC as this service; like yc_bus_call. Its callback is a unit of work: what it writes and emits is kept, unless it ends a held request
 * with an error. */
uint64_t yc_node_call(struct yc_node *n, const struct yc_call *c);

/* The request in hand. All pointers live as long as the request. */
struct yc_node *yc_req_node(struct yc_req *rq);
void *yc_req_self(struct yc_req *rq);
struct yc_arena *yc_req_arena(struct yc_req *rq);
const Pb__Principal *yc_req_who(struct yc_req *rq);            /* never NULL; roles 0 when anonymous */
const char *yc_req_id(struct yc_req *rq);
const char *yc_req_trace(struct yc_req *rq);                   /* traceparent, or "" */
int yc_req_may(struct yc_req *rq, uint32_t roles);             /* has any of these roles (services always)? */
int yc_req_sees(struct yc_req *rq, const char *org_path);      /* is org_path inside the principal's organisation? services: yes */
void *yc_req_out(struct yc_req *rq);                           /* the reply message under construction */
void yc_req_hold(struct yc_req *rq);                           /* before returning YC_PENDING */
/* Ends a held request; rq must not be touched afterwards. Its deadline may have ended it before: keep its yc_req_ref, not the pointer.
 * With an error inside an RPC's reply callback, what that callback wrote is undone. */
void yc_req_finish(struct yc_req *rq, enum yc_code code, const struct yc_err *e);
uint64_t yc_req_ref(struct yc_req *rq);                        /* a number that stays valid ... */
struct yc_req *yc_req_find(struct yc_node *n, uint64_t ref);   /* ... and finds the request, or NULL when it has ended */

/* A consumer that takes every event of some services in order, outside the subs table (api's feed): the same through "*" subs. */

#endif
