#include "yct.h"

#include <stdio.h>
#include <string.h>

#include "report/rule_trace.h"
#include "yc/v1/acd.pb-c.h"

#define T0 1795321860000LL

static struct yc_arena *a;
static struct report_ev v[64];
static size_t n;
static Pb__Matter *m;

static void setup(void) { a = yc_arena_new(4 << 20); n = 0; m = NULL; }
static void teardown(void) { yc_arena_free(&a); }

/* Names as the registers would give them; "nobody" is unknown. */
static const char *name(void *arg, const char *kind, const char *id, int english)
{
	if (!strcmp(id, "express"))
		return english ? "Express" : "速递业务";
	if (!strcmp(id, "prs_1"))
		return "张伟";
	if (!strcmp(id, "km"))
		return "昆明投递部";
	if (!strcmp(id, "standard/1/accept"))
		return english ? "Accepted by the centre" : "中心受理";
	if (!strcmp(id, "standard/1/handle"))
		return english ? "Handled by the department" : "部门办理";
	return NULL;
}

static int64_t threshold(void *arg, const char *queue) { return 15000; }

static const struct report_known known = { name, threshold, NULL };

static struct report_ev *ev(enum report_type type, int64_t at_s, const char *object)
{
	static char ids[64][16];
	struct report_ev *x = &v[n];

	snprintf(ids[n], sizeof(ids[n]), "evt_%zu", n);
	*x = (struct report_ev){ .type = type, .at = T0 + at_s * 1000, .id = ids[n], .source = "yn.test.1", .contact = "ctc_1", .object = object,
		.actor = "", .actor_name = "", .detail = "", .extra = "" };
	n++;
	return x;
}

static void agent_ev(enum report_type type, int64_t at_s)
{
	ev(type, at_s, "wki_1")->actor = "prs_1";
}

static void order_ev(const char *type, int64_t at_s, const char *actor, const char *step, const char *handler, const char *org, const char *outcome, Pb__OrderState state)
{
	Pb__OrderChanged *c = yc_pb_new(a, &pb__order_changed__descriptor);
	struct report_ev *x = ev(REPORT_ORDER, at_s, "ord_1");

	c->order = yc_pb_new(a, &pb__order__descriptor);
	c->entry = yc_pb_new(a, &pb__entry__descriptor);
	c->order->number = "YN-20261122-000001-1";
	c->order->subject = "催投";
	c->order->process = "standard";
	c->order->process_version = 1;
	c->order->step = (char *)step;
	c->order->handler_id = (char *)handler;
	c->order->handler_org = (char *)org;
	c->order->customer_phone = "+8613888001234";
	c->order->step_due_at = x->at + 3600000;
	c->order->state = state;
	c->entry->actor_id = (char *)actor;
	c->entry->actor_name = (char *)actor;
	c->entry->outcome = (char *)outcome;
	c->entry->text = "办理意见";
	x->order = c;
	x->extra = type;
	x->actor = actor;
	x->actor_name = actor;
}

#define OPEN PB__ORDER_STATE__ORDER_STATE_OPEN
#define ANSWERED PB__ORDER_STATE__ORDER_STATE_ANSWERED
#define CLOSED PB__ORDER_STATE__ORDER_STATE_CLOSED

static void trace(int64_t now_s)
{
	m = yc_pb_new(a, &pb__matter__descriptor);
	CU_ASSERT_EQUAL_FATAL(report_trace(a, v, n, T0 + now_s * 1000, &known, m), 0);
}

/* The nth step of this kind. */
static Pb__MatterStep *step(const char *kind, int nth)
{
	for (size_t i = 0; i < m->n_steps; i++)
		if (!strcmp(m->steps[i]->kind, kind) && !nth--)
			return m->steps[i];
	CU_FAIL_FATAL("no such step");
	return NULL;
}

static int count(const char *kind)
{
	int k = 0;

	for (size_t i = 0; i < m->n_steps; i++)
		k += !strcmp(m->steps[i]->kind, kind);
	return k;
}

