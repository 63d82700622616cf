#include "media/prompt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "media/g711.h"
#include "media/wav.h"
#include "yc/arena.h"
#include "yc/log.h"

struct prompt {
	struct md_prompt pub;
	atomic_int refs;
};
struct entry {
	struct md_prompt *prompt;
	UT_hash_handle hh;
};
struct md_prompts {
	struct entry *by_name;
	size_t bytes;
};

/* Samples are given (pcm), or codes of one law. */
static struct md_prompt *make(const char *name, const int16_t *pcm, const uint8_t *codes, enum media_codec codec, size_t n)
{
	struct prompt *p = yc_xcalloc(1, sizeof(*p));
	uint8_t *u = yc_xcalloc(2, n), *a = u + n;

	snprintf(p->pub.name, sizeof(p->pub.name), "%s", name);
	atomic_init(&p->refs, 1);
	if (pcm) {
		md_encode(MEDIA_PCMU, u, pcm, n);
		md_encode(MEDIA_PCMA, a, pcm, n);
	} else {
		memcpy(u, codes, n);
		memcpy(a, codes, n);
		md_transcode(codec, MEDIA_PCMU, u, n);
		md_transcode(codec, MEDIA_PCMA, a, n);
	}
	p->pub.n = n;
	p->pub.law[0] = u;
	p->pub.law[1] = a;
	return &p->pub;
}

struct md_prompt *md_prompt_new(const char *name, const int16_t *pcm, size_t n)
{
	return make(name, pcm, NULL, MEDIA_PCMA, n);
}

struct md_prompt *md_prompt_ref(struct md_prompt *pub)
{
	atomic_fetch_add_explicit(&((struct prompt *)pub)->refs, 1, memory_order_relaxed);
	return pub;
}

void md_prompt_unref(struct md_prompt **pub)
{
	struct prompt *p = (struct prompt *)*pub;

	*pub = NULL;
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) > 1)
		return;
	yc_xfree((void *)(uintptr_t)p->pub.law[0]);
	yc_xfree(p);
}

static uint8_t *read_file(const char *path, size_t *n)
{
	enum { LIMIT = 256 << 20 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *p = NULL;
	size_t got = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size < LIMIT) {
		p = yc_xcalloc(1, (size_t)st.st_size);
		while (got < (size_t)st.st_size) {
			ssize_t r = read(fd, p + got, (size_t)st.st_size - got);

			if (r <= 0 && !(r < 0 && errno == EINTR))
				break;
			got += r > 0 ? (size_t)r : 0;
		}
	}
	close(fd);
	*n = got;
	return p;
}

static struct md_prompt *from_wav(const char *name, const uint8_t *p, size_t n, struct yc_err *e)
{
	size_t cap = (size_t)MD_PROMPT_MAX_S * MD_RATE, samples;
	struct md_prompt *out = NULL;
	struct md_wav w;
	int16_t *pcm;

	if (md_wav_read(&w, p, n, e) != YC_OK)
		return NULL;
	samples = md_wav_samples(&w, NULL, 0);
	if (samples > cap)
		samples = cap;
	if (!samples) {
		(void)!yc_fail(e, YC_INVALID, "data", "the file holds no sound");
		return NULL;
	}
	pcm = yc_xcalloc(samples, sizeof(*pcm));
	md_wav_samples(&w, pcm, samples);
	out = make(name, pcm, NULL, MEDIA_PCMA, samples);
	yc_xfree(pcm);
	return out;
}

enum kind { NO_PROMPT, WAV, RAW_ALAW, RAW_ULAW };

static enum kind kind_of(const char *file, size_t *stem)
{
	static const struct { const char *suffix; enum kind kind; } kinds[] = {
		{ ".wav", WAV }, { ".alaw", RAW_ALAW }, { ".al", RAW_ALAW }, { ".ulaw", RAW_ULAW }, { ".ul", RAW_ULAW },
	};
	size_t n = strlen(file);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t s = strlen(kinds[i].suffix);

		if (n > s && !strcmp(file + n - s, kinds[i].suffix)) {
			*stem = n - s;
			return kinds[i].kind;
		}
	}
	return NO_PROMPT;
}

static void add(struct md_prompts *t, struct md_prompt *p, const char *path)
{
	struct entry *en = NULL;

	HASH_FIND_STR(t->by_name, p->name, en);
	if (en || t->bytes + 2 * p->n > MD_PROMPTS_BYTES) {
		yc_warn("prompt %s left out: %s", path, en ? "another file has the same name" : "the folder is too large");
		md_prompt_unref(&p);
		return;
	}
	en = yc_xcalloc(1, sizeof(*en));
	en->prompt = p;
	t->bytes += 2 * p->n;
	HASH_ADD_KEYPTR(hh, t->by_name, p->name, strlen(p->name), en);
}

