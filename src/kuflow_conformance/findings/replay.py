"""Sending the requests of a recorded failure again, on new resources."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kuflow_conformance.errors import InvalidRecord
from kuflow_conformance.target.credentials import Credentials
from kuflow_conformance.target.curl import SHOWN
from kuflow_conformance.target.exchange import Exchange, parse_json
from kuflow_conformance.target.session import Session


@dataclass(frozen=True)
class Repeated:
    """A request of the record and what it was answered with now."""

    operation: str
    then: int
    now: Exchange


def failure(record: dict[str, Any], key: str) -> dict[str, Any]:
    """The failure with this id. Raises InvalidRecord when the record has none."""
    failures: dict[str, dict[str, Any]] = {
        failed["id"]: failed for requirement in record["requirements"] for failed in requirement["failures"]
    }
    if key not in failures:
        known = f"it has {', '.join(list(failures)[:8])}" if failures else "it has no failure"
        raise InvalidRecord(f"there is no failure {key!r} in this record; {known}")
    return failures[key]


def replay(record: dict[str, Any], failed: dict[str, Any], session: Session) -> Iterator[Repeated]:
    """Send what led to the failure and the request that failed, then cancel the processes made here.

    Ids that the recorded run made up are replaced by new ones, ids that the target gave by those it gives now.
    Raises InvalidRecord when a request cannot be sent again from the record.
    """
    last = {
        "operation": failed["operation"],
        "request": failed["exchange"]["request"],
        "status": failed["exchange"]["response"]["status"],
        "answer_id": "",
    }
    steps = [*failed["steps"], last]
    for step in steps:
        _check(step, session)
    renamed: dict[str, str] = {}
    made: list[str] = []
    try:
        for step in steps:
            exchange = _send(step, record["target"]["url"], renamed, session)
            key = exchange.object.get("id")
            if exchange.ok and isinstance(key, str):
                if step["answer_id"] and step["answer_id"].lower() not in renamed:
                    renamed[step["answer_id"].lower()] = key
                if exchange.operation_id == "createProcess":
                    made.append(key)
            yield Repeated(step["operation"], step["status"], exchange)
    finally:
        for key in made:
            session.call(session.description.operations["cancelProcess"], id=key)


def _callers(session: Session) -> dict[str, Credentials]:
    known = (session.main, session.second, Credentials.nobody(), *session.almost_right, *session.written_otherwise)
    return {credentials.name: credentials for credentials in known if credentials}


def _check(step: dict[str, Any], session: Session) -> None:
    request = step["request"]
    if not request["complete"]:
        raise InvalidRecord(f"{step['operation']} cannot be sent again: the record does not hold its whole body")
    if request["caller"] not in _callers(session):
        raise InvalidRecord(
            f"{step['operation']} cannot be sent again: its credentials were {request['caller']}; use the curl command"
        )


def _send(step: dict[str, Any], base_url: str, renamed: dict[str, str], session: Session) -> Exchange:
    request = step["request"]
    body = parse_json(request["body"].encode()) if request["body"] else None
    if request["method"] == "POST" and isinstance(body, dict) and isinstance(body.get("id"), str):
        renamed.setdefault(body["id"].lower(), str(uuid.uuid4()))

    def now(text: str) -> str:
        for old, new in renamed.items():
            text = re.sub(re.escape(old), new, text, flags=re.IGNORECASE)
        return text

    headers = {name: value for name, value in request["headers"].items() if name.lower() in SHOWN}
    return session.send(
        request["method"],
        now(request["url"].removeprefix(base_url)),
        headers=headers,
        content=now(request["body"]).encode() if request["body"] else None,
        caller=_callers(session)[request["caller"]],
    )
