/* RPCs about queues: what they are, and how they are now. Snapshots cost O(queues). */
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/text.h"

#include "service.h"

#define LIMIT 100
#define LIMIT_MAX 1000

static int by_code(const void *a, const void *b)
{
	return strcmp((*(struct acd_queue *const *)a)->code, (*(struct acd_queue *const *)b)->code);
}

/* All queues by code, in the request's arena. */
static struct acd_queue **sorted(struct yc_req *rq, size_t *n, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	struct acd_queue *q, *tmp, **v = yc_alloc(yc_req_arena(rq), (HASH_COUNT(s->x.queues) + 1) * sizeof(struct acd_queue *));

	*n = 0;
	if (!v) {
		yc_fail(e, YC_TOO_LARGE, NULL, "too many queues");
		return NULL;
	}
	HASH_ITER(hh, s->x.queues, q, tmp)
		v[(*n)++] = q;
	qsort(v, *n, sizeof(struct acd_queue *), by_code);
	return v;
}

static int fill(struct yc_arena *a, const struct acd_queue *q, Pb__Queue *out)
{
	out->code = yc_strdup(a, q->code);
	out->name = yc_strdup(a, q->name);
	out->name_en = yc_strdup(a, q->name_en);
	out->music = yc_strdup(a, q->music);
	out->offer_timeout_ms = q->offer_timeout_ms;
	out->wrapup_ms = q->wrapup_ms;
	out->service_level_ms = q->service_level_ms;
	out->priority_boost_s = q->boost_s;
	out->max_waiting = q->max_waiting;
	out->version = q->version;
	for (int32_t i = 0; i < q->n_skills; i++) {
		Pb__SkillLevel *m = yc_pb_add(a, &pb__skill_level__descriptor, &out->skills, &out->n_skills);

		if (!m || !(m->skill = yc_strdup(a, q->skills[i].code)))
			return 0;
		m->level = q->skills[i].level;
	}
	return out->code && out->name && out->name_en && out->music;
}

enum yc_code on_queue_list(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__ListReq *in = vin;
	Pb__Queues *out = vout;
	size_t limit = in->limit > 0 ? (size_t)(in->limit < LIMIT_MAX ? in->limit : LIMIT_MAX) : LIMIT, n;
	struct acd_queue **v = sorted(rq, &n, e);

	if (!v)
		return e->code;
	for (size_t k = 0; k < n; k++) {
		Pb__Queue *m;

		if (strcmp(v[k]->code, in->starting_after) <= 0 && *in->starting_after)
			continue;
		if (*in->q && !strstr(v[k]->code, in->q) && !strstr(v[k]->name, in->q) && !strstr(v[k]->name_en, in->q))
			continue;
		if (out->n_data == limit) {
			out->has_more = 1;
			out->next_cursor = out->data[limit - 1]->code;
			break;
		}
		m = yc_pb_add(yc_req_arena(rq), &pb__queue__descriptor, &out->data, &out->n_data);
		if (!m || !fill(yc_req_arena(rq), v[k], m))
			return yc_fail(e, YC_TOO_LARGE, "limit", "too many at once");
	}
	return YC_OK;
}

enum yc_code on_live(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	Pb__QueuesLive *out = vout;
	struct acd_queue **v;
	size_t n;

	SERVED(rq, "Live", vin);
	v = sorted(rq, &n, e);
	if (!v)
		return e->code;
	for (size_t k = 0; k < n; k++) {
		Pb__QueueLive *m = yc_pb_add(yc_req_arena(rq), &pb__queue_live__descriptor, &out->data, &out->n_data);

		if (!m)
			return yc_fail(e, YC_TOO_LARGE, NULL, "too many queues");
		acd_queue_live(&s->x, v[k], m);            /* queues are never freed while requests live */
	}
	out->boot = yc_strdup(yc_req_arena(rq), s->x.boot);
	out->degraded = s->degraded;
	return out->boot ? YC_OK : yc_fail(e, YC_TOO_LARGE, NULL, "no room for the answer");
}
