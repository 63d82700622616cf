/* The gateway service: what its node-thread files share. The signalling thread's side is in sig.h. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include <uthash.h>

#include "msg.h"
#include "yc/blob.h"
#include "yc/metric.h"
#include "yc/node.h"
#include "yc/redis.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/gateway.pb-c.h"

struct sig;
struct location;
struct routing;

struct gw_conf {
	char *sip, *advertise, *media, *media_advertise, *prompts, *realm;
	int64_t rtp_min, rtp_max, media_threads, rtp_timeout_ms;
	int64_t max_calls, max_rate, max_behind;
	int64_t register_min_s, register_max_s, register_default_s, nonce_ms, auth_failures, auth_block_ms;
	int sha256, inband, trace_gap;
};

/* One call as the node thread knows it: the snapshot behind CallGet and the source of the events. */
struct gw_call {
	char id[YC_ID_LEN], contact_id[YC_ID_LEN], matter_id[YC_ID_LEN], item_id[YC_ID_LEN], reservation_id[YC_ID_LEN];
	char customer_id[YC_ID_LEN], agent_id[YC_ID_LEN];
	char from[32], to[32], queue[64], extension[32], codec[12];
	const char *state;
	int64_t started_at, answered_at, queued_at, bridged_at, ended_at;
	int64_t reservation_version, talk_ms;
	int priority, ended, sip_status;
	char by[16], reason[64];
	struct gw_op *ops;               /* what the ACD must still hear, in order */
	int op_out;                      /* the first of them is on its way */
	int closed;                      /* nothing more to come from the signalling thread: freed when ops is empty */
	UT_hash_handle hh;
};

struct gw_self {
	struct gw_conf conf;
	struct yc_node *node;
	struct sig *sig;
	struct gw_queue *up, *down;      /* up: from the signalling thread; down: to it */
	struct gw_call *calls;
	struct gw_phone *phones;         /* registrations, for RegistrationList */
	struct gw_carrier *carriers;     /* trunks that register somewhere */
	struct routing *routing;
	struct location *location;
	struct yc_blobs *blobs;
	char blob_folder[512];
	struct yc_timer *second;
	struct gw_dir *dir;
	FILE *gap_file;
	int ready, stopped, stopping;    /* of the signalling thread */
	char why[256];
	int64_t checkpoint_at;
	int64_t event_at;                /* of the message in hand */
	int peak, quiet_s;               /* calls since memory was given back */
};
struct gw_phone { char extension[32], contact[256], path[160], received[64], user_agent[64]; int64_t expires_at, since_at; UT_hash_handle hh; };
struct gw_carrier { char name[64], text[64]; int ok, status; UT_hash_handle hh; };

extern struct gw_self gateway_self;
extern const struct yc_service gateway_service;
extern const struct yc_opt gateway_opts[];

/* service.c: to the signalling thread; counted and dropped at the queue's bound. */
void gw_down(struct gw_self *g, struct gw_msg **m);

/* book.c: the calls' snapshot; applies what the signalling thread reports and emits the events. */
void gw_book_take(struct gw_self *g, struct gw_msg *m);
struct gw_call *gw_book_find(struct gw_self *g, const char *id);
void gw_book_to_pb(struct gw_self *g, const struct gw_call *c, Pb__Call *out);
void gw_book_release(struct gw_self *g, struct gw_call *c);      /* frees it when nothing is left to do */
void gw_book_free(struct gw_self *g);
struct gw_phone;
void gw_book_phone(struct gw_self *g, const struct gw_phone *now, int registered);      /* the table behind RegistrationList */

/* routing.c: the ACD and the CRM. */
enum yc_code gw_routing_open(struct routing **out, struct gw_self *g, struct yc_err *e) YC_MUST;
void gw_routing_close(struct routing **r);
void gw_routing_resolve(struct routing *r, struct gw_call *c);
void gw_routing_enqueue(struct routing *r, struct gw_call *c);
void gw_routing_offer_end(struct routing *r, struct gw_call *c, const char *reservation, int64_t version, const char *agent, int outcome, const char *reason);
void gw_routing_leave(struct routing *r, struct gw_call *c);
void gw_routing_end(struct routing *r, struct gw_call *c);
void gw_routing_second(struct routing *r);
void gw_routing_drop(struct routing *r, struct gw_call *c);      /* forget its operations */

