/* protobuf-c messages <-> JSON by reflection over descriptors. snake_case names; fields named at or *_at are RFC 3339 in JSON and epoch ms in
 * the message (0 = null); enums are lower case without prefix; defaults are always written; bytes are base 64; int64 are numbers
 * (|n| < 2^53, else INVALID). Map-like freedom is none: unknown fields, duplicates and wrong types are errors that name the field. */
#ifndef YC_JSON_H
#define YC_JSON_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "yc/arena.h"
#include "yc/err.h"

struct yc_buf { char *p; size_t n, cap; };       /* growing text; p is NUL-terminated once something was written */
void yc_buf_add(struct yc_buf *b, const void *p, size_t n);
char *yc_buf_room(struct yc_buf *b, size_t n);                 /* n more bytes, to be filled in by the caller; borrowed until the next call */
void yc_buf_str(struct yc_buf *b, const char *s);
void yc_buf_printf(struct yc_buf *b, const char *fmt, ...) YC_PRINTF(2, 3);
void yc_buf_json_str(struct yc_buf *b, const char *s);         /* quoted and escaped */
void yc_buf_free(struct yc_buf *b);

/* Append the message as JSON. A field "password" goes in and never comes out; `fields` (below) is no part of the JSON either. */
void yc_json_write(struct yc_buf *out, const ProtobufCMessage *msg);
/* Parse text (need not end in NUL) into a new message in the arena. Errors: MALFORMED (no JSON, bad UTF-8, with line and column) or
 * INVALID with e->field = "steps.2.name". */
enum yc_code yc_json_read(struct yc_arena *a, const ProtobufCMessageDescriptor *d, const char *text, size_t n, void **out, struct yc_err *e) YC_MUST;
/* Set one scalar field by name from text (path and query parameters): numbers, booleans, enums, *_at, strings; repeated scalars append. */
enum yc_code yc_json_set(struct yc_arena *a, ProtobufCMessage *msg, const char *field, const char *value, struct yc_err *e) YC_MUST;
/* The keys present at the top level of the text fill the message's `repeated string fields`, if it has one (PATCH). Done by yc_json_read. */

/* JSON schema of a message (for OpenAPI), $refs to "#/components/schemas/NAME" for nested ones. */
void yc_json_schema(struct yc_buf *out, const ProtobufCMessageDescriptor *d);
/* Write "field: old -> new" lines for what differs (import's dry run); returns the number of differences. */
int yc_json_diff(struct yc_buf *out, const ProtobufCMessage *was, const ProtobufCMessage *now, const char *const *ignore);
/* All strings of the message valid UTF-8? INVALID with the field otherwise. Used at every edge before packing. */
enum yc_code yc_pb_check_utf8(const ProtobufCMessage *msg, struct yc_err *e) YC_MUST;
/* Name of an enum value as in JSON ("wrap_up"), "" when unknown; and back: -1 when unknown. */
const char *yc_enum_name(const ProtobufCEnumDescriptor *d, int value, char *buf, size_t n);
int yc_enum_value(const ProtobufCEnumDescriptor *d, const char *name);

#endif
