/* The media engine with real sockets: what is heard is checked by its tones. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/media/media.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yct.h"
#include "yct_rtp.h"

enum { EVENTS_MAX = 4000, PROMPT_HZ = 500, MUSIC_HZ = 700, RAW_HZ = 1100 };

static struct media *m;
static struct media_event *got;
static int n_got;

/* --- what happens --- */
static int drain(void *arg)
{
	struct media_event ev;

	(void)arg;
	while (media_next(m, &ev))
		if (n_got < EVENTS_MAX)
			got[n_got++] = ev;
	return 0;
}

static int count(enum media_event_type type, media_leg leg)
{
	int n = 0;

	for (int i = 0; i < n_got; i++)
		n += got[i].type == type && (!leg || got[i].leg == leg);
	return n;
}

static struct media_event *last(enum media_event_type type)
{
	for (int i = n_got - 1; i >= 0; i--)
		if (got[i].type == type)
			return &got[i];
	return NULL;
}

struct want { enum media_event_type type; media_leg leg; int n; };
static int have(void *arg)
{
	struct want *w = arg;

	drain(NULL);
	return count(w->type, w->leg) >= w->n;
}

/* Peers talk on until the event has come n times. */
static int until(struct yct_rtp **peers, int n_peers, int64_t ms, enum media_event_type type, media_leg leg, int n)
{
	struct want w = { type, leg, n };

	if (have(&w))
		return 1;
	if (n_peers)
		return yct_rtp_run(peers, n_peers, ms, have, &w);
	return yct_until(ms, have, &w);
}

static void talk(struct yct_rtp **peers, int n, int64_t ms)
{
	yct_rtp_run(peers, n, ms, drain, NULL);
}

/* Peers talk until each of the first n_hear has heard so many packets more. Counting packets, not time, keeps a busy machine out of the result. */
struct hearing { struct yct_rtp **peers; int n; int64_t want[8]; };
static int heard_enough(void *arg)
{
	struct hearing *h = arg;

	drain(NULL);
	for (int i = 0; i < h->n; i++)
		if (h->peers[i]->packets < h->want[i])
			return 0;
	return 1;
}

static void hear(struct yct_rtp **peers, int n, int n_hear, int64_t packets)
{
	struct hearing h = { .peers = peers, .n = n_hear };

	for (int i = 0; i < n_hear; i++)
		h.want[i] = peers[i]->packets + packets;
	CU_ASSERT(yct_rtp_run(peers, n, 15000, heard_enough, &h));
}

/* Where sound begins: before it stands the comfort noise of the moment between two commands. */
static size_t onset(const struct yct_rtp *p, size_t from)
{
	while (from < p->n_heard && p->heard[from] < 500)
		from++;
	return from;
}

