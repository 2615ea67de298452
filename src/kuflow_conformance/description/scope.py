"""What is tested: which requirements, of which operations, what is left out of them, and the words for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from kuflow_conformance.description.patterns import chosen
from kuflow_conformance.description.requirements import Catalogue, Requirement
from kuflow_conformance.errors import InvalidDescription


@dataclass(frozen=True)
class Named:
    """The requirements and the operations that names and patterns mean."""

    requirements: frozenset[str] = frozenset()
    operations: frozenset[str] = frozenset()


def named(patterns: Iterable[str], catalogue: Catalogue, operations: Collection[str], place: str) -> Named:
    """What `patterns` mean. Raises InvalidDescription for one that means nothing; `place` says where it stands."""
    requirements: set[str] = set()
    found: set[str] = set()
    for pattern in patterns:
        mine, its = catalogue.matching(pattern), chosen(pattern, operations)
        if not mine and not its:
            areas = ", ".join(f"{area.name} ({area.prefix})" for area in catalogue.areas)
            kinds = "requirement, area or operation" if operations else "requirement or area"
            raise InvalidDescription(f"{place} {pattern}: no such {kinds}; areas are {areas}")
        requirements |= mine
        found |= its
    return Named(frozenset(requirements), frozenset(found))


def concerns(requirement: Requirement, operations: Collection[str]) -> bool:
    """Whether a requirement is about any of these operations."""
    return requirement.operations == "all" or not set(operations).isdisjoint(requirement.operations)


@dataclass(frozen=True)
class Skip:
    """What a run sends nothing of, and why: requirements, and operations that nothing is sent to."""

    name: str
    reason: str
    expires: date | None
    requirements: frozenset[str]
    operations: frozenset[str]


@dataclass(frozen=True)
class Scope:
    """What is tested; `label` is empty for a whole run of a profile that has everything usual in it."""

    requirements: frozenset[str]
    operations: frozenset[str]
    label: str = ""
    narrowed: bool = False
    """Whether operations were chosen: what others answer is not judged then."""
    skips: tuple[Skip, ...] = ()
    unscored: frozenset[str] = frozenset()
    """Requirements that are tested and shown, and do not count: they are newer than the set that is scored."""
    unimplemented: frozenset[str] = frozenset()
    """Operations that the target is declared not to implement."""

    @property
    def skipped(self) -> Named:
        """What is left out on purpose."""
        return Named(
            frozenset().union(*(skip.requirements for skip in self.skips)),
            frozenset().union(*(skip.operations for skip in self.skips)),
        )

    @property
    def scored(self) -> frozenset[str]:
        """The requirements that count."""
        return self.requirements - self.unscored

    def judges(self, operation: str) -> bool:
        """Whether answers of an operation count; those of requests to none do."""
        if operation in self.unimplemented or operation in self.skipped.operations:
            return False
        return not self.narrowed or operation in self.operations

    def is_unimplemented(self, requirement: Requirement) -> bool:
        """Whether a requirement is about nothing but operations that are declared not to be there."""
        return requirement.operations != "all" and self.unimplemented.issuperset(requirement.operations)
