"""The fault bank: single bugs that can be switched on in the reference server, to prove that the suite sees them.

Each fault replaces one step of the honest server from the outside, so the server's own code knows nothing of them.
They are kept by area; the first line of each file says which.
"""

from kuflow_conformance.reference.faults import (
    access,
    answers,
    changes,
    creation,
    credentials,
    documents,
    errors,
    json_patch,
    json_values,
    lists,
    logs,
    patches,
    processes,
    requests,
    robots,
    selections,
    simultaneous,
    spellings,
    states,
    tasks,
    values,
    webhooks,
)
from kuflow_conformance.reference.faults.table import BANK, Fault

__all__ = [
    "BANK",
    "Fault",
    "access",
    "answers",
    "changes",
    "creation",
    "credentials",
    "documents",
    "errors",
    "json_patch",
    "json_values",
    "lists",
    "logs",
    "patches",
    "processes",
    "requests",
    "robots",
    "selections",
    "simultaneous",
    "spellings",
    "states",
    "tasks",
    "values",
    "webhooks",
]
