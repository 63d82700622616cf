/* A route's RPC: input from path, query, headers and body by reflection; the reply likewise. */
#include "api.h"

#include "rule_http.h"

#include "yc/crypto.h"
#include "yc/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CALL_MS 10000

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d, const char *name)
{
	return protobuf_c_message_descriptor_get_field_by_name(d, name);
}

static int64_t *int64_field(const ProtobufCMessage *m, const char *name)
{
	const ProtobufCFieldDescriptor *f = field_of(m->descriptor, name);

	return f && f->type == PROTOBUF_C_TYPE_INT64 && f->label != PROTOBUF_C_LABEL_REPEATED ? (int64_t *)((char *)m + f->offset) : NULL;
}

static char *string_field(const ProtobufCMessage *m, const char *name)
{
	const ProtobufCFieldDescriptor *f = field_of(m->descriptor, name);

	return f && f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED ? *(char **)((char *)m + f->offset) : NULL;
}

int64_t api_version_of(const ProtobufCMessage *msg)
{
	int64_t *v = int64_field(msg, "version");

	if (v)
		return *v;
	for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];

		if (f->type == PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED) {
			const ProtobufCMessage *sub = *(ProtobufCMessage *const *)((const char *)msg + f->offset);

			v = sub ? int64_field(sub, "version") : NULL;
			return v ? *v : 0;
		}
	}
	return 0;
}

/* --- input --------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code from_body(struct api_ctx *x, const ProtobufCMessageDescriptor *d, void **in, struct yc_err *e)
{
	*in = NULL;
	if (x->r->n_body)
		return yc_json_read(api_arena(x), d, x->r->body, x->r->n_body, in, e);
	*in = yc_pb_new(api_arena(x), d);
	return *in ? YC_OK : yc_fail(e, YC_TOO_LARGE, NULL, "the request is too large");
}

/* What the address, the headers or the session say must not be said again in the body. */
static enum yc_code no_double_talk(struct api_ctx *x, const ProtobufCMessage *in, struct yc_err *e)
{
	int64_t *version = int64_field(in, "if_version");

	for (int i = 0; i < x->n_params; i++) {
		const char *was = string_field(in, x->params[i].name);

		if (!yc_is_empty(was) && !yc_streq(was, x->params[i].value))
			return yc_fail(e, YC_INVALID, x->params[i].name, "differs from the address");
	}
	if ((x->route->flags & F_OWN) && !yc_is_empty(string_field(in, "person_id")))
		return yc_fail(e, YC_INVALID, "person_id", "must not be given here: it is you");
	if (version && *version)
		return yc_fail(e, YC_INVALID, "if_version", "is given by the header If-Match");
	return YC_OK;
}

/* What the route itself says; and PUT replaces the whole, so that it does not matter which keys were present. */
static enum yc_code from_route(struct api_ctx *x, ProtobufCMessage *in, struct yc_err *e)
{
	const ProtobufCFieldDescriptor *f = field_of(in->descriptor, "fields");
	const char *eq = x->route->set ? strchr(x->route->set, '=') : NULL;
	char name[32];

	if (f && f->label == PROTOBUF_C_LABEL_REPEATED && yc_streq(x->r->method, "PUT"))
		*(size_t *)((char *)in + f->quantifier_offset) = 0;
	if (!eq)
		return YC_OK;
	snprintf(name, sizeof(name), "%.*s", (int)(eq - x->route->set), x->route->set);
	return yc_json_set(api_arena(x), in, name, eq + 1, e);
}

static enum yc_code limit_ok(struct api_ctx *x, ProtobufCMessage *in, struct yc_err *e)
{
	const ProtobufCFieldDescriptor *f = field_of(in->descriptor, "limit");
	int32_t *v = f && f->type == PROTOBUF_C_TYPE_INT32 ? (int32_t *)((char *)in + f->offset) : NULL;

	if (!v || !(x->route->flags & F_LIST))
		return YC_OK;
	if (api_query(x, "limit") && (*v < 1 || *v > 100))
		return yc_fail(e, YC_INVALID, "query.limit", "must be 1 to 100");
	if (!*v)
		*v = 25;
	return YC_OK;
}

enum yc_code api_read_input(struct api_ctx *x, const ProtobufCMessageDescriptor *d, void **out, struct yc_err *e)
{
	ProtobufCMessage *in;
	int64_t *version;
	enum yc_code c = from_body(x, d, out, e);

