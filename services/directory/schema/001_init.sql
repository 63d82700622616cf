CREATE TABLE org (
	code TEXT PRIMARY KEY,
	id TEXT NOT NULL,
	parent TEXT NOT NULL,
	name TEXT NOT NULL,
	name_en TEXT NOT NULL,
	type TEXT NOT NULL,
	path TEXT NOT NULL,
	version BIGINT NOT NULL
);
CREATE UNIQUE INDEX org_path ON org(path);
CREATE INDEX org_parent ON org(parent);

CREATE TABLE skill (
	code TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	name_en TEXT NOT NULL,
	version BIGINT NOT NULL
);

-- skills: "billing:3 english:2"; roles: mask of 1 << Role; pw_mark: keyed fingerprint of a password that came from a file
CREATE TABLE person (
	id TEXT PRIMARY KEY,
	staff_no TEXT NOT NULL,
	login TEXT NOT NULL,
	name TEXT NOT NULL,
	name_en TEXT NOT NULL,
	org TEXT NOT NULL,
	roles BIGINT NOT NULL,
	skills TEXT NOT NULL,
	active BIGINT NOT NULL,
	pw_hash TEXT NOT NULL,
	pw_mark TEXT NOT NULL,
	version BIGINT NOT NULL
);
CREATE UNIQUE INDEX person_staff ON person(staff_no);
CREATE UNIQUE INDEX person_login ON person(login) WHERE login <> '';
CREATE INDEX person_org ON person(org);

CREATE TABLE extension (
	number TEXT PRIMARY KEY,
	ha1_md5 TEXT NOT NULL,
	ha1_sha256 TEXT NOT NULL,
	static_contact TEXT NOT NULL,
	realm TEXT NOT NULL,
	deleted BIGINT NOT NULL,
	version BIGINT NOT NULL
);

-- doc: packed yc.v1.Calendar
CREATE TABLE calendar (
	code TEXT PRIMARY KEY,
	doc BLOB NOT NULL,
	version BIGINT NOT NULL
);

CREATE TABLE session (
	id TEXT PRIMARY KEY,
	token_sha256 TEXT NOT NULL,
	person_id TEXT NOT NULL,
	csrf TEXT NOT NULL,
	client TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	seen_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX session_token ON session(token_sha256);
CREATE INDEX session_person ON session(person_id);
CREATE INDEX session_expires ON session(expires_at);

CREATE TABLE api_key (
	id TEXT PRIMARY KEY,
	key_sha256 TEXT NOT NULL,
	prefix TEXT NOT NULL,
	name TEXT NOT NULL,
	scopes TEXT NOT NULL,
	roles BIGINT NOT NULL,
	org TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	created_by TEXT NOT NULL,
	request_id TEXT NOT NULL,
	revoked BIGINT NOT NULL
);
CREATE UNIQUE INDEX api_key_hash ON api_key(key_sha256);
CREATE UNIQUE INDEX api_key_request ON api_key(request_id);

-- Append-only: no statement of this service changes or removes a row; each hash covers the row before it.
CREATE TABLE audit (
	seq BIGINT PRIMARY KEY,
	at BIGINT NOT NULL,
	actor TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	action TEXT NOT NULL,
	object TEXT NOT NULL,
	detail TEXT NOT NULL,
	source TEXT NOT NULL,
	hash TEXT NOT NULL
);
CREATE INDEX audit_object ON audit(object);
-- One row: where the chain ends. A chain cut off at its end no longer meets it.
CREATE TABLE audit_head (
	one BIGINT PRIMARY KEY,
	seq BIGINT NOT NULL,
	hash TEXT NOT NULL
);
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '');
