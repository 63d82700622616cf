/* Option files come from people and from configuration tools: any text must give values within their bounds, or an error that says where. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "yc/opt.h"
#include "yc/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct conf { char *db, *bus; int64_t n, ring_ms, size; int verbose; };

#define OPT(f, k, d, ...) { .name = #f, .kind = k, .offset = offsetof(struct conf, f), .dflt = d, ##__VA_ARGS__ }
static const struct yc_opt opts[] = {
	OPT(db, YC_OPT_STR, ""),
	OPT(n, YC_OPT_INT, "5", .min = -3, .max = 100),
	OPT(ring_ms, YC_OPT_MS, "20s", .min = 100, .max = 3600000),
	OPT(size, YC_OPT_SIZE, "64k"),
	OPT(verbose, YC_OPT_BOOL, "no"),
	{ 0 },
};
static const struct yc_opt more[] = { OPT(bus, YC_OPT_STR, ""), { 0 } };

static void require(int holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf c = { .n = 5, .ring_ms = 20000 };
	const struct yc_opt_set sets[] = { { opts, &c }, { more, &c } };
	struct yc_err e = { 0 };
	enum yc_code rc = yc_opt_text(sets, 2, "f.conf", (const char *)data, size, &e);

	require(rc == YC_OK || rc == YC_INVALID || rc == YC_TOO_LARGE);
	require(c.n >= -3 && c.n <= 100 && c.ring_ms >= 100 && c.ring_ms <= 3600000 && c.size >= 0);
	require(c.verbose == 0 || c.verbose == 1);
	require(yc_utf8_ok(c.db) && yc_utf8_ok(c.bus) && yc_utf8_ok(e.msg) && yc_utf8_ok(e.field));
	if (rc) {
		require(e.code == rc && !strncmp(e.msg, "f.conf:", 7));
		for (const char *p = e.msg; *p; p++)
			require((unsigned char)*p >= 0x20);
	}
	yc_opt_free(sets, 2);
	return 0;
}
