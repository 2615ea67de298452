"""Files of users, however broken, end in one line; the bundled server, whatever it is sent, never in a 500."""

from __future__ import annotations

import copy
import http.client
import json
from base64 import b64encode
from urllib.parse import quote, urlsplit

import pytest
import tomli_w
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Running
from kuflow_conformance import files
from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.errors import ConformanceError
from kuflow_conformance.findings import known, record
from kuflow_conformance.target import target_file as target

RELAXED = settings(
    deadline=None, max_examples=150, suppress_health_check=list(HealthCheck), database=None, derandomize=True
)
TOML_SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=20)
SCALARS = st.none() | TOML_SCALARS


def nested(scalars):
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    )


VALUES, TOML_VALUES = nested(SCALARS), nested(TOML_SCALARS)
TARGET = {
    "target": {"base-url": "https://api.example.com/v2024-06-14"},
    "auth": {"type": "basic", "user": "a", "password-env": "B"},
    "http": {"headers": {"a": "b"}, "rate-limit": 5},
    "test-bed": {"tasks": [{"code": "A", "valid": {}}], "group-ids": [], "metadata": {"valid": {}}},
}
KNOWN = {"known": [{"requirement": "PAG-003", "reason": "r", "link": "https://example.com", "expires": "2027-01-01"}]}


@pytest.fixture(scope="module")
def catalogue():
    return requirements.load()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "file"


def refused_in_one_line(function, *arguments):
    message = ""
    try:
        function(*arguments)
    except ConformanceError as error:
        message = str(error)
    assert len(message.splitlines()) <= 1


def spoilt(data, document):
    """`document` with one of its parts replaced or taken away."""
    document = copy.deepcopy(document)
    node = document
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        if data.draw(st.booleans()):
            node[key] = data.draw(TOML_VALUES)
        else:
            del node[key]
        return document


@RELAXED
@given(st.binary(max_size=200))
def test_any_bytes(scratch, catalogue, content):
    scratch.write_bytes(content)
    refused_in_one_line(target.load, scratch, {})
    refused_in_one_line(known.load, scratch, catalogue, ["findRobots"])
    refused_in_one_line(record.read, scratch)
    refused_in_one_line(openapi.load, scratch)


@RELAXED
@given(st.data())
def test_target_files(scratch, data):
    scratch.write_bytes(tomli_w.dumps(spoilt(data, TARGET)).encode("utf-8", "surrogatepass"))
    refused_in_one_line(target.load, scratch, {})


@RELAXED
@given(st.text(max_size=30), TOML_VALUES)
def test_settings(key, value):
    refused_in_one_line(target.load, None, {key: value})
    refused_in_one_line(target.parse_setting, f"{key}={value}")


@RELAXED
@given(st.data())
def test_known_failures(scratch, catalogue, data):
    scratch.write_bytes(tomli_w.dumps(spoilt(data, KNOWN)).encode("utf-8", "surrogatepass"))
    refused_in_one_line(known.load, scratch, catalogue, ["findRobots"])


@RELAXED
@given(VALUES)
def test_records(scratch, value):
    scratch.write_text(json.dumps(value))
    refused_in_one_line(record.read, scratch)


@settings(RELAXED, max_examples=40)
@given(st.data())
def test_descriptions(scratch, data):
    document = yaml.safe_load(files.data("spec/openapi.yaml").read_text())
    scratch.write_text(json.dumps(spoilt(data, document), default=str))
    refused_in_one_line(openapi.load, scratch)


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "BREW")
PARAMETERS = ("size", "page", "sort", "tenantId", "type", "groupId", "taskState")
MEDIA_TYPES = ("application/json", "application/json-patch+json", "application/octet-stream", "text/x", "")
SEGMENTS = ("processes", "process-items", "robots", "workers", "principals", "tenant-users", "authentications")


@settings(RELAXED, max_examples=400)
@given(
    method=st.sampled_from(METHODS),
    segments=st.lists(st.sampled_from(SEGMENTS) | st.text(max_size=12), max_size=5),
    query=st.lists(st.tuples(st.sampled_from(PARAMETERS) | st.text(max_size=6), st.text(max_size=12)), max_size=3),
    body=st.binary(max_size=100) | VALUES.map(lambda value: json.dumps(value).encode()),
    media_type=st.sampled_from(MEDIA_TYPES),
)
def test_bundled_server_never_fails(server: Running, method, segments, query, body, media_type):
    parts = urlsplit(server.url)
    path = parts.path + "".join(f"/{quote(segment, safe='')}" for segment in segments)
    path += "?" + "&".join(f"{quote(name)}={quote(value)}" for name, value in query)
    pair = b64encode(f"{server.user}:{server.password}".encode()).decode()
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request(method, path, body, {"Authorization": f"Basic {pair}", "Content-Type": media_type})
    assert connection.getresponse().status < 500
    connection.close()
