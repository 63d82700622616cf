/* Configuration from files: org, person, skill, extension, calendar. Natural keys; the same file twice changes nothing. */
#include "directory.h"

#include "password.h"
#include "rule_calendar.h"
#include "rule_check.h"

#include "yc/text.h"

#include <stdio.h>
#include <string.h>
#include <uthash.h>

/* What earlier items of the dry run in hand would have created, so that later ones may refer to it. */
struct dir_dry { char key[80]; UT_hash_handle hh; };

void dir_dry_free(struct dir *d)
{
	struct dir_dry *x, *tmp;

	HASH_ITER(hh, d->dry, x, tmp) {
		HASH_DEL(d->dry, x);
		yc_xfree(x);
	}
	d->dry_ref = 0;
}

static void dry_add(struct yc_req *rq, const char *kind, const char *code)
{
	struct dir *d = yc_req_self(rq);
	struct dir_dry *x = NULL, *was = NULL;

	if (d->dry_ref != yc_req_ref(rq)) {
		dir_dry_free(d);
		d->dry_ref = yc_req_ref(rq);
	}
	x = yc_xcalloc(1, sizeof(*x));
	snprintf(x->key, sizeof(x->key), "%s %s", kind, code);
	HASH_FIND_STR(d->dry, x->key, was);
	if (was)
		yc_xfree(x);
	else
		HASH_ADD_STR(d->dry, key, x);
}

static int dry_has(struct yc_req *rq, const char *kind, const char *code)
{
	struct dir *d = yc_req_self(rq);
	struct dir_dry *x = NULL;
	char key[80];

	snprintf(key, sizeof(key), "%s %s", kind, code);
	if (d->dry_ref == yc_req_ref(rq))
		HASH_FIND_STR(d->dry, key, x);
	return x != NULL;
}

static int action_of(const void *was, int differences)
{
	return !was ? PB__IMPORT_ACTION__IMPORT_ACTION_CREATE :
		differences ? PB__IMPORT_ACTION__IMPORT_ACTION_UPDATE : PB__IMPORT_ACTION__IMPORT_ACTION_SAME;
}

static int is_same(int action) { return action == PB__IMPORT_ACTION__IMPORT_ACTION_SAME; }

static enum yc_code done(struct yc_req *rq, const char *kind, const char *key, int action, struct yc_err *e)
{
	char what[48];

	snprintf(what, sizeof(what), "%s.import", kind);
	return dir_audit(yc_req_self(rq), yc_req_who(rq), what, key, action == PB__IMPORT_ACTION__IMPORT_ACTION_CREATE ? "created" : "updated", e);
}

/* --- org --------------------------------------------------------------------------------------------------------------------- */

static enum yc_code apply_org(struct yc_req *rq, void *msg, int dry, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	static const char *const ignore[] = { "id", "version", NULL };
	struct dir *d = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	Pb__Org *o = msg, *was = NULL;
	enum yc_code c = dir_org_check(o, e);

	yc_copy(key, 128, o->code);
	if (c || (c = dir_org_get(d, a, o->code, &was, e)))
		return c;
	if (dry && dry_has(rq, "org", o->parent))
		o->path = yc_sprintf(a, "?/%s", o->code);        /* known when its parent exists */
	else if ((c = dir_org_place(d, a, o, e)))
		return c;
	*action = action_of(was, was ? yc_json_diff(diff, &was->base, &o->base, ignore) : 0);
	if (dry)
		dry_add(rq, "org", o->code);
	if (dry || is_same(*action))
		return YC_OK;
	o->id = was ? was->id : yc_sprintf(a, "org_%s", o->code);
	if ((c = dir_org_store(d, a, o, was, e)))
		return c;
	return done(rq, "org", o->code, *action, e);
}

/* --- skill ------------------------------------------------------------------------------------------------------------------- */

