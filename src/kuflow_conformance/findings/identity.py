"""What makes two findings of two runs the same one: requirement, operation, and what is complained of."""

from __future__ import annotations

import hashlib
import re

from kuflow_conformance.description.openapi import UUID

_VALUE = re.compile(r"""[\[{"'“`].*[\]}"'”`]""", re.DOTALL)
_GIVEN = re.compile(r"=\S*")
_NUMBERED = re.compile(r"\S*\d\S*")


def fingerprint(expected: str) -> str:
    """Eight letters that stand for a complaint, from what was expected.

    Ids, numbers and values are left out: they change from run to run, and with the seed.
    """
    text = UUID.sub("…", expected)
    for pattern in (_VALUE, _GIVEN, _NUMBERED):
        text = pattern.sub("…", text)
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def place(operation: str) -> str:
    """An operation as findings name it: an operationId, or method and path without the ids of this run."""
    return UUID.sub("{id}", operation)
