"""Failing tests once more, alone and on new resources: what is broken each time, sometimes, or was seen once only."""

from __future__ import annotations

import contextlib
import dataclasses
import time

import pytest

from kuflow_conformance import files
from kuflow_conformance.errors import TargetUnavailable
from kuflow_conformance.run.plugin import RUN
from kuflow_conformance.run.run import Run

PART = "again"
"""Names what is made meanwhile, so that its ids are new."""

TIMES = 5
"""How often a failing test is made again."""

TESTS = 10
"""Tests that are made again at most."""

SHARE = 0.25
"""Of the requests of a run, how many may be spent on it."""

PATIENCE = 120.0
"""Seconds that may be spent on it."""

FEW = 500
"""Requests that may be spent on it in any case."""


def pytest_arguments() -> list[str]:
    """What pytest is always told: the suites' own settings, and no plugin that would get in the way."""
    suites = files.data("suites")
    settings = ["-c", str(suites / "pytest.ini"), "--rootdir", str(suites)]
    return ["-p", "no:cacheprovider", "-p", "no:schemathesis", *settings]


def repeat_failures(run: Run) -> bool:
    """Make some of the failing tests again, and tell the record what came of it; returns whether any was made."""
    record = run.record
    assert record is not None
    if record.cut_short or run.trace is not None or (run.budget is not None and not run.budget.left):
        return False
    tests = record.worth_repeating(TESTS, TIMES, max(FEW, SHARE * record.requests))
    if not tests or run.session is None:
        return False
    again = dataclasses.replace(
        run,
        settings=run.settings.model_copy(update={"shard": None, "fail_fast": False, "record_only": True}),
        record=None,
        budget=None,
        trace=None,
        recording=None,
        changed=frozenset(),
        last_failed=tests,
        part=PART,
        session=None,  # what it sends is seen by the other run
        world=None,
        watched=record.complaints(tests),
    )
    suites = files.data("suites")
    modules = dict.fromkeys(str(suites / test.partition("::")[0]) for test in tests)
    repeats = _Repeats(again)
    with contextlib.suppress(TargetUnavailable):
        pytest.main([*modules, *pytest_arguments()], plugins=[repeats, Silence()])
    for test, evidence in repeats.seen:
        record.add_repeat(test, evidence)
    return bool(repeats.seen)


class Handed:
    """Hands pytest a run that is prepared."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[RUN] = self._run


class Silence:
    """Lets pytest show nothing."""

    @pytest.hookimpl(trylast=True)  # the reporter has been put there by then
    def pytest_configure(self, config: pytest.Config) -> None:
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)


class _Repeats(Handed):
    """Lets pytest make each test several times, each by itself, and hears what they find."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.seen: list[tuple[str, dict[str, object]]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        deadline = time.monotonic() + PATIENCE
        for _ in range(TIMES):
            for item in session.items:
                if time.monotonic() > deadline:
                    return True
                if self._run.world is not None:
                    self._run.world.forget()
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if evidence := getattr(report, "kuflow", None):
            self.seen.append((report.nodeid, evidence))
