/* Which orders a list shows. Pure; indexes are the store's matter. */
#include <ctype.h>
#include <string.h>

#include "ticket.h"
#include "yc/text.h"

void ticket_filter_words(struct ticket_filter *f, const char *q)
{
	while (*q && f->n_words < TICKET_WORDS) {
		size_t n = strcspn(q, " \t");

		if (n > 0) {
			char *w = f->word[f->n_words++];

			if (n >= sizeof(f->word[0]))
				n = sizeof(f->word[0]) - 1;
			memcpy(w, q, n);
			w[n] = 0;
		}
		q += strcspn(q, " \t");
		q += strspn(q, " \t");
	}
}

/* Case is ignored for ASCII only; Chinese has none. */
static int contains(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

static int same(const char *want, const char *have)
{
	return !want || yc_streq(want, have);
}

int ticket_filter_match(const struct ticket_filter *f, const Pb__Order *o)
{
	if (f->state && (int)o->state != f->state)
		return 0;
	if (f->handler_path && !ticket_path_in(o->org_path, f->handler_path))
		return 0;
	if (!same(f->owner_id, o->owner_id) || !same(f->matter_id, o->matter_id) || !same(f->customer_id, o->customer_id) ||
	    !same(f->phone, o->customer_phone) || !same(f->number, o->number))
		return 0;
	for (int i = 0; i < f->n_words; i++)
		if (!contains(o->subject, f->word[i]) && !contains(o->customer_name, f->word[i]))
			return 0;
	return 1;
}
