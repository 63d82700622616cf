#include "yct_ask.h"

#include <string.h>

#include "yct.h"

struct answer { struct yct_client *c; const ProtobufCMessageDescriptor *d; void *out; int is_done; };

void yct_client_open(struct yct_client *c, const char *endpoint)
{
	memset(c, 0, sizeof(*c));
	c->l = yc_loop_new();
	c->a = yc_arena_new(64u << 20);
	YCT_OK(yc_bus_open(&c->b, c->l, &(struct yc_bus_conf){ .endpoint = endpoint }, NULL, NULL, NULL, yct_err()));
}

void yct_client_close(struct yct_client *c)
{
	yc_bus_close(&c->b);
	yc_loop_free(&c->l);
	yc_arena_free(&c->a);
}

static void on_answer(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct answer *x = arg;
	uint8_t *raw;
	size_t n;

	x->is_done = 1;
	x->c->code = code;
	memset(&x->c->e, 0, sizeof(x->c->e));
	if (code) {
		x->c->e = *e;
		return;
	}
	n = protobuf_c_message_get_packed_size(msg);
	raw = yc_alloc(x->c->a, n + 1);
	protobuf_c_message_pack(msg, raw);
	x->out = protobuf_c_message_unpack(x->d, yc_arena_pb(x->c->a), n, raw);
}

void *yct_ask(struct yct_client *c, const char *service, const ProtobufCServiceDescriptor *api, const char *method, const void *in,
	      const Pb__Principal *as, const char *request_id)
{
	struct answer x = { .c = c, .d = protobuf_c_service_descriptor_get_method_by_name(api, method)->output };

	yc_bus_call(c->b, &(struct yc_call){ .service = service, .api = api, .method = method, .in = in, .as = as, .request_id = request_id,
			.timeout_ms = 15000, .fn = on_answer, .arg = &x });
	while (!x.is_done)
		yc_loop_once(c->l, 100);
	return x.out;
}

Pb__ImportChange *yct_import(struct yct_client *c, const char *service, const char *kind, const char *json, int dry_run)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem item = PB__IMPORT_ITEM__INIT, *items[] = { &item };
	Pb__ImportReply *r;

	item.kind = (char *)kind;
	item.json = (char *)json;
	in.items = items;
	in.n_items = 1;
	in.dry_run = dry_run;
	r = yct_ask(c, service, &pb__node__descriptor, "Import", &in, NULL, NULL);
	if (!r)
		yct_explain(json, c->code, &c->e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL_FATAL(r->n_changes, 1);
	return r->changes[0];
}
