/* Media engine: RTP sockets, prompts, music, DTMF, bridging, recording. Knows nothing of SIP.
 *
 * Threads. Everything declared here is called from ONE thread (the signalling thread) and returns at once. Worker threads own whole
 * conversations; a writer thread owns files. What passes between them are ids and plain structs. Commands to one conversation are
 * executed in the order given, at the next tick (20 ms) at the latest. A stale or unknown id is ignored by commands (events may cross a
 * removal on the way), and no event of a conversation is delivered after media_conv_free() was called, except MEDIA_LEG_GONE and the end of
 * its recording.
 *
 * What a leg sends, first that applies: the partner's audio while bridged; its prompts; its music; comfort noise. So a leg with a known
 * remote and send = 1 always has a stream, and the receiver sees one SSRC with continuous sequence and time from first to last packet. */
#ifndef GATEWAY_MEDIA_H
#define GATEWAY_MEDIA_H

#include <stdint.h>

#include "yc/err.h"

struct media;
typedef uint64_t media_conv;                     /* 0 = none; never reused within hours */
typedef uint64_t media_leg;                      /* 0 = none */

enum media_codec { MEDIA_PCMU = 0, MEDIA_PCMA = 8 };   /* values = static payload types */

#define MEDIA_NAME 64                            /* prompt and music names, with NUL */
#define MEDIA_PATH 512
#define MEDIA_IP 46
#define MEDIA_PLAY_MAX 8                         /* prompts in one media_play() */

struct media_conf {
	char bind_ip[MEDIA_IP];                  /* where legs bind unless they say otherwise; "0.0.0.0" is allowed; default "127.0.0.1" */
	int port_min, port_max;                  /* even RTP ports from this range, each with the odd one above it; default 20000-29999 */
	int workers;                             /* media threads; 0 = cores - 1, at least 1 */
	int max_legs;                            /* bound for all legs; 0 = what the port range gives, at most 16384 */
	char prompts[MEDIA_PATH];                /* folder of NAME.wav (8 kHz mono 16 bit, A-law or mu-law), NAME.alaw, NAME.ulaw; "" = none */
	int rtp_timeout_ms;                      /* no RTP for so long -> MEDIA_RTP_TIMEOUT; 0 = never; default 30000 */
	int relatch_ms;                          /* a latched source silent for so long may be replaced by another; default 2000 */
	int64_t record_max_ms;                   /* a recording ends itself at this length; default 4 h */
};
void media_conf_default(struct media_conf *c);

enum media_event_type {
	MEDIA_FIRST_RTP = 1,                     /* leg: the first valid packet since it was added */
	MEDIA_PLAY_DONE,                         /* leg, tag: the list given to media_play() ended by itself (not after stop or a newer play) */
	MEDIA_DTMF,                              /* leg, digit, via: once per key press, at its start; only while listened to */
	MEDIA_RTP_TIMEOUT,                       /* leg: once; again only after RTP came back */
	MEDIA_RTP_BACK,                          /* leg: RTP came back after a time-out */
	MEDIA_LEG_GONE,                          /* leg, stats: removed, its port is free again; the last event of a leg */
	MEDIA_RECORD_DONE,                       /* conv, tag, path, bytes, duration_ms, sha256: synced to disk, complete */
	MEDIA_RECORD_FAILED,                     /* the same fields for what could be kept (bytes 0: nothing, file removed) and detail; terminal */
	MEDIA_PROMPTS_LOADED,                    /* detail: "12 prompts"; after media_prompts_reload() */
};
enum media_via { MEDIA_VIA_RFC4733 = 1, MEDIA_VIA_INBAND };

struct media_stats {                             /* one leg, from add to now */
	int64_t rtp_in, rtp_out;                 /* packets */
	int64_t lost, late, dup;                 /* by sequence numbers of what came in; late = out of order */
	int64_t jitter_us;                       /* RFC 3550 interarrival jitter, last value */
	int64_t refused;                         /* not RTP, unknown payload type, or from a foreign source */
	int64_t event_packets;                   /* RFC 4733 packets among rtp_in */
	enum media_codec codec;
};
struct media_event {
	enum media_event_type type;
	media_conv conv;
	media_leg leg;                           /* 0 for events of the conversation */
	int64_t tag;                             /* as given by the caller of media_play / media_record_start */
	char digit;                              /* 0-9 * # A-D */
	enum media_via via;
	struct media_stats stats;
	char path[MEDIA_PATH];
	int64_t bytes, duration_ms;
	char sha256[65];
	char detail[96];                         /* a sentence for the log, or "" */
};

/* Starts the threads, reads the prompts (so this one may block). */
enum yc_code media_open(struct media **out, const struct media_conf *c, struct yc_err *e) YC_MUST;
/* Ends every conversation, finishes recordings (their last events are lost unless drained before), joins the threads. */
void media_close(struct media **m);
/* Becomes readable (level) when events wait: register it in the loop, then call media_next() until it returns 0. */
int media_fd(const struct media *m);
/* 1 and fills ev, or 0. Also carries on with commands that a full ring had delayed. */
int media_next(struct media *m, struct media_event *ev);

