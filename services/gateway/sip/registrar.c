/* Registrar: REGISTER with digest, bindings with bounds, sources that guess passwords are shut out for a while. */
#include "sip/impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "sip/phones.h"
#include "rule_digest.h"
#include "rule_trunk.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/log.h"
#include "yc/text.h"

#define STRIKES_MAX 8192         /* sources remembered; beyond, new ones are not counted until old ones lapse */

struct strike { char key[96]; struct trunk_strikes s; UT_hash_handle hh; };
struct sip_registrar { uint8_t key[32]; struct strike *strikes; };

struct sip_registrar *registrar_new(void)
{
	struct sip_registrar *r = yc_xcalloc(1, sizeof(*r));

	yc_random(r->key, sizeof(r->key));
	return r;
}

void registrar_sweep(struct sip_registrar *r, int64_t now, int64_t window_ms)
{
	struct strike *k, *next;

	HASH_ITER(hh, r->strikes, k, next) {
		if (now - k->s.since < window_ms)
			continue;
		HASH_DEL(r->strikes, k);
		yc_xfree(k);
	}
}

void registrar_free(struct sip_registrar **r)
{
	if (!*r)
		return;
	registrar_sweep(*r, INT64_MAX, 0);
	yc_xfree(*r);
	*r = NULL;
}

static struct strike *strike_find(struct sip_registrar *r, const char *key)
{
	struct strike *k = NULL;

	HASH_FIND_STR(r->strikes, key, k);
	return k;
}

static void strike_add(struct sip_registrar *r, const char *key, int64_t window_ms)
{
	struct strike *k = strike_find(r, key);

	if (!k) {
		if (HASH_COUNT(r->strikes) >= STRIKES_MAX)
			return;
		k = yc_xcalloc(1, sizeof(*k));
		yc_copy(k->key, sizeof(k->key), key);
		HASH_ADD_STR(r->strikes, key, k);
	}
	trunk_strikes_add(&k->s, yc_mono(), window_ms);
}

/* One phone with a wrong password must not lock out its office behind the same address: the address itself has ten times the bound. */
static int is_blocked(struct sip *s, const char *source, const char *user)
{
	char key[96];
	struct strike *one, *all;
	int64_t now = yc_mono();

	snprintf(key, sizeof(key), "%s|%s", source, user);
	one = strike_find(s->registrar, key);
	all = strike_find(s->registrar, source);
	return (one && trunk_strikes_blocked(&one->s, now, s->conf.auth_block_ms, s->conf.auth_failures)) ||
	       (all && trunk_strikes_blocked(&all->s, now, s->conf.auth_block_ms, s->conf.auth_failures * 10));
}

static void note_failure(struct sip *s, const char *source, const char *user)
{
	char key[96];

	snprintf(key, sizeof(key), "%s|%s", source, user);
	strike_add(s->registrar, key, s->conf.auth_block_ms);
	strike_add(s->registrar, source, s->conf.auth_block_ms);
	yc_metric_add(&sip_metrics[SIPM_REGISTER_FAILED], 1);
}

static void answer(struct sip *s, nua_handle_t *nh, int status, char const *phrase)
{
	nua_respond(nh, status, phrase, NUTAG_WITH_THIS(s->nua), TAG_END());
}

static void challenge(struct sip *s, nua_handle_t *nh, const char *source, int stale)
{
	char nonce[DIGEST_NONCE], md5[320], sha[320];
	uint32_t salt;

	yc_random(&salt, sizeof(salt));
	digest_nonce(nonce, s->registrar->key, yc_now(), salt, source);
	/* MD5 first: phones that know only MD5 and read one challenge are common; RFC 8760 lets the phone choose. */
	snprintf(md5, sizeof(md5), "Digest realm=\"%s\", nonce=\"%s\", algorithm=MD5, qop=\"auth\"%s", s->conf.realm, nonce, stale ? ", stale=true" : "");
	snprintf(sha, sizeof(sha), "Digest realm=\"%s\", nonce=\"%s\", algorithm=SHA-256, qop=\"auth\"%s", s->conf.realm, nonce,
		 stale ? ", stale=true" : "");
	nua_respond(nh, SIP_401_UNAUTHORIZED, NUTAG_WITH_THIS(s->nua), SIPTAG_WWW_AUTHENTICATE_STR(md5),
		    TAG_IF(s->conf.sha256, SIPTAG_WWW_AUTHENTICATE_STR(sha)), TAG_END());
}

