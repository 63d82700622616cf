/* Customers through the bus: real broker, real crm on both stores, made-up events. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "fake_site.h"
#include "yc/clock.h"
#include "yc/id.h"
#include "yc/text.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/ticket.pb-c.h"
#include "yct.h"

static struct fake_site s;
static Pb__Principal agent = PB__PRINCIPAL__INIT, citizen = PB__PRINCIPAL__INIT;

static void open_crm(const char *url)
{
	fake_site_open(&s, "crm", url);
	agent.person_id = "prs_1";
	agent.name = "张伟";
	agent.roles = 1u << PB__ROLE__ROLE_AGENT;
	agent.org_path = "/yn/centre";
	citizen.person_id = "prs_2";
	citizen.roles = 1u << PB__ROLE__ROLE_CUSTOMER;
}

static Pb__Customer *resolve(const char *phone, const char *name)
{
	Pb__ResolveReq in = PB__RESOLVE_REQ__INIT;

	in.phone = (char *)phone;
	in.name = (char *)name;
	return fake_ask(&s, &pb__crm__descriptor, "Resolve", &in, NULL);
}

static Pb__Customer *get(const char *id)
{
	Pb__KeyReq in = PB__KEY_REQ__INIT;

	in.id = (char *)id;
	return fake_ask(&s, &pb__crm__descriptor, "Get", &in, &agent);
}

static Pb__Customers *list(const char *q, int limit, const char *after)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;

	in.q = (char *)q;
	in.limit = limit;
	in.starting_after = (char *)after;
	return fake_ask(&s, &pb__crm__descriptor, "List", &in, &agent);
}

static Pb__Timeline *timeline(const char *id)
{
	Pb__TimelineReq in = PB__TIMELINE_REQ__INIT;

	in.id = (char *)id;
	return fake_ask(&s, &pb__crm__descriptor, "TimelineList", &in, &agent);
}

/* --- by number ------------------------------------------------------------------------------------------------------------------------ */

static void resolving(const char *url)
{
	Pb__ResolveReq in = PB__RESOLVE_REQ__INIT;
	Pb__Customer *c;

	open_crm(url);
	c = resolve("63181234", "王芳");
	CU_ASSERT(yc_id_is(c->id, "cus"));
	YCT_STR(c->phones[0], "+8687163181234");
	YCT_STR(c->name, "王芳");
	CU_ASSERT_EQUAL(c->version, 1);
	YCT_STR(resolve("0871-6318 1234", "")->id, c->id);
	YCT_STR(resolve("+86 871 63181234", "别人")->id, c->id);
	YCT_STR(resolve("sip:087163181234@carrier.example", "")->name, "王芳");
	CU_ASSERT_STRING_NOT_EQUAL(resolve("13888001234", "")->id, c->id);
	fake_refused(&s, &pb__crm__descriptor, "Resolve", &in, NULL, YC_INVALID, "phone");
	in.phone = "anonymous";
	fake_refused(&s, &pb__crm__descriptor, "Resolve", &in, NULL, YC_INVALID, "phone");
	in.phone = "13888001234";
	fake_refused(&s, &pb__crm__descriptor, "Resolve", &in, &citizen, YC_FORBIDDEN, "");
	fake_site_close(&s);
}

static void unknown_ids(const char *url)
{
	Pb__KeyReq in = PB__KEY_REQ__INIT;
	Pb__TimelineReq tl = PB__TIMELINE_REQ__INIT;
	Pb__CustomerPut put = PB__CUSTOMER_PUT__INIT;

	open_crm(url);
	in.id = tl.id = put.id = "cus_00000000000000000000000000";
	fake_refused(&s, &pb__crm__descriptor, "Get", &in, &agent, YC_NOT_FOUND, "id");
	fake_refused(&s, &pb__crm__descriptor, "TimelineList", &tl, &agent, YC_NOT_FOUND, "id");
	fake_refused(&s, &pb__crm__descriptor, "Put", &put, &agent, YC_NOT_FOUND, "id");
	fake_site_close(&s);
}

/* --- editing -------------------------------------------------------------------------------------------------------------------------- */

