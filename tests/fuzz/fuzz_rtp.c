/* Fuzz: RTP packets, RFC 4733 events and WAV files (fuzz: link gateway). First byte: 0 a WAV file, else packets, each behind its length. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/media/dtmf.h"
#include "gateway/media/g711.h"
#include "gateway/media/rtp.h"
#include "gateway/media/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void wav(const uint8_t *p, size_t n)
{
	struct md_wav w;
	struct yc_err e = { 0 };
	int16_t out[2000];

	if (md_wav_read(&w, p, n, &e) != YC_OK) {
		must(e.code != YC_OK && e.msg[0]);
		return;
	}
	must(w.data >= p && w.data + w.bytes <= p + n);
	must(md_wav_samples(&w, out, 2000) <= 2000);
}

struct stream { struct md_rtp_stat stat; struct md_rtp_out out; struct md_dtmf dtmf; int64_t now_us; };

static void packet(struct stream *s, const uint8_t *data, size_t n)
{
	uint8_t *p = malloc(n ? n : 1);
	struct md_rtp h, back;

	memcpy(p, data, n);
	s->now_us += n % 7 * 10000;
	if (md_rtp_read(&h, p, n) == 0) {
		must(h.at >= MD_RTP_HEADER && h.at + h.len <= n);
		if (md_rtp_count(&s->stat, &h, s->now_us, h.pt < 96)) {
			must(md_rtp_lost(&s->stat) >= 0 && md_rtp_jitter_us(&s->stat) >= 0);
			(void)md_dtmf_rfc4733(&s->dtmf, h.ssrc, h.ts, h.marker, p + h.at, h.len);
			if (md_rtp_out_relay(&s->out, p + h.at - MD_RTP_HEADER, 8, &h, (unsigned)h.len, s->now_us) == 0)
				must(md_rtp_read(&back, p + h.at - MD_RTP_HEADER, h.len + MD_RTP_HEADER) == 0 && back.ssrc == s->out.ssrc);
		}
	}
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stream s;

	md_g711_init();
	if (!size)
		return 0;
	if (data[0] == 0) {
		wav(data + 1, size - 1);
		return 0;
	}
	memset(&s, 0, sizeof(s));
	md_rtp_out_init(&s.out, 77, 65530, 0xfffff000u);
	for (size_t at = 1; at < size; ) {
		size_t n = data[at++];

		if (n > size - at)
			n = size - at;
		packet(&s, data + at, n);
		at += n;
	}
	return 0;
}
