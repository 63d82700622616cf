/* The flow of one call: rule_ivr says what to do, media and timers do it. */
#include "sig.h"

#include <string.h>

#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

static void on_timeout(void *arg)
{
	call_ivr_feed(arg, IVR_EV_TIMEOUT, 0);
}

static const char *via_name(int via)
{
	return via == MEDIA_VIA_RFC4733 ? "rfc4733" : via == MEDIA_VIA_INBAND ? "inband" : via < 0 ? "info" : "none";
}

static void note_menu(struct call *c, const struct ivr_step *st)
{
	struct gw_msg *m = gw_msg_new(GW_UP_MENU, c->id, 512);

	m->at = yc_now();
	m->u.menu.node = gw_text(m, st->node);
	m->u.menu.kind = gw_text(m, st->kind);
	m->u.menu.input = gw_text(m, st->input);
	m->u.menu.next = gw_text(m, st->next);
	m->u.menu.label = gw_text(m, st->label);
	m->u.menu.via = gw_text(m, st->input[0] ? via_name(c->via) : "none");
	sig_up(c->s, &m);
}

/* 1 when it plays. A missing prompt is skipped: the caller must get on. */
static int play(struct call *c, const struct ivr_action *a)
{
	struct media_play p = { .n = 1, .barge = a->barge };
	struct yc_err e = { 0 };

	yc_copy(p.names[0], sizeof(p.names[0]), a->prompt);
	if (!media_play(c->s->media, c->media, &p, &e))
		return 1;
	yc_warn("call %s: %s", c->id, e.msg);
	return 0;
}

static void stop(struct call *c)
{
	media_stop_play(c->s->media, c->media);
	media_dtmf_listen(c->s->media, c->media, 0, 0);
	sig_timer_stop(c->s, &c->timer);
}

static void to_queue(struct call *c, const struct ivr_action *a)
{
	yc_copy(c->queue, sizeof(c->queue), a->queue);
	yc_copy(c->music, sizeof(c->music), a->music);
	c->priority = a->priority;
	call_event(c, CALL_EV_QUEUE);
}

static void hang_up(struct call *c, const struct ivr_action *a)
{
	yc_copy(c->reason_text, sizeof(c->reason_text), yc_is_empty(a->reason) ? "flow_end" : a->reason);
	c->by = "flow";
	c->reason = c->reason_text;
	call_event(c, CALL_EV_FLOW_END);
}

/* Returns 0 when a prompt could not be played. */
static int apply(struct call *c, const struct ivr_step *st)
{
	int played = 1;

	if (st->node)
		note_menu(c, st);
	for (int i = 0; i < st->n; i++) {
		const struct ivr_action *a = &st->actions[i];
		switch (a->act) {
		case IVR_PLAY:
			played = play(c, a);
			break;
		case IVR_LISTEN:
			media_dtmf_listen(c->s->media, c->media, 1, c->s->conf.inband);
			break;
		case IVR_WAIT:
			sig_timer_set(c->s, &c->timer, a->timeout_ms, on_timeout, c);
			break;
		case IVR_STOP:
			stop(c);
			break;
		case IVR_QUEUE:
			to_queue(c, a);
			return 1;
		case IVR_HANGUP:
			hang_up(c, a);
			return 1;
		}
	}
	return played;
}

void call_ivr_begin(struct call *c, struct ivr_flow *f)
{
	struct ivr_step st;

	ivr_start(&c->run, f, &st);
	if (!apply(c, &st))
		call_ivr_feed(c, IVR_EV_PLAY_DONE, 0);
}

void call_ivr_feed(struct call *c, enum ivr_event ev, char digit)
{
	struct ivr_step st;

	/* a loop, because prompts that are not there end at once; rule_ivr bounds the steps of a run */
	for (;;) {
		if (c->state != CALL_IVR)
			return;
		ivr_step(&c->run, ev, digit, &st);
		if (apply(c, &st) && !st.again)
			return;
		if (st.again)
			continue;
		ev = IVR_EV_PLAY_DONE;
		digit = 0;
	}
}

/* Music under whatever still plays: the flow's "please wait" is heard to its end before. */
void call_ivr_music(struct call *c)
{
	media_dtmf_listen(c->s->media, c->media, 0, 0);
	sig_timer_stop(c->s, &c->timer);
	media_music(c->s->media, c->media, c->music);
}
