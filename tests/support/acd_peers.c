#include "acd_peers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/text.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yct.h"

#define ORG "/yn/km"
#define GATEWAY "yn.gateway.1"
#define OUT(x) PB__OFFER_OUTCOME__OFFER_OUTCOME_##x

struct peers peers;

/* --- what the gateway owes the ACD: one operation after the other, repeated until it is taken ------------------------------------- */
struct op { struct op *next; int call, in_flight, outcome; const char *method; int64_t ver, not_before; char rsv[YC_ID_LEN], agent[64], reason[32]; };
static struct op *ops;

static void on_taken(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct op *o = arg;
	struct peers_call *c = &peers.calls[o->call];

	o->in_flight = 0;
	o->not_before = yc_mono() + 50;
	if (yc_code_is_retryable(code))
		return;
	if (code == YC_OK && !strcmp(o->method, "Enqueue"))
		c->taken = 1;
	c->owes--;
	o->call = -1;
}

static void send_op(struct op *o)
{
	struct peers_call *c = &peers.calls[o->call];
	Pb__WorkItem w = PB__WORK_ITEM__INIT;
	Pb__OfferResult r = PB__OFFER_RESULT__INIT;
	Pb__ContactEnded n = PB__CONTACT_ENDED__INIT;
	Pb__ItemReq l = PB__ITEM_REQ__INIT;
	struct yc_call call = { .service = "acd", .api = &pb__acd__descriptor, .method = o->method, .timeout_ms = 1000, .fn = on_taken, .arg = o };

	w.id = r.item_id = n.item_id = l.id = w.call_id = c->id;
	w.queue = c->queue;
	w.priority = c->priority;
	w.arrived_at = c->arrived_at;
	w.gateway = (char *)GATEWAY;
	r.reservation_id = n.reservation_id = o->rsv;
	r.agent_id = n.agent_id = o->agent;
	r.version = o->ver;
	r.outcome = (Pb__OfferOutcome)o->outcome;
	r.reason = n.reason = l.reason = o->reason;
	call.in = !strcmp(o->method, "Enqueue") ? (void *)&w : !strcmp(o->method, "OfferEnd") ? (void *)&r : !strcmp(o->method, "End") ? (void *)&n : (void *)&l;
	o->in_flight = 1;
	yc_node_call(peers.gateway, &call);
}

static void owe(int call, const char *method, int outcome, const char *reason)
{
	struct op *o = yc_xcalloc(1, sizeof(*o)), **end = &ops;
	struct peers_call *c = &peers.calls[call];

	o->call = call;
	o->method = method;
	o->outcome = outcome;
	o->ver = c->ver;
	yc_copy(o->rsv, sizeof(o->rsv), c->rsv);
	yc_copy(o->agent, sizeof(o->agent), c->agent);
	yc_copy(o->reason, sizeof(o->reason), reason);
	c->owes++;
	while (*end)
		end = &(*end)->next;
	*end = o;
}

static int is_first(const struct op *o)
{
	for (const struct op *p = ops; p != o; p = p->next)
		if (p->call == o->call)
			return 0;
	return 1;
}

static void work_off(void)
{
	for (struct op **p = &ops; *p;) {
		struct op *o = *p;

		if (o->call < 0) {
			*p = o->next;
			yc_xfree(o);
			continue;
		}
		if (!o->in_flight && yc_mono() >= o->not_before && is_first(o))
			send_op(o);
		p = &o->next;
	}
}

/* --- calls ------------------------------------------------------------------------------------------------------------------------ */
static int find(const char *id)
{
	for (int k = peers.n_calls - 1; k >= 0; k--)
		if (!strcmp(peers.calls[k].id, id))
			return k;
	return -1;
}

int peers_dial(const char *queue, int priority)
{
	struct peers_call *c = &peers.calls[peers.n_calls];

	CU_ASSERT_FATAL(peers.n_calls < PEERS_CALLS);
	memset(c, 0, sizeof(*c));
	yc_id_new("wki", c->id);
	yc_copy(c->queue, sizeof(c->queue), queue);
	c->priority = priority;
	c->arrived_at = yc_now();
	c->state = CALL_WAITS;
	c->talk_ms = -1;
	owe(peers.n_calls, "Enqueue", 0, "");
	return peers.n_calls++;
}

