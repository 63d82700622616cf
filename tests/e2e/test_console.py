"""The console in a real browser with the real centre behind it: log-in, live wall, trace, languages, session's end.

YC_SCREENS=1 also writes the screenshots of docs/screens."""
import json
import os
import select
import shutil
import subprocess
import tempfile

import pytest
from centre import PASSWORD, ROOT, until
from test_calls import AGENT, CALLER, choose

SCREENS = os.path.join(ROOT, "docs", "screens") if os.environ.get("YC_SCREENS") == "1" else None
NUMBER = "13900007001"
SEAT = "[data-test=agents] [data-staff='1001']"


class Browser:
    def __init__(self, port):
        self.dir = tempfile.mkdtemp(prefix="browser-")
        self.log = open(os.path.join(self.dir, "log"), "w+b")
        self.proc = subprocess.Popen(["node", os.path.join(ROOT, "tests", "e2e", "console.mjs"), f"http://127.0.0.1:{port}", os.path.join(self.dir, "profile")],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, encoding="utf-8")

    def __getattr__(self, cmd):
        def run(**args):
            self.proc.stdin.write(json.dumps({"cmd": cmd, **args}) + "\n")
            self.proc.stdin.flush()
            assert select.select([self.proc.stdout], [], [], 60)[0], f"the browser does not answer to {cmd}"
            line = self.proc.stdout.readline()
            self.log.seek(0)
            assert line, f"the browser ended: {self.log.read()[-2000:]}"
            answer = json.loads(line)
            assert "error" not in answer, f"{cmd} {args}: {answer['error']}\nat {answer['url']}\n{answer['body']}\n{answer['faults']}"
            return answer["ok"]
        return run

    def sign_in(self, login, password=PASSWORD):
        self.fill(css="input[name=login]", text=login)
        self.fill(css="input[name=password]", text=password)
        self.press(key="Enter")

    def shot(self, name):
        """Only on demand: a test leaves no trace in the tree."""
        if SCREENS:
            os.makedirs(SCREENS, exist_ok=True)
            self.__getattr__("shot")(file=os.path.join(SCREENS, name + ".png"))

    def is_clean(self, *allowed):
        faults = [f for f in self.report()["faults"] if not any(a in f for a in allowed)]
        assert not faults, faults

    def close(self):
        try:
            self.proc.stdin.write('{"cmd": "close"}\n')
            self.proc.stdin.close()
            self.proc.wait(15)
        except (OSError, subprocess.TimeoutExpired):
            self.proc.kill()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


@pytest.fixture
def browser(centre):
    b = Browser(centre.http)
    yield b
    b.close()


@pytest.fixture(scope="module")
def desk(centre):
    """Two people on duty, one of them talking with a citizen. All tests of this file look at this call."""
    if SCREENS:                                 # a whole matter, for the pictures
        r = subprocess.run([os.path.join(ROOT, "deploy", "demo", "matter")], env=centre.env, capture_output=True, text=True, timeout=90)
        assert r.returncode == 0, r.stdout + r.stderr
    agent, phone = centre.seat("zhangwei", "8001", hz=AGENT)
    other, _ = centre.seat("sunhao", "8008", ready=False)
    caller = centre.caller(NUMBER, hz=CALLER)
    stream = centre.stream(agent)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=10)
    choose(caller, phone)
    call = stream.expect("call.bridged", within=10)["data"]["call"]
    until(lambda: os.path.getsize(phone.heard_file()) > 30000, 10, "two seconds of talk")
    return {"agent": agent, "other": other, "caller": caller, "stream": stream, "matter": call["matter_id"]}


def seconds(text):
    n = 0
    for part in text.split(":"):
        n = n * 60 + int(part)
    return n


def on_the_wall(browser, centre):
    browser.goto(path="/")
    browser.wait(css="h1", has="登录")
    browser.sign_in("banzhang")
    browser.wait(css="h1", has="实时大屏")
    browser.wait(css="[data-test=live]", has="实时")


def both_languages(browser, name, zh, en):
    """The page in Chinese, in English, and in Chinese again: nothing is wider than the page, no word is left as its key."""
    for lang, words in (("zh", zh), ("en", en)):
        for css, text in words.items():
            browser.wait(css=css, has=text)
        layout = browser.layout()
        assert not layout["wide"] and not layout["keys"], (name, lang, layout)
        browser.shot(f"{name}.{lang}")
        browser.click(css="[data-test=locale]")
    for css, text in zh.items():
        browser.wait(css=css, has=text)


def test_a_wrong_password_is_refused_in_chinese_and_english(centre, browser):
    browser.goto(path="/wall")
    browser.wait(css="h1", has="登录")
    assert browser.focused() == "login", "the keyboard starts in the first field"
    both_languages(browser, "login", {"h1": "登录", "button[type=submit]": "登录"}, {"h1": "Sign in", "button[type=submit]": "Sign in"})
    browser.sign_in("banzhang", "wrong-password")
    browser.wait(css="[data-test=error]", has="登录名或口令不正确")
    browser.click(css="[data-test=locale]")
    browser.wait(css="[data-test=error]", has="Wrong login or password")
    assert browser.url().endswith("/login?back=/wall")
    browser.is_clean("status of 401")           # the browser itself reports the refusals


