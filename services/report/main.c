#include "report.h"

int main(int argc, char **argv)
{
	static struct report self;

	return yc_main(argc, argv, &report_service, &self, NULL, NULL);
}
