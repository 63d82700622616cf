/* acd: agents' state, queues, work items, reservations. This header is seen inside the folder and by its tests only.
 *
 * The core (agent.c item.c rsv.c match.c queue.c resync.c) does no I/O: what it wants done leaves through struct acd_ports, what happened
 * comes in through the functions below, and every entry ends by handing out what can be handed out (match.c). It asks yc/clock.h for the
 * time, so tests hold it. service.c and its rpc_*.c connect the core to the bus, store.c and presence.c to the engines. */
#ifndef ACD_H
#define ACD_H

#include <stdint.h>

#include <uthash.h>

#include "yc/err.h"
#include "yc/heap.h"
#include "yc/id.h"
#include "yc/v1/acd.pb-c.h"

#include "fsm.h"
#include "rule_route.h"

#define ACD_NAME 128
#define ACD_CODE 64

struct acd;
struct acd_item;
struct acd_rsv;
struct acd_agent;

/* One heap of due times for the whole core; zero it before the first use. */
struct acd_timer { size_t pos; void (*fn)(struct acd *x, void *owner); void *owner; };

struct acd_queue {
	char code[ACD_CODE], name[ACD_NAME], name_en[ACD_NAME], music[ACD_CODE];
	struct { char code[ACD_CODE]; int32_t level; } skills[ROUTE_NEEDS];
	int32_t n_skills;
	int64_t offer_timeout_ms, wrapup_ms, service_level_ms, version;
	int32_t boost_s, max_waiting;
	int32_t req;                             /* its requirement; queues with the same skills share one */
	int32_t waiting, offered, talking;
	int64_t handle_ms;                       /* smoothed talk + wrap-up of one contact; 0: none seen yet */
	struct yc_heap oldest;                   /* waiting items by arrival, for the wall */
	UT_hash_handle hh;
};

/* What occupies an agent's slot, copied, so that the desk still shows it during wrap-up when the item is gone. */
struct acd_work {
	char item[YC_ID_LEN], rsv[YC_ID_LEN], contact[YC_ID_LEN], matter[YC_ID_LEN], call[YC_ID_LEN], customer[YC_ID_LEN];
	char queue[ACD_CODE], caller[ACD_CODE], gateway[ACD_CODE];
};

struct acd_phone {                               /* one extension */
	char ext[32];
	unsigned known : 1, is_static : 1, registered : 1, gone : 1;   /* known: directory has it; gone: it was deleted there */
	int64_t expires_at;
	struct acd_agent *agent;                 /* who sits there, or NULL */
	struct acd_timer timer;                  /* asks again when the registration should have ended */
	UT_hash_handle hh;
};

struct acd_agent {
	char id[ACD_CODE], staff_no[32], name[ACD_NAME], org_path[ACD_NAME];
	struct { char code[ACD_CODE]; int32_t level; } *skills;
	int32_t n_skills;
	struct route_agent r;
	struct acd_phone *phone;                 /* where he sits; NULL: signed out */
	Pb__AgentStatus status;
	Pb__Presence want;                       /* what he is when his slot is free */
	char reason[ACD_CODE], cause[16], want_reason[ACD_CODE], want_cause[16];
	int64_t since_at, idle_since, ver, handled, handled_day;
	struct acd_item *item;                   /* at most one */
	struct acd_rsv *rsv;                     /* at most one that lives */
	struct acd_work work;
	unsigned active : 1;                     /* directory says he works here */
	unsigned is_seat : 1;                    /* signed in by a seat, without a console */
	unsigned resume : 1;                     /* back to ready when the phone returns */
	unsigned restored : 1;                   /* slot taken from Redis; telephony has not confirmed it yet */
	unsigned held : 1;                       /* out of the heaps for a moment after a lost compare-and-set */
	unsigned told_once : 1;
	Pb__AgentStatus told; Pb__Presence told_want; char told_reason[ACD_CODE]; int64_t told_at;
	struct acd_timer console, wrap, hold;    /* session lease; end of wrap-up; end of hold, or a seat's return */
	int64_t wrap_at;                         /* when wrap-up ends (wall clock), 0: none */
	struct acd_agent *next, *prev; int in_todo;
	/* kept by keep.c: how far Redis is behind */
	char saved_rsv[YC_ID_LEN];
	int64_t redis_ver;                       /* version that stands there, as far as we know */
	int writes; unsigned dirty : 1;
	struct acd_agent *lnext, *lprev; int is_late;      /* to be written in a moment */
	UT_hash_handle hh;
};