static void editing(const char *url)
{
	static char *one[] = { "note" }, *two[] = { "grade", "phones" }, *numbers[] = { "13888001234", "63185678" }, *taken[2];
	Pb__CustomerPut in = PB__CUSTOMER_PUT__INIT;
	Pb__Customer *c, *other;

	open_crm(url);
	c = resolve("13888001234", "李强");
	other = resolve("13900000000", "");
	in.id = c->id;
	in.name = "不该改";
	in.note = "重点客户";
	in.fields = one;
	in.n_fields = 1;
	in.if_version = 1;
	c = fake_ask(&s, &pb__crm__descriptor, "Put", &in, &agent);
	YCT_STR(c->name, "李强");
	YCT_STR(c->note, "重点客户");
	CU_ASSERT_EQUAL(c->version, 2);
	fake_refused(&s, &pb__crm__descriptor, "Put", &in, &agent, YC_STALE, "if_version");
	in.if_version = 2;
	in.fields = two;
	in.n_fields = 2;
	in.grade = "D";
	fake_refused(&s, &pb__crm__descriptor, "Put", &in, &agent, YC_INVALID, "grade");
	in.grade = "vip";
	taken[0] = "13888001234";
	taken[1] = "13900000000";
	in.phones = taken;
	in.n_phones = 2;
	fake_refused(&s, &pb__crm__descriptor, "Put", &in, &agent, YC_CONFLICT, "phones.1");
	YCT_STR(get(c->id)->grade, "");          /* a refusal changed nothing */
	CU_ASSERT_EQUAL(get(c->id)->n_phones, 1);
	taken[1] = "no number";
	fake_refused(&s, &pb__crm__descriptor, "Put", &in, &agent, YC_INVALID, "phones.1");
	in.phones = numbers;
	c = fake_ask(&s, &pb__crm__descriptor, "Put", &in, &agent);
	CU_ASSERT_EQUAL(c->version, 3);
	c = get(c->id);
	YCT_STR(c->grade, "vip");
	CU_ASSERT_EQUAL_FATAL(c->n_phones, 2);
	YCT_STR(c->phones[1], "+8687163185678");
	YCT_STR(resolve("0871 63185678", "")->id, c->id);
	CU_ASSERT_STRING_NOT_EQUAL(c->id, other->id);
	fake_site_close(&s);
}

