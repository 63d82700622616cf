-- What the gateway owns besides its events and blobs: numbers, flows and trunks as imported (JSON of the proto message), and how far back
-- the outbox must be read after a crash to find calls that never ended.
CREATE TABLE number (
	name    TEXT NOT NULL PRIMARY KEY,
	doc     TEXT NOT NULL,
	version BIGINT NOT NULL
);
CREATE TABLE flow (
	name    TEXT NOT NULL PRIMARY KEY,
	doc     TEXT NOT NULL,
	version BIGINT NOT NULL
);
CREATE TABLE trunk (
	name    TEXT NOT NULL PRIMARY KEY,
	doc     TEXT NOT NULL,
	version BIGINT NOT NULL
);
CREATE TABLE journal_mark (
	source TEXT NOT NULL PRIMARY KEY,
	seq    BIGINT NOT NULL
);
