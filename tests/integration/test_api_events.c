/* Events and recordings through the REST interface: streams that resume, rights per event, ranges. */
#include "yct.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api_world.h"
#include "yc/text.h"

static int count(const char *text, const char *what)
{
	int n = 0;

	for (; text && (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* Makes the gateway of the test do something; an event follows. */
static void gateway(const char *what)
{
	char path[200];
	struct resp r;

	snprintf(path, sizeof(path), "/v1/calls/%s", what);
	r = http("DELETE", path, w.leader, NULL);
	if (r.status != 204)
		printf("  %s: %ld %s\n", what, r.status, r.body ? r.body : "");
	CU_ASSERT_EQUAL_FATAL(r.status, 204);
	resp_free(&r);
}

/* The id of the event whose line has this text. */
static void id_of(const char *stream, const char *text, char *out, size_t n)
{
	const char *at = strstr(stream, text), *p = NULL;

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	for (const char *q = stream; (q = strstr(q, "id: ")) && q < at; q++)
		p = q;
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	snprintf(out, n, "%.*s", (int)strcspn(p + 4, "\r\n"), p + 4);
}

/* --- streams ----------------------------------------------------------------------------------------------------------------------- */

static void a_stream_greets_and_then_brings_events_as_they_happen(void)
{
	struct sse s = sse_open(w.leader, NULL, NULL);

	CU_ASSERT(sse_has(&s, "\"type\":\"feed.hello\"", 5000));
	CU_ASSERT(sse_has(&s, "text/event-stream", 10));
	gateway("end-live1");
	CU_ASSERT(sse_has(&s, "\"key\":\"end-live1\"", 5000));
	CU_ASSERT(sse_has(&s, "\"matter_id\":\"mat_test\"", 10));
	CU_ASSERT(sse_has(&s, "\"data\":{\"call\":{\"id\":\"end-live1\"", 10));
	sse_close(&s);
}

static void a_stream_goes_on_behind_the_last_event_seen_without_loss_or_double(void)
{
	struct sse s = sse_open(w.leader, NULL, NULL);
	char id[40];

	CU_ASSERT(sse_has(&s, "feed.hello", 5000));
	gateway("end-a1");
	CU_ASSERT_FATAL(sse_has(&s, "\"key\":\"end-a1\"", 5000));
	id_of(s.text, "\"key\":\"end-a1\"", id, sizeof(id));
	sse_close(&s);
	gateway("end-a2");
	gateway("end-a3");
	s = sse_open(w.leader, NULL, id);
	CU_ASSERT(sse_has(&s, "\"key\":\"end-a3\"", 5000));
	gateway("end-a4");
	CU_ASSERT(sse_has(&s, "\"key\":\"end-a4\"", 5000));
	CU_ASSERT_EQUAL(count(s.text, "\"key\":\"end-a1\""), 0);
	CU_ASSERT_EQUAL(count(s.text, "\"key\":\"end-a2\""), 1);
	CU_ASSERT_EQUAL(count(s.text, "\"key\":\"end-a3\""), 1);
	CU_ASSERT_EQUAL(count(s.text, "\"key\":\"end-a4\""), 1);
	sse_close(&s);
}

static void a_resumed_stream_survives_a_kill_of_the_service(void)
{
	struct sse s = sse_open(w.leader, NULL, NULL);
	char id[40];

	CU_ASSERT(sse_has(&s, "feed.hello", 5000));
	gateway("end-k1");
	CU_ASSERT_FATAL(sse_has(&s, "\"key\":\"end-k1\"", 5000));
	id_of(s.text, "\"key\":\"end-k1\"", id, sizeof(id));
	gateway("end-k2");
	yct_kill(w.api, SIGKILL);
	CU_ASSERT(sse_ends(&s, 5000));
	sse_close(&s);
	w.api = world_api((const char *[]){ "--rate", "0", "--address-rate", "0", "--stream-stall-ms", "1s", "--stream-comment-ms", "1s", NULL }, 1, &w.port);
	s = sse_open(w.leader, NULL, id);
	CU_ASSERT(sse_has(&s, "\"key\":\"end-k2\"", 10000));
	gateway("end-k3");
	CU_ASSERT(sse_has(&s, "\"key\":\"end-k3\"", 5000));
	CU_ASSERT_EQUAL(count(s.text, "\"key\":\"end-k1\""), 0);
	CU_ASSERT_EQUAL(count(s.text, "\"key\":\"end-k2\""), 1);
	sse_close(&s);
}

static void a_thousand_missed_events_come_in_order_and_once(void)
{
	struct sse s = sse_open(w.leader, "?types=call", NULL);
	char id[40], key[40];
	const char *p;

	CU_ASSERT(sse_has(&s, "feed.hello", 5000));
	gateway("end-b0");
	CU_ASSERT_FATAL(sse_has(&s, "\"key\":\"end-b0\"", 5000));
	id_of(s.text, "\"key\":\"end-b0\"", id, sizeof(id));
	sse_close(&s);
	gateway("bulk-1000");
	s = sse_open(w.leader, "?types=call", id);
	CU_ASSERT(sse_has(&s, "\"key\":\"bulk-1000\"", 15000));
	p = s.text;
	for (int i = 1; i <= 1000 && p; i++) {
		snprintf(key, sizeof(key), "\"key\":\"bulk-%d\"", i);
		p = strstr(p, key);
	}
	CU_ASSERT_PTR_NOT_NULL(p);
	CU_ASSERT_EQUAL(count(s.text, "\"key\":\"bulk-"), 1000);
	sse_close(&s);
}

static int is_dropped(void *arg)
{
	struct resp r = http("GET", "/metrics", NULL, NULL);
	const char *p = r.body ? strstr(r.body, "yc_http_stream_dropped_total{") : NULL;
	int n = p ? (int)strtol(strchr(p, '}') + 1, NULL, 10) : 0;

	resp_free(&r);
	return n > 0;
}

static void a_client_that_does_not_read_is_let_go_and_the_others_go_on(void)
{
	struct sse slow = sse_open(w.leader, NULL, NULL), watch = sse_open(w.leader, "?types=call.ended", NULL);

	CU_ASSERT(sse_has(&slow, "feed.hello", 5000) && sse_has(&watch, "feed.hello", 5000));
	for (int i = 0; i < 30; i++)             /* far more than 256 events and a socket's buffers hold */
		gateway("bulk-2000");
	CU_ASSERT(yct_until(20000, is_dropped, NULL));
	CU_ASSERT(sse_ends(&slow, 10000));
	gateway("end-after");
	CU_ASSERT(sse_has(&watch, "\"key\":\"end-after\"", 20000));
	sse_close(&slow);
	sse_close(&watch);
}

static void rights_are_looked_at_for_each_event(void)
{
	struct sse agent = sse_open(w.agent, NULL, NULL), handler = sse_open(w.handler, NULL, NULL);
	char mine[120];
	struct resp r;

	CU_ASSERT(sse_has(&agent, "feed.hello", 5000) && sse_has(&handler, "feed.hello", 5000));
	gateway("end-r1");
	CU_ASSERT(sse_has(&agent, "\"key\":\"end-r1\"", 5000));
	CU_ASSERT_PTR_NOT_NULL(strstr(agent.text, "138****1234"));
	CU_ASSERT_PTR_NULL(strstr(agent.text, "13888881234"));
	snprintf(mine, sizeof(mine), "mine-%s", w.agent_id);
	gateway(mine);
	CU_ASSERT(sse_has(&agent, "+8613888881234", 5000));      /* his own caller */
	r = http("POST", "/v1/orders", w.agent, "{\"customer_phone\":\"13888881234\",\"service\":\"trace\",\"subject\":\"查询\"}");
	CU_ASSERT_EQUAL(r.status, 201);
	resp_free(&r);
	CU_ASSERT(sse_has(&agent, "\"type\":\"order.created\"", 5000));
	CU_ASSERT_PTR_NULL(strstr(handler.text, "call.ended"));
	sse_close(&agent);
	sse_close(&handler);
}

static void credentials_never_reach_a_stream(void)
{
	struct sse s = sse_open(w.admin, NULL, NULL);
	Pb__ImportChange *x;

	CU_ASSERT(sse_has(&s, "feed.hello", 5000));
	x = yct_import(&w.c, "directory", "extension", "{\"number\":\"8901\",\"password\":\"phone-8901\"}", 0);
	CU_ASSERT_NOT_EQUAL(x->action, PB__IMPORT_ACTION__IMPORT_ACTION_ERROR);
	x = yct_import(&w.c, "directory", "skill", "{\"code\":\"dai\",\"name\":\"傣语\"}", 0);
	CU_ASSERT_NOT_EQUAL(x->action, PB__IMPORT_ACTION__IMPORT_ACTION_ERROR);
	CU_ASSERT(sse_has(&s, "\"type\":\"skill.changed\"", 5000));      /* came after it */
	CU_ASSERT_PTR_NULL(strstr(s.text, "extension"));
	CU_ASSERT_PTR_NULL(strstr(s.text, "ha1"));
	sse_close(&s);
}

static void a_silent_stream_is_kept_alive_by_comments(void)
{
	struct sse s = sse_open(w.leader, "?types=nothing", NULL);

	CU_ASSERT(sse_has(&s, "feed.hello", 5000));
	CU_ASSERT(sse_has(&s, "\n: .\n\n", 5000));
	sse_close(&s);
}

static void a_stream_ends_with_its_session(void)
{
	char *token = world_login("zhangwei");
	struct sse s = sse_open(token, NULL, NULL);
	struct resp r;

	CU_ASSERT(sse_has(&s, "feed.hello", 5000));
	r = http("DELETE", "/v1/sessions/current", token, NULL);
	CU_ASSERT_EQUAL(r.status, 204);
	resp_free(&r);
	CU_ASSERT(sse_ends(&s, 5000));
	sse_close(&s);
	free(token);
}

static void a_cursor_that_is_gone_or_nonsense_is_told(void)
{
	struct sse s = sse_open(w.leader, NULL, "99999999999");
	struct resp r;

	CU_ASSERT(sse_has(&s, "\"type\":\"feed.reset\"", 5000));
	sse_close(&s);
	r = http_h("GET", "/v1/stream", w.leader, NULL, (const char *[]){ "Last-Event-ID: x", NULL });
	is_problem(&r, 400, "malformed", "#/Last-Event-ID");
	r = http("GET", "/v1/stream", NULL, NULL);
	is_problem(&r, 401, "unauthenticated", "");
}

static void events_can_be_pulled_by_cursor_too(void)
{
	struct resp r;
	char path[200], cursor[40] = "0";
	int n = 0, pages = 0, more = 1;

	gateway("end-p1");
	gateway("end-p2");
	while (more && pages++ < 2000) {
		snprintf(path, sizeof(path), "/v1/events?after=%s&limit=100&types=call.ended", cursor);
		r = http("GET", path, w.leader, NULL);
		CU_ASSERT_EQUAL_FATAL(r.status, 200);
		n += count(r.body, "\"key\":\"end-p1\"") + 10 * count(r.body, "\"key\":\"end-p2\"");
		snprintf(cursor, sizeof(cursor), "%s", resp_str(&r, "next_cursor"));
		more = json_is_true(json_object_get(r.json, "has_more")) || n < 11;     /* the last ones may still be on their way */
		resp_free(&r);
	}
	CU_ASSERT_EQUAL(n, 11);
	r = http("GET", "/v1/events?after=x", w.leader, NULL);
	is_problem(&r, 422, "invalid", "#/query/after");
}

/* --- recordings -------------------------------------------------------------------------------------------------------------------- */

static char recording[64];

static void make_recording(void)
{
	struct sse s = sse_open(w.leader, "?types=recording", NULL);
	char what[120];
	const char *p;

	if (*recording) {
		sse_close(&s);
		return;
	}
	CU_ASSERT(sse_has(&s, "feed.hello", 5000));
	snprintf(what, sizeof(what), "record-%s", w.agent_id);
	gateway(what);
	CU_ASSERT_FATAL(sse_has(&s, "\"blob_id\":\"", 5000));
	p = strstr(s.text, "\"blob_id\":\"") + 11;
	snprintf(recording, sizeof(recording), "/v1/recordings/%.*s", (int)strcspn(p, "\""), p);
	sse_close(&s);
}

static int is_sound(const struct resp *r, size_t from, size_t n)
{
	if (r->n_body != n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (r->body[i] != REC_BYTE(from + i))
			return 0;
	return 1;
}

static void a_recording_comes_whole_or_by_range(void)
{
	struct resp r;
	char want[64];

	make_recording();
	r = http("GET", recording, w.leader, NULL);
	CU_ASSERT_EQUAL_FATAL(r.status, 200);
	YCT_STR(resp_header(&r, "Content-Type"), "audio/wav");
	CU_ASSERT(is_sound(&r, 0, REC_SIZE));
	resp_free(&r);
	r = http_h("GET", recording, w.leader, NULL, (const char *[]){ "Range: bytes=300000-599999", NULL });
	CU_ASSERT_EQUAL(r.status, 206);
	snprintf(want, sizeof(want), "bytes 300000-599999/%d", REC_SIZE);
	YCT_STR(resp_header(&r, "Content-Range"), want);
	CU_ASSERT(is_sound(&r, 300000, 300000));
	resp_free(&r);
	r = http_h("GET", recording, w.leader, NULL, (const char *[]){ "Range: bytes=-10", NULL });
	CU_ASSERT_EQUAL(r.status, 206);
	CU_ASSERT(is_sound(&r, REC_SIZE - 10, 10));
	resp_free(&r);
	r = http_h("GET", recording, w.leader, NULL, (const char *[]){ "Range: bytes=5-5", NULL });
	CU_ASSERT(is_sound(&r, 5, 1));
	resp_free(&r);
	r = http_h("GET", recording, w.leader, NULL, (const char *[]){ "Range: bytes=600000-", NULL });
	snprintf(want, sizeof(want), "bytes */%d", REC_SIZE);
	YCT_STR(resp_header(&r, "Content-Range"), want);
	is_problem(&r, 416, "range_not_satisfiable", "#/Range");
	r = http("HEAD", recording, w.leader, NULL);
	snprintf(want, sizeof(want), "%d", REC_SIZE);
	YCT_STR(resp_header(&r, "Content-Length"), want);
	resp_free(&r);
}

static void a_recording_is_for_its_agent_and_for_those_who_lead(void)
{
	struct resp r;
	char *other;

	make_recording();
	r = http("GET", recording, w.agent, NULL);
	CU_ASSERT_EQUAL(r.status, 200);
	resp_free(&r);
	r = http("GET", recording, w.handler, NULL);
	is_problem(&r, 403, "forbidden", "");
	CU_ASSERT_NOT_EQUAL(yct_import(&w.c, "directory", "person", "{\"staff_no\":\"1002\",\"login\":\"liqiang\",\"name\":\"李强\",\"org\":\"centre\","
				       "\"roles\":[\"agent\"],\"password\":\"password-1002\"}", 0)->action, PB__IMPORT_ACTION__IMPORT_ACTION_ERROR);
	r = http("POST", "/v1/sessions", NULL, "{\"login\":\"liqiang\",\"password\":\"password-1002\"}");
	other = strdup(resp_str(&r, "token"));
	resp_free(&r);
	r = http("GET", recording, other, NULL);
	is_problem(&r, 404, "not_found", "");
	r = http("GET", "/v1/recordings/blb_01ARZ3NDEKTSV4RRFFQ69G5FAV", w.leader, NULL);
	is_problem(&r, 404, "not_found", "#/id");
	free(other);
}

static int is_audited(void *arg)
{
	struct resp r = http("GET", "/v1/audit?q=recording.read&limit=100", w.auditor, NULL);
	int ok = r.body && strstr(r.body, "赵班长") && strstr(r.body, strrchr(recording, '/') + 1);

	resp_free(&r);
	return ok;
}

static void each_reading_of_a_recording_is_audited(void)
{
	struct resp r;

	make_recording();
	r = http("GET", recording, w.leader, NULL);
	CU_ASSERT_EQUAL(r.status, 200);
	resp_free(&r);
	CU_ASSERT(yct_until(10000, is_audited, NULL));
	r = http("GET", "/v1/audit/verify", w.auditor, NULL);
	YCT_STR(resp_str(&r, "code"), "ok");
	resp_free(&r);
}

static void a_recording_whose_gateway_is_down_is_503(void)
{
	struct resp r;

	make_recording();
	yct_kill(w.gateway, SIGKILL);
	r = http("GET", recording, w.leader, NULL);
	is_problem(&r, 503, r.status == 503 && strstr(r.body, "instance_lost") ? "instance_lost" : "unavailable", "");
}

YCT_MAIN_WITH("api_events", world_open, NULL, T(a_stream_greets_and_then_brings_events_as_they_happen),
	      T(a_stream_goes_on_behind_the_last_event_seen_without_loss_or_double), T(a_resumed_stream_survives_a_kill_of_the_service),
	      T(a_thousand_missed_events_come_in_order_and_once), T(rights_are_looked_at_for_each_event), T(credentials_never_reach_a_stream),
	      T(a_silent_stream_is_kept_alive_by_comments), T(a_stream_ends_with_its_session), T(a_cursor_that_is_gone_or_nonsense_is_told), T(events_can_be_pulled_by_cursor_too),
	      T(a_client_that_does_not_read_is_let_go_and_the_others_go_on), T(a_recording_comes_whole_or_by_range), T(a_recording_is_for_its_agent_and_for_those_who_lead),
	      T(each_reading_of_a_recording_is_audited), T(a_recording_whose_gateway_is_down_is_503))
