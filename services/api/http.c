#include "http_impl.h"

#include "yc/log.h"
#include "yc/metric.h"
#include "yc/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utlist.h>

#define ARENA_LIMIT (4u << 20)
#define DISCARD_MAX (16u << 20)                  /* of an upload that is too large anyway; then the connection is cut */
#define IDLE_S 75

enum phase { NEW, READING, WAITING, ANSWERED };

static const char *const header_names[H_COUNT] = {
	[H_AUTHORIZATION] = "Authorization", [H_COOKIE] = "Cookie", [H_CSRF] = "X-CSRF-Token", [H_IDEMPOTENCY_KEY] = "Idempotency-Key",
	[H_IF_MATCH] = "If-Match", [H_IF_NONE_MATCH] = "If-None-Match", [H_RANGE] = "Range", [H_IF_RANGE] = "If-Range",
	[H_LAST_EVENT_ID] = "Last-Event-ID", [H_TRACEPARENT] = "traceparent", [H_REQUEST_ID] = "X-Request-Id", [H_CONTENT_TYPE] = "Content-Type",
	[H_ACCEPT_LANGUAGE] = "Accept-Language", [H_FORWARDED_FOR] = "X-Forwarded-For", [H_ON_BEHALF_OF] = "On-Behalf-Of",
	[H_SEC_FETCH_MODE] = "Sec-Fetch-Mode",
};

/* --- reading a request, in the HTTP thread --------------------------------------------------------------------------------------- */

static int unhex(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoding in place; plus: '+' is a space (query). -1: bad escape, NUL or bad UTF-8. */
static int unescape(char *s, int plus)
{
	char *w = s;

	for (; *s; s++) {
		if (*s == '%') {
			int hi = unhex((unsigned char)s[1]), lo = hi < 0 ? -1 : unhex((unsigned char)s[2]);

			if (lo < 0 || (hi == 0 && lo == 0))
				return -1;
			*w++ = (char)(hi * 16 + lo);
			s += 2;
		} else {
			*w++ = plus && *s == '+' ? ' ' : *s;
		}
	}
	*w = '\0';
	return 0;
}

static const char *parse_target(struct http_req *r, const char *uri)
{
	char *p = yc_strdup(r->a, uri), *q, *next;

	if (!p)
		return "the target is too long";
	q = strchr(p, '?');
	if (q)
		*q++ = '\0';
	r->path = p;
	if (unescape(p, 0) || !yc_utf8_ok(p))
		return "the path has a bad escape or is not UTF-8";
	for (; q && *q; q = next) {
		char *v;

		next = q + strcspn(q, "&");
		if (*next)
			*next++ = '\0';
		if (!*q)
			continue;
		if (r->n_query == HTTP_MAX_QUERY)
			return "too many query parameters";
		v = strchr(q, '=');
		if (v)
			*v++ = '\0';
		if (unescape(q, 1) || !yc_utf8_ok(q) || (v && (unescape(v, 1) || !yc_utf8_ok(v))))
			return "a query parameter has a bad escape or is not UTF-8";
		r->query[r->n_query++] = (struct http_pair){ q, v ? v : "" };
	}
	return NULL;
}

/* First sight of a request: libmicrohttpd calls this with the raw target; what it returns is the request's cookie in all later calls. */
static void *on_uri(void *arg, const char *uri, struct MHD_Connection *conn)
{
	struct http_req *r = yc_xcalloc(1, sizeof(*r));

	r->a = yc_arena_new(ARENA_LIMIT);
	r->http = arg;
	r->conn = conn;
	r->stream_len = -1;
	r->uri_error = parse_target(r, uri);
	return r;
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct http_req *r = arg;

	for (int i = 0; i < H_COUNT; i++)
		if (!strcasecmp(name, header_names[i])) {
			if (!r->h[i])
				r->h[i] = yc_strdup(r->a, value ? value : "");
			break;
		}
	return MHD_YES;
}

static void peer(struct http_req *r)
{
	const union MHD_ConnectionInfo *ci = MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *sa = ci ? ci->client_addr : NULL;

	if (sa && sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)sa)->sin_addr, r->client, sizeof(r->client));
	else if (sa && sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)sa)->sin6_addr, r->client, sizeof(r->client));
}

static void begin(struct http_req *r, const char *method)
{
	r->is_head = !strcmp(method, "HEAD");
	r->method = yc_strdup(r->a, r->is_head ? "GET" : method);
	peer(r);
	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, on_header, r);
	r->phase = READING;
}

