#include "yc/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <zmq.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/heap.h"
#include "yc/log.h"

enum { POSTS_MAX = 65536, SLEEP_MAX_MS = 3600000 };

/* A turn: ask each socket whether input waits; poll all descriptors, sleeping only when no socket had any; timers; input; end of turn.
 * A socket's descriptor (ZMQ_FD) is edge-triggered and any call on the socket takes its edge away, so sockets must be asked right before
 * each sleep. zmq_poll does the same, but polls and asks everything twice per sleep: a tenth of the CPU of a lone round trip. */

/* A watcher is freed at the end of a turn, never while its callback or a poll result may still name it. */
struct watch {
	void *socket;                   /* or NULL: fd */
	int fd, events, dead;
	int ready;                      /* a socket found with input before the poll */
	yc_fd_fn *on_fd;
	yc_zmq_fn *on_zmq;
	void *arg;
};

struct yc_timer {
	struct yc_loop *loop;
	yc_timer_fn *fn;
	void *arg;
	int64_t due_us, period_us;
	size_t pos;
	int firing, stopped;
};

struct call { yc_timer_fn *fn; void *arg; };
struct calls { struct call *v; size_t n, cap; };

struct yc_loop {
	struct watch **watches;         /* all, in order of registration */
	int n_watches, cap_watches;
	struct watch **by_fd;           /* index: descriptor */
	int n_by_fd;

	struct pollfd *set;             /* set[i] belongs to set_of[i]; rebuilt when dirty */
	struct watch **set_of;
	int n_set, cap_set, dirty, n_dead;

	struct yc_heap timers;          /* key: due in us, tie: order of starting */
	uint64_t timer_seq;

	struct calls at_end;

	pthread_mutex_t lock;           /* posts */
	struct calls posts, running;
	int wake_fd;
	atomic_int stop;

	uint64_t turn;
	int depth;                      /* turns nest when a callback runs yc_loop_once */
};

/* --- watchers ------------------------------------------------------------------------------------------------------------------ */

static struct watch *watch_add(struct yc_loop *l)
{
	struct watch *w = yc_xcalloc(1, sizeof(*w));

	if (l->n_watches == l->cap_watches) {
		l->cap_watches = l->cap_watches ? l->cap_watches * 2 : 16;
		l->watches = yc_xrealloc(l->watches, (size_t)l->cap_watches * sizeof(*l->watches));
	}
	l->watches[l->n_watches++] = w;
	l->dirty = 1;
	return w;
}

static void watch_kill(struct yc_loop *l, struct watch *w)
{
	w->dead = 1;
	l->n_dead++;
	l->dirty = 1;
}

static struct watch **fd_slot(struct yc_loop *l, int fd)
{
	if (fd >= l->n_by_fd) {
		int n = l->n_by_fd ? l->n_by_fd : 64;

		while (n <= fd)
			n *= 2;
		l->by_fd = yc_xrealloc(l->by_fd, (size_t)n * sizeof(*l->by_fd));
		memset(l->by_fd + l->n_by_fd, 0, (size_t)(n - l->n_by_fd) * sizeof(*l->by_fd));
		l->n_by_fd = n;
	}
	return &l->by_fd[fd];
}

void yc_loop_fd(struct yc_loop *l, int fd, int events, yc_fd_fn *fn, void *arg)
{
	struct watch **slot;

	if (fd < 0)
		return;
	slot = fd_slot(l, fd);
	if (!events) {
		if (*slot)
			watch_kill(l, *slot);
		*slot = NULL;
		return;
	}
	if (!*slot)
		*slot = watch_add(l);
	if ((*slot)->events != events)
		l->dirty = 1;
	(*slot)->fd = fd;
	(*slot)->events = events;
	(*slot)->on_fd = fn;
	(*slot)->arg = arg;
}

void yc_loop_zmq(struct yc_loop *l, void *socket, yc_zmq_fn *fn, void *arg)
{
	struct watch *w = NULL;

	for (int i = 0; i < l->n_watches && !w; i++)
		if (l->watches[i]->socket == socket && !l->watches[i]->dead)
			w = l->watches[i];
	if (!fn) {
		if (w)
			watch_kill(l, w);
		return;
	}
	if (!w)
		w = watch_add(l);
	w->socket = socket;
	w->events = YC_READ;
	w->on_zmq = fn;
	w->arg = arg;
}

/* Only in the outermost turn: an inner one may run inside a callback of a watcher. */
static void free_dead(struct yc_loop *l)
{
	int n = 0;

	for (int i = 0; i < l->n_watches; i++)
		if (l->watches[i]->dead)
			yc_xfree(l->watches[i]);
		else
			l->watches[n++] = l->watches[i];
	l->n_watches = n;
	l->n_dead = 0;
}

/* A socket that was closed while watched would never be heard of again, or make each poll return at once: drop it, loudly. */
static void drop_closed(struct yc_loop *l, struct watch *w)
{
	yc_error("loop: a %s was closed while it was watched", w->socket ? "socket" : "descriptor");
	if (!w->socket && l->by_fd[w->fd] == w)
		l->by_fd[w->fd] = NULL;
	watch_kill(l, w);
}

