/* Inside of the bus client: sockets (bus_sock.c), link and messages (bus.c), outstanding calls (bus_call.c). */
#ifndef YC_BUS_IMPL_H
#define YC_BUS_IMPL_H

#include <zmq.h>

#include "yc/arena.h"
#include "yc/bus.h"
#include "yc/heap.h"
#include "yc/slots.h"
#include "yc/wire.h"

enum { BUS_CALLS_MAX = 100000, BUS_DRAIN = 64 };

enum bus_call_state {
	CALL_QUEUED,     /* waits for the link to come up */
	CALL_SENT,       /* waits for the reply */
	CALL_BACKOFF,    /* waits for the next try */
	CALL_DONE,       /* ended without being sent; told at the next turn */
};

struct bus_call {
	struct yc_slot slot;
	enum bus_call_state state;
	int tries, retries;
	int64_t timeout_ms;
	size_t due;                              /* place in bus->due */
	const ProtobufCMessageDescriptor *output;
	yc_reply_fn *fn;
	void *arg;
	enum yc_code code;                       /* CALL_DONE: how it ended */
	const char *field, *why;
	int is_kept;                             /* frames below are valid: needed for another try */
	zmq_msg_t head, body;
};

struct yc_bus {
	struct yc_loop *loop;
	void *ctx, *rpc, *pub, *sub;
	struct yc_arena *arena;                  /* of the message in hand */
	char *endpoint, *service, *instance, *boot;
	yc_bus_request_fn *on_request;
	yc_bus_event_fn *on_event;
	void *arg;
	void (*before)(void *), (*after)(void *);
	void *around_arg;

	struct yc_timer *beat;
	int64_t ping_at;                         /* mono ms of the broker's last PING, or of opening */
	int64_t beat_at, connect_at;             /* of our last heartbeat; of the last zmq_connect */
	int is_linked;                           /* the broker knows us, as far as we know */
	int is_displaced, said_bye, no_calls;
	char broker_boot[YC_WIRE_NAME_MAX];

	struct yc_slots calls;
	struct yc_heap due;
	struct yc_timer *due_timer;
	int64_t due_armed;
};

enum yc_code bus_sockets_open(struct yc_bus *b, const struct yc_bus_conf *c, struct yc_err *e) YC_MUST;
void bus_sockets_close(struct yc_bus *b);
void bus_sockets_reconnect(struct yc_bus *b);    /* for a link that libzmq has given up */
/* Sends both frames, which are consumed in any case. -1: there is no connection (or it is full). */
int bus_send(struct yc_bus *b, zmq_msg_t *head, zmq_msg_t *body);

void bus_calls_open(struct yc_bus *b);
void bus_calls_close(struct yc_bus *b);
void bus_calls_linked(struct yc_bus *b);         /* send what waits */
void bus_calls_unlinked(struct yc_bus *b);       /* what was sent is lost */
void bus_calls_on_reply(struct yc_bus *b, const struct yc_wire *w, const uint8_t *body, size_t n);
void bus_unlink(struct yc_bus *b);
void bus_announce(struct yc_bus *b);

#endif
