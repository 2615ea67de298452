"""What plainly lies behind a run's failures, in one sentence each: read first, it saves reading the rest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

Record = Mapping[str, Any]

MOST = 0.8
"""The share of the tested operations from which on a failure is everybody's."""


MANY = 3
"""Operations that show the same, from which on it is no accident."""


def causes(record: Record) -> list[str]:
    """The causes that the pattern of failures of a run is plain about, the most telling first."""
    if text := _errors_as_success(record):
        return [text]  # and with it, everything seems to be allowed
    return [text for tell in _PATTERNS if (text := tell(record))]


def _broken(record: Record, requirement: str) -> Collection[str]:
    """The operations that break a requirement by what they answer."""
    found = next((r for r in record["requirements"] if r["id"] == requirement), None)
    failures = found["failures"] if found and found["failed"] else []
    return {failure["operation"] for failure in failures if not failure["because"]}


def _tested(record: Record) -> list[Mapping[str, Any]]:
    return [operation for operation in record["operations"] if operation["requests"]]


def _by_most(record: Record, requirement: str) -> bool:
    concerned: list[str] = next((r["operations"] for r in record["requirements"] if r["id"] == requirement), [])
    return len(_broken(record, requirement)) >= max(2, MOST * len(concerned))


def _operations_missing(record: Record) -> str:
    missing = [
        operation["id"]
        for operation in _tested(record)
        if not operation["successes"] and operation["statuses"].keys() & {"501"}
    ]
    if not missing:
        return ""
    named = ", ".join(missing[:3]) + (" and others" if len(missing) > 3 else "")
    verb = "operation answers" if len(missing) == 1 else "operations answer"
    return f"{len(missing)} {verb} 501, not implemented: {named}"


def _no_credentials(record: Record) -> str:
    if _by_most(record, "AUT-001") and _by_most(record, "AUT-002"):
        return "no credentials are checked: requests without any, and with wrong ones, are answered with success"
    return ""


def _errors_as_success(record: Record) -> str:
    found = next((r for r in record["requirements"] if r["id"] == "SCH-002"), None)
    failures = found["failures"] if found and found["failed"] else []
    bodies = [failure["exchange"]["response"]["body"] for failure in failures]
    if any('"timestamp"' in body and '"message"' in body and '"status"' in body for body in bodies):
        return "errors are answered with a status of success: their bodies are those of errors"
    return ""


def _at_random(record: Record) -> str:
    if _by_most(record, "RED-003"):
        return "the same request is answered otherwise each time: the answers seem to be made up"
    return ""


def _any_id(record: Record) -> str:
    if len(_broken(record, "ERR-006")) >= MANY:
        return "whatever id is asked for is answered with success: the answers seem to be examples"
    return ""


def _stores_nothing(record: Record) -> str:
    lost = [
        requirement["id"]
        for requirement in record["requirements"]
        if any(_is_lost(failure) for failure in requirement["failures"])
    ]
    if len(lost) >= MANY:
        return "what is created and saved is not there afterwards: nothing seems to be stored"
    return ""


def _is_lost(failure: Mapping[str, Any]) -> bool:
    """Whether a resource that the run has just made could not be read."""
    reading = failure["operation"] in ("retrieveProcess", "retrieveProcessItem")
    return reading and failure["requirement"].startswith(("PRC", "ITM", "IDM")) and _status(failure) in (404, 410)


def _status(failure: Mapping[str, Any]) -> int:
    return int(failure["exchange"]["response"]["status"])


_PATTERNS: tuple[Callable[[Record], str], ...] = (
    _at_random,
    _any_id,
    _stores_nothing,
    _no_credentials,
    _operations_missing,
)
