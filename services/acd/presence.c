#include "presence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/log.h"
#include "yc/redis.h"
#include "yc/text.h"

#define KEY 256
#define MORE 1024
#define AT_ONCE 500              /* agents asked for at a time while loading */

extern const char yc_lua_acd_lease[], yc_lua_acd_release[], yc_lua_acd_cas[];

struct load {
	struct presence *p;
	void (*each)(void *arg, const struct presence_rec *r);
	void (*done)(void *arg, int ok);
	void *arg;
	char **ids;
	size_t n, next, pending;
	int failed;
};

struct presence {
	struct yc_redis *redis;
	struct yc_loop *loop;
	struct yc_timer *renew;
	struct presence_conf conf;
	char *site, *instance, *owner, prefix[112];
	int64_t epoch;                   /* highest seen */
	int is_ours;
	struct load *load;
	struct yc_script cas, lease, release;
};

static char *key(const struct presence *p, char *buf, const char *name)
{
	snprintf(buf, KEY, "%s%.64s", p->prefix, name);
	return buf;
}

static char *key2(const struct presence *p, char *buf, const char *kind, const char *id)
{
	snprintf(buf, KEY, "%s%.16s:%.100s", p->prefix, kind, id);
	return buf;
}

static char *num(char buf[24], int64_t v)
{
	snprintf(buf, 24, "%" PRId64, v);
	return buf;
}

/* --- the lease ---------------------------------------------------------------------------------------------------------------- */
static void on_lease(void *arg, enum yc_code code, const struct yc_rreply *r)
{
	struct presence *p = arg;

	if (code != YC_OK || r->type != YC_R_ARRAY || r->n != 3 || r->v[2].type != YC_R_STR) {
		if (code == YC_INVALID)
			yc_error("redis: lease: %s", r->s);
		return;
	}
	p->is_ours = r->v[0].i == 1;
	if (r->v[1].i > p->epoch)
		p->epoch = r->v[1].i;
	p->conf.lease(p->conf.arg, p->is_ours, r->v[1].i, r->v[2].s);
}

static void ask_lease(void *arg)
{
	struct presence *p = arg;
	char k1[KEY], k2[KEY], ttl[24], epoch[24];
	const char *argv[] = { key(p, k1, "lease"), key(p, k2, "epoch"), p->owner, p->instance, num(ttl, p->conf.lease_ms), num(epoch, p->epoch) };

	if (yc_redis_is_up(p->redis))
		yc_redis_script(p->redis, &p->lease, on_lease, p, 2, 6, argv);
}

void presence_release(struct presence *p)
{
	char k[KEY];
	const char *argv[] = { key(p, k, "lease"), p->owner };

	if (p->is_ours && yc_redis_is_up(p->redis))
		yc_redis_script(p->redis, &p->release, NULL, NULL, 1, 2, argv);
	p->is_ours = 0;
}

static void on_up(void *arg, int is_up)
{
	struct presence *p = arg;

	if (is_up) {
		ask_lease(p);
	} else {
		p->is_ours = 0;
		p->conf.away(p->conf.arg);
	}
}

enum yc_code presence_open(struct presence **out, struct yc_loop *l, const struct presence_conf *c, struct yc_err *e)
{
	struct presence *p = yc_xcalloc(1, sizeof(*p));
	size_t n = strlen(c->instance) + strlen(c->boot) + 2;
	enum yc_code code;

	p->loop = l;
	p->conf = *c;
	p->cas.text = yc_lua_acd_cas;
	p->lease.text = yc_lua_acd_lease;
	p->release.text = yc_lua_acd_release;
	p->site = yc_xstrdup(c->site);
	p->instance = yc_xstrdup(c->instance);
	p->owner = yc_xcalloc(1, n);
	snprintf(p->owner, n, "%s/%s", c->instance, c->boot);
	snprintf(p->prefix, sizeof(p->prefix), "yc:{%.40s.%.40s}:", c->site, c->pool);
	*out = p;
	code = yc_redis_open(&p->redis, l, c->url, on_up, p, e);
	if (code != YC_OK) {
		presence_close(out);
		return code;
	}
	p->renew = yc_timer_start(l, c->lease_ms / 3, c->lease_ms / 3, ask_lease, p);
	return YC_OK;
}

static void load_free(struct load **lp)
{
	struct load *l = *lp;

	if (!l)
		return;
	for (size_t i = 0; i < l->n; i++)
		yc_xfree(l->ids[i]);
	yc_xfree(l->ids);
	yc_xfree(l);
	*lp = NULL;
}

