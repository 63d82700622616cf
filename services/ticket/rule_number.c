/* Order numbers: SITE-YYYYMMDD-NNNNNN-C.
 * C is a Damm digit (H. M. Damm, 2004: a totally anti-symmetric quasigroup of order 10). It finds every single wrong digit and every
 * pair of neighbours swapped, and being a digit it can be typed on a telephone, which a base 36 check character (ISO 7064 mod 37,36)
 * cannot. Letters of the site count as two digits (A = 10 ... Z = 35), as in an IBAN. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ticket.h"

static const unsigned char damm[10][10] = {
	{ 0, 3, 1, 7, 5, 9, 8, 6, 4, 2 }, { 7, 0, 9, 2, 1, 5, 4, 8, 6, 3 }, { 4, 2, 0, 6, 8, 7, 1, 3, 5, 9 },
	{ 1, 7, 5, 0, 9, 8, 3, 4, 2, 6 }, { 6, 1, 2, 3, 0, 4, 5, 9, 7, 8 }, { 3, 6, 7, 4, 2, 0, 9, 5, 8, 1 },
	{ 5, 8, 6, 9, 7, 2, 0, 1, 3, 4 }, { 8, 9, 4, 5, 3, 6, 2, 0, 1, 7 }, { 9, 4, 3, 8, 6, 1, 7, 2, 0, 5 },
	{ 2, 5, 8, 1, 4, 3, 6, 7, 9, 0 },
};

int ticket_check_digit(const char *text)
{
	int c = 0;

	for (; *text; text++) {
		unsigned char ch = (unsigned char)*text;

		if (isdigit(ch)) {
			c = damm[c][ch - '0'];
		} else if (isalpha(ch)) {
			int v = toupper(ch) - 'A' + 10;

			c = damm[damm[c][v / 10]][v % 10];
		}
	}
	return c;
}

char *ticket_number_write(char out[TICKET_NUMBER_LEN], const char *site, int32_t day, int64_t n)
{
	char head[TICKET_NUMBER_LEN - 4];

	snprintf(head, sizeof(head), "%.8s-%08d-%06lld", site, day, (long long)n);
	snprintf(out, TICKET_NUMBER_LEN, "%s-%d", head, ticket_check_digit(head));
	return out;
}

enum yc_code ticket_site_code(const char *site, char out[12], struct yc_err *e)
{
	size_t n = strlen(site);

	if (n < 1 || n > 8 || !isalpha((unsigned char)site[0]))
		return yc_fail(e, YC_INVALID, "site", "a site code has 1 to 8 letters or digits and begins with a letter");
	for (size_t i = 0; i <= n; i++) {
		if (i < n && !isalnum((unsigned char)site[i]))
			return yc_fail(e, YC_INVALID, "site", "a site code has only letters and digits: \"%s\"", site);
		out[i] = (char)toupper((unsigned char)site[i]);
	}
	return YC_OK;
}

/* Letters and digits of text in upper case; -1 when something else than hyphens and spaces is in it, or it is too long. */
static int squeeze(const char *text, char out[TICKET_NUMBER_LEN])
{
	int n = 0;

	for (; *text; text++) {
		if (*text == '-' || *text == ' ')
			continue;
		if (!isalnum((unsigned char)*text) || n >= TICKET_NUMBER_LEN - 1)
			return -1;
		out[n++] = (char)toupper((unsigned char)*text);
	}
	out[n] = 0;
	return n;
}

static int is_date(const char *d)
{
	int y = (d[0] - '0') * 1000 + (d[1] - '0') * 100 + (d[2] - '0') * 10 + d[3] - '0';
	int m = (d[4] - '0') * 10 + d[5] - '0', day = (d[6] - '0') * 10 + d[7] - '0';

	return y >= 2000 && y < 3000 && m >= 1 && m <= 12 && day >= 1 && day <= 31;
}

/* How many characters of the squeezed text are the site: what stands before the first hyphen, else the letters in front. */
static int site_length(const char *text, const char *s)
{
	int n = 0;

	for (; isspace((unsigned char)*text); text++)
		;
	if (!isalpha((unsigned char)s[0]))
		return 0;
	if (strchr(text, '-')) {
		for (; *text != '-'; text++)
			n += isalnum((unsigned char)*text) ? 1 : 0;
		return n;
	}
	while (isalpha((unsigned char)s[n]))
		n++;
	return n;
}

static int all_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

enum ticket_number ticket_number_read(const char *text, const char *site, char out[TICKET_NUMBER_LEN], const char **why)
{
	char s[TICKET_NUMBER_LEN], head[TICKET_NUMBER_LEN];
	int n = squeeze(text, s), k, digits;

	*why = "";
	if (n < 10)
		return TICKET_NUMBER_NO;
	k = site_length(text, s);
	digits = n - k;
	if (k > 8 || !all_digits(s + k) || (k == 0 && (digits < 15 || !is_date(s))) || digits < 9)
		return TICKET_NUMBER_NO;
	*why = "an order number has a date of 8 digits, at least 6 digits and a check digit";
	if (digits < 15 || digits > 19)
		return TICKET_NUMBER_BAD;
	*why = "it has no valid date";
	if (!is_date(s + k))
		return TICKET_NUMBER_BAD;
	snprintf(head, sizeof(head), "%.*s-%.8s-%.*s", k ? k : 8, k ? s : site, s + k, digits - 9, s + k + 8);
	*why = "its check digit does not fit, so a digit is wrong or two are swapped";
	if (ticket_check_digit(head) != s[n - 1] - '0')
		return TICKET_NUMBER_BAD;
	*why = "";
	if (snprintf(out, TICKET_NUMBER_LEN, "%s-%c", head, s[n - 1]) >= TICKET_NUMBER_LEN)
		return TICKET_NUMBER_NO;
	return TICKET_NUMBER_OK;
}
