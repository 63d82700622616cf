#include "media/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "media/thread.h"
#include "media/wav.h"
#include "yc/arena.h"
#include "yc/crypto.h"
#include "yc/log.h"

enum { JOB_OPEN = 1, JOB_DATA, JOB_CLOSE, JOB_PROMPTS, JOB_STOP };

struct md_record {
	char path[MEDIA_PATH];
	media_conv conv;
	int64_t tag;
	enum media_codec codec;
	atomic_int failed;                       /* written by the writer, read by the worker */
	atomic_int waiting;                      /* chunks under way */
	const char *reason;                      /* the worker's, before close */
	struct md_job open, close;
	/* the writer's */
	int fd;
	int64_t bytes;                           /* of sound */
	char detail[96];
};
struct prompts_job { struct md_job job; char folder[MEDIA_PATH]; };

/* Bounded by construction: a recording has one open, one close and MD_CHUNKS_WAITING data jobs. */
struct jobs {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct md_job *head;
};
struct md_writer {
	struct md_events *events;
	struct jobs write, finish;
	struct md_job stop_write, stop_finish;
	pthread_t writer, finisher;
	pthread_mutex_t pool_lock;
	struct md_chunk *spare;                  /* list by job.next */
	int n_spare;
	atomic_int stopping;
	atomic_llong bytes, failed, chunks;
};

static void jobs_init(struct jobs *q)
{
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->more, NULL);
}

static void jobs_put(struct jobs *q, struct md_job *j)
{
	pthread_mutex_lock(&q->lock);
	DL_APPEND(q->head, j);
	pthread_cond_signal(&q->more);
	pthread_mutex_unlock(&q->lock);
}

static struct md_job *jobs_get(struct jobs *q)
{
	struct md_job *j;

	pthread_mutex_lock(&q->lock);
	while (!q->head)
		pthread_cond_wait(&q->more, &q->lock);
	j = q->head;
	DL_DELETE(q->head, j);
	pthread_mutex_unlock(&q->lock);
	return j;
}

/* Chunks are mapped, not allocated: what a burst needed goes back to the system at once. */
struct md_chunk *md_chunk_get(struct md_writer *w)
{
	struct md_chunk *c;

	pthread_mutex_lock(&w->pool_lock);
	c = w->spare;
	if (c) {
		w->spare = (struct md_chunk *)c->job.next;
		w->n_spare--;
	}
	pthread_mutex_unlock(&w->pool_lock);
	if (!c) {
		c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (c == MAP_FAILED)
			return NULL;
	}
	atomic_fetch_add(&w->chunks, 1);
	return c;
}

static void chunk_put(struct md_writer *w, struct md_chunk *c)
{
	atomic_fetch_sub(&w->chunks, 1);
	pthread_mutex_lock(&w->pool_lock);
	if (w->n_spare < MD_CHUNKS_SPARE) {
		c->job.next = (struct md_job *)w->spare;
		w->spare = c;
		w->n_spare++;
		c = NULL;
	}
	pthread_mutex_unlock(&w->pool_lock);
	if (c)
		munmap(c, sizeof(*c));
}

struct md_record *md_record_new(const char *path, media_conv conv, int64_t tag)
{
	struct md_record *r = yc_xcalloc(1, sizeof(*r));

	snprintf(r->path, sizeof(r->path), "%s", path);
	r->conv = conv;
	r->tag = tag;
	r->fd = -1;
	return r;
}

void md_record_drop(struct md_record **r)
{
	yc_xfree(*r);
	*r = NULL;
}

media_conv md_record_conv(const struct md_record *r)
{
	return r->conv;
}

int64_t md_record_tag(const struct md_record *r)
{
	return r->tag;
}

void md_record_open(struct md_writer *w, struct md_record *r, enum media_codec codec)
{
	r->codec = codec;
	r->open.op = JOB_OPEN;
	r->open.record = r;
	jobs_put(&w->write, &r->open);
}

