/* The service's statements; only store*.c use it. */
#ifndef DIR_STORE_H
#define DIR_STORE_H

#include "directory.h"

enum {
	Q_ORG_GET, Q_ORG_NEW, Q_ORG_SET, Q_ORG_CHILDREN, Q_ORG_PAGE,
	Q_SKILL_GET, Q_SKILL_NEW, Q_SKILL_SET, Q_SKILL_PAGE,
	Q_EXT_GET, Q_EXT_NEW, Q_EXT_SET, Q_EXT_PAGE,
	Q_CAL_GET, Q_CAL_NEW, Q_CAL_SET, Q_CAL_PAGE,
	Q_PERSON_BY_ID, Q_PERSON_BY_STAFF, Q_PERSON_BY_LOGIN, Q_PERSON_NEW, Q_PERSON_SET, Q_PERSON_PASSWORD, Q_PERSON_HASHED, Q_PERSON_PAGE, Q_PERSON_IN_ORG,
	Q_ADMINS_BUT,
	Q_SESSION_ADD, Q_SESSION_FIND, Q_SESSION_TOUCH, Q_SESSION_DELETE, Q_SESSION_NEXT_OF, Q_SESSION_SWEEP,
	Q_KEY_ADD, Q_KEY_BY_ID, Q_KEY_BY_SHA, Q_KEY_BY_REQUEST, Q_KEY_REVOKE, Q_KEY_PAGE,
	Q_AUDIT_ADD, Q_AUDIT_HEAD, Q_AUDIT_HEAD_SET, Q_AUDIT_PAGE, Q_AUDIT_AFTER,
	Q_COUNT
};

_Static_assert((int)Q_COUNT == (int)DIR_N_SQL, "directory.h says how many statements there are");

static inline struct yc_db *dir_db(struct dir *d) { return yc_node_db(d->n); }
static inline int dir_q(struct dir *d, int q) { return yc_node_q(d->n, q); }

/* The loop of every list: one row more than the page says whether there is more. Returns 1 while rows of the page come, 0 at its end
 * (*more set), -1 on error. */
int dir_step(struct yc_stmt *st, const struct dir_page *pg, size_t have, protobuf_c_boolean *more, struct yc_err *e);
/* Fails when an update found no row of this version. */
enum yc_code dir_changed_one(enum yc_code c, int64_t changed, struct yc_err *e) YC_MUST;

#endif
