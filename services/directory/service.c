#include "directory.h"

#include "rule_throttle.h"

#include "yc/clock.h"
#include "yc/log.h"
#include "yc/metric.h"
#include "yc/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWEEP_MS (10 * 60000)
#define ANY_PERSON (0x7feu | YC_SERVICES)        /* every role of a person or key */
#define ADMINS (YC_ROLE(ADMIN) | YC_ROLE(BRANCH_ADMIN))

static const struct yc_rpc rpcs[] = {
	/* method         handler               who may call                                kind          deadline ms */
	{ "Login",        dir_on_login,         YC_SERVICES,                                YC_RPC_DO,    10000 },
	{ "Logout",       dir_on_logout,        YC_SERVICES,                                YC_RPC_WRITE, 2000 },
	{ "CheckToken",   dir_on_check_token,   YC_SERVICES,                                YC_RPC_DO,    2000 },
	{ "AdminCreate",  dir_on_admin_create,  YC_SERVICES | YC_ROLE(ADMIN),               YC_RPC_WRITE, 10000 },
	{ "OrgList",      dir_on_org_list,      ANY_PERSON,                                 YC_RPC_READ,  2000 },
	{ "PersonGet",    dir_on_person_get,    ANY_PERSON & ~YC_ROLE(CUSTOMER),            YC_RPC_READ,  2000 },
	{ "PersonList",   dir_on_person_list,   ANY_PERSON & ~YC_ROLE(CUSTOMER),            YC_RPC_READ,  2000 },
	{ "PersonPut",    dir_on_person_put,    YC_SERVICES | ADMINS,                       YC_RPC_WRITE, 10000 },
	{ "GrantSkill",   dir_on_grant_skill,   YC_SERVICES | ADMINS | YC_ROLE(LEADER),     YC_RPC_WRITE, 2000 },
	{ "SkillList",    dir_on_skill_list,    ANY_PERSON & ~YC_ROLE(CUSTOMER),            YC_RPC_READ,  2000 },
	{ "ExtensionList", dir_on_extension_list, YC_SERVICES | ADMINS | YC_ROLE(LEADER),   YC_RPC_READ,  2000 },
	{ "CalendarList", dir_on_calendar_list, ANY_PERSON,                                 YC_RPC_READ,  2000 },
	{ "CalendarGet",  dir_on_calendar_get,  ANY_PERSON,                                 YC_RPC_READ,  2000 },
	{ "ApiKeyCreate", dir_on_key_create,    YC_ROLE(ADMIN),                             YC_RPC_DO,    2000 },
	{ "ApiKeyList",   dir_on_key_list,      YC_ROLE(ADMIN) | YC_ROLE(AUDITOR),          YC_RPC_READ,  2000 },
	{ "ApiKeyRevoke", dir_on_key_revoke,    YC_ROLE(ADMIN),                             YC_RPC_WRITE, 2000 },
	{ "AuditList",    dir_on_audit_list,    YC_ROLE(ADMIN) | YC_ROLE(AUDITOR),          YC_RPC_READ,  2000 },
	{ "AuditVerify",  dir_on_audit_verify,  YC_SERVICES | YC_ROLE(ADMIN) | YC_ROLE(AUDITOR), YC_RPC_READ, 300000 },
	{ 0 }
};

/* Audit rows come from whoever writes them; nothing else of these services matters here. */
static const struct yc_sub subs[] = {
	{ "gateway", "audit.*", &pb__audited__descriptor, dir_on_audit_event },
	{ "acd", "audit.*", &pb__audited__descriptor, dir_on_audit_event },
	{ "ticket", "audit.*", &pb__audited__descriptor, dir_on_audit_event },
	{ "crm", "audit.*", &pb__audited__descriptor, dir_on_audit_event },
	{ "api", "audit.*", &pb__audited__descriptor, dir_on_audit_event },
	{ "kb", "audit.*", &pb__audited__descriptor, dir_on_audit_event },
	{ "report", "audit.*", &pb__audited__descriptor, dir_on_audit_event },
	{ 0 }
};

#define OPT(field, kind, dflt, help, lo, hi) { #field, kind, offsetof(struct dir_conf, field), dflt, help, lo, hi, NULL }
const struct yc_opt dir_opts[] = {
	OPT(realm, YC_OPT_STR, "yichuang", "SIP digest realm of the extensions", 0, 0),
	OPT(session_idle_ms, YC_OPT_MS, "30m", "a session unused for so long ends", 60000, 86400000),
	OPT(session_max_ms, YC_OPT_MS, "12h", "a session ends after so long in any case", 60000, 7 * 86400000LL),
	OPT(login_threads, YC_OPT_INT, "2", "threads that check passwords", 1, 32),
	OPT(login_waiting, YC_OPT_INT, "64", "log-ins that may wait for one of them; more get 429", 1, 10000),
	{ 0 }
};

