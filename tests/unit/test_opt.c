#include "yct.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "yc/opt.h"

struct conf { char *db, *name; int64_t n, ring_ms, size; int verbose; };
struct base { char *bus, *config; };

#define OPT(s, f, k, d, h, ...) { .name = #f, .kind = k, .offset = offsetof(struct s, f), .dflt = d, .help = h, ##__VA_ARGS__ }
static const struct yc_opt opts[] = {
	OPT(conf, db, YC_OPT_STR, "sqlite:x.db", "the store"),
	OPT(conf, name, YC_OPT_STR, NULL, "a name"),
	OPT(conf, n, YC_OPT_INT, "5", "how many", .min = -3, .max = 100),
	OPT(conf, ring_ms, YC_OPT_MS, "20s", "how long it may ring", .min = 100, .max = 3600000),
	OPT(conf, size, YC_OPT_SIZE, "64k", "bytes"),
	OPT(conf, verbose, YC_OPT_BOOL, "no", "talk"),
	{ 0 },
};
static const struct yc_opt base_opts[] = {
	OPT(base, bus, YC_OPT_STR, "", "the bus", .env = "YC_TEST_BUS"),
	OPT(base, config, YC_OPT_STR, "", "option file"),
	{ 0 },
};

static struct conf c;
static struct base b;
static const struct yc_opt_set sets[] = { { opts, &c }, { base_opts, &b } };
static struct yc_err e;
static int rest;

static void begin(void)
{
	static const char *const env[] = { "YT_DB", "YT_N", "YT_RING_MS", "YT_CONFIG", "YT_VERBOSE", "YT_NAME", "YC_TEST_BUS" };

	memset(&e, 0, sizeof(e));
	for (size_t i = 0; i < sizeof(env) / sizeof(env[0]); i++)
		unsetenv(env[i]);
}

static void end(void)
{
	yc_opt_free(sets, 2);
	memset(&c, 0, sizeof(c));
	memset(&b, 0, sizeof(b));
}

/* Parses the words given, NULL-ended. */
static enum yc_code parse(const char *first, ...)
{
	char *argv[20] = { "prog" };
	int argc = 1;
	va_list ap;

	va_start(ap, first);
	for (const char *s = first; s && argc < 20; s = va_arg(ap, const char *))
		argv[argc++] = (char *)s;
	va_end(ap);
	return yc_opt_parse(sets, 2, "YT", argc, argv, &rest, &e);
}

static enum yc_code text(const char *s)
{
	return yc_opt_text(sets, 2, "acd.conf", s, strlen(s), &e);
}

static const char *file(const char *s)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/x.conf", yct_dir());
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(s, f);
	fclose(f);
	return path;
}

static void defaults_hold_when_nothing_is_said(void)
{
	CU_ASSERT_EQUAL(parse(NULL), YC_OK);
	YCT_STR(c.db, "sqlite:x.db");
	CU_ASSERT_PTR_NULL(c.name);
	CU_ASSERT_EQUAL(c.n, 5);
	CU_ASSERT_EQUAL(c.ring_ms, 20000);
	CU_ASSERT_EQUAL(c.size, 65536);
	CU_ASSERT_EQUAL(c.verbose, 0);
	YCT_STR(b.bus, "");
	CU_ASSERT_EQUAL(rest, 1);
}

static void flags_are_read_in_both_forms(void)
{
	CU_ASSERT_EQUAL(parse("--db", "pg:", "--ring-ms=500ms", "--n", "-3", "--verbose", "--bus=ipc://x", "one", "--two", NULL), YC_OK);
	YCT_STR(c.db, "pg:");
	CU_ASSERT_EQUAL(c.ring_ms, 500);
	CU_ASSERT_EQUAL(c.n, -3);
	CU_ASSERT_EQUAL(c.verbose, 1);
	YCT_STR(b.bus, "ipc://x");
	CU_ASSERT_EQUAL(rest, 8);
}

static void switches_go_on_and_off(void)
{
	CU_ASSERT_EQUAL(parse("--verbose", "--no-verbose", NULL), YC_OK);
	CU_ASSERT_EQUAL(c.verbose, 0);
	CU_ASSERT_EQUAL(parse("--verbose=on", "--", "--db", NULL), YC_OK);
	CU_ASSERT_EQUAL(c.verbose, 1);
	CU_ASSERT_EQUAL(rest, 3);
	CU_ASSERT_EQUAL(parse("--no-db", NULL), YC_INVALID);
}

