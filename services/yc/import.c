/* yc import: documents to their owners, in order of dependency, through Node.Import. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/text.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/ticket.pb-c.h"
#include "yc.h"

#define CHUNK_ITEMS 500
#define CHUNK_BYTES (512 << 10)
#define IMPORT_MS 120000
#define SETTLE_PASSWORDS_MS 120000
#define SETTLE_MS 5000          /* what a service may need to hear of new organisations and people */

static const struct { const char *kind, *service; const ProtobufCMessageDescriptor *d; } kinds[] = {
	{ "org",       "directory", &pb__org__descriptor },             /* in order of dependency */
	{ "skill",     "directory", &pb__skill__descriptor },
	{ "calendar",  "directory", &pb__calendar__descriptor },
	{ "person",    "directory", &pb__person__descriptor },
	{ "extension", "directory", &pb__extension__descriptor },
	{ "queue",     "acd",       &pb__queue__descriptor },
	{ "seat",      "acd",       &pb__seat__descriptor },
	{ "flow",      "gateway",   &pb__flow_doc__descriptor },
	{ "number",    "gateway",   &pb__number__descriptor },
	{ "trunk",     "gateway",   &pb__trunk__descriptor },
	{ "process",   "ticket",    &pb__process__descriptor },
	{ "service",   "ticket",    &pb__service__descriptor },
};
static const char *const owners[] = { "directory", "acd", "gateway", "ticket" };

static int rank_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (yc_streq(kinds[i].kind, kind))
			return (int)i;
	return -1;
}

const ProtobufCMessageDescriptor *import_kind(const char *kind)
{
	int r = rank_of(kind);

	return r < 0 ? NULL : kinds[r].d;
}

const char *import_owner(const char *kind)
{
	int r = rank_of(kind);

	return r < 0 ? "" : kinds[r].service;
}

/* --- order ------------------------------------------------------------------------------------------------------------------------------ */

struct item { struct doc *d; int rank, depth; size_t nr; };

/* How many parents of an organisation stand in the same files: parents first. A circle is left to directory to refuse. */
static int depth_of(const struct docs *d, const struct doc *of)
{
	int depth = 0;

	for (const struct doc *at = of; at && at->parent && *at->parent && depth < 50; depth++) {
		const struct doc *up = NULL;

		for (size_t i = 0; i < d->n && !up; i++)
			if (yc_streq(d->v[i].kind, "org") && yc_streq(d->v[i].key, at->parent))
				up = &d->v[i];
		at = up;
	}
	return depth;
}

static int by_order(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank - y->rank;
	if (x->depth != y->depth)
		return x->depth - y->depth;
	return (x->nr > y->nr) - (x->nr < y->nr);
}

static struct item *in_order(const struct docs *d)
{
	struct item *it = yc_xcalloc(d->n + 1, sizeof(*it));

	for (size_t i = 0; i < d->n; i++)
		it[i] = (struct item){ &d->v[i], rank_of(d->v[i].kind), yc_streq(d->v[i].kind, "org") ? depth_of(d, &d->v[i]) : 0, i };
	qsort(it, d->n, sizeof(*it), by_order);
	return it;
}

/* --- sending ---------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code send_chunk(struct client *c, const char *service, const struct item *it, size_t n, int dry_run, int64_t timeout_ms,
				Pb__ImportReply **out, struct yc_err *e)
{
	Pb__ImportReq in = PB__IMPORT_REQ__INIT;
	Pb__ImportItem *items = yc_xcalloc(n, sizeof(*items)), **list = yc_xcalloc(n, sizeof(*list));
	void *reply = NULL;
	enum yc_code rc;

	for (size_t i = 0; i < n; i++) {
		pb__import_item__init(&items[i]);
		items[i].kind = it[i].d->kind;
		items[i].json = it[i].d->json.p;
		list[i] = &items[i];
	}
	in.items = list;
	in.n_items = n;
	in.dry_run = dry_run;
	rc = client_call(c, service, &pb__node__descriptor, "Import", &in, timeout_ms, &reply, e);
	*out = reply;
	yc_xfree(items);
	yc_xfree(list);
	return rc;
}

static void print_diff(const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		printf("    %.*s\n", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static void take_change(struct docs *d, const struct item *it, const Pb__ImportChange *ch, int verbose, struct import_result *r)
{
	switch (ch->action) {
	case PB__IMPORT_ACTION__IMPORT_ACTION_SAME:
		r->same++;
		break;
	case PB__IMPORT_ACTION__IMPORT_ACTION_CREATE:
		r->created++;
		if (verbose)
			printf("+ %s %s\n", it->d->kind, ch->key);
		break;
	case PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE:
		r->updated++;
		if (verbose) {
			printf("~ %s %s\n", it->d->kind, ch->key);
			print_diff(ch->message);
		}
		break;
	default:
		r->errors++;
		docs_fault(d, it->d->file, doc_line(it->d, ch->field), ch->field, ch->message);
		d->errors--;            /* counted in r */
	}
}

