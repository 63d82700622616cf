/* What every story about yc-acd needs: one that runs, and waiting for what it should do. */
#ifndef ACD_STORY_H
#define ACD_STORY_H

#include "acd_peers.h"

extern int story_acd, story_acd2;                /* pids */
extern const char *const story_fast[];           /* options with short leases */
void story_begin(int agents);                    /* peers, yc-acd, people known, queues post (rings 700 ms), slow (20 s), wrap (400 ms of wrap-up) */
void story_end(void);                            /* nobody was ever offered two calls */
void story_ready(int agent);
void story_restart(void);                        /* kill -9 and start again; does not wait */
int story_rings_at(int call, int agent);         /* waits; 1 when it did */
int story_becomes(int agent, const char *status);
int story_settle(void);                          /* the ACD has taken everything, and whoever comes next comes later */
int story_nothing_owed(void *arg);               /* conditions for peers_until */
int story_all_over(void *arg);
int story_people_known(void *arg);

#endif
