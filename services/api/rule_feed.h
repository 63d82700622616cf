/* Which events leave the house, and who may see them. Pure. */
#ifndef API_RULE_FEED_H
#define API_RULE_FEED_H

#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "yc/arena.h"

struct api_event_type {
	const char *type;
	const ProtobufCMessageDescriptor *d;
	uint32_t roles;                          /* who sees events of this type at all */
};
extern const struct api_event_type api_event_types[];    /* ends with {0} */

const struct api_event_type *api_event_type(const char *type);
/* Never stored, never shown: credentials and the audit log. */
int api_event_is_confidential(const char *type);
/* Is the reader named in it (agent_id, owner_id, handler_id, person_id), at the top or one level down? */
int api_event_is_own(const ProtobufCMessage *msg, const char *person_id);
/* The organisation path it carries, at the top or one level down; "" when it has none. */
const char *api_event_org(const ProtobufCMessage *msg);
/* Chiefs see numbers; others see them masked unless the event is about themselves. */
int api_event_needs_mask(uint32_t roles, int is_own);
/* Mask telephone numbers in place; new strings live in the arena. */
void api_event_mask(struct yc_arena *a, ProtobufCMessage *msg);
/* "call,agent.state" against "call.ended": by whole name or by its first part. An empty list takes all. */
int api_types_have(const char *list, const char *type);

#endif
