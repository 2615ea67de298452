"""Lists: pages that belong together, rows that agree with what was read, and what is known to be there.

Others may create rows between two pages, but nothing in the API deletes. So a list that is filtered by what never
changes, and that has the same totalElements twice, has had the same rows all the time between.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kuflow_conformance.oracles import Finding, found
from kuflow_conformance.oracles.effects import value_at
from kuflow_conformance.oracles.lifecycle import ACTIVE
from kuflow_conformance.oracles.lists import (
    DEFAULT_PAGE,
    DEFAULT_SIZE,
    MAXIMUM_SIZE,
    ROW_FILTERS,
    criteria,
    judge_filters,
    out_of_order,
    requested,
    rows_expected,
)
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.traffic.memory import ROWS, Known, Memory, Shown, state_of
from kuflow_conformance.traffic.states import FRESH, differences, keep_version

LAG = 2.0
"""Seconds for which a list may lag behind; as long as a run asks again."""

LISTS_KEPT = 200
"""Lists, told apart by caller, filters and order, that are remembered."""

PAGES_KEPT = 40
"""Pages of a list that are remembered."""

_NEVER_CHANGE = {
    "findPrincipals": ("type", "tenantId"),
    "findTenantUsers": ("tenantId",),
    "findProcesses": ("tenantId",),
    "findProcessItems": ("tenantId", "processId", "type", "taskDefinitionCode"),
    "findRobots": ("tenantId", "filterContext"),
}
"""The filters by what no operation changes."""

_PAGING = ("size", "page", "sort")
_FIXED = ("id", "createdAt", "name")
"""The sort properties that no operation changes."""


@dataclass(frozen=True)
class _Page:
    exchange: Exchange
    started: float
    ended: float
    total: int
    size: int
    number: int
    keys: tuple[str, ...]
    sort: tuple[str, ...]


@dataclass
class _List:
    """The pages that were seen of one list, whatever its order."""

    pages: deque[_Page] = field(default_factory=lambda: deque(maxlen=PAGES_KEPT))


class Listings:
    """Judges lists, and remembers their pages and rows."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._lists: OrderedDict[tuple[Any, ...], _List] = OrderedDict()

    def judge(
        self, exchange: Exchange, caller: str, started: float, ended: float, timed: bool
    ) -> Iterator[tuple[Finding, Exchange]]:
        """Hold a list against what is known, and remember it. A page may show that an earlier one was wrong."""
        operation = exchange.operation
        if operation is None or not operation.is_list:
            return
        if exchange.refused:
            for finding in self._refused(exchange, caller):
                yield finding, exchange
            return
        total = exchange.page.get("totalElements")
        size, number = requested(exchange, "size", DEFAULT_SIZE), requested(exchange, "page", DEFAULT_PAGE)
        if exchange.status != 200 or not isinstance(total, int) or isinstance(total, bool):
            return
        for finding in self._rows(exchange, caller, started, ended):
            yield finding, exchange
        for finding in self._ties(exchange):
            yield finding, exchange
        for finding in self._matching(exchange, caller, started):
            yield finding, exchange
        if not timed or not size or number is None or size > MAXIMUM_SIZE:
            return
        sort = tuple(exchange.query.get("sort", ()))
        page = _Page(exchange, started, ended, total, size, number, tuple(exchange.keys), sort)
        for finding in self._complete(page, caller) if caller else ():
            yield finding, exchange
        same = self._list(exchange, caller)
        if caller and self._lasting(exchange):  # others may be shown other rows
            yield from self._together(same, page)
        same.pages.append(page)

    def _list(self, exchange: Exchange, caller: str) -> _List:
        key = _key(exchange, caller)
        same = self._lists.setdefault(key, _List())
        self._lists.move_to_end(key)
        if len(self._lists) > LISTS_KEPT:
            self._lists.popitem(last=False)
        return same

    def _lasting(self, exchange: Exchange) -> bool:
        allowed = {*_NEVER_CHANGE[exchange.operation_id], *_PAGING}
        return exchange.query.keys() <= allowed

    # Rows

    def _rows(self, exchange: Exchange, caller: str, started: float, ended: float) -> Iterator[Finding]:
        """Each row agrees with the resource as it was read; none stands there twice."""
        kind = ROWS[exchange.operation_id]
        keys = exchange.keys
        twice = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
        repeated = any((known := self._memory.get(kind, key)) and known.repeated for key in twice)
        if repeated or criteria(exchange):
            yield found("IDM-006" if repeated else "PAG-009", not twice, "each row once", f"{twice[:3]} more than once")
        for row in exchange.rows:
            if not isinstance(row.get("id"), str):
                continue
            if kind == "principal":
                self._memory.learn_principal(row)
            known = self._memory.of(kind, row["id"])
            now = Shown(row, exchange.operation_id, started, ended, row=True, caller=caller)
            yield from self._row(known, now)
            known.first = known.first or now
            known.seen_by.add(caller)
            keep_version(known, now)
            if kind == "item" and isinstance(row.get("processId"), str):
                self._memory.belongs(known.key, row["processId"])

    def _row(self, known: Known, now: Shown) -> Iterator[Finding]:
        for before in known.versions.get(now.moment, []) if now.moment else []:
            if not before.row:
                wrong = differences(before.content, now.content)
                expected = f"a row like what {before.operation} showed, as lastModifiedAt is the same"
                yield found("RED-002", not wrong, expected, "; ".join(wrong))

    def _ties(self, exchange: Exchange) -> Iterator[Finding]:
        """Tasks that are still active have not been completed or cancelled: they tie, and the next criterion counts."""
        asked = criteria(exchange) if exchange.operation_id == "findProcessItems" else None
        if not asked or len(asked) < 2 or asked[0][0] not in ("completedAt", "cancelledAt"):
            return
        rest = [(name, descending) for name, descending in asked[1:] if name in ("id", "createdAt")][:1]
        if rest != asked[1:2]:
            return
        tied = [row for row in exchange.rows if state_of(row) in ACTIVE and row.get(rest[0][0]) is not None]
        if len(tied) > 1:
            wrong = out_of_order(tied, rest)
            expected = f"what was never {asked[0][0].removesuffix('At')} by {rest[0][0]}"
            yield found("SRT-006", wrong is None, expected, f"row {wrong} is out of order" if wrong else "")

    def _matching(self, exchange: Exchange, caller: str, started: float) -> Iterator[Finding]:
        """Several filters mean all of them; users have the addresses that were asked for."""
        filters = [name for name in ROW_FILTERS[exchange.operation_id] if name in exchange.query]
        if len(filters) > 1:
            wrong = next((finding for finding in judge_filters(exchange) if not finding.holds), None)
            yield found("FLT-004", wrong is None, "rows that match all filters", wrong.seen if wrong else "")
        asked = [address.lower() for address in exchange.query.get("email", ())]
        if exchange.operation_id != "findTenantUsers" or not asked:
            return
        shown = {str(row.get("principalId")).lower() for row in exchange.rows}
        addresses = {key: self._address(key) for key in shown}
        strangers = [address for address in addresses.values() if address and address not in asked]
        yield found("FLT-005", not strangers, f"users with the address {' or '.join(asked)}", strangers[:3])
        if exchange.query.keys() == {"email"} and len(exchange.rows) == exchange.page.get("totalElements"):
            lost = [
                key
                for user in self._memory.of_kind("tenant user")
                if user.last and caller and caller in user.seen_by and started - user.last.ended < FRESH
                for key in [str(value_at(user.last.content, ("principal", "id"))).lower()]
                if self._address(key) in asked and key not in shown
            ]
            yield found("FLT-005", not lost, "every known user with such an address", f"{lost[:3]} missing")

    def _address(self, principal: str) -> str:
        address = value_at(self._memory.principals.get(principal, {}), ("user", "email"))
        return address.lower() if isinstance(address, str) else ""

    # What is known to be there

    def _complete(self, page: _Page, caller: str) -> Iterator[Finding]:
        """A list that shows all of its rows has those that are known and match."""
        exchange = page.exchange
        if page.number or page.total > page.size or len(page.keys) < page.total:
            return
        filters = {name: values for name, values in exchange.query.items() if name not in _PAGING}
        places = ROW_FILTERS[exchange.operation_id]
        if not filters.keys() <= {*_NEVER_CHANGE[exchange.operation_id]} & places.keys():
            return
        lost = [
            known.key
            for known in self._memory.of_kind(ROWS[exchange.operation_id])
            if known.key not in page.keys
            and caller in known.seen_by
            and self._must_be_there(known, page, filters, places)
        ]
        requirement = "RED-009" if not filters or filters.keys() == {"processId"} else "FLT-002"
        if any(len(values) > 1 for values in filters.values()):
            requirement = "FLT-003"
        yield found(requirement, not lost, "every row that is known and matches", f"{lost[:3]} missing")

    def _must_be_there(self, known: Known, page: _Page, filters: dict[str, list[str]], places: dict[str, str]) -> bool:
        seen = known.last or known.first
        if seen is None or known.first is None:
            return False
        # People remove principals and robots elsewhere; processes and items stay.
        lasting = FRESH if known.kind in ("process", "item") else FRESH / 60
        if known.first.ended > page.started - LAG or page.started - seen.ended > lasting:
            return False
        for name, values in filters.items():
            value = value_at(seen.content, tuple(places[name].split(".")))
            if not isinstance(value, str) or value.lower() not in [wanted.lower() for wanted in values]:
                return False
        return True

    # Pages that belong together

    def _together(self, same: _List, page: _Page) -> Iterator[tuple[Finding, Exchange]]:
        exchange = page.exchange
        before = [other for other in same.pages if other.ended <= page.started and page.started - other.ended < FRESH]
        alike = [other for other in before if other.total == page.total]
        if alike:  # so nothing was created since
            right = rows_expected(page.total, page.size, page.number)
            filtered = any(name not in _PAGING for name in exchange.query)
            requirement = "FLT-009" if filtered and page.number == 0 and len(page.keys) < right else "PAG-007"
            requirement = "PAG-008" if right == 0 else requirement
            expected = f"{right} rows, as there are {page.total} on pages of {page.size}"
            yield found(requirement, len(page.keys) == right, expected, f"{len(page.keys)} rows"), exchange
        yield from self._beyond(before, page)
        if not page.sort:
            return
        for other in alike:
            if other.sort == page.sort:
                yield from self._two(other, page)

    def _beyond(self, before: list[_Page], page: _Page) -> Iterator[tuple[Finding, Exchange]]:
        """A page beyond the end says the same totalElements as those before and after it."""
        for first, middle in zip(before[-2::-1][:1], before[-1:], strict=False):
            if (
                first.total == page.total
                and middle.number * middle.size >= first.total
                and first.ended <= middle.started
            ):
                expected = f"totalElements {page.total}, as before and after"
                yield found("PAG-008", middle.total == page.total, expected, middle.total), middle.exchange

    def _two(self, other: _Page, page: _Page) -> Iterator[tuple[Finding, Exchange]]:
        """Two pages of one sorted list whose rows have not changed."""
        asked = criteria(page.exchange)
        if not asked or any(name not in _FIXED for name, _ in asked) or not self._unique(other, page, asked):
            return
        exchange = page.exchange
        if other.size == page.size and other.number + 1 == page.number and other.keys and page.keys:
            again = sorted({*other.keys} & {*page.keys})
            yield found("PAG-009", not again, "no row of the page before", f"{again[:3]} again"), exchange
            if not again:
                rows = [other.exchange.rows[-1], exchange.rows[0]]
                wrong = out_of_order(rows, asked)
                expected = "a page that goes on where the one before ended"
                yield found("SRT-003", wrong is None, expected, f"row {wrong}" if wrong else ""), exchange
        big, small = (other, page) if other.size > page.size else (page, other)
        if big.number == 0 and big.size >= big.total and len(big.keys) == big.total and small.size < big.size:
            start = small.number * small.size
            part = big.keys[start : start + small.size]
            wanted, seen = [*part], [*small.keys]
            requirement = "PAG-010" if sorted(wanted) == sorted(seen) else "PAG-009"
            expected = f"the rows {start} to {start + len(part)} of the list in one page"
            yield found(requirement, wanted == seen, expected, f"{seen[:3]} where {wanted[:3]} are"), small.exchange

    def _unique(self, one: _Page, other: _Page, asked: list[tuple[str, bool]]) -> bool:
        """Whether no two rows tie by what they were sorted by."""
        if any(name == "id" for name, _ in asked):
            return True
        rows = {str(row.get("id")): row for page in (one, other) for row in page.exchange.rows}
        shown = [tuple(row.get(name) for name, _ in asked) for row in rows.values()]
        return len(set(shown)) == len(shown) and all(value is not None for values in shown for value in values)

    # Refusals

    def _refused(self, exchange: Exchange, caller: str) -> Iterator[Finding]:
        """A request that differs from one that was answered only by what is documented is answered as well."""
        same = self._lists.get(_key(exchange, caller))
        size, number = requested(exchange, "size", DEFAULT_SIZE), requested(exchange, "page", DEFAULT_PAGE)
        if not same or not same.pages or exchange.status not in (400, 422) or number != 0:
            return
        asked = criteria(exchange)
        if size is None or size > MAXIMUM_SIZE or asked is None:
            return
        answered = {page.size for page in same.pages if page.sort == tuple(exchange.query.get("sort", ()))}
        sizes = {page.size for page in same.pages}
        if answered and size not in answered:
            yield found("PAG-006", False, f"success, as for size {max(answered)}", exchange.describe())
        elif not answered and min(sizes) <= size <= max(sizes) and asked:
            yield found("SRT-002", False, "success, as for another order", exchange.describe())


def _key(exchange: Exchange, caller: str) -> tuple[Any, ...]:
    """What tells lists apart, but for their order; filterContext DEFAULT is the same as none."""
    query = {name: values for name, values in exchange.query.items() if name not in _PAGING}
    if query.get("filterContext") == ["DEFAULT"]:
        del query["filterContext"]
    return exchange.operation_id, caller, tuple(sorted((name, tuple(sorted(values))) for name, values in query.items()))
