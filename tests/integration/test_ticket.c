/* The ticket service through the bus: real broker, real directory, both stores. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "yc/arena.h"
#include "yc/bus.h"
#include "yc/clock.h"
#include "yc/json.h"
#include "yc/text.h"
#include "yc/v1/ticket.pb-c.h"
#include "yct.h"
#include "yct_bus.h"

#define SITE "yt"
#define H (3600 * 1000LL)

static struct {
	struct yc_loop *l;
	struct yc_bus *b;
	struct yc_arena *a;
	int directory, ticket;
	char url[512];
	Pb__Principal zhang, li, wang, chen, boss;      /* agent, agent, handler of km, handler of qj, leader */
	int events, due_events;
	char types[4096];
	enum yc_code code;              /* of the last call */
	struct yc_err e;
} w;

/* --- asking ------------------------------------------------------------------------------------------------------------------- */

struct wait { const ProtobufCMessageDescriptor *d; void *out; int done; };

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct wait *x = arg;

	x->done = 1;
	w.code = code;
	memset(&w.e, 0, sizeof(w.e));
	if (code != YC_OK) {
		w.e = *e;
	} else {
		size_t n = protobuf_c_message_get_packed_size(msg);
		uint8_t *p = yc_alloc(w.a, n + 1);

		protobuf_c_message_pack(msg, p);
		x->out = protobuf_c_message_unpack(x->d, yc_arena_pb(w.a), n, p);
	}
}

static void *ask(const char *service, const ProtobufCServiceDescriptor *api, const char *method, const void *in, const Pb__Principal *as,
		 const char *request_id)
{
	struct wait x = { .d = protobuf_c_service_descriptor_get_method_by_name(api, method)->output };

	yc_bus_call(w.b, &(struct yc_call){ .service = service, .api = api, .method = method, .in = in, .as = as, .request_id = request_id,
			.timeout_ms = 10000, .fn = on_reply, .arg = &x });
	while (!x.done)
		yc_loop_once(w.l, 100);
	return x.out;
}

static void *tk(const char *method, const void *in, const Pb__Principal *as)
{
	return ask("ticket", &pb__ticket__descriptor, method, in, as, NULL);
}

static void fine(const char *what)
{
	if (w.code != YC_OK)
		printf("  %s: %s %s: %s\n", what, yc_code_name(w.code), w.e.field, w.e.msg);
	CU_ASSERT_EQUAL_FATAL(w.code, YC_OK);
}

static void refused(enum yc_code code, const char *field, const char *word)
{
	if (w.code != code || !yc_streq(w.e.field, field) || !strstr(w.e.msg, word))
		printf("  got %s %s: %s\n", yc_code_name(w.code), w.e.field, w.e.msg);
	CU_ASSERT_EQUAL(w.code, code);
	YCT_STR(w.e.field, field);
	CU_ASSERT_PTR_NOT_NULL(strstr(w.e.msg, word));
}

static Pb__ImportReply *import(const char *service, const char *kind, const char *json)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem item = PB__IMPORT_ITEM__INIT, *items[] = { &item };
	Pb__ImportReply *r;

	item.kind = (char *)kind;
	item.json = (char *)json;
	in.items = items;
	in.n_items = 1;
	r = ask(service, &pb__node__descriptor, "Import", &in, NULL, NULL);
	fine(json);
	return r;
}

static void load(const char *service, const char *kind, const char *json)
{
	Pb__ImportReply *r = import(service, kind, json);

	for (size_t i = 0; i < r->n_changes; i++)
		if (r->changes[i]->action == PB__IMPORT_ACTION__IMPORT_ACTION_ERROR)
			printf("  %s: %s: %s\n", kind, r->changes[i]->field, r->changes[i]->message);
	CU_ASSERT_EQUAL_FATAL(r->errors, 0);
}

/* --- the world: a directory with two departments and a centre, a ticket service on the store under test ------------------------------ */

#define CALENDAR(last, close) "{\"code\":\"work\",\"name\":\"工作日\",\"utc_offset\":\"+08:00\",\"first_year\":2020,\"last_year\":" last ",\"week\":[" \
	"{\"day\":\"mon\",\"spans\":[{\"open\":\"08:00\",\"close\":\"" close "\"}]},{\"day\":\"tue\",\"spans\":[{\"open\":\"08:00\",\"close\":\"" close "\"}]}," \
	"{\"day\":\"wed\",\"spans\":[{\"open\":\"08:00\",\"close\":\"" close "\"}]},{\"day\":\"thu\",\"spans\":[{\"open\":\"08:00\",\"close\":\"" close "\"}]}," \
	"{\"day\":\"fri\",\"spans\":[{\"open\":\"08:00\",\"close\":\"" close "\"}]},{\"day\":\"sat\",\"spans\":[{\"open\":\"08:00\",\"close\":\"" close "\"}]}," \
	"{\"day\":\"sun\",\"spans\":[{\"open\":\"08:00\",\"close\":\"" close "\"}]}]}"
