"""What belongs to one tenant is out of another's reach. Needs credentials in a second tenant."""

import uuid
from collections import Counter

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.resources import same_id

READ_BY = {
    "findPrincipals": ("retrievePrincipal",),
    "findTenantUsers": ("retrieveTenantUser",),
    "findProcesses": ("retrieveProcess",),
    "findProcessItems": ("retrieveProcessItem",),
    "findRobots": ("retrieveRobot", "downloadRobotSourceCode"),
}
ROWS = 1000
STRANGERS = 3


@pytest.fixture
def second(world):
    """Credentials in another tenant."""
    if world.session.second is None:
        raise NotTested("there are no second credentials; add [second-tenant] to the target file")
    return world.session.second


def _tenants(world, caller):
    """The tenants that two lists agree on: one alone does not count, as it may be the one that shows too much."""
    shown = Counter()
    for listing in ("findTenantUsers", "findProcesses", "findProcessItems", "findRobots"):
        rows = world.call(listing, query={"size": ROWS}, caller=caller).rows
        shown.update({str(row["tenantId"]).lower() for row in rows if "tenantId" in row})
    return {tenant for tenant, lists in shown.items() if lists > 1}


@pytest.fixture
def own_tenants(world):
    """The tenants that the first credentials have access to."""
    return _tenants(world, world.session.main) | {str(world.bed.tenant_id).lower()}


@pytest.fixture
def stranger(world, second):
    """The second credentials, if they have no access to the tenant of what the run creates."""
    tenant = str(world.process().at("tenantId")).lower()
    if tenant in _tenants(world, second):
        raise NotTested("the second credentials have access to the first tenant; name some that have not")
    return second


@pytest.fixture
def strangers(operation, world, second, own_tenants):
    """Rows of the list that the second tenant sees and that belong to a tenant the first has no access to.

    The rows of findPrincipals name no tenant: there, the users of foreign tenant users count.
    """
    rows = world.call(operation.id, query={"size": ROWS}, caller=second).rows
    if operation.id == "findPrincipals":
        users = world.call("findTenantUsers", query={"size": ROWS}, caller=second).rows
        foreign = {
            str(u.get("principalId")).lower() for u in users if str(u.get("tenantId")).lower() not in own_tenants
        }
        own = world.call("findTenantUsers", query={"size": ROWS, "tenantId": sorted(own_tenants)}).rows
        foreign -= {str(u.get("principalId")).lower() for u in own if str(u.get("tenantId")).lower() in own_tenants}
        rows = [row for row in rows if str(row.get("id")).lower() in foreign]
    else:
        rows = [row for row in rows if "tenantId" in row and str(row["tenantId"]).lower() not in own_tenants]
    if not rows:
        raise NotTested(f"{operation.id} shows the second tenant nothing of its own")
    return rows


@pytest.mark.requirement("AUT-005")
@pytest.mark.operations("lists")
def test_foreign_resource_cannot_be_read(operation, strangers, world, evidence):
    for row in strangers[:STRANGERS]:
        for read in READ_BY[operation.id]:
            exchange = world.call(read, id=row["id"])
            # An answer about nothing is wrong as well, but shows nothing.
            shown = exchange.ok and (exchange.media_type != "application/json" or "id" in exchange.object)
            evidence.check("AUT-005", exchange, not shown, expected="a refusal (4xx) of another tenant's resource")


@pytest.mark.requirement("AUT-006")
@pytest.mark.operations("lists")
def test_lists_show_nothing_foreign(operation, strangers, world, evidence):
    foreign = {str(row["id"]).lower() for row in strangers}
    queries = [{"size": ROWS}]
    if any(parameter.name == "tenantId" for parameter in operation.query_parameters):
        tenants = {row["tenantId"] for row in strangers if "tenantId" in row}
        queries += [{"size": ROWS, "tenantId": [tenant]} for tenant in sorted(tenants)[:1]]
    for query in queries:
        exchange = world.call(operation.id, query=query)
        seen = sorted(foreign.intersection(exchange.keys))
        evidence.nothing("AUT-006", exchange, seen, "no row of another tenant")


@pytest.mark.requirement("AUT-007")
@pytest.mark.operations("with-id")
def test_foreign_resource_cannot_be_used(operation, stranger, world, evidence):
    """The second tenant calls every operation on resources that the first one has just made."""
    if operation.id in ("retrievePrincipal", "retrieveTenantUser", "retrieveRobot"):
        return  # the run makes none of these
    call = world.good_call(operation.id, consumes=True)
    read = world.read_item if operation.path.startswith("/process-items") else world.read_process
    before = None if "robots" in operation.path else read(call.id)
    exchange = world.send(call, caller=stranger)
    evidence.refused("AUT-007", exchange, "of another tenant's resource")
    if before is not None and not operation.is_read_only:
        after, others = read(call.id), world.changed_by_others(operation)
        evidence.unchanged("AUT-007", before, after, "a resource that another tenant cannot change", ignore=others)


