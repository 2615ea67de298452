"""How much has to be tested for a verdict: a share of the requirements, and requirements that must not be left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kuflow_conformance.errors import ConformanceError

Floor = dict[str, Any]
"""``share``, of 1, and ``requirements``: name or pattern → ids."""

LISTED = 6
"""Requirements that are named; the others are counted."""

NOT_TESTED = ("not tested",)
UNCOUNTED = ("not implemented", "not scored")
"""Outcomes that nobody asked more of."""


def share(text: str) -> float | None:
    """The share of 1 that a text such as ``95%`` says; None when it is no percentage. Raises ConformanceError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text.strip())
    if match is None:
        return None
    if float(match[1]) > 100:
        raise ConformanceError(f"--require {text}: expected at most 100%")
    return float(match[1]) / 100


def unmet(floor: Floor, outcomes: Mapping[str, str]) -> list[str]:
    """What is not as the floor wants it, in words; `outcomes` are those of all requirements that were selected."""
    outcomes = {key: outcome for key, outcome in outcomes.items() if outcome not in UNCOUNTED}
    tested = [key for key, outcome in outcomes.items() if outcome not in NOT_TESTED]
    problems = []
    if floor["share"] is not None and len(tested) < floor["share"] * len(outcomes):
        problems.append(
            f"only {len(tested)} of {len(outcomes)} requirements were tested; {floor['share']:.0%} are required"
        )
    for name, keys in floor["requirements"].items():
        if left := [key for key in keys if outcomes.get(key) in NOT_TESTED]:
            problems.append(f"{name} is required, and not tested: {_listed(left)}")
    return problems


def _listed(keys: Sequence[str]) -> str:
    more = len(keys) - LISTED
    return ", ".join(keys[:LISTED]) + (f" and {more} more" if more > 0 else "")
