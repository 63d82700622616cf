/* The signalling thread: SIP, media and the calls' state machines. No file, database or bus I/O happens here. */
#ifndef GW_SIG_H
#define GW_SIG_H

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

#include "fsm.h"
#include "media/media.h"
#include "msg.h"
#include "sip/phones.h"
#include "rule_ivr.h"
#include "rule_sdp.h"
#include "rule_trunk.h"
#include "sip/sip.h"
#include "sip/trunks.h"
#include "yc/heap.h"

struct call;
struct offer;

/* A timer inside its owner's struct: no allocation, one alarm of the SIP loop drives all. */
struct sig_timer { void (*fn)(void *arg); void *arg; size_t pos; };

struct sig_conf {
	struct sip_conf sip;
	struct media_conf media;
	char media_ip[64];               /* written into SDP */
	char area[8];                    /* of local numbers without one */
	char blob_folder[512];           /* recordings grow in its tmp */
	int64_t max_calls, max_rate, max_behind;
	int inband;
};

struct number { char number[32], flow[64], number_class[32]; int record; UT_hash_handle hh; };
struct flow { char name[64]; struct ivr_flow *f; UT_hash_handle hh; };
struct recording;

struct sig {
	struct sig_conf conf;
	struct gw_queue *up, *down;
	_Atomic int behind;              /* the node thread's uncommitted events */
	pthread_t thread;
	int started;
	struct sip *sip;
	struct media *media;
	struct phones *phones;
	struct trunks trunks;
	struct number *numbers;
	struct flow *flows;
	struct call *by_id, *by_conv;
	struct offer *offers;            /* by reservation */
	struct recording *recordings;    /* whose end has not come */
	struct yc_heap timers;
	struct trunk_bucket bucket;
	struct sig_timer expiry, flush;
	int n_calls, n_queued, stopping;
	int64_t alarm_at, stop_by;
	uint64_t sequence;
};

/* Starts the thread; GW_UP_READY in the up queue tells how it went. */
struct sig *sig_start(const struct sig_conf *c, struct gw_queue *up, struct gw_queue *down);
void sig_behind(struct sig *s, int events);      /* how far the node thread's events are behind: admission looks at it */
void sig_join(struct sig **s);           /* after GW_UP_STOPPED */

/* Within the thread: */
void sig_up(struct sig *s, struct gw_msg **m);           /* counted and dropped at the bound */
void sig_timer_set(struct sig *s, struct sig_timer *t, int64_t delay_ms, void (*fn)(void *arg), void *arg);
void sig_timer_stop(struct sig *s, struct sig_timer *t);

/* --- one caller ------------------------------------------------------------------------------------------------------------------ */
struct call {
	struct sig *s;
	char id[YC_ID_LEN], contact_id[YC_ID_LEN], matter_id[YC_ID_LEN], item_id[YC_ID_LEN];
	char from[32], display[64], to[32], queue[64], codec[12];
	int state;
	struct sip_leg *leg;
	media_conv conv;
	media_leg media;
	struct sdp_local local;
	struct sdp_choice choice;
	struct ivr_run run;
	struct call_arrival *arrival;    /* only while admission lasts */
	int priority;
	char music[64];
	struct offer *offer;             /* ringing or talking */
	int record, legs_open;
	int silent;                      /* no RTP of the caller for rtp_timeout_ms */
	int sip_status;
	const char *by, *reason;         /* of the end */
	char reason_text[48];            /* where reason comes from the flow */
	int via;                         /* of the last digit: enum media_via, 0 none, -1 SIP INFO */
	media_leg agent_media;           /* of the offer that was bridged */
	struct gw_stats caller_stats, agent_stats;
	int64_t started_at;
	struct sig_timer timer;          /* IVR time-out; next question to a silent caller; closing time-out */
	UT_hash_handle hh, hh_conv;
};

void call_event(struct call *c, int event);
void call_media(struct sig *s, const struct media_event *ev);
void call_offer_failed(struct call *c);
void call_agent_gone(struct call *c, const char *reason);
struct call *call_find(struct sig *s, const char *id);
/* Ends it from outside; by and reason are constant strings. */
void call_hangup(struct call *c, const char *by, const char *reason);
void calls_free(struct sig *s);

/* admit.c */
void call_arrives(void *arg, struct sip_leg *leg, const struct sip_invite *in);
void admit_answer(struct call *c);
void admit_note_started(struct call *c);
void admit_run_flow(struct call *c);
extern const struct sip_leg_ops call_leg_ops;

/* ivr.c */
void call_ivr_begin(struct call *c, struct ivr_flow *f);
void call_ivr_feed(struct call *c, enum ivr_event ev, char digit);
void call_ivr_music(struct call *c);

/* --- one offer to one agent's phone -------------------------------------------------------------------------------------------------- */
struct offer {
	struct call *c;
	char reservation[YC_ID_LEN], agent_id[YC_ID_LEN], extension[32];
	int64_t version;
	int state, sip_status, outcome;
	const char *reason;
	char reason_text[16], contact[256], path[160];
	uint64_t talk_ref;               /* the RPC that waits for the phone's answer to NOTIFY */
	struct sig *s;
	int64_t timeout_ms;
	struct sip_leg *leg;
	media_leg media;
	struct sdp_local local;
	struct sdp_choice choice;
	struct sig_timer timer;
	UT_hash_handle hh;
};
/* Rings the phone; a failure comes back as an offer's end. */
void offer_begin(struct sig *s, const struct gw_msg *m);
void offer_ring(struct call *c);         /* the call's effect: INVITE to the agent of c->offer */
void offer_event(struct offer *o, int event, const char *reason);
struct offer *offer_find(struct sig *s, const char *reservation);
void offers_phone_gone(struct sig *s, const char *extension);
void offer_talk(struct sig *s, const struct gw_msg *m);

/* negotiate.c: between rule_sdp and media, for one leg of either side. Errors mean 488. */
struct negotiated { struct sig *s; media_leg media; struct sdp_local *local; struct sdp_choice *choice; };
/* A new offer on an existing leg: answer is written, the leg follows. */
enum yc_code negotiate_offer(const struct negotiated *g, const char *text, size_t n, char *answer, struct yc_err *e) YC_MUST;
/* The peer's answer to our offer. */
enum yc_code negotiate_answer(const struct negotiated *g, const char *text, size_t n, struct yc_err *e) YC_MUST;
/* Our own offer on an existing leg, with what was agreed (offer[SDP_OUT_MAX]). */
void negotiate_reoffer(const struct negotiated *g, char *offer);
void negotiate_remote(struct media_remote *r, const struct sdp_choice *c);

/* recordings.c */
void recording_start(struct call *c, media_leg caller, media_leg agent, const char *agent_id);
int recording_event(struct sig *s, const struct media_event *ev);
void recordings_free(struct sig *s);

#endif
