/* Where phones are, in Redis: yc:{site}:loc:EXT -> contact, path, owner, expires_at, received. Written here, read by whoever routes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

struct location {
	struct gw_self *g;
	struct yc_redis *redis;
	int restored;            /* what we had written in a former life has been read */
};

static void key_of(struct location *l, const char *extension, char *out, size_t n)
{
	snprintf(out, n, "yc:{%s}:loc:%s", yc_node_conf(l->g->node)->site, extension);
}

void gw_location_put(struct location *l, const struct gw_phone *p)
{
	char key[160], at[24];

	if (!l || !l->redis)
		return;
	key_of(l, p->extension, key, sizeof(key));
	snprintf(at, sizeof(at), "%lld", (long long)p->expires_at);
	yc_redis_cmd(l->redis, NULL, NULL, "HSET", key, "contact", p->contact, "path", p->path, "owner", yc_node_instance(l->g->node), "expires_at", at,
		     "received", p->received, NULL);
	yc_redis_cmd(l->redis, NULL, NULL, "PEXPIREAT", key, at, NULL);
}

void gw_location_delete(struct location *l, const char *extension)
{
	char key[160];

	if (!l || !l->redis)
		return;
	key_of(l, extension, key, sizeof(key));
	yc_redis_cmd(l->redis, NULL, NULL, "DEL", key, NULL);
}

/* Field of an HGETALL reply, copied. */
static void field(const struct yc_rreply *r, const char *name, char *out, size_t n)
{
	out[0] = 0;
	for (size_t i = 0; i + 1 < r->n; i += 2)
		if (r->v[i].len == strlen(name) && !memcmp(r->v[i].s, name, r->v[i].len))
			snprintf(out, n, "%.*s", (int)r->v[i + 1].len, r->v[i + 1].s);
}

/* --- after a start: our own registrations are still good, so the phones need not register again --- */

struct wanted { struct location *l; char extension[32]; };

static void on_own(void *arg, enum yc_code code, const struct yc_rreply *r)
{
	struct wanted *w = arg;
	struct gw_self *g = w->l->g;
	struct gw_phone p = { .since_at = yc_now() };
	char owner[128], at[24];
	struct gw_msg *m;

	if (code == YC_OK && r->type == YC_R_ARRAY && r->n) {
		field(r, "owner", owner, sizeof(owner));
		field(r, "contact", p.contact, sizeof(p.contact));
		field(r, "path", p.path, sizeof(p.path));
		field(r, "received", p.received, sizeof(p.received));
		field(r, "expires_at", at, sizeof(at));
		p.expires_at = strtoll(at, NULL, 10);
		yc_copy(p.extension, sizeof(p.extension), w->extension);
		if (yc_streq(owner, yc_node_instance(g->node)) && p.expires_at > yc_now()) {
			m = gw_msg_new(GW_DOWN_LOCATION, "", 640);
			m->u.location.extension = gw_text(m, p.extension);
			m->u.location.contact = gw_text(m, p.contact);
			m->u.location.path = gw_text(m, p.path);
			m->u.location.received = gw_text(m, p.received);
			m->u.location.expires_at = p.expires_at;
			gw_down(g, &m);
			gw_book_phone(g, &p, 1);
		}
	}
	yc_xfree(w);
}

static void scan(struct location *l, const char *cursor);
static void on_scan(void *arg, enum yc_code code, const struct yc_rreply *r)
{
	struct location *l = arg;
	char cursor[32], key[160];

	if (code || r->type != YC_R_ARRAY || r->n != 2) {
		l->restored = 0;        /* again after the next connection */
		return;
	}
	for (size_t i = 0; i < r->v[1].n; i++) {
		struct wanted *w = yc_xcalloc(1, sizeof(*w));
		const char *colon;

		w->l = l;
		snprintf(key, sizeof(key), "%.*s", (int)r->v[1].v[i].len, r->v[1].v[i].s);
		colon = strrchr(key, ':');
		yc_copy(w->extension, sizeof(w->extension), colon ? colon + 1 : "");
		yc_redis_cmd(l->redis, on_own, w, "HGETALL", key, NULL);
	}
	snprintf(cursor, sizeof(cursor), "%.*s", (int)r->v[0].len, r->v[0].s);
	if (strcmp(cursor, "0"))
		scan(l, cursor);
}

static void scan(struct location *l, const char *cursor)
{
	char pattern[160];

	key_of(l, "*", pattern, sizeof(pattern));
	yc_redis_cmd(l->redis, on_scan, l, "SCAN", cursor, "MATCH", pattern, "COUNT", "500", NULL);
}

static void on_up(void *arg, int is_up)
{
	struct location *l = arg;
	struct gw_phone *p, *next;

	if (!is_up || !l->redis)
		return;
	if (!l->restored) {
		l->restored = 1;
		scan(l, "0");
	}
	/* what was registered while Redis was away */
	HASH_ITER(hh, l->g->phones, p, next)
		gw_location_put(l, p);
}

enum yc_code gw_location_open(struct location **out, struct gw_self *g, struct yc_err *e)
{
	struct location *l = yc_xcalloc(1, sizeof(*l));

	*out = l;
	l->g = g;
	if (yc_is_empty(yc_node_conf(g->node)->redis)) {
		yc_warn("no Redis configured: phones' locations are known to this gateway only");
		return YC_OK;
	}
	return yc_redis_open(&l->redis, yc_node_loop(g->node), yc_node_conf(g->node)->redis, on_up, l, e);
}

void gw_location_close(struct location **l)
{
	if (!*l)
		return;
	if ((*l)->redis)
		yc_redis_close(&(*l)->redis);
	yc_xfree(*l);
	*l = NULL;
}

/* --- somebody else's phone --- */

struct lookup { gw_location_fn *fn; void *arg; };

static void on_found(void *arg, enum yc_code code, const struct yc_rreply *r)
{
	struct lookup *k = arg;
	char contact[256] = "", path[160] = "";

	if (code == YC_OK && r->type == YC_R_ARRAY) {
		field(r, "contact", contact, sizeof(contact));
		field(r, "path", path, sizeof(path));
	}
	k->fn(k->arg, contact, path);
	yc_xfree(k);
}

void gw_location_get(struct location *l, const char *extension, gw_location_fn *fn, void *arg)
{
	struct lookup *k;
	char key[160];

	if (!l || !l->redis) {
		fn(arg, "", "");
		return;
	}
	k = yc_xcalloc(1, sizeof(*k));
	k->fn = fn;
	k->arg = arg;
	key_of(l, extension, key, sizeof(key));
	yc_redis_cmd(l->redis, on_found, k, "HGETALL", key, NULL);
}
