"""All that is read, reached and found before the first test, and what is put in order after the last."""

from __future__ import annotations

import contextlib
import time
import uuid

from pydantic import BaseModel, ConfigDict

from kuflow_conformance.description import compatibility, openapi, requirements
from kuflow_conformance.description.openapi import Description
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.description.scope import named
from kuflow_conformance.errors import ConformanceError, InvalidTarget, OutputNotWritable, TargetUnavailable
from kuflow_conformance.findings import floor, known, recording, trace
from kuflow_conformance.findings.known import KnownFailures
from kuflow_conformance.findings.record import RunRecord
from kuflow_conformance.findings.record import read as read_record
from kuflow_conformance.findings.recording import Recording
from kuflow_conformance.findings.trace import Trace
from kuflow_conformance.generation.cases import CaseStore
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.run.run import Run
from kuflow_conformance.run.scope import scope_of
from kuflow_conformance.run.selection import Budget
from kuflow_conformance.run.settings import Settings
from kuflow_conformance.target.target_file import Target
from kuflow_conformance.world.bed import TestBed, discover
from kuflow_conformance.world.cleanup import finish, leftovers
from kuflow_conformance.world.world import World


class Handover(BaseModel):
    """What the controlling process tells the others, besides the settings, since only one may find it out."""

    model_config = ConfigDict(frozen=True)

    run: uuid.UUID
    bed: TestBed
    last_failed: list[str] | None
    changed: frozenset[str]
    deadline: float | None
    """When the time budget is spent, as seconds since the epoch."""

    @classmethod
    def of(cls, run: Run) -> Handover:
        deadline = run.budget.deadline if run.budget else None
        return cls(run=run.id, bed=run.bed, last_failed=run.last_failed, changed=run.changed, deadline=deadline)


def prepare(settings: Settings) -> Run:
    """Read everything a run needs, reach the target and find the test bed.

    Raises ConformanceError with what the user has to mend.
    """
    run = read_run(settings)
    run.last_failed = _last_failed(settings)
    run.changed = _changed(settings, run.description)
    run.cases.check()
    run.record = RunRecord(run, settings.reports)
    recording.discard(settings.reports)
    run.recording = _recording(run)
    run.trace = Trace(settings.reports / trace.FILE) if settings.write_trace else None
    _preflight(run)
    run.budget = Budget(time.time() + settings.time_budget) if settings.time_budget else None
    return run


def join(settings: Settings, handover: Handover, part: str, share: int) -> Run:
    """The run as one of `share` processes that test at once sees it; `part` names this one."""
    run = read_run(settings, handover.run)
    run.bed, run.last_failed, run.changed = handover.bed, handover.last_failed, handover.changed
    run.part, run.share = part, share
    run.recording = _recording(run)
    run.budget = Budget(handover.deadline, share) if handover.deadline else None
    return run


def read_run(settings: Settings, key: uuid.UUID | None = None) -> Run:
    """A run as far as it can be known without asking the target. Raises ConformanceError."""
    target = settings.read_target()
    if target.target.production and settings.profile != "read-only" and not settings.write_to_production:
        raise InvalidTarget(f"{target.name} is named production: use --profile read-only, or say --write-to-production")
    description = openapi.load(settings.spec)
    catalogue = requirements.load()
    return Run(
        id=key or uuid.uuid4(),
        settings=settings,
        target=target,
        description=description,
        catalogue=catalogue,
        scope=scope_of(settings, target, catalogue, description),
        floor=_floor(settings, target, catalogue),
        bed=TestBed(),
        known=_known_failures(settings, catalogue, description),
        coverage=Coverage(description),
        cases=CaseStore(description, settings.profile, settings.seed),
    )


def _floor(settings: Settings, target: Target, catalogue: Catalogue) -> floor.Floor:
    """What the target file and the command line want tested; the command line's share wins."""
    shares = [target.require.tested, *(text for text in settings.require if floor.share(text) is not None)]
    names = [*target.require.requirements, *(text for text in settings.require if floor.share(text) is None)]
    wanted = {name: sorted(named([name], catalogue, (), "require").requirements) for name in names}
    last = next((text for text in reversed(shares) if text), None)
    return {"share": floor.share(last) if last else None, "requirements": wanted}


def _recording(run: Run) -> Recording | None:
    wanted = run.settings.har or run.settings.ndjson
    return Recording(run.settings.reports, run.part) if wanted else None


def _changed(settings: Settings, description: Description) -> frozenset[str]:
    """The operations that are described otherwise in ``changed_spec``."""
    if not settings.changed_spec:
        return frozenset()
    old = openapi.document(settings.changed_spec)
    changes = compatibility.judge(old, description.document).changes
    return frozenset(change.operation for change in changes if change.operation)


def _last_failed(settings: Settings) -> list[str] | None:
    """The tests that found something broken, or could not be carried out, in the last run; None if all are wanted."""
    if not settings.last_failed:
        return None
    path = settings.reports / "run.json"
    last = read_record(path)
    tests = {test for requirement in last["requirements"] for test in requirement["failing_tests"]}
    tests |= {error["test"] for error in last["errors"]}
    if not tests:
        raise ConformanceError(f"--last-failed: no test failed in {path}")
    return sorted(tests)


def _known_failures(settings: Settings, catalogue: Catalogue, description: Description) -> KnownFailures:
    """Those of the file that was named, or of the one beside the target file if it is there."""
    usual = known.beside(settings.target) if settings.target else None
    path = settings.known or (usual if usual and usual.is_file() else None)
    return known.load(path, catalogue, description.operations) if path else ()


def _preflight(run: Run) -> None:
    """Reach the target, prove the credentials and look for the test bed. Raises TargetUnavailable."""
    session = run.open_session()
    with contextlib.suppress(NotTested):  # what proves the credentials may be skipped
        session.preflight()
    run.session, run.world = session, World(session, run.bed, run.id, run.made)
    evidence = run.new_evidence()
    run.bed = discover(run.target, session, str(run.id), writing=run.profile != "read-only")
    run.world.bed = run.bed
    assert run.record is not None
    run.record.add_evidence("test bed discovery", evidence.as_dict())
    run.evidence = None
    try:
        run.record.save()
    except OSError as error:
        raise OutputNotWritable(f"the reports cannot be written: {error.strerror}: {error.filename}") from error


def clean_up(run: Run) -> None:
    """End what tests and workers that were cut short have left on the target."""
    assert run.record is not None
    if run.session is None or run.profile == "read-only":
        return
    run.evidence = None
    run.record.open_at("", list(run.made.open))
    with contextlib.suppress(NotTested, TargetUnavailable):
        if run.record.cut_short:
            found = leftovers(run.session, run.id, run.record.started, run.record.workers)
            run.record.open_at("", [*run.made.open, *found])
        run.record.left = finish(run.session, run.record.open)
