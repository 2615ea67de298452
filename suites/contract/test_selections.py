"""Lists as algebra: any selection by filters is the one that sets say it is, on every page and in either direction."""

import unicodedata
import uuid
from dataclasses import replace
from functools import cache

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.lists import MAXIMUM_SIZE, SORTABLE, rows_expected
from kuflow_conformance.oracles.selections import filters_by_orders, selections
from kuflow_conformance.target.exchange import value_at

SELECTIONS = {"read-only": 10, "core": 10, "full": 60}
PRODUCT = {"read-only": 20, "core": 20, "full": 100}
"""Filters by orders that are tried, as a whole or every other one."""

ADDRESSES = {"read-only": 8, "core": 8, "full": 100}
"""Users whose address is looked at."""

ATTEMPTS = 3
NUMBERS = (2**31 - 1, 2**31, 2**32, 2**53 - 1)
"""Pages that are beyond any row, and where numbers of 32 bits, or offsets made of them, overflow."""


def _check(evidence, exchange, selection, wanted):
    """The page that the selection asks for, of the rows that are wanted."""
    several_filters = len({name for name, _ in selection.filters}) > 1
    requirement = "FLT-004" if several_filters else "FLT-003" if len(selection.filters) > 1 else "FLT-002"
    what = f"{len(wanted)} rows for {shown(selection.query)}"
    if exchange.refused and len(wanted) <= selection.size * selection.page:
        return  # a page beyond the end, or what nobody has, may be refused
    if not evidence.accepted(requirement, exchange, what):
        return
    number = rows_expected(len(wanted), selection.size, selection.page)
    strangers = set(exchange.keys) - wanted
    evidence.nothing(requirement, exchange, strangers, f"only some of the {what}")
    evidence.equal(requirement, exchange, len(exchange.rows), number, f"rows, of {what}")
    evidence.shows(requirement, exchange, {"metadata.totalElements": len(wanted)}, f"for {shown(selection.query)}")


def _try(world, operation, drawn, evidence, still_so):
    """Send the selections, and judge the answers if nothing has changed meanwhile."""
    for _ in range(ATTEMPTS):
        answers = [(world.call(operation.id, query=s.query), s, wanted) for s, wanted in drawn]
        if still_so():
            for exchange, selection, wanted in answers:
                _check(evidence, exchange, selection, wanted)
            return
    raise NotTested(f"{operation.id} changes all the time")


def _drawn(operation, known, seed, profile):
    single = [parameter.name for parameter in operation.query_parameters if not parameter.is_array]
    orders = [f"{name},{direction}" for name in SORTABLE[operation.id] for direction in ("asc", "desc")]
    drawn = selections(known, single, orders, seed, SELECTIONS[profile])
    return [*filters_by_orders(known, orders, PRODUCT[profile]), *drawn]


@pytest.mark.long
@pytest.mark.requirement("FLT-002", "FLT-003", "FLT-004")
@pytest.mark.operations("findProcessItems")
def test_any_selection_of_items(operation, world, evidence, seed, profile):
    """Items of two processes of our own, one of them cancelled, and what their workflow has made."""
    mine = [world.id_of(world.process()) for _ in range(2)]
    made = [world.task(mine[0]), world.task(mine[1]), world.working_task(mine[0]), world.message(mine[0])]
    made += [world.message(mine[1]), world.working_task(mine[0])]
    if world.bed.claimable:
        world.call("completeProcessItemTask", id=world.id_of(made[-1]))
    world.call("cancelProcess", id=mine[1])
    keys = {world.id_of(item).lower() for item in made}
    of_both = {"processId": mine, "size": MAXIMUM_SIZE}

    def is_there(listed):
        states = {key: value_at(row, "task.state") for key, row in zip(listed.keys, listed.rows, strict=True)}
        return keys <= set(states) and states[world.id_of(made[1]).lower()] == "CANCELLED"

    whole = world.call_until(is_there, operation.id, query=of_both)
    if not is_there(whole):
        raise NotTested("findProcessItems does not show what was made to be selected")
    paths = {"processId": "processId", "type": "type", "taskState": "task.state"}
    paths |= {"taskDefinitionCode": "task.taskDefinition.code", "tenantId": "tenantId"}
    values = {
        name: [v for v in {str(value_at(r, path)) for r in whole.rows} if v != "None"] for name, path in paths.items()
    }
    known = {name: sorted(found) for name, found in values.items()}
    known["processId"] = [*mine, str(uuid.UUID(int=seed))]  # in the order in which they were made, whatever their ids
    known["taskDefinitionCode"] += ["CONFORMANCE-NONE"]
    known["taskState"] = ["READY", "CLAIMED", "COMPLETED", "CANCELLED"]

    def matches(name, value):
        rows = zip(whole.keys, whole.rows, strict=True)
        return {key for key, row in rows if str(value_at(row, paths[name])).lower() == value.lower()}

    drawn = []
    for selection in _drawn(operation, known, seed, profile):
        if not any(name == "processId" for name, _ in selection.filters):
            both = tuple(("processId", key) for key in mine)
            selection = replace(selection, filters=selection.filters + both)
        drawn.append((selection, selection.matching(whole.keys, matches)))
    _try(world, operation, drawn, evidence, lambda: world.call(operation.id, query=of_both).rows == whole.rows)


