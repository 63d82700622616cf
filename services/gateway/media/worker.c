/* The loop of a media thread: sockets, commands, the 20 ms tick, house-keeping. */
#include "media/worker.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <utlist.h>

#include "media/thread.h"
#include "yc/arena.h"
#include "yc/clock.h"

enum { BATCH = 256, TICK_US = 20000, CATCH_UP = 5, LATE_US = 10000 };

struct md_backlog { struct md_event ev; struct md_backlog *prev, *next; };

/* --- events --- */
void md_emit(struct md_worker *w, const struct md_event *ev)
{
	struct md_backlog *b;

	if (!w->backlog && md_events_put(w->sh->events, ev) == 0)
		return;
	if (w->n_backlog >= MD_BACKLOG) {
		struct md_event lost = *ev;

		md_event_drop(&lost);
		md_bump(&w->count.events_dropped, 1);
		return;
	}
	b = yc_xcalloc(1, sizeof(*b));
	b->ev = *ev;
	DL_APPEND(w->backlog, b);
	w->n_backlog++;
}

void md_emit_leg(struct md_leg *l, int type)
{
	struct md_event ev = { .type = type, .conv = l->conv->id, .leg = l->id };

	md_emit(l->w, &ev);
}

static void flush_backlog(struct md_worker *w)
{
	while (w->backlog && md_events_put(w->sh->events, &w->backlog->ev) == 0) {
		struct md_backlog *b = w->backlog;

		DL_DELETE(w->backlog, b);
		yc_xfree(b);
		w->n_backlog--;
	}
}

/* --- the tick --- */
void md_timer_arm(struct md_worker *w, int on)
{
	struct itimerspec t = { .it_interval.tv_nsec = TICK_US * 1000, .it_value.tv_nsec = TICK_US * 1000 };

	if (on == w->timer_on)
		return;
	w->timer_on = on;
	if (!on)
		memset(&t, 0, sizeof(t));
	timerfd_settime(w->timer, 0, &t, NULL);
	w->tick_due_us = w->now_us + TICK_US;
	/* While it ticks, commands wait for the next tick instead of waking this thread: nothing in them is heard sooner anyway. */
	md_ring_polled(w->ring, on);
	w->look |= !on;
}

static void note_lateness(struct md_worker *w)
{
	int64_t late = w->now_us - w->tick_due_us;

	if (late <= LATE_US)
		return;
	md_bump(&w->count.ticks_late, 1);
	if (late > atomic_load_explicit(&w->count.tick_late_max_us, memory_order_relaxed))
		atomic_store_explicit(&w->count.tick_late_max_us, late, memory_order_relaxed);
}

static void tick_once(struct md_worker *w)
{
	struct md_leg *l = w->ticking;

	while (l) {
		w->tick_cursor = l->tick_next;   /* md_leg_retick() moves it when that one leaves */
		md_leg_tick(l);
		l = w->tick_cursor;
	}
}

/* Missed ticks are made up, but after a long stop the streams skip ahead instead (md_rtp_out_own does that by the clock). */
static void tick(struct md_worker *w)
{
	uint64_t n = 0;

	if (read(w->timer, &n, sizeof(n)) != (ssize_t)sizeof(n) || !n)
		return;
	note_lateness(w);
	w->tick_due_us += (int64_t)n * TICK_US;
	if (n > CATCH_UP)
		n = 1;
	while (n--)
		tick_once(w);
	w->tick_cursor = NULL;
}

/* --- the loop --- */
static void house(struct md_worker *w)
{
	struct md_leg *l;
	struct md_conv *c, *next;

	w->next_house_us = w->now_us + MD_HOUSE_US;
	DL_FOREACH(w->legs, l)
		md_leg_house(l);
	DL_FOREACH_SAFE(w->recording, c, next) {
		if (md_rec_clock(c->rec, w->now_us))
			md_rec_end(w, c);
	}
}

static void commands(struct md_worker *w, int rang)
{
	struct md_event room = { .type = MD_EV_ROOM };
	struct md_cmd c;

	w->look = 0;
	if (rang)
		md_ring_drain_fd(w->ring);
	while (!w->stop && md_ring_get(w->ring, &c))
		md_command(w, &c);
	if (md_ring_wanted(w->ring))
		md_emit(w, &room);
}

static int wait_ms(const struct md_worker *w)
{
	int64_t ms;

	if (w->backlog)
		return 5;
	if (!w->legs && !w->recording)
		return -1;
	ms = (w->next_house_us - w->now_us) / 1000 + 1;
	return ms < 0 ? 0 : (int)ms;
}

/* Commands come last: they may free legs that stand in the same batch. */
static void turn(struct md_worker *w)
{
	struct epoll_event ev[BATCH];
	int n = epoll_wait(w->ep, ev, BATCH, wait_ms(w)), wanted = 0, ticked = 0;

	w->now_us = yc_mono_us();
	for (int i = 0; i < n; i++) {
		if (ev[i].data.ptr == w->ring)
			wanted = 1;
		else if (ev[i].data.ptr == w)
			ticked = 1;
		else
			md_leg_readable(ev[i].data.ptr);
	}
	if (ticked)
		tick(w);
	if (wanted || ticked || w->look)
		commands(w, wanted);
	if (w->now_us >= w->next_house_us)
		house(w);
	while (w->look)                  /* the tick has just been stopped: from now on commands wake this thread again */
		commands(w, 0);
	flush_backlog(w);
}

static void *run(void *arg)
{
	struct md_worker *w = arg;

	w->now_us = yc_mono_us();
	while (!w->stop)
		turn(w);
	return NULL;
}

static int watch(struct md_worker *w, int fd, void *mark)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = mark };

	return epoll_ctl(w->ep, EPOLL_CTL_ADD, fd, &ev);
}

int md_worker_start(struct md_worker *w)
{
	w->leg_by_slot = yc_xcalloc(w->sh->slots, sizeof(struct md_leg *));
	w->conv_by_slot = yc_xcalloc(w->sh->slots, sizeof(struct md_conv *));
	w->ring = md_ring_new(1024);
	w->ep = epoll_create1(EPOLL_CLOEXEC);
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->ep < 0 || w->timer < 0 || watch(w, w->timer, w) < 0 || watch(w, md_ring_fd(w->ring), w->ring) < 0)
		return -1;
	md_thread_start(&w->thread, "media-work", run, w);
	return 0;
}

void md_worker_join(struct md_worker *w)
{
	struct md_cmd c;

	pthread_join(w->thread, NULL);
	for (unsigned i = 0; i < w->sh->slots; i++)
		if (w->conv_by_slot[i])
			md_conv_end(w, w->conv_by_slot[i]);
	while (md_ring_get(w->ring, &c))
		md_cmd_drop(&c);
	while (w->backlog) {
		struct md_backlog *b = w->backlog;

		md_event_drop(&b->ev);
		DL_DELETE(w->backlog, b);
		yc_xfree(b);
	}
	close(w->ep);
	close(w->timer);
	md_ring_free(&w->ring);
	yc_xfree(w->leg_by_slot);
	yc_xfree(w->conv_by_slot);
}
