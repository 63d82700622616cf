/* The two tables of acd: sound, and drawn as they are. YC_DRAW=1 writes docs/fsm/acd.md. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acd/fsm.h"
#include "yct.h"

#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x
#define DOC "docs/fsm/acd.md"

static const struct yc_fsm_row *agent(int state, int ev, int want, int wrapup)
{
	struct agent_facts f = { want, wrapup };

	return yc_fsm_next(&acd_agent_fsm, state, ev, &f);
}

static void both_tables_are_sound(void)
{
	CU_ASSERT_EQUAL(yc_fsm_check(&acd_agent_fsm, stdout), 0);
	CU_ASSERT_EQUAL(yc_fsm_check(&acd_rsv_fsm, stdout), 0);
}

static void states_are_named_as_in_the_contract(void)
{
	for (int k = 0; k < acd_agent_fsm.n_states; k++) {
		const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&pb__agent_status__descriptor, k);
		char want[64];

		CU_ASSERT_PTR_NOT_NULL_FATAL(v);
		snprintf(want, sizeof(want), "AGENT_STATUS_%s", acd_agent_fsm.states[k]);
		YCT_STR(v->name, want);
	}
}

static void a_break_asked_for_while_talking_comes_after_the_talk(void)
{
	CU_ASSERT_EQUAL(agent(ST(BUSY), AG_BREAK, PB__PRESENCE__PRESENCE_BREAK, 0)->to, -1);
	CU_ASSERT_EQUAL(agent(ST(BUSY), AG_END, PB__PRESENCE__PRESENCE_BREAK, 0)->to, ST(BREAK));
	CU_ASSERT_EQUAL(agent(ST(BUSY), AG_END, PB__PRESENCE__PRESENCE_BREAK, 1)->to, ST(WRAP_UP));
	CU_ASSERT_EQUAL(agent(ST(WRAP_UP), AG_WRAPPED, PB__PRESENCE__PRESENCE_BREAK, 0)->to, ST(BREAK));
	CU_ASSERT_EQUAL(agent(ST(WRAP_UP), AG_WRAPPED, PB__PRESENCE__PRESENCE_OFFLINE, 0)->to, ST(OFFLINE));
	CU_ASSERT_EQUAL(agent(ST(WRAP_UP), AG_WRAPPED, PB__PRESENCE__PRESENCE_READY, 0)->to, ST(READY));
}

static void only_a_ready_agent_can_be_offered_anything(void)
{
	for (int s = 0; s < acd_agent_fsm.n_states; s++)
		CU_ASSERT_EQUAL(agent(s, AG_OFFER, PB__PRESENCE__PRESENCE_READY, 0) != NULL, s == ST(READY));
}

static void telephony_is_believed_in_every_state(void)
{
	for (int s = 0; s < acd_agent_fsm.n_states; s++)
		CU_ASSERT(s == ST(BUSY) || agent(s, AG_TALKING, PB__PRESENCE__PRESENCE_OFFLINE, 0)->to == ST(BUSY));
}

/* Whatever happens, the lease ends it: no reservation stays for ever. */
static void every_living_reservation_can_end_by_its_lease(void)
{
	for (int s = 0; s < RS_STATES; s++) {
		const struct yc_fsm_row *r = yc_fsm_next(&acd_rsv_fsm, s, RV_LEASE, NULL);

		if (acd_rsv_fsm.terminal & YC_S(s))
			CU_ASSERT_PTR_NULL(r)
		else
			CU_ASSERT(r && (acd_rsv_fsm.terminal & YC_S(r->to)));
	}
}

static int has(const struct yc_fsm_row *r, int fx)
{
	for (int k = 0; k < YC_FSM_MAX_FX; k++)
		if (r->effects[k] == fx)
			return 1;
	return 0;
}

/* Ending a reservation frees both sides: agent and item each get exactly one word. A cancelled item is ended by who cancelled it. */
static void every_end_lets_go_of_agent_and_item(void)
{
	for (int k = 0; k < acd_rsv_fsm.n_rows; k++) {
		const struct yc_fsm_row *r = &acd_rsv_fsm.rows[k];
		int item = has(r, RX_ITEM_BACK) + has(r, RX_ITEM_TRIED) + has(r, RX_ITEM_PARK);

		if (r->to == RS_OFFERED || r->to == RS_ACCEPTED)
			continue;
		CU_ASSERT_EQUAL(has(r, RX_AGENT_FREED) + has(r, RX_AGENT_MISSED), 1);
		CU_ASSERT_EQUAL(item, r->to == RS_CANCELLED ? 0 : 1);
	}
}

static char *drawn(void)
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	fputs("# acd: state machines\n\nDrawn from `services/acd/fsm.c` by `tests/unit/test_acd_fsm` (`YC_DRAW=1` writes this file).\n\n", f);
	yc_fsm_draw(&acd_agent_fsm, f);
	fputc('\n', f);
	yc_fsm_draw(&acd_rsv_fsm, f);
	fclose(f);
	return text;
}

static void the_drawing_is_up_to_date(void)
{
	char *now = drawn(), *was = calloc(1, 1 << 16);
	FILE *f = fopen(DOC, getenv("YC_DRAW") ? "w+" : "r");

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	if (getenv("YC_DRAW")) {
		fputs(now, f);
		rewind(f);
	}
	CU_ASSERT(fread(was, 1, (1 << 16) - 1, f) > 0);
	YCT_STR(was, now);
	fclose(f);
	free(now);
	free(was);
}

YCT_MAIN("acd_fsm",
	 T(both_tables_are_sound),
	 T(states_are_named_as_in_the_contract),
	 T(a_break_asked_for_while_talking_comes_after_the_talk),
	 T(only_a_ready_agent_can_be_offered_anything),
	 T(telephony_is_believed_in_every_state),
	 T(every_living_reservation_can_end_by_its_lease),
	 T(every_end_lets_go_of_agent_and_item),
	 T(the_drawing_is_up_to_date))
