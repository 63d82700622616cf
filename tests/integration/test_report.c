/* Reports through the bus: real broker, real report on both stores, made-up events of gateway, acd, ticket and directory. */
#include <stdio.h>
#include <string.h>

#include "fake_site.h"
#include "yc/clock.h"
#include "yc/text.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/report.pb-c.h"
#include "yc/v1/ticket.pb-c.h"
#include "yct.h"

#define API &pb__report__descriptor

static struct fake_site s;
static Pb__Principal agent = PB__PRINCIPAL__INIT, leader = PB__PRINCIPAL__INIT, km = PB__PRINCIPAL__INIT, qj = PB__PRINCIPAL__INIT, citizen = PB__PRINCIPAL__INIT;

static void principal(Pb__Principal *p, Pb__Role role, const char *path)
{
	p->person_id = "prs_x";
	p->roles = 1u << role;
	p->org_path = (char *)path;
}

static void open_report(const char *url)
{
	fake_site_open(&s, "report", url);
	principal(&agent, PB__ROLE__ROLE_AGENT, "/yn/centre");
	principal(&leader, PB__ROLE__ROLE_LEADER, "/yn/centre");
	principal(&km, PB__ROLE__ROLE_HANDLER, "/yn/km");
	principal(&qj, PB__ROLE__ROLE_HANDLER, "/yn/qj");
	principal(&citizen, PB__ROLE__ROLE_CUSTOMER, "");
}

static Pb__Matter *get(const char *id)
{
	Pb__MatterReq in = PB__MATTER_REQ__INIT;

	in.id = (char *)id;
	return fake_ask(&s, API, "MatterGet", &in, &agent);
}

static Pb__Matters *list(const char *q, const char *status, int limit, const char *after, const Pb__Principal *as)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;

	in.q = (char *)q;
	in.status = (char *)status;
	in.limit = limit;
	in.starting_after = (char *)after;
	return fake_ask(&s, API, "MatterList", &in, as);
}

static Pb__TodayReply *today(const char *queue, const char *date, int64_t interval_ms)
{
	Pb__TodayReq in = PB__TODAY_REQ__INIT;

	in.queue = (char *)queue;
	in.date = (char *)date;
	in.interval_ms = interval_ms;
	return fake_ask(&s, API, "Today", &in, &agent);
}

static Pb__CountReply *totals(void)
{
	Pb__Empty in = PB__EMPTY__INIT;

	return fake_ask(&s, API, "Count", &in, &leader);
}

/* --- a call as its services tell it -------------------------------------------------------------------------------------------------- */

struct story {
	char matter[40], call[40], contact[40], item[40];
	const char *from, *queue;
	int64_t at;                              /* when it rang */
	int64_t wait_ms, talk_ms;                /* talk 0: he gave up */
};

static void tell(struct story *y, int nr)
{
	snprintf(y->matter, sizeof(y->matter), "mat_01KXR000000000000000000%03d", nr);
	snprintf(y->call, sizeof(y->call), "cal_01KXR000000000000000000%03d", nr);
	snprintf(y->contact, sizeof(y->contact), "ctc_01KXR000000000000000000%03d", nr);
	snprintf(y->item, sizeof(y->item), "wki_01KXR000000000000000000%03d", nr);
}

static void begins(struct story *y)
{
	Pb__CallStarted st = PB__CALL_STARTED__INIT;
	Pb__CallMenu menu = PB__CALL_MENU__INIT;
	Pb__Call c = PB__CALL__INIT;

	c.id = y->call;
	c.contact_id = y->contact;
	c.from = (char *)y->from;
	c.to = "11185";
	c.started_at = y->at;
	st.call = &c;
	fake_emit(&s, "gateway", "call.started", y->matter, y->call, &st);
	menu.call_id = y->call;
	menu.kind = "menu";
	menu.input = "1";
	menu.label = "速递业务";
	fake_emit(&s, "gateway", "call.menu", y->matter, y->call, &menu);
}

static void fill(const struct story *y, Pb__WorkItem *i)
{
	pb__work_item__init(i);
	i->id = (char *)y->item;
	i->contact_id = (char *)y->contact;
	i->matter_id = (char *)y->matter;
	i->channel = "voice";
	i->queue = (char *)y->queue;
	i->arrived_at = y->at;
	i->state = PB__ITEM_STATE__ITEM_STATE_WAITING;
}

