-- Orders: what happened (ticket_entry, append-only) and what it amounts to (ticket_order, a projection).
CREATE TABLE ticket_order (
	id TEXT PRIMARY KEY,
	number TEXT NOT NULL UNIQUE,
	state BIGINT NOT NULL,
	matter_id TEXT NOT NULL,
	customer_id TEXT NOT NULL,
	customer_phone TEXT NOT NULL,
	owner_id TEXT NOT NULL,
	calendar TEXT NOT NULL,
	due_at BIGINT NOT NULL,
	version BIGINT NOT NULL,
	doc BLOB NOT NULL
);
CREATE INDEX ticket_order_state ON ticket_order (state, id);
CREATE INDEX ticket_order_matter ON ticket_order (matter_id, id);
CREATE INDEX ticket_order_customer ON ticket_order (customer_id, id);
CREATE INDEX ticket_order_phone ON ticket_order (customer_phone, id);
CREATE INDEX ticket_order_owner ON ticket_order (owner_id, id);
CREATE TABLE ticket_entry (
	order_id TEXT NOT NULL,
	seq BIGINT NOT NULL,
	at BIGINT NOT NULL,
	kind TEXT NOT NULL,
	doc BLOB NOT NULL,
	PRIMARY KEY (order_id, seq)
);
-- Which organisations hold (now = 1) or held an order: the holder's path and each path above it except the root, so that "mine and
-- below" is one equality.
CREATE TABLE ticket_holding (
	org_path TEXT NOT NULL,
	order_id TEXT NOT NULL,
	now BIGINT NOT NULL,
	PRIMARY KEY (org_path, order_id)
);
CREATE INDEX ticket_holding_order ON ticket_holding (order_id);
CREATE TABLE ticket_counter (
	site TEXT NOT NULL,
	day BIGINT NOT NULL,
	n BIGINT NOT NULL,
	PRIMARY KEY (site, day)
);
-- Imported here. used = 1: an order runs on this version, which therefore never changes again.
CREATE TABLE ticket_process (
	code TEXT NOT NULL,
	version_no BIGINT NOT NULL,
	used BIGINT NOT NULL,
	version BIGINT NOT NULL,
	doc BLOB NOT NULL,
	PRIMARY KEY (code, version_no)
);
CREATE TABLE ticket_service (
	code TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	doc BLOB NOT NULL
);
-- Copies of what directory owns, so that orders go on when it is away.
CREATE TABLE ticket_calendar (
	code TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	recalc BIGINT NOT NULL,
	recalc_after TEXT NOT NULL,
	doc BLOB NOT NULL
);
CREATE TABLE ticket_org (
	code TEXT PRIMARY KEY,
	path TEXT NOT NULL,
	name TEXT NOT NULL,
	kind TEXT NOT NULL,
	version BIGINT NOT NULL
);
CREATE INDEX ticket_org_path ON ticket_org (path);
CREATE TABLE ticket_person (
	id TEXT PRIMARY KEY,
	staff_no TEXT NOT NULL,
	name TEXT NOT NULL,
	org_path TEXT NOT NULL,
	active BIGINT NOT NULL,
	version BIGINT NOT NULL
);
CREATE INDEX ticket_person_staff_no ON ticket_person (staff_no);
