/* The texts of all statements. */
#include "report.h"

#define MATTER "id, opened_at, closed_at, phone, title, state, order_number"
#define PAGE " AND ($2 = '' OR state = $2) AND id < $3 ORDER BY id DESC LIMIT $4"

const char *const report_sql[] = {
	[REPORT_Q_EVENT] = "INSERT INTO report_event (matter_id, id, at, type, source, contact_id, object_id, actor_id, actor_name, detail, extra, n, doc) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
	[REPORT_Q_EVENTS] = "SELECT id, at, type, source, contact_id, object_id, actor_id, actor_name, detail, extra, n, doc FROM report_event "
		"WHERE matter_id = $1 ORDER BY at, id LIMIT $2",
	[REPORT_Q_MATTER_CALL] = "INSERT INTO report_matter (id, opened_at, closed_at, state, phone, customer_id, title, order_number, holder_path, open_calls, open_orders) "
		"VALUES ($1, $2, 0, 'open', $3, '', $4, '', '', 1, 0) ON CONFLICT (id) DO UPDATE SET closed_at = 0, state = 'open', "
		"open_calls = report_matter.open_calls + 1, "
		"opened_at = CASE WHEN excluded.opened_at < report_matter.opened_at THEN excluded.opened_at ELSE report_matter.opened_at END, "
		/* whoever told first, the number is that of what came first: an order's event may overtake the call's */
		"phone = CASE WHEN excluded.phone <> '' AND (report_matter.phone = '' OR excluded.opened_at < report_matter.opened_at) "
		"THEN excluded.phone ELSE report_matter.phone END",
	[REPORT_Q_MATTER_ENDED] = "UPDATE report_matter SET customer_id = CASE WHEN $2 = '' THEN customer_id ELSE $2 END, "
		"state = CASE WHEN open_calls <= 1 AND open_orders = 0 THEN 'closed' ELSE 'open' END, "
		"closed_at = CASE WHEN open_calls <= 1 AND open_orders = 0 THEN $3 ELSE 0 END, "
		"open_calls = CASE WHEN open_calls > 0 THEN open_calls - 1 ELSE 0 END WHERE id = $1",
	[REPORT_Q_MATTER_ORDER] = "INSERT INTO report_matter (id, opened_at, closed_at, state, phone, customer_id, title, order_number, holder_path, open_calls, open_orders) "
		"VALUES ($1, $2, 0, 'open', $3, $4, $5, $6, $7, 0, 1) ON CONFLICT (id) DO UPDATE SET closed_at = 0, state = 'open', "
		"phone = CASE WHEN report_matter.phone = '' THEN excluded.phone ELSE report_matter.phone END, customer_id = excluded.customer_id, "
		"title = excluded.title, order_number = excluded.order_number, holder_path = excluded.holder_path, open_orders = report_matter.open_orders + 1",
	[REPORT_Q_MATTER_HELD] = "UPDATE report_matter SET holder_path = $2 WHERE id = $1",
	[REPORT_Q_MATTER_CLOSED] = "UPDATE report_matter SET state = CASE WHEN open_orders <= 1 AND open_calls = 0 THEN 'closed' ELSE 'open' END, "
		"closed_at = CASE WHEN open_orders <= 1 AND open_calls = 0 THEN $2 ELSE 0 END, "
		"open_orders = CASE WHEN open_orders > 0 THEN open_orders - 1 ELSE 0 END WHERE id = $1",
	[REPORT_Q_MATTER] = "SELECT id, opened_at, closed_at, phone, customer_id, state FROM report_matter WHERE id = $1",
	[REPORT_Q_LIST] = "SELECT " MATTER " FROM report_matter WHERE $1 = ''" PAGE,
	[REPORT_Q_LIST_PHONE] = "SELECT " MATTER " FROM report_matter WHERE phone = $1" PAGE,
	[REPORT_Q_LIST_NUMBER] = "SELECT " MATTER " FROM report_matter WHERE order_number <> '' AND order_number = $1" PAGE,
	[REPORT_Q_LIST_HELD] = "SELECT " MATTER " FROM report_matter WHERE holder_path <> '' AND (holder_path = $1 OR (holder_path > $1 || '/' AND holder_path < $1 || '0'))" PAGE,
	[REPORT_Q_ITEM_NEW] = "INSERT INTO report_item (id, arrived_at, queue, channel, state, accepted_at, ended_at, wait_ms, talk_ms, offers, agent_id, contact_id, matter_id, reason) "
		"VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, '', $6, $7, '') ON CONFLICT (id) DO NOTHING",
	[REPORT_Q_ITEM_ACCEPTED] = "UPDATE report_item SET state = $2, accepted_at = $3, wait_ms = $4, agent_id = $5, offers = $6 WHERE id = $1 AND accepted_at = 0",
	[REPORT_Q_ITEM_ENDED] = "UPDATE report_item SET state = $2, ended_at = $3, talk_ms = $4, reason = $5, offers = $6, "
		"wait_ms = CASE WHEN accepted_at = 0 THEN $7 ELSE wait_ms END WHERE id = $1 AND ended_at = 0",
	[REPORT_Q_ITEMS] = "SELECT arrived_at, queue, state, accepted_at, wait_ms, talk_ms FROM report_item "
		"WHERE arrived_at >= $1 AND arrived_at < $2 AND ($3 = '' OR queue = $3)",
	[REPORT_Q_CALL] = "INSERT INTO report_call (id, started_at, ended_at, called, caller, queue, agent_id, matter_id, ended_by, reason, sip_status, ivr_ms, wait_ms, talk_ms, rtp_lost) "
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (id) DO NOTHING",
	[REPORT_Q_TOTAL] = "INSERT INTO report_total (name, n) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET n = report_total.n + 1",
	[REPORT_Q_TOTALS] = "SELECT name, n FROM report_total",
	[REPORT_Q_READ] = "SELECT COALESCE(SUM(seq), 0) FROM yc_cursor",
	[REPORT_Q_WRAP_PUT] = "INSERT INTO report_wrap (agent_id, matter_id, contact_id, item_id) VALUES ($1, $2, $3, $4) ON CONFLICT (agent_id) DO UPDATE SET "
		"matter_id = excluded.matter_id, contact_id = excluded.contact_id, item_id = excluded.item_id",
	[REPORT_Q_WRAP_GET] = "SELECT matter_id, contact_id, item_id FROM report_wrap WHERE agent_id = $1",
	[REPORT_Q_NAME_PUT] = "INSERT INTO report_name (kind, id, name, name_en, path, n) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (kind, id) DO UPDATE SET "
		"name = excluded.name, name_en = excluded.name_en, path = excluded.path, n = excluded.n",
	[REPORT_Q_NAMES] = "SELECT kind, id, name, name_en, path, n FROM report_name",
};
