#include "yc/fsm.h"

#include <stdarg.h>
#include <string.h>

#include "yc/err.h"

static int in(uint32_t set, int state)
{
	return state >= 0 && state < 32 && (set >> state & 1);
}

const struct yc_fsm_row *yc_fsm_next(const struct yc_fsm *f, int state, int event, const void *facts)
{
	for (int i = 0; i < f->n_rows; i++) {
		const struct yc_fsm_row *r = &f->rows[i];

		if (r->event == event && in(r->from, state) && (!r->guard || r->guard(facts)))
			return r;
	}
	return NULL;
}

/* --- the check ---------------------------------------------------------------------------------------------------------------------- */

struct check { const struct yc_fsm *f; FILE *out; int found; };

static void say(struct check *c, const char *fmt, ...) YC_PRINTF(2, 3);

static void say(struct check *c, const char *fmt, ...)
{
	va_list ap;

	c->found++;
	if (!c->out)
		return;
	fprintf(c->out, "%s: ", c->f->name);
	va_start(ap, fmt);
	vfprintf(c->out, fmt, ap);
	va_end(ap);
	fputc('\n', c->out);
}

/* A number without a name is unused (the 0 of an enum). */
static const char *name(const char *const *names, int n, int i)
{
	const char *s = i >= 0 && i < n ? names[i] : NULL;

	return s && *s ? s : NULL;
}

static const char *shown(const char *const *names, int n, int i)
{
	const char *s = name(names, n, i);

	return s ? s : "?";
}

/* Each number of row i is one that has a name. */
static void check_numbers(struct check *c, int i)
{
	const struct yc_fsm *f = c->f;
	const struct yc_fsm_row *r = &f->rows[i];
	int ended = 0;

	if (!r->from)
		say(c, "row %d starts from no state", i);
	for (int s = 0; s < 32; s++)
		if (in(r->from, s) && !name(f->states, f->n_states, s))
			say(c, "row %d starts from state %d, which does not exist", i, s);
	if (!name(f->events, f->n_events, r->event))
		say(c, "row %d is for event %d, which does not exist", i, r->event);
	if (r->to != -1 && !name(f->states, f->n_states, r->to))
		say(c, "row %d leads to state %d, which does not exist", i, r->to);
	for (int k = 0; k < YC_FSM_MAX_FX; k++) {
		if (r->effects[k] && ended)
			say(c, "row %d has effect %d behind the end of its list", i, r->effects[k]);
		else if (r->effects[k] && !name(f->effects, f->n_effects, r->effects[k]))
			say(c, "row %d has effect %d, which does not exist", i, r->effects[k]);
		ended |= !r->effects[k];
	}
	if (r->timer < 0)
		say(c, "row %d has timer %d", i, r->timer);
}

/* Those states of row i in which an earlier row always takes the event: one without a guard, or with the very same. */
static uint32_t shadow(const struct yc_fsm *f, int i)
{
	const struct yc_fsm_row *r = &f->rows[i];
	uint32_t dark = 0;

	for (int k = 0; k < i; k++)
		if (f->rows[k].event == r->event && (!f->rows[k].guard || f->rows[k].guard == r->guard))
			dark |= f->rows[k].from & r->from;
	return dark;
}

static void check_rows(struct check *c)
{
	const struct yc_fsm *f = c->f;

	for (int i = 0; i < f->n_rows; i++) {
		const struct yc_fsm_row *r = &f->rows[i];

		check_numbers(c, i);
		for (int s = 0; s < 32; s++)
			if (in(r->from & f->terminal, s))
				say(c, "terminal state %s permits %s (row %d)", shown(f->states, f->n_states, s),
				    shown(f->events, f->n_events, r->event), i);
		if (r->from && (r->from & ~shadow(f, i)) == 0)
			say(c, "row %d (%s) is dead: earlier rows always take its event", i, shown(f->events, f->n_events, r->event));
	}
}

/* Fixed point over the rows, guards taken as possible. */
static uint32_t reachable(const struct yc_fsm *f)
{
	uint32_t seen = in(~0u, f->start) ? YC_S(f->start) : 0, before;

	do {
		before = seen;
		for (int i = 0; i < f->n_rows; i++)
			if ((f->rows[i].from & ~shadow(f, i) & seen) && in(~0u, f->rows[i].to))
				seen |= YC_S(f->rows[i].to);
	} while (seen != before);
	return seen;
}

static void check_states(struct check *c)
{
	const struct yc_fsm *f = c->f;
	uint32_t seen = reachable(f), left = 0;

	for (int i = 0; i < f->n_rows; i++)
		left |= f->rows[i].from;
	for (int s = 0; s < 32; s++) {
		const char *n = name(f->states, f->n_states, s);

		if (!n) {
			if (in(f->terminal, s))
				say(c, "terminal state %d does not exist", s);
			continue;
		}
		if (!in(seen, s))
			say(c, "state %s cannot be reached", n);
		if (!in(left, s) && !in(f->terminal, s))
			say(c, "state %s has no row and is not terminal", n);
	}
}

int yc_fsm_check(const struct yc_fsm *f, FILE *out)
{
	struct check c = { f, out, 0 };

	if (f->n_states < 1 || f->n_states > 32) {
		say(&c, "%d states; 1 to 32 are possible", f->n_states);
		return c.found;
	}
	if (!name(f->states, f->n_states, f->start))
		say(&c, "the start, state %d, does not exist", f->start);
	check_rows(&c);
	check_states(&c);
	return c.found;
}

/* --- the picture -------------------------------------------------------------------------------------------------------------------- */

static void draw_set(const struct yc_fsm *f, uint32_t set, FILE *out)
{
	const char *sep = "";

	for (int s = 0; s < f->n_states; s++)
		if (in(set, s)) {
			fprintf(out, "%s%s", sep, shown(f->states, f->n_states, s));
			sep = ", ";
		}
}

static void draw_row(const struct yc_fsm *f, const struct yc_fsm_row *r, FILE *out)
{
	const char *sep = "";

	fputs("| ", out);
	draw_set(f, r->from, out);
	fprintf(out, " | %s | %s | %s | ", shown(f->events, f->n_events, r->event), r->guard ? "if its condition holds" : "",
		r->to == -1 ? "(stays)" : shown(f->states, f->n_states, r->to));
	for (int k = 0; k < YC_FSM_MAX_FX && r->effects[k]; k++) {
		fprintf(out, "%s%s", sep, shown(f->effects, f->n_effects, r->effects[k]));
		sep = ", ";
	}
	fputs(r->timer ? " | " : " | |\n", out);
	if (r->timer)
		fprintf(out, "%d |\n", r->timer);
}

void yc_fsm_draw(const struct yc_fsm *f, FILE *out)
{
	fprintf(out, "# %s\n\nStarts in %s. The first row that matches decides; what no row names is not permitted.\n", f->name,
		shown(f->states, f->n_states, f->start));
	if (f->terminal) {
		fputs("Ends in ", out);
		draw_set(f, f->terminal, out);
		fputs(".\n", out);
	}
	fputs("\n| from | on | when | to | effects, in order | timer |\n|---|---|---|---|---|---|\n", out);
	for (int i = 0; i < f->n_rows; i++)
		draw_row(f, &f->rows[i], out);
}
