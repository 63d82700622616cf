/* Orders, entries, holdings, numbers: all SQL of the ticket service except its catalogue and copies (store_catalog.c has the handlers,
 * the texts stand here, because they are prepared as one set). */
#include "store.h"

#include <string.h>

#include "yc/text.h"

#define O_LIST(where) "SELECT o.id, o.doc FROM ticket_order o WHERE " where " AND o.id < $2 ORDER BY o.id DESC LIMIT $3"
#define H_LIST(now) "SELECT o.id, o.doc FROM ticket_holding h JOIN ticket_order o ON o.id = h.order_id " \
	"WHERE h.org_path = $1" now " AND h.order_id < $2 ORDER BY h.order_id DESC LIMIT $3"

const char *const ticket_sql[] = {
	[Q_NUMBER] = "INSERT INTO ticket_counter (site, day, n) VALUES ($1, $2, 1) "
		"ON CONFLICT (site, day) DO UPDATE SET n = ticket_counter.n + 1 RETURNING n",
	[Q_ORDER_NEW] = "INSERT INTO ticket_order (id, number, state, matter_id, customer_id, customer_phone, owner_id, calendar, due_at, version, doc) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
	[Q_ORDER_SET] = "UPDATE ticket_order SET state = $1, owner_id = $2, due_at = $3, version = $4, doc = $5 WHERE id = $6 AND version = $7",
	[Q_ORDER_ID] = "SELECT doc FROM ticket_order WHERE id = $1",
	[Q_ORDER_NUMBER] = "SELECT doc FROM ticket_order WHERE number = $1",
	[Q_ENTRY_NEW] = "INSERT INTO ticket_entry (order_id, seq, at, kind, doc) VALUES ($1, $2, $3, $4, $5)",
	[Q_ENTRIES] = "SELECT doc FROM ticket_entry WHERE order_id = $1 ORDER BY seq",
	[Q_HOLD_LEAVE] = "UPDATE ticket_holding SET now = 0 WHERE order_id = $1 AND now = 1",
	[Q_HOLD] = "INSERT INTO ticket_holding (org_path, order_id, now) VALUES ($1, $2, 1) ON CONFLICT (org_path, order_id) DO UPDATE SET now = 1",
	[Q_HELD] = "SELECT 1 FROM ticket_holding WHERE org_path = $1 AND order_id = $2",
	[Q_LIST_ALL] = O_LIST("$1 = ''"),
	[Q_LIST_STATE] = O_LIST("o.state = $1"),
	[Q_LIST_NUMBER] = O_LIST("o.number = $1"),
	[Q_LIST_PHONE] = O_LIST("o.customer_phone = $1"),
	[Q_LIST_MATTER] = O_LIST("o.matter_id = $1"),
	[Q_LIST_CUSTOMER] = O_LIST("o.customer_id = $1"),
	[Q_LIST_OWNER] = O_LIST("o.owner_id = $1"),
	[Q_LIST_HELD] = H_LIST(""),
	[Q_LIST_HOLDS] = H_LIST(" AND h.now = 1"),
	[Q_OPEN_AFTER] = "SELECT o.id, o.doc FROM ticket_order o WHERE o.state = $1 AND o.id > $2 AND o.calendar = $3 ORDER BY o.id LIMIT $4",
	[Q_PROCESS] = "SELECT doc, used FROM ticket_process WHERE code = $1 AND version_no = $2",
	[Q_PROCESS_LATEST] = "SELECT doc, used FROM ticket_process WHERE code = $1 ORDER BY version_no DESC LIMIT 1",
	[Q_PROCESS_PUT] = "INSERT INTO ticket_process (code, version_no, used, version, doc) VALUES ($1, $2, 0, $3, $4) "
		"ON CONFLICT (code, version_no) DO UPDATE SET version = excluded.version, doc = excluded.doc",
	[Q_PROCESS_USED] = "UPDATE ticket_process SET used = 1 WHERE code = $1 AND version_no = $2 AND used = 0",
	[Q_PROCESSES] = "SELECT doc FROM ticket_process ORDER BY code, version_no",
	[Q_SERVICE] = "SELECT doc FROM ticket_service WHERE code = $1",
	[Q_SERVICE_PUT] = "INSERT INTO ticket_service (code, version, doc) VALUES ($1, $2, $3) "
		"ON CONFLICT (code) DO UPDATE SET version = excluded.version, doc = excluded.doc",
	[Q_SERVICES] = "SELECT doc FROM ticket_service ORDER BY code",
	[Q_CALENDAR_PUT] = "INSERT INTO ticket_calendar (code, version, recalc, recalc_after, doc) VALUES ($1, $2, 1, '', $3) "
		"ON CONFLICT (code) DO UPDATE SET version = excluded.version, recalc = 1, recalc_after = '', doc = excluded.doc "
		"WHERE ticket_calendar.version < excluded.version",
	[Q_CALENDAR_VERSION] = "SELECT version FROM ticket_calendar WHERE code = $1",
	[Q_CALENDAR] = "SELECT doc FROM ticket_calendar WHERE code = $1",
	[Q_RECALC_NEXT] = "SELECT code, recalc_after FROM ticket_calendar WHERE recalc = 1 ORDER BY code LIMIT 1",
	[Q_RECALC_SET] = "UPDATE ticket_calendar SET recalc = $1, recalc_after = $2 WHERE code = $3",
	[Q_ORG_PUT] = "INSERT INTO ticket_org (code, path, name, kind, version) VALUES ($1, $2, $3, $4, $5) "
		"ON CONFLICT (code) DO UPDATE SET path = excluded.path, name = excluded.name, kind = excluded.kind, version = excluded.version "
		"WHERE ticket_org.version < excluded.version OR ticket_org.path <> excluded.path",
	[Q_ORG] = "SELECT code, path, name, kind FROM ticket_org WHERE code = $1",
	[Q_ORG_PATH] = "SELECT code, path, name, kind FROM ticket_org WHERE path = $1",
	[Q_ORG_ANY] = "SELECT 1 FROM ticket_org LIMIT 1",
	[Q_PERSON_PUT] = "INSERT INTO ticket_person (id, staff_no, name, org_path, active, version) VALUES ($1, $2, $3, $4, $5, $6) "
		"ON CONFLICT (id) DO UPDATE SET staff_no = excluded.staff_no, name = excluded.name, org_path = excluded.org_path, "
		"active = excluded.active, version = excluded.version WHERE ticket_person.version < excluded.version",
	[Q_PERSON] = "SELECT id, staff_no, name, org_path, active FROM ticket_person WHERE id = $1 OR staff_no = $1",
};

