#include "api.h"

#include "rule_limit.h"

#include "yc/crypto.h"
#include "yc/log.h"
#include "yc/metric.h"
#include "yc/text.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_KEYS 50000                           /* buckets of the rate limits */

static const struct yc_sub subs[] = {
	{ "gateway", "*", NULL, api_feed_take },
	{ "acd", "*", NULL, api_feed_take },
	{ "ticket", "*", NULL, api_feed_take },
	{ "crm", "*", NULL, api_feed_take },
	{ "directory", "*", NULL, api_feed_take },
	{ "report", "*", NULL, api_feed_take },
	{ 0 }
};

#define OPT(field, kind, dflt, help, lo, hi, env) { #field, kind, offsetof(struct api_conf, field), dflt, help, lo, hi, env }
const struct yc_opt api_opts[] = {
	OPT(listen, YC_OPT_STR, "127.0.0.1:8080", "address and port of the REST interface and the console", 0, 0, "YC_HTTP"),
	OPT(console, YC_OPT_STR, "", "folder of the console's files (default: share/console beside the program)", 0, 0, NULL),
	OPT(trust_proxy, YC_OPT_STR, "", "addresses of proxies whose X-Forwarded-For is believed, with commas", 0, 0, NULL),
	OPT(cookie_secure, YC_OPT_BOOL, "no", "mark the session cookie Secure: say yes behind TLS", 0, 0, NULL),
	OPT(metrics_public, YC_OPT_BOOL, "no", "give /metrics to other machines without a token", 0, 0, NULL),
	OPT(max_body, YC_OPT_SIZE, "1m", "largest request body; more gets 413", 1024, 64 << 20, NULL),
	OPT(max_connections, YC_OPT_INT, "4096", "HTTP connections at once", 16, 100000, NULL),
	OPT(max_queue, YC_OPT_INT, "4096", "requests that may wait for the loop; more get 503", 16, 100000, NULL),
	OPT(max_streams, YC_OPT_INT, "2000", "open event streams; more get 503", 1, 100000, NULL),
	OPT(rate, YC_OPT_INT, "200", "requests a second per person or key; more get 429; 0: no limit", 0, 1000000, NULL),
	OPT(burst, YC_OPT_INT, "1000", "requests at once per person or key", 1, 1000000, NULL),
	OPT(address_rate, YC_OPT_INT, "100", "requests a second per address without a known token; 0: no limit", 0, 1000000, NULL),
	OPT(address_burst, YC_OPT_INT, "1000", "the same at once", 1, 1000000, NULL),
	OPT(token_cache_ms, YC_OPT_MS, "30s", "how long a token's rights are believed without asking", 0, 300000, NULL),
	OPT(stream_stall_ms, YC_OPT_MS, "10s", "a stream whose client reads nothing for so long while events wait is cut", 500, 600000, NULL),
	OPT(stream_comment_ms, YC_OPT_MS, "15s", "a silent stream gets a comment line, so that both ends notice a lost connection", 500, 600000, NULL),
	OPT(feed_keep_ms, YC_OPT_MS, "168h", "how long events can be asked for again", 60000, INT64_MAX, NULL),
	OPT(feed_max_rows, YC_OPT_INT, "1000000", "how many events at most", 10000, 1000000000, NULL),
	{ 0 }
};

