/* JSON -> message: jansson parses, the descriptor says what may stand where. Every error names the field by its path. */
#include "json_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/clock.h"
#include "yc/text.h"

struct reader { struct yc_arena *a; struct yc_err *e; char path[128]; size_t n; int depth; };

static enum yc_code refuse(struct reader *r, const char *why)
{
	return yc_fail(r->e, YC_INVALID, r->path, "%s", why);
}

/* Returns the length to go back to. */
static size_t enter(struct reader *r, const char *name)
{
	size_t was = r->n;
	int w = snprintf(r->path + r->n, sizeof(r->path) - r->n, "%s%s", r->n ? "." : "", name);

	r->n += (size_t)w < sizeof(r->path) - r->n ? (size_t)w : sizeof(r->path) - r->n - 1;
	return was;
}

static void leave(struct reader *r, size_t was)
{
	r->n = was;
	r->path[was] = 0;
}

static enum yc_code read_int(struct reader *r, json_t *j, int64_t min, int64_t max, int64_t *out)
{
	if (!json_is_integer(j))
		return refuse(r, "a whole number is expected");
	*out = json_integer_value(j);
	if (*out < min || *out > max)
		return yc_fail(r->e, YC_INVALID, r->path, "the number must be between %" PRId64 " and %" PRId64, min, max);
	return YC_OK;
}

static enum yc_code read_time(struct reader *r, json_t *j, int64_t *out)
{
	if (json_is_null(j)) {
		*out = 0;
		return YC_OK;
	}
	if (!json_is_string(j) || yc_rfc3339_parse(json_string_value(j), out))
		return refuse(r, "a time as in 2026-11-22T12:31:00+08:00 is expected");
	return YC_OK;
}

