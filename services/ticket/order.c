/* Orders: create, read, list. */
#include <string.h>

#include "ticket.h"
#include "yc/clock.h"
#include "yc/id.h"
#include "yc/json.h"
#include "yc/phone.h"
#include "yc/text.h"

#define SUBJECT_MAX 200         /* characters */
#define BODY_MAX 10000

struct ticket_actor ticket_actor(struct yc_req *rq, char path[TICKET_PATH_LEN])
{
	const Pb__Principal *who = yc_req_who(rq);
	struct yc_err e = { 0 };

	if (ticket_lift(yc_req_self(rq), who->org_path, path, &e) != YC_OK)
		yc_copy(path, TICKET_PATH_LEN, who->org_path);
	return (struct ticket_actor){ .person_id = who->person_id, .roles = who->roles, .path = path };
}

const Pb__ProcessStep *ticket_step(const Pb__Process *p, int32_t step_no)
{
	return step_no >= 1 && (size_t)step_no <= p->n_steps ? p->steps[step_no - 1] : NULL;
}

static enum yc_code find(struct yc_req *rq, const char *key, Pb__Order **out, struct yc_err *e)
{
	struct ticket *t = yc_req_self(rq);
	char number[TICKET_NUMBER_LEN];
	const char *why;

	if (!*key)
		return yc_fail(e, YC_INVALID, "id", "an order's id or number is needed");
	if (yc_id_is(key, "ord"))
		return ticket_store_order(t, yc_req_arena(rq), key, 0, out, e);
	switch (ticket_number_read(key, t->site, number, &why)) {
	case TICKET_NUMBER_OK:
		return ticket_store_order(t, yc_req_arena(rq), number, 1, out, e);
	case TICKET_NUMBER_BAD:
		return yc_fail(e, YC_INVALID, "id", "%s is mistyped: %s", key, why);
	default:
		return yc_fail(e, YC_NOT_FOUND, "id", "%s is neither an order's id nor its number", key);
	}
}

/* Somebody who may not see an order is told the same as if there were none: numbers can be guessed. */
enum yc_code ticket_load(struct yc_req *rq, const char *key, Pb__Order **out, struct yc_err *e)
{
	char path[TICKET_PATH_LEN];
	struct ticket_actor a = ticket_actor(rq, path);
	int held = 0;

	if (find(rq, key, out, e) != YC_OK)
		return e->code;
	if (ticket_sees_site(a.roles) || ticket_path_in((*out)->org_path, path) || (*a.person_id && yc_streq(a.person_id, (*out)->owner_id)))
		return YC_OK;
	if (*path && ticket_store_held(yc_req_self(rq), (*out)->id, path, &held, e) != YC_OK)
		return e->code;
	return held ? YC_OK : yc_fail(e, YC_NOT_FOUND, "id", "there is no order %s", key);
}

static enum yc_code emit(struct ticket *t, const Pb__Order *o, const Pb__Entry *en, const char *type, struct yc_err *e)
{
	Pb__OrderChanged m = PB__ORDER_CHANGED__INIT;

	m.order = (Pb__Order *)o;
	m.entry = (Pb__Entry *)en;
	return yc_emit(t->node, type, o->matter_id, o->id, &m, e);
}

enum yc_code ticket_save(struct ticket *t, struct yc_arena *a, Pb__Order *o, int64_t was, Pb__Entry *en, const char *type, struct yc_err *e)
{
	if (o->entries >= TICKET_ENTRIES_MAX)
		return yc_fail(e, YC_EXHAUSTED, "entries", "an order has at most %d entries", TICKET_ENTRIES_MAX);
	o->version = was + 1;
	en->order_id = o->id;
	en->seq = ++o->entries;
	if (!en->at)
		en->at = yc_now();
	en->due_at = o->due_at;
	if ((was ? ticket_store_update(t, a, o, was, e) : ticket_store_insert(t, a, o, e)) != YC_OK || ticket_store_append(t, a, en, e) != YC_OK)
		return e->code;
	return emit(t, o, en, type, e);
}

