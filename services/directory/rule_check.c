#include "rule_check.h"

#include "yc/json.h"
#include "yc/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(r) (1u << PB__ROLE__ROLE_##r)

static int all_in(const char *s, const char *more)
{
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !isdigit((unsigned char)*s) && !strchr(more, *s))
			return 0;
	return 1;
}

int dir_is_code(const char *s)
{
	return !yc_is_empty(s) && strlen(s) < DIR_CODE_LEN && isalnum((unsigned char)*s) && all_in(s, "_-");
}

int dir_is_login(const char *s)
{
	return !yc_is_empty(s) && strlen(s) < DIR_CODE_LEN && isalnum((unsigned char)*s) && all_in(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_-.@");
}

int dir_is_scope(const char *s)
{
	const char *colon = s ? strchr(s, ':') : NULL;

	if (yc_streq(s, "*"))
		return 1;
	return colon && colon > s && colon[1] && strlen(s) < DIR_CODE_LEN && all_in(s, "_:*") && !strchr(colon + 1, ':');
}

static enum yc_code check_name(const char *name, const char *field, int need, struct yc_err *e)
{
	if (need && yc_is_empty(name))
		return yc_fail(e, YC_INVALID, field, "must not be empty");
	if (yc_utf8_len(name) > DIR_NAME_LEN)
		return yc_fail(e, YC_INVALID, field, "at most %d characters", DIR_NAME_LEN);
	return YC_OK;
}

static enum yc_code check_code(const char *code, const char *field, struct yc_err *e)
{
	if (!dir_is_code(code))
		return yc_fail(e, YC_INVALID, field, "must be 1 to 63 of a-z 0-9 _ - and begin with a letter or digit");
	return YC_OK;
}

enum yc_code dir_org_check(const Pb__Org *o, struct yc_err *e)
{
	static const char *const kinds[] = { "province", "branch", "department", "team", "partner" };
	size_t k = 0;
	enum yc_code c = check_code(o->code, "code", e);

	if (c || (c = check_name(o->name, "name", 1, e)) || (c = check_name(o->name_en, "name_en", 0, e)))
		return c;
	if (!yc_is_empty(o->parent) && (c = check_code(o->parent, "parent", e)))
		return c;
	if (yc_streq(o->parent, o->code))
		return yc_fail(e, YC_INVALID, "parent", "an organisation cannot be its own parent");
	while (k < 5 && !yc_streq(o->type, kinds[k]))
		k++;
	if (k == 5)
		return yc_fail(e, YC_INVALID, "type", "must be province, branch, department, team or partner");
	return YC_OK;
}

enum yc_code dir_skill_check(const Pb__Skill *s, struct yc_err *e)
{
	enum yc_code c = check_code(s->code, "code", e);

	if (c || (c = check_name(s->name, "name", 1, e)))
		return c;
	return check_name(s->name_en, "name_en", 0, e);
}

static enum yc_code check_person_skills(const Pb__Person *p, struct yc_err *e)
{
	char f[48];

	if (p->n_skills > 50)
		return yc_fail(e, YC_INVALID, "skills", "at most 50 skills a person");
	for (size_t i = 0; i < p->n_skills; i++) {
		snprintf(f, sizeof(f), "skills.%zu.skill", i);
		if (!dir_is_code(p->skills[i]->skill))
			return yc_fail(e, YC_INVALID, f, "must be the code of a skill");
		for (size_t k = 0; k < i; k++)
			if (yc_streq(p->skills[k]->skill, p->skills[i]->skill))
				return yc_fail(e, YC_INVALID, f, "this skill stands here twice");
		snprintf(f, sizeof(f), "skills.%zu.level", i);
		if (p->skills[i]->level < 1 || p->skills[i]->level > 5)
			return yc_fail(e, YC_INVALID, f, "must be 1 to 5");
	}
	return YC_OK;
}

enum yc_code dir_person_check(const Pb__Person *p, struct yc_err *e)
{
	uint32_t mask;
	enum yc_code c;

	if (!dir_is_login(p->staff_no))
		return yc_fail(e, YC_INVALID, "staff_no", "must be 1 to 63 letters, digits or _ - . @");
	if (!yc_is_empty(p->login) && !dir_is_login(p->login))
		return yc_fail(e, YC_INVALID, "login", "must be 1 to 63 letters, digits or _ - . @");
	if ((c = check_name(p->name, "name", 1, e)) || (c = check_name(p->name_en, "name_en", 0, e)))
		return c;
	if ((c = dir_roles_mask(p->roles, p->n_roles, &mask, e)))
		return c;
	if (yc_is_empty(p->org) && !(mask & BIT(ADMIN)))
		return yc_fail(e, YC_INVALID, "org", "everybody but an administrator belongs to an organisation");
	if (!yc_is_empty(p->org) && (c = check_code(p->org, "org", e)))
		return c;
	return check_person_skills(p, e);
}

enum yc_code dir_extension_check(const Pb__Extension *x, struct yc_err *e)
{
	size_t n = strlen(x->number);

	if (n < 2 || n > 8 || strspn(x->number, "0123456789") != n)
		return yc_fail(e, YC_INVALID, "number", "must be 2 to 8 digits");
	if (!yc_is_empty(x->static_contact) && strncmp(x->static_contact, "sip:", 4) && strncmp(x->static_contact, "sips:", 5))
		return yc_fail(e, YC_INVALID, "static_contact", "must begin with sip: or sips:");
	if (strlen(x->static_contact) > 255 || strpbrk(x->static_contact, " \t\r\n<>\""))
		return yc_fail(e, YC_INVALID, "static_contact", "is no plain SIP address");
	if (strpbrk(x->realm, "\"\\\r\n:") || strlen(x->realm) > 127)
		return yc_fail(e, YC_INVALID, "realm", "has a character that a digest realm cannot have");
	if (strlen(x->password) > DIR_PASSWORD_MAX)
		return yc_fail(e, YC_INVALID, "password", "at most %d bytes", DIR_PASSWORD_MAX);
	return YC_OK;
}

enum yc_code dir_password_check(const char *password, struct yc_err *e)
{
	if (yc_utf8_len(password) < DIR_PASSWORD_MIN)
		return yc_fail(e, YC_INVALID, "password", "at least %d characters", DIR_PASSWORD_MIN);
	if (strlen(password) > DIR_PASSWORD_MAX)
		return yc_fail(e, YC_INVALID, "password", "at most %d bytes", DIR_PASSWORD_MAX);
	return YC_OK;
}

enum yc_code dir_roles_mask(char **names, size_t n, uint32_t *mask, struct yc_err *e)
{
	char f[32];

	*mask = 0;
	for (size_t i = 0; i < n; i++) {
		int r = yc_enum_value(&pb__role__descriptor, names[i]);

		snprintf(f, sizeof(f), "roles.%zu", i);
		if (r < PB__ROLE__ROLE_ADMIN || r > PB__ROLE__ROLE_CUSTOMER)
			return yc_fail(e, YC_INVALID, f, "is not a role");
		*mask |= 1u << r;
	}
	return YC_OK;
}

size_t dir_roles_names(struct yc_arena *a, uint32_t mask, char ***names)
{
	char buf[32], **v = yc_alloc(a, 16 * sizeof(*v));
	size_t n = 0;

	*names = v;
	for (int r = PB__ROLE__ROLE_ADMIN; v && r <= PB__ROLE__ROLE_CUSTOMER; r++)
		if (mask & (1u << r))
			v[n++] = yc_strdup(a, yc_enum_name(&pb__role__descriptor, r, buf, sizeof(buf)));
	return n;
}

uint32_t dir_roles_beyond(uint32_t mine)
{
	if (mine & (BIT(ADMIN) | BIT(SERVICE)))
		return 0;
	return BIT(ADMIN) | BIT(SUPERVISOR) | BIT(AUDITOR) | BIT(INTEGRATOR) | BIT(BRANCH_ADMIN);
}

char *dir_skills_pack(struct yc_arena *a, Pb__SkillLevel **v, size_t n)
{
	char *s = yc_strdup(a, "");

	for (size_t i = 0; s && i < n; i++)
		s = yc_sprintf(a, "%s%s%s:%d", s, i ? " " : "", v[i]->skill, v[i]->level);
	return s;
}

size_t dir_skills_unpack(struct yc_arena *a, const char *text, Pb__SkillLevel ***v)
{
	size_t n = 0;

	*v = NULL;
	while (*text) {
		size_t len = strcspn(text, ":");
		Pb__SkillLevel *s = yc_pb_add(a, &pb__skill_level__descriptor, v, &n);

		if (!s || !text[len])
			break;
		s->skill = yc_strndup(a, text, len);
		s->level = (int32_t)strtol(text + len + 1, NULL, 10);
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	return n;
}

int dir_path_inside(const char *path, const char *base)
{
	size_t n = strlen(base);

	if (n && base[n - 1] == '/')
		n--;
	return !strncmp(path, base, n) && (!path[n] || path[n] == '/');
}

static int given(const Pb__Person *p, const char *field)
{
	for (size_t i = 0; i < p->n_fields; i++)
		if (yc_streq(p->fields[i], field))
			return 1;
	return 0;
}

void dir_person_merge(Pb__Person *p, const Pb__Person *was)
{
	if (!p->n_fields)
		return;
	if (!given(p, "active"))
		p->active = was ? was->active : 1;
	if (!was)
		return;
#define KEEP(f) if (!given(p, #f)) p->f = was->f
	KEEP(staff_no);
	KEEP(login);
	KEEP(name);
	KEEP(name_en);
	KEEP(org);
	if (!given(p, "roles")) {
		p->roles = was->roles;
		p->n_roles = was->n_roles;
	}
	if (!given(p, "skills")) {
		p->skills = was->skills;
		p->n_skills = was->n_skills;
	}
#undef KEEP
}
