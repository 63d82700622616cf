/* What people do with an order. Each: load, ask the machine, decide (pure), append the entry, keep the projection. */
#include <string.h>

#include "ticket.h"
#include "yc/clock.h"
#include "yc/text.h"

#define TEXT_MAX 10000

struct act {
	struct ticket *t;
	struct yc_arena *a;
	struct yc_req *rq;
	Pb__Order *o;
	Pb__Process *p;
	const Pb__ProcessStep *step;
	int64_t was;                    /* version as loaded */
	struct ticket_actor who;
	char path[TICKET_PATH_LEN];
	struct ticket_facts facts;
	Pb__Entry en;
	int moved;                      /* the holder changed */
};

static enum yc_code load_process(struct act *c, struct yc_err *e)
{
	int used;

	if (ticket_store_process(c->t, c->a, c->o->process, c->o->process_version, &c->p, &used, e) != YC_OK)
		return e->code;
	c->step = c->p ? ticket_step(c->p, c->o->step_no) : NULL;
	return c->step ? YC_OK : yc_fail(e, YC_INTERNAL, "process", "version %d of process \"%s\" is gone", c->o->process_version, c->o->process);
}

static enum yc_code begin(struct act *c, struct yc_req *rq, const char *id, int64_t if_version, const char *kind, const char *text, struct yc_err *e)
{
	memset(c, 0, sizeof(*c));
	pb__entry__init(&c->en);
	c->rq = rq;
	c->t = yc_req_self(rq);
	c->a = yc_req_arena(rq);
	c->who = ticket_actor(rq, c->path);
	if (yc_utf8_len(text) > TEXT_MAX)
		return yc_fail(e, YC_INVALID, "text", "at most %d characters", TEXT_MAX);
	if (ticket_load(rq, id, &c->o, e) != YC_OK || load_process(c, e) != YC_OK)
		return e->code;
	c->was = c->o->version;
	if (if_version && if_version != c->was)
		return yc_fail(e, YC_STALE, "if_version", "the order is at version %lld", (long long)c->was);
	c->facts = (struct ticket_facts){ .step_no = c->o->step_no, .n_steps = (int)c->p->n_steps, .answered = c->o->answered_at != 0 };
	c->en.at = yc_now();
	c->en.kind = (char *)kind;
	c->en.text = (char *)text;
	c->en.actor_id = yc_req_who(rq)->person_id;
	c->en.actor_name = yc_req_who(rq)->name;
	c->en.step = c->step->code;
	return YC_OK;
}

static enum yc_code must_hold(const struct act *c, struct yc_err *e)
{
	if (ticket_may_act(&c->who, c->o, ticket_holder_kind(c->step->holder)))
		return YC_OK;
	return yc_fail(e, YC_FORBIDDEN, "handler_org", "step \"%s\" is held by %s", c->step->name, c->o->handler_org);
}

static enum yc_code must_own(const struct act *c, struct yc_err *e)
{
	if (ticket_may_direct(&c->who) || (*c->who.person_id && yc_streq(c->who.person_id, c->o->owner_id)))
		return YC_OK;
	return yc_fail(e, YC_FORBIDDEN, "owner_id", "this is the first-asked owner's duty: %s", c->o->owner_name);
}

static enum yc_code finish(struct act *c, const char *type, void *out, struct yc_err *e)
{
	if (ticket_save(c->t, c->a, c->o, c->was, &c->en, type, e) != YC_OK)
		return e->code;
	if (c->moved && ticket_store_hold(c->t, c->o->id, c->o->org_path, 0, e) != YC_OK)
		return e->code;
	*(Pb__Order *)out = *c->o;
	return YC_OK;
}

static void set_holder(struct act *c, const struct ticket_holder *h)
{
	c->o->handler_org = yc_strdup(c->a, h->org);
	c->o->org_path = yc_strdup(c->a, h->path);
	c->o->handler_id = yc_strdup(c->a, h->person);
	c->o->handler_name = yc_strdup(c->a, h->person_name);
	c->en.to_org = c->o->handler_org;
	c->moved = 1;
}

