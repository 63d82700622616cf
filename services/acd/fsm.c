#include "fsm.h"

#define N(a) (int)(sizeof(a) / sizeof((a)[0]))
#define OFFLINE PB__AGENT_STATUS__AGENT_STATUS_OFFLINE
#define READY   PB__AGENT_STATUS__AGENT_STATUS_READY
#define BREAK   PB__AGENT_STATUS__AGENT_STATUS_BREAK
#define OFFERED PB__AGENT_STATUS__AGENT_STATUS_OFFERED
#define BUSY    PB__AGENT_STATUS__AGENT_STATUS_BUSY
#define WRAP_UP PB__AGENT_STATUS__AGENT_STATUS_WRAP_UP
#define OUT_TELL AX_SET_OUT, AX_SAVE, AX_TELL
#define FREE_TELL AX_CLEAR_WORK, AX_SAVE, AX_TELL

/* --- agent -------------------------------------------------------------------------------------------------------------------- */
static int has_wrapup(const void *v)
{
	return ((const struct agent_facts *)v)->has_wrapup;
}

static int wants_offline(const void *v)
{
	return ((const struct agent_facts *)v)->want == PB__PRESENCE__PRESENCE_OFFLINE;
}

static int wants_break(const void *v)
{
	return ((const struct agent_facts *)v)->want == PB__PRESENCE__PRESENCE_BREAK;
}

static const struct yc_fsm_row agent_rows[] = {
	/* from                                       on          to       guard          effects                           timer */
	{ YC_S(OFFLINE) | YC_S(BREAK),                AG_READY,   READY,   NULL,          { AX_SET_IN, AX_SAVE, AX_TELL }, 0 },
	{ YC_S(WRAP_UP),                              AG_READY,   READY,   NULL,          { AX_CLEAR_WORK, AX_SET_IN, AX_SAVE, AX_TELL }, 0 },
	{ YC_S(OFFERED) | YC_S(BUSY),                 AG_READY,   -1,      NULL,          { AX_SAVE, AX_TELL }, 0 },
	{ YC_S(OFFLINE) | YC_S(READY) | YC_S(BREAK),  AG_BREAK,   BREAK,   NULL,          { OUT_TELL }, 0 },
	{ YC_S(OFFERED) | YC_S(BUSY) | YC_S(WRAP_UP), AG_BREAK,   -1,      NULL,          { AX_SAVE, AX_TELL }, 0 },
	{ YC_S(READY) | YC_S(BREAK),                  AG_OFFLINE, OFFLINE, NULL,          { OUT_TELL }, 0 },
	{ YC_S(WRAP_UP),                              AG_OFFLINE, OFFLINE, NULL,          { FREE_TELL }, 0 },
	{ YC_S(OFFERED) | YC_S(BUSY),                 AG_OFFLINE, -1,      NULL,          { AX_SAVE, AX_TELL }, 0 },
	{ YC_S(READY),                                AG_OFFER,   OFFERED, NULL,          { AX_SET_OUT }, 0 },
	{ YC_S(OFFERED),                              AG_ACCEPT,  BUSY,    NULL,          { AX_SAVE, AX_TELL }, 0 },
	{ YC_S(OFFERED),                              AG_FREED,   OFFLINE, wants_offline, { FREE_TELL }, 0 },
	{ YC_S(OFFERED),                              AG_FREED,   BREAK,   wants_break,   { FREE_TELL }, 0 },
	{ YC_S(OFFERED),                              AG_FREED,   READY,   NULL,          { AX_CLEAR_WORK, AX_SET_IN, AX_SAVE, AX_TELL }, 0 },
	{ YC_S(OFFERED),                              AG_MISSED,  OFFLINE, wants_offline, { FREE_TELL }, 0 },
	{ YC_S(OFFERED),                              AG_MISSED,  BREAK,   NULL,          { FREE_TELL }, 0 },
	{ YC_S(BUSY),                                 AG_END,     WRAP_UP, has_wrapup,    { AX_WRAP_TIMER, AX_SAVE, AX_TELL }, 1 },
	{ YC_S(BUSY),                                 AG_END,     OFFLINE, wants_offline, { FREE_TELL }, 0 },
	{ YC_S(BUSY),                                 AG_END,     BREAK,   wants_break,   { FREE_TELL }, 0 },
	{ YC_S(BUSY),                                 AG_END,     READY,   NULL,          { AX_CLEAR_WORK, AX_SET_IN, AX_SAVE, AX_TELL }, 0 },
	{ YC_S(WRAP_UP),                              AG_WRAPPED, OFFLINE, wants_offline, { FREE_TELL }, 0 },
	{ YC_S(WRAP_UP),                              AG_WRAPPED, BREAK,   wants_break,   { FREE_TELL }, 0 },
	{ YC_S(WRAP_UP),                              AG_WRAPPED, READY,   NULL,          { AX_CLEAR_WORK, AX_SET_IN, AX_SAVE, AX_TELL }, 0 },
	{ YC_S(OFFLINE) | YC_S(READY) | YC_S(BREAK) | YC_S(OFFERED) | YC_S(WRAP_UP), AG_TALKING, BUSY, NULL, { OUT_TELL }, 0 },
};

