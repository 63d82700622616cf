"""kill -9 of every service at random moments under calls and writes: nothing acknowledged is lost, no event lost or doubled, calls keep their
audio, nobody is offered two calls. YC_KILLS (default 21) sets how often; the soak run uses hundreds."""
import json
import os
import random
import threading
import time
from collections import Counter

import pytest
from centre import Centre, until
from load import Load, calls_of_agents, fed, orders_of_test, pick, produced, rows

SERVICES = ["acd", "ticket", "crm", "api", "bus", "redis", "report"]
KILLS = int(os.environ.get("YC_KILLS", "21"))
SEED = int(os.environ.get("YC_SEED", str(random.randrange(1 << 30))))
CALLER, AGENT = 400, 700
TONE_S = 120 + 10 * KILLS                                   # both speak until the last kill is past
UNFED = ("extension.changed", "session.", "audit.")        # credentials and the audit log: consumed by the API, never fed to anybody


def recent_share(phone, hz, seconds=1.0):
    """Share of the last seconds heard that are this tone; waits for fresh audio so that it speaks of now."""
    path = phone.heard_file()
    from peers import _share
    start = os.path.getsize(path)
    need = int(seconds * 16000)
    until(lambda: os.path.getsize(path) >= start + need, seconds + 4, f"phone {phone.user} still receives audio")
    with open(path, "rb") as f:
        f.seek(start + (start - 44) % 2)
        raw = f.read(need)
    return _share(raw[: len(raw) // 2 * 2], 8000, 1, 2, hz, 0)


@pytest.fixture(scope="module")
def storm():
    """The whole story once; the tests below look at what it left behind."""
    c = Centre().start()
    load, books = None, Counter()
    try:
        api, phone = c.seat("zhangwei", "8001", hz=AGENT, tone_s=TONE_S)
        caller = c.caller("13900000100", hz=CALLER, tone_s=TONE_S)
        caller.dial("11185")
        caller.expect("CALL_ESTABLISHED", within=8)
        presses = [0]

        def rung():
            presses[0] += 1
            if presses[0] % 15 == 1:
                caller.press("1")
            return phone.seen("CALL_ESTABLISHED")
        until(rung, 20, "the long call is bridged", every=0.1)
        load = Load(c)
        order, rng = pick(SERVICES, KILLS, SEED)
        silent, recovery = [], {}
        pause = threading.Event()
        for i, s in enumerate(order):
            pause.wait(rng.uniform(0.2, 1.2))                 # the random moment of the blow
            old, t0 = c.kill(s), time.monotonic()
            if i % 3 == 0 and (recent_share(phone, CALLER) < 0.9 or recent_share(caller, AGENT) < 0.9):
                silent.append((s, i))
            c.wait_back(s, old, within=20)
            recovery.setdefault(s, []).append(round(time.monotonic() - t0, 2))
        alive = (recent_share(phone, CALLER), recent_share(caller, AGENT))
        served = load.finish()
        caller.hangup()
        caller.expect("CALL_CLOSED", within=8)
        admin = c.api("admin")
        until(lambda: not admin.get("/v1/calls")["data"], 30, "all calls have ended")
        settled(c)
        yield {"centre": c, "load": load, "served": served, "silent": silent, "alive": alive, "recovery": recovery, "admin": admin,
               "sipp_errors": load.callers.errors(), "books": books}
    finally:
        print(f"\nseed {SEED}, kills {KILLS}\nbooks: {json.dumps(books)}", flush=True)
        if load:
            load.close()
        c.close()


def settled(c):
    """Every consumer has caught up with every producer."""
    def even():
        for p in ("gateway", "acd", "ticket", "directory"):
            head = rows(c, p, "SELECT source, incarnation, MAX(seq) FROM yc_outbox GROUP BY source, incarnation")
            for consumer in ("report", "api"):
                have = {(a, b): s for a, b, s in rows(c, consumer, "SELECT source, incarnation, seq FROM yc_cursor")}
                if any(have.get((src, inc), 0) != seq for src, inc, seq in head):
                    return False
        return True
    until(even, 30, "consumers have caught up", every=0.2)


def test_a_call_in_progress_keeps_its_audio_through_every_kill(storm):
    assert not storm["silent"], storm["silent"]
    assert min(storm["alive"]) > 0.9


def test_no_acknowledged_order_is_lost_and_none_is_doubled(storm):
    acked = storm["load"].orders.acked
    assert len(acked) > 10
    have = orders_of_test(storm["centre"])
    numbers, keys = {n for n, _ in have}, [k for _, k in have]
    storm["books"].update(orders=len(acked), orders_lost=len(set(acked.values()) - numbers), orders_doubled=len(keys) - len(set(keys)))
    assert not set(acked.values()) - numbers, "an acknowledged order is missing"
    assert len(keys) == len(set(keys)), "an order was made twice"


def test_no_event_is_lost_or_doubled(storm):
    c = storm["centre"]
    for p in ("gateway", "acd", "ticket", "directory"):
        made = produced(c, p)
        assert made, p
        for (src, inc), events in made.items():
            seqs = [q for q, _ in events]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), f"{src} {inc}: a gap in the outbox itself"
        for src in {s for s, _ in made}:
            sent = Counter(e for (s, _), events in made.items() if s == src for _, e in events if not e[0].startswith(UNFED))
            got = Counter(fed(c, src))
            storm["books"].update(events=sent.total(), lost=(sent - got).total(), doubled=(got - sent).total())
            assert not sent - got, f"{src}: {sum((sent - got).values())} events lost, e.g. {[e[:3] for e in (sent - got)][:3]}"
            assert not got - sent, f"{src}: {sum((got - sent).values())} events doubled, e.g. {[e[:3] for e in (got - sent)][:3]}"


def test_nobody_was_offered_two_calls(storm):
    events, after = [], 0
    while True:
        page = storm["admin"].get(f"/v1/events?after={after}&limit=100")
        for e in page["data"]:
            e["feed_order"] = len(events)
            events.append(e)
        if not page["has_more"]:
            break
        after = page["next_cursor"]
    gateway = [e for e in events if e["type"].startswith("call.")]
    assert len(gateway) > 50
    for agent, spans in calls_of_agents(gateway).items():
        spans.sort()
        for a, b in zip(spans, spans[1:]):
            assert a[1] is not None and a[1] < b[0], f"agent {agent} had {a[2]} and {b[2]} at once"


def test_every_caller_was_served(storm):
    storm["books"].update(calls=storm["served"]["SuccessfulCall"], calls_failed=storm["served"]["FailedCall"])
    assert storm["served"]["FailedCall"] == 0, (storm["served"], storm["sipp_errors"])
    assert storm["served"]["SuccessfulCall"] > 20, (storm["served"], storm["sipp_errors"])


def test_each_service_is_back_within_ten_seconds(storm):
    storm["books"].update(slowest_s=max(t for v in storm["recovery"].values() for t in v))
    slow = {s: t for s, t in storm["recovery"].items() if max(t) > 10}
    assert not slow, slow
