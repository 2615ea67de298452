"""The pytest plugin: options, fixtures, marks, collection by profile, and the evidence of each test.

It is active when a target is given (`--target` or `--url`); otherwise it only adds its options.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from typing import Any

import pytest

from kuflow_conformance.description.openapi import Description, Operation
from kuflow_conformance.description.requirements import Catalogue, Profile
from kuflow_conformance.errors import EXIT_NO_VERDICT, ConformanceError, TargetUnavailable
from kuflow_conformance.findings import recording
from kuflow_conformance.findings.evidence import Evidence
from kuflow_conformance.findings.known import KnownFailures, current
from kuflow_conformance.findings.record import RunRecord
from kuflow_conformance.generation.cases import Case
from kuflow_conformance.oracles import JUDGED_ALWAYS, NotTested, WrongRequest
from kuflow_conformance.oracles.requests import REFUSALS
from kuflow_conformance.report import allure, write_reports
from kuflow_conformance.run import options
from kuflow_conformance.run.preparation import Handover, clean_up, join, prepare
from kuflow_conformance.run.run import Run
from kuflow_conformance.run.selection import Test
from kuflow_conformance.run.settings import Settings
from kuflow_conformance.world.bed import TestBed
from kuflow_conformance.world.cleanup import finish
from kuflow_conformance.world.webhooks import Listener, listening
from kuflow_conformance.world.world import World

RUN = pytest.StashKey[Run]()

pytest_addoption = options.pytest_addoption


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "requirement(*ids): the requirements of spec/requirements.yaml that a test checks"
    )
    config.addinivalue_line("markers", "operations(*kinds): run once for each operation of these kinds")
    config.addinivalue_line("markers", "long: sends many requests, so that it is begun early")
    config.addinivalue_line("markers", "racing: which request wins is open, so that two servers are not compared by it")
    if RUN not in config.stash:
        try:
            run = _run_of(config)
        except TargetUnavailable as error:
            pytest.exit(str(error), returncode=EXIT_NO_VERDICT)
        except ConformanceError as error:
            raise pytest.UsageError(str(error)) from error
        if run is None:
            return
        config.stash[RUN] = run
    run = config.stash[RUN]
    config.option.hypothesisseed = str(run.seed)
    if run.record is not None:
        config.pluginmanager.register(_Listener(run.record), "kuflow-listener")


def _run_of(config: pytest.Config) -> Run | None:
    """The run that this process takes part in, or that the options ask for; None without a target."""
    told = getattr(config, "workerinput", {})
    if "kuflow_settings" in told:
        settings = Settings.model_validate_json(told["kuflow_settings"])
        handover = Handover.model_validate_json(told["kuflow_handover"])
        return join(settings, handover, part=told["workerid"], share=told["workercount"])
    given = vars(config.option)
    if given["target"] is None and given["kuflow_url"] is None:
        return None
    return prepare(Settings.of(given))


def pytest_configure_node(node: Any) -> None:
    """Hand the run to a worker process (pytest-xdist)."""
    if RUN in node.config.stash:
        run = node.config.stash[RUN]
        node.workerinput["kuflow_settings"] = run.settings.model_dump_json()
        node.workerinput["kuflow_handover"] = Handover.of(run).model_dump_json()


# Collection


_KINDS: dict[str, Callable[[Operation], bool]] = {
    "all": lambda operation: True,
    "with-id": lambda operation: "{id}" in operation.path,
    "with-json-body": lambda operation: any("json" in media_type for media_type in operation.bodies),
    "with-body": lambda operation: bool(operation.bodies),
    "lists": lambda operation: operation.is_list,
    "changing": lambda operation: not operation.is_read_only,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    run = metafunc.config.stash.get(RUN, None)
    if "operation" not in metafunc.fixturenames or run is None:
        return
    mark = metafunc.definition.get_closest_marker("operations")
    kinds = mark.args if mark else ("all",)
    chosen = [
        operation
        for operation in run.description.operations.values()
        if any(_KINDS[kind](operation) if kind in _KINDS else operation.id == kind for kind in kinds)
        and (run.profile != "read-only" or operation.is_read_only)
    ]
    metafunc.parametrize("operation", chosen, ids=[operation.id for operation in chosen])


def marked(item: pytest.Item) -> list[str]:
    """The requirements that a test says it checks."""
    return [key for mark in item.iter_markers("requirement") for key in mark.args]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    run = config.stash.get(RUN, None)
    if run is None:
        return
    by_id = {item.nodeid: item for item in items}
    tests = [test for test in map(_as_test, items) if run.wants(test)]
    kept = [by_id[test.id] for test in run.chosen(tests)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _as_test(item: pytest.Item) -> Test:
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    operation = parameters.get("operation")  # pytest puts a mark there when there is none to test
    long = item.get_closest_marker("long") is not None
    return Test(item.nodeid, tuple(marked(item)), operation.id if isinstance(operation, Operation) else None, long)


# Fixtures


def _run(request: pytest.FixtureRequest) -> Run:
    return request.config.stash[RUN]


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """What the tests act on; see `World`. Cleaned up at the end of the run."""
    run = _run(request)
    session, world = run.require()
    yield world
    # Cleaning up is no test: what it meets is nobody's evidence.
    evidence, run.evidence = run.evidence, None
    finish(session, list(run.made.open))
    run.evidence = evidence


@pytest.fixture(scope="session")
def bed(request: pytest.FixtureRequest) -> TestBed:
    """The test bed; see `TestBed`."""
    return _run(request).bed


@pytest.fixture(scope="session")
def listener(bed: TestBed) -> Iterator[Listener]:
    """Where the target's webhooks arrive; see `Listener`."""
    with listening(bed.need("webhook_listen")) as listener:
        yield listener


