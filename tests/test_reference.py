"""The bundled server is useful by itself: the official Python client of this API version drives it."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests
from kuflow_rest import KuFlowRestClient, models

from conftest import Running
from kuflow_conformance.reference import serve


@pytest.fixture(scope="module")
def client(server: Running):
    return KuFlowRestClient(
        client_id=server.user, client_secret=server.password, endpoint=server.url, allow_insecure_connection=True
    )


@pytest.fixture(scope="module")
def definition(client):
    return client.process.find_processes(size=1).content[0].process_definition.id


@pytest.fixture
def process(client, definition):
    params = models.ProcessCreateParams(
        process_definition_id=definition, metadata=models.JsonValue(value={"reference": "REF-1"})
    )
    return client.process.create_process(params)


@pytest.fixture
def task(client, process):
    params = models.ProcessItemCreateParams(
        type="TASK",
        process_id=process.id,
        task=models.ProcessItemTaskCreateParams(task_definition_code="REVIEW"),
    )
    return client.process_item.create_process_item(params)


def test_lists(client):
    assert client.principal.find_principals(size=1000).metadata.total_elements > 30
    assert client.tenant_user.find_tenant_users().metadata.size == 25
    assert client.robot.find_robots(filter_context="READY").metadata.total_elements > 0
    items = client.process_item.find_process_items(sort=["createdAt,desc", "id"], type=["TASK"], task_state=["READY"])
    assert {item.task.state for item in items.content} == {"READY"}


def test_a_task_from_creation_to_completion(client, task):
    assert task.task.state == "READY"
    assert client.process_item.claim_process_item_task(task.id).task.state == "CLAIMED"
    invalid = models.ProcessItemTaskDataUpdateParams(data=models.JsonValue(value={"decision": "MAYBE"}))
    data = client.process_item.update_process_item_task_data(task.id, invalid).task.data
    assert data.valid is False
    assert [(error.property_path, error.type) for error in data.errors] == [("/decision", "enum")]
    patch = [models.JsonPatchOperation(op="replace", path="/decision", value="YES")]
    assert client.process_item.patch_process_item_task_data(task.id, patch).task.data.valid is True
    log = models.ProcessItemTaskAppendLogParams(message="done", level="INFO")
    assert client.process_item.append_process_item_task_log(task.id, log).task.logs[-1].message == "done"
    assert client.process_item.complete_process_item_task(task.id).task.state == "COMPLETED"


def test_cancel_takes_the_active_items_along(client, process, task):
    assert client.process.cancel_process(process.id).state == "CANCELLED"
    assert client.process_item.retrieve_process_item(task.id).task.state == "CANCELLED"
    before = client.process.retrieve_process(process.id).last_modified_at
    assert client.process.cancel_process(process.id).last_modified_at == before


def test_creation_is_idempotent(client, definition):
    params = models.ProcessCreateParams(id=str(uuid.uuid4()), process_definition_id=definition)
    first, second = client.process.create_process(params), client.process.create_process(params)
    assert first.created_at == second.created_at


def test_documents(client, process):
    content = bytes(range(256))
    reference = client.process.upload_process_document(
        process.id, file=content, file_content_type="application/x-test", file_name="a b.bin"
    ).document_uri
    assert reference.startswith("kuflow-file:uri=")
    assert "size=256;name=a%20b.bin;" in reference
    downloaded = client.process.download_process_document(process.id, document_uri=reference)
    assert b"".join(downloaded) == content


def test_workers_robots_and_authentications(client):
    params = models.WorkerCreateParams(identity="w", task_queue="q", hostname="h", ip="127.0.0.1")
    first, second = client.worker.create_worker(params), client.worker.create_worker(params)
    assert first.id == second.id
    robot = client.robot.retrieve_robot(client.robot.find_robots(size=1).content[0].id)
    assert len(b"".join(client.robot.download_robot_source_code(robot.id))) == robot.source_file.content_length
    certificate = client.authentication.create_authentication(
        models.AuthenticationCreateParams(type="ENGINE_CERTIFICATE")
    )
    assert "BEGIN CERTIFICATE" in certificate.engine_certificate.tls.client_certificate


@pytest.mark.parametrize("scheme", ["Basic", "Bearer"])
def test_basic_and_bearer(scheme, server: Running):
    pair = base64.b64encode(f"{server.user}:{server.password}".encode()).decode()
    answer = requests.get(f"{server.url}/robots", headers={"Authorization": f"{scheme} {pair}"}, timeout=10)
    assert answer.status_code == 200


def test_tenants_do_not_see_each_other(server: Running):
    lines = server.target_file.read_text().splitlines()
    second = [line.split('"')[1] for line in lines if line.startswith("user =")][1]
    pairs = ((server.user, server.password), (second, server.environment["KUFLOW_SECOND_TOKEN"]))
    ids = [
        {
            row["id"]
            for row in requests.get(f"{server.url}/processes?size=1000", auth=pair, timeout=10).json()["content"]
        }
        for pair in pairs
    ]
    assert ids[0]
    assert ids[1]
    assert not ids[0] & ids[1]
    stranger = next(iter(ids[1]))
    assert requests.get(f"{server.url}/processes/{stranger}", auth=pairs[0], timeout=10).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("DELETE", "/processes", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/processes/x", 400),
        ("GET", "/processes?size=1001", 400),
    ],
)
def test_every_refusal_has_the_error_body(method, path, status, server: Running):
    answer = requests.request(method, server.url + path, auth=(server.user, server.password), timeout=10)
    assert (answer.status_code, answer.json()["status"]) == (status, status)


def test_patch_is_atomic(server: Running, process):
    auth = (server.user, server.password)
    patch = [
        {"op": "replace", "path": "/reference", "value": "REF-2"},
        {"op": "test", "path": "/reference", "value": 1},
    ]
    answer = requests.patch(
        f"{server.url}/processes/{process.id}/metadata",
        data=json.dumps(patch),
        headers={"Content-Type": "application/json-patch+json"},
        auth=auth,
        timeout=10,
    )
    assert answer.status_code == 400
    assert requests.get(f"{server.url}/processes/{process.id}", auth=auth, timeout=10).json()["metadata"]["value"] == {
        "reference": "REF-1"
    }


def test_webhooks_arrive_in_order():
    events: list[dict] = []
    four = threading.Event()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            events.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if len(events) == 1 else 200)
            self.end_headers()
            if len(events) >= 4:
                four.set()

        def log_message(self, *arguments):
            pass

    receiver = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    with serve.running(webhooks=[f"http://127.0.0.1:{receiver.server_port}/"]) as (target_file, environment):
        running = Running(target_file, environment)
        auth = (running.user, running.password)
        processes = requests.get(f"{running.url}/processes?size=1", auth=auth, timeout=10).json()["content"]
        body = {"processDefinitionId": processes[0]["processDefinition"]["id"]}
        process = requests.post(f"{running.url}/processes", json=body, auth=auth, timeout=10).json()
        item = {"type": "TASK", "processId": process["id"], "task": {"taskDefinitionCode": "PAY"}}
        requests.post(f"{running.url}/process-items", json=item, auth=auth, timeout=10)
        for _ in range(2):
            requests.post(f"{running.url}/processes/{process['id']}/~actions/cancel", auth=auth, timeout=10)
        assert four.wait(10)
    receiver.shutdown()
    assert [event["type"] for event in events] == [
        "PROCESS.CREATED",
        "PROCESS_ITEM.CREATED",
        "PROCESS_ITEM.TASK_STATE_CHANGED",
        "PROCESS.STATE_CHANGED",
    ]
    assert len({event["id"] for event in events}) == 4
