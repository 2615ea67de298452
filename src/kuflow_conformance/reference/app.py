"""The reference server over HTTP: authentication, parsing and validation by the description, error bodies."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from kuflow_conformance.description import openapi
from kuflow_conformance.description.openapi import Operation, Schema
from kuflow_conformance.reference.model import Json, Principal, timestamp
from kuflow_conformance.reference.operations import Answer, Platform, Refused
from kuflow_conformance.reference.seed import Tenant, seed

PREFIX = f"/v{openapi.VERSION}"


@dataclass(frozen=True)
class Caller:
    principal: Principal
    oauth: bool = False


def snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


class ReferenceServer:
    """The application: `asgi` answers requests, `tenants` says who may call.

    Each step of a request (authenticate, read the query, read the body, execute, respond) is a method of its own,
    so that a fault or a variation replaces one step and leaves the others honest.
    """

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self.description = openapi.load()
        self.platform = Platform()
        self.tenants: list[Tenant] = seed(self.platform, dict(tokens))
        self.webhooks: list[str] = []
        self.http_options: dict[str, Any] = {}
        """How HTTP is spoken; see `uvicorn.Config`."""
        self.oauth_tokens: dict[str, Principal] = {}
        self.queries = {
            operation.id: self._query_schemas(operation) for operation in self.description.operations.values()
        }
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in self.description.operations.values():
            by_path.setdefault(operation.path, {})[operation.method] = operation
        routes = [
            Route(PREFIX + path, self._endpoint(operations), methods=list(operations))
            for path, operations in by_path.items()
        ]
        routes.append(Route("/oauth/token", self._issue_token, methods=["POST"]))
        self.asgi = Starlette(
            routes=routes,
            exception_handlers={HTTPException: self._on_http_exception, Exception: self._on_exception},
        )

    def _query_schemas(self, operation: Operation) -> dict[str, Schema]:
        document = self.description.document
        return {parameter.name: Schema(document, parameter.schema) for parameter in operation.query_parameters}

    def _endpoint(self, operations: dict[str, Operation]) -> Any:
        async def endpoint(request: Request) -> Response:
            operation = operations.get(request.method) or operations["GET"]  # HEAD
            try:
                content = await request.body()
            except ClientDisconnect:
                return Response(status_code=400)  # which nobody reads
            try:
                return self.respond(operation, self.handle(operation, request, content))
            except Refused as refusal:
                return self.refuse(operation, refusal)

        return endpoint

    def handle(self, operation: Operation, request: Request, content: bytes) -> Answer:
        caller = self.authenticate(operation, request.headers.get("authorization", ""))
        arguments: dict[str, Any] = {}
        if "id" in request.path_params:
            arguments["id"] = self.read_id(operation, request.path_params["id"])
        if operation.query_parameters:
            arguments["query"] = self.read_query(operation, request.query_params)
        if operation.bodies:
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            binary = "application/octet-stream" in operation.bodies
            arguments["content" if binary else "body"] = self.read_body(operation, media_type, content)
        return self.execute(operation, caller, arguments)

    def execute(self, operation: Operation, caller: Caller, arguments: dict[str, Any]) -> Answer:
        if operation.id == "createAuthentication":
            arguments["oauth"] = caller.oauth
        answer: Answer = getattr(self.platform, snake_case(operation.id))(caller.principal, **arguments)
        return answer

    # Who calls

    def authenticate(self, operation: Operation, header: str) -> Caller:
        scheme, _, credentials = header.strip().partition(" ")
        pair = ""
        if scheme.lower() == "bearer" and credentials in self.oauth_tokens:
            return Caller(self.oauth_tokens[credentials], oauth=True)
        if scheme.lower() in ("basic", "bearer"):
            pair = self.decode(credentials)
        identifier, _, token = pair.partition(":")
        principal = self.application(identifier, token)
        if principal is None:
            raise Refused(401, "Valid credentials are required")
        return Caller(principal)

    def decode(self, credentials: str) -> str:
        try:
            return base64.b64decode(credentials.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            return ""

    def application(self, identifier: str, token: str) -> Principal | None:
        for tenant in self.tenants:
            if tenant.identifier == identifier and secrets.compare_digest(tenant.token.encode(), token.encode()):
                return tenant.application
        return None

    async def _issue_token(self, request: Request) -> Response:
        """OAuth2 client credentials (RFC 6749 section 4.4)."""
        form = await request.form()
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        pair = self.decode(credentials) if scheme.lower() == "basic" else ""
        identifier, _, token = pair.partition(":")
        principal = self.application(
            identifier or str(form.get("client_id", "")), token or str(form.get("client_secret", ""))
        )
        if form.get("grant_type") != "client_credentials" or principal is None:
            return self.json_response(401 if principal is None else 400, {"error": "invalid_client"})
        access_token = secrets.token_urlsafe(24)
        self.oauth_tokens[access_token] = principal
        return self.json_response(200, {"access_token": access_token, "token_type": "Bearer", "expires_in": 3600})

    # What is asked

    def read_id(self, operation: Operation, value: str) -> str:
        if not openapi.is_uuid(value):
            raise Refused(400, f"{value!r} is no UUID", [self.platform.detail("id", "INVALID_UUID", "path")])
        return value

    def read_query(self, operation: Operation, raw: Any) -> Json:
        query: Json = {}
        for parameter in operation.query_parameters:
            values: list[Any] = raw.getlist(parameter.name)
            if not values:
                if parameter.required:
                    raise Refused(
                        400, f"{parameter.name} is missing", [self.platform.detail(parameter.name, "REQUIRED", "query")]
                    )
                continue
            if parameter.schema.get("type") == "integer":
                values = [
                    int(value) if value.lstrip("-").isdecimal() and value.isascii() else value for value in values
                ]
            value = values if parameter.is_array else values[0]
            if not self.query_accepts(operation, parameter.name, value):
                raise Refused(
                    400, f"{parameter.name} is invalid", [self.platform.detail(parameter.name, "INVALID", "query")]
                )
            query[parameter.name] = value
        return query

    def query_accepts(self, operation: Operation, name: str, value: Any) -> bool:
        return self.queries[operation.id][name].accepts(value)

    def read_body(self, operation: Operation, media_type: str, content: bytes) -> Any:
        if media_type not in operation.bodies:
            raise Refused(415, f"The media type is {media_type or 'missing'}, not one of {', '.join(operation.bodies)}")
        if media_type == "application/octet-stream":
            return content
        try:
            body = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
            json.dumps(body, ensure_ascii=False, allow_nan=False).encode()  # no lone surrogates, no 1e400
        except (ValueError, RecursionError) as error:
            raise Refused(400, "The body is not JSON", [self.platform.detail("body", "MALFORMED_JSON")]) from error
        self.check_body(operation, media_type, body)
        return body

    def check_body(self, operation: Operation, media_type: str, body: Any) -> None:
        errors = [
            {"code": error.keyword.upper(), "message": str(error), "location": error.pointer, "locationType": "body"}
            for error in operation.bodies[media_type].errors(body)
        ]
        if errors:
            raise Refused(400, "The body is invalid", errors)

    # What is answered

    def respond(self, operation: Operation, answer: Answer) -> Response:
        if answer.json is not None:
            return self.json_response(answer.status, answer.json)
        return Response(
            answer.content or b"", answer.status, media_type=answer.media_type if answer.content is not None else None
        )

    def refuse(self, operation: Operation | None, refusal: Refused) -> Response:
        headers = {"WWW-Authenticate": 'Basic realm="kuflow", Bearer'} if refusal.status == 401 else {}
        return self.json_response(refusal.status, self.error_body(refusal), headers)

    def error_body(self, refusal: Refused) -> Json:
        body: Json = {
            "timestamp": timestamp(datetime.now(UTC)),
            "status": refusal.status,
            "message": refusal.message,
        }
        if refusal.errors:
            body["errors"] = refusal.errors
        return body

    def json_response(self, status: int, body: Json, headers: Mapping[str, str] | None = None) -> Response:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        return Response(content, status, dict(headers or {}), media_type="application/json")

    async def _on_http_exception(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = self.refuse(None, Refused(error.status_code, error.detail))
        response.headers.update(error.headers or {})
        return response

    async def _on_exception(self, request: Request, error: Exception) -> Response:
        return self.refuse(None, Refused(500, "Internal error"))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
