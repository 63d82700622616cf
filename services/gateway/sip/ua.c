/* The user agent: nua on one su_root, its events, descriptors of others, one alarm. */
#include "sip/impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

struct sip_watch { struct sip_watch *next; void (*fn)(void *arg); void *arg; su_wait_t wait; int index; };

struct yc_metric sip_metrics[SIPM_COUNT] = {
	[SIPM_INVITES] = { YC_COUNTER, "yc_gateway_invites_total", "INVITE requests that began a dialog", NULL, 0, { 0 }, NULL },
	[SIPM_REGISTERS] = { YC_COUNTER, "yc_gateway_registers_total", "REGISTER requests", NULL, 0, { 0 }, NULL },
	[SIPM_REGISTER_FAILED] = { YC_COUNTER, "yc_gateway_register_failed_total", "REGISTER with wrong credentials", NULL, 0, { 0 }, NULL },
	[SIPM_REGISTER_BLOCKED] = { YC_COUNTER, "yc_gateway_register_blocked_total", "REGISTER refused after too many failures", NULL, 0, { 0 }, NULL },
	[SIPM_GARBAGE] = { YC_COUNTER, "yc_gateway_sip_garbage_total", "messages that were no valid SIP", NULL, 0, { 0 }, NULL },
	[SIPM_STUCK] = { YC_COUNTER, "yc_gateway_sip_stuck_total", "dialogs destroyed because their end never came", NULL, 0, { 0 }, NULL },
};

void sip_metrics_register(void)
{
	yc_metrics_register(sip_metrics, SIPM_COUNT);
}

/* The stack keeps its counters of bad messages to itself, but says so in its log: the format string alone is looked at, so a good message
 * costs a few pointer comparisons. */
static void on_nta_log(void *stream, char const *fmt, va_list ap)
{
	if (strstr(fmt, "received garbage") || strstr(fmt, "has bad %s header") || strstr(fmt, "bad version") || strstr(fmt, "sanity check"))
		yc_metric_add(&sip_metrics[SIPM_GARBAGE], 1);
}

/* The other parts' words (an ICMP error per packet to a dead phone) would fill any log. */
static void on_other_log(void *stream, char const *fmt, va_list ap)
{
	char text[400];
	size_t n;

	if (!yc_log_on(YC_DEBUG))
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	n = strcspn(text, "\r\n");
	text[n] = 0;
	yc_debug("sofia: %s", text);
}

static void tame_logs(void)
{
	extern su_log_t nta_log[], tport_log[], nua_log[], nea_log[], iptsec_log[];
	su_log_t *const others[] = { tport_log, nua_log, nea_log, iptsec_log, su_log_default };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		su_log_redirect(others[i], on_other_log, NULL);
		su_log_set_level(others[i], 1);
	}
	su_log_redirect(nta_log, on_nta_log, NULL);
	su_log_set_level(nta_log, 5);
}

void sip_source(struct sip *s, char *ip, size_t n, int *port)
{
	msg_t *m = nua_current_request(s->nua);
	su_sockaddr_t *su = m ? msg_addr(m) : NULL;

	ip[0] = 0;
	*port = 0;
	if (!su)
		return;
	su_inet_ntop(su->su_family, SU_ADDR(su), ip, n);
	*port = ntohs(su->su_port);
}

static void on_invite(struct sip *s, nua_handle_t *nh, struct sip_any *any, int status, char const *phrase, sip_t const *sip)
{
	if (any)
		leg_event((struct sip_leg *)any, nua_i_invite, status, phrase, sip);
	else
		leg_incoming(s, nh, sip);
}

static void on_nua(nua_event_t event, int status, char const *phrase, nua_t *nua, struct sip *s, nua_handle_t *nh, struct sip_any *any,
		   sip_t const *sip, tagi_t tags[])
{
	switch (event) {
	case nua_i_invite:
		on_invite(s, nh, any, status, phrase, sip);
		return;
	case nua_i_register:
		registrar_request(s, nh, sip);
		return;
	case nua_i_fork:
		leg_forked(s, nh);
		return;
	case nua_r_shutdown:
		if (status >= 200)
			su_root_break(s->root);
		return;
	default:
		break;
	}
	if (!any) {
		/* OPTIONS and the like outside a dialog: the stack has answered, nobody needs the handle */
		if (nh && nua_event_is_incoming_request(event))
			nua_handle_destroy(nh);
	} else if (any->kind == SIP_ANY_LEG) {
		leg_event((struct sip_leg *)any, event, status, phrase, sip);
	} else {
		trunk_event(s, any, event, status, phrase, sip);
	}
}

