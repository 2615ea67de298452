"""Two servers side by side: the same tests against both, and where they behave differently.

Each server gets a run of its own, with the same seed and one process, and leaves a record and a trace. Steps of a test
are compared one by one as long as both servers were asked the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NO_VERDICT, EXIT_NOT_CONFORMANT
from kuflow_conformance.findings import record as records
from kuflow_conformance.findings import trace
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.findings.trace import Step

ABSENT = "absent"

PARTS = ("target", "against")
"""The folders in which the two runs leave their reports."""


@dataclass
class Difference:
    """Something that two servers do differently in an operation.

    `kind` is ``status``, ``media type``, ``error codes``, ``field``, ``value``, ``order``, ``timestamp digits`` or
    ``requests`` (what a server answered led the test to ask for other things). `breaks` are the MUST requirements
    that one of the two breaks where it was seen; empty means that the documentation allows both.
    """

    kind: str
    operation: str
    place: str
    target: str
    against: str
    count: int = 0
    seen_at: set[tuple[str, str]] = field(default_factory=set)
    """Tests, with the requests as either server was sent them."""
    breaks: list[str] = field(default_factory=list)
    curl: str = ""
    answers: tuple[str, str] = ("", "")

    @property
    def tests(self) -> set[str]:
        return {test for test, _ in self.seen_at}


def _differences(mine: Step, other: Step) -> Iterator[tuple[str, str, str, str]]:
    """What differs between two answers to one request: (kind, place, mine, other)."""
    if mine.status != other.status:
        yield "status", "", str(mine.status), str(other.status)
        return  # the rest follows from it
    if mine.media_type != other.media_type:
        yield "media type", "", mine.media_type or ABSENT, other.media_type or ABSENT
        return
    if mine.codes != other.codes:
        yield "error codes", "", ", ".join(mine.codes) or ABSENT, ", ".join(other.codes) or ABSENT
    for place in sorted(mine.fields.keys() | other.fields.keys()):
        whole = place.rpartition("/")[0]
        if mine.fields.get(whole) != other.fields.get(whole):
            continue  # what it is part of is named already
        kinds = mine.fields.get(place, ABSENT), other.fields.get(place, ABSENT)
        if kinds[0] != kinds[1]:
            yield "field", place, *kinds
        elif mine.values.get(place) != other.values.get(place):
            yield "value", place, *_first_apart(mine.values.get(place, []), other.values.get(place, []))
    if mine.rows is not None and other.rows is not None and mine.rows != other.rows:
        kind = "order" if sorted(mine.rows) == sorted(other.rows) else "value"
        yield kind, "/content", ", ".join(mine.rows), ", ".join(other.rows)


def _first_apart(mine: Sequence[str], other: Sequence[str]) -> tuple[str, str]:
    for one, two in zip(mine, other, strict=False):
        if one != two:
            return one, two
    return f"{len(mine)} values", f"{len(other)} values"


def compare_traces(mine: Mapping[str, list[Step]], other: Mapping[str, list[Step]]) -> list[Difference]:
    """All differences between the traces of two runs, alike ones together, without saying what they mean."""
    found: dict[tuple[str, ...], Difference] = {}

    def note(kind: str, place: str, first: str, second: str, steps: tuple[Step, Step]) -> None:
        # Contents differ from case to case; that they differ is one difference.
        key = (kind, steps[0].operation, place, *(() if kind in ("value", "order", "requests") else (first, second)))
        difference = found.get(key)
        if difference is None:
            answers = steps[0].answer, steps[1].answer
            difference = Difference(kind, steps[0].operation, place, first, second, curl=steps[1].curl, answers=answers)
            found[key] = difference
        difference.count += 1
        difference.seen_at |= {(step.test, step.curl) for step in steps}

    for test in mine.keys() & other.keys():
        differed = False
        for one, two in zip(_without_polling(mine[test]), _without_polling(other[test]), strict=False):
            if one.asked != two.asked:
                if not differed:
                    note("requests", "", one.operation, two.operation, (one, two))
                break
            for kind, place, first, second in _differences(one, two):
                differed = True
                note(kind, place, first, second, (one, two))
    return sorted([*found.values(), *_digits(mine, other)], key=lambda d: (d.operation, d.kind, d.place, d.target))


def _without_polling(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps, but of equal ones in a row only the last: how often a test has to ask is a matter of speed."""
    for _, alike in groupby(steps, key=lambda step: (step.asked, step.curl)):
        yield [*alike][-1]


