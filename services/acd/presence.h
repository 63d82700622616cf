/* Presence in Redis: the pool's lease with its fencing epoch, one hash per agent, reservations that expire, and where phones are registered.
 * The only file with Redis keys. All calls return at once; answers come from the loop. Keys (the braces keep a pool in one slot):
 *   yc:{SITE.POOL}:lease     hash owner, instance, epoch; expires
 *   yc:{SITE.POOL}:epoch     counter
 *   yc:{SITE.POOL}:agents    set of ids
 *   yc:{SITE.POOL}:agent:ID  hash st, ver, work, res, owner, epoch, since, ext, queue, more
 *   yc:{SITE.POOL}:res:ID    agent and item; expires with the reservation's lease
 *   yc:{SITE}:loc:EXT        written by the registrar; only its remaining life is read here */
#ifndef ACD_PRESENCE_H
#define ACD_PRESENCE_H

#include <stdint.h>

#include "yc/err.h"
#include "yc/loop.h"

struct presence;

enum presence_code {
	PRESENCE_OK,
	PRESENCE_REFUSED,        /* somebody else's version; *ver is what stands there */
	PRESENCE_FENCED,         /* another process has the pool, with a higher epoch */
	PRESENCE_AWAY,           /* Redis cannot be asked, or has forgotten the lease: nothing is known to be written */
};
typedef void presence_fn(void *arg, enum presence_code c, int64_t ver);

/* What is kept of an agent. Strings are borrowed; none may hold a tab or newline (they are replaced). */
struct presence_rec {
	const char *id, *ext, *queue, *work, *res;
	int64_t st, want, ver, since_at, idle_since, handled, handled_day, is_seat, resume, wrap_at;
	const char *reason, *cause, *want_reason, *want_cause, *contact, *matter, *call, *customer, *caller, *gateway;
};

struct presence_conf {
	const char *url, *site, *pool, *instance, *boot;
	int64_t lease_ms;
	void *arg;
	void (*lease)(void *arg, int is_ours, int64_t epoch, const char *instance);     /* after each answer about the lease */
	void (*away)(void *arg);                                                         /* Redis has just been lost */
};

enum yc_code presence_open(struct presence **out, struct yc_loop *l, const struct presence_conf *c, struct yc_err *e) YC_MUST;
void presence_close(struct presence **p);
int presence_is_up(const struct presence *p);
int64_t presence_epoch(const struct presence *p);
void presence_release(struct presence *p);       /* give the lease back; call before closing */

/* expect: version that must stand there (or no such agent); -1: whatever. res_ttl_ms > 0 sets r->res; drop_res: a reservation to forget, or "". */
void presence_put(struct presence *p, const struct presence_rec *r, int64_t expect, int64_t res_ttl_ms, const char *drop_res, presence_fn *fn, void *arg);

/* Every agent of the pool, one call of each() per agent, then done(arg, 1); done(arg, 0) when Redis was lost on the way. */
void presence_load(struct presence *p, void (*each)(void *arg, const struct presence_rec *r), void (*done)(void *arg, int ok), void *arg);

/* Is a phone registered? code UNAVAILABLE: Redis cannot be asked. ttl_ms 0: no end is known. */
void presence_phone(struct presence *p, const char *ext, void (*fn)(void *arg, enum yc_code code, int registered, int64_t ttl_ms), void *arg);

#endif