static void on_alarm(struct sip *s, su_timer_t *t, su_timer_arg_t *arg)
{
	struct sip *self = (struct sip *)arg;

	self->h->alarm(self->arg);
}

static void on_sweep(struct sip *s, su_timer_t *t, su_timer_arg_t *arg)
{
	struct sip *self = (struct sip *)arg;
	int64_t now = yc_mono();

	if (!sip_timers_cured())
		yc_debug("the stack's timers are not rounded");
	leg_sweep(self, now);
	trunk_sweep(self, now);
	registrar_sweep(self->registrar, now, self->conf.auth_block_ms);
}

/* "127.0.0.1:5060", ":5060", "[::1]:5060" -> host and port for URLs. */
static enum yc_code split_bind(const char *bind, char *host, size_t n, int *port, struct yc_err *e)
{
	const char *colon = strrchr(bind, ':');
	char *end;

	*port = 5060;
	if (!colon || strchr(colon, ']')) {
		yc_copy(host, n, bind);
		return YC_OK;
	}
	*port = (int)strtol(colon + 1, &end, 10);
	if (*end || end == colon + 1 || *port < 1 || *port > 65535)
		return yc_fail(e, YC_INVALID, "sip", "%s: wanted address:port", bind);
	snprintf(host, n, "%.*s", (int)(colon - bind), bind);
	if (!host[0])
		yc_copy(host, n, "0.0.0.0");
	return YC_OK;
}

/* Can we have this port? Asked before the stack is, which keeps part of itself for ever when it cannot listen. */
static enum yc_code check_port(const char *bind_host, int port, int kind, struct yc_err *e)
{
	struct addrinfo hint = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = kind }, *at;
	size_t n = strlen(bind_host);
	char host[64], service[8];
	int fd, rc, yes = 1;

	snprintf(service, sizeof(service), "%d", port);
	yc_copy(host, sizeof(host), *bind_host == '[' ? bind_host + 1 : bind_host);
	if (*bind_host == '[' && n < sizeof(host))
		host[n - 2] = '\0';
	if (getaddrinfo(host, service, &hint, &at))
		return YC_OK;            /* a name: the stack resolves it */
	fd = socket(at->ai_family, kind | SOCK_CLOEXEC, 0);
	if (kind == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	rc = fd < 0 ? -1 : bind(fd, at->ai_addr, at->ai_addrlen);
	if (rc)
		yc_fail(e, YC_UNAVAILABLE, "sip", "cannot listen on %s:%d (is the port taken?): %s", bind_host, port, strerror(errno));
	if (fd >= 0)
		close(fd);
	freeaddrinfo(at);
	return rc ? YC_UNAVAILABLE : YC_OK;
}

static nua_t *nua_made(struct sip *s, const char *bind_host)
{
	char url[256];

	/* Host in the URL is what we write into Contact and Via; maddr is where we listen. No transport: UDP and TCP. */
	if (yc_streq(bind_host, s->host))
		snprintf(url, sizeof(url), "sip:%s:%d", bind_host, s->port);
	else
		snprintf(url, sizeof(url), "sip:%s:%d;maddr=%s", s->host, s->port, bind_host);
	return nua_create(s->root, on_nua, s, NUTAG_URL(url), NUTAG_MEDIA_ENABLE(0), NUTAG_AUTOALERT(0), NUTAG_AUTOANSWER(0), NUTAG_AUTOACK(0),
			  NUTAG_ENABLEMESSAGE(0), NUTAG_ENABLEMESSENGER(0), NUTAG_SESSION_TIMER(0), NUTAG_MIN_SE(90), NUTAG_OUTBOUND("no-options-keepalive no-outbound no-validate no-natify"),
			  SIPTAG_ALLOW_STR("INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK, INFO, NOTIFY, REGISTER"),
			  NUTAG_APPL_METHOD("INVITE, REGISTER, UPDATE"), NTATAG_UDP_MTU(65535), NTATAG_MAXSIZE(65536), TPTAG_UDP_RMEM(4 << 20), NTATAG_MAX_FORWARDS(70),
			  SIPTAG_USER_AGENT_STR("Yichuang"), SIPTAG_SUPPORTED_STR("timer, 100rel"), TAG_END());
}

