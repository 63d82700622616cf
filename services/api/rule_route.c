#include "rule_route.h"

#include "yc/text.h"

#include <stdio.h>
#include <string.h>

/* Does path fit the pattern? Parameters are whole, non-empty segments. */
static int fits(const char *pattern, const char *path, struct api_param *params, int *n)
{
	*n = 0;
	while (*pattern && *path) {
		size_t p = strcspn(pattern + 1, "/") + 1, s = strcspn(path + 1, "/") + 1;

		if (pattern[1] == '{') {
			struct api_param *x = &params[*n];

			if (s < 2 || s > sizeof(x->value) || *n == API_MAX_PARAMS)
				return 0;
			snprintf(x->name, sizeof(x->name), "%.*s", (int)p - 3, pattern + 2);
			snprintf(x->value, sizeof(x->value), "%.*s", (int)s - 1, path + 1);
			++*n;
		} else if (p != s || memcmp(pattern, path, p)) {
			return 0;
		}
		pattern += p;
		path += s;
	}
	return !*pattern && !*path;
}

static void allow_add(char *allow, size_t n, const char *method)
{
	size_t len = strlen(allow);

	snprintf(allow + len, n - len, "%s%s", len ? ", " : "", method);
	if (yc_streq(method, "GET")) {
		len = strlen(allow);
		snprintf(allow + len, n - len, ", HEAD");
	}
}

const struct api_route *api_route_match(const struct api_route *table, const char *method, const char *path,
					struct api_param params[API_MAX_PARAMS], int *n_params, char *allow, size_t n)
{
	allow[0] = '\0';
	for (const struct api_route *r = table; r->method; r++) {
		if (!fits(r->path, path, params, n_params))
			continue;
		if (yc_streq(r->method, method))
			return r;
		allow_add(allow, n, r->method);
	}
	*n_params = 0;
	return NULL;
}
