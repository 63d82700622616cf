/* The pure parts of the media engine: G.711, WAV, RTP, digits; and its queues under several threads. */
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <spandsp.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/media/dtmf.h"
#include "gateway/media/g711.h"
#include "gateway/media/ports.h"
#include "gateway/media/queue.h"
#include "gateway/media/rtp.h"
#include "gateway/media/wav.h"
#include "yct.h"
#include "yct_rtp.h"

static void setup(void)
{
	md_g711_init();
}

/* --- G.711 --- */
static void the_laws_agree_with_another_implementation_for_every_value(void)
{
	int bad = 0;

	for (int v = -32768; v <= 32767; v++) {
		bad += md_alaw_encode((int16_t)v) != linear_to_alaw(v);
		bad += md_ulaw_encode((int16_t)v) != linear_to_ulaw(v);
	}
	for (int c = 0; c < 256; c++) {
		bad += md_alaw_decode((uint8_t)c) != alaw_to_linear((uint8_t)c) || md_alaw_decode((uint8_t)c) != yct_g711(8, (uint8_t)c);
		bad += md_ulaw_decode((uint8_t)c) != ulaw_to_linear((uint8_t)c) || md_ulaw_decode((uint8_t)c) != yct_g711(0, (uint8_t)c);
	}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(md_silence(MEDIA_PCMA), md_alaw_encode(0));
	CU_ASSERT_EQUAL(md_silence(MEDIA_PCMU), md_ulaw_encode(0));
}

static void transcoding_keeps_the_level_within_a_step(void)
{
	for (int c = 0; c < 256; c++) {
		uint8_t to_u = (uint8_t)c, to_a = (uint8_t)c;
		int v = md_alaw_decode((uint8_t)c), u = md_ulaw_decode((uint8_t)c);

		md_transcode(MEDIA_PCMA, MEDIA_PCMU, &to_u, 1);
		md_transcode(MEDIA_PCMU, MEDIA_PCMA, &to_a, 1);
		CU_ASSERT(abs(md_ulaw_decode(to_u) - v) <= 8 + abs(v) / 28);
		CU_ASSERT(abs(md_alaw_decode(to_a) - u) <= 8 + abs(u) / 28);
	}
	CU_ASSERT_PTR_NULL(md_transcode_table(MEDIA_PCMA, MEDIA_PCMA));
}

/* --- WAV --- */
static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* A header of the 44-byte kind. */
static void head(uint8_t *b, int format, int channels, uint32_t rate, int bits, uint32_t bytes)
{
	memcpy(b, "RIFF\0\0\0\0WAVEfmt ", 16);
	put32(b + 16, 16);
	put32(b + 20, (uint32_t)(format | channels << 16));
	put32(b + 24, rate);
	put32(b + 28, rate * (uint32_t)(channels * bits / 8));
	put32(b + 32, (uint32_t)(channels * bits / 8 | bits << 16));
	memcpy(b + 36, "data", 4);
	put32(b + 40, bytes);
}

static void a_recording_header_is_read_back_by_the_reader(void)
{
	uint8_t b[MD_WAV_HEADER + 20];
	struct md_wav w;

	memset(b, MD_SILENCE_ALAW, sizeof(b));
	md_wav_header(b, MEDIA_PCMA, 2, 10);
	YCT_OK(md_wav_read(&w, b, sizeof(b), yct_err()));
	CU_ASSERT_EQUAL(w.format, MD_WAV_ALAW);
	CU_ASSERT_EQUAL(w.channels, 2);
	CU_ASSERT_EQUAL(w.rate, 8000);
	CU_ASSERT_EQUAL(w.bytes, 20);
	CU_ASSERT_PTR_EQUAL(w.data, b + MD_WAV_HEADER);
}

static void a_wav_with_foreign_chunks_or_an_open_end_is_read(void)
{
	uint8_t b[200] = { 0 }, c[200] = { 0 };
	struct md_wav w;

	head(b, 1, 1, 8000, 16, 0xffffffffu);    /* a stream that did not know its length */
	YCT_OK(md_wav_read(&w, b, 44 + 101, yct_err()));
	CU_ASSERT_EQUAL(w.bytes, 100);           /* whole samples only */
	memcpy(c, b, 36);
	memcpy(c + 36, "LIST\5\0\0\0hello\0data", 18);
	put32(c + 54, 4);
	YCT_OK(md_wav_read(&w, c, 62, yct_err()));
	CU_ASSERT_EQUAL(w.bytes, 4);
}

