/* The clock of an order as a pure function of its entries. */
#include "ticket.h"
#include "yc/text.h"

static int turn(const Pb__Entry *en, int running)
{
	if (yc_streq(en->kind, "created") || yc_streq(en->kind, "returned"))
		return 1;
	if (yc_streq(en->kind, "answered"))
		return !yc_streq(en->outcome, "satisfied");
	return yc_streq(en->kind, "closed") ? 0 : running;
}

int ticket_clock(Pb__Entry *const *entries, size_t n, struct yc_clock_event *ev, int max)
{
	int count = 0, running = 0;

	for (size_t i = 0; i < n && count < max; i++) {
		int now = turn(entries[i], running);

		if (now != running)
			ev[count++] = (struct yc_clock_event){ .at = entries[i]->at, .run = now };
		running = now;
	}
	return count;
}
