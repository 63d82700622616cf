/* Private header of the directory service. */
#ifndef DIR_DIRECTORY_H
#define DIR_DIRECTORY_H

#include "yc/crypto.h"
#include "yc/node.h"
#include "yc/worker.h"
#include "yc/v1/directory.pb-c.h"

struct dir_throttle;

struct dir_conf {
	char *realm;                             /* of SIP digests */
	int64_t session_idle_ms, session_max_ms, login_threads, login_waiting;
};

struct dir {
	struct dir_conf conf;
	struct yc_node *n;
	struct yc_workers *checks;               /* argon2id of people who wait for an answer */
	struct yc_workers *hashes;               /* argon2id of imported passwords: may take its time */
	int hashing;                             /* imported passwords not yet in the store */
	struct dir_throttle *by_login, *by_client;
	struct yc_timer *sweep;
	char dummy_hash[YC_PWHASH_LEN];          /* verified for unknown logins, so that they take the same time */
	uint8_t mark_key[32];
	uint64_t dry_ref;                        /* the dry run in hand, and what it would have created ("org km") */
	struct dir_dry *dry;
};

extern const struct yc_service dir_service;
extern const struct yc_opt dir_opts[];
extern const struct yc_migration yc_schema_directory[];
enum { DIR_N_SQL = 44 };                        /* store.h checks it */
extern const char *const dir_sql[];

/* A person as stored: with what never leaves. */
struct dir_person {
	Pb__Person *p;                           /* org_path computed */
	uint32_t roles;
	const char *pw_hash, *pw_mark;
};

/* A page of a list. */
struct dir_page { int limit; const char *after, *q, *org, *status, *base; };     /* base: organisation path the caller may see, with '/' at the end */
enum yc_code dir_page_of(struct yc_req *rq, const Pb__ListReq *in, struct dir_page *out, struct yc_err *e) YC_MUST;

/* store.c: organisation, skills, extensions, calendars. Getters give NULL in *out when there is none. */
enum yc_code dir_org_get(struct dir *d, struct yc_arena *a, const char *code, Pb__Org **out, struct yc_err *e) YC_MUST;
enum yc_code dir_org_put(struct dir *d, const Pb__Org *o, int is_new, struct yc_err *e) YC_MUST;
enum yc_code dir_org_children(struct dir *d, struct yc_arena *a, const char *code, Pb__Org ***v, size_t *n, struct yc_err *e) YC_MUST;
enum yc_code dir_org_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__Orgs *out, struct yc_err *e) YC_MUST;
enum yc_code dir_skill_get(struct dir *d, struct yc_arena *a, const char *code, Pb__Skill **out, struct yc_err *e) YC_MUST;
enum yc_code dir_skill_put(struct dir *d, const Pb__Skill *s, int is_new, struct yc_err *e) YC_MUST;
enum yc_code dir_skill_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__Skills *out, struct yc_err *e) YC_MUST;
enum yc_code dir_extension_get(struct dir *d, struct yc_arena *a, const char *number, Pb__Extension **out, struct yc_err *e) YC_MUST;
enum yc_code dir_extension_put(struct dir *d, const Pb__Extension *x, int is_new, struct yc_err *e) YC_MUST;
enum yc_code dir_extension_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__Extensions *out, struct yc_err *e) YC_MUST;
enum yc_code dir_calendar_get(struct dir *d, struct yc_arena *a, const char *code, Pb__Calendar **out, struct yc_err *e) YC_MUST;
enum yc_code dir_calendar_put(struct dir *d, struct yc_arena *a, const Pb__Calendar *c, int is_new, struct yc_err *e) YC_MUST;
enum yc_code dir_calendar_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__Calendars *out, struct yc_err *e) YC_MUST;

/* store_person.c */
enum dir_person_by { DIR_BY_ID, DIR_BY_STAFF_NO, DIR_BY_LOGIN };
enum yc_code dir_person_get(struct dir *d, struct yc_arena *a, enum dir_person_by by, const char *key, struct dir_person *out, struct yc_err *e) YC_MUST;
/* pw_hash and pw_mark NULL: unchanged (empty for a new person). STALE when p->version is not the stored one; *p gets the new version. */
enum yc_code dir_person_save(struct dir *d, struct yc_arena *a, Pb__Person *p, int is_new, struct yc_err *e) YC_MUST;
enum yc_code dir_person_password(struct dir *d, const char *id, const char *pw_hash, const char *pw_mark, struct yc_err *e) YC_MUST;
/* An imported password that waits for its hash, and the hash when it is there (a row that waits no more is left alone). */
enum yc_code dir_person_await(struct dir *d, const char *id, const char *mark, struct yc_err *e) YC_MUST;
enum yc_code dir_person_hashed(struct dir *d, const char *id, const char *pw_hash, const char *mark, struct yc_err *e) YC_MUST;
enum yc_code dir_person_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__People *out, struct yc_err *e) YC_MUST;
enum yc_code dir_person_in_org(struct dir *d, struct yc_arena *a, const char *org, Pb__Person ***v, size_t *n, struct yc_err *e) YC_MUST;
enum yc_code dir_admins_but(struct dir *d, const char *id, int64_t *n, struct yc_err *e) YC_MUST;    /* active administrators other than id */

