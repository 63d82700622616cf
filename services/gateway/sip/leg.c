/* Legs: one SIP dialog each, incoming or outgoing. The handle is destroyed when the stack says the session is over, or by the sweep. */
#include "sip/impl.h"

#include <stdio.h>
#include <string.h>

#include <utlist.h>

#include "rule_uri.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#define DYING_MS 70000           /* twice 64*T1: by then every transaction of an ended dialog has given up */

struct sip_leg *leg_new(struct sip *s, nua_handle_t *nh)
{
	struct sip_leg *l = yc_xcalloc(1, sizeof(*l));

	l->any.kind = SIP_ANY_LEG;
	l->s = s;
	l->nh = nh;
	DL_APPEND(s->legs, l);
	s->n_legs++;
	if (nh)
		nua_handle_bind(nh, &l->any);
	return l;
}

static void leg_free(struct sip_leg *l)
{
	DL_DELETE(l->s->legs, l);
	l->s->n_legs--;
	nua_handle_bind(l->nh, NULL);
	nua_handle_destroy(l->nh);
	yc_xfree(l);
}

void leg_sweep(struct sip *s, int64_t now)
{
	struct sip_leg *l, *next;

	DL_FOREACH_SAFE(s->legs, l, next) {
		if (now != INT64_MAX && (l->state != LEG_DYING || now - l->dying_at < DYING_MS))
			continue;
		if (now != INT64_MAX)
			yc_metric_add(&sip_metrics[SIPM_STUCK], 1);
		leg_free(l);
	}
}

static void leg_dying(struct sip_leg *l)
{
	l->state = LEG_DYING;
	l->dying_at = yc_mono();
	l->ops = NULL;
	l->owner = NULL;
}

/* The owner hears it once; what comes later finds no owner. */
static void leg_over(struct sip_leg *l, int status, const char *reason)
{
	const struct sip_leg_ops *ops = l->ops;
	void *owner = l->owner;

	if (l->state == LEG_DYING)
		return;
	leg_dying(l);
	if (ops)
		ops->ended(owner, status, reason ? reason : "");
}

static const char *other_header(sip_t const *sip, const char *name)
{
	for (sip_unknown_t const *u = sip->sip_unknown; u; u = u->un_next)
		if (u->un_name && !strcasecmp(u->un_name, name))
			return u->un_value ? u->un_value : "";
	return "";
}

/* SDP of a message, or NULL. */
static const char *sdp_of(sip_t const *sip, size_t *n)
{
	if (!sip || !sip->sip_payload || !sip->sip_payload->pl_len)
		return NULL;
	if (sip->sip_content_type && sip->sip_content_type->c_type && strcasecmp(sip->sip_content_type->c_type, "application/sdp"))
		return NULL;
	*n = sip->sip_payload->pl_len;
	return sip->sip_payload->pl_data;
}

static void note_peer(struct sip_leg *l, sip_t const *sip)
{
	if (!sip)
		return;
	if (sip->sip_allow_events && msg_header_find_param(sip->sip_allow_events->k_common, "talk"))
		l->allows_talk = 1;
	/* Refreshes that fall to us go as UPDATE where the peer knows it: no SDP is needed there. */
	if (sip->sip_session_expires && sip->sip_allow && sip_is_allowed(sip->sip_allow, SIP_METHOD_UPDATE) && !l->allows_update) {
		l->allows_update = 1;
		nua_set_hparams(l->nh, NUTAG_UPDATE_REFRESH(1), TAG_END());
	}
}

void leg_incoming(struct sip *s, nua_handle_t *nh, sip_t const *sip)
{
	struct sip_leg *l = leg_new(s, nh);
	struct sip_invite in = { 0 };
	char source[64], from[160], display[128] = "";
	int port;

	yc_metric_add(&sip_metrics[SIPM_INVITES], 1);
	sip_source(s, source, sizeof(source), &port);
	in.source = source;
	in.to = sip->sip_request->rq_url->url_user ? sip->sip_request->rq_url->url_user : "";
	snprintf(from, sizeof(from), "%s", sip->sip_from->a_url->url_user ? sip->sip_from->a_url->url_user : "");
	in.from = from;
	if (sip->sip_from->a_display)
		snprintf(display, sizeof(display), "%s", sip->sip_from->a_display);
	if (display[0] == '"')
		uri_display(sip->sip_from->a_display, display, sizeof(display));
	in.display = yc_utf8_ok(display) ? display : "";
	in.asserted = other_header(sip, "P-Asserted-Identity");
	in.diverted = other_header(sip, "Diversion");
	in.call_id = sip->sip_call_id ? sip->sip_call_id->i_id : "";
	in.user_agent = sip->sip_user_agent ? sip->sip_user_agent->g_string : "";
	in.sdp = sdp_of(sip, &in.sdp_len);
	note_peer(l, sip);
	if (!in.sdp && sip->sip_payload && sip->sip_payload->pl_len) {
		leg_dying(l);
		nua_respond(nh, SIP_415_UNSUPPORTED_MEDIA, SIPTAG_ACCEPT_STR("application/sdp"), TAG_END());
		return;
	}
	l->late_offer = !in.sdp;
	s->h->invite(s->arg, l, &in);
}