/* --- the stage --- */
static void put_file(const char *name, const void *p, size_t n)
{
	char path[600];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", yct_dir(), name);
	f = fopen(path, "wb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_EQUAL(fwrite(p, 1, n, f), n);
	fclose(f);
}

static int16_t tone_at(double hz, int i)
{
	return (int16_t)(8000 * __builtin_sin(2 * 3.14159265358979 * hz * i / 8000));
}

static void put_wav(const char *name, double hz, int ms)
{
	int n = ms * 8;
	uint8_t *b = calloc(1, 44 + (size_t)n * 2);
	uint32_t bytes = (uint32_t)n * 2, riff = 36 + bytes, rate = 8000, second = 16000, sixteen = 16;
	uint16_t one = 1, two = 2, bits = 16;

	memcpy(b, "RIFF", 4); memcpy(b + 4, &riff, 4); memcpy(b + 8, "WAVEfmt ", 8); memcpy(b + 16, &sixteen, 4);
	memcpy(b + 20, &one, 2); memcpy(b + 22, &one, 2); memcpy(b + 24, &rate, 4); memcpy(b + 28, &second, 4);
	memcpy(b + 32, &two, 2); memcpy(b + 34, &bits, 2); memcpy(b + 36, "data", 4); memcpy(b + 40, &bytes, 4);
	for (int i = 0; i < n; i++) {
		int16_t v = tone_at(hz, i);

		memcpy(b + 44 + 2 * i, &v, 2);
	}
	put_file(name, b, 44 + (size_t)n * 2);
	free(b);
}

static void put_raw(const char *name, int ms)
{
	uint8_t *b = calloc(1, (size_t)ms * 8);

	for (int i = 0; i < ms * 8; i++)         /* a square wave's ground tone is enough to be recognised */
		b[i] = i * RAW_HZ * 2 / 8000 % 2 ? 0xaa : 0x2a;
	put_file(name, b, (size_t)ms * 8);
	free(b);
}

static void open_with(void (*change)(struct media_conf *))
{
	struct media_conf c;

	if (!got)
		got = calloc(EVENTS_MAX, sizeof(*got));
	n_got = 0;
	media_conf_default(&c);
	c.port_min = 20000 + getpid() % 30 * 400;   /* below what the system gives to others */
	c.port_max = c.port_min + 399;
	c.workers = 2;
	snprintf(c.prompts, sizeof(c.prompts), "%s", yct_dir());
	if (change)
		change(&c);
	YCT_OK(media_open(&m, &c, yct_err()));
}

static void stage(void)
{
	put_wav("welcome.wav", PROMPT_HZ, 400);
	put_wav("long.wav", PROMPT_HZ, 20000);
	put_wav("hold.wav", MUSIC_HZ, 1000);
	put_raw("raw.alaw", 400);
	open_with(NULL);
}

static void strike(void)
{
	media_close(&m);
}

static struct media_remote remote_of(const struct yct_rtp *p)
{
	struct media_remote r = { .ip = "127.0.0.1", .port = p->port, .codec = p->pt == 8 ? MEDIA_PCMA : MEDIA_PCMU, .pt = p->pt,
		.event_pt = p->event_pt, .send = 1, .receive = 1 };

	return r;
}

/* A peer and its leg. pt 0 or 8. */
static media_leg join(media_conv conv, struct yct_rtp *p, int pt, int event_pt, double hz)
{
	struct media_leg_conf c = { .rtp_timeout_ms = -1 };
	media_leg leg = 0;
	int port = 0;

	yct_rtp_open(p, "127.0.0.1", pt, event_pt, hz);
	c.remote = remote_of(p);
	YCT_OK(media_leg_add(m, conv, &c, &leg, &port, yct_err()));
	CU_ASSERT(port >= 1024 && port % 2 == 0);
	yct_rtp_to(p, "127.0.0.1", port);
	return leg;
}

/* --- bridging --- */
static void two_talk(int pt_a, int pt_b)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, b, *both[] = { &a, &b };
	media_leg la = join(conv, &a, pt_a, 101, 440), lb = join(conv, &b, pt_b, 101, 1000);

	media_bridge(m, la, lb);
	CU_ASSERT(until(both, 2, 3000, MEDIA_FIRST_RTP, la, 1) && until(both, 2, 3000, MEDIA_FIRST_RTP, lb, 1));
	yct_rtp_forget(&a);
	yct_rtp_forget(&b);
	hear(both, 2, 2, 45);
	CU_ASSERT(yct_tone_share(a.heard, 0, a.n_heard, 1000) > 0.95);
	CU_ASSERT(yct_tone_share(b.heard, 0, b.n_heard, 440) > 0.95);
	CU_ASSERT_EQUAL(yct_tone_share(a.heard, 0, a.n_heard, 440), 0);
	CU_ASSERT_EQUAL(a.foreign_pt + b.foreign_pt, 0);
	CU_ASSERT_EQUAL(a.ssrc_changes + b.ssrc_changes + a.seq_gaps + b.seq_gaps + a.ts_wrong + b.ts_wrong, 0);
	CU_ASSERT(yct_rms(a.heard, 0, a.n_heard) > 5200 && yct_rms(a.heard, 0, a.n_heard) < 6100);   /* 8000 / sqrt 2: the level is kept */
	media_conv_free(m, conv);
	CU_ASSERT(until(NULL, 0, 2000, MEDIA_LEG_GONE, 0, 2));
	yct_rtp_close(&a);
	yct_rtp_close(&b);
}

static void each_side_hears_the_tone_of_the_other(void)
{
	two_talk(8, 8);
	two_talk(0, 0);
}

static void a_law_and_mu_law_legs_understand_each_other(void)
{
	two_talk(8, 0);
}

static void prompt_then_music_then_bridge_is_one_stream_for_the_listener(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, b, *both[] = { &a, &b };
	media_leg la = join(conv, &a, 8, 101, 440), lb;
	struct media_play p = { .tag = 77, .n = 2, .names = { "welcome", "raw" } };
	size_t from;

	YCT_OK(media_play(m, la, &p, yct_err()));
	media_music(m, la, "hold");
	CU_ASSERT(until((struct yct_rtp *[]){ &a }, 1, 4000, MEDIA_PLAY_DONE, la, 1));
	CU_ASSERT_EQUAL(last(MEDIA_PLAY_DONE)->tag, 77);
	from = onset(&a, 0);
	CU_ASSERT(a.n_heard - from >= 5600);     /* 800 ms were played when the end was told; the last packets may be under way */
	hear((struct yct_rtp *[]){ &a }, 1, 1, 35);
	CU_ASSERT(yct_tone_share(a.heard, from, from + 3200, PROMPT_HZ) > 0.95);
	CU_ASSERT(yct_tone_share(a.heard, from + 3200, from + 6400, RAW_HZ) > 0.8);
	CU_ASSERT(yct_tone_share(a.heard, from + 6400, a.n_heard, MUSIC_HZ) > 0.9);
	lb = join(conv, &b, 0, 101, 1000);
	media_bridge(m, la, lb);
	CU_ASSERT(until(both, 2, 3000, MEDIA_FIRST_RTP, lb, 1));
	hear(both, 2, 1, 5);
	from = a.n_heard;
	hear(both, 2, 1, 30);
	CU_ASSERT(yct_tone_share(a.heard, from, a.n_heard, 1000) > 0.95);
	media_unbridge(m, la);
	hear(both, 2, 2, 15);
	CU_ASSERT_EQUAL(a.ssrc_changes + a.seq_gaps + a.ts_wrong, 0);
	CU_ASSERT_EQUAL(count(MEDIA_PLAY_DONE, 0), 1);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
	yct_rtp_close(&b);
}

