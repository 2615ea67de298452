"""The table that the variations stand in, and the reasons that several share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kuflow_conformance.reference.bank import Bank, Install, Switch

SILENT = "the documentation is silent on it"
NO_CODES = "the documentation names no status code for a refusal"
EXTRA = "a schema that does not forbid further properties allows them"
OPTIONAL = "the schema does not require the property"
WRITING = "RFC 3339 and RFC 9562 allow several ways to write it"
HTTP = "RFC 9110 and RFC 9112 leave it to servers and gateways"


@dataclass(frozen=True)
class Variation(Switch):
    """A legal choice, and why it is legal."""

    reason: str
    warns: str = ""
    """The SHOULD requirement that it is warned of: legal, but unwise."""


BANK: Bank[Variation] = Bank("variation")


def variation(key: str, summary: str, reason: str, warns: str = "") -> Callable[[Install], Install]:
    """Put a variation into the bank; the decorated function switches it on in a server."""

    def register(install: Install) -> Install:
        BANK.add(Variation(key, summary, install, reason, warns))
        return install

    return register
