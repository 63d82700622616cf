/* State machines as tables: one row is one business rule; the step is a pure function. Illegal events are normal (races), never asserted. */
#ifndef YC_FSM_H
#define YC_FSM_H

#include <stdint.h>
#include <stdio.h>

#define YC_FSM_MAX_FX 6
#define YC_S(state) (1u << (state))              /* "from" is a set of states */

struct yc_fsm_row {
	uint32_t from;                           /* YC_S(A) | YC_S(B) */
	int event;
	int to;                                  /* -1: stays in its state */
	int (*guard)(const void *facts);         /* NULL: always; row order decides */
	int effects[YC_FSM_MAX_FX];              /* ordered list, 0 ends it; 0 is therefore no valid effect */
	int timer;                               /* number in the owner's timer table; 0: none */
};

struct yc_fsm {
	const char *name;
	const struct yc_fsm_row *rows;
	int n_rows;
	const char *const *states;  int n_states;   /* names, by number */
	const char *const *events;  int n_events;
	const char *const *effects; int n_effects;  /* names, by number; [0] unused */
	uint32_t terminal;                       /* set of states that permit nothing */
	int start;
};

/* First row that matches state, event and guard; NULL: not permitted now. */
const struct yc_fsm_row *yc_fsm_next(const struct yc_fsm *f, int state, int event, const void *facts);
/* Structural check: reachable states, no dead row, terminal states permit nothing, numbers in range. Returns the number of findings,
 * each printed to out (may be NULL). Each machine's unit test calls it. */
int yc_fsm_check(const struct yc_fsm *f, FILE *out);
/* Markdown table of the machine, for docs/fsm/. */
void yc_fsm_draw(const struct yc_fsm *f, FILE *out);

#endif
