/* RPCs of agents and those who lead them. */
#include <string.h>

#include "yc/arena.h"
#include "yc/text.h"
#include "yc/v1/gateway.pb-c.h"

#include "service.h"

#define LEADERS (YC_ROLE(LEADER) | YC_ROLE(SUPERVISOR) | YC_ROLE(DISPATCHER) | YC_ROLE(ADMIN))
#define WANT(x) PB__PRESENCE__PRESENCE_##x
#define LIMIT 100
#define LIMIT_MAX 1000

/* A copy that outlives the turn: the reply is packed later, and the agent's texts change. */
enum yc_code rpc_agent_out(struct yc_req *rq, const struct acd_agent *a, Pb__Agent *out, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	struct acd_agent_msg m;
	Pb__Agent *copy = NULL;
	uint8_t *raw;
	size_t n;

	acd_msg_agent(&s->x, &m, a);
	n = pb__agent__get_packed_size(&m.m);
	raw = yc_alloc(yc_req_arena(rq), n + 1);
	if (raw) {
		pb__agent__pack(&m.m, raw);
		copy = pb__agent__unpack(yc_arena_pb(yc_req_arena(rq)), n, raw);
	}
	if (!copy)
		return yc_fail(e, YC_TOO_LARGE, NULL, "no room for the answer");
	*out = *copy;
	return YC_OK;
}

/* The agent a request is about, and whether he who asks may: himself, or a leader who sees his organisation. */
static enum yc_code agent_of(struct yc_req *rq, const char *person_id, struct acd_agent **out, const char **cause, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	const char *me = yc_req_who(rq)->person_id, *id = yc_is_empty(person_id) ? me : person_id;
	int is_me = !strcmp(id, me);

	if (!is_me && !yc_req_may(rq, LEADERS))
		return yc_fail(e, YC_FORBIDDEN, "person_id", "only a leader may act for somebody else");
	*out = acd_agent_find(&s->x, id);
	if (!*out || !(*out)->active)
		return yc_fail(e, YC_NOT_FOUND, "person_id", "no such agent");
	if (!is_me && !yc_req_sees(rq, (*out)->org_path))
		return yc_fail(e, YC_NOT_FOUND, "person_id", "no such agent");
	*cause = is_me ? "self" : yc_req_who(rq)->roles & YC_SERVICES ? "system" : "leader";
	return YC_OK;
}

static enum yc_code check_text(const char *text, const char *field, struct yc_err *e)
{
	if (strlen(text) >= ACD_CODE)
		return yc_fail(e, YC_INVALID, field, "at most %d bytes", ACD_CODE - 1);
	for (const char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			return yc_fail(e, YC_INVALID, field, "no control characters");
	return YC_OK;
}

/* --- sessions ------------------------------------------------------------------------------------------------------------------ */
static enum yc_code check_session(struct acd_service *s, const Pb__AgentSessionPut *in, struct yc_err *e)
{
	const struct acd_phone *p;

	if (yc_is_empty(in->extension) || strlen(in->extension) >= sizeof(p->ext))
		return yc_fail(e, YC_INVALID, "extension", "which extension? At most %zu characters", sizeof(p->ext) - 1);
	for (size_t i = 0; i < in->n_channels; i++)
		if (strcmp(in->channels[i], "voice"))
			return yc_fail(e, YC_INVALID, "channels", "there is no channel \"%.20s\"", in->channels[i]);
	HASH_FIND_STR(s->x.phones, in->extension, p);
	if (s->x.dir_loaded && (!p || !p->known || p->gone))
		return yc_fail(e, YC_NOT_FOUND, "extension", "there is no extension %s", in->extension);
	return YC_OK;
}

struct signing { struct acd_service *s; uint64_t ref; char id[ACD_CODE], ext[32], cause[16]; int ready; };

static enum yc_code sign_in(struct acd_service *s, struct yc_req *rq, const struct signing *w, Pb__Agent *out, struct yc_err *e)
{
	struct acd_agent *a = acd_agent_find(&s->x, w->id);
	enum yc_code c = a ? acd_agent_sign_in(&s->x, a, w->ext, w->ready, 0, w->cause, e) : yc_fail(e, YC_NOT_FOUND, "person_id", "no such agent");

