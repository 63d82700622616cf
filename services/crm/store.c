/* All SQL of the crm. */
#include "crm.h"

#include <string.h>

#include "yc/text.h"

#define COLUMNS "c.id, c.name, c.grade, c.note, c.org_path, c.created_at, c.version, c.contacts, c.last_contact_at"

const char *const crm_sql[] = {
	[CRM_Q_BY_PHONE] = "SELECT customer_id FROM crm_phone WHERE phone = $1",
	[CRM_Q_PHONE_NEW] = "INSERT INTO crm_phone (phone, reversed, customer_id, place) VALUES ($1, $2, $3, $4) ON CONFLICT (phone) DO NOTHING",
	[CRM_Q_PHONES] = "SELECT phone FROM crm_phone WHERE customer_id = $1 ORDER BY place, phone",
	[CRM_Q_PHONES_DROP] = "DELETE FROM crm_phone WHERE customer_id = $1",
	[CRM_Q_NEW] = "INSERT INTO crm_customer (id, name, grade, note, org_path, created_at, version, contacts, last_contact_at) "
		"VALUES ($1, $2, $3, $4, $5, $6, 1, 0, 0)",
	[CRM_Q_GET] = "SELECT " COLUMNS " FROM crm_customer c WHERE c.id = $1",
	[CRM_Q_SET] = "UPDATE crm_customer SET name = $1, grade = $2, note = $3, version = version + 1 WHERE id = $4 AND version = $5",
	[CRM_Q_TOUCH] = "UPDATE crm_customer SET contacts = contacts WHERE id = $1",
	[CRM_Q_CONTACT] = "UPDATE crm_customer SET contacts = contacts + 1, last_contact_at = $2 WHERE id = $1",
	[CRM_Q_ALL] = "SELECT " COLUMNS " FROM crm_customer c WHERE c.id < $1 ORDER BY c.id DESC LIMIT $2",
	[CRM_Q_BY_DIGITS] = "SELECT DISTINCT " COLUMNS " FROM crm_phone p JOIN crm_customer c ON c.id = p.customer_id "
		"WHERE p.reversed >= $1 AND p.reversed < $2 AND c.id < $3 ORDER BY c.id DESC LIMIT $4",
	[CRM_Q_BY_NAME] = "SELECT " COLUMNS " FROM crm_customer c WHERE c.name <> '' AND c.name LIKE $1 ESCAPE '\\' AND c.id < $2 ORDER BY c.id DESC LIMIT $3",
	[CRM_Q_ITEM_PUT] = "INSERT INTO crm_timeline (customer_id, id, at, kind, channel, contact_id, matter_id, title, object_id, agent_id, duration_ms, outcome) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (customer_id, id) DO UPDATE SET "
		"agent_id = excluded.agent_id, duration_ms = excluded.duration_ms, outcome = excluded.outcome",
	[CRM_Q_ITEMS] = "SELECT id, at, kind, channel, contact_id, matter_id, title, object_id, agent_id, duration_ms, outcome FROM crm_timeline "
		"WHERE customer_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
};

#define AFTER_ALL "~"           /* sorts behind every id */

static struct yc_db *db(struct crm *c)
{
	return yc_node_db(c->node);
}

static int q(struct crm *c, int nr)
{
	return yc_node_q(c->node, nr);
}

static const char *cursor(const char *starting_after)
{
	return yc_is_empty(starting_after) ? AFTER_ALL : starting_after;
}

enum yc_code crm_store_by_phone(struct crm *c, const char *phone, char id[YC_ID_LEN], struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db(c), q(c, CRM_Q_BY_PHONE), e, "t", phone);
	int rc = st ? yc_db_step(st, e) : -1;

	id[0] = 0;
	if (rc < 0)
		return e->code;
	if (rc)
		yc_copy(id, YC_ID_LEN, yc_col_text(st, 0));
	yc_db_reset(st);
	return YC_OK;
}

