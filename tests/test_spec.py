"""The description: complete, valid, mended by its errata, and true to the documentation's own samples."""

from __future__ import annotations

from collections import Counter

import pytest
import yaml
from openapi_spec_validator import validate

from kuflow_conformance import files
from kuflow_conformance.description import openapi
from kuflow_conformance.errors import InvalidDescription

PER_TAG = {
    "authentication": 1,
    "principal": 2,
    "tenant-user": 2,
    "process": 13,
    "process-item": 10,
    "worker": 1,
    "robot": 4,
}
UUID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
TIME = "2019-08-24T14:15:22Z"
AUDIT = {"createdBy": UUID, "createdAt": TIME, "lastModifiedBy": UUID, "lastModifiedAt": TIME}
VALUE = {"valid": True, "value": {}, "errors": [{"propertyPath": "string", "type": "string"}]}
PAGE = {"size": 25, "page": 0, "totalElements": 1096, "totalPages": 110}
PRINCIPAL = {
    "id": UUID,
    "type": "USER",
    "name": "string",
    "user": {"id": UUID, "email": "string"},
    "application": {"id": UUID},
}
DEFINITION = {"id": UUID, "version": UUID, "name": "string"}
PROCESS_ROW = {
    **AUDIT,
    "id": UUID,
    "state": "RUNNING",
    "processDefinition": DEFINITION,
    "initiatorId": UUID,
    "tenantId": UUID,
}
TASK_ROW = {"state": "READY", "taskDefinition": {**DEFINITION, "code": "string"}}
LOG = {"id": UUID, "timestamp": TIME, "message": "string", "level": "INFO"}
ITEM = {**AUDIT, "id": UUID, "type": "TASK", "processId": UUID, "ownerId": UUID, "tenantId": UUID}
WORKER = {
    "identity": "string",
    "taskQueue": "string",
    "workflowTypes": ["string"],
    "activityTypes": ["string"],
    "hostname": "string",
    "ip": "strings",
    "installationId": UUID,
    "robotIds": [UUID],
    "tenantId": UUID,
}
ROBOT_ROW = {**AUDIT, "id": UUID, "code": "string", "name": "string", "description": "string", "tenantId": UUID}
TLS = {"serverRootCaCertificate": "string", "clientCertificate": "string", "clientPrivateKey": "string"}

# The documentation's response samples, by the schema they illustrate.
SAMPLES = {
    "PrincipalPage": {"metadata": PAGE, "content": [{"id": UUID, "type": "USER", "name": "string"}]},
    "Principal": PRINCIPAL,
    "TenantUserPage": {
        "metadata": PAGE,
        "content": [{**AUDIT, "id": UUID, "principalId": UUID, "tenantId": UUID}],
    },
    "TenantUser": {**AUDIT, "id": UUID, "metadata": VALUE, "principal": PRINCIPAL, "tenantId": UUID},
    "ProcessPage": {"metadata": PAGE, "content": [PROCESS_ROW]},
    "Process": {
        **PROCESS_ROW,
        "metadata": VALUE,
        "entity": VALUE,
        "processRelated": {"incoming": [UUID], "outcoming": [UUID]},
    },
    "ProcessItemPage": {
        "metadata": PAGE,
        "content": [
            {**ITEM, "task": TASK_ROW, "message": {"text": "string", "dataStructureDataDefinitionCode": "string"}}
        ],
    },
    "ProcessItem": {
        **ITEM,
        "task": {**TASK_ROW, "data": VALUE, "logs": [LOG]},
        "message": {"text": "string", "data": VALUE, "dataStructureDataDefinitionCode": "string"},
    },
    "Worker": {**AUDIT, "id": UUID, **WORKER},
    "RobotPage": {"metadata": PAGE, "content": [ROBOT_ROW]},
    "Robot": {
        **ROBOT_ROW,
        "sourceType": "PACKAGE",
        "sourceFile": {
            "id": UUID,
            "name": "string",
            "contentType": "string",
            "contentLength": 0,
            "contentHash": "string",
        },
        "environmentVariables": {"property1": "string", "property2": "string"},
    },
    "DocumentReference": {"documentUri": "string"},
    "Authentication": {
        **AUDIT,
        "id": UUID,
        "type": "ENGINE_TOKEN",
        "tenantId": UUID,
        "engineToken": {"token": "string", "expiredAt": TIME},
        "engineCertificate": {"namespace": "string", "tls": TLS},
    },
    "DefaultError": {
        "timestamp": TIME,
        "status": 0,
        "message": "string",
        "errors": [{"code": "string", "message": "string", "location": "string", "locationType": "string"}],
    },
    "WebhookEventProcessCreated": {
        "id": UUID,
        "version": "string",
        "type": "PROCESS.CREATED",
        "timestamp": TIME,
        "data": {"processId": UUID, "processState": "RUNNING"},
    },
    "WorkerCreateParams": WORKER,
    "JsonPatch": [{"op": "add", "from": "string", "path": "string", "value": None}],
    "ProcessCreateParams": {
        "id": UUID,
        "processDefinitionId": UUID,
        "metadata": {"value": {}},
        "initiatorId": UUID,
        "initiatorEmail": "user@example.com",
    },
}


