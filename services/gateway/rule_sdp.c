#include "rule_sdp.h"

#include <arpa/inet.h>
#include <string.h>

#include "sdp_text.h"

const struct sdp_prefs SDP_PREFS_DEFAULT = { { SDP_PCMA, SDP_PCMU }, 2, 0 };

enum { EVENT_PT = 101 };

static const char *const direction_names[] = { "sendrecv", "sendonly", "recvonly", "inactive" };

/* --- choosing --- */
static int codec_of(const struct sdp_fmt *f)
{
	if (f->rate != 8000)
		return -1;
	return !strcmp(f->name, "PCMU") ? SDP_PCMU : !strcmp(f->name, "PCMA") ? SDP_PCMA : -1;
}

static int wanted(const struct sdp_prefs *p, int codec)
{
	for (int i = 0; i < p->n; i++)
		if ((int)p->codecs[i] == codec)
			return i;
	return -1;
}

static const struct sdp_fmt *best(const struct sdp_media *m, const struct sdp_prefs *prefs)
{
	const struct sdp_fmt *found = NULL;
	int rank = 99;

	for (int i = 0; i < m->n_fmt; i++) {
		int r = wanted(prefs, codec_of(&m->fmt[i]));

		if (r < 0)
			continue;
		if (!prefs->ours_first)
			return &m->fmt[i];
		if (r < rank) {
			rank = r;
			found = &m->fmt[i];
		}
	}
	return found;
}

static int event_pt(const struct sdp_media *m)
{
	for (int i = 0; i < m->n_fmt; i++)
		if (!strcmp(m->fmt[i].name, "TELEPHONE-EVENT") && m->fmt[i].rate == 8000)
			return m->fmt[i].pt;
	return -1;
}

static int usable(const struct sdp_media *m)
{
	return !strcmp(m->type, "audio") && m->port > 0 && *m->ip && (!strcmp(m->proto, "RTP/AVP") || !strcmp(m->proto, "RTP/AVPF"));
}

static int is_nowhere(const char *ip)
{
	return !strcmp(ip, "0.0.0.0") || !strcmp(ip, "::");
}

enum yc_code sdp_choose(struct sdp_choice *out, const struct sdp *s, const struct sdp_prefs *prefs, struct yc_err *e)
{
	int audio = 0;

	memset(out, 0, sizeof(*out));
	for (int i = 0; i < s->n_media; i++) {
		const struct sdp_media *m = &s->media[i];
		const struct sdp_fmt *f = usable(m) ? best(m, prefs) : NULL;

		audio += usable(m);
		if (!f)
			continue;
		out->index = i;
		out->codec = (enum sdp_codec)codec_of(f);
		out->pt = f->pt;
		out->event_pt = event_pt(m);
		memcpy(out->ip, m->ip, sizeof(out->ip));
		out->port = m->port;
		out->peer_sends = m->dir == SDP_SENDRECV || m->dir == SDP_SENDONLY;
		out->peer_receives = (m->dir == SDP_SENDRECV || m->dir == SDP_RECVONLY) && !is_nowhere(m->ip);
		out->hold = m->dir == SDP_SENDONLY || m->dir == SDP_INACTIVE || is_nowhere(m->ip);
		out->ptime = m->ptime;
		return YC_OK;
	}
	if (!audio)
		return yc_fail(e, YC_INVALID, "sdp.audio", "there is no audio stream by RTP/AVP with an address and a port");
	return yc_fail(e, YC_INVALID, "sdp.codec", "neither PCMA nor PCMU is offered");
}

/* --- writing --- */
void sdp_local_init(struct sdp_local *l, const char *ip, int port, uint64_t id)
{
	memset(l, 0, sizeof(*l));
	memccpy(l->ip, ip, 0, sizeof(l->ip) - 1);
	l->port = port;
	l->id = l->version = id & 0x7fffffffffffffffull;   /* some read it into a signed number */
}

static enum sdp_direction narrow(enum sdp_direction ours, int may_send, int may_receive)
{
	int send = (ours == SDP_SENDRECV || ours == SDP_SENDONLY) && may_send;
	int receive = (ours == SDP_SENDRECV || ours == SDP_RECVONLY) && may_receive;

	return send ? (receive ? SDP_SENDRECV : SDP_SENDONLY) : receive ? SDP_RECVONLY : SDP_INACTIVE;
}

static enum sdp_direction desired(const struct sdp_local *l)
{
	return l->hold ? narrow(l->dir, 1, 0) : l->dir;
}

