"""The description of the API: `spec/openapi.yaml` with its errata, as operations with compiled schemas."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import urllib3
import yaml
from oas_patch.overlay import apply_overlay

from kuflow_conformance import files
from kuflow_conformance.errors import InvalidDescription

VERSION = "2024-06-14"

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""The textual form of a UUID (RFC 9562 section 4), in either case."""

_METHODS = ("get", "put", "post", "delete", "patch")


def is_uuid(value: object) -> bool:
    """Whether `value` is the textual form of a UUID."""
    return isinstance(value, str) and UUID.fullmatch(value) is not None


@dataclass(frozen=True)
class SchemaError:
    """One way in which an instance contradicts a schema."""

    pointer: str
    keyword: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '(whole body)'}: {self.message}"


class Schema:
    """A schema of the description, compiled."""

    def __init__(self, document: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
        # References resolve against the root, so the components travel with every schema.
        self._validator = jsonschema_rs.Draft4Validator(
            {"allOf": [schema], "components": document.get("components", {})},
            validate_formats=True,
            formats={"uuid": is_uuid},
        )

    def errors(self, instance: object) -> Iterator[SchemaError]:
        """Each contradiction between `instance` and the schema."""
        for error in self._validator.iter_errors(instance):
            if error.kind.name == "type" and "integer" in error.kind.as_dict()["types"] and _is_whole(error.instance):
                continue
            pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in error.instance_path)
            yield SchemaError(pointer, str(error.schema_path[-1]), error.message[:300])

    def accepts(self, instance: object) -> bool:
        """Whether `instance` fits the schema."""
        return self._validator.is_valid(instance) or not any(self.errors(instance))


def _is_whole(value: object) -> bool:
    """Whether a number has no fraction: then it is an integer, however it is written (JSON Schema section 6.1.1)."""
    return isinstance(value, float) and value.is_integer()


@dataclass(frozen=True)
class Parameter:
    """A path or query parameter."""

    name: str
    location: str
    required: bool
    schema: Mapping[str, Any]

    @property
    def is_array(self) -> bool:
        return self.schema.get("type") == "array"


