#include "yc/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "yc/clock.h"
#include "yc/text.h"

enum { MSG_MAX = 2048, LINE_MAX_ = 4096 };      /* a line stays within PIPE_BUF, so that writers sharing a pipe never mix */

static char self_name[32] = "yc";
static int is_json;
static enum yc_level least = YC_INFO;
static const char *const level_names[] = { "debug", "info", "warn", "error" };

struct line { char s[LINE_MAX_]; size_t n, room; };

void yc_log_init(const char *name, int json, enum yc_level min)
{
	yc_copy(self_name, sizeof(self_name), name);
	is_json = json;
	least = min;
}

int yc_log_on(enum yc_level level)
{
	return level >= least;
}

/* Appends whole pieces only: what does not fit is left out, so an escape or a character is never cut. */
static int add_n(struct line *l, const char *s, size_t n)
{
	if (l->n + n > l->room)
		return -1;
	memcpy(l->s + l->n, s, n);
	l->n += n;
	return 0;
}

static int add(struct line *l, const char *s)
{
	return add_n(l, s, strlen(s));
}

static size_t char_len(const char *s)
{
	unsigned char c = (unsigned char)*s;

	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/* Text of unknown origin: control characters escaped (one event stays one line), invalid UTF-8 replaced; quotes escaped for JSON. */
static void add_escaped(struct line *l, const char *s)
{
	size_t left = strlen(s), good, len;
	int ok, rc = 0;
	char u[8];

	while (left > 0 && rc == 0) {
		unsigned char c = (unsigned char)*s;

		len = 1;
		if (c == '\n') {
			rc = add(l, "\\n");
		} else if (c < 0x20 || c == 0x7f) {
			snprintf(u, sizeof(u), "\\u%04x", c);
			rc = add(l, u);
		} else if (is_json && (c == '"' || c == '\\')) {
			rc = add(l, c == '"' ? "\\\"" : "\\\\");
		} else if (c < 0x80) {
			rc = add_n(l, s, 1);
		} else {
			len = char_len(s);
			good = len <= left ? yc_utf8_check(s, len, &ok) : 0;
			if (good == len)
				rc = add_n(l, s, len);
			else
				rc = add(l, "\xef\xbf\xbd"), len = 1;
		}
		s += len;
		left -= len;
	}
}

static void put_json(struct line *l, enum yc_level level, const char *trace, const char *at, const char *msg)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "\",\"pid\":%d", (int)getpid());
	add(l, "{\"at\":\"");
	add(l, at);
	add(l, "\",\"level\":\"");
	add(l, level_names[level]);
	add(l, "\",\"service\":\"");
	add_escaped(l, self_name);
	add(l, pid);
	if (!yc_is_empty(trace)) {
		add(l, ",\"trace\":\"");
		add_escaped(l, trace);
		add(l, "\"");
	}
	add(l, ",\"msg\":\"");
	add_escaped(l, msg);
	l->room = sizeof(l->s);
	add(l, "\"}\n");
}

static void put_text(struct line *l, enum yc_level level, const char *trace, const char *at, const char *msg)
{
	char head[64];

	snprintf(head, sizeof(head), " %-5s %s: ", level_names[level], self_name);
	add(l, at);
	add(l, head);
	add_escaped(l, msg);
	if (!yc_is_empty(trace)) {
		add(l, " [");
		add_escaped(l, trace);
		add(l, "]");
	}
	l->room = sizeof(l->s);
	add(l, "\n");
}

static void write_all(const char *s, size_t n)
{
	ssize_t w;

	while (n > 0) {
		w = write(STDERR_FILENO, s, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return;         /* nobody listens, or a full non-blocking pipe: the line is lost, the service goes on */
		s += w;
		n -= (size_t)w;
	}
}

void yc_log_at(enum yc_level level, const char *trace, const char *fmt, ...)
{
	char msg[MSG_MAX], at[YC_RFC3339_LEN], cut_trace[128];
	struct line l = { .room = LINE_MAX_ - 8 };
	int saved = errno;
	va_list ap;

	if (!yc_log_on(level) || level > YC_ERROR)
		return;
	va_start(ap, fmt);
	if (vsnprintf(msg, sizeof(msg), fmt, ap) < 0)
		yc_copy(msg, sizeof(msg), "(a line could not be formatted)");
	va_end(ap);
	yc_copy(cut_trace, sizeof(cut_trace), trace);
	yc_rfc3339(yc_now(), at);
	if (is_json)
		put_json(&l, level, cut_trace, at, msg);
	else
		put_text(&l, level, cut_trace, at, msg);
	write_all(l.s, l.n);
	errno = saved;
}
