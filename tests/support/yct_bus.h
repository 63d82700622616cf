/* More about the broker of yct.h, for the tests of the bus itself. */
#ifndef YCT_BUS_H
#define YCT_BUS_H

#include <stdint.h>

int yct_bus_pid(void);
/* Does this service answer Node.Health at this endpoint within the time? Runs a loop of its own. */
int yct_bus_answers(const char *endpoint, const char *service, int64_t within_ms);

#endif
