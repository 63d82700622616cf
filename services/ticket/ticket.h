/* Work orders: seen only inside this folder and by its tests. */
#ifndef TICKET_H
#define TICKET_H

#include <stdint.h>

#include "yc/calendar.h"
#include "yc/fsm.h"
#include "yc/node.h"
#include "yc/v1/ticket.pb-c.h"

#define TICKET_PATH_LEN 256
#define TICKET_CODE_LEN 64
#define TICKET_SCAN_MAX 5000    /* orders looked at for one page of a list */
#define TICKET_ENTRIES_MAX 2000 /* entries of one order */
#define TICKET_ZONE_MIN 480     /* days of order numbers are cut at UTC+8 */

#define NOT_YET PB__ORDER_STATE__ORDER_STATE_NONE
#define OPEN PB__ORDER_STATE__ORDER_STATE_OPEN
#define ANSWERED PB__ORDER_STATE__ORDER_STATE_ANSWERED
#define CLOSED PB__ORDER_STATE__ORDER_STATE_CLOSED

struct ticket_conf { char *centre; };
struct ticket_cal;              /* a parsed calendar */

struct ticket {
	struct ticket_conf conf;
	struct yc_node *node;
	char site[12];                  /* upper case, as in numbers */
	struct ticket_cal *cals;        /* parsed calendars by code (uthash) */
	struct yc_timer *recalc;
	struct yc_timer *copy;
	int copied;                     /* bits of the lists that are here */
	struct { int list; int64_t wait_ms; char after[128]; } copying;
};

extern const struct yc_service ticket_service;
extern const struct yc_opt ticket_opts[];

/* --- rule_number.c: SITE-YYYYMMDD-NNNNNN-C; C is a Damm digit over all before it, letters expanded as A=10 ... Z=35 ------------- */
#define TICKET_NUMBER_LEN 48
enum ticket_number { TICKET_NUMBER_NO, TICKET_NUMBER_BAD, TICKET_NUMBER_OK };
/* Check digit of letters and digits (others are skipped): 0..9. */
int ticket_check_digit(const char *text);
/* site: upper-case letters and digits; day: 20261122; n >= 1. Returns out. */
char *ticket_number_write(char out[TICKET_NUMBER_LEN], const char *site, int32_t day, int64_t n);
/* Read what a person typed: any case, with or without hyphens and spaces, without the site when it is his own (site). NO: it does not
 * look like a number; BAD: it does, but is mistyped (why: one phrase); OK: out has it in full. */
enum ticket_number ticket_number_read(const char *text, const char *site, char out[TICKET_NUMBER_LEN], const char **why);
/* Site code as in numbers; INVALID unless 1..8 letters and digits that begin with a letter. */
enum yc_code ticket_site_code(const char *site, char out[12], struct yc_err *e) YC_MUST;

/* --- fsm.c: life of an order ----------------------------------------------------------------------------------------------------- */
enum ticket_event { TICKET_CREATE = 1, TICKET_DONE, TICKET_RETURN, TICKET_ANSWER, TICKET_CLOSE, TICKET_NOTE, TICKET_TAKE, TICKET_HAND_OVER, TICKET_EVENT_COUNT };
enum ticket_effect { TICKET_FX_NEXT_STEP = 1, TICKET_FX_PREVIOUS_STEP, TICKET_FX_STAMP_ANSWER, TICKET_FX_STAMP_CLOSE, TICKET_FX_COUNT };
struct ticket_facts {
	int step_no, n_steps;   /* from 1 */
	int satisfied;          /* of the answer being given */
	int answered;           /* an answer to the customer is recorded */
	int may_overrule;       /* the actor may close although the customer is not satisfied, and gave a reason */
};
extern const struct yc_fsm ticket_fsm;
/* Why this event is not permitted now, for the person who asked: CONFLICT with what is missing. */
enum yc_code ticket_refuse(const Pb__Order *o, const Pb__ProcessStep *step, enum ticket_event ev, const struct ticket_facts *f, struct yc_err *e) YC_MUST;