static void what_is_no_playable_wav_is_refused_by_name(void)
{
	uint8_t b[64] = { 0 };
	struct md_wav w;
	struct yc_err e;

	CU_ASSERT_EQUAL(md_wav_read(&w, b, 64, &e), YC_MALFORMED);
	head(b, 1, 1, 8000, 16, 20);
	for (size_t n = 0; n < 44; n++)
		CU_ASSERT(md_wav_read(&w, b, n, &e) != YC_OK);
	head(b, 2, 1, 8000, 4, 20);
	CU_ASSERT_EQUAL(md_wav_read(&w, b, 64, &e), YC_INVALID);
	YCT_STR(e.field, "format");
	head(b, 1, 1, 8000, 24, 20);
	CU_ASSERT_EQUAL(md_wav_read(&w, b, 64, &e), YC_INVALID);
	YCT_STR(e.field, "bits");
	head(b, 1, 6, 8000, 16, 20);
	CU_ASSERT_EQUAL(md_wav_read(&w, b, 64, &e), YC_INVALID);
	YCT_STR(e.field, "channels");
	head(b, 1, 1, 96000, 16, 20);
	CU_ASSERT_EQUAL(md_wav_read(&w, b, 64, &e), YC_INVALID);
	YCT_STR(e.field, "rate");
}

static void other_rates_are_resampled_and_stereo_is_mixed(void)
{
	enum { N = 44100 };
	uint8_t *b = calloc(1, 44 + N * 4);
	int16_t *out;
	struct md_wav w;
	size_t n;

	head(b, 1, 2, 44100, 16, N * 4);
	for (int i = 0; i < N; i++) {            /* 1 kHz, which stays, and 6 kHz, which must not fold back to 2 kHz */
		int16_t v = (int16_t)(8000 * sin(2 * M_PI * 1000 * i / N) + 8000 * sin(2 * M_PI * 6000 * i / N));

		memcpy(b + 44 + 4 * i, &v, 2);
		memcpy(b + 46 + 4 * i, &v, 2);
	}
	YCT_OK(md_wav_read(&w, b, 44 + N * 4, yct_err()));
	n = md_wav_samples(&w, NULL, 0);
	CU_ASSERT_EQUAL_FATAL(n, 8000);
	out = calloc(n, 2);
	CU_ASSERT_EQUAL(md_wav_samples(&w, out, n), n);
	CU_ASSERT(yct_tone_share(out, 400, 7600, 1000) > 0.99);
	CU_ASSERT(fabs(yct_rms(out, 400, 7600) - 5657) < 200);
	free(out);
	free(b);
}

/* --- RTP --- */
static void a_packet_with_extension_csrc_and_padding_is_understood(void)
{
	uint8_t p[] = { 0xb1, 0x88, 0, 7, 0, 0, 0, 9, 1, 2, 3, 4, /* csrc */ 0, 0, 0, 1, /* extension of one word */ 0xbe, 0xde, 0, 1, 0, 0, 0, 0,
		/* payload */ 1, 2, 3, /* padding */ 0, 2 };
	struct md_rtp h;

	CU_ASSERT_EQUAL_FATAL(md_rtp_read(&h, p, sizeof(p)), 0);
	CU_ASSERT(h.pt == 8 && h.marker == 1 && h.seq == 7 && h.ts == 9 && h.ssrc == 0x01020304);
	CU_ASSERT(h.at == 24 && h.len == 3);
	for (size_t n = 0; n < 24; n++)
		(void)md_rtp_read(&h, p, n);     /* bounds, for the sanitizer */
	p[28] = 29;                              /* padding longer than what follows the header */
	CU_ASSERT_EQUAL(md_rtp_read(&h, p, sizeof(p)), -1);
	p[0] = 0x40;
	CU_ASSERT_EQUAL(md_rtp_read(&h, p, sizeof(p)), -1);
	p[0] = 0x80;
	p[1] = 200;                              /* RTCP sender report */
	CU_ASSERT_EQUAL(md_rtp_read(&h, p, sizeof(p)), -1);
}

