/* SQL of the node: meta, outbox, cursors, answered writes. One set per connection (the async outbox has its own). */
#ifndef YC_STORE_NODE_H
#define YC_STORE_NODE_H

#include <stdint.h>

#include "yc/arena.h"
#include "yc/db.h"

struct node_store { struct yc_db *db; int base; };

enum yc_code node_store_open(struct node_store *s, struct yc_db *db, struct yc_err *e) YC_MUST;

/* The store's incarnation; made when it has none (a fresh store, or one that was restored). out has YC_ID_LEN. */
enum yc_code node_store_incarnation(struct node_store *s, char *out, struct yc_err *e) YC_MUST;

enum yc_code node_store_outbox_put(struct node_store *s, const char *source, const char *inc, int64_t seq, int64_t at,
				   const void *event, size_t n, struct yc_err *e) YC_MUST;
enum yc_code node_store_outbox_range(struct node_store *s, const char *source, const char *inc, int64_t *oldest, int64_t *head, struct yc_err *e) YC_MUST;
/* Calls fn for each packed event after seq, up to and including upto; fn returns 0 to go on. */
enum yc_code node_store_outbox_read(struct node_store *s, const char *source, const char *inc, int64_t after, int64_t upto, int64_t limit,
				    int (*fn)(void *arg, const void *event, size_t n), void *arg, struct yc_err *e) YC_MUST;
/* Removes at most n_max events before seq that are older than before_at. */
enum yc_code node_store_outbox_prune(struct node_store *s, const char *source, const char *inc, int64_t seq, int64_t before_at, int64_t n_max,
				     int64_t *gone, struct yc_err *e) YC_MUST;

enum yc_code node_store_cursors(struct node_store *s, void (*fn)(void *arg, const char *source, const char *inc, int64_t seq), void *arg,
				struct yc_err *e) YC_MUST;
/* Moves a cursor from (old_inc, old_seq) to (inc, seq); old_inc "": there is none yet. STALE when it does not stand there. */
enum yc_code node_store_cursor_move(struct node_store *s, const char *source, const char *old_inc, int64_t old_seq, const char *inc, int64_t seq,
				    struct yc_err *e) YC_MUST;

/* NOT_FOUND; or OK with fingerprint and the reply, copied into the arena. */
enum yc_code node_store_done_get(struct node_store *s, const char *request_id, struct yc_arena *a, int64_t *fingerprint, uint8_t **reply, size_t *n,
				 struct yc_err *e) YC_MUST;
enum yc_code node_store_done_put(struct node_store *s, const char *request_id, int64_t fingerprint, const void *reply, size_t n, int64_t at,
				 struct yc_err *e) YC_MUST;
enum yc_code node_store_done_prune(struct node_store *s, int64_t before_at, struct yc_err *e) YC_MUST;

#endif
