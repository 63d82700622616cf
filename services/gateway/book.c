/* The node thread's picture of the calls: fed by the signalling thread's messages, read by RPCs, told to the world as events. */
#include <string.h>

#include "gateway.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

static void emit(struct gw_self *g, const char *type, const char *matter, const char *key, const void *msg)
{
	struct yc_err e = { 0 };

	if (yc_emit_at(g->node, g->event_at, type, matter, key, msg, &e))
		yc_error("event %s of %s is lost: %s", type, key, e.msg);
}

struct gw_call *gw_book_find(struct gw_self *g, const char *id)
{
	struct gw_call *c = NULL;

	HASH_FIND_STR(g->calls, id, c);
	return c;
}

/* Strings are borrowed from c. */
void gw_book_to_pb(struct gw_self *g, const struct gw_call *c, Pb__Call *out)
{
	pb__call__init(out);
	out->id = (char *)c->id;
	out->contact_id = (char *)c->contact_id;
	out->matter_id = (char *)c->matter_id;
	out->from = (char *)c->from;
	out->to = (char *)c->to;
	out->state = (char *)c->state;
	out->queue = (char *)c->queue;
	out->item_id = (char *)c->item_id;
	out->agent_id = (char *)c->agent_id;
	out->extension = (char *)c->extension;
	out->started_at = c->started_at;
	out->answered_at = c->answered_at;
	out->queued_at = c->queued_at;
	out->bridged_at = c->bridged_at;
	out->customer_id = (char *)c->customer_id;
	out->gateway = (char *)yc_node_instance(g->node);
	out->codec = (char *)c->codec;
	out->reservation_id = (char *)c->reservation_id;
}

static void emit_changed(struct gw_self *g, const struct gw_call *c, const char *type, const char *detail, int status)
{
	Pb__CallChanged out = PB__CALL_CHANGED__INIT;
	Pb__Call call;

	gw_book_to_pb(g, c, &call);
	out.call = &call;
	out.reservation_id = (char *)c->reservation_id;
	out.detail = (char *)detail;
	out.sip_status = status;
	emit(g, type, c->matter_id, c->id, &out);
}

static void take_started(struct gw_self *g, const struct gw_msg *m)
{
	struct gw_call *c = yc_xcalloc(1, sizeof(*c));
	Pb__CallStarted out = PB__CALL_STARTED__INIT;
	Pb__Call call;

	yc_copy(c->id, sizeof(c->id), m->id);
	yc_copy(c->contact_id, sizeof(c->contact_id), m->u.started.contact_id);
	yc_copy(c->matter_id, sizeof(c->matter_id), m->u.started.matter_id);
	yc_copy(c->from, sizeof(c->from), m->u.started.from);
	yc_copy(c->to, sizeof(c->to), m->u.started.to);
	yc_copy(c->codec, sizeof(c->codec), m->u.started.codec);
	c->started_at = c->answered_at = m->at;
	c->state = "ivr";
	HASH_ADD_STR(g->calls, id, c);
	gw_book_to_pb(g, c, &call);
	out.call = &call;
	out.trunk = (char *)m->u.started.trunk;
	out.flow = (char *)m->u.started.flow;
	out.number_class = (char *)m->u.started.number_class;
	out.diverted_from = (char *)m->u.started.diverted;
	out.asserted = (char *)m->u.started.asserted;
	out.sip_call_id = (char *)m->u.started.sip_call_id;
	emit(g, "call.started", c->matter_id, c->id, &out);
	emit_changed(g, c, "call.answered", "", 200);
	gw_routing_resolve(g->routing, c);
}

static void take_menu(struct gw_self *g, const struct gw_call *c, const struct gw_msg *m)
{
	Pb__CallMenu out = PB__CALL_MENU__INIT;

	out.call_id = (char *)c->id;
	out.node = (char *)m->u.menu.node;
	out.kind = (char *)m->u.menu.kind;
	out.input = (char *)m->u.menu.input;
	out.next = (char *)m->u.menu.next;
	out.via = (char *)m->u.menu.via;
	out.label = (char *)m->u.menu.label;
	emit(g, "call.menu", c->matter_id, c->id, &out);
}