static void let_go(struct peers_call *c, enum peers_state st)
{
	c->state = st;
	*c->rsv = *c->agent = *c->ext = '\0';
}

void peers_hangup(int call)
{
	struct peers_call *c = &peers.calls[call];

	if (c->state == CALL_RINGS)
		owe(call, "OfferEnd", OUT(CANCELLED), "hangup");
	if (c->state == CALL_TALKS)
		owe(call, "End", 0, "normal");
	else if (c->state != CALL_OVER)
		owe(call, "Leave", 0, "hangup");
	let_go(c, CALL_OVER);
}

void peers_outcome(int call, Pb__OfferOutcome o, const char *reason)
{
	struct peers_call *c = &peers.calls[call];

	CU_ASSERT_EQUAL_FATAL(c->state, CALL_RINGS);
	owe(call, "OfferEnd", o, reason);
	if (o != OUT(ACCEPTED)) {
		let_go(c, CALL_WAITS);
		return;
	}
	c->state = CALL_TALKS;
	c->since_ms = yc_mono();
	c->talk_ms = peers.talk_ms;
}

void peers_answer(int call)
{
	peers_outcome(call, OUT(ACCEPTED), "");
}

static void phones_act(void)
{
	for (int k = 0; k < peers.n_calls; k++) {
		struct peers_call *c = &peers.calls[k];

		if (c->state == CALL_RINGS && peers.answer_after_ms >= 0 && yc_mono() - c->since_ms >= peers.answer_after_ms)
			peers_answer(k);
		else if (c->state == CALL_TALKS && c->talk_ms >= 0 && yc_mono() - c->since_ms >= c->talk_ms)
			peers_hangup(k);
	}
}

int peers_ringing(int agent)
{
	char id[16];

	snprintf(id, sizeof(id), "prs_%d", agent);
	for (int k = 0; k < peers.n_calls; k++)
		if (peers.calls[k].state == CALL_RINGS && !strcmp(peers.calls[k].agent, id))
			return k;
	return -1;
}

/* --- the gateway's RPCs ------------------------------------------------------------------------------------------------------------- */
static enum yc_code on_offer(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__OfferReq *in = vin;
	int k = find(in->item_id);
	struct peers_call *c = &peers.calls[k < 0 ? 0 : k];

	if (peers.refuse_code)
		return yc_fail(e, (enum yc_code)peers.refuse_code, "", "as the test wants it");
	if (k < 0 || c->state == CALL_OVER)
		return yc_fail(e, YC_NOT_FOUND, "call_id", "no such call");
	if (c->state != CALL_WAITS)
		return yc_fail(e, YC_CONFLICT, "call_id", "not waiting");
	for (int i = 0; i < peers.n_calls; i++)
		if (!strcmp(peers.calls[i].agent, in->agent_id) && (peers.calls[i].state == CALL_RINGS || peers.calls[i].state == CALL_TALKS)) {
			printf("  %s is offered %s while he has %s (%d)\n", in->agent_id, c->id, peers.calls[i].id, peers.calls[i].state);
			peers.doubled++;
		}
	yc_copy(c->rsv, sizeof(c->rsv), in->reservation_id);
	yc_copy(c->agent, sizeof(c->agent), in->agent_id);
	yc_copy(c->ext, sizeof(c->ext), in->extension);
	c->ver = in->version;
	c->state = CALL_RINGS;
	c->since_ms = yc_mono();
	yc_copy(peers.offers[peers.n_offers++ % PEERS_OFFERS], YC_ID_LEN, c->id);
	return YC_OK;
}

static enum yc_code on_offer_stop(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__OfferCancel *in = vin;

	peers.n_stops++;
	for (int k = 0; k < peers.n_calls; k++)
		if (peers.calls[k].state == CALL_RINGS && !strcmp(peers.calls[k].rsv, in->reservation_id))
			let_go(&peers.calls[k], CALL_WAITS);
	return YC_OK;
}

