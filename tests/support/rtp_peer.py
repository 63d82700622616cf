#!/usr/bin/env python3
"""An RTP endpoint for tests: says a tone (or silence, or digits), tells what it hears as JSON lines. Standard library only.

    rtp_peer.py --port 40000 --law pcma --hz 440 --watch 1000,500          # answers to whoever sends first (symmetric RTP)
    rtp_peer.py --to 127.0.0.1:20000 --hz 440 --digits 2.0:12# --event-pt 101
    rtp_peer.py --inband 1.5:0

Lines: {"port": n} once bound; {"t": s, "heard": [hz...], "level": rms, "packets": n} each half second; {"t": s, "digit": "5", "via":
"rfc4733"} for each key received; at the end (SIGTERM, SIGINT or --seconds) {"summary": {...}} with the share of blocks in which each
watched tone stood out, and the continuity of what came (SSRCs, gaps, steps back in time).
"""
import argparse
import json
import math
import random
import select
import signal
import socket
import struct
import sys
import time

RATE, FRAME = 8000, 160
KEYS = "0123456789*#ABCD"
LOW = {k: (697, 770, 852, 941)[i // 4] for i, k in enumerate("123A456B789C*0#D")}
HIGH = {k: (1209, 1336, 1477, 1633)[i % 4] for i, k in enumerate("123A456B789C*0#D")}


def _alaw(code):
    code ^= 0x55
    seg, step = code >> 4 & 7, code & 15
    v = (2 * step + 33) << (seg + 2) if seg else (2 * step + 1) << 3
    return v if code & 0x80 else -v


def _ulaw(code):
    code = ~code & 0xff
    seg, step = code >> 4 & 7, code & 15
    v = ((2 * step + 33) << (seg + 2)) - 132
    return -v if code & 0x80 else v


DECODE = {8: [_alaw(c) for c in range(256)], 0: [_ulaw(c) for c in range(256)]}


def _encoder(table):
    """Nearest code of every value, by the borders half way between neighbouring levels."""
    order = sorted(range(256), key=lambda c: table[c])
    out, i = bytearray(65536), 0
    for v in range(-32768, 32768):
        while i < 255 and abs(table[order[i + 1]] - v) <= abs(table[order[i]] - v):
            i += 1
        out[v + 32768] = order[i]
    return out


ENCODE = {pt: _encoder(t) for pt, t in DECODE.items()}


def rms(v):
    return math.sqrt(sum(x * x for x in v) / len(v)) if v else 0.0


def stands_out(v, hz):
    """Does this tone hold most of the block's power?"""
    level = rms(v)
    if level < 150:
        return False
    c, a, b = 2 * math.cos(2 * math.pi * hz / RATE), 0.0, 0.0
    for x in v:
        a, b = x + c * a - b, a
    power = math.sqrt(max(a * a + b * b - c * a * b, 0)) / (len(v) / 2) / math.sqrt(2)
    return power > 0.7 * level


def read_wav(path):
    """Recordings are stereo G.711 WAV, which the wave module does not read: (left, right) as 16-bit samples, for any 1 or 2 channels."""
    with open(path, "rb") as f:
        raw = f.read()
    if raw[:4] != b"RIFF" or raw[8:12] != b"WAVE":
        raise ValueError("%s is no WAV file" % path)
    at, fmt = 12, None
    while at + 8 <= len(raw):
        name, n = raw[at:at + 4], struct.unpack_from("<I", raw, at + 4)[0]
        if name == b"fmt ":
            fmt = struct.unpack_from("<HHIIHH", raw, at + 8)
        if name == b"data":
            body = raw[at + 8:at + 8 + n]
            tag, channels = fmt[0], fmt[1]
            if tag == 1:
                v = struct.unpack("<%dh" % (len(body) // 2), body[:len(body) // 2 * 2])
            else:
                table = DECODE[8 if tag == 6 else 0]
                v = [table[c] for c in body]
            return list(v[0::channels]), list(v[channels - 1::channels])
        at += 8 + n + (n & 1)
    raise ValueError("%s has no data" % path)


def share(v, hz, block=400):
    """Share (0..1) of the blocks of 50 ms in which this tone stands out."""
    blocks = [v[i:i + block] for i in range(0, len(v) - block + 1, block)]
    return sum(stands_out(b, hz) for b in blocks) / len(blocks) if blocks else 0.0


class Peer:
    """One endpoint. step() does what is due; run() repeats it until stopped."""

    def __init__(self, ip="127.0.0.1", port=0, to=None, law="pcma", hz=0.0, event_pt=101, digits=(), inband=(), watch=(), say=print, mute=False):
        self.sock = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ip, port))
        self.sock.setblocking(False)
        self.port, self.to, self.pt, self.hz, self.event_pt, self.mute = self.sock.getsockname()[1], to, 8 if law == "pcma" else 0, hz, event_pt, mute
        self.presses, self.inband, self.watch = sorted(digits), sorted(inband), list(watch)
        self.emit, self.start = say, time.monotonic()
        self.due, self.report_due = self.start, self.start + 0.5
        self.seq, self.ts, self.ssrc = random.randrange(65536), random.randrange(1 << 32), random.randrange(1 << 32)
        self.phase, self.sent, self.first = 0.0, 0, True
        self.event, self.tones = None, []           # the press under way; in-band samples still to say
        self.packets, self.ssrcs, self.gaps, self.backwards, self.blocks = 0, set(), 0, 0, 0
        self.last, self.heard, self.hits, self.keys, self.key_ts = None, [], {w: 0 for w in self.watch}, "", None
        self.stopped = False

    def now(self):
        return time.monotonic() - self.start

    # --- saying ---
    def _send(self, pt, payload, ts, marker=False):
        head = struct.pack(">BBHII", 0x80, pt | (0x80 if marker else 0), self.seq, ts & 0xffffffff, self.ssrc)
        self.seq = (self.seq + 1) & 0xffff
        self.sent += 1
        try:
            self.sock.sendto(head + payload, self.to)
        except OSError:
            pass                                    # nobody there yet

    def _samples(self):
        if self.tones:
            now, self.tones = self.tones[:FRAME], self.tones[FRAME:]
            return now + [0] * (FRAME - len(now))
        if not self.hz:
            return [0] * FRAME
        step, out = 2 * math.pi * self.hz / RATE, []
        for _ in range(FRAME):
            out.append(int(8000 * math.sin(self.phase)))
            self.phase = (self.phase + step) % (2 * math.pi)
        return out

    def _press(self):
        """One packet of the press under way: five updates, three ends, then a pause."""
        key, ts, n = self.event
        end = n >= 5
        if n < 8:
            self._send(self.event_pt, struct.pack(">BBH", KEYS.index(key), (0x80 if end else 0) | 10, min(n + 1, 5) * FRAME), ts, n == 0)
        self.event = (key, ts, n + 1) if n < 10 else None

    def _say(self):
        while self.inband and self.inband[0][0] <= self.now():
            for k in self.inband.pop(0)[1]:
                self.tones += [int(6000 * (math.sin(2 * math.pi * LOW[k] * i / RATE) + math.sin(2 * math.pi * HIGH[k] * i / RATE)))
                               for i in range(800)] + [0] * 800
        if not self.event and self.presses and self.presses[0][0] <= self.now():
            at, keys = self.presses.pop(0)
            self.event = (keys[0], self.ts, 0)
            if keys[1:]:
                self.presses.insert(0, (at, keys[1:]))
        if self.to and not self.mute:
            if self.event:
                self._press()
            else:
                code = ENCODE[self.pt]
                self._send(self.pt, bytes(code[max(-32768, min(32767, v)) + 32768] for v in self._samples()), self.ts, self.first)
                self.first = False
        self.ts += FRAME

    # --- hearing ---
    def _hear(self):
        try:
            data, source = self.sock.recvfrom(2048)
        except OSError:
            return
        if len(data) < 12 or data[0] >> 6 != 2:
            return
        _, pt, seq, ts, ssrc = struct.unpack_from(">BBHII", data)
        pt &= 0x7f
        if not self.to:
            self.to = source
        if self.last and ssrc == self.last[0]:
            self.gaps += (seq - self.last[1]) & 0xffff != 1
            self.backwards += (ts - self.last[2]) & 0x80000000 != 0
        self.last = (ssrc, seq, ts)
        self.ssrcs.add(ssrc)
        self.packets += 1
        if pt == self.event_pt and len(data) >= 16:
            if (ssrc, ts) != self.key_ts and data[12] < 16:
                self.key_ts = (ssrc, ts)
                self.keys += KEYS[data[12]]
                self.emit({"t": round(self.now(), 2), "digit": KEYS[data[12]], "via": "rfc4733"})
        elif pt in DECODE:
            table = DECODE[pt]
            self.heard += [table[c] for c in data[12:]]

    def _report(self):
        blocks = [self.heard[i:i + 400] for i in range(0, len(self.heard) - 399, 400)]
        tones = {w: sum(stands_out(b, w) for b in blocks) for w in self.watch}
        for w, n in tones.items():
            self.hits[w] += n
        self.blocks += len(blocks)
        self.emit({"t": round(self.now(), 2), "heard": [w for w, n in tones.items() if n * 2 > len(blocks)], "level": round(rms(self.heard)),
                   "packets": self.packets})
        self.heard = []

    def step(self):
        wait = max(0.0, min(self.due, self.report_due) - time.monotonic())
        if select.select([self.sock], [], [], wait)[0]:
            self._hear()
        now = time.monotonic()
        if now >= self.due:
            self.due += 0.02
            self._say()
        if now >= self.report_due:
            self.report_due += 0.5
            self._report()

    def summary(self):
        self._report()
        return {"packets_in": self.packets, "packets_out": self.sent, "ssrcs": len(self.ssrcs), "gaps": self.gaps, "backwards": self.backwards,
                "digits": self.keys, "share": {str(w): round(n / self.blocks, 3) if self.blocks else 0.0 for w, n in self.hits.items()}}

    def run(self, seconds=None):
        while not self.stopped and (seconds is None or self.now() < seconds):
            self.step()
        return self.summary()


def _timed(text):
    at, _, keys = text.partition(":")
    if not keys or any(k not in KEYS for k in keys):
        raise argparse.ArgumentTypeError("SECONDS:KEYS, as in 2.5:12#")
    return float(at), keys


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--ip", default="127.0.0.1")
    a.add_argument("--port", type=int, default=0)
    a.add_argument("--to", help="IP:PORT; without it the first sender is answered")
    a.add_argument("--law", choices=["pcma", "pcmu"], default="pcma")
    a.add_argument("--hz", type=float, default=0.0, help="tone to say; 0 = silence")
    a.add_argument("--mute", action="store_true", help="send nothing at all")
    a.add_argument("--event-pt", type=int, default=101)
    a.add_argument("--digits", type=_timed, action="append", default=[], metavar="S:KEYS", help="RFC 4733 presses, beginning at S seconds")
    a.add_argument("--inband", type=_timed, action="append", default=[], metavar="S:KEYS")
    a.add_argument("--watch", default="440,500,700,1000", help="tones to look for")
    a.add_argument("--seconds", type=float)
    o = a.parse_args()

    def say(line):
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    to = None
    if o.to:
        host, _, port = o.to.rpartition(":")
        to = (host, int(port))
    p = Peer(o.ip, o.port, to, o.law, o.hz, o.event_pt, o.digits, o.inband, [int(w) for w in o.watch.split(",") if w], say, o.mute)

    def stop(_signal, _frame):
        p.stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    say({"port": p.port})
    say({"summary": p.run(o.seconds)})


if __name__ == "__main__":
    main()
