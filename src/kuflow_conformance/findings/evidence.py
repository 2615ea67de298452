"""What a test finds while it runs: checks that held, failures with their exchange, observations, gaps.

It is a little long, as the verbs of the suites stand together.
"""

from __future__ import annotations

import difflib
import itertools
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from kuflow_conformance.findings.history import History
from kuflow_conformance.findings.identity import fingerprint, place
from kuflow_conformance.findings.verdicts import kept_examples
from kuflow_conformance.oracles import Finding, WrongRequest, found, shown
from kuflow_conformance.oracles.answers import judge_answer, unanswered
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.oracles.gateways import refused_in_front
from kuflow_conformance.oracles.lists import judge_list
from kuflow_conformance.oracles.requests import contradictions, request_faults
from kuflow_conformance.oracles.resources import disagreements, judge_resources, same_value
from kuflow_conformance.oracles.values import json_equal
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import CONTROL, Redactor

BODY_KEPT = 4000
"""Characters of a body that a report shows."""

EXAMPLE_KEPT = 400
"""Characters of an answer that is shown as an example of a requirement that holds."""

DIFF_KEPT = 60
"""Lines of a difference that a report shows."""


FORM = ("ANS-001", "ANS-002", "ANS-003", "ANS-004", "SCH-001", "SCH-002", "SCH-003", "SCH-004", "SCH-005", "ERR-001")
"""Requirements on the form of answers, without which nothing can be said of what they say."""


def judge(exchange: Exchange) -> list[Finding]:
    """Everything that can be said of one exchange by itself.

    What an answer shows after a request that should have been refused follows from that, and is not held against it.
    """
    findings = [*judge_answer(exchange), *judge_list(exchange), *judge_resources(exchange)]
    if exchange.ok and not all(finding.holds for finding in findings) and request_faults(exchange):
        return [finding for finding in findings if finding.holds]
    return findings


