#include "yct.h"

#include <stdlib.h>
#include <string.h>

#include "yc/fsm.h"

/* A door: small, with a guard, a set of states, an effect list and a timer. */
enum { SHUT = 1, OPEN, LOCKED, GONE, N_STATES };
enum { PUSH = 1, PULL, KEY, SAW, N_EVENTS };
enum { FX_CREAK = 1, FX_CLICK, FX_DUST, N_FX };

static const char *const states[] = { NULL, "SHUT", "OPEN", "LOCKED", "GONE" };
static const char *const events[] = { NULL, "PUSH", "PULL", "KEY", "SAW" };
static const char *const effects[] = { NULL, "CREAK", "CLICK", "DUST" };

static int has_key(const void *facts)
{
	return *(const int *)facts;
}

#define ROW(f, e, t, ...) { .from = (f), .event = (e), .to = (t), __VA_ARGS__ }
static const struct yc_fsm_row rows[] = {
	ROW(YC_S(SHUT), PUSH, OPEN, .effects = { FX_CREAK, FX_DUST }, .timer = 3),
	ROW(YC_S(OPEN), PULL, SHUT, .effects = { FX_CREAK }),
	ROW(YC_S(SHUT), KEY, LOCKED, .guard = has_key, .effects = { FX_CLICK }),
	ROW(YC_S(SHUT), KEY, -1, .effects = { FX_CREAK }),
	ROW(YC_S(LOCKED), KEY, SHUT, .guard = has_key),
	ROW(YC_S(SHUT) | YC_S(OPEN) | YC_S(LOCKED), SAW, GONE, .effects = { FX_DUST }),
};

static struct yc_fsm machine(const struct yc_fsm_row *r, int n)
{
	return (struct yc_fsm){ .name = "door", .rows = r, .n_rows = n, .states = states, .n_states = N_STATES, .events = events,
				.n_events = N_EVENTS, .effects = effects, .n_effects = N_FX, .terminal = YC_S(GONE), .start = SHUT };
}
#define DOOR(rows) machine(rows, (int)(sizeof(rows) / sizeof((rows)[0])))

static void the_first_row_that_matches_decides(void)
{
	struct yc_fsm f = DOOR(rows);
	int yes = 1, no = 0;

	CU_ASSERT_PTR_EQUAL(yc_fsm_next(&f, SHUT, KEY, &yes), &rows[2]);
	CU_ASSERT_PTR_EQUAL(yc_fsm_next(&f, SHUT, KEY, &no), &rows[3]);
	CU_ASSERT_PTR_EQUAL(yc_fsm_next(&f, LOCKED, SAW, &no), &rows[5]);
}

static void what_no_row_names_is_not_permitted(void)
{
	struct yc_fsm f = DOOR(rows);
	int no = 0;

	CU_ASSERT_PTR_NULL(yc_fsm_next(&f, LOCKED, PUSH, &no));
	CU_ASSERT_PTR_NULL(yc_fsm_next(&f, LOCKED, KEY, &no));
	CU_ASSERT_PTR_NULL(yc_fsm_next(&f, GONE, SAW, &no));
	CU_ASSERT_PTR_NULL(yc_fsm_next(&f, -1, SAW, &no));
	CU_ASSERT_PTR_NULL(yc_fsm_next(&f, 32, SAW, &no));
	CU_ASSERT_PTR_NULL(yc_fsm_next(&f, 64 + SHUT, SAW, &no));
	CU_ASSERT_PTR_NULL(yc_fsm_next(&f, SHUT, 99, &no));
}

/* The findings of the check as text; free() it. */
static char *findings(const struct yc_fsm *f, int *n)
{
	char *s = NULL;
	size_t len;
	FILE *out = open_memstream(&s, &len);

	*n = yc_fsm_check(f, out);
	fclose(out);
	CU_ASSERT_EQUAL(yc_fsm_check(f, NULL), *n);
	return s;
}

