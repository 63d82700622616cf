#include "service.h"

int main(int argc, char **argv)
{
	static struct acd_service self;

	return yc_main(argc, argv, &acd_service, &self, acd_opts, &self.conf);
}
