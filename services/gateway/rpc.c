/* RPC handlers. Commands go to the signalling thread; questions are answered from the book. */
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "yc/clock.h"
#include "yc/text.h"

#define LIST_MAX 200
#define EVERYBODY_INSIDE (YC_SERVICES | YC_ROLE(ADMIN) | YC_ROLE(SUPERVISOR) | YC_ROLE(LEADER) | YC_ROLE(AGENT) | YC_ROLE(BRANCH_ADMIN))
#define COMMANDERS (YC_ROLE(ADMIN) | YC_ROLE(LEADER) | YC_ROLE(SUPERVISOR))

/* --- offers --- */

struct asked { struct gw_self *g; struct gw_msg *m; };

static void on_located(void *arg, const char *contact, const char *path)
{
	struct asked *a = arg;

	a->m->u.offer.contact = gw_text(a->m, contact);
	a->m->u.offer.path = gw_text(a->m, path);
	gw_down(a->g, &a->m);
	yc_xfree(a);
}

static void forward_offer(struct gw_self *g, const struct gw_call *c, const Pb__OfferReq *in)
{
	struct gw_msg *m = gw_msg_new(GW_DOWN_OFFER, c->id, 640);
	struct gw_phone *p = NULL;
	struct asked *a;

	m->u.offer.reservation = gw_text(m, in->reservation_id);
	m->u.offer.agent_id = gw_text(m, in->agent_id);
	m->u.offer.agent_name = gw_text(m, in->agent_name);
	m->u.offer.extension = gw_text(m, in->extension);
	m->u.offer.queue = gw_text(m, in->queue);
	m->u.offer.contact = m->u.offer.path = "";
	m->u.offer.version = in->version;
	m->u.offer.timeout_ms = in->timeout_ms;
	HASH_FIND_STR(g->phones, in->extension, p);
	if (p || gw_creds_is_static(g, in->extension)) {
		gw_down(g, &m);
		return;
	}
	/* not here: perhaps it is registered at another gateway or at the edge */
	a = yc_xcalloc(1, sizeof(*a));
	a->g = g;
	a->m = m;
	gw_location_get(g->location, in->extension, on_located, a);
}

static enum yc_code check_offer(const Pb__OfferReq *in, struct yc_err *e)
{
	if (yc_is_empty(in->reservation_id) || strlen(in->reservation_id) >= YC_ID_LEN)
		return yc_fail(e, YC_INVALID, "reservation_id", "a reservation is needed");
	if (yc_is_empty(in->extension) || strlen(in->extension) >= 32)
		return yc_fail(e, YC_INVALID, "extension", "an extension of at most 31 characters is needed");
	if (strlen(in->agent_id) >= YC_ID_LEN)
		return yc_fail(e, YC_INVALID, "agent_id", "too long");
	return YC_OK;
}

static enum yc_code on_offer(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	struct gw_self *g = yc_req_self(rq);
	const Pb__OfferReq *in = vin;
	struct gw_call *c = gw_book_find(g, in->call_id);

	if (check_offer(in, e))
		return e->code;
	if (!c || c->ended)
		return yc_fail(e, YC_NOT_FOUND, "call_id", "no such call");
	if (yc_streq(c->reservation_id, in->reservation_id))
		return YC_OK;   /* asked twice */
	if (strcmp(c->state, "queued"))
		return yc_fail(e, YC_CONFLICT, "call_id", "the call is %s, not queued", c->state);
	c->state = "offered";
	c->reservation_version = in->version;
	yc_copy(c->reservation_id, sizeof(c->reservation_id), in->reservation_id);
	yc_copy(c->agent_id, sizeof(c->agent_id), in->agent_id);
	yc_copy(c->extension, sizeof(c->extension), in->extension);
	forward_offer(g, c, in);
	return YC_OK;
}

static struct gw_call *call_of_reservation(struct gw_self *g, const char *id)
{
	struct gw_call *c, *next;

	HASH_ITER(hh, g->calls, c, next)
		if (!c->ended && !yc_is_empty(id) && !strcmp(c->reservation_id, id))
			return c;
	return NULL;
}

static enum yc_code on_offer_stop(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	struct gw_self *g = yc_req_self(rq);
	const Pb__OfferCancel *in = vin;
	struct gw_msg *m = gw_msg_new(GW_DOWN_OFFER_STOP, "", 128);

	m->u.stop.reservation = gw_text(m, in->reservation_id);
	m->u.stop.reason = gw_text(m, in->reason);
	gw_down(g, &m);
	return YC_OK;   /* an offer that has ended already is as good as stopped */
}

static int is_own(struct yc_req *rq, const struct gw_call *c)
{
	return yc_req_may(rq, COMMANDERS) || (c->agent_id[0] && yc_streq(c->agent_id, yc_req_who(rq)->person_id));
}

static enum yc_code on_answer(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	struct gw_self *g = yc_req_self(rq);
	const Pb__ReservationReq *in = vin;
	struct gw_call *c = call_of_reservation(g, in->id);
	struct gw_msg *m;

	if (!c)
		return yc_fail(e, YC_NOT_FOUND, "id", "no phone rings for this reservation");
	if (!is_own(rq, c))
		return yc_fail(e, YC_FORBIDDEN, "id", "this call rings at another agent");
	m = gw_msg_new(GW_DOWN_ANSWER, c->id, 64);
	m->u.stop.reservation = gw_text(m, in->id);
	m->u.stop.ref = yc_req_ref(rq);
	gw_down(g, &m);
	yc_req_hold(rq);
	return YC_PENDING;
}

