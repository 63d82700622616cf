/* Starting a thread of the media engine. */
#ifndef MEDIA_THREAD_H
#define MEDIA_THREAD_H

#include <pthread.h>

/* Named, with all signals blocked (they belong to the main thread). Ends the process when the system has no thread to give. */
void md_thread_start(pthread_t *t, const char *name, void *(*fn)(void *), void *arg);

#endif
