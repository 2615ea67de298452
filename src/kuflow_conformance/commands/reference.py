"""The commands of the bundled server: what can be switched on in it, serving it, and how good the suite is on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from kuflow_conformance.description.requirements import PROFILES
from kuflow_conformance.run.settings import DEFAULT_REPORTS

if TYPE_CHECKING:
    from kuflow_conformance.reference.bank import Switch


DAYS_FOR_VARIATIONS = 3
"""Days in which samples run all variations."""

VARIATIONS_TOGETHER = 5
"""Variations that are switched on in one server when only a sample is run."""


@click.command()
def faults() -> None:
    """List the bugs of the bundled server, for --fault.

    A line has the id, the requirement that the bug breaks, and what it does.
    """
    from kuflow_conformance.reference.faults import BANK

    for fault in BANK:
        click.echo(f"{fault.id:32}  {fault.requirement}  {fault.summary}")


@click.command()
def variations() -> None:
    """List the legal peculiarities, for --variation.

    A line has the id, what differs, and why it is legal.
    """
    from kuflow_conformance.reference.variations import BANK

    for variation in BANK:
        click.echo(f"{variation.id:24}  {variation.summary}: {variation.reason}")


def switches(fault_ids: Iterable[str], variation_ids: Iterable[str]) -> list[Switch]:
    """The faults and variations with these ids. Raises ConformanceError when there is none of an id."""
    from kuflow_conformance.reference import faults, variations

    return [*(faults.BANK[key] for key in fault_ids), *(variations.BANK[key] for key in variation_ids)]


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="The port on 127.0.0.1. 0 takes a free one.",
)
@click.option("--fault", multiple=True, metavar="ID", help="Switch this fault on. Repeatable.")
@click.option("--variation", multiple=True, metavar="ID", help="Switch this variation on. Repeatable.")
@click.option("--webhook", multiple=True, metavar="URL", help="Send events to this URL. Repeatable.")
@click.option(
    "--write-target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a target file that describes this server.",
)
def serve(
    port: int, fault: tuple[str, ...], variation: tuple[str, ...], webhook: tuple[str, ...], write_target: Path | None
) -> None:
    """Start the bundled server, a KuFlow in memory.

    It has two tenants with an application each. KUFLOW_TOKEN and KUFLOW_SECOND_TOKEN set their tokens. Without them,
    the server makes tokens up and prints them.
    """
    from kuflow_conformance.reference import serve as reference

    reference.serve(port, switches(fault, variation), webhook, write_target)


@click.command()
@click.option("--fault", multiple=True, metavar="ID", help="Run only this fault. Repeatable.")
@click.option("--variation", multiple=True, metavar="ID", help="Run only this variation. Repeatable.")
@click.option(
    "--sample",
    type=click.IntRange(1),
    metavar="N",
    help="Run N faults and a third of the variations, others each day; several variations in one server.",
)
@click.option(
    "--seeds",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Run the server without faults with this many seeds.",
)
@click.option(
    "--profile", type=click.Choice(PROFILES), help="Use this profile for every run. By default, the smallest that fits."
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=os.cpu_count() or 1,
    show_default=True,
    help="Carry out this many runs at once.",
)
@click.option(
    "--mutants",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Run N mutants of the bundled server as well: its source with one small change each.",
)
@click.option("--mutant-seed", type=int, default=1, show_default=True, help="Draw the mutants by this seed.")
@click.option("--baseline", is_flag=True, help="Let Schemathesis' command line try the same faults.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_REPORTS / "qualification",
    show_default=True,
    help="Keep results in this folder. What is there already is not run again.",
)
@click.option(
    "--scorecard",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the page there instead of into the folder. The full record stays in the folder.",
)
def qualify(
    fault: tuple[str, ...],
    variation: tuple[str, ...],
    sample: int | None,
    seeds: int,
    profile: str | None,
    jobs: int,
    mutants: int,
    mutant_seed: int,
    baseline: bool,
    folder: Path,
    scorecard: Path | None,
) -> None:
    """Measure how good the suite is.

    Does it find every fault, and accept every variation? Without --fault, --variation and --mutants, all are run.

    Exit codes: 0 every fault is reported under its requirement, and nothing else is; 1 otherwise.
    """
    from datetime import date

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from kuflow_conformance.reference import faults, variations
    from kuflow_conformance.reference import qualify as qualification

    fault_ids, variation_ids = list(fault), list(variation)
    if not (fault_ids or variation_ids or mutants):
        fault_ids = [entry.id for entry in faults.BANK]
        variation_ids = [entry.id for entry in variations.BANK]
    if sample:
        today = date.today().toordinal()
        fault_ids = qualification.rotated(fault_ids, sample, today)
        variation_ids = qualification.rotated(variation_ids, -(-len(variation_ids) // DAYS_FOR_VARIATIONS), today)
    together = VARIATIONS_TOGETHER if sample else 1
    chosen = qualification.subjects(fault_ids, variation_ids, seeds, profile, together)
    chosen += qualification.mutant_subjects(mutants, mutant_seed, profile)
    console = Console(highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        results = qualification.Qualification(folder, jobs, baseline=baseline).run(chosen, progress)
    card = qualification.Scorecard(results)
    page = scorecard or folder / "qualification.md"
    card.write(folder / "qualification.json", page)
    overall = card.rates(card.of("fault"))
    console.print(
        f"faults: {overall['detected']} of {overall['faults']} detected, {overall['named']} under their requirement, "
        f"{overall['first']} with it first"
    )
    legal = len(card.of("variation")) + len(card.of("plain"))
    console.print(f"legal servers: {len(card.false_alarms)} false alarms in {legal} runs")
    if mutants:
        alive = len(card.survivors)
        console.print(f"mutants: {mutants - alive} of {mutants} reported, {alive} survive")
        for change, reason in card.survivors:
            console.print(f"  {change}: {reason}", soft_wrap=True)
    for result in (*card.missed, *card.false_alarms):
        said = ", ".join(result.reported) or f"nothing (exit {result.exit_code})"
        console.print(
            f"  {result.kind} {result.id}: expected {', '.join(result.requirements) or 'nothing'}, reported {said}"
        )
    console.print(f"scorecard: {page}", soft_wrap=True)
    sys.exit(0 if card.passed else 1)


COMMANDS = (faults, variations, serve, qualify)
