/* The engine's side on the signalling thread: what engine.c (life, events) and control.c (ids, commands) share. */
#ifndef MEDIA_ENGINE_H
#define MEDIA_ENGINE_H

#include "media/ports.h"
#include "media/prompt.h"
#include "media/worker.h"

/* A slot is free, in use, or (gone = 1) waits for the worker's word that it is done with it. */
struct md_slot_state {
	uint32_t generation;
	int used, gone, worker;
	unsigned conv;                           /* of a leg: its conversation's slot */
	int port, recording;
	int next_free;
};
struct md_slots { struct md_slot_state *v; int first_free; int64_t used; };
struct md_late_cmd { struct md_cmd c; struct md_late_cmd *prev, *next; };
struct md_engine_worker { struct md_worker w; struct md_late_cmd *late; int n_late, legs; };

struct media {
	struct md_shared sh;
	struct md_engine_worker *workers;
	int n_workers, n_started;
	struct md_slots convs, legs;
	struct md_ports *ports;
	struct md_prompts *prompts;
	struct md_prompt *music;
	int64_t delayed;
};

void md_slots_init(struct md_slots *s, unsigned n);
void md_slot_give(struct md_slots *s, struct md_slot_state *x);
/* The slot of an id that is still known (also while it is being removed), or NULL. */
struct md_slot_state *md_slot_of(const struct media *m, const struct md_slots *s, uint64_t id);
void md_put_late(struct md_engine_worker *w);    /* commands that a full ring had not taken */
/* -1 and len 0 when it is no IP address with a port. */
int md_to_addr(struct md_addr *a, const char *ip, int port);

#endif