/* --- rule_process.c: steps, holders, who may act --------------------------------------------------------------------------------- */
enum ticket_holder_kind { TICKET_HOLDER_NONE, TICKET_HOLDER_CENTRE, TICKET_HOLDER_DEPARTMENT, TICKET_HOLDER_OWNER };
struct ticket_holder { char org[TICKET_CODE_LEN], path[TICKET_PATH_LEN], person[64], person_name[64]; };
struct ticket_parties {                 /* who could hold: paths resolved by the caller */
	const char *centre_path, *department_path, *owner_path, *owner_id, *owner_name;
};
struct ticket_actor { const char *person_id; uint32_t roles; const char *path; };
enum ticket_holder_kind ticket_holder_kind(const char *name);
/* Who holds a step. Never leaves an order without a holder: INVALID ("department") when there is none. */
enum yc_code ticket_holder_of(const Pb__ProcessStep *s, const struct ticket_parties *p, struct ticket_holder *out, struct yc_err *e) YC_MUST;
/* The organisation that held the step before the current one: from_org of the latest step_done into it; NULL when there is none. */
const char *ticket_previous_org(Pb__Entry *const *entries, size_t n, const char *step);
int ticket_path_in(const char *inner, const char *outer);      /* the same or below? */
const char *ticket_path_code(const char *path);                /* last component, borrowed */
/* May the actor work on the order in this step? Handlers and leaders of the holder, dispatcher, administrator, and the first-asked
 * owner while centre or owner holds it. */
int ticket_may_act(const struct ticket_actor *a, const Pb__Order *o, enum ticket_holder_kind holder);
int ticket_may_direct(const struct ticket_actor *a);           /* dispatcher or administrator */
int ticket_may_overrule(const struct ticket_actor *a);         /* these and leaders */
int ticket_sees_site(uint32_t roles);                          /* sees every order of the site */
/* Complete and check an imported process or service: targets to ms, codes, holders. INVALID with the field. */
enum yc_code ticket_process_check(Pb__Process *p, struct yc_err *e) YC_MUST;
enum yc_code ticket_service_check(Pb__Service *s, struct yc_err *e) YC_MUST;

/* --- rule_due.c: clocks of an order from its entries ----------------------------------------------------------------------------- */
/* Starts and stops of the order's own clock: runs from its creation, pauses when a satisfying answer is recorded, runs again when it is
 * returned afterwards. Returns how many (at most max). */
int ticket_clock(Pb__Entry *const *entries, size_t n, struct yc_clock_event *ev, int max);

/* --- rule_list.c ------------------------------------------------------------------------------------------------------------------ */
#define TICKET_WORDS 6
struct ticket_filter {
	int state;                      /* 0: any */
	const char *handler_path;       /* now held there or below; NULL: any */
	const char *owner_id, *matter_id, *customer_id, *phone, *number;
	char word[TICKET_WORDS][64]; int n_words;
};
void ticket_filter_words(struct ticket_filter *f, const char *q);
int ticket_filter_match(const struct ticket_filter *f, const Pb__Order *o);

