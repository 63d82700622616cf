/* Asynchronous events: a thread with a connection of its own commits them in batches, at most every 50 ms, and hands them back to the loop for
 * publishing. Nothing waits for it: for services whose state is outside the store anyway (calls, agents in Redis). */
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "node_impl.h"
#include "yc/clock.h"
#include "yc/log.h"

enum { BATCH_MS = 50, GATHER_MS = 10, BATCH_MAX = 2000, RETRY_MS = 200, STOP_TRIES = 25 };

struct emitted { struct emitted *next; char *type, *matter_id, *key; int64_t at; size_t n; uint8_t payload[]; };
struct batch { struct yc_node *node; struct yc_buf packed; };

struct outbox_async {
	struct yc_node *node;
	struct yc_db *db;
	struct outbox box;
	pthread_t thread;
	int has_thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct emitted *head, *tail;             /* not yet committed */
	int waiting, stop;
};

static char *put_text(char **p, const char *s)
{
	size_t n = strlen(s) + 1;
	char *at = memcpy(*p, s, n);

	*p += n;
	return at;
}

enum yc_code outbox_async_emit(struct outbox_async *a, const Pb__Event *ev, struct yc_err *e)
{
	size_t texts = strlen(ev->type) + strlen(ev->matter_id) + strlen(ev->key) + 3;
	struct emitted *x = yc_xcalloc(1, sizeof *x + ev->payload.len + texts);
	char *p = (char *)x->payload + ev->payload.len;

	x->at = ev->at;
	x->n = ev->payload.len;
	memcpy(x->payload, ev->payload.data, x->n);
	x->type = put_text(&p, ev->type);
	x->matter_id = put_text(&p, ev->matter_id);
	x->key = put_text(&p, ev->key);
	pthread_mutex_lock(&a->lock);
	if (a->waiting >= NODE_EMIT_MAX) {
		pthread_mutex_unlock(&a->lock);
		yc_xfree(x);
		return yc_fail(e, YC_EXHAUSTED, "event", "too many events wait for their commit");
	}
	if (a->tail)
		a->tail->next = x;
	else
		a->head = x;
	a->tail = x;
	if (a->waiting++ == 0)
		pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
	return YC_OK;
}

int outbox_async_waiting(const struct outbox_async *a)
{
	struct outbox_async *w = (struct outbox_async *)a;
	int n;

	pthread_mutex_lock(&w->lock);
	n = w->waiting;
	pthread_mutex_unlock(&w->lock);
	return n;
}

struct outbox *outbox_async_box(struct outbox_async *a)
{
	return &a->box;
}

/* --- in the thread ------------------------------------------------------------------------------------------------------------ */

/* Writes up to BATCH_MAX from the head of the list (which only this thread shortens) and commits. */
static enum yc_code write_batch(struct outbox_async *a, struct yc_buf *packed, int *n, struct yc_err *e)
{
	enum yc_code code = YC_OK;
	struct emitted *x;

	pthread_mutex_lock(&a->lock);
	x = a->head;
	pthread_mutex_unlock(&a->lock);
	yc_db_unit_begin(a->db);
	for (*n = 0; x && *n < BATCH_MAX && !code; ++*n) {
		Pb__Event ev = PB__EVENT__INIT;

		ev.type = x->type;
		ev.at = x->at;
		ev.matter_id = x->matter_id;
		ev.key = x->key;
		ev.payload.data = x->payload;
		ev.payload.len = x->n;
		code = outbox_put(&a->box, &ev, packed, e);
		pthread_mutex_lock(&a->lock);
		x = x->next;
		pthread_mutex_unlock(&a->lock);
	}
	if (yc_db_unit_end(a->db, code == YC_OK, code ? &(struct yc_err){ 0 } : e) && !code)
		code = e->code;
	if (!code)
		code = yc_db_commit(a->db, e);
	if (code) {
		yc_db_rollback(a->db);
		a->box.head = a->box.committed;
	}
	return code;
}