static void start_call(void)
{
	struct report_ev *x = ev(REPORT_CALL_STARTED, 0, "cal_1");

	x->detail = "11185";
	x->extra = "+8613888001234";
}

static void in_queue(int64_t at_s)
{
	struct report_ev *x;

	x = ev(REPORT_MENU, 4, "cal_1");
	x->extra = "play";
	x = ev(REPORT_MENU, 10, "cal_1");
	x->extra = "menu";
	x->detail = "1 速递业务";
	ev(REPORT_QUEUED, at_s, "wki_1")->detail = "express";
}

static void a_whole_call_is_ring_greeting_menu_queue_offer_talk_wrap_up(void)
{
	struct report_ev *x;

	start_call();
	in_queue(12);
	agent_ev(REPORT_OFFERED, 20);
	agent_ev(REPORT_ACCEPTED, 25);
	ev(REPORT_ITEM_ENDED, 85, "wki_1")->n = PB__ITEM_STATE__ITEM_STATE_SERVED;
	ev(REPORT_CALL_ENDED, 85, "cal_1");
	agent_ev(REPORT_WRAP_BEGIN, 85);
	x = ev(REPORT_RECORDING, 86, "blb_1");
	x->actor = "prs_1";
	x->n = 60000;
	agent_ev(REPORT_WRAP_END, 95);
	trace(1000);
	CU_ASSERT_EQUAL_FATAL(m->n_steps, 8);
	YCT_STR(step("ring", 0)->title, "来电 11185");
	CU_ASSERT_EQUAL(step("greeting", 0)->working_ms, 4000);
	CU_ASSERT_EQUAL(step("menu", 0)->working_ms, 6000);
	YCT_STR(step("menu", 0)->detail, "1 速递业务");
	CU_ASSERT_EQUAL(step("queue", 0)->waiting_ms, 8000);
	CU_ASSERT_EQUAL(step("queue", 0)->allowed_ms, 15000);
	YCT_STR(step("queue", 0)->title, "排队：速递业务");
	YCT_STR(step("queue", 0)->title_en, "In queue: Express");
	CU_ASSERT_EQUAL(step("offer", 0)->waiting_ms, 5000);
	YCT_STR(step("offer", 0)->actor_name, "张伟");
	CU_ASSERT_EQUAL(step("talk", 0)->working_ms, 60000);
	CU_ASSERT_EQUAL(step("wrap_up", 0)->working_ms, 10000);
	YCT_STR(step("recording", 0)->detail, "60.0 s");
	YCT_STR(m->recordings[0], "blb_1");
	YCT_STR(m->customer_phone, "+8613888001234");
	CU_ASSERT_EQUAL(m->waiting_ms, 13000);
	CU_ASSERT_EQUAL(m->working_ms, 80000);
	CU_ASSERT_EQUAL(m->touches, 1);
	CU_ASSERT_EQUAL(m->opened_at, T0);
}

static void steps_of_one_millisecond_go_the_calls_way_whoever_told_first(void)
{
	static const char *const kinds[] = { "ring", "greeting", "menu", "queue", "offer", "talk" };
	struct report_ev *x;

	start_call();
	ev(REPORT_MENU, 0, "cal_1")->extra = "play";
	ev(REPORT_QUEUED, 0, "wki_1")->detail = "express";
	x = ev(REPORT_MENU, 0, "cal_1");
	x->extra = "menu";
	x->detail = "1 速递业务";
	agent_ev(REPORT_OFFERED, 0);
	agent_ev(REPORT_ACCEPTED, 0);
	trace(5);
	CU_ASSERT_EQUAL_FATAL(m->n_steps, 6);
	for (size_t i = 0; i < m->n_steps; i++)
		YCT_STR(m->steps[i]->kind, kinds[i]);
}

