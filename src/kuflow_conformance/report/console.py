"""What the terminal shows at the end of a run, and of what was found out about a target or a requirement."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.description.requirements import Catalogue, Requirement
from kuflow_conformance.findings.record import TRAFFIC
from kuflow_conformance.findings.replay import Repeated
from kuflow_conformance.report.catalogue import Section, Test, sections_beside, sections_saying
from kuflow_conformance.report.wording import by_area, new_first, repeated, scope, selection, tested, where
from kuflow_conformance.world.doctor import Finding

STYLE = {
    "conformant": "bold green",
    "conformant in part": "bold green",
    "known failures only": "bold green",
    "no break seen": "bold green",
    "not conformant": "bold red",
    "known failures outdated": "bold red",
    "declarations outdated": "bold red",
    "no verdict": "bold yellow",
}
_KNOWN = {
    "still broken": "dim",
    "not tested": "dim",
    "not seen": "dim",
    "holds now": "red",
    "always broken": "red",
    "expired": "red",
}


def summary(record: dict[str, Any], folder: Path) -> RenderableType:
    """The end of a run: table by area, failures in reading order, operations, verdict, path of the report."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("area")
    table.add_column("hold", justify="right")
    columns = (
        ("fail", "red"),
        ("warn", "yellow"),
        ("known", "magenta"),
        ("not tested", "dim"),
        ("observed", "cyan"),
    )
    for name, _ in columns:
        table.add_column(name, justify="right")
    for row in by_area(record):
        outcomes = row["outcomes"]
        table.add_row(
            row["area"],
            f"{row['held']} of {row['selected']}",
            *(Text(str(outcomes[n]) if outcomes[n] else "·", style if outcomes[n] else "dim") for n, style in columns),
        )
    parts: list[RenderableType] = [table, ""]
    by_id = {r["id"]: r for r in record["requirements"]}
    broken = [by_id[key] for key in record["failed"]]
    warned = [r for r in record["requirements"] if r["outcome"] == "warn"]
    if record.get("causes"):
        parts.append(Text("Plainly, behind the failures", style="bold yellow"))
        parts += [*(Text(f"- {cause}") for cause in record["causes"]), ""]
    for title, chosen, style in (("Broken", broken, "red"), ("Warnings", warned, "yellow")):
        if chosen:
            parts.append(Text(title, style=f"bold {style}"))
            parts += [broken_line(requirement, style, record["traffic"]["requests"]) for requirement in chosen]
            parts.append("")
    if record["known"]:
        parts += [Text("Known failures", style="bold"), *map(_known, record["known"]), ""]
    for outcome in ("not tested", "not implemented"):
        if names := [operation["id"] for operation in record["operations"] if operation["outcome"] == outcome]:
            parts.append(Text(f"{outcome}: {', '.join(names)}", style="dim"))
    for key in record["scope"]["there_after_all"]:
        parts.append(Text(f"{key} is declared not to be implemented, and answers: change [implements]", style="red"))
    for skip in record["scope"]["skipped"]:
        parts.append(Text(f"skipped: {skip['what']} ({shortened(skip['reason'])})", style="yellow"))
    traffic = record["traffic"]
    speed = f" in {record['seconds']} s, {traffic['per_second']} per second, seed {record['seed']}"
    parts.append(f"{traffic['requests']} requests" + (" judged" if record["profile"] == TRAFFIC else speed))
    if cut := record.get("cut"):
        parts.append(Text(_cut(cut), style="yellow"))
    parts.append(Text(f"{record['target']['name']}: {record['verdict']}", style=STYLE[record["verdict"]]))
    if record["scope"]["label"]:
        parts.append(Text(f"{scope(record)} hold ({selection(record)})", style=STYLE[record["verdict"]]))
    parts.append(tested(record))
    if record["reason"]:
        parts.append(Text(record["reason"], style="yellow"))
    if record["left"]:
        hint = f"kuflow-conformance cleanup {folder / 'run.json'}"
        parts.append(Text(f"left on the target: {len(record['left'])} processes; {hint}", style="yellow"))
    parts.append(f"report: {folder / 'report.html'}")
    return Group(*parts)


ADVICE_SHOWN = 10
"""Pieces of advice that the terminal shows; the page has all."""


def traffic_notes(record: dict[str, Any]) -> RenderableType:
    """What was not judged of the traffic of others and why, and what its authors should know."""
    witness = record["witness"]
    parts: list[RenderableType] = []
    if passed := witness["passed_over"]:
        reasons = ", ".join(f"{why} {count}" for why, count in passed.items())
        parts.append(f"not judged: {sum(passed.values())} ({escape(reasons)})")
    if witness["explained"] or witness["untold"]:
        parts.append(
            f"suspicions: {witness['explained']} explained by what others may have done, "
            f"{witness['untold']} that cannot be told"
        )
    if advice := witness["advice"]:
        parts.append(Text("For the author of the client", style="bold"))
        parts += [
            Text.assemble(f"  {one['kind']}: {one['what']}", (f"  {one['operation']}, {one['count']} times", "dim"))
            for one in advice[:ADVICE_SHOWN]
        ]
        if len(advice) > ADVICE_SHOWN:
            parts.append(f"  and {len(advice) - ADVICE_SHOWN} more, in the report")
    return Group(*parts)


def _cut(cut: dict[str, list[int]]) -> str:
    """What the time budget cut."""
    tests = sum("::" in key for key in cut)
    sent, planned = (sum(numbers[n] for key, numbers in cut.items() if "::" not in key) for n in (0, 1))
    operations = len(cut) - tests
    parts = [f"{tests} tests"] if tests else []
    if operations:
        parts.append(f"{planned - sent} of {planned} generated requests of {operations} operations")
    return f"cut by the time budget: {' and '.join(parts)}"


