"""What the evidence of a run adds up to, requirement by requirement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from kuflow_conformance.description.requirements import Catalogue, Requirement
from kuflow_conformance.description.scope import Scope
from kuflow_conformance.findings.known import KnownFailures

Outcome = Literal["pass", "fail", "warn", "known", "observed", "not tested", "not implemented", "not scored"]

FAILURES_KEPT = 3
"""Examples kept of each requirement and operation; all are counted."""


@dataclass
class Complaint:
    """One way in which one operation breaks a requirement, however many requests show it."""

    operation: str
    fingerprint: str
    expected: str
    count: int = 0
    tests: set[str] = field(default_factory=set)
    unanswered: bool = False
    """Whether all that was seen of it is that there was no answer, or a server error; not where tests race, though:
    what a race shows seldom is a bug all the same."""
    repeated: int = 0
    """How often a test that found it was made again, by itself."""
    broken: int = 0
    """How often it was found then."""
    held: dict[str, Any] | None = None
    """An exchange of those that did not show it."""

    @property
    def intermittent(self) -> bool:
        """Whether it was not found each time that it was looked for again."""
        return self.broken < self.repeated

    @property
    def once(self) -> bool:
        """Whether it is a single request without a proper answer, and never came again."""
        return self.unanswered and self.count == 1 and self.repeated > 0 and self.broken == 0


def kept_examples(failures: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of one operation's failures that are shown: a few, and one of each complaint."""
    shown: list[dict[str, Any]] = []
    for failure in failures:
        if len(shown) < FAILURES_KEPT or failure["finding"] not in {other["finding"] for other in shown}:
            shown.append(failure)
    return shown


@dataclass
class Verdict:
    """What the run says of one requirement."""

    requirement: Requirement
    known: KnownFailures = ()
    """What is known to be broken, and put up with."""
    scored: bool = True
    """Whether it counts; what is newer than the set that is scored is shown only."""
    implemented: bool = True
    """Whether the target is to have what it is about."""
    checks: int = 0
    failed: int = 0
    complaints: dict[tuple[str, str], Complaint] = field(default_factory=dict)
    """By operation and fingerprint."""
    failures: list[dict[str, Any]] = field(default_factory=list)
    observations: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    untested_parts: list[str] = field(default_factory=list)
    """Why a part of it could not be tested, so that the whole is not."""
    operations: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    failing_tests: set[str] = field(default_factory=set)
    example: dict[str, Any] | None = None
    """How it was seen to hold."""

    def keep(self, failure: dict[str, Any]) -> None:
        """Keep a failure as an example, unless there are enough of its operation or one says the same."""
        same = [other for other in self.failures if other["operation"] == failure["operation"]]
        twin = next((other for other in same if other["expected"] == failure["expected"]), None)
        if twin is not None:
            twin["count"] += failure["count"]
        elif len(kept_examples([*same, failure])) > len(same):
            self.failures.append(failure)

    def is_known(self, complaint: Complaint) -> bool:
        """Whether it is listed, and put up with."""
        what = (self.requirement.id, complaint.operation, complaint.fingerprint)
        always = complaint.repeated > 0 and not complaint.intermittent
        return any(entry.covers(*what) and not (entry.intermittent and always) for entry in self.known)

    @property
    def outcome(self) -> Outcome:
        if not self.implemented:
            return "not implemented"
        if not self.scored:
            return "not scored"
        new = [complaint for complaint in self.complaints.values() if not self.is_known(complaint)]
        if self.failed and not new:
            return "known"
        if self.failed and all(complaint.once for complaint in new):
            return "warn"
        if self.failed:
            return "fail" if self.requirement.level == "MUST" else "warn"
        if self.requirement.level == "OBSERVE":
            return "observed" if self.observations else "not tested"
        return "pass" if self.checks and not self.untested_parts else "not tested"

    @property
    def reason(self) -> str:
        """Why it was not tested; empty when it was."""
        if self.outcome != "not tested":
            return ""
        return "; ".join(dict.fromkeys([*self.untested_parts, *self.reasons])) or "no test reached it"


SUCCESS = "SUC-001"
"""The requirement that good requests succeed."""

_PAGING = {"size", "page", "sort"}


