"""Other people's traffic: exchanges of real clients, recorded or live, held against the documentation.

Nothing is sent. Each exchange is judged by itself and by what those before it have shown.
"""

from __future__ import annotations

import itertools
import threading
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from kuflow_conformance.description import requirements
from kuflow_conformance.description.openapi import Description
from kuflow_conformance.description.scope import Scope
from kuflow_conformance.findings.evidence import Evidence
from kuflow_conformance.findings.floor import Floor
from kuflow_conformance.findings.history import History
from kuflow_conformance.findings.known import KnownFailures
from kuflow_conformance.findings.record import TRAFFIC, RunRecord
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.oracles.requests import request_faults
from kuflow_conformance.target.curl import curl_command
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import Redactor
from kuflow_conformance.traffic.advice import Advice
from kuflow_conformance.traffic.seen import CLIENT, Seen
from kuflow_conformance.traffic.witness import Doubts, Witness

CURL_OF_CLIENT = {CLIENT: '-H "Authorization: $AUTHORIZATION"'}


class Traffic:
    """Judges what it is shown and keeps the record; safe to be shown things by several threads."""

    profile = TRAFFIC
    seed = 0
    part_of_whole = ""

    def __init__(self, name: str, url: str, description: Description, reports: Path) -> None:
        self.id = uuid.uuid4()
        self.name = name
        self.url = url
        self.description = description
        self.catalogue = requirements.load()
        judged = frozenset(r.id for r in self.catalogue.requirements.values() if r.traffic)
        self.scope = Scope(judged, frozenset(description.operations))
        self.floor: Floor = {"share": None, "requirements": {}}
        self.coverage = Coverage(description)
        self.known: KnownFailures = ()
        self.missing: list[str] = []
        self.implementation: dict[str, str] = {}
        self.record = RunRecord(self, reports)
        self.redactor = Redactor([])
        self.advice = Advice(description)
        self.passed_over: Counter[str] = Counter()
        """Why exchanges were not judged, and how many."""
        self._witnesses: dict[str, Witness] = {}
        self._lost = ""
        """Why the target cannot be reached; empty when it can."""
        self._said: tuple[int, int] = (0, 0)
        self._history = History()
        self._exemplified: set[str] = set()
        self._numbers = itertools.count(1)
        self._tokens = itertools.count(1)
        self._lock = threading.RLock()

    def next_number(self) -> int:
        """The number of the next exchange."""
        return next(self._numbers)

    def witness(self, stream: str) -> Witness:
        """Who remembers the exchanges of a stream: what follows from one clock, one server and one recording."""
        return self._witnesses.setdefault(stream, Witness())

    def end(self, stream: str) -> None:
        """Nothing more comes of a stream: its memory can go."""
        with self._lock:
            doubts = self._witnesses.pop(stream, Witness()).doubts
            self._said = self._said[0] + doubts.explained, self._said[1] + doubts.untold

    @property
    def doubts(self) -> Doubts:
        """How often nothing was said."""
        every = [witness.doubts for witness in self._witnesses.values()]
        return Doubts(
            self._said[0] + sum(doubts.explained for doubts in every),
            self._said[1] + sum(doubts.untold for doubts in every),
        )

    # Requests on their way

    def opened(self, url: str, started: float, stream: str = "") -> int:
        """A request was sent; returns what `see` and `closed` want to know it by."""
        with self._lock:
            token = next(self._tokens)
            self.witness(stream).memory.opened(token, url, started)
            return token

    def closed(self, token: int, stream: str = "") -> None:
        """The request has been answered, or never will be."""
        with self._lock:
            self.witness(stream).memory.closed(token)

    def disturbed(self, token: int, stream: str = "") -> None:
        """Nobody saw what became of a request: it may have changed anything."""
        with self._lock:
            self.witness(stream).disturbed()
            self.closed(token, stream)

    # Exchanges

    def pass_over(self, why: str) -> None:
        """Count an exchange that is not judged."""
        with self._lock:
            self.passed_over[why] += 1

    def unreachable(self, why: str) -> None:
        """The target could not be asked at all."""
        with self._lock:
            self.passed_over["target not reached"] += 1
            self._lost = why
            self.record.target_lost(why)

    def see(self, seen: Seen, token: int | None = None, stream: str = "") -> None:
        """Judge an exchange and take it into the record. Those of a stream come in the order of their answers."""
        with self._lock:
            witness = self.witness(stream)
            if token is not None:
                witness.memory.closed(token)
            exchange = seen.exchange
            self.redactor.learn(exchange.request_headers.get("Authorization", ""))
            if why := seen.unjudged:
                self.passed_over[why] += 1
                return
            self._lost = ""
            self.record.target_lost("")
            evidence = Evidence(self.redactor, self._curl, self.coverage, self._history, self._exemplified)
            evidence.see(exchange)
            faults = request_faults(exchange) if seen.request_body_known else []
            if seen.request_body_known:
                evidence.faults_refused(exchange)
            if not (faults and exchange.ok):
                for finding, about in witness.judge(seen):
                    evidence.record(finding, about)
            self.advice.see(seen)
            self.record.add_evidence(exchange.operation_id, evidence.as_dict())
            self.record.keep()

    def so_far(self) -> dict[str, Any]:
        """The record as it stands, with the verdict that it would have if this were the end."""
        with self._lock:
            self._note()
            record = self.record.as_dict()
        seen = bool(record["traffic"]["requests"]) and not self._lost
        verdict = "not conformant" if record["failed"] else "no break seen" if seen else "no verdict"
        return {**record, "verdict": verdict, "reason": self._lost}

    def finish(self) -> dict[str, Any]:
        """End the record, and return it."""
        with self._lock:
            self._note()
            self.record.finish(interrupted=False)
            return self.record.as_dict()

    def _note(self) -> None:
        doubts, advice = self.doubts, self.advice.as_dicts(self.redactor)
        self.record.witnessed(self.passed_over, doubts.explained, doubts.untold, advice)

    def _curl(self, exchange: Exchange) -> str:
        return curl_command(exchange, CURL_OF_CLIENT, self.redactor)
