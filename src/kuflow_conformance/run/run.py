"""A run: who is tested, by what and how; all that is read, reached and found before the first test."""

from __future__ import annotations

import contextlib
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kuflow_conformance.description import compatibility as specdiff
from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.description.openapi import Description
from kuflow_conformance.description.requirements import Catalogue, Profile
from kuflow_conformance.errors import ConformanceError, InvalidTarget, OutputNotWritable, TargetUnavailable
from kuflow_conformance.findings import known, trace
from kuflow_conformance.findings.evidence import Evidence
from kuflow_conformance.findings.history import History
from kuflow_conformance.findings.known import KnownFailures
from kuflow_conformance.findings.record import RunRecord
from kuflow_conformance.findings.record import read as read_record
from kuflow_conformance.findings.trace import Trace
from kuflow_conformance.generation.cases import CaseStore
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.run.selection import Budget, Shard, Test, changed_first, long_first, long_last, seconds
from kuflow_conformance.target import target_file as targets
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.session import Session
from kuflow_conformance.target.target_file import FLAGS, Target, flag_name
from kuflow_conformance.world.bed import TestBed, discover
from kuflow_conformance.world.cleanup import Made, finish, leftovers
from kuflow_conformance.world.world import World

DEFAULT_SEED = 20240614
DEFAULT_REPORTS = Path("reports/out")

BED_PARTS = (
    "definition_id",
    "tasks",
    "principal_id",
    "principal_email",
    "application_id",
    "group_ids",
    "robot_id",
    "robot_asset",
    "user_action",
    "webforms",
    "tenant_user_id",
)
"""What a full test bed has."""


def overrides(options: dict[str, Any]) -> dict[str, Any]:
    """The keys of the target file that options set; see `target.load`."""
    given = {key: options.get(flag_name(flag)) for flag, (key, _) in FLAGS.items()}
    chosen = {key: value for key, value in given.items() if value is not None}
    return chosen | dict(targets.parse_setting(text) for text in options.get("set") or ())


@dataclass
class Run:
    """What is fixed for a run: who is tested, by what and how."""

    id: uuid.UUID
    target: Target
    description: Description
    catalogue: Catalogue
    profile: Profile
    selected: set[str]
    seed: int
    bed: TestBed
    cases: CaseStore
    coverage: Coverage
    known: KnownFailures = field(default_factory=dict)
    """The requirements that the target is known to break."""
    last_failed: list[str] | None = None
    """The tests to run; None means all that are selected."""
    shard: Shard | None = None
    """Which part of the tests to run; None means all."""
    changed: frozenset[str] = frozenset()
    """The operations to test first."""
    fail_fast: bool = False
    """Whether the first failure ends the run, so that it had better come early."""
    budget: Budget | None = None
    """How long the run may take; None means as long as it does."""
    history: History = field(default_factory=History)
    exemplified: set[str] = field(default_factory=set)
    made: Made = field(default_factory=Made)
    """What this process has created and not ended yet."""
    share: int = 1
    """How many processes share the tests and the rate limit."""
    part: str = ""
    """Names this process among those."""
    record: RunRecord | None = None
    """The record of the whole run; None in a worker process, which reports to the controlling one."""
    session: Session | None = None
    world: World | None = None
    evidence: Evidence | None = None
    trace: Trace | None = None
    """Where every exchange is written for a comparison with another server; None when there is none."""

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def url(self) -> str:
        return self.target.base_url

    @property
    def part_of_whole(self) -> str:
        return str(self.shard or "")

    @property
    def missing(self) -> list[str]:
        """What the test bed lacks, and how to provide it."""
        return [self.bed.missing(name) for name in BED_PARTS if getattr(self.bed, name) in (None, [])]

    def see(self, exchange: Exchange) -> None:
        """Give an exchange to the evidence of the running test."""
        self.made.see(exchange)
        if self.evidence is not None:
            self.evidence.see(exchange)
            if self.trace is not None and self.session is not None:
                answer = self.session.redactor.text(exchange.describe())
                self.trace.see(exchange, answer, self.session.curl(exchange))

    def require(self) -> tuple[Session, World]:
        """The session and world of this process, made on first use."""
        if self.session is None or self.world is None:
            self.session = self.open_session()
            self.world = World(self.session, self.bed, self.id, self.made, part=self.part)
        return self.session, self.world

    def open_session(self) -> Session:
        return Session(
            self.target,
            self.description,
            read_only=self.profile == "read-only",
            share=self.share,
            on_exchange=self.see,
        )

    def wants(self, test: str) -> bool:
        """Whether a test, selected otherwise, is to run."""
        return self.last_failed is None or test in self.last_failed

    def chosen(self, tests: list[Test]) -> list[Test]:
        """Those of `tests` that this run makes, in its order."""
        if self.shard is not None:
            tests = self.shard.of_tests(tests)
        if self.budget is not None:
            tests = self.budget.order(tests, self.catalogue)
        else:
            tests = long_last(tests) if self.fail_fast or self.share == 1 else long_first(tests)
        return changed_first(tests, self.catalogue, self.changed) if self.changed else tests

    def new_evidence(self) -> Evidence:
        session, _ = self.require()
        self.evidence = Evidence(session.redactor, session.curl, self.coverage, self.history, self.exemplified)
        return self.evidence