/* FNV-1a over what follows o=: equal text keeps the version, other text raises it (RFC 3264 section 8). */
static void stamp(struct sdp_local *l, const char *body)
{
	uint64_t h = 14695981039346656037ull;

	for (const char *p = body; *p; p++)
		h = (h ^ (uint8_t)*p) * 1099511628211ull;
	h |= 1;                                  /* 0 means: nothing written yet */
	if (l->last && l->last != h)
		l->version++;
	l->last = h;
}

static size_t finish(struct sdp_local *l, const struct sdp_text *body, char *buf, size_t cap)
{
	struct sdp_text t = { buf, cap, 0, 0 };

	if (body->over)
		return 0;
	stamp(l, body->p);
	sdp_add(&t, "v=0\r\no=yichuang %llu %llu IN %s %s\r\ns=-\r\n", (unsigned long long)l->id, (unsigned long long)l->version,
		strchr(l->ip, ':') ? "IP6" : "IP4", l->ip);
	sdp_add(&t, "%s", body->p);
	return t.over ? 0 : t.n;
}

static void add_connection(struct sdp_text *t, const struct sdp_local *l)
{
	sdp_add(t, "c=IN %s %s\r\nt=0 0\r\n", strchr(l->ip, ':') ? "IP6" : "IP4", l->ip);
}

static void add_codec(struct sdp_text *t, int pt, enum sdp_codec c)
{
	sdp_add(t, "a=rtpmap:%d %s/8000\r\n", pt, c == SDP_PCMA ? "PCMA" : "PCMU");
}

static void add_tail(struct sdp_text *t, int event, enum sdp_direction dir)
{
	if (event > 0)
		sdp_add(t, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n", event, event);
	sdp_add(t, "a=ptime:20\r\na=%s\r\n", direction_names[dir]);
}

size_t sdp_write_offer(struct sdp_local *l, const struct sdp_prefs *prefs, char *buf, size_t cap)
{
	char body[SDP_OUT_MAX];
	struct sdp_text t = { body, sizeof(body), 0, 0 };

	add_connection(&t, l);
	sdp_add(&t, "m=audio %d RTP/AVP", l->port);
	for (int i = 0; i < prefs->n; i++)
		sdp_add(&t, " %d", (int)prefs->codecs[i]);
	sdp_add(&t, " %d\r\n", EVENT_PT);
	for (int i = 0; i < prefs->n; i++)
		add_codec(&t, (int)prefs->codecs[i], prefs->codecs[i]);
	add_tail(&t, EVENT_PT, desired(l));
	return finish(l, &t, buf, cap);
}

static void add_agreed(struct sdp_text *t, const struct sdp_local *l, const char *proto, const struct sdp_choice *c, enum sdp_direction dir)
{
	sdp_add(t, "m=audio %d %s %d", l->port, proto, c->pt);
	if (c->event_pt > 0)
		sdp_add(t, " %d", c->event_pt);
	sdp_add(t, "\r\n");
	add_codec(t, c->pt, c->codec);
	add_tail(t, c->event_pt, dir);
}

size_t sdp_write_reoffer(struct sdp_local *l, const struct sdp_choice *c, char *buf, size_t cap)
{
	char body[SDP_OUT_MAX];
	struct sdp_text t = { body, sizeof(body), 0, 0 };

	add_connection(&t, l);
	for (int i = 0; i < c->index; i++)       /* the m= lines of a session keep their order for ever */
		sdp_add(&t, "m=audio 0 RTP/AVP 0\r\n");
	add_agreed(&t, l, "RTP/AVP", c, desired(l));
	return finish(l, &t, buf, cap);
}

size_t sdp_write_answer(struct sdp_local *l, const struct sdp *offer, const struct sdp_choice *c, char *buf, size_t cap)
{
	char body[SDP_OUT_MAX];
	struct sdp_text t = { body, sizeof(body), 0, 0 };

	add_connection(&t, l);
	for (int i = 0; i < offer->n_media; i++) {
		const struct sdp_media *m = &offer->media[i];

		if (i == c->index)
			add_agreed(&t, l, m->proto, c, narrow(desired(l), m->dir == SDP_SENDRECV || m->dir == SDP_RECVONLY,
				m->dir == SDP_SENDRECV || m->dir == SDP_SENDONLY));
		else
			sdp_add(&t, "m=%s 0 %s %s\r\n", m->type, m->proto, m->fmts);
	}
	return finish(l, &t, buf, cap);
}