int md_record_write(struct md_writer *w, struct md_record *r, struct md_chunk **chunk)
{
	struct md_chunk *c = *chunk;

	*chunk = NULL;
	if (atomic_load(&r->failed)) {
		chunk_put(w, c);
		return -1;
	}
	if (atomic_fetch_add(&r->waiting, 1) >= MD_CHUNKS_WAITING) {
		atomic_fetch_sub(&r->waiting, 1);
		r->reason = "the disk is too slow";
		chunk_put(w, c);
		return -1;
	}
	c->job.op = JOB_DATA;
	c->job.record = r;
	jobs_put(&w->write, &c->job);
	return 0;
}

void md_record_close(struct md_writer *w, struct md_record **rec, const char *reason)
{
	struct md_record *r = *rec;

	*rec = NULL;
	if (reason && !r->reason)
		r->reason = reason;
	r->close.op = JOB_CLOSE;
	r->close.record = r;
	jobs_put(&w->write, &r->close);
}

void md_writer_load_prompts(struct md_writer *w, const char *folder)
{
	struct prompts_job *p = yc_xcalloc(1, sizeof(*p));

	p->job.op = JOB_PROMPTS;
	snprintf(p->folder, sizeof(p->folder), "%s", folder);
	jobs_put(&w->write, &p->job);
}

static void fail(struct md_writer *w, struct md_record *r, const char *doing)
{
	if (!atomic_exchange(&r->failed, 1)) {
		snprintf(r->detail, sizeof(r->detail), "%s: %s", doing, strerror(errno));
		atomic_fetch_add(&w->failed, 1);
	}
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t r = write(fd, p, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return -1;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

static void do_open(struct md_writer *w, struct md_record *r)
{
	uint8_t header[MD_WAV_HEADER];

	r->fd = open(r->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (r->fd < 0) {
		fail(w, r, "the recording cannot be created");
		return;
	}
	md_wav_header(header, r->codec, 2, 0);
	if (write_all(r->fd, header, sizeof(header)) < 0)
		fail(w, r, "the recording cannot be written");
}

static void do_data(struct md_writer *w, struct md_chunk *c)
{
	struct md_record *r = c->job.record;

	if (!atomic_load(&r->failed)) {
		if (write_all(r->fd, c->data, c->bytes) < 0) {
			fail(w, r, "the recording cannot be written");
		} else {
			r->bytes += (int64_t)c->bytes;
			atomic_fetch_add(&w->bytes, (long long)c->bytes);
		}
	}
	chunk_put(w, c);
	atomic_fetch_sub(&r->waiting, 1);
}

/* Waits for room: this thread has nothing better to do, and a terminal event must not get lost. */
static void post(struct md_writer *w, struct md_event *ev)
{
	const struct timespec pause = { .tv_nsec = 2000000 };

	while (md_events_put(w->events, ev) < 0) {
		if (atomic_load(&w->stopping)) {
			md_event_drop(ev);
			return;
		}
		nanosleep(&pause, NULL);
	}
}

static void do_prompts(struct md_writer *w, struct prompts_job *p)
{
	struct md_event ev = { .type = MEDIA_PROMPTS_LOADED, .prompts = md_prompts_load(p->folder) };

	post(w, &ev);
	yc_xfree(p);
}

static void *writer_main(void *arg)
{
	struct md_writer *w = arg;

	for (;;) {
		struct md_job *j = jobs_get(&w->write);

		switch (j->op) {
		case JOB_OPEN:
			do_open(w, j->record);
			break;
		case JOB_DATA:
			do_data(w, (struct md_chunk *)j);
			break;
		case JOB_CLOSE:
			jobs_put(&w->finish, j);
			break;
		case JOB_PROMPTS:
			do_prompts(w, (struct prompts_job *)j);
			break;
		default:
			jobs_put(&w->finish, &w->stop_finish);
			return NULL;
		}
	}
}

/* The hash covers the header, which comes first in the file and is known last: so the file is read once more, out of the page cache. */
static int hash_file(int fd, char hex[65])
{
	struct yc_sha256 *s = yc_sha256_new();
	uint8_t *buf = yc_xcalloc(1, MD_CHUNK), sum[32];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, MD_CHUNK, at)) > 0) {
		yc_sha256_add(s, buf, (size_t)n);
		at += n;
	}
	yc_sha256_end(&s, sum);
	yc_hex(sum, sizeof(sum), hex);
	yc_xfree(buf);
	return n < 0 ? -1 : 0;
}