def _digits(mine: Mapping[str, list[Step]], other: Mapping[str, list[Step]]) -> Iterator[Difference]:
    """How precise timestamps are, over the whole of both runs: single ones may happen to end in zeros."""
    most: list[dict[str, tuple[int, Step]]] = [{}, {}]
    for side, tests in zip(most, (mine, other), strict=True):
        for step in (step for steps in tests.values() for step in steps):
            for number in step.digits.values():
                if number > side.get(step.operation, (-1, step))[0]:
                    side[step.operation] = number, step
    for operation in most[0].keys() & most[1].keys():
        (one, step), (two, twin) = most[0][operation], most[1][operation]
        if one != two:
            yield Difference(
                *("timestamp digits", operation, "", f"up to {one}", f"up to {two}", 1),
                seen_at={(step.test, step.curl)},
                curl=step.curl,
                answers=(step.answer, twin.answer),
            )


@dataclass
class Twin:
    """What two runs with the same seed say of two servers."""

    target: dict[str, Any]
    against: dict[str, Any]
    differences: list[Difference]

    def __post_init__(self) -> None:
        tests, requests = self._failing_in_one()
        for difference in self.differences:
            keys = {key for place in difference.seen_at for key in requests.get(place, ())}
            if all(test in tests for test in difference.tests):  # no test that finds both right shows it
                keys |= {key for test in difference.tests for key in tests[test]}
            difference.breaks = sorted(keys)

    @property
    def comparison(self) -> Comparison:
        return Comparison(self.target, self.against)

    def _failing_in_one(self) -> tuple[dict[str, set[str]], dict[tuple[str, str], set[str]]]:
        """The MUST requirements that one of the two breaks, by test, and by the request that shows it."""
        tests: dict[str, set[str]] = {}
        requests: dict[tuple[str, str], set[str]] = {}
        for requirement in self.only_one_keeps:
            for test in requirement["failing_tests"]:
                tests.setdefault(test, set()).add(requirement["id"])
            for failure in requirement["failures"]:
                requests.setdefault((failure["test"], failure["curl"]), set()).add(requirement["id"])
        return tests, requests

    @property
    def breaking(self) -> list[Difference]:
        """Differences that go with a MUST that one of the two breaks."""
        return [difference for difference in self.differences if difference.breaks]

    @property
    def allowed(self) -> list[Difference]:
        """Differences that the documentation leaves room for."""
        return [difference for difference in self.differences if not difference.breaks]

    @property
    def only_one_keeps(self) -> list[dict[str, Any]]:
        """MUST requirements that one of the two breaks, as the record of that one has them; ``by`` says which."""
        mended = {r["id"] for r in self.comparison.mended}
        mine = [r for r in self.target["requirements"] if r["id"] in mended]
        return [{**r, "by": "against"} for r in self.comparison.broken] + [{**r, "by": "target"} for r in mine]

    @property
    def alike(self) -> bool:
        found = self.comparison
        return not (self.differences or self.only_one_keeps or found.observed or found.warned or found.untested)

    @property
    def verdict(self) -> str:
        if number := len(self.only_one_keeps):
            return f"{number} {'requirement is' if number == 1 else 'requirements are'} kept by one of the two only"
        return "no difference" if self.alike else "all differences are allowed"

    @property
    def exit_code(self) -> int:
        if not (self.target["complete"] and self.against["complete"]):
            return EXIT_NO_VERDICT
        return EXIT_NOT_CONFORMANT if self.only_one_keeps else EXIT_CONFORMANT


def read(folder: Path) -> Twin:
    """What the two runs left in `folder`. Raises InvalidRecord."""
    target, against = (records.read(folder / part / "run.json") for part in PARTS)
    traces = [trace.read(folder / part / trace.FILE) for part in PARTS]
    return Twin(target, against, compare_traces(*traces))
