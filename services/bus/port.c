/* Sockets: one ROUTER for RPC, XSUB and XPUB for events, per endpoint. On ipc the file's mode and the peer's uid decide who comes in, on TCP CURVE
 * and the allow-list. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker.h"
#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/log.h"
#include "yc/text.h"

struct broker_lock { int fd; struct broker_lock *next; };

static void set(void *s, int option, int value)
{
	(void)zmq_setsockopt(s, option, &value, sizeof value);
}

static void set_all(void *s, int is_tcp)
{
	int64_t max = YC_WIRE_FRAME_MAX;

	(void)zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &max, sizeof max);
	set(s, ZMQ_LINGER, 100);
	set(s, ZMQ_SNDHWM, 20000);
	set(s, ZMQ_RCVHWM, 20000);
	set(s, ZMQ_BACKLOG, 1000);
	if (!is_tcp)
		return;
	set(s, ZMQ_HEARTBEAT_IVL, 1000);
	set(s, ZMQ_HEARTBEAT_TIMEOUT, 3000);
	set(s, ZMQ_HANDSHAKE_IVL, 3000);
}

static enum yc_code set_curve(struct broker *b, void *s, struct yc_err *e)
{
	char pub[41], sec[41];
	int bad;

	if (yc_is_empty(b->conf.curve_secret_key) || yc_is_empty(b->conf.curve_allow))
		return yc_fail(e, YC_INVALID, "curve_secret_key", "a tcp endpoint needs curve_secret_key and curve_allow: without them anybody gets in");
	if (yc_wire_key_read(b->conf.curve_secret_key, pub, sec, e))
		return e->code;
	set(s, ZMQ_CURVE_SERVER, 1);
	bad = zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, sec, 41) || zmq_setsockopt(s, ZMQ_ZAP_DOMAIN, "yc", 2);
	memset(sec, 0, sizeof sec);
	return bad ? yc_fail(e, YC_INVALID, "curve_secret_key", "not taken: %s", zmq_strerror(zmq_errno())) : YC_OK;
}

static enum yc_code socket_open(struct broker *b, struct port *p, void **out, int type, enum yc_wire_port which, const char *endpoint, struct yc_err *e)
{
	char at[256];
	mode_t was;
	int rc;

	if (yc_wire_endpoint(endpoint, which, at, sizeof at, e))
		return e->code;
	*out = zmq_socket(b->ctx, type);
	if (!*out)
		return yc_fail(e, YC_INTERNAL, "bus", "no socket: %s", zmq_strerror(zmq_errno()));
	set_all(*out, p->is_tcp);
	if (type == ZMQ_ROUTER)
		set(*out, ZMQ_ROUTER_MANDATORY, 1);
	if (p->is_tcp && set_curve(b, *out, e))
		return e->code;
	was = umask(0177);                       /* the socket file: for this user only */
	rc = zmq_bind(*out, at);
	umask(was);
	if (rc)
		return yc_fail(e, YC_CONFLICT, "bus", "%s: %s", at, zmq_strerror(zmq_errno()));
	return YC_OK;
}

/* libzmq would silently take an ipc path away from a broker that runs. */
static enum yc_code lock(struct broker *b, const char *endpoint, struct yc_err *e)
{
	struct broker_lock *l;
	char path[300];
	int fd;

	snprintf(path, sizeof path, "%s.lock", endpoint + strlen("ipc://"));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return yc_fail(e, YC_UNAVAILABLE, "bus", "%s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return yc_fail(e, YC_CONFLICT, "bus", "another broker runs at %.150s", endpoint);
	}
	l = yc_xcalloc(1, sizeof *l);
	*l = (struct broker_lock){ fd, b->locks };
	b->locks = l;
	return YC_OK;
}

static enum yc_code port_open(struct broker *b, const char *endpoint, struct yc_err *e)
{
	struct port *p = &b->ports[b->n_ports];
	char at[64];
	enum yc_code code;