static void waits(struct story *y)
{
	Pb__WorkItem i;

	fill(y, &i);
	fake_emit(&s, "acd", "item.queued", y->matter, y->item, &i);
}

static void served(struct story *y)
{
	Pb__WorkItem i;

	fill(y, &i);
	i.agent_id = "prs_1";
	i.offers = 1;
	i.state = PB__ITEM_STATE__ITEM_STATE_OFFERED;
	fake_emit(&s, "acd", "item.offered", y->matter, y->item, &i);
	i.state = PB__ITEM_STATE__ITEM_STATE_ACCEPTED;
	i.accepted_at = i.arrived_at + y->wait_ms;
	i.wait_ms = y->wait_ms;
	fake_emit(&s, "acd", "item.accepted", y->matter, y->item, &i);
	i.state = PB__ITEM_STATE__ITEM_STATE_SERVED;
	i.ended_at = i.accepted_at + y->talk_ms;
	i.talk_ms = y->talk_ms;
	fake_emit(&s, "acd", "item.ended", y->matter, y->item, &i);
}

static void gives_up(struct story *y)
{
	Pb__WorkItem i;

	fill(y, &i);
	i.state = PB__ITEM_STATE__ITEM_STATE_ABANDONED;
	i.wait_ms = y->wait_ms;
	i.ended_at = i.arrived_at + y->wait_ms;
	fake_emit(&s, "acd", "item.ended", y->matter, y->item, &i);
}

static void ends(struct story *y)
{
	Pb__CallEnded en = PB__CALL_ENDED__INIT;
	Pb__RecordingReady rec = PB__RECORDING_READY__INIT;
	Pb__Call c = PB__CALL__INIT;

	c.id = y->call;
	c.contact_id = y->contact;
	c.from = (char *)y->from;
	c.customer_id = "cus_1";
	en.call = &c;
	en.by = "caller";
	en.reason = "bye";
	en.talk_ms = y->talk_ms;
	fake_emit(&s, "gateway", "call.ended", y->matter, y->call, &en);
	if (!y->talk_ms)
		return;
	rec.call_id = y->call;
	rec.contact_id = y->contact;
	rec.agent_id = "prs_1";
	rec.blob_id = "blb_1";
	rec.duration_ms = y->talk_ms;
	fake_emit(&s, "gateway", "recording.ready", y->matter, y->call, &rec);
}

static void whole(struct story *y, int nr)
{
	tell(y, nr);
	begins(y);
	waits(y);
	if (y->talk_ms)
		served(y);
	else
		gives_up(y);
	ends(y);
}

static void wrap_up(struct story *y)
{
	Pb__AgentChanged m = PB__AGENT_CHANGED__INIT;
	Pb__Agent a = PB__AGENT__INIT;

	a.person_id = "prs_1";
	a.name = "张伟";
	a.status = PB__AGENT_STATUS__AGENT_STATUS_WRAP_UP;
	a.item_id = y->item;
	a.contact_id = y->contact;
	m.agent = &a;
	m.was = PB__AGENT_STATUS__AGENT_STATUS_BUSY;
	fake_emit(&s, "acd", "agent.state", y->matter, "prs_1", &m);
	m.was = PB__AGENT_STATUS__AGENT_STATUS_WRAP_UP;
	m.disposition = "order";
	m.note = "已建单";
	fake_emit(&s, "acd", "agent.state", y->matter, "prs_1", &m);
	m.disposition = m.note = "";
	a.status = PB__AGENT_STATUS__AGENT_STATUS_READY;
	a.item_id = a.contact_id = "";
	m.was = PB__AGENT_STATUS__AGENT_STATUS_WRAP_UP;
	fake_emit(&s, "acd", "agent.state", "", "prs_1", &m);   /* free again: of what he no longer says */
}

