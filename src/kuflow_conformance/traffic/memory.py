"""What is known from the exchanges seen so far: resources as they were shown, and what was done to them.

It is bounded: what was not seen for long is forgotten first, and of what is forgotten nothing is said.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kuflow_conformance.description.openapi import UUID
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.target.exchange import Exchange

RESOURCES_KEPT = 20_000
"""Resources that are remembered."""

VERSIONS_KEPT = 6
"""Versions of a resource that are remembered."""

LARGEST_KEPT = 256 * 1024
"""Bytes of an answer beyond which what it shows of a resource is not remembered."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Act:
    """What an operation does to the resource in its path or answer.

    `own` are the places of the resource that it changes; `kept` is the requirement that it keeps what it does, `rest`
    the one that it leaves the rest alone, `refused` the one that it changes nothing when it is refused.
    """

    kind: str
    own: tuple[str, ...] = ()
    kept: str = ""
    rest: str = ""
    refused: str = "ERR-011"
    creates: bool = False

    @property
    def changes(self) -> bool:
        return bool(self.kept)


_TASK = ("task.state", "ownerId", "task.logs")

ACTS = {
    "createProcess": Act("process", kept="PRC-002", rest="PRC-002", creates=True),
    "retrieveProcess": Act("process"),
    "completeProcess": Act("process", ("state",), "PRC-004", "LIF-001", "PRC-011"),
    "cancelProcess": Act("process", ("state",), "PRC-005", "LIF-001", "PRC-011"),
    "changeProcessInitiator": Act("process", ("initiatorId",), "PRC-013", "PRC-014", "PRC-015"),
    "updateProcessMetadata": Act("process", ("metadata",), "JSV-001", "JSV-009"),
    "patchProcessMetadata": Act("process", ("metadata",), "PAT-001", "JSV-009", "PAT-003"),
    "updateProcessEntity": Act("process", ("entity",), "JSV-001", "JSV-009"),
    "patchProcessEntity": Act("process", ("entity",), "PAT-001", "JSV-009", "PAT-003"),
    "uploadProcessUserActionDocument": Act("process", ("metadata", "entity"), "DOC-008", "DOC-008"),
    "createProcessItem": Act("item", kept="ITM-002", rest="ITM-002", creates=True),
    "retrieveProcessItem": Act("item"),
    "claimProcessItemTask": Act("item", _TASK, "ITM-006", "ITM-011", "ITM-009"),
    "assignProcessItemTask": Act("item", _TASK, "ITM-007", "ITM-011", "ITM-014"),
    "completeProcessItemTask": Act("item", ("task.state",), "ITM-008", "ITM-011", "ITM-009"),
    "appendProcessItemTaskLog": Act("item", ("task.logs",), "LOG-001", "ITM-011"),
    "updateProcessItemTaskData": Act("item", ("task.data",), "JSV-001", "JSV-009"),
    "patchProcessItemTaskData": Act("item", ("task.data",), "PAT-001", "JSV-009", "PAT-003"),
    "retrieveTenantUser": Act("tenant user"),
    "retrieveRobot": Act("robot"),
    "retrievePrincipal": Act("principal"),
}
"""Operation → what it does to one resource."""

ROWS = {
    "findProcesses": "process",
    "findProcessItems": "item",
    "findTenantUsers": "tenant user",
    "findRobots": "robot",
    "findPrincipals": "principal",
}
"""List → what its rows are."""


@dataclass(frozen=True)
class Shown:
    """A resource as an answer showed it. Times are in seconds since 1970, by the clock of who saw it."""

    content: Json
    operation: str
    started: float
    ended: float
    row: bool = False
    caller: str = ""
    """Who was shown it, told apart by credentials; empty when that is not known."""
    since: float = 0.0
    """When the first answer that showed this version had come; 0 when this is the first."""

    @property
    def moment(self) -> datetime | None:
        """When it was last modified, as it says itself."""
        return parse_instant(self.content.get("lastModifiedAt"))


@dataclass(frozen=True)
class Event:
    """A request that changed a resource, tried to, or may have."""

    operation: str
    started: float
    ended: float
    ok: bool
    own: bool = True
    """Whether it acted on the resource itself, and not on what it belongs to or what belongs to it."""