enum yc_code crm_store_phone_add(struct crm *c, const char *phone, const char *id, int64_t place, int *taken, struct yc_err *e)
{
	char reversed[YC_PHONE_LEN];
	int64_t changed = 0;
	enum yc_code rc;

	rc = yc_db_run(db(c), q(c, CRM_Q_PHONE_NEW), &changed, e, "ttti", phone, crm_reversed(phone, reversed), id, place);
	*taken = !changed;
	return rc;
}

enum yc_code crm_store_phones_drop(struct crm *c, const char *id, struct yc_err *e)
{
	return yc_db_run(db(c), q(c, CRM_Q_PHONES_DROP), NULL, e, "t", id);
}

enum yc_code crm_store_new(struct crm *c, const Pb__Customer *cu, struct yc_err *e)
{
	return yc_db_run(db(c), q(c, CRM_Q_NEW), NULL, e, "ttttti", cu->id, cu->name, cu->grade, cu->note, cu->org_path, cu->created_at);
}

static enum yc_code too_large(struct yc_err *e)
{
	return yc_fail(e, YC_TOO_LARGE, NULL, "too much for one reply");
}

static enum yc_code row(struct yc_arena *a, struct yc_stmt *st, Pb__Customer *out, struct yc_err *e)
{
	char **text[] = { &out->id, &out->name, &out->grade, &out->note, &out->org_path };

	for (int i = 0; i < 5; i++) {
		*text[i] = yc_strdup(a, yc_col_text(st, i));
		if (!*text[i])
			return too_large(e);
	}
	out->created_at = yc_col_int(st, 5);
	out->version = yc_col_int(st, 6);
	out->contacts = yc_col_int(st, 7);
	out->last_contact_at = yc_col_int(st, 8);
	return YC_OK;
}

static enum yc_code phones(struct crm *c, struct yc_arena *a, Pb__Customer *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db(c), q(c, CRM_Q_PHONES), e, "t", out->id);
	int rc;

	if (!st)
		return e->code;
	out->phones = yc_alloc(a, CRM_PHONES_MAX * sizeof(char *));
	out->n_phones = 0;
	if (!out->phones) {
		yc_db_reset(st);
		return too_large(e);
	}
	while ((rc = yc_db_step(st, e)) > 0 && out->n_phones < CRM_PHONES_MAX)
		out->phones[out->n_phones++] = yc_strdup(a, yc_col_text(st, 0));
	yc_db_reset(st);
	return rc < 0 ? e->code : YC_OK;
}

enum yc_code crm_store_get(struct crm *c, struct yc_arena *a, const char *id, Pb__Customer *out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(db(c), q(c, CRM_Q_GET), e, "t", id);
	int rc = st ? yc_db_step(st, e) : -1;
	enum yc_code code;

	if (rc < 0)
		return e->code;
	if (!rc)
		return yc_fail(e, YC_NOT_FOUND, "id", "there is no customer %.40s", id);
	code = row(a, st, out, e);
	yc_db_reset(st);
	return code ? code : phones(c, a, out, e);
}

enum yc_code crm_store_set(struct crm *c, const Pb__Customer *cu, int64_t was, struct yc_err *e)
{
	int64_t changed = 0;
	enum yc_code rc = yc_db_run(db(c), q(c, CRM_Q_SET), &changed, e, "tttti", cu->name, cu->grade, cu->note, cu->id, was);

	if (!rc && !changed)
		rc = yc_fail(e, YC_STALE, "if_version", "somebody changed this customer since version %lld", (long long)was);
	return rc;
}

enum yc_code crm_store_touch(struct crm *c, const char *id, struct yc_err *e)
{
	return yc_db_run(db(c), q(c, CRM_Q_TOUCH), NULL, e, "t", id);
}

enum yc_code crm_store_contact(struct crm *c, const char *id, int64_t at, struct yc_err *e)
{
	return yc_db_run(db(c), q(c, CRM_Q_CONTACT), NULL, e, "ti", id, at);
}

static struct yc_stmt *list_query(struct crm *c, const Pb__ListReq *in, int64_t n, struct yc_err *e)
{
	const char *from = cursor(in->starting_after);
	char text[CRM_SEARCH_LEN], end[CRM_SEARCH_LEN];

