"""SIP people for the demo and the end-to-end tests: a baresip phone (registers, answers, dials, hears and is heard) under control.

Only the standard library. Every wait is for an event of the phone, with a deadline.
"""
import json
import math
import os
import random
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import wave


def free_port(kind=socket.SOCK_STREAM, host="127.0.0.1"):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def sip_port(host="127.0.0.1"):
    """A port for a phone: free for UDP and TCP, with the next one free for TLS; below the range from which the system gives ports."""
    while True:
        port = random.randrange(10000, 19998, 2)
        try:
            for kind, p in ((socket.SOCK_DGRAM, port), (socket.SOCK_STREAM, port), (socket.SOCK_STREAM, port + 1)):
                with socket.socket(socket.AF_INET, kind) as s:
                    s.bind((host, p))
            return port
        except OSError:
            continue


def tone_wav(path, hz, seconds=60, rate=8000, level=0.3):
    """A WAV file with one steady tone: who hears this frequency hears this person."""
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(rate)
        second = b"".join(struct.pack("<h", int(32767 * level * math.sin(2 * math.pi * hz * i / rate))) for i in range(rate))
        w.writeframes(second * int(seconds))      # whole Hz: seconds join without a click
    return path


def _goertzel(samples, hz, rate):
    c = 2 * math.cos(2 * math.pi * hz / rate)
    a = b = 0.0
    for x in samples:
        a, b = x + c * a - b, a
    return math.sqrt(max(a * a + b * b - c * a * b, 0)) / max(len(samples), 1)


def tone_share(path, hz, channel=0):
    """Share of the file's blocks of 100 ms in which this tone clearly stands out (0..1)."""
    with wave.open(str(path), "rb") as w:
        n, rate, chans, width = w.getnframes(), w.getframerate(), w.getnchannels(), w.getsampwidth()
        raw = w.readframes(n)
    return _share(raw, rate, chans, width, hz, channel)