struct acd_item {
	char id[YC_ID_LEN], contact[YC_ID_LEN], matter[YC_ID_LEN], call[YC_ID_LEN], customer[YC_ID_LEN];
	char channel[16], caller[ACD_CODE], gateway[ACD_CODE], rsv_id[YC_ID_LEN], agent_id[ACD_CODE], reason[ACD_CODE];
	struct acd_queue *queue;                 /* NULL only for a talk that was adopted without knowing more */
	struct route_item r;
	int32_t priority, offers, parks;
	Pb__ItemState state;
	int64_t arrived_at, accepted_at, ended_at, offered_at, talk_ms, seen_ms;   /* seen_ms: monotonic, when this process got it */
	struct acd_agent *agent;
	struct acd_rsv *rsv;
	size_t oldest_pos;
	struct acd_timer timer;                  /* waiting: end of parking; talking: next look whether it still lives */
	struct acd_item *next, *prev; int in_todo;         /* todo list of the pump */
	struct acd_item *pnext, *pprev;                    /* waiting, and picky about whom it tried */
	int in_picky;
	struct acd_item *gnext, *gprev;                    /* all of one gateway */
	UT_hash_handle hh;
};

struct acd_rsv {
	char id[YC_ID_LEN];
	struct acd_agent *agent;
	struct acd_item *item;
	enum rsv_state state;
	int64_t ver, began_us;                   /* the agent's fencing version; monotonic us of the match */
	int64_t timeout_ms, expires_at;          /* expires_at: wall clock, end of the lease */
	char reason[ACD_CODE];
	struct acd_timer timer;
	UT_hash_handle hh;
};

struct acd_gateway {
	char name[ACD_CODE], boot[ACD_CODE];
	int up, resynced;                        /* on the bus now; has told its truth since we started */
	int given_up;                            /* its contacts were ended; if it returns with them, it must say so */
	struct acd_item *items; int n_items;
	struct acd_timer timer;                  /* lease after it was lost */
	UT_hash_handle hh;
};

struct acd_seat { char ext[32], staff_no[32]; int auto_ready; int64_t version; UT_hash_handle hh; };
struct acd_gone { char id[YC_ID_LEN]; Pb__ItemState state; struct acd_gone *next, *prev; UT_hash_handle hh; };

/* What an agent's change says to the world (event agent.state). */
struct acd_told { const struct acd_agent *agent; Pb__AgentStatus was; int64_t was_ms; const char *was_reason, *disposition, *note; };

struct acd_ports {
	void *arg;
	void (*reserve)(void *arg, struct acd_rsv *v);                 /* commit; then acd_rsv_committed(), now or later */
	void (*save)(void *arg, struct acd_agent *a, int soon);        /* write through, nobody waits; soon 0: a moment later will do,
									  because telephony would say the same after a crash */
	void (*offer)(void *arg, const struct acd_rsv *v);             /* Gateway.Offer; acd_offer_failed() when it cannot be made */
	void (*stop)(void *arg, const struct acd_rsv *v);              /* Gateway.OfferStop; v->reason says why */
	void (*tell_item)(void *arg, const char *type, const struct acd_item *i);
	void (*tell_agent)(void *arg, const struct acd_told *t);
	void (*check)(void *arg, struct acd_item *i);                  /* does its call still live? acd_item_gone() when not */
	void (*phone)(void *arg, struct acd_phone *p);                 /* read its registration; then acd_phone_seen() */
};

struct acd_limits {
	int64_t grace_ms;        /* lease of a reservation beyond the ringing time */
	int64_t console_ms;      /* lease of a console session */
	int64_t gateway_ms;      /* how long a gateway may be away before its contacts are ended */
	int64_t audit_ms;        /* a talk this long is checked with its gateway, and again each time */
	int64_t park_ms;         /* first pause of an item whose gateway does not answer; doubles up to 8 times */
	int64_t seat_return_ms;  /* an auto seat returns from a missed offer after this; 0: never */
	int64_t utc_offset_ms;   /* where a day begins, for `handled` */
	int64_t max_items;
};

struct acd {
	struct acd_limits lim;
	struct acd_ports port;
	struct route *route;
	struct acd_agent *agents;                /* by person id */
	struct acd_agent **by_staff; size_t n_staff, cap_staff;        /* the same, sorted by staff number then id */
	struct acd_phone *phones;
	struct acd_queue *queues;
	struct acd_item *items;
	struct acd_rsv *rsvs;
	struct acd_gateway *gateways;
	struct acd_seat *seats;
	struct acd_gone *gone, *gone_list; int n_gone;
	struct yc_heap timers;
	uint64_t tie, timer_tie;
	struct acd_agent *todo_agents;
	struct acd_item *todo_items, *picky;
	int open;                                /* hands out; 0 while standing by or recovering */
	int rematch, depth;
	int dir_loaded;                          /* directory's list of extensions is known */
	const char *boot;
};

