/* Blobs: files (recordings, attachments, pages) whose metadata stands in the owner's store (table yc_blob). */
#ifndef YC_BLOB_H
#define YC_BLOB_H

#include <stddef.h>
#include <stdint.h>

#include "yc/db.h"
#include "yc/err.h"

struct yc_blobs;                                 /* a folder plus a table; belongs to the store's thread */
struct yc_blob_meta {
	char id[40];                             /* blb_... */
	char media_type[64];
	char matter_id[40];
	char sha256[65];
	int64_t size;
	int64_t at;
};

/* folder is created; db must have the common migrations. */
enum yc_code yc_blobs_open(struct yc_blobs **out, struct yc_db *db, const char *folder, struct yc_err *e) YC_MUST;
void yc_blobs_close(struct yc_blobs **b);
/* Where a new blob's bytes are to be written (any thread may write that file): folder/tmp/ID. path has 512 bytes. */
void yc_blob_path_new(const char *folder, const char *id, char *path);
/* Take the finished file path into the store: hash, fsync, rename, row. Must run inside a unit of the store's transaction. */
enum yc_code yc_blob_add(struct yc_blobs *b, const char *path, struct yc_blob_meta *meta, struct yc_err *e) YC_MUST;
/* The same with hash and size known by the writer, who has also synced the file: only rename and row. */
enum yc_code yc_blob_add_hashed(struct yc_blobs *b, const char *path, struct yc_blob_meta *meta, struct yc_err *e) YC_MUST;
enum yc_code yc_blob_get(struct yc_blobs *b, const char *id, struct yc_blob_meta *meta, struct yc_err *e) YC_MUST;
/* Reads at most n bytes at offset; *got may be less at the end. */
enum yc_code yc_blob_read(struct yc_blobs *b, const char *id, int64_t offset, void *buf, size_t n, size_t *got, struct yc_err *e) YC_MUST;
enum yc_code yc_blob_delete(struct yc_blobs *b, const char *id, struct yc_err *e) YC_MUST;

#endif