	if (c || (c = no_double_talk(x, *out, e)))
		return c;
	in = *out;
	for (int i = 0; i < x->n_params; i++)
		if (field_of(d, x->params[i].name) && (c = yc_json_set(api_arena(x), in, x->params[i].name, x->params[i].value, e)))
			return c;
	for (int i = 0; i < x->r->n_query; i++)
		if (field_of(d, x->r->query[i].name) && (c = yc_json_set(api_arena(x), in, x->r->query[i].name, x->r->query[i].value, e))) {
			(void)yc_err_in(e, "query");
			return c;
		}
	version = int64_field(in, "if_version");
	if (!version)
		version = int64_field(in, "version");
	if (version && x->r->h[H_IF_MATCH])
		*version = api_if_match(x->r->h[H_IF_MATCH]);
	c = from_route(x, in, e);
	return c ? c : limit_ok(x, in, e);
}

/* --- the call -------------------------------------------------------------------------------------------------------------------------- */

const Pb__Principal *api_principal(struct api_ctx *x)
{
	Pb__Principal *p = x->who->t->principal;

	if (x->r->h[H_ON_BEHALF_OF]) {
		p = yc_memdup(api_arena(x), p, sizeof(*p));
		p->on_behalf_of = (char *)x->r->h[H_ON_BEHALF_OF];
	}
	return p;
}

/* The same person, route and key give the same request id, whichever api instance is asked. */
void api_idempotency_id(struct api_ctx *x, char out[65])
{
	char *text = yc_sprintf(api_arena(x), "%s\n%s %s\n%s", x->who->t->principal->person_id, x->r->method, x->r->path, x->r->h[H_IDEMPOTENCY_KEY]);

	yc_sha256_hex(text ? text : "", text ? strlen(text) : 0, out);
	out[40] = '\0';
}

static void add_link(struct api_ctx *x, const ProtobufCMessage *msg)
{
	const char *cursor = string_field(msg, "next_cursor");
	struct yc_buf b = { 0 };

	if (yc_is_empty(cursor))
		return;
	yc_buf_printf(&b, "<%s?", x->r->path);
	for (int i = 0; i < x->r->n_query; i++)
		if (!yc_streq(x->r->query[i].name, "starting_after")) {
			yc_buf_printf(&b, "%s=", x->r->query[i].name);
			api_escape(&b, x->r->query[i].value);
			yc_buf_str(&b, "&");
		}
	yc_buf_str(&b, "starting_after=");
	api_escape(&b, cursor);
	yc_buf_str(&b, ">; rel=\"next\"");
	http_out(x->r, "Link", yc_strndup(api_arena(x), b.p, b.n));
	yc_buf_free(&b);
}

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct api_ctx *x = arg;
	const ProtobufCMessage *m = msg;
	const char *id;

	if (code || !x->r) {
		api_fail(x, code, e);
		return;
	}
	if (!m->descriptor->n_fields) {
		api_send(x, 204);
		return;
	}
	if (x->route->flags & F_LIST)
		add_link(x, m);
	id = (x->route->flags & F_CREATED) ? string_field(m, "id") : NULL;
	if (!yc_is_empty(id))
		http_out(x->r, "Location", yc_sprintf(api_arena(x), "%s/%s", x->r->path, id));
	api_send_json(x, (x->route->flags & F_CREATED) ? 201 : 200, m);
}

/* Whoever acts in another's name leaves a trace of it. */
static enum yc_code note_behalf(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct api_ctx *x = arg;
	Pb__Audited ev = PB__AUDITED__INIT;

	ev.actor = x->who->t->principal->person_id;
	ev.actor_name = x->who->t->principal->name;
	ev.action = "behalf.act";
	ev.object = (char *)x->r->h[H_ON_BEHALF_OF];
	ev.detail = yc_sprintf(api_arena(x), "%s %s", x->r->method, x->r->path);
	return yc_emit(n, "audit.behalf", "", ev.object, &ev, e);
}

void api_call(struct api_ctx *x)
{
	const struct api_route *r = x->route;
	const ProtobufCMethodDescriptor *d = protobuf_c_service_descriptor_get_method_by_name(r->api, r->rpc);
	struct yc_call call = { .service = r->service, .api = r->api, .method = r->rpc, .timeout_ms = CALL_MS, .traceparent = x->trace,
				.fn = on_reply, .arg = x };
	char id[65];
	void *in;
	struct yc_err e = { 0 };
	enum yc_code c = api_read_input(x, d->input, &in, &e);

	if (c == YC_OK && x->r->h[H_ON_BEHALF_OF] && !yc_streq(r->method, "GET"))
		c = yc_node_do(x->api->n, note_behalf, x, &e);
	if (c) {
		api_fail(x, c, &e);
		return;
	}
	if (x->r->h[H_IDEMPOTENCY_KEY] && !yc_streq(r->method, "GET")) {
		api_idempotency_id(x, id);
		call.request_id = id;
	}
	call.in = in;
	call.as = api_principal(x);
	call.retries = yc_streq(r->method, "GET") || call.request_id ? 1 : 0;
	yc_node_call(x->api->n, &call);
}
