"""Whether some order explains what was seen of operations that ran at the same time (linearizability).

Herlihy and Wing, 1990: an operation takes effect at one moment between its request and its answer. So an operation that
was answered before another was sent comes first; those that overlap may come in either order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kuflow_conformance.target.exchange import Exchange

State = TypeVar("State")


@dataclass(frozen=True)
class Event:
    """An operation as it was seen. `start` and `end` are in seconds of one clock."""

    exchange: Exchange
    what: str
    start: float
    end: float

    @classmethod
    def of(cls, exchange: Exchange, what: str = "") -> Event:
        start = exchange.started.timestamp()
        return cls(exchange, what or exchange.operation_id, start, start + exchange.elapsed)


Step = Callable[[State, Event], Iterable[State]]
"""The states in which an event may leave a state, given its answer; none where the answer cannot be."""


class Orders(Generic[State]):
    """Searches for the states in which `events` may leave `initial`, over every order that their times allow."""

    def __init__(self, events: Sequence[Event], step: Step[State]) -> None:
        self._events = events
        self._step = step

    def outcomes(self, initial: State) -> set[State]:
        """The states that some order leads to; empty when no order explains the answers. States are hashable."""
        found: set[State] = set()
        seen: set[tuple[frozenset[int], State]] = set()
        waiting = [(frozenset(range(len(self._events))), initial)]
        while waiting:
            left, state = waiting.pop()
            if (left, state) in seen:
                continue
            seen.add((left, state))
            if not left:
                found.add(state)
                continue
            first_end = min(self._events[number].end for number in left)
            for number in left:
                if self._events[number].start <= first_end:
                    following = left - {number}
                    waiting.extend((following, after) for after in self._step(state, self._events[number]))
        return found


def task_step(state: tuple[str, str], event: Event) -> Iterable[tuple[str, str]]:
    """A task as (state, owner, in lower case). Where the documentation is silent, what the answer shows is taken."""
    exchange = event.exchange
    shown = (str(exchange.at("task.state")), str(exchange.at("ownerId")).lower())
    active = state[0] in ("READY", "CLAIMED")
    if not exchange.ok:
        yield state  # whatever was refused has changed nothing
        return
    match exchange.operation_id:
        case "claimProcessItemTask" if state[0] == "READY":
            yield "CLAIMED", event.what
        case "claimProcessItemTask":
            yield state
            if state[0] == "CLAIMED":
                yield "CLAIMED", event.what  # it may be taken over
        case "assignProcessItemTask" if active:
            yield "CLAIMED", event.what
            yield state[0], event.what
        case "completeProcessItemTask" if active:
            yield "COMPLETED", state[1]
            if state[0] == "READY" and shown[0] == "COMPLETED":
                yield "COMPLETED", event.what
        case "cancelProcess" if active:
            yield "CANCELLED", state[1]
        case _:
            yield state


def process_step(state: str, event: Event) -> Iterable[str]:
    """The state of a process; what ended it first may be all that counts, or the last success may."""
    ends = {"completeProcess": "COMPLETED", "cancelProcess": "CANCELLED"}
    wanted = ends.get(event.exchange.operation_id)
    if not event.exchange.ok or wanted is None:
        yield state
    elif event.exchange.at("state") == wanted or state == "RUNNING":
        yield wanted
    else:
        yield state
