/* A recording on the worker's side: two streams laid on one time line, interleaved in G.711, handed to the writer chunk by chunk. */
#ifndef MEDIA_RECORDER_H
#define MEDIA_RECORDER_H

#include "media/media.h"
#include "media/rtp.h"
#include "media/writer.h"

enum { MD_LEFT, MD_RIGHT };

struct md_rec;
/* Takes the record. codec: of the file (the left leg's, so that most samples are copied as they are). */
struct md_rec *md_rec_start(struct md_writer *w, struct md_record **r, enum media_codec codec, int64_t max_ms, int64_t now_us);
/* n samples of one side. */
void md_rec_put(struct md_rec *r, int side, const struct md_rtp *h, const uint8_t *p, size_t n, enum media_codec codec, int64_t now_us);
void md_rec_pause(struct md_rec *r, int on, int64_t now_us);
/* To be called a few times per second: lets time pass when nobody speaks. Returns 1 when the recording is over (failed, or at its
 * longest): then only md_rec_stop() is left to do. */
int md_rec_clock(struct md_rec *r, int64_t now_us);
void md_rec_stop(struct md_rec **r, int64_t now_us);

#endif
