/* Every address of the REST interface. A row here is the route, its rights, its line in /v1/openapi.json and its test. */
#include "api.h"

#define R(r) YC_ROLE(r)
#define CHIEFS (R(ADMIN) | R(SUPERVISOR) | R(LEADER) | R(DISPATCHER))
#define DESK (CHIEFS | R(AGENT))
#define STAFF (DESK | R(HANDLER) | R(BRANCH_ADMIN))
#define READERS (STAFF | R(AUDITOR) | R(INTEGRATOR))
#define ADMINS (R(ADMIN) | R(BRANCH_ADMIN))

#define PAGE "limit,starting_after"
#define SEARCH PAGE ",q"

#define DIR "directory", &pb__directory__descriptor
#define ACD "acd", &pb__acd__descriptor
#define GW "gateway", &pb__gateway__descriptor
#define TKT "ticket", &pb__ticket__descriptor
#define CRM "crm", &pb__crm__descriptor
#define REP "report", &pb__report__descriptor

/* method, path, service and descriptor, rpc, scope, roles, flags, query, zh, en */
#define RPC(m, p, s, rpc, scope, roles, flags, query, zh, en) { m, p, s, rpc, scope, roles, flags, query, NULL, NULL, NULL, NULL, NULL, zh, en }
#define RPC_SET(m, p, s, rpc, scope, roles, flags, set, zh, en) { m, p, s, rpc, scope, roles, flags, NULL, set, NULL, NULL, NULL, NULL, zh, en }
/* method, path, handler, scope, roles, flags, query, input, output, media, zh, en */
#define OWN(m, p, fn, scope, roles, flags, query, in, out, media, zh, en) \
	{ m, p, NULL, NULL, NULL, scope, roles, flags, query, NULL, fn, in, out, media, zh, en }