@pytest.fixture(scope="session")
def profile(request: pytest.FixtureRequest) -> Profile:
    """How much to test."""
    return _run(request).profile


@pytest.fixture(scope="session")
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of everything that is drawn at random."""
    return _run(request).seed


@pytest.fixture(scope="session")
def description(request: pytest.FixtureRequest) -> Description:
    """The description of the API."""
    return _run(request).description


@pytest.fixture
def cases(request: pytest.FixtureRequest, operation: Operation, evidence: Evidence) -> Iterator[Iterable[Case]]:
    """The generated requests of an operation, as many as there is time for; see `CaseStore`."""
    run = _run(request)
    planned = run.cases.of(operation)
    if run.budget is None:
        yield planned
        return
    sent = itertools.count()
    yield (case for case, _ in zip(run.budget.cases(operation, run.cases), sent, strict=False))
    if (number := next(sent)) < len(planned):
        evidence.cut[operation.id] = [number, len(planned)]


@pytest.fixture
def evidence(request: pytest.FixtureRequest) -> Evidence:
    """Where the test puts what it finds; see `Evidence`."""
    evidence = _run(request).evidence
    assert evidence is not None
    return evidence


# Running


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    run = item.config.stash.get(RUN, None)
    if run is not None:
        run.new_evidence()
        if run.trace is not None:
            run.trace.begin("" if item.get_closest_marker("racing") else item.nodeid)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    run = item.config.stash.get(RUN, None)
    if run is not None and run.budget is not None and run.evidence and not run.budget.allows(item.nodeid):
        run.evidence.gap(marked(item), "the time budget was spent before")
        run.evidence.cut[item.nodeid] = [0, 1]
        pytest.skip("the time budget is spent")
    try:
        return (yield)
    except NotTested as error:
        if run is not None and run.evidence is not None:
            run.evidence.gap(marked(item), str(error))
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    run = item.config.stash.get(RUN, None)
    if run is None or run.evidence is None:
        return (yield)
    evidence, problem, result = run.evidence, None, None
    try:
        result = yield
    except NotTested as error:
        problem = error
        evidence.gap(marked(item), str(error))
    except WrongRequest:
        raise
    except Exception as error:
        if not (broken := evidence.malformed()):
            raise
        problem = NotTested(f"an answer that breaks {broken} cannot be worked with: {type(error).__name__}: {error}")
        evidence.gap(marked(item), str(problem))
    finally:
        evidence.unreached(_own(item, run.catalogue))
        if item.config.pluginmanager.has_plugin("allure_listener"):
            allure.describe(evidence, run.catalogue, marked(item), run.known)
    known = current(run.known)
    if message := failure_message(evidence, run.catalogue, run.scope.scored, known, new=True):
        raise RequirementBroken(message)
    if message := failure_message(evidence, run.catalogue, run.scope.scored, known, new=False):
        pytest.xfail(message)  # it is no reason to stop at, nor to look at again
    if problem is not None:
        pytest.skip(str(problem))
    return result


def _own(item: pytest.Item, catalogue: Catalogue) -> list[str]:
    """The requirements that only the test itself can check: the others are checked in every answer."""
    anywhere = {*JUDGED_ALWAYS, *REFUSALS}
    return [key for key in marked(item) if key not in anywhere and catalogue[key].level != "OBSERVE"]


class RequirementBroken(AssertionError):
    """A test found that the target breaks a MUST requirement."""


def failure_message(
    evidence: Evidence, catalogue: Catalogue, selected: Collection[str], known: KnownFailures, *, new: bool
) -> str:
    """The broken MUST requirements of a test, each with its sentence, source, expectation, answer and `curl`.

    Either those that are `new`, or those that are known.
    """
    parts = []
    for failure in evidence.as_dict()["failures"]:
        requirement = catalogue[failure["requirement"]]
        if requirement.level != "MUST" or requirement.id not in selected:
            continue
        what = (requirement.id, failure["operation"], failure["finding"])
        if any(entry.covers(*what) for entry in known) is new:
            continue
        parts.append(
            f"{' '.join(what)} {requirement.sentence}\n"
            f"  source:    {requirement.source}\n"
            f"  expected:  {failure['expected']}\n"
            f"  seen:      {failure['seen']}\n"
            f"  try:       {failure['curl']}"
        )
    return "\n".join(parts)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    report = yield
    run = item.config.stash.get(RUN, None)
    if run is None:
        return report
    if call.excinfo is not None and call.excinfo.errisinstance(TargetUnavailable):
        report.kuflow_unavailable = str(call.excinfo.value)
    if call.excinfo is not None and call.excinfo.errisinstance(WrongRequest):
        report.longrepr = str(call.excinfo.value)
    if call.excinfo is not None and call.excinfo.errisinstance(RequirementBroken):
        report.kuflow_violation = True
        report.longrepr = str(call.excinfo.value)
    if report.failed and run.session is not None and report.longrepr is not None:
        report.longrepr = run.session.redactor.text(str(report.longrepr))
    if call.when == "teardown" and run.evidence is not None:
        if run.budget is not None:
            run.budget.checked.update(run.evidence.checks)
        report.kuflow = {**run.evidence.as_dict(), "racing": item.get_closest_marker("racing") is not None}
        report.kuflow_open = (run.part, list(run.made.open))
    report.kuflow_requirements = marked(item)
    return report


class _Listener:
    """Hears every test report in the controlling process, whichever process ran the test."""

    def __init__(self, record: RunRecord) -> None:
        self._record = record

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._record.add_report(report)

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """What goes wrong outside of tests, such as a full disk, ends in the record and not in a traceback."""
        self._record.add_problem(f"{type(excinfo.value).__name__}: {excinfo.value}")
        return True


@pytest.hookimpl(wrapper=True, trylast=True)  # around the work of others, and before pytest shows its summary
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, Any, None]:
    """End the run when everybody else is done: what workers do until they stop is cleaned up after as well."""
    run = session.config.stash.get(RUN, None)
    if run is None or run.record is None:
        yield
        return
    reports = run.settings.reports
    try:
        try:
            yield  # others write their reports here
        finally:
            stopped = bool(run.settings.fail_fast and session.testsfailed)
            run.record.finish(interrupted=exitstatus == pytest.ExitCode.INTERRUPTED and not stopped, stopped=stopped)
            clean_up(run)
            if run.trace is not None:
                run.trace.close()
            if run.recording is not None:
                run.recording.close()
                recording.gather(reports, run.settings.har, run.settings.ndjson)
        write_reports(run.record.as_dict(), reports)
    except OSError as error:  # no room for reports: the verdict is told all the same
        run.record.unwritable = f"the reports cannot be written: {error.strerror}: {reports}"
    session.exitstatus = run.record.exit_code


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run is not None and run.record is not None:
        from kuflow_conformance.report.console import summary_text

        terminalreporter.write_line("")
        terminalreporter.write_line(summary_text(run.record.as_dict(), run.settings.reports))