	if (b->n_ports == PORTS_MAX)
		return yc_fail(e, YC_INVALID, "bus", "at most %d endpoints", PORTS_MAX);
	p->b = b;
	p->nr = b->n_ports++;
	p->is_tcp = strncmp(endpoint, "tcp:", 4) == 0;
	code = p->is_tcp ? YC_OK : lock(b, endpoint, e);
	if (!code)
		code = socket_open(b, p, &p->router, ZMQ_ROUTER, YC_WIRE_RPC, endpoint, e);
	if (!code)
		code = socket_open(b, p, &p->xsub, ZMQ_XSUB, YC_WIRE_PUB, endpoint, e);
	if (!code)
		code = socket_open(b, p, &p->xpub, ZMQ_XPUB, YC_WIRE_SUB, endpoint, e);
	if (code)
		return code;
	snprintf(at, sizeof at, "inproc://monitor-%d", p->nr);
	if (zmq_socket_monitor(p->router, at, ZMQ_EVENT_DISCONNECTED) == 0) {
		p->monitor = zmq_socket(b->ctx, ZMQ_PAIR);
		if (p->monitor)
			(void)zmq_connect(p->monitor, at);
	}
	yc_info("bus: listening at %s", endpoint);
	return YC_OK;
}

enum yc_code ports_open(struct broker *b, struct yc_err *e)
{
	const char *at = b->conf.bus;
	enum yc_code code = YC_OK;
	char one[256];
	size_t n;

	for (; !code && *(at += strspn(at, ", ")); at += n) {
		n = strcspn(at, ", ");
		snprintf(one, sizeof one, "%.*s", (int)n, at);
		if (!b->zap && strncmp(one, "tcp:", 4) == 0 && !yc_is_empty(b->conf.curve_allow))
			code = zap_start(b, e);
		if (!code)
			code = port_open(b, one, e);
	}
	if (!code && !b->n_ports)
		code = yc_fail(e, YC_INVALID, "bus", "no endpoint");
	return code;
}

/* --- what comes in ----------------------------------------------------------------------------------------------------------- */

static void malformed(struct broker *b, const struct conn *c, uint64_t call)
{
	count(M_MALFORMED);
	port_answer(b, c, call, YC_MALFORMED, "header", "the envelope cannot be read");
}

static void on_message(struct port *p, const struct conn *c, zmq_msg_t *f, int n)
{
	struct broker *b = p->b;
	struct yc_wire w;

	if (n == 1 && zmq_msg_size(&f[0]) == 0) {        /* the probe of a new connection */
		peer_ask_who(b, c);
		return;
	}
	if (n != 2 || yc_wire_scan(zmq_msg_data(&f[0]), zmq_msg_size(&f[0]), &w)) {
		malformed(b, c, 0);
		return;
	}
	switch (w.kind) {
	case PB__HEADER__KIND__KIND_READY:
	case PB__HEADER__KIND__KIND_BYE: peer_announced(b, p, c, &w, &f[0]); break;
	case PB__HEADER__KIND__KIND_REQUEST: route_request(b, c, &w, &f[0], &f[1]); break;
	case PB__HEADER__KIND__KIND_REPLY: route_reply(b, c, &w, &f[0], &f[1]); break;
	default: malformed(b, c, w.call);
	}
}

