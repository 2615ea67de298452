"""The options that the plugin adds to pytest: those of `run`, for people who start the suites with pytest."""

from __future__ import annotations

from pathlib import Path

import pytest

from kuflow_conformance.description.requirements import PROFILES
from kuflow_conformance.run.settings import DEFAULT_REPORTS, DEFAULT_SEED
from kuflow_conformance.target.target_file import FLAGS, flag_name


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("kuflow", "KuFlow conformance")
    group.addoption("--target", type=Path, help="target file (TOML)")
    for flag, (key, text) in FLAGS.items():
        group.addoption(flag, dest=flag_name(flag), help=f"{text} ({key})")
    group.addoption("--set", action="append", default=[], metavar="KEY=VALUE", help="any key of the target file")
    group.addoption("--spec", help="another OpenAPI file, or its URL, to test against")
    group.addoption("--profile", choices=PROFILES, default="core", help="how much to test (default: core)")
    group.addoption(
        "--seed", type=int, default=DEFAULT_SEED, help=f"seed of generated requests (default: {DEFAULT_SEED})"
    )
    group.addoption("--only", action="append", default=[], metavar="AREA|REQ|OPERATION", help="only these")
    group.addoption("--requirements", metavar="VERSION", help="score only those of this version of the suite")
    group.addoption("--skip", action="append", default=[], metavar="WHAT[=REASON]", help="send nothing of these")
    group.addoption(
        "--require", action="append", default=[], metavar="95%|AREA|REQ", help="what has to be tested for a verdict"
    )
    group.addoption(
        "--fail-fast", action="store_true", help="stop at the first test that finds a MUST requirement broken"
    )
    group.addoption(  # pytest has a --last-failed of its own
        "--run-failed", dest="last_failed", action="store_true", help="only the tests that failed in the last run"
    )
    group.addoption(
        "--write-to-production", action="store_true", help="test with a writing profile though the target is production"
    )
    group.addoption("--known", type=Path, help="file of known failures (default: beside the target file)")
    group.addoption(
        "--reports", type=Path, default=DEFAULT_REPORTS, help=f"folder of the reports (default: {DEFAULT_REPORTS})"
    )
    group.addoption("--changed-spec", metavar="OLD", help="an earlier description: test first what has changed since")
    group.addoption("--shard", metavar="I/N", help="only the I-th of N parts")
    group.addoption("--time-budget", metavar="TIME", help="how long the run may take, such as 90s or 5m")
    group.addoption("--har", type=Path, metavar="FILE", help="write all exchanges as a HAR file, without secrets")
    group.addoption("--ndjson", type=Path, metavar="FILE", help="write all exchanges as lines of JSON, without secrets")
    group.addoption("--write-trace", action="store_true", help="write every exchange to trace.jsonl beside the reports")
