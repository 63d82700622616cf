/* The order's machine, the steps of its process, who may act, its clock, and what a list shows. All pure. */
#include <string.h>

#include "ticket/ticket.h"
#include "ticket/ticket_calendar.h"
#include "yct.h"


static Pb__ProcessStep step_[3];
static Pb__ProcessStep *steps[3];
static Pb__Process process;
static Pb__Order order;
static struct yc_err e;

/* centre -> department -> answer to the customer, the sample process. */
static void fresh(void)
{
	static const char *const code[] = { "accept", "handle", "answer" }, *const name[] = { "受理", "部门办理", "答复用户" };
	static const char *const holder[] = { "centre", "department", "owner" };

	pb__process__init(&process);
	for (int i = 0; i < 3; i++) {
		pb__process_step__init(&step_[i]);
		step_[i].code = (char *)code[i];
		step_[i].name = (char *)name[i];
		step_[i].holder = (char *)holder[i];
		step_[i].target = (char *)"4h";
		steps[i] = &step_[i];
	}
	process.code = (char *)"complaint";
	process.name = (char *)"投诉";
	process.steps = steps;
	process.n_steps = 3;
	pb__order__init(&order);
	order.owner_id = (char *)"prs_zhang";
	order.state = OPEN;
	memset(&e, 0, sizeof(e));
}

static const struct yc_fsm_row *next(int state, enum ticket_event ev, struct ticket_facts f)
{
	return yc_fsm_next(&ticket_fsm, state, ev, &f);
}

static void the_machine_is_well_formed(void)
{
	CU_ASSERT_EQUAL(yc_fsm_check(&ticket_fsm, stdout), 0);
}

static void an_order_is_not_closed_before_the_answer(void)
{
	struct ticket_facts f = { .step_no = 2, .n_steps = 3, .may_overrule = 1 };

	CU_ASSERT_PTR_NULL(next(OPEN, TICKET_CLOSE, f));        /* not even by a leader */
	order.handler_org = (char *)"km-delivery";
	CU_ASSERT_EQUAL(ticket_refuse(&order, steps[1], TICKET_CLOSE, &f, &e), YC_CONFLICT);
	YCT_STR(e.field, "answered_at");
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "answer to the customer is missing"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "部门办理"));
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "km-delivery"));
}

static void a_satisfying_answer_in_the_last_step_lets_it_close(void)
{
	struct ticket_facts f = { .step_no = 3, .n_steps = 3, .satisfied = 1 };
	const struct yc_fsm_row *r = next(OPEN, TICKET_ANSWER, f);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->to, (int)ANSWERED);
	CU_ASSERT_EQUAL(r->effects[0], TICKET_FX_STAMP_ANSWER);
	r = next(ANSWERED, TICKET_CLOSE, f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->to, (int)CLOSED);
}

static void an_answer_before_the_last_step_is_refused(void)
{
	struct ticket_facts f = { .step_no = 2, .n_steps = 3, .satisfied = 1 };

	CU_ASSERT_PTR_NULL(next(OPEN, TICKET_ANSWER, f));
	CU_ASSERT_EQUAL(ticket_refuse(&order, steps[1], TICKET_ANSWER, &f, &e), YC_CONFLICT);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "step 2 of 3"));
}

static void a_dissatisfied_customer_keeps_it_open(void)
{
	struct ticket_facts f = { .step_no = 3, .n_steps = 3 };
	const struct yc_fsm_row *r = next(OPEN, TICKET_ANSWER, f);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->to, (int)OPEN);
	f.answered = 1;
	CU_ASSERT_PTR_NULL(next(OPEN, TICKET_CLOSE, f));
	CU_ASSERT_EQUAL(ticket_refuse(&order, steps[2], TICKET_CLOSE, &f, &e), YC_CONFLICT);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "not satisfied"));
	f.may_overrule = 1;
	r = next(OPEN, TICKET_CLOSE, f);
	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->to, (int)CLOSED);
}

static void the_last_step_is_not_done_but_answered(void)
{
	struct ticket_facts f = { .step_no = 3, .n_steps = 3 };

	CU_ASSERT_PTR_NULL(next(OPEN, TICKET_DONE, f));
	f.step_no = 2;
	CU_ASSERT_PTR_NOT_NULL(next(OPEN, TICKET_DONE, f));
}

