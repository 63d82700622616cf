#include "directory.h"

#include "password.h"
#include "rule_check.h"

#include "yc/id.h"
#include "yc/text.h"

#include <stdio.h>
#include <string.h>

void dir_person_public(Pb__Person *p)
{
	p->password = (char *)protobuf_c_empty_string;
	p->n_fields = 0;
	p->fields = NULL;
}

enum yc_code dir_person_ready(struct dir *d, struct yc_arena *a, Pb__Person *p, struct yc_err *e)
{
	Pb__Org *o = NULL;
	Pb__Skill *s;
	char f[48];
	enum yc_code c = dir_person_check(p, e);

	if (c)
		return c;
	p->org_path = yc_strdup(a, "/");
	if (!yc_is_empty(p->org)) {
		if ((c = dir_org_get(d, a, p->org, &o, e)))
			return c;
		if (!o)
			return yc_fail(e, YC_INVALID, "org", "no such organisation: %s", p->org);
		p->org_path = o->path;
	}
	for (size_t i = 0; i < p->n_skills; i++) {
		snprintf(f, sizeof(f), "skills.%zu.skill", i);
		if ((c = dir_skill_get(d, a, p->skills[i]->skill, &s, e)))
			return c;
		if (!s)
			return yc_fail(e, YC_INVALID, f, "no such skill: %s", p->skills[i]->skill);
	}
	return YC_OK;
}

static enum yc_code keeps_an_admin(struct dir *d, const Pb__Person *p, const struct dir_person *was, struct yc_err *e)
{
	uint32_t roles;
	int64_t others;
	enum yc_code c = dir_roles_mask(p->roles, p->n_roles, &roles, e);

	if (c || !was || !was->p->active || !(was->roles & YC_ROLE(ADMIN)) || (p->active && (roles & YC_ROLE(ADMIN))))
		return c;
	if ((c = dir_admins_but(d, p->id, &others, e)))
		return c;
	return others ? YC_OK : yc_fail(e, YC_CONFLICT, "roles", "this is the last administrator");
}

enum yc_code dir_person_store(struct dir *d, struct yc_arena *a, Pb__Person *p, const struct dir_person *was, struct yc_err *e)
{
	char id[YC_ID_LEN];
	enum yc_code c = keeps_an_admin(d, p, was, e);

	if (c)
		return c;
	if (!was && yc_is_empty(p->id))
		p->id = yc_strdup(a, yc_id_new("prs", id));
	if ((c = dir_person_save(d, a, p, !was, e)))
		return c;
	dir_person_public(p);
	if (was && was->p->active && !p->active && (c = dir_revoke_all(d, p->id, e)))
		return c;
	return yc_emit(d->n, "person.changed", "", p->id, p, e);
}

static enum yc_code find_person(struct dir *d, struct yc_arena *a, const char *key, struct dir_person *out, struct yc_err *e)
{
	enum yc_code c = dir_person_get(d, a, DIR_BY_ID, key, out, e);

	return c || out->p ? c : dir_person_get(d, a, DIR_BY_STAFF_NO, key, out, e);
}

enum yc_code dir_on_person_get(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	const Pb__KeyReq *k = in;
	struct dir_person x;
	enum yc_code c = find_person(yc_req_self(rq), yc_req_arena(rq), k->id, &x, e);

	if (c)
		return c;
	/* not allowed to know and not there look the same */
	if (!x.p || (!yc_req_sees(rq, x.p->org_path) && !yc_streq(x.p->id, yc_req_who(rq)->person_id)))
		return yc_fail(e, YC_NOT_FOUND, "id", "no such person");
	*(Pb__Person *)out = *x.p;
	return YC_OK;
}

enum yc_code dir_on_person_list(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	struct dir_page pg;
	enum yc_code c = dir_page_of(rq, in, &pg, e);

	return c ? c : dir_person_page(yc_req_self(rq), yc_req_arena(rq), &pg, out, e);
}

/* --- changing ---------------------------------------------------------------------------------------------------------------- */

struct change { Pb__Person *p; struct dir_person was; int is_new; const char *action; };

static enum yc_code may_change(struct yc_req *rq, const struct change *x, struct yc_err *e)
{
	uint32_t beyond = dir_roles_beyond(yc_req_who(rq)->roles), roles;
	enum yc_code c = dir_roles_mask(x->p->roles, x->p->n_roles, &roles, e);

	if (c)
		return c;
	if (!yc_req_sees(rq, x->p->org_path))
		return yc_fail(e, YC_FORBIDDEN, "org", "this organisation is not yours to administer");
	if ((roles | x->was.roles) & beyond)
		return yc_fail(e, YC_FORBIDDEN, "roles", "only an administrator gives, takes or edits these roles");
	return YC_OK;
}

static enum yc_code store_change(struct yc_req *rq, void *ctx, const char *hash, int ok, struct yc_err *e)
{
	struct dir *d = yc_req_self(rq);
	struct change *x = ctx;
	enum yc_code c = dir_person_store(d, yc_req_arena(rq), x->p, x->is_new ? NULL : &x->was, e);

