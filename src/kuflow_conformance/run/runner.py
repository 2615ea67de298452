"""Running the suites in this process, and what follows from the record they leave."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kuflow_conformance import files
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NO_VERDICT, EXIT_NOT_CONFORMANT
from kuflow_conformance.findings import known as known_failures
from kuflow_conformance.findings import record as records
from kuflow_conformance.findings import twin
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.report import pages, write_reports
from kuflow_conformance.report.comparisons import differences, twins
from kuflow_conformance.report.console import summary
from kuflow_conformance.report.progress import ProgressReporter
from kuflow_conformance.run.preparation import clean_up, prepare
from kuflow_conformance.run.repeat import Handed, pytest_arguments, repeat_failures
from kuflow_conformance.run.run import Run
from kuflow_conformance.run.settings import Settings
from kuflow_conformance.run.workers import workers_for


def run_suites(
    settings: Settings, *, workers: int | None = None, update_known: bool = False, baseline: Path | None = None
) -> int:
    """Test the target that `settings` name; returns the exit code.

    `workers` is the number of processes, chosen by the target's latency when left out. With `update_known`, what is
    broken now is written as known failures. With `baseline`, the record of an earlier run, only what broke since
    counts.
    """
    console = Console(highlight=False)
    before = records.read(baseline) if baseline else None
    signal.signal(signal.SIGTERM, _interrupt)
    prepared = prepare(settings)
    assert prepared.record is not None
    if prepared.changed:
        console.print(f"changed, so tested first: {', '.join(sorted(prepared.changed))}", style="dim")
    carry_out(prepared, workers or workers_for(prepared.record.latency), ProgressReporter(console))
    record = prepared.record.as_dict()
    console.print(summary(record, settings.reports))
    code = int(record["exit_code"])
    if update_known and code in (EXIT_CONFORMANT, EXIT_NOT_CONFORMANT):
        path = settings.known or known_failures.beside(settings.target or Path())
        console.print(f"known failures: {_update_known(path, prepared, record)} in {path}", soft_wrap=True)
        code = EXIT_CONFORMANT
    if before is not None and code in (EXIT_CONFORMANT, EXIT_NOT_CONFORMANT):
        comparison = Comparison(before, record)
        console.print("", differences(comparison))
        code = EXIT_NO_VERDICT if comparison.lost else EXIT_CONFORMANT
        code = EXIT_NOT_CONFORMANT if comparison.regressed else code
    return code


def carry_out(run: Run, workers: int, *listeners: object) -> None:
    """Let pytest run the suites for a run that is prepared; `listeners` are plugins that hear of it."""
    arguments = [str(files.data("suites")), *pytest_arguments()]
    if not run.settings.record_only:
        arguments += [f"--alluredir={run.settings.reports / 'allure-results'}", "--clean-alluredir"]
    if run.settings.fail_fast:
        arguments.append("--exitfirst")
    if workers > 1:
        arguments += ["-n", str(workers), "--maxprocesses", str(workers), "--maxschedchunk", "1"]
    pytest.main(arguments, plugins=[Handed(run), *listeners])
    if run.record is not None and repeat_failures(run):
        clean_up(run)
        with contextlib.suppress(OSError):  # they could be written a moment ago
            write_reports(run.record.as_dict(), run.settings.reports)


def run_twins(settings: Settings, against: Path) -> int:
    """Test two targets, the second one described by the file `against`, and say how they differ.

    Returns the exit code.
    """
    sides = [settings, settings.model_copy(update={"target": against, "keys": {}})]
    sides = [
        side.model_copy(update={"write_trace": True, "reports": settings.reports / part})
        for side, part in zip(sides, twin.PARTS, strict=True)
    ]
    for side in sides:
        clean_up(prepare(side.model_copy(update={"write_trace": False})))  # problems are told before anything starts
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(highlight=False)
    with console.status("[dim]testing both"):
        _at_once(sides)
    found = twin.read(settings.reports)
    files.write_whole(settings.reports / "twin.html", pages.twin(found))
    console.print(twins(found, settings.reports / "twin.html"))
    return found.exit_code


def _at_once(sides: Sequence[Settings]) -> None:
    """Make these runs at the same time and wait for them.

    An interruption reaches all of them; they end as they do by themselves.
    """
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_quietly, args=(side.model_dump_json(),)) for side in sides]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join()
    except KeyboardInterrupt:
        for process in processes:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGINT)
        for process in processes:
            process.join()


def _quietly(settings: str) -> None:
    """Make a run that shows nothing: its reports say everything."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)
    carry_out(prepare(Settings.model_validate_json(settings)), workers=1)


def _update_known(path: Path, run: Run, record: dict[str, Any]) -> int:
    """Write the known failures as they are now; returns how many there are."""
    assert run.record is not None
    broken = [
        (requirement["id"], {**finding, "reason": f"found on {record['started'][:10]}: {_seen(requirement, finding)}"})
        for requirement in record["requirements"]
        if requirement["outcome"] in ("fail", "known")
        for finding in requirement["findings"]
    ]
    entries = known_failures.updated(run.record.known_failures, broken)
    known_failures.write(path, entries)
    return len(entries)


def _seen(requirement: dict[str, Any], finding: dict[str, Any]) -> str:
    """What was seen of a finding, in short."""
    same = (f for f in requirement["failures"] if f["operation"] == finding["operation"])
    seen = next((f["seen"] for f in same if f["finding"] == finding["fingerprint"]), "")
    return f"expected {finding['expected'][:80]}, seen {seen[:80]}"


def _interrupt(signal_number: int, frame: object) -> None:
    """End the run as Ctrl-C does."""
    raise KeyboardInterrupt