static enum yc_code path_of(struct act *c, const char *code, const char *field, char out[TICKET_PATH_LEN], struct yc_err *e)
{
	struct ticket_org org;
	int found;

	*out = 0;
	if (yc_is_empty(code))
		return YC_OK;
	if (ticket_store_org(c->t, code, &org, &found, e) != YC_OK)
		return e->code;
	if (!found)
		return yc_fail(e, YC_INVALID, field, "there is no organisation \"%s\"", code);
	yc_copy(out, TICKET_PATH_LEN, org.path);
	return YC_OK;
}

/* Where the owner belongs today: he may have moved since. A person directory has not told of counts as belonging to who created. */
static enum yc_code owner_path(struct act *c, char out[TICKET_PATH_LEN], struct yc_err *e)
{
	struct ticket_person person;
	int found;

	if (yc_streq(c->o->owner_id, c->who.person_id)) {
		yc_copy(out, TICKET_PATH_LEN, c->path);
		return YC_OK;
	}
	if (ticket_store_person(c->t, c->o->owner_id, &person, &found, e) != YC_OK)
		return e->code;
	return ticket_lift(c->t, found ? person.path : "", out, e);
}

/* Move to step_no; org: who shall hold it, or NULL for who the step names. */
static enum yc_code move(struct act *c, int step_no, const char *org, Pb__Entry *const *entries, size_t n, struct yc_err *e)
{
	char centre[TICKET_PATH_LEN], department[TICKET_PATH_LEN], owner[TICKET_PATH_LEN];
	struct ticket_parties parties = { centre, department, owner, c->o->owner_id, c->o->owner_name };
	const Pb__ProcessStep *to = ticket_step(c->p, step_no);
	struct ticket_holder h;
	Pb__Service *s;

	if (path_of(c, org ? org : c->o->department, "department", department, e) != YC_OK || owner_path(c, owner, e) != YC_OK ||
	    path_of(c, org ? org : c->t->conf.centre, "centre", centre, e) != YC_OK)
		return e->code;
	if (!*centre)
		yc_copy(centre, sizeof(centre), owner);
	if (!*owner)
		yc_copy(owner, sizeof(owner), centre);
	if (ticket_holder_of(to, &parties, &h, e) != YC_OK)
		return e->code;
	c->en.from_org = c->o->handler_org;
	c->en.next_step = to->code;
	c->o->step = to->code;
	c->o->step_no = step_no;
	c->o->step_since_at = c->en.at;
	set_holder(c, &h);
	if (ticket_store_service(c->t, c->a, c->o->service, &s, e) != YC_OK)
		return e->code;
	return s ? ticket_due_set(c->t, c->a, c->o, s, to, entries, n, e) : YC_OK;
}

/* Entries with the one being made at the end, for rules that look at all of them. */
static enum yc_code history(struct act *c, Pb__Entry ***out, size_t *n, struct yc_err *e)
{
	Pb__Entry **all, **more;

	if (ticket_store_entries(c->t, c->a, c->o->id, &all, n, e) != YC_OK)
		return e->code;
	more = yc_alloc(c->a, (*n + 1) * sizeof(*more));
	if (!more)
		return yc_fail(e, YC_TOO_LARGE, NULL, "the order is too large");
	if (*n)
		memcpy(more, all, *n * sizeof(*more));
	more[(*n)++] = &c->en;
	*out = more;
	return YC_OK;
}

static enum yc_code previous_step(struct act *c, struct yc_err *e)
{
	Pb__Entry **entries;
	const char *org;
	size_t n;

	if (history(c, &entries, &n, e) != YC_OK)
		return e->code;
	org = ticket_previous_org(entries, n, c->o->step);
	return move(c, c->o->step_no - 1, org, entries, n, e);
}

static enum yc_code next_step(struct act *c, struct yc_err *e)
{
	Pb__Entry **entries;
	size_t n;

	if (history(c, &entries, &n, e) != YC_OK)
		return e->code;
	return move(c, c->o->step_no + 1, NULL, entries, n, e);
}

