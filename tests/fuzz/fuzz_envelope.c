/* What comes in by the bus: the broker's scanner, the client's unpacking, and the dispatcher's decoding and checks. The scanner must agree with the
 * library on everything both take. Input: two bytes length of the header, header, payload. */
#include <stdlib.h>
#include <string.h>

#include "../../common/src/node_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void agree(const uint8_t *head, size_t n, struct yc_arena *a)
{
	uint8_t *copy = malloc(n + 1);
	struct yc_wire w;
	Pb__Header *h, *again;

	if (n)
		memcpy(copy, head, n);
	if (!yc_wire_scan(copy, n, &w) && (h = pb__header__unpack(yc_arena_pb(a), n, head))) {
		if (w.call != h->call || w.deadline_at != h->deadline_at || !yc_span_is(w.service, h->service) || !yc_span_is(w.method, h->method) ||
		    !yc_span_is(w.shard_key, h->shard_key) || !yc_span_is(w.boot, h->boot) || (w.principal.n != 0) != (h->principal != NULL))
			abort();
		if (w.call_at) {
			yc_wire_set_call(&w, 0x0102030405060708);
			again = pb__header__unpack(yc_arena_pb(a), n, copy);
			if (!again || again->call != 0x0102030405060708 || strcmp(again->method, h->method) != 0)
				abort();
		}
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const ProtobufCMessageDescriptor *const types[] = {
		&pb__header__descriptor, &pb__event__descriptor, &pb__events_reply__descriptor, &pb__import_req__descriptor, &pb__principal__descriptor,
	};
	struct yc_arena *a = yc_arena_new(1 << 20);
	size_t hn = n >= 2 ? (size_t)p[0] << 8 | p[1] : 0;
	struct yc_err e;
	void *msg;

	if (n >= 2) {
		p += 2;
		n -= 2;
	}
	if (hn > n)
		hn = n;
	agree(p, hn, a);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		yc_arena_reset(a);
		if (node_decode(a, types[i], p + hn, n - hn, &msg, &e) == YC_OK && !msg)
			abort();
	}
	yc_arena_free(&a);
	return 0;
}
