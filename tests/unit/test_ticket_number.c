/* Order numbers: written, read back in every way a person types them, and refused when mistyped. */
#include <stdio.h>
#include <string.h>

#include "ticket/ticket.h"
#include "yct.h"

static const char *why;
static char full[TICKET_NUMBER_LEN];

static void the_check_digit_is_damms(void)
{
	CU_ASSERT_EQUAL(ticket_check_digit("572"), 4);          /* the example of the thesis */
	CU_ASSERT_EQUAL(ticket_check_digit("5724"), 0);
	CU_ASSERT_EQUAL(ticket_check_digit("A"), ticket_check_digit("10"));
	CU_ASSERT_EQUAL(ticket_check_digit("yn-1"), ticket_check_digit("YN1"));
}

static void a_number_names_site_day_and_counter(void)
{
	ticket_number_write(full, "YN", 20261122, 42);
	CU_ASSERT_EQUAL(strncmp(full, "YN-20261122-000042-", 19), 0);
	CU_ASSERT_EQUAL(strlen(full), 20);
	ticket_number_write(full, "KM2", 20261122, 1234567);    /* a very busy day only makes it longer */
	CU_ASSERT_EQUAL(strncmp(full, "KM2-20261122-1234567-", 21), 0);
	CU_ASSERT_EQUAL(ticket_number_read(full, "YN", full, &why), TICKET_NUMBER_OK);
}

static void it_is_read_in_any_spelling(void)
{
	char n[TICKET_NUMBER_LEN], typed[64];

	ticket_number_write(n, "YN", 20261122, 42);
	snprintf(typed, sizeof(typed), "yn20261122000042%c", n[19]);
	CU_ASSERT_EQUAL(ticket_number_read(typed, "KM", full, &why), TICKET_NUMBER_OK);
	YCT_STR(full, n);
	snprintf(typed, sizeof(typed), " yn - 20261122 000042 - %c ", n[19]);
	CU_ASSERT_EQUAL(ticket_number_read(typed, "KM", full, &why), TICKET_NUMBER_OK);
	YCT_STR(full, n);
	snprintf(typed, sizeof(typed), "20261122000042%c", n[19]);      /* on a telephone's keys: his own site */
	CU_ASSERT_EQUAL(ticket_number_read(typed, "YN", full, &why), TICKET_NUMBER_OK);
	YCT_STR(full, n);
}

static void every_wrong_digit_is_found(void)
{
	char n[TICKET_NUMBER_LEN];
	int tried = 0;

	ticket_number_write(n, "YN", 20261122, 905173);
	for (size_t i = 3; i < strlen(n); i++)
		for (char d = '0'; d <= '9'; d++) {
			char was = n[i];

			if (was == '-' || was == d)
				continue;
			n[i] = d;
			CU_ASSERT_EQUAL(ticket_number_read(n, "YN", full, &why), TICKET_NUMBER_BAD);
			n[i] = was;
			tried++;
		}
	CU_ASSERT_EQUAL(tried, 15 * 9);
}

static void every_swap_of_neighbours_is_found(void)
{
	char n[TICKET_NUMBER_LEN];

	for (int k = 1; k < 3000; k += 7) {
		ticket_number_write(n, "YN", 20261122, k);
		for (size_t i = 3; n[i + 1]; i++) {
			size_t j = n[i + 1] == '-' ? i + 2 : i + 1;
			char a = n[i], b = n[j];

			if (a == '-' || a == b)
				continue;
			n[i] = b;
			n[j] = a;
			CU_ASSERT_NOT_EQUAL(ticket_number_read(n, "YN", full, &why), TICKET_NUMBER_OK);
			n[i] = a;
			n[j] = b;
		}
	}
}

static void another_sites_letters_do_not_fit(void)
{
	char n[TICKET_NUMBER_LEN];

	ticket_number_write(n, "YN", 20261122, 42);
	n[1] = 'M';
	CU_ASSERT_EQUAL(ticket_number_read(n, "YN", full, &why), TICKET_NUMBER_BAD);
	CU_ASSERT_NOT_EQUAL(strlen(why), 0);
}

static void a_telephone_number_or_words_are_no_order_number(void)
{
	static const char *const other[] = { "", "13888881234", "+86 871 63181234", "008613888881234", "邮件未妥投", "EMS 快递", "mat_01J", "123456789012345678" };

	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		CU_ASSERT_EQUAL(ticket_number_read(other[i], "YN", full, &why), TICKET_NUMBER_NO);
}

static void a_wrong_shape_says_what_is_wrong(void)
{
	CU_ASSERT_EQUAL(ticket_number_read("YN-20261322-000042-1", "YN", full, &why), TICKET_NUMBER_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "date"));
	CU_ASSERT_EQUAL(ticket_number_read("YN-20261122-0042-1", "YN", full, &why), TICKET_NUMBER_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "6 digits"));
}

static void a_site_code_is_short_and_plain(void)
{
	struct yc_err e = { 0 };
	char out[12];

	CU_ASSERT_EQUAL(ticket_site_code("yn", out, &e), YC_OK);
	YCT_STR(out, "YN");
	CU_ASSERT_EQUAL(ticket_site_code("km2", out, &e), YC_OK);
	CU_ASSERT_EQUAL(ticket_site_code("", out, &e), YC_INVALID);
	CU_ASSERT_EQUAL(ticket_site_code("2km", out, &e), YC_INVALID);
	CU_ASSERT_EQUAL(ticket_site_code("km-delivery", out, &e), YC_INVALID);
	CU_ASSERT_EQUAL(ticket_site_code("km_1", out, &e), YC_INVALID);
	YCT_STR(e.field, "site");
}

YCT_MAIN("ticket_number", T(the_check_digit_is_damms), T(a_number_names_site_day_and_counter), T(it_is_read_in_any_spelling),
	 T(every_wrong_digit_is_found), T(every_swap_of_neighbours_is_found), T(another_sites_letters_do_not_fit),
	 T(a_telephone_number_or_words_are_no_order_number), T(a_wrong_shape_says_what_is_wrong), T(a_site_code_is_short_and_plain))
