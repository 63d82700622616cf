/* Node.Import: business configuration as data. All items or none: with one error nothing is changed, and all errors are told at once. */
#include <stdio.h>
#include <string.h>

#include "node_impl.h"
#include "yc/text.h"

static const struct yc_import_kind *kind_of(const struct yc_node *n, const char *kind)
{
	for (const struct yc_import_kind *k = n->svc->imports; k && k->kind; k++)
		if (strcmp(k->kind, kind) == 0)
			return k;
	return NULL;
}

/* In a unit of its own: a statement that fails spoils this item, not the report on the others. */
static enum yc_code apply(struct yc_req *rq, const Pb__ImportItem *item, int dry_run, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	const struct yc_import_kind *k = kind_of(rq->node, item->kind);
	struct yc_err ignored = { 0 };
	enum yc_code code, kept = YC_OK;
	void *msg;

	if (!k)
		return yc_fail(e, YC_INVALID, "kind", "%s takes no \"%.60s\"", rq->node->svc->name, item->kind);
	code = yc_json_read(rq->arena, k->d, item->json, strlen(item->json), &msg, e);
	if (code)
		return code;
	if (rq->node->db)
		yc_db_unit_begin(rq->node->db);
	code = k->apply(rq, msg, dry_run, key, action, diff, e);
	if (rq->node->db)
		kept = yc_db_unit_end(rq->node->db, code == YC_OK && !dry_run, code ? &ignored : e);
	return code ? code : kept;
}

static Pb__ImportChange *one(struct yc_req *rq, const Pb__ImportItem *item, int dry_run)
{
	Pb__ImportChange *c = yc_pb_new(rq->arena, &pb__import_change__descriptor);
	struct yc_buf diff = { 0 };
	struct yc_err e = { 0 };
	char key[128] = "";
	int action = PB__IMPORT_ACTION__IMPORT_ACTION_SAME;

	if (!c)
		return NULL;
	if (apply(rq, item, dry_run, key, &action, &diff, &e)) {
		c->action = PB__IMPORT_ACTION__IMPORT_ACTION_ERROR;
		c->field = yc_strdup(rq->arena, e.field);
		c->message = yc_strdup(rq->arena, e.msg);
	} else {
		c->action = (Pb__ImportAction)action;
		c->message = diff.n ? yc_strndup(rq->arena, diff.p, diff.n) : "";
	}
	c->kind = item->kind;
	c->key = yc_strdup(rq->arena, key);
	yc_buf_free(&diff);
	return c->key && c->message ? c : NULL;
}

enum yc_code node_on_import(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ImportReq *in = vin;
	Pb__ImportReply *out = vout;

	if (!rq->node->svc->imports)
		return yc_fail(e, YC_UNIMPLEMENTED, NULL, "%s takes no configuration", rq->node->svc->name);
	out->changes = yc_alloc(rq->arena, (in->n_items + 1) * sizeof *out->changes);
	for (size_t i = 0; i < in->n_items && out->changes; i++) {
		Pb__ImportChange *c = one(rq, in->items[i], in->dry_run);

		if (!c)
			return yc_fail(e, YC_TOO_LARGE, "items", "too much for one import");
		c->item = (int32_t)i;
		out->errors += c->action == PB__IMPORT_ACTION__IMPORT_ACTION_ERROR;
		out->changes[out->n_changes++] = c;
	}
	if (!out->changes)
		return yc_fail(e, YC_TOO_LARGE, "items", "too much for one import");
	if (out->errors || in->dry_run)
		rq->node->unit_undo = 1;
	rq->is_undone = out->errors && !in->dry_run;
	return YC_OK;
}