static int take(struct md_rtp_stat *s, uint16_t seq, uint32_t ts, int64_t at_us)
{
	struct md_rtp h = { .seq = seq, .ts = ts, .ssrc = 5 };

	return md_rtp_count(s, &h, at_us, 1);
}

static void loss_lateness_and_duplicates_are_counted_over_the_wrap(void)
{
	struct md_rtp_stat s = { 0 };
	uint16_t seq = 65530;

	for (int i = 0; i < 20; i++, seq++)
		if (i != 7 && i != 8)
			CU_ASSERT_EQUAL(take(&s, seq, (uint32_t)i * 160, i * 20000), 1);
	CU_ASSERT_EQUAL(md_rtp_lost(&s), 2);
	CU_ASSERT_EQUAL(take(&s, (uint16_t)(65530 + 7), 7 * 160, 400000), 1);   /* one of them was only late */
	CU_ASSERT_EQUAL(take(&s, (uint16_t)(65530 + 7), 7 * 160, 400000), 0);   /* and then came twice */
	CU_ASSERT_EQUAL(md_rtp_lost(&s), 1);
	CU_ASSERT(s.late == 1 && s.dup == 1);
}

static void jitter_follows_the_formula_of_the_rfc(void)
{
	struct md_rtp_stat s = { 0 };

	for (int i = 0; i < 500; i++)            /* every other packet 4 ms late: the differences are 4 ms */
		take(&s, (uint16_t)i, (uint32_t)i * 160, i * 20000 + i % 2 * 4000);
	CU_ASSERT(llabs(md_rtp_jitter_us(&s) - 4000) < 50);
}

static void what_we_send_is_one_stream_whoever_feeds_it(void)
{
	struct md_rtp_out o;
	struct md_rtp in = { .seq = 100, .ts = 5000, .ssrc = 1 }, h;
	uint8_t p[12];
	int64_t now = 1000000;
	uint16_t seq;
	uint32_t ts;

	md_rtp_out_init(&o, 0xabcdef01, 65535, 0xffffff00u);
	md_rtp_out_own(&o, p, 8, 160, now);
	CU_ASSERT_EQUAL(md_rtp_read(&h, p, 12), 0);
	CU_ASSERT(h.marker && h.seq == 65535 && h.ts == 0xffffff00u && h.ssrc == 0xabcdef01);
	md_rtp_out_own(&o, p, 8, 160, now += 20000);
	(void)md_rtp_read(&h, p, 12);
	CU_ASSERT(!h.marker && h.seq == 0 && h.ts == 0xffffffa0u);
	CU_ASSERT_EQUAL(md_rtp_out_relay(&o, p, 0, &in, 160, now += 20000), 0);
	(void)md_rtp_read(&h, p, 12);
	CU_ASSERT(h.marker && h.pt == 0 && h.seq == 1 && h.ts == 0x40);
	in.seq = 103;                            /* two are lost: the listener may see that */
	in.ts = 5000 + 3 * 160;
	CU_ASSERT_EQUAL(md_rtp_out_relay(&o, p, 0, &in, 160, now += 60000), 0);
	(void)md_rtp_read(&h, p, 12);
	CU_ASSERT(!h.marker && h.seq == 4 && h.ts == 0x40 + 480);
	in.seq = 102;                            /* one comes late, in its place */
	in.ts = 5000 + 2 * 160;
	CU_ASSERT_EQUAL(md_rtp_out_relay(&o, p, 0, &in, 160, now += 1000), 0);
	(void)md_rtp_read(&h, p, 12);
	CU_ASSERT(h.seq == 3);
	in.seq = 99;                             /* of before the bridge: its number belongs to the prompt */
	CU_ASSERT_EQUAL(md_rtp_out_relay(&o, p, 0, &in, 160, now), -1);
	in = (struct md_rtp){ .seq = 9, .ts = 77, .ssrc = 2 };   /* another talker, a second later */
	CU_ASSERT_EQUAL(md_rtp_out_relay(&o, p, 0, &in, 160, now += 1000000), 0);
	seq = h.seq;
	ts = h.ts;
	(void)md_rtp_read(&h, p, 12);
	CU_ASSERT(h.marker && h.seq == (uint16_t)(seq + 2) && (int32_t)(h.ts - ts) > 7000 && (int32_t)(h.ts - ts) < 9000);
}

