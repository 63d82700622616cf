/* Who is there: services' instances and mere clients, by connection and by name. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

struct peer *peer_by_conn(struct broker *b, const struct conn *c)
{
	struct peer *p;

	HASH_FIND(by_conn, b->by_conn, c->key, c->n, p);
	return p;
}

struct peer *peer_by_name(struct broker *b, const char *instance)
{
	struct peer *p;

	HASH_FIND(by_name, b->by_name, instance, strlen(instance), p);
	return p;
}

/* --- groups ------------------------------------------------------------------------------------------------------------------ */

static void group_add(struct broker *b, struct peer *p)
{
	struct group *g;

	HASH_FIND_STR(b->groups, p->service, g);
	if (!g) {
		g = yc_xcalloc(1, sizeof *g);
		yc_copy(g->service, sizeof g->service, p->service);
		HASH_ADD_STR(b->groups, service, g);
	}
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 4;
		g->v = yc_xrealloc(g->v, (size_t)g->cap * sizeof *g->v);
	}
	g->v[g->n++] = p;
	p->group = g;
}

static void group_remove(struct peer *p)
{
	struct group *g = p->group;

	for (int i = 0; g && i < g->n; i++)
		if (g->v[i] == p) {
			g->v[i] = g->v[--g->n];
			break;
		}
	p->group = NULL;
}

/* --- announcing -------------------------------------------------------------------------------------------------------------- */

/* On ipc libzmq tells ":uid:gid:pid" of the peer's process. */
static int is_same_user(struct broker *b, zmq_msg_t *m)
{
	const char *who = zmq_msg_gets(m, "Peer-Address"), *colon = who ? strchr(who, ':') : NULL;
	unsigned long uid;
	char *end;

	if (!colon)
		return 0;
	uid = strtoul(colon + 1, &end, 10);
	return end != colon + 1 && *end == ':' && (uid == b->uid || uid == 0);
}

/* On TCP the name beside the key in the allow-list is the only service that key may announce; "client" stands for no service. */
static int is_key_for(zmq_msg_t *m, const char *service)
{
	const char *name = zmq_msg_gets(m, "User-Id");

	return name && strcmp(name, *service ? service : "client") == 0;
}

static int may_speak(const struct port *p, const char *service)
{
	if (!*service)
		return !p->is_tcp;
	/* acd: an instance that stands by hands a request on, with its principal, to the one that serves the pool */
	return strcmp(service, "api") == 0 || strcmp(service, "gateway") == 0 || strcmp(service, "link") == 0 || strcmp(service, "acd") == 0;
}

/* Packed once: they are sent with every heartbeat and written into every request. */
static void pack_constants(struct broker *b, struct peer *p)
{
	Pb__Header ping = PB__HEADER__INIT, h = PB__HEADER__INIT;
	Pb__Principal who = PB__PRINCIPAL__INIT;

	ping.kind = PB__HEADER__KIND__KIND_PING;
	ping.instance = p->instance;
	ping.boot = b->boot;
	p->n_ping = pb__header__get_packed_size(&ping);
	p->ping = yc_xcalloc(1, p->n_ping);
	pb__header__pack(&ping, p->ping);
	who.person_id = p->instance;
	who.name = *p->service ? p->service : p->instance;
	who.roles = 1u << PB__ROLE__ROLE_SERVICE;
	h.principal = &who;                      /* a header with nothing else is just that field */
	p->n_principal = pb__header__get_packed_size(&h);
	p->principal = yc_xcalloc(1, p->n_principal);
	pb__header__pack(&h, p->principal);
}

static int ping(struct broker *b, struct peer *p)
{
	zmq_msg_t head, body;

	zmq_msg_init_size(&head, p->n_ping);
	memcpy(zmq_msg_data(&head), p->ping, p->n_ping);
	zmq_msg_init(&body);
	return port_send(b, &p->conn, &head, &body);
}

void peer_ask_who(struct broker *b, const struct conn *c)
{
	Pb__Header h = PB__HEADER__INIT;

	h.kind = PB__HEADER__KIND__KIND_PING;
	h.boot = b->boot;
	port_send_header(b, c, &h);
}

static void refuse(struct broker *b, const struct conn *c, const char *instance, const char *why)
{
	count(M_REFUSED);
	yc_warn("bus: \"%.60s\" is refused: %s", instance, why);
	port_answer(b, c, 0, YC_FORBIDDEN, "service", why);
}

static void tell_displaced(struct broker *b, const struct peer *p)
{
	Pb__Header h = PB__HEADER__INIT;
	Pb__Status st = PB__STATUS__INIT;

	st.code = (Pb__Code)YC_CONFLICT;
	st.message = "another process announced this name";
	h.kind = PB__HEADER__KIND__KIND_PING;
	h.boot = b->boot;
	h.status = &st;
	port_send_header(b, &p->conn, &h);
}

static void set_conn(struct broker *b, struct peer *p, const struct conn *c)
{
	if (p->conn.n)
		HASH_DELETE(by_conn, b->by_conn, p);
	p->conn = *c;
	p->port = &b->ports[c->key[0]];
	HASH_ADD_KEYPTR(by_conn, b->by_conn, p->conn.key, p->conn.n, p);
}

