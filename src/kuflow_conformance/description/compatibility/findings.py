"""What a rule has found, before it is known which operations it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["breaking", "new values", "risky", "compatible"]
LEVELS: tuple[Level, ...] = ("breaking", "new values", "risky", "compatible")
"""The worst first. *New values* are values of an enumeration in answers: they break clients that list all values."""


@dataclass(frozen=True)
class Finding:
    """One difference between two schemas, at a place below them."""

    level: Level
    kind: str
    place: str
    what: str
    reason: str
    old: str = ""
    """Where it stands in the old description, as a JSON pointer; empty if nowhere. Likewise `new`."""
    new: str = ""
    shown: bool = True
    """Whether a single message can show it: one that was right and is not, or one that could not come and can."""
    undecided: bool = False
    """Whether the rule does not know what follows; the search may."""


def judged(lost: bool, gained: bool, sent: bool) -> tuple[Level, str]:
    """The level of values that are lost, or gained, in what clients send or receive; and why."""
    if lost if sent else gained:
        return "breaking", "clients may send more than that" if sent else "clients do not know what comes now"
    return "compatible", "clients send less" if sent else "clients expect it"