/* --- store.c ------------------------------------------------------------------------------------------------------------------------ */
extern const char *const ticket_sql[];
enum yc_code ticket_store_number(struct ticket *t, int32_t day, int64_t *n, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_insert(struct ticket *t, struct yc_arena *a, const Pb__Order *o, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_update(struct ticket *t, struct yc_arena *a, const Pb__Order *o, int64_t was, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_append(struct ticket *t, struct yc_arena *a, const Pb__Entry *en, struct yc_err *e) YC_MUST;
/* key: an order's id or number. NOT_FOUND names the field "id". */
enum yc_code ticket_store_order(struct ticket *t, struct yc_arena *a, const char *key, int is_number, Pb__Order **out, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_entries(struct ticket *t, struct yc_arena *a, const char *id, Pb__Entry ***out, size_t *n, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_hold(struct ticket *t, const char *id, const char *path, int is_new, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_held(struct ticket *t, const char *id, const char *path, int *held, struct yc_err *e) YC_MUST;
/* At most limit orders before the id `before`, newest first, by the narrowest index the filter offers; within: only what this path
 * holds or held, or NULL. Bounded by TICKET_SCAN_MAX; *more: there may be older ones, and *cursor is where to go on. */
enum yc_code ticket_store_list(struct ticket *t, struct yc_arena *a, const struct ticket_filter *f, const char *within, const char *before,
			       size_t limit, Pb__Order ***out, size_t *n, int *more, char cursor[64], struct yc_err *e) YC_MUST;
/* Open orders of a calendar after an id, in order of id. */
enum yc_code ticket_store_open_after(struct ticket *t, struct yc_arena *a, const char *calendar, const char *after, size_t limit,
				     Pb__Order ***out, size_t *n, struct yc_err *e) YC_MUST;
/* store_catalog.c. version_no 0: the latest. NULL in *out when there is none. */
enum yc_code ticket_store_process(struct ticket *t, struct yc_arena *a, const char *code, int32_t version_no, Pb__Process **out, int *used, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_process_put(struct ticket *t, struct yc_arena *a, const Pb__Process *p, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_process_used(struct ticket *t, const char *code, int32_t version_no, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_service(struct ticket *t, struct yc_arena *a, const char *code, Pb__Service **out, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_service_put(struct ticket *t, struct yc_arena *a, const Pb__Service *s, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_processes(struct ticket *t, struct yc_arena *a, Pb__Process ***out, size_t *n, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_services(struct ticket *t, struct yc_arena *a, Pb__Service ***out, size_t *n, struct yc_err *e) YC_MUST;
/* Copies: a version not newer than the stored one is ignored (*changed = 0). */
enum yc_code ticket_store_calendar_put(struct ticket *t, struct yc_arena *a, const Pb__Calendar *c, int *changed, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_calendar(struct ticket *t, struct yc_arena *a, const char *code, int64_t have_version, int64_t *version, Pb__Calendar **out, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_recalc_next(struct ticket *t, char code[TICKET_CODE_LEN], char after[64], struct yc_err *e) YC_MUST;
enum yc_code ticket_store_recalc_set(struct ticket *t, const char *code, int on, const char *after, struct yc_err *e) YC_MUST;
struct ticket_org { char code[TICKET_CODE_LEN], path[TICKET_PATH_LEN], name[128], kind[16]; };
enum yc_code ticket_store_org_put(struct ticket *t, const Pb__Org *o, struct yc_err *e) YC_MUST;
/* By code or (key begins with '/') by path; found = 0 when unknown. */
enum yc_code ticket_store_org(struct ticket *t, const char *key, struct ticket_org *out, int *found, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_has_copy(struct ticket *t, int *has, struct yc_err *e) YC_MUST;
struct ticket_person { char id[64], staff_no[32], name[64], path[TICKET_PATH_LEN]; int active; };
enum yc_code ticket_store_person_put(struct ticket *t, const Pb__Person *p, struct yc_err *e) YC_MUST;
enum yc_code ticket_store_person(struct ticket *t, const char *key, struct ticket_person *out, int *found, struct yc_err *e) YC_MUST;

/* --- copy.c: what directory owns ---------------------------------------------------------------------------------------------------- */
enum yc_code ticket_copy_start(struct ticket *t, struct yc_err *e) YC_MUST;
const char *ticket_copy_missing(const struct ticket *t);       /* health: NULL once every list was copied */
yc_event_handler ticket_on_calendar, ticket_on_org, ticket_on_person;
/* A team acts for its department: the nearest organisation at or above path that is no team. */
enum yc_code ticket_lift(struct ticket *t, const char *path, char out[TICKET_PATH_LEN], struct yc_err *e) YC_MUST;

/* --- due.c --------------------------------------------------------------------------------------------------------------------------- */
/* Parsed calendar, "" = round the clock. UNAVAILABLE when directory has not told us of it yet. Borrowed until the next call. */
enum yc_code ticket_calendar(struct ticket *t, struct yc_arena *a, const char *code, const struct yc_calendar **out, struct yc_err *e) YC_MUST;
void ticket_calendars_free(struct ticket *t);
/* Set due_at and step_due_at of an order from its entries (NULL: just created at o->created_at). */
enum yc_code ticket_due_set(struct ticket *t, struct yc_arena *a, Pb__Order *o, const Pb__Service *s, const Pb__ProcessStep *step,
			    Pb__Entry *const *entries, size_t n, struct yc_err *e) YC_MUST;
void ticket_recalc_start(struct ticket *t);
yc_handler ticket_on_due;

/* --- order.c, act.c, catalog.c: handlers ---------------------------------------------------------------------------------------------- */
/* Load by id or number and check that the caller may see it. */
enum yc_code ticket_load(struct yc_req *rq, const char *key, Pb__Order **out, struct yc_err *e) YC_MUST;
/* Append the entry, keep the projection, emit the event; o->version is raised here. was 0: a new order. */
enum yc_code ticket_save(struct ticket *t, struct yc_arena *a, Pb__Order *o, int64_t was, Pb__Entry *en, const char *type, struct yc_err *e) YC_MUST;
struct ticket_actor ticket_actor(struct yc_req *rq, char path[TICKET_PATH_LEN]);
const Pb__ProcessStep *ticket_step(const Pb__Process *p, int32_t step_no);
yc_handler ticket_on_create, ticket_on_get, ticket_on_list, ticket_on_entries;
yc_handler ticket_on_note, ticket_on_take, ticket_on_step, ticket_on_answer, ticket_on_close, ticket_on_hand_over;
yc_handler ticket_on_services, ticket_on_processes;
extern const struct yc_import_kind ticket_imports[];

#endif
