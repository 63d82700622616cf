/* Answers that grow: event streams and recordings. Two owners, the loop and the response; whoever leaves last frees. */
#include "http_impl.h"

#include "yc/log.h"

#include <string.h>

#include <utlist.h>

#define BLOCK (32u << 10)

struct piece { struct piece *prev, *next; size_t n; char data[]; };

struct http_stream {
	pthread_mutex_t lock;
	struct MHD_Connection *conn;
	struct piece *pieces;
	size_t off;                              /* of the first piece already given */
	int n_pieces, asleep, ended, broken, gone, owners, told;
	struct yc_loop *loop;
	void (*on_empty)(void *arg);
	void *arg;
};

struct http_stream *http_stream_new(struct yc_loop *l, void (*on_empty)(void *arg), void *arg)
{
	struct http_stream *s = yc_xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	s->owners = 2;
	s->loop = l;
	s->on_empty = on_empty;
	s->arg = arg;
	return s;
}

static void leave(struct http_stream *s)
{
	struct piece *p, *tmp;
	int last;

	pthread_mutex_lock(&s->lock);
	last = --s->owners == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	DL_FOREACH_SAFE(s->pieces, p, tmp)
		yc_xfree(p);
	pthread_mutex_destroy(&s->lock);
	yc_xfree(s);
}

static void wake(struct http_stream *s)
{
	if (s->asleep) {
		s->asleep = 0;
		MHD_resume_connection(s->conn);
	}
}

int http_stream_add(struct http_stream *s, const void *p, size_t n)
{
	struct piece *x = yc_xcalloc(1, sizeof(*x) + n);
	int waiting;

	x->n = n;
	memcpy(x->data, p, n);
	pthread_mutex_lock(&s->lock);
	DL_APPEND(s->pieces, x);
	waiting = ++s->n_pieces;
	s->told = 0;
	wake(s);
	pthread_mutex_unlock(&s->lock);
	return waiting;
}

int http_stream_waiting(struct http_stream *s)
{
	int n;

	pthread_mutex_lock(&s->lock);
	n = s->n_pieces;
	pthread_mutex_unlock(&s->lock);
	return n;
}

int http_stream_is_gone(struct http_stream *s)
{
	int gone;

	pthread_mutex_lock(&s->lock);
	gone = s->gone;
	pthread_mutex_unlock(&s->lock);
	return gone;
}

void http_stream_end(struct http_stream **sp, int broken)
{
	struct http_stream *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	pthread_mutex_lock(&s->lock);
	s->ended = 1;
	s->broken |= broken;
	wake(s);
	pthread_mutex_unlock(&s->lock);
	leave(s);
}

/* --- HTTP thread ----------------------------------------------------------------------------------------------------------------- */

static ssize_t read_some(struct http_stream *s, char *buf, size_t max)
{
	size_t got = 0;

	while (s->pieces && got < max) {
		struct piece *p = s->pieces;
		size_t n = p->n - s->off < max - got ? p->n - s->off : max - got;

		memcpy(buf + got, p->data + s->off, n);
		got += n;
		s->off += n;
		if (s->off == p->n) {
			DL_DELETE(s->pieces, p);
			yc_xfree(p);
			s->n_pieces--;
			s->off = 0;
		}
	}
	return (ssize_t)got;
}

static ssize_t on_read(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct http_stream *s = arg;
	ssize_t n;
	int ask = 0;

	pthread_mutex_lock(&s->lock);
	n = read_some(s, buf, max);
	if (!s->pieces && !s->ended && !s->told && s->on_empty)
		ask = s->told = 1;
	if (!n && s->ended) {
		n = s->broken ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
	} else if (!n) {
		s->asleep = 1;
		MHD_suspend_connection(s->conn);
	}
	pthread_mutex_unlock(&s->lock);
	if (ask && yc_loop_post(s->loop, s->on_empty, s->arg))
		yc_error("a stream cannot ask for more: the loop's queue is full");
	return n;
}

static void on_free(void *arg)
{
	struct http_stream *s = arg;

	pthread_mutex_lock(&s->lock);
	s->gone = 1;
	s->asleep = 0;
	pthread_mutex_unlock(&s->lock);
	leave(s);
}

void http_stream_abandon(struct http_stream *s)
{
	on_free(s);
}

struct MHD_Response *http_stream_response(struct http_stream *s, struct MHD_Connection *conn, int64_t len)
{
	s->conn = conn;
	return MHD_create_response_from_callback(len < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)len, BLOCK, on_read, s, on_free);
}