static enum yc_code on_answer_rpc(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ReservationReq *in = vin;

	for (int k = 0; k < peers.n_calls; k++)
		if (peers.calls[k].state == CALL_RINGS && !strcmp(peers.calls[k].rsv, in->id)) {
			peers.n_answers++;
			peers_answer(k);
			return YC_OK;
		}
	return yc_fail(e, YC_NOT_FOUND, "id", "no phone rings for this reservation");
}

static enum yc_code on_call_get(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	int k = find(((const Pb__CallReq *)vin)->id);

	if (k < 0 || peers.calls[k].state == CALL_OVER)
		return yc_fail(e, YC_NOT_FOUND, "id", "no such call");
	return YC_OK;
}

static enum yc_code on_other(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	return yc_fail(e, YC_UNIMPLEMENTED, NULL, "not in this test");
}

static const struct yc_rpc gateway_rpcs[] = {
	{ "Offer", on_offer, YC_SERVICES, YC_RPC_DO, 2000 }, { "OfferStop", on_offer_stop, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "Answer", on_answer_rpc, YC_SERVICES, YC_RPC_DO, 2000 }, { "CallGet", on_call_get, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "CallList", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { "Hangup", on_other, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "RegistrationList", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { 0 },
};

/* --- resync, and what the ACD tells the world ---------------------------------------------------------------------------------------- */
static void resync(void)
{
	Pb__ResyncReq r = PB__RESYNC_REQ__INIT;
	Pb__LiveContact *c = yc_xcalloc((size_t)peers.n_calls + 1, sizeof(*c)), **list = yc_xcalloc((size_t)peers.n_calls + 1, sizeof(*list));
	Pb__WorkItem *w = yc_xcalloc((size_t)peers.n_calls + 1, sizeof(*w));

	for (int k = peers.n_calls - 1; k >= 0; k--) {             /* not in the order of arrival */
		struct peers_call *p = &peers.calls[k];
		size_t n = r.n_contacts;

		if (p->state == CALL_OVER)
			continue;
		pb__live_contact__init(&c[n]);
		pb__work_item__init(&w[n]);
		w[n].id = w[n].call_id = p->id;
		w[n].queue = p->queue;
		w[n].priority = p->priority;
		w[n].arrived_at = p->arrived_at;
		w[n].gateway = (char *)GATEWAY;
		c[n].item = &w[n];
		c[n].reservation_id = p->rsv;
		c[n].agent_id = p->agent;
		c[n].bridged = p->state == CALL_TALKS;
		list[r.n_contacts++] = &c[n];
	}
	r.gateway = (char *)GATEWAY;
	r.contacts = list;
	peers.n_resyncs++;
	yc_node_call(peers.gateway, &(struct yc_call){ .service = "acd", .api = &pb__acd__descriptor, .method = "Resync", .in = &r, .retries = 3 });
	yc_xfree(c);
	yc_xfree(list);
	yc_xfree(w);
}

static void note_payload(struct peers_event *x, const Pb__Event *ev)
{
	if (!strncmp(ev->type, "item.", 5)) {
		Pb__WorkItem *w = pb__work_item__unpack(NULL, ev->payload.len, ev->payload.data);

		yc_copy(x->detail, sizeof(x->detail), w->reason);
		yc_copy(x->agent, sizeof(x->agent), w->agent_id);
		x->status = w->state;
		pb__work_item__free_unpacked(w, NULL);
	} else if (!strcmp(ev->type, "agent.state")) {
		Pb__AgentChanged *c = pb__agent_changed__unpack(NULL, ev->payload.len, ev->payload.data);

		yc_copy(x->detail, sizeof(x->detail), *c->disposition ? c->disposition : c->agent->reason);
		x->status = c->agent->status;
		x->was = c->was;
		pb__agent_changed__free_unpacked(c, NULL);
	}
}

static enum yc_code on_event(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	struct peers_event *x = &peers.events[peers.n_events++ % PEERS_EVENTS];

	memset(x, 0, sizeof(*x));
	yc_copy(x->type, sizeof(x->type), ev->type);
	yc_copy(x->key, sizeof(x->key), ev->key);
	note_payload(x, ev);
	if (!strcmp(ev->type, "acd.started"))
		resync();
	return YC_OK;
}

int peers_seen(const char *type, const char *key)
{
	int n = 0;

	for (int k = 0; k < peers.n_events && k < PEERS_EVENTS; k++)
		n += !strcmp(peers.events[k].type, type) && (!key || !strcmp(peers.events[k].key, key));
	return n;
}

static const struct yc_sub gateway_subs[] = { { "acd", "*", NULL, on_event }, { 0 } };
static const struct yc_service gateway_service = { .name = "gateway", .api = &pb__gateway__descriptor, .rpcs = gateway_rpcs, .subs = gateway_subs,
						     .async_events = 1 };

/* --- directory ------------------------------------------------------------------------------------------------------------------------- */
static enum yc_code on_people(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ListReq *in = vin;
	Pb__People *out = vout;
	struct yc_arena *a = yc_req_arena(rq);
	int from = *in->starting_after ? (int)strtol(in->starting_after + 4, NULL, 10) : 0, page = 3;

	for (int k = from + 1; k <= peers.n_agents && (int)out->n_data < page; k++) {
		Pb__Person *p = yc_pb_add(a, &pb__person__descriptor, &out->data, &out->n_data);
		Pb__SkillLevel *s = yc_pb_add(a, &pb__skill_level__descriptor, &p->skills, &p->n_skills);

		p->id = yc_sprintf(a, "prs_%d", k);
		p->staff_no = yc_sprintf(a, "%d", 1000 + k);
		p->name = yc_sprintf(a, "话务员%d", k);
		p->active = 1;
		p->org_path = (char *)ORG;
		p->version = 1;
		s->skill = (char *)"post";
		s->level = 3;
		out->next_cursor = p->id;
		out->has_more = k < peers.n_agents;
	}
	return YC_OK;
}

static enum yc_code on_extensions(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	Pb__Extensions *out = vout;
	struct yc_arena *a = yc_req_arena(rq);

	for (int k = 1; k <= peers.n_agents + 9; k++) {
		Pb__Extension *x = yc_pb_add(a, &pb__extension__descriptor, &out->data, &out->n_data);

		x->number = yc_sprintf(a, "%d", 8000 + k);
		x->static_contact = k == 9 ? (char *)"" : (char *)"sip:x@127.0.0.1";
		x->version = 1;
	}
	return YC_OK;
}

static struct yc_rpc directory_rpcs[64];
static const struct yc_service directory_service = { .name = "directory", .api = &pb__directory__descriptor, .rpcs = directory_rpcs };

static void fill_directory(void)
{
	for (unsigned i = 0; i < pb__directory__descriptor.n_methods; i++) {
		const char *m = pb__directory__descriptor.methods[i].name;

		directory_rpcs[i] = (struct yc_rpc){ m, !strcmp(m, "PersonList") ? on_people : !strcmp(m, "ExtensionList") ? on_extensions : on_other,
						     YC_SERVICES, YC_RPC_DO, 2000 };
	}
}

/* --- turning, asking --------------------------------------------------------------------------------------------------------------------- */
void peers_turn(int64_t ms)
{
	if (peers.gateway) {
		work_off();
		phones_act();
		yc_loop_once(yc_node_loop(peers.gateway), ms < 2 ? ms : 2);
	}
	if (peers.directory)
		yc_loop_once(yc_node_loop(peers.directory), 0);
	yc_loop_once(peers.l, peers.gateway ? 0 : 2);
}

int peers_until(int64_t ms, int (*cond)(void *arg), void *arg)
{
	int64_t until = yc_mono() + ms;

	while (!cond(arg)) {
		if (yc_mono() > until)
			return 0;
		peers_turn(2);
	}
	return 1;
}

struct answer { const ProtobufCMessageDescriptor *d; void *out; int is_done; };

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct answer *x = arg;
	uint8_t *raw;
	size_t n;

	x->is_done = 1;
	peers.code = code;
	memset(&peers.e, 0, sizeof(peers.e));
	if (code != YC_OK) {
		peers.e = *e;
		return;
	}
	n = protobuf_c_message_get_packed_size(msg);
	raw = yc_alloc(peers.a, n + 1);
	protobuf_c_message_pack(msg, raw);
	x->out = protobuf_c_message_unpack(x->d, yc_arena_pb(peers.a), n, raw);
}

static void *ask(const char *service, const ProtobufCServiceDescriptor *api, const char *method, const void *in, const Pb__Principal *as)
{
	struct answer x = { .d = protobuf_c_service_descriptor_get_method_by_name(api, method)->output };

	yc_bus_call(peers.b, &(struct yc_call){ .service = service, .api = api, .method = method, .in = in, .as = as, .timeout_ms = 3000,
			.fn = on_reply, .arg = &x });
	while (!x.is_done)
		peers_turn(2);
	return x.out;
}

void *peers_ask(const char *service, const char *method, const void *in, const Pb__Principal *as)
{
	return ask(service, &pb__acd__descriptor, method, in, as);
}

void peers_import_to(const char *service, const char *kind, const char *json)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem item = PB__IMPORT_ITEM__INIT, *items[] = { &item };
	Pb__ImportReply *r;

	item.kind = (char *)kind;
	item.json = (char *)json;
	in.items = items;
	in.n_items = 1;
	r = ask(service, &pb__node__descriptor, "Import", &in, NULL);
	if (!r || r->errors)
		printf("  %s: %s %s\n", json, r ? r->changes[0]->field : yc_code_name(peers.code), r ? r->changes[0]->message : peers.e.msg);
	CU_ASSERT_FATAL(r && !r->errors);
}

