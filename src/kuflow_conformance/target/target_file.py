"""Who is tested: the target file, the flags that stand for its keys, and the credentials."""

from __future__ import annotations

import base64
import os
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_snake

from kuflow_conformance.description.openapi import VERSION, is_uuid
from kuflow_conformance.errors import InvalidTarget
from kuflow_conformance.files import read_toml

JsonObject = dict[str, Any]


def _kebab(name: str) -> str:
    return to_snake(name).replace("_", "-")


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"expected an http or https URL such as https://api.example.com/v{VERSION}")
    if parts.username or parts.password:
        raise ValueError("credentials do not belong in the URL; use the [auth] table")
    if parts.query or parts.fragment:
        raise ValueError("expected a URL without query or fragment")
    return value.rstrip("/")


def _uuid(value: str) -> str:
    if not is_uuid(value):
        raise ValueError("expected a UUID such as 497f6eca-6276-4993-bfeb-53cbbbba6f08")
    return value


def _variable(value: str) -> str:
    if not value.replace("_", "a").isalnum():
        raise ValueError("expected the name of an environment variable, not the secret itself")
    return value


HttpUrl = Annotated[str, AfterValidator(_base_url)]
Uuid = Annotated[str, AfterValidator(_uuid)]
Variable = Annotated[str, AfterValidator(_variable)]


class _Table(BaseModel):
    model_config = ConfigDict(alias_generator=_kebab, populate_by_name=True, extra="forbid", frozen=True)


def secret(variable: str) -> str:
    """The value of an environment variable. Raises InvalidTarget when it is not set."""
    value = os.environ.get(variable)
    if not value:
        raise InvalidTarget(f"the environment variable {variable}, which holds a secret of the target, is not set")
    return value


class Auth(_Table):
    """How the suite proves who it is. Secrets are named by environment variable, never written down."""

    type: Literal["basic", "bearer", "oauth2", "none"] = "basic"
    """``none`` sends no credentials: the clients of a proxy bring their own."""
    user: str | None = None
    password_env: Variable | None = None
    token_env: Variable | None = None
    token_url: HttpUrl | None = None
    client_id: str | None = None
    client_secret_env: Variable | None = None
    scope: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> Auth:
        pair = self.user is not None and self.password_env is not None
        oauth = None not in (self.token_url, self.client_id, self.client_secret_env)
        if self.type == "basic" and not pair:
            raise ValueError("basic needs user and password-env")
        if self.type == "bearer" and not (pair or self.token_env):
            raise ValueError("bearer needs token-env, or user and password-env (KuFlow's own form of a token)")
        if self.type == "oauth2" and not oauth:
            raise ValueError("oauth2 needs token-url, client-id and client-secret-env")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables that hold its secrets."""
        if self.type == "none":
            return ()
        return tuple(v for v in (self.password_env, self.token_env, self.client_secret_env) if v)

    def header(self) -> str:
        """The value of `Authorization`, for basic and bearer. Raises InvalidTarget when a secret is not set."""
        if self.type == "bearer" and self.token_env:
            return f"Bearer {secret(self.token_env)}"
        assert self.password_env is not None
        pair = base64.b64encode(f"{self.user}:{secret(self.password_env)}".encode()).decode()
        return f"{'Bearer' if self.type == 'bearer' else 'Basic'} {pair}"


class Http(_Table):
    """How requests are sent."""

    verify: bool = True
    ca_bundle: Path | None = None
    connect_timeout: Annotated[float, Field(gt=0, le=300)] = 10.0
    read_timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    answer_timeout: Annotated[float, Field(gt=0, le=3600)] = 120.0
    """Seconds for the whole of one answer; `read_timeout` is for each part of it."""
    rate_limit: Annotated[float, Field(gt=0)] | None = None
    """Requests per second of the whole run; none means unlimited."""
    proxy: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    headers_env: dict[str, Variable] = Field(default_factory=dict)
    """Header name → environment variable that holds its value."""

    @model_validator(mode="after")
    def _ca_bundle_exists(self) -> Http:
        if self.ca_bundle is not None and not self.ca_bundle.is_file():
            raise ValueError(f"ca-bundle: {self.ca_bundle} is not a file")
        return self


class JsonSample(_Table):
    """A value that fits the target's schema, and one that does not."""

    valid: JsonObject | None = None
    invalid: JsonObject | None = None