static void drop_head(struct outbox_async *a, int n)
{
	struct emitted *x;

	pthread_mutex_lock(&a->lock);
	while (n-- && (x = a->head)) {
		a->head = x->next;
		if (!a->head)
			a->tail = NULL;
		a->waiting--;
		yc_xfree(x);
	}
	pthread_mutex_unlock(&a->lock);
}

static void on_committed(void *arg)
{
	struct batch *b = arg;

	outbox_publish(b->node, b->packed.p, b->packed.n);
	yc_buf_free(&b->packed);
	yc_xfree(b);
}

/* 0, or -1 when the store refused: the events stay in the list. */
static int commit_batch(struct outbox_async *a)
{
	struct batch *b = yc_xcalloc(1, sizeof *b);
	struct yc_err e = { 0 };
	int n;

	b->node = a->node;
	if (write_batch(a, &b->packed, &n, &e)) {
		yc_warn("outbox: %d events are not committed: %s", a->waiting, e.msg);
		yc_buf_free(&b->packed);
		yc_xfree(b);
		return -1;
	}
	a->box.committed = a->box.head;
	drop_head(a, n);
	/* Not published is not lost: consumers see the head and ask. */
	if (yc_loop_post(a->node->loop, on_committed, b)) {
		yc_buf_free(&b->packed);
		yc_xfree(b);
	}
	return 0;
}

static void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

/* Let company arrive: one sync, and one wake-up of every subscriber, for all of them. What comes after a quiet time hardly waits. */
static void gather(int64_t last)
{
	int64_t left = last + BATCH_MS - yc_mono();

	sleep_ms(left > GATHER_MS ? (int)left : GATHER_MS);
}

static void *run(void *arg)
{
	struct outbox_async *a = arg;
	int64_t last = 0;
	int failures = 0;

	for (;;) {
		int waiting, stop;

		pthread_mutex_lock(&a->lock);
		while (!a->waiting && !a->stop)
			pthread_cond_wait(&a->more, &a->lock);
		waiting = a->waiting;
		stop = a->stop;
		pthread_mutex_unlock(&a->lock);
		if (stop && (!waiting || failures >= STOP_TRIES))
			break;
		if (waiting < BATCH_MAX && !stop)
			gather(last);
		last = yc_mono();
		failures = commit_batch(a) ? failures + 1 : 0;
		if (failures)
			sleep_ms(RETRY_MS);
	}
	return NULL;
}

/* --- in the loop's thread ------------------------------------------------------------------------------------------------------ */

enum yc_code outbox_async_start(struct yc_node *n, struct yc_err *e)
{
	struct outbox_async *a = n->async = yc_xcalloc(1, sizeof *a);
	enum yc_code code;

	a->node = n;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	code = yc_db_open(&a->db, n->conf.db, n->svc->name, e);
	/* It only appends: pages once written are not read again, so a large cache would just fill up with events. */
	if (!code && !yc_db_is_pg(a->db))
		code = yc_db_exec(a->db, "PRAGMA cache_size=-512", e);
	if (!code)
		code = outbox_open(&a->box, a->db, n->instance, e);
	if (code)
		return code;
	if (pthread_create(&a->thread, NULL, run, a))
		return yc_fail(e, YC_INTERNAL, NULL, "no thread for the outbox");
	a->has_thread = 1;
	return YC_OK;
}

void outbox_async_stop(struct yc_node *n)
{
	struct outbox_async *a = n->async;
	int left;

	if (!a)
		return;
	if (a->has_thread) {
		pthread_mutex_lock(&a->lock);
		a->stop = 1;
		pthread_cond_signal(&a->more);
		pthread_mutex_unlock(&a->lock);
		pthread_join(a->thread, NULL);
		yc_loop_once(n->loop, 0);        /* what it posted */
	}
	left = a->waiting;
	if (left)
		yc_error("outbox: %d events could not be committed and are lost", left);
	drop_head(a, left);
	yc_db_close(&a->db);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->more);
	yc_xfree(a);
	n->async = NULL;
}
