"""The commands that judge other people's traffic: recorded, or as it passes."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from kuflow_conformance.commands.options import describes_target, reports_option
from kuflow_conformance.description import openapi
from kuflow_conformance.errors import InvalidTraffic
from kuflow_conformance.report import write_reports
from kuflow_conformance.report.console import summary
from kuflow_conformance.target import target_file as targets
from kuflow_conformance.traffic.traffic import Traffic, base_url_of, exchanges, read_har

_spec_option = click.option("--spec", metavar="FILE|URL", help="Another OpenAPI file, or its URL, to judge by.")


def _verdict(traffic: Traffic, reports: Path) -> int:
    """End the record, write the reports and show what there is to say; returns the exit code."""
    traffic.record.finish(interrupted=False)
    record = traffic.record.as_dict()
    write_reports(record, reports)
    console = Console(highlight=False)
    console.print(summary(record, reports))
    if traffic.passed_over:
        console.print(f"not judged: {traffic.passed_over} (redirects, conditional requests, bodies not recorded)")
    return int(record["exit_code"])


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--url", help="Base URL of the API in the recording; found by the version in its path when left out.")
@_spec_option
@reports_option
def check(file: Path, url: str | None, spec: str | None, reports: Path) -> None:
    """Judge recorded traffic, a HAR FILE of a browser, a proxy or a client's tests; nothing is sent.

    Exit codes: 0 when no answer breaks the documentation, 1 when one does, 2 for a file that is no HAR, 3 when
    nothing in it could be judged.
    """
    entries = read_har(file)
    base_url = (url or base_url_of(entries) or "").rstrip("/")
    if not base_url:
        raise InvalidTraffic(f"{file}: no request goes to a path with /v{openapi.VERSION}; say --url BASE-URL")
    description = openapi.load(spec)
    traffic = Traffic(file.name, base_url, description, reports)
    for seen in exchanges(entries, base_url, description):
        traffic.see(seen)
    sys.exit(_verdict(traffic, reports))


@click.command()
@describes_target
@_spec_option
@click.option("--listen", type=click.IntRange(0, 65535), default=8480, show_default=True, help="Port; 0 takes any.")
@reports_option
def proxy(listen: int, spec: str | None, reports: Path, **options: Any) -> None:
    """Pass the requests of a client on to a target, and judge every answer, until stopped with Ctrl-C.

    The client is pointed at the proxy instead of the target and brings its own credentials; those of the target file
    are not used.

    Exit codes: as of check.
    """
    from kuflow_conformance import serving as asgi
    from kuflow_conformance.traffic.proxy import Proxy

    target = targets.load(options["target"], {**targets.keys_of(options), "auth.type": "none"})
    target = target.model_copy(update={"second_tenant": None})
    description = openapi.load(spec)
    traffic = Traffic(target.name, target.base_url, description, reports)
    path = target.base_url.partition("://")[2].partition("/")[2]

    def ready(port: int) -> None:
        click.echo(f"http://127.0.0.1:{port}/{path} → {target.base_url}; stop with Ctrl-C")

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):  # the usual end
        asgi.serve(Proxy(target, description, traffic).asgi, listen, ready)
    sys.exit(_verdict(traffic, reports))


COMMANDS = (check, proxy)
