/* Customers and their timeline: seen only inside this folder and by its tests. */
#ifndef CRM_H
#define CRM_H

#include <stdint.h>

#include "yc/id.h"
#include "yc/node.h"
#include "yc/phone.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/ticket.pb-c.h"

#define CRM_PHONES_MAX 20       /* numbers of one customer */
#define CRM_NAME_MAX 64         /* characters */
#define CRM_NOTE_MAX 4000
#define CRM_PAGE 50
#define CRM_PAGE_MAX 500

struct crm { struct yc_node *node; };

extern const struct yc_service crm_service;

/* --- rule_customer.c: pure ------------------------------------------------------------------------------------------------------ */
/* Which fields a Put touches: all without a list of fields. */
enum { CRM_NAME = 1, CRM_GRADE = 2, CRM_NOTE = 4, CRM_PHONES = 8 };
unsigned crm_fields(const Pb__CustomerPut *in);
/* Grade, lengths and number of phones; INVALID names the field. */
enum yc_code crm_check(const Pb__CustomerPut *in, unsigned fields, struct yc_err *e) YC_MUST;
/* What a search text is: nothing, the last digits of a number (reversed, with room for CRM_SEARCH_LEN), or part of a name. */
#define CRM_SEARCH_LEN 320
enum crm_search { CRM_SEARCH_ALL, CRM_SEARCH_DIGITS, CRM_SEARCH_NAME };
enum crm_search crm_search(const char *q, char out[CRM_SEARCH_LEN]);
char *crm_reversed(const char *phone, char out[YC_PHONE_LEN]);
/* How many rows a page has: the wish, bounded. */
int64_t crm_page(int32_t limit);
/* Id of a timeline item from that of a call or event ("cal_01..." -> "tli_01..."); sorts by time. */
char *crm_item_id(const char *id, char out[YC_ID_LEN]);
/* How a call ended, in one word for the timeline. */
const char *crm_outcome(const Pb__CallEnded *in);

/* --- customer.c, timeline.c: handlers -------------------------------------------------------------------------------------------- */
yc_handler crm_on_resolve, crm_on_get, crm_on_list, crm_on_put, crm_on_timeline;
yc_event_handler crm_on_call_started, crm_on_call_ended, crm_on_order;
/* The customer with this number, made when there is none (*made). *id "": the number is withheld or no number at all. */
enum yc_code crm_find_or_make(struct crm *c, const char *phone, const char *name, const char *org_path, char id[YC_ID_LEN], int *made, struct yc_err *e) YC_MUST;

/* --- store.c: all SQL ------------------------------------------------------------------------------------------------------------- */
extern const char *const crm_sql[];
enum {
	CRM_Q_BY_PHONE, CRM_Q_PHONE_NEW, CRM_Q_PHONES, CRM_Q_PHONES_DROP, CRM_Q_NEW, CRM_Q_GET, CRM_Q_SET, CRM_Q_TOUCH, CRM_Q_CONTACT,
	CRM_Q_ALL, CRM_Q_BY_DIGITS, CRM_Q_BY_NAME, CRM_Q_ITEM_PUT, CRM_Q_ITEMS, CRM_Q_COUNT
};
/* id "": nobody has this number. */
enum yc_code crm_store_by_phone(struct crm *c, const char *phone, char id[YC_ID_LEN], struct yc_err *e) YC_MUST;
/* *taken: another customer has it. */
enum yc_code crm_store_phone_add(struct crm *c, const char *phone, const char *id, int64_t place, int *taken, struct yc_err *e) YC_MUST;
enum yc_code crm_store_phones_drop(struct crm *c, const char *id, struct yc_err *e) YC_MUST;
enum yc_code crm_store_new(struct crm *c, const Pb__Customer *cu, struct yc_err *e) YC_MUST;
/* NOT_FOUND when there is none. out's members live in the arena. */
enum yc_code crm_store_get(struct crm *c, struct yc_arena *a, const char *id, Pb__Customer *out, struct yc_err *e) YC_MUST;
/* STALE when it is no longer at version was. */
enum yc_code crm_store_set(struct crm *c, const Pb__Customer *cu, int64_t was, struct yc_err *e) YC_MUST;
/* A write that changes nothing, so that the reply waits for what this transaction holds already. */
enum yc_code crm_store_touch(struct crm *c, const char *id, struct yc_err *e) YC_MUST;
enum yc_code crm_store_contact(struct crm *c, const char *id, int64_t at, struct yc_err *e) YC_MUST;
enum yc_code crm_store_list(struct crm *c, struct yc_arena *a, const Pb__ListReq *in, Pb__Customers *out, struct yc_err *e) YC_MUST;
enum yc_code crm_store_item_put(struct crm *c, const char *customer_id, const Pb__TimelineItem *it, struct yc_err *e) YC_MUST;
enum yc_code crm_store_items(struct crm *c, struct yc_arena *a, const Pb__TimelineReq *in, Pb__Timeline *out, struct yc_err *e) YC_MUST;

#endif
