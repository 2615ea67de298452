"""The trace of a run: each request and answer in terms that two servers can be compared in.

Ids, timestamps and secrets of one server are not those of another. They are replaced by what they are: the first id
that a test asks for is ``‹id 1›`` on both sides, whatever it looks like.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kuflow_conformance.description.openapi import UUID, is_uuid
from kuflow_conformance.errors import InvalidRecord
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.target.exchange import NOT_JSON, Exchange
from kuflow_conformance.target.redaction import SECRET_KEYS

FILE = "trace.jsonl"

LONGEST_VALUE = 300
"""Characters of a value that are kept."""

LARGEST_READ = 64 * 1024
"""Bytes of a body in which ids are looked for."""

_FRACTION = re.compile(r"\.(\d+)")
_FREE_FORM = "value"
"""The property that holds a JSON value of the user's own: compared as a whole."""


@dataclass(frozen=True)
class Step:
    """One exchange of a test.

    `fields` maps the places of properties to their types, `values` to their contents. `rows` are the ids of a list's
    rows, if the test knows all of them and asked for their order. `digits` maps places of timestamps to the digits of
    their seconds' fraction.
    """

    test: str
    operation: str
    caller: str
    status: int
    media_type: str
    codes: list[str]
    fields: dict[str, str]
    values: dict[str, list[str]]
    rows: list[str] | None
    digits: dict[str, int]
    answer: str
    curl: str

    @property
    def asked(self) -> tuple[str, str]:
        return self.operation, self.caller


class Trace:
    """Writes the steps of a run to a file, as they happen."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        self._test = ""
        self.made: set[str] = set()
        """The ids of the processes and items that the run has made, in lower case."""
        self._names = _Names(self.made)

    def begin(self, test: str) -> None:
        """A test begins, and with it the numbering of ids."""
        self._test = test
        self._names = _Names(self.made)
        self._file.flush()

    def see(self, exchange: Exchange, answer: str, curl: str) -> None:
        """Write an exchange; `answer` and `curl` are what a report may show of it."""
        if exchange.ok and exchange.operation_id in ("createProcess", "createProcessItem"):
            self.made.add(str(exchange.object.get("id")).lower())
        if self._test:
            step = _step(exchange, self._test, self._names, answer, curl)
            self._file.write(json.dumps(asdict(step), ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> dict[str, list[Step]]:
    """The steps of each test. Raises InvalidRecord."""
    tests: dict[str, list[Step]] = {}
    try:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                step = Step(**json.loads(line))
                tests.setdefault(step.test, []).append(step)
    except (OSError, ValueError, TypeError) as error:
        raise InvalidRecord(f"{path}: no trace of a run: {error}") from error
    return tests


class _Names:
    """Names the ids that a test knows: by their number in requests, by their place in answers other than lists.

    What a test first meets in a list, or in what a list led it to, is somebody else's: the next server has others
    there. So are processes and items that the run has not `made`.
    """

    def __init__(self, made: set[str]) -> None:
        self._made = made
        self._names: dict[str, str] = {}
        self._used: Counter[str] = Counter()
        self._foreign: set[str] = set()

    def learn(self, text: str, name: str) -> None:
        """Name the ids in `text`, unless they have a name."""
        for key in map(str.lower, UUID.findall(text)):
            if key not in self._names:
                self._used[name] += 1
                self._names[key] = f"{name} {self._used[name]}"

    def knows(self, key: object) -> bool:
        return isinstance(key, str) and key.lower() in self._names and key.lower() not in self._foreign

    def meet(self, text: str) -> None:
        """Note the ids in an answer that tells of somebody else's resources."""
        self._foreign |= {key for key in map(str.lower, UUID.findall(text)) if key not in self._names}

    def foreign_in(self, path: str) -> bool:
        """Whether a path is that of somebody else's resource."""
        keys = [key.lower() for key in UUID.findall(path)]
        if "/processes/" in path or "/process-items/" in path:
            return not self._made.issuperset(keys)
        return not self._foreign.isdisjoint(keys)

    def replace(self, text: str) -> str:
        def named(match: re.Match[str]) -> str:
            capitals = ", capitals" if match.group() != match.group().lower() else ""
            return f"‹{self._names.get(match.group().lower(), 'id')}{capitals}›"

        return UUID.sub(named, text)