static void creating(const char *url)
{
	static char *numbers[] = { "13711112222" };
	Pb__CustomerPut in = PB__CUSTOMER_PUT__INIT;
	Pb__Customer *a, *b;

	open_crm(url);
	in.name = "新客户";
	in.phones = numbers;
	in.n_phones = 1;
	a = yct_ask(&s.c, "crm", &pb__crm__descriptor, "Put", &in, &agent, "req-1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	YCT_STR(a->org_path, "/yn/centre");
	b = yct_ask(&s.c, "crm", &pb__crm__descriptor, "Put", &in, &agent, "req-1");   /* a retry is answered alike and makes nobody new */
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	YCT_STR(a->id, b->id);
	fake_refused(&s, &pb__crm__descriptor, "Put", &in, &agent, YC_CONFLICT, "phones.0");
	CU_ASSERT_EQUAL(list("", 0, "")->n_data, 1);
	fake_site_close(&s);
}

static void searching(const char *url)
{
	Pb__Customers *l;
	char phone[16], after[64] = "";
	int n = 0, pages = 0;

	open_crm(url);
	resolve("13888000001", "张伟");
	resolve("13888000002", "张伟强");
	resolve("13888000003", "王张伟");
	resolve("13888000004", "100%_纯");
	resolve("087163181234", "");
	CU_ASSERT_EQUAL(list("张伟", 0, "")->n_data, 3);
	CU_ASSERT_EQUAL(list("伟强", 0, "")->n_data, 1);
	CU_ASSERT_EQUAL(list("%", 0, "")->n_data, 1);           /* what people type is no pattern */
	CU_ASSERT_EQUAL(list("0_", 0, "")->n_data, 0);
	CU_ASSERT_EQUAL(list("13888000002", 0, "")->n_data, 1);
	CU_ASSERT_EQUAL(list("0003", 0, "")->n_data, 1);
	CU_ASSERT_EQUAL(list("0871-63181234", 0, "")->n_data, 1);
	CU_ASSERT_EQUAL(list("6318 1234", 0, "")->n_data, 1);
	CU_ASSERT_EQUAL(list("9999", 0, "")->n_data, 0);
	for (int i = 0; i < 25; i++) {
		snprintf(phone, sizeof(phone), "139000%05d", i);
		resolve(phone, "分页");
	}
	do {
		l = list("分页", 10, after);
		CU_ASSERT(l->n_data <= 10);
		for (size_t i = 0; i < l->n_data; i++, n++)
			CU_ASSERT(!*after || strcmp(l->data[i]->id, after) < 0);
		yc_copy(after, sizeof(after), l->next_cursor);
	} while (++pages < 10 && l->has_more);
	CU_ASSERT_EQUAL(n, 25);
	CU_ASSERT_EQUAL(pages, 3);
	fake_site_close(&s);
}

/* --- the timeline --------------------------------------------------------------------------------------------------------------------- */

static void call_events(const char *call, const char *from, int64_t talk_ms, int end_too)
{
	Pb__CallStarted st = PB__CALL_STARTED__INIT;
	Pb__CallEnded en = PB__CALL_ENDED__INIT;
	Pb__Call c = PB__CALL__INIT;

	c.id = (char *)call;
	c.from = (char *)from;
	c.to = "11185";
	c.contact_id = "ctc_1";
	c.agent_id = "prs_1";
	c.started_at = yc_now();
	st.call = &c;
	en.call = &c;
	en.talk_ms = talk_ms;
	fake_emit(&s, "gateway", "call.started", "mat_1", call, &st);
	if (end_too)
		fake_emit(&s, "gateway", "call.ended", "mat_1", call, &en);
}

static void order_event(const char *type, const char *customer, const char *phone)
{
	Pb__OrderChanged m = PB__ORDER_CHANGED__INIT;
	Pb__Order o = PB__ORDER__INIT;
	Pb__Entry e = PB__ENTRY__INIT;

	o.id = "ord_1";
	o.number = "YN-20261122-000001-1";
	o.subject = "邮件三天未投递";
	o.matter_id = "mat_1";
	o.customer_id = (char *)customer;
	o.customer_phone = (char *)phone;
	e.actor_id = "prs_1";
	m.order = &o;
	m.entry = &e;
	fake_emit(&s, "ticket", type, "mat_1", "ord_1", &m);
}

struct wanted { const char *id; size_t n; Pb__Timeline *t; };
static int has_lines(void *arg)
{
	struct wanted *w = arg;

	w->t = timeline(w->id);
	return w->t->n_data >= w->n && (w->t->n_data < 1 || *w->t->data[w->t->n_data - 1]->outcome);
}

static void projecting(const char *url)
{
	struct wanted w = { .n = 3 };
	Pb__Customer *c;

	open_crm(url);
	c = resolve("13888001234", "");
	w.id = c->id;
	call_events("cal_01KXR0000000000000000000A1", "+8613888001234", 61000, 1);
	order_event("order.created", c->id, "");
	order_event("order.closed", "", "13888001234");          /* found by number */
	CU_ASSERT_FATAL(fake_until(&s, 10000, has_lines, &w));
	CU_ASSERT_EQUAL_FATAL(w.t->n_data, 3);
	YCT_STR(w.t->data[2]->kind, "call");     /* newest first; the call's id is older */
	YCT_STR(w.t->data[2]->title, "来电 11185");
	YCT_STR(w.t->data[2]->outcome, "served");
	CU_ASSERT_EQUAL(w.t->data[2]->duration_ms, 61000);
	YCT_STR(w.t->data[2]->matter_id, "mat_1");
	YCT_STR(w.t->data[1]->kind, "order.created");
	YCT_STR(w.t->data[1]->title, "YN-20261122-000001-1 邮件三天未投递");
	YCT_STR(w.t->data[0]->kind, "order.closed");
	c = get(c->id);
	CU_ASSERT_EQUAL(c->contacts, 1);
	CU_ASSERT(c->last_contact_at > 0);
	CU_ASSERT_EQUAL(c->version, 1);          /* contacts are no edit */
	fake_site_close(&s);
}

static int one_customer(void *arg)
{
	Pb__Customers *l = list(arg, 0, "");

	return l->n_data == 1 && l->data[0]->contacts == 1;
}

static void missed(const char *url)
{
	Pb__Customers *l;

	open_crm(url);
	call_events("cal_01KXR0000000000000000000A1", "anonymous", 0, 1);
	call_events("cal_01KXR0000000000000000000A2", "13700001111", 0, 1);
	CU_ASSERT(fake_until(&s, 10000, one_customer, (void *)"13700001111"));
	CU_ASSERT_EQUAL(list("", 0, "")->n_data, 1);     /* nobody for the withheld number */
	l = list("13700001111", 0, "");
	YCT_STR(resolve("13700001111", "")->id, l->data[0]->id);
	fake_site_close(&s);
}

static int contacts_are(void *arg)
{
	Pb__Customers *l = list("", 500, "");
	int64_t n = 0;

	for (size_t i = 0; i < l->n_data; i++)
		n += l->data[i]->contacts;
	CU_ASSERT_FATAL(n <= *(int64_t *)arg);
	return n == *(int64_t *)arg;
}

/* Three hundred calls, four kills: nobody is counted twice or forgotten. */
static void killed(const char *url)
{
	int64_t want = 300;
	char id[64], from[32];

	open_crm(url);
	for (int i = 0; i < 300; i++) {
		snprintf(id, sizeof(id), "cal_01KXR000000000000000000%03d", i);
		snprintf(from, sizeof(from), "138880%05d", i % 40);
		call_events(id, from, 1000, i % 2);
		if (i % 10 == 0)
			yc_loop_once(yc_node_loop(s.nodes[0]), 1);
		if (i % 70 == 69) {
			fake_site_kill(&s);
			fake_site_start(&s);
		}
	}
	CU_ASSERT(fake_until(&s, 20000, contacts_are, &want));
	CU_ASSERT_EQUAL(list("", 500, "")->n_data, 40);
	fake_site_close(&s);
}

static int created, changed, audited, heads;
static void on_event(void *arg, const char *topic, const uint8_t *p, size_t n)
{
	Pb__Event *ev = pb__event__unpack(yc_arena_pb(s.c.a), n, p);

	heads++;                                 /* the producer's head comes ten times a second: then the subscription stands */
	created += ev && yc_streq(ev->type, "customer.created");
	changed += ev && yc_streq(ev->type, "customer.changed");
	audited += ev && yc_streq(ev->type, "audit.customer") && ev->payload.len;
}

static int heads_arrive(void *arg)
{
	yc_loop_once(arg, 5);
	return heads > 0;
}

static int all_told(void *arg)
{
	yc_loop_once(arg, 5);
	return created == 1 && changed == 1 && audited == 1;
}

static void telling(const char *url)
{
	struct yc_loop *l = yc_loop_new();
	struct yc_bus *b;
	Pb__CustomerPut in = PB__CUSTOMER_PUT__INIT;
	char topic[32];

	open_crm(url);
	created = changed = audited = heads = 0;
	YCT_OK(yc_bus_open(&b, l, &(struct yc_bus_conf){ .endpoint = yct_bus() }, NULL, on_event, NULL, yct_err()));
	snprintf(topic, sizeof(topic), "%s.crm.", s.name);
	yc_bus_subscribe(b, topic);
	CU_ASSERT(fake_until(&s, 5000, heads_arrive, l));
	in.id = resolve("13888001234", "")->id;
	resolve("13888001234", "");
	fake_ask(&s, &pb__crm__descriptor, "Put", &in, &agent);
	CU_ASSERT(fake_until(&s, 5000, all_told, l));
	yc_bus_close(&b);
	yc_loop_free(&l);
	fake_site_close(&s);
}

#define BOTH(name, fn) static void name(void) { yct_on_both_stores(fn); }
BOTH(a_number_leads_to_one_customer_however_it_is_spelt, resolving)
BOTH(an_unknown_customer_is_not_found, unknown_ids)
BOTH(a_change_touches_the_fields_given_and_minds_the_version, editing)
BOTH(a_retried_creation_makes_one_customer, creating)
BOTH(customers_are_found_by_part_of_a_name_or_last_digits_page_by_page, searching)
BOTH(the_timeline_is_written_from_events, projecting)
BOTH(a_call_that_was_never_resolved_makes_its_customer_and_a_withheld_number_none, missed)
BOTH(kill_9_in_the_middle_counts_nobody_twice, killed)
BOTH(creation_and_change_are_told_and_audited, telling)

YCT_MAIN("crm", T(a_number_leads_to_one_customer_however_it_is_spelt), T(an_unknown_customer_is_not_found),
	 T(a_change_touches_the_fields_given_and_minds_the_version), T(a_retried_creation_makes_one_customer),
	 T(customers_are_found_by_part_of_a_name_or_last_digits_page_by_page), T(the_timeline_is_written_from_events),
	 T(a_call_that_was_never_resolved_makes_its_customer_and_a_withheld_number_none), T(kill_9_in_the_middle_counts_nobody_twice),
	 T(creation_and_change_are_told_and_audited))