	if (c == YC_OK && hash)
		c = dir_person_password(d, x->p->id, hash, "", e);
	if (c == YC_OK && hash && !x->is_new)
		c = dir_revoke_all(d, x->p->id, e);
	if (c == YC_OK)
		c = dir_audit(d, yc_req_who(rq), x->action, x->p->id, yc_sprintf(yc_req_arena(rq), "%s%s", x->p->staff_no, hash ? ", password" : ""), e);
	if (c == YC_OK)
		*(Pb__Person *)yc_req_out(rq) = *x->p;
	return c;
}

static enum yc_code load_change(struct yc_req *rq, const Pb__Person *in, struct change *x, struct yc_err *e)
{
	struct dir *d = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	enum yc_code c;

	x->p = yc_memdup(a, in, sizeof(*in));
	if (yc_is_empty(in->id)) {
		x->is_new = 1;
		x->action = "person.create";
		dir_person_merge(x->p, NULL);
		return YC_OK;
	}
	x->action = "person.update";
	if ((c = find_person(d, a, in->id, &x->was, e)))
		return c;
	if (!x->was.p || !yc_req_sees(rq, x->was.p->org_path))
		return yc_fail(e, YC_NOT_FOUND, "id", "no such person");
	if (in->version && in->version != x->was.p->version)
		return yc_fail(e, YC_STALE, "version", "somebody changed this person since it was read");
	x->p->id = x->was.p->id;
	x->p->version = x->was.p->version;
	dir_person_merge(x->p, x->was.p);
	return YC_OK;
}

enum yc_code dir_on_person_put(struct yc_req *rq, const void *in, void *out, struct yc_err *e)
{
	struct yc_arena *a = yc_req_arena(rq);
	struct change *x = yc_alloc(a, sizeof(*x));
	enum yc_code c = load_change(rq, in, x, e);

	if (c || (c = dir_person_ready(yc_req_self(rq), a, x->p, e)) || (c = may_change(rq, x, e)))
		return c;
	if (yc_is_empty(x->p->password))
		return store_change(rq, x, NULL, 0, e);
	if ((c = dir_password_check(x->p->password, e)))
		return c;
	return dir_pw_hold(rq, x->p->password, NULL, store_change, x, e);
}

enum yc_code dir_on_grant_skill(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__GrantSkillReq *in = vin;
	struct dir *d = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	struct change x = { .action = "person.skill" };
	Pb__SkillLevel *s = NULL;
	enum yc_code c = find_person(d, a, in->person_id, &x.was, e);

	if (c)
		return c;
	if (!x.was.p || !yc_req_sees(rq, x.was.p->org_path))
		return yc_fail(e, YC_NOT_FOUND, "person_id", "no such person");
	if (in->if_version && in->if_version != x.was.p->version)
		return yc_fail(e, YC_STALE, "if_version", "somebody changed this person since it was read");
	if (in->level < 0 || in->level > 5)
		return yc_fail(e, YC_INVALID, "level", "must be 1 to 5, or 0 to take the skill away");
	x.p = yc_memdup(a, x.was.p, sizeof(*x.p));
	for (size_t i = 0; i < x.p->n_skills; i++)
		if (yc_streq(x.p->skills[i]->skill, in->skill))
			s = x.p->skills[i];
	if (!s && in->level && (s = yc_pb_add(a, &pb__skill_level__descriptor, &x.p->skills, &x.p->n_skills)))
		s->skill = in->skill;
	if (s)
		s->level = in->level;
	for (size_t i = 0; !in->level && i < x.p->n_skills; i++)
		if (x.p->skills[i] == s)
			x.p->skills[i] = x.p->skills[--x.p->n_skills];
	if ((c = dir_person_ready(d, a, x.p, e)))
		return c;
	return store_change(rq, &x, NULL, 0, e);
}

/* The first administrator comes from the command line of the box, which speaks as one of our processes; further ones from an administrator. */
enum yc_code dir_on_admin_create(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	static char *const admin_role[] = { "admin" };
	const Pb__AdminCreateReq *in = vin;
	struct dir *d = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	struct change *x = yc_alloc(a, sizeof(*x));
	int64_t admins;
	enum yc_code c = dir_admins_but(d, "", &admins, e);

	if (c)
		return c;
	if (admins && !(yc_req_who(rq)->roles & YC_ROLE(ADMIN)))
		return yc_fail(e, YC_CONFLICT, NULL, "there is an administrator already: sign in as one and create people there");
	x->p = yc_pb_new(a, &pb__person__descriptor);
	x->is_new = 1;
	x->action = "admin.create";
	x->p->login = in->login;
	x->p->name = yc_is_empty(in->name) ? in->login : in->name;
	x->p->staff_no = yc_is_empty(in->staff_no) ? in->login : in->staff_no;
	x->p->roles = yc_memdup(a, admin_role, sizeof(admin_role));
	x->p->n_roles = 1;
	x->p->active = 1;
	if (yc_is_empty(in->login))
		return yc_fail(e, YC_INVALID, "login", "must not be empty");
	if ((c = dir_person_ready(d, a, x->p, e)) || (c = dir_password_check(in->password, e)))
		return c;
	return dir_pw_hold(rq, in->password, NULL, store_change, x, e);
}
