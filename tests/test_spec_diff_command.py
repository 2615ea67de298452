"""`spec diff` as a user runs it: formats, places, revisions, recorded clients, and input that is no description."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from conftest import command

OLD = """\
openapi: 3.0.3
info: {title: t, version: 1.0.0}
servers:
  - url: https://api.example.com/base
paths:
  /things/{id}:
    get:
      operationId: readThing
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: lang, in: query, schema: {type: string}}
      responses:
        '200':
          description: a thing
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
    put:
      operationId: writeThing
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
      requestBody:
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Thing'}
      responses:
        '200':
          description: a thing
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
components:
  schemas:
    Thing:
      type: object
      properties:
        name:
          type: string
        kind:
          type: string
          enum: [A, B]
"""
NEW = OLD.replace("enum: [A, B]", "enum: [A, B, C]").replace("        kind:", "          minLength: 1\n        kind:")


@pytest.fixture
def files(tmp_path):
    for name, text in (("old.yaml", OLD), ("new.yaml", NEW)):
        (tmp_path / name).write_text(text)
    return str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml")


def test_a_break_is_shown_where_it_stands(files):
    outcome = command("spec", "diff", *files)
    assert outcome.code == 1, outcome.error
    assert '{"name": ""} was accepted and is refused now' in outcome.output
    line = OLD.splitlines().index("        name:") + 1
    assert f"{files[0]}:{line}:9 → {files[1]}:{line + 2}:11" in outcome.output
    # One entry for the schema, with both operations that answer with it.
    assert outcome.output.count("the value C is new") == 2  # sent, and received
    assert "readThing answer 200/kind C, writeThing answer 200/kind C" in outcome.output


def test_new_values_fail_if_wanted(files):
    old, new = files
    lengthless = NEW.replace("          minLength: 1\n", "")
    with open(new, "w") as file:
        file.write(lengthless)
    assert command("spec", "diff", old, new).code == 1
    assert command("spec", "diff", old, new, "--fail-on", "breaking").code == 0


def test_machines_read_it(files):
    found = json.loads(command("spec", "diff", *files, "--format", "json").output)
    worst = found["changes"][0]
    assert worst["title"] == "Thing/name"
    assert worst["operations"][0]["id"] == "bound writeThing body/name"
    sarif = json.loads(command("spec", "diff", *files, "--format", "sarif").output)
    (run,) = sarif["runs"]
    assert run["results"][0]["level"] == "error"
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == worst["new"]["line"]
    github = command("spec", "diff", *files, "--format", "github").output
    assert github.startswith(f"::error file={files[1]},line={worst['new']['line']},col={worst['new']['column']},title=")


def test_a_schema_is_accepted_as_a_whole(files, tmp_path):
    accepted = tmp_path / "accepted.toml"
    accepted.write_text(
        '[[accepted]]\nchange = "enum Thing/kind C"\nreason = "told"\n'
        '[[accepted]]\nchange = "bound writeThing body/name"\nreason = "nobody does that"\n'
    )
    outcome = command("spec", "diff", *files, "--accept", str(accepted))
    assert outcome.code == 0, outcome.output
    assert "nobody does that" in outcome.output


def test_revisions_of_git(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def git(*words):
        author = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *author, *words], check=True, capture_output=True)

    git("init")
    for text in (OLD, NEW):
        (tmp_path / "openapi.yaml").write_text(text)
        git("add", ".")
        git("commit", "-m", "x")
    assert command("spec", "diff", "HEAD~1:openapi.yaml", "openapi.yaml").code == 1
    assert command("spec", "diff", "HEAD:openapi.yaml", "openapi.yaml").code == 0
    wrong = command("spec", "diff", "HEAD~7:openapi.yaml", "openapi.yaml")
    assert wrong.code == 2
    assert len(wrong.error.splitlines()) == 1


def har(path, *exchanges):
    entries = [
        {
            "startedDateTime": "2026-01-01T00:00:00Z",
            "time": 1,
            "request": {"method": method, "url": url, "headers": [], "postData": {"text": json.dumps(body)}},
            "response": {"status": 200, "headers": [], "content": {"text": json.dumps(answer)}},
        }
        for method, url, body, answer in exchanges
    ]
    path.write_text(json.dumps({"log": {"entries": entries}}))
    return str(path)


def test_breaking_for_whom(files, tmp_path):
    url = "https://api.example.com/base/things/1"
    written = ("PUT", url, {"name": "x"}, {"name": "x"})
    concerned = har(tmp_path / "shop.har", written, ("GET", url, None, {"kind": "A"}))
    other = har(tmp_path / "robot.har", ("GET", url, None, {"name": "x"}))
    outcome = command("spec", "diff", *files, "--traffic", concerned, "--traffic", other)
    assert "used by shop (1 ×)" in outcome.output
    assert "robot" not in outcome.output
    assert command("spec", "diff", *files, "--traffic", concerned, "--used-only").code == 1
    assert command("spec", "diff", *files, "--traffic", other, "--used-only").code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services:\n  web:\n    image: x\n", "1:1: not an OpenAPI description"),
        ("openapi: 3.0.3\npaths:\n  - /a\n", "2:1: at /paths: expected a mapping, found a list"),
        ("openapi: 3.0.3\npaths:\n  /a:\n    get:\n      parameters:\n        - {in: query}\n", "6:11"),
        (OLD.replace("schemas/Thing'}", "schemas/Nothing'}", 1), "there is no #/components/schemas/Nothing"),
        ("openapi: 3.0.3\npaths: {}\ncomponents:\n  schemas:\n    A: {type: file}\n", "5:9"),
        ("- a\n", "expected a mapping at the top"),
        ("a: [\n", "not valid YAML"),
        ("", "expected a mapping at the top"),
    ],
)
def test_what_is_no_description_is_refused(text, said, files, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text)
    for pair in ((str(wrong), files[0]), (files[0], str(wrong))):
        outcome = command("spec", "diff", *pair)
        assert outcome.code == 2, outcome.output
        assert said in outcome.error, outcome.error
        assert str(wrong) in outcome.error
        assert len(outcome.error.splitlines()) == 1


def test_swagger_is_judged(files, tmp_path):
    swagger = {
        "swagger": "2.0",
        "info": {"title": "t", "version": "1"},
        "basePath": "/v1",
        "paths": {"/a": {"get": {"operationId": "g", "responses": {}}}},
    }
    old = tmp_path / "swagger.yaml"
    old.write_text(yaml.safe_dump(swagger))
    swagger["paths"]["/a"]["get"]["parameters"] = [{"in": "query", "name": "q", "type": "string", "required": True}]
    new = tmp_path / "swagger-new.yaml"
    new.write_text(yaml.safe_dump(swagger))
    assert command("spec", "diff", str(old), str(old)).code == 0
    assert command("spec", "diff", str(old), str(new)).code == 1