class Evidence:
    """Collects what one test finds. Every exchange of the test is judged as it happens."""

    def __init__(
        self,
        redactor: Redactor,
        curl: Callable[[Exchange], str],
        coverage: Coverage,
        history: History,
        exemplified: set[str],
        judges: Callable[[str], bool] = lambda operation: True,
        watched: Collection[tuple[str, str, str]] = (),
    ) -> None:
        self._watched = watched
        """Findings of which an exchange is kept that does not show them."""
        self.held: dict[str, dict[str, Any]] = {}
        """Those exchanges, by requirement, operation and fingerprint."""
        self._judges = judges
        """Whether the answers of an operation count."""
        self._coverage = coverage
        self._redactor = redactor
        self._curl = curl
        self._history = history
        self._exemplified = exemplified
        """Requirements that this process has given an example of already."""
        self._first = 0
        """The number of the first exchange of the test."""
        self.examples: dict[str, dict[str, Any]] = {}
        self.checks: Counter[str] = Counter()
        self.operations: dict[str, set[str]] = {}
        self.failures: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self._sizes: dict[tuple[str, str, str], int] = {}
        """Characters of the request that a failure shows."""
        self._sent = 0
        """Bytes of the last request that was to change something."""
        self.observations: dict[str, Counter[str]] = {}
        self.not_tested: dict[str, str] = {}
        self.untested_parts: dict[str, str] = {}
        self.traffic: dict[str, Counter[str]] = {}
        self.elapsed: dict[str, list[float]] = {}
        self.covered: dict[str, set[str]] = {}
        self.last: Exchange | None = None
        self.last_broke: set[str] = set()
        """The requirements that the last exchange breaks by itself."""
        self._unanswered: Exchange | None = None
        """The last request of the test that got no answer, or a server error."""
        self.cut: dict[str, list[int]] = {}
        """What there was no time for: the test, or the operation of generated requests → [made, planned]."""
        self.trail: list[str] = []
        """Each exchange in a few words."""

    def see(self, exchange: Exchange) -> None:
        """Record an exchange and judge it by itself."""
        self.last = exchange
        if unanswered(exchange):
            self._unanswered = exchange
        self._first = self._first or exchange.number
        self._history.add(exchange)
        if exchange.method != "GET":
            self._sent = len(exchange.request_body)
        self.trail.append(
            f"{exchange.operation_id} → {exchange.failure or exchange.status} in {exchange.elapsed * 1000:.1f} ms"
        )
        self.traffic.setdefault(exchange.operation_id if exchange.operation else "(undocumented)", Counter())[
            str(exchange.status)
        ] += 1
        if exchange.operation:
            self.elapsed.setdefault(exchange.operation.id, []).append(exchange.elapsed)
            self.covered.setdefault(exchange.operation.id, set()).update(self._coverage.of(exchange))
        if why := refused_in_front(exchange):
            self.observe("ERR-012", f"{exchange.status} as {exchange.media_type or 'nothing'}: {why}")
        findings = judge(exchange)
        self.last_broke = {finding.requirement for finding in findings if not finding.holds}
        self.findings(findings, exchange)

    def findings(self, findings: Iterable[Finding], exchange: Exchange) -> None:
        """Record findings about an exchange."""
        for finding in findings:
            self.record(finding, exchange)

    def refused(self, requirement: str, exchange: Exchange, what: str) -> bool:
        """Check that the answer is a refusal, such as "of an unknown version"; returns whether it is."""
        return self.check(requirement, exchange, exchange.refused, expected=f"a refusal (4xx) {what}")

    def accepted(self, requirement: str, exchange: Exchange, what: str) -> bool:
        """Check that the answer is a success, such as "a READY task to be claimed"; returns whether it is.

        A refusal that may come from before the application says nothing of it. Raises WrongRequest when the target was
        right to refuse what it was asked.
        """
        if exchange.refused and refused_in_front(exchange):
            return False
        if exchange.refused and (wrong := contradictions(exchange)):
            raise WrongRequest(f"{exchange.operation_id} was asked wrongly by the suite or its test bed: {wrong[0]}")
        return self.check(requirement, exchange, exchange.ok, expected=what)

    def answered(self, requirement: str, exchange: Exchange, status: int, what: str) -> bool:
        """Check the status of the answer, such as 201 "for a new resource"; returns whether it is the one."""
        if exchange.refused and status < 400:
            return self.accepted(requirement, exchange, f"{status} {what}")
        return self.equal(requirement, exchange, exchange.status, status, what)

    def shows(
        self, requirement: str, exchange: Exchange, properties: Mapping[str, object | None], why: str = ""
    ) -> bool:
        """Check that the answer shows these properties, such as ``{"task.state": "READY"}``; returns whether all do.

        A JSON value (``….value``) has to be equal; UUIDs and timestamps elsewhere may be written otherwise. None as
        the value stands for one that is not known: the property is passed over.
        """
        all_hold = True
        for path, wanted in properties.items():
            if wanted is None:
                continue
            seen, is_data = exchange.at(path), path.endswith(".value")
            holds = json_equal(seen, wanted) if is_data else same_value(seen, wanted)
            expected = f"{path} {_worded(wanted)}{why and f', {why}'}"
            compared = (wanted, seen) if is_data else None
            all_hold &= self.check(requirement, exchange, holds, expected=expected, seen=seen, compared=compared)
        return all_hold

    def equal(self, requirement: str, exchange: Exchange, seen: object, wanted: object, what: str) -> bool:
        """Check something of an answer that is no property of it, such as 3 "rows"; returns whether it is as wanted."""
        compared = (wanted, seen) if isinstance(wanted, (dict, list)) else None
        expected, holds = f"{_worded(wanted)} {what}", json_equal(seen, wanted)
        return self.check(requirement, exchange, holds, expected=expected, seen=seen, compared=compared)

    def nothing(self, requirement: str, exchange: Exchange, seen: Collection[object], expected: str) -> bool:
        """Check that nothing was seen that contradicts what is expected; returns whether it is so."""
        return self.check(requirement, exchange, not seen, expected=expected, seen="; ".join(sorted(map(str, seen))))

    def unchanged(
        self, requirement: str, before: Exchange, after: Exchange, expected: str, *, ignore: Collection[str] = ()
    ) -> bool:
        """Check that two answers about one resource agree, but for the properties to `ignore`; returns whether."""
        if before.ok and unanswered(after):
            return self.check(requirement, after, False, expected=expected)
        if not (before.ok and after.ok):
            return False
        # Reads of one resource show the same properties; answers of other operations may leave some out.
        complete = before.operation == after.operation and after.method == "GET"
        differences = disagreements(before.object, after.object, ignore=ignore, complete=complete)
        return self.check(
            requirement,
            after,
            not differences,
            expected=expected,
            seen="; ".join(differences),
            compared=(before.object, after.object),
        )

    def faults_refused(self, exchange: Exchange) -> None:
        """Check that a request was refused for each thing that is wrong with it; see `request_faults`."""
        for fault in request_faults(exchange):
            self.refused(fault.requirement, exchange, f"as {fault.what}")

    def check(
        self,
        requirement: str,
        exchange: Exchange,
        holds: bool,
        *,
        expected: str,
        seen: object = None,
        compared: tuple[object, object] | None = None,
    ) -> bool:
        """Check one requirement on one exchange, for what has no verb of its own above; returns `holds`.

        `seen` is the answer when left out. `compared` is the JSON that was expected and the one seen, for the report to
        show the difference. Without an answer, or with a server error for one, the requirement is broken because of
        that.
        """
        if because := unanswered(exchange):
            self.record(Finding(requirement, False, expected, exchange.describe()), exchange, because=because)
            return False
        if exchange.failure:
            return False
        finding = found(requirement, holds, expected, exchange.describe() if seen is None else seen)
        self.record(finding, exchange, compared)
        return holds

    def record(
        self,
        finding: Finding,
        exchange: Exchange,
        compared: tuple[object, object] | None = None,
        because: str = "",
    ) -> None:
        """Count a finding; keep it with its exchange if it is a failure.

        `because` is the requirement that is to blame, when there was no answer to hold this one against.
        """
        if not self._judges(exchange.operation_id):
            return
        self.checks[finding.requirement] += 1
        self.operations.setdefault(finding.requirement, set()).add(place(exchange.operation_id))
        if finding.holds:
            if self._watched:
                self._watch(finding, exchange)
            if finding.requirement not in self._exemplified:
                self._exemplified.add(finding.requirement)
                self.examples[finding.requirement] = self._example(finding, exchange)
            return
        # The same complaint of one operation counts once, however many requests show it: the smallest one is shown,
        # and of equal ones the last, before which less was done.
        key = (finding.requirement, place(exchange.operation_id), finding.expected)
        kept = self.failures.setdefault(key, [])
        # What is read shows what was sent before.
        size = len(exchange.url) + (self._sent if exchange.method == "GET" else len(exchange.request_body))
        if not kept or size <= self._sizes[key]:
            self._sizes[key] = size
            kept[:] = [
                {**self._failure(finding, exchange, compared, because), "count": kept[0]["count"] if kept else 0}
            ]
        kept[0]["count"] += 1

    def _watch(self, finding: Finding, exchange: Exchange) -> None:
        """Keep an exchange that does not show a finding that was seen before."""
        key = (finding.requirement, place(exchange.operation_id), fingerprint(finding.expected))
        if key in self._watched:
            self.held.setdefault(" ".join(key), self.render(exchange))

    def _example(self, finding: Finding, exchange: Exchange) -> dict[str, Any]:
        """How a requirement was seen to hold."""
        answer = self._redactor.text(exchange.body[: EXAMPLE_KEPT * 4].decode("utf-8", "replace"))
        return {
            "operation": exchange.operation_id,
            "expected": self._redactor.text(finding.expected)[:EXAMPLE_KEPT],
            "curl": self._curl(exchange)[:BODY_KEPT],
            "status": exchange.status,
            "answer": answer if len(answer) <= EXAMPLE_KEPT else f"{answer[:EXAMPLE_KEPT]}…",
        }

    def _failure(
        self, finding: Finding, exchange: Exchange, compared: tuple[object, object] | None, because: str
    ) -> dict[str, Any]:
        text = self._redactor.text
        return {
            "requirement": finding.requirement,
            "operation": place(exchange.operation_id),
            "finding": fingerprint(finding.expected),
            "expected": text(finding.expected),
            "seen": text(finding.seen),
            "curl": self._curl(exchange),
            "exchange": self.render(exchange),
            "steps": [self._step(earlier) for earlier in self._history.leading_to(exchange, self._first)],
            "difference": self._difference(*compared) if compared else [],
            "because": because,
            "count": 0,
        }

    def _step(self, exchange: Exchange) -> dict[str, Any]:
        """A request that led to a failure."""
        return {
            "operation": exchange.operation_id,
            "request": self.render(exchange)["request"],
            "status": exchange.status,
            "answer_id": str(exchange.object.get("id", "")),
            "curl": self._curl(exchange),
        }

    def _difference(self, expected: object, seen: object) -> list[str]:
        """Two JSON values, line by line (unified diff)."""

        def lines(value: object) -> list[str]:
            return self._redactor.text(json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)).splitlines()

        difference = difflib.unified_diff(lines(expected), lines(seen), "expected", "seen", lineterm="", n=2)
        return list(difference)[:DIFF_KEPT]

    def render(self, exchange: Exchange) -> dict[str, Any]:
        """An exchange for a report: redacted, bodies cut."""
        return {
            "request": {
                "method": exchange.method,
                "url": self._redactor.text(exchange.url),
                "caller": exchange.caller,
                "complete": _is_text(exchange.request_body) and len(exchange.request_body) <= BODY_KEPT,
                "headers": self._redactor.headers(exchange.request_headers),
                "body": self._body(exchange.request_body),
            },
            "response": {
                "status": exchange.status,
                "headers": self._redactor.headers(exchange.headers),
                "body": self._body(exchange.body),
                "milliseconds": round(exchange.elapsed * 1000, 1),
                "failure": exchange.failure,
            },
        }

    def _body(self, body: bytes) -> str:
        text = self._redactor.text(body[: BODY_KEPT * 4].decode("utf-8", "replace"))
        return text if len(text) <= BODY_KEPT else f"{text[:BODY_KEPT]}… ({len(body)} bytes)"

    def partly(self, requirement: str, reason: str) -> None:
        """Record that a part of a requirement could not be tested, so that the whole is not said to hold."""
        self.untested_parts.setdefault(requirement, reason)

    def unreached(self, requirements: Iterable[str]) -> None:
        """Count requirements as broken that a request without an answer kept the test from checking."""
        if self._unanswered is None:
            return
        because = unanswered(self._unanswered)
        for requirement in requirements:
            if requirement not in self.checks:
                finding = Finding(requirement, False, "an answer to hold it against", self._unanswered.describe())
                self.record(finding, self._unanswered, because=because)

    def malformed(self) -> str:
        """The requirement on the form of answers that the test found broken; empty when all were well-formed."""
        return next((key for key, *_ in self.failures if key in FORM), "")

    def observe(self, requirement: str, what: str) -> None:
        """Record what the target does where the documentation is silent."""
        self.observations.setdefault(requirement, Counter())[self._redactor.text(what)] += 1

    def gap(self, requirements: Iterable[str], reason: str) -> None:
        """Record why requirements could not be tested here."""
        for requirement in requirements:
            self.not_tested.setdefault(requirement, reason)

    @property
    def complaints(self) -> list[dict[str, Any]]:
        """What is broken, where, and how often: each complaint once."""
        found: dict[tuple[str, str, str], dict[str, Any]] = {}
        for failure in itertools.chain.from_iterable(self.failures.values()):
            key = (failure["requirement"], failure["operation"], failure["finding"])
            names = dict(zip(("requirement", "operation", "fingerprint"), key, strict=True))
            complaint = found.setdefault(
                key, {**names, "expected": failure["expected"], "count": 0, "unanswered": True}
            )
            complaint["count"] += failure["count"]
            response = failure["exchange"]["response"]
            complaint["unanswered"] &= bool(response["failure"]) or response["status"] >= 500
        return list(found.values())

    def as_dict(self) -> dict[str, Any]:
        """The evidence as plain data, fit to cross a process boundary."""
        by_operation: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for (requirement, operation, _), failures in self.failures.items():
            by_operation.setdefault((requirement, operation), []).extend(failures)
        return {
            "checks": dict(self.checks),
            "operations": {key: sorted(value) for key, value in self.operations.items()},
            "findings": self.complaints,
            "held": self.held,
            "failures": [failure for failures in by_operation.values() for failure in kept_examples(failures)],
            "observations": {key: dict(value) for key, value in self.observations.items()},
            "not_tested": self.not_tested,
            "untested_parts": self.untested_parts,
            "cut": self.cut,
            "examples": self.examples,
            "traffic": {key: dict(value) for key, value in self.traffic.items()},
            "elapsed": self.elapsed,
            "covered": {key: sorted(points) for key, points in self.covered.items()},
        }


def _worded(value: object) -> str:
    """A value in a sentence: one word as it is, anything else as JSON."""
    return value if isinstance(value, str) and value.split() == [value] else shown(value)


def _is_text(body: bytes) -> bool:
    try:
        return not CONTROL.search(body.decode())
    except UnicodeDecodeError:
        return False