static void a_waiting_leg_always_hears_something_even_without_music(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 8, 101, 440);

	hear(one, 1, 1, 15);
	CU_ASSERT(yct_rms(a.heard, 0, a.n_heard) > 1 && yct_rms(a.heard, 0, a.n_heard) < 60);
	media_music(m, la, "");                  /* no file "music": the generated one */
	yct_rtp_forget(&a);
	hear(one, 1, 1, 30);
	CU_ASSERT(yct_rms(a.heard, 0, a.n_heard) > 200);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
}

static void a_bridged_listener_gets_comfort_noise_while_the_other_is_silent(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, b, *both[] = { &a, &b };
	media_leg la = join(conv, &a, 8, 101, 440), lb = join(conv, &b, 8, 101, 1000);

	media_bridge(m, la, lb);
	hear(both, 2, 2, 10);
	b.muted = 1;
	talk(both, 2, 200);
	yct_rtp_forget(&a);
	hear(both, 2, 1, 15);
	CU_ASSERT(yct_rms(a.heard, 0, a.n_heard) < 60);
	b.muted = 0;
	hear(both, 2, 1, 10);
	yct_rtp_forget(&a);
	hear(both, 2, 1, 15);
	CU_ASSERT(yct_tone_share(a.heard, 0, a.n_heard, 1000) > 0.95);
	CU_ASSERT_EQUAL(a.ssrc_changes + a.ts_wrong, 0);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
	yct_rtp_close(&b);
}

/* --- digits --- */
static void an_rfc_4733_digit_is_reported_once_whatever_is_lost(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 8, 101, 440);

	media_dtmf_listen(m, la, 1, 1);
	hear(one, 1, 1, 3);                      /* a command waits for the next tick */
	yct_rtp_press(&a, '5', 4, 3, 0);
	CU_ASSERT(until(one, 1, 2000, MEDIA_DTMF, la, 1));
	yct_rtp_press(&a, '5', 4, 3, 0x70);      /* the same key again, all end packets lost */
	CU_ASSERT(until(one, 1, 2000, MEDIA_DTMF, la, 2));
	yct_rtp_press(&a, '#', 4, 3, 0x0f);      /* only its end packets arrive */
	CU_ASSERT(until(one, 1, 2000, MEDIA_DTMF, la, 3));
	yct_rtp_press(&a, '5', 1, 1, 0);
	CU_ASSERT(until(one, 1, 2000, MEDIA_DTMF, la, 4));
	talk(one, 1, 200);
	CU_ASSERT_EQUAL(count(MEDIA_DTMF, la), 4);
	CU_ASSERT_EQUAL(last(MEDIA_DTMF)->digit, '5');
	CU_ASSERT_EQUAL(last(MEDIA_DTMF)->via, MEDIA_VIA_RFC4733);
	media_dtmf_listen(m, la, 0, 0);
	talk(one, 1, 100);
	yct_rtp_press(&a, '9', 4, 3, 0);
	talk(one, 1, 200);
	CU_ASSERT_EQUAL(count(MEDIA_DTMF, la), 4);   /* nobody listens */
	media_conv_free(m, conv);
	yct_rtp_close(&a);
}

static void in_band_digits_are_heard_only_while_listening_and_once_each(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 0, 0, 0);
	char digits[16] = "";
	int n = 0;

	media_dtmf_listen(m, la, 1, 1);
	snprintf(a.digits, sizeof(a.digits), "1590#");
	CU_ASSERT(until(one, 1, 4000, MEDIA_DTMF, la, 5));
	talk(one, 1, 200);
	for (int i = 0; i < n_got; i++) {
		if (got[i].type == MEDIA_DTMF) {
			digits[n++] = got[i].digit;
			CU_ASSERT_EQUAL(got[i].via, MEDIA_VIA_INBAND);
		}
	}
	YCT_STR(digits, "1590#");
	media_dtmf_listen(m, la, 0, 0);
	talk(one, 1, 100);
	a.digit_at = 0;
	talk(one, 1, 1200);
	CU_ASSERT_EQUAL(count(MEDIA_DTMF, la), 5);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
}

