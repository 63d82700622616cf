/* Requests to instances, replies to callers. Frames are forwarded as they came; only the call number is written over, and the principal where the
 * sender may not name one. */
#include <errno.h>
#include <string.h>

#include "broker.h"
#include "yc/clock.h"
#include "yc/text.h"

enum { CANDIDATES_MAX = 1024 };

static struct peer *pick(struct group *g, struct yc_span shard_key)
{
	struct candidate c[CANDIDATES_MAX];
	struct peer *of[CANDIDATES_MAX];
	int n = 0, i;

	for (i = 0; g && i < g->n && n < CANDIDATES_MAX; i++)
		if (!g->v[i]->is_draining) {
			c[n] = (struct candidate){ g->v[i]->name_hash, g->v[i]->n_work };
			of[n++] = g->v[i];
		}
	if (!n)
		return NULL;
	if (n == 1)
		return of[0];
	i = shard_key.n ? rule_route_sharded(c, n, shard_key.p, shard_key.n) : rule_route_least(c, n, g->turn++);
	return of[i];
}

/* "ticket" or "ticket@yn.ticket.1". */
static struct peer *find(struct broker *b, const struct yc_wire *w)
{
	char to[2 * YC_WIRE_NAME_MAX], *at;
	struct group *g;
	struct peer *p;

	if (yc_span_copy(w->service, to, sizeof to))
		return NULL;
	at = strchr(to, '@');
	if (at) {
		*at = 0;
		p = peer_by_name(b, at + 1);
		return p && strcmp(p->service, to) == 0 ? p : NULL;
	}
	HASH_FIND_STR(b->groups, to, g);
	return pick(g, w->shard_key);
}

/* The header with our call number and a principal that can be believed. */
static void rewrite(zmq_msg_t *out, zmq_msg_t *head, struct yc_wire *w, const struct peer *caller, uint64_t call)
{
	const uint8_t *p = zmq_msg_data(head);
	size_t n = zmq_msg_size(head), cut = w->principal.n, before = cut ? (size_t)(w->principal.p - p) : n;
	uint8_t *to;

	yc_wire_set_call(w, call);
	zmq_msg_init(out);
	if (cut && caller->may_speak) {
		zmq_msg_move(out, head);
		return;
	}
	zmq_msg_init_size(out, n - cut + caller->n_principal);
	to = zmq_msg_data(out);
	memcpy(to, p, before);
	memcpy(to + before, p + before + cut, n - cut - before);
	memcpy(to + n - cut, caller->principal, caller->n_principal);
}

/* EHOSTUNREACH: the instance has just been found dead. */
static int forward(struct broker *b, struct peer *caller, struct peer *to, struct yc_wire *w, zmq_msg_t *head, zmq_msg_t *body)
{
	struct pending *p = pending_new(b, caller, to, w);
	zmq_msg_t first, second;
	uint64_t call = w->call;
	int err;

	if (!p)
		return EAGAIN;
	rewrite(&first, head, w, caller, p->slot.nr);
	zmq_msg_init(&second);
	zmq_msg_move(&second, body);
	err = port_send(b, &to->conn, &first, &second);
	if (err) {
		w->call = call;
		pending_free(b, p);
	}
	return err;
}

static void route(struct broker *b, struct peer *caller, struct yc_wire *w, zmq_msg_t *head, zmq_msg_t *body)
{
	struct peer *to = find(b, w);
	int err;

	if (!to) {
		count(M_UNAVAILABLE);
		port_answer(b, &caller->conn, w->call, YC_UNAVAILABLE, "service", "no instance serves this now");
		return;
	}
	if ((int64_t)to->n_work >= b->conf.max_outstanding || (int64_t)b->pending.used >= b->conf.max_total) {
		count(M_EXHAUSTED);
		port_answer(b, &caller->conn, w->call, YC_EXHAUSTED, "service", "too many requests are outstanding");
		return;
	}
	err = forward(b, caller, to, w, head, body);
	if (err == EHOSTUNREACH) {
		int self = to == caller;

		peer_lose(b, to, "its connection is gone");
		count(M_UNAVAILABLE);
		if (!self)
			port_answer(b, &caller->conn, w->call, YC_UNAVAILABLE, "service", "the instance has just gone");
	} else if (err) {
		count(M_EXHAUSTED);
		port_answer(b, &caller->conn, w->call, YC_EXHAUSTED, "service", "the instance does not keep up");
	}
}

void route_request(struct broker *b, const struct conn *c, struct yc_wire *w, zmq_msg_t *head, zmq_msg_t *body)
{
	struct peer *caller = peer_by_conn(b, c);

	count(M_REQUESTS);
	if (!caller) {
		port_answer(b, c, w->call, YC_UNAVAILABLE, "bus", "say who you are first");
		peer_ask_who(b, c);
		return;
	}
	caller->seen_at = yc_mono();
	if (!w->call || !w->service.n || !w->method.n) {
		count(M_MALFORMED);
		port_answer(b, c, w->call, YC_MALFORMED, w->call ? "service" : "call", "the envelope lacks a part");
	} else if (zmq_msg_size(body) > YC_WIRE_PAYLOAD_MAX) {
		count(M_TOO_LARGE);
		port_answer(b, c, w->call, YC_TOO_LARGE, "payload", "the request is too large for the bus");
	} else if (w->deadline_at && w->deadline_at <= yc_now()) {
		count(M_DEADLINE);
		port_answer(b, c, w->call, YC_DEADLINE, NULL, "the request came too late");
	} else if (yc_span_is(w->service, "bus") || yc_span_is(w->service, "bus@bus")) {
		admin_answer(b, caller, w);
	} else {
		route(b, caller, w, head, body);
	}
}

void route_reply(struct broker *b, const struct conn *c, struct yc_wire *w, zmq_msg_t *head, zmq_msg_t *body)
{
	struct pending *p = yc_slot_find(&b->pending, w->call);
	struct peer *from = peer_by_conn(b, c);
	struct peer *caller = p ? p->caller : NULL;
	zmq_msg_t first, second;

	if (from)
		from->seen_at = yc_mono();
	/* A process that has just connected anew may answer before it says who it is: the number is a secret of that instance and ours. */
	if (!p || (from && from != p->instance)) {
		count(M_STRAY);
		return;
	}
	count(M_REPLIES);
	yc_wire_set_call(w, p->call);
	pending_free(b, p);
	if (!caller)
		return;
	if (zmq_msg_size(body) > YC_WIRE_PAYLOAD_MAX) {
		count(M_TOO_LARGE);
		port_answer(b, &caller->conn, w->call, YC_TOO_LARGE, "payload", "the answer is too large for the bus");
		return;
	}
	zmq_msg_init(&first);
	zmq_msg_move(&first, head);
	zmq_msg_init(&second);
	zmq_msg_move(&second, body);
	(void)port_send(b, &caller->conn, &first, &second);
}
