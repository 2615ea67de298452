"""Servers and runs for the tests of the suite itself, always over real HTTP on 127.0.0.1."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kuflow_conformance.description import openapi
from kuflow_conformance.reference import serve


@dataclass
class Running:
    """A reference server in a process of its own."""

    target_file: Path
    environment: dict[str, str]

    @property
    def url(self) -> str:
        lines = self.target_file.read_text().splitlines()
        return next(line.split('"')[1] for line in lines if line.startswith("base-url"))

    @property
    def user(self) -> str:
        lines = self.target_file.read_text().splitlines()
        return next(line.split('"')[1] for line in lines if line.startswith("user ="))

    @property
    def password(self) -> str:
        return self.environment["KUFLOW_TOKEN"]


@dataclass
class Outcome:
    """What a run of the command line left."""

    code: int
    output: str
    error: str
    reports: Path

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.reports / "run.json").read_text())
        return record


def command(*arguments: str, environment: dict[str, str] | None = None, reports: Path | None = None) -> Outcome:
    """Run `kuflow-conformance` as a user does."""
    words = [sys.executable, "-m", "kuflow_conformance", *arguments]
    if reports is not None:
        words += ["--reports", str(reports)]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, **(environment or {})}, timeout=300, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr, reports or Path())


@contextlib.contextmanager
def miniature(name: str, folder: Path) -> Iterator[Running]:
    """A small wrong server, in a process of its own."""
    path = folder / "target.toml"
    tokens = {"KUFLOW_TOKEN": secrets.token_hex(8), "KUFLOW_SECOND_TOKEN": secrets.token_hex(8)}
    words = [sys.executable, str(Path(__file__).with_name("miniatures.py")), name, "--write-target", str(path)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env={**os.environ, **tokens})
    try:
        deadline = time.monotonic() + 60
        while not path.is_file():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        yield Running(path, tokens)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """One honest reference server for all tests that only need one."""
    with serve.running() as (target_file, environment):
        yield Running(target_file, environment)


@pytest.fixture(scope="session")
def description() -> openapi.Description:
    return openapi.load()


@pytest.fixture(scope="session", autouse=True)
def _interruptible() -> None:
    """A shell's background job ignores Ctrl-C, and so would every process that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
