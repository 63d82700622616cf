/* Commands and scripts of the Redis client: bounds, time-outs, and each callback exactly once. */
#include "redis_impl.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"

/* --- replies ------------------------------------------------------------------------------------------------------------------ */

static void convert(const redisReply *in, struct yc_rreply *out)
{
	struct yc_rreply *v;
	size_t i;

	memset(out, 0, sizeof(*out));
	switch (in->type) {
	case REDIS_REPLY_INTEGER:
		out->type = YC_R_INT;
		out->i = in->integer;
		break;
	case REDIS_REPLY_STRING: case REDIS_REPLY_STATUS: case REDIS_REPLY_ERROR:
		out->type = in->type == REDIS_REPLY_ERROR ? YC_R_ERROR : YC_R_STR;
		out->s = in->str;
		out->len = in->len;
		break;
	case REDIS_REPLY_ARRAY:
		out->type = YC_R_ARRAY;
		out->n = in->elements;
		v = yc_xcalloc(in->elements + 1, sizeof(*v));
		for (i = 0; i < in->elements; i++)
			convert(in->element[i], &v[i]);
		out->v = v;
		break;
	default:
		out->type = YC_R_NIL;
	}
}

static void drop_arrays(const struct yc_rreply *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		drop_arrays(&v->v[i]);
	yc_xfree((void *)v->v);
}

static void tell(struct redis_cmd *c, enum yc_code code, const struct yc_rreply *v)
{
	yc_redis_fn *fn = c->fn;
	void *arg = c->arg;

	yc_xfree(c);
	if (fn)
		fn(arg, code, v);
}

/* --- refusals, told from the loop ------------------------------------------------------------------------------------------------ */

static void on_refused(void *arg)
{
	struct yc_redis *r = arg;
	struct redis_cmd *c, *next, *list = r->refused;

	r->refused = NULL;
	r->t_refused = NULL;
	for (c = list; c; c = next) {
		next = c->next;
		tell(c, YC_UNAVAILABLE, NULL);   /* may refuse more, for the next turn; may even close r: nothing of r is used after */
	}
}

static void refuse(struct yc_redis *r, struct redis_cmd *c)
{
	if (!c->fn) {
		yc_xfree(c);
		return;
	}
	DL_APPEND(r->refused, c);
	if (!r->t_refused)
		r->t_refused = yc_timer_start(r->loop, 0, 0, on_refused, r);
}

/* --- time-outs ---------------------------------------------------------------------------------------------------------------------- */

static void on_timeout(void *arg)
{
	struct yc_redis *r = arg;
	struct redis_cmd *c;
	int64_t now = yc_mono();

	r->t_timeout = NULL;
	if (!r->cmds)
		return;
	if (r->cmds->deadline_ms > now) {
		r->t_timeout = yc_timer_start(r->loop, r->cmds->deadline_ms - now, 0, on_timeout, r);
		return;
	}
	DL_FOREACH(r->cmds, c)
		if (c->deadline_ms <= now)
			c->if_lost = YC_DEADLINE;
	yc_warn("redis: no answer for %" PRId64 " ms", r->timeout_ms);
	redis_drop(r);
}

/* --- sending ------------------------------------------------------------------------------------------------------------------------ */

static void resend_as_text(struct yc_redis *r, struct redis_cmd *c);

static void on_reply(redisAsyncContext *ac, void *reply, void *arg)
{
	struct redis_cmd *c = arg;
	struct yc_redis *r = c->r;
	struct yc_rreply v;

	if (!r) {
		yc_xfree(c);
		return;
	}
	DL_DELETE(r->cmds, c);
	r->n_cmds--;
	if (!reply) {
		if (r->ac == ac)
			r->is_dying = 1;
		tell(c, c->if_lost, NULL);
		return;
	}
	convert(reply, &v);
	if (v.type == YC_R_ERROR && c->script && !strncmp(v.s, "NOSCRIPT", 8))
		resend_as_text(r, c);
	else
		tell(c, v.type == YC_R_ERROR ? YC_INVALID : YC_OK, &v);
	drop_arrays(&v);
}

