#include "rule_ivr.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/json.h"

enum {
	NODES_MAX = 1000, CHOICES_MAX = 16, NAME_MAX_BYTES = 128,
	STEPS_MAX = 500,                         /* nodes entered in one call: a caller who wanders for ever is hung up on */
	TRIES_DEFAULT = 3, TRIES_MAX = 20, TIMEOUT_DEFAULT_MS = 8000, TIMEOUT_MAX_MS = 120000,
	TEXT_LIMIT = 4 << 20,
};
enum kind { PLAY, MENU, QUEUE, HANGUP, KINDS };
static const char *const kinds[KINDS] = { "play", "menu", "queue", "hangup" };

struct choice { char key; int next; const char *name; };
struct node {
	const char *id, *prompt, *queue, *music, *reason;
	enum kind kind;
	int next, on_timeout, on_invalid;        /* -1: none */
	int64_t timeout_ms;
	int tries, priority, n_choices;
	struct choice *choices;
};
struct ivr_flow {
	atomic_int refs;
	struct yc_arena *arena;                  /* everything below, names included */
	const char *name;
	int64_t version;
	int start, n;
	struct node *nodes;
};

/* --- checking --- */
static const char digits[] = "0123456789*#ABCD";

static enum yc_code wrong(struct yc_err *e, size_t node, const char *field, const char *what, const char *value)
{
	char f[64];

	snprintf(f, sizeof(f), "nodes.%u.%s", (unsigned)node, field);
	return yc_fail(e, YC_INVALID, f, what, value);
}

static int find(const Pb__FlowDoc *d, const char *id)
{
	for (size_t i = 0; *id && i < d->n_nodes; i++)
		if (!strcmp(d->nodes[i]->id, id))
			return (int)i;
	return -1;
}

static int kind_of(const char *name)
{
	for (int k = 0; k < KINDS; k++)
		if (!strcmp(kinds[k], name))
			return k;
	return -1;
}

/* A jump target: must exist; may be left out when it is optional. */
static enum yc_code check_target(const Pb__FlowDoc *d, size_t i, const char *field, const char *target, int optional, struct yc_err *e)
{
	if (!*target)
		return optional ? YC_OK : wrong(e, i, field, "the node says not where to go on%s", "");
	return find(d, target) >= 0 ? YC_OK : wrong(e, i, field, "there is no node \"%s\"", target);
}

static enum yc_code check_choices(const Pb__FlowDoc *d, size_t i, struct yc_err *e)
{
	const Pb__FlowNode *n = d->nodes[i];
	char field[32];

	if (!n->n_choices || n->n_choices > CHOICES_MAX)
		return wrong(e, i, "choices", "a menu has 1 to 16 choices%s", "");
	for (size_t k = 0; k < n->n_choices; k++) {
		const Pb__FlowChoice *c = n->choices[k];
		enum yc_code code;

		snprintf(field, sizeof(field), "choices.%u.key", (unsigned)k);
		if (strlen(c->key) != 1 || !strchr(digits, c->key[0]))
			return wrong(e, i, field, "\"%s\" is no key: 0-9, *, #, A-D", c->key);
		for (size_t j = 0; j < k; j++)
			if (n->choices[j]->key[0] == c->key[0])
				return wrong(e, i, field, "the key %s stands there twice", c->key);
		snprintf(field, sizeof(field), "choices.%u.next", (unsigned)k);
		code = check_target(d, i, field, c->next, 0, e);
		if (code != YC_OK)
			return code;
	}
	return YC_OK;
}

static enum yc_code check_menu(const Pb__FlowDoc *d, size_t i, struct yc_err *e)
{
	const Pb__FlowNode *n = d->nodes[i];
	enum yc_code c;

	if (n->timeout_ms < 0 || n->timeout_ms > TIMEOUT_MAX_MS)
		return wrong(e, i, "timeout_ms", "between 0 (default) and 120000%s", "");
	if (n->tries < 0 || n->tries > TRIES_MAX)
		return wrong(e, i, "tries", "between 0 (default) and 20%s", "");
	c = check_target(d, i, "on_timeout", n->on_timeout, 1, e);
	if (c == YC_OK)
		c = check_target(d, i, "on_invalid", n->on_invalid, 1, e);
	return c == YC_OK ? check_choices(d, i, e) : c;
}

