"""Known failures: findings that a target is known to show, and that do not fail the run until they are mended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kuflow_conformance.description.patterns import chosen, fits
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.errors import InvalidKnownFailures
from kuflow_conformance.files import read_toml, write_whole

State = Literal["still broken", "holds now", "not seen", "expired", "not tested", "always broken"]

OUTDATED: tuple[State, ...] = ("holds now", "always broken")
"""States in which an entry says what is not true any more."""

WORST_FIRST: tuple[State, ...] = ("expired", "always broken", "still broken", "not seen", "holds now", "not tested")


class Known(BaseModel):
    """What is known to be broken, and why that is put up with.

    `requirement` and `operation` may be patterns, such as ``ERR-*`` and ``find*``. `finding` is the fingerprint of one
    complaint; without it, all of the operation are meant. `expires` is the last day on which it is put up with. An
    `intermittent` one is broken sometimes: it may hold, and may not be broken each time that it is repeated.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    requirement: str
    operation: str = "*"
    finding: str | None = Field(default=None, pattern=r"^[0-9a-f]{8}$")
    reason: str = Field(min_length=1)
    link: str | None = Field(default=None, pattern=r"^https?://")
    expires: date | None = None
    intermittent: bool = False

    @model_validator(mode="after")
    def _ends(self) -> Known:
        if self.intermittent and self.expires is None:
            raise ValueError("an intermittent failure needs expires: nobody notices by itself that it is mended")
        return self

    def expired(self, today: date) -> bool:
        return self.expires is not None and today > self.expires

    def covers(self, requirement: str, operation: str, finding: str | None = None) -> bool:
        """Whether a finding is meant; without one, whether any of the requirement and operation could be."""
        same = finding is None or self.finding in (None, finding)
        return same and fits(self.requirement, requirement) and fits(self.operation, operation)

    @property
    def key(self) -> tuple[str, str, str | None]:
        """What it is about, for no two entries are to be about the same."""
        return self.requirement.upper(), self.operation.lower(), self.finding


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    known: tuple[Known, ...] = ()


KnownFailures = Sequence[Known]


def current(known: KnownFailures) -> list[Known]:
    """Those that have not expired."""
    today = date.today()
    return [entry for entry in known if not entry.expired(today)]


def beside(target: Path) -> Path:
    """Where the known failures of a target file are: ``staging.toml`` has ``staging.known.toml``."""
    return target.with_suffix(".known.toml")


def load(path: Path, catalogue: Catalogue, operations: Collection[str]) -> tuple[Known, ...]:
    """The known failures of a file. Raises InvalidKnownFailures with one line that says what is wrong.

    A pattern that matches no requirement of `catalogue`, or none of `operations`, is wrong as well.
    """
    try:
        entries = _File.model_validate(read_toml(path, InvalidKnownFailures)).known
    except ValidationError as error:
        raise InvalidKnownFailures(f"{path}: {_explain(error)}") from None
    seen: set[tuple[str, str, str | None]] = set()
    for entry in entries:
        if not chosen(entry.requirement, catalogue.requirements):
            raise InvalidKnownFailures(
                f"{path}: there is no requirement {entry.requirement!r}; `kuflow-conformance list` shows them"
            )
        # Requests to undocumented paths are named by method and path.
        if " " not in entry.operation and not chosen(entry.operation, operations):
            raise InvalidKnownFailures(
                f"{path}: there is no operation {entry.operation!r}; `kuflow-conformance list operations` shows them"
            )
        if entry.key in seen:
            raise InvalidKnownFailures(f"{path}: {_named(entry)} stands there twice")
        seen.add(entry.key)
    return entries


def _named(entry: Known) -> str:
    parts = [entry.requirement, "" if entry.operation == "*" else entry.operation, entry.finding or ""]
    return " ".join(part for part in parts if part)


def _explain(error: ValidationError) -> str:
    lines = []
    for detail in error.errors(include_url=False):
        table, *rest = (str(part) for part in detail["loc"])
        place = f"{table}[{rest[0]}].{'.'.join(rest[1:])}" if len(rest) > 1 else ".".join([table, *map(str, rest)])
        message = "there is no such key" if detail["type"] == "extra_forbidden" else detail["msg"]
        message = message.removeprefix("Value error, ")
        lines.append(f"{place}: {message[:1].lower()}{message[1:]}")
    return "; ".join(lines)


def updated(known: Sequence[tuple[Known, State]], broken: Iterable[tuple[str, dict[str, Any]]]) -> list[Known]:
    """What the file should say: the entries that are true still, and one for each finding that none of them covers.

    `broken` are requirements with a finding each, as the record has them. An entry of the old form, which covers all
    of a requirement, gives way to one for each of its findings, with its reason.
    """
    kept = [entry for entry, state in known if state not in ("holds now", "expired") and entry.operation != "*"]
    general = [entry for entry, state in known if entry.operation == "*"]
    kept += [entry for entry, state in known if entry.operation == "*" and state == "not tested"]
    for requirement, finding in broken:
        what = (requirement, finding["operation"], finding["fingerprint"])
        if any(entry.covers(*what) for entry in kept):
            continue
        parent = next((entry for entry in general if entry.covers(*what)), None)
        own = {"requirement": what[0], "operation": what[1], "finding": what[2]}
        kept.append(parent.model_copy(update=own) if parent else Known(**own, reason=finding["reason"]))
    return kept


def write(path: Path, known: KnownFailures) -> None:
    """Write the file."""
    entries = [entry.model_dump(exclude_none=True, exclude_defaults=True) for entry in known]
    entries.sort(key=lambda entry: (entry["requirement"], entry.get("operation", ""), entry.get("finding", "")))
    write_whole(path, tomli_w.dumps({"known": entries}))
