#include "yc/phone.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "yc/text.h"

enum { DIGITS_MAX = 24, INPUT_MAX = 256 };

/* What the writing was reduced to. sep: bit i = something stood between digit i-1 and digit i. */
struct number { char d[DIGITS_MAX + 1]; int n, plus; uint32_t sep; };

/* --- reading ------------------------------------------------------------------------------------------------------------------------ */

/* What people, address books and copied web pages put between digits; full-width forms come from Chinese input methods. */
static const char *const separators[] = {
	" ", "\t", "-", ".", "(", ")", "/", "_", "[", "]",
	"\xc2\xa0", "\xe3\x80\x80",                                             /* no-break and ideographic space */
	"\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x92", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\x95", "\xe2\x88\x92",  /* dashes, minus */
	"\xef\xbc\x8d", "\xef\xbc\x8e", "\xef\xbc\x8f", "\xef\xbc\x88", "\xef\xbc\x89",                          /* full-width - . / ( ) */
	"\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x80\x8e", "\xe2\x80\x8f",                          /* zero-width, direction */
	"\xe2\x80\xaa", "\xe2\x80\xab", "\xe2\x80\xac", "\xe2\x80\xad", "\xe2\x80\xae", "\xef\xbb\xbf",
};

/* What begins an internal extension after a number: it does not belong to the number. */
static const char *const tails[] = { "转", "轉", "分机", "ext", "x", ",", "，", "p", "w" };

static size_t match(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncasecmp(s, list[i], strlen(list[i])))
			return strlen(list[i]);
	return 0;
}
#define MATCH(s, list) match(s, list, sizeof(list) / sizeof((list)[0]))

/* A digit at s, ASCII or full-width (U+FF10..FF19): its value and length, or -1. */
static int digit_at(const char *s, size_t *len)
{
	*len = 1;
	if (*s >= '0' && *s <= '9')
		return *s - '0';
	if (!strncmp(s, "\xef\xbc", 2) && (unsigned char)s[2] >= 0x90 && (unsigned char)s[2] <= 0x99) {
		*len = 3;
		return (unsigned char)s[2] - 0x90;
	}
	return -1;
}

/* "+86 (0)871": a trunk zero in parentheses is not dialled from abroad. */
static size_t trunk_zero(const char *s)
{
	if (!strncmp(s, "(0)", 3))
		return 3;
	return !strncmp(s, "（0）", 7) ? 7 : !strncmp(s, "（０）", 9) ? 9 : 0;
}

/* Is s the rest "ext. 801" of a number? A word that merely begins so ("1001x-ray") is not. */
static int is_tail(const char *s)
{
	size_t len = MATCH(s, tails);

	if (!len)
		return 0;
	for (s += len; *s; s += len)
		if (digit_at(s, &len) < 0 && !(len = MATCH(s, separators)) && !(len = MATCH(s, tails)))
			return 0;
	return 1;
}

