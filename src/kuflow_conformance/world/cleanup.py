"""Finishing what a run left on a target: processes that it created and nobody ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kuflow_conformance.errors import TargetUnavailable
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.session import Session

ENDS = ("cancelProcess", "completeProcess")
PAGE = 200
IDS_TRIED = 20_000
"""Ids of a run that are looked for, for each of its processes at work."""

CLOCKS = timedelta(minutes=10)
"""By how much the clock of the target may be behind."""


@dataclass
class Made:
    """The processes that a run created and has not ended yet, in the order of their creation."""

    open: dict[str, None] = field(default_factory=dict)
    count: int = 0
    """How many there were, ended ones included."""

    def add(self, key: str) -> None:
        """Note a process that may have been created."""
        self.count += key.lower() not in self.open
        self.open[key.lower()] = None

    def see(self, exchange: Exchange) -> None:
        """Note what an exchange created or ended."""
        if not exchange.ok:
            return
        if exchange.operation_id == "createProcess":
            key = exchange.object.get("id")
            if isinstance(key, str):
                self.add(key)
        elif exchange.operation_id in ENDS:
            self.open.pop(exchange.url.rsplit("/", 3)[-3].lower(), None)


def new_id(run: uuid.UUID, part: str, number: int) -> str:
    """The id that a run gives to the resource with this number; `part` names one of its processes at work."""
    return str(uuid.uuid5(run, f"{part}{number}"))


def finish(session: Session, keys: Iterable[str]) -> list[str]:
    """Cancel processes, whichever of the two tenants they are in; returns those that could not be."""
    return [key for key in keys if not _finished(session, key)]


def _finished(session: Session, key: str) -> bool:
    cancel, read = (session.description.operations[name] for name in ("cancelProcess", "retrieveProcess"))
    try:
        for caller in filter(None, (session.main, session.second)):
            if session.call(cancel, id=key, caller=caller).ok:
                return True
            seen = session.call(read, id=key, caller=caller)
            if seen.failure or (seen.ok and seen.object.get("state") == "RUNNING"):
                return False
    except (NotTested, TargetUnavailable):
        return False
    return True


def leftovers(session: Session, run: uuid.UUID, started: datetime, workers: int) -> list[str]:
    """Running processes on the target whose ids only this run can have made up, the newest first.

    Raises TargetUnavailable.
    """
    parts = ["", *(f"gw{number}" for number in range(workers))]
    mine = {new_id(run, part, number) for part in parts for number in range(1, IDS_TRIED)}
    found: dict[str, None] = {}
    operation = session.description.operations["findProcesses"]
    for page in range(1000):
        query = {"sort": "createdAt,desc", "size": PAGE, "page": page}
        rows = session.call(operation, query=query).rows
        keys = (str(row.get("id")).lower() for row in rows if row.get("state") == "RUNNING")
        found |= dict.fromkeys(key for key in keys if key in mine)
        oldest = parse_instant(rows[-1].get("createdAt")) if rows else None
        if not rows or (oldest is not None and oldest < started - CLOCKS):
            break
    return list(found)