/* Parameters of an Authorization header; values unquoted in place of the message's own memory. */
static const char *auth_param(msg_auth_t const *au, const char *name, char *buf, size_t n)
{
	char const *v = msg_params_find(au->au_params, name);
	size_t len;

	if (!v)
		return NULL;
	len = strlen(v);
	if (len >= 2 && *v == '"' && v[len - 1] == '"') {
		v++;
		len -= 2;
	}
	snprintf(buf, n, "%.*s", (int)len, v);
	return buf;
}

struct presented { struct digest d; char text[9][192]; };
static int read_auth(msg_auth_t const *au, struct presented *p)
{
	static const char *const names[] = { "username=", "realm=", "nonce=", "uri=", "response=", "algorithm=", "qop=", "nc=", "cnonce=" };
	const char **to[] = { &p->d.username, &p->d.realm, &p->d.nonce, &p->d.uri, &p->d.response, &p->d.algorithm, &p->d.qop, &p->d.nc, &p->d.cnonce };

	if (!au->au_scheme || strcasecmp(au->au_scheme, "Digest"))
		return 0;
	for (int i = 0; i < 9; i++)
		*to[i] = auth_param(au, names[i], p->text[i], sizeof(p->text[i]));
	return 1;
}

enum verdict { V_OK, V_CHALLENGE, V_STALE, V_WRONG };
static enum verdict judge(struct sip *s, struct phone *ph, msg_auth_t const *list, const char *user, const char *source)
{
	struct presented p;
	enum digest_algorithm alg;
	enum digest_nonce_state state;
	uint32_t nc;

	for (; list; list = list->au_next)
		if (read_auth(list, &p) && yc_streq(p.d.realm, s->conf.realm))
			break;
	if (!list)
		return V_CHALLENGE;
	state = digest_nonce_check(p.d.nonce, s->registrar->key, yc_now(), s->conf.nonce_ms, source);
	if (state == DIGEST_NONCE_FOREIGN)
		return V_STALE;  /* of our former life perhaps: the password is not asked again */
	alg = digest_algorithm(p.d.algorithm);
	if (!ph || !ph->known || !yc_streq(p.d.username, user) ||
	    !digest_ok(&p.d, "REGISTER", alg == DIGEST_SHA256 ? ph->ha1_sha256 : ph->ha1_md5, alg))
		return V_WRONG;
	nc = digest_nc(p.d.nc);
	if (state == DIGEST_NONCE_OLD || (p.d.qop && yc_streq(ph->nonce, p.d.nonce) && nc <= ph->nc))
		return V_STALE;  /* right password, but the nonce is old or its count was seen: a replay gains nothing */
	yc_copy(ph->nonce, sizeof(ph->nonce), p.d.nonce);
	ph->nc = nc;
	return V_OK;
}

/* A private address in Contact is of no use: what arrived by one hop is sent back to where it came from. */
static void contact_text(char *out, size_t n, sip_t const *sip, sip_contact_t const *m, const char *source, int port)
{
	url_t const *u = m->m_url;
	const char *transport = sip->sip_via && sip->sip_via->v_protocol ? strrchr(sip->sip_via->v_protocol, '/') : NULL;
	int tcp = transport && !strcasecmp(transport, "/TCP");
	int direct = sip->sip_via && !sip->sip_via->v_next && !sip->sip_path;

	if (direct && (tcp || !yc_streq(u->url_host, source)))
		snprintf(out, n, "sip:%s%s%s:%d%s", u->url_user ? u->url_user : "", u->url_user ? "@" : "", source, port, tcp ? ";transport=tcp" : "");
	else
		snprintf(out, n, "sip:%s%s%s%s%s%s%s", u->url_user ? u->url_user : "", u->url_user ? "@" : "", u->url_host, u->url_port ? ":" : "",
			 u->url_port ? u->url_port : "", u->url_params ? ";" : "", u->url_params ? u->url_params : "");
}

static int64_t wanted_expiry(struct sip *s, sip_t const *sip, sip_contact_t const *m)
{
	int64_t v = m && m->m_expires ? strtoll(m->m_expires, NULL, 10) : sip->sip_expires ? (int64_t)sip->sip_expires->ex_delta : s->conf.reg_default_s;

	if (v <= 0)
		return 0;
	return v > s->conf.reg_max_s ? s->conf.reg_max_s : v;
}

