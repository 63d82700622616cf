/* Telephony is right: taking over a gateway's word on who waits, rings and talks; and what happens when a gateway is gone. */
#include <string.h>

#include <utlist.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#include "acd.h"

#define IS(x) PB__ITEM_STATE__ITEM_STATE_##x
#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x
#define FRESH_MS 2000            /* what came within this time may have crossed the gateway's list on its way */

struct acd_gateway *acd_gateway_get(struct acd *x, const char *name)
{
	char key[ACD_CODE];
	struct acd_gateway *g;

	yc_copy(key, sizeof(key), name);
	HASH_FIND_STR(x->gateways, key, g);
	if (g)
		return g;
	g = yc_xcalloc(1, sizeof(*g));
	yc_copy(g->name, sizeof(g->name), key);
	HASH_ADD_STR(x->gateways, name, g);
	return g;
}

void acd_gateway_add(struct acd *x, struct acd_item *i)
{
	struct acd_gateway *g = acd_gateway_get(x, i->gateway);

	DL_APPEND2(g->items, i, gprev, gnext);
	g->n_items++;
}

void acd_gateway_del(struct acd *x, struct acd_item *i)
{
	struct acd_gateway *g = acd_gateway_get(x, i->gateway);

	DL_DELETE2(g->items, i, gprev, gnext);
	g->n_items--;
}

/* --- alive or not ------------------------------------------------------------------------------------------------------------- */
int acd_gateway_seen(struct acd *x, const char *name, const char *boot)
{
	ACD_ENTER(x);
	struct acd_gateway *g = acd_gateway_get(x, name);
	struct acd_item *i;
	int restarted = *g->boot && strcmp(g->boot, boot), given_up = g->given_up;

	acd_timer_off(x, &g->timer);
	g->up = 1;
	g->given_up = 0;
	if (restarted || given_up)
		g->resynced = 0;
	yc_copy(g->boot, sizeof(g->boot), boot);
	if (!restarted)
		return given_up;
	yc_warn("gateway %s was restarted: asking it for %d contacts", g->name, g->n_items);
	DL_FOREACH2(g->items, i, gnext)
		x->port.check(x->port.arg, i);
	return given_up;
}

static void lease_over(struct acd *x, void *owner)
{
	struct acd_gateway *g = owner;
	struct acd_item *i, *tmp;

	yc_warn("gateway %s has been away for %lld ms: ending its %d contacts", g->name, (long long)x->lim.gateway_ms, g->n_items);
	g->given_up = 1;
	DL_FOREACH_SAFE2(g->items, i, tmp, gnext)
		acd_item_end(x, i, "gateway_lost", 0, 0);
}

void acd_gateway_lost(struct acd *x, struct acd_gateway *g)
{
	g->up = 0;
	if (!g->timer.pos && g->n_items)
		acd_timer_set(x, &g->timer, x->lim.gateway_ms, lease_over, g);
}

/* --- the gateway's word ------------------------------------------------------------------------------------------------------- */
/* Frees both from whatever else we believed of them. */
void acd_adopt_talk(struct acd *x, struct acd_item *i, struct acd_agent *a, const char *rsv, int64_t since_at)
{
	if (i->state == IS(ACCEPTED) && i->agent == a)
		return;
	if (i->rsv && i->rsv->agent == a && i->rsv->state == RS_OFFERED) {
		acd_rsv_step(x, i->rsv, RV_ACCEPT, "");
		return;
	}
	if (i->rsv)
		acd_rsv_step(x, i->rsv, RV_CANCEL, "answered_elsewhere");
	if (i->agent) {
		struct acd_agent *was = i->agent;

		i->agent = NULL;
		was->item = NULL;
		acd_agent_step(x, was, AG_END);
	}
	if (a->rsv) {
		struct acd_item *other = a->rsv->item;

		acd_rsv_step(x, a->rsv, RV_CANCEL, "agent_talks");
		acd_item_wait(x, other);
	}
	if (a->item) {
		yc_warn("agent %s: telephony has him in %s, so %s is over", a->staff_no, i->id, a->item->id);
		acd_item_end(x, a->item, "superseded", 0, 1);
	}
	acd_item_talks(x, i, a, rsv, since_at);
}

/* A talk with somebody nobody knows: kept until its end, so that it is counted, and reported back. */
static void adopt_stranger(struct acd *x, struct acd_item *i, int64_t since_at)
{
	if (i->state == IS(ACCEPTED))
		return;
	if (i->rsv)
		acd_rsv_step(x, i->rsv, RV_CANCEL, "answered_elsewhere");
	acd_item_unwait(x, i);
	acd_timer_off(x, &i->timer);
	acd_item_set_state(i, IS(ACCEPTED));
	i->accepted_at = since_at;
}

