/* The broker: who is there (peer.c), what is outstanding (pending.c), where a request goes (route.c, rule_route.c), sockets (port.c), events
 * (events.c), who may come in by TCP (zap.c), what it answers itself (admin.c). It has no store: killing it loses nothing but requests in flight. */
#ifndef BROKER_H
#define BROKER_H

#include <stdint.h>

#include <uthash.h>
#include <zmq.h>

#include "yc/heap.h"
#include "yc/loop.h"
#include "yc/metric.h"
#include "yc/slots.h"
#include "yc/v1/common.pb-c.h"
#include "yc/wire.h"

enum { PORTS_MAX = 8, PEERS_MAX = 20000, DRAIN = 64, ID_MAX = 255 };

struct broker_conf {
	char *bus, *home, *log, *level, *curve_secret_key, *curve_allow, *keygen;
	int64_t max_outstanding, max_total;
};

enum { M_REQUESTS, M_REPLIES, M_LOST, M_UNAVAILABLE, M_EXHAUSTED, M_DEADLINE, M_MALFORMED, M_TOO_LARGE, M_REFUSED, M_STRAY, M_EVENTS,
       M_EVENTS_REFUSED, M_PEERS, M_PENDING, M_COUNT };
extern struct yc_metric broker_metrics[M_COUNT];
#define count(m) yc_metric_add(&broker_metrics[m], 1)

struct port {
	struct broker *b;
	void *router, *monitor, *xsub, *xpub;
	int nr, is_tcp;
};

/* Routing ids are given by our ROUTER, fresh for each connection: nobody can take over another's. */
struct conn { uint8_t key[ID_MAX + 1]; size_t n; };              /* port number, then routing id */

struct peer {
	struct conn conn;
	struct port *port;
	char service[YC_WIRE_NAME_MAX], instance[YC_WIRE_NAME_MAX], boot[YC_WIRE_NAME_MAX];   /* service "": a mere client */
	int may_speak;                           /* may name a principal: api, gateway, link, acd, local clients */
	int is_draining;
	int64_t seen_at;                         /* mono ms */
	uint64_t name_hash;
	uint8_t *ping, *principal;               /* packed: PING header; field principal of a header */
	size_t n_ping, n_principal;
	struct pending *work, *asked;            /* what it works on; what it waits for */
	size_t n_work, n_asked;
	struct group *group;
	UT_hash_handle by_conn, by_name;
};

struct group { char service[YC_WIRE_NAME_MAX]; struct peer **v; int n, cap; unsigned turn; UT_hash_handle hh; };

struct pending {
	struct yc_slot slot;                     /* its number is the call number on the instance's side */
	struct peer *caller, *instance;          /* caller NULL: it has gone */
	uint64_t call;                           /* the caller's number */
	size_t due;
	struct pending *work_prev, *work_next, *asked_prev, *asked_next;
};

struct broker {
	struct broker_conf conf;
	struct yc_loop *loop;
	void *ctx;
	struct port ports[PORTS_MAX];
	int n_ports;
	char boot[40];
	int64_t started_at;
	uid_t uid;
	struct peer *by_conn, *by_name;
	struct group *groups;
	struct yc_slots pending;
	struct yc_heap due;
	struct yc_timer *due_timer, *tick, *sweep;
	int64_t due_armed;
	struct events *events;
	struct zap *zap;
	struct broker_lock *locks;
};

enum yc_code broker_open(struct broker **out, struct yc_loop *l, const struct broker_conf *c, struct yc_err *e) YC_MUST;
void broker_close(struct broker **b);

/* --- port.c */
enum yc_code ports_open(struct broker *b, struct yc_err *e) YC_MUST;
void ports_watch(struct broker *b);
void ports_close(struct broker *b);
/* Sends both frames to a connection; they are consumed in any case. 0, EHOSTUNREACH, or EAGAIN when its queue is full. */
int port_send(struct broker *b, const struct conn *c, zmq_msg_t *head, zmq_msg_t *body);
void port_send_header(struct broker *b, const struct conn *c, const Pb__Header *h);
void port_answer(struct broker *b, const struct conn *c, uint64_t call, enum yc_code code, const char *field, const char *why);

/* --- peer.c */
struct peer *peer_by_conn(struct broker *b, const struct conn *c);
struct peer *peer_by_name(struct broker *b, const char *instance);
/* READY or BYE. m: the message, for who is behind it. */
void peer_announced(struct broker *b, struct port *p, const struct conn *c, const struct yc_wire *w, zmq_msg_t *m);
void peer_lose(struct broker *b, struct peer *p, const char *why);           /* all who wait for it are told */
void peer_ask_who(struct broker *b, const struct conn *c);
void peers_sweep(void *broker);                  /* find out which connections are gone */
void peers_tick(void *broker);
void peers_close(struct broker *b);

/* --- pending.c */
struct pending *pending_new(struct broker *b, struct peer *caller, struct peer *instance, const struct yc_wire *w);
void pending_free(struct broker *b, struct pending *p);
void pending_lose_work(struct broker *b, struct peer *instance);             /* callers get INSTANCE_LOST */
void pending_forget_caller(struct broker *b, struct peer *caller);
void pending_close(struct broker *b);

/* --- route.c */
void route_request(struct broker *b, const struct conn *c, struct yc_wire *w, zmq_msg_t *head, zmq_msg_t *body);
void route_reply(struct broker *b, const struct conn *c, struct yc_wire *w, zmq_msg_t *head, zmq_msg_t *body);

/* --- rule_route.c: pure */
struct candidate { uint64_t name_hash; size_t n_work; };
/* Rendezvous hashing: the same key goes to the same instance as long as it lives, and only the keys of one that left move. -1: none. */
int rule_route_sharded(const struct candidate *c, int n, const void *key, size_t key_len);
/* Least outstanding; among equals the one after start. */
int rule_route_least(const struct candidate *c, int n, unsigned start);

/* --- admin.c */
void admin_answer(struct broker *b, struct peer *caller, const struct yc_wire *w);

/* --- events.c */
enum yc_code events_start(struct broker *b, struct yc_err *e) YC_MUST;
void events_join(struct broker *b);              /* after the context was shut down */

/* --- zap.c */
enum yc_code zap_start(struct broker *b, struct yc_err *e) YC_MUST;
void zap_join(struct broker *b);
/* Name of this public key in the text of an allow-list ("KEY NAME" lines; others are passed over); -1 when it is not there. */
int zap_find(const char *text, const char *key, char *name, size_t size);

#endif
