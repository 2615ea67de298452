"""How good is the suite? It runs against every fault it must catch and every freedom it must allow, and counts.

Each subject (a fault, a variation, a seed of the plain server) gets a run of the command line of its own, as a user
would start it. Results are kept in a folder, one file each, so that a qualification can be stopped and resumed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.progress import Progress

from kuflow_conformance import files
from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.errors import EXIT_CONFORMANT
from kuflow_conformance.reference import faults, mutants, peer, serve, variations
from kuflow_conformance.reference.mutants import Mutant
from kuflow_conformance.report import templates

PLAIN_SEED = 1
BASELINE_EXAMPLES = 20
BASELINE_CALIBRATIONS = 3
"""Runs on the fault-free server whose findings do not count: those of the generic tool differ from run to run."""

TIMEOUT = 900
TIMED_OUT = 124
"""The exit code that stands for a run that took longer than TIMEOUT seconds."""


@dataclass(frozen=True)
class Subject:
    """One server to run the suite against."""

    kind: str
    """``fault``, ``variation``, ``plain`` or ``mutant``."""
    id: str
    """One switch, or several with ``+`` between them."""
    requirements: tuple[str, ...] = ()
    """What a fault breaks, or what variations may be warned of."""
    profile: str = "core"
    seed: int | None = None
    mutant: Mutant | None = None

    @property
    def options(self) -> list[str]:
        if self.mutant is not None:
            return ["--fail-fast", "--profile", self.profile]
        switches = [] if self.kind == "plain" else [f"--{self.kind}={key}" for key in self.id.split("+")]
        return [*switches, "--profile", self.profile, *(["--seed", str(self.seed)] if self.seed is not None else [])]


@dataclass
class Result:
    """What a run said of a subject."""

    kind: str
    id: str
    requirements: list[str]
    exit_code: int
    failed: list[str] = field(default_factory=list)
    """Broken MUST requirements, in the order in which the report names them."""
    warned: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    """Test functions that found one of them."""
    ran: list[str] = field(default_factory=list)
    """Test functions that checked anything."""
    requests: int = 0
    seconds: float = 0.0
    first: dict[str, Any] | None = None
    """The first report: requirement, requests and seconds until then."""
    change: str = ""
    """What a mutant does."""
    baseline: bool | None = None
    """Whether the generic tool reported it; None where it was not asked."""
    baseline_requests: int = 0
    baseline_seconds: float = 0.0

    @property
    def reported(self) -> list[str]:
        return self.failed + self.warned

    @property
    def detected(self) -> bool:
        """Whether anything was reported; a mutant that does not even start is seen by anybody."""
        return bool(self.reported) or (self.kind == "mutant" and self.exit_code != EXIT_CONFORMANT)

    @property
    def right(self) -> bool:
        """Whether the requirement that the fault breaks is the one named first."""
        return self.reported[:1] == self.requirements

    @property
    def named(self) -> bool:
        """Whether it is named at all."""
        return set(self.requirements) <= set(self.reported)

    @property
    def spent(self) -> tuple[int, float]:
        """Requests and seconds until the first report, or of the whole run where there is none."""
        return (self.first["requests"], self.first["seconds"]) if self.first else (self.requests, self.seconds)

    @property
    def clean(self) -> bool:
        return self.exit_code == 0 and set(self.reported) <= set(self.requirements)

    @property
    def difficulty(self) -> str:
        """How many tests can see the fault: few is hard."""
        return "hard" if len(self.tests) <= 1 else "medium" if len(self.tests) <= 3 else "easy"


def subjects(
    fault_ids: Sequence[str],
    variation_ids: Sequence[str],
    seeds: int,
    profile: str | None = None,
    together: int = 1,
) -> list[Subject]:
    """What to run against; each in the smallest profile that tests what is asked, unless `profile` says which.

    `together` is how many variations are switched on in one server; those of a kind are kept apart.
    """
    catalogue = requirements.load()

    def of_fault(key: str) -> Subject:
        fault = faults.BANK[key]
        smallest = "full" if catalogue[fault.requirement].profile == "full" else "core"
        return Subject("fault", fault.id, (fault.requirement,), profile or smallest)

    found = [of_fault(key) for key in fault_ids]
    groups = -(-len(variation_ids) // together)
    for number in range(groups):
        chosen = variation_ids[number::groups]  # neighbours in the bank are of a kind
        warned = tuple(key for key in (variations.BANK[key].warns for key in chosen) if key)
        found.append(Subject("variation", "+".join(chosen), warned, profile=profile or "core"))
    found += [Subject("plain", f"seed {n}", profile=profile or "core", seed=n) for n in range(1, seeds + 1)]
    return found


def mutant_subjects(count: int, seed: int, profile: str | None = None) -> list[Subject]:
    """`count` mutants of the bundled server, drawn by seed."""
    return [Subject("mutant", m.id, profile=profile or "core", mutant=m) for m in mutants.sample(count, seed)]


def rotated(ids: Sequence[str], count: int, turn: int) -> list[str]:
    """`count` of the ids, others at each turn, until all have been there."""
    start = turn * count
    return list(dict.fromkeys(ids[(start + n) % len(ids)] for n in range(min(count, len(ids)))))


def _fingerprint(*folders: Path, of: str = "") -> str:
    digest = hashlib.sha256(of.encode())
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".yaml")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def fingerprint() -> str:
    """Changes whenever the suite or the server does, so that old results are not taken for new ones."""
    return _fingerprint(Path(__file__).parents[1], files.data("suites"), files.data("spec"))


def _peer_fingerprint() -> str:
    """Changes whenever the faults, the description or the generic tool do."""
    document = json.dumps(openapi.load().document, sort_keys=True, default=str)
    return _fingerprint(Path(__file__).with_name("faults"), of=f"{version('schemathesis')} {document}")


class Qualification:
    """Runs subjects, several at a time, and keeps each result in `folder`."""

    def __init__(self, folder: Path, jobs: int, *, baseline: bool = False) -> None:
        self.folder = folder / fingerprint()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._peer = folder.resolve() / f"schemathesis-{_peer_fingerprint()}"
        self._jobs = jobs
        self._baseline = baseline

    def run(self, chosen: Sequence[Subject], progress: Progress) -> list[Result]:
        """The result of each subject, from the folder where it is known already."""
        accepted = self._calibrate(progress) if self._baseline else None
        task = progress.add_task("qualify", total=len(chosen))
        results: dict[Subject, Result] = {}
        with ThreadPoolExecutor(self._jobs) as pool:
            # Some variations are slow: begun first, they do not keep the others waiting for the end.
            longest_first = sorted(chosen, key=lambda subject: subject.kind != "variation")
            pending = {pool.submit(self._result, subject, accepted): subject for subject in longest_first}
            for future in as_completed(pending):
                results[pending[future]] = future.result()
                progress.advance(task)
        return [results[subject] for subject in chosen]

    def _result(self, subject: Subject, accepted: Path | None) -> Result:
        name = subject.id.replace(" ", "-")
        path = self.folder / f"{subject.kind}-{name[:80]}-{hashlib.sha256(name.encode()).hexdigest()[:6]}.json"
        if path.is_file():
            result = Result(**json.loads(path.read_text(encoding="utf-8")))
        else:
            result = self._suite(subject, path.with_suffix(""))
        if accepted is not None and subject.kind == "fault":
            result.baseline, result.baseline_requests, result.baseline_seconds = self._compare(subject.id, accepted)
        files.write_whole(path, json.dumps(asdict(result), indent=1))
        return result

    def _suite(self, subject: Subject, reports: Path) -> Result:
        command = [sys.executable, "-m", "kuflow_conformance", "run", *subject.options]
        command += ["--workers", "1", "--record-only", "--reports", str(reports)]
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as copy:
            environment = dict(os.environ)
            if subject.mutant is not None:
                environment["PYTHONPATH"] = str(mutants.install(subject.mutant, Path(copy)))
            try:
                done = subprocess.run(command, capture_output=True, timeout=TIMEOUT, env=environment, check=False)
                code = done.returncode
            except subprocess.TimeoutExpired:
                code = TIMED_OUT
        result = Result(subject.kind, subject.id, list(subject.requirements), code)
        result.change = subject.mutant.change if subject.mutant else ""
        result.seconds = round(time.monotonic() - started, 1)
        record_path = reports / "run.json"
        if record_path.is_file():
            record = json.loads(record_path.read_text(encoding="utf-8"))
            by_outcome: dict[str, list[dict[str, Any]]] = {}
            for requirement in record["requirements"]:
                by_outcome.setdefault(requirement["outcome"], []).append(requirement)
            broken, warned = by_outcome.get("fail", []), by_outcome.get("warn", [])
            result.failed, result.warned = record["failed"], [r["id"] for r in warned]
            found = {test.partition("[")[0] for r in (*broken, *warned) for test in r["failing_tests"]}
            result.tests = sorted(found)
            result.ran = sorted({test.partition("[")[0] for r in record["requirements"] for test in r["tests"]})
            result.requests = record["traffic"]["requests"]
            result.first = record["first_failure"]
        return result

    def _calibrate(self, progress: Progress) -> Path:
        """What the generic tool reports on the fault-free server, to be left out."""
        self._peer.mkdir(exist_ok=True)
        accepted = self._peer / "accepted.json"
        if not accepted.is_file():
            task = progress.add_task("calibrate the generic tool", total=BASELINE_CALIBRATIONS)
            for seed in range(1, BASELINE_CALIBRATIONS + 1):
                with serve.running() as (target_file, environment):
                    options = ("--baseline", str(accepted), "--baseline-update")
                    peer.run(target_file, environment, *_peer_options(seed), *options, timeout=TIMEOUT)
                progress.advance(task)
        return accepted

    def _compare(self, fault: str, accepted: Path) -> tuple[bool, int, float]:
        """Whether the generic tool reports a fault, and what that takes: requests and seconds up to the report."""
        path = self._peer / f"{fault}.json"
        if not path.is_file():
            with serve.running([fault]) as (target_file, environment):
                started = time.monotonic()
                options = ("--max-failures", "1", "--baseline", str(accepted))
                code, requests = peer.run(
                    target_file, environment, *_peer_options(PLAIN_SEED), *options, timeout=TIMEOUT
                )
            files.write_whole(path, json.dumps([code == 1, requests, round(time.monotonic() - started, 1)]))
        reported, requests, seconds = json.loads(path.read_text(encoding="utf-8"))
        return reported, requests, seconds


def _peer_options(seed: int) -> tuple[str, ...]:
    # What goes on after a failure decides what is generated next: calibration and comparison have to agree on it.
    return ("--max-examples", str(BASELINE_EXAMPLES), "--seed", str(seed), "--continue-on-failure")


@dataclass(frozen=True)
class Scorecard:
    """What the results add up to."""

    results: Sequence[Result]

    def of(self, kind: str) -> list[Result]:
        return [result for result in self.results if result.kind == kind]

    @property
    def missed(self) -> list[Result]:
        return [result for result in self.of("fault") if not result.named]

    @property
    def false_alarms(self) -> list[Result]:
        return [result for kind in ("variation", "plain") for result in self.of(kind) if not result.clean]

    @property
    def survivors(self) -> list[tuple[str, str]]:
        """Mutants that nothing was reported of: the change, and what was found out about it."""
        reasons = mutants.explained()
        alive = [result.change for result in self.of("mutant") if not result.detected]
        return [(change, reasons.get(change, "not looked at yet")) for change in alive]

    @property
    def passed(self) -> bool:
        """Whether every fault is reported under its requirement and nothing else is."""
        return not self.missed and not self.false_alarms

    @property
    def unexercised(self) -> list[str]:
        """MUST and SHOULD requirements that no fault of the bank breaks."""
        broken = {fault.requirement for fault in faults.BANK}
        everything = requirements.load().requirements.values()
        return [r.id for r in everything if r.level != "OBSERVE" and r.id not in broken]

    @property
    def idle_tests(self) -> list[str]:
        """Test functions that ran and reported no fault; says something only of the whole bank."""
        if len(self.of("fault")) < len(list(faults.BANK)):
            return []
        caught = {test for result in self.of("fault") for test in result.tests}
        return sorted({test for result in self.of("fault") for test in result.ran} - caught)

    def rates(self, chosen: Sequence[Result]) -> dict[str, int]:
        return {
            "faults": len(chosen),
            "detected": sum(result.detected for result in chosen),
            "named": sum(result.named for result in chosen),
            "first": sum(result.right for result in chosen),
            "compared": sum(result.baseline is not None for result in chosen),
            "baseline": sum(bool(result.baseline) for result in chosen),
            "requests": sum(result.spent[0] for result in chosen),
            "baseline_requests": sum(result.baseline_requests for result in chosen),
            "seconds": round(sum(result.spent[1] for result in chosen)),
            "baseline_seconds": round(sum(result.baseline_seconds for result in chosen)),
        }

    def grouped(self, by: str) -> dict[str, dict[str, int]]:
        """Rates by ``area`` or ``difficulty``."""
        area_of = requirements.load().area_of
        groups: dict[str, list[Result]] = {}
        for result in self.of("fault"):
            name = area_of[result.requirements[0]] if by == "area" else result.difficulty
            groups.setdefault(name, []).append(result)
        return {name: self.rates(results) for name, results in groups.items()}

    def as_dict(self) -> dict[str, Any]:
        """The scorecard as plain data."""
        return {
            "overall": self.rates(self.of("fault")),
            "by_area": self.grouped("area"),
            "by_difficulty": self.grouped("difficulty"),
            "variations": len(self.of("variation")),
            "seeds": len(self.of("plain")),
            "mutants": len(self.of("mutant")),
            "survivors": self.survivors,
            "false_alarms": [asdict(result) for result in self.false_alarms],
            "missed": [asdict(result) for result in self.missed],
            "unexercised": self.unexercised,
            "idle_tests": self.idle_tests,
            "results": [asdict(result) for result in self.results],
        }

    def write(self, json_path: Path, markdown_path: Path) -> None:
        """Write the scorecard: the full record as JSON, and a page with one line for each fault."""
        summaries = {fault.id: fault.summary for fault in faults.BANK}
        page = templates.render("qualification.md.j2", card=self, summaries=summaries, **self.as_dict())
        for path, text in ((json_path, json.dumps(self.as_dict(), indent=1) + "\n"), (markdown_path, page)):
            files.write_whole(path, text)