static enum yc_code check_create(const Pb__OrderCreateReq *in, const Pb__Principal *who, struct yc_err *e)
{
	if (!*in->subject)
		return yc_fail(e, YC_INVALID, "subject", "an order needs a subject");
	if (yc_utf8_len(in->subject) > SUBJECT_MAX)
		return yc_fail(e, YC_INVALID, "subject", "at most %d characters", SUBJECT_MAX);
	if (yc_utf8_len(in->body) > BODY_MAX)
		return yc_fail(e, YC_INVALID, "body", "at most %d characters", BODY_MAX);
	if (!*in->service)
		return yc_fail(e, YC_INVALID, "service", "an order is about a service");
	if (*in->matter_id && !yc_id_is(in->matter_id, "mat"))
		return yc_fail(e, YC_INVALID, "matter_id", "\"%s\" is no matter's id", in->matter_id);
	if (!*who->person_id || !*who->org_path)
		return yc_fail(e, YC_FORBIDDEN, "owner_id", "an order needs a first-asked owner: a person who belongs to an organisation");
	return YC_OK;
}

struct plan {
	Pb__Service *service;
	Pb__Process *process;
	const Pb__ProcessStep *step;
	int used;
	char centre[TICKET_PATH_LEN], department[TICKET_PATH_LEN], owner[TICKET_PATH_LEN];
};

static enum yc_code org_path(struct ticket *t, const char *code, const char *field, char out[TICKET_PATH_LEN], struct yc_err *e)
{
	struct ticket_org org;
	int found;

	*out = 0;
	if (!*code)
		return YC_OK;
	if (ticket_store_org(t, code, &org, &found, e) != YC_OK)
		return e->code;
	if (!found)
		return yc_fail(e, YC_INVALID, field, "there is no organisation \"%s\"", code);
	yc_copy(out, TICKET_PATH_LEN, org.path);
	return YC_OK;
}

/* What carries the order: service, the process's latest version, and the three who may hold it. */
static enum yc_code plan(struct yc_req *rq, const Pb__OrderCreateReq *in, struct plan *p, struct yc_err *e)
{
	struct ticket *t = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	const char *department;

	if (ticket_store_service(t, a, in->service, &p->service, e) != YC_OK)
		return e->code;
	if (!p->service)
		return yc_fail(e, YC_INVALID, "service", "there is no service \"%s\"", in->service);
	if (ticket_store_process(t, a, p->service->process, 0, &p->process, &p->used, e) != YC_OK)
		return e->code;
	if (!p->process)
		return yc_fail(e, YC_INVALID, "service", "its process \"%s\" is not known", p->service->process);
	p->step = p->process->steps[0];
	department = *in->department ? in->department : p->service->department;
	if (org_path(t, department, "department", p->department, e) != YC_OK ||
	    ticket_lift(t, yc_req_who(rq)->org_path, p->owner, e) != YC_OK)
		return e->code;
	if (yc_is_empty(t->conf.centre)) {
		yc_copy(p->centre, sizeof(p->centre), p->owner);
		return YC_OK;
	}
	return org_path(t, t->conf.centre, "centre", p->centre, e);
}

/* A department step without a department is found now, not when the order gets there. */
static enum yc_code check_plan(const struct plan *p, struct yc_err *e)
{
	for (size_t i = 0; i < p->process->n_steps; i++)
		if (ticket_holder_kind(p->process->steps[i]->holder) == TICKET_HOLDER_DEPARTMENT && !*p->department)
			return yc_fail(e, YC_INVALID, "department", "the service names no department, so the order must");
	return YC_OK;
}

static enum yc_code number(struct ticket *t, struct yc_arena *a, Pb__Order *o, struct yc_err *e)
{
	struct yc_calendar zone = { .utc_offset_min = TICKET_ZONE_MIN };
	int32_t day = yc_cal_date(&zone, o->created_at);
	int64_t n;

	if (ticket_store_number(t, day, &n, e) != YC_OK)
		return e->code;
	o->number = yc_alloc(a, TICKET_NUMBER_LEN);
	o->id = yc_alloc(a, YC_ID_LEN);
	if (!o->number || !o->id)
		return yc_fail(e, YC_TOO_LARGE, NULL, "the request is too large");
	ticket_number_write(o->number, t->site, day, n);
	yc_id_new("ord", o->id);
	return YC_OK;
}

