"""Running the suites in this process, and what follows from the record they leave."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from kuflow_conformance import files
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NOT_CONFORMANT
from kuflow_conformance.findings import known as known_failures
from kuflow_conformance.findings import record as records
from kuflow_conformance.findings import twin
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.report import pages
from kuflow_conformance.report.console import ProgressReporter, differences, summary, twins
from kuflow_conformance.run.plugin import RUN
from kuflow_conformance.run.run import Run, clean_up, prepare
from kuflow_conformance.target.target_file import FLAGS, flag_name

MAXIMUM_WORKERS = 8
"""Processes that test at once unless the user asks for more: a target is not to be overrun."""

WORK_PER_REQUEST = 0.01
"""Seconds of answering up to which a process has about as much to do itself, on a slow core."""


def run_suites(options: dict[str, Any]) -> int:
    """Test the target that `options` (those of the command line) name; returns the exit code."""
    console = Console(highlight=False)
    reports: Path = options["reports"]
    options = {"write_trace": False, **options}
    arguments = pytest_arguments(options)
    baseline = records.read(options["baseline"]) if options["baseline"] else None
    signal.signal(signal.SIGTERM, _interrupt)
    prepared = prepare(options)
    assert prepared.record is not None
    if prepared.changed:
        console.print(f"changed, so tested first: {', '.join(sorted(prepared.changed))}", style="dim")
    workers = options["workers"] or _workers_for(prepared.record.latency)
    if workers > 1:
        arguments += ["-n", str(workers), "--maxprocesses", str(workers), "--maxschedchunk", "1"]
    pytest.main(arguments, plugins=[_Prepared(prepared), ProgressReporter(console)])
    record = prepared.record.as_dict()
    console.print(summary(record, reports))
    code = int(record["exit_code"])
    if options["update_known"] and code in (EXIT_CONFORMANT, EXIT_NOT_CONFORMANT):
        path = options["known"] or known_failures.beside(options["target"])
        console.print(f"known failures: {_update_known(path, prepared, record)} in {path}", soft_wrap=True)
        code = EXIT_CONFORMANT
    if baseline is not None and code in (EXIT_CONFORMANT, EXIT_NOT_CONFORMANT):
        comparison = Comparison(baseline, record)
        console.print("", differences(comparison))
        code = EXIT_NOT_CONFORMANT if comparison.regressed else EXIT_CONFORMANT
    return code


def pytest_arguments(options: dict[str, Any]) -> list[str]:
    """The arguments with which pytest runs the suites as `options` (those of the command line) say."""
    reports: Path = options["reports"]
    arguments = [
        str(files.data("suites")),
        *("-p", "no:cacheprovider", "-p", "no:schemathesis"),
        *("-c", str(files.data("suites") / "pytest.ini"), "--rootdir", str(files.data("suites"))),
        *("--profile", options["profile"], "--seed", str(options["seed"]), "--reports", str(reports)),
    ]
    if not options["record_only"]:
        arguments += [f"--junitxml={reports / 'junit.xml'}"]
        arguments += [f"--alluredir={reports / 'allure-results'}", "--clean-alluredir"]
    if options["target"]:
        arguments += ["--target", str(options["target"])]
    if options["fail_fast"]:
        arguments += ["--fail-fast", "--exitfirst"]
    if options["last_failed"]:
        arguments.append("--run-failed")
    if options["write_to_production"]:
        arguments.append("--write-to-production")
    if options["known"]:
        arguments += ["--known", str(options["known"])]
    if options["spec"]:
        arguments += ["--spec", str(options["spec"])]
    for name in ("changed_spec", "shard", "time_budget"):
        if options[name]:
            arguments += [f"--{name.replace('_', '-')}={options[name]}"]
    if options["write_trace"]:
        arguments.append("--write-trace")
    for flag in FLAGS:
        value = options[flag_name(flag)]
        arguments += [f"{flag}={value}"] if value is not None else []
    for name in ("set", "only"):
        arguments += [f"--{name}={value}" for value in options[name]]
    return arguments


def run_twins(options: dict[str, Any]) -> int:
    """Test two targets, the second one named by ``against``, and say how they differ; returns the exit code."""
    reports: Path = options["reports"]
    flags = dict.fromkeys(flag_name(flag) for flag in FLAGS)
    sides = [options, {**options, **flags, "set": (), "target": options["against"]}]
    sides = [
        {**side, "write_trace": True, "reports": reports / part} for side, part in zip(sides, twin.PARTS, strict=True)
    ]
    for side in sides:
        clean_up(prepare({**side, "write_trace": False}))  # so that problems are told before anything starts
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(highlight=False)
    with console.status("[dim]testing both"):
        twin.run_both([pytest_arguments(side) for side in sides])
    found = twin.read(reports)
    files.write_whole(reports / "twin.html", pages.twin(found))
    console.print(twins(found, reports / "twin.html"))
    return found.exit_code


def _update_known(path: Path, run: Run, record: dict[str, Any]) -> int:
    """Write the known failures as they are now; returns how many there are."""
    outcomes = {requirement["id"]: requirement["outcome"] for requirement in record["requirements"]}
    broken = {
        requirement["id"]: f"found on {record['started'][:10]}: {requirement['failures'][0]['seen'][:160]}"
        for requirement in record["requirements"]
        if requirement["outcome"] in ("fail", "known")
    }
    untested = [key for key in run.known if outcomes.get(key, "not tested") == "not tested"]
    entries = known_failures.updated(run.known, broken, untested)
    known_failures.write(path, entries)
    return len(entries)


def _workers_for(latency: float) -> int:
    """How many processes keep the cores busy while answers take `latency` seconds each."""
    cores = min(4, os.cpu_count() or 1)
    return max(cores, min(MAXIMUM_WORKERS, round(cores * latency / WORK_PER_REQUEST)))


def _interrupt(signal_number: int, frame: object) -> None:
    """End the run as Ctrl-C does."""
    raise KeyboardInterrupt


class _Prepared:
    """Hands pytest the run that is prepared already, so that problems are told before it starts."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[RUN] = self._run