void presence_close(struct presence **pp)
{
	struct presence *p = *pp;

	if (!p)
		return;
	yc_timer_stop(&p->renew);
	if (p->redis)
		yc_redis_close(&p->redis);
	load_free(&p->load);
	yc_xfree(p->site);
	yc_xfree(p->instance);
	yc_xfree(p->owner);
	yc_xfree(p);
	*pp = NULL;
}

int presence_is_up(const struct presence *p)
{
	return p->is_ours && yc_redis_is_up(p->redis);
}

int64_t presence_epoch(const struct presence *p)
{
	return p->epoch;
}

/* --- agents ------------------------------------------------------------------------------------------------------------------- */
struct put { struct presence *p; presence_fn *fn; void *arg; };

static void on_put(void *arg, enum yc_code code, const struct yc_rreply *r)
{
	struct put put = *(struct put *)arg;
	enum presence_code c = PRESENCE_AWAY;
	int64_t ver = 0;

	yc_xfree(arg);
	if (code == YC_OK && r->type == YC_R_ARRAY && r->n == 2) {
		ver = r->v[1].i;
		c = r->v[0].i == 1 ? PRESENCE_OK : r->v[0].i == 0 ? PRESENCE_REFUSED : ver > put.p->epoch ? PRESENCE_FENCED : PRESENCE_AWAY;
		if (c == PRESENCE_AWAY)
			ask_lease(put.p);                  /* Redis has lost it, or it expired while we could not renew */
	} else if (code == YC_INVALID) {
		yc_error("redis: agent not written: %s", r->s);
	}
	put.fn(put.arg, c, ver);
}

/* Fields that only this program reads, joined by tabs; a tab inside would shift them, so none gets in. */
static char *join_more(const struct presence_rec *r, char out[MORE])
{
	const char *s[] = { r->reason, r->cause, r->want_reason, r->want_cause, r->contact, r->matter, r->call, r->customer, r->caller, r->gateway };
	int n = snprintf(out, MORE, "%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64, r->want, r->idle_since,
			 r->handled, r->handled_day, r->is_seat, r->resume, r->wrap_at);

	for (size_t i = 0; i < sizeof(s) / sizeof(s[0]); i++) {
		out[n++] = '\t';
		for (const char *c = s[i] ? s[i] : ""; *c && n < MORE - 16; c++)
			out[n++] = *c == '\t' || *c == '\n' ? ' ' : *c;
	}
	out[n] = '\0';
	return out;
}

void presence_put(struct presence *p, const struct presence_rec *r, int64_t expect, int64_t res_ttl_ms, const char *drop_res, presence_fn *fn, void *arg)
{
	char k[5][KEY], epoch[24], want_ver[24], ver[24], ttl[24], st[24], since[24], more[MORE], value[KEY];
	struct put *put = yc_xcalloc(1, sizeof(*put));
	const char *argv[] = {
		key2(p, k[0], "agent", r->id), key(p, k[1], "lease"), key(p, k[2], "agents"), key2(p, k[3], "res", r->res), key2(p, k[4], "res", drop_res),
		num(epoch, p->epoch), num(want_ver, expect), num(ver, r->ver), r->id, num(ttl, res_ttl_ms), value, *drop_res ? "1" : "0",
		"st", num(st, r->st), "work", r->work, "res", r->res, "owner", p->instance, "epoch", epoch, "since", num(since, r->since_at),
		"ext", r->ext, "queue", r->queue, "more", join_more(r, more)
	};

	*put = (struct put){ p, fn, arg };
	snprintf(value, sizeof(value), "%.100s %.100s", r->id, r->work);
	yc_redis_script(p->redis, &p->cas, on_put, put, 5, (int)(sizeof(argv) / sizeof(argv[0])), argv);
}

/* --- loading ------------------------------------------------------------------------------------------------------------------ */
static int64_t next_num(char **s)
{
	char *f = strsep(s, "\t");

	return f ? strtoll(f, NULL, 10) : 0;
}

static const char *next_str(char **s)
{
	char *f = strsep(s, "\t");

	return f ? f : "";
}

static void split_more(struct presence_rec *r, char *more)
{
	r->want = next_num(&more);
	r->idle_since = next_num(&more);
	r->handled = next_num(&more);
	r->handled_day = next_num(&more);
	r->is_seat = next_num(&more);
	r->resume = next_num(&more);
	r->wrap_at = next_num(&more);
	r->reason = next_str(&more);
	r->cause = next_str(&more);
	r->want_reason = next_str(&more);
	r->want_cause = next_str(&more);
	r->contact = next_str(&more);
	r->matter = next_str(&more);
	r->call = next_str(&more);
	r->customer = next_str(&more);
	r->caller = next_str(&more);
	r->gateway = next_str(&more);
}

