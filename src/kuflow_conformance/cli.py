"""The command line: thin, each command hands over to the module that does the work."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from rich.console import Console

from kuflow_conformance import __version__, files, requirements
from kuflow_conformance import known as known_failures
from kuflow_conformance import record as records
from kuflow_conformance.compare import Comparison
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NOT_CONFORMANT, ConformanceError
from kuflow_conformance.plugin import DEFAULT_REPORTS, DEFAULT_SEED, RUN, Run, overrides, prepare
from kuflow_conformance.report.console import ProgressReporter, differences, summary
from kuflow_conformance.requirements import PROFILES
from kuflow_conformance.target import FLAGS

if TYPE_CHECKING:
    from kuflow_conformance.reference.bank import Switch

MAXIMUM_WORKERS = 8
"""Processes that test at once unless the user asks for more: a target is not to be overrun."""

WORK_PER_REQUEST = 0.02
"""Seconds of answering up to which a process has about as much to do itself."""


def _target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for flag, (key, text) in reversed(list(FLAGS.items())):
        destination = "kuflow_" + flag.removeprefix("--").replace("-", "_")
        command = click.option(flag, destination, metavar="VALUE", help=f"{text} ({key})")(command)
    return command


class _Group(click.Group):
    """Turns every foreseen problem into one line and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConformanceError as error:
            Console(stderr=True, highlight=False, soft_wrap=True).print(f"kuflow-conformance: {error}", markup=False)
            ctx.exit(error.exit_code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="kuflow-conformance")
def main() -> None:
    """Say, with evidence, whether a server is the KuFlow REST API, version 2024-06-14."""


@main.command()
@click.option(
    "--target", type=click.Path(path_type=Path), help="Target file (TOML); without one, the bundled server is tested."
)
@_target_options
@click.option("--set", "set", multiple=True, metavar="KEY=VALUE", help="Any key of the target file.")
@click.option("--spec", type=click.Path(path_type=Path), help="Another OpenAPI file to test against.")
@click.option("--profile", type=click.Choice(PROFILES), default="core", show_default=True, help="How much to test.")
@click.option("--only", multiple=True, metavar="AREA|REQ", help="Only these areas or requirements; repeatable.")
@click.option("--seed", type=int, default=DEFAULT_SEED, show_default=True, help="Seed of the generated requests.")
@click.option(
    "--known",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of known failures; by default the one beside the target file, NAME.known.toml for NAME.toml.",
)
@click.option("--update-known", is_flag=True, help="Write what is broken now into the file of known failures.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The run.json of an earlier run: exit 1 only if something has broken since.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Processes that test at once; by default one for each core, and more when the target is slow to answer.",
)
@click.option("--fault", multiple=True, metavar="ID", help="Switch a fault of the bundled server on; repeatable.")
@click.option(
    "--variation", multiple=True, metavar="ID", help="Switch a variation of the bundled server on; repeatable."
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_REPORTS,
    show_default=True,
    help="Folder of the reports.",
)
def run(**options: Any) -> None:
    """Test a target and leave a verdict with reports.

    Exit codes: 0 conformant, 1 not conformant, 2 wrong usage, 3 no verdict, 130 interrupted.
    """
    given = overrides(options)
    if options["update_known"] and not (options["known"] or options["target"]):
        raise click.UsageError("--update-known needs a file to write: --known FILE, or --target FILE to lie beside")
    if options["update_known"] and options["known"] and not options["known"].exists():
        known_failures.write(options["known"], {})
    with ExitStack() as stack:
        if options["target"] is None and not given:
            from kuflow_conformance.reference import serve

            _switches(options["fault"], options["variation"])
            webhooks = [f"http://127.0.0.1:{serve.free_port()}/"] if options["profile"] == "full" else []
            server = serve.running(options["fault"], options["variation"], webhooks)
            target_file, environment = stack.enter_context(server)
            os.environ.update(environment)
            options["target"] = target_file
        elif options["fault"] or options["variation"]:
            raise click.UsageError("--fault and --variation are for the bundled server, not for another target")
        sys.exit(_run_suites(options))


