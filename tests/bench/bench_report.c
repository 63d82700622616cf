/* report.event and crm.event: CPU us that the consumer spends per event of a call (17 events, of which it skips some), SQLite, everything
 * included: receiving, decoding, storing, committing. The calls come in bursts of one for each 10 ms, as at 100 calls/s. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_site.h"
#include "yc/clock.h"
#include "yc/id.h"
#include "yc/v1/acd.pb-c.h"
#include "yc/v1/crm.pb-c.h"
#include "yc/v1/gateway.pb-c.h"
#include "yc/v1/report.pb-c.h"
#include "yct.h"

enum { EVENTS_PER_CALL = 17 };

static struct fake_site s;

/* CPU of all threads of a process, from the scheduler's clock. */
static double cpu_us(int pid)
{
	char path[96];
	unsigned long long sum = 0, ns;
	FILE *f;

	for (int tid = pid; tid < pid + 64; tid++) {
		snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, tid);
		f = fopen(path, "r");
		if (f && fscanf(f, "%llu", &ns) == 1)
			sum += ns;
		if (f)
			fclose(f);
	}
	return (double)sum / 1000;
}

struct ids { char matter[40], call[40], contact[40], item[40], rsv[40], from[24]; };

static void gateway(struct ids *d, Pb__Call *c)
{
	pb__call__init(c);
	c->id = d->call;
	c->contact_id = d->contact;
	c->matter_id = d->matter;
	c->from = d->from;
	c->to = "11185";
	c->state = "talking";
	c->queue = "express";
	c->item_id = d->item;
	c->agent_id = "prs_01KXR000000000000000000001";
	c->extension = "8001";
	c->customer_id = "cus_01KXR000000000000000000001";
	c->gateway = "yn.gateway.1";
	c->codec = "PCMA";
	c->started_at = c->answered_at = c->queued_at = yc_now();
}

static void changed(struct ids *d, const char *type)
{
	Pb__CallChanged m = PB__CALL_CHANGED__INIT;
	Pb__Call c;

	gateway(d, &c);
	m.call = &c;
	m.reservation_id = d->rsv;
	fake_emit(&s, "gateway", type, d->matter, d->call, &m);
}

static void menu(struct ids *d, const char *kind, const char *label)
{
	Pb__CallMenu m = PB__CALL_MENU__INIT;

	m.call_id = d->call;
	m.node = (char *)kind;
	m.kind = (char *)kind;
	m.label = (char *)label;
	fake_emit(&s, "gateway", "call.menu", d->matter, d->call, &m);
}

static void item(struct ids *d, const char *type, Pb__ItemState state)
{
	Pb__WorkItem i = PB__WORK_ITEM__INIT;

	i.id = d->item;
	i.contact_id = d->contact;
	i.matter_id = d->matter;
	i.call_id = d->call;
	i.channel = "voice";
	i.queue = "express";
	i.gateway = "yn.gateway.1";
	i.caller = d->from;
	i.agent_id = "prs_01KXR000000000000000000001";
	i.reservation_id = d->rsv;
	i.state = state;
	i.arrived_at = i.accepted_at = i.ended_at = yc_now();
	i.talk_ms = 1000;
	fake_emit(&s, "acd", type, d->matter, d->item, &i);
}

static void agent(struct ids *d, Pb__AgentStatus was, Pb__AgentStatus status)
{
	Pb__AgentChanged m = PB__AGENT_CHANGED__INIT;
	Pb__Agent a = PB__AGENT__INIT;

	a.person_id = "prs_01KXR000000000000000000001";
	a.name = "张伟";
	a.staff_no = "1001";
	a.extension = "8001";
	a.status = status;
	a.item_id = d->item;
	a.contact_id = d->contact;
	m.agent = &a;
	m.was = was;
	fake_emit(&s, "acd", "agent.state", d->matter, a.person_id, &m);
}

#define ST(x) PB__AGENT_STATUS__AGENT_STATUS_##x

