/* Recordings on their way: from the bridge to the moment the writer has synced the file. Signalling thread. */
#include "sig.h"

#include <string.h>

#include "gateway.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

struct recording {
	media_conv conv;
	char call_id[YC_ID_LEN], matter_id[YC_ID_LEN], contact_id[YC_ID_LEN], agent_id[YC_ID_LEN], blob_id[YC_ID_LEN];
	UT_hash_handle hh;
};

void recording_start(struct call *c, media_leg caller, media_leg agent, const char *agent_id)
{
	struct recording *r = yc_xcalloc(1, sizeof(*r));
	struct yc_err e = { 0 };
	char path[MEDIA_PATH];

	r->conv = c->conv;
	yc_copy(r->call_id, sizeof(r->call_id), c->id);
	yc_copy(r->matter_id, sizeof(r->matter_id), c->matter_id);
	yc_copy(r->contact_id, sizeof(r->contact_id), c->contact_id);
	yc_copy(r->agent_id, sizeof(r->agent_id), agent_id);
	yc_id_new("blb", r->blob_id);
	yc_blob_path_new(c->s->conf.blob_folder, r->blob_id, path);
	if (media_record_start(c->s->media, c->conv, path, caller, agent, 0, &e)) {
		yc_error("call %s is not recorded: %s", c->id, e.msg);
		yc_metric_add(&gw_metrics[GWM_RECORD_FAILED], 1);
		yc_xfree(r);
		return;
	}
	HASH_ADD(hh, c->s->recordings, conv, sizeof(r->conv), r);
}

int recording_event(struct sig *s, const struct media_event *ev)
{
	struct recording *r = NULL;
	struct gw_msg *m;

	if (ev->type != MEDIA_RECORD_DONE && ev->type != MEDIA_RECORD_FAILED)
		return 0;
	HASH_FIND(hh, s->recordings, &ev->conv, sizeof(ev->conv), r);
	if (!r)
		return 1;
	m = gw_msg_new(GW_UP_RECORDING, r->call_id, MEDIA_PATH + 512);
	m->at = yc_now();
	m->u.recording.path = gw_text(m, ev->path);
	m->u.recording.blob_id = gw_text(m, r->blob_id);
	m->u.recording.agent_id = gw_text(m, r->agent_id);
	m->u.recording.matter_id = gw_text(m, r->matter_id);
	m->u.recording.contact_id = gw_text(m, r->contact_id);
	m->u.recording.sha256 = gw_text(m, ev->sha256);
	m->u.recording.error = gw_text(m, ev->type == MEDIA_RECORD_FAILED ? ev->detail[0] ? ev->detail : "failed" : "");
	m->u.recording.bytes = ev->bytes;
	m->u.recording.duration_ms = ev->duration_ms;
	sig_up(s, &m);
	HASH_DEL(s->recordings, r);
	yc_xfree(r);
	return 1;
}

void recordings_free(struct sig *s)
{
	struct recording *r, *next;

	HASH_ITER(hh, s->recordings, r, next) {
		HASH_DEL(s->recordings, r);
		yc_xfree(r);
	}
}
