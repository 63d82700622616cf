-- Events as they came, in this service's own order. payload: the packed message of the type.
CREATE TABLE feed (
	seq BIGINT PRIMARY KEY,
	at BIGINT NOT NULL,
	type TEXT NOT NULL,
	source TEXT NOT NULL,
	matter_id TEXT NOT NULL,
	key TEXT NOT NULL,
	payload BLOB NOT NULL
);

-- Which gateway holds a recording, and who is heard on it.
CREATE TABLE recording (
	blob_id TEXT PRIMARY KEY,
	gateway TEXT NOT NULL,
	matter_id TEXT NOT NULL,
	agent_id TEXT NOT NULL,
	call_id TEXT NOT NULL
);
