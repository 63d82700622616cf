/* WAV files, pure: bytes in, samples out, and the header of a G.711 recording. */
#ifndef MEDIA_WAV_H
#define MEDIA_WAV_H

#include <stddef.h>
#include <stdint.h>

#include "media/media.h"
#include "yc/err.h"

enum md_wav_format { MD_WAV_PCM = 1, MD_WAV_ALAW = 6, MD_WAV_ULAW = 7 };
struct md_wav {
	enum md_wav_format format;
	int channels, rate, bits;
	const uint8_t *data;                     /* inside the given bytes */
	size_t bytes;                            /* whole frames only */
};
/* MALFORMED: no WAV, or cut short before its data; INVALID (field "format", "bits", "channels" or "rate"): not what we can play. */
enum yc_code md_wav_read(struct md_wav *out, const uint8_t *p, size_t n, struct yc_err *e) YC_MUST;
/* Mono 8 kHz 16-bit samples from any WAV that md_wav_read() accepts (mixed down, resampled). Returns the number of samples written; call
 * with out NULL to learn how many there will be. */
size_t md_wav_samples(const struct md_wav *w, int16_t *out, size_t cap);

#define MD_WAV_HEADER 58                         /* RIFF + fmt (18) + fact + data header */
/* Header of a file with `frames` frames of G.711 at 8 kHz. */
void md_wav_header(uint8_t out[MD_WAV_HEADER], enum media_codec codec, int channels, uint32_t frames);

#endif