static struct peer *add(struct broker *b, const struct conn *c, const char *service, const char *instance, const char *boot)
{
	struct peer *p = yc_xcalloc(1, sizeof *p);

	yc_copy(p->service, sizeof p->service, service);
	yc_copy(p->instance, sizeof p->instance, instance);
	yc_copy(p->boot, sizeof p->boot, boot);
	p->name_hash = yc_hash64(instance, strlen(instance));
	set_conn(b, p, c);
	p->may_speak = may_speak(p->port, service);
	pack_constants(b, p);
	HASH_ADD_KEYPTR(by_name, b->by_name, p->instance, strlen(p->instance), p);
	if (*service) {
		group_add(b, p);
		yc_info("bus: %s is there", instance);
	}
	yc_metric_set(&broker_metrics[M_PEERS], HASH_CNT(by_conn, b->by_conn));
	return p;
}

/* A connection says who it is for the first time. NULL: refused. */
static struct peer *introduce(struct broker *b, struct port *port, const struct conn *c, const struct yc_wire *w, zmq_msg_t *m)
{
	char service[YC_WIRE_NAME_MAX], instance[YC_WIRE_NAME_MAX], boot[YC_WIRE_NAME_MAX];
	struct peer *p;

	if (yc_span_copy(w->service, service, sizeof service) || yc_span_copy(w->instance, instance, sizeof instance) ||
	    yc_span_copy(w->boot, boot, sizeof boot) || !yc_wire_is_name(instance) || !yc_wire_is_name(boot) ||
	    (*service && (!yc_wire_is_name(service) || strcmp(service, "bus") == 0))) {
		refuse(b, c, "?", "a name is missing or not allowed");
		return NULL;
	}
	if (port->is_tcp ? !is_key_for(m, service) : !is_same_user(b, m)) {
		refuse(b, c, instance, port->is_tcp ? "its key is not for this service" : "it runs as another user");
		return NULL;
	}
	p = peer_by_name(b, instance);
	if (p && strcmp(p->boot, boot) == 0 && strcmp(p->service, service) == 0) {
		set_conn(b, p, c);               /* the same process, connected anew */
		return p;
	}
	if (p) {
		tell_displaced(b, p);
		peer_lose(b, p, "another process took the name");
	}
	if (HASH_CNT(by_conn, b->by_conn) >= PEERS_MAX) {
		refuse(b, c, instance, "too many peers");
		return NULL;
	}
	return add(b, c, service, instance, boot);
}

void peer_announced(struct broker *b, struct port *port, const struct conn *c, const struct yc_wire *w, zmq_msg_t *m)
{
	struct peer *p = peer_by_conn(b, c);

	if (p && (!yc_span_is(w->boot, p->boot) || !yc_span_is(w->instance, p->instance) || !yc_span_is(w->service, p->service))) {
		refuse(b, c, p->instance, "a connection cannot change its name");
		return;
	}
	if (!p)
		p = introduce(b, port, c, w, m);
	if (!p)
		return;
	p->seen_at = yc_mono();
	p->is_draining = w->kind == PB__HEADER__KIND__KIND_BYE;
	if (ping(b, p) == EHOSTUNREACH)
		peer_lose(b, p, "its connection is gone");
}

/* --- dying ------------------------------------------------------------------------------------------------------------------- */

void peer_lose(struct broker *b, struct peer *p, const char *why)
{
	if (*p->service && (!p->is_draining || p->n_work))
		yc_warn("bus: %s is lost (%s), %d requests with it", p->instance, why, (int)p->n_work);
	group_remove(p);
	HASH_DELETE(by_conn, b->by_conn, p);
	HASH_DELETE(by_name, b->by_name, p);
	pending_lose_work(b, p);
	pending_forget_caller(b, p);
	yc_metric_set(&broker_metrics[M_PEERS], HASH_CNT(by_conn, b->by_conn));
	yc_xfree(p->ping);
	yc_xfree(p->principal);
	yc_xfree(p);
}

void peers_sweep(void *arg)
{
	struct broker *b = arg;
	struct peer *p, *next;

	b->sweep = NULL;
	HASH_ITER(by_conn, b->by_conn, p, next)
		if (ping(b, p) == EHOSTUNREACH)
			peer_lose(b, p, "its connection is gone");
}

void peers_tick(void *arg)
{
	struct broker *b = arg;
	struct peer *p, *next;
	int64_t now = yc_mono();

	HASH_ITER(by_conn, b->by_conn, p, next) {
		if (now - p->seen_at > YC_WIRE_DEAD_MS)
			peer_lose(b, p, "no heartbeat");
		else if (p->n_work && ping(b, p) == EHOSTUNREACH)
			peer_lose(b, p, "its connection is gone");
	}
	yc_metric_set(&broker_metrics[M_PENDING], (int64_t)b->pending.used);
}

void peers_close(struct broker *b)
{
	struct peer *p, *next;
	struct group *g, *after;

	HASH_ITER(by_conn, b->by_conn, p, next)
		peer_lose(b, p, "the broker is going down");
	HASH_ITER(hh, b->groups, g, after) {
		HASH_DEL(b->groups, g);
		yc_xfree(g->v);
		yc_xfree(g);
	}
}
