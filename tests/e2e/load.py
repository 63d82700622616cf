"""Load and proof for the fault tests: sipp callers and seats of their own beside the demo's people, orders written by REST, and the books balanced
afterwards from the stores themselves."""
import csv
import glob
import os
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import uuid

from centre import ROOT, HttpError, until
from peers import sip_port

SIPP = os.path.join(ROOT, "tests", "bench", "load", "sipp")
NUMBER = "11199"


def seats_yaml(n, agent_port):
    yield "kind: skill\ncode: load\nname: 压力\nname_en: Load\n"
    yield "kind: queue\ncode: load\nname: 压力\nname_en: Load\nskills: [{skill: load, level: 1}]\noffer_timeout_ms: 8000\nwrapup_ms: 0\n"
    yield ("kind: flow\nname: load\ntitle: 压力\nstart: q\nnodes: [{id: q, kind: queue, queue: load, music: hold}]\n")
    yield f'kind: number\nnumber: "{NUMBER}"\nflow: load\nclass: load\nname: 压力\nname_en: Load\nrecord: false\n'
    for i in range(1, n + 1):
        yield (f'kind: person\nstaff_no: "L{i}"\nlogin: load{i}\nname: 压力{i}\nname_en: Load {i}\norg: center\nroles: [agent]\nactive: true\n'
               f"skills: [{{skill: load, level: 3}}]\n")
        yield f'kind: extension\nnumber: "77{i:03}"\nstatic_contact: "sip:agent{i}@127.0.0.1:{agent_port}"\n'
        yield f'kind: seat\nextension: "77{i:03}"\nstaff_no: "L{i}"\nauto_ready: true\n'


def media_port():
    """Four UDP ports in a row for sipp's -mp: between the gateway's range and the one from which the system gives ports, so that they stay free."""
    while True:
        port = random.randrange(30000, 32760, 4)
        socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
        try:
            for i, k in enumerate(socks):
                k.bind(("127.0.0.1", port + i))
            return port
        except OSError:
            continue
        finally:
            for k in socks:
                k.close()


class Sipp:
    def __init__(self, scenario, port, *args):
        self.dir = tempfile.mkdtemp(prefix="sipp-")
        for f in glob.glob(SIPP + "/*"):
            shutil.copy(f, self.dir)
        self.proc = subprocess.Popen(
            ["sipp", "-sf", scenario, "-i", "127.0.0.1", "-p", str(port), "-nostdin", "-trace_stat", "-fd", "1", "-stf", "st.csv",
             "-trace_err", "-error_file", "err.log", *map(str, args)],
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(os.path.join(self.dir, "stderr"), "wb"))

    def finish(self, within=60):
        """No new calls; waits for those under way. Returns sipp's counters."""
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGUSR1)
            try:
                self.proc.wait(within)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        return self.stats()

    def stats(self):
        f = glob.glob(self.dir + "/*.csv")
        rows = list(csv.DictReader(open(f[0]), delimiter=";")) if f else []
        last = rows[-1] if rows else {}
        return {k: int(last.get(k + "(C)") or 0) for k in ("SuccessfulCall", "FailedCall", "TotalCallCreated")}

    def errors(self):
        text = f"ended with {self.proc.poll()}; "
        for p in ("stderr", "err.log"):
            p = os.path.join(self.dir, p)
            if os.path.exists(p):
                with open(p, errors="replace") as f:
                    text += f.read()[-3000:]
        return text

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Orders(threading.Thread):
    """Writes orders without pause. Each has one key; a request that fails is repeated with the same key until it is acknowledged."""

    def __init__(self, centre, login="wangfang"):
        super().__init__(daemon=True)
        self.centre, self.login, self.acked, self.stop_now, self.tries = centre, login, {}, threading.Event(), 0

    def run(self):
        api, n = None, 0
        while not self.stop_now.is_set():
            key, n = uuid.uuid4().hex, n + 1
            while True:
                try:
                    api = api or self.centre.api(self.login)
                    self.tries += 1
                    o = api.post("/v1/orders", {"service": "complaint", "subject": f"故障测试 {n} {key}", "customer_phone": "13888009999"},
                                 headers={"Idempotency-Key": key}, timeout=8)
                    self.acked[key] = o["number"]
                    break
                except HttpError as e:
                    assert e.status in (401, 409, 429, 503, 504), e      # 409: the first try with this key is still under way
                    if e.status == 401:
                        api = None
                except OSError:
                    pass                                          # the API itself was killed
                except Exception as e:                            # a half answer: the connection died
                    if "http.client" not in type(e).__module__ and "json" not in type(e).__module__:
                        raise
                if self.stop_now.wait(0.2):
                    return
            self.stop_now.wait(0.05)


