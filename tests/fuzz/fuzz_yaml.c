/* Data files are written by people: any text must give documents whose JSON can be read back, or faults with a line. fuzz: link yc */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "yc/arena.h"
#include "yc/text.h"
#include "yc/v1/directory.pb-c.h"
#include "yc/v1/ticket.pb-c.h"
#include "yc/yc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static const ProtobufCMessageDescriptor *kind(const char *name)
{
	if (yc_streq(name, "process"))
		return &pb__process__descriptor;
	return yc_streq(name, "person") ? &pb__person__descriptor : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *nowhere;
	struct docs d = { .out = nowhere ? nowhere : (nowhere = fopen("/dev/null", "w")) };
	struct yc_arena *a = yc_arena_new(64 << 20);
	struct yc_err e = { 0 };
	void *msg;

	docs_text(&d, "f.yaml", (const char *)data, size, kind);
	for (size_t i = 0; i < d.n; i++) {
		enum yc_code rc = yc_json_read(a, kind(d.v[i].kind), d.v[i].json.p, d.v[i].json.n, &msg, &e);

		require(rc == YC_OK || rc == YC_INVALID || rc == YC_TOO_LARGE || rc == YC_MALFORMED);
		require(rc != YC_MALFORMED || strstr(e.msg, "UTF-8") || d.v[i].json.n > 100000 || strstr(e.msg, "deep"));
		require(doc_line(&d.v[i], e.field) >= 1);
	}
	docs_free(&d);
	yc_arena_free(&a);
	return 0;
}
