/* Agents and items as messages. Strings are borrowed from them: pack or copy before the next turn. */
#include <string.h>

#include "yc/clock.h"

#include "acd.h"

static char voice[] = "voice";

void acd_msg_agent(const struct acd *x, struct acd_agent_msg *out, const struct acd_agent *a)
{
	Pb__Agent *m = &out->m;
	struct acd_work *w = (struct acd_work *)&a->work;

	pb__agent__init(m);
	m->person_id = (char *)a->id;
	m->staff_no = (char *)a->staff_no;
	m->name = (char *)a->name;
	m->org_path = (char *)a->org_path;
	m->extension = a->phone ? a->phone->ext : (char *)"";
	m->phone = acd_phone_ok(a->phone);
	out->channels[0] = voice;
	m->channels = out->channels;
	m->n_channels = a->phone ? 1 : 0;
	m->status = a->status;
	m->reason = (char *)a->reason;
	m->cause = (char *)a->cause;
	m->since_at = a->since_at;
	m->item_id = w->item;
	m->reservation_id = w->rsv;
	m->queue = w->queue;
	m->contact_id = w->contact;
	m->matter_id = w->matter;
	m->call_id = w->call;
	m->caller = w->caller;
	m->customer_id = w->customer;
	m->handled = a->handled_day == (yc_now() + x->lim.utc_offset_ms) / 86400000 ? a->handled : 0;
	m->version = a->ver;
	m->break_pending = !acd_slot_free(a) && a->want == PB__PRESENCE__PRESENCE_BREAK;
	for (int32_t i = 0; i < a->n_skills && i < ROUTE_SKILLS; i++) {
		pb__skill_level__init(&out->s[i]);
		out->s[i].skill = (char *)a->skills[i].code;
		out->s[i].level = a->skills[i].level;
		out->sp[i] = &out->s[i];
	}
	m->skills = out->sp;
	m->n_skills = (size_t)a->n_skills;
}

static const struct acd_agent *owner_of(const struct route_agent *r)
{
	return (const struct acd_agent *)((const char *)r - offsetof(struct acd_agent, r));
}

void acd_msg_item(struct acd_item_msg *out, const struct acd_item *i)
{
	Pb__WorkItem *m = &out->m;

	pb__work_item__init(m);
	m->id = (char *)i->id;
	m->contact_id = (char *)i->contact;
	m->matter_id = (char *)i->matter;
	m->call_id = (char *)i->call;
	m->channel = (char *)i->channel;
	m->queue = i->queue ? i->queue->code : (char *)"";
	m->priority = i->priority;
	m->arrived_at = i->arrived_at;
	m->gateway = (char *)i->gateway;
	m->caller = (char *)i->caller;
	m->customer_id = (char *)i->customer;
	m->state = i->state;
	m->agent_id = (char *)i->agent_id;
	m->reservation_id = (char *)i->rsv_id;
	m->offers = i->offers;
	m->accepted_at = i->accepted_at;
	m->ended_at = i->ended_at;
	m->wait_ms = (i->accepted_at ? i->accepted_at : i->ended_at ? i->ended_at : yc_now()) - i->arrived_at;
	m->talk_ms = i->talk_ms;
	m->reason = (char *)i->reason;
	for (int32_t k = 0; k < i->r.n_tried; k++)
		out->tried[k] = (char *)owner_of(i->r.tried[k])->id;
	m->tried = out->tried;
	m->n_tried = (size_t)i->r.n_tried;
}
