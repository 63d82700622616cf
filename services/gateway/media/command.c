/* Commands of the signalling thread, executed by the worker that owns the conversation. */
#include "media/worker.h"

#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "yc/arena.h"

void md_cmd_drop(struct md_cmd *c)
{
	switch (c->op) {
	case MD_LEG_ADD:
		close(c->u.add.fd);
		break;
	case MD_PLAY:
		for (int i = 0; i < c->u.play.n; i++)
			md_prompt_unref(&c->u.play.list[i]);
		break;
	case MD_MUSIC:
		md_prompt_unref(&c->u.music);
		break;
	case MD_RECORD:
		md_record_drop(&c->u.record);
		break;
	default:
		break;
	}
}

/* --- conversations --- */
static void conv_new(struct md_worker *w, media_conv id)
{
	struct md_conv *c = yc_xcalloc(1, sizeof(*c));

	c->id = id;
	w->conv_by_slot[md_slot(id)] = c;
}

void md_conv_end(struct md_worker *w, struct md_conv *c)
{
	struct md_event ev = { .type = MD_EV_CONV_GONE, .conv = c->id };

	md_rec_end(w, c);
	while (c->legs)
		md_leg_end(c->legs);
	w->conv_by_slot[md_slot(c->id)] = NULL;
	yc_xfree(c);
	md_emit(w, &ev);
}

/* --- recording --- */
static void rec_attach(struct md_conv *c)
{
	struct md_leg *l;

	DL_FOREACH2(c->legs, l, conv_next) {
		l->rec = NULL;
		for (int side = 0; side < 2; side++) {
			if (c->rec && c->rec_leg[side] == l->id) {
				l->rec = c->rec;
				l->rec_side = side;
			}
		}
	}
}

void md_rec_end(struct md_worker *w, struct md_conv *c)
{
	if (!c->rec)
		return;
	md_rec_stop(&c->rec, w->now_us);
	rec_attach(c);
	DL_DELETE(w->recording, c);
	md_bump(&w->count.recordings, -1);
}

static void rec_start(struct md_worker *w, struct md_conv *c, struct md_cmd *cmd)
{
	struct md_leg *left = md_leg_of(w, cmd->leg);

	c->rec_leg[MD_LEFT] = cmd->leg;
	c->rec_leg[MD_RIGHT] = cmd->other;
	c->rec = md_rec_start(w->sh->writer, &cmd->u.record, left ? left->remote.codec : MEDIA_PCMA, w->sh->conf.record_max_ms, w->now_us);
	rec_attach(c);
	DL_APPEND(w->recording, c);
	md_bump(&w->count.recordings, 1);
}

static void conv_command(struct md_worker *w, struct md_conv *c, struct md_cmd *cmd)
{
	switch (cmd->op) {
	case MD_CONV_FREE:
		md_conv_end(w, c);
		break;
	case MD_LEG_ADD:
		md_leg_new(w, c, cmd);
		rec_attach(c);
		break;
	case MD_RECORD:
		md_rec_end(w, c);
		rec_start(w, c, cmd);
		break;
	case MD_RECORD_LEGS:
		c->rec_leg[MD_LEFT] = cmd->leg;
		c->rec_leg[MD_RIGHT] = cmd->other;
		rec_attach(c);
		break;
	case MD_RECORD_PAUSE:
		if (c->rec)
			md_rec_pause(c->rec, cmd->u.on, w->now_us);
		break;
	default:
		md_rec_end(w, c);
		break;
	}
}

static void leg_command(struct md_worker *w, struct md_leg *l, struct md_cmd *cmd)
{
	struct md_leg *other;

	switch (cmd->op) {
	case MD_LEG_REMOTE:
		md_leg_set_remote(l, &cmd->u.remote);
		break;
	case MD_LEG_REMOVE:
		md_leg_end(l);
		break;
	case MD_PLAY:
		md_leg_play(l, cmd);
		break;
	case MD_STOP_PLAY:
		md_leg_stop_play(l);
		break;
	case MD_MUSIC:
		md_leg_music(l, &cmd->u.music);
		break;
	case MD_LISTEN:
		md_leg_listen(l, cmd->u.listen.on, cmd->u.listen.inband);
		break;
	case MD_BRIDGE:
		other = md_leg_of(w, cmd->other);
		if (other && other != l && other->conv == l->conv)
			md_leg_bridge(l, other);
		break;
	default:
		md_leg_unbridge(l);
		break;
	}
}

void md_command(struct md_worker *w, struct md_cmd *c)
{
	struct md_conv *conv = md_conv_of(w, c->conv);
	struct md_leg *leg = md_leg_of(w, c->leg);

	switch (c->op) {
	case MD_STOP:
		w->stop = 1;
		break;
	case MD_CONV_NEW:
		conv_new(w, c->conv);
		break;
	case MD_CONV_FREE:
	case MD_LEG_ADD:
	case MD_RECORD:
	case MD_RECORD_LEGS:
	case MD_RECORD_PAUSE:
	case MD_RECORD_STOP:
		if (conv)
			conv_command(w, conv, c);
		else
			md_cmd_drop(c);
		break;
	default:
		if (leg)
			leg_command(w, leg, c);
		md_cmd_drop(c);                  /* what leg_command() took is NULL by now */
		break;
	}
}
