"""The fault bank: single bugs that can be switched on in the reference server, to prove that the suite sees them.

Each fault replaces one step of the honest server from the outside, so the server's own code knows nothing of them.
They are kept by area: access, answers and requests, spellings of requests, lists, processes and tasks, data and
documents, values and texts, patches, creation.
"""

from kuflow_conformance.reference.faults import (
    access,
    answers,
    creation,
    data,
    lists,
    patches,
    processes,
    spellings,
    values,
    webhooks,
)
from kuflow_conformance.reference.faults.table import BANK, Fault

__all__ = [
    "BANK",
    "Fault",
    "access",
    "answers",
    "creation",
    "data",
    "lists",
    "patches",
    "processes",
    "spellings",
    "values",
    "webhooks",
]
