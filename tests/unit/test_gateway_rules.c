/* Small rules of the gateway: digest, trusted sources, arrival rate, header values, queues between threads, phones. */
#include "yct.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "gateway/msg.h"
#include "gateway/sip/phones.h"
#include "gateway/rule_digest.h"
#include "gateway/rule_trunk.h"
#include "gateway/rule_uri.h"
#include "yc/crypto.h"

/* --- digest --- */

/* RFC 7616 section 3.9.1; http-auth@example.org, Mufasa, Circle of Life, GET /dir/index.html */
static struct digest rfc = {
	.username = "Mufasa", .realm = "http-auth@example.org", .nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", .uri = "/dir/index.html",
	.qop = "auth", .nc = "00000001", .cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
};

static void the_examples_of_rfc_7616_are_accepted(void)
{
	static const char who[] = "Mufasa:http-auth@example.org:Circle of Life";
	char ha1[65];

	yc_md5_hex(who, strlen(who), ha1);
	rfc.response = "8ca523f5e9506fed4657c9700eebdbec";
	CU_ASSERT(digest_ok(&rfc, "GET", ha1, DIGEST_MD5));
	CU_ASSERT(!digest_ok(&rfc, "PUT", ha1, DIGEST_MD5));
	yc_sha256_hex(who, strlen(who), ha1);
	rfc.response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
	CU_ASSERT(digest_ok(&rfc, "GET", ha1, DIGEST_SHA256));
	rfc.response = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c2";
	CU_ASSERT(!digest_ok(&rfc, "GET", ha1, DIGEST_SHA256));
}

static void a_response_with_parts_missing_is_refused(void)
{
	struct digest d = { .qop = "auth", .response = "8ca523f5e9506fed4657c9700eebdbec" };

	CU_ASSERT(!digest_ok(&d, "GET", "939e7578ed9e3c518a452acee763bce9", DIGEST_MD5));
	d = rfc;
	d.response = "8ca523f5e9506fed4657c9700eebdbec";
	d.cnonce = NULL;
	CU_ASSERT(!digest_ok(&d, "GET", "939e7578ed9e3c518a452acee763bce9", DIGEST_MD5));
	CU_ASSERT(!digest_ok(&rfc, "GET", "", DIGEST_MD5));
	CU_ASSERT_EQUAL(digest_algorithm("sha-256"), DIGEST_SHA256);
	CU_ASSERT_EQUAL(digest_algorithm(NULL), DIGEST_MD5);
	CU_ASSERT_EQUAL(digest_algorithm("MD5-sess"), DIGEST_UNKNOWN);
}

static void a_nonce_is_good_for_its_source_and_time_only(void)
{
	uint8_t key[32] = { 1, 2, 3 }, other[32] = { 9 };
	char nonce[DIGEST_NONCE], bent[DIGEST_NONCE];

	digest_nonce(nonce, key, 1000000, 42, "10.0.0.1");
	CU_ASSERT_EQUAL(digest_nonce_check(nonce, key, 1000000, 60000, "10.0.0.1"), DIGEST_NONCE_GOOD);
	CU_ASSERT_EQUAL(digest_nonce_check(nonce, key, 1060000, 60000, "10.0.0.1"), DIGEST_NONCE_GOOD);
	CU_ASSERT_EQUAL(digest_nonce_check(nonce, key, 1060001, 60000, "10.0.0.1"), DIGEST_NONCE_OLD);
	CU_ASSERT_EQUAL(digest_nonce_check(nonce, key, 900000, 60000, "10.0.0.1"), DIGEST_NONCE_OLD);
	CU_ASSERT_EQUAL(digest_nonce_check(nonce, key, 1000000, 60000, "10.0.0.2"), DIGEST_NONCE_FOREIGN);
	CU_ASSERT_EQUAL(digest_nonce_check(nonce, other, 1000000, 60000, "10.0.0.1"), DIGEST_NONCE_FOREIGN);
	CU_ASSERT_EQUAL(digest_nonce_check("", key, 1000000, 60000, "10.0.0.1"), DIGEST_NONCE_FOREIGN);
	CU_ASSERT_EQUAL(digest_nonce_check(NULL, key, 1000000, 60000, "10.0.0.1"), DIGEST_NONCE_FOREIGN);
	snprintf(bent, sizeof bent, "%s", nonce);
	bent[5] = bent[5] == 'f' ? '0' : 'f';    /* a younger time */
	CU_ASSERT_EQUAL(digest_nonce_check(bent, key, 1000000, 60000, "10.0.0.1"), DIGEST_NONCE_FOREIGN);
	CU_ASSERT_EQUAL(digest_nc("0000000f"), 15);
	CU_ASSERT_EQUAL(digest_nc("zz"), 0);
	CU_ASSERT_EQUAL(digest_nc(NULL), 0);
}

/* --- trunks --- */

static int in_net(const char *net, const char *ip)
{
	struct trunk_net n;

	YCT_OK(trunk_net_parse(&n, net, yct_err()));
	return trunk_net_has(&n, ip);
}