#define PERSON(no, name, org, role) "{\"staff_no\":\"" no "\",\"name\":\"" name "\",\"org\":\"" org "\",\"roles\":[\"" role "\"],\"active\":true}"

static void person(Pb__Principal *p, const char *no, const char *path, uint32_t roles)
{
	Pb__KeyReq in = PB__KEY_REQ__INIT;
	Pb__Person *found;

	in.id = (char *)no;
	found = ask("directory", &pb__directory__descriptor, "PersonGet", &in, NULL, NULL);
	fine("PersonGet");
	pb__principal__init(p);
	p->person_id = yc_xstrdup(found->id);
	p->name = yc_xstrdup(found->name);
	p->roles = roles;
	p->org_path = (char *)path;
	YCT_STR(found->org_path, path);
}

static void people(void)
{
	load("directory", "org", "{\"code\":\"yt\",\"parent\":\"\",\"name\":\"省\",\"type\":\"province\"}");
	load("directory", "org", "{\"code\":\"centre\",\"parent\":\"yt\",\"name\":\"客服中心\",\"type\":\"department\"}");
	load("directory", "org", "{\"code\":\"team1\",\"parent\":\"centre\",\"name\":\"一组\",\"type\":\"team\"}");
	load("directory", "org", "{\"code\":\"km\",\"parent\":\"yt\",\"name\":\"昆明\",\"type\":\"branch\"}");
	load("directory", "org", "{\"code\":\"km-delivery\",\"parent\":\"km\",\"name\":\"昆明投递部\",\"type\":\"department\"}");
	load("directory", "org", "{\"code\":\"qj\",\"parent\":\"yt\",\"name\":\"曲靖\",\"type\":\"branch\"}");
	load("directory", "person", PERSON("1001", "张敏", "team1", "agent"));
	load("directory", "person", PERSON("1002", "李强", "team1", "agent"));
	load("directory", "person", PERSON("2001", "王芳", "km-delivery", "handler"));
	load("directory", "person", PERSON("2002", "陈刚", "qj", "handler"));
	load("directory", "person", PERSON("3001", "赵班长", "centre", "leader"));
	person(&w.zhang, "1001", "/yt/centre/team1", 1u << PB__ROLE__ROLE_AGENT);
	person(&w.li, "1002", "/yt/centre/team1", 1u << PB__ROLE__ROLE_AGENT);
	person(&w.wang, "2001", "/yt/km/km-delivery", 1u << PB__ROLE__ROLE_HANDLER);
	person(&w.chen, "2002", "/yt/qj", 1u << PB__ROLE__ROLE_HANDLER);
	person(&w.boss, "3001", "/yt/centre", 1u << PB__ROLE__ROLE_LEADER);
}

static void on_event(void *arg, const char *topic, const uint8_t *p, size_t n)
{
	Pb__Event *ev = pb__event__unpack(yc_arena_pb(w.a), n, p);

	if (!ev || strncmp(ev->type, "order.", 6) != 0)
		return;
	w.events++;
	w.due_events += yc_streq(ev->type, "order.due");
	if (strlen(w.types) + strlen(ev->type) + 2 < sizeof(w.types)) {
		memcpy(w.types + strlen(w.types), " ", 2);
		yc_copy(w.types + strlen(w.types), sizeof(w.types) - strlen(w.types), ev->type);
	}
}

static void spawn_ticket(void)
{
	char bus[300], db[600];
	const char *env[] = { bus, db, "YC_SITE=" SITE, NULL }, *args[] = { "--level", "error", NULL };

	snprintf(bus, sizeof(bus), "YC_BUS=%s", yct_bus());
	snprintf(db, sizeof(db), "YC_DB=%s", w.url);
	w.ticket = yct_spawn("yc-ticket", args, env);
}

static int ticket_ready(void *arg)
{
	Pb__Empty in = PB__EMPTY__INIT;
	Pb__HealthReply *r = ask("ticket", &pb__node__descriptor, "Health", &in, NULL, NULL);

	return r && r->ready && r->pid == w.ticket;
}

static void start_ticket(void)
{
	spawn_ticket();
	CU_ASSERT_TRUE_FATAL(yct_until(20000, ticket_ready, NULL));
}

