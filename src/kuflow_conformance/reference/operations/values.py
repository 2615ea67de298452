"""JSON values of processes and tasks: saving, patching, and the documents they refer to."""

from __future__ import annotations

import copy

import jsonpatch
import jsonpointer

from kuflow_conformance.reference.model import Json, JsonValue, Principal, Process, ProcessItem, document_uri
from kuflow_conformance.reference.operations.state import Refused, State


class Values(State):
    def save(
        self, caller: Principal, process: Process, row: Process | ProcessItem, data: JsonValue, value: Json
    ) -> None:
        data.value = value
        self.link_documents(process, value)
        self.touch(caller, row.audit)

    def link_documents(self, process: Process, value: object) -> None:
        """Keep the documents that `value` refers to: they do not expire any more."""
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                self.link_documents(process, item)
        elif isinstance(value, str) and (uri := document_uri(value)) in process.documents:
            process.documents[uri].linked = True

    def patched(self, value: Json, operations: list[Json]) -> Json:
        """`value` after the JSON Patch, which either applies as a whole or is refused (RFC 6902 section 5)."""
        try:
            result = jsonpatch.apply_patch(copy.deepcopy(value), operations)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
            raise Refused(400, f"The patch does not apply: {error}", [self.detail("patch", "PATCH_FAILED")]) from error
        if not isinstance(result, dict):
            raise Refused(400, "The patch leaves no JSON object", [self.detail("patch", "NOT_AN_OBJECT")])
        return result