static void a_digit_cuts_a_prompt_that_may_be_cut(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 8, 101, 440);
	struct media_play p = { .tag = 1, .n = 1, .names = { "long" }, .barge = 1 };

	media_dtmf_listen(m, la, 1, 0);
	YCT_OK(media_play(m, la, &p, yct_err()));
	talk(one, 1, 300);
	yct_rtp_press(&a, '2', 4, 3, 0);
	CU_ASSERT(until(one, 1, 2000, MEDIA_DTMF, la, 1));
	talk(one, 1, 100);
	yct_rtp_forget(&a);
	hear(one, 1, 1, 15);
	CU_ASSERT_EQUAL(yct_tone_share(a.heard, 0, a.n_heard, PROMPT_HZ), 0);
	p.barge = 0;
	YCT_OK(media_play(m, la, &p, yct_err()));
	talk(one, 1, 100);
	yct_rtp_press(&a, '3', 4, 3, 0);
	CU_ASSERT(until(one, 1, 2000, MEDIA_DTMF, la, 2));
	yct_rtp_forget(&a);
	hear(one, 1, 1, 15);
	CU_ASSERT(yct_tone_share(a.heard, 0, a.n_heard, PROMPT_HZ) > 0.95);
	media_stop_play(m, la);
	talk(one, 1, 100);
	CU_ASSERT_EQUAL(count(MEDIA_PLAY_DONE, 0), 0);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
}

static void telephone_events_pass_through_a_bridge_with_their_type_mapped(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, b, *both[] = { &a, &b };
	media_leg la = join(conv, &a, 8, 101, 440), lb = join(conv, &b, 0, 96, 1000);

	media_bridge(m, la, lb);
	hear(both, 2, 2, 10);
	yct_rtp_press(&a, '7', 5, 3, 0);
	hear(both, 2, 2, 15);
	CU_ASSERT_EQUAL(b.events, 8);
	CU_ASSERT_EQUAL(b.event_ends, 3);
	CU_ASSERT_EQUAL(b.last_event, 7);
	CU_ASSERT_EQUAL(b.last_event_pt, 96);
	CU_ASSERT_EQUAL(b.ssrc_changes + b.seq_gaps + b.ts_wrong, 0);
	CU_ASSERT_EQUAL(count(MEDIA_DTMF, 0), 0);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
	yct_rtp_close(&b);
}

/* --- whom a leg believes --- */
static void short_times(struct media_conf *c)
{
	c->rtp_timeout_ms = 1200;
	c->relatch_ms = 600;
}

static void silence_is_told_once_and_not_while_on_hold(void)
{
	media_conv conv;
	struct yct_rtp a, *one[] = { &a };
	struct media_remote r;
	media_leg la;

	strike();
	open_with(short_times);
	conv = media_conv_new(m);
	la = join(conv, &a, 8, 101, 440);
	talk(one, 1, 1700);
	CU_ASSERT_EQUAL(count(MEDIA_RTP_TIMEOUT, la), 0);
	a.muted = 1;
	CU_ASSERT(until(one, 1, 3000, MEDIA_RTP_TIMEOUT, la, 1));
	talk(one, 1, 1700);
	CU_ASSERT_EQUAL(count(MEDIA_RTP_TIMEOUT, la), 1);
	a.muted = 0;
	CU_ASSERT(until(one, 1, 2000, MEDIA_RTP_BACK, la, 1));
	r = remote_of(&a);
	r.send = r.receive = 0;
	media_leg_remote(m, la, &r);
	talk(one, 1, 100);
	a.muted = 1;
	yct_rtp_forget(&a);
	talk(one, 1, 1700);
	CU_ASSERT_EQUAL(count(MEDIA_RTP_TIMEOUT, la), 1);
	CU_ASSERT_EQUAL(a.packets, 0);           /* on hold it is sent nothing */
	r.send = r.receive = 1;
	media_leg_remote(m, la, &r);
	CU_ASSERT(until(one, 1, 3000, MEDIA_RTP_TIMEOUT, la, 2));
	CU_ASSERT(a.packets > 20 && a.ssrc_changes == 0);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
}

static void a_peer_behind_nat_is_answered_where_it_sends_from(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp claimed, real, intruder;
	struct media_leg_conf c = { .rtp_timeout_ms = -1 };
	media_leg leg;
	int port;

	yct_rtp_open(&claimed, "127.0.0.1", 8, 101, 0);
	yct_rtp_open(&real, "127.0.0.9", 8, 101, 440);
	yct_rtp_open(&intruder, "127.0.0.10", 8, 101, 900);
	c.remote = remote_of(&claimed);
	YCT_OK(media_leg_add(m, conv, &c, &leg, &port, yct_err()));
	yct_rtp_to(&real, "127.0.0.1", port);
	yct_rtp_to(&intruder, "127.0.0.1", port);
	CU_ASSERT(until((struct yct_rtp *[]){ &real }, 1, 2000, MEDIA_FIRST_RTP, leg, 1));
	hear((struct yct_rtp *[]){ &real, &intruder }, 2, 1, 15);
	CU_ASSERT_EQUAL(intruder.packets, 0);
	media_leg_remove(m, leg);
	CU_ASSERT(until(NULL, 0, 2000, MEDIA_LEG_GONE, leg, 1));
	CU_ASSERT(last(MEDIA_LEG_GONE)->stats.rtp_in <= real.sent);
	media_conv_free(m, conv);
	yct_rtp_close(&claimed);
	yct_rtp_close(&real);
	yct_rtp_close(&intruder);
}