def _step(exchange: Exchange, test: str, names: _Names, answer: str, curl: str) -> Step:
    body = exchange.json
    listed = bool(exchange.operation and exchange.operation.is_list and exchange.ok)
    names.learn(f"{exchange.url} {exchange.request_body[:LARGEST_READ].decode('utf-8', 'replace')}", "id")
    foreign = names.foreign_in(urlsplit(exchange.url).path)
    ids = [row.get("id") for row in exchange.rows]
    own = listed and all(map(names.knows, ids))
    if foreign or (listed and not own):
        names.meet(exchange.body.decode("utf-8", "replace"))
    elif exchange.ok and not listed:
        for place, value in _walk(body, ""):
            if isinstance(value, str):
                names.learn(value, f"{exchange.operation_id}{place}")
    # Which rows a page has, and in which order, is fixed only by an order that all servers share.
    moments = {str(row.get("createdAt")) for row in exchange.rows}
    ordered = exchange.query.get("sort", [""])[0].startswith("createdAt") and len(moments) == len(ids)
    whole = own and (ordered or exchange.page.get("totalElements") == len(ids))
    fields: dict[str, set[str]] = {}
    values: dict[str, list[str]] = {}
    digits: dict[str, int] = {}
    for place, value in _walk(body, ""):
        if foreign or (listed and not own and place.startswith("/metadata/total")):
            continue  # what others made differs from server to server, and from moment to moment
        if listed and not whole and place.startswith("/content/"):
            continue
        kind = _kind(place, value)
        fields.setdefault(place, set()).add(kind)
        if kind.startswith("time"):
            fraction = _FRACTION.search(value)
            digits[place] = max(digits.get(place, 0), len(fraction[1]) if fraction else 0)
        elif exchange.ok and kind not in ("object", "array"):
            values.setdefault(place, []).append(_content(place, value, names))
    errors = exchange.object.get("errors")
    codes = [e["code"] for e in errors if isinstance(e, dict) and "code" in e] if isinstance(errors, list) else []
    return Step(
        test=test,
        operation=exchange.operation_id,
        caller=exchange.caller,
        status=exchange.status,
        media_type=exchange.media_type,
        codes=sorted({str(code) for code in codes}),
        fields={place: " or ".join(sorted(kinds)) for place, kinds in fields.items()},
        values=values if ordered else {place: sorted(parts) for place, parts in values.items()},
        rows=[names.replace(str(key)) for key in ids] if own and ordered else None,
        digits=digits,
        answer=answer,
        curl=curl,
    )


def _walk(node: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Each property with its place; those of a list's items share one. What users put in is not looked into."""
    if node is NOT_JSON:
        return
    if place:
        yield place, node
    if isinstance(node, dict) and not place.endswith(f"/{_FREE_FORM}"):
        for name, part in node.items():
            yield from _walk(part, f"{place}/{name}")
    elif isinstance(node, list):
        for part in node:
            yield from _walk(part, f"{place}/*")


def _kind(place: str, value: Any) -> str:
    """The type of a value, and what it looks like where that differs between servers."""
    if place.endswith(f"/{_FREE_FORM}"):
        return "JSON value"
    if isinstance(value, str):
        if is_uuid(value):
            return "id" if value == value.lower() else "id in capitals"
        if parse_instant(value):
            return "time, Z" if value[-1] in "zZ" else "time, offset"
        return "string"
    names = {dict: "object", list: "array", bool: "boolean", int: "number", float: "number", type(None): "null"}
    return names[type(value)]


def _content(place: str, value: Any, names: _Names) -> str:
    """A value as it is compared: ids by number, secrets not at all, long ones by their beginning and a digest."""
    if place.rpartition("/")[2] in SECRET_KEYS or "/environmentVariables/" in place:
        return "‹secret›"
    if isinstance(value, str) and value.startswith("-----BEGIN "):
        return f"‹{value.splitlines()[0].strip('-')}›"
    text = names.replace(json.dumps(value, ensure_ascii=False, sort_keys=True))
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[:LONGEST_VALUE]}… ({hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]})"
