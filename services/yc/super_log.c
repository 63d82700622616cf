/* Logs of the children: their stderr is a pipe, we write the files, so that their size has a bound and a full disk stops nobody. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "yc/text.h"
#include "yc.h"

#define LOG_MAX (8 << 20)
#define LOG_KEEP 3

int log_open(const struct home *h, const char *name, int64_t *size)
{
	char path[YC_PATH];
	struct stat st;
	int fd = open(home_path(h, path, "log/%s.log", name), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	*size = fd >= 0 && fstat(fd, &st) == 0 ? (int64_t)st.st_size : 0;
	return fd;
}

/* x.log -> x.log.1 -> x.log.2; the oldest goes. */
static void rotate(struct proc *p)
{
	char from[YC_PATH], to[YC_PATH];

	for (int i = LOG_KEEP - 1; i > 0; i--) {
		home_path(p->s->h, to, "log/%s.log.%d", p->part->name, i);
		if (i > 1)
			home_path(p->s->h, from, "log/%s.log.%d", p->part->name, i - 1);
		else
			home_path(p->s->h, from, "log/%s.log", p->part->name);
		rename(from, to);
	}
	if (p->log_fd >= 0)
		close(p->log_fd);
	p->log_fd = log_open(p->s->h, p->part->name, &p->log_size);
}

void log_take(struct proc *p)
{
	char buf[65536];
	ssize_t n;

	for (int i = 0; i < 16; i++) {          /* bounded: a child that floods does not keep us from the others */
		n = read(p->pipe_fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (p->log_size + n > LOG_MAX)
			rotate(p);
		if (p->log_fd >= 0 && write(p->log_fd, buf, (size_t)n) == n)
			p->log_size += n;       /* what does not fit on a full disk is dropped */
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		yc_loop_fd(p->s->l, p->pipe_fd, 0, NULL, NULL);
		close(p->pipe_fd);
		p->pipe_fd = -1;
	}
}

/* For the message that it did not start: the last line it wrote. */
void log_last(struct proc *p, char *out, size_t size)
{
	char path[YC_PATH], line[1024];
	FILE *f;

	if (p->pipe_fd >= 0)
		log_take(p);
	*out = 0;
	f = fopen(home_path(p->s->h, path, "log/%s.log", p->part->name), "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (*line)
			yc_copy(out, size, line);
	}
	if (f)
		fclose(f);
}
