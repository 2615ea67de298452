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
    return exchange.at("documentUri")


def download(world, process, reference):
    return world.call("downloadProcessDocument", id=process, query={"documentUri": reference})


def _holds(evidence, requirement, downloaded, content, what):
    """The download succeeded with these bytes as its body."""
    same, seen = downloaded.ok and downloaded.body == content, f"{downloaded.status}, {len(downloaded.body)} bytes"
    evidence.check(requirement, downloaded, same, expected=what, seen=f"{seen}: {downloaded.body[:40]!r}")


def _round_trip(world, evidence, content, name, media_type):
    process = world.scratch_process()
    query = {"fileContentType": media_type, "fileName": name}
    uploaded = world.call("uploadProcessDocument", id=process, query=query, content=content)
    if not content and uploaded.refused:
        return  # no bytes may be taken for no body
    if not evidence.accepted("DOC-001", uploaded, f"{len(content)} bytes to be uploaded"):
        return
    parts = parse_reference(reference_of(uploaded))
    wanted = {"type": media_type, "size": str(len(content)), "name": name}
    seen = {key: (parts or {}).get(key) for key in wanted}
    expected = f"a kuflow-file reference with a uri and {wanted}"
    evidence.check("DOC-002", uploaded, seen == wanted, expected=expected, seen=reference_of(uploaded))
    for _ in range(2):
        downloaded = download(world, process, reference_of(uploaded))
        _holds(evidence, "DOC-001", downloaded, content, f"the {len(content)} bytes that were uploaded, each time")


@pytest.mark.requirement("DOC-001", "DOC-002")
@pytest.mark.parametrize("kind", CONTENTS)
def test_round_trip(kind, world, evidence):
    _round_trip(world, evidence, *CONTENTS[kind])


@pytest.mark.requirement("DOC-007")
def test_large_document(world, evidence):
    content, name, media_type = LARGE
    query = {"fileContentType": media_type, "fileName": name}
    uploaded = world.call("uploadProcessDocument", id=world.scratch_process(), query=query, content=content)
    if uploaded.status == 413 or uploaded.failure:  # what stands before it may close the connection
        raise NotTested("the target takes no documents of 5 MiB")
    downloaded = download(world, world.scratch_process(), reference_of(uploaded))
    _holds(evidence, "DOC-007", downloaded, content, "the 5 MiB that were uploaded")


@pytest.mark.requirement("DOC-003")
def test_two_documents_are_two(world, evidence):
    process = world.scratch_process()
    first, second = (world.document(process, content) for content in (b"first", b"second"))
    for uploaded, content in ((first, b"first"), (second, b"second")):
        downloaded = download(world, process, reference_of(uploaded))
        _holds(evidence, "DOC-003", downloaded, content, f"{content!r}")


@pytest.mark.requirement("DOC-004")
def test_unknown_document(world, evidence):
    process = world.scratch_process()
    reference = str(reference_of(world.document(process)))
    parts = parse_reference(reference) or {}
    unknown = reference.replace(parts.get("uri", reference), str(uuid.uuid4()))
    for uri in (unknown, "kuflow-file:uri=none;type=text/plain;size=1;name=none.txt;"):
        exchange = download(world, process, uri)
        evidence.refused("DOC-004", exchange, "of a document that does not exist")


@pytest.mark.requirement("DOC-005")
def test_document_of_another_process(world, evidence):
    process, other = world.id_of(world.process()), world.id_of(world.process())
    reference = reference_of(world.document(process))
    exchange = download(world, other, reference)
    evidence.refused("DOC-005", exchange, "of another process's document")


@pytest.mark.requirement("DOC-006")
@pytest.mark.parametrize("where", ["metadata", "entity", "task", "new task"])
def test_linked_document(where, world, evidence):
    """A reference that stands in the data of a process or task still leads to the document."""
    process = world.id_of(world.process())
    reference = reference_of(world.document(process, b"linked"))
    patch = [{"op": "add", "path": "/conformance", "value": reference}]
    if where in ("metadata", "entity"):
        saved = world.call(f"patchProcess{where.capitalize()}", id=process, body=patch)
    elif where == "new task":
        valid = world.bed.task.valid or {}
        task = {"taskDefinitionCode": world.bed.task.code, "data": {"value": valid | {"conformance": reference}}}
        saved = world.call("createProcessItem", body=world.task_body(process, task=task))
    else:
        task = world.id_of(world.working_task(process))
        saved = world.call("patchProcessItemTaskData", id=task, body=patch)
    kept = saved.at(f"{where if where in ('metadata', 'entity') else 'task.data'}.value.conformance")
    if not saved.ok or parse_reference(kept) is None:
        raise NotTested("the target keeps no document reference in this data")
    for uri in dict.fromkeys((kept, reference)):  # a copy may be made, with a reference of its own
        exchange = download(world, process, uri)
        if uri == kept:
            _holds(evidence, "DOC-006", exchange, b"linked", "the linked document")


@pytest.mark.requirement("DOC-008", "DOC-009")
def test_document_of_a_user_action(world, evidence):
    call = world.good_call("uploadProcessUserActionDocument")
    first = world.send(call)
    evidence.answered("DOC-008", first, 200, "for a document that is new")
    again = world.send(call)
    evidence.check("DOC-008", again, again.status in (200, 304), expected="200, or 304 when nothing changes")
    evidence.observe("DOC-009", f"the same document again: {again.status}")
    query = dict(call.query) | {"userActionValueId": str(uuid.uuid4())}
    unknown = world.send(call, query=query)
    evidence.refused("DOC-008", unknown, "of an unknown user action")


@pytest.mark.requirement("DOC-010")
def test_form_as_document(world, evidence):
    exchange = world.send(world.good_call("downloadProcessItemTaskDataWebformsAsDocument"))
    if not exchange.ok:
        raise NotTested(f"the target renders no forms: {exchange.status}")
    start = {"application/pdf": b"%PDF", "application/zip": b"PK"}.get(exchange.media_type, b"")
    right, expected = exchange.body.startswith(start), f"a body that is {exchange.media_type}"
    evidence.check("DOC-010", exchange, right, expected=expected, seen=repr(exchange.body[:20]))
