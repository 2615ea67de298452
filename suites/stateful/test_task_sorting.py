"""Tasks of our own in the order of moments that the rows of the list do not show."""

import pytest

from kuflow_conformance.oracles import NotTested


@pytest.mark.requirement("SRT-005")
@pytest.mark.parametrize("moment", ["claimedAt", "completedAt", "cancelledAt"])
def test_sorting_by_what_rows_do_not_show(moment, world, evidence, time_passes):
    """Tasks of our own, claimed, completed or cancelled one after the other."""
    processes, tasks = [], []
    for _ in range(3):
        processes.append(world.id_of(world.process()))
        tasks.append(world.id_of(world.task(processes[-1])))
    # Not in the order in which they were created, or the one could pass for the other.
    for position in (1, 2, 0):
        exchanges = []
        if moment != "cancelledAt":
            if not world.bed.claimable:
                raise NotTested("the credentials may claim no task")
            exchanges.append(world.call("claimProcessItemTask", id=tasks[position]))
        if moment == "completedAt":
            exchanges.append(world.call("completeProcessItemTask", id=tasks[position]))
        if moment == "cancelledAt":
            exchanges.append(world.call("cancelProcess", id=processes[position]))
        for exchange in exchanges:
            world.granted(exchange)
        time_passes(world.read_item(tasks[position]))
    order = [tasks[position].lower() for position in (1, 2, 0)]
    for direction, wanted in (("asc", order), ("desc", order[::-1])):
        query = {"processId": processes, "sort": f"{moment},{direction}", "size": 50}
        exchange = world.call("findProcessItems", query=query)
        seen = [key for key in exchange.keys if key in wanted]
        if sorted(seen) != sorted(wanted):
            raise NotTested("findProcessItems does not show the tasks that were made to be sorted")
        evidence.equal("SRT-005", exchange, seen, wanted, f"as the tasks by {moment} {direction}")