static void order(struct story *y, const char *type, const char *step, const char *path, const char *outcome, int64_t at, Pb__OrderState state)
{
	Pb__OrderChanged m = PB__ORDER_CHANGED__INIT;
	Pb__Order o = PB__ORDER__INIT;
	Pb__Entry e = PB__ENTRY__INIT;

	o.id = "ord_1";
	o.number = "YN-20261122-000001-1";
	o.subject = "邮件三天未投递";
	o.body = "很长的正文";
	o.customer_phone = "+8613888001234";
	o.customer_id = "cus_1";
	o.contact_id = y->contact;
	o.matter_id = y->matter;
	o.process = "standard";
	o.process_version = 1;
	o.step = (char *)step;
	o.handler_org = "km";
	o.org_path = (char *)path;
	o.created_at = at;
	o.state = state;
	e.actor_id = "prs_9";
	e.actor_name = "王芳";
	e.outcome = (char *)outcome;
	e.text = "意见";
	e.at = at;
	m.order = &o;
	m.entry = &e;
	fake_emit(&s, "ticket", type, y->matter, "ord_1", &m);
}

/* --- waiting for facts ---------------------------------------------------------------------------------------------------------------- */

static struct { int64_t calls, items, answered, abandoned, orders, recordings; } want;

static int counted(void *unused)
{
	Pb__CountReply *c = totals();

	return c->calls == want.calls && c->items == want.items && c->answered == want.answered && c->abandoned == want.abandoned &&
	       c->orders == want.orders && c->recordings == want.recordings;
}

static void expect(int64_t calls, int64_t items, int64_t answered, int64_t abandoned, int64_t orders, int64_t recordings)
{
	want.calls = calls;
	want.items = items;
	want.answered = answered;
	want.abandoned = abandoned;
	want.orders = orders;
	want.recordings = recordings;
	CU_ASSERT_FATAL(fake_until(&s, 20000, counted, NULL));
}

static Pb__MatterStep *step(Pb__Matter *m, const char *kind)
{
	for (size_t i = 0; i < m->n_steps; i++)
		if (!strcmp(m->steps[i]->kind, kind))
			return m->steps[i];
	printf("  no step %s\n", kind);
	CU_FAIL_FATAL("no such step");
	return NULL;
}

struct asked { const char *id; size_t n; Pb__Matter *m; };
static int has_steps(void *arg)
{
	struct asked *a = arg;
	Pb__MatterReq in = PB__MATTER_REQ__INIT;

	in.id = (char *)a->id;
	a->m = yct_ask(&s.c, "report", API, "MatterGet", &in, &agent, NULL);
	return a->m && a->m->n_steps >= a->n;
}

static Pb__Matter *with_steps(const char *id, size_t n)
{
	struct asked a = { id, n, NULL };

	CU_ASSERT_FATAL(fake_until(&s, 10000, has_steps, &a));
	return a.m;
}

/* --- the trace ------------------------------------------------------------------------------------------------------------------------ */

static int knows_km(void *unused)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;

	in.org = "km";
	return yct_ask(&s.c, "report", API, "MatterList", &in, &leader, NULL) != NULL;
}

static void names_are_told(void)
{
	Pb__Person p = PB__PERSON__INIT;
	Pb__Org o = PB__ORG__INIT;
	Pb__Queue q = PB__QUEUE__INIT;

	p.id = "prs_1";
	p.name = "张伟";
	fake_emit(&s, "directory", "person.changed", "", p.id, &p);
	o.code = "km";
	o.name = "昆明投递部";
	o.path = "/yn/km";
	fake_emit(&s, "directory", "org.changed", "", o.code, &o);
	q.code = "express";
	q.name = "速递业务";
	q.name_en = "Express";
	q.service_level_ms = 20000;
	fake_emit(&s, "acd", "queue.changed", "", q.code, &q);
	CU_ASSERT_FATAL(fake_until(&s, 10000, knows_km, NULL));  /* told last by directory */
}

