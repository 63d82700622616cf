/* The description of the interface, from the same tables that make it: /v1/openapi.json, and docs/openapi.json by `yc-api --openapi`. */
#include "api.h"

#include "yc/text.h"

#include <stdio.h>
#include <string.h>

struct schema { const ProtobufCMessageDescriptor *d; UT_hash_handle hh; };

static void collect(struct schema **all, const ProtobufCMessageDescriptor *d)
{
	struct schema *s = NULL;

	if (!d)
		return;
	HASH_FIND_PTR(*all, &d, s);
	if (s)
		return;
	s = yc_xcalloc(1, sizeof(*s));
	s->d = d;
	HASH_ADD_PTR(*all, d, s);
	for (unsigned i = 0; i < d->n_fields; i++)
		if (d->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			collect(all, d->fields[i].descriptor);
}

static int by_name(const struct schema *a, const struct schema *b)
{
	return strcmp(a->d->short_name, b->d->short_name);
}

static const ProtobufCMethodDescriptor *method_of(const struct api_route *r)
{
	return r->api ? protobuf_c_service_descriptor_get_method_by_name(r->api, r->rpc) : NULL;
}

static const ProtobufCMessageDescriptor *input_of(const struct api_route *r)
{
	return r->api ? method_of(r)->input : r->in;
}

static const ProtobufCMessageDescriptor *output_of(const struct api_route *r)
{
	return r->api ? method_of(r)->output : r->out;
}

static int has_body(const struct api_route *r)
{
	return input_of(r) && input_of(r)->n_fields && (yc_streq(r->method, "POST") || yc_streq(r->method, "PUT") || yc_streq(r->method, "PATCH"));
}

/* --- one operation ----------------------------------------------------------------------------------------------------------------------- */

static void sep(struct yc_buf *b, int *n)
{
	if ((*n)++)
		yc_buf_str(b, ",");
}

static void parameter(struct yc_buf *b, int *n, const char *name, size_t len, const char *in, const char *type)
{
	sep(b, n);
	yc_buf_printf(b, "{\"name\":\"%.*s\",\"in\":\"%s\",\"required\":%s,\"schema\":%s}", (int)len, name, in,
		      yc_streq(in, "path") || in[0] == 'H' ? "true" : "false", type);
}

/* The type of a query parameter, from the field that takes it. */
static const char *query_type(const struct api_route *r, const char *name, size_t len)
{
	const ProtobufCFieldDescriptor *f;
	char field[64];

	snprintf(field, sizeof(field), "%.*s", (int)len, name);
	f = input_of(r) ? protobuf_c_message_descriptor_get_field_by_name(input_of(r), field) : NULL;
	if (yc_streq(field, "limit"))
		return "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":25}";
	if (f && f->type == PROTOBUF_C_TYPE_BOOL)
		return "{\"type\":\"boolean\"}";
	if (f && f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_ENUM)
		return "{\"type\":\"integer\"}";
	return "{\"type\":\"string\"}";
}

static void header(struct yc_buf *b, int *n, const char *name, int required, const char *text)
{
	sep(b, n);
	yc_buf_printf(b, "{\"name\":\"%s\",\"in\":\"header\",\"required\":%s,\"description\":\"%s\",\"schema\":{\"type\":\"string\"}}", name,
		      required ? "true" : "false", text);
}

static void parameters(struct yc_buf *b, const struct api_route *r)
{
	const char *p;
	int n = 0;

	yc_buf_str(b, "\"parameters\":[");
	for (p = strchr(r->path, '{'); p; p = strchr(p + 1, '{'))
		parameter(b, &n, p + 1, strcspn(p + 1, "}"), "path", "{\"type\":\"string\"}");
	for (p = r->query; p && *p; p += strcspn(p, ","), p += *p == ',')
		parameter(b, &n, p, strcspn(p, ","), "query", query_type(r, p, strcspn(p, ",")));
	if (!yc_streq(r->method, "GET") && !(r->flags & F_OPEN))
		header(b, &n, "Idempotency-Key", (r->flags & F_IDEM) != 0, "kept for 24 h: the same key gives the same answer");
	if (r->flags & F_MATCH)
		header(b, &n, "If-Match", 1, "the ETag of what was read");
	if (r->flags & F_STREAM)
		header(b, &n, "Last-Event-ID", 0, "go on behind this event");
	yc_buf_str(b, "]");
}

static void problem(struct yc_buf *b, const char *status, const char *text)
{
	yc_buf_printf(b, ",\"%s\":{\"description\":\"%s\",\"content\":{\"application/problem+json\":{\"schema\":"
		      "{\"$ref\":\"#/components/schemas/Problem\"}}}}", status, text);
}

static void responses(struct yc_buf *b, const struct api_route *r)
{
	const ProtobufCMessageDescriptor *out = output_of(r);
	int is_empty = !r->media && (!out || !out->n_fields);

	yc_buf_printf(b, "\"responses\":{\"%s\":{\"description\":\"%s\"", is_empty ? "204" : (r->flags & F_CREATED) ? "201" : "200",
		      is_empty ? "done" : (r->flags & F_CREATED) ? "created" : "ok");
	if (r->media)
		yc_buf_printf(b, ",\"content\":{\"%s\":{}}", r->media);
	else if (!is_empty)
		yc_buf_printf(b, ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}", out->short_name);
	yc_buf_str(b, "}");
	problem(b, "400", "malformed");
	if (!(r->flags & F_OPEN)) {
		problem(b, "401", "no valid token");
		problem(b, "403", "not permitted");
	}
	if (strchr(r->path, '{'))
		problem(b, "404", "not found, or not for you to know");
	if (has_body(r)) {
		problem(b, "409", "wrong state");
		problem(b, "422", "a field is wrong");
	}
	if (r->flags & F_MATCH) {
		problem(b, "412", "changed since it was read");
		problem(b, "428", "If-Match is missing");
	}
	problem(b, "429", "too many requests");
	problem(b, "503", "the service behind is not there");
	yc_buf_str(b, "}");
}

