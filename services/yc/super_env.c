/* Environment and arguments of a child, made before the fork: afterwards only system calls are safe. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "yc.h"

static void env_put(struct child_env *e, const char *name, const char *fmt, const char *value)
{
	char *t = e->text[e->n_text++];
	size_t n = strlen(name);

	snprintf(t, sizeof(e->text[0]), "%s=", name);
	snprintf(t + n + 1, sizeof(e->text[0]) - n - 1, fmt, value);
	for (int i = 0; i < e->n; i++)
		if (strncmp(e->v[i], t, n + 1) == 0) {
			e->v[i] = t;
			return;
		}
	if (e->n < 255)
		e->v[e->n++] = t;
}

static void env_default(struct child_env *e, const char *name, const char *fmt, const char *value)
{
	if (!getenv(name))
		env_put(e, name, fmt, value);
}

void child_env(struct child_env *e, const struct home *h, const struct part *p)
{
	const char *url = getenv("YC_DB_URL");
	char path[YC_PATH];

	memset(e, 0, sizeof(*e));
	for (char **v = environ; *v && e->n < 240; v++)
		e->v[e->n++] = *v;
	env_put(e, "YC_HOME", "%s", h->dir);
	env_put(e, "YC_BUS", "%s", h->bus);
	env_put(e, "YC_REDIS", "%s", h->redis);
	env_put(e, "YC_SITE", "%s", h->site);
	env_put(e, "YC_HTTP", "%s", h->http);
	env_put(e, "YC_SIP", "%s", h->sip);
	env_put(e, "YC_SHARE", "%s", h->share);
	env_default(e, "YC_PROMPTS", "%s/prompts", h->share);
	env_default(e, "YC_API_CONSOLE", "%s/console", h->share);
	if (url && *url)
		env_put(e, "YC_DB", "%s", url);
	else
		env_put(e, "YC_DB", "sqlite:%s", home_path(h, path, "data/%s.db", p->name));
}

void child_args(char **argv, struct proc *p, char sock[YC_PATH], char dir[YC_PATH])
{
	static char *const redis[] = { (char *)"--port", (char *)"0", (char *)"--unixsocketperm", (char *)"700", (char *)"--appendonly", (char *)"yes",
				       (char *)"--appendfsync", (char *)"everysec", (char *)"--save", (char *)"", (char *)"--daemonize", (char *)"no" };
	const struct home *h = p->s->h;
	int n = 0;

	argv[n++] = p->program;
	if (p->part == &parts[PART_REDIS]) {
		for (size_t i = 0; i < sizeof(redis) / sizeof(redis[0]); i++)
			argv[n++] = redis[i];
		argv[n++] = (char *)"--unixsocket";
		argv[n++] = home_path(h, sock, "run/redis.sock");
		argv[n++] = (char *)"--dir";
		argv[n++] = home_path(h, dir, "redis");
	}
	argv[n] = NULL;
}
