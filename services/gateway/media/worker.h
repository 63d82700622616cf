/* Inside of a media worker: the objects it owns. Nothing here is touched by another thread. */
#ifndef MEDIA_WORKER_H
#define MEDIA_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "media/dtmf.h"
#include "media/g711.h"
#include "media/inband.h"
#include "media/media.h"
#include "media/queue.h"
#include "media/recorder.h"
#include "media/rtp.h"

#define MD_PACKET 1600                           /* longest datagram we take */
#define MD_HOUSE_US 250000                       /* time-outs, re-latching, recordings' clocks */
#define MD_BACKLOG 16384                         /* events kept per worker while the queue is full; beyond that they are dropped and counted */

struct md_shared {                               /* set up before the threads start, only read afterwards */
	struct media_conf conf;
	struct md_events *events;
	struct md_writer *writer;
	struct md_prompt *comfort;
	unsigned slots;                          /* of legs, and of conversations */
};

struct md_counters {                             /* written by the worker, read by anybody */
	atomic_llong rtp_in, rtp_out, refused, send_failed, ticks_late, tick_late_max_us, events_dropped, recordings;
};
static inline void md_bump(atomic_llong *c, long long n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n, memory_order_relaxed);
}

struct md_playing {
	int active, i, n, loop, barge;
	int64_t tag;
	size_t at, gap, gap_left;                /* samples */
	struct md_prompt *list[MEDIA_PLAY_MAX];
};

struct md_worker;
struct md_conv {
	media_conv id;
	struct md_leg *legs;                     /* by conv_prev, conv_next */
	struct md_rec *rec;
	int64_t rec_tag;
	media_leg rec_leg[2];
	struct md_conv *prev, *next;             /* of those that record */
};

struct md_leg {
	media_leg id;
	struct md_conv *conv;
	struct md_worker *w;
	int fd, strict;
	int64_t timeout_us;
	struct md_remote remote;
	struct md_addr dest;                     /* where we send: the SDP's address until latched */
	int latched;                             /* the socket is connected to dest */
	struct md_addr candidate;
	int candidate_n;
	int64_t last_rx_us, last_tx_us;
	int first_seen, timed_out;
	struct md_rtp_stat in;
	struct md_rtp_out out;
	int64_t packets_in, packets_out, refused, event_packets;
	struct md_leg *peer;
	int filler;                              /* bridged, but the peer is silent: comfort noise until it speaks */
	struct md_playing play;
	struct md_prompt *music;
	size_t music_at, comfort_at;
	struct md_dtmf dtmf;
	int listen, has_4733;
	struct md_inband *inband;
	struct md_rec *rec;                      /* its conversation's, when this leg is recorded */
	int rec_side;
	int ticking;
	struct md_leg *prev, *next;              /* all legs of the worker */
	struct md_leg *conv_prev, *conv_next, *tick_prev, *tick_next;
};

struct md_worker {
	struct md_shared *sh;
	pthread_t thread;
	struct md_ring *ring;
	int look;                                /* the tick has stopped: look for commands once more before sleeping */
	int ep, timer, stop, timer_on, n_legs;
	int64_t now_us, next_house_us, tick_due_us;
	struct md_leg **leg_by_slot, *legs, *ticking, *tick_cursor;
	struct md_conv **conv_by_slot, *recording;
	struct md_backlog *backlog;
	int n_backlog;
	struct md_counters count;
	uint8_t buf[MD_PACKET];
};

static inline unsigned md_slot(uint64_t id) { return (unsigned)(id & 0xffffffff) - 1; }
static inline struct md_leg *md_leg_of(struct md_worker *w, media_leg id)
{
	struct md_leg *l = id && md_slot(id) < w->sh->slots ? w->leg_by_slot[md_slot(id)] : NULL;

	return l && l->id == id ? l : NULL;
}
static inline struct md_conv *md_conv_of(struct md_worker *w, media_conv id)
{
	struct md_conv *c = id && md_slot(id) < w->sh->slots ? w->conv_by_slot[md_slot(id)] : NULL;

	return c && c->id == id ? c : NULL;
}

/* worker.c */
int md_worker_start(struct md_worker *w);        /* -1 with errno */
void md_worker_join(struct md_worker *w);        /* after MD_STOP was put; frees what it owned */
void md_emit(struct md_worker *w, const struct md_event *ev);
void md_emit_leg(struct md_leg *l, int type);
void md_timer_arm(struct md_worker *w, int on);
/* command.c */
void md_command(struct md_worker *w, struct md_cmd *c);
void md_cmd_drop(struct md_cmd *c);              /* one that is not executed */
void md_conv_end(struct md_worker *w, struct md_conv *c);
void md_rec_end(struct md_worker *w, struct md_conv *c);
/* leg.c: life, source of its packets, receiving */
struct md_leg *md_leg_new(struct md_worker *w, struct md_conv *conv, const struct md_cmd *c);
void md_leg_end(struct md_leg *l);
void md_leg_set_remote(struct md_leg *l, const struct md_remote *r);
void md_leg_readable(struct md_leg *l);
void md_leg_house(struct md_leg *l);
void md_leg_listen(struct md_leg *l, int on, int inband);
void md_leg_bridge(struct md_leg *a, struct md_leg *b);
void md_leg_unbridge(struct md_leg *a);
/* send.c: what it is sent */
void md_leg_tick(struct md_leg *l);
void md_leg_relay(struct md_leg *to, uint8_t *packet, const struct md_rtp *h, enum media_codec codec, int is_event);
void md_leg_retick(struct md_leg *l);            /* does it still need the 20 ms tick? */
void md_leg_play(struct md_leg *l, struct md_cmd *c);
void md_leg_stop_play(struct md_leg *l);
void md_leg_music(struct md_leg *l, struct md_prompt **music);

#endif