static void a_long_relay_goes_on_beyond_half_the_number_range(void)
{
	struct md_rtp_out o;
	struct md_rtp in = { .ssrc = 1 };
	uint8_t p[12];
	int dropped = 0;

	md_rtp_out_init(&o, 1, 1, 1);
	for (int i = 0; i < 200000; i++) {
		in.seq = (uint16_t)i;
		in.ts = (uint32_t)i * 160;
		dropped += md_rtp_out_relay(&o, p, 8, &in, 160, (int64_t)i * 20000 + 1) != 0;
	}
	CU_ASSERT_EQUAL(dropped, 0);
}

/* --- digits --- */
static char feed(struct md_dtmf *d, uint32_t ts, int marker, int code, int end, int duration)
{
	uint8_t p[4] = { (uint8_t)code, (uint8_t)(end << 7 | 10), (uint8_t)(duration >> 8), (uint8_t)duration };

	return md_dtmf_rfc4733(d, 9, ts, marker, p, 4);
}

static void a_press_is_one_digit_whatever_is_repeated_or_lost(void)
{
	struct md_dtmf d = { 0 };

	CU_ASSERT_EQUAL(feed(&d, 1000, 1, 5, 0, 160), '5');
	CU_ASSERT_EQUAL(feed(&d, 1000, 0, 5, 0, 320), 0);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(feed(&d, 1000, 0, 5, 1, 800), 0);
	CU_ASSERT_EQUAL(feed(&d, 3000, 1, 5, 0, 160), '5');   /* again; its end is lost */
	CU_ASSERT_EQUAL(feed(&d, 9000, 0, 5, 0, 320), '5');   /* again; the first packet with the marker is lost */
	CU_ASSERT_EQUAL(feed(&d, 3000, 0, 5, 1, 800), 0);     /* the old one's end, overtaken */
	CU_ASSERT_EQUAL(feed(&d, 12000, 0, 11, 1, 800), '#'); /* only the end arrives */
	CU_ASSERT_EQUAL(feed(&d, 12000, 0, 11, 1, 800), 0);
}

static void a_very_long_press_and_a_wrong_sender_give_one_digit(void)
{
	struct md_dtmf d = { 0 };
	int n = 0;

	CU_ASSERT_EQUAL(feed(&d, 1000, 1, 1, 0, 65535), '1');
	CU_ASSERT_EQUAL(feed(&d, 1000 + 65535, 0, 1, 0, 160), 0);   /* RFC 4733 2.5.1.3: the next segment */
	CU_ASSERT_EQUAL(feed(&d, 1000 + 65535, 0, 1, 1, 800), 0);
	for (int i = 0; i < 10; i++)             /* advances the timestamp in each packet, which it must not */
		n += feed(&d, 200000 + (uint32_t)i * 160, i == 0, 2, i == 9, 160 * (i + 1)) != 0;
	CU_ASSERT_EQUAL(n, 1);
}

static void what_is_no_digit_is_ignored(void)
{
	struct md_dtmf d = { 0 };

	CU_ASSERT_EQUAL(feed(&d, 1, 1, 16, 0, 160), 0);
	CU_ASSERT_EQUAL(md_dtmf_rfc4733(&d, 1, 1, 1, (const uint8_t *)"\1\0\0", 3), 0);
	CU_ASSERT_EQUAL(feed(&d, 1, 1, 15, 0, 160), 'D');
}

static void a_phone_that_sends_both_ways_presses_once(void)
{
	struct md_dtmf d = { 0 };

	CU_ASSERT(md_dtmf_accept(&d, '1', MEDIA_VIA_RFC4733, 1000));
	CU_ASSERT(!md_dtmf_accept(&d, '1', MEDIA_VIA_INBAND, 1080));
	CU_ASSERT(md_dtmf_accept(&d, '2', MEDIA_VIA_INBAND, 1200));
	CU_ASSERT(md_dtmf_accept(&d, '2', MEDIA_VIA_INBAND, 1350));   /* pressed twice, quickly */
	CU_ASSERT(md_dtmf_accept(&d, '2', MEDIA_VIA_RFC4733, 2000));
}