class TaskSample(JsonSample):
    """A task definition of the process definition, with samples of its data."""

    code: str


class RobotAsset(_Table):
    """An asset that the robot has."""

    type: Literal["PYTHON", "PYTHON_PIP", "NODEJS"]
    version: str
    platform: Literal["WINDOWS", "MAC_OS", "LINUX"]
    architecture: Literal["X86_32", "X86_64"]


class UserAction(_Table):
    """A process with a user action that takes a document."""

    process_id: Uuid
    value_id: Uuid


class Webforms(_Table):
    """A task definition whose data has a form, and the form's place in the sample of valid data."""

    code: str
    property_path: str


class TestBedFile(_Table):
    """What the run needs to exist on the target. Whatever is left out is looked for in the target's lists."""

    __test__ = False

    tenant_id: Uuid | None = None
    process_definition_id: Uuid | None = None
    principal_id: Uuid | None = None
    principal_email: str | None = None
    application_id: Uuid | None = None
    group_ids: list[Uuid] = Field(default_factory=list)
    robot_id: Uuid | None = None
    robot_asset: RobotAsset | None = None
    user_action: UserAction | None = None
    webforms: Webforms | None = None
    metadata: JsonSample = JsonSample()
    entity: JsonSample = JsonSample()
    tasks: list[TaskSample] = Field(default_factory=list)
    webhook_listen: str | None = None


class TargetTable(_Table):
    """Where the target is."""

    name: str | None = None
    base_url: HttpUrl
    max_processes: Annotated[int, Field(gt=0)] | None = None
    """How many processes a run may create; none means as many as it needs."""
    production: bool = False
    """Whether only `--profile read-only` may be used, unless the user says otherwise."""


class Require(_Table):
    """How much of what a run selects has to be tested for a verdict."""

    tested: Annotated[str, Field(pattern=r"^\d+(\.\d+)?%$")] | None = None
    """A share of the requirements, such as ``95%``."""
    requirements: list[str] = Field(default_factory=list)
    """Requirements, prefixes or areas, or patterns of them, of which none may be left untested."""


class Implements(_Table):
    """The part of the API that the target has, when it has not all of it."""

    areas: list[str] = Field(default_factory=list)
    """Areas of requirements, for the operations that they name."""
    operations: list[str] = Field(default_factory=list)
    """Operations, or patterns of them."""


class Implementation(_Table):
    """What is tested, for whoever reads the record."""

    name: str | None = None
    version: str | None = None
    commit: str | None = None
    contact: str | None = None


class SkipEntry(_Table):
    """Something that is not to be tested: a requirement, an area or an operation, or a pattern of them."""

    what: str
    reason: Annotated[str, Field(min_length=1)]
    expires: date | None = None
    """The last day on which it is left out; afterwards, a run complains."""


class Target(_Table):
    """A server under test."""

    target: TargetTable
    auth: Auth
    second_tenant: Auth | None = None
    http: Http = Http()
    test_bed: TestBedFile = TestBedFile()
    require: Require = Require()
    implements: Implements | None = None
    implementation: Implementation = Implementation()
    skip: tuple[SkipEntry, ...] = ()

    @property
    def base_url(self) -> str:
        return self.target.base_url

    @property
    def name(self) -> str:
        return self.target.name or self.base_url


