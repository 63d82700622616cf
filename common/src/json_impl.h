/* Shared by the JSON files. Private to common/src. */
#ifndef YC_JSON_IMPL_H
#define YC_JSON_IMPL_H

#include "yc/json.h"

#define JSON_MAX_DEPTH 32                        /* of messages and of brackets in a text */
#define JSON_MAX_INT ((int64_t)1 << 53)          /* beyond it JavaScript rounds */

/* "due_at" as int64: shown as RFC 3339. */
int json_is_time(const ProtobufCFieldDescriptor *f);
/* Is this member of a oneof the one that is set (true for fields outside of oneofs)? */
int json_is_chosen(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f);
size_t json_elem_size(ProtobufCType t);
int json_is_marker(const ProtobufCFieldDescriptor *f);         /* "fields": filled by the reader, no part of the JSON */
int json_is_secret(const ProtobufCFieldDescriptor *f);         /* "password": goes in, never out */
/* Append one field's value (without its name). */
void json_write_field(struct yc_buf *out, const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f);

#endif
