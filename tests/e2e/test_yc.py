"""The yc command: a centre goes up, is looked at, survives deaths, is backed up and restored, and goes down. No SIP calls here."""
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading

import pytest

from centre import BIN, Centre, HttpError, until

CORE = "directory,ticket,crm"


@pytest.fixture(scope="module")
def core():
    """Only the services that need neither SIP nor HTTP: quick to start."""
    c = Centre(env={"YC_SERVICES": CORE}).start()
    yield c
    c.close()


@pytest.fixture
def fresh():
    made = []

    def make(**kw):
        c = Centre(env={"YC_SERVICES": CORE}, **kw)
        made.append(c)
        return c
    yield make
    for c in made:
        c.close()


def alive(pid):
    """A process that runs; a zombie does not."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as f:
        f.write(text)
    return path


def quietly(fn):
    try:
        return fn()
    except HttpError:
        return None


def log_in(c, login="zhangwei"):
    return quietly(lambda: c.api(login))


def pids(c):
    return [int(p) for p in c.yc("status", "--pids").stdout.strip().split(",")]


def test_up_starts_everything_and_status_shows_it(core):
    s = core.status()
    assert s["running"] and s["profile"] == "demo" and s["site"] == "yn"
    names = [p["name"] for p in s["processes"]]
    assert names == ["redis", "bus", "directory", "crm", "ticket"]
    assert all(p["state"] == "running" and p["health"] == "ready" and p["pid"] > 0 for p in s["processes"])
    assert set(pids(core)) == {s["pid"]} | {p["pid"] for p in s["processes"]}
    assert all(alive(p) for p in pids(core))
    table = core.yc("status").stdout
    assert "directory" in table and "ready" in table
    assert core.yc("health", "ticket").returncode == 0


def test_the_home_is_private_and_the_demo_data_is_there(core):
    assert os.stat(core.home).st_mode & 0o777 == 0o700
    r = core.yc("import", os.path.join(BIN, "../share/demo/10-org.yaml"))
    assert "0 created, 0 updated" in r.stdout and "0 errors" in r.stdout


def test_a_second_up_on_the_same_home_is_refused(core):
    r = core.yc("up", check=False)
    assert r.returncode == 1 and "already running" in r.stderr and str(core.status()["pid"]) in r.stderr


@pytest.mark.parametrize("service", ["ticket", "directory", "bus", "redis"])
def test_a_killed_process_is_started_again_and_becomes_ready(core, service):
    old = core.kill(service)
    core.wait_back(service, old)
    p = next(p for p in core.status()["processes"] if p["name"] == service)
    assert p["restarts"] >= 1
    until(lambda: all(p["health"] == "ready" for p in core.status()["processes"]), 15, "everything ready again")
    assert core.yc("health", "ticket").returncode == 0


def test_what_keeps_dying_is_restarted_ever_more_slowly(core):
    """Back-off: five kills in a row take longer than five times the first pause."""
    for _ in range(5):
        old = until(lambda: core.pid("crm"), 10, "crm has a pid")
        core.kill("crm")
        until(lambda: core.pid("crm") not in (0, old), 10, "crm again")
    log = core.log("yc")
    pauses = [int(line.rsplit("restarting in ", 1)[1].split()[0]) for line in log.splitlines() if line.startswith("crm ") and "restarting in" in line]
    assert pauses[-5:] == sorted(pauses[-5:]) and pauses[-1] >= 800, pauses
    core.wait_back("crm", 0)


def test_logs_are_shown(core):
    assert "yn.ticket.1 is up" in core.yc("logs", "ticket", "-n", "5000").stdout
    assert core.yc("logs", "nothing", check=False).returncode == 1
    merged = core.yc("logs").stdout
    assert "directory " in merged and "ticket " in merged


def test_an_import_error_names_file_line_and_field(core, tmp_path):
    f = write(tmp_path, "x.yaml", "# 流程\nkind: process\ncode: x\nname: 测试\nsteps:\n  - {code: a, name: A, holder: centre, target: 1h}\n"
              "  - code: b\n    name: B\n    holder: nobody\n    target: 1h\n---\nkind: service\ncode: s\nname: S\nprocess: x\ncolour: red\ntarget: 8h\n")
    r = core.yc("import", str(tmp_path), check=False)
    assert r.returncode == 1
    assert f"{f}:9: steps.1.holder: " in r.stderr
    assert f"{f}:16: colour: " in r.stderr
    assert "2 errors" in r.stdout


def test_yaml_that_cannot_be_read_imports_nothing(core, tmp_path):
    write(tmp_path, "a.yaml", "kind: skill\ncode: never\nname: 不应导入\n")
    bad = write(tmp_path, "b.yaml", "kind: skill\ncode: [x\n")
    twice = write(tmp_path, "c.yaml", "kind: skill\ncode: y\ncode: z\n")
    none = write(tmp_path, "d.yaml", "---\nkind: skil\ncode: y\n")
    r = core.yc("import", str(tmp_path), check=False)
    assert r.returncode == 1 and "nothing was imported" in r.stderr
    assert f"{bad}:3: " in r.stderr and f"{twice}:3: code: given twice" in r.stderr and f"{none}:2: kind: no such kind" in r.stderr
    r = core.yc("import", "--dry-run", os.path.join(tmp_path, "a.yaml"))
    assert "1 created" in r.stdout


def test_a_dry_run_shows_the_difference_and_changes_nothing(core, tmp_path):
    f = write(tmp_path, "a.yaml", "kind: skill\ncode: t-dry\nname: 试\n")
    for _ in range(2):
        r = core.yc("import", "--dry-run", f)
        assert "+ skill t-dry" in r.stdout and "1 created" in r.stdout
    assert "1 created" in core.yc("import", f).stdout
    write(tmp_path, "a.yaml", "kind: skill\ncode: t-dry\nname: 改\n")
    r = core.yc("import", "--dry-run", f)
    assert "~ skill t-dry" in r.stdout and "试" in r.stdout and "改" in r.stdout
    assert "1 updated" in core.yc("import", f).stdout
    assert "1 unchanged" in core.yc("import", f).stdout


def test_files_may_be_in_any_order_and_numbers_may_stand_without_quotes(core, tmp_path):
    write(tmp_path, "1.yaml", "kind: person\nstaff_no: 7771\nname: 张三\norg: t-sub\nroles: [agent]\nactive: yes\n")
    write(tmp_path, "2.yaml", "kind: org\ncode: t-sub\nparent: t-top\nname: 下级\ntype: team\n---\n"
          "kind: org\ncode: t-top\nparent: center\nname: 上级\ntype: department\n")
    r = core.yc("import", str(tmp_path))
    assert "3 created" in r.stdout
    assert r.stdout.index("org t-top") < r.stdout.index("org t-sub") < r.stdout.index("person 7771")


def test_the_first_administrator_is_made_with_a_password_from_stdin(fresh):
    c = fresh(profile="prod").start()
    r = c.yc("admin", "create", "root1", check=False, input="")
    assert r.returncode == 1 and "password" in r.stderr
    r = c.yc("admin", "create", "root1", "--name", "管理员", input="a-long-password-1\n")
    assert "root1" in r.stdout and "prs_" in r.stdout
    r = c.yc("admin", "create", "root2", check=False, input="a-long-password-2\n")
    assert r.returncode == 1 and "administrator" in r.stderr


def test_doctor_finds_a_taken_port_and_names_who_has_it(fresh):
    c = fresh()
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    port = s.getsockname()[1]
    c.env["YC_HTTP"] = f"127.0.0.1:{port}"
    r = c.yc("doctor", check=False)
    s.close()
    assert r.returncode == 1
    line = next(x for x in r.stdout.splitlines() if f"127.0.0.1:{port}/tcp" in x)
    assert "已被占用" in line and "taken" in line and f"pid {os.getpid()}" in line
    assert "处理" in r.stdout and "cure" in r.stdout
    ok = c.yc("doctor", check=False)
    assert f"127.0.0.1:{port}/tcp 可用" in ok.stdout


def test_doctor_finds_a_wrong_permission_and_a_damaged_store(fresh):
    c = fresh()
    os.chmod(c.home, 0o755)
    r = c.yc("doctor", check=False)
    assert r.returncode == 1 and f"chmod 700 '{c.home}'" in r.stdout
    os.chmod(c.home, 0o700)
    os.mkdir(os.path.join(c.home, "data"), 0o700)
    write(os.path.join(c.home, "data"), "ticket.db", "this is no store " * 1000)
    r = c.yc("doctor", check=False)
    assert r.returncode == 1 and "ticket.db" in r.stdout and "yc restore" in r.stdout


def test_doctor_finds_a_missing_program(fresh, tmp_path):
    c = fresh()
    shutil.copy(os.path.join(BIN, "yc"), tmp_path)
    shutil.copy(os.path.join(BIN, "yc-bus"), tmp_path)
    r = subprocess.run([os.path.join(tmp_path, "yc"), "doctor"], env=c.env, capture_output=True, text=True, timeout=30)
    assert r.returncode == 1 and "yc-directory 不存在 / is missing" in r.stdout and "yc-bus 不存在" not in r.stdout
    r = subprocess.run([os.path.join(tmp_path, "yc"), "up"], env=c.env, capture_output=True, text=True, timeout=30)
    assert r.returncode == 1 and "yc-directory" in r.stderr


def test_a_path_too_long_for_sockets_is_refused_at_once(fresh):
    c = fresh()
    r = c.yc("up", "--home", os.path.join(c.home, "x" * 100), check=False)
    assert r.returncode == 1 and "107" in r.stderr and "--home" in r.stderr


def test_down_stops_everything_within_ten_seconds_and_nothing_is_left(fresh):
    c = fresh().start()
    all_pids = pids(c)
    r = c.yc("down", within=12)
    assert "stopped" in r.stdout
    until(lambda: not any(alive(p) for p in all_pids), 1, "every process gone")
    assert c.yc("status", check=False).returncode == 3
    assert json.loads(c.yc("status", "--json", check=False).stdout) == {"running": False, "processes": []}
    assert "not running" in c.yc("down").stdout


def test_a_killed_supervisor_leaves_no_orphans_and_starts_again_on_its_data(fresh):
    c = fresh().start()
    supervisor, *children = pids(c)
    os.kill(supervisor, signal.SIGKILL)
    until(lambda: not any(alive(p) for p in children), 10, "children gone")
    c.start()
    assert "0 created" in c.yc("import", os.path.join(BIN, "../share/demo/10-org.yaml")).stdout


def test_sigterm_in_the_foreground_stops_cleanly(fresh):
    c = fresh()
    p = subprocess.Popen([os.path.join(BIN, "yc"), "up"], env=c.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    for line in p.stdout:
        said.append(line)
        if "ready" in line:
            break
    assert any("ready: http://" in s for s in said), said
    all_pids = pids(c)
    p.send_signal(signal.SIGTERM)
    assert p.wait(12) == 0
    assert not any(alive(x) for x in all_pids)
    p.stdout.close()


def test_a_backup_brings_everything_back(fresh, tmp_path):
    c = fresh()
    c.env["YC_SERVICES"] += ",api"
    c.start()
    order = {"service": "express-trace", "subject": "EMS 逾期未妥投", "customer_phone": "13888001234"}
    first = until(lambda: log_in(c), 20, "passwords are hashed").post("/v1/orders", order)
    file = os.path.join(tmp_path, "centre.tgz")
    c.yc("import", write(tmp_path, "a.yaml", "kind: skill\ncode: t-before\nname: 备份前\n"))
    os.makedirs(os.path.join(c.home, "gateway"), exist_ok=True)
    write(os.path.join(c.home, "gateway"), "recording.wav", "RIFF")
    c.yc("backup", file)
    assert os.stat(file).st_mode & 0o777 == 0o600
    c.yc("import", write(tmp_path, "b.yaml", "kind: skill\ncode: t-after\nname: 备份后\n"))
    r = c.yc("restore", file, check=False)
    assert r.returncode == 1 and "yc down" in r.stderr           # never under a running centre
    c.yc("down")
    os.unlink(os.path.join(c.home, "gateway", "recording.wav"))
    r = c.yc("restore", file)
    assert "before-restore-" in r.stdout
    c.start()
    assert "1 unchanged" in c.yc("import", os.path.join(tmp_path, "a.yaml")).stdout
    assert "1 created" in c.yc("import", "--dry-run", os.path.join(tmp_path, "b.yaml")).stdout
    with open(os.path.join(c.home, "gateway", "recording.wav")) as f:
        assert f.read() == "RIFF"
    # consumers go on in the new incarnation: ticket hears of a new department
    c.yc("import", write(tmp_path, "c.yaml", "kind: org\ncode: t-new\nparent: center\nname: 新部门\ntype: department\n"))
    agent = log_in(c)
    got = agent.get("/v1/orders/" + first["number"])
    assert got["order"]["id"] == first["id"]
    after = until(lambda: quietly(lambda: agent.post("/v1/orders", dict(order, department="t-new"))), 10, "an order for the new department")
    assert after["number"].split("-")[2] == "000002"              # the counter went on


def cursors_beyond(folder):
    """(consumer, source, cursor, head) wherever a copied store has read further than the copy of the source goes."""
    heads, cursors = {}, []
    for name in os.listdir(folder):
        db = sqlite3.connect(os.path.join(folder, name))
        heads.update({(s, i): n for s, i, n in db.execute("SELECT source, incarnation, MAX(seq) FROM yc_outbox GROUP BY source, incarnation")})
        cursors += [(name, s, i, n) for s, i, n in db.execute("SELECT source, incarnation, seq FROM yc_cursor")]
        db.close()
    assert cursors
    return [(name, s, n, heads[s, i]) for name, s, i, n in cursors if n > heads.get((s, i), n)]


def test_backups_under_load_are_cut_at_one_moment_and_hold_every_acknowledged_order(fresh, tmp_path):
    c = fresh()
    c.env["YC_SERVICES"] += ",api,report"
    c.start()
    agent = until(lambda: log_in(c), 20, "passwords are hashed")
    done, stop = [], threading.Event()

    def work():
        while not stop.is_set():
            o = quietly(lambda: agent.post("/v1/orders", {"service": "express-trace", "subject": "压力", "customer_phone": "13888001234"}))
            if o:
                done.append(o["id"])
    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    try:
        for n in range(4):
            until(lambda: len(done) > n * 50, 20, "orders")
            before = list(done)
            file = os.path.join(tmp_path, f"{n}.tgz")
            c.yc("backup", file)
            stage = tempfile.mkdtemp(dir=tmp_path)
            subprocess.run(["tar", "-xzf", file, "-C", stage], check=True)
            assert cursors_beyond(os.path.join(stage, "data")) == []
            db = sqlite3.connect(os.path.join(stage, "data", "ticket.db"))
            assert set(before) <= {r[0] for r in db.execute("SELECT id FROM ticket_order")}
            db.close()
    finally:
        stop.set()
        for t in threads:
            t.join()


def test_a_damaged_or_foreign_backup_is_refused_and_changes_nothing(fresh, tmp_path):
    c = fresh().start()
    file = os.path.join(tmp_path, "centre.tgz")
    c.yc("backup", file)
    c.yc("down")
    before = sorted(os.listdir(c.home))
    other = dict(c.env, YC_SITE="km")
    r = subprocess.run([os.path.join(BIN, "yc"), "restore", file], env=other, capture_output=True, text=True, timeout=30)
    assert r.returncode == 1 and "YC_SITE=yn" in r.stderr
    stage = tempfile.mkdtemp(dir=tmp_path)
    subprocess.run(["tar", "-xzf", file, "-C", stage], check=True)
    with open(os.path.join(stage, "data", "ticket.db"), "r+b") as f:
        f.seek(5000)
        f.write(b"\xa5" * 64)
    bad = os.path.join(tmp_path, "bad.tgz")
    subprocess.run(["tar", "-czf", bad, "-C", stage, "."], check=True)
    r = c.yc("restore", bad, check=False)
    assert r.returncode == 1 and "ticket.db" in r.stderr
    r = c.yc("restore", write(tmp_path, "no.tgz", "no archive"), check=False)
    assert r.returncode == 1
    assert sorted(os.listdir(c.home)) == before


def test_a_first_start_with_wrong_data_says_where_and_stops(fresh, tmp_path):
    share = os.path.join(tmp_path, "share")
    os.makedirs(os.path.join(share, "demo"))
    f = write(os.path.join(share, "demo"), "a.yaml", "kind: skill\ncode: x\nnome: 写错\n")
    c = fresh()
    c.env["YC_SHARE"] = share
    r = c.yc("up", "--detach", check=False)
    assert r.returncode == 1 and f"{f}:3: nome" in r.stdout
    assert c.yc("status", check=False).returncode == 3


def test_up_with_a_taken_port_gives_up_soon_and_says_which(fresh):
    c = fresh()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    c.env.update(YC_SERVICES="directory,gateway", YC_SIP=f"127.0.0.1:{s.getsockname()[1]}")
    r = c.yc("up", "--detach", check=False, within=20)
    s.close()
    assert r.returncode == 1 and "gateway" in r.stdout and c.env["YC_SIP"] in r.stdout and "yc doctor" in r.stdout


def test_the_bench_profile_makes_as_many_agents_as_asked(fresh):
    c = fresh(profile="bench")
    r = c.yc("up", "--profile", "bench", "--agents", "25", "--detach")
    assert "52 新增 created" in r.stdout                          # an organisation, a skill, 25 people, 25 phones
    assert c.status()["sip"] == c.env["YC_SIP"]                   # the environment goes before the profile
    c.yc("down")
    r = c.yc("up", "--profile", "bench", "--agents", "30", "--detach")
    assert "10 新增 created" in r.stdout and "52 未变 unchanged" in r.stdout
