"""What the terminal shows of two runs: what changed from one to the other, or how two servers differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.findings.twin import Difference, Twin
from kuflow_conformance.report.console import STYLE, broken_line, shortened

DIFFERENCES_SHOWN = 20
"""Differences of a kind that the terminal shows; the page has all."""


def differences(comparison: Comparison) -> RenderableType:
    """What changed between two runs, the worst first."""
    parts: list[RenderableType] = []
    worse = [requirement for requirement, _ in comparison.worse]
    groups = (
        ("Broken since", comparison.broken, "red"),
        ("Worse: broken before, and elsewhere or otherwise now", worse, "red"),
        ("Warned of since", comparison.warned, "yellow"),
        ("Mended", comparison.mended, "green"),
        ("Still broken", comparison.still_broken, "dim"),
        ("Not tested any more", comparison.untested, "yellow"),
        ("Newly tested, and holds", comparison.newly_tested, "green"),
    )
    for title, requirements, style in groups:
        if not requirements:
            continue
        parts.append(Text(title, style="bold"))
        for requirement in requirements:
            if title in ("Broken since", "Warned of since"):
                parts.append(broken_line(requirement, style))
            elif requirement in worse and style == "red":
                parts.append(_worse(*next(pair for pair in comparison.worse if pair[0] == requirement)))
            else:
                parts.append(Text.assemble((requirement["id"], style), f" {requirement['sentence']}"))
        parts.append("")
    for title, operations in (("Operations gained", comparison.gained), ("Operations lost", comparison.given_up)):
        if operations:
            parts += [Text(title, style="bold"), ", ".join(operations), ""]
    if comparison.observed:
        parts.append(Text("Seen to differ where the documentation is silent", style="bold"))
        parts += [_seen_to_differ(*observed) for observed in comparison.observed]
        parts.append("")
    for title, changes in (("Slower", comparison.slower), ("Faster", comparison.faster)):
        if changes:
            parts.append(Text(f"{title}, median", style="bold"))
            parts += [f"{change.operation} {change.before:.0f} ms → {change.after:.0f} ms" for change in changes]
            parts.append("")
    runs = " → ".join(f"{run['target']['name']} {run['started'][:16]}" for run in (comparison.before, comparison.after))
    parts.append(Text(runs, style="dim"))
    if comparison.regressed:
        counts = {"broken": len(comparison.broken), "worse": len(worse)}
        said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        parts.append(Text(f"{said} since", style="bold red"))
    else:
        parts.append(Text("nothing broken since", style="bold green"))
    if comparison.new:
        shown = ", ".join(f"{requirement['id']} {requirement['outcome']}" for requirement in comparison.new)
        parts.append(Text(f"new requirements, which do not count here: {shown}", style="cyan"))
    if comparison.lost:
        parts.append(Text(f"{len(comparison.lost)} MUST requirements are not tested any more", style="bold yellow"))
    return Group(*parts)


def _worse(requirement: dict[str, Any], new: list[dict[str, Any]]) -> RenderableType:
    lines = [Text.assemble((requirement["id"], "red"), f" {requirement['sentence']}")]
    lines += [Text(f"  {finding['operation']}: expected {shortened(finding['expected'])}") for finding in new]
    return Group(*lines)


def twins(found: Twin, page: Path) -> RenderableType:
    """How two servers differ, the worst first."""
    names = {"target": found.target["target"]["name"], "against": found.against["target"]["name"]}
    parts: list[RenderableType] = []
    if found.only_one_keeps:
        parts.append(Text("Kept by one of the two only", style="bold red"))
        for requirement in found.only_one_keeps:
            parts.append(broken_line(requirement, "red"))
            parts.append(Text.assemble(("  broken by ", "dim"), names[requirement["by"]]))
        parts.append("")
    for title, chosen, style in (
        ("Differences that go with it", found.breaking, "red"),
        ("Differences that the documentation allows", found.allowed, "cyan"),
    ):
        if chosen:
            parts.append(Text(f"{title} ({len(chosen)})", style=f"bold {style}"))
            parts += [_difference(difference) for difference in chosen[:DIFFERENCES_SHOWN]]
            if len(chosen) > DIFFERENCES_SHOWN:
                parts.append(Text(f"and {len(chosen) - DIFFERENCES_SHOWN} more", style="dim"))
            parts.append("")
    if found.comparison.observed:
        parts.append(Text("Seen to differ where the documentation is silent", style="bold"))
        parts += [_seen_to_differ(*observed) for observed in found.comparison.observed]
        parts.append("")
    if found.comparison.warned:
        keys = ", ".join(requirement["id"] for requirement in found.comparison.warned)
        parts += [Text(f"{names['against']} is warned of: {keys}", style="yellow"), ""]
    if found.comparison.untested:
        keys = ", ".join(requirement["id"] for requirement in found.comparison.untested)
        parts += [Text(f"tested on {names['target']} only: {keys}", style="dim"), ""]
    for side, record in (("target", found.target), ("against", found.against)):
        parts.append(Text.assemble(f"{names[side]}: ", (record["verdict"], STYLE[record["verdict"]])))
        if record["reason"]:
            parts.append(Text(record["reason"], style="yellow"))
    style = "bold red" if found.only_one_keeps else "bold green"
    parts += [Text(found.verdict, style=style), f"report: {page}"]
    return Group(*parts)


def _difference(difference: Difference) -> RenderableType:
    place = f" {difference.place}" if difference.place else ""
    return Text.assemble(
        difference.operation,
        (f" {difference.kind}{place}: ", "dim"),
        shortened(difference.target, 60),
        (" | ", "dim"),
        shortened(difference.against, 60),
        (f"  {difference.count} times" if difference.count > 1 else "", "dim"),
        (f"  {', '.join(difference.breaks)}" if difference.breaks else "", "red"),
    )


def _seen_to_differ(requirement: dict[str, Any], before: list[str], after: list[str]) -> RenderableType:
    one = shortened("; ".join(text for text in before if text not in after) or "nothing else")
    two = shortened("; ".join(text for text in after if text not in before) or "nothing else")
    return Text.from_markup(f"{requirement['id']} {escape(one)} [dim]→[/] {escape(two)}")
