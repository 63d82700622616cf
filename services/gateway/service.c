/* The gateway as a service: options, tables, start and stop, the node thread's end of the queues. */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "gateway.h"
#include "sig.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#define DRAIN_MAX 512            /* messages per turn */
#define START_MS 30000
#define STOP_MS 8000
#define TRIM_FROM 50             /* calls at a time that make a burst */
#define TRIM_QUIET_S 40          /* the ends of its dialogs linger for half a minute */

struct gw_self gateway_self;

#define OPT(field, kind, dflt, help, lo, hi, env) { #field, kind, offsetof(struct gw_conf, field), dflt, help, lo, hi, env }
const struct yc_opt gateway_opts[] = {
	OPT(sip, YC_OPT_STR, "127.0.0.1:5060", "address and port for SIP over UDP and TCP", 0, 0, "YC_SIP"),
	OPT(advertise, YC_OPT_STR, "", "host that peers see in Contact and Via (default: the address of sip)", 0, 0, "YC_SIP_ADVERTISE"),
	OPT(media, YC_OPT_STR, "", "address for RTP (default: the address of sip)", 0, 0, "YC_MEDIA"),
	OPT(media_advertise, YC_OPT_STR, "", "address in SDP (default: the address of media)", 0, 0, "YC_MEDIA_ADVERTISE"),
	OPT(prompts, YC_OPT_STR, "", "folder with prompts and music, NAME.wav", 0, 0, "YC_PROMPTS"),
	OPT(realm, YC_OPT_STR, "yichuang", "SIP digest realm, equal to the directory's", 0, 0, NULL),
	OPT(rtp_min, YC_OPT_INT, "20000", "first RTP port", 1024, 65534, NULL),
	OPT(rtp_max, YC_OPT_INT, "29999", "last RTP port", 1025, 65535, NULL),
	OPT(media_threads, YC_OPT_INT, "0", "media workers (0: cores - 1)", 0, 64, NULL),
	OPT(rtp_timeout_ms, YC_OPT_MS, "30s", "a talk without RTP of one side ends after so long (0: never)", 0, 3600000, NULL),
	OPT(max_calls, YC_OPT_INT, "2000", "calls at a time; more get 503", 1, 20000, NULL),
	OPT(max_rate, YC_OPT_INT, "400", "calls per second; more get 503 (0: no bound)", 0, 100000, NULL),
	OPT(max_behind, YC_OPT_INT, "20000", "uncommitted events at which new calls get 503", 100, 100000, NULL),
	OPT(register_min_s, YC_OPT_INT, "30", "shortest registration accepted, seconds", 1, 3600, NULL),
	OPT(register_max_s, YC_OPT_INT, "3600", "longest registration granted, seconds", 10, 86400, NULL),
	OPT(register_default_s, YC_OPT_INT, "300", "registration granted when the phone names none, seconds", 1, 86400, NULL),
	OPT(nonce_ms, YC_OPT_MS, "5m", "how long a digest nonce is good", 1000, 86400000, NULL),
	OPT(auth_failures, YC_OPT_INT, "10", "wrong passwords of one phone before it is refused for auth_block_ms (its address: ten times that)", 1, 100000, NULL),
	OPT(auth_block_ms, YC_OPT_MS, "1m", "how long it is refused then", 1000, 86400000, NULL),
	OPT(sha256, YC_OPT_BOOL, "no", "also offer SHA-256 digests (RFC 8760); some phones give up at an algorithm they do not know", 0, 0, NULL),
	OPT(inband, YC_OPT_BOOL, "yes", "hear digits as tones while a menu listens", 0, 0, NULL),
	OPT(trace_gap, YC_OPT_BOOL, "no", "write each idle gap of an agent to HOME/gateway/idle_gap.txt", 0, 0, "YC_TRACE_GAP"),
	{ 0 },
};