class Load:
    def __init__(self, centre, seats=6, rate=3, talk_ms=700):
        self.centre, self.seats = centre, seats
        port = sip_port()
        d = tempfile.mkdtemp(prefix="load-")
        with open(os.path.join(d, "load.yaml"), "w", encoding="utf-8") as f:
            f.write("\n---\n".join(seats_yaml(seats, port)))
        self.agents = Sipp("agent.xml", port, "-d", talk_ms, "-l", 2000, "-mp", media_port())
        centre.yc("import", d)
        shutil.rmtree(d)
        api = centre.api("admin")
        until(lambda: sum(q["ready"] for q in api.get("/v1/queues/live")["data"] if q["code"] == "load") == seats, 15, "the seats are ready")
        self.callers = Sipp("caller_queue.xml", sip_port(), f"127.0.0.1:{centre.sip}", "-s", NUMBER, "-r", rate, "-m", 1000000,
                            "-l", 200, "-mp", media_port())
        self.orders = Orders(centre)
        self.orders.start()

    def finish(self):
        self.orders.stop_now.set()
        self.orders.join(30)
        return self.callers.finish()

    def close(self):
        self.orders.stop_now.set()
        self.callers.close()
        self.agents.close()


def store(centre, service):
    return sqlite3.connect(f"file:{centre.home}/data/{service}.db?mode=ro", uri=True, timeout=20)


def rows(centre, service, sql, *args):
    c = store(centre, service)
    try:
        return c.execute(sql, args).fetchall()
    finally:
        c.close()


def _fields(buf):
    """Fields of a packed protobuf message: {number: value}; enough for yc.v1.Event (varints and length-delimited)."""
    out, i = {}, 0

    def varint(i):
        n = shift = 0
        while True:
            b = buf[i]
            n |= (b & 127) << shift
            shift, i = shift + 7, i + 1
            if b < 128:
                return n, i
    while i < len(buf):
        tag, i = varint(i)
        if tag & 7 == 0:
            out[tag >> 3], i = varint(i)
        else:
            n, i = varint(i)
            out[tag >> 3], i = bytes(buf[i:i + n]), i + n
    return out


def produced(centre, service):
    """What this producer's outbox holds, per (source, incarnation): [(seq, (type, at, key, payload))]."""
    out = {}
    for src, inc, seq, event in rows(centre, service, "SELECT source, incarnation, seq, event FROM yc_outbox ORDER BY source, incarnation, seq"):
        f = _fields(event)
        out.setdefault((src, inc), []).append((seq, (f[5].decode(), f.get(6, 0), f.get(8, b"").decode(), f.get(9, b""))))
    return out


def fed(centre, source):
    """What the API's feed has taken from this source."""
    return rows(centre, "api", "SELECT type, at, key, payload FROM feed WHERE source = ?", source)


def orders_of_test(centre):
    """[(number, key)] of the orders written by Orders."""
    found = []
    for number, doc in rows(centre, "ticket", "SELECT number, doc FROM ticket_order"):
        m = re.search(rb"([0-9a-f]{32})", doc) if "故障测试".encode() in doc else None
        if m:
            found.append((number, m.group(1).decode()))
    return found


def calls_of_agents(events):
    """Per agent the spans in which a phone rang or talked for him: [(start, end, call)] by seq order of the gateway's events."""
    open_, spans = {}, {}
    for e in events:
        d = e.get("data") or {}
        call = d.get("call") or {}
        key = (d.get("reservation_id") or call.get("reservation_id"), call.get("id"))
        if e["type"] == "call.ringing":
            open_[key] = (call["agent_id"], len(spans))
            spans.setdefault(call["agent_id"], []).append([e["feed_order"], None, call["id"]])
        elif e["type"] in ("call.offer_ended", "call.ended"):
            for agent in spans.values():
                for s in agent:
                    if s[1] is None and s[2] == call.get("id"):
                        s[1] = e["feed_order"]
    return spans


def pick(services, n, seed):
    """n services in random order, each as often as the others."""
    r = random.Random(seed)
    out = []
    while len(out) < n:
        batch = list(services)
        r.shuffle(batch)
        out += batch
    return out[:n], r
