#include "media/wav.h"

#include <math.h>
#include <string.h>

#include "media/g711.h"

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint16_t le16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static enum yc_code read_fmt(struct md_wav *w, const uint8_t *p, size_t n, struct yc_err *e)
{
	unsigned tag;

	if (n < 16)
		return yc_fail(e, YC_MALFORMED, "fmt", "the fmt chunk is too short");
	tag = le16(p);
	if (tag == 0xfffe && n >= 40)            /* WAVE_FORMAT_EXTENSIBLE: the real tag opens the GUID */
		tag = le16(p + 24);
	w->channels = le16(p + 2);
	w->rate = (int)(le32(p + 4) & 0x7fffffff);
	w->bits = le16(p + 14);
	if (tag != MD_WAV_PCM && tag != MD_WAV_ALAW && tag != MD_WAV_ULAW)
		return yc_fail(e, YC_INVALID, "format", "WAV format %u is neither PCM, A-law nor mu-law", tag);
	w->format = (enum md_wav_format)tag;
	if (w->bits != (tag == MD_WAV_PCM ? 16 : 8))
		return yc_fail(e, YC_INVALID, "bits", "%d bits per sample; 16 (PCM) or 8 (G.711) is needed", w->bits);
	if (w->channels < 1 || w->channels > 2)
		return yc_fail(e, YC_INVALID, "channels", "%d channels; one or two are possible", w->channels);
	if (w->rate < 8000 || w->rate > 48000)
		return yc_fail(e, YC_INVALID, "rate", "%d Hz; 8000 to 48000 are possible, 8000 is best", w->rate);
	return YC_OK;
}

enum yc_code md_wav_read(struct md_wav *out, const uint8_t *p, size_t n, struct yc_err *e)
{
	size_t at = 12;

	memset(out, 0, sizeof(*out));
	if (n < 12 || memcmp(p, "RIFF", 4) || memcmp(p + 8, "WAVE", 4))
		return yc_fail(e, YC_MALFORMED, NULL, "not a WAV file");
	while (n - at >= 8) {
		const uint8_t *chunk = p + at;
		size_t len = le32(chunk + 4), left = n - at - 8;

		if (!memcmp(chunk, "fmt ", 4)) {
			enum yc_code c = read_fmt(out, chunk + 8, len < left ? len : left, e);

			if (c != YC_OK)
				return c;
		} else if (!memcmp(chunk, "data", 4)) {
			size_t frame = (size_t)(out->channels * out->bits / 8);

			if (!frame)
				return yc_fail(e, YC_MALFORMED, "fmt", "the data comes before its format");
			out->data = chunk + 8;
			out->bytes = (len < left ? len : left) / frame * frame;   /* a stream's header may say 0xffffffff */
			return YC_OK;
		}
		if (len >= left)
			break;
		at += 8 + len + (len & 1);
		if (at > n)
			break;
	}
	return yc_fail(e, YC_MALFORMED, "data", "the WAV file ends before its data");
}

static double sample_at(const struct md_wav *w, int64_t frame)
{
	int64_t frames = (int64_t)(w->bytes / (size_t)(w->channels * w->bits / 8));
	double sum = 0;

	if (frame < 0 || frame >= frames)
		return 0;
	for (int c = 0; c < w->channels; c++) {
		size_t i = (size_t)(frame * w->channels + c);

		if (w->format == MD_WAV_PCM)
			sum += (int16_t)le16(w->data + 2 * i);
		else
			sum += w->format == MD_WAV_ALAW ? md_alaw_decode(w->data[i]) : md_ulaw_decode(w->data[i]);
	}
	return sum / w->channels;
}

static int16_t clip(double v)
{
	return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : lrint(v));
}

/* Windowed sinc, cut a little below 4 kHz, so that nothing above folds back. Runs once per prompt at loading. */
static int16_t resampled(const struct md_wav *w, size_t i)
{
	const int half = 16;                     /* zero crossings on each side */
	double ratio = (double)w->rate / MD_RATE, centre = (double)i * ratio, width = half * ratio, sum = 0, gain = 0;

	for (int64_t k = (int64_t)ceil(centre - width); k <= (int64_t)floor(centre + width); k++) {
		double x = ((double)k - centre) / ratio * 0.95;
		double sinc = fabs(x) < 1e-9 ? 1 : sin(M_PI * x) / (M_PI * x);
		double h = sinc * (0.5 + 0.5 * cos(M_PI * ((double)k - centre) / width));

		sum += h * sample_at(w, k);
		gain += h;
	}
	return clip(gain > 0 ? sum / gain : 0);
}

size_t md_wav_samples(const struct md_wav *w, int16_t *out, size_t cap)
{
	size_t frames = w->bytes / (size_t)(w->channels * w->bits / 8);
	size_t n = (size_t)((uint64_t)frames * MD_RATE / (uint64_t)w->rate);

	if (!out)
		return n;
	if (n > cap)
		n = cap;
	for (size_t i = 0; i < n; i++)
		out[i] = w->rate == MD_RATE ? clip(sample_at(w, (int64_t)i)) : resampled(w, i);
	return n;
}

void md_wav_header(uint8_t out[MD_WAV_HEADER], enum media_codec codec, int channels, uint32_t frames)
{
	uint32_t bytes = frames * (uint32_t)channels;

	memset(out, 0, MD_WAV_HEADER);
	memcpy(out, "RIFF", 4);
	put32(out + 4, MD_WAV_HEADER - 8 + bytes + (bytes & 1));
	memcpy(out + 8, "WAVEfmt ", 8);
	put32(out + 16, 18);
	put16(out + 20, codec == MEDIA_PCMA ? MD_WAV_ALAW : MD_WAV_ULAW);
	put16(out + 22, (unsigned)channels);
	put32(out + 24, MD_RATE);
	put32(out + 28, MD_RATE * (uint32_t)channels);
	put16(out + 32, (unsigned)channels);
	put16(out + 34, 8);
	memcpy(out + 38, "fact", 4);
	put32(out + 42, 4);
	put32(out + 46, frames);
	memcpy(out + 50, "data", 4);
	put32(out + 54, bytes);
}