static void flag_beats_environment_beats_file_beats_default(void)
{
	const char *path = file("ring_ms = 1s\nn = 7\nname = from-file\ndb = f\n");

	setenv("YT_RING_MS", "2s", 1);
	setenv("YT_N", "8", 1);
	CU_ASSERT_EQUAL(parse("--config", path, "--ring-ms", "3s", NULL), YC_OK);
	CU_ASSERT_EQUAL(c.ring_ms, 3000);
	CU_ASSERT_EQUAL(c.n, 8);
	YCT_STR(c.name, "from-file");
	CU_ASSERT_EQUAL(c.size, 65536);
	YCT_STR(b.config, path);
	setenv("YT_CONFIG", path, 1);
	setenv("YT_N", "", 1);
	CU_ASSERT_EQUAL(parse(NULL), YC_OK);
	CU_ASSERT_EQUAL(c.n, 7);                /* an empty variable is none */
	setenv("YC_TEST_BUS", "tcp://x", 1);
	CU_ASSERT_EQUAL(parse(NULL), YC_OK);
	YCT_STR(b.bus, "tcp://x");
}

static void wrong_flags_are_named(void)
{
	CU_ASSERT_EQUAL(parse("--ring", "3", NULL), YC_INVALID);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.msg, "--ring"));
	CU_ASSERT_EQUAL(parse("-v", NULL), YC_INVALID);
	CU_ASSERT_EQUAL(parse("--n", NULL), YC_INVALID);
	YCT_STR(e.field, "n");
	CU_ASSERT_EQUAL(parse("--n", "many", NULL), YC_INVALID);
	YCT_STR(e.field, "n");
	YCT_STR(e.msg, "--n: 'many' is not a whole number");
	CU_ASSERT_EQUAL(parse("--ring-ms", "50ms", NULL), YC_INVALID);
	YCT_STR(e.field, "ring_ms");
	YCT_STR(e.msg, "--ring-ms: 50 is not within 100 and 3600000");
	CU_ASSERT_EQUAL(parse("--config", "/nonexistent/x.conf", NULL), YC_INVALID);
	YCT_STR(e.field, "config");
	setenv("YT_N", "1000", 1);
	CU_ASSERT_EQUAL(parse(NULL), YC_INVALID);
	YCT_STR(e.msg, "YT_N: 1000 is not within -3 and 100");
}

static void what_belongs_to_main_is_passed_over(void)
{
	CU_ASSERT_EQUAL(parse("--check", "--n", "9", "--help", "--man", "--version", NULL), YC_OK);
	CU_ASSERT_EQUAL(c.n, 9);
}

static void a_file_has_names_values_and_comments(void)
{
	CU_ASSERT_EQUAL(text("# all of it\n\n  n=1 # few\r\n\tring-ms = 1m\nname = a#b c \ndb = \"  x # y \" # quoted\nverbose = TRUE\nsize = 2M"), YC_OK);
	CU_ASSERT_EQUAL(c.n, 1);
	CU_ASSERT_EQUAL(c.ring_ms, 60000);
	YCT_STR(c.name, "a#b c");
	YCT_STR(c.db, "  x # y ");
	CU_ASSERT_EQUAL(c.verbose, 1);
	CU_ASSERT_EQUAL(c.size, 2 << 20);
	CU_ASSERT_EQUAL(text("name =\ndb = \"\"\n"), YC_OK);
	YCT_STR(c.name, "");
	YCT_STR(c.db, "");
}

static void wrong_lines_are_named_by_file_and_line(void)
{
	static const struct { const char *s, *field, *msg; } bad[] = {
		{ "n = 1\n\nnn = 2\n", "", "acd.conf:3: there is no option 'nn'" },
		{ "just words\n", "", "acd.conf:1: a line is 'name = value' or '# comment'" },
		{ "= 3\n", "", "acd.conf:1: there is no option ''" },
		{ "n = 1\nn = 2\n", "n", "acd.conf:2: given before, in line 1" },
		{ "db = \"x\n", "db", "acd.conf:1: the quotes do not match" },
		{ "db = \"x\" y\n", "db", "acd.conf:1: the quotes do not match" },
		{ "verbose = maybe\n", "verbose", "acd.conf:1: 'maybe' is not yes or no" },
		{ "ring_ms = 20 s\n", "ring_ms", "acd.conf:1: '20 s' is not a duration (20s, 500ms, 2m, 1h, 1d)" },
		{ "size = 1t\n", "size", "acd.conf:1: '1t' is not a size (64k, 2m, 1g)" },
		{ "size = -1\n", "size", "acd.conf:1: '-1' is not a size (64k, 2m, 1g)" },
		{ "size = 9999999999g\n", "size", "acd.conf:1: '9999999999g' is not a size (64k, 2m, 1g)" },
		{ "n = 99999999999999999999\n", "n", "acd.conf:1: '99999999999999999999' is not a whole number" },
		{ "n = 0x10\n", "n", "acd.conf:1: '0x10' is not a whole number" },
		{ "n =\n", "n", "acd.conf:1: '' is not a whole number" },
		{ "db = \xff\xfe\n", "db", "acd.conf:1: the value is not UTF-8" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&e, 0, sizeof(e));
		CU_ASSERT_EQUAL(text(bad[i].s), YC_INVALID);
		YCT_STR(e.field, bad[i].field);
		YCT_STR(e.msg, bad[i].msg);
	}
	CU_ASSERT_EQUAL(yc_opt_text(sets, 2, "f", "n = 1\0\n", 7, &e), YC_INVALID);
	YCT_STR(e.msg, "f:1: the line holds a NUL byte");
}

