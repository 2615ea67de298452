"""The table that the faults stand in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kuflow_conformance.reference.bank import Bank, Install, Switch


@dataclass(frozen=True)
class Fault(Switch):
    """A bug, and the requirement it breaks."""

    requirement: str


BANK: Bank[Fault] = Bank("fault")


def fault(key: str, requirement: str, summary: str) -> Callable[[Install], Install]:
    """Put a fault into the bank; the decorated function switches it on in a server."""

    def register(install: Install) -> Install:
        BANK.add(Fault(key, summary, install, requirement))
        return install

    return register