FLAGS: Mapping[str, tuple[str, str]] = {
    "--url": ("target.base-url", "Base URL of the target, with the version in its path."),
    "--name": ("target.name", "Name of the target in the reports."),
    "--auth": ("auth.type", "How to log in: basic, bearer or oauth2."),
    "--user": ("auth.user", "User name, or identifier of an application."),
    "--password-env": ("auth.password-env", "Name of the environment variable that holds the password."),
    "--token-env": ("auth.token-env", "Name of the environment variable that holds a bearer token."),
    "--token-url": ("auth.token-url", "OAuth2 token endpoint."),
    "--client-id": ("auth.client-id", "OAuth2 client id."),
    "--client-secret-env": (
        "auth.client-secret-env",
        "Name of the environment variable that holds the OAuth2 client secret.",
    ),
    "--scope": ("auth.scope", "OAuth2 scope."),
    "--second-user": ("second-tenant.user", "User name in a second tenant."),
    "--second-password-env": (
        "second-tenant.password-env",
        "Name of the environment variable that holds its password.",
    ),
    "--verify": ("http.verify", "Verify TLS certificates: true or false."),
    "--ca-bundle": ("http.ca-bundle", "File of trusted certificates (PEM)."),
    "--connect-timeout": ("http.connect-timeout", "Seconds to wait for a connection."),
    "--read-timeout": ("http.read-timeout", "Seconds to wait for each part of an answer."),
    "--answer-timeout": ("http.answer-timeout", "Seconds to wait for a whole answer."),
    "--rate-limit": ("http.rate-limit", "Requests per second, at most."),
    "--proxy": ("http.proxy", "URL of an HTTP proxy."),
}
"""Flag → key of the target file and help text. Any other key is set with `--set KEY=VALUE`."""


def flag_name(flag: str) -> str:
    """The name under which options hold the value of a flag."""
    return "kuflow_" + flag.removeprefix("--").replace("-", "_")


def keys_of(options: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of the target file that options of a command line set; see `load`."""
    given = {key: options.get(flag_name(flag)) for flag, (key, _) in FLAGS.items()}
    chosen = {key: value for key, value in given.items() if value is not None}
    return chosen | dict(parse_setting(text) for text in options.get("set") or ())


def load(path: Path | None, overrides: Mapping[str, Any]) -> Target:
    """Read the target file, if one is given, and lay the flags over it.

    `overrides` maps dotted keys, such as ``http.rate-limit``, to values. Raises InvalidTarget with one line that
    names the key, the value and what is allowed.
    """
    source = str(path) if path else "command line"
    tables: dict[str, Any] = read_toml(path, InvalidTarget) if path else {}
    for key, value in overrides.items():
        _put(tables, key, value)
    try:
        return Target.model_validate(tables)
    except ValidationError as error:
        raise InvalidTarget(_explain(source, error)) from None


def parse_setting(text: str) -> tuple[str, Any]:
    """Split ``KEY=VALUE``; the value is TOML, or else a string. Raises InvalidTarget when there is no key."""
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise InvalidTarget(f"--set {text!r}: expected KEY=VALUE, such as http.rate-limit=10")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key.strip(), value


def parse_skip(text: str) -> SkipEntry:
    """What ``WHAT`` or ``WHAT=REASON`` of a command line leaves out. Raises InvalidTarget."""
    what, _, reason = text.partition("=")
    if not what.strip():
        raise InvalidTarget(f"--skip {text!r}: expected a requirement, area or operation, such as DOC-007=REASON")
    return SkipEntry(what=what.strip(), reason=reason.strip() or "left out on the command line")


def _put(tables: dict[str, Any], key: str, value: Any) -> None:
    table: Any = tables
    *parents, last = key.split(".")
    for parent in parents:
        table = table.setdefault(parent, {}) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise InvalidTarget(f"{key}: {'.'.join(parents)} is not a table")
    table[last] = value


_MISSING = {
    "target": "target.base-url: missing; give it in the target file or with --url",
    "target.base-url": "target.base-url: missing; give it in the target file or with --url",
    "auth": "auth: missing; give it in the target file or with --user and --password-env",
}


def _explain(source: str, error: ValidationError) -> str:
    details = error.errors(include_url=False)
    lines = []
    for detail in details:
        key = ".".join(str(part) for part in detail["loc"]) or "target"
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            lines.append(f"{key}: there is no such key")
        elif detail["type"] == "missing":
            lines.append(_MISSING.get(key, f"{key}: missing"))
        else:
            # What was given may be a secret in the wrong place.
            hidden = isinstance(detail["input"], dict) or "env" in key or "@" in str(detail["input"])
            given = "" if hidden else f" = {detail['input']!r}"
            lines.append(f"{key}{given}: {message[:1].lower()}{message[1:]}")
    return f"{source}: " + "; ".join(lines)
