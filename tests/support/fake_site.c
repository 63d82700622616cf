#include "fake_site.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "yc/clock.h"
#include "yc/text.h"
#include "yct.h"
#include "yct_bus.h"

static const struct yc_migration schema[] = { { 1, "001_init", "CREATE TABLE fake (id TEXT PRIMARY KEY)" }, { 0 } };
static const struct yc_service kinds[] = {
	{ .name = "gateway", .schema = schema }, { .name = "acd", .schema = schema }, { .name = "ticket", .schema = schema },
	{ .name = "directory", .schema = schema },
};

static void pump(struct fake_site *s)
{
	for (int i = 0; i < s->n_nodes; i++)
		yc_loop_once(yc_node_loop(s->nodes[i]), 0);
	yc_loop_once(s->c.l, 1);
}

static int is_ready(void *arg)
{
	struct fake_site *s = arg;
	Pb__Empty in = PB__EMPTY__INIT;
	Pb__HealthReply *r = yct_ask(&s->c, s->service, &pb__node__descriptor, "Health", &in, NULL, NULL);

	return r && r->ready && r->pid == s->pid;
}

void fake_site_start(struct fake_site *s)
{
	char bus[300], db[600], site[40], name[40];
	const char *env[] = { bus, db, site, "YC_AREA=871", NULL }, *args[] = { "--level", "error", NULL };

	snprintf(bus, sizeof(bus), "YC_BUS=%s", yct_bus());
	snprintf(db, sizeof(db), "YC_DB=%s", s->url);
	snprintf(site, sizeof(site), "YC_SITE=%s", s->name);
	snprintf(name, sizeof(name), "yc-%s", s->service);
	s->pid = yct_spawn(name, args, env);
	CU_ASSERT_TRUE_FATAL(fake_until(s, 20000, is_ready, s));
}

void fake_site_open(struct fake_site *s, const char *service, const char *url)
{
	static int n;

	memset(s, 0, sizeof(*s));
	snprintf(s->name, sizeof(s->name), "s%d", n++);
	yc_copy(s->service, sizeof(s->service), service);
	yc_copy(s->url, sizeof(s->url), url);
	yct_client_open(&s->c, yct_bus());
	fake_site_start(s);
}

void fake_site_kill(struct fake_site *s)
{
	yct_kill(s->pid, SIGKILL);
	s->pid = 0;
}

void fake_site_close(struct fake_site *s)
{
	int status = 0;

	kill(s->pid, SIGTERM);
	while (waitpid(s->pid, &status, 0) < 0)
		;
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	for (int i = 0; i < s->n_nodes; i++)
		yc_node_close(&s->nodes[i]);
	yct_client_close(&s->c);
}

struct yc_node *fake_producer(struct fake_site *s, const char *service)
{
	char db[400];
	struct yc_node_conf c = { .bus = (char *)yct_bus(), .db = db, .site = s->name, .home = (char *)yct_dir(), .instance = 1 };
	const struct yc_service *kind = NULL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, service))
			kind = &kinds[i];
	for (int i = 0; i < s->n_nodes; i++)
		if (strstr(yc_node_instance(s->nodes[i]), service))
			return s->nodes[i];
	CU_ASSERT_PTR_NOT_NULL_FATAL(kind);
	snprintf(db, sizeof(db), "sqlite:%s/%s-%s.db", yct_dir(), s->name, service);
	YCT_OK(yc_node_open(&s->nodes[s->n_nodes], &c, kind, NULL, yct_err()));
	return s->nodes[s->n_nodes++];
}

struct emission { const char *type, *matter, *key; const void *msg; };

static enum yc_code emit(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct emission *m = arg;

	return yc_emit(n, m->type, m->matter, m->key, m->msg, e);
}

void fake_emit(struct fake_site *s, const char *service, const char *type, const char *matter, const char *key, const void *msg)
{
	struct emission m = { type, matter, key, msg };

	YCT_OK(yc_node_do(fake_producer(s, service), emit, &m, yct_err()));
}

int fake_until(struct fake_site *s, int64_t ms, int (*cond)(void *arg), void *arg)
{
	int64_t end = yc_mono() + ms;

	while (!cond(arg)) {
		if (yc_mono() > end)
			return 0;
		for (int i = 0; i < 5; i++)
			pump(s);
	}
	return 1;
}

void *fake_ask(struct fake_site *s, const ProtobufCServiceDescriptor *api, const char *method, const void *in, const Pb__Principal *as)
{
	void *out = yct_ask(&s->c, s->service, api, method, in, as, NULL);

	if (s->c.code)
		printf("  %s: %s %s: %s\n", method, yc_code_name(s->c.code), s->c.e.field, s->c.e.msg);
	CU_ASSERT_EQUAL_FATAL(s->c.code, YC_OK);
	return out;
}

void fake_refused(struct fake_site *s, const ProtobufCServiceDescriptor *api, const char *method, const void *in, const Pb__Principal *as,
		  enum yc_code code, const char *field)
{
	yct_ask(&s->c, s->service, api, method, in, as, NULL);
	if (s->c.code != code || !yc_streq(s->c.e.field, field))
		printf("  %s: %s %s: %s\n", method, yc_code_name(s->c.code), s->c.e.field, s->c.e.msg);
	CU_ASSERT_EQUAL(s->c.code, code);
	YCT_STR(s->c.e.field, field);
}
