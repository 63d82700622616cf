/* A cure for the stack's event loop. It takes the time to its next timer in whole milliseconds, rounded down, so in the last millisecond
 * before each timer it asks the kernel again and again with no time-out: 300 to 700 epoll_wait per call were counted, more than half of this
 * thread's time. The library is not linked -Bsymbolic, so the definition here wins over its own: it lets the library do its work and rounds
 * the sleep up, by enough that neighbouring timers fall together. SIP's timers (500 ms and more) do not notice. */
#include "sip/impl.h"

#include <dlfcn.h>


#define ROUND_MS 20

static int (*real)(su_timer_queue_t *const timers, su_duration_t *timeout, su_time_t now);
static int rounded;

void sip_timers_cure(void)
{
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "su_timer_expire");
}

int sip_timers_cured(void)
{
	return rounded;
}

int su_timer_expire(su_timer_queue_t *const timers, su_duration_t *timeout, su_time_t now)
{
	su_duration_t was = *timeout;
	int n;

	sip_timers_cure();
	n = real(timers, timeout, now);
	if (*timeout != was) {
		*timeout += ROUND_MS;
		rounded = 1;
	}
	return n;
}
