#include "ticket.h"

int main(int argc, char **argv)
{
	static struct ticket self;

	return yc_main(argc, argv, &ticket_service, &self, ticket_opts, &self.conf);
}