static void start_directory(void)
{
	char bus[300], db[300];
	const char *env[] = { bus, db, "YC_SITE=" SITE, NULL }, *args[] = { "--level", "error", NULL };

	snprintf(bus, sizeof(bus), "YC_BUS=%s", yct_bus());
	snprintf(db, sizeof(db), "YC_DB=sqlite:%s/directory.db", yct_dir());
	w.directory = yct_spawn("yc-directory", args, env);
	CU_ASSERT_TRUE_FATAL(yct_bus_answers(yct_bus(), "directory", 20000));
}

static void setup(void)
{
	w.l = yc_loop_new();
	w.a = yc_arena_new(256 << 20);
	YCT_OK(yc_bus_open(&w.b, w.l, &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, on_event, NULL, yct_err()));
	yc_bus_subscribe(w.b, SITE ".ticket.");
	if (w.directory)
		return;
	start_directory();
	people();
}

/* A clean end: under the sanitizers a leak is an exit status. */
static void stop_ticket(void)
{
	int status = 0;

	if (w.ticket <= 0)
		return;
	kill(w.ticket, SIGTERM);
	while (waitpid(w.ticket, &status, 0) < 0)
		;
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	w.ticket = 0;
}

static void teardown(void)
{
	yct_kill(w.ticket, SIGKILL);
	w.ticket = 0;
	yc_bus_close(&w.b);
	yc_loop_free(&w.l);
	yc_arena_free(&w.a);
}

static void open_store(const char *url)
{
	stop_ticket();
	yc_copy(w.url, sizeof(w.url), url);
	load("directory", "calendar", CALENDAR("2035", "18:00"));
	start_ticket();
	load("ticket", "process", "{\"code\":\"standard\",\"version_no\":1,\"name\":\"标准\",\"steps\":["
	     "{\"code\":\"accept\",\"name\":\"受理\",\"holder\":\"centre\",\"target\":\"1h\"},"
	     "{\"code\":\"handle\",\"name\":\"部门办理\",\"holder\":\"department\",\"target\":\"16h\"},"
	     "{\"code\":\"answer\",\"name\":\"答复用户\",\"holder\":\"owner\",\"target\":\"4h\"}]}");
	load("ticket", "service", "{\"code\":\"trace\",\"name\":\"邮件查询\",\"process\":\"standard\",\"department\":\"km-delivery\","
	     "\"calendar\":\"work\",\"target\":\"24h\"}");
	w.events = w.due_events = 0;
	w.types[0] = 0;
}

#define BOTH(name) static void name##_on(const char *url); static void name(void) { yct_on_both_stores(name##_on); } static void name##_on(const char *url)

/* --- what people do ------------------------------------------------------------------------------------------------------------------ */

static Pb__Order *create_as(const char *subject, const Pb__Principal *who, const char *request_id)
{
	Pb__OrderCreateReq in = PB__ORDER_CREATE_REQ__INIT;

	in.service = (char *)"trace";
	in.subject = (char *)subject;
	in.customer_phone = (char *)"138 8888 1234";
	in.customer_name = (char *)"李秀英";
	return ask("ticket", &pb__ticket__descriptor, "Create", &in, who, request_id);
}

static Pb__Order *create(const char *subject)
{
	Pb__Order *o = create_as(subject, &w.zhang, NULL);

	fine("Create");
	return o;
}

static Pb__Order *step(const char *id, const char *outcome, const char *text, const Pb__Principal *who)
{
	Pb__StepReq in = PB__STEP_REQ__INIT;

	in.id = (char *)id;
	in.outcome = (char *)outcome;
	in.text = (char *)text;
	return tk("Step", &in, who);
}

static Pb__Order *take(const char *id, const Pb__Principal *who)
{
	Pb__TakeReq in = PB__TAKE_REQ__INIT;

	in.id = (char *)id;
	return tk("Take", &in, who);
}

static Pb__Order *answer(const char *id, int satisfied, const Pb__Principal *who)
{
	Pb__AnswerReq in = PB__ANSWER_REQ__INIT;

	in.id = (char *)id;
	in.text = (char *)"邮件已于今日妥投";
	in.channel = (char *)"phone";
	in.satisfied = satisfied;
	return tk("Answer", &in, who);
}

static Pb__Order *finish(const char *id, const char *text, const Pb__Principal *who)
{
	Pb__CloseReq in = PB__CLOSE_REQ__INIT;

	in.id = (char *)id;
	in.text = (char *)text;
	return tk("Close", &in, who);
}

static Pb__OrderFull *get(const char *id, const Pb__Principal *who)
{
	Pb__OrderReq in = PB__ORDER_REQ__INIT;

	in.id = (char *)id;
	return tk("Get", &in, who);
}

