/* argon2id without stopping the loop: the request is held while a worker counts. */
#ifndef DIR_PASSWORD_H
#define DIR_PASSWORD_H

#include "directory.h"

/* Runs inside a unit of work when the worker is done; its code and e end the request. hash: the new hash, or the one verified;
 * ok: did it match (verify only). What it wrote is kept with OK and UNAUTHENTICATED, else undone. */
typedef enum yc_code dir_pw_then(struct yc_req *rq, void *ctx, const char *hash, int ok, struct yc_err *e);

/* verify NULL: hash password. Returns YC_PENDING, or EXHAUSTED when too many wait. ctx lives in the request's arena. */
enum yc_code dir_pw_hold(struct yc_req *rq, const char *password, const char *verify, dir_pw_then *then, void *ctx, struct yc_err *e) YC_MUST;
/* A password from a file: hashed in the background and stored when done; a login waits for it. */
enum yc_code dir_pw_later(struct dir *d, const char *person_id, const char *password, const char *mark, struct yc_err *e) YC_MUST;

#endif
