#include "api_world.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "yct.h"
#include "yct_bus.h"
#include "yc/clock.h"
#include "yc/json.h"
#include "yc/text.h"
#include "yc/v1/directory.pb-c.h"

#define SITE "yw"

struct api_world w;

/* --- the world ----------------------------------------------------------------------------------------------------------------- */

static int free_port(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) || getsockname(fd, (struct sockaddr *)&sa, &n))
		perror("port");
	close(fd);
	return ntohs(sa.sin_port);
}

static int spawn(const char *name, int instance, const char *const *args)
{
	char bus[300], home[320], nr[32];
	const char *env[] = { bus, home, nr, "YC_SITE=" SITE, getenv("YC_LEVEL") ? "YC_X=" : "YC_LEVEL=error", NULL };

	snprintf(bus, sizeof(bus), "YC_BUS=%s", yct_bus());
	snprintf(home, sizeof(home), "YC_HOME=%s", w.home);
	snprintf(nr, sizeof(nr), "YC_INSTANCE=%d", instance);
	return yct_spawn(name, args, env);
}

static void put_file(const char *name, const char *text)
{
	char path[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/console/%s", w.home, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void console(void)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/console", w.home);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/console/assets", w.home);
	mkdir(path, 0755);
	put_file("index.html", "<!doctype html><title>一窗</title><script type=module src=/assets/app-1.js></script>");
	put_file("assets/app-1.js", "export const x = 1\n");
	put_file("favicon.svg", "<svg/>");
	put_file(".secret", "no");
}

static int answers(void *arg)
{
	struct resp r = http_full(*(int *)arg, "GET", "/healthz", NULL, NULL, NULL, 0);
	int ok = r.status == 200;

	resp_free(&r);
	return ok;
}

int world_api(const char *const *args, int instance, int *port)
{
	char listen[64], folder[400];
	const char *argv[32] = { "--listen", listen, "--console", folder };
	int pid, n = 4;

	*port = free_port();
	snprintf(listen, sizeof(listen), "127.0.0.1:%d", *port);
	snprintf(folder, sizeof(folder), "%s/console", w.home);
	for (int i = 0; args && args[i]; i++)
		argv[n++] = args[i];
	pid = spawn("yc-api", instance, argv);
	CU_ASSERT_FATAL(yct_until(20000, answers, port));
	return pid;
}

static void load(const char *service, const char *kind, const char *json)
{
	Pb__ImportChange *x = yct_import(&w.c, service, kind, json, 0);

	if (x->action == PB__IMPORT_ACTION__IMPORT_ACTION_ERROR)
		printf("  %s: %s: %s\n", json, x->field, x->message);
	CU_ASSERT_NOT_EQUAL_FATAL(x->action, PB__IMPORT_ACTION__IMPORT_ACTION_ERROR);
}

#define PERSON(no, login, name, org, role) "{\"staff_no\":\"" no "\",\"login\":\"" login "\",\"name\":\"" name "\",\"org\":\"" org \
	"\",\"roles\":[\"" role "\"],\"password\":\"password-" no "\"}"
#define DAY(d) "{\"day\":\"" d "\",\"spans\":[{\"open\":\"00:00\",\"close\":\"24:00\"}]}"

static void people(void)
{
	load("directory", "org", "{\"code\":\"yn\",\"name\":\"云南省\",\"type\":\"province\"}");
	load("directory", "org", "{\"code\":\"centre\",\"parent\":\"yn\",\"name\":\"客服中心\",\"type\":\"department\"}");
	load("directory", "org", "{\"code\":\"km\",\"parent\":\"yn\",\"name\":\"昆明\",\"type\":\"branch\"}");
	load("directory", "person", PERSON("9001", "admin", "管理员", "yn", "admin"));
	load("directory", "person", PERSON("3001", "banzhang", "赵班长", "centre", "leader"));
	load("directory", "person", PERSON("1001", "zhangwei", "张伟", "centre", "agent"));
	load("directory", "person", PERSON("2001", "wangfang", "王芳", "km", "handler"));
	load("directory", "person", PERSON("9003", "shenji", "吴平", "yn", "auditor"));
	load("directory", "calendar", "{\"code\":\"all\",\"name\":\"全天\",\"utc_offset\":\"+08:00\",\"first_year\":2020,\"last_year\":2040,\"week\":["
	     DAY("mon") "," DAY("tue") "," DAY("wed") "," DAY("thu") "," DAY("fri") "," DAY("sat") "," DAY("sun") "]}");
}

static int takes(void *arg)
{
	Pb__ImportChange *x = yct_import(&w.c, "ticket", "service", arg, 0);

	return x->action != PB__IMPORT_ACTION__IMPORT_ACTION_ERROR;
}