static Pb__Order *to_answer_step(const char *subject)
{
	Pb__Order *o = create(subject);

	step(o->id, "done", "", &w.zhang);
	fine("accept");
	o = step(o->id, "done", "已查明", &w.wang);
	fine("handle");
	return o;
}

/* --- life ------------------------------------------------------------------------------------------------------------------------------ */

static int events_are(void *n)
{
	yc_loop_once(w.l, 10);
	return w.events >= *(int *)n;
}

static void public_entries_hide_the_back_office(const char *id)
{
	Pb__EntriesReq in = PB__ENTRIES_REQ__INIT;
	Pb__Entries *all;

	in.id = (char *)id;
	all = tk("EntryList", &in, &w.zhang);
	fine("EntryList");
	CU_ASSERT_EQUAL(all->n_data, 7);
	in.public_only = 1;
	all = tk("EntryList", &in, &w.zhang);
	CU_ASSERT_EQUAL_FATAL(all->n_data, 3);
	YCT_STR(all->data[0]->kind, "created");
	YCT_STR(all->data[1]->kind, "answered");
	YCT_STR(all->data[1]->channel, "phone");
	YCT_STR(all->data[2]->kind, "closed");
}

BOTH(an_order_goes_from_centre_to_department_to_the_customer_and_closes)
{
	Pb__NoteReq note = PB__NOTE_REQ__INIT;
	Pb__Order *o;
	Pb__OrderFull *f;
	int seven = 7;

	open_store(url);
	o = create("EMS 逾期未妥投");
	CU_ASSERT_EQUAL(strncmp(o->number, "YT-", 3), 0);
	YCT_STR(o->owner_id, w.zhang.person_id);
	YCT_STR(o->handler_org, "centre");              /* the team acts for the centre */
	YCT_STR(o->customer_phone, "+8613888881234");
	CU_ASSERT_EQUAL(strncmp(o->matter_id, "mat_", 4), 0);
	CU_ASSERT_TRUE(o->due_at - o->created_at >= 24 * H && o->step_due_at - o->created_at >= H);
	o = step(o->id, "done", "请投递部核实", &w.zhang);
	fine("Step");
	YCT_STR(o->handler_org, "km-delivery");
	YCT_STR(o->org_path, "/yt/km/km-delivery");
	YCT_STR(o->handler_id, "");
	YCT_STR(o->owner_id, w.zhang.person_id);        /* the duty stays */
	o = take(o->id, &w.wang);
	fine("Take");
	YCT_STR(o->handler_id, w.wang.person_id);
	note.id = o->id;
	note.text = (char *)"已联系投递员";
	tk("Note", &note, &w.wang);
	fine("Note");
	o = step(o->id, "done", "今日 15 时妥投", &w.wang);
	fine("Step");
	YCT_STR(o->handler_id, w.zhang.person_id);
	YCT_STR(o->step, "answer");
	o = answer(o->id, 1, &w.zhang);
	fine("Answer");
	CU_ASSERT_EQUAL(o->state, PB__ORDER_STATE__ORDER_STATE_ANSWERED);
	o = finish(o->number, "", &w.zhang);
	fine("Close");
	CU_ASSERT_EQUAL(o->state, PB__ORDER_STATE__ORDER_STATE_CLOSED);
	CU_ASSERT_EQUAL(o->version, 7);
	f = get(o->number, &w.li);
	fine("Get");
	CU_ASSERT_EQUAL(f->n_entries, 7);
	CU_ASSERT_EQUAL(f->n_steps, 3);
	for (size_t i = 0; i < f->n_entries; i++)
		CU_ASSERT_EQUAL(f->entries[i]->seq, (int)i + 1);
	public_entries_hide_the_back_office(o->id);
	CU_ASSERT_TRUE(yct_until(5000, events_are, &seven));
	YCT_STR(w.types, " order.created order.step order.taken order.note order.step order.answered order.closed");
}

BOTH(closing_is_refused_until_the_answer_is_recorded)
{
	Pb__Order *o;

	open_store(url);
	o = create("未妥投");
	finish(o->id, "", &w.zhang);
	refused(YC_CONFLICT, "answered_at", "answer to the customer is missing");
	answer(o->id, 1, &w.zhang);
	refused(YC_CONFLICT, "step", "step 1 of 3");
	finish(o->id, "领导要求", &w.boss);             /* not even by a leader */
	refused(YC_CONFLICT, "answered_at", "missing");
	CU_ASSERT_EQUAL(get(o->id, &w.zhang)->order->version, 1);
}