void gw_rpc_talked(struct gw_self *g, const struct gw_msg *m)
{
	struct yc_req *rq = yc_req_find(g->node, m->u.talk.ref);
	struct yc_err e = { 0 };

	if (!rq)
		return; /* its deadline has ended it */
	if (m->u.talk.code)
		yc_fail(&e, m->u.talk.code, "id", "%s", m->u.talk.text);
	yc_req_finish(rq, m->u.talk.code, &e);
}

/* --- calls --- */

static enum yc_code on_call_get(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	struct gw_self *g = yc_req_self(rq);
	const Pb__CallReq *in = vin;
	struct gw_call *c = gw_book_find(g, in->id);

	if (!c)
		return yc_fail(e, YC_NOT_FOUND, "id", "no such call at this gateway now");
	gw_book_to_pb(g, c, out);
	return YC_OK;
}

static int by_call_id(const void *a, const void *b)
{
	return strcmp((*(struct gw_call *const *)a)->id, (*(struct gw_call *const *)b)->id);
}

static size_t limit_of(const Pb__ListReq *in)
{
	return in->limit <= 0 ? 50 : in->limit > LIST_MAX ? LIST_MAX : (size_t)in->limit;
}

static int call_fits(const struct gw_call *c, const Pb__ListReq *in)
{
	if (c->ended || (!yc_is_empty(in->starting_after) && strcmp(c->id, in->starting_after) <= 0))
		return 0;
	return yc_is_empty(in->status) || !strcmp(c->state, in->status);
}

static enum yc_code on_call_list(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct gw_self *g = yc_req_self(rq);
	const Pb__ListReq *in = vin;
	Pb__Calls *out = vout;
	struct gw_call **v = yc_xcalloc(HASH_COUNT(g->calls) + 1, sizeof(*v)), *c, *next;
	size_t n = 0, limit = limit_of(in);

	HASH_ITER(hh, g->calls, c, next)
		if (call_fits(c, in))
			v[n++] = c;
	qsort(v, n, sizeof(*v), by_call_id);
	out->has_more = n > limit;
	for (size_t i = 0; i < n && i < limit; i++) {
		Pb__Call *one = yc_pb_add(yc_req_arena(rq), &pb__call__descriptor, &out->data, &out->n_data);
		if (one)
			gw_book_to_pb(g, v[i], one);
	}
	if (out->has_more)
		out->next_cursor = yc_strdup(yc_req_arena(rq), v[limit - 1]->id);
	yc_xfree(v);
	return YC_OK;
}

static enum yc_code on_hangup(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	struct gw_self *g = yc_req_self(rq);
	const Pb__CallReq *in = vin;
	struct gw_call *c = gw_book_find(g, in->id);
	struct gw_msg *m;

	if (!c || c->ended)
		return yc_fail(e, YC_NOT_FOUND, "id", "no such call at this gateway now");
	if (!is_own(rq, c))
		return yc_fail(e, YC_FORBIDDEN, "id", "this call is another agent's");
	m = gw_msg_new(GW_DOWN_HANGUP, c->id, 96);
	m->u.hangup.reason = gw_text(m, in->reason);
	gw_down(g, &m);
	return YC_OK;
}

/* --- registrations --- */

static int by_extension(const void *a, const void *b)
{
	return strcmp((*(struct gw_phone *const *)a)->extension, (*(struct gw_phone *const *)b)->extension);
}

static void phone_to_pb(const struct gw_phone *p, Pb__Registration *out)
{
	out->extension = (char *)p->extension;
	out->contact = (char *)p->contact;
	out->received = (char *)p->received;
	out->user_agent = (char *)p->user_agent;
	out->expires_at = p->expires_at;
	out->since_at = p->since_at;
}

static enum yc_code on_registration_list(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct gw_self *g = yc_req_self(rq);
	const Pb__ListReq *in = vin;
	Pb__Registrations *out = vout;
	struct gw_phone **v = yc_xcalloc(HASH_COUNT(g->phones) + 1, sizeof(*v)), *p, *next;
	size_t n = 0, limit = limit_of(in);

	HASH_ITER(hh, g->phones, p, next)
		if ((yc_is_empty(in->starting_after) || strcmp(p->extension, in->starting_after) > 0) &&
		    (yc_is_empty(in->q) || strstr(p->extension, in->q)))
			v[n++] = p;
	qsort(v, n, sizeof(*v), by_extension);
	out->has_more = n > limit;
	for (size_t i = 0; i < n && i < limit; i++) {
		Pb__Registration *one = yc_pb_add(yc_req_arena(rq), &pb__registration__descriptor, &out->data, &out->n_data);
		if (one)
			phone_to_pb(v[i], one);
	}
	if (out->has_more)
		out->next_cursor = yc_strdup(yc_req_arena(rq), v[limit - 1]->extension);
	yc_xfree(v);
	return YC_OK;
}

const struct yc_rpc gateway_rpcs[] = {
	{ "Offer",            on_offer,             YC_SERVICES,                      YC_RPC_DO,   2000 },
	{ "OfferStop",        on_offer_stop,        YC_SERVICES,                      YC_RPC_DO,   2000 },
	{ "Answer",           on_answer,            EVERYBODY_INSIDE,                 YC_RPC_DO,   4000 },
	{ "CallGet",          on_call_get,          EVERYBODY_INSIDE,                 YC_RPC_READ, 1000 },
	{ "CallList",         on_call_list,         EVERYBODY_INSIDE,                 YC_RPC_READ, 1000 },
	{ "Hangup",           on_hangup,            EVERYBODY_INSIDE,                 YC_RPC_DO,   2000 },
	{ "RegistrationList", on_registration_list, YC_SERVICES | COMMANDERS | YC_ROLE(BRANCH_ADMIN), YC_RPC_READ, 1000 },
	{ 0 },
};
