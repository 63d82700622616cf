/* Sockets of the bus client: options as measured (docs/internals/bus.md), CURVE keys. */
#include <stdlib.h>
#include <string.h>

#include "bus_impl.h"

static void set(void *s, int option, int value)
{
	(void)zmq_setsockopt(s, option, &value, sizeof value);
}

static void set_link(void *s, int is_tcp)
{
	set(s, ZMQ_LINGER, 200);
	set(s, ZMQ_RECONNECT_IVL, is_tcp ? 200 : 20);
	set(s, ZMQ_RECONNECT_IVL_MAX, is_tcp ? 2000 : 250);
	if (!is_tcp)
		return;
	set(s, ZMQ_HEARTBEAT_IVL, 1000);
	set(s, ZMQ_HEARTBEAT_TIMEOUT, 3000);
	set(s, ZMQ_CONNECT_TIMEOUT, 2000);
	set(s, ZMQ_HANDSHAKE_IVL, 3000);
}

static enum yc_code set_curve(void *s, const struct yc_bus_conf *c, struct yc_err *e)
{
	char server[41], pub[41], sec[41];
	int bad;

	if (!c->curve_server_key || !*c->curve_server_key)
		return YC_OK;
	if (!c->curve_secret_key || !*c->curve_secret_key)
		return yc_fail(e, YC_INVALID, "curve_secret_key", "a server key without a key pair of one's own is of no use");
	if (yc_wire_key_read(c->curve_server_key, server, NULL, e) || yc_wire_key_read(c->curve_secret_key, pub, sec, e))
		return e ? e->code : YC_INVALID;
	bad = zmq_setsockopt(s, ZMQ_CURVE_SERVERKEY, server, 41) || zmq_setsockopt(s, ZMQ_CURVE_PUBLICKEY, pub, 41) ||
	      zmq_setsockopt(s, ZMQ_CURVE_SECRETKEY, sec, 41);
	memset(sec, 0, sizeof sec);
	return bad ? yc_fail(e, YC_INVALID, "curve_secret_key", "not taken: %s", zmq_strerror(zmq_errno())) : YC_OK;
}

static enum yc_code socket_open(void **out, struct yc_bus *b, int type, enum yc_wire_port port, const struct yc_bus_conf *c, struct yc_err *e)
{
	int64_t max = YC_WIRE_FRAME_MAX;
	char at[256];

	if (yc_wire_endpoint(c->endpoint, port, at, sizeof at, e))
		return YC_INVALID;
	*out = zmq_socket(b->ctx, type);
	if (!*out)
		return yc_fail(e, YC_INTERNAL, "bus", "no socket: %s", zmq_strerror(zmq_errno()));
	set_link(*out, strncmp(at, "tcp:", 4) == 0);
	(void)zmq_setsockopt(*out, ZMQ_MAXMSGSIZE, &max, sizeof max);
	if (set_curve(*out, c, e))
		return YC_INVALID;
	if (type == ZMQ_DEALER) {
		/* Nothing is queued for a broker that is not there, and each new connection makes the broker ask who we are. */
		set(*out, ZMQ_IMMEDIATE, 1);
		set(*out, ZMQ_PROBE_ROUTER, 1);
	}
	set(*out, ZMQ_SNDHWM, 20000);
	set(*out, ZMQ_RCVHWM, 20000);
	if (zmq_connect(*out, at))
		return yc_fail(e, YC_INVALID, "bus", "%s: %s", at, zmq_strerror(zmq_errno()));
	return YC_OK;
}

enum yc_code bus_sockets_open(struct yc_bus *b, const struct yc_bus_conf *c, struct yc_err *e)
{
	enum yc_code code;

	b->ctx = zmq_ctx_new();
	if (!b->ctx)
		return yc_fail(e, YC_INTERNAL, "bus", "no ZeroMQ context");
	code = socket_open(&b->rpc, b, ZMQ_DEALER, YC_WIRE_RPC, c, e);
	if (!code)
		code = socket_open(&b->pub, b, ZMQ_PUB, YC_WIRE_PUB, c, e);
	if (!code)
		code = socket_open(&b->sub, b, ZMQ_SUB, YC_WIRE_SUB, c, e);
	return code;
}

/* A client whose key is refused is not tried again by libzmq: its session ends. The key may be put on the list later. */
void bus_sockets_reconnect(struct yc_bus *b)
{
	void *all[] = { b->rpc, b->pub, b->sub };
	char at[256];

	if (strncmp(b->endpoint, "tcp:", 4) != 0)
		return;                          /* ipc is always tried again */
	for (int i = 0; i < 3; i++) {
		if (yc_wire_endpoint(b->endpoint, (enum yc_wire_port)i, at, sizeof at, NULL))
			continue;
		(void)zmq_disconnect(all[i], at);
		(void)zmq_connect(all[i], at);
	}
}

void bus_sockets_close(struct yc_bus *b)
{
	void *all[] = { b->rpc, b->pub, b->sub };

	for (int i = 0; i < 3; i++) {
		if (!all[i])
			continue;
		yc_loop_zmq(b->loop, all[i], NULL, NULL);
		zmq_close(all[i]);
	}
	if (b->ctx)
		zmq_ctx_term(b->ctx);
	b->ctx = b->rpc = b->pub = b->sub = NULL;
}

int bus_send(struct yc_bus *b, zmq_msg_t *head, zmq_msg_t *body)
{
	int rc = zmq_msg_send(head, b->rpc, ZMQ_DONTWAIT | ZMQ_SNDMORE);

	if (rc >= 0)
		rc = zmq_msg_send(body, b->rpc, ZMQ_DONTWAIT);
	zmq_msg_close(head);
	zmq_msg_close(body);
	return rc < 0 ? -1 : 0;
}
