/* The supervisor's control socket: "status" answers JSON and closes; "down" stops the centre and closes when everything has ended. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "yc/clock.h"
#include "yc/text.h"
#include "yc.h"

static void status_of(struct proc *p, struct yc_buf *out)
{
	yc_buf_str(out, "{\"name\":");
	yc_buf_json_str(out, p->part->name);
	yc_buf_printf(out, ",\"pid\":%d,\"state\":\"%s\",\"health\":", (int)p->pid, proc_state_name(p->state));
	yc_buf_json_str(out, p->health);
	yc_buf_printf(out, ",\"uptime_ms\":%lld,\"restarts\":%d,\"version\":", (long long)(p->pid ? yc_mono() - p->started_at : 0), p->restarts);
	yc_buf_json_str(out, p->version);
	yc_buf_str(out, "}");
}

void super_status(struct super *s, struct yc_buf *out)
{
	yc_buf_printf(out, "{\"running\":true,\"pid\":%d,\"version\":", (int)getpid());
	yc_buf_json_str(out, YC_VERSION);
	yc_buf_printf(out, ",\"uptime_ms\":%lld,\"site\":", (long long)(yc_now() - s->started_at));
	yc_buf_json_str(out, s->h->site);
	yc_buf_str(out, ",\"profile\":");
	yc_buf_json_str(out, s->h->profile);
	yc_buf_str(out, ",\"home\":");
	yc_buf_json_str(out, s->h->dir);
	yc_buf_str(out, ",\"http\":");
	yc_buf_json_str(out, s->h->http);
	yc_buf_str(out, ",\"sip\":");
	yc_buf_json_str(out, s->h->sip);
	yc_buf_str(out, ",\"processes\":[");
	for (int i = 0; i < s->n; i++) {
		if (i)
			yc_buf_str(out, ",");
		status_of(&s->p[i], out);
	}
	yc_buf_str(out, "]}\n");
}

static void forget(struct super *s, int fd)
{
	yc_loop_fd(s->l, fd, 0, NULL, NULL);
	close(fd);
	for (int i = 0; i < s->n_clients; i++)
		if (s->clients[i] == fd)
			s->clients[i] = s->clients[--s->n_clients];
}

/* A status of some KB fits into the socket's buffer at once; who does not read it is dropped. */
static void answer(struct super *s, int fd)
{
	struct yc_buf out = { 0 };
	ssize_t n;

	super_status(s, &out);
	n = send(fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)n;
	yc_buf_free(&out);
}

static void on_word(void *arg, int fd, int events)
{
	struct super *s = arg;
	char word[16] = "";
	ssize_t n = recv(fd, word, sizeof(word) - 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && strncmp(word, "down", 4) == 0) {
		super_stop(s);          /* stays open until the process ends */
		return;
	}
	if (n > 0 && strncmp(word, "status", 6) == 0)
		answer(s, fd);
	forget(s, fd);
}

static void on_connect(void *arg, int fd, int events)
{
	struct super *s = arg;
	int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (c < 0)
		return;
	if (s->n_clients == (int)(sizeof(s->clients) / sizeof(s->clients[0]))) {
		close(c);
		return;
	}
	s->clients[s->n_clients++] = c;
	yc_loop_fd(s->l, c, YC_READ, on_word, s);
}

enum yc_code ctl_open(struct super *s, struct yc_err *e)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char path[YC_PATH];

	yc_copy(a.sun_path, sizeof(a.sun_path), home_path(s->h, path, "run/yc.sock"));
	s->ctl_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->ctl_fd < 0 || bind(s->ctl_fd, (struct sockaddr *)&a, sizeof(a)) || listen(s->ctl_fd, 8) || chmod(a.sun_path, 0600))
		return yc_fail(e, YC_FORBIDDEN, "home", "%s: %s", a.sun_path, strerror(errno));
	yc_loop_fd(s->l, s->ctl_fd, YC_READ, on_connect, s);
	return YC_OK;
}

void ctl_close(struct super *s)
{
	char path[YC_PATH];

	while (s->n_clients > 0)
		forget(s, s->clients[0]);
	if (s->ctl_fd >= 0)
		close(s->ctl_fd);
	unlink(home_path(s->h, path, "run/yc.sock"));
}