static void networks_hold_what_is_in_them(void)
{
	struct trunk_net n;

	CU_ASSERT(in_net("127.0.0.4", "127.0.0.4"));
	CU_ASSERT(!in_net("127.0.0.4", "127.0.0.5"));
	CU_ASSERT(in_net("10.1.2.0/23", "10.1.3.255"));
	CU_ASSERT(!in_net("10.1.2.0/23", "10.1.4.0"));
	CU_ASSERT(in_net("0.0.0.0/0", "8.8.8.8"));
	CU_ASSERT(!in_net("0.0.0.0/0", "2001:db8::1"));
	CU_ASSERT(in_net("2001:db8::/33", "2001:db8:7fff::1"));
	CU_ASSERT(!in_net("2001:db8::/33", "2001:db8:8000::1"));
	CU_ASSERT(!in_net("10.0.0.0/8", "not an address"));
	CU_ASSERT_EQUAL(trunk_net_parse(&n, "10.0.0.0/33", yct_err()), YC_INVALID);
	CU_ASSERT_EQUAL(trunk_net_parse(&n, "10.0.0.0/x", yct_err()), YC_INVALID);
	CU_ASSERT_EQUAL(trunk_net_parse(&n, "example.org", yct_err()), YC_INVALID);
}

static void no_more_calls_than_the_rate_are_let_in(void)
{
	struct trunk_bucket b = { .rate = 10 };
	int in = 0;

	for (int64_t t = 5000; t < 15000; t++)   /* 1000 a second try for ten seconds */
		in += trunk_bucket_take(&b, t);
	CU_ASSERT(in >= 100 && in <= 111);       /* 10 a second, and the first burst */
	b = (struct trunk_bucket){ .rate = 0 };
	CU_ASSERT(trunk_bucket_take(&b, 1) && trunk_bucket_take(&b, 1));
}

static void strikes_block_for_the_window_only(void)
{
	struct trunk_strikes s = { 0, 0 };

	for (int i = 0; i < 3; i++)
		trunk_strikes_add(&s, 100000 + i, 60000);
	CU_ASSERT(trunk_strikes_blocked(&s, 100010, 60000, 3));
	CU_ASSERT(!trunk_strikes_blocked(&s, 100010, 60000, 4));
	CU_ASSERT(!trunk_strikes_blocked(&s, 160001, 60000, 3));
	CU_ASSERT_EQUAL(trunk_strikes_add(&s, 170000, 60000), 1);
}

/* --- header values --- */

static void uris_and_names_are_found_in_header_values(void)
{
	char out[128];

	YCT_STR(uri_in("\"Li, \\\"x\\\" <y>\" <sip:+86138@h;user=phone>;tag=1, <tel:1>", out, sizeof out), "sip:+86138@h;user=phone");
	YCT_STR(uri_in("<tel:+86-871-6318>;reason=unconditional", out, sizeof out), "tel:+86-871-6318");
	YCT_STR(uri_in("  sip:a@b;x=y", out, sizeof out), "sip:a@b");
	YCT_STR(uri_in("", out, sizeof out), "");
	YCT_STR(uri_in(NULL, out, sizeof out), "");
	YCT_STR(uri_in("\"never closed", out, sizeof out), "");
	YCT_STR(uri_in("<sip:longer-than-the-room>", out, 8), "sip:lon");
	YCT_STR(uri_display("\"张 \\\"三\\\"\" <sip:x>", out, sizeof out), "张 \"三\"");
	YCT_STR(uri_display("Li Mei <sip:x>", out, sizeof out), "Li Mei");
	YCT_STR(uri_display("sip:x@y", out, sizeof out), "");
}

static void what_we_write_cannot_break_out_of_its_quotes(void)
{
	char out[64];

	YCT_STR(uri_quote("a\"b\\c\r\nX-Evil: 1", out, sizeof out), "a\\\"b\\\\cX-Evil: 1");
	YCT_STR(uri_user("138 8888@evil>;x", out, sizeof out), "1388888evilx");
	YCT_STR(uri_quote("12345678", out, 6), "123");
}

static void digits_of_info_bodies_are_read(void)
{
	static const char relay[] = "Signal=5\r\nDuration=160\r\n", odd[] = "signal = *\r\n", plain[] = "7", none[] = "Hello";

	CU_ASSERT_EQUAL(uri_info_digit(relay, strlen(relay)), '5');
	CU_ASSERT_EQUAL(uri_info_digit(odd, strlen(odd)), '*');
	CU_ASSERT_EQUAL(uri_info_digit(plain, strlen(plain)), '7');
	CU_ASSERT_EQUAL(uri_info_digit(none, strlen(none)), 0);
	CU_ASSERT_EQUAL(uri_info_digit(NULL, 0), 0);
	CU_ASSERT_EQUAL(uri_info_digit("Signal=", 7), 0);
	CU_ASSERT(uri_list_has("hold, Talk;x", "talk"));
	CU_ASSERT(!uri_list_has("talkative", "talk"));
}