/* Packed into the arena; n = 0 with a non-NULL pointer is an empty message. NULL: the arena's limit. */
static void *pack(struct yc_arena *a, const ProtobufCMessage *m, size_t *n)
{
	uint8_t *p = yc_alloc(a, protobuf_c_message_get_packed_size(m) + 1);

	*n = p ? protobuf_c_message_pack(m, p) : 0;
	return p;
}

void *ticket_pack(struct yc_arena *a, const void *msg, size_t *n, struct yc_err *e)
{
	void *p = pack(a, msg, n);

	if (!p)
		yc_fail(e, YC_TOO_LARGE, NULL, "the order is too large");
	return p;
}

void *ticket_unpack(struct yc_arena *a, const ProtobufCMessageDescriptor *d, struct yc_stmt *st, int col, struct yc_err *e)
{
	size_t n;
	const void *p = yc_col_blob(st, col, &n);
	void *m = protobuf_c_message_unpack(d, yc_arena_pb(a), n, p);

	if (!m)
		yc_fail(e, YC_INTERNAL, NULL, "a stored %s cannot be read", d->short_name);
	return m;
}

enum yc_code ticket_one(struct ticket *t, struct yc_arena *a, const ProtobufCMessageDescriptor *d, struct yc_stmt *st, void **out, struct yc_err *e)
{
	int rc = st ? yc_db_step(st, e) : -1;

	(void)t;
	*out = NULL;
	if (rc < 0)
		return e->code;
	if (rc == 0)
		return YC_OK;
	*out = ticket_unpack(a, d, st, 0, e);
	yc_db_reset(st);
	return *out ? YC_OK : e->code;
}

enum yc_code ticket_all(struct yc_arena *a, const ProtobufCMessageDescriptor *d, struct yc_stmt *st, int col, size_t max, void ***out, size_t *n, struct yc_err *e)
{
	size_t cap = 0;
	int rc;

	*out = NULL;
	*n = 0;
	if (!st)
		return e->code;
	while ((rc = yc_db_step(st, e)) > 0 && *n < max) {
		if (*n == cap) {
			void **more = yc_alloc(a, (cap ? cap * 2 : 16) * sizeof(void *));

			if (!more) {
				yc_db_reset(st);
				return yc_fail(e, YC_TOO_LARGE, NULL, "too many rows for one reply");
			}
			if (cap)
				memcpy(more, *out, cap * sizeof(void *));
			cap = cap ? cap * 2 : 16;
			*out = more;
		}
		(*out)[*n] = ticket_unpack(a, d, st, col, e);
		if (!(*out)[(*n)++]) {
			yc_db_reset(st);
			return e->code;
		}
	}
	if (rc > 0)
		yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}