static void an_offer_nobody_takes_leads_back_to_the_queue_and_on(void)
{
	start_call();
	in_queue(12);
	agent_ev(REPORT_OFFERED, 20);
	agent_ev(REPORT_OFFER_ENDED, 40);
	v[n - 1].detail = "timed_out";
	agent_ev(REPORT_OFFERED, 40);            /* at once to the next: no wait between */
	v[n - 1].actor = "prs_2";
	agent_ev(REPORT_OFFER_ENDED, 60);
	agent_ev(REPORT_OFFERED, 70);            /* ten seconds in the queue again */
	agent_ev(REPORT_ACCEPTED, 72);
	ev(REPORT_ITEM_ENDED, 100, "wki_1");
	trace(1000);
	CU_ASSERT_EQUAL(count("offer"), 3);
	CU_ASSERT_EQUAL(count("queue"), 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(step("offer", 0)->detail, "timed_out"));
	YCT_STR(step("queue", 1)->title, "重新排队：速递业务");
	CU_ASSERT_EQUAL(step("queue", 1)->waiting_ms, 10000);
	CU_ASSERT_EQUAL(m->waiting_ms, 60000);
	CU_ASSERT_EQUAL(m->working_ms, 10000 + 28000);
}

static void who_gives_up_waiting_is_seen_to_do_so(void)
{
	start_call();
	in_queue(12);
	ev(REPORT_ITEM_ENDED, 42, "wki_1")->n = PB__ITEM_STATE__ITEM_STATE_ABANDONED;
	ev(REPORT_CALL_ENDED, 42, "cal_1");
	trace(1000);
	CU_ASSERT_EQUAL(step("queue", 0)->waiting_ms, 30000);
	YCT_STR(step("abandon", 0)->title_en, "The customer gave up waiting");
	CU_ASSERT_EQUAL(count("hangup"), 0);
	CU_ASSERT_EQUAL(m->touches, 0);
}

static void the_gateways_end_closes_what_the_acd_never_closed(void)
{
	start_call();
	in_queue(12);
	agent_ev(REPORT_OFFERED, 20);
	agent_ev(REPORT_ACCEPTED, 25);
	ev(REPORT_CALL_ENDED, 50, "cal_1");
	trace(1000);
	CU_ASSERT_EQUAL(step("talk", 0)->working_ms, 25000);
	CU_ASSERT(step("talk", 0)->until_at != 0);
}

static void a_caller_who_ends_in_the_flow_never_waited(void)
{
	start_call();
	ev(REPORT_CALL_ENDED, 3, "cal_1")->extra = "caller";
	trace(1000);
	YCT_STR(step("hangup", 0)->detail, "caller");
	CU_ASSERT_EQUAL(m->waiting_ms, 0);
}

static void what_goes_on_counts_up_to_now_and_stays_open(void)
{
	start_call();
	in_queue(12);
	trace(30);
	CU_ASSERT_EQUAL(step("queue", 0)->until_at, 0);
	CU_ASSERT_EQUAL(step("queue", 0)->waiting_ms, 18000);
	CU_ASSERT_EQUAL(m->waiting_ms, 18000);
}

static void queued_again_after_a_restart_of_the_acd_is_the_same_wait(void)
{
	start_call();
	in_queue(12);
	ev(REPORT_QUEUED, 12, "wki_1")->detail = "express";
	agent_ev(REPORT_OFFERED, 30);
	trace(40);
	CU_ASSERT_EQUAL(count("queue"), 1);
	CU_ASSERT_EQUAL(step("queue", 0)->waiting_ms, 18000);
}

