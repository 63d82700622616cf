/* RTP peers of the tests: sockets that say a tone and remember what they heard. Independent of the engine under test: own packets, own G.711. */
#ifndef YCT_RTP_H
#define YCT_RTP_H

#include <stddef.h>
#include <stdint.h>

enum { YCT_HEARD_MAX = 8000 * 30 };
struct yct_rtp {
	int fd, port, to_port;                   /* 127.0.0.1 */
	char to_ip[46];
	int pt, event_pt;                        /* 8 PCMA, 0 PCMU: also the law of what comes in by the packet's own type */
	double hz;                               /* tone said; 0 = silence */
	int muted;                               /* sends nothing at all */
	int lose_every;                          /* drop each n-th packet instead of sending it; 0 = none */
	uint32_t ssrc, ts;
	uint16_t seq;
	int64_t sent;
	double phase;
	char digits[16];                         /* in-band digits to say instead of the tone: each 100 ms on, 100 ms off */
	int digit_at;
	/* heard */
	int16_t *heard;                          /* by arrival, decoded */
	size_t n_heard;
	int64_t packets, events, event_ends, ssrc_changes, seq_gaps, ts_wrong, markers, foreign_pt;
	uint32_t in_ssrc, in_ts;
	uint16_t in_seq;
	int last_event, last_event_pt;
	int64_t started_us, due_us;
};
/* Opens 127.0.0.1 (or ip) with any port. */
void yct_rtp_open(struct yct_rtp *p, const char *ip, int pt, int event_pt, double hz);
void yct_rtp_close(struct yct_rtp *p);
void yct_rtp_to(struct yct_rtp *p, const char *ip, int port);
/* Lets n peers talk and listen in real time for ms, or until stop(arg) says so (may be NULL). Returns 1 when stopped by it. */
int yct_rtp_run(struct yct_rtp **peers, int n, int64_t ms, int (*stop)(void *), void *arg);
/* Sends packets of one RFC 4733 press: `updates` packets and `ends` end packets, of which the bits of `lose` are left out (bit 0 first). */
void yct_rtp_press(struct yct_rtp *p, char digit, int updates, int ends, unsigned lose);
/* One packet now. */
void yct_rtp_say(struct yct_rtp *p);
void yct_rtp_forget(struct yct_rtp *p);          /* what was heard */
/* Share (0..1) of the blocks of 50 ms between from and to (samples; to 0 = end) in which this tone holds most of the power. */
double yct_tone_share(const int16_t *v, size_t from, size_t to, double hz);
double yct_rms(const int16_t *v, size_t from, size_t to);

int16_t yct_g711(int pt, uint8_t code);

#endif