static void catalogue(void)
{
	load("ticket", "process", "{\"code\":\"query\",\"version_no\":1,\"name\":\"查询\",\"steps\":["
	     "{\"code\":\"accept\",\"name\":\"受理\",\"holder\":\"owner\",\"target\":\"1h\"},"
	     "{\"code\":\"handle\",\"name\":\"办理\",\"holder\":\"department\",\"target\":\"8h\"},"
	     "{\"code\":\"answer\",\"name\":\"答复\",\"holder\":\"owner\",\"target\":\"2h\"}]}");
	/* it refers to what directory tells by event */
	CU_ASSERT_FATAL(yct_until(10000, takes, "{\"code\":\"trace\",\"name\":\"邮件查询\",\"process\":\"query\",\"department\":\"km\",\"calendar\":\"all\","
				  "\"target\":\"24h\"}"));
}

static void person_id(const char *staff_no, char *out)
{
	Pb__KeyReq in = PB__KEY_REQ__INIT;
	Pb__Person *p;

	in.id = (char *)staff_no;
	p = yct_ask(&w.c, "directory", &pb__directory__descriptor, "PersonGet", &in, NULL, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	yc_copy(out, 64, p->id);
}

void world_open(void)
{
	if (w.port)
		return;
	curl_global_init(CURL_GLOBAL_DEFAULT);
	snprintf(w.home, sizeof(w.home), "%s/home", yct_dir());
	mkdir(w.home, 0755);
	console();
	w.gateway = world_gateway(yct_bus(), w.home, SITE);
	w.directory = spawn("yc-directory", 1, NULL);
	w.ticket = spawn("yc-ticket", 1, NULL);
	CU_ASSERT_FATAL(yct_bus_answers(yct_bus(), "directory", 20000) && yct_bus_answers(yct_bus(), "ticket", 20000) &&
			yct_bus_answers(yct_bus(), "gateway", 20000));
	yct_client_open(&w.c, yct_bus());
	people();
	catalogue();
	w.api = world_api((const char *[]){ "--rate", "0", "--address-rate", "0", "--stream-stall-ms", "1s", "--stream-comment-ms", "1s", NULL }, 1, &w.port);
	w.admin = world_login("admin");
	w.leader = world_login("banzhang");
	w.agent = world_login("zhangwei");
	w.handler = world_login("wangfang");
	w.auditor = world_login("shenji");
	person_id("1001", w.agent_id);
	person_id("3001", w.leader_id);
}

char *world_login(const char *login)
{
	static const char *const nos[][2] = { { "admin", "9001" }, { "banzhang", "3001" }, { "zhangwei", "1001" }, { "wangfang", "2001" }, { "shenji", "9003" } };
	const char *no = "";
	char body[200], *token;
	struct resp r;

	for (int i = 0; i < 5; i++)
		if (!strcmp(nos[i][0], login))
			no = nos[i][1];
	snprintf(body, sizeof(body), "{\"login\":\"%s\",\"password\":\"password-%s\"}", login, no);
	r = http("POST", "/v1/sessions", NULL, body);
	if (r.status != 201)
		printf("  %s: %ld %s\n", login, r.status, r.body);
	CU_ASSERT_EQUAL_FATAL(r.status, 201);
	token = strdup(resp_str(&r, "token"));
	resp_free(&r);
	return token;
}

char *world_key(const char *scopes_json, const char *role)
{
	char body[400], at[YC_RFC3339_LEN], *secret;
	struct resp r;

	snprintf(body, sizeof(body), "{\"name\":\"测试\",\"scopes\":%s,\"roles\":[\"%s\"],\"org\":\"yn\",\"expires_at\":\"%s\"}", scopes_json, role,
		 yc_rfc3339(yc_now() + 3600000, at));
	r = http("POST", "/v1/api-keys", w.admin, body);
	if (r.status != 201)
		printf("  %ld %s\n", r.status, r.body);
	CU_ASSERT_EQUAL_FATAL(r.status, 201);
	secret = strdup(resp_str(&r, "secret"));
	resp_free(&r);
	return secret;
}

/* --- HTTP ---------------------------------------------------------------------------------------------------------------------- */

static size_t grow(char **p, size_t *n, const void *data, size_t len)
{
	*p = realloc(*p, *n + len + 1);
	memcpy(*p + *n, data, len);
	*n += len;
	(*p)[*n] = '\0';
	return len;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
	struct resp *r = arg;

	return grow(&r->body, &r->n_body, p, size * n);
}

static size_t on_head(char *p, size_t size, size_t n, void *arg)
{
	struct resp *r = arg;
	size_t len = r->head ? strlen(r->head) : 0;

	return grow(&r->head, &len, p, size * n);
}

struct resp http_full(int port, const char *method, const char *path, const char *token, const char *const *headers, const void *body, size_t n)
{
	CURL *c = curl_easy_init();
	struct curl_slist *list = curl_slist_append(NULL, "Expect:");
	struct resp r = { 0 };
	char url[1200], auth[300];

	snprintf(url, sizeof(url), "http://127.0.0.1:%d%s", port, path);
	snprintf(auth, sizeof(auth), "Authorization: Bearer %s", token ? token : "");
	if (token)
		list = curl_slist_append(list, auth);
	for (int i = 0; headers && headers[i]; i++)
		list = curl_slist_append(list, headers[i]);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
	if (!strcmp(method, "HEAD"))
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	if (body) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)n);
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	}
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, list);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &r);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &r);
	if (curl_easy_perform(c) == CURLE_OK)
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &r.status);
	curl_slist_free_all(list);
	curl_easy_cleanup(c);
	if (r.n_body && (r.body[0] == '{' || r.body[0] == '['))
		r.json = json_loadb(r.body, r.n_body, JSON_REJECT_DUPLICATES, NULL);
	return r;
}