static void take_queued(struct gw_self *g, struct gw_call *c, const struct gw_msg *m)
{
	c->state = "queued";
	c->queued_at = m->at;
	c->priority = m->u.queued.priority;
	yc_copy(c->queue, sizeof(c->queue), m->u.queued.queue);
	yc_copy(c->item_id, sizeof(c->item_id), m->u.queued.item_id);
	emit_changed(g, c, "call.queued", "", 0);
	gw_routing_enqueue(g->routing, c);
}

static void take_offer_end(struct gw_self *g, struct gw_call *c, const struct gw_msg *m)
{
	const char *reservation = m->u.offer_end.reservation;

	if (yc_streq(c->reservation_id, reservation)) {
		c->state = "queued";
		emit_changed(g, c, "call.offer_ended", m->u.offer_end.reason, m->u.offer_end.sip_status);
		c->reservation_id[0] = c->agent_id[0] = c->extension[0] = 0;
		c->reservation_version = 0;
	}
	gw_routing_offer_end(g->routing, c, reservation, m->u.offer_end.version, m->u.offer_end.agent_id, m->u.offer_end.outcome,
			     m->u.offer_end.reason);
}

static void take_bridged(struct gw_self *g, struct gw_call *c, const struct gw_msg *m)
{
	c->state = "talking";
	c->bridged_at = m->at;
	yc_copy(c->reservation_id, sizeof(c->reservation_id), m->u.bridged.reservation);
	yc_copy(c->agent_id, sizeof(c->agent_id), m->u.bridged.agent_id);
	yc_copy(c->extension, sizeof(c->extension), m->u.bridged.extension);
	emit_changed(g, c, "call.bridged", "", 200);
	gw_routing_offer_end(g->routing, c, c->reservation_id, m->u.bridged.version, c->agent_id, PB__OFFER_OUTCOME__OFFER_OUTCOME_ACCEPTED, "");
}

static void take_ended(struct gw_self *g, struct gw_call *c, const struct gw_msg *m)
{
	c->ended = 1;
	c->ended_at = m->at;
	c->state = "ended";
	c->sip_status = m->u.ended.sip_status;
	c->talk_ms = c->bridged_at ? c->ended_at - c->bridged_at : 0;
	yc_copy(c->by, sizeof(c->by), m->u.ended.by);
	yc_copy(c->reason, sizeof(c->reason), m->u.ended.reason);
	if (c->bridged_at)
		gw_routing_end(g->routing, c);
	else if (c->queued_at)
		gw_routing_leave(g->routing, c);
}

static void stats_to_pb(Pb__LegStats *out, const struct gw_stats *st)
{
	pb__leg_stats__init(out);
	out->rtp_in = st->rtp_in;
	out->rtp_out = st->rtp_out;
	out->lost = st->lost;
	out->late = st->late;
	out->jitter_us = st->jitter_us;
	out->codec = (char *)st->codec;
}

static void take_closed(struct gw_self *g, struct gw_call *c, const struct gw_msg *m)
{
	Pb__CallEnded out = PB__CALL_ENDED__INIT;
	Pb__LegStats caller, agent;
	Pb__Call call;
	int64_t waited_to = c->bridged_at ? c->bridged_at : c->ended_at;

	gw_book_to_pb(g, c, &call);
	stats_to_pb(&caller, &m->u.closed.caller);
	stats_to_pb(&agent, &m->u.closed.agent);
	out.call = &call;
	out.by = c->by;
	out.reason = c->reason;
	out.sip_status = c->sip_status;
	out.wait_ms = c->queued_at ? waited_to - c->queued_at : 0;
	out.talk_ms = c->talk_ms;
	out.ivr_ms = (c->queued_at ? c->queued_at : c->ended_at) - c->answered_at;
	out.caller = &caller;
	if (c->bridged_at)
		out.agent = &agent;
	emit(g, "call.ended", c->matter_id, c->id, &out);
	c->closed = 1;
	gw_book_release(g, c);
}

