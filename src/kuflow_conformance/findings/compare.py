"""What changed between two runs, and several runs side by side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SLOWER = 1.5
"""How many times as long an answer has to take, in the median, to be called slower."""

NOTICEABLE = 20.0
"""Milliseconds below which a change of latency is not worth a word."""

_BROKEN = ("fail", "known")


@dataclass(frozen=True)
class Latency:
    """The median time of an operation's answers in both runs, in milliseconds."""

    operation: str
    before: float
    after: float


def _version(text: str) -> tuple[int, int]:
    """Major and minor of a version; what does not say is taken for the first."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 1)


@dataclass(frozen=True)
class Comparison:
    """Two records of runs: `before` and `after`."""

    before: dict[str, Any]
    after: dict[str, Any]

    def _moved(self, old: Sequence[str], new: Sequence[str]) -> list[dict[str, Any]]:
        outcome = {r["id"]: r["outcome"] for r in self.before["requirements"]}
        return [
            r
            for r in self.after["requirements"]
            if outcome.get(r["id"], "absent") in old and r["outcome"] in new and not self._is_new(r)
        ]

    def _is_new(self, requirement: dict[str, Any]) -> bool:
        """Whether the suite that made the earlier record did not have the requirement yet."""
        return _version(requirement["since"]) > _version(self.before["suite"])

    @property
    def new(self) -> list[dict[str, Any]]:
        """Requirements that the suite of the earlier run did not have: whether they held then, nobody knows."""
        return [requirement for requirement in self.after["requirements"] if self._is_new(requirement)]

    @property
    def broken(self) -> list[dict[str, Any]]:
        """Requirements that are broken now and were not, those first that explain others."""
        moved = {r["id"]: r for r in self._moved(("pass", "not tested", "not implemented", "absent"), _BROKEN)}
        return [moved[key] for key in self.after["failed"] if key in moved] + [
            r for r in moved.values() if r["id"] not in self.after["failed"]
        ]

    @property
    def mended(self) -> list[dict[str, Any]]:
        return self._moved(_BROKEN, ("pass",))

    @property
    def still_broken(self) -> list[dict[str, Any]]:
        return self._moved(_BROKEN, _BROKEN)

    @property
    def worse(self) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """Requirements that were broken and are so in more ways now, with the findings that are new."""
        seen = {
            (r["id"], finding["operation"], finding["fingerprint"])
            for r in self.before["requirements"]
            for finding in r["findings"]
        }
        new = {
            r["id"]: [f for f in r["findings"] if (r["id"], f["operation"], f["fingerprint"]) not in seen]
            for r in self.still_broken
        }
        return [(r, new[r["id"]]) for r in self.still_broken if new[r["id"]]]

    @property
    def warned(self) -> list[dict[str, Any]]:
        """SHOULD requirements that are warned of now and were not."""
        return self._moved(("pass", "not tested", "absent"), ("warn",))

    @property
    def untested(self) -> list[dict[str, Any]]:
        """Requirements that were tested and are not any more."""
        return self._moved(("pass", "warn", "observed", *_BROKEN), ("not tested", "not implemented"))

    @property
    def lost(self) -> list[dict[str, Any]]:
        """MUST requirements that were tested and are not any more: whether they hold, nobody knows now."""
        return [requirement for requirement in self.untested if requirement["level"] == "MUST"]

    @property
    def newly_tested(self) -> list[dict[str, Any]]:
        """Requirements that were not tested and hold now."""
        return self._moved(("not tested", "not implemented", "absent"), ("pass", "observed"))

    @property
    def gained(self) -> list[str]:
        """Operations that answer with success now and did not."""
        return sorted(self._reached(self.after) - self._reached(self.before))

    @property
    def given_up(self) -> list[str]:
        """Operations that answered with success and do not any more, of those that were asked."""
        asked = {operation["id"] for operation in self.after["operations"]}
        return sorted((self._reached(self.before) & asked) - self._reached(self.after))

    @staticmethod
    def _reached(record: dict[str, Any]) -> set[str]:
        return {operation["id"] for operation in record["operations"] if operation["successes"]}

    @property
    def observed(self) -> list[tuple[dict[str, Any], list[str], list[str]]]:
        """OBSERVE requirements of which something else was seen: (requirement, before, after)."""
        seen = {r["id"]: sorted(r["observations"]) for r in self.before["requirements"]}
        return [
            (r, seen[r["id"]], sorted(r["observations"]))
            for r in self.after["requirements"]
            if r["outcome"] == "observed" and seen.get(r["id"]) and seen[r["id"]] != sorted(r["observations"])
        ]

    @property
    def slower(self) -> list[Latency]:
        return [change for change in self._latencies() if change.after >= change.before * SLOWER]

    @property
    def faster(self) -> list[Latency]:
        return [change for change in self._latencies() if change.before >= change.after * SLOWER]

    def _latencies(self) -> list[Latency]:
        before = {operation["id"]: operation["milliseconds"] for operation in self.before["operations"]}
        pairs = [
            Latency(operation["id"], before[operation["id"]]["p50"], operation["milliseconds"]["p50"])
            for operation in self.after["operations"]
            if operation["milliseconds"] and before.get(operation["id"])
        ]
        return [pair for pair in pairs if abs(pair.after - pair.before) >= NOTICEABLE]

    @property
    def regressed(self) -> bool:
        """Whether something is broken now that was not, or is in more ways."""
        return bool(self.broken or self.worse)
