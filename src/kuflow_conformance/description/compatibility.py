"""Would a new description break clients of the old one?

The documentation promises that a MINOR version makes no client fail; only a MAJOR one, with another version in the
path, may. A change of what clients send breaks them when less is accepted than before; a change of what they receive
when something comes that they could not expect, or something does not come that they could rely on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kuflow_conformance.description.openapi import resolve
from kuflow_conformance.errors import InvalidDescription
from kuflow_conformance.files import read_toml

Level = Literal["breaking", "risky", "compatible"]
Document = Mapping[str, Any]
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_SMALLEST = ("minimum", "minLength", "minItems", "minProperties")
_LARGEST = ("maximum", "maxLength", "maxItems", "maxProperties")


@dataclass(frozen=True)
class Change:
    """One difference, and what it means for clients. `place` is where in the operation it is."""

    level: Level
    kind: str
    operation: str
    place: str
    what: str
    reason: str

    @property
    def id(self) -> str:
        return f"{self.kind} {self.operation} {self.place}".strip()


@dataclass(frozen=True)
class Judgement:
    """All differences of two descriptions. `accepted` maps ids of changes to the reason why they are put up with."""

    changes: tuple[Change, ...]
    major: bool
    """Whether the new description has another version in its path."""
    accepted: Mapping[str, str]

    def of(self, level: Level) -> list[Change]:
        return [change for change in self.changes if change.level == level and change.id not in self.accepted]

    @property
    def breaks_clients(self) -> bool:
        """Whether it breaks clients though its version promises not to."""
        return bool(self.of("breaking")) and not self.major

    @property
    def verdict(self) -> str:
        """The judgement in a few words."""
        if not self.of("breaking"):
            return "breaks no client"
        return "breaks clients, as a MAJOR version may" if self.major else "breaks clients, and is no MAJOR version"

    @property
    def put_up_with(self) -> list[Change]:
        """The changes that were found and are accepted."""
        return [change for change in self.changes if change.id in self.accepted]


def judge(old: Document, new: Document, accepted: Mapping[str, str] | None = None) -> Judgement:
    """Judge `new` by what clients of `old` rely on. Raises InvalidDescription for what is no usable document."""
    try:
        found = dict.fromkeys(_Comparison(old, new).changes())
        major = _version(old) != _version(new)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError, RecursionError) as error:
        raise InvalidDescription(f"not usable OpenAPI documents: {type(error).__name__}: {error}") from error
    order = {"breaking": 0, "risky": 1, "compatible": 2}
    changes = sorted(found, key=lambda change: order[change.level])
    return Judgement(tuple(changes), major, accepted or {})


class _Accepted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    change: str
    reason: str = Field(min_length=1)


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    accepted: tuple[_Accepted, ...] = ()


def load_accepted(path: Path) -> dict[str, str]:
    """Read the changes that are put up with: id → reason. Raises InvalidDescription with one line."""
    try:
        entries = _File.model_validate(read_toml(path, InvalidDescription)).accepted
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InvalidDescription(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return {entry.change: entry.reason for entry in entries}


def _version(document: Document) -> str:
    """The version in the path of the first server; else that of the document, as far as it is MAJOR."""
    servers = document.get("servers") or [{}]
    found = re.findall(r"/v([^/]+)", urlsplit(str(servers[0].get("url", ""))).path)
    return str(found[-1]) if found else str(document.get("info", {}).get("version", "")).partition(".")[0]


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self.old = old
        self.new = new
        self.operation = ""

    def change(self, level: Level, kind: str, place: str, what: str, reason: str) -> Change:
        return Change(level, kind, self.operation, place, what, reason)

    def changes(self) -> Iterator[Change]:
        old, new = self._operations(self.old), self._operations(self.new)
        for key, (path_item, operation) in old.items():
            self.operation = operation.get("operationId") or " ".join(key)
            if key not in new:
                yield self.change("breaking", "operation-removed", "", " ".join(key), "clients call it")
                continue
            other_item, other = new[key]
            if (before := operation.get("operationId")) != (after := other.get("operationId")):
                yield self.change(
                    "risky", "operation-renamed", "", f"operationId {before} is now {after}", "generated clients use it"
                )
            yield from self._parameters([*_list(path_item), *_list(operation)], [*_list(other_item), *_list(other)])
            yield from self._request_body(operation.get("requestBody"), other.get("requestBody"))
            yield from self._responses(operation.get("responses", {}), other.get("responses", {}))
            yield from self._security(operation, other)
        for key, (_, operation) in new.items():
            if key not in old:
                self.operation = operation.get("operationId") or " ".join(key)
                yield self.change("compatible", "operation-added", "", " ".join(key), "nobody calls it yet")

    def _operations(self, document: Document) -> dict[tuple[str, str], tuple[Any, Any]]:
        return {
            (method.upper(), re.sub(r"\{[^}]*\}", "{}", path)): (item, item[method])
            for path, item in document.get("paths", {}).items()
            for method in _METHODS
            if method in item
        }

    def _parameters(self, before: Iterable[Any], after: Iterable[Any]) -> Iterator[Change]:
        old = {(p["in"], p["name"]): p for p in (resolve(self.old, p) for p in before)}
        new = {(p["in"], p["name"]): p for p in (resolve(self.new, p) for p in after)}
        if [k for k in old if k[0] == "path"] != [k for k in new if k[0] == "path"]:
            # The name of a path parameter is nobody's business: its place counts.
            names = zip([k for k in old if k[0] == "path"], [k for k in new if k[0] == "path"], strict=False)
            for mine, theirs in names:
                new[mine] = new.pop(theirs)
        for key, parameter in old.items():
            place = f"{key[0]} {key[1]}"
            if key not in new:
                yield self.change("breaking", "parameter-removed", place, "it is gone", "clients send it")
                continue
            other = new[key]
            if other.get("required") and not parameter.get("required"):
                yield self.change("breaking", "parameter-required", place, "it is required now", "clients may omit it")
            if parameter.get("required") and not other.get("required"):
                yield self.change(
                    "compatible", "parameter-optional", place, "it is optional now", "sending it is right"
                )
            yield from self._schema(parameter.get("schema", {}), other.get("schema", {}), place, sent=True)
        for key, parameter in new.items():
            if key in old:
                continue
            place = f"{key[0]} {key[1]}"
            if parameter.get("required"):
                yield self.change("breaking", "parameter-required", place, "it is new and required", "nobody sends it")
            else:
                yield self.change("compatible", "parameter-added", place, "it is new and optional", "it may be omitted")

    def _request_body(self, before: Any, after: Any) -> Iterator[Change]:
        old, new = resolve(self.old, before or {}), resolve(self.new, after or {})
        if old and not new:
            yield self.change("breaking", "body-removed", "body", "it is gone", "clients send it")
            return
        if new.get("required") and not old.get("required"):
            yield self.change("breaking", "body-required", "body", "it is required now", "clients may omit it")
        for media_type, content in old.get("content", {}).items():
            other = new.get("content", {}).get(media_type)
            if other is None:
                yield self.change(
                    "breaking", "media-type-removed", f"body {media_type}", "it is gone", "clients send it"
                )
            else:
                yield from self._schema(content.get("schema", {}), other.get("schema", {}), "body", sent=True)
        for media_type in new.get("content", {}).keys() - old.get("content", {}).keys():
            if old:
                yield self.change("compatible", "media-type-added", f"body {media_type}", "it is new", "a choice more")

    def _responses(self, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[Change]:
        old, new = ({str(code): item for code, item in responses.items()} for responses in (before, after))
        for code, response in old.items():
            place = f"answer {code}"
            if code not in new:
                level: Level = "breaking" if code[0] in "23d" else "risky"
                yield self.change(level, "status-removed", place, "it is gone", "clients wait for it")
                continue
            yield from self._answer(resolve(self.old, response), resolve(self.new, new[code]), place)
        for code in new.keys() - old.keys():
            level = "breaking" if code[0] in "23" else "compatible"
            reason = "clients do not know this success" if level == "breaking" else "clients expect errors"
            yield self.change(level, "status-added", f"answer {code}", "it is new", reason)

    def _answer(self, old: Mapping[str, Any], new: Mapping[str, Any], place: str) -> Iterator[Change]:
        before, after = old.get("content", {}), new.get("content", {})
        for media_type, content in before.items():
            if media_type not in after:
                yield self.change(
                    "breaking", "media-type-removed", f"{place} {media_type}", "it is gone", "clients read it"
                )
            else:
                schemas = content.get("schema", {}), after[media_type].get("schema", {})
                yield from self._schema(*schemas, place, sent=False)
        for media_type in after.keys() - before.keys():
            yield self.change(
                "breaking", "media-type-added", f"{place} {media_type}", "it is new", "clients cannot read it"
            )

    def _security(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
        before = [set(choice) for choice in old.get("security", self.old.get("security", [])) or [{}]]
        after = [set(choice) for choice in new.get("security", self.new.get("security", [])) or [{}]]
        for choice in before:
            if not any(other <= choice for other in after):
                named = " and ".join(sorted(choice)) or "no credentials"
                yield self.change("breaking", "security", named, "it is not enough any more", "clients use it")
        for choice in after:
            if choice not in before and not any(choice <= other for other in before):
                named = " and ".join(sorted(choice))
                yield self.change("compatible", "security-added", named, "it is accepted now", "a choice more")

    def _schema(
        self, before: Any, after: Any, place: str, *, sent: bool, seen: frozenset[Any] = frozenset()
    ) -> Iterator[Change]:
        pair = (before.get("$ref"), after.get("$ref"))
        if all(pair):
            if pair in seen:
                return
            seen |= {pair}
        old, new = _merged(self.old, before), _merged(self.new, after)
        if old == new and not (_mentions_reference(old) or _mentions_reference(new)):
            return
        yield from self._types(old, new, place, sent)
        yield from self._values(old, new, place, sent)
        yield from self._properties(old, new, place, sent, seen)
        if "items" in old and "items" in new:
            yield from self._schema(old["items"], new["items"], f"{place}[]", sent=sent, seen=seen)
        for key in ("oneOf", "anyOf"):
            yield from self._alternatives(old.get(key, []), new.get(key, []), place, sent, seen)

    def _judged(self, narrower: bool, sent: bool, kind: str, place: str, what: str) -> Change:
        """A set of values that became narrower, or wider."""
        if narrower == sent:
            reason = "clients may send more than that" if sent else "clients do not know what comes now"
            return self.change("breaking", kind, place, what, reason)
        return self.change("compatible", kind, place, what, "clients send less" if sent else "clients expect it")

    def _types(self, old: Any, new: Any, place: str, sent: bool) -> Iterator[Change]:
        before, after = _types_of(old), _types_of(new)
        if before != after:
            what = f"type {_named(before)} is now {_named(after)}"
            if lost := _lost(before, after):
                yield self._judged(True, sent, "type", place, f"{what}: {_named(lost)} is gone")
            if gained := _lost(after, before):
                yield self._judged(False, sent, "type", place, f"{what}: {_named(gained)} is new")
        if (before := old.get("format")) != (after := new.get("format")):
            what = f"format {before} is now {after}"
            if before and after:
                yield self.change("breaking", "format", place, what, "it is written otherwise")
            else:
                yield self._judged(bool(after), sent, "format", place, what)

    def _values(self, old: Any, new: Any, place: str, sent: bool) -> Iterator[Change]:
        before, after = (schema.get("enum") for schema in (old, new))
        if before is not None and after is not None:
            for value in (value for value in before if value not in after):
                yield self._judged(True, sent, "enum", f"{place} {value}", f"the value {value} is gone")
            for value in (value for value in after if value not in before):
                yield self._judged(False, sent, "enum", f"{place} {value}", f"the value {value} is new")
        elif before != after:
            yield self._judged(
                after is not None, sent, "enum", place, "the values are now listed" if after else "any value"
            )
        for names, grows in ((_SMALLEST, True), (_LARGEST, False)):
            for name in names:
                first, second = old.get(name), new.get(name)
                if first != second:
                    narrower = second is not None and (first is None or (second > first) == grows)
                    yield self._judged(narrower, sent, "bound", place, f"{name} {first} is now {second}")
        if (first := old.get("pattern")) != (second := new.get("pattern")):
            if first and second:
                yield self.change("risky", "pattern", place, f"pattern {first} is now {second}", "compare them")
            else:
                yield self._judged(bool(second), sent, "pattern", place, f"pattern {first} is now {second}")
        for name in ("uniqueItems", "multipleOf"):
            if (first := old.get(name)) != (second := new.get(name)):
                yield self._judged(bool(second), sent, "bound", place, f"{name} {first} is now {second}")

    def _properties(self, old: Any, new: Any, place: str, sent: bool, seen: frozenset[Any]) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        required, required_now = set(old.get("required", ())), set(new.get("required", ()))
        for name, schema in before.items():
            where = f"{place}/{name}"
            if name in after:
                yield from self._schema(schema, after[name], where, sent=sent, seen=seen)
            elif not sent:
                yield self.change("breaking", "property-removed", where, "it is gone", "clients read it")
            elif new.get("additionalProperties") is False:
                yield self.change("breaking", "property-removed", where, "it is refused now", "clients send it")
            else:
                yield self.change("risky", "property-removed", where, "it is gone", "what clients send is ignored")
        for name in after.keys() - before.keys():
            if sent and name in required_now:
                continue  # said below
            yield self.change("compatible", "property-added", f"{place}/{name}", "it is new", "it may be ignored")
        for name in sorted(required_now - required):
            where = f"{place}/{name}"
            if sent:
                yield self.change("breaking", "property-required", where, "it is required now", "clients may omit it")
            else:
                yield self.change("compatible", "property-required", where, "it is always there now", "more to rely on")
        for name in sorted(required - required_now):
            where = f"{place}/{name}"
            if sent:
                yield self.change("compatible", "property-optional", where, "it is optional now", "sending it is right")
            elif name in after:
                yield self.change("breaking", "property-optional", where, "it may be missing now", "clients rely on it")
        first, second = (schema.get("additionalProperties", True) is not False for schema in (old, new))
        if first != second:
            what = "further properties are " + ("allowed now" if second else "refused now")
            yield self._judged(not second, sent, "additional-properties", place, what)

    def _alternatives(self, old: Any, new: Any, place: str, sent: bool, seen: frozenset[Any]) -> Iterator[Change]:
        before = {_name_of(choice, number): choice for number, choice in enumerate(old)}
        after = {_name_of(choice, number): choice for number, choice in enumerate(new)}
        for name, choice in before.items():
            if name in after:
                yield from self._schema(choice, after[name], f"{place} {name}", sent=sent, seen=seen)
            elif new:
                yield self._judged(True, sent, "alternative", f"{place} {name}", f"the alternative {name} is gone")
        if old:
            for name in after.keys() - before.keys():
                yield self._judged(False, sent, "alternative", f"{place} {name}", f"the alternative {name} is new")


def _list(node: Mapping[str, Any]) -> list[Any]:
    return list(node.get("parameters", ()))


def _name_of(choice: Mapping[str, Any], number: int) -> str:
    return str(choice.get("$ref", f"#{number + 1}")).rpartition("/")[2]


def _mentions_reference(node: Any) -> bool:
    if isinstance(node, Mapping):
        return "$ref" in node or any(map(_mentions_reference, node.values()))
    return isinstance(node, list) and any(map(_mentions_reference, node))


def _merged(document: Document, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed and its `allOf` taken together."""
    schema = resolve(document, schema)
    merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", ()):
        other = _merged(document, part)
        for key, value in other.items():
            if key == "properties":
                merged["properties"] = {**value, **merged.get("properties", {})}
            elif key == "required":
                merged["required"] = [*merged.get("required", ()), *value]
            else:
                merged.setdefault(key, value)
    return merged


def _types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a schema allows, ``null`` among them; empty when it allows any."""
    named = schema.get("type")
    types = set(named) if isinstance(named, list) else {named} if named else set()
    if types and schema.get("nullable"):
        types.add("null")
    if not types and "properties" in schema:
        types = {"object"}
    return frozenset(types)


def _lost(before: frozenset[str], after: frozenset[str]) -> frozenset[str]:
    """What `before` allows and `after` does not; an integer is a number."""
    if not after:
        return frozenset()
    if not before:
        return frozenset({"any other"})
    return frozenset(name for name in before - after if not (name == "integer" and "number" in after))


def _named(types: frozenset[str]) -> str:
    return " or ".join(sorted(types)) or "any"