static enum yc_code apply_skill(struct yc_req *rq, void *msg, int dry, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	static const char *const ignore[] = { "version", NULL };
	struct dir *d = yc_req_self(rq);
	Pb__Skill *s = msg, *was = NULL;
	enum yc_code c = dir_skill_check(s, e);

	yc_copy(key, 128, s->code);
	if (c || (c = dir_skill_get(d, yc_req_arena(rq), s->code, &was, e)))
		return c;
	*action = action_of(was, was ? yc_json_diff(diff, &was->base, &s->base, ignore) : 0);
	if (dry)
		dry_add(rq, "skill", s->code);
	if (dry || is_same(*action))
		return YC_OK;
	s->version = was ? was->version : 1;
	if ((c = dir_skill_put(d, s, !was, e)))
		return c;
	s->version += was != NULL;
	if ((c = yc_emit(d->n, "skill.changed", "", s->code, s, e)))
		return c;
	return done(rq, "skill", s->code, *action, e);
}

/* --- person ------------------------------------------------------------------------------------------------------------------ */

void dir_mark(struct dir *d, const char *person_id, const char *password, char out[65])
{
	struct yc_buf b = { 0 };
	uint8_t mac[32];

	yc_buf_printf(&b, "%s\n%s", person_id, password);
	yc_hmac_sha256(d->mark_key, sizeof(d->mark_key), b.p, b.n, mac);
	yc_hex(mac, sizeof(mac), out);
	explicit_bzero(b.p, b.n);
	yc_buf_free(&b);
}

/* In a dry run references to what the same run would create are no errors. */
static enum yc_code person_ready(struct yc_req *rq, Pb__Person *p, int dry, struct yc_err *e)
{
	struct dir *d = yc_req_self(rq);
	enum yc_code c = dir_person_ready(d, yc_req_arena(rq), p, e);
	Pb__Org *o;
	Pb__Skill *s;

	if (c != YC_INVALID || !dry)
		return c;
	if (dir_person_check(p, NULL))
		return c;
	if (dir_org_get(d, yc_req_arena(rq), p->org, &o, NULL) || (!o && !yc_is_empty(p->org) && !dry_has(rq, "org", p->org)))
		return c;
	for (size_t i = 0; i < p->n_skills; i++)
		if (dir_skill_get(d, yc_req_arena(rq), p->skills[i]->skill, &s, NULL) || (!s && !dry_has(rq, "skill", p->skills[i]->skill)))
			return c;
	return YC_OK;
}

static enum yc_code new_password(struct dir *d, const char *person_id, const char *password, int had, struct yc_err *e)
{
	char mark[65];
	enum yc_code c = YC_OK;

	dir_mark(d, person_id, password, mark);
	if (had)                                         /* the old one ends now, not when the new one is hashed */
		c = dir_revoke_all(d, person_id, e);
	return c ? c : dir_pw_later(d, person_id, password, mark, e);
}

static enum yc_code store_person(struct yc_req *rq, Pb__Person *p, const struct dir_person *was, int new_pw, int action, struct yc_err *e)
{
	struct dir *d = yc_req_self(rq);
	const char *password = p->password;
	enum yc_code c;

	if (was) {
		p->id = was->p->id;
		p->version = was->p->version;
	} else {
		p->id = (char *)protobuf_c_empty_string;
	}
	if ((c = dir_person_store(d, yc_req_arena(rq), p, was, e)))
		return c;
	if (new_pw && (c = new_password(d, p->id, password, was != NULL, e)))
		return c;
	return done(rq, "person", p->staff_no, action, e);
}

static enum yc_code apply_person(struct yc_req *rq, void *msg, int dry, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	static const char *const ignore[] = { "id", "version", "password", "org_path", "fields", NULL };
	struct dir *d = yc_req_self(rq);
	Pb__Person *p = msg;
	struct dir_person was, other;
	char mark[65];
	int n = 0, new_pw = !yc_is_empty(p->password);
	enum yc_code c;

	yc_copy(key, 128, p->staff_no);
	if ((c = dir_person_get(d, yc_req_arena(rq), DIR_BY_STAFF_NO, p->staff_no, &was, e)))
		return c;
	dir_person_merge(p, was.p);
	if ((c = person_ready(rq, p, dry, e)) || (new_pw && (c = dir_password_check(p->password, e))))
		return c;
	if ((c = dir_person_get(d, yc_req_arena(rq), DIR_BY_LOGIN, p->login, &other, e)))
		return c;
	if (other.p && !yc_streq(other.p->staff_no, p->staff_no))
		return yc_fail(e, YC_CONFLICT, "login", "belongs to staff number %s", other.p->staff_no);
	if (was.p) {
		n = yc_json_diff(diff, &was.p->base, &p->base, ignore);
		dir_mark(d, was.p->id, p->password, mark);
		new_pw = new_pw && !yc_streq(mark, was.pw_mark);
		if (new_pw)
			yc_buf_str(diff, "password: changed\n");
	}
	*action = action_of(was.p, n + new_pw);
	return dry || is_same(*action) ? YC_OK : store_person(rq, p, was.p ? &was : NULL, new_pw, *action, e);
}

