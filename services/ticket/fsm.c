/* Life of an order. What happens inside OPEN is data (the process and its steps); this machine is what no process can change: an order
 * is closed only after the customer has been answered. */
#include "ticket.h"

static int more_steps(const void *facts)
{
	const struct ticket_facts *f = facts;

	return f->step_no < f->n_steps;
}

static int has_previous(const void *facts)
{
	return ((const struct ticket_facts *)facts)->step_no > 1;
}

static int at_end_satisfied(const void *facts)
{
	const struct ticket_facts *f = facts;

	return f->step_no == f->n_steps && f->satisfied;
}

static int at_end(const void *facts)
{
	return !more_steps(facts);
}

static int overruled(const void *facts)
{
	const struct ticket_facts *f = facts;

	return f->answered && f->may_overrule;
}

#define LIVE (YC_S(OPEN) | YC_S(ANSWERED))
static const struct yc_fsm_row rows[] = {
	/* from          on                to        guard             effects                         timer */
	{ YC_S(NOT_YET),  TICKET_CREATE,    OPEN,     NULL,             { 0 },                          0 },
	{ YC_S(OPEN),     TICKET_DONE,      OPEN,     more_steps,       { TICKET_FX_NEXT_STEP },        0 },
	{ LIVE,           TICKET_RETURN,    OPEN,     has_previous,     { TICKET_FX_PREVIOUS_STEP },    0 },
	{ LIVE,           TICKET_ANSWER,    ANSWERED, at_end_satisfied, { TICKET_FX_STAMP_ANSWER },     0 },
	{ LIVE,           TICKET_ANSWER,    OPEN,     at_end,           { TICKET_FX_STAMP_ANSWER },     0 },
	{ YC_S(ANSWERED), TICKET_CLOSE,     CLOSED,   NULL,             { TICKET_FX_STAMP_CLOSE },      0 },
	{ YC_S(OPEN),     TICKET_CLOSE,     CLOSED,   overruled,        { TICKET_FX_STAMP_CLOSE },      0 },
	{ LIVE,           TICKET_NOTE,      -1,       NULL,             { 0 },                          0 },
	{ YC_S(OPEN),     TICKET_TAKE,      -1,       NULL,             { 0 },                          0 },
	{ LIVE,           TICKET_HAND_OVER, -1,       NULL,             { 0 },                          0 },
};

static const char *const states[] = { "NONE", "OPEN", "ANSWERED", "CLOSED" };
static const char *const events[] = { "NONE", "CREATE", "DONE", "RETURN", "ANSWER", "CLOSE", "NOTE", "TAKE", "HAND_OVER" };
static const char *const effects[] = { "", "NEXT_STEP", "PREVIOUS_STEP", "STAMP_ANSWER", "STAMP_CLOSE" };

const struct yc_fsm ticket_fsm = {
	.name = "order", .rows = rows, .n_rows = sizeof(rows) / sizeof(rows[0]),
	.states = states, .n_states = 4, .events = events, .n_events = TICKET_EVENT_COUNT,
	.effects = effects, .n_effects = TICKET_FX_COUNT, .terminal = YC_S(CLOSED), .start = NOT_YET,
};

static enum yc_code refuse_close(const Pb__Order *o, const Pb__ProcessStep *step, const struct ticket_facts *f, struct yc_err *e)
{
	if (f->answered)
		return yc_fail(e, YC_CONFLICT, "state", "the customer was not satisfied with the answer: answer again, return it, or let a leader close it with a reason");
	return yc_fail(e, YC_CONFLICT, "answered_at", "the answer to the customer is missing: the order is in step %d \"%s\", held by %s",
		       f->step_no, step->name, *o->handler_name ? o->handler_name : o->handler_org);
}

enum yc_code ticket_refuse(const Pb__Order *o, const Pb__ProcessStep *step, enum ticket_event ev, const struct ticket_facts *f, struct yc_err *e)
{
	if (o->state == CLOSED)
		return yc_fail(e, YC_CONFLICT, "state", "the order is closed: a new matter needs a new order");
	switch (ev) {
	case TICKET_CLOSE:
		return refuse_close(o, step, f, e);
	case TICKET_DONE:
		if (o->state == ANSWERED)
			return yc_fail(e, YC_CONFLICT, "state", "the customer has been answered: close the order or return it");
		return yc_fail(e, YC_CONFLICT, "step", "the last step ends with the answer to the customer: use answer");
	case TICKET_RETURN:
		return yc_fail(e, YC_CONFLICT, "step", "the first step has nobody before it to return to");
	case TICKET_ANSWER:
		return yc_fail(e, YC_CONFLICT, "step", "the process stands at step %d of %d, \"%s\": the customer is answered in the last one",
			       f->step_no, f->n_steps, step->name);
	default:
		return yc_fail(e, YC_CONFLICT, "state", "not permitted when the customer has been answered");
	}
}
