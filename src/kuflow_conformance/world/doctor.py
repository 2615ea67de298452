"""Set-up help: is a target file all right, what does the test bed lack, and what would a target file say?"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import tomli_w

from kuflow_conformance.description import openapi
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.target.credentials import Credentials
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.session import Session
from kuflow_conformance.target.target_file import Implements, Require, Target, TestBedFile
from kuflow_conformance.world.bed import PARTS, TestBed, discover

UNKNOWN = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""

MARGIN = 5
"""Percent of the requirements that may turn out not to be tested for reasons that only a run finds."""

CLOCK_SKEW = 60.0
"""Seconds by which the clocks of the target and of this machine may differ without a warning."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    mark: Literal["ok", "warning", "problem"]
    what: str
    advice: str = ""


def examine(target: Target, session: Session, *, writing: bool) -> Iterator[Finding]:
    """Look at a target without testing it: reachability, TLS, clock, credentials, test bed.

    With `writing`, a process is started and cancelled, to see what the credentials may do.
    """
    first = session.send("GET", "/principals", query={"size": 1})
    if first.failure:
        yield Finding("problem", f"{target.base_url} does not answer", first.failure)
        return
    yield Finding("ok", f"{target.base_url} answers, in {first.elapsed * 1000:.0f} ms")
    yield from _transport(target)
    yield from _clock(first)
    if target.target.production:
        yield Finding("ok", "the target is named production", "a run reads only, unless told --write-to-production")
    credentials = list(_credentials(session, first))
    yield from credentials
    if any(finding.mark == "problem" for finding in credentials):
        return
    bed = discover(target, session, str(uuid.uuid4()), writing=writing)
    yield from _bed(bed, writing)


def _transport(target: Target) -> Iterator[Finding]:
    if urlsplit(target.base_url).scheme == "http":
        local = urlsplit(target.base_url).hostname in ("127.0.0.1", "localhost", "::1")
        if not local:
            yield Finding("warning", "secrets travel unencrypted", "use an https URL")
    elif target.http.verify:
        yield Finding("ok", "the certificate is valid")
    else:
        yield Finding("warning", "the certificate is not looked at", "name its authority with http.ca-bundle instead")


def _clock(exchange: Exchange) -> Iterator[Finding]:
    if exchange.date is None:
        return
    skew = abs((exchange.date - datetime.now(UTC)).total_seconds())
    if skew > CLOCK_SKEW:
        yield Finding("warning", f"the clock of the target differs by {skew:.0f} s", "timestamps are judged by it")
    else:
        yield Finding("ok", "the clocks agree")


def _credentials(session: Session, first: Exchange) -> Iterator[Finding]:
    name, first = _first_there(session, first)
    if not name:
        yield Finding("problem", "no list of the API is there", f"findPrincipals answers {first.describe()[:120]}")
        return
    yield _accepted("the credentials", first)
    path = session.description.operations[name].path
    if session.second is not None:
        answer = session.send("GET", path, query={"size": 1}, caller=session.second)
        yield _accepted("the credentials of the second tenant", answer)
    else:
        yield Finding("warning", "no second tenant", "add [second-tenant] to test that tenants are kept apart")
    stranger = session.send("GET", path, query={"size": 1}, caller=Credentials.nobody())
    if stranger.ok:
        yield Finding("warning", "the target answers without credentials", "a run will report it")


NOT_THERE = (404, 405, 501)
"""Statuses with which servers answer operations that they do not have."""


def _first_there(session: Session, first: Exchange) -> tuple[str, Exchange]:
    """The first list that the target has, by its operationId, and its answer; without one, the answer it began with."""
    if first.status not in NOT_THERE:
        return "findPrincipals", first
    for operation in session.description.operations.values():
        if operation.is_list and operation.id != "findPrincipals":
            answer = session.send("GET", operation.path, query={"size": 1})
            if answer.status not in NOT_THERE and not answer.failure:
                return operation.id, answer
    return "", first