def _run_suites(options: dict[str, Any]) -> int:
    console = Console(highlight=False)
    reports: Path = options["reports"]
    arguments = [
        str(files.data("suites")),
        *("-p", "no:cacheprovider", "-p", "no:schemathesis"),
        *("-c", str(files.data("suites") / "pytest.ini"), "--rootdir", str(files.data("suites"))),
        f"--junitxml={reports / 'junit.xml'}",
        f"--alluredir={reports / 'allure-results'}",
        "--clean-alluredir",
        *("--profile", options["profile"], "--seed", str(options["seed"]), "--reports", str(reports)),
    ]
    if options["target"]:
        arguments += ["--target", str(options["target"])]
    if options["known"]:
        arguments += ["--known", str(options["known"])]
    if options["spec"]:
        arguments += ["--spec", str(options["spec"])]
    for flag in FLAGS:
        value = options["kuflow_" + flag.removeprefix("--").replace("-", "_")]
        arguments += [f"{flag}={value}"] if value is not None else []
    for name in ("set", "only"):
        arguments += [f"--{name}={value}" for value in options[name]]
    baseline = records.read(options["baseline"]) if options["baseline"] else None
    prepared = prepare(options)
    assert prepared.record is not None
    workers = options["workers"] or _workers_for(prepared.record.latency)
    if workers > 1:
        arguments += ["-n", str(workers), "--maxprocesses", str(workers)]
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


def _update_known(path: Path, run: Run, record: dict[str, Any]) -> int:
    """Write the known failures as they are now; returns how many there are."""
    by_outcome: dict[str, list[dict[str, Any]]] = {}
    for requirement in record["requirements"]:
        by_outcome.setdefault(requirement["outcome"], []).append(requirement)
    broken = {
        requirement["id"]: f"found on {record['started'][:10]}: {requirement['failures'][0]['seen'][:160]}"
        for outcome in ("fail", "known")
        for requirement in by_outcome.get(outcome, [])
    }
    tested = {requirement["id"] for requirement in record["requirements"]}
    untested = [requirement["id"] for requirement in by_outcome.get("not tested", [])]
    untested += [key for key in run.known if key not in tested]
    entries = known_failures.updated(run.known, broken, untested)
    known_failures.write(path, entries)
    return len(entries)


def _workers_for(latency: float) -> int:
    """How many processes keep the cores busy while answers take `latency` seconds each."""
    cores = min(4, os.cpu_count() or 1)
    return max(cores, min(MAXIMUM_WORKERS, round(cores * latency / WORK_PER_REQUEST)))