static enum yc_code check_lengths(const Pb__FlowNode *n, size_t i, struct yc_err *e)
{
	const struct { const char *field, *value; } names[] = {
		{ "id", n->id }, { "prompt", n->prompt }, { "queue", n->queue }, { "music", n->music }, { "reason", n->reason },
	};

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (strlen(names[k].value) >= NAME_MAX_BYTES)
			return wrong(e, i, names[k].field, "longer than 127 bytes%s", "");
	return YC_OK;
}

static enum yc_code check_node(const Pb__FlowDoc *d, size_t i, struct yc_err *e)
{
	const Pb__FlowNode *n = d->nodes[i];

	if (!*n->id)
		return wrong(e, i, "id", "a node needs an id%s", "");
	if (find(d, n->id) != (int)i)
		return wrong(e, i, "id", "there are two nodes \"%s\"", n->id);
	switch (kind_of(n->kind)) {
	case PLAY:
		if (!*n->prompt)
			return wrong(e, i, "prompt", "a play node needs a prompt%s", "");
		return check_target(d, i, "next", n->next, 0, e);
	case MENU:
		return check_menu(d, i, e);
	case QUEUE:
		return *n->queue ? YC_OK : wrong(e, i, "queue", "a queue node needs a queue%s", "");
	case HANGUP:
		return YC_OK;
	default:
		return wrong(e, i, "kind", "\"%s\" is none of play, menu, queue, hangup", n->kind);
	}
}

/* Play nodes that only lead to each other would hold a caller for ever. */
static enum yc_code check_circles(const Pb__FlowDoc *d, struct yc_err *e)
{
	int next[NODES_MAX], walk[NODES_MAX] = { 0 };   /* walk: the walk on which a node was met first, 0 = never */

	for (size_t i = 0; i < d->n_nodes; i++)
		next[i] = kind_of(d->nodes[i]->kind) == PLAY ? find(d, d->nodes[i]->next) : -1;
	for (int i = 0; i < (int)d->n_nodes; i++) {
		int at = i;

		for (; at >= 0 && !walk[at]; at = next[at])
			walk[at] = i + 1;
		if (at >= 0 && walk[at] == i + 1)
			return wrong(e, (size_t)at, "next", "from \"%s\" only prompts follow each other in a circle", d->nodes[at]->id);
	}
	return YC_OK;
}

enum yc_code ivr_flow_check(const Pb__FlowDoc *d, struct yc_err *e)
{
	if (!d->n_nodes || d->n_nodes > NODES_MAX)
		return yc_fail(e, YC_INVALID, "nodes", "a flow has 1 to %d nodes", NODES_MAX);
	for (size_t i = 0; i < d->n_nodes; i++) {
		enum yc_code c = check_lengths(d->nodes[i], i, e);

		if (c == YC_OK)
			c = check_node(d, i, e);
		if (c != YC_OK)
			return c;
	}
	if (find(d, d->start) < 0)
		return yc_fail(e, YC_INVALID, "start", "there is no node \"%.*s\"", NAME_MAX_BYTES, d->start);
	return check_circles(d, e);
}

/* --- building --- */
static void build_node(struct ivr_flow *f, struct node *n, const Pb__FlowDoc *d, const Pb__FlowNode *in)
{
	n->id = yc_strdup(f->arena, in->id);
	n->kind = (enum kind)kind_of(in->kind);
	n->prompt = yc_strdup(f->arena, in->prompt);
	n->queue = yc_strdup(f->arena, in->queue);
	n->music = yc_strdup(f->arena, in->music);
	n->reason = yc_strdup(f->arena, in->reason);
	n->priority = in->priority;
	n->next = find(d, in->next);
	n->on_timeout = find(d, in->on_timeout);
	n->on_invalid = find(d, in->on_invalid);
	n->timeout_ms = in->timeout_ms ? in->timeout_ms : TIMEOUT_DEFAULT_MS;
	n->tries = in->tries ? in->tries : TRIES_DEFAULT;
	n->n_choices = n->kind == MENU ? (int)in->n_choices : 0;
	n->choices = yc_alloc(f->arena, sizeof(*n->choices) * (size_t)(n->n_choices + 1));
	for (int i = 0; i < n->n_choices; i++) {
		n->choices[i].key = in->choices[i]->key[0];
		n->choices[i].next = find(d, in->choices[i]->next);
		n->choices[i].name = yc_strdup(f->arena, in->choices[i]->name);
	}
}