static void a_file_and_a_value_have_a_bound(void)
{
	char *big = calloc(1, (1 << 20) + 2);

	memset(big, '#', (1 << 20) + 1);
	CU_ASSERT_EQUAL(yc_opt_text(sets, 2, "f", big, (1 << 20) + 1, &e), YC_TOO_LARGE);
	CU_ASSERT_EQUAL(yc_opt_text(sets, 2, "f", big, 1 << 20, &e), YC_OK);
	memcpy(big, "db = ", 5);
	memset(big + 5, 'x', 5000);
	CU_ASSERT_EQUAL(yc_opt_text(sets, 2, "f", big, 5005, &e), YC_INVALID);
	YCT_STR(e.field, "db");
	CU_ASSERT_EQUAL(yc_opt_text(sets, 2, "f", big, 5 + 4096, &e), YC_OK);
	CU_ASSERT_EQUAL(strlen(c.db), 4096);
	free(big);
}

static void durations_have_units(void)
{
	int64_t ms;

	YCT_OK(yc_parse_ms("20s", &ms, yct_err()));
	CU_ASSERT_EQUAL(ms, 20000);
	YCT_OK(yc_parse_ms("15", &ms, yct_err()));
	CU_ASSERT_EQUAL(ms, 15);
	YCT_OK(yc_parse_ms("2H", &ms, yct_err()));
	CU_ASSERT_EQUAL(ms, 7200000);
	YCT_OK(yc_parse_ms("3d", &ms, yct_err()));
	CU_ASSERT_EQUAL(ms, 259200000);
	CU_ASSERT_EQUAL(yc_parse_ms("-1s", &ms, &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_parse_ms("s", &ms, &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_parse_ms(NULL, &ms, &e), YC_INVALID);
	CU_ASSERT_EQUAL(yc_parse_ms("9223372036854775807d", &ms, &e), YC_INVALID);
}

/* What fn prints. free() it. */
static char *printed(void (*fn)(FILE *, const char *, const char *, const struct yc_opt_set *, size_t))
{
	char *s = NULL;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	fn(f, "yc-test", "YT", sets, 2);
	fclose(f);
	return s;
}

static void help_lists_every_option_with_default_and_environment(void)
{
	char *s = printed(yc_opt_help);

	CU_ASSERT_PTR_NOT_NULL(strstr(s, "--ring-ms TIME"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "how long it may ring (default 20s) [YT_RING_MS]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "[YC_TEST_BUS]"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "--check"));
	free(s);
}

static void the_man_page_is_valid_roff(void)
{
	char *s = printed(yc_opt_man), cmd[256];
	FILE *f;

	CU_ASSERT(!strncmp(s, ".TH YC-TEST 8", 13));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "\\fB\\-\\-ring\\-ms\\fR \\fITIME\\fR"));
	CU_ASSERT_PTR_NOT_NULL(strstr(s, "From 100 to 3600000."));
	if (!access("/usr/bin/groff", X_OK)) {
		snprintf(cmd, sizeof(cmd), "groff -man -Tutf8 -ww -z >%s/groff 2>&1", yct_dir());
		f = popen(cmd, "w");
		fputs(s, f);
		CU_ASSERT_EQUAL(pclose(f), 0);
		snprintf(cmd, sizeof(cmd), "%s/groff", yct_dir());
		f = fopen(cmd, "r");
		CU_ASSERT_EQUAL(fgetc(f), EOF);         /* no complaint */
		fclose(f);
	}
	free(s);
}

YCT_MAIN_WITH("opt", begin, end,
	 T(defaults_hold_when_nothing_is_said),
	 T(flags_are_read_in_both_forms),
	 T(switches_go_on_and_off),
	 T(flag_beats_environment_beats_file_beats_default),
	 T(wrong_flags_are_named),
	 T(what_belongs_to_main_is_passed_over),
	 T(a_file_has_names_values_and_comments),
	 T(wrong_lines_are_named_by_file_and_line),
	 T(a_file_and_a_value_have_a_bound),
	 T(durations_have_units),
	 T(help_lists_every_option_with_default_and_environment),
	 T(the_man_page_is_valid_roff))
