/* Message -> JSON by walking the descriptor. */
#include "json_impl.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/clock.h"

void yc_buf_json_str(struct yc_buf *b, const char *s)
{
	static const char hex[] = "0123456789abcdef";
	const char *run = s;

	yc_buf_add(b, "\"", 1);
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		char esc[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
		size_t n = 6;

		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		yc_buf_add(b, run, (size_t)(s - run));
		run = s + 1;
		switch (c) {
		case '"': case '\\': esc[1] = (char)c; n = 2; break;
		case '\n': esc[1] = 'n'; n = 2; break;
		case '\r': esc[1] = 'r'; n = 2; break;
		case '\t': esc[1] = 't'; n = 2; break;
		}
		yc_buf_add(b, esc, n);
	}
	yc_buf_add(b, run, (size_t)(s - run));
	yc_buf_add(b, "\"", 1);
}

static void write_u64(struct yc_buf *b, uint64_t v, int negative)
{
	char tmp[24];
	size_t i = sizeof(tmp);

	do
		tmp[--i] = (char)('0' + v % 10);
	while (v /= 10);
	if (negative)
		tmp[--i] = '-';
	yc_buf_add(b, tmp + i, sizeof(tmp) - i);
}

static void write_i64(struct yc_buf *b, int64_t v)
{
	write_u64(b, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, v < 0);
}

/* The shortest decimal form that reads back as the same number. */
static void write_double(struct yc_buf *b, double v, int digits)
{
	char tmp[40];

	if (!isfinite(v)) {
		yc_buf_str(b, "null");
		return;
	}
	v = v == 0 ? 0 : v;                      /* no -0 */
	snprintf(tmp, sizeof(tmp), "%.*g", digits, v);
	if (digits == 15 && strtod(tmp, NULL) != v)
		snprintf(tmp, sizeof(tmp), "%.17g", v);
	yc_buf_str(b, tmp);
}

static void write_bytes(struct yc_buf *b, const ProtobufCBinaryData *d)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	yc_buf_add(b, "\"", 1);
	for (i = 0; i < d->len; i += 3) {
		size_t left = d->len - i;
		uint32_t v = (uint32_t)d->data[i] << 16 | (left > 1 ? (uint32_t)d->data[i + 1] << 8 : 0) | (left > 2 ? d->data[i + 2] : 0);
		char q[4] = { abc[v >> 18], abc[v >> 12 & 63], left > 1 ? abc[v >> 6 & 63] : '=', left > 2 ? abc[v & 63] : '=' };

		yc_buf_add(b, q, 4);
	}
	yc_buf_add(b, "\"", 1);
}

static void write_msg(struct yc_buf *b, const ProtobufCMessage *msg, int depth);

static void write_time(struct yc_buf *b, int64_t at)
{
	char tmp[YC_RFC3339_LEN];

	if (!at) {
		yc_buf_add(b, "null", 4);
		return;
	}
	yc_buf_add(b, "\"", 1);
	yc_buf_str(b, yc_rfc3339(at, tmp));
	yc_buf_add(b, "\"", 1);
}

static void write_enum(struct yc_buf *b, const ProtobufCEnumDescriptor *d, int v)
{
	char tmp[64];

	yc_buf_json_str(b, yc_enum_name(d, v, tmp, sizeof(tmp)));
}

static void write_value(struct yc_buf *b, const ProtobufCFieldDescriptor *f, const void *p, int depth)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT64: case PROTOBUF_C_TYPE_SINT64: case PROTOBUF_C_TYPE_SFIXED64:
		if (json_is_time(f))
			write_time(b, *(const int64_t *)p);
		else
			write_i64(b, *(const int64_t *)p);
		break;
	case PROTOBUF_C_TYPE_UINT64: case PROTOBUF_C_TYPE_FIXED64: write_u64(b, *(const uint64_t *)p, 0); break;
	case PROTOBUF_C_TYPE_INT32: case PROTOBUF_C_TYPE_SINT32: case PROTOBUF_C_TYPE_SFIXED32: write_i64(b, *(const int32_t *)p); break;
	case PROTOBUF_C_TYPE_UINT32: case PROTOBUF_C_TYPE_FIXED32: write_u64(b, *(const uint32_t *)p, 0); break;
	case PROTOBUF_C_TYPE_DOUBLE: write_double(b, *(const double *)p, 15); break;
	case PROTOBUF_C_TYPE_FLOAT: write_double(b, *(const float *)p, 9); break;
	case PROTOBUF_C_TYPE_BOOL: yc_buf_str(b, *(const protobuf_c_boolean *)p ? "true" : "false"); break;
	case PROTOBUF_C_TYPE_ENUM: write_enum(b, f->descriptor, *(const int *)p); break;
	case PROTOBUF_C_TYPE_STRING: yc_buf_json_str(b, *(char *const *)p ? *(char *const *)p : ""); break;
	case PROTOBUF_C_TYPE_BYTES: write_bytes(b, p); break;
	case PROTOBUF_C_TYPE_MESSAGE:
		if (*(ProtobufCMessage *const *)p && depth < JSON_MAX_DEPTH)
			write_msg(b, *(ProtobufCMessage *const *)p, depth + 1);
		else
			yc_buf_add(b, "null", 4);
		break;
	}
}

static void write_field(struct yc_buf *b, const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f, int depth)
{
	const char *slot = (const char *)msg + f->offset;

	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		size_t i, n = *(const size_t *)((const char *)msg + f->quantifier_offset), size = json_elem_size(f->type);
		const char *v = *(const char *const *)slot;

		yc_buf_add(b, "[", 1);
		for (i = 0; i < n; i++) {
			if (i)
				yc_buf_add(b, ",", 1);
			write_value(b, f, v + i * size, depth);
		}
		yc_buf_add(b, "]", 1);
	} else if (!json_is_chosen(msg, f)) {
		yc_buf_add(b, "null", 4);
	} else {
		write_value(b, f, slot, depth);
	}
}

int json_is_marker(const ProtobufCFieldDescriptor *f)
{
	return f->label == PROTOBUF_C_LABEL_REPEATED && f->type == PROTOBUF_C_TYPE_STRING && strcmp(f->name, "fields") == 0;
}

int json_is_secret(const ProtobufCFieldDescriptor *f)
{
	return f->type == PROTOBUF_C_TYPE_STRING && strcmp(f->name, "password") == 0;
}

static void write_msg(struct yc_buf *b, const ProtobufCMessage *msg, int depth)
{
	unsigned i, n = 0;

	yc_buf_add(b, "{", 1);
	for (i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];

		if (!json_is_chosen(msg, f) || json_is_marker(f) || json_is_secret(f))
			continue;
		yc_buf_str(b, n++ ? ",\"" : "\"");
		yc_buf_str(b, f->name);
		yc_buf_add(b, "\":", 2);
		write_field(b, msg, f, depth);
	}
	yc_buf_add(b, "}", 1);
}

void json_write_field(struct yc_buf *out, const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f)
{
	write_field(out, msg, f, 0);
}

void yc_json_write(struct yc_buf *out, const ProtobufCMessage *msg)
{
	write_msg(out, msg, 0);
}
