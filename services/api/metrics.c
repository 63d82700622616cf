/* Health and metrics: our own, or of every instance the broker knows. */
#include "api.h"

#include "yc/metric.h"
#include "yc/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 2000
#define MAX_ASKED 200

/* One question to every instance; answers are collected as text, in the order they come. */
struct fan {
	struct api_ctx *x;
	const char *method;
	int waiting, unready;
	struct yc_buf text;
	void (*add)(struct fan *f, const Pb__BusInstance *who, const void *msg);
	void (*end)(struct fan *f);
};
struct asked { struct fan *f; char service[64], instance[96]; };

static void settle(struct fan *f)
{
	if (--f->waiting)
		return;
	f->end(f);
	yc_buf_free(&f->text);
	yc_xfree(f);
}

static void on_one(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct asked *q = arg;
	Pb__BusInstance who = PB__BUS_INSTANCE__INIT;

	who.service = q->service;
	who.instance = q->instance;
	q->f->add(q->f, &who, code ? NULL : msg);
	settle(q->f);
	yc_xfree(q);
}

static void on_instances(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct fan *f = arg;
	const Pb__BusInstances *all = msg;
	Pb__Empty in = PB__EMPTY__INIT;
	char to[200];

	for (size_t i = 0; !code && i < all->n_instances && i < MAX_ASKED; i++) {
		struct asked *q;
		struct yc_call call = { .service = to, .api = &pb__node__descriptor, .method = f->method, .in = &in, .timeout_ms = ASK_MS, .fn = on_one };

		if (yc_is_empty(all->instances[i]->service) || yc_streq(all->instances[i]->service, "bus"))
			continue;
		q = yc_xcalloc(1, sizeof(*q));
		q->f = f;
		yc_copy(q->service, sizeof(q->service), all->instances[i]->service);
		yc_copy(q->instance, sizeof(q->instance), all->instances[i]->instance);
		snprintf(to, sizeof(to), "%s@%s", q->service, q->instance);
		call.arg = q;
		f->waiting++;
		yc_node_call(f->x->api->n, &call);
	}
	if (code)
		f->unready++;
	settle(f);
}

static void ask_all(struct api_ctx *x, const char *method, void (*add)(struct fan *, const Pb__BusInstance *, const void *), void (*end)(struct fan *))
{
	struct fan *f = yc_xcalloc(1, sizeof(*f));
	Pb__Empty in = PB__EMPTY__INIT;
	struct yc_call call = { .service = "bus", .api = &pb__bus__descriptor, .method = "Instances", .in = &in, .timeout_ms = ASK_MS,
				.fn = on_instances, .arg = f };

	f->x = x;
	f->method = method;
	f->add = add;
	f->end = end;
	f->waiting = 1;
	yc_node_call(x->api->n, &call);
}

/* --- metrics --------------------------------------------------------------------------------------------------------------------------- */

/* HELP and TYPE of a name stand once, however many processes have it: lines that begin with '#' and stood already are left out. */
static void add_text(struct yc_buf *out, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = NULL;

		if (*text == '#' && out->n) {
			line = yc_xcalloc(1, n + 2);
			memcpy(line, text, n);
			line[n] = '\n';
		}
		if (!line || !strstr(out->p, line))
			yc_buf_add(out, text, n + (text[n] == '\n'));
		yc_xfree(line);
		text += n + (text[n] == '\n');
	}
}

static void metrics_add(struct fan *f, const Pb__BusInstance *who, const void *msg)
{
	const Pb__MetricsReply *m = msg;

	if (m)
		add_text(&f->text, m->text);
}

static void metrics_end(struct fan *f)
{
	struct http_req *r = f->x->r;

	if (r) {
		http_out(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
		r->reply = f->text;
		f->text = (struct yc_buf){ 0 };
	}
	api_send(f->x, 200);
}

static int is_local(const char *client)
{
	return !strncmp(client, "127.", 4) || yc_streq(client, "::1") || yc_streq(client, "::ffff:127.0.0.1");
}

static void own_metrics(struct api_ctx *x)
{
	char *text = NULL, label[160];
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (f) {
		snprintf(label, sizeof(label), "instance=\"%s\"", yc_node_instance(x->api->n));
		yc_metrics_print(f, label);
		fclose(f);
		yc_buf_add(&x->r->reply, text, n);
	}
	free(text);
	http_out(x->r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	api_send(x, 200);
}

void api_on_metrics(struct api_ctx *x)
{
	if (!x->who && !x->api->conf.metrics_public && !is_local(x->client)) {
		api_fail_http(x, 401, "unauthenticated", NULL, "metrics are for this machine, or with a token");
		return;
	}
	if (api_query(x, "all"))
		ask_all(x, "Metrics", metrics_add, metrics_end);
	else
		own_metrics(x);
}

/* --- health ---------------------------------------------------------------------------------------------------------------------------- */

static void health_add(struct fan *f, const Pb__BusInstance *who, const void *msg)
{
	if (f->text.n)
		yc_buf_str(&f->text, ",");
	if (msg) {
		const Pb__HealthReply *h = msg;

		f->unready += !h->ready;
		yc_json_write(&f->text, &h->base);
		return;
	}
	f->unready++;
	yc_buf_str(&f->text, "{\"service\":");
	yc_buf_json_str(&f->text, who->service);
	yc_buf_str(&f->text, ",\"instance\":");
	yc_buf_json_str(&f->text, who->instance);
	yc_buf_str(&f->text, ",\"ready\":false,\"detail\":\"no answer\"}");
}

static void health_end(struct fan *f)
{
	struct http_req *r = f->x->r;

	if (r) {
		http_out(r, "Content-Type", "application/json");
		yc_buf_printf(&r->reply, "{\"status\":\"%s\",\"services\":[%s]}", f->unready ? "degraded" : "ok", f->text.p ? f->text.p : "");
	}
	api_send(f->x, f->unready ? 503 : 200);
}

void api_on_health(struct api_ctx *x)
{
	int up = yc_bus_is_up(yc_node_bus(x->api->n));

	if (api_query(x, "all")) {
		ask_all(x, "Health", health_add, health_end);
		return;
	}
	http_out(x->r, "Content-Type", "application/json");
	yc_buf_str(&x->r->reply, up ? "{\"status\":\"ok\"}" : "{\"status\":\"degraded\",\"detail\":\"the bus does not answer\"}");
	api_send(x, up ? 200 : 503);
}
