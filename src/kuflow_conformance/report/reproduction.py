"""A failure as a file that runs without this project: a test for pytest and requests, or requests for an editor.

Ids that the run made up are made up anew, ids that the target gave are taken from its answers; credentials come from
the environment variables that the target file named.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

from kuflow_conformance.errors import InvalidRecord
from kuflow_conformance.report.templates import render

FORMATS = {".py": "failure.py.j2", ".http": "failure.http.j2"}
"""The endings of files that can be written, and their templates."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BASIC = re.compile(r'-u "(?P<user>[^":]*):(?P<secret>[^"]*)"')
_PAIR = re.compile(r"Authorization: Bearer \$\(printf %s \"(?P<user>[^\":]*):\$(?P<variable>\w+)\"")
_HEADER = re.compile(r"-H (?P<quote>['\"])Authorization: (?P<value>.*?)(?P=quote)")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_VOLATILE = re.compile(rf"{_UUID.pattern}|\d{{4}}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
"""What differs from run to run in an answer."""


def written(record: dict[str, Any], failed: dict[str, Any], ending: str) -> str:
    """The file for a failure of a record. Raises InvalidRecord when the record does not hold its requests whole."""
    steps = [_Step(step["operation"], step["request"], step["curl"], step["answer_id"]) for step in failed["steps"]]
    steps.append(_Step(failed["operation"], failed["exchange"]["request"], failed["curl"], ""))
    if cut := next((step.operation for step in steps if not step.request["complete"]), None):
        raise InvalidRecord(f"{cut} cannot be written: the record does not hold its whole body; use the curl command")
    base = record["target"]["url"]
    requirement = next(entry for entry in record["requirements"] if entry["id"] == failed["requirement"])
    return render(
        FORMATS[ending],
        failed=failed,
        sentence=requirement["sentence"],
        source=requirement["source"],
        test=failed["id"].lower().replace("-", "_").replace(".", "_"),
        base=base,
        steps=[step.as_python(base) for step in steps] if ending == ".py" else _as_http(steps, base),
        check=_check(failed),
        wrapped=lambda text: textwrap.fill(" ".join(text.split()), 110),
        literal=repr,
        volatile=_VOLATILE.pattern,
    )


class _Step:
    """A request of the failure."""

    def __init__(self, operation: str, request: dict[str, Any], curl: str, answer_id: str) -> None:
        self.operation = operation
        self.request = request
        self.curl = curl
        self.answer_id = answer_id.lower()

    @property
    def made_up(self) -> str:
        """The id that the run made up for what is created; empty where there is none."""
        try:
            body = json.loads(self.request["body"] or "null")
        except ValueError:
            return ""
        created = self.request["method"] == "POST" and isinstance(body, dict) and isinstance(body.get("id"), str)
        return str(body["id"]).lower() if created else ""

    @property
    def content_type(self) -> str:
        headers: dict[str, str] = self.request["headers"]
        return next((value for name, value in headers.items() if name.lower() == "content-type"), "")

    def path(self, base: str) -> str:
        return str(self.request["url"]).removeprefix(base)

    def as_python(self, base: str) -> dict[str, str]:
        """Its parts as Python writes them."""
        return {
            "operation": self.operation,
            "method": repr(self.request["method"]),
            "path": repr(self.path(base)),
            "content_type": repr(self.content_type),
            "body": repr(self.request["body"]),
            "made_up": repr(self.made_up),
            "answer_id": repr(self.answer_id),
            "authorization": _python_authorization(self.curl),
        }


def _python_authorization(curl: str) -> str:
    """The value of the header as a Python expression; None where nobody signs."""
    if match := _PAIR.search(curl):
        return f'"Bearer " + encoded({match["user"]!r}, os.environ[{match["variable"]!r}])'
    if match := _BASIC.search(curl):
        return f'"Basic " + encoded({match["user"]!r}, {_python_secret(match["secret"])})'
    if match := _HEADER.search(curl):
        return _python_secret(match["value"])
    return "None"


def _python_secret(text: str) -> str:
    """A text in which environment variables are named as the shell does, as a Python expression."""
    parts = _VARIABLE.split(text)
    shown = [f"os.environ[{part!r}]" if index % 2 else repr(part) for index, part in enumerate(parts) if part]
    return " + ".join(shown) or "''"


def _as_http(steps: list[_Step], base: str) -> list[dict[str, str]]:
    """The requests as the REST clients of editors write them, with ids taken from the answers before."""
    known: dict[str, str] = {}

    def now(text: str) -> str:
        return _UUID.sub(lambda match: known.get(match[0].lower(), match[0]), text)

    written = []
    for number, step in enumerate(steps, start=1):
        if step.made_up and step.made_up not in known:
            known[step.made_up] = "{{$guid}}"
        written.append(
            {
                "operation": step.operation,
                "method": step.request["method"],
                "path": now(step.path(base)),
                "content_type": step.content_type,
                "authorization": _http_authorization(step.curl),
                "body": now(step.request["body"]),
            }
        )
        for key in {step.made_up, step.answer_id} - {""}:
            if known.get(key, "{{$guid}}") == "{{$guid}}":
                known[key] = f"{{{{step{number}.response.body.id}}}}"
    return written


def _http_authorization(curl: str) -> str:
    def variables(text: str) -> str:
        return _VARIABLE.sub(r"{{$processEnv \1}}", text)

    if match := _PAIR.search(curl):
        return f"Bearer {{{{$processEnv {match['variable']}_BASE64}}}}"
    if match := _BASIC.search(curl):
        return f"Basic {match['user']}:{variables(match['secret'])}"
    match = _HEADER.search(curl)
    return variables(match["value"]) if match else ""


def _check(failed: dict[str, Any]) -> dict[str, Any]:
    """What the last answer is held against: a status, or the answer that was wrong."""
    expected, response = failed["expected"], failed["exchange"]["response"]
    if expected.startswith("a refusal (4xx)"):
        return {"kind": "refusal"}
    if status := re.match(r"(\d{3}) ", expected):
        return {"kind": "status", "status": int(status[1])}
    if not response["status"] or response["status"] >= 500:
        return {"kind": "answer"}
    return {"kind": "recorded", "status": response["status"], "body": _VOLATILE.sub("…", response["body"])[:1000]}
