/* What people read about options: --help and the man page, both from the same tables that are parsed. */
#include <ctype.h>
#include <string.h>

#include "yc/opt.h"
#include "yc/text.h"

static const char *argument(enum yc_opt_kind kind)
{
	switch (kind) {
	case YC_OPT_STR: return "TEXT";
	case YC_OPT_INT: return "N";
	case YC_OPT_MS: return "TIME";
	case YC_OPT_SIZE: return "SIZE";
	case YC_OPT_BOOL: break;
	}
	return "yes|no";
}

static void flag_name(const struct yc_opt *o, char *out, size_t size)
{
	snprintf(out, size, "--%s", o->name);
	for (char *p = out; *p; p++)
		if (*p == '_')
			*p = '-';
}

static void env_name(const struct yc_opt *o, const char *prefix, char *out, size_t size)
{
	if (o->env) {
		yc_copy(out, size, o->env);
		return;
	}
	snprintf(out, size, "%s_%s", prefix, o->name);
	for (char *p = out; *p; p++)
		*p = (char)toupper((unsigned char)*p);
}

static void help_one(FILE *f, const struct yc_opt *o, const char *prefix)
{
	char flag[64], env[96];
	int n;

	flag_name(o, flag, sizeof(flag));
	env_name(o, prefix, env, sizeof(env));
	n = fprintf(f, "  %s %s", flag, argument(o->kind));
	fprintf(f, "%*s%s", n < 30 ? 30 - n : 1, "", o->help ? o->help : "");
	if (!yc_is_empty(o->dflt))
		fprintf(f, " (default %s)", o->dflt);
	fprintf(f, " [%s]\n", env);
}

void yc_opt_help(FILE *f, const char *program, const char *prefix, const struct yc_opt_set *sets, size_t n_sets)
{
	fprintf(f, "Usage: %s [--config FILE] [options]\n\n", program);
	fputs("A flag wins over the environment variable in brackets, that over the file (lines 'name = value'), that over the default.\n"
	      "TIME is 500ms, 20s, 2m, 1h or 1d; SIZE is bytes or 64k, 2m, 1g.\n\n", f);
	for (size_t i = 0; i < n_sets; i++)
		for (const struct yc_opt *o = sets[i].opts; o->name; o++)
			help_one(f, o, prefix);
	fputs("\n  --check                     check the configuration and exit\n"
	      "  --man                       print the manual page\n"
	      "  --version                   print the version\n"
	      "  --help                      print this\n", f);
}

/* troff reads a leading '.' or '\'' as a command, '\' as an escape, and '-' as a hyphen that cannot be pasted. */
static void roff(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", f);
	for (; *s; s++)
		if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '-')
			fputs("\\-", f);
		else
			fputc(*s, f);
}

static void man_one(FILE *f, const struct yc_opt *o, const char *prefix)
{
	char flag[64], env[96];

	flag_name(o, flag, sizeof(flag));
	env_name(o, prefix, env, sizeof(env));
	fputs(".TP\n\\fB", f);
	roff(f, flag);
	fprintf(f, "\\fR \\fI%s\\fR\n", argument(o->kind));
	roff(f, o->help ? o->help : "");
	fputs(".\n", f);
	if (!yc_is_empty(o->dflt)) {
		fputs("Default: ", f);
		roff(f, o->dflt);
		fputs(".\n", f);
	}
	if (o->min || o->max)
		fprintf(f, "From %lld to %lld.\n", (long long)o->min, (long long)o->max);
	fputs("Environment: \\fB", f);
	roff(f, env);
	fprintf(f, "\\fR. File: \\fB%s\\fR.\n", o->name);
}

void yc_opt_man(FILE *f, const char *program, const char *prefix, const struct yc_opt_set *sets, size_t n_sets)
{
	fputs(".TH ", f);
	for (const char *p = program; *p; p++)
		fputc(toupper((unsigned char)*p), f);
	fputs(" 8 \"\" Yichuang\n.SH NAME\n", f);
	roff(f, program);
	fputs(" \\- service of Yichuang\n.SH SYNOPSIS\n.B ", f);
	roff(f, program);
	fputs("\n[\\-\\-config FILE] [options]\n.SH DESCRIPTION\n"
	      "A flag wins over its environment variable, that over the file, that over the default.\n"
	      "The file holds lines\n.I name = value\nand comments after #; an unknown name is an error.\n.SH OPTIONS\n", f);
	for (size_t i = 0; i < n_sets; i++)
		for (const struct yc_opt *o = sets[i].opts; o->name; o++)
			man_one(f, o, prefix);
	fputs(".TP\n\\fB\\-\\-check\\fR\nCheck the configuration and exit.\n"
	      ".TP\n\\fB\\-\\-man\\fR, \\fB\\-\\-version\\fR, \\fB\\-\\-help\\fR\nPrint this page, the version, a short help.\n", f);
}
