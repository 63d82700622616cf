/* Queues: what a contact needs, and what the wall sees of them. */
#include <string.h>

#include "yc/arena.h"
#include "yc/text.h"

#include "acd.h"

#define OFFER_MS 20000
#define LEVEL_MS 15000           /* GB/T 33358: answered within 15 s */
#define BOOST_S 60
#define AHEAD_MOST 1000          /* a caller further back hears "more than 1000"; counting on would cost more than it tells */

struct acd_queue *acd_queue_find(struct acd *x, const char *code)
{
	struct acd_queue *q;

	HASH_FIND_STR(x->queues, code, q);
	return q;
}

static enum yc_code check_skills(const Pb__Queue *q, struct yc_err *e)
{
	if (q->n_skills > ROUTE_NEEDS)
		return yc_fail(e, YC_INVALID, "skills", "a queue may require at most %d skills", ROUTE_NEEDS);
	for (size_t i = 0; i < q->n_skills; i++) {
		char f[48];

		if (yc_is_empty(q->skills[i]->skill) || strlen(q->skills[i]->skill) >= ACD_CODE) {
			snprintf(f, sizeof(f), "skills.%zu.skill", i);
			return yc_fail(e, YC_INVALID, f, "a required skill needs a code of at most %d characters", ACD_CODE - 1);
		}
		if (!q->skills[i]->level)
			q->skills[i]->level = 1;
		if (q->skills[i]->level < 1 || q->skills[i]->level > ROUTE_LEVELS) {
			snprintf(f, sizeof(f), "skills.%zu.level", i);
			return yc_fail(e, YC_INVALID, f, "a level is 1 to %d", ROUTE_LEVELS);
		}
	}
	return YC_OK;
}

static enum yc_code check_ms(int64_t *ms, int64_t dflt, int64_t min, int64_t max, const char *field, struct yc_err *e)
{
	if (!*ms)
		*ms = dflt;
	if (*ms < min || *ms > max)
		return yc_fail(e, YC_INVALID, field, "%s must be between %lld and %lld ms", field, (long long)min, (long long)max);
	return YC_OK;
}

enum yc_code acd_queue_check(Pb__Queue *q, struct yc_err *e)
{
	enum yc_code c;

	if (yc_is_empty(q->code) || strlen(q->code) >= ACD_CODE)
		return yc_fail(e, YC_INVALID, "code", "a queue needs a code of at most %d characters", ACD_CODE - 1);
	if (strlen(q->name) >= ACD_NAME)
		return yc_fail(e, YC_INVALID, "name", "at most %d bytes", ACD_NAME - 1);
	if (strlen(q->name_en) >= ACD_NAME)
		return yc_fail(e, YC_INVALID, "name_en", "at most %d bytes", ACD_NAME - 1);
	if (strlen(q->music) >= ACD_CODE)
		return yc_fail(e, YC_INVALID, "music", "at most %d bytes", ACD_CODE - 1);
	if (q->max_waiting < 0)
		return yc_fail(e, YC_INVALID, "max_waiting", "0 (no bound) or more");
	if (!q->priority_boost_s)
		q->priority_boost_s = BOOST_S;
	if (q->priority_boost_s < 0 || q->priority_boost_s > 86400)
		return yc_fail(e, YC_INVALID, "priority_boost_s", "1 to 86400 seconds");
	if ((c = check_ms(&q->offer_timeout_ms, OFFER_MS, 100, 600000, "offer_timeout_ms", e)) != YC_OK ||
	    (c = check_ms(&q->wrapup_ms, 0, 0, 3600000, "wrapup_ms", e)) != YC_OK ||
	    (c = check_ms(&q->service_level_ms, LEVEL_MS, 1000, 3600000, "service_level_ms", e)) != YC_OK)
		return c;
	return check_skills(q, e);
}

/* Waiting items move to the new requirement; their keys are constant, so their order stays. */
static void move_waiting(struct acd *x, struct acd_queue *q, int32_t req)
{
	struct acd_item *i, *tmp;

	HASH_ITER(hh, x->items, i, tmp) {
		int waits = i->r.pos != 0;

		if (i->queue != q)
			continue;
		if (waits)
			acd_item_unwait(x, i);
		i->r.req = req;
		if (waits)
			acd_item_wait(x, i);
	}
	q->req = req;
	x->rematch = 1;
}

static struct acd_queue *make(struct acd *x, const char *code)
{
	struct acd_queue *q = yc_xcalloc(1, sizeof(*q));

	yc_copy(q->code, sizeof(q->code), code);
	q->req = -1;
	HASH_ADD_STR(x->queues, code, q);
	return q;
}

void acd_queue_put(struct acd *x, const Pb__Queue *in)
{
	ACD_ENTER(x);
	struct acd_queue *q = acd_queue_find(x, in->code);
	struct route_skill need[ROUTE_NEEDS];
	int32_t req;

	if (!q)
		q = make(x, in->code);
	yc_copy(q->name, sizeof(q->name), in->name);
	yc_copy(q->name_en, sizeof(q->name_en), in->name_en);
	yc_copy(q->music, sizeof(q->music), in->music);
	q->offer_timeout_ms = in->offer_timeout_ms;
	q->wrapup_ms = in->wrapup_ms;
	q->service_level_ms = in->service_level_ms;
	q->boost_s = in->priority_boost_s;
	q->max_waiting = in->max_waiting;
	q->version = in->version;
	q->n_skills = 0;
	for (size_t i = 0; i < in->n_skills && i < ROUTE_NEEDS; i++) {
		yc_copy(q->skills[i].code, sizeof(q->skills[i].code), in->skills[i]->skill);
		q->skills[i].level = in->skills[i]->level;
		need[i] = (struct route_skill){ route_skill(x->route, in->skills[i]->skill), in->skills[i]->level };
		q->n_skills++;
	}
	req = route_req(x->route, need, q->n_skills);
	if (req != q->req)
		move_waiting(x, q, req);
}

/* --- what a caller is told ---------------------------------------------------------------------------------------------------- */
int acd_queue_position(struct acd *x, const struct acd_item *i, int64_t *estimate_ms)
{
	struct route_count n = route_count(x->route, i->r.req);
	int ahead = i->r.pos ? route_ahead(x->route, &i->r, AHEAD_MOST) : 0;

	/* So many contacts must end first, and the agents in service end them side by side. 0: not known, nobody has been served yet or
	 * nobody is in service. */
	*estimate_ms = i->queue && n.service ? (int64_t)(ahead + 1) * i->queue->handle_ms / n.service : 0;
	return i->r.pos ? ahead + 1 : 0;
}

void acd_queue_handled(struct acd_queue *q, int64_t ms)
{
	q->handle_ms = q->handle_ms ? q->handle_ms + (ms - q->handle_ms) / 8 : ms;
}

void acd_queue_live(struct acd *x, const struct acd_queue *q, Pb__QueueLive *out)
{
	struct route_count n = route_count(x->route, q->req);
	const struct acd_item *oldest = yc_heap_top(&q->oldest);

	out->code = (char *)q->code;
	out->name = (char *)q->name;
	out->name_en = (char *)q->name_en;
	out->waiting = q->waiting;
	out->oldest_at = oldest ? oldest->arrived_at : 0;
	out->offered = q->offered;
	out->talking = q->talking;
	out->agents = n.online;
	out->ready = n.idle;
}
