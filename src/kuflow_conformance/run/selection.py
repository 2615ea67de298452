"""Which tests a run makes, in which order, and how long it may take."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.errors import ConformanceError
from kuflow_conformance.generation.cases import Case, CaseStore


@dataclass(frozen=True)
class Test:
    """A test as far as its selection goes: `operation` is the one that it is made for, if it is made for each."""

    __test__ = False

    id: str
    requirements: tuple[str, ...]
    operation: str | None = None
    long: bool = False
    """Whether it sends many requests."""

    @property
    def probes(self) -> bool:
        """Whether it is the one that sees whether an operation is there at all."""
        return "test_good_request_succeeds[" in self.id

    @property
    def is_generated(self) -> bool:
        """Whether it sends generated requests, of which there can be any number."""
        return "test_generated_requests[" in self.id


@dataclass(frozen=True)
class Shard:
    """One of several parts of a run, on as many machines: every `of`th test, beginning with number `number`."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """From ``2/5``. Raises ConformanceError."""
        match = re.fullmatch(r"([1-9]\d*)/([1-9]\d*)", text)
        if match is None or int(match[1]) > int(match[2]):
            raise ConformanceError(f"--shard {text}: expected PART/PARTS, such as 2/5 for the second part of five")
        return cls(int(match[1]), int(match[2]))

    def of_tests(self, tests: Sequence[Test]) -> list[Test]:
        """The tests of this part."""
        return list(tests[self.number - 1 :: self.of])

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def changed_first(tests: Sequence[Test], catalogue: Catalogue, changed: Collection[str]) -> list[Test]:
    """`tests`, with those first that are about the operations `changed`."""

    def concerns(test: Test) -> bool:
        if test.operation is not None:
            return test.operation in changed
        about = {name for key in test.requirements for name in catalogue[key].operations if key in catalogue}
        return not about.isdisjoint(changed)

    return sorted(tests, key=lambda test: not concerns(test))


def long_first(tests: Sequence[Test]) -> list[Test]:
    """`tests` with the long ones early: begun last, one of them would keep everybody waiting.

    Each is followed by a short one, since processes are given tests by twos.
    """
    short = iter([test for test in tests if not test.long])
    ordered = [one for test in tests if test.long for one in (test, next(short, None)) if one is not None]
    return [*ordered, *short]


def long_last(tests: Sequence[Test]) -> list[Test]:
    """`tests` with the long ones at the end, so that what is wrong shows after few requests."""
    return sorted(tests, key=lambda test: test.long)


def _musts(test: Test, catalogue: Catalogue) -> set[str]:
    return {key for key in test.requirements if catalogue[key].level == "MUST"}


def essential(tests: Sequence[Test], catalogue: Catalogue) -> list[str]:
    """Few tests that together check each MUST requirement once: in each turn the one that adds most."""
    missing = {key for test in tests for key in _musts(test, catalogue)}
    left = [test for test in tests if not test.is_generated]
    chosen: list[str] = []
    while missing and left:
        best = max(left, key=lambda test: len(missing.intersection(test.requirements)))
        if missing.isdisjoint(best.requirements):
            break
        missing.difference_update(best.requirements)
        left.remove(best)
        chosen.append(best.id)
    return chosen


_UNITS = {"s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """The seconds of a duration such as ``90s``, ``5m`` or ``1h``. Raises ConformanceError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if match is None or float(match[1]) == 0:
        raise ConformanceError(f"--time-budget {text}: expected a duration such as 90s, 5m or 1h")
    return float(match[1]) * _UNITS[match[2]]


@dataclass
class Budget:
    """How long a run may take, and what becomes of the time.

    First come few tests that check each MUST requirement once, whatever they take, and others for those that they turn
    out not to reach; then the rest of the hand-written ones; then generated requests, which share what is left: first
    those of any run, then others.
    """

    deadline: float
    """When it is spent, as seconds since the epoch."""
    processes: int = 1
    checked: set[str] = field(default_factory=set)
    """Requirements that this process has checked."""
    _musts: dict[str, set[str]] = field(default_factory=dict, repr=False)
    _waiting: float = field(default=0, repr=False)
    """Tests with generated requests that this process has still to make, as far as it can know."""

    def order(self, tests: Sequence[Test], catalogue: Catalogue) -> list[Test]:
        """`tests` in the order in which they get their time."""
        first = essential(tests, catalogue)
        self._musts = {test.id: _musts(test, catalogue) for test in tests}
        self._waiting = sum(test.is_generated for test in tests) / self.processes
        place = {key: number for number, key in enumerate(first)}
        return sorted(tests, key=lambda test: (place.get(test.id, len(place)), test.is_generated))

    @property
    def left(self) -> float:
        """Seconds until the budget is spent."""
        return max(0.0, self.deadline - time.time())

    def allows(self, test: str) -> bool:
        """Whether there is time for a test."""
        return self.left > 0 or bool(self._musts[test] - self.checked)

    def cases(self, operation: Operation, store: CaseStore) -> Iterator[Case]:
        """Generated requests for as long as this operation's share of the time lasts.

        With no time left, they are sent for the sake of a requirement that nothing else has checked.
        """
        if not self.left:
            yield from store.of(operation)
            return
        share = self.left / max(1.0, self._waiting)
        self._waiting -= 1
        end = time.time() + share
        turn = 0
        while time.time() < end:  # a turn may have no case at all
            for case in store.of(operation, turn):
                if time.time() > end:
                    return
                yield case
            turn += 1