def _share(raw, rate, chans, width, hz, channel):
    if width != 2 or not raw:
        return 0.0
    v = struct.unpack("<%dh" % (len(raw) // 2), raw)[channel::chans]
    block, hit, total = rate // 10, 0, 0
    for i in range(0, len(v) - block, block):
        b = v[i:i + block]
        rms = math.sqrt(sum(x * x for x in b) / block)
        total += 1
        if rms > 150 and _goertzel(b, hz, rate) > 0.5 * rms:
            hit += 1
    return hit / total if total else 0.0


class Baresip:
    """One phone. answer: 'auto', 'manual' (rings for ever); user/password None: no registration."""

    def __init__(self, user, server, password=None, port=None, host="127.0.0.1", answer="auto", hz=None, codecs="pcma,pcmu",
                 register_s=60, register=True, tone_s=60):
        self.dir = tempfile.mkdtemp(prefix="phone-")
        self.user, self.server, self.events = user, server, []
        self.cond = threading.Condition()
        said = tone_wav(os.path.join(self.dir, "said.wav"), hz or 440, tone_s if hz else 1, level=0.3 if hz else 0.0)
        self.port = port or sip_port(host)
        ctrl = free_port()
        with open(os.path.join(self.dir, "config"), "w", encoding="utf-8") as f:
            f.write(f"""poll_method epoll
sip_listen {host}:{self.port}
net_interface {host}
audio_player aubridge,{self.dir}
audio_source aufile,{said}
audio_alert nil,nil
ausrc_srate 8000
auplay_srate 8000
audio_buffer 20-160
rtp_stats no
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
snd_path {self.dir}
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{ctrl}
""")
        with open(os.path.join(self.dir, "accounts"), "w", encoding="utf-8") as f:
            reg = f";auth_user={user};auth_pass={password};regint={register_s}" if password and register else ";regint=0"
            f.write(f"<sip:{user}@{server}>{reg};answermode={answer};audio_codecs={codecs}\n")
        open(os.path.join(self.dir, "contacts"), "w").close()
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.proc = subprocess.Popen(["baresip", "-f", self.dir], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.sock = self._connect(ctrl)
        threading.Thread(target=self._read, daemon=True).start()
        if password and register:
            self._registered(within=10)

    def _registered(self, within):
        """The first registration may be through before the control connection stands: the phone's log has it either way."""
        end, pause = time.monotonic() + within, threading.Event()
        while not (self.seen("REGISTER_OK") or "binding]" in self.text()):
            if time.monotonic() > end or self.seen("REGISTER_FAIL"):
                text = self.text()[-600:]
                self.close()
                raise AssertionError(f"phone {self.user} could not register: {text}")
            pause.wait(0.05)

    def _connect(self, port):
        end = time.monotonic() + 10
        wait = threading.Event()
        while time.monotonic() < end:
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=2)
            except OSError:
                if self.proc.poll() is not None:
                    raise RuntimeError("baresip ended: " + self.text()) from None
                wait.wait(0.05)
        raise RuntimeError("baresip does not answer on its control port")

    def _read(self):
        buf = b""
        self.sock.settimeout(None)
        while True:
            try:
                d = self.sock.recv(65536)
            except OSError:
                d = b""
            if not d:
                with self.cond:
                    self.events.append({"type": "GONE"})
                    self.cond.notify_all()
                return
            buf += d
            while b":" in buf:
                n, rest = buf.split(b":", 1)
                n = int(n)
                if len(rest) < n + 1:
                    break
                m = json.loads(rest[:n].decode("utf-8", "replace"))
                buf = rest[n + 1:]
                with self.cond:
                    self.events.append(m)
                    self.cond.notify_all()

    def text(self):
        with open(os.path.join(self.dir, "log"), "r", errors="replace") as f:
            return f.read()

    def command(self, name, params=""):
        m = json.dumps({"command": name, "params": params}).encode()
        self.sock.sendall(str(len(m)).encode() + b":" + m + b",")

    def seen(self, kind):
        return [e for e in self.events if e.get("type") == kind]

    def expect(self, kind, within=5.0, count=1):
        """Wait until count events of this type were seen (since the phone started)."""
        end = time.monotonic() + within
        with self.cond:
            while len(self.seen(kind)) < count:
                left = end - time.monotonic()
                if left <= 0 or (self.events and self.events[-1].get("type") == "GONE"):
                    raise AssertionError(f"phone {self.user}: no {kind} within {within} s; saw "
                                         f"{[e.get('type') for e in self.events]}")
                self.cond.wait(left)
            return self.seen(kind)[count - 1]

    def dial(self, number):
        self.command("dial", f"sip:{number}@{self.server}")

    def press(self, digits):
        for d in digits:
            self.command("sndcode", d)

    def answer(self):
        self.command("accept")

    def hangup(self):
        self.command("hangup")

    def stop(self, kill=False):
        if self.proc.poll() is None:
            if kill:
                self.proc.kill()
            else:
                self.proc.terminate()
            try:
                self.proc.wait(5)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
        self.log.close()

    def close(self):
        self.stop()
        self.sock.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def heard_file(self, call=-1):
        """The WAV file of what this phone heard in its n-th call (the newest by default); still growing while the call lasts."""
        names = sorted((n for n in os.listdir(self.dir) if n.startswith("dump-") and n.endswith("-dec.wav")),
                       key=lambda n: os.path.getmtime(os.path.join(self.dir, n)))
        if not names:
            raise AssertionError(f"phone {self.user} has heard nothing yet")
        return os.path.join(self.dir, names[call])

    def heard_share(self, hz, call=-1):
        """Share of what this phone heard that is this tone (the header is written at the end: the samples are read raw)."""
        with open(self.heard_file(call), "rb") as f:
            raw = f.read()[44:]
        return _share(raw[: len(raw) // 2 * 2], 8000, 1, 2, hz, 0)