BOTH(a_return_needs_a_reason_and_goes_to_who_held_it_before)
{
	Pb__StepReq in = PB__STEP_REQ__INIT;
	Pb__Order *o;

	open_store(url);
	o = create("未妥投");
	step(o->id, "return", "x", &w.zhang);
	refused(YC_CONFLICT, "step", "first step");
	in.id = o->id;
	in.outcome = (char *)"done";
	in.department = (char *)"qj";                   /* not the service's department */
	o = tk("Step", &in, &w.zhang);
	fine("Step");
	YCT_STR(o->handler_org, "qj");
	o = step(o->id, "done", "", &w.chen);
	fine("done");
	step(o->id, "return", "", &w.zhang);
	refused(YC_INVALID, "text", "reason");
	o = step(o->id, "return", "答复不完整", &w.zhang);
	fine("return");
	YCT_STR(o->handler_org, "qj");
	YCT_STR(o->step, "handle");
	in.department = (char *)"nowhere";
	tk("Step", &in, &w.boss);
	CU_ASSERT_NOT_EQUAL(w.code, YC_OK);
	in.outcome = (char *)"perhaps";
	tk("Step", &in, &w.chen);
	refused(YC_INVALID, "outcome", "perhaps");
}

BOTH(only_the_department_that_holds_it_acts_and_others_do_not_even_see_it)
{
	Pb__Order *o;

	open_store(url);
	o = create("未妥投");
	step(o->id, "done", "", &w.li);                 /* an agent, but not the owner */
	refused(YC_FORBIDDEN, "handler_org", "held by centre");
	get(o->id, &w.wang);                            /* not his yet */
	refused(YC_NOT_FOUND, "id", "no order");
	step(o->id, "done", "", &w.zhang);
	fine("Step");
	step(o->id, "done", "", &w.zhang);
	refused(YC_FORBIDDEN, "handler_org", "km-delivery");
	get(o->id, &w.chen);
	refused(YC_NOT_FOUND, "id", "no order");
	take(o->id, &w.wang);
	fine("Take");
	step(o->id, "done", "", &w.wang);
	fine("done");
	get(o->id, &w.wang);                            /* held it: still sees it */
	fine("Get");
	answer(o->id, 1, &w.wang);
	refused(YC_FORBIDDEN, "owner_id", "张敏");
	create_as("department raises one", &w.wang, NULL);
	CU_ASSERT_EQUAL(w.code, YC_FORBIDDEN);
}

BOTH(a_stale_version_is_refused_and_changes_nothing)
{
	Pb__NoteReq in = PB__NOTE_REQ__INIT;
	Pb__Order *o;

	open_store(url);
	o = create("未妥投");
	in.id = o->id;
	in.text = (char *)"第一";
	in.if_version = 1;
	tk("Note", &in, &w.zhang);
	fine("Note");
	in.text = (char *)"第二";
	tk("Note", &in, &w.zhang);
	refused(YC_STALE, "if_version", "version 2");
	CU_ASSERT_EQUAL(get(o->id, &w.zhang)->n_entries, 2);
}

BOTH(the_same_request_sent_twice_makes_one_order)
{
	Pb__OrderListReq in = PB__ORDER_LIST_REQ__INIT;
	Pb__Order *a, *b;
	Pb__Orders *all;

	open_store(url);
	a = create_as("未妥投", &w.zhang, "req-1");
	fine("Create");
	yct_kill(w.ticket, SIGKILL);                    /* not a matter of memory */
	start_ticket();
	b = create_as("未妥投", &w.zhang, "req-1");
	fine("again");
	YCT_STR(a->id, b->id);
	YCT_STR(a->number, b->number);
	create_as("别的", &w.zhang, "req-1");
	CU_ASSERT_NOT_EQUAL(w.code, YC_OK);             /* same id, other question */
	all = tk("List", &in, &w.zhang);
	CU_ASSERT_EQUAL(all->n_data, 1);
}

BOTH(a_mistyped_number_is_told_apart_from_an_unknown_one)
{
	char number[64];
	Pb__Order *o;
	size_t n;

	open_store(url);
	o = create("未妥投");
	yc_copy(number, sizeof(number), o->number);
	n = strlen(number) - 1;
	number[n] = number[n] == '9' ? '0' : number[n] + 1;
	get(number, &w.zhang);
	refused(YC_INVALID, "id", "check digit");
	get("YT-20260101-000001-3", &w.zhang);
	CU_ASSERT_TRUE(w.code == YC_NOT_FOUND || w.code == YC_INVALID);
	get("hello", &w.zhang);
	refused(YC_NOT_FOUND, "id", "neither");
	for (size_t i = 0; i < n; i++)                  /* lower case and without hyphens */
		number[i] = o->number[i] >= 'A' && o->number[i] <= 'Z' ? o->number[i] + 32 : o->number[i] == '-' ? ' ' : o->number[i];
	number[n] = o->number[n];
	CU_ASSERT_PTR_NOT_NULL_FATAL(get(number, &w.zhang));
}

