/* Inside of a node: lifecycle (node.c), options (node_conf.c), units of work and group commit (node_unit.c), dispatcher (node_rpc.c), requests
 * (node_req.c), what every service answers (node_builtin.c), outbox (outbox.c, outbox_async.c), consumer (node_event.c), import (import.c). */
#ifndef YC_NODE_IMPL_H
#define YC_NODE_IMPL_H

#include <uthash.h>

#include "store_node.h"
#include "yc/heap.h"
#include "yc/metric.h"
#include "yc/node.h"
#include "yc/slots.h"
#include "yc/wire.h"

enum {
	NODE_HELD_MAX = 10000, NODE_ALSO_MAX = 4, NODE_FREE_REQS = 64,
	NODE_ARENA_MAX = 16 << 20,               /* one request decoded, with all its handler allocates */
	NODE_EMIT_MAX = 100000,                  /* uncommitted events */
	NODE_EVENT_MAX = 512 << 10,              /* payload of one */
	NODE_GAP_ROWS = 500, NODE_GAP_BYTES = 1 << 20,
};

enum method_metric { MM_REQUESTS, MM_ERRORS, MM_SECONDS, MM_COUNT };
struct node_method {
	char *name;                              /* "Create", "Node.Health" */
	const struct yc_rpc *rpc;
	const ProtobufCMessageDescriptor *input, *output;
	struct yc_metric *metric;                /* MM_COUNT of them; they outlive the node */
	UT_hash_handle hh;
};

enum req_state { REQ_RUNNING, REQ_HELD, REQ_ENDED };
struct yc_req {
	struct yc_slot slot;                     /* its number is yc_req_ref */
	struct yc_node *node;
	struct node_method *method;
	struct yc_arena *arena;
	enum req_state state;
	int is_replayable;                       /* its handler ended it, so it can be run again */
	int is_undone;                           /* answers OK, but what it wrote is taken back (an import with errors) */
	uint64_t call, also[NODE_ALSO_MAX];      /* whom to answer: retries of a held write join it */
	int n_also;
	Pb__Principal *who;
	char *id, *trace;
	int64_t fingerprint, deadline_at, began_us;
	size_t due;                              /* place in held_due */
	void *in, *out;
	enum yc_code code;
	struct yc_err err;
	uint8_t *reply;
	size_t n_reply;
	struct yc_req *next;                     /* in turn or unit list */
	UT_hash_handle hh;                       /* held writes by id */
};

struct req_list { struct yc_req *head, *tail; };

enum unit_kind {
	UNIT_REQUEST,                            /* can be run again */
	UNIT_EVENT,                              /* will be asked for again */
	UNIT_REPLY,                              /* callback of an RPC */
	UNIT_DO,
};

struct outbox {                                  /* of one connection */
	struct node_store store;
	char source[YC_WIRE_NAME_MAX], topic[YC_WIRE_NAME_MAX + 2], incarnation[40];
	int64_t head;                            /* last number given away */
	_Atomic int64_t committed;               /* last number that may be seen */
};

struct yc_node {
	const struct yc_service *svc;
	void *self;
	struct yc_node_conf conf;
	struct yc_loop *loop;
	struct yc_bus *bus;
	struct yc_db *db;
	struct node_store store;
	struct yc_blobs *blobs;
	int q_base;
	char instance[YC_WIRE_NAME_MAX], boot[40];
	int64_t started_at;
	int is_draining, is_closing, signal_fd;
	struct yc_timer *drain_timer, *prune_timer, *watch_timer;
	int64_t drain_until;

	struct node_method *methods;
	struct yc_slots reqs;
	struct yc_arena *free_arenas[NODE_FREE_REQS];
	int n_free_arenas, n_held;
	struct yc_heap held_due;
	struct yc_timer *held_timer;
	int64_t held_armed;
	struct yc_req *held_by_id;

	/* The unit in hand and the turn it belongs to. */
	int in_unit, unit_undo;
	enum unit_kind unit_kind;
	int64_t unit_head;                       /* outbox numbers and bytes at its beginning */
	size_t unit_bytes;
	int unit_wrote;                          /* yc_db_kept at its beginning */
	struct req_list ended_in_unit, turn;     /* turn: wait for the commit */
	int turn_writes, turn_lost, has_unit;    /* units of this turn that wrote; of these, not to be run again; was there any unit? */