static void a_strict_leg_believes_only_the_address_of_the_sdp(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, other;
	struct media_leg_conf c = { .strict = 1, .rtp_timeout_ms = -1 };
	media_leg leg;
	int port;

	yct_rtp_open(&a, "127.0.0.1", 8, 101, 440);
	yct_rtp_open(&other, "127.0.0.9", 8, 101, 900);
	c.remote = remote_of(&a);
	YCT_OK(media_leg_add(m, conv, &c, &leg, &port, yct_err()));
	yct_rtp_to(&a, "127.0.0.1", port);
	yct_rtp_to(&other, "127.0.0.1", port);
	talk((struct yct_rtp *[]){ &other }, 1, 300);
	CU_ASSERT_EQUAL(count(MEDIA_FIRST_RTP, 0), 0);
	CU_ASSERT(until((struct yct_rtp *[]){ &a }, 1, 2000, MEDIA_FIRST_RTP, leg, 1));
	media_leg_remove(m, leg);
	CU_ASSERT(until(NULL, 0, 2000, MEDIA_LEG_GONE, leg, 1));
	CU_ASSERT(last(MEDIA_LEG_GONE)->stats.refused >= 10);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
	yct_rtp_close(&other);
}

static void a_peer_that_moved_is_followed_after_a_silence(void)
{
	media_conv conv;
	struct yct_rtp a, moved, *two[] = { &a, &moved };
	media_leg la;

	strike();
	open_with(short_times);
	conv = media_conv_new(m);
	la = join(conv, &a, 8, 101, 440);
	CU_ASSERT(until(two, 1, 2000, MEDIA_FIRST_RTP, la, 1));
	a.muted = 1;
	CU_ASSERT(until(two, 1, 3000, MEDIA_RTP_TIMEOUT, la, 1));   /* longer than relatch_ms */
	yct_rtp_open(&moved, "127.0.0.1", 8, 101, 440);
	yct_rtp_to(&moved, "127.0.0.1", a.to_port);
	moved.ssrc = a.ssrc;
	CU_ASSERT(until(two, 2, 3000, MEDIA_RTP_BACK, la, 1));
	hear((struct yct_rtp *[]){ &moved, &a }, 2, 1, 10);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
	yct_rtp_close(&moved);
}

/* --- recording --- */
struct wav { int16_t *left, *right; size_t n; int format; };

static struct wav read_recording(const struct media_event *ev)
{
	struct wav w = { 0 };
	struct stat st;
	FILE *f = fopen(ev->path, "rb");
	uint8_t *b;
	char hex[65];

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fstat(fileno(f), &st);
	CU_ASSERT_EQUAL(st.st_size, ev->bytes);
	b = calloc(1, (size_t)st.st_size + 1);
	CU_ASSERT_EQUAL(fread(b, 1, (size_t)st.st_size, f), (size_t)st.st_size);
	fclose(f);
	yc_sha256_hex(b, (size_t)st.st_size, hex);
	YCT_STR(hex, ev->sha256);
	CU_ASSERT(!memcmp(b, "RIFF", 4) && !memcmp(b + 8, "WAVEfmt ", 8) && !memcmp(b + 50, "data", 4));
	CU_ASSERT_EQUAL(b[22], 2);               /* stereo */
	w.format = b[20];
	w.n = ((size_t)b[54] | (size_t)b[55] << 8 | (size_t)b[56] << 16) / 2;
	CU_ASSERT_EQUAL(w.n * 2 + 58, (size_t)st.st_size);
	CU_ASSERT_EQUAL((size_t)(b[4] | b[5] << 8 | b[6] << 16) + 8, (size_t)st.st_size);
	w.left = calloc(w.n + 1, 2);
	w.right = calloc(w.n + 1, 2);
	for (size_t i = 0; i < w.n; i++) {
		w.left[i] = yct_g711(w.format == 6 ? 8 : 0, b[58 + 2 * i]);
		w.right[i] = yct_g711(w.format == 6 ? 8 : 0, b[58 + 2 * i + 1]);
	}
	free(b);
	return w;
}

static void free_wav(struct wav *w)
{
	free(w->left);
	free(w->right);
}

static const char *rec_path(const char *name)
{
	static char path[300];

	snprintf(path, sizeof(path), "%s/%s", yct_dir(), name);
	return path;
}