static size_t list(Pb__OrderListReq *in, const Pb__Principal *who)
{
	Pb__Orders *r = tk("List", in, who);

	fine("List");
	return r->n_data;
}

static void page_through(size_t n)
{
	Pb__OrderListReq in = PB__ORDER_LIST_REQ__INIT;
	char last[64] = "~";
	size_t seen = 0;
	Pb__Orders *r;

	in.limit = 2;
	do {
		r = tk("List", &in, &w.zhang);
		fine("List");
		for (size_t i = 0; i < r->n_data; i++, seen++) {
			CU_ASSERT_TRUE(strcmp(r->data[i]->id, last) < 0);
			yc_copy(last, sizeof(last), r->data[i]->id);
		}
		in.starting_after = r->next_cursor;
	} while (r->has_more && seen < 100);
	CU_ASSERT_EQUAL(seen, n);
}

BOTH(lists_filter_search_and_page)
{
	Pb__OrderListReq in = PB__ORDER_LIST_REQ__INIT;
	Pb__Order *o[5];

	open_store(url);
	for (int i = 0; i < 5; i++)
		o[i] = create(i % 2 ? "报刊 漏投" : "EMS 逾期");
	step(o[0]->id, "done", "", &w.zhang);
	page_through(5);
	in.handler_org = (char *)"km";                  /* the branch: what its departments hold */
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 1);
	in.handler_org = (char *)"centre";
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 4);
	in.handler_org = (char *)"";
	CU_ASSERT_EQUAL(list(&in, &w.wang), 1);         /* a department sees its own */
	CU_ASSERT_EQUAL(list(&in, &w.chen), 0);
	in.q = (char *)"报刊";
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 2);
	in.q = (char *)"ems 秀英";
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 3);
	in.q = (char *)"0086 138 8888 1234";
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 5);
	in.q = o[3]->number;
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 1);
	in.q = (char *)"";
	in.matter_id = o[2]->matter_id;
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 1);
	in.matter_id = (char *)"";
	in.owner_id = w.li.person_id;
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 0);
	in.owner_id = (char *)"";
	in.state = (char *)"closed";
	CU_ASSERT_EQUAL(list(&in, &w.zhang), 0);
	in.state = (char *)"asleep";
	tk("List", &in, &w.zhang);
	refused(YC_INVALID, "state", "asleep");
}

BOTH(the_first_asked_duty_changes_only_by_handing_it_over)
{
	Pb__HandOverReq in = PB__HAND_OVER_REQ__INIT;
	Pb__Order *o;

	open_store(url);
	o = to_answer_step("未妥投");
	in.id = o->id;
	in.to_person = (char *)"1002";
	tk("HandOver", &in, &w.zhang);
	refused(YC_INVALID, "text", "reason");
	in.text = (char *)"下班交接";
	tk("HandOver", &in, &w.wang);
	refused(YC_FORBIDDEN, "owner_id", "张敏");
	in.to_person = (char *)"9999";
	tk("HandOver", &in, &w.zhang);
	refused(YC_INVALID, "to_person", "9999");
	in.to_person = (char *)"1002";
	o = tk("HandOver", &in, &w.zhang);
	fine("HandOver");
	YCT_STR(o->owner_id, w.li.person_id);
	YCT_STR(o->handler_id, w.li.person_id);         /* the answer is his now */
	answer(o->id, 1, &w.zhang);
	refused(YC_FORBIDDEN, "owner_id", "李强");
	answer(o->id, 1, &w.li);
	fine("Answer");
}

BOTH(a_dissatisfied_customer_keeps_the_order_open)
{
	Pb__Order *o;

	open_store(url);
	o = to_answer_step("未妥投");
	o = answer(o->id, 0, &w.zhang);
	fine("Answer");
	CU_ASSERT_EQUAL(o->state, PB__ORDER_STATE__ORDER_STATE_OPEN);
	CU_ASSERT_NOT_EQUAL(o->answered_at, 0);
	YCT_STR(o->handler_id, w.zhang.person_id);
	finish(o->id, "", &w.zhang);
	refused(YC_CONFLICT, "state", "not satisfied");
	finish(o->id, "", &w.boss);                     /* a leader must say why */
	refused(YC_CONFLICT, "state", "not satisfied");
	o = finish(o->id, "用户拒绝沟通", &w.boss);
	fine("Close");
	CU_ASSERT_EQUAL(o->state, PB__ORDER_STATE__ORDER_STATE_CLOSED);
	step(o->id, "return", "x", &w.boss);
	refused(YC_CONFLICT, "state", "closed");
}