enum yc_code ticket_store_number(struct ticket *t, int32_t day, int64_t *n, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, Q_NUMBER), e, "ti", t->site, (int64_t)day);
	int rc = st ? yc_db_step(st, e) : -1;

	if (rc < 0)
		return e->code;
	if (rc == 0)
		return yc_fail(e, YC_INTERNAL, NULL, "the number counter gave nothing");
	*n = yc_col_int(st, 0);
	yc_db_reset(st);
	return YC_OK;
}

enum yc_code ticket_store_insert(struct ticket *t, struct yc_arena *a, const Pb__Order *o, struct yc_err *e)
{
	size_t n;
	void *doc = ticket_pack(a, o, &n, e);

	if (!doc)
		return e->code;
	return yc_db_run(ticket_db(t), ticket_q(t, Q_ORDER_NEW), NULL, e, "ttitttttiib", o->id, o->number, (int64_t)o->state, o->matter_id, o->customer_id,
			 o->customer_phone, o->owner_id, o->calendar, o->due_at, o->version, doc, n);
}

enum yc_code ticket_store_update(struct ticket *t, struct yc_arena *a, const Pb__Order *o, int64_t was, struct yc_err *e)
{
	size_t n;
	int64_t changed = 0;
	void *doc = ticket_pack(a, o, &n, e);

	if (!doc)
		return e->code;
	if (yc_db_run(ticket_db(t), ticket_q(t, Q_ORDER_SET), &changed, e, "itiibti", (int64_t)o->state, o->owner_id, o->due_at, o->version, doc, n,
		      o->id, was) != YC_OK)
		return e->code;
	if (changed != 1)
		return yc_fail(e, YC_STALE, "version", "the order was changed by somebody else at the same moment");
	return YC_OK;
}

enum yc_code ticket_store_append(struct ticket *t, struct yc_arena *a, const Pb__Entry *en, struct yc_err *e)
{
	size_t n;
	void *doc = ticket_pack(a, en, &n, e);

	if (!doc)
		return e->code;
	return yc_db_run(ticket_db(t), ticket_q(t, Q_ENTRY_NEW), NULL, e, "tiitb", en->order_id, (int64_t)en->seq, en->at, en->kind, doc, n);
}

enum yc_code ticket_store_order(struct ticket *t, struct yc_arena *a, const char *key, int is_number, Pb__Order **out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, is_number ? Q_ORDER_NUMBER : Q_ORDER_ID), e, "t", key);
	void *o = NULL;

	if (ticket_one(t, a, &pb__order__descriptor, st, &o, e) != YC_OK)
		return e->code;
	*out = o;
	return o ? YC_OK : yc_fail(e, YC_NOT_FOUND, "id", "there is no order %s", key);
}

enum yc_code ticket_store_entries(struct ticket *t, struct yc_arena *a, const char *id, Pb__Entry ***out, size_t *n, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, Q_ENTRIES), e, "t", id);

	return ticket_all(a, &pb__entry__descriptor, st, 0, TICKET_ENTRIES_MAX, (void ***)out, n, e);
}

/* A row for the path and each one above it but the root: everybody who sees the root sees everything anyway. */
enum yc_code ticket_store_hold(struct ticket *t, const char *id, const char *path, int is_new, struct yc_err *e)
{
	char p[TICKET_PATH_LEN];
	char *slash;

	if (!is_new && yc_db_run(ticket_db(t), ticket_q(t, Q_HOLD_LEAVE), NULL, e, "t", id) != YC_OK)
		return e->code;
	yc_copy(p, sizeof(p), path);
	while ((slash = strrchr(p, '/')) && slash != p) {
		if (yc_db_run(ticket_db(t), ticket_q(t, Q_HOLD), NULL, e, "tt", p, id) != YC_OK)
			return e->code;
		*slash = 0;
	}
	return YC_OK;
}

enum yc_code ticket_store_held(struct ticket *t, const char *id, const char *path, int *held, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, Q_HELD), e, "tt", path, id);
	int rc = st ? yc_db_step(st, e) : -1;

	if (rc < 0)
		return e->code;
	*held = rc > 0;
	if (rc > 0)
		yc_db_reset(st);
	return YC_OK;
}

enum yc_code ticket_store_open_after(struct ticket *t, struct yc_arena *a, const char *calendar, const char *after, size_t limit,
				     Pb__Order ***out, size_t *n, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(ticket_db(t), ticket_q(t, Q_OPEN_AFTER), e, "itti", (int64_t)OPEN, after, calendar, (int64_t)limit);

	return ticket_all(a, &pb__order__descriptor, st, 1, limit, (void ***)out, n, e);
}
