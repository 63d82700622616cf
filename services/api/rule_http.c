#include "rule_http.h"

#include "yc/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A non-negative number of at most 18 digits; *end after it. -1: none. */
static int64_t number(const char *s, const char **end)
{
	int64_t v = 0;
	int n = 0;

	for (; isdigit((unsigned char)s[n]); n++) {
		if (n == 18)
			return -1;
		v = v * 10 + (s[n] - '0');
	}
	*end = s + n;
	return n ? v : -1;
}

int64_t api_if_match(const char *header)
{
	const char *end;
	int64_t v;

	if (yc_streq(header, "*"))
		return 0;
	if (yc_is_empty(header) || header[0] != '"')
		return -1;
	v = number(header + 1, &end);
	return v > 0 && yc_streq(end, "\"") ? v : -1;
}

int api_none_match(const char *header, int64_t version)
{
	const char *p = header;

	if (yc_streq(header, "*"))
		return 1;
	while (p && *p) {
		const char *end;

		p += strspn(p, " ,");
		if (!strncmp(p, "W/", 2))
			p += 2;
		if (*p == '"' && number(p + 1, &end) == version && *end == '"')
			return 1;
		p = strchr(p, ',');
	}
	return 0;
}

int api_range(const char *header, int64_t size, int64_t *from, int64_t *to)
{
	const char *p = header, *end;
	int64_t a, b;

	if (!p || strncasecmp(p, "bytes=", 6) || strchr(p, ','))
		return 0;
	p += 6;
	if (*p == '-') {
		b = number(p + 1, &end);
		if (b < 0 || *end)
			return 0;
		if (b == 0 || size == 0)
			return -1;
		*from = b < size ? size - b : 0;
		*to = size - 1;
		return 1;
	}
	a = number(p, &end);
	if (a < 0 || *end++ != '-')
		return 0;
	b = INT64_MAX;
	if (*end && ((b = number(end, &end)) < a || *end))
		return 0;
	if (a >= size)
		return -1;
	*from = a;
	*to = b < size ? b : size - 1;
	return 1;
}

int64_t api_range_start(const char *header)
{
	const char *end;
	int64_t a;

	if (!header || strncasecmp(header, "bytes=", 6) || strchr(header, ','))
		return 0;
	a = number(header + 6, &end);
	return a > 0 && *end == '-' ? a : 0;
}

int api_traceparent_ok(const char *s)
{
	static const int dashes[] = { 2, 35, 52 };
	int zero_trace = 1, zero_span = 1;

	if (!s || strlen(s) != 55 || strncmp(s, "00-", 3))
		return 0;
	for (int i = 0; i < 55; i++) {
		if (i == dashes[0] || i == dashes[1] || i == dashes[2]) {
			if (s[i] != '-')
				return 0;
			continue;
		}
		if (!isdigit((unsigned char)s[i]) && !(s[i] >= 'a' && s[i] <= 'f'))
			return 0;
		zero_trace &= !(i > 2 && i < 35 && s[i] != '0');
		zero_span &= !(i > 35 && i < 52 && s[i] != '0');
	}
	return !zero_trace && !zero_span;
}

int api_token_ok(const char *s, size_t max)
{
	size_t n = 0;

	if (yc_is_empty(s))
		return 0;
	for (; s[n]; n++)
		if (n == max || s[n] <= ' ' || s[n] > '~' || s[n] == '"' || s[n] == '\\')
			return 0;
	return 1;
}

void api_cookie(const char *header, const char *name, char *out, size_t n)
{
	size_t len = strlen(name), k = 0;

	out[0] = '\0';
	while (header && *header) {
		header += strspn(header, "; ");
		if (!strncmp(header, name, len) && header[len] == '=') {
			for (header += len + 1; header[k] && header[k] != ';' && k + 1 < n; k++)
				out[k] = header[k];
			out[k] = '\0';
			return;
		}
		header += strcspn(header, ";");
	}
}

const char *api_bearer(const char *authorization)
{
	if (!authorization || strncasecmp(authorization, "Bearer ", 7))
		return NULL;
	authorization += 7;
	authorization += strspn(authorization, " ");
	return *authorization ? authorization : NULL;
}

int api_list_has(const char *list, const char *word)
{
	size_t n = strlen(word);

	while (list && *list) {
		size_t k = strcspn(list, ",");

		if (k == n && !strncmp(list, word, n))
			return 1;
		list += k + (list[k] == ',');
	}
	return 0;
}

int api_scope_ok(char *const *scopes, size_t n, const char *need)
{
	const char *colon = strchr(need, ':');
	size_t area = colon ? (size_t)(colon - need) + 1 : 0;

	for (size_t i = 0; i < n; i++)
		if (yc_streq(scopes[i], "*") || yc_streq(scopes[i], need) ||
		    (area && !strncmp(scopes[i], need, area) && yc_streq(scopes[i] + area, "*")))
			return 1;
	return 0;
}

int api_wants_english(const char *accept_language)
{
	return accept_language && !strncasecmp(accept_language, "en", 2);
}

const char *api_mime(const char *path)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" }, { ".js", "text/javascript; charset=utf-8" }, { ".mjs", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" }, { ".json", "application/json" }, { ".map", "application/json" }, { ".svg", "image/svg+xml" },
		{ ".png", "image/png" }, { ".jpg", "image/jpeg" }, { ".ico", "image/x-icon" }, { ".webp", "image/webp" }, { ".woff2", "font/woff2" },
		{ ".woff", "font/woff" }, { ".ttf", "font/ttf" }, { ".txt", "text/plain; charset=utf-8" }, { ".wav", "audio/wav" },
		{ ".webmanifest", "application/manifest+json" }, { ".wasm", "application/wasm" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcasecmp(dot, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

void api_pointer(const char *field, char *out, size_t n)
{
	size_t k = 0;

	if (yc_is_empty(field) || n < 4) {
		yc_copy(out, n, "");
		return;
	}
	out[k++] = '#';
	out[k++] = '/';
	for (; *field && k + 1 < n; field++)
		out[k++] = *field == '.' ? '/' : *field;
	out[k] = '\0';
}

void api_escape(struct yc_buf *out, const char *s)
{
	for (; *s; s++) {
		if (isalnum((unsigned char)*s) || strchr("-._~", *s))
			yc_buf_add(out, s, 1);
		else
			yc_buf_printf(out, "%%%02X", (unsigned char)*s);
	}
}