static int due_moved(void *n)
{
	yc_loop_once(w.l, 10);
	return w.due_events >= *(int *)n;
}

BOTH(due_dates_unfold_and_move_with_the_calendar)
{
	Pb__OrderReq in = PB__ORDER_REQ__INIT;
	Pb__DueReply *d;
	Pb__Order *o, *now;
	int64_t sum = 0;
	int one = 1;

	open_store(url);
	o = create("未妥投");
	in.id = o->id;
	d = tk("Due", &in, &w.zhang);
	fine("Due");
	CU_ASSERT_EQUAL(d->due_at, o->due_at);
	CU_ASSERT_EQUAL(d->target_ms, 24 * H);
	CU_ASSERT_TRUE_FATAL(d->n_lines >= 1);
	for (size_t i = 0; i < d->n_lines; i++)
		sum += d->lines[i]->counted_ms;
	CU_ASSERT_EQUAL(sum, 24 * H);
	load("directory", "calendar", CALENDAR("2035", "22:00"));       /* longer days: due earlier */
	CU_ASSERT_TRUE(yct_until(10000, due_moved, &one));
	now = get(o->id, &w.zhang)->order;
	CU_ASSERT_TRUE(now->due_at < o->due_at);
	d = tk("Due", &in, &w.zhang);
	CU_ASSERT_EQUAL(d->due_at, now->due_at);
	YCT_STR(get(o->id, &w.zhang)->entries[1]->kind, "due");
	load("directory", "calendar", CALENDAR("2021", "18:00"));       /* this year is not in it */
	do
		create_as("未妥投", &w.zhang, NULL);
	while (w.code == YC_OK);
	refused(YC_INVALID, "calendar", "20");
	CU_ASSERT_EQUAL(get(o->id, &w.zhang)->order->due_at, now->due_at);
}

BOTH(an_order_stays_on_the_version_it_began_with)
{
	static const char two[] = "{\"code\":\"standard\",\"version_no\":2,\"name\":\"两步\",\"steps\":["
		"{\"code\":\"accept\",\"name\":\"受理\",\"holder\":\"centre\",\"target\":\"1h\"},"
		"{\"code\":\"answer\",\"name\":\"答复用户\",\"holder\":\"owner\",\"target\":\"4h\"}]}";
	static const char changed[] = "{\"code\":\"standard\",\"version_no\":1,\"name\":\"标准\",\"steps\":["
		"{\"code\":\"answer\",\"name\":\"答复用户\",\"holder\":\"owner\",\"target\":\"4h\"}]}";
	Pb__ImportReply *r;
	Pb__Order *o;

	open_store(url);
	o = create("未妥投");
	r = import("ticket", "process", changed);
	CU_ASSERT_EQUAL_FATAL(r->errors, 1);
	YCT_STR(r->changes[0]->field, "version_no");
	load("ticket", "process", two);
	o = step(o->id, "done", "", &w.zhang);
	fine("Step");
	YCT_STR(o->step, "handle");                     /* still three steps */
	CU_ASSERT_EQUAL(o->process_version, 1);
	o = create("新的");
	CU_ASSERT_EQUAL(o->process_version, 2);
	o = step(o->id, "done", "", &w.zhang);
	YCT_STR(o->step, "answer");
	r = import("ticket", "service", "{\"code\":\"x\",\"name\":\"x\",\"process\":\"standard\",\"target\":\"soon\"}");
	YCT_STR(r->changes[0]->field, "target");
}

BOTH(a_create_without_what_it_needs_names_the_field)
{
	Pb__OrderCreateReq in = PB__ORDER_CREATE_REQ__INIT;

	open_store(url);
	in.service = (char *)"trace";
	tk("Create", &in, &w.zhang);
	refused(YC_INVALID, "subject", "subject");
	in.subject = (char *)"未妥投";
	in.service = (char *)"nothing";
	tk("Create", &in, &w.zhang);
	refused(YC_INVALID, "service", "nothing");
	in.service = (char *)"trace";
	in.department = (char *)"nowhere";
	tk("Create", &in, &w.zhang);
	refused(YC_INVALID, "department", "nowhere");
	in.department = (char *)"";
	in.matter_id = (char *)"ctc_1";
	tk("Create", &in, &w.zhang);
	refused(YC_INVALID, "matter_id", "ctc_1");
	in.matter_id = (char *)"";
	tk("Create", &in, NULL);                        /* a service: nobody was asked first */
	refused(YC_FORBIDDEN, "owner_id", "owner");
}

