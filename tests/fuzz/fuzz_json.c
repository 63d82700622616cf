/* Fuzz: JSON into messages. First byte picks the type; what is accepted must come back unchanged after a round trip. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/json.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/common.pb-c.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/report.pb-c.h"
#include "yc/v1/ticket.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
	&pb__queue__descriptor, &pb__live_contact__descriptor, &pb__process__descriptor, &pb__calendar__descriptor, &pb__customer_put__descriptor,
	&pb__blob_read_reply__descriptor, &pb__interval_row__descriptor, &pb__flow_doc__descriptor, &pb__header__descriptor, &pb__offer_result__descriptor,
};

static void must(int ok)
{
	if (!ok)
		abort();
}

static int patch_like(const ProtobufCMessageDescriptor *d)
{
	return protobuf_c_message_descriptor_get_field_by_name(d, "fields") != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *d;
	struct yc_buf once = { 0 }, twice = { 0 };
	struct yc_err e = { 0 };
	struct yc_arena *a;
	void *m;

	if (!size)
		return 0;
	d = types[data[0] % (sizeof(types) / sizeof(*types))];
	a = yc_arena_new(1 << 20);
	if (yc_json_read(a, d, (const char *)data + 1, size - 1, &m, &e)) {
		must(e.code != YC_OK && e.msg[0]);
	} else {
		must(yc_pb_check_utf8(m, &e) == YC_OK);
		if (!patch_like(d)) {
			yc_json_write(&once, m);
			must(yc_json_read(a, d, once.p, once.n, &m, &e) == YC_OK || e.code == YC_TOO_LARGE);
			if (m) {
				yc_json_write(&twice, m);
				must(once.n == twice.n && !memcmp(once.p, twice.p, once.n));
			}
		}
	}
	yc_buf_free(&once);
	yc_buf_free(&twice);
	yc_arena_free(&a);
	return 0;
}