#define COUNTER(n, h) { .kind = YC_COUNTER, .name = "yc_gateway_" n, .help = h }
#define GAUGE(n, h) { .kind = YC_GAUGE, .name = "yc_gateway_" n, .help = h }
#define REFUSED(s) { .kind = YC_COUNTER, .name = "yc_gateway_refused_total", .help = "calls refused, by SIP status", .labels = "status=\"" s "\"" }
struct yc_metric gw_metrics[GWM_COUNT] = {
	[GWM_CALLS] = COUNTER("calls_total", "calls admitted"),
	[GWM_ENDED] = COUNTER("calls_ended_total", "calls ended"),
	[GWM_BUSY_503] = REFUSED("503"),
	[GWM_UNKNOWN_404] = REFUSED("404"),
	[GWM_CODEC_488] = REFUSED("488"),
	[GWM_FORBIDDEN_403] = REFUSED("403"),
	[GWM_ACTIVE] = GAUGE("calls", "calls now"),
	[GWM_QUEUED] = GAUGE("calls_waiting", "calls that wait for an agent now"),
	[GWM_IDLE_GAP] = { .kind = YC_HISTOGRAM, .name = "yc_gateway_idle_gap", .help = "from an agent's BYE to the next INVITE to him while callers waited" },
	[GWM_OFFERS] = COUNTER("offers_total", "agents' phones rung"),
	[GWM_OFFERS_FAILED] = COUNTER("offers_failed_total", "offers that did not end in a talk"),
	[GWM_ACD_RETRIES] = COUNTER("acd_retries_total", "operations sent to the ACD again"),
	[GWM_RESYNCS] = COUNTER("acd_resyncs_total", "times the ACD was told the whole truth"),
	[GWM_MSG_DROPPED] = COUNTER("messages_dropped_total", "messages between the threads dropped at the bound"),
	[GWM_REGISTERED] = GAUGE("registrations", "phones registered here"),
	[GWM_LEGS] = GAUGE("media_legs", "RTP legs now"),
	[GWM_RECORDINGS] = COUNTER("recordings_total", "recordings kept"),
	[GWM_RECORD_FAILED] = COUNTER("recordings_failed_total", "recordings that failed or could not be kept"),
	[GWM_RTP_IN] = GAUGE("rtp_in", "RTP packets received since start"),
	[GWM_RTP_OUT] = GAUGE("rtp_out", "RTP packets sent since start"),
	[GWM_TICKS_LATE] = GAUGE("media_ticks_late", "media ticks more than 10 ms late since start"),
};

void gw_down(struct gw_self *g, struct gw_msg **m)
{
	if (gw_queue_push(g->down, m))
		return;
	yc_metric_add(&gw_metrics[GWM_MSG_DROPPED], 1);
	gw_msg_free(m);
}

/* --- from the signalling thread --- */

static void take(struct gw_self *g, struct gw_msg *m)
{
	if (m->kind == GW_UP_READY) {
		g->ready = m->u.ready.ok;
		yc_copy(g->why, sizeof(g->why), m->u.ready.text);
	} else if (m->kind == GW_UP_STOPPED) {
		g->stopped = 1;
	} else {
		gw_book_take(g, m);
	}
}

static void on_up(void *arg, int fd, int events)
{
	struct gw_self *g = arg;
	struct gw_msg *m;
	int i;

	for (i = 0; i < DRAIN_MAX && (m = gw_queue_pop(g->up)); i++) {
		take(g, m);
		gw_msg_free(&m);
	}
	if (i == DRAIN_MAX)
		gw_queue_wake(g->up);
	sig_behind(g->sig, yc_node_events_behind(g->node));
	if (g->stopped && !g->stopping) {
		yc_error("the signalling thread has ended");
		yc_loop_stop(yc_node_loop(g->node));
	}
}

/* Messages that may wait are taken along whenever this thread is awake anyway. */
static void on_turn_end(void *arg)
{
	struct gw_self *g = arg;

	if (g->sig && gw_queue_depth(g->up))
		on_up(g, gw_queue_fd(g->up), 0);
}

