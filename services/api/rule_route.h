/* One table of routes gives the REST API, its description and its tests. Matching is pure. */
#ifndef API_RULE_ROUTE_H
#define API_RULE_ROUTE_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#define API_MAX_PARAMS 4

struct api_ctx;
typedef void api_special(struct api_ctx *x);

enum {
	F_OPEN = 1,              /* without a token */
	F_IDEM = 2,              /* needs Idempotency-Key */
	F_MATCH = 4,             /* needs If-Match */
	F_CREATED = 8,           /* 201 and Location */
	F_LIST = 16,             /* data, has_more, next_cursor; Link */
	F_OWN = 32,              /* about the caller himself: person_id must not be given */
	F_STREAM = 64,           /* text/event-stream */
};

struct api_route {
	const char *method, *path;               /* "/v1/orders/{id}/notes": a name in braces is a field of the input */
	const char *service;                     /* who answers */
	const ProtobufCServiceDescriptor *api;
	const char *rpc;
	const char *scope;                       /* keys need it; NULL: any token */
	uint32_t roles;                          /* people need one of them; 0: any */
	unsigned flags;
	const char *query;                       /* fields taken from the query: "limit,starting_after" */
	const char *set;                         /* a fixed field: "state=offline" */
	api_special *special;                    /* instead of rpc */
	const ProtobufCMessageDescriptor *in, *out;      /* of a special, for the description */
	const char *media;                       /* of the answer when it is not JSON */
	const char *zh, *en;
};
extern const struct api_route api_routes[];      /* ends with {0} */

struct api_param { char name[32]; char value[256]; };

/* The route, or NULL; then *allow (size n) names the methods that this path has ("" when the path is unknown). */
const struct api_route *api_route_match(const struct api_route *table, const char *method, const char *path,
					struct api_param params[API_MAX_PARAMS], int *n_params, char *allow, size_t n);

#endif
