-- Metadata of the files a service keeps (recordings, attachments, pages); the bytes lie in its folder.
CREATE TABLE yc_blob (
	id         TEXT NOT NULL PRIMARY KEY,
	media_type TEXT NOT NULL,
	matter_id  TEXT NOT NULL,
	sha256     TEXT NOT NULL,
	size       BIGINT NOT NULL CHECK (size >= 0),
	at         BIGINT NOT NULL
) /*sqlite WITHOUT ROWID*/;