static void an_order_waits_until_it_is_taken_and_is_worked_on_from_then(void)
{
	order_ev("order.created", 0, "prs_1", "accept", "", "centre", "", OPEN);
	order_ev("order.step", 60, "prs_1", "handle", "", "km", "done", OPEN);
	order_ev("order.taken", 660, "prs_9", "handle", "prs_9", "km", "", OPEN);
	order_ev("order.step", 1260, "prs_9", "answer", "prs_1", "centre", "done", OPEN);
	order_ev("order.answered", 1320, "prs_1", "answer", "prs_1", "centre", "satisfied", ANSWERED);
	order_ev("order.closed", 1330, "prs_1", "answer", "prs_1", "centre", "", CLOSED);
	trace(9000);
	YCT_STR(step("order", 0)->detail, "YN-20261122-000001-1 催投");
	YCT_STR(step("step", 0)->title, "中心受理");
	CU_ASSERT_EQUAL(step("step", 0)->working_ms, 60000);     /* by the one who raised it: in his hands all the time */
	YCT_STR(step("step", 1)->title, "部门办理");
	YCT_STR(step("step", 1)->title_en, "Handled by the department");
	CU_ASSERT_EQUAL(step("step", 1)->waiting_ms, 600000);
	CU_ASSERT_EQUAL(step("step", 1)->working_ms, 600000);
	CU_ASSERT_EQUAL(step("step", 1)->allowed_ms, 3600000);
	YCT_STR(step("step", 1)->detail, "昆明投递部：办理意见");
	YCT_STR(step("step", 1)->actor, "prs_9");
	CU_ASSERT_EQUAL(step("answer", 0)->working_ms, 60000);
	YCT_STR(step("answer", 0)->title, "答复客户");
	YCT_STR(step("close", 0)->title_en, "Closed");
	CU_ASSERT_EQUAL(count("step"), 2);
	CU_ASSERT_EQUAL(m->touches, 3);
	YCT_STR(m->order_numbers[0], "YN-20261122-000001-1");
	CU_ASSERT_EQUAL(m->waiting_ms, 600000);
	CU_ASSERT_EQUAL(m->working_ms, 720000);
}

static void a_step_nobody_took_was_waiting(void)
{
	order_ev("order.created", 0, "prs_1", "handle", "", "km", "", OPEN);
	order_ev("order.step", 100, "prs_9", "answer", "prs_1", "centre", "done", OPEN);
	trace(100);
	CU_ASSERT_EQUAL(step("step", 0)->waiting_ms, 100000);
	CU_ASSERT_EQUAL(step("step", 0)->working_ms, 0);
}

static void a_return_says_so_and_the_step_begins_again(void)
{
	order_ev("order.created", 0, "prs_1", "accept", "", "centre", "", OPEN);
	order_ev("order.step", 10, "prs_1", "handle", "", "km", "done", OPEN);
	order_ev("order.step", 20, "prs_9", "accept", "", "centre", "return", OPEN);
	trace(30);
	YCT_STR(step("step", 1)->title, "部门办理（退回）");
	YCT_STR(step("step", 1)->title_en, "Handled by the department (returned)");
	YCT_STR(step("step", 2)->title, "中心受理");
	CU_ASSERT_EQUAL(step("step", 2)->until_at, 0);
}

static void an_unsatisfied_customer_keeps_the_step_open(void)
{
	order_ev("order.created", 0, "prs_1", "answer", "prs_1", "centre", "", OPEN);
	order_ev("order.answered", 10, "prs_1", "answer", "prs_1", "centre", "unsatisfied", OPEN);
	order_ev("order.answered", 30, "prs_1", "answer", "prs_1", "centre", "satisfied", ANSWERED);
	trace(1000);
	CU_ASSERT_EQUAL(count("answer"), 2);
	CU_ASSERT_EQUAL(count("step"), 0);
	CU_ASSERT_EQUAL(m->working_ms, 30000);
}

static void time_that_two_spend_at_once_counts_once_and_work_beats_waiting(void)
{
	start_call();
	in_queue(12);
	agent_ev(REPORT_OFFERED, 12);
	agent_ev(REPORT_ACCEPTED, 20);
	order_ev("order.created", 30, "prs_1", "handle", "", "km", "", OPEN);   /* raised during the talk; waits at the department meanwhile */
	ev(REPORT_ITEM_ENDED, 80, "wki_1");
	order_ev("order.taken", 180, "prs_9", "handle", "prs_9", "km", "", OPEN);
	order_ev("order.step", 280, "prs_9", "answer", "prs_1", "centre", "done", OPEN);
	trace(280);
	CU_ASSERT_EQUAL(step("step", 0)->waiting_ms, 150000);
	CU_ASSERT_EQUAL(m->working_ms, 10000 + 60000 + 100000);
	CU_ASSERT_EQUAL(m->waiting_ms, 8000 + 100000);           /* offer; after the talk until taken */
	CU_ASSERT(m->waiting_ms + m->working_ms <= 280000);
}