static void an_answered_order_can_be_returned_and_opens_again(void)
{
	struct ticket_facts f = { .step_no = 3, .n_steps = 3, .answered = 1 };
	const struct yc_fsm_row *r = next(ANSWERED, TICKET_RETURN, f);

	CU_ASSERT_PTR_NOT_NULL_FATAL(r);
	CU_ASSERT_EQUAL(r->to, (int)OPEN);
	CU_ASSERT_EQUAL(r->effects[0], TICKET_FX_PREVIOUS_STEP);
	f.step_no = 1;
	CU_ASSERT_PTR_NULL(next(OPEN, TICKET_RETURN, f));
}

static void a_closed_order_permits_nothing_and_says_so(void)
{
	for (int ev = TICKET_DONE; ev < TICKET_EVENT_COUNT; ev++) {
		struct ticket_facts f = { .step_no = 2, .n_steps = 3, .answered = 1, .satisfied = 1, .may_overrule = 1 };

		CU_ASSERT_PTR_NULL(next(CLOSED, ev, f));
		order.state = CLOSED;
		CU_ASSERT_EQUAL(ticket_refuse(&order, steps[1], ev, &f, &e), YC_CONFLICT);
		CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "closed"));
	}
}

static void each_step_has_the_holder_it_names(void)
{
	struct ticket_parties p = { "/yn/centre", "/yn/km/km-delivery", "/yn/centre", "prs_zhang", "张敏" };
	struct ticket_holder h;

	YCT_OK(ticket_holder_of(steps[0], &p, &h, yct_err()));
	YCT_STR(h.org, "centre");
	YCT_STR(h.person, "");
	YCT_OK(ticket_holder_of(steps[1], &p, &h, yct_err()));
	YCT_STR(h.org, "km-delivery");
	YCT_STR(h.path, "/yn/km/km-delivery");
	YCT_OK(ticket_holder_of(steps[2], &p, &h, yct_err()));
	YCT_STR(h.person, "prs_zhang");
	YCT_STR(h.person_name, "张敏");
}

static void no_step_is_without_a_holder(void)
{
	struct ticket_parties p = { "", "", "", "", "" };
	struct ticket_holder h;

	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(ticket_holder_of(steps[i], &p, &h, &e), YC_INVALID);
	CU_ASSERT_EQUAL(ticket_holder_of(steps[1], &p, &h, &e), YC_INVALID);
	YCT_STR(e.field, "department");
}

static void a_return_goes_to_who_held_the_step_before(void)
{
	Pb__Entry a = PB__ENTRY__INIT, b = PB__ENTRY__INIT, c = PB__ENTRY__INIT, d = PB__ENTRY__INIT;
	Pb__Entry *all[] = { &a, &b, &c, &d };

	a.kind = (char *)"created";
	b.kind = c.kind = d.kind = (char *)"step_done";
	b.next_step = (char *)"handle";
	b.from_org = (char *)"centre";
	c.next_step = (char *)"answer";
	c.from_org = (char *)"km-delivery";
	d.next_step = (char *)"answer";         /* the second time another department had it */
	d.from_org = (char *)"qj-delivery";
	YCT_STR(ticket_previous_org(all, 4, "answer"), "qj-delivery");
	YCT_STR(ticket_previous_org(all, 3, "answer"), "km-delivery");
	YCT_STR(ticket_previous_org(all, 4, "handle"), "centre");
	CU_ASSERT_PTR_NULL(ticket_previous_org(all, 4, "accept"));
}

static int may(const char *person, uint32_t roles, const char *path, enum ticket_holder_kind holder)
{
	struct ticket_actor a = { person, roles, path };

	return ticket_may_act(&a, &order, holder);
}

static void only_the_holder_and_who_directs_may_act(void)
{
	order.org_path = (char *)"/yn/km/km-delivery";
	CU_ASSERT_TRUE(may("prs_li", YC_ROLE(HANDLER), "/yn/km/km-delivery", TICKET_HOLDER_DEPARTMENT));
	CU_ASSERT_TRUE(may("prs_li", YC_ROLE(HANDLER), "/yn/km", TICKET_HOLDER_DEPARTMENT));
	CU_ASSERT_FALSE(may("prs_li", YC_ROLE(HANDLER), "/yn/km/km-del", TICKET_HOLDER_DEPARTMENT));
	CU_ASSERT_FALSE(may("prs_li", YC_ROLE(HANDLER), "/yn/qj", TICKET_HOLDER_DEPARTMENT));
	CU_ASSERT_FALSE(may("prs_li", YC_ROLE(HANDLER), "", TICKET_HOLDER_DEPARTMENT));
	CU_ASSERT_FALSE(may("prs_li", YC_ROLE(AGENT), "/yn/km/km-delivery", TICKET_HOLDER_DEPARTMENT));
	CU_ASSERT_TRUE(may("prs_d", YC_ROLE(DISPATCHER), "", TICKET_HOLDER_DEPARTMENT));
	CU_ASSERT_TRUE(may("prs_a", YC_ROLE(ADMIN), "", TICKET_HOLDER_OWNER));
}