@dataclass(frozen=True)
class Operation:
    """One documented operation: how it is called and how it may answer."""

    id: str
    method: str
    path: str
    tag: str
    parameters: tuple[Parameter, ...]
    bodies: Mapping[str, Schema]
    answers: Mapping[str, Mapping[str, Schema | None]]
    """Status code (or ``default``) → media type → schema; the schema is None for binary content."""
    pattern: re.Pattern[str] = field(repr=False)
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def label(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def success_statuses(self) -> tuple[int, ...]:
        return tuple(int(code) for code in self.answers if code.isdigit())

    def parameter(self, name: str) -> Parameter:
        return next(parameter for parameter in self.parameters if parameter.name == name)

    @property
    def query_parameters(self) -> tuple[Parameter, ...]:
        return tuple(parameter for parameter in self.parameters if parameter.location == "query")

    @property
    def is_read_only(self) -> bool:
        return self.method == "GET"

    @property
    def is_list(self) -> bool:
        return any(parameter.name == "page" for parameter in self.parameters)


REFERENCES_FOLLOWED = 50
"""References to references after which they are taken for a circle."""


def resolve(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    """`node`, or what it refers to in `document`. Raises ValueError when that refers to itself."""
    for _ in range(REFERENCES_FOLLOWED):
        if "$ref" not in node:
            return node
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        node = target
    raise ValueError(f"{node['$ref']} refers to itself")


class Description:
    """The whole description.

    `document` is the OpenAPI document with the errata applied; `operations` are its operations by operationId.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.operations = {operation.id: operation for operation in self._operations()}

    def _operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in _METHODS:
                if method in item:
                    yield self._operation(path, method.upper(), item[method])

    def _operation(self, path: str, method: str, raw: Mapping[str, Any]) -> Operation:
        parameters = tuple(
            Parameter(p["name"], p["in"], p.get("required", False), self.resolve(p.get("schema", {})))
            for p in map(self.resolve, raw.get("parameters", ()))
        )
        content = self.resolve(raw.get("requestBody", {})).get("content", {})
        answers = {}
        for code, response in raw.get("responses", {}).items():
            answers[str(code)] = {
                media_type.lower(): self._answer_schema(item.get("schema", {}))
                for media_type, item in self.resolve(response).get("content", {}).items()
            }
        return Operation(
            id=raw["operationId"],
            method=method,
            path=path,
            tag=(raw.get("tags") or ["untagged"])[0],
            parameters=parameters,
            bodies={m.lower(): Schema(self._request_document, item.get("schema", {})) for m, item in content.items()},
            answers=answers,
            pattern=re.compile(re.sub(r"\\{[^{}]+\\}", "[^/]+", re.escape(path)) + "/?"),
            raw=raw,
        )

    def _answer_schema(self, schema: Mapping[str, Any]) -> Schema | None:
        if schema.get("format") == "binary":
            return None
        return Schema(self.document, schema)

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """`node`, or what it refers to."""
        return resolve(self.document, node)

    @cached_property
    def _request_document(self) -> Mapping[str, Any]:
        """The document as requests see it: clients may send read-only properties, servers ignore them."""

        def without_read_only(node: Any) -> Any:
            if isinstance(node, dict):
                return {
                    key: {} if isinstance(value, dict) and value.get("readOnly") else without_read_only(value)
                    for key, value in node.items()
                }
            return [without_read_only(item) for item in node] if isinstance(node, list) else node

        return {"components": without_read_only(self.document.get("components", {}))}

    def schema(self, name: str) -> Schema:
        """The named component schema, compiled. Raises KeyError when there is none."""
        self.document["components"]["schemas"][name]
        return Schema(self.document, {"$ref": f"#/components/schemas/{name}"})

    def operation_at(self, method: str, path: str) -> Operation | None:
        """The operation that answers `method` on `path` (relative to the base URL), or None."""
        path = urlsplit(path).path
        for operation in self.operations.values():
            if operation.method == method and operation.pattern.fullmatch(path):
                return operation
        return None


FETCH_TIMEOUT = 30.0
"""Seconds that each part of a description may take to be fetched."""

FETCH_LIMIT = 32 * 2**20
"""Bytes of a description that is fetched."""


def load(spec: Path | str | None = None) -> Description:
    """Read the description and apply the errata.

    `spec`, a file or an http(s) URL, replaces the bundled file; the errata belong to that and are not applied then.
    Raises InvalidDescription when a file cannot be read, is not an OpenAPI 3 document or has no operations.
    """
    path = spec or files.data("spec/openapi.yaml")
    document = read(path)
    if not str(document.get("openapi", "")).startswith("3."):
        raise InvalidDescription(f"{path}: not an OpenAPI 3 document: 'openapi' is {document.get('openapi')!r}")
    if spec is None:
        overlay = read(files.data("spec/errata.overlay.yaml"))
        document = apply_overlay(copy.deepcopy(document), overlay)
    try:
        description = Description(document)
    except (KeyError, TypeError, AttributeError, ValueError, jsonschema_rs.ValidationError) as error:
        raise InvalidDescription(f"{path}: not a usable OpenAPI document: {type(error).__name__}: {error}") from error
    if not description.operations:
        raise InvalidDescription(f"{path}: describes no operation: 'paths' is empty")
    return description


def document(name: str) -> dict[str, Any]:
    """The document in a file, at a URL, or ``bundled``. Raises InvalidDescription."""
    return dict(load().document) if name == "bundled" else read(name)


def _fetch(url: str) -> str:
    import requests

    try:
        with requests.get(url, timeout=FETCH_TIMEOUT, stream=True) as answer:
            answer.raise_for_status()
            content = answer.raw.read(FETCH_LIMIT + 1, decode_content=True)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise InvalidDescription(f"{url}: cannot be fetched: {type(error).__name__}") from error
    if len(content) > FETCH_LIMIT:
        raise InvalidDescription(f"{url}: longer than {FETCH_LIMIT // 2**20} MB")
    return str(content, "utf-8", "replace")


def text(path: Path | str) -> str:
    """The text of a file, or what is at an http(s) URL. Raises InvalidDescription."""
    try:
        remote = isinstance(path, str) and path.startswith(("http://", "https://"))
        return _fetch(str(path)) if remote else Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidDescription(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidDescription(f"{path}: not text in UTF-8: {error}") from error


def read(path: Path | str) -> dict[str, Any]:
    """The document in a file or at an http(s) URL. Raises InvalidDescription."""
    try:
        content = yaml.load(text(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidDescription(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise InvalidDescription(f"{path}: not an OpenAPI document: expected a mapping at the top")
    return content
