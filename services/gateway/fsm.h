/* State machines of the gateway: one for the caller's call, one for each offer to an agent's phone. Drawn in docs/fsm/gateway.md. */
#ifndef GW_FSM_H
#define GW_FSM_H

#include "yc/fsm.h"

enum call_state { CALL_ARRIVING, CALL_IVR, CALL_QUEUED, CALL_OFFERED, CALL_TALKING, CALL_CLOSING, CALL_ENDED, CALL_STATES };
enum call_event {
	CALL_EV_ADMIT,           /* trusted, number known, codec agreed, capacity there */
	CALL_EV_QUEUE,           /* the flow came to a queue node */
	CALL_EV_FLOW_END,        /* the flow hangs up */
	CALL_EV_OFFER,           /* the ACD names an agent */
	CALL_EV_OFFER_FAILED,    /* that agent did not take it */
	CALL_EV_ANSWERED,        /* that agent answered */
	CALL_EV_CALLER_GONE,     /* BYE, or the dialog broke */
	CALL_EV_AGENT_GONE,
	CALL_EV_HANGUP,          /* by RPC, by shutdown */
	CALL_EV_SILENT,          /* no RTP for too long */
	CALL_EV_MEDIA_GONE,      /* the media engine has let go of every leg */
	CALL_EVENTS
};
enum call_effect {
	CALL_FX_NONE,
	CALL_FX_ANSWER,          /* 200 with our SDP */
	CALL_FX_NOTE_STARTED,
	CALL_FX_RUN_FLOW,
	CALL_FX_MUSIC,
	CALL_FX_NOTE_QUEUED,
	CALL_FX_RING_AGENT,
	CALL_FX_BRIDGE,
	CALL_FX_RECORD,
	CALL_FX_NOTE_BRIDGED,
	CALL_FX_DROP_AGENT,      /* CANCEL or BYE on the agent's leg */
	CALL_FX_BYE_CALLER,
	CALL_FX_NOTE_ENDED,
	CALL_FX_CLOSE_MEDIA,
	CALL_FX_NOTE_CLOSED,
	CALL_FX_FREE,
	CALL_EFFECTS
};
extern const struct yc_fsm gateway_call_fsm;

enum offer_state { OFFER_INVITING, OFFER_RINGING, OFFER_TALKING, OFFER_ENDED, OFFER_STATES };
enum offer_event {
	OFFER_EV_RINGING,        /* 180 or 183 */
	OFFER_EV_ANSWER,         /* 2xx with a codec we share */
	OFFER_EV_REFUSED,        /* 3xx-6xx, or the transaction timed out */
	OFFER_EV_NO_CODEC,       /* 2xx whose SDP is of no use */
	OFFER_EV_TIMEOUT,        /* nobody picked up */
	OFFER_EV_STOP,           /* the ACD takes it back */
	OFFER_EV_UNREGISTERED,   /* the phone went away while it rang */
	OFFER_EV_CALLER_GONE,
	OFFER_EV_BYE,            /* the agent hung up */
	OFFER_EVENTS
};
enum offer_effect {
	OFFER_FX_NONE,
	OFFER_FX_NOTE_RINGING,
	OFFER_FX_JOIN,           /* tell the call that its agent is there */
	OFFER_FX_DROP,           /* CANCEL or BYE */
	OFFER_FX_NOTE_END,       /* outcome for the ACD */
	OFFER_FX_REQUEUE,        /* tell the call that it goes on waiting */
	OFFER_FX_TELL_GONE,      /* tell the call that its agent hung up */
	OFFER_FX_FREE,
	OFFER_EFFECTS
};
extern const struct yc_fsm gateway_offer_fsm;

/* As in yc.v1.Call.state. */
const char *call_state_name(int state);

#endif
