"""Filters: complete, joined by "any of" within one and "all of" between several.

That a filtered list shows nothing else is judged in every list answer as it comes (FLT-001).
"""

import uuid
from itertools import combinations, product

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.lists import MAXIMUM_SIZE, ROW_FILTERS
from kuflow_conformance.target.exchange import value_at

ATTEMPTS = 3


def _ids(exchange):
    return set(exchange.keys)


def _matching(exchange, path, wanted):
    return {key for key, row in zip(exchange.keys, exchange.rows, strict=True) if value_at(row, path) in wanted}


def _settled(world, operation, query, *others):
    """Answers to `query` and to `others`, with the first one the same before and after; None when it never is."""
    for _ in range(ATTEMPTS):
        before = world.call(operation.id, query=query)
        answers = [world.call(operation.id, query=other) for other in others]
        if _ids(world.call(operation.id, query=query)) == _ids(before):
            return before, answers
    raise NotTested(f"{operation.id} changes all the time")


@pytest.mark.long
@pytest.mark.requirement("FLT-001", "FLT-002", "FLT-003")
@pytest.mark.operations("lists")
def test_each_filter_finds_all_that_match(operation, world, evidence):
    """Against the unfiltered list, where that fits on one page."""
    for name, path in ROW_FILTERS[operation.id].items():
        rows = world.call(operation.id, query={"size": MAXIMUM_SIZE}).rows
        values = list(dict.fromkeys(value for row in rows if (value := value_at(row, path)) is not None))
        parameter = operation.parameter(name)
        chosen = [[value] for value in values[:4]]
        if parameter.is_array and values:
            chosen += [values[:2], values[:3]] if len(values) > 1 else []
            if parameter.schema["items"].get("format") == "uuid":
                nobody = str(uuid.uuid4())  # a value that matches nothing takes nothing away
                chosen += [[values[0], nobody], [nobody, values[0]]]
        for wanted in chosen:
            query = [(name, value) for value in wanted] + [("size", str(MAXIMUM_SIZE))]
            before = world.call(operation.id, query={"size": MAXIMUM_SIZE})
            filtered = world.call(operation.id, query=query)
            after = world.call(operation.id, query={"size": MAXIMUM_SIZE})
            if filtered.refused and name == "tenantId" and len(wanted) > 1:
                continue  # to ask for a tenant without access may be refused
            if after.total > MAXIMUM_SIZE:
                raise NotTested(f"{operation.id} shows more rows than fit on a page")
            # What others change meanwhile does not count: only rows that matched before and after.
            matching = _matching(before, path, wanted) & _matching(after, path, wanted)
            lost = matching - _ids(filtered)
            requirement = "FLT-002" if len(wanted) == 1 else "FLT-003"
            complete, seen = filtered.ok and not lost, f"{filtered.status}, {len(lost)} of them missing"
            expected = f"all {len(matching)} rows with {name} {' or '.join(map(str, wanted))}"
            if evidence.check(requirement, filtered, complete, expected=expected, seen=seen):
                evidence.shows(requirement, filtered, {"metadata.totalElements": len(filtered.rows)}, "all on one page")


@pytest.mark.requirement("FLT-004")
@pytest.mark.operations("findProcessItems")
def test_several_filters_mean_all_of_them(operation, world, evidence):
    """On a process of our own: one task and one message, beside what its workflow may have made."""
    process = world.id_of(world.process())
    task, message = world.id_of(world.task(process)), world.id_of(world.message(process))
    code, state = world.bed.task.code, "READY"
    mine = {task.lower(), message.lower()}
    world.call_until(lambda listed: mine.issubset(listed.keys), operation.id, query={"processId": process})
    for query, expected in (
        ({"processId": process}, {task, message}),
        ({"processId": process, "type": "TASK"}, {task}),
        ({"processId": process, "type": "MESSAGE"}, {message}),
        ({"processId": process, "type": ["TASK", "MESSAGE"]}, {task, message}),
        ({"processId": process, "taskState": state}, {task}),
        ({"processId": process, "taskState": "COMPLETED"}, set()),
        ({"processId": process, "taskState": [state, "COMPLETED"]}, {task}),
        ({"processId": process, "taskDefinitionCode": code, "taskState": state, "type": "TASK"}, {task}),
        ({"processId": process, "taskDefinitionCode": code, "taskState": "CANCELLED"}, set()),
        ({"processId": process, "type": "MESSAGE", "taskState": state}, set()),
    ):
        exchange = world.call(operation.id, query=query)
        rows = exchange.keys
        wrong = [key for key in (task, message) if (key.lower() in rows) != (key in expected)]
        wanted = " and ".join(sorted(expected)) or "none"
        wanted = f"of the task {task} and the message {message}, {wanted} for {shown(query)}"
        seen = f"{len(rows)} rows, wrong about {', '.join(wrong)}"
        evidence.check("FLT-004", exchange, not wrong, expected=wanted, seen=seen)


