"""The catalogue of requirements (`spec/requirements.yaml`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kuflow_conformance import files
from kuflow_conformance.description.patterns import fits
from kuflow_conformance.errors import InvalidDescription

Level = Literal["MUST", "SHOULD", "OBSERVE"]
Profile = Literal["read-only", "core", "full"]

PROFILES: tuple[Profile, ...] = ("read-only", "core", "full")
PROFILE_SUMMARIES: Mapping[Profile, str] = {
    "read-only": "only GET; safe anywhere",
    "core": "creates processes, tasks and workers of its own, and cancels the processes",
    "full": "core with larger documents, longer sequences, more generated requests and webhooks",
}


class Requirement(BaseModel):
    """One testable statement.

    `profile` is the smallest profile that tests it; `source` is the place in the documentation, or the standard,
    that says so; `operations` are operationIds, or ``all``. `explains` names requirements that are broken as well when
    this one is: their failures are reported under it. `since` is the version of the suite that it
    came with. `traffic` says whether requests of others can show it broken.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Z]{3}-\d{3}$")
    level: Level
    sentence: str
    source: str
    operations: tuple[str, ...] | Literal["all"]
    profile: Profile
    since: str = Field(default="0.1", pattern=r"^\d+\.\d+$")
    traffic: bool = False
    explains: tuple[str, ...] = ()


class Area(BaseModel):
    """Requirements that belong together; `prefix` begins their ids."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    prefix: str
    requirements: tuple[Requirement, ...]


class Catalogue:
    """All requirements, in the order in which a reader should look at failures."""

    def __init__(self, areas: Iterable[Area]) -> None:
        self.areas = tuple(areas)
        self.requirements = {r.id: r for area in self.areas for r in area.requirements}
        self.area_of = {r.id: area.name for area in self.areas for r in area.requirements}

    def __getitem__(self, requirement_id: str) -> Requirement:
        return self.requirements[requirement_id]

    def __contains__(self, requirement_id: object) -> bool:
        return requirement_id in self.requirements

    def explaining(self, requirement_id: str, broken: Collection[str]) -> str | None:
        """Which of the `broken` requirements explains why this one is broken; None when none does."""
        explanations = (key for key in self.requirements if key in broken)
        return next((key for key in explanations if requirement_id in self[key].explains), None)

    def newer_than(self, version: str) -> set[str]:
        """The ids that came after a version of the suite. Raises InvalidDescription when there was no such set."""
        versions = sorted({r.since for r in self.requirements.values()}, key=_order)
        if version not in versions:
            raise InvalidDescription(f"there are no requirements {version}; there are {', '.join(versions)}")
        return {r.id for r in self.requirements.values() if _order(r.since) > _order(version)}

    def in_profile(self, profile: Profile) -> set[str]:
        """The ids that a run with `profile` tests."""
        allowed = PROFILES[: PROFILES.index(profile) + 1]
        return {r.id for r in self.requirements.values() if r.profile in allowed}

    def matching(self, pattern: str) -> set[str]:
        """The ids that a name or pattern means: ids, prefixes such as ``PAG`` or names of areas."""
        return {r.id for area in self.areas for r in area.requirements if fits(pattern, r.id, area.prefix, area.name)}


def _order(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def load(path: Path | None = None) -> Catalogue:
    """Read the catalogue. Raises InvalidDescription when it is not well-formed or an id appears twice."""
    path = path or files.data("spec/requirements.yaml")
    try:
        areas = TypeAdapter(tuple[Area, ...]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise InvalidDescription(f"{path}: {error}") from error
    ids = [r.id for area in areas for r in area.requirements]
    if duplicates := [key for key, count in Counter(ids).items() if count > 1]:
        raise InvalidDescription(f"{path}: {', '.join(duplicates)} stands there more than once")
    return Catalogue(areas)
