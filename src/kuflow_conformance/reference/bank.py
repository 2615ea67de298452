"""What faults and variations are made of: ways to replace one step of the honest server from the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.errors import ConformanceError
from kuflow_conformance.reference.app import Caller, ReferenceServer
from kuflow_conformance.reference.model import Json
from kuflow_conformance.reference.operations import Answer, Refused

Install = Callable[[ReferenceServer], None]


@dataclass(frozen=True)
class Switch:
    """Something that can be switched on in a server before it serves."""

    id: str
    summary: str
    install: Install


S = TypeVar("S", bound=Switch)


class Bank(Generic[S]):
    """Switches of one kind, by id."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._switches: dict[str, S] = {}

    def add(self, switch: S) -> None:
        if switch.id in self._switches:
            raise ValueError(f"there are two {self._kind}s {switch.id}")
        self._switches[switch.id] = switch

    def __iter__(self) -> Iterator[S]:
        return iter(self._switches.values())

    def __getitem__(self, key: str) -> S:
        """The switch with this id. Raises ConformanceError when there is none."""
        if key not in self._switches:
            raise ConformanceError(f"there is no {self._kind} {key!r}; `kuflow-conformance {self._kind}s` lists them")
        return self._switches[key]


def around(owner: Any, name: str, replacement: Callable[..., Any]) -> None:
    """Replace the method `name` of `owner` by `replacement(original, *arguments)`."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *arguments, **named: replacement(original, *arguments, **named))


def on_answer(server: ReferenceServer, operations: Iterable[str], change: Callable[[Json], Any]) -> None:
    """Let `change` edit, or return anew, the JSON of the successful answers of `operations` (operationIds)."""
    chosen = set(operations)

    def execute(original: Any, operation: Operation, caller: Caller, arguments: dict[str, Any]) -> Answer:
        answer: Answer = original(operation, caller, arguments)
        if operation.id in chosen and answer.json is not None:
            changed = change(answer.json)
            answer.json = changed if isinstance(changed, dict) else answer.json
        return answer

    around(server, "execute", execute)


def on_rows(server: ReferenceServer, operations: Iterable[str], change: Callable[[Json], Any]) -> None:
    """Let `change` edit each row of the lists `operations`."""

    def edit(page: Json) -> None:
        for row in page["content"]:
            change(row)

    on_answer(server, operations, edit)


def on_call(server: ReferenceServer, operation_id: str, replacement: Callable[..., Answer]) -> None:
    """Replace an operation by `replacement(original, caller, **arguments)`."""

    def execute(original: Any, operation: Operation, caller: Caller, arguments: dict[str, Any]) -> Answer:
        if operation.id != operation_id:
            answer: Answer = original(operation, caller, arguments)
            return answer
        return replacement(
            lambda **changed: original(operation, caller, {**arguments, **changed}), caller.principal, **arguments
        )

    around(server, "execute", execute)


def refuse_if(
    server: ReferenceServer, operation_id: str, wrong: Callable[..., bool], status: int, message: str
) -> None:
    """Refuse those calls of an operation for which `wrong(caller, **arguments)` holds."""

    def call(original: Any, caller: Any, **arguments: Any) -> Answer:
        if wrong(caller, **arguments):
            raise Refused(status, message)
        answer: Answer = original()
        return answer

    on_call(server, operation_id, call)
