/* SDP: reading what phones and carriers send, choosing, and writing answers they accept. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/rule_sdp.h"
#include "yct.h"

static const char linphone[] =
	"v=0\r\no=alice 2890844526 2890844527 IN IP4 10.0.0.5\r\ns=Talk\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n"
	"m=audio 7078 RTP/AVP 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n"
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:30\r\n"
	"m=video 9078 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\na=inactive\r\n";

static struct sdp parsed(const char *text)
{
	struct sdp s;

	YCT_OK(sdp_parse(&s, text, strlen(text), yct_err()));
	return s;
}

static struct sdp_choice chosen(const char *text)
{
	struct sdp s = parsed(text);
	struct sdp_choice c;

	YCT_OK(sdp_choose(&c, &s, &SDP_PREFS_DEFAULT, yct_err()));
	return c;
}

static void an_offer_of_a_softphone_is_understood(void)
{
	struct sdp s = parsed(linphone);
	struct sdp_choice c = chosen(linphone);

	YCT_STR(s.origin, "alice");
	CU_ASSERT(s.id == 2890844526u && s.version == 2890844527u);
	CU_ASSERT_EQUAL(s.n_media, 2);
	CU_ASSERT_EQUAL(s.media[0].n_fmt, 4);
	YCT_STR(s.media[0].fmt[0].name, "OPUS");
	CU_ASSERT_EQUAL(s.media[0].fmt[0].rate, 48000);
	CU_ASSERT_EQUAL(s.media[1].dir, SDP_INACTIVE);
	CU_ASSERT_EQUAL(s.media[0].dir, SDP_SENDRECV);
	CU_ASSERT(c.index == 0 && c.codec == SDP_PCMU && c.pt == 0 && c.event_pt == 101 && c.port == 7078 && c.ptime == 30);
	YCT_STR(c.ip, "10.0.0.5");
	CU_ASSERT(!c.hold && c.peer_sends && c.peer_receives);
}

static void our_order_wins_when_asked_and_dynamic_types_are_followed(void)
{
	struct sdp_prefs ours = { { SDP_PCMA, SDP_PCMU }, 2, 1 }, only_u = { { SDP_PCMU }, 1, 0 };
	struct sdp s = parsed("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/AVP 0 118 97\n"
		"a=rtpmap:118 pcma/8000/1\na=rtpmap:97 telephone-event/8000\n");
	struct sdp_choice c;

	YCT_OK(sdp_choose(&c, &s, &ours, yct_err()));
	CU_ASSERT(c.codec == SDP_PCMA && c.pt == 118 && c.event_pt == 97);
	YCT_OK(sdp_choose(&c, &s, &only_u, yct_err()));
	CU_ASSERT(c.codec == SDP_PCMU && c.pt == 0);
}

static void refused(const char *text, const char *field)
{
	struct sdp s = parsed(text);
	struct sdp_choice c;
	struct yc_err e;

	CU_ASSERT_EQUAL(sdp_choose(&c, &s, &SDP_PREFS_DEFAULT, &e), YC_INVALID);
	YCT_STR(e.field, field);
}

static void what_cannot_be_talked_with_is_refused_by_name(void)
{
	refused("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/AVP 18 3\n", "sdp.codec");
	refused("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 0 RTP/AVP 0 8\n", "sdp.audio");
	refused("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/SAVP 0 8\n", "sdp.audio");
	refused("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=video 4000 RTP/AVP 97\n", "sdp.audio");
	refused("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0 8\n", "sdp.audio");
	refused("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 phone.example.cn\nt=0 0\nm=audio 4000 RTP/AVP 0\n", "sdp.audio");
	refused("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nt=0 0\n", "sdp.audio");
	refused("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/AVP 96\na=rtpmap:96 PCMU/16000\n", "sdp.codec");
}

static struct sdp_choice with(const char *ip, const char *direction)
{
	char text[300];

	snprintf(text, sizeof(text), "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\na=sendrecv\r\nm=audio 4000 RTP/AVP 8\r\na=%s\r\n", ip,
		direction);
	return chosen(text);
}

static void holding_is_seen_in_all_its_forms(void)
{
	struct sdp_choice c = with("1.2.3.4", "sendonly");

	CU_ASSERT(c.hold && c.peer_sends && !c.peer_receives);
	c = with("1.2.3.4", "inactive");
	CU_ASSERT(c.hold && !c.peer_sends && !c.peer_receives);
	c = with("1.2.3.4", "recvonly");
	CU_ASSERT(!c.hold && !c.peer_sends && c.peer_receives);
	c = with("0.0.0.0", "sendrecv");         /* RFC 2543 */
	CU_ASSERT(c.hold && !c.peer_receives);
	c = with("1.2.3.4", "sendrecv");
	CU_ASSERT(!c.hold && c.peer_sends && c.peer_receives);
	c = chosen("v=0\no=- 1 1 IN IP6 ::1\ns=-\nc=IN IP6 2001:db8::1\nt=0 0\na=sendonly\nm=audio 4000 RTP/AVP 8\n");
	CU_ASSERT(c.hold);                       /* the session's direction is the stream's */
	YCT_STR(c.ip, "2001:db8::1");
}