/* --- extension --------------------------------------------------------------------------------------------------------------- */

static enum yc_code apply_extension(struct yc_req *rq, void *msg, int dry, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	static const char *const ignore[] = { "version", "password", "ha1_md5", "ha1_sha256", NULL };
	struct dir *d = yc_req_self(rq);
	Pb__Extension *x = msg, *was = NULL;
	int n = 0;
	enum yc_code c = dir_extension_check(x, e);

	yc_copy(key, 128, x->number);
	if (c || (c = dir_extension_get(d, yc_req_arena(rq), x->number, &was, e)))
		return c;
	dir_extension_digest(d, yc_req_arena(rq), x, was);
	if (yc_is_empty(x->ha1_md5) && yc_is_empty(x->static_contact) && !x->deleted)
		return yc_fail(e, YC_INVALID, "password", "a phone needs a password, or a static_contact");
	if (was && !yc_streq(was->realm, x->realm) && yc_streq(was->ha1_md5, x->ha1_md5) && !yc_is_empty(x->ha1_md5))
		return yc_fail(e, YC_INVALID, "realm", "another realm needs the password again");
	if (was) {
		n = yc_json_diff(diff, &was->base, &x->base, ignore);
		if (!yc_streq(was->ha1_md5, x->ha1_md5) && ++n)
			yc_buf_str(diff, "password: changed\n");
	}
	*action = action_of(was, n);
	if (dry || is_same(*action))
		return YC_OK;
	x->version = was ? was->version : 1;
	if ((c = dir_extension_put(d, x, !was, e)))
		return c;
	x->version += was != NULL;
	if ((c = yc_emit(d->n, "extension.changed", "", x->number, x, e)))
		return c;
	return done(rq, "extension", x->number, *action, e);
}

/* --- calendar ---------------------------------------------------------------------------------------------------------------- */

static enum yc_code apply_calendar(struct yc_req *rq, void *msg, int dry, char key[128], int *action, struct yc_buf *diff, struct yc_err *e)
{
	static const char *const ignore[] = { "version", NULL };
	struct dir *d = yc_req_self(rq);
	Pb__Calendar *cal = msg, *was = NULL;
	enum yc_code c;

	yc_copy(key, 128, cal->code);
	if (!dir_is_code(cal->code))
		return yc_fail(e, YC_INVALID, "code", "must be 1 to 63 of a-z 0-9 _ - and begin with a letter or digit");
	if ((c = dir_calendar_check(cal, e)) || (c = dir_calendar_get(d, yc_req_arena(rq), cal->code, &was, e)))
		return c;
	*action = action_of(was, was ? yc_json_diff(diff, &was->base, &cal->base, ignore) : 0);
	if (dry || is_same(*action))
		return YC_OK;
	cal->version = was ? was->version : 1;
	if ((c = dir_calendar_put(d, yc_req_arena(rq), cal, !was, e)))
		return c;
	cal->version += was != NULL;
	if ((c = yc_emit(d->n, "calendar.changed", "", cal->code, cal, e)))
		return c;
	return done(rq, "calendar", cal->code, *action, e);
}

const struct yc_import_kind dir_imports[] = {
	{ "org", &pb__org__descriptor, apply_org },
	{ "skill", &pb__skill__descriptor, apply_skill },
	{ "person", &pb__person__descriptor, apply_person },
	{ "extension", &pb__extension__descriptor, apply_extension },
	{ "calendar", &pb__calendar__descriptor, apply_calendar },
	{ 0 }
};