static void one_call(int64_t nr)
{
	Pb__CallStarted st = PB__CALL_STARTED__INIT;
	Pb__CallEnded en = PB__CALL_ENDED__INIT;
	Pb__RecordingReady rec = PB__RECORDING_READY__INIT;
	struct ids d;
	Pb__Call c;

	yc_id_new("mat", d.matter);
	yc_id_new("cal", d.call);
	yc_id_new("ctc", d.contact);
	yc_id_new("wki", d.item);
	yc_id_new("rsv", d.rsv);
	snprintf(d.from, sizeof(d.from), "+8613888%06lld", (long long)(nr % 2000));
	gateway(&d, &c);
	st.call = en.call = &c;
	en.talk_ms = 1000;
	fake_emit(&s, "gateway", "call.started", d.matter, d.call, &st);
	changed(&d, "call.answered");
	menu(&d, "play", "");
	menu(&d, "menu", "速递业务");
	changed(&d, "call.queued");
	item(&d, "item.queued", PB__ITEM_STATE__ITEM_STATE_WAITING);
	agent(&d, ST(READY), ST(OFFERED));
	item(&d, "item.offered", PB__ITEM_STATE__ITEM_STATE_OFFERED);
	changed(&d, "call.ringing");
	changed(&d, "call.bridged");
	item(&d, "item.accepted", PB__ITEM_STATE__ITEM_STATE_ACCEPTED);
	agent(&d, ST(OFFERED), ST(BUSY));
	item(&d, "item.ended", PB__ITEM_STATE__ITEM_STATE_SERVED);
	agent(&d, ST(BUSY), ST(WRAP_UP));
	fake_emit(&s, "gateway", "call.ended", d.matter, d.call, &en);
	rec.call_id = d.call;
	rec.contact_id = d.contact;
	rec.blob_id = d.rsv;
	fake_emit(&s, "gateway", "recording.ready", d.matter, d.call, &rec);
	agent(&d, ST(WRAP_UP), ST(READY));
}

static int64_t calls;

static int report_has_all(void *unused)
{
	Pb__Empty in = PB__EMPTY__INIT;
	Pb__CountReply *r = yct_ask(&s.c, "report", &pb__report__descriptor, "Count", &in, NULL, NULL);

	return r && r->events >= calls * EVENTS_PER_CALL;
}

static int crm_has_all(void *unused)
{
	Pb__ListReq in = PB__LIST_REQ__INIT;
	Pb__Customers *r;
	int64_t sum = 0;

	in.limit = 500;
	do {
		r = yct_ask(&s.c, "crm", &pb__crm__descriptor, "List", &in, NULL, NULL);
		for (size_t i = 0; r && i < r->n_data; i++)
			sum += r->data[i]->contacts;
		if (r)
			in.starting_after = r->next_cursor;
	} while (r && r->has_more);
	return sum >= calls;
}

static int is_over(void *arg)
{
	return yc_mono() >= *(int64_t *)arg;
}

static void measure(const char *service, int (*done)(void *), int64_t n)
{
	char *url = yct_fresh_db("sqlite");
	int64_t next;
	double cpu;

	fake_site_open(&s, service, url);
	fake_producer(&s, "gateway");
	fake_producer(&s, "acd");
	for (calls = 0; calls < 50; calls++)
		one_call(calls);
	fake_until(&s, 20000, done, NULL);       /* warm, and subscribed */
	cpu = cpu_us(s.pid);
	for (next = yc_mono(); calls < n + 50; calls++) {
		one_call(calls);
		next += 10;
		fake_until(&s, 1000, is_over, &next);
	}
	if (!fake_until(&s, 30000, done, NULL))
		fprintf(stderr, "bench_report: %s did not get everything\n", service);
	cpu = cpu_us(s.pid) - cpu;
	printf("{\"name\":\"%s.event\",\"value\":%.1f,\"unit\":\"us\",\"n\":%lld,\"per_call_us\":%.0f}\n", service, cpu / (double)(n * EVENTS_PER_CALL),
	       (long long)(n * EVENTS_PER_CALL), cpu / (double)n);
	fake_site_close(&s);
	free(url);
}

static int64_t n_calls = 1000;

static void run(void)
{
	measure("report", report_has_all, n_calls);
	measure("crm", crm_has_all, n_calls);
}

int main(int argc, char **argv)
{
	static const struct yct_test t[] = { { "run", run } };

	if (getenv("BENCH_N"))
		n_calls = strtoll(getenv("BENCH_N"), NULL, 10);
	return yct_main(argc, argv, "bench_report", t, 1, NULL, NULL);
}
