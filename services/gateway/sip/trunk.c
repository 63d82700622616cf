/* REGISTER at a carrier: digest, refresh by the stack before expiry, back-off after a failure. */
#include "sip/impl.h"

#include <stdio.h>
#include <string.h>

#include "sip/trunks.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#define BACKOFF_MIN_MS 2000
#define BACKOFF_MAX_MS 300000

struct registration {
	struct sip_any any;
	struct trunk *t;
	nua_handle_t *nh;
	char made_for[420];      /* what it was configured with, to see changes */
	int ok, tried_auth, fails;
	int64_t retry_at;        /* 0: nothing planned */
};

static void tell(struct sip *s, struct registration *r, int ok, int status, const char *text)
{
	struct trunk_state st = { .name = r->t->name, .ok = ok, .status = status, .text = text };

	r->ok = ok;
	s->trunks->told(s->trunks->arg, &st);
}

static void start(struct sip *s, struct registration *r)
{
	const struct trunk *t = r->t;
	char aor[220], expires[16];
	const char *host = strchr(t->register_uri, ':');

	r->retry_at = 0;
	r->tried_auth = 0;
	if (r->nh)
		nua_handle_destroy(r->nh);
	snprintf(aor, sizeof(aor), "<sip:%s@%s>", t->user, host ? host + 1 : t->register_uri);
	snprintf(expires, sizeof(expires), "%d", t->expires_s);
	r->nh = nua_handle(s->nua, &r->any, SIPTAG_TO_STR(aor), SIPTAG_FROM_STR(aor), TAG_END());
	if (r->nh)
		nua_register(r->nh, NUTAG_REGISTRAR(t->register_uri), NUTAG_M_USERNAME(t->user), SIPTAG_EXPIRES_STR(expires), TAG_END());
}

static void stop(struct sip *s, struct registration *r)
{
	r->retry_at = 0;
	if (r->nh && r->ok)
		nua_unregister(r->nh, TAG_END());       /* the handle goes with the next start or at the end */
	else if (r->nh) {
		nua_handle_destroy(r->nh);
		r->nh = NULL;
	}
	tell(s, r, 1, 0, "");    /* nothing is wanted, so nothing ails */
}

static void back_off(struct sip *s, struct registration *r, int status, char const *phrase)
{
	int64_t wait = BACKOFF_MIN_MS << (r->fails < 8 ? r->fails : 8);

	r->fails++;
	r->retry_at = yc_mono() + (wait > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : wait);
	yc_warn("trunk %s: the carrier answered %d %s to REGISTER; next try in %lld s", r->t->name, status, phrase,
		(long long)((r->retry_at - yc_mono()) / 1000));
	tell(s, r, 0, status, phrase);
}

static int authenticate(struct registration *r, sip_t const *sip)
{
	msg_auth_t const *ch = sip ? (sip->sip_www_authenticate ? sip->sip_www_authenticate : sip->sip_proxy_authenticate) : NULL;
	char const *realm = ch ? msg_params_find(ch->au_params, "realm=") : NULL;
	char auth[420];

	if (!realm || r->tried_auth)
		return 0;
	r->tried_auth = 1;
	snprintf(auth, sizeof(auth), "%s:%s:%s:%s", ch->au_scheme, realm, r->t->user, r->t->password);
	nua_authenticate(r->nh, NUTAG_AUTH(auth), TAG_END());
	return 1;
}

void trunk_event(struct sip *s, struct sip_any *any, nua_event_t event, int status, char const *phrase, sip_t const *sip)
{
	struct registration *r = (struct registration *)any;

	if (event != nua_r_register || status < 200 || !r->nh)
		return;
	if (status < 300) {
		r->fails = 0;
		r->tried_auth = 0;
		r->retry_at = 0;
		if (!r->ok)
			yc_info("trunk %s: registered at %s", r->t->name, r->t->register_uri);
		tell(s, r, 1, status, phrase);
	} else if ((status != 401 && status != 407) || !authenticate(r, sip)) {
		back_off(s, r, status, phrase);
	}
}

void sip_trunk_apply(struct sip *s, struct trunk *t)
{
	struct registration *r = t->registration;
	char want[420];

	snprintf(want, sizeof(want), "%s|%s|%s|%d", t->register_uri, t->user, t->password, t->expires_s);
	if (!r && !t->register_uri[0])
		return;
	if (!r) {
		r = t->registration = yc_xcalloc(1, sizeof(*r));
		r->any.kind = SIP_ANY_TRUNK;
		r->t = t;
	}
	if (yc_streq(r->made_for, want))
		return;
	yc_copy(r->made_for, sizeof(r->made_for), want);
	if (t->register_uri[0])
		start(s, r);
	else
		stop(s, r);
}

void trunk_sweep(struct sip *s, int64_t now)
{
	for (struct trunk *t = s->trunks->all; t; t = t->hh.next) {
		struct registration *r = t->registration;
		if (r && r->retry_at && r->retry_at <= now)
			start(s, r);
	}
}

void trunk_close(struct sip *s)
{
	for (struct trunk *t = s->trunks->all; t; t = t->hh.next) {
		struct registration *r = t->registration;
		if (r && r->nh)
			nua_handle_destroy(r->nh);
		yc_xfree(r);
		t->registration = NULL;
	}
}