/* --- conversations and legs ----------------------------------------------------------------------------------------------------- */
/* A conversation lives on one worker (the least loaded). 0 when max_legs conversations exist. */
media_conv media_conv_new(struct media *m);
/* Removes its legs, ends its recording (whose terminal event still comes). */
void media_conv_free(struct media *m, media_conv conv);

struct media_remote {                            /* what the peer's SDP says */
	char ip[MEDIA_IP];                       /* "" or port 0: not known yet, nothing is sent */
	int port;
	enum media_codec codec;
	int pt;                                  /* payload type of the codec in this direction pair (0, 8 or dynamic) */
	int event_pt;                            /* telephone-event; 0 or less = not negotiated */
	int send;                                /* 0: the peer does not want to receive (hold) */
	int receive;                             /* 0: the peer does not send: no RTP time-out, what comes is dropped */
};
struct media_leg_conf {
	char bind_ip[MEDIA_IP];                  /* "" = media_conf.bind_ip */
	int strict;                              /* 1: only the SDP's address is believed; 0: symmetric RTP (latch to the source) */
	int rtp_timeout_ms;                      /* -1 = media_conf.rtp_timeout_ms, 0 = never */
	struct media_remote remote;              /* zeroed when the remote is not known yet (we offer) */
};
/* Opens the leg's sockets; *port is the local RTP port for the SDP. EXHAUSTED: no port or too many legs. */
enum yc_code media_leg_add(struct media *m, media_conv conv, const struct media_leg_conf *c, media_leg *leg, int *port, struct yc_err *e) YC_MUST;
/* New SDP from the peer (answer, re-INVITE, hold). A changed address un-latches. */
void media_leg_remote(struct media *m, media_leg leg, const struct media_remote *r);
/* Un-bridges it, ends its audio in the recording, closes the sockets. MEDIA_LEG_GONE follows. */
void media_leg_remove(struct media *m, media_leg leg);

/* --- what a leg hears ------------------------------------------------------------------------------------------------------------- */
struct media_play {
	int64_t tag;                             /* comes back in MEDIA_PLAY_DONE */
	int n;                                   /* 1..MEDIA_PLAY_MAX, played one after the other */
	char names[MEDIA_PLAY_MAX][MEDIA_NAME];
	int loop;                                /* the whole list again and again: no PLAY_DONE */
	int barge;                               /* a digit (listened to) stops it at once, without PLAY_DONE; MEDIA_DTMF tells */
	int gap_ms;                              /* silence between two prompts and before a repetition */
};
/* Replaces what plays. NOT_FOUND (field "prompt") when a name is not loaded: then nothing changes. A bridged leg hears its partner, so there
 * a prompt counts as played at once. Before a remote is known, prompts wait. */
enum yc_code media_play(struct media *m, media_leg leg, const struct media_play *p, struct yc_err *e) YC_MUST;
void media_stop_play(struct media *m, media_leg leg);
/* Endless music under the prompts. name "" = prompt "music", else the generated one; an unknown name falls back the same way. NULL: off. */
void media_music(struct media *m, media_leg leg, const char *name);
int media_has_prompt(const struct media *m, const char *name);
int64_t media_prompt_ms(const struct media *m, const char *name);      /* its length; -1 when unknown */
/* Reads the folder again on the writer thread; running prompts play on. MEDIA_PROMPTS_LOADED follows. */
void media_prompts_reload(struct media *m);

/* Report digits of this leg from now on. RFC 4733 needs remote.event_pt; inband = 1 also runs the tone detector (costs CPU, so only
 * while a menu listens; it rests as soon as the leg has shown that it sends RFC 4733). */
void media_dtmf_listen(struct media *m, media_leg leg, int on, int inband);

/* --- two legs of one conversation hear each other -------------------------------------------------------------------------------------- */
/* Stops prompts and music of both. Codecs may differ; telephone-event is passed with its payload type mapped. */
void media_bridge(struct media *m, media_leg a, media_leg b);
void media_unbridge(struct media *m, media_leg a);      /* both sides; each falls back to prompt, music or comfort */

/* --- recording: one per conversation, stereo G.711 WAV, left = what `left` says, right = what `right` says ------------------------------- */
/* Either leg may be 0 (silence) and be set later with media_record_legs(). path is created by the writer (its folder must exist).
 * CONFLICT when one runs already. A failing disk never touches the call: MEDIA_RECORD_FAILED comes instead of MEDIA_RECORD_DONE. */
enum yc_code media_record_start(struct media *m, media_conv conv, const char *path, media_leg left, media_leg right, int64_t tag,
	struct yc_err *e) YC_MUST;
void media_record_legs(struct media *m, media_conv conv, media_leg left, media_leg right);
void media_record_pause(struct media *m, media_conv conv, int on);      /* paused time is cut out (payment data and the like) */
void media_record_stop(struct media *m, media_conv conv);

/* --- figures for /metrics ------------------------------------------------------------------------------------------------------------------ */
struct media_counters {
	int64_t convs, legs, ports_free, recordings;
	int64_t rtp_in, rtp_out, refused, send_failed;
	int64_t ticks_late, tick_late_max_us;    /* 20 ms ticks that came more than 10 ms late */
	int64_t record_bytes, record_failed, chunks_in_use;
	int64_t events_dropped, commands_delayed;
};
void media_counters(const struct media *m, struct media_counters *out);

#endif