void redis_send(struct yc_redis *r, struct redis_cmd *c, int argc, const char **argv, const size_t *len)
{
	c->r = r;
	c->if_lost = YC_UNAVAILABLE;
	c->deadline_ms = yc_mono() + r->timeout_ms;
	if (!r->ac || r->is_dying || r->n_cmds >= REDIS_MAX_OUTSTANDING ||
	    redisAsyncCommandArgv(r->ac, on_reply, c, argc, argv, len) != REDIS_OK) {
		refuse(r, c);
		return;
	}
	DL_APPEND(r->cmds, c);
	r->n_cmds++;
	if (!r->t_timeout)
		r->t_timeout = yc_timer_start(r->loop, r->timeout_ms, 0, on_timeout, r);
}

static struct redis_cmd *new_cmd(yc_redis_fn *fn, void *arg, size_t extra)
{
	struct redis_cmd *c = yc_xcalloc(1, sizeof(*c) + extra);

	c->fn = fn;
	c->arg = arg;
	return c;
}

void redis_internal(struct yc_redis *r, yc_redis_fn *fn, void *arg, int argc, const char **argv)
{
	redis_send(r, new_cmd(fn, arg, 0), argc, argv, NULL);
}

static void send_if_up(struct yc_redis *r, struct redis_cmd *c, int argc, const char **argv, const size_t *len)
{
	if (r->is_up)
		redis_send(r, c, argc, argv, len);
	else
		refuse(r, c);
}

void yc_redis_argv(struct yc_redis *r, yc_redis_fn *fn, void *arg, int argc, const char **argv, const size_t *len)
{
	send_if_up(r, new_cmd(fn, arg, 0), argc, argv, len);
}

void yc_redis_cmd(struct yc_redis *r, yc_redis_fn *fn, void *arg, ...)
{
	const char *argv[16], *s;
	int argc = 0;
	va_list ap;

	va_start(ap, arg);
	while (argc < 16 && (s = va_arg(ap, const char *)))
		argv[argc++] = s;
	va_end(ap);
	yc_redis_argv(r, fn, arg, argc, argv, NULL);
}

/* --- scripts ------------------------------------------------------------------------------------------------------------------------- */

/* args: NUL-ended strings one after the other; returns argc. */
static int script_argv(const char *verb, const char *script, char keys[16], int n_keys, const char *args, int argc, const char **argv)
{
	int i;

	snprintf(keys, 16, "%d", n_keys);
	argv[0] = verb;
	argv[1] = script;
	argv[2] = keys;
	for (i = 0; i < argc; i++) {
		argv[3 + i] = args;
		args += strlen(args) + 1;
	}
	return argc + 3;
}

/* The server does not know the script (restarted, flushed): EVAL carries the text and makes it known again. */
static void resend_as_text(struct yc_redis *r, struct redis_cmd *c)
{
	const char *argv[REDIS_MAX_ARGS + 3];
	char keys[16];
	int argc = script_argv("EVAL", c->script->text, keys, c->n_keys, (const char *)(c + 1), c->argc, argv);

	c->script = NULL;
	send_if_up(r, c, argc, argv, NULL);
}

static void on_loaded(void *arg, enum yc_code code, const struct yc_rreply *v)
{
	struct yc_script *s = arg;

	if (!code && v->type == YC_R_STR && v->len == 40)
		memcpy(s->sha, v->s, 41);
}