static char *new_matter(struct yc_arena *a)
{
	char id[YC_ID_LEN];

	return yc_strdup(a, yc_id_new("mat", id));
}

static void fill(struct yc_req *rq, const Pb__OrderCreateReq *in, const struct plan *p, Pb__Order *o)
{
	struct ticket *t = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	const Pb__Principal *who = yc_req_who(rq);
	char phone[YC_PHONE_LEN];

	o->site = t->site;
	o->matter_id = *in->matter_id ? in->matter_id : new_matter(a);
	o->contact_id = in->contact_id;
	o->customer_id = in->customer_id;
	o->customer_name = in->customer_name;
	yc_phone_normalize(in->customer_phone, yc_node_conf(t->node)->area, phone);
	o->customer_phone = yc_strdup(a, phone);
	o->service = in->service;
	o->process = p->process->code;
	o->process_version = p->process->version_no;
	o->subject = in->subject;
	o->body = in->body;
	o->state = (Pb__OrderState)yc_fsm_next(&ticket_fsm, ticket_fsm.start, TICKET_CREATE, NULL)->to;
	o->owner_id = o->created_by = who->person_id;
	o->owner_name = who->name;
	o->calendar = p->service->calendar;
	o->department = yc_strdup(a, ticket_path_code(p->department));
	o->created_at = o->step_since_at = yc_now();
	o->step = p->step->code;
	o->step_no = 1;
}

static enum yc_code hold_first(struct yc_req *rq, const struct plan *p, Pb__Order *o, struct yc_err *e)
{
	struct ticket_parties parties = { .centre_path = p->centre, .department_path = p->department, .owner_path = p->owner,
					  .owner_id = o->owner_id, .owner_name = o->owner_name };
	struct yc_arena *a = yc_req_arena(rq);
	struct ticket_holder h;

	if (ticket_holder_of(p->step, &parties, &h, e) != YC_OK)
		return e->code;
	o->handler_org = yc_strdup(a, h.org);
	o->org_path = yc_strdup(a, h.path);
	o->handler_id = yc_strdup(a, h.person);
	o->handler_name = yc_strdup(a, h.person_name);
	return YC_OK;
}

enum yc_code ticket_on_create(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__OrderCreateReq *in = vin;
	Pb__Order *o = vout;
	struct ticket *t = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	Pb__Entry en = PB__ENTRY__INIT;
	struct plan p;

	if (check_create(in, yc_req_who(rq), e) != YC_OK || plan(rq, in, &p, e) != YC_OK || check_plan(&p, e) != YC_OK)
		return e->code;
	fill(rq, in, &p, o);
	if (number(t, a, o, e) != YC_OK || hold_first(rq, &p, o, e) != YC_OK || ticket_due_set(t, a, o, p.service, p.step, NULL, 0, e) != YC_OK)
		return e->code;
	if (!p.used && ticket_store_process_used(t, o->process, o->process_version, e) != YC_OK)
		return e->code;
	en.kind = (char *)"created";
	en.at = o->created_at;
	en.visibility = PB__ENTRY_VISIBILITY__ENTRY_VISIBILITY_PUBLIC;
	en.actor_id = o->owner_id;
	en.actor_name = o->owner_name;
	en.text = o->subject;
	en.next_step = o->step;
	en.to_org = o->handler_org;
	if (ticket_save(t, a, o, 0, &en, "order.created", e) != YC_OK)
		return e->code;
	return ticket_store_hold(t, o->id, o->org_path, 1, e);
}

enum yc_code ticket_on_get(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__OrderReq *in = vin;
	Pb__OrderFull *out = vout;
	struct ticket *t = yc_req_self(rq);
	Pb__Process *p;
	int used;

	if (ticket_load(rq, in->id, &out->order, e) != YC_OK ||
	    ticket_store_entries(t, yc_req_arena(rq), out->order->id, &out->entries, &out->n_entries, e) != YC_OK ||
	    ticket_store_process(t, yc_req_arena(rq), out->order->process, out->order->process_version, &p, &used, e) != YC_OK)
		return e->code;
	if (p) {
		out->steps = p->steps;
		out->n_steps = p->n_steps;
	}
	return YC_OK;
}

