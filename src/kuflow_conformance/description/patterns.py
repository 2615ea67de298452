"""The one way to name several requirements, areas or operations: a name or a pattern, such as ``ERR-*``, ``find*``."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase


def fits(pattern: str, *names: str) -> bool:
    """Whether any of `names` is meant by `pattern`: ``*`` stands for anything, ``?`` for one letter."""
    return any(fnmatchcase(name.lower(), pattern.lower()) for name in names)


def chosen(pattern: str, names: Iterable[str]) -> set[str]:
    """Those of `names` that `pattern` means."""
    return {name for name in names if fits(pattern, name)}
