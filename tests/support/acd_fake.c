#include "acd_fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/clock.h"
#include "yc/text.h"

static void note(struct fake *f, const char *what, const char *id, const char *detail, const char *agent)
{
	struct fake_line *l = &f->log[f->n_log % FAKE_LOG];

	f->n_log++;
	yc_copy(l->what, sizeof(l->what), what);
	yc_copy(l->id, sizeof(l->id), id);
	yc_copy(l->detail, sizeof(l->detail), detail);
	yc_copy(l->agent, sizeof(l->agent), agent);
}

/* --- ports ---------------------------------------------------------------------------------------------------------------------- */
static void on_reserve(void *arg, struct acd_rsv *v)
{
	struct fake *f = arg;
	int refuse = f->refuse_once || f->commit == COMMIT_REFUSED;

	v->ver = ++v->agent->ver;
	f->refuse_once = 0;
	if (f->commit == COMMIT_LATER && f->n_pending < 256)
		yc_copy(f->pending[f->n_pending++], YC_ID_LEN, v->id);
	else
		acd_rsv_committed(&f->x, v->id, !refuse);
}

static void on_save(void *arg, struct acd_agent *a, int soon)
{
	struct fake *f = arg;

	a->ver++;
	f->saves++;
}

static void on_offer(void *arg, const struct acd_rsv *v)
{
	note(arg, "offer", v->id, v->item->id, v->agent->id);
}

static void on_stop(void *arg, const struct acd_rsv *v)
{
	note(arg, "stop", v->id, v->reason, v->agent->id);
}

static void on_tell_item(void *arg, const char *type, const struct acd_item *i)
{
	note(arg, type, i->id, i->reason, i->agent_id);
}

static void on_tell_agent(void *arg, const struct acd_told *t)
{
	struct fake *f = arg;
	char d[64];

	snprintf(d, sizeof(d), "%s/%.40s", acd_agent_fsm.states[t->agent->status], t->agent->reason);
	note(f, "agent", t->agent->id, d, acd_agent_fsm.states[t->was]);
	f->wrapped_ms += t->was == PB__AGENT_STATUS__AGENT_STATUS_WRAP_UP ? t->was_ms : 0;
	if (*t->disposition)
		yc_copy(f->disposition, sizeof(f->disposition), t->disposition);
}

static void on_check(void *arg, struct acd_item *i)
{
	struct fake *f = arg;

	f->checks++;
	note(f, "check", i->id, "", "");
}

static void on_phone(void *arg, struct acd_phone *p)
{
	struct fake *f = arg;

	f->phones_asked++;
	if (f->phone_answer >= 0)
		acd_phone_seen(&f->x, p, f->phone_answer, 0);
}

/* --- world ---------------------------------------------------------------------------------------------------------------------- */
void fake_start(struct fake *f)
{
	static const struct acd_limits lim = { .grace_ms = 3000, .console_ms = 30000, .gateway_ms = 10000, .audit_ms = 300000, .park_ms = 250,
					       .seat_return_ms = 10000, .utc_offset_ms = 28800000, .max_items = 100000 };
	struct acd_ports p = { .arg = f, .reserve = on_reserve, .save = on_save, .offer = on_offer, .stop = on_stop,
			       .tell_item = on_tell_item, .tell_agent = on_tell_agent, .check = on_check, .phone = on_phone };

	memset(f, 0, sizeof(*f));
	f->phone_answer = -1;
	yc_clock_fake(FAKE_T0);
	acd_init(&f->x, &lim, &p);
	f->x.boot = "boot-1";
	acd_open(&f->x);
}

void fake_stop(struct fake *f)
{
	acd_fini(&f->x);
	yc_clock_real();
}

void fake_queue(struct fake *f, const char *code, const char *skill, int level, int64_t wrapup_ms)
{
	Pb__Queue q = PB__QUEUE__INIT;
	Pb__SkillLevel s = PB__SKILL_LEVEL__INIT, *sp = &s;
	struct yc_err e;

	q.code = (char *)code;
	q.wrapup_ms = wrapup_ms;
	s.skill = (char *)skill;
	s.level = level;
	q.skills = &sp;
	q.n_skills = *skill ? 1 : 0;
	if (acd_queue_check(&q, &e) != YC_OK)
		abort();
	acd_queue_put(&f->x, &q);
}

void fake_person(struct fake *f, const char *id, const char *skill, int level)
{
	Pb__Person p = PB__PERSON__INIT;
	Pb__SkillLevel s = PB__SKILL_LEVEL__INIT, *sp = &s;
	char agent[] = "agent", *roles[] = { agent };

	p.id = p.staff_no = p.name = (char *)id;
	p.active = 1;
	p.org_path = (char *)"/yn/km";
	s.skill = (char *)skill;
	s.level = level;
	p.skills = &sp;
	p.n_skills = *skill ? 1 : 0;
	p.roles = roles;
	p.n_roles = 1;
	acd_person_put(&f->x, &p);
}