static int b64(int c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static enum yc_code read_bytes(struct reader *r, json_t *j, ProtobufCBinaryData *out)
{
	const char *s = json_string_value(j);
	size_t n = json_is_string(j) ? json_string_length(j) : 1, i, pad = 0;

	if (n % 4)
		return refuse(r, "base 64 text is expected");
	while (pad < 2 && pad < n && s[n - 1 - pad] == '=')
		pad++;
	out->len = 0;
	out->data = yc_alloc(r->a, n / 4 * 3 + 1);
	if (!out->data)
		return yc_fail(r->e, YC_TOO_LARGE, r->path, "the request is too large");
	for (i = 0; i < n; i += 4) {
		int k, v = 0, keep = i + 4 == n ? 3 - (int)pad : 3;

		for (k = 0; k < 4; k++) {
			int c = i + (size_t)k >= n - pad ? 0 : b64((unsigned char)s[i + (size_t)k]);

			if (c < 0)
				return refuse(r, "base 64 text is expected");
			v = v << 6 | c;
		}
		for (k = 0; k < keep; k++)
			out->data[out->len++] = (uint8_t)(v >> (16 - 8 * k));
	}
	return YC_OK;
}

static enum yc_code read_string(struct reader *r, json_t *j, char **out)
{
	if (!json_is_string(j))
		return refuse(r, "text is expected");
	*out = yc_strndup(r->a, json_string_value(j), json_string_length(j));
	return *out ? YC_OK : yc_fail(r->e, YC_TOO_LARGE, r->path, "the request is too large");
}

static enum yc_code read_enum(struct reader *r, const ProtobufCEnumDescriptor *d, json_t *j, int *out)
{
	if (!json_is_string(j))
		return refuse(r, "a name is expected");
	*out = yc_enum_value(d, json_string_value(j));
	if (*out < 0)
		return yc_fail(r->e, YC_INVALID, r->path, "'%.40s' is none of the names that are allowed here", json_string_value(j));
	return YC_OK;
}

static enum yc_code read_double(struct reader *r, json_t *j, double *out)
{
	if (!json_is_number(j))
		return refuse(r, "a number is expected");
	*out = json_number_value(j);
	return YC_OK;
}

static enum yc_code read_msg(struct reader *r, ProtobufCMessage *msg, json_t *obj);

static enum yc_code read_sub(struct reader *r, const ProtobufCMessageDescriptor *d, json_t *j, void **out)
{
	if (json_is_null(j)) {
		*out = NULL;
		return YC_OK;
	}
	if (!json_is_object(j))
		return refuse(r, "an object is expected");
	*out = yc_pb_new(r->a, d);
	if (!*out)
		return yc_fail(r->e, YC_TOO_LARGE, r->path, "the request is too large");
	return read_msg(r, *out, j);
}

static enum yc_code read_value(struct reader *r, const ProtobufCFieldDescriptor *f, json_t *j, void *slot)
{
	enum yc_code rc;
	int64_t i = 0;
	double d = 0;

	switch (f->type) {
	case PROTOBUF_C_TYPE_INT64: case PROTOBUF_C_TYPE_SINT64: case PROTOBUF_C_TYPE_SFIXED64:
		return json_is_time(f) ? read_time(r, j, slot) : read_int(r, j, 1 - JSON_MAX_INT, JSON_MAX_INT - 1, slot);
	case PROTOBUF_C_TYPE_UINT64: case PROTOBUF_C_TYPE_FIXED64:
		return read_int(r, j, 0, JSON_MAX_INT - 1, slot);
	case PROTOBUF_C_TYPE_INT32: case PROTOBUF_C_TYPE_SINT32: case PROTOBUF_C_TYPE_SFIXED32:
		rc = read_int(r, j, INT32_MIN, INT32_MAX, &i);
		*(int32_t *)slot = (int32_t)i;
		return rc;
	case PROTOBUF_C_TYPE_UINT32: case PROTOBUF_C_TYPE_FIXED32:
		rc = read_int(r, j, 0, UINT32_MAX, &i);
		*(uint32_t *)slot = (uint32_t)i;
		return rc;
	case PROTOBUF_C_TYPE_BOOL:
		if (!json_is_boolean(j))
			return refuse(r, "true or false is expected");
		*(protobuf_c_boolean *)slot = json_is_true(j);
		return YC_OK;
	case PROTOBUF_C_TYPE_DOUBLE:
		return read_double(r, j, slot);
	case PROTOBUF_C_TYPE_FLOAT:
		rc = read_double(r, j, &d);
		*(float *)slot = (float)d;
		return rc;
	case PROTOBUF_C_TYPE_ENUM: return read_enum(r, f->descriptor, j, slot);
	case PROTOBUF_C_TYPE_STRING: return read_string(r, j, slot);
	case PROTOBUF_C_TYPE_BYTES: return read_bytes(r, j, slot);
	case PROTOBUF_C_TYPE_MESSAGE: return read_sub(r, f->descriptor, j, slot);
	}
	return refuse(r, "this type is not supported");
}

static enum yc_code read_list(struct reader *r, const ProtobufCFieldDescriptor *f, json_t *j, ProtobufCMessage *msg)
{
	size_t i, size = json_elem_size(f->type), n;
	char *v;

	if (!json_is_array(j))
		return refuse(r, "a list is expected");
	n = json_array_size(j);
	v = n ? yc_alloc(r->a, n * size) : NULL;
	if (n && !v)
		return yc_fail(r->e, YC_TOO_LARGE, r->path, "the request is too large");
	for (i = 0; i < n; i++) {
		json_t *item = json_array_get(j, i);
		enum yc_code rc;
		char at[24];
		size_t was;

		snprintf(at, sizeof(at), "%zu", i);
		was = enter(r, at);
		rc = f->type == PROTOBUF_C_TYPE_MESSAGE && json_is_null(item) ? refuse(r, "an object is expected")
			: read_value(r, f, item, v + i * size);
		if (rc)
			return rc;
		leave(r, was);
	}
	*(size_t *)((char *)msg + f->quantifier_offset) = n;
	*(char **)((char *)msg + f->offset) = v;
	return YC_OK;
}

static enum yc_code read_field(struct reader *r, const ProtobufCFieldDescriptor *f, json_t *j, ProtobufCMessage *msg)
{
	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return read_list(r, f, j, msg);
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		uint32_t *which = (uint32_t *)((char *)msg + f->quantifier_offset);

		if (json_is_null(j))
			return YC_OK;
		if (*which)
			return refuse(r, "only one of the alternatives may be given");
		*which = f->id;
	}
	return read_value(r, f, j, (char *)msg + f->offset);
}

static enum yc_code read_msg(struct reader *r, ProtobufCMessage *msg, json_t *obj)
{
	const char *key;
	json_t *j;

	if (++r->depth > JSON_MAX_DEPTH)
		return refuse(r, "nested too deeply");
	json_object_foreach(obj, key, j) {
		const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, key);
		char shown[64];
		size_t was = enter(r, yc_copy(shown, sizeof(shown), key));
		enum yc_code rc = f ? read_field(r, f, j, msg) : refuse(r, "there is no such field");

		if (rc)
			return rc;
		leave(r, was);
	}
	r->depth--;
	return YC_OK;
}

/* PATCH: which keys were there? Goes into `repeated string fields` when the message has one. */
static enum yc_code fill_fields(struct reader *r, ProtobufCMessage *msg, json_t *obj)
{
	const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, "fields");
	size_t n = 0;
	const char *key;
	char **v;
	json_t *j;

	if (!f || f->type != PROTOBUF_C_TYPE_STRING || f->label != PROTOBUF_C_LABEL_REPEATED)
		return YC_OK;
	if (json_object_get(obj, "fields"))
		return yc_fail(r->e, YC_INVALID, "fields", "this is computed from the keys that are present");
	v = yc_alloc(r->a, (json_object_size(obj) + 1) * sizeof(*v));
	json_object_foreach(obj, key, j) {
		if (!v || !(v[n] = yc_strdup(r->a, key)))
			return yc_fail(r->e, YC_TOO_LARGE, NULL, "the request is too large");
		n++;
	}
	*(size_t *)((char *)msg + f->quantifier_offset) = n;
	*(char ***)((char *)msg + f->offset) = v;
	return YC_OK;
}

