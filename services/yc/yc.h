/* The yc command: seen only inside this folder and by its tests. */
#ifndef YC_CMD_H
#define YC_CMD_H

#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "yc/bus.h"
#include "yc/json.h"
#include "yc/loop.h"
#include "yc/v1/common.pb-c.h"

#define YC_PATH 512
#define SUN_PATH_MAX 107                /* sizeof sun_path - 1: what a unix socket's path may have */
#define DEFAULT_HOME "./var"

/* --- home.c: where things are ----------------------------------------------------------------------------------------------- */
struct home {
	char dir[YC_PATH];              /* absolute */
	char bin[YC_PATH], share[YC_PATH];
	char profile[16], site[12], http[64], sip[64];
	int agents;                     /* of the bench profile */
	char bus[YC_PATH + 16];         /* YC_BUS */
	char redis[YC_PATH + 32];       /* YC_REDIS */
	char only[256];                 /* YC_SERVICES: start only these, "" = all */
};
/* From environment and --home; nothing is created. profile NULL: "demo". */
enum yc_code home_find(struct home *h, const char *dir, const char *profile, struct yc_err *e) YC_MUST;
/* Folders with mode 0700; INVALID when a socket's path would be too long. */
enum yc_code home_make(const struct home *h, struct yc_err *e) YC_MUST;
enum yc_code home_check_sockets(const struct home *h, struct yc_err *e) YC_MUST;
/* "dir/rest" into out (YC_PATH); returns out, cut when too long. */
char *home_path(const struct home *h, char out[YC_PATH], const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Take the lock of a running centre. Returns the descriptor, or -1 with *pid of who has it. */
int home_lock(const struct home *h, pid_t *pid);
/* pid of the running supervisor, 0 when there is none. */
pid_t home_running(const struct home *h);
/* The profile's settings (share/PROFILE/profile.env) become environment where the environment says nothing. */
void home_profile_env(struct home *h);

/* --- parts.c: what a centre consists of -------------------------------------------------------------------------------------- */
struct part { const char *name, *program; int level; };         /* levels start in order and stop in reverse */
extern const struct part parts[];
extern const int n_parts;
enum { PART_REDIS, PART_BUS };
int part_wanted(const struct home *h, const struct part *p);
/* Path of the part's program; 0 when it is not there. */
int part_program(const struct home *h, const struct part *p, char out[YC_PATH]);

/* --- super.c, super_log.c, super_ctl.c: the supervisor ----------------------------------------------------------------------- */
enum proc_state { PROC_STOPPED, PROC_STARTING, PROC_RUNNING, PROC_BACKOFF, PROC_STOPPING };
struct super;
struct proc {
	struct super *s;
	const struct part *part;
	char program[YC_PATH];
	pid_t pid;
	enum proc_state state;
	int64_t started_at, backoff_ms;
	int restarts, last_status;
	char health[128], version[64];  /* "ready", or why not */
	struct yc_timer *again;
	int log_fd, pipe_fd;
	int64_t log_size;
	int asking;                     /* a health request is under way */
};
struct super {
	struct home *h;
	struct yc_loop *l;
	struct yc_bus *bus;
	struct proc *p;
	int n, stopping, stop_level, stopped;
	int sig_fd, ctl_fd;
	struct yc_timer *health, *deadline;
	int clients[8];                 /* control connections waiting for the end */
	int n_clients;
	int64_t started_at;
	void (*say)(const char *fmt, ...);
};
enum yc_code super_open(struct super *s, struct home *h, struct yc_err *e) YC_MUST;
enum yc_code super_start(struct super *s, struct yc_err *e) YC_MUST;    /* everything, and wait until it is ready */
void super_stop(struct super *s);                                       /* begins; super_run returns when all have ended */
void super_run(struct super *s);
void super_close(struct super *s);
/* Run the loop until cond or the time is up; returns cond's last answer. Stops waiting when the supervisor is told to stop. */
int super_until(struct super *s, int (*cond)(struct super *s, void *arg), void *arg, int64_t timeout_ms);
struct child_env { char *v[256]; int n; char text[12][YC_PATH + 64]; int n_text; };
void child_env(struct child_env *e, const struct home *h, const struct part *p);
void child_args(char **argv, struct proc *p, char sock[YC_PATH], char dir[YC_PATH]);
int log_open(const struct home *h, const char *name, int64_t *size);
void log_take(struct proc *p);          /* drain the pipe into the file */
void log_last(struct proc *p, char *out, size_t size);
enum yc_code ctl_open(struct super *s, struct yc_err *e) YC_MUST;
void ctl_close(struct super *s);
void super_status(struct super *s, struct yc_buf *out);         /* JSON */
const char *proc_state_name(enum proc_state s);

/* --- client.c: one RPC at a time; asking the supervisor ----------------------------------------------------------------------- */
struct client { struct yc_loop *l; struct yc_bus *b; struct yc_arena *a; int own; };
enum yc_code client_open(struct client *c, const struct home *h, struct yc_err *e) YC_MUST;
void client_close(struct client *c);
/* *out lives in the client's arena. */
enum yc_code client_call(struct client *c, const char *service, const ProtobufCServiceDescriptor *api, const char *method, const void *in,
			 int64_t timeout_ms, void **out, struct yc_err *e) YC_MUST;
/* Send a word to the supervisor's control socket and read the answer to its end. UNAVAILABLE: no centre runs here. */
enum yc_code ctl_ask(const struct home *h, const char *word, struct yc_buf *answer, struct yc_err *e) YC_MUST;
/* One command to Redis by its socket, the raw reply into out (cut). 0 on success. */
int redis_say(const struct home *h, const char *command, char *out, size_t size);

/* --- yaml.c: business data in files ----------------------------------------------------------------------------------------- */
struct line_at { char *path; int line; };
struct doc {
	char *file, *kind;
	int line;
	struct yc_buf json;
	struct line_at *lines; size_t n_lines, cap;
	char *key, *parent;             /* "code" and "parent", for ordering organisations */
};
struct docs { struct doc *v; size_t n, cap; int errors; FILE *out; };
/* Descriptor of a kind, NULL when unknown: numbers in files become strings where the field is a string. */
typedef const ProtobufCMessageDescriptor *kind_fn(const char *kind);
/* A file, or every *.yaml and *.yml below a folder in order of name. Faults are printed to d->out as file:line: message and counted. */
void docs_read(struct docs *d, const char *path, kind_fn *kind);
void docs_text(struct docs *d, const char *name, const char *text, size_t n, kind_fn *kind);
void docs_free(struct docs *d);
/* Forget the documents for which keep says no. */
void docs_keep(struct docs *d, int (*keep)(const struct doc *d, void *arg), void *arg);
/* The line of a field ("nodes.3.prompt"), or of the nearest thing above it. */
int doc_line(const struct doc *d, const char *field);
int doc_has(const struct doc *d, const char *field);
void docs_fault(struct docs *d, const char *file, int line, const char *field, const char *msg);

/* --- import.c ----------------------------------------------------------------------------------------------------------------- */
struct import_result { int created, updated, same, errors; };
/* Route the documents to their owners in order of dependency. verbose: print what changes. */
enum yc_code import_docs(struct client *c, struct docs *d, int dry_run, int verbose, struct import_result *r, struct yc_err *e) YC_MUST;
/* Wait until directory has hashed the passwords of these people, which it does in the background; until then an import is not durable.
 * go_on (may be NULL) is asked between tries. 1 when it has. */
int import_settle(struct client *c, const struct docs *d, int64_t within_ms, int (*go_on)(void *arg), void *arg);
const ProtobufCMessageDescriptor *import_kind(const char *kind);
const char *import_owner(const char *kind);    /* the service it goes to */
/* A profile's data: share/PROFILE, with *.each.yaml repeated for every agent. */
void profile_docs(const struct home *h, struct docs *d);
void profile_digest(const struct home *h, char hex[65]);

/* --- commands: argc and argv begin with the command's own name; return the exit status ---------------------------------------------- */
typedef int command_fn(struct home *h, int argc, char **argv);
command_fn cmd_up, cmd_down, cmd_status, cmd_logs, cmd_doctor, cmd_import, cmd_admin, cmd_backup, cmd_restore, cmd_demo, cmd_health;
/* "--name value" or "--name=value" anywhere after argv[0]: returns the value and removes it, NULL when absent. */
const char *take_option(int *argc, char **argv, const char *name);
int take_flag(int *argc, char **argv, const char *name);
int usage(const char *text);            /* prints to stderr; returns 2 */
int fail(const struct yc_err *e);       /* prints "yc: ..."; returns 1 */

/* --- store_backup.c: copies of the stores that fit each other ----------------------------------------------------------------------- */
/* Copies every store of home/data into to_dir at one common cut: no store has read further in another's events than the copy of that one
 * goes. PRECONDITION when the centre is too busy for that (names the pair). */
enum yc_code store_backup(const struct home *h, const char *to_dir, struct yc_err *e) YC_MUST;
/* A restored store begins a new incarnation, so that whoever has read further than the copy goes notices. */
enum yc_code store_restored(const char *path, struct yc_err *e) YC_MUST;
/* Is the file a sound store? */
enum yc_code store_check(const char *path, struct yc_err *e) YC_MUST;

#endif
