/* The core's wishes carried out: offers and questions to gateways, questions to the registrar, events, figures. */
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/metric.h"
#include "yc/text.h"
#include "yc/v1/gateway.pb-c.h"

#include "service.h"

#define OFFER_TIMEOUT_MS 3000
#define PHONE_RETRY_MS 5000

enum { M_QUEUED, M_OFFERED, M_ACCEPTED, M_MISSED, M_ENDED, M_LATENCY, M_COUNT };
static struct yc_metric metrics[M_COUNT] = {
	[M_QUEUED] = { .kind = YC_COUNTER, .name = "yc_acd_queued_total", .help = "items that arrived" },
	[M_OFFERED] = { .kind = YC_COUNTER, .name = "yc_acd_offered_total", .help = "offers made" },
	[M_ACCEPTED] = { .kind = YC_COUNTER, .name = "yc_acd_accepted_total", .help = "offers that led to a talk" },
	[M_MISSED] = { .kind = YC_COUNTER, .name = "yc_acd_offer_ended_total", .help = "offers that did not" },
	[M_ENDED] = { .kind = YC_COUNTER, .name = "yc_acd_ended_total", .help = "items that ended" },
	[M_LATENCY] = { .kind = YC_HISTOGRAM, .name = "yc_acd_offer_seconds", .help = "from the match to the offer's leaving (commit in Redis)" },
};

void out_metrics(struct acd_service *s)
{
	static int once;

	if (!once++)
		yc_metrics_register(metrics, M_COUNT);
}

/* --- events ------------------------------------------------------------------------------------------------------------------- */
static void emit(struct acd_service *s, const char *type, const char *matter, const char *key, const void *msg)
{
	struct yc_err e = { 0 };

	if (yc_emit(s->node, type, matter, key, msg, &e) != YC_OK)
		yc_error("event %s of %s is lost: %s", type, key, e.msg);
}

static void tell_item(void *arg, const char *type, const struct acd_item *i)
{
	static const struct { const char *type; int metric; } count[] = {
		{ "item.queued", M_QUEUED }, { "item.offered", M_OFFERED }, { "item.accepted", M_ACCEPTED },
		{ "item.offer_ended", M_MISSED }, { "item.ended", M_ENDED },
	};
	struct acd_item_msg m;

	for (size_t k = 0; k < sizeof(count) / sizeof(count[0]); k++)
		if (!strcmp(type, count[k].type))
			yc_metric_add(&metrics[count[k].metric], 1);
	acd_msg_item(&m, i);
	emit(arg, type, i->matter, i->id, &m.m);
}

static void tell_agent(void *arg, const struct acd_told *t)
{
	struct acd_service *s = arg;
	Pb__AgentChanged m = PB__AGENT_CHANGED__INIT;
	struct acd_agent_msg a;

	acd_msg_agent(&s->x, &a, t->agent);
	m.agent = &a.m;
	m.was = t->was;
	m.was_ms = t->was_ms;
	m.was_reason = (char *)t->was_reason;
	m.disposition = (char *)t->disposition;
	m.note = (char *)t->note;
	emit(s, "agent.state", t->agent->work.matter, t->agent->id, &m);
}

/* --- gateway ------------------------------------------------------------------------------------------------------------------ */
struct about { struct acd_service *s; char id[YC_ID_LEN]; };

static struct about *about(struct acd_service *s, const char *id)
{
	struct about *a = yc_xcalloc(1, sizeof(*a));

	a->s = s;
	yc_copy(a->id, sizeof(a->id), id);
	return a;
}

static void call_gateway(struct acd_service *s, const char *gateway, const char *method, const void *in, int64_t timeout_ms, yc_reply_fn *fn, void *arg)
{
	char service[ACD_CODE + 16];
	struct yc_call c = { .service = service, .api = &pb__gateway__descriptor, .method = method, .in = in, .timeout_ms = timeout_ms,
			     .fn = fn, .arg = arg };

	snprintf(service, sizeof(service), "gateway@%s", gateway);
	yc_node_call(s->node, &c);
}

static void on_offered(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct about a = *(struct about *)arg;

	yc_xfree(arg);
	if (code == YC_OK)
		return;
	yc_warn("reservation %s: offer: %s %s %s", a.id, yc_code_name(code), e->field, e->msg);
	acd_offer_failed(&a.s->x, a.id, code, e->field);
}

static void offer(void *arg, const struct acd_rsv *v)
{
	struct acd_service *s = arg;
	Pb__OfferReq m = PB__OFFER_REQ__INIT;

	yc_metric_observe_us(&metrics[M_LATENCY], yc_mono_us() - v->began_us);
	m.reservation_id = (char *)v->id;
	m.version = v->ver;
	m.item_id = v->item->id;
	m.call_id = v->item->call;
	m.agent_id = v->agent->id;
	m.agent_name = v->agent->name;
	m.extension = v->agent->phone ? v->agent->phone->ext : (char *)"";
	m.timeout_ms = v->timeout_ms;
	m.queue = v->item->queue ? v->item->queue->code : (char *)"";
	call_gateway(s, v->item->gateway, "Offer", &m, OFFER_TIMEOUT_MS, on_offered, about(s, v->id));
}

static void stop(void *arg, const struct acd_rsv *v)
{
	Pb__OfferCancel m = PB__OFFER_CANCEL__INIT;

	m.reservation_id = (char *)v->id;
	m.reason = (char *)v->reason;
	call_gateway(arg, v->item->gateway, "OfferStop", &m, OFFER_TIMEOUT_MS, NULL, NULL);
}

static void on_checked(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct about a = *(struct about *)arg;
	const Pb__Call *c = msg;

	yc_xfree(arg);
	if (code == YC_NOT_FOUND || (code == YC_OK && !strcmp(c->state, "ended")))
		acd_item_gone(&a.s->x, a.id);
}

static void check(void *arg, struct acd_item *i)
{
	Pb__CallReq m = PB__CALL_REQ__INIT;

	m.id = i->call;
	if (*i->call && *i->gateway)
		call_gateway(arg, i->gateway, "CallGet", &m, OFFER_TIMEOUT_MS, on_checked, about(arg, i->id));
}

/* --- registrar ---------------------------------------------------------------------------------------------------------------- */
static void on_phone(void *arg, enum yc_code code, int registered, int64_t ttl_ms)
{
	struct about a = *(struct about *)arg;
	struct acd_phone *p = acd_phone_get(&a.s->x, a.id);

	yc_xfree(arg);
	if (code == YC_OK)
		acd_phone_seen(&a.s->x, p, registered, ttl_ms);
	else
		acd_phone_later(&a.s->x, p, PHONE_RETRY_MS);
}

static void phone(void *arg, struct acd_phone *p)
{
	struct acd_service *s = arg;

	if (s->presence)
		presence_phone(s->presence, p->ext, on_phone, about(s, p->ext));
}

void out_ports(struct acd_service *s, struct acd_ports *p)
{
	*p = (struct acd_ports){
		.arg = s, .reserve = keep_reserve, .save = keep_save, .offer = offer, .stop = stop,
		.tell_item = tell_item, .tell_agent = tell_agent, .check = check, .phone = phone,
	};
}
