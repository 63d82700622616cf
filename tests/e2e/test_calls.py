"""Calls: menu, queue, offers, hang-ups, refusals; what each side hears is told apart by its tone."""
import os
import subprocess
import tempfile

import pytest
from centre import ROOT, until
from peers import tone_share

SIPP = os.path.join(ROOT, "tests", "e2e", "sipp")
CALLER, AGENT = 400, 700


@pytest.fixture
def desk(centre):
    """Fresh seats per test; signed out and unregistered afterwards."""
    seats = []

    def seat(login, ext, **phone):
        a, p = centre.seat(login, ext, **phone)
        seats.append((a, p))
        return a, p
    yield seat
    for a, p in seats:
        p.close()
        centre.phones.remove(p)
        a.call("DELETE", "/v1/agent/session", raw=True)


def offers(phone):
    """How many calls reached this phone (one that answers by itself reports no ringing)."""
    return max(len(phone.seen("CALL_INCOMING")), len(phone.seen("CALL_ESTABLISHED")))


def choose(caller, phone, digit="1", within=30):
    """Press the digit as people do, again if nothing happens, until the agent's phone rings."""
    n = offers(phone)
    end = [0]

    def rung():
        end[0] += 1
        if end[0] % 15 == 1:
            caller.press(digit)
        return offers(phone) > n
    until(rung, within, "the agent's phone rings", every=0.1)


def status_is(api, status, within=8):
    return until(lambda: (a := api.get("/v1/agent")).get("status") == status and a, within, f"agent is {status}")


def sipp(centre, scenario, number, *args, n=1, within=40):
    """Runs a sipp scenario as a caller; returns (exit status, what it logged)."""
    d = tempfile.mkdtemp(prefix="sipp-")
    r = subprocess.run(["sipp", "-sf", os.path.join(SIPP, scenario), "-s", number, f"127.0.0.1:{centre.sip}", "-i", "127.0.0.1", "-m", str(n),
                        "-nostdin", "-trace_err", "-error_file", os.path.join(d, "err.log"), *map(str, args)],
                       cwd=d, capture_output=True, text=True, timeout=within)
    return r.returncode, r.stdout[-3000:] + (open(os.path.join(d, "err.log")).read() if os.path.exists(os.path.join(d, "err.log")) else "")


def test_each_side_hears_the_other_and_the_recording_holds_both(centre, desk):
    api, phone = desk("zhangwei", "8001", hz=AGENT)
    stream = centre.stream(api)
    caller = centre.caller("13900000001", hz=CALLER)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=8)
    choose(caller, phone)
    call = stream.expect("call.bridged", within=8)["data"]["call"]
    until(lambda: phone.heard_share(CALLER) > 0.8 and os.path.getsize(phone.heard_file()) > 40000, 8, "the agent hears the caller")
    caller.hangup()
    rec = stream.expect("recording.ready", within=8, call_id=call["id"])["data"]
    assert phone.heard_share(AGENT) == 0, "the agent hears himself"
    assert caller.heard_share(AGENT) > 0.05 and caller.heard_share(CALLER) == 0
    r, wav = centre.api("zhijian").call("GET", f"/v1/recordings/{rec['blob_id']}", raw=True)
    assert r.status == 200 and len(wav) == rec["bytes"]
    path = os.path.join(centre.home, "rec.wav")
    raw = os.path.join(centre.home, "rec-raw.wav")
    with open(raw, "wb") as f:
        f.write(wav)
    subprocess.run(["sox", "-q", raw, "-b", "16", "-e", "signed-integer", path], check=True)
    assert tone_share(path, CALLER, 0) > 0.5 and tone_share(path, AGENT, 1) > 0.5, "caller left, agent right"
    assert tone_share(path, AGENT, 0) == 0 and tone_share(path, CALLER, 1) == 0


def test_the_digit_chooses_the_queue(centre, desk):
    api, phone = desk("chenjie", "8004", hz=AGENT)
    stream = centre.stream(api)
    caller = centre.caller("13900000002", hz=CALLER)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=8)
    choose(caller, phone, "2")
    item = stream.expect("item.offered", within=8, caller="+8613900000002")["data"]
    assert item["queue"] == "post"
    caller.hangup()


