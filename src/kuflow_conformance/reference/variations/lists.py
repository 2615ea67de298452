"""Legal lists: their order, their pages, what they show and when."""

from __future__ import annotations

import copy
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer, Refused
from kuflow_conformance.reference.variations.table import NO_CODES, OPTIONAL, SILENT, variation

Page = tuple[Any, Json, Any]
"""The rows, the query and the sort keys that a page is made of."""


def before_page(server: ReferenceServer, change: Callable[[Any, Json, Any], Page]) -> None:
    """Let `change` replace what every page is made of."""
    around(server.platform, "page", lambda original, *parts: original(*change(*parts)))


@variation("default-order", "lists that were asked for no order come newest first", SILENT)
def _(server: ReferenceServer) -> None:
    def newest_first(rows: Any, query: Json, sorting: Any) -> Page:
        if "sort" not in query and "createdAt" in sorting:
            query = {**query, "sort": ["createdAt,desc"]}
        return rows, query, sorting

    before_page(server, newest_first)


@variation("order-random", "lists that were asked for no order come in another order each time", SILENT)
def _(server: ReferenceServer) -> None:
    def shuffled(rows: Any, query: Json, sorting: Any) -> Page:
        rows = list(rows)
        return random.sample(rows, len(rows)), query, sorting

    before_page(server, shuffled)


@variation("ids-by-last-group", "sorting by id goes by the last group of digits first, as in SQL Server", SILENT)
def _(server: ReferenceServer) -> None:
    def by_last_group(rows: Any, query: Json, sorting: Any) -> Page:
        if "id" in sorting:
            sorting = {**sorting, "id": lambda row: "".join(reversed(row.id.lower().split("-")))}
        return rows, query, sorting

    before_page(server, by_last_group)


@variation(
    "size-zero", "a page of size 0 says one page in all", "no arithmetic says how many pages of no rows there are"
)
def _(server: ReferenceServer) -> None:
    around(server.platform, "total_pages", lambda original, total, size: original(total, size) if size else 1)


@variation("many-rows", "there are thousands of processes", "nothing limits how many there are")
def _(server: ReferenceServer) -> None:
    tenant = server.tenants[0]
    for _ in range(3000):
        server.platform.create_process(tenant.application, {"processDefinitionId": tenant.definition.id})


@variation("foreign-tenant-refused", "a filter by a tenant without access is refused", NO_CODES)
def _(server: ReferenceServer) -> None:
    def handle(original: Any, operation: Operation, raw: Any) -> Json:
        query: Json = original(operation, raw)
        own = {tenant.id for tenant in server.tenants}
        if any(value.lower() not in own for value in query.get("tenantId", ())):
            raise Refused(403, "No access to this tenant")
        return query

    around(server, "read_query", handle)


@variation("beyond-the-end-refused", "a page beyond the end is refused", NO_CODES)
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        answer: Answer = original(rows, query, sorting)
        assert answer.json is not None
        if query.get("page", 0) > max(0, answer.json["metadata"]["totalPages"]) and query.get("size", 25):
            raise Refused(404, "There is no such page")
        return answer

    around(server.platform, "page", page)


@variation("rows-minimal", "the rows of lists have only their required properties", OPTIONAL)
def _(server: ReferenceServer) -> None:
    optional = {
        "createdBy",
        "createdAt",
        "lastModifiedBy",
        "lastModifiedAt",
        "ownerId",
        "message",
        "description",
    }

    def render(original: Any, row: Any) -> Json:
        return {key: value for key, value in original(row).items() if key not in optional}

    around(server.platform, "render_row", render)


@variation("nulls-last", "items that were never claimed come after those that were, in either direction", SILENT)
def _(server: ReferenceServer) -> None:
    def nulls_last(rows: Any, query: Json, sorting: Any) -> Page:
        names = [criterion.partition(",") for criterion in query.get("sort", ())]
        moments = {"claimedAt": "claimed_at", "completedAt": "completed_at", "cancelledAt": "cancelled_at"}
        if len(names) == 1 and names[0][0] in moments:
            name, _, direction = names[0]
            never = datetime.min if direction == "desc" else datetime.max
            attribute = moments[name]
            sorting = {
                **sorting,
                name: lambda row: getattr(row.task, attribute, None) or never.replace(tzinfo=UTC),
            }
        return rows, query, sorting

    before_page(server, nulls_last)


@variation("lists-lag", "lists of processes and items are up to a quarter of a second old", SILENT)
def _(server: ReferenceServer) -> None:
    known: dict[tuple[int, str], tuple[float, list[Any]]] = {}

    def frozen(row: Any) -> Any:
        row = copy.copy(row)
        row.audit = copy.copy(row.audit)
        if hasattr(row, "task"):
            row.task = copy.copy(row.task)
        return row

    def listed(original: Any, store: Any, caller: Principal, query: Json) -> list[Any]:
        rows: list[Any] = original(store, caller, query)
        # A list filtered by another tenant is empty, and says nothing of what there is.
        if not rows or (store is not server.platform.processes and store is not server.platform.items):
            return rows
        key = (id(store), caller.tenant_id)
        if key not in known or time.monotonic() - known[key][0] > 0.25:
            known[key] = time.monotonic(), [frozen(row) for row in rows]
        return known[key][1]

    around(server.platform, "listed", listed)