@pytest.mark.long
@pytest.mark.requirement("FLT-002", "FLT-003", "FLT-004")
@pytest.mark.operations("findPrincipals", "findTenantUsers", "findRobots")
def test_any_selection(operation, world, evidence, seed, profile):
    """Against what each value of each filter selects by itself."""
    names = {parameter.name for parameter in operation.query_parameters}
    known = {
        "type": ["USER", "APPLICATION", "SYSTEM"],
        "groupId": world.bed.group_ids,
        "tenantId": [world.bed.tenant_id] if world.bed.tenant_id else [],
        "email": list(_addresses(world, ADDRESSES["core"]).values())[:3],
        "filterContext": ["READY", "DEFAULT"],
    }
    known = {name: values for name, values in known.items() if name in names}

    @cache
    def matches(name, value):
        answer = world.call(operation.id, query={name: value, "size": MAXIMUM_SIZE})
        return frozenset(answer.keys if answer.ok else ())

    whole = world.call(operation.id, query={"size": MAXIMUM_SIZE})
    if whole.total > MAXIMUM_SIZE:
        raise NotTested(f"{operation.id} shows more rows than fit on a page")
    drawn = [(s, s.matching(whole.keys, matches)) for s in _drawn(operation, known, seed, profile)]

    def still_so():
        return set(world.call(operation.id, query={"size": MAXIMUM_SIZE}).keys) == set(whole.keys)

    _try(world, operation, drawn, evidence, still_so)


@pytest.mark.requirement("PAG-008")
@pytest.mark.operations("lists")
def test_far_pages(operation, world, evidence):
    """That they have no row is judged in each answer as it comes; the number of all rows stays."""
    for number in NUMBERS:
        exchange = world.call(operation.id, query={"size": MAXIMUM_SIZE, "page": number})
        if exchange.ok:
            evidence.equal("PAG-008", exchange, len(exchange.rows), 0, f"rows on page {number}")


@pytest.mark.requirement("SRT-003")
@pytest.mark.operations("lists")
def test_either_direction(operation, world, evidence):
    """A page of the list in one direction is a piece of the whole list in the other."""
    for name in SORTABLE[operation.id]:
        for _ in range(ATTEMPTS):
            whole = world.call(operation.id, query={"size": MAXIMUM_SIZE, "sort": f"{name},asc"})
            page = world.call(operation.id, query={"size": 5, "page": 1, "sort": f"{name},desc"})
            wanted = whole.keys[::-1][5:10]
            if page.keys == wanted:
                break  # others may change it meanwhile, but not every time
        letters = [_letters(str(row.get(name))) for row in whole.rows]
        if whole.total > MAXIMUM_SIZE or "none" in letters or len(set(letters)) < len(letters):
            continue  # ties may come in any order
        if page.ok:
            evidence.equal("SRT-003", page, page.keys, wanted, f"by {name} descending, the reverse of ascending")