static void adopt_offer(struct acd *x, struct acd_item *i, struct acd_agent *a, const char *rsv)
{
	if (i->state == IS(ACCEPTED) || acd_rsv_find(x, rsv))
		return;
	if (i->rsv)
		acd_rsv_step(x, i->rsv, RV_CANCEL, "resync");
	if (a->rsv || a->item || (a->status != ST(READY) && !(a->status == ST(OFFERED) && a->restored))) {
		acd_item_wait(x, i);
		return;
	}
	acd_rsv_adopt(x, i, a, rsv);
	if (!i->rsv)
		acd_item_wait(x, i);
}

/* One contact; returns 0 when its agent is unknown. */
static int take(struct acd *x, const Pb__LiveContact *c)
{
	struct acd_item *i = acd_item_find(x, c->item->id);
	struct acd_agent *a = yc_is_empty(c->agent_id) ? NULL : acd_agent_find(x, c->agent_id);
	int64_t since = c->since_at > 0 ? c->since_at : yc_now();

	if (!i)
		i = acd_item_make(x, c->item);
	if (c->bridged) {
		if (a)
			acd_adopt_talk(x, i, a, c->reservation_id, since);
		else
			adopt_stranger(x, i, since);
	} else if (a && !yc_is_empty(c->reservation_id)) {
		adopt_offer(x, i, a, c->reservation_id);
	} else if (!i->rsv && i->state != IS(ACCEPTED) && !i->r.pos && !i->timer.pos) {
		acd_item_wait(x, i);
	}
	return a || yc_is_empty(c->agent_id);
}

static int is_usable(struct acd *x, const Pb__LiveContact *c, const char *gateway)
{
	return c->item && !yc_is_empty(c->item->id) && strlen(c->item->id) < YC_ID_LEN && strlen(c->reservation_id) < YC_ID_LEN &&
	       !strcmp(c->item->gateway, gateway) && acd_item_was(x, c->item->id) == IS(NONE) &&
	       (c->bridged || acd_queue_find(x, c->item->queue));
}

struct told { char id[YC_ID_LEN]; UT_hash_handle hh; };

static void end_untold(struct acd *x, struct acd_gateway *g, struct told *told)
{
	struct acd_item *i, *tmp;
	struct told *t;

	DL_FOREACH_SAFE2(g->items, i, tmp, gnext) {
		HASH_FIND_STR(told, i->id, t);
		if (!t && yc_mono() - i->seen_ms >= FRESH_MS)
			acd_item_end(x, i, "not_at_gateway", 0, 1);
	}
}

size_t acd_resync(struct acd *x, const Pb__ResyncReq *in, char **unknown, size_t n_unknown)
{
	ACD_ENTER(x);
	struct acd_gateway *g = acd_gateway_get(x, in->gateway);
	struct told *told = NULL, *all = yc_xcalloc(in->n_contacts + 1, sizeof(*all));
	size_t n = 0;

	for (size_t k = 0; k < in->n_contacts; k++) {
		const Pb__LiveContact *c = in->contacts[k];
		struct told *t;

		if (!is_usable(x, c, in->gateway)) {
			yc_warn("resync of %s: contact %zu cannot be used (item %s, queue %s)", in->gateway, k, c->item ? c->item->id : "",
				c->item ? c->item->queue : "");
			continue;
		}
		HASH_FIND_STR(told, c->item->id, t);
		if (t)
			continue;
		yc_copy(all[k].id, sizeof(all[k].id), c->item->id);
		t = &all[k];
		HASH_ADD_STR(told, id, t);
		if (!take(x, c) && n < n_unknown)
			unknown[n++] = c->agent_id;
	}
	end_untold(x, g, told);
	HASH_CLEAR(hh, told);
	yc_xfree(all);
	g->resynced = 1;
	return n;
}

void acd_reconcile(struct acd *x)
{
	ACD_ENTER(x);
	struct acd_agent *a, *tmp;

	HASH_ITER(hh, x->agents, a, tmp) {
		if (!a->restored || a->item || a->rsv)
			continue;
		yc_info("agent %s: no gateway has the contact he was in: free", a->staff_no);
		acd_agent_step(x, a, a->status == ST(BUSY) ? AG_END : AG_FREED);
		a->restored = 0;
	}
}