void yc_redis_script(struct yc_redis *r, struct yc_script *s, yc_redis_fn *fn, void *arg, int n_keys, int argc, const char **argv)
{
	const char *load[] = { "SCRIPT", "LOAD", s->text }, *all[REDIS_MAX_ARGS + 3];
	struct redis_cmd *c;
	size_t size = 1;
	char keys[16], *p;
	int i, n;

	if (argc > REDIS_MAX_ARGS) {
		yc_error("redis: a script with %d arguments", argc);
		refuse(r, new_cmd(fn, arg, 0));
		return;
	}
	for (i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	c = new_cmd(fn, arg, size);
	for (p = (char *)(c + 1), i = 0; i < argc; i++) {
		n = (int)strlen(argv[i]) + 1;
		memcpy(p, argv[i], (size_t)n);
		p += n;
	}
	c->n_keys = n_keys;
	c->argc = argc;
	/* The server computes the digest for us; until it is known the text travels. */
	if (!s->sha[0] && r->is_up)
		redis_internal(r, on_loaded, s, 3, load);
	c->script = s->sha[0] ? s : NULL;
	n = script_argv(s->sha[0] ? "EVALSHA" : "EVAL", s->sha[0] ? s->sha : s->text, keys, n_keys, (const char *)(c + 1), argc, all);
	send_if_up(r, c, n, all, NULL);
}

/* --- life -------------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code parse_url(struct yc_redis *r, const char *url, struct yc_err *e)
{
	const char *at, *colon;

	if (!strncmp(url, "unix:", 5)) {
		r->path = yc_xstrdup(url + 5);
		return YC_OK;
	}
	if (strncmp(url, "redis://", 8))
		return yc_fail(e, YC_INVALID, "redis", "a Redis URL begins with unix: or redis://");
	url += 8;
	at = strrchr(url, '@');
	if (at) {
		const char *pass = memchr(url, ':', (size_t)(at - url));

		pass = pass ? pass + 1 : url;
		r->password = yc_xcalloc(1, (size_t)(at - pass) + 1);
		memcpy(r->password, pass, (size_t)(at - pass));
		url = at + 1;
	}
	r->host = yc_xstrdup(url);
	r->host[strcspn(r->host, "/")] = 0;
	colon = strrchr(r->host, ':');
	r->port = colon ? (int)strtol(colon + 1, NULL, 10) : 6379;
	if (colon)
		r->host[colon - r->host] = 0;
	if (!*r->host || r->port < 1 || r->port > 65535)
		return yc_fail(e, YC_INVALID, "redis", "a Redis URL is redis://host:port");
	return YC_OK;
}

static void free_all(struct yc_redis *r)
{
	yc_xfree(r->path);
	yc_xfree(r->host);
	yc_xfree(r->password);
	yc_xfree(r);
}

enum yc_code yc_redis_open(struct yc_redis **out, struct yc_loop *l, const char *url,
			   void (*up)(void *arg, int is_up), void *arg, struct yc_err *e)
{
	struct yc_redis *r = yc_xcalloc(1, sizeof(*r));
	enum yc_code rc = parse_url(r, url ? url : "", e);

	*out = NULL;
	if (rc) {
		free_all(r);
		return rc;
	}
	r->loop = l;
	r->up = up;
	r->up_arg = arg;
	r->timeout_ms = 500;
	redis_connect(r);
	*out = r;
	return YC_OK;
}

void yc_redis_close(struct yc_redis **pr)
{
	struct yc_redis *r = *pr;
	struct redis_cmd *c, *next, *pending;
	redisAsyncContext *ac;

	if (!r)
		return;
	*pr = NULL;
	ac = r->ac;
	r->ac = NULL;
	r->is_up = 0;
	r->up = NULL;
	yc_timer_stop(&r->t_timeout);
	yc_timer_stop(&r->t_retry);
	pending = r->cmds;
	r->cmds = NULL;
	for (c = pending; c; c = next) {         /* hiredis still holds c and frees it through on_reply */
		next = c->next;
		c->r = NULL;
		if (c->fn && c->fn != on_loaded)
			c->fn(c->arg, YC_UNAVAILABLE, NULL);
	}
	if (ac) {
		redis_unhook(ac);
		redisAsyncFree(ac);
	}
	yc_timer_stop(&r->t_refused);
	while ((c = r->refused)) {
		DL_DELETE(r->refused, c);
		tell(c, YC_UNAVAILABLE, NULL);
	}
	yc_timer_stop(&r->t_refused);
	free_all(r);
}

int yc_redis_is_up(const struct yc_redis *r)
{
	return r->is_up;
}

void yc_redis_timeout(struct yc_redis *r, int64_t ms)
{
	r->timeout_ms = ms > 0 ? ms : 500;
}