static void pause_a_little(struct client *c)
{
	int64_t end = yc_mono() + 100;

	while (yc_mono() < end)
		yc_loop_once(c->l, 20);
}

/* What directory has just been told reaches the others by events, a moment later: what they refuse in that moment is asked again. */
static enum yc_code send_settled(struct client *c, const char *service, const struct item *it, size_t n, int dry_run, int64_t until,
				 Pb__ImportReply **reply, struct yc_err *e)
{
	for (;;) {
		if (send_chunk(c, service, it, n, dry_run, IMPORT_MS, reply, e) != YC_OK)
			return e->code;
		if (!(*reply)->errors || yc_mono() > until)
			return YC_OK;
		pause_a_little(c);
	}
}

static size_t chunk_of(const struct item *it, size_t n)
{
	size_t bytes = 0, i;

	for (i = 0; i < n && i < CHUNK_ITEMS; i++) {
		bytes += it[i].d->json.n;
		if (i && bytes > CHUNK_BYTES)
			break;
	}
	return i;
}

static enum yc_code send_service(struct client *c, struct docs *d, const char *service, struct item *it, size_t n, int dry_run, int64_t until,
				 int verbose, struct import_result *r, struct yc_err *e)
{
	while (n > 0) {
		size_t k = chunk_of(it, n);
		Pb__ImportReply *reply;

		if (send_settled(c, service, it, k, dry_run, until, &reply, e) != YC_OK)
			return e->code == YC_UNAVAILABLE ? yc_fail(e, YC_UNAVAILABLE, service, "没有运行，请先 yc up / it does not run: yc up first") : yc_err_in(e, service);
		for (size_t i = 0; i < reply->n_changes; i++)
			if (reply->changes[i]->item >= 0 && (size_t)reply->changes[i]->item < k)
				take_change(d, &it[reply->changes[i]->item], reply->changes[i], verbose, r);
		it += k;
		n -= k;
	}
	return YC_OK;
}

enum yc_code import_docs(struct client *c, struct docs *d, int dry_run, int verbose, struct import_result *r, struct yc_err *e)
{
	struct item *it = in_order(d);
	int64_t until = 0;
	size_t from = 0;

	e->code = YC_OK;
	for (size_t o = 0; o < sizeof(owners) / sizeof(owners[0]) && e->code == YC_OK; o++) {
		size_t n = 0;

		while (from + n < d->n && yc_streq(kinds[it[from + n].rank].service, owners[o]))
			n++;
		if (n && send_service(c, d, owners[o], it + from, n, dry_run, until, verbose, r, e) != YC_OK)
			break;
		if (o == 0 && !dry_run && r->created + r->updated)
			until = yc_mono() + SETTLE_MS;
		from += n;
	}
	yc_xfree(it);
	return e->code;
}

/* --- passwords --------------------------------------------------------------------------------------------------------------------------- */

#define SETTLE_CALL_MS 3000

static int has_password(const struct doc *d)
{
	return yc_streq(d->kind, "person") && doc_has(d, "password");
}

/* People whose password directory has not hashed yet: it would take them again. -1: it does not answer. */
static int not_hashed(struct client *c, const struct item *it, size_t n)
{
	struct yc_err e = { 0 };
	int left = 0;

	while (n > 0) {
		size_t k = chunk_of(it, n);
		Pb__ImportReply *reply;

		if (send_chunk(c, "directory", it, k, 1, SETTLE_CALL_MS, &reply, &e) != YC_OK)
			return -1;
		for (size_t i = 0; i < reply->n_changes; i++)
			left += reply->changes[i]->action == PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE;
		it += k;
		n -= k;
	}
	return left;
}

int import_settle(struct client *c, const struct docs *d, int64_t within_ms, int (*go_on)(void *arg), void *arg)
{
	struct item *it = yc_xcalloc(d->n + 1, sizeof(*it));
	int64_t end = yc_mono() + within_ms;
	size_t n = 0;
	int left = 0;

	for (size_t i = 0; i < d->n; i++)
		if (has_password(&d->v[i]))
			it[n++] = (struct item){ &d->v[i], 0, 0, i };
	while (n && (left = not_hashed(c, it, n)) != 0 && yc_mono() < end && (!go_on || go_on(arg))) {
		yc_arena_reset(c->a);
		for (int64_t next = yc_mono() + 300; yc_mono() < next; )
			yc_loop_once(c->l, 50);
	}
	yc_xfree(it);
	return left == 0;
}

