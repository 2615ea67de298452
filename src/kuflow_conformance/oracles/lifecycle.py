"""A model of one process and its items: what they are after each answer of a target.

Where the documentation says what an operation does, the model does it. Where it is silent whether an operation is
refused, the model follows the answer: what was refused has changed nothing, what succeeded has done what it says.
The workflow behind the process may act as well: make items, write to logs, and end the process after a task.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from kuflow_conformance.oracles.json_patch import patched
from kuflow_conformance.oracles.resources import log_entries, same_id
from kuflow_conformance.oracles.values import json_equal

ACTIVE = ("READY", "CLAIMED")
Resource = dict[str, Any]


@dataclass
class Item:
    """A task or message, as far as operations can change it. `state` is None where it is open."""

    id: str
    type: str
    state: str | None
    owner: str | None
    data: Any
    log: list[str] = field(default_factory=list)
    """Messages, from the oldest to the newest."""

    @classmethod
    def of(cls, resource: Resource) -> Item:
        """The item that an answer shows."""
        task = resource.get("task") or {}
        return cls(
            id=str(resource.get("id")),
            type=str(resource.get("type")),
            state=task.get("state"),
            owner=resource.get("ownerId"),
            data=_value(task.get("data")),
            log=[str(entry.get("message")) for entry in log_entries(resource)],
        )


def _value(data: Any) -> Any:
    """The value of a JSON value; an empty one may be left out."""
    return data.get("value", {}) if isinstance(data, dict) else {}


class Lifecycle:
    """A process with its items. `caller` is the principal that calls; None when it is not known."""

    def __init__(self, process: Resource, caller: str | None) -> None:
        self.caller = caller
        self.state = process.get("state")
        self.initiator = process.get("initiatorId")
        self.values = {name: _value(process.get(name)) for name in ("metadata", "entity")}
        self.items: dict[str, Item] = {}
        self._logged: set[str] = set()
        self._may_be_over = False
        self._shows_owners = False
        """Whether items read by id show their owner: it is optional, but what does so once does so always."""

    def created(self, resource: Resource) -> None:
        """An item was created."""
        item = Item.of(resource)
        item.log = []  # what the workflow has written is its own business
        self.items[item.id.lower()] = item

    @property
    def undecided(self) -> list[str]:
        """The tasks whose state is open: reading them decides it."""
        return [key for key, item in self.items.items() if item.type == "TASK" and item.state is None]

    # Operations that succeeded

    def ended(self, state: str) -> None:
        """The process was completed or cancelled, unless it was so already."""
        if self.state == state:
            return
        self.state = state
        for item in self.items.values():
            if state == "CANCELLED" and item.state in ACTIVE:
                item.state = "CANCELLED"
            elif state == "COMPLETED" and item.state in ACTIVE:
                item.state = None  # the documentation does not say what becomes of open tasks

    def initiated_by(self, principal: str) -> None:
        self.initiator = principal

    def saved(self, name: str, value: Any) -> None:
        """``metadata`` or ``entity`` was saved."""
        self.values[name] = copy.deepcopy(value)

    def patched(self, name: str, operations: list[dict[str, Any]]) -> None:
        self.values[name] = patched(self.values[name], operations)

    def claimed(self, key: str, shown: str | None) -> None:
        """A task was claimed; of one that had an owner already, that owner may stay."""
        item = self.items[key]
        if item.state == "READY":
            item.state, item.owner = "CLAIMED", self.caller or shown
        elif same_id(shown, self.caller):
            item.owner = shown

    def assigned(self, key: str, owner: str, shown: str | None) -> None:
        """A task was assigned; whether that claims it, is open. One that is finished stays as it was."""
        item = self.items[key]
        if item.state in ACTIVE:
            item.owner = owner
            item.state = shown if shown in ACTIVE else item.state

    def completed(self, key: str) -> None:
        item = self.items[key]
        if item.state in ACTIVE:
            item.state = "COMPLETED"
            self._may_be_over = True

    def logged(self, key: str, message: str) -> None:
        """`message`, another one each time, was appended to the log of a task."""
        self.items[key].log.append(message)
        self._logged.add(message)

    def data_saved(self, key: str, value: Any) -> None:
        self.items[key].data = copy.deepcopy(value)

    def data_patched(self, key: str, operations: list[dict[str, Any]]) -> None:
        item = self.items[key]
        item.data = patched(item.data, operations)

    # Comparison

    def process_differences(self, process: Resource) -> Iterator[str]:
        """Where an answer about the process contradicts the model."""
        if self._may_be_over and self.state == "RUNNING" and process.get("state") == "COMPLETED":
            self.ended("COMPLETED")
        if process.get("state") != self.state:
            yield f"the process is {process.get('state')}, not {self.state}"
        shown = process.get("initiatorId")
        if shown is not None and self.initiator is not None and not same_id(shown, self.initiator):
            yield f"its initiatorId is {shown}, not {self.initiator}"
        for name, value in self.values.items():
            if not json_equal(_value(process.get(name)), value):
                yield f"its {name} is {_value(process.get(name))}, not {value}"

    def item_differences(self, key: str, resource: Resource) -> Iterator[str]:
        """Where an answer about an item contradicts the model; a state that was open is taken over."""
        item, shown = self.items[key], Item.of(resource)
        if item.state is None:
            item.state = shown.state
        yield from self._row_differences(item, resource)
        self._shows_owners |= shown.owner is not None
        if self._shows_owners and item.owner is not None and shown.owner is None:
            yield f"the {item.type} {item.id} has no owner, not {item.owner}"
        if item.type == "TASK":
            if not json_equal(shown.data, item.data):
                yield f"its data are {shown.data}, not {item.data}"
            # Where the bound of the log lies, is open: the newest entries have to be there.
            log = [message for message in shown.log if message in self._logged]
            newest = item.log[-len(log) :] if log else []
            if sorted(log) != sorted(newest) or (item.log and not shown.log):
                yield f"its log has the messages {log}, not the newest of {item.log}"

    def list_differences(self, rows: list[Resource]) -> Iterator[str]:
        """Where a list of the items of the process contradicts the model."""
        shown = {str(row.get("id")).lower(): row for row in rows}
        if lost := self.items.keys() - shown.keys():
            yield f"the list of its items lacks {sorted(lost)}"
        for key in (key for key in self.items if key in shown):
            for difference in self._row_differences(self.items[key], shown[key]):
                yield f"in the list, {difference}"

    def selection_differences(self, keys: list[str], type_: str, states: Collection[str]) -> Iterator[str]:
        """Where a list of the items of a type, and in one of the states if any are named, contradicts the model.

        `keys` are the ids of its rows, in lower case. An item whose state is open may be there or not.
        """
        for key, item in self.items.items():
            if item.type == "TASK" and item.state is None and states:
                continue
            wanted = item.type == type_ and (not states or item.state in states)
            if wanted != (key in keys):
                wrong = "lacks" if wanted else "has"
                yield f"the list of {type_} {' '.join(states)} {wrong} {key}, which is {item.state or 'open'}"

    def _row_differences(self, item: Item, row: Resource) -> Iterator[str]:
        shown = Item.of(row)
        if shown.type != item.type:
            yield f"the item {item.id} is a {shown.type}, not a {item.type}"
        if item.state is not None and shown.state != item.state:
            yield f"the {item.type} {item.id} is {shown.state}, not {item.state}"
        if shown.owner is not None and item.owner is not None and not same_id(shown.owner, item.owner):
            yield f"the {item.type} {item.id} has the owner {shown.owner}, not {item.owner}"