/* One event of the order's machine: its effects in order, then its state. */
static enum yc_code step_machine(struct act *c, enum ticket_event ev, struct yc_err *e)
{
	const struct yc_fsm_row *r = yc_fsm_next(&ticket_fsm, (int)c->o->state, ev, &c->facts);

	if (!r)
		return ticket_refuse(c->o, c->step, ev, &c->facts, e);
	for (int i = 0; i < YC_FSM_MAX_FX && r->effects[i]; i++) {
		e->code = YC_OK;
		switch (r->effects[i]) {
		case TICKET_FX_NEXT_STEP:
			e->code = next_step(c, e);
			break;
		case TICKET_FX_PREVIOUS_STEP:
			e->code = previous_step(c, e);
			break;
		case TICKET_FX_STAMP_ANSWER:
			c->o->answered_at = c->en.at;
			break;
		case TICKET_FX_STAMP_CLOSE:
			c->o->closed_at = c->en.at;
			break;
		}
		if (e->code != YC_OK)
			return e->code;
	}
	if (r->to >= 0)
		c->o->state = (Pb__OrderState)r->to;
	return YC_OK;
}

enum yc_code ticket_on_note(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__NoteReq *in = vin;
	struct act c;

	if (!*in->text)
		return yc_fail(e, YC_INVALID, "text", "a note needs a text");
	if (in->visibility != PB__ENTRY_VISIBILITY__ENTRY_VISIBILITY_INTERNAL && in->visibility != PB__ENTRY_VISIBILITY__ENTRY_VISIBILITY_PUBLIC)
		return yc_fail(e, YC_INVALID, "visibility", "internal or public");
	if (begin(&c, rq, in->id, in->if_version, "note", in->text, e) != YC_OK || step_machine(&c, TICKET_NOTE, e) != YC_OK)
		return e->code;
	c.en.visibility = in->visibility;
	return finish(&c, "order.note", vout, e);
}

/* The handler's working time begins. The step's clock has run since the order came: waiting for somebody to take it is not free. */
enum yc_code ticket_on_take(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__TakeReq *in = vin;
	struct act c;

	if (begin(&c, rq, in->id, in->if_version, "taken", "", e) != YC_OK || must_hold(&c, e) != YC_OK || step_machine(&c, TICKET_TAKE, e) != YC_OK)
		return e->code;
	if (!*c.who.person_id)
		return yc_fail(e, YC_FORBIDDEN, "handler_id", "only a person can take an order");
	if (*c.o->handler_id && !yc_streq(c.o->handler_id, c.who.person_id) && !ticket_may_overrule(&c.who))
		return yc_fail(e, YC_CONFLICT, "handler_id", "%s has taken it already", c.o->handler_name);
	c.o->handler_id = c.en.actor_id;
	c.o->handler_name = c.en.actor_name;
	return finish(&c, "order.taken", vout, e);
}

enum yc_code ticket_on_step(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__StepReq *in = vin;
	int back = yc_streq(in->outcome, "return");
	char path[TICKET_PATH_LEN];
	struct act c;

	if (!back && !yc_streq(in->outcome, "done"))
		return yc_fail(e, YC_INVALID, "outcome", "\"%s\" is neither done nor return", in->outcome);
	if (back && !*in->text)
		return yc_fail(e, YC_INVALID, "text", "returning an order needs a reason");
	if (back && *in->department)
		return yc_fail(e, YC_INVALID, "department", "a return goes to who held the step before");
	if (begin(&c, rq, in->id, in->if_version, back ? "returned" : "step_done", in->text, e) != YC_OK || must_hold(&c, e) != YC_OK ||
	    path_of(&c, in->department, "department", path, e) != YC_OK)
		return e->code;
	if (*in->department)
		c.o->department = in->department;
	c.en.outcome = in->outcome;
	if (step_machine(&c, back ? TICKET_RETURN : TICKET_DONE, e) != YC_OK)
		return e->code;
	return finish(&c, "order.step", vout, e);
}