/* --- kill -9 --------------------------------------------------------------------------------------------------------------------------- */

#define FLIGHT 400
struct shot { char id[64]; enum yc_code code; int done; };

static void on_shot(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct shot *s = arg;

	s->done = 1;
	s->code = code;
	if (code == YC_OK)
		yc_copy(s->id, sizeof(s->id), ((const Pb__Order *)msg)->id);
}

static void shoot(struct shot *s, int n)
{
	Pb__OrderCreateReq in = PB__ORDER_CREATE_REQ__INIT;

	in.service = (char *)"trace";
	in.subject = (char *)"压力";
	for (int i = 0; i < n; i++)
		yc_bus_call(w.b, &(struct yc_call){ .service = "ticket", .api = &pb__ticket__descriptor, .method = "Create", .in = &in,
				.as = &w.zhang, .timeout_ms = 3000, .fn = on_shot, .arg = &s[i] });
}

static int done(const struct shot *s, int n)
{
	int d = 0;

	for (int i = 0; i < n; i++)
		d += s[i].done;
	return d;
}

/* Many creates in flight, a kill in the middle of them, and everything that was acknowledged is there, its entry too. */
static int one_kill(int round)
{
	static struct shot s[FLIGHT];
	int acknowledged = 0, n = FLIGHT;

	memset(s, 0, sizeof(s));
	shoot(s, n);
	while (done(s, n) < 1 + round * 61)
		yc_loop_once(w.l, 1);
	yct_kill(w.ticket, SIGKILL);
	while (done(s, n) < n)
		yc_loop_once(w.l, 50);
	start_ticket();
	for (int i = 0; i < n; i++) {
		Pb__OrderFull *f;

		if (s[i].code != YC_OK)
			continue;
		acknowledged++;
		f = get(s[i].id, &w.zhang);
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		CU_ASSERT_EQUAL(f->n_entries, 1);
	}
	return acknowledged;
}

BOTH(kill_9_loses_no_acknowledged_order)
{
	int acknowledged = 0;

	open_store(url);
	for (int round = 0; round < 6; round++)
		acknowledged += one_kill(round);
	CU_ASSERT_TRUE(acknowledged >= 6);
	printf("  %d acknowledged over 6 kills, all there\n", acknowledged);
}

/* More orders than one page looks at: the page is short, says so, and the next one goes on to the end. */
static void a_search_among_many_orders_is_bounded_and_goes_on(void)
{
	Pb__OrderListReq in = PB__ORDER_LIST_REQ__INIT;
	static struct shot s[FLIGHT];
	char *url = yct_fresh_db("sqlite");
	Pb__Orders *r;
	int pages = 0;

	open_store(url);
	create("最早的一件");
	for (int sent = 0; sent < 5200; sent += FLIGHT) {
		memset(s, 0, sizeof(s));
		shoot(s, FLIGHT);
		while (done(s, FLIGHT) < FLIGHT)
			yc_loop_once(w.l, 50);
	}
	in.q = (char *)"最早";
	do {
		r = tk("List", &in, &w.zhang);
		fine("List");
		pages++;
		in.starting_after = r->next_cursor;
	} while (r->n_data == 0 && r->has_more && pages < 10);
	CU_ASSERT_EQUAL(pages, 2);
	CU_ASSERT_EQUAL_FATAL(r->n_data, 1);
	YCT_STR(r->data[0]->subject, "最早的一件");
	CU_ASSERT_FALSE(r->has_more);
	free(url);
}

YCT_MAIN_WITH("ticket", setup, teardown,
	T(an_order_goes_from_centre_to_department_to_the_customer_and_closes), T(closing_is_refused_until_the_answer_is_recorded),
	T(a_return_needs_a_reason_and_goes_to_who_held_it_before), T(only_the_department_that_holds_it_acts_and_others_do_not_even_see_it),
	T(a_stale_version_is_refused_and_changes_nothing), T(the_same_request_sent_twice_makes_one_order),
	T(a_mistyped_number_is_told_apart_from_an_unknown_one), T(lists_filter_search_and_page),
	T(the_first_asked_duty_changes_only_by_handing_it_over), T(a_dissatisfied_customer_keeps_the_order_open),
	T(due_dates_unfold_and_move_with_the_calendar), T(an_order_stays_on_the_version_it_began_with),
	T(a_create_without_what_it_needs_names_the_field), T(kill_9_loses_no_acknowledged_order),
	T(a_search_among_many_orders_is_bounded_and_goes_on))
