"""What is right: pure functions and models without I/O. They return findings.

They know no tests and no server.
"""

from __future__ import annotations

import json
from dataclasses import dataclass


class NotTested(Exception):
    """A test cannot be made on this target; the message says what is missing and how to provide it."""


class WrongRequest(Exception):
    """A request that should have been right contradicts the description: the suite, or its test bed, is wrong."""


@dataclass(frozen=True)
class Finding:
    """What one check of one requirement found: that it holds, or what was expected and what was seen instead."""

    requirement: str
    holds: bool
    expected: str = ""
    seen: str = ""


def found(requirement: str, holds: bool, expected: str, seen: object) -> Finding:
    """A finding that words what was seen only when it is needed."""
    return Finding(requirement, holds, expected, "" if holds else _shorten(seen))


def shown(value: object) -> str:
    """A value as readers of an API expect it: JSON where it is JSON."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return repr(value)


def _shorten(seen: object, limit: int = 400) -> str:
    text = seen if isinstance(seen, str) else shown(seen)
    return text if len(text) <= limit else text[: limit - 1] + "…"


JUDGED_ALWAYS = (
    "ANS-001",
    "ANS-002",
    "ANS-003",
    "ANS-004",
    "SCH-001",
    "SCH-002",
    "SCH-003",
    "SCH-004",
    "SCH-005",
    "ERR-001",
    "ERR-002",
    "ERR-003",
    "ERR-004",
    "ERR-005",
    "ERR-007",
    "PAG-001",
    "PAG-002",
    "PAG-004",
    "PAG-005",
    "PAG-008",
    "PAG-012",
    "FLT-001",
    "SRT-001",
    "RED-004",
    "JSV-003",
    "ITM-001",
)
"""Requirements that every exchange of a run is held against, whichever test sent it."""