static void load_file(struct md_prompts *t, const char *path, const char *rel)
{
	size_t stem = 0, n = 0;
	enum kind kind = kind_of(rel, &stem);
	struct md_prompt *p = NULL;
	struct yc_err e = { .msg = "cannot be read" };
	char name[MEDIA_NAME];
	uint8_t *bytes;

	if (kind == NO_PROMPT)
		return;
	if (stem >= sizeof(name)) {
		yc_warn("prompt %s left out: its name is longer than %zu bytes", path, sizeof(name) - 1);
		return;
	}
	memcpy(name, rel, stem);
	name[stem] = 0;
	bytes = read_file(path, &n);
	if (bytes && n && kind == WAV)
		p = from_wav(name, bytes, n, &e);
	else if (bytes && n)
		p = make(name, NULL, bytes, kind == RAW_ALAW ? MEDIA_PCMA : MEDIA_PCMU,
			n > (size_t)MD_PROMPT_MAX_S * MD_RATE ? (size_t)MD_PROMPT_MAX_S * MD_RATE : n);
	yc_xfree(bytes);
	if (p)
		add(t, p, path);
	else
		yc_warn("prompt %s left out: %s", path, e.msg);
}

static void load_folder(struct md_prompts *t, const char *folder, const char *prefix, int deeper)
{
	DIR *d = opendir(folder);
	struct dirent *de;

	if (!d) {
		yc_warn("prompt folder %s: %s", folder, strerror(errno));
		return;
	}
	while ((de = readdir(d)) != NULL) {
		char path[MEDIA_PATH + 300], rel[600];
		struct stat st;

		if (de->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, de->d_name);
		snprintf(rel, sizeof(rel), "%s%s", prefix, de->d_name);
		if (stat(path, &st) != 0)
			continue;
		if (S_ISREG(st.st_mode)) {
			load_file(t, path, rel);
		} else if (S_ISDIR(st.st_mode) && deeper && strlen(path) < MEDIA_PATH) {
			snprintf(rel, sizeof(rel), "%s%s/", prefix, de->d_name);
			load_folder(t, path, rel, 0);
		}
	}
	closedir(d);
}

struct md_prompts *md_prompts_load(const char *folder)
{
	struct md_prompts *t = yc_xcalloc(1, sizeof(*t));

	if (*folder)
		load_folder(t, folder, "", 1);
	return t;
}

void md_prompts_free(struct md_prompts **t)
{
	struct entry *en, *tmp;

	if (!*t)
		return;
	HASH_ITER(hh, (*t)->by_name, en, tmp) {
		HASH_DEL((*t)->by_name, en);
		md_prompt_unref(&en->prompt);
		yc_xfree(en);
	}
	yc_xfree(*t);
	*t = NULL;
}

struct md_prompt *md_prompts_find(const struct md_prompts *t, const char *name)
{
	struct entry *en = NULL;

	HASH_FIND_STR(t->by_name, name, en);
	return en ? en->prompt : NULL;
}

int md_prompts_count(const struct md_prompts *t)
{
	return (int)HASH_COUNT(t->by_name);
}

/* Eight slow notes of a pentatonic scale, each dying away before the next, so that the loop has no seam. */
struct md_prompt *md_music_make(void)
{
	static const double notes[] = { 523.25, 587.33, 659.26, 783.99, 880.00, 783.99, 659.26, 587.33 };
	enum { NOTES = 8, LEN = MD_RATE * 3 / 4 };
	int16_t *pcm = yc_xcalloc(NOTES * LEN, sizeof(*pcm));
	struct md_prompt *p;

	for (int i = 0; i < NOTES * LEN; i++) {
		double t = (double)(i % LEN) / MD_RATE, hz = notes[i / LEN], rise = t < 0.02 ? t / 0.02 : 1;
		double end = (double)(LEN - i % LEN) / MD_RATE, fall = end < 0.05 ? end / 0.05 : 1;
		double v = sin(2 * M_PI * hz * t) + 0.4 * sin(2 * M_PI * hz / 2 * t);

		pcm[i] = (int16_t)(2600 * v * rise * fall * exp(-2.5 * t));
	}
	p = md_prompt_new("(music)", pcm, NOTES * LEN);
	yc_xfree(pcm);
	return p;
}

struct md_prompt *md_comfort_make(void)
{
	enum { LEN = MD_RATE * 2 };
	int16_t *pcm = yc_xcalloc(LEN, sizeof(*pcm));
	uint32_t x = 2463534242u;
	struct md_prompt *p;

	for (int i = 0; i < LEN; i++) {
		x ^= x << 13;                    /* xorshift: noise needs no better */
		x ^= x >> 17;
		x ^= x << 5;
		pcm[i] = (int16_t)((int)(x % 33) - 16);   /* about -70 dBm0 */
	}
	p = md_prompt_new("(comfort)", pcm, LEN);
	yc_xfree(pcm);
	return p;
}