/* store_auth.c: sessions, keys, audit */
struct dir_session { char id[40], token_sha256[65], person_id[40], csrf[48], client[64]; int64_t created_at, seen_at, expires_at; };
enum yc_code dir_session_add(struct dir *d, const struct dir_session *s, struct yc_err *e) YC_MUST;
enum yc_code dir_session_find(struct dir *d, const char *token_sha256, struct dir_session *out, int *found, struct yc_err *e) YC_MUST;
enum yc_code dir_session_touch(struct dir *d, const char *id, int64_t now, struct yc_err *e) YC_MUST;
enum yc_code dir_session_delete(struct dir *d, const char *id, struct yc_err *e) YC_MUST;
enum yc_code dir_session_next_of(struct dir *d, const char *person_id, struct dir_session *out, int *found, struct yc_err *e) YC_MUST;
enum yc_code dir_session_sweep(struct dir *d, int64_t now, int64_t idle_before, struct yc_err *e) YC_MUST;
struct dir_key { Pb__ApiKey *k; uint32_t roles; const char *key_sha256; };
enum yc_code dir_key_add(struct dir *d, const Pb__ApiKey *k, uint32_t roles, const char *scopes, const char *sha, const char *rid, struct yc_err *e) YC_MUST;
enum dir_key_by { DIR_KEY_ID, DIR_KEY_SHA256, DIR_KEY_REQUEST };
enum yc_code dir_key_get(struct dir *d, struct yc_arena *a, enum dir_key_by by, const char *v, struct dir_key *out, struct yc_err *e) YC_MUST;
enum yc_code dir_key_revoke(struct dir *d, const char *id, struct yc_err *e) YC_MUST;
enum yc_code dir_key_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__ApiKeys *out, struct yc_err *e) YC_MUST;
enum yc_code dir_audit_append(struct dir *d, Pb__AuditRow *r, struct yc_err *e) YC_MUST;       /* seq and hash are computed */
enum yc_code dir_audit_page(struct dir *d, struct yc_arena *a, const struct dir_page *pg, Pb__AuditRows *out, struct yc_err *e) YC_MUST;
enum yc_code dir_audit_after(struct dir *d, struct yc_arena *a, int64_t seq, int limit, Pb__AuditRows *out, struct yc_err *e) YC_MUST;
enum yc_code dir_audit_head(struct dir *d, int64_t *seq, char hash[65], struct yc_err *e) YC_MUST;

/* audit.c */
enum yc_code dir_audit(struct dir *d, const Pb__Principal *who, const char *action, const char *object, const char *detail, struct yc_err *e) YC_MUST;
enum yc_code dir_on_audit_event(struct yc_node *n, const Pb__Event *ev, const void *msg, struct yc_err *e);
yc_handler dir_on_audit_list, dir_on_audit_verify;

/* org.c, person.c, session.c, key.c */
yc_handler dir_on_org_list, dir_on_skill_list, dir_on_extension_list, dir_on_calendar_list, dir_on_calendar_get;
yc_handler dir_on_person_get, dir_on_person_list, dir_on_person_put, dir_on_grant_skill, dir_on_admin_create;
yc_handler dir_on_login, dir_on_logout, dir_on_check_token;
yc_handler dir_on_key_create, dir_on_key_list, dir_on_key_revoke;
enum yc_code dir_revoke_all(struct dir *d, const char *person_id, struct yc_err *e) YC_MUST;   /* every session of a person */
enum yc_code dir_org_place(struct dir *d, struct yc_arena *a, Pb__Org *o, struct yc_err *e) YC_MUST;   /* computes path, refuses cycles */
enum yc_code dir_org_store(struct dir *d, struct yc_arena *a, Pb__Org *o, const Pb__Org *was, struct yc_err *e) YC_MUST;   /* with all below it */
/* Writes p (validated by dir_person_ready), tells the world. was NULL: new. */
enum yc_code dir_person_ready(struct dir *d, struct yc_arena *a, Pb__Person *p, struct yc_err *e) YC_MUST;     /* references exist; org_path is set */
enum yc_code dir_person_store(struct dir *d, struct yc_arena *a, Pb__Person *p, const struct dir_person *was, struct yc_err *e) YC_MUST;
void dir_person_public(Pb__Person *p);           /* drop what never comes out */

/* extension.c */
void dir_extension_digest(struct dir *d, struct yc_arena *a, Pb__Extension *x, const Pb__Extension *was);

/* import.c */
extern const struct yc_import_kind dir_imports[];
void dir_dry_free(struct dir *d);
void dir_mark(struct dir *d, const char *person_id, const char *password, char out[65]);

/* Counters. */
enum dir_metric { DIR_M_LOGIN_OK, DIR_M_LOGIN_BAD, DIR_M_LOGIN_THROTTLED, DIR_M_TOKEN_OK, DIR_M_TOKEN_BAD, DIR_M_AUDIT, DIR_M_HASHING, DIR_M_COUNT };
void dir_count(enum dir_metric m);

#endif