	switch (crm_search(in->q, text)) {
	case CRM_SEARCH_DIGITS:
		yc_copy(end, sizeof(end) - 1, text);
		end[strlen(end) + 1] = 0;
		end[strlen(end)] = ':';          /* follows '9' */
		return yc_db_query(db(c), q(c, CRM_Q_BY_DIGITS), e, "ttti", text, end, from, n);
	case CRM_SEARCH_NAME:
		return yc_db_query(db(c), q(c, CRM_Q_BY_NAME), e, "tti", text, from, n);
	default:
		return yc_db_query(db(c), q(c, CRM_Q_ALL), e, "ti", from, n);
	}
}

enum yc_code crm_store_list(struct crm *c, struct yc_arena *a, const Pb__ListReq *in, Pb__Customers *out, struct yc_err *e)
{
	int64_t page = crm_page(in->limit);
	struct yc_stmt *st = list_query(c, in, page + 1, e);
	enum yc_code code = YC_OK;
	int rc = 0;

	if (!st)
		return e->code;
	while (!code && (rc = yc_db_step(st, e)) > 0 && (int64_t)out->n_data < page) {
		Pb__Customer *cu = yc_pb_add(a, &pb__customer__descriptor, &out->data, &out->n_data);

		code = cu ? row(a, st, cu, e) : too_large(e);
	}
	out->has_more = rc > 0;
	yc_db_reset(st);
	if (code || rc < 0)
		return e->code;
	for (size_t i = 0; i < out->n_data && !code; i++)
		code = phones(c, a, out->data[i], e);
	if (out->has_more)
		out->next_cursor = out->data[out->n_data - 1]->id;
	return code;
}

enum yc_code crm_store_item_put(struct crm *c, const char *customer_id, const Pb__TimelineItem *it, struct yc_err *e)
{
	return yc_db_run(db(c), q(c, CRM_Q_ITEM_PUT), NULL, e, "ttitttttttit", customer_id, it->id, it->at, it->kind, it->channel, it->contact_id,
			 it->matter_id, it->title, it->object_id, it->agent_id, it->duration_ms, it->outcome);
}

static enum yc_code item_row(struct yc_arena *a, struct yc_stmt *st, Pb__TimelineItem *it, struct yc_err *e)
{
	struct { int col; char **to; } text[] = {
		{ 0, &it->id }, { 2, &it->kind }, { 3, &it->channel }, { 4, &it->contact_id }, { 5, &it->matter_id }, { 6, &it->title },
		{ 7, &it->object_id }, { 8, &it->agent_id }, { 10, &it->outcome },
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
		*text[i].to = yc_strdup(a, yc_col_text(st, text[i].col));
		if (!*text[i].to)
			return too_large(e);
	}
	it->at = yc_col_int(st, 1);
	it->duration_ms = yc_col_int(st, 9);
	return YC_OK;
}

enum yc_code crm_store_items(struct crm *c, struct yc_arena *a, const Pb__TimelineReq *in, Pb__Timeline *out, struct yc_err *e)
{
	int64_t page = crm_page(in->limit);
	struct yc_stmt *st = yc_db_query(db(c), q(c, CRM_Q_ITEMS), e, "tti", in->id, cursor(in->starting_after), page + 1);
	enum yc_code code = YC_OK;
	int rc = 0;

	if (!st)
		return e->code;
	while (!code && (rc = yc_db_step(st, e)) > 0 && (int64_t)out->n_data < page) {
		Pb__TimelineItem *it = yc_pb_add(a, &pb__timeline_item__descriptor, &out->data, &out->n_data);

		code = it ? item_row(a, st, it, e) : too_large(e);
	}
	out->has_more = rc > 0;
	yc_db_reset(st);
	if (code || rc < 0)
		return e->code;
	if (out->has_more)
		out->next_cursor = out->data[out->n_data - 1]->id;
	return YC_OK;
}
