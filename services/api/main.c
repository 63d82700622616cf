#include "api.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	static struct api self;
	struct yc_buf b = { 0 };

	if (argc == 2 && !strcmp(argv[1], "--openapi")) {
		api_openapi_write(&b);
		fwrite(b.p, 1, b.n, stdout);
		yc_buf_free(&b);
		return 0;
	}
	return yc_main(argc, argv, &api_service, &self, api_opts, &self.conf);
}