const struct api_route api_routes[] = {
	/* --- session */
	OWN("POST", "/v1/sessions", api_on_login, NULL, 0, F_OPEN | F_CREATED, NULL, &pb__login_req__descriptor, &pb__session__descriptor, NULL,
	    "登录：返回会话并设置 Cookie；浏览器看不到 token", "Sign in: gives a session and sets the cookie; a browser does not see the token"),
	OWN("DELETE", "/v1/sessions/current", api_on_logout, NULL, 0, 0, NULL, NULL, NULL, NULL, "退出登录", "Sign out"),
	OWN("GET", "/v1/me", api_on_me, NULL, 0, 0, NULL, NULL, &pb__token_reply__descriptor, NULL, "当前身份与 CSRF 令牌", "Who I am, with the CSRF token"),

	/* --- the agent's own desk */
	RPC("PUT", "/v1/agent/session", ACD, "SessionPut", "agents:control", R(AGENT) | R(LEADER), F_OWN, NULL, "签入座席", "Take a seat"),
	RPC_SET("DELETE", "/v1/agent/session", ACD, "StatePut", "agents:control", R(AGENT) | R(LEADER), F_OWN, "state=offline", "签出座席", "Leave the seat"),
	RPC("POST", "/v1/agent/session/renew", ACD, "SessionRenew", "agents:control", R(AGENT) | R(LEADER), F_OWN, NULL,
	    "续租座席（每 10 秒）", "Keep the seat (every 10 s)"),
	RPC("PUT", "/v1/agent/state", ACD, "StatePut", "agents:control", R(AGENT) | R(LEADER), F_OWN, NULL, "就绪、小休或离席", "Ready, break or offline"),
	RPC("GET", "/v1/agent", ACD, "AgentGet", "agents:read", R(AGENT) | R(LEADER), F_OWN, NULL, "我的状态与当前联络", "My state and present contact"),
	RPC("POST", "/v1/agent/offers/{id}/accept", ACD, "Accept", "agents:control", R(AGENT) | R(LEADER), F_OWN, NULL, "接受派给我的联络", "Accept the offer"),
	RPC("POST", "/v1/agent/offers/{id}/reject", ACD, "Reject", "agents:control", R(AGENT) | R(LEADER), F_OWN, NULL, "拒绝派给我的联络", "Reject the offer"),
	RPC("POST", "/v1/agent/wrapup", ACD, "WrapUp", "agents:control", R(AGENT) | R(LEADER), F_OWN, NULL, "结束话后处理", "End the wrap-up"),

	/* --- agents and queues */
	RPC("GET", "/v1/agents", ACD, "AgentList", "agents:read", DESK | R(AUDITOR) | R(INTEGRATOR) | R(BRANCH_ADMIN), F_LIST, SEARCH ",org,status",
	    "座席及其状态、原因、时长", "Agents with state, reason and age"),
	RPC("GET", "/v1/agents/{person_id}", ACD, "AgentGet", "agents:read", DESK | R(INTEGRATOR) | R(BRANCH_ADMIN), 0, NULL, "一名座席", "One agent"),
	RPC("PUT", "/v1/agents/{person_id}/state", ACD, "StatePut", "agents:control", R(LEADER) | R(SUPERVISOR) | R(ADMIN), F_MATCH, NULL,
	    "班长改变座席状态", "A leader changes an agent's state"),
	RPC("GET", "/v1/queues", ACD, "QueueList", "queues:read", DESK | R(AUDITOR) | R(INTEGRATOR) | R(BRANCH_ADMIN), F_LIST, SEARCH, "排队队列", "Queues"),
	RPC("GET", "/v1/queues/live", ACD, "Live", "queues:read", DESK | R(AUDITOR) | R(INTEGRATOR) | R(BRANCH_ADMIN), 0, NULL,
	    "队列实况", "What waits and who is there, now"),

	/* --- calls */
	RPC("GET", "/v1/calls", GW, "CallList", "calls:read", DESK | R(AUDITOR) | R(INTEGRATOR), F_LIST, SEARCH, "进行中的通话", "Calls in progress"),
	RPC("GET", "/v1/calls/{id}", GW, "CallGet", "calls:read", DESK | R(AUDITOR) | R(INTEGRATOR), 0, NULL, "一个通话", "One call"),
	RPC("DELETE", "/v1/calls/{id}", GW, "Hangup", "calls:control", R(LEADER) | R(SUPERVISOR) | R(ADMIN) | R(INTEGRATOR), 0, NULL, "挂断", "Hang up"),
	RPC("GET", "/v1/registrations", GW, "RegistrationList", "calls:read", CHIEFS, F_LIST, SEARCH, "已注册话机", "Registered phones"),
	OWN("GET", "/v1/recordings/{id}", api_on_recording, "recordings:read", DESK | R(AUDITOR), 0, NULL, NULL, NULL, "audio/wav",
	    "录音内容（支持 Range；每次读取记入审计）", "A recording's sound (ranges; each read is audited)"),

	/* --- orders */
	RPC("POST", "/v1/orders", TKT, "Create", "orders:write", DESK | R(BRANCH_ADMIN) | R(INTEGRATOR), F_IDEM | F_CREATED, NULL, "建立工单", "Create an order"),
	RPC("GET", "/v1/orders", TKT, "List", "orders:read", READERS, F_LIST, SEARCH ",state,handler_org,owner_id,matter_id,customer_id", "工单列表", "Orders"),
	RPC("GET", "/v1/orders/{id}", TKT, "Get", "orders:read", READERS, 0, NULL, "工单（编号或 id）及记录、环节", "An order by id or number, with entries and steps"),
	RPC("GET", "/v1/orders/{id}/entries", TKT, "EntryList", "orders:read", READERS, 0, "public_only", "工单记录", "Its entries"),
	RPC("GET", "/v1/orders/{id}/due", TKT, "Due", "orders:read", READERS, 0, NULL, "时限如何算出", "How its due date comes about"),
	RPC("POST", "/v1/orders/{id}/notes", TKT, "Note", "orders:write", STAFF | R(INTEGRATOR), F_IDEM, NULL, "追加记录", "Add a note"),
	RPC("POST", "/v1/orders/{id}/take", TKT, "Take", "orders:write", STAFF | R(INTEGRATOR), F_IDEM, NULL, "接单", "Take it"),
	RPC("POST", "/v1/orders/{id}/step", TKT, "Step", "orders:write", STAFF | R(INTEGRATOR), F_IDEM, NULL, "办结或退回本环节", "Finish or return the step"),
	RPC("POST", "/v1/orders/{id}/answer", TKT, "Answer", "orders:write", STAFF, F_IDEM, NULL, "记录对客户的答复", "Record the answer to the customer"),
	RPC("POST", "/v1/orders/{id}/close", TKT, "Close", "orders:write", STAFF, F_IDEM, NULL, "办结工单", "Close it"),
	RPC("POST", "/v1/orders/{id}/hand-over", TKT, "HandOver", "orders:write", STAFF, F_IDEM, NULL, "移交首问责任", "Hand over the first-asked duty"),
	RPC("GET", "/v1/services", TKT, "ServiceList", "orders:read", READERS, F_LIST, SEARCH, "服务目录", "The catalogue of services"),
	RPC("GET", "/v1/processes", TKT, "ProcessList", "orders:read", READERS, F_LIST, SEARCH, "流程", "Processes"),

	/* --- customers, matters, reports */
	RPC("GET", "/v1/customers", CRM, "List", "customers:read", READERS & ~R(HANDLER), F_LIST, SEARCH, "客户", "Customers"),
	RPC("GET", "/v1/customers/{id}", CRM, "Get", "customers:read", READERS, 0, NULL, "一名客户", "One customer"),
	RPC("PATCH", "/v1/customers/{id}", CRM, "Put", "customers:write", DESK | R(INTEGRATOR), F_MATCH, NULL, "修改客户资料", "Change a customer"),
	RPC("GET", "/v1/customers/{id}/timeline", CRM, "TimelineList", "customers:read", READERS, F_LIST, PAGE, "客户接触时间线", "The customer's timeline"),
	RPC("GET", "/v1/matters", REP, "MatterList", "matters:read", READERS, F_LIST, SEARCH ",org,status", "事项列表", "Matters"),
	RPC("GET", "/v1/matters/{id}", REP, "MatterGet", "matters:read", READERS, 0, NULL, "一件事项的全程", "The whole way of one matter"),
	RPC("GET", "/v1/reports/today", REP, "Today", "reports:read", DESK | R(AUDITOR) | R(INTEGRATOR) | R(BRANCH_ADMIN), 0, "queue,date,interval_ms",
	    "当日分时段报表", "Today by intervals"),
	RPC("GET", "/v1/reports/count", REP, "Count", "reports:read", R(ADMIN) | R(AUDITOR) | R(LEADER) | R(SUPERVISOR), 0, NULL,
	    "对账用总数", "Totals, for reconciliation"),

	/* --- directory */
	RPC("GET", "/v1/orgs", DIR, "OrgList", "directory:read", READERS, F_LIST, SEARCH, "组织", "Organisations"),
	RPC("GET", "/v1/people", DIR, "PersonList", "directory:read", READERS, F_LIST, SEARCH ",org,status", "人员", "People"),
	RPC("POST", "/v1/people", DIR, "PersonPut", "directory:write", ADMINS, F_IDEM | F_CREATED, NULL, "新增人员", "Add a person"),
	RPC("GET", "/v1/people/{id}", DIR, "PersonGet", "directory:read", READERS, 0, NULL, "一名人员（id 或工号）", "A person by id or staff number"),
	RPC("PUT", "/v1/people/{id}", DIR, "PersonPut", "directory:write", ADMINS, F_MATCH, NULL, "整体替换人员资料", "Replace a person as a whole"),
	RPC("PATCH", "/v1/people/{id}", DIR, "PersonPut", "directory:write", ADMINS, F_MATCH, NULL, "修改人员的部分资料", "Change parts of a person"),
	RPC("PUT", "/v1/people/{person_id}/skills/{skill}", DIR, "GrantSkill", "directory:write", ADMINS | R(LEADER), F_MATCH, NULL,
	    "授予技能（0 级为取消）", "Grant a skill (level 0 takes it away)"),
	RPC("GET", "/v1/skills", DIR, "SkillList", "directory:read", READERS, F_LIST, SEARCH, "技能", "Skills"),
	RPC("GET", "/v1/extensions", DIR, "ExtensionList", "directory:read", ADMINS | R(LEADER), F_LIST, SEARCH, "分机", "Extensions"),
	RPC("GET", "/v1/calendars", DIR, "CalendarList", "directory:read", READERS, F_LIST, PAGE, "工作日历", "Calendars"),
	RPC("GET", "/v1/calendars/{id}", DIR, "CalendarGet", "directory:read", READERS, 0, NULL, "一份日历", "One calendar"),
	RPC("GET", "/v1/api-keys", DIR, "ApiKeyList", "keys:read", R(ADMIN) | R(AUDITOR), F_LIST, SEARCH, "API 密钥", "API keys"),
	RPC("POST", "/v1/api-keys", DIR, "ApiKeyCreate", "keys:write", R(ADMIN), F_IDEM | F_CREATED, NULL, "新建密钥：明文只出现这一次", "Create a key: shown only this once"),
	RPC("DELETE", "/v1/api-keys/{id}", DIR, "ApiKeyRevoke", "keys:write", R(ADMIN), 0, NULL, "吊销密钥", "Revoke a key"),
	RPC("GET", "/v1/audit", DIR, "AuditList", "audit:read", R(ADMIN) | R(AUDITOR), F_LIST, SEARCH, "审计日志（新在前）", "The audit log, newest first"),
	RPC("GET", "/v1/audit/verify", DIR, "AuditVerify", "audit:read", R(ADMIN) | R(AUDITOR), 0, NULL, "校验审计日志的哈希链", "Walk the audit log's hash chain"),

	/* --- events */
	OWN("GET", "/v1/stream", api_on_stream, "events:read", READERS, F_STREAM, "types,matter_id", NULL, NULL, "text/event-stream",
	    "事件推送（SSE，支持 Last-Event-ID）", "Events as they happen (SSE, resumes by Last-Event-ID)"),
	OWN("GET", "/v1/events", api_on_events, "events:read", READERS, 0, "after,limit,types,matter_id", NULL, NULL, "application/json",
	    "按游标拉取事件", "Events by cursor"),

	/* --- the service itself */
	OWN("GET", "/v1/openapi.json", api_on_openapi, NULL, 0, F_OPEN, NULL, NULL, NULL, "application/json", "本接口的 OpenAPI 3.1 描述", "This description"),
	OWN("GET", "/problems/{slug}", api_on_problem_type, NULL, 0, F_OPEN, NULL, NULL, NULL, "application/json", "错误类型说明", "What a problem type means"),
	OWN("GET", "/metrics", api_on_metrics, "metrics:read", 0, F_OPEN, "all", NULL, NULL, "text/plain", "指标（all=1：全部服务）", "Metrics (all=1: of every service)"),
	OWN("GET", "/healthz", api_on_health, NULL, 0, F_OPEN, "all", NULL, NULL, "application/json", "健康状态", "Health"),
	{ 0 }
};
