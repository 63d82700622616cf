/* Reading SDP. Whatever is not needed is skipped; what is needed is bounded and checked. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "rule_sdp.h"

struct span { const char *p; size_t n; };
struct reader {
	struct sdp *out;
	struct span session_ip;
	enum sdp_direction dir;                  /* of the session */
	int line;
};

/* --- small words --- */
static int starts(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && !memcmp(s.p, word, n);
}

/* Takes the next word off s; words are parted by single or more blanks. */
static struct span word(struct span *s)
{
	struct span w;

	while (s->n && *s->p == ' ') {
		s->p++;
		s->n--;
	}
	w = *s;
	while (s->n && *s->p != ' ') {
		s->p++;
		s->n--;
	}
	w.n -= s->n;
	return w;
}

/* Text up to c (which is taken off as well); everything when c does not come. */
static struct span until(struct span *s, char c)
{
	struct span w = *s;
	const char *at = s->n ? memchr(s->p, c, s->n) : NULL;

	if (!at) {
		s->p += s->n;
		s->n = 0;
		return w;
	}
	w.n = (size_t)(at - s->p);
	s->n -= w.n + 1;
	s->p = at + 1;
	return w;
}

/* Decimal digits only, at most max; -1 otherwise. */
static int64_t number(struct span s, int64_t max)
{
	int64_t v = 0;

	if (!s.n || s.n > 18)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	return v <= max ? v : -1;
}

/* o= numbers may be longer than 64 bits in the wild: only their equality matters to us, so they wrap. */
static uint64_t loose_number(struct span s)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n && isdigit((unsigned char)s.p[i]); i++)
		v = v * 10 + (uint64_t)(s.p[i] - '0');
	return v;
}

static int copy(char *out, size_t cap, struct span s)
{
	if (s.n >= cap)
		return -1;
	memcpy(out, s.p, s.n);
	out[s.n] = 0;
	return 0;
}

/* Only visible ASCII: these texts are repeated in our answer. */
static int is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return 0;
	return s.n > 0;
}

static enum yc_code bad(const struct reader *r, struct yc_err *e, const char *what)
{
	char field[32];

	snprintf(field, sizeof(field), "sdp.line.%d", r->line);
	return yc_fail(e, YC_MALFORMED, field, "%s", what);
}

/* --- lines --- */
static enum yc_code on_origin(struct reader *r, struct span s, struct yc_err *e)
{
	struct span user = word(&s), id = word(&s), version = word(&s);

	if (!user.n || !id.n || !version.n)
		return bad(r, e, "o= needs a user, an id and a version");
	if (user.n >= sizeof(r->out->origin))
		user.n = sizeof(r->out->origin) - 1;
	(void)copy(r->out->origin, sizeof(r->out->origin), user);
	r->out->id = loose_number(id);
	r->out->version = loose_number(version);
	return YC_OK;
}

/* Returns 1 and the address when it is one we can use; a name or multicast gives none. */
static int address(struct span s, char out[46])
{
	struct span net = word(&s), type = word(&s), ip = word(&s), slash = ip;
	unsigned char raw[16];
	char text[46];

	ip = until(&slash, '/');
	if (!starts(net, "IN") || copy(text, sizeof(text), ip) < 0)
		return 0;
	if (inet_pton(starts(type, "IP6") ? AF_INET6 : AF_INET, text, raw) != 1)
		return 0;
	memcpy(out, text, sizeof(text));
	return 1;
}

static enum yc_code on_connection(struct reader *r, struct span s, struct yc_err *e)
{
	struct span check = s;
	char ip[46] = "";

	(void)word(&check);
	(void)word(&check);
	if (!word(&check).n)
		return bad(r, e, "c= needs a network, a type and an address");
	(void)address(s, ip);                    /* an unusable address makes the stream unusable, not the text */
	if (r->out->n_media)
		memcpy(r->out->media[r->out->n_media - 1].ip, ip, sizeof(ip));
	else
		r->session_ip = s;
	return YC_OK;
}

static void static_format(struct sdp_fmt *f)
{
	static const struct { int pt; const char *name; } known[] = {
		{ 0, "PCMU" }, { 3, "GSM" }, { 4, "G723" }, { 8, "PCMA" }, { 9, "G722" }, { 13, "CN" }, { 18, "G729" },
	};

	f->rate = 8000;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].pt == f->pt)
			memccpy(f->name, known[i].name, 0, sizeof(f->name) - 1);
}

static enum yc_code read_formats(struct reader *r, struct sdp_media *m, struct span s, struct yc_err *e)
{
	int rtp = !strncmp(m->proto, "RTP/", 4);
	struct span f;

	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	while (s.n && *s.p == ' ') {
		s.p++;
		s.n--;
	}
	for (struct span all = s; (f = word(&all)).n; ) {
		int pt = (int)number(f, 127);

		if (!is_token(f) || (rtp && pt < 0))
			return bad(r, e, "m= has a format that is no payload type");
		if (!rtp || m->n_fmt == SDP_FMT_MAX)
			continue;
		m->fmt[m->n_fmt].pt = pt;
		static_format(&m->fmt[m->n_fmt++]);
	}
	if (!s.n)
		return bad(r, e, "m= has no format");
	if (copy(m->fmts, sizeof(m->fmts), s) < 0) {   /* a very long list: our rejection needs only one of them */
		struct span first = word(&s);

		if (copy(m->fmts, sizeof(m->fmts), first) < 0)
			return bad(r, e, "m= has a format that is too long");
	}
	return YC_OK;
}

