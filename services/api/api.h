/* Private header of the api service. */
#ifndef API_API_H
#define API_API_H

#include "http.h"
#include "rule_route.h"

#include "yc/node.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/report.pb-c.h"
#include "yc/v1/ticket.pb-c.h"

#include <uthash.h>

struct api;
struct api_limit;
struct api_static;
struct api_feed;

struct api_conf {
	char *listen, *console, *trust_proxy;
	int64_t max_body, max_connections, max_queue, max_streams, rate, burst, address_rate, address_burst, token_cache_ms, stream_stall_ms, stream_comment_ms,
		feed_keep_ms, feed_max_rows;
	int cookie_secure, metrics_public;
};

/* Whose token this is, as directory said at most token_cache_ms ago. Shared by requests and streams. */
struct api_token {
	char sha[65];
	Pb__TokenReply *t;                       /* principal is never NULL */
	int64_t checked_at;                      /* mono */
	int refs, is_key;
	char *secret;                            /* the token as presented: streams have it checked again */
	UT_hash_handle hh;
};

/* A request on its way through the loop. */
struct api_ctx {
	struct api *api;
	struct http_req *r;                      /* NULL: HTTP has stopped, nobody waits any more */
	const struct api_route *route;
	struct api_param params[API_MAX_PARAMS];
	int n_params;
	struct api_token *who;                   /* NULL: anonymous */
	const char *token;                       /* as presented, in the request's arena */
	int by_cookie, english;
	char trace[56], request_id[72], client[64];
	int64_t began_us;
	void *more;                              /* of a special handler: freed with yc_xfree */
	struct api_ctx *prev, *next;
};

struct api {
	struct api_conf conf;
	struct yc_node *n;
	struct http *http;
	struct api_static *files;
	struct api_token *tokens;                /* by sha; oldest first */
	struct api_limit *by_principal, *by_address;
	struct api_feed *feed;
	struct api_ctx *ctxs;
	struct yc_timer *tick;
	uint64_t trace_seed[2];
};

extern const struct yc_service api_service;
extern const struct yc_opt api_opts[];
extern const struct yc_migration yc_schema_api[];
enum { API_N_SQL = 7 };                          /* store.h checks it */
extern const char *const api_sql[];

/* service.c */
enum api_metric {
	API_M_2XX, API_M_3XX, API_M_4XX, API_M_5XX, API_M_SECONDS, API_M_LIMITED, API_M_TOKEN_HIT, API_M_TOKEN_MISS, API_M_STREAMS, API_M_STREAM_EVENTS,
	API_M_STREAM_DROPPED, API_M_FEED_ROWS, API_M_COUNT
};
void api_count(enum api_metric m, int64_t n);
void api_gauge(enum api_metric m, int64_t v);
void api_observe_us(int64_t us);

/* request.c: from the wire to the route, and back */
void api_on_http(void *arg, struct http_req *r);
void api_authorized(struct api_ctx *x, enum yc_code code, const struct yc_err *e);     /* CheckToken has answered */
int api_over_address_limit(struct api_ctx *x);   /* 1: answered with 429 */
void api_send(struct api_ctx *x, int status);    /* the reply buffer and headers are filled; x is gone afterwards */
void api_send_json(struct api_ctx *x, int status, const ProtobufCMessage *msg);
void api_fail(struct api_ctx *x, enum yc_code code, const struct yc_err *e);
void api_drop_all(struct api *a);                /* at the end, when no callback can come any more */
struct yc_arena *api_arena(struct api_ctx *x);
const char *api_query(struct api_ctx *x, const char *name);    /* NULL when absent */
const char *api_path_param(struct api_ctx *x, const char *name);

/* problem.c */
void api_problem(struct yc_buf *out, const struct api_ctx *x, int status, const char *slug, const char *field, const char *detail);
const char *api_title(const char *slug, int english);
/* Errors that have no code of their own on the bus. */
void api_fail_http(struct api_ctx *x, int status, const char *slug, const char *field, const char *detail);

/* call.c: route -> RPC */
void api_call(struct api_ctx *x);
enum yc_code api_read_input(struct api_ctx *x, const ProtobufCMessageDescriptor *d, void **in, struct yc_err *e) YC_MUST;
const Pb__Principal *api_principal(struct api_ctx *x);
void api_idempotency_id(struct api_ctx *x, char out[65]);
int64_t api_version_of(const ProtobufCMessage *msg);          /* its version, or of a member; 0: none */

