/* A node's options, and what follows from them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "node_impl.h"
#include "yc/log.h"
#include "yc/text.h"

#define OPT(field, kind, dflt, help, env) { #field, kind, offsetof(struct yc_node_conf, field), dflt, help, 0, 0, env }

const struct yc_opt yc_node_opts[] = {
	OPT(bus, YC_OPT_STR, "", "the site's broker: ipc:///path or tcp://host:port (default: ipc in home)", "YC_BUS"),
	OPT(db, YC_OPT_STR, "", "the store: postgresql://..., sqlite:/file, or sqlite:/folder/ (default: sqlite in home)", "YC_DB"),
	OPT(site, YC_OPT_STR, "yc", "name of this site, first part of instance names", "YC_SITE"),
	OPT(redis, YC_OPT_STR, "", "shared state: unix:/path or redis://host:port", "YC_REDIS"),
	OPT(home, YC_OPT_STR, "./var", "folder for data", "YC_HOME"),
	OPT(log, YC_OPT_STR, "text", "log lines as text or json", "YC_LOG"),
	OPT(level, YC_OPT_STR, "info", "log from this level on: debug, info, warn, error", "YC_LEVEL"),
	OPT(curve_server_key, YC_OPT_STR, "", "file with the broker's public key, for tcp", "YC_CURVE_SERVER_KEY"),
	OPT(curve_secret_key, YC_OPT_STR, "", "file with this service's key pair, for tcp", "YC_CURVE_SECRET_KEY"),
	OPT(area, YC_OPT_STR, "", "the site's telephone area code, for numbers without one", "YC_AREA"),
	{ "instance", YC_OPT_INT, offsetof(struct yc_node_conf, instance), "1", "number of this instance of the service", 1, 9999, "YC_INSTANCE" },
	{ "batch_ms", YC_OPT_MS, offsetof(struct yc_node_conf, batch_ms), "0", "how long effects of events may wait for a common commit (0: as the service says, else 50ms)", 0, 5000,
	  "YC_BATCH_MS" },
	{ 0 },
};

enum yc_code node_conf_log(const struct yc_node_conf *c, const char *name, struct yc_err *e)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	int json = c->log && strcmp(c->log, "json") == 0;

	if (c->log && !json && strcmp(c->log, "text") != 0)
		return yc_fail(e, YC_INVALID, "log", "text or json, not \"%.40s\"", c->log);
	for (int i = 0; i < 4; i++)
		if (!c->level || strcmp(c->level, levels[i]) == 0) {
			yc_log_init(name, json, c->level ? (enum yc_level)i : YC_INFO);
			return YC_OK;
		}
	return yc_fail(e, YC_INVALID, "level", "debug, info, warn or error, not \"%.40s\"", c->level);
}

/* "/a/b/c" -> makes /a/b/c and what is missing above it. */
static enum yc_code make_folder(const char *path, struct yc_err *e)
{
	char part[512];

	yc_copy(part, sizeof part, path);
	for (char *p = part + 1; ; p++) {
		char was = *p;

		if (was != '/' && was)
			continue;
		*p = 0;
		if (mkdir(part, 0750) && errno != EEXIST)
			return yc_fail(e, YC_UNAVAILABLE, "home", "%s: %s", part, strerror(errno));
		*p = was;
		if (!was)
			return YC_OK;
	}
}

static enum yc_code sqlite_file(const struct yc_node_conf *c, const char *service, const char *folder, char *out, size_t size, struct yc_err *e)
{
	char dir[400], nr[16] = "";
	enum yc_code code;

	if (yc_is_empty(folder))
		snprintf(dir, sizeof dir, "%s/%s", c->home, service);
	else
		yc_copy(dir, sizeof dir, folder);
	code = make_folder(dir, e);
	if (c->instance > 1)
		snprintf(nr, sizeof nr, "-%d", (int)c->instance);
	if ((size_t)snprintf(out, size, "sqlite:%s/%s%s.db", dir, service, nr) >= size)
		return yc_fail(e, YC_INVALID, "db", "too long");
	return code;
}

/* One YC_DB serves all services: a PostgreSQL URL (each service has its schema) or a folder (each has its file). */
enum yc_code node_conf_db(const struct yc_node_conf *c, const char *service, char *out, size_t size, struct yc_err *e)
{
	struct stat st;
	const char *path;

	if (yc_is_empty(c->db))
		return sqlite_file(c, service, "", out, size, e);
	path = strncmp(c->db, "sqlite:", 7) == 0 ? c->db + 7 : "";
	if (*path && (path[strlen(path) - 1] == '/' || (stat(path, &st) == 0 && S_ISDIR(st.st_mode))))
		return sqlite_file(c, service, path, out, size, e);
	if ((size_t)snprintf(out, size, "%s", c->db) >= size)
		return yc_fail(e, YC_INVALID, "db", "too long");
	return YC_OK;
}

static char *or_default(const char *s, const char *dflt)
{
	return yc_xstrdup(yc_is_empty(s) ? dflt : s);
}

/* The node keeps its own copy: tests build theirs on the stack. */
void node_conf_copy(struct yc_node_conf *out, const struct yc_node_conf *c)
{
	char bus[512];

	out->home = or_default(c->home, "./var");
	snprintf(bus, sizeof bus, "ipc://%s/bus", out->home);
	out->bus = or_default(c->bus, bus);
	out->db = or_default(c->db, "");
	out->site = or_default(c->site, "yc");
	out->redis = or_default(c->redis, "");
	out->config = or_default(c->config, "");
	out->log = or_default(c->log, "text");
	out->level = or_default(c->level, "info");
	out->curve_server_key = or_default(c->curve_server_key, "");
	out->curve_secret_key = or_default(c->curve_secret_key, "");
	out->area = or_default(c->area, "");
	out->instance = c->instance > 0 ? c->instance : 1;
	out->batch_ms = c->batch_ms > 0 ? c->batch_ms : 0;
}

void node_conf_free(struct yc_node_conf *c)
{
	char *all[] = { c->bus, c->db, c->site, c->redis, c->home, c->config, c->log, c->level, c->curve_server_key, c->curve_secret_key, c->area };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		yc_xfree(all[i]);
	*c = (struct yc_node_conf){ 0 };
}
