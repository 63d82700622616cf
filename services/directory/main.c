#include "directory.h"

int main(int argc, char **argv)
{
	static struct dir self;

	return yc_main(argc, argv, &dir_service, &self, dir_opts, &self.conf);
}
