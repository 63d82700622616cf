"""A whole centre in a temporary home: started by `yc up`, driven by REST, watched by its push stream. Standard library only."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "deploy", "demo"))
from peers import Baresip, free_port  # noqa: E402

BIN = os.environ.get("YC_BIN", os.path.join(ROOT, "out", "release", "bin"))
PASSWORD = "yichuang-demo"


class HttpError(AssertionError):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Api:
    """One person's (or key's) view of the REST interface."""

    def __init__(self, host, port, token=None):
        self.host, self.port, self.token = host, port, token

    def call(self, method, path, body=None, headers=None, raw=False, timeout=15):
        h = {"Accept": "application/json"}
        if self.token:
            h["Authorization"] = "Bearer " + self.token
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            h["Content-Type"] = "application/json"
        if method in ("POST", "PATCH", "PUT"):
            h["Idempotency-Key"] = uuid.uuid4().hex
        h.update(headers or {})
        c = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            c.request(method, path, data, h)
            r = c.getresponse()
            text = r.read()
        finally:
            c.close()
        if raw:
            return r, text
        if r.status >= 400:
            raise HttpError(r.status, text.decode("utf-8", "replace"))
        out = json.loads(text) if text else {}
        if isinstance(out, dict) and r.getheader("ETag"):
            out["_etag"] = r.getheader("ETag")
        return out

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None, **kw):
        return self.call("POST", path, body if body is not None else {}, **kw)

    def put(self, path, body, **kw):
        return self.call("PUT", path, body, **kw)

    def log_in(self, login, password=PASSWORD):
        s = self.call("POST", "/v1/sessions", {"login": login, "password": password})
        return Api(self.host, self.port, s["token"])


class Stream:
    """The push stream as a list that grows; expect() waits for an event instead of sleeping."""

    def __init__(self, api):
        self.events, self.cond, self.closed = [], threading.Condition(), False
        self.conn = http.client.HTTPConnection(api.host, api.port, timeout=60)
        self.conn.request("GET", "/v1/stream", headers={"Authorization": "Bearer " + api.token, "Accept": "text/event-stream"})
        self.resp = self.conn.getresponse()
        assert self.resp.status == 200, self.resp.read()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        data = []
        try:
            for line in self.resp:
                line = line.decode().rstrip("\r\n")
                if line.startswith("data:"):
                    data.append(line[5:].strip())
                elif not line and data:
                    with self.cond:
                        self.events.append(json.loads("\n".join(data)))
                        self.cond.notify_all()
                    data = []
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass
        with self.cond:
            self.closed = True
            self.cond.notify_all()

    def expect(self, kind, within=10.0, **match):
        """First event of this type whose data (or top level) has these values; returns it."""
        def fits(e):
            if e.get("type") != kind:
                return False
            flat = {**e, **_flat(e.get("data") or {})}
            return all(flat.get(k) == v for k, v in match.items())
        end = time.monotonic() + within
        with self.cond:
            while True:
                for e in self.events:
                    if fits(e):
                        return e
                left = end - time.monotonic()
                assert left > 0, f"no {kind} {match} within {within} s; saw {[(e.get('type'), e.get('key')) for e in self.events][-30:]}"
                assert not self.closed, f"the stream ended while waiting for {kind}"
                self.cond.wait(left)

    def all(self, kind):
        with self.cond:
            return [e for e in self.events if e.get("type") == kind]

    def close(self):
        self.conn.close()


def _flat(d, out=None):
    """Values of nested objects by their last name: enough to match on 'call_id' wherever it stands."""
    out = {} if out is None else out
    for k, v in d.items():
        if isinstance(v, dict):
            _flat(v, out)
        else:
            out.setdefault(k, v)
    return out


def until(cond, within=10.0, what="condition", every=0.05):
    """For what gives no event: poll with a deadline. Returns the truthy value."""
    end = time.monotonic() + within
    wait = threading.Event()
    while True:
        v = cond()
        if v:
            return v
        assert time.monotonic() < end, f"{what} not within {within} s"
        wait.wait(every)


class Centre:
    def __init__(self, profile="demo", home=None, env=None, args=()):
        self.home = home or tempfile.mkdtemp(prefix="yc-")
        self.http, self.sip = free_port(), free_port(socket.SOCK_DGRAM)
        self.profile, self.args = profile, list(args)
        self.env = dict(os.environ, YC_HOME=self.home, YC_HTTP=f"127.0.0.1:{self.http}", YC_SIP=f"127.0.0.1:{self.sip}", **(env or {}))
        self.phones, self.streams = [], []
        self.closing = threading.Event()

    def yc(self, *args, check=True, within=60, **kw):
        r = subprocess.run([os.path.join(BIN, "yc"), *args], env=self.env, capture_output=True, text=True, timeout=within, **kw)
        assert not check or r.returncode == 0, f"yc {' '.join(args)}: {r.returncode}\n{r.stdout}\n{r.stderr}"
        return r

    def start(self):
        self.yc("up", "--profile", self.profile, "--detach", *self.args)
        return self

    def status(self):
        return json.loads(self.yc("status", "--json").stdout)

    def pid(self, service):
        return next(int(p["pid"]) for p in self.status()["processes"] if p["name"] == service)

    def kill(self, service, sig=signal.SIGKILL):
        """kill -9 by default; returns the pid that died. The supervisor restarts it."""
        pid = self.pid(service)
        os.kill(pid, sig)
        return pid

    def wait_back(self, service, old_pid, within=15):
        """The service runs again under another pid and is healthy."""
        return until(lambda: any(p["name"] == service and int(p["pid"]) not in (0, old_pid) and p.get("health") in ("ready", "ok", "")
                                 for p in self.status()["processes"]), within, f"{service} back")

    def api(self, login=None, password=PASSWORD):
        a = Api("127.0.0.1", self.http)
        return a.log_in(login, password) if login else a

    def stream(self, api):
        s = Stream(api)
        self.streams.append(s)
        return s

    def phone(self, ext, **kw):
        p = Baresip(ext, f"127.0.0.1:{self.sip}", password=f"phone-{ext}", **kw)
        self.phones.append(p)
        return p

    def caller(self, number="13888001234", **kw):
        p = Baresip(number, f"127.0.0.1:{self.sip}", **kw)
        self.phones.append(p)
        return p

    def seat(self, login, ext, ready=True, **phone):
        """A person with a registered phone who has taken a seat: (api, phone)."""
        p = self.phone(ext, **phone)
        a = self.api(login)
        a.put("/v1/agent/session", {"extension": ext, "channels": ["voice"], "ready": ready})
        threading.Thread(target=self._renew, args=(a,), daemon=True).start()
        return a, p

    def _renew(self, api):
        """What the console does every 10 s: the seat's lease. A refusal means that the seat was left."""
        while not self.closing.wait(8):
            try:
                r, _ = api.call("POST", "/v1/agent/session/renew", {}, raw=True)
                if r.status in (401, 403, 404, 409):
                    return
            except OSError:
                pass

    def log(self, service, lines=60):
        try:
            with open(os.path.join(self.home, "log", service + ".log"), errors="replace") as f:
                return "".join(f.readlines()[-lines:])
        except OSError as e:
            return str(e)

    def stop(self):
        self.closing.set()
        for s in self.streams:
            s.close()
        for p in self.phones:
            p.close()
        self.phones, self.streams = [], []
        self.yc("down", check=False)

    def close(self):
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)
