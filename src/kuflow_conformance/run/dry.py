"""What a run would do, without sending anything: which tests it would make, and what they have cost before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from kuflow_conformance import files
from kuflow_conformance.errors import InvalidRecord
from kuflow_conformance.findings import record as records
from kuflow_conformance.findings.record import function
from kuflow_conformance.run.preparation import read_run
from kuflow_conformance.run.repeat import Handed, Silence, pytest_arguments
from kuflow_conformance.run.run import Run
from kuflow_conformance.run.settings import Settings

MEASURED = "spec/costs.json"
"""What each test has cost, by profile, on the bundled server: ``costs`` of its `run.json`."""


@dataclass(frozen=True)
class Plan:
    """What a run would do. `costs` are requests, and successes by operation that makes something."""

    run: Run
    tests: list[str]
    costs: dict[str, int]
    measured: str
    """Where the costs are from."""

    def lines(self) -> list[str]:
        """The plan in words."""
        scope, made = self.run.scope, self.costs
        documents = made.get("uploadProcessDocument", 0) + made.get("uploadProcessUserActionDocument", 0)
        created = [
            f"{made.get('createProcess', 0)} processes, which it cancels at the end",
            f"{made.get('createProcessItem', 0)} process items",
            f"{documents} documents, which stay",
            f"{made.get('createWorker', 0)} requests for workers, which stay",
        ]
        lines = [f"{self.run.name}, profile {self.run.profile}{f', {scope.label}' if scope.label else ''}"]
        lines.append(
            f"would test {len(scope.requirements)} requirements of {len(scope.operations)} operations"
            f" by {len(self.tests)} tests"
        )
        lines.append(f"would send about {made.get('requests', 0)} requests, as measured on {self.measured}")
        if self.run.profile != "read-only":
            lines.append(f"would create about {'; '.join(created)}")
            if most := self.run.target.target.max_processes:
                lines.append(f"would create at most {most} processes (target.max-processes)")
        lines += [f"would send nothing of {skip.name}: {skip.reason}" for skip in scope.skips]
        return [*lines, "nothing was sent"]


def plan(settings: Settings) -> Plan:
    """What a run with these settings would do. Raises ConformanceError with what the user has to mend."""
    run = read_run(settings)
    collected = _Collected(run)
    pytest.main([str(files.data("suites")), "--collect-only", *pytest_arguments()], plugins=[collected, Silence()])
    known, measured = _known_costs(run)
    costs: dict[str, float] = {}
    for test in collected.tests:
        each = known.get(function(test), {})
        for what, number in each.items():
            costs[what] = costs.get(what, 0) + number / each["tests"]
    return Plan(run, collected.tests, {what: round(number) for what, number in costs.items()}, measured)


def _known_costs(run: Run) -> tuple[dict[str, Any], str]:
    """Costs by test function: of the last run of this target, if it was alike, or as measured on the bundled server."""
    path = run.settings.reports / "run.json"
    if path.is_file():
        try:
            last = records.read(path)
        except InvalidRecord:
            last = {}
        alike = (last.get("profile"), last.get("target", {}).get("url")) == (run.profile, run.url)
        if alike and last.get("scope", {}).get("whole") and last.get("costs"):
            return last["costs"], f"the run of {last['started'][:10]}"
    measured = json.loads(files.data(MEASURED).read_text(encoding="utf-8"))
    return measured[run.profile], "the bundled server"


class _Collected(Handed):
    """Lets pytest collect quietly, and hears which tests a run would make."""

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self.tests: list[str] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.tests = [item.nodeid for item in session.items]