/* Does input wait on the socket? Takes the edge of its descriptor away. */
static int has_input(struct yc_loop *l, struct watch *w)
{
	int events = 0;
	size_t n = sizeof(events);

	if (w->dead)
		return 0;
	if (!zmq_getsockopt(w->socket, ZMQ_EVENTS, &events, &n))
		return (events & ZMQ_POLLIN) != 0;
	if (errno != EINTR)
		drop_closed(l, w);
	return 0;
}

static int poll_fd(struct yc_loop *l, struct watch *w)
{
	int fd = -1;
	size_t n = sizeof(fd);

	if (!w->socket)
		return w->fd;
	if (zmq_getsockopt(w->socket, ZMQ_FD, &fd, &n))
		drop_closed(l, w);
	return fd;
}

static void rebuild(struct yc_loop *l)
{
	if (l->cap_set < l->n_watches) {
		l->cap_set = l->cap_watches;
		l->set = yc_xrealloc(l->set, (size_t)l->cap_set * sizeof(*l->set));
		l->set_of = yc_xrealloc(l->set_of, (size_t)l->cap_set * sizeof(*l->set_of));
	}
	l->n_set = 0;
	l->dirty = 0;
	for (int i = 0; i < l->n_watches; i++) {
		struct watch *w = l->watches[i];
		short ev = (short)((w->events & YC_READ ? POLLIN : 0) | (w->events & YC_WRITE ? POLLOUT : 0));

		if (w->dead)
			continue;
		l->set[l->n_set] = (struct pollfd){ .fd = poll_fd(l, w), .events = ev };
		l->set_of[l->n_set++] = w;
	}
}

/* --- timers -------------------------------------------------------------------------------------------------------------------- */

static void timer_push(struct yc_loop *l, struct yc_timer *t)
{
	yc_heap_push(&l->timers, t->due_us, l->timer_seq++, t, &t->pos);
}

struct yc_timer *yc_timer_start(struct yc_loop *l, int64_t delay_ms, int64_t period_ms, yc_timer_fn *fn, void *arg)
{
	struct yc_timer *t = yc_xcalloc(1, sizeof(*t));

	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	t->period_us = period_ms > 0 ? period_ms * 1000 : 0;
	t->due_us = yc_mono_us() + (delay_ms > 0 ? delay_ms : 0) * 1000;
	timer_push(l, t);
	return t;
}

void yc_timer_stop(struct yc_timer **t)
{
	struct yc_timer *x = *t;

	*t = NULL;
	if (!x)
		return;
	if (x->firing) {                /* from its own callback: fire() frees it */
		x->stopped = 1;
		return;
	}
	yc_heap_remove(&x->loop->timers, &x->pos);
	yc_xfree(x);
}

/* A periodic timer keeps its phase; periods that were missed are not made up for. */
static void fire(struct yc_loop *l, struct yc_timer *t, int64_t now)
{
	t->firing = 1;
	t->fn(t->arg);
	t->firing = 0;
	if (t->stopped || !t->period_us) {
		yc_xfree(t);
		return;
	}
	t->due_us += t->period_us;
	if (t->due_us <= now)
		t->due_us = now + t->period_us - (now - t->due_us) % t->period_us;
	timer_push(l, t);
}

/* Timers that callbacks start wait for the next turn, so a chain of zero delays cannot starve the sockets. */
static void run_timers(struct yc_loop *l)
{
	uint64_t limit = l->timer_seq;
	int64_t now;

	if (!l->timers.n)
		return;
	now = yc_mono_us();
	while (l->timers.n && l->timers.v[0].key <= now && l->timers.v[0].tie < limit)
		fire(l, yc_heap_pop(&l->timers), now);
}

/* How long the poll may sleep, in us; -1: until something happens. */
static int64_t time_out_us(const struct yc_loop *l, int64_t max_ms)
{
	int64_t us, most = max_ms < 0 || max_ms > SLEEP_MAX_MS ? SLEEP_MAX_MS * 1000ll : max_ms * 1000;

	if (!l->timers.n)
		return max_ms < 0 ? -1 : most;
	us = l->timers.v[0].key - yc_mono_us();
	return us < 0 ? 0 : us < most ? us : most;
}

/* --- posts and the end of a turn ---------------------------------------------------------------------------------------------------- */

static void calls_add(struct calls *c, yc_timer_fn *fn, void *arg)
{
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 16;
		c->v = yc_xrealloc(c->v, c->cap * sizeof(*c->v));
	}
	c->v[c->n++] = (struct call){ fn, arg };
}

static void wake(struct yc_loop *l)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(l->wake_fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);        /* EAGAIN: it is awake already */
}

enum yc_code yc_loop_post(struct yc_loop *l, yc_timer_fn *fn, void *arg)
{
	int first;