static void tracing(const char *url)
{
	struct story y = { .from = "13888001234", .queue = "express", .at = yc_now(), .wait_ms = 8000, .talk_ms = 60000 };
	Pb__Matter *m;
	int64_t t;

	open_report(url);
	names_are_told();
	whole(&y, 1);
	wrap_up(&y);
	t = y.at + 100000;
	order(&y, "order.created", "handle", "/yn/km", "", t, PB__ORDER_STATE__ORDER_STATE_OPEN);
	order(&y, "order.taken", "handle", "/yn/km", "", t + 300000, PB__ORDER_STATE__ORDER_STATE_OPEN);
	order(&y, "order.step", "answer", "/yn/centre", "done", t + 400000, PB__ORDER_STATE__ORDER_STATE_OPEN);
	order(&y, "order.answered", "answer", "/yn/centre", "satisfied", t + 500000, PB__ORDER_STATE__ORDER_STATE_ANSWERED);
	m = with_steps(y.matter, 10);
	YCT_STR(m->state, "open");
	order(&y, "order.closed", "answer", "/yn/centre", "", t + 510000, PB__ORDER_STATE__ORDER_STATE_CLOSED);
	m = with_steps(y.matter, 11);
	YCT_STR(m->state, "closed");
	YCT_STR(m->steps[0]->kind, "ring");
	YCT_STR(step(m, "menu")->detail, "1 速递业务");
	YCT_STR(step(m, "queue")->title, "排队：速递业务");
	CU_ASSERT_EQUAL(step(m, "queue")->allowed_ms, 20000);
	YCT_STR(step(m, "talk")->actor_name, "张伟");
	CU_ASSERT_EQUAL(step(m, "talk")->working_ms, 60000);
	YCT_STR(step(m, "wrap_up")->contact_id, y.contact);
	YCT_STR(step(m, "wrap_up")->detail, "order：已建单");
	CU_ASSERT(step(m, "wrap_up")->until_at != 0);
	YCT_STR(step(m, "recording")->object_id, "blb_1");
	CU_ASSERT_EQUAL(step(m, "step")->waiting_ms, 300000);
	CU_ASSERT_EQUAL(step(m, "step")->working_ms, 100000);
	YCT_STR(step(m, "step")->detail, "昆明投递部：意见");
	CU_ASSERT_EQUAL(step(m, "answer")->at, t + 400000);
	YCT_STR(m->order_numbers[0], "YN-20261122-000001-1");
	YCT_STR(m->recordings[0], "blb_1");
	YCT_STR(m->customer_id, "cus_1");
	CU_ASSERT(m->elapsed_ms >= m->waiting_ms + m->working_ms);
	CU_ASSERT_EQUAL(m->opened_at, y.at);
	fake_site_close(&s);
}

static void unknown(const char *url)
{
	Pb__MatterReq in = PB__MATTER_REQ__INIT;
	Pb__Empty nothing = PB__EMPTY__INIT;
	Pb__ListReq li = PB__LIST_REQ__INIT;

	open_report(url);
	in.id = "mat_00000000000000000000000000";
	fake_refused(&s, API, "MatterGet", &in, &agent, YC_NOT_FOUND, "id");
	fake_refused(&s, API, "MatterGet", &in, &citizen, YC_FORBIDDEN, "");
	fake_refused(&s, API, "Count", &nothing, &agent, YC_FORBIDDEN, "");
	li.status = "half";
	fake_refused(&s, API, "MatterList", &li, &agent, YC_INVALID, "status");
	li.status = "";
	li.org = "nowhere";
	fake_refused(&s, API, "MatterList", &li, &agent, YC_INVALID, "org");
	fake_site_close(&s);
}

/* --- lists ---------------------------------------------------------------------------------------------------------------------------- */

