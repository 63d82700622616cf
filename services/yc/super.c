/* The supervisor: starts the parts in order, restarts what dies, stops them in reverse order. One thread, one loop. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/text.h"
#include "yc.h"

#define BACKOFF_MIN_MS 100
#define BACKOFF_MAX_MS 5000
#define STEADY_MS 10000         /* alive for so long: the next death starts the back-off anew */
#define HEALTH_MS 2000
#define HEALTH_SOON_MS 100
#define READY_MS 60000
#define START_TRIES 4
#define PIPE_BYTES (1 << 20)

static const int64_t stop_ms[] = { 1500, 1000, 2500, 5000 };    /* per level: 10 s in all */

const char *proc_state_name(enum proc_state s)
{
	static const char *const names[] = { "stopped", "starting", "running", "backoff", "stopping" };

	return names[s];
}

/* --- one process ------------------------------------------------------------------------------------------------------------------- */

static void in_child(struct super *s, char **argv, char **envp, int out, pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);                  /* Ctrl-C is the supervisor's to handle */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
		_exit(126);
	dup2(out, 1);
	dup2(out, 2);
	close(0);
	if (open("/dev/null", O_RDONLY) != 0)
		_exit(126);
	close_range(3, ~0u, 0);
	execve(argv[0], argv, envp);
	_exit(127);
}

static void on_pipe(void *arg, int fd, int events)
{
	log_take(arg);
}

static void proc_fail(struct proc *p, const char *why)
{
	snprintf(p->health, sizeof(p->health), "%s: %s", why, strerror(errno));
	p->state = PROC_BACKOFF;
}

static void proc_start(struct proc *p)
{
	char *argv[32], sock[YC_PATH], dir[YC_PATH];
	static struct child_env env;
	pid_t me = getpid();
	int fds[2];

	if (p->pipe_fd >= 0)
		log_take(p);
	if (pipe2(fds, O_CLOEXEC)) {
		proc_fail(p, "pipe");
		return;
	}
	fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	child_env(&env, p->s->h, p->part);
	child_args(argv, p, sock, dir);
	p->pid = fork();
	if (p->pid == 0)
		in_child(p->s, argv, env.v, fds[1], me);
	close(fds[1]);
	if (p->pid < 0) {
		close(fds[0]);
		p->pid = 0;
		proc_fail(p, "fork");
		return;
	}
	if (p->pipe_fd >= 0) {
		yc_loop_fd(p->s->l, p->pipe_fd, 0, NULL, NULL);
		close(p->pipe_fd);
	}
	p->pipe_fd = fds[0];
	yc_loop_fd(p->s->l, p->pipe_fd, YC_READ, on_pipe, p);
	p->state = PROC_STARTING;
	p->started_at = yc_mono();
	yc_copy(p->health, sizeof(p->health), "starting");
}

static void restart(void *arg)
{
	struct proc *p = arg;

	p->again = NULL;
	if (p->s->stopping)
		return;
	p->restarts++;
	proc_start(p);
	if (p->state == PROC_BACKOFF)
		p->again = yc_timer_start(p->s->l, BACKOFF_MAX_MS, 0, restart, p);
}

static void proc_died(struct proc *p, int status)
{
	int64_t lived = yc_mono() - p->started_at;

	if (p->pipe_fd >= 0)
		log_take(p);
	p->pid = 0;
	p->last_status = status;
	if (p->s->stopping) {
		p->state = PROC_STOPPED;
		yc_copy(p->health, sizeof(p->health), "stopped");
		return;
	}
	p->backoff_ms = lived >= STEADY_MS || !p->backoff_ms ? BACKOFF_MIN_MS : p->backoff_ms * 2;
	if (p->backoff_ms > BACKOFF_MAX_MS)
		p->backoff_ms = BACKOFF_MAX_MS;
	p->state = PROC_BACKOFF;
	if (WIFSIGNALED(status))
		snprintf(p->health, sizeof(p->health), "ended by signal %d", WTERMSIG(status));
	else
		snprintf(p->health, sizeof(p->health), "ended with status %d", WEXITSTATUS(status));
	p->s->say("%s %s; 重启 / restarting in %lld ms\n", p->part->name, p->health, (long long)p->backoff_ms);
	p->again = yc_timer_start(p->s->l, p->backoff_ms, 0, restart, p);
}

static struct proc *proc_of(struct super *s, pid_t pid)
{
	for (int i = 0; i < s->n; i++)
		if (s->p[i].pid == pid)
			return &s->p[i];
	return NULL;
}

/* --- health -------------------------------------------------------------------------------------------------------------------------- */

struct ask { struct proc *p; pid_t pid; };