static struct yc_metric metrics[DIR_M_COUNT] = {
	[DIR_M_LOGIN_OK] = { .kind = YC_COUNTER, .name = "yc_directory_logins_total", .help = "log-ins by result", .labels = "result=\"ok\"" },
	[DIR_M_LOGIN_BAD] = { .kind = YC_COUNTER, .name = "yc_directory_logins_total", .help = "log-ins by result", .labels = "result=\"refused\"" },
	[DIR_M_LOGIN_THROTTLED] = { .kind = YC_COUNTER, .name = "yc_directory_logins_total", .help = "log-ins by result",
				    .labels = "result=\"throttled\"" },
	[DIR_M_TOKEN_OK] = { .kind = YC_COUNTER, .name = "yc_directory_tokens_total", .help = "tokens checked by result", .labels = "result=\"ok\"" },
	[DIR_M_TOKEN_BAD] = { .kind = YC_COUNTER, .name = "yc_directory_tokens_total", .help = "tokens checked by result",
			      .labels = "result=\"refused\"" },
	[DIR_M_AUDIT] = { .kind = YC_COUNTER, .name = "yc_directory_audit_rows_total", .help = "rows appended to the audit log" },
	[DIR_M_HASHING] = { .kind = YC_COUNTER, .name = "yc_directory_imported_passwords_total", .help = "imported passwords hashed" },
};

void dir_count(enum dir_metric m)
{
	yc_metric_add(&metrics[m], 1);
}

/* The key of password fingerprints lies in the data folder, apart from the store, so that a copied store alone tells nothing. Without a
 * folder it lives as long as the process: then a password in a file counts as new after a restart. */
static enum yc_code load_mark_key(struct dir *d, struct yc_err *e)
{
	const char *home = yc_node_conf(d->n)->home;
	char dir[480], path[512], tmp[520];
	int fd;

	yc_random(d->mark_key, sizeof(d->mark_key));
	if (yc_is_empty(home))
		return YC_OK;
	snprintf(dir, sizeof(dir), "%s/directory", home);
	snprintf(path, sizeof(path), "%s/password-mark.key", dir);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	if ((mkdir(home, 0700) && errno != EEXIST) || (mkdir(dir, 0700) && errno != EEXIST))
		return yc_fail(e, YC_INTERNAL, "home", "cannot create %s: %s", dir, strerror(errno));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = read(fd, d->mark_key, sizeof(d->mark_key));

		close(fd);
		return n == sizeof(d->mark_key) ? YC_OK : yc_fail(e, YC_INTERNAL, "home", "%s is damaged", path);
	}
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, d->mark_key, sizeof(d->mark_key)) != sizeof(d->mark_key) || fsync(fd) || close(fd) || rename(tmp, path))
		return yc_fail(e, YC_INTERNAL, "home", "cannot write %s: %s", path, strerror(errno));
	return YC_OK;
}

static enum yc_code sweep(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct dir *d = arg;
	int64_t now = yc_now();

	return dir_session_sweep(d, now, now - d->conf.session_idle_ms, e);
}

static void on_sweep(void *arg)
{
	struct dir *d = arg;
	struct yc_err e = { 0 };

	if (yc_node_do(d->n, sweep, d, &e))
		yc_warn("expired sessions were not removed: %s", e.msg);
}

static enum yc_code start(struct yc_node *n, void *self, struct yc_err *e)
{
	struct dir *d = self;
	char nobody[64];
	enum yc_code c;

	d->n = n;
	yc_metrics_register(metrics, DIR_M_COUNT);
	yc_token(32, nobody);
	if ((c = load_mark_key(d, e)) || (c = yc_pw_hash(nobody, d->dummy_hash, e)))
		return c;
	d->checks = yc_workers_new(yc_node_loop(n), (int)d->conf.login_threads, (int)d->conf.login_waiting);
	d->hashes = yc_workers_new(yc_node_loop(n), 1, 20000);
	d->by_login = dir_throttle_new(5, 15 * 60000, 15 * 60000, 20000);
	d->by_client = dir_throttle_new(50, 15 * 60000, 60000, 20000);
	d->sweep = yc_timer_start(yc_node_loop(n), SWEEP_MS, SWEEP_MS, on_sweep, d);
	return YC_OK;
}

static void stop(struct yc_node *n, void *self)
{
	struct dir *d = self;

	yc_timer_stop(&d->sweep);
	yc_workers_free(&d->checks);
	yc_workers_free(&d->hashes);
	dir_throttle_free(&d->by_login);
	dir_throttle_free(&d->by_client);
	dir_dry_free(d);
}

const struct yc_service dir_service = {
	.name = "directory",
	.api = &pb__directory__descriptor,
	.rpcs = rpcs,
	.subs = subs,
	.imports = dir_imports,
	.schema = yc_schema_directory,
	.queries = dir_sql,
	.n_queries = DIR_N_SQL,
	.start = start,
	.stop = stop,
};
