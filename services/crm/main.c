#include "crm.h"

int main(int argc, char **argv)
{
	static struct crm self;

	return yc_main(argc, argv, &crm_service, &self, NULL, NULL);
}
