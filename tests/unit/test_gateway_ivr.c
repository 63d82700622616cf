/* IVR flows: what is refused, and what a caller meets. */
#include <stdio.h>
#include <string.h>

#include "gateway/rule_ivr.h"
#include "yct.h"

static const char hotline[] =
	"{\"name\":\"hotline\",\"title\":\"总机\",\"start\":\"greet\",\"nodes\":["
	"{\"id\":\"greet\",\"kind\":\"play\",\"prompt\":\"welcome\",\"next\":\"choose\"},"
	"{\"id\":\"choose\",\"kind\":\"menu\",\"prompt\":\"menu-main\",\"timeout_ms\":6000,\"tries\":3,\"on_invalid\":\"to-post\",\"choices\":["
	"{\"key\":\"1\",\"next\":\"to-express\",\"name\":\"速递业务\"},{\"key\":\"*\",\"next\":\"greet\"},{\"key\":\"9\",\"next\":\"bye\"}]},"
	"{\"id\":\"to-express\",\"kind\":\"queue\",\"prompt\":\"please-wait\",\"queue\":\"express\",\"music\":\"hold\",\"priority\":2},"
	"{\"id\":\"to-post\",\"kind\":\"queue\",\"queue\":\"post\"},"
	"{\"id\":\"bye\",\"kind\":\"hangup\",\"prompt\":\"goodbye\",\"reason\":\"chosen\"}]}";

static struct ivr_flow *flow;
static struct ivr_run run;
static struct ivr_step out;

static void load(const char *json)
{
	YCT_OK(ivr_flow_parse(&flow, json, strlen(json), yct_err()));
	ivr_start(&run, flow, &out);
}

static void unload(void)
{
	ivr_end(&run);
	ivr_end(&run);
	ivr_flow_unref(&flow);
	ivr_flow_unref(&flow);
}

/* The actions as a line: "listen play:menu-main". */
static const char *said(void)
{
	static char s[400];
	size_t n = 0;

	s[0] = 0;
	for (int i = 0; i < out.n; i++) {
		const struct ivr_action *a = &out.actions[i];

		n += (size_t)snprintf(s + n, sizeof(s) - n, "%s", i ? " " : "");
		switch (a->act) {
		case IVR_PLAY: n += (size_t)snprintf(s + n, sizeof(s) - n, "play:%s%s", a->prompt, a->barge ? "/barge" : ""); break;
		case IVR_LISTEN: n += (size_t)snprintf(s + n, sizeof(s) - n, "listen"); break;
		case IVR_WAIT: n += (size_t)snprintf(s + n, sizeof(s) - n, "wait:%d", (int)a->timeout_ms); break;
		case IVR_STOP: n += (size_t)snprintf(s + n, sizeof(s) - n, "stop"); break;
		case IVR_QUEUE: n += (size_t)snprintf(s + n, sizeof(s) - n, "queue:%s/%s/%d", a->queue, a->music, a->priority); break;
		case IVR_HANGUP: n += (size_t)snprintf(s + n, sizeof(s) - n, "hangup:%s", a->reason); break;
		}
	}
	return s;
}

static const char *on(enum ivr_event ev, char digit)
{
	ivr_step(&run, ev, digit, &out);
	return said();
}

static void a_caller_is_greeted_chooses_and_is_queued(void)
{
	load(hotline);
	YCT_STR(said(), "listen play:welcome/barge");   /* its menu comes next */
	CU_ASSERT_PTR_NULL(out.node);
	YCT_STR(on(IVR_EV_PLAY_DONE, 0), "listen play:menu-main/barge");
	YCT_STR(out.node, "greet");
	YCT_STR(out.kind, "play");
	YCT_STR(out.next, "choose");
	YCT_STR(on(IVR_EV_PLAY_DONE, 0), "wait:6000");
	CU_ASSERT_PTR_NULL(out.node);
	YCT_STR(on(IVR_EV_DIGIT, '1'), "stop play:please-wait queue:express/hold/2");
	CU_ASSERT(out.over);
	YCT_STR(out.node, "choose");
	YCT_STR(out.input, "1");
	YCT_STR(out.label, "速递业务");
	YCT_STR(out.next, "to-express");
	YCT_STR(on(IVR_EV_PLAY_DONE, 0), "");
	unload();
}

static void a_digit_during_the_prompt_counts(void)
{
	load(hotline);
	on(IVR_EV_PLAY_DONE, 0);
	YCT_STR(on(IVR_EV_DIGIT, '*'), "stop listen play:welcome/barge");
	CU_ASSERT(!out.over);
	unload();
}

