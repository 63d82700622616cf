/* The only door to libmicrohttpd: one HTTP thread on one side, the node's loop on the other, a bounded queue between them.
 * A request is read by the HTTP thread, handed over, answered in the loop, and written by the HTTP thread. */
#ifndef API_HTTP_H
#define API_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "yc/arena.h"
#include "yc/err.h"
#include "yc/json.h"
#include "yc/loop.h"

#define HTTP_MAX_QUERY 24
#define HTTP_MAX_OUT 24

enum http_header {
	H_AUTHORIZATION, H_COOKIE, H_CSRF, H_IDEMPOTENCY_KEY, H_IF_MATCH, H_IF_NONE_MATCH, H_RANGE, H_IF_RANGE, H_LAST_EVENT_ID, H_TRACEPARENT,
	H_REQUEST_ID, H_CONTENT_TYPE, H_ACCEPT_LANGUAGE, H_FORWARDED_FOR, H_ON_BEHALF_OF, H_SEC_FETCH_MODE, H_COUNT
};

struct http_pair { const char *name, *value; };
struct http_stream;

/* Lives until the answer is written. Everything it points to is in its arena. */
struct http_req {
	struct yc_arena *a;
	const char *method;                      /* "GET"; HEAD comes as GET with is_head */
	const char *path;                        /* percent-decoded, valid UTF-8 */
	const char *uri_error;                   /* why the target cannot be read, or NULL */
	struct http_pair query[HTTP_MAX_QUERY];
	int n_query, is_head;
	const char *h[H_COUNT];                  /* NULL: absent */
	char client[64];                         /* address of the peer */
	char *body;
	size_t n_body, cap_body;
	int too_large;

	int status;                              /* the answer */
	struct http_pair out[HTTP_MAX_OUT];      /* values live in the arena, or for ever */
	int n_out;
	struct yc_buf reply;
	const void *fixed; size_t n_fixed;       /* instead of reply: bytes that outlive the daemon */
	struct http_stream *stream;              /* instead of reply; stream_len -1: unknown length */
	int64_t stream_len;

	struct http_req *next, *prev;            /* private to http.c */
	void *conn, *http;
	int phase;
};

struct http_conf {
	const char *listen;                      /* "127.0.0.1:8080", "[::1]:8080"; port 0: any */
	size_t max_body;
	int max_connections, max_queue;
	struct yc_loop *loop;
	/* In the HTTP thread: answer at once from memory (returns 1), or hand over (0). */
	int (*quick)(void *arg, struct http_req *r);
	/* In the loop. Must lead to one http_reply, now or later. */
	void (*handler)(void *arg, struct http_req *r);
	void *arg;
};
struct http;

enum yc_code http_open(struct http **out, const struct http_conf *c, struct yc_err *e) YC_MUST;
/* Answers whatever still waits with 503 and stops. No http_reply may follow. */
void http_close(struct http **h);
int http_port(const struct http *h);
/* Header of the answer; more than HTTP_MAX_OUT are dropped. */
void http_out(struct http_req *r, const char *name, const char *value);
/* From the loop: the answer is complete; r is not the caller's any more. */
void http_reply(struct http_req *r);
int http_waiting(struct http *h);                /* handed over and not yet answered */

/* Answers that grow. Made and fed in the loop, emptied by the HTTP thread. */
struct http_stream *http_stream_new(struct yc_loop *l, void (*on_empty)(void *arg), void *arg);
/* Copies. Returns the number of pieces that wait now. */
int http_stream_add(struct http_stream *s, const void *p, size_t n);
int http_stream_waiting(struct http_stream *s);
int http_stream_is_gone(struct http_stream *s);          /* the client went away */
void http_stream_end(struct http_stream **s, int broken);        /* broken: cut the connection so that the client notices */

#endif
