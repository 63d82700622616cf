#include "yct.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "yc/blob.h"
#include "yc/crypto.h"
#include "yc/id.h"
#include "yc/text.h"

extern const struct yc_migration yc_schema_common[];

static struct yc_db *db;
static struct yc_blobs *blobs;
static char folder[128];

static void open_all(const char *url)
{
	static int n;

	snprintf(folder, sizeof(folder), "%s/blobs/%d", yct_dir(), n++);
	YCT_OK(yc_db_open(&db, url, "test", yct_err()));
	YCT_OK(yc_db_migrate(db, "common", yc_schema_common, yct_err()));
	YCT_OK(yc_blobs_open(&blobs, db, folder, yct_err()));
}

static void close_all(void)
{
	yc_blobs_close(&blobs);
	yc_db_close(&db);
}

/* A finished file in tmp; path has 512 bytes. */
static void make_file(const char *id, const void *p, size_t n, char *path)
{
	int fd;

	yc_blob_path_new(folder, id, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(write(fd, p, n), (ssize_t)n);
	close(fd);
}

static void fill(struct yc_blob_meta *m)
{
	memset(m, 0, sizeof(*m));
	yc_id_new("blb", m->id);
	yc_copy(m->media_type, sizeof(m->media_type), "audio/wav");
	yc_copy(m->matter_id, sizeof(m->matter_id), "mat_1");
}

static void kept(const char *url)
{
	struct yc_blob_meta m, got;
	char path[512], buf[1000], data[70000];
	size_t n, i;

	open_all(url);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (char)(i * 7);
	fill(&m);
	make_file(m.id, data, sizeof(data), path);
	yc_db_unit_begin(db);
	YCT_OK(yc_blob_add(blobs, path, &m, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	CU_ASSERT_EQUAL(m.size, 70000);
	CU_ASSERT(access(path, R_OK) != 0);
	YCT_OK(yc_blob_get(blobs, m.id, &got, yct_err()));
	YCT_STR(got.media_type, "audio/wav");
	YCT_STR(got.matter_id, "mat_1");
	yc_sha256_hex(data, sizeof(data), buf);
	YCT_STR(got.sha256, buf);
	CU_ASSERT(got.at > 0);
	YCT_OK(yc_blob_read(blobs, m.id, 69500, buf, sizeof(buf), &n, yct_err()));
	CU_ASSERT_EQUAL_FATAL(n, 500);
	CU_ASSERT(!memcmp(buf, data + 69500, 500));
	YCT_OK(yc_blob_read(blobs, m.id, 70000, buf, sizeof(buf), &n, yct_err()));
	CU_ASSERT_EQUAL(n, 0);
	close_all();
}

static void replayed(const char *url)
{
	struct yc_blob_meta m;
	char path[512], buf[8];
	struct yc_err e;
	size_t n;

	open_all(url);
	fill(&m);
	make_file(m.id, "hello", 5, path);
	yc_db_unit_begin(db);
	YCT_OK(yc_blob_add(blobs, path, &m, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	yc_db_rollback(db);                      /* the commit failed: the file is in place, the row is not */
	CU_ASSERT_EQUAL(yc_blob_get(blobs, m.id, &m, &e), YC_NOT_FOUND);
	yc_copy(m.id, sizeof(m.id), strrchr(path, '/') + 1);
	yc_db_unit_begin(db);
	YCT_OK(yc_blob_add(blobs, path, &m, yct_err()));
	YCT_OK(yc_db_unit_end(db, 1, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	YCT_OK(yc_blob_read(blobs, m.id, 0, buf, sizeof(buf), &n, yct_err()));
	CU_ASSERT_EQUAL(n, 5);
	close_all();
}

static void hashed(const char *url)
{
	struct yc_blob_meta m;
	char path[512], back[512], buf[8];
	struct yc_err e;
	size_t n;

	open_all(url);
	fill(&m);
	make_file(m.id, "wave", 4, path);
	CU_ASSERT_EQUAL(yc_blob_add_hashed(blobs, path, &m, &e), YC_INVALID);
	YCT_STR(e.field, "sha256");
	yc_sha256_hex("wave", 4, m.sha256);
	m.size = 4;
	YCT_OK(yc_blob_add_hashed(blobs, path, &m, yct_err()));
	YCT_OK(yc_db_commit(db, yct_err()));
	/* As after a power cut that forgot the rename. */
	snprintf(back, sizeof(back), "%s/%s/%s", folder, m.id + strlen(m.id) - 2, m.id);
	CU_ASSERT_EQUAL_FATAL(rename(back, path), 0);
	YCT_OK(yc_blob_read(blobs, m.id, 0, buf, sizeof(buf), &n, yct_err()));
	CU_ASSERT_EQUAL(n, 4);
	YCT_OK(yc_blob_delete(blobs, m.id, yct_err()));
	CU_ASSERT(access(path, R_OK) != 0);
	CU_ASSERT_EQUAL(yc_blob_delete(blobs, m.id, &e), YC_NOT_FOUND);
	CU_ASSERT_EQUAL(yc_blob_read(blobs, m.id, 0, buf, sizeof(buf), &n, &e), YC_NOT_FOUND);
	close_all();
}

static void foreign_ids(const char *url)
{
	struct yc_blob_meta m;
	struct yc_err e;
	char buf[8];
	size_t n;

	open_all(url);
	CU_ASSERT_EQUAL(yc_blob_read(blobs, "../../etc/passwd", 0, buf, sizeof(buf), &n, &e), YC_INVALID);
	YCT_STR(e.field, "id");
	CU_ASSERT_EQUAL(yc_blob_delete(blobs, "../tmp", &e), YC_INVALID);
	fill(&m);
	CU_ASSERT_EQUAL(yc_blob_read(blobs, m.id, -1, buf, sizeof(buf), &n, &e), YC_INVALID);
	YCT_STR(e.field, "offset");
	CU_ASSERT_EQUAL(yc_blob_add(blobs, "/no/such/file", &m, &e), YC_NOT_FOUND);
	close_all();
}

#define BOTH(name, fn) static void name(void) { yct_on_both_stores(fn); }
BOTH(a_finished_file_is_taken_hashed_and_read_in_pieces, kept)
BOTH(a_unit_that_is_run_again_finds_its_file_in_place, replayed)
BOTH(a_file_whose_digest_is_known_is_only_moved_and_found_even_when_the_move_was_lost, hashed)
BOTH(nothing_outside_of_the_folder_can_be_named, foreign_ids)

YCT_MAIN("blob", T(a_finished_file_is_taken_hashed_and_read_in_pieces), T(a_unit_that_is_run_again_finds_its_file_in_place),
	 T(a_file_whose_digest_is_known_is_only_moved_and_found_even_when_the_move_was_lost), T(nothing_outside_of_the_folder_can_be_named))
