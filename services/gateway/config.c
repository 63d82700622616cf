/* Numbers, flows and trunks: imported, stored as JSON, handed to the signalling thread. */
#include <string.h>

#include "gateway.h"
#include "rule_ivr.h"
#include "rule_trunk.h"
#include "yc/log.h"
#include "yc/text.h"

static void push_number(struct gw_self *g, const Pb__Number *x)
{
	struct gw_msg *m = gw_msg_new(GW_DOWN_NUMBER, "", 256);

	m->u.number.number = gw_text(m, x->number);
	m->u.number.flow = gw_text(m, x->flow);
	m->u.number.number_class = gw_text(m, x->class_);
	m->u.number.record = x->record;
	gw_down(g, &m);
}

static enum yc_code push_flow(struct gw_self *g, const Pb__FlowDoc *x, struct yc_err *e)
{
	struct gw_msg *m;
	struct ivr_flow *f = NULL;

	if (ivr_flow_new(&f, x, e))
		return e->code;
	m = gw_msg_new(GW_DOWN_FLOW, "", 0);
	m->u.flow.flow = f;
	gw_down(g, &m);
	return YC_OK;
}

static void push_trunk(struct gw_self *g, const Pb__Trunk *x)
{
	struct gw_msg *m = gw_msg_new(GW_DOWN_TRUNK, "", 4096);
	struct yc_buf all = { 0 };

	for (size_t i = 0; i < x->n_addresses; i++)
		yc_buf_printf(&all, "%s%s", i ? " " : "", x->addresses[i]);
	m->u.trunk_conf.name = gw_text(m, x->name);
	m->u.trunk_conf.addresses = gw_text(m, all.p);
	m->u.trunk_conf.proxy = gw_text(m, x->proxy);
	m->u.trunk_conf.register_uri = gw_text(m, x->register_uri);
	m->u.trunk_conf.user = gw_text(m, x->user);
	m->u.trunk_conf.password = gw_text(m, x->password);
	m->u.trunk_conf.expires_s = x->register_expires_s;
	gw_down(g, &m);
	yc_buf_free(&all);
}

/* --- import ---------------------------------------------------------------------------------------------------------------------- */

/* The stored document of this key; *was NULL when there is none. */
static enum yc_code load(struct yc_req *rq, int kind, const char *key, const ProtobufCMessageDescriptor *d, void **was, struct yc_err *e)
{
	char *json;
	int64_t version;

	*was = NULL;
	if (gw_store_doc(yc_req_node(rq), kind, key, yc_req_arena(rq), &json, &version, e))
		return e->code;
	return json ? yc_json_read(yc_req_arena(rq), d, json, strlen(json), was, e) : YC_OK;
}

static enum yc_code save(struct yc_req *rq, int kind, const char *key, const ProtobufCMessage *msg, int64_t version, struct yc_err *e)
{
	struct yc_buf b = { 0 };
	enum yc_code code;

	yc_json_write(&b, msg);
	code = gw_store_doc_put(yc_req_node(rq), kind, key, b.p, version, e);
	yc_buf_free(&b);
	return code;
}

/* CREATE, SAME or UPDATE, with the differences. */
static int compare(struct yc_buf *diff, const ProtobufCMessage *was, const ProtobufCMessage *now, const char *const *ignore)
{
	if (!was)
		return PB__IMPORT_ACTION__IMPORT_ACTION_CREATE;
	return yc_json_diff(diff, was, now, ignore) ? PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE : PB__IMPORT_ACTION__IMPORT_ACTION_SAME;
}

static enum yc_code check_name(const char *name, const char *field, size_t max, struct yc_err *e)
{
	if (yc_is_empty(name))
		return yc_fail(e, YC_INVALID, field, "must not be empty");
	return strlen(name) < max ? YC_OK : yc_fail(e, YC_INVALID, field, "at most %zu bytes", max - 1);
}

static const char *const ignore_version[] = { "version", NULL };

static enum yc_code apply_number(struct yc_req *rq, void *msg, int dry, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	Pb__Number *x = msg, *was;

	yc_copy(key, 128, x->number);
	if (check_name(x->number, "number", 32, e) || check_name(x->flow, "flow", 64, e) || load(rq, STORE_NUMBER, key, &pb__number__descriptor, (void **)&was, e))
		return e->code;
	*action = compare(diff, was ? &was->base : NULL, &x->base, ignore_version);
	if (dry || *action == PB__IMPORT_ACTION__IMPORT_ACTION_SAME)
		return YC_OK;
	x->version = was ? was->version + 1 : 1;
	if (save(rq, STORE_NUMBER, key, &x->base, x->version, e))
		return e->code;
	push_number(yc_req_self(rq), x);
	return YC_OK;
}

