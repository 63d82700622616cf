#include "yc/opt.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/text.h"

enum { FILE_BYTES_MAX = 1024 * 1024, VALUE_MAX = 4096 };

/* Where a value came from, for messages: "--ring-ms", "YC_ACD_RING_MS", "acd.conf:12". */
struct place { const char *name; int line; };

struct sets { const struct yc_opt_set *v; size_t n; };

static void *slot(const struct yc_opt_set *set, const struct yc_opt *o)
{
	return (char *)set->conf + o->offset;
}

/* --- values ------------------------------------------------------------------------------------------------------------------------- */

struct unit { const char *name; int64_t factor; };
static const struct unit times[] = { { "", 1 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { 0 } };
static const struct unit sizes[] = { { "", 1 }, { "b", 1 }, { "k", 1 << 10 }, { "m", 1 << 20 }, { "g", 1 << 30 }, { 0 } };
static const struct unit none[] = { { "", 1 }, { 0 } };

/* A whole number and a unit of the list, nothing else. */
static int number(const char *s, const struct unit *units, int64_t *out)
{
	char *end;
	long long v;

	if (!isdigit((unsigned char)*s) && !(units == none && *s == '-' && isdigit((unsigned char)s[1])))
		return -1;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno)
		return -1;
	for (; units->name; units++)
		if (!strcasecmp(end, units->name))
			return __builtin_mul_overflow(v, units->factor, out) ? -1 : 0;
	return -1;
}

static int boolean(const char *s, int *out)
{
	static const char *const words[] = { "no", "yes", "false", "true", "0", "1", "off", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(s, words[i])) {
			*out = (int)(i & 1);
			return 0;
		}
	return -1;
}

enum yc_code yc_parse_ms(const char *text, int64_t *out, struct yc_err *e)
{
	if (!text || number(text, times, out))
		return yc_fail(e, YC_INVALID, NULL, "'%.40s' is no duration (20s, 500ms, 2m, 1h, 1d)", text ? text : "");
	return YC_OK;
}

static const char *expected(enum yc_opt_kind kind)
{
	switch (kind) {
	case YC_OPT_INT: return "a whole number";
	case YC_OPT_MS: return "a duration (20s, 500ms, 2m, 1h, 1d)";
	case YC_OPT_SIZE: return "a size (64k, 2m, 1g)";
	case YC_OPT_BOOL: return "yes or no";
	case YC_OPT_STR: break;
	}
	return "text";
}

static enum yc_code fail_at(const struct place *at, const char *field, const char *what, struct yc_err *e)
{
	if (at->line)
		return yc_fail(e, YC_INVALID, field, "%s:%d: %s", at->name, at->line, what);
	return yc_fail(e, YC_INVALID, field, "%s: %s", at->name, what);
}

static enum yc_code put_number(const struct yc_opt *o, int64_t *out, const char *text, const struct place *at, struct yc_err *e)
{
	const struct unit *units = o->kind == YC_OPT_MS ? times : o->kind == YC_OPT_SIZE ? sizes : none;
	char what[192];
	int64_t v;

	if (number(text, units, &v)) {
		snprintf(what, sizeof(what), "'%.40s' is not %s", text, expected(o->kind));
		return fail_at(at, o->name, what, e);
	}
	if ((o->min || o->max) && (v < o->min || v > o->max)) {
		snprintf(what, sizeof(what), "%lld is not within %lld and %lld", (long long)v, (long long)o->min, (long long)o->max);
		return fail_at(at, o->name, what, e);
	}
	*out = v;
	return YC_OK;
}

static enum yc_code put(const struct yc_opt_set *set, const struct yc_opt *o, const char *text, const struct place *at, struct yc_err *e)
{
	char what[128], *copy;

