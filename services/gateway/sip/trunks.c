/* Trunks. */
#include "sip/trunks.h"

#include <string.h>

#include "yc/arena.h"
#include "yc/log.h"
#include "yc/text.h"

static void read_nets(struct trunk *t, const char *addresses)
{
	struct yc_err e = { 0 };
	char one[64];

	t->n_nets = 0;
	for (const char *p = addresses; *p && t->n_nets < TRUNK_NETS;) {
		size_t w;
		p += strspn(p, " ");
		w = strcspn(p, " ");
		if (!w)
			break;
		yc_copy(one, w < sizeof(one) ? w + 1 : sizeof(one), p);
		if (trunk_net_parse(&t->nets[t->n_nets], one, &e) == YC_OK)
			t->n_nets++;
		else
			yc_warn("trunk %s: %s", t->name, e.msg);
		p += w;
	}
}

struct trunk *trunks_put(struct trunks *all, const struct trunk_conf *c)
{
	struct trunk *t = NULL;

	HASH_FIND_STR(all->all, c->name, t);
	if (!t) {
		t = yc_xcalloc(1, sizeof(*t));
		yc_copy(t->name, sizeof(t->name), c->name);
		HASH_ADD_STR(all->all, name, t);
	}
	read_nets(t, c->addresses);
	yc_copy(t->proxy, sizeof(t->proxy), c->proxy);
	yc_copy(t->register_uri, sizeof(t->register_uri), c->register_uri);
	yc_copy(t->user, sizeof(t->user), c->user);
	yc_copy(t->password, sizeof(t->password), c->password);
	t->expires_s = c->expires_s > 0 ? c->expires_s : 3600;
	return t;
}

const struct trunk *trunks_of(const struct trunks *all, const char *ip)
{
	for (const struct trunk *t = all->all; t; t = t->hh.next)
		for (int i = 0; i < t->n_nets; i++)
			if (trunk_net_has(&t->nets[i], ip))
				return t;
	return NULL;
}

void trunks_fini(struct trunks *all)
{
	struct trunk *t, *next;

	HASH_ITER(hh, all->all, t, next) {
		HASH_DEL(all->all, t);
		yc_xfree(t);
	}
}
