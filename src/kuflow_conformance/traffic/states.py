"""Processes, items and whatever else has an id: each answer held against what earlier ones showed.

Three things are certain whoever acts. What says of itself that it was last modified at the same moment is the same.
What cannot be undone (the end of a task, who created what and when) stays. And what was there before an operation on
all of it was seen is concerned by it. Anything else is a suspicion, for `Quiet` to hold back.

It is long, as each rule on what a resource was and is now is a method beside the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kuflow_conformance.oracles import Finding, found, shown
from kuflow_conformance.oracles.effects import SAVED_AT, path_id, value_at
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.json_patch import MUST, outcome
from kuflow_conformance.oracles.lifecycle import ACTIVE
from kuflow_conformance.oracles.resources import MODIFIED, disagreements, same_id, same_value
from kuflow_conformance.oracles.values import survives
from kuflow_conformance.target.exchange import Exchange, parse_json
from kuflow_conformance.traffic.memory import (
    ACTS,
    VERSIONS_KEPT,
    Act,
    Event,
    Json,
    Known,
    Memory,
    Shown,
    small,
    state_of,
)
from kuflow_conformance.traffic.quiet import Quiet

RESOLUTION = 0.02
"""Seconds that a clock may take for two changes to be told apart."""

FRESH = 3600.0
"""Seconds for which what was there counts as being there still: nothing in the API deletes."""

_IGNORED = {
    # These change by themselves: relations and names elsewhere, errors in any order, logs by the workflow.
    *("processRelated", "processDefinition.name", "task.taskDefinition.name", "task.logs", "environmentVariables"),
    *("metadata.errors", "entity.errors", "task.data.errors", "message.data.errors"),
}
_LASTING = ("createdAt", "createdBy", "processId", "type", "processDefinition.id", "task.taskDefinition.code")
_STEPS = ("add", "remove", "replace", "move", "copy", "test")
_AGAIN = {"completeProcess": ("COMPLETED", "PRC-008"), "cancelProcess": ("CANCELLED", "PRC-009")}
"""Operation → the state in which it takes no action, and the requirement that says so."""


class States:
    """Judges answers about single resources, and remembers them."""

    def __init__(self, memory: Memory, quiet: Quiet) -> None:
        self._memory = memory
        self._quiet = quiet

    def judge(self, exchange: Exchange, caller: str, started: float, ended: float, timed: bool) -> Iterator[Finding]:
        """Hold an answer against what is known, and remember it."""
        act = ACTS.get(exchange.operation_id)
        if act is None:
            return
        body = parse_json(exchange.request_body) if exchange.request_body else None
        if exchange.refused:
            yield from self._refused(exchange, act, body, caller, started, ended)
            return
        key = exchange.object.get("id")
        if not exchange.ok or not isinstance(key, str) or not small(exchange):
            self._lost(exchange, act, started, ended)
            return
        known = self._memory.of(act.kind, key)
        now = Shown(exchange.object, exchange.operation_id, started, ended, caller=caller)
        if timed:
            yield from self._final(known, now)
            yield from self._cascade(known, now)
        yield from self._lasting(known, now)
        if act.creates:
            yield from self._creation(known, now, exchange, body)
        yield from self._same_version(known, now, act, exchange, body)
        if timed:
            yield from self._advanced(known, now, act, exchange, body)
            yield from self._older(known, now)
            yield from self._log(known, now, act)
            self._alone(known, now, act, exchange, body)
        yield from self._named(exchange, now, body)
        self._remember(known, now, act, exchange, body)

    # What is remembered

    def _remember(self, known: Known, now: Shown, act: Act, exchange: Exchange, body: Any) -> None:
        if act.creates and exchange.status == 201:
            known.created = now
            known.creation = body if isinstance(body, dict) else {}
        elif act.creates:
            known.repeated = True
        known.first = known.first or now
        known.seen_by.add(now.caller)
        if known.last is None or now.ended >= known.last.ended:
            known.last = now
        if act.kind == "item" and isinstance(process := now.content.get("processId"), str):
            self._memory.belongs(known.key, process)
        if act.changes and exchange.status != 304:
            self._memory.note(known, Event(now.operation, now.started, now.ended, ok=True))
        keep_version(known, now)
        if known.final is None and state_of(now.content) in ("COMPLETED", "CANCELLED"):
            known.final = now
        logs = value_at(now.content, ("task", "logs"))
        if isinstance(logs, list) and now.ended >= known.log_ended:
            known.log, known.log_ended = [entry for entry in logs if isinstance(entry, dict)], now.ended

    def _lost(self, exchange: Exchange, act: Act, started: float, ended: float) -> None:
        """An answer that does not show what became of a resource: a change may still happen."""
        key = path_id(exchange) if not act.creates else ""
        if act.changes and key and (known := self._memory.get(act.kind, key)):
            until = ended if exchange.status and exchange.status < 500 else ended + 60
            self._memory.note(known, Event(exchange.operation_id, started, until, ok=True))

    # What is certain whoever acts

    def _final(self, known: Known, now: Shown) -> Iterator[Finding]:
        """What has ended has ended."""
        final = known.final
        if final is None or final.ended > now.started:
            return
        was, state = state_of(final.content), state_of(now.content)
        if was is None or state is None:
            return
        if known.kind == "process":
            requirement = {"COMPLETED": "PRC-004", "CANCELLED": "PRC-005"}[was]
            expected = f"a process that was {was} not to run again"
            yield found(requirement, state != "RUNNING", expected, f"state {state} after {now.operation}")
            return
        requirement = "ITM-010"
        cancelled = [e for e in known.between(final.started, now.ended) if e.operation == "cancelProcess"]
        if was == "COMPLETED" and state == "CANCELLED" and cancelled:
            requirement = "PRC-007"
        elif final.operation == "completeProcessItemTask" and now.operation == "retrieveProcessItem":
            requirement = "ITM-008"
        yield found(requirement, state == was, f"a task that is {was} for good", f"{state} after {now.operation}")

    def _cascade(self, known: Known, now: Shown) -> Iterator[Finding]:
        """No task of a cancelled process is active, if it was there before."""
        process = self._memory.get("process", str(now.content.get("processId")))
        if known.kind != "item" or process is None or known.first is None or process.last is None:
            return
        ended = process.final
        if ended is None or ended.operation != "cancelProcess" or state_of(ended.content) != "CANCELLED":
            return
        if known.first.ended < ended.started and ended.ended < now.started:
            state = state_of(now.content)
            expected = "no active task in a process that was cancelled"
            yield found("PRC-006", state not in ACTIVE, expected, f"state {state}")

    def _lasting(self, known: Known, now: Shown) -> Iterator[Finding]:
        """Who made what and when, and of which kind it is, never changes."""
        before = known.first
        if before is None:
            return
        for name in _LASTING:
            path = tuple(name.split("."))
            first, second = value_at(before.content, path), value_at(now.content, path)
            if first is not None and second is not None:
                requirement = "RED-007" if name.startswith("created") else "RED-003"
                if "created" in name and now.operation == "createProcess" and before is known.created:
                    requirement = "IDM-002"
                same = _same_moment(first, second) if name == "createdAt" else same_value(first, second)
                yield found(requirement, same, f"{name} {shown(first)}, as {before.operation} showed", shown(second))

    def _creation(self, known: Known, now: Shown, exchange: Exchange, body: Any) -> Iterator[Finding]:
        before = known.created or known.first
        if before is None:
            return
        if exchange.status == 201:
            asked = body.get("id") if isinstance(body, dict) else None
            overlapping = before.ended > now.started
            if asked is None:
                requirement, expected = "IDM-005", "a new resource, as no id was sent"
            elif overlapping:
                requirement, expected = "IDM-007", "one 201 for simultaneous creations with one id"
            elif str(asked) != str(known.creation.get("id", asked)):
                requirement, expected = "RED-008", "200, as this id is known in another case"
            else:
                requirement, expected = "IDM-002", "status 200 for an id that was created before"
            yield found(requirement, False, expected, f"201 for {known.key}")
            return
        yield found("IDM-002", True, "status 200 for an id that was created before", 200)

    def _same_version(self, known: Known, now: Shown, act: Act, exchange: Exchange, body: Any) -> Iterator[Finding]:
        """What was last modified at the same moment is the same."""
        moment = now.moment
        for before in known.versions.get(moment, []) if moment else []:
            if before.row and now.row:
                continue
            complete = before.operation == now.operation and before.caller == now.caller
            complete = complete and now.operation.startswith("retrieve")
            wrong = differences(before.content, now.content, complete=complete)
            requirement = self._blamed(known, before, now, act, wrong, body) if wrong else act.kept or "RED-003"
            if act.creates and not wrong:
                requirement = "IDM-002" if exchange.status == 200 else act.kept
            if requirement:
                expected = f"what {before.operation} showed, as lastModifiedAt is still {moment.isoformat()}"  # type: ignore[union-attr]
                yield found(requirement, not wrong, expected, "; ".join(wrong))

    def _blamed(self, known: Known, before: Shown, now: Shown, act: Act, wrong: list[str], body: Any) -> str:
        """The requirement that is broken by a difference within one version; empty when that is open."""
        places = [place_of(text) for text in wrong]
        if before.row or now.row:
            return "RED-002"
        if act.creates:
            return "IDM-004" if body != known.creation else "IDM-002"
        if all(place.endswith(".valid") for place in places):
            changing = before.operation if not act.changes else now.operation
            creating = changing.startswith("create")
            return "JSV-012" if creating else "PAT-006" if changing.startswith("patch") else _validity(known, before)
        own = all(_within(place, act.own) for place in places)
        between = known.between(before.started, now.ended)
        between = [e for e in between if e.started >= before.ended or not e.own]
        if act.changes:
            apart = now.started - (before.since or before.ended) > RESOLUTION
            return "RED-005" if own and apart else "" if own else act.rest
        if any(event.ok for event in between):
            done = [event for event in between if event.ok]
            return "RED-005" if done[-1].started - before.ended > RESOLUTION else ""
        if between:
            return ACTS[between[-1].operation].refused
        cause = ACTS[before.operation]
        if not cause.changes:
            return "RED-003"
        return _not_kept(cause, before, places)

    def _advanced(self, known: Known, now: Shown, act: Act, exchange: Exchange, body: Any) -> Iterator[Finding]:
        """A change advances lastModifiedAt: an appended entry is always one."""
        before, moment = known.last, now.moment
        if now.operation != "appendProcessItemTaskLog" or moment is None or before is None or before.moment is None:
            return
        if moment.microsecond and before.ended <= now.started:
            first = known.versions.get(moment, [before])[0]
            if now.started - (first.since or first.ended) > RESOLUTION:
                expected = f"lastModifiedAt after {before.moment.isoformat()}, before {now.operation}"
                yield found("RED-005", moment > before.moment, expected, moment.isoformat())

    def _older(self, known: Known, now: Shown) -> Iterator[Finding]:
        """What was answered as done does not turn into what was there before."""
        last, moment = known.last, now.moment
        if last is None or moment is None or last.moment is None or last.ended > now.started:
            return
        if moment >= last.moment or moment not in known.versions:
            return
        former = known.versions[moment][0]
        cause = ACTS.get(last.operation)
        wrong = differences(last.content, former.content)
        if cause is None or not wrong or differences(former.content, now.content):
            return
        requirement = _not_kept(cause, last, [place_of(text) for text in wrong]) if cause.changes else "RED-003"
        expected = f"what {last.operation} showed, of {last.moment.isoformat()}"
        yield found(requirement, False, expected, f"what was there before, of {moment.isoformat()}")

    def _log(self, known: Known, now: Shown, act: Act) -> Iterator[Finding]:
        """The entries of a log keep their order; the oldest go first."""
        logs = value_at(now.content, ("task", "logs"))
        if not isinstance(logs, list):
            return
        entries = [entry for entry in logs if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
        keys = [str(entry["id"]).lower() for entry in entries]
        yield found("LOG-003", len(set(keys)) == len(keys), "an id of its own for each entry", f"{len(keys)} entries")
        old = [str(entry.get("id")).lower() for entry in known.log]
        if not old or known.log_ended > now.started or len(set(keys)) < len(keys) or len(set(old)) < len(old):
            return
        if len(keys) < len(old) and not set(keys) & set(old):
            requirement = act.rest if act.changes else ACTS[known.last.operation].rest if known.last else ""
            yield found(requirement or "LIF-001", False, f"a log with some of the {len(old)} entries", f"{len(keys)}")
            return
        common = [key for key in keys if key in old]
        kept = [key for key in old if key in keys]
        yield found("LOG-002", common == kept, "the entries in the order they had", f"{common} where {kept} were")
        if common != kept or not kept:
            return
        # The side on which new entries appear is the side of the newest.
        newest_last = keys[: len(kept)] == kept or keys[-1] not in old
        gone = [key for key in old if key not in keys]
        older = old[: old.index(kept[0])] if newest_last else old[old.index(kept[-1]) + 1 :]
        wrong = [key for key in gone if key not in older]
        yield found("LOG-004", not wrong, "the oldest entries to go first", f"{wrong} gone before {kept[:1]}")

    def _named(self, exchange: Exchange, now: Shown, body: Any) -> Iterator[Finding]:
        """Who was named by id or by email is who is shown."""
        requirement, prefix, place = {
            "createProcess": ("PRC-003", "initiator", "initiatorId"),
            "changeProcessInitiator": ("PRC-013", "initiator", "initiatorId"),
            "createProcessItem": ("ITM-005", "owner", "ownerId"),
            "assignProcessItemTask": ("ITM-007", "owner", "ownerId"),
        }.get(now.operation, ("", "", ""))
        if (
            not requirement
            or not isinstance(body, dict)
            or exchange.status == (200 if "create" in now.operation else 0)
        ):
            return
        if state_of(now.content) in ("COMPLETED", "CANCELLED"):
            return  # it may be refused without saying so
        asked, email, seen = body.get(f"{prefix}Id"), body.get(f"{prefix}Email"), now.content.get(place)
        if asked is None and email is None:
            return
        if seen is None:
            yield found(requirement, False, f"{place} {asked or email}", "none")
            return
        shown_principal = self._memory.principals.get(str(seen).lower(), {})
        if isinstance(asked, str):
            meant = self._memory.principals.get(asked.lower(), {}).get("id")
            if same_id(seen, asked) or meant is not None:
                yield found(requirement, same_id(seen, asked) or same_id(seen, meant), f"{place} {asked}", seen)
        elif isinstance(email, str) and shown_principal:
            address = value_at(shown_principal, ("user", "email"))
            if isinstance(address, str) or shown_principal.get("type") != "USER":
                right = isinstance(address, str) and address.lower() == email.lower()
                yield found(requirement, right, f"{place} of {email}", f"{seen}, {address or shown_principal['type']}")

    # Refusals

    def _refused(
        self, exchange: Exchange, act: Act, body: Any, caller: str, started: float, ended: float
    ) -> Iterator[Finding]:
        key = str(body.get("id", "")) if act.creates and isinstance(body, dict) else path_id(exchange)
        known = self._memory.get(act.kind, key) if key else None
        if known is None or exchange.status in (401, 403, 429):
            return
        if act.changes and not act.creates:
            known.events.append(Event(exchange.operation_id, started, ended, ok=False))
        if known.last is None or known.last.ended > started or started - known.last.ended > FRESH:
            return
        if caller not in known.seen_by:
            return
        if act.creates and known.created and body == known.creation:
            expected = "status 200 and the same resource, as for any repeated creation"
            self._quiet.suspect(found("IDM-002", False, expected, exchange.describe()), exchange)
        elif exchange.operation_id in _AGAIN and state_of(known.last.content) == _AGAIN[exchange.operation_id][0]:
            state, requirement = _AGAIN[exchange.operation_id]
            expected = f"success, as the process is {state} already"
            self._quiet.suspect(found(requirement, False, expected, exchange.describe()), exchange)
        elif exchange.operation_id.startswith("retrieve") and key != known.latest.get("id"):
            expected = f"the resource, which is known as {known.latest.get('id')}"
            yield found("RED-008", False, expected, exchange.describe())

    # Suspicions

    def _alone(self, known: Known, now: Shown, act: Act, exchange: Exchange, body: Any) -> None:
        """Whether somebody else changed a resource that this stream made, and what follows if nobody did."""
        before = known.last
        if known.created is None or before is None or before.moment is None or now.moment is None:
            return
        if before.ended > now.started or self._memory.under_way(known, now.ended):
            return
        between = [e for e in known.between(before.started, now.ended) if not (e.own and e.started == before.started)]
        if any(event.ok for event in between):
            return  # something that this stream did may be the cause
        same = now.moment == before.moment
        neutral = act.creates or (
            now.operation in _AGAIN and state_of(before.content) == _AGAIN[now.operation][0] == state_of(now.content)
        )
        if act.changes and not neutral:
            self._expect(before, now, act, exchange, body)
        elif same:
            self._quiet.undisturbed()
        elif between or neutral:
            requirement = _AGAIN[now.operation][1] if now.operation in _AGAIN else "IDM-002"
            requirement = requirement if neutral else ACTS[between[-1].operation].refused
            cause = now.operation if neutral else f"the refused {between[-1].operation}"
            expected = f"lastModifiedAt {before.moment.isoformat()}, as {cause} changes nothing"
            self._quiet.suspect(found(requirement, False, expected, now.moment.isoformat()), exchange)
        else:
            self._quiet.disturbed()

    def _expect(self, before: Shown, now: Shown, act: Act, exchange: Exchange, body: Any) -> None:
        """What a change makes of what was there before, if nobody else changed that meanwhile."""
        if state_of(before.content) in ("COMPLETED", "CANCELLED"):
            return
        wrong = differences(before.content, now.content, own=act.own)
        for requirement, text in self._wrong_result(before, now, body):
            self._quiet.suspect(found(requirement, False, text, exchange.describe()), exchange)
            return
        if wrong:
            expected = f"what was there before {now.operation}, but for {', '.join(act.own)}"
            self._quiet.suspect(found(act.rest, False, expected, "; ".join(wrong)), exchange)
        else:
            self._quiet.undisturbed()

    def _wrong_result(self, before: Shown, now: Shown, body: Any) -> Iterator[tuple[str, str]]:
        operation, state = now.operation, state_of(now.content)
        wanted = {
            "completeProcess": ("COMPLETED", "PRC-004"),
            "cancelProcess": ("CANCELLED", "PRC-005"),
            "completeProcessItemTask": ("COMPLETED", "ITM-008"),
            "claimProcessItemTask": ("CLAIMED", "ITM-006"),
        }.get(operation)
        if wanted and state is not None and state != wanted[0]:
            yield wanted[1], f"state {wanted[0]} after {operation}"
        if operation == "claimProcessItemTask" and state == "CLAIMED" and now.content.get("ownerId") is None:
            yield "ITM-006", "the caller as owner of the claimed task"
        if operation.startswith("patch") and isinstance(body, list):
            where = SAVED_AT[operation]
            base = value_at(before.content, (*where, "value")) or {}
            result = value_at(now.content, (*where, "value")) or {}
            steps = [step for step in body if isinstance(step, dict) and step.get("op") in _STEPS]
            if len(steps) < len(body) or not all(isinstance(step.get("path"), str) for step in steps):
                return
            right = outcome(base, steps)
            if right.firmness < MUST:
                return
            if not right.applies:
                requirement = "PAT-002" if any(step["op"] == "test" for step in steps) else "PAT-004"
                yield requirement, f"a refusal (4xx), as the patch does not apply: {right.why}"
            elif not survives(right.value, result):
                yield "PAT-001", f"{shown(right.value)}, which the patch makes of {shown(base)}"


def differences(first: Json, second: Json, *, complete: bool = False, own: tuple[str, ...] = ()) -> list[str]:
    """Where two answers about one resource contradict each other; see `disagreements`."""
    ignored = _IGNORED | {*own} | ({*MODIFIED} if own else set())
    found_ = disagreements(first, second, ignore=ignored, complete=complete)
    return [text for text in found_ if not _within(place_of(text), own)]


def place_of(difference: str) -> str:
    """The place of the resource that a difference is about."""
    return difference.partition(" is ")[0]


def _within(place: str, own: tuple[str, ...]) -> bool:
    return any(place == path or place.startswith(path + ".") for path in own) or place in MODIFIED


def _not_kept(cause: Act, before: Shown, places: list[str]) -> str:
    """The requirement that is broken when what an operation showed is not there later."""
    if cause.creates and "state" in places:
        return "PRC-001"
    if cause.creates and before.content.get("type") == "MESSAGE":
        return "ITM-004"
    if cause.creates and places == ["task.state"]:
        return "ITM-003"
    return cause.kept if cause.creates or any(_within(place, cause.own) for place in places) else cause.rest


def _validity(known: Known, before: Shown) -> str:
    return "JSV-007" if before.operation.startswith("update") else "JSV-004"


def _same_moment(first: Any, second: Any) -> bool:
    """Whether two timestamps are of one moment: one may be cut, to milliseconds or to whole seconds."""
    one, other = parse_instant(first), parse_instant(second)
    if one is None or other is None:
        return True
    fine = one.microsecond and other.microsecond
    return abs(one - other) <= timedelta(milliseconds=1 if fine else 1000)


def keep_version(known: Known, now: Shown) -> None:
    """Remember what was shown under the moment of its last modification, if that can be told from the next one."""
    moment = now.moment
    if moment is None or not moment.microsecond:
        return  # a clock of whole seconds, or one time in a thousand
    versions = known.versions.setdefault(moment, [])
    if versions:
        now = replace(now, since=min(shown_.since or shown_.ended for shown_ in versions))
    versions[:] = [shown_ for shown_ in versions if shown_.row != now.row] + [now]
    versions.sort(key=lambda shown_: shown_.row)
    while len(known.versions) > VERSIONS_KEPT:
        known.versions.popitem(last=False)
