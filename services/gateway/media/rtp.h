/* RTP packets (RFC 3550) and the statistics of a received stream. Pure. */
#ifndef MEDIA_RTP_H
#define MEDIA_RTP_H

#include <stddef.h>
#include <stdint.h>

#define MD_RTP_HEADER 12

struct md_rtp {
	uint8_t pt, marker;
	uint16_t seq;
	uint32_t ts, ssrc;
	size_t at, len;                          /* payload: offset and length */
};
/* 0, or -1 when it is not RTP (RTCP in the same port included). */
int md_rtp_read(struct md_rtp *h, const uint8_t *p, size_t n);
/* Writes 12 bytes to p. */
void md_rtp_write(uint8_t *p, uint8_t pt, int marker, uint16_t seq, uint32_t ts, uint32_t ssrc);

struct md_rtp_stat {                             /* of one incoming stream; survives a change of SSRC */
	int started;
	uint32_t ssrc, ts;
	uint16_t max_seq;
	uint32_t cycles, base;                   /* extended sequence numbers of this SSRC */
	uint64_t seen;                           /* bit i: max_seq - i has come */
	int64_t received, lost_before;           /* of this SSRC; lost of earlier ones */
	int64_t late, dup;
	int64_t arrival_us;
	double jitter;                           /* timestamp units */
};
/* Takes a packet into account. Returns 0 for a duplicate, 1 for a new packet. with_jitter 0 for events, whose timestamps stand still. */
int md_rtp_count(struct md_rtp_stat *s, const struct md_rtp *h, int64_t now_us, int with_jitter);
int64_t md_rtp_lost(const struct md_rtp_stat *s);
int64_t md_rtp_jitter_us(const struct md_rtp_stat *s);

/* The stream a leg sends: one SSRC, continuous whatever feeds it. */
struct md_rtp_out {
	uint32_t ssrc, ts;                       /* ts: of the next packet */
	uint16_t seq;                            /* of the next packet */
	int64_t due_us;                          /* when the next packet is due if nothing changes; 0 = nothing sent yet */
	int mapped;                              /* an incoming stream feeds it, with these offsets */
	uint32_t in_ssrc, in_ts, ts_off;
	uint16_t in_seq, seq_off, first_seq;
	int64_t in_us;
};
void md_rtp_out_init(struct md_rtp_out *o, uint32_t ssrc, uint16_t seq, uint32_t ts);
/* A packet of our own of `samples` samples: its header is written to p. */
void md_rtp_out_own(struct md_rtp_out *o, uint8_t *p, uint8_t pt, unsigned samples, int64_t now_us);
/* A packet relayed from another stream (gaps and order of the source are kept). samples: its length in timestamp units. Returns -1 when
 * it belongs before a point already passed and must be dropped. */
int md_rtp_out_relay(struct md_rtp_out *o, uint8_t *p, uint8_t pt, const struct md_rtp *in, unsigned samples, int64_t now_us);

#endif