static void who_knows_the_menu_need_not_hear_the_greeting(void)
{
	load(hotline);
	YCT_STR(on(IVR_EV_DIGIT, '1'), "stop listen play:menu-main/barge");
	CU_ASSERT(out.again);                    /* the same digit is meant for the menu */
	YCT_STR(on(IVR_EV_DIGIT, '1'), "stop play:please-wait queue:express/hold/2");
	CU_ASSERT(out.over && !out.again);
	unload();
	load(hotline);
	YCT_STR(on(IVR_EV_DIGIT, '7'), "stop listen play:menu-main/barge");   /* no such key: but the greeting is over */
	CU_ASSERT(!out.again);
	unload();
}

static void a_prompt_without_a_menu_behind_it_is_not_cut(void)
{
	load("{\"name\":\"n\",\"start\":\"a\",\"nodes\":[{\"id\":\"a\",\"kind\":\"play\",\"prompt\":\"p\",\"next\":\"b\"},{\"id\":\"b\",\"kind\":\"queue\",\"queue\":\"q\"}]}");
	YCT_STR(said(), "play:p");
	YCT_STR(on(IVR_EV_DIGIT, '1'), "");
	YCT_STR(on(IVR_EV_PLAY_DONE, 0), "queue:q//0");
	unload();
}

static void silence_and_wrong_keys_share_the_tries_and_end_where_the_flow_says(void)
{
	load(hotline);
	on(IVR_EV_PLAY_DONE, 0);
	YCT_STR(on(IVR_EV_TIMEOUT, 0), "");      /* a timer of before: the prompt still plays */
	on(IVR_EV_PLAY_DONE, 0);
	YCT_STR(on(IVR_EV_TIMEOUT, 0), "stop listen play:menu-main/barge");
	CU_ASSERT_PTR_NULL(out.node);
	YCT_STR(on(IVR_EV_DIGIT, '7'), "stop listen play:menu-main/barge");
	YCT_STR(on(IVR_EV_PLAY_DONE, 0), "wait:6000");
	YCT_STR(on(IVR_EV_PLAY_DONE, 0), "");    /* told twice: one timer */
	YCT_STR(on(IVR_EV_DIGIT, '8'), "stop queue:post//0");
	YCT_STR(out.input, "8");
	CU_ASSERT(out.over);
	unload();
}

static void a_hangup_node_says_goodbye_first(void)
{
	load(hotline);
	on(IVR_EV_PLAY_DONE, 0);
	YCT_STR(on(IVR_EV_DIGIT, '9'), "stop play:goodbye");
	CU_ASSERT(!out.over);
	YCT_STR(on(IVR_EV_PLAY_DONE, 0), "hangup:chosen");
	CU_ASSERT(out.over);
	unload();
}

static void a_menu_without_ways_out_hangs_up_after_its_tries(void)
{
	load("{\"name\":\"m\",\"start\":\"m\",\"nodes\":[{\"id\":\"m\",\"kind\":\"menu\",\"tries\":2,\"choices\":[{\"key\":\"1\",\"next\":\"m\"}]}]}");
	YCT_STR(said(), "listen wait:8000");
	YCT_STR(on(IVR_EV_TIMEOUT, 0), "stop listen wait:8000");
	YCT_STR(on(IVR_EV_TIMEOUT, 0), "stop hangup:no_input");
	YCT_STR(out.next, "");
	unload();
	load("{\"name\":\"m\",\"start\":\"m\",\"nodes\":[{\"id\":\"m\",\"kind\":\"menu\",\"on_timeout\":\"h\",\"choices\":[{\"key\":\"1\",\"next\":\"m\"}]},"
		"{\"id\":\"h\",\"kind\":\"hangup\"}]}");
	YCT_STR(on(IVR_EV_TIMEOUT, 0), "stop hangup:flow");
	unload();
}

static void a_caller_cannot_wander_for_ever(void)
{
	load("{\"name\":\"m\",\"start\":\"m\",\"nodes\":[{\"id\":\"m\",\"kind\":\"menu\",\"choices\":[{\"key\":\"1\",\"next\":\"m\"}]}]}");
	for (int i = 0; i < 600 && !out.over; i++)
		on(IVR_EV_DIGIT, '1');
	YCT_STR(said(), "stop hangup:flow_too_long");
	unload();
}

static void a_run_keeps_the_flow_it_started_with(void)
{
	struct ivr_flow *mine;

	load(hotline);
	mine = flow;
	ivr_flow_unref(&flow);                   /* the table has a newer one now */
	YCT_STR(ivr_flow_name(mine), "hotline");
	YCT_STR(on(IVR_EV_PLAY_DONE, 0), "listen play:menu-main/barge");
	unload();
}

static void the_names_of_prompts_and_music_can_be_listed(void)
{
	char all[200] = "";
	const char *p;

	load(hotline);
	for (int i = 0; (p = ivr_flow_prompt(flow, i)) != NULL; i++)
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s,", p);
	YCT_STR(all, "welcome,menu-main,please-wait,hold,goodbye,");
	unload();
}