static enum yc_code apply_flow(struct yc_req *rq, void *msg, int dry, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	Pb__FlowDoc *x = msg, *was;

	yc_copy(key, 128, x->name);
	if (check_name(x->name, "name", 64, e) || ivr_flow_check(x, e) || load(rq, STORE_FLOW, key, &pb__flow_doc__descriptor, (void **)&was, e))
		return e->code;
	*action = compare(diff, was ? &was->base : NULL, &x->base, ignore_version);
	if (dry || *action == PB__IMPORT_ACTION__IMPORT_ACTION_SAME)
		return YC_OK;
	x->version = was ? was->version + 1 : 1;
	if (save(rq, STORE_FLOW, key, &x->base, x->version, e))
		return e->code;
	return push_flow(yc_req_self(rq), x, e);
}

static enum yc_code check_trunk(const Pb__Trunk *x, struct yc_err *e)
{
	struct trunk_net net;

	if (check_name(x->name, "name", 64, e))
		return e->code;
	if (x->n_addresses > 32)
		return yc_fail(e, YC_INVALID, "addresses", "at most 32");
	for (size_t i = 0; i < x->n_addresses; i++)
		if (trunk_net_parse(&net, x->addresses[i], e))
			return e->code;
	if (!yc_is_empty(x->register_uri) && strncmp(x->register_uri, "sip:", 4))
		return yc_fail(e, YC_INVALID, "register_uri", "must begin with sip:");
	if (!yc_is_empty(x->register_uri) && yc_is_empty(x->user))
		return yc_fail(e, YC_INVALID, "user", "registering needs a user");
	if (strlen(x->user) >= 64 || strlen(x->password) >= 128 || strlen(x->register_uri) >= 128)
		return yc_fail(e, YC_INVALID, "user", "user, password or register_uri is too long");
	return YC_OK;
}

static enum yc_code apply_trunk(struct yc_req *rq, void *msg, int dry, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	static const char *const ignore[] = { "version", "password", NULL };
	Pb__Trunk *x = msg, *was;

	yc_copy(key, 128, x->name);
	if (check_trunk(x, e) || load(rq, STORE_TRUNK, key, &pb__trunk__descriptor, (void **)&was, e))
		return e->code;
	*action = compare(diff, was ? &was->base : NULL, &x->base, ignore);
	if (was && !yc_streq(was->password, x->password)) {
		yc_buf_str(diff, "password: changed\n");
		*action = PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE;
	}
	if (dry || *action == PB__IMPORT_ACTION__IMPORT_ACTION_SAME)
		return YC_OK;
	x->version = was ? was->version + 1 : 1;
	if (save(rq, STORE_TRUNK, key, &x->base, x->version, e))
		return e->code;
	push_trunk(yc_req_self(rq), x);
	return YC_OK;
}

const struct yc_import_kind gw_config_kinds[] = {
	{ "number", &pb__number__descriptor, apply_number },
	{ "flow", &pb__flow_doc__descriptor, apply_flow },
	{ "trunk", &pb__trunk__descriptor, apply_trunk },
	{ 0 },
};

/* --- at start ---------------------------------------------------------------------------------------------------------------------- */

struct loading { struct gw_self *g; struct yc_arena *a; };

static enum yc_code load_number(void *arg, const char *json, struct yc_err *e)
{
	struct loading *l = arg;
	void *x;

	yc_arena_reset(l->a);
	if (yc_json_read(l->a, &pb__number__descriptor, json, strlen(json), &x, e))
		return e->code;
	push_number(l->g, x);
	return YC_OK;
}

static enum yc_code load_flow(void *arg, const char *json, struct yc_err *e)
{
	struct loading *l = arg;
	void *x;

	yc_arena_reset(l->a);
	if (yc_json_read(l->a, &pb__flow_doc__descriptor, json, strlen(json), &x, e) || push_flow(l->g, x, e)) {
		/* stored by an older version with other rules: the rest of the centre must start all the same */
		yc_error("a stored flow is of no use any more: %s: %s", e->field, e->msg);
		*e = (struct yc_err){ 0 };
	}
	return YC_OK;
}

static enum yc_code load_trunk(void *arg, const char *json, struct yc_err *e)
{
	struct loading *l = arg;
	void *x;

	yc_arena_reset(l->a);
	if (yc_json_read(l->a, &pb__trunk__descriptor, json, strlen(json), &x, e))
		return e->code;
	push_trunk(l->g, x);
	return YC_OK;
}

enum yc_code gw_config_load(struct gw_self *g, struct yc_err *e)
{
	struct loading l = { g, yc_arena_new(4 << 20) };
	enum yc_code code = gw_store_each(g->node, STORE_FLOW, load_flow, &l, e);

	if (!code)
		code = gw_store_each(g->node, STORE_NUMBER, load_number, &l, e);
	if (!code)
		code = gw_store_each(g->node, STORE_TRUNK, load_trunk, &l, e);
	yc_arena_free(&l.a);
	return code;
}