void peers_import(const char *kind, const char *json)
{
	peers_import_to("acd", kind, json);
}

void peers_queue(const char *code, int offer_ms, int wrapup_ms)
{
	char json[300];

	snprintf(json, sizeof(json), "{\"code\":\"%s\",\"name\":\"速递\",\"name_en\":\"Express\",\"skills\":[{\"skill\":\"post\",\"level\":1}],"
		 "\"offer_timeout_ms\":%d,\"wrapup_ms\":%d}", code, offer_ms, wrapup_ms);
	peers_import("queue", json);
}

void peers_principal(Pb__Principal *p, int agent, uint32_t roles, const char *org)
{
	static char ids[8][16];
	static int next;
	char *id = ids[next++ % 8];

	snprintf(id, sizeof(ids[0]), "prs_%d", agent);
	pb__principal__init(p);
	p->person_id = id;
	p->roles = roles;
	p->org_path = (char *)org;
}

Pb__Agent *peers_agent(int agent)
{
	Pb__AgentReq in = PB__AGENT_REQ__INIT;
	char id[16];

	snprintf(id, sizeof(id), "prs_%d", agent);
	in.person_id = id;
	return peers_ask("acd", "AgentGet", &in, NULL);
}

const char *peers_status(int agent)
{
	static const char *const names[] = { "OFFLINE", "READY", "BREAK", "OFFERED", "BUSY", "WRAP_UP" };
	const Pb__Agent *a = peers_agent(agent);

	return a ? names[a->status] : yc_code_name(peers.code);
}

