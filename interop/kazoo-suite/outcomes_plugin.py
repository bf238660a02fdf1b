"""A pytest plugin: writes one line a test, its outcome and its name, into the file HEADKEEPER_SUITE_OUTCOMES."""

import os

FILE = os.environ["HEADKEEPER_SUITE_OUTCOMES"]
worst = {}


def pytest_runtest_logreport(report):
    # Set-up, call and tear-down report one by one: a test is as good as its worst part.
    rank = {"passed": 0, "skipped": 1, "failed": 2}
    known = worst.get(report.nodeid, "passed")
    worst[report.nodeid] = max(known, report.outcome, key=lambda outcome: rank[outcome])
    if report.when == "teardown":
        with open(FILE, "a", encoding="utf-8") as out:
            out.write(f"{worst[report.nodeid]} {report.nodeid}\n")
