"""What terminal, page and summary say in the same words."""

from __future__ import annotations

from typing import Any

OPERATIONS_NAMED = 3
"""Operations that are named in a line; the others are counted."""


def where(requirement: dict[str, Any]) -> str:
    """The operations that break a requirement; where some of that is known, what is new comes first and is named so."""
    new, known = (_named(requirement["findings"], known=known) for known in (False, True))
    return f"new on {new}; known on {known}" if new and known else new or known


def _named(findings: list[dict[str, Any]], *, known: bool) -> str:
    operations = list(dict.fromkeys(finding["operation"] for finding in findings if finding["known"] is known))
    more = len(operations) - OPERATIONS_NAMED
    return ", ".join(operations[:OPERATIONS_NAMED]) + (f" and {more} more" if more > 0 else "")


def new_first(requirement: dict[str, Any]) -> list[dict[str, Any]]:
    """The failures that are shown of a requirement, those that are not known before the others."""
    known = {(finding["operation"], finding["fingerprint"]) for finding in requirement["findings"] if finding["known"]}
    return sorted(requirement["failures"], key=lambda failure: (failure["operation"], failure["finding"]) in known)
