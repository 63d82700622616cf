-- Facts, each written once from the event that tells it.
-- What the trace of a matter is drawn from: a few words per event, clustered by matter. doc is only there for orders.
CREATE TABLE report_event (
	matter_id  TEXT NOT NULL,
	id         TEXT NOT NULL,               -- the event's id
	at         BIGINT NOT NULL,
	type       BIGINT NOT NULL,             -- enum report_type
	source     TEXT NOT NULL,
	contact_id TEXT NOT NULL,
	object_id  TEXT NOT NULL,
	actor_id   TEXT NOT NULL,
	actor_name TEXT NOT NULL,
	detail     TEXT NOT NULL,
	extra      TEXT NOT NULL,
	n          BIGINT NOT NULL,
	doc        BLOB NOT NULL,
	PRIMARY KEY (matter_id, id)
) /*sqlite WITHOUT ROWID*/;

CREATE TABLE report_matter (
	id           TEXT NOT NULL PRIMARY KEY,
	opened_at    BIGINT NOT NULL,
	closed_at    BIGINT NOT NULL,
	state        TEXT NOT NULL,             -- open | closed
	phone        TEXT NOT NULL,
	customer_id  TEXT NOT NULL,
	title        TEXT NOT NULL,
	order_number TEXT NOT NULL,
	holder_path  TEXT NOT NULL,             -- organisation that holds its order now
	open_calls   BIGINT NOT NULL,
	open_orders  BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX report_matter_phone ON report_matter (phone);
CREATE INDEX report_matter_number ON report_matter (order_number) WHERE order_number <> '';
CREATE INDEX report_matter_holder ON report_matter (holder_path) WHERE holder_path <> '';

-- One row per work item: the interval tables are counted from these.
CREATE TABLE report_item (
	id          TEXT NOT NULL PRIMARY KEY,
	arrived_at  BIGINT NOT NULL,
	queue       TEXT NOT NULL,
	channel     TEXT NOT NULL,
	state       BIGINT NOT NULL,            -- enum ItemState
	accepted_at BIGINT NOT NULL,
	ended_at    BIGINT NOT NULL,
	wait_ms     BIGINT NOT NULL,
	talk_ms     BIGINT NOT NULL,
	offers      BIGINT NOT NULL,
	agent_id    TEXT NOT NULL,
	contact_id  TEXT NOT NULL,
	matter_id   TEXT NOT NULL,
	reason      TEXT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX report_item_arrived ON report_item (arrived_at);

CREATE TABLE report_call (
	id         TEXT NOT NULL PRIMARY KEY,
	started_at BIGINT NOT NULL,
	ended_at   BIGINT NOT NULL,
	called     TEXT NOT NULL,
	caller     TEXT NOT NULL,
	queue      TEXT NOT NULL,
	agent_id   TEXT NOT NULL,
	matter_id  TEXT NOT NULL,
	ended_by   TEXT NOT NULL,
	reason     TEXT NOT NULL,
	sip_status BIGINT NOT NULL,
	ivr_ms     BIGINT NOT NULL,
	wait_ms    BIGINT NOT NULL,
	talk_ms    BIGINT NOT NULL,
	rtp_lost   BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;

-- Running totals, for reconciliation.
CREATE TABLE report_total (
	name TEXT NOT NULL PRIMARY KEY,
	n    BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;

-- What an agent in wrap-up is wrapping up: the event that ends it no longer says.
CREATE TABLE report_wrap (
	agent_id   TEXT NOT NULL PRIMARY KEY,
	matter_id  TEXT NOT NULL,
	contact_id TEXT NOT NULL,
	item_id    TEXT NOT NULL
) /*sqlite WITHOUT ROWID*/;

-- Names of people, organisations, queues and steps, copied from their owners.
CREATE TABLE report_name (
	kind    TEXT NOT NULL,                  -- person | org | queue | step
	id      TEXT NOT NULL,
	name    TEXT NOT NULL,
	name_en TEXT NOT NULL,
	path    TEXT NOT NULL,                  -- org: its path
	n       BIGINT NOT NULL,                -- queue: service level in ms
	PRIMARY KEY (kind, id)
) /*sqlite WITHOUT ROWID*/;
