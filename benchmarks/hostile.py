"""What an exchange with a bad server ends in, how long it takes and how much memory: the table of docs/robustness.md.

Run as ``python benchmarks/hostile.py``. A part of an answer may take 1 second here, the whole of it 2.
"""

from __future__ import annotations

import os
import sys
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from hostile import BEHAVIOURS, listening

from kuflow_conformance.description import openapi
from kuflow_conformance.findings.evidence import judge
from kuflow_conformance.target import target_file as target
from kuflow_conformance.target.session import Session


def main() -> None:
    os.environ["TOKEN"] = "secret-word"
    description = openapi.load()
    print("| the server | the exchange | broken | seconds | peak MB |\n| --- | --- | --- | --- | --- |")
    for name, behave in BEHAVIOURS.items():
        with listening(behave) as port:
            settings = {
                "target.base-url": f"http://127.0.0.1:{port}/v",
                "auth.user": "app",
                "auth.password-env": "TOKEN",
            }
            settings |= {"http.read-timeout": 1, "http.answer-timeout": 2}
            session = Session(target.load(None, settings), description)
            tracemalloc.start()
            started = time.monotonic()
            exchange = session.call(description.operations["findProcesses"])
            broken = sorted({finding.requirement for finding in judge(exchange) if not finding.holds})
            seconds, peak = time.monotonic() - started, tracemalloc.get_traced_memory()[1] / 2**20
            tracemalloc.stop()
        said = exchange.failure or f"status {exchange.status}"
        said = "".join(letter for letter in said if letter.isprintable()).replace("|", "\\|").replace(str(port), "…")
        print(f"| {name} | {said[:90]} | {', '.join(broken) or '–'} | {seconds:.1f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
