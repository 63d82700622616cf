/* The description of the REST interface against the tables it comes from. */
#include "yct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/api.h"
#include "yc/text.h"

static json_t *described(void)
{
	struct yc_buf b = { 0 };
	json_error_t why;
	json_t *doc;

	api_openapi_write(&b);
	doc = json_loadb(b.p, b.n, JSON_REJECT_DUPLICATES, &why);
	if (!doc)
		printf("  %s at %d:%d\n", why.text, why.line, why.column);
	yc_buf_free(&b);
	return doc;
}

static json_t *operation(json_t *doc, const struct api_route *r)
{
	char method[16];

	for (size_t i = 0; i <= strlen(r->method); i++)
		method[i] = r->method[i] ? (char)(r->method[i] | 32) : '\0';
	return json_object_get(json_object_get(json_object_get(doc, "paths"), r->path), method);
}

static int requires(json_t *op, const char *header)
{
	json_t *p;
	size_t i;

	json_array_foreach(json_object_get(op, "parameters"), i, p)
		if (yc_streq(json_string_value(json_object_get(p, "name")), header) && yc_streq(json_string_value(json_object_get(p, "in")), "header"))
			return json_is_true(json_object_get(p, "required"));
	return 0;
}

static void every_route_is_described_with_scope_and_both_languages(void)
{
	json_t *doc = described();

	CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
	YCT_STR(json_string_value(json_object_get(doc, "openapi")), "3.1.0");
	for (const struct api_route *r = api_routes; r->method; r++) {
		json_t *op = operation(doc, r);

		CU_ASSERT_PTR_NOT_NULL_FATAL(op);
		YCT_STR(json_string_value(json_object_get(op, "summary")), r->zh);
		YCT_STR(json_string_value(json_object_get(op, "description")), r->en);
		if (r->scope)
			YCT_STR(json_string_value(json_object_get(op, "x-scope")), r->scope);
		if (r->flags & F_IDEM)
			CU_ASSERT(requires(op, "Idempotency-Key"));
		if (r->flags & F_MATCH)
			CU_ASSERT(requires(op, "If-Match"));
	}
	json_decref(doc);
}

/* Each "$ref" leads somewhere. */
static void check_refs(json_t *doc, json_t *v)
{
	const char *key;
	size_t i;
	json_t *x;

	json_object_foreach(v, key, x) {
		const char *to = yc_streq(key, "$ref") ? strrchr(json_string_value(x), '/') + 1 : NULL;

		if (to && !json_object_get(json_object_get(json_object_get(doc, "components"), "schemas"), to)) {
			printf("  no schema %s\n", to);
			CU_FAIL("a reference leads nowhere");
		}
		check_refs(doc, x);
	}
	if (json_is_array(v))
		json_array_foreach(v, i, x)
			check_refs(doc, x);
}

static void every_reference_leads_to_a_schema_and_operation_ids_differ(void)
{
	json_t *doc = described(), *seen = json_object();
	int n = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
	check_refs(doc, doc);
	for (const struct api_route *r = api_routes; r->method; r++, n++)
		json_object_set_new(seen, json_string_value(json_object_get(operation(doc, r), "operationId")), json_true());
	CU_ASSERT_EQUAL((int)json_object_size(seen), n);
	json_decref(seen);
	json_decref(doc);
}

static void every_field_that_a_route_names_exists(void)
{
	for (const struct api_route *r = api_routes; r->method; r++) {
		const ProtobufCMethodDescriptor *m;
		char name[64];

		if (!r->api)
			continue;
		m = protobuf_c_service_descriptor_get_method_by_name(r->api, r->rpc);
		if (!m)
			printf("  %s %s: no such RPC %s\n", r->method, r->path, r->rpc);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		for (const char *p = strchr(r->path, '{'); p; p = strchr(p + 1, '{')) {
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(p + 1, "}"), p + 1);
			CU_ASSERT_PTR_NOT_NULL(protobuf_c_message_descriptor_get_field_by_name(m->input, name));
		}
		for (const char *p = r->query; p && *p; p += strcspn(p, ","), p += *p == ',') {
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(p, ","), p);
			if (!protobuf_c_message_descriptor_get_field_by_name(m->input, name))
				printf("  %s %s: no field %s\n", r->method, r->path, name);
			CU_ASSERT_PTR_NOT_NULL(protobuf_c_message_descriptor_get_field_by_name(m->input, name));
		}
	}
}

/* `make openapi` writes it; whoever changes a route or a message commits both. */
static void the_file_in_docs_is_current(void)
{
	struct yc_buf b = { 0 };
	FILE *f = fopen("docs/openapi.json", "rb");
	char *text;
	long n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	text = malloc((size_t)n + 1);
	CU_ASSERT_EQUAL_FATAL(fread(text, 1, (size_t)n, f), (size_t)n);
	text[n] = '\0';
	fclose(f);
	api_openapi_write(&b);
	if (b.n != (size_t)n || memcmp(b.p, text, b.n))
		printf("  docs/openapi.json is out of date: run `make openapi`\n");
	CU_ASSERT_EQUAL(b.n, (size_t)n);
	CU_ASSERT(b.n == (size_t)n && !memcmp(b.p, text, b.n));
	free(text);
	yc_buf_free(&b);
}

YCT_MAIN("api_openapi", T(every_route_is_described_with_scope_and_both_languages), T(every_reference_leads_to_a_schema_and_operation_ids_differ),
	 T(every_field_that_a_route_names_exists), T(the_file_in_docs_is_current))
