/* Steps of a process: who holds them, who may act, what an imported process must fulfil. Pure. */
#include <stdio.h>
#include <string.h>

#include "ticket.h"
#include "yc/text.h"

enum ticket_holder_kind ticket_holder_kind(const char *name)
{
	static const char *const names[] = { "", "centre", "department", "owner" };

	for (int i = 1; i < 4; i++)
		if (yc_streq(name, names[i]))
			return (enum ticket_holder_kind)i;
	return TICKET_HOLDER_NONE;
}

const char *ticket_path_code(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int ticket_path_in(const char *inner, const char *outer)
{
	size_t n = strlen(outer);

	return n > 0 && strncmp(inner, outer, n) == 0 && (inner[n] == 0 || inner[n] == '/');
}

enum yc_code ticket_holder_of(const Pb__ProcessStep *s, const struct ticket_parties *p, struct ticket_holder *out, struct yc_err *e)
{
	const char *path = NULL, *field = "department";

	memset(out, 0, sizeof(*out));
	switch (ticket_holder_kind(s->holder)) {
	case TICKET_HOLDER_CENTRE:
		path = p->centre_path;
		field = "centre";
		break;
	case TICKET_HOLDER_DEPARTMENT:
		path = p->department_path;
		break;
	case TICKET_HOLDER_OWNER:
		path = p->owner_path;
		field = "owner_id";
		yc_copy(out->person, sizeof(out->person), p->owner_id);
		yc_copy(out->person_name, sizeof(out->person_name), p->owner_name);
		break;
	default:
		break;
	}
	if (yc_is_empty(path))
		return yc_fail(e, YC_INVALID, field, "step \"%s\" would have no holder: no %s is known", s->name, s->holder);
	yc_copy(out->path, sizeof(out->path), path);
	yc_copy(out->org, sizeof(out->org), ticket_path_code(path));
	return YC_OK;
}

const char *ticket_previous_org(Pb__Entry *const *entries, size_t n, const char *step)
{
	while (n-- > 0)
		if (yc_streq(entries[n]->kind, "step_done") && yc_streq(entries[n]->next_step, step) && *entries[n]->from_org)
			return entries[n]->from_org;
	return NULL;
}

int ticket_may_direct(const struct ticket_actor *a)
{
	return (a->roles & (YC_ROLE(DISPATCHER) | YC_ROLE(ADMIN))) != 0;
}

int ticket_may_overrule(const struct ticket_actor *a)
{
	return ticket_may_direct(a) || (a->roles & YC_ROLE(LEADER)) != 0;
}

int ticket_sees_site(uint32_t roles)
{
	return (roles & (YC_ROLE(ADMIN) | YC_ROLE(SUPERVISOR) | YC_ROLE(LEADER) | YC_ROLE(AGENT) | YC_ROLE(AUDITOR) | YC_ROLE(DISPATCHER) |
			 YC_ROLE(INTEGRATOR) | YC_ROLE(SERVICE))) != 0;
}

int ticket_may_act(const struct ticket_actor *a, const Pb__Order *o, enum ticket_holder_kind holder)
{
	if (ticket_may_direct(a))
		return 1;
	if (holder != TICKET_HOLDER_DEPARTMENT && *a->person_id && yc_streq(a->person_id, o->owner_id))
		return 1;
	return (a->roles & (YC_ROLE(HANDLER) | YC_ROLE(LEADER))) && ticket_path_in(o->org_path, a->path);
}

static enum yc_code check_code(const char *code, const char *field, struct yc_err *e)
{
	if (!*code || strlen(code) >= TICKET_CODE_LEN)
		return yc_fail(e, YC_INVALID, field, "a code of 1 to %d characters is needed", TICKET_CODE_LEN - 1);
	return YC_OK;
}

static enum yc_code check_target(const char *text, int64_t *ms, struct yc_err *e)
{
	struct yc_err why = { 0 };

	if (!*text && *ms > 0)
		return YC_OK;
	if (!*text || yc_parse_ms(text, ms, &why) != YC_OK || *ms <= 0)
		return yc_fail(e, YC_INVALID, "target", "a working time such as \"8h\" or \"30m\" is needed%s%s", *why.msg ? ": " : "", why.msg);
	return YC_OK;
}

static enum yc_code check_step(const Pb__Process *p, size_t i, struct yc_err *e)
{
	Pb__ProcessStep *s = p->steps[i];

	if (check_code(s->code, "code", e) != YC_OK)
		return e->code;
	for (size_t k = 0; k < i; k++)
		if (yc_streq(p->steps[k]->code, s->code))
			return yc_fail(e, YC_INVALID, "code", "step %zu has the same code", k + 1);
	if (!*s->name)
		return yc_fail(e, YC_INVALID, "name", "a step needs a name");
	if (ticket_holder_kind(s->holder) == TICKET_HOLDER_NONE)
		return yc_fail(e, YC_INVALID, "holder", "\"%s\" is none of centre, department, owner", s->holder);
	return check_target(s->target, &s->target_ms, e);
}

enum yc_code ticket_process_check(Pb__Process *p, struct yc_err *e)
{
	char where[40];

	if (check_code(p->code, "code", e) != YC_OK)
		return e->code;
	if (!*p->name)
		return yc_fail(e, YC_INVALID, "name", "a process needs a name");
	if (p->version_no == 0)
		p->version_no = 1;
	if (p->version_no < 1)
		return yc_fail(e, YC_INVALID, "version_no", "versions count from 1");
	if (p->n_steps < 1 || p->n_steps > 50)
		return yc_fail(e, YC_INVALID, "steps", "a process has 1 to 50 steps");
	for (size_t i = 0; i < p->n_steps; i++)
		if (check_step(p, i, e) != YC_OK) {
			snprintf(where, sizeof(where), "steps.%zu", i);
			return yc_err_in(e, where);
		}
	if (ticket_holder_kind(p->steps[p->n_steps - 1]->holder) == TICKET_HOLDER_OWNER)
		return YC_OK;
	snprintf(where, sizeof(where), "steps.%zu.holder", p->n_steps - 1);
	return yc_fail(e, YC_INVALID, where, "the last step is the answer to the customer, so its holder is owner");
}

enum yc_code ticket_service_check(Pb__Service *s, struct yc_err *e)
{
	if (check_code(s->code, "code", e) != YC_OK)
		return e->code;
	if (!*s->name)
		return yc_fail(e, YC_INVALID, "name", "a service needs a name");
	if (!*s->process)
		return yc_fail(e, YC_INVALID, "process", "a service names the process that carries it");
	return check_target(s->target, &s->target_ms, e);
}