void gw_book_release(struct gw_self *g, struct gw_call *c)
{
	if (!c->closed || c->ops)
		return;
	HASH_DEL(g->calls, c);
	yc_xfree(c);
}

void gw_book_free(struct gw_self *g)
{
	struct gw_call *c, *next;
	struct gw_phone *p, *p2;
	struct gw_carrier *t, *t2;

	HASH_ITER(hh, g->calls, c, next) {
		gw_routing_drop(g->routing, c);
		HASH_DEL(g->calls, c);
		yc_xfree(c);
	}
	HASH_ITER(hh, g->phones, p, p2) {
		HASH_DEL(g->phones, p);
		yc_xfree(p);
	}
	HASH_ITER(hh, g->carriers, t, t2) {
		HASH_DEL(g->carriers, t);
		yc_xfree(t);
	}
}

void gw_book_phone(struct gw_self *g, const struct gw_phone *now, int registered)
{
	struct gw_phone *p = NULL;

	HASH_FIND_STR(g->phones, now->extension, p);
	if (!registered) {
		if (p)
			HASH_DEL(g->phones, p);
		yc_xfree(p);
		return;
	}
	if (!p) {
		p = yc_xcalloc(1, sizeof(*p));
		yc_copy(p->extension, sizeof(p->extension), now->extension);
		HASH_ADD_STR(g->phones, extension, p);
	}
	yc_copy(p->contact, sizeof(p->contact), now->contact);
	yc_copy(p->path, sizeof(p->path), now->path);
	yc_copy(p->received, sizeof(p->received), now->received);
	yc_copy(p->user_agent, sizeof(p->user_agent), now->user_agent);
	p->expires_at = now->expires_at;
	p->since_at = now->since_at;
}

static void take_phone(struct gw_self *g, const struct gw_msg *m)
{
	Pb__PhoneChanged out = PB__PHONE_CHANGED__INIT;
	struct gw_phone p = { .expires_at = m->u.phone.expires_at, .since_at = m->u.phone.since_at };

	yc_copy(p.extension, sizeof(p.extension), m->u.phone.extension);
	yc_copy(p.contact, sizeof(p.contact), m->u.phone.contact);
	yc_copy(p.path, sizeof(p.path), m->u.phone.path);
	yc_copy(p.received, sizeof(p.received), m->u.phone.received);
	yc_copy(p.user_agent, sizeof(p.user_agent), yc_utf8_ok(m->u.phone.user_agent) ? m->u.phone.user_agent : "");
	gw_book_phone(g, &p, m->u.phone.registered);
	if (m->u.phone.registered)
		gw_location_put(g->location, &p);
	else
		gw_location_delete(g->location, p.extension);
	out.extension = p.extension;
	out.contact = p.contact;
	out.expires_at = p.expires_at;
	out.reason = (char *)m->u.phone.reason;
	out.registered = m->u.phone.registered;
	emit(g, "phone.changed", "", p.extension, &out);
}

static void take_trunk(struct gw_self *g, const struct gw_msg *m)
{
	struct gw_carrier *t = NULL;

	HASH_FIND_STR(g->carriers, m->u.trunk.name, t);
	if (!t) {
		t = yc_xcalloc(1, sizeof(*t));
		yc_copy(t->name, sizeof(t->name), m->u.trunk.name);
		HASH_ADD_STR(g->carriers, name, t);
	}
	t->ok = m->u.trunk.ok;
	t->status = m->u.trunk.status;
	yc_copy(t->text, sizeof(t->text), yc_utf8_ok(m->u.trunk.text) ? m->u.trunk.text : "");
}