def _accepted(what: str, exchange: Exchange) -> Finding:
    answer = f"{exchange.operation_id} answers {exchange.describe()[:120]}"
    if exchange.ok:
        return Finding("ok", f"{what} are accepted")
    if exchange.status in (401, 403):
        return Finding("problem", f"{what} are not accepted: {answer}")
    return Finding("problem", f"whether {what} are accepted cannot be told: {answer}")


def missing_operations(session: Session, *, writing: bool) -> list[str]:
    """Operations that the target does not seem to have, by what it answers to a request that should not be refused so.

    Each is asked for something that does not exist, or in a way that changes nothing: 501 and 405 tell; 404 tells
    only where no id is in the path. Without `writing`, operations that change things are asked nothing.
    """
    missing = []
    for operation in session.description.operations.values():
        if not (operation.is_read_only or writing):
            continue
        needs_id = "{id}" in operation.path
        body = b"{}" if any("json" in kind for kind in operation.bodies) else None
        answer = session.call(operation, id=UNKNOWN if needs_id else None, content=body)
        if answer.status in (405, 501) or (answer.status == 404 and not needs_id):
            missing.append(operation.id)
    return missing


def _bed(bed: TestBed, writing: bool) -> Iterator[Finding]:
    for name, part in PARTS.items():
        value = getattr(bed, name)
        if name == "claimable" and not (writing and bed.tasks):
            continue  # there was no task to try it with
        if value in (None, [], False):
            if part.by_trying and not writing:
                continue
            left = ", ".join(part.requirements)
            yield Finding("warning", bed.missing(name), f"without it, not tested: {left}" if left else "")
        else:
            yield Finding("ok", f"{name.replace('_', ' ')}{'' if value is True else f': {_shown(value)}'}")
    if not writing:
        yield Finding("ok", "nothing was written: whether a process can be started was not tried", "say --write to try")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(
        getattr(value, "code", None) or getattr(value, "value_id", None) or getattr(value, "type", None) or value
    )


def floor(catalogue: Catalogue, bed: TestBed, *, writing: bool) -> str | None:
    """The share of a core run's requirements that what was found should do for, less a margin; None when untried."""
    if not writing:
        return None
    usual = catalogue.in_profile("core")
    lost = {key for name, part in PARTS.items() if getattr(bed, name) in (None, [], False) for key in part.requirements}
    if bed.definition_id is None:
        lost |= usual - catalogue.in_profile("read-only")
    elif not bed.tasks:
        lost |= {key for key in usual if key[:3] in ("ITM", "LOG")}
    share = 100 * len(usual - lost) / len(usual) - MARGIN
    return f"{max(0, int(share // 5 * 5))}%"


def target_file(
    target: Target, bed: TestBed, *, share: str | None = None, missing_operations: Collection[str] = ()
) -> str:
    """A target file (TOML) that says what is known of a target, and names what is missing in comments.

    `share` of the requirements have to be tested from then on; `missing_operations` are declared not to be there.
    """
    if share:
        target = target.model_copy(update={"require": Require(tested=share)})
    if missing_operations:
        there = [name for name in openapi.load().operations if name not in missing_operations]
        target = target.model_copy(update={"implements": Implements(operations=there)})
    document = target.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    found = bed.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    found["process_definition_id"] = found.pop("definition_id", None)
    known = TestBedFile.model_validate({name: found.get(name) for name in TestBedFile.model_fields if found.get(name)})
    document["test-bed"] = known.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    missing = [f"# - {bed.missing(name)}\n" for name in PARTS if getattr(bed, name) in (None, [])]
    head = "# Found by `kuflow-conformance init`. Secrets are named by environment variable, never written down.\n"
    if missing:
        head += "# What could not be found, and leaves requirements untested:\n" + "".join(missing)
    return head + "\n" + tomli_w.dumps(document)
