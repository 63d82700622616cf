/* The main() of every service: options, --help --version --check --man, health, run. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "node_impl.h"
#include "yc/clock.h"
#include "yc/text.h"

struct health { struct yc_loop *loop; int ready; };

static void on_health(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct health *h = arg;
	const Pb__HealthReply *r = msg;

	h->ready = !code && r->ready;
	if (code)
		fprintf(stderr, "%s: %s\n", yc_code_name(code), e->msg);
	else
		printf("%s %s %s\n", r->instance, r->ready ? "ready" : "not ready:", r->detail);
	yc_loop_stop(h->loop);
}

/* For container health checks: asks the running instance over its real socket. */
static int health(const struct yc_service *s, const struct yc_node_conf *given)
{
	struct yc_node_conf c = { 0 };
	Pb__Empty in = PB__EMPTY__INIT;
	struct health h = { .loop = yc_loop_new() };
	struct yc_bus *bus = NULL;
	struct yc_err e = { 0 };
	char to[3 * YC_WIRE_NAME_MAX];

	node_conf_copy(&c, given);
	if (yc_bus_open(&bus, h.loop, &(struct yc_bus_conf){ .endpoint = c.bus, .curve_server_key = *c.curve_server_key ? c.curve_server_key : NULL,
			.curve_secret_key = *c.curve_secret_key ? c.curve_secret_key : NULL }, NULL, NULL, NULL, &e)) {
		fprintf(stderr, "%s: %s\n", e.field, e.msg);
	} else {
		snprintf(to, sizeof to, "%s@%s.%s.%d", s->name, c.site, s->name, (int)c.instance);
		yc_bus_call(bus, &(struct yc_call){ .service = to, .api = &pb__node__descriptor, .method = "Health", .in = &in, .timeout_ms = 2000,
				.fn = on_health, .arg = &h });
		yc_loop_run(h.loop);
	}
	yc_bus_close(&bus);
	yc_loop_free(&h.loop);
	node_conf_free(&c);
	return h.ready ? 0 : 1;
}

static int has_flag(int argc, char **argv, const char *flag)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], flag) == 0)
			return 1;
	return 0;
}

static int serve(const struct yc_service *s, void *self, const struct yc_node_conf *c, const char *program)
{
	struct yc_node *n = NULL;
	struct yc_err e = { 0 };

	if (node_conf_log(c, program, &e) || yc_node_open(&n, c, s, self, &e)) {
		fprintf(stderr, "%s: %s%s%s\n", program, e.field, *e.field ? ": " : "", e.msg);
		return 1;
	}
	yc_node_run(n);
	yc_node_close(&n);
	return 0;
}

int yc_main(int argc, char **argv, const struct yc_service *s, void *self, const struct yc_opt *opts, void *conf)
{
	static const struct yc_opt none[] = { { 0 } };
	struct yc_node_conf node = { 0 };
	const struct yc_opt_set sets[] = { { yc_node_opts, &node }, { opts ? opts : none, conf } };
	char program[64], prefix[64];
	struct yc_err e = { 0 };
	int rest = argc, rc = 0;

	snprintf(program, sizeof program, "yc-%s", s->name);
	snprintf(prefix, sizeof prefix, "YC_%s", s->name);
	for (char *p = prefix; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	if (has_flag(argc, argv, "--help")) {
		yc_opt_help(stdout, program, prefix, sets, 2);
	} else if (has_flag(argc, argv, "--man")) {
		yc_opt_man(stdout, program, prefix, sets, 2);
	} else if (has_flag(argc, argv, "--version")) {
		printf("%s %s\n", program, YC_VERSION);
	} else if (yc_opt_parse(sets, 2, prefix, argc, argv, &rest, &e)) {
		fprintf(stderr, "%s: %s%s%s\n", program, e.field, *e.field ? ": " : "", e.msg);
		rc = 2;
	} else if (rest < argc && strcmp(argv[rest], "health") == 0) {
		rc = health(s, &node);
	} else if (rest < argc) {
		fprintf(stderr, "%s: \"%s\" is not understood; --help lists what is\n", program, argv[rest]);
		rc = 2;
	} else if (!has_flag(argc, argv, "--check")) {
		rc = serve(s, self, &node, program);
	}
	yc_opt_free(sets, 2);
	return rc;
}
