#include "media/thread.h"

#include <signal.h>
#include <stdlib.h>

#include "yc/log.h"

void md_thread_start(pthread_t *t, const char *name, void *(*fn)(void *), void *arg)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(t, NULL, fn, arg) != 0) {
		yc_error("media: the system gives no thread");
		abort();
	}
	pthread_setname_np(*t, name);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}
