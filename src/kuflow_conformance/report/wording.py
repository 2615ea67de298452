"""What terminal, page and summary say in the same words."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kuflow_conformance.findings.floor import UNCOUNTED

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


def repeated(requirement: dict[str, Any], failure: dict[str, Any], requests: int) -> str:
    """How often a failure was found when its test was made again; empty when it was not made again."""
    finding = finding_of(requirement, failure)
    if finding is None or not finding["repeated"]:
        return ""
    times, broken = finding["repeated"]["times"], finding["repeated"]["broken"]
    if broken == times:
        return f"{broken} of {times} when repeated"
    if requirement["outcome"] == "warn" and requirement["level"] == "MUST":
        return f"{finding['count']} of {requests:,} requests; {broken} of {times} when repeated"
    return f"{broken} of {times} when repeated: intermittent"


def finding_of(requirement: dict[str, Any], failure: dict[str, Any]) -> dict[str, Any] | None:
    """The finding that a failure is an example of."""
    what = (failure["operation"], failure["finding"])
    return next((f for f in requirement["findings"] if (f["operation"], f["fingerprint"]) == what), None)


def new_first(requirement: dict[str, Any]) -> list[dict[str, Any]]:
    """The failures that are shown of a requirement: first what is not known, and of that what was looked at again."""
    known = {(finding["operation"], finding["fingerprint"]) for finding in requirement["findings"] if finding["known"]}
    repeated = {(f["operation"], f["fingerprint"]) for f in requirement["findings"] if f["repeated"]}

    def order(failure: dict[str, Any]) -> tuple[bool, bool]:
        what = (failure["operation"], failure["finding"])
        return what in known, what not in repeated

    return sorted(requirement["failures"], key=order)


def held(record: dict[str, Any]) -> str:
    """How much of what was selected holds, such as ``19 of 19``; what the documentation is silent about aside."""
    areas = by_area(record)
    return f"{sum(area['held'] for area in areas)} of {sum(area['selected'] for area in areas)}"


def scope(record: dict[str, Any]) -> str:
    """What a partial run was about, and how much of it holds; empty for a whole one."""
    label = record["scope"]["label"]
    return f"{label}: {held(record)}" if label else ""


def selection(record: dict[str, Any]) -> str:
    """How much of a whole run was selected."""
    (requirements, usual), (operations, all_operations) = (record["scope"][n] for n in ("requirements", "operations"))
    return f"{requirements} of {usual} requirements, {operations} of {all_operations} operations"


def tested(record: dict[str, Any]) -> str:
    """How much of what was selected could be tested."""
    outcomes = [requirement["outcome"] for requirement in record["requirements"]]
    there = [operation for operation in record["operations"] if operation["outcome"] != "not implemented"]
    declared = outcomes.count("not implemented")
    text = (
        f"{len(outcomes) - declared - outcomes.count('not tested')} of {len(outcomes) - declared} requirements tested"
    )
    return f"{text}, {sum(bool(o['successes']) for o in there)} of {len(there)} operations answered with success"


_WORST_FIRST = (
    ("fail", "not conformant"),
    ("known", "known failures only"),
    ("pass", "conformant"),
    ("warn", "conformant"),
    ("observed", "observed"),
    ("not tested", "not tested"),
    ("not implemented", "not implemented, declared"),
    ("not scored", "not scored"),
)


def by_area(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Each area with how many of the selected requirements hold, and a verdict of its own."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for requirement in record["requirements"]:
        areas.setdefault(requirement["area"], []).append(requirement)
    table = []
    for name, requirements in areas.items():
        outcomes = Counter(requirement["outcome"] for requirement in requirements)
        demanded = [r for r in requirements if r["level"] != "OBSERVE" and r["outcome"] not in UNCOUNTED]
        verdict = next(word for outcome, word in _WORST_FIRST if outcomes[outcome])
        row = {"area": name, "held": outcomes["pass"], "selected": len(demanded)}
        table.append({**row, "outcomes": outcomes, "verdict": verdict})
    return table