def prepare(options: dict[str, Any], worker: dict[str, Any] | None = None) -> Run:
    """Read everything a run needs; in the controlling process also reach the target and find the test bed.

    Raises ConformanceError with what the user has to mend.
    """
    target = targets.load(options["target"], overrides(options))
    if target.target.production and options["profile"] != "read-only" and not options["write_to_production"]:
        raise InvalidTarget(f"{target.name} is named production: use --profile read-only, or say --write-to-production")
    description = openapi.load(options["spec"])
    catalogue = requirements.load()
    profile: Profile = options["profile"]
    selected = catalogue.in_profile(profile)
    if options["only"]:
        selected &= catalogue.matching(options["only"])
    run = Run(
        id=uuid.UUID(worker["kuflow_run"]) if worker else uuid.uuid4(),
        target=target,
        description=description,
        catalogue=catalogue,
        profile=profile,
        selected=selected,
        seed=options["seed"],
        bed=TestBed.model_validate(worker["kuflow_bed"]) if worker else TestBed(),
        known=_known_failures(options, catalogue),
        last_failed=worker["kuflow_last_failed"] if worker else _last_failed(options),
        shard=Shard.parse(options["shard"]) if options["shard"] else None,
        fail_fast=options["fail_fast"],
        changed=frozenset(worker["kuflow_changed"] if worker else _changed(options, description)),
        coverage=Coverage(description),
        cases=CaseStore(description, profile, options["seed"]),
        share=worker["workercount"] if worker else 1,
        part=worker["workerid"] if worker else "",
    )
    if worker is None:
        allowed = seconds(options["time_budget"]) if options["time_budget"] else 0.0
        run.cases.check()
        run.record = RunRecord(run, options["reports"])
        run.trace = Trace(options["reports"] / trace.FILE) if options["write_trace"] else None
        _preflight(run)
        run.budget = Budget(time.time() + allowed) if allowed else None
    elif worker["kuflow_deadline"]:
        run.budget = Budget(worker["kuflow_deadline"], worker["workercount"])
    return run


def _changed(options: dict[str, Any], description: Description) -> set[str]:
    """The operations that are described otherwise in ``changed_spec``."""
    if not options["changed_spec"]:
        return set()
    old = openapi.document(options["changed_spec"])
    return {change.operation for change in specdiff.judge(old, description.document).changes}


def _last_failed(options: dict[str, Any]) -> list[str] | None:
    """The tests that found something broken, or could not be carried out, in the last run; None if all are wanted."""
    if not options["last_failed"]:
        return None
    path = options["reports"] / "run.json"
    last = read_record(path)
    tests = {test for requirement in last["requirements"] for test in requirement["failing_tests"]}
    tests |= {error["test"] for error in last["errors"]}
    if not tests:
        raise ConformanceError(f"--last-failed: no test failed in {path}")
    return sorted(tests)


def _known_failures(options: dict[str, Any], catalogue: Catalogue) -> KnownFailures:
    """Those of the file that was named, or of the one beside the target file if it is there."""
    if options["known"]:
        return known.load(options["known"], catalogue)
    usual = known.beside(options["target"]) if options["target"] else None
    return known.load(usual, catalogue) if usual and usual.is_file() else {}


def _preflight(run: Run) -> None:
    """Reach the target, prove the credentials and look for the test bed. Raises TargetUnavailable."""
    session = run.open_session()
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
    with contextlib.suppress(TargetUnavailable):
        if run.record.cut_short:
            found = leftovers(run.session, run.id, run.record.started, run.record.workers)
            run.record.open_at("", [*run.made.open, *found])
        run.record.left = finish(run.session, run.record.open)
