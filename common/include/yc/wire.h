/* The bus's wire, as far as broker and client share it: bounds, endpoints, key files, and a scanner that reads a packed Pb__Header in place.
 * The broker never unpacks a header: it scans it, writes its own call number over the asking side's (a fixed64, so the length stays) and forwards. */
#ifndef YC_WIRE_H
#define YC_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "yc/err.h"

#define YC_WIRE_HEADER_MAX  (64u << 10)
#define YC_WIRE_PAYLOAD_MAX (4u << 20)
#define YC_WIRE_FRAME_MAX   (16 << 20)           /* ZMQ_MAXMSGSIZE: a peer that sends more is cut off */
#define YC_WIRE_READY_MS    500                  /* an instance announces itself this often ... */
#define YC_WIRE_DEAD_MS     2000                 /* ... and is dead after this silence; so is a broker */
#define YC_WIRE_NAME_MAX    128                  /* service, instance and boot names */

struct yc_span { const uint8_t *p; size_t n; };
int yc_span_is(struct yc_span s, const char *text);
/* Copies at most size - 1 bytes and terminates; -1 when it does not fit. */
int yc_span_copy(struct yc_span s, char *out, size_t size);

struct yc_wire {                                 /* spans point into the scanned bytes */
	int kind;
	uint64_t call;
	int64_t deadline_at;
	struct yc_span service, method, shard_key, request_id, status, instance, boot;
	struct yc_span principal;                /* with its tag and length, so that it can be cut out */
	uint8_t *call_at;                        /* the eight bytes of call, or NULL */
	uint8_t *deadline_pos; size_t deadline_n;
};
/* 0, or -1 when the bytes are no header: truncated, a known field twice or of a wrong type, NUL or control characters in a name. */
int yc_wire_scan(uint8_t *p, size_t n, struct yc_wire *w);
void yc_wire_set_call(struct yc_wire *w, uint64_t call);
/* Overwrite the deadline when it takes the same number of bytes (so until the year 2109); 0, or -1. */
int yc_wire_set_deadline(struct yc_wire *w, int64_t deadline_at);

/* "ipc:///run/yc/bus" -> + ".rpc" ".pub" ".sub"; "tcp://host:5550" -> ports +0 +1 +2. */
enum yc_wire_port { YC_WIRE_RPC, YC_WIRE_PUB, YC_WIRE_SUB };
enum yc_code yc_wire_endpoint(const char *endpoint, enum yc_wire_port port, char *out, size_t size, struct yc_err *e) YC_MUST;
/* Letters, digits, '.', '-', '_' only, not empty, at most YC_WIRE_NAME_MAX - 1. */
int yc_wire_is_name(const char *s);

/* CURVE keys in z85 (https://rfc.zeromq.org/spec/32/): the pair in FILE (mode 0600), the public one alone in FILE.pub. An existing FILE is kept: CONFLICT. */
enum yc_code yc_wire_keygen(const char *file, struct yc_err *e) YC_MUST;
/* Reads FILE (both keys) or FILE.pub (public only; secret may be NULL). Buffers have 41 bytes. */
enum yc_code yc_wire_key_read(const char *file, char *public_key, char *secret_key, struct yc_err *e) YC_MUST;

#endif
