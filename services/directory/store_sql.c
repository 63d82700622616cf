#include "store.h"

/* The part of a tree that the caller may see: $n is an organisation path that ends with '/'. */
#define SEEN(path, n) "substr(" path " || '/', 1, length(CAST(" n " AS TEXT))) = " n
#define LIKE(col, n) "lower(" col ") LIKE " n " ESCAPE '\\'"

#define ORG "SELECT code, id, parent, name, name_en, type, path, version FROM org "
#define SKILL "SELECT code, name, name_en, version FROM skill "
#define EXT "SELECT number, ha1_md5, ha1_sha256, static_contact, realm, deleted, version FROM extension "
#define PERSON "SELECT p.id, p.staff_no, p.login, p.name, p.name_en, p.org, p.roles, p.skills, p.active, p.version, " \
	"COALESCE(o.path, ''), p.pw_hash, p.pw_mark FROM person p LEFT JOIN org o ON o.code = p.org "
#define KEY "SELECT k.id, k.name, k.prefix, k.scopes, k.roles, k.org, k.expires_at, k.created_at, k.created_by, k.revoked, k.key_sha256 FROM api_key k "
#define SESSION "SELECT id, token_sha256, person_id, csrf, client, created_at, seen_at, expires_at FROM session "
#define AUDIT "SELECT seq, at, actor, actor_name, action, object, detail, source, hash FROM audit "