/* jansson recurses per bracket; so bound it before. */
static int too_deep(const char *s, size_t n)
{
	int depth = 0, in_string = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		char c = s[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = 0;
		} else if (c == '"') {
			in_string = 1;
		} else if (c == '{' || c == '[') {
			if (++depth > 2 * JSON_MAX_DEPTH)
				return 1;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return 0;
}

enum yc_code yc_json_read(struct yc_arena *a, const ProtobufCMessageDescriptor *d, const char *text, size_t n, void **out, struct yc_err *e)
{
	struct reader r = { .a = a, .e = e };
	json_error_t je;
	enum yc_code rc;
	json_t *j;

	*out = NULL;
	if (too_deep(text, n))
		return yc_fail(e, YC_MALFORMED, NULL, "nested too deeply");
	j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		return yc_fail(e, YC_MALFORMED, NULL, "line %d, column %d: %.160s", je.line, je.column, je.text);
	if (!json_is_object(j)) {
		json_decref(j);
		return yc_fail(e, YC_MALFORMED, NULL, "an object is expected");
	}
	*out = yc_pb_new(a, d);
	rc = *out ? read_msg(&r, *out, j) : yc_fail(e, YC_TOO_LARGE, NULL, "the request is too large");
	if (!rc)
		rc = fill_fields(&r, *out, j);
	json_decref(j);
	if (rc)
		*out = NULL;
	return rc;
}

/* --- from path and query ------------------------------------------------------------------------------------------------------- */

/* What the text would be in JSON for a field of this type; NULL: not readable as such. */
static json_t *from_text(const ProtobufCFieldDescriptor *f, const char *s)
{
	char *end = NULL;
	long long i;

	switch (f->type) {
	case PROTOBUF_C_TYPE_BOOL:
		if (!strcmp(s, "true") || !strcmp(s, "1"))
			return json_true();
		return !strcmp(s, "false") || !strcmp(s, "0") ? json_false() : NULL;
	case PROTOBUF_C_TYPE_DOUBLE: case PROTOBUF_C_TYPE_FLOAT: {
		double d = strtod(s, &end);

		return *s && !*end && isfinite(d) ? json_real(d) : NULL;
	}
	case PROTOBUF_C_TYPE_STRING: case PROTOBUF_C_TYPE_BYTES: case PROTOBUF_C_TYPE_ENUM:
		return json_string(s);
	case PROTOBUF_C_TYPE_MESSAGE:
		return NULL;
	default:
		if (json_is_time(f))
			return *s ? json_string(s) : json_null();
		errno = 0;
		i = strtoll(s, &end, 10);
		return *s && !*end && !errno && *s != ' ' && *s != '+' ? json_integer(i) : NULL;
	}
}

static enum yc_code append(struct reader *r, ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f, json_t *j)
{
	size_t *n = (size_t *)((char *)msg + f->quantifier_offset), size = json_elem_size(f->type);
	char **v = (char **)((char *)msg + f->offset);
	char *bigger = yc_alloc(r->a, (*n + 1) * size);
	enum yc_code rc;

	if (!bigger)
		return yc_fail(r->e, YC_TOO_LARGE, r->path, "the request is too large");
	if (*n)
		memcpy(bigger, *v, *n * size);
	rc = read_value(r, f, j, bigger + *n * size);
	if (rc)
		return rc;
	*v = bigger;
	(*n)++;
	return YC_OK;
}

enum yc_code yc_json_set(struct yc_arena *a, ProtobufCMessage *msg, const char *field, const char *value, struct yc_err *e)
{
	const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, field);
	struct reader r = { .a = a, .e = e };
	enum yc_code rc;
	char shown[64];
	json_t *j;

	enter(&r, yc_copy(shown, sizeof(shown), field));
	if (!f)
		return refuse(&r, "there is no such field");
	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		return refuse(&r, "an object cannot be given as text");
	if (!yc_utf8_ok(value))
		return refuse(&r, "text that is not UTF-8");
	j = from_text(f, value);
	if (!j)
		return refuse(&r, f->type == PROTOBUF_C_TYPE_BOOL ? "true or false is expected" : "a number is expected");
	rc = f->label == PROTOBUF_C_LABEL_REPEATED ? append(&r, msg, f, j) : read_field(&r, f, j, msg);
	json_decref(j);
	return rc;
}
