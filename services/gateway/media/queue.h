/* What passes between threads: a ring of commands with one producer and one consumer, and a queue of events with many producers. */
#ifndef MEDIA_QUEUE_H
#define MEDIA_QUEUE_H

#include <netinet/in.h>
#include <stdint.h>

#include "media/media.h"
#include "media/prompt.h"

enum md_op {
	MD_CONV_NEW = 1, MD_CONV_FREE, MD_LEG_ADD, MD_LEG_REMOTE, MD_LEG_REMOVE, MD_PLAY, MD_STOP_PLAY, MD_MUSIC, MD_LISTEN, MD_BRIDGE,
	MD_UNBRIDGE, MD_RECORD, MD_RECORD_LEGS, MD_RECORD_PAUSE, MD_RECORD_STOP, MD_STOP,
};
struct md_addr { struct sockaddr_storage sa; socklen_t len; };   /* len 0: none */
struct md_remote {
	struct md_addr addr;
	enum media_codec codec;
	uint8_t pt;
	int event_pt, send, receive;
};
struct md_record;                                /* writer.h */
/* Commands own what they point to (references to prompts, the record); whoever takes a command out disposes of it. */
struct md_cmd {
	enum md_op op;
	media_conv conv;
	media_leg leg, other;
	union {
		struct { int fd, strict, timeout_ms; struct md_remote remote; } add;
		struct md_remote remote;
		struct { int64_t tag; struct md_prompt *list[MEDIA_PLAY_MAX]; int n, loop, barge, gap; } play;
		struct md_prompt *music;         /* NULL: off */
		struct { int on, inband; } listen;
		struct md_record *record;
		int on;
	} u;
};

/* Single producer, single consumer, bounded; the consumer sleeps on an eventfd. */
struct md_ring;
struct md_ring *md_ring_new(unsigned cap);       /* cap: a power of two */
void md_ring_free(struct md_ring **r);
int md_ring_put(struct md_ring *r, const struct md_cmd *c);     /* 0, or -1 when it is full: then the consumer will be told so */
int md_ring_wanted(struct md_ring *r);           /* consumer, after it made room: does the producer wait for it? Asking clears it. */
int md_ring_get(struct md_ring *r, struct md_cmd *c);           /* 1, or 0 when it is empty */
/* Consumer: from now on I look without being woken (on); off: wake me again. After off the ring must be emptied once. */
void md_ring_polled(struct md_ring *r, int on);
int md_ring_fd(const struct md_ring *r);
void md_ring_drain_fd(struct md_ring *r);        /* consumer, before it empties the ring */

/* Events travel small; what is bulky is owned by the pointer. */
enum { MD_EV_CONV_GONE = 100, MD_EV_ROOM };      /* internal: the slot is free; the ring has room again */
struct md_record_end { char path[MEDIA_PATH]; int64_t bytes, duration_ms; char sha256[65], detail[96]; };
struct md_event {
	int type;                                /* enum media_event_type or internal */
	media_conv conv;
	media_leg leg;
	int64_t tag;
	char digit;
	int via;
	struct media_stats *stats;               /* MEDIA_LEG_GONE; from yc_xcalloc */
	struct md_record_end *record;
	struct md_prompts *prompts;
};
/* Many producers, one consumer, bounded. Full: put() returns -1 and the producer keeps the event for its next turn. */
struct md_events;
struct md_events *md_events_new(unsigned cap);
void md_events_free(struct md_events **q);       /* and what waits in it */
int md_events_put(struct md_events *q, const struct md_event *ev);
int md_events_get(struct md_events *q, struct md_event *ev);    /* clears the eventfd when it empties the queue */
int md_events_fd(const struct md_events *q);
void md_event_drop(struct md_event *ev);         /* frees what it points to */

#endif