@pytest.mark.requirement("FLT-003")
@pytest.mark.operations("findProcessItems")
def test_many_values_of_a_filter(operation, world, evidence):
    """A process of our own is the last of many, of which the others match nothing."""
    process = world.id_of(world.process())
    task = world.id_of(world.task(process))
    query = {"processId": [*(str(uuid.uuid4()) for _ in range(24)), process]}
    exchange = world.call_until(lambda listed: task.lower() in listed.keys, operation.id, query=query)
    if exchange.status == 414:
        return  # a target with short request lines
    found = task.lower() in exchange.keys
    expected = f"{task}, an item of the last of 25 processes"
    evidence.check("FLT-003", exchange, found, expected=expected, seen=f"{len(exchange.rows)} rows")


@pytest.mark.requirement("FLT-004")
@pytest.mark.operations("findPrincipals", "findTenantUsers", "findRobots")
def test_two_filters_give_what_both_give(operation, world, evidence):
    """Each pair of filters, against the rows that each of the two gives by itself."""
    known = {
        "type": ["USER", "APPLICATION"],
        "groupId": world.bed.group_ids[:2],
        "tenantId": [world.bed.tenant_id] if world.bed.tenant_id else [],
        "email": [world.bed.principal_email] if world.bed.principal_email else [],
        "filterContext": ["READY"],
    }
    mine = [name for name in known if name in {parameter.name for parameter in operation.query_parameters}]
    whole = {"size": MAXIMUM_SIZE}
    for one, other in combinations(mine, 2):
        for first, second in product(known[one], known[other]):
            before, (alone, both) = _settled(
                world, operation, whole | {one: first}, whole | {other: second}, whole | {one: first, other: second}
            )
            if max(exchange.total for exchange in (before, alone)) > MAXIMUM_SIZE:
                continue
            wanted = _ids(before) & _ids(alone)
            seen = f"{both.status} with {len(_ids(both))} rows, {len(_ids(both) - wanted)} others"
            expected = f"the {len(wanted)} rows that {one} {first} and {other} {second} both give"
            evidence.check("FLT-004", both, both.ok and _ids(both) == wanted, expected=expected, seen=seen)


