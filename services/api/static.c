/* The console's files, read once at the start and served from memory by the HTTP thread: what is not in the table does not exist. */
#include "api.h"

#include "rule_http.h"

#include "yc/crypto.h"
#include "yc/log.h"
#include "yc/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILE (16 << 20)
#define MAX_ALL (128 << 20)
#define MAX_DEPTH 8

struct file { char *path; char *data; size_t n; char etag[40]; const char *mime; UT_hash_handle hh; };
struct api_static { struct file *files; size_t total; };

void api_secure_headers(struct http_req *r, int is_page)
{
	http_out(r, "X-Content-Type-Options", "nosniff");
	http_out(r, "X-Frame-Options", "DENY");
	http_out(r, "Referrer-Policy", "no-referrer");
	http_out(r, "Cross-Origin-Opener-Policy", "same-origin");
	http_out(r, "Cross-Origin-Resource-Policy", "same-origin");
	if (!is_page) {
		http_out(r, "Cache-Control", "no-store");
		http_out(r, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
		return;
	}
	http_out(r, "Permissions-Policy", "camera=(), geolocation=(), microphone=(self)");
	http_out(r, "Content-Security-Policy", "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
		 "frame-ancestors 'none'");
}

/* --- reading --------------------------------------------------------------------------------------------------------------------------- */

static enum yc_code add_file(struct api_static *s, const char *path, const char *name, size_t n, struct yc_err *e)
{
	struct file *f;
	char hex[65];
	FILE *in = fopen(path, "rb");

	if (!in)
		return yc_fail(e, YC_INTERNAL, "console", "cannot read %s: %s", path, strerror(errno));
	f = yc_xcalloc(1, sizeof(*f));
	f->path = yc_xstrdup(name);
	f->data = yc_xcalloc(1, n + 1);
	f->n = fread(f->data, 1, n, in);
	fclose(in);
	f->mime = api_mime(name);
	yc_sha256_hex(f->data, f->n, hex);
	snprintf(f->etag, sizeof(f->etag), "\"%.32s\"", hex);
	s->total += f->n;
	HASH_ADD_KEYPTR(hh, s->files, f->path, strlen(f->path), f);
	return YC_OK;
}

static enum yc_code add_folder(struct api_static *s, const char *folder, const char *prefix, int depth, struct yc_err *e)
{
	char path[1024], name[1024];
	struct dirent *d;
	struct stat sb;
	DIR *dir = depth < MAX_DEPTH ? opendir(folder) : NULL;
	enum yc_code c = YC_OK;

	while (dir && c == YC_OK && (d = readdir(dir))) {
		if (d->d_name[0] == '.' || snprintf(path, sizeof(path), "%s/%s", folder, d->d_name) >= (int)sizeof(path) ||
		    snprintf(name, sizeof(name), "%s/%s", prefix, d->d_name) >= (int)sizeof(name) || lstat(path, &sb))
			continue;
		if (S_ISDIR(sb.st_mode))
			c = add_folder(s, path, name, depth + 1, e);
		else if (S_ISREG(sb.st_mode) && sb.st_size <= MAX_FILE && s->total + (size_t)sb.st_size <= MAX_ALL)
			c = add_file(s, path, name, (size_t)sb.st_size, e);
		else
			yc_warn("console: %s is not served (no plain file, or too large)", path);
	}
	if (dir)
		closedir(dir);
	return c;
}

enum yc_code api_static_open(struct api_static **out, const char *folder, struct yc_err *e)
{
	struct api_static *s = yc_xcalloc(1, sizeof(*s));

	*out = s;
	return yc_is_empty(folder) ? YC_OK : add_folder(s, folder, "", 0, e);
}

void api_static_close(struct api_static **sp)
{
	struct file *f, *tmp;

	if (!*sp)
		return;
	HASH_ITER(hh, (*sp)->files, f, tmp) {
		HASH_DEL((*sp)->files, f);
		yc_xfree(f->path);
		yc_xfree(f->data);
		yc_xfree(f);
	}
	yc_xfree(*sp);
	*sp = NULL;
}

/* --- serving, in the HTTP thread --------------------------------------------------------------------------------------------------------- */

static int is_ours(const char *path)
{
	static const char *const rest[] = { "/v1/", "/problems/", "/metrics", "/healthz" };

	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		if (!strncmp(path, rest[i], strlen(rest[i])))
			return 0;
	return !yc_streq(path, "/v1") && !strstr(path, "/..") && !strstr(path, "//") && !strchr(path, '\\');
}

static struct file *find(struct api_static *s, const char *path)
{
	struct file *f = NULL;

	HASH_FIND_STR(s->files, path, f);
	return f;
}

int api_static_serve(struct api_static *s, struct http_req *r)
{
	const char *last;
	struct file *f;

	if (r->uri_error || r->too_large || !yc_streq(r->method, "GET") || !is_ours(r->path))
		return 0;
	last = strrchr(r->path, '/');
	f = yc_streq(r->path, "/") ? find(s, "/index.html") : find(s, r->path);
	if (!f && !strchr(last ? last : r->path, '.'))
		f = find(s, "/index.html");      /* an address inside the console */
	if (!f)
		return 0;
	r->status = 200;
	r->fixed = f->data;
	r->n_fixed = f->n;
	http_out(r, "Content-Type", f->mime);
	http_out(r, "ETag", f->etag);
	http_out(r, "Cache-Control", !strncmp(f->path, "/assets/", 8) ? "public, max-age=31536000, immutable" : "no-cache");
	api_secure_headers(r, 1);
	if (r->h[H_IF_NONE_MATCH] && strstr(r->h[H_IF_NONE_MATCH], f->etag)) {
		r->status = 304;
		r->n_fixed = 0;
	}
	return 1;
}
