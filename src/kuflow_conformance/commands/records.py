"""The commands that work on records of runs: compare, merge, report, matrix, replay, cleanup."""

from __future__ import annotations

import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from kuflow_conformance import files
from kuflow_conformance.commands.options import describes_target, open_session, reports_option
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NOT_CONFORMANT
from kuflow_conformance.findings import record as records
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.report.comparisons import differences
from kuflow_conformance.report.console import repeated_line, summary, verdict_then_and_now
from kuflow_conformance.run.settings import DEFAULT_REPORTS

MAXIMUM_PARTS = 16
"""Processes at work, of a run whose record says nothing of them, whose ids are looked for."""


@click.command()
@click.argument("before", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("after", type=click.Path(path_type=Path, dir_okay=False))
def compare(before: Path, after: Path) -> None:
    """Show what changed between two runs. BEFORE and AFTER are their run.json.

    Exit codes: 0 nothing broke; 1 something broke; 2 a file is no record of a run.
    """
    comparison = Comparison(records.read(before), records.read(after))
    Console(highlight=False).print(differences(comparison))
    sys.exit(EXIT_NOT_CONFORMANT if comparison.regressed else EXIT_CONFORMANT)


@click.command()
@click.argument("parts", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@reports_option
def merge(parts: tuple[Path, ...], reports: Path) -> None:
    """Put the parts of a run together. PARTS are the run.json that `run --shard` wrote.

    Exit codes: as for run.
    """
    from kuflow_conformance.findings.merge import merge as merged
    from kuflow_conformance.report import write_reports

    record = merged([records.read(path) for path in parts])
    write_reports(record, reports)
    Console(highlight=False).print(summary(record, reports))
    sys.exit(record["exit_code"])


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_REPORTS)
def report(folder: Path) -> None:
    """Write the pages of a run again.

    They are made from the run.json in FOLDER. The Allure site is built as well. It needs Node, because Allure 3 comes
    from npm. FOLDER keeps the history of earlier runs.
    """
    from kuflow_conformance.report import allure, write_pages

    write_pages(records.read(folder / "run.json"), folder)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"report: {folder / 'report.html'}")
    console.print(f"Allure site: {allure.build_site(folder)}")


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="matrix.html",
    show_default=True,
    help="The page to write.",
)
def matrix(runs: tuple[Path, ...], output: Path) -> None:
    """Write a page that shows several runs side by side. RUNS are their run.json."""
    from kuflow_conformance.report import pages

    files.write_whole(output, pages.matrix([records.read(path) for path in runs]))
    click.echo(f"matrix: {output}")


@click.command()
@click.argument("failure")
@click.option(
    "--run",
    "record",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_REPORTS / "run.json",
    show_default=True,
    help="The record that holds the failure.",
)
@click.option(
    "--write",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Send nothing: write a file that runs without this project, .py for pytest or .http for an editor.",
)
@describes_target
def replay(failure: str, record: Path, write: Path | None, **options: Any) -> None:
    """Send the requests of a failure again.

    FAILURE is its number in the report, such as PAG-003.1. The requests act on new resources. You see each answer of
    then and of now. New processes are cancelled at the end.
    """
    from kuflow_conformance.findings import replay as repetition
    from kuflow_conformance.report import reproduction

    document = records.read(record)
    failed = repetition.failure(document, failure)
    if write is not None:
        if write.suffix not in reproduction.FORMATS:
            raise click.UsageError(f"--write: the name of the file has to end in {' or '.join(reproduction.FORMATS)}")
        files.write_whole(write, reproduction.written(document, failed, write.suffix))
        click.echo(f"written: {write}")
        return
    _, session = open_session(options)
    session.preflight()
    console = Console(highlight=False)
    for repeated in repetition.replay(document, failed, session):
        console.print(repeated_line(repeated))
    console.print(verdict_then_and_now(failed, repeated.now.describe()))


@click.command()
@click.argument("record", type=click.Path(path_type=Path, dir_okay=False))
@describes_target
def cleanup(record: Path, **options: Any) -> None:
    """Cancel the processes that a run left on the target. RECORD is its run.json.

    Exit codes: 0 all are cancelled; 1 some could not be.
    """
    from kuflow_conformance.world import cleanup as cleaning

    document = records.read(record)
    _, session = open_session(options)
    session.preflight()
    started = datetime.fromisoformat(document["started"])
    found = cleaning.leftovers(session, uuid.UUID(document["run"]), started, MAXIMUM_PARTS)
    keys = list(dict.fromkeys(key.lower() for key in [*document["left"], *found]))
    left = cleaning.finish(session, keys)
    click.echo(f"ended: {len(keys) - len(left)} processes" + "".join(f"\nstill there: {key}" for key in left))
    sys.exit(EXIT_NOT_CONFORMANT if left else EXIT_CONFORMANT)


@click.command()
@click.argument("record", type=click.Path(path_type=Path, dir_okay=False))
def verify(record: Path) -> None:
    """Say whether a run.json is whole, unedited, and of this suite, for those who publish results.

    It finds accidents and careless edits; it is no signature.

    Exit codes: 0 it is; 1 it is not; 2 the file is no record of a run.
    """
    from kuflow_conformance.findings.seal import doubts

    document = records.read(record)
    found = doubts(document)
    for doubt in found:
        click.echo(f"✗ {doubt}")
    if not found:
        click.echo(f"✓ whole, unedited, suite {document['suite']}: {document['target']['name']}, {document['verdict']}")
    sys.exit(EXIT_NOT_CONFORMANT if found else EXIT_CONFORMANT)


COMMANDS = (compare, merge, report, matrix, replay, cleanup, verify)