void acd_init(struct acd *x, const struct acd_limits *lim, const struct acd_ports *port);
void acd_fini(struct acd *x);
void acd_forget(struct acd *x);                  /* stand down: items, reservations and sessions; configuration and people stay */
void acd_open(struct acd *x);                    /* hand out from now on, beginning with everything that waits */

/* Whatever may be called from outside begins with ACD_ENTER(x): when the outermost of them returns, work is
 * handed out. So no pointer to an item or reservation outlives such a call: look it up again. */
struct acd *acd_enter(struct acd *x);
void acd_exit(struct acd **x);
#define ACD_ENTER(x) struct acd *entered_ __attribute__((cleanup(acd_exit), unused)) = acd_enter(x)

/* --- time (match.c) ---------------------------------------------------------------------------------------------------------- */
void acd_timer_set(struct acd *x, struct acd_timer *t, int64_t delay_ms, void (*fn)(struct acd *, void *), void *owner);
void acd_timer_off(struct acd *x, struct acd_timer *t);
int64_t acd_due(const struct acd *x);            /* monotonic ms of the next timer, or -1 */
void acd_tick(struct acd *x);                    /* run what is due */
void acd_todo_agent(struct acd *x, struct acd_agent *a);
void acd_todo_item(struct acd *x, struct acd_item *i);
void acd_recheck_picky(struct acd *x);           /* somebody left service: an item's last resort may be one it has tried */

/* --- queues and skills (queue.c) ---------------------------------------------------------------------------------------------- */
struct acd_queue *acd_queue_find(struct acd *x, const char *code);
void acd_queue_put(struct acd *x, const Pb__Queue *q);         /* validated by acd_queue_check */
enum yc_code acd_queue_check(Pb__Queue *q, struct yc_err *e) YC_MUST;   /* fills defaults, names the wrong field */
int acd_queue_position(struct acd *x, const struct acd_item *i, int64_t *estimate_ms);
void acd_queue_handled(struct acd_queue *q, int64_t ms);
void acd_queue_live(struct acd *x, const struct acd_queue *q, Pb__QueueLive *out);   /* borrows q's strings */

/* --- agents (agent.c, person.c) ----------------------------------------------------------------------------------------------- */
struct acd_agent *acd_agent_find(struct acd *x, const char *id);
struct acd_agent *acd_agent_by_staff(struct acd *x, const char *staff_no);
struct acd_agent *acd_agent_make(struct acd *x, const char *id);
size_t acd_agent_after(struct acd *x, const char *id);         /* index in by_staff behind this agent; 0 when unknown or "" */
void acd_person_put(struct acd *x, const Pb__Person *p);       /* from directory */
void acd_extension_put(struct acd *x, const Pb__Extension *p);
enum yc_code acd_agent_step(struct acd *x, struct acd_agent *a, enum agent_event ev);
void acd_agent_place(struct acd *x, struct acd_agent *a);      /* tell the routing core what the status means; after a restore */
void acd_agent_tell(struct acd *x, struct acd_agent *a, const char *disposition, const char *note);
void acd_agent_set_work(struct acd_agent *a, const struct acd_item *i, const char *rsv);
enum yc_code acd_agent_sign_in(struct acd *x, struct acd_agent *a, const char *ext, int ready, int is_seat, const char *cause, struct yc_err *e) YC_MUST;
enum yc_code acd_agent_want(struct acd *x, struct acd_agent *a, Pb__Presence want, const char *reason, const char *cause, struct yc_err *e) YC_MUST;
void acd_agent_wish(struct acd *x, struct acd_agent *a, Pb__Presence want, const char *reason, const char *cause);   /* of one who has a seat */
enum yc_code acd_agent_renew(struct acd *x, struct acd_agent *a, struct yc_err *e) YC_MUST;
enum yc_code acd_agent_wrapped(struct acd *x, struct acd_agent *a, const char *disposition, const char *note, const char *next, const char *cause, struct yc_err *e) YC_MUST;
void acd_agent_missed(struct acd *x, struct acd_agent *a, const char *reason, const char *cause);
void acd_agent_hold(struct acd *x, struct acd_agent *a);       /* skipped for a moment */
void acd_agent_wrap_timer(struct acd *x, struct acd_agent *a, int64_t ms);
int acd_slot_free(const struct acd_agent *a);