static void a_wrap_up_that_was_never_ended_runs_on_and_unknown_codes_stand_for_themselves(void)
{
	ev(REPORT_QUEUED, 0, "wki_1")->detail = "nobody";
	agent_ev(REPORT_OFFERED, 0);
	v[n - 1].actor = "prs_x";
	agent_ev(REPORT_WRAP_BEGIN, 5);
	trace(10);
	YCT_STR(step("queue", 0)->title, "排队：nobody");
	YCT_STR(step("offer", 0)->actor_name, "");
	CU_ASSERT_EQUAL(step("wrap_up", 0)->working_ms, 5000);
}

static void what_the_agent_notes_stands_at_his_wrap_up(void)
{
	start_call();
	in_queue(12);
	agent_ev(REPORT_OFFERED, 12);
	agent_ev(REPORT_ACCEPTED, 13);
	agent_ev(REPORT_SAID, 20);
	v[n - 1].detail = "咨询";
	ev(REPORT_ITEM_ENDED, 30, "wki_1");
	agent_ev(REPORT_WRAP_BEGIN, 30);
	agent_ev(REPORT_SAID, 33);
	v[n - 1].detail = "投诉：已建单";
	agent_ev(REPORT_WRAP_END, 35);
	trace(40);
	YCT_STR(step("talk", 0)->detail, "咨询");
	YCT_STR(step("wrap_up", 0)->detail, "投诉：已建单");
	CU_ASSERT_EQUAL(step("wrap_up", 0)->working_ms, 5000);
}

static void an_event_out_of_the_blue_breaks_nothing(void)
{
	agent_ev(REPORT_WRAP_END, 1);
	agent_ev(REPORT_OFFER_ENDED, 1);
	ev(REPORT_ITEM_ENDED, 2, "wki_9");
	ev(REPORT_CALL_ENDED, 2, "cal_9");
	order_ev("order.taken", 3, "prs_9", "handle", "prs_9", "km", "", OPEN);
	order_ev("order.answered", 4, "prs_9", "handle", "prs_9", "km", "", ANSWERED);
	ev(REPORT_ORDER, 5, "ord_2");
	trace(10);
	CU_ASSERT_EQUAL(count("answer"), 1);
}

static void a_trace_that_does_not_fit_says_so(void)
{
	struct yc_arena *small = yc_arena_new(2048);
	Pb__Matter out = PB__MATTER__INIT;

	for (int i = 0; i < 20; i++)
		start_call();
	CU_ASSERT_EQUAL(report_trace(small, v, n, T0, &known, &out), -1);
	yc_arena_free(&small);
}

YCT_MAIN_WITH("report_trace", setup, teardown, T(a_whole_call_is_ring_greeting_menu_queue_offer_talk_wrap_up),
	      T(steps_of_one_millisecond_go_the_calls_way_whoever_told_first), T(an_offer_nobody_takes_leads_back_to_the_queue_and_on), T(who_gives_up_waiting_is_seen_to_do_so),
	      T(the_gateways_end_closes_what_the_acd_never_closed), T(a_caller_who_ends_in_the_flow_never_waited), T(what_goes_on_counts_up_to_now_and_stays_open),
	      T(queued_again_after_a_restart_of_the_acd_is_the_same_wait), T(an_order_waits_until_it_is_taken_and_is_worked_on_from_then),
	      T(a_step_nobody_took_was_waiting), T(a_return_says_so_and_the_step_begins_again), T(an_unsatisfied_customer_keeps_the_step_open),
	      T(time_that_two_spend_at_once_counts_once_and_work_beats_waiting),
	      T(a_wrap_up_that_was_never_ended_runs_on_and_unknown_codes_stand_for_themselves), T(what_the_agent_notes_stands_at_his_wrap_up), T(an_event_out_of_the_blue_breaks_nothing),
	      T(a_trace_that_does_not_fit_says_so))