static void the_owner_acts_while_centre_or_owner_holds_it(void)
{
	order.org_path = (char *)"/yn/centre";
	CU_ASSERT_TRUE(may("prs_zhang", YC_ROLE(AGENT), "/yn/centre", TICKET_HOLDER_CENTRE));
	CU_ASSERT_TRUE(may("prs_zhang", YC_ROLE(AGENT), "/yn/centre", TICKET_HOLDER_OWNER));
	CU_ASSERT_FALSE(may("prs_zhang", YC_ROLE(AGENT), "/yn/centre", TICKET_HOLDER_DEPARTMENT));
	CU_ASSERT_FALSE(may("prs_wang", YC_ROLE(AGENT), "/yn/centre", TICKET_HOLDER_CENTRE));
	CU_ASSERT_TRUE(may("prs_leader", YC_ROLE(LEADER), "/yn/centre", TICKET_HOLDER_CENTRE));
	order.owner_id = (char *)"";
	CU_ASSERT_FALSE(may("", YC_ROLE(AGENT), "/yn/centre", TICKET_HOLDER_OWNER));
}

static void the_sample_process_is_accepted_and_its_targets_counted(void)
{
	CU_ASSERT_EQUAL(ticket_process_check(&process, &e), YC_OK);
	CU_ASSERT_EQUAL(process.version_no, 1);
	CU_ASSERT_EQUAL(steps[1]->target_ms, 4 * 3600 * 1000);
}

static void refused(const char *field)
{
	CU_ASSERT_EQUAL(ticket_process_check(&process, &e), YC_INVALID);
	YCT_STR(e.field, field);
	fresh();
}

static void a_wrong_process_names_the_field(void)
{
	fresh();
	process.n_steps = 0;
	refused("steps");
	process.n_steps = 2;            /* ends with the department: nobody would answer the customer */
	refused("steps.1.holder");
	steps[1]->holder = (char *)"somebody";
	refused("steps.1.holder");
	steps[2]->code = (char *)"accept";
	refused("steps.2.code");
	steps[0]->target = (char *)"soon";
	refused("steps.0.target");
	steps[0]->target = (char *)"";
	refused("steps.0.target");
	process.version_no = -1;
	refused("version_no");
	process.code = (char *)"";
	refused("code");
}

static void the_clock_stops_for_a_satisfying_answer_only(void)
{
	Pb__Entry en[5];
	Pb__Entry *all[5];
	static const char *const kind[] = { "created", "answered", "answered", "returned", "closed" };
	struct yc_clock_event ev[8];

	for (int i = 0; i < 5; i++) {
		pb__entry__init(&en[i]);
		en[i].kind = (char *)kind[i];
		en[i].at = (i + 1) * 1000;
		all[i] = &en[i];
	}
	en[1].outcome = (char *)"unsatisfied";
	en[2].outcome = (char *)"satisfied";
	CU_ASSERT_EQUAL_FATAL(ticket_clock(all, 5, ev, 8), 4);
	CU_ASSERT_TRUE(ev[0].at == 1000 && ev[0].run == 1);
	CU_ASSERT_TRUE(ev[1].at == 3000 && ev[1].run == 0);
	CU_ASSERT_TRUE(ev[2].at == 4000 && ev[2].run == 1);
	CU_ASSERT_TRUE(ev[3].at == 5000 && ev[3].run == 0);
	CU_ASSERT_EQUAL(ticket_clock(all, 5, ev, 2), 2);
}

static void a_list_shows_what_every_filter_allows(void)
{
	struct ticket_filter f = { .state = (int)OPEN, .handler_path = "/yn/km", .owner_id = "prs_zhang" };

	order.org_path = (char *)"/yn/km/km-delivery";
	order.subject = (char *)"EMS 邮件 逾期未妥投";
	order.customer_name = (char *)"李秀英";
	CU_ASSERT_TRUE(ticket_filter_match(&f, &order));
	ticket_filter_words(&f, "  ems 未妥投 ");
	CU_ASSERT_EQUAL(f.n_words, 2);
	CU_ASSERT_TRUE(ticket_filter_match(&f, &order));
	ticket_filter_words(&f, "李秀英");
	CU_ASSERT_TRUE(ticket_filter_match(&f, &order));
	ticket_filter_words(&f, "报刊");
	CU_ASSERT_FALSE(ticket_filter_match(&f, &order));
	f.n_words = 0;
	f.handler_path = "/yn/k";
	CU_ASSERT_FALSE(ticket_filter_match(&f, &order));
	f.handler_path = NULL;
	f.matter_id = "mat_x";
	CU_ASSERT_FALSE(ticket_filter_match(&f, &order));
}

