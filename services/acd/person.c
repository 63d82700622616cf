/* Who works here and where he sits: people and extensions as directory tells them, phones as the registrar tells them, seats. */
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#include "acd.h"

#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x
#define WANT(x) PB__PRESENCE__PRESENCE_##x
#define PHONE_SLACK_MS 1000

/* --- the sorted table of agents ------------------------------------------------------------------------------------------------ */
static int cmp(const struct acd_agent *a, const char *staff_no, const char *id)
{
	int c = strcmp(a->staff_no, staff_no);

	return c ? c : strcmp(a->id, id);
}

/* First place whose agent is not before (staff_no, id). */
static size_t lower(struct acd *x, const char *staff_no, const char *id)
{
	size_t lo = 0, hi = x->n_staff;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (cmp(x->by_staff[mid], staff_no, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void staff_insert(struct acd *x, struct acd_agent *a)
{
	size_t at = lower(x, a->staff_no, a->id);

	if (x->n_staff == x->cap_staff) {
		x->cap_staff = x->cap_staff ? x->cap_staff * 2 : 64;
		x->by_staff = yc_xrealloc(x->by_staff, x->cap_staff * sizeof(struct acd_agent *));
	}
	memmove(&x->by_staff[at + 1], &x->by_staff[at], (x->n_staff - at) * sizeof(struct acd_agent *));
	x->by_staff[at] = a;
	x->n_staff++;
}

static void staff_remove(struct acd *x, const struct acd_agent *a)
{
	size_t at = lower(x, a->staff_no, a->id);

	memmove(&x->by_staff[at], &x->by_staff[at + 1], (--x->n_staff - at) * sizeof(struct acd_agent *));
}

struct acd_agent *acd_agent_by_staff(struct acd *x, const char *staff_no)
{
	size_t at = lower(x, staff_no, "");

	return at < x->n_staff && !strcmp(x->by_staff[at]->staff_no, staff_no) ? x->by_staff[at] : NULL;
}

size_t acd_agent_after(struct acd *x, const char *id)
{
	const struct acd_agent *a = yc_is_empty(id) ? NULL : acd_agent_find(x, id);

	return a ? lower(x, a->staff_no, a->id) + 1 : 0;
}

struct acd_agent *acd_agent_make(struct acd *x, const char *id)
{
	struct acd_agent *a = acd_agent_find(x, id);

	if (a)
		return a;
	a = yc_xcalloc(1, sizeof(*a));
	yc_copy(a->id, sizeof(a->id), id);
	a->since_at = yc_now();
	HASH_ADD_STR(x->agents, id, a);
	route_agent_set(x->route, &a->r, NULL, 0);
	staff_insert(x, a);
	return a;
}

/* --- directory ---------------------------------------------------------------------------------------------------------------- */
static void set_skills(struct acd *x, struct acd_agent *a, const Pb__Person *p)
{
	struct route_skill s[ROUTE_SKILLS];
	int n = 0;

	a->skills = yc_xrealloc(a->skills, (p->n_skills + 1) * sizeof(*a->skills));
	for (size_t i = 0; i < p->n_skills && n < ROUTE_SKILLS; i++) {
		if (yc_is_empty(p->skills[i]->skill) || p->skills[i]->level < 1 || p->skills[i]->level > ROUTE_LEVELS)
			continue;
		yc_copy(a->skills[n].code, sizeof(a->skills[n].code), p->skills[i]->skill);
		a->skills[n].level = p->skills[i]->level;
		s[n] = (struct route_skill){ route_skill(x->route, p->skills[i]->skill), p->skills[i]->level };
		n++;
	}
	a->n_skills = n;
	route_agent_set(x->route, &a->r, s, n);
}

static int same_skills(const struct acd_agent *a, const Pb__Person *p)
{
	if (a->n_skills != (int32_t)p->n_skills)
		return 0;
	for (int32_t i = 0; i < a->n_skills; i++)
		if (strcmp(a->skills[i].code, p->skills[i]->skill) || a->skills[i].level != p->skills[i]->level)
			return 0;
	return 1;
}

static int may_serve(const Pb__Person *p)
{
	for (size_t i = 0; i < p->n_roles; i++)
		if (!strcmp(p->roles[i], "agent"))
			return 1;
	return p->n_skills > 0;
}

void acd_person_put(struct acd *x, const Pb__Person *p)
{
	ACD_ENTER(x);
	struct acd_agent *a = acd_agent_find(x, p->id);

	if (yc_is_empty(p->id) || (!a && (!p->active || !may_serve(p))))
		return;
	if (!a)
		a = acd_agent_make(x, p->id);
	staff_remove(x, a);
	yc_copy(a->staff_no, sizeof(a->staff_no), p->staff_no);
	staff_insert(x, a);
	yc_copy(a->name, sizeof(a->name), p->name);
	yc_copy(a->org_path, sizeof(a->org_path), p->org_path);
	a->active = p->active;
	if (!same_skills(a, p)) {
		set_skills(x, a, p);
		acd_recheck_picky(x);
		if (a->r.idle)
			acd_todo_agent(x, a);
	}
	if (!a->active && a->want != WANT(OFFLINE))
		acd_agent_wish(x, a, WANT(OFFLINE), "deactivated", "system");
}

struct acd_phone *acd_phone_get(struct acd *x, const char *ext)
{
	char key[sizeof(((struct acd_phone *)0)->ext)];
	struct acd_phone *p;

	yc_copy(key, sizeof(key), ext);
	HASH_FIND_STR(x->phones, key, p);
	if (p)
		return p;
	p = yc_xcalloc(1, sizeof(*p));
	yc_copy(p->ext, sizeof(p->ext), key);
	HASH_ADD_STR(x->phones, ext, p);
	return p;
}

/* --- phones ------------------------------------------------------------------------------------------------------------------- */
int acd_phone_ok(const struct acd_phone *p)
{
	return p && !p->gone && (p->is_static || p->registered);
}

static void phone_back(struct acd *x, struct acd_agent *a)
{
	if (a->resume && a->want == WANT(BREAK) && !strcmp(a->want_reason, "phone_lost"))
		acd_agent_wish(x, a, WANT(READY), "", "system");
	a->resume = 0;
}

static void phone_lost(struct acd *x, struct acd_agent *a)
{
	yc_warn("agent %s: phone %s is no longer registered", a->staff_no, a->phone->ext);
	if (a->rsv && a->status == ST(OFFERED)) {
		acd_rsv_step(x, a->rsv, RV_WITHDRAW, "phone_lost");
	} else if (a->want == WANT(READY)) {
		acd_agent_wish(x, a, WANT(BREAK), "phone_lost", "system");
		a->resume = 1;
	}
}

static void look_again(struct acd *x, void *owner)
{
	struct acd_phone *p = owner;

	if (p->agent && !p->is_static)
		x->port.phone(x->port.arg, p);
}

void acd_phone_later(struct acd *x, struct acd_phone *p, int64_t delay_ms)
{
	acd_timer_set(x, &p->timer, delay_ms, look_again, p);
}

static void phone_changed(struct acd *x, struct acd_phone *p, int was)
{
	int is = acd_phone_ok(p);

	if (!p->agent || was == is)
		return;
	if (is)
		phone_back(x, p->agent);
	else
		phone_lost(x, p->agent);
}

void acd_phone_seen(struct acd *x, struct acd_phone *p, int registered, int64_t ttl_ms)
{
	ACD_ENTER(x);
	int was = acd_phone_ok(p);

	p->registered = !!registered;
	p->expires_at = registered && ttl_ms > 0 ? yc_now() + ttl_ms : 0;
	acd_timer_off(x, &p->timer);
	if (p->expires_at && p->agent)
		acd_phone_later(x, p, ttl_ms + PHONE_SLACK_MS);
	phone_changed(x, p, was);
}

void acd_phone_asks(struct acd *x, struct acd_agent *a)
{
	if (a->phone && !a->phone->is_static)
		x->port.phone(x->port.arg, a->phone);
}

void acd_extension_put(struct acd *x, const Pb__Extension *in)
{
	ACD_ENTER(x);
	struct acd_phone *p;
	int was;

	if (yc_is_empty(in->number))
		return;
	p = acd_phone_get(x, in->number);
	was = acd_phone_ok(p);
	p->known = 1;
	p->gone = !!in->deleted;
	p->is_static = !yc_is_empty(in->static_contact);
	phone_changed(x, p, was);
}

/* --- seats -------------------------------------------------------------------------------------------------------------------- */
static void seat_apply(struct acd *x, const struct acd_seat *s)
{
	struct acd_agent *a = acd_agent_by_staff(x, s->staff_no);
	struct yc_err e = { 0 };

	if (!s->auto_ready || !a || !a->active || a->status != ST(OFFLINE) || !strcmp(a->want_cause, "self") || !strcmp(a->want_cause, "leader"))
		return;                                    /* somebody who signed out on purpose stays out */
	if (acd_agent_sign_in(x, a, s->ext, 1, 1, "system", &e) != YC_OK)
		yc_warn("seat %s: %s cannot be signed in: %s", s->ext, s->staff_no, e.msg);
}

void acd_seat_put(struct acd *x, const Pb__Seat *in)
{
	ACD_ENTER(x);
	struct acd_seat *s;

	HASH_FIND_STR(x->seats, in->extension, s);
	if (!s) {
		s = yc_xcalloc(1, sizeof(*s));
		yc_copy(s->ext, sizeof(s->ext), in->extension);
		HASH_ADD_STR(x->seats, ext, s);
	}
	yc_copy(s->staff_no, sizeof(s->staff_no), in->staff_no);
	s->auto_ready = in->auto_ready;
	s->version = in->version;
}

void acd_seats_apply(struct acd *x)
{
	ACD_ENTER(x);
	struct acd_seat *s, *tmp;

	HASH_ITER(hh, x->seats, s, tmp)
		seat_apply(x, s);
}
