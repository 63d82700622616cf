/* Choosing an instance, and the list of keys. */
#include <stdio.h>
#include <string.h>

#include "bus/broker.h"
#include "yc/text.h"
#include "yct.h"

static void name(struct candidate *c, int nr)
{
	char s[32];

	snprintf(s, sizeof s, "yn.ticket.%d", nr);
	*c = (struct candidate){ yc_hash64(s, strlen(s)), 0 };
}

static void keys_spread_evenly_and_only_those_of_a_lost_instance_move(void)
{
	struct candidate c[5], less[4];
	int of[5] = { 0 }, moved = 0;

	for (int i = 0; i < 5; i++)
		name(&c[i], i + 1);
	memcpy(less, c, sizeof less);            /* the fifth has gone */
	for (int k = 0; k < 10000; k++) {
		char key[32];
		int n = snprintf(key, sizeof key, "mat_%d", k), a, b;

		a = rule_route_sharded(c, 5, key, (size_t)n);
		b = rule_route_sharded(less, 4, key, (size_t)n);
		of[a]++;
		if (a == 4)
			moved++;
		else
			CU_ASSERT_EQUAL(a, b);
	}
	for (int i = 0; i < 5; i++)
		CU_ASSERT(of[i] > 1800 && of[i] < 2200);
	CU_ASSERT_EQUAL(moved, of[4]);
}

static void the_order_of_arrival_does_not_matter(void)
{
	struct candidate c[3], turned[3];

	for (int i = 0; i < 3; i++) {
		name(&c[i], i);
		turned[2 - i] = c[i];
	}
	for (int k = 0; k < 100; k++)
		CU_ASSERT_EQUAL(c[rule_route_sharded(c, 3, &k, sizeof k)].name_hash, turned[rule_route_sharded(turned, 3, &k, sizeof k)].name_hash);
}

static void least_outstanding_and_turns_among_equals(void)
{
	struct candidate c[3] = { { 1, 5 }, { 2, 1 }, { 3, 1 } };

	CU_ASSERT_EQUAL(rule_route_least(c, 3, 0), 1);
	CU_ASSERT_EQUAL(rule_route_least(c, 3, 2), 2);
	CU_ASSERT_EQUAL(rule_route_least(c, 0, 0), -1);
	CU_ASSERT_EQUAL(rule_route_sharded(c, 0, "x", 1), -1);
}

static void a_key_is_found_by_its_whole_line_only(void)
{
	static const char key[] = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", other[] = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
	char list[300], out[64] = "";

	snprintf(list, sizeof list, "# keys\n%s gateway\n\n  %s two words\nshort\n", key, other);
	CU_ASSERT_EQUAL(zap_find(list, key, out, sizeof out), 0);
	YCT_STR(out, "gateway");
	CU_ASSERT_EQUAL(zap_find(list, other, out, sizeof out), 0);
	YCT_STR(out, "two");
	CU_ASSERT_EQUAL(zap_find(list, "# keys", out, sizeof out), -1);
	CU_ASSERT_EQUAL(zap_find("", key, out, sizeof out), -1);
	snprintf(list, sizeof list, "#%s gateway\n", key);
	CU_ASSERT_EQUAL(zap_find(list, key, out, sizeof out), -1);
	snprintf(list, sizeof list, "%s\ngateway\n", key);
	CU_ASSERT_EQUAL(zap_find(list, key, out, sizeof out), -1);
	snprintf(list, sizeof list, "%s bad/name\n", key);
	CU_ASSERT_EQUAL(zap_find(list, key, out, sizeof out), -1);
}

YCT_MAIN("bus route", T(keys_spread_evenly_and_only_those_of_a_lost_instance_move), T(the_order_of_arrival_does_not_matter),
	 T(least_outstanding_and_turns_among_equals), T(a_key_is_found_by_its_whole_line_only))