/* auth.c */
void api_authenticate(struct api_ctx *x);        /* leads to api_authorized */
void api_token_ref(struct api_token *t);
void api_token_unref(struct api_token **t);
void api_token_revoked(struct api *a, const char *sha);
void api_tokens_free(struct api *a);
/* Asks directory again, whatever is cached; fn(arg, token or NULL). Streams keep themselves honest with it. */
void api_token_recheck(struct api *a, const char *secret, void (*fn)(void *arg, enum yc_code code, struct api_token *t), void *arg);
int api_may(const struct api_token *t, uint32_t roles, const char *scope);

/* Special handlers: session.c, metrics.c, recording.c, stream.c, openapi.c */
api_special api_on_login, api_on_logout, api_on_me, api_on_metrics, api_on_health, api_on_recording, api_on_stream, api_on_events, api_on_openapi,
	api_on_problem_type;

/* feed.c: events kept in order, for streams and pulls */
enum yc_code api_feed_open(struct api *a, struct yc_err *e) YC_MUST;
void api_feed_close(struct api *a);
enum yc_code api_feed_take(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e);   /* event handler */
void api_feed_lost(struct yc_node *n, void *self);
struct api_event {                               /* one row, decoded at need */
	int64_t seq, at;
	const char *type, *source, *matter_id, *key;
	const uint8_t *payload;
	size_t n_payload;
	const struct api_event_type *t;          /* NULL: a type this table does not know; nobody sees it */
	ProtobufCMessage *msg;
	struct yc_buf text[2];                   /* rendered: whole, and with numbers masked */
	struct api_event *prev, *next;
};
int64_t api_feed_head(const struct api *a);
int64_t api_feed_oldest(struct api *a);
/* Rows after seq, from memory or the store; at most n. fn returns 0 to stop. */
enum yc_code api_feed_read(struct api *a, int64_t after, int n, int (*fn)(void *arg, struct api_event *ev), void *arg, struct yc_err *e) YC_MUST;
/* JSON of the event for this reader, or NULL when he may not see it. Borrowed until the next event. */
const struct yc_buf *api_event_text(struct api_event *ev, const struct api_token *t);
void api_event_fini(struct api_event *ev);

/* stream.c */
void api_streams_open(struct api *a);
void api_streams_close(struct api *a);
void api_streams_event(struct api *a, struct api_event *ev);
void api_streams_revoked(struct api *a, const char *sha);

void api_recordings_close(struct api *a);

/* static.c */
enum yc_code api_static_open(struct api_static **out, const char *folder, struct yc_err *e) YC_MUST;
void api_static_close(struct api_static **s);
int api_static_serve(struct api_static *s, struct http_req *r);        /* HTTP thread; 1: answered */
void api_secure_headers(struct http_req *r, int is_page);

/* store.c */
struct api_recording { char blob_id[40], gateway[64], matter_id[40], agent_id[40], call_id[40]; };
enum yc_code api_store_feed_add(struct yc_node *n, const struct api_event *ev, struct yc_err *e) YC_MUST;
enum yc_code api_store_feed_range(struct yc_node *n, int64_t *oldest, int64_t *head, struct yc_err *e) YC_MUST;
enum yc_code api_store_feed_read(struct yc_node *n, int64_t after, int limit, int (*fn)(void *arg, struct api_event *ev), void *arg, struct yc_err *e) YC_MUST;
/* Removes what is older than before (epoch ms), or beyond max_rows, in steps: *more says whether to come again. */
enum yc_code api_store_feed_prune(struct yc_node *n, int64_t before, int64_t max_rows, int *more, struct yc_err *e) YC_MUST;
enum yc_code api_store_recording_put(struct yc_node *n, const struct api_recording *r, struct yc_err *e) YC_MUST;
enum yc_code api_store_recording_get(struct yc_node *n, const char *blob_id, struct api_recording *r, int *found, struct yc_err *e) YC_MUST;

/* openapi.c */
void api_openapi_write(struct yc_buf *out);

#endif
