/* Bus client: one DEALER to the site's broker for RPC in both directions, one PUB and one SUB for events. Wire: docs/internals/bus.md. */
#ifndef YC_BUS_H
#define YC_BUS_H

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "yc/err.h"
#include "yc/loop.h"
#include "yc/v1/common.pb-c.h"

struct yc_bus;

struct yc_bus_conf {
	const char *endpoint;    /* "ipc:///run/yc/bus" (+ .rpc .pub .sub) or "tcp://host:5550" (ports +0 +1 +2) */
	const char *service;     /* "crm"; NULL for a mere client (the yc command, tests) */
	const char *instance;    /* "yn.crm.1"; a mere client gets a random name when NULL */
	const char *boot;        /* differs per start; NULL: made up */
	const char *curve_server_key;   /* file with the broker's public key (z85); NULL on ipc */
	const char *curve_secret_key;   /* file with this client's key pair */
};

/* One message of an RPC as it came. Frames are borrowed during the callback. */
typedef void yc_bus_request_fn(void *arg, const Pb__Header *h, const uint8_t *payload, size_t n);
typedef void yc_bus_event_fn(void *arg, const char *topic, const uint8_t *payload, size_t n);

enum yc_code yc_bus_open(struct yc_bus **out, struct yc_loop *l, const struct yc_bus_conf *c,
			 yc_bus_request_fn *on_request, yc_bus_event_fn *on_event, void *arg, struct yc_err *e) YC_MUST;
void yc_bus_close(struct yc_bus **b);            /* sends BYE; pending calls end with UNAVAILABLE */
void yc_bus_end_calls(struct yc_bus *b);         /* what is pending ends with UNAVAILABLE, and so will what is called from now on */
void yc_bus_bye(struct yc_bus *b);               /* no new requests from now on, please; replies still go out */
const char *yc_bus_instance(const struct yc_bus *b);
int yc_bus_is_up(const struct yc_bus *b);        /* has the broker answered within the last 2 s? */
/* Another process announced itself under this name, and the broker took its word: this one gets no requests any more. */
int yc_bus_is_displaced(const struct yc_bus *b);

/* msg: the unpacked reply (borrowed during the callback), NULL unless code is OK; e: why not. Called exactly once, from the loop,
 * never from inside yc_bus_call. */
typedef void yc_reply_fn(void *arg, enum yc_code code, const void *msg, const struct yc_err *e);

struct yc_call {
	const char *service;                     /* "crm" or "gateway@yn.gateway.1" */
	const ProtobufCServiceDescriptor *api;   /* gives request and reply types of the method */
	const char *method;                      /* "Create"; for api == &pb__node__descriptor "Node.Health" is sent */
	const void *in;                          /* request message; packed before yc_bus_call returns */
	const char *shard_key;                   /* NULL: least outstanding */
	int64_t timeout_ms;                      /* 0: 5 s */
	int retries;                             /* further tries on UNAVAILABLE, INSTANCE_LOST, DEADLINE with the same request id, within timeout_ms
						    of each; with back-off 100 ms doubling */
	const char *request_id;                  /* NULL: made up */
	const Pb__Principal *as;                 /* NULL: this process itself (ROLE_SERVICE) */
	const char *traceparent;
	yc_reply_fn *fn;                         /* NULL: the reply is dropped */
	void *arg;
};

/* Never blocks; 100 000 outstanding at most, then fn gets EXHAUSTED. Returns a handle for yc_bus_cancel. */
uint64_t yc_bus_call(struct yc_bus *b, const struct yc_call *c);
void yc_bus_cancel(struct yc_bus *b, uint64_t call);           /* fn will not be called */
/* Answer a request seen by on_request. */
void yc_bus_reply(struct yc_bus *b, uint64_t call, enum yc_code code, const struct yc_err *e, const uint8_t *payload, size_t n);

/* Events: topic = source instance + "|"; subscribe by prefix ("yn.crm."). */
void yc_bus_publish(struct yc_bus *b, const char *topic, const uint8_t *payload, size_t n);
void yc_bus_subscribe(struct yc_bus *b, const char *prefix);
/* Wrap every callback of this client (replies, requests, events), so that a node can open a unit of work around it. */
void yc_bus_around(struct yc_bus *b, void (*before)(void *), void (*after)(void *), void *arg);

#endif