struct acd_phone *acd_phone_get(struct acd *x, const char *ext);
void acd_phone_seen(struct acd *x, struct acd_phone *p, int registered, int64_t ttl_ms);      /* ttl 0: unknown */
void acd_phone_later(struct acd *x, struct acd_phone *p, int64_t delay_ms);                   /* ask again then */
int acd_phone_ok(const struct acd_phone *p);
void acd_phone_asks(struct acd *x, struct acd_agent *a);       /* read the registration of the phone he sits at */
void acd_seat_put(struct acd *x, const Pb__Seat *s);
void acd_seats_apply(struct acd *x);                           /* sign in what is to be ready from the start */

/* --- items and reservations (item.c, rsv.c) ----------------------------------------------------------------------------------- */
struct acd_item *acd_item_find(struct acd *x, const char *id);
enum yc_code acd_enqueue(struct acd *x, const Pb__WorkItem *in, struct yc_err *e) YC_MUST;     /* idempotent by id */
int acd_item_was(struct acd *x, const char *id);               /* state of an item that ended lately, or ITEM_STATE_NONE */
void acd_item_wait(struct acd *x, struct acd_item *i);         /* into its queue */
void acd_item_unwait(struct acd *x, struct acd_item *i);
void acd_item_park(struct acd *x, struct acd_item *i);
void acd_item_set_state(struct acd_item *i, Pb__ItemState st); /* with the queue's counters */
void acd_leave(struct acd *x, const char *id, const char *reason);
void acd_end(struct acd *x, const Pb__ContactEnded *in);
void acd_item_end(struct acd *x, struct acd_item *i, const char *reason, int64_t talk_ms, int remember);
void acd_item_gone(struct acd *x, const char *id);             /* its gateway does not know the call */
void acd_item_talks(struct acd *x, struct acd_item *i, struct acd_agent *a, const char *rsv, int64_t since_at);
struct acd_item *acd_item_make(struct acd *x, const Pb__WorkItem *in);

void acd_reserve(struct acd *x, struct acd_item *i, struct acd_agent *a);
void acd_rsv_adopt(struct acd *x, struct acd_item *i, struct acd_agent *a, const char *id);
struct acd_rsv *acd_rsv_find(struct acd *x, const char *id);
enum yc_code acd_rsv_step(struct acd *x, struct acd_rsv *v, enum rsv_event ev, const char *reason);   /* v may be freed */
void acd_rsv_committed(struct acd *x, const char *id, int ok);
void acd_offer_failed(struct acd *x, const char *id, enum yc_code code, const char *field);
enum yc_code acd_offer_end(struct acd *x, const Pb__OfferResult *in, struct yc_err *e) YC_MUST;

/* --- gateways (resync.c) ------------------------------------------------------------------------------------------------------ */
struct acd_gateway *acd_gateway_get(struct acd *x, const char *name);
void acd_gateway_add(struct acd *x, struct acd_item *i);
void acd_gateway_del(struct acd *x, struct acd_item *i);
int acd_gateway_seen(struct acd *x, const char *name, const char *boot);         /* the bus lists it; 1: it had been given up */
void acd_gateway_lost(struct acd *x, struct acd_gateway *g);                     /* the bus no longer does */
/* The gateway's whole truth. unknown: ids of agents nobody knows, at most n_unknown, borrowed from in. Returns how many. */
size_t acd_resync(struct acd *x, const Pb__ResyncReq *in, char **unknown, size_t n_unknown);
void acd_adopt_talk(struct acd *x, struct acd_item *i, struct acd_agent *a, const char *rsv, int64_t since_at);
void acd_reconcile(struct acd *x);               /* whoever is still marked busy without a contact is not */

/* --- messages (msg.c): strings are borrowed ----------------------------------------------------------------------------------- */
struct acd_agent_msg { Pb__Agent m; Pb__SkillLevel s[ROUTE_SKILLS]; Pb__SkillLevel *sp[ROUTE_SKILLS]; char *channels[1]; };
struct acd_item_msg { Pb__WorkItem m; char *tried[ROUTE_TRIED]; };
void acd_msg_agent(const struct acd *x, struct acd_agent_msg *out, const struct acd_agent *a);
void acd_msg_item(struct acd_item_msg *out, const struct acd_item *i);

#endif
