"""Documents: what is uploaded is what is downloaded, under the name it was given."""

import uuid

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.documents import parse_reference

CONTENTS = {
    "one byte": (b"\x00", "one.bin", "application/octet-stream"),
    "every byte": (bytes(range(256)) * 3, "every byte.bin", "application/x-conformance"),
    "text": ("ünïcode \r\n\n\ttext".encode(), "ünï;c=ö%d&e.txt", "text/plain"),
    "looks like JSON": (b'{"json": true}\n', "data.json", "application/json"),
    "empty": (b"", "empty.txt", "text/plain"),
    "plus": (b"plus", "a+b=c @1.json", "application/vnd.conformance+json"),
    "larger than a buffer": (bytes(range(251)) * 1021, "larger.pdf", "application/pdf"),
}
LARGE = (bytes(range(256)) * 4 * 1024 * 5, "large.bin", "application/octet-stream")


def reference_of(exchange):
    return exchange.object.get("documentUri")


def download(world, process, reference):
    return world.call("downloadProcessDocument", id=process, query={"documentUri": reference})


def _round_trip(world, evidence, content, name, media_type):
    process = world.scratch_process()
    query = {"fileContentType": media_type, "fileName": name}
    uploaded = world.call("uploadProcessDocument", id=process, query=query, content=content)
    if not content and uploaded.refused:
        return  # no bytes may be taken for no body
    if not evidence.check("DOC-001", uploaded.ok, uploaded, expected=f"{len(content)} bytes to be uploaded"):
        return
    parts = parse_reference(reference_of(uploaded))
    wanted = {"type": media_type, "size": str(len(content)), "name": name}
    seen = {key: (parts or {}).get(key) for key in wanted}
    evidence.check(
        "DOC-002",
        seen == wanted,
        uploaded,
        expected=f"a kuflow-file reference with a uri and {wanted}",
        seen=reference_of(uploaded),
    )
    for _ in range(2):
        downloaded = download(world, process, reference_of(uploaded))
        same = downloaded.ok and downloaded.body == content
        evidence.check(
            "DOC-001",
            same,
            downloaded,
            expected=f"the {len(content)} bytes that were uploaded, each time",
            seen=f"{downloaded.status}, {len(downloaded.body)} bytes",
        )


@pytest.mark.requirement("DOC-001", "DOC-002")
@pytest.mark.parametrize("kind", CONTENTS)
def test_round_trip(kind, world, evidence):
    _round_trip(world, evidence, *CONTENTS[kind])


@pytest.mark.requirement("DOC-007")
def test_large_document(world, evidence):
    content, name, media_type = LARGE
    query = {"fileContentType": media_type, "fileName": name}
    uploaded = world.call("uploadProcessDocument", id=world.scratch_process(), query=query, content=content)
    if uploaded.status == 413:
        raise NotTested("the target takes no documents of 5 MiB")
    downloaded = download(world, world.scratch_process(), reference_of(uploaded))
    same = downloaded.body == content
    evidence.check(
        "DOC-007",
        same,
        downloaded,
        expected="the 5 MiB that were uploaded",
        seen=f"{downloaded.status}, {len(downloaded.body)} bytes",
    )


@pytest.mark.requirement("DOC-003")
def test_two_documents_are_two(world, evidence):
    process = world.scratch_process()
    first, second = (world.document(process, content) for content in (b"first", b"second"))
    for uploaded, content in ((first, b"first"), (second, b"second")):
        downloaded = download(world, process, reference_of(uploaded))
        evidence.check(
            "DOC-003", downloaded.body == content, downloaded, expected=f"{content!r}", seen=repr(downloaded.body[:40])
        )


@pytest.mark.requirement("DOC-004")
def test_unknown_document(world, evidence):
    process = world.scratch_process()
    reference = str(reference_of(world.document(process)))
    parts = parse_reference(reference) or {}
    unknown = reference.replace(parts.get("uri", reference), str(uuid.uuid4()))
    for uri in (unknown, "kuflow-file:uri=none;type=text/plain;size=1;name=none.txt;"):
        exchange = download(world, process, uri)
        evidence.check(
            "DOC-004", exchange.refused, exchange, expected="a refusal (4xx) of a document that does not exist"
        )


@pytest.mark.requirement("DOC-005")
def test_document_of_another_process(world, evidence):
    process, other = world.id_of(world.process()), world.id_of(world.process())
    reference = reference_of(world.document(process))
    exchange = download(world, other, reference)
    evidence.check("DOC-005", exchange.refused, exchange, expected="a refusal (4xx) of another process's document")


@pytest.mark.requirement("DOC-006")
@pytest.mark.parametrize("where", ["metadata", "entity", "task", "new task"])
def test_linked_document(where, world, evidence):
    """A reference that stands in the data of a process or task still leads to the document."""
    process = world.id_of(world.process())
    reference = reference_of(world.document(process, b"linked"))
    if where in ("metadata", "entity"):
        patch = [{"op": "add", "path": "/conformance", "value": reference}]
        saved = world.call(f"patchProcess{where.capitalize()}", id=process, body=patch)
        data = saved.object.get(where) or {}
    elif where == "new task":
        valid = world.bed.task.valid or {}
        task = {"taskDefinitionCode": world.bed.task.code, "data": {"value": valid | {"conformance": reference}}}
        saved = world.call("createProcessItem", body=world.task_body(process, task=task))
        data = (saved.object.get("task") or {}).get("data") or {}
    else:
        task = world.id_of(world.working_task(process))
        saved = world.call(
            "patchProcessItemTaskData", id=task, body=[{"op": "add", "path": "/conformance", "value": reference}]
        )
        data = (saved.object.get("task") or {}).get("data") or {}
    kept = (data.get("value") or {}).get("conformance")
    if not saved.ok or parse_reference(kept) is None:
        raise NotTested("the target keeps no document reference in this data")
    for uri in dict.fromkeys((kept, reference)):  # a copy may be made, with a reference of its own
        exchange = download(world, process, uri)
        if uri == kept:
            evidence.check(
                "DOC-006",
                exchange.body == b"linked",
                exchange,
                expected="the linked document",
                seen=repr(exchange.body[:40]),
            )


@pytest.mark.requirement("DOC-008", "DOC-009")
def test_document_of_a_user_action(world, evidence):
    call = world.good_call("uploadProcessUserActionDocument")
    first = world.send(call)
    evidence.check("DOC-008", first.status == 200, first, expected="200 for a document that is new")
    again = world.send(call)
    evidence.check("DOC-008", again.status in (200, 304), again, expected="200, or 304 when nothing changes")
    evidence.observe("DOC-009", f"the same document again: {again.status}")
    query = dict(call.query) | {"userActionValueId": str(uuid.uuid4())}
    unknown = world.send(call, query=query)
    evidence.check("DOC-008", unknown.refused, unknown, expected="a refusal (4xx) of an unknown user action")


@pytest.mark.requirement("DOC-010")
def test_form_as_document(world, evidence):
    exchange = world.send(world.good_call("downloadProcessItemTaskDataWebformsAsDocument"))
    if not exchange.ok:
        raise NotTested(f"the target renders no forms: {exchange.status}")
    start = {"application/pdf": b"%PDF", "application/zip": b"PK"}.get(exchange.media_type, b"")
    evidence.check(
        "DOC-010",
        exchange.body.startswith(start),
        exchange,
        expected=f"a body that is {exchange.media_type}",
        seen=repr(exchange.body[:20]),
    )
