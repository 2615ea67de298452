"""What is made of a run record alone: the page, the summary for a job or a pull request, the badge, the matrix."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from kuflow_conformance.findings.twin import Twin
from kuflow_conformance.report import templates
from kuflow_conformance.report.wording import by_area, finding_of, new_first, repeated, scope, selection, tested, where

PLOT_WIDTH = 150.0
PLOT_MARGIN = 5.0

_COLOUR = {
    "conformant": "#17723f",
    "conformant in part": "#17723f",
    "known failures only": "#17723f",
    "no break seen": "#17723f",
    "no verdict": "#8a5c00",
    "not tested": "#8a5c00",
    "observed": "#4a5560",
    "not implemented, declared": "#4a5560",
}
_LETTER = 6.8
"""About how wide a letter of a badge is."""


class Scale:
    """A logarithmic scale of milliseconds that holds all values."""

    def __init__(self, values: Sequence[float]) -> None:
        positive = [value for value in values if value > 0] or [1.0]
        self._low = math.floor(math.log10(min(positive)))
        self._high = max(math.ceil(math.log10(max(positive))), self._low + 1)
        self.first = f"{10.0**self._low:g}"
        self.last = f"{10.0**self._high:g}"

    def at(self, value: float) -> float:
        """Where `value` is on the plot."""
        share = (math.log10(max(value, 10.0**self._low)) - self._low) / (self._high - self._low)
        return round(PLOT_MARGIN + share * PLOT_WIDTH, 1)


def _parts(record: dict[str, Any]) -> dict[str, Any]:
    by_id = {r["id"]: r for r in record["requirements"]}
    return {
        "run": record,
        "where": where,
        "repeated": repeated,
        "finding_of": finding_of,
        "by_area": by_area(record),
        "scope": scope(record),
        "selection": selection(record),
        "tested": tested(record),
        "new_first": new_first,
        "failed": [by_id[key] for key in record["failed"]],
        "warned": [r for r in record["requirements"] if r["outcome"] == "warn"],
        "known": [r for r in record["requirements"] if r["outcome"] == "known"],
    }


def page(record: dict[str, Any]) -> str:
    """The suite's own page: one file, no network, readable without scripts."""
    areas: dict[str, list[dict[str, Any]]] = {}
    for requirement in record["requirements"]:
        areas.setdefault(requirement["area"], []).append(requirement)
    statuses: Counter[str] = Counter()
    for operation in record["operations"]:
        statuses.update(operation["statuses"])
    return templates.render(
        "report.html.j2",
        **_parts(record),
        areas=areas,
        outcomes=Counter(r["outcome"] for r in record["requirements"]),
        statuses=dict(sorted(statuses.items())),
        scale=Scale([value for operation in record["operations"] for value in operation["milliseconds"].values()]),
    )


def live(record: dict[str, Any]) -> str:
    """What a proxy has seen so far: a page that renews itself."""
    return templates.render("live.html.j2", **_parts(record))


def summary(record: dict[str, Any]) -> str:
    """The summary as Markdown."""
    return templates.render("summary.md.j2", **_parts(record))


def behaviour(record: dict[str, Any]) -> str:
    """What the target does where the documentation is silent, as Markdown; the same behaviour gives the same sheet."""
    observed = [r for r in record["requirements"] if r["level"] == "OBSERVE"]
    return templates.render("behaviour.md.j2", run=record, observed=observed)


def badge(record: dict[str, Any]) -> str:
    """A badge as SVG."""
    return _badge(f"KuFlow API {record['api']}", scope(record) or record["verdict"], record["verdict"])


def area_badges(record: dict[str, Any]) -> dict[str, str]:
    """A badge for each area: name of the file → SVG."""
    return {
        f"{row['area'].replace(' ', '-')}.svg": _badge(
            f"KuFlow API {row['area']}",
            f"{row['held']} of {row['selected']}" if row["selected"] else row["verdict"],
            row["verdict"],
        )
        for row in by_area(record)
    }


def _badge(label: str, message: str, verdict: str) -> str:
    left, right = (round(len(text) * _LETTER + 12) for text in (label, message))
    colour = _COLOUR.get(verdict, "#b92c24")
    return templates.render("badge.svg.j2", label=label, message=message, left=left, right=right, colour=colour)


def twin(found: Twin) -> str:
    """How two servers differ."""
    return templates.render("twin.html.j2", twin=found, comparison=found.comparison)


def matrix(records: Sequence[dict[str, Any]]) -> str:
    """Several runs side by side: requirement × implementation."""
    names = [record["target"]["name"] for record in records]
    labels = [
        name if names.count(name) == 1 else f"{name}, {record['started'][:16].replace('T', ' ')}"
        for name, record in zip(names, records, strict=True)
    ]
    outcomes = [{r["id"]: r["outcome"] for r in record["requirements"]} for record in records]
    areas: dict[str, list[dict[str, Any]]] = {}
    seen: set[str] = set()
    for record in records:
        for requirement in record["requirements"]:
            if requirement["id"] not in seen:
                seen.add(requirement["id"])
                row = [run.get(requirement["id"], "not selected") for run in outcomes]
                areas.setdefault(requirement["area"], []).append({**requirement, "outcomes": row})
    tables = [{row["area"]: row for row in by_area(record)} for record in records]
    return templates.render(
        "matrix.html.j2",
        tables=tables,
        scope=scope,
        selection=selection,
        runs=list(zip(labels, records, strict=True)),
        api=records[0]["api"],
        areas=areas,
    )