/* -1: give up on this client. */
static int take_body(struct http *h, struct http_req *r, const char *p, size_t n)
{
	if (r->n_body + n > h->c.max_body)
		r->too_large = 1;
	if (r->too_large) {
		r->n_body += n;
		return r->n_body > DISCARD_MAX ? -1 : 0;
	}
	if (r->n_body + n + 1 > r->cap_body) {
		r->cap_body = (r->n_body + n + 1) * 2;
		r->body = yc_xrealloc(r->body, r->cap_body);
	}
	memcpy(r->body + r->n_body, p, n);
	r->n_body += n;
	r->body[r->n_body] = '\0';
	return 0;
}

/* --- the queue --------------------------------------------------------------------------------------------------------------------- */

static int hand_over(struct http *h, struct http_req *r)
{
	int was;

	pthread_mutex_lock(&h->lock);
	if (h->closing || h->n_queue >= h->c.max_queue) {
		pthread_mutex_unlock(&h->lock);
		return -1;
	}
	was = h->n_queue;
	h->queue[(h->head + h->n_queue++) % h->c.max_queue] = r;
	DL_APPEND(h->waiting, r);
	h->n_waiting++;
	r->phase = WAITING;
	MHD_suspend_connection(r->conn);
	pthread_mutex_unlock(&h->lock);
	if (!was && eventfd_write(h->wake, 1))
		yc_error("eventfd: %s", strerror(errno));
	return 0;
}

static void on_wake(void *arg, int fd, int events)
{
	struct http *h = arg;
	struct http_req *r;
	eventfd_t n;

	if (eventfd_read(fd, &n))
		return;
	for (;;) {
		pthread_mutex_lock(&h->lock);
		r = h->n_queue ? h->queue[h->head] : NULL;
		if (r) {
			h->head = (h->head + 1) % h->c.max_queue;
			h->n_queue--;
		}
		pthread_mutex_unlock(&h->lock);
		if (!r)
			return;
		h->c.handler(h->c.arg, r);
	}
}

void http_out(struct http_req *r, const char *name, const char *value)
{
	if (r->n_out < HTTP_MAX_OUT && value)
		r->out[r->n_out++] = (struct http_pair){ name, value };
}

void http_reply(struct http_req *r)
{
	struct http *h = r->http;

	pthread_mutex_lock(&h->lock);
	DL_DELETE(h->waiting, r);
	h->n_waiting--;
	r->phase = ANSWERED;
	pthread_mutex_unlock(&h->lock);
	MHD_resume_connection(r->conn);
}

int http_waiting(struct http *h)
{
	int n;

	pthread_mutex_lock(&h->lock);
	n = h->n_waiting;
	pthread_mutex_unlock(&h->lock);
	return n;
}

/* --- writing the answer, in the HTTP thread ------------------------------------------------------------------------------------------ */

static struct MHD_Response *response_of(struct http_req *r)
{
	struct MHD_Response *m;

	if (r->stream) {
		m = http_stream_response(r->stream, r->conn, r->stream_len);
		r->stream = NULL;
		return m;
	}
	if (r->fixed)
		return MHD_create_response_from_buffer(r->n_fixed, (void *)(uintptr_t)r->fixed, MHD_RESPMEM_PERSISTENT);
	m = MHD_create_response_from_buffer_with_free_callback(r->reply.n, r->reply.p ? r->reply.p : yc_xcalloc(1, 1), yc_xfree);
	r->reply = (struct yc_buf){ 0 };
	return m;
}

static enum MHD_Result answer(struct http_req *r)
{
	struct MHD_Response *m = response_of(r);
	enum MHD_Result ok;

	if (!m)
		return MHD_NO;
	for (int i = 0; i < r->n_out; i++)
		MHD_add_response_header(m, r->out[i].name, r->out[i].value);
	ok = MHD_queue_response(r->conn, (unsigned)r->status, m);
	MHD_destroy_response(m);
	return ok;
}

static enum MHD_Result overloaded(struct http_req *r)
{
	static const char text[] = "{\"type\":\"/problems/exhausted\",\"title\":\"服务繁忙 / busy\",\"status\":503,\"code\":\"exhausted\"}";

