"""The record of a run: all evidence, added up, as one document (`run.json`, described by `spec/run.schema.json`).

It is long, as all that adds up to a verdict stands in one class, in the order of the record.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kuflow_conformance import __version__, files
from kuflow_conformance.description.openapi import VERSION, Description
from kuflow_conformance.description.patterns import fits
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.description.scope import Scope
from kuflow_conformance.errors import (
    EXIT_CONFORMANT,
    EXIT_INTERRUPTED,
    EXIT_NO_VERDICT,
    EXIT_NOT_CONFORMANT,
    InvalidRecord,
)
from kuflow_conformance.findings import known
from kuflow_conformance.findings.causes import causes
from kuflow_conformance.findings.floor import Floor, unmet
from kuflow_conformance.findings.identity import fingerprint, place
from kuflow_conformance.findings.known import Known, KnownFailures
from kuflow_conformance.findings.seal import seal, suite_digest
from kuflow_conformance.findings.verdicts import Complaint, Verdict, Verdicts
from kuflow_conformance.oracles.coverage import Coverage

if TYPE_CHECKING:
    import uuid

    import pytest

SAVED_EVERY = 5.0
"""Seconds between two writings of an unfinished record."""

FORMAT = 2
"""Version of the format of `run.json`; goes up when a reader has to change."""


def read(path: Path) -> dict[str, Any]:
    """Read a `run.json`. Raises InvalidRecord with one line that says why it cannot be used."""
    import jsonschema_rs

    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidRecord(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidRecord(f"{path}: not JSON, so no record of a run: {error}") from error
    if isinstance(record, dict) and record.get("format") == 1:
        with contextlib.suppress(KeyError, TypeError):  # the schema says what is wrong
            record = _of_format_1(record)
    if isinstance(record, dict) and record.get("format", FORMAT) != FORMAT:
        raise InvalidRecord(f"{path}: has format {record['format']!r}; this version of the suite reads {FORMAT}")
    schema = json.loads(files.data("spec/run.schema.json").read_text(encoding="utf-8"))
    problem = next(iter(jsonschema_rs.validator_for(schema).iter_errors(record)), None)
    if problem is not None:
        where = "/".join(map(str, problem.instance_path)) or "the top"
        raise InvalidRecord(f"{path}: not a record of a run: at {where}: {problem.message[:200]}")
    return dict(record)


def _of_format_1(record: dict[str, Any]) -> dict[str, Any]:
    """A record of the first format in that of today: its findings are those of which it has an example."""
    for requirement in record["requirements"]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for failure in requirement["failures"]:
            failure.setdefault("because", "")
            failure["operation"], failure["finding"] = place(failure["operation"]), fingerprint(failure["expected"])
            key = (failure["operation"], failure["finding"])
            names = {"operation": key[0], "fingerprint": key[1], "expected": failure["expected"]}
            finding = found.setdefault(key, {**names, "count": 0, "known": False, "tests": [], "repeated": None})
            finding["count"] += failure["count"]
            finding["known"] = requirement["outcome"] == "known"
            finding["tests"] = sorted({*finding["tests"], failure["test"]})
        requirement["findings"] = list(found.values())
        requirement.setdefault("since", "0.1")
    for entry in record["known"]:
        entry |= {"operation": "*", "finding": None, "intermittent": False}
    record["target"].setdefault("implementation", {})
    # What was selected was not written down: of a run that lists what it did not test, the whole of its profile.
    scope = {
        "label": "read-only" if record["profile"] == "read-only" else "",
        "whole": record["profile"] != "read-only",
        "requirements": [len(record["requirements"])] * 2,
        "operations": [len(record["operations"])] * 2,
        "skipped": [],
        "there_after_all": [],
    }
    floor: Floor = {"share": None, "requirements": {}}
    return {"causes": [], "scope": scope, "floor": floor, **record, "format": FORMAT}


def verdict(code: int, outcomes: Sequence[str], *, whole: bool, there: Collection[str] = ()) -> str:
    """The verdict of a run, in words, by its exit code, the outcomes of its requirements, and whether it is whole.

    `there` are operations that are declared not to be implemented, and are there after all.
    """
    if code == EXIT_CONFORMANT and "known" in outcomes:
        return "known failures only"
    if code == EXIT_CONFORMANT:
        return "conformant" if whole else "conformant in part"
    if code == EXIT_NOT_CONFORMANT:
        outdated = "declarations outdated" if there else "known failures outdated"
        return "not conformant" if "fail" in outcomes else outdated
    return "no verdict"


TRAFFIC = "traffic"
"""The profile of a record that is made of other people's requests."""