def _letters(text):
    """What every locale tells texts apart by."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text.casefold()) if letter.isalnum())


def _addresses(world, number):
    """Tenant user → address, for as many users; those first that begin like another one."""
    rows = world.call("findTenantUsers", query={"size": number}).rows
    found = {}
    for row in rows:
        principal = world.call("retrievePrincipal", id=row["principalId"]) if row.get("principalId") else None
        address = principal.at("user.email") if principal is not None else None
        if isinstance(address, str):
            found[str(row["id"]).lower()] = address
    return found


def _altered(address):
    """Addresses that are like this one, and are not this one."""
    name, _, domain = address.partition("@")
    yield address[:-1]
    yield f"{address}.example"
    yield f"x{address}"
    yield f"{name[:-1]}_@{domain}"
    yield f"{name[:-1]}%@{domain}"
    if len(name) > 1:
        yield f"{name[:-1]}@{domain}"
        yield f"{name[1:]}@{domain}"


@pytest.mark.long
@pytest.mark.requirement("FLT-005")
@pytest.mark.operations("findTenantUsers")
def test_every_address(operation, world, evidence, profile):
    users = _addresses(world, ADDRESSES[profile])
    if not users:
        raise NotTested("no user shows an email address")
    whole = world.call(operation.id, query={"size": 1})
    for key, address in users.items():
        exchange = world.call(operation.id, query={"email": address, "size": MAXIMUM_SIZE})
        wanted = {other for other, same in users.items() if same.lower() == address.lower()} | {key}
        missing, strangers = wanted - set(exchange.keys), (set(exchange.keys) & set(users)) - wanted
        evidence.nothing("FLT-005", exchange, missing | strangers, f"only the users with the address {address}")
        if whole.total <= len(users):
            evidence.equal("FLT-005", exchange, exchange.total, len(wanted), f"users with the address {address}")
    known = {address.lower() for address in users.values()}
    for address in _altered(next(iter(users.values()))):
        if address.lower() not in known:
            exchange = world.call(operation.id, query={"email": address, "size": MAXIMUM_SIZE})
            seen = set(exchange.keys) & set(users)  # somebody else may have it
            evidence.nothing("FLT-005", exchange, seen, f"nobody else for the address {address}")


BULK = {"task": 600, "message": 420}
SIDES = 20


@pytest.mark.long
@pytest.mark.requirement("PAG-013")
@pytest.mark.operations("findProcessItems")
def test_more_than_fit_on_a_page(operation, world, evidence):
    """A process of our own with more items than the largest page holds."""
    process = world.id_of(world.process())
    bodies = [getattr(world, f"{kind}_body")(process) for kind, number in BULK.items() for _ in range(number)]
    for start in range(0, len(bodies), SIDES):
        answers = world.together([world.call_of("createProcessItem", body=b) for b in bodies[start : start + SIDES]])
        if not all(answer.ok for answer in answers):
            raise NotTested("the target does not take so many items at once")
    mine = {"processId": process}
    total = world.call_until(lambda listed: listed.total >= len(bodies), operation.id, query=mine).total
    if total < len(bodies):
        raise NotTested("findProcessItems does not show what was made")
    for query, number in (
        ({"size": 501}, 501),
        ({"size": MAXIMUM_SIZE}, MAXIMUM_SIZE),
        ({"size": MAXIMUM_SIZE, "page": 1}, total - MAXIMUM_SIZE),
        ({"size": MAXIMUM_SIZE, "type": "TASK"}, None),
        ({"size": 300, "page": 2, "sort": "id"}, 300),
    ):
        exchange = world.call(operation.id, query=mine | query)
        wanted = number if number is not None else exchange.total
        if evidence.accepted("PAG-013", exchange, f"a page for {shown(query)}"):
            evidence.equal("PAG-013", exchange, len(exchange.rows), wanted, f"rows for {shown(query)}, of {total}")
    if world.call("cancelProcess", id=process).ok:
        open_ = mine | {"taskState": ["READY", "CLAIMED"]}
        left = world.call_until(lambda listed: listed.total == 0, operation.id, query=open_)
        evidence.nothing("PRC-006", left, left.keys, f"each of {BULK['task']} tasks to be CANCELLED")