/* location.c: phones' locations in Redis. */
enum yc_code gw_location_open(struct location **out, struct gw_self *g, struct yc_err *e) YC_MUST;
void gw_location_close(struct location **l);
void gw_location_put(struct location *l, const struct gw_phone *p);
void gw_location_delete(struct location *l, const char *extension);
/* For phones registered at another gateway; contact is "" when there is none. */
typedef void gw_location_fn(void *arg, const char *contact, const char *path);
void gw_location_get(struct location *l, const char *extension, gw_location_fn *fn, void *arg);

/* creds.c: extensions from the directory. */
void gw_creds_start(struct gw_self *g);
void gw_creds_second(struct gw_self *g);
void gw_creds_close(struct gw_self *g);
int gw_creds_loaded(const struct gw_self *g);
int gw_creds_is_static(struct gw_self *g, const char *extension);      /* a phone that never registers */
enum yc_code gw_creds_changed(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e);

/* store.c */
enum { STORE_NUMBER, STORE_FLOW, STORE_TRUNK };
enum store_query {
	Q_NUMBER_GET, Q_NUMBER_PUT, Q_NUMBER_ALL, Q_FLOW_GET, Q_FLOW_PUT, Q_FLOW_ALL, Q_TRUNK_GET, Q_TRUNK_PUT, Q_TRUNK_ALL,
	Q_EVENTS, Q_MARK_GET, Q_MARK_PUT, Q_HEAD, Q_COUNT
};
extern const char *const gw_store_queries[Q_COUNT];
/* The stored document as JSON in the arena; *json NULL when there is none. */
enum yc_code gw_store_doc(struct yc_node *n, int kind, const char *key, struct yc_arena *a, char **json, int64_t *version, struct yc_err *e) YC_MUST;
enum yc_code gw_store_doc_put(struct yc_node *n, int kind, const char *key, const char *json, int64_t version, struct yc_err *e) YC_MUST;
enum yc_code gw_store_each(struct yc_node *n, int kind, enum yc_code (*fn)(void *arg, const char *json, struct yc_err *e), void *arg,
			struct yc_err *e) YC_MUST;
/* Our own events since the mark, packed, in order. */
enum yc_code gw_store_events(struct yc_node *n, void (*fn)(void *arg, const void *event, size_t len), void *arg, struct yc_err *e) YC_MUST;
/* The mark: no call whose start is at or below this sequence number is open. */
enum yc_code gw_store_checkpoint(struct yc_node *n, int64_t seq, struct yc_err *e) YC_MUST;
enum yc_code gw_store_head(struct yc_node *n, int64_t *seq, struct yc_err *e) YC_MUST;

/* config.c: import kinds, and their way to the signalling thread. */
extern const struct yc_import_kind gw_config_kinds[];
enum yc_code gw_config_load(struct gw_self *g, struct yc_err *e) YC_MUST;

/* journal.c */
enum yc_code gw_journal_recover(struct gw_self *g, struct yc_err *e) YC_MUST;
void gw_journal_second(struct gw_self *g);

/* rpc.c */
extern const struct yc_rpc gateway_rpcs[];
void gw_rpc_talked(struct gw_self *g, const struct gw_msg *m);

enum gw_metric {
	GWM_CALLS, GWM_ENDED, GWM_BUSY_503, GWM_UNKNOWN_404, GWM_CODEC_488, GWM_FORBIDDEN_403, GWM_ACTIVE, GWM_QUEUED, GWM_IDLE_GAP, GWM_OFFERS,
	GWM_OFFERS_FAILED, GWM_ACD_RETRIES, GWM_RESYNCS, GWM_MSG_DROPPED, GWM_REGISTERED, GWM_LEGS, GWM_RECORDINGS, GWM_RECORD_FAILED,
	GWM_RTP_IN, GWM_RTP_OUT, GWM_TICKS_LATE, GWM_COUNT
};
extern struct yc_metric gw_metrics[GWM_COUNT];

#endif
