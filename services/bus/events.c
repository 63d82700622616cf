/* Events: a thread that passes what the XSUBs get to all XPUBs, and subscriptions the other way. What a slow subscriber's full queue drops, he asks
 * the producer for again, so nothing here waits. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "yc/arena.h"
#include "yc/log.h"

enum { EVENTS_DRAIN = 256 };

struct events { struct broker *b; pthread_t thread; struct { void *xsub, *xpub; int is_tcp; } v[PORTS_MAX]; int n; };

/* By TCP a service may publish as itself only: the name of its key stands in the middle of "site.service.n|". link speaks for other sites. */
static int may_publish(zmq_msg_t *topic)
{
	const char *name = zmq_msg_gets(topic, "User-Id"), *t = zmq_msg_data(topic);
	size_t n = name ? strlen(name) : 0, len = zmq_msg_size(topic);
	const char *dot = len ? memchr(t, '.', len) : NULL;
	size_t left = dot ? len - (size_t)(dot + 1 - t) : 0;

	if (!name)
		return 0;
	return strcmp(name, "link") == 0 || (left > n && memcmp(dot + 1, name, n) == 0 && dot[1 + n] == '.');
}

static void to_all(struct events *ev, zmq_msg_t *m, int flags)
{
	zmq_msg_t copy;

	for (int i = 1; i < ev->n; i++) {
		zmq_msg_init(&copy);
		zmq_msg_copy(&copy, m);
		(void)zmq_msg_send(&copy, ev->v[i].xpub, ZMQ_DONTWAIT | flags);
		zmq_msg_close(&copy);
	}
	(void)zmq_msg_send(m, ev->v[0].xpub, ZMQ_DONTWAIT | flags);
	zmq_msg_close(m);
}

/* One message with all its frames. 0: none waits, -1: the context is gone. */
static int pass_event(struct events *ev, int from)
{
	zmq_msg_t m;
	int more, allowed = 1;

	for (int part = 0; ; part++) {
		zmq_msg_init(&m);
		if (zmq_msg_recv(&m, ev->v[from].xsub, ZMQ_DONTWAIT) < 0)
			return zmq_errno() == ETERM ? -1 : 0;
		more = zmq_msg_more(&m);
		if (part == 0 && ev->v[from].is_tcp)
			allowed = may_publish(&m);
		if (allowed)
			to_all(ev, &m, more ? ZMQ_SNDMORE : 0);
		else
			zmq_msg_close(&m);
		if (!more)
			break;
	}
	count(allowed ? M_EVENTS : M_EVENTS_REFUSED);
	return 1;
}

static int pass_subscription(struct events *ev, int from)
{
	zmq_msg_t m, copy;

	zmq_msg_init(&m);
	if (zmq_msg_recv(&m, ev->v[from].xpub, ZMQ_DONTWAIT) < 0)
		return zmq_errno() == ETERM ? -1 : 0;
	for (int i = 0; i < ev->n; i++) {
		zmq_msg_init(&copy);
		zmq_msg_copy(&copy, &m);
		(void)zmq_msg_send(&copy, ev->v[i].xsub, ZMQ_DONTWAIT);
		zmq_msg_close(&copy);
	}
	zmq_msg_close(&m);
	return 1;
}

static int drain(struct events *ev, int from, int (*pass)(struct events *, int))
{
	int rc = 1;

	for (int i = 0; i < EVENTS_DRAIN && rc > 0; i++)
		rc = pass(ev, from);
	return rc;
}

static void *run(void *arg)
{
	struct events *ev = arg;
	zmq_pollitem_t item[2 * PORTS_MAX];
	int alive = 1;

	for (int i = 0; i < ev->n; i++) {
		item[2 * i] = (zmq_pollitem_t){ .socket = ev->v[i].xsub, .events = ZMQ_POLLIN };
		item[2 * i + 1] = (zmq_pollitem_t){ .socket = ev->v[i].xpub, .events = ZMQ_POLLIN };
	}
	while (alive) {
		if (zmq_poll(item, 2 * ev->n, -1) < 0 && zmq_errno() == ETERM)
			break;
		for (int i = 0; i < ev->n && alive; i++) {
			if (item[2 * i + 1].revents && drain(ev, i, pass_subscription) < 0)
				alive = 0;
			if (item[2 * i].revents && drain(ev, i, pass_event) < 0)
				alive = 0;
		}
	}
	for (int i = 0; i < ev->n; i++) {
		zmq_close(ev->v[i].xsub);
		zmq_close(ev->v[i].xpub);
	}
	return NULL;
}

enum yc_code events_start(struct broker *b, struct yc_err *e)
{
	struct events *ev = yc_xcalloc(1, sizeof *ev);

	ev->b = b;
	ev->n = b->n_ports;
	for (int i = 0; i < b->n_ports; i++) {
		ev->v[i].xsub = b->ports[i].xsub;
		ev->v[i].xpub = b->ports[i].xpub;
		ev->v[i].is_tcp = b->ports[i].is_tcp;
	}
	if (pthread_create(&ev->thread, NULL, run, ev)) {
		yc_xfree(ev);
		return yc_fail(e, YC_INTERNAL, NULL, "no thread for the events");
	}
	for (int i = 0; i < b->n_ports; i++)     /* the thread closes them */
		b->ports[i].xsub = b->ports[i].xpub = NULL;
	b->events = ev;
	return YC_OK;
}

void events_join(struct broker *b)
{
	for (int i = 0; i < b->n_ports; i++) {   /* it was never started */
		if (b->ports[i].xsub)
			zmq_close(b->ports[i].xsub);
		if (b->ports[i].xpub)
			zmq_close(b->ports[i].xpub);
	}
	if (!b->events)
		return;
	pthread_join(b->events->thread, NULL);
	yc_xfree(b->events);
	b->events = NULL;
}
