"""The fault bank: single bugs that can be switched on in the reference server, to prove that the suite sees them.

Each fault replaces one step of the honest server from the outside, so the server's own code knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kuflow_conformance.errors import ConformanceError
from kuflow_conformance.reference.app import ReferenceServer

Install = Callable[[ReferenceServer], None]


@dataclass(frozen=True)
class Fault:
    """One bug: what it does and the requirement it breaks."""

    id: str
    requirement: str
    summary: str
    install: Install


_BANK: dict[str, Fault] = {}


def all_faults() -> Iterable[Fault]:
    return _BANK.values()


def by_id(fault_id: str) -> Fault:
    """The fault with this id. Raises ConformanceError when there is none."""
    if fault_id not in _BANK:
        raise ConformanceError(f"there is no fault {fault_id!r}; `kuflow-conformance faults` lists them")
    return _BANK[fault_id]


def fault(fault_id: str, requirement: str, summary: str) -> Callable[[Install], Install]:
    """Put a fault into the bank; the decorated function switches it on in a server."""

    def register(install: Install) -> Install:
        _BANK[fault_id] = Fault(fault_id, requirement, summary, install)
        return install

    return register


def around(owner: Any, name: str, replacement: Callable[..., Any]) -> None:
    """Replace the method `name` of `owner` by `replacement(original, *arguments)`."""
    original = getattr(owner, name)
    setattr(owner, name, lambda *arguments, **named: replacement(original, *arguments, **named))
