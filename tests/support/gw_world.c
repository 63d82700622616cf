#include "gw_world.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yct.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/node.h"
#include "yc/text.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/directory.pb-c.h"

struct world world;
static struct yc_node *acd, *crm, *dir;
static char home[256], prompts[300];

/* --- the fake ACD --------------------------------------------------------------------------------------------------------------- */

static void on_offer_answered(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	world.offer_code = code;
}

static void offer(const Pb__WorkItem *in)
{
	Pb__OfferReq out = PB__OFFER_REQ__INIT;
	char to[80];

	snprintf(to, sizeof to, "gateway@%s", in->gateway);
	yc_id_new("rsv", world.last_reservation);
	out.reservation_id = world.last_reservation;
	out.version = 7;
	out.item_id = in->id;
	out.call_id = in->call_id;
	out.agent_id = "prs_1";
	out.agent_name = "李梅";
	out.extension = (char *)world.offer_to;
	out.timeout_ms = world.offer_ms ? world.offer_ms : 5000;
	out.queue = in->queue;
	world.offer_code = -1;
	yc_node_call(acd, &(struct yc_call){ .service = to, .api = &pb__gateway__descriptor, .method = "Offer", .in = &out, .fn = on_offer_answered });
}

static enum yc_code on_enqueue(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__WorkItem *in = vin;
	Pb__EnqueueReply *out = vout;
	struct world_item *i = &world.items[world.n_items % WORLD_MAX];

	yc_copy(i->id, sizeof i->id, in->id);
	yc_copy(i->call_id, sizeof i->call_id, in->call_id);
	yc_copy(i->queue, sizeof i->queue, in->queue);
	yc_copy(i->caller, sizeof i->caller, in->caller);
	yc_copy(i->customer_id, sizeof i->customer_id, in->customer_id);
	yc_copy(i->matter_id, sizeof i->matter_id, in->matter_id);
	i->arrived_at = in->arrived_at;
	i->priority = in->priority;
	world.n_items++;
	out->boot = (char *)yc_node_boot(yc_req_node(rq));
	out->state = PB__ITEM_STATE__ITEM_STATE_WAITING;
	if (world.offer_to)
		offer(in);
	return YC_OK;
}

static enum yc_code on_leave(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	yc_copy(world.left[world.n_left++ % WORLD_MAX], YC_ID_LEN, ((const Pb__ItemReq *)vin)->id);
	return YC_OK;
}

static enum yc_code on_offer_end(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__OfferResult *in = vin;
	struct world_result *r = &world.results[world.n_results++ % WORLD_MAX];

	yc_copy(r->reservation, sizeof r->reservation, in->reservation_id);
	yc_copy(r->reason, sizeof r->reason, in->reason);
	r->outcome = in->outcome;
	r->version = in->version;
	return YC_OK;
}

static enum yc_code on_end(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__ContactEnded *in = vin;
	struct world_end *r = &world.ends[world.n_ends++ % WORLD_MAX];

	yc_copy(r->item_id, sizeof r->item_id, in->item_id);
	yc_copy(r->by, sizeof r->by, in->by);
	yc_copy(r->reason, sizeof r->reason, in->reason);
	r->talk_ms = in->talk_ms;
	return YC_OK;
}

static enum yc_code on_resync(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ResyncReq *in = vin;

	world.n_resyncs++;
	world.n_resync_contacts = (int)in->n_contacts;
	world.resync_bridged = 0;
	for (size_t i = 0; i < in->n_contacts; i++)
		world.resync_bridged += in->contacts[i]->bridged;
	((Pb__ResyncReply *)vout)->boot = (char *)yc_node_boot(yc_req_node(rq));
	return YC_OK;
}

static enum yc_code on_live(struct yc_req *rq, const void *in, void *vout, struct yc_err *e)
{
	((Pb__QueuesLive *)vout)->boot = (char *)yc_node_boot(yc_req_node(rq));
	return YC_OK;
}

static enum yc_code on_other(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	return yc_fail(e, YC_UNIMPLEMENTED, NULL, "not in this test");
}