static void wrong(const char *nodes, const char *field)
{
	char json[2000];
	struct ivr_flow *f = NULL;
	struct yc_err e = { 0 };

	snprintf(json, sizeof(json), "{\"name\":\"x\",\"start\":\"a\",\"nodes\":[%s]}", nodes);
	CU_ASSERT_EQUAL(ivr_flow_parse(&f, json, strlen(json), &e), YC_INVALID);
	YCT_STR(e.field, field);
	CU_ASSERT(*e.msg && f == NULL);
}

static void a_faulty_flow_is_refused_by_node_and_field(void)
{
	wrong("", "nodes");
	wrong("{\"id\":\"b\",\"kind\":\"hangup\"}", "start");
	wrong("{\"id\":\"\",\"kind\":\"hangup\"}", "nodes.0.id");
	wrong("{\"id\":\"a\",\"kind\":\"hangup\"},{\"id\":\"a\",\"kind\":\"hangup\"}", "nodes.1.id");
	wrong("{\"id\":\"a\",\"kind\":\"dance\"}", "nodes.0.kind");
	wrong("{\"id\":\"a\",\"kind\":\"play\",\"next\":\"a\"}", "nodes.0.prompt");
	wrong("{\"id\":\"a\",\"kind\":\"play\",\"prompt\":\"p\"}", "nodes.0.next");
	wrong("{\"id\":\"a\",\"kind\":\"play\",\"prompt\":\"p\",\"next\":\"zz\"}", "nodes.0.next");
	wrong("{\"id\":\"a\",\"kind\":\"queue\"}", "nodes.0.queue");
	wrong("{\"id\":\"a\",\"kind\":\"menu\"}", "nodes.0.choices");
	wrong("{\"id\":\"a\",\"kind\":\"menu\",\"choices\":[{\"key\":\"12\",\"next\":\"a\"}]}", "nodes.0.choices.0.key");
	wrong("{\"id\":\"a\",\"kind\":\"menu\",\"choices\":[{\"key\":\"1\",\"next\":\"a\"},{\"key\":\"1\",\"next\":\"a\"}]}", "nodes.0.choices.1.key");
	wrong("{\"id\":\"a\",\"kind\":\"menu\",\"choices\":[{\"key\":\"1\",\"next\":\"q\"}]}", "nodes.0.choices.0.next");
	wrong("{\"id\":\"a\",\"kind\":\"menu\",\"on_timeout\":\"q\",\"choices\":[{\"key\":\"1\",\"next\":\"a\"}]}", "nodes.0.on_timeout");
	wrong("{\"id\":\"a\",\"kind\":\"menu\",\"on_invalid\":\"q\",\"choices\":[{\"key\":\"1\",\"next\":\"a\"}]}", "nodes.0.on_invalid");
	wrong("{\"id\":\"a\",\"kind\":\"menu\",\"tries\":99,\"choices\":[{\"key\":\"1\",\"next\":\"a\"}]}", "nodes.0.tries");
	wrong("{\"id\":\"a\",\"kind\":\"menu\",\"timeout_ms\":-1,\"choices\":[{\"key\":\"1\",\"next\":\"a\"}]}", "nodes.0.timeout_ms");
}

static void prompts_in_a_circle_are_found(void)
{
	wrong("{\"id\":\"a\",\"kind\":\"play\",\"prompt\":\"p\",\"next\":\"b\"},{\"id\":\"b\",\"kind\":\"play\",\"prompt\":\"p\",\"next\":\"c\"},"
		"{\"id\":\"c\",\"kind\":\"play\",\"prompt\":\"p\",\"next\":\"b\"}", "nodes.1.next");
}

static void text_that_is_no_flow_is_refused(void)
{
	struct ivr_flow *f = NULL;
	struct yc_err e;

	CU_ASSERT_EQUAL(ivr_flow_parse(&f, "{", 1, &e), YC_MALFORMED);
	CU_ASSERT_EQUAL(ivr_flow_parse(&f, "{\"nodez\":[]}", 12, &e), YC_INVALID);
	YCT_STR(e.field, "nodez");
}

YCT_MAIN("gateway_ivr", T(a_caller_is_greeted_chooses_and_is_queued), T(a_digit_during_the_prompt_counts), T(who_knows_the_menu_need_not_hear_the_greeting),
	T(a_prompt_without_a_menu_behind_it_is_not_cut),
	T(silence_and_wrong_keys_share_the_tries_and_end_where_the_flow_says), T(a_hangup_node_says_goodbye_first),
	T(a_menu_without_ways_out_hangs_up_after_its_tries), T(a_caller_cannot_wander_for_ever), T(a_run_keeps_the_flow_it_started_with),
	T(the_names_of_prompts_and_music_can_be_listed), T(a_faulty_flow_is_refused_by_node_and_field), T(prompts_in_a_circle_are_found),
	T(text_that_is_no_flow_is_refused))
