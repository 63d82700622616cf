/* Growing text, enum names, and the walks over messages that are no JSON: UTF-8 check and differences. */
#include "json_impl.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "yc/text.h"

static void room(struct yc_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;

	while (cap < b->n + n + 1)
		cap *= 2;
	if (cap != b->cap) {
		b->p = yc_xrealloc(b->p, cap);
		b->cap = cap;
	}
}

void yc_buf_add(struct yc_buf *b, const void *p, size_t n)
{
	if (b->n + n + 1 > b->cap)
		room(b, n);
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	b->p[b->n] = 0;
}

char *yc_buf_room(struct yc_buf *b, size_t n)
{
	if (b->n + n + 1 > b->cap)
		room(b, n);
	b->n += n;
	b->p[b->n] = 0;
	return b->p + b->n - n;
}

void yc_buf_str(struct yc_buf *b, const char *s)
{
	yc_buf_add(b, s, strlen(s));
}

void yc_buf_printf(struct yc_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	room(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

void yc_buf_free(struct yc_buf *b)
{
	yc_xfree(b->p);
	memset(b, 0, sizeof(*b));
}

int json_is_time(const ProtobufCFieldDescriptor *f)
{
	size_t n = strlen(f->name);

	return f->type == PROTOBUF_C_TYPE_INT64 && (!strcmp(f->name, "at") || (n > 3 && !memcmp(f->name + n - 3, "_at", 3)));
}

int json_is_chosen(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f)
{
	if (!(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
		return 1;
	return *(const uint32_t *)((const char *)msg + f->quantifier_offset) == f->id;
}

size_t json_elem_size(ProtobufCType t)
{
	switch (t) {
	case PROTOBUF_C_TYPE_INT64: case PROTOBUF_C_TYPE_SINT64: case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64: case PROTOBUF_C_TYPE_FIXED64: case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_STRING: case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	default:
		return 4;
	}
}

/* --- enums ------------------------------------------------------------------------------------------------------------------ */

/* Length of the prefix that all values share: the type's own name in upper case ("ItemState" -> "ITEM_STATE_"), 0 when they do not. */
static size_t prefix_len(const ProtobufCEnumDescriptor *d)
{
	const char *v = d->n_values ? d->values[0].name : "";
	const char *t;
	size_t n = 0;

	for (t = d->short_name; *t; t++) {
		if (t != d->short_name && isupper((unsigned char)*t) && !isupper((unsigned char)t[-1]) && v[n++] != '_')
			return 0;
		if (v[n++] != toupper((unsigned char)*t))
			return 0;
	}
	return v[n] == '_' ? n + 1 : 0;
}

const char *yc_enum_name(const ProtobufCEnumDescriptor *d, int value, char *buf, size_t n)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);
	size_t i = 0;
	const char *s;

	buf[0] = 0;
	if (!v)
		return buf;
	for (s = v->name + prefix_len(d); *s && i + 1 < n; s++)
		buf[i++] = (char)tolower((unsigned char)*s);
	buf[i] = 0;
	return buf;
}

int yc_enum_value(const ProtobufCEnumDescriptor *d, const char *name)
{
	size_t skip = prefix_len(d);
	unsigned i;

	for (i = 0; i < d->n_values; i++) {
		const char *a = d->values[i].name + skip, *b = name;

		while (*a && tolower((unsigned char)*a) == *b)
			a++, b++;
		if (!*a && !*b)
			return d->values[i].value;
	}
	return -1;
}

/* --- UTF-8 ------------------------------------------------------------------------------------------------------------------- */

static enum yc_code check(const ProtobufCMessage *msg, int depth, struct yc_err *e);

static enum yc_code check_one(const ProtobufCFieldDescriptor *f, const void *slot, int depth, struct yc_err *e)
{
	const void *p = *(void *const *)slot;

	if (!p)
		return YC_OK;
	if (f->type == PROTOBUF_C_TYPE_STRING)
		return yc_utf8_ok(p) ? YC_OK : yc_fail(e, YC_INVALID, f->name, "text that is not UTF-8");
	if (check(p, depth + 1, e))
		return yc_err_in(e, f->name);
	return YC_OK;
}

static enum yc_code check_list(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *msg, int depth, struct yc_err *e)
{
	size_t i, n = *(const size_t *)((const char *)msg + f->quantifier_offset);
	void *const *v = *(void *const *const *)((const char *)msg + f->offset);

	for (i = 0; i < n; i++) {
		enum yc_code rc = check_one(f, &v[i], depth, e);
		char at[96];

		if (!rc)
			continue;
		/* "steps.name" becomes "steps.2.name" */
		snprintf(at, sizeof(at), "%s.%zu%.40s", f->name, i, e->field + strlen(f->name));
		yc_copy(e->field, sizeof(e->field), at);
		return rc;
	}
	return YC_OK;
}

static enum yc_code check(const ProtobufCMessage *msg, int depth, struct yc_err *e)
{
	unsigned i;

	if (depth > JSON_MAX_DEPTH)
		return yc_fail(e, YC_INVALID, NULL, "messages nested too deeply");
	for (i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
		enum yc_code rc;

		if ((f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE) || !json_is_chosen(msg, f))
			continue;
		if (f->label == PROTOBUF_C_LABEL_REPEATED)
			rc = check_list(f, msg, depth, e);
		else
			rc = check_one(f, (const char *)msg + f->offset, depth, e);
		if (rc)
			return rc;
	}
	return YC_OK;
}

enum yc_code yc_pb_check_utf8(const ProtobufCMessage *msg, struct yc_err *e)
{
	return check(msg, 0, e);
}

/* --- differences --------------------------------------------------------------------------------------------------------------- */

static int is_ignored(const char *name, const char *const *ignore)
{
	for (; ignore && *ignore; ignore++)
		if (!strcmp(name, *ignore))
			return 1;
	return 0;
}

static int diff(struct yc_buf *out, const char *prefix, const ProtobufCMessage *was, const ProtobufCMessage *now, const char *const *ignore);

static int diff_field(struct yc_buf *out, const char *prefix, const ProtobufCFieldDescriptor *f, const ProtobufCMessage *was,
		      const ProtobufCMessage *now)
{
	struct yc_buf a = { 0 }, b = { 0 };
	int n;

	if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED) {
		const ProtobufCMessage *x = *(ProtobufCMessage *const *)((const char *)was + f->offset);
		const ProtobufCMessage *y = *(ProtobufCMessage *const *)((const char *)now + f->offset);
		char path[128];

		if (x && y) {
			snprintf(path, sizeof(path), "%s%s.", prefix, f->name);
			return diff(out, path, x, y, NULL);
		}
	}
	json_write_field(&a, was, f);
	json_write_field(&b, now, f);
	n = strcmp(a.p, b.p) != 0;
	if (n)
		yc_buf_printf(out, "%s%s: %s -> %s\n", prefix, f->name, a.p, b.p);
	yc_buf_free(&a);
	yc_buf_free(&b);
	return n;
}

static int diff(struct yc_buf *out, const char *prefix, const ProtobufCMessage *was, const ProtobufCMessage *now, const char *const *ignore)
{
	unsigned i;
	int n = 0;

	for (i = 0; i < was->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &was->descriptor->fields[i];

		if (is_ignored(f->name, ignore) || (!json_is_chosen(was, f) && !json_is_chosen(now, f)))
			continue;
		n += diff_field(out, prefix, f, was, now);
	}
	return n;
}

int yc_json_diff(struct yc_buf *out, const ProtobufCMessage *was, const ProtobufCMessage *now, const char *const *ignore)
{
	return diff(out, "", was, now, ignore);
}