static void listing(const char *url)
{
	struct story y = { .from = "087163181234", .queue = "express", .at = yc_now() - 60000, .wait_ms = 1000, .talk_ms = 5000 };
	Pb__Matters *l;
	char after[64] = "";
	int n = 0, pages = 0;

	open_report(url);
	for (int i = 0; i < 7; i++)
		whole(&y, i);
	y.from = "13888001234";
	tell(&y, 7);
	begins(&y);                              /* still ringing through the flow */
	tell(&y, 3);
	order(&y, "order.created", "handle", "/yn/km/delivery", "", yc_now(), PB__ORDER_STATE__ORDER_STATE_OPEN);
	expect(8, 7, 7, 0, 1, 7);
	CU_ASSERT_EQUAL(list("", "", 0, "", &agent)->n_data, 8);
	CU_ASSERT_EQUAL(list("", "closed", 0, "", &agent)->n_data, 6);
	CU_ASSERT_EQUAL(list("", "open", 0, "", &agent)->n_data, 2);
	CU_ASSERT_EQUAL(list("0871 6318 1234", "", 0, "", &agent)->n_data, 7);
	l = list("13888001234", "", 0, "", &agent);
	CU_ASSERT_EQUAL_FATAL(l->n_data, 1);
	YCT_STR(l->data[0]->title, "来电 11185");
	YCT_STR(l->data[0]->customer_phone, "+8613888001234");
	l = list("yn-20261122-000001-1", "", 0, "", &agent);
	CU_ASSERT_EQUAL_FATAL(l->n_data, 1);
	YCT_STR(l->data[0]->title, "邮件三天未投递");
	YCT_STR(l->data[0]->state, "open");
	do {
		l = list("", "", 3, after, &agent);
		for (size_t i = 0; i < l->n_data; i++, n++)
			CU_ASSERT(!*after || strcmp(l->data[i]->id, after) < 0);
		yc_copy(after, sizeof(after), l->next_cursor);
	} while (++pages < 9 && l->has_more);
	CU_ASSERT_EQUAL(n, 8);
	CU_ASSERT_EQUAL(pages, 3);
	fake_site_close(&s);
}

static void scopes(const char *url)
{
	struct story y = { .from = "13888001234", .queue = "express", .at = yc_now() - 60000, .wait_ms = 1000, .talk_ms = 5000 };
	Pb__MatterReq in = PB__MATTER_REQ__INIT;
	Pb__ListReq li = PB__LIST_REQ__INIT;

	open_report(url);
	names_are_told();
	whole(&y, 1);
	order(&y, "order.created", "handle", "/yn/km/delivery", "", yc_now(), PB__ORDER_STATE__ORDER_STATE_OPEN);
	whole(&y, 2);
	expect(2, 2, 2, 0, 1, 2);
	with_steps("mat_01KXR000000000000000000001", 5);
	CU_ASSERT_EQUAL(list("", "", 0, "", &km)->n_data, 1);
	CU_ASSERT_EQUAL(list("", "", 0, "", &qj)->n_data, 0);
	in.id = "mat_01KXR000000000000000000001";
	fake_ask(&s, API, "MatterGet", &in, &km);
	fake_refused(&s, API, "MatterGet", &in, &qj, YC_NOT_FOUND, "id");       /* as if there were none */
	li.org = "/yn/km";
	fake_refused(&s, API, "MatterList", &li, &qj, YC_FORBIDDEN, "org");
	CU_ASSERT_EQUAL(((Pb__Matters *)fake_ask(&s, API, "MatterList", &li, &leader))->n_data, 1);
	li.org = "km";
	CU_ASSERT_EQUAL(((Pb__Matters *)fake_ask(&s, API, "MatterList", &li, &leader))->n_data, 1);
	/* Moved on: no longer in their list, but what they held they may still see. */
	order(&y, "order.step", "answer", "/yn/centre", "done", yc_now(), PB__ORDER_STATE__ORDER_STATE_OPEN);
	fake_site_close(&s);
}

/* --- intervals ------------------------------------------------------------------------------------------------------------------------ */

#define DAY0 1795104000000LL /* 2026-11-20 00:00 at UTC+8 */

