"""A judgement of two descriptions, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from kuflow_conformance import __version__
from kuflow_conformance.description.compatibility import LEVELS, Entry, Judgement, Place
from kuflow_conformance.report import templates

OPERATIONS_SHOWN = 3
"""Operations that are named for a change of a schema; the rest is counted."""

_STYLES = {"breaking": "red", "new values": "red", "risky": "yellow", "compatible": "green"}
_SARIF_LEVELS = {"breaking": "error", "new values": "error", "risky": "warning", "compatible": "note"}
_RULES = "https://json.schemastore.org/sarif-2.1.0.json"


def as_text(judgement: Judgement) -> RenderableType:
    """For a terminal: the worst first, by schema and then by operation."""
    parts: list[RenderableType] = []
    for level in LEVELS:
        entries = judgement.entries(level)
        if entries:
            parts.append(Text(f"{level.capitalize()} ({len(entries)})", style=f"bold {_STYLES[level]}"))
            parts += [_entry(entry, _STYLES[level]) for entry in entries]
            parts.append("")
    if judgement.put_up_with:
        parts.append(Text("Accepted", style="bold"))
        parts += [Text(f"{key}: {reason}", style="dim") for key, reason in judgement.put_up_with.items()]
        parts.append("")
    style = "red" if judgement.breaks_clients else "yellow" if judgement.of("breaking") else "green"
    parts.append(Text(judgement.verdict, style=f"bold {style}"))
    return Group(*parts)


def _entry(entry: Entry, style: str) -> Text:
    change = entry.first
    lines = [
        Text.assemble((entry.title or "whole description", style), f": {change.what}", (f" ({change.reason})", "dim"))
    ]
    if change.witness:
        lines.append(Text(f"  {change.witness}"))
    if change.note:
        lines.append(Text(f"  {change.note}", style="dim"))
    if entry.is_of_schema:
        lines.append(Text(f"  in {operations(entry)}", style="dim"))
    if entry.used:
        lines.append(Text(f"  used by {used(entry)}", style="bold"))
    places = " → ".join(str(place) for place in (entry.old, entry.new) if place)
    if places:
        lines.append(Text(f"  {places}", style="dim"))
    return Text("\n").join(lines)


def operations(entry: Entry) -> str:
    """The operations of an entry, the first few by name."""
    shown, rest = entry.places[:OPERATIONS_SHOWN], len(entry.places) - OPERATIONS_SHOWN
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")


def used(entry: Entry) -> str:
    """The recorded clients of an entry, and how often each uses it."""
    return ", ".join(f"{client} ({count} ×)" for client, count in entry.used.items())


def page(judgement: Judgement, old: str, new: str, kind: str) -> str:
    """What a new description changes for clients, as ``md`` or ``html``."""
    groups = {level: judgement.entries(level) for level in LEVELS}
    names = {"judgement": judgement, "old": old, "new": new, "groups": groups}
    return templates.render(f"specdiff.{kind}.j2", **names, operations=operations, used=used)


def as_json(judgement: Judgement) -> str:
    """Everything, one entry for a change of a schema; accepted changes are left out."""
    document = {
        "verdict": judgement.verdict,
        "breaks_clients": judgement.breaks_clients,
        "major": judgement.major,
        "changes": [_as_dict(entry) for level in LEVELS for entry in judgement.entries(level)],
        "accepted": judgement.put_up_with,
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _as_dict(entry: Entry) -> dict[str, Any]:
    change = entry.first
    return {
        "level": change.level,
        "kind": change.kind,
        "title": entry.title,
        "what": change.what,
        "reason": change.reason,
        "witness": change.witness or None,
        "note": change.note or None,
        "old": entry.old.__dict__ if entry.old else None,
        "new": entry.new.__dict__ if entry.new else None,
        "operations": [{"id": c.id, "operation": c.operation, "place": c.place} for c in entry.changes],
        "used": entry.used,
    }


def as_sarif(judgement: Judgement) -> str:
    """For code scanning (SARIF 2.1.0)."""
    entries = [entry for level in LEVELS for entry in judgement.entries(level)]
    rules = sorted({entry.first.kind for entry in entries})
    results = [
        {
            "ruleId": entry.first.kind,
            "level": _SARIF_LEVELS[entry.first.level],
            "message": {"text": sentence(entry)},
            "locations": [_location(place)] if (place := entry.new or entry.old) else [],
        }
        for entry in entries
    ]
    driver = {"name": "kuflow-conformance", "version": __version__, "rules": [{"id": rule} for rule in rules]}
    runs = [{"tool": {"driver": driver}, "results": results}]
    return json.dumps({"$schema": _RULES, "version": "2.1.0", "runs": runs}, indent=1, ensure_ascii=False)


def _location(place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": place.file}}
    if place.line is not None:
        physical["region"] = {"startLine": place.line, "startColumn": place.column}
    return {"physicalLocation": physical, "logicalLocations": [{"fullyQualifiedName": place.pointer}]}


def sentence(entry: Entry) -> str:
    """An entry on one line."""
    change = entry.first
    witness = f": {change.witness}" if change.witness else ""
    where = f"; in {operations(entry)}" if entry.is_of_schema else ""
    return f"{entry.title}: {change.what} ({change.reason}){witness}{where}"


def as_annotations(judgement: Judgement) -> str:
    """Commands of GitHub workflows that show what is not compatible beside the lines of a pull request."""
    lines = []
    for level in LEVELS[:-1]:
        command = (
            "error" if level in {change.level for change in judgement.failing} and not judgement.major else "warning"
        )
        for entry in judgement.entries(level):
            place = entry.new or entry.old
            at = f"file={_property(place.file)}" if place else ""
            if place and place.line is not None:
                at += f",line={place.line},col={place.column}"
            title = _property(f"{level}: {entry.first.kind}")
            lines.append(f"::{command} {at}{',' if at else ''}title={title}::{_message(sentence(entry))}")
    lines.append(judgement.verdict)
    return "\n".join(lines)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


WRITERS: dict[str, Callable[[Judgement, str, str], str]] = {
    "markdown": lambda judgement, old, new: page(judgement, old, new, "md"),
    "html": lambda judgement, old, new: page(judgement, old, new, "html"),
    "json": lambda judgement, old, new: as_json(judgement),
    "sarif": lambda judgement, old, new: as_sarif(judgement),
    "github": lambda judgement, old, new: as_annotations(judgement),
}
"""How a judgement is written, by the name of the format."""