/* Frames behind the routing id: two are kept, the rest is read and counted only. Returns how many there were. */
static int read_frames(void *s, zmq_msg_t f[2], int more)
{
	zmq_msg_t rest;
	int n = 0;

	for (; more; n++) {
		zmq_msg_t *m = n < 2 ? &f[n] : &rest;

		zmq_msg_init(m);
		more = zmq_msg_recv(m, s, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(m);
		if (m == &rest)
			zmq_msg_close(m);
	}
	return n;
}

static void on_router(void *arg, void *s)
{
	struct port *p = arg;
	zmq_msg_t id, f[2];
	struct conn c;

	for (int i = 0; i < DRAIN; i++) {
		int n;

		zmq_msg_init(&id);
		if (zmq_msg_recv(&id, s, ZMQ_DONTWAIT) < 0)
			return;
		n = read_frames(s, f, zmq_msg_more(&id));
		c.n = zmq_msg_size(&id) + 1;
		c.key[0] = (uint8_t)p->nr;
		memcpy(c.key + 1, zmq_msg_data(&id), c.n - 1);
		on_message(p, &c, f, n);
		zmq_msg_close(&id);
		for (int k = 0; k < n && k < 2; k++)
			zmq_msg_close(&f[k]);
	}
}

/* A connection ended. Whose is not said, so all are probed, a moment later: the ROUTER learns of it after its monitor. */
static void on_monitor(void *arg, void *s)
{
	struct port *p = arg;
	zmq_msg_t m;

	for (;;) {
		zmq_msg_init(&m);
		if (zmq_msg_recv(&m, s, ZMQ_DONTWAIT) < 0)
			break;
		zmq_msg_close(&m);
	}
	if (!p->b->sweep)
		p->b->sweep = yc_timer_start(p->b->loop, 5, 0, peers_sweep, p->b);
}

void ports_watch(struct broker *b)
{
	for (int i = 0; i < b->n_ports; i++) {
		yc_loop_zmq(b->loop, b->ports[i].router, on_router, &b->ports[i]);
		if (b->ports[i].monitor)
			yc_loop_zmq(b->loop, b->ports[i].monitor, on_monitor, &b->ports[i]);
	}
}

void ports_close(struct broker *b)
{
	struct broker_lock *l;

	for (int i = 0; i < b->n_ports; i++) {
		struct port *p = &b->ports[i];
		void *mine[] = { p->router, p->monitor };

		if (p->router)
			(void)zmq_socket_monitor(p->router, NULL, 0);
		for (int k = 0; k < 2; k++) {
			if (!mine[k])
				continue;
			yc_loop_zmq(b->loop, mine[k], NULL, NULL);
			zmq_close(mine[k]);
		}
	}
	while ((l = b->locks)) {
		b->locks = l->next;
		close(l->fd);
		yc_xfree(l);
	}
}

/* --- what goes out ----------------------------------------------------------------------------------------------------------- */

int port_send(struct broker *b, const struct conn *c, zmq_msg_t *head, zmq_msg_t *body)
{
	void *s = b->ports[c->key[0]].router;
	int rc = zmq_send(s, c->key + 1, c->n - 1, ZMQ_DONTWAIT | ZMQ_SNDMORE), err = 0;

	if (rc >= 0)
		rc = zmq_msg_send(head, s, ZMQ_DONTWAIT | ZMQ_SNDMORE);
	if (rc >= 0)
		rc = zmq_msg_send(body, s, ZMQ_DONTWAIT);
	if (rc < 0)
		err = zmq_errno();
	zmq_msg_close(head);
	zmq_msg_close(body);
	return err;
}

void port_send_header(struct broker *b, const struct conn *c, const Pb__Header *h)
{
	zmq_msg_t head, body;

	zmq_msg_init_size(&head, pb__header__get_packed_size(h));
	pb__header__pack(h, zmq_msg_data(&head));
	zmq_msg_init(&body);
	(void)port_send(b, c, &head, &body);
}

void port_answer(struct broker *b, const struct conn *c, uint64_t call, enum yc_code code, const char *field, const char *why)
{
	Pb__Header h = PB__HEADER__INIT;
	Pb__Status st = PB__STATUS__INIT;

	st.code = (Pb__Code)code;
	st.message = (char *)why;
	st.field = field ? (char *)field : "";
	h.kind = PB__HEADER__KIND__KIND_REPLY;
	h.call = call;
	h.status = &st;
	h.instance = "bus";
	port_send_header(b, c, &h);
}
