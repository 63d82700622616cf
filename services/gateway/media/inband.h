/* DTMF in the sound itself, by spandsp: the only file that knows it. */
#ifndef MEDIA_INBAND_H
#define MEDIA_INBAND_H

#include <stddef.h>
#include <stdint.h>

#include "media/media.h"

struct md_inband;
struct md_inband *md_inband_new(void);
void md_inband_free(struct md_inband **d);
/* Returns the digit that was recognised in these samples, 0 when none (one digit takes longer than one packet). */
char md_inband_feed(struct md_inband *d, enum media_codec c, const uint8_t *p, size_t n);
/* Samples that never came: keeps the detector's time. */
void md_inband_lost(struct md_inband *d, size_t n);

#endif
