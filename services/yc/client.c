/* RPC one at a time, the supervisor's control socket, and a word with Redis. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <stdlib.h>

#include "yc/arena.h"
#include "yc/text.h"
#include "yc.h"

#define ARENA_MAX (64 << 20)

struct wait { struct client *c; const ProtobufCMessageDescriptor *d; enum yc_code code; struct yc_err e; void *out; int done; };

enum yc_code client_open(struct client *c, const struct home *h, struct yc_err *e)
{
	const char *env = getenv("YC_BUS");
	struct yc_bus_conf conf = { .endpoint = env && *env ? env : h->bus };

	memset(c, 0, sizeof(*c));
	c->own = 1;
	c->a = yc_arena_new(ARENA_MAX);
	c->l = yc_loop_new();
	return yc_bus_open(&c->b, c->l, &conf, NULL, NULL, NULL, e);
}

void client_close(struct client *c)
{
	if (c->own) {
		yc_bus_close(&c->b);
		yc_loop_free(&c->l);
	}
	yc_arena_free(&c->a);
}

static void on_reply(void *arg, enum yc_code code, const void *msg, const struct yc_err *e)
{
	struct wait *w = arg;
	size_t n;
	uint8_t *p;

	w->done = 1;
	w->code = code;
	if (code != YC_OK) {
		w->e = *e;
		return;
	}
	n = protobuf_c_message_get_packed_size(msg);
	p = yc_alloc(w->c->a, n + 1);
	if (p && protobuf_c_message_pack(msg, p) == n)
		w->out = protobuf_c_message_unpack(w->d, yc_arena_pb(w->c->a), n, p);
	if (!w->out)
		w->code = yc_fail(&w->e, YC_TOO_LARGE, NULL, "the answer is too large");
}

enum yc_code client_call(struct client *c, const char *service, const ProtobufCServiceDescriptor *api, const char *method, const void *in,
			 int64_t timeout_ms, void **out, struct yc_err *e)
{
	const ProtobufCMethodDescriptor *m = protobuf_c_service_descriptor_get_method_by_name(api, method);
	struct wait w = { .c = c, .d = m->output };
	struct yc_call call = { .service = service, .api = api, .method = method, .in = in, .timeout_ms = timeout_ms, .fn = on_reply, .arg = &w };

	yc_bus_call(c->b, &call);
	while (!w.done)
		yc_loop_once(c->l, 50);
	*out = w.out;
	if (w.code != YC_OK)
		*e = w.e;
	return w.code;
}

static int connect_to(const char *path, int64_t timeout_ms)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	yc_copy(a.sun_path, sizeof(a.sun_path), path);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

enum yc_code ctl_ask(const struct home *h, const char *word, struct yc_buf *answer, struct yc_err *e)
{
	char path[YC_PATH], buf[4096];
	int fd = connect_to(home_path(h, path, "run/yc.sock"), 30000);
	ssize_t n;

	if (fd < 0)
		return yc_fail(e, YC_UNAVAILABLE, NULL, "%s 没有运行中的中心 / no centre runs in %s", h->dir, h->dir);
	if (send(fd, word, strlen(word), MSG_NOSIGNAL) < 0)
		yc_fail(e, YC_UNAVAILABLE, NULL, "the supervisor does not listen: %s", strerror(errno));
	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		yc_buf_add(answer, buf, (size_t)n);
	close(fd);
	return n == 0 ? YC_OK : yc_fail(e, YC_DEADLINE, NULL, "the supervisor does not answer: %s", strerror(errno));
}

int redis_say(const struct home *h, const char *command, char *out, size_t size)
{
	char path[YC_PATH];
	int fd = connect_to(home_path(h, path, "run/redis.sock"), 500);
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	if (send(fd, command, strlen(command), MSG_NOSIGNAL) > 0 && send(fd, "\r\n", 2, MSG_NOSIGNAL) == 2)
		n = recv(fd, out, size - 1, 0);
	close(fd);
	if (n <= 0)
		return -1;
	out[n] = 0;
	return 0;
}