def test_the_wall_shows_agents_and_calls_and_changes_without_reload_when_the_caller_hangs_up(centre, browser, desk):
    on_the_wall(browser, centre)
    browser.wait(css=SEAT + " [data-test=status]", has="通话")
    browser.wait(css=SEAT + " [data-test=cause]", has="系统")
    browser.wait(css="[data-test=calls]", has=NUMBER)
    row = browser.text(css="[data-test=calls] tbody tr")
    assert "11185" in row and "通话" in row and "张伟" in row and "速递业务" in row, row
    assert "小休" in browser.text(css="[data-test=agents] [data-staff='1008']")
    first = seconds(browser.text(css=SEAT + " [data-test=age]"))
    until(lambda: seconds(browser.text(css=SEAT + " [data-test=age]")) >= first + 2, 6, "the age grows")
    assert first < 60, "the age is counted from the change"
    answered = int(browser.text(css="[data-test=answered]"))
    both_languages(browser, "wall", {"h1": "实时大屏", SEAT: "通话", "[data-test=calls]": "速递业务"},
                   {"h1": "Live wall", SEAT: "Talking", "[data-test=calls]": "Express"})
    loads = browser.report()["loads"]
    desk["other"].put("/v1/agent/state", {"state": "ready"})
    browser.wait(css="[data-test=agents] [data-staff='1008']", has="空闲", within=3000)
    desk["caller"].hangup()
    browser.wait(css=SEAT + " [data-test=status]", has="话后", within=3000)
    browser.wait(css="[data-test=calls]", lacks=NUMBER, within=5000)
    assert browser.report()["loads"] == loads, "the page was loaded again"
    assert int(browser.text(css="[data-test=answered]")) >= max(answered, 1)
    browser.is_clean()


def test_a_wait_past_the_service_level_turns_red_on_the_wall(centre, browser):
    centre.seat("yangli", "8005", ready=False)
    caller = centre.caller("13900007002", hz=CALLER)
    on_the_wall(browser, centre)
    caller.dial("11185")
    caller.expect("CALL_ESTABLISHED", within=10)
    row = "[data-test=queues] tbody tr:has-text('投诉建议') [data-test=oldest]"
    pressed = [0]

    def waits():
        pressed[0] += 1
        if pressed[0] % 6 == 1:
            caller.press("3")
        return browser.text(css=row) != "–"
    until(waits, 20, "the wait shows on the wall", every=0.3)
    assert "late" not in browser.classes(css=row), "red from the start says nothing"
    until(lambda: "late" in browser.classes(css=row), 25, "the wait turns red", every=0.3)
    assert 15 <= seconds(browser.text(css=row)) <= 18, "it turns red when the service level of 15 s is passed"
    caller.hangup()
    until(lambda: browser.text(css=row) == "–", 5, "the wait is gone")
    browser.is_clean()


def test_the_trace_of_a_matter_shows_its_steps_and_plays_its_recording(centre, browser, desk):
    desk["caller"].hangup()
    desk["stream"].expect("recording.ready", within=10)
    on_the_wall(browser, centre)
    browser.click(css="nav a[href='/matters']")
    browser.wait(css="[data-test=matters]", has=NUMBER)
    both_languages(browser, "matters", {"h1": "事项", "[data-test=matters]": "事由"}, {"h1": "Matters", "[data-test=matters]": "Call to 11185"})
    browser.click(css=f"[data-test=matters] a[href='/matters/{desk['matter']}']")
    browser.wait(css="h1", has="事项全程")
    wanted = ["ring", "menu", "queue", "offer", "talk", "recording"]
    seen = []                                   # by their first appearance: an offer may have needed a second try

    def whole():
        seen[:] = dict.fromkeys(k for k in browser.kinds(css="[data-test=steps] [data-kind]") if k in wanted)
        return seen == wanted
    try:
        until(whole, 8, f"the steps {wanted} in this order")
    except AssertionError as e:
        raise AssertionError(f"{e}: {seen}") from None
    steps = browser.texts(css="[data-test=steps] [data-kind]")
    assert any("通话" in s and "张伟" in s and "办理" in s for s in steps), steps
    assert browser.play(css="[data-test=recording]") > 0.5
    if SCREENS:
        browser.goto(path="/matters/" + centre.api("banzhang").get("/v1/matters?q=13888001234")["data"][0]["id"])
    both_languages(browser, "matter", {"h1": "事项全程", "[data-test=steps]": "录音"}, {"h1": "The whole matter", "[data-test=steps]": "Recording"})
    browser.is_clean()


def test_a_session_that_ends_leads_to_the_log_in_and_back_to_the_same_page(centre, browser, desk):
    on_the_wall(browser, centre)
    browser.click(css="nav a[href='/matters']")
    browser.wait(css="[data-test=matters]", has=NUMBER)
    browser.forget()                            # as if the session had expired
    browser.click(css=f"[data-test=matters] a[href='/matters/{desk['matter']}']")
    browser.wait(css="[data-test=expired]", has="会话已结束")
    browser.sign_in("banzhang")
    browser.wait(css="[data-test=steps]", has="来电")
    assert browser.url().endswith(desk["matter"])
    browser.click(css="[data-test=sign-out]")
    browser.wait(css="h1", has="登录")
    browser.goto(path="/wall")
    browser.wait(css="h1", has="登录")
    browser.is_clean("status of 401")           # the refusal that ended it


def test_a_restarted_interface_is_found_again_without_reload(centre, browser):
    on_the_wall(browser, centre)
    loads = browser.report()["loads"]
    old = centre.kill("api")
    browser.wait(css="[data-test=live]", has="连接中断", within=5000)
    centre.wait_back("api", old)
    browser.wait(css="[data-test=live]", has="实时", within=15000)
    browser.wait(css=SEAT, has="张伟")
    assert browser.report()["loads"] == loads
    browser.is_clean("ERR_")   # the browser itself reports the cut
