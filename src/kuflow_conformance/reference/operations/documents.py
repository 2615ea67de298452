"""Documents of a process."""

from __future__ import annotations

from kuflow_conformance.reference.model import Document, Json, Principal, Process, document_uri
from kuflow_conformance.reference.operations.state import Answer, Refused, State


class Documents(State):
    def upload_process_document(self, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        document = self.store_document(process, query, content)
        return Answer(json={"documentUri": document.reference()})

    def upload_process_user_action_document(self, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        action = query["userActionValueId"].lower()
        if action not in process.user_actions:
            raise Refused(400, "There is no such user action", [self.detail("userActionValueId", "UNKNOWN", "query")])
        current = process.documents.get(process.user_actions[action] or "")
        sent = (query["fileName"], query["fileContentType"], content)
        if current and (current.name, current.content_type, current.content) == sent:
            return Answer(304)
        document = self.store_document(process, query, content)
        document.linked = True
        process.user_actions[action] = document.uri
        self.touch(caller, process.audit)
        return Answer(json=process.render())

    def store_document(self, process: Process, query: Json, content: bytes) -> Document:
        document = Document(self.new_id(), query["fileContentType"], query["fileName"], content, self.now())
        process.documents[document.uri] = document
        return document

    def download_process_document(self, caller: Principal, id: str, query: Json) -> Answer:
        process = self.find(self.processes, caller, id, "process")
        reference = query["documentUri"]
        document = process.documents.get(document_uri(reference) or reference)
        if document and not document.linked and self.now() - document.uploaded_at > Document.LIFETIME:
            document = None
        if document is None:
            raise Refused(404, "There is no such document", [self.detail("documentUri", "UNKNOWN", "query")])
        return Answer(content=document.content, media_type="application/octet-stream")
