/* yc-gateway: calls, registrations, IVR, recordings. */
#include "gateway.h"

int main(int argc, char **argv)
{
	return yc_main(argc, argv, &gateway_service, &gateway_self, gateway_opts, &gateway_self.conf);
}