def broken_line(requirement: dict[str, Any], style: str, requests: int = 0) -> RenderableType:
    first = new_first(requirement)[0]
    title = f"[{style}]{requirement['id']}[/] {escape(requirement['sentence'])}"
    if requirement["follows"]:
        return Text.from_markup(f"{title} [dim](follows from {requirement['follows']})[/]")
    return Text.from_markup(
        f"{title}\n"
        f"  [dim]where[/]     {escape(where(requirement))}\n"
        f"  [dim]expected[/]  {escape(shortened(first['expected']))}\n"
        f"  [dim]seen[/]      {escape(shortened(first['seen']))}"
        + (f"\n  [dim]again[/]     {again}" if (again := repeated(requirement, first, requests)) else "")
    )


def _known(entry: dict[str, Any]) -> RenderableType:
    advice = {
        "holds now": ": take it out of the file",
        "expired": f" on {entry['expires']}",
        "always broken": ": it is not intermittent",
    }.get(entry["state"], "")
    operation = "" if entry["operation"] == "*" else f"{entry['operation']} "
    return Text.assemble(
        f"{entry['requirement']} {operation}",
        (entry["state"] + advice, _KNOWN[entry["state"]]),
        f"  {shortened(entry['reason'])}",
    )


_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


def finding_line(finding: Finding) -> RenderableType:
    """What `doctor` found, as a line."""
    mark, style = _MARKS[finding.mark]
    advice = f"\n  {shortened(finding.advice)}" if finding.advice else ""
    return Text.assemble((mark, style), f" {shortened(finding.what, 300)}", (advice, "dim"))


def repeated_line(repeated: Repeated) -> RenderableType:
    """A request that was sent again: what it was answered with then and now."""
    now = repeated.now.status
    style = "dim" if now == repeated.then else "yellow"
    return Text.assemble(f"{repeated.operation} ", (f"then {repeated.then}, now {repeated.now.failure or now}", style))


def verdict_then_and_now(failure: dict[str, Any], now: str) -> RenderableType:
    """The request that failed: what was expected, what was seen then, and the answer it had now."""
    return Text.from_markup(
        f"[bold]{failure['id']}[/] {escape(failure['operation'])}\n"
        f"  [dim]expected[/]  {escape(shortened(failure['expected']))}\n"
        f"  [dim]then[/]      {escape(shortened(failure['seen']))}\n"
        f"  [dim]now[/]       {escape(shortened(now))}"
    )


def explanation(
    requirement: Requirement, area: str, tests: list[Test], sample: dict[str, Any] | None
) -> RenderableType:
    """A requirement with all that is known of it."""
    operations = (
        requirement.operations if isinstance(requirement.operations, str) else ", ".join(requirement.operations)
    )
    lines: list[RenderableType] = [
        Text.assemble((requirement.id, "bold"), f" {requirement.sentence}"),
        "",
        Text.assemble(("level       ", "dim"), f"{requirement.level}, area {area}, profile {requirement.profile}"),
        Text.assemble(("source      ", "dim"), requirement.source),
        Text.assemble(("operations  ", "dim"), operations),
        *(
            Text.assemble(("says        ", "dim"), f"{section.section}: {statement.says}")
            for section, statement in sections_saying(requirement.id)
        ),
        *(Text.assemble(("test        ", "dim"), f"{test.place} {test.function}") for test in tests),
    ]
    if requirement.explains:
        lines.append(Text.assemble(("explains    ", "dim"), ", ".join(requirement.explains)))
    if sample is not None:
        lines += ["", Text(f"in the last run: {sample['outcome']}, {sample['checks']} checks", style="bold")]
        example = sample["failures"][0] if sample["failures"] else sample["example"]
        if example is not None:
            lines += [Text(f"expected {shortened(example['expected'])}"), Text(example["curl"], style="dim")]
            lines.append(
                Text(shortened(example["seen"] if sample["failures"] else f"{example['status']} {example['answer']}"))
            )
    return Group(*lines)


def section_explanation(
    section: Section, operation: Operation | None, catalogue: Catalogue, tests: dict[str, list[Test]]
) -> RenderableType:
    """What a section of the API reference says, with the requirements and tests of each statement.

    `operation` is the one that it describes. What other sections say of that comes behind, with the ids alone.
    """
    lines: list[RenderableType] = [Text(section.section, style="bold")]
    if operation is not None:
        lines.append(Text(f"{operation.id}  {operation.method} {operation.path}", style="dim"))
    for statement in section.statements:
        lines += ["", Text(statement.says)]
        if statement.untested:
            lines.append(Text(f"  not tested: {statement.untested}", style="dim"))
        for key in statement.requirements:
            requirement = catalogue[key]
            lines.append(Text.assemble("  ", (key, "bold"), f" {requirement.level}: {requirement.sentence}"))
            lines += [Text(f"    {test.place} {test.function}", style="dim") for test in tests[key]]
    for other in sections_beside(section) if operation is not None else ():
        lines += ["", Text(other.section, style="bold")]
        lines += [Text(f"  {s.says} {', '.join(s.requirements) or 'not tested'}") for s in other.statements]
    return Group(*lines, "")


def shortened(text: str, limit: int = 160) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def summary_text(record: dict[str, Any], folder: Path) -> str:
    """The summary without colour, for pytest's own terminal report."""
    buffer = io.StringIO()
    Console(file=buffer, width=120, no_color=True).print(summary(record, folder))
    return buffer.getvalue().rstrip()
