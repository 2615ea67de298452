"""The options by which commands learn of a target."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kuflow_conformance.description import openapi
from kuflow_conformance.run.settings import DEFAULT_REPORTS
from kuflow_conformance.target import target_file as targets
from kuflow_conformance.target.session import Session
from kuflow_conformance.target.target_file import FLAGS, Target, flag_name


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A flag for each usual key of the target file."""
    for flag, (key, text) in reversed(list(FLAGS.items())):
        command = click.option(flag, flag_name(flag), metavar="VALUE", help=f"{text} ({key})")(command)
    return command


def describes_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which a command learns of a target, without the bundled server to fall back on."""
    command = click.option(
        "--set", "set", multiple=True, metavar="KEY=VALUE", help="Set any key of the target file. Repeatable."
    )(command)
    command = target_options(command)
    return click.option("--target", type=click.Path(path_type=Path), help="The target file (TOML).")(command)


def open_session(options: dict[str, Any], *, read_only: bool = False) -> tuple[Target, Session]:
    """A session with the target that options describe."""
    target = targets.load(options["target"], targets.keys_of(options))
    return target, Session(target, openapi.load(), read_only=read_only)


def reports_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the reports go."""
    return click.option(
        "--reports",
        type=click.Path(path_type=Path, file_okay=False),
        default=DEFAULT_REPORTS,
        show_default=True,
        help="Write the reports into this folder.",
    )(command)