static void intervals(const char *url)
{
	struct story y = { .from = "13888001234", .queue = "express" };
	Pb__TodayReply *t;

	open_report(url);
	names_are_told();
	for (int i = 0; i < 10; i++) {           /* eight answered after 1..8 s x 3, two gave up after 19 and 21 s */
		y.at = DAY0 + (i < 5 ? 10 : 20) * 60000;
		y.wait_ms = i < 8 ? (i + 1) * 3000 : i == 8 ? 19000 : 21000;
		y.talk_ms = i < 8 ? 60000 : 0;
		whole(&y, i);
	}
	y.queue = "post";
	y.talk_ms = 30000;
	y.wait_ms = 16000;
	y.at = DAY0 + 86400000 - 1000;           /* arrives one second before midnight */
	whole(&y, 10);
	y.at = DAY0 + 86400000;
	whole(&y, 11);
	expect(12, 12, 10, 2, 0, 10);
	t = today("express", "2026-11-20", 0);
	YCT_STR(t->date, "2026-11-20");
	YCT_STR(t->zone, "+08:00");
	CU_ASSERT_EQUAL(t->threshold_ms, 20000);
	CU_ASSERT_PTR_NOT_NULL(strstr(t->formula, "SL-1 v1"));
	CU_ASSERT_EQUAL_FATAL(t->n_rows, 96);
	CU_ASSERT_EQUAL(t->rows[95]->to_at, DAY0 + 86400000);
	CU_ASSERT_EQUAL(t->rows[0]->from_at, DAY0);
	CU_ASSERT_EQUAL(t->rows[0]->offered, 5);
	CU_ASSERT_EQUAL(t->rows[1]->offered, 5);
	CU_ASSERT_EQUAL(t->total->offered, 10);
	CU_ASSERT_EQUAL(t->total->answered, 8);
	CU_ASSERT_EQUAL(t->total->abandoned, 2);
	CU_ASSERT_DOUBLE_EQUAL(t->total->answer_rate, 0.8, 1e-9);
	CU_ASSERT_EQUAL(t->total->wait_mean_ms, 13500);
	CU_ASSERT_EQUAL(t->total->wait_p90_ms, 24000);
	CU_ASSERT_DOUBLE_EQUAL(t->total->service_level, 6.0 / 9, 1e-9);   /* 3..18 s within; 21, 24 s late; one abandon after 20 s */
	CU_ASSERT_EQUAL(t->total->talk_mean_ms, 60000);
	t = today("", "2026-11-20", 3600000);
	CU_ASSERT_EQUAL(t->total->offered, 11);  /* the one after midnight is tomorrow's */
	t = today("post", "2026-11-20", 0);
	CU_ASSERT_DOUBLE_EQUAL(t->total->service_level, 0, 1e-9);          /* 16 s against the default of 15 s */
	fake_site_close(&s);
}

static void bad_questions(const char *url)
{
	Pb__TodayReq in = PB__TODAY_REQ__INIT;

	open_report(url);
	in.date = "22.11.2026";
	fake_refused(&s, API, "Today", &in, &agent, YC_INVALID, "date");
	in.date = "2026-02-30";
	fake_refused(&s, API, "Today", &in, &agent, YC_INVALID, "date");
	in.date = "";
	in.interval_ms = 1000;
	fake_refused(&s, API, "Today", &in, &agent, YC_INVALID, "interval_ms");
	in.interval_ms = 0;
	fake_refused(&s, API, "Today", &in, &km, YC_FORBIDDEN, "");
	fake_site_close(&s);
}

static void waiting_now(const char *url)
{
	struct story y = { .from = "13888001234", .queue = "express", .at = yc_now() - 30000 };
	Pb__TodayReply *t;
	char text[48];
	int date;

	open_report(url);
	tell(&y, 1);
	begins(&y);
	waits(&y);
	waits(&y);                               /* queued again after a restart of the ACD: the same item */
	expect(1, 1, 0, 0, 0, 0);
	date = yc_date_of_days((y.at + 8 * 3600000LL) / 86400000);
	snprintf(text, sizeof(text), "%04d-%02d-%02d", date / 10000, date / 100 % 100, date % 100);
	t = today("", text, 0);
	CU_ASSERT_EQUAL(t->total->offered, 1);
	CU_ASSERT_EQUAL(t->total->waiting, 1);
	fake_site_close(&s);
}

/* --- kills ---------------------------------------------------------------------------------------------------------------------------- */

static int read_are(void *arg)
{
	return totals()->events == *(int64_t *)arg;
}

static void killed(const char *url)
{
	struct story y = { .from = "13888001234", .queue = "express", .at = yc_now(), .wait_ms = 1000 };
	int64_t events = 120 * 3 + 80 + 80 * 4 + 40 * 2;

	open_report(url);
	for (int i = 0; i < 120; i++) {
		y.talk_ms = i % 3 ? 5000 : 0;
		whole(&y, i);
		if (i % 7 == 0)
			for (int k = 0; k < s.n_nodes; k++)
				yc_loop_once(yc_node_loop(s.nodes[k]), 1);
		if (i % 40 == 39) {
			fake_site_kill(&s);
			fake_site_start(&s);
		}
	}
	expect(120, 120, 80, 40, 0, 80);
	CU_ASSERT_EQUAL(list("", "closed", 200, "", &agent)->n_data, 120);
	CU_ASSERT_EQUAL(get("mat_01KXR000000000000000000001")->n_steps, 6);
	CU_ASSERT_EQUAL(get("mat_01KXR000000000000000000003")->n_steps, 4);
	CU_ASSERT(fake_until(&s, 5000, read_are, &events));      /* cursors are written with the commit */
	fake_site_close(&s);
}