static void on_reinvite(struct sip_leg *l, nua_event_t event, int status, sip_t const *sip)
{
	size_t n = 0;
	const char *sdp = sdp_of(sip, &n);

	if (status >= 200)
		return; /* the stack has answered it */
	l->offer_pending = event;
	if (event == nua_i_update && !sdp) {
		l->offer_pending = 0;
		nua_respond(l->nh, SIP_200_OK, NUTAG_WITH_THIS(l->s->nua), TAG_END());
	} else if (l->ops && l->state == LEG_UP) {
		l->late_offer = !sdp;
		l->ops->offered(l->owner, sdp, n);
	}
	if (l->offer_pending)
		sip_leg_refuse_offer(l, 488, "Not Acceptable Here");
}

static void on_success(struct sip_leg *l, sip_t const *sip)
{
	size_t n = 0;
	const char *sdp = sdp_of(sip, &n);

	note_peer(l, sip);
	if (l->state == LEG_DYING) {     /* the 200 crossed our CANCEL */
		nua_ack(l->nh, TAG_END());
		nua_bye(l->nh, TAG_END());
		return;
	}
	if (l->state == LEG_UP && !l->our_offer && sdp && !l->outgoing) {
		l->offer_pending = nua_r_invite;        /* the stack's own refresh had no SDP: the 200 brought an offer */
		l->ops->offered(l->owner, sdp, n);
		if (l->offer_pending)
			nua_ack(l->nh, TAG_END());
		l->offer_pending = 0;
		return;
	}
	l->our_offer = 0;
	l->state = LEG_UP;
	nua_ack(l->nh, TAG_END());
	if (l->ops)
		l->ops->answered(l->owner, sdp, n);
}

static void on_reply(struct sip_leg *l, int status, char const *phrase, sip_t const *sip)
{
	if (status < 200) {
		note_peer(l, sip);
		if (status >= 180 && l->ops && l->state == LEG_CALLING)
			l->ops->progress(l->owner, status);
	} else if (status < 300) {
		on_success(l, sip);
	} else if (l->state == LEG_CALLING) {
		leg_over(l, status, phrase);
	} else if (l->our_offer) {
		l->our_offer = 0;
		/* 503 is also what the stack says when nobody is there; 408 and 481 end the dialog by themselves */
		if (status == 503 && l->state == LEG_UP) {
			nua_bye(l->nh, TAG_END());
			leg_over(l, status, phrase);
		}
	}
}

static void on_ack(struct sip_leg *l, sip_t const *sip)
{
	size_t n = 0;
	const char *sdp = sdp_of(sip, &n);

	l->acked = 1;
	if (!l->late_offer || !l->ops)
		return;
	l->late_offer = 0;
	l->ops->answer_to_late(l->owner, sdp, n);
}

static void on_info(struct sip_leg *l, sip_t const *sip)
{
	char digit = sip && sip->sip_payload ? uri_info_digit(sip->sip_payload->pl_data, sip->sip_payload->pl_len) : 0;

	if (digit && l->ops)
		l->ops->digit(l->owner, digit);
}

static void on_terminated(struct sip_leg *l, int status, char const *phrase)
{
	leg_over(l, status ? status : 500, phrase);
	leg_free(l);
}

/* Another branch of a forked INVITE was answered too: that dialog is ended at once. */
void leg_forked(struct sip *s, nua_handle_t *nh)
{
	struct sip_leg *l = leg_new(s, nh);

	leg_dying(l);
	nua_ack(nh, TAG_END());
	nua_bye(nh, TAG_END());
}

void leg_event(struct sip_leg *l, nua_event_t event, int status, char const *phrase, sip_t const *sip)
{
	switch (event) {
	case nua_i_invite:
	case nua_i_update:
		on_reinvite(l, event, status, sip);
		break;
	case nua_r_invite:
		on_reply(l, status, phrase, sip);
		break;
	case nua_i_ack:
		on_ack(l, sip);
		break;
	case nua_i_bye:
		leg_over(l, 200, "bye");
		break;
	case nua_i_cancel:
		leg_over(l, 487, "cancel");
		break;
	case nua_i_info:
		on_info(l, sip);
		break;
	case nua_r_method:
		if (l->talk_ref && l->ops && status >= 200) {
			uint64_t ref = l->talk_ref;
			l->talk_ref = 0;
			l->ops->talked(l->owner, ref, status);
		}
		break;
	case nua_i_terminated:
		on_terminated(l, status, phrase);
		break;
	default:
		break;
	}
}