Pb__Agent *peers_sign_in(int agent, const char *ext)
{
	Pb__AgentSessionPut in = PB__AGENT_SESSION_PUT__INIT;
	Pb__Principal p;

	peers_principal(&p, agent, YC_ROLE(AGENT), ORG);
	in.extension = (char *)ext;
	in.ready = 1;
	return peers_ask("acd", "SessionPut", &in, &p);
}

Pb__Agent *peers_state(int agent, const char *state, const char *reason)
{
	Pb__AgentStatePut in = PB__AGENT_STATE_PUT__INIT;
	Pb__Principal p;

	peers_principal(&p, agent, YC_ROLE(AGENT), ORG);
	in.state = (char *)state;
	in.reason = (char *)reason;
	return peers_ask("acd", "StatePut", &in, &p);
}

enum yc_code peers_state_code(int whom, const Pb__Principal *p, const char *state, int64_t version)
{
	Pb__AgentStatePut in = PB__AGENT_STATE_PUT__INIT;
	char id[16];

	snprintf(id, sizeof(id), "prs_%d", whom);
	in.person_id = id;
	in.state = (char *)state;
	in.if_version = version;
	(void)peers_ask("acd", "StatePut", &in, p);
	return peers.code;
}

char *peers_redis(const char *const *args)
{
	char cmd[512], *out = NULL;
	size_t n = 0, got;
	FILE *p, *f = open_memstream(&out, &n);
	char buf[4096];

	snprintf(cmd, sizeof(cmd), "redis-cli -s '%s'", yct_redis() + strlen("unix:"));
	for (; *args; args++)
		snprintf(cmd + strlen(cmd), sizeof(cmd) - strlen(cmd), " '%s'", *args);
	p = popen(cmd, "r");
	while (p && (got = fread(buf, 1, sizeof(buf), p)) > 0)
		fwrite(buf, 1, got, f);
	if (p)
		pclose(p);
	fclose(f);
	return out;
}

