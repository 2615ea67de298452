"""What is right of any single list answer: the arithmetic of its page, its rows against the filters, their order.

Each function looks at one answer only, so rows that others make or change meanwhile cannot mislead it.
"""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from kuflow_conformance.oracles import Finding, found
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.target.exchange import Exchange, value_at, whole_number

DEFAULT_SIZE = 25
DEFAULT_PAGE = 0
MAXIMUM_SIZE = 1000
MANY_BEYOND = 1000
"""Rows beyond the last one at which a page is surely empty."""

LARGEST_EXACT = 2**53 - 1
"""The largest whole number that every reader of JSON takes exactly (RFC 8259 section 6)."""

SORTABLE = {
    "findPrincipals": ("id", "name"),
    "findTenantUsers": ("id", "createdAt", "lastModifiedAt"),
    "findProcesses": ("id", "createdAt", "lastModifiedAt"),
    "findProcessItems": ("id", "createdAt", "lastModifiedAt", "claimedAt", "completedAt", "cancelledAt"),
    "findRobots": ("createdAt", "lastModifiedAt"),
}
"""The documented sort properties of each list."""

ROW_FILTERS: dict[str, dict[str, str]] = {
    "findPrincipals": {"type": "type"},
    "findTenantUsers": {"tenantId": "tenantId"},
    "findProcesses": {"tenantId": "tenantId"},
    "findProcessItems": {
        "processId": "processId",
        "type": "type",
        "taskState": "task.state",
        "taskDefinitionCode": "task.taskDefinition.code",
        "tenantId": "tenantId",
    },
    "findRobots": {"tenantId": "tenantId"},
}
"""List → filter → where a row shows the value that was filtered by. The other filters do not show in the rows."""

_CASELESS = ("tenantId", "processId")


def judge_list(exchange: Exchange) -> Iterator[Finding]:
    """Hold one successful list answer against its own request."""
    if exchange.operation is None or not exchange.operation.is_list or exchange.status != 200:
        return
    if not exchange.page or not isinstance(exchange.object.get("content"), list):
        return  # the schema says so already
    yield from judge_page(exchange)
    yield from judge_filters(exchange)
    yield from judge_order(exchange)


def requested(exchange: Exchange, name: str, default: int) -> int | None:
    """The whole number asked for in `size` or `page`; None when it was asked for in a way that is open to reading."""
    values = exchange.query.get(name)
    if values is None:
        return default
    if len(values) == 1 and values[0].isascii() and values[0].isdecimal():
        return int(values[0])
    return None


