/* What every service answers: health, metrics, its events for whoever missed some, its blobs. (Import: import.c.) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node_impl.h"
#include "yc/clock.h"

enum { BLOB_READ_MAX = 256 << 10 };

static enum yc_code on_health(struct yc_req *rq, const void *in, void *vout, struct yc_err *e)
{
	struct yc_node *n = rq->node;
	Pb__HealthReply *out = vout;
	const char *why = n->svc->health ? n->svc->health(n, n->self) : NULL;

	if (n->is_draining)
		why = "going down";
	out->instance = n->instance;
	out->service = (char *)n->svc->name;
	out->version = YC_VERSION;
	out->started_at = n->started_at;
	out->ready = why == NULL;
	out->detail = why ? yc_strdup(rq->arena, why) : "";
	out->boot = n->boot;
	out->pid = getpid();
	return YC_OK;
}

static enum yc_code on_metrics(struct yc_req *rq, const void *in, void *vout, struct yc_err *e)
{
	Pb__MetricsReply *out = vout;
	char *text = NULL, label[YC_WIRE_NAME_MAX + 16];
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (!f)
		return yc_fail(e, YC_INTERNAL, NULL, "no memory for the metrics");
	snprintf(label, sizeof label, "instance=\"%s\"", rq->node->instance);
	yc_metrics_print(f, label);
	fclose(f);
	out->text = yc_strndup(rq->arena, text, n);
	free(text);
	return out->text ? YC_OK : yc_fail(e, YC_TOO_LARGE, NULL, "no room for the metrics");
}

/* --- events ------------------------------------------------------------------------------------------------------------------ */

struct gap { struct yc_req *rq; Pb__EventsReply *out; size_t bytes, cap; };

static int add_event(void *arg, const void *p, size_t n)
{
	struct gap *g = arg;
	Pb__Event *ev;

	if (g->out->n_events == g->cap || (g->bytes && g->bytes + n > NODE_GAP_BYTES))
		return 1;
	ev = pb__event__unpack(yc_arena_pb(g->rq->arena), n, p);
	if (!ev)
		return 1;
	g->bytes += n;
	g->out->events[g->out->n_events++] = ev;
	return 0;
}

static enum yc_code on_events(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct yc_node *n = rq->node;
	const Pb__EventsReq *in = vin;
	struct gap g = { .rq = rq, .out = vout, .cap = in->limit > 0 && in->limit < NODE_GAP_ROWS ? (size_t)in->limit : NODE_GAP_ROWS };
	const char *inc = *in->incarnation ? in->incarnation : n->out.incarnation;
	int64_t committed = n->async ? outbox_async_box(n->async)->committed : n->out.committed;
	enum yc_code code;

	if (!n->db)
		return yc_fail(e, YC_UNIMPLEMENTED, NULL, "%s has no events", n->svc->name);
	g.out->incarnation = (char *)inc;
	code = node_store_outbox_range(&n->store, n->out.source, inc, &g.out->oldest, &g.out->head, e);
	if (code)
		return code;
	/* Of this turn's events nobody knows yet whether they will be kept. */
	if (strcmp(inc, n->out.incarnation) == 0 && g.out->head > committed)
		g.out->head = committed;
	if (g.out->oldest > g.out->head)
		g.out->oldest = 0;
	g.out->events = yc_alloc(rq->arena, g.cap * sizeof *g.out->events);
	if (!g.out->events)
		return yc_fail(e, YC_TOO_LARGE, NULL, "no room for events");
	return node_store_outbox_read(&n->store, n->out.source, inc, in->after, g.out->head, (int64_t)g.cap, add_event, &g, e);
}

/* --- blobs ------------------------------------------------------------------------------------------------------------------- */

static enum yc_code on_blob_read(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__BlobReadReq *in = vin;
	Pb__BlobReadReply *out = vout;
	struct yc_blobs *blobs = rq->node->blobs;
	size_t n = in->limit > 0 && in->limit < BLOB_READ_MAX ? (size_t)in->limit : BLOB_READ_MAX;
	struct yc_blob_meta meta;
	enum yc_code code;

	if (!blobs)
		return yc_fail(e, YC_UNIMPLEMENTED, NULL, "%s has no blobs", rq->node->svc->name);
	if (in->offset < 0)
		return yc_fail(e, YC_INVALID, "offset", "an offset is not negative");
	code = yc_blob_get(blobs, in->id, &meta, e);
	if (code)
		return code;
	out->data.data = yc_alloc(rq->arena, n);
	out->id = yc_strdup(rq->arena, meta.id);
	out->media_type = yc_strdup(rq->arena, meta.media_type);
	out->sha256 = yc_strdup(rq->arena, meta.sha256);
	out->matter_id = yc_strdup(rq->arena, meta.matter_id);
	if (!out->data.data || !out->matter_id)
		return yc_fail(e, YC_TOO_LARGE, NULL, "no room for the answer");
	out->size = meta.size;
	return yc_blob_read(blobs, in->id, in->offset, out->data.data, n, &out->data.len, e);
}

const struct yc_rpc node_builtin_rpcs[] = {
	{ "Health", on_health, YC_ANYBODY, YC_RPC_READ, 1000 },
	{ "Metrics", on_metrics, YC_ROLE(ADMIN), YC_RPC_READ, 1000 },
	{ "Events", on_events, YC_SERVICES, YC_RPC_READ, 2000 },
	{ "BlobRead", on_blob_read, YC_SERVICES, YC_RPC_READ, 5000 },
	{ "Import", node_on_import, YC_ROLE(ADMIN), YC_RPC_DO, 30000 },
	{ 0 },
};