/* --- life ---------------------------------------------------------------------------------------------------------------------------------- */
static int generation;                           /* each start has folders of its own */

static struct yc_node *node_open(const struct yc_service *s)
{
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .site = "yn", .home = (char *)yct_dir(), .level = "error", .instance = 1 };
	struct yc_node *n = NULL;

	YCT_OK(yc_node_open(&n, &c, s, NULL, yct_err()));
	return n;
}

void peers_directory(int up)
{
	if (up && !peers.directory)
		peers.directory = node_open(&directory_service);
	else if (!up && peers.directory)
		yc_node_close(&peers.directory);
}

void peers_gateway(int up)
{
	if (up && !peers.gateway)
		peers.gateway = node_open(&gateway_service);
	else if (!up && peers.gateway)
		yc_node_close(&peers.gateway);
}

void peers_start(int agents)
{
	memset(&peers, 0, sizeof(peers));
	generation++;
	peers.n_agents = agents;
	peers.answer_after_ms = peers.talk_ms = -1;
	fill_directory();
	yct_redis();
	free(peers_redis((const char *[]){ "FLUSHALL", NULL }));
	peers_gateway(1);
	peers_directory(1);
	peers.l = yc_loop_new();
	peers.a = yc_arena_new(64u << 20);
	YCT_OK(yc_bus_open(&peers.b, peers.l, &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, NULL, NULL, yct_err()));
}

void peers_stop(void)
{
	yc_bus_close(&peers.b);
	yc_loop_free(&peers.l);
	yc_arena_free(&peers.a);
	peers_directory(0);
	peers_gateway(0);
	while (ops) {
		struct op *o = ops;

		ops = o->next;
		yc_xfree(o);
	}
}

static int serves(void *arg)
{
	static const Pb__Empty in = PB__EMPTY__INIT;
	const Pb__HealthReply *h = ask("acd", &pb__node__descriptor, "Health", &in, NULL);

	return h && h->ready;
}

int peers_acd_serves(int64_t ms)
{
	return peers_until(ms, serves, NULL);
}

int peers_acd(int n, const char *db, const char *const *more)
{
	char home[300], nr[12];
	const char *args[40] = { "--bus", yct_bus(), "--site", "yn", "--redis", yct_redis(), "--home", home, "--instance", nr,
				 "--level", getenv("YCT_DEBUG") ? "debug" : "error", "--db", db };
	int k = db ? 14 : 12;

	snprintf(home, sizeof(home), "%s/acd%d.%d", yct_dir(), generation, n);
	snprintf(nr, sizeof(nr), "%d", n);
	for (; more && *more && k < 39; more++)
		args[k++] = *more;
	args[k] = NULL;
	return yct_spawn("yc-acd", args, NULL);
}