enum yc_code ivr_flow_new(struct ivr_flow **out, const Pb__FlowDoc *d, struct yc_err *e)
{
	enum yc_code c = ivr_flow_check(d, e);
	struct ivr_flow *f;

	*out = NULL;
	if (c != YC_OK)
		return c;
	f = yc_xcalloc(1, sizeof(*f));
	atomic_init(&f->refs, 1);
	f->arena = yc_arena_new((size_t)16 << 20);   /* 1000 nodes of the longest names and choices need less */
	f->name = yc_strdup(f->arena, d->name);
	f->version = d->version;
	f->start = find(d, d->start);
	f->n = (int)d->n_nodes;
	f->nodes = yc_alloc(f->arena, sizeof(*f->nodes) * d->n_nodes);
	for (int i = 0; i < f->n; i++)
		build_node(f, &f->nodes[i], d, d->nodes[i]);
	*out = f;
	return YC_OK;
}

enum yc_code ivr_flow_parse(struct ivr_flow **out, const char *json, size_t n, struct yc_err *e)
{
	struct yc_arena *a = yc_arena_new(TEXT_LIMIT);
	void *doc = NULL;
	enum yc_code c;

	*out = NULL;
	c = yc_json_read(a, &pb__flow_doc__descriptor, json, n, &doc, e);
	if (c == YC_OK)
		c = ivr_flow_new(out, doc, e);
	yc_arena_free(&a);
	return c;
}

