/* The scanner of packed headers: what it reads, what it refuses, and that writing over leaves the rest alone. */
#include <stdio.h>
#include <string.h>

#include "yc/v1/common.pb-c.h"
#include "yc/wire.h"
#include "yct.h"

static size_t pack(uint8_t *raw, int64_t deadline)
{
	Pb__Header h = PB__HEADER__INIT;
	Pb__Principal who = PB__PRINCIPAL__INIT;

	who.person_id = "prs_1";
	who.roles = 6;
	h.kind = PB__HEADER__KIND__KIND_REQUEST;
	h.service = "ticket@yn.ticket.1";
	h.method = "Create";
	h.shard_key = "mat_1";
	h.request_id = "req_1";
	h.call = 0x1122334455667788;
	h.deadline_at = deadline;
	h.principal = &who;
	h.traceparent = "00-1-2-3";
	return pb__header__pack(&h, raw);
}

static void a_packed_header_is_read_in_place(void)
{
	uint8_t raw[512];
	size_t n = pack(raw, 1795000000000);
	struct yc_wire w;

	CU_ASSERT_EQUAL(yc_wire_scan(raw, n, &w), 0);
	CU_ASSERT_EQUAL(w.kind, PB__HEADER__KIND__KIND_REQUEST);
	CU_ASSERT(yc_span_is(w.service, "ticket@yn.ticket.1"));
	CU_ASSERT(yc_span_is(w.method, "Create"));
	CU_ASSERT(yc_span_is(w.shard_key, "mat_1"));
	CU_ASSERT_EQUAL(w.call, 0x1122334455667788);
	CU_ASSERT_EQUAL(w.deadline_at, 1795000000000);
	CU_ASSERT(w.principal.n > 5);
}

static void writing_over_call_and_deadline_leaves_the_rest(void)
{
	uint8_t raw[512];
	size_t n = pack(raw, 1795000000000);
	struct yc_wire w;
	Pb__Header *h;

	CU_ASSERT_EQUAL_FATAL(yc_wire_scan(raw, n, &w), 0);
	yc_wire_set_call(&w, 42);
	CU_ASSERT_EQUAL(yc_wire_set_deadline(&w, 1795000009999), 0);
	h = pb__header__unpack(NULL, n, raw);
	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	CU_ASSERT_EQUAL(h->call, 42);
	CU_ASSERT_EQUAL(h->deadline_at, 1795000009999);
	YCT_STR(h->method, "Create");
	YCT_STR(h->principal->person_id, "prs_1");
	YCT_STR(h->traceparent, "00-1-2-3");
	pb__header__free_unpacked(h, NULL);
	CU_ASSERT_EQUAL(yc_wire_set_deadline(&w, 1), -1);
}

static void every_truncation_is_refused_or_a_shorter_header(void)
{
	uint8_t raw[512], copy[512];
	size_t n = pack(raw, 1795000000000), refused = 0;
	struct yc_wire w;

	for (size_t k = 0; k < n; k++) {
		Pb__Header *h;

		memcpy(copy, raw, k);
		if (yc_wire_scan(copy, k, &w)) {
			refused++;
			continue;
		}
		h = pb__header__unpack(NULL, k, copy);   /* what the scanner takes, the library takes too */
		CU_ASSERT_PTR_NOT_NULL(h);
		if (h)
			pb__header__free_unpacked(h, NULL);
	}
	CU_ASSERT(refused > n / 2);
}

static int scan(const char *bytes, size_t n)
{
	uint8_t raw[256];
	struct yc_wire w;

	memcpy(raw, bytes, n);
	return yc_wire_scan(raw, n, &w);
}

static void what_is_no_header_is_refused(void)
{
	CU_ASSERT_EQUAL(scan("\x08\x01\x08\x02", 4), -1);                /* kind twice */
	CU_ASSERT_EQUAL(scan("\x12\x02" "a\0", 4), -1);                  /* NUL in a name */
	CU_ASSERT_EQUAL(scan("\x10\x05", 2), -1);                        /* service as a number */
	CU_ASSERT_EQUAL(scan("\x0a\x01" "x", 3), -1);                    /* kind as text */
	CU_ASSERT_EQUAL(scan("\x30\x05", 2), -1);                        /* call as a varint */
	CU_ASSERT_EQUAL(scan("\x0b", 1), -1);                            /* a group */
	CU_ASSERT_EQUAL(scan("\x12\xff\xff\xff\xff\x0f", 6), -1);        /* longer than there is */
	CU_ASSERT_EQUAL(scan("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13), -1);
	CU_ASSERT_EQUAL(scan("\x00", 1), -1);                            /* field 0 */
	CU_ASSERT_EQUAL(scan("\xa0\x06\x01", 3), 0);                     /* field 100: a later version's */
	CU_ASSERT_EQUAL(scan("", 0), 0);
}

static void endpoints_become_three(void)
{
	char out[64];

	YCT_OK(yc_wire_endpoint("ipc:///run/yc/bus", YC_WIRE_SUB, out, sizeof out, yct_err()));
	YCT_STR(out, "ipc:///run/yc/bus.sub");
	YCT_OK(yc_wire_endpoint("tcp://[::1]:5550", YC_WIRE_PUB, out, sizeof out, yct_err()));
	YCT_STR(out, "tcp://[::1]:5551");
	CU_ASSERT_EQUAL(yc_wire_endpoint("tcp://host", YC_WIRE_RPC, out, sizeof out, yct_err()), YC_INVALID);
	CU_ASSERT_EQUAL(yc_wire_endpoint("tcp://host:x", YC_WIRE_RPC, out, sizeof out, yct_err()), YC_INVALID);
	CU_ASSERT_EQUAL(yc_wire_endpoint("ipc://", YC_WIRE_RPC, out, sizeof out, yct_err()), YC_INVALID);
	CU_ASSERT_EQUAL(yc_wire_endpoint(NULL, YC_WIRE_RPC, out, sizeof out, yct_err()), YC_INVALID);
}

static void key_files_are_written_once_and_read_back(void)
{
	char file[200], pub_file[210], a[41], b[41], sec[41];

	snprintf(file, sizeof file, "%s/k", yct_dir());
	snprintf(pub_file, sizeof pub_file, "%s.pub", file);
	YCT_OK(yc_wire_keygen(file, yct_err()));
	YCT_OK(yc_wire_key_read(file, a, sec, yct_err()));
	YCT_OK(yc_wire_key_read(pub_file, b, NULL, yct_err()));
	YCT_STR(a, b);
	CU_ASSERT_EQUAL(strlen(sec), 40);
	CU_ASSERT_EQUAL(yc_wire_key_read(pub_file, b, sec, yct_err()), YC_INVALID);
	CU_ASSERT_EQUAL(yc_wire_keygen(file, yct_err()), YC_CONFLICT);
}

YCT_MAIN("wire", T(a_packed_header_is_read_in_place), T(writing_over_call_and_deadline_leaves_the_rest),
	 T(every_truncation_is_refused_or_a_shorter_header), T(what_is_no_header_is_refused), T(endpoints_become_three),
	 T(key_files_are_written_once_and_read_back))
