"""Faults of lists: pages, order, filters."""

from __future__ import annotations

from typing import Any

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call, on_rows
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer

LISTS = ("findPrincipals", "findTenantUsers", "findProcesses", "findProcessItems", "findRobots")


def on_page(server: ReferenceServer, change: Any) -> None:
    """Let `change(query, page)` edit every page."""

    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        answer: Answer = original(rows, query, sorting)
        assert answer.json is not None
        change(query, answer.json)
        return answer

    around(server.platform, "page", page)


def on_query(server: ReferenceServer, change: Any, operations: tuple[str, ...] = LISTS) -> None:
    """Let `change(query)` edit the query that lists work with, behind all checks."""

    def read_query(original: Any, operation: Operation, raw: Any) -> Json:
        query: Json = original(operation, raw)
        if operation.id in operations:
            change(query)
        return query

    around(server, "read_query", read_query)


@fault("default-size-20", "PAG-001", "the default size is 20")
def _(server: ReferenceServer) -> None:
    on_query(server, lambda query: query.setdefault("size", 20))


@fault("page-counted-from-one", "PAG-002", "the metadata count pages from 1")
def _(server: ReferenceServer) -> None:
    def change(query: Json, page: Json) -> None:
        page["metadata"]["page"] += 1 if query.get("page") else 0

    on_page(server, change)


@fault("page-one-row-more", "PAG-004", "a page has one row more than its size")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        rows = list(rows)
        answer: Answer = original(rows, query, sorting)
        size = query.get("size", 25)
        more: Answer = original(rows, {**query, "size": size * 2, "page": 0}, sorting)
        if answer.json and more.json and query.get("page", 0) == 0:
            answer.json["content"] = more.json["content"][: size + 1]
        return answer

    around(server.platform, "page", page)


@fault("size-1000-refused", "PAG-006", "a size of 1000 is refused")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "query_accepts",
        lambda original, operation, name, value: (
            not (name == "size" and value == 1000) and original(operation, name, value)
        ),
    )


@fault("last-row-missing", "PAG-007", "the last page lacks its last row")
def _(server: ReferenceServer) -> None:
    def change(query: Json, page: Json) -> None:
        if page["metadata"]["page"] and page["metadata"]["page"] == page["metadata"]["totalPages"] - 1:
            del page["content"][-1:]

    on_page(server, change)


@fault("beyond-the-end-wraps", "PAG-008", "a page beyond the end says that there is nothing at all")
def _(server: ReferenceServer) -> None:
    def change(query: Json, page: Json) -> None:
        if not page["content"]:
            page["metadata"].update(totalElements=0, totalPages=0)

    on_page(server, change)


@fault("seam", "PAG-009", "the first row of a page is the last of the page before")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        rows = list(rows)
        answer: Answer = original(rows, query, sorting)
        size, number = query.get("size", 25), query.get("page", 0)
        if number and size > 1 and answer.json and answer.json["content"]:
            before: Answer = original(rows, {**query, "page": number - 1}, sorting)
            assert before.json is not None
            answer.json["content"][0] = before.json["content"][-1]
        return answer

    around(server.platform, "page", page)


@fault("pages-sorted-each", "PAG-010", "only the rows within a page are sorted, not the list, when pages are small")
def _(server: ReferenceServer) -> None:
    def change(query: Json, page: Json) -> None:
        if query.get("page") and query.get("size", 25) < 100 and len(query.get("sort", ())) > 1:
            page["content"].reverse()

    on_page(server, change)


