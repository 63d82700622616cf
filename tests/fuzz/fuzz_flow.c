/* Fuzz: an IVR flow as imported (fuzz: link gateway), then a caller who presses what the last bytes of the input say. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/rule_ivr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void check(const struct ivr_step *s)
{
	must(s->n >= 0 && s->n <= IVR_ACTIONS_MAX && s->label);
	must(!s->node || (s->kind && s->next));
	for (int i = 0; i < s->n; i++) {
		const struct ivr_action *a = &s->actions[i];

		must(a->prompt && a->queue && a->music && a->reason);
		must(a->act != IVR_PLAY || *a->prompt);
		must(a->act != IVR_QUEUE || (*a->queue && s->over));
		must(a->act != IVR_HANGUP || (*a->reason && s->over));
		must(a->act != IVR_WAIT || a->timeout_ms > 0);
	}
}

/* A caller: each byte is a key or an event; the run must end within the bound on steps. */
static void call(struct ivr_flow *f, const uint8_t *keys, size_t n)
{
	static const char pad[] = "0123456789*#ABCD";
	struct ivr_run run;
	struct ivr_step s;

	ivr_start(&run, f, &s);
	check(&s);
	for (int i = 0; i < 4000 && !s.over; i++) {
		uint8_t k = n ? keys[(size_t)i % n] : 0;

		ivr_step(&run, (enum ivr_event)(1 + k % 3), pad[k / 3 % 16], &s);
		check(&s);
	}
	ivr_end(&run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t end = size;
	struct ivr_flow *f = NULL;
	struct yc_err e = { 0 };

	while (end && data[end - 1] != '}')      /* what follows the last brace is the caller */
		end--;
	if (ivr_flow_parse(&f, (const char *)data, end, &e) != YC_OK) {
		must(e.code != YC_OK && e.msg[0] && !f);
		return 0;
	}
	for (int i = 0; ivr_flow_prompt(f, i); i++)
		must(*ivr_flow_prompt(f, i));
	call(f, data + end, size - end);
	ivr_flow_unref(&f);
	return 0;
}
