"""How fast is it? Ratios against peers, in one run on one server: ``python benchmarks/speed.py [PART…]``.

Parts: requests, latency, startup, rows, faults; all of them when none is named, which takes more than an hour. Figures
of one run can be compared with each other; those of different machines, or different times, cannot.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import resource
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from rich.progress import Progress

from kuflow_conformance.description import openapi
from kuflow_conformance.reference import faults, peer, qualify
from kuflow_conformance.run.settings import DEFAULT_REPORTS
from kuflow_conformance.target import target_file as target
from kuflow_conformance.target.session import Session

LOOP = 2000
"""Requests of the bare loops."""

LATENCIES = (
    (0, "core", "1"),
    (0, "core", "default"),
    (0, "full", "default"),
    (50, "core", "default"),
    (50, "full", "default"),
    (150, "core", "default"),
    (150, "core", "16"),
)
"""Milliseconds, profile and workers of the runs whose time to the verdict is measured."""

EXAMPLES = 60
"""Examples per operation of Schemathesis' command line."""

os.environ |= {name: secrets.token_urlsafe(24) for name in ("KUFLOW_TOKEN", "KUFLOW_SECOND_TOKEN")}


@contextlib.contextmanager
def serving(**options: float) -> Iterator[Path]:
    """A target file of a server with this latency (ms) and that many rows more."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "target.toml"
        words = [sys.executable, str(Path(__file__).with_name("server.py")), str(path)]
        words += [f"--{name}={value:g}" for name, value in options.items()]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield path
        finally:
            process.terminate()
            process.wait()


def suite(path: Path, *options: str) -> dict[str, Any]:
    """The record of a run, with its seconds from start to end and its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "kuflow_conformance", "run", "--target", str(path), "--reports", folder]
        started = time.monotonic()
        subprocess.run([*words, *options], stdout=subprocess.DEVNULL, check=True)
        record: dict[str, Any] = json.loads((Path(folder) / "run.json").read_text())
        record["wall"] = time.monotonic() - started
        return record


def per_second(send: Callable[[], object]) -> float:
    started = time.monotonic()
    for _ in range(LOOP):
        send()
    return LOOP / (time.monotonic() - started)


def schemathesis(path: Path, workers: int) -> float:
    """Requests per second of Schemathesis' command line with all its checks."""
    started = time.monotonic()
    options = ("--max-examples", str(EXAMPLES), "--seed", "1", "--workers", str(workers), "--continue-on-failure")
    _, requests_sent = peer.run(path, {}, *options, "--phases", "examples,coverage,fuzzing")
    return requests_sent / (time.monotonic() - started)


def measure_requests() -> None:
    with serving() as path:
        settings = target.load(path, {})
        session = Session(settings, openapi.load())
        url, headers = f"{settings.base_url}/principals?size=5", {"Authorization": str(session.main.header)}
        plain, pool = requests.Session(), urllib3.PoolManager()
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port)

        def exchange() -> None:
            connection.request("GET", f"{parts.path}?{parts.query}", headers=headers)
            connection.getresponse().read()

        rates = {
            "http.client, bare loop": per_second(exchange),
            "urllib3, bare loop": per_second(lambda: pool.request("GET", url, headers=headers)),
            "requests, bare loop": per_second(lambda: plain.get(url, headers=headers)),
        }
        suite(path, "--only", "REQ", "--workers", "1")  # generates the cases that are kept
        for workers in (1, 2):
            record = suite(path, "--only", "REQ", "--workers", str(workers))
            rates[f"this suite, generated requests, {workers} workers"] = record["traffic"]["requests"] / record["wall"]
            record = suite(path, "--workers", str(workers))
            rates[f"this suite, core, {workers} workers"] = record["traffic"]["requests"] / record["wall"]
            rates[f"Schemathesis, {workers} workers"] = schemathesis(path, workers)
    base = rates["Schemathesis, 1 workers"]
    print("\n| | requests per second | to Schemathesis, 1 worker |\n| --- | --- | --- |")
    for name, rate in rates.items():
        print(f"| {name} | {rate:.0f} | {rate / base:.1f} |")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nLargest process: {peak:.0f} MB")


def measure_latency() -> None:
    print("\n| latency ms | profile | workers | seconds to the verdict |\n| --- | --- | --- | --- |")
    for latency, profile, workers in LATENCIES:
        with serving(latency=latency) as path:
            chosen = [] if workers == "default" else ["--workers", workers]
            record = suite(path, "--profile", profile, *chosen)
            print(f"| {latency} | {profile} | {workers} | {record['wall']:.1f} |", flush=True)


def measure_startup() -> None:
    print("\n| | seconds |\n| --- | --- |")
    with serving() as path:
        for name, words in {
            "--help": ["--help"],
            "list": ["list"],
            "run, one requirement": [
                "run",
                "--target",
                str(path),
                "--only",
                "VER",
                "--workers",
                "1",
                "--reports",
                str(path.parent),
            ],
        }.items():
            started = time.monotonic()
            for _ in range(3):
                subprocess.run(
                    [sys.executable, "-m", "kuflow_conformance", *words], stdout=subprocess.DEVNULL, check=True
                )
            print(f"| {name} | {(time.monotonic() - started) / 3:.2f} |")


def measure_rows() -> None:
    print("\n| processes on the target | seconds to the verdict, core |\n| --- | --- |")
    for rows in (100, 10_000, 100_000):
        with serving(rows=rows) as path:
            print(f"| {rows} | {suite(path)['wall']:.1f} |", flush=True)


def measure_faults() -> None:
    """Each fault of the bank by itself, as `qualify --baseline` does it: the better part of an hour."""
    results = qualify.Qualification(DEFAULT_REPORTS / "qualification", os.cpu_count() or 1, baseline=True).run(
        qualify.subjects([fault.id for fault in faults.BANK], [], 0), Progress(disable=True)
    )
    rates = qualify.Scorecard(results).rates(results)
    print("\n| up to the report | faults | per 1,000 requests | per minute |\n| --- | --- | --- | --- |")
    for name, found, sent, seconds in (
        ("this suite", rates["named"], rates["requests"], rates["seconds"]),
        ("Schemathesis", rates["baseline"], rates["baseline_requests"], rates["baseline_seconds"]),
    ):
        print(f"| {name} | {found} of {len(results)} | {1000 * found / sent:.3f} | {60 * found / seconds:.2f} |")


def main() -> None:
    parts = {
        match.group(1): function
        for name, function in globals().items()
        if (match := re.fullmatch("measure_(.*)", name))
    }
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == "__main__":
    main()
