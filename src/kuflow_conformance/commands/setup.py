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
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NO_VERDICT
from kuflow_conformance.report.console import finding_line


@click.command()
@describes_target
@click.option(
    "--read-only", is_flag=True, help="Change nothing on the target. Otherwise a process is started and cancelled."
)
def doctor(read_only: bool, **options: Any) -> None:
    """Say whether a target is ready to be tested.

    It looks at the connection, TLS, the clock, the credentials, and what tests may use. It says what cannot be tested
    on the target, and which key of the target file would change that.

    Exit codes: 0 a run makes sense; 2 the target file is wrong; 3 a run makes no sense.
    """
    from kuflow_conformance.world import doctor as examination

    target, session = open_session(options, read_only=read_only)
    console = Console(highlight=False)
    problems = 0
    for finding in examination.examine(target, session, writing=not read_only):
        console.print(finding_line(finding))
        problems += finding.mark == "problem"
    sys.exit(EXIT_NO_VERDICT if problems else EXIT_CONFORMANT)


@click.command()
@describes_target
@click.option(
    "--read-only", is_flag=True, help="Change nothing on the target. Otherwise a process is started and cancelled."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="target.toml",
    show_default=True,
    help="The file to write. An existing file is left alone.",
)
def init(read_only: bool, output: Path, **options: Any) -> None:
    """Write a target file by asking the target what there is.

    It looks for process definitions, task codes, samples of data, principals and robots.
    """
    from kuflow_conformance.world import doctor as examination
    from kuflow_conformance.world.bed import discover

    if output.exists():
        raise click.UsageError(f"{output} is there already; choose another file with --output")
    target, session = open_session(options, read_only=read_only)
    session.preflight()
    bed = discover(target, session, str(uuid.uuid4()), writing=not read_only)
    files.write_whole(output, examination.target_file(target, bed))
    click.echo(f"target file: {output}")


COMMANDS = (doctor, init)