static void expect(const struct yc_fsm *f, const char *want)
{
	int n, lines = 0;
	char *s = findings(f, &n);

	for (const char *p = s; *p; p++)
		lines += *p == '\n';
	if (strcmp(s, want))
		printf("  found:\n%s", s);
	CU_ASSERT_STRING_EQUAL(s, want);
	CU_ASSERT_EQUAL(lines, n);
	free(s);
}

static void a_sound_machine_has_no_findings(void)
{
	struct yc_fsm f = DOOR(rows);

	expect(&f, "");
}

static void unreachable_and_stuck_states_are_found(void)
{
	static const struct yc_fsm_row r[] = {
		ROW(YC_S(SHUT), PUSH, OPEN, .timer = 0),
		ROW(YC_S(LOCKED), KEY, LOCKED, .timer = 0),     /* reaches itself only */
		ROW(YC_S(SHUT), SAW, GONE, .timer = 0),
	};
	struct yc_fsm f = DOOR(r);

	expect(&f, "door: state OPEN has no row and is not terminal\ndoor: state LOCKED cannot be reached\n");
}

static void a_state_behind_a_dead_row_is_unreachable(void)
{
	static const struct yc_fsm_row r[] = {
		ROW(YC_S(SHUT) | YC_S(OPEN), PUSH, OPEN, .timer = 0),
		ROW(YC_S(SHUT), PUSH, LOCKED, .timer = 0),
		ROW(YC_S(LOCKED) | YC_S(OPEN), SAW, GONE, .timer = 0),
	};
	struct yc_fsm f = DOOR(r);

	expect(&f, "door: row 1 (PUSH) is dead: earlier rows always take its event\ndoor: state LOCKED cannot be reached\n");
}

static void rows_shadowed_by_several_or_by_the_same_guard_are_dead(void)
{
	static const struct yc_fsm_row r[] = {
		ROW(YC_S(SHUT), PUSH, OPEN, .timer = 0),
		ROW(YC_S(OPEN), PUSH, LOCKED, .timer = 0),
		ROW(YC_S(SHUT) | YC_S(OPEN), PUSH, GONE, .timer = 0),                   /* both halves are taken */
		ROW(YC_S(SHUT), KEY, OPEN, .guard = has_key),
		ROW(YC_S(SHUT), KEY, GONE, .guard = has_key),                           /* the same guard */
		ROW(YC_S(SHUT) | YC_S(LOCKED), KEY, GONE, .timer = 0),                  /* alive: guarded before, and another state */
	};
	struct yc_fsm f = DOOR(r);

	expect(&f, "door: row 2 (PUSH) is dead: earlier rows always take its event\n"
		   "door: row 4 (KEY) is dead: earlier rows always take its event\n");
}

static void terminal_states_with_rows_are_found(void)
{
	static const struct yc_fsm_row r[] = {
		ROW(YC_S(SHUT), PUSH, OPEN, .timer = 0),
		ROW(YC_S(OPEN), KEY, LOCKED, .timer = 0),
		ROW(~0u & (YC_S(SHUT) | YC_S(OPEN) | YC_S(LOCKED) | YC_S(GONE)), SAW, GONE, .timer = 0),
	};
	struct yc_fsm f = DOOR(r);

	expect(&f, "door: terminal state GONE permits SAW (row 2)\n");
}

static void numbers_out_of_range_are_found(void)
{
	static const struct yc_fsm_row r[] = {
		ROW(YC_S(SHUT) | YC_S(9), PUSH, OPEN, .effects = { FX_CREAK, 9 }),
		ROW(YC_S(OPEN), 17, 33, .effects = { 0, FX_DUST }, .timer = -1),
		ROW(0, PULL, -2, .timer = 0),
		ROW(YC_S(OPEN), KEY, LOCKED, .timer = 0),
		ROW(YC_S(LOCKED), SAW, GONE, .timer = 0),
	};
	struct yc_fsm f = DOOR(r);

	expect(&f, "door: row 0 starts from state 9, which does not exist\n"
		   "door: row 0 has effect 9, which does not exist\n"
		   "door: row 1 is for event 17, which does not exist\n"
		   "door: row 1 leads to state 33, which does not exist\n"
		   "door: row 1 has effect 3 behind the end of its list\n"
		   "door: row 1 has timer -1\n"
		   "door: row 2 starts from no state\n"
		   "door: row 2 leads to state -2, which does not exist\n");
}

