/* All SQL of acd. Rows are packed messages: nobody asks the store but the start, and a new field needs no migration. */
#include "yc/arena.h"

#include "service.h"

#define PUT(table, key) "INSERT INTO " table " (" key ", version, doc) VALUES ($1, $2, $3) " \
	"ON CONFLICT (" key ") DO UPDATE SET version = excluded.version, doc = excluded.doc " \
	"WHERE " table ".version < excluded.version OR (" table ".version = excluded.version AND " table ".doc <> excluded.doc)"
#define GET(table, key) "SELECT doc FROM " table " WHERE " key " = $1"
#define ALL(table, key) "SELECT doc FROM " table " ORDER BY " key

enum { PER_KIND = 3, DO_PUT = 0, DO_GET, DO_ALL };
#define KIND(k, table, key) [(k) * PER_KIND + DO_PUT] = PUT(table, key), [(k) * PER_KIND + DO_GET] = GET(table, key), \
	[(k) * PER_KIND + DO_ALL] = ALL(table, key)

const char *const acd_sql[] = {
	KIND(STORE_QUEUE, "acd_queue", "code"),
	KIND(STORE_SEAT, "acd_seat", "extension"),
	KIND(STORE_PERSON, "acd_person", "id"),
	KIND(STORE_EXTENSION, "acd_extension", "number"),
};
const int acd_sql_n = sizeof(acd_sql) / sizeof(acd_sql[0]);

static const ProtobufCMessageDescriptor *const types[] = {
	[STORE_QUEUE] = &pb__queue__descriptor,
	[STORE_SEAT] = &pb__seat__descriptor,
	[STORE_PERSON] = &pb__person__descriptor,
	[STORE_EXTENSION] = &pb__extension__descriptor,
};

#define DOC_MAX (64 << 10)

static int q(struct acd_service *s, enum store_kind k, int what)
{
	return yc_node_q(s->node, (int)k * PER_KIND + what);
}

enum yc_code store_put(struct acd_service *s, enum store_kind k, const char *key, int64_t version, const void *msg, int64_t *changed, struct yc_err *e)
{
	size_t n = protobuf_c_message_get_packed_size(msg);
	uint8_t *doc;
	enum yc_code c;

	if (n > DOC_MAX)
		return yc_fail(e, YC_TOO_LARGE, NULL, "\"%.60s\" has %zu bytes", key, n);
	doc = yc_xcalloc(1, n + 1);
	protobuf_c_message_pack(msg, doc);
	c = yc_db_run(yc_node_db(s->node), q(s, k, DO_PUT), changed, e, "tib", key, version, doc, n);
	yc_xfree(doc);
	return c;
}

static void *unpack(enum store_kind k, struct yc_arena *a, struct yc_stmt *st)
{
	size_t n;
	const void *doc = yc_col_blob(st, 0, &n);

	return protobuf_c_message_unpack(types[k], yc_arena_pb(a), n, doc);
}

enum yc_code store_get(struct acd_service *s, enum store_kind k, const char *key, struct yc_arena *a, void **out, struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(s->node), q(s, k, DO_GET), e, "t", key);
	int row = st ? yc_db_step(st, e) : -1;

	*out = NULL;
	if (row < 0)
		return e->code;
	if (row > 0) {
		*out = unpack(k, a, st);
		yc_db_reset(st);
	}
	return YC_OK;
}

enum yc_code store_all(struct acd_service *s, enum store_kind k, void (*each)(struct acd_service *s, const void *msg), struct yc_err *e)
{
	struct yc_stmt *st = yc_db_query(yc_node_db(s->node), q(s, k, DO_ALL), e, "");
	struct yc_arena *a = yc_arena_new(4 * DOC_MAX);
	int row = st ? 0 : -1;

	while (st && (row = yc_db_step(st, e)) > 0) {
		void *msg = unpack(k, a, st);

		if (msg)
			each(s, msg);
		yc_arena_reset(a);
	}
	yc_arena_free(&a);
	return row < 0 ? e->code : YC_OK;
}
