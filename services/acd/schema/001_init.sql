-- Queues and seats are acd's own configuration; people and extensions are its copy of directory's, so that it starts without it.
-- What changes by the second (presence, reservations) is in Redis; contacts are the gateways'.
CREATE TABLE acd_queue (
	code TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	doc BLOB NOT NULL
);
CREATE TABLE acd_seat (
	extension TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	doc BLOB NOT NULL
);
CREATE TABLE acd_person (
	id TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	doc BLOB NOT NULL
);
CREATE TABLE acd_extension (
	number TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	doc BLOB NOT NULL
);