/* "GET /v1/agents/{person_id}/state" -> "get_agents_person_id_state" */
static void operation_id(struct yc_buf *b, const struct api_route *r)
{
	const char *p = strncmp(r->path, "/v1/", 4) ? r->path + 1 : r->path + 4;

	for (const char *m = r->method; *m; m++)
		yc_buf_printf(b, "%c", *m | 32);
	yc_buf_str(b, "_");
	for (; *p; p++)
		if (!strchr("{}", *p))
			yc_buf_printf(b, "%c", strchr("/-.", *p) ? '_' : *p);
}

static void operation(struct yc_buf *b, const struct api_route *r)
{
	const char *tag = strncmp(r->path, "/v1/", 4) ? "service" : r->path + 4;

	for (const char *m = r->method; *m; m++)
		yc_buf_printf(b, "%s%c", m == r->method ? "\"" : "", *m | 32);
	yc_buf_printf(b, "\":{\"tags\":[\"%.*s\"],\"operationId\":\"", (int)strcspn(tag, "/."), tag);
	operation_id(b, r);
	yc_buf_str(b, "\",\"summary\":");
	yc_buf_json_str(b, r->zh);
	yc_buf_str(b, ",\"description\":");
	yc_buf_json_str(b, r->en);
	yc_buf_printf(b, ",\"security\":%s", (r->flags & F_OPEN) ? "[]" : "[{\"bearer\":[]},{\"session\":[]}]");
	if (r->scope)
		yc_buf_printf(b, ",\"x-scope\":\"%s\"", r->scope);
	if (r->roles) {
		char name[32];
		int n = 0;

		yc_buf_str(b, ",\"x-roles\":[");
		for (int i = PB__ROLE__ROLE_ADMIN; i <= PB__ROLE__ROLE_CUSTOMER; i++)
			if (r->roles & (1u << i)) {
				sep(b, &n);
				yc_buf_printf(b, "\"%s\"", yc_enum_name(&pb__role__descriptor, i, name, sizeof(name)));
			}
		yc_buf_str(b, "]");
	}
	yc_buf_str(b, ",");
	parameters(b, r);
	if (has_body(r))
		yc_buf_printf(b, ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}}",
			      input_of(r)->short_name);
	yc_buf_str(b, ",");
	responses(b, r);
	yc_buf_str(b, "}");
}

/* --- the document -------------------------------------------------------------------------------------------------------------------------- */

static int is_first_of_path(const struct api_route *r)
{
	for (const struct api_route *q = api_routes; q < r; q++)
		if (yc_streq(q->path, r->path))
			return 0;
	return 1;
}

static void paths(struct yc_buf *b)
{
	int n = 0;

	for (const struct api_route *r = api_routes; r->method; r++) {
		int m = 0;

		if (!is_first_of_path(r))
			continue;
		sep(b, &n);
		yc_buf_printf(b, "\n\"%s\":{", r->path);
		for (const struct api_route *q = r; q->method; q++)
			if (yc_streq(q->path, r->path)) {
				sep(b, &m);
				operation(b, q);
			}
		yc_buf_str(b, "}");
	}
}

static void schemas(struct yc_buf *b)
{
	struct schema *all = NULL, *s, *tmp;

	for (const struct api_route *r = api_routes; r->method; r++) {
		if (has_body(r))
			collect(&all, input_of(r));
		if (output_of(r) && output_of(r)->n_fields)
			collect(&all, output_of(r));
	}
	HASH_SORT(all, by_name);
	HASH_ITER(hh, all, s, tmp) {
		yc_buf_printf(b, ",\n\"%s\":", s->d->short_name);
		yc_json_schema(b, s->d);
		HASH_DEL(all, s);
		yc_xfree(s);
	}
}

void api_openapi_write(struct yc_buf *out)
{
	yc_buf_str(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"一窗 Yichuang\",\"version\":\"1\",\"description\":\"综合客服平台接口 / "
		   "REST interface of the contact-centre platform. Errors are RFC 9457 problems; lists go by cursor; events come by SSE.\"},"
		   "\"servers\":[{\"url\":\"/\"}],\"paths\":{");
	paths(out);
	yc_buf_str(out, "\n},\"components\":{\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
		   "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"yc_session\"}},\"schemas\":{\n"
		   "\"Problem\":{\"type\":\"object\",\"properties\":{\"type\":{\"type\":\"string\"},\"title\":{\"type\":\"string\"},"
		   "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},\"instance\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},"
		   "\"trace_id\":{\"type\":\"string\"},\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
		   "\"pointer\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},\"detail\":{\"type\":\"string\"}}}}}}");
	schemas(out);
	yc_buf_str(out, "\n}}}\n");
}

void api_on_openapi(struct api_ctx *x)
{
	http_out(x->r, "Content-Type", "application/json");
	api_openapi_write(&x->r->reply);
	api_send(x, 200);
}
