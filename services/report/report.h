/* Facts from events, interval tables, the trace of a matter: seen only inside this folder and by its tests. */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

#include "yc/id.h"
#include "yc/node.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/report.pb-c.h"
#include "yc/v1/ticket.pb-c.h"

#include "rule_metric.h"
#include "rule_trace.h"

#define REPORT_ZONE "+08:00"    /* days and intervals are cut in the site's zone */
#define REPORT_ZONE_MS (8 * 3600000LL)
#define REPORT_DAY_MS 86400000LL
#define REPORT_INTERVAL_MS (15 * 60000LL)
#define REPORT_ROWS_MAX 1440
#define REPORT_EVENTS_MAX 4000  /* events of one matter that a trace is drawn from */
#define REPORT_TEXT_MAX 200     /* characters of an entry that are kept for the trace */
#define REPORT_PAGE 50
#define REPORT_PAGE_MAX 500

struct report_name;
struct report_cached;
struct report {
	struct yc_node *node;
	struct report_name *names;      /* by "kind/id" (uthash); the store's report_name in memory */
	struct yc_timer *copy;
	struct { int todo, list, failed; int64_t wait_ms; char after[128]; } copying;
	struct report_cached *today;
};

extern const struct yc_service report_service;

/* --- names.c ------------------------------------------------------------------------------------------------------------------------ */
struct report_label { const char *kind, *id, *name, *name_en, *path; int64_t n; };
enum { REPORT_COPY_PEOPLE = 1, REPORT_COPY_ORGS = 2, REPORT_COPY_QUEUES = 4, REPORT_COPY_STEPS = 8, REPORT_COPY_ALL = 15 };
enum yc_code report_names_open(struct report *r, struct yc_err *e) YC_MUST;     /* also after the store lost a transaction */
void report_names_close(struct report *r);
/* Ask the owners for these lists, once each, until they have answered. */
void report_copy(struct report *r, int lists);
enum yc_code report_learn(struct report *r, const struct report_label *l, struct yc_err *e) YC_MUST;
const struct report_known *report_known(struct report *r, struct report_known *out);
const char *report_name(void *r, const char *kind, const char *id, int english);
int64_t report_threshold(void *r, const char *queue);
/* Path of an organisation's code, "" when unknown. */
const char *report_org_path(struct report *r, const char *code);
yc_event_handler report_on_person, report_on_org, report_on_queue;

/* --- facts.c ------------------------------------------------------------------------------------------------------------------------ */
yc_event_handler report_on_call_started, report_on_call_menu, report_on_call_ended, report_on_recording, report_on_item, report_on_agent, report_on_order;

/* --- today.c, matter.c -------------------------------------------------------------------------------------------------------------- */
yc_handler report_on_today, report_on_count, report_on_matter, report_on_matters;
void report_today_free(struct report *r);
/* "2026-11-22" -> start of that day in the site's zone; "" -> today. -1: no date. */
int64_t report_day_start(const char *date, int64_t now);
char *report_day_text(int64_t at, char out[16]);

/* --- store.c: all SQL --------------------------------------------------------------------------------------------------------------- */
extern const char *const report_sql[];
enum {
	REPORT_Q_EVENT, REPORT_Q_EVENTS, REPORT_Q_MATTER_CALL, REPORT_Q_MATTER_ENDED, REPORT_Q_MATTER_ORDER, REPORT_Q_MATTER_HELD, REPORT_Q_MATTER_CLOSED,
	REPORT_Q_MATTER, REPORT_Q_LIST, REPORT_Q_LIST_PHONE, REPORT_Q_LIST_NUMBER, REPORT_Q_LIST_HELD, REPORT_Q_ITEM_NEW, REPORT_Q_ITEM_ACCEPTED,
	REPORT_Q_ITEM_ENDED, REPORT_Q_ITEMS, REPORT_Q_CALL, REPORT_Q_TOTAL, REPORT_Q_TOTALS, REPORT_Q_READ, REPORT_Q_WRAP_PUT, REPORT_Q_WRAP_GET,
	REPORT_Q_NAME_PUT, REPORT_Q_NAMES, REPORT_Q_COUNT
};
struct report_row { const char *matter; struct report_ev ev; const void *doc; size_t n_doc; };
enum yc_code report_store_event(struct report *r, const struct report_row *row, struct yc_err *e) YC_MUST;
/* At most REPORT_EVENTS_MAX, by time. Strings and orders live in the arena. */
enum yc_code report_store_events(struct report *r, struct yc_arena *a, const char *matter, struct report_ev **out, size_t *n, struct yc_err *e) YC_MUST;
enum yc_code report_store_matter_call(struct report *r, const char *matter, int64_t at, const char *phone, const char *title, struct yc_err *e) YC_MUST;
enum yc_code report_store_matter_ended(struct report *r, const char *matter, int64_t at, const char *customer, struct yc_err *e) YC_MUST;
enum yc_code report_store_matter_order(struct report *r, const Pb__Order *o, const char *matter, int64_t at, struct yc_err *e) YC_MUST;
enum yc_code report_store_matter_held(struct report *r, const Pb__Order *o, const char *matter, struct yc_err *e) YC_MUST;
enum yc_code report_store_matter_closed(struct report *r, const char *matter, int64_t at, struct yc_err *e) YC_MUST;
/* Fills id, times, customer and state; *holder (may be NULL) is the path of who holds its order. NOT_FOUND. */
enum yc_code report_store_matter(struct report *r, struct yc_arena *a, const char *id, Pb__Matter *out, struct yc_err *e) YC_MUST;
struct report_find { const char *phone, *number, *holder, *state, *after; int64_t limit; };     /* "" or 0: not asked for */
enum yc_code report_store_matters(struct report *r, struct yc_arena *a, const struct report_find *f, Pb__Matters *out, struct yc_err *e) YC_MUST;
/* *is_new: seen for the first time. */
enum yc_code report_store_item_new(struct report *r, const Pb__WorkItem *i, const char *matter, int *is_new, struct yc_err *e) YC_MUST;
enum yc_code report_store_item_accepted(struct report *r, const Pb__WorkItem *i, int *is_new, struct yc_err *e) YC_MUST;
enum yc_code report_store_item_ended(struct report *r, const Pb__WorkItem *i, int *is_new, struct yc_err *e) YC_MUST;
/* Items that arrived in [from, to) and, unless "", in this queue. Free the array with yc_xfree. */
enum yc_code report_store_items(struct report *r, int64_t from, int64_t to, const char *queue, struct report_sample **out, size_t *n, struct yc_err *e) YC_MUST;
enum yc_code report_store_call(struct report *r, const Pb__CallEnded *c, const char *matter, int64_t at, struct yc_err *e) YC_MUST;
enum yc_code report_store_total(struct report *r, const char *name, struct yc_err *e) YC_MUST;    /* one more */
enum yc_code report_store_totals(struct report *r, Pb__CountReply *out, struct yc_err *e) YC_MUST;
struct report_wrap { char matter[YC_ID_LEN], contact[YC_ID_LEN], item[YC_ID_LEN]; };
enum yc_code report_store_wrap_put(struct report *r, const char *agent, const struct report_wrap *w, struct yc_err *e) YC_MUST;
enum yc_code report_store_wrap_get(struct report *r, const char *agent, struct report_wrap *w, struct yc_err *e) YC_MUST;   /* "" when unknown */
enum yc_code report_store_name_put(struct report *r, const struct report_label *l, struct yc_err *e) YC_MUST;
enum yc_code report_store_names(struct report *r, void (*fn)(struct report *r, const struct report_label *l), struct yc_err *e) YC_MUST;

#endif