/* --- a profile's data ------------------------------------------------------------------------------------------------------------------- */

static char *slurp(const char *path, size_t *n)
{
	FILE *f = fopen(path, "re");
	struct yc_buf b = { 0 };
	char buf[16384];
	size_t got;

	*n = 0;
	if (!f)
		return NULL;
	while ((got = fread(buf, 1, sizeof(buf), f)) > 0)
		yc_buf_add(&b, buf, got);
	fclose(f);
	*n = b.n;
	return b.p;
}

/* Every "@N@" becomes the number of the agent. */
static void expand(struct yc_buf *out, const char *text, int nr)
{
	const char *at;

	while ((at = strstr(text, "@N@"))) {
		yc_buf_add(out, text, (size_t)(at - text));
		yc_buf_printf(out, "%d", nr);
		text = at + 3;
	}
	yc_buf_str(out, text);
}

static void each_agent(const struct home *h, struct docs *d, const char *path)
{
	size_t n;
	char *text = slurp(path, &n);

	for (int i = 1; text && i <= h->agents; i++) {
		struct yc_buf one = { 0 };

		expand(&one, text, i);
		docs_text(d, path, one.p, one.n, import_kind);
		yc_buf_free(&one);
	}
	free(text);
}

/* Walks the profile's folder: fn(path) for each file that counts. */
static void profile_files(const struct home *h, void (*fn)(const struct home *h, const char *path, void *arg), void *arg)
{
	char dir[YC_PATH + 32], path[YC_PATH * 2];
	struct dirent **names;
	int n;

	snprintf(dir, sizeof(dir), "%s/%s", h->share, h->profile);
	n = scandir(dir, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (strstr(names[i]->d_name, ".yaml") && (size_t)snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name) < sizeof(path))
			fn(h, path, arg);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

static void add_each(const struct home *h, const char *path, void *arg)
{
	if (strstr(path, ".each.yaml"))
		each_agent(h, arg, path);
}

void profile_docs(const struct home *h, struct docs *d)
{
	char dir[YC_PATH + 32];
	DIR *exists;

	snprintf(dir, sizeof(dir), "%s/%s", h->share, h->profile);
	if (!(exists = opendir(dir)))
		return;                 /* prod begins empty */
	closedir(exists);
	docs_read(d, dir, import_kind);
	profile_files(h, add_each, d);
}

static void digest_file(const struct home *h, const char *path, void *arg)
{
	size_t n;
	char *text = slurp(path, &n);

	if (text)
		yc_sha256_add(arg, text, n);
	free(text);
}

void profile_digest(const struct home *h, char hex[65])
{
	struct yc_sha256 *s = yc_sha256_new();
	uint8_t raw[32];

	yc_sha256_add(s, h->profile, strlen(h->profile));
	yc_sha256_add(s, &h->agents, sizeof(h->agents));
	profile_files(h, digest_file, s);
	yc_sha256_end(&s, raw);
	yc_hex(raw, sizeof(raw), hex);
}

/* ---------------------------------------------------------------------------------------------------------------------------------------- */

int cmd_import(struct home *h, int argc, char **argv)
{
	int dry = take_flag(&argc, argv, "--dry-run");
	struct docs d = { .out = stderr };
	struct import_result r = { 0 };
	struct yc_err e = { 0 };
	struct client c;
	int errors;

	if (argc != 2)
		return usage("import PATH [--dry-run]");
	docs_read(&d, argv[1], import_kind);
	if (d.errors) {
		fprintf(stderr, "yc: %d 处错误，未导入任何数据 / %d errors, nothing was imported\n", d.errors, d.errors);
		docs_free(&d);
		return 1;
	}
	if (client_open(&c, h, &e) != YC_OK || import_docs(&c, &d, dry, 1, &r, &e) != YC_OK)
		fail(&e);
	else if (!dry && r.created + r.updated && !import_settle(&c, &d, SETTLE_PASSWORDS_MS, NULL, NULL))
		fprintf(stderr, "yc: 口令仍在处理，请稍后再导入一次 / passwords are still being hashed: import again later\n");
	client_close(&c);
	errors = r.errors;
	docs_free(&d);
	printf("%s新增 %d 更新 %d 未变 %d 错误 %d / %s%d created, %d updated, %d unchanged, %d errors\n", dry ? "试运行：" : "", r.created, r.updated, r.same,
	       errors, dry ? "dry run: " : "", r.created, r.updated, r.same, errors);
	return e.code != YC_OK || errors != 0;
}
