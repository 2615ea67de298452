"""A run as one process sees it: who is tested, by what and how, and what this process has made of it so far."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field

from kuflow_conformance.description.openapi import Description, Operation
from kuflow_conformance.description.requirements import Catalogue, Profile
from kuflow_conformance.description.scope import Scope
from kuflow_conformance.findings.evidence import Evidence
from kuflow_conformance.findings.floor import Floor
from kuflow_conformance.findings.history import History
from kuflow_conformance.findings.known import KnownFailures
from kuflow_conformance.findings.record import RunRecord
from kuflow_conformance.findings.recording import Recording
from kuflow_conformance.findings.trace import Trace
from kuflow_conformance.generation.cases import CaseStore
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.run.selection import Budget, Test, changed_first, long_first, long_last
from kuflow_conformance.run.settings import Settings
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.session import Session
from kuflow_conformance.target.target_file import Target
from kuflow_conformance.world.bed import TestBed
from kuflow_conformance.world.cleanup import Made
from kuflow_conformance.world.world import World

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


@dataclass
class Run:
    """What is fixed for a run: who is tested, by what and how."""

    id: uuid.UUID
    settings: Settings
    target: Target
    description: Description
    catalogue: Catalogue
    scope: Scope
    floor: Floor
    """How much has to be tested for a verdict."""
    bed: TestBed
    cases: CaseStore
    coverage: Coverage
    known: KnownFailures = ()
    """What the target is known to break."""
    last_failed: list[str] | None = None
    """The tests to run; None means all that are selected."""
    changed: frozenset[str] = frozenset()
    """The operations to test first."""
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
    recording: Recording | None = None
    """Where this process writes its exchanges; None when they are not wanted."""
    watched: frozenset[tuple[str, str, str]] = frozenset()
    """Findings that are looked for again, by requirement, operation and fingerprint."""
    trace: Trace | None = None
    """Where every exchange is written for a comparison with another server; None when there is none."""

    @property
    def selected(self) -> frozenset[str]:
        """The requirements that are tested."""
        return self.scope.requirements

    @property
    def profile(self) -> Profile:
        return self.settings.profile

    @property
    def seed(self) -> int:
        return self.settings.seed

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def url(self) -> str:
        return self.target.base_url

    @property
    def implementation(self) -> dict[str, str]:
        return self.target.implementation.model_dump(exclude_none=True)

    @property
    def part_of_whole(self) -> str:
        return str(self.settings.shard or "")

    @property
    def missing(self) -> list[str]:
        """What the test bed lacks, and how to provide it."""
        return [self.bed.missing(name) for name in BED_PARTS if getattr(self.bed, name) in (None, [])]

    def see(self, exchange: Exchange) -> None:
        """Give an exchange to the evidence of the running test."""
        self.made.see(exchange)
        if self.recording is not None and self.session is not None:
            self.recording.see(exchange, self.session.redactor)
        if self.evidence is not None:
            self.evidence.see(exchange)
            if self.trace is not None and self.session is not None:
                answer = self.session.redactor.text(exchange.describe())
                self.trace.see(exchange, answer, self.session.curl(exchange))

    def permit(self, operation: Operation | None) -> None:
        """Raise NotTested when nothing may be sent to an operation, or no more of it."""
        if operation is None:
            return
        for skip in self.scope.skips:
            if operation.id in skip.operations:
                raise NotTested(f"{operation.id} is skipped: {skip.reason}")
        most = self.target.target.max_processes
        if most is not None and operation.id == "createProcess" and self.made.count >= most // self.share:
            raise NotTested(f"the run may create {most} processes, and has; see target.max-processes")

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
            before=self.permit,
            on_exchange=self.see,
        )

    def wants(self, test: Test) -> bool:
        """Whether a test is one of those that the run is about."""
        if self.last_failed is not None and test.id not in self.last_failed:
            return False
        scope, mine = self.scope, self.selected.intersection(test.requirements)
        if not mine or self._is_skipped(test):
            return False
        if test.operation is not None:
            return test.operation in scope.operations and (test.operation not in scope.unimplemented or test.probes)
        if all(scope.is_unimplemented(self.catalogue[key]) for key in mine):
            return False
        return not scope.narrowed or any(not scope.operations.isdisjoint(self._named_by(key)) for key in mine)

    def _is_skipped(self, test: Test) -> bool:
        """Whether a test would send what is to be left out; generated requests are made for all requirements alike."""
        return not test.is_generated and not self.scope.skipped.requirements.isdisjoint(test.requirements)

    def _named_by(self, requirement: str) -> Collection[str]:
        """The operations that a requirement names; none when it is about all."""
        operations = self.catalogue[requirement].operations
        return operations if operations != "all" else ()

    def chosen(self, tests: list[Test]) -> list[Test]:
        """Those of `tests` that this run makes, in its order."""
        if self.settings.shard is not None:
            tests = self.settings.shard.of_tests(tests)
        if self.budget is not None:
            tests = self.budget.order(tests, self.catalogue)
        else:
            tests = long_last(tests) if self.settings.fail_fast or self.share == 1 else long_first(tests)
        return changed_first(tests, self.catalogue, self.changed) if self.changed else tests

    def new_evidence(self) -> Evidence:
        session, _ = self.require()
        self.evidence = Evidence(
            session.redactor,
            session.curl,
            self.coverage,
            self.history,
            self.exemplified,
            self.scope.judges,
            self.watched,
        )
        return self.evidence
