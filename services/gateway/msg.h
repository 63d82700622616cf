/* What the node thread and the signalling thread tell each other: plain messages in bounded queues, nothing shared. */
#ifndef GW_MSG_H
#define GW_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "yc/id.h"

enum gw_kind {
	/* signalling -> node */
	GW_UP_READY,             /* the signalling thread runs, or could not start (text) */
	GW_UP_STARTED,           /* a call was admitted and answered */
	GW_UP_MENU,
	GW_UP_QUEUED,
	GW_UP_RINGING,
	GW_UP_OFFER_END,
	GW_UP_BRIDGED,
	GW_UP_ENDED,             /* the talk or the wait is over */
	GW_UP_CLOSED,            /* both media legs are gone, with their figures */
	GW_UP_RECORDING,
	GW_UP_PHONE,
	GW_UP_TRUNK,
	GW_UP_TALK,              /* outcome of GW_DOWN_ANSWER */
	GW_UP_GAP,               /* an agent's idle gap was measured */
	GW_UP_STOPPED,
	/* node -> signalling */
	GW_DOWN_NUMBER,
	GW_DOWN_FLOW,            /* the compiled flow changes hands */
	GW_DOWN_TRUNK,
	GW_DOWN_EXTENSION,
	GW_DOWN_LOCATION,        /* a registration found in Redis at start, or made at another gateway */
	GW_DOWN_OFFER,
	GW_DOWN_OFFER_STOP,
	GW_DOWN_ANSWER,
	GW_DOWN_HANGUP,
	GW_DOWN_STOP,
	GW_KIND_COUNT
};

struct gw_stats { int64_t rtp_in, rtp_out, lost, late, jitter_us; char codec[12]; };

/* Strings point into the message itself (gw_text). */
struct gw_msg {
	enum gw_kind kind;
	char id[YC_ID_LEN];      /* call id, except where said */
	int64_t at;              /* when it happened: set by gw_msg_new, unless the sender knows better */
	union {
		struct { int ok; const char *text; } ready;
		struct { const char *contact_id, *matter_id, *from, *display, *to, *trunk, *flow, *number_class, *diverted, *asserted, *sip_call_id, *codec; } started;
		struct { const char *node, *kind, *input, *next, *via, *label; } menu;
		struct { const char *item_id, *queue; int priority; } queued;
		struct { const char *reservation; } ringing;
		struct { const char *reservation, *agent_id, *reason; int64_t version; int outcome, sip_status; } offer_end;
		struct { const char *reservation, *agent_id, *extension; int64_t version; } bridged;
		struct { const char *by, *reason; int sip_status; } ended;
		struct { struct gw_stats caller, agent; } closed;
		struct { const char *path, *blob_id, *agent_id, *matter_id, *contact_id, *sha256, *error; int64_t bytes, duration_ms; } recording;
		struct { const char *extension, *contact, *path, *received, *user_agent, *reason; int64_t expires_at, since_at; int registered; } phone;
		struct { const char *name, *text; int ok, status; } trunk;
		struct { uint64_t ref; int code; const char *text; } talk;     /* ref: the held request */
		struct { const char *extension; int64_t us; } gap;
		struct { const char *number, *flow, *number_class; int record; } number;
		struct { struct ivr_flow *flow; } flow;
		struct { const char *name, *addresses, *proxy, *register_uri, *user, *password; int expires_s; } trunk_conf;
		struct { const char *number, *ha1_md5, *ha1_sha256, *static_contact; int deleted; } extension;
		struct { const char *extension, *contact, *path, *received; int64_t expires_at; } location;
		struct { const char *reservation, *agent_id, *agent_name, *extension, *queue, *contact, *path; int64_t version, timeout_ms; } offer;
		struct { const char *reservation, *reason; uint64_t ref; } stop;
		struct { const char *reason; } hangup;
	} u;
	size_t used, cap;
	char tail[];
};

/* room: bytes for the strings this message will carry. */
struct gw_msg *gw_msg_new(enum gw_kind kind, const char *id, size_t room);
/* A copy of s inside m, cut at a character when the room is used up; "" for NULL. */
const char *gw_text(struct gw_msg *m, const char *s);
void gw_msg_free(struct gw_msg **m);

#define GW_QUEUE 65536           /* messages each way; admission stops at half of it */
/* Bounded ring for one producer thread and one consumer thread; the descriptor becomes readable when there is something. */
struct gw_queue;
struct gw_queue *gw_queue_new(uint32_t capacity);       /* a power of two */
void gw_queue_free(struct gw_queue **q);                /* frees what is still inside */
int gw_queue_fd(const struct gw_queue *q);
/* Takes *m (and sets NULL) and returns 1; at the bound returns 0 and *m stays the caller's. */
int gw_queue_push(struct gw_queue *q, struct gw_msg **m);
/* The same without waking the consumer: for what may wait until it wakes anyway, or until gw_queue_wake. */
int gw_queue_put(struct gw_queue *q, struct gw_msg **m);
struct gw_msg *gw_queue_pop(struct gw_queue *q);        /* NULL: empty; then the descriptor is armed again */
/* Make the descriptor readable again: the consumer has left something for its next turn. */
void gw_queue_wake(struct gw_queue *q);
uint32_t gw_queue_depth(const struct gw_queue *q);

#endif
