"""Pages: their bounds, their rows, and that together they are the whole list."""

import uuid

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.lists import MAXIMUM_SIZE, SORTABLE, rows_expected, total_pages

ATTEMPTS = 3
PAGES = 5


@pytest.mark.requirement("PAG-001", "PAG-002", "PAG-004", "PAG-006")
@pytest.mark.operations("lists")
def test_sizes_and_pages_in_range(operation, world, evidence):
    """The metadata of every page are judged as they come; this asks for the bounds."""
    for query in (
        {},
        {"size": 0},
        {"size": 1},
        {"size": 7, "page": 1},
        {"size": MAXIMUM_SIZE},
        {"page": 0},
        {"size": 25, "page": 0},
    ):
        exchange = world.call(operation.id, query=query)
        evidence.accepted("PAG-006", exchange, f"a page for {query or 'the defaults'}")


@pytest.mark.requirement("PAG-007")
@pytest.mark.operations("lists")
def test_rows_of_each_page(operation, world, evidence):
    """A page is full unless it is the last, which has the rest."""
    total = world.call(operation.id, query={"size": 1}).total
    size = max(1, min(total // 3, 10))
    last = max(0, total_pages(total, size) - 1)
    for query in ({}, {"size": size}, {"size": size, "page": 1}, {"size": size, "page": last}, {"size": MAXIMUM_SIZE}):
        for _ in range(ATTEMPTS):  # a row may come or go between counting and reading
            exchange = world.call(operation.id, query=query)
            asked = query.get("size", 25)
            right = rows_expected(exchange.total, asked, query.get("page", 0))
            if len(exchange.rows) == right:
                break
        if exchange.ok:
            evidence.equal("PAG-007", exchange, len(exchange.rows), right, "rows")


@pytest.mark.requirement("PAG-008")
@pytest.mark.operations("lists")
def test_beyond_the_end(operation, world, evidence):
    for _ in range(ATTEMPTS):
        first = world.call(operation.id, query={"size": 10})
        beyond = world.call(operation.id, query={"size": 10, "page": first.page.get("totalPages", 0) + 50})
        again = world.call(operation.id, query={"size": 10})
        total = first.page.get("totalElements")
        if total == again.page.get("totalElements"):
            break
    else:
        raise NotTested(f"{operation.id} changes all the time")
    if not beyond.ok:
        return  # a page that does not exist may be refused
    evidence.equal("PAG-008", beyond, len(beyond.rows), 0, "rows")
    evidence.shows("PAG-008", beyond, {"metadata.totalElements": total})


@pytest.mark.requirement("PAG-009", "PAG-010")
@pytest.mark.operations("lists")
def test_pages_join_to_the_whole(operation, world, evidence):
    """Five pages, or as many as there are, against one that holds as much.

    The oldest rows come first, so that what others create meanwhile comes behind them.
    """
    sort = [name for name in ("createdAt", "id") if name in SORTABLE[operation.id]]
    total = world.call(operation.id, query={"size": 1}).total
    if total < 4:
        raise NotTested(f"{operation.id} shows fewer than four rows")
    size = max(2, min(total_pages(total, PAGES), MAXIMUM_SIZE // PAGES))
    for _ in range(ATTEMPTS):
        before = world.call(operation.id, query={"size": size * PAGES, "sort": sort})
        pages = [world.call(operation.id, query={"size": size, "page": n, "sort": sort}) for n in range(PAGES)]
        after = world.call(operation.id, query={"size": size * PAGES, "sort": sort})
        if before.keys == after.keys:
            break
    else:
        raise NotTested(f"{operation.id} changes all the time")
    if not all(exchange.ok for exchange in (before, *pages)):
        return
    whole, joined = before.keys, [key for page in pages for key in page.keys]
    if "id" not in sort and len({row.get("createdAt") for row in before.rows}) < len(whole):
        return  # rows that tie may change places from one request to the next
    lost, twice = set(whole) - set(joined), len(joined) - len(set(joined))
    once, expected = not lost and not twice, f"pages of {size} that hold each of the first {len(whole)} rows once"
    seen = f"{len(lost)} rows lost, {twice} shown twice, {len(joined)} in all"
    evidence.check("PAG-009", pages[1], once and len(joined) == len(whole), expected=expected, seen=seen)
    if once:
        same = joined == whole
        evidence.check("PAG-010", pages[1], same, expected="the order of one big page", seen="another order")


@pytest.mark.requirement("PAG-011")
@pytest.mark.operations("lists")
def test_no_match(operation, world, evidence):
    """A filter that nothing matches gives an empty page, not an error and not everything."""
    unknown = {
        "processId": str(uuid.uuid4()),
        "groupId": str(uuid.uuid4()),
        "tenantId": str(uuid.uuid4()),
        "email": "nobody@conformance.example.com",
        "taskDefinitionCode": f"CONFORMANCE-{uuid.uuid4()}",
    }
    for name in (parameter.name for parameter in operation.query_parameters if parameter.name in unknown):
        exchange = world.call(operation.id, query={name: unknown[name]})
        if name in ("groupId", "tenantId") and exchange.refused:
            continue  # a group or tenant without access may be refused
        empty = exchange.ok and not exchange.rows and exchange.page.get("totalElements") == 0
        seen = f"{exchange.status} with {len(exchange.rows)} rows, totalElements {exchange.page.get('totalElements')}"
        expected = f"an empty page with totalElements 0 for an unknown {name}"
        if evidence.check("PAG-011", exchange, empty, expected=expected, seen=seen):
            evidence.shows("PAG-005", exchange, {"metadata.totalPages": 0})
