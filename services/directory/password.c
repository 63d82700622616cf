#include "password.h"

#include "rule_check.h"

#include "yc/log.h"
#include "yc/text.h"

#include <string.h>

struct job {
	struct dir *d;
	uint64_t ref;                            /* the request that waits; 0: nobody does */
	dir_pw_then *then;
	void *ctx;
	int verify, ok;
	char person_id[40], mark[65];
	char password[DIR_PASSWORD_MAX + 1], hash[YC_PWHASH_LEN];
};

static void work(void *arg)
{
	struct job *j = arg;

	if (j->verify)
		j->ok = yc_pw_verify(j->password, j->hash);
	else
		j->ok = yc_pw_hash(j->password, j->hash, NULL) == YC_OK;
	explicit_bzero(j->password, sizeof(j->password));
}

static void free_job(struct job *j)
{
	explicit_bzero(j, sizeof(*j));
	yc_xfree(j);
}

static enum yc_code finish(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct job *j = arg;
	struct yc_req *rq = yc_req_find(n, j->ref);
	enum yc_code c;

	if (!rq)
		return YC_OK;                    /* its deadline was earlier: nothing is done */
	if (!j->verify && !j->ok)
		c = yc_fail(e, YC_EXHAUSTED, "password", "no memory to hash the password; try again");
	else
		c = j->then(rq, j->ctx, j->hash, j->ok, e);
	yc_req_finish(rq, c, e);
	return c == YC_UNAUTHENTICATED ? YC_OK : c;      /* a refusal leaves its audit row */
}

static void done(void *arg)
{
	struct job *j = arg;
	struct yc_err e = { 0 };

	if (yc_node_do(j->d->n, finish, j, &e))
		yc_debug("held request ended with %s", e.msg);
	free_job(j);
}

enum yc_code dir_pw_hold(struct yc_req *rq, const char *password, const char *verify, dir_pw_then *then, void *ctx, struct yc_err *e)
{
	struct dir *d = yc_req_self(rq);
	struct job *j = yc_xcalloc(1, sizeof(*j));

	j->d = d;
	j->ref = yc_req_ref(rq);
	j->then = then;
	j->ctx = ctx;
	j->verify = verify != NULL;
	yc_copy(j->password, sizeof(j->password), password);
	yc_copy(j->hash, sizeof(j->hash), verify ? verify : "");
	if (yc_workers_submit(d->checks, work, done, j)) {
		free_job(j);
		return yc_fail(e, YC_EXHAUSTED, NULL, "too many log-ins at once; try again");
	}
	yc_req_hold(rq);                         /* a login that waited for an import is held already */
	return YC_PENDING;
}

static enum yc_code store_hash(struct yc_node *n, void *arg, struct yc_err *e)
{
	struct job *j = arg;

	return dir_person_hashed(j->d, j->person_id, j->hash, j->mark, e);
}

static void done_later(void *arg)
{
	struct job *j = arg;
	struct yc_err e = { 0 };

	j->d->hashing--;
	dir_count(DIR_M_HASHING);
	if (!j->ok)
		yc_error("a password could not be hashed; import it again");
	else if (yc_node_do(j->d->n, store_hash, j, &e))
		yc_error("a password could not be stored: %s", e.msg);
	free_job(j);
}

/* The row waits with a mark of its own: when the import is undone, so is the mark, and the hash finds nobody. */
enum yc_code dir_pw_later(struct dir *d, const char *person_id, const char *password, const char *mark, struct yc_err *e)
{
	struct job *j;
	enum yc_code c = dir_person_await(d, person_id, mark, e);

	if (c)
		return c;
	j = yc_xcalloc(1, sizeof(*j));
	j->d = d;
	yc_copy(j->person_id, sizeof(j->person_id), person_id);
	yc_copy(j->mark, sizeof(j->mark), mark);
	yc_copy(j->password, sizeof(j->password), password);
	if (yc_workers_submit(d->hashes, work, done_later, j)) {
		free_job(j);
		return yc_fail(e, YC_EXHAUSTED, "password", "too many new passwords in one import; import the rest again");
	}
	d->hashing++;
	return YC_OK;
}