	struct outbox out;
	struct yc_buf to_publish;                /* packed events of the turn, each with its length before it */
	int n_to_publish;
	struct yc_timer *head_timer;
	unsigned quiet_ticks;                    /* of the head timer since the last event was published */
	struct outbox_async *async;
	struct consumer *consumer;
};

/* --- node_conf.c */
enum yc_code node_conf_log(const struct yc_node_conf *c, const char *name, struct yc_err *e) YC_MUST;
enum yc_code node_conf_db(const struct yc_node_conf *c, const char *service, char *out, size_t size, struct yc_err *e) YC_MUST;
void node_conf_copy(struct yc_node_conf *out, const struct yc_node_conf *c);
void node_conf_free(struct yc_node_conf *c);

/* --- node_unit.c */
void node_unit_begin(struct yc_node *n, enum unit_kind kind);
/* keep 0 undoes what it wrote and emitted. Returns why it could not be kept, else YC_OK. Requests that ended in it are settled. */
enum yc_code node_unit_end(struct yc_node *n, int keep, struct yc_err *e);
void node_before_callback(void *arg);            /* yc_bus_around */
void node_after_callback(void *arg);
void node_turn_end(void *arg);
void node_settle(struct yc_node *n, struct yc_req *rq);        /* answer now, or after the commit */

/* --- node_rpc.c */
enum yc_code node_methods_open(struct yc_node *n, struct yc_err *e) YC_MUST;
void node_methods_close(struct yc_node *n);
void node_on_request(void *arg, const Pb__Header *h, const uint8_t *payload, size_t len);
void node_run(struct yc_req *rq);                /* in a unit of its own, up to node_settle or holding */
/* Decode and check as for every request; fuzzed. */
enum yc_code node_decode(struct yc_arena *a, const ProtobufCMessageDescriptor *d, const uint8_t *payload, size_t len, void **out,
			 struct yc_err *e) YC_MUST;

/* --- node_req.c */
struct yc_req *node_req_new(struct yc_node *n, struct node_method *m, const Pb__Header *h);
void node_req_answer(struct yc_req *rq);         /* send the reply, count, free */
void node_req_free(struct yc_req *rq);
enum yc_code node_req_record(struct yc_req *rq, struct yc_err *e) YC_MUST;   /* pack the reply; a write's is stored */
void node_req_unhold(struct yc_req *rq);
void node_held_close(struct yc_node *n);

/* --- node_builtin.c */
extern const struct yc_rpc node_builtin_rpcs[];
/* --- import.c */
enum yc_code node_on_import(struct yc_req *rq, const void *in, void *out, struct yc_err *e);

/* --- outbox.c */
enum yc_code outbox_open(struct outbox *o, struct yc_db *db, const char *source, struct yc_err *e) YC_MUST;
/* Give ev its number and id, pack it behind its length at the end of buf and store it. */
enum yc_code outbox_put(struct outbox *o, Pb__Event *ev, struct yc_buf *buf, struct yc_err *e) YC_MUST;
void outbox_publish(struct yc_node *n, const char *p, size_t len);           /* what outbox_put packed */
enum yc_code node_outbox_start(struct yc_node *n, struct yc_err *e) YC_MUST;
void node_outbox_stop(struct yc_node *n);
void node_outbox_committed(struct yc_node *n);
void node_outbox_rolled_back(struct yc_node *n);
void node_publish_head(void *arg);

/* --- outbox_async.c */
enum yc_code outbox_async_start(struct yc_node *n, struct yc_err *e) YC_MUST;
void outbox_async_stop(struct yc_node *n);       /* commits what waits */
enum yc_code outbox_async_emit(struct outbox_async *a, const Pb__Event *ev, struct yc_err *e) YC_MUST;
int outbox_async_waiting(const struct outbox_async *a);
struct outbox *outbox_async_box(struct outbox_async *a);

/* --- node_event.c */
enum yc_code consumer_open(struct yc_node *n, struct yc_err *e) YC_MUST;
void consumer_close(struct yc_node *n);
void consumer_on_event(void *arg, const char *topic, const uint8_t *payload, size_t len);
enum yc_code consumer_before_commit(struct yc_node *n, struct yc_err *e) YC_MUST;
void consumer_committed(struct yc_node *n);
void consumer_rolled_back(struct yc_node *n);
int consumer_wants_commit(const struct yc_node *n);            /* have effects waited long enough? */
int consumer_has_effects(const struct yc_node *n);

#endif
