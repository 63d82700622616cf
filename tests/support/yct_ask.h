/* A client of the bus for tests: one question at a time, answers in an arena. */
#ifndef YCT_ASK_H
#define YCT_ASK_H

#include <protobuf-c/protobuf-c.h>

#include "yc/arena.h"
#include "yc/bus.h"
#include "yc/v1/common.pb-c.h"

struct yct_client {
	struct yc_loop *l;
	struct yc_bus *b;
	struct yc_arena *a;
	enum yc_code code;               /* of the last answer */
	struct yc_err e;
};

void yct_client_open(struct yct_client *c, const char *endpoint);
void yct_client_close(struct yct_client *c);
/* NULL unless c->code is OK. as NULL: the test is one of our processes. */
void *yct_ask(struct yct_client *c, const char *service, const ProtobufCServiceDescriptor *api, const char *method, const void *in,
	      const Pb__Principal *as, const char *request_id);
/* One document through Node.Import; returns the change. */
Pb__ImportChange *yct_import(struct yct_client *c, const char *service, const char *kind, const char *json, int dry_run);

#endif
