"""What all operations have: answers, refusals, the stores, and the helpers to look things up and to page lists."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from kuflow_conformance.reference.model import (
    Audit,
    Json,
    Principal,
    Process,
    ProcessDefinition,
    ProcessItem,
    Robot,
    TenantUser,
    Worker,
    timestamp,
)


class Refused(Exception):
    """The request is refused: an answer other than success, with the documented error body."""

    def __init__(self, status: int, message: str, errors: Iterable[Json] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = list(errors)


@dataclass
class Answer:
    """A successful answer: JSON, bytes or nothing."""

    status: int = 200
    json: Json | None = None
    content: bytes | None = None
    media_type: str = "application/json"


class Owned(Protocol):
    @property
    def tenant_id(self) -> str: ...


T = TypeVar("T", bound=Owned)


@dataclass
class Store(Generic[T]):
    """Things of one kind by id, in order of creation; each is visible to its own tenant only."""

    rows: dict[str, T] = field(default_factory=dict)
    _of_tenant: dict[str, dict[str, T]] = field(default_factory=dict)

    def add(self, key: str, row: T) -> None:
        self.rows[key.lower()] = row
        self._of_tenant.setdefault(row.tenant_id, {})[key.lower()] = row

    def remove(self, key: str) -> None:
        row = self.rows.pop(key.lower())
        del self._of_tenant[row.tenant_id][key.lower()]

    def visible(self, caller: Principal) -> list[T]:
        return list(self._of_tenant.get(caller.tenant_id, {}).values())

    def get(self, caller: Principal, key: str) -> T | None:
        row = self.rows.get(key.lower())
        return row if row is not None and row.tenant_id == caller.tenant_id else None


SortKey = Callable[[Any], Any]


class State:
    """The state of the server, and what several operations do with it."""

    def __init__(self) -> None:
        self.principals: Store[Principal] = Store()
        self.tenant_users: Store[TenantUser] = Store()
        self.definitions: Store[ProcessDefinition] = Store()
        self.processes: Store[Process] = Store()
        self.items: Store[ProcessItem] = Store()
        self.workers: Store[Worker] = Store()
        self.robots: Store[Robot] = Store()
        self.on_event: Callable[[Json], None] = lambda event: None
        self._last_moment = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """The time, never the same millisecond twice, so that every change shows in `lastModifiedAt`."""
        self._last_moment = max(datetime.now(UTC), self._last_moment + timedelta(milliseconds=1))
        return self._last_moment

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def audit(self, caller: Principal) -> Audit:
        now = self.now()
        return Audit(caller.id, now, caller.id, now)

    def touch(self, caller: Principal, audit: Audit) -> None:
        audit.last_modified_by, audit.last_modified_at = caller.id, self.now()

    def emit(self, type_: str, data: Json) -> None:
        self.on_event(
            {"id": self.new_id(), "version": "1", "type": type_, "timestamp": timestamp(self.now()), "data": data}
        )

    def find(self, store: Store[T], caller: Principal, key: str, what: str) -> T:
        row = store.get(caller, key)
        if row is None:
            raise Refused(404, f"There is no {what} {key}")
        return row

    def existing(self, store: Store[T], caller: Principal, key: str) -> T | None:
        """What already has the id that a creation asks for. Raises Refused when it is not the caller's."""
        if key.lower() in store.rows and store.get(caller, key) is None:
            raise Refused(409, f"The id {key} is taken")
        return store.get(caller, key)

    def running(self, process: Process) -> Process:
        if process.state != "RUNNING":
            raise Refused(409, f"The process {process.id} is {process.state}")
        return process

    def page(self, rows: Iterable[T], query: Json, sorting: dict[str, SortKey]) -> Answer:
        """One page of `rows`: sorted as asked, otherwise in their own order."""
        criteria = [criterion.partition(",") for criterion in query.get("sort", ())]
        for name, comma, direction in criteria:
            if name not in sorting or direction not in ("", "asc", "desc"):
                wrong = f"{name}{comma}{direction}"
                raise Refused(400, f"Cannot sort by {wrong}", [self.detail("sort", "INVALID_SORT", "query")])
        selected = list(rows)
        for name, _, direction in reversed(criteria):
            selected.sort(key=sorting[name], reverse=direction == "desc")
        size, number = query.get("size", 25), query.get("page", 0)
        total = len(selected)
        content = selected[number * size : (number + 1) * size]
        return Answer(
            json={
                "metadata": {
                    "size": size,
                    "page": number,
                    "totalElements": total,
                    "totalPages": self.total_pages(total, size),
                },
                "content": [self.render_row(row) for row in content],
            }
        )

    def total_pages(self, total: int, size: int) -> int:
        return -(-total // size) if size else 0

    def render_row(self, row: Any) -> Json:
        return row.render_row()  # type: ignore[no-any-return]

    def detail(self, location: str, code: str, location_type: str = "body") -> Json:
        return {"code": code, "message": f"{location}: {code}", "location": location, "locationType": location_type}

    def listed(self, store: Store[T], caller: Principal, query: Json) -> list[T]:
        """What the caller sees of `store`, or nothing when only other tenants are asked for."""
        asked = query.get("tenantId", [caller.tenant_id])
        return store.visible(caller) if caller.tenant_id in [value.lower() for value in asked] else []

    def having(self, rows: list[T], query: Json, name: str, values: Callable[[T], Iterable[str | None]]) -> list[T]:
        """Those of `rows` one of whose `values` is asked for; all, if none was. Ids and addresses in any case."""
        if name not in query:
            return rows
        wanted = {value.lower() for value in query[name]}
        return [row for row in rows if any((value or "").lower() in wanted for value in values(row))]

    def principal_named(self, caller: Principal, body: Json, prefix: str) -> Principal | None:
        """The principal that `<prefix>Id` or `<prefix>Email` names; None when neither is there."""
        key, email = body.get(f"{prefix}Id"), body.get(f"{prefix}Email")
        if key is not None:
            found = self.principals.get(caller, key)
        elif email is not None:
            users = (p for p in self.principals.visible(caller) if p.email)
            found = next((p for p in users if p.email.lower() == email.lower()), None)
        else:
            return None
        if found is None:
            raise Refused(400, f"There is no principal {key or email}", [self.detail(prefix, "UNKNOWN_PRINCIPAL")])
        return found

    def audit_sorting(self, **more: SortKey) -> dict[str, SortKey]:
        return {
            "createdAt": lambda row: row.audit.created_at,
            "lastModifiedAt": lambda row: row.audit.last_modified_at,
            **more,
        }