/* Address we would send from, when bound to "any". */
static void own_host(char *out, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0x08080808) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	yc_copy(out, n, "127.0.0.1");
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)) && !getsockname(fd, (struct sockaddr *)&a, &len))
		inet_ntop(AF_INET, &a.sin_addr, out, (socklen_t)n);
	if (fd >= 0)
		close(fd);
}

enum yc_code sip_open(struct sip **out, const struct sip_conf *c, struct phones *phones, struct trunks *trunks,
		      const struct sip_handlers *h, void *arg, struct yc_err *e)
{
	struct sip *s = yc_xcalloc(1, sizeof(*s));
	char bind[64];

	*out = s;
	s->conf = *c;
	s->h = h;
	s->arg = arg;
	s->phones = phones;
	s->trunks = trunks;
	if (split_bind(c->bind, bind, sizeof(bind), &s->port, e))
		return e->code;
	if (!yc_is_empty(c->advertise))
		yc_copy(s->host, sizeof(s->host), c->advertise);
	else if (strcmp(bind, "0.0.0.0") && strcmp(bind, "[::]"))
		yc_copy(s->host, sizeof(s->host), bind);
	else
		own_host(s->host, sizeof(s->host));
	if (check_port(bind, s->port, SOCK_DGRAM, e) || check_port(bind, s->port, SOCK_STREAM, e))
		return e->code;
	sip_timers_cure();
	su_init();
	tame_logs();
	s->root = su_root_create(s);
	su_root_threading(s->root, 0);
	s->registrar = registrar_new();
	s->nua = nua_made(s, bind);
	if (!s->nua)
		return yc_fail(e, YC_UNAVAILABLE, "sip", "cannot listen on %s (is the port taken?)", c->bind);
	s->alarm = su_timer_create(su_root_task(s->root), 0);
	s->sweep = su_timer_create(su_root_task(s->root), 1000);
	su_timer_set_for_ever(s->sweep, on_sweep, s);
	return YC_OK;
}

void sip_run(struct sip *s)
{
	su_root_run(s->root);
}

void sip_stop(struct sip *s)
{
	if (s->shut)
		return;
	s->shut = 1;
	nua_shutdown(s->nua);
}

void sip_close(struct sip **sp)
{
	struct sip *s = *sp;
	struct sip_watch *w;

	if (!s)
		return;
	while ((w = s->watches)) {
		s->watches = w->next;
		su_root_deregister(s->root, w->index);
		yc_xfree(w);
	}
	leg_sweep(s, INT64_MAX);
	trunk_close(s);
	if (s->nua) {
		if (!s->shut) {
			sip_stop(s);
			su_root_run(s->root);
		}
		nua_destroy(s->nua);
	}
	registrar_free(&s->registrar);
	if (s->root) {
		su_timer_destroy(s->alarm);
		su_timer_destroy(s->sweep);
		su_root_destroy(s->root);
		su_deinit();
	}
	yc_xfree(s);
	*sp = NULL;
}

static int on_readable(struct sip *s, su_wait_t *w, su_wakeup_arg_t *arg)
{
	struct sip_watch *watch = (struct sip_watch *)arg;

	watch->fn(watch->arg);
	return 0;
}

enum yc_code sip_watch(struct sip *s, int fd, void (*fn)(void *arg), void *arg, struct yc_err *e)
{
	struct sip_watch *w = yc_xcalloc(1, sizeof(*w));

	w->fn = fn;
	w->arg = arg;
	if (su_wait_create(&w->wait, fd, SU_WAIT_IN) == 0)
		w->index = su_root_register(s->root, &w->wait, on_readable, (su_wakeup_arg_t *)w, 0);
	if (w->index <= 0) {
		yc_xfree(w);
		return yc_fail(e, YC_INTERNAL, "sip", "the SIP loop refuses a descriptor");
	}
	w->next = s->watches;
	s->watches = w;
	return YC_OK;
}

void sip_alarm(struct sip *s, int64_t delay_ms)
{
	su_timer_set_interval(s->alarm, on_alarm, (su_timer_arg_t *)s, delay_ms < 1 ? 1 : (su_duration_t)delay_ms);
}

const char *sip_host(const struct sip *s)
{
	return s->host;
}

int sip_legs(const struct sip *s)
{
	return s->n_legs;
}