static void many_words_are_cut_not_overrun(void)
{
	struct ticket_filter f = { 0 };
	char q[2000];

	memset(q, 'x', sizeof(q) - 1);
	q[sizeof(q) - 1] = 0;
	ticket_filter_words(&f, q);
	CU_ASSERT_EQUAL(f.n_words, 1);
	CU_ASSERT_EQUAL(strlen(f.word[0]), sizeof(f.word[0]) - 1);
	memset(&f, 0, sizeof(f));
	ticket_filter_words(&f, "a b c d e f g h i j");
	CU_ASSERT_EQUAL(f.n_words, TICKET_WORDS);
}

static void a_calendar_message_becomes_working_hours(void)
{
	Pb__CalendarSpan am = PB__CALENDAR_SPAN__INIT, pm = PB__CALENDAR_SPAN__INIT;
	Pb__CalendarSpan *spans[] = { &am, &pm };
	Pb__CalendarWeekday mon = PB__CALENDAR_WEEKDAY__INIT, *week[] = { &mon };
	Pb__CalendarDay d1 = PB__CALENDAR_DAY__INIT, d2 = PB__CALENDAR_DAY__INIT, *list[] = { &d1, &d2 };
	Pb__Calendar c = PB__CALENDAR__INIT;
	struct yc_calendar out;
	struct yc_cal_day *days;

	am.open = (char *)"08:30"; am.close = (char *)"12:00";
	pm.open = (char *)"14:00"; pm.close = (char *)"24:00";
	mon.day = (char *)"mon"; mon.spans = spans; mon.n_spans = 2;
	d1.date = (char *)"2026-10-10"; d1.name = (char *)"调休";
	d2.date = (char *)"2026-10-01"; d2.closed = 1;
	c.week = week; c.n_week = 1; c.days = list; c.n_days = 2; c.utc_offset = (char *)"+08:00";
	c.first_year = c.last_year = 2026;
	YCT_OK(ticket_calendar_read(&c, &out, &days, yct_err()));
	CU_ASSERT_EQUAL(out.utc_offset_min, 480);
	CU_ASSERT_EQUAL(out.week[0].span[0].open_min, 510);
	CU_ASSERT_EQUAL(out.week[0].span[1].close_min, 1440);
	CU_ASSERT_EQUAL(out.week[5].n, 0);
	CU_ASSERT_EQUAL(out.days[0].date, 20261001);            /* sorted */
	CU_ASSERT_EQUAL(out.days[0].hours.n, 0);
	CU_ASSERT_EQUAL(out.days[1].hours.n, 2);                /* a make-up day has Monday's hours */
	CU_ASSERT_EQUAL(yc_cal_check(&out, &e), YC_OK);
	yc_xfree(days);
	pm.open = (char *)"25:00";
	CU_ASSERT_EQUAL(ticket_calendar_read(&c, &out, &days, &e), YC_INVALID);
	CU_ASSERT_PTR_NULL(days);
}

YCT_MAIN_WITH("ticket_process", fresh, NULL,
	T(the_machine_is_well_formed), T(an_order_is_not_closed_before_the_answer), T(a_satisfying_answer_in_the_last_step_lets_it_close),
	T(an_answer_before_the_last_step_is_refused), T(a_dissatisfied_customer_keeps_it_open), T(the_last_step_is_not_done_but_answered),
	T(an_answered_order_can_be_returned_and_opens_again), T(a_closed_order_permits_nothing_and_says_so),
	T(each_step_has_the_holder_it_names), T(no_step_is_without_a_holder), T(a_return_goes_to_who_held_the_step_before),
	T(only_the_holder_and_who_directs_may_act), T(the_owner_acts_while_centre_or_owner_holds_it),
	T(the_sample_process_is_accepted_and_its_targets_counted), T(a_wrong_process_names_the_field),
	T(the_clock_stops_for_a_satisfying_answer_only), T(a_list_shows_what_every_filter_allows), T(many_words_are_cut_not_overrun),
	T(a_calendar_message_becomes_working_hours))
