/* Prompts: read once, kept in both laws, shared by reference count between the table and the workers that play them. */
#ifndef MEDIA_PROMPT_H
#define MEDIA_PROMPT_H

#include <stddef.h>
#include <stdint.h>

#include "media/media.h"

enum { MD_PROMPT_MAX_S = 600 };                  /* longer files are cut */
#define MD_PROMPTS_BYTES (256u << 20)            /* of one folder, both laws together; what goes beyond is left out with a warning */

struct md_prompt {
	char name[MEDIA_NAME];
	size_t n;                                /* samples, at least 1 */
	const uint8_t *law[2];                   /* [0] mu-law, [1] A-law */
};
struct md_prompt *md_prompt_ref(struct md_prompt *p);
void md_prompt_unref(struct md_prompt **p);      /* any thread; NULL-safe */
/* From 16-bit samples; the caller holds the one reference. */
struct md_prompt *md_prompt_new(const char *name, const int16_t *pcm, size_t n);
static inline const uint8_t *md_prompt_bytes(const struct md_prompt *p, enum media_codec c) { return p->law[c == MEDIA_PCMA]; }

struct md_prompts;                               /* immutable table by name */
/* Reads a folder (blocking). Files that cannot be used are skipped with a warning; a missing folder gives an empty table. "" = none.
 * Sub-folders are read one level deep, as "sub/name". */
struct md_prompts *md_prompts_load(const char *folder);
void md_prompts_free(struct md_prompts **t);
struct md_prompt *md_prompts_find(const struct md_prompts *t, const char *name);   /* borrowed */
int md_prompts_count(const struct md_prompts *t);
/* Made by ourselves: quiet music that loops without a seam, and the faint noise that tells a listener the line is alive. */
struct md_prompt *md_music_make(void);
struct md_prompt *md_comfort_make(void);

#endif
