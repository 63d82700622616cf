/* JSON schema of a message (draft 2020-12, as OpenAPI 3.1 takes it). */
#include "json_impl.h"

#include <string.h>

static void schema_enum(struct yc_buf *b, const ProtobufCEnumDescriptor *d)
{
	unsigned i;

	yc_buf_str(b, "{\"type\":\"string\",\"enum\":[");
	for (i = 0; i < d->n_values; i++) {
		char tmp[64];

		yc_buf_str(b, i ? "," : "");
		yc_buf_json_str(b, yc_enum_name(d, d->values[i].value, tmp, sizeof(tmp)));
	}
	yc_buf_str(b, "]}");
}

static void schema_message(struct yc_buf *b, const ProtobufCFieldDescriptor *f)
{
	const ProtobufCMessageDescriptor *d = f->descriptor;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		yc_buf_printf(b, "{\"$ref\":\"#/components/schemas/%s\"}", d->short_name);
	else
		yc_buf_printf(b, "{\"anyOf\":[{\"$ref\":\"#/components/schemas/%s\"},{\"type\":\"null\"}]}", d->short_name);
}

static void schema_type(struct yc_buf *b, const ProtobufCFieldDescriptor *f)
{
	switch (f->type) {
	case PROTOBUF_C_TYPE_INT64: case PROTOBUF_C_TYPE_SINT64: case PROTOBUF_C_TYPE_SFIXED64:
		yc_buf_str(b, json_is_time(f) ? "{\"type\":[\"string\",\"null\"],\"format\":\"date-time\"}"
			   : "{\"type\":\"integer\",\"format\":\"int64\"}");
		break;
	case PROTOBUF_C_TYPE_UINT64: case PROTOBUF_C_TYPE_FIXED64:
		yc_buf_str(b, "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":0}");
		break;
	case PROTOBUF_C_TYPE_INT32: case PROTOBUF_C_TYPE_SINT32: case PROTOBUF_C_TYPE_SFIXED32:
		yc_buf_str(b, "{\"type\":\"integer\",\"format\":\"int32\"}");
		break;
	case PROTOBUF_C_TYPE_UINT32: case PROTOBUF_C_TYPE_FIXED32:
		yc_buf_str(b, "{\"type\":\"integer\",\"minimum\":0,\"maximum\":4294967295}");
		break;
	case PROTOBUF_C_TYPE_DOUBLE: case PROTOBUF_C_TYPE_FLOAT: yc_buf_str(b, "{\"type\":\"number\"}"); break;
	case PROTOBUF_C_TYPE_BOOL: yc_buf_str(b, "{\"type\":\"boolean\"}"); break;
	case PROTOBUF_C_TYPE_ENUM: schema_enum(b, f->descriptor); break;
	case PROTOBUF_C_TYPE_STRING: yc_buf_str(b, json_is_secret(f) ? "{\"type\":\"string\",\"writeOnly\":true}" : "{\"type\":\"string\"}"); break;
	case PROTOBUF_C_TYPE_BYTES: yc_buf_str(b, "{\"type\":\"string\",\"contentEncoding\":\"base64\"}"); break;
	case PROTOBUF_C_TYPE_MESSAGE: schema_message(b, f); break;
	}
}

void yc_json_schema(struct yc_buf *out, const ProtobufCMessageDescriptor *d)
{
	unsigned i, n = 0;

	yc_buf_str(out, "{\"type\":\"object\",\"properties\":{");
	for (i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];
		int is_list = f->label == PROTOBUF_C_LABEL_REPEATED;

		if (json_is_marker(f))
			continue;
		yc_buf_printf(out, "%s\"%s\":%s", n++ ? "," : "", f->name, is_list ? "{\"type\":\"array\",\"items\":" : "");
		schema_type(out, f);
		yc_buf_str(out, is_list ? "}" : "");
	}
	yc_buf_str(out, "}}");
}