def total_pages(total: int, size: int) -> int:
    """How many pages of `size` rows hold `total` rows; `size` is at least 1."""
    return -(-total // size)


def rows_expected(total: int, size: int, page: int) -> int:
    """How many rows page number `page` (from 0) has."""
    return max(0, min(size, total - page * size))


def judge_page(exchange: Exchange) -> Iterator[Finding]:
    """PAG: the page metadata echo the request and agree with each other and with the rows."""
    size, page = requested(exchange, "size", DEFAULT_SIZE), requested(exchange, "page", DEFAULT_PAGE)
    metadata, rows = exchange.page, exchange.object["content"]
    echoed, total = whole_number(metadata.get("size")), whole_number(metadata.get("totalElements"))
    pages = metadata.get("totalPages")
    if size is not None and size <= MAXIMUM_SIZE:
        explicit = "size" in exchange.query
        seen = metadata.get("size")
        yield found("PAG-002" if explicit else "PAG-001", echoed == size, f"metadata.size {size}", seen)
        yield found("PAG-004", len(rows) <= size, f"at most {size} rows", f"{len(rows)} rows")
    keys = [key for key in exchange.keys if key != "none"]
    twice = sorted({key for key in keys if keys.count(key) > 1}) if len(set(keys)) < len(keys) else []
    yield found("PAG-012", not twice, "each row once", f"{len(twice)} rows more than once, such as {twice[:1]}")
    # Rows may come between counting and reading, but not that many.
    if page is not None and echoed is not None and total is not None and page * echoed >= total + MANY_BEYOND:
        yield found("PAG-008", not rows, f"no rows on page {page} of {total} rows by {echoed}", f"{len(rows)} rows")
    if page is not None and page <= LARGEST_EXACT:
        explicit = "page" in exchange.query
        seen = metadata.get("page")
        yield found("PAG-002" if explicit else "PAG-001", seen == page, f"metadata.page {page}", seen)
    if echoed is not None and total is not None and echoed > 0:
        right = total_pages(total, echoed)
        yield found(
            "PAG-005", pages == right, f"totalPages {right}, which is {total} rows by {echoed}, rounded up", f"{pages}"
        )


def judge_filters(exchange: Exchange) -> Iterator[Finding]:
    """FLT-001: every row has one of the values asked for, for every filter whose property rows show."""
    assert exchange.operation is not None
    for name, path in ROW_FILTERS[exchange.operation.id].items():
        wanted = exchange.query.get(name)
        if not wanted or not all(value.strip() for value in wanted):
            continue  # a blank value may stand for none
        fold: Callable[[Any], Any] = (
            (lambda v: v.lower() if isinstance(v, str) else v) if name in _CASELESS else (lambda v: v)
        )
        allowed = {fold(value) for value in wanted}
        strangers = [fold(value_at(row, path)) for row in exchange.rows]
        # A row that leaves the property out says nothing; the schema says whether it may.
        strangers = [value for value in strangers if value is not None and value not in allowed]
        yield found(
            "FLT-001",
            not strangers,
            f"only rows with {path} {' or '.join(sorted(allowed))}",
            f"{len(strangers)} other rows, such as {strangers[:1]}",
        )


def criteria(exchange: Exchange) -> list[tuple[str, bool]] | None:
    """The sort criteria asked for, as (property, descending); None when one of them is not a documented one."""
    assert exchange.operation is not None
    parsed = []
    for criterion in exchange.query.get("sort", []):
        name, _, direction = criterion.partition(",")
        if name not in SORTABLE[exchange.operation.id] or direction not in ("", "asc", "desc"):
            return None
        parsed.append((name, direction == "desc"))
    return parsed


def judge_order(exchange: Exchange) -> Iterator[Finding]:
    """SRT-001: rows come in the order asked for, as far as they show what they are ordered by."""
    asked = criteria(exchange)
    if not asked:
        return
    visible = []
    for name, descending in asked:
        if any(row.get(name) is None for row in exchange.rows):
            break  # what follows orders ties of a property that rows do not show
        visible.append((name, descending))
    if not visible or len(exchange.rows) < 2:
        return
    wrong = out_of_order(exchange.rows, visible)
    wording = ", ".join(f"{name} {'descending' if descending else 'ascending'}" for name, descending in visible)
    yield found("SRT-001", wrong is None, f"rows by {wording}", f"row {wrong} is out of order" if wrong else "")


def out_of_order(rows: Sequence[dict[str, Any]], asked: Sequence[tuple[str, bool]]) -> str | None:
    """Where the order is broken under every reading of it that a server may have; None when one reading fits."""
    complaint = None
    for readings in _readings([name for name, _ in asked]):
        complaint = next(
            (
                f"{position + 1} ({' / '.join(str(later.get(name)) for name, _ in asked)})"
                f" after {' / '.join(str(earlier.get(name)) for name, _ in asked)}"
                for position, (earlier, later) in enumerate(pairwise(rows))
                if _compare(earlier, later, asked, readings) > 0
            ),
            None,
        )
        if complaint is None:
            return None
    return complaint


def orders_of(operation_id: str, rows: Sequence[dict[str, Any]]) -> list[str]:
    """The documented criteria by which `rows` happen to be in order, such as ``createdAt,desc``."""
    shown = [name for name in SORTABLE[operation_id] if all(isinstance(row.get(name), str) for row in rows)]
    varied = [name for name in shown if len({row[name] for row in rows}) > 1]
    return [
        f"{name},{direction}"
        for name in varied
        for direction in ("asc", "desc")
        if out_of_order(rows, [(name, direction == "desc")]) is None
    ]


def _compare(
    earlier: dict[str, Any],
    later: dict[str, Any],
    asked: Sequence[tuple[str, bool]],
    readings: dict[str, Callable[[Any], Any]],
) -> int:
    for name, descending in asked:
        first, second = readings[name](earlier[name]), readings[name](later[name])
        if first != second:
            return (1 if first > second else -1) * (-1 if descending else 1)
        if isinstance(first, datetime):
            return 0  # what is shown may be cut: below that, the two need not tie, and what follows does not count
    return 0


def _readings(names: Sequence[str]) -> Iterator[dict[str, Callable[[Any], Any]]]:
    """Ways to order the values of the properties: databases collate text and UUIDs differently."""
    for text in (str, str.casefold, _letters, _collated):
        for identifier in IDENTIFIER_ORDERS:
            yield {name: {"id": identifier, "name": text}.get(name, _instant) for name in names}


def _instant(value: Any) -> Any:
    return parse_instant(value)


def _letters(value: str) -> str:
    """Text as a locale orders it first: letters and digits only, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", value.casefold())
    return "".join(letter for letter in decomposed if letter.isalnum())


def _collated(value: str) -> str:
    """As above, but with spaces and punctuation, which some locales do not skip."""
    decomposed = unicodedata.normalize("NFKD", value.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _last_group_first(value: str) -> tuple[str, ...]:
    """As SQL Server compares it: by its last group of digits, then by the one before it, and so on."""
    return tuple(reversed(str(uuid.UUID(value)).split("-")))


def _as_signed_halves(value: str) -> tuple[int, int]:
    """As Java compares it: two signed 64-bit numbers."""
    number = uuid.UUID(value).int
    halves = (number >> 64, number & (2**64 - 1))
    high, low = (half - 2**64 if half >= 2**63 else half for half in halves)
    return high, low


def _second_half_first(value: str) -> bytes:
    """As ClickHouse compares it."""
    return uuid.UUID(value).bytes[8:] + uuid.UUID(value).bytes[:8]


def _little_endian(value: str) -> bytes:
    """As YDB, and others that keep it as Windows does, compare it."""
    return uuid.UUID(value).bytes_le


def _time_swapped(value: str) -> bytes:
    """As MySQL compares what UUID_TO_BIN has swapped: the high part of its time first."""
    raw = uuid.UUID(value).bytes
    return raw[6:8] + raw[4:6] + raw[:4] + raw[8:]


def _halves_reversed(value: str) -> bytes:
    """As MongoDB compares what older Java drivers have written: the bytes of each half backwards."""
    raw = uuid.UUID(value).bytes
    return raw[7::-1] + raw[:7:-1]


IDENTIFIER_ORDERS: tuple[Callable[[str], Any], ...] = (
    str.lower,
    _as_signed_halves,
    _last_group_first,
    _second_half_first,
    _little_endian,
    _time_swapped,
    _halves_reversed,
)
"""The orders in which databases put UUIDs."""
