"""The catalogue of requirements (`spec/requirements.yaml`) and the verdicts that a run's evidence adds up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kuflow_conformance import files
from kuflow_conformance.errors import InvalidDescription

Level = Literal["MUST", "SHOULD", "OBSERVE"]
Profile = Literal["read-only", "core", "full"]
Outcome = Literal["pass", "fail", "warn", "known", "observed", "not tested"]

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
    this one is: their failures are reported under it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Z]{3}-\d{3}$")
    level: Level
    sentence: str
    source: str
    operations: tuple[str, ...] | Literal["all"]
    profile: Profile
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

    def in_profile(self, profile: Profile) -> set[str]:
        """The ids that a run with `profile` tests."""
        allowed = PROFILES[: PROFILES.index(profile) + 1]
        return {r.id for r in self.requirements.values() if r.profile in allowed}

    def matching(self, selectors: Iterable[str]) -> set[str]:
        """The ids that `--only` selects: ids, prefixes such as ``PAG`` or names of areas.

        Raises InvalidDescription when a selector matches nothing.
        """
        chosen: set[str] = set()
        for selector in selectors:
            wanted = selector.lower()
            matching = {
                r.id
                for area in self.areas
                for r in area.requirements
                if wanted in (r.id.lower(), area.prefix.lower(), area.name.lower())
            }
            if not matching:
                areas = ", ".join(f"{area.name} ({area.prefix})" for area in self.areas)
                raise InvalidDescription(f"--only {selector}: no such requirement or area; areas are {areas}")
            chosen |= matching
        return chosen


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


FAILURES_KEPT = 3
"""Examples kept of each requirement and operation; all are counted."""


@dataclass
class Verdict:
    """What the run says of one requirement."""

    requirement: Requirement
    known: bool = False
    """Whether it is known to be broken, and that is put up with."""
    checks: int = 0
    failed: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    observations: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    operations: set[str] = field(default_factory=set)
    tests: set[str] = field(default_factory=set)
    failing_tests: set[str] = field(default_factory=set)
    example: dict[str, Any] | None = None
    """How it was seen to hold."""

    def keep(self, failure: dict[str, Any]) -> None:
        """Keep a failure as an example, unless there are enough of its operation or one says the same."""
        same = [other for other in self.failures if other["operation"] == failure["operation"]]
        twin = next((other for other in same if other["expected"] == failure["expected"]), None)
        if twin is not None:
            twin["count"] += failure["count"]
        elif len(same) < FAILURES_KEPT:
            self.failures.append(failure)

    @property
    def outcome(self) -> Outcome:
        if self.failed and self.known:
            return "known"
        if self.failed:
            return "fail" if self.requirement.level == "MUST" else "warn"
        if self.requirement.level == "OBSERVE":
            return "observed" if self.observations else "not tested"
        return "pass" if self.checks else "not tested"

    @property
    def reason(self) -> str:
        """Why it was not tested; empty when it was."""
        if self.outcome != "not tested":
            return ""
        return "; ".join(dict.fromkeys(self.reasons)) or "no test reached it"


class Verdicts:
    """Adds up the evidence of tests, in any order and from any number of processes."""

    def __init__(self, catalogue: Catalogue, selected: set[str], known: Collection[str] = ()) -> None:
        self.catalogue = catalogue
        self.by_id = {key: Verdict(catalogue[key], key in known) for key in catalogue.requirements if key in selected}

    def add(self, test: str, evidence: Mapping[str, Any]) -> None:
        """Take in what one test found; see `Evidence.as_dict`."""
        for key, count in evidence["checks"].items():
            if verdict := self.by_id.get(key):
                verdict.checks += count
                verdict.tests.add(test)
                verdict.operations.update(evidence["operations"].get(key, ()))
        for failure in evidence["failures"]:
            if verdict := self.by_id.get(failure["requirement"]):
                verdict.failed += failure["count"]
                verdict.failing_tests.add(test)
                verdict.keep({**failure, "test": test})
        for key, observations in evidence["observations"].items():
            if verdict := self.by_id.get(key):
                verdict.observations.update(observations)
        for key, reason in evidence["not_tested"].items():
            if verdict := self.by_id.get(key):
                verdict.reasons.append(reason)
        for key, example in evidence["examples"].items():
            if (verdict := self.by_id.get(key)) and verdict.example is None:
                verdict.example = example

    @property
    def ordered(self) -> list[Verdict]:
        """The verdicts in catalogue order."""
        return list(self.by_id.values())

    @property
    def failed(self) -> list[Verdict]:
        """The broken MUST requirements, in the order in which to look at them: first those that explain others."""
        broken = [verdict for verdict in self.ordered if verdict.outcome == "fail"]
        return sorted(broken, key=lambda verdict: self.follows(verdict) is not None)

    def follows(self, verdict: Verdict) -> str | None:
        """The broken requirement that explains why this one is broken, if there is one."""
        broken = [other.requirement.id for other in self.ordered if other.outcome == "fail"]
        return self.catalogue.explaining(verdict.requirement.id, broken)

    @property
    def reported(self) -> list[Verdict]:
        """All broken requirements: MUST, then SHOULD."""
        return self.failed + [verdict for verdict in self.ordered if verdict.outcome == "warn"]

    def table(self) -> dict[str, Counter[str]]:
        """Area → outcome → number of requirements."""
        table: dict[str, Counter[str]] = {}
        for verdict in self.ordered:
            area = self.catalogue.area_of[verdict.requirement.id]
            table.setdefault(area, Counter())[verdict.outcome] += 1
        return table