@fault("no-match-all", "PAG-011", "a filter that nothing matches is dropped")
def _(server: ReferenceServer) -> None:
    def find(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        rows = list(rows)
        if not rows and "processId" in query:
            rows = server.platform.items.visible(server.tenants[0].application)
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", find)


@fault("sort-default-descending", "SRT-001", "sorting is descending when no direction is given")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        if "sort" in query:
            query["sort"] = [value if "," in value else f"{value},desc" for value in query["sort"]]

    on_query(server, change)


@fault("sort-first-criterion-only", "SRT-001", "only the last of several sort criteria counts")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        if "sort" in query:
            query["sort"] = query["sort"][-1:]

    on_query(server, change)


@fault("sort-property-unknown", "SRT-002", "process items cannot be sorted by completedAt")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        answer: Answer = original(rows, query, {name: key for name, key in sorting.items() if name != "completedAt"})
        return answer

    around(server.platform, "page", page)


@fault("sort-page-only", "SRT-003", "small pages are cut first and sorted afterwards")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        rows = list(rows)
        if query.get("size") == 4 and "sort" in query:
            start = 4 * query.get("page", 0)
            cut = sorted(rows, key=lambda row: row.id)[start : start + 4]
            answer: Answer = original(cut, {**query, "page": 0}, sorting)
            assert answer.json is not None
            answer.json["metadata"].update(
                page=query.get("page", 0), totalElements=len(rows), totalPages=-(-len(rows) // 4)
            )
            return answer
        whole: Answer = original(rows, query, sorting)
        return whole

    around(server.platform, "page", page)


@fault("sort-by-claimed-at", "SRT-005", "sorting by claimedAt sorts by createdAt")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        if "claimedAt" in sorting:
            sorting = {**sorting, "claimedAt": sorting["createdAt"]}
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", page)


@fault("filter-loses-a-row", "FLT-002", "a filter by task definition loses the newest task")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        rows = list(rows)
        if "taskDefinitionCode" in query and len(rows) > 1:
            rows.remove(max(rows, key=lambda row: row.id))
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", page)


@fault("filter-first-value", "FLT-003", "only the first value of a filter counts")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        for name in ("type", "taskState", "taskDefinitionCode"):
            if isinstance(query.get(name), list):
                query[name] = query[name][:1]

    on_query(server, change)


@fault("filter-first-ten-values", "FLT-003", "only the first ten values of the processId filter count")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        if "processId" in query:
            query["processId"] = query["processId"][:10]

    on_query(server, change)


@fault("filters-any", "FLT-004", "the taskState filter does not count beside a processId")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        if "processId" in query and "taskState" in query and len(query["taskState"]) > 1:
            del query["taskState"]

    on_query(server, change)


@fault("email-ignored", "FLT-005", "the email filter is ignored")
def _(server: ReferenceServer) -> None:
    on_query(server, lambda query: query.pop("email", None))


@fault("email-case", "FLT-005", "the email filter only knows the first of several addresses")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        if "email" in query:
            query["email"] = query["email"][:1]

    on_query(server, change)


@fault("group-ignored", "FLT-006", "the groupId filter of tenant users is ignored")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        if server.tenants[0].groups[0] in query.get("groupId", ()):
            del query["groupId"]

    on_query(server, change, ("findTenantUsers",))


@fault("system-untyped", "FLT-002", "the type filter does not find the system")
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        rows = [row for row in rows if query.get("type") != "SYSTEM"]
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", page)


@fault("context-default", "FLT-008", "filterContext DEFAULT shows only ready robots")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        if query.get("filterContext") == "DEFAULT":
            query["filterContext"] = "READY"

    on_query(server, change)


@fault("rows-without-tenant", "SCH-002", "the rows of process items lack tenantId")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        for row in body["content"]:
            del row["tenantId"]

    on_answer(server, ["findProcessItems"], change)


@fault("finished-unlisted", "RED-009", "findProcesses does not list completed processes")
def _(server: ReferenceServer) -> None:
    around(
        server.platform.processes,
        "visible",
        lambda original, caller: [row for row in original(caller) if row.state != "COMPLETED"],
    )


@fault("one-user-unlisted", "RED-009", "findPrincipals without a filter leaves out who is in one group only")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        if {"type", "groupId", "tenantId"} & set(query):
            filtered: Answer = original()
            return filtered
        rows = [row for row in server.platform.principals.visible(caller) if len(row.groups) > 1 or not row.email]
        return server.platform.page(rows, query, {"id": lambda row: row.id, "name": lambda row: row.name})

    on_call(server, "findPrincipals", find)


@fault("messages-unlisted", "RED-009", "a list filtered by process shows no messages")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        wanted = {"type": ["TASK"]} if "processId" in query and "type" not in query else {}
        answer: Answer = original(query={**query, **wanted})
        return answer

    on_call(server, "findProcessItems", find)


@fault("rows-stale", "RED-002", "lists show tasks as they were created")
def _(server: ReferenceServer) -> None:
    def change(row: Json) -> None:
        if row.get("task", {}).get("state") == "CLAIMED":
            row["task"]["state"] = "READY"

    on_rows(server, ["findProcessItems"], change)


@fault("ties-unordered", "SRT-006", "only the first of several sort criteria counts")
def _(server: ReferenceServer) -> None:
    on_query(server, lambda query: query.update(sort=query["sort"][:1]) if "sort" in query else None)


@fault("filter-after-paging", "FLT-009", "the page is cut first, and filtered by type afterwards")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        whole: Answer = original()
        if "type" not in query or whole.json is None:
            return whole
        page: Answer = original(query={name: value for name, value in query.items() if name != "type"})
        assert page.json is not None
        rows = [row for row in page.json["content"] if row["type"] in query["type"]]
        return Answer(json={"metadata": whole.json["metadata"], "content": rows})

    on_call(server, "findProcessItems", find)


@fault("tenant-filter-ignored", "PAG-011", "findPrincipals ignores the tenantId filter")
def _(server: ReferenceServer) -> None:
    on_query(server, lambda query: query.pop("tenantId", None), ("findPrincipals",))


@fault("group-finds-nobody", "FLT-006", "a groupId filter of tenant users matches nobody")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        answer: Answer = original(query={**query, "email": ["nobody"]} if "groupId" in query else query)
        return answer

    on_call(server, "findTenantUsers", find)


@fault("filters-either", "FLT-004", "beside groupId, the type filter of principals does not count")
def _(server: ReferenceServer) -> None:
    on_query(server, lambda query: query.pop("type", None) if "groupId" in query else None, ("findPrincipals",))


@fault("unknown-value-hides", "FLT-003", "an unknown value among several of the processId filter empties the list")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        known = server.platform.processes.rows
        if any(key.lower() not in known for key in query.get("processId", ())):
            query["processId"] = [server.platform.new_id()]

    on_query(server, change, ("findProcessItems",))


@fault("sort-desc-ignored", "SRT-001", "desc is ignored for lastModifiedAt")
def _(server: ReferenceServer) -> None:
    def change(query: Json) -> None:
        if "sort" in query:
            query["sort"] = [s.replace("lastModifiedAt,desc", "lastModifiedAt,asc") for s in query["sort"]]

    on_query(server, change)


@fault("total-of-the-page", "PAG-007", "totalElements of tenant users counts one too many")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        answer: Answer = original()
        assert answer.json is not None
        metadata = answer.json["metadata"]
        metadata["totalElements"] += 1
        metadata["totalPages"] = server.platform.total_pages(metadata["totalElements"], metadata["size"])
        return answer

    on_call(server, "findTenantUsers", find)