static void a_recording_holds_the_caller_left_and_the_agent_right(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, b, *both[] = { &a, &b };
	media_leg la = join(conv, &a, 8, 101, 440), lb = join(conv, &b, 0, 101, 1000);
	struct media_event *done;
	int64_t start;
	struct wav w;

	YCT_OK(media_record_start(m, conv, rec_path("both.wav"), la, lb, 4711, yct_err()));
	media_bridge(m, la, lb);
	start = yc_mono();
	b.muted = 1;
	talk(both, 2, 1000);
	b.muted = 0;
	talk(both, 2, 5000);                     /* more than one chunk */
	start = yc_mono() - start;
	media_record_stop(m, conv);
	CU_ASSERT(until(NULL, 0, 5000, MEDIA_RECORD_DONE, 0, 1));
	done = last(MEDIA_RECORD_DONE);
	CU_ASSERT_EQUAL(done->tag, 4711);
	CU_ASSERT_EQUAL(done->conv, conv);
	CU_ASSERT(llabs(done->duration_ms - start) <= 150);
	w = read_recording(done);
	CU_ASSERT_EQUAL(w.format, 6);
	CU_ASSERT(yct_tone_share(w.left, 400, w.n - 800, 440) > 0.95);
	CU_ASSERT_EQUAL(yct_tone_share(w.left, 0, w.n, 1000), 0);
	CU_ASSERT(yct_rms(w.right, 0, 7600) < 20);           /* the silent second, filled */
	CU_ASSERT(yct_tone_share(w.right, 8800, w.n - 800, 1000) > 0.95);
	free_wav(&w);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
	yct_rtp_close(&b);
}

static void paused_time_is_cut_out_of_the_recording(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 0, 101, 440);
	int64_t start, kept;
	struct wav w;

	YCT_OK(media_record_start(m, conv, rec_path("paused.wav"), la, 0, 1, yct_err()));
	CU_ASSERT_EQUAL(media_record_start(m, conv, rec_path("second.wav"), la, 0, 1, yct_err()), YC_CONFLICT);
	start = yc_mono();
	talk(one, 1, 500);
	media_record_pause(m, conv, 1);
	kept = yc_mono() - start;
	a.hz = 900;                              /* the card number nobody may keep */
	talk(one, 1, 800);
	a.hz = 440;
	talk(one, 1, 100);
	media_record_pause(m, conv, 0);
	start = yc_mono();
	talk(one, 1, 500);
	kept += yc_mono() - start;
	media_conv_free(m, conv);                /* ends it too */
	CU_ASSERT(until(NULL, 0, 5000, MEDIA_RECORD_DONE, 0, 1));
	w = read_recording(last(MEDIA_RECORD_DONE));
	CU_ASSERT_EQUAL(w.format, 7);            /* a mu-law caller: copied as it came */
	CU_ASSERT(llabs((int64_t)w.n / 8 - kept) <= 150);
	CU_ASSERT_EQUAL(yct_tone_share(w.left, 0, w.n, 900), 0);
	CU_ASSERT(yct_tone_share(w.left, 400, w.n - 800, 440) > 0.9);
	free_wav(&w);
	yct_rtp_close(&a);
}

static void lost_packets_leave_silence_and_no_shift(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 8, 101, 440);
	struct wav w;

	a.lose_every = 5;
	YCT_OK(media_record_start(m, conv, rec_path("lossy.wav"), la, 0, 1, yct_err()));
	talk(one, 1, 2000);
	media_record_stop(m, conv);
	media_leg_remove(m, la);
	CU_ASSERT(until(NULL, 0, 5000, MEDIA_RECORD_DONE, 0, 1));
	CU_ASSERT(until(NULL, 0, 5000, MEDIA_LEG_GONE, la, 1));
	CU_ASSERT(llabs(last(MEDIA_LEG_GONE)->stats.lost - a.sent / 5) <= 1);
	w = read_recording(last(MEDIA_RECORD_DONE));
	CU_ASSERT(w.n >= 15500);
	/* four of five packets sound: 0.89 of the full effective value */
	CU_ASSERT(yct_rms(w.left, 800, w.n - 800) > 4500 && yct_rms(w.left, 800, w.n - 800) < 5300);
	free_wav(&w);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
}

static void a_recording_that_cannot_be_created_does_not_touch_the_call(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, b, *both[] = { &a, &b };
	media_leg la = join(conv, &a, 8, 101, 440), lb = join(conv, &b, 8, 101, 1000);

	media_bridge(m, la, lb);
	YCT_OK(media_record_start(m, conv, rec_path("no/such/folder.wav"), la, lb, 5, yct_err()));
	hear(both, 2, 2, 10);
	yct_rtp_forget(&a);
	hear(both, 2, 2, 25);
	CU_ASSERT(yct_tone_share(a.heard, 0, a.n_heard, 1000) > 0.9);
	media_record_stop(m, conv);
	CU_ASSERT(until(NULL, 0, 3000, MEDIA_RECORD_FAILED, 0, 1));
	CU_ASSERT_EQUAL(last(MEDIA_RECORD_FAILED)->tag, 5);
	CU_ASSERT_EQUAL(last(MEDIA_RECORD_FAILED)->bytes, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(last(MEDIA_RECORD_FAILED)->detail, "cannot be created"));
	media_conv_free(m, conv);
	yct_rtp_close(&a);
	yct_rtp_close(&b);
}

