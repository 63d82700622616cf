/* Blobs: the file is in place before the row that speaks of it is committed; a file without a row is harmless litter. */
#include "yc/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/id.h"
#include "yc/log.h"
#include "yc/text.h"

#define PATH_SIZE 512

struct yc_blobs {
	struct yc_db *db;
	int q;
	char folder[PATH_SIZE - 64];
};


enum { Q_PUT, Q_GET, Q_DELETE, Q_COUNT };
static const char *const sql[Q_COUNT] = {
	[Q_PUT] = "INSERT INTO yc_blob (id, media_type, matter_id, sha256, size, at) VALUES ($1, $2, $3, $4, $5, $6)",
	[Q_GET] = "SELECT media_type, matter_id, sha256, size, at FROM yc_blob WHERE id = $1",
	[Q_DELETE] = "DELETE FROM yc_blob WHERE id = $1",
};

static enum yc_code io_error(struct yc_err *e, const char *what, const char *path)
{
	int why = errno;

	yc_error("blob: %s %s: %s", what, path, strerror(why));
	return yc_fail(e, why == ENOENT ? YC_NOT_FOUND : YC_UNAVAILABLE, NULL, "the file cannot be kept or read now: %s", strerror(why));
}

/* mkdir -p */
static int make_folder(char *path)
{
	char *p;

	for (p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		if (mkdir(path, 0750) && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return mkdir(path, 0750) && errno != EEXIST ? -1 : 0;
}

enum yc_code yc_blobs_open(struct yc_blobs **out, struct yc_db *db, const char *folder, struct yc_err *e)
{
	struct yc_blobs *b;
	char path[PATH_SIZE];
	enum yc_code rc;

	*out = NULL;
	if (strlen(folder) >= sizeof(b->folder))
		return yc_fail(e, YC_INVALID, "folder", "the folder's name is too long");
	b = yc_xcalloc(1, sizeof(*b));
	b->db = db;
	yc_copy(b->folder, sizeof(b->folder), folder);
	snprintf(path, sizeof(path), "%s/tmp", folder);
	rc = make_folder(path) ? io_error(e, "cannot create", path) : yc_db_prepare(db, sql, Q_COUNT, &b->q, e);
	if (rc) {
		yc_xfree(b);
		return rc;
	}
	*out = b;
	return YC_OK;
}

void yc_blobs_close(struct yc_blobs **b)
{
	yc_xfree(*b);
	*b = NULL;
}

void yc_blob_path_new(const char *folder, const char *id, char *path)
{
	snprintf(path, PATH_SIZE, "%s/tmp/%s", folder, id);
}

/* Spread by the last two characters, which are random. */
static void path_of(const struct yc_blobs *b, const char *id, char *path, int with_file)
{
	size_t n = strlen(id);

	snprintf(path, PATH_SIZE, "%s/%s%s%.40s", b->folder, n > 2 ? id + n - 2 : "00", with_file ? "/" : "", with_file ? id : "");
}

/* Ids become file names: nothing but our own kind of id may. */
static enum yc_code check_id(const char *id, struct yc_err *e)
{
	return yc_id_is(id, "blb") ? YC_OK : yc_fail(e, YC_INVALID, "id", "'%.40s' is no blob's id", id);
}

static enum yc_code digest(const char *path, struct yc_blob_meta *m, struct yc_err *e)
{
	struct yc_sha256 *h = yc_sha256_new();
	enum yc_code rc = YC_OK;
	uint8_t sum[32], buf[32768];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	m->size = 0;
	while (fd >= 0 && (n = read(fd, buf, sizeof(buf))) > 0) {
		yc_sha256_add(h, buf, (size_t)n);
		m->size += n;
	}
	if (n < 0 || fsync(fd))
		rc = io_error(e, "cannot take", path);
	yc_sha256_end(&h, sum);
	yc_hex(sum, 32, m->sha256);
	if (fd >= 0)
		close(fd);
	return rc;
}

/* Into its place. A unit that is replayed after a failed commit finds it there already. */
static enum yc_code place(struct yc_blobs *b, const char *path, const char *id, struct yc_err *e)
{
	char to[PATH_SIZE];

	path_of(b, id, to, 0);
	if (mkdir(to, 0750) && errno != EEXIST)
		return io_error(e, "cannot create", to);
	path_of(b, id, to, 1);
	if (rename(path, to) && (errno != ENOENT || access(to, R_OK)))
		return io_error(e, "cannot take", path);
	return YC_OK;
}

static enum yc_code keep(struct yc_blobs *b, const char *path, struct yc_blob_meta *m, struct yc_err *e)
{
	enum yc_code rc = place(b, path, m->id, e);

	if (!m->at)
		m->at = yc_now();
	return rc ? rc : yc_db_run(b->db, b->q + Q_PUT, NULL, e, "ttttii", m->id, m->media_type, m->matter_id, m->sha256, m->size, m->at);
}

enum yc_code yc_blob_add(struct yc_blobs *b, const char *path, struct yc_blob_meta *m, struct yc_err *e)
{
	char there[PATH_SIZE];
	enum yc_code rc;

	if (!m->id[0])
		yc_id_new("blb", m->id);
	rc = check_id(m->id, e);
	if (rc)
		return rc;
	path_of(b, m->id, there, 1);
	rc = digest(access(path, R_OK) && !access(there, R_OK) ? there : path, m, e);
	return rc ? rc : keep(b, path, m, e);
}

enum yc_code yc_blob_add_hashed(struct yc_blobs *b, const char *path, struct yc_blob_meta *m, struct yc_err *e)
{
	enum yc_code rc = check_id(m->id, e);

	if (!rc && (strlen(m->sha256) != 64 || m->size < 0))
		rc = yc_fail(e, YC_INVALID, "sha256", "a digest and a size are needed");
	return rc ? rc : keep(b, path, m, e);
}

enum yc_code yc_blob_get(struct yc_blobs *b, const char *id, struct yc_blob_meta *m, struct yc_err *e)
{
	struct yc_stmt *st;
	int rc;

	memset(m, 0, sizeof(*m));
	st = yc_db_query(b->db, b->q + Q_GET, e, "t", id);
	if (!st)
		return e->code;
	rc = yc_db_step(st, e);
	if (rc > 0) {
		yc_copy(m->id, sizeof(m->id), id);
		yc_copy(m->media_type, sizeof(m->media_type), yc_col_text(st, 0));
		yc_copy(m->matter_id, sizeof(m->matter_id), yc_col_text(st, 1));
		yc_copy(m->sha256, sizeof(m->sha256), yc_col_text(st, 2));
		m->size = yc_col_int(st, 3);
		m->at = yc_col_int(st, 4);
	}
	yc_db_reset(st);
	if (rc < 0)
		return e->code;
	return rc ? YC_OK : yc_fail(e, YC_NOT_FOUND, "id", "there is no blob %.40s", id);
}

/* A power cut may lose the rename (we do not sync folders for each recording) but not the row: then the file still lies in tmp. */
static int open_file(struct yc_blobs *b, const char *id, char *path)
{
	int fd;

	path_of(b, id, path, 1);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		yc_blob_path_new(b->folder, id, path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	return fd;
}

enum yc_code yc_blob_read(struct yc_blobs *b, const char *id, int64_t offset, void *buf, size_t n, size_t *got, struct yc_err *e)
{
	char path[PATH_SIZE];
	enum yc_code rc = check_id(id, e);
	ssize_t r = 0;
	int fd;

	*got = 0;
	if (rc)
		return rc;
	if (offset < 0)
		return yc_fail(e, YC_INVALID, "offset", "the offset must not be negative");
	fd = open_file(b, id, path);
	if (fd < 0)
		return io_error(e, "cannot open", path);
	while (*got < n && (r = pread(fd, (char *)buf + *got, n - *got, (off_t)offset + (off_t)*got)) > 0)
		*got += (size_t)r;
	if (*got < n && r < 0)
		rc = io_error(e, "cannot read", path);
	close(fd);
	return rc;
}

enum yc_code yc_blob_delete(struct yc_blobs *b, const char *id, struct yc_err *e)
{
	char path[PATH_SIZE];
	enum yc_code rc = check_id(id, e);
	int64_t changed = 0;

	if (!rc)
		rc = yc_db_run(b->db, b->q + Q_DELETE, &changed, e, "t", id);
	if (rc)
		return rc;
	if (!changed)
		return yc_fail(e, YC_NOT_FOUND, "id", "there is no blob %.40s", id);
	path_of(b, id, path, 1);
	if (unlink(path) && errno != ENOENT)
		yc_warn("blob: cannot remove %s: %s", path, strerror(errno));
	yc_blob_path_new(b->folder, id, path);
	unlink(path);
	return YC_OK;
}
