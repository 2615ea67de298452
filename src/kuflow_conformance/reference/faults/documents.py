"""Faults of documents."""

from __future__ import annotations

from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call
from kuflow_conformance.reference.faults.processes import process_of
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Document, Json, JsonValue, Principal, Process, ProcessItem
from kuflow_conformance.reference.operations import Answer, Refused


def on_upload(server: ReferenceServer, change: Any) -> None:
    """Let `change(document)` spoil each document that is stored."""

    def store(original: Any, process: Process, query: Json, content: bytes) -> Document:
        document: Document = original(process, query, content)
        change(document)
        return document

    around(server.platform, "store_document", store)


@fault("document-cut", "DOC-001", "a zero byte at the end of a document is lost")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content = document.content[:-1] if document.content.endswith(b"\x00") else document.content

    on_upload(server, change)


@fault("document-line-breaks", "DOC-001", "CRLF in documents becomes LF")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content = document.content.replace(b"\r\n", b"\n")

    on_upload(server, change)


@fault("document-size", "DOC-002", "the size in a document reference is one too large")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        head, _, tail = body["documentUri"].partition("size=")
        size, _, rest = tail.partition(";")
        body["documentUri"] = f"{head}size={int(size) + 1};{rest}"

    on_answer(server, ["uploadProcessDocument"], change)


@fault("document-latest", "DOC-003", "every download gives the latest document of the process")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        answer: Answer = original()
        answer.content = [*process_of(server, id).documents.values()][-1].content
        return answer

    on_call(server, "downloadProcessDocument", download)


@fault("document-unknown-empty", "DOC-004", "an unknown document is downloaded as an empty one")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        try:
            answer: Answer = original()
        except Refused as refusal:
            if "document" in refusal.message and "uri=none" in query["documentUri"]:
                return Answer(content=b"", media_type="application/octet-stream")
            raise
        return answer

    on_call(server, "downloadProcessDocument", download)


@fault("document-any-process", "DOC-005", "a document can be downloaded through any process")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        server.platform.find(server.platform.processes, caller, id, "process")
        for process in server.platform.processes.visible(caller):
            try:
                return original(id=process.id)  # type: ignore[no-any-return]
            except Refused:
                continue
        answer: Answer = original()
        return answer

    on_call(server, "downloadProcessDocument", download)


@fault("document-linked-lost", "DOC-006", "a document that task data refer to is gone")
def _(server: ReferenceServer) -> None:
    def save(original: Any, caller: Principal, process: Process, row: Any, data: JsonValue, value: Json) -> None:
        original(caller, process, row, data, value)
        if isinstance(row, ProcessItem):
            for uri in [uri for uri, document in process.documents.items() if document.linked]:
                del process.documents[uri]

    around(server.platform, "save", save)


@fault("document-large-cut", "DOC-007", "documents are cut at 4 MiB")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content = document.content[: 4 * 1024 * 1024]

    on_upload(server, change)


@fault("user-action-unknown", "DOC-008", "a document for an unknown user action is taken and dropped")
def _(server: ReferenceServer) -> None:
    def upload(original: Any, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        process = server.platform.find(server.platform.processes, caller, id, "process")
        if query["userActionValueId"].lower() not in process.user_actions and process.user_actions:
            return Answer(json=process.render())
        answer: Answer = original()
        return answer

    on_call(server, "uploadProcessUserActionDocument", upload)


@fault("document-once", "DOC-001", "a document is gone once it was downloaded")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        answer: Answer = original()
        documents = process_of(server, id).documents
        gone = [uri for uri, document in documents.items() if document.content == answer.content]
        for uri in gone:
            del documents[uri]
        return answer

    on_call(server, "downloadProcessDocument", download)


@fault("document-plus", "DOC-002", "a plus in the name of a document becomes a space")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.name = document.name.replace("+", " ")

    on_upload(server, change)


@fault("document-type-fixed", "DOC-002", "every document is an application/octet-stream")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content_type = "application/octet-stream"

    on_upload(server, change)


@fault("document-by-name", "DOC-003", "a document replaces the one with the same name")
def _(server: ReferenceServer) -> None:
    def store(original: Any, process: Process, query: Json, content: bytes) -> Document:
        document: Document = original(process, query, content)
        for other in process.documents.values():
            if other.name == document.name:
                other.content = content
        return document

    around(server.platform, "store_document", store)


@fault("user-action-untouched", "DOC-008", "a new document of a user action is answered with 304, and dropped")
def _(server: ReferenceServer) -> None:
    def upload(original: Any, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        process = server.platform.processes.get(caller, id)
        if process is not None and query["userActionValueId"].lower() in process.user_actions:
            return Answer(304)
        answer: Answer = original()
        return answer

    on_call(server, "uploadProcessUserActionDocument", upload)