static struct yc_metric metrics[API_M_COUNT] = {
	[API_M_2XX] = { .kind = YC_COUNTER, .name = "yc_http_responses_total", .help = "answers by class", .labels = "class=\"2xx\"" },
	[API_M_3XX] = { .kind = YC_COUNTER, .name = "yc_http_responses_total", .help = "answers by class", .labels = "class=\"3xx\"" },
	[API_M_4XX] = { .kind = YC_COUNTER, .name = "yc_http_responses_total", .help = "answers by class", .labels = "class=\"4xx\"" },
	[API_M_5XX] = { .kind = YC_COUNTER, .name = "yc_http_responses_total", .help = "answers by class", .labels = "class=\"5xx\"" },
	[API_M_SECONDS] = { .kind = YC_HISTOGRAM, .name = "yc_http_seconds", .help = "time from the hand-over to the answer" },
	[API_M_LIMITED] = { .kind = YC_COUNTER, .name = "yc_http_limited_total", .help = "requests refused because a bound was reached" },
	[API_M_TOKEN_HIT] = { .kind = YC_COUNTER, .name = "yc_http_tokens_total", .help = "tokens by where they were known", .labels = "from=\"cache\"" },
	[API_M_TOKEN_MISS] = { .kind = YC_COUNTER, .name = "yc_http_tokens_total", .help = "tokens by where they were known",
			       .labels = "from=\"directory\"" },
	[API_M_STREAMS] = { .kind = YC_GAUGE, .name = "yc_http_streams", .help = "open event streams" },
	[API_M_STREAM_EVENTS] = { .kind = YC_COUNTER, .name = "yc_http_stream_events_total", .help = "events pushed" },
	[API_M_STREAM_DROPPED] = { .kind = YC_COUNTER, .name = "yc_http_stream_dropped_total", .help = "streams let go because the client was slow" },
	[API_M_FEED_ROWS] = { .kind = YC_COUNTER, .name = "yc_feed_rows_total", .help = "events taken into the feed" },
};

void api_count(enum api_metric m, int64_t n)
{
	yc_metric_add(&metrics[m], n);
}

void api_gauge(enum api_metric m, int64_t v)
{
	yc_metric_set(&metrics[m], v);
}

void api_observe_us(int64_t us)
{
	yc_metric_observe_us(&metrics[API_M_SECONDS], us);
}

static int quick(void *arg, struct http_req *r)
{
	struct api *a = arg;

	return api_static_serve(a->files, r);
}

/* PROGRAM/../share/console (a build), PROGRAM/../share/yichuang/console (installed), or what the option or YC_SHARE says. */
static void console_folder(const struct api *a, char *out, size_t n)
{
	static const char *const beside[] = { "../share/console", "../share/yichuang/console" };
	const char *share = getenv("YC_SHARE");
	char exe[PATH_MAX], *slash;
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	struct stat sb;

	yc_copy(out, n, a->conf.console ? a->conf.console : "");
	if (*out)
		return;
	if (!yc_is_empty(share) && snprintf(out, n, "%s/console", share) < (int)n && !stat(out, &sb))
		return;
	exe[len > 0 ? len : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	for (int i = 0; slash && i < 2; i++)
		if (snprintf(out, n, "%s/%s", exe, beside[i]) < (int)n && !stat(out, &sb))
			return;
	out[0] = '\0';
}

static enum yc_code start(struct yc_node *n, void *self, struct yc_err *e)
{
	struct api *a = self;
	struct http_conf h = { .listen = a->conf.listen, .max_body = (size_t)a->conf.max_body, .max_connections = (int)a->conf.max_connections,
			       .max_queue = (int)a->conf.max_queue, .loop = yc_node_loop(n), .quick = quick, .handler = api_on_http, .arg = a };
	char folder[PATH_MAX];
	enum yc_code c;

	a->n = n;
	yc_metrics_register(metrics, API_M_COUNT);
	yc_random(a->trace_seed, sizeof(a->trace_seed));
	a->by_principal = api_limit_new(a->conf.rate, a->conf.burst, MAX_KEYS);
	a->by_address = api_limit_new(a->conf.address_rate, a->conf.address_burst, MAX_KEYS);
	console_folder(a, folder, sizeof(folder));
	if ((c = api_static_open(&a->files, folder, e)) || (c = api_feed_open(a, e)))
		return c;
	api_streams_open(a);
	if ((c = http_open(&a->http, &h, e)))
		return c;
	yc_info("listening on %s (port %d)%s%s", a->conf.listen, http_port(a->http), *folder ? ", console in " : ", no console", folder);
	return YC_OK;
}

static void stop(struct yc_node *n, void *self)
{
	struct api *a = self;

	api_streams_close(a);
	api_recordings_close(a);
	http_close(&a->http);
	api_drop_all(a);
	api_tokens_free(a);
	api_feed_close(a);
	api_static_close(&a->files);
	api_limit_free(&a->by_principal);
	api_limit_free(&a->by_address);
}

const struct yc_service api_service = {
	.name = "api",
	.subs = subs,
	.schema = yc_schema_api,
	.queries = api_sql,
	.n_queries = API_N_SQL,
	.start = start,
	.stop = stop,
	.lost = api_feed_lost,
};