class Recorded(Protocol):
    """What a record is kept of: a run of the suites, or the traffic of others."""

    id: uuid.UUID
    description: Description
    catalogue: Catalogue
    scope: Scope
    floor: Floor
    coverage: Coverage
    known: KnownFailures

    @property
    def name(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def profile(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def missing(self) -> list[str]: ...
    @property
    def implementation(self) -> dict[str, str]:
        """What the target file says of what is tested."""

    @property
    def part_of_whole(self) -> str:
        """Which part of a run it is, such as ``2/5``; empty for a whole one."""


MAKING = (
    "createProcess",
    "createProcessItem",
    "uploadProcessDocument",
    "uploadProcessUserActionDocument",
    "createWorker",
)
"""Operations whose success leaves something on the target."""


def function(test: str) -> str:
    """The function of a test that is made several times."""
    return test.partition("[")[0]


class RunRecord:
    """Gathers what tests report, in any order, and says what it adds up to."""

    def __init__(self, run: Recorded, folder: Path) -> None:
        self._run = run
        self._path = folder / "run.json"
        self._written = 0.0
        self._open: dict[str, list[str]] = {}
        self.left: list[str] = []
        """Processes of the run that could not be ended."""
        self.unwritable = ""
        """Why the reports could not be written."""
        self._verdicts = Verdicts(run.catalogue, run.scope, known.current(run.known))
        self.started = datetime.now(UTC)
        self._finished: datetime | None = None
        self._interrupted = False
        self._stopped = False
        self._unavailable = ""
        self._statuses: dict[str, Counter[str]] = {}
        self._elapsed: dict[str, list[float]] = {}
        self._covered: dict[str, set[str]] = {}
        self._tests: Counter[str] = Counter()
        self._errors: list[dict[str, str]] = []
        self._first_failure: dict[str, Any] | None = None
        self._cut: dict[str, list[int]] = {}
        self._witness: dict[str, Any] | None = None
        self._costs: dict[str, Counter[str]] = {}
        self._sent: dict[str, int] = {}
        """Requests of each test."""

    def add_evidence(self, test: str, evidence: Mapping[str, Any]) -> None:
        """Take in what one test found."""
        self._verdicts.add(test, evidence)
        self._sent[test] = sum(sum(statuses.values()) for statuses in evidence["traffic"].values())
        cost = self._costs.setdefault(function(test), Counter())
        cost.update({"tests": 1, "requests": self._sent[test]})
        for operation in MAKING:
            made = evidence["traffic"].get(operation, {})
            cost[operation] += sum(number for status, number in made.items() if status[0] == "2")
        self._count(evidence)
        self._cut |= evidence["cut"]
        for operation, points in evidence["covered"].items():
            self._covered.setdefault(operation, set()).update(points)
        if self._first_failure is None and self._verdicts.reported:
            seconds = (datetime.now(UTC) - self.started).total_seconds()
            self._first_failure = {
                "requirement": self._verdicts.reported[0].requirement.id,
                "requests": self.requests,
                "seconds": round(seconds, 1),
            }

    def _count(self, evidence: Mapping[str, Any]) -> None:
        """Take in what was sent and how fast it was answered."""
        for operation, statuses in evidence["traffic"].items():
            self._statuses.setdefault(operation, Counter()).update(statuses)
        for operation, elapsed in evidence["elapsed"].items():
            self._elapsed.setdefault(operation, []).extend(elapsed)

    def _cheapest(self, complaint: Complaint) -> str:
        """The test that shows a complaint with the fewest requests; what was found before the tests has none."""
        tests = [test for test in complaint.tests if "::" in test]
        return min(tests, key=lambda test: (self._sent.get(test, 0), test), default="")

    def worth_repeating(self, most: int, times: int, requests: float) -> list[str]:
        """At most so many failing tests, those of the first failures first, that send so many requests together.

        One for each requirement that follows from no other, of its rarest finding, since that is the one to doubt; and
        those of what is known to be broken sometimes.
        """
        chosen: dict[str, None] = {}
        failed = [verdict for verdict in self._verdicts.failed if not self._verdicts.follows(verdict)]
        known = [verdict for verdict in self._verdicts.ordered if verdict.outcome == "known"]
        for verdict in [*failed, *known]:
            doubtful = [c for c in verdict.complaints.values() if self._is_doubtful(verdict, c)]
            rarest = min(doubtful, key=lambda c: (c.count, c.operation, c.fingerprint), default=None)
            test = self._cheapest(rarest) if rarest else ""
            if not test or test in chosen or len(chosen) == most:
                continue
            if (cost := self._sent.get(test, 0) * times) <= requests:
                chosen[test] = None
                requests -= cost
        return list(chosen)

    def _is_doubtful(self, verdict: Verdict, complaint: Complaint) -> bool:
        """Whether it matters how often something is found: it is new, or known to be found sometimes."""
        what = (verdict.requirement.id, complaint.operation, complaint.fingerprint)
        listed = [entry for entry in known.current(self._run.known) if entry.covers(*what)]
        return not listed or any(entry.intermittent for entry in listed)

    def complaints(self, tests: Collection[str]) -> frozenset[tuple[str, str, str]]:
        """What these tests are to be made again for, by requirement, operation and fingerprint."""
        return frozenset(
            (verdict.requirement.id, complaint.operation, complaint.fingerprint)
            for verdict in self._verdicts.ordered
            for complaint in verdict.complaints.values()
            if self._cheapest(complaint) in tests
        )

    def add_repeat(self, test: str, evidence: Mapping[str, Any]) -> None:
        """Take in what a test found that was made again."""
        self._count(evidence)
        found = {(f["requirement"], f["operation"], f["fingerprint"]) for f in evidence["findings"]}
        for verdict in self._verdicts.ordered:
            for complaint in verdict.complaints.values():
                if self._cheapest(complaint) != test:
                    continue
                what = (verdict.requirement.id, complaint.operation, complaint.fingerprint)
                complaint.repeated += 1
                complaint.broken += what in found
                if what not in found:
                    complaint.held = complaint.held or evidence["held"].get(" ".join(what))
        self._finished = datetime.now(UTC)

    def target_lost(self, why: str) -> None:
        """Note that the target cannot be reached, and why; empty when it can be again."""
        self._unavailable = why

    def witnessed(
        self, passed_over: Mapping[str, int], explained: int, untold: int, advice: list[dict[str, Any]]
    ) -> None:
        """Note what was not said of the requests of others, and what there is to tell their authors."""
        self._witness = {
            "passed_over": dict(sorted(passed_over.items())),
            "explained": explained,
            "untold": untold,
            "advice": advice,
        }

    def open_at(self, part: str, keys: list[str]) -> None:
        """Note the processes that a part of the run has created and not ended yet."""
        self._open[part] = keys

    @property
    def open(self) -> list[str]:
        """The processes that the run has created and not ended, as far as is known."""
        return list(dict.fromkeys(key.lower() for keys in self._open.values() for key in keys))

    @property
    def workers(self) -> int:
        """How many processes at work have reported."""
        return sum(part != "" for part in self._open)

    @property
    def cut_short(self) -> bool:
        """Whether tests ended before they could report what they made."""
        return self._interrupted or self._stopped or any("crashed" in error["message"] for error in self._errors)

    def save(self) -> None:
        """Write what there is so far, so that nothing is lost when the run is killed. Raises OSError."""
        files.write_whole(self._path, json.dumps(self.as_dict(), indent=1, ensure_ascii=False) + "\n")
        self._written = time.monotonic()

    def keep(self) -> None:
        """Save, unless that was done a moment ago."""
        if time.monotonic() - self._written > SAVED_EVERY:
            with contextlib.suppress(OSError):  # it is told at the end
                self.save()

    @property
    def latency(self) -> float:
        """The median time of an answer so far, in seconds; 0 when there is none."""
        elapsed = [seconds for times in self._elapsed.values() for seconds in times]
        return statistics.median(elapsed) if elapsed else 0.0

    def add_report(self, report: pytest.TestReport) -> None:
        """Take in a report of pytest, with the evidence that the plugin put on it."""
        if opened := getattr(report, "kuflow_open", None):
            self.open_at(*opened)
        evidence = getattr(report, "kuflow", None)
        if evidence is not None:
            self.add_evidence(report.nodeid, evidence)
        if unavailable := getattr(report, "kuflow_unavailable", ""):
            self._unavailable = self._unavailable or unavailable
        if report.when == "call" or (report.when == "setup" and not report.passed):
            self._tests[report.outcome] += 1
        if report.failed and not unavailable and not _is_violation(report):
            lines = str(report.longrepr).strip().splitlines()
            self._errors.append(
                {"test": report.nodeid, "when": str(report.when), "message": lines[-1] if lines else ""}
            )
        self.keep()

    def add_problem(self, message: str) -> None:
        """Take in what went wrong outside of tests."""
        self._errors.append({"test": "the run itself", "when": "collect", "message": message})

    def finish(self, *, interrupted: bool, stopped: bool = False) -> None:
        """Note the end of the run; `stopped` when it was to end at the first failure, and did."""
        self._stopped = stopped
        self._finished = datetime.now(UTC)
        self._interrupted = interrupted and not self._unavailable

    @property
    def exit_code(self) -> int:
        if self._interrupted:
            return EXIT_INTERRUPTED
        if self.unwritable:
            return EXIT_NO_VERDICT
        if self._verdicts.failed or self._outdated or self._there_after_all:
            return EXIT_NOT_CONFORMANT
        return EXIT_NO_VERDICT if self._reason() else EXIT_CONFORMANT

    @property
    def _outdated(self) -> list[Known]:
        """Known failures that say what is not true any more; a part of a run cannot know."""
        if self._run.part_of_whole:
            return []
        return [entry for entry, state in self.known_failures if state in known.OUTDATED]

    @property
    def _there_after_all(self) -> list[str]:
        """Operations that are declared not to be implemented, and answer with success."""
        return sorted(key for key in self._run.scope.unimplemented if self._successes(key))

    def _successes(self, operation: str) -> int:
        statuses = self._statuses.get(operation, Counter())
        return sum(count for status, count in statuses.items() if status[0] == "2" or status == "304")

    @property
    def known_failures(self) -> list[tuple[Known, known.State]]:
        """The known failures, and what has become of each."""
        return [(entry, self._state(entry)) for entry in self._run.known]

    def _state(self, entry: Known) -> known.State:
        verdicts = [v for v in self._verdicts.ordered if v.checks and fits(entry.requirement, v.requirement.id)]
        complaints = [(v.requirement.id, c) for v in verdicts for c in v.complaints.values()]
        if any(entry.covers(key, c.operation, c.fingerprint) for key, c in complaints):
            if entry.expired(date.today()):
                return "expired"
            mine = [c for key, c in complaints if entry.covers(key, c.operation, c.fingerprint)]
            always = entry.intermittent and any(c.repeated and not c.intermittent for c in mine)
            return "always broken" if always else "still broken"
        if not any(entry.covers(v.requirement.id, name) for v in verdicts for name in v.operations):
            return "not tested"
        otherwise = any(entry.covers(key, c.operation) for key, c in complaints)
        return "not seen" if otherwise or entry.intermittent else "holds now"

    @property
    def _verdict(self) -> str:
        if self.exit_code == EXIT_CONFORMANT and self._run.profile == TRAFFIC:
            return "no break seen"
        return verdict(
            self.exit_code,
            [found.outcome for found in self._verdicts.ordered],
            whole=not self._run.scope.label,
            there=self._there_after_all,
        )

    def _reason(self) -> str:
        """Why there is no verdict; empty when there is one."""
        if self._interrupted:
            return "the run was interrupted"
        if self.unwritable:
            return self.unwritable
        if self._finished is None:
            return "the run did not come to its end"
        if self._stopped:
            return "stopped at the first failure"
        if self._unavailable:
            return self._unavailable
        if self._errors:
            first = self._errors[0]
            return f"{len(self._errors)} tests could not be carried out, first {first['test']}: {first['message']}"
        if not any(verdict.checks for verdict in self._verdicts.ordered):
            return "nothing was tested"
        if not self._run.part_of_whole:  # the others may have tested the rest
            return "; ".join(unmet(self._run.floor, {v.requirement.id: v.outcome for v in self._verdicts.ordered}))
        return ""

    def as_dict(self) -> dict[str, Any]:
        """The whole record as plain data."""
        record = self._as_dict()
        return seal({**record, "causes": causes(record)})

    def _as_dict(self) -> dict[str, Any]:
        finished = self._finished or datetime.now(UTC)
        seconds = (finished - self.started).total_seconds()
        requests = self.requests
        code = self.exit_code
        run = self._run
        return {
            "format": FORMAT,
            "suite": __version__,
            "suite_digest": suite_digest(),
            "api": VERSION,
            "run": str(run.id),
            "target": {"name": run.name, "url": run.url, "implementation": run.implementation},
            "scope": self._scope(),
            "floor": run.floor,
            "profile": run.profile,
            "seed": run.seed,
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round(seconds, 1),
            "complete": self._finished is not None and not (self._interrupted or self._stopped or self._unavailable),
            "verdict": self._verdict,
            "reason": self._reason(),
            "exit_code": code,
            "traffic": {"requests": requests, "per_second": round(requests / seconds, 1) if seconds else 0.0},
            "tests": {name: self._tests[name] for name in ("passed", "failed", "skipped")},
            "errors": self._errors,
            "requirements": [self._requirement(verdict) for verdict in self._verdicts.ordered],
            "failed": [verdict.requirement.id for verdict in self._verdicts.failed],
            "known": [{**entry.model_dump(mode="json"), "state": state} for entry, state in self.known_failures],
            "first_failure": self._first_failure,
            "operations": [self._operation(key) for key in run.description.operations if key in run.scope.operations],
            "missing": run.missing,
            "left": self.left if self._finished else self.open,
            "shard": run.part_of_whole or None,
            "cut": self._cut,
            "costs": {name: dict(cost) for name, cost in sorted(self._costs.items())},
            **({"witness": self._witness} if self._witness else {}),
        }

    def _scope(self) -> dict[str, Any]:
        """What was selected, of what a whole run has."""
        run = self._run
        usual = run.catalogue.in_profile("full" if run.profile == "full" else "core")
        return {
            "label": run.scope.label,
            "whole": not run.scope.label,
            "requirements": [len(run.scope.requirements), len(usual)],
            "operations": [len(run.scope.operations), len(run.description.operations)],
            "skipped": [
                {
                    "what": skip.name,
                    "reason": skip.reason,
                    "expires": skip.expires and skip.expires.isoformat(),
                    "requirements": sorted(skip.requirements),
                    "operations": sorted(skip.operations),
                }
                for skip in run.scope.skips
            ],
            "there_after_all": self._there_after_all,
        }

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return sum(sum(statuses.values()) for statuses in self._statuses.values())

    def _requirement(self, verdict: Verdict) -> dict[str, Any]:
        requirement = verdict.requirement
        failures = sorted(verdict.failures, key=lambda f: len(str(f["exchange"]["request"])))
        return {
            "id": requirement.id,
            "area": self._run.catalogue.area_of[requirement.id],
            "level": requirement.level,
            "sentence": requirement.sentence,
            "source": requirement.source,
            "since": requirement.since,
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "checks": verdict.checks,
            "failed": verdict.failed,
            "follows": self._verdicts.follows(verdict) if verdict.outcome == "fail" else None,
            "findings": [self._finding(verdict, complaint) for complaint in verdict.complaints.values()],
            "failures": [{"id": f"{requirement.id}.{n}", **failure} for n, failure in enumerate(failures, 1)],
            "example": verdict.example,
            "observations": dict(verdict.observations.most_common(20)),
            "operations": sorted(verdict.operations),
            "tests": sorted(verdict.tests),
            "failing_tests": sorted(verdict.failing_tests),
        }

    def _finding(self, verdict: Verdict, complaint: Complaint) -> dict[str, Any]:
        return {
            "operation": complaint.operation,
            "fingerprint": complaint.fingerprint,
            "expected": complaint.expected,
            "count": complaint.count,
            "known": verdict.is_known(complaint),
            "tests": sorted(complaint.tests),
            "repeated": {"times": complaint.repeated, "broken": complaint.broken, "held": complaint.held}
            if complaint.repeated
            else None,
        }

    def _operation(self, key: str) -> dict[str, Any]:
        operation = self._run.description.operations[key]
        statuses = self._statuses.get(key, Counter())
        elapsed = sorted(self._elapsed.get(key, ()))
        covered = self._covered.get(key, set())
        successes = self._successes(key)
        outcome = "tested" if successes else "not tested"
        return {
            "id": key,
            "method": operation.method,
            "path": operation.path,
            "requests": sum(statuses.values()),
            "successes": successes,
            "outcome": "not implemented" if key in self._run.scope.unimplemented else outcome,
            "statuses": dict(sorted(statuses.items())),
            "milliseconds": _latency(elapsed),
            "coverage": {point: point in covered for point in self._run.coverage.points[key]},
        }


def _latency(elapsed: list[float]) -> dict[str, float]:
    if not elapsed:
        return {}
    p95 = statistics.quantiles(elapsed, n=20)[-1] if len(elapsed) > 1 else elapsed[0]
    values = {"p50": statistics.median(elapsed), "p95": min(p95, elapsed[-1]), "max": elapsed[-1]}
    return {name: round(value * 1000, 1) for name, value in values.items()}


def _is_violation(report: pytest.TestReport) -> bool:
    """Whether the test failed because a requirement is broken, and not by itself."""
    return bool(getattr(report, "kuflow_violation", False))
