/* Options: one table gives flags (--ring-ms), environment (YC_ACD_RING_MS), file ("ring_ms = 20s"), --help, man page, --check.
 * Precedence: flag, environment, file (--config PATH), default. */
#ifndef YC_OPT_H
#define YC_OPT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "yc/err.h"

enum yc_opt_kind {
	YC_OPT_STR,     /* char * (owned by the option set until yc_opt_free) */
	YC_OPT_INT,     /* int64_t, min..max */
	YC_OPT_MS,      /* int64_t milliseconds; "20s", "500ms", "2m", "1h", bare number = ms */
	YC_OPT_SIZE,    /* int64_t bytes; "64k", "2m", "1g" */
	YC_OPT_BOOL,    /* int; yes/no/true/false/1/0/on/off */
};

struct yc_opt {
	const char *name;       /* "ring_ms": file key; flag is --ring-ms; env is PREFIX_RING_MS */
	enum yc_opt_kind kind;
	size_t offset;          /* in the configuration struct */
	const char *dflt;
	const char *help;       /* one line */
	int64_t min, max;       /* for INT, MS, SIZE; both 0 = unbounded */
	const char *env;        /* a fixed environment name instead of PREFIX_NAME ("YC_BUS"), or NULL */
};

/* One or several tables may fill several structs (a service's own and the node's). End each table with {0}. */
struct yc_opt_set { const struct yc_opt *opts; void *conf; };

/* Fill the structs (zeroed before) from argv, environment and --config file. prefix: "YC_ACD". rest: first non-option index of argv
 * (may be NULL). Switches: --name, --no-name, --name=off. An empty variable counts as not set. --help, --version, --check and --man
 * belong to main() and are passed over. Errors name the option in e->field ("ring_ms") and file:line in the message. */
enum yc_code yc_opt_parse(const struct yc_opt_set *sets, size_t n_sets, const char *prefix,
			  int argc, char **argv, int *rest, struct yc_err *e) YC_MUST;
/* Parse the text of an option file (fuzzed). name is used in messages. Lines are `name = value`, `# comment`, or empty; ` #` ends a value;
 * "..." keeps blanks and '#'. An unknown name, or one given twice, is an error. */
enum yc_code yc_opt_text(const struct yc_opt_set *sets, size_t n_sets, const char *name,
			 const char *text, size_t len, struct yc_err *e) YC_MUST;
void yc_opt_free(const struct yc_opt_set *sets, size_t n_sets);
void yc_opt_help(FILE *f, const char *program, const char *prefix, const struct yc_opt_set *sets, size_t n_sets);
void yc_opt_man(FILE *f, const char *program, const char *prefix, const struct yc_opt_set *sets, size_t n_sets);

/* "20s" -> 20000. Used by the option table and by imported data. */
enum yc_code yc_parse_ms(const char *text, int64_t *out, struct yc_err *e) YC_MUST;

#endif