/* Blocks: only for start and stop. */
static int wait_up(struct gw_self *g, const int *flag, int64_t ms)
{
	struct pollfd p = { .fd = gw_queue_fd(g->up), .events = POLLIN };
	int64_t until = yc_mono() + ms;

	while (!*flag && !g->stopped && yc_mono() < until)
		if (poll(&p, 1, 100) > 0)
			on_up(g, p.fd, 0);
	return *flag;
}

/* After a burst the heaps hold what the burst needed; it is given back once things are quiet. */
static void give_back_memory(struct gw_self *g)
{
	int now = (int)HASH_COUNT(g->calls);

	if (now > g->peak)
		g->peak = now;
	if (g->peak < TRIM_FROM || now > g->peak / 8) {
		g->quiet_s = 0;
	} else if (++g->quiet_s >= TRIM_QUIET_S) {
		malloc_trim(1 << 20);
		g->peak = g->quiet_s = 0;
	}
}

static void on_second(void *arg)
{
	struct gw_self *g = arg;

	give_back_memory(g);
	gw_routing_second(g->routing);
	gw_creds_second(g);
	gw_journal_second(g);
	sig_behind(g->sig, yc_node_events_behind(g->node));
}

/* --- start and stop --- */

static enum yc_code open_folders(struct gw_self *g, struct yc_err *e)
{
	const char *home = yc_node_conf(g->node)->home;
	char dir[400], path[512];

	snprintf(dir, sizeof(dir), "%s/gateway", home);
	if ((mkdir(home, 0700) && errno != EEXIST) || (mkdir(dir, 0750) && errno != EEXIST))
		return yc_fail(e, YC_UNAVAILABLE, "home", "cannot create %s: %s", dir, strerror(errno));
	snprintf(g->blob_folder, sizeof(g->blob_folder), "%s/blobs", dir);
	if (yc_blobs_open(&g->blobs, yc_node_db(g->node), g->blob_folder, e))
		return e->code;
	yc_node_blobs(g->node, g->blobs);
	if (!g->conf.trace_gap)
		return YC_OK;
	snprintf(path, sizeof(path), "%s/idle_gap.txt", dir);
	g->gap_file = fopen(path, "ae");
	return g->gap_file ? YC_OK : yc_fail(e, YC_UNAVAILABLE, "trace_gap", "cannot write %s: %s", path, strerror(errno));
}

static void host_of(char *out, size_t n, const char *bind)
{
	const char *colon = strrchr(bind, ':');

	snprintf(out, n, "%.*s", colon ? (int)(colon - bind) : (int)strlen(bind), bind);
}

static void fill_sig_conf(struct gw_self *g, struct sig_conf *c)
{
	const struct gw_conf *o = &g->conf;

	c->sip = (struct sip_conf){ .bind = o->sip, .advertise = o->advertise, .realm = o->realm, .sha256 = o->sha256, .reg_min_s = o->register_min_s,
		.reg_max_s = o->register_max_s, .reg_default_s = o->register_default_s, .nonce_ms = o->nonce_ms,
		.auth_failures = (int)o->auth_failures, .auth_block_ms = o->auth_block_ms };
	media_conf_default(&c->media);
	if (yc_is_empty(o->media))
		host_of(c->media.bind_ip, sizeof(c->media.bind_ip), o->sip);
	else
		yc_copy(c->media.bind_ip, sizeof(c->media.bind_ip), o->media);
	if (!c->media.bind_ip[0])
		yc_copy(c->media.bind_ip, sizeof(c->media.bind_ip), "0.0.0.0");
	c->media.port_min = (int)o->rtp_min;
	c->media.port_max = (int)o->rtp_max;
	c->media.workers = (int)o->media_threads;
	c->media.rtp_timeout_ms = (int)o->rtp_timeout_ms;
	yc_copy(c->media.prompts, sizeof(c->media.prompts), o->prompts);
	yc_copy(c->media_ip, sizeof(c->media_ip), !yc_is_empty(o->media_advertise) ? o->media_advertise :
		!strcmp(c->media.bind_ip, "0.0.0.0") ? o->advertise : c->media.bind_ip);
	yc_copy(c->area, sizeof(c->area), yc_node_conf(g->node)->area);
	yc_copy(c->blob_folder, sizeof(c->blob_folder), g->blob_folder);
	c->max_calls = o->max_calls;
	c->max_rate = o->max_rate;
	c->max_behind = o->max_behind;
	c->inband = o->inband;
}

