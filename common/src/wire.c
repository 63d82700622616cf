/* The bus's wire: scanning a packed header in place, endpoints. https://protobuf.dev/programming-guides/encoding/ */
#include "yc/wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { F_KIND = 1, F_SERVICE, F_METHOD, F_SHARD_KEY, F_REQUEST_ID, F_CALL, F_DEADLINE, F_PRINCIPAL, F_TRACEPARENT, F_STATUS, F_INSTANCE, F_BOOT };
enum { W_VARINT = 0, W_64 = 1, W_BYTES = 2, W_32 = 5 };

int yc_span_is(struct yc_span s, const char *text)
{
	return s.n == strlen(text) && (s.n == 0 || memcmp(s.p, text, s.n) == 0);
}

int yc_span_copy(struct yc_span s, char *out, size_t size)
{
	if (s.n >= size)
		return -1;
	if (s.n)
		memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return 0;
}

/* Reads one varint; NULL when it is truncated or longer than ten bytes. */
static uint8_t *varint(uint8_t *p, const uint8_t *end, uint64_t *out)
{
	*out = 0;
	for (int shift = 0; p < end && shift < 70; shift += 7) {
		*out |= shift < 64 ? (uint64_t)(*p & 0x7f) << shift : 0;
		if (!(*p++ & 0x80))
			return p;
	}
	return NULL;
}

static int is_printable(struct yc_span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return 0;
	return 1;
}

static struct yc_span *text_field(struct yc_wire *w, uint64_t nr)
{
	switch (nr) {
	case F_SERVICE: return &w->service;
	case F_METHOD: return &w->method;
	case F_SHARD_KEY: return &w->shard_key;
	case F_REQUEST_ID: return &w->request_id;
	case F_INSTANCE: return &w->instance;
	case F_BOOT: return &w->boot;
	default: return NULL;
	}
}

static int on_bytes(struct yc_wire *w, uint64_t nr, uint8_t *tag, uint8_t *p, size_t n)
{
	struct yc_span s = { p, n }, *text = text_field(w, nr);

	if (text) {
		*text = s;
		return is_printable(s) ? 0 : -1;
	}
	if (nr == F_PRINCIPAL)
		w->principal = (struct yc_span){ tag, (size_t)(p + n - tag) };
	else if (nr == F_STATUS)
		w->status = s;
	else if (nr == F_TRACEPARENT)
		return is_printable(s) ? 0 : -1;
	return nr == F_KIND || nr == F_CALL || nr == F_DEADLINE ? -1 : 0;
}

static int on_varint(struct yc_wire *w, uint64_t nr, uint8_t *p, size_t n, uint64_t v)
{
	if (nr == F_KIND) {
		w->kind = v <= 100 ? (int)v : -1;
		return 0;
	}
	if (nr == F_DEADLINE) {
		w->deadline_at = (int64_t)v;
		w->deadline_pos = p;
		w->deadline_n = n;
		return 0;
	}
	return nr <= F_BOOT ? -1 : 0;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* One field; returns where the next begins, or NULL. */
static uint8_t *field(struct yc_wire *w, uint8_t *p, const uint8_t *end, uint32_t *seen)
{
	uint8_t *tag = p, *at;
	uint64_t key, v;

	p = varint(p, end, &key);
	if (!p || key >> 3 == 0 || key >> 3 > 0x1fffffff)
		return NULL;
	if (key >> 3 <= F_BOOT) {
		if (*seen & 1u << (key >> 3))
			return NULL;
		*seen |= 1u << (key >> 3);
	}
	at = p;
	switch (key & 7) {
	case W_VARINT:
		p = varint(p, end, &v);
		return p && !on_varint(w, key >> 3, at, (size_t)(p - at), v) ? p : NULL;
	case W_64:
		if (end - p < 8 || (key >> 3 <= F_BOOT && key >> 3 != F_CALL))
			return NULL;
		if (key >> 3 == F_CALL) {
			w->call_at = p;
			w->call = get64(p);
		}
		return p + 8;
	case W_BYTES:
		p = varint(p, end, &v);
		if (!p || v > (uint64_t)(end - p) || on_bytes(w, key >> 3, tag, p, (size_t)v))
			return NULL;
		return p + v;
	case W_32:
		return end - p < 4 || key >> 3 <= F_BOOT ? NULL : p + 4;
	default:
		return NULL;
	}
}

int yc_wire_scan(uint8_t *p, size_t n, struct yc_wire *w)
{
	const uint8_t *end = p + n;
	uint32_t seen = 0;

	memset(w, 0, sizeof *w);
	if (n > YC_WIRE_HEADER_MAX)
		return -1;
	while (p < end)
		if (!(p = field(w, p, end, &seen)))
			return -1;
	return 0;
}

void yc_wire_set_call(struct yc_wire *w, uint64_t call)
{
	w->call = call;
	for (int i = 0; w->call_at && i < 8; i++)
		w->call_at[i] = (uint8_t)(call >> 8 * i);
}

int yc_wire_set_deadline(struct yc_wire *w, int64_t deadline_at)
{
	uint64_t v = (uint64_t)deadline_at;
	uint8_t b[10];
	size_t n = 0;

	do {
		b[n] = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
		v >>= 7;
	} while (b[n++] & 0x80);
	if (!w->deadline_pos || n != w->deadline_n)
		return -1;
	memcpy(w->deadline_pos, b, n);
	w->deadline_at = deadline_at;
	return 0;
}

enum yc_code yc_wire_endpoint(const char *endpoint, enum yc_wire_port port, char *out, size_t size, struct yc_err *e)
{
	static const char *const suffix[] = { ".rpc", ".pub", ".sub" };
	const char *colon;
	char *end;
	long nr;
	int n = -1;

	if (endpoint && strncmp(endpoint, "ipc://", 6) == 0 && endpoint[6])
		n = snprintf(out, size, "%s%s", endpoint, suffix[port]);
	else if (endpoint && strncmp(endpoint, "tcp://", 6) == 0 && (colon = strrchr(endpoint + 6, ':'))) {
		nr = strtol(colon + 1, &end, 10);
		if (!*end && end != colon + 1 && nr > 0 && nr <= 65533)
			n = snprintf(out, size, "%.*s:%ld", (int)(colon - endpoint), endpoint, nr + (long)port);
	}
	if (n < 0 || (size_t)n >= size)
		return yc_fail(e, YC_INVALID, "bus", "not a bus endpoint: \"%.100s\" (ipc:///path or tcp://host:port)", endpoint ? endpoint : "");
	return YC_OK;
}

int yc_wire_is_name(const char *s)
{
	size_t n = 0;

	for (; s && s[n]; n++)
		if (!isalnum((unsigned char)s[n]) && !strchr(".-_", s[n]))
			return 0;
	return n > 0 && n < YC_WIRE_NAME_MAX;
}