static void an_answer_mirrors_every_stream(void)
{
	struct sdp offer = parsed(linphone), back;
	struct sdp_choice c = chosen(linphone), again;
	struct sdp_local l;
	char text[SDP_OUT_MAX];
	size_t n;

	sdp_local_init(&l, "192.0.2.7", 20000, 1700000000000ull);
	n = sdp_write_answer(&l, &offer, &c, text, sizeof(text));
	CU_ASSERT_EQUAL(n, strlen(text));
	back = parsed(text);
	CU_ASSERT_EQUAL(back.n_media, 2);
	CU_ASSERT(back.media[0].port == 20000 && back.media[0].n_fmt == 2 && back.media[0].fmt[0].pt == 0 && back.media[0].fmt[1].pt == 101);
	CU_ASSERT_EQUAL(back.media[1].port, 0);
	YCT_STR(back.media[1].type, "video");
	YCT_STR(back.media[1].fmts, "97");
	YCT_OK(sdp_choose(&again, &back, &SDP_PREFS_DEFAULT, yct_err()));
	CU_ASSERT(again.codec == SDP_PCMU && again.event_pt == 101 && again.peer_sends && again.peer_receives);
	YCT_STR(again.ip, "192.0.2.7");
	CU_ASSERT_EQUAL(sdp_write_answer(&l, &offer, &c, text, n), 0);   /* one byte too few */
}

static void an_answer_to_hold_is_the_other_half(void)
{
	static const struct { const char *offered; enum sdp_direction answer, held; } rows[] = {
		{ "sendrecv", SDP_SENDRECV, SDP_SENDONLY }, { "sendonly", SDP_RECVONLY, SDP_INACTIVE },
		{ "recvonly", SDP_SENDONLY, SDP_SENDONLY }, { "inactive", SDP_INACTIVE, SDP_INACTIVE },
	};

	for (size_t i = 0; i < 4; i++) {
		struct sdp_local l;
		char text[SDP_OUT_MAX], offer_text[300];
		struct sdp offer, back;
		struct sdp_choice c;

		snprintf(offer_text, sizeof(offer_text), "v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/AVP 8\na=%s\n",
			rows[i].offered);
		offer = parsed(offer_text);
		c = chosen(offer_text);
		sdp_local_init(&l, "192.0.2.7", 20000, 1);
		CU_ASSERT(sdp_write_answer(&l, &offer, &c, text, sizeof(text)) > 0);
		back = parsed(text);
		CU_ASSERT_EQUAL(back.media[0].dir, rows[i].answer);
		l.hold = 1;
		CU_ASSERT(sdp_write_answer(&l, &offer, &c, text, sizeof(text)) > 0);
		back = parsed(text);
		CU_ASSERT_EQUAL(back.media[0].dir, rows[i].held);
	}
}