static enum yc_code on_media(struct reader *r, struct span s, struct yc_err *e)
{
	struct span type = word(&s), port = word(&s), proto = word(&s), count = port;
	struct sdp_media *m;

	if (r->out->n_media == SDP_MEDIA_MAX)
		return yc_fail(e, YC_TOO_LARGE, "sdp.media", "more than %d media streams", SDP_MEDIA_MAX);
	m = &r->out->media[r->out->n_media];
	port = until(&count, '/');
	if (!is_token(type) || !is_token(proto) || copy(m->type, sizeof(m->type), type) < 0 || copy(m->proto, sizeof(m->proto), proto) < 0)
		return bad(r, e, "m= needs a medium, a port, a protocol and formats");
	m->port = (int)number(port, 65535);
	if (m->port < 0)
		return bad(r, e, "m= has a port that is no number up to 65535");
	m->dir = r->dir;
	r->out->n_media++;
	return read_formats(r, m, s, e);
}

static void on_rtpmap(struct sdp_media *m, struct span s)
{
	struct span pt_text = word(&s), name = until(&s, '/'), rate = until(&s, '/');
	int pt = (int)number(pt_text, 127);
	int64_t hz = number(rate, 1000000);

	while (name.n && *name.p == ' ') {
		name.p++;
		name.n--;
	}
	for (int i = 0; i < m->n_fmt; i++) {
		struct sdp_fmt *f = &m->fmt[i];

		if (f->pt != pt || hz < 1 || copy(f->name, sizeof(f->name), name) < 0)
			continue;
		for (char *p = f->name; *p; p++)
			*p = (char)toupper((unsigned char)*p);
		f->rate = (int)hz;
	}
}

static int direction(struct span s, enum sdp_direction *dir)
{
	static const char *const names[] = { "sendrecv", "sendonly", "recvonly", "inactive" };

	for (int i = 0; i < 4; i++) {
		if (s.n == strlen(names[i]) && starts(s, names[i])) {
			*dir = (enum sdp_direction)i;
			return 1;
		}
	}
	return 0;
}

static void on_attribute(struct reader *r, struct span s)
{
	struct sdp_media *m = r->out->n_media ? &r->out->media[r->out->n_media - 1] : NULL;
	struct span value = s, name = until(&value, ':');
	int64_t v;

	if (direction(s, m ? &m->dir : &r->dir) || !m)
		return;
	if (name.n == 6 && starts(name, "rtpmap")) {
		on_rtpmap(m, value);
	} else if (name.n == 5 && starts(name, "ptime")) {
		v = number(word(&value), 1000);
		m->ptime = v > 0 ? (int)v : 0;
	} else if (name.n == 8 && starts(name, "rtcp-mux")) {
		m->rtcp_mux = 1;
	} else if (name.n == 4 && starts(name, "rtcp")) {
		v = number(word(&value), 65535);
		m->rtcp_port = v > 0 ? (int)v : 0;
	}
}

static enum yc_code on_line(struct reader *r, struct span s, struct yc_err *e)
{
	char kind = s.n >= 2 && s.p[1] == '=' ? s.p[0] : 0;
	struct span value = { s.p + 2, s.n - 2 };

	if (!kind || !isalpha((unsigned char)kind))
		return bad(r, e, "a line must be a letter, = and a value");
	if (r->line == 1 && (kind != 'v' || value.n < 1 || value.p[0] != '0'))
		return bad(r, e, "the text must begin with v=0");
	if (memchr(s.p, 0, s.n))
		return bad(r, e, "a line holds a zero byte");
	switch (kind) {
	case 'o':
		return on_origin(r, value, e);
	case 'c':
		return on_connection(r, value, e);
	case 'm':
		return on_media(r, value, e);
	case 'a':
		on_attribute(r, value);
		return YC_OK;
	default:
		return YC_OK;
	}
}

enum yc_code sdp_parse(struct sdp *out, const char *text, size_t n, struct yc_err *e)
{
	struct reader r = { .out = out };
	struct span all = { text, n };
	char ip[46] = "";

	memset(out, 0, sizeof(*out));
	if (n > SDP_TEXT_MAX)
		return yc_fail(e, YC_TOO_LARGE, "sdp", "more than %d bytes", SDP_TEXT_MAX);
	while (all.n) {
		struct span line = until(&all, '\n');
		enum yc_code c;

		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (!line.n)
			continue;
		r.line++;
		c = on_line(&r, line, e);
		if (c != YC_OK)
			return c;
	}
	if (!r.line)
		return yc_fail(e, YC_MALFORMED, "sdp", "the text is empty");
	if (r.session_ip.n)
		(void)address(r.session_ip, ip);
	for (int i = 0; i < out->n_media; i++)
		if (!*out->media[i].ip)
			memcpy(out->media[i].ip, ip, sizeof(ip));
	return YC_OK;
}
