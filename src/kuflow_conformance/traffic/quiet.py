"""Whether anybody else is at work on what a stream of exchanges has made.

Some bugs look like the act of another client. They are told apart by how often the resources of the stream change
without a cause in it: never, in many chances to see it, means that the stream is alone.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from kuflow_conformance.oracles import Finding
from kuflow_conformance.target.exchange import Exchange

CHANCES = 20
"""How often somebody else could have been seen, and was not, before the stream counts as being alone."""

SIGHTINGS = 2
"""How often a requirement has to be seen broken, when another client could be the cause."""

PENDING = 200
"""Suspicions that are remembered."""


@dataclass
class Quiet:
    """Holds suspicions back until it is sure that nobody else can be meant."""

    chances: int = 0
    others: bool = False
    explained: int = 0
    """Suspicions that others explain."""
    _pending: list[tuple[Finding, Exchange]] = field(default_factory=list)
    _sightings: Counter[str] = field(default_factory=Counter)

    @property
    def pending(self) -> int:
        """Suspicions of which nothing can be told yet."""
        return len(self._pending)

    def undisturbed(self) -> None:
        """Somebody else could have been seen, and was not."""
        self.chances += 1

    def disturbed(self) -> None:
        """Somebody else was at work; all suspicions may be due to that."""
        self.others = True
        self.explained += len(self._pending)
        self._pending.clear()

    def suspect(self, finding: Finding, exchange: Exchange) -> None:
        """Note what would be broken if nobody else is at work."""
        if self.others:
            self.explained += 1
        elif len(self._pending) < PENDING:
            self._sightings[finding.requirement] += 1
            self._pending.append((finding, exchange))

    def sure(self) -> list[tuple[Finding, Exchange]]:
        """The suspicions that have become certain."""
        if self.others or self.chances < CHANCES:
            return []
        certain = [pair for pair in self._pending if self._sightings[pair[0].requirement] >= SIGHTINGS]
        self._pending = [pair for pair in self._pending if self._sightings[pair[0].requirement] < SIGHTINGS]
        return certain