static void note_payload(struct world_event *w, const Pb__Event *ev)
{
	Pb__CallChanged *c;
	Pb__CallEnded *d;
	Pb__RecordingReady *r;
	Pb__PhoneChanged *p;
	Pb__CallMenu *m;

	if (!strcmp(ev->type, "call.offer_ended") && (c = pb__call_changed__unpack(NULL, ev->payload.len, ev->payload.data))) {
		yc_copy(w->detail, sizeof w->detail, c->detail);
		pb__call_changed__free_unpacked(c, NULL);
	} else if (!strcmp(ev->type, "call.ended") && (d = pb__call_ended__unpack(NULL, ev->payload.len, ev->payload.data))) {
		snprintf(w->detail, sizeof w->detail, "%s/%s", d->by, d->reason);
		w->talk_ms = d->talk_ms;
		w->wait_ms = d->wait_ms;
		w->rtp_in = d->caller ? d->caller->rtp_in : 0;
		pb__call_ended__free_unpacked(d, NULL);
	} else if (!strcmp(ev->type, "recording.ready") && (r = pb__recording_ready__unpack(NULL, ev->payload.len, ev->payload.data))) {
		yc_copy(w->blob, sizeof w->blob, r->blob_id);
		w->talk_ms = r->duration_ms;
		pb__recording_ready__free_unpacked(r, NULL);
	} else if (!strcmp(ev->type, "phone.changed") && (p = pb__phone_changed__unpack(NULL, ev->payload.len, ev->payload.data))) {
		w->registered = p->registered;
		yc_copy(w->detail, sizeof w->detail, p->reason);
		pb__phone_changed__free_unpacked(p, NULL);
	} else if (!strcmp(ev->type, "call.menu") && (m = pb__call_menu__unpack(NULL, ev->payload.len, ev->payload.data))) {
		snprintf(w->detail, sizeof w->detail, "%s:%s>%s/%s", m->node, m->input, m->next, m->via);
		pb__call_menu__free_unpacked(m, NULL);
	}
}

static enum yc_code on_event(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	struct world_event *w = &world.events[world.n_events % (WORLD_MAX * 8)];

	memset(w, 0, sizeof *w);
	yc_copy(w->type, sizeof w->type, ev->type);
	yc_copy(w->key, sizeof w->key, ev->key);
	yc_copy(w->matter_id, sizeof w->matter_id, ev->matter_id);
	note_payload(w, ev);
	world.n_events++;
	return YC_OK;
}