def _bears_on(cause: str, failures: Iterable[Mapping[str, Any]]) -> bool:
    """Whether all requests that show a failure have what the requirement `cause` is about."""
    queries = [set(parse_qs(urlsplit(f["exchange"]["request"]["url"]).query)) for f in failures]
    if cause.startswith("FLT"):
        return all(query - _PAGING for query in queries)
    return not cause.startswith("SRT") or all("sort" in query for query in queries)


class Verdicts:
    """Adds up the evidence of tests, in any order and from any number of processes."""

    def __init__(self, catalogue: Catalogue, scope: Scope, known: KnownFailures = ()) -> None:
        self.catalogue = catalogue
        self.by_id = {
            key: Verdict(requirement, known, key not in scope.unscored, not scope.is_unimplemented(requirement))
            for key, requirement in catalogue.requirements.items()
            if key in scope.requirements
        }

    def add(self, test: str, evidence: Mapping[str, Any]) -> None:
        """Take in what one test found; see `Evidence.as_dict`."""
        for key, count in evidence["checks"].items():
            if verdict := self.by_id.get(key):
                verdict.checks += count
                verdict.tests.add(test)
                verdict.operations.update(evidence["operations"].get(key, ()))
        for found in evidence["findings"]:
            if verdict := self.by_id.get(found["requirement"]):
                key = (found["operation"], found["fingerprint"])
                complaint = verdict.complaints.setdefault(key, Complaint(*key, found["expected"]))
                complaint.count += found["count"]
                complaint.tests.add(test)
                complaint.unanswered = found["unanswered"] and not evidence.get("racing")
                verdict.failed += found["count"]
                verdict.failing_tests.add(test)
        for failure in evidence["failures"]:
            if verdict := self.by_id.get(failure["requirement"]):
                verdict.keep({**failure, "test": test})
        for key, observations in evidence["observations"].items():
            if verdict := self.by_id.get(key):
                verdict.observations.update(observations)
        for key, reason in evidence["not_tested"].items():
            if verdict := self.by_id.get(key):
                verdict.reasons.append(reason)
        for key, reason in evidence["untested_parts"].items():
            if verdict := self.by_id.get(key):
                verdict.untested_parts.append(reason)
        for key, example in evidence["examples"].items():
            if (verdict := self.by_id.get(key)) and verdict.example is None:
                verdict.example = example

    @property
    def ordered(self) -> list[Verdict]:
        """The verdicts in catalogue order."""
        return list(self.by_id.values())

    @property
    def failed(self) -> list[Verdict]:
        """The broken MUST requirements, in the order in which to look at them: first those that explain others."""
        broken = [verdict for verdict in self.ordered if verdict.outcome == "fail"]
        return sorted(broken, key=lambda verdict: self.follows(verdict) is not None)

    def follows(self, verdict: Verdict) -> str | None:
        """The broken requirement that explains why this one is broken, if there is one."""
        broken = [other.requirement.id for other in self.ordered if other.outcome == "fail"]
        blamed = {failure["because"] for failure in verdict.failures}
        if len(blamed) == 1 and blamed <= set(broken):
            return str(blamed.pop())
        if SUCCESS in broken and verdict.requirement.id != SUCCESS and self._is_a_lack_of_success(verdict):
            return SUCCESS
        return self.catalogue.explaining(
            verdict.requirement.id, [key for key in broken if _bears_on(key, verdict.failures)]
        )

    def _is_a_lack_of_success(self, verdict: Verdict) -> bool:
        """Whether it is broken only by refusals of operations that refuse what they must not."""
        unsuccessful = {failure["operation"] for failure in self.by_id[SUCCESS].failures}
        return all(
            failure["operation"] in unsuccessful and failure["exchange"]["response"]["status"] >= 400
            for failure in verdict.failures
        )

    @property
    def reported(self) -> list[Verdict]:
        """All broken requirements: MUST, then SHOULD."""
        return self.failed + [verdict for verdict in self.ordered if verdict.outcome == "warn"]

    def table(self) -> dict[str, Counter[str]]:
        """Area → outcome → number of requirements."""
        table: dict[str, Counter[str]] = {}
        for verdict in self.ordered:
            area = self.catalogue.area_of[verdict.requirement.id]
            table.setdefault(area, Counter())[verdict.outcome] += 1
        return table