	if (strlen(text) > VALUE_MAX)
		return fail_at(at, o->name, "the value is too long", e);
	if (!yc_utf8_ok(text))
		return fail_at(at, o->name, "the value is not UTF-8", e);
	switch (o->kind) {
	case YC_OPT_STR:
		copy = yc_xstrdup(text);
		yc_xfree(*(char **)slot(set, o));
		*(char **)slot(set, o) = copy;
		return YC_OK;
	case YC_OPT_BOOL:
		if (!boolean(text, slot(set, o)))
			return YC_OK;
		snprintf(what, sizeof(what), "'%.40s' is not %s", text, expected(o->kind));
		return fail_at(at, o->name, what, e);
	default:
		return put_number(o, slot(set, o), text, at, e);
	}
}

/* --- finding ------------------------------------------------------------------------------------------------------------------------ */

/* Names match with - and _ alike, so that a flag may be pasted into a file. n: length of name. */
static int same_name(const char *opt, const char *name, size_t n)
{
	size_t i = 0;

	for (; i < n && opt[i]; i++)
		if (opt[i] != (name[i] == '-' ? '_' : name[i]))
			return 0;
	return i == n && !opt[i];
}

/* nr: running number of the option over all tables. */
static const struct yc_opt *find(const struct sets *s, const char *name, size_t n, const struct yc_opt_set **set, size_t *nr)
{
	*nr = 0;
	for (size_t i = 0; i < s->n; i++)
		for (const struct yc_opt *o = s->v[i].opts; o->name; o++, (*nr)++)
			if (same_name(o->name, name, n)) {
				*set = &s->v[i];
				return o;
			}
	return NULL;
}

static size_t count(const struct sets *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		for (const struct yc_opt *o = s->v[i].opts; o->name; o++)
			n++;
	return n;
}

