"""A witness with memory: judges each exchange of a stream by what is known for sure from those before it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from kuflow_conformance.oracles import Finding
from kuflow_conformance.oracles.effects import judge_effect
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import REDACTED
from kuflow_conformance.traffic.artefacts import Artefacts
from kuflow_conformance.traffic.listings import Listings
from kuflow_conformance.traffic.memory import Memory
from kuflow_conformance.traffic.quiet import Quiet
from kuflow_conformance.traffic.seen import Seen
from kuflow_conformance.traffic.states import States


@dataclass(frozen=True)
class Doubts:
    """How often nothing was said: what others explain, and what cannot be told."""

    explained: int
    untold: int


class Witness:
    """Judges the exchanges of one stream: one proxy, one file. What it is shown has to be in order of the answers."""

    def __init__(self) -> None:
        self.memory = Memory()
        self._quiet = Quiet()
        self._states = States(self.memory, self._quiet)
        self._listings = Listings(self.memory)
        self._artefacts = Artefacts()
        self._late = 0.0
        self.tally: Counter[str] = Counter()

    @property
    def doubts(self) -> Doubts:
        return Doubts(self._quiet.explained, self._quiet.pending)

    def disturbed(self) -> None:
        """Something was not seen, or not in order: whatever others may have done, they may have done."""
        self._quiet.disturbed()

    def judge(self, seen: Seen) -> Iterator[tuple[Finding, Exchange]]:
        """What an exchange shows, together with those before it; some of it may be about an earlier exchange."""
        exchange = seen.exchange
        started = exchange.started.timestamp()
        ended = started + exchange.elapsed
        caller = caller_of(exchange)
        if seen.request_body_known:
            for finding in judge_effect(exchange):
                yield finding, exchange
        for finding in self._states.judge(exchange, caller, started, ended, seen.timed):
            yield finding, exchange
        yield from self._listings.judge(exchange, caller, started, ended, seen.timed)
        yield from self._artefacts.judge(seen, caller, started, ended)
        if exchange.ok and exchange.operation_id in ("retrievePrincipal", "retrieveTenantUser"):
            principal = exchange.object.get("principal", exchange.object)
            if isinstance(principal, dict):
                self.memory.learn_principal(principal)
        yield from self._quiet.sure()


def caller_of(exchange: Exchange) -> str:
    """Whoever sent a request, told apart by credentials; those are not kept."""
    authorization = exchange.request_headers.get("Authorization", "")
    if authorization == REDACTED:
        return exchange.caller
    return hashlib.sha256(authorization.encode("utf-8", "replace")).hexdigest()[:16] if authorization else ""
