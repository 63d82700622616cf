/* The broker as a whole: opening and closing. */
#include "broker.h"

#include <unistd.h>

#include "yc/arena.h"
#include "yc/clock.h"
#include "yc/crypto.h"
#include "yc/id.h"

enum { TICK_MS = 250 };

#define C(nr, text, what) [nr] = { .kind = YC_COUNTER, .name = "yc_broker_" text, .help = what }
#define G(nr, text, what) [nr] = { .kind = YC_GAUGE, .name = "yc_broker_" text, .help = what }
struct yc_metric broker_metrics[M_COUNT] = {
	C(M_REQUESTS, "requests_total", "Requests that came in"),
	C(M_REPLIES, "replies_total", "Replies passed on"),
	C(M_LOST, "instance_lost_total", "Requests whose instance died with them in hand"),
	C(M_UNAVAILABLE, "unavailable_total", "Requests for which there was no instance"),
	C(M_EXHAUSTED, "exhausted_total", "Requests refused at a bound"),
	C(M_DEADLINE, "deadline_total", "Requests not answered in time"),
	C(M_MALFORMED, "malformed_total", "Messages that could not be read"),
	C(M_TOO_LARGE, "too_large_total", "Messages larger than the bus carries"),
	C(M_REFUSED, "refused_total", "Peers refused: key, user or name"),
	C(M_STRAY, "stray_replies_total", "Replies nobody waited for"),
	C(M_EVENTS, "events_total", "Events passed on"),
	C(M_EVENTS_REFUSED, "events_refused_total", "Events published under another service's name"),
	G(M_PEERS, "peers", "Instances and clients connected"),
	G(M_PENDING, "outstanding", "Requests being worked on"),
};

enum yc_code broker_open(struct broker **out, struct yc_loop *l, const struct broker_conf *c, struct yc_err *e)
{
	struct broker *b = yc_xcalloc(1, sizeof *b);
	enum yc_code code;
	uint64_t seed;

	*out = NULL;
	yc_random(&seed, sizeof seed);
	b->conf = *c;
	b->loop = l;
	b->uid = getuid();
	b->started_at = yc_now();
	yc_id_new("boot", b->boot);
	yc_slots_init(&b->pending, sizeof(struct pending), seed);
	b->ctx = zmq_ctx_new();
	code = b->ctx ? ports_open(b, e) : yc_fail(e, YC_INTERNAL, NULL, "no ZeroMQ context");
	if (!code)
		code = events_start(b, e);
	if (code) {
		broker_close(&b);
		return code;
	}
	ports_watch(b);
	b->tick = yc_timer_start(l, TICK_MS, TICK_MS, peers_tick, b);
	*out = b;
	return YC_OK;
}

void broker_close(struct broker **bp)
{
	struct broker *b = *bp;

	if (!b)
		return;
	yc_timer_stop(&b->tick);
	yc_timer_stop(&b->sweep);
	peers_close(b);
	pending_close(b);
	ports_close(b);
	if (b->ctx)
		zmq_ctx_shutdown(b->ctx);
	events_join(b);
	zap_join(b);
	if (b->ctx)
		zmq_ctx_term(b->ctx);
	yc_xfree(b);
	*bp = NULL;
}
