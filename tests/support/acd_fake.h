/* The core of acd with a held clock and a world that only listens: what it wants done is written down. */
#ifndef ACD_FAKE_H
#define ACD_FAKE_H

#include "acd/acd.h"

#define FAKE_LOG 4096

enum fake_commit { COMMIT_AT_ONCE, COMMIT_LATER, COMMIT_REFUSED };
struct fake_line { char what[24], id[64], detail[64], agent[64]; };    /* "offer" rsv item agent; "item.queued" item reason agent; "agent" id STATUS/reason "" */
struct fake {
	struct acd x;
	enum fake_commit commit;
	int silent;                              /* consoles do not renew while time goes by */
	int refuse_once;                         /* the next commit is refused, the following succeed */
	char pending[256][YC_ID_LEN];            /* reservations whose commit has not been answered */
	int n_pending;
	struct fake_line log[FAKE_LOG];
	int n_log, saves, phones_asked, checks;
	char disposition[64];
	int64_t wrapped_ms;                      /* time in wrap-up that was told, all together */
	int phone_answer;                        /* what the registrar says: 1, 0, -1: nothing */
};

#define FAKE_T0 1700000000000
void fake_start(struct fake *f);                 /* open, clock held at FAKE_T0 */
void fake_stop(struct fake *f);
void fake_queue(struct fake *f, const char *code, const char *skill, int level, int64_t wrapup_ms);   /* offers ring for 20 s */
void fake_person(struct fake *f, const char *id, const char *skill, int level);    /* staff number and name are the id */
void fake_phone(struct fake *f, const char *ext, int is_static);
void fake_ready(struct fake *f, const char *id);         /* signs in at a static phone "x" + id, ready, with a console */
void fake_enqueue(struct fake *f, const char *id, const char *queue, int priority);
void fake_pass(struct fake *f, int64_t ms);              /* time goes by, in steps, with what is due in it */
void fake_commit_all(struct fake *f, int ok);
/* Outcome of the reservation this agent has. */
enum yc_code fake_outcome(struct fake *f, const char *agent, Pb__OfferOutcome o, const char *reason);
void fake_end(struct fake *f, const char *item);
struct acd_agent *fake_agent(struct fake *f, const char *id);
const char *fake_offered_item(struct fake *f, const char *agent);        /* "" when nothing rings there */
int fake_count(const struct fake *f, const char *what, const char *id);  /* lines of this kind about this id; id NULL: any */
const struct fake_line *fake_last(const struct fake *f, const char *what, const char *id);
const char *fake_status(struct fake *f, const char *agent);             /* "READY" */

#endif
