import pytest

from centre import Centre


@pytest.fixture(scope="module")
def centre():
    """One demo centre per file; tests of a file share it and use people and phones of their own."""
    c = Centre().start()
    yield c
    c.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    c = item.funcargs.get("centre")
    if report.when == "call" and report.failed and c is not None:
        for s in ("gateway", "acd", "api"):
            report.sections.append((f"log of {s}", c.log(s)))
