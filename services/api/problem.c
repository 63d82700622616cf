/* Errors as RFC 9457 says. */
#include "api.h"

#include "rule_http.h"

#include "yc/text.h"

#include <stdio.h>
#include <string.h>

static const struct { const char *slug, *zh, *en; } titles[] = {
	{ "malformed", "请求无法读取", "The request cannot be read" },
	{ "unauthenticated", "需要登录或有效的令牌", "A valid token is needed" },
	{ "forbidden", "没有权限", "This is not permitted" },
	{ "not-found", "没有找到", "Not found" },
	{ "method-not-allowed", "此地址不支持该方法", "This address does not know the method" },
	{ "conflict", "与现有状态冲突", "It conflicts with the present state" },
	{ "stale", "对象已被他人修改", "Somebody changed it since it was read" },
	{ "too-large", "请求过大", "The request is too large" },
	{ "unsupported-media-type", "请求体必须是 JSON", "The body must be JSON" },
	{ "range-not-satisfiable", "所要的范围不存在", "The range does not exist" },
	{ "invalid", "字段有误", "A field is wrong" },
	{ "precondition", "缺少前提条件", "A precondition is missing" },
	{ "exhausted", "请求过多，请稍后再试", "Too many requests; try later" },
	{ "internal", "内部错误", "Internal error" },
	{ "unimplemented", "尚未实现", "Not implemented" },
	{ "unavailable", "服务暂不可用", "The service is not available now" },
	{ "instance-lost", "服务中断，结果未知", "The service was lost; the outcome is unknown" },
	{ "deadline", "服务未及时应答，结果未知", "No answer in time; the outcome is unknown" },
};

const char *api_title(const char *slug, int english)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		if (yc_streq(titles[i].slug, slug))
			return english ? titles[i].en : titles[i].zh;
	return slug;
}

void api_problem(struct yc_buf *out, const struct api_ctx *x, int status, const char *slug, const char *field, const char *detail)
{
	char code[48], pointer[96];

	yc_copy(code, sizeof(code), slug);
	for (char *p = code; *p; p++)
		if (*p == '-')
			*p = '_';
	yc_buf_printf(out, "{\"type\":\"/problems/%s\",\"title\":", slug);
	yc_buf_json_str(out, api_title(slug, x->english));
	yc_buf_printf(out, ",\"status\":%d,\"detail\":", status);
	yc_buf_json_str(out, detail ? detail : "");
	yc_buf_str(out, ",\"instance\":");
	yc_buf_json_str(out, x->r->uri_error ? "" : x->r->path);
	yc_buf_printf(out, ",\"code\":\"%s\",\"trace_id\":\"%.32s\",\"errors\":[", code, x->trace + 3);
	if (!yc_is_empty(field)) {
		api_pointer(field, pointer, sizeof(pointer));
		yc_buf_str(out, "{\"pointer\":");
		yc_buf_json_str(out, pointer);
		yc_buf_printf(out, ",\"code\":\"%s\",\"detail\":", code);
		yc_buf_json_str(out, detail ? detail : "");
		yc_buf_str(out, "}");
	}
	yc_buf_str(out, "]}");
}

void api_fail_http(struct api_ctx *x, int status, const char *slug, const char *field, const char *detail)
{
	yc_buf_free(&x->r->reply);
	api_problem(&x->r->reply, x, status, slug, field, detail);
	http_out(x->r, "Content-Type", "application/problem+json");
	if (status == 401)
		http_out(x->r, "WWW-Authenticate", "Bearer realm=\"yichuang\"");
	if (status == 503 || status == 429)
		http_out(x->r, "Retry-After", "1");
	api_send(x, status);
}

void api_on_problem_type(struct api_ctx *x)
{
	const char *slug = api_path_param(x, "slug");
	struct yc_buf *out = &x->r->reply;

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		if (!yc_streq(titles[i].slug, slug))
			continue;
		yc_buf_printf(out, "{\"type\":\"/problems/%s\",\"title\":", slug);
		yc_buf_json_str(out, titles[i].zh);
		yc_buf_str(out, ",\"title_en\":");
		yc_buf_json_str(out, titles[i].en);
		yc_buf_str(out, "}");
		http_out(x->r, "Content-Type", "application/json");
		api_send(x, 200);
		return;
	}
	api_fail_http(x, 404, "not-found", NULL, "there is no such kind of problem");
}