	r->status = 503;
	r->fixed = text;
	r->n_fixed = sizeof(text) - 1;
	http_out(r, "Content-Type", "application/problem+json");
	http_out(r, "Retry-After", "1");
	return answer(r);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
				  const char *data, size_t *n, void **cookie)
{
	struct http *h = arg;
	struct http_req *r = *cookie;

	if (!r)
		return MHD_NO;
	switch (r->phase) {
	case NEW:
		begin(r, method);
		return MHD_YES;                  /* no answer in the first call: the body may still come */
	case READING:
		if (*n) {
			int bad = take_body(h, r, data, *n);

			*n = 0;
			return bad ? MHD_NO : MHD_YES;
		}
		if (h->c.quick(h->c.arg, r))
			return answer(r);
		return hand_over(h, r) ? overloaded(r) : MHD_YES;
	case ANSWERED:
		return answer(r);
	default:
		return MHD_YES;
	}
}

static void on_completed(void *arg, struct MHD_Connection *conn, void **cookie, enum MHD_RequestTerminationCode why)
{
	struct http_req *r = *cookie;

	if (!r)
		return;
	if (r->stream)
		http_stream_abandon(r->stream);  /* never reached the wire */
	yc_buf_free(&r->reply);
	yc_xfree(r->body);
	yc_arena_free(&r->a);
	yc_xfree(r);
	*cookie = NULL;
}

/* libmicrohttpd writes a line for each client that vanishes; that is no news. */
static void on_log(void *arg, const char *fmt, va_list ap)
{
	char line[256];

	if (!yc_log_on(YC_DEBUG))
		return;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	yc_debug("http: %s", line);
}

/* --- life ---------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code address_of(const char *text, struct sockaddr_storage *sa, struct yc_err *e)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;
	char host[64] = "";
	const char *colon = text ? strrchr(text, ':') : NULL;
	size_t n = colon ? (size_t)(colon - text) : 0;
	long port = colon ? strtol(colon + 1, NULL, 10) : -1;
	int bracket = n > 2 && text[0] == '[';

	if (!colon || n >= sizeof(host) || port < 0 || port > 65535)
		return yc_fail(e, YC_INVALID, "listen", "must be ADDRESS:PORT, as 127.0.0.1:8080");
	memcpy(host, text + bracket, n - 2 * (size_t)bracket);
	memset(sa, 0, sizeof(*sa));
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
	} else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
	} else {
		return yc_fail(e, YC_INVALID, "listen", "%s is no IP address", host);
	}
	return YC_OK;
}

static struct MHD_Daemon *start(struct http *h, const struct sockaddr_storage *sa)
{
	unsigned flags = MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	if (sa->ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, h,
				MHD_OPTION_SOCK_ADDR, (const struct sockaddr *)sa,
				MHD_OPTION_URI_LOG_CALLBACK, on_uri, h,
				MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
				MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
				MHD_OPTION_CONNECTION_LIMIT, (unsigned)h->c.max_connections,
				MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384,
				MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
				MHD_OPTION_STRICT_FOR_CLIENT, 1,
				MHD_OPTION_END);
}

enum yc_code http_open(struct http **out, const struct http_conf *c, struct yc_err *e)
{
	struct sockaddr_storage sa;
	struct http *h;
	const union MHD_DaemonInfo *di;
	enum yc_code code = address_of(c->listen, &sa, e);

	*out = NULL;
	if (code)
		return code;
	h = yc_xcalloc(1, sizeof(*h));
	h->c = *c;
	h->queue = yc_xcalloc((size_t)c->max_queue, sizeof(*h->queue));
	pthread_mutex_init(&h->lock, NULL);
	h->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	yc_loop_fd(c->loop, h->wake, YC_READ, on_wake, h);
	h->mhd = start(h, &sa);
	if (!h->mhd) {
		code = yc_fail(e, YC_UNAVAILABLE, "listen", "cannot listen on %s: %s", c->listen, strerror(errno));
		http_close(&h);
		return code;
	}
	di = MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_BIND_PORT);
	h->port = di ? di->port : 0;
	*out = h;
	return YC_OK;
}

int http_port(const struct http *h)
{
	return h->port;
}

void http_close(struct http **hp)
{
	struct http *h = *hp;
	struct http_req *r;

	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->closing = 1;
	h->n_queue = 0;
	pthread_mutex_unlock(&h->lock);
	while ((r = h->waiting)) {               /* only the loop's thread, which is here, takes from this list */
		r->status = 503;
		http_out(r, "Retry-After", "1");
		http_reply(r);
	}
	if (h->mhd)
		MHD_stop_daemon(h->mhd);
	yc_loop_fd(h->c.loop, h->wake, 0, NULL, NULL);
	close(h->wake);
	pthread_mutex_destroy(&h->lock);
	yc_xfree(h->queue);
	yc_xfree(h);
	*hp = NULL;
}
