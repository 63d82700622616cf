/* SIP by sofia's nua, on one thread. Only files in sip/ see a type of sofia; the rest of the gateway sees legs (one dialog each), text and
 * numbers. Everything here is called from the signalling thread. */
#ifndef GW_SIP_H
#define GW_SIP_H

#include <stddef.h>
#include <stdint.h>

#include "yc/err.h"

struct sip;
struct sip_leg;
struct phones;
struct trunks;

struct sip_conf {
	const char *bind;                /* "127.0.0.1:5060" */
	const char *advertise;           /* host in Contact and Via, "" = as bound */
	const char *realm;
	int sha256;                      /* offer SHA-256 besides MD5 to registering phones */
	int64_t reg_min_s, reg_max_s, reg_default_s;
	int64_t nonce_ms;                /* how long a nonce is good */
	int auth_failures;               /* failures of one source within block_ms before it is refused */
	int64_t auth_block_ms;
};

/* An incoming INVITE; strings are borrowed during the callback, "" when absent. */
struct sip_invite {
	const char *to, *from, *display, *asserted, *diverted, *call_id, *user_agent;
	const char *source;              /* address it came from, without port */
	const char *sdp; size_t sdp_len; /* NULL: late offer, ours goes into the 200 */
};

/* What a leg tells its owner. ended comes once, at last; the leg must not be used afterwards. */
struct sip_leg_ops {
	void (*progress)(void *owner, int status);                       /* 180 and 183 to our INVITE */
	void (*answered)(void *owner, const char *sdp, size_t n);        /* 2xx to our INVITE; already acknowledged */
	/* A new offer in the dialog (hold, resume, refresh): answer with sip_leg_accept_offer or sip_leg_refuse_offer before returning.
	 * sdp NULL: a refresh without SDP that wants our offer. */
	void (*offered)(void *owner, const char *sdp, size_t n);
	void (*answer_to_late)(void *owner, const char *sdp, size_t n);  /* the ACK carried the answer to our offer */
	void (*digit)(void *owner, char digit);                          /* by SIP INFO */
	void (*talked)(void *owner, uint64_t ref, int status);           /* reply to sip_leg_talk */
	void (*ended)(void *owner, int status, const char *reason);      /* BYE (200), CANCEL (487), or the failure's status */
};

struct sip_handlers {
	void (*invite)(void *arg, struct sip_leg *leg, const struct sip_invite *in);     /* answer, refuse, or bind and do it later */
	void (*alarm)(void *arg);                                        /* the time given to sip_alarm has come */
};

void sip_metrics_register(void);                 /* once per process */
/* In the thread that will run it. phones and trunks are the owner's and outlive it. */
enum yc_code sip_open(struct sip **out, const struct sip_conf *c, struct phones *phones, struct trunks *trunks,
		      const struct sip_handlers *h, void *arg, struct yc_err *e) YC_MUST;
void sip_run(struct sip *s);                     /* until sip_stop */
void sip_stop(struct sip *s);
void sip_close(struct sip **s);
/* Call fn(arg) whenever fd is readable. */
enum yc_code sip_watch(struct sip *s, int fd, void (*fn)(void *arg), void *arg, struct yc_err *e) YC_MUST;
void sip_alarm(struct sip *s, int64_t delay_ms); /* one alarm at a time: the last word counts */
const char *sip_host(const struct sip *s);       /* address for SDP when nothing else is configured */
int sip_legs(const struct sip *s);               /* dialogs that still exist, dying ones included */

void sip_leg_bind(struct sip_leg *l, const struct sip_leg_ops *ops, void *owner);
void sip_leg_ring(struct sip_leg *l);                            /* 180 */
void sip_leg_answer(struct sip_leg *l, const char *sdp);         /* 200 */
/* Final answer below 2xx; retry_after_s 0: none. The leg is gone for the caller. */
void sip_leg_refuse(struct sip_leg **l, int status, const char *phrase, int retry_after_s);
void sip_leg_accept_offer(struct sip_leg *l, const char *sdp);
void sip_leg_refuse_offer(struct sip_leg *l, int status, const char *phrase);
/* re-INVITE with our SDP (hold, refresh); the answer comes as answered() again. */
void sip_leg_reoffer(struct sip_leg *l, const char *sdp);
/* CANCEL, BYE or a refusal, whichever fits; a 200 that crosses the CANCEL is acknowledged and ended. No callback comes afterwards. */
void sip_leg_end(struct sip_leg **l, const char *reason);
/* NOTIFY Event: talk. CONFLICT when the phone did not offer it. */
enum yc_code sip_leg_talk(struct sip_leg *l, uint64_t ref, struct yc_err *e) YC_MUST;

struct sip_call {
	const char *to;                  /* request URI: the phone's contact */
	const char *from_user, *from_display;
	const char *sdp;
	const char *path;                /* Path of the registration, or NULL */
	const char *headers;             /* "X-Yc-Matter: ...\r\nX-Yc-Contact: ..." or NULL */
};
/* INVITE. NULL when the URI is of no use. */
struct sip_leg *sip_leg_call(struct sip *s, const struct sip_call *c, const struct sip_leg_ops *ops, void *owner);

/* Outbound registration (sip/trunk.c): called when the trunk's configuration changed; name NULL: all. */
struct trunk;
void sip_trunk_apply(struct sip *s, struct trunk *t);

#endif
