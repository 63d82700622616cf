/* Shared by the files of the HTTP adapter only. */
#ifndef API_HTTP_IMPL_H
#define API_HTTP_IMPL_H

#include <pthread.h>

#include <microhttpd.h>

#include "http.h"

struct http {
	struct http_conf c;
	struct MHD_Daemon *mhd;
	int port, wake, closing;
	pthread_mutex_t lock;                    /* of everything below */
	struct http_req **queue;                 /* ring of max_queue */
	int head, n_queue, n_waiting;
	struct http_req *waiting;                /* handed over and not yet answered */
};

/* The response takes over the HTTP thread's share of s. */
struct MHD_Response *http_stream_response(struct http_stream *s, struct MHD_Connection *conn, int64_t len);

/* The HTTP thread's share goes without a response. */
void http_stream_abandon(struct http_stream *s);

#endif
