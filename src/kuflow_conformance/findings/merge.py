"""Several records of one run's parts, made into the record of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from kuflow_conformance.description import requirements
from kuflow_conformance.errors import (
    EXIT_CONFORMANT,
    EXIT_INTERRUPTED,
    EXIT_NO_VERDICT,
    EXIT_NOT_CONFORMANT,
    InvalidRecord,
)
from kuflow_conformance.findings.causes import causes
from kuflow_conformance.findings.floor import unmet
from kuflow_conformance.findings.known import OUTDATED, WORST_FIRST
from kuflow_conformance.findings.record import verdict
from kuflow_conformance.findings.seal import seal

Record = dict[str, Any]

_SAME = ("format", "suite", "api", "profile", "seed")
"""What the parts of a run have in common, beside the name of the target; each machine may have a copy of its own."""

_OUTCOMES = ("not implemented", "not scored", "fail", "known", "warn", "pass", "observed", "not tested")


def merge(parts: Sequence[Record]) -> Record:
    """The record of the whole run. Raises InvalidRecord when `parts` are not the parts of one, each once."""
    _check(parts)
    merged = [_requirement([_by_id(part)[key] for part in parts if key in _by_id(part)]) for key in _keys(parts)]
    broken = [r["id"] for r in merged if r["outcome"] == "fail"]
    catalogue = requirements.load()
    for requirement in merged:
        follows = catalogue.explaining(requirement["id"], broken) if requirement["id"] in broken else None
        requirement["follows"] = follows
    followers = {r["id"] for r in merged if r["follows"]}
    seconds = max(part["seconds"] for part in parts)
    requests = sum(part["traffic"]["requests"] for part in parts)
    known = [_known([part["known"][n] for part in parts]) for n in range(len(parts[0]["known"]))]
    scope = _scope(parts)
    outdated = scope["there_after_all"] or any(entry["state"] in OUTDATED for entry in known)
    lacking = unmet(parts[0]["floor"], {r["id"]: r["outcome"] for r in merged})
    code = _exit_code(parts, bool(broken or outdated), bool(lacking))
    whole = {
        **parts[0],
        "started": min(part["started"] for part in parts),
        "seconds": seconds,
        "complete": all(part["complete"] for part in parts),
        "scope": scope,
        "verdict": verdict(code, [r["outcome"] for r in merged], whole=scope["whole"], there=scope["there_after_all"]),
        "reason": "; ".join(dict.fromkeys([part["reason"] for part in parts if part["reason"]] + lacking)),
        "exit_code": code,
        "traffic": {"requests": requests, "per_second": round(requests / seconds, 1) if seconds else 0.0},
        "tests": {name: sum(part["tests"][name] for part in parts) for name in parts[0]["tests"]},
        "errors": [error for part in parts for error in part["errors"]],
        "requirements": merged,
        "failed": sorted(broken, key=lambda key: key in followers),
        "known": known,
        "first_failure": min((p["first_failure"] for p in parts if p["first_failure"]), key=_moment, default=None),
        "operations": [_operation(list(same)) for same in zip(*(part["operations"] for part in parts), strict=True)],
        "missing": list(dict.fromkeys(line for part in parts for line in part["missing"])),
        "left": [key for part in parts for key in part["left"]],
        "shard": None,
        "costs": _costs(parts),
        "cut": {what: made for part in parts for what, made in part["cut"].items()},
    }
    return seal({**whole, "causes": causes(whole)})


def _check(parts: Sequence[Record]) -> None:
    first = parts[0]
    for part in parts:
        for name, mine, other in [(name, part[name], first[name]) for name in _SAME] + [
            ("target", part["target"]["name"], first["target"]["name"])
        ]:
            if mine != other:
                raise InvalidRecord(f"not parts of one run: {name} is {other!r} and {mine!r}")
        if not part.get("shard"):
            raise InvalidRecord(f"the run {part['run']} is a whole one; only those with --shard can be merged")
    wanted = int(first["shard"].partition("/")[2])
    given = Counter(part["shard"] for part in parts)
    if missing := [f"{n}/{wanted}" for n in range(1, wanted + 1) if given[f"{n}/{wanted}"] == 0]:
        raise InvalidRecord(f"parts are missing: {', '.join(missing)}")
    if len(parts) > wanted:
        raise InvalidRecord(f"parts are there twice: {', '.join(key for key, number in given.items() if number > 1)}")


def _by_id(part: Record) -> dict[str, Record]:
    return {requirement["id"]: requirement for requirement in part["requirements"]}


def _keys(parts: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(requirement["id"] for part in parts for requirement in part["requirements"]))


def _requirement(same: Sequence[Record]) -> Record:
    key = same[0]["id"]
    outcome = min((r["outcome"] for r in same), key=_OUTCOMES.index)
    failures = sorted((f for r in same for f in r["failures"]), key=lambda f: len(str(f["exchange"]["request"])))
    observations = sum((Counter(r["observations"]) for r in same), Counter[str]())
    reasons = "; ".join(dict.fromkeys(r["reason"] for r in same if r["reason"]))
    return {
        **same[0],
        "outcome": outcome,
        "reason": reasons if outcome == "not tested" else "",
        "checks": sum(r["checks"] for r in same),
        "failed": sum(r["failed"] for r in same),
        "findings": _findings(same),
        "failures": [{**failure, "id": f"{key}.{number}"} for number, failure in enumerate(failures, 1)],
        "example": next((r["example"] for r in same if r["example"]), None),
        "observations": dict(observations.most_common(20)),
        **{name: sorted({x for r in same for x in r[name]}) for name in ("operations", "tests", "failing_tests")},
    }


def _known(same: Sequence[Record]) -> Record:
    """A known failure: broken still if it is in any part."""
    return {**same[0], "state": min((entry["state"] for entry in same), key=WORST_FIRST.index)}


def _findings(same: Sequence[Record]) -> list[Record]:
    """The findings of one requirement, each once."""
    merged: dict[tuple[str, str], Record] = {}
    for finding in (finding for requirement in same for finding in requirement["findings"]):
        key = (finding["operation"], finding["fingerprint"])
        other = merged.get(key, {**finding, "count": 0, "tests": []})
        tests = sorted({*other["tests"], *finding["tests"]})
        repeated = other["repeated"] or finding["repeated"]
        merged[key] = {**other, "repeated": repeated, "count": other["count"] + finding["count"], "tests": tests}
    return list(merged.values())


def _costs(parts: Sequence[Record]) -> Record:
    """What the tests of all parts have cost."""
    added: dict[str, Counter[str]] = {}
    for part in parts:
        for name, cost in part.get("costs", {}).items():
            added.setdefault(name, Counter()).update(cost)
    return {name: dict(cost) for name, cost in sorted(added.items())}


def _scope(parts: Sequence[Record]) -> Record:
    """What the parts together are about."""
    own = f"part {parts[0]['shard']}"
    label = ", ".join(words for words in parts[0]["scope"]["label"].split(", ") if words != own)
    there = sorted({key for part in parts for key in part["scope"]["there_after_all"]})
    return {**parts[0]["scope"], "label": label, "whole": not label, "there_after_all": there}


def _moment(first_failure: Record) -> float:
    return float(first_failure["seconds"])


def _exit_code(parts: Sequence[Record], broken: bool, lacking: bool) -> int:
    codes = [part["exit_code"] for part in parts]
    if EXIT_INTERRUPTED in codes:
        return EXIT_INTERRUPTED
    if broken:
        return EXIT_NOT_CONFORMANT
    return EXIT_NO_VERDICT if lacking or EXIT_NO_VERDICT in codes else EXIT_CONFORMANT


def _operation(same: Sequence[Record]) -> Record:
    """An operation; its median is that of the parts, weighted, since single times are not recorded."""
    statuses: Counter[str] = sum((Counter(o["statuses"]) for o in same), Counter())
    timed = [o for o in same if o["milliseconds"]]
    requests = sum(o["requests"] for o in timed)
    times = {}
    if timed:
        times = {
            "p50": round(sum(o["milliseconds"]["p50"] * o["requests"] for o in timed) / requests, 1),
            "p95": round(sum(o["milliseconds"]["p95"] * o["requests"] for o in timed) / requests, 1),
            "max": max(o["milliseconds"]["max"] for o in timed),
        }
    successes = sum(o["successes"] for o in same)
    outcome = "tested" if successes else "not tested"
    return {
        **same[0],
        "requests": sum(o["requests"] for o in same),
        "successes": successes,
        "outcome": same[0]["outcome"] if same[0]["outcome"] == "not implemented" else outcome,
        "statuses": dict(sorted(statuses.items())),
        "milliseconds": times,
        "coverage": {point: any(o["coverage"][point] for o in same) for point in same[0]["coverage"]},
    }