/* --- names from their owners' lists ------------------------------------------------------------------------------------------------------ */

static struct yc_bus *owner;
static void on_asked(void *arg, const Pb__Header *h, const uint8_t *payload, size_t n)
{
	Pb__Processes out = PB__PROCESSES__INIT;
	Pb__Process p = PB__PROCESS__INIT, *pp = &p;
	Pb__ProcessStep st = PB__PROCESS_STEP__INIT, *ps = &st;
	uint8_t buf[512];

	if (strcmp(h->method, "ProcessList")) {
		yc_bus_reply(owner, h->call, YC_UNIMPLEMENTED, NULL, NULL, 0);
		return;
	}
	p.code = "standard";
	p.version_no = 1;
	st.code = "handle";
	st.name = "部门办理";
	st.name_en = "Handled by the department";
	p.steps = &ps;
	p.n_steps = 1;
	out.data = &pp;
	out.n_data = 1;
	yc_bus_reply(owner, h->call, YC_OK, NULL, buf, pb__processes__pack(&out, buf));
}

static int named(void *arg)
{
	Pb__MatterReq in = PB__MATTER_REQ__INIT;
	Pb__Matter *m;

	yc_loop_once(arg, 1);
	in.id = "mat_01KXR000000000000000000001";
	m = yct_ask(&s.c, "report", API, "MatterGet", &in, &agent, NULL);
	return m && m->n_steps && yc_streq(m->steps[m->n_steps - 1]->title, "部门办理") && yc_streq(m->steps[m->n_steps - 1]->title_en, "Handled by the department");
}

static void learning(const char *url)
{
	struct story y = { .from = "13888001234", .queue = "express", .at = yc_now() - 60000 };
	struct yc_loop *l = yc_loop_new();
	char instance[32];

	open_report(url);
	snprintf(instance, sizeof(instance), "%s.ticket.9", s.name);
	YCT_OK(yc_bus_open(&owner, l, &(struct yc_bus_conf){ .endpoint = yct_bus(), .service = "ticket", .instance = instance }, on_asked, NULL, NULL, yct_err()));
	tell(&y, 1);
	order(&y, "order.created", "handle", "/yn/km", "", yc_now(), PB__ORDER_STATE__ORDER_STATE_OPEN);
	CU_ASSERT(fake_until(&s, 20000, named, l));
	yc_bus_close(&owner);
	yc_loop_free(&l);
	fake_site_close(&s);
}

#define BOTH(name, fn) static void name(void) { yct_on_both_stores(fn); }
BOTH(a_matters_trace_shows_every_step_from_the_ring_to_the_close, tracing)
BOTH(unknown_matters_wrong_roles_and_bad_filters_are_told, unknown)
BOTH(matters_are_listed_by_state_phone_and_order_number, listing)
BOTH(a_department_sees_only_what_it_holds_or_held, scopes)
BOTH(intervals_are_counted_by_queue_with_its_own_threshold, intervals)
BOTH(a_bad_date_or_interval_is_named, bad_questions)
BOTH(who_still_waits_is_counted_once, waiting_now)
BOTH(kill_9_in_the_middle_loses_and_doubles_nothing, killed)
BOTH(names_of_steps_come_from_their_owner_even_later, learning)

YCT_MAIN("report", T(a_matters_trace_shows_every_step_from_the_ring_to_the_close), T(unknown_matters_wrong_roles_and_bad_filters_are_told),
	 T(matters_are_listed_by_state_phone_and_order_number), T(a_department_sees_only_what_it_holds_or_held),
	 T(intervals_are_counted_by_queue_with_its_own_threshold), T(a_bad_date_or_interval_is_named), T(who_still_waits_is_counted_once),
	 T(kill_9_in_the_middle_loses_and_doubles_nothing), T(names_of_steps_come_from_their_owner_even_later))