/* --- ports --- */
static void ports_are_even_and_the_oldest_free_one_comes_first(void)
{
	struct md_ports *p = NULL;
	struct yc_err e;

	CU_ASSERT_EQUAL(md_ports_new(&p, 80, 90, &e), YC_INVALID);
	YCT_STR(e.field, "port_min");
	CU_ASSERT_EQUAL(md_ports_new(&p, 30001, 30002, &e), YC_INVALID);
	YCT_STR(e.field, "port_max");
	CU_ASSERT_EQUAL(md_ports_new(&p, 30000, 70000, &e), YC_INVALID);
	YCT_OK(md_ports_new(&p, 30001, 30009, &e));
	CU_ASSERT_EQUAL(md_ports_free_count(p), 4);   /* 30002 to 30008, each with the odd one above */
	md_ports_free(&p);
}

/* --- queues --- */
enum { PRODUCERS = 3, EACH = 20000 };

static void *produce(void *arg)
{
	struct md_events *q = arg;

	for (int i = 0; i < EACH; ) {
		struct md_event ev = { .type = MEDIA_DTMF, .tag = i };

		i += md_events_put(q, &ev) == 0;
	}
	return NULL;
}

static void every_event_arrives_and_the_descriptor_rests_when_all_are_taken(void)
{
	struct md_events *q = md_events_new(64);
	struct pollfd p = { .fd = md_events_fd(q), .events = POLLIN };
	pthread_t t[PRODUCERS];
	struct md_event ev;
	int n = 0;

	for (int i = 0; i < PRODUCERS; i++)
		pthread_create(&t[i], NULL, produce, q);
	while (n < PRODUCERS * EACH) {
		CU_ASSERT_EQUAL_FATAL(poll(&p, 1, 5000), 1);
		while (md_events_get(q, &ev))
			n++;
	}
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(t[i], NULL);
	CU_ASSERT_EQUAL(poll(&p, 1, 0), 0);
	CU_ASSERT_EQUAL(md_events_get(q, &ev), 0);
	md_events_free(&q);
}

static void *command(void *arg)
{
	struct md_ring *r = arg;

	for (int i = 0; i < EACH; ) {
		struct md_cmd c = { .op = MD_MUSIC, .leg = (media_leg)i };

		i += md_ring_put(r, &c) == 0;
	}
	return NULL;
}

static void commands_arrive_in_order_and_the_sleeper_is_always_woken(void)
{
	struct md_ring *r = md_ring_new(64);
	struct pollfd p = { .fd = md_ring_fd(r), .events = POLLIN };
	pthread_t t;
	struct md_cmd c;
	int n = 0, wrong = 0;

	pthread_create(&t, NULL, command, r);
	while (n < EACH) {
		CU_ASSERT_EQUAL_FATAL(poll(&p, 1, 5000), 1);
		md_ring_drain_fd(r);
		while (md_ring_get(r, &c))
			wrong += c.leg != (media_leg)n++;
	}
	pthread_join(t, NULL);
	CU_ASSERT_EQUAL(wrong, 0);
	md_ring_free(&r);
}

YCT_MAIN_WITH("media_parts", setup, NULL, T(the_laws_agree_with_another_implementation_for_every_value), T(transcoding_keeps_the_level_within_a_step),
	T(a_recording_header_is_read_back_by_the_reader), T(a_wav_with_foreign_chunks_or_an_open_end_is_read),
	T(what_is_no_playable_wav_is_refused_by_name), T(other_rates_are_resampled_and_stereo_is_mixed),
	T(a_packet_with_extension_csrc_and_padding_is_understood), T(loss_lateness_and_duplicates_are_counted_over_the_wrap),
	T(jitter_follows_the_formula_of_the_rfc), T(what_we_send_is_one_stream_whoever_feeds_it),
	T(a_long_relay_goes_on_beyond_half_the_number_range), T(a_press_is_one_digit_whatever_is_repeated_or_lost),
	T(a_very_long_press_and_a_wrong_sender_give_one_digit), T(what_is_no_digit_is_ignored), T(a_phone_that_sends_both_ways_presses_once),
	T(ports_are_even_and_the_oldest_free_one_comes_first), T(every_event_arrives_and_the_descriptor_rests_when_all_are_taken),
	T(commands_arrive_in_order_and_the_sleeper_is_always_woken))
