"""The command line: thin, each command hands over to the module that does the work."""

from __future__ import annotations

import os
import sys
import uuid
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from kuflow_conformance import __version__, files
from kuflow_conformance.commands import reference as commands
from kuflow_conformance.commands import traffic as traffic_commands
from kuflow_conformance.commands.options import describes_target, open_session, reports_option, target_options
from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.description.requirements import PROFILE_SUMMARIES, PROFILES
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NO_VERDICT, EXIT_NOT_CONFORMANT, ConformanceError
from kuflow_conformance.findings import known as known_failures
from kuflow_conformance.findings import record as records
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.report.console import (
    differences,
    explanation,
    finding_line,
    judged_changes,
    repeated_line,
    summary,
    verdict_then_and_now,
)
from kuflow_conformance.run.run import DEFAULT_REPORTS, DEFAULT_SEED, overrides
from kuflow_conformance.run.runner import run_suites, run_twins

NOT_FOR_TWINS = ("workers", "known", "update_known", "baseline", "fail_fast", "last_failed")
"""Options of a run that make no sense for two servers side by side."""

MAXIMUM_PARTS = 16
"""Processes at work, of a run whose record says nothing of them, whose ids are looked for."""


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
@target_options
@click.option("--set", "set", multiple=True, metavar="KEY=VALUE", help="Any key of the target file.")
@click.option("--spec", metavar="FILE|URL", help="Another OpenAPI file, or its URL, to test against.")
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
@click.option("--fail-fast", is_flag=True, help="Stop at the first test that finds a MUST requirement broken.")
@click.option("--last-failed", is_flag=True, help="Only the tests that failed in the last run, by its run.json.")
@click.option(
    "--changed-spec", metavar="OLD", help="An earlier description, or bundled: test first what changed since."
)
@click.option("--shard", metavar="I/N", help="Only the I-th of N parts, for N machines; see merge.")
@click.option("--time-budget", metavar="TIME", help="How long the run may take, such as 90s or 5m; says what it cuts.")
@click.option(
    "--write-to-production", is_flag=True, help="Test with a writing profile though the target is named production."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Processes that test at once; by default one for each core, and more when the target is slow to answer.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Target file of a second server: test both alike and say how they differ.",
)
@click.option("--record-only", is_flag=True, hidden=True, help="Neither JUnit nor Allure, for many runs in a row.")
@click.option("--fault", multiple=True, metavar="ID", help="Switch a fault of the bundled server on; repeatable.")
@click.option(
    "--variation", multiple=True, metavar="ID", help="Switch a variation of the bundled server on; repeatable."
)
@reports_option
def run(**options: Any) -> None:
    """Test a target and leave a verdict with reports.

    Exit codes: 0 conformant, 1 not conformant, 2 wrong usage, 3 no verdict, 130 interrupted.
    """
    given = overrides(options)
    if options["update_known"] and not (options["known"] or options["target"]):
        raise click.UsageError("--update-known needs a file to write: --known FILE, or --target FILE to lie beside")
    if options["update_known"] and options["known"] and not options["known"].exists():
        known_failures.write(options["known"], {})
    if options["against"] and (clash := [name for name in NOT_FOR_TWINS if options[name]]):
        raise click.UsageError(f"--against cannot go with --{clash[0].replace('_', '-')}")
    with ExitStack() as stack:
        if options["target"] is None and not given:
            from kuflow_conformance.reference import serve

            commands.switches(options["fault"], options["variation"])
            webhooks = [f"http://127.0.0.1:{serve.free_port()}/"] if options["profile"] == "full" else []
            server = serve.running(options["fault"], options["variation"], webhooks)
            target_file, environment = stack.enter_context(server)
            os.environ.update(environment)
            options["target"] = target_file
        elif options["fault"] or options["variation"]:
            raise click.UsageError("--fault and --variation are for the bundled server, not for another target")
        sys.exit(run_twins(options) if options["against"] else run_suites(options))


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
@click.argument("parts", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@reports_option
def merge(parts: tuple[Path, ...], reports: Path) -> None:
    """Make the reports of a whole run from the run.json of its parts (--shard).

    Exit codes: those of run.
    """
    from kuflow_conformance.findings.merge import merge as merged
    from kuflow_conformance.report import write_reports

    record = merged([records.read(path) for path in parts])
    write_reports(record, reports)
    Console(highlight=False).print(summary(record, reports))
    sys.exit(record["exit_code"])


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


@main.command()
@describes_target
@click.option("--read-only", is_flag=True, help="Change nothing on the target: do not try to start a process.")
def doctor(read_only: bool, **options: Any) -> None:
    """Look at a target file without testing: reachability, TLS, clock, credentials, test bed.

    Exit codes: 0 when a run makes sense, 3 when it does not, 2 for a target file that is wrong.
    """
    from kuflow_conformance.world import doctor as examination

    target, session = open_session(options, read_only=read_only)
    console = Console(highlight=False)
    problems = 0
    for finding in examination.examine(target, session, writing=not read_only):
        console.print(finding_line(finding))
        problems += finding.mark == "problem"
    sys.exit(EXIT_NO_VERDICT if problems else EXIT_CONFORMANT)


@main.command()
@describes_target
@click.option("--read-only", is_flag=True, help="Change nothing on the target: do not try to start a process.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="target.toml",
    show_default=True,
    help="The file to write; one that is there already is not touched.",
)
def init(read_only: bool, output: Path, **options: Any) -> None:
    """Write a target file by asking the target: definitions, task codes, samples of data, principals, robots."""
    from kuflow_conformance.world import doctor as examination
    from kuflow_conformance.world.bed import discover

    if output.exists():
        raise click.UsageError(f"{output} is there already; choose another file with --output")
    target, session = open_session(options, read_only=read_only)
    session.preflight()
    bed = discover(target, session, str(uuid.uuid4()), writing=not read_only)
    files.write_whole(output, examination.target_file(target, bed))
    click.echo(f"target file: {output}")


@main.command()
@click.argument("failure")
@click.option(
    "--run",
    "record",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_REPORTS / "run.json",
    show_default=True,
    help="The record that has the failure.",
)
@describes_target
def replay(failure: str, record: Path, **options: Any) -> None:
    """Send the requests of a recorded FAILURE (such as PAG-003.1) again, on new resources.

    It shows what each was answered with then and now. The processes it creates are cancelled afterwards.
    """
    from kuflow_conformance.findings import replay as repetition

    document = records.read(record)
    failed = repetition.failure(document, failure)
    _, session = open_session(options)
    session.preflight()
    console = Console(highlight=False)
    for repeated in repetition.replay(document, failed, session):
        console.print(repeated_line(repeated))
    console.print(verdict_then_and_now(failed, repeated.now.describe()))


@main.command()
@click.argument("record", type=click.Path(path_type=Path, dir_okay=False))
@describes_target
def cleanup(record: Path, **options: Any) -> None:
    """End the processes that a run, given its run.json, left on the target.

    Exit codes: 0 when all are ended, 1 when some could not be.
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


@main.group()
def spec() -> None:
    """Work on descriptions of the API."""


@spec.command("diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--accept",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Changes that are put up with (TOML): [[accepted]] with change and reason.",
)
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write the judgement as well, as .md or .html."
)
def spec_diff(old: str, new: str, accept: Path | None, output: Path | None) -> None:
    """Say whether the description NEW breaks clients of OLD; files, URLs, or the word bundled.

    Exit codes: 0 when it does not, or has another version in its path; 1 when it does; 2 for what is no description.
    """
    from kuflow_conformance.description import compatibility as specdiff
    from kuflow_conformance.report import pages

    if output and output.suffix not in (".md", ".html"):
        raise click.UsageError("--output: the name of the file has to end in .md or .html")
    accepted = specdiff.load_accepted(accept) if accept else {}
    judgement = specdiff.judge(openapi.document(old), openapi.document(new), accepted)
    Console(highlight=False).print(judged_changes(judgement))
    if output:
        files.write_whole(output, pages.specdiff(judgement, old, new, output.suffix.removeprefix(".")))
    sys.exit(EXIT_NOT_CONFORMANT if judgement.breaks_clients else EXIT_CONFORMANT)


def _complete_requirement(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [key for key in requirements.load().requirements if key.startswith(incomplete.upper())]


@main.command()
@click.argument("requirement", shell_complete=_complete_requirement)
@click.option(
    "--run",
    "record",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_REPORTS / "run.json",
    help="The record of a run, for a sample exchange.",
)
def explain(requirement: str, record: Path) -> None:
    """Say what a requirement is, where the documentation says so, and which tests look at it."""
    from kuflow_conformance.report import catalogue as page

    known = requirements.load()
    key = requirement.upper()
    if key not in known:
        raise click.UsageError(f"there is no requirement {requirement!r}; `kuflow-conformance list` shows them")
    seen = records.read(record)["requirements"] if record.is_file() else []
    sample = next((r for r in seen if r["id"] == key), None)
    tests, says = page.tests_by_requirement(known)[key], page.statements_of(key)
    Console(highlight=False).print(explanation(known[key], known.area_of[key], tests, says, sample))


@main.command("list")
@click.argument("what", type=click.Choice(("requirements", "operations", "profiles")), default="requirements")
@click.option("--markdown", is_flag=True, help="As a page, with sources, tests and the documentation's statements.")
def list_(what: str, markdown: bool) -> None:
    """List the requirements (id, level, profile and sentence), the operations or the profiles."""
    if what == "operations":
        for operation in openapi.load().operations.values():
            click.echo(f"{operation.id:46}  {operation.method:6}  {operation.path}")
        return
    if what == "profiles":
        known = requirements.load()
        for profile in PROFILES:
            click.echo(f"{profile:10}  {len(known.in_profile(profile)):3} requirements  {PROFILE_SUMMARIES[profile]}")
        return
    if markdown:
        from kuflow_conformance.report import catalogue as page

        click.echo(page.markdown(), nl=False)
        return
    catalogue = requirements.load()
    for area in catalogue.areas:
        click.secho(area.name, bold=True)
        for requirement in area.requirements:
            click.echo(f"  {requirement.id}  {requirement.level:7}  {requirement.profile:9}  {requirement.sentence}")


for command in (*commands.COMMANDS, *traffic_commands.COMMANDS):
    main.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
