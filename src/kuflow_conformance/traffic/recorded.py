"""Recorded traffic: files are read, and their exchanges shown in the order in which they were answered."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from kuflow_conformance.description.openapi import Description
from kuflow_conformance.traffic import har, ndjson
from kuflow_conformance.traffic.har import Entry, UnreadableEntry
from kuflow_conformance.traffic.seen import Seen
from kuflow_conformance.traffic.traffic import Traffic

AT_ONCE = 10_000
"""Exchanges that may overlap; a file in no order has all of them wait."""

UNREADABLE_SHOWN = 5
"""Unreadable entries that are named."""


class Recording:
    """Shows the exchanges of files to `traffic`, and counts what there is besides."""

    def __init__(self, traffic: Traffic, description: Description, base_url: str | None) -> None:
        self._traffic = traffic
        self._description = description
        self._base_url = base_url
        self.bases: Counter[str] = Counter()
        """Where the API was asked, and how often."""
        self.elsewhere = 0
        """Entries that are not of the API."""
        self.unreadable: list[str] = []

    def show(self, source: str) -> None:
        """Judge a file. Raises InvalidTraffic when it is none of recorded traffic."""
        streams: dict[str, _InOrder] = {}
        for entry in _read(source):
            if isinstance(entry, UnreadableEntry):
                self.unreadable.append(f"{source}: {entry}")
                continue
            base = self._base_of(entry)
            if base is None:
                self.elsewhere += 1
                continue
            self.bases[base] += 1
            name = f"{source} {base}"
            stream = streams.setdefault(name, _InOrder(self._traffic, name))
            stream.take(har.seen(entry, base, self._description, self._traffic.next_number()))
        for stream in streams.values():
            stream.end()

    def _base_of(self, entry: Entry) -> str | None:
        if self._base_url is None:
            return entry.base_url
        rest = entry.url.removeprefix(self._base_url)
        return self._base_url if rest != entry.url and rest[:1] in ("", "/", "?", "#") else None


def _read(source: str) -> Iterator[Entry | UnreadableEntry]:
    lines = urlsplit(source).path.endswith((".ndjson", ".jsonl"))
    return ndjson.entries(source) if lines else har.entries(source)


class _InOrder:
    """One stream: recorders write in the order of requests, what follows from what goes by the order of answers."""

    def __init__(self, traffic: Traffic, name: str) -> None:
        self._traffic = traffic
        self._name = name
        self._waiting: list[tuple[float, int, int, Seen]] = []
        self._numbers = itertools.count()
        self._shown_until = 0.0

    def take(self, seen: Seen) -> None:
        if not seen.timed:
            self._traffic.see(seen, stream=self._name)
            return
        started = seen.exchange.started.timestamp()
        while self._waiting and (self._waiting[0][0] < started or len(self._waiting) >= AT_ONCE):
            self._show()
        token = self._traffic.opened(seen.exchange.url, started, self._name)
        if started < self._shown_until:
            self._traffic.witness(self._name).disturbed()  # it comes too late to be seen in order
        heapq.heappush(self._waiting, (started + seen.exchange.elapsed, next(self._numbers), token, seen))

    def _show(self) -> None:
        ended, _, token, seen = heapq.heappop(self._waiting)
        self._shown_until = max(self._shown_until, ended)
        self._traffic.see(seen, token, self._name)

    def end(self) -> None:
        while self._waiting:
            self._show()
        self._traffic.end(self._name)
