/* Matters: the list, and the whole way of one. */
#include "report.h"

#include <string.h>

#include "yc/clock.h"
#include "yc/phone.h"
#include "yc/text.h"

/* Those who see every matter of the site; department handlers see what their organisation held. */
#define SITE (YC_ROLE(ADMIN) | YC_ROLE(SUPERVISOR) | YC_ROLE(LEADER) | YC_ROLE(AGENT) | YC_ROLE(AUDITOR) | YC_ROLE(DISPATCHER) | YC_ROLE(INTEGRATOR))

static int sees(struct yc_req *rq, const struct report_ev *v, size_t n)
{
	if (yc_req_may(rq, SITE))
		return 1;
	for (size_t i = 0; i < n; i++)
		if (v[i].order && v[i].order->order && *v[i].order->order->org_path && yc_req_sees(rq, v[i].order->order->org_path))
			return 1;
	return 0;
}

enum yc_code report_on_matter(struct yc_req *rq, const void *vin, void *vout, struct yc_err *e)
{
	const Pb__MatterReq *in = vin;
	struct report *r = yc_req_self(rq);
	struct yc_arena *a = yc_req_arena(rq);
	Pb__Matter *out = vout;
	struct report_known known;
	struct report_ev *v;
	enum yc_code rc;
	size_t n;

	rc = report_store_matter(r, a, in->id, out, e);
	if (!rc)
		rc = report_store_events(r, a, in->id, &v, &n, e);
	if (rc)
		return rc;
	if (!sees(rq, v, n))
		return yc_fail(e, YC_NOT_FOUND, "id", "there is no matter %.40s", in->id);
	if (report_trace(a, v, n, yc_now(), report_known(r, &known), out))
		return yc_fail(e, YC_TOO_LARGE, "id", "this matter's trace is too large for one reply");
	out->elapsed_ms = (out->closed_at ? out->closed_at : yc_now()) - out->opened_at;
	return YC_OK;
}

/* A number a person typed: an order's has letters and hyphens, a phone's only digits. */
static void what_is(struct report *r, const char *q, struct report_find *f, char phone[YC_PHONE_LEN], char number[64])
{
	size_t i;

	phone[0] = number[0] = 0;
	for (i = 0; q[i] && i < 63; i++)
		number[i] = (char)(q[i] >= 'a' && q[i] <= 'z' ? q[i] - 32 : q[i]);
	number[i] = 0;
	if (strspn(q, "0123456789+ ()-") == strlen(q) && yc_phone_normalize(q, yc_node_conf(r->node)->area, phone) != YC_PHONE_NONE)
		f->phone = phone;
	else
		f->number = number;
}

/* Whose matters? Of one's own organisation when that is all one may see, else of the one asked for. */
static enum yc_code whose(struct yc_req *rq, const Pb__ListReq *in, struct report_find *f, struct yc_err *e)
{
	const char *asked = !*in->org ? "" : *in->org == '/' ? in->org : report_org_path(yc_req_self(rq), in->org);

	if (*in->org && !*asked)
		return yc_fail(e, YC_INVALID, "org", "there is no organisation %.60s", in->org);
	f->holder = asked;
	if (yc_req_may(rq, SITE))
		return YC_OK;
	if (!*asked)
		f->holder = yc_req_who(rq)->org_path;
	if (!*f->holder || !yc_req_sees(rq, f->holder))
		return yc_fail(e, YC_FORBIDDEN, "org", "this organisation's matters are not yours");
	return YC_OK;
}

enum yc_code report_on_matters(struct yc_req *rq, const void *vin, void *out, struct yc_err *e)
{
	const Pb__ListReq *in = vin;
	struct report_find f = { "", "", "", in->status, in->starting_after, REPORT_PAGE };
	char phone[YC_PHONE_LEN], number[64];
	enum yc_code rc;

	if (*in->status && strcmp(in->status, "open") && strcmp(in->status, "closed"))
		return yc_fail(e, YC_INVALID, "status", "open or closed");
	rc = whose(rq, in, &f, e);
	if (rc)
		return rc;
	if (*in->q && *f.holder && !yc_req_may(rq, SITE))
		return yc_fail(e, YC_FORBIDDEN, "q", "searching is for those who see the whole site");
	if (*in->q)
		what_is(yc_req_self(rq), in->q, &f, phone, number);
	if (in->limit > 0)
		f.limit = in->limit < REPORT_PAGE_MAX ? in->limit : REPORT_PAGE_MAX;
	return report_store_matters(yc_req_self(rq), yc_req_arena(rq), &f, out, e);
}