static int is_channel(const char *s)
{
	return yc_streq(s, "phone") || yc_streq(s, "sms") || yc_streq(s, "email") || yc_streq(s, "visit");
}

enum yc_code ticket_on_answer(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__AnswerReq *in = vin;
	struct act c;

	if (!*in->text)
		return yc_fail(e, YC_INVALID, "text", "what was the customer told?");
	if (!is_channel(in->channel))
		return yc_fail(e, YC_INVALID, "channel", "\"%s\" is none of phone, sms, email, visit", in->channel);
	if (begin(&c, rq, in->id, in->if_version, "answered", in->text, e) != YC_OK || must_own(&c, e) != YC_OK)
		return e->code;
	c.facts.satisfied = in->satisfied;
	c.en.visibility = PB__ENTRY_VISIBILITY__ENTRY_VISIBILITY_PUBLIC;
	c.en.channel = in->channel;
	c.en.outcome = (char *)(in->satisfied ? "satisfied" : "unsatisfied");
	if (step_machine(&c, TICKET_ANSWER, e) != YC_OK)
		return e->code;
	return finish(&c, "order.answered", vout, e);
}

enum yc_code ticket_on_close(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__CloseReq *in = vin;
	struct act c;

	if (begin(&c, rq, in->id, in->if_version, "closed", in->text, e) != YC_OK)
		return e->code;
	if (!ticket_may_overrule(&c.who) && must_own(&c, e) != YC_OK)
		return e->code;
	c.facts.may_overrule = ticket_may_overrule(&c.who) && *in->text;
	if (step_machine(&c, TICKET_CLOSE, e) != YC_OK)
		return e->code;
	c.en.visibility = PB__ENTRY_VISIBILITY__ENTRY_VISIBILITY_PUBLIC;
	return finish(&c, "order.closed", vout, e);
}

static enum yc_code new_owner(struct act *c, const char *key, struct ticket_person *to, struct yc_err *e)
{
	int found;

	if (ticket_store_person(c->t, key, to, &found, e) != YC_OK)
		return e->code;
	if (!found)
		return yc_fail(e, YC_INVALID, "to_person", "there is no person \"%s\"", key);
	if (!to->active)
		return yc_fail(e, YC_INVALID, "to_person", "%s is not active", to->name);
	if (yc_streq(to->id, c->o->owner_id))
		return yc_fail(e, YC_CONFLICT, "to_person", "%s is the first-asked owner already", to->name);
	return YC_OK;
}

enum yc_code ticket_on_hand_over(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__HandOverReq *in = vin;
	struct ticket_person to;
	struct ticket_holder h;
	struct act c;

	if (!*in->text)
		return yc_fail(e, YC_INVALID, "text", "handing the first-asked duty over needs a reason");
	if (!*in->to_person)
		return yc_fail(e, YC_INVALID, "to_person", "to whom?");
	if (begin(&c, rq, in->id, in->if_version, "handed_over", in->text, e) != YC_OK)
		return e->code;
	if ((!ticket_may_overrule(&c.who) && must_own(&c, e) != YC_OK) || step_machine(&c, TICKET_HAND_OVER, e) != YC_OK ||
	    new_owner(&c, in->to_person, &to, e) != YC_OK)
		return e->code;
	c.o->owner_id = yc_strdup(c.a, to.id);
	c.o->owner_name = yc_strdup(c.a, to.name);
	c.en.outcome = c.o->owner_id;
	if (ticket_holder_kind(c.step->holder) == TICKET_HOLDER_OWNER) {        /* who owes the answer also holds it now */
		struct ticket_parties parties = { .owner_path = h.path, .owner_id = to.id, .owner_name = to.name };
		char path[TICKET_PATH_LEN];

		if (ticket_lift(c.t, to.path, path, e) != YC_OK)
			return e->code;
		parties.owner_path = path;
		c.en.from_org = c.o->handler_org;
		if (ticket_holder_of(c.step, &parties, &h, e) != YC_OK)
			return e->code;
		set_holder(&c, &h);
	}
	return finish(&c, "order.handed_over", vout, e);
}