static void confirm(struct sip *s, nua_handle_t *nh, sip_contact_t const *m, const struct phone *ph, int64_t expires)
{
	char text[512] = "";

	if (m && ph->contact[0]) {
		url_t const *u = m->m_url;
		snprintf(text, sizeof(text), "<sip:%s%s%s%s%s%s%s>;expires=%lld", u->url_user ? u->url_user : "", u->url_user ? "@" : "", u->url_host,
			 u->url_port ? ":" : "", u->url_port ? u->url_port : "", u->url_params ? ";" : "", u->url_params ? u->url_params : "",
			 (long long)expires);
	} else if (ph->contact[0]) {
		snprintf(text, sizeof(text), "<%s>;expires=%lld", ph->contact, (long long)((ph->expires_at - yc_now()) / 1000));
	}
	nua_respond(nh, SIP_200_OK, NUTAG_WITH_THIS(s->nua), TAG_IF(text[0], SIPTAG_CONTACT_STR(text)), TAG_END());
}

static void bind_phone(struct sip *s, nua_handle_t *nh, sip_t const *sip, struct phone *ph, const char *source, int port)
{
	sip_contact_t const *m = sip->sip_contact;
	int64_t expires = wanted_expiry(s, sip, m), now = yc_now();
	char contact[256], received[80], path[160] = "";
	struct phone_binding b = { .contact = contact, .path = path, .received = received,
		.user_agent = sip->sip_user_agent ? sip->sip_user_agent->g_string : "" };
	char min[32];

	if (!m) {
		confirm(s, nh, NULL, ph, 0);    /* a question, not a change */
		return;
	}
	if (m->m_url->url_type == url_any || expires == 0) {
		phones_gone(s->phones, ph, "unregistered");
		confirm(s, nh, NULL, ph, 0);
		return;
	}
	if (expires < s->conf.reg_min_s) {
		snprintf(min, sizeof(min), "%lld", (long long)s->conf.reg_min_s);
		nua_respond(nh, SIP_423_INTERVAL_TOO_BRIEF, NUTAG_WITH_THIS(s->nua), SIPTAG_MIN_EXPIRES_STR(min), TAG_END());
		return;
	}
	if (m->m_url->url_type != url_sip || yc_is_empty(m->m_url->url_host)) {
		answer(s, nh, 400, "Contact Is No SIP URI");
		return;
	}
	contact_text(contact, sizeof(contact), sip, m, source, port);
	snprintf(received, sizeof(received), "%s:%d", source, port);
	if (sip->sip_path)
		sip_header_field_e(path, sizeof(path), (sip_header_t *)sip->sip_path, 0);
	if (!yc_utf8_ok(contact) || !yc_utf8_ok(path)) {
		answer(s, nh, 400, "Contact Is No UTF-8");
		return;
	}
	b.expires_at = now + expires * 1000;
	phones_registered(s->phones, ph, &b, now);
	confirm(s, nh, m, ph, expires);
}

static void handle(struct sip *s, nua_handle_t *nh, sip_t const *sip)
{
	const char *user = sip->sip_to && sip->sip_to->a_url->url_user ? sip->sip_to->a_url->url_user : "";
	struct phone *ph = phones_find(s->phones, user);
	char source[64];
	int port;

	sip_source(s, source, sizeof(source), &port);
	if (!user[0]) {
		answer(s, nh, SIP_404_NOT_FOUND);
		return;
	}
	if (is_blocked(s, source, user)) {
		char retry[24];
		snprintf(retry, sizeof(retry), "%lld", (long long)(s->conf.auth_block_ms / 1000 + 1));
		yc_metric_add(&sip_metrics[SIPM_REGISTER_BLOCKED], 1);
		nua_respond(nh, 403, "Too Many Failures", NUTAG_WITH_THIS(s->nua), SIPTAG_RETRY_AFTER_STR(retry), TAG_END());
		return;
	}
	switch (judge(s, ph, sip->sip_authorization, user, source)) {
	case V_OK:
		bind_phone(s, nh, sip, ph, source, port);
		break;
	case V_CHALLENGE:
		challenge(s, nh, source, 0);
		break;
	case V_STALE:
		challenge(s, nh, source, 1);
		break;
	case V_WRONG:
		note_failure(s, source, user);
		yc_warn("register: wrong credentials for extension %s from %s", user, source);
		answer(s, nh, SIP_403_FORBIDDEN);
		break;
	}
}

void registrar_request(struct sip *s, nua_handle_t *nh, sip_t const *sip)
{
	yc_metric_add(&sip_metrics[SIPM_REGISTERS], 1);
	handle(s, nh, sip);
	nua_handle_destroy(nh);
}