/* Reduces text to digits; 0 when it is no number (letters, "*72", too long). */
static int reduce(const char *s, struct number *x)
{
	size_t len;
	int v;

	memset(x, 0, sizeof(*x));
	for (; *s; s += len) {
		v = digit_at(s, &len);
		if (v >= 0) {
			if (x->n == DIGITS_MAX)
				return 0;
			x->d[x->n++] = (char)('0' + v);
		} else if (x->n == 0 && (*s == '+' || !strncmp(s, "＋", 3))) {
			x->plus = 1;
			len = *s == '+' ? 1 : 3;
		} else if (x->n > 0 && (x->plus || x->d[0] == '0') && (len = trunk_zero(s)) > 0) {
			x->sep |= 1u << x->n;
		} else if ((len = MATCH(s, separators)) > 0) {
			x->sep |= 1u << x->n;
		} else if (x->n > 0 && is_tail(s)) {
			break;
		} else {
			return 0;
		}
	}
	return x->n > 0;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* "%2B86..." of a URI. */
static void unescape(char *s)
{
	char *w = s;

	for (; *s; s++)
		if (*s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0) {
			*w++ = (char)(hex(s[1]) * 16 + hex(s[2]));
			s += 2;
		} else {
			*w++ = *s;
		}
	*w = '\0';
}

/* The global number before which a local one of a tel URI stands (RFC 3966, 5.1.5), e.g. "+86871"; "" when there is none. */
static void phone_context(const char *params, char *out, size_t size)
{
	const char *p = params ? strcasestr(params, ";phone-context=+") : NULL;

	*out = '\0';
	if (!p)
		return;
	p += strlen(";phone-context=");
	yc_copy(out, size, p);
	out[strcspn(out, ";>@ ")] = '\0';
}

/* Takes the number out of what stands around it: display name and angle brackets, sip: sips: tel:, host, parameters. */
static void unwrap(const char *in, char *out, size_t size)
{
	char buf[INPUT_MAX], context[32] = "";
	const char *angle = strrchr(in, '<');
	char *s = buf, *p;
	int is_uri = 1;

	*out = '\0';
	yc_copy(buf, sizeof(buf), angle ? angle + 1 : in);
	s += strspn(s, " \t");
	if (!strncasecmp(s, "sip", 3) && (s[3] == ':' || !strncasecmp(s + 3, "s:", 2))) {
		if (!strchr(s, '@'))
			return;                 /* no user part; a host's address is no number */
		s = strchr(s, ':') + 1;
	} else if (!strncasecmp(s, "tel:", 4)) {
		s += 4;
	} else {
		is_uri = angle != NULL || strchr(s, '@') != NULL;
	}
	if (is_uri) {
		phone_context(strchr(s, ';'), context, sizeof(context));
		p = strpbrk(s, "@:;?>");
		if (p)
			*p = '\0';
		unescape(s);
		if (*s == '+')
			*context = '\0';
	}
	snprintf(out, size, "%s%s", context, s);
}

/* --- numbering plan of China -------------------------------------------------------------------------------------------------------- */

static int is_mobile(const char *d, int n)
{
	return n == 11 && d[0] == '1' && d[1] >= '3';
}

/* Length of the area code (without its 0) at d, or 0: 10, 2x, and three digits from 3xx to 9xx; 400 and 800 are services. */
static int area_len(const char *d)
{
	if (!strncmp(d, "10", 2) || (d[0] == '2' && d[1]))
		return 2;
	if (d[0] < '3' || !d[1] || !d[2] || !strncmp(d, "400", 3) || !strncmp(d, "800", 3))
		return 0;
	return 3;
}

static int is_local(const char *d, int n)
{
	return (n == 7 || n == 8) && d[0] >= '2' && d[0] <= '8';
}

static int is_fixed(const char *d, int n)
{
	int a = area_len(d);

	return a && n > a && is_local(d + a, n - a) && (a == 3 || n - a == 8);
}

/* Numbers that are dialled as they are: leading digits and how many digits there may be in all. */
static int is_service(const char *d, int n)
{
	static const struct { const char *lead; int min, max; } plan[] = {
		{ "11", 3, 3 }, { "12", 3, 3 },         /* 110, 119, 120, 122 */
		{ "100", 5, 8 }, { "101", 8, 8 },       /* carriers; 1010xxxx */
		{ "106", 11, 20 },                      /* senders of short messages */
		{ "11", 5, 6 },                         /* 11185, 116114 */
		{ "12", 5, 8 },                         /* 12315, 12345 */
		{ "179", 5, 5 }, { "95", 5, 8 }, { "96", 5, 8 }, { "400", 10, 10 }, { "800", 10, 10 },
	};

	for (size_t i = 0; i < sizeof(plan) / sizeof(plan[0]); i++)
		if (n >= plan[i].min && n <= plan[i].max && !strncmp(d, plan[i].lead, strlen(plan[i].lead)))
			return 1;
	return 0;
}

/* "0871-63181234-801": an extension set off where a fixed number is complete is cut. Returns the digits that count. */
static int without_extension(const struct number *x, int from)
{
	for (int n = x->n - 1; n >= x->n - 6 && n > from; n--)
		if ((x->sep >> n & 1) && is_fixed(x->d + from, n - from))
			return n;
	return x->n;
}

static enum yc_phone_kind give(enum yc_phone_kind kind, char *out, const char *prefix, const char *d, int n)
{
	snprintf(out, YC_PHONE_LEN, "%s%.*s", prefix, n, d);
	return kind;
}

/* trunk: a country code or a trunk zero stood before d. */
static enum yc_phone_kind national(const char *d, int n, int trunk, char *out)
{
	int a = trunk ? area_len(d) : 0;

	if (is_mobile(d, n))
		return give(YC_PHONE_MOBILE, out, "+86", d, n);
	if (is_fixed(d, n))
		return give(YC_PHONE_FIXED, out, "+86", d, n);
	if (is_service(d, n))
		return give(YC_PHONE_SERVICE, out, "", d, n);
	/* Another city's service number, 0871-12315: the area belongs to it. */
	if (a && n - a <= 6 && is_service(d + a, n - a))
		return give(YC_PHONE_SERVICE, out, "0", d, n);
	return YC_PHONE_NONE;
}

/* Where the part after a way of writing the country code begins: 0 when there is none. "86" alone counts only before a whole number. */
static int after_country(const struct number *x)
{
	static const char *const ways[] = { "0086", "086", "86" };

	if (x->plus)
		return strncmp(x->d, "86", 2) ? 0 : 2;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int k = (int)strlen(ways[i]);

		if (strncmp(x->d, ways[i], (size_t)k))
			continue;
		if (k == 4)
			return k;
		k += x->d[k] == '0';
		if (is_mobile(x->d + k, x->n - k) || is_fixed(x->d + k, without_extension(x, k) - k))
			return k;
	}
	return 0;
}