	return c == YC_OK ? rpc_agent_out(rq, a, out, e) : c;
}

static void on_phone_known(void *arg, enum yc_code code, int registered, int64_t ttl_ms)
{
	struct signing w = *(struct signing *)arg;
	struct yc_req *rq = yc_req_find(w.s->node, w.ref);
	struct yc_err e = { 0 };

	yc_xfree(arg);
	if (code == YC_OK)
		acd_phone_seen(&w.s->x, acd_phone_get(&w.s->x, w.ext), registered, ttl_ms);
	if (rq)
		yc_req_finish(rq, sign_in(w.s, rq, &w, yc_req_out(rq), &e), &e);
}

/* The registrar is asked first, so that the answer says at once whether he is ready. */
enum yc_code on_session_put(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	const Pb__AgentSessionPut *in = vin;
	struct signing w = { .s = s, .ready = in->ready }, *held;
	struct acd_agent *a;
	const char *cause;
	enum yc_code c;

	SERVED(rq, "SessionPut", vin);
	if ((c = agent_of(rq, in->person_id, &a, &cause, e)) != YC_OK || (c = check_session(s, in, e)) != YC_OK)
		return c;
	yc_copy(w.id, sizeof(w.id), a->id);
	yc_copy(w.ext, sizeof(w.ext), in->extension);
	yc_copy(w.cause, sizeof(w.cause), cause);
	if (acd_phone_ok(acd_phone_get(&s->x, in->extension)) || s->degraded || !s->presence)
		return sign_in(s, rq, &w, vout, e);
	w.ref = yc_req_ref(rq);
	held = yc_xcalloc(1, sizeof(*held));
	*held = w;
	yc_req_hold(rq);
	presence_phone(s->presence, w.ext, on_phone_known, held);
	return YC_PENDING;
}

enum yc_code on_session_renew(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	const Pb__AgentReq *in = vin;
	struct acd_agent *a;
	const char *cause;
	enum yc_code c;

	SERVED(rq, "SessionRenew", vin);
	if ((c = agent_of(rq, in->person_id, &a, &cause, e)) != YC_OK || (c = acd_agent_renew(&s->x, a, e)) != YC_OK)
		return c;
	return rpc_agent_out(rq, a, vout, e);
}

enum yc_code on_state_put(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	static const struct { const char *name, *dflt; Pb__Presence want; } states[] = {
		{ "ready", "", WANT(READY) }, { "break", "break", WANT(BREAK) }, { "offline", "signed_out", WANT(OFFLINE) },
	};
	struct acd_service *s = yc_req_self(rq);
	const Pb__AgentStatePut *in = vin;
	struct acd_agent *a;
	const char *cause;
	size_t k = 0;
	enum yc_code c;

	SERVED(rq, "StatePut", vin);
	if ((c = agent_of(rq, in->person_id, &a, &cause, e)) != YC_OK || (c = check_text(in->reason, "reason", e)) != YC_OK)
		return c;
	while (k < 3 && strcmp(states[k].name, in->state))
		k++;
	if (k == 3)
		return yc_fail(e, YC_INVALID, "state", "ready, break or offline, not \"%.20s\"", in->state);
	if (in->if_version && in->if_version != a->ver)
		return yc_fail(e, YC_STALE, "if_version", "the agent has version %lld", (long long)a->ver);
	c = acd_agent_want(&s->x, a, states[k].want, yc_is_empty(in->reason) ? states[k].dflt : in->reason, cause, e);
	return c == YC_OK ? rpc_agent_out(rq, a, vout, e) : c;
}

enum yc_code on_wrap_up(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	const Pb__WrapUpReq *in = vin;
	const char *next = in->next_state, *cause;
	struct acd_agent *a;
	enum yc_code c;

	SERVED(rq, "WrapUp", vin);
	if ((c = agent_of(rq, in->person_id, &a, &cause, e)) != YC_OK || (c = check_text(in->disposition, "disposition", e)) != YC_OK)
		return c;
	if (strlen(in->note) > 2000)
		return yc_fail(e, YC_INVALID, "note", "at most 2000 bytes");
	if (*next && strcmp(next, "ready") && strcmp(next, "break") && strcmp(next, "offline"))
		return yc_fail(e, YC_INVALID, "next_state", "ready, break or offline");
	c = acd_agent_wrapped(&s->x, a, in->disposition, in->note, next, cause, e);
	return c == YC_OK ? rpc_agent_out(rq, a, vout, e) : c;
}

/* --- reading ------------------------------------------------------------------------------------------------------------------- */
enum yc_code on_agent_get(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__AgentReq *in = vin;
	struct acd_agent *a;
	const char *cause;
	enum yc_code c;

	SERVED(rq, "AgentGet", vin);
	c = agent_of(rq, in->person_id, &a, &cause, e);
	return c == YC_OK ? rpc_agent_out(rq, a, vout, e) : c;
}

static int is_listed(struct yc_req *rq, const struct acd_agent *a, const Pb__ListReq *in, int status)
{
	size_t n = strlen(in->org);

	if (!a->active || (status >= 0 && (int)a->status != status))
		return 0;
	if (n && (strncmp(a->org_path, in->org, n) || (a->org_path[n] && a->org_path[n] != '/')))
		return 0;
	if (*in->q && !strstr(a->staff_no, in->q) && !strstr(a->name, in->q) && !(a->phone && strstr(a->phone->ext, in->q)))
		return 0;
	return yc_req_sees(rq, a->org_path);
}

enum yc_code on_agent_list(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	const Pb__ListReq *in = vin;
	Pb__Agents *out = vout;
	size_t limit = in->limit > 0 ? (size_t)(in->limit < LIMIT_MAX ? in->limit : LIMIT_MAX) : LIMIT, k;
	int status = *in->status ? yc_enum_value(&pb__agent_status__descriptor, in->status) : -1;
	enum yc_code c = YC_OK;

	SERVED(rq, "AgentList", vin);
	if (*in->status && status < 0)
		return yc_fail(e, YC_INVALID, "status", "there is no status \"%.20s\"", in->status);
	for (k = acd_agent_after(&s->x, in->starting_after); k < s->x.n_staff && c == YC_OK; k++) {
		Pb__Agent *m;

		if (!is_listed(rq, s->x.by_staff[k], in, status))
			continue;
		if (out->n_data == limit) {
			out->has_more = 1;
			out->next_cursor = out->data[limit - 1]->person_id;
			break;
		}
		m = yc_pb_add(yc_req_arena(rq), &pb__agent__descriptor, &out->data, &out->n_data);
		c = m ? rpc_agent_out(rq, s->x.by_staff[k], m, e) : yc_fail(e, YC_TOO_LARGE, "limit", "too many at once");
	}
	return c;
}

/* --- an offer at the console --------------------------------------------------------------------------------------------------- */
static enum yc_code offered_to(struct yc_req *rq, const Pb__ReservationReq *in, struct acd_agent **a, const char **cause, struct yc_err *e)
{
	enum yc_code c = agent_of(rq, in->person_id, a, cause, e);

