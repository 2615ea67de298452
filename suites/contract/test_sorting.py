"""Lists come in the order asked for, on a page and from page to page."""

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.lists import SORTABLE, criteria, orders_of, out_of_order

ATTEMPTS = 3


@pytest.mark.requirement("SRT-001")
@pytest.mark.operations("lists")
def test_each_property_in_each_direction(operation, world, evidence):
    """The order of every list answer is judged as it comes; this asks for all the documented ones."""
    for name in SORTABLE[operation.id]:
        for direction in ("", ",asc", ",desc"):
            exchange = world.call(operation.id, query={"sort": name + direction, "size": 200})
            evidence.accepted("SRT-002", exchange, f"a page sorted by {name}{direction}")


@pytest.mark.requirement("SRT-001", "SRT-002")
@pytest.mark.operations("lists")
def test_several_criteria(operation, world, evidence):
    first, second, *_ = SORTABLE[operation.id]
    for sort in ([first, second], [f"{second},desc", first], [f"{second}", f"{first},desc"]):
        exchange = world.call(operation.id, query=[("sort", criterion) for criterion in sort] + [("size", "200")])
        evidence.accepted("SRT-002", exchange, f"a page sorted by {' and '.join(sort)}")


@pytest.mark.requirement("SRT-003")
@pytest.mark.operations("lists")
def test_order_holds_from_page_to_page(operation, world, evidence):
    """The last row of a page may tie with the first of the next, but must not come after it."""
    visible = [
        name for name in SORTABLE[operation.id] if not name.endswith(("claimedAt", "completedAt", "cancelledAt"))
    ]
    tested = False
    for name in visible:
        for direction in ("asc", "desc"):
            wrong = None
            for _ in range(ATTEMPTS):
                query = {"sort": f"{name},{direction}", "size": 4}
                pages = [world.call(operation.id, query=query | {"page": n}) for n in range(3)]
                rows = [row for page in pages for row in page.rows]
                if len(rows) < 5 or any(name not in row for row in rows):
                    break
                again = world.call(operation.id, query=query)
                if [row.get("id") for row in again.rows] != [row.get("id") for row in pages[0].rows]:
                    continue  # what others have put in front moved rows from page to page
                tested = True
                wrong = out_of_order(rows, criteria(pages[0]))
                if wrong is None:
                    break
            expected = f"pages that go on by {name} {direction}"
            evidence.check("SRT-003", pages[1], wrong is None, expected=expected, seen=wrong)
    if not tested:
        raise NotTested(f"{operation.id} shows fewer than five rows, or changes all the time")


@pytest.mark.requirement("SRT-006")
@pytest.mark.operations("findProcessItems")
def test_ties_are_ordered_by_the_next_criterion(operation, world, evidence):
    """Tasks that nobody claimed, completed or cancelled tie in those moments; the id, which rows show, decides."""
    process = world.id_of(world.process())
    for _ in range(4):
        world.task(process)
    for moment in ("claimedAt", "completedAt", "cancelledAt"):
        for direction in ("asc", "desc"):
            sort = [("sort", moment), ("sort", f"id,{direction}")]
            exchange = world.call(operation.id, query=[("processId", process), ("size", "50"), *sort])
            if len(exchange.rows) < 2 or any("id" not in row for row in exchange.rows):
                continue
            wrong = out_of_order(exchange.rows, [("id", direction == "desc")])
            expected = f"tasks that tie by {moment}, by id {direction}"
            evidence.check("SRT-006", exchange, wrong is None, expected=expected, seen=wrong)


@pytest.mark.requirement("SRT-004")
@pytest.mark.operations("lists")
def test_undocumented_property(operation, world, evidence):
    exchange = world.call(operation.id, query={"sort": "conformance"})
    evidence.observe("SRT-004", f"{operation.id}: {exchange.status}")


@pytest.mark.requirement("SRT-007")
@pytest.mark.operations("lists")
def test_order_when_none_is_asked_for(operation, world, evidence):
    rows = world.call(operation.id, query={"size": 200}).rows
    if len(rows) < 3:
        raise NotTested(f"{operation.id} shows fewer than three rows")
    evidence.observe("SRT-007", f"{operation.id}: {' or '.join(orders_of(operation.id, rows)) or 'none recognised'}")
