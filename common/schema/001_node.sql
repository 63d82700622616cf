-- What every service's store holds: who it is, its outbox, how far it has read others, which writes it has answered.
CREATE TABLE yc_meta (
	k TEXT PRIMARY KEY,
	v TEXT NOT NULL
);
-- Events of this store. The newest row of a source is never pruned: it is the memory of the sequence.
CREATE TABLE yc_outbox (
	source TEXT NOT NULL,
	incarnation TEXT NOT NULL,
	seq BIGINT NOT NULL,
	at BIGINT NOT NULL,
	event BLOB NOT NULL,
	PRIMARY KEY (source, incarnation, seq)
) /*sqlite WITHOUT ROWID*/;
CREATE TABLE yc_cursor (
	source TEXT PRIMARY KEY,
	incarnation TEXT NOT NULL,
	seq BIGINT NOT NULL
);
-- Answers of writes, so that the same request id has its effect once. fingerprint: what was asked, and by whom.
CREATE TABLE yc_done (
	request_id TEXT PRIMARY KEY,
	fingerprint BIGINT NOT NULL,
	reply BLOB NOT NULL,
	at BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
CREATE INDEX yc_done_at ON yc_done (at);
