/* What the directory's objects must look like, and who may grant what. Pure. */
#ifndef DIR_RULE_CHECK_H
#define DIR_RULE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "yc/arena.h"
#include "yc/err.h"
#include "yc/v1/directory.pb-c.h"

#define DIR_CODE_LEN 64
#define DIR_NAME_LEN 100                 /* characters, not bytes */
#define DIR_PASSWORD_MIN 8
#define DIR_PASSWORD_MAX 128             /* bytes */

/* [a-z0-9][a-z0-9_-]*, at most 63 bytes: codes are parts of organisation paths and of URLs. */
int dir_is_code(const char *s);
/* Staff numbers and logins: also capitals, '.' and '@'. */
int dir_is_login(const char *s);
int dir_is_scope(const char *s);                 /* "orders:read", "calls:*" or "*" */

enum yc_code dir_org_check(const Pb__Org *o, struct yc_err *e) YC_MUST;
enum yc_code dir_skill_check(const Pb__Skill *s, struct yc_err *e) YC_MUST;
enum yc_code dir_person_check(const Pb__Person *p, struct yc_err *e) YC_MUST;
enum yc_code dir_extension_check(const Pb__Extension *x, struct yc_err *e) YC_MUST;
enum yc_code dir_password_check(const char *password, struct yc_err *e) YC_MUST;

/* Role names <-> mask. field is named in the error ("roles.1"). */
enum yc_code dir_roles_mask(char **names, size_t n, uint32_t *mask, struct yc_err *e) YC_MUST;
size_t dir_roles_names(struct yc_arena *a, uint32_t mask, char ***names);
/* Roles that someone with `mine` may neither give nor take nor edit the holder of. 0: none. */
uint32_t dir_roles_beyond(uint32_t mine);

/* Skills of a person as one column: "billing:3 english:2". */
char *dir_skills_pack(struct yc_arena *a, Pb__SkillLevel **v, size_t n);
size_t dir_skills_unpack(struct yc_arena *a, const char *text, Pb__SkillLevel ***v);

/* fields given (PATCH, files): take the others from was (NULL: a new one); active is true for a new person unless said. */
void dir_person_merge(Pb__Person *p, const Pb__Person *was);

/* Is path equal to or below base? base "/" holds everything. */
int dir_path_inside(const char *path, const char *base);

#endif