/* A thread's heap that gives back each page at once takes it again with the next call: a page fault and two system calls each time. */
static void tune_malloc(void)
{
	mallopt(M_TOP_PAD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);   /* give_back_memory() does it instead */
}

static enum yc_code start(struct yc_node *n, void *self, struct yc_err *e)
{
	struct gw_self *g = self;
	static struct sig_conf c;
	static int counted;

	g->node = n;
	tune_malloc();
	if (!counted++) {
		yc_metrics_register(gw_metrics, GWM_COUNT);
		sip_metrics_register();
	}
	if (g->conf.rtp_max <= g->conf.rtp_min)
		return yc_fail(e, YC_INVALID, "rtp_max", "must be greater than rtp_min");
	if (open_folders(g, e) || gw_journal_recover(g, e) || gw_routing_open(&g->routing, g, e))
		return e->code;
	g->up = gw_queue_new(GW_QUEUE);
	g->down = gw_queue_new(GW_QUEUE);
	if (gw_config_load(g, e) || gw_location_open(&g->location, g, e))
		return e->code;
	fill_sig_conf(g, &c);
	g->sig = sig_start(&c, g->up, g->down);
	if (!wait_up(g, &g->ready, START_MS))
		return yc_fail(e, YC_UNAVAILABLE, "sip", "%s", g->why[0] ? g->why : "the signalling thread does not start");
	yc_loop_fd(yc_node_loop(n), gw_queue_fd(g->up), YC_READ, on_up, g);
	yc_loop_at_end(yc_node_loop(n), on_turn_end, g);
	g->second = yc_timer_start(yc_node_loop(n), 1000, 1000, on_second, g);
	gw_creds_start(g);
	yc_info("SIP on %s", g->conf.sip);
	return YC_OK;
}

static void stop(struct yc_node *n, void *self)
{
	struct gw_self *g = self;
	struct gw_msg *m;

	g->stopping = 1;
	yc_timer_stop(&g->second);
	if (g->sig) {
		m = gw_msg_new(GW_DOWN_STOP, "", 0);
		gw_down(g, &m);
		if (!wait_up(g, &g->stopped, STOP_MS))
			yc_error("the signalling thread does not end");
		yc_loop_fd(yc_node_loop(n), gw_queue_fd(g->up), 0, NULL, NULL);
		sig_join(&g->sig);
	}
	gw_book_free(g);
	gw_creds_close(g);
	gw_location_close(&g->location);
	gw_routing_close(&g->routing);
	if (g->blobs)
		yc_blobs_close(&g->blobs);
	gw_queue_free(&g->up);
	gw_queue_free(&g->down);
	if (g->gap_file)
		fclose(g->gap_file);
	g->gap_file = NULL;
}

static const char *health(struct yc_node *n, void *self)
{
	static char text[200];
	struct gw_self *g = self;
	struct gw_carrier *t, *next;

	HASH_ITER(hh, g->carriers, t, next)
		if (!t->ok) {
			snprintf(text, sizeof(text), "trunk %s is not registered: %d %s", t->name, t->status, t->text);
			return text;
		}
	return gw_creds_loaded(g) ? NULL : "no extensions from the directory yet";
}

static const struct yc_sub subs[] = {
	{ "directory", "extension.changed", &pb__extension__descriptor, gw_creds_changed },
	{ 0 },
};

extern const struct yc_migration yc_schema_gateway[];
const struct yc_service gateway_service = {
	.name = "gateway", .api = &pb__gateway__descriptor, .rpcs = gateway_rpcs, .subs = subs, .imports = gw_config_kinds,
	.schema = yc_schema_gateway, .queries = gw_store_queries, .n_queries = Q_COUNT, .async_events = 1,
	.start = start, .stop = stop, .health = health,
};
