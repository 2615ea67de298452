"""HAR files as tools write them: small ones with what each of them does otherwise."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import zipfile

import pytest
import requests

from conftest import command

URL = "https://api.example/v2024-06-14"
KEY = "3f0b9c9e-6c1f-4c58-9d53-8f1f6d1f5a01"
ROBOTS = {"metadata": {"size": 25, "page": 0, "totalElements": 0, "totalPages": 0}, "content": []}
TEXT = json.dumps(ROBOTS)


def entry(**changes):
    """An entry as most tools write it, with `changes` at places such as ``response__content``."""
    found = {
        "startedDateTime": "2026-01-05T10:00:00.000Z",
        "time": 12.5,
        "request": {"method": "GET", "url": f"{URL}/robots", "headers": [], "bodySize": 0},
        "response": {
            "status": 200,
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "content": {"size": len(TEXT), "text": TEXT, "mimeType": "application/json"},
            "bodySize": len(TEXT),
        },
    }
    for place, value in changes.items():
        part = found
        *parents, last = place.split("__")
        for parent in parents:
            part = part[parent]
        part[last] = value
    return found


def har(*entries):
    return json.dumps({"log": {"version": "1.2", "creator": {}, "entries": entries}}).encode()


def checked(tmp_path, content, name="traffic.har", *options):
    path = tmp_path / name
    path.write_bytes(content)
    return command("check", str(path), *options, reports=tmp_path / "out")


ENCODED = base64.b64encode(TEXT.encode()).decode()
COMPRESSED = base64.b64encode(gzip.compress(TEXT.encode())).decode()
GZIP = [{"name": "content-type", "value": "application/json"}, {"name": "content-encoding", "value": "gzip"}]

JUDGED = {
    "Firefox: no time": {"time": None, "response__bodySize": None},
    "axios-har-tracker: headers without value": {"request__headers": [{"name": "x-nothing"}]},
    "headers as an object": {"response__headers": {"content-type": "application/json"}},
    "no headers, but a media type": {"response__headers": []},
    "base64 with line breaks": {
        "response__content": {"size": 9, "text": f"{ENCODED[:20]}\r\n{ENCODED[20:]}", "encoding": "base64"}
    },
    "still compressed": {
        "response__headers": GZIP,
        "response__content": {"size": 9, "text": COMPRESSED, "encoding": "base64"},
    },
    "decoded, though the header says gzip": {"response__headers": GZIP},
    "HTTP/2 names": {"response__headers": [{"name": ":status", "value": "200"}, *GZIP[:1]]},
    "no time zone": {"startedDateTime": "2026-01-05T10:00:00"},
    "no moment": {"startedDateTime": None},
}


@pytest.mark.parametrize("changes", JUDGED.values(), ids=JUDGED)
def test_is_judged(changes, tmp_path):
    outcome = checked(tmp_path, har(entry(**changes)))
    assert (outcome.code, outcome.record["failed"]) == (0, [])
    assert outcome.record["traffic"]["requests"] == 1, outcome.output


PASSED_OVER = {
    "body not recorded": {"response__content": {"size": 4000, "mimeType": "application/json"}},
    "body left empty": {"response__content": {"size": 4000, "text": "", "mimeType": "application/json"}},
    "size nought and no text": {"response__content": {"size": 0, "mimeType": "application/json"}},
    "headers not recorded": {"response__headers": [], "response__content": {"size": 9, "text": TEXT}},
    "no answer": {"response": {"status": 0}},
    "too many requests": {"response__status": 429},
    "broken base64": {"response__content": {"size": 9, "text": "a", "encoding": "base64"}},
    "unknown encoding": {
        "response__headers": [GZIP[0], {"name": "Content-Encoding", "value": "br"}],
        "response__content": {"size": 9, "text": base64.b64encode(b"\x01\x02\x03").decode(), "encoding": "base64"},
    },
}


@pytest.mark.parametrize("changes", PASSED_OVER.values(), ids=PASSED_OVER)
def test_is_passed_over_and_counted(changes, tmp_path):
    outcome = checked(tmp_path, har(entry(), entry(**changes)))
    assert (outcome.code, outcome.record["failed"]) == (0, [])
    assert outcome.record["traffic"]["requests"] == 1
    assert sum(outcome.record["witness"]["passed_over"].values()) == 1
    assert "not judged: 1 (" in outcome.output


def test_an_unreadable_entry_spoils_nothing(tmp_path):
    outcome = checked(tmp_path, har(entry(), "nothing", {"request": {"url": URL}}, entry()))
    assert (outcome.code, outcome.record["traffic"]["requests"]) == (0, 2)
    assert outcome.record["witness"]["passed_over"] == {"unreadable": 2}
    assert "entry 2" in outcome.error


def test_a_file_that_breaks_off_is_judged_as_far_as_it_goes(tmp_path):
    outcome = checked(tmp_path, har(entry(), entry())[:-150])
    assert (outcome.code, outcome.record["traffic"]["requests"]) == (0, 1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_obstacle(encoding, tmp_path):
    assert checked(tmp_path, har(entry()).decode().encode(encoding)).code == 0


def test_bodies_in_files_beside_and_in_archives(tmp_path):
    attached = entry(response__content={"size": len(TEXT), "mimeType": "application/json", "_file": "body.json"})
    (tmp_path / "body.json").write_text(TEXT)
    assert checked(tmp_path, har(attached)).record["traffic"]["requests"] == 1
    with zipfile.ZipFile(tmp_path / "traffic.har.zip", "w") as archive:
        archive.writestr("har.har", har(attached))
        archive.writestr("body.json", TEXT)
    outcome = command("check", str(tmp_path / "traffic.har.zip"), reports=tmp_path / "zip")
    assert (outcome.code, outcome.record["traffic"]["requests"]) == (0, 1)


def test_no_file_elsewhere_is_read(tmp_path):
    (tmp_path / "secret").write_text(TEXT)
    (tmp_path / "inner").mkdir()
    attached = entry(response__content={"size": 9, "mimeType": "application/json", "_file": "../secret"})
    outcome = checked(tmp_path / "inner", har(attached, entry()))
    assert outcome.record["witness"]["passed_over"] == {"body not recorded": 1}


def test_two_hosts_are_both_judged_and_others_counted(tmp_path):
    other = entry(request__url="https://other.example/v2024-06-14/robots", response__status=500)
    login = entry(request__url="https://login.example/?next=https://api.example/v2024-06-14/robots")
    outcome = checked(tmp_path, har(login, entry(), other))
    assert outcome.record["failed"] == ["ANS-002"]
    assert outcome.record["target"]["url"] == f"{URL}, https://other.example/v2024-06-14"
    assert "elsewhere 1" in outcome.output
    assert checked(tmp_path, har(login, entry(), other), "one.har", "--url", URL).record["failed"] == []


def test_several_files_and_the_standard_input(tmp_path):
    for name in ("a.har", "b.har"):
        (tmp_path / name).write_bytes(har(entry()))
    outcome = command("check", str(tmp_path / "a.har"), str(tmp_path / "b.har"), reports=tmp_path / "out")
    assert (outcome.code, outcome.record["traffic"]["requests"]) == (0, 2)
    words = [sys.executable, "-m", "kuflow_conformance", "check", "-", "--reports", str(tmp_path / "stdin")]
    done = subprocess.run(words, input=har(entry()), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_advice_stands_apart_from_the_verdict(tmp_path):
    patch = entry(
        request__method="PATCH",
        request__url=f"{URL}/processes/{KEY}/metadata",
        request__postData={
            "mimeType": "application/json-patch+json",
            "text": json.dumps([{"op": "add", "path": "/a"}]),
        },
        request__bodySize=9,
        response__status=429,
    )
    outcome = checked(tmp_path, har(entry(request__url=f"{URL}/robots?groupId=1"), patch))
    assert outcome.code == 0
    told = {(advice["kind"], advice["what"]) for advice in outcome.record["witness"]["advice"]}
    assert ("unknown parameter", "groupId") in told
    assert "For the author of the client" in outcome.output


def test_mitmproxy(server, tmp_path):
    pytest.importorskip("mitmproxy")
    from mitmproxy import http
    from mitmproxy.addons.savehar import SaveHar
    from mitmproxy.test import tflow

    answer = requests.get(f"{server.url}/processes?size=2", auth=(server.user, server.password))
    flow = tflow.tflow(
        req=http.Request.make("GET", f"{server.url}/processes?size=2"),
        resp=http.Response.make(200, answer.content, dict(answer.headers)),
    )
    content = json.dumps(SaveHar().make_har([flow])).encode()
    outcome = checked(tmp_path, content)
    assert (outcome.code, outcome.record["traffic"]["requests"]) == (0, 1), outcome.output