static void the_version_rises_only_when_the_text_changes(void)
{
	struct sdp_choice c = chosen(linphone);
	struct sdp_local l;
	char text[SDP_OUT_MAX];
	struct sdp s;

	sdp_local_init(&l, "192.0.2.7", 20000, 42);
	CU_ASSERT(sdp_write_offer(&l, &SDP_PREFS_DEFAULT, text, sizeof(text)) > 0);
	s = parsed(text);
	CU_ASSERT(s.id == 42 && s.version == 42);
	CU_ASSERT(s.media[0].n_fmt == 3 && s.media[0].fmt[0].pt == 8 && s.media[0].fmt[1].pt == 0 && s.media[0].fmt[2].pt == 101);
	CU_ASSERT(sdp_write_offer(&l, &SDP_PREFS_DEFAULT, text, sizeof(text)) > 0);
	CU_ASSERT_EQUAL(parsed(text).version, 42);
	CU_ASSERT(sdp_write_reoffer(&l, &c, text, sizeof(text)) > 0);
	CU_ASSERT_EQUAL(parsed(text).version, 43);
	CU_ASSERT(sdp_write_reoffer(&l, &c, text, sizeof(text)) > 0);   /* a session refresh */
	CU_ASSERT_EQUAL(parsed(text).version, 43);
	l.hold = 1;
	CU_ASSERT(sdp_write_reoffer(&l, &c, text, sizeof(text)) > 0);
	CU_ASSERT_EQUAL(parsed(text).version, 44);
	CU_ASSERT_EQUAL(parsed(text).media[0].dir, SDP_SENDONLY);
	CU_ASSERT_EQUAL(parsed(text).id, 42);
}

static void bad(const char *text, size_t n, enum yc_code code, const char *field)
{
	struct sdp s;
	struct yc_err e;

	CU_ASSERT_EQUAL(sdp_parse(&s, text, n, &e), code);
	YCT_STR(e.field, field);
}

static void garbage_is_refused_with_its_line(void)
{
	char *big = calloc(1, SDP_TEXT_MAX + 2);

	bad("", 0, YC_MALFORMED, "sdp");
	bad("\r\n\r\n", 4, YC_MALFORMED, "sdp");
	bad("hello", 5, YC_MALFORMED, "sdp.line.1");
	bad("v=1\n", 4, YC_MALFORMED, "sdp.line.1");
	bad("v=0\no=x\n", 8, YC_MALFORMED, "sdp.line.2");
	bad("v=0\no=- 1 1 IN IP4 1.2.3.4\ns=\0-\n", 33, YC_MALFORMED, "sdp.line.3");
	bad("v=0\nm=audio\n", 12, YC_MALFORMED, "sdp.line.2");
	bad("v=0\nm=audio 70000 RTP/AVP 0\n", 28, YC_MALFORMED, "sdp.line.2");
	bad("v=0\nm=audio -1 RTP/AVP 0\n", 25, YC_MALFORMED, "sdp.line.2");
	bad("v=0\nm=audio 4000 RTP/AVP 200\n", 29, YC_MALFORMED, "sdp.line.2");
	bad("v=0\nm=audio 4000 RTP/AVP \n", 26, YC_MALFORMED, "sdp.line.2");
	bad("v=0\nc=IN\n", 9, YC_MALFORMED, "sdp.line.2");
	memset(big, 'a', SDP_TEXT_MAX + 1);
	bad(big, SDP_TEXT_MAX + 1, YC_TOO_LARGE, "sdp");
	snprintf(big, SDP_TEXT_MAX, "v=0\n");
	for (int i = 0; i < SDP_MEDIA_MAX + 1; i++)
		memcpy(big + strlen(big), "m=audio 1 RTP/AVP 0\n", 21);
	bad(big, strlen(big), YC_TOO_LARGE, "sdp.media");
	free(big);
}

static void a_list_of_formats_beyond_the_bound_is_cut_not_overrun(void)
{
	char text[2000] = "v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nc=IN IP4 1.2.3.4\nt=0 0\nm=audio 4000 RTP/AVP 8";
	struct sdp s;

	for (int i = 20; i < 120; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %d", i);
	YCT_OK(sdp_parse(&s, text, strlen(text), yct_err()));
	CU_ASSERT_EQUAL(s.media[0].n_fmt, SDP_FMT_MAX);
	YCT_STR(s.media[0].fmts, "8");
}

YCT_MAIN("gateway_sdp", T(an_offer_of_a_softphone_is_understood), T(our_order_wins_when_asked_and_dynamic_types_are_followed),
	T(what_cannot_be_talked_with_is_refused_by_name), T(holding_is_seen_in_all_its_forms), T(an_answer_mirrors_every_stream),
	T(an_answer_to_hold_is_the_other_half), T(the_version_rises_only_when_the_text_changes), T(garbage_is_refused_with_its_line),
	T(a_list_of_formats_beyond_the_bound_is_cut_not_overrun))