def test_all_operations_are_there(description):
    assert Counter(operation.tag for operation in description.operations.values()) == PER_TAG
    assert len(description.operations) == 33


def test_webhook_has_four_events(description):
    assert set(description.document["x-webhooks"]["events"]) == {"post"}
    mapping = description.document["components"]["schemas"]["WebhookEvent"]["discriminator"]["mapping"]
    assert set(mapping) == set(description.document["components"]["schemas"]["WebhookType"]["enum"])
    assert len(mapping) == 4


@pytest.mark.parametrize("mended", [False, True])
def test_is_valid_openapi(mended, description):
    raw = yaml.safe_load(files.data("spec/openapi.yaml").read_text())
    validate(description.document if mended else raw)


@pytest.mark.parametrize("name", SAMPLES)
def test_documented_samples_fit_their_schemas(name, description):
    assert [*description.schema(name).errors(SAMPLES[name])] == []


@pytest.mark.parametrize("name", ["Process", "ProcessPageItem"])
def test_errata_take_the_unknown_property_out_of_required(name, description):
    raw = yaml.safe_load(files.data("spec/openapi.yaml").read_text())
    published = raw["components"]["schemas"][name]["allOf"][1]["required"]
    mended = description.document["components"]["schemas"][name]["allOf"][1]["required"]
    assert [key for key in published if key not in mended] == ["initiator"]


def test_every_erratum_says_why():
    overlay = yaml.safe_load(files.data("spec/errata.overlay.yaml").read_text())
    assert all(action["description"] for action in overlay["actions"])


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "expected a mapping"),
        ("a: [", "not valid YAML"),
        ("swagger: '2.0'", "not an OpenAPI 3 document"),
        ("openapi: 3.0.3\npaths: {}", "describes no operation"),
        ("openapi: 3.0.3\npaths: {/a: {get: {responses: {}}}}", "not a usable OpenAPI document"),
        ("openapi: 3.0.3\npaths: 5", "not a usable OpenAPI document"),
    ],
)
def test_unusable_files_are_refused_in_one_line(content, complaint, tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(content)
    with pytest.raises(InvalidDescription, match=complaint) as caught:
        openapi.load(path)
    assert "\n" not in str(caught.value)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InvalidDescription, match="No such file"):
        openapi.load(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/processes", "findProcesses"),
        ("GET", "/processes/", "findProcesses"),
        ("GET", "/processes?size=1", "findProcesses"),
        ("GET", f"/processes/{UUID}", "retrieveProcess"),
        ("POST", f"/processes/{UUID}/~actions/cancel", "cancelProcess"),
        ("DELETE", "/processes", None),
        ("GET", "/unknown", None),
    ],
)
def test_operation_at(method, path, expected, description):
    operation = description.operation_at(method, path)
    assert (operation.id if operation else None) == expected
