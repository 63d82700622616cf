/* Extensions' credentials: all of them from the directory at start, then by its events. */
#include <string.h>

#include "gateway.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

#define PAGE 200

struct gw_dir {
	struct gw_self *g;
	int loaded, asking;
	char after[64];
	int n;
	struct fixed { char number[32]; UT_hash_handle hh; } *fixed;     /* phones that never register */
};

static void tell(struct gw_self *g, const Pb__Extension *x)
{
	struct gw_msg *m = gw_msg_new(GW_DOWN_EXTENSION, "", 512);
	struct fixed *f = NULL;
	int is_fixed = !yc_is_empty(x->static_contact) && !x->deleted;

	HASH_FIND_STR(g->dir->fixed, x->number, f);
	if (f && !is_fixed) {
		HASH_DEL(g->dir->fixed, f);
		yc_xfree(f);
	} else if (!f && is_fixed) {
		f = yc_xcalloc(1, sizeof(*f));
		yc_copy(f->number, sizeof(f->number), x->number);
		HASH_ADD_STR(g->dir->fixed, number, f);
	}
	m->u.extension.number = gw_text(m, x->number);
	m->u.extension.ha1_md5 = gw_text(m, x->ha1_md5);
	m->u.extension.ha1_sha256 = gw_text(m, x->ha1_sha256);
	m->u.extension.static_contact = gw_text(m, x->static_contact);
	m->u.extension.deleted = x->deleted;
	gw_down(g, &m);
}

static void ask(struct gw_dir *d);
static void on_page(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct gw_dir *d = arg;
	const Pb__Extensions *page = msg;

	d->asking = 0;
	if (code)
		return; /* asked again in a second */
	for (size_t i = 0; i < page->n_data; i++)
		tell(d->g, page->data[i]);
	d->n += (int)page->n_data;
	if (page->has_more && page->n_data) {
		yc_copy(d->after, sizeof(d->after), page->data[page->n_data - 1]->number);
		if (!yc_is_empty(page->next_cursor))
			yc_copy(d->after, sizeof(d->after), page->next_cursor);
		ask(d);
		return;
	}
	d->loaded = 1;
	yc_info("%d extensions from the directory", d->n);
}

static void ask(struct gw_dir *d)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	struct yc_call call = { .service = "directory", .api = &pb__directory__descriptor, .method = "ExtensionList", .in = &in, .timeout_ms = 3000,
		.fn = on_page, .arg = d };

	in.limit = PAGE;
	in.starting_after = d->after;
	d->asking = 1;
	yc_node_call(d->g->node, &call);
}

void gw_creds_start(struct gw_self *g)
{
	g->dir = yc_xcalloc(1, sizeof(*g->dir));
	g->dir->g = g;
	ask(g->dir);
}

void gw_creds_second(struct gw_self *g)
{
	if (!g->dir->loaded && !g->dir->asking)
		ask(g->dir);
}

int gw_creds_loaded(const struct gw_self *g)
{
	return g->dir && g->dir->loaded;
}

int gw_creds_is_static(struct gw_self *g, const char *extension)
{
	struct fixed *f = NULL;

	HASH_FIND_STR(g->dir->fixed, extension, f);
	return f != NULL;
}

enum yc_code gw_creds_changed(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e)
{
	tell(yc_node_self(n), msg);
	return YC_OK;
}

void gw_creds_close(struct gw_self *g)
{
	struct fixed *f, *next;

	if (!g->dir)
		return;
	HASH_ITER(hh, g->dir->fixed, f, next) {
		HASH_DEL(g->dir->fixed, f);
		yc_xfree(f);
	}
	yc_xfree(g->dir);
	g->dir = NULL;
}