void fake_phone(struct fake *f, const char *ext, int is_static)
{
	Pb__Extension x = PB__EXTENSION__INIT;

	x.number = (char *)ext;
	x.static_contact = (char *)(is_static ? "sip:x@127.0.0.1" : "");
	acd_extension_put(&f->x, &x);
}

struct acd_agent *fake_agent(struct fake *f, const char *id)
{
	struct acd_agent *a = acd_agent_find(&f->x, id);

	if (!a)
		abort();
	return a;
}

void fake_ready(struct fake *f, const char *id)
{
	struct yc_err e = { 0 };
	char ext[32];

	snprintf(ext, sizeof(ext), "x%.20s", id);
	fake_phone(f, ext, 1);
	if (acd_agent_sign_in(&f->x, fake_agent(f, id), ext, 1, 0, "self", &e) != YC_OK)
		abort();
}

void fake_enqueue(struct fake *f, const char *id, const char *queue, int priority)
{
	Pb__WorkItem i = PB__WORK_ITEM__INIT;
	struct yc_err e = { 0 };

	i.id = (char *)id;
	i.queue = (char *)queue;
	i.priority = priority;
	i.gateway = (char *)"yn.gateway.1";
	i.call_id = (char *)id;
	i.arrived_at = yc_now();
	if (acd_enqueue(&f->x, &i, &e) != YC_OK)
		abort();
}

static void consoles_renew(struct fake *f)
{
	struct acd_agent *a, *tmp;
	struct yc_err e;

	HASH_ITER(hh, f->x.agents, a, tmp)
		if (a->console.pos && acd_agent_renew(&f->x, a, &e) != YC_OK)
			abort();
}

void fake_pass(struct fake *f, int64_t ms)
{
	int64_t end = yc_mono() + ms;

	for (;;) {
		int64_t due, to;

		if (!f->silent)
			consoles_renew(f);
		due = acd_due(&f->x);
		to = due >= 0 && due < end ? due : end;
		if (to > yc_mono() + 10000)                /* consoles renew every 10 s */
			to = yc_mono() + 10000;
		if (to > yc_mono())
			yc_clock_advance(to - yc_mono());
		if (acd_due(&f->x) >= 0 && acd_due(&f->x) <= yc_mono())
			acd_tick(&f->x);
		else if (yc_mono() >= end)
			break;
	}
}

void fake_commit_all(struct fake *f, int ok)
{
	while (f->n_pending) {
		char id[YC_ID_LEN];

		yc_copy(id, sizeof(id), f->pending[0]);
		memmove(f->pending[0], f->pending[1], (size_t)(--f->n_pending) * YC_ID_LEN);
		acd_rsv_committed(&f->x, id, ok);
	}
}

enum yc_code fake_outcome(struct fake *f, const char *agent, Pb__OfferOutcome o, const char *reason)
{
	const struct acd_rsv *v = fake_agent(f, agent)->rsv;
	Pb__OfferResult r = PB__OFFER_RESULT__INIT;
	struct yc_err e = { 0 };
	char rsv[YC_ID_LEN] = "", item[YC_ID_LEN] = "";

	if (!v)
		return YC_NOT_FOUND;
	yc_copy(rsv, sizeof(rsv), v->id);
	yc_copy(item, sizeof(item), v->item->id);
	r.reservation_id = rsv;
	r.item_id = item;
	r.agent_id = (char *)agent;
	r.version = v->ver;
	r.outcome = o;
	r.reason = (char *)reason;
	return acd_offer_end(&f->x, &r, &e);
}

void fake_end(struct fake *f, const char *item)
{
	Pb__ContactEnded m = PB__CONTACT_ENDED__INIT;

	m.item_id = (char *)item;
	m.reason = (char *)"normal";
	acd_end(&f->x, &m);
}

const char *fake_offered_item(struct fake *f, const char *agent)
{
	const struct acd_rsv *v = fake_agent(f, agent)->rsv;

	return v && v->state == RS_OFFERED ? v->item->id : "";
}

int fake_count(const struct fake *f, const char *what, const char *id)
{
	int n = 0;

	for (int k = 0; k < f->n_log && k < FAKE_LOG; k++)
		n += !strcmp(f->log[k].what, what) && (!id || !strcmp(f->log[k].id, id));
	return n;
}

const struct fake_line *fake_last(const struct fake *f, const char *what, const char *id)
{
	static const struct fake_line none;

	for (int k = f->n_log - 1; k >= 0 && k >= f->n_log - FAKE_LOG; k--)
		if (!strcmp(f->log[k % FAKE_LOG].what, what) && (!id || !strcmp(f->log[k % FAKE_LOG].id, id)))
			return &f->log[k % FAKE_LOG];
	return &none;
}

const char *fake_status(struct fake *f, const char *agent)
{
	return acd_agent_fsm.states[fake_agent(f, agent)->status];
}