class _Prepared:
    """Hands pytest the run that is prepared already, so that problems are told before it starts."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[RUN] = self._run


@main.command()
@click.argument("before", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("after", type=click.Path(path_type=Path, dir_okay=False))
def compare(before: Path, after: Path) -> None:
    """Say what changed between two runs, given their run.json.

    Exit codes: 0 when nothing broke, 1 when something did, 2 for a file that is no record of a run.
    """
    comparison = Comparison(records.read(before), records.read(after))
    Console(highlight=False).print(differences(comparison))
    sys.exit(EXIT_NOT_CONFORMANT if comparison.regressed else EXIT_CONFORMANT)


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT_REPORTS)
def report(folder: Path) -> None:
    """Write the pages of a run again, from the run.json in FOLDER, and build its Allure site.

    The site takes Node: Allure 3 is fetched from npm. Its history is kept in FOLDER from run to run.
    """
    from kuflow_conformance.report import allure, write_pages

    write_pages(records.read(folder / "run.json"), folder)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"report: {folder / 'report.html'}")
    console.print(f"Allure site: {allure.build_site(folder)}")


@main.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default="matrix.html", show_default=True)
def matrix(runs: tuple[Path, ...], output: Path) -> None:
    """Write a page that shows several runs side by side, given their run.json: requirement × implementation."""
    from kuflow_conformance.report import pages

    files.write_whole(output, pages.matrix([records.read(path) for path in runs]))
    click.echo(f"matrix: {output}")


@main.command("list")
@click.option("--markdown", is_flag=True, help="As a page, with sources, tests and the documentation's statements.")
def list_(markdown: bool) -> None:
    """List the requirements: id, level, profile and sentence."""
    if markdown:
        from kuflow_conformance.report import catalogue as page

        click.echo(page.markdown(), nl=False)
        return
    catalogue = requirements.load()
    for area in catalogue.areas:
        click.secho(area.name, bold=True)
        for requirement in area.requirements:
            click.echo(f"  {requirement.id}  {requirement.level:7}  {requirement.profile:9}  {requirement.sentence}")


@main.command()
def faults() -> None:
    """List the faults of the bundled server: id, the requirement it breaks and what it does."""
    from kuflow_conformance.reference.faults import BANK

    for fault in BANK:
        click.echo(f"{fault.id:32}  {fault.requirement}  {fault.summary}")


@main.command()
def variations() -> None:
    """List the variations of the bundled server: id, what differs and why it is legal."""
    from kuflow_conformance.reference.variations import BANK

    for variation in BANK:
        click.echo(f"{variation.id:24}  {variation.summary}: {variation.reason}")


def _switches(fault_ids: Iterable[str], variation_ids: Iterable[str]) -> list[Switch]:
    from kuflow_conformance.reference import faults, variations

    return [*(faults.BANK[key] for key in fault_ids), *(variations.BANK[key] for key in variation_ids)]


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option("--fault", multiple=True, metavar="ID", help="Switch a fault on; repeatable.")
@click.option("--variation", multiple=True, metavar="ID", help="Switch a variation on; repeatable.")
@click.option("--webhook", multiple=True, metavar="URL", help="Send events there; repeatable.")
@click.option(
    "--write-target", type=click.Path(path_type=Path, dir_okay=False), help="Write a target file for this server."
)
def serve(
    port: int, fault: tuple[str, ...], variation: tuple[str, ...], webhook: tuple[str, ...], write_target: Path | None
) -> None:
    """Serve the bundled reference server: a local KuFlow in memory.

    The tokens of its two applications are taken from KUFLOW_TOKEN and KUFLOW_SECOND_TOKEN, or made up and printed.
    """
    from kuflow_conformance.reference import serve as reference

    reference.serve(port, _switches(fault, variation), webhook, write_target)


@main.command()
@click.option("--fault", multiple=True, metavar="ID", help="Only these faults; repeatable. All, if nothing is chosen.")
@click.option("--variation", multiple=True, metavar="ID", help="Only these variations; repeatable.")
@click.option(
    "--sample", type=click.IntRange(1), metavar="N", help="N faults, other ones each day, and all variations."
)
@click.option("--seeds", type=click.IntRange(0), default=0, show_default=True, help="Seeds of the plain server to run.")
@click.option("--profile", type=click.Choice(PROFILES), help="Profile of every run; the smallest that fits by default.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=os.cpu_count() or 1, show_default=True, help="Runs at once."
)
@click.option("--baseline", is_flag=True, help="Let Schemathesis' own command line try the same faults.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_REPORTS / "qualification",
    show_default=True,
    help="Where results are kept; what is there already is not run again.",
)
@click.option(
    "--scorecard",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where the scorecard goes; qualification.md in the folder by default.",
)
def qualify(
    fault: tuple[str, ...],
    variation: tuple[str, ...],
    sample: int | None,
    seeds: int,
    profile: str | None,
    jobs: int,
    baseline: bool,
    folder: Path,
    scorecard: Path | None,
) -> None:
    """Run the suite against the faults it must catch and the variations it must allow, and keep score.

    Exit codes: 0 when each fault is reported under its requirement and nothing else is, 1 when not.
    """
    from datetime import date

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from kuflow_conformance.reference import faults, variations
    from kuflow_conformance.reference import qualify as qualification

    fault_ids, variation_ids = list(fault), list(variation)
    if not fault_ids and not variation_ids:
        fault_ids = [entry.id for entry in faults.BANK]
        variation_ids = [entry.id for entry in variations.BANK]
    if sample:
        fault_ids = qualification.rotated(fault_ids, sample, date.today().toordinal())
    chosen = qualification.subjects(fault_ids, variation_ids, seeds, profile)
    console = Console(highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        results = qualification.Qualification(folder, jobs, baseline=baseline).run(chosen, progress)
    card = qualification.Scorecard(results)
    page = scorecard or folder / "qualification.md"
    card.write(page.with_suffix(".json"), page)
    overall = card.rates(card.of("fault"))
    console.print(
        f"faults: {overall['detected']} of {overall['faults']} detected, {overall['named']} under their requirement, "
        f"{overall['first']} with it first"
    )
    console.print(f"legal servers: {len(card.false_alarms)} false alarms in {len(results) - overall['faults']} runs")
    for result in (*card.missed, *card.false_alarms):
        said = ", ".join(result.reported) or f"nothing (exit {result.exit_code})"
        console.print(f"  {result.kind} {result.id}: expected {result.requirement or 'nothing'}, reported {said}")
    console.print(f"scorecard: {page}", soft_wrap=True)
    sys.exit(0 if card.passed else 1)


if __name__ == "__main__":
    sys.exit(main())
