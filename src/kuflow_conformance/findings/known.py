"""Known failures: requirements that a target is known to break, and that do not fail the run until they are mended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.errors import InvalidKnownFailures
from kuflow_conformance.files import read_toml, write_whole


class Known(BaseModel):
    """One requirement that is known to be broken, and why that is put up with. `expires` is the last day it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requirement: str
    reason: str = Field(min_length=1)
    link: str | None = Field(default=None, pattern=r"^https?://")
    expires: date | None = None

    def expired(self, today: date) -> bool:
        return self.expires is not None and today > self.expires


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    known: tuple[Known, ...] = ()


KnownFailures = Mapping[str, Known]


def state(outcome: str) -> str:
    """What has become of a known failure, by the outcome of its requirement."""
    return {"known": "still broken", "pass": "holds now", "not tested": "not tested"}.get(outcome, "expired")


def beside(target: Path) -> Path:
    """Where the known failures of a target file are: ``staging.toml`` has ``staging.known.toml``."""
    return target.with_suffix(".known.toml")


def load(path: Path, catalogue: Catalogue) -> dict[str, Known]:
    """Requirement → known failure. Raises InvalidKnownFailures with one line that says what is wrong."""
    try:
        entries = _File.model_validate(read_toml(path, InvalidKnownFailures)).known
    except ValidationError as error:
        raise InvalidKnownFailures(f"{path}: {_explain(error)}") from None
    known: dict[str, Known] = {}
    for entry in entries:
        if entry.requirement not in catalogue:
            raise InvalidKnownFailures(
                f"{path}: there is no requirement {entry.requirement!r}; `kuflow-conformance list` shows them"
            )
        if entry.requirement in known:
            raise InvalidKnownFailures(f"{path}: {entry.requirement} stands there twice")
        known[entry.requirement] = entry
    return known


def _explain(error: ValidationError) -> str:
    lines = []
    for detail in error.errors(include_url=False):
        table, *rest = (str(part) for part in detail["loc"])
        place = f"{table}[{rest[0]}].{'.'.join(rest[1:])}" if len(rest) > 1 else ".".join([table, *rest])
        message = "there is no such key" if detail["type"] == "extra_forbidden" else detail["msg"]
        lines.append(f"{place}: {message[:1].lower()}{message[1:]}")
    return "; ".join(lines)


def updated(known: KnownFailures, broken: Mapping[str, str], untested: Iterable[str]) -> dict[str, Known]:
    """What the file should say: entries that are still broken, or were not tested, and one for each new failure.

    `broken` maps requirements to a reason, for those that have none yet.
    """
    kept = {key: entry for key, entry in known.items() if key in broken or key in set(untested)}
    return kept | {key: Known(requirement=key, reason=reason) for key, reason in broken.items() if key not in kept}


def write(path: Path, known: KnownFailures) -> None:
    """Write the file."""
    entries = [entry.model_dump(exclude_none=True) for _, entry in sorted(known.items())]
    write_whole(path, tomli_w.dumps({"known": entries}))
