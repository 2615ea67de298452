"""Would a new description break clients of the old one?

The documentation promises that a MINOR version makes no client fail; only a MAJOR one, with another version in the
path, may. What clients send has to go on being accepted; what they receive has to go on being understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kuflow_conformance.description.compatibility import security, servers, validate
from kuflow_conformance.description.compatibility.document import Document
from kuflow_conformance.description.compatibility.entries import Entry, accepted_by, grouped
from kuflow_conformance.description.compatibility.findings import LEVELS, Level
from kuflow_conformance.description.compatibility.leftovers import leftovers
from kuflow_conformance.description.compatibility.operations import Change, Walk
from kuflow_conformance.description.compatibility.used import Recorded, Usage, told
from kuflow_conformance.errors import InvalidDescription
from kuflow_conformance.files import read_toml


@dataclass(frozen=True)
class Judgement:
    """All differences of two descriptions. `accepted` maps ids of changes to the reason why they are put up with."""

    changes: tuple[Change, ...]
    old: Document
    new: Document
    major: bool
    """Whether the new description has another version in its path."""
    accepted: Mapping[str, str]
    fail_on: Level = "new values"
    """The mildest level that fails."""
    used_only: bool = False
    """Whether only what recorded clients use fails."""

    def of(self, level: Level) -> list[Change]:
        """The changes of a level that are not put up with."""
        return [change for change in self.changes if change.level == level and not accepted_by(change, self.accepted)]

    def entries(self, level: Level) -> list[Entry]:
        """The same, as they are read: by schema, then by operation."""
        return grouped(self.of(level), self.old, self.new)

    @property
    def failing(self) -> list[Change]:
        """The changes that fail, unless the version says that it may break clients."""
        failing = [change for level in LEVELS[: LEVELS.index(self.fail_on) + 1] for change in self.of(level)]
        return [change for change in failing if change.used] if self.used_only else failing

    @property
    def breaks_clients(self) -> bool:
        """Whether it breaks clients though its version promises not to."""
        return bool(self.failing) and not self.major

    @property
    def verdict(self) -> str:
        """The judgement in a few words."""
        if not self.failing:
            return "breaks no recorded client" if self.used_only and self.of("breaking") else "breaks no client"
        return "breaks clients, as a MAJOR version may" if self.major else "breaks clients, and is no MAJOR version"

    @property
    def put_up_with(self) -> dict[str, str]:
        """The accepted changes that were found: id → reason."""
        found = (accepted_by(change, self.accepted) for change in self.changes)
        return {key: self.accepted[key] for key in found if key}


def judge(
    old: Document | Mapping[str, Any],
    new: Document | Mapping[str, Any],
    accepted: Mapping[str, str] | None = None,
    *,
    fail_on: Level = "new values",
    witnesses: bool = False,
    traffic: Sequence[Recorded] | None = None,
    used_only: bool = False,
) -> Judgement:
    """Judge `new` by what clients of `old` rely on: by rules, and with `witnesses` by search as well.

    `traffic` says what recorded clients use, and with `used_only` only that can fail.

    Raises InvalidDescription for what is no usable document.
    """
    one, other = validate.usable(old, "the old description"), validate.usable(new, "the new description")
    walk = Walk(one, other)
    walk.everything()
    walk.operation = ""
    security.flows(walk)
    _left_over(walk)
    if witnesses:
        from kuflow_conformance.description.compatibility.witness import shown

        shown(walk)
    if traffic is not None:
        walk.occurrences = told(walk.occurrences, Usage(one, traffic))
    changes = list(dict.fromkeys(occurrence.change for occurrence in walk.occurrences))
    changes.sort(key=lambda change: LEVELS.index(change.level))
    major = servers.version(one) != servers.version(other)
    return Judgement(tuple(changes), one, other, major, accepted or {}, fail_on, used_only)


def _left_over(walk: Walk) -> None:
    """Note what no rule has looked at; an extension is noted once, wherever it stands."""
    extensions: dict[str, list[tuple[str, str]]] = {}
    for old, new, pointer in leftovers(walk.old, walk.new):
        name = pointer.rpartition("/")[2]
        if name.startswith("x-"):
            extensions.setdefault(name, []).append((old, new))
        elif pointer.startswith("/components/") and pointer.count("/") <= 3:
            walk.add_plain("compatible", "unused", pointer, _what(old, new), "no operation refers to it", old, new)
        else:
            walk.add_plain("risky", "not-judged", pointer, _what(old, new), "no rule knows what follows", old, new)
    for name, places in extensions.items():
        old, new = places[0]
        what = _what(*places[0]) if len(places) == 1 else f"it differs at {len(places)} places"
        walk.add_plain("risky", "not-judged", name, what, "nobody but its author knows what it means", old, new)


def _what(old: str, new: str) -> str:
    return "it is new" if not old else "it is gone" if not new else "it has changed"


class _Accepted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    change: str
    reason: str = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    accepted: tuple[_Accepted, ...] = ()


def load_accepted(path: Path) -> dict[str, str]:
    """Read the changes that are put up with: id → reason. Raises InvalidDescription with one line."""
    try:
        entries = _File.model_validate(read_toml(path, InvalidDescription)).accepted
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidDescription(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return {entry.change: entry.reason for entry in entries}
