"""Swagger 2.0 descriptions, written as OpenAPI 3.0, so that the same rules judge them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_TEXT_AND_LIST = ("type", "format", "items", "default", "enum", "pattern", "uniqueItems")
_BOUNDS = ("maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "multipleOf")
_SIZES = ("maxLength", "minLength", "maxItems", "minItems")
_TYPED = (*_TEXT_AND_LIST, *_BOUNDS, *_SIZES)
_FLOWS = {
    "implicit": "implicit",
    "password": "password",
    "application": "clientCredentials",
    "accessCode": "authorizationCode",
}
_MOVED = {
    "#/definitions/": "#/components/schemas/",
    "#/parameters/": "#/components/parameters/",
    "#/responses/": "#/components/responses/",
}


def converted(document: Mapping[str, Any]) -> dict[str, Any]:
    """A Swagger 2.0 document as one of OpenAPI 3.0.3. What is malformed stays so, for the validation to refuse."""
    new: dict[str, Any] = {key: value for key, value in document.items() if key in ("info", "tags", "security")}
    new["openapi"] = "3.0.3"
    schemes = document.get("schemes") or ([] if not document.get("host") else ["https"])
    base = str(document.get("basePath", ""))
    host = document.get("host")
    new["servers"] = [{"url": f"{scheme}://{host}{base}"} for scheme in schemes] if host else [{"url": base or "/"}]
    shared = _mapping(document.get("parameters"))
    new["paths"] = (
        {
            path: _path(document, item, shared) if isinstance(item, Mapping) else item
            for path, item in (document.get("paths") or {}).items()
        }
        if isinstance(document.get("paths") or {}, Mapping)
        else document["paths"]
    )
    bodies = {name for name, p in shared.items() if isinstance(p, Mapping) and p.get("in") in ("body", "formData")}
    new["components"] = {
        "schemas": _schema(_mapping(document.get("definitions"))),
        "parameters": {name: _parameter(p) for name, p in shared.items() if name not in bodies},
        "responses": {
            name: _answer(r, _kinds(document, {}, "produces"))
            for name, r in _mapping(document.get("responses")).items()
        },
        "securitySchemes": {n: _scheme(s) for n, s in _mapping(document.get("securityDefinitions")).items()},
    }
    new |= {key: value for key, value in document.items() if key.startswith("x-")}
    return new


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _kinds(document: Mapping[str, Any], operation: Mapping[str, Any], key: str) -> list[str]:
    found = operation.get(key, document.get(key)) or ["application/json"]
    return [str(name) for name in found]


def _path(document: Mapping[str, Any], item: Mapping[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    common = [_followed(p, shared) for p in item.get("parameters") or ()]
    new = {key: value for key, value in item.items() if key not in ("parameters", *_METHODS)}
    for method in _METHODS:
        if isinstance(item.get(method), Mapping):
            new[method] = _operation(document, item[method], common, shared)
        elif method in item:
            new[method] = item[method]
    return new


def _followed(parameter: Any, shared: dict[str, Any]) -> Any:
    if isinstance(parameter, Mapping) and str(parameter.get("$ref", "")).startswith("#/parameters/"):
        return shared.get(str(parameter["$ref"]).rpartition("/")[2], parameter)
    return parameter


def _operation(
    document: Mapping[str, Any], old: Mapping[str, Any], common: list[Any], shared: dict[str, Any]
) -> dict[str, Any]:
    new = {
        key: value
        for key, value in old.items()
        if key not in ("parameters", "responses", "consumes", "produces", "schemes")
    }
    merged: dict[Any, Any] = {}
    for parameter in [*common, *(_followed(p, shared) for p in old.get("parameters") or ())]:
        key = (parameter.get("in"), parameter.get("name")) if isinstance(parameter, Mapping) else id(parameter)
        merged[key] = parameter
    parameters = list(merged.values())
    body = next((p for p in parameters if _location(p) == "body"), None)
    form = [p for p in parameters if _location(p) == "formData"]
    new["parameters"] = [_parameter(p) for p in parameters if _location(p) not in ("body", "formData")]
    consumed = _kinds(document, old, "consumes")
    if body is not None:
        schema = _schema(body.get("schema", {}))
        new["requestBody"] = {
            "required": bool(body.get("required", False)),
            "content": {kind: {"schema": schema} for kind in consumed},
        }
    elif form:
        kinds = [kind for kind in consumed if "form" in kind] or ["application/x-www-form-urlencoded"]
        schema = {
            "type": "object",
            "properties": {p.get("name"): _typed(p) for p in form},
            "required": [p.get("name") for p in form if p.get("required")],
        }
        new["requestBody"] = {
            "required": bool(schema["required"]),
            "content": {kind: {"schema": schema} for kind in kinds},
        }
    produced = _kinds(document, old, "produces")
    new["responses"] = {code: _answer(answer, produced) for code, answer in _mapping(old.get("responses")).items()}
    return new


def _location(parameter: Any) -> Any:
    return parameter.get("in") if isinstance(parameter, Mapping) else None


def _parameter(old: Any) -> Any:
    if not isinstance(old, Mapping) or "$ref" in old:
        return _schema(old)
    new = {key: value for key, value in old.items() if key not in (*_TYPED, "collectionFormat")}
    new["schema"] = _typed(old)
    if old.get("type") == "array":
        form = old.get("collectionFormat", "csv")
        new["explode"] = form == "multi"
        if form in ("ssv", "pipes"):
            new["style"] = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}[form]
    return new


def _typed(old: Mapping[str, Any]) -> dict[str, Any]:
    schema = {key: _schema(old[key]) for key in _TYPED if key in old}
    if schema.get("type") == "file":
        schema |= {"type": "string", "format": "binary"}
    return schema


def _answer(old: Any, produced: list[str]) -> Any:
    if not isinstance(old, Mapping) or "$ref" in old:
        return _schema(old)
    new = {key: value for key, value in old.items() if key not in ("schema", "headers", "examples")}
    if "schema" in old:
        schema = _schema(old["schema"])
        if isinstance(schema, Mapping) and schema.get("type") == "file":
            schema = {"type": "string", "format": "binary"}
        new["content"] = {kind: {"schema": schema} for kind in produced}
    if isinstance(old.get("headers"), Mapping):
        new["headers"] = {
            name: {"schema": _typed(header)} if isinstance(header, Mapping) else header
            for name, header in old["headers"].items()
        }
    return new


def _schema(old: Any) -> Any:
    """A schema, with its references moved and its discriminator as an object."""
    if isinstance(old, Mapping):
        new = {key: _schema(value) for key, value in old.items()}
        reference = new.get("$ref")
        if isinstance(reference, str):
            for before, after in _MOVED.items():
                if reference.startswith(before):
                    new["$ref"] = after + reference.removeprefix(before)
        if isinstance(new.get("discriminator"), str):
            new["discriminator"] = {"propertyName": new["discriminator"]}
        if new.get("x-nullable") is True:
            new.pop("x-nullable")
            new["nullable"] = True
        return new
    return [_schema(item) for item in old] if isinstance(old, list) else old


def _scheme(old: Any) -> Any:
    if not isinstance(old, Mapping):
        return old
    if old.get("type") == "basic":
        return {"type": "http", "scheme": "basic"}
    if old.get("type") == "oauth2":
        flow = {key: old[key] for key in ("authorizationUrl", "tokenUrl", "scopes") if key in old}
        return {"type": "oauth2", "flows": {_FLOWS.get(str(old.get("flow")), str(old.get("flow"))): flow}}
    return dict(old)
