#include "rule_feed.h"

#include "yc/phone.h"
#include "yc/text.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/ticket.pb-c.h"

#include <string.h>

#define R(r) (1u << PB__ROLE__ROLE_##r)
#define CHIEFS (R(ADMIN) | R(SUPERVISOR) | R(LEADER) | R(DISPATCHER))
#define DESK (CHIEFS | R(AGENT) | R(AUDITOR) | R(INTEGRATOR) | R(BRANCH_ADMIN))
#define ORDERS (DESK | R(HANDLER))
#define MASTER (R(ADMIN) | R(SUPERVISOR) | R(LEADER) | R(BRANCH_ADMIN) | R(INTEGRATOR))

const struct api_event_type api_event_types[] = {
	{ "call.started", &pb__call_started__descriptor, DESK },
	{ "call.menu", &pb__call_menu__descriptor, DESK },
	{ "call.answered", &pb__call_changed__descriptor, DESK },
	{ "call.queued", &pb__call_changed__descriptor, DESK },
	{ "call.ringing", &pb__call_changed__descriptor, DESK },
	{ "call.offer_ended", &pb__call_changed__descriptor, DESK },
	{ "call.bridged", &pb__call_changed__descriptor, DESK },
	{ "call.ended", &pb__call_ended__descriptor, DESK },
	{ "recording.ready", &pb__recording_ready__descriptor, DESK },
	{ "phone.changed", &pb__phone_changed__descriptor, CHIEFS | R(AGENT) },
	{ "acd.started", &pb__acd_started__descriptor, CHIEFS },
	{ "item.queued", &pb__work_item__descriptor, DESK },
	{ "item.offered", &pb__work_item__descriptor, DESK },
	{ "item.accepted", &pb__work_item__descriptor, DESK },
	{ "item.offer_ended", &pb__work_item__descriptor, DESK },
	{ "item.ended", &pb__work_item__descriptor, DESK },
	{ "queue.changed", &pb__queue__descriptor, DESK },
	{ "seat.changed", &pb__seat__descriptor, CHIEFS },
	{ "agent.state", &pb__agent_changed__descriptor, DESK },
	{ "order.created", &pb__order_changed__descriptor, ORDERS },
	{ "order.note", &pb__order_changed__descriptor, ORDERS },
	{ "order.taken", &pb__order_changed__descriptor, ORDERS },
	{ "order.step", &pb__order_changed__descriptor, ORDERS },
	{ "order.answered", &pb__order_changed__descriptor, ORDERS },
	{ "order.closed", &pb__order_changed__descriptor, ORDERS },
	{ "order.handed_over", &pb__order_changed__descriptor, ORDERS },
	{ "order.due", &pb__order_changed__descriptor, ORDERS },
	{ "customer.created", &pb__customer__descriptor, DESK },
	{ "customer.changed", &pb__customer__descriptor, DESK },
	{ "person.changed", &pb__person__descriptor, MASTER },
	{ "org.changed", &pb__org__descriptor, MASTER },
	{ "skill.changed", &pb__skill__descriptor, MASTER },
	{ "calendar.changed", &pb__calendar__descriptor, MASTER },
	{ 0 }
};

const struct api_event_type *api_event_type(const char *type)
{
	for (const struct api_event_type *t = api_event_types; t->type; t++)
		if (yc_streq(t->type, type))
			return t;
	return NULL;
}

int api_event_is_confidential(const char *type)
{
	return !strncmp(type, "audit.", 6) || !strncmp(type, "session.", 8) || yc_streq(type, "extension.changed");
}

static int is_string(const ProtobufCFieldDescriptor *f)
{
	return f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED;
}

static int is_one(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (yc_streq(*names, name))
			return 1;
	return 0;
}

static ProtobufCMessage *member(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f)
{
	if (f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED)
		return NULL;
	return *(ProtobufCMessage *const *)((const char *)msg + f->offset);
}

int api_event_is_own(const ProtobufCMessage *msg, const char *person_id)
{
	static const char *const names[] = { "agent_id", "owner_id", "handler_id", "person_id", NULL };
	const ProtobufCMessageDescriptor *d = msg->descriptor;

	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];
		ProtobufCMessage *sub = member(msg, f);

		if (is_string(f) && is_one(names, f->name) && !yc_is_empty(person_id) &&
		    yc_streq(*(char *const *)((const char *)msg + f->offset), person_id))
			return 1;
		if (sub && api_event_is_own(sub, person_id))
			return 1;
	}
	return 0;
}

const char *api_event_org(const ProtobufCMessage *msg)
{
	const ProtobufCMessageDescriptor *d = msg->descriptor;
	const char *path = "";

	for (unsigned i = 0; i < d->n_fields && !*path; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];
		ProtobufCMessage *sub = member(msg, f);

		if (is_string(f) && (yc_streq(f->name, "org_path") || (yc_streq(f->name, "path") && d == &pb__org__descriptor)))
			path = *(char *const *)((const char *)msg + f->offset);
		else if (sub)
			path = api_event_org(sub);
	}
	return path;
}

int api_event_needs_mask(uint32_t roles, int is_own)
{
	return !is_own && !(roles & (CHIEFS | R(AUDITOR) | R(INTEGRATOR)));
}

static void mask_one(struct yc_arena *a, char **s)
{
	char out[YC_PHONE_LEN], *m;

	if (yc_is_empty(*s) || strlen(*s) < 7)
		return;                          /* service numbers and extensions are no secret */
	m = yc_strdup(a, yc_phone_mask(*s, out));
	if (m)
		*s = m;
}

void api_event_mask(struct yc_arena *a, ProtobufCMessage *msg)
{
	static const char *const names[] = { "from", "caller", "asserted", "diverted_from", "customer_phone", "phones", "contact", NULL };
	const ProtobufCMessageDescriptor *d = msg->descriptor;

	for (unsigned i = 0; i < d->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &d->fields[i];
		ProtobufCMessage *sub = member(msg, f);

		if (sub)
			api_event_mask(a, sub);
		if (f->type != PROTOBUF_C_TYPE_STRING || !is_one(names, f->name))
			continue;
		if (f->label != PROTOBUF_C_LABEL_REPEATED) {
			mask_one(a, (char **)((char *)msg + f->offset));
			continue;
		}
		for (size_t k = 0; k < *(size_t *)((char *)msg + f->quantifier_offset); k++)
			mask_one(a, &(*(char ***)((char *)msg + f->offset))[k]);
	}
}

int api_types_have(const char *list, const char *type)
{
	if (yc_is_empty(list))
		return 1;
	while (*list) {
		size_t n = strcspn(list, ",");

		if (n && !strncmp(list, type, n) && (!type[n] || type[n] == '.'))
			return 1;
		list += n + (list[n] == ',');
	}
	return 0;
}
