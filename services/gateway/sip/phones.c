/* Who may register, and who is registered where. */
#include "sip/phones.h"

#include <string.h>

#include "yc/arena.h"
#include "yc/text.h"

struct phones {
	struct phone *all;
	void (*told)(void *arg, const struct phone_change *c);
	void *arg;
};

struct phones *phones_new(void (*told)(void *arg, const struct phone_change *c), void *arg)
{
	struct phones *p = yc_xcalloc(1, sizeof(*p));

	p->told = told;
	p->arg = arg;
	return p;
}

void phones_free(struct phones **p)
{
	struct phone *ph, *next;

	if (!*p)
		return;
	HASH_ITER(hh, (*p)->all, ph, next) {
		HASH_DEL((*p)->all, ph);
		yc_xfree(ph);
	}
	yc_xfree(*p);
	*p = NULL;
}

struct phone *phones_find(struct phones *p, const char *extension)
{
	struct phone *ph = NULL;

	HASH_FIND_STR(p->all, extension, ph);
	return ph;
}

static struct phone *phone_made(struct phones *p, const char *extension)
{
	struct phone *ph = phones_find(p, extension);

	if (ph || strlen(extension) >= sizeof(ph->extension))
		return ph;
	ph = yc_xcalloc(1, sizeof(*ph));
	yc_copy(ph->extension, sizeof(ph->extension), extension);
	HASH_ADD_STR(p->all, extension, ph);
	return ph;
}

static void phones_tell(struct phones *p, const struct phone *ph, const char *reason, int registered)
{
	struct phone_change c = { .p = ph, .reason = reason, .registered = registered };

	p->told(p->arg, &c);
}

void phones_gone(struct phones *p, struct phone *ph, const char *reason)
{
	if (!ph->contact[0])
		return;
	ph->contact[0] = 0;
	ph->expires_at = 0;
	ph->nonce[0] = 0;
	phones_tell(p, ph, reason, 0);
}

void phones_put(struct phones *p, const char *extension, const char *ha1_md5, const char *ha1_sha256, const char *static_contact, int deleted)
{
	struct phone *ph = deleted ? phones_find(p, extension) : phone_made(p, extension);

	if (!ph)
		return;
	ph->known = !deleted;
	yc_copy(ph->ha1_md5, sizeof(ph->ha1_md5), deleted ? "" : ha1_md5);
	yc_copy(ph->ha1_sha256, sizeof(ph->ha1_sha256), deleted ? "" : ha1_sha256);
	yc_copy(ph->static_contact, sizeof(ph->static_contact), deleted ? "" : static_contact);
	if (deleted)
		phones_gone(p, ph, "deleted");
}

void phones_restore(struct phones *p, const char *extension, const char *contact, const char *path, const char *received,
		    int64_t expires_at, int64_t now)
{
	struct phone *ph = expires_at > now ? phone_made(p, extension) : NULL;

	if (!ph || ph->expires_at >= expires_at)
		return;
	yc_copy(ph->contact, sizeof(ph->contact), contact);
	yc_copy(ph->path, sizeof(ph->path), path);
	yc_copy(ph->received, sizeof(ph->received), received);
	ph->expires_at = expires_at;
	ph->since_at = now;
}

void phones_registered(struct phones *p, struct phone *ph, const struct phone_binding *b, int64_t now)
{
	const char *why = !ph->contact[0] ? "registered" : strcmp(ph->contact, b->contact) ? "moved" : "refreshed";

	if (!ph->contact[0])
		ph->since_at = now;
	yc_copy(ph->contact, sizeof(ph->contact), b->contact);
	yc_copy(ph->path, sizeof(ph->path), b->path);
	yc_copy(ph->received, sizeof(ph->received), b->received);
	yc_copy(ph->user_agent, sizeof(ph->user_agent), b->user_agent);
	ph->expires_at = b->expires_at;
	phones_tell(p, ph, why, 1);
}

int phones_expire(struct phones *p, int64_t now)
{
	struct phone *ph, *next;
	int left = 0;

	HASH_ITER(hh, p->all, ph, next) {
		if (ph->contact[0] && ph->expires_at <= now)
			phones_gone(p, ph, "expired");
		left += ph->contact[0] != 0;
	}
	return left;
}

const char *phone_target(const struct phone *ph, int64_t now)
{
	if (ph->static_contact[0])
		return ph->static_contact;
	return ph->contact[0] && ph->expires_at > now ? ph->contact : NULL;
}