void sip_leg_bind(struct sip_leg *l, const struct sip_leg_ops *ops, void *owner)
{
	l->ops = ops;
	l->owner = owner;
}

void sip_leg_ring(struct sip_leg *l)
{
	nua_respond(l->nh, SIP_180_RINGING, TAG_END());
}

void sip_leg_answer(struct sip_leg *l, const char *sdp)
{
	l->state = LEG_UP;
	nua_respond(l->nh, SIP_200_OK, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(sdp), TAG_END());
}

void sip_leg_refuse(struct sip_leg **lp, int status, const char *phrase, int retry_after_s)
{
	struct sip_leg *l = *lp;
	char retry[16];

	*lp = NULL;
	if (!l)
		return;
	snprintf(retry, sizeof(retry), "%d", retry_after_s);
	leg_dying(l);
	nua_respond(l->nh, status, phrase, TAG_IF(retry_after_s > 0, SIPTAG_RETRY_AFTER_STR(retry)), TAG_END());
}

void sip_leg_accept_offer(struct sip_leg *l, const char *sdp)
{
	int event = l->offer_pending;

	l->offer_pending = 0;
	if (event == nua_r_invite)
		nua_ack(l->nh, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(sdp), TAG_END());
	else if (event)
		nua_respond(l->nh, SIP_200_OK, NUTAG_WITH_THIS(l->s->nua), SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(sdp),
			    TAG_END());
}

void sip_leg_refuse_offer(struct sip_leg *l, int status, const char *phrase)
{
	int event = l->offer_pending;

	l->offer_pending = 0;
	if (event && event != nua_r_invite)
		nua_respond(l->nh, status, phrase, NUTAG_WITH_THIS(l->s->nua), TAG_END());
}

void sip_leg_reoffer(struct sip_leg *l, const char *sdp)
{
	if (l->state != LEG_UP)
		return;
	l->our_offer = 1;
	nua_invite(l->nh, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(sdp), TAG_END());
}

void sip_leg_end(struct sip_leg **lp, const char *reason)
{
	struct sip_leg *l = *lp;
	enum leg_state was;

	*lp = NULL;
	if (!l || l->state == LEG_DYING)
		return;
	was = l->state;
	leg_dying(l);
	if (was == LEG_INCOMING)
		nua_respond(l->nh, SIP_480_TEMPORARILY_UNAVAILABLE, TAG_END());
	else if (was == LEG_CALLING)
		nua_cancel(l->nh, TAG_END());
	else
		nua_bye(l->nh, TAG_END());
}

enum yc_code sip_leg_talk(struct sip_leg *l, uint64_t ref, struct yc_err *e)
{
	if (l->state != LEG_CALLING)
		return yc_fail(e, YC_CONFLICT, "id", "this phone does not ring any more");
	if (!l->allows_talk)
		return yc_fail(e, YC_CONFLICT, "id", "this phone cannot be told to answer (no Allow-Events: talk)");
	if (l->talk_ref)
		return yc_fail(e, YC_CONFLICT, "id", "the phone was already told to answer");
	l->talk_ref = ref;
	nua_method(l->nh, NUTAG_METHOD("NOTIFY"), SIPTAG_EVENT_STR("talk"), SIPTAG_SUBSCRIPTION_STATE_STR("active"), TAG_END());
	return YC_OK;
}

struct sip_leg *sip_leg_call(struct sip *s, const struct sip_call *c, const struct sip_leg_ops *ops, void *owner)
{
	char from[320], to[300], user[64], display[160];
	nua_handle_t *nh;
	struct sip_leg *l;

	snprintf(from, sizeof(from), "\"%s\" <sip:%s@%s>", uri_quote(c->from_display, display, sizeof(display)),
		 uri_user(yc_is_empty(c->from_user) ? "anonymous" : c->from_user, user, sizeof(user)), s->host);
	snprintf(to, sizeof(to), "<%s>", c->to);
	nh = nua_handle(s->nua, NULL, NUTAG_URL(c->to), SIPTAG_TO_STR(to), SIPTAG_FROM_STR(from), TAG_END());
	if (!nh)
		return NULL;
	l = leg_new(s, nh);
	l->state = LEG_CALLING;
	l->outgoing = 1;
	sip_leg_bind(l, ops, owner);
	nua_invite(nh, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(c->sdp), SIPTAG_SUPPORTED_STR("timer"),
		   TAG_IF(!yc_is_empty(c->path), NUTAG_INITIAL_ROUTE_STR(c->path)),
		   TAG_IF(!yc_is_empty(c->headers), SIPTAG_HEADER_STR(c->headers)), TAG_END());
	return l;
}
