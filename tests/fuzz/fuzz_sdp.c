/* Fuzz: SDP from the wire (fuzz: link gateway). What is accepted is in bounds, and what we answer to it can be read and chosen again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/rule_sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static void check(const struct sdp *s)
{
	must(s->n_media >= 0 && s->n_media <= SDP_MEDIA_MAX);
	for (int i = 0; i < s->n_media; i++) {
		const struct sdp_media *m = &s->media[i];

		must(m->n_fmt >= 0 && m->n_fmt <= SDP_FMT_MAX && m->port >= 0 && m->port <= 65535);
		must(memchr(m->type, 0, sizeof(m->type)) && memchr(m->proto, 0, sizeof(m->proto)) && memchr(m->fmts, 0, sizeof(m->fmts)));
		must(*m->type && *m->proto && *m->fmts);
		for (int k = 0; k < m->n_fmt; k++)
			must(m->fmt[k].pt >= 0 && m->fmt[k].pt <= 127 && memchr(m->fmt[k].name, 0, sizeof(m->fmt[k].name)));
	}
}

static void answer(const struct sdp *offer, const struct sdp_choice *c)
{
	static struct sdp back;
	struct sdp_choice again;
	struct sdp_local l;
	struct yc_err e;
	char text[SDP_OUT_MAX];
	size_t n;

	sdp_local_init(&l, "192.0.2.1", 20000, 1);
	n = sdp_write_answer(&l, offer, c, text, sizeof(text));
	must(n > 0 && n == strlen(text));
	must(sdp_parse(&back, text, n, &e) == YC_OK && back.n_media == offer->n_media);
	must(sdp_choose(&again, &back, &SDP_PREFS_DEFAULT, &e) == YC_OK && again.index == c->index && again.codec == c->codec && again.pt == c->pt);
	n = sdp_write_reoffer(&l, c, text, sizeof(text));
	must(n > 0 && sdp_parse(&back, text, n, &e) == YC_OK && back.n_media == c->index + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sdp s;
	struct sdp_choice c;
	struct yc_err e = { 0 };
	char *text = malloc(size ? size : 1);    /* exactly as long as the input, so that one byte too far is found */

	memcpy(text, data, size);
	if (sdp_parse(&s, text, size, &e) != YC_OK) {
		must(e.code != YC_OK && e.field[0] && e.msg[0]);
	} else {
		check(&s);
		if (sdp_choose(&c, &s, &SDP_PREFS_DEFAULT, &e) == YC_OK)
			answer(&s, &c);
		else
			must(e.code == YC_INVALID && e.field[0]);
	}
	free(text);
	return 0;
}
