-- Customers, the numbers that lead to them, and what happened with them.
CREATE TABLE crm_customer (
	id              TEXT NOT NULL PRIMARY KEY,
	name            TEXT NOT NULL,
	grade           TEXT NOT NULL,
	note            TEXT NOT NULL,
	org_path        TEXT NOT NULL,
	created_at      BIGINT NOT NULL,
	version         BIGINT NOT NULL,
	contacts        BIGINT NOT NULL,
	last_contact_at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
-- Most customers of a public hotline have no name; those that have are searched by it.
CREATE INDEX crm_customer_name ON crm_customer (name) WHERE name <> '';

CREATE TABLE crm_phone (
	phone       TEXT NOT NULL PRIMARY KEY,
	reversed    TEXT NOT NULL,              -- for search by the last digits
	customer_id TEXT NOT NULL,
	place       BIGINT NOT NULL             -- order among the customer's numbers
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX crm_phone_customer ON crm_phone (customer_id);
CREATE INDEX crm_phone_reversed ON crm_phone (reversed);

CREATE TABLE crm_timeline (
	customer_id TEXT NOT NULL,
	id          TEXT NOT NULL,              -- tli_ + the ULID of the call, or of the event: sorts by time
	at          BIGINT NOT NULL,
	kind        TEXT NOT NULL,
	channel     TEXT NOT NULL,
	contact_id  TEXT NOT NULL,
	matter_id   TEXT NOT NULL,
	title       TEXT NOT NULL,
	object_id   TEXT NOT NULL,
	agent_id    TEXT NOT NULL,
	duration_ms BIGINT NOT NULL,
	outcome     TEXT NOT NULL,
	PRIMARY KEY (customer_id, id)
) /*sqlite WITHOUT ROWID*/;
