"""Exchanges as `run --ndjson` writes them: one JSON object on each line, alike an entry of a HAR file."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from kuflow_conformance.errors import InvalidTraffic
from kuflow_conformance.target.exchange import NOT_JSON, parse_json
from kuflow_conformance.traffic.har import STDIN, Entry, UnreadableEntry, entry_of


def entries(source: str) -> Iterator[Entry | UnreadableEntry]:
    """The entries of a file, or of the standard input (``-``). Raises InvalidTraffic when it cannot be read."""
    try:
        if source == STDIN:
            yield from _entries(sys.stdin.buffer)
            return
        with Path(source).open("rb") as lines:
            yield from _entries(lines)
    except OSError as error:
        raise InvalidTraffic(f"{source}: cannot be read: {error.strerror}") from error


def _entries(lines: Iterable[bytes]) -> Iterator[Entry | UnreadableEntry]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        content = parse_json(line)
        try:
            if content is NOT_JSON:
                raise UnreadableEntry("it is not JSON")
            yield entry_of(content, lambda name: None)
        except UnreadableEntry as error:
            yield UnreadableEntry(f"line {number}: {error}")
