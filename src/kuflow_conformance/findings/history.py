"""What led to a failure: the requests of this process that changed something, and which of them matter."""

from __future__ import annotations

from collections import deque

from kuflow_conformance.description.openapi import UUID
from kuflow_conformance.target.exchange import Exchange

KEPT = 2000
"""Requests that are remembered."""

STEPS = 12
"""Requests that a failure shows at most, those that made what it acts on aside."""

LARGEST = 64 * 1024
"""Bytes of a request or an answer beyond which it is not remembered."""


class History:
    """Remembers changing requests in the order in which they were answered."""

    def __init__(self) -> None:
        self._exchanges: deque[tuple[Exchange, frozenset[str]]] = deque(maxlen=KEPT)

    def add(self, exchange: Exchange) -> None:
        """Remember an exchange, if it changed something and is not too large."""
        if exchange.method != "GET" and exchange.ok and len(exchange.request_body) + len(exchange.body) < LARGEST:
            self._exchanges.append((exchange, acted_on(exchange)))

    def leading_to(self, exchange: Exchange, first: int) -> list[Exchange]:
        """What made and changed the resources that `exchange` names, oldest first.

        Of requests before number `first`, where the test began, only those count that made a resource.
        """
        past = [(earlier, touched) for earlier, touched in self._exchanges if earlier.number < exchange.number]
        wanted = named(exchange)
        for earlier, touched in reversed(past):  # what a resource belongs to may have been changed after it was made
            if earlier.status == 201 and wanted & touched:
                wanted |= named(earlier)
        chosen: list[Exchange] = []
        changes = 0
        for earlier, touched in reversed(past):
            if not wanted & touched:
                continue
            makes = earlier.status == 201
            if not makes and (earlier.number < first or changes >= STEPS):
                continue
            changes += not makes
            chosen.append(earlier)
            wanted |= named(earlier)
        return chosen[::-1]


def named(exchange: Exchange) -> set[str]:
    """The UUIDs in a request, in lower case."""
    text = exchange.url + " " + exchange.request_body[:LARGEST].decode("utf-8", "replace")
    return {match.lower() for match in UUID.findall(text)}


def acted_on(exchange: Exchange) -> frozenset[str]:
    """The ids of the resources that a request made or changed, in lower case."""
    made = exchange.object.get("id")
    found = UUID.findall(exchange.url.partition("?")[0])
    return frozenset(key.lower() for key in [*found, *([made] if isinstance(made, str) else [])])