@pytest.mark.requirement("FLT-009")
@pytest.mark.operations("findProcessItems")
def test_pages_of_a_filtered_list(operation, world, evidence):
    """Tasks and messages of a process of our own, two rows at a time."""
    process = world.id_of(world.process())
    tasks, messages = [], []
    for _ in range(3):
        tasks.append(world.id_of(world.task(process)).lower())
        messages.append(world.id_of(world.message(process)).lower())
    for name, query, wanted in (
        ("tasks", {"type": "TASK"}, tasks),
        ("messages", {"type": "MESSAGE"}, messages),
        ("READY tasks", {"taskState": "READY"}, tasks),
        ("items", {}, tasks + messages),
    ):
        query = {"processId": process, "sort": "id", **query}
        complete = query | {"size": MAXIMUM_SIZE}
        first = world.call_until(
            lambda listed, own=frozenset(wanted): own.issubset(listed.keys), operation.id, query=complete
        )
        numbers = range(max(len(first.rows), len(wanted)) // 2 + 1)
        paged = [query | {"size": 2, "page": number} for number in numbers]
        whole, pages = _settled(world, operation, complete, *paged)
        pages = [page for page in pages if page.ok]  # a page beyond the end may be refused
        if not pages:
            continue
        joined = [key for page in pages for key in page.keys]
        rows = {*whole.keys, *wanted}  # the workflow may have made some as well
        seen = f"{len(joined)} rows, {len(rows - set(joined))} of them missing"
        expected = f"pages of two that hold each of the {len(rows)} {name} once"
        evidence.check("FLT-009", pages[0], sorted(joined) == sorted(rows), expected=expected, seen=seen)
        evidence.equal("FLT-009", pages[0], len(pages[0].rows), 2, "rows, a full first page")
        evidence.shows("FLT-009", pages[0], {"metadata.totalElements": len(rows)})


@pytest.mark.requirement("FLT-005")
@pytest.mark.operations("findTenantUsers")
def test_email(operation, world, evidence):
    users = []
    for row in world.call(operation.id, query={"size": 5}).rows:
        email = world.call("retrieveTenantUser", id=row["id"]).at("principal.user.email")
        if email:
            users.append((str(row["id"]).lower(), email))
    if not users:
        raise NotTested("no tenant user shows an email address")
    asked = [[users[0][1]]] + ([[users[0][1], users[-1][1]]] if len(users) > 1 else [])
    for emails in asked:
        exchange = world.call(operation.id, query={"email": emails, "size": MAXIMUM_SIZE})
        wanted = {key for key, email in users if email in emails}
        found, seen = wanted <= _ids(exchange), f"{len(exchange.rows)} rows"
        evidence.check("FLT-005", exchange, found, expected=f"the users with the addresses {emails}", seen=seen)
        for row in exchange.rows[:3]:
            email = str(world.call("retrieveTenantUser", id=row["id"]).at("principal.user.email")).lower()
            mine = email in [address.lower() for address in emails]
            evidence.check("FLT-005", exchange, mine, expected=f"only users with the addresses {emails}", seen=email)
    nobody = world.call(operation.id, query={"email": "nobody@conformance.example.com"})
    evidence.check("FLT-005", nobody, nobody.ok and not nobody.rows, expected="no row for an unknown address")


@pytest.mark.requirement("FLT-006")
@pytest.mark.operations("lists")
def test_group(operation, world, evidence):
    if "groupId" not in {parameter.name for parameter in operation.query_parameters}:
        return
    groups = world.bed.need("group_ids")[:2]
    everything, answers = _settled(
        world,
        operation,
        {"size": MAXIMUM_SIZE},
        *({"groupId": group, "size": MAXIMUM_SIZE} for group in groups),
        {"groupId": groups, "size": MAXIMUM_SIZE},
    )
    *single, both = answers
    if everything.total > MAXIMUM_SIZE:
        raise NotTested(f"{operation.id} shows more rows than fit on a page")
    for exchange in answers:
        evidence.nothing("FLT-006", exchange, _ids(exchange) - _ids(everything), "only rows of the whole list")
    union, seen = set().union(*map(_ids, single)), f"{len(_ids(both))} rows"
    expected = f"the {len(union)} members of either group"
    evidence.check("FLT-006", both, _ids(both) == union, expected=expected, seen=seen)
    if operation.id == "findPrincipals":
        expected = "members: the test bed names groups that have some"
        evidence.check("FLT-006", both, bool(union), expected=expected, seen="no row")
    nobody = world.call(operation.id, query={"groupId": world.new_id()})
    evidence.nothing("FLT-006", nobody, nobody.keys, "no row, or a refusal, for an unknown group")


@pytest.mark.requirement("FLT-006")
@pytest.mark.operations("findTenantUsers")
def test_members_are_the_same_in_both_lists(operation, world, evidence):
    """A tenant user is in a group when its principal is."""
    for group in world.bed.need("group_ids")[:2]:
        whole = {"size": MAXIMUM_SIZE}
        members = world.call("findPrincipals", query=whole | {"groupId": group})
        users, (found,) = _settled(world, operation, whole, whole | {"groupId": group})
        if max(exchange.total for exchange in (members, users, found)) > MAXIMUM_SIZE:
            raise NotTested("there are more rows than fit on a page")
        inside = _ids(members)
        rows = zip(users.keys, users.rows, strict=True)
        wanted = {key for key, row in rows if str(row.get("principalId")).lower() in inside}
        seen = f"{len(_ids(found))} rows, {len(wanted - _ids(found))} of them missing"
        expected = f"the {len(wanted)} tenant users whose principals findPrincipals shows in group {group}"
        evidence.check("FLT-006", found, _ids(found) == wanted, expected=expected, seen=seen)


@pytest.mark.requirement("FLT-002")
@pytest.mark.operations("findPrincipals")
def test_types_of_principals_add_up(operation, world, evidence):
    types = ("USER", "APPLICATION", "SYSTEM")
    everything, answers = _settled(world, operation, {"size": 1}, *({"type": name, "size": 1} for name in types))
    for answer in answers:
        if not evidence.accepted("FLT-002", answer, f"a page of the principals of type {answer.query['type'][0]}"):
            return
    parts = {name: answer.total for name, answer in zip(types, answers, strict=True)}
    expected = f"{everything.total} principals of all types together"
    seen = " + ".join(f"{count} {name}" for name, count in parts.items())
    evidence.check("FLT-002", answers[0], sum(parts.values()) == everything.total, expected=expected, seen=seen)


@pytest.mark.requirement("FLT-008")
@pytest.mark.operations("findRobots")
def test_robot_context(operation, world, evidence):
    whole = {"size": MAXIMUM_SIZE}
    everything, (default, ready) = _settled(
        world, operation, whole, whole | {"filterContext": "DEFAULT"}, whole | {"filterContext": "READY"}
    )
    same = _ids(default) == _ids(everything)
    expected, seen = "DEFAULT to be the same as no filterContext", f"{len(default.rows)} rows"
    evidence.check("FLT-008", default, same, expected=expected, seen=seen)
    if everything.total <= MAXIMUM_SIZE and evidence.accepted("FLT-008", ready, "READY robots"):
        evidence.nothing("FLT-008", ready, _ids(ready) - _ids(everything), "READY to be some of them")