static const struct yc_rpc acd_rpcs[] = {
	{ "Enqueue", on_enqueue, YC_SERVICES, YC_RPC_DO, 2000 }, { "Leave", on_leave, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "OfferEnd", on_offer_end, YC_SERVICES, YC_RPC_DO, 2000 }, { "End", on_end, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "Resync", on_resync, YC_SERVICES, YC_RPC_DO, 2000 }, { "Position", on_other, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "SessionPut", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { "SessionRenew", on_other, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "StatePut", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { "AgentGet", on_other, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "AgentList", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { "Accept", on_other, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "Reject", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { "WrapUp", on_other, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "QueueList", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { "Live", on_live, YC_SERVICES, YC_RPC_DO, 2000 }, { 0 },
};
static const struct yc_sub acd_subs[] = { { "gateway", "*", NULL, on_event }, { 0 } };
static const struct yc_service acd_service = { .name = "acd", .api = &pb__acd__descriptor, .rpcs = acd_rpcs, .subs = acd_subs, .async_events = 1 };

/* --- the fake CRM and directory ------------------------------------------------------------------------------------------------------ */

static enum yc_code on_resolve(struct yc_req *rq, const void *in, void *vout, struct yc_err *e)
{
	world.n_resolved++;
	((Pb__Customer *)vout)->id = "cus_1";
	return YC_OK;
}

static const struct yc_rpc crm_rpcs[] = {
	{ "Resolve", on_resolve, YC_SERVICES, YC_RPC_DO, 2000 }, { "Get", on_other, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "List", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { "Put", on_other, YC_SERVICES, YC_RPC_DO, 2000 },
	{ "TimelineList", on_other, YC_SERVICES, YC_RPC_DO, 2000 }, { 0 },
};
static const struct yc_service crm_service = { .name = "crm", .api = &pb__crm__descriptor, .rpcs = crm_rpcs };

static enum yc_code on_extensions(struct yc_req *rq, const void *in, void *vout, struct yc_err *e)
{
	static const char phone[] = "1001:yichuang:secret-1001";
	Pb__Extensions *out = vout;
	struct yc_arena *a = yc_req_arena(rq);
	Pb__Extension *x = yc_pb_add(a, &pb__extension__descriptor, &out->data, &out->n_data);
	char md5[33], sha[65];

	yc_md5_hex(phone, strlen(phone), md5);
	yc_sha256_hex(phone, strlen(phone), sha);
	x->number = "1001";
	x->ha1_md5 = yc_strdup(a, md5);
	x->ha1_sha256 = yc_strdup(a, sha);
	x = yc_pb_add(a, &pb__extension__descriptor, &out->data, &out->n_data);
	x->number = "2001";
	x->static_contact = yc_sprintf(a, "sip:agent@%s:5070", world.agent);
	return YC_OK;
}

static struct yc_rpc dir_rpcs[40];
static struct yc_service dir_service = { .name = "directory", .api = &pb__directory__descriptor, .rpcs = dir_rpcs };
static void fill_dir(void)
{
	for (unsigned i = 0; i < pb__directory__descriptor.n_methods; i++) {
		const char *m = pb__directory__descriptor.methods[i].name;
		dir_rpcs[i] = (struct yc_rpc){ m, strcmp(m, "ExtensionList") ? on_other : on_extensions, YC_SERVICES, YC_RPC_DO, 2000 };
	}
}

/* --- turning --------------------------------------------------------------------------------------------------------------------------- */

void world_turn(int64_t ms)
{
	if (acd)
		yc_loop_once(yc_node_loop(acd), ms < 2 ? ms : 2);
	yc_loop_once(yc_node_loop(crm), 0);
	yc_loop_once(yc_node_loop(dir), acd ? 0 : 2);
}

int world_until(int64_t ms, int (*cond)(void *arg), void *arg)
{
	int64_t until = yc_mono() + ms;

	while (!cond(arg)) {
		if (yc_mono() > until)
			return 0;
		world_turn(2);
	}
	return 1;
}

/* --- start and stop ---------------------------------------------------------------------------------------------------------------------- */

static struct yc_node *node_open(const struct yc_service *s, const char *where)
{
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .site = "yn", .home = (char *)where, .level = "warn" };
	struct yc_node *n = NULL;

	YCT_OK(yc_node_open(&n, &c, s, NULL, yct_err()));
	return n;
}

void world_acd(int up)
{
	if (up && !acd)
		acd = node_open(&acd_service, home);
	else if (!up && acd)
		yc_node_close(&acd);
}

/* A tone of ms milliseconds as 8 kHz 16 bit WAV. */
static void make_prompt(const char *name, int ms, int hz)
{
	char path[600];
	int n = ms * 8;
	uint32_t h[11] = { 0x46464952, (uint32_t)(36 + n * 2), 0x45564157, 0x20746d66, 16, 0x00010001, 8000, 16000, 0x00100002, 0x61746164, (uint32_t)(n * 2) };
	FILE *f;

	snprintf(path, sizeof path, "%s/%s.wav", prompts, name);
	f = fopen(path, "wb");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fwrite(h, sizeof h, 1, f);
	for (int i = 0; i < n; i++) {
		int16_t v = (int16_t)(8000 * sin(2 * M_PI * hz * i / 8000));
		fwrite(&v, 2, 1, f);
	}
	fclose(f);
}

static int gateway_answers(void *arg)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;

	return world_ask("CallList", &in, 0, NULL, NULL, NULL, NULL) == YC_OK;
}

void world_import_all(void)
{
	static const char *const items[][2] = {
		{ "flow", "{\"name\":\"post\",\"title\":\"速递\",\"start\":\"hello\",\"nodes\":[{\"id\":\"hello\",\"kind\":\"play\",\"prompt\":\"welcome\",\"next\":\"q\"},"
			  "{\"id\":\"q\",\"kind\":\"queue\",\"queue\":\"express\",\"priority\":2,\"music\":\"hold\"}]}" },
		{ "flow", "{\"name\":\"direct\",\"start\":\"q\",\"nodes\":[{\"id\":\"q\",\"kind\":\"queue\",\"queue\":\"express\",\"music\":\"hold\"}]}" },
		{ "flow", "{\"name\":\"choice\",\"start\":\"m\",\"nodes\":[{\"id\":\"m\",\"kind\":\"menu\",\"prompt\":\"welcome\",\"timeout_ms\":3000,\"tries\":2,"
			  "\"on_invalid\":\"bye\",\"choices\":[{\"key\":\"5\",\"next\":\"q\",\"name\":\"速递\"}]},"
			  "{\"id\":\"q\",\"kind\":\"queue\",\"queue\":\"express\"},{\"id\":\"bye\",\"kind\":\"hangup\",\"reason\":\"no_choice\"}]}" },
		{ "flow", "{\"name\":\"short\",\"start\":\"hello\",\"nodes\":[{\"id\":\"hello\",\"kind\":\"play\",\"prompt\":\"welcome\",\"next\":\"bye\"},"
			  "{\"id\":\"bye\",\"kind\":\"hangup\",\"reason\":\"closed\"}]}" },
		{ "number", "{\"number\":\"11185\",\"flow\":\"post\",\"class\":\"citizen\"}" },
		{ "number", "{\"number\":\"11189\",\"flow\":\"direct\",\"record\":true}" },
		{ "number", "{\"number\":\"11186\",\"flow\":\"choice\"}" },
		{ "number", "{\"number\":\"11180\",\"flow\":\"short\"}" },
	};
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem it[9], *list[9];
	char trunk[200];
	struct yc_err e;
	int code = -1;

	for (int i = 0; i < 9; i++) {
		pb__import_item__init(&it[i]);
		it[i].kind = i < 8 ? (char *)items[i][0] : "trunk";
		it[i].json = i < 8 ? (char *)items[i][1] : trunk;
		list[i] = &it[i];
	}
	snprintf(trunk, sizeof trunk, "{\"name\":\"carrier\",\"addresses\":[\"%s\"]}", world.caller);
	in.items = list;
	in.n_items = 9;
	memset(&e, 0, sizeof e);
	code = world_ask("Node.Import", &in, 0, NULL, NULL, NULL, e.msg);
	CU_ASSERT_EQUAL_FATAL(code, YC_OK);
}

void world_gateway_start(const char *const *more)
{
	const char *args[40] = { "--site", "yn", "--home", home, "--bus", yct_bus(), "--redis", yct_redis(), "--prompts", prompts, "--level",
				 getenv("GW_LEVEL") ? getenv("GW_LEVEL") : "warn", "--rtp-timeout-ms", "4s" };
	char sip[64];
	int n = 14;

	snprintf(sip, sizeof sip, "%s:%s", world.gateway, world.gateway_port);
	args[n++] = "--sip";
	args[n++] = sip;
	for (int i = 0; more && more[i] && n < 39; i++)
		args[n++] = more[i];
	world.gateway_pid = yct_spawn("yc-gateway", args, NULL);
	CU_ASSERT_FATAL(world_until(15000, gateway_answers, NULL));
}

static char health[256];
static void copy_health(void *arg, const void *msg)
{
	const Pb__HealthReply *r = msg;

	yc_copy(health, sizeof health, r->ready ? "" : r->detail);
}

const char *world_health(void)
{
	Pb__Empty in = PB__EMPTY__INIT;

	yc_copy(health, sizeof health, "no answer");
	world_ask("Node.Health", &in, 0, NULL, copy_health, NULL, NULL);
	return health;
}

static int dir_told(void *arg)
{
	return !*world_health();
}

int world_import(const char *kind, const char *json)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem it = PB__IMPORT_ITEM__INIT, *list = &it;

	it.kind = (char *)kind;
	it.json = (char *)json;
	in.items = &list;
	in.n_items = 1;
	return world_ask("Node.Import", &in, 0, NULL, NULL, NULL, NULL);
}

void world_start(const char *const *more)
{
	int a = (getpid() / 250) % 100 + 100, b = getpid() % 250;

	memset(&world, 0, sizeof world);
	snprintf(world.gateway, sizeof world.gateway, "127.%d.%d.2", a, b);
	snprintf(world.agent, sizeof world.agent, "127.%d.%d.3", a, b);
	snprintf(world.caller, sizeof world.caller, "127.%d.%d.4", a, b);
	snprintf(world.gateway_port, sizeof world.gateway_port, "5060");
	snprintf(home, sizeof home, "%s/home", yct_dir());
	snprintf(prompts, sizeof prompts, "%s/prompts", yct_dir());
	mkdir(home, 0755);
	mkdir(prompts, 0755);
	make_prompt("welcome", 200, 440);
	make_prompt("hold", 1000, 350);
	fill_dir();
	crm = node_open(&crm_service, home);
	dir = node_open(&dir_service, home);
	world_acd(1);
	world_gateway_start(more);
	CU_ASSERT(world_until(5000, dir_told, NULL));
	world_import_all();
}

void world_gateway_kill(void)
{
	yct_kill(world.gateway_pid, SIGKILL);
	world.gateway_pid = 0;
}

int world_gateway_stop(void)
{
	int pid = world.gateway_pid;

	world.gateway_pid = 0;
	kill(pid, SIGTERM);
	return world_sipp_ends(pid, 15000);
}

void world_stop(void)
{
	if (world.gateway_pid)
		world_gateway_kill();
	world_acd(0);
	yc_node_close(&crm);
	yc_node_close(&dir);
}

void world_forget(void)
{
	world.n_items = world.n_results = world.n_ends = world.n_left = world.n_events = world.n_resyncs = world.n_resolved = 0;
	world.offer_to = NULL;
	world.offer_ms = 0;
}

/* --- sipp -------------------------------------------------------------------------------------------------------------------------------- */

static void sipp_child(const char *name, const char *ip, int port, const char *const *args)
{
	char cwd[512], xml[1100], p[16], to[64], mip[16];
	const char *argv[60] = { "sipp", "-sf", xml, "-i", ip, "-p", p, "-mp", mip, "-nostdin", "-trace_err", "-error_file", "err.log", "-timeout", "30" };
	static int nr;
	int n = 15, fd = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!getcwd(cwd, sizeof cwd))
		_exit(127);
	snprintf(xml, sizeof xml, "%s/tests/e2e/sipp/%s.xml", getenv("YC_SRC") ? getenv("YC_SRC") : cwd, name);
	snprintf(p, sizeof p, "%d", port);
	snprintf(mip, sizeof mip, "%d", 30000 + (port % 100) * 100);
	snprintf(to, sizeof to, "%s:%s", world.gateway, world.gateway_port);
	snprintf(cwd, sizeof cwd, "%s/sipp-%s-%d-%d", yct_dir(), name, getpid(), nr++);
	for (int i = 0; args && args[i] && n < 58; i++)
		argv[n++] = args[i];
	argv[n++] = to;
	if (mkdir(cwd, 0755) || chdir(cwd))
		_exit(127);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	execvp("sipp", (char *const *)argv);
	_exit(127);
}

int world_sipp(const char *name, const char *ip, int port, const char *const *args)
{
	int pid = fork();

	if (pid == 0)
		sipp_child(name, ip, port, args);
	return pid;
}

struct ending { int pid, status; };
static int has_ended(void *arg)
{
	struct ending *x = arg;

	return waitpid(x->pid, &x->status, WNOHANG) == x->pid;
}

int world_sipp_ends(int pid, int64_t ms)
{
	struct ending x = { pid, 0 };

	if (!world_until(ms, has_ended, &x)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	return WIFEXITED(x.status) ? WEXITSTATUS(x.status) : -2;
}

int world_dial(const char *scenario, const char *number, int port, int talk_ms)
{
	char d[16];
	const char *args[] = { "-s", number, "-m", "1", "-d", d, NULL };

	snprintf(d, sizeof d, "%d", talk_ms);
	return world_sipp(scenario, world.caller, port, args);
}

/* --- asking -------------------------------------------------------------------------------------------------------------------------------- */

struct asked { int code; char *why; void (*fn)(void *arg, const void *msg); void *arg; };
static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *a = arg;

	if (a->why && e)
		yc_copy(a->why, 200, e->msg);
	if (code == YC_OK && a->fn)
		a->fn(a->arg, msg);
	a->code = code;
}

static int is_answered(void *arg)
{
	return ((struct asked *)arg)->code >= 0;
}

int world_ask(const char *method, const void *in, uint32_t roles, const char *person, void (*fn)(void *arg, const void *msg), void *arg, char *why)
{
	struct asked a = { .code = -1, .why = why, .fn = fn, .arg = arg };
	Pb__Principal as = PB__PRINCIPAL__INIT;
	const char *builtin = strncmp(method, "Node.", 5) ? NULL : method + 5;
	struct yc_call c = { .service = "gateway", .api = builtin ? &pb__node__descriptor : &pb__gateway__descriptor, .method = builtin ? builtin : method,
		.in = in, .timeout_ms = 4000, .fn = on_reply, .arg = &a };

	as.roles = roles;
	as.person_id = (char *)(person ? person : "");
	if (roles)
		c.as = &as;
	yc_node_call(crm, &c);
	return world_until(6000, is_answered, &a) ? a.code : -1;
}

int world_saw(const char *type)
{
	int n = 0;

	for (int i = 0; i < world.n_events && i < WORLD_MAX * 8; i++)
		n += !strcmp(world.events[i].type, type);
	return n;
}

const struct world_event *world_event(const char *type, int nth)
{
	for (int i = 0; i < world.n_events && i < WORLD_MAX * 8; i++)
		if (!strcmp(world.events[i].type, type) && nth-- == 0)
			return &world.events[i];
	return NULL;
}
