"""One real matter: a citizen calls, an agent answers and raises an order, a department handles it, the citizen is answered, the trace shows it."""
import os
import subprocess

from centre import ROOT, until


def wait_trace(api, matter, *kinds):
    def whole():
        m = api.get(f"/v1/matters/{matter}")
        return m if set(kinds) <= {s["kind"] for s in m["steps"]} else None
    return until(whole, 10, f"a trace with {kinds}")


def test_a_call_becomes_an_order_that_is_answered_and_closed_and_one_trace_shows_it_all(centre):
    r = subprocess.run([os.path.join(ROOT, "deploy", "demo", "matter")], env=centre.env, capture_output=True, text=True, timeout=90)
    assert r.returncode == 0, r.stdout + r.stderr
    assert "工单" in r.stdout


def test_closing_is_refused_until_the_customer_was_answered_and_first_asked_owner_stays(centre):
    agent, handler = centre.api("wangfang"), centre.api("km-toudi")
    o = agent.post("/v1/orders", {"service": "express-trace", "subject": "查询邮件", "customer_phone": "13888005678"})
    r, body = agent.call("POST", f"/v1/orders/{o['id']}/close", {"text": "办结"}, raw=True)
    assert r.status == 409, body
    agent.post(f"/v1/orders/{o['id']}/step", {"outcome": "done", "text": "转投递部"})
    handler.post(f"/v1/orders/{o['id']}/take")
    handler.post(f"/v1/orders/{o['id']}/step", {"outcome": "done", "text": "已妥投"})
    now = agent.get(f"/v1/orders/{o['id']}")["order"]
    assert now["owner_id"] == o["owner_id"] and now["step"] == "answer"
    agent.post(f"/v1/orders/{o['id']}/answer", {"channel": "phone", "text": "已告知客户", "satisfied": True})
    closed = agent.post(f"/v1/orders/{o['id']}/close", {"text": "办结"})
    assert closed["state"] == "closed"


def test_an_order_number_tells_a_mistyped_number_from_an_unknown_one(centre):
    agent = centre.api("wangfang")
    o = agent.post("/v1/orders", {"service": "complaint", "subject": "投诉", "customer_phone": "13888005679"})
    assert agent.get(f"/v1/orders/{o['number']}")["order"]["id"] == o["id"]
    wrong = o["number"][:-1] + ("0" if o["number"][-1] != "0" else "1")
    r, body = agent.call("GET", f"/v1/orders/{wrong}", raw=True)
    assert r.status == 422, body


def test_a_repeated_request_with_the_same_key_makes_one_order(centre):
    agent = centre.api("wangfang")
    body = {"service": "complaint", "subject": "重复提交", "customer_phone": "13888005680"}
    a = agent.post("/v1/orders", body, headers={"Idempotency-Key": "same-key-1"})
    b = agent.post("/v1/orders", body, headers={"Idempotency-Key": "same-key-1"})
    assert a["id"] == b["id"] and a["number"] == b["number"]
    r, text = agent.call("POST", "/v1/orders", {**body, "subject": "另一件"}, headers={"Idempotency-Key": "same-key-1"}, raw=True)
    assert r.status in (409, 422), text


def test_a_stale_version_is_refused(centre):
    agent = centre.api("wangfang")
    o = agent.post("/v1/orders", {"service": "complaint", "subject": "版本", "customer_phone": "13888005681"})
    etag = agent.get(f"/v1/orders/{o['id']}").get("_etag") or f'"{o["version"]}"'
    agent.post(f"/v1/orders/{o['id']}/notes", {"text": "第一条"}, headers={"If-Match": etag})
    r, body = agent.call("POST", f"/v1/orders/{o['id']}/notes", {"text": "第二条"}, headers={"If-Match": etag}, raw=True)
    assert r.status == 412, body
