"""Set-up help: is a target file all right, what does the test bed lack, and what would a target file say?"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import tomli_w

from kuflow_conformance.target.credentials import Credentials
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.session import Session
from kuflow_conformance.target.target_file import Target, TestBedFile
from kuflow_conformance.world.bed import PARTS, TestBed, discover

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
    yield _accepted("the credentials", first)
    if session.second is not None:
        answer = session.send("GET", "/principals", query={"size": 1}, caller=session.second)
        yield _accepted("the credentials of the second tenant", answer)
    else:
        yield Finding("warning", "no second tenant", "add [second-tenant] to test that tenants are kept apart")
    stranger = session.send("GET", "/principals", query={"size": 1}, caller=Credentials.nobody())
    if stranger.ok:
        yield Finding("warning", "the target answers without credentials", "a run will report it")


def _accepted(what: str, exchange: Exchange) -> Finding:
    if exchange.ok:
        return Finding("ok", f"{what} are accepted")
    return Finding("problem", f"{what} are not accepted: findPrincipals answers {exchange.describe()[:120]}")


def _bed(bed: TestBed, writing: bool) -> Iterator[Finding]:
    for name, part in PARTS.items():
        value = getattr(bed, name)
        if value in (None, [], False):
            if part.by_trying and not writing:
                continue
            left = ", ".join(part.requirements)
            yield Finding("warning", bed.missing(name), f"without it, not tested: {left}" if left else "")
        else:
            yield Finding("ok", f"{name.replace('_', ' ')}{'' if value is True else f': {_shown(value)}'}")
    if not writing:
        yield Finding("ok", "whether a process can be started was not tried", "leave out --read-only to try")


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return str(
        getattr(value, "code", None) or getattr(value, "value_id", None) or getattr(value, "type", None) or value
    )


def target_file(target: Target, bed: TestBed) -> str:
    """A target file (TOML) that says what is known of a target, and names what is missing in comments."""
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