struct resp http_h(const char *method, const char *path, const char *token, const char *body, const char *const *headers)
{
	const char *all[16];
	int n = 0;

	if (body)
		all[n++] = "Content-Type: application/json";
	else
		all[n++] = "Content-Type:";
	for (int i = 0; headers && headers[i] && n < 15; i++)
		all[n++] = headers[i];
	all[n] = NULL;
	return http_full(w.port, method, path, token, all, body, body ? strlen(body) : 0);
}

struct resp http(const char *method, const char *path, const char *token, const char *body)
{
	static int last;
	char key[64];

	snprintf(key, sizeof(key), "Idempotency-Key: test-%d-%d", (int)getpid(), ++last);
	return http_h(method, path, token, body, (const char *[]){ key, NULL });
}

void resp_free(struct resp *r)
{
	free(r->head);
	free(r->body);
	json_decref(r->json);
	memset(r, 0, sizeof(*r));
}

const char *resp_header(const struct resp *r, const char *name)
{
	static char value[1000];
	size_t n = strlen(name);

	for (const char *p = r->head; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (!strncasecmp(p, name, n) && p[n] == ':') {
			p += n + 1;
			p += strspn(p, " ");
			snprintf(value, sizeof(value), "%.*s", (int)strcspn(p, "\r\n"), p);
			return value;
		}
	return NULL;
}

const char *resp_str(const struct resp *r, const char *key)
{
	const char *s = json_string_value(json_object_get(r->json, key));

	return s ? s : "";
}

void is_problem(struct resp *r, long status, const char *code, const char *pointer)
{
	const char *type = resp_header(r, "Content-Type"), *p;

	p = json_string_value(json_object_get(json_array_get(json_object_get(r->json, "errors"), 0), "pointer"));
	if (r->status != status || !yc_streq(resp_str(r, "code"), code) || !yc_streq(p ? p : "", pointer))
		printf("  got %ld: %s\n", r->status, r->body ? r->body : "");
	CU_ASSERT_EQUAL(r->status, status);
	YCT_STR(type ? type : "", "application/problem+json");
	YCT_STR(resp_str(r, "code"), code);
	YCT_STR(p ? p : "", pointer);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(r->json, "status")), status);
	CU_ASSERT(!strncmp(resp_str(r, "type"), "/problems/", 10) && *resp_str(r, "title") && strlen(resp_str(r, "trace_id")) == 32);
	resp_free(r);
}

/* --- event streams -------------------------------------------------------------------------------------------------------------- */

struct sse sse_open(const char *token, const char *query, const char *last_id)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)w.port) };
	struct sse s = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	char rq[900];
	int n = snprintf(rq, sizeof(rq), "GET /v1/stream%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s%s%s\r\n", query ? query : "", token,
			 last_id ? "Last-Event-ID: " : "", last_id ? last_id : "", last_id ? "\r\n" : "");

	CU_ASSERT_EQUAL_FATAL(connect(s.fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	CU_ASSERT_EQUAL_FATAL(write(s.fd, rq, (size_t)n), n);
	return s;
}

static int more(struct sse *s, int64_t until)
{
	struct pollfd p = { s->fd, POLLIN, 0 };
	int64_t left = until - yc_mono();
	char buf[65536];
	ssize_t n;

	if (left <= 0 || s->is_closed || poll(&p, 1, (int)left) <= 0)
		return 0;
	n = read(s->fd, buf, sizeof(buf));
	if (n <= 0)
		s->is_closed = 1;
	else
		grow(&s->text, &s->n, buf, (size_t)n);
	return n > 0;
}

int sse_has(struct sse *s, const char *text, int64_t within_ms)
{
	int64_t until = yc_mono() + within_ms;

	while (!s->text || !strstr(s->text, text))
		if (!more(s, until))
			return 0;
	return 1;
}

int sse_ends(struct sse *s, int64_t within_ms)
{
	int64_t until = yc_mono() + within_ms;

	while (more(s, until))
		;
	/* a chunked answer ends with its empty chunk before the connection does */
	return s->is_closed || (s->text && s->n > 5 && !strcmp(s->text + s->n - 5, "0\r\n\r\n"));
}

void sse_close(struct sse *s)
{
	close(s->fd);
	free(s->text);
	memset(s, 0, sizeof(*s));
}