static void on_health(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	const Pb__HealthReply *r = msg;
	struct ask *a = arg;
	struct proc *p = a->p;

	p->asking = 0;
	if (p->pid && p->pid == a->pid) {
		if (code != YC_OK)
			snprintf(p->health, sizeof(p->health), "%s: %.100s", yc_code_slug(code), e->msg);
		else if (r->pid == p->pid) {    /* not the word of one that died in between */
			yc_copy(p->health, sizeof(p->health), r->ready ? "ready" : r->detail);
			yc_copy(p->version, sizeof(p->version), r->version);
			p->state = PROC_RUNNING;
		}
	}
	yc_xfree(a);
}

static void on_instances(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct ask *a = arg;

	a->p->asking = 0;
	if (a->p->pid && a->p->pid == a->pid) {
		yc_copy(a->p->health, sizeof(a->p->health), code == YC_OK ? "ready" : e->msg);
		if (code == YC_OK)
			a->p->state = PROC_RUNNING;
	}
	yc_xfree(a);
}

static void ask_redis(struct proc *p)
{
	char reply[64];

	if (redis_say(p->s->h, "PING", reply, sizeof(reply)) == 0 && strncmp(reply, "+PONG", 5) == 0) {
		yc_copy(p->health, sizeof(p->health), "ready");
		p->state = PROC_RUNNING;
	} else {
		yc_copy(p->health, sizeof(p->health), "no answer");
	}
}

static void ask_health(struct proc *p)
{
	struct ask *a;
	char name[64];
	Pb__Empty in = PB__EMPTY__INIT;
	struct yc_call c = { .in = &in, .timeout_ms = 1000, .fn = on_health };

	if (!p->pid || p->state == PROC_STOPPING || p->asking)
		return;
	if (p->part == &parts[PART_REDIS]) {
		ask_redis(p);
		return;
	}
	if (!p->s->bus)
		return;
	a = yc_xcalloc(1, sizeof(*a));
	*a = (struct ask){ p, p->pid };
	p->asking = 1;
	c.arg = a;
	c.service = name;
	c.api = &pb__node__descriptor;
	c.method = "Health";
	snprintf(name, sizeof(name), "%s@%s.%s.1", p->part->name, p->s->h->site, p->part->name);
	if (p->part == &parts[PART_BUS]) {
		c.service = "bus";
		c.api = &pb__bus__descriptor;
		c.method = "Instances";
		c.fn = on_instances;
	}
	yc_bus_call(p->s->bus, &c);
}

static void health_turn(void *arg)
{
	struct super *s = arg;
	int all = 1;

	for (int i = 0; i < s->n; i++) {
		ask_health(&s->p[i]);
		all &= yc_streq(s->p[i].health, "ready");
	}
	s->health = yc_timer_start(s->l, all ? HEALTH_MS : HEALTH_SOON_MS, 0, health_turn, s);
}

/* --- stopping ------------------------------------------------------------------------------------------------------------------------ */

static int alive(const struct super *s, int level)
{
	int n = 0;

	for (int i = 0; i < s->n; i++)
		n += s->p[i].part->level == level && s->p[i].pid > 0;
	return n;
}

static void kill_level(struct super *s, int sig)
{
	for (int i = 0; i < s->n; i++)
		if (s->p[i].part->level == s->stop_level && s->p[i].pid > 0) {
			s->p[i].state = PROC_STOPPING;
			kill(s->p[i].pid, sig);
		}
}

static void on_deadline(void *arg)
{
	struct super *s = arg;

	s->deadline = NULL;
	s->say("第 %d 层未按时停止，强制结束 / level %d did not stop in time: killed\n", s->stop_level, s->stop_level);
	kill_level(s, SIGKILL);
}

/* Go down level by level as they empty. */
static void stop_on(struct super *s)
{
	while (s->stop_level >= 0 && alive(s, s->stop_level) == 0) {
		yc_timer_stop(&s->deadline);
		if (--s->stop_level < 0)
			break;
		kill_level(s, SIGTERM);
		s->deadline = yc_timer_start(s->l, stop_ms[s->stop_level], 0, on_deadline, s);
	}
	if (s->stop_level < 0) {
		s->stopped = 1;
		yc_loop_stop(s->l);
	}
}

void super_stop(struct super *s)
{
	if (s->stopping)
		return;
	s->stopping = 1;
	s->say("停止 / stopping\n");
	yc_timer_stop(&s->health);
	for (int i = 0; i < s->n; i++)
		yc_timer_stop(&s->p[i].again);
	s->stop_level = 4;
	stop_on(s);
}

static void on_signal(void *arg, int fd, int events)
{
	struct super *s = arg;
	struct signalfd_siginfo si;
	int status;
	pid_t pid;

	while (read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT)
			super_stop(s);
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct proc *p = proc_of(s, pid);

		if (p)
			proc_died(p, status);
	}
	if (s->stopping)
		stop_on(s);
}