static void a_full_disk_ends_the_recording_and_keeps_what_was_written(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 8, 101, 440);
	struct rlimit old, small;
	struct wav w;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 100000;                 /* the second chunk does not fit */
	setrlimit(RLIMIT_FSIZE, &small);
	YCT_OK(media_record_start(m, conv, rec_path("full.wav"), la, 0, 6, yct_err()));
	CU_ASSERT(until(one, 1, 15000, MEDIA_RECORD_FAILED, 0, 1));   /* by itself, while the call goes on */
	setrlimit(RLIMIT_FSIZE, &old);
	w = read_recording(last(MEDIA_RECORD_FAILED));
	CU_ASSERT_EQUAL(w.n, 32768);
	CU_ASSERT(yct_tone_share(w.left, 400, w.n, 440) > 0.97);
	free_wav(&w);
	hear(one, 1, 1, 10);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
}

/* --- prompts --- */
static void an_unknown_prompt_is_named_and_a_reload_brings_new_ones(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 8, 101, 440);
	struct media_play p = { .n = 1, .names = { "later" } };
	struct yc_err e;

	CU_ASSERT_EQUAL(media_play(m, la, &p, &e), YC_NOT_FOUND);
	YCT_STR(e.field, "prompt");
	CU_ASSERT(strstr(e.msg, "later") != NULL);
	CU_ASSERT_EQUAL(media_prompt_ms(m, "welcome"), 400);
	put_wav("later.wav", 1300, 300);
	media_prompts_reload(m);
	CU_ASSERT(until(one, 1, 3000, MEDIA_PROMPTS_LOADED, 0, 1));
	CU_ASSERT(media_has_prompt(m, "later"));
	yct_rtp_forget(&a);
	YCT_OK(media_play(m, la, &p, yct_err()));
	CU_ASSERT(until(one, 1, 3000, MEDIA_PLAY_DONE, la, 1));
	CU_ASSERT(yct_tone_share(a.heard, 0, a.n_heard, 1300) > 0.6);
	media_conv_free(m, conv);
	yct_rtp_close(&a);
}

/* --- ids, bounds, order --- */
static void stale_ids_are_ignored_and_ports_come_back(void)
{
	media_conv conv = media_conv_new(m), other = media_conv_new(m);
	struct yct_rtp a, b;
	struct media_counters c;
	struct media_play p = { .n = 1, .names = { "welcome" } };
	media_leg la = join(conv, &a, 8, 101, 440), lb = join(other, &b, 8, 101, 440), none;
	struct media_leg_conf lc = { .rtp_timeout_ms = -1 };
	int port;

	media_counters(m, &c);
	CU_ASSERT_EQUAL(c.legs, 2);
	CU_ASSERT_EQUAL(c.ports_free, 198);
	media_bridge(m, la, lb);                 /* of different conversations: refused */
	media_conv_free(m, conv);
	media_conv_free(m, conv);
	media_leg_remove(m, la);
	YCT_OK(media_play(m, la, &p, yct_err()));
	media_music(m, la, "hold");
	CU_ASSERT_EQUAL(media_leg_add(m, conv, &lc, &none, &port, yct_err()), YC_NOT_FOUND);
	CU_ASSERT_EQUAL(media_record_start(m, conv, rec_path("x.wav"), la, 0, 0, yct_err()), YC_NOT_FOUND);
	CU_ASSERT(until(NULL, 0, 2000, MEDIA_LEG_GONE, la, 1));
	media_conv_free(m, other);
	CU_ASSERT(until(NULL, 0, 2000, MEDIA_LEG_GONE, lb, 1));
	media_counters(m, &c);
	CU_ASSERT_EQUAL(c.legs, 0);
	CU_ASSERT_EQUAL(c.ports_free, 200);
	snprintf(lc.bind_ip, sizeof(lc.bind_ip), "203.0.113.77");
	other = media_conv_new(m);
	CU_ASSERT_EQUAL(media_leg_add(m, other, &lc, &none, &port, yct_err()), YC_INVALID);
	media_conv_free(m, other);
	yct_rtp_close(&a);
	yct_rtp_close(&b);
}

static void when_all_ports_are_taken_the_next_leg_is_refused(void)
{
	media_conv conv = media_conv_new(m);
	struct media_leg_conf lc = { .rtp_timeout_ms = -1 };
	media_leg leg, first = 0;
	enum yc_code c = YC_OK;
	int n = 0, port;

	while (n < 500 && (c = media_leg_add(m, conv, &lc, &leg, &port, yct_err())) == YC_OK)
		first = n++ ? first : leg;
	CU_ASSERT_EQUAL(c, YC_EXHAUSTED);
	CU_ASSERT(n > 100 && n <= 200);          /* another program may hold some of them */
	media_leg_remove(m, first);
	CU_ASSERT(until(NULL, 0, 2000, MEDIA_LEG_GONE, first, 1));
	YCT_OK(media_leg_add(m, conv, &lc, &leg, &port, yct_err()));
	media_conv_free(m, conv);
	CU_ASSERT(until(NULL, 0, 3000, MEDIA_LEG_GONE, 0, n + 1));
}