static void a_wrong_frame_is_found(void)
{
	struct yc_fsm f = DOOR(rows);
	int n;
	char *s;

	f.start = 0;
	f.terminal |= YC_S(7);
	s = findings(&f, &n);
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "the start, state 0, does not exist"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "terminal state 7 does not exist"));
	free(s);
	f.n_states = 33;
	expect(&f, "door: 33 states; 1 to 32 are possible\n");
}

static void a_machine_may_have_thirty_two_states_from_zero(void)
{
	static const char *const names[32] = { "S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14",
		"S15", "S16", "S17", "S18", "S19", "S20", "S21", "S22", "S23", "S24", "S25", "S26", "S27", "S28", "S29", "S30", "S31" };
	static const char *const go[] = { "GO" };
	struct yc_fsm_row r[31];
	struct yc_fsm f = { .name = "long", .rows = r, .n_rows = 31, .states = names, .n_states = 32, .events = go, .n_events = 1,
			    .terminal = YC_S(31) };
	int n;
	char *s;

	for (int i = 0; i < 31; i++)
		r[i] = (struct yc_fsm_row){ .from = YC_S(i), .event = 0, .to = i + 1 };
	expect(&f, "");
	CU_ASSERT_PTR_EQUAL(yc_fsm_next(&f, 0, 0, NULL), &r[0]);
	CU_ASSERT_PTR_EQUAL(yc_fsm_next(&f, 30, 0, NULL), &r[30]);
	CU_ASSERT_PTR_NULL(yc_fsm_next(&f, 31, 0, NULL));
	r[7].to = 7;
	s = findings(&f, &n);
	CU_ASSERT_EQUAL(n, 24);         /* nothing behind the seventh is reached */
	free(s);
}

static void the_picture_shows_every_row(void)
{
	struct yc_fsm f = DOOR(rows);
	char *s = NULL;
	size_t len;
	FILE *out = open_memstream(&s, &len);

	yc_fsm_draw(&f, out);
	fclose(out);
	YCT_STR(s, "# door\n\nStarts in SHUT. The first row that matches decides; what no row names is not permitted.\nEnds in GONE.\n\n"
		"| from | on | when | to | effects, in order | timer |\n|---|---|---|---|---|---|\n"
		"| SHUT | PUSH |  | OPEN | CREAK, DUST | 3 |\n"
		"| OPEN | PULL |  | SHUT | CREAK | |\n"
		"| SHUT | KEY | if its condition holds | LOCKED | CLICK | |\n"
		"| SHUT | KEY |  | (stays) | CREAK | |\n"
		"| LOCKED | KEY | if its condition holds | SHUT |  | |\n"
		"| SHUT, OPEN, LOCKED | SAW |  | GONE | DUST | |\n");
	free(s);
}

YCT_MAIN("fsm",
	 T(the_first_row_that_matches_decides),
	 T(what_no_row_names_is_not_permitted),
	 T(a_sound_machine_has_no_findings),
	 T(unreachable_and_stuck_states_are_found),
	 T(a_state_behind_a_dead_row_is_unreachable),
	 T(rows_shadowed_by_several_or_by_the_same_guard_are_dead),
	 T(terminal_states_with_rows_are_found),
	 T(numbers_out_of_range_are_found),
	 T(a_wrong_frame_is_found),
	 T(a_machine_may_have_thirty_two_states_from_zero),
	 T(the_picture_shows_every_row))