const char *const dir_sql[Q_COUNT] = {
	[Q_ORG_GET] = ORG "WHERE code = $1",
	[Q_ORG_NEW] = "INSERT INTO org (code, id, parent, name, name_en, type, path, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	[Q_ORG_SET] = "UPDATE org SET parent = $2, name = $3, name_en = $4, type = $5, path = $6, version = $7 + 1 "
		"WHERE code = $1 AND version = $7",
	[Q_ORG_CHILDREN] = ORG "WHERE parent = $1 ORDER BY code",
	[Q_ORG_PAGE] = ORG "WHERE code > $1 AND " SEEN("path", "$2") " AND (" LIKE("name", "$3") " OR " LIKE("name_en", "$3")
		" OR " LIKE("code", "$3") ") ORDER BY code LIMIT $4",
	[Q_SKILL_GET] = SKILL "WHERE code = $1",
	[Q_SKILL_NEW] = "INSERT INTO skill (code, name, name_en, version) VALUES ($1, $2, $3, $4)",
	[Q_SKILL_SET] = "UPDATE skill SET name = $2, name_en = $3, version = $4 + 1 WHERE code = $1 AND version = $4",
	[Q_SKILL_PAGE] = SKILL "WHERE code > $1 AND (" LIKE("name", "$2") " OR " LIKE("name_en", "$2") " OR " LIKE("code", "$2")
		") ORDER BY code LIMIT $3",
	[Q_EXT_GET] = EXT "WHERE number = $1",
	[Q_EXT_NEW] = "INSERT INTO extension (number, ha1_md5, ha1_sha256, static_contact, realm, deleted, version) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7)",
	[Q_EXT_SET] = "UPDATE extension SET ha1_md5 = $2, ha1_sha256 = $3, static_contact = $4, realm = $5, deleted = $6, version = $7 + 1 "
		"WHERE number = $1 AND version = $7",
	[Q_EXT_PAGE] = EXT "WHERE number > $1 AND deleted = 0 AND " LIKE("number", "$2") " ORDER BY number LIMIT $3",
	[Q_CAL_GET] = "SELECT doc, version FROM calendar WHERE code = $1",
	[Q_CAL_NEW] = "INSERT INTO calendar (code, doc, version) VALUES ($1, $2, $3)",
	[Q_CAL_SET] = "UPDATE calendar SET doc = $2, version = $3 + 1 WHERE code = $1 AND version = $3",
	[Q_CAL_PAGE] = "SELECT doc, version FROM calendar WHERE code > $1 ORDER BY code LIMIT $2",

	[Q_PERSON_BY_ID] = PERSON "WHERE p.id = $1",
	[Q_PERSON_BY_STAFF] = PERSON "WHERE p.staff_no = $1",
	[Q_PERSON_BY_LOGIN] = PERSON "WHERE p.login = $1",
	[Q_PERSON_NEW] = "INSERT INTO person (id, staff_no, login, name, name_en, org, roles, skills, active, pw_hash, pw_mark, version) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', '', $10)",
	[Q_PERSON_SET] = "UPDATE person SET staff_no = $2, login = $3, name = $4, name_en = $5, org = $6, roles = $7, skills = $8, active = $9, "
		"version = $10 + 1 WHERE id = $1 AND version = $10",
	[Q_PERSON_PASSWORD] = "UPDATE person SET pw_hash = $2, pw_mark = $3 WHERE id = $1",
	[Q_PERSON_HASHED] = "UPDATE person SET pw_hash = $2, pw_mark = $3 WHERE id = $1 AND pw_mark = $4",
	[Q_PERSON_PAGE] = PERSON "WHERE p.staff_no > $1 AND " SEEN("COALESCE(o.path, '')", "$2") " AND " SEEN("COALESCE(o.path, '')", "$3")
		" AND (" LIKE("p.name", "$4") " OR " LIKE("p.name_en", "$4") " OR " LIKE("p.staff_no", "$4") " OR " LIKE("p.login", "$4")
		") AND p.active >= $5 AND p.active <= $6 ORDER BY p.staff_no LIMIT $7",
	[Q_PERSON_IN_ORG] = PERSON "WHERE p.org = $1 ORDER BY p.staff_no",
	[Q_ADMINS_BUT] = "SELECT roles FROM person WHERE active = 1 AND id <> $1",

	[Q_SESSION_ADD] = "INSERT INTO session (id, token_sha256, person_id, csrf, client, created_at, seen_at, expires_at) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
	[Q_SESSION_FIND] = SESSION "WHERE token_sha256 = $1",
	[Q_SESSION_TOUCH] = "UPDATE session SET seen_at = $2 WHERE id = $1",
	[Q_SESSION_DELETE] = "DELETE FROM session WHERE id = $1",
	[Q_SESSION_NEXT_OF] = SESSION "WHERE person_id = $1 LIMIT 1",
	[Q_SESSION_SWEEP] = "DELETE FROM session WHERE expires_at <= $1 OR seen_at <= $2",

	[Q_KEY_ADD] = "INSERT INTO api_key (id, key_sha256, prefix, name, scopes, roles, org, expires_at, created_at, created_by, request_id, revoked) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)",
	[Q_KEY_BY_ID] = KEY "WHERE k.id = $1",
	[Q_KEY_BY_SHA] = KEY "WHERE k.key_sha256 = $1",
	[Q_KEY_BY_REQUEST] = KEY "WHERE k.request_id = $1",
	[Q_KEY_REVOKE] = "UPDATE api_key SET revoked = 1 WHERE id = $1",
	[Q_KEY_PAGE] = KEY "WHERE k.id > $1 AND (" LIKE("k.name", "$2") " OR " LIKE("k.prefix", "$2") ") ORDER BY k.id LIMIT $3",

	[Q_AUDIT_ADD] = "INSERT INTO audit (seq, at, actor, actor_name, action, object, detail, source, hash) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
	[Q_AUDIT_HEAD] = "SELECT seq, hash FROM audit_head WHERE one = 1",
	[Q_AUDIT_HEAD_SET] = "UPDATE audit_head SET seq = $1, hash = $2 WHERE one = 1 AND seq = $1 - 1",
	[Q_AUDIT_PAGE] = AUDIT "WHERE seq < $1 AND (" LIKE("action", "$2") " OR " LIKE("object", "$2") " OR " LIKE("actor", "$2")
		" OR " LIKE("actor_name", "$2") ") ORDER BY seq DESC LIMIT $3",
	[Q_AUDIT_AFTER] = AUDIT "WHERE seq > $1 ORDER BY seq LIMIT $2",
};
