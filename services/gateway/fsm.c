/* The tables. A row is a rule; what is not in the table is a race that has been decided already and is ignored. */
#include "fsm.h"

#define S(x) YC_S(CALL_##x)
#define ALIVE (S(IVR) | S(QUEUED) | S(OFFERED) | S(TALKING))
static const struct yc_fsm_row call_rows[] = {
	{ S(ARRIVING), CALL_EV_ADMIT, CALL_IVR, 0, { CALL_FX_ANSWER, CALL_FX_NOTE_STARTED, CALL_FX_RUN_FLOW }, 0 },
	{ S(IVR), CALL_EV_QUEUE, CALL_QUEUED, 0, { CALL_FX_MUSIC, CALL_FX_NOTE_QUEUED }, 0 },
	{ S(IVR), CALL_EV_FLOW_END, CALL_CLOSING, 0, { CALL_FX_BYE_CALLER, CALL_FX_NOTE_ENDED, CALL_FX_CLOSE_MEDIA }, 0 },
	{ S(QUEUED), CALL_EV_OFFER, CALL_OFFERED, 0, { CALL_FX_RING_AGENT }, 0 },
	/* the music never stopped: nothing to do for the caller */
	{ S(OFFERED), CALL_EV_OFFER_FAILED, CALL_QUEUED, 0, { 0 }, 0 },
	{ S(OFFERED), CALL_EV_ANSWERED, CALL_TALKING, 0, { CALL_FX_BRIDGE, CALL_FX_RECORD, CALL_FX_NOTE_BRIDGED }, 0 },
	{ S(ARRIVING) | S(IVR) | S(QUEUED), CALL_EV_CALLER_GONE, CALL_CLOSING, 0, { CALL_FX_NOTE_ENDED, CALL_FX_CLOSE_MEDIA }, 0 },
	{ S(OFFERED) | S(TALKING), CALL_EV_CALLER_GONE, CALL_CLOSING, 0,
	  { CALL_FX_DROP_AGENT, CALL_FX_NOTE_ENDED, CALL_FX_CLOSE_MEDIA }, 0 },
	{ S(TALKING), CALL_EV_AGENT_GONE, CALL_CLOSING, 0, { CALL_FX_BYE_CALLER, CALL_FX_NOTE_ENDED, CALL_FX_CLOSE_MEDIA }, 0 },
	{ ALIVE, CALL_EV_HANGUP, CALL_CLOSING, 0, { CALL_FX_BYE_CALLER, CALL_FX_DROP_AGENT, CALL_FX_NOTE_ENDED, CALL_FX_CLOSE_MEDIA }, 0 },
	{ ALIVE, CALL_EV_SILENT, CALL_CLOSING, 0, { CALL_FX_BYE_CALLER, CALL_FX_DROP_AGENT, CALL_FX_NOTE_ENDED, CALL_FX_CLOSE_MEDIA }, 0 },
	{ S(CLOSING), CALL_EV_MEDIA_GONE, CALL_ENDED, 0, { CALL_FX_NOTE_CLOSED, CALL_FX_FREE }, 0 },
};
static const char *const call_states[] = { "arriving", "ivr", "queued", "offered", "talking", "closing", "ended" };
static const char *const call_events[] = { "admit", "queue", "flow end", "offer", "offer failed", "answered", "caller gone", "agent gone",
					   "hang-up", "silent", "media gone" };
static const char *const call_effects[] = { "", "answer", "note started", "run flow", "music", "note queued", "ring agent", "bridge", "record",
					    "note bridged", "drop agent", "bye caller", "note ended", "close media", "note closed", "free" };
const struct yc_fsm gateway_call_fsm = {
	.name = "call", .rows = call_rows, .n_rows = sizeof(call_rows) / sizeof(call_rows[0]),
	.states = call_states, .n_states = CALL_STATES, .events = call_events, .n_events = CALL_EVENTS,
	.effects = call_effects, .n_effects = CALL_EFFECTS, .terminal = S(ENDED), .start = CALL_ARRIVING,
};
#undef S

#define S(x) YC_S(OFFER_##x)
#define OPEN (S(INVITING) | S(RINGING))
static const struct yc_fsm_row offer_rows[] = {
	{ S(INVITING), OFFER_EV_RINGING, OFFER_RINGING, 0, { OFFER_FX_NOTE_RINGING }, 0 },
	{ OPEN, OFFER_EV_ANSWER, OFFER_TALKING, 0, { OFFER_FX_JOIN }, 0 },
	{ OPEN, OFFER_EV_REFUSED, OFFER_ENDED, 0, { OFFER_FX_NOTE_END, OFFER_FX_REQUEUE, OFFER_FX_FREE }, 0 },
	{ OPEN, OFFER_EV_NO_CODEC, OFFER_ENDED, 0, { OFFER_FX_DROP, OFFER_FX_NOTE_END, OFFER_FX_REQUEUE, OFFER_FX_FREE }, 0 },
	{ OPEN, OFFER_EV_TIMEOUT, OFFER_ENDED, 0, { OFFER_FX_DROP, OFFER_FX_NOTE_END, OFFER_FX_REQUEUE, OFFER_FX_FREE }, 0 },
	{ OPEN, OFFER_EV_STOP, OFFER_ENDED, 0, { OFFER_FX_DROP, OFFER_FX_NOTE_END, OFFER_FX_REQUEUE, OFFER_FX_FREE }, 0 },
	{ OPEN, OFFER_EV_UNREGISTERED, OFFER_ENDED, 0, { OFFER_FX_DROP, OFFER_FX_NOTE_END, OFFER_FX_REQUEUE, OFFER_FX_FREE }, 0 },
	{ OPEN, OFFER_EV_CALLER_GONE, OFFER_ENDED, 0, { OFFER_FX_DROP, OFFER_FX_NOTE_END, OFFER_FX_FREE }, 0 },
	{ S(TALKING), OFFER_EV_BYE, OFFER_ENDED, 0, { OFFER_FX_TELL_GONE, OFFER_FX_FREE }, 0 },
	{ S(TALKING), OFFER_EV_CALLER_GONE, OFFER_ENDED, 0, { OFFER_FX_DROP, OFFER_FX_FREE }, 0 },
};
static const char *const offer_states[] = { "inviting", "ringing", "talking", "ended" };
static const char *const offer_events[] = { "ringing", "answer", "refused", "no codec", "time-out", "stop", "unregistered", "caller gone", "bye" };
static const char *const offer_effects[] = { "", "note ringing", "join", "drop", "note end", "requeue", "tell gone", "free" };
const struct yc_fsm gateway_offer_fsm = {
	.name = "offer", .rows = offer_rows, .n_rows = sizeof(offer_rows) / sizeof(offer_rows[0]),
	.states = offer_states, .n_states = OFFER_STATES, .events = offer_events, .n_events = OFFER_EVENTS,
	.effects = offer_effects, .n_effects = OFFER_EFFECTS, .terminal = S(ENDED), .start = OFFER_INVITING,
};

const char *call_state_name(int state)
{
	return state < 0 || state >= CALL_CLOSING ? "ended" : call_states[state];
}
