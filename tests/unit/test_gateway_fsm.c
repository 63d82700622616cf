/* The gateway's two machines: sound, and drawn as they are. YC_DRAW=1 writes docs/fsm/gateway.md. */
#include "yct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/fsm.h"

#define DOC "docs/fsm/gateway.md"

static void the_tables_are_sound(void)
{
	CU_ASSERT_EQUAL(yc_fsm_check(&gateway_call_fsm, stdout), 0);
	CU_ASSERT_EQUAL(yc_fsm_check(&gateway_offer_fsm, stdout), 0);
}

static int call_goes(int state, int event)
{
	const struct yc_fsm_row *r = yc_fsm_next(&gateway_call_fsm, state, event, NULL);

	return r ? r->to : -2;
}

static int call_does(int state, int event, int effect)
{
	const struct yc_fsm_row *r = yc_fsm_next(&gateway_call_fsm, state, event, NULL);

	for (int i = 0; r && i < YC_FSM_MAX_FX && r->effects[i]; i++)
		if (r->effects[i] == effect)
			return i + 1;
	return 0;
}

static int offer_does(int state, int event, int effect)
{
	const struct yc_fsm_row *r = yc_fsm_next(&gateway_offer_fsm, state, event, NULL);

	for (int i = 0; r && i < YC_FSM_MAX_FX && r->effects[i]; i++)
		if (r->effects[i] == effect)
			return i + 1;
	return 0;
}

static void a_failed_offer_leaves_the_caller_waiting_with_nothing_done_to_him(void)
{
	CU_ASSERT_EQUAL(call_goes(CALL_OFFERED, CALL_EV_OFFER_FAILED), CALL_QUEUED);
	for (int fx = 1; fx < CALL_EFFECTS; fx++)
		CU_ASSERT_EQUAL(call_does(CALL_OFFERED, CALL_EV_OFFER_FAILED, fx), 0);
}

static void every_living_call_ends_when_its_caller_goes_and_its_media_are_let_go(void)
{
	for (int s = CALL_ARRIVING; s < CALL_CLOSING; s++) {
		CU_ASSERT_EQUAL(call_goes(s, CALL_EV_CALLER_GONE), CALL_CLOSING);
		CU_ASSERT(call_does(s, CALL_EV_CALLER_GONE, CALL_FX_CLOSE_MEDIA));
		CU_ASSERT(call_does(s, CALL_EV_CALLER_GONE, CALL_FX_NOTE_ENDED));
	}
}

static void the_agent_is_dropped_before_the_end_is_told(void)
{
	/* so that the ACD hears of the offer's end before it hears of the contact's */
	CU_ASSERT(call_does(CALL_OFFERED, CALL_EV_CALLER_GONE, CALL_FX_DROP_AGENT) < call_does(CALL_OFFERED, CALL_EV_CALLER_GONE, CALL_FX_NOTE_ENDED));
	CU_ASSERT(call_does(CALL_OFFERED, CALL_EV_CALLER_GONE, CALL_FX_DROP_AGENT));
}

static void an_answer_that_comes_after_the_caller_left_is_no_event(void)
{
	CU_ASSERT_EQUAL(call_goes(CALL_CLOSING, CALL_EV_ANSWERED), -2);
	CU_ASSERT_EQUAL(call_goes(CALL_QUEUED, CALL_EV_ANSWERED), -2);
	CU_ASSERT_EQUAL(call_goes(CALL_ENDED, CALL_EV_CALLER_GONE), -2);
}

static void every_open_offer_that_ends_is_reported_and_freed_once(void)
{
	for (int s = OFFER_INVITING; s <= OFFER_RINGING; s++)
		for (int ev = 0; ev < OFFER_EVENTS; ev++) {
			const struct yc_fsm_row *r = yc_fsm_next(&gateway_offer_fsm, s, ev, NULL);
			if (!r || r->to != OFFER_ENDED)
				continue;
			CU_ASSERT(offer_does(s, ev, OFFER_FX_NOTE_END));
			CU_ASSERT(offer_does(s, ev, OFFER_FX_FREE));
			/* back to waiting, unless it was the caller who left */
			CU_ASSERT_EQUAL(offer_does(s, ev, OFFER_FX_REQUEUE) != 0, ev != OFFER_EV_CALLER_GONE);
		}
}

static void a_phone_that_unregisters_in_a_talk_ends_nothing(void)
{
	CU_ASSERT_PTR_NULL(yc_fsm_next(&gateway_offer_fsm, OFFER_TALKING, OFFER_EV_UNREGISTERED, NULL));
}

static void draw(FILE *f)
{
	fprintf(f, "# Gateway: state machines\n\nDrawn from `services/gateway/fsm.c` (`YC_DRAW=1 out/release/tests/unit/test_gateway_fsm` writes this file).\n"
		   "What stands in no row is a race that was decided before: it is ignored.\n\n## A caller's call\n\n");
	yc_fsm_draw(&gateway_call_fsm, f);
	fprintf(f, "\n## An offer to one agent's phone\n\n");
	yc_fsm_draw(&gateway_offer_fsm, f);
}

static void the_drawing_in_the_docs_is_current(void)
{
	char *want = NULL, *have;
	size_t n = 0, got;
	FILE *f = open_memstream(&want, &n);

	draw(f);
	fclose(f);
	if (getenv("YC_DRAW")) {
		f = fopen(DOC, "w");
		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		fwrite(want, 1, n, f);
		fclose(f);
	}
	f = fopen(DOC, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	have = calloc(1, n + 2);
	got = fread(have, 1, n + 1, f);
	fclose(f);
	CU_ASSERT_EQUAL(got, n);
	CU_ASSERT_EQUAL(memcmp(want, have, n), 0);
	free(have);
	free(want);
}

YCT_MAIN("gateway fsm",
	T(the_tables_are_sound),
	T(a_failed_offer_leaves_the_caller_waiting_with_nothing_done_to_him),
	T(every_living_call_ends_when_its_caller_goes_and_its_media_are_let_go),
	T(the_agent_is_dropped_before_the_end_is_told),
	T(an_answer_that_comes_after_the_caller_left_is_no_event),
	T(every_open_offer_that_ends_is_reported_and_freed_once),
	T(a_phone_that_unregisters_in_a_talk_ends_nothing),
	T(the_drawing_in_the_docs_is_current))