@dataclass
class Known:
    """One resource: everything that is remembered of it."""

    kind: str
    key: str
    versions: OrderedDict[datetime, list[Shown]] = field(default_factory=OrderedDict)
    first: Shown | None = None
    last: Shown | None = None
    """The answer of one resource that was seen last; rows of lists are not."""
    final: Shown | None = None
    """The first answer that showed it completed or cancelled."""
    created: Shown | None = None
    """Its creation, when that was seen."""
    creation: Json = field(default_factory=dict)
    """What was sent to create it."""
    repeated: bool = False
    """Whether its creation was repeated."""
    log: list[Json] = field(default_factory=list)
    """Its log as it was shown last."""
    log_ended: float = 0.0
    seen_by: set[str] = field(default_factory=set)
    """The callers that were shown it: others may have no access."""
    events: deque[Event] = field(default_factory=lambda: deque(maxlen=24))

    @property
    def latest(self) -> Json:
        """What was shown of it last; empty when nothing was."""
        shown = self.last or self.first
        return shown.content if shown else {}

    def between(self, after: float, before: float) -> list[Event]:
        """The events that may have taken place in a stretch of time, its ends aside."""
        return [event for event in self.events if event.ended > after and event.started < before]


class Memory:
    """Everything that is known of one stream of exchanges."""

    def __init__(self) -> None:
        self._resources: OrderedDict[tuple[str, str], Known] = OrderedDict()
        self._open: dict[int, tuple[frozenset[str], float]] = {}
        self._items_of: dict[str, set[str]] = {}
        self.principals: dict[str, Json] = {}
        """Principals by their ids: their own, and those of their user or application."""

    def get(self, kind: str, key: str) -> Known | None:
        return self._resources.get((kind, key.lower()))

    def of(self, kind: str, key: str) -> Known:
        """What is known of a resource, which may be nothing yet."""
        known = self._resources.setdefault((kind, key.lower()), Known(kind, key.lower()))
        self._resources.move_to_end((kind, key.lower()))
        if len(self._resources) > RESOURCES_KEPT:
            (forgotten, old), _ = self._resources.popitem(last=False)
            if forgotten == "process":
                self._items_of.pop(old, None)
        return known

    def of_kind(self, kind: str) -> Iterator[Known]:
        return (known for (other, _), known in self._resources.items() if other == kind)

    def belongs(self, item: str, process: str) -> None:
        """Note that an item is of a process."""
        self._items_of.setdefault(process.lower(), set()).add(item.lower())

    def items_of(self, process: str) -> list[Known]:
        keys = self._items_of.get(process.lower(), set())
        return [known for key in sorted(keys) if (known := self.get("item", key))]

    def note(self, known: Known, event: Event) -> None:
        """Note an event at a resource, and at what belongs together with it."""
        known.events.append(event)
        related = Event(event.operation, event.started, event.ended, event.ok, own=False)
        if known.kind == "process":
            for item in self.items_of(known.key):
                item.events.append(related)
        elif process := self.get("process", str(known.latest.get("processId"))):
            process.events.append(related)

    # Requests that are on their way

    def opened(self, number: int, url: str, started: float) -> None:
        """A request has been sent whose answer has not been seen yet."""
        self._open[number] = (frozenset(key.lower() for key in UUID.findall(url)), started)

    def closed(self, number: int) -> None:
        self._open.pop(number, None)

    def under_way(self, known: Known, before: float) -> bool:
        """Whether a request that was sent before may be changing the resource, or what it belongs to."""
        related = {known.key, str(known.latest.get("processId")).lower()}
        if known.kind == "process":
            related |= {item.key for item in self.items_of(known.key)}
        return any(started < before and keys & related for keys, started in self._open.values())

    # Principals

    def learn_principal(self, principal: Json) -> None:
        """Note what an answer shows of a principal."""
        key = principal.get("id")
        if not isinstance(key, str) or len(self.principals) > RESOURCES_KEPT:
            return
        known = {**self.principals.get(key.lower(), {}), **principal}
        self.principals[key.lower()] = known
        for part in ("user", "application"):
            account = known.get(part)
            if isinstance(account, dict) and isinstance(account.get("id"), str):
                self.principals.setdefault(account["id"].lower(), known)


def small(exchange: Exchange) -> bool:
    """Whether what an answer shows may be remembered."""
    return len(exchange.body) <= LARGEST_KEPT


def state_of(content: Json) -> str | None:
    """The state of a process or of the task of an item."""
    task = content.get("task")
    state = task.get("state") if isinstance(task, dict) else content.get("state")
    return state if isinstance(state, str) else None