static void load_more(struct load *l);

struct ask { struct load *l; size_t i; };

static void give(struct load *l, const char *id, const struct yc_rreply *r)
{
	struct presence_rec rec = { .id = id, .ext = "", .queue = "", .work = "", .res = "" };
	char more[MORE] = "";

	for (size_t i = 0; i + 1 < r->n; i += 2) {
		const char *f = r->v[i].s, *v = r->v[i + 1].s;

		if (r->v[i].type != YC_R_STR || r->v[i + 1].type != YC_R_STR)
			continue;
		if (!strcmp(f, "st"))
			rec.st = strtoll(v, NULL, 10);
		else if (!strcmp(f, "ver"))
			rec.ver = strtoll(v, NULL, 10);
		else if (!strcmp(f, "since"))
			rec.since_at = strtoll(v, NULL, 10);
		else if (!strcmp(f, "work"))
			rec.work = v;
		else if (!strcmp(f, "res"))
			rec.res = v;
		else if (!strcmp(f, "ext"))
			rec.ext = v;
		else if (!strcmp(f, "queue"))
			rec.queue = v;
		else if (!strcmp(f, "more"))
			yc_copy(more, sizeof(more), v);
	}
	split_more(&rec, more);
	if (r->n)
		l->each(l->arg, &rec);
}

static void on_agent(void *arg, enum yc_code code, const struct yc_rreply *r)
{
	struct ask a = *(struct ask *)arg;

	yc_xfree(arg);
	a.l->pending--;
	if (code == YC_OK && r->type == YC_R_ARRAY)
		give(a.l, a.l->ids[a.i], r);
	else
		a.l->failed = 1;
	load_more(a.l);
}

static void load_over(struct load *l)
{
	struct load over = *l;

	load_free(&l->p->load);
	over.done(over.arg, !over.failed);
}

static void load_more(struct load *l)
{
	char k[KEY];

	while (!l->failed && l->next < l->n && l->pending < AT_ONCE) {
		struct ask *a = yc_xcalloc(1, sizeof(*a));

		*a = (struct ask){ l, l->next++ };
		l->pending++;
		yc_redis_cmd(l->p->redis, on_agent, a, "HGETALL", key2(l->p, k, "agent", l->ids[a->i]), NULL);
	}
	if (!l->pending)
		load_over(l);
}

static void on_ids(void *arg, enum yc_code code, const struct yc_rreply *r)
{
	struct load *l = arg;

	if (code == YC_OK && r->type == YC_R_ARRAY) {
		l->ids = yc_xcalloc(r->n + 1, sizeof(*l->ids));
		for (size_t i = 0; i < r->n; i++)
			if (r->v[i].type == YC_R_STR)
				l->ids[l->n++] = yc_xstrdup(r->v[i].s);
	} else {
		l->failed = 1;
	}
	load_more(l);
}

void presence_load(struct presence *p, void (*each)(void *arg, const struct presence_rec *r), void (*done)(void *arg, int ok), void *arg)
{
	char k[KEY];

	if (p->load)
		return;
	p->load = yc_xcalloc(1, sizeof(*p->load));
	*p->load = (struct load){ .p = p, .each = each, .done = done, .arg = arg };
	yc_redis_cmd(p->redis, on_ids, p->load, "SMEMBERS", key(p, k, "agents"), NULL);
}

/* --- phones ------------------------------------------------------------------------------------------------------------------- */
struct phone_ask { void (*fn)(void *arg, enum yc_code code, int registered, int64_t ttl_ms); void *arg; };

static void on_phone(void *arg, enum yc_code code, const struct yc_rreply *r)
{
	struct phone_ask a = *(struct phone_ask *)arg;

	yc_xfree(arg);
	if (code != YC_OK || r->type != YC_R_INT)
		a.fn(a.arg, YC_UNAVAILABLE, 0, 0);
	else
		a.fn(a.arg, YC_OK, r->i != -2, r->i > 0 ? r->i : 0);   /* PTTL: -2 no such key, -1 no end */
}

void presence_phone(struct presence *p, const char *ext, void (*fn)(void *arg, enum yc_code code, int registered, int64_t ttl_ms), void *arg)
{
	struct phone_ask *a = yc_xcalloc(1, sizeof(*a));
	char k[KEY];

	*a = (struct phone_ask){ fn, arg };
	snprintf(k, sizeof(k), "yc:{%.40s}:loc:%.64s", p->site, ext);
	yc_redis_cmd(p->redis, on_phone, a, "PTTL", k, NULL);
}
