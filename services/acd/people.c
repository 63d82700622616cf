/* Directory's people and extensions, kept in acd's own store so that it starts without directory: a snapshot by pages, then events. */
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"
#include "yc/v1/gateway.pb-c.h"

#include "service.h"

#define PAGE 500
#define BACKOFF_FIRST_MS 500
#define BACKOFF_MAX_MS 30000

static enum yc_code take_person(struct acd_service *s, Pb__Person *p, struct yc_err *e)
{
	int64_t changed = 0;
	enum yc_code c;

	p->password = (char *)"";
	c = store_put(s, STORE_PERSON, p->id, p->version, p, &changed, e);
	if (c == YC_OK && changed)
		acd_person_put(&s->x, p);
	return c;
}

static enum yc_code take_extension(struct acd_service *s, Pb__Extension *p, struct yc_err *e)
{
	int64_t changed = 0;
	enum yc_code c;

	p->password = p->ha1_md5 = p->ha1_sha256 = (char *)"";         /* none of acd's business */
	c = store_put(s, STORE_EXTENSION, p->number, p->version, p, &changed, e);
	if (c == YC_OK && changed)
		acd_extension_put(&s->x, p);
	return c;
}

/* --- the snapshot ------------------------------------------------------------------------------------------------------------- */
static void next_page(void *arg);

static void again(struct acd_service *s, int64_t delay_ms)
{
	yc_timer_stop(&s->list_retry);
	s->list_retry = yc_timer_start(yc_node_loop(s->node), delay_ms, 0, next_page, s);
}

static void failed(struct acd_service *s, const char *why)
{
	s->list.backoff_ms = s->list.backoff_ms ? s->list.backoff_ms * 2 : BACKOFF_FIRST_MS;
	if (s->list.backoff_ms > BACKOFF_MAX_MS)
		s->list.backoff_ms = BACKOFF_MAX_MS;
	yc_info("directory's list: %s; again in %lld ms", why, (long long)s->list.backoff_ms);
	again(s, s->list.backoff_ms);
}

/* A page is taken; where does the next one begin? */
static void advance(struct acd_service *s, int has_more, const char *cursor)
{
	s->list.backoff_ms = 0;
	if (has_more && *cursor && strlen(cursor) < sizeof(s->list.after) && strcmp(cursor, s->list.after)) {
		yc_copy(s->list.after, sizeof(s->list.after), cursor);
	} else if (s->list.kind == LIST_PEOPLE) {
		s->list.kind = LIST_EXTENSIONS;
		*s->list.after = '\0';
	} else {
		s->list.running = 0;
		s->x.dir_loaded = 1;
		if (s->pool >= POOL_RECOVERING)
			acd_seats_apply(&s->x);
		return;
	}
	again(s, 0);
}

static void on_people(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct acd_service *s = arg;
	const Pb__People *m = msg;
	struct yc_err mine = { 0 };

	if (code != YC_OK) {
		failed(s, e->msg);
		return;
	}
	for (size_t i = 0; i < m->n_data; i++)
		if (take_person(s, m->data[i], &mine) != YC_OK)
			yc_error("person %s: %s", m->data[i]->staff_no, mine.msg);
	advance(s, m->has_more, m->next_cursor);
}

static void on_extensions(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct acd_service *s = arg;
	const Pb__Extensions *m = msg;
	struct yc_err mine = { 0 };

	if (code != YC_OK) {
		failed(s, e->msg);
		return;
	}
	for (size_t i = 0; i < m->n_data; i++)
		if (take_extension(s, m->data[i], &mine) != YC_OK)
			yc_error("extension %s: %s", m->data[i]->number, mine.msg);
	advance(s, m->has_more, m->next_cursor);
}

static void next_page(void *arg)
{
	struct acd_service *s = arg;
	Pb__ListReq m = PB__LIST_REQ__INIT;
	int people = s->list.kind == LIST_PEOPLE;
	struct yc_call c = { .service = "directory", .api = &pb__directory__descriptor, .method = people ? "PersonList" : "ExtensionList", .in = &m,
			     .fn = people ? on_people : on_extensions, .arg = s };

	s->list_retry = NULL;
	m.limit = PAGE;
	m.starting_after = s->list.after;
	yc_node_call(s->node, &c);
}

void people_fetch(struct acd_service *s)
{
	s->list.running = 1;
	again(s, 0);
}

void people_close(struct acd_service *s)
{
	yc_timer_stop(&s->list_retry);
}

/* --- events ------------------------------------------------------------------------------------------------------------------- */
enum yc_code people_on_person(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	struct acd_service *s = yc_node_self(n);
	enum yc_code c = take_person(s, (Pb__Person *)msg, e);

	if (c == YC_OK && s->pool >= POOL_RECOVERING)
		acd_seats_apply(&s->x);
	return c;
}

enum yc_code people_on_extension(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	return take_extension(yc_node_self(n), (Pb__Extension *)msg, e);
}

/* Only a hint: the registrar's key says what is true now, and an event may be a day old. */
enum yc_code people_on_phone(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	struct acd_service *s = yc_node_self(n);
	const Pb__PhoneChanged *m = msg;

	if (!yc_is_empty(m->extension))
		s->x.port.phone(s->x.port.arg, acd_phone_get(&s->x, m->extension));
	return YC_OK;
}
