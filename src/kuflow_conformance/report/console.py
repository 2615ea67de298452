"""What the terminal shows: progress while a run goes on, the table and the failures at its end."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.description.requirements import Catalogue, Requirement
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.findings.record import TRAFFIC
from kuflow_conformance.findings.replay import Repeated
from kuflow_conformance.findings.twin import Difference, Twin
from kuflow_conformance.report.catalogue import Section, Test, sections_beside, sections_saying
from kuflow_conformance.report.wording import by_area, new_first, repeated, scope, selection, tested, where
from kuflow_conformance.world.doctor import Finding

DIFFERENCES_SHOWN = 20
"""Differences of a kind that the terminal shows; the page has all."""

_STYLE = {
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
            parts += [_failure(requirement, style, record["traffic"]["requests"]) for requirement in chosen]
            parts.append("")
    if record["known"]:
        parts += [Text("Known failures", style="bold"), *map(_known, record["known"]), ""]
    for outcome in ("not tested", "not implemented"):
        if names := [operation["id"] for operation in record["operations"] if operation["outcome"] == outcome]:
            parts.append(Text(f"{outcome}: {', '.join(names)}", style="dim"))
    for key in record["scope"]["there_after_all"]:
        parts.append(Text(f"{key} is declared not to be implemented, and answers: change [implements]", style="red"))
    for skip in record["scope"]["skipped"]:
        parts.append(Text(f"skipped: {skip['what']} ({_line(skip['reason'])})", style="yellow"))
    traffic = record["traffic"]
    speed = f" in {record['seconds']} s, {traffic['per_second']} per second, seed {record['seed']}"
    parts.append(f"{traffic['requests']} requests" + (" judged" if record["profile"] == TRAFFIC else speed))
    if cut := record.get("cut"):
        parts.append(Text(_cut(cut), style="yellow"))
    parts.append(Text(f"{record['target']['name']}: {record['verdict']}", style=_STYLE[record["verdict"]]))
    if record["scope"]["label"]:
        parts.append(Text(f"{scope(record)} hold ({selection(record)})", style=_STYLE[record["verdict"]]))
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


def _failure(requirement: dict[str, Any], style: str, requests: int = 0) -> RenderableType:
    first = new_first(requirement)[0]
    title = f"[{style}]{requirement['id']}[/] {escape(requirement['sentence'])}"
    if requirement["follows"]:
        return Text.from_markup(f"{title} [dim](follows from {requirement['follows']})[/]")
    return Text.from_markup(
        f"{title}\n"
        f"  [dim]where[/]     {escape(where(requirement))}\n"
        f"  [dim]expected[/]  {escape(_line(first['expected']))}\n"
        f"  [dim]seen[/]      {escape(_line(first['seen']))}"
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
        f"  {_line(entry['reason'])}",
    )


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
                parts.append(_failure(requirement, style))
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
    lines += [Text(f"  {finding['operation']}: expected {_line(finding['expected'])}") for finding in new]
    return Group(*lines)


def twins(found: Twin, page: Path) -> RenderableType:
    """How two servers differ, the worst first."""
    names = {"target": found.target["target"]["name"], "against": found.against["target"]["name"]}
    parts: list[RenderableType] = []
    if found.only_one_keeps:
        parts.append(Text("Kept by one of the two only", style="bold red"))
        for requirement in found.only_one_keeps:
            parts.append(_failure(requirement, "red"))
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
        parts.append(Text.assemble(f"{names[side]}: ", (record["verdict"], _STYLE[record["verdict"]])))
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
        _line(difference.target, 60),
        (" | ", "dim"),
        _line(difference.against, 60),
        (f"  {difference.count} times" if difference.count > 1 else "", "dim"),
        (f"  {', '.join(difference.breaks)}" if difference.breaks else "", "red"),
    )


def _seen_to_differ(requirement: dict[str, Any], before: list[str], after: list[str]) -> RenderableType:
    one = _line("; ".join(text for text in before if text not in after) or "nothing else")
    two = _line("; ".join(text for text in after if text not in before) or "nothing else")
    return Text.from_markup(f"{requirement['id']} {escape(one)} [dim]→[/] {escape(two)}")


_MARKS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}


def finding_line(finding: Finding) -> RenderableType:
    """What `doctor` found, as a line."""
    mark, style = _MARKS[finding.mark]
    advice = f"\n  {_line(finding.advice)}" if finding.advice else ""
    return Text.assemble((mark, style), f" {_line(finding.what, 300)}", (advice, "dim"))


def repeated_line(repeated: Repeated) -> RenderableType:
    """A request that was sent again: what it was answered with then and now."""
    now = repeated.now.status
    style = "dim" if now == repeated.then else "yellow"
    return Text.assemble(f"{repeated.operation} ", (f"then {repeated.then}, now {repeated.now.failure or now}", style))


def verdict_then_and_now(failure: dict[str, Any], now: str) -> RenderableType:
    """The request that failed: what was expected, what was seen then, and the answer it had now."""
    return Text.from_markup(
        f"[bold]{failure['id']}[/] {escape(failure['operation'])}\n"
        f"  [dim]expected[/]  {escape(_line(failure['expected']))}\n"
        f"  [dim]then[/]      {escape(_line(failure['seen']))}\n"
        f"  [dim]now[/]       {escape(_line(now))}"
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
            lines += [Text(f"expected {_line(example['expected'])}"), Text(example["curl"], style="dim")]
            lines.append(
                Text(_line(example["seen"] if sample["failures"] else f"{example['status']} {example['answer']}"))
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


def _line(text: str, limit: int = 160) -> str:
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def summary_text(record: dict[str, Any], folder: Path) -> str:
    """The summary without colour, for pytest's own terminal report."""
    buffer = io.StringIO()
    Console(file=buffer, width=120, no_color=True).print(summary(record, folder))
    return buffer.getvalue().rstrip()


class ProgressReporter:
    """Takes the place of pytest's terminal reporter: a bar on a terminal, silence elsewhere."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("[dim]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("preparing", total=None)
        self._failed = 0

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        reporter = config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)

    def pytest_sessionstart(self) -> None:
        self._progress.start()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._expect(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: object, ids: list[str]) -> None:
        self._expect(len(ids))

    def _expect(self, total: int) -> None:
        if total:
            self._progress.update(self._task, total=total, description="testing")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and report.when == "call":
            self._failed += 1
        if report.when == "teardown":
            broken = f" [red]{self._failed} broken[/]" if self._failed else ""
            self._progress.update(self._task, advance=1, description=f"testing{broken}")

    def pytest_sessionfinish(self) -> None:
        self._progress.stop()
