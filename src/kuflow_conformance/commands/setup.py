"""The commands that look at a target before it is tested: doctor and init."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from kuflow_conformance import files
from kuflow_conformance.commands.options import describes_target, open_session
from kuflow_conformance.description import requirements
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NO_VERDICT, InvalidTarget
from kuflow_conformance.report.console import finding_line
from kuflow_conformance.target.target_file import Target


@click.command()
@describes_target
@click.option(
    "--write",
    is_flag=True,
    help="Start a process with items on the target and cancel it, to see what the credentials may do.",
)
def doctor(write: bool, **options: Any) -> None:
    """Say whether a target is ready to be tested.

    It looks at the connection, TLS, the clock, the credentials, and what tests may use. It says what cannot be tested
    on the target, and which key of the target file would change that. It only reads, unless --write is given; a target
    that is named production it never writes to.

    Exit codes: 0 a run makes sense; 2 the target file is wrong; 3 a run makes no sense.
    """
    from kuflow_conformance.world import doctor as examination

    target, session = open_session(options, read_only=not write)
    _refuse_production(target, write)
    console = Console(highlight=False)
    problems = 0
    for finding in examination.examine(target, session, writing=write):
        console.print(finding_line(finding))
        problems += finding.mark == "problem"
    sys.exit(EXIT_NO_VERDICT if problems else EXIT_CONFORMANT)


@click.command()
@describes_target
@click.option(
    "--write",
    is_flag=True,
    help="Start a process with items on the target and cancel it, to see what the credentials may do.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="target.toml",
    show_default=True,
    help="The file to write. An existing file is left alone.",
)
def init(write: bool, output: Path, **options: Any) -> None:
    """Write a target file by asking the target what there is.

    It looks for process definitions, task codes, samples of data, principals and robots, and for operations that are
    not there. It only reads, unless --write is given: then it also tries what can be started, and writes how much a run
    has to test for a verdict. A target that is named production it never writes to.
    """
    from kuflow_conformance.world import doctor as examination
    from kuflow_conformance.world.bed import discover

    if output.exists():
        raise click.UsageError(f"{output} is there already; choose another file with --output")
    target, session = open_session(options, read_only=not write)
    _refuse_production(target, write)
    session.preflight()
    bed = discover(target, session, str(uuid.uuid4()), writing=write)
    missing = examination.missing_operations(session, writing=write)
    share = examination.floor(requirements.load(), bed, writing=write)
    files.write_whole(output, examination.target_file(target, bed, share=share, missing_operations=missing))
    click.echo(f"target file: {output}")
    if not write:
        click.echo("nothing was written to the target: say --write to try what can be started there")


def _refuse_production(target: Target, write: bool) -> None:
    """Raise InvalidTarget rather than write to a target that is named production."""
    if write and target.target.production:
        raise InvalidTarget(f"{target.name} is named production: leave out --write")


COMMANDS = (doctor, init)