static const char *env_name(const struct yc_opt *o, const char *prefix, char *buf, size_t size)
{
	if (o->env)
		return o->env;
	snprintf(buf, size, "%s_%s", prefix, o->name);
	for (char *p = buf; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return buf;
}

/* --- the file ----------------------------------------------------------------------------------------------------------------------- */

struct span { const char *s; size_t n; };

static struct span trim(struct span t)
{
	while (t.n && isspace((unsigned char)*t.s))
		t.s++, t.n--;
	while (t.n && isspace((unsigned char)t.s[t.n - 1]))
		t.n--;
	return t;
}

/* Value of `name = value  # comment`: a '#' after a blank begins a comment; "..." keeps blanks and '#'. -1: unbalanced quotes. */
static int value_of(struct span *t)
{
	const char *end;

	*t = trim(*t);
	if (t->n && *t->s == '"') {
		end = memchr(t->s + 1, '"', t->n - 1);
		if (!end)
			return -1;
		struct span after = trim((struct span){ end + 1, (size_t)(t->s + t->n - end - 1) });

		if (after.n && *after.s != '#')
			return -1;
		*t = (struct span){ t->s + 1, (size_t)(end - t->s - 1) };
		return 0;
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->s[i] == '#' && (i == 0 || isspace((unsigned char)t->s[i - 1]))) {
			t->n = i;
			break;
		}
	*t = trim(*t);
	return 0;
}

/* One line that is neither empty nor a comment. seen[nr]: the line where option nr was given before, or 0. */
static enum yc_code take_line(const struct sets *s, struct span line, const struct place *at, int *seen, struct yc_err *e)
{
	const char *eq = memchr(line.s, '=', line.n);
	struct span name, value;
	const struct yc_opt_set *set;
	const struct yc_opt *o;
	char what[160], text[VALUE_MAX + 1];
	size_t nr;

	if (!eq)
		return fail_at(at, NULL, "a line is 'name = value' or '# comment'", e);
	name = trim((struct span){ line.s, (size_t)(eq - line.s) });
	value = (struct span){ eq + 1, (size_t)(line.s + line.n - eq - 1) };
	o = find(s, name.s, name.n, &set, &nr);
	if (!o) {
		snprintf(what, sizeof(what), "there is no option '%.*s'", (int)(name.n > 60 ? 60 : name.n), name.s);
		return fail_at(at, NULL, what, e);
	}
	if (seen[nr]) {
		snprintf(what, sizeof(what), "given before, in line %d", seen[nr]);
		return fail_at(at, o->name, what, e);
	}
	seen[nr] = at->line;
	if (value_of(&value))
		return fail_at(at, o->name, "the quotes do not match", e);
	if (value.n > VALUE_MAX)
		return fail_at(at, o->name, "the value is too long", e);
	memcpy(text, value.s, value.n);
	text[value.n] = '\0';
	return put(set, o, text, at, e);
}

enum yc_code yc_opt_text(const struct yc_opt_set *sets, size_t n_sets, const char *name,
			 const char *text, size_t len, struct yc_err *e)
{
	struct sets s = { sets, n_sets };
	struct place at = { name, 0 };
	enum yc_code rc = YC_OK;
	const char *end, *p = text;
	int *seen;

	if (len > FILE_BYTES_MAX)
		return yc_fail(e, YC_TOO_LARGE, NULL, "%s: an option file has at most %d bytes", name, FILE_BYTES_MAX);
	seen = yc_xcalloc(count(&s) + 1, sizeof(*seen));
	for (; rc == YC_OK && p < text + len; p = end + 1) {
		struct span line;

		end = memchr(p, '\n', (size_t)(text + len - p));
		if (!end)
			end = text + len;
		at.line++;
		if (memchr(p, '\0', (size_t)(end - p))) {
			rc = fail_at(&at, NULL, "the line holds a NUL byte", e);
			break;
		}
		line = trim((struct span){ p, (size_t)(end - p) });
		if (line.n && *line.s != '#')
			rc = take_line(&s, line, &at, seen, e);
	}
	yc_xfree(seen);
	return rc;
}

static enum yc_code read_file(const struct sets *s, const char *path, struct yc_err *e)
{
	enum yc_code rc = YC_OK;
	char *text = NULL;
	size_t n;
	FILE *f = fopen(path, "re");

	if (!f)
		return yc_fail(e, YC_INVALID, "config", "%s: %s", path, strerror(errno));
	text = yc_xcalloc(1, FILE_BYTES_MAX + 1);
	n = fread(text, 1, FILE_BYTES_MAX + 1, f);
	if (ferror(f))
		rc = yc_fail(e, YC_INVALID, "config", "%s: %s", path, strerror(errno));
	else
		rc = yc_opt_text(s->v, s->n, path, text, n, e);
	yc_xfree(text);
	fclose(f);
	return rc;
}

/* --- the command line --------------------------------------------------------------------------------------------------------------- */

/* Flags of every program that its main() answers; parsing passes over them. */
static int is_for_main(const char *arg)
{
	static const char *const flags[] = { "--help", "--version", "--check", "--man" };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!strcmp(arg, flags[i]))
			return 1;
	return 0;
}

struct flag { const char *name; size_t n; const char *value; const struct yc_opt_set *set; const struct yc_opt *o; };

/* Reads the flag at argv[*i] and moves *i to the next argument. --name value, --name=value; for switches --name and --no-name. */
static enum yc_code next_flag(const struct sets *s, int argc, char **argv, int *i, struct flag *f, struct yc_err *e)
{
	const char *arg = argv[(*i)++], *eq = strchr(arg, '=');
	size_t nr;

	f->name = arg + 2;
	f->n = eq ? (size_t)(eq - f->name) : strlen(f->name);
	f->value = eq ? eq + 1 : NULL;
	f->o = find(s, f->name, f->n, &f->set, &nr);
	if (!f->o && !eq && !strncmp(f->name, "no-", 3)) {
		f->o = find(s, f->name + 3, f->n - 3, &f->set, &nr);
		if (f->o && f->o->kind == YC_OPT_BOOL)
			f->value = "no";
		else
			f->o = NULL;
	}
	if (!f->o && !(f->n == 6 && !strncmp(f->name, "config", 6)))
		return yc_fail(e, YC_INVALID, NULL, "there is no flag '%.60s'; --help lists them", arg);
	if (!f->value && f->o && f->o->kind == YC_OPT_BOOL)
		f->value = "yes";
	if (!f->value && *i < argc)
		f->value = argv[(*i)++];
	if (!f->value)
		return yc_fail(e, YC_INVALID, f->o ? f->o->name : "config", "%.60s needs a value", arg);
	return YC_OK;
}

