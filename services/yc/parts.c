/* What a centre consists of. A new service is one line here. */
#include <string.h>
#include <unistd.h>

#include "yc/text.h"
#include "yc.h"

const struct part parts[] = {
	{ "redis",     "redis-server", 0 },
	{ "bus",       "yc-bus",       1 },
	{ "directory", "yc-directory", 2 },
	{ "crm",       "yc-crm",       2 },
	{ "ticket",    "yc-ticket",    2 },
	{ "acd",       "yc-acd",       2 },
	{ "report",    "yc-report",    2 },
	{ "gateway",   "yc-gateway",   3 },
	{ "api",       "yc-api",       3 },
};
const int n_parts = sizeof(parts) / sizeof(parts[0]);

/* Is name in a list separated by commas? */
static int listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; (p = strstr(p, name)); p += n)
		if ((p == list || p[-1] == ',') && (p[n] == 0 || p[n] == ','))
			return 1;
	return 0;
}

int part_wanted(const struct home *h, const struct part *p)
{
	return p->level < 2 || !*h->only || listed(h->only, p->name);
}

static int in_path(const char *program, char out[YC_PATH])
{
	static const char *const dirs[] = { "/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(out, YC_PATH, "%s/%s", dirs[i], program);
		if (access(out, X_OK) == 0)
			return 1;
	}
	return 0;
}

int part_program(const struct home *h, const struct part *p, char out[YC_PATH])
{
	if (p == &parts[PART_REDIS])
		return in_path(p->program, out);
	if ((size_t)snprintf(out, YC_PATH, "%s/%s", h->bin, p->program) >= YC_PATH)
		return 0;
	return access(out, X_OK) == 0;
}