static void a_burst_of_commands_beyond_the_ring_is_executed_in_order(void)
{
	media_conv conv = media_conv_new(m);
	struct yct_rtp a, *one[] = { &a };
	media_leg la = join(conv, &a, 8, 101, 440);
	struct media_play p = { .tag = 99999, .n = 1, .names = { "welcome" } };
	struct media_counters c;

	for (int i = 0; i < 50000; i++)          /* a detector is made for each: the worker is slower than we are */
		media_dtmf_listen(m, la, 1, 1);
	YCT_OK(media_play(m, la, &p, yct_err()));
	media_counters(m, &c);
	CU_ASSERT(c.commands_delayed > 0);
	CU_ASSERT(until(one, 1, 8000, MEDIA_PLAY_DONE, la, 1));
	CU_ASSERT_EQUAL(last(MEDIA_PLAY_DONE)->tag, 99999);
	media_conv_free(m, conv);
	CU_ASSERT(until(NULL, 0, 3000, MEDIA_LEG_GONE, la, 1));
	yct_rtp_close(&a);
}

/* Many conversations come and go on two workers while their peers talk: for the sanitizers. */
static void conversations_come_and_go_without_a_leak(void)
{
	enum { N = 12, ROUNDS = 30 };
	struct yct_rtp p[N * 2], *all[N * 2];
	media_conv conv[N];
	media_leg leg[N * 2];
	struct media_counters c;
	int gone = 0;

	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < N; i++) {
			char name[64];

			conv[i] = media_conv_new(m);
			for (int k = 0; k < 2; k++) {
				leg[2 * i + k] = join(conv[i], &p[2 * i + k], k ? 0 : 8, 101, 300 + 100 * i);
				all[2 * i + k] = &p[2 * i + k];
			}
			media_music(m, leg[2 * i], "hold");
			media_dtmf_listen(m, leg[2 * i], 1, 1);
			snprintf(name, sizeof(name), "churn-%d-%d.wav", r, i);
			YCT_OK(media_record_start(m, conv[i], rec_path(name), leg[2 * i], leg[2 * i + 1], i, yct_err()));
		}
		talk(all, N * 2, 40);
		for (int i = 0; i < N; i++)
			media_bridge(m, leg[2 * i], leg[2 * i + 1]);
		talk(all, N * 2, 60);
		for (int i = 0; i < N; i++) {
			if (i % 3 == 0)
				media_leg_remove(m, leg[2 * i + 1]);
			if (i % 4 == 0)
				media_record_stop(m, conv[i]);
			media_conv_free(m, conv[i]);
		}
		for (int i = 0; i < N * 2; i++)
			yct_rtp_close(&p[i]);
		gone += N;
		CU_ASSERT_FATAL(until(NULL, 0, 20000, MEDIA_RECORD_DONE, 0, gone));
	}
	CU_ASSERT(until(NULL, 0, 5000, MEDIA_LEG_GONE, 0, 2 * gone));
	media_counters(m, &c);
	CU_ASSERT_EQUAL(c.legs + c.recordings + c.events_dropped, 0);
	CU_ASSERT_EQUAL(c.chunks_in_use, 0);
}

YCT_MAIN_WITH("media", stage, strike, T(each_side_hears_the_tone_of_the_other), T(a_law_and_mu_law_legs_understand_each_other),
	T(prompt_then_music_then_bridge_is_one_stream_for_the_listener), T(a_waiting_leg_always_hears_something_even_without_music),
	T(a_bridged_listener_gets_comfort_noise_while_the_other_is_silent), T(an_rfc_4733_digit_is_reported_once_whatever_is_lost),
	T(in_band_digits_are_heard_only_while_listening_and_once_each), T(a_digit_cuts_a_prompt_that_may_be_cut),
	T(telephone_events_pass_through_a_bridge_with_their_type_mapped), T(silence_is_told_once_and_not_while_on_hold),
	T(a_peer_behind_nat_is_answered_where_it_sends_from), T(a_strict_leg_believes_only_the_address_of_the_sdp),
	T(a_peer_that_moved_is_followed_after_a_silence), T(a_recording_holds_the_caller_left_and_the_agent_right),
	T(paused_time_is_cut_out_of_the_recording), T(lost_packets_leave_silence_and_no_shift),
	T(a_recording_that_cannot_be_created_does_not_touch_the_call), T(a_full_disk_ends_the_recording_and_keeps_what_was_written),
	T(an_unknown_prompt_is_named_and_a_reload_brings_new_ones), T(stale_ids_are_ignored_and_ports_come_back),
	T(when_all_ports_are_taken_the_next_leg_is_refused), T(a_burst_of_commands_beyond_the_ring_is_executed_in_order),
	T(conversations_come_and_go_without_a_leak))
