/* The two machines of acd as tables: an agent's status and a reservation. Drawn in docs/fsm/acd.md. Pure. */
#ifndef ACD_FSM_H
#define ACD_FSM_H

#include "yc/fsm.h"
#include "yc/v1/acd.pb-c.h"

/* Agent: states are Pb__AgentStatus. `want` is the presence he goes back to when his slot is free. */
enum agent_event {
	AG_READY,        /* wants to be ready */
	AG_BREAK,        /* wants a break */
	AG_OFFLINE,      /* signs out, or is signed out */
	AG_OFFER,        /* an item is reserved for him */
	AG_ACCEPT,       /* he answered */
	AG_FREED,        /* the offer is over and it was not his doing */
	AG_MISSED,       /* he did not answer, declined, or could not be reached */
	AG_END,          /* the contact is over */
	AG_WRAPPED,      /* wrap-up is over: done, or time is up */
	AG_TALKING,      /* telephony says that he talks, whatever we thought */
	AG_EVENTS
};
enum agent_effect {
	AX_NONE,
	AX_SET_OUT,      /* leave the heaps of idle agents */
	AX_SET_IN,       /* join them (with the idle time he had, when it was not his doing) and look for work */
	AX_WRAP_TIMER,   /* start the clock of wrap-up */
	AX_CLEAR_WORK,   /* the slot is free: forget the contact */
	AX_SAVE,         /* write presence through to Redis */
	AX_TELL,         /* event agent.state */
	AX_EFFECTS
};
struct agent_facts { int want; int has_wrapup; };          /* want: Pb__Presence */
extern const struct yc_fsm acd_agent_fsm;

enum rsv_state { RS_RESERVING, RS_OFFERED, RS_ACCEPTED, RS_REJECTED, RS_TIMED_OUT, RS_FAILED, RS_CANCELLED, RS_VOID, RS_STATES };
enum rsv_event {
	RV_COMMITTED,    /* compare-and-set succeeded (or Redis is away and memory decides) */
	RV_REFUSED,      /* compare-and-set failed: somebody else's version */
	RV_ACCEPT,       /* the gateway bridged them */
	RV_REJECT,       /* the gateway says: busy or declined */
	RV_DECLINE,      /* the agent says no at the console */
	RV_TIMEOUT,      /* the gateway says: nobody answered */
	RV_FAIL,         /* the gateway says: phone cannot be reached, codecs do not match */
	RV_WITHDRAW,     /* his phone or session is gone, or he signed out, while it rang */
	RV_CANCEL,       /* the customer left, or telephony has given the item to somebody */
	RV_NO_GATEWAY,   /* the offer could not be made at all */
	RV_LEASE,        /* nobody ended it in time */
	RV_EVENTS
};
enum rsv_effect {
	RX_NONE,
	RX_OFFER,        /* Gateway.Offer, events */
	RX_STOP,         /* Gateway.OfferStop */
	RX_CONNECT,      /* agent and item have each other */
	RX_AGENT_FREED,  /* AG_FREED */
	RX_AGENT_MISSED, /* AG_MISSED */
	RX_AGENT_HOLD,   /* out of the heaps for a moment, so that the next candidate is another one */
	RX_ITEM_BACK,    /* to the front of its queue: its key is constant */
	RX_ITEM_TRIED,   /* the same, and this agent is last in line for it */
	RX_ITEM_PARK,    /* the same after a moment: its gateway does not answer */
	RX_TELL,         /* event item.offer_ended */
	RX_EFFECTS
};
extern const struct yc_fsm acd_rsv_fsm;

#endif
