#include "directory.h"

#include "yc/text.h"

#include <string.h>

/* HA1 = H(number:realm:password), RFC 3261 and RFC 8760. Without a password the stored digests stay. */
void dir_extension_digest(struct dir *d, struct yc_arena *a, Pb__Extension *x, const Pb__Extension *was)
{
	char md5[33] = "", sha[65] = "";
	char *text;

	if (yc_is_empty(x->realm))
		x->realm = yc_strdup(a, was && yc_is_empty(x->password) ? was->realm : d->conf.realm);
	if (yc_is_empty(x->password)) {
		x->ha1_md5 = was ? was->ha1_md5 : (char *)protobuf_c_empty_string;
		x->ha1_sha256 = was ? was->ha1_sha256 : (char *)protobuf_c_empty_string;
		return;
	}
	text = yc_sprintf(a, "%s:%s:%s", x->number, x->realm, x->password);
	if (text) {
		yc_md5_hex(text, strlen(text), md5);
		yc_sha256_hex(text, strlen(text), sha);
		explicit_bzero(text, strlen(text));
	}
	x->ha1_md5 = yc_strdup(a, md5);
	x->ha1_sha256 = yc_strdup(a, sha);
	x->password = (char *)protobuf_c_empty_string;
}
