"""What belongs to one tenant is out of another's reach. Needs credentials in a second tenant."""

from collections import Counter

import pytest

from kuflow_conformance.oracles import NotTested

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


def _ids(exchange):
    return {str(row.get("id")).lower() for row in exchange.rows}


@pytest.fixture
def own_tenants(world):
    """The tenants that the first credentials have access to: the test bed's, and any that two lists agree on.

    One list alone does not count, as that list may be the one that shows too much.
    """
    shown = Counter()
    for listing in ("findTenantUsers", "findProcesses", "findProcessItems", "findRobots"):
        rows = world.call(listing, query={"size": ROWS}).rows
        shown.update({str(row["tenantId"]).lower() for row in rows if "tenantId" in row})
    return {tenant for tenant, lists in shown.items() if lists > 1} | {str(world.bed.tenant_id).lower()}


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
            evidence.check(
                "AUT-005", exchange.refused, exchange, expected="a refusal (4xx) of another tenant's resource"
            )


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
        seen = sorted(_ids(exchange) & foreign)
        evidence.check(
            "AUT-006",
            not seen,
            exchange,
            expected="no row of another tenant",
            seen=f"{len(seen)} such rows: {seen[:2]}",
        )