/* Prefixes of cheap long-distance carriers before a number, 17951-138...: not part of it. */
static int carrier_prefix(const struct number *x)
{
	static const char *const codes[] = { "17951", "17911", "17909", "17901", "12593", "10193", "11808" };

	if (x->plus || x->n < 15)
		return 0;
	return (int)MATCH(x->d, codes);
}

static enum yc_phone_kind abroad(const struct number *x, int from, char *out)
{
	int n = x->n - from;

	if (n < 7 || n > 15 || x->d[from] == '0')
		return YC_PHONE_NONE;
	return give(YC_PHONE_FOREIGN, out, "+", x->d + from, n);
}

static enum yc_phone_kind local(const struct number *x, const char *area, char *out)
{
	char prefix[16] = "";

	if (is_local(x->d, x->n)) {
		if (!yc_is_empty(area))
			snprintf(prefix, sizeof(prefix), "+86%.6s", area + (*area == '0'));
		return give(YC_PHONE_FIXED, out, prefix, x->d, x->n);
	}
	if (x->n >= 2 && x->n <= 6)
		return give(YC_PHONE_EXTENSION, out, "", x->d, x->n);
	return YC_PHONE_NONE;
}

enum yc_phone_kind yc_phone_normalize(const char *in, const char *area, char *out)
{
	enum yc_phone_kind kind;
	char text[INPUT_MAX + 32];
	struct number x;
	int from;

	*out = '\0';
	if (yc_is_empty(in))
		return YC_PHONE_NONE;
	unwrap(in, text, sizeof(text));
	if (!reduce(text, &x))
		return YC_PHONE_NONE;
	from = after_country(&x);
	if (!from && (x.plus || !strncmp(x.d, "00", 2)))
		return abroad(&x, x.plus ? 0 : 2, out);
	if (!from)
		from = carrier_prefix(&x);
	if (from || x.d[0] == '0') {
		from += x.d[from] == '0';
		kind = national(x.d + from, without_extension(&x, from) - from, 1, out);
		if (kind != YC_PHONE_NONE || x.plus || x.n > 6)
			return kind;
	}
	kind = national(x.d, without_extension(&x, 0), 0, out);
	return kind != YC_PHONE_NONE ? kind : local(&x, area, out);
}

char *yc_phone_mask(const char *e164, char *out)
{
	const char *s = e164 ? e164 : "";
	int n = (int)strlen(s), a;

	*out = '\0';
	if (!strncmp(s, "+86", 3) && is_mobile(s + 3, n - 3)) {
		snprintf(out, YC_PHONE_LEN, "%.3s****%s", s + 3, s + n - 4);
	} else if (!strncmp(s, "+86", 3) && is_fixed(s + 3, n - 3)) {
		a = area_len(s + 3);
		snprintf(out, YC_PHONE_LEN, "0%.*s****%s", a, s + 3, s + n - 4);
	} else if (n <= 6 || is_service(s, n)) {
		yc_copy(out, YC_PHONE_LEN, s);          /* names nobody */
	} else if (n < 10) {
		snprintf(out, YC_PHONE_LEN, "****%s", s + n - 2);
	} else {
		snprintf(out, YC_PHONE_LEN, "%.4s****%s", s, s + n - 4);
	}
	return out;
}
