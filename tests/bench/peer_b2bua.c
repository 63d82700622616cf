/* Calibration for call.*: the least a back-to-back user agent can be on the same SIP stack. It rings agentN for each call and passes the SDP
 * through; no queue, no media, no store. Usage: peer_b2bua LISTEN_URI AGENT_URI_FORMAT AGENTS, e.g.
 * peer_b2bua sip:127.0.0.2:5060 'sip:agent%d@127.0.0.3:5070' 200 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct pair pair_t;
#define NUA_HMAGIC_T pair_t
#include <sofia-sip/nua.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su.h>

struct pair { nua_handle_t *caller, *callee; };

static const char *agent_format;
static int agents = 1, next_agent;
static su_root_t *root;

static nua_handle_t *other(const pair_t *p, const nua_handle_t *nh)
{
	return p ? nh == p->caller ? p->callee : p->caller : NULL;
}

static void on_invite(nua_t *nua, nua_handle_t *nh, const sip_t *sip)
{
	pair_t *p = calloc(1, sizeof(*p));
	char uri[128], sdp[2048] = "";

	snprintf(uri, sizeof(uri), agent_format, next_agent++ % agents + 1);
	if (sip->sip_payload)
		snprintf(sdp, sizeof(sdp), "%.*s", (int)sip->sip_payload->pl_len, sip->sip_payload->pl_data);
	nua_handle_bind(nh, p);
	p->caller = nh;
	p->callee = nua_handle(nua, p, NUTAG_URL(uri), SIPTAG_TO_STR(uri), SIPTAG_FROM(sip->sip_from), TAG_END());
	nua_invite(p->callee, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(sdp), TAG_END());
}

static void on_answer(int status, pair_t *p, nua_handle_t *nh, const sip_t *sip)
{
	char sdp[2048] = "";

	if (!p || status < 200)
		return;
	if (status >= 300) {
		nua_respond(p->caller, status, "Failed", TAG_END());
		return;
	}
	nua_ack(nh, TAG_END());
	if (sip && sip->sip_payload)
		snprintf(sdp, sizeof(sdp), "%.*s", (int)sip->sip_payload->pl_len, sip->sip_payload->pl_data);
	nua_respond(p->caller, SIP_200_OK, SIPTAG_CONTENT_TYPE_STR("application/sdp"), SIPTAG_PAYLOAD_STR(sdp), TAG_END());
}

static void on_gone(pair_t *p, nua_handle_t *nh)
{
	nua_handle_t *o = other(p, nh);

	if (p && nh == p->caller)
		p->caller = NULL;
	else if (p)
		p->callee = NULL;
	if (p && !p->caller && !p->callee)
		free(p);
	nua_handle_bind(nh, NULL);
	nua_handle_destroy(nh);
	if (o)
		nua_bye(o, TAG_END());
}

static void on_event(nua_event_t event, int status, const char *phrase, nua_t *nua, nua_magic_t *magic, nua_handle_t *nh,
		     pair_t *p, const sip_t *sip, tagi_t tags[])
{
	(void)phrase, (void)magic, (void)tags;
	if (event == nua_i_invite && !p)
		on_invite(nua, nh, sip);
	else if (event == nua_r_invite)
		on_answer(status, p, nh, sip);
	else if (event == nua_i_terminated)
		on_gone(p, nh);
}

static void stop(int sig)
{
	(void)sig;
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: %s LISTEN_URI AGENT_URI_FORMAT AGENTS\n", argv[0]);
		return 2;
	}
	agent_format = argv[2];
	agents = (int)strtol(argv[3], NULL, 10);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	su_init();
	root = su_root_create(NULL);
	su_root_threading(root, 0);
	if (!nua_create(root, on_event, NULL, NUTAG_URL(argv[1]), NUTAG_MEDIA_ENABLE(0), NUTAG_AUTOALERT(0), NUTAG_AUTOANSWER(0), NUTAG_AUTOACK(0),
			NUTAG_SESSION_TIMER(0), NTATAG_UDP_MTU(65535), TAG_END())) {
		fprintf(stderr, "cannot listen on %s\n", argv[1]);
		return 1;
	}
	su_root_run(root);
	return 0;
}
