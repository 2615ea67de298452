"""Does a changed description break clients? Pairs with known verdicts, made of the bundled description."""

from __future__ import annotations

import copy
import resource

import pytest
import yaml

from conftest import command
from kuflow_conformance import files
from kuflow_conformance.description import compatibility as specdiff


@pytest.fixture(scope="module")
def bundled():
    return yaml.safe_load(files.data("spec/openapi.yaml").read_text())


def component(document, name):
    """The part of a component schema that has its properties."""
    schema = document["components"]["schemas"][name]
    return next((part for part in schema.get("allOf", ()) if "properties" in part), schema)


def operation(document, name):
    return next(
        item[method]
        for item in document["paths"].values()
        for method in item
        if isinstance(item[method], dict) and item[method].get("operationId") == name
    )


def remove_operation(d):
    for item in d["paths"].values():
        for method in list(item):
            if isinstance(item[method], dict) and item[method].get("operationId") == "createWorker":
                del item[method]


def require_property(d):
    component(d, "WorkerCreateParams")["required"].append("installationId")


def shorten(d):
    component(d, "WorkerCreateParams")["properties"]["hostname"]["maxLength"] = 100


def lengthen(d):
    component(d, "WorkerCreateParams")["properties"]["hostname"]["maxLength"] = 1000


def require_parameter(d):
    operation(d, "findRobots").setdefault("parameters", []).append(
        {"name": "region", "in": "query", "required": True, "schema": {"type": "string"}}
    )


def add_parameter(d):
    operation(d, "findRobots").setdefault("parameters", []).append(
        {"name": "region", "in": "query", "schema": {"type": "string"}}
    )


def new_state(d):
    d["components"]["schemas"]["ProcessState"]["enum"].append("PAUSED")


def answer_loses_property(d):
    del component(d, "Process")["properties"]["state"]


def answer_may_lack_property(d):
    component(d, "Process")["required"].remove("state")


def answer_gains_property(d):
    component(d, "Process")["properties"]["priority"] = {"type": "integer"}


def other_status(d):
    responses = operation(d, "completeProcess")["responses"]
    responses["202"] = responses.pop("200")


def other_type(d):
    component(d, "Worker")["properties"]["hostname"]["type"] = ["string", "null"]


def only_words(d):
    d["info"]["description"] = "Other words."
    component(d, "Process")["description"] = "Other words."


PAIRS = [
    (remove_operation, "operation-removed", True),
    (require_property, "property-required", True),
    (shorten, "bound", True),
    (lengthen, "bound", False),
    (require_parameter, "parameter-required", True),
    (add_parameter, "parameter-added", False),
    (new_state, "enum", True),
    (answer_loses_property, "property-removed", True),
    (answer_may_lack_property, "property-optional", True),
    (answer_gains_property, "property-added", False),
    (other_status, "status-removed", True),
    (other_type, "type", True),
    (only_words, None, False),
]


@pytest.mark.parametrize(("change", "kind", "breaks"), PAIRS, ids=lambda value: getattr(value, "__name__", None))
def test_verdict(change, kind, breaks, bundled):
    changed = copy.deepcopy(bundled)
    change(changed)
    judgement = specdiff.judge(bundled, changed)
    assert judgement.breaks_clients is breaks
    kinds = {found.kind for found in judgement.changes}
    assert kind in kinds if kind else not kinds
    if kind:
        relevant = next(found for found in judgement.changes if found.kind == kind)
        assert (relevant.level in ("breaking", "new values")) is breaks
        assert relevant.operation


def test_a_major_version_may_break_clients(bundled):
    changed = copy.deepcopy(bundled)
    remove_operation(changed)
    changed["servers"][0]["url"] = "https://api.kuflow.com/v2025-01-01"
    judgement = specdiff.judge(bundled, changed)
    assert judgement.major
    assert judgement.of("breaking")
    assert not judgement.breaks_clients


def test_what_is_accepted_does_not_count(bundled):
    changed = copy.deepcopy(bundled)
    shorten(changed)
    (breaking,) = specdiff.judge(bundled, changed).of("breaking")
    judgement = specdiff.judge(bundled, changed, {breaking.id: "nobody has such a host name"})
    assert not judgement.breaks_clients


def test_command_line(bundled, tmp_path):
    changed = copy.deepcopy(bundled)
    new_state(changed)
    paths = [tmp_path / name for name in ("old.yaml", "new.yaml")]
    for path, document in zip(paths, (bundled, changed), strict=True):
        path.write_text(yaml.safe_dump(document))
    for kind in ("md", "html"):
        output = tmp_path / f"diff.{kind}"
        started = resource.getrusage(resource.RUSAGE_CHILDREN)
        outcome = command("spec", "diff", *map(str, paths), "--output", str(output))
        assert outcome.code == 1, outcome.error
        assert "the value PAUSED is new" in outcome.output
        assert "PAUSED" in output.read_text()
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert spent.ru_utime - started.ru_utime < 5
    breaking = specdiff.judge(bundled, changed).failing
    accepted = tmp_path / "accepted.toml"
    accepted.write_text("".join(f'[[accepted]]\nchange = "{c.id}"\nreason = "told to clients"\n' for c in breaking))
    assert command("spec", "diff", *map(str, paths), "--accept", str(accepted)).code == 0
    assert command("spec", "diff", str(paths[0]), str(paths[0])).code == 0
    broken = command("spec", "diff", str(accepted), str(paths[0]))
    assert broken.code == 2
    assert len(broken.error.splitlines()) == 1
