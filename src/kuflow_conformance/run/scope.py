"""The scope of a run, from what the user asked for and what the target file declares."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from kuflow_conformance.description.openapi import Description
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.description.scope import Scope, Skip, concerns, named
from kuflow_conformance.errors import InvalidTarget
from kuflow_conformance.run.settings import Settings
from kuflow_conformance.target.target_file import Implements, SkipEntry, Target


def scope_of(settings: Settings, target: Target, catalogue: Catalogue, description: Description) -> Scope:
    """What a run is about. Raises InvalidDescription and InvalidTarget for names and patterns that mean nothing."""
    everything = description.operations
    only = named(settings.only, catalogue, everything, "--only")
    skips = tuple(_skip(entry, catalogue, everything) for entry in (*target.skip, *settings.skip))
    unimplemented = frozenset(everything) - _implemented(target.implements, catalogue, everything)
    requirements = catalogue.in_profile(settings.profile)
    operations = {key for key, o in everything.items() if settings.profile != "read-only" or o.is_read_only}
    if only.requirements:
        requirements &= only.requirements
    if only.operations:
        operations &= only.operations
        requirements = {key for key in requirements if concerns(catalogue[key], operations)}
    for skip in skips:
        requirements -= skip.requirements
        operations -= skip.operations
    requirements = {key for key in requirements if concerns(catalogue[key], operations)}
    operations = {name for name in operations if any(concerns(catalogue[key], [name]) for key in requirements)}
    return Scope(
        frozenset(requirements),
        frozenset(operations),
        _label(settings, catalogue, [skip.name for skip in skips], len(unimplemented), len(everything)),
        bool(only.operations),
        skips,
        frozenset(catalogue.newer_than(settings.requirements) if settings.requirements else ()),
        unimplemented,
    )


def _skip(entry: SkipEntry, catalogue: Catalogue, operations: Collection[str]) -> Skip:
    if entry.expires is not None and date.today() > entry.expires:
        raise InvalidTarget(
            f"skip {entry.what}: expired on {entry.expires}; take it out, so that it is tested, or set a later day"
        )
    found = named([entry.what], catalogue, operations, "skip")
    return Skip(entry.what, entry.reason, entry.expires, found.requirements, found.operations)


def _implemented(implements: Implements | None, catalogue: Catalogue, operations: Collection[str]) -> set[str]:
    """The operations that the target file says are there: all, unless it says which."""
    everything = set(operations)
    if implements is None:
        return everything
    there = set(named(implements.operations, catalogue, everything, "implements.operations").operations)
    for area in implements.areas:
        keys = named([area], catalogue, (), "implements.areas").requirements
        about = [catalogue[key].operations for key in keys]
        mine = {name for names in about if names != "all" for name in names}
        if not mine:
            raise InvalidTarget(f"implements.areas: {area} is about every operation; name operations instead")
        there |= mine
    return there


def _label(settings: Settings, catalogue: Catalogue, skipped: list[str], missing: int, total: int) -> str:
    names = {area.prefix.lower(): area.name for area in catalogue.areas}
    parts = [
        ", ".join(dict.fromkeys(names.get(pattern.lower(), pattern) for pattern in settings.only)),
        "read-only" if settings.profile == "read-only" else "",
        "what failed in the last run" if settings.last_failed else "",
        f"part {settings.shard}" if settings.shard else "",
        f"without {', '.join(skipped)}" if skipped else "",
        f"requirements {settings.requirements}" if settings.requirements else "",
        f"{total - missing} of {total} operations, as declared" if missing else "",
    ]
    return ", ".join(part for part in parts if part)
