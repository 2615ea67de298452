"""Other people's traffic: HAR files, and the official Python client through the proxy."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import requests
from kuflow_rest import KuFlowRestClient, models

from conftest import Running, command
from kuflow_conformance import files
from kuflow_conformance.reference import serve


@contextlib.contextmanager
def proxied(target: Running, reports: Path, *options: str):
    """The address of a proxy for `target`, and what it says in the end: exit code and output."""
    words = [sys.executable, "-m", "kuflow_conformance", "proxy", "--target", str(target.target_file), "--listen", "0"]
    proxy = subprocess.Popen(
        [*words, "--reports", str(reports), *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    end = {}
    try:
        line = proxy.stdout.readline()
        assert line.startswith("http://127.0.0.1:"), line + proxy.stdout.read()
        yield line.split()[0], end
    finally:
        proxy.send_signal(signal.SIGINT)
        end["output"], _ = proxy.communicate(timeout=30)
        end["code"] = proxy.returncode


def record_of(reports: Path):
    record = json.loads((reports / "run.json").read_text())
    jsonschema.validate(record, json.loads(files.data("spec/run.schema.json").read_text()))
    return record


def drive(url: str, target: Running) -> None:
    """What a program does with the official client."""
    client = KuFlowRestClient(
        client_id=target.user, client_secret=target.password, endpoint=url, allow_insecure_connection=True
    )
    definition = client.process.find_processes(size=1).content[0].process_definition.id
    metadata = models.JsonValue(value={"reference": "REF-1"})
    process = client.process.create_process(
        models.ProcessCreateParams(process_definition_id=definition, metadata=metadata)
    )
    file = io.BytesIO(b"hello")
    client.process.upload_process_document(process.id, file, file_content_type="text/plain", file_name="a.txt")
    task = client.process_item.create_process_item(
        models.ProcessItemCreateParams(
            type="TASK",
            process_id=process.id,
            task=models.ProcessItemTaskCreateParams(task_definition_code="REVIEW"),
        )
    )
    client.process_item.claim_process_item_task(task.id)
    patch = [models.JsonPatchOperation(op="add", path="/decision", value="YES")]
    client.process_item.patch_process_item_task_data(task.id, patch)
    client.process_item.complete_process_item_task(task.id)
    client.process_item.retrieve_process_item(task.id)
    client.process_item.find_process_items(sort=["createdAt,desc"], type=["TASK"], task_state=["READY", "COMPLETED"])
    client.process.complete_process(process.id)
    client.process.retrieve_process(process.id)


@pytest.fixture(scope="module")
def official(server, tmp_path_factory):
    """The record of the official client at work, and what the proxy said at its end."""
    reports = tmp_path_factory.mktemp("official")
    with proxied(server, reports) as (url, end):
        drive(url, server)
    return record_of(reports), end


def test_the_official_client_sees_no_break(official):
    record, end = official
    assert (end["code"], record["verdict"], record["failed"]) == (0, "no break seen", [])
    reached = {operation["id"] for operation in record["operations"] if operation["successes"]}
    assert {"createProcess", "claimProcessItemTask", "patchProcessItemTaskData", "findProcessItems"} <= reached
    coverage = next(o["coverage"] for o in record["operations"] if o["id"] == "findProcessItems")
    assert coverage["query taskState=COMPLETED"]
    assert not coverage["query taskState=CANCELLED"]


def test_secrets_of_the_client_are_in_no_report(server, official, tmp_path):
    with proxied(server, tmp_path) as (url, _):
        answer = requests.get(f"{url}/processes/nothing", auth=(server.user, server.password))
        assert answer.status_code >= 400
    text = "".join(p.read_text() for p in tmp_path.rglob("*") if p.is_file())
    pair = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
    assert server.password not in text
    assert pair not in text


@pytest.mark.parametrize(
    ("fault", "requirement"),
    [("tenant-missing", "SCH-002"), ("rows-without-tenant", "SCH-002"), ("complete-task-not-kept", "ITM-008")],
)
def test_a_break_is_seen_live(fault, requirement, tmp_path):
    with serve.running([fault]) as (target_file, environment):
        target = Running(target_file, environment)
        with proxied(target, tmp_path) as (url, end), contextlib.suppress(Exception):  # a client may stumble over it
            drive(url, target)
    failed = record_of(tmp_path)["failed"]
    assert (end["code"], failed) == (1, [requirement])
    assert requirement in end["output"]


def test_a_target_that_is_away_costs_no_traceback(tmp_path):
    port = serve.free_port()
    options = ["--url", f"http://127.0.0.1:{port}/v2024-06-14", "--listen", "0", "--reports", str(tmp_path)]
    proxy = subprocess.Popen(
        [sys.executable, "-m", "kuflow_conformance", "proxy", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    url = proxy.stdout.readline().split()[0]
    answer = requests.get(f"{url}/processes")
    proxy.send_signal(signal.SIGTERM)
    output, _ = proxy.communicate(timeout=30)
    assert (answer.status_code, proxy.returncode) == (502, 3)
    assert "Traceback" not in output
    record = record_of(tmp_path)
    assert record["failed"] == []
    assert "cannot be reached" in record["reason"]
    assert record["witness"]["passed_over"] == {"target not reached": 1}


def test_a_port_that_is_taken_is_told(server):
    port = server.url.partition("127.0.0.1:")[2].partition("/")[0]
    outcome = command("proxy", "--target", str(server.target_file), "--listen", port)
    assert outcome.code == 2
    assert f"port {port}" in outcome.error
    assert len(outcome.error.strip().splitlines()) == 1


# HAR


def entry(url: str, answer: requests.Response | None = None, **changes):
    """An entry as browsers write it."""
    body = answer.content if answer is not None else b"{}"
    content = {"size": len(body), "text": body.decode(), "mimeType": "application/json"}
    found = {
        "startedDateTime": "2026-01-05T10:00:00.000Z",
        "time": 12.5,
        "request": {"method": "GET", "url": url, "headers": [], "bodySize": 0},
        "response": {
            "status": answer.status_code if answer is not None else 200,
            "headers": [{"name": n, "value": v} for n, v in (answer.headers.items() if answer is not None else ())],
            "content": content,
        },
    }
    for path, value in changes.items():
        part = found
        *parents, last = path.split("__")
        for parent in parents:
            part = part[parent]
        part[last] = value
    return found


def har(tmp_path: Path, *entries) -> Path:
    path = tmp_path / "traffic.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}}))
    return path


@pytest.fixture(scope="module")
def listed(server):
    return requests.get(f"{server.url}/processes?size=2", auth=(server.user, server.password))


def test_a_recording_is_judged(server, listed, tmp_path):
    url = f"{server.url}/processes?size=2"
    wrong = json.loads(listed.content)
    wrong["metadata"]["size"] = 3
    body = json.dumps(wrong)
    path = har(
        tmp_path,
        entry("https://elsewhere.example/v1/things"),
        entry(url, listed),
        entry(url, listed, response__content={"size": len(body), "text": body}),
    )
    outcome = command("check", str(path), reports=tmp_path / "out")
    assert outcome.code == 1
    assert outcome.record["failed"][0] == "PAG-002"
    assert outcome.record["traffic"]["requests"] == 2
    assert outcome.record["target"] == {"name": "traffic.har", "url": server.url, "implementation": {}}


@pytest.mark.parametrize(
    "changes",
    [
        {"response__content": {"size": 4000}},  # its body was not recorded
        {"response__content": {}},
        {"response__status": 0},  # the client gave up
        {"response__status": 302},
        {"response__status": 412, "request__headers": [{"name": "If-Match", "value": '"1"'}]},
        {"request__method": "OPTIONS", "response__status": 204, "response__content": {"size": 0}},
        {"request__method": "POST", "request__bodySize": -1},  # what was sent is not known
    ],
    ids=str,
)
def test_what_cannot_be_judged_is_passed_over(changes, server, listed, tmp_path):
    url = f"{server.url}/processes?size=2"
    if changes.get("request__method") == "POST":
        created = json.loads(listed.content)["content"][0]
        changes = {**changes, "response__status": 201, "response__content": {"size": 9, "text": json.dumps(created)}}
        url = f"{server.url}/processes/{created['id']}/actions/complete"
        changes["response__status"] = 200
    path = har(tmp_path, entry(f"{server.url}/processes?size=2", listed), entry(url, listed, **changes))
    outcome = command("check", str(path), reports=tmp_path / "out")
    assert (outcome.code, outcome.record["failed"]) == (0, [])


def test_bodies_in_base64_are_read(server, listed, tmp_path):
    content = {"size": len(listed.content), "text": base64.b64encode(listed.content).decode(), "encoding": "base64"}
    path = har(tmp_path, entry(f"{server.url}/processes?size=2", listed, response__content=content))
    outcome = command("check", str(path), reports=tmp_path / "out")
    assert outcome.code == 0
    assert sum(operation["successes"] for operation in outcome.record["operations"]) == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        ("{", "not a HAR file"),
        ("[]", "not a HAR file"),
        ('{"log": {"entries": [{"request": 1}]}}', "1 cannot be read"),
        ('{"log": {"entries": []}}', "--url"),
    ],
)
def test_a_file_that_is_no_har_is_refused_in_one_line(content, complaint, tmp_path):
    path = tmp_path / "bad.har"
    if content is not None:
        path.write_text(content)
    outcome = command("check", str(path), reports=tmp_path / "out")
    assert outcome.code == 2
    assert complaint in outcome.error
    assert len(outcome.error.strip().splitlines()) == 1


def test_nothing_to_judge_is_no_verdict(tmp_path):
    path = har(tmp_path, entry("https://api.example/v2024-06-14/processes", response__status=0))
    assert command("check", str(path), reports=tmp_path / "out").code == 3
    assert os.path.exists(tmp_path / "out" / "report.html")