enum yc_code ticket_on_entries(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__EntriesReq *in = vin;
	Pb__Entries *out = vout;
	size_t n, kept = 0;
	Pb__Order *o;

	if (ticket_load(rq, in->id, &o, e) != YC_OK ||
	    ticket_store_entries(yc_req_self(rq), yc_req_arena(rq), o->id, &out->data, &n, e) != YC_OK)
		return e->code;
	for (size_t i = 0; i < n; i++)
		if (!in->public_only || out->data[i]->visibility == PB__ENTRY_VISIBILITY__ENTRY_VISIBILITY_PUBLIC)
			out->data[kept++] = out->data[i];
	out->n_data = kept;
	return YC_OK;
}

/* q is an order's number, a telephone number, or words of the subject or the customer's name. */
static enum yc_code search(struct yc_req *rq, const char *q, struct ticket_filter *f, struct yc_err *e)
{
	struct ticket *t = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	char number[TICKET_NUMBER_LEN], phone[YC_PHONE_LEN];
	const char *why;

	switch (ticket_number_read(q, t->site, number, &why)) {
	case TICKET_NUMBER_OK:
		f->number = yc_strdup(a, number);
		return YC_OK;
	case TICKET_NUMBER_BAD:
		return yc_fail(e, YC_INVALID, "q", "the order number %s is mistyped: %s", q, why);
	default:
		break;
	}
	if (strspn(q, "+0123456789 -()") == strlen(q) && yc_phone_normalize(q, yc_node_conf(t->node)->area, phone) != YC_PHONE_NONE)
		f->phone = yc_strdup(a, phone);
	else
		ticket_filter_words(f, q);
	return YC_OK;
}

static const char *given(const char *s)
{
	return *s ? s : NULL;
}

static enum yc_code filter(struct yc_req *rq, const Pb__OrderListReq *in, struct ticket_filter *f, struct yc_err *e)
{
	struct ticket_org org;
	int found;

	memset(f, 0, sizeof(*f));
	f->owner_id = given(in->owner_id);
	f->matter_id = given(in->matter_id);
	f->customer_id = given(in->customer_id);
	if (*in->state) {
		f->state = yc_enum_value(&pb__order_state__descriptor, in->state);
		if (f->state <= 0)
			return yc_fail(e, YC_INVALID, "state", "\"%s\" is none of open, answered, closed", in->state);
	}
	if (*in->handler_org) {
		if (ticket_store_org(yc_req_self(rq), in->handler_org, &org, &found, e) != YC_OK)
			return e->code;
		if (!found)
			return yc_fail(e, YC_INVALID, "handler_org", "there is no organisation \"%s\"", in->handler_org);
		f->handler_path = yc_strdup(yc_req_arena(rq), org.path);
	}
	return *in->q ? search(rq, in->q, f, e) : YC_OK;
}

enum yc_code ticket_on_list(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__OrderListReq *in = vin;
	Pb__Orders *out = vout;
	char path[TICKET_PATH_LEN], cursor[64];
	struct ticket_actor who = ticket_actor(rq, path);
	size_t limit = in->limit ? (size_t)in->limit : 50;
	struct ticket_filter f;
	int more;

	if (in->limit < 0 || in->limit > 200)
		return yc_fail(e, YC_INVALID, "limit", "1 to 200");
	if (*in->starting_after && !yc_id_is(in->starting_after, "ord"))
		return yc_fail(e, YC_INVALID, "starting_after", "\"%s\" is no order's id", in->starting_after);
	if (!ticket_sees_site(who.roles) && !*path)
		return yc_fail(e, YC_FORBIDDEN, NULL, "a person without an organisation sees no orders");
	if (filter(rq, in, &f, e) != YC_OK)
		return e->code;
	if (ticket_store_list(yc_req_self(rq), yc_req_arena(rq), &f, ticket_sees_site(who.roles) ? NULL : path, in->starting_after, limit,
			      &out->data, &out->n_data, &more, cursor, e) != YC_OK)
		return e->code;
	out->has_more = more;
	if (more)
		out->next_cursor = yc_strdup(yc_req_arena(rq), cursor);
	return YC_OK;
}
