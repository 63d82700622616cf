/* What the broker answers itself, as service "bus": Bus.Instances, Node.Health, Node.Metrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker.h"
#include "yc/arena.h"
#include "yc/clock.h"

static void reply(struct broker *b, struct peer *caller, uint64_t call, const ProtobufCMessage *msg)
{
	Pb__Header h = PB__HEADER__INIT;
	zmq_msg_t head, body;

	h.kind = PB__HEADER__KIND__KIND_REPLY;
	h.call = call;
	h.instance = "bus";
	zmq_msg_init_size(&head, pb__header__get_packed_size(&h));
	pb__header__pack(&h, zmq_msg_data(&head));
	zmq_msg_init_size(&body, protobuf_c_message_get_packed_size(msg));
	protobuf_c_message_pack(msg, zmq_msg_data(&body));
	(void)port_send(b, &caller->conn, &head, &body);
}

static void instances(struct broker *b, struct peer *caller, uint64_t call)
{
	struct yc_arena *a = yc_arena_new(16 << 20);
	Pb__BusInstances *out = yc_pb_new(a, &pb__bus_instances__descriptor);
	int64_t now = yc_mono();
	struct peer *p, *next;

	HASH_ITER(by_conn, b->by_conn, p, next) {
		Pb__BusInstance *i = *p->service ? yc_pb_add(a, &pb__bus_instance__descriptor, &out->instances, &out->n_instances) : NULL;

		if (!i)
			continue;
		i->service = p->service;
		i->instance = p->instance;
		i->boot = p->boot;
		i->outstanding = (int64_t)p->n_work;
		i->seen_ms_ago = now - p->seen_at;
	}
	reply(b, caller, call, &out->base);
	yc_arena_free(&a);
}

static void health(struct broker *b, struct peer *caller, uint64_t call)
{
	Pb__HealthReply out = PB__HEALTH_REPLY__INIT;

	out.instance = out.service = "bus";
	out.version = YC_VERSION;
	out.started_at = b->started_at;
	out.ready = 1;
	out.boot = b->boot;
	out.pid = getpid();
	reply(b, caller, call, &out.base);
}

static void metrics(struct broker *b, struct peer *caller, uint64_t call)
{
	Pb__MetricsReply out = PB__METRICS_REPLY__INIT;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	if (f) {
		yc_metrics_print(f, "instance=\"bus\"");
		fclose(f);
		out.text = text;
	}
	reply(b, caller, call, &out.base);
	free(text);
}

/* Peers speak for themselves, or (api) for a person, who must be an administrator. */
static int may_see(const struct peer *caller, const struct yc_wire *w)
{
	uint32_t roles = 0;
	Pb__Header *h;

	if (!w->principal.n || !caller->may_speak)
		return 1;
	h = pb__header__unpack(NULL, w->principal.n, w->principal.p);
	if (h && h->principal)
		roles = h->principal->roles;
	if (h)
		pb__header__free_unpacked(h, NULL);
	return (roles & (1u << PB__ROLE__ROLE_ADMIN | 1u << PB__ROLE__ROLE_SERVICE)) != 0;
}

void admin_answer(struct broker *b, struct peer *caller, const struct yc_wire *w)
{
	if (yc_span_is(w->method, "Node.Health"))
		health(b, caller, w->call);
	else if (!may_see(caller, w))
		port_answer(b, &caller->conn, w->call, YC_FORBIDDEN, NULL, "this is not for these roles");
	else if (yc_span_is(w->method, "Instances"))
		instances(b, caller, w->call);
	else if (yc_span_is(w->method, "Node.Metrics"))
		metrics(b, caller, w->call);
	else
		port_answer(b, &caller->conn, w->call, YC_UNIMPLEMENTED, "method", "the bus has no such method");
}
