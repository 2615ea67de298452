"""The command that tests a target."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from kuflow_conformance.commands.options import reports_option, target_options
from kuflow_conformance.commands.reference import switches
from kuflow_conformance.description.requirements import PROFILES
from kuflow_conformance.findings import known as known_failures
from kuflow_conformance.run.dry import plan
from kuflow_conformance.run.runner import run_suites, run_twins
from kuflow_conformance.run.settings import DEFAULT_SEED, Settings

NOT_FOR_TWINS = ("known", "fail_fast", "last_failed", "har", "ndjson")
"""Settings of a run that make no sense for two servers side by side."""


@click.command()
@click.option(
    "--target",
    type=click.Path(path_type=Path),
    help="The target file (TOML). Without a target, the bundled server is tested.",
)
@target_options
@click.option("--set", "set", multiple=True, metavar="KEY=VALUE", help="Set any key of the target file. Repeatable.")
@click.option("--spec", metavar="FILE|URL", help="Test against another OpenAPI file.")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="core",
    show_default=True,
    help="How much to test; see `list profiles`.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="AREA|REQ|OPERATION",
    help="Test only these, or what a pattern such as 'ERR-*' or 'find*' matches. Repeatable.",
)
@click.option(
    "--skip",
    multiple=True,
    metavar="WHAT[=REASON]",
    help="Send nothing of this area, requirement or operation, or of what a pattern matches. Repeatable.",
)
@click.option(
    "--requirements",
    metavar="VERSION",
    help="Score only the requirements that this version of the suite had, such as 0.1; newer ones are shown.",
)
@click.option(
    "--require",
    multiple=True,
    metavar="95%|AREA|REQ",
    help="Exit code 3 unless this share, or this area or requirement, could be tested. Repeatable.",
)
@click.option(
    "--seed", type=int, default=DEFAULT_SEED, show_default=True, help="The same seed generates the same requests."
)
@click.option(
    "--known",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file of known failures. By default NAME.known.toml beside the target file NAME.toml.",
)
@click.option(
    "--update-known", is_flag=True, help="Write everything that is broken now into the file of known failures."
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The run.json of an earlier run. Exit code 1 only if something broke since, 3 if a MUST is not tested now.",
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first test that finds a MUST broken.")
@click.option("--last-failed", is_flag=True, help="Run only the tests that failed in the last run.")
@click.option(
    "--changed-spec", metavar="OLD", help="Test first what this earlier description (or `bundled`) says otherwise."
)
@click.option("--shard", metavar="I/N", help="Run only part I of N, such as 1/3; `merge` puts the parts together.")
@click.option(
    "--time-budget", metavar="TIME", help="End after this time, such as 90s or 5m, and say what was left out."
)
@click.option(
    "--write-to-production", is_flag=True, help="Write to the target although its file says `production = true`."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    help="Test with this many processes. By default one for each core, and more when the target is slow.",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The target file of a second server. Both get the same tests; the report shows how they differ.",
)
@click.option(
    "--har",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all requests and answers to this HAR file. Secrets are taken out.",
)
@click.option(
    "--ndjson",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write all requests and answers to this file, one JSON object a line. Secrets are taken out.",
)
@click.option("--dry-run", is_flag=True, help="Send nothing; say what would be tested, asked and created.")
@click.option("--record-only", is_flag=True, hidden=True, help="No Allure results, for many runs in a row.")
@click.option("--fault", multiple=True, metavar="ID", help="Switch this fault of the bundled server on. Repeatable.")
@click.option(
    "--variation", multiple=True, metavar="ID", help="Switch this variation of the bundled server on. Repeatable."
)
@reports_option
def run(
    workers: int | None,
    update_known: bool,
    baseline: Path | None,
    against: Path | None,
    dry_run: bool,
    fault: tuple[str, ...],
    variation: tuple[str, ...],
    **options: Any,
) -> None:
    """Test a server, print the verdict and write the reports.

    Exit codes: 0 conformant, 1 not conformant, 2 wrong usage, 3 no verdict, 130 interrupted.
    """
    settings = Settings.of(options)
    if update_known and not (settings.known or settings.target):
        raise click.UsageError("--update-known needs a file to write: --known FILE, or --target FILE to lie beside")
    if update_known and settings.known and not settings.known.exists():
        known_failures.write(settings.known, ())
    alone = {"workers": workers, "update_known": update_known, "baseline": baseline}
    if against and (clash := [name for name in (*alone, *NOT_FOR_TWINS) if {**options, **alone}[name]]):
        raise click.UsageError(f"--against cannot go with --{clash[0].replace('_', '-')}")
    with ExitStack() as stack:
        if settings.target is None and not settings.keys:
            settings = settings.model_copy(update={"target": _bundled(stack, settings.profile, fault, variation)})
        elif fault or variation:
            raise click.UsageError("--fault and --variation are for the bundled server, not for another target")
        if against:
            sys.exit(run_twins(settings, against))
        if dry_run:
            click.echo("\n".join(plan(settings).lines()))
            return
        sys.exit(run_suites(settings, workers=workers, update_known=update_known, baseline=baseline))


def _bundled(stack: ExitStack, profile: str, fault: tuple[str, ...], variation: tuple[str, ...]) -> Path:
    """Start the bundled server until `stack` is closed; returns the target file that describes it."""
    from kuflow_conformance.reference import serve

    switches(fault, variation)  # an id that there is none of is told before anything starts
    webhooks = [f"http://127.0.0.1:{serve.free_port()}/"] if profile == "full" else []
    target_file, environment = stack.enter_context(serve.running(fault, variation, webhooks))
    os.environ.update(environment)
    return target_file


COMMANDS = (run,)
