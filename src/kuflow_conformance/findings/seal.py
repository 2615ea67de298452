"""Whether a record is as the suite wrote it, and which suite that was.

It shows accidents and careless edits. It is no signature: who wants to deceive can seal a record again.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any

from kuflow_conformance import __version__, files

Record = dict[str, Any]


def seal(record: Record) -> Record:
    """The record with the digest of all else that it says."""
    return {**record, "digest": digest(record)}


def digest(record: Record) -> str:
    """SHA-256 of a record without its own digest, as JSON with sorted names and no white space."""
    rest = {name: value for name, value in record.items() if name != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


@functools.cache
def suite_digest() -> str:
    """SHA-256 of what decides verdicts in this installation: description, requirements and tests."""
    found = hashlib.sha256()
    paths = [
        files.data("spec/openapi.yaml"),
        files.data("spec/errata.overlay.yaml"),
        files.data("spec/requirements.yaml"),
    ]
    for path in [*paths, *sorted(files.data("suites").rglob("*.py"))]:
        found.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return found.hexdigest()


def doubts(record: Record) -> list[str]:
    """Why a record had better not be relied on; empty when it is whole, unedited and of the suite at hand."""
    found = []
    if record.get("digest") != digest(record):
        found.append("it was edited, or written by a suite that did not seal records: the digest is another")
    if not record["complete"]:
        found.append(f"it is not whole: {record['reason'] or 'the run did not come to its end'}")
    if record["suite"] != __version__:
        found.append(f"it is of suite {record['suite']}, and this is {__version__}: verify it with that one")
    elif record.get("suite_digest") != suite_digest():
        found.append("description, requirements or tests are not those of this suite, whose version it names")
    return found
