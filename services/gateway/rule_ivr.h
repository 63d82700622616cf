/* IVR: a flow document interpreted as a pure step function. Play nodes, menus, queue, hang-up; the caller's world does what the actions say
 * and reports back. No I/O, no clock: time-outs come in as events. */
#ifndef GATEWAY_RULE_IVR_H
#define GATEWAY_RULE_IVR_H

#include <stddef.h>
#include <stdint.h>

#include "yc/err.h"
#include "yc/v1/gateway.pb-c.h"

struct ivr_flow;                                 /* immutable, reference-counted (atomic): running calls keep the version they started with */
/* Checks the document and copies it. INVALID names node and field: "nodes.2.next", "nodes.1.choices.0.key", "start". */
enum yc_code ivr_flow_new(struct ivr_flow **out, const Pb__FlowDoc *doc, struct yc_err *e) YC_MUST;
enum yc_code ivr_flow_check(const Pb__FlowDoc *doc, struct yc_err *e) YC_MUST;
/* From JSON text as imported; doc errors as above, text errors as yc_json_read(). */
enum yc_code ivr_flow_parse(struct ivr_flow **out, const char *json, size_t n, struct yc_err *e) YC_MUST;
struct ivr_flow *ivr_flow_ref(struct ivr_flow *f);
void ivr_flow_unref(struct ivr_flow **f);
const char *ivr_flow_name(const struct ivr_flow *f);
int64_t ivr_flow_version(const struct ivr_flow *f);
/* The n-th prompt or music name the flow uses, NULL after the last: so that a loader can warn about missing ones. */
const char *ivr_flow_prompt(const struct ivr_flow *f, int n);

enum ivr_act {
	IVR_PLAY = 1,                            /* prompt; barge = digits cut it; report IVR_EV_PLAY_DONE */
	IVR_LISTEN,                              /* report digits (before or while the prompt plays) */
	IVR_WAIT,                                /* timeout_ms: report IVR_EV_TIMEOUT after so long, unless something else comes first */
	IVR_STOP,                                /* stop the prompt, stop listening, stop the timer */
	IVR_QUEUE,                               /* queue, priority, music: hand over to the ACD; the run is over */
	IVR_HANGUP,                              /* reason; the run is over */
};
struct ivr_action {
	enum ivr_act act;
	const char *prompt;                      /* PLAY; strings belong to the flow */
	int barge;
	int64_t timeout_ms;                      /* WAIT */
	const char *queue, *music, *reason;      /* "" when not given */
	int priority;
};
enum ivr_event { IVR_EV_PLAY_DONE = 1, IVR_EV_DIGIT, IVR_EV_TIMEOUT };

#define IVR_ACTIONS_MAX 8
struct ivr_step {
	int n;
	struct ivr_action actions[IVR_ACTIONS_MAX];   /* in order */
	/* Set when a node was left (for the event call.menu), else node is NULL. */
	const char *node, *kind, *next, *label;  /* label: name of the choice taken, or "" */
	char input[2];                           /* the digit, or "" */
	int over;                                /* after QUEUE or HANGUP */
	int again;                               /* feed the same digit once more: it cut a greeting and is meant for the menu behind it */
};
struct ivr_run {                                 /* plain storage, owned by the call */
	struct ivr_flow *flow;                   /* holds a reference */
	int node, tries, steps, waiting;
};
/* Takes a reference to the flow and enters its start node. */
void ivr_start(struct ivr_run *r, struct ivr_flow *f, struct ivr_step *out);
/* Events that do not fit the node (a late PLAY_DONE) give no actions. digit only with IVR_EV_DIGIT. */
void ivr_step(struct ivr_run *r, enum ivr_event ev, char digit, struct ivr_step *out);
void ivr_end(struct ivr_run *r);                 /* drops the reference; safe twice */

#endif
