"""Documents, workers, robots and the validity of values: what has no state, and is the same each time it is seen."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from kuflow_conformance.oracles import Finding, found
from kuflow_conformance.oracles.documents import matching_hash, parse_reference
from kuflow_conformance.oracles.effects import path_id, value_at
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import json_values, same_id
from kuflow_conformance.target.exchange import Exchange, parse_json
from kuflow_conformance.traffic.memory import Json
from kuflow_conformance.traffic.seen import Digest, Seen
from kuflow_conformance.traffic.states import RESOLUTION

KEPT = 5_000
"""Documents, workers and values, of each, that are remembered."""

EXPECTED = 600.0
"""Seconds for which an uploaded document must be there; temporal ones expire later."""

LARGE = 1024 * 1024
"""Bytes from which on a document counts as large."""

K = TypeVar("K")
V = TypeVar("V")


class _Recent(Generic[K, V]):
    """A mapping that forgets what came first."""

    def __init__(self) -> None:
        self._values: OrderedDict[K, V] = OrderedDict()

    def get(self, key: K) -> V | None:
        return self._values.get(key)

    def put(self, key: K, value: V) -> None:
        self._values[key] = value
        if len(self._values) > KEPT:
            self._values.popitem(last=False)

    def values(self) -> list[V]:
        return list(self._values.values())


@dataclass(frozen=True)
class _Uploaded:
    process: str
    uri: str
    digest: Digest
    ended: float
    caller: str


@dataclass
class _Robot:
    source: Json
    started: float
    download: tuple[Exchange, Digest] | None = None


@dataclass
class _Worker:
    key: str
    ended: float
    sent: Json
    moment: datetime | None


@dataclass
class _Valid:
    valid: bool
    operation: str


@dataclass
class Artefacts:
    """Judges what has no state, and remembers it."""

    _documents: _Recent[str, _Uploaded] = field(default_factory=_Recent)
    _references: _Recent[str, str] = field(default_factory=_Recent)
    """The `uri` part of a reference → the process that it was given out for."""
    _linked: set[str] = field(default_factory=set)
    _workers: _Recent[tuple[str, str], _Worker] = field(default_factory=_Recent)
    _robots: _Recent[str, _Robot] = field(default_factory=_Recent)
    _assets: _Recent[str, list[Digest]] = field(default_factory=_Recent)
    _hashed: set[str] = field(default_factory=set)
    """Robots whose contentHash is a known hash of their source."""
    _validity: _Recent[str, _Valid] = field(default_factory=_Recent)

    def judge(self, seen: Seen, caller: str, started: float, ended: float) -> Iterator[tuple[Finding, Exchange]]:
        exchange = seen.exchange
        judges = {
            "uploadProcessDocument": self._uploaded,
            "downloadProcessDocument": self._downloaded,
            "createWorker": self._worker,
            "retrieveRobot": self._robot,
            "downloadRobotSourceCode": self._source,
            "downloadRobotAsset": self._asset,
        }
        if judge := judges.get(exchange.operation_id):
            yield from judge(seen, caller, started, ended)
        if exchange.ok and exchange.operation is not None and not exchange.operation.is_list:
            for finding in self._valid(exchange):
                yield finding, exchange
            self._links(exchange)

    # Documents

    def _uploaded(self, seen: Seen, caller: str, started: float, ended: float) -> Iterator[tuple[Finding, Exchange]]:
        exchange, digest = seen.exchange, seen.request_digest
        reference = exchange.object.get("documentUri")
        parts = parse_reference(reference)
        if not exchange.ok or parts is None or digest is None:
            return
        right = parts["size"] == str(digest.size)
        yield found("DOC-002", right, f"the size {digest.size} in the reference", parts["size"]), exchange
        process = path_id(exchange).lower()
        before = self._references.get(parts["uri"])
        expected = "a reference of its own for each upload"
        yield found("DOC-003", before is None, expected, f"{parts['uri']} was given out before"), exchange
        self._references.put(parts["uri"], process)
        self._documents.put(str(reference), _Uploaded(process, parts["uri"], digest, ended, caller))

    def _downloaded(self, seen: Seen, caller: str, started: float, ended: float) -> Iterator[tuple[Finding, Exchange]]:
        exchange = seen.exchange
        asked = exchange.query.get("documentUri", [""])[0]
        uploaded, process = self._documents.get(asked), path_id(exchange).lower()
        if uploaded is None or uploaded.ended > started:
            return
        if process != uploaded.process:
            same = exchange.ok and seen.answer_digest == uploaded.digest and uploaded.digest.size > 0
            expected = f"a refusal (4xx), as the document is of the process {uploaded.process}"
            yield found("DOC-005", not same, expected, exchange.describe()), exchange
        elif exchange.status in (400, 404, 410, 422) and caller == uploaded.caller:
            if started - uploaded.ended < EXPECTED:
                requirement = "DOC-006" if uploaded.uri in self._linked else "DOC-001"
                yield found(requirement, False, "the document that was uploaded", exchange.describe()), exchange
        elif exchange.ok and (digest := seen.answer_digest) is not None:
            others = [other for other in self._documents.values() if other is not uploaded]
            requirement = "DOC-003" if any(other.digest == digest for other in others) else "DOC-001"
            if requirement == "DOC-001" and uploaded.digest.size > LARGE:
                requirement = "DOC-007"
            expected = f"the {uploaded.digest.size} bytes that were uploaded"
            seen_ = f"{digest.size} bytes, sha256 {digest.sha256[:12]}, not {uploaded.digest.sha256[:12]}"
            yield found(requirement, digest == uploaded.digest, expected, seen_), exchange

    def _links(self, exchange: Exchange) -> None:
        if exchange.method == "GET" or b"kuflow-file:" not in exchange.request_body:
            return
        for text in _texts(parse_json(exchange.request_body)):
            if parts := parse_reference(text):
                self._linked.add(parts["uri"])

    # Workers

    def _worker(self, seen: Seen, caller: str, started: float, ended: float) -> Iterator[tuple[Finding, Exchange]]:
        exchange = seen.exchange
        body = parse_json(exchange.request_body)
        key, identity = exchange.object.get("id"), body.get("identity") if isinstance(body, dict) else None
        if not exchange.ok or not isinstance(identity, str) or not isinstance(key, str):
            return
        moment = parse_instant(exchange.object.get("lastModifiedAt"))
        tenant = str(exchange.object.get("tenantId")).lower()
        known = self._workers.get((tenant, identity))
        if known is not None and known.ended <= started and started - known.ended < EXPECTED:
            expected = "status 200, as the identity is known"
            yield found("WRK-001", exchange.status == 200, expected, exchange.status), exchange
            yield found("WRK-001", same_id(known.key, key), f"the id {known.key}, as before", key), exchange
            apart = started - known.ended > RESOLUTION and known.sent != body
            if moment and moment.microsecond and known.moment and apart:
                expected = f"lastModifiedAt after {known.moment.isoformat()}, before the update"
                yield found("RED-005", moment > known.moment, expected, moment.isoformat()), exchange
        elif known is None:
            taken = next((name for name in self._identities(key) if name != identity), None)
            expected = "an id of its own for each identity"
            yield found("WRK-001", taken is None, expected, f"the id of {taken}"), exchange
        self._workers.put((tenant, identity), _Worker(key, ended, body, moment))

    def _identities(self, key: str) -> Iterator[str]:
        for (_, identity), worker in self._workers._values.items():
            if same_id(worker.key, key):
                yield identity

    # Robots

    def _robot(self, seen: Seen, caller: str, started: float, ended: float) -> Iterator[tuple[Finding, Exchange]]:
        key, source = path_id(seen.exchange).lower(), seen.exchange.object.get("sourceFile")
        if not isinstance(source, dict):
            return
        known = self._robots.get(key)
        if known and known.download and known.source == source:
            exchange, digest = known.download
            length = source.get("contentLength")
            expected = f"{length} bytes, as sourceFile says before and after"
            yield found("ROB-001", length == digest.size, expected, f"{digest.size} bytes"), exchange
            algorithm = matching_hash(exchange.body, str(source.get("contentHash", "")))
            if algorithm:
                self._hashed.add(key)
            elif self._hashed - {key}:
                expected = "a hash of the source code, as of other robots"
                yield found("ROB-002", False, expected, source.get("contentHash")), exchange
        self._robots.put(key, _Robot(source, started))

    def _source(self, seen: Seen, caller: str, started: float, ended: float) -> Iterator[tuple[Finding, Exchange]]:
        known = self._robots.get(path_id(seen.exchange).lower())
        if known and seen.exchange.ok and (digest := seen.answer_digest) is not None:
            known.download = seen.exchange, digest
        return
        yield

    def _asset(self, seen: Seen, caller: str, started: float, ended: float) -> Iterator[tuple[Finding, Exchange]]:
        exchange, digest = seen.exchange, seen.answer_digest
        if not exchange.ok or digest is None:
            return
        known = self._assets.get(exchange.url) or []
        known = [*known, digest][-3:]
        self._assets.put(exchange.url, known)
        if len(known) == 3:  # it may be replaced by a new one, but hardly each time
            expected = "the same bytes each time"
            yield found("ROB-004", len(set(known)) < 3, expected, "other bytes in each of three downloads"), exchange

    # Validity

    def _valid(self, exchange: Exchange) -> Iterator[Finding]:
        """The same value is valid or not by the same definition, whoever sends it."""
        for where, value in json_values(exchange.object):
            definition = exchange.object.get("processDefinition") or value_at(
                exchange.object, ("task", "taskDefinition")
            )
            valid = value.get("valid")
            if not isinstance(definition, dict) or not isinstance(valid, bool):
                continue
            key = json.dumps([where, definition.get("id"), definition.get("version"), value["value"]], sort_keys=True)
            before = self._validity.get(key)
            if before is not None:
                yield found(
                    _of_validity(exchange, before.operation if valid is before.valid else exchange.operation_id),
                    valid is before.valid,
                    f"{where}.valid {str(before.valid).lower()}, as {before.operation} said of the same value",
                    str(valid).lower(),
                )
            else:
                self._validity.put(key, _Valid(valid, exchange.operation_id))


def _of_validity(exchange: Exchange, operation: str) -> str:
    if operation.startswith("create"):
        return "JSV-012"
    if operation.startswith("patch"):
        return "PAT-006"
    body = parse_json(exchange.request_body)
    sent = next((part for part in body.values() if isinstance(part, dict)), {}) if isinstance(body, dict) else {}
    return "JSV-007" if "valid" in sent else "JSV-006"


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from _texts(part)
    elif isinstance(node, str):
        yield node
