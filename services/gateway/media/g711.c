#include "media/g711.h"

#include <pthread.h>

static int16_t linear[2][256];                   /* [0] mu-law, [1] A-law */
static uint8_t across[2][256];                   /* [0] mu-law to A-law, [1] A-law to mu-law */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int law(enum media_codec c)
{
	return c == MEDIA_PCMA;
}

static int highest_bit(unsigned v)
{
	return 31 - __builtin_clz(v);
}

/* A code is sign, three bits of segment, four of step. Segments 0 and 1 have steps of 16; each further one doubles them. */
int16_t md_alaw_decode(uint8_t code)
{
	unsigned c = code ^ 0x55u, seg = (c >> 4) & 7, step = c & 15;
	int m = (int)(step << 4) + 8;

	if (seg)
		m = (m + 0x100) << (seg - 1);
	return (int16_t)(c & 0x80 ? m : -m);
}

uint8_t md_alaw_encode(int16_t sample)
{
	unsigned sign = sample >= 0 ? 0x80 : 0, m = (unsigned)(sample >= 0 ? sample : ~sample), code;

	if (m < 256) {
		code = m >> 4;
	} else {
		unsigned seg = (unsigned)highest_bit(m) - 7;

		code = seg << 4 | ((m >> (seg + 3)) & 15);
	}
	return (uint8_t)((sign | code) ^ 0x55);
}

/* mu-law adds a bias of 132, so that segment borders are powers of two; all bits are sent inverted. */
int16_t md_ulaw_decode(uint8_t code)
{
	unsigned c = ~(unsigned)code & 0xff, seg = (c >> 4) & 7, step = c & 15;
	int m = (int)(((step << 3) + 132) << seg) - 132;

	return (int16_t)(c & 0x80 ? -m : m);
}

uint8_t md_ulaw_encode(int16_t sample)
{
	unsigned sign = sample < 0 ? 0x80 : 0, m = (unsigned)(sample < 0 ? -(int)sample : sample) + 132, seg;

	if (m > 32767)
		m = 32767;
	seg = (unsigned)highest_bit(m) - 7;
	return (uint8_t)~(sign | seg << 4 | ((m >> (seg + 3)) & 15));
}

static void fill(void)
{
	for (int i = 0; i < 256; i++) {
		linear[0][i] = md_ulaw_decode((uint8_t)i);
		linear[1][i] = md_alaw_decode((uint8_t)i);
		across[0][i] = md_alaw_encode(linear[0][i]);
		across[1][i] = md_ulaw_encode(linear[1][i]);
	}
}

void md_g711_init(void)
{
	pthread_once(&once, fill);
}

void md_decode(enum media_codec c, int16_t *out, const uint8_t *in, size_t n)
{
	const int16_t *t = linear[law(c)];

	for (size_t i = 0; i < n; i++)
		out[i] = t[in[i]];
}

void md_encode(enum media_codec c, uint8_t *out, const int16_t *in, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = law(c) ? md_alaw_encode(in[i]) : md_ulaw_encode(in[i]);
}

const uint8_t *md_transcode_table(enum media_codec from, enum media_codec to)
{
	return from == to ? NULL : across[law(from)];
}

void md_transcode(enum media_codec from, enum media_codec to, uint8_t *p, size_t n)
{
	const uint8_t *t = md_transcode_table(from, to);

	for (size_t i = 0; t && i < n; i++)
		p[i] = t[p[i]];
}

uint8_t md_silence(enum media_codec c)
{
	return c == MEDIA_PCMA ? MD_SILENCE_ALAW : MD_SILENCE_ULAW;
}
