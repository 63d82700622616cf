/* Business configuration that acd takes: queues and seats. */
#include <string.h>

#include "yc/log.h"
#include "yc/text.h"

#include "service.h"

static const char *const ignored[] = { "version", NULL };

/* Compares with what is stored and gives the new version; *was NULL: it is new. */
static enum yc_code compare(struct yc_req *rq, enum store_kind k, const char *key, const ProtobufCMessage *msg, int *action, struct yc_buf *diff,
			    void **was, struct yc_err *e)
{
	enum yc_code c = store_get(yc_req_self(rq), k, key, yc_req_arena(rq), was, e);

	if (c != YC_OK)
		return c;
	if (!*was)
		*action = PB__IMPORT_ACTION__IMPORT_ACTION_CREATE;
	else
		*action = yc_json_diff(diff, *was, msg, ignored) ? PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE : PB__IMPORT_ACTION__IMPORT_ACTION_SAME;
	return YC_OK;
}

/* Taken in by an instance that stands by: the store has it for the next start, and the one who serves the pool hears it now. */
static void tell_holder(struct acd_service *s, const char *kind, const void *msg)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem item = PB__IMPORT_ITEM__INIT, *items[] = { &item };
	char service[ACD_CODE + 8];
	struct yc_call c = { .service = service, .api = &pb__node__descriptor, .method = "Import", .in = &in, .retries = 3 };
	struct yc_buf json = { 0 };

	if (s->pool >= POOL_RECOVERING || !*s->holder || !strcmp(s->holder, yc_node_instance(s->node)))
		return;
	yc_json_write(&json, msg);
	item.kind = (char *)kind;
	item.json = json.p;
	in.items = items;
	in.n_items = 1;
	snprintf(service, sizeof(service), "acd@%s", s->holder);
	yc_node_call(s->node, &c);
	yc_buf_free(&json);
}

static enum yc_code apply_queue(struct yc_req *rq, void *msg, int dry_run, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	Pb__Queue *q = msg;
	void *was;
	enum yc_code c;

	yc_copy(key, 128, q->code);
	c = acd_queue_check(q, e);
	if (c == YC_OK)
		c = compare(rq, STORE_QUEUE, q->code, &q->base, action, diff, &was, e);
	if (c != YC_OK || dry_run)
		return c;
	if (*action == PB__IMPORT_ACTION__IMPORT_ACTION_SAME) {
		const struct acd_queue *mine = acd_queue_find(&s->x, q->code);

		if (!mine || mine->version != ((Pb__Queue *)was)->version)
			acd_queue_put(&s->x, was);             /* another instance has written it */
		return c;
	}
	q->version = was ? ((Pb__Queue *)was)->version + 1 : 1;
	c = store_put(s, STORE_QUEUE, q->code, q->version, q, NULL, e);
	if (c == YC_OK)
		c = yc_emit(s->node, "queue.changed", "", q->code, q, e);
	if (c != YC_OK)
		return c;
	acd_queue_put(&s->x, q);
	tell_holder(s, "queue", q);
	return YC_OK;
}

static enum yc_code check_seat(const Pb__Seat *m, struct yc_err *e)
{
	if (yc_is_empty(m->extension) || strlen(m->extension) >= sizeof(((struct acd_seat *)0)->ext))
		return yc_fail(e, YC_INVALID, "extension", "a seat needs an extension of at most %zu characters", sizeof(((struct acd_seat *)0)->ext) - 1);
	if (yc_is_empty(m->staff_no) || strlen(m->staff_no) >= sizeof(((struct acd_seat *)0)->staff_no))
		return yc_fail(e, YC_INVALID, "staff_no", "a seat needs a staff number of at most %zu characters", sizeof(((struct acd_seat *)0)->staff_no) - 1);
	return YC_OK;
}

static void take_seat(struct acd_service *s, const Pb__Seat *m)
{
	acd_seat_put(&s->x, m);
	if (s->pool >= POOL_RECOVERING)
		acd_seats_apply(&s->x);
}

static enum yc_code apply_seat(struct yc_req *rq, void *msg, int dry_run, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	struct acd_service *s = yc_req_self(rq);
	Pb__Seat *m = msg;
	void *was;
	enum yc_code c;

	yc_copy(key, 128, m->extension);
	c = check_seat(m, e);
	if (c == YC_OK)
		c = compare(rq, STORE_SEAT, m->extension, &m->base, action, diff, &was, e);
	if (c != YC_OK || dry_run)
		return c;
	if (*action == PB__IMPORT_ACTION__IMPORT_ACTION_SAME) {
		take_seat(s, was);
		return c;
	}
	m->version = was ? ((Pb__Seat *)was)->version + 1 : 1;
	c = store_put(s, STORE_SEAT, m->extension, m->version, m, NULL, e);
	if (c == YC_OK)
		c = yc_emit(s->node, "seat.changed", "", m->extension, m, e);
	if (c != YC_OK)
		return c;
	take_seat(s, m);
	tell_holder(s, "seat", m);
	return YC_OK;
}

const struct yc_import_kind acd_imports[] = {
	{ "queue", &pb__queue__descriptor, apply_queue },
	{ "seat", &pb__seat__descriptor, apply_seat },
	{ 0 }
};
