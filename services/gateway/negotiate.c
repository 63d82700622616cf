/* Offer and answer of one leg: rule_sdp decides, the media engine follows. */
#include "sig.h"

#include <string.h>

#include "yc/text.h"

void negotiate_remote(struct media_remote *r, const struct sdp_choice *c)
{
	memset(r, 0, sizeof(*r));
	yc_copy(r->ip, sizeof(r->ip), c->ip);
	r->port = c->port;
	r->codec = (enum media_codec)c->codec;
	r->pt = c->pt;
	r->event_pt = c->event_pt;
	r->send = c->peer_receives;
	r->receive = c->peer_sends;
}

static enum yc_code agree(const struct negotiated *g, const char *text, size_t n, struct sdp *sdp, struct yc_err *e)
{
	struct sdp_choice choice;
	struct media_remote r;

	if (!text)
		return yc_fail(e, YC_INVALID, "sdp.audio", "no SDP");
	if (sdp_parse(sdp, text, n, e) || sdp_choose(&choice, sdp, &SDP_PREFS_DEFAULT, e))
		return e->code;
	*g->choice = choice;
	negotiate_remote(&r, &choice);
	media_leg_remote(g->s->media, g->media, &r);
	return YC_OK;
}

enum yc_code negotiate_offer(const struct negotiated *g, const char *text, size_t n, char *answer, struct yc_err *e)
{
	struct sdp sdp;

	if (agree(g, text, n, &sdp, e))
		return e->code;
	if (!sdp_write_answer(g->local, &sdp, g->choice, answer, SDP_OUT_MAX))
		return yc_fail(e, YC_TOO_LARGE, "sdp", "the answer does not fit");
	return YC_OK;
}

enum yc_code negotiate_answer(const struct negotiated *g, const char *text, size_t n, struct yc_err *e)
{
	struct sdp sdp;

	return agree(g, text, n, &sdp, e);
}

void negotiate_reoffer(const struct negotiated *g, char *offer)
{
	size_t n = g->choice->port ? sdp_write_reoffer(g->local, g->choice, offer, SDP_OUT_MAX) :
				     sdp_write_offer(g->local, &SDP_PREFS_DEFAULT, offer, SDP_OUT_MAX);

	if (!n)
		offer[0] = 0;
}
