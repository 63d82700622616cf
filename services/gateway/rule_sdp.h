/* SDP (RFC 4566, offer/answer RFC 3264) for one audio stream of G.711. Pure: text in, plain structs out, no I/O. This parser is the one that
 * reads what comes from the wire. */
#ifndef GATEWAY_RULE_SDP_H
#define GATEWAY_RULE_SDP_H

#include <stddef.h>
#include <stdint.h>

#include "yc/err.h"

#define SDP_MEDIA_MAX 8
#define SDP_FMT_MAX 32
#define SDP_TEXT_MAX 16384                       /* longer bodies are refused */
#define SDP_OUT_MAX 2048                         /* enough for everything we write */

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };   /* as seen by whoever wrote the SDP */

struct sdp_fmt { int pt; char name[24]; int rate; };   /* name in upper case, "" when the payload type is unknown */
struct sdp_media {
	char type[16], proto[24];                /* "audio", "RTP/AVP" */
	char fmts[96];                           /* the format list as written (for rejecting unknown media) */
	char ip[46];                             /* of the stream, else of the session; "" when there is none */
	int port, n_fmt;
	struct sdp_fmt fmt[SDP_FMT_MAX];
	enum sdp_direction dir;
	int ptime, rtcp_mux, rtcp_port;          /* 0 when not given */
};
struct sdp {
	char origin[64];                         /* username of o= */
	uint64_t id, version;                    /* of o= */
	int n_media;
	struct sdp_media media[SDP_MEDIA_MAX];
};

/* MALFORMED (field "sdp.line.7") when it is no SDP; TOO_LARGE beyond the bounds. Lines may end in LF or CRLF; text needs no NUL. */
enum yc_code sdp_parse(struct sdp *out, const char *text, size_t n, struct yc_err *e) YC_MUST;

enum sdp_codec { SDP_PCMU = 0, SDP_PCMA = 8 };   /* equal to enum media_codec */
struct sdp_choice {                              /* what was agreed, in terms of the peer */
	int index;                               /* which m= line */
	enum sdp_codec codec;
	int pt, event_pt;                        /* event_pt -1: none */
	char ip[46];
	int port;
	int hold;                                /* sendonly, inactive, or 0.0.0.0: the peer put us on hold */
	int peer_sends, peer_receives;           /* what may flow; 0.0.0.0 and port 0 mean the peer does not receive */
	int ptime;
};
/* Reads an offer or an answer. prefer: codecs in our order, n >= 1 (for an offer the peer's order wins unless ours_first).
 * INVALID, field "sdp.audio" (no audio stream, port 0 or not RTP/AVP) or "sdp.codec" (neither PCMA nor PCMU): answer 488. */
struct sdp_prefs { enum sdp_codec codecs[2]; int n; int ours_first; };
extern const struct sdp_prefs SDP_PREFS_DEFAULT; /* PCMA, PCMU; the peer's order */
enum yc_code sdp_choose(struct sdp_choice *out, const struct sdp *s, const struct sdp_prefs *prefs, struct yc_err *e) YC_MUST;

struct sdp_local {                               /* our side of one session; kept per leg by the caller */
	char ip[46];                             /* advertised */
	int port;
	uint64_t id, version;                    /* o=; the writers raise version when the text differs from what `last` remembers */
	enum sdp_direction dir;                  /* what we want; the answer is narrowed to what the offer allows */
	int hold;                                /* we put the peer on hold: sendonly */
	uint64_t last;                           /* private: digest of what was last written */
};
/* id from the caller (any number, e.g. the clock); version starts at id. */
void sdp_local_init(struct sdp_local *l, const char *ip, int port, uint64_t id);
/* Offer with these codecs (default order PCMA, PCMU) and telephone-event 101. Returns the length, 0 when buf is too small. */
size_t sdp_write_offer(struct sdp_local *l, const struct sdp_prefs *prefs, char *buf, size_t cap);
/* Re-offer to a peer with whom c is agreed: the same payload types, one codec (used for hold, resume and session refresh). */
size_t sdp_write_reoffer(struct sdp_local *l, const struct sdp_choice *c, char *buf, size_t cap);
/* Answer: every m= line of the offer is mirrored, all but the chosen one with port 0. */
size_t sdp_write_answer(struct sdp_local *l, const struct sdp *offer, const struct sdp_choice *c, char *buf, size_t cap);

#endif
