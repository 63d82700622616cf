/* Digits: RFC 4733 events (pure), and the order between the two ways a digit can come. */
#ifndef MEDIA_DTMF_H
#define MEDIA_DTMF_H

#include <stddef.h>
#include <stdint.h>

/* One leg's memory of the event under way. A digit is reported once, at its first packet, whatever gets lost or repeated afterwards. */
struct md_dtmf {
	int started;
	uint32_t ssrc, ts;
	uint8_t code;
	uint16_t duration;
	int ended;
	char last;                               /* the last digit reported, by either way */
	int last_via;
	int64_t last_ms;
};
/* A packet's payload (4 bytes or more). Returns the digit when a new key press begins, else 0. */
char md_dtmf_rfc4733(struct md_dtmf *d, uint32_t ssrc, uint32_t ts, int marker, const uint8_t *payload, size_t n);
/* Phones that send both ways at once: the second report of one digit within 500 ms by the other way is dropped. 1 = report it. */
int md_dtmf_accept(struct md_dtmf *d, char digit, int via, int64_t now_ms);

#endif
