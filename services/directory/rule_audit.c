#include "rule_audit.h"

#include "yc/crypto.h"
#include "yc/json.h"

#include <string.h>

/* The digest covers every column with its length, so that no two rows read alike. */
void dir_audit_hash(const char *prev, const Pb__AuditRow *r, char out[65])
{
	const char *cols[] = { r->actor, r->actor_name, r->action, r->object, r->detail, r->source };
	struct yc_buf b = { 0 };

	yc_buf_printf(&b, "%s\n%lld\n%lld\n", prev, (long long)r->seq, (long long)r->at);
	for (size_t i = 0; i < sizeof(cols) / sizeof(cols[0]); i++)
		yc_buf_printf(&b, "%zu:%s\n", strlen(cols[i]), cols[i]);
	yc_sha256_hex(b.p, b.n, out);
	yc_buf_free(&b);
}