/* --- life ---------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code add_parts(struct super *s, struct yc_err *e)
{
	s->p = yc_xcalloc((size_t)n_parts, sizeof(*s->p));
	for (int i = 0; i < n_parts; i++) {
		struct proc *p = &s->p[s->n];

		if (!part_wanted(s->h, &parts[i]))
			continue;
		p->s = s;
		p->part = &parts[i];
		p->pipe_fd = -1;
		if (!part_program(s->h, p->part, p->program))
			return yc_fail(e, YC_NOT_FOUND, p->part->program, "缺少程序 / the program is missing (run yc doctor)");
		p->log_fd = log_open(s->h, p->part->name, &p->log_size);
		s->n++;
	}
	return YC_OK;
}

enum yc_code super_open(struct super *s, struct home *h, struct yc_err *e)
{
	static const char *const stale[] = { "run/redis.sock", "run/yc.sock", "run/bus.rpc", "run/bus.pub", "run/bus.sub" };
	char path[YC_PATH];
	sigset_t set;

	s->h = h;
	s->ctl_fd = s->sig_fd = -1;
	s->started_at = yc_now();
	s->l = yc_loop_new();
	for (size_t i = 0; i < sizeof(stale) / sizeof(stale[0]); i++)
		unlink(home_path(h, path, "%s", stale[i]));
	if (add_parts(s, e) != YC_OK)
		return e->code;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	s->sig_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->sig_fd < 0)
		return yc_fail(e, YC_INTERNAL, NULL, "signalfd: %s", strerror(errno));
	yc_loop_fd(s->l, s->sig_fd, YC_READ, on_signal, s);
	return ctl_open(s, e);
}

int super_until(struct super *s, int (*cond)(struct super *s, void *arg), void *arg, int64_t timeout_ms)
{
	int64_t end = yc_mono() + timeout_ms;

	while (!s->stopping && yc_mono() < end) {
		if (cond(s, arg))
			return 1;
		yc_loop_once(s->l, 50);
	}
	return cond(s, arg);
}

static int level_ready(struct super *s, void *arg)
{
	int level = *(int *)arg;

	for (int i = 0; i < s->n; i++)
		if (s->p[i].part->level <= level && !yc_streq(s->p[i].health, "ready"))
			return 0;
	return 1;
}

/* Before the first "ready" nobody is helped by trying for long: what died so often will not get up. */
static int gave_up(struct super *s)
{
	for (int i = 0; i < s->n; i++)
		if (s->p[i].restarts >= START_TRIES && s->p[i].state == PROC_BACKOFF)
			return 1;
	return 0;
}

static int ready_or_hopeless(struct super *s, void *arg)
{
	return level_ready(s, arg) || gave_up(s);
}

static enum yc_code not_ready(struct super *s, struct yc_err *e)
{
	for (int i = 0; i < s->n; i++)
		if (s->p[i].state != PROC_STOPPED && !yc_streq(s->p[i].health, "ready")) {
			char last[200];

			log_last(&s->p[i], last, sizeof(last));
			return yc_fail(e, YC_UNAVAILABLE, s->p[i].part->name, "未就绪 / not ready: %s; 查 / see yc doctor, yc logs %s\n  %s", s->p[i].health,
				       s->p[i].part->name, last);
		}
	return yc_fail(e, YC_UNAVAILABLE, NULL, "启动被中断 / start was interrupted");
}

static void start_level(struct super *s, int level)
{
	for (int i = 0; i < s->n; i++)
		if (s->p[i].part->level == level)
			proc_start(&s->p[i]);
}

/* Redis and bus first; the others find each other by themselves. */
enum yc_code super_start(struct super *s, struct yc_err *e)
{
	struct yc_bus_conf c = { .endpoint = s->h->bus };
	int level = 1;

	s->health = yc_timer_start(s->l, HEALTH_SOON_MS / 2, 0, health_turn, s);
	start_level(s, 0);
	start_level(s, 1);
	if (yc_bus_open(&s->bus, s->l, &c, NULL, NULL, NULL, e) != YC_OK)
		return e->code;
	if (!super_until(s, ready_or_hopeless, &level, READY_MS / 4) || gave_up(s))
		return not_ready(s, e);
	for (level = 2; level <= 3; level++)
		start_level(s, level);
	level = 3;
	return super_until(s, ready_or_hopeless, &level, READY_MS) && !gave_up(s) ? YC_OK : not_ready(s, e);
}

void super_run(struct super *s)
{
	while (!s->stopped)
		yc_loop_run(s->l);
}

void super_close(struct super *s)
{
	for (int i = 0; i < s->n; i++) {
		if (s->p[i].pipe_fd >= 0)
			log_take(&s->p[i]);
		if (s->p[i].pipe_fd >= 0)
			close(s->p[i].pipe_fd);
		if (s->p[i].log_fd >= 0)
			close(s->p[i].log_fd);
	}
	yc_bus_close(&s->bus);
	ctl_close(s);
	if (s->sig_fd >= 0)
		close(s->sig_fd);
	yc_loop_free(&s->l);
	yc_xfree(s->p);
}
