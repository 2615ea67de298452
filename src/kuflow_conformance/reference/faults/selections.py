"""Faults of lists that show in the algebra of filters and pages only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_call
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer


def _rows(server: ReferenceServer, operation_id: str, change: Callable[[list[Any], Json], list[Any]]) -> None:
    """Let `change(rows, query)` replace the rows of a list before its pages are cut."""

    def find(original: Any, caller: Principal, query: Json) -> Answer:
        honest = server.platform.page

        def page(rows: Any, asked: Json, sorting: Any) -> Answer:
            return honest(change(list(rows), asked), asked, sorting)

        server.platform.page = page  # type: ignore[method-assign, assignment]
        try:
            answer: Answer = original()
        finally:
            server.platform.page = honest  # type: ignore[method-assign]
        return answer

    on_call(server, operation_id, find)


def _per_group(rows: list[Any], query: Json) -> list[Any]:
    groups = [key.lower() for key in query.get("groupId", ())]
    return [row for row in rows for _ in range(max(1, len(row.groups.intersection(groups))))]


@fault("join-repeats-rows", "PAG-012", "who is in two groups that are asked for is listed twice")
def _(server: ReferenceServer) -> None:
    _rows(server, "findPrincipals", _per_group)


@fault("join-counts-rows", "FLT-004", "who is in two groups that are asked for is counted twice")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        answer: Answer = original()
        assert answer.json is not None
        groups = [key.lower() for key in query.get("groupId", ())]
        rows = [row for row in server.platform.principals.visible(caller) if len(row.groups.intersection(groups)) > 1]
        metadata = answer.json["metadata"]
        if rows and query.get("type", "USER") == "USER":
            metadata["totalElements"] += len(rows)
            metadata["totalPages"] = server.platform.total_pages(metadata["totalElements"], metadata["size"])
        return answer

    on_call(server, "findPrincipals", find)


@fault("value-twice-rows-twice", "PAG-012", "a processId that is asked for twice shows its items twice")
def _(server: ReferenceServer) -> None:
    def change(rows: list[Any], query: Json) -> list[Any]:
        asked = [key.lower() for key in query.get("processId", ())]
        return [row for row in rows for _ in range(max(1, asked.count(row.process_id.lower())))]

    _rows(server, "findProcessItems", change)


@fault("email-by-prefix", "FLT-005", "an address finds everybody whose address begins with it")
def _(server: ReferenceServer) -> None:
    def having(original: Any, rows: list[Any], query: Json, name: str, values: Any) -> list[Any]:
        if name != "email" or name not in query:
            return list(original(rows, query, name, values))
        asked = [value.lower() for value in query["email"]]
        return [row for row in rows if any(str(v).lower().startswith(a) for v in values(row) for a in asked)]

    around(server.platform, "having", having)


@fault("email-as-pattern", "FLT-005", "_ in an address stands for any character")
def _(server: ReferenceServer) -> None:
    def having(original: Any, rows: list[Any], query: Json, name: str, values: Any) -> list[Any]:
        if name != "email" or name not in query:
            return list(original(rows, query, name, values))

        def like(value: str, pattern: str) -> bool:
            pairs = zip(value.lower(), pattern.lower(), strict=False)
            return len(value) == len(pattern) and all(p in ("_", v) for v, p in pairs)

        return [row for row in rows if any(like(str(v), a) for v in values(row) for a in query["email"])]

    around(server.platform, "having", having)


@fault("email-of-anybody", "AUT-006", "an address finds users of other tenants")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        if "email" not in query:
            answer: Answer = original()
            return answer
        rows = list(server.platform.tenant_users.rows.values())
        rows = server.platform.having(rows, query, "email", lambda row: [row.principal.email])
        return server.platform.page(rows, query, server.platform.audit_sorting(id=lambda row: row.id))

    on_call(server, "findTenantUsers", find)


@fault("blank-tenant-everybody", "AUT-006", "a blank tenantId shows the robots of all tenants")
def _(server: ReferenceServer) -> None:
    _blank_shows_all(server)


def _blank_shows_all(server: ReferenceServer) -> None:
    def read(original: Any, operation: Any, raw: Any) -> Json:
        if operation.id == "findRobots" and raw.getlist("tenantId") == [""]:
            return {"size": 1000, "blank": True}
        query: Json = original(operation, raw)
        return query

    def find(original: Any, caller: Principal, query: Json) -> Answer:
        if query.pop("blank", False):
            return server.platform.page(server.platform.robots.rows.values(), query, {})
        answer: Answer = original()
        return answer

    around(server, "read_query", read)
    on_call(server, "findRobots", find)


@fault("own-and-foreign-process", "AUT-006", "beside an own process, items of another tenant's are listed")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        asked = [key.lower() for key in query.get("processId", ())]
        if len(asked) < 2:
            answer: Answer = original()
            return answer
        rows = [row for row in server.platform.items.rows.values() if row.process_id.lower() in asked]
        rows = [row for row in rows if row.type in query.get("type", [row.type])]
        rows = [r for r in rows if "taskState" not in query or (r.task and r.task.state in query["taskState"])]
        codes = query.get("taskDefinitionCode")
        rows = [r for r in rows if codes is None or (r.task and r.task.definition.code in codes)]
        return server.platform.page(rows, query, server.platform.audit_sorting(id=lambda row: row.id))

    on_call(server, "findProcessItems", find)


@fault("offset-overflows", "PAG-008", "a page whose offset is beyond 32 bits begins anew")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        number, size = query.get("page", 0), query.get("size", 25)
        offset = (number * size) % 2**32
        answer: Answer = original(rows, query | {"page": offset // size if size else 0}, sorting)
        assert answer.json is not None
        answer.json["metadata"]["page"] = number
        return answer

    around(server.platform, "page", page)


@fault("size-capped-at-500", "PAG-013", "a page has 500 rows at most, whatever was asked for")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        answer: Answer = original(rows, query, sorting)
        assert answer.json is not None
        del answer.json["content"][500:]
        return answer

    around(server.platform, "page", page)


@fault("descending-newest-only", "SRT-003", "descending, only the first ten by id are turned round")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        if query.get("sort") == ["id,desc"] and query.get("size", 25) < 10:
            rows = sorted(rows, key=lambda row: str(row.id))[: query.get("size", 25) * (query.get("page", 0) + 2)]
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", page)


@fault("total-before-filters", "FLT-004", "totalElements beside a page of one or two rows counts what one filter gives")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        answer: Answer = original()
        assert answer.json is not None
        if query.get("size", 25) <= 7 and "type" in query and "taskState" in query:
            rest = {name: value for name, value in query.items() if name != "taskState"}
            other = server.platform.find_process_items(caller, rest)
            answer.json["metadata"] = (other.json or {})["metadata"]
        return answer

    on_call(server, "findProcessItems", find)


@fault("three-filters-two-count", "FLT-004", "of three filters of items, the task definition does not count")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        names = {"processId", "type", "taskState", "taskDefinitionCode"} & query.keys()
        less = (
            {name: value for name, value in query.items() if name != "taskDefinitionCode"} if len(names) > 2 else query
        )
        answer: Answer = original(query=less)
        return answer

    on_call(server, "findProcessItems", find)


@fault("order-drops-context", "FLT-002", "robots by createdAt, descending, are those of every context")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        dropped = query.get("sort") == ["createdAt,desc"]
        less = {name: value for name, value in query.items() if name != "filterContext" or not dropped}
        answer: Answer = original(query=less)
        return answer

    on_call(server, "findRobots", find)


@fault("order-drops-state", "FLT-004", "items in a descending order are those of every state")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        dropped = any(criterion.endswith(",desc") for criterion in query.get("sort", ()))
        less = {name: value for name, value in query.items() if name != "taskState" or not dropped}
        answer: Answer = original(query=less)
        return answer

    on_call(server, "findProcessItems", find)


@fault("tenant-widens", "FLT-001", "beside tenantId and taskState, the processId of items does not count")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        dropped = "tenantId" in query and "taskState" in query
        less = {name: value for name, value in query.items() if name != "processId" or not dropped}
        answer: Answer = original(query=less)
        return answer

    on_call(server, "findProcessItems", find)