struct ivr_flow *ivr_flow_ref(struct ivr_flow *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void ivr_flow_unref(struct ivr_flow **pf)
{
	struct ivr_flow *f = *pf;

	*pf = NULL;
	if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
		return;
	yc_arena_free(&f->arena);
	yc_xfree(f);
}

const char *ivr_flow_name(const struct ivr_flow *f)
{
	return f->name;
}

int64_t ivr_flow_version(const struct ivr_flow *f)
{
	return f->version;
}

const char *ivr_flow_prompt(const struct ivr_flow *f, int n)
{
	for (int i = 0; i < f->n; i++) {
		if (*f->nodes[i].prompt && n-- == 0)
			return f->nodes[i].prompt;
		if (*f->nodes[i].music && n-- == 0)
			return f->nodes[i].music;
	}
	return NULL;
}

/* --- running --- */
static struct ivr_action *act(struct ivr_step *out, enum ivr_act what)
{
	struct ivr_action *a = &out->actions[out->n++];

	*a = (struct ivr_action){ .act = what, .prompt = "", .queue = "", .music = "", .reason = "" };
	return a;
}

static void hang_up(struct ivr_step *out, const char *reason)
{
	act(out, IVR_HANGUP)->reason = reason;
	out->over = 1;
}

static void play(struct ivr_step *out, const struct node *n, int barge)
{
	struct ivr_action *a = act(out, IVR_PLAY);

	a->prompt = n->prompt;
	a->barge = barge;
}

/* The prompt of a menu (again), and ears open. A menu without prompt waits at once. */
static void ask(struct ivr_run *r, const struct node *n, struct ivr_step *out)
{
	act(out, IVR_LISTEN);
	r->waiting = !*n->prompt;
	if (*n->prompt)
		play(out, n, 1);
	else
		act(out, IVR_WAIT)->timeout_ms = n->timeout_ms;
}

static void to_queue(const struct node *n, struct ivr_step *out)
{
	struct ivr_action *a;

	if (*n->prompt)
		play(out, n, 0);                 /* while he is already in the queue: no time is lost */
	a = act(out, IVR_QUEUE);
	a->queue = n->queue;
	a->music = n->music;
	a->priority = n->priority;
	out->over = 1;
}

/* Who knows what he wants need not hear the greeting: does a menu follow this prompt, and (digit not 0) does it have that key? */
static int knows_key(const struct ivr_flow *f, const struct node *n, char digit)
{
	const struct node *m = n->next >= 0 ? &f->nodes[n->next] : NULL;

	if (!m || m->kind != MENU)
		return 0;
	for (int i = 0; digit && i < m->n_choices; i++)
		if (m->choices[i].key == digit)
			return 1;
	return !digit;
}

static void enter(struct ivr_run *r, int node, struct ivr_step *out)
{
	const struct node *n = &r->flow->nodes[node];

	r->node = node;
	r->tries = 0;
	r->waiting = 0;
	if (++r->steps > STEPS_MAX) {
		hang_up(out, "flow_too_long");
		return;
	}
	switch (n->kind) {
	case PLAY:
		if (knows_key(r->flow, n, 0))
			act(out, IVR_LISTEN);
		play(out, n, knows_key(r->flow, n, 0));
		break;
	case MENU:
		ask(r, n, out);
		break;
	case QUEUE:
		to_queue(n, out);
		break;
	default:
		if (*n->prompt)
			play(out, n, 0);
		else
			hang_up(out, *n->reason ? n->reason : "flow");
		break;
	}
}

static void leave(struct ivr_run *r, int next, char digit, const char *label, struct ivr_step *out)
{
	const struct node *n = &r->flow->nodes[r->node];

	out->node = n->id;
	out->kind = kinds[n->kind];
	out->label = label;
	out->input[0] = digit;
	if (n->kind == MENU)
		act(out, IVR_STOP);
	if (next < 0) {
		out->next = "";
		hang_up(out, digit ? "invalid_input" : "no_input");
		return;
	}
	out->next = r->flow->nodes[next].id;
	enter(r, next, out);
}

/* Nothing, or nothing sensible, was pressed: ask again while there are tries, then go where the flow says. */
static void missed(struct ivr_run *r, const struct node *n, char digit, struct ivr_step *out)
{
	if (!digit && n->on_timeout >= 0) {
		leave(r, n->on_timeout, 0, "", out);
		return;
	}
	if (++r->tries >= n->tries) {
		leave(r, n->on_invalid, digit, "", out);
		return;
	}
	act(out, IVR_STOP);
	ask(r, n, out);
}

static void menu(struct ivr_run *r, const struct node *n, enum ivr_event ev, char digit, struct ivr_step *out)
{
	if (ev == IVR_EV_PLAY_DONE) {
		if (!r->waiting)
			act(out, IVR_WAIT)->timeout_ms = n->timeout_ms;
		r->waiting = 1;
		return;
	}
	if (ev == IVR_EV_TIMEOUT) {
		if (r->waiting)                  /* else a timer of before */
			missed(r, n, 0, out);
		return;
	}
	for (int i = 0; i < n->n_choices; i++) {
		if (n->choices[i].key == digit) {
			leave(r, n->choices[i].next, digit, n->choices[i].name, out);
			return;
		}
	}
	missed(r, n, digit, out);
}

static void clear(struct ivr_step *out)
{
	memset(out, 0, sizeof(*out));
	out->label = "";
}

void ivr_start(struct ivr_run *r, struct ivr_flow *f, struct ivr_step *out)
{
	memset(r, 0, sizeof(*r));
	clear(out);
	r->flow = ivr_flow_ref(f);
	enter(r, f->start, out);
}

/* Any key ends a greeting, for the sound has stopped already; one that the menu does not have only brings its prompt. */
static void cut(struct ivr_run *r, const struct node *n, char digit, struct ivr_step *out)
{
	act(out, IVR_STOP);
	leave(r, n->next, 0, "", out);
	out->again = knows_key(r->flow, n, digit);
}

void ivr_step(struct ivr_run *r, enum ivr_event ev, char digit, struct ivr_step *out)
{
	const struct node *n;

	clear(out);
	if (!r->flow)
		return;
	n = &r->flow->nodes[r->node];
	if (n->kind == MENU)
		menu(r, n, ev, digit, out);
	else if (n->kind == PLAY && ev == IVR_EV_PLAY_DONE)
		leave(r, n->next, 0, "", out);
	else if (n->kind == PLAY && ev == IVR_EV_DIGIT && knows_key(r->flow, n, 0))
		cut(r, n, digit, out);
	else if (n->kind == HANGUP && ev == IVR_EV_PLAY_DONE)
		hang_up(out, *n->reason ? n->reason : "flow");
}

void ivr_end(struct ivr_run *r)
{
	ivr_flow_unref(&r->flow);
}