static void take_gap(struct gw_self *g, const struct gw_msg *m)
{
	if (!g->gap_file)
		return;
	fprintf(g->gap_file, "%s %lld\n", m->u.gap.extension, (long long)m->u.gap.us);
	fflush(g->gap_file);
}

struct took { struct gw_self *g; const struct gw_msg *m; };

/* The file becomes a blob and the event is told in one unit; a file that cannot be taken over stays where it is and is logged. */
static enum yc_code keep_recording(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct took *t = arg;
	const struct gw_msg *m = t->m;
	struct yc_blob_meta meta = { .size = m->u.recording.bytes, .at = m->at };
	Pb__RecordingReady out = PB__RECORDING_READY__INIT;

	yc_copy(meta.id, sizeof(meta.id), m->u.recording.blob_id);
	yc_copy(meta.media_type, sizeof(meta.media_type), "audio/wav");
	yc_copy(meta.matter_id, sizeof(meta.matter_id), m->u.recording.matter_id);
	yc_copy(meta.sha256, sizeof(meta.sha256), m->u.recording.sha256);
	if (yc_blob_add_hashed(t->g->blobs, m->u.recording.path, &meta, e))
		return e->code;
	out.call_id = (char *)m->id;
	out.contact_id = (char *)m->u.recording.contact_id;
	out.agent_id = (char *)m->u.recording.agent_id;
	out.blob_id = meta.id;
	out.bytes = meta.size;
	out.duration_ms = m->u.recording.duration_ms;
	out.sha256 = meta.sha256;
	out.gateway = (char *)yc_node_instance(n);
	return yc_emit(n, "recording.ready", meta.matter_id, m->id, &out, e);
}

static void take_recording(struct gw_self *g, const struct gw_msg *m)
{
	struct took t = { g, m };
	struct yc_err e = { 0 };

	if (*m->u.recording.error)
		yc_error("recording of call %s: %s", m->id, m->u.recording.error);
	if (m->u.recording.bytes > 0 && yc_node_do(g->node, keep_recording, &t, &e))
		yc_error("recording of call %s is not kept: %s", m->id, e.msg);
	yc_metric_add(&gw_metrics[*m->u.recording.error || e.code ? GWM_RECORD_FAILED : GWM_RECORDINGS], 1);
}

static void take_of_call(struct gw_self *g, struct gw_call *c, const struct gw_msg *m)
{
	switch (m->kind) {
	case GW_UP_MENU:
		take_menu(g, c, m);
		break;
	case GW_UP_QUEUED:
		take_queued(g, c, m);
		break;
	case GW_UP_RINGING:
		emit_changed(g, c, "call.ringing", "", 180);
		break;
	case GW_UP_OFFER_END:
		take_offer_end(g, c, m);
		break;
	case GW_UP_BRIDGED:
		take_bridged(g, c, m);
		break;
	case GW_UP_ENDED:
		take_ended(g, c, m);
		break;
	case GW_UP_CLOSED:
		take_closed(g, c, m);
		break;
	default:
		break;
	}
}

void gw_book_take(struct gw_self *g, struct gw_msg *m)
{
	struct gw_call *c;

	g->event_at = m->at;             /* when it happened on the signalling thread, not when we come to tell it */
	switch (m->kind) {
	case GW_UP_STARTED:
		take_started(g, m);
		return;
	case GW_UP_PHONE:
		take_phone(g, m);
		return;
	case GW_UP_TRUNK:
		take_trunk(g, m);
		return;
	case GW_UP_RECORDING:
		take_recording(g, m);
		return;
	case GW_UP_GAP:
		take_gap(g, m);
		return;
	case GW_UP_TALK:
		gw_rpc_talked(g, m);
		return;
	default:
		break;
	}
	c = gw_book_find(g, m->id);
	if (c)
		take_of_call(g, c, m);
}
