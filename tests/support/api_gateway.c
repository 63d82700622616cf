/* A gateway for tests of the REST interface: a real node with store and outbox in a child process, whose calls are made up. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api_world.h"
#include "yc/blob.h"
#include "yc/id.h"
#include "yc/log.h"
#include "yc/node.h"
#include "yc/text.h"
#include "yc/v1/gateway.pb-c.h"

struct fake { struct yc_blobs *blobs; char folder[400], blob[YC_ID_LEN]; };

static enum yc_code on_nothing(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	return YC_OK;
}

/* Shows what came through: who asks, on whose behalf, under which trace. */
static enum yc_code on_get(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__CallReq *in = vin;
	Pb__Call *out = vout;
	const Pb__Principal *who = yc_req_who(rq);

	out->id = in->id;
	out->agent_id = who->person_id;
	out->state = who->on_behalf_of;
	out->gateway = (char *)yc_req_trace(rq);
	out->queue = who->org_path;
	return YC_OK;
}

static enum yc_code on_list(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ListReq *in = vin;
	Pb__Calls *out = vout;
	int first = yc_is_empty(in->starting_after) ? 0 : (int)strtol(in->starting_after, NULL, 10), i;

	for (i = first; i < 60 && i < first + in->limit; i++) {
		Pb__Call *c = yc_pb_add(yc_req_arena(rq), &pb__call__descriptor, &out->data, &out->n_data);

		c->id = yc_sprintf(yc_req_arena(rq), "%d", i + 1);
	}
	out->has_more = i < 60;
	if (out->has_more)
		out->next_cursor = yc_sprintf(yc_req_arena(rq), "%d", i);
	return YC_OK;
}

static enum yc_code ended(struct yc_req *rq, const char *id, const char *agent, struct yc_err *e)
{
	Pb__Call call = PB__CALL__INIT;
	Pb__CallEnded ev = PB__CALL_ENDED__INIT;

	call.id = (char *)id;
	call.from = "+8613888881234";
	call.to = "11185";
	call.agent_id = (char *)agent;
	ev.call = &call;
	return yc_emit(yc_req_node(rq), "call.ended", "mat_test", id, &ev, e);
}

static enum yc_code bulk(struct yc_req *rq, long n, struct yc_err *e)
{
	Pb__CallMenu ev = PB__CALL_MENU__INIT;
	enum yc_code c = YC_OK;
	char key[32];

	for (long i = 1; i <= n && c == YC_OK; i++) {
		snprintf(key, sizeof(key), "bulk-%ld", i);
		ev.call_id = key;
		c = yc_emit(yc_req_node(rq), "call.menu", "mat_bulk", key, &ev, e);
	}
	return c;
}

static enum yc_code record(struct yc_req *rq, const char *agent, struct yc_err *e)
{
	struct fake *f = yc_req_self(rq);
	Pb__RecordingReady ev = PB__RECORDING_READY__INIT;

	ev.blob_id = f->blob;
	ev.agent_id = (char *)agent;
	ev.call_id = "cal_1";
	ev.bytes = REC_SIZE;
	return yc_emit(yc_req_node(rq), "recording.ready", "mat_test", f->blob, &ev, e);
}

static enum yc_code on_hangup(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const char *id = ((const Pb__CallReq *)vin)->id;

	if (!strncmp(id, "end-", 4))
		return ended(rq, id, "", e);
	if (!strncmp(id, "mine-", 5))
		return ended(rq, id, id + 5, e);
	if (!strncmp(id, "bulk-", 5))
		return bulk(rq, strtol(id + 5, NULL, 10), e);
	if (!strncmp(id, "record-", 7))
		return record(rq, id + 7, e);
	if (yc_streq(id, "boom"))
		return yc_fail(e, YC_INTERNAL, "secret_column", "the database said something private");
	if (yc_streq(id, "full"))
		return yc_fail(e, YC_EXHAUSTED, NULL, "no more calls can be hung up");
	if (yc_streq(id, "slow")) {
		yc_req_hold(rq);
		return YC_PENDING;
	}
	return yc_fail(e, YC_NOT_FOUND, "id", "no such call");
}

static const struct yc_rpc rpcs[] = {
	{ "Offer", on_nothing, YC_ANYBODY, YC_RPC_DO, 1000 }, { "OfferStop", on_nothing, YC_ANYBODY, YC_RPC_DO, 1000 },
	{ "Answer", on_nothing, YC_ANYBODY, YC_RPC_DO, 1000 }, { "CallGet", on_get, YC_ANYBODY, YC_RPC_READ, 1000 },
	{ "CallList", on_list, YC_ANYBODY, YC_RPC_READ, 1000 }, { "Hangup", on_hangup, YC_ANYBODY, YC_RPC_WRITE, 1000 },
	{ "RegistrationList", on_nothing, YC_ANYBODY, YC_RPC_READ, 1000 }, { 0 }
};
static const struct yc_migration no_schema[] = { { 0 } };

static enum yc_code start(struct yc_node *n, void *self, struct yc_err *e)
{
	struct fake *f = self;
	struct yc_blob_meta meta = { .media_type = "audio/wav", .matter_id = "mat_test" };
	char path[512];
	enum yc_code c = yc_blobs_open(&f->blobs, yc_node_db(n), f->folder, e);
	FILE *out;

	if (c)
		return c;
	yc_id_new("blb", f->blob);
	yc_copy(meta.id, sizeof(meta.id), f->blob);
	yc_blob_path_new(f->folder, f->blob, path);
	out = fopen(path, "wb");
	for (int i = 0; out && i < REC_SIZE; i++)
		fputc(REC_BYTE(i), out);
	if (!out || fclose(out))
		return yc_fail(e, YC_INTERNAL, NULL, "cannot write %s", path);
	yc_node_blobs(n, f->blobs);
	return yc_blob_add(f->blobs, path, &meta, e);
}

static const struct yc_service gateway = {
	.name = "gateway", .api = &pb__gateway__descriptor, .rpcs = rpcs, .schema = no_schema, .start = start,
};

int world_gateway(const char *bus, const char *home, const char *site)
{
	struct fake f = { 0 };
	char db[400];
	struct yc_node_conf c = { .bus = (char *)bus, .home = (char *)home, .site = (char *)site, .db = db, .instance = 1, .level = "error" };
	struct yc_node *n = NULL;
	struct yc_err e = { 0 };
	int pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(db, sizeof(db), "sqlite:%s/fake-gateway.db", home);
	snprintf(f.folder, sizeof(f.folder), "%s/fake-blobs", home);
	if (yc_node_open(&n, &c, &gateway, &f, &e))
		fprintf(stderr, "gateway: %s %s\n", e.field, e.msg);
	else
		yc_node_run(n);
	_exit(0);
}