def test_two_callers_and_one_agent_are_served_one_after_the_other(centre, desk):
    api, phone = desk("zhangwei", "8001", hz=AGENT)
    first, second = centre.caller("13900000003", hz=CALLER), centre.caller("13900000004", hz=500)
    first.dial("11185")
    first.expect("CALL_ESTABLISHED", within=8)
    choose(first, phone)
    status_is(api, "busy")
    stream = centre.stream(api)
    second.dial("11185")
    second.expect("CALL_ESTABLISHED", within=8)
    pressed = [0]

    def queued():
        pressed[0] += 1
        if pressed[0] % 15 == 1:
            second.press("1")
        return stream.all("item.queued")
    until(queued, 20, "the second caller waits", every=0.1)
    assert offers(phone) == 1, "a busy agent is not offered a second call"
    first.hangup()
    status_is(api, "wrap_up")
    assert offers(phone) == 1
    api.post("/v1/agent/wrapup", {"disposition": "done"})
    phone.expect("CALL_ESTABLISHED", within=5, count=2)
    second.hangup()


def test_an_unanswered_offer_goes_to_the_next_agent_and_the_first_is_put_on_a_break(centre, desk):
    a1, p1 = desk("zhangwei", "8001", answer="manual")
    a2, p2 = desk("sunhao", "8008", answer="manual")
    caller = centre.caller("13900000005", hz=CALLER)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=8)
    choose(caller, p1)
    p2.expect("CALL_INCOMING", within=30)
    p2.answer()
    status_is(a2, "busy")
    who = a1.get("/v1/agent")
    assert (who["status"], who["reason"], who["cause"]) == ("break", "no_answer", "system")
    caller.hangup()


def test_a_caller_who_hangs_up_while_waiting_is_counted_as_abandoned(centre, desk):
    api, phone = desk("yangli", "8005", answer="manual")
    api.put("/v1/agent/state", {"state": "break", "reason": "lunch"})
    stream = centre.stream(api)
    caller = centre.caller("13900000006", hz=CALLER)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=8)
    n = [0]

    def queued():
        n[0] += 1
        if n[0] % 15 == 1:
            caller.press("3")
        return stream.all("item.queued")
    until(queued, 20, "the caller waits", every=0.1)
    caller.hangup()
    item = stream.expect("item.ended", within=8)["data"]
    assert item["state"] == "abandoned" and item["queue"] == "complaint"


def test_a_caller_who_hangs_up_while_the_phone_rings_frees_the_agent(centre, desk):
    api, phone = desk("zhangwei", "8001", answer="manual")
    caller = centre.caller("13900000007", hz=CALLER)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=8)
    choose(caller, phone)
    caller.hangup()
    phone.expect("CALL_CLOSED", within=8)
    status_is(api, "ready")


def test_a_phone_that_unregisters_while_ringing_gives_the_call_to_another(centre, desk):
    a1, p1 = desk("zhangwei", "8001", answer="manual")
    caller = centre.caller("13900000008", hz=CALLER)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=8)
    choose(caller, p1)
    a2, p2 = desk("sunhao", "8008")
    p1.stop()
    p2.expect("CALL_ESTABLISHED", within=10)
    status_is(a2, "busy")
    assert until(lambda: (a := a1.get("/v1/agent"))["status"] in ("break", "offline") and not a["phone"], 5, "the lost phone shows")
    caller.hangup()


def test_a_busy_phone_is_skipped(centre, desk):
    a1, p1 = desk("zhangwei", "8001", answer="manual")
    caller = centre.caller("13900000009", hz=CALLER)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=8)
    choose(caller, p1)
    a2, p2 = desk("sunhao", "8008")
    p1.hangup()                                    # 486/603 while ringing
    p2.expect("CALL_ESTABLISHED", within=8)
    status_is(a2, "busy")
    assert a1.get("/v1/agent")["status"] == "break"
    caller.hangup()


def test_a_caller_without_a_common_codec_is_refused_with_488(centre):
    rc, log = sipp(centre, "caller_gets_488.xml", "11185")
    assert rc == 0, log


def test_an_unknown_number_is_refused_with_404(centre):
    rc, log = sipp(centre, "caller_gets_404.xml", "99999")
    assert rc == 0, log
