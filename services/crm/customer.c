/* Customers: found or made by number, listed, edited. */
#include "crm.h"

#include <stdio.h>
#include <string.h>

#include "yc/clock.h"
#include "yc/text.h"

/* A customer made by an event may not be committed yet; a reply that names him has to wait for it. */
#define FRESH_MS 5000

static enum yc_code make(struct crm *c, const char *phone, const char *name, const char *org_path, char id[YC_ID_LEN], struct yc_err *e)
{
	Pb__Customer cu = PB__CUSTOMER__INIT;
	char *phones[] = { (char *)phone };
	enum yc_code rc;

	cu.id = id;
	cu.name = (char *)name;
	cu.org_path = (char *)org_path;
	cu.created_at = yc_now();
	cu.version = 1;
	cu.phones = phones;
	cu.n_phones = 1;
	rc = crm_store_new(c, &cu, e);
	return rc ? rc : yc_emit(c->node, "customer.created", "", id, &cu, e);
}

enum yc_code crm_find_or_make(struct crm *c, const char *phone, const char *name, const char *org_path, char id[YC_ID_LEN], int *made, struct yc_err *e)
{
	char norm[YC_PHONE_LEN];
	enum yc_code rc;
	int taken;

	id[0] = 0;
	*made = 0;
	if (yc_phone_normalize(phone, yc_node_conf(c->node)->area, norm) == YC_PHONE_NONE)
		return YC_OK;
	rc = crm_store_by_phone(c, norm, id, e);
	if (rc || *id)
		return rc;
	/* The number first: it decides between two instances that make the same customer at once. */
	yc_id_new("cus", id);
	rc = crm_store_phone_add(c, norm, id, 0, &taken, e);
	if (rc)
		return rc;
	if (taken)
		return crm_store_by_phone(c, norm, id, e);
	*made = 1;
	return make(c, norm, name, org_path, id, e);
}

enum yc_code crm_on_resolve(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__ResolveReq *in = vin;
	struct crm *c = yc_req_self(rq);
	Pb__Customer *cu = out;
	char id[YC_ID_LEN];
	enum yc_code rc;
	int made;

	if (yc_utf8_len(in->name) > CRM_NAME_MAX)
		return yc_fail(e, YC_INVALID, "name", "a name has at most %d characters", CRM_NAME_MAX);
	rc = crm_find_or_make(c, in->phone, in->name, yc_req_who(rq)->org_path, id, &made, e);
	if (rc)
		return rc;
	if (!*id)
		return yc_fail(e, YC_INVALID, "phone", "this is no telephone number");
	rc = crm_store_get(c, yc_req_arena(rq), id, cu, e);
	if (!rc && !made && cu->created_at > yc_now() - FRESH_MS && yc_db_is_dirty(yc_node_db(c->node)))
		rc = crm_store_touch(c, id, e);
	return rc;
}

enum yc_code crm_on_get(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__KeyReq *in = vin;

	return crm_store_get(yc_req_self(rq), yc_req_arena(rq), in->id, out, e);
}

enum yc_code crm_on_list(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	return crm_store_list(yc_req_self(rq), yc_req_arena(rq), in, out, e);
}

/* --- editing -------------------------------------------------------------------------------------------------------------------- */

static enum yc_code set_phones(struct yc_req *rq, Pb__Customer *cu, const Pb__CustomerPut *in, struct yc_err *e)
{
	struct crm *c = yc_req_self(rq);
	enum yc_code rc = crm_store_phones_drop(c, cu->id, e);

	cu->phones = yc_alloc(yc_req_arena(rq), (in->n_phones + 1) * sizeof(char *));
	cu->n_phones = 0;
	if (!rc && !cu->phones)
		rc = yc_fail(e, YC_TOO_LARGE, NULL, "too much for one reply");
	for (size_t i = 0; i < in->n_phones && !rc; i++) {
		char norm[YC_PHONE_LEN], field[32], holder[YC_ID_LEN];
		int taken;

		snprintf(field, sizeof(field), "phones.%zu", i);
		if (yc_phone_normalize(in->phones[i], yc_node_conf(c->node)->area, norm) == YC_PHONE_NONE)
			return yc_fail(e, YC_INVALID, field, "this is no telephone number");
		rc = crm_store_phone_add(c, norm, cu->id, (int64_t)i, &taken, e);
		if (!rc && taken)
			rc = crm_store_by_phone(c, norm, holder, e);
		if (!rc && taken && strcmp(holder, cu->id))
			return yc_fail(e, YC_CONFLICT, field, "another customer has this number: %s", holder);
		if (!rc && !taken)
			cu->phones[cu->n_phones++] = yc_strdup(yc_req_arena(rq), norm);
	}
	return rc;
}

static enum yc_code told(struct yc_req *rq, const char *type, const Pb__Customer *cu, struct yc_err *e)
{
	const Pb__Principal *who = yc_req_who(rq);
	struct crm *c = yc_req_self(rq);
	Pb__Audited a = PB__AUDITED__INIT;
	enum yc_code rc = yc_emit(c->node, type, "", cu->id, cu, e);

	a.actor = who->person_id;
	a.actor_name = who->name;
	a.action = (char *)type;
	a.object = cu->id;
	return rc ? rc : yc_emit(c->node, "audit.customer", "", cu->id, &a, e);
}

static enum yc_code create(struct yc_req *rq, const Pb__CustomerPut *in, Pb__Customer *cu, struct yc_err *e)
{
	struct crm *c = yc_req_self(rq);
	enum yc_code rc;

	cu->id = yc_alloc(yc_req_arena(rq), YC_ID_LEN);
	if (!cu->id)
		return yc_fail(e, YC_TOO_LARGE, NULL, "too much for one reply");
	yc_id_new("cus", cu->id);
	cu->name = in->name;
	cu->grade = in->grade;
	cu->note = in->note;
	cu->org_path = yc_req_who(rq)->org_path;
	cu->created_at = yc_now();
	cu->version = 1;
	rc = crm_store_new(c, cu, e);
	if (!rc)
		rc = set_phones(rq, cu, in, e);
	return rc ? rc : told(rq, "customer.created", cu, e);
}

enum yc_code crm_on_put(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__CustomerPut *in = vin;
	unsigned fields = crm_fields(in);
	struct crm *c = yc_req_self(rq);
	Pb__Customer *cu = out;
	enum yc_code rc = crm_check(in, fields, e);

	if (rc)
		return rc;
	if (!*in->id)
		return create(rq, in, cu, e);
	rc = crm_store_get(c, yc_req_arena(rq), in->id, cu, e);
	if (rc)
		return rc;
	if (in->if_version && in->if_version != cu->version)
		return yc_fail(e, YC_STALE, "if_version", "this customer is at version %lld", (long long)cu->version);
	cu->name = fields & CRM_NAME ? in->name : cu->name;
	cu->grade = fields & CRM_GRADE ? in->grade : cu->grade;
	cu->note = fields & CRM_NOTE ? in->note : cu->note;
	rc = crm_store_set(c, cu, cu->version, e);
	cu->version++;
	if (!rc && (fields & CRM_PHONES))
		rc = set_phones(rq, cu, in, e);
	return rc ? rc : told(rq, "customer.changed", cu, e);
}
