/* Who may come in by TCP: ZAP (https://rfc.zeromq.org/spec/27/) against a file of public keys. The file is read for each handshake, so that adding
 * or taking away a key needs no restart (a connection that stands stays until it ends). */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "broker.h"
#include "yc/arena.h"
#include "yc/log.h"

enum { LIST_MAX = 256 << 10 };

struct zap { void *socket; pthread_t thread; char *file; };

/* No sign for comments is needed (a key may begin with '#'): whatever is not a whole key in front matches none. */
int zap_find(const char *text, const char *key, char *name, size_t size)
{
	char line[256], k[64], n[YC_WIRE_NAME_MAX];
	const char *next;

	for (; *text; text = next) {
		size_t len = strcspn(text, "\n");

		next = text + len + (text[len] == '\n');
		snprintf(line, sizeof line, "%.*s", (int)len, text);
		if (sscanf(line, "%63s %127s", k, n) == 2 && strcmp(k, key) == 0 && yc_wire_is_name(n) && strlen(n) < size) {
			memcpy(name, n, strlen(n) + 1);
			return 0;
		}
	}
	return -1;
}

static int is_allowed(struct zap *z, const uint8_t *raw, char *name, size_t size)
{
	char key[41], *text;
	FILE *f;
	size_t n;
	int rc = -1;

	if (!zmq_z85_encode(key, raw, 32))
		return 0;
	f = fopen(z->file, "re");
	if (!f) {
		yc_error("bus: the list of allowed keys cannot be read: %s", z->file);
		return 0;
	}
	text = yc_xcalloc(1, LIST_MAX + 1);
	n = fread(text, 1, LIST_MAX, f);
	fclose(f);
	if (n)
		rc = zap_find(text, key, name, size);
	if (rc) {
		count(M_REFUSED);
		yc_warn("bus: key %s is not on the list", key);
	}
	yc_xfree(text);
	return rc == 0;
}

static void send_text(void *s, const void *p, size_t n, int more)
{
	(void)zmq_send(s, p, n, more ? ZMQ_SNDMORE : 0);
}

/* Request: version, id, domain, address, routing id, mechanism, credentials. */
static int serve_one(struct zap *z)
{
	enum { VERSION, ID, DOMAIN, ADDRESS, IDENTITY, MECHANISM, KEY, FRAMES };
	uint8_t f[FRAMES][256];
	char name[YC_WIRE_NAME_MAX] = "";
	int len[FRAMES] = { 0 }, n = 0, more = 1, ok;
	size_t size = sizeof more;

	while (more) {
		uint8_t rest[256];
		int rc = zmq_recv(z->socket, n < FRAMES ? f[n] : rest, 256, 0);

		if (rc < 0)
			return zmq_errno() == EINTR ? 0 : -1;
		if (n < FRAMES)
			len[n] = rc;
		n++;
		zmq_getsockopt(z->socket, ZMQ_RCVMORE, &more, &size);
	}
	ok = n == FRAMES && len[VERSION] == 3 && len[MECHANISM] == 5 && memcmp(f[MECHANISM], "CURVE", 5) == 0 && len[KEY] == 32 && len[ID] <= 255 &&
	     is_allowed(z, f[KEY], name, sizeof name);
	send_text(z->socket, "1.0", 3, 1);
	send_text(z->socket, f[ID], n > ID && len[ID] <= 255 ? (size_t)len[ID] : 0, 1);
	send_text(z->socket, ok ? "200" : "400", 3, 1);
	send_text(z->socket, "", 0, 1);
	send_text(z->socket, name, ok ? strlen(name) : 0, 1);
	send_text(z->socket, "", 0, 0);
	return 0;
}

static void *run(void *arg)
{
	struct zap *z = arg;

	while (!serve_one(z))
		;
	zmq_close(z->socket);
	return NULL;
}

enum yc_code zap_start(struct broker *b, struct yc_err *e)
{
	struct zap *z = yc_xcalloc(1, sizeof *z);

	z->file = b->conf.curve_allow;
	z->socket = zmq_socket(b->ctx, ZMQ_REP);
	if (!z->socket || zmq_bind(z->socket, "inproc://zeromq.zap.01") || pthread_create(&z->thread, NULL, run, z)) {
		if (z->socket)
			zmq_close(z->socket);
		yc_xfree(z);
		return yc_fail(e, YC_INTERNAL, "curve_allow", "the check of keys does not start");
	}
	b->zap = z;
	return YC_OK;
}

void zap_join(struct broker *b)
{
	if (!b->zap)
		return;
	pthread_join(b->zap->thread, NULL);
	yc_xfree(b->zap);
	b->zap = NULL;
}
