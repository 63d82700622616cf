#!/usr/bin/env python3
"""Benches of whole calls: a fresh centre (`yc up --profile bench`) for each run, sipp as callers and agents, CPU of every process of the centre
(supervisor, bus and Redis included). Each figure is one JSON line on stdout, what happens meanwhile goes to stderr.

  call.py out/release [NAME ...] [--pcap]     NAME: call.queue call.rate call.media call.recorded call.idle_gap mem.burst

A run counts only if the books agree: as many calls in report and in crm as were made, as many handled by agents in Redis as were answered.
--pcap compares the gateway's own idle gaps with a capture of the loopback device."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
DRIVER = os.path.join(HERE, "load", "bench.py")
AGENT_URI = "sip:agent%d@127.0.0.3:5070"
SIP = os.environ.get("BENCH_SIP", "127.0.0.2:5060")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))


class Unequal(Exception):
    """The books of a run do not agree."""


def note(*a):
    print(*a, file=sys.stderr, flush=True)


def figure(name, value, unit, n, peer=None, peer_value=None, **more):
    ratio = round(value / peer_value, 3) if peer_value else None
    print(json.dumps({"name": name, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value, "ratio": ratio, "n": n, **more},
                     ensure_ascii=False), flush=True)


def name_of(pid):
    with open(f"/proc/{pid}/comm") as f:
        return f.read().strip()


def memory(pids):
    """Resident MiB of these processes."""
    kib = 0
    for p in pids:
        with open(f"/proc/{p}/status") as f:
            kib += next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    return kib / 1024


class BenchCentre:
    """A centre of the bench profile in a temporary home, and its books."""

    def __init__(self, agents, env=None):
        from centre import Centre, until
        self.until, self.made, self.served = until, 0, 0
        self.c = Centre("bench", env=env, args=["--agents", str(agents)])
        self.c.env["YC_SIP"] = SIP
        try:
            self.begin(agents)
        except BaseException:
            self.c.close()
            raise

    def begin(self, agents):
        self.c.start()
        self.c.yc("admin", "create", "bench", "--password", "bench-Passw0rd-1")
        self.api = self.c.api("bench", "bench-Passw0rd-1")
        self.until(lambda: sum(q["ready"] for q in self.api.get("/v1/queues/live")["data"]) == agents, 60, "all agents are ready")
        self.pids = [int(p) for p in self.c.yc("status", "--pids").stdout.strip().split(",")]
        self.idle = memory(self.pids)
        self.idle_of = {p: memory([p]) for p in self.pids}
        time.sleep(2)                             # what starting leaves behind: checkpoints, the last events

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if os.environ.get("KEEP"):
            note("home kept:", self.c.home)
            self.c.stop()
        else:
            self.c.close()

    def load(self, *args):
        """One run of the driver; its calls are entered in the books."""
        out = [drive(self.pids, *args)] if args[0] != "rate" else drive_all(self.pids, *args)
        self.made += sum(o["calls"] for o in out)
        self.served += sum(o["ok"] for o in out)
        return out[0]

    def redis(self):
        """Calls handled, summed over the agents as Redis knows them."""
        def ask(*words):
            return subprocess.run(["redis-cli", "-s", f"{self.c.home}/run/redis.sock", *words], capture_output=True, text=True, check=True).stdout
        total = 0
        for key in ask("--scan", "--pattern", "yc:*:agent:*").split():
            total += int(ask("HGET", key, "more").split("\t")[2])
        return total

    def crm(self):
        total, after = 0, ""
        while True:
            page = self.api.get(f"/v1/customers?limit=100{'&starting_after=' + after if after else ''}")
            total += sum(c["contacts"] for c in page["data"])
            if not page["has_more"]:
                return total
            after = page["next_cursor"]

    def balance(self):
        """Raises Unequal when report, crm or Redis has another number of calls than was made."""
        def report():
            r = self.api.get("/v1/reports/count")
            return r["calls"], r["answered"]
        try:
            self.until(lambda: report()[0] >= self.made, 30, "report has all calls", every=0.3)
        except AssertionError:
            pass
        have = {"made": self.made, "served": self.served, "report": report()[0], "answered": report()[1], "crm": self.crm(), "redis": self.redis()}
        if have["report"] != self.made or have["crm"] != self.made or not self.served <= have["answered"] == have["redis"]:
            raise Unequal(have)
        note("   books agree:", have)


def drive_all(pids, *args):
    r = subprocess.run([sys.executable, DRIVER, *map(str, args), "--server", SIP, "--pid", ",".join(map(str, pids))], capture_output=True, text=True)
    out = [json.loads(line) for line in r.stdout.splitlines() if line.startswith("{")]
    if not out:
        raise RuntimeError(f"the driver said nothing: {r.stderr[-800:]}")
    note("  ", json.dumps({k: out[0].get(k) for k in ("cps", "calls", "ok", "cpu_ms_per_call", "cpu_pct_per_100", "machine_busy_s", "wall_s", "agent_retrans",
                                                     "caller_retrans")}))
    return out


def drive(pids, *args):
    return drive_all(pids, *args)[0]


class Peer:
    """The bare back-to-back user agent, for calibration."""

    def __init__(self, out, agents):
        self.p = subprocess.Popen([os.path.join(out, "tests", "bench", "peer_b2bua"), f"sip:{SIP}", AGENT_URI, str(agents)])
        time.sleep(0.5)

    def __enter__(self):
        return [self.p.pid]

    def __exit__(self, *_):
        self.p.terminate()
        self.p.wait()


# --- the benches -------------------------------------------------------------------------------------------------------------------------

def queue(a):
    ours, peers, busy = [], [], []
    for _ in range(ROUNDS):
        with BenchCentre(200) as c:
            o = c.load("rate", "--rates", 40, "--secs", 12)
            c.balance()
            ours.append(o["cpu_ms_per_call"])
            busy.append(o["machine_busy_s"] / o["wall_s"] * 50)
        with Peer(a.out, 200) as pids:
            peers.append(drive(pids, "rate", "--rates", 40, "--secs", 12)["cpu_ms_per_call"])
    figure("call.queue", statistics.median(ours), "CPU-ms per queue call at 40/s, all processes", 480 * ROUNDS, "bare sofia-sip B2BUA",
           statistics.median(peers), least=min(ours), machine_busy_pct=round(min(busy)))


def rate(a):
    secs = 12
    with BenchCentre(400) as c:
        o = c.load("rate", "--rates", 130, "--secs", secs)
        c.balance()
        figure("call.rate", o["ok_pct"], "% of calls complete at 130/s", o["calls"], cpu_ms_per_call=o["cpu_ms_per_call"],
               calls_per_s=round(o["calls"] / secs), retransmissions=(o["caller_retrans"] or 0) + (o["agent_retrans"] or 0))


def media_of(name, ext):
    with BenchCentre(110) as c:
        o = c.load("media", "--ext", ext, "--calls", 100, "--hold", 36)
        c.balance()
        figure(name, o["cpu_pct_per_100"], "% of a core per 100 bridged calls", o["calls"], udp_err=o["udp_err"], datagrams_per_call_s=o["udp_in_per_call_s"])
        figure("mem." + name.partition(".")[2], o["rss_kib_per_call"], "KiB resident per bridged call", o["calls"], anonymous=o["anon_kib_per_call"])


def media(a):
    media_of("call.media", 11185)


def recorded(a):
    media_of("call.recorded", 11186)


def percentile(v, p):
    v = sorted(v)
    return v[min(len(v) - 1, int(len(v) * p / 100))]


def idle_gap(a):
    capture = Capture() if a.pcap else None
    with BenchCentre(10, {"YC_TRACE_GAP": "yes"}) as c:
        o = c.load("drain", "--agents", 10, "--calls", 200, "--ext", 11189)
        c.balance()
        with open(f"{c.c.home}/gateway/idle_gap.txt") as f:
            rows = [line.split() for line in f]
    own = [(e, int(us) / 1000) for e, us in rows]
    ms = [v for _, v in own]
    figure("call.idle_gap", round(percentile(ms, 99), 2), "ms p99, agent's BYE to his next INVITE", len(ms), p50=round(percentile(ms, 50), 2),
           max=round(max(ms), 2), occupancy_pct=o["occupancy_pct"])
    if capture:
        compare(own, capture.gaps())


def burst(a):
    """What a burst of calls leaves in memory after a minute."""
    n = int(os.environ.get("BURST", "3000"))
    with BenchCentre(300) as c:
        o = c.load("rate", "--rates", 100, "--secs", n // 100)
        c.balance()
        time.sleep(60)
        figure("mem.burst", round(100 * memory(c.pids) / c.idle - 100, 1), "% resident above idle, 60 s after a burst", o["calls"],
               idle_mib=round(c.idle, 1), peak_mib=o["peak_rss_mib"], after_mib=round(memory(c.pids), 1),
               grown_mib={name_of(p): round(memory([p]) - c.idle_of[p], 1) for p in c.pids})


# --- the capture --------------------------------------------------------------------------------------------------------------------------

class Capture:
    """SIP between the centre and the agents as the loopback device carries it."""

    def __init__(self):
        self.file = os.path.join(tempfile.mkdtemp(prefix="pcap-"), "sip.pcapng")
        self.p = subprocess.Popen(["dumpcap", "-q", "-i", "lo", "-f", "udp port 5070", "-w", self.file], stderr=subprocess.DEVNULL)
        time.sleep(1)

    def gaps(self):
        """[(extension, ms)] from each BYE of an agent to the next INVITE to him."""
        time.sleep(1)
        self.p.terminate()
        self.p.wait()
        t = subprocess.run(["tshark", "-r", self.file, "-d", "udp.port==5070,sip", "-Y", "sip.Method", "-T", "fields", "-e", "frame.time_epoch", "-e",
                            "sip.Method", "-e", "sip.r-uri.user", "-e", "sip.Call-ID", "-e", "ip.src"], capture_output=True, text=True, check=True).stdout
        shutil.rmtree(os.path.dirname(self.file), ignore_errors=True)
        who, freed, out, seen = {}, {}, [], set()
        for line in t.splitlines():
            at, method, user, call, src = line.split("\t")
            if (method, call) in seen:                # a retransmission
                continue
            seen.add((method, call))
            if method == "INVITE":
                agent = who[call] = user.removeprefix("agent")
                if agent in freed:
                    out.append(("7" + agent, (float(at) - freed.pop(agent)) * 1000))
            elif method == "BYE" and src == "127.0.0.3":
                freed[who[call]] = float(at)
        return out


def compare(own, wire):
    """Gap by gap, in each agent's order."""
    def by_agent(rows):
        d = {}
        for e, v in rows:
            d.setdefault(e, []).append(v)
        return d
    o, w = by_agent(own), by_agent(wire)
    pairs = [(x, y) for e in o for x, y in zip(o[e], w.get(e, []))]
    off = [y - x for x, y in pairs]
    figure("call.idle_gap.pcap", round(percentile([v for _, v in wire], 99), 2), "ms p99 in a capture of the loopback device", len(wire),
           "gateway's own timestamps", round(percentile([v for _, v in own], 99), 2), pairs=len(pairs), mean_difference_ms=round(statistics.mean(off), 3),
           greatest_difference_ms=round(max(map(abs, off)), 3), same_number=len(own) == len(wire))


BENCHES = {"call.queue": queue, "call.rate": rate, "call.media": media, "call.recorded": recorded, "call.idle_gap": idle_gap, "mem.burst": burst}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("names", nargs="*")
    p.add_argument("--pcap", action="store_true")
    a = p.parse_args()
    os.environ["YC_BIN"] = os.path.join(os.path.abspath(a.out), "bin")
    sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
    bad = 0
    for name in a.names or BENCHES:
        note(f"-- {name}")
        try:
            BENCHES[name](a)
        except Unequal as e:
            bad = 1
            note(f"   FAILED: the books do not agree: {e}")
        except (AssertionError, RuntimeError, OSError, KeyError, subprocess.SubprocessError) as e:
            bad = 1
            note(f"   FAILED: {type(e).__name__}: {e}")
    return bad


if __name__ == "__main__":
    sys.exit(main())
