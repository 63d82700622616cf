/* Files of the media engine: two threads, one that writes recordings and reads prompts, one that finishes recordings (header, hash, sync),
 * so that a slow sync never delays the writing of the others. Workers hand over chunks and never touch a file. */
#ifndef MEDIA_WRITER_H
#define MEDIA_WRITER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "media/media.h"
#include "media/queue.h"

enum {
	MD_CHUNK = 65536,                        /* bytes per write */
	MD_CHUNK_MARGIN = 16384,                 /* room behind them for what comes before the chunk may be closed */
	MD_CHUNKS_WAITING = 4,                   /* of one recording, unwritten (16 s): then the disk is too slow and the recording ends */
	MD_CHUNKS_SPARE = 16,                    /* kept mapped when nobody uses them */
};

struct md_job {
	struct md_job *prev, *next;
	int op;
	struct md_record *record;
};
struct md_chunk {
	struct md_job job;
	size_t bytes;
	uint8_t data[MD_CHUNK + MD_CHUNK_MARGIN];
};

struct md_writer;
struct md_writer *md_writer_new(struct md_events *events);
/* Finishes what it was given, joins the threads. No more calls from others may come. */
void md_writer_free(struct md_writer **w);
void md_writer_load_prompts(struct md_writer *w, const char *folder);   /* answers with MEDIA_PROMPTS_LOADED */

/* A recording. Made by the signalling thread, then a worker's until md_record_close(), then the writer's, who frees it. */
struct md_record *md_record_new(const char *path, media_conv conv, int64_t tag);
void md_record_drop(struct md_record **r);       /* one that was never opened */
media_conv md_record_conv(const struct md_record *r);
int64_t md_record_tag(const struct md_record *r);
void md_record_open(struct md_writer *w, struct md_record *r, enum media_codec codec);
struct md_chunk *md_chunk_get(struct md_writer *w);
/* Takes the chunk. -1: the recording has failed (now or before); the chunk is gone all the same. */
int md_record_write(struct md_writer *w, struct md_record *r, struct md_chunk **c);
/* reason: NULL, or why it ends early (a static string). Takes the record. */
void md_record_close(struct md_writer *w, struct md_record **r, const char *reason);

struct md_writer_counters { int64_t bytes, failed, chunks; };
void md_writer_counters(struct md_writer *w, struct md_writer_counters *out);

#endif
