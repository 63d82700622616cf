/* What store.c and its siblings share: query numbers and row helpers. Nobody else includes this. */
#ifndef TICKET_STORE_H
#define TICKET_STORE_H

#include "ticket.h"

enum {
	Q_NUMBER, Q_ORDER_NEW, Q_ORDER_SET, Q_ORDER_ID, Q_ORDER_NUMBER, Q_ENTRY_NEW, Q_ENTRIES, Q_HOLD_LEAVE, Q_HOLD, Q_HELD,
	Q_LIST_ALL, Q_LIST_STATE, Q_LIST_NUMBER, Q_LIST_PHONE, Q_LIST_MATTER, Q_LIST_CUSTOMER, Q_LIST_OWNER, Q_LIST_HELD, Q_LIST_HOLDS,
	Q_OPEN_AFTER, Q_PROCESS, Q_PROCESS_LATEST, Q_PROCESS_PUT, Q_PROCESS_USED, Q_PROCESSES, Q_SERVICE, Q_SERVICE_PUT, Q_SERVICES,
	Q_CALENDAR_PUT, Q_CALENDAR_VERSION, Q_CALENDAR, Q_RECALC_NEXT, Q_RECALC_SET, Q_ORG_PUT, Q_ORG, Q_ORG_PATH, Q_ORG_ANY, Q_PERSON_PUT, Q_PERSON,
	Q_COUNT
};

static inline struct yc_db *ticket_db(struct ticket *t)
{
	return yc_node_db(t->node);
}

static inline int ticket_q(struct ticket *t, int q)
{
	return yc_node_q(t->node, q);
}

/* Pack into the arena; NULL (and e) at its limit. */
void *ticket_pack(struct yc_arena *a, const void *msg, size_t *n, struct yc_err *e);
void *ticket_unpack(struct yc_arena *a, const ProtobufCMessageDescriptor *d, struct yc_stmt *st, int col, struct yc_err *e);
/* The only row's first column as a message, NULL in *out when there is none. st NULL: the query failed. */
enum yc_code ticket_one(struct ticket *t, struct yc_arena *a, const ProtobufCMessageDescriptor *d, struct yc_stmt *st, void **out, struct yc_err *e) YC_MUST;
/* All rows (at most max) as an array of messages. */
enum yc_code ticket_all(struct yc_arena *a, const ProtobufCMessageDescriptor *d, struct yc_stmt *st, int col, size_t max, void ***out, size_t *n,
			struct yc_err *e) YC_MUST;

#endif