	if (c != YC_OK)
		return c;
	if (!(*a)->rsv || (*a)->rsv->state != RS_OFFERED || (*in->id && strcmp((*a)->rsv->id, in->id)))
		return yc_fail(e, YC_CONFLICT, "id", "this offer is over");
	return YC_OK;
}

struct answering { struct acd_service *s; uint64_t ref; char agent[ACD_CODE]; };

static void on_answering(void *arg, enum yc_code code, const void *msg, const struct yc_err *why)
{
	struct answering w = *(struct answering *)arg;
	struct yc_req *rq = yc_req_find(w.s->node, w.ref);
	const struct acd_agent *a = acd_agent_find(&w.s->x, w.agent);
	struct yc_err e = { 0 };

	yc_xfree(arg);
	if (!rq)
		return;
	if (code == YC_OK && !a)
		code = yc_fail(&e, YC_NOT_FOUND, "person_id", "no such agent");
	else if (code == YC_OK)
		code = rpc_agent_out(rq, a, yc_req_out(rq), &e);
	else
		e = *why;
	yc_req_finish(rq, code, &e);
}

/* The phone answers, not we: OfferEnd brings the outcome. */
enum yc_code on_accept(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	Pb__ReservationReq m = PB__RESERVATION_REQ__INIT;
	struct answering *w;
	char service[ACD_CODE + 16];
	struct yc_call call = { .service = service, .api = &pb__gateway__descriptor, .method = "Answer", .in = &m, .timeout_ms = 2000, .fn = on_answering };
	struct acd_agent *a;
	const char *cause;
	enum yc_code c;

	SERVED(rq, "Accept", vin);
	if ((c = offered_to(rq, vin, &a, &cause, e)) != YC_OK)
		return c;
	w = yc_xcalloc(1, sizeof(*w));
	w->s = s;
	w->ref = yc_req_ref(rq);
	yc_copy(w->agent, sizeof(w->agent), a->id);
	m.id = a->rsv->id;
	m.person_id = a->id;
	snprintf(service, sizeof(service), "gateway@%s", a->rsv->item->gateway);
	call.arg = w;
	yc_req_hold(rq);
	yc_node_call(s->node, &call);
	return YC_PENDING;
}

enum yc_code on_reject(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	const Pb__ReservationReq *in = vin;
	struct acd_agent *a;
	const char *cause;
	enum yc_code c;

	SERVED(rq, "Reject", vin);
	if ((c = offered_to(rq, in, &a, &cause, e)) != YC_OK || (c = check_text(in->reason, "reason", e)) != YC_OK)
		return c;
	acd_rsv_step(&s->x, a->rsv, RV_DECLINE, in->reason);
	return rpc_agent_out(rq, a, vout, e);
}
