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
from kuflow_conformance.report.console import summary, traffic_notes
from kuflow_conformance.target import target_file as targets
from kuflow_conformance.traffic.traffic import Traffic

_spec_option = click.option("--spec", metavar="FILE|URL", help="Judge by another OpenAPI file.")


def _verdict(traffic: Traffic, reports: Path) -> int:
    """End the record, write the reports and show what there is to say; returns the exit code."""
    record = traffic.finish()
    write_reports(record, reports)
    console = Console(highlight=False)
    console.print(summary(record, reports))
    console.print(traffic_notes(record))
    return int(record["exit_code"])


@click.command()
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option("--url", help="The base URL of the API in the recording. By default, the version in the path tells.")
@_spec_option
@reports_option
def check(files: tuple[str, ...], url: str | None, spec: str | None, reports: Path) -> None:
    """Judge recorded traffic. Nothing is sent.

    A FILE is a HAR of a browser, a proxy or a client's tests (.har, .har.zip), or what `run --ndjson` wrote. A dash
    (-) is the standard input.

    Exit codes: 0 no answer breaks the API reference; 1 one does; 2 the file is no HAR; 3 nothing could be judged.
    """
    from kuflow_conformance.traffic.recorded import UNREADABLE_SHOWN, Recording

    description = openapi.load(spec)
    names = [Path(file).name if file != "-" else "standard input" for file in files]
    traffic = Traffic(", ".join(names), url or "", description, reports)
    recording = Recording(traffic, description, url.rstrip("/") if url else None)
    for file in files:
        recording.show(file)
    if not recording.bases:
        where = f"below {url}" if url else f"to a path with /v{openapi.VERSION}; say --url BASE-URL"
        count, first = len(recording.unreadable), next(iter(recording.unreadable), "")
        unread = f", and {count} cannot be read, first {first}" if count else ""
        raise InvalidTraffic(f"{', '.join(names)}: no request goes {where}{unread}")
    for unread in recording.unreadable[:UNREADABLE_SHOWN]:
        click.echo(f"unreadable: {unread}", err=True)
    traffic.url = ", ".join(recording.bases)
    for why, count in (("unreadable", len(recording.unreadable)), ("elsewhere", recording.elsewhere)):
        if count:
            traffic.passed_over[why] += count
    sys.exit(_verdict(traffic, reports))


@click.command()
@describes_target
@_spec_option
@click.option(
    "--listen",
    type=click.IntRange(0, 65535),
    default=8480,
    show_default=True,
    help="The port of the proxy. 0 takes a free one.",
)
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False), help="The certificate to listen with (PEM).")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False), help="The key of that certificate (PEM).")
@reports_option
def proxy(
    listen: int, tls_cert: str | None, tls_key: str | None, spec: str | None, reports: Path, **options: Any
) -> None:
    """Judge the traffic of a client as it passes.

    Requests are passed on to the target, and every answer is judged, until Ctrl-C. The page /__conformance shows what
    was seen so far.

    Point the client at the proxy instead of the target. It uses its own credentials; those of the target file are not
    used.

    Exit codes: as for check; 3 also when the target could not be reached.
    """
    from kuflow_conformance import serving as asgi
    from kuflow_conformance.report.pages import live
    from kuflow_conformance.traffic.proxy import STATUS_PATH, Proxy

    if bool(tls_cert) != bool(tls_key):
        raise click.UsageError("--tls-cert and --tls-key belong together")
    target = targets.load(options["target"], {**targets.keys_of(options), "auth.type": "none"})
    target = target.model_copy(update={"second_tenant": None})
    description = openapi.load(spec)
    traffic = Traffic(target.name, target.base_url, description, reports)
    path = target.base_url.partition("://")[2].partition("/")[2]
    scheme = "https" if tls_cert else "http"
    passing = Proxy(target, description, traffic, lambda: live(traffic.so_far()))

    def ready(port: int) -> None:
        here = f"{scheme}://127.0.0.1:{port}"
        click.echo(f"{here}/{path} → {target.base_url}; stop with Ctrl-C; so far: {here}{STATUS_PATH}")

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):  # the usual end
        asgi.serve(
            passing.asgi,
            listen,
            ready,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=2,
            ssl_certfile=tls_cert,
            ssl_keyfile=tls_key,
        )
    passing.close()
    sys.exit(_verdict(traffic, reports))


COMMANDS = (check, proxy)