	pthread_mutex_lock(&l->lock);
	if (l->posts.n >= POSTS_MAX) {
		pthread_mutex_unlock(&l->lock);
		return YC_EXHAUSTED;
	}
	first = l->posts.n == 0;
	calls_add(&l->posts, fn, arg);
	pthread_mutex_unlock(&l->lock);
	if (first)
		wake(l);
	return YC_OK;
}

static void on_wake(void *arg, int fd, int events)
{
	struct yc_loop *l = arg;
	struct calls batch;
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		yc_warn("loop: eventfd: %s", strerror(errno));
	/* Two arrays take turns, so nothing is allocated; a nested turn finds running empty and makes its own. */
	pthread_mutex_lock(&l->lock);
	batch = l->posts;
	l->posts = l->running;
	l->running = (struct calls){ 0 };
	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < batch.n; i++)
		batch.v[i].fn(batch.v[i].arg);
	batch.n = 0;
	if (l->running.v)
		yc_xfree(batch.v);
	else
		l->running = batch;
}

void yc_loop_at_end(struct yc_loop *l, yc_timer_fn *fn, void *arg)
{
	calls_add(&l->at_end, fn, arg);
}

/* --- turns -------------------------------------------------------------------------------------------------------------------------- */

struct yc_loop *yc_loop_new(void)
{
	struct yc_loop *l = yc_xcalloc(1, sizeof(*l));

	pthread_mutex_init(&l->lock, NULL);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->wake_fd < 0) {
		yc_error("loop: eventfd: %s", strerror(errno));
		abort();
	}
	yc_loop_fd(l, l->wake_fd, YC_READ, on_wake, l);
	return l;
}

void yc_loop_free(struct yc_loop **lp)
{
	struct yc_loop *l = *lp;

	if (!l)
		return;
	*lp = NULL;
	while (l->timers.n)
		yc_xfree(yc_heap_pop(&l->timers));
	yc_heap_fini(&l->timers);
	for (int i = 0; i < l->n_watches; i++)
		yc_xfree(l->watches[i]);
	close(l->wake_fd);
	pthread_mutex_destroy(&l->lock);
	yc_xfree(l->watches);
	yc_xfree(l->by_fd);
	yc_xfree(l->set);
	yc_xfree(l->set_of);
	yc_xfree(l->at_end.v);
	yc_xfree(l->posts.v);
	yc_xfree(l->running.v);
	yc_xfree(l);
}

static int ask_sockets(struct yc_loop *l)
{
	int any = 0;

	for (int i = 0; i < l->n_set; i++)
		if (l->set_of[i]->socket)
			any |= l->set_of[i]->ready = has_input(l, l->set_of[i]);
	return any;
}

static void sleep_and_poll(struct yc_loop *l, int64_t max_ms)
{
	int64_t us = ask_sockets(l) || atomic_load(&l->stop) ? 0 : time_out_us(l, max_ms);
	struct timespec ts = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	if (ppoll(l->set, (nfds_t)l->n_set, us < 0 ? NULL : &ts, NULL) >= 0)
		return;
	if (errno != EINTR)
		yc_error("loop: poll: %s", strerror(errno));
	for (int i = 0; i < l->n_set; i++)
		l->set[i].revents = 0;
}

static void serve(struct yc_loop *l, struct watch *w, short revents)
{
	int events = 0;

	if (w->socket) {
		if (w->ready || (revents && has_input(l, w)))
			w->on_zmq(w->arg, w->socket);
		return;
	}
	if (revents & POLLNVAL) {
		drop_closed(l, w);
		return;
	}
	/* Error and hang-up: whoever waits for anything learns it from his read or write. */
	if (revents & (POLLIN | POLLERR | POLLHUP))
		events |= YC_READ;
	if (revents & (POLLOUT | POLLERR | POLLHUP))
		events |= YC_WRITE;
	events &= w->events;
	if (events)
		w->on_fd(w->arg, w->fd, events);
}

static void run_input(struct yc_loop *l, uint64_t turn)
{
	for (int i = 0; i < l->n_set && l->turn == turn; i++) {
		struct watch *w = l->set_of[i];

		if (!w->dead && (l->set[i].revents || w->ready))
			serve(l, w, l->set[i].revents);
	}
}

void yc_loop_once(struct yc_loop *l, int64_t max_ms)
{
	uint64_t turn = ++l->turn;

	l->depth++;
	if (l->dirty)
		rebuild(l);
	sleep_and_poll(l, max_ms);
	run_timers(l);
	run_input(l, turn);
	for (size_t i = 0; i < l->at_end.n; i++)
		l->at_end.v[i].fn(l->at_end.v[i].arg);
	l->depth--;
	if (l->n_dead && !l->depth)
		free_dead(l);
}

void yc_loop_run(struct yc_loop *l)
{
	while (!atomic_load(&l->stop))
		yc_loop_once(l, -1);
	atomic_store(&l->stop, 0);
}

void yc_loop_stop(struct yc_loop *l)
{
	int saved = errno;

	atomic_store(&l->stop, 1);
	wake(l);
	errno = saved;
}