/* Leaves a file with a true header, also after a failure: what could be written is kept. */
static void finish_file(struct md_writer *w, struct md_record *r, struct md_record_end *end)
{
	uint8_t header[MD_WAV_HEADER];
	int64_t frames = r->bytes / 2;

	if (r->fd < 0)
		return;
	if (r->bytes == 0 && atomic_load(&r->failed)) {
		unlink(r->path);
		return;
	}
	md_wav_header(header, r->codec, 2, (uint32_t)frames);
	if (ftruncate(r->fd, MD_WAV_HEADER + frames * 2) < 0 || pwrite(r->fd, header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
			hash_file(r->fd, end->sha256) < 0 || fsync(r->fd) < 0)
		fail(w, r, "the recording cannot be finished");
	end->bytes = MD_WAV_HEADER + frames * 2;
	end->duration_ms = frames * 1000 / 8000;
}

static void do_finish(struct md_writer *w, struct md_record *r)
{
	struct md_record_end *end = yc_xcalloc(1, sizeof(*end));
	struct md_event ev = { .conv = r->conv, .tag = r->tag, .record = end };

	if (r->reason && !atomic_exchange(&r->failed, 1)) {
		snprintf(r->detail, sizeof(r->detail), "%s", r->reason);
		atomic_fetch_add(&w->failed, 1);
	}
	snprintf(end->path, sizeof(end->path), "%s", r->path);
	finish_file(w, r, end);
	if (r->fd >= 0)
		close(r->fd);
	ev.type = atomic_load(&r->failed) ? MEDIA_RECORD_FAILED : MEDIA_RECORD_DONE;
	snprintf(end->detail, sizeof(end->detail), "%s", r->detail);
	if (ev.type == MEDIA_RECORD_FAILED)
		yc_warn("recording %s: %s", r->path, r->detail);
	yc_xfree(r);
	post(w, &ev);
}

static void *finisher_main(void *arg)
{
	struct md_writer *w = arg;

	for (;;) {
		struct md_job *j = jobs_get(&w->finish);

		if (j->op == JOB_STOP)
			return NULL;
		do_finish(w, j->record);
	}
}

struct md_writer *md_writer_new(struct md_events *events)
{
	struct md_writer *w = yc_xcalloc(1, sizeof(*w));

	w->events = events;
	jobs_init(&w->write);
	jobs_init(&w->finish);
	pthread_mutex_init(&w->pool_lock, NULL);
	w->stop_write.op = w->stop_finish.op = JOB_STOP;
	md_thread_start(&w->writer, "media-write", writer_main, w);
	md_thread_start(&w->finisher, "media-finish", finisher_main, w);
	return w;
}

void md_writer_free(struct md_writer **pw)
{
	struct md_writer *w = *pw;

	if (!w)
		return;
	*pw = NULL;
	atomic_store(&w->stopping, 1);
	jobs_put(&w->write, &w->stop_write);
	pthread_join(w->writer, NULL);
	pthread_join(w->finisher, NULL);
	while (w->spare) {
		struct md_chunk *c = w->spare;

		w->spare = (struct md_chunk *)c->job.next;
		munmap(c, sizeof(*c));
	}
	yc_xfree(w);
}

void md_writer_counters(struct md_writer *w, struct md_writer_counters *out)
{
	out->bytes = atomic_load(&w->bytes);
	out->failed = atomic_load(&w->failed);
	out->chunks = atomic_load(&w->chunks);
}