/* Over all flags: with apply they are stored, without only the file's name is looked for. */
static enum yc_code flags(const struct sets *s, int argc, char **argv, int apply, const char **file, int *rest, struct yc_err *e)
{
	struct flag f;
	int i = 1;

	while (i < argc && !strncmp(argv[i], "--", 2)) {
		if (!argv[i][2]) {
			i++;
			break;
		}
		if (is_for_main(argv[i])) {
			i++;
			continue;
		}
		if (next_flag(s, argc, argv, &i, &f, e))
			return e ? e->code : YC_INVALID;
		if (f.n == 6 && !strncmp(f.name, "config", 6))
			*file = f.value;
		if (apply && f.o) {
			char name[80];
			struct place at = { name, 0 };

			snprintf(name, sizeof(name), "--%.*s", (int)(f.n > 70 ? 70 : f.n), f.name);
			if (put(f.set, f.o, f.value, &at, e))
				return e ? e->code : YC_INVALID;
		}
	}
	if (i < argc && argv[i][0] == '-' && argv[i][1] && strcmp(argv[i - 1], "--"))
		return yc_fail(e, YC_INVALID, NULL, "there is no flag '%.60s'; --help lists them", argv[i]);
	if (rest)
		*rest = i;
	return YC_OK;
}

static enum yc_code defaults(const struct sets *s, struct yc_err *e)
{
	struct place at = { "default", 0 };

	for (size_t i = 0; i < s->n; i++)
		for (const struct yc_opt *o = s->v[i].opts; o->name; o++) {
			enum yc_code rc = o->dflt ? put(&s->v[i], o, o->dflt, &at, e) : YC_OK;

			if (rc)
				return rc;
		}
	return YC_OK;
}

/* An empty variable counts as not set: that is what an unset line in a compose file gives. */
static enum yc_code environment(const struct sets *s, const char *prefix, struct yc_err *e)
{
	char buf[128];

	for (size_t i = 0; i < s->n; i++)
		for (const struct yc_opt *o = s->v[i].opts; o->name; o++) {
			struct place at = { env_name(o, prefix, buf, sizeof(buf)), 0 };
			const char *v = getenv(at.name);
			enum yc_code rc = yc_is_empty(v) ? YC_OK : put(&s->v[i], o, v, &at, e);

			if (rc)
				return rc;
		}
	return YC_OK;
}

static const char *file_from_env(const struct sets *s, const char *prefix)
{
	const struct yc_opt_set *set;
	struct yc_opt any = { .name = "config" };
	const struct yc_opt *o;
	char buf[128];
	size_t nr;

	o = find(s, "config", 6, &set, &nr);
	return getenv(env_name(o ? o : &any, prefix, buf, sizeof(buf)));
}

enum yc_code yc_opt_parse(const struct yc_opt_set *sets, size_t n_sets, const char *prefix,
			  int argc, char **argv, int *rest, struct yc_err *e)
{
	struct sets s = { sets, n_sets };
	const char *file = file_from_env(&s, prefix);
	enum yc_code rc;

	rc = defaults(&s, e);
	if (rc == YC_OK)
		rc = flags(&s, argc, argv, 0, &file, NULL, e);
	if (rc == YC_OK && !yc_is_empty(file))
		rc = read_file(&s, file, e);
	if (rc == YC_OK)
		rc = environment(&s, prefix, e);
	if (rc == YC_OK)
		rc = flags(&s, argc, argv, 1, &file, rest, e);
	return rc;
}

void yc_opt_free(const struct yc_opt_set *sets, size_t n_sets)
{
	for (size_t i = 0; i < n_sets; i++)
		for (const struct yc_opt *o = sets[i].opts; o->name; o++)
			if (o->kind == YC_OPT_STR) {
				yc_xfree(*(char **)slot(&sets[i], o));
				*(char **)slot(&sets[i], o) = NULL;
			}
}
