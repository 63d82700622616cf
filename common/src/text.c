#include "yc/text.h"

#include <string.h>

/* Length of the well-formed character at s (n bytes left), or 0. The table of RFC 3629, section 4. */
static size_t utf8_char(const unsigned char *s, size_t n)
{
	unsigned char c = s[0], lo = 0x80, hi = 0xbf;
	size_t len;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (c == 0xe0)
		lo = 0xa0;      /* overlong */
	else if (c == 0xed)
		hi = 0x9f;      /* surrogates */
	else if (c == 0xf0)
		lo = 0x90;      /* overlong */
	else if (c == 0xf4)
		hi = 0x8f;      /* above U+10FFFF */
	if (n < len || s[1] < lo || s[1] > hi)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t yc_utf8_check(const char *s, size_t n, int *ok)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0, len;
	uint64_t w;

	while (i < n) {
		if (n - i >= 8) {       /* most text on the wire is ASCII: eight bytes at a time */
			memcpy(&w, p + i, 8);
			if (!(w & 0x8080808080808080ull)) {
				i += 8;
				continue;
			}
		}
		len = utf8_char(p + i, n - i);
		if (!len) {
			*ok = 0;
			return i;
		}
		i += len;
	}
	*ok = 1;
	return n;
}

int yc_utf8_ok(const char *s)
{
	int ok = 1;

	if (s)
		yc_utf8_check(s, strlen(s), &ok);
	return ok;
}

size_t yc_utf8_len(const char *s)
{
	size_t n = 0;

	for (; s && *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

void yc_utf8_cut(char *s, size_t max)
{
	size_t n = 0;

	for (; s && *s; s++)
		if ((*s & 0xc0) != 0x80 && n++ == max) {
			*s = '\0';
			return;
		}
}

char *yc_copy(char *dst, size_t size, const char *src)
{
	size_t n;

	if (size == 0)
		return dst;
	if (!src)
		src = "";
	n = strnlen(src, size);
	if (n == size) {
		n--;
		/* src[n] is the first byte that does not fit: step back while it continues a character. */
		for (int back = 0; back < 3 && n > 0 && (src[n] & 0xc0) == 0x80; back++)
			n--;
	}
	memmove(dst, src, n);
	dst[n] = '\0';
	return dst;
}

int yc_streq(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

uint64_t yc_hash64(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < n; i++)
		h = (h ^ s[i]) * 0x100000001b3ull;
	/* FNV's high bits are weak for short inputs; the finisher of MurmurHash3 spreads them. */
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdull;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53ull;
	return h ^ h >> 33;
}
