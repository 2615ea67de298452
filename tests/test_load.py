"""A soak: as many exchanges as fit into half a minute leave memory and open files as they were."""

from __future__ import annotations

import gc
import os
import time
from pathlib import Path

from conftest import Running
from kuflow_conformance.findings.evidence import Evidence
from kuflow_conformance.findings.history import History
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.target import target_file as target
from kuflow_conformance.target.session import Session
from kuflow_conformance.world.cleanup import Made

SECONDS = 30.0
GROWTH = 24 * 2**20
"""Bytes by which the process may grow in the second half."""

PER_TEST = 50
"""Exchanges after which a test begins anew, as those of a run do."""


def resident() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_memory_and_files_stay_as_they_were(server: Running, description, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    history, made, exemplified = History(), Made(), set()
    session = Session(target.load(server.target_file, {}), description)
    operations = [description.operations[key] for key in ("findProcesses", "findPrincipals", "findProcessItems")]
    started, halfway, count = time.monotonic(), None, 0
    while (elapsed := time.monotonic() - started) < SECONDS:
        evidence = Evidence(session.redactor, session.curl, Coverage(description), history, exemplified)
        for number in range(PER_TEST):
            query = {"size": 50, "page": number % 3, "sort": "id"} if number % 5 else {"size": -1}
            exchange = session.call(operations[number % 3], query=query)
            evidence.see(exchange)
            made.see(exchange)
            evidence.check("PAG-003", exchange, number % 5 == 0, expected=f"something else than {count}")
            count += 1
        evidence.as_dict()
        if halfway is None and elapsed > SECONDS / 2:
            halfway = (resident(), len(os.listdir("/proc/self/fd")))
    assert halfway is not None
    assert count > 1000
    assert resident() - halfway[0] < GROWTH
    assert len(os.listdir("/proc/self/fd")) <= halfway[1] + 2
