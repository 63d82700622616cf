/* G.711 (ITU-T): A-law and mu-law against 16-bit linear, and between each other by table. */
#ifndef MEDIA_G711_H
#define MEDIA_G711_H

#include <stddef.h>
#include <stdint.h>

#include "media/media.h"

#define MD_RATE 8000
#define MD_FRAME 160                             /* samples of 20 ms */
enum { MD_SILENCE_ALAW = 0xd5, MD_SILENCE_ULAW = 0xff };

int16_t md_alaw_decode(uint8_t code);
int16_t md_ulaw_decode(uint8_t code);
uint8_t md_alaw_encode(int16_t sample);
uint8_t md_ulaw_encode(int16_t sample);

/* Tables, filled on first use of md_g711_init() (idempotent, thread-safe). */
void md_g711_init(void);
void md_decode(enum media_codec c, int16_t *out, const uint8_t *in, size_t n);
void md_encode(enum media_codec c, uint8_t *out, const int16_t *in, size_t n);
/* In place, from one law to the other; nothing to do when they are equal. */
void md_transcode(enum media_codec from, enum media_codec to, uint8_t *p, size_t n);
/* The table itself for code that copies sample by sample; NULL when from == to. */
const uint8_t *md_transcode_table(enum media_codec from, enum media_codec to);
uint8_t md_silence(enum media_codec c);

#endif