static const char *const agent_states[] = { "OFFLINE", "READY", "BREAK", "OFFERED", "BUSY", "WRAP_UP" };
static const char *const agent_events[] = { "ready", "break", "offline", "offer", "accept", "freed", "missed", "end", "wrapped", "talking" };
static const char *const agent_effects[] = { "", "set_out", "set_in", "wrap_timer", "clear_work", "save", "tell" };

const struct yc_fsm acd_agent_fsm = {
	.name = "agent",
	.rows = agent_rows, .n_rows = N(agent_rows),
	.states = agent_states, .n_states = N(agent_states),
	.events = agent_events, .n_events = N(agent_events),
	.effects = agent_effects, .n_effects = N(agent_effects),
	.terminal = 0,
	.start = OFFLINE,
};

/* --- reservation -------------------------------------------------------------------------------------------------------------- */
#define HIS_FAULT RX_AGENT_MISSED, RX_ITEM_TRIED, RX_TELL
#define NOT_HIS RX_AGENT_FREED, RX_ITEM_BACK

static const struct yc_fsm_row rsv_rows[] = {
	/* from                on             to            guard effects                                       timer */
	{ YC_S(RS_RESERVING),  RV_COMMITTED,  RS_OFFERED,   NULL, { RX_OFFER }, 1 },
	{ YC_S(RS_RESERVING),  RV_REFUSED,    RS_VOID,      NULL, { RX_AGENT_HOLD, NOT_HIS }, 0 },
	{ YC_S(RS_OFFERED),    RV_ACCEPT,     RS_ACCEPTED,  NULL, { RX_CONNECT }, 0 },
	{ YC_S(RS_OFFERED),    RV_REJECT,     RS_REJECTED,  NULL, { HIS_FAULT }, 0 },
	{ YC_S(RS_OFFERED),    RV_DECLINE,    RS_REJECTED,  NULL, { RX_STOP, HIS_FAULT }, 0 },
	{ YC_S(RS_OFFERED),    RV_TIMEOUT,    RS_TIMED_OUT, NULL, { HIS_FAULT }, 0 },
	{ YC_S(RS_OFFERED),    RV_FAIL,       RS_FAILED,    NULL, { HIS_FAULT }, 0 },
	{ YC_S(RS_OFFERED),    RV_WITHDRAW,   RS_FAILED,    NULL, { RX_STOP, HIS_FAULT }, 0 },
	{ YC_S(RS_OFFERED),    RV_NO_GATEWAY, RS_FAILED,    NULL, { RX_AGENT_FREED, RX_ITEM_PARK, RX_TELL }, 0 },
	{ YC_S(RS_OFFERED),    RV_CANCEL,     RS_CANCELLED, NULL, { RX_STOP, RX_AGENT_FREED, RX_TELL }, 0 },
	{ YC_S(RS_OFFERED),    RV_LEASE,      RS_TIMED_OUT, NULL, { RX_STOP, HIS_FAULT }, 0 },
	/* not yet offered: nobody's phone rings, so there is nothing to stop or to tell */
	{ YC_S(RS_RESERVING),  RV_CANCEL,     RS_CANCELLED, NULL, { RX_AGENT_FREED }, 0 },
	{ YC_S(RS_RESERVING),  RV_WITHDRAW,   RS_FAILED,    NULL, { RX_AGENT_MISSED, RX_ITEM_BACK }, 0 },
	{ YC_S(RS_RESERVING),  RV_LEASE,      RS_FAILED,    NULL, { NOT_HIS }, 0 },
};

static const char *const rsv_states[] = { "RESERVING", "OFFERED", "ACCEPTED", "REJECTED", "TIMED_OUT", "FAILED", "CANCELLED", "VOID" };
static const char *const rsv_events[] = { "committed", "refused", "accept", "reject", "decline", "timeout", "fail", "withdraw", "cancel",
					  "no_gateway", "lease" };
static const char *const rsv_effects[] = { "", "offer", "stop", "connect", "agent_freed", "agent_missed", "agent_hold", "item_back",
					   "item_tried", "item_park", "tell" };

const struct yc_fsm acd_rsv_fsm = {
	.name = "reservation",
	.rows = rsv_rows, .n_rows = N(rsv_rows),
	.states = rsv_states, .n_states = N(rsv_states),
	.events = rsv_events, .n_events = N(rsv_events),
	.effects = rsv_effects, .n_effects = N(rsv_effects),
	.terminal = YC_S(RS_ACCEPTED) | YC_S(RS_REJECTED) | YC_S(RS_TIMED_OUT) | YC_S(RS_FAILED) | YC_S(RS_CANCELLED) | YC_S(RS_VOID),
	.start = RS_RESERVING,
};
