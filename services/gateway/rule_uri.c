/* Header values. */
#include "rule_uri.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static char *cut(char *out, size_t n, const char *from, size_t len)
{
	if (len >= n)
		len = n - 1;
	memcpy(out, from, len);
	out[len] = 0;
	return out;
}

/* Past a quoted string that may begin here. */
static const char *past_quotes(const char *v)
{
	if (*v != '"')
		return v;
	for (v++; *v && *v != '"'; v++)
		if (*v == '\\' && v[1])
			v++;
	return *v ? v + 1 : v;
}

char *uri_in(const char *value, char *out, size_t n)
{
	const char *v = value ? value : "", *a;

	v += strspn(v, " \t");
	v = past_quotes(v);
	a = strchr(v, '<');
	if (a)
		return cut(out, n, a + 1, strcspn(a + 1, ">"));
	v += strspn(v, " \t");
	return cut(out, n, v, strcspn(v, " \t;,"));
}

char *uri_display(const char *value, char *out, size_t n)
{
	const char *v = value ? value : "";
	size_t used = 0, len;

	v += strspn(v, " \t");
	if (*v == '"') {
		for (v++; *v && *v != '"' && used + 1 < n; v++) {
			if (*v == '\\' && v[1])
				v++;
			out[used++] = *v;
		}
		out[used] = 0;
		return out;
	}
	len = strcspn(v, "<");
	if (!v[len])
		len = 0;        /* no <...>: what stands here is a URI */
	while (len && (v[len - 1] == ' ' || v[len - 1] == '\t'))
		len--;
	return cut(out, n, v, len);
}

char *uri_quote(const char *display, char *out, size_t n)
{
	size_t used = 0;

	for (const char *p = display ? display : ""; *p && used + 3 < n; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			continue;
		if (*p == '"' || *p == '\\')
			out[used++] = '\\';
		out[used++] = *p;
	}
	out[used] = 0;
	return out;
}

char *uri_user(const char *user, char *out, size_t n)
{
	size_t used = 0;

	for (const char *p = user ? user : ""; *p && used + 1 < n; p++)
		if (isalnum((unsigned char)*p) || strchr("-_.!~*'()&=+$,?/", *p))
			out[used++] = *p;
	out[used] = 0;
	return out;
}

char uri_info_digit(const char *body, size_t n)
{
	const char *end = body + n, *p = body;

	if (!body)
		return 0;
	for (; p < end; p++)
		if (end - p > 7 && !strncasecmp(p, "signal", 6)) {
			for (p += 6; p < end && (*p == ' ' || *p == '='); p++)
				;
			break;
		}
	if (p == end)
		p = body;
	return p < end && *p && strchr("0123456789*#ABCD", *p) ? *p : 0;
}

int uri_list_has(const char *list, const char *token)
{
	size_t len = strlen(token);

	for (const char *p = list; p && *p;) {
		size_t w;
		p += strspn(p, " \t,");
		w = strcspn(p, " \t,;");
		if (w == len && !strncasecmp(p, token, len))
			return 1;
		p += strcspn(p, ",");
	}
	return 0;
}