/* --- queue between threads --- */

static void *feeder(void *arg)
{
	struct gw_queue *q = arg;

	for (int i = 0; i < 200000; ) {
		struct gw_msg *m = gw_msg_new(GW_UP_GAP, "", 8);
		m->at = i;
		if (gw_queue_push(q, &m))
			i++;
		else
			gw_msg_free(&m);
	}
	return NULL;
}

static void messages_arrive_in_order_and_none_is_lost_or_doubled(void)
{
	struct gw_queue *q = gw_queue_new(64);
	struct gw_msg *m;
	pthread_t t;
	int64_t next = 0;

	CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, feeder, q), 0);
	while (next < 200000) {
		m = gw_queue_pop(q);
		if (!m)
			continue;
		if (m->at != next)
			CU_FAIL_FATAL("out of order");
		next++;
		gw_msg_free(&m);
	}
	pthread_join(t, NULL);
	CU_ASSERT_PTR_NULL(gw_queue_pop(q));
	gw_queue_free(&q);
}

static void a_full_queue_refuses_and_strings_are_cut_at_a_character(void)
{
	struct gw_queue *q = gw_queue_new(2);
	struct gw_msg *m = gw_msg_new(GW_UP_GAP, "x", 8), *n = gw_msg_new(GW_UP_GAP, "y", 0), *o = gw_msg_new(GW_UP_GAP, "z", 0);

	YCT_STR(gw_text(m, "张三丰"), "张三");   /* 8 bytes with NUL: two characters of three bytes */
	YCT_STR(gw_text(m, "more"), "");
	CU_ASSERT(gw_queue_push(q, &m) && gw_queue_push(q, &n));
	CU_ASSERT(!gw_queue_push(q, &o));
	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	gw_msg_free(&o);
	gw_queue_free(&q);
}

/* --- phones --- */

static int told, last_registered;
static char last_reason[32];
static void on_told(void *arg, const struct phone_change *c)
{
	told++;
	last_registered = c->registered;
	snprintf(last_reason, sizeof last_reason, "%s", c->reason);
}

static void a_registration_expires_and_a_deleted_extension_loses_its_phone(void)
{
	struct phones *p = phones_new(on_told, NULL);
	struct phone_binding b = { "sip:1001@10.0.0.9", "", "10.0.0.9:5060", "x", 61000 };
	struct phone *ph;

	told = 0;
	phones_put(p, "1001", "a", "b", "", 0);
	ph = phones_find(p, "1001");
	CU_ASSERT_PTR_NOT_NULL_FATAL(ph);
	CU_ASSERT_PTR_NULL(phone_target(ph, 1000));
	phones_registered(p, ph, &b, 1000);
	YCT_STR(last_reason, "registered");
	YCT_STR(phone_target(ph, 60999), "sip:1001@10.0.0.9");
	CU_ASSERT_PTR_NULL(phone_target(ph, 61000));
	phones_registered(p, ph, &b, 2000);
	YCT_STR(last_reason, "refreshed");
	CU_ASSERT_EQUAL(phones_expire(p, 60000), 1);
	CU_ASSERT_EQUAL(phones_expire(p, 61000), 0);
	YCT_STR(last_reason, "expired");
	CU_ASSERT_EQUAL(last_registered, 0);
	phones_registered(p, ph, &b, 2000);
	phones_put(p, "1001", "", "", "", 1);
	YCT_STR(last_reason, "deleted");
	CU_ASSERT_EQUAL(ph->known, 0);
	phones_restore(p, "1002", "sip:y", "", "", 50000, 1000);
	phones_restore(p, "1002", "sip:older", "", "", 40000, 1000);
	YCT_STR(phone_target(phones_find(p, "1002"), 1000), "sip:y");
	CU_ASSERT_EQUAL(told, 5);
	phones_put(p, "2001", "", "", "sip:agent1@127.0.0.3:5070", 0);
	YCT_STR(phone_target(phones_find(p, "2001"), 1000), "sip:agent1@127.0.0.3:5070");
	phones_free(&p);
}

YCT_MAIN("gateway rules",
	T(the_examples_of_rfc_7616_are_accepted),
	T(a_response_with_parts_missing_is_refused),
	T(a_nonce_is_good_for_its_source_and_time_only),
	T(networks_hold_what_is_in_them),
	T(no_more_calls_than_the_rate_are_let_in),
	T(strikes_block_for_the_window_only),
	T(uris_and_names_are_found_in_header_values),
	T(what_we_write_cannot_break_out_of_its_quotes),
	T(digits_of_info_bodies_are_read),
	T(messages_arrive_in_order_and_none_is_lost_or_doubled),
	T(a_full_queue_refuses_and_strings_are_cut_at_a_character),
	T(a_registration_expires_and_a_deleted_extension_loses_its_phone))