@pytest.mark.requirement("AUT-007")
@pytest.mark.operations("createProcess", "createProcessItem", "createWorker", "createAuthentication")
def test_nothing_is_made_in_a_foreign_tenant(operation, stranger, world, evidence):
    """With an id that the first tenant has used, in its process, or in its name."""
    tenant = str(world.bed.tenant_id).lower()
    call = world.good_call(operation.id)
    key = world.granted(world.send(call)).at("id")
    read = {"createProcess": world.read_process, "createProcessItem": world.read_item}.get(operation.id)
    before = read(key) if read else None
    exchange = world.send(call, caller=stranger)
    theirs = exchange.ok and str(exchange.at("tenantId")).lower() == tenant
    evidence.check("AUT-007", exchange, not theirs, expected="nothing of another tenant")
    if before is not None:
        evidence.unchanged("AUT-007", before, read(key), "a resource that another tenant cannot change")


@pytest.mark.requirement("AUT-006")
@pytest.mark.operations("findProcessItems")
def test_filter_by_a_foreign_process(operation, stranger, world, evidence):
    process = world.id_of(world.process())
    world.task(process)
    exchange = world.call(operation.id, query={"processId": process}, caller=stranger)
    shown = [row.get("id") for row in exchange.rows if same_id(row.get("processId"), process)]
    evidence.nothing("AUT-006", exchange, shown, "no row of another tenant's process")


@pytest.mark.requirement("AUT-007")
@pytest.mark.operations("createWorker", "createAuthentication")
def test_nothing_is_made_in_a_tenant_without_access(operation, world, evidence):
    """A server may refuse the tenant or take the caller's own, but not the one that is named."""
    unknown = str(uuid.uuid4())
    call = world.good_call(operation.id)
    exchange = world.send(call, body=call.body | {"tenantId": unknown})
    theirs, expected = same_id(exchange.at("tenantId"), unknown), f"nothing in the tenant {unknown}"
    evidence.check("AUT-007", exchange, not theirs, expected=expected)


@pytest.mark.requirement("AUT-006")
@pytest.mark.operations("lists")
def test_blank_filters_show_nothing_foreign(operation, strangers, world, evidence):
    """Whether a blank value means none, nothing or a mistake is open; but not everybody's."""
    foreign = {str(row["id"]).lower() for row in strangers}
    for parameter in operation.query_parameters:
        if parameter.is_array and parameter.name != "sort":
            exchange = world.call(operation.id, query={parameter.name: "", "size": ROWS})
            seen = foreign.intersection(exchange.keys)
            evidence.nothing("AUT-006", exchange, seen, f"no row of another tenant for a blank {parameter.name}")


@pytest.mark.requirement("AUT-006")
@pytest.mark.operations("findTenantUsers", "findPrincipals", "findProcessItems")
def test_filters_by_foreign_values(operation, strangers, world, second, evidence):
    """By what the other tenant has, alone and beside what is the caller's own."""
    foreign = {str(row["id"]).lower() for row in strangers}
    own = world.call(operation.id, query={"size": 1}).rows
    queries = []
    if operation.id == "findTenantUsers":
        users = [world.call("retrieveTenantUser", id=row["id"], caller=second) for row in strangers[:STRANGERS]]
        addresses = [user.at("principal.user.email") for user in users]
        queries = [{"email": address} for address in addresses if address]
        queries += [{"email": ["nobody@conformance.example.com", *filter(None, addresses)]}]
    if operation.id == "findProcessItems":
        queries = [{"processId": [row["processId"] for row in (*own, *strangers[:STRANGERS])]}]
        queries += [{"processId": strangers[0]["processId"], "type": ["TASK", "MESSAGE"]}]
    tenants = sorted({str(row["tenantId"]) for row in strangers if "tenantId" in row})[:1]
    if tenants and world.bed.tenant_id:
        queries += [{"tenantId": [world.bed.tenant_id, *tenants]}, {"tenantId": [*tenants, world.bed.tenant_id]}]
    for query in queries:
        exchange = world.call(operation.id, query=query | {"size": ROWS})
        seen = foreign.intersection(exchange.keys)
        evidence.nothing("AUT-006", exchange, seen, f"no row of another tenant for {' and '.join(query)}")
